"""Specifications of pictures become files: HTML for a browser, SVG and PNG for papers. No network, no browser.

Letters come from a package, Chinese ones too, so that a picture of them is the same bytes wherever it is drawn; a sign
that the package lacks is drawn by whatever letters a machine has. A page holds its scripts and
asks nothing of anybody: its own policy forbids it to.
"""

import json
from collections.abc import Sequence
from functools import cache

import pylopdf_fonts_zh_cn
import vl_convert

from optimizer.plan import Json
from optimizer.wording import Language

PICTURES = (".html", ".svg", ".png")
"""Kinds of files that a picture can be written as."""
SCALE = 2.0
"""Pixels of a PNG for one of the specification: sharp on today's screens and on paper."""
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
"""Of the page: its own scripts and nothing from anywhere."""
STYLE = (
    "body{margin:2rem auto;max-width:60rem;padding:0 1rem;color:#222;"
    "font-family:'Noto Sans SC','Microsoft YaHei','PingFang SC','Noto Sans CJK SC',sans-serif}"
    "figure{margin:0;overflow-x:auto}"
)
NO_NETWORK: list[str] = []
"""Addresses from which a specification may load: none."""


def picture(spec: Json, kind: str) -> bytes:
    """One picture as a file of this kind, the same bytes for the same specification.

    Args:
        spec: Vega-Lite, with its numbers inline.
        kind: one of PICTURES.

    Raises:
        ValueError: another kind, or a specification that cannot be drawn.
    """
    if kind == ".html":
        return page_of([spec], "zh" if _has_chinese(spec) else "en")
    _letters()
    if kind == ".svg":
        return vl_convert.vegalite_to_svg(spec, allowed_base_urls=NO_NETWORK).encode()
    if kind == ".png":
        return bytes(vl_convert.vegalite_to_png(spec, scale=SCALE, allowed_base_urls=NO_NETWORK))
    raise ValueError(f"{kind} is none of {', '.join(PICTURES)}")


def page_of(specs: Sequence[Json], lang: Language) -> bytes:
    """Several pictures on one page that needs nothing else."""
    figures = [f'<figure id="picture-{k}"></figure>' for k in range(len(specs))]
    calls = [f'vegaEmbed("#picture-{k}",{_script_data(spec)},options);' for k, spec in enumerate(specs)]
    name = {"zh": "晋衡图表", "en": "jinheng charts"}[lang]
    page = [
        f'<!doctype html><html lang="{"zh-CN" if lang == "zh" else "en"}"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>{name}</title><style>{STYLE}</style></head><body>",
        *figures,
        f"<script>{_scripts()}</script>",
        f"<script>const options={_script_data(_options(lang))};",
        *calls,
        "</script></body></html>\n",
    ]
    return "\n".join(page).encode()


def _options(lang: Language) -> Json:
    """`ast` keeps within a policy without eval; of the menu only what needs no network."""
    words = {
        "zh": {"CLICK_TO_VIEW_ACTIONS": "菜单", "SVG_ACTION": "存为 SVG", "PNG_ACTION": "存为 PNG"},
        "en": {"CLICK_TO_VIEW_ACTIONS": "menu", "SVG_ACTION": "save as SVG", "PNG_ACTION": "save as PNG"},
    }
    actions = {"export": True, "source": False, "compiled": False, "editor": False}
    return {"mode": "vega-lite", "ast": True, "renderer": "svg", "actions": actions, "i18n": words[lang]}


def _script_data(data: Json) -> str:
    """JSON inside a script: whatever a name holds, it cannot end the script or begin another."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _has_chinese(spec: Json) -> bool:
    return any("\u4e00" <= sign <= "\u9fff" for sign in json.dumps(spec.get("title"), ensure_ascii=False))


@cache
def _scripts() -> str:
    """Vega, Vega-Lite and Vega-Embed, about 900 kB; made once a process."""
    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")


@cache
def _letters() -> None:
    """Registers the package's letters, once a process."""
    vl_convert.register_font_directory(str(pylopdf_fonts_zh_cn.sans_path().parent))
