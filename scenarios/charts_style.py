"""What all pictures share: colours, letters, units and numbers in the reader's language, and how parts become one.

A picture is a Vega-Lite specification as plain data, its numbers inline: it asks no network and holds no address but
that of its schema. Nothing is drawn here. Floats are good enough for eyes; exact numbers stand in the tables.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import altair as alt

from optimizer.plan import Json
from optimizer.wording import Language, Text

BLUE, ORANGE, GREEN, SKY, RED, PINK, YELLOW = (
    *("#0072B2", "#E69F00", "#009E73", "#56B4E9", "#D55E00", "#CC79A7", "#F0E442"),
)
"""Okabe and Ito (2008): told apart by colour-blind readers too."""
INK, QUIET, GRID, GAP = "#222222", "#595959", "#E3E3E3", "#BDBDBD"
TIER_COLOURS = (GREEN, BLUE, SKY, ORANGE, YELLOW, RED)
"""Of tier 1, 2 ..: the same in every picture. Beyond them they begin anew."""
UNRANKED_COLOUR = PINK
FONTS = "Noto Sans SC, Microsoft YaHei, PingFang SC, Noto Sans CJK SC, WenQuanYi Micro Hei, sans-serif"
"""The first is the one that pictures are drawn with; the others are those of readers' machines, for HTML."""
WIDTH, HEIGHT = 640, 400
"""Pixels of a whole picture."""
PANEL_WIDTH = 540
"""Of the plot in a picture of two panels; axes and labels take the rest."""
AXIS_ROOM = 64
"""Pixels left of panels above one another, so that their axes stand in line."""
SIZE = 13
"""Of letters, pixels: read at 640 x 400."""
LABEL_LIMIT = 230
"""Pixels of a name beside its bar; longer ones end in an ellipsis."""
COUNT = ",~f"
"""d3's format of a number with separators and no needless zeros."""
PERCENT = ".1~%"

UNRANKED = Text("未列入顺序", "unranked")
SHORT = Text("缺口", "uncovered")
TONNES = Text("吨", "t")


class Unit(NamedTuple):
    """In what money is shown."""

    yuan: float
    """Yuan in one of it."""
    name: Text

    def of(self, yuan: float) -> float:
        """A sum in this unit."""
        return yuan / self.yuan

    def say(self, yuan: float, lang: Language) -> str:
        """A sum in words."""
        return f"{number_text(self.of(yuan))} {self.name.say(lang)}"


def number_text(value: float) -> str:
    """A number as labels show it: four digits or so, grouped, never `-0`."""
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2
    text = f"{value:,.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text.replace("-", "\u2212")


YUAN = Unit(1, Text("元", "yuan"))
UNITS = {
    "zh": ((1e8, Unit(1e8, Text("亿元", ""))), (1e5, Unit(1e4, Text("万元", "")))),
    "en": ((1e7, Unit(1e6, Text("", "million yuan"))), (1e5, Unit(1e3, Text("", "thousand yuan")))),
}
"""From which largest sum on, yuan, each unit is used."""


def money_unit(sums: Iterable[float], lang: Language) -> Unit:
    """The unit in which these sums, yuan, are read most easily in this language."""
    most = max((abs(x) for x in sums), default=0.0)
    return next((unit for least, unit in UNITS[lang] if most >= least), YUAN)


# -------------------------------------------------------------------------------------------------------------- tiers


def tier_name(tier: int | None, lang: Language) -> str:
    """Of a legend; None: permitted but in no tier of the order."""
    return UNRANKED.say(lang) if tier is None else Text(f"第 {tier} 层", f"tier {tier}").say(lang)


