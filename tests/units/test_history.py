"""Quotes become series: all is counted once, prices are exact, gaps are seen. Then statistics and monthly tables."""

from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from market_data.history import daily, last_day, resample, series_of
from market_data.monthly_prices import read_monthly_prices
from market_data.price_statistics import (
    PriceHistory,
    correlation,
    log_returns,
    premium,
    price_history,
    volatility,
)
from market_data.quotes import Quote, Quotes
from optimizer.errors import BadInput
from optimizer.quantities import round_half_up

SHARED_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
MONDAY = date(2026, 1, 5)


def quote(day, volume_t, turnover_yuan=None, *, code="CEA25", vintage=2025, method="", instrument="allowance", **more):
    turnover = -1 if turnover_yuan is None else round(turnover_yuan * 100)
    mechanism = more.pop("mechanism", {"allowance": "CEA", "ccer": "CCER"}.get(instrument, "GDEA"))
    volume_kg = round(volume_t * 1000)
    return Quote(day, instrument, mechanism, code, vintage, method, volume_kg=volume_kg, turnover_fen=turnover, **more)


def composite(day, volume_t, turnover_yuan, **more):
    return quote(day, volume_t, turnover_yuan, code="COMCEA", vintage=0, composite=True, **more)


def only(quotes, by="instrument", method="all"):
    (found,) = series_of(Quotes.of(quotes), by, method)
    return found


def row(series, k=0) -> Any:
    return series.frame.iloc[k]


# ------------------------------------------------------------------------------------------------- counted once each


def test_a_composite_is_not_added_to_its_parts():
    """600 t + 400 t of parts and a composite of 1,000 t: 1,000 t were traded, not 2,000."""
    parts = [quote(MONDAY, 600, 48_000), quote(MONDAY, 400, 30_000, code="CEA24", vintage=2024)]
    found = only([*parts, composite(MONDAY, 1000, 78_000)])
    assert (row(found).volume_kg, row(found).price_fen) == (1_000_000, 7800)
    assert not found.findings


def test_a_composite_counts_on_days_on_which_it_stands_alone():
    tuesday = MONDAY + timedelta(1)
    found = only([quote(MONDAY, 600, 48_000), composite(MONDAY, 600, 48_000), composite(tuesday, 50, 4_500)])
    assert found.frame["volume_kg"].tolist() == [600_000, 50_000]
    assert found.frame["price_fen"].tolist() == [8000, 9000]


def test_parts_that_make_less_than_their_composite_are_said():
    found = only([quote(MONDAY, 600, 48_000), composite(MONDAY, 1000, 78_000)])
    assert row(found).volume_kg == 600_000
    assert [f.code for f in found.findings] == ["parts_incomplete"]


def test_the_mean_of_a_month_does_not_count_beside_the_days_of_that_month():
    """January: 10 t at 70 on one day, and a mean of 75 over 500 t; February: the mean alone.

    Adding both would say 510 t for January.
    """
    month = {"code": "month", "vintage": 0, "composite": True}
    january = quote(date(2026, 1, 31), 500, 37_500, **month)
    february = quote(date(2026, 2, 28), 400, 32_000, **month)
    found = resample(only([quote(MONDAY, 10, 700), january, february]), "M")
    assert found.frame["volume_kg"].tolist() == [10_000, 400_000]
    assert found.frame["price_fen"].tolist() == [7000, 8000]
    assert [f.code for f in found.findings] == ["month_and_days"]
    assert only([january, february], "code").key.code == "month"


def test_by_code_a_composite_stands_alone_and_by_vintage_it_stays_out():
    quotes = Quotes.of([quote(MONDAY, 600, 48_000), composite(MONDAY, 600, 48_000)])
    assert [s.key.code for s in series_of(quotes, "code")] == ["CEA25", "COMCEA"]
    assert [s.key.vintage for s in series_of(quotes, "vintage")] == [2025]


def test_methods_are_summed_where_both_are_there_and_the_row_of_all_together_is_then_left_alone():
    """1,000 t at 80 and 3,000 t at 70 make 72.50, whatever the row of all together says."""
    methods = [quote(MONDAY, 1000, 80_000, method="listed"), quote(MONDAY, 3000, 210_000, method="block")]
    found = only([*methods, quote(MONDAY, 4000, 290_000)])
    assert (row(found).volume_kg, row(found).price_fen, row(found).turnover_fen) == (4_000_000, 7250, 29_000_000)


