"""Why: break-even prices, what each binding rule costs, what the recommended order costs, what whole lots cost.

Decided by faces or whole lots, explained by rows: one LP with the earlier levels as rows at this plan's values, relaxed
by amounts that grow from tier to tier, so that a tonne's worth is put on the highest tier that wants it and the duals
are those of the next tonne rather than of a corner.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from optimizer.chain import WorkLimits
from optimizer.eligibility import screen
from optimizer.events import LevelSpec
from optimizer.formulation import formulate, present_values
from optimizer.problem import Problem, bare_calendar
from optimizer.program import INFINITY, Floats, Key, Level, Program
from optimizer.quantities import E4, ceil
from optimizer.solution import LevelProof, Solution, solve
from optimizer.solver import Outcome, Session

STAGGER = 1e-6
"""Share of the need by which held levels are relaxed, tier by tier; far above HiGHS's tolerance of 10^-7 t on the
smallest need, far below a kg on the largest."""
BINDING = 1e-7
"""A dual at or below this, in yuan (or t) per unit, is that of a rule that does not bind."""
RULES_SHOWN = 60
"""Rules whose price a plan carries at most, the dearest first."""
NUDGE = 1e-5
"""Share of a right-hand side by which it is moved to see whether its price is the same both ways."""


@dataclass(frozen=True)
class RulePriceFound:
    """The price of one rule: d goal / d right-hand side."""

    key: Key
    marginal: float
    unique: bool


@dataclass(frozen=True, eq=False)
class Explanation:
    """What the explanatory LP says about a solution."""

    least_cost_yuan: float | None
    """Least LP cost with every earlier level at this plan's values."""
    break_even_yuan: Floats
    """Shape (n_arcs,): the all-in unit price at which the arc's reduced cost is 0."""
    rules: tuple[RulePriceFound, ...]
    priced_in: str
    """cost: yuan; shortfall: tonnes."""


class RowsLP:
    """The LP relaxation of a solved problem with levels as rows, in a live solver."""

    def __init__(self, solution: Solution) -> None:
        problem = solution.problem
        if problem.settings.whole_lots:
            self.program = solution.program
        else:
            self.program = formulate(problem, solution.screening, solution.arcs, "rows")
        self.session = Session(self.program, relaxed=True)
        self.upper, self.row_upper = self.program.upper.copy(), self.program.row_upper.copy()
        if problem.settings.whole_lots:
            self.upper[: len(solution.arcs)] = solution.arcs.offered_kg / solution.arcs.lot_kg

    def hold(self, number: int, cap: float) -> None:
        """Level `number` may not exceed `cap`."""
        level = self.program.levels[number]
        if level.step_column is not None and level.step_t is not None:
            self.upper[level.step_column] = cap / float(level.step_t)
        elif level.row is not None:
            self.row_upper[level.row] = cap

    def minimise(self, level: Level) -> Outcome | None:
        """The level's least value under what is held; None when the solver finds no optimum."""
        self.session.set_column_bounds(self.program.lower, self.upper)
        self.session.set_row_bounds(self.program.row_lower, self.row_upper)
        self.session.set_cost(self.program.objective(level))
        outcome = self.session.solve()
        return outcome if outcome.status == "optimal" and outcome.row_dual is not None else None


def explain(solution: Solution) -> Explanation:
    """Break-evens and prices of rules of a solution."""
    names = [p.name for p in solution.proofs]
    short = solution.shortfall_t > 0
    lp = RowsLP(solution)
    cost_at = max((k for k, name in enumerate(names) if name == "cost"), default=None)
    least, break_even = None, np.full(len(solution.arcs), np.nan)
    outcome: Outcome | None = None
    if cost_at is not None:
        for k, proof in enumerate(solution.proofs[:cost_at]):
            lp.hold(k, float(proof.cap))
        outcome = lp.minimise(lp.program.levels[cost_at])
        least = None if outcome is None else outcome.objective
        _stagger(lp, solution, cost_at)
        outcome = lp.minimise(lp.program.levels[cost_at]) or outcome
        if outcome is not None and outcome.row_dual is not None:
            break_even = _break_even(solution, lp.program, outcome.row_dual)
    if short or cost_at is None:
        lp = RowsLP(solution)
        shortfalls = [k for k, name in enumerate(names) if name.startswith("shortfall")]
        goal = shortfalls[0] if shortfalls else 0
        for k, proof in enumerate(solution.proofs[:goal]):
            lp.hold(k, float(proof.cap))
        _stagger(lp, solution, goal)
        outcome = lp.minimise(lp.program.levels[goal])
        return Explanation(least, break_even, _rule_prices(lp, outcome), "shortfall")
    return Explanation(least, break_even, _rule_prices(lp, outcome), "cost")


