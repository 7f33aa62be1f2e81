"""Pictures of curves and comparisons as Vega-Lite specifications: one pure function a picture, result in, data out.

Curves are drawn through their exact breakpoints, each a point; between two of them everything is linear.
"""

from collections.abc import Sequence
from typing import NamedTuple

from optimizer.plan import Json, Plan, TierResult, Totals
from optimizer.wording import Language, Text
from scenarios.baselines import Measured
from scenarios.breakpoints import Point
from scenarios.charts_style import (
    AXIS_ROOM,
    BLUE,
    COUNT,
    GAP,
    INK,
    LABEL_LIMIT,
    ORANGE,
    PANEL_WIDTH,
    PERCENT,
    QUIET,
    RED,
    SHORT,
    SKY,
    TONNES,
    Unit,
    axis,
    heading,
    layer,
    money_unit,
    nothing,
    number_text,
    picture_of,
    tier_name,
    tier_scale,
    told,
)
from scenarios.curves import Curve
from scenarios.frontier import Frontier
from scenarios.side_by_side import SideBySide

SHOWN = 24
"""Scenarios of one picture: more names cannot be read; the table has all."""
MASS_KG_T = 0.0005
"""t. Less than half a kg is nothing to show."""
EDGE = 0.015
"""Share of the range left free at both ends, for the points there."""
ROW = 34
"""Pixels of a scenario's row; a picture grows by it beyond what fits."""
YEAR_COLOURS = ("#08306B", "#2B6DA9", "#6BAED6", "#9ECAE1", "#C6DBEF", "#DEEBF7")
"""Years are dark to light, in one hue that is no tier's."""

# ------------------------------------------------------------------------------------------------- exact curves


def frontier_chart(found: Frontier, lang: Language) -> Json:
    """Cost against the order, above; the tiers that each cost buys, below. The knee and both whole-lot ends marked."""
    unit = money_unit([float(p.cost) for p in found.points], lang)
    cost = Text("成本", "cost").say(lang) + f" ({unit.name.say(lang)})"
    away = Text("偏离顺序 (吨)", "away from the order (t)").say(lang)
    rows = [{"x": unit.of(float(p.cost)), "y": float(found.rank_t(p))} for p in found.points]
    x = _moving(cost, [r["x"] for r in rows] + [unit.of(float(end.cost)) for end in found.ends])
    place = {"x": x, "y": axis("y", away, axis={"minExtent": AXIS_ROOM, "format": COUNT})}
    tips = told(x=("quantitative", cost, COUNT), y=("quantitative", away, COUNT))
    above = [*_line(rows, place, tips)]
    if found.knee is not None:
        said = Text("拐点 ", "knee ").say(lang) + unit.say(float(found.knee.cost), lang)
        at: Json = {"x": unit.of(float(found.knee.cost)), "y": float(found.rank_t(found.knee)), "text": said}
        above.append(layer([at], "point", place, shape="diamond", size=150, filled=True, color=RED, opacity=1))
        words = place | {"text": {"field": "text", "type": "nominal"}}
        above.append(layer([at], "text", words, align="left", baseline="bottom", dx=9, dy=-5, color=RED))
    below = _tier_area([unit.of(float(p.cost)) for p in found.points], found.points, x, lang)
    ends = [{"x": unit.of(float(end.cost)), "y": 0} for end in found.ends]
    if ends:
        below.append(layer(ends, "point", {"x": x, "y": axis("y", BY_TIER.say(lang))}, **TRIANGLE))
    n = len(found.points)
    title = heading(
        Text("成本与推荐顺序", "Cost against the recommended order").say(lang),
        [
            Text(
                f"{n} 个精确折点; 第 r 层的一吨偏离 r - 1 吨", f"{n} exact breakpoints; a tonne in tier r is r - 1 away"
            ).say(lang),
            Text("三角: 整批采购时的最低成本与顺序优先", "triangles: cheapest and priority-first in whole lots").say(
                lang
            )
            if ends
            else "",
        ],
    )
    return _two_panels(above, below, title)


