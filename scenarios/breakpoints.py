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
COST, FIRST_TIER = 3, 5
"""Where they stand among `Point.numbers`."""
RATE_DECIMALS = 6
"""Of printed rates and prices: a millionth of a tonne or of a yuan."""


@dataclass(frozen=True, eq=False, repr=False)
class Point:
    """The best divisible plan at one value of what moves. Exact; t and yuan.

    A curve has thousands of them: numbers stay as they were read until somebody asks for one.
    """

    at: Fraction
    """Yuan that may be spent, or a multiple of the need, or a margin: what the curve is against."""
    numerators: Sequence[int]
    """Of `numbers`, not reduced."""
    denominators: Sequence[int]
    """Theirs; above 0."""
    n_tiers: int
    """Of the rule pack, and one for what it does not rank."""

    @classmethod
    def of(cls, at: Fraction, numbers: Sequence[Fraction], n_tiers: int) -> "Point":
        """A point with these `numbers`."""
        return cls(at, [x.numerator for x in numbers], [x.denominator for x in numbers], n_tiers)

    @cached_property
    def numbers(self) -> tuple[Fraction, ...]:
        """All that moves with `at`: the need, shortfall, missed min shares, cost, what is spent, tiers, gaps."""
        ratios = zip(self.numerators, self.denominators, strict=True)
        return tuple([Fraction(n, d) if n else ZERO for n, d in ratios])

    def floats(self) -> list[float]:
        """The same, each rounded once."""
        return [n / d for n, d in zip(self.numerators, self.denominators, strict=True)]

    @property
    def required_t(self) -> Fraction:
        """The need."""
        return self.numbers[0]

    @property
    def shortfall_t(self) -> Fraction:
        """What is not covered of it."""
        return self.numbers[1]

    @property
    def missed_t(self) -> Fraction:
        """Missed min shares, the level `rules`."""
        return self.numbers[2]

    @property
    def cost(self) -> Fraction:
        """The level `cost`: nominal, or present value where there is a discount rate."""
        return self.numbers[COST]

    @property
    def spent(self) -> Fraction:
        """Nominal."""
        return self.numbers[4]

    @property
    def tiers(self) -> tuple[Fraction, ...]:
        """Effective t of tier 1 .. n + 1."""
        return self.numbers[FIRST_TIER : FIRST_TIER + self.n_tiers]

    @property
    def gaps(self) -> tuple[Fraction, ...]:
        """What tiers 1..r leave uncovered, r = 1..n; empty where the objective has no tiers."""
        return self.numbers[FIRST_TIER + self.n_tiers :]

    @property
    def covered_t(self) -> Fraction:
        """What is covered of the need."""
        return self.required_t - self.shortfall_t

    def __eq__(self, other: object) -> bool:
        """The same values."""
        return isinstance(other, Point) and (self.at, self.n_tiers, self.numbers) == (
            *(other.at, other.n_tiers),
            other.numbers,
        )

    def __hash__(self) -> int:
        """Of the values."""
        return hash((self.at, self.n_tiers, self.numbers))

    def __repr__(self) -> str:
        """All values by name."""
        names = ("at", "required_t", "shortfall_t", "missed_t", "cost", "spent", "tiers", "gaps")
        return f"Point({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

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
        counted, over = segment.counted.ratios(at)
        required = self.required_t + self.required_rate * at if self.required_rate else self.required_t
        counted += (required.numerator, 0)
        over += (required.denominator, 1)
        shortfall, *others = self._shortfalls
        if others:
            total = sum((Fraction(counted[k], over[k]) for k in others), Fraction(counted[shortfall], over[shortfall]))
            counted[shortfall], over[shortfall] = total.as_integer_ratio()
        places = self._places
        return Point(at, [counted[k] for k in places], [over[k] for k in places], self._n_tiers)

    @cached_property
    def _place_of(self) -> dict[str, int]:
        return {level.name: k for k, level in enumerate(self.program.levels)}

    @cached_property
    def _shortfalls(self) -> list[int]:
        """Which levels count what is not covered."""
        return [k for name, k in self._place_of.items() if name.startswith("shortfall")]

    @cached_property
    def _n_tiers(self) -> int:
        return self.program.problem.rule_pack.n_tiers + 1

    @cached_property
    def _places(self) -> list[int]:
        """Where each of `Point.numbers` stands among what a segment counts, the need and 0."""
        place, levels = self._place_of, len(self.program.levels)
        spent = levels + self._n_tiers
        tiers, gaps = range(levels, spent), (k for name, k in place.items() if name.startswith("tier"))
        required, zero = spent + 1, spent + 2
        return [required, self._shortfalls[0], place.get("rules", zero), place["cost"], spent, *tiers, *gaps]

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
    three = (low, middle, high)
    first, second = _steps(*(x.at.numerator for x in three), *(x.at.denominator for x in three))
    a, b, c = low.numerators, middle.numerators, high.numerators
    p, q, r = low.denominators, middle.denominators, high.denominators
    for k in range(len(a) - 1, -1, -1):
        one, other = _steps(a[k], b[k], c[k], p[k], q[k], r[k])
        if one * second != other * first:
            return False
    return True


def _steps(a: int, b: int, c: int, p: int, q: int, r: int) -> tuple[int, int]:
    """b / q - a / p and c / r - b / q, times the same number."""
    return (b * p - a * q) * r, (c * q - b * r) * p


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
            return Point.of(at, mixed, low.n_tiers)
    return replace(points[-1], at=at)


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
