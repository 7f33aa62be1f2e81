"""What columns are in a run of swaps: while the same rows are tight and the same columns meet the loose ones.

A level that counts gaps is then a plain function of the quantities: the gap of a loose row is what they leave of its
right-hand side. So every column has one cost a level, its own less what it takes from the gaps, and only the tight rows
have multipliers left. The same numbers are here in integers, for proofs, and in floats, for choices.
"""

from functools import cache, cached_property
from math import lcm
from typing import NamedTuple

import numpy as np

from optimizer.basis import Basis
from optimizer.program import Floats, Index


class Column(NamedTuple):
    """One column, in integers."""

    tight: list[int]
    """Its numerator in each tight row."""
    loose: list[int]
    """The loose rows that it stands in."""
    parts: list[int]
    """Its numerator in each of them."""
    counts: list[int]
    """What a tonne of it adds to each level, each tier and what is spent, over `RunColumns.denominators`."""


class RunColumns:
    """The columns of a basis that is factored, as its tight rows and levels see them."""

    def __init__(self, basis: Basis) -> None:
        self._basis, self._program = basis, basis.program
        program, tally = self._program, basis.tally
        self.tight = basis.tight.tolist()
        self._at = {i: r for r, i in enumerate(self.tight)}
        self.levels = len(program.levels)
        self.alone = np.flatnonzero(np.isin(basis.row_of, basis.tight))
        """Gaps, misses and slacks of tight rows."""
        self.scales = [program.denominators[i] for i in self.tight]
        met = basis.basic[basis.position_of[basis.loose]]
        by_gap = (met >= len(program.arcs)) & (met < basis.n)
        self._met = dict(zip(basis.loose[by_gap].tolist(), met[by_gap].tolist(), strict=True))
        self.gaps = [self._gap_weights(k) for k in range(len(program.levels))]
        commons = [lcm(*(program.denominators[i] for i in found)) for found in self.gaps]
        self.weights = [
            {i: w * (common // program.denominators[i]) for i, w in found.items()}
            for found, common in zip(self.gaps, commons, strict=True)
        ]
        """Of each level: loose row -> what a unit of its gap counts, times the level's common denominator."""
        self._own = list(zip(program.level_weights, commons, strict=True))
        self._counted: dict[int, list[tuple[int, int]]] = {}
        for k, found in enumerate(self.weights):
            for i, w in found.items():
                self._counted.setdefault(i, []).append((k, w))
        over = [level.denominator * common for level, common in zip(program.levels, commons, strict=True)]
        self.denominators = (*over, *tally.denominators[:-1])
        self.largest = basis.sums.largest[basis.tight]
        self.column = cache(self._column)
        self.costs = cache(self._costs)

    @cached_property
    def rows(self) -> Floats:
        """Coefficients in the tight rows, shape (tight, n + m)."""
        basis = self._basis
        return np.array([basis.sums.row(i) for i in self.tight]).reshape(len(self.tight), basis.n + basis.m)

    def _gap_weights(self, k: int) -> dict[int, int]:
        """Loose row -> numerator of the level for the gap that meets it."""
        weight = self._program.level_weights[k]
        return {i: weight[j] for i, j in self._met.items() if j in weight}

    def _column(self, j: int) -> Column:
        tight, loose, parts = [0] * len(self.tight), list[int](), list[int]()
        levels = [own.get(j, 0) * common for own, common in self._own]
        for i, v in self._program.entries(j):
            r = self._at.get(i)
            if r is not None:
                tight[r] = v
                continue
            loose.append(i)
            parts.append(v)
            for k, w in self._counted.get(i, ()):
                levels[k] -= w * v
        return Column(tight, loose, parts, [*levels, *self._basis.tally.of(j)])

    def cost(self, k: int, which: Index) -> Floats:
        """Costs of some columns at a rank (see `ExactProgram.cost`)."""
        return self._program.cost(k, which) if k == self.levels else self.costs(k)[which]

    def _costs(self, k: int) -> Floats:
        """Costs of level k (or of the last rank) in the level's unit, gaps taken off, shape (n + m,)."""
        basis, everything = self._basis, np.arange(self._basis.n + self._basis.m)
        own, y = self._program.cost(k, everything), np.zeros(basis.m)
        y[basis.loose] = own[basis.basic[basis.position_of[basis.loose]]]
        return own - basis.sums.of_all(y) if y.any() else own

    def size(self, k: int) -> tuple[int, float]:
        """How many terms a cost of level k is added up from, and the largest sum of their sizes."""
        gaps = self.gaps[k]
        terms = sum(abs(w) * float(self._basis.sums.largest[i]) for i, w in gaps.items())
        denominator = self._program.levels[k].denominator
        return len(gaps), float(np.abs(self._program.level_costs[k]).max()) + terms / denominator
