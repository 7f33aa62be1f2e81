"""What the pages of a budget show of a job: the question it was asked, and its result in the reader's language."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from api.access.scope import Scope
from api.archive import documents
from api.database.job_tables import jobs
from api.event_files import calendar_of
from api.pages.budget_results import calendar_from, curve_from, frontier_from, tier_names
from api.pages.listing import Column, Listing, listing
from api.pages.viewing import View
from api.plain_data import PlainData, plain_json
from optimizer.events import Calendar
from optimizer.findings import fault
from optimizer.quantities import E4, FEN_PER_YUAN, NotANumber, fen_of, tonnes, yuan
from optimizer.wording import Text
from scenarios.breakpoints import Point, between, rate_text, t_text, yuan_text
from scenarios.budgeting import BOUND_NAMES, CalendarBudget
from scenarios.curves import Curve
from scenarios.risk import DRIVER_NAMES
from scenarios.summary import MEASURE_NAMES, QUANTILES

KINDS: dict[str, Text] = {
    "calendar": Text("年度预算", "The year's budget"),
    "risk": Text("波动与来源", "Spread and its sources"),
    "budget": Text("预算曲线", "Budget curve"),
    "frontier": Text("推荐顺序的成本", "Cost of the order"),
}
"""The jobs of one question, in the order of their tabs."""
STATES: dict[str, tuple[Text, str]] = {
    "queued": (Text("等待中", "waiting"), ""),
    "running": (Text("计算中", "running"), "warn"),
    "done": (Text("已完成", "done"), "good"),
    "failed": (Text("失败", "failed"), "bad"),
    "cancelled": (Text("已取消", "cancelled"), ""),
}
LEVELS = (*QUANTILES, "CVaR95")
YUAN, TONNES = Text("元", "yuan"), Text("吨", "t")


@dataclass(frozen=True)
class Posed:
    """The question that a job was asked."""

    calendar: Calendar
    as_of: str
    snapshot_id: str | None
    options: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Of the calendar, or of its one event; "" where neither has one."""
        return self.calendar.name or (self.calendar.events[0].name if len(self.calendar.events) == 1 else "")


def posed(scope: Scope, row: Mapping[Any, Any]) -> Posed:
    """The question of a job of ours."""
    inputs = plain_json(documents.content_of(scope.c, row["inputs"]))
    named, question = inputs["named"], inputs["question"]
    event = named.get("event") or question.get("event")
    options = plain_json(documents.content_of(scope.c, row["request"]))["options"]
    return Posed(calendar_of(PlainData(event, ""), None), named["as_of"], named.get("snapshot_id"), options)


def siblings(scope: Scope, row: Mapping[Any, Any]) -> dict[str, Mapping[Any, Any]]:
    """Kind -> the job about the same question: of several the newest, rather in the same language, same draws."""
    rows, _ = scope.page(jobs, 100, None, jobs.c.inputs == row["inputs"], jobs.c.kind.in_(list(KINDS)))
    found: dict[str, Mapping[Any, Any]] = {}

    def likeness(one: Mapping[Any, Any]) -> tuple[bool, bool, int]:
        return one["request"] == row["request"], one["lang"] == row["lang"], one["number"]

    for one in sorted(rows, key=likeness):
        found[one["kind"]] = one
    return {**found, row["kind"]: row}


# --------------------------------------------------------------------------------------------------------- the results


def shown_result(view: View, kind: str, told: Mapping[str, Any], question: Posed) -> dict[str, Any]:
    """What the template of a kind is filled with. Raises BadInput: a sum of money that is none."""
    if kind == "calendar":
        return _year(view, told, question)
    if kind == "risk":
        return _spread(told)
    if kind == "budget":
        return _curve(view, told)
    return _order(view, told)


