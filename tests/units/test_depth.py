"""Order books: levels become offers, the cheapest plan walks up the book, agents and donations."""

from datetime import date
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_data import offers_from_frame, offers_to_frame, read_offers
from market_data.depth import cost_of, depth_of, donated, through_agent
from optimizer import BadInput, Calendar, Event, Offer, Offers, Problem, plan, read_rule_pack
from optimizer.quantities import kg_of, tonnes, yuan

HEADER = "offer_id,instrument,mechanism,quantity,price,price_levels,lot_size,unit_fee,fee_rate,channel"


def read(*rows: str, header: str = HEADER):
    return read_offers("book.csv", content="\n".join([header, *rows, ""]).encode())


def listed(offers: Offers) -> list[tuple[str, str, str]]:
    return [
        (str(offers.offer_id[i]), tonnes(int(offers.quantity_kg[i])), yuan(int(offers.price_fen[i])))
        for i in range(len(offers))
    ]


def small_market(**channels: str) -> Offers:
    """Offers of 100 t at 10 yuan, named as their channels are."""
    row = {"instrument": "ccer", "quantity": 100, "price": 10}
    return Offers.of(Offer.model_validate(row | {"offer_id": k, "channel": v}) for k, v in channels.items())


def test_a_row_of_levels_becomes_one_offer_a_level():
    """Proves: 2000=58;3000=59.5 is 2,000 t at 58 and 3,000 t at 59.50, everything else as in the row."""
    found = read("A,allowance,CEA,,,2000=58;3000=59.5,,0.3,,", "B,allowance,CEA,100,57,,,,,")
    assert listed(found.offers) == [("A#1", "2000", "58.00"), ("A#2", "3000", "59.50"), ("B", "100", "57.00")]
    assert found.offers.unit_fee_fen.tolist() == [30, 30, 0]
    assert not found.findings


def test_total_and_first_price_may_stand_beside_the_levels():
    blank = read("A,ccer,CCER,,,2000=58;3000=59.5,,,,").offers
    assert read('A,ccer,CCER,"5,000",58.00,2000=58；3000=59.5,,,,').offers.sha256 == blank.sha256


def test_a_file_of_books_needs_no_columns_for_quantity_and_price():
    found = read("A,ccer,10=5;10=6", "B,ccer,7=5.5", header="报价编号,品种,逐档报价")
    assert listed(found.offers) == [("A#1", "10", "5.00"), ("A#2", "10", "6.00"), ("B#1", "7", "5.50")]


def test_a_row_with_neither_levels_nor_quantity_lacks_both():
    with pytest.raises(BadInput) as caught:
        read("A,ccer,CCER,,,2000=58,,,,", "B,ccer,CCER,,,,,,,")
    assert {(f.code, f.row, f.column) for f in caught.value.findings} == {
        ("blank", 3, "quantity"),
        ("blank", 3, "price"),
    }


def test_all_that_a_book_cannot_have_is_told_at_once():
    with pytest.raises(BadInput) as caught:
        read(
            "A,ccer,9,5,10=5;10=6,3,4,10=2",
            header="offer_id,instrument,quantity,price,price_levels,min_quantity,fixed_fee,price_breaks",
        )
    codes = {f.code for f in caught.value.findings}
    assert codes == {"levels_with_minimum", "levels_with_fee", "levels_with_breaks", "levels_total"}


def test_falling_prices_are_taken_for_price_breaks():
    with pytest.raises(BadInput) as caught:
        read("A,ccer,CCER,,,1000=58;5000=55,,,,")
    (finding,) = caught.value.findings
    assert finding.code == "levels_order" and "price_breaks" in finding.message.en


def test_a_doubt_about_some_levels_is_told_once_at_the_row_of_the_book():
    """Proves: two of three levels above 10,000 yuan/t are one warning at row 3, two below a lot one at row 2."""
    found = read("A,ccer,CCER,,,0.5=58;0.7=59;3=60,,,,", "B,ccer,CCER,,,10=9;10=20000;10=30000,,,,")
    assert [(f.code, f.row) for f in found.findings] == [("quantity_unusable", 2), ("price_far_out", 3)]


def test_what_was_expanded_is_read_back_as_the_same_offers():
    offers = read("A,ccer,CCER,,,2000=58;3000=59.5,0.01,,,", "B,ccer,CCER,100,57,,,,,").offers
    assert offers_from_frame(offers_to_frame(offers)).sha256 == offers.sha256


def test_the_order_of_rows_changes_nothing():
    rows = ["A,ccer,CCER,,,2000=58;3000=59.5,,,,", "B,ccer,CCER,100,57,,,,,", "C,ccer,CCER,,,7=58,,,,"]
    assert read(*rows).offers.sha256 == read(*reversed(rows)).offers.sha256


# ------------------------------------------------------------------------------------------------- walking up a book


def test_depth_and_the_cost_of_a_walk_by_hand():
    """Proves: 57 x 100 + 58 x 2,000 + 59.50 x 400 = 5,700 + 116,000 + 23,800 = 145,500 yuan for 2,500 t.

    Sensitivity: all at the last price would be 148,750.
    """
    offers = read(
        "A,allowance,CEA,,,2000=58;3000=59.5,,,,", "B,allowance,CEA,100,57,,,,,", "C,ccer,CCER,9,1,,,,,"
    ).offers
    book = depth_of(offers, instrument="allowance", mechanism="CEA")
    assert book.cumulative_kg.tolist() == [100_000, 2_100_000, 5_100_000]
    assert [book.price_fen(i) for i in range(3)] == [5_700, 5_800, 5_950]
    walk = cost_of(book, kg_of(2_500))
    assert (walk.cost_fen, walk.bought_kg, walk.short_kg) == (Fraction(14_550_000), 2_500_000, 0)
    assert walk.levels == ((2, 100_000), (0, 2_000_000), (1, 400_000))


