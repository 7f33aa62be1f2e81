"""What is odd about an event without being wrong: few doubts, each one seen in real files, each with its reason.

Faults are made where files are read; doubts about offers, where the market is read.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import numpy as np

from api.event_files import by_event
from api.plain_data import PlainData
from optimizer.eligibility import matches
from optimizer.events import Event
from optimizer.findings import Finding, warning
from optimizer.problem import Problem
from optimizer.quantities import E4, yuan
from optimizer.timeline import Deadlines

LARGE_EVENT_T = 10_000_000
"""Ten times the largest event that was ever published; one press report misprints 1.0999 Mt as 109.99 Mt."""
YEARS_AHEAD = 10
"""An event further away is a misprint of its year."""
THIN_BUDGET_YUAN_PER_T = 1
"""No market sells below: such a budget is mostly written in 万元."""
MARGIN_E4 = E4
"""Published events over-cover by 25 to 50 %."""


def doubts(problem: Problem, data: PlainData, epsilon_given: bool) -> list[Finding]:
    """Every doubt about the events and options of a problem, placed in its event file."""
    paths = by_event(data)
    found = []
    for event in problem.events:
        owner = paths.get(event.id, "")
        found += [replace(f, path=owner + f.path) for f in _of_event(problem, event)]
    if len(problem.events) == 1 and problem.events[0].priority is not None:
        zh, en = "只有一个活动, 优先级不起作用", "there is one event: its priority class changes nothing"
        found.append(warning("priority_alone", zh, en, path=paths.get(problem.events[0].id, "") + "priority"))
    if epsilon_given and problem.objective != "balanced":
        zh, en = "--epsilon 只对 balanced 起作用", "--epsilon matters only under the objective balanced"
        found.append(warning("epsilon_unused", zh, en, path="--epsilon"))
    return [f if f.path.startswith("--") else data.place([f])[0] for f in found]


def _of_event(problem: Problem, event: Event) -> Iterator[Finding]:
    yield from _amounts(event)
    yield from _dates(problem, event)
    yield from _names(problem, event)


def _amounts(event: Event) -> Iterator[Finding]:
    tonnes = event.emissions.emitted_kg // 1000
    if tonnes > LARGE_EVENT_T:
        yield warning(
            "emissions_large",
            "排放量超过一千万吨, 远高于任何公布过的大型活动; 请核对小数点与单位 (吨)",
            "above ten million tonnes, far more than any event ever published; check the point and the unit (t)",
            path="emissions.tonnes",
            value=tonnes,
        )
    if event.over_cover_e4 > MARGIN_E4:
        yield warning(
            "over_cover_large",
            "多抵销的比例超过一倍; 0.1 表示 10 %",
            "the margin is more than the emissions themselves; 0.1 means 10 %",
            path="over_cover",
        )
    total = None if event.budget is None else event.budget.total_fen
    if total is not None and 0 < total * 1000 < THIN_BUDGET_YUAN_PER_T * 100 * event.need_kg:
        yield warning(
            "budget_thin",
            "预算每吨不足 1 元; 单位应为元, 不是万元",
            "the budget is below 1 yuan a tonne; it should be in yuan, not in 10,000 yuan",
            path="budget.total",
            value=yuan(total),
        )


def _dates(problem: Problem, event: Event) -> Iterator[Finding]:
    deadline = Deadlines.of(event, problem.rule_pack).retirement
    if abs(event.end_date.year - problem.as_of.year) > YEARS_AHEAD:
        yield warning(
            "end_date_far",
            f"距计划日期 {problem.as_of} 超过 {YEARS_AHEAD} 年; 请核对年份",
            f"more than {YEARS_AHEAD} years from the day of the plan, {problem.as_of}; check the year",
            path="end_date",
            value=event.end_date,
        )
    if deadline < problem.as_of:
        yield warning(
            "deadline_past",
            f"一年期限已于 {deadline} 届满; 除新建林业外都来不及, 除非 settings.allow_late: true",
            f"the retirement deadline was {deadline}: only new forestry is in time, unless settings.allow_late",
            path="end_date",
            value=event.end_date,
        )
    verified: date | None = event.emissions.verified_on
    if verified is not None and verified < event.end_date:
        yield warning(
            "verified_early",
            f"核查日期早于活动结束日 {event.end_date}",
            f"verified before the event ended on {event.end_date}",
            path="emissions.verified_on",
            value=verified,
        )


def _names(problem: Problem, event: Event) -> Iterator[Finding]:
    """Names that no offer bears: a misspelt seller in a limit would silently bind nothing."""
    filters = [(f"limits[{k}].where", limit.where) for k, limit in enumerate(event.limits)]
    filters += [("eligibility.exclude", event.eligibility.exclude), ("eligibility.only", event.eligibility.only)]
    nowhere = np.zeros(len(problem.offers), dtype=np.int32)
    for path, wanted in filters:
        for key, values in (wanted or {}).items():
            if key == "tier":
                continue
            for value in values:
                if not matches(problem.offers, key, (value,), nowhere).any():
                    zh, en = "市场中没有这样的报价", "no offer of the market is like this"
                    yield warning("no_such_offer", zh, en, path=f"{path}.{key}", value=value)
