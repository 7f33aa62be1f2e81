"""Exact curves: coverage, tiers and marginal price against money; cost against the need and the margin.

Every curve is its breakpoints; between two neighbours everything is linear. Quantities are divisible (MODEL 11), the
objective is the problem's own (one without slack).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Literal

import pandas as pd

from optimizer.errors import BadInput
from optimizer.exact_program import exact_program, money_row, with_moving_rows
from optimizer.findings import fault
from optimizer.parametric import Walk
from optimizer.plan import Json
from optimizer.problem import Problem
from optimizer.quantities import E4, FEN_PER_YUAN, KG_PER_T, ceil, rate
from scenarios.breakpoints import Point, Reader, between, frame_row, rate_text, yuan_text

type Against = Literal["money", "need", "margin"]

NEED_MAX_E4 = 100 * E4
"""A hundred times the need, or a margin of a hundred needs: more is a misprint."""
COLUMNS = (
    *("money | need | margin", "required_t", "covered_t", "shortfall_t", "cost", "spent", "tier_1 .."),
    *("t_per_10000_yuan", "yuan_per_t"),
)
"""Of `Curve.to_frame`, floats: what the curve is against (yuan, a multiple of the need, a share), t and yuan. The last
two are those of the stretch that begins at the row, missing on the last: see `Curve.marginals`."""


@dataclass(frozen=True)
class Marginal:
    """What moves between two breakpoints."""

    low: Point
    high: Point
    t_per_yuan: Fraction
    """Against money: t of shortfall that each further yuan takes away. Else: needed t per yuan of cost; 0 where the
    cost stands still."""
    yuan_per_t: Fraction | None
    """Its inverse: the price of the last tonne; None where money buys no coverage, or the need does not move the cost
    (against the need: 0 where the cost stands still)."""


@dataclass(frozen=True)
class Curve:
    """A piecewise-linear curve."""

    against: Against
    points: tuple[Point, ...]
    """Breakpoints, ascending; money: from 0 to where more changes nothing."""
    asked: tuple[Point, ...]
    """Points at values that were asked for."""

    def at(self, value: Fraction) -> Point:
        """The point at any value on the curve, exact; money beyond the last breakpoint changes nothing."""
        return between(self.points, value)

    @property
    def marginals(self) -> tuple[Marginal, ...]:
        """One a pair of neighbouring breakpoints."""
        return tuple(self._marginal(a, b) for a, b in pairwise(self.points))

    def _marginal(self, low: Point, high: Point) -> Marginal:
        if self.against == "money":
            gained, money = low.shortfall_t - high.shortfall_t, high.at - low.at
            return Marginal(low, high, gained / money, money / gained if gained > 0 else None)
        needed, money = high.required_t - low.required_t, high.cost - low.cost
        return Marginal(low, high, needed / money if money > 0 else Fraction(0), money / needed if needed > 0 else None)

    def _text(self, point: Point) -> str:
        return yuan_text(point.at) if self.against == "money" else rate_text(point.at)

    def as_dict(self) -> Json:
        """Decimal strings, rounded half up: yuan to fen, t to kg, rates to six decimals."""

        def told(point: Point) -> Json:
            return {self.against: self._text(point), **point.as_dict()}

        return {
            "against": self.against,
            "points": [told(p) for p in self.points],
            "marginals": [
                {
                    "from": self._text(m.low),
                    "to": self._text(m.high),
                    "t_per_10000_yuan": rate_text(m.t_per_yuan * E4),
                    "yuan_per_t": None if m.yuan_per_t is None else rate_text(m.yuan_per_t),
                }
                for m in self.marginals
            ],
            "asked": [told(p) for p in self.asked],
        }

    def to_frame(self) -> pd.DataFrame:
        """One row a breakpoint; columns as COLUMNS."""
        rows = []
        following: Sequence[Marginal | None] = (*self.marginals, None)
        for point, after in zip(self.points, following, strict=True):
            price = None if after is None else after.yuan_per_t
            rows.append(
                {self.against: float(point.at)}
                | frame_row(point)
                | {
                    "t_per_10000_yuan": None if after is None else float(after.t_per_yuan * E4),
                    "yuan_per_t": None if price is None else float(price),
                }
            )
        return pd.DataFrame(rows).astype({"t_per_10000_yuan": "float64", "yuan_per_t": "float64"})


def budget_curve(
    problem: Problem, *, money_fen: Sequence[int] = (), cancelled: Callable[[], bool] | None = None
) -> Curve:
    """Coverage, tiers and marginal price against the money that may be spent, from 0 to where more changes nothing.

    As `Problem.with_budget_total` sets it: one event's own budget is replaced, for a calendar of several the shared one
    (their own hold all along).

    Args:
        problem: its objective decides what money is spent on first.
        money_fen: sums for which the curve's points are wanted too, fen.
        cancelled: asked now and then; True stops the work.

    Raises:
        BadInput: an objective with slack; a sum below 0.
        SolverFailure: the curve was not finished within its work limit, or could not be proved.
        Cancelled: asked to stop.
    """
    below = [
        fault("money_negative", "金额不应为负数", "money should not be negative", path=f"money[{k}]", value=fen)
        for k, fen in enumerate(money_fen)
        if fen < 0
    ]
    if below:
        raise BadInput(below)
    program = exact_program(without_replaced_budget(problem))
    program = with_moving_rows(program, [money_row(program)])
    segments = Walk(program, "money", cancelled=cancelled).from_nothing()
    points = Reader(program, sum(program.needs(), Fraction(0))).breakpoints(segments)
    return Curve("money", points, tuple(between(points, Fraction(fen, FEN_PER_YUAN)) for fen in sorted(money_fen)))


def without_replaced_budget(problem: Problem) -> Problem:
    """The problem without the budget that a total on the command line would replace."""
    calendar = problem.calendar.model_copy(update={"budget": None})
    if len(problem.events) == 1:
        calendar = calendar.model_copy(update={"events": (problem.events[0].model_copy(update={"budget": None}),)})
    return problem.replace(calendar=calendar)


def emissions_curve(
    problem: Problem, low_e4: int, high_e4: int, *, cancelled: Callable[[], bool] | None = None
) -> Curve:
    """Cost and tiers while the need of every event is this multiple of the present one, ten-thousandths.

    Limits are shares of the need and grow with it; what is offered and the budgets stay. The need is not rounded up to
    kg on the way. Raises BadInput for a range that is none, and as `budget_curve`.
    """
    _refuse_range("need", low_e4, high_e4)
    present = [Fraction(event.need_kg, KG_PER_T) for event in problem.events]
    return _need_curve(problem, "need", [Fraction(0)] * len(present), present, (low_e4, high_e4), cancelled)


def margin_curve(problem: Problem, low_e4: int, high_e4: int, *, cancelled: Callable[[], bool] | None = None) -> Curve:
    """Cost and tiers while every event's `over_cover` is the same margin, ten-thousandths (0 to 1000: none to 10 %).

    The need is not rounded up to kg on the way. Raises BadInput for a range that is none, and as `budget_curve`.
    """
    _refuse_range("margin", low_e4, high_e4)
    emitted = [Fraction(event.emissions.emitted_kg, KG_PER_T) for event in problem.events]
    return _need_curve(problem, "margin", emitted, emitted, (low_e4, high_e4), cancelled)


def _refuse_range(path: str, low_e4: int, high_e4: int) -> None:
    if 0 <= low_e4 < high_e4 <= NEED_MAX_E4:
        return
    most = NEED_MAX_E4 // E4
    zh, en = f"区间应为 0 到 {most} 之间、由小到大", f"a range should lie within 0 and {most}, the lower end first"
    raise BadInput([fault("curve_range", zh, en, path=path, value=f"{rate(low_e4)}..{rate(high_e4)}")])


def _need_curve(
    problem: Problem,
    against: Against,
    base: Sequence[Fraction],
    rates: Sequence[Fraction],
    range_e4: tuple[int, int],
    cancelled: Callable[[], bool] | None,
) -> Curve:
    low, high = Fraction(range_e4[0], E4), Fraction(range_e4[1], E4)
    program = exact_program(needing(problem, [b + r * high for b, r in zip(base, rates, strict=True)]))
    program = with_moving_rows(program, [money_row(program)])
    at_low = [b + r * low for b, r in zip(base, rates, strict=True)]
    walk = Walk(program, "money", at_low, cancelled)
    walk.settle()
    moving = {i: v for i, v in enumerate(program.need_rates(rates)) if v}
    segments = walk.along(moving, low, high)
    reader = Reader(program, sum(base, Fraction(0)), sum(rates, Fraction(0)))
    return Curve(against, reader.breakpoints(segments), ())


def needing(problem: Problem, needs_t: Sequence[Fraction]) -> Problem:
    """The problem with these needs (rounded up to kg), margins set to 0: what arcs for a growing need are made from."""
    events = []
    for event, need in zip(problem.events, needs_t, strict=True):
        emissions = event.emissions.model_copy(update={"emitted_kg": ceil(need * KG_PER_T)})
        events.append(event.model_copy(update={"emissions": emissions, "over_cover_e4": 0}))
    return problem.replace(calendar=problem.calendar.model_copy(update={"events": tuple(events)}))
