"""Pictures for pages: the specifications of `scenarios/charts`, without what the page around them says itself.

Colours, letters and width are set where they are drawn (`static/pages.js`), so that a picture fits light and dark.
"""

import json

from fastapi import Response

from api.pages.viewing import secure_page
from optimizer.plan import Json

LEAST_WIDTH = 300
"""Pixels below which a picture is scrolled rather than squeezed."""


def chart_answer(spec: Json, *, least_width: int = LEAST_WIDTH) -> Response:
    """What `parts.chart` asks for: the picture without title, ground and margin.

    Args:
        spec: as the functions of `scenarios/charts` give it.
        least_width: pixels; pictures with words beside their bars need more.
    """
    kept = {k: v for k, v in spec.items() if k not in ("title", "background", "padding", "$schema")}
    kept |= {"background": "transparent", "padding": 0}
    kept["usermeta"] = {**spec.get("usermeta", {}), "leastWidth": least_width}
    answer = Response(json.dumps(kept, ensure_ascii=False, allow_nan=False), media_type="application/json")
    secure_page(answer)
    return answer
