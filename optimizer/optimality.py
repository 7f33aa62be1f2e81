"""Whether a basis is optimal, proved: exact multipliers, and reduced costs in lexicographic order."""

from fractions import Fraction
from math import lcm

import numpy as np
from numpy.typing import NDArray

from optimizer.basic_values import Solved
from optimizer.basis import Basis
from optimizer.program import Floats, Index

ROUNDING = 2.0**-50
"""Of one operation on doubles, four times over: multipliers, coefficients and products are each rounded once."""

FEW = 64
"""Columns whose signs are settled in integers at once."""


def wrong_column(solved: Solved) -> int | None:
    """A column whose reduced costs have the wrong sign in lexicographic order, None where the basis is optimal: proved.

    The tie-break takes no part: levels keep their values whichever way ties fall. Signs that rounding could have turned
    are settled in integers.
    """
    basis = solved.basis
    open_ones = np.flatnonzero(basis.side)
    for k in range(len(basis.program.levels)):
        if not len(open_ones):
            return None
        y = _multipliers(solved, k)
        if len(open_ones) > FEW:
            d, error = _floats(basis, k, y, open_ones)
            d *= basis.side[open_ones]
            if float(d.min()) < -error:
                return int(open_ones[np.argmin(d)])
            open_ones = open_ones[d <= error]
        sign = _exact_signs(basis, k, y, open_ones) * basis.side[open_ones]
        if (sign < 0).any():
            return int(open_ones[np.argmin(sign)])
        open_ones = open_ones[sign == 0]
    return None


def _multipliers(solved: Solved, k: int) -> dict[int, Fraction]:
    """Exact multipliers of level k by row, in the level's numerators per numerator of the row."""
    basis, program = solved.basis, solved.basis.program
    weight = program.level_weights[k]
    y: dict[int, Fraction] = {}
    if program.levels[k].name != "cost":  # it counts quantities; the others count gaps, each met in its own loose row
        for j, c in weight.items():
            if basis.is_basic[j]:
                i = int(basis.row_of[j])
                y[i] = Fraction(c, program.denominators[i])
    cost: dict[int, Fraction | int] = {}
    if program.levels[k].name == "cost":
        own = basis.basic[basis.own].tolist()
        cost = {c: weight[j] for c, j in enumerate(own) if j in weight}
    for i, value in y.items():
        for c, v in solved.loose_entries.get(i, ()):
            cost[c] = cost.get(c, 0) - value * v
    found = solved.exact.solve_transposed(cost) if cost else {}
    return y | {int(basis.tight[r]): v for r, v in found.items()}


def _floats(basis: Basis, k: int, y: dict[int, Fraction], columns: Index) -> tuple[Floats, float]:
    """Reduced costs in the level's unit, and how far any of them may be off."""
    program = basis.program
    level = program.levels[k]
    c = program.cost(k, columns)
    if not y:
        return c, 0.0
    worth = np.zeros(basis.m)
    for i, v in y.items():
        worth[i] = v.numerator * program.denominators[i] / (v.denominator * level.denominator)
    size = float(np.abs(c).max()) + float(np.abs(worth) @ basis.sums.largest)
    return c - basis.sums.of(worth, columns), ROUNDING * (len(y) + 3) * size


def _exact_signs(basis: Basis, k: int, y: dict[int, Fraction], columns: Index) -> NDArray[np.int64]:
    """Signs of the reduced costs of these columns, in integers."""
    program = basis.program
    signs: NDArray[np.int64] = np.sign(program.cost(k, columns)).astype(np.int64)
    if not y:
        return signs
    common = lcm(*(v.denominator for v in y.values()))
    whole = {i: v.numerator * (common // v.denominator) for i, v in y.items()}
    cost = program.level_weights[k]
    used = np.zeros(basis.m, dtype=bool)
    used[list(whole)] = True
    bought = columns < basis.n
    signs[~bought] = [(v < 0) - (v > 0) for v in (whole.get(i, 0) for i in (columns[~bought] - basis.n).tolist())]
    places = np.flatnonzero(bought)
    entries, at = program.entries_of(columns[places])
    counted = used[program.rows[entries]]
    entries, at = entries[counted], places[at[counted]]
    total: dict[int, int] = {}
    rows, numerators = program.rows[entries].tolist(), program.numerators[entries].tolist()
    for i, place, j, v in zip(rows, at.tolist(), columns[at].tolist(), numerators, strict=True):
        total[place] = total.get(place, cost.get(j, 0) * common) - whole[i] * v
    for place, v in total.items():
        signs[place] = (v > 0) - (v < 0)
    return signs
