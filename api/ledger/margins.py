"""What a broker adds to what a lot costs: rules tried in order, the first that fits a lot counts.

    cost per tonne    = price x (1 + fee rate) + unit fee                           (each price break by itself)
    selling price     = cost x (1 + rate), half up to the fen, + per_t               (all-in: the client sees no fees)
    a line's cost     = cost x tonnes, half up to the fen, + the lot's fixed fee
    the quote's fee   = what its lines' margins fall short of `minimum`, else 0

A lot's fixed fee is passed on as it is. A lot that no rule fits is sold at cost. Everything is exact.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from optimizer.eligibility import matches
from optimizer.errors import BadInput
from optimizer.findings import fault
from optimizer.nouns import Noun
from optimizer.offer_groups import Filter
from optimizer.offers import Labels, Offers, parse_price_breaks
from optimizer.quantities import E4, FEN_PER_YUAN, KG_PER_T, PRICE_YUAN_MAX, Fen, PriceFen, RateE4, round_half_up, yuan
from optimizer.quantities import tonnes as tonnes_text

RULES_MAX = 200
RATE_MAX = 10
"""Ten times what it costs: more is a misprint."""


class MarginRule(Noun):
    """What is added to lots that match; `rate` of the cost per tonne, yuan per tonne, or both."""

    where: Filter | None = None
    """Keys as in an event's limits: seller, instrument, tier, offer_id ...; all must hold. None: every lot."""
    rate_e4: RateE4 = Field(alias="rate", default=0)
    """0.05 = 5 %."""
    per_t_fen: PriceFen = Field(alias="per_t", default=0)
    """Yuan per tonne."""

    @field_validator("rate_e4")
    @classmethod
    def _plausible(cls, value: int) -> int:
        if value > RATE_MAX * E4:
            zh, en = f"加价率不应超过 {RATE_MAX}", f"a rate should be at most {RATE_MAX}"
            raise PydanticCustomError("rate", en, {"zh": zh})
        return value


class Margin(Noun):
    """How an organisation makes selling prices of costs."""

    rules: tuple[MarginRule, ...] = Field(default=(), max_length=RULES_MAX)
    minimum_fen: Fen = Field(alias="minimum", default=0)
    """Yuan that a quote with any line should earn at least."""

    def rule_of_each(self, offers: Offers, tier: NDArray[np.int32]) -> list[MarginRule]:
        """The rule of every offer; one that adds nothing where none fits."""
        found: list[MarginRule] = [NO_RULE] * len(offers)
        free = np.ones(len(offers), dtype=bool)
        for rule in self.rules:
            fits = free.copy()
            for key, values in (rule.where or {}).items():
                fits &= matches(offers, key, values, tier)
            for i in np.flatnonzero(fits).tolist():
                found[i] = rule
            free &= ~fits
        return found


NO_RULE = MarginRule()
NO_MARGIN = Margin()


def cost_e4(price_fen: int, unit_fee_fen: int, fee_rate_e4: int) -> int:
    """What a tonne costs with its fees, ten-thousandths of a fen."""
    return price_fen * (E4 + fee_rate_e4) + unit_fee_fen * E4


def selling_fen(unit_cost_e4: int, rule: MarginRule) -> int:
    """The price at which a tonne is sold, fen."""
    return round_half_up(Fraction(unit_cost_e4 * (E4 + rule.rate_e4), E4 * E4)) + rule.per_t_fen


@dataclass(frozen=True)
class Step:
    """From so many kg on: what a tonne costs and at what price it is sold."""

    from_kg: int
    cost_e4: int
    selling_fen: int


@dataclass(frozen=True, eq=False)
class PriceList:
    """Every lot of an inventory with its cost and its selling price."""

    offers: Offers
    """As they cost."""
    rules: list[MarginRule] = field(repr=False)
    """The rule of each."""

    @cached_property
    def steps(self) -> list[list[Step]]:
        """Each lot's steps, from 0 kg on."""
        return [self._steps(i) for i in range(len(self.offers))]

    def _steps(self, i: int) -> list[Step]:
        fees = int(self.offers.unit_fee_fen[i]), int(self.offers.fee_rate_e4[i])
        prices = [(0, int(self.offers.price_fen[i])), *parse_price_breaks(self.offers.price_breaks[i])]
        costs = [(kg, cost_e4(fen, *fees)) for kg, fen in prices]
        return [Step(kg, cost, selling_fen(cost, self.rules[i])) for kg, cost in costs]

    @cached_property
    def selling(self) -> Offers:
        """The inventory as the client would buy it: all-in prices, no fees but the fixed one.

        Raises:
            BadInput: selling prices that are beyond any price.
        """
        largest = PRICE_YUAN_MAX * FEN_PER_YUAN
        dear = [i for i, steps in enumerate(self.steps) if max(s.selling_fen for s in steps) > largest]
        if dear:
            zh, en = f"售价过高, 至多 {PRICE_YUAN_MAX} 元/吨", f"is sold above {PRICE_YUAN_MAX} yuan per tonne"
            raise BadInput([fault("price_huge", zh, en, path="margin", value=self.offers.offer_id[i]) for i in dear])
        none = np.zeros(len(self.offers), dtype=np.int64)
        return self.offers.replace(
            price_fen=np.array([steps[0].selling_fen for steps in self.steps], dtype=np.int64),
            price_breaks=Labels.of([_breaks_text(steps[1:]) for steps in self.steps]),
            unit_fee_fen=none,
            fee_rate_e4=none,
        )

    def line_cost_fen(self, i: int, kg: int, whole_lots: bool) -> int:
        """What so many kg of a lot cost the broker. Divisible quantities know no breaks and no fixed fees, as plans."""
        steps = [s for s in self.steps[i] if s.from_kg <= kg] if whole_lots else self.steps[i][:1]
        unit = max(steps, key=lambda s: s.from_kg).cost_e4
        fixed = int(self.offers.fixed_fee_fen[i]) if whole_lots else 0
        return round_half_up(Fraction(unit * kg, E4 * KG_PER_T)) + fixed

    def highest_price_fen(self, i: int, selling_at_most_fen: int) -> int | None:
        """The highest price of a lot, before fees, at which it would be sold for so much; None: at no price."""
        fees, rule = (int(self.offers.unit_fee_fen[i]), int(self.offers.fee_rate_e4[i])), self.rules[i]

        def sold_at(price_fen: int) -> int:
            return selling_fen(cost_e4(price_fen, *fees), rule)

        if sold_at(0) > selling_at_most_fen:
            return None
        low, high = 0, selling_at_most_fen + 1  # a margin only adds, so that no price above is sold for less
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if sold_at(middle) <= selling_at_most_fen else (low, middle)
        return low


def _breaks_text(steps: list[Step]) -> str:
    return ";".join(f"{tonnes_text(s.from_kg)}={yuan(s.selling_fen)}" for s in steps)


def fee_fen(margin: Margin, price_fen: int, cost_fen: int) -> int:
    """What a quote asks beside its lines, so that it earns the minimum; nothing for a quote that sells nothing."""
    return max(margin.minimum_fen - (price_fen - cost_fen), 0) if price_fen else 0
