"""A piece of a curve: the optimum between two values of what moves, in integers."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from optimizer.program import Index
from optimizer.quantities import KG_PER_T


class Line(NamedTuple):
    """(still + moved x theta) / over; over > 0."""

    still: int
    moved: int
    over: int

    @classmethod
    def of(cls, p: Fraction, q: Fraction) -> "Line":
        """p + q theta."""
        over = lcm(p.denominator, q.denominator)
        return cls(p.numerator * (over // p.denominator), q.numerator * (over // q.denominator), over)

    def at(self, theta: Fraction) -> Fraction:
        """The value at theta."""
        whole, part = theta.as_integer_ratio()
        return Fraction(self.still * part + self.moved * whole, self.over * part)

    @property
    def rate(self) -> Fraction:
        """How it moves per unit of theta."""
        return Fraction(self.moved, self.over)


class Counted(NamedTuple):
    """Sums over what is bought: levels, tiers, what is spent. Integers."""

    held: Sequence[int]
    """What stands still adds, over denominators x unit."""
    rates: Sequence[int]
    """What that moves by per unit of theta."""
    arcs: Sequence[int]
    """Those of which a part is bought, t: (p + q theta) / (over x unit)."""
    p: Sequence[int]
    q: Sequence[int]
    counts: Sequence[Sequence[int]]
    """What each of them adds to each sum per tonne, over the denominators."""
    over: int
    unit: int
    denominators: Sequence[int]

    @classmethod
    def of(cls, lines: Sequence[Line], parts: Sequence[tuple[int, Line]]) -> "Counted":
        """Sums that are known, and quantities that they hold already."""
        over = lcm(*(line.over for _, line in parts))
        return cls(
            [line.still for line in lines],
            [line.moved for line in lines],
            [j for j, _ in parts],
            [line.still * (over // line.over) for _, line in parts],
            [line.moved * (over // line.over) for _, line in parts],
            [(0,) * len(lines)] * len(parts),
            over,
            1,
            [line.over for line in lines],
        )

    def ratios(self, theta: Fraction) -> tuple[list[int], list[int]]:
        """All sums at theta: numerators and denominators, not reduced."""
        whole, part = theta.as_integer_ratio()
        totals = [(h * part + r * whole) * self.over for h, r in zip(self.held, self.rates, strict=True)]
        for p, q, counts in zip(self.p, self.q, self.counts, strict=True):
            x = p * part + q * whole
            if x:
                totals = [v + c * x for v, c in zip(totals, counts, strict=True)]
        over = self.over * self.unit * part
        return totals, [d * over for d in self.denominators]

    def line(self, i: int) -> Line:
        """One of the sums."""
        still = self.held[i] * self.over + sum(c[i] * p for c, p in zip(self.counts, self.p, strict=True))
        moved = self.rates[i] * self.over + sum(c[i] * q for c, q in zip(self.counts, self.q, strict=True))
        return Line(still, moved, self.denominators[i] * self.over * self.unit)


class Pins(NamedTuple):
    """Arcs of which all that is offered is bought."""

    first: Index
    changes: list[tuple[int, bool]]
    """(arc, whether it now stands at what is offered), in the order of time; of several segments."""
    made: int
    """How many of them before this one."""

    def arcs(self) -> list[int]:
        """Ascending."""
        inside = set(self.first.tolist())
        for j, now in self.changes[: self.made]:
            (inside.add if now else inside.discard)(j)
        return sorted(inside)


@dataclass(frozen=True, eq=False, slots=True)
class Segment:
    """The optimum between two values of theta, exact."""

    low: Fraction
    high: Fraction | None
    """None: from `low` on, without end."""
    counted: Counted
    """Each level's value, in its unit, t or yuan; effective t of tier 1 .. n + 1; what is spent, nominal, yuan."""
    n_levels: int
    pins: Pins
    most_kg: NDArray[np.int64]
    """What is offered of each arc."""

    @property
    def levels(self) -> tuple[Line, ...]:
        """Each level's value."""
        return tuple(self.counted.line(k) for k in range(self.n_levels))

    @property
    def tiers(self) -> tuple[Line, ...]:
        """Effective t of tier 1 .. n + 1."""
        return tuple(self.counted.line(i) for i in range(self.n_levels, len(self.counted.held) - 1))

    @property
    def spent(self) -> Line:
        """Nominal, yuan."""
        return self.counted.line(-1)

    @property
    def quantities(self) -> dict[int, Line]:
        """Arc -> contracted tonnes; arcs that are not bought are left out."""
        pinned = self.pins.arcs()
        kg = self.most_kg[pinned].tolist() if pinned else []
        bought = {j: Line(amount, 0, KG_PER_T) for j, amount in zip(pinned, kg, strict=True)}
        over = self.counted.over * self.counted.unit
        found = zip(self.counted.arcs, self.counted.p, self.counted.q, strict=True)
        parts = {j: Line(p, q, over) for j, p, q in found if p or q}
        return dict(sorted((bought | parts).items()))

    def level(self, k: int, theta: Fraction) -> Fraction:
        """Level k at theta."""
        return self.counted.line(k).at(theta)
