"""When money or supply is short: what the limits allow, the least extra budget, the cheapest repairs, each solved."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from optimizer.chain import WorkLimits
from optimizer.eligibility import BIT
from optimizer.events import EXTRA_BUDGET, LevelSpec
from optimizer.explain import has_budget, without_budget
from optimizer.limits import limit_groups
from optimizer.offer_groups import Limit
from optimizer.problem import Problem, bare_calendar
from optimizer.program import Index
from optimizer.rule_pack import read_rule_pack, shipped_rule_packs
from optimizer.solution import Solution, solve
from optimizer.wording import Text

REPAIRS_SHOWN = 5


@dataclass(frozen=True)
class Repair:
    """A change of the problem, solved."""

    kind: str
    change: Text
    shortfall_t: Fraction
    cost_yuan: Fraction
    extra_budget_yuan: Fraction | None = None
    additions: tuple[tuple[str, str, Fraction], ...] = ()
    """(owner, budget row, yuan) for the repair `extra_budget`."""


COVER_CHEAPLY = (LevelSpec(level="shortfall"), LevelSpec(level="cost"))


def repairs(solution: Solution, limits: WorkLimits) -> list[Repair]:
    """At most five, ranked by what they leave uncovered, then by cost; only such as leave less than the plan."""
    found = []
    extra = extra_budget(solution.problem, limits)
    if extra is not None:
        found.append(extra)
    for kind, change, variant in candidates(solution):
        solved = solve(variant.with_objective(COVER_CHEAPLY), limits, prove=False)
        found.append(Repair(kind, change, solved.shortfall_t, solved.cost_yuan))
    better = [r for r in found if r.shortfall_t < solution.shortfall_t]
    return sorted(better, key=lambda r: (r.shortfall_t, r.cost_yuan, r.kind))[:REPAIRS_SHOWN]


def extra_budget(problem: Problem, limits: WorkLimits) -> Repair | None:
    """The least sum of additions to the budget rows for which the most is covered; None without a budget."""
    if not has_budget(problem):
        return None
    levels = (
        LevelSpec(level="shortfall"),
        LevelSpec.model_construct(level=EXTRA_BUDGET, relative_e4=0, absolute_e4=0),
        LevelSpec(level="cost"),
    )
    solved = solve(problem.with_objective(levels).replace(soft_budgets=True), limits, prove=False)
    added = tuple((str(key[1]), str(key[2]), fen / 100) for key, fen in solved.measure.additions())
    total = solved.measure.extra_budget_fen() / 100
    return Repair("extra_budget", Text("增加预算", "more budget"), solved.shortfall_t, solved.cost_yuan, total, added)


def candidates(solution: Solution) -> Iterator[tuple[str, Text, Problem]]:
    """Each max share lifted, unranked, late, ex-ante and stale admitted, each other rule pack: where it can matter."""
    problem, reasons = solution.problem, solution.screening.reasons
    yield from _limits_lifted(problem)
    if np.any(reasons & BIT["unranked"]):
        yield (
            "unranked",
            Text("接受未列入推荐顺序的工具", "admit means outside the recommended order"),
            problem.with_settings(unranked=True),
        )
    if problem.rule_pack.retirement.in_principle and np.any(reasons & BIT["too_late"]):
        yield (
            "allow_late",
            Text("接受超过一年的注销 (须说明)", "admit retirement after one year (to be explained)"),
            problem.with_settings(allow_late=True),
        )
    if problem.settings.forestry_accrual == "accrued" and problem.offers.instrument.isin(("forestry",)).any():
        yield (
            "ex_ante",
            Text("林业碳汇按预计总量计入", "count the whole expected forestry delivery (ex ante)"),
            problem.with_settings(forestry_accrual="ex_ante"),
        )
    if np.any(reasons & BIT["stale"]):
        yield "stale", Text("接受陈旧报价", "admit stale quotes"), problem.with_settings(stale="admit")
    for name in shipped_rule_packs():
        if name != problem.rule_pack.id:
            pack = read_rule_pack(name)
            yield f"policy {name}", Text(f"改用规则包 {name}", f"use rule pack {name}"), problem.replace(rule_pack=pack)


def _limits_lifted(problem: Problem) -> Iterator[tuple[str, Text, Problem]]:
    """One variant for each distinct max share, lifted for every event that has it."""
    distinct: dict[tuple[str, int], Limit] = {}
    for event in problem.events:
        for limit in event.limits:
            if limit.max_share_e4 is not None:
                distinct.setdefault((limit.name, limit.max_share_e4), limit)
    for name, share in sorted(distinct):
        words = Text(f"取消上限: {name} ≤ {share / 100:g} %", f"lift the cap: {name} <= {share / 100:g} %")
        yield "max_share", words, lifted(problem, name, share)


def lifted(problem: Problem, name: str, share_e4: int) -> Problem:
    """The problem without the max shares of this name and size; a min share beside one stays."""

    def kept(limit: Limit) -> Limit | None:
        if (limit.name, limit.max_share_e4) != (name, share_e4):
            return limit
        return None if limit.min_share_e4 is None else limit.model_copy(update={"max_share_e4": None})

    events = tuple(
        e.model_copy(update={"limits": tuple(k for x in e.limits if (k := kept(x)) is not None)})
        for e in problem.events
    )
    return problem.replace(calendar=bare_calendar(problem.calendar).model_copy(update={"events": events}))


@dataclass(frozen=True)
class Cause:
    """What a rule or the supply allows at most."""

    event_id: str
    code: str
    message: Text
    at_most_t: Fraction
    required_t: Fraction


def diagnose(solution: Solution, limits: WorkLimits) -> list[Cause]:
    """Why an event is short, in amounts.

    Its whole eligible supply, what each max share lets its groups cover together, the budget, and pairs of limits that
    contradict each other.
    """
    problem, arcs = solution.problem, solution.arcs
    n = problem.rule_pack.n_tiers
    causes = []
    for e, event in enumerate(problem.events):
        if solution.measure.gap_kg(e, n + 1) == 0:
            continue
        need = Fraction(event.need_kg, 1000)
        mine = np.flatnonzero(arcs.event == e)
        supply = _supply(solution, mine)
        if supply < need:
            causes.append(Cause(event.id, "supply", Text("可用供给不足", "eligible supply falls short"), supply, need))
        for limit in event.limits:
            if limit.max_share_e4 is None:
                continue
            at_most = _under(solution, mine, limit, need)
            if at_most < need:
                words = Text(
                    f"上限 {limit.name} ≤ {limit.max_share_e4 / 100:g} %",
                    f"cap {limit.name} <= {limit.max_share_e4 / 100:g} %",
                )
                causes.append(Cause(event.id, "max_share", words, at_most, need))
    if has_budget(problem):
        covering = replace(limits, until="covered")
        free = solve(without_budget(problem).with_objective(COVER_CHEAPLY), covering, prove=False)
        if free.shortfall_t < solution.shortfall_t:
            need = Fraction(sum(e.need_kg for e in problem.events), 1000)
            causes.append(
                Cause(
                    "",
                    "budget",
                    Text("预算不足", "the budget falls short"),
                    need - solution.shortfall_t,
                    need - free.shortfall_t,
                )
            )
    return causes + list(_contradictions(solution, limits))


def _contradictions(solution: Solution, limits: WorkLimits) -> Iterator[Cause]:
    """Min shares that are missed, and the max shares without which they would be missed less."""
    problem = solution.problem
    for e, event in enumerate(problem.events):
        for k, wanted in enumerate(event.limits):
            if wanted.min_share_e4 is None or (missed := solution.measure.missed_kg(e, k)) == 0:
                continue
            required = Fraction(wanted.min_share_e4 * event.need_kg, 10_000 * 1000)
            reached = required - missed / 1000
            rule = f"{wanted.name} >= {wanted.min_share_e4 / 100:g} %"
            alone = solve(problem.with_objective((LevelSpec(level="rules"),)), limits, prove=False).measure.level(
                "rules"
            )
            for cap in event.limits:
                if cap.max_share_e4 is None:
                    continue
                free = solve(
                    lifted(problem, cap.name, cap.max_share_e4).with_objective((LevelSpec(level="rules"),)),
                    limits,
                    prove=False,
                )
                if free.measure.level("rules") < alone:
                    other = f"{cap.name} <= {cap.max_share_e4 / 100:g} %"
                    yield Cause(
                        event.id,
                        "contradiction",
                        Text(f"{rule} 与 {other} 冲突", f"{rule} contradicts {other}"),
                        reached,
                        required,
                    )
            yield Cause(event.id, "min_share", Text(f"未达到 {rule}", f"{rule} is missed"), reached, required)


def _supply(solution: Solution, members: Index) -> Fraction:
    """What the offers of these arcs can cover in all, each at its best, t."""
    best: dict[int, Fraction] = {}
    arcs, offers = solution.arcs, solution.problem.offers
    for a in members.tolist():
        i = int(arcs.offer[a])
        best[i] = max(
            best.get(i, Fraction(0)), Fraction(int(arcs.eta_e8[a]) * int(offers.quantity_kg[i]), 10**8 * 1000)
        )
    return sum(best.values(), Fraction(0))


def _under(solution: Solution, mine: Index, limit: Limit, need: Fraction) -> Fraction:
    """What can be covered under one max share alone: each group up to its cap, the rest up to its supply, t."""
    members, group, names = limit_groups(solution.problem, solution.arcs, mine, limit)
    cap = need * Fraction(limit.max_share_e4 or 0, 10_000)
    grouped = sum((min(cap, _supply(solution, members[group == g])) for g in range(len(names))), Fraction(0))
    outside = np.setdiff1d(mine, members)
    return grouped + _supply(solution, outside)
