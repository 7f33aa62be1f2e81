"""The made-up market: marked in every offer, read back as it was, shaped like the statistics behind it."""

import csv
import io
from dataclasses import fields
from datetime import date
from typing import Any

import numpy as np
import pytest

from market_data import read_offers, write_offers
from market_data.synthetic import ID_PREFIX, is_synthetic, synthetic_market
from market_data.synthetic_kinds import BLOCK_KG, KINDS, VINTAGE_DISCOUNT
from optimizer import Calendar, Event, Problem, plan, read_rule_pack
from optimizer.eligibility import BIT, screen
from optimizer.errors import BadInput
from optimizer.offers import COLUMN_KINDS, Labels, Offer, Offers

AS_OF = date(2026, 11, 22)
LARGE = synthetic_market(20_000, 7, AS_OF)


@pytest.mark.parametrize("name", ["offers.csv", "offers.parquet", "offers.json"])
def test_every_offer_is_read_back_as_it_was(name, tmp_path):
    market = synthetic_market(6_000, 7, AS_OF)
    write_offers(market, tmp_path / name)
    again = read_offers(tmp_path / name)
    assert again.offers.sha256 == market.sha256
    assert {f.code for f in again.findings} == {"forestry_no_schedule"}
    assert 0 < len(again.findings) < 20


def test_the_csv_is_byte_for_byte_what_the_csv_module_writes(tmp_path):
    odd = ["a,b", 'say "x"', "two\nlines", "a\rb", " space ", "-", "'", "合成;|\t"]
    market = synthetic_market(400, 7, AS_OF).replace(seller=Labels.of([odd[i % len(odd)] for i in range(400)]))
    write_offers(market, tmp_path / "o.csv")
    written = (tmp_path / "o.csv").read_bytes()
    again = io.StringIO(newline="")
    csv.writer(again, lineterminator="\r\n").writerows(
        csv.reader(io.StringIO(written.decode("utf-8-sig"), newline=""), strict=True)
    )
    assert written == b"\xef\xbb\xbf" + again.getvalue().encode()


def test_every_offer_says_three_times_that_it_is_made_up():
    for i in range(0, len(LARGE), 97):
        offer = LARGE[i]
        assert offer.offer_id.startswith("SYN-7-")
        assert offer.project_name.startswith("合成") and offer.project_name.endswith("(synthetic)")
        assert offer.seller.startswith("合成卖方") and offer.seller.endswith("(synthetic seller)")
    assert not LARGE.project_name.blank.any() and not LARGE.seller.blank.any()


def test_made_up_offers_are_found_among_real_ones():
    real = Offers.of([Offer.model_validate({"offer_id": "A1", "instrument": "ccer", "quantity": "1", "price": "1",
                                            "project_name": "合成氨项目"})])  # fmt: skip
    assert not is_synthetic(real).any()
    assert is_synthetic(LARGE).all()
    renamed = LARGE.replace(offer_id=np.array([i.removeprefix(ID_PREFIX) for i in LARGE.offer_id], dtype=object))
    assert is_synthetic(renamed).all()


def test_an_event_of_the_usual_size_is_covered_from_two_hundred_offers():
    event = Event.model_validate(
        {"id": "e", "end_date": "2026-10-11", "emissions": {"tonnes": "4820.4", "status": "verified"}}
    )
    made = plan(Problem(Calendar.of(event), synthetic_market(200, 1, AS_OF), read_rule_pack("shanxi-2022"), AS_OF))
    assert made.status == "covered"


def test_every_tier_has_eligible_offers_and_every_trap_has_a_few():
    event = Event.model_validate(
        {"id": "e", "end_date": "2026-10-11", "emissions": {"tonnes": "4820.4", "status": "verified"}}
    )
    found = screen(Problem(Calendar.of(event), LARGE, read_rule_pack("shanxi-2022"), AS_OF))
    for tier in range(1, 6):
        assert (found.reasons[0][found.tier == tier] == 0).sum() > 100, tier
    for code in ("stale", "expired", "not_certified", "old_ccer"):
        share = ((found.reasons[0] & BIT[code]) > 0).mean()
        assert 0.0005 < share < 0.1, code


def test_numbers_are_what_a_market_could_hold():
    assert (LARGE.quantity_kg % LARGE.lot_kg == 0).all() and (LARGE.quantity_kg > 0).all()
    assert (LARGE.min_quantity_kg <= LARGE.quantity_kg).all()
    assert ((LARGE.price_fen == 0) == LARGE.channel.isin(["donation"])).all()
    assert not (LARGE.valid_from > LARGE.valid_until).any()
    assert (LARGE.min_quantity_kg[LARGE.mechanism.isin(["CEA"]) & (LARGE.quantity_kg >= BLOCK_KG)] == BLOCK_KG).all()


def test_a_few_sellers_hold_much_of_the_market():
    counts = np.sort(np.bincount(LARGE.seller.codes))[::-1]
    assert 0.07 < counts[0] / len(LARGE) < 0.12  # 1 - (1 + 1/8)^-0.8 = 0.090
    assert counts[:11].sum() / len(LARGE) == pytest.approx(0.5, abs=0.05)  # 1 - (1 + 11/8)^-0.8 = 0.499
    assert len(counts) > 500


def test_older_vintages_and_blocks_are_cheaper_by_the_published_shares():
    cea = LARGE.mechanism.isin(["CEA"]) & (LARGE.price_fen > 0)
    level = KINDS[8].level_yuan * 100
    young = cea & (LARGE.vintage == 2026) & (LARGE.quantity_kg < BLOCK_KG)
    older = cea & (LARGE.vintage == 2025) & (LARGE.quantity_kg < BLOCK_KG)
    block = cea & (LARGE.vintage == 2025) & (LARGE.quantity_kg >= BLOCK_KG)
    assert LARGE.price_fen[young].mean() == pytest.approx(level, rel=0.005)
    assert LARGE.price_fen[older].mean() == pytest.approx(level * (1 - VINTAGE_DISCOUNT), rel=0.005)
    assert LARGE.price_fen[block].mean() == pytest.approx(level * 0.99 * (1 - 0.0285), rel=0.005)  # mean of 0.3, 5.4 %


def test_columns_have_the_types_of_the_engine_and_names_stand_once():
    for f in fields(LARGE):
        column = getattr(LARGE, f.name)
        if isinstance(column, Labels):
            assert column.codes.dtype == np.int32 and len(set(column.names)) == len(column.names)
        kind = COLUMN_KINDS[f.name]
        expected: dict[str, Any] = {"id": object, "int": np.int64, "date": "datetime64[D]", "bool": bool}
        assert kind == "label" or column.dtype == np.dtype(expected[kind]), f.name


def test_every_wrong_argument_is_named_at_once():
    with pytest.raises(BadInput) as caught:
        synthetic_market(0, -1, date(1999, 1, 1))
    assert [f.code for f in caught.value.findings] == ["synthetic_size", "synthetic_seed", "synthetic_day"]