TONNES_AXIS: Json = {"minExtent": AXIS_ROOM, "format": COUNT}
BY_TIER = Text("各层数量 (吨)", "tonnes by tier")
TRIANGLE: Json = {"shape": "triangle-up", "size": 110, "filled": True, "color": INK, "opacity": 1, "yOffset": -6}
AGAINST = {
    "money": Text("可用资金", "money that may be spent"),
    "need": Text("应抵销量为现值的倍数", "need, as a multiple of the present one"),
    "margin": Text("超额抵销比例", "over-cover margin"),
}
CURVES = {
    "money": Text("预算与覆盖", "Coverage against the budget"),
    "need": Text("成本与排放量", "Cost against emissions"),
    "margin": Text("成本与超额抵销比例", "Cost against the over-cover margin"),
}


def curve_chart(curve: Curve, lang: Language) -> Json:
    """Against money: the tiers covered, and the price of the last tonne. Else: the cost, and the tiers it buys."""
    ats = [float(p.at) for p in curve.points]
    n = len(ats)
    title = heading(
        CURVES[curve.against].say(lang),
        Text(f"{n} 个精确折点, 其间为直线", f"{n} exact breakpoints, straight between them").say(lang),
    )
    if curve.against == "money":
        return _two_panels(*_of_money(curve, ats, lang), title)
    return _two_panels(*_of_need(curve, ats, lang), title)


def _of_money(curve: Curve, ats: Sequence[float], lang: Language) -> tuple[list[Json], list[Json]]:
    unit = money_unit(ats, lang)
    x = _moving(f"{AGAINST['money'].say(lang)} ({unit.name.say(lang)})", [unit.of(at) for at in ats])
    above = _tier_area([unit.of(at) for at in ats], curve.points, x, lang)
    covered = [{"x": unit.of(at), "y": float(p.covered_t)} for at, p in zip(ats, curve.points, strict=True)]
    place = {"x": x, "y": axis("y", BY_TIER.say(lang))}
    amount = Text("覆盖 (吨)", "covered (t)").say(lang)
    tips = told(x=("quantitative", x["title"], COUNT), y=("quantitative", amount, COUNT))
    need = {"y": float(curve.points[-1].required_t)}
    above += [*_line(covered, place, tips), layer([need], "rule", {"y": place["y"]}, strokeDash=[5, 4], color=INK)]
    price = Text("末吨价格 (元/吨)", "last tonne (yuan/t)").say(lang)
    steps = [
        {"x": unit.of(float(m.low.at)), "x2": unit.of(float(m.high.at)), "y": float(m.yuan_per_t)}
        for m in curve.marginals
        if m.yuan_per_t is not None
    ]
    spot = {
        "x": x,
        "x2": {"field": "x2"},
        "y": axis("y", price, axis={"minExtent": AXIS_ROOM}, scale=_from_zero(steps)),
    }
    below = [
        layer(steps, "rule", spot | {"tooltip": told(y=("quantitative", price, COUNT))}, color=BLUE, strokeWidth=3)
    ]
    return above, below


def _of_need(curve: Curve, ats: Sequence[float], lang: Language) -> tuple[list[Json], list[Json]]:
    unit = money_unit([float(p.cost) for p in curve.points], lang)
    x = _moving(AGAINST[curve.against].say(lang), ats, PERCENT if curve.against == "margin" else COUNT)
    cost = Text("成本", "cost").say(lang) + f" ({unit.name.say(lang)})"
    rows = [{"x": at, "y": unit.of(float(p.cost))} for at, p in zip(ats, curve.points, strict=True)]
    place = {"x": x, "y": axis("y", cost, axis={"minExtent": AXIS_ROOM, "format": COUNT}, scale={"zero": False})}
    tips = told(x=("quantitative", x["title"], ""), y=("quantitative", cost, COUNT))
    return _line(rows, place, tips), _tier_area(ats, curve.points, x, lang)


def _moving(title: str, values: Sequence[float], form: str = COUNT) -> Json:
    """The axis of what a curve is against, the same in both panels: all values, and a little room."""
    low, high = min(values), max(values)
    room = EDGE * ((high - low) or abs(high) or 1.0)
    scale = {"domain": [low - room, high + room], "zero": False, "nice": False}
    return axis("x", title, scale=scale, axis={"format": form, "tickCount": 7})


