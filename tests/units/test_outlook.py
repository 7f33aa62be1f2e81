"""Forward factors from a view, flat, or from a model; what is written is what `plan --outlook` reads."""

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from api.event_files import read_outlook
from market_data.draws import Spot, prices
from market_data.outlook import Statistic, estimated_outlook, flat_outlook, outlook_of_view, write_outlook
from market_data.price_models import calibrate
from market_data.price_statistics import PriceHistory
from optimizer.errors import BadInput
from optimizer.problem import Outlook

AS_OF = date(2026, 11, 22)
TODAY = Spot(AS_OF, {"ccer": 9000, "allowance": 8000})


def history(names=("ccer", "allowance"), n=40, spread=0.08):
    steps = np.random.default_rng(5).normal(0, spread, (n, len(names)))
    fen = np.rint(8000 * np.exp(np.cumsum(steps, axis=0))).astype(np.int64)
    months = np.arange("2022-01", np.datetime64("2022-01") + np.timedelta64(n, "M"), dtype="datetime64[M]")
    return PriceHistory(tuple(names), months, fen)


def factors(outlook):
    return [(f.instrument, f.from_date.isoformat(), f.factor_e4) for f in outlook.factors]


# ------------------------------------------------------------------------------------------------------------- a view


def test_factors_and_prices_of_a_view_become_factors():
    """99 yuan on 90 today are 1.1; 85 on 80 are 1.0625."""
    view: list[dict[str, Any]] = [
        {"instrument": "allowance", "date": "2027-06-01", "price": "85"},
        {"instrument": "ccer", "date": date(2028, 1, 1), "factor": Decimal("1.25")},
        {"instrument": "ccer", "date": "2027-01-01", "price": 99.0},
    ]
    assert factors(outlook_of_view(view, TODAY)) == [
        ("ccer", "2027-01-01", 11_000),
        ("ccer", "2028-01-01", 12_500),
        ("allowance", "2027-06-01", 10_625),
    ]


def test_a_price_that_is_no_short_multiple_of_today_s_is_rounded_half_up():
    """1 / 90 = 0.01111.. -> 0.0111; 1.0045 / 90 yuan = 0.0111611 -> 0.0112."""
    for price, expected in (("1", 111), ("1.0045", 112)):
        (found,) = outlook_of_view([{"instrument": "ccer", "date": "2027-01-01", "price": price}], TODAY).factors
        assert found.factor_e4 == expected


def test_yearly_growth_goes_by_months_and_stops_at_its_date():
    """10 % a year: after 6 months 1.1^(1/2) = 1.0488, after 12 1.1, after 18 1.1^1.5 = 1.1537, then unchanged."""
    found = outlook_of_view([{"instrument": "核证自愿减排量", "date": "2028-05-22", "yearly_growth": "0.1"}], TODAY)
    assert len(found.factors) == 18
    days = [date(2027, 5, 22), date(2027, 11, 22), date(2028, 5, 22), date(2031, 1, 1), date(2026, 12, 21)]
    assert [found.factor_e4("ccer", day) for day in days] == [10_488, 11_000, 11_537, 11_537, 10_000]


def test_a_view_may_be_a_frame_with_holes():
    frame = pd.DataFrame(
        {
            "instrument": ["ccer", "forestry"],
            "date": [pd.Timestamp("2027-01-01"), pd.Timestamp("2027-02-01")],
            "factor": [1.1, np.nan],
            "yearly_growth": [np.nan, -0.05],
        }
    )
    found = outlook_of_view(frame, TODAY)
    assert factors(found)[0] == ("ccer", "2027-01-01", 11_000)
    assert found.factor_e4("forestry", date(2027, 2, 1)) == 9915  # 0.95^(2/12) = 0.99149


def test_the_order_of_a_view_decides_nothing():
    view = [{"instrument": "ccer", "date": f"2027-0{m}-01", "factor": f"1.{m}"} for m in range(1, 7)]
    assert outlook_of_view(view[::-1], TODAY) == outlook_of_view(view, TODAY)


def test_every_fault_of_a_view_is_told_at_once():
    rows = [
        ({"instrument": "gold", "date": "2027-01-01", "factor": "1"}, "instrument"),
        ({"instrument": "ccer", "date": "2027-13-01", "factor": "1"}, "date"),
        ({"instrument": "ccer", "date": "2026-11-22", "factor": "1"}, "date_range"),
        ({"instrument": "ccer", "date": "2060-01-01", "factor": "1"}, "date_range"),
        ({"instrument": "ccer", "date": "2027-01-01", "factor": "0"}, "number"),
        ({"instrument": "ccer", "date": "2027-01-01", "factor": "10.1"}, "number"),
        ({"instrument": "ccer", "date": "2027-01-01", "factor": "1.00001"}, "number"),
        ({"instrument": "ccer", "date": "2027-01-01", "factor": "dear"}, "number"),
        ({"instrument": "ccer", "date": "2027-01-01", "price": "1000"}, "factor"),
        ({"instrument": "credit", "date": "2027-01-01", "price": "80"}, "spot_price"),
        ({"instrument": "ccer", "date": "2027-01-01"}, "view_way"),
        ({"instrument": "ccer", "date": "2027-01-01", "factor": "1", "price": "90"}, "view_way"),
        ({"instrument": "ccer", "date": "2027-01-01", "factr": "1", "factor": "1"}, "unknown_column"),
        ({"instrument": "ccer", "date": "2027-01-02", "factor": "1"}, None),
        ({"instrument": "CCER", "date": "2027-01-02", "factor": "1.1"}, "factor_twice"),
        ({"instrument": "allowance", "date": "2026-12-01", "yearly_growth": "0.1"}, "date_near"),
        ({"instrument": "forestry", "date": "2028-12-01", "yearly_growth": "0.1"}, "growth_beside_others"),
        ({"instrument": "forestry", "date": "2029-12-01", "factor": "1.1"}, None),
        ({"instrument": "carbon_inclusion", "date": "2028-12-01", "yearly_growth": "-1"}, "number"),
    ]
    with pytest.raises(BadInput) as caught:
        outlook_of_view([row for row, _ in rows], TODAY)
    expected = [(number, code) for number, (_, code) in enumerate(rows, 1) if code is not None]
    assert [(f.row, f.code) for f in caught.value.findings] == expected
    assert all(f.message.zh and f.message.en for f in caught.value.findings)


