"""Models of monthly prices: what calibration finds, what it refuses and says, and how a back-test keeps it honest."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from market_data.backtest import HORIZONS, LEVELS, QUANTILES, backtest, binomial_range, pinball
from market_data.block_bootstrap import BlockBootstrap, default_block_months
from market_data.mean_reversion import MeanReverting
from market_data.monthly_prices import read_monthly_prices
from market_data.price_models import calibrate
from market_data.price_samples import RETURNS_MIN
from market_data.price_statistics import PriceHistory, price_history
from market_data.random_streams import draw_range
from optimizer.errors import BadInput

SHARED_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def history_of(log_prices, names=("ccer", "allowance")):
    """A history from January 2000 on; columns as given, NaN is a gap."""
    x = np.array(log_prices, dtype=np.float64).reshape(-1, len(names))
    fen = np.where(np.isnan(x), -1, np.rint(np.exp(np.nan_to_num(x)) * 100)).astype(np.int64)
    months = np.arange("2000-01", np.datetime64("2000-01") + np.timedelta64(len(x), "M"), dtype="datetime64[M]")
    return PriceHistory(tuple(names), months, fen)


def reverting(n, seed, b=(0.8, 0.9), theta=(4.4, 4.0), spread=(0.1, 0.05), rho=0.6):
    """Two mean-reverting log prices with correlated shocks, started at their levels."""
    z = np.random.default_rng(seed).normal(size=(n, 2))
    shocks = np.column_stack([z[:, 0], rho * z[:, 0] + (1 - rho**2) ** 0.5 * z[:, 1]]) * spread
    x = np.tile(np.array(theta), (n, 1))
    for t in range(1, n):
        x[t] = x[t - 1] + (1 - np.array(b)) * (np.array(theta) - x[t - 1]) + shocks[t]
    return x


def codes(model):
    return [f.code for f in model.findings]


# --------------------------------------------------------------------------------------------------- mean reversion


def test_calibration_recovers_what_a_long_history_was_made_with():
    """2,000 months: the error of b is about ((1 - b^2) / n)^1/2 = 0.013; four times that and more is allowed."""
    model = calibrate(history_of(reverting(2000, 5)), "mean-reverting")
    assert isinstance(model, MeanReverting)
    ccer, allowance = model.fits
    assert (ccer.b, allowance.b) == pytest.approx((0.8, 0.9), abs=0.06)
    assert (ccer.theta, allowance.theta) == pytest.approx((4.4, 4.0), abs=0.08)
    assert (ccer.spread, allowance.spread) == pytest.approx((0.1, 0.05), rel=0.08)
    assert model.correlation[0, 1] == pytest.approx(0.6, abs=0.06)
    assert (model.joint_n, ccer.sample.n, model.findings) == (1999, 1999, ())
    assert (str(model.first_month), str(model.last_month)) == ("2000-01-01", "2166-08-01")
    assert ccer.half_life_months == pytest.approx(3.1, abs=1.2)


def test_what_the_model_draws_calibrates_back_to_the_model():
    """One draw of 1,500 months, as a history of its own."""
    model = calibrate(history_of(reverting(300, 5)), "mean-reverting")
    assert isinstance(model, MeanReverting)
    theta = np.array([f.theta for f in model.fits])
    paths = model.log_factors(theta, 1500, draw_range(1, 11))[:, :, 0].T
    again = calibrate(history_of(paths + theta), "mean-reverting")
    assert isinstance(again, MeanReverting)
    for before, after in zip(model.fits, again.fits, strict=True):
        assert after.b == pytest.approx(before.b, abs=0.07)
        assert after.theta == pytest.approx(before.theta, abs=0.1)
        assert after.spread == pytest.approx(before.spread, rel=0.1)
    assert again.correlation[0, 1] == pytest.approx(model.correlation[0, 1], abs=0.08)


def test_draws_have_the_mean_and_spread_of_the_exact_solution():
    """After h months from x0: mean theta + b^h (x0 - theta), variance s^2 (1 - b^2h) / (1 - b^2)."""
    model = calibrate(history_of(reverting(500, 5)), "mean-reverting")
    assert isinstance(model, MeanReverting)
    start = np.array([f.theta + 0.3 for f in model.fits])
    paths = model.log_factors(start, 6, draw_range(20_000, 7))
    for k, fit in enumerate(model.fits):
        end = paths[k, 5] + start[k]
        variance = fit.spread**2 * (1 - fit.b**12) / (1 - fit.b**2)
        assert end.mean() == pytest.approx(fit.theta + fit.b**6 * 0.3, abs=0.01)
        assert end.std() == pytest.approx(variance**0.5, rel=0.03)
    shocks = np.corrcoef(paths[0, 0], paths[1, 0])[0, 1]
    assert shocks == pytest.approx(model.correlation[0, 1], abs=0.03)


def test_the_bias_of_a_small_sample_is_taken_off():
    """200 histories of 40 months with b = 0.8: least squares find 0.8 - (1 + 2.4) / 39 = 0.71 on average."""
    fits = []
    for seed in range(200):
        model = calibrate(history_of(reverting(40, seed)[:, :1], ("ccer",)), "mean-reverting", correct_bias=False)
        assert isinstance(model, MeanReverting)
        fits.append(model.fits[0])
    raw = np.array([f.b_fitted for f in fits])
    assert raw.mean() == pytest.approx(0.713, abs=0.03)
    assert ((39 * raw + 1) / 36).mean() == pytest.approx(0.8, abs=0.035)
    assert replace(fits[0], b=0.8).b_bias == pytest.approx(-3.4 / 39)


def test_a_trend_without_a_level_is_a_random_walk_and_said():
    x = np.linspace(3, 5, 60) + np.random.default_rng(1).normal(0, 0.01, 60)
    model = calibrate(history_of(x, ("ccer",)), "mean-reverting")
    assert isinstance(model, MeanReverting)
    assert (model.fits[0].b, codes(model)) == (1.0, ["no_reversion"])
    assert model.fits[0].half_life_months == float("inf")
    paths = model.log_factors(np.array([5.0]), 12, draw_range(20_000, 7))
    # Without drift, though the history had one: mean 0, deviation of 12 months 12^1/2 of one month's.
    assert paths[0, 11].mean() == pytest.approx(0, abs=0.01)
    assert paths[0, 11].std() == pytest.approx(12**0.5 * model.fits[0].spread, rel=0.03)


def test_a_price_that_never_moved_is_a_random_walk_without_spread():
    model = calibrate(history_of(np.full(30, np.log(80)), ("ccer",)), "mean-reverting")
    assert isinstance(model, MeanReverting)
    assert (model.fits[0].b, model.fits[0].spread, codes(model)) == (1.0, 0.0, ["no_reversion"])


def test_a_price_that_swings_from_month_to_month_returns_at_once_and_it_is_said():
    x = 4 + 0.1 * (-1.0) ** np.arange(40)
    model = calibrate(history_of(x, ("ccer",)), "mean-reverting")
    assert isinstance(model, MeanReverting)
    assert (model.fits[0].b, codes(model)) == (0.01, ["reversion_fast"])
    assert model.fits[0].theta == pytest.approx(4, abs=0.02)


def test_correlations_that_do_not_fit_together_are_shrunk_until_they_do():
    """Three pairs on three different spans of months: +0.97, +0.97 and -0.97 cannot hold at once."""
    rng = np.random.default_rng(2)
    x = np.full((90, 3), np.nan)
    for (i, j), sign, at in (((0, 1), 1, 0), ((1, 2), 1, 30), ((0, 2), -1, 60)):
        shocks = rng.normal(0, 0.1, 30)
        x[at : at + 30, i] = 4 + np.cumsum(shocks)
        x[at : at + 30, j] = 4 + np.cumsum(sign * shocks + rng.normal(0, 0.02, 30))
    model = calibrate(history_of(x, ("ccer", "credit", "allowance")), "mean-reverting")
    assert isinstance(model, MeanReverting)
    assert np.linalg.eigvalsh(model.correlation)[0] > 0
    assert 0 < model.shrinkage < 1
    assert np.diag(model.correlation).tolist() == pytest.approx([1, 1, 1])


def test_instruments_without_joint_months_are_uncorrelated_and_it_is_said():
    x = np.full((60, 2), np.nan)
    x[:30, 0], x[30:, 1] = reverting(30, 1)[:, 0], reverting(30, 2)[:, 1]
    model = calibrate(history_of(x), "mean-reverting")
    assert isinstance(model, MeanReverting)
    assert model.correlation.tolist() == [[1, 0], [0, 1]]
    assert "correlation_unknown" in codes(model)


# --------------------------------------------------------------------------------------------------------- bootstrap


def test_the_default_block_is_the_cube_root_of_the_months_rounded_up():
    assert [default_block_months(n) for n in (0, 1, 8, 9, 17, 27, 28, 61, 64)] == [1, 1, 2, 3, 3, 3, 4, 4, 4]


def test_every_month_of_a_draw_is_a_month_that_was_and_blocks_run_on():
    """Returns 0.01, 0.02 .. are their own names: inside a block each is followed by the next, round the end."""
    n = 20
    steps = np.arange(1, n + 1) / 100
    x = np.concatenate([[3], 3 + np.cumsum(steps)])
    model = calibrate(history_of(x, ("ccer",)), "bootstrap", block_months=5, drift="kept")
    assert isinstance(model, BlockBootstrap)
    paths = model.log_factors(np.array([3.0]), 15, draw_range(400, 7))[0]
    drawn = np.rint(np.diff(paths, axis=0, prepend=0) * 100).astype(int) - 1
    assert drawn.min() >= 0 and drawn.max() < n
    for month in range(1, 15):
        follows = drawn[month] == (drawn[month - 1] + 1) % n
        assert follows.all() if month % 5 else follows.mean() < 0.2
    assert np.unique(drawn[0]).tolist() == list(range(n))


def test_instruments_are_drawn_together():
    """A joint row for both: their returns keep their correlation, whatever the block."""
    model = calibrate(history_of(reverting(200, 5)), "bootstrap")
    assert isinstance(model, BlockBootstrap)
    paths = model.log_factors(np.zeros(2), 1, draw_range(20_000, 7))
    there = np.corrcoef(model.returns[:, 0], model.returns[:, 1])[0, 1]
    assert np.corrcoef(paths[0, 0], paths[1, 0])[0, 1] == pytest.approx(there, abs=0.03)
    assert paths[:, 0].std(axis=1) == pytest.approx(model.returns.std(axis=0), rel=0.03)


def test_drift_is_kept_or_removed_as_asked():
    x = np.linspace(3, 5, 61) + np.random.default_rng(1).normal(0, 0.02, 61)
    kept = calibrate(history_of(x, ("ccer",)), "bootstrap", drift="kept")
    removed = calibrate(history_of(x, ("ccer",)), "bootstrap")
    means = [m.log_factors(np.array([5.0]), 12, draw_range(20_000, 7))[0, 11].mean() for m in (kept, removed)]
    assert means == pytest.approx([12 * 2 / 60, 0], abs=0.02)


def test_only_joint_months_are_rows_and_what_is_left_over_is_said():
    x = reverting(60, 5)
    x[:40, 0] = np.nan  # ccer trades for the last 20 months: 19 returns
    model = calibrate(history_of(x), "bootstrap")
    assert isinstance(model, BlockBootstrap)
    assert (model.n, [s.n for s in model.samples]) == (19, [19, 59])
    assert (codes(model), str(model.first_month)) == (["history_unused"], "2003-05-01")


@pytest.mark.parametrize("kind", ["bootstrap", "mean-reverting"])
def test_a_short_history_is_refused_and_said_and_the_others_go_on(kind):
    x = reverting(60, 5)
    x[:-RETURNS_MIN, 0] = np.nan  # as many prices, so one return less than are needed
    model = calibrate(history_of(x), kind)
    assert (model.instruments, codes(model)) == (("allowance",), ["history_short"])
    assert "11" in model.findings[0].message.en and "11" in model.findings[0].message.zh


@pytest.mark.parametrize("kind", ["bootstrap", "mean-reverting"])
def test_with_no_history_to_speak_of_all_prices_stay_flat(kind):
    model = calibrate(history_of(reverting(5, 5)), kind)
    assert (model.instruments, len(model.findings)) == ((), 2)
    assert model.log_factors(np.zeros(0), 12, draw_range(10, 7)).shape == (0, 12, 10)


def test_of_histories_that_hardly_meet_the_shortest_gives_way():
    x = reverting(60, 5)
    x[:30, 0], x[35:, 1] = np.nan, np.nan
    x[0, 1] = np.nan
    model = calibrate(history_of(x), "bootstrap")
    assert (model.instruments, codes(model)) == (("allowance",), ["history_short"])


@pytest.mark.parametrize("length", [0, 20])
def test_blocks_longer_than_the_sample_are_refused(length):
    with pytest.raises(BadInput, match="should be from 1 to 19 months"):
        calibrate(history_of(reverting(20, 5)), "bootstrap", block_months=length)


def test_unknown_kinds_and_drifts_are_told_at_once():
    wrong: dict[str, object] = {"kind": "oracle", "drift": "up"}
    with pytest.raises(BadInput) as caught:
        calibrate(history_of(reverting(20, 5)), **wrong)  # type: ignore[arg-type]  # what a user may type
    assert [f.path for f in caught.value.findings] == ["model", "drift"]


# --------------------------------------------------------------------------------------------------------- back-test


def test_intervals_of_the_right_model_cover_what_they_say():
    """600 months of a mean-reverting price, 300 held out: at one month ahead coverage is within 0.07 of nominal.

    Four standard errors of a share of 0.8 in 300 are 0.09, of 0.95 are 0.05; longer horizons overlap and get twice.
    """
    history = history_of(reverting(600, 8)[:, :1], ("ccer",))
    found = backtest(history, "mean-reverting", 300, (1, 6), seed=7, draws=500).frame
    for line in found.to_dict("records"):
        assert line["n"] == 300 - line["horizon_months"] + 1
        assert line["coverage"] == pytest.approx(line["level"], abs=0.08 if line["horizon_months"] == 1 else 0.16)


def test_the_bootstrap_covers_a_random_walk():
    walk = 4 + np.cumsum(np.random.default_rng(4).normal(0, 0.05, 600))
    found = backtest(history_of(walk, ("ccer",)), "bootstrap", 300, (1, 3), seed=7, draws=500).frame
    for line in found.to_dict("records"):
        assert line["coverage"] == pytest.approx(line["level"], abs=0.09 if line["horizon_months"] == 1 else 0.16)


def test_a_forecast_knows_nothing_of_what_came_after_its_origin():
    """Prices of the last year are changed: every forecast from before it stays bit for bit what it was."""
    x = reverting(60, 5)
    changed = x.copy()
    changed[48:] += 1
    first, second = (backtest(history_of(v), "bootstrap", 24, seed=7, draws=200) for v in (x, changed))
    before = history_of(x).months[48]
    pairs = [(a, b) for a, b in zip(first.forecasts, second.forecasts, strict=True) if a.origin < before]
    assert len(pairs) > 40
    assert all(a.quantiles_yuan == b.quantiles_yuan for a, b in pairs)
    assert any(a.came_yuan != b.came_yuan for a, b in pairs)


def test_a_price_that_never_moves_is_covered_by_intervals_of_no_width():
    found = backtest(history_of(np.full(40, 4.0), ("ccer",)), "mean-reverting", 12, seed=7, draws=50)
    assert found.frame["coverage"].dropna().tolist() == [1.0] * 16
    assert found.frame["pinball_yuan"].dropna().abs().max() < 1e-9


def test_n_and_what_was_not_forecast_are_told():
    """ccer begins 15 months before the end: 14 returns, so three origins (12, 13 of them known) can speak of it."""
    x = reverting(60, 5)
    x[:45, 0] = np.nan
    found = backtest(history_of(x), "mean-reverting", 12, seed=7, draws=100)
    n = found.frame[found.frame["level"] == 0.5].set_index(["instrument", "horizon_months"])["n"]
    assert n["allowance"].tolist() == [12, 10, 7, 1]
    assert n["ccer"].tolist() == [2, 0, 0, 0]
    # ccer had traded before each of 12 + 10 + 7 + 1 target months' origins; two were forecast.
    assert found.refused == 28
    for lang in ("zh", "en"):
        said = found.say(lang)
        assert "n = 12" in said and "28" in said.splitlines()[0]
        assert len(said.splitlines()) == 1 + 2 * len(HORIZONS)


def test_the_range_of_a_right_model_is_that_of_a_binomial():
    """Of 10 at 0.5: P(X <= 1) = 0.011, P(X <= 2) = 0.055, so 2; P(X <= 7) = 0.945, P(X <= 8) = 0.989, so 8."""
    assert binomial_range(10, 0.5) == (2, 8)
    assert binomial_range(1, 0.95) == (0, 1)
    assert binomial_range(300, 0.95)[0] < 285 < binomial_range(300, 0.95)[1]


def test_pinball_loss_weighs_both_sides_by_the_quantile():
    """A quantile at 0.9 that is 10 too low costs 9, 10 too high costs 1."""
    at = QUANTILES.index(0.9)
    loss = pinball(np.full((2, len(QUANTILES)), 80.0), np.array([90.0, 70.0]))
    assert loss[:, at].tolist() == pytest.approx([9, 1])


@pytest.mark.parametrize(("held_out", "horizons"), [(0, (1,)), (60, (1,)), (12, ()), (12, (0,)), (12, (1, 1))])
def test_a_back_test_that_cannot_be_is_refused(held_out, horizons):
    with pytest.raises(BadInput):
        backtest(history_of(reverting(60, 5)), "bootstrap", held_out, horizons, seed=7)


@pytest.mark.parametrize("kind", ["bootstrap", "mean-reverting"])
def test_a_back_test_on_real_prices_runs_and_counts(kind):
    path = SHARED_DATA / "ccer" / "monthly_cea_ccer.csv"
    if not path.exists():
        pytest.skip("no shared data here")
    history = price_history(read_monthly_prices(path.read_bytes(), path.name).quotes)
    found = backtest(history, kind, 36, seed=7, draws=500)
    wide = found.frame[found.frame["level"] == 0.95].set_index(["instrument", "horizon_months"])
    assert wide["n"]["allowance"].tolist() == [36, 34, 31, 25]
    assert wide["n"]["ccer"].tolist() == [5, 3, 0, 0]
    assert wide["coverage"]["allowance"].min() > 0.7
    assert len(found.frame) == 2 * len(HORIZONS) * len(LEVELS)
