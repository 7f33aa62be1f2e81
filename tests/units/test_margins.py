"""Margins: rules in order, exact to the fen, and back from a selling price to the price of a lot."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from api.ledger.margins import Margin, MarginRule, PriceList, cost_e4, fee_fen, selling_fen
from optimizer import Offer, Offers

PRICE, E4S, PER_T = st.integers(0, 200_000), st.integers(0, 10_000), st.integers(0, 5_000)


def lot(**terms: object) -> Offer:
    given = {"offer_id": "A", "instrument": "ccer", "quantity": "100", "price": "80", "seller": "甲", **terms}
    return Offer.model_validate(given)


def priced(offers: list[Offer], margin: Margin, tiers: list[int] | None = None) -> PriceList:
    table = Offers.of(offers)
    return PriceList(table, margin.rule_of_each(table, np.array(tiers or [1] * len(offers), dtype=np.int32)))


def test_the_first_rule_that_fits_a_lot_counts() -> None:
    margin = Margin.model_validate(
        {
            "rules": [
                {"where": {"seller": "甲", "tier": 1}, "per_t": "1"},
                {"where": {"seller": ["甲", "乙"]}, "per_t": "2"},
                {"where": {"offer_id": "C"}, "rate": "0.5"},
            ]
        }
    )
    lots = [lot(), lot(offer_id="B", seller="乙"), lot(offer_id="C", seller="丙"), lot(offer_id="D", seller="丙")]
    selling = priced([*lots, lot(offer_id="E")], margin, [1, 1, 1, 1, 2]).selling
    assert selling.price_fen.tolist() == [8100, 8200, 12000, 8000, 8200]


def test_every_price_break_is_sold_with_its_own_margin() -> None:
    prices = priced(
        [lot(price_breaks="50=70;80=60", fixed_fee="9")], Margin.model_validate({"rules": [{"rate": "0.1"}]})
    )
    assert prices.selling.price_breaks[0] == "50=77.00;80=66.00"
    # 79 t at 70 and 80 t at 60, each with the fixed fee; divisible quantities know neither break nor fixed fee.
    assert [prices.line_cost_fen(0, kg, True) for kg in (79_000, 80_000)] == [553_900, 480_900]
    assert prices.line_cost_fen(0, 80_000, False) == 640_000


@given(PRICE, E4S, E4S, E4S, PER_T)
def test_a_selling_price_is_cost_and_margin_to_the_half_fen(
    price: int, fee: int, rate: int, add: int, per: int
) -> None:
    unit = cost_e4(price, add, fee)
    sold = selling_fen(unit, MarginRule.model_construct(where=None, rate_e4=rate, per_t_fen=per))
    exact = Fraction(price * (10_000 + fee) + add * 10_000, 10_000) * Fraction(10_000 + rate, 10_000) + per
    assert -Fraction(1, 2) <= exact - sold < Fraction(1, 2) or abs(exact - sold) == Fraction(1, 2)
    assert sold >= exact - Fraction(1, 2)


@settings(deadline=None)
@given(PRICE, E4S, PER_T, E4S, PER_T, st.integers(0, 400_000))
def test_the_highest_price_is_sold_within_the_limit_and_one_fen_more_is_not(
    price: int, fee: int, unit_fee: int, rate: int, per_t: int, limit: int
) -> None:
    rule = MarginRule.model_construct(where=None, rate_e4=rate, per_t_fen=per_t)
    terms = {"price": f"{price / 100:.2f}", "unit_fee": f"{unit_fee / 100:.2f}", "fee_rate": f"{fee / 10_000:.4f}"}
    prices = PriceList(Offers.of([lot(**terms)]), [rule])
    highest = prices.highest_price_fen(0, limit)
    if highest is None:
        assert selling_fen(cost_e4(0, unit_fee, fee), rule) > limit
        return
    assert selling_fen(cost_e4(highest, unit_fee, fee), rule) <= limit
    assert selling_fen(cost_e4(highest + 1, unit_fee, fee), rule) > limit


def test_a_quote_earns_its_minimum() -> None:
    margin = Margin.model_validate({"minimum": "10"})
    assert [fee_fen(margin, sold, 5000) for sold in (5000, 5400, 6000, 7000)] == [1000, 600, 0, 0]


@pytest.mark.parametrize("wrong", [{"rate": "11"}, {"rate": "-0.1"}, {"per_t": "0.001"}, {"where": {}}, {"share": "1"}])
def test_a_margin_that_is_none_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Margin.model_validate({"rules": [wrong]})