def _year(view: View, told: Mapping[str, Any], question: Posed) -> dict[str, Any]:
    budget = calendar_from(told)
    given = told["budget"]
    total = next(r for r in told["reserves"] if r["event_id"] is None and r["year"] is None)
    over = None
    if given is not None:
        exceeded = [level for level in QUANTILES if fen_of(total[level]) > fen_of(given)]
        over = {"level": exceeded[0], "by": yuan(fen_of(total[exceeded[0]]) - fen_of(given))} if exceeded else None
    return {
        "total": total,
        "years": [r for r in told["reserves"] if r["event_id"] is None and r["year"] is not None],
        "levels": LEVELS,
        "over": over,
        "given": given,
        "events": _events(view, told, question.calendar),
        "pooling": told["pooling"] if len(question.calendar.events) > 1 else (),
        "commitments": _commitments(view, budget),
    }


def _money(key: str, zh: str, en: str) -> Column:
    return Column(key, Text(zh, en), "money", unit=YUAN)


def _events(view: View, told: Mapping[str, Any], calendar: Calendar) -> Listing:
    """The year's events with what each needs."""
    reserves = {r["event_id"]: r for r in told["reserves"] if r["year"] is None}
    rows = [
        {
            **{"id": e.id, "name": e.name or e.id, "end_date": e.end_date.isoformat(), "need": tonnes(e.need_kg)},
            "estimated": e.emissions.status == "estimated",
            **{name: reserves[e.id][name] for name in ("planned", *LEVELS)},
        }
        for e in calendar.events
        if e.id in reserves
    ]
    columns = (
        Column("name", Text("活动", "Event"), "text"),
        Column("end_date", Text("结束日期", "Ends"), "day"),
        Column("need", Text("应抵销", "To offset"), "tonnes", unit=TONNES),
        _money("planned", "今日方案", "Today's plan"),
        *(_money(level, level, level) for level in LEVELS),
    )
    return listing(view.request, rows, columns, sort="end_date", name="events")


def _commitments(view: View, budget: CalendarBudget) -> Listing:
    rows = [
        {
            **{"event": c.event_id, "offer": c.offer_id, "t": tonnes(c.contracted_kg)},
            **{"planned": c.planned_on.isoformat(), "latest": c.latest.isoformat()},
            "why": BOUND_NAMES[c.bound].say(view.lang),
        }
        for c in budget.commitments
    ]
    columns = (
        Column("latest", Text("最迟购买日", "Latest day"), "day"),
        Column("event", Text("活动", "Event"), "text"),
        Column("offer", Text("报价", "Offer"), "text"),
        Column("t", Text("数量", "Quantity"), "tonnes", unit=TONNES),
        Column("planned", Text("方案购买日", "Planned on"), "day"),
        Column("why", Text("由于", "Because"), "text"),
    )
    return listing(view.request, rows, columns, sort="latest", name="dates", size=25)


def _spread(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "measures": [(name, MEASURE_NAMES[name], told["cost"][name]) for name in MEASURE_NAMES],
        "drivers": [(DRIVER_NAMES[d["driver"]], d) for d in told["drivers"]],
        "chances": [
            (Text("全部抵销", "everything is covered"), told["covered"]),
            *([(Text("不超预算", "within the budget"), told["within_budget"])] if told["within_budget"] else []),
        ],
    }


# ------------------------------------------------------------------------------------------------------------ the curve


def _curve(view: View, told: Mapping[str, Any]) -> dict[str, Any]:
    if told["against"] != "money":
        return {"rows": None, "typed": "", "at": None}
    curve, names = curve_from(told), tier_names(told, view.lang)
    bought = [r for r, _ in enumerate(names) if any(p.tiers[r] > 0 for p in curve.points)]
    prices = [m["yuan_per_t"] for m in told["marginals"]]
    rows = [
        {
            **{"money": p["money"], "covered": p["covered_t"], "short": p["shortfall_t"]},
            **{f"tier{r}": p["tiers"][r] for r in bought},
            "price": prices[k] if k < len(prices) else None,
        }
        for k, p in enumerate(told["points"])
    ]
    columns = (
        Column("money", Text("可用资金", "Money"), "money", unit=YUAN),
        Column("covered", Text("覆盖", "Covered"), "tonnes", unit=TONNES),
        Column("short", Text("缺口", "Short"), "tonnes", unit=TONNES),
        *(Column(f"tier{r}", _tier_head(r, len(names)), "tonnes", unit=TONNES) for r in bought),
        Column("price", Text("下一吨", "Next tonne"), "money", unit=YUAN),
    )
    own = told["own_budget"]
    default = told["enough"] if own is None else own["money"]
    money = view.request.query_params.get("money", "").strip() or default
    table = listing(view.request, rows, columns, name="points", size=100)
    return {"rows": table, "typed": money, "names": [(r, names[r]) for r in bought], "curve": told} | _at(
        curve, names, money
    )


