"""Laws of snapshots and of what changed between two: exact bytes, one id whatever the order, partition, mirror."""

import hashlib
import json
from dataclasses import fields
from datetime import date

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from market_data.differences import CHANGES, COMPARED, KINDS, differences
from market_data.snapshot import Snapshot, decode, encode, find_id
from optimizer import BadInput, Offers
from optimizer.offers import COLUMN_KINDS, Labels, Offer

AS_OF = date(2026, 11, 22)
modest = settings(max_examples=40, derandomize=True, deadline=None, database=None)

texts = st.text(st.characters(codec="utf-8"), max_size=6)
CELLS = {
    "label": st.sampled_from(["", "", "甲", "乙", "\U0001f332", '"\\', "a\0b", "é", "é"]) | texts,
    "int": st.sampled_from([0, 1, 10_000, 10**12]) | st.integers(0, 10**12),
    "date": st.none() | st.dates(date(2026, 10, 1), date(2027, 3, 1)),
    "bool": st.booleans(),
}
BLANK = {"label": "", "int": 0, "date": None, "bool": True}


def market_of(rows: list[dict]) -> Offers:
    blank = {name: BLANK[kind] for name, kind in COLUMN_KINDS.items() if kind != "id"}
    return Offers.of(Offer.model_construct(**blank | row) for row in rows)


@st.composite
def any_offers(draw: st.DrawFn) -> Offers:
    """Up to four offers with any cell that a column can hold."""
    rows = []
    for offer_id in draw(st.lists(texts, max_size=4, unique=True)):
        cells = {kind: draw(st.lists(values, min_size=3, max_size=3)) for kind, values in CELLS.items()}
        kinds = [(name, kind) for name, kind in COLUMN_KINDS.items() if kind != "id"]
        rows.append({name: cells[kind][i % 3] for i, (name, kind) in enumerate(kinds)} | {"offer_id": offer_id})
    return market_of(rows)


few_cells = st.fixed_dictionaries(
    {
        "price_fen": st.integers(0, 3),
        "fee_rate_e4": st.sampled_from([0, 5_000, 10_000]),
        "unit_fee_fen": st.sampled_from([0, 1]),
        "quantity_kg": st.sampled_from([0, 7]),
        "lot_kg": st.sampled_from([1_000, 10]),
        "seller": st.sampled_from(["", "甲", "乙"]),
        "valid_until": st.none() | st.dates(date(2026, 11, 20), date(2026, 12, 24)),
        "firm": st.booleans(),
    }
)
twins = st.dictionaries(st.sampled_from(["o1", "o2", "o3", "o4", "o5"]), few_cells, max_size=5).map(
    lambda market: market_of([{**cells, "offer_id": offer_id} for offer_id, cells in market.items()])
)


def cells_of(offers: Offers) -> dict[str, dict]:
    rows = [offers[i] for i in range(len(offers))]
    return {offer.offer_id: {name: getattr(offer, name) for name in COLUMN_KINDS} for offer in rows}


def the_slow_hash(offers: Offers) -> str:
    """The hash as it was first defined: rows in Python's order of ids, columns one after the other."""
    order = np.array(sorted(range(len(offers)), key=lambda i: offers.offer_id[i]), dtype=np.int64)
    digest = hashlib.sha256()
    for f in fields(offers):
        column = getattr(offers, f.name)
        digest.update(f.name.encode())
        if isinstance(column, Labels):
            words = [column[i] for i in order]
            names = sorted(set(words) - {""})
            digest.update(json.dumps(names, ensure_ascii=False).encode())
            digest.update(np.array([names.index(w) if w else -1 for w in words], dtype=np.int32).tobytes())
        elif column.dtype == object:
            digest.update(json.dumps(column[order].tolist(), ensure_ascii=False).encode())
        else:
            digest.update(column[order].tobytes())
    return digest.hexdigest()


@modest
@given(any_offers())
def test_the_hash_is_the_one_that_was_defined_first(offers):
    assert offers.sha256 == the_slow_hash(offers)


@modest
@given(any_offers(), st.randoms(use_true_random=False))
def test_the_same_content_has_the_same_id_and_bytes_whatever_the_row_order(offers, random):
    order = list(range(len(offers)))
    random.shuffle(order)
    shuffled = offers.take(np.array(order, dtype=np.int64))
    one, other = Snapshot(offers, "a.csv", AS_OF), Snapshot(shuffled, "b.csv", date(2020, 1, 1), rows_read=9)
    assert one.id == other.id
    assert encode(offers) == encode(shuffled)


