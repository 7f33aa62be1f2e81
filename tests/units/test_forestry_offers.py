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
    "quantity,price,delivery_schedule,species,growth,mortality,buffer"
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


FILED = {"area_mu": "1000", "yield_t_per_mu_yr": "0.2", "yield_years": "40", "planted_by": "2026-10-11"}


def said(found, code: str) -> str:
    (finding,) = (f for f in found.findings if f.code == code)
    return str(finding.message.en)


def test_a_growth_cell_bends_the_mean_and_keeps_its_total():
    """Proves: 1,000 mu x 0.2 x 40 = 8,000 t either way; in year six 0.0276 / 8 of it, read as 0.0034, not 0.15.

    Price: 800 yuan/mu / 8 t/mu = 100 yuan/t.
    """
    linear = read(**FILED, price_per_mu="800")
    curved = read(**FILED, price_per_mu="800", growth="schumacher b=40")
    for found, share in ((linear, 1500), (curved, 34)):
        offer = found.offers[0]
        assert (offer.quantity_kg, offer.price_fen) == (8_000_000, 10_000)
        assert parse_schedule(offer.delivery_schedule)[5][1] == share
        assert parse_schedule(offer.delivery_schedule)[-1][1] == 10_000
    assert {f.code for f in linear.findings} == {"linear_accrual"}
    assert not curved.findings


@pytest.mark.parametrize(
    "growth", ["Schumacher b=40", "schumacher(b=40)", "舒马赫 B＝40年", "schumacher b: 40.0", "按树种", "species"]
)
def test_a_growth_cell_may_be_written_in_several_ways(growth):
    plain = read(**FILED, price="1", species="刺槐", growth="schumacher b=40").offers
    assert read(**FILED, price="1", species="刺槐", growth=growth).offers.sha256 == plain.sha256


@pytest.mark.parametrize(
    ("cells", "code", "column"),
    [
        ({"growth": "gompertz a=1"}, "growth_unknown", "growth"),
        ({"growth": "species", "species": "侧柏"}, "species_unknown", "species"),
        ({"growth": "schumacher b=40", "yield_years": ""}, "blank", "yield_years"),
        ({"yield_t_per_mu_yr": "two"}, "not_a_number", "yield_t_per_mu_yr"),
    ],
)
def test_one_mistake_about_growth_is_one_fault_and_not_a_missing_quantity_too(cells, code, column):
    with pytest.raises(BadInput) as caught:
        read(**(FILED | {"price_per_mu": "800"} | cells))
    assert [(f.code, f.column) for f in caught.value.findings] == [(code, column)]


def test_a_growth_with_its_own_asymptote_needs_no_mean():
    """Proves: 12 x (1 - exp(-0.05 x 20))^3 = 12 x 0.632121^3 = 3.03096 t/mu at 20 years, floor 3.0309."""
    cells = {"area_mu": "1000", "planted_by": "2026-10-11", "yield_years": "20", "price": "1"}
    assert read(**cells, growth="richards A=12 k=0.05 p=3").offers[0].quantity_kg == 3_030_900


def test_the_linear_warning_says_how_much_less_the_species_would_give():
    """Proves: Robinia, b = 40: 0.2 over 40 years is 0.0276 t/mu in year six; over 20 years 4 exp(2 - 40/6) = 0.0376."""
    assert "0.0276 t/mu in year 6, not 1.2" in said(
        read(**FILED, price="1", species="Robinia pseudoacacia"), "linear_accrual"
    )
    twenty = FILED | {"yield_years": "20"}
    assert "0.0376 t/mu in year 6, not 1.2" in said(read(**twenty, price="1", species="刺槐"), "linear_accrual")
    unsaid = FILED | {"yield_years": ""}
    assert "over 40 years has grown 0.0276" in said(read(**unsaid, price="1", species="刺槐"), "linear_accrual")
    assert "slower" in said(read(**FILED, price="1", species="柠条"), "linear_accrual")
    assert "0.0276" in said(read(**FILED, price="1", species="刺槐", growth="linear"), "linear_accrual")


def test_a_species_changes_no_number_by_itself():
    assert read(**FILED, price="1", species="刺槐").offers.sha256 == read(**FILED, price="1").offers.sha256


def test_what_dies_is_paid_and_not_counted():
    """Proves: 1,000 mu x 0.85 x 8 t = 6,800 t; 680,000 yuan / 6,800 t = 100 yuan/t, not 85; the shares stay."""
    whole = read(**FILED, price_per_mu="680").offers[0]
    living = read(**FILED, price_per_mu="680", mortality="15%").offers[0]
    assert (whole.quantity_kg, whole.price_fen) == (8_000_000, 8_500)
    assert (living.quantity_kg, living.price_fen) == (6_800_000, 10_000)
    assert living.delivery_schedule == whole.delivery_schedule


def test_mortality_lowers_the_shares_of_a_quantity_that_is_given():
    """Proves: 1,000 mu x 0.9 x 0.8 t = 720 t of 800 t sold."""
    offer = read(area_mu="1000", yield_curve="2032-12-31=0.8", quantity="800", price="5", mortality="0.1").offers[0]
    assert offer.delivery_schedule == "2032-12-31=0.9"


def test_a_parameter_far_from_the_species_and_a_stand_too_heavy_are_doubted():
    """Proves: 70 less and plus a third is 46..93 years; 5 t/mu in 20 years with b = 90 ends at 5 exp(4.5) = 450."""
    far = read(**FILED, price="1", species="油松", growth="schumacher b=40")
    assert "46..93" in said(far, "growth_far_out")
    heavy = read(**(FILED | {"yield_t_per_mu_yr": "0.25", "yield_years": "20"}), price="1", growth="schumacher b=90")
    assert "450 t/mu" in said(heavy, "asymptote_far_out")


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
