"""Simple rules that buyers use without an optimiser, and what their purchase comes to, measured exactly.

Nothing is solved and nothing is proven here: the purchases keep to every rule, budget and limit, and show what planning
gains over them.
"""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from optimizer import statement
from optimizer.arcs import Arcs, build_arcs
from optimizer.chain import Chain
from optimizer.eligibility import screen
from optimizer.formulation import formulate
from optimizer.limits import fit
from optimizer.measure import Measure
from optimizer.plan import EventResult, FiscalYear, Line, TierResult, Totals
from optimizer.problem import Problem
from optimizer.quantities import ceil, tonnes
from optimizer.solution import Solution
from optimizer.timeline import E8
from optimizer.wording import Language

type SimpleRule = Literal["greedy-order", "greedy-cheapest"]

REFUSED_IN_A_ROW_MAX = 500
"""After this many offers in a row that fit no budget or limit any more, the simple buyer gives up."""


@dataclass(frozen=True)
class Measured:
    """What a simple rule buys: the parts of a plan that need no proof, under the same names."""

    rule: SimpleRule
    status: Literal["covered", "short"]
    as_of: date
    totals: Totals
    events: tuple[EventResult, ...]
    lines: tuple[Line, ...]
    tiers: tuple[TierResult, ...]
    fiscal_years: tuple[FiscalYear, ...]
    missed_t: str
    """What min shares miss, t: the rule does not look at them."""


def buy_simply(problem: Problem, rule: SimpleRule, lang: Language) -> Measured:
    """Buys event by event (by priority class, then id) the next offer in the rule's order until the need is covered.

    `greedy-order`: by tier, then by all-in unit price per effective tonne; `greedy-cheapest`: by that alone. Equal
    prices keep the canonical order (tier, offer id, date, break). Of each offer as many lots as the need still asks for
    and as availability, budgets and limits allow, at least its minimum; fixed fees and min shares are not looked at.
    """
    screening = screen(problem)
    arcs = build_arcs(problem, screening)
    whole = problem.settings.whole_lots
    if whole:
        arcs = fit(problem, arcs)
    purchase: dict[int, int] = {}
    for e in sorted(range(len(problem.events)), key=lambda e: (problem.events[e].priority_class, problem.events[e].id)):
        _buy_for(problem, arcs, e, rule, purchase)
    measure = Measure(problem, arcs, purchase)
    program = formulate(problem, screening, arcs, "rows" if whole else "face")
    chain = Chain(purchase, (), (), False)
    return _measured(Solution(problem, screening, arcs, program, chain, measure, ()), rule, lang)


def _buy_for(problem: Problem, arcs: Arcs, e: int, rule: SimpleRule, purchase: dict[int, int]) -> None:
    """Adds to `purchase` what the rule buys for event e."""
    left_kg = Fraction(problem.events[e].need_kg)
    refused = 0
    for a in _in_order(arcs, e, rule):
        if left_kg <= 0 or refused >= REFUSED_IN_A_ROW_MAX:
            return
        kg = _as_much_as_fits(problem, arcs, a, left_kg, purchase)
        refused = 0 if kg else refused + 1
        if kg:
            purchase[a] = kg
            left_kg -= Fraction(int(arcs.eta_e8[a]) * kg, E8)


def _in_order(arcs: Arcs, e: int, rule: SimpleRule) -> list[int]:
    """Arcs of event e as the rule takes them; equal ones keep the canonical order."""
    mine = np.flatnonzero((arcs.event == e) & (arcs.eta_e8 > 0))
    price = arcs.unit_cost_e8[mine] / arcs.eta_e8[mine]
    tier = arcs.tier[mine] if rule == "greedy-order" else np.zeros(len(mine), dtype=np.int32)
    order: list[int] = mine[np.lexsort((price, tier))].tolist()
    return order


def _as_much_as_fits(problem: Problem, arcs: Arcs, a: int, left_kg: Fraction, purchase: dict[int, int]) -> int:
    """The most of arc a, in whole lots, that the need asks for and that breaks nothing; 0 where nothing fits."""
    lot, least, most = (int(column[a]) for column in (arcs.lot_kg, arcs.least_kg, arcs.most_kg))
    asked = ceil(left_kg * E8 / int(arcs.eta_e8[a]) / lot) * lot
    low, high = least // lot, min(max(asked, least), most) // lot

    def fits(lots: int) -> bool:
        return not Measure(problem, arcs, {**purchase, a: lots * lot}).broken()

    if low > high or not fits(low):
        return 0
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low * lot


def _measured(solution: Solution, rule: SimpleRule, lang: Language) -> Measured:
    ledger = statement.Ledger(solution)
    events = statement.events(solution, ledger)
    missed = sum(_missed_kg(solution), Fraction(0))

    def parts(kind: Any, rows: list[Any]) -> tuple[Any, ...]:
        return tuple(kind(**row) for row in rows)

    return Measured(
        rule,
        "short" if solution.shortfall_t > 0 else "covered",
        solution.problem.as_of,
        Totals(**statement.totals(solution, events, ledger)),
        parts(EventResult, events),
        parts(Line, statement.lines(solution, ledger, lang)),
        parts(TierResult, statement.tiers(solution, ledger, lang)),
        parts(FiscalYear, statement.fiscal_years(solution, ledger)),
        tonnes(ceil(missed)),
    )


def _missed_kg(solution: Solution) -> list[Fraction]:
    """What each min share misses, kg."""
    return [
        solution.measure.missed_kg(e, k)
        for e, event in enumerate(solution.problem.events)
        for k, limit in enumerate(event.limits)
        if limit.min_share_e4 is not None
    ]
