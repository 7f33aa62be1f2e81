"""Break-even feedback: at which price a lot that lost would have won, and how much of that its seller is told.

Break-evens are the plan's, at selling prices; here they are taken back to the lot's own price, before fees and margin.
Whatever a seller is told is of their own lots alone, and as the organisation's setting says: whether they won, within
how much of their price they would have (band), or at exactly which price.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from api.ledger.margins import Margin, PriceList
from api.ledger.quotes import Feedback
from api.planning import Unplanned, offers_of
from optimizer import BadInput, Plan, plan
from optimizer.carried_problem import problem_of
from optimizer.eligibility import screen
from optimizer.quantities import fen_of, yuan

BANDS = (Fraction(2, 100), Fraction(5, 100), Fraction(10, 100), Fraction(20, 100))
"""How far below its price a lot would have won: within the first that holds it."""


@dataclass(frozen=True)
class FeedbackTask:
    """A quote as it was kept, as values that travel between processes."""

    plan: bytes
    lots: bytes
    """The inventory at cost."""
    margin: bytes


@dataclass(frozen=True)
class LotFeedback:
    """What became of a lot in a quote."""

    lot_id: str
    offer_id: str
    seller: str
    state: str
    """used | beaten | left_out"""
    reasons: tuple[Mapping[str, str], ...]
    price_fen: int
    """The lot's own, before fees and margin."""
    selling_fen: int
    """At which it was offered to the client, all-in."""
    selling_at_most_fen: int | None
    """At which it would still have been bought; None: at no price."""
    price_at_most_fen: int | None
    """The lot's own price that makes it that."""


def feedback_or_refused(task: FeedbackTask) -> tuple[LotFeedback, ...] | Unplanned:
    """What became of every lot of a quote, in order of offer ids."""
    try:
        return _feedback(task)
    except BadInput as error:
        return Unplanned(error.findings)


def _feedback(task: FeedbackTask) -> tuple[LotFeedback, ...]:
    made = Plan.model_validate_json(task.plan)
    problem, _ = problem_of(made, None)
    states = made.offers or plan(problem, explanations="all", lang=made.lang).offers
    lots = {str(row.pop("lot")): row for row in json.loads(task.lots)}
    lot_of = {str(row["offer_id"]): lot_id for lot_id, row in lots.items()}
    offers = offers_of(list(lots.values())).offers
    offers = offers.take(offers.by_id)
    rules = Margin.model_validate_json(task.margin).rule_of_each(offers, screen(problem.replace(offers=offers)).tier)
    prices = PriceList(offers, rules)
    row_of = {str(offer_id): i for i, offer_id in enumerate(offers.offer_id)}
    found = []
    for one in sorted(states, key=lambda state: state.offer_id):
        i = row_of[one.offer_id]
        at_most = None if one.break_even is None else fen_of(one.break_even)
        found.append(
            LotFeedback(
                lot_of[one.offer_id],
                one.offer_id,
                offers.seller[i],
                one.state,
                tuple(reason.model_dump() for reason in one.reasons),
                int(offers.price_fen[i]),
                prices.steps[i][0].selling_fen,
                at_most,
                None if at_most is None else prices.highest_price_fen(i, at_most),
            )
        )
    return tuple(found)


def for_broker(found: Sequence[LotFeedback]) -> list[dict[str, Any]]:
    """Everything, for the broker alone."""
    return [
        {
            "lot": one.lot_id,
            "offer_id": one.offer_id,
            "seller": one.seller,
            "state": one.state,
            "reasons": [dict(reason) for reason in one.reasons],
            "price": yuan(one.price_fen),
            "selling_price": yuan(one.selling_fen),
            "selling_price_at_most": _yuan(one.selling_at_most_fen),
            "price_at_most": _yuan(one.price_at_most_fen),
        }
        for one in found
    ]


def for_seller(found: Sequence[LotFeedback], seller: str, told: Feedback) -> list[dict[str, Any]]:
    """What the seller of some of the lots may be told, of those lots."""
    return [
        {
            "offer_id": one.offer_id,
            "price": yuan(one.price_fen),
            "won": one.state == "used",
            "band": _band(one) if told == "band" else None,
            "price_at_most": _yuan(one.price_at_most_fen) if told == "exact" else None,
        }
        for one in found
        if one.seller == seller
    ]


def _band(one: LotFeedback) -> str | None:
    """`0.05`: at a price within 5 % below its own it would have won; `more`: further below; None: it won, or never."""
    if one.state == "used" or one.price_at_most_fen is None or not one.price_fen:
        return None
    below = Fraction(one.price_fen - one.price_at_most_fen, one.price_fen)
    return next((f"{float(band):g}" for band in BANDS if below <= band), "more")


def _yuan(fen: int | None) -> str | None:
    return None if fen is None else yuan(fen)
