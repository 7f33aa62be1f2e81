"""Levels in order with whole lots: integer programs, each level held by its exact value.

At each level the LP relaxation gives a bound and multipliers for the certificate. A search among the columns near it
gives a good point; columns that alone would lift the bound to that point's value are hopeless, and without them the
coverage rows round up further: often the point is proven before any real branching. Else branch and bound follows.
Every point is measured exactly; one that breaks a row or an earlier level is dropped.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from optimizer.chain import Judge, Solved, WorkLimits, cap_of
from optimizer.measure import Purchase
from optimizer.program import Floats, Index, Key, Level, Program
from optimizer.quantities import KG_PER_T, ceil, floor
from optimizer.solver import Outcome, Session
from optimizer.timeline import E8
from optimizer.tolerances import INTEGRALITY, SAFETY_MARGIN
from optimizer.totals import with_totals

STRENGTHENINGS = 4
"""How often the relaxation of a level is solved again without what has become hopeless."""
COLUMNS_PER_NODE = 100
"""A level's node limit is for this many free columns; with more, a node costs more and fewer are searched."""
NEARBY_COLUMNS = 60
"""Columns out of use that the search for a first good point looks at, the nearest to entering."""
NEARBY_NODES = 200
"""Branch-and-bound nodes of that search."""
TIGHTENINGS = 4
"""How often rows that an integral point breaks in exact arithmetic are tightened before the point is given up."""
TIE_BREAK_COLUMNS = 200
"""With more free columns the tie-break only drops lots that no level needs and moves purchases to earlier dates."""
TIE_BREAK_NODES = 500
"""Branch-and-bound nodes for the tie-break, which improves nothing that a user pays for."""
CLAIM_MARGIN = 1e-9
"""Relative. A solver's objective this much below the present value is a better point that exact arithmetic dropped."""
CAP_MARGIN = 1e-12
"""Relative. Headroom of a held cost row for the rounding of its right-hand side to a float."""


@dataclass(eq=False)
class _Bounds:
    """Current bounds of the program; shapes (n,) and (m,)."""

    lower: Floats
    upper: Floats
    row_lower: Floats
    row_upper: Floats
    least: dict[int, Fraction]
    """Coverage row without its gap -> what it must reach at least, t, before rounding."""

    @classmethod
    def of(cls, program: Program) -> "_Bounds":
        return cls(program.lower.copy(), program.upper.copy(), program.row_lower.copy(), program.row_upper.copy(), {})

    def hold(self, level: Level, cap: Fraction) -> None:
        """From now on the level may not exceed `cap`."""
        if level.step_t is not None and level.step_column is not None:
            steps = cap // level.step_t
            self.upper[level.step_column] = steps
            self.upper[level.gap_columns] = np.minimum(self.upper[level.gap_columns], float(steps * level.step_t))
            for row, need_kg in level.rounded_rows:
                least = Fraction(need_kg, KG_PER_T) - steps * level.step_t
                self.least[row] = max(least, self.least.get(row, least))
        elif level.row is not None:
            self.row_upper[level.row] = float(cap) + CAP_MARGIN * max(1.0, abs(float(cap)))

    def without(
        self, zero: NDArray[np.bool_], rounded: Callable[[int, Fraction, NDArray[np.bool_]], Fraction]
    ) -> "_Bounds":
        """The same with some columns at 0, and coverage rounded up to the step that the others share."""
        upper, row_lower = np.where(zero, np.minimum(self.lower, self.upper), self.upper), self.row_lower.copy()
        for row, least in self.least.items():
            if least > 0:
                row_lower[row] = float(rounded(row, least, zero))
        return _Bounds(self.lower, upper, row_lower, self.row_upper.copy(), self.least)

    def apply(self, session: Session) -> None:
        """Into the solver; columns and rows that only its program has, at its end, keep their own."""
        more, n, m = session.program, len(self.lower), len(self.row_lower)
        session.set_column_bounds(np.append(self.lower, more.lower[n:]), np.append(self.upper, more.upper[n:]))
        session.set_row_bounds(
            np.append(self.row_lower, more.row_lower[m:]), np.append(self.row_upper, more.row_upper[m:])
        )


