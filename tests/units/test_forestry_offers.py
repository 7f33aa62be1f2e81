"""Forests by area and yield: the arithmetic by hand."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_data import forestry, read_offers
from optimizer.errors import BadInput
from optimizer.offers import parse_schedule

HEADER = (
    "offer_id,instrument,area_mu,area_ha,yield_t_per_mu_yr,yield_years,yield_curve,price_per_mu,planted_by,"
    "quantity,price,delivery_schedule"
)


def read(**cells: str):
    row = dict.fromkeys(HEADER.split(","), "") | {"offer_id": "F1", "instrument": "forestry"} | cells
    return read_offers("f.csv", content=f"{HEADER}\n{','.join(row.values())}\n".encode())


def test_a_mean_yield_accrues_by_equal_parts_a_year():
    """Proves: 5,000 mu x 0.2 t x 6 yr = 6,000 t; 750 yuan/mu x 5,000 / 6,000 t = 625 yuan/t; shares k/6 rounded down.

    Sensitivity: rounding to the nearest would give 0.1667 after one year, 0.2 t more than has grown.
    """
    offer = read(area_mu="5000", yield_t_per_mu_yr="0.2", price_per_mu="750", planted_by="2026-12-31").offers[0]
    assert (offer.quantity_kg, offer.price_fen) == (6_000_000, 62_500)
    assert offer.delivery_schedule == (
        "2027-12-31=0.1666;2028-12-31=0.3333;2029-12-31=0.5;2030-12-31=0.6666;2031-12-31=0.8333;2032-12-31=1"
    )


def test_a_hectare_is_15_mu():
    by_mu = read(area_mu="1500", yield_t_per_mu_yr="0.2", price_per_mu="750", planted_by="2026-12-31").offers
    by_ha = read(area_ha="100", yield_t_per_mu_yr="0.2", price_per_mu="750", planted_by="2026-12-31").offers
    assert by_mu.sha256 == by_ha.sha256


def test_a_yield_curve_is_taken_as_given():
    """Proves: 1,000 mu x 0.8 t/mu = 800 t; 0.2 / 0.8 = 0.25 of it by 2029; 700 yuan/mu / 0.8 = 875 yuan/t."""
    offer = read(area_mu="1000", yield_curve="2029-12-31=0.2;2032-12-31=0.8", price_per_mu="700").offers[0]
    assert (offer.quantity_kg, offer.price_fen) == (800_000, 87_500)
    assert offer.delivery_schedule == "2029-12-31=0.25;2032-12-31=1"


def test_a_quantity_above_what_grows_is_never_delivered_in_full():
    """Proves: 1,000 mu x 0.8 t = 800 t of 1,000 t sold: the last share is 0.8, not 1."""
    offer = read(area_mu="1000", yield_curve="2029-12-31=0.2;2032-12-31=0.8", quantity="1000", price="500").offers[0]
    assert offer.delivery_schedule == "2029-12-31=0.2;2032-12-31=0.8"


def test_a_price_per_mu_is_rounded_up_so_that_the_area_is_never_paid_short():
    """Proves: 1,000 yuan/mu / 0.3 t/mu = 3,333.33.. yuan/t, read as 3,333.34."""
    offer = read(area_mu="10", yield_curve="2032-12-31=0.3", price_per_mu="1000").offers[0]
    assert offer.price_fen == 333_334
    assert offer.price_fen * offer.quantity_kg >= 1000 * 100 * 10 * 1000


def test_a_price_per_mu_with_a_schedule_of_ones_own():
    offer = read(area_mu="100", quantity="50", price_per_mu="300", delivery_schedule="2030-01-01=1").offers[0]
    assert (offer.price_fen, offer.delivery_schedule) == (60_000, "2030-01-01=1")


def test_years_are_six_when_the_file_does_not_say_and_the_reader_hears_so():
    found = read(area_mu="100", yield_t_per_mu_yr="0.2", price_per_mu="1", planted_by="2026-12-31")
    assert {f.code for f in found.findings} == {"linear_accrual", "yield_years_assumed"}
    twenty = read(area_mu="100", yield_t_per_mu_yr="0.2", price_per_mu="1", planted_by="2026-12-31", yield_years="20")
    assert twenty.offers[0].quantity_kg == 400_000
    assert len(parse_schedule(twenty.offers[0].delivery_schedule)) == 20


@pytest.mark.parametrize("cells", [{"yield_t_per_mu_yr": "3.6"}, {"yield_curve": "2032-12-31=21.6"}])
def test_a_forest_that_claims_3_6_tonnes_per_mu_is_doubted(cells):
    found = read(area_mu="100", price_per_mu="750", planted_by="2026-12-31", **cells)
    assert "yield_far_out" in {f.code for f in found.findings}


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"yield_t_per_mu_yr": "0.2", "planted_by": "2026-12-31", "price": "1"}, ("blank", "area_mu")),
        (
            {
                "area_mu": "1",
                "yield_t_per_mu_yr": "0.2",
                "yield_curve": "2030-01-01=1",
                "planted_by": "2026-01-01",
                "price": "1",
            },
            ("yield_contradicts", "yield_curve"),
        ),
        (
            {"area_mu": "1", "yield_curve": "2030-01-01=1", "delivery_schedule": "2030-01-01=1", "price": "1"},
            ("schedule_contradicts", "delivery_schedule"),
        ),
        ({"area_mu": "1", "price": "1"}, ("blank", "quantity")),
        ({"area_mu": "1", "yield_curve": "2030-01-01=1"}, ("blank", "price")),
        ({"area_mu": "0.0001", "yield_curve": "2030-01-01=0.0001", "price": "1"}, ("not_positive", "quantity")),
        ({"area_mu": "100000000", "yield_curve": "2030-01-01=1000", "price": "1"}, ("huge", "quantity")),
        ({"instrument": "ccer", "area_mu": "1", "quantity": "1", "price": "1"}, ("forestry_only", "area_mu")),
    ],
)
def test_rows_that_lack_or_contradict_something(cells, expected):
    with pytest.raises(BadInput) as caught:
        read(**cells)
    assert expected in {(f.code, f.column) for f in caught.value.findings}


def test_the_anniversary_of_a_leap_day_is_the_28th():
    assert [d for d, _ in forestry.linear_curve(date(2028, 2, 29), 2000, 4)][::3] == [
        date(2029, 2, 28),
        date(2032, 2, 29),
    ]


@given(
    st.integers(1, 10**9),
    st.lists(st.integers(1, 10**5), min_size=1, max_size=8),
    st.integers(1, 10**10),
    st.integers(0, 10**8),
)
def test_no_share_is_ever_above_what_has_grown_and_no_price_below_what_is_owed(area_e4, steps, quantity_kg, fen_per_mu):
    curve = tuple((date(2027 + i, 1, 1), sum(steps[: i + 1])) for i in range(len(steps)))
    shares = forestry.delivery_shares(area_e4, curve, quantity_kg)
    for (_, total), (_, share) in zip(curve, shares, strict=True):
        assert share * quantity_kg * 10**4 <= area_e4 * total * 1000
        assert share <= 10**4
    price = forestry.price_fen_per_t(fen_per_mu, area_e4, quantity_kg)
    assert price * quantity_kg * 10**4 >= fen_per_mu * area_e4 * 1000
