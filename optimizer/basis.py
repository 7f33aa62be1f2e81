"""A basis of an exact program, factored in floats: how pivots are chosen. What a basis says exactly: `basic_values`.

    columns   those of the program (gaps without an upper bound: they never exceed the need), then one slack a row
    rows      A x + s = b;  s <= 0 where the row is >=, s >= 0 where it is <=

Columns that are not basic stand at a bound: 0, or what is offered. A row's slack, gap and miss stand in that row alone,
with coefficient 1: at most one of them is basic, and then the row is *loose*, met by it. Only the other rows, the
*tight* ones, and the basic quantities are inverted.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from optimizer.errors import SolverFailure
from optimizer.exact_program import ExactProgram
from optimizer.program import INFINITY, Floats, Index
from optimizer.quantities import KG_PER_T
from optimizer.row_sums import RowSums
from optimizer.tally import Pinned, Tally
from optimizer.tolerances import ZERO_DUAL

PIVOT = 1e-9
"""Relative to the largest of its row or column: a smaller element is not pivoted on."""

NOISE = 1e-3
"""Share of the largest multiplier's terms that every multiplier is taken to have: zeros of an inverse are noise of the
size of its largest element, so the zero test ends at NOISE x ZERO_DUAL of that."""


class Basis:
    """Which columns are basic, and at which bound the others stand."""

    def __init__(self, program: ExactProgram) -> None:
        self.program, self.n, self.m = program, program.n, program.m
        self.rows, self.columns, self.values = program.rows, program.columns, program.values
        self.starts, self.cost, self.ranks = program.starts, program.cost, program.ranks
        n_arcs = len(program.arcs)
        self.lower = np.zeros(self.n + self.m)
        self.upper = np.full(self.n + self.m, INFINITY)
        self.upper[:n_arcs] = program.arcs.most_kg / KG_PER_T
        slack = np.arange(self.m) + self.n
        self.lower[slack[program.row_at_least]] = -INFINITY
        self.upper[slack[program.row_at_least]] = 0.0
        self.row_of = np.full(self.n + self.m, -1)
        self.row_of[slack] = np.arange(self.m)
        lonely = np.arange(n_arcs, self.n)
        lonely = lonely[np.diff(self.starts)[n_arcs:] == 1]
        self.row_of[lonely] = self.rows[self.starts[lonely]]
        if (self.row_of[n_arcs:] < 0).any():
            raise SolverFailure("a gap stands in more rows than its own")
        self.sums = RowSums(program, self.row_of)
        self.tally = Tally(program)
        self._pinned, self._changed = Pinned(program, self.tally), set[int]()
        self._start()

    def _start(self) -> None:
        """Nothing is bought: coverage rows are met by their gap, min shares by their miss, others by their slack."""
        self.basic = np.arange(self.n, self.n + self.m)
        self.at_upper = np.zeros(self.n + self.m, dtype=bool)
        for j in range(len(self.program.arcs), self.n):
            self.basic[self.row_of[j]] = j
            self.at_upper[self.n + self.row_of[j]] = True
        self.is_basic = np.zeros(self.n + self.m, dtype=bool)
        self.is_basic[self.basic] = True
        self.side = np.where(self.upper > self.lower, np.where(self.at_upper, -1.0, 1.0), 0.0)
        self.side[self.basic] = 0.0

    def free(self, row: int) -> None:
        """The row binds nothing any more; its slack must be basic."""
        if not self.is_basic[self.n + row]:
            raise SolverFailure("a row that binds cannot be let go")
        self.lower[self.n + row], self.upper[self.n + row] = -INFINITY, INFINITY

    def uses_row(self, row: int) -> NDArray[np.bool_]:
        """Columns with an entry in this row, its slack among them."""
        used = np.zeros(self.n + self.m, dtype=bool)
        used[self.columns[self.rows == row]] = True
        used[self.n + row] = True
        return used

    def pinned(self) -> Pinned:
        """Exact sums over the quantities that stand at their upper bound."""
        changed = list(self._changed)
        self._pinned.update(zip(changed, (self.side[changed] < 0).tolist(), strict=True))
        self._changed.clear()
        return self._pinned

    def pinned_arcs(self) -> Index:
        """Which quantities stand at their upper bound."""
        return np.flatnonzero(self.side[: len(self.program.arcs)] < 0)

    def most(self, j: int) -> Fraction:
        """The upper bound of a column, exact, t; 0 for slacks of >= rows."""
        arcs = self.program.arcs
        return Fraction(int(arcs.most_kg[j]), KG_PER_T) if j < len(arcs) else Fraction(0)

    # ----------------------------------------------------------------------------------------------- factored in floats

    def factor(self) -> None:
        """Inverts the tight rows; the loose ones follow from them."""
        quantity = self.row_of[self.basic] < 0
        self.own = np.flatnonzero(quantity)
        tight = np.ones(self.m, dtype=bool)
        loose = self.row_of[self.basic[~quantity]]
        tight[loose] = False
        self.tight, self.loose = np.flatnonzero(tight), np.flatnonzero(~tight)
        self.position_of = np.full(self.m, -1)
        self.position_of[loose] = np.flatnonzero(~quantity)
        self.row_at = np.full(self.m, -1)
        self.row_at[self.tight] = np.arange(len(self.tight))
        self.own_at = np.full(self.n, -1)
        self.own_at[self.basic[self.own]] = np.arange(len(self.own))
        self.inside, _ = self.program.entries_of(np.sort(self.basic[self.own]))
        square = np.zeros((len(self.tight), len(self.own)))
        r, c = self.row_at[self.rows[self.inside]], self.own_at[self.columns[self.inside]]
        kept = r >= 0
        square[r[kept], c[kept]] = self.values[self.inside[kept]]
        try:
            self.inverse = np.linalg.inv(square)
        except np.linalg.LinAlgError as error:
            raise SolverFailure("a basis of the curve is singular") from error

    def column(self, j: int) -> tuple[Index, Floats]:
        """Rows and coefficients of one column."""
        if j >= self.n:
            return np.array([j - self.n]), np.ones(1)
        a, b = self.starts[j], self.starts[j + 1]
        return self.rows[a:b], self.values[a:b]

    def solve(self, b: Floats) -> Floats:
        """B^-1 b, by position, shape (m,)."""
        x = self.inverse @ b[self.tight]
        used = np.bincount(
            self.rows[self.inside],
            self.values[self.inside] * x[self.own_at[self.columns[self.inside]]],
            minlength=self.m,
        )
        out = np.zeros(self.m)
        out[self.own] = x
        out[self.position_of[self.loose]] = (b - used)[self.loose]
        return out

    def standing(self, b: Sequence[Fraction]) -> Floats:
        """x_B at these right-hand sides, in floats, by position, shape (m,)."""
        pinned = self.at_upper[: self.n] & ~self.is_basic[: self.n]
        x = np.where(pinned, self.upper[: self.n], 0.0)[self.columns]
        used = np.bincount(self.rows, self.values * x, minlength=self.m)
        return self.solve(np.array([float(v) for v in b]) - used)

    def row_of_inverse(self, position: int) -> Floats:
        """e_position B^-1, shape (m,)."""
        y = np.zeros(self.m)
        j = int(self.basic[position])
        i = int(self.row_of[j])
        if i < 0:
            y[self.tight] = self.inverse[self.own_at[j]]
            return y
        entries = self.inside[self.rows[self.inside] == i]
        weights = np.zeros(len(self.own))
        weights[self.own_at[self.columns[entries]]] = self.values[entries]
        y[self.tight] = -(weights @ self.inverse)
        y[i] = 1.0
        return y

    def reduced(self, k: int, columns: Index) -> tuple[Floats, Floats]:
        """Reduced costs of these columns at level k, none of them basic, and the size below which each may be zero."""
        y = np.zeros(self.m)
        y[self.loose] = self.cost(k, self.basic[self.position_of[self.loose]])
        spread, basic, size = np.abs(y), self.cost(k, self.basic[self.own]), np.zeros(0)
        if y.any():
            size = np.abs(basic)
            terms = self.values[self.inside] * y[self.rows[self.inside]]
            at = self.own_at[self.columns[self.inside]]
            size = size + np.bincount(at, np.abs(terms), minlength=len(basic))
            basic = basic - np.bincount(at, terms, minlength=len(basic))
        if basic.any():
            y[self.tight] = basic @ self.inverse
            found = (size if len(size) else np.abs(basic)) @ np.abs(self.inverse)
            spread[self.tight] = found + NOISE * found.max(initial=0.0)
        mine = self.cost(k, columns)
        return mine - self.sums.of(y, columns), ZERO_DUAL * (np.abs(mine) + self.sums.of(spread, columns))

    # --------------------------------------------------------------------------------------------------------- pivots

    def swap(self, position: int, j: int, to_upper: bool) -> None:
        """Column j becomes basic at this position; what was there goes to a bound."""
        self.swap_all([(position, j, to_upper)])

    def swap_all(self, swaps: Iterable[tuple[int, int, bool]]) -> None:
        """Swaps one after the other: position, column, and whether what was there goes to its upper bound."""
        basic, moved = dict[int, int](), dict[int, tuple[bool, bool]]()
        for position, j, to_upper in swaps:
            out = basic[position] if position in basic else int(self.basic[position])
            moved[out], moved[j], basic[position] = (False, to_upper), (True, False), j
        if not moved:
            return
        columns = np.array(list(moved))
        self.basic[list(basic)] = list(basic.values())
        self.is_basic[columns], self.at_upper[columns] = np.array(list(moved.values())).T
        self._stand(columns)

    def _stand(self, columns: Index) -> None:
        """Takes note of where columns stand now."""
        fixed = self.is_basic[columns] | (self.upper[columns] <= self.lower[columns])
        self.side[columns] = np.where(fixed, 0.0, np.where(self.at_upper[columns], -1.0, 1.0))
        self._changed.update(columns[columns < len(self.program.arcs)].tolist())

    def improving(self, allowed: NDArray[np.bool_]) -> int | None:
        """A column among `allowed` whose move would lower the vector of levels; None when there is none."""
        open_ones = np.flatnonzero((self.side != 0) & allowed)
        for k in range(self.ranks):
            if not len(open_ones):
                return None
            d, size = self.reduced(k, open_ones)
            gain = -d * self.side[open_ones]
            if (gain > size).any():
                return int(open_ones[np.argmax(np.where(gain > size, gain, 0.0))])
            open_ones = open_ones[np.abs(gain) <= size]
        return None

    def enter(self, j: int, x: Floats) -> None:
        """Primal step: column j leaves its bound until it meets its other one, or a basic column one of its own."""
        rows, values = self.column(j)
        b = np.zeros(self.m)
        b[rows] = values
        alpha = self.solve(b) * (-1.0 if self.at_upper[j] else 1.0)
        low, high = self.lower[self.basic], self.upper[self.basic]
        least_pivot = PIVOT * max(1.0, float(np.abs(alpha).max(initial=0.0)))
        down, up = np.full(self.m, INFINITY), np.full(self.m, INFINITY)
        falls, rises = alpha > least_pivot, alpha < -least_pivot
        down[falls] = (x - low)[falls] / alpha[falls]
        up[rises] = (x - high)[rises] / alpha[rises]
        step = np.maximum(np.minimum(down, up), 0.0)
        least = float(step.min(initial=INFINITY))
        if self.upper[j] - self.lower[j] <= least:
            self.at_upper[j] = not self.at_upper[j]
            self._stand(np.array([j]))
            return
        if least == INFINITY:
            raise SolverFailure("the program is unbounded")
        near = np.flatnonzero(step <= least * (1 + 1e-12) + 1e-12)
        r = int(near[np.argmax(np.abs(alpha[near]))])
        self.swap(r, j, bool(up[r] < down[r]))

    def dual_step(self, position: int, to_upper: bool) -> bool:
        """Swaps a leaving column for the one that keeps all reduced costs in order; False where there is none."""
        alpha = self.sums.of_all(self.row_of_inverse(position))
        toward = alpha * self.side if to_upper else -alpha * self.side
        largest = max(1.0, float(toward.max()), -float(toward.min()))
        candidates = np.flatnonzero(toward > PIVOT * largest)
        if not len(candidates):
            return False
        self.swap(position, self._least_ratio(candidates, alpha), to_upper)
        return True

    def first_yuan(self, row: int) -> None:
        """At the start, where nothing may be spent: the column that one yuan more would be spent on first."""
        self.factor()
        position = int(self.position_of[row])
        alpha = self.sums.of_all(self.row_of_inverse(position))
        candidates = np.flatnonzero((self.side > 0) & (alpha > 0))
        candidates = candidates[candidates < self.n]
        if len(candidates) and self.improving(self.uses_row(row)) is not None:
            self.swap(position, self._least_ratio(candidates, alpha), False)

    def _least_ratio(self, candidates: Index, alpha: Floats) -> int:
        """The lexicographically least loss per unit of alpha: later levels may gain where earlier ones lose."""
        for k in range(self.ranks):
            d, small = self.reduced(k, candidates)
            size = np.abs(alpha[candidates])
            ratio, slack = d * self.side[candidates] / size, small / size
            candidates = candidates[ratio - slack <= (ratio + slack).min()]
            if len(candidates) == 1:
                break
        return int(candidates[np.argmax(np.abs(alpha[candidates]))])