class WholeLots:
    """The state of one chain: what is held, the best purchase so far, the levels done."""

    def __init__(self, program: Program, judge: Judge, limits: WorkLimits) -> None:
        self.program, self.judge, self.limits = program, judge, limits
        self.held = _Bounds.of(program)
        self.out = np.zeros(program.n, dtype=bool)
        """Columns that are in no point which keeps the levels so far, or that no level still to come needs."""
        self.relaxation = Session(program, relaxed=True)
        self.branching: Session | None = None
        self.purchase: Purchase = {}
        self.levels: list[Solved] = []
        self.cut_by_clock = False
        self.n_arcs = len(judge.arcs)
        self.effective_lot = judge.arcs.eta_e8 * judge.arcs.lot_kg

    # ------------------------------------------------------------------------------------------------- one level

    def solve_level(self, level: Level) -> None:
        """Bound by the relaxation, first points, bounds strengthened by what is hopeless, then branch and bound."""
        last = level.name == "tie-break"
        if last:
            self._drop_needless()
            self._buy_earlier()
        cost = self.program.objective(level, ~self.out if last else None)
        nothing = np.zeros(self.program.n, dtype=bool)
        relaxed = self._relax(cost, self.out if last else nothing)
        duals = [relaxed.row_dual] if relaxed.row_dual is not None else []
        bound = relaxed.bound if relaxed.status == "optimal" else -np.inf
        self._consider(level, relaxed)
        closed = self._proved(level, bound)
        small = not last or self._free() <= TIE_BREAK_COLUMNS
        unsearched, searched_bound = ~self.out, bound
        if not closed and small:
            closed, unsearched, searched_bound = self._search_nearby(level, cost, relaxed, bound)
        hopeless, stronger = nothing, relaxed
        for _ in range(0 if last else STRENGTHENINGS):
            more = hopeless | self._hopeless(level, stronger)
            if self._proved(level, bound) or (more == hopeless).all():
                break
            hopeless, stronger = more, self._relax(cost, more)
            if stronger.row_dual is None or stronger.status != "optimal":
                break
            duals.append(stronger.row_dual)
            bound = max(bound, min(stronger.bound, float(self._value(level))))
            self._consider(level, stronger)
            closed |= self._proved(level, bound)
        if (closed or level.step_t is None) and not (unsearched & ~hopeless).any():
            closed, bound = True, max(bound, min(searched_bound, float(self._value(level))))
        if not closed and small:
            outcome, whole_search = self._branch(level, cost, self.out | hopeless)
            self._consider(level, outcome)
            closed = whole_search and self._settled(level, outcome)
            if whole_search:
                bound = max(bound, min(outcome.bound, float(self._value(level))))
            self.cut_by_clock |= outcome.status == "limit" and self.limits.deadline is not None
        self._close(level, closed, bound, tuple(duals), relaxed)

    def _drop_needless(self) -> None:
        """Drop lots that no level needs, such as free ones beyond the need; the last arcs first, exactly."""
        arcs, covered = self.judge.arcs, dict(self.judge.measure(self.purchase).covered_kg)
        for a in sorted(self.purchase, reverse=True):
            event, tier = int(arcs.event[a]), int(arcs.tier[a])
            kg, eta = self.purchase[a], Fraction(int(arcs.eta_e8[a]), E8)
            kept = self._least_kept(a, floor(self._spare_kg(covered, event, tier) / eta) if eta else kg)
            if kept < kg:
                self.purchase = self._holding(a, kept)
                covered[event, tier] -= (kg - kept) * eta

    def _least_kept(self, a: int, spare_kg: int) -> int:
        """The least kg of an arc with which every level and row is kept, if coverage can spare so many."""
        kg, lot = self.purchase[a], int(self.judge.arcs.lot_kg[a])

        def keeps(kept: int) -> bool:
            return self._keeps(self._holding(a, kept))

        if spare_kg >= kg and keeps(0):
            return 0
        start = max(kg - spare_kg // lot * lot, int(self.judge.arcs.least_kg[a]))
        if start >= kg or keeps(start):
            return start
        return start + lot * bisect_left(range(start, kg, lot), True, lo=1, key=keeps)  # a min share may want more

    def _holding(self, a: int, kg: int) -> Purchase:
        """The purchase with this quantity of one arc."""
        return {b: q for b, q in {**self.purchase, a: kg}.items() if q}

    def _spare_kg(self, covered: Mapping[tuple[int, int], Fraction], event: int, tier: int) -> Fraction:
        """Effective kg of an event's tier beyond what every level that counts the tier needs; 0 where one has a gap."""
        last = self.judge.problem.rule_pack.n_tiers + 1
        counted = [r for r in range(tier, last) if any(s.level.name == f"tier {r}" for s in self.levels)]
        need_kg = self.judge.problem.events[event].need_kg
        spare = [
            sum((covered.get((event, t), Fraction(0)) for t in range(1, r + 1)), Fraction(-need_kg))
            for r in (*counted, last)
        ]
        return max(min(spare), Fraction(0))

    def _buy_earlier(self) -> None:
        """Move each line to the earliest date that changes no level and breaks nothing; in canonical order, exactly."""
        arcs = self.judge.arcs
        for a in sorted(self.purchase):
            same = (arcs.event == arcs.event[a]) & (arcs.offer == arcs.offer[a]) & (arcs.piece == arcs.piece[a])
            for b in np.flatnonzero(same & (arcs.day < arcs.day[a])).tolist():
                trial = dict(self.purchase)
                trial[b] = trial.get(b, 0) + trial.pop(a)
                if self._keeps(trial):
                    self.purchase = trial
                    break

    def _free(self) -> int:
        """Quantity columns that may still be used."""
        return int((~self.out[: self.n_arcs]).sum())

    def _close(self, level: Level, closed: bool, bound: float, duals: tuple[Floats, ...], relaxed: Outcome) -> None:
        value = self._value(level)
        cap = cap_of(level, value)
        self.levels.append(Solved(level, value, cap, bound, closed, duals, {}, dict(self.purchase)))
        self.out |= self._beyond(relaxed, float(cap))
        self.held.hold(level, cap)
        if level.name.startswith("tier ") and cap == 0:
            self._leave_later_tiers(int(level.name.removeprefix("tier ")))

    def _leave_later_tiers(self, r: int) -> None:
        """Where tiers 1..r leave no gap, later ones only cost, unless a min share counts them: no level needs them."""
        needless = np.zeros(self.program.n, dtype=bool)
        needless[: self.n_arcs] = self.judge.arcs.tier > r
        starts = self.program.row_starts
        for row, key in enumerate(self.program.row_keys):
            if key[0] == "min share":
                needless[self.program.entry_column[starts[row] : starts[row + 1]]] = False
        kept = {a: kg for a, kg in self.purchase.items() if not needless[a]}
        if self._keeps(kept):
            self.purchase, self.out = kept, self.out | needless

    def _value(self, level: Level, purchase: Purchase | None = None) -> Fraction:
        """Exact value of a purchase (the present one); the tie-break is compared as the solver's objective."""
        purchase = self.purchase if purchase is None else purchase
        if level.name == "tie-break":
            arcs = np.array(sorted(purchase), dtype=np.int64)
            lots = np.array([purchase[a] for a in arcs.tolist()]) / self.judge.arcs.lot_kg[arcs]
            weights = level.values_of(arcs)
            return Fraction(float(weights @ lots))
        return self.judge.measure(purchase).level(level.name)

    def _consider(self, level: Level, outcome: Outcome) -> None:
        """Take the outcome's point if it is whole, breaks nothing, keeps the earlier levels and is better: exactly."""
        if outcome.x is None:
            return
        whole = outcome.x[: self.n_arcs]
        switches = outcome.x[self.program.use_of[self.program.use_of >= 0]]
        if np.any(np.abs(whole - np.rint(whole)) > INTEGRALITY) or np.any(
            np.abs(switches - np.rint(switches)) > INTEGRALITY
        ):
            return
        purchase = self.judge.lots_of(outcome.x)
        if self._keeps(purchase) and self._value(level, purchase) < self._value(level):
            self.purchase = purchase

    def _keeps(self, purchase: Purchase) -> bool:
        """The purchase breaks no row and no earlier level, exactly."""
        measured = self.judge.measure(purchase)
        return not measured.broken() and all(measured.level(s.level.name) <= s.cap for s in self.levels)

    def _proved(self, level: Level, bound: float) -> bool:
        """Nothing betters the present value: gap levels count steps, the cost is a float bound away from nothing."""
        value = float(self._value(level))
        if level.step_t is not None:
            return value - bound < float(level.step_t) * (1 - INTEGRALITY)
        return value - bound <= 1e-9 * max(1.0, abs(bound))

    # ---------------------------------------------------------------------------------------------- the relaxation

    def _relax(self, cost: Floats, zero: NDArray[np.bool_]) -> Outcome:
        """The LP relaxation with some columns at 0."""
        self.held.without(zero, self._rounded).apply(self.relaxation)
        self.relaxation.set_cost(cost)
        outcome = self.relaxation.solve(seconds=self.limits.seconds_left(), cancelled=self.limits.cancelled)
        if outcome.status == "limit":
            self.relaxation.forget()
            outcome = self.relaxation.solve(seconds=self.limits.seconds_left(), cancelled=self.limits.cancelled)
        return outcome

    def _rounded(self, row: int, least: Fraction, zero: NDArray[np.bool_]) -> Fraction:
        """`least` of a coverage row, rounded up to the greatest step (t) that all its effective lots share.

        Columns at 0 do not count; pieces that cover the event alone must reach the rounded sum, else it stays as it is.
        """
        arcs, row_starts = self.judge.arcs, self.program.row_starts
        members = self.program.entry_column[row_starts[row] : row_starts[row + 1]]
        members = members[~zero[members]]
        alone = arcs.cover_e8[members] < arcs.eta_e8[members]
        step = Fraction(
            int(np.gcd.reduce(self.effective_lot[members[~alone]])) if not alone.all() else 0, E8 * KG_PER_T
        )
        rounded = ceil(least / step) * step if step else least
        reached = [int(arcs.eta_e8[a]) * int(arcs.least_kg[a]) for a in members[alone].tolist()]
        return rounded if min(reached, default=rounded * E8 * KG_PER_T) >= rounded * E8 * KG_PER_T else least

    def _hopeless(self, level: Level, relaxed: Outcome) -> NDArray[np.bool_]:
        """Columns whose use alone lifts the relaxation to the present value: in no better point."""
        step = float(level.step_t) * (1 - INTEGRALITY) if level.step_t is not None else 0.0
        return self._beyond(relaxed, float(self._value(level)) - step)

    def _beyond(self, relaxed: Outcome, cap: float) -> NDArray[np.bool_]:
        """Columns whose smallest use would lift the relaxation above `cap`."""
        beyond = np.zeros(self.program.n, dtype=bool)
        if relaxed.column_dual is None or relaxed.x is None:
            return beyond
        arcs, use, d = self.judge.arcs, self.program.use_of, relaxed.column_dual
        idle = (relaxed.x[: self.n_arcs] <= INTEGRALITY) & (d[: self.n_arcs] >= 0)
        least = np.where(use >= 0, arcs.least_kg // arcs.lot_kg, 1)
        lift = d[: self.n_arcs] * least + np.where(use >= 0, np.maximum(d[use], 0.0), 0.0)
        margin = 1e-6 * max(1.0, abs(relaxed.objective) * 1e-3)
        beyond[: self.n_arcs] = idle & (lift > max(cap - relaxed.objective, 0.0) + margin)
        return beyond

    # ------------------------------------------------------------------------------------------ branch and bound

    def _search_nearby(
        self, level: Level, cost: Floats, relaxed: Outcome, bound: float
    ) -> tuple[bool, NDArray[np.bool_], float]:
        """Branch and bound over the columns that are in use, in the relaxation or now, and those nearest to entering.

        Whether what it found is the best there is; columns (n,) that a better point must use; the bound without them.
        """
        if relaxed.x is None or relaxed.column_dual is None:
            return False, ~self.out, bound
        near = relaxed.x[: self.n_arcs] > INTEGRALITY
        if len(self.purchase) <= int(near.sum()) + NEARBY_COLUMNS:
            near[sorted(self.purchase)] = True
        order = np.argsort(np.where(near, -1.0, np.abs(relaxed.column_dual[: self.n_arcs])), kind="stable")
        chosen = order[: int(near.sum()) + max(NEARBY_COLUMNS, int(near.sum()))]
        zero = self.out.copy()
        zero[: self.n_arcs] = True
        zero[chosen] = self.out[chosen]
        outcome, untouched = self._branch(level, cost, zero, NEARBY_NODES)
        self._consider(level, outcome)
        settled = untouched and self._settled(level, outcome)
        unsearched = zero & ~self.out if settled else ~self.out
        whole_search = settled and not unsearched.any()
        return whole_search or self._proved(level, bound), unsearched, outcome.bound

    def _settled(self, level: Level, outcome: Outcome) -> bool:
        """The search ended, and nothing that it found better had to be dropped."""
        if outcome.status == "infeasible":
            return True
        value = float(self._value(level))
        return outcome.status == "optimal" and outcome.objective >= value - CLAIM_MARGIN * max(1.0, abs(value))

    def _branch(
        self,
        level: Level,
        cost: Floats,
        zero: NDArray[np.bool_],
        nodes: int | None = None,
        most: Floats | None = None,
    ) -> tuple[Outcome, bool]:
        """Branch and bound under everything held, some columns at 0 or at `most` (n,), from the present purchase.

        Rows that a point breaks in exact arithmetic are tightened and the search is repeated; the second value says
        that none had to be, so that the search was that of the program as it is.
        """
        if self.branching is None:
            self.branching = self._with_totals()
        session, bounds = self.branching, self.held.without(zero, self._rounded)
        if most is not None:
            bounds.upper = np.minimum(bounds.upper, most)
        gap = float(level.step_t) * (1 - INTEGRALITY) if level.step_t is not None else 1e-6
        free = int((bounds.upper > bounds.lower)[: self.n_arcs].sum())
        limit = TIE_BREAK_NODES if level.name == "tie-break" else self.limits.nodes
        nodes = nodes or max(limit * COLUMNS_PER_NODE // max(free, COLUMNS_PER_NODE), 1)
        untouched = True
        for _ in range(TIGHTENINGS + 1):
            bounds.apply(session)
            session.set_cost(np.append(cost, np.zeros(session.program.n - self.program.n)))
            session.forget()
            session.start_from(*self._first_point())
            outcome = session.solve(
                nodes=nodes,
                seconds=self.limits.seconds_left(),
                absolute_gap=gap,
                cancelled=self.limits.cancelled,
            )
            broken = [] if outcome.x is None else self.judge.measure(self.judge.lots_of(outcome.x)).broken()
            if not broken:
                break
            untouched = False
            self._tighten(bounds, broken)
        return outcome, untouched

    def _with_totals(self) -> Session:
        """A session of the program with totals by offer."""
        session, more = Session(self.program, like=self.relaxation), with_totals(self.program)
        session.extend(more, more.n - self.program.n, more.m - self.program.m)
        session.set_integer(more.integer)
        return session

    def _first_point(self) -> tuple[Index, Floats]:
        """The present purchase as columns and values."""
        x = np.zeros(self.program.n)
        for a, kg in self.purchase.items():
            x[a] = kg / self.judge.arcs.lot_kg[a]
            if self.program.use_of[a] >= 0:
                x[self.program.use_of[a]] = 1.0
        columns = np.append(np.arange(self.n_arcs), self.program.use_of[self.program.use_of >= 0])
        return columns, x[columns]

    def _tighten(self, bounds: _Bounds, broken: list[Key]) -> None:
        for key in broken:
            if self.program.has_row(key):
                row = self.program.row_of(key)
                bounds.row_upper[row] -= SAFETY_MARGIN
