"""Pictures of draws and of a calendar's budget as Vega-Lite specifications: result in, data out."""

from collections.abc import Mapping, Sequence

import numpy as np

from optimizer.plan import Json
from optimizer.program import Floats
from optimizer.quantities import FEN_PER_YUAN
from optimizer.wording import Language, Text
from scenarios.budgeting import CalendarBudget, Reserve
from scenarios.charts_style import (
    BLUE,
    COUNT,
    GAP,
    INK,
    LABEL_LIMIT,
    ORANGE,
    PANEL_WIDTH,
    QUIET,
    RED,
    SKY,
    Unit,
    axis,
    heading,
    layer,
    money_unit,
    nothing,
    number_text,
    picture_of,
    told,
)
from scenarios.risk import DRIVER_NAMES, DriverEffect, Risk
from scenarios.summary import QUANTILES, quantile
from scenarios.swept import Sweep

BINS = 40
"""Of the distribution at most: each some 14 pixels wide."""
BINS_PER_ROOT = 1.5
"""Bins grow with the square root of the draws, so that each holds a good many."""
WORD_STEP = 18
"""Pixels between the words at the top, one below the other, so that near lines do not hide them."""
WORD_ROOM = 0.28
"""Share of the height kept for these words."""
RIGHT_ROOM = 0.3
"""Share of the width kept free at the right, for the words of the last line."""
BAR_ROW, BAR_AROUND = 56, 150
"""Pixels of a bar with its gap, and of all around them."""
SHARES = tuple(k / 5 for k in range(-5, 11))
"""Marks of an axis of shares, those within its range."""
LEVELS: Mapping[str, tuple[str, str]] = {"P50": (BLUE, "circle"), "P80": (ORANGE, "square"), "P95": (RED, "diamond")}
"""Colour and shape of each level, so that colour alone never tells."""


def tornado_chart(risk: Risk, lang: Language) -> Json:
    """What drives the spread of the cost, ranked: the share of its variance that goes when this alone is known."""
    return drivers_chart(risk.drivers, risk.cost.quantiles["P95"].value, lang)


def drivers_chart(drivers: Sequence[DriverEffect], p95_yuan: float, lang: Language) -> Json:
    """The same of drivers alone, the largest share first; the cost's P95 says in which unit money is told."""
    title = Text("成本波动的来源", "What drives the spread of the cost").say(lang)
    note = Text(
        "单独已知时成本方差减少的份额; 后为对 P95 的影响",
        "share of the variance that goes when it alone is known, and its effect on P95",
    ).say(lang)
    if not drivers:
        return nothing(heading(title, note), Text("没有不确定的因素", "nothing is uncertain"), lang)
    unit = money_unit([p95_yuan], lang)
    bars: list[Json] = []
    for d in drivers:
        sign = "+" if d.p95_change_yuan > 0 else ""
        p95 = f"P95 {sign}{unit.say(d.p95_change_yuan, lang)}"
        words = f"{number_text(round(100 * d.spread_share, 1))} %, {p95}"
        bars.append({"name": DRIVER_NAMES[d.driver].say(lang), "x": d.spread_share, "text": words})
    order = [b["name"] for b in bars]
    low, high = min(0.0, *(d.spread_share for d in drivers)), max(0.05, *(d.spread_share for d in drivers))
    domain = [low, high + 0.6 * (high - low)]
    marks = [x for x in SHARES if low <= x <= max(high, 0.2)]
    share = Text("成本方差的份额", "share of the variance of cost").say(lang)
    place = {
        "y": axis("name", None, "nominal", sort=order, axis={"labelLimit": LABEL_LIMIT}),
        "x": axis(
            "x", share, axis={"format": ".0%", "grid": False, "values": marks}, scale={"domain": domain, "nice": False}
        ),
    }
    ends = [b | {"x": max(b["x"], 0.0)} for b in bars]
    words_at = place | {"text": {"field": "text", "type": "nominal"}}
    layers = [
        layer(bars, "bar", place, color=BLUE),
        layer(ends, "text", words_at, align="left", dx=6),
        layer([{"x": 0}], "rule", {"x": place["x"]}, color=GAP),
    ]
    return picture_of({"layer": layers, "height": BAR_AROUND + BAR_ROW * len(bars)}, heading(title, note))