def _from_zero(rows: Sequence[Json]) -> Json:
    """A scale from 0; a picture of nothing has no size without one."""
    return {"zero": True} if rows else {"domain": [0, 1]}


def _line(rows: Sequence[Json], place: Json, tips: list[Json]) -> list[Json]:
    """A curve through its breakpoints, each a point."""
    points = layer(rows, "point", place | {"tooltip": tips}, filled=True, size=55, color=INK, opacity=1)
    return [layer(rows, "line", place, color=INK, strokeWidth=2), points]


def _tier_area(xs: Sequence[float], points: Sequence[Point], x: Json, lang: Language) -> list[Json]:
    """Effective tonnes of each tier, stacked; what is never bought is left out. A single point becomes a bar."""
    last = len(points[0].tiers)
    # A legend of no colours has no size: where nothing is bought, tier 1 shows that.
    bought = [r for r in range(1, last + 1) if any(p.tiers[r - 1] > MASS_KG_T for p in points)] or [1]
    keys = {r: None if r == last else r for r in bought}
    rows = [
        {"x": at, "y": float(p.tiers[r - 1]), "tier": tier_name(keys[r], lang), "rank": r}
        for at, p in zip(xs, points, strict=True)
        for r in bought
    ]
    encoding = {
        "x": x,
        "y": axis("y", BY_TIER.say(lang), stack="zero", axis=TONNES_AXIS),
        "color": axis("tier", None, "nominal", scale=tier_scale(keys.values(), lang)),
        "order": {"field": "rank", "type": "quantitative"},
    }
    mark: Json = {"mark": "bar", "size": 60} if len(points) == 1 else {"mark": "area", "opacity": 0.85}
    return [layer(rows, encoding=encoding, **mark)]


def _two_panels(above: list[Json], below: list[Json], title: Json) -> Json:
    panels = [{"width": PANEL_WIDTH, "height": height, "layer": part} for height, part in ((200, above), (130, below))]
    # Only the lower panel names what both are against.
    for part in above:
        if "x" in part["encoding"]:
            part["encoding"] = part["encoding"] | {"x": part["encoding"]["x"] | {"title": None}}
    return picture_of({"vconcat": panels, "spacing": 18}, title)


# --------------------------------------------------------------------------------------------------- side by side


class _Shown(NamedTuple):
    """One row of a comparison: its name, and what there is to draw of it."""

    name: str
    tiers: Sequence[TierResult]
    totals: Totals | None
    """None: it failed."""
    years: Sequence[tuple[int, float]]
    """Fiscal year and what is paid in it, yuan."""


def _shown(result: SideBySide | Plan, lang: Language) -> list[_Shown]:
    """The rows of a picture, each under a name of its own."""
    if isinstance(result, Plan):
        name = Text("本方案", "this plan").say(lang)
        return [_Shown(name, result.tiers, result.totals, list(_paid(result).items()))]
    titles = [row.title.say(lang) for row in result.rows]
    rows = []
    for row, title in zip(result.rows[:SHOWN], titles[:SHOWN], strict=True):
        name = title if titles.count(title) == 1 else f"{title} ({row.name})"
        tiers = () if row.bought is None else row.bought.tiers
        years = {} if row.bought is None else _paid(row.bought)
        rows.append(_Shown(name, tiers, row.totals, list(years.items())))
    return rows


def _paid(bought: Plan | Measured) -> dict[int, float]:
    """Yuan by fiscal year, every event once: the shared budget's rows already hold all events together."""
    rows = [f for f in bought.fiscal_years if f.event_id is None] or bought.fiscal_years
    paid: dict[int, float] = {}
    for f in rows:
        paid[f.year] = paid.get(f.year, 0.0) + float(f.spent)
    return dict(sorted(paid.items()))


def _names(rows: Sequence[_Shown]) -> Json:
    """The axis of names, in the order of the rows."""
    order = [row.name for row in rows]
    return axis("name", None, "nominal", sort=order, scale={"domain": order}, axis={"labelLimit": LABEL_LIMIT})


