"""What one draw means: prices by month, offers that fall through, yields, emissions; shapes and distributions."""

import math
from datetime import date
from statistics import NormalDist

import numpy as np
import pytest

from market_data.draws import (
    DEFAULT_RULE,
    FallThrough,
    FallThroughRule,
    Spot,
    YieldItem,
    YieldRange,
    availability,
    emissions,
    forestry_yield,
    month_later,
    months_between,
    prices,
    triangle,
)
from market_data.price_models import calibrate
from market_data.price_statistics import PriceHistory
from market_data.random_streams import draw_range, integers, normal_quantile, normal_share, normals, uniforms, words
from optimizer.errors import BadInput
from optimizer.offers import Offer, Offers

AS_OF = date(2026, 11, 22)
PINNED = [11258185950544581662, 5836255515087220862, 8491656208737001389]
DRAWS = 20_000
"""Shares are then known to 0.004, means of unit spread to 0.007: margins below are four times that or more."""


def history_of(**prices_yuan):
    """A history from January 2022 on; None is a gap."""
    names = tuple(name for name in ("carbon_inclusion", "ccer", "credit", "allowance") if name in prices_yuan)
    rows = [
        [-1 if p is None else round(p * 100) for p in row] for row in zip(*(prices_yuan[n] for n in names), strict=True)
    ]
    months = np.arange("2022-01", np.datetime64("2022-01") + np.timedelta64(len(rows), "M"), dtype="datetime64[M]")
    return PriceHistory(names, months, np.array(rows, dtype=np.int64))


def walk(seed, n=40, start=70.0, spread=0.08):
    steps = np.random.default_rng(seed).normal(0, spread, n - 1)
    return [round(float(start * np.exp(x)), 2) for x in np.concatenate([[0], np.cumsum(steps)])]


HISTORY = history_of(ccer=walk(1), allowance=walk(2))
MODELS = {kind: calibrate(HISTORY, kind) for kind in ("bootstrap", "mean-reverting")}
both_models = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())


# ------------------------------------------------------------------------------------------------------------ streams


def test_a_stream_is_the_same_for_ever():
    """Pinned: Philox4x64-10 keyed by SHA-256. If this changes, every saved run changes its meaning."""
    assert words(draw_range(3, 7), "price", "ccer", 2).tolist() == PINNED
    assert words(draw_range(1, 7, 2), "price", "ccer", 2).tolist() == PINNED[2:]


def test_streams_differ_by_seed_name_item_and_step():
    seeds = {int(words(draw_range(1, seed), "a", "x", 0)[0]) for seed in (7, 8)}
    names = [("b", "x", 0), ("a", "y", 0), ("a", "x", 1), ("ax", "", 0), ("", "ax", 0)]
    streams = {int(words(draw_range(1, 7), *name)[0]) for name in names}
    assert len(seeds | streams) == 7


def test_uniforms_are_uniform_and_normals_are_normal():
    wanted = draw_range(DRAWS, 7)
    u, z = uniforms(wanted, "u"), normals(wanted, "z")
    assert 0 < u.min() < 0.001 < 0.999 < u.max() < 1
    assert np.abs(np.quantile(u, [0.1, 0.5, 0.9]) - [0.1, 0.5, 0.9]).max() < 0.015
    assert abs(z.mean()) < 0.03 and abs(z.std() - 1) < 0.02
    assert np.abs(np.quantile(z, [0.025, 0.975]) - [-1.96, 1.96]).max() < 0.1
    assert abs(np.corrcoef(u, z)[0, 1]) < 0.03
    whole = integers(wanted, 5, "i")
    assert np.abs(np.bincount(whole, minlength=5) / DRAWS - 0.2).max() < 0.015


def test_the_normal_quantile_and_share_agree_with_the_library():
    shares = np.array([1e-300, 1e-17, 1e-9, 0.01, 0.0749, 0.0751, 0.3, 0.5, 0.77, 0.9249, 0.9251, 1 - 1e-9])
    library = [NormalDist().inv_cdf(float(s)) for s in shares]
    assert normal_quantile(shares) == pytest.approx(library, abs=1e-12)
    numbers = np.linspace(-7, 7, 141)
    assert normal_share(numbers) == pytest.approx([0.5 * math.erfc(-x / 2**0.5) for x in numbers], abs=1e-14)
    assert normal_share(np.array([-40.0, 40.0])) == pytest.approx([0, 1], abs=1e-11)


@pytest.mark.parametrize("bad", [(0, 7, 0), (10, -1, 0), (10, 7, -1), (True, 7, 0), (10.5, 7, 0), (10**9, 7, 0)])
def test_impossible_numbers_of_draws_are_refused(bad):
    with pytest.raises(BadInput, match="should be a whole number from"):
        draw_range(*bad)


def test_all_impossible_numbers_are_told_at_once():
    with pytest.raises(BadInput) as caught:
        draw_range(0, -1, -1)
    assert [f.path for f in caught.value.findings] == ["--seed", "--draws", "first"]