@modest
@given(any_offers())
def test_decoding_gives_back_every_cell(offers):
    back = decode(encode(offers), offers.sha256)
    assert cells_of(back) == cells_of(offers)
    assert list(back.offer_id) == sorted(offers.offer_id)
    for name in COLUMN_KINDS:
        before, after = getattr(offers, name), getattr(back, name)
        assert (before.codes if isinstance(before, Labels) else before).dtype == (
            after.codes if isinstance(after, Labels) else after
        ).dtype


@modest
@given(any_offers(), st.data())
def test_one_other_cell_is_another_id(offers, data):
    if not len(offers):
        return
    row = data.draw(st.integers(0, len(offers) - 1))
    changed = offers.quantity_kg.copy()
    changed[row] += 1
    other = offers.replace(quantity_kg=changed)
    assert other.sha256 != offers.sha256
    with pytest.raises(BadInput, match="does not match its id"):
        decode(encode(other), offers.sha256)


@modest
@given(twins)
def test_a_market_differs_from_itself_in_nothing(offers):
    found = differences(offers, offers.take(np.arange(len(offers))[::-1]), AS_OF)
    assert found.nothing_changed
    assert found.counts["unchanged"] == found.both == len(offers)
    assert {kind for change in found.rows() for kind in change.kinds} <= {"expired", "expiring"}


@modest
@given(twins, twins)
def test_every_offer_of_either_side_is_gone_new_or_in_both(old, new):
    found = differences(old, new, AS_OF)
    gone = {change.offer_id for change in found.rows("gone")}
    fresh = {change.offer_id for change in found.rows("new")}
    assert gone == set(old.offer_id) - set(new.offer_id)
    assert fresh == set(new.offer_id) - set(old.offer_id)
    assert found.counts["gone"] + found.both == len(old)
    assert found.counts["new"] + found.both == len(new)
    changed = [c for c in found.rows() if c.columns]
    assert found.counts["unchanged"] + len(changed) == found.both


@modest
@given(twins, twins)
def test_exchanging_the_sides_exchanges_the_words(old, new):
    there, back = differences(old, new, AS_OF), differences(new, old, AS_OF)
    mirror = {"gone": "new", "new": "gone", "dearer": "cheaper", "cheaper": "dearer", "more": "less", "less": "more"}
    for kind in CHANGES:
        said = {c.offer_id for c in there.rows(kind)}
        assert said == {c.offer_id for c in back.rows(mirror.get(kind, kind))}, kind


@modest
@given(twins, twins)
def test_the_kinds_are_what_a_comparison_offer_by_offer_says(old, new):
    """The slow way, on dictionaries: price x (10^4 + rate) + fee x 10^4, in integers."""
    before, after = cells_of(old), cells_of(new)
    found = {c.offer_id: c for c in differences(old, new, AS_OF).rows()}
    assert list(found) == sorted(found)

    def all_in(cells: dict) -> int:
        return int(cells["price_fen"] * (10_000 + cells["fee_rate_e4"]) + cells["unit_fee_fen"] * 10_000)

    for offer_id in before.keys() & after.keys():
        a, b = before[offer_id], after[offer_id]
        unlike = {name for name in COMPARED if a[name] != b[name]}
        price = all_in(b) - all_in(a)
        by_price = {"price_fen", "fee_rate_e4", "unit_fee_fen"} if price else set()
        expected = {
            "dearer": price > 0,
            "cheaper": price < 0,
            "more": b["quantity_kg"] > a["quantity_kg"],
            "less": b["quantity_kg"] < a["quantity_kg"],
            "terms": bool(unlike - by_price - {"quantity_kg"}),
            "expired": b["valid_until"] is not None and b["valid_until"] < AS_OF,
            "expiring": b["valid_until"] is not None and 0 <= (b["valid_until"] - AS_OF).days <= 30,
        }
        said = found[offer_id].kinds if offer_id in found else ()
        assert said == tuple(kind for kind in KINDS if expected.get(kind)), offer_id
        if offer_id in found:
            assert len(found[offer_id].columns) == len(unlike)


@modest
@given(st.text("0123456789abcdefABCDEF", max_size=70), st.sampled_from(["", "snapshot:", " "]))
def test_what_looks_like_an_id_is_8_to_64_hexadecimal_digits(digits, before):
    assert find_id(before + digits) == (digits.lower() if 8 <= len(digits) <= 64 else None)


@pytest.mark.parametrize("text", ["offers.csv", "deadbee", "snapshot:", "deadbeef.csv", "snapshot:deadbeeg0", ""])
def test_other_text_is_no_id(text):
    assert find_id(text) is None