def test_growth_beyond_ten_times_is_refused_where_it_gets_there():
    with pytest.raises(BadInput, match=r"from 0\.0001 to 10"):
        outlook_of_view([{"instrument": "ccer", "date": "2029-11-22", "yearly_growth": "1.5"}], TODAY)


# ------------------------------------------------------------------------------------------------------------ a model


@pytest.mark.parametrize("kind", ["bootstrap", "mean-reverting"])
def test_an_estimate_is_the_statistic_of_the_draws(kind):
    """The same seed gives the same draws: the factor at a date is their mean, and their quantile, to 4 decimals."""
    model = calibrate(history(), kind)
    drawn = prices(model, TODAY, [date(2027, 5, 22)], 2000, 7)[:, 0]
    asked: list[tuple[Statistic, Any]] = [("mean", drawn.mean(axis=0)), (0.8, np.quantile(drawn, 0.8, axis=0))]
    for statistic, expected in asked:
        found = estimated_outlook(model, TODAY, 12, statistic, seed=7, draws=2000).outlook
        own = [found.factor_e4(name, date(2027, 5, 22)) / 10_000 for name in model.instruments]
        assert own == pytest.approx(expected.tolist(), abs=0.00006)
        assert len(found.factors) == 24


@pytest.mark.parametrize("kind", ["bootstrap", "mean-reverting"])
def test_a_higher_quantile_is_never_cheaper(kind):
    model = calibrate(history(), kind)
    found = [estimated_outlook(model, TODAY, 24, q, seed=7, draws=1000).outlook for q in (0.2, 0.5, 0.8, 0.95)]
    levels = np.array([[f.factor_e4 for f in outlook.factors] for outlook in found])
    assert (np.diff(levels, axis=0) >= 0).all() and (levels[-1] > levels[0]).all()


def test_a_history_that_never_moved_gives_a_flat_outlook():
    model = calibrate(history(spread=0), "bootstrap")
    found = estimated_outlook(model, TODAY, 12, 0.95, seed=7, draws=100)
    assert {f.factor_e4 for f in found.outlook.factors} == {10_000}


def test_what_the_model_has_to_say_goes_along():
    short = history(n=40)
    fen = short.price_fen.copy()
    fen[:35, 0] = -1
    model = calibrate(PriceHistory(short.instruments, short.months, fen), "mean-reverting")
    found = estimated_outlook(model, TODAY, 3, seed=7, draws=100)
    assert "history_short" in [f.code for f in found.findings]
    assert {f.instrument for f in found.outlook.factors} == {"allowance"}
    assert any("seed 7" in remark.en and "种子 7" in remark.zh for remark in found.remarks)


def test_factors_above_ten_are_cut_and_it_is_said():
    wild = calibrate(history(("ccer",), spread=0.9), "bootstrap")
    found = estimated_outlook(wild, TODAY, 60, 0.95, seed=7, draws=1000)
    assert max(f.factor_e4 for f in found.outlook.factors) == 100_000
    assert [f.code for f in found.findings] == ["factor_cut"]


@pytest.mark.parametrize(("months", "statistic"), [(0, "median"), (241, 1.0), (0, 0.0), (300, -1.0)])
def test_an_estimate_that_cannot_be_is_refused_with_both_faults(months, statistic):
    with pytest.raises(BadInput) as caught:
        estimated_outlook(calibrate(history(), "bootstrap"), TODAY, months, statistic, seed=7)
    assert [f.code for f in caught.value.findings] == ["months", "statistic"]


# ----------------------------------------------------------------------------------------------------------- the file


def test_what_is_written_is_read_as_the_same_outlook(tmp_path):
    view = [{"instrument": "ccer", "date": "2027-01-01", "factor": "1.1"}]
    growth = [{"instrument": "allowance", "date": "2029-12-31", "yearly_growth": "0.07"}]
    estimated = estimated_outlook(calibrate(history(), "bootstrap"), TODAY, 24, 0.8, seed=7, draws=200)
    path = tmp_path / "outlook.yaml"
    for outlook in (outlook_of_view([*view, *growth], TODAY), estimated.outlook, flat_outlook()):
        path.write_text(write_outlook(outlook, [r.zh for r in estimated.remarks]), encoding="utf-8")
        assert read_outlook(path) == outlook


def test_a_remark_stays_a_remark_whatever_it_says(tmp_path):
    path = tmp_path / "outlook.yaml"
    path.write_text(write_outlook(Outlook(), ["one\nfactors: [x]\r\n- two"]), encoding="utf-8")
    assert read_outlook(path) == flat_outlook()
