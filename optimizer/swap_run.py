"""Runs of swaps: pivots of a curve while the same rows are tight, one bought column in the place of another.

Most pivots of a curve are of this kind. One column of a small matrix changes: its inverse is kept in integers, sums are
brought up to date, and optimality is proved for many bases at once. What a run cannot tell is left to the walk, which
looks at every row and column: a row that becomes tight or loose, and a column that was not next.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from itertools import chain
from math import lcm
from typing import NamedTuple

import numpy as np

from optimizer.basic_values import exact_factor
from optimizer.basis import Basis
from optimizer.kept_inverse import KeptInverse
from optimizer.program import INFINITY
from optimizer.quantities import KG_PER_T
from optimizer.run_columns import RunColumns
from optimizer.segment import Counted, Pins, Segment
from optimizer.swap_proof import Changes, Claim, first_wrong
from optimizer.swap_queue import Standing, queue

TOGETHER = 1024
"""Bases that are proved at once, and columns in a queue, at most."""
TIGHT_MAX = 8
"""Tight rows: with more of them a run is left to the walk, whose inverse is sparse."""


class _Passed(NamedTuple):
    """A basis of the run, and how it was left."""

    low: Fraction
    high: Fraction
    claim: Claim
    p: list[int]
    q: list[int]
    held: list[int]
    pins: int
    """Changes of what is pinned before it."""
    place: int
    to_upper: bool
    enters: int

    @property
    def side(self) -> float:
        """Where the column that leaves stands then."""
        return -1.0 if self.to_upper else 1.0


class _Left(dict[int, int]):
    """What pinned columns leave of each row, over its denominator and the unit; found where it is first asked for."""

    def __init__(self, at_first: Callable[[int], int]) -> None:
        self._at_first = at_first

    def __missing__(self, i: int) -> int:
        """As the run found it."""
        self[i] = found = self._at_first(i)
        return found


class SwapRun:
    """One run, from a basis that is factored and holds from theta on."""

    def __init__(self, basis: Basis, b0: Sequence[Fraction], b1: Mapping[int, Fraction], theta: Fraction) -> None:
        self._basis, self._program, self._b0 = basis, basis.program, b0
        self.theta = theta
        self.segments: list[Segment] = []
        self._unit = lcm(KG_PER_T, *{v.denominator for v in chain(b0, b1.values())})
        self._kg = self._unit // KG_PER_T
        self._columns = columns = RunColumns(basis)
        self._own, self._positions = basis.basic[basis.own].tolist(), basis.own.tolist()
        self._inverse = KeptInverse(exact_factor(basis), len(self._own))
        self._most_kg = basis.program.arcs.most_kg
        self._bounds = [self._most(j) for j in self._own]
        self._pinned, self._left = basis.pinned(), _Left(self._left_at_first)
        scales = self._program.denominators
        self._moving = {i: int(rate * scales[i] * self._unit) for i, rate in b1.items()}
        """What right-hand sides move by, over the row's denominator and the unit."""
        self._ends, self._reserved = cache(self._bounded), dict[int, int]()
        self._narrow = {i for i in b1 if basis.row_at[i] < 0}
        """Loose rows that own columns may bring to an end within what is offered of them, and those that move."""
        for j in self._own:
            self._reserve(j)
        self._rates = [self._moving.get(i, 0) for i in columns.tight]
        self._held, self._held_rates = self._held_counts()
        self._pins = basis.pinned_arcs(), list[tuple[int, bool]]()

    def follow(self, high: Fraction | None, tick: Callable[[], None]) -> None:
        """Pivots as far as the run goes, before `high`. The last basis is left to the walk."""
        while True:
            self._passed, self._moved = list[_Passed](), dict[int, float]()
            self._queues = dict[tuple[int, bool], list[int]]()
            while len(self._passed) < TOGETHER and self._pivot(high):
                tick()
            if not self._passed or not self._keep():
                return

    # ------------------------------------------------------------------------------------------------ right-hand sides

    def _most(self, j: int) -> int:
        """What is offered of a column, over the unit."""
        return int(self._most_kg[j]) * self._kg

    def _left_at_first(self, i: int) -> int:
        whole, part = self._b0[i].as_integer_ratio()
        limit = whole * self._program.denominators[i] * (self._unit // part)
        return limit - self._pinned.use.get(i, 0) * self._kg

    def _held_counts(self) -> tuple[list[int], list[int]]:
        """What levels, tiers and money count without own columns, and how that moves; over denominators x unit."""
        kg = self._pinned.kg
        still, rates = [], []
        for level, weights in zip(self._program.levels, self._columns.weights, strict=True):
            own = kg[-1] * self._kg if level.name == "cost" else 0
            still.append(own + sum(w * self._left[i] for i, w in weights.items()))
            rates.append(sum(w * self._moving.get(i, 0) for i, w in weights.items()))
        return [*still, *(v * self._kg for v in kg[:-1])], [*rates, *(0 for _ in kg[:-1])]

    def _hold(self, j: int, now: bool) -> None:
        """Column j stands at what is offered, or no longer does."""
        amount, column, left = self._most(j) * (1 if now else -1), self._columns.column(j), self._left
        for i, v in column.entries:
            left[i] -= v * amount
        self._held = [h + c * amount for h, c in zip(self._held, column.counts, strict=True)]
        self._pins[1].append((j, now))

    # ---------------------------------------------------------------------------------------------------------- pivots

    def _pivot(self, high: Fraction | None) -> bool:
        """One swap; False where none is to be made."""
        right = [self._left[i] for i in self._columns.tight]
        p, q = self._inverse.times(right), self._inverse.times(self._rates)
        place, at = self._next_meeting(p, q)
        if at is None or (high is not None and at >= high) or not self._holds(p, q, at):
            return False
        j = self._next(place, q[place] > 0)
        if j is None or j >= len(self._most_kg):
            return False
        self._swap(
            _Passed(
                self.theta,
                at,
                Claim(tuple(self._own), self._inverse.rows, self._inverse.over),
                p,
                q,
                self._held,
                len(self._pins[1]),
                place,
                q[place] > 0,
                j,
            )
        )
        return True

    def _next_meeting(self, p: Sequence[int], q: Sequence[int]) -> tuple[int, Fraction | None]:
        """Which own column meets a bound first, and where."""
        over, place, meets, speed = self._inverse.over, 0, 0, 0
        for c, q_c in enumerate(q):
            if q_c > 0:
                found, size = self._bounds[c] * over - p[c], q_c
            elif q_c < 0:
                found, size = p[c], -q_c
            else:
                continue
            later = found * speed - meets * size
            if not speed or later < 0 or (later == 0 and size > speed):
                place, meets, speed = c, found, size
        return place, max(Fraction(meets, speed), self.theta) if speed else None

    def _reserve(self, j: int) -> None:
        """Column j becomes an own one. May what is offered of them bring what meets a loose row to a bound?"""
        most = self._most(j)
        for i, v in self._columns.column(j).loose:
            self._reserved[i] = reserved = self._reserved.get(i, 0) + v * most
            left = self._left[i]
            if (left < reserved and self._ends(i, False)) or (left > 0 and self._ends(i, True)):
                self._narrow.add(i)

    def _release(self, j: int) -> None:
        """Column j is no longer an own one."""
        most = self._most(j)
        for i, v in self._columns.column(j).loose:
            self._reserved[i] -= v * most

    def _holds(self, p: Sequence[int], q: Sequence[int], at: Fraction) -> bool:
        """Whether what meets the narrow rows stays within its bounds up to there; all of it is bounded by 0."""
        narrow, moving = self._narrow, self._moving
        if not narrow:
            return True
        whole, part = at.as_integer_ratio()
        taken = {i: 0 for i in moving if i in narrow}
        for j, a, b in zip(self._own, p, q, strict=True):
            for i, v in self._columns.column(j).loose:
                if i in narrow:
                    taken[i] = taken.get(i, 0) + v * (a * part + b * whole)
        for i, used in taken.items():
            left = (self._left[i] * part + moving.get(i, 0) * whole) * self._inverse.over - used
            if left and self._ends(i, left > 0):
                return False
        return True

    def _bounded(self, i: int, above: bool) -> bool:
        """Whether what meets a loose row may not be above 0, or below it."""
        basis = self._basis
        j = basis.basic[basis.position_of[i]]
        return bool(basis.upper[j] != INFINITY if above else basis.lower[j] != -INFINITY)

    def _next(self, place: int, to_upper: bool) -> int | None:
        """The column that comes in for the one at this place; None where the queues of the batch cannot tell."""
        if (place, to_upper) not in self._queues:
            found = queue(self._columns, self._standing(), place, to_upper, TOGETHER)
            self._queues[place, to_upper] = found[::-1]
        waiting = self._queues[place, to_upper]
        while waiting:
            j = waiting.pop()
            if j not in self._own:
                return None if j in self._moved else j
        return None

    def _standing(self) -> Standing:
        scales, over = self._columns.scales, self._inverse.over
        inverse = [[v * s / over for v, s in zip(row, scales, strict=True)] for row in self._inverse.rows]
        side = self._basis.side.copy()
        side[list(self._moved)] = list(self._moved.values())
        return Standing(self._own, np.array(inverse), side)

    def _swap(self, passed: _Passed) -> None:
        out, j = self._own[passed.place], passed.enters
        self._passed.append(passed)
        self._moved |= {out: passed.side, j: 0.0}
        self._inverse.replace(passed.place, self._columns.column(j).tight)
        self._own[passed.place], self._bounds[passed.place] = j, self._most(j)
        self._release(out)
        if self._basis.at_upper[j]:
            self._hold(j, False)
        if passed.to_upper:
            self._hold(out, True)
        self._reserve(j)
        self.theta = passed.high

    # ---------------------------------------------------------------------------------------------------------- proofs

    def _keep(self) -> bool:
        """Keeps what is proved. Where a basis is not, another column was next: the walk goes on from the one before."""
        passed = self._passed
        changes = Changes(
            np.repeat(np.arange(1, len(passed)), 2),
            np.array([j for one in passed[:-1] for j in (one.claim.own[one.place], one.enters)], dtype=np.int64),
            np.array([side for one in passed[:-1] for side in (one.side, 0.0)]),
        )
        wrong = first_wrong(self._columns, self._basis.side, [one.claim for one in passed], changes)
        good = len(passed) if wrong is None else max(wrong - 1, 0)
        self._basis.swap_all((self._positions[one.place], one.enters, one.to_upper) for one in passed[:good])
        self.segments += [self._segment(one) for one in passed[:good] if one.high != one.low]
        if good < len(passed):
            self.theta = passed[good].low
        return good == len(passed)

    def _segment(self, one: _Passed) -> Segment:
        columns, claim = self._columns, one.claim
        counts = [columns.column(j).counts for j in claim.own]
        counted = Counted(
            *(one.held, self._held_rates, claim.own, one.p, one.q, counts),
            *(claim.over, self._unit, columns.denominators),
        )
        pins = Pins(*self._pins, one.pins)
        return Segment(one.low, one.high, counted, columns.levels, pins, self._most_kg)