def tier_scale(tiers: Iterable[int | None], lang: Language, *, gap: bool = False) -> Json:
    """The colours of these tiers, in order, unranked after them; with `gap` also that of what is left uncovered."""
    known = set(tiers)
    ranked = sorted(t for t in known if t is not None)
    names = [tier_name(t, lang) for t in ranked]
    colours = [TIER_COLOURS[(t - 1) % len(TIER_COLOURS)] for t in ranked]
    if None in known:
        names, colours = [*names, UNRANKED.say(lang)], [*colours, UNRANKED_COLOUR]
    if gap:
        names, colours = [*names, SHORT.say(lang)], [*colours, GAP]
    return {"domain": names, "range": colours}


# --------------------------------------------------------------------------------------------------- parts of pictures


def axis(name: str, title: str | None, kind: str = "quantitative", **more: Any) -> Json:
    """A position: field, title and what else there is to say of it."""
    return {"field": name, "type": kind, "title": title, **more}


def told(**fields: tuple[str, str, str]) -> list[Json]:
    """What shows under the pointer in HTML: field = (kind, title, format)."""
    return [
        {"field": name, "type": kind, "title": title} | ({"format": form} if form else {})
        for name, (kind, title, form) in fields.items()
    ]


def layer(rows: Sequence[Json], mark: str, encoding: Json, **looks: Any) -> Json:
    """One layer: rows, how they are marked, and what their fields mean."""
    return {"data": {"values": list(rows)}, "mark": {"type": mark, **looks}, "encoding": encoding}


def heading(title: str, subtitle: str | Sequence[str]) -> Json:
    """Title and subtitle, on the left."""
    lines = [line for line in ([subtitle] if isinstance(subtitle, str) else subtitle) if line]
    return {"text": title, "anchor": "start"} | ({"subtitle": lines} if lines else {})


LOOKS: Json = {
    "font": FONTS,
    "view": {"stroke": None},
    "title": {
        **{"fontSize": 17, "fontWeight": "normal", "color": INK, "offset": 14},
        **{"subtitleFontSize": SIZE, "subtitleColor": QUIET, "subtitlePadding": 6, "subtitleLineHeight": 18},
    },
    "axis": {
        **{"labelFontSize": SIZE, "titleFontSize": SIZE, "titleFontWeight": "normal", "titlePadding": 8},
        **{"labelColor": INK, "titleColor": INK, "gridColor": GRID, "tickColor": GAP, "domainColor": GAP},
        **{"labelLimit": LABEL_LIMIT, "labelOverlap": True},
    },
    "legend": {
        **{"labelFontSize": SIZE, "titleFontSize": SIZE, "titleFontWeight": "normal", "labelColor": INK},
        **{"orient": "bottom", "direction": "horizontal", "labelLimit": LABEL_LIMIT, "symbolStrokeWidth": 0},
        **{"columns": 6},
    },
    "text": {"fontSize": SIZE, "color": INK, "baseline": "middle"},
    "bar": {"discreteBandSize": {"band": 0.7}},
}


def picture_of(body: Json, title: Json) -> Json:
    """A whole picture of layers, or of several panels under `vconcat`, tested against the schema of Vega-Lite.

    Raises:
        jsonschema.ValidationError: the specification is none.
    """
    sized: Json = {} if "vconcat" in body else {"width": WIDTH, "height": HEIGHT, "autosize": FIT}
    whole = {"$schema": alt.SCHEMA_URL, "background": "white", "padding": 12, "config": LOOKS, "title": title}
    made = whole | sized | body
    kind: type[alt.LayerChart] | type[alt.VConcatChart] = alt.VConcatChart if "vconcat" in made else alt.LayerChart
    kind.validate(made)  # against its own kind: to try all that Vega-Lite knows takes ten times as long
    return made


FIT: Json = {"type": "fit", "contains": "padding"}


def nothing(title: Json, reason: Text, lang: Language) -> Json:
    """A picture that says why there is nothing to see."""
    text = layer([{"text": reason.say(lang)}], "text", {"text": {"field": "text", "type": "nominal"}}, fontSize=16)
    return picture_of({"layer": [text]}, title)
