"""Levels in order with whole lots: integer programs, each level held by its exact value.

At each level the LP relaxation gives a bound and multipliers for the certificate; where its point is not whole,
branch and bound follows, integrality added lazily on large programs. Every incumbent is measured exactly; a point that
breaks an earlier level is dropped and the level stays open.
"""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from optimizer.chain import Chain, Judge, Solved, WorkLimits, cap_of
from optimizer.measure import Purchase
from optimizer.program import Floats, Key, Level, Program
from optimizer.quantities import KG_PER_T, ceil
from optimizer.solver import Outcome, Session
from optimizer.tolerances import INTEGRALITY, SAFETY_MARGIN

ALL_INTEGER_COLUMNS = 3000
"""Up to this many columns every lot is integer from the start; above, integrality is added where it is missing."""
TIGHTENINGS = 4
"""How often rows that an integral point breaks in exact arithmetic are tightened before the point is given up."""
TIE_BREAK_NODES = 500
"""Branch-and-bound nodes for the tie-break, which improves nothing that a user pays for."""
CAP_MARGIN = 1e-12
"""Relative. Headroom of a held cost row for the rounding of its right-hand side to a float."""


@dataclass(eq=False)
class _Bounds:
    """Current bounds of the program; shapes (n,) and (m,)."""

    lower: Floats
    upper: Floats
    row_lower: Floats
    row_upper: Floats

    @classmethod
    def of(cls, program: Program) -> "_Bounds":
        return cls(program.lower.copy(), program.upper.copy(), program.row_lower.copy(), program.row_upper.copy())

    def hold(self, level: Level, cap: Fraction) -> None:
        """From now on the level may not exceed `cap`."""
        if level.step_t is not None and level.step_column is not None:
            self.upper[level.step_column] = cap // level.step_t
            self.upper[level.gap_columns] = np.minimum(
                self.upper[level.gap_columns], float(cap // level.step_t * level.step_t)
            )
            for row, need_kg, step in level.rounded_rows:
                least = Fraction(need_kg, KG_PER_T) - cap // level.step_t * level.step_t
                self.row_lower[row] = float(ceil(least / step) * step) if least > 0 else -np.inf
        elif level.row is not None:
            self.row_upper[level.row] = float(cap) + CAP_MARGIN * max(1.0, abs(float(cap)))

    def apply(self, session: Session) -> None:
        session.set_column_bounds(self.lower, self.upper)
        session.set_row_bounds(self.row_lower, self.row_upper)


class _Whole:
    """The state of one chain."""

    def __init__(self, program: Program, judge: Judge, limits: WorkLimits) -> None:
        self.program, self.judge, self.limits = program, judge, limits
        self.held = _Bounds.of(program)
        self.fixed_zero = np.zeros(program.n, dtype=bool)
        self.relaxation = Session(program, relaxed=True)
        self.branching: Session | None = None
        self.integer = program.integer if program.n <= ALL_INTEGER_COLUMNS else np.zeros(program.n, dtype=bool)
        self.purchase: Purchase = {}
        self.levels: list[Solved] = []
        self.cut_by_clock = False

    def solve_level(self, k: int, level: Level) -> None:
        last = level.name == "tie-break"
        cost = self.program.objective(level, ~self.fixed_zero if last else None)
        relaxed = self._relax(cost, self.fixed_zero if last else None)
        value, closed, bound, purchase = self.judge_value(level, self.purchase), False, -np.inf, self.purchase
        if relaxed.x is not None and relaxed.status == "optimal":
            bound = relaxed.bound
            if self._is_whole(relaxed.x):
                purchase, closed = self.judge.lots_of(relaxed.x), True
        if not closed and self._proved(level, value, bound):
            closed, purchase = True, self.purchase
        if not closed or not self._keeps(purchase):
            outcome = self._branch(level, cost)
            purchase, closed, bound = self._read(outcome, bound)
        self._accept(level, purchase, closed, bound, relaxed)

    def judge_value(self, level: Level, purchase: Purchase) -> Fraction:
        """Exact value; the tie-break is compared as the solver's objective."""
        if level.name == "tie-break":
            x = np.zeros(self.program.n)
            for a, kg in purchase.items():
                x[a] = kg / self.judge.arcs.lot_kg[a]
            return Fraction(float(self.program.objective(level) @ x))
        return self.judge.measure(purchase).level(level.name)

    def _relax(self, cost: Floats, zero: NDArray[np.bool_] | None) -> Outcome:
        """The LP relaxation; columns that are known to be 0 may be kept there where no bound is wanted of it."""
        bounds = self.held if zero is None else replace(self.held, upper=np.where(zero, self.held.lower, self.held.upper))
        bounds.apply(self.relaxation)
        self.relaxation.set_cost(cost)
        outcome = self.relaxation.solve(seconds=self.limits.seconds_left(), cancelled=self.limits.cancelled)
        if outcome.status != "optimal":
            self.relaxation.forget()
            outcome = self.relaxation.solve(seconds=self.limits.seconds_left(), cancelled=self.limits.cancelled)
        return outcome

    def _is_whole(self, x: Floats) -> bool:
        integers = x[self.program.integer]
        return (
            bool(np.all(np.abs(integers - np.rint(integers)) <= INTEGRALITY))
            and not self.judge.measure(self.judge.lots_of(x)).broken()
        )

    @staticmethod
    def _proved(level: Level, value: Fraction, bound: float) -> bool:
        """The incumbent's value cannot be bettered: gap levels count steps, the cost is a float bound away from nothing."""
        if level.step_t is not None:
            return float(value) - bound < float(level.step_t) * (1 - INTEGRALITY)
        return level.name == "cost" and float(value) - bound <= 1e-9 * max(1.0, abs(bound))

    def _branch(self, level: Level, cost: Floats) -> Outcome:
        """Branch and bound under everything held, integrality added where it is missing, broken rows tightened."""
        if self.branching is None:
            self.branching = Session(self.program, relaxed=True)
        session, bounds = (
            self.branching,
            replace(self.held, upper=self.held.upper.copy(), row_upper=self.held.row_upper.copy()),
        )
        bounds.upper[self.fixed_zero] = self.held.lower[self.fixed_zero]
        session.set_cost(cost)
        gap = float(level.step_t) * (1 - INTEGRALITY) if level.step_t is not None else 1e-6
        tightened = 0
        while True:
            bounds.apply(session)
            session.set_integer(self.integer)
            session.forget()
            nodes = TIE_BREAK_NODES if level.name == "tie-break" else self.limits.nodes
            outcome = session.solve(
                nodes=nodes, seconds=self.limits.seconds_left(), absolute_gap=gap, cancelled=self.limits.cancelled
            )
            if outcome.x is None:
                return outcome
            missing = self.program.integer & ~self.integer & (np.abs(outcome.x - np.rint(outcome.x)) > INTEGRALITY)
            if missing.any():
                self.integer = self.integer | self._with_partners(missing)
                continue
            broken = self.judge.measure(self.judge.lots_of(outcome.x)).broken()
            if not broken or tightened == TIGHTENINGS:
                return outcome
            tightened += 1
            self._tighten(bounds, broken, 4.0**tightened)

    def _with_partners(self, missing: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Also every lot column that is in use next to the missing ones' switches."""
        n = len(self.judge.arcs)
        if missing[n:].any():
            return missing | (self.program.integer & (np.arange(self.program.n) >= n))
        return missing

    def _tighten(self, bounds: _Bounds, broken: list[Key], factor: float) -> None:
        for key in broken:
            if key in self.program._row_index:
                row = self.program.row_of(key)
                bounds.row_upper[row] -= SAFETY_MARGIN * factor * max(1.0, abs(bounds.row_upper[row]))

    def _read(self, outcome: Outcome, bound: float) -> tuple[Purchase, bool, float]:
        if outcome.x is None:
            self.cut_by_clock |= self.limits.deadline is not None
            return self.purchase, False, max(bound, outcome.bound) if outcome.status == "limit" else bound
        if outcome.status == "limit" and self.limits.deadline is not None:
            self.cut_by_clock = True
        return self.judge.lots_of(outcome.x), outcome.status == "optimal", max(bound, outcome.bound)

    def _keeps(self, purchase: Purchase) -> bool:
        """The purchase breaks no row and no earlier level, exactly."""
        measured = self.judge.measure(purchase)
        return not measured.broken() and all(measured.level(s.level.name) <= s.cap for s in self.levels)

    def _accept(self, level: Level, purchase: Purchase, closed: bool, bound: float, relaxed: Outcome) -> None:
        before = self.judge_value(level, self.purchase)
        if purchase is not self.purchase and self._keeps(purchase) and self.judge_value(level, purchase) <= before:
            self.purchase = purchase
        elif purchase is not self.purchase:
            closed = closed and self._proved(level, before, bound)
        value = self.judge_value(level, self.purchase)
        cap = cap_of(level, value)
        self.levels.append(Solved(level, value, cap, bound, closed, relaxed.row_dual, {}, dict(self.purchase)))
        self._fix_by_reduced_cost(relaxed, float(cap))
        self.held.hold(level, cap)

    def _fix_by_reduced_cost(self, relaxed: Outcome, cap: float) -> None:
        """A lot that alone would lift the relaxation above the cap is in no point that keeps the level."""
        if relaxed.column_dual is None or relaxed.x is None:
            return
        room = max(cap - relaxed.objective, 0.0)
        margin = 1e-6 * max(1.0, abs(relaxed.objective) * 1e-3)
        self.fixed_zero |= (
            self.program.integer
            & (relaxed.x <= INTEGRALITY)
            & (self.held.lower <= 0)
            & (relaxed.column_dual > room + margin)
        )


def solve_whole(program: Program, judge: Judge, limits: WorkLimits) -> Chain:
    """The levels of a program with whole lots, in order."""
    state = _Whole(program, judge, limits)
    for k, level in enumerate(program.levels):
        if limits.report is not None:
            limits.report(level.name, k, len(program.levels))
        state.solve_level(k, level)
    return Chain(state.purchase, tuple(state.levels), (), state.cut_by_clock)