def test_fees_are_part_of_the_marginal_price():
    """Proves: 58 x 1.015 + 0.30 = 59.17 yuan/t, dearer than 59 without fees."""
    offers = read("A,ccer,CCER,,,10=58,,0.3,0.015,", "B,ccer,CCER,10,59,,,,,").offers
    book = depth_of(offers)
    assert [str(offers.offer_id[r]) for r in book.rows] == ["B", "A#1"]
    assert book.price_fen(1) == 5_917


def test_a_walk_ends_at_whole_lots_or_where_the_book_ends():
    """Proves: 12.2 t is 10 t at 5 and 3 t at 6: 68 yuan; of 100 t the book holds 19: 80 t are short."""
    book = depth_of(read("A,ccer,CCER,,,10.9=5;9=6,,,,").offers)
    walk = cost_of(book, kg_of("12.2"))
    assert (walk.cost_fen, walk.bought_kg, walk.short_kg) == (Fraction(6_800), 13_000, 0)
    walk = cost_of(book, kg_of(100))
    assert (walk.bought_kg, walk.short_kg) == (19_000, 81_000)
    assert cost_of(book, 0).levels == ()
    assert cost_of(depth_of(small_market().take(np.array([], dtype=int))), 5).short_kg == 5


def test_offers_that_no_book_can_hold_are_named():
    rows: list[dict[str, object]] = [
        {"offer_id": "min", "min_quantity": 5},
        {"offer_id": "fee", "fixed_fee": 5},
        {"offer_id": "breaks", "price_breaks": "50=9"},
        {"offer_id": "plain", "min_quantity": 1},
    ]
    offers = Offers.of(Offer.model_validate(r | {"instrument": "ccer", "quantity": 100, "price": 10}) for r in rows)
    book = depth_of(offers)
    assert (book.left_out.tolist(), book.rows.tolist()) == ([0, 1, 2], [3])
    assert len(depth_of(offers, vintage=2024).rows) == 0


books = st.lists(
    st.tuples(st.integers(1, 60), st.integers(0, 400)), min_size=1, max_size=5, unique_by=lambda level: level[1]
)


@settings(deadline=None, max_examples=15)
@given(books, st.integers(0, 300), st.integers(1, 250))
def test_the_cheapest_plan_walks_up_the_book(levels, fee_e4, need):
    """Law: levels are bought in order, and the plan's cost is that of the walk."""
    text = ";".join(f"{t}={yuan(fen)}" for t, fen in sorted(levels, key=lambda level: level[1]))
    offers = read(f"A,allowance,CEA,,,{text},,0.05,{fee_e4 / 10_000:.4f},").offers
    event = Event.model_validate(
        {"id": "e", "end_date": "2026-10-11", "emissions": {"tonnes": need, "status": "verified"}}
    )
    problem = Problem(Calendar.of(event), offers, read_rule_pack("shanxi-2022"), date(2026, 11, 22))
    found = plan(problem, explanations="none").document()
    walk = cost_of(depth_of(offers), need * 1000)
    bought = {line["offer_id"]: kg_of(line["contracted_t"]) for line in found["lines"]}
    assert bought == {str(offers.offer_id[row]): kg for row, kg in walk.levels}
    assert [str(offers.offer_id[row]) for row, _ in walk.levels] == [f"A#{i + 1}" for i in range(len(bought))]
    assert kg_of(found["totals"]["shortfall_t"]) == walk.short_kg
    assert abs(Fraction(found["totals"]["cost"]) * 100 - walk.cost_fen) <= Fraction(1, 2)


# --------------------------------------------------------------------------------------------------- agents and gifts


def test_an_agent_replaces_the_holder_and_adds_its_fees():
    """Proves: 10 yuan + 1 % + 0.20 + 100 a line; nothing is there twice, other channels stay."""
    market = small_market(held="holder", open="", gift="donation", other="agent")
    found = through_agent(market, 100, 20, 10_000)
    assert len(found) == len(market)
    assert [found.channel[i] for i in range(4)] == ["agent", "", "donation", "agent"]
    assert found.fee_rate_e4.tolist() == [100, 0, 0, 0]
    assert found.unit_fee_fen.tolist() == [20, 0, 0, 0]
    assert found.fixed_fee_fen.tolist() == [10_000, 0, 0, 0]
    twice = through_agent(market.replace(fee_rate_e4=np.array([50, 0, 0, 0])), 100, 0, 0)
    assert twice.fee_rate_e4.tolist() == [150, 0, 0, 0]


def test_a_market_without_holders_stays_as_it_is():
    market = small_market(open="", gift="donation")
    assert through_agent(market, 100, 20, 10_000).sha256 == market.sha256


def test_fees_that_cannot_be_are_told_all_at_once():
    with pytest.raises(BadInput) as caught:
        through_agent(small_market(held="holder").replace(fee_rate_e4=np.array([9_950])), 100, -1, -5)
    assert [(f.code, f.column, f.value) for f in caught.value.findings] == [
        ("agent_fee", "fee_rate", "0.01"),
        ("agent_fee", "unit_fee", "-0.01"),
        ("agent_fee", "fixed_fee", "-0.05"),
    ]


def test_donations_are_free_or_named():
    market = small_market(b="donation", held="holder", a="donation")
    free = donated(market.replace(price_fen=np.array([0, 1000, 0])))
    assert sorted(free.offer_id) == ["a", "b"]
    with pytest.raises(BadInput) as caught:
        donated(market)
    assert [(f.path, f.value) for f in caught.value.findings] == [("a", "10.00"), ("b", "10.00")]
    assert len(donated(small_market(held="holder"))) == 0