def _stagger(lp: RowsLP, solution: Solution, before: int) -> None:
    """Relax the held levels a little, the lower the tier the more."""
    n = solution.problem.rule_pack.n_tiers
    unit = STAGGER * sum(e.need_kg for e in solution.problem.events) / 1000
    for k, proof in enumerate(solution.proofs[:before]):
        head, _, tail = proof.name.partition(" ")
        rank = int(tail) if head == "tier" else n + 1 if head == "shortfall" else 1
        lp.hold(k, float(proof.cap) + (rank * unit if head != "cost" else 0.0))


def _break_even(solution: Solution, program: Program, y: Floats) -> Floats:
    """What a contracted tonne of each arc is worth to the other rows, per yuan that its price weighs: yuan/t."""
    arcs, problem = solution.arcs, solution.problem
    n = len(arcs)
    unit = arcs.lot_kg / 1000 if problem.settings.whole_lots else np.ones(n)
    families = np.array([key[0] for key in program.row_keys], dtype=object)
    worth_rows = np.isin(families, ["coverage", "max share", "min share"])
    paid_rows = np.isin(families, ["budget", "held"])
    inside = program.entry_column < n
    column, row = program.entry_column[inside], program.entry_row[inside]
    weight = y[row] * program.entry_value[inside]
    worth = np.bincount(column, weight * worth_rows[row], minlength=n)[:n] / unit
    priced = np.bincount(column, weight * paid_rows[row], minlength=n)[:n] / unit
    cost = arcs.unit_cost_e8 / 1e10
    present = present_values(solution.problem, arcs)
    burden = present - np.divide(priced, cost, out=np.zeros(n), where=cost > 0)
    price: Floats = np.divide(worth, burden, out=np.full(n, np.nan), where=burden > 1e-12)
    return price


def _rule_prices(lp: RowsLP, outcome: Outcome | None) -> tuple[RulePriceFound, ...]:
    """Duals of the binding rules, each looked at from both sides."""
    if outcome is None or outcome.row_dual is None:
        return ()
    shown = {"budget", "max share", "min share", "steps", "held", "coverage"}
    binding = [
        i for i in np.flatnonzero(np.abs(outcome.row_dual) > BINDING).tolist() if lp.program.row_keys[i][0] in shown
    ]
    binding.sort(key=lambda i: (-abs(outcome.row_dual[i]), i))  # type: ignore[index]
    found = []
    for i in binding[:RULES_SHOWN]:
        dual = float(outcome.row_dual[i])
        found.append(RulePriceFound(lp.program.row_keys[i], dual, _unique(lp, i, dual, outcome.objective)))
    return tuple(found)


def _unique(lp: RowsLP, row: int, dual: float, objective: float) -> bool:
    """Whether the rule's price is the same for a little more and a little less of it."""
    low, high = float(lp.program.row_lower[row]), float(lp.row_upper[row])
    size = max(abs(low) if low > -INFINITY else 0.0, abs(high) if high < INFINITY else 0.0, 1.0) * NUDGE
    slopes = []
    for step in (size, -size):
        lp.session.set_row_bound(row, low + step, high + step)
        outcome = lp.session.solve()
        if outcome.status != "optimal":
            break
        slopes.append((outcome.objective - objective) / step)
    lp.session.set_row_bound(row, low, high)
    return len(slopes) == 2 and all(abs(s - dual) <= 1e-4 * max(1.0, abs(dual)) for s in slopes)


# ------------------------------------------------------------------------------------------------ price of the order