def cost_distribution_chart(swept: Sweep, lang: Language, budget_fen: int | None = None) -> Json:
    """How often each cost came up, with P50, P80 and P95 and the line of the budget.

    Raises:
        BadInput: a sweep without draws.
    """
    cost = swept.cost_yuan if len(swept) else np.zeros(0)
    marks = {name: quantile(cost, share).value for name, share in QUANTILES.items()}
    unit = money_unit([float(cost.max())], lang)
    lines = [(name, value, LEVELS[name][0]) for name, value in marks.items()]
    if budget_fen is not None:
        lines.append((Text("预算", "budget").say(lang), budget_fen / FEN_PER_YUAN, INK))
    note = Text(f"{len(swept)} 次抽样, 种子 {swept.seed}", f"{len(swept)} draws, seed {swept.seed}").say(lang)
    return _distribution(_bins(cost, unit), sorted(lines, key=lambda line: line[1]), unit, lang, note)


type Line = tuple[str, float, str]
"""Name, yuan, colour."""


def _bins(cost: Floats, unit: Unit) -> list[Json]:
    """Counts between edges; draws that are all alike stand in one bin around them."""
    number = int(np.clip(np.sqrt(len(cost)) * BINS_PER_ROOT, 1, BINS))
    low, high = float(cost.min()), float(cost.max())
    slack = max(abs(low), 1.0) * 0.01 if high - low <= abs(low) * 1e-9 else 0.0
    counts, edges = np.histogram(cost, bins=1 if slack else number, range=(low - slack, high + slack))
    return [
        {"x": unit.of(a), "x2": unit.of(b), "n": int(n)}
        for a, b, n in zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True)
    ]