def test_with_one_method_only_the_row_of_all_together_counts():
    listed, whole = quote(MONDAY, 1000, 80_000, method="listed"), quote(MONDAY, 4000, 290_000)
    assert row(only([listed, whole])).volume_kg == 4_000_000
    assert row(only([listed])).volume_kg == 1_000_000


@pytest.mark.parametrize(
    ("method", "volume_kg", "price_fen"), [("listed", 1_000_000, 8000), ("block", 3_000_000, 7000)]
)
def test_one_method_is_that_method_alone(method, volume_kg, price_fen):
    methods = [quote(MONDAY, 1000, 80_000, method="listed"), quote(MONDAY, 3000, 210_000, method="block")]
    found = only([*methods, quote(MONDAY, 4000, 290_000)], method=method)
    assert (row(found).volume_kg, row(found).price_fen, found.method) == (volume_kg, price_fen, method)


def test_a_quote_that_two_files_hold_counts_once():
    found = only([quote(MONDAY, 600, 48_000)] * 2)
    assert (row(found).volume_kg, found.findings) == (600_000, ())


def test_of_two_reports_that_differ_the_larger_counts_whatever_the_order_and_it_is_said():
    small, large = quote(MONDAY, 600, 48_000), quote(MONDAY, 700, 56_700)
    for rows in ([small, large], [large, small]):
        found = only(rows)
        assert row(found).price_fen == 8100
        assert [f.code for f in found.findings] == ["quote_twice"]


def test_markets_of_one_instrument_are_series_of_their_own():
    rows = [quote(MONDAY, 600, 48_000), quote(MONDAY, 10, 300, mechanism="GDEA", code="GDEA")]
    assert [s.key.mechanism for s in series_of(Quotes.of(rows))] == ["CEA", "GDEA"]
    assert row(daily(Quotes.of(rows), "allowance", mechanism="GDEA")).price_fen == 3000
    assert row(daily(Quotes.of(rows), "allowance", code="CEA25")).price_fen == 8000
    assert row(daily(Quotes.of(rows), "allowance", vintage=2025, mechanism="CEA")).price_fen == 8000
    with pytest.raises(BadInput, match="several markets have quotes"):
        daily(Quotes.of(rows), "allowance")
    with pytest.raises(BadInput, match="there are no quotes of this"):
        daily(Quotes.of(rows), "ccer")


# ------------------------------------------------------------------------------------------------- prices and gaps


def test_a_price_is_an_exact_fraction_rounded_half_up():
    """3 t for 0.25 yuan are 8 1/3 fen, 2 t for 0.25 yuan 12.5 fen: 8 and 13."""
    assert row(only([quote(MONDAY, 3, 0.25)])).price_fen == 8
    assert row(only([quote(MONDAY, 2, 0.25)])).price_fen == 13


def test_a_mean_price_stands_in_for_a_turnover_that_is_not_known():
    found = only([quote(MONDAY, 10, average_fen=8123), quote(MONDAY, 30, 2400, code="CEA24", vintage=2024)])
    # (10 x 81.23 + 2400) / 40 = 80.3075
    assert row(found).price_fen == 8031


def test_volume_without_any_price_is_counted_and_said():
    found = only([quote(MONDAY, 10)])
    assert (row(found).volume_kg, row(found).gap, row(found).repeated_days) == (10_000, True, 0)
    assert [f.code for f in found.findings] == ["price_unknown"]


def test_a_day_without_volume_has_no_price_and_says_that_the_market_repeated_an_old_one():
    """Monday traded, Tuesday carried forward, Wednesday not there at all, Thursday traded."""
    rows = [
        quote(MONDAY, 10, 800),
        quote(MONDAY + timedelta(1), 0, close_fen=8000, average_fen=8000),
        quote(MONDAY + timedelta(3), 10, 900),
    ]
    found = only(rows)
    assert found.frame["gap"].tolist() == [False, True, True, False]
    assert found.frame["repeated_days"].tolist() == [0, 1, 0, 0]
    assert found.frame["price_fen"].isna().tolist() == [False, True, True, False]


def test_weekends_are_no_gaps_unless_a_market_worked_on_one():
    friday, saturday, monday = date(2026, 1, 9), date(2026, 1, 10), date(2026, 1, 12)
    assert len(only([quote(friday, 1, 80), quote(monday, 1, 80)])) == 2
    assert len(only([quote(friday, 1, 80), quote(saturday, 1, 80), quote(monday, 1, 80)])) == 3


