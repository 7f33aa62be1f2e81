"""The restricted master: a large LP solved on few columns, with every column outside priced in one vectorised pass.

A market has 10^5 offers and a plan uses 10^1 to 10^2. The master starts from the cheapest arcs of each event and tier
that could fill the need, is written in PuLP, solved, and grows by the outside columns that would improve it, until
none would: then its optimum is that of the whole program, and its duals price every column. Rows that no column of the
master touches are left out; their dual is 0.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.chain import WorkLimits
from optimizer.offers import Shorts
from optimizer.program import Floats, Index, Program
from optimizer.solver import Outcome, Session
from optimizer.tolerances import NOTHING, ZERO_DUAL

SMALL_COLUMNS = 64
"""Up to this many columns the whole program is the master."""
START_NEED = 1.3
"""The start could cover this many times the need of each event, before group caps."""
SHARED_ARCS = 30
"""Arcs of each event, about, of those that would cover all events together."""
SCATTER = 2_654_435_761
"""Knuth's multiplier: picks arcs evenly and always the same."""
ENTERING = 2000
"""Columns that enter at a time where more would improve: the best reduced costs, beside some of each event."""
ALIKE_DIGITS = 9
"""Decimals to which reduced costs are compared when arcs of an event are chosen."""
LARGE_COLUMNS = 8_000
"""From here on the solver goes on from its point by the primal simplex: a season took a tenth of the iterations."""
ROUNDS_MAX = 1000
"""A master that grows more often than this has a defect."""


@dataclass(frozen=True, eq=False)
class Start:
    """What a good first guess needs to know of the arcs, which are the first columns; shapes (n_arcs,)."""

    event: NDArray[np.integer[Any]]
    rank: NDArray[np.integer[Any]]
    """What counts before the price: the tier, or nothing where cost comes first."""
    price: Floats
    """Yuan per effective tonne."""
    effective_t: Floats
    """What the whole arc covers, t."""
    need_t: Floats
    """Need of each event, t; shape (n_events,)."""

    def best_first(self) -> Index:
        """The arcs of each event together, the best first."""
        return np.lexsort((self.price, self.rank, self.event))


def ranks(program: Program, tier: Shorts) -> Shorts:
    """What counts before the price in a program's levels: the tier of each arc, or nothing where cost comes first."""
    names = [level.name.split(" ")[0] for level in program.levels]
    cost_first = "tier" not in names or ("cost" in names and names.index("cost") < names.index("tier"))
    return np.broadcast_to(np.int32(0), len(tier)) if cost_first else tier


def first_columns(start: Start, best_first: Index) -> NDArray[np.bool_]:
    """The best arcs of each event, by rank and then price, that together cover START_NEED times its need."""
    chosen = np.zeros(len(start.event), dtype=bool)
    chosen[covering(start, best_first, start.need_t)] = True
    return chosen


def shared_columns(start: Start, best_first: Index) -> Index:
    """Arcs for events that share a market, and cannot all have the best of it.

    For each event, some of those arcs that would cover all events together, scattered evenly.
    """
    events = np.unique(start.event)
    if len(events) < 2:
        return np.zeros(0, dtype=np.int64)
    all_need = np.full(len(start.need_t), start.need_t[events].sum())
    shared = covering(start, best_first, all_need)
    return shared[(shared * SCATTER) % 2**32 < 2**32 * SHARED_ARCS * len(events) / max(len(shared), 1)]


def covering(start: Start, order: Index, need_t: Floats) -> Index:
    """Of arcs in an order by event, each event's first that together cover START_NEED times its need (`need_t`)."""
    effective, event = start.effective_t[order], start.event[order]
    covered = np.cumsum(effective)
    covered -= effective
    first = np.flatnonzero(np.append(True, event[1:] != event[:-1])) if len(event) else np.zeros(0, dtype=np.int64)
    covered -= np.repeat(covered[first], np.diff(np.append(first, len(event))))
    wanted: NDArray[np.bool_] = covered < START_NEED * need_t[event]
    return order[wanted]


