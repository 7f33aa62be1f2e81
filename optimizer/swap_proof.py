"""Whether every basis of a run of swaps is optimal, proved for many of them at once.

Multipliers of a level differ from one basis of the run to the next, but little. A column whose reduced cost keeps its
sign for the least and for the most of each multiplier is settled for all of them: coefficients are not below 0. The
others are looked at for each half of the bases, and so on; in the end basis by basis. Signs that rounding could have
turned are settled in integers.
"""

from collections.abc import Sequence
from operator import mul
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.exact_program import Integers
from optimizer.optimality import ROUNDING
from optimizer.program import Floats, Index
from optimizer.run_columns import Column, RunColumns

type Bools = NDArray[np.bool_]

AT_ONCE = 128
"""Claims that are looked at one by one together; more of them are halved."""


class Claim(NamedTuple):
    """That a basis of the run is optimal."""

    own: list[int]
    """The columns in its tight rows."""
    inverse: list[list[int]]
    """Of their numerators in the tight rows, times `over`, shape (own, tight)."""
    over: int


class Changes(NamedTuple):
    """Columns that stand elsewhere from a claim on, in the order of time."""

    claims: Index
    columns: Index
    sides: Floats

    def within(self, begin: int, end: int) -> "Changes":
        """Those after claim `begin`, before `end`."""
        a, b = np.searchsorted(self.claims, (begin + 1, end))
        return Changes(self.claims[a:b], self.columns[a:b], self.sides[a:b])


class Worths(NamedTuple):
    """Multipliers of one level, for some claims."""

    whole: Integers
    """In the level's numerators per numerator of the row, times the claim's `over`; shape (claims, tight)."""
    values: Floats
    """In the level's unit per unit of the row, each rounded a few times; same shape."""

    def of(self, which: slice | Index) -> "Worths":
        """Those of some of the claims."""
        return Worths(self.whole[which], self.values[which])


def first_wrong(columns: RunColumns, side: Floats, claims: Sequence[Claim], changes: Changes) -> int | None:
    """The first claim that does not hold, None where all of them are proved. `side`: where columns stand at first."""
    over = np.array([claim.over for claim in claims], dtype=object)
    proof = _Proof(columns, changes, _worths(columns, claims, over), over)
    return proof.first_wrong(0, len(claims), side, np.flatnonzero(side))


class _Proof(NamedTuple):
    """What is to be proved: claims with their multipliers."""

    columns: RunColumns
    changes: Changes
    worths: Sequence[Worths]
    over: Integers

    def first_wrong(self, begin: int, end: int, side: Floats, which: Index) -> int | None:
        """The first claim from `begin` on, before `end`, that does not hold for these columns and those that move.

        `side`: where columns stand at `begin`.
        """
        inside = self.changes.within(begin, end)
        moved = np.unique(inside.columns)
        standing = side.copy()
        standing[moved] = 0.0
        mine = [worth.of(slice(begin, end)) for worth in self.worths]
        still = _doubtful(self.columns, standing, which[standing[which] != 0], mine)
        doubtful = np.concatenate([still, moved])
        if end - begin <= AT_ONCE:
            sides = np.tile(side[doubtful], (end - begin, 1))
            place = {j: c for c, j in enumerate(doubtful.tolist())}
            for claim, column, now in zip(*(found.tolist() for found in inside), strict=True):
                sides[claim - begin :, place[column]] = now
            wrong = _one_by_one(self.columns, doubtful, sides, mine, self.over[begin:end])
            return None if wrong is None else begin + wrong
        middle = (begin + end) // 2
        wrong = self.first_wrong(begin, middle, side, doubtful)
        if wrong is not None:
            return wrong
        then, until = side.copy(), inside.within(begin, middle + 1)
        then[until.columns] = until.sides
        return self.first_wrong(middle, end, then, doubtful)


def _worths(columns: RunColumns, claims: Sequence[Claim], over: Integers) -> list[Worths]:
    inverse, levels = np.array([claim.inverse for claim in claims], dtype=object), columns.levels
    counts = np.array([[columns.column(j).counts[:levels] for j in claim.own] for claim in claims], dtype=object)
    scales, size, found = np.array(columns.scales, dtype=np.float64), over.astype(np.float64), []
    for k in range(levels):
        whole = (counts[:, :, k, None] * inverse).sum(axis=1)
        unit = (size * float(columns.denominators[k]))[:, None]
        found.append(Worths(whole, whole.astype(np.float64) * scales / unit))
    return found