def test_a_month_is_volume_weighted_and_keeps_first_last_low_and_high():
    """(10 x 80 + 30 x 60 + 10 x 90) / 50 = 70.00; a mean of the days would be 76.67."""
    rows = [quote(MONDAY + timedelta(k), v, v * p) for k, (v, p) in enumerate([(10, 80), (30, 60), (10, 90)])]
    month = row(resample(only(rows), "M"))
    assert month.start == pd.Timestamp("2026-01-01")
    assert (month.price_fen, month.first_fen, month.last_fen, month.low_fen, month.high_fen) == (
        7000,
        8000,
        9000,
        6000,
        9000,
    )
    assert (month.volume_kg, month.turnover_fen, month.traded_days) == (50_000, 350_000, 3)


def test_a_month_without_trades_is_a_row_and_is_filled_only_when_asked():
    rows = [quote(MONDAY, 10, 800), quote(date(2026, 3, 9), 10, 900)]
    months = resample(only(rows), "M")
    assert months.frame["start"].dt.month.tolist() == [1, 2, 3]
    assert months.frame["gap"].tolist() == [False, True, False]
    assert months.prices.tolist() == [8000, -1, 9000]
    filled = resample(only(rows), "M", fill="carry")
    assert filled.prices.tolist() == [8000, 8000, 9000]
    assert filled.frame["filled"].tolist() == [False, True, False]
    assert filled.frame["gap"].tolist() == [False, True, False]
    assert filled.frame["volume_kg"].tolist() == [10_000, 0, 10_000]


@pytest.mark.parametrize(
    ("frequency", "starts"),
    [
        ("D", ["2025-12-31", "2026-01-01", "2026-01-02", "2026-01-05"]),
        ("W", ["2025-12-29", "2026-01-05"]),
        ("M", ["2025-12-01", "2026-01-01"]),
        ("Q", ["2025-10-01", "2026-01-01"]),
        ("Y", ["2025-01-01", "2026-01-01"]),
    ],
)
def test_periods_begin_where_the_calendar_says(frequency, starts):
    found = resample(only([quote(date(2025, 12, 31), 1, 80), quote(MONDAY, 1, 80)]), frequency)
    assert found.frame["start"].dt.strftime("%Y-%m-%d").tolist() == starts


def test_a_monthly_series_is_not_made_finer():
    months = resample(only([quote(MONDAY, 10, 800)]), "M")
    with pytest.raises(BadInput, match="can be made of a daily series"):
        resample(months, "W")


def test_turnover_that_cannot_be_is_refused_and_does_not_overflow():
    with pytest.raises(BadInput, match="check the units"):
        only([quote(MONDAY, 10**6, 10**15)])


def test_no_quotes_make_no_series():
    assert series_of(Quotes.of(())) == ()


@pytest.mark.parametrize(("by", "method"), [("colour", "all"), ("code", "gossip")])
def test_an_unknown_choice_is_told_what_there_is(by, method):
    with pytest.raises(BadInput, match="should be one of"):
        series_of(Quotes.of([quote(MONDAY, 1, 80)]), by, method)


def test_the_columns_have_the_documented_types():
    frame = resample(only([quote(MONDAY, 10, 800), quote(date(2026, 3, 9), 10, 900)]), "M").frame
    kinds = {name: str(kind) for name, kind in frame.dtypes.items()}
    prices = ["price_fen", "first_fen", "last_fen", "low_fen", "high_fen", "turnover_fen"]
    assert all(kinds[name] == "Int64" for name in prices)
    assert all(kinds[name] == "int64" for name in ("volume_kg", "traded_days", "repeated_days", "value", "priced_kg"))
    assert (kinds["start"], kinds["gap"], kinds["filled"]) == ("datetime64[s]", "bool", "bool")


DAYS = st.integers(0, 120).map(lambda k: date(2025, 11, 3) + timedelta(k))
ROWS = st.builds(
    lambda day, volume, price, method, vintage: quote(
        day, volume, volume * price / 100, code=f"CEA{vintage % 100}", vintage=vintage, method=method
    ),
    DAYS,
    st.integers(0, 50),
    st.integers(1, 20_000),
    st.sampled_from(["", "listed", "block"]),
    st.sampled_from([2024, 2025]),
)


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(ROWS, min_size=1, max_size=25), data=st.data(), frequency=st.sampled_from(["W", "M", "Q", "Y"]))
def test_the_order_of_the_rows_decides_nothing_and_nothing_is_lost_on_the_way_to_longer_periods(rows, data, frequency):
    first, second = only(rows), only(data.draw(st.permutations(rows)))
    pd.testing.assert_frame_equal(first.frame, second.frame)
    longer = resample(first, frequency).frame
    for name in ("volume_kg", "value", "priced_kg", "traded_days", "repeated_days"):
        assert longer[name].sum() == first.frame[name].sum()
    periods: list[Any] = list(longer[~longer["gap"]].itertuples())
    for period in periods:
        assert period.price_fen == round_half_up(Fraction(period.value, period.priced_kg))
        assert period.low_fen <= period.price_fen <= period.high_fen


