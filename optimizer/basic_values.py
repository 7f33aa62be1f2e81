"""What a basis says, in exact rationals: basic columns as p + q theta, and which of them meets a bound next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np

from optimizer.basis import Basis
from optimizer.exact_linear import ExactFactor
from optimizer.program import INFINITY
from optimizer.quantities import KG_PER_T
from optimizer.tally import ZERO

type LooseEntries = dict[int, list[tuple[int, int]]]
"""Loose row -> (position among the basis's own columns, numerator) of what they have there."""


@dataclass(frozen=True)
class Leaving:
    """The basic column that meets a bound next."""

    position: int
    to_upper: bool
    at: Fraction


@dataclass(frozen=True, eq=False)
class Solved:
    """What a basis says: basic columns as p + q theta, exact."""

    basis: Basis
    exact: ExactFactor
    """Its tight rows and own columns."""
    loose_entries: "LooseEntries"
    p_own: dict[int, Fraction]
    q_own: dict[int, Fraction]
    """By position among the basis's own columns, zeros left out."""
    p_loose: dict[int, Fraction]
    q_loose: dict[int, Fraction]
    """What meets each loose row, by row (see `solve_exactly`)."""

    def basics(self) -> list[tuple[int, int, Fraction, Fraction]]:
        """(position, column, p, q) of every basic column."""
        zero, b = Fraction(0), self.basis
        found = [
            (position, int(b.basic[position]), self.p_own.get(c, zero), self.q_own.get(c, zero))
            for c, position in enumerate(b.own.tolist())
        ]
        for i, p in self.p_loose.items():
            position = int(b.position_of[i])
            found.append((position, int(b.basic[position]), p, self.q_loose[i]))
        return found

    def next_leaving(self, theta: Fraction, doubtful: bool) -> Leaving | None:
        """Which basic column meets a bound first from theta on; at once where one is beyond its bound already.

        `doubtful`: columns that do not move towards a bound are looked at as well.
        """
        best: Leaving | None = None
        strongest = 0.0
        for position, j, p, q in self.basics():
            found = self._meets(j, p, q, theta, doubtful)
            if found is None:
                continue
            where, to_upper = found
            if best is None or where < best.at or (where == best.at and abs(float(q)) > strongest):
                best, strongest = Leaving(position, to_upper, where), abs(float(q))
        return best

    def _meets(self, j: int, p: Fraction, q: Fraction, theta: Fraction, doubtful: bool) -> tuple[Fraction, bool] | None:
        low, high = self.basis.lower[j] != -INFINITY, self.basis.upper[j] != INFINITY
        if doubtful:
            value = p + q * theta if q else p
            if low and value.numerator < 0:
                return theta, False
            if high and value > self.basis.most(j):
                return theta, True
        if q.numerator < 0 and low:
            return max(-p / q, theta), False
        if q.numerator > 0 and high:
            return max((self.basis.most(j) - p) / q, theta), True
        return None

    def moving(self) -> list[tuple[int, Fraction, Fraction]]:
        """(column, p, q) of the program's basic columns that are not zero throughout."""
        return [(j, p, q) for _, j, p, q in self.basics() if j < self.basis.n and (p or q)]


def exact_factor(basis: Basis) -> ExactFactor:
    """The tight rows and own columns, each row times its denominator."""
    square: list[dict[int, int]] = [{} for _ in basis.tight]
    kept = basis.inside[basis.row_at[basis.rows[basis.inside]] >= 0]
    r, c = basis.row_at[basis.rows[kept]].tolist(), basis.own_at[basis.columns[kept]].tolist()
    for i, j, v in zip(r, c, basis.program.numerators[kept].tolist(), strict=True):
        square[i][j] = v
    return ExactFactor(square)


def solve_exactly(basis: Basis, b0: Sequence[Fraction], b1: Mapping[int, Fraction], everything: bool = True) -> Solved:
    """x_B = p + q theta, exact, for right-hand sides b0 + theta b1 (`b1` by row). Call after `factor`.

    Without `everything`, slacks that stand still are left out: they meet no bound, and their rows held before.
    """
    exact = exact_factor(basis)
    scale = basis.program.denominators
    used = basis.pinned().use
    right0, right1 = {}, {}
    for r, i in enumerate(basis.tight.tolist()):
        whole, part = b0[i].as_integer_ratio()
        right0[r] = Fraction(whole * scale[i] * KG_PER_T - used.get(i, 0) * part, part * KG_PER_T)
        if i in b1:
            right1[r] = b1[i] * scale[i]
    p_own, q_own = exact.solve(right0), exact.solve(right1)
    entries = _loose_entries(basis)
    loose = basis.loose
    if not everything:
        gaps = loose[basis.basic[basis.position_of[loose]] < basis.n].tolist()
        loose = np.array(sorted({*gaps, *entries, *(i for i in b1 if basis.row_at[i] < 0)}), dtype=np.int64)
    taken0, taken1 = _taken(entries, p_own), _taken(entries, q_own)
    p_loose = {i: _left(b0[i], scale[i], used.get(i, 0), taken0.get(i)) for i in loose.tolist()}
    q_loose = {i: _left(b1.get(i, ZERO), scale[i], 0, taken1.get(i)) for i in p_loose}
    return Solved(basis, exact, entries, p_own, q_own, p_loose, q_loose)


def _loose_entries(basis: Basis) -> LooseEntries:
    outside = basis.inside[basis.row_at[basis.rows[basis.inside]] < 0]
    rows, columns = basis.rows[outside].tolist(), basis.own_at[basis.columns[outside]].tolist()
    found: LooseEntries = {}
    for i, c, v in zip(rows, columns, basis.program.numerators[outside].tolist(), strict=True):
        found.setdefault(i, []).append((c, v))
    return found


def _taken(entries: LooseEntries, own: Mapping[int, Fraction]) -> dict[int, tuple[int, int]]:
    """What own columns use of each loose row, over its denominator: a whole number of one part of all, and the part."""
    common = lcm(*(x.denominator for x in own.values()))
    whole = {c: x.numerator * (common // x.denominator) for c, x in own.items()}
    return {i: (sum(v * whole.get(c, 0) for c, v in inside), common) for i, inside in entries.items()}


def _left(right: Fraction, scale: int, pinned_kg: int, taken: tuple[int, int] | None) -> Fraction:
    """What pinned and own columns leave of a right-hand side."""
    if not pinned_kg and taken is None:
        return right
    own, common = taken or (0, 1)
    whole, part = right.as_integer_ratio()
    unit = KG_PER_T * common
    return Fraction(whole * unit * scale - part * (pinned_kg * common + own * KG_PER_T), part * unit * scale)