def _rows_picture(layers: list[Json], rows: Sequence[_Shown], title: Json) -> Json:
    """A picture with a row a scenario: as high as they need."""
    height = max(220, 150 + ROW * len(rows))
    return picture_of({"layer": layers, "height": height}, title)


def _more(result: SideBySide | Plan, lang: Language) -> str:
    """That there are more scenarios than the picture shows."""
    left = 0 if isinstance(result, Plan) else len(result.rows) - SHOWN
    return Text(f"另有 {left} 个情景见表", f"{left} more scenarios are in the table").say(lang) if left > 0 else ""


def tier_mix_chart(result: SideBySide | Plan, lang: Language) -> Json:
    """Tonnes by tier of each scenario, and what it leaves uncovered; a scenario that failed has no bar."""
    rows = _shown(result, lang)
    parts, gap, used = list[Json](), False, set[int | None]()
    for row in rows:
        for k, tier in enumerate(row.tiers, start=1):
            bought, key = float(tier.effective_t), None if k == len(row.tiers) else tier.tier
            if bought > MASS_KG_T:
                used.add(key)
                parts.append({"name": row.name, "tier": tier_name(key, lang), "t": bought, "rank": k})
        short = 0.0 if row.totals is None else float(row.totals.shortfall_t)
        if short > MASS_KG_T:
            gap = True
            parts.append({"name": row.name, "tier": SHORT.say(lang), "t": short, "rank": len(row.tiers) + 1})
    title = heading(Text("各层用量", "Mix of tiers").say(lang), _more(result, lang))
    amount = Text("有效抵销量 (吨)", "effective (t)").say(lang)
    encoding: Json = {
        "y": _names(rows),
        "x": axis("t", amount, stack="zero", axis={"format": COUNT}),
        "color": axis("tier", None, "nominal", scale=tier_scale(used, lang, gap=gap)),
        "order": {"field": "rank", "type": "quantitative"},
        "tooltip": told(
            name=("nominal", "", ""), tier=("nominal", "", ""), t=("quantitative", TONNES.say(lang), COUNT)
        ),
    }
    failed = [{"name": r.name, "t": 0, "text": Text("失败", "failed").say(lang)} for r in rows if r.totals is None]
    layers = [layer(parts, "bar", encoding)]
    if failed:
        layers.append(_end_words(failed, rows, encoding["x"] | {"stack": None}))
    return _rows_picture(layers, rows, title)


def _end_words(cells: Sequence[Json], rows: Sequence[_Shown], x: Json) -> Json:
    """Words at the end of rows."""
    place = {"y": _names(rows), "x": x, "text": {"field": "text", "type": "nominal"}}
    return layer(cells, "text", place, align="left", dx=5, color=QUIET)


def cash_flow_chart(result: SideBySide | Plan, lang: Language) -> Json:
    """What is paid in each fiscal year: of a plan as columns with its budgets, of scenarios as parts of a bar."""
    rows = _shown(result, lang)
    title = Text("按财政年度的支出", "Cash flow by fiscal year").say(lang)
    sums = [sum(paid for _, paid in row.years) for row in rows]
    unit = money_unit(sums, lang)
    if not any(sums):
        return nothing(heading(title, ""), Text("没有支出", "nothing is paid"), lang)
    if isinstance(result, Plan):
        return _columns(result, unit, title, lang)
    years = sorted({year for row in rows for year, _ in row.years})
    parts = [
        {"name": row.name, "year": str(year), "paid": unit.of(paid), "rank": year}
        for row in rows
        for year, paid in row.years
        if paid
    ]
    amount = Text("支出", "paid").say(lang) + f" ({unit.name.say(lang)})"
    colours = [YEAR_COLOURS[k % len(YEAR_COLOURS)] for k in range(len(years))]
    encoding = {
        "y": _names(rows),
        "x": axis("paid", amount, stack="zero", axis={"format": COUNT}),
        "color": axis("year", None, "ordinal", scale={"domain": [str(y) for y in years], "range": colours}),
        "order": {"field": "rank", "type": "quantitative"},
        "tooltip": told(name=("nominal", "", ""), year=("ordinal", "", ""), paid=("quantitative", amount, COUNT)),
    }
    return _rows_picture([layer(parts, "bar", encoding)], rows, heading(title, _more(result, lang)))