@dataclass(frozen=True)
class OrderPrice:
    """What the recommended order costs over the cheapest lawful mix, yuan; an interval when either is not proven."""

    low: Fraction
    value: Fraction
    high: Fraction
    cheapest: Solution

    @property
    def proven(self) -> bool:
        """Both plans are proven: the interval is a point."""
        return self.low == self.high


def price_of_order(solution: Solution, limits: WorkLimits) -> OrderPrice:
    """Cost of this plan - cost of the `cost-first` plan of the same problem, shortfall held at this plan's value."""
    cheapest = cheapest_mix(solution, limits)
    mine, other = _nominal(solution), _nominal(cheapest)
    return OrderPrice(mine[0] - other[1], mine[1] - other[1], mine[1] - other[0], cheapest)


def cheapest_mix(solution: Solution, limits: WorkLimits) -> Solution:
    """The `cost-first` plan with shortfall at this plan's value.

    The least shortfall comes first; where this plan leaves more, it is solved again with that much slack.
    """
    if not solution.problem.settings.discount_rate_e4:
        limits = replace(limits, until="cost")  # what tiers of equal cost come after it is not looked at
    cheapest = solve(solution.problem.with_objective("cost-first"), limits)
    mine = {p.name: p.value for p in solution.proofs}
    order = []
    for p in cheapest.proofs:
        if p.name.startswith("shortfall"):
            slack = max(mine.get(p.name, p.value) - p.value, Fraction(0))
            order.append(LevelSpec.model_construct(level=p.name, relative_e4=0, absolute_e4=ceil(slack * E4)))
    if all(spec.absolute_e4 == 0 for spec in order):
        return cheapest
    order += [LevelSpec(level=p.name) for p in cheapest.proofs if p.name in ("rules", "cost")]
    return solve(solution.problem.with_objective(tuple(order)), limits)


def _nominal(solution: Solution) -> tuple[Fraction, Fraction]:
    """(least possible, actual) nominal cost of a solution's objective, yuan."""
    cost = [p for p in solution.proofs if p.name == "cost"]
    actual = solution.cost_yuan
    if not cost or solution.problem.settings.discount_rate_e4:
        return actual, actual
    last: LevelProof = cost[-1]
    return actual - (last.value - last.least), actual


def without_budget(problem: Problem) -> Problem:
    """The same problem with no budget at all."""
    events = tuple(e.model_copy(update={"budget": None}) for e in problem.events)
    return problem.replace(
        calendar=bare_calendar(problem.calendar).model_copy(update={"events": events, "budget": None})
    )


def has_budget(problem: Problem) -> bool:
    """Some event or the calendar has one."""
    return problem.calendar.budget is not None or any(e.budget is not None for e in problem.events)


# -------------------------------------------------------------------------------------------- settings by a re-solve

SETTING_CHANGES: tuple[tuple[str, Callable[[Problem], Problem | None]], ...] = (
    (
        "retirement deadline",
        lambda p: (
            None
            if p.settings.allow_late or not p.rule_pack.retirement.in_principle
            else p.with_settings(allow_late=True)
        ),
    ),
    (
        "forestry accrual",
        lambda p: p.with_settings(forestry_accrual="ex_ante") if p.settings.forestry_accrual == "accrued" else None,
    ),
    ("stale quotes", lambda p: p.with_settings(stale="admit") if p.settings.stale == "exclude" else None),
    ("unranked means", lambda p: None if p.settings.unranked else p.with_settings(unranked=True)),
)
"""Rules without a right-hand side: each is priced by solving the problem without it."""


def setting_prices(solution: Solution, limits: WorkLimits) -> list[tuple[str, Solution]]:
    """For each setting that keeps an offer out: the solution without it."""
    found = []
    if solution.shortfall_t > 0:  # only what is covered more is told then, and where nothing is, what it costs
        limits = replace(limits, until="covered")
    for name, change in SETTING_CHANGES:
        variant = change(solution.problem)
        if variant is not None and _admits_more(solution, variant):
            found.append((name, solve(variant, limits, prove=False)))
    return found


def _admits_more(solution: Solution, variant: Problem) -> bool:
    after = screen(variant)
    return bool(
        np.any((after.reasons == 0) & (solution.screening.reasons != 0))
        or np.any(after.eta_e8 > solution.screening.eta_e8)
    )
