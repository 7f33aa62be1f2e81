"""Sparse square systems in exact rationals: factored once, solved for columns and for rows. No program here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from optimizer.errors import SolverFailure

type Number = Fraction | int
type Sparse = Mapping[int, Number]


@dataclass(frozen=True)
class _Step:
    """One pivot of the elimination."""

    row: int
    column: int
    pivot: Number
    rest: tuple[tuple[int, Number], ...]
    """What else stands in the pivot's row when it is used: (column, coefficient)."""
    multipliers: tuple[tuple[int, Number], ...]
    """(row, how many times the pivot's row was taken from it)."""


class ExactFactor:
    """A square matrix B, shape (k, k), as pivots of Gauss's elimination, the sparsest first (Markowitz 1957).

    A basis of a plan is nearly triangular: most pivots are alone in their row or column and cost no arithmetic.
    """

    def __init__(self, rows: Sequence[Mapping[int, int]]) -> None:
        """`rows[i][j]` is B_ij, zeros left out. Raises SolverFailure where B is singular."""
        self._rows: list[dict[int, Number]] = [dict(row) for row in rows]
        self._in_column: dict[int, set[int]] = {}
        for r, row in enumerate(self._rows):
            for c in row:
                self._in_column.setdefault(c, set()).add(r)
        self._open = set(range(len(rows)))
        self._lonely = [c for c, inside in self._in_column.items() if len(inside) == 1]
        self._short = [r for r, row in enumerate(self._rows) if len(row) == 1]
        self.steps = tuple(self._eliminate(*self._choose()) for _ in range(len(rows)))

    def _choose(self) -> tuple[int, int]:
        """The next pivot: a column or a row with one entry, else the sparsest."""
        while self._lonely:
            c = self._lonely.pop()
            if len(self._in_column[c]) == 1:
                return next(iter(self._in_column[c])), c
        while self._short:
            r = self._short.pop()
            if r in self._open and len(self._rows[r]) == 1:
                return r, next(iter(self._rows[r]))
        r = min(self._open, key=lambda r: (len(self._rows[r]), r))
        if not self._rows[r]:
            raise SolverFailure("the basis is singular")
        return r, min(self._rows[r], key=lambda c: (len(self._in_column[c]), c))

    def _eliminate(self, r: int, c: int) -> _Step:
        self._open.discard(r)
        row = self._rows[r]
        pivot = row.pop(c)
        for k in (c, *row):
            inside = self._in_column[k]
            inside.discard(r)
            if len(inside) == 1:
                self._lonely.append(k)
        others = sorted(self._in_column[c])
        multipliers = tuple((s, self._clear(s, c, pivot, row)) for s in others)
        self._in_column[c].clear()
        return _Step(r, c, pivot, tuple(row.items()), multipliers)

    def _clear(self, s: int, c: int, pivot: Number, row: Mapping[int, Number]) -> Number:
        """Takes the pivot's row from row s so that column c vanishes there; returns how many times."""
        target = self._rows[s]
        factor = Fraction(target.pop(c)) / pivot
        for k, v in row.items():
            new = target.get(k, 0) - factor * v
            if new:
                target[k] = new
                self._in_column[k].add(s)
            elif k in target:
                del target[k]
                self._in_column[k].discard(s)
                if len(self._in_column[k]) == 1:
                    self._lonely.append(k)
        if len(target) == 1:
            self._short.append(s)
        return factor

    def solve(self, right: Sparse) -> dict[int, Fraction]:
        """x of B x = right, zeros left out."""
        b = dict(right)
        for step in self.steps:
            value = b.get(step.row)
            if value:
                for s, factor in step.multipliers:
                    b[s] = b.get(s, 0) - factor * value
        x: dict[int, Fraction] = {}
        for step in reversed(self.steps):
            value = b.get(step.row, 0)
            for k, v in step.rest:
                if k in x:
                    value -= v * x[k]
            if value:
                x[step.column] = Fraction(value) / step.pivot
        return x

    def solve_transposed(self, cost: Sparse) -> dict[int, Fraction]:
        """y of y B = cost, zeros left out."""
        c = dict(cost)
        z: dict[int, Fraction] = {}
        for step in self.steps:
            value = c.get(step.column)
            if value:
                z[step.row] = found = Fraction(value) / step.pivot
                for k, v in step.rest:
                    c[k] = c.get(k, 0) - found * v
        for step in reversed(self.steps):
            taken = sum((factor * z[s] for s, factor in step.multipliers if s in z), Fraction(0))
            if taken:
                z[step.row] = z.get(step.row, Fraction(0)) - taken
        return {r: v for r, v in z.items() if v}
