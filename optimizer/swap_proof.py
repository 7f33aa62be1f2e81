"""Whether every basis of a run of swaps is optimal, proved for many of them at once.

Multipliers of a level differ from one basis of the run to the next, but little. A column whose reduced cost keeps its
sign for the least and for the most of each multiplier is settled for all of them: coefficients are not below 0. The
others are looked at basis by basis, and signs that rounding could have turned are settled in integers.
"""

from collections.abc import Iterator, Sequence
from operator import mul
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.optimality import ROUNDING
from optimizer.program import Floats, Index
from optimizer.run_columns import RunColumns

type Bools = NDArray[np.bool_]


class Claim(NamedTuple):
    """That a basis of the run is optimal."""

    own: tuple[int, ...]
    """The columns in its tight rows."""
    inverse: list[list[int]]
    """Of their numerators in the tight rows, times `over`, shape (own, tight)."""
    over: int


class Change(NamedTuple):
    """A column that stands elsewhere from a claim on."""

    claim: int
    column: int
    side: float


class Worths(NamedTuple):
    """Multipliers of one level, for every claim."""

    values: Floats
    """In the level's unit per unit of the row, shape (claims, tight); 0 only where they are."""
    terms: Floats
    """The sizes of what they are added up from, same shape."""


def first_wrong(columns: RunColumns, side: Floats, claims: Sequence[Claim], changes: Sequence[Change]) -> int | None:
    """The first claim that does not hold, None where all of them are proved. `side`: where columns stand at first."""
    worths = _worths(columns, claims)
    moved = np.unique(np.array([c.column for c in changes], dtype=np.int64))
    standing = side.copy()
    standing[moved] = 0.0
    doubtful = np.concatenate([_doubtful(columns, standing, worths), moved])
    sides = np.tile(side[doubtful], (len(claims), 1))
    place = {j: c for c, j in enumerate(doubtful.tolist())}
    for change in changes:
        sides[change.claim :, place[change.column]] = change.side
    return _one_by_one(columns, doubtful, sides, worths, claims)


def _worths(columns: RunColumns, claims: Sequence[Claim]) -> list[Worths]:
    own = np.array([claim.own for claim in claims])
    inverse = np.array([[[v / claim.over for v in row] for row in claim.inverse] for claim in claims])
    inverse *= np.array([float(scale) for scale in columns.scales])
    found = []
    for k in range(columns.levels):
        costs = columns.costs(k)[own][:, None, :]
        values, terms = (costs @ inverse)[:, 0], (np.abs(costs) @ np.abs(inverse))[:, 0]
        rounded = ROUNDING * (columns.size(k)[0] + len(columns.tight) + 3) * terms
        for s in np.flatnonzero(((np.abs(values) <= rounded) & (terms > 0)).any(axis=1)).tolist():
            size = claims[s].over * columns.denominators[k]
            values[s] = [
                v * scale / size for v, scale in zip(_exact(columns, claims[s], k), columns.scales, strict=True)
            ]
        found.append(Worths(values, terms))
    return found


def _exact(columns: RunColumns, claim: Claim, k: int) -> list[int]:
    """Multipliers of level k, in its numerators per numerator of the row, over `claim.over`."""
    costs = [columns.column(j).counts[k] for j in claim.own]
    return [sum(map(mul, costs, rows)) for rows in zip(*claim.inverse, strict=True)]


def _doubtful(columns: RunColumns, side: Floats, worths: Sequence[Worths]) -> Index:
    """Columns that are not settled at once for all claims with the same multipliers at 0."""
    groups: dict[bytes, list[int]] = {}
    for s, nothing in enumerate(np.concatenate([one.values == 0 for one in worths], axis=1)):
        groups.setdefault(nothing.tobytes(), []).append(s)
    found = [
        _not_settled(columns, side, [Worths(one.values[mine], one.terms[mine]) for one in worths])
        for mine in groups.values()
    ]
    return np.unique(np.concatenate(found))


def _not_settled(columns: RunColumns, side: Floats, worths: Sequence[Worths]) -> Index:
    open_ones, found = np.flatnonzero(side), list[Index]()
    for k, worth in enumerate(worths):
        bound, cost = side[open_ones], columns.costs(k)[open_ones]
        if not (worth.values.any() or cost.any()):
            continue
        rows, cost = columns.rows[:, open_ones], cost * bound
        part = _scale(columns, worth)
        values = worth.values * part[:, None]
        taken = np.where(bound > 0, values.max(axis=0) @ rows, -(values.min(axis=0) @ rows))
        least = cost * np.where(cost > 0, part.min(), part.max()) - taken
        left = np.flatnonzero(least <= _error(columns, k, worth, part))
        silent = _silent(worth, cost[left], rows[:, left])
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
    largest = (worth.terms * part[:, None]).max(axis=0)
    operations = gaps + 2 * len(largest) + 8
    return ROUNDING * operations * (float(part.max()) * size + float(largest @ columns.largest))


def _one_by_one(
    columns: RunColumns, which: Index, sides: Floats, worths: Sequence[Worths], claims: Sequence[Claim]
) -> int | None:
    """The first claim that does not hold, looked at for these columns; `sides` has one row a claim."""
    wrong, open_ones = len(claims), sides != 0
    for k, worth in enumerate(worths):
        left = open_ones.any(axis=0)
        which, sides, open_ones = which[left], sides[:, left], open_ones[:, left]
        if not len(which):
            break
        cost, rows = columns.costs(k)[which], columns.rows[:, which]
        d = (cost - worth.values @ rows) * sides
        error = _error(columns, k, worth, np.ones(len(claims)))
        bad = np.flatnonzero((open_ones & (d < -error)).any(axis=1))
        wrong = min(wrong, int(bad[0])) if len(bad) else wrong
        open_ones &= np.abs(d) <= error
        at, column = np.nonzero(open_ones & ~_silent(worth, cost, rows))
        for s, c, sign in _signs(columns, claims, k, at.tolist(), column.tolist(), which):
            if sign:
                wrong = min(wrong, s) if sign * sides[s, c] < 0 else wrong
                open_ones[s, c] = False
    return wrong if wrong < len(claims) else None


def _signs(
    columns: RunColumns, claims: Sequence[Claim], k: int, at: Sequence[int], column: Sequence[int], which: Index
) -> Iterator[tuple[int, int, int]]:
    """(claim, column, sign of the reduced cost at level k), in integers."""
    exact: dict[int, list[int]] = {}
    for s, c in zip(at, column, strict=True):
        if s not in exact:
            exact[s] = _exact(columns, claims[s], k)
        one = columns.column(int(which[c]))
        d = one.counts[k] * claims[s].over - sum(map(mul, exact[s], one.tight))
        yield s, c, (d > 0) - (d < 0)
