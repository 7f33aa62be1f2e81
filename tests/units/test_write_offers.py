"""What is written is read back as the same offers, in every format."""

from datetime import date
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]  # its types are a package of their own
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from market_data import offers_from_frame, offers_to_frame, read_offers, write_offers
from market_data.columns import OFFER_COLUMNS
from optimizer.errors import BadInput
from optimizer.offers import CHANNELS, COLUMN_KINDS, INSTRUMENTS, Labels, Offer, Offers
from optimizer.quantities import rate, tonnes, yuan

FORMATS = ["offers.csv", "offers.xlsx", "offers.json", "offers.parquet"]

words = st.text(
    st.characters(
        codec="utf-8", exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Zs", "Cn", "Co"), exclude_characters="\ufffd"
    ),
    max_size=12,
)
ids = words.filter(
    lambda t: (
        t and t.lower() not in ("offer_id", "报价编号", "total", "subtotal", "sum", "合计", "小计", "总计", "共计")
    )
)
days = st.none() | st.dates(date(1990, 1, 1), date(2100, 12, 31))
masses = st.integers(0, 10**12).map(tonnes)
prices = st.integers(0, 10**8).map(yuan)


@st.composite
def deliveries(draw) -> str:
    when = sorted(draw(st.sets(st.dates(date(2026, 1, 1), date(2060, 1, 1)), max_size=4)))
    shares = sorted(draw(st.lists(st.integers(0, 10**4), min_size=len(when), max_size=len(when))))
    return ";".join(f"{d}={rate(s)}" for d, s in zip(when, shares, strict=True))


@st.composite
def payments(draw) -> str:
    when = sorted(draw(st.sets(st.dates(date(2026, 1, 1), date(2060, 1, 1)), max_size=4)))
    if not when:
        return ""
    cuts = sorted(draw(st.sets(st.integers(1, 9_999), min_size=len(when) - 1, max_size=len(when) - 1)))
    shares = [b - a for a, b in zip([0, *cuts], [*cuts, 10**4], strict=True)]
    return ";".join(f"{d}={rate(s)}" for d, s in zip(when, shares, strict=True))


@st.composite
def markets(draw) -> Offers:
    names = draw(st.lists(ids, min_size=1, max_size=4, unique=True))

    def offer(name: str) -> Offer:
        return Offer.model_validate(
            {
                "offer_id": name,
                "instrument": draw(st.sampled_from(INSTRUMENTS)),
                "mechanism": draw(words),
                "project_id": draw(words),
                "project_name": draw(words),
                "methodology": draw(words),
                "region": draw(st.sampled_from(["", "14", "140100", "61", "KE", "CN"])),
                "vintage": draw(st.sampled_from([0, 1990, 2024, 2100])),
                "seller": draw(words),
                "quantity": draw(masses),
                "price": draw(prices),
                "min_quantity": draw(masses),
                "lot_size": draw(st.integers(1, 10**12).map(tonnes)),
                "price_breaks": draw(st.sampled_from(["", "1000=58", "0.5=58.5;5000=55.01"])),
                "fixed_fee": draw(prices),
                "unit_fee": draw(prices),
                "fee_rate": draw(st.integers(0, 10**4).map(rate)),
                "channel": draw(st.sampled_from(["", *CHANNELS])),
                "valid_from": draw(days),
                "settlement_days": draw(st.integers(0, 3650)),
                "registered_on": draw(days),
                "last_traded_on": draw(days),
                "certified_by": draw(words),
                "planted_by": draw(days),
                "certification_due": draw(days),
                "delivery_schedule": draw(deliveries()),
                "payment_schedule": draw(payments()),
                "buffer": draw(st.integers(0, 9_999).map(rate)),
                "registry": draw(words),
                "firm": draw(st.booleans()),
            }
        )

    return Offers.of(offer(name) for name in names)


def rows(offers: Offers) -> list[dict[str, object]]:
    return [offers[i].model_dump() for i in range(len(offers))]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("lang", ["zh", "en"])
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(market=markets())
def test_offers_written_and_read_are_the_same(name, lang, market, tmp_path):
    write_offers(market, tmp_path / name, lang=lang)
    again = read_offers(tmp_path / name).offers
    assert rows(again) == rows(market)
    assert again.sha256 == market.sha256


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(market=markets())
def test_offers_made_a_frame_and_back_are_the_same(market):
    again = offers_from_frame(offers_to_frame(market))
    assert rows(again) == rows(market)


def example() -> Offers:
    return Offers.of(
        [
            Offer.model_validate(
                {
                    "offer_id": "=A1",
                    "instrument": "ccer",
                    "quantity": "1000.001",
                    "price": "58.35",
                    "seller": "@甲",
                    "valid_until": date(2026, 10, 11),
                }
            ),
            Offer.model_validate(
                {"offer_id": "A2", "instrument": "allowance", "quantity": "1000000000", "price": "1000000"}
            ),
        ]
    )


def test_an_empty_market_makes_an_empty_frame_and_back():
    assert len(offers_from_frame(offers_to_frame(Offers.of([])))) == 0


def test_the_frame_has_the_contracts_columns_and_exact_decimals():
    frame = offers_to_frame(example())
    assert list(frame.columns) == [c.name for c in OFFER_COLUMNS]
    assert str(frame["price"].sum()) == "1000058.35"
    assert pd.isna(frame["seller"].iloc[1]) and pd.isna(frame["vintage"].iloc[0])
    assert frame["valid_until"].iloc[0] == pd.Timestamp("2026-10-11")


def test_a_workbook_holds_numbers_dates_and_text_that_is_no_formula(tmp_path):
    write_offers(example(), tmp_path / "o.xlsx", lang="zh")
    sheet = openpyxl.load_workbook(tmp_path / "o.xlsx")["报价"]
    by_header = {c.value: sheet.cell(2, c.column) for c in sheet[1]}
    assert (by_header["报价编号"].value, by_header["报价编号"].data_type) == ("=A1", "s")
    assert by_header["价格 (元/吨)"].value == 58.35
    assert by_header["有效期至"].is_date


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_offers_give_the_same_bytes(name, tmp_path):
    first, second = tmp_path / "1" / name, tmp_path / "2" / name
    for path in (first, second):
        path.parent.mkdir()
        write_offers(example(), path)
    assert first.read_bytes() == second.read_bytes()


def test_a_file_name_without_a_known_ending_is_refused(tmp_path):
    with pytest.raises(BadInput):
        write_offers(example(), Path(tmp_path / "o.txt"))


def test_every_column_of_the_engine_is_a_column_of_the_file():
    assert {c.field for c in OFFER_COLUMNS} == set(COLUMN_KINDS)
    assert isinstance(example().seller, Labels)