def _lines(lines: Sequence[Line], x: Json, unit: Unit, lang: Language) -> list[Json]:
    """Upright lines, each with its words at its upper end, right of it.

    From left to right each begins lower than the one before, so that no words cross a line.
    """
    parts = []
    for k, (name, value, colour) in enumerate(lines):
        row = [{"x": unit.of(value), "text": f"{name} {unit.say(value, lang)}"}]
        top = {"value": WORD_STEP // 2 + k * WORD_STEP}
        dash: Json = {} if name in LEVELS else {"strokeDash": [6, 4]}
        upright = {"x": x, "y": top, "y2": {"value": "height"}}
        parts.append(layer(row, "rule", upright, color=colour, strokeWidth=2, **dash))
        words = {"x": x, "y": top, "text": {"field": "text", "type": "nominal"}}
        parts.append(layer(row, "text", words, align="left", dx=6))
    return parts


def _distribution(bins: Sequence[Json], lines: Sequence[Line], unit: Unit, lang: Language, note: str) -> Json:
    cost = Text("成本", "cost").say(lang) + f" ({unit.name.say(lang)})"
    count = Text("抽样次数", "draws").say(lang)
    most = max(b["n"] for b in bins) / (1 - WORD_ROOM)
    ends = [*(b["x"] for b in bins), bins[-1]["x2"], *(unit.of(value) for _, value, _ in lines)]
    low, high = min(ends), max(ends)
    domain = [low - 0.02 * (high - low), high + RIGHT_ROOM * (high - low)]
    x = axis("x", cost, axis={"format": COUNT, "grid": False}, scale={"domain": domain, "zero": False, "nice": False})
    encoding = {
        "x": x,
        "x2": {"field": "x2"},
        "y": axis("n", count, axis={"format": COUNT, "tickMinStep": 1}, scale={"domain": [0, most], "nice": False}),
        "y2": {"datum": 0},
        "tooltip": told(
            x=("quantitative", Text("自", "from").say(lang), COUNT),
            x2=("quantitative", Text("至", "to").say(lang), COUNT),
            n=("quantitative", count, COUNT),
        ),
    }
    title = Text("成本分布", "Distribution of the cost").say(lang)
    bars = layer(bins, "bar", encoding, color=SKY, opacity=0.75, stroke="white", strokeWidth=1)
    return picture_of({"layer": [bars, *_lines(lines, x, unit, lang)]}, heading(title, note))


def calendar_chart(found: CalendarBudget, lang: Language) -> Json:
    """By fiscal year: today's plan, and what it takes to be safe at P50, P80 and P95; below, what pooling saves."""
    every = [r for r in found.reserves if r.event_id is None]
    if len(every) == len(ONE_YEAR):  # the only year is all years
        every = every[:1]
    unit = money_unit([r.quantiles_yuan["P95"] for r in every] + [r.planned_yuan for r in every], lang)
    note = [
        Text(f"{found.draws} 次抽样, 种子 {found.seed}", f"{found.draws} draws, seed {found.seed}").say(lang),
        Text("下: 计划之外的预备金", "below: the contingency beyond the plan").say(lang),
    ]
    title = heading(Text("年度预算", "Budget by fiscal year").say(lang), note)
    panels = [
        {"width": PANEL_WIDTH, "height": 190, "layer": _by_year(every, unit, lang)},
        {"width": PANEL_WIDTH, "height": 150, "layer": _pooling(found, lang)},
    ]
    return picture_of({"vconcat": panels, "spacing": 26, "resolve": {"scale": APART}}, title)


ONE_YEAR = ("the year", "ever")
"""Reserves of all events where there is one year."""
APART: Json = {"color": "independent", "shape": "independent", "x": "independent", "y": "independent"}


def _by_year(every: Sequence[Reserve], unit: Unit, lang: Language) -> list[Json]:
    def name(r: Reserve) -> str:
        return Text("合计", "all years").say(lang) if r.year is None else str(r.year)

    order = [name(r) for r in every]
    amount = Text("金额", "money").say(lang) + f" ({unit.name.say(lang)})"
    place = {
        "x": axis("year", None, "nominal", sort=order, axis={"labelAngle": 0}, scale={"paddingInner": 0.5}),
        "y": axis("y", amount, axis={"format": COUNT, "minExtent": 64}, scale={"zero": True}),
    }
    planned = Text("计划", "plan").say(lang)
    bars = [{"year": name(r), "y": unit.of(r.planned_yuan), "level": planned} for r in every]
    dots = [{"year": name(r), "y": unit.of(r.quantiles_yuan[level]), "level": level} for r in every for level in LEVELS]
    looks = {"domain": [planned, *LEVELS], "range": [GAP, *(colour for colour, _ in LEVELS.values())]}
    shapes = {"domain": [planned, *LEVELS], "range": ["square", *(shape for _, shape in LEVELS.values())]}
    colour = {
        "color": axis("level", None, "nominal", scale=looks),
        "shape": axis("level", None, "nominal", scale=shapes),
    }
    tips = told(year=("nominal", "", ""), level=("nominal", "", ""), y=("quantitative", amount, COUNT))
    return [
        layer(
            bars, "bar", place | {"color": colour["color"], "tooltip": tips}, size=min(90, PANEL_WIDTH / 2 / len(every))
        ),
        layer(dots, "point", place | colour | {"tooltip": tips}, filled=True, size=110, opacity=1),
    ]


def _pooling(found: CalendarBudget, lang: Language) -> list[Json]:
    kinds = [Text("分别预留", "each event its own").say(lang), Text("合并预留", "one for all").say(lang)]
    unit = money_unit([x for p in found.pooling for x in (p.separate_yuan, p.pooled_yuan)], lang)
    rows: list[Json] = [
        {"level": p.level, "kind": kind, "x": unit.of(value), "text": number_text(unit.of(value))}
        for p in found.pooling
        for kind, value in zip(kinds, (p.separate_yuan, p.pooled_yuan), strict=True)
    ]
    amount = Text("预备金", "contingency").say(lang) + f" ({unit.name.say(lang)})"
    place = {
        "y": axis("level", None, "nominal", sort=[p.level for p in found.pooling], axis={"minExtent": 64}),
        "yOffset": {"field": "kind", "type": "nominal", "sort": kinds},
        "x": axis("x", amount, axis={"format": COUNT}),
    }
    colour = axis("kind", None, "nominal", scale={"domain": kinds, "range": [GAP, BLUE]})
    words = place | {"text": {"field": "text", "type": "nominal"}}
    ends = [row | {"x": max(row["x"], 0.0)} for row in rows]
    return [
        layer(rows, "bar", place | {"color": colour}),
        layer(ends, "text", words, align="left", dx=5, dy=2, color=QUIET, fontSize=11),
    ]
