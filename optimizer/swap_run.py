"""Runs of swaps: pivots of a curve while the same rows are tight, one bought column in the place of another.

Most pivots of a curve are of this kind. One column of a small matrix changes: its inverse is kept in integers, sums are
brought up to date, and optimality is proved for many bases at once. What a run cannot tell is left to the walk, which
looks at every row and column: a row that becomes tight or loose, and a column that was not next.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
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


class _Spare(dict[int, int]):
    """What loose rows have left when own columns, too, stand at what is offered; over denominators and the unit."""

    def __init__(self, at_first: Callable[[int], int]) -> None:
        self._at_first = at_first

    def __missing__(self, i: int) -> int:
        """As the run found it: no column that stands in the row has moved since."""
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
        self._most = [most * self._kg for most in self._most_kg.tolist()]
        """What is offered of a column, over the unit."""
        self._bounds = [self._most[j] for j in self._own]
        self._use = basis.pinned().use
        scales = self._program.denominators
        self._moving = {i: int(rate * scales[i] * self._unit) for i, rate in b1.items()}
        """What right-hand sides move by, over the row's denominator and the unit."""
        self._below, self._above = self._bounded()
        self._narrow = {i for i in b1 if basis.row_at[i] < 0}
        """Loose rows that own columns may bring to an end within what is offered of them, and those that move."""
        self._right, self._spare = [self._left_at_first(i) for i in columns.tight], _Spare(self._left_at_first)
        self._held, self._held_rates = self._held_counts(basis.pinned().kg)
        for j in self._own:
            self._reserve(j)
        for j in self._own:
            self._watch(j)
        self._rates = [self._moving.get(i, 0) for i in columns.tight]
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

    def _left_at_first(self, i: int) -> int:
        """What pinned columns left of a row when the run began, over its denominator and the unit."""
        whole, part = self._b0[i].as_integer_ratio()
        return whole * self._program.denominators[i] * (self._unit // part) - self._use.get(i, 0) * self._kg

    def _held_counts(self, pinned_kg: Sequence[int]) -> tuple[list[int], list[int]]:
        """What levels, tiers and money count without own columns, and how that moves; over denominators x unit."""
        *others_kg, cost_kg = pinned_kg
        still, rates = [], []
        for level, weights in zip(self._program.levels, self._columns.weights, strict=True):
            own = cost_kg * self._kg if level.name == "cost" else 0
            still.append(own + sum(w * self._left_at_first(i) for i, w in weights.items()))
            rates.append(sum(w * self._moving.get(i, 0) for i, w in weights.items()))
        return [*still, *(v * self._kg for v in others_kg)], [*rates, *(0 for _ in others_kg)]

    def _hold(self, j: int, now: bool) -> None:
        """Column j stands at what is offered, or no longer does."""
        amount, column = self._most[j] * (1 if now else -1), self._columns.column(j)
        self._right = [left - v * amount for left, v in zip(self._right, column.tight, strict=True)]
        self._held = [h + c * amount for h, c in zip(self._held, column.counts, strict=True)]
        self._pins[1].append((j, now))

    def _bounded(self) -> tuple[set[int], set[int]]:
        """The loose rows that are met by what may not be below 0, and those by what may not be above."""
        basis = self._basis
        met = basis.basic[basis.position_of[basis.loose]]
        below, above = basis.lower[met] != -INFINITY, basis.upper[met] != INFINITY
        return set(basis.loose[below].tolist()), set(basis.loose[above].tolist())

    def _reserve(self, j: int) -> None:
        """Column j, of which nothing was bought, becomes an own one: all that is offered of it may be."""
        column, most, spare = self._columns.column(j), self._most[j], self._spare
        for i, v in zip(column.loose, column.parts, strict=True):
            spare[i] = left = spare[i] - v * most
            if left < 0 and i in self._below:
                self._narrow.add(i)

    def _release(self, j: int) -> None:
        """Of column j, which was an own one, nothing is bought any more."""
        column, most, spare = self._columns.column(j), self._most[j], self._spare
        for i, v in zip(column.loose, column.parts, strict=True):
            spare[i] += v * most

    def _watch(self, j: int) -> None:
        """Loose rows that own columns must not leave short, once pinned columns do not fill them any more."""
        for i in self._above.intersection(self._columns.column(j).loose):
            if self._left(i, self._bounds, 1) > 0:
                self._narrow.add(i)

    def _left(self, i: int, amounts: Sequence[int], over: int) -> int:
        """What a loose row has left, times `over`, when this is not bought of the own columns (times `over` too)."""
        left = self._spare[i] * over
        for j, amount in zip(self._own, amounts, strict=True):
            column = self._columns.column(j)
            if i in column.loose:
                left += column.parts[column.loose.index(i)] * amount
        return left

    # ---------------------------------------------------------------------------------------------------------- pivots

    def _pivot(self, high: Fraction | None) -> bool:
        """One swap; False where none is to be made."""
        p, q = self._inverse.times(self._right), self._inverse.times(self._rates)
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
                Claim(self._own.copy(), self._inverse.rows, self._inverse.over),
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

    def _holds(self, p: Sequence[int], q: Sequence[int], at: Fraction) -> bool:
        """Whether what meets the narrow rows stays within its bounds up to there; all of it is bounded by 0."""
        if not self._narrow:
            return True
        whole, part = at.as_integer_ratio()
        over = self._inverse.over * part
        without = [b * over - (x * part + y * whole) for b, x, y in zip(self._bounds, p, q, strict=True)]
        for i in self._narrow:
            left = self._left(i, without, over) + self._moving.get(i, 0) * whole * self._inverse.over
            if left and i in (self._above if left > 0 else self._below):
                return False
        return True

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
        self._own[passed.place], self._bounds[passed.place] = j, self._most[j]
        if passed.to_upper:
            self._hold(out, True)
        else:
            self._release(out)
        if self._basis.at_upper[j]:
            self._hold(j, False)
        else:
            self._reserve(j)
        if self._above:
            self._watch(j)
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
