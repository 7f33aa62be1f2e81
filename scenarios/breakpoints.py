"""What a curve says at its breakpoints: between two of them everything is linear, and every number is exact.

The engine's walk gives segments; here they become points in tonnes and yuan, and text. Nothing is solved here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any

from optimizer.errors import SolverFailure
from optimizer.exact_program import ExactProgram
from optimizer.plan import Json
from optimizer.quantities import plain, round_half_up, tonnes, yuan
from optimizer.segment import Segment

ZERO = Fraction(0)
RATE_DECIMALS = 6
"""Of printed rates and prices: a millionth of a tonne or of a yuan."""


@dataclass(frozen=True)
class Point:
    """The best divisible plan at one value of what moves. Exact; t and yuan."""

    at: Fraction
    """Yuan that may be spent, or a multiple of the need, or a margin: what the curve is against."""
    required_t: Fraction
    shortfall_t: Fraction
    missed_t: Fraction
    """Missed min shares, the level `rules`."""
    cost: Fraction
    """The level `cost`: nominal, or present value where there is a discount rate."""
    spent: Fraction
    """Nominal."""
    tiers: tuple[Fraction, ...]
    """Effective t of tier 1 .. n + 1."""
    gaps: tuple[Fraction, ...]
    """What tiers 1..r leave uncovered, r = 1..n; empty where the objective has no tiers."""

    @property
    def covered_t(self) -> Fraction:
        """What is covered of the need."""
        return self.required_t - self.shortfall_t

    @cached_property
    def numbers(self) -> tuple[Fraction, ...]:
        """All that moves with `at`."""
        return (
            *(self.required_t, self.shortfall_t, self.missed_t, self.cost, self.spent),
            *self.tiers,
            *self.gaps,
        )

    def as_dict(self) -> Json:
        """Decimal strings, rounded half up: yuan to fen, t to kg."""
        return {
            "required_t": t_text(self.required_t),
            "covered_t": t_text(self.covered_t),
            "shortfall_t": t_text(self.shortfall_t),
            "missed_t": t_text(self.missed_t),
            "cost": yuan_text(self.cost),
            "spent": yuan_text(self.spent),
            "tiers": [t_text(t) for t in self.tiers],
            "gaps": [t_text(t) for t in self.gaps],
        }


def t_text(value: Fraction) -> str:
    """Tonnes, rounded half up to kg."""
    return tonnes(round_half_up(value * 1000))


def yuan_text(value: Fraction) -> str:
    """Yuan, rounded half up to fen."""
    return yuan(round_half_up(value * 100))


def rate_text(value: Fraction) -> str:
    """A rate, rounded half up to six decimals."""
    return plain(Decimal(round_half_up(value * 10**RATE_DECIMALS)).scaleb(-RATE_DECIMALS))


@dataclass(frozen=True, eq=False)
class Reader:
    """Reads points off the segments of one program."""

    program: ExactProgram
    required_t: Fraction
    """The total need where `at` is 0."""
    required_rate: Fraction = Fraction(0)
    """What it grows by per unit of `at`, t."""

    def point(self, segment: Segment, at: Fraction) -> Point:
        """The point at this value, which the segment holds."""
        values, (shortfall, missed, cost, gaps) = segment.counted.values(at), self._places
        return Point(
            at=at,
            required_t=self.required_t + self.required_rate * at if self.required_rate else self.required_t,
            shortfall_t=sum([values[k] for k in shortfall[1:]], values[shortfall[0]]),
            missed_t=values[missed] if missed is not None else ZERO,
            cost=values[cost],
            spent=values[-1],
            tiers=tuple(values[segment.n_levels : -1]),
            gaps=tuple([values[k] for k in gaps]),
        )

    @cached_property
    def _places(self) -> tuple[list[int], int | None, int, list[int]]:
        """Where shortfall, missed min shares, cost and tiers stand among the levels."""
        place = {level.name: k for k, level in enumerate(self.program.levels)}
        shortfall, gaps = ([k for name, k in place.items() if name.startswith(head)] for head in ("shortfall", "tier"))
        return shortfall, place.get("rules"), place["cost"], gaps

    def breakpoints(self, segments: Sequence[Segment]) -> tuple[Point, ...]:
        """The ends of the segments; those where nothing bends are left out."""
        found = [self.point(segment, segment.low) for segment in segments]
        last = segments[-1]
        if last.high is not None and last.high > last.low:
            found.append(self.point(last, last.high))
        return bends(found)


def bends(points: Sequence[Point]) -> tuple[Point, ...]:
    """Points of a piecewise-linear curve without those that lie on the line between their neighbours."""
    kept: list[Point] = []
    for point in points:
        if len(kept) > 1 and _straight(kept[-2], kept[-1], point):
            kept.pop()
        kept.append(point)
    return tuple(kept)


def _straight(low: Point, middle: Point, high: Point) -> bool:
    """Whether each of `Point.numbers` moves as fast from the first to the second as from there to the third."""
    first, second = _steps(low.at, middle.at, high.at)
    for three in zip(low.numbers[::-1], middle.numbers[::-1], high.numbers[::-1], strict=True):
        one, other = _steps(*three)
        if one * second != other * first:
            return False
    return True


def _steps(a: Fraction, b: Fraction, c: Fraction) -> tuple[int, int]:
    """b - a and c - b, times the same number; in integers, since what is only compared need not be reduced."""
    (p, q), (r, s), (t, u) = a.as_integer_ratio(), b.as_integer_ratio(), c.as_integer_ratio()
    return (r * q - p * s) * u, (t * s - r * u) * q


def between(points: Sequence[Point], at: Fraction) -> Point:
    """The point at this value, on the line between two; beyond the last one nothing changes any more.

    Raises SolverFailure before the first point.
    """
    if at < points[0].at:
        raise SolverFailure("the curve does not go so far down")
    for low, high in pairwise(points):
        if at <= high.at:
            part = (at - low.at) / (high.at - low.at)
            mixed = [a + (b - a) * part for a, b in zip(low.numbers, high.numbers, strict=True)]
            return _of_numbers(at, mixed, len(low.tiers))
    return replace(points[-1], at=at)


def _of_numbers(at: Fraction, numbers: Sequence[Fraction], n_tiers: int) -> Point:
    required, shortfall, missed, cost, spent = numbers[:5]
    tiers, gaps = tuple(numbers[5 : 5 + n_tiers]), tuple(numbers[5 + n_tiers :])
    return Point(at, required, shortfall, missed, cost, spent, tiers, gaps)


def frame_row(point: Point) -> dict[str, Any]:
    """One row of a table, as floats: t and yuan; tier_1 .. tier_n+1 in t."""
    return {
        "required_t": float(point.required_t),
        "covered_t": float(point.covered_t),
        "shortfall_t": float(point.shortfall_t),
        "cost": float(point.cost),
        "spent": float(point.spent),
        **{f"tier_{r}": float(t) for r, t in enumerate(point.tiers, start=1)},
    }
