"""The restricted master: a large LP solved on few columns, with every column outside priced in one vectorised pass.

A market has 10^5 offers and a plan uses 10^1 to 10^2. The master starts from the cheapest arcs of each event and tier
that could fill the need, is written in PuLP, solved, and grows by the outside columns that would improve it, until
none would: then its optimum is that of the whole program, and its duals price every column. Rows that no column of the
master touches are left out; their dual is 0.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.chain import WorkLimits
from optimizer.program import Floats, Index, Program
from optimizer.solver import Outcome, Session
from optimizer.tolerances import ZERO_DUAL

SMALL_COLUMNS = 64
"""Up to this many columns the whole program is the master."""
START_NEED = 1.3
"""The start could cover this many times the need of each event, before group caps."""
ENTERING = 2000
"""Columns that enter at a time at most, those with the best reduced cost first."""
ROUNDS_MAX = 1000
"""A master that grows more often than this has a defect."""


@dataclass(frozen=True, eq=False)
class Start:
    """What a good first guess needs to know of the arcs, which are the first columns; shapes (n_arcs,)."""

    event: Index
    rank: Index
    """What counts before the price: the tier, or nothing where cost comes first."""
    price: Floats
    """Yuan per effective tonne."""
    effective_t: Floats
    """What the whole arc covers, t."""
    need_t: Floats
    """Need of the arc's event, t."""


def first_columns(start: Start) -> NDArray[np.bool_]:
    """The best arcs of each event, by rank and then price, that together cover START_NEED times its need."""
    order = np.lexsort((start.price, start.rank, start.event))
    effective, event = start.effective_t[order], start.event[order]
    covered = np.cumsum(effective) - effective
    first = np.flatnonzero(np.append(True, event[1:] != event[:-1])) if len(event) else np.zeros(0, dtype=np.int64)
    before = np.repeat(covered[first], np.diff(np.append(first, len(event))))
    chosen = np.zeros(len(event), dtype=bool)
    chosen[order] = covered - before < START_NEED * start.need_t[order]
    return chosen


class Master:
    """A program solved through a growing part of it. `solve` answers for the whole: x and duals of full shape."""

    def __init__(self, program: Program, start: Start) -> None:
        self.program = program
        inside = np.ones(program.n, dtype=bool)
        if program.n > SMALL_COLUMNS:
            inside[: len(start.event)] = first_columns(start)
        self.columns = np.flatnonzero(inside)
        self.rows = self._rows_of(self.columns)
        self._open()

    def _rows_of(self, columns: Index) -> Index:
        inside = np.zeros(self.program.n, dtype=bool)
        inside[columns] = True
        touched = np.zeros(self.program.m, dtype=bool)
        touched[self.program.entry_row[inside[self.program.entry_column]]] = True
        return np.flatnonzero(touched)

    def _open(self) -> None:
        """Write the present part in PuLP and hand it to the solver."""
        self.session = Session(self.program.part(self.columns, self.rows))

    def solve(
        self, cost: Floats, bounds: tuple[Floats, Floats, Floats, Floats], limits: WorkLimits
    ) -> tuple[Outcome, Floats] | None:
        """Minimise over the whole program under these bounds (columns low, high; rows low, high).

        Returns the outcome with full-size x and duals, and the size of each reduced cost's terms (the scale of its zero
        test); None when the solver finds no optimum.
        """
        program = self.program
        lower, upper, row_lower, row_upper = bounds
        for _ in range(ROUNDS_MAX):
            self.session.set_column_bounds(lower[self.columns], upper[self.columns])
            self.session.set_row_bounds(row_lower[self.rows], row_upper[self.rows])
            self.session.set_cost(cost[self.columns])
            outcome = self._optimum(limits)
            if outcome is None or outcome.x is None or outcome.row_dual is None:
                return None
            y = np.zeros(program.m)
            y[self.rows] = outcome.row_dual
            reduced = cost - program.transposed(y)
            size = np.abs(cost) + program.absolute_transposed(np.abs(y))
            outside = np.ones(program.n, dtype=bool)
            outside[self.columns] = False
            entering = np.flatnonzero(outside & (upper > lower) & (reduced < -ZERO_DUAL * size))
            if not len(entering):
                x = lower.copy()
                x[self.columns] = outcome.x
                return outcome.of_whole(x, reduced, y), size
            best = entering[np.argsort(reduced[entering], kind="stable")[:ENTERING]]
            self._grow(np.sort(best))
        return None

    def _optimum(self, limits: WorkLimits) -> Outcome | None:
        for _ in range(2):
            outcome = self.session.solve(seconds=limits.seconds_left(), cancelled=limits.cancelled)
            if outcome.status == "optimal" and outcome.row_dual is not None:
                return outcome
            self.session.forget()
        return None

    def _grow(self, entering: Index) -> None:
        """Add columns, and the rows that they are the first to touch, to the live solver."""
        columns = np.append(self.columns, entering)
        rows = self._rows_of(columns)
        fresh = np.setdiff1d(rows, self.rows)
        self.rows = np.append(self.rows, fresh)
        self.columns = columns
        self.session.extend(self.program.part(self.columns, self.rows), len(entering), len(fresh))