# ------------------------------------------------------------------------------------------------------- statistics


def monthly(prices, instrument="allowance", start=date(2024, 1, 15)):
    """A monthly series with one trade in the middle of each month; None is a month without trades."""
    rows = []
    for k, price in enumerate(prices):
        year, month = divmod(start.year * 12 + start.month - 1 + k, 12)
        if price is not None:
            rows.append(quote(date(year, month + 1, 15), 1, price, instrument=instrument, code="X", vintage=0))
    return rows


def months_of(prices, instrument="allowance"):
    return resample(only(monthly(prices, instrument)), "M")


def test_returns_are_logs_and_stop_at_a_gap():
    """80 -> 88 is ln 1.1; the month without trades has none, nor has the one after it."""
    returns = log_returns(months_of([80, 88, None, 99, 99]))["log_return"].tolist()
    assert returns == pytest.approx([np.nan, np.log(1.1), np.nan, np.nan, 0], nan_ok=True)


def test_a_filled_price_makes_no_return():
    filled = resample(only(monthly([80, None, 88])), "M", fill="carry")
    assert log_returns(filled)["log_return"].isna().all()
    assert volatility(filled).n == 0


def test_volatility_is_the_spread_of_returns_and_its_number():
    """Returns ln 1.1, -ln 1.1, ln 1.1: deviation from their mean ln 1.1 / 3; variance 8/3 x (ln 1.1)^2 / 2."""
    found = volatility(months_of([80, 88, 80, 88]))
    assert found.n == 3
    assert found.per_period == pytest.approx(np.log(1.1) * (4 / 3) ** 0.5)
    assert found.annualised == pytest.approx(found.per_period * 12**0.5)
    assert np.isnan(volatility(months_of([80, 88])).per_period)


def test_correlation_is_taken_on_joint_periods_with_their_number():
    a = months_of([80, 88, 70, 77, 90])
    b = months_of([40, 44, 35, 38.5, 45], "ccer")
    c = months_of([None, 10, 9, None, 8], "credit")
    found = correlation([a, b, c])
    assert found.matrix.iloc[0, 1] == pytest.approx(1)
    assert found.n.to_numpy().tolist() == [[4, 4, 1], [4, 4, 1], [1, 1, 1]]
    assert found.matrix.isna().iloc[0, 2]
    with pytest.raises(BadInput, match="one frequency"):
        correlation([a, only(monthly([1], "ccer"))])


def test_the_premium_is_exact_fen_and_has_gaps_where_either_side_has():
    found = premium(months_of([90.05, None, 95, 96], "ccer"), months_of([80.1, 81, None, 98.21]))
    assert found.frame["premium_fen"].fillna(-99_999).tolist() == [995, -99_999, -99_999, -221]
    assert (found.n, found.frame["gap"].tolist()) == (2, [False, True, True, False])


def test_the_joint_history_runs_over_all_months_of_all_instruments():
    rows = [*monthly([80, 81, 82, 83]), *monthly([None, None, 90, None, 95], "ccer")]
    found = price_history(Quotes.of(rows))
    assert found.instruments == ("ccer", "allowance")
    assert found.price_fen.tolist() == [[-1, 8000], [-1, 8100], [9000, 8200], [-1, 8300], [9500, -1]]
    assert (found.last_price_fen("allowance"), str(found.months[0])) == (8300, "2024-01")
    assert price_history(Quotes.of(rows), until=date(2024, 2, 20)).instruments == ("allowance",)


def test_an_instrument_with_several_markets_takes_the_national_one_or_asks():
    pilots = [quote(MONDAY, 1, 30, mechanism=m, code=m) for m in ("GDEA", "HBEA")]
    assert price_history(Quotes.of([quote(MONDAY, 1, 80), *pilots])).price_fen.tolist() == [[8000]]
    with pytest.raises(BadInput, match="GDEA, HBEA"):
        price_history(Quotes.of(pilots))
    assert price_history(Quotes.of(pilots), {"allowance": "HBEA"}).price_fen.tolist() == [[3000]]
    with pytest.raises(BadInput, match="no price of a trade"):
        price_history(Quotes.of(()))


