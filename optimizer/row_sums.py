"""Weighted sums of a program's rows, in floats: multipliers times coefficients, for all columns or for some.

A basis of a curve gives few rows a multiplier, and quantities that a row counts mostly stand side by side: only those
rows are read, each as one slice where it can be.
"""

from itertools import pairwise

import numpy as np

from optimizer.exact_program import ExactProgram
from optimizer.program import Floats, Index

FEW = 8
"""Columns are looked at one by one where they are fewer than one in so many."""


class RowSums:
    """y [A I] for columns of the program, then one slack a row. No coefficient is below 0."""

    def __init__(self, program: ExactProgram, row_of: Index) -> None:
        """`row_of`: the one row that a gap, a miss or a slack stands in, with coefficient 1; shape (n + m,)."""
        self._program, self._n_arcs, self._row_of = program, len(program.arcs), row_of
        bought = np.flatnonzero(program.columns < self._n_arcs)
        short = np.min_scalar_type(program.m)  # numbers of 16 bits are sorted in one pass over their digits
        bought = bought[np.argsort(program.rows[bought].astype(short), kind="stable")]
        columns, starts = program.columns[bought], np.searchsorted(program.rows[bought], np.arange(program.m + 1))
        values = program.values[bought]
        self._rows = [self._row(columns[a:b], values[a:b]) for a, b in pairwise(starts.tolist())]
        self.largest = np.array([float(v.max(initial=1.0)) for _, v in self._rows])
        """The largest coefficient of each row, its slack's among them."""

    @staticmethod
    def _row(columns: Index, values: Floats) -> tuple[slice | Index, Floats]:
        if len(columns) and int(columns[-1]) - int(columns[0]) == len(columns) - 1:
            return slice(int(columns[0]), int(columns[-1]) + 1), values
        return columns, values

    def row(self, i: int) -> Floats:
        """The coefficients of one row, shape (n + m,)."""
        found = np.zeros(len(self._row_of))
        where, values = self._rows[i]
        found[where] = values
        found[self._n_arcs :] = self._row_of[self._n_arcs :] == i
        return found

    def of_all(self, y: Floats) -> Floats:
        """Shape (n + m,)."""
        total = np.zeros(len(self._row_of))
        for i in np.flatnonzero(y).tolist():
            where, values = self._rows[i]
            total[where] += y[i] * values
        total[self._n_arcs :] = y[self._row_of[self._n_arcs :]]
        return total

    def of(self, y: Floats, columns: Index) -> Floats:
        """Shape (len(columns),)."""
        if len(columns) * FEW > len(self._row_of):
            return self.of_all(y)[columns]
        bought = columns < self._n_arcs
        total = np.zeros(len(columns))
        total[~bought] = y[self._row_of[columns[~bought]]]
        entries, at = self._program.entries_of(columns[bought])
        terms = self._program.values[entries] * y[self._program.rows[entries]]
        total[bought] = np.bincount(at, terms, minlength=int(bought.sum()))
        return total
