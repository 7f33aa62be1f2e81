"""Offers as columns: labels, single offers as views, the hash that does not know row orders."""

from datetime import date
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from optimizer import Offer, Offers
from optimizer.offers import COLUMN_KINDS, Labels, parse_price_breaks, parse_schedule

ROWS: list[dict[str, Any]] = [
    {"offer_id": "b", "instrument": "ccer", "quantity": "10.5", "price": "58.5", "seller": "乙", "region": "14"},
    {"offer_id": "a", "instrument": "allowance", "quantity": 7, "price": 0, "valid_until": "2026-12-31", "firm": False},
    {"offer_id": "c", "instrument": "ccer", "quantity": 3, "price": 1, "seller": "甲", "vintage": 2024, "lot_size": 2},
]


def market(rows: list[dict[str, Any]]) -> Offers:
    return Offers.of(Offer.model_validate(row) for row in rows)


def test_labels_are_codes_into_a_table_and_blanks_are_below_it():
    labels = Labels.of(["x", "", None, "y", "x"])
    assert (labels.names, labels.codes.tolist(), len(labels)) == (("x", "y"), [0, -1, -1, 1, 0], 5)
    assert [labels[i] for i in range(5)] == ["x", "", "", "y", "x"]
    assert labels.blank.tolist() == [False, True, True, False, False]


def test_labels_look_up_a_value_a_name_and_one_for_blanks():
    labels = Labels.of(["x", None, "y"])
    assert labels.lookup([10, 20], 0).tolist() == [10, 0, 20]
    assert labels.isin(["y", "z", ""]).tolist() == [False, False, True]


def test_labels_take_rows_and_drop_unused_names_only_when_sorted():
    labels = Labels.of(["y", "x", "", "z"]).take(np.array([0, 1, 2]))
    assert labels.names == ("y", "x", "z")
    canonical = labels.sorted_by_name()
    assert (canonical.names, canonical.codes.tolist()) == (("x", "y"), [1, 0, -1])


def test_labels_of_nothing_are_empty():
    labels = Labels.of([])
    assert (len(labels), labels.isin(["x"]).tolist(), labels.sorted_by_name().names) == (0, [], ())


def test_a_single_offer_is_a_view_of_its_row():
    offers = market(ROWS)
    for i, row in enumerate(ROWS):
        assert offers[i] == Offer.model_validate(row)
    assert (offers[1].valid_until, offers[0].valid_until, offers[1].firm) == (date(2026, 12, 31), None, False)


def test_a_blank_lot_is_one_tonne_and_all_else_has_a_default():
    offer = Offer.model_validate({"offer_id": "a", "instrument": "ccer", "quantity": 1, "price": 1})
    assert (offer.lot_kg, offer.min_quantity_kg, offer.firm, offer.vintage) == (1000, 0, True, 0)


def test_every_column_has_a_kind():
    assert set(COLUMN_KINDS.values()) == {"id", "label", "int", "date", "bool"}
    assert COLUMN_KINDS.keys() == Offer.model_fields.keys()


def test_the_hash_does_not_know_the_order_of_rows():
    hashes = {market(order).sha256 for order in (ROWS, ROWS[::-1], [ROWS[2], ROWS[0], ROWS[1]])}
    assert len(hashes) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"price": "58.51"},
        {"seller": "甲"},
        {"seller": ""},
        {"offer_id": "bb"},
        {"valid_until": "2026-12-31"},
        {"firm": False},
        {"buffer": "0.1"},
        {"instrument": "credit"},
    ],
)
def test_the_hash_knows_every_cell(change):
    assert market([ROWS[0] | change, *ROWS[1:]]).sha256 != market(ROWS).sha256


def test_the_hash_does_not_know_names_that_no_row_uses():
    assert market(ROWS).take(np.array([0, 1])).sha256 == market(ROWS[:2]).sha256


def test_rows_are_taken_by_index_or_mask():
    offers = market(ROWS)
    assert offers.take(np.array([2, 0])).offer_id.tolist() == ["c", "b"]
    assert offers.take(np.array([False, True, False])).offer_id.tolist() == ["a"]
    assert len(offers.take(np.array([], dtype=int))) == 0


def test_a_market_without_offers_has_all_columns():
    offers = Offers.of([])
    assert len(offers) == 0
    assert (str(offers.price_fen.dtype), str(offers.valid_until.dtype)) == ("int64", "datetime64[D]")
    assert offers.sha256 == Offers.of([]).sha256


@pytest.mark.parametrize(
    "row", [{"instrument": "wind"}, {"quantity": -1}, {"price": "a"}, {"colour": "red"}, {"lot_size": "0.0001"}]
)
def test_an_offer_refuses_what_it_does_not_know(row):
    with pytest.raises(ValidationError):
        Offer.model_validate(ROWS[0] | row)


def test_schedules_and_breaks_are_read_exactly():
    assert parse_schedule("2029-12-31=0.2; 2032-12-31=1") == (
        (np.datetime64("2029-12-31"), 2000),
        (np.datetime64("2032-12-31"), 10_000),
    )
    assert parse_price_breaks("1000=58;5000=55.5") == ((1_000_000, 5800), (5_000_000, 5550))
    assert parse_schedule("") == parse_schedule("  ") == ()


@pytest.mark.parametrize("text", ["2029-12-31", "2029-12-31=", "=0.2", "2029-13-31=0.2", "a=b=c", "2029-12-31=0.2;"])
def test_anything_else_is_no_schedule(text):
    with pytest.raises(ValueError):  # any complaint will do: the readers of files word it
        parse_schedule(text)
