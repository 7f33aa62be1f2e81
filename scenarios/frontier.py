"""Cost against the recommended order, exact: from the least cost to full priority, each breakpoint, and the knee.

Coverage comes first all along: shortfall and missed min shares stay at their least, and what moves is the most that
the plan may cost. Quantities are divisible (MODEL 11); both ends are also planned with whole lots and shown beside.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Literal

import pandas as pd

from optimizer.chain import WorkLimits
from optimizer.exact_program import cost_row, exact_program, with_moving_rows
from optimizer.parametric import Walk
from optimizer.plan import Json
from optimizer.problem import Problem
from optimizer.quantities import E4
from optimizer.segment import Segment
from optimizer.solution import Proof, Solution, solve
from optimizer.wording import Language
from scenarios.breakpoints import COST, FIRST_TIER, Point, Reader, frame_row, rate_text, t_text, yuan_text

type Report = Callable[[str, int, int], None]
"""Called with what is being done, its number, and how many there are."""

NEAR = 1e-12
"""Relative. Points whose distances from the chord are nearer than this in floats are compared in rationals."""
WHOLE_LOT_NODES = 2_000
"""Branch-and-bound nodes a level of the two ends with whole lots: they stand beside the curve."""


@dataclass(frozen=True)
class Stretch:
    """What each further yuan buys between two breakpoints."""

    low: Point
    high: Point

    @property
    def t_per_yuan(self) -> tuple[Fraction, ...]:
        """Effective t that tier 1 .. n + 1 gain (or lose, below 0) with each yuan."""
        money = self.high.cost - self.low.cost
        return tuple((b - a) / money for a, b in zip(self.low.tiers, self.high.tiers, strict=True))

    @property
    def gaining_tier(self) -> int | None:
        """The highest tier that gains; None where none does."""
        return next((r for r, rate in enumerate(self.t_per_yuan, start=1) if rate > 0), None)

    @property
    def yuan_per_t(self) -> Fraction | None:
        """What one tonne more in the gaining tier costs."""
        tier = self.gaining_tier
        return None if tier is None else 1 / self.t_per_yuan[tier - 1]

    def say(self, lang: Language) -> str:
        """In words: what the money between the two points buys, and at what price a tonne."""
        moved = [(r, b - a) for r, (a, b) in enumerate(zip(self.low.tiers, self.high.tiers, strict=True), start=1)]
        gains, losses = [m for m in moved if m[1] > 0], [(r, -x) for r, x in moved if x < 0]
        money, price = yuan_text(self.high.cost - self.low.cost), self.yuan_per_t
        if lang == "zh":
            more = "、".join(f"第 {r} 级 {t_text(x)} 吨" for r, x in gains) or "无"
            less = "、".join(f"第 {r} 级 {t_text(x)} 吨" for r, x in losses)
            each = "" if price is None else f", 每吨 {rate_text(price)} 元"
            return f"再花 {money} 元: 多得{more}" + (f", 少用{less}" if less else "") + each
        more = ", ".join(f"{t_text(x)} t in tier {r}" for r, x in gains) or "nothing"
        less = ", ".join(f"{t_text(x)} t in tier {r}" for r, x in losses)
        each = "" if price is None else f", {rate_text(price)} yuan a tonne"
        return f"the next {money} yuan buy {more}" + (f" instead of {less}" if less else "") + each

    def as_dict(self, lang: Language) -> Json:
        """Decimal strings."""
        price = self.yuan_per_t
        return {
            "from": yuan_text(self.low.cost),
            "to": yuan_text(self.high.cost),
            "t_per_10000_yuan": [rate_text(x * E4) for x in self.t_per_yuan],
            "gaining_tier": self.gaining_tier,
            "yuan_per_t": None if price is None else rate_text(price),
            "text": self.say(lang),
        }


@dataclass(frozen=True)
class WholeLotEnd:
    """One end of the frontier, planned with whole lots."""

    objective: Literal["cost-first", "priority-first"]
    cost: Fraction
    """The level `cost`, yuan."""
    tiers: tuple[Fraction, ...]
    """Effective t of tier 1 .. n + 1."""
    shortfall_t: Fraction
    proof: Proof
    """Of the level `cost`."""

    def as_dict(self) -> Json:
        """Decimal strings."""
        return {
            "objective": self.objective,
            "cost": yuan_text(self.cost),
            "tiers": [t_text(t) for t in self.tiers],
            "shortfall_t": t_text(self.shortfall_t),
            "proof": self.proof,
        }


COLUMNS = (
    *("cost", "spent", "required_t", "covered_t", "shortfall_t", "tier_1 ..", "rank_t"),
    *("knee", "next_tier", "next_yuan_per_t"),
)
"""Of `Frontier.to_frame`, floats in yuan and t: `rank_t` is `Frontier.rank_t`; `knee` marks one row; `next_tier` and
`next_yuan_per_t` are what the next yuan buys (missing on the last row)."""


@dataclass(frozen=True)
class Frontier:
    """The curve: between neighbouring points everything is linear in the cost."""

    points: tuple[Point, ...]
    """From the least cost to full priority; one point where they are the same."""
    knee: Point | None
    """The breakpoint farthest below the chord between the ends, cost and `rank_t` each scaled to 0..1 (of several the
    cheapest); None where none is below."""
    ends: tuple[WholeLotEnd, ...]
    """The cheapest plan and the priority-first plan in whole lots; empty where not asked for."""

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """What further money buys, one a pair of neighbouring points."""
        return tuple(Stretch(a, b) for a, b in pairwise(self.points))

    @staticmethod
    def rank_t(point: Point) -> Fraction:
        """How far a plan is from the order: sum over tiers r of what tiers 1..r leave uncovered, t.

        A tonne in tier r counts r - 1 times, one that nothing covers n times.
        """
        return sum(point.gaps, Fraction(0))

    def as_dict(self, lang: Language = "zh") -> Json:
        """Decimal strings, rounded half up: yuan to fen, t to kg. `points` carry `cost` and `tiers`."""
        return {
            "points": [{"rank_t": t_text(self.rank_t(p)), "knee": p is self.knee, **p.as_dict()} for p in self.points],
            "stretches": [s.as_dict(lang) for s in self.stretches],
            "knee": None if self.knee is None else {"cost": yuan_text(self.knee.cost), **self.knee.as_dict()},
            "whole_lots": [end.as_dict() for end in self.ends],
        }

    def to_frame(self) -> pd.DataFrame:
        """One row a breakpoint; columns as COLUMNS."""
        rows = []
        following: Sequence[Stretch | None] = (*self.stretches, None)
        for point, after in zip(self.points, following, strict=True):
            price = None if after is None else after.yuan_per_t
            rows.append(
                frame_row(point)
                | {
                    "rank_t": float(self.rank_t(point)),
                    "knee": point is self.knee,
                    "next_tier": None if after is None else after.gaining_tier,
                    "next_yuan_per_t": None if price is None else float(price),
                }
            )
        return pd.DataFrame(rows).astype({"next_tier": "Int64", "next_yuan_per_t": "float64"})


def frontier(
    problem: Problem,
    *,
    whole_lots: bool = True,
    cancelled: Callable[[], bool] | None = None,
    report: Report | None = None,
) -> Frontier:
    """The exact frontier of a problem: tiers against cost, coverage always first. Events' tiers are summed.

    Args:
        problem: its objective is not looked at; its budgets hold all along.
        whole_lots: also plan both ends with whole lots.
        cancelled: asked now and then; True stops the work.
        report: called as each part starts.

    Raises:
        SolverFailure: the curve was not finished within its work limit, or could not be proved.
        Cancelled: asked to stop.
    """
    steps = 3 if whole_lots else 1
    if report is not None:
        report("frontier", 0, steps)
    program = exact_program(problem.with_objective("priority-first"))
    program = with_moving_rows(program, [cost_row(program)])
    segments = Walk(program, "cost", cancelled=cancelled).from_nothing()
    names = [level.name for level in program.levels]
    kept = from_full_coverage(segments, names.index("tier 1") if "tier 1" in names else names.index("cost"))
    points = Reader(program, sum(program.needs(), Fraction(0))).breakpoints(kept)
    ends: list[WholeLotEnd] = []
    objectives: tuple[Literal["cost-first", "priority-first"], ...] = ("cost-first", "priority-first")
    for k, objective in enumerate(objectives if whole_lots else ()):
        if report is not None:
            report(objective, k + 1, steps)
        ends.append(_end(problem, objective, cancelled))
    return Frontier(points, knee_of(points), tuple(ends))


def from_full_coverage(segments: Sequence[Segment], n_head: int) -> list[Segment]:
    """The segments from where the first levels (shortfall, rules) have come down to their least: they stay there."""
    last = segments[-1]

    def head(segment: Segment) -> list[Fraction]:
        return [segment.level(k, segment.low) for k in range(n_head)]

    least = head(last)
    return list(segments[bisect_left(segments, True, key=lambda segment: head(segment) == least) :])


def knee_of(points: Sequence[Point]) -> Point | None:
    """The breakpoint farthest below the chord, both ways scaled to 0..1; None where none is below it."""
    first, last = points[0], points[-1]
    width, height = last.cost - first.cost, Frontier.rank_t(first) - Frontier.rank_t(last)
    if width <= 0 or height <= 0:
        return None

    def below(p: Point) -> Fraction:
        return 1 - (p.cost - first.cost) / width - (Frontier.rank_t(p) - Frontier.rank_t(last)) / height

    rough = [_rough(p, float(width), float(height)) for p in points]
    near = min(rough) * (1 + NEAR)
    best = max((p for p, value in zip(points, rough, strict=True) if value <= near), key=below)
    return best if below(best) > 0 else None


def _rough(p: Point, width: float, height: float) -> float:
    """How far the point is above the corner of least cost and rank, in floats: no term is below 0."""
    values = p.floats()
    return values[COST] / width + sum(values[FIRST_TIER + p.n_tiers :]) / height


def _end(
    problem: Problem, objective: Literal["cost-first", "priority-first"], cancelled: Callable[[], bool] | None
) -> WholeLotEnd:
    limits = WorkLimits(nodes=WHOLE_LOT_NODES, cancelled=cancelled)
    solution = solve(problem.with_settings(whole_lots=True).with_objective(objective), limits)
    proof = solution.proof("cost")
    return WholeLotEnd(objective, proof.value, effective_by_tier(solution), solution.shortfall_t, proof.proof)


def effective_by_tier(solution: Solution) -> tuple[Fraction, ...]:
    """Effective t of tier 1 .. n + 1, events summed."""
    tiers = [Fraction(0)] * (solution.problem.rule_pack.n_tiers + 1)
    for (_, tier), kg in solution.measure.covered_kg.items():
        tiers[tier - 1] += kg / 1000
    return tuple(tiers)