def _doubtful(columns: RunColumns, side: Floats, which: Index, worths: Sequence[Worths]) -> Index:
    """Columns that are not settled at once for all claims with the same multipliers at 0."""
    nothing = np.concatenate([one.values == 0 for one in worths], axis=1)
    left, found = np.arange(len(nothing)), list[Index]()
    while len(left):
        alike = (nothing[left] == nothing[left[0]]).all(axis=1)
        found.append(_not_settled(columns, side, which, [one.of(left[alike]) for one in worths]))
        left = left[~alike]
    return np.unique(np.concatenate(found))


def _not_settled(columns: RunColumns, side: Floats, open_ones: Index, worths: Sequence[Worths]) -> Index:
    found = [np.zeros(0, dtype=np.int64)]
    for k, worth in enumerate(worths):
        bound, cost = side[open_ones], columns.costs(k)[open_ones]
        if not (worth.values.any() or cost.any()):
            continue
        rows, cost = columns.rows.take(open_ones, axis=1), cost * bound
        part = _scale(columns, worth)
        values = worth.values * part[:, None]
        taken = np.where(bound > 0, values.max(axis=0) @ rows, -(values.min(axis=0) @ rows))
        least = cost * np.where(cost > 0, part.min(), part.max()) - taken
        left = np.flatnonzero(least <= _error(columns, k, worth, part))
        silent = _silent(worth, cost[left], rows.take(left, axis=1))
        found.append(open_ones[left[~silent]])
        open_ones = open_ones[left[silent]]
        if not len(open_ones):
            break
    return np.concatenate(found)


def _scale(columns: RunColumns, worth: Worths) -> Floats:
    """What each claim is multiplied by, shape (claims,): one multiplier becomes 1 or -1, and the others come together.

    Reduced costs keep their signs.
    """
    size = np.abs(worth.values)
    fixed = int(np.argmax(size.min(axis=0) * columns.largest))
    return 1 / size[:, fixed] if size[:, fixed].all() else np.ones(len(size))


def _silent(worth: Worths, cost: Floats, rows: Floats) -> Bools:
    """Columns whose reduced costs are 0 without any arithmetic, whichever the claim."""
    used = (worth.values != 0).any(axis=0).astype(np.float64)
    found: Bools = (cost == 0) & (used @ rows == 0)
    return found


def _error(columns: RunColumns, k: int, worth: Worths, part: Floats) -> float:
    """How far a reduced cost, times what its claim is multiplied by, may be off."""
    gaps, size = columns.size(k)
    largest = (np.abs(worth.values) * part[:, None]).max(axis=0)
    operations = gaps + 2 * len(largest) + 12
    return ROUNDING * operations * (float(part.max()) * size + float(largest @ columns.largest))


def _one_by_one(
    columns: RunColumns, which: Index, sides: Floats, worths: Sequence[Worths], over: Integers
) -> int | None:
    """The first claim that does not hold, looked at for these columns; `sides` has one row a claim."""
    wrong, open_ones = len(over), sides != 0
    for k, worth in enumerate(worths):
        left = open_ones.any(axis=0)
        which, sides, open_ones = which[left], sides[:, left], open_ones[:, left]
        if not len(which):
            break
        cost, rows = columns.costs(k)[which], columns.rows.take(which, axis=1)
        d = (cost - worth.values @ rows) * sides
        error = _error(columns, k, worth, np.ones(len(over)))
        bad = np.flatnonzero((open_ones & (d < -error)).any(axis=1))
        wrong = min(wrong, int(bad[0])) if len(bad) else wrong
        open_ones &= np.abs(d) <= error
        silent = _silent(worth, cost, rows)
        for claim, c in zip(*(found.tolist() for found in np.nonzero(open_ones & ~silent)), strict=True):
            if _sign(columns.column(int(which[c])), worths, claim, over[claim], k) * sides[claim, c] < 0:
                wrong = min(wrong, claim)
        open_ones &= silent
    return wrong if wrong < len(over) else None


def _sign(column: Column, worths: Sequence[Worths], claim: int, over: int, k: int) -> int:
    """Sign of a column's reduced costs in lexicographic order from level k on, in integers."""
    for level in range(k, len(worths)):
        d = column.counts[level] * over - sum(map(mul, column.tight, worths[level].whole[claim].tolist()))
        if d:
            return 1 if d > 0 else -1
    return 0