def test_a_history_out_of_shape_is_refused():
    months = np.array(["2024-01", "2024-03"], dtype="datetime64[M]")
    with pytest.raises(BadInput, match="consecutive months"):
        PriceHistory(("ccer",), months, np.array([[1], [2]]))


def test_the_last_day_with_a_price():
    assert last_day(only([quote(MONDAY, 1, 80), quote(MONDAY + timedelta(1), 0)])) == MONDAY
    assert last_day(only([quote(MONDAY, 0)])) is None


# --------------------------------------------------------------------------------------------------- monthly tables


def test_a_long_table_of_monthly_means():
    text = 'month,instrument,price,volume\n2026-02,CCER,85.535,"1,000.5"\n2026/3,配额,77.86,3\n2026年1月,ccer,-,0\n'
    found = read_monthly_prices(text.encode(), "means.csv")
    assert (found.rows_read, found.rows_used, found.left_out) == (3, 2, {"no_price": 1})
    first, second = sorted((found.quotes[k] for k in range(2)), key=lambda q: q.day)
    assert (first.day, first.instrument, first.average_fen) == (date(2026, 2, 28), "ccer", 8554)
    assert first.volume_kg == 1_000_500
    assert (second.day, second.instrument, second.mechanism) == (date(2026, 3, 31), "allowance", "CEA")
    assert row(resample(series_of(found.quotes)[0], "M")).price_fen == 7786


def test_a_wide_table_of_monthly_means():
    header = "month,cea_volume_t,cea_vwap,ccer_volume_t,ccer_vwap,ccer_minus_cea"
    text = f"{header}\n2026-01,10,72.68,0,,\n2026-02,10,76.65,4,85.53,8.88\n"
    found = read_monthly_prices(text.encode(), "wide.csv")
    history = price_history(found.quotes)
    assert history.price_fen.tolist() == [[-1, 7268], [8553, 7665]]


def test_every_fault_of_a_monthly_table_is_told_at_once():
    rows = ["2026-13,ccer,1,2", "2026-01,gold,5,3", "2026-02,ccer,,5", "2026-03,ccer,x,5", *["2026-04,ccer,5,5"] * 2]
    text = "\n".join(["month,instrument,price,volume", *rows])
    with pytest.raises(BadInput) as caught:
        read_monthly_prices(text.encode(), "means.csv")
    said = [(f.file, f.row, f.code) for f in caught.value.findings]
    assert said == [
        ("means.csv", 2, "month"),
        ("means.csv", 3, "instrument"),
        ("means.csv", 4, "price_missing"),
        ("means.csv", 5, "number"),
        ("means.csv", 7, "month_twice"),
    ]
    assert all(f.message.zh and f.message.en for f in caught.value.findings)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("month,price\n2026-01,5\n", "column_missing"),
        ("a,b\n1,2\n", "column_missing"),
        ("month,instrument,price,volume\n2026-01,ccer,,\n", "no_rows"),
        ("", "file_empty"),
    ],
)
def test_a_table_that_is_none_is_refused(text, code):
    with pytest.raises(BadInput) as caught:
        read_monthly_prices(text.encode(), "means.csv")
    assert [f.code for f in caught.value.findings] == [code]


def test_the_real_monthly_table_reads_with_its_hole():
    path = SHARED_DATA / "ccer" / "monthly_cea_ccer.csv"
    if not path.exists():
        pytest.skip("no shared data here")
    found = read_monthly_prices(path.read_bytes(), path.name)
    series = {s.key.instrument: resample(s, "M") for s in series_of(found.quotes)}
    # CCER traded in January 2024 and then not before March 2025: 13 months between them.
    assert series["ccer"].frame["gap"].sum() == 13
    table = pd.read_csv(path).dropna(subset=["ccer_minus_cea"])
    own = premium(series["ccer"], series["allowance"])
    assert own.n == len(table)
    # The table's own difference was rounded from unrounded prices: within a fen of that of the rounded ones.
    ours = own.frame.loc[~own.frame["gap"], "premium_fen"].to_numpy(dtype=np.int64)
    assert np.abs(ours - np.rint(table["ccer_minus_cea"].to_numpy() * 100)).max() <= 1
