"""Quotes and stock become offers: which price, which quantity, nothing twice, and every row accounted for."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from market_data import read_offers, write_offers
from market_data.listing import Listed, Terms, offers_of_quotes, offers_of_stock
from market_data.quotes import METHODS, UNKNOWN, Quote, Quotes, Stock
from optimizer import Event, Offers, Problem, plan, read_rule_pack
from optimizer.errors import BadInput
from optimizer.events import Calendar
from optimizer.offers import Offer

AS_OF = date(2026, 8, 19)
DAY = timedelta(days=1)


def quote(day: date = AS_OF, code: str = "CEA25", method: str = "listed", **facts: Any) -> Quote:
    """A quote of national allowances: 97.40 yuan, 1,000 t, unless said otherwise."""
    known = Quote(day, "allowance", "CEA", code, 2025, method, close_fen=9_800, average_fen=9_740, volume_kg=1_000_000)
    return known._replace(**facts)


def listed(*quotes: Quote, terms: Terms | None = None, as_of: date = AS_OF) -> Listed:
    return offers_of_quotes(Quotes.of(quotes), terms or Terms(), as_of)


def by_id(found: Listed) -> dict[str, Offer]:
    return {found.offers[i].offer_id: found.offers[i] for i in range(len(found.offers))}


def reasons(found: Listed) -> set[str]:
    return {f.code for f in found.findings}


# ---------------------------------------------------------------------------------------------------------- quotes


def test_the_last_traded_day_gives_an_indicative_offer_at_its_mean_price_and_volume():
    (offer,) = by_id(listed(quote(), quote(AS_OF - DAY, average_fen=1))).values()
    assert (offer.offer_id, offer.price_fen, offer.quantity_kg) == ("CEA25-listed", 9_740, 1_000_000)
    assert (offer.instrument, offer.mechanism, offer.vintage, offer.channel) == ("allowance", "CEA", 2025, "holder")
    assert (offer.firm, offer.last_traded_on, offer.lot_kg, offer.min_quantity_kg) == (False, AS_OF, 1_000, 0)
    assert offer.valid_until is None and offer.registry == "全国碳排放权注册登记系统"


def test_without_a_mean_the_close_is_the_price():
    assert by_id(listed(quote(average_fen=UNKNOWN)))["CEA25-listed"].price_fen == 9_800


def test_the_id_is_the_same_on_another_day_so_that_two_days_can_be_compared():
    later = listed(quote(AS_OF + 7 * DAY), as_of=AS_OF + 7 * DAY)
    assert by_id(listed(quote())).keys() == by_id(later).keys()


def test_a_price_carried_forward_keeps_the_day_price_and_volume_of_the_last_trade():
    idle = [quote(AS_OF - n * DAY, volume_kg=0, average_fen=UNKNOWN, close_fen=8_100) for n in (0, 1)]
    found = listed(*idle, quote(AS_OF - 40 * DAY, average_fen=7_400, volume_kg=5_000), quote(AS_OF - 41 * DAY))
    (offer,) = by_id(found).values()
    assert (offer.price_fen, offer.quantity_kg) == (7_400, 5_000)
    assert offer.last_traded_on == AS_OF - 40 * DAY
    assert (found.rows_read, found.folded, dict(found.left_out)) == (4, 2, {"history": 1})
    (words,) = [f.message.en for f in found.findings if f.code == "carried_forward"]
    assert "2026-08-19" in words and "2026-07-10" in words


def test_blocks_start_at_100_000_t_and_where_less_was_traded_at_that():
    block = quote(method="block", volume_kg=250_000_000)
    assert by_id(listed(block))["CEA25-block"].min_quantity_kg == 100_000_000
    pilot = block._replace(mechanism="湖北", code="HBEA", volume_kg=30_000_000)
    assert by_id(listed(pilot))["湖北-HBEA-2025-block"].min_quantity_kg == 30_000_000


def test_a_listed_offer_may_be_larger_than_one_listed_order():
    assert by_id(listed(quote(volume_kg=900_000_000)))["CEA25-listed"].quantity_kg == 900_000_000


def test_composite_codes_give_no_offer_even_where_there_is_nothing_else():
    whole = quote(code="COMCEA", vintage=0, composite=True)
    found = listed(whole, quote())
    assert list(by_id(found)) == ["CEA25-listed"] and found.left_out == {"composite": 1}
    alone = listed(whole)
    assert len(alone.offers) == 0 and "composite_only" in reasons(alone) and "composite_only" not in reasons(found)


def test_a_code_quoted_in_all_and_by_method_is_not_offered_twice():
    whole = quote(method="", volume_kg=3_000_000)
    parts = [quote(), quote(method="block", volume_kg=2_000_000)]
    found = listed(whole, *parts)
    assert list(by_id(found)) == ["CEA25-block", "CEA25-listed"] and found.left_out == {"sums_methods": 1}
    newer = listed(whole, *(p._replace(day=AS_OF - DAY) for p in parts))
    assert list(by_id(newer)) == ["CEA25"] and newer.left_out == {"older_by_method": 2}


def test_what_never_traded_or_lies_ahead_gives_no_offer():
    found = listed(quote(volume_kg=0), quote(AS_OF + DAY), quote(code="CEA24", average_fen=0, close_fen=UNKNOWN))
    assert len(found.offers) == 0 and found.left_out == {"after_as_of": 1, "never_traded": 2}


def test_of_one_day_and_code_twice_the_larger_volume_counts():
    found = listed(quote(volume_kg=1_000), quote(volume_kg=2_000))
    assert by_id(found)["CEA25-listed"].quantity_kg == 2_000 and found.left_out == {"same_day": 1}


def test_terms_set_channel_fees_factor_and_validity():
    terms = Terms(
        price_factor_e4=10_500,
        channel="agent",
        fee_rate_e4=100,
        unit_fee_fen=30,
        fixed_fee_fen=50_000,
        settlement_days=5,
        valid_days=7,
        seller="某代理",
    )
    (offer,) = by_id(listed(quote(), terms=terms)).values()
    # 97.40 x 1.05 = 102.27; an agent takes the holder's place, and there is one offer still.
    assert (offer.price_fen, offer.channel, offer.seller) == (10_227, "agent", "某代理")
    assert (offer.fee_rate_e4, offer.unit_fee_fen, offer.fixed_fee_fen, offer.settlement_days) == (100, 30, 50_000, 5)
    assert offer.valid_until == date(2026, 8, 26)


def test_ccer_quotes_are_chinese_of_no_known_province_and_open_to_all():
    ccer = quote(code="能源", method="", instrument="ccer", mechanism="CCER", vintage=0)
    (offer,) = by_id(listed(ccer)).values()
    assert (offer.offer_id, offer.region, offer.channel) == ("CCER-能源", "CN", "")


def test_codes_that_would_share_an_id_have_longer_ones():
    twice = [quote(code="A-B", mechanism="X", vintage=0), quote(code="B", mechanism="X-A", vintage=0)]
    assert len(by_id(listed(*twice))) == 2


quotes_drawn = st.lists(
    st.builds(
        quote,
        day=st.integers(-4, 2).map(lambda n: AS_OF + n * DAY),
        code=st.sampled_from(["CEA24", "CEA25", "COMCEA"]),
        method=st.sampled_from(["", *METHODS]),
        mechanism=st.sampled_from(["CEA", "湖北"]),
        average_fen=st.sampled_from([UNKNOWN, 0, 7_400, 9_740, 10**12]),
        close_fen=st.sampled_from([UNKNOWN, 9_800]),
        volume_kg=st.sampled_from([0, 500, 1_000_000, 10**13]),
        composite=st.booleans(),
    ),
    max_size=25,
)


@settings(max_examples=40, deadline=None)
@given(quotes_drawn, st.randoms(use_true_random=False))
def test_every_quote_is_an_offer_folded_into_one_or_left_out_whatever_the_order(quotes, chance):
    found = listed(*quotes)
    assert found.rows_read == len(quotes) == len(found.offers) + found.folded + sum(found.left_out.values())
    assert set(found.left_out) - reasons(found) == set()
    shuffled = list(quotes)
    chance.shuffle(shuffled)
    again = listed(*shuffled)
    assert again.offers.sha256 == found.offers.sha256
    assert (again.folded, again.left_out, again.findings) == (found.folded, found.left_out, found.findings)


@settings(max_examples=40, deadline=None)
@given(quotes_drawn)
def test_no_offer_holds_more_than_one_day_and_no_market_more_than_its_quotes_by_method_or_in_all(quotes):
    found = listed(*quotes)
    assert len(set(found.offers.offer_id)) == len(found.offers)
    for offer in by_id(found).values():
        same = [q for q in quotes if q.day == offer.last_traded_on and q.volume_kg == offer.quantity_kg]
        assert any(offer.price_fen in (q.average_fen, q.close_fen) and not q.composite for q in same)
    names = list(by_id(found))
    for code in {n.rsplit("-", 1)[0] for n in names if n.endswith(METHODS)}:
        assert code not in names


# ----------------------------------------------------------------------------------------------------------- stock

WIND = Stock(
    "credit", "VCS", "VCS1", "Wind\nfarm", "ACM0002", "CN", 2022, 20_000_000, 5_000_000, date(2021, 3, 4), "Owner"
)


def test_stock_becomes_one_offer_a_project_and_vintage_at_the_buyers_price():
    found = offers_of_stock([WIND, WIND._replace(vintage=0)], Terms(price_fen=1_500), AS_OF)
    offer = by_id(found)["VCS-VCS1-2022"]
    assert (offer.price_fen, offer.quantity_kg, offer.seller, offer.region) == (1_500, 15_000_000, "Owner", "CN")
    assert (offer.project_name, offer.methodology, offer.registered_on) == ("Wind farm", "ACM0002", date(2021, 3, 4))
    assert (offer.firm, offer.channel) == (False, "") and "VCS-VCS1" in by_id(found)


def test_stock_without_a_price_names_the_option_that_states_one():
    with pytest.raises(BadInput) as caught:
        offers_of_stock([WIND], Terms(), AS_OF)
    assert "--price" in caught.value.say("zh") and "--price" in caught.value.say("en")
    assert len(offers_of_stock([], Terms(), AS_OF).offers) == 0


def test_what_is_used_up_or_registered_later_is_no_offer_and_the_same_credits_are_offered_once():
    stock = [
        WIND,
        WIND._replace(retired_kg=6_000_000),
        WIND._replace(project_id="VCS2", retired_kg=20_000_000),
        WIND._replace(project_id="VCS3", registered_on=AS_OF + DAY),
        WIND._replace(project_id="VCS4", issued_kg=10**14),
    ]
    for order in (stock, stock[::-1]):
        found = offers_of_stock(order, Terms(price_fen=0), AS_OF)
        assert [o.quantity_kg for o in by_id(found).values()] == [14_000_000]
        assert found.left_out == {"after_as_of": 1, "implausible": 1, "nothing_left": 1, "same_project": 1}
        assert found.rows_read == 5


stock_drawn = st.lists(
    st.builds(
        WIND._replace,
        project_id=st.sampled_from(["VCS1", "VCS2"]),
        vintage=st.sampled_from([0, 2021, 2022]),
        issued_kg=st.integers(0, 10**8),
        retired_kg=st.integers(0, 10**8),
        registered_on=st.sampled_from([None, AS_OF, AS_OF + DAY]),
        project_name=st.text(max_size=6),
        owner=st.sampled_from(["", "A\u200b B", "x" * 2_000]),
    ),
    max_size=15,
)


@settings(max_examples=40, deadline=None)
@given(stock_drawn, st.randoms(use_true_random=False))
def test_every_stock_is_an_offer_or_left_out_whatever_the_order(stock, chance):
    found = offers_of_stock(stock, Terms(price_fen=100), AS_OF)
    assert found.rows_read == len(stock) == len(found.offers) + sum(found.left_out.values())
    shuffled = list(stock)
    chance.shuffle(shuffled)
    assert offers_of_stock(shuffled, Terms(price_fen=100), AS_OF).offers.sha256 == found.offers.sha256


# ------------------------------------------------------------------------------------------------------- and onwards


@pytest.mark.parametrize("name", ["o.csv", "o.xlsx", "o.json", "o.parquet"])
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(quotes=quotes_drawn, stock=stock_drawn)
def test_listed_offers_are_written_and_read_back_as_the_same_offers(name, tmp_path: Path, quotes, stock):
    terms = Terms(price_fen=100, fee_rate_e4=123, valid_days=30)
    for found in (listed(*quotes, terms=terms), offers_of_stock(stock, terms, AS_OF)):
        if len(found.offers):
            write_offers(found.offers, tmp_path / name)
            assert read_offers(tmp_path / name).offers.sha256 == found.offers.sha256


def test_a_plan_buys_from_listed_offers():
    market = listed(quote(), quote(method="block", volume_kg=250_000_000, average_fen=9_000))
    credits = offers_of_stock([WIND], Terms(price_fen=1_500), AS_OF)
    event = {"id": "e", "end_date": "2026-08-01", "emissions": {"tonnes": "900", "status": "verified"}}
    offers = Offers.of([*by_id(market).values(), *by_id(credits).values()])
    answer = plan(Problem(Calendar.of(Event.model_validate(event)), offers, read_rule_pack("shanxi-2022"), AS_OF))
    # Allowances are tier 4 and Chinese credits of no known province unranked; a block would be 100,000 t at least.
    (line,) = answer.lines
    assert (line.offer_id, line.contracted_t, line.unit_price, line.firm) == ("CEA25-listed", "900", "97.40", False)


def test_a_listing_that_loses_a_row_is_refused():
    sound = listed(quote())
    with pytest.raises(AssertionError, match="not accounted for"):
        replace(sound, rows_read=2)


def test_an_empty_market_lists_nothing():
    empty = listed()
    assert (len(empty.offers), empty.rows_read, empty.findings) == (0, 0, ())
