"""Break-even prices, exact: at which price of an offer, or multiple of an instrument's prices, the plan changes.

The least cost as a function of what is bought of it is a convex piecewise-linear curve; its slopes are the prices
(linear-programming duality). Quantities are divisible; the objective is the problem's own (one without slack).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
import pandas as pd

from optimizer.arcs import build_arcs
from optimizer.eligibility import screen
from optimizer.errors import BadInput
from optimizer.exact_program import (
    ExactProgram,
    MovingRow,
    exact_program,
    level_cost,
    money_row,
    with_moving_rows,
    without_own_cost,
)
from optimizer.findings import fault
from optimizer.offers import Bools
from optimizer.parametric import Walk
from optimizer.plan import Json
from optimizer.problem import Problem
from optimizer.segment import Segment
from optimizer.timeline import E8
from scenarios.breakpoints import rate_text, t_text, yuan_text


@dataclass(frozen=True)
class BreakEvenStep:
    """Up to this price (or price factor) this much is bought."""

    price: Fraction
    """All-in yuan per contracted t of an offer; for an instrument, a multiple of its present prices."""
    contracted_t: Fraction
    effective_t: Fraction
    share: Fraction
    """Of the need."""
    present_cost: Fraction
    """What that much costs at present prices, yuan, as the level `cost` counts it."""


@dataclass(frozen=True)
class BreakEven:
    """What is bought of an offer or an instrument at any price of it, all else as it is.

    Budgets are left out: a price would move what they allow (`budgets_left_out`).
    """

    of: str
    kind: Literal["offer", "instrument"]
    steps: tuple[BreakEvenStep, ...]
    """Prices descending, quantities ascending: at a price between two steps the quantity is that of the higher price;
    above the first step it is `at_any_price`."""
    at_any_price: BreakEvenStep | None
    """What the levels before the cost need, whatever it costs; its price is 0 and says nothing. None: nothing."""
    present: Fraction | None
    """The present price, yuan per contracted t, all-in; 1 for an instrument; None where no arc of it exists."""
    reason: Literal["left_out", "beaten_by_order"] | None
    """Why there is no price: not eligible; or it would lose even for nothing."""
    budgets_left_out: bool

    @property
    def break_even(self) -> Fraction | None:
        """The highest price at which cost alone makes some of it worth buying.

        None with a reason, or where all that is bought is needed at any price.
        """
        return self.steps[0].price if self.steps else None

    def as_dict(self) -> Json:
        """Decimal strings."""

        def told(step: BreakEvenStep) -> Json:
            return {
                "contracted_t": t_text(step.contracted_t),
                "effective_t": t_text(step.effective_t),
                "share": rate_text(step.share),
                "present_cost": yuan_text(step.present_cost),
            }

        price = "price" if self.kind == "offer" else "factor"
        return {
            "of": self.of,
            "kind": self.kind,
            "break_even": None if self.break_even is None else rate_text(self.break_even),
            "present": None if self.present is None else rate_text(self.present),
            "steps": [{f"{price}_up_to": rate_text(s.price), **told(s)} for s in self.steps],
            "at_any_price": None if self.at_any_price is None else told(self.at_any_price),
            "reason": self.reason,
            "budgets_left_out": self.budgets_left_out,
        }

    def to_frame(self) -> pd.DataFrame:
        """One row a step: price (or factor), contracted_t, effective_t, share, present_cost; floats."""
        names = ("price", "contracted_t", "effective_t", "share", "present_cost")
        return pd.DataFrame(
            [{n: float(getattr(step, n)) for n in names} for step in self.steps], columns=list(names), dtype="float64"
        )


def break_even(problem: Problem, offer_id: str, *, cancelled: Callable[[], bool] | None = None) -> BreakEven:
    """At which all-in prices how much of an offer is bought: every price at which the plan changes.

    The least cost as a function of the quantity bought is followed; its slopes are the prices (linear-programming
    duality). An offer with several purchase dates keeps its dates' prices in proportion; the price is the first's.

    Raises:
        BadInput: no such offer; an objective with slack.
        SolverFailure: the curve was not finished within its work limit, or could not be proved.
        Cancelled: asked to stop.
    """
    at = np.flatnonzero(problem.offers.offer_id == offer_id)
    if not len(at):
        zh, en = "市场中没有该报价", "the market has no such offer"
        raise BadInput([fault("offer_unknown", zh, en, path="offer_id", value=offer_id)])
    return _break_even(problem, offer_id, "offer", problem.offers.offer_id == offer_id, cancelled)


def break_even_instrument(
    problem: Problem, instrument: str, *, cancelled: Callable[[], bool] | None = None
) -> BreakEven:
    """At which multiple of an instrument's present prices how much of it is bought, all its offers together.

    Offers of it that cost nothing now cost nothing at any multiple. Raises as `break_even`.
    """
    names = problem.offers.instrument.names
    if instrument not in names:
        zh, en = f"市场中没有该工具; 应为 {list(names)} 之一", f"not in the market; should be one of {list(names)}"
        raise BadInput([fault("instrument_unknown", zh, en, path="instrument", value=instrument)])
    table = np.array([*(n == instrument for n in names), False], dtype=bool)
    return _break_even(problem, instrument, "instrument", table[problem.offers.instrument.codes], cancelled)


def _break_even(
    problem: Problem,
    of: str,
    kind: Literal["offer", "instrument"],
    offers: Bools,
    cancelled: Callable[[], bool] | None,
) -> BreakEven:
    bare, had_budgets = _without_budgets(problem)
    bare = bare.with_settings(whole_lots=False)
    screening = screen(bare)
    arcs = build_arcs(bare, screening)
    members = offers[arcs.offer]
    if not members.any():
        return BreakEven(of, kind, (), None, None, "left_out", had_budgets)
    numerators, denominator = level_cost(bare, arcs)
    bought = np.where(members, numerators, 0).astype(object)
    present: Fraction | None = Fraction(1)
    if kind == "offer":
        first = int(numerators[np.flatnonzero(members)[0]])
        present = Fraction(first, denominator)
        denominator = first or 1
        bought = bought if first else np.where(members, 1, 0).astype(object)
    program = without_own_cost(exact_program(bare, arcs, screening), members)
    moving = MovingRow("bought", bought, denominator)
    program = with_moving_rows(program, [money_row(program), moving])
    walk = Walk(program, "money", cancelled=cancelled)
    walk.settle()
    segments = walk.along({walk.row("bought"): Fraction(1)}, Fraction(0), None)
    steps, any_price = _steps(program, segments, members)
    reason: Literal["beaten_by_order"] | None = "beaten_by_order" if not steps and any_price is None else None
    return BreakEven(of, kind, steps, any_price, present, reason, had_budgets)


def _without_budgets(problem: Problem) -> tuple[Problem, bool]:
    had = problem.calendar.budget is not None or any(e.budget is not None for e in problem.events)
    events = tuple(e.model_copy(update={"budget": None}) for e in problem.events)
    return problem.replace(calendar=problem.calendar.model_copy(update={"budget": None, "events": events})), had


def _steps(
    program: ExactProgram, segments: Sequence[Segment], members: Bools
) -> tuple[tuple[BreakEvenStep, ...], BreakEvenStep | None]:
    """Prices (slopes of the cost) and quantities, from where the levels before the cost are at their best."""
    cost = [level.name for level in program.levels].index("cost")
    last = segments[-1]
    best = [last.level(k, last.low) for k in range(cost)]
    kept = [s for s in segments if [s.level(k, s.low) for k in range(cost)] == best]
    first = _step(program, kept[0], kept[0].low, Fraction(0), members)
    steps: list[BreakEvenStep] = []
    for segment in kept:
        price = -segment.counted.line(cost).rate
        if segment.high is None or price <= 0:
            break
        if steps and steps[-1].price == price:
            steps.pop()
        steps.append(_step(program, segment, segment.high, price, members))
    return tuple(steps), first if first.contracted_t > 0 else None


def _step(program: ExactProgram, segment: Segment, at: Fraction, price: Fraction, members: Bools) -> BreakEvenStep:
    contracted = effective = cost = Fraction(0)
    numerators, denominator = level_cost(program.problem, program.arcs)
    for a, line in segment.quantities.items():
        if members[a]:
            quantity = line.at(at)
            contracted += quantity
            effective += Fraction(int(program.arcs.eta_e8[a]), E8) * quantity
            cost += Fraction(int(numerators[a]), denominator) * quantity
    need = sum(program.needs(), Fraction(0))
    return BreakEvenStep(price, contracted, effective, effective / need, cost)
