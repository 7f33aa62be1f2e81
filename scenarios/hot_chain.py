"""The levels of a drawn problem solved in order as linear programs, on one live solver for all draws.

Arcs and rows are the same in every draw: only costs, bounds and right-hand sides change, so the restricted master stays
in the solver and starts from the last draw's basis. Where prices or yields stand in the rows themselves (budgets, a
level of cost that later levels may exceed, forests of drawn yield) the program is written anew for each draw, with the
same arcs. Levels are held by their faces, as in `optimizer.lexicographic`; the tie-break is the last, so that the
answer is one point whatever was solved before.
"""

from dataclasses import dataclass, replace

import numpy as np

from optimizer.chain import WorkLimits
from optimizer.errors import SolverFailure
from optimizer.formulation import formulate
from optimizer.master import Master, Start, ranks
from optimizer.offers import Ints
from optimizer.program import Floats, Index, Level, Program
from optimizer.quantities import E4, FEN_PER_YUAN, KG_PER_T
from optimizer.timeline import E8
from optimizer.tolerances import ZERO_DUAL
from scenarios.draws import Market

GRAMS = 1000
"""Per kg. Quantities are read off to the gram: far above the solver's noise, far below the kg of every edge."""


@dataclass(frozen=True, eq=False)
class DrawnCase:
    """One draw as numbers, and what is already held."""

    unit_cost_e8: Ints
    """10^-8 fen/t, shape (n_arcs,)."""
    eta_e8: Ints
    """Shape (n_arcs,)."""
    most_kg: Ints
    """Shape (n_arcs,)."""
    need_kg: Ints
    """Shape (n_events,)."""
    held_kg: Floats
    """Bought beforehand, shape (n_arcs,): it counts in every row, and only the rest is planned."""