def _tier_head(rank: int, ranks: int) -> Text:
    return Text("未列入顺序", "Unranked") if rank == ranks - 1 else Text(f"第 {rank + 1} 层", f"Tier {rank + 1}")


def _at(curve: Curve, names: list[str], money: str) -> dict[str, Any]:
    """What a sum of money covers; a sum that is none is a fault beside the field."""
    try:
        fen = fen_of(money.replace(",", "").replace("，", ""))
    except (NotANumber, ValueError):
        fen = -1
    if fen < 0:
        zh, en = "应为不小于 0 的金额, 至多两位小数", "should be an amount of 0 or more, at most two decimals"
        return {"at": None, "faults": [fault("money", zh, en, path="money", value=money)]}
    point = between(curve.points, Fraction(fen, FEN_PER_YUAN))
    after = next((m for m in curve.marginals if m.low.at <= point.at < m.high.at), None)
    tiers = [(names[r], t_text(t)) for r, t in enumerate(point.tiers) if t > 0]
    return {
        "at": {
            **{"money": yuan(fen), "covered": t_text(point.covered_t), "short": t_text(point.shortfall_t)},
            **{"share": _share(point.covered_t, point.required_t), "spent": yuan_text(point.spent), "tiers": tiers},
            "price": None if after is None or after.yuan_per_t is None else rate_text(after.yuan_per_t),
            "more_t": None if after is None or after.yuan_per_t is None else t_text(after.t_per_yuan * E4),
            "is_end": after is None,
        },
    }


def _share(part: Fraction, whole: Fraction) -> str:
    return str(float(part / whole)) if whole else "1"


# ------------------------------------------------------------------------------------------------------------ the order


def _order(view: View, told: Mapping[str, Any]) -> dict[str, Any]:
    frontier, names = frontier_from(told), tier_names(told, view.lang)
    least, full = frontier.points[0], frontier.points[-1]
    rows = [
        {
            **{"from": s["from"], "to": s["to"], "price": s["yuan_per_t"]},
            "gains": "" if s["gaining_tier"] is None else names[s["gaining_tier"] - 1],
            "t": "" if s["gaining_tier"] is None else t_text(_gain(low, high, s["gaining_tier"])),
        }
        for s, low, high in zip(told["stretches"], frontier.points[:-1], frontier.points[1:], strict=True)
    ]
    columns = (
        Column("from", Text("成本自", "Cost from"), "money", unit=YUAN),
        Column("to", Text("至", "to"), "money", unit=YUAN),
        Column("gains", Text("多得", "Buys more of"), "text"),
        Column("t", Text("数量", "Quantity"), "tonnes", unit=TONNES),
        Column("price", Text("每吨代价", "For each tonne"), "money", unit=YUAN),
    )
    return {
        "least": yuan_text(least.cost),
        "full": yuan_text(full.cost),
        "premium": yuan_text(full.cost - least.cost),
        "premium_share": None if not least.cost else str(float((full.cost - least.cost) / least.cost)),
        "knee": None if frontier.knee is None else yuan_text(frontier.knee.cost),
        "ends": {end["objective"]: end["cost"] for end in told["whole_lots"]},
        "tiers": [(n, t_text(a), t_text(b)) for n, a, b in zip(names, least.tiers, full.tiers, strict=True)],
        "stretches": listing(view.request, rows, columns, name="steps", size=100),
    }


def _gain(low: Point, high: Point, tier: int) -> Fraction:
    return high.tiers[tier - 1] - low.tiers[tier - 1]


def result_of_text(content: bytes) -> dict[str, Any]:
    """The result of a job as data."""
    found: dict[str, Any] = json.loads(content)
    return found