def _columns(made: Plan, unit: Unit, title: str, lang: Language) -> Json:
    """A column a year, and a line where its budget ends."""
    paid = _paid(made)
    shared = [f for f in made.fiscal_years if f.event_id is None] or list(made.fiscal_years)
    limits = {
        year: sum(float(f.budget) for f in shared if f.year == year and f.budget is not None)
        for year in paid
        if all(f.budget is not None for f in shared if f.year == year)
    }
    amount = Text("支出", "paid").say(lang) + f" ({unit.name.say(lang)})"
    year = axis("year", None, "ordinal", axis={"labelAngle": 0}, scale={"paddingInner": 0.5, "paddingOuter": 0.4})
    place = {"x": year, "y": axis("y", amount, axis={"format": COUNT})}
    columns = [{"year": str(y), "y": unit.of(v), "text": unit.say(v, lang)} for y, v in paid.items()]
    lines = [{"year": str(y), "y": unit.of(v)} for y, v in limits.items()]
    words = place | {"text": {"field": "text", "type": "nominal"}}
    layers = [layer(columns, "bar", place, color=BLUE), layer(columns, "text", words, dy=-9)]
    if lines:
        layers.append(layer(lines, "tick", place, color=RED, opacity=1, thickness=3, orient="horizontal", bandSize=120))
    note = Text("横线: 该年度预算", "lines: budgets of the years").say(lang) if lines else ""
    return picture_of({"layer": layers}, heading(title, note))


def cost_change_chart(result: SideBySide, lang: Language) -> Json:
    """What each scenario costs more or less than the base, the dearest first; what it leaves uncovered is told."""
    others = [
        (shown, change / 100, row)
        for shown, row in zip(_shown(result, lang), result.rows, strict=False)
        if row is not result.base and (change := result.change(row, "cost")) is not None
    ]
    others.sort(key=lambda x: -x[1])
    title = Text("成本与基准之差", "Change of cost from the base").say(lang)
    if not others:
        return nothing(heading(title, ""), Text("没有可比的情景", "no scenario to compare"), lang)
    unit = money_unit([change for _, change, _ in others], lang)
    rows = [shown for shown, _, _ in others]
    bars: list[Json] = [
        {"name": s.name, "x": unit.of(v), "kind": _kind(v, lang), "text": _change_words(s, v, unit, lang)}
        for s, v, _ in others
    ]
    amount = Text("成本之差", "change of cost").say(lang) + f" ({unit.name.say(lang)})"
    kinds = [Text("更贵", "dearer").say(lang), Text("更省", "cheaper").say(lang)]
    colour = axis("kind", None, "nominal", scale={"domain": kinds, "range": [ORANGE, SKY]})
    place = {"y": _names(rows), "x": axis("x", amount, axis={"format": COUNT, "grid": False}, scale=_room(bars))}
    words = [b | {"x": max(b["x"], 0.0)} for b in bars]
    layers = [layer(bars, "bar", place | {"color": colour}), _end_words(words, rows, place["x"])]
    layers.append(layer([{"x": 0}], "rule", {"x": place["x"]}, color=GAP))
    return _rows_picture(layers, rows, heading(title, _more(result, lang)))


def _kind(change: float, lang: Language) -> str:
    return (Text("更贵", "dearer") if change > 0 else Text("更省", "cheaper")).say(lang)


def _change_words(shown: _Shown, change: float, unit: Unit, lang: Language) -> str:
    text = f"{number_text(unit.of(change))}"
    text = text if change <= 0 else f"+{text}"
    short = 0.0 if shown.totals is None else float(shown.totals.shortfall_t)
    if short <= MASS_KG_T:
        return text
    return text + Text(f", 缺 {number_text(short)} 吨", f", {number_text(short)} t short").say(lang)


def _room(bars: Sequence[Json]) -> Json:
    """A domain with room for words right of the bars."""
    low, high = min(0.0, *(b["x"] for b in bars)), max(0.0, *(b["x"] for b in bars))
    width = (high - low) or 1.0
    return {"domain": [low - EDGE * width, high + 0.4 * width], "nice": False}