# ------------------------------------------------------------------------------------------------------------- prices


def test_months_are_full_on_the_same_day_or_the_last_of_a_shorter_month():
    assert months_between(AS_OF, date(2026, 12, 21)) == 0
    assert months_between(AS_OF, date(2026, 12, 22)) == 1
    assert months_between(AS_OF, date(2027, 1, 1)) == 1
    assert months_between(AS_OF, date(2026, 11, 21)) == -1
    assert months_between(date(2026, 1, 31), date(2026, 2, 28)) == 1
    assert month_later(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert month_later(AS_OF, 14) == date(2028, 1, 22)
    for months in range(40):
        assert months_between(date(2026, 10, 31), month_later(date(2026, 10, 31), months)) == months


@both_models
def test_prices_have_a_factor_a_draw_a_date_and_an_instrument(model):
    dates = [AS_OF, date(2026, 12, 21), date(2027, 1, 1), date(2027, 1, 21), date(2028, 1, 1)]
    found = prices(model, Spot(AS_OF), dates, 500, 7)
    assert found.shape == (500, 5, 2)
    assert (found > 0).all()
    assert (found[:, :2] == 1).all()  # today, and within the first month
    assert (found[:, 2] == found[:, 3]).all()  # the same step
    assert found[:, 4].std() > found[:, 2].std()


@both_models
def test_an_instrument_that_the_model_does_not_move_keeps_its_price(model):
    found = prices(model, Spot(AS_OF), [date(2028, 1, 1)], 100, 7, instruments=["forestry", "ccer"])
    assert (found[:, 0, 0] == 1).all()
    assert found[:, 0, 1].std() > 0


@both_models
def test_what_cannot_be_drawn_is_told_all_at_once(model):
    with pytest.raises(BadInput) as caught:
        prices(model, Spot(AS_OF, {"ccer": 0}), [date(2050, 1, 1)], 10, 7, instruments=["gold"])
    assert [f.code for f in caught.value.findings] == ["instrument", "spot_price", "date_far"]


@pytest.mark.parametrize("kind", ["bootstrap", "mean-reverting"])
def test_a_history_that_never_moved_gives_factors_of_exactly_one(kind):
    model = calibrate(history_of(ccer=[80.0] * 30, allowance=[70.0] * 30), kind)
    found = prices(model, Spot(AS_OF, {"ccer": 9000}), [date(2027, 6, 1), date(2029, 1, 1)], 200, 7)
    assert (found == 1).all()


def test_today_s_price_decides_how_a_mean_reverting_price_moves():
    """b = 0.8 from 20 % above the level: after twelve months 0.8^12 = 7 % of ln 1.2 is left; the median falls to it."""
    rng = np.random.default_rng(3)
    x = [math.log(80)]
    for _ in range(399):
        x.append(x[-1] + 0.2 * (math.log(80) - x[-1]) + 0.05 * rng.normal())
    model = calibrate(history_of(ccer=[round(math.exp(v), 2) for v in x]), "mean-reverting")
    found = prices(model, Spot(AS_OF, {"ccer": 9600}), [date(2027, 11, 22)], DRAWS, 7)
    assert np.median(found) == pytest.approx(80 / 96 * 1.2 ** (0.8**12), rel=0.05)


# ------------------------------------------------------------------------------------------------------- availability


def offers_of(n=40):
    rows = [
        {
            "offer_id": f"A{k}",
            "instrument": "ccer" if k % 2 else "credit",
            "quantity": "10",
            "price": "80",
            "firm": k % 4 < 2,
        }
        for k in range(n)
    ]
    return Offers.of(Offer.model_validate(row) for row in rows)


def test_offers_fall_through_as_often_as_the_rule_says_and_indicative_ones_more():
    there = availability(offers_of(), DEFAULT_RULE, DRAWS, 7)
    assert there.shape == (DRAWS, 40)
    firm = offers_of().firm
    assert 1 - there[:, firm].mean() == pytest.approx(0.02, abs=0.002)
    assert 1 - there[:, ~firm].mean() == pytest.approx(0.20, abs=0.005)
    assert 1 - there[:, 0].mean() == pytest.approx(0.02, abs=0.005)


def test_a_rule_may_differ_by_instrument_and_certainty_is_certain():
    rule = FallThroughRule(FallThrough(0, 10_000), {"ccer": FallThrough(5000, 5000)})
    there = availability(offers_of(), rule, 2000, 7)
    ccer, firm = offers_of().instrument.isin(["ccer"]), offers_of().firm
    assert there[:, ~ccer & firm].all() and not there[:, ~ccer & ~firm].any()
    assert there[:, ccer].mean() == pytest.approx(0.5, abs=0.02)


def test_a_higher_probability_only_takes_offers_away():
    likely = availability(offers_of(), FallThroughRule(FallThrough(3000, 3000)), 1000, 7)
    rare = availability(offers_of(), FallThroughRule(FallThrough(1000, 1000)), 1000, 7)
    assert not (likely & ~rare).any()
    assert (rare & ~likely).any()


def test_offers_fall_through_independently_of_one_another():
    there = availability(offers_of(4), FallThroughRule(FallThrough(5000, 5000)), DRAWS, 7)
    assert np.abs(np.corrcoef(there.T) - np.eye(4)).max() < 0.03


def test_a_rule_that_cannot_be_is_refused_with_all_its_faults():
    with pytest.raises(BadInput) as caught:
        FallThroughRule(FallThrough(300, 200), {"gold": FallThrough(-1, 20_000)})
    assert sorted(f.code for f in caught.value.findings) == [
        "instrument",
        "probability",
        "probability",
        "probability_order",
    ]


# ----------------------------------------------------------------------------------------------------- forestry yield

ITEMS = [YieldItem("F1", "14"), YieldItem("F2", "14"), YieldItem("F3", "15")]


def test_yields_have_mean_one_their_coefficient_of_variation_and_a_common_weather():
    """ln(1 + 0.3^2) is the variance of the logs; F1 and F2 share the weather of 14, F3 has its own."""
    found = forestry_yield(ITEMS, 0.3, DRAWS, 7, rho=0.6)
    assert (found > 0).all()
    assert found.mean(axis=0) == pytest.approx([1, 1, 1], abs=0.01)
    assert found.std(axis=0) == pytest.approx([0.3, 0.3, 0.3], abs=0.015)
    joint = np.corrcoef(np.log(found).T)
    assert joint[0, 1] == pytest.approx(0.6, abs=0.03)
    assert abs(joint[0, 2]) < 0.03


@pytest.mark.parametrize(("rho", "same"), [(1.0, True), (0.0, False)])
def test_the_ends_of_rho(rho, same):
    found = forestry_yield(ITEMS[:2], 0.3, 1000, 7, rho=rho)
    assert np.array_equal(found[:, 0], found[:, 1]) is same


def test_a_triangle_of_yields_keeps_its_bounds_and_its_mean():
    """(0.3 + 0.9 + 1.2) / 3 = 0.8."""
    found = forestry_yield(ITEMS, YieldRange(0.3, 0.9, 1.2), DRAWS, 7)
    assert 0.3 <= found.min() < 0.35 and 1.15 < found.max() <= 1.2
    assert found.mean(axis=0) == pytest.approx([0.8] * 3, abs=0.01)


def test_no_spread_is_no_spread():
    assert (forestry_yield(ITEMS, 0.0, 10, 7) == 1).all()
    assert (forestry_yield(ITEMS, YieldRange(0.9, 0.9, 0.9), 10, 7) == 0.9).all()


@pytest.mark.parametrize("spread", [-0.1, 3.0, float("nan"), YieldRange(1, 0.5, 2), YieldRange(0, 0, 0)])
def test_a_spread_that_cannot_be_is_refused_with_the_rho(spread):
    with pytest.raises(BadInput) as caught:
        forestry_yield(ITEMS, spread, 10, 7, rho=1.5)
    assert len(caught.value.findings) == 2


# ---------------------------------------------------------------------------------------------------------- emissions


def test_emissions_are_a_triangle_in_whole_kg():
    """Low 4,200, mode 5,000, high 6,100 t: mean 5,100 t; below the mode 800 / 1900 = 42.1 % of draws."""
    found = emissions("marathon", 5_000_000, 4_200_000, 6_100_000, DRAWS, 7)
    assert found.dtype == np.int64
    assert 4_200_000 <= found.min() < 4_230_000 and 6_060_000 < found.max() <= 6_100_000
    assert found.mean() == pytest.approx(5_100_000, rel=0.003)
    assert (found < 5_000_000).mean() == pytest.approx(0.421, abs=0.015)


def test_verified_emissions_do_not_move():
    assert set(emissions("marathon", 4_820_400, None, None, 100, 7).tolist()) == {4_820_400}


def test_a_missing_bound_is_the_estimate():
    assert emissions("marathon", 5_000_000, None, 6_000_000, 1000, 7).min() >= 5_000_000
    assert emissions("marathon", 5_000_000, 4_000_000, None, 1000, 7).max() <= 5_000_000


def test_bounds_on_the_wrong_side_are_refused():
    with pytest.raises(BadInput, match="should be 0 <= low <= emissions <= high"):
        emissions("marathon", 5_000_000, 5_100_000, None, 10, 7)


def test_the_triangle_meets_its_corners():
    assert triangle(np.array([0.0, 0.5, 1.0]), 0, 5, 10).tolist() == [0, 5, 10]
    assert triangle(np.array([0.0, 1.0]), 0, 0, 1).tolist() == [0, 1]
    assert triangle(np.array([0.0, 1.0]), 0, 1, 1).tolist() == [0, 1]
