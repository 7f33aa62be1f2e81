"""The budget curve as one explores it: the breakpoint nearest to the pointer, and a line at any sum of money."""

from collections.abc import Sequence

from optimizer.plan import Json
from optimizer.wording import Language, Text
from scenarios.breakpoints import rate_text, t_text, yuan_text
from scenarios.charts import curve_chart
from scenarios.charts_style import INK, QUIET, RED, money_unit
from scenarios.curves import Curve

AT = "at"
"""The parameter that moves the line: money in the picture's unit; null hides it."""
NEAR = "near"
"""The breakpoint nearest to the pointer."""


def budget_cursor_chart(curve: Curve, tier_names: Sequence[str], lang: Language) -> Json:
    """The curve against money, with its breakpoints under the pointer.

    `usermeta.yuan` says how many yuan one of the axis is; `k` of a row under the pointer is the breakpoint's number.
    """
    spec = curve_chart(curve, lang)
    unit = money_unit([float(p.at) for p in curve.points], lang)
    above, below = (panel["layer"] for panel in spec["vconcat"])
    x = above[0]["encoding"]["x"] | {"title": None}
    rows, told = _fields(_rows(curve, tier_names, unit.yuan, lang))
    shown_when_near = {"condition": {"param": NEAR, "empty": False, "value": 1}, "value": 0}
    near = {"x": x, "opacity": shown_when_near}
    y = above[0]["encoding"]["y"]
    above += [
        _at_rule(x),
        {
            "data": {"values": rows},
            "mark": {"type": "rule", "color": QUIET, "strokeDash": [3, 3]},
            "encoding": near,
        },
        {
            "data": {"values": rows},
            "params": [
                {
                    "name": NEAR,
                    "select": {
                        **{"type": "point", "on": "pointerover", "clear": "pointerout", "nearest": True},
                        "encodings": ["x"],
                    },
                }
            ],
            "mark": {"type": "point", "filled": True, "size": 140, "color": RED},
            "encoding": {**near, "y": y | {"field": "y", "stack": None}, "tooltip": told},
        },
    ]
    below.append(_at_rule(below[0]["encoding"]["x"]))
    return spec | {"params": [{"name": AT, "value": None}], "usermeta": {"yuan": unit.yuan}}


def _at_rule(x: Json) -> Json:
    """An upright line where the parameter says."""
    return {
        "data": {"values": [{}]},
        "transform": [{"calculate": AT, "as": "x"}, {"filter": "isValid(datum.x)"}],
        "mark": {"type": "rule", "color": INK, "strokeWidth": 2},
        "encoding": {"x": x},
    }


def _rows(curve: Curve, tier_names: Sequence[str], unit_yuan: float, lang: Language) -> list[Json]:
    """One a breakpoint: where it is, and what is told of it."""
    prices = [None if m.yuan_per_t is None else rate_text(m.yuan_per_t) for m in curve.marginals]
    names = {
        "money": Text("可用资金 (元)", "money (yuan)").say(lang),
        "covered": Text("覆盖 (吨)", "covered (t)").say(lang),
        "short": Text("缺口 (吨)", "short (t)").say(lang),
        "price": Text("下一吨 (元)", "next tonne (yuan)").say(lang),
    }
    rows: list[Json] = []
    for k, point in enumerate(curve.points):
        told = {names["money"]: _grouped(yuan_text(point.at)), names["covered"]: _grouped(t_text(point.covered_t))}
        if point.shortfall_t > 0:
            told[names["short"]] = _grouped(t_text(point.shortfall_t))
        told |= {name: _grouped(t_text(t)) for name, t in zip(tier_names, point.tiers, strict=True) if t > 0}
        price = prices[k] if k < len(prices) else None
        if price is not None:
            told[names["price"]] = _grouped(price)
        rows.append({"k": k, "x": float(point.at) / unit_yuan, "y": float(point.covered_t), **told})
    every = {name: None for row in rows for name in row}
    return [{name: row.get(name, "–") for name in every} for row in rows]


def _fields(rows: Sequence[Json]) -> tuple[list[Json], list[Json]]:
    """Rows under plain names, and what the pointer tells of them: Vega reads an apostrophe in a name as code."""
    plain = {name: f"told{k}" for k, name in enumerate(n for n in rows[0] if n not in ("k", "x", "y"))}
    renamed = [{plain.get(name, name): value for name, value in row.items()} for row in rows]
    return renamed, [{"field": field, "type": "nominal", "title": name} for name, field in plain.items()]


def _grouped(text: str) -> str:
    whole, point, rest = text.partition(".")
    return f"{int(whole):,}{point}{rest}"