class Master:
    """A program solved through a growing part of it. `solve` answers for the whole: x and duals of full shape."""

    def __init__(self, program: Program, start: Start) -> None:
        self.program, self._start = program, start
        self.columns = np.arange(program.n)
        if program.n > SMALL_COLUMNS:
            inside = np.ones(program.n, dtype=bool)
            best_first = start.best_first()
            inside[: len(start.event)] = first_columns(start, best_first)
            inside[shared_columns(start, best_first)] = True
            self.columns = np.flatnonzero(inside)
        self.rows = self._rows_of(self.columns)
        self._open()

    def _rows_of(self, columns: Index) -> Index:
        touched = np.zeros(self.program.m, dtype=bool)
        touched[self.program.rows_of(self.program.entries_of(columns)[0])] = True
        return np.flatnonzero(touched)

    def _open(self) -> None:
        """Write the present part in PuLP and hand it to the solver."""
        self.session = Session(self.program.part(self.columns, self.rows))
        self._has_basis = False

    def solve(
        self, cost: Floats, bounds: tuple[Floats, Floats, Floats, Floats], limits: WorkLimits
    ) -> tuple[Outcome, Floats] | None:
        """Minimise over the whole program under these bounds (columns low, high; rows low, high).

        Returns the outcome with full-size x and duals, and the size of each reduced cost's terms (the scale of its zero
        test); None when the solver finds no optimum.
        """
        program = self.program
        lower, upper, row_lower, row_upper = bounds
        if 2 * np.count_nonzero(upper[self.columns] > lower[self.columns]) < len(self.columns) >= LARGE_COLUMNS:
            self._forget()  # so much is settled that presolve gains more than the last basis
        for _ in range(ROUNDS_MAX):
            self.session.set_column_bounds(lower[self.columns], upper[self.columns])
            self.session.set_row_bounds(row_lower[self.rows], row_upper[self.rows])
            self.session.set_cost(cost[self.columns])
            outcome = self._optimum(limits)
            if outcome is None or outcome.x is None or outcome.row_dual is None:
                return None
            x = lower.copy()
            x[self.columns] = outcome.x
            y = np.zeros(program.m)
            y[self.rows] = outcome.row_dual
            reduced, size = program.reduced_costs(cost, y)
            entering = self._improving(reduced, size, lower, upper)
            if len(entering) and outcome.objective <= NOTHING and (cost >= 0).all() and (lower >= 0).all():
                # Nothing is less than nothing: without any multiplier the point is seen to be optimal.
                y = np.zeros(program.m)
                reduced, size = program.reduced_costs(cost, y)
                entering = self._improving(reduced, size, lower, upper)
            if not len(entering):
                return outcome.of_whole(x, reduced, y), size
            self._grow(self._chosen(entering, reduced))
        return None

    def _improving(self, reduced: Floats, size: Floats, lower: Floats, upper: Floats) -> Index:
        """Columns outside that would improve."""
        below = (reduced < 0) & (upper > lower)
        below[self.columns] = False
        some = np.flatnonzero(below)
        return some[reduced[some] < -ZERO_DUAL * size[some]]

    def _chosen(self, entering: Index, reduced: Floats) -> Index:
        """Where many would improve: those with the best reduced costs, and of each event enough to cover it anew."""
        if len(entering) <= ENTERING:
            return entering
        best = entering[np.argsort(reduced[entering], kind="stable")[:ENTERING]]
        start = self._start
        arcs = entering[entering < len(start.event)]
        # Levels that count gaps improve alike by all arcs of an event: then the cheapest.
        order = np.lexsort((start.price[arcs], np.round(reduced[arcs], ALIKE_DIGITS), start.event[arcs]))
        return np.union1d(best, covering(start, arcs[order], start.need_t))

    def _optimum(self, limits: WorkLimits) -> Outcome | None:
        large = len(self.columns) >= LARGE_COLUMNS
        for primal in (large and self._has_basis, False):
            outcome = self.session.solve(seconds=limits.seconds_left(), cancelled=limits.cancelled, primal=primal)
            self._has_basis = outcome.status == "optimal" and outcome.row_dual is not None
            if self._has_basis:
                return outcome
            self._forget()
        return None

    def _forget(self) -> None:
        self._has_basis = False
        self.session.forget()

    def _grow(self, entering: Index) -> None:
        """Add columns, and the rows that they are the first to touch, to the live solver."""
        columns = np.append(self.columns, entering)
        fresh = np.setdiff1d(self._rows_of(entering), self.rows)
        self.rows = np.append(self.rows, fresh)
        self.columns = columns
        self.session.extend(self.program.part(self.columns, self.rows), len(entering), len(fresh))