class HotChain:
    """Plans draw after draw. One a thread; not to be pickled."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.program = self._written(market.arcs.unit_cost_e8, market.arcs.eta_e8)
        self.same_matrix = _costs_stand_nowhere(self.program) and not (
            len(market.forests) and market.uncertainty.yield_spread is not None
        )
        self._master: Master | None = None
        self._tie_break = self.program.objective(self.program.levels[-1])
        self._rows = _Rows.of(self.program, market)

    def _written(self, unit_cost_e8: Ints, eta_e8: Ints) -> Program:
        m = self.market
        arcs = replace(m.arcs, unit_cost_e8=unit_cost_e8, eta_e8=eta_e8, cover_e8=eta_e8)
        return formulate(m.problem, m.screening, arcs, "face")

    def plan(self, case: DrawnCase) -> Floats:
        """What is bought beyond what is held, contracted kg to the gram, shape (n_arcs,).

        Raises:
            SolverFailure: HiGHS gave no optimum.
        """
        if self.same_matrix:
            program = self.program
            if self._master is None:
                self._master = Master(program, self._start(case))
            master = self._master
        else:
            program = self._written(case.unit_cost_e8, case.eta_e8)
            master = Master(program, self._start(case))
        try:
            return self._solved(program, master, case)
        except SolverFailure:
            # A basis of another draw may lead the solver astray on a face: once more from nothing, then for good.
            self._master = None
            return self.plan_afresh(case)

    def plan_afresh(self, case: DrawnCase) -> Floats:
        """The same on a program and a solver of its own, which know of no other draw."""
        program = self._written(case.unit_cost_e8, case.eta_e8)
        return self._solved(program, Master(program, self._start(case)), case)

    def _solved(self, program: Program, master: Master, case: DrawnCase) -> Floats:
        bounds = self._rows.bounds(program, case)
        costs = [self._cost_of(program, level, case) for level in program.levels]
        x = in_order(program, master, costs, bounds)
        found: Floats = np.rint(x[: len(self.market.arcs)] * (KG_PER_T * GRAMS)) / GRAMS
        return found

    def _cost_of(self, program: Program, level: Level, case: DrawnCase) -> Floats:
        if level.name == "tie-break":
            return self._tie_break
        if level.name != "cost":
            return program.objective(level)
        cost = np.zeros(program.n)
        weight = self.market.present_value
        cost[: len(weight)] = case.unit_cost_e8 / (E8 * FEN_PER_YUAN) * weight
        return cost

    def _start(self, case: DrawnCase) -> Start:
        arcs = self.market.arcs
        eta = np.maximum(case.eta_e8 / E8, 1e-12)  # a forest that delivers nothing costs no end, not infinity
        rank = ranks(self.program, arcs.tier)
        need = case.need_kg / KG_PER_T
        return Start(arcs.event, rank, case.unit_cost_e8 / eta, eta * case.most_kg / KG_PER_T, need)


def _costs_stand_nowhere(program: Program) -> bool:
    """No row holds costs: no budget, and no level of cost with slack."""
    return all(key[0] != "budget" for key in program.row_keys) and all(
        level.row is None for level in program.levels if level.name == "cost"
    )


def in_order(
    program: Program, master: Master, costs: list[Floats], bounds: tuple[Floats, Floats, Floats, Floats]
) -> Floats:
    """The point that minimises the levels in order, each held by its optimal face; shape (n,)."""
    lower, upper, row_lower, row_upper = (b.copy() for b in bounds)
    x = lower
    for level, cost in zip(program.levels, costs, strict=True):
        solved = master.solve(cost, (lower, upper, row_lower, row_upper), WorkLimits())
        if solved is None and level.name == "tie-break":
            return x  # every level that counts is settled; what is left of its face is a point to within tolerances
        if solved is None:
            raise SolverFailure(f"no optimum of level {level.name}")
        outcome, size = solved
        point, d, y = outcome.x, outcome.column_dual, outcome.row_dual
        if point is None or d is None or y is None:
            raise SolverFailure(f"HiGHS gave no point or no duals at level {level.name}")
        x = point
        if level.has_slack and level.row is not None:
            row_upper[level.row] = outcome.objective * (1 + level.relative_e4 / E4) + level.absolute_e4 / E4
            continue
        d = np.where(np.abs(d) <= ZERO_DUAL * size, 0.0, d)
        y = np.where(np.abs(y) <= ZERO_DUAL * np.max(np.abs(y), initial=0.0), 0.0, y)
        upper[d > 0] = lower[d > 0]
        lower[d < 0] = upper[d < 0]
        row_upper[y > 0] = row_lower[y > 0]
        row_lower[y < 0] = row_upper[y < 0]
    return x


@dataclass(frozen=True, eq=False)
class _Rows:
    """How a draw's numbers become the program's bounds."""

    market: Market
    needed: Index
    """Rows of coverage and minimum shares: at least a share of the need, less what is held."""
    needed_event: Index
    needed_share: Floats
    capped: Index
    """Rows of maximum shares."""
    capped_event: Index
    capped_share: Floats
    offered: Index
    """Rows of availability, and the place of the first arc of their offer."""
    offered_arc: Index
    paid: Index
    """Rows of budgets."""
    gap_event: Index
    """Event of each column after the arcs; -1 for none."""

    @classmethod
    def of(cls, program: Program, market: Market) -> "_Rows":
        """Read off the keys of the rows."""
        place = {e.id: k for k, e in enumerate(market.problem.events)}
        limits = [e.limits for e in market.problem.events]
        first_arc = {market.problem.offers.offer_id[i]: a for a, i in reversed(list(enumerate(market.arcs.offer)))}
        found: dict[str, list[tuple[int, int, float]]] = {"needed": [], "capped": [], "offered": [], "paid": []}
        for i, row in enumerate(program.row_keys):
            family, owner = row[0], str(row[1])
            if family == "coverage":
                found["needed"].append((i, place[owner], 1.0))
            elif family in ("min share", "max share"):
                e, limit = place[owner], limits[place[owner]][int(str(row[2]))]
                least = family == "min share"
                share = (limit.min_share_e4 if least else limit.max_share_e4) or 0
                found["needed" if least else "capped"].append((i, e, share / E4))
            elif family == "availability":
                found["offered"].append((i, first_arc[owner], 0.0))
            elif family == "budget":
                found["paid"].append((i, 0, 0.0))
        rows = {name: np.array([r[0] for r in many], dtype=np.int64) for name, many in found.items()}
        event_or_arc = {name: np.array([r[1] for r in many], dtype=np.int64) for name, many in found.items()}
        shares = {name: np.array([r[2] for r in many]) for name, many in found.items()}
        keys = program.column_keys[len(market.arcs) :]
        gap_event = np.array([place.get(str(key[1]), -1) for key in keys], dtype=np.int64)
        return cls(
            market,
            rows["needed"],
            event_or_arc["needed"],
            shares["needed"],
            rows["capped"],
            event_or_arc["capped"],
            shares["capped"],
            rows["offered"],
            event_or_arc["offered"],
            rows["paid"],
            gap_event,
        )

    def bounds(self, program: Program, case: DrawnCase) -> tuple[Floats, Floats, Floats, Floats]:
        """Columns low and high, rows low and high: the need, the offers and the caps less what is held."""
        n = len(self.market.arcs)
        need_t = case.need_kg / KG_PER_T
        held = np.zeros(program.n)
        held[:n] = case.held_kg / KG_PER_T
        lower, upper = program.lower.copy(), program.upper.copy()
        upper[:n] = np.maximum(case.most_kg / KG_PER_T - held[:n], 0.0)
        upper[n:] = np.where(self.gap_event >= 0, need_t[self.gap_event], upper[n:])
        row_lower, row_upper = program.row_lower.copy(), program.row_upper.copy()
        used = program.activity(held)
        row_lower[self.needed] = np.maximum(self.needed_share * need_t[self.needed_event] - used[self.needed], 0.0)
        row_upper[self.capped] = np.maximum(self.capped_share * need_t[self.capped_event] - used[self.capped], 0.0)
        row_upper[self.offered] = np.maximum(case.most_kg[self.offered_arc] / KG_PER_T - used[self.offered], 0.0)
        row_upper[self.paid] = np.maximum(row_upper[self.paid] - used[self.paid], 0.0)
        return lower, upper, row_lower, row_upper
