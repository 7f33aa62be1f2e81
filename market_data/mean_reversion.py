"""Mean-reverting prices: x' = x + (1 - b)(theta - x) + e, the exact monthly form of Schwartz's one-factor model.

x is ln(price in yuan/t). Which model a caller wants is the business of `price_models`.
"""

from dataclasses import dataclass
from datetime import date
from math import log
from typing import Literal

import numpy as np

from market_data.price_samples import Sample, long_enough, sample_of, span_of
from market_data.price_statistics import PriceHistory, pair_correlation
from market_data.random_streams import DrawRange, Floats, normals
from optimizer.findings import Finding, warning
from optimizer.quantities import FEN_PER_YUAN

JOINT_MIN = 3
"""Joint residuals below which a correlation is not estimated but 0."""
B_LEAST = 0.01
"""A fit with b at or below 0 (prices that swing from month to month) is read as all but full return within a month."""
SHRINKAGE_LEAST = 0.001
"""Least pull of the correlations towards 0: keeps their matrix positive definite whatever the sample."""
FLAT_SPREAD = 1e-12
"""Variance of log prices below which they did not move; rounding of logarithms is 10^-16."""


@dataclass(frozen=True)
class Reversion:
    """One instrument of the mean-reverting model: x' = x + (1 - b)(theta - x) + e, e normal with deviation `spread`."""

    sample: Sample
    b: float
    """Share of a deviation that is left after a month, in (0, 1]; 1 is a random walk without drift."""
    theta: float
    """ln of the price in yuan/t that it returns to; for a random walk the last price, without meaning."""
    spread: float
    """Standard deviation of e."""
    b_fitted: float
    """What least squares gave, before the correction for a small sample; NaN where prices did not move."""

    @property
    def instrument(self) -> str:
        """Its name."""
        return self.sample.instrument

    @property
    def b_bias(self) -> float:
        """What least squares on n months misses b by on average: -(1 + 3b) / n (Kendall 1954; Marriott and Pope 1954).

        Prices then seem to return faster than they do, and far intervals come out too narrow.
        """
        return -(1 + 3 * self.b) / self.sample.n

    @property
    def half_life_months(self) -> float:
        """Months after which half of a deviation is left; infinite for a random walk."""
        return log(0.5) / log(self.b) if self.b < 1 else float("inf")


@dataclass(frozen=True, eq=False)
class MeanReverting:
    """Mean-reverting lognormal prices with correlated shocks (Schwartz 1997, one factor, exact at monthly steps).

    b and theta of each instrument come from least squares on its own history, the correlation of the shocks from the
    months that two instruments share, shrunk towards 0 by the rule of Schaefer and Strimmer (2005). Unless told not to,
    b is freed of the bias of a small sample (`Reversion.b_bias`); where that leaves no return, it is a random walk.
    """

    fits: tuple[Reversion, ...]
    correlation: Floats
    """Of the shocks, (instruments, instruments), positive definite."""
    joint_n: int
    """Fewest joint residuals behind a pair; 0 for a single instrument."""
    shrinkage: float
    """How far correlations were pulled towards 0, in [0, 1]."""
    first_month: date
    last_month: date
    findings: tuple[Finding, ...]

    kind: Literal["mean-reverting"] = "mean-reverting"

    @property
    def samples(self) -> tuple[Sample, ...]:
        """What each instrument rests on."""
        return tuple(f.sample for f in self.fits)

    @property
    def instruments(self) -> tuple[str, ...]:
        """Those that move; all others are flat."""
        return tuple(f.instrument for f in self.fits)

    def log_factors(self, start_log: Floats, months: int, wanted: DrawRange) -> Floats:
        """Paths of ln(price / today's price) by month 1 .. months, shape (instruments, months, draws).

        `start_log` is ln of today's prices in yuan/t, one an instrument.
        """
        root = np.linalg.cholesky(self.correlation) if self.fits else self.correlation
        paths = np.zeros((len(self.fits), months, wanted.size))
        at = np.zeros((len(self.fits), wanted.size))
        for step in range(months):
            shocks = [normals(wanted, "price", name, step) for name in self.instruments]
            for k, fit in enumerate(self.fits):
                # A sum in fixed order, not a matrix product: see `random_streams`.
                shock = sum((root[k, j] * shocks[j] for j in range(k + 1)), np.zeros(wanted.size))
                at[k] += (1 - fit.b) * (fit.theta - float(start_log[k]) - at[k]) + fit.spread * shock
            paths[:, step] = at
        return paths


def mean_reverting(history: PriceHistory, correct_bias: bool) -> MeanReverting:
    """The model of a history, each instrument fitted to its own months; `correct_bias` as `MeanReverting` says."""
    columns, findings = long_enough(history)
    x = history.log_prices
    fits = []
    residuals = np.full((max(len(x) - 1, 0), len(columns)), np.nan)
    for place, k in enumerate(columns):
        fit, more = _reversion(sample_of(history, k), x[:, k], correct_bias)
        fits.append(fit)
        findings += more
        residuals[:, place] = x[1:, k] - x[:-1, k] - (1 - fit.b) * (fit.theta - x[:-1, k])
    correlation, joint_n, shrinkage, more = _shrunk_correlation(residuals, [f.instrument for f in fits])
    used = ~np.isnan(residuals).all(axis=1) if columns else np.zeros(len(residuals), dtype=bool)
    first, last = span_of(history, used)
    return MeanReverting(tuple(fits), correlation, joint_n, shrinkage, first, last, (*findings, *more))


def _reversion(sample: Sample, x: Floats, correct_bias: bool) -> tuple[Reversion, list[Finding]]:
    """Least squares of x' on x over consecutive months; a random walk where that says nothing about a level."""
    both = ~np.isnan(x[:-1]) & ~np.isnan(x[1:])
    before, after = x[:-1][both], x[1:][both]
    n = len(before)
    fitted = _slope(before, after)
    last_log = log(sample.last_price_fen / FEN_PER_YUAN)
    walk = Reversion(sample, 1.0, last_log, _root_mean(after - before, n), float("nan") if fitted is None else fitted)
    if fitted is None:
        return walk, [_no_level(sample.instrument, "价格没有变动", "its price did not move")]
    b = (n * fitted + 1) / (n - 3) if correct_bias else fitted  # fitted = b - (1 + 3b) / n, solved for b
    if b >= 1:
        zh, en = f"价格不回归某一水平 (b = {b:.3f}, 不小于 1)", f"no level to return to (b = {b:.3f}, not below 1)"
        return walk, [_no_level(sample.instrument, zh, en)]
    found = [] if b >= B_LEAST else [_fast(sample.instrument, b)]
    b = max(b, B_LEAST)
    theta = float((after.mean() - b * before.mean()) / (1 - b))
    width = float(np.ptp(before))
    if not before.min() - width <= theta <= before.max() + width:
        level = f"{np.exp(theta):.2f}"
        zh, en = f"水平 {level} 元/吨远在历史之外", f"its level of {level} yuan/t is far outside"
        return walk, [_no_level(sample.instrument, zh, en)]
    residual = after - before - (1 - b) * (theta - before)
    return Reversion(sample, b, theta, _root_mean(residual, n - 2), fitted), found


def _slope(before: Floats, after: Floats) -> float | None:
    """Of x' on x by least squares; None where prices did not move."""
    deviation = before - before.mean()
    variance = float((deviation * deviation).mean())
    return float((deviation * (after - after.mean())).mean()) / variance if variance >= FLAT_SPREAD else None


def _fast(instrument: str, b: float) -> Finding:
    zh = f"{instrument}: 偏离在一个月内全部消失 (b = {b:.3f}); 按 {B_LEAST} 计"
    en = f"{instrument}: a deviation is gone within a month (b = {b:.3f}); taken as {B_LEAST}"
    return warning("reversion_fast", zh, en)


def _root_mean(values: Floats, degrees: int) -> float:
    return float(np.sqrt((values * values).sum() / degrees))


def _no_level(instrument: str, zh: str, en: str) -> Finding:
    text = (f"{instrument}: {zh}; 按无漂移随机游走计", f"{instrument}: {en}; taken as a random walk without drift")
    return warning("no_reversion", *text)


def _shrunk_correlation(residuals: Floats, names: list[str]) -> tuple[Floats, int, float, list[Finding]]:
    """Pairwise correlations times (1 - shrinkage), made positive definite; 0 for a pair with too few joint months."""
    size = len(names)
    matrix, counts, findings = np.eye(size), [], []
    variance = squares = 0.0
    for i in range(size):
        for j in range(i):
            r, n = pair_correlation(residuals[:, i], residuals[:, j])
            counts.append(n)
            if n < JOINT_MIN:
                zh = f"{names[j]} 与 {names[i]} 只有 {n} 个共同月份; 相关系数按 0 计"
                en = f"{names[j]} and {names[i]} share {n} months; their correlation is taken as 0"
                findings.append(warning("correlation_unknown", zh, en))
            elif not np.isnan(r):
                matrix[i, j] = matrix[j, i] = r
                variance += (1 - r * r) ** 2 / (n - 1)
                squares += r * r
    shrinkage = min(1.0, max(SHRINKAGE_LEAST, variance / squares if squares else 0.0))
    least = float(np.linalg.eigvalsh(matrix)[0]) if size else 1.0
    if least < 0:
        # Pairs on different months need not fit together: pull until the least eigenvalue has that margin.
        shrinkage = max(shrinkage, (SHRINKAGE_LEAST - least) / (1 - least))
    shrunk = matrix * (1 - shrinkage) + np.eye(size) * shrinkage
    return shrunk, min(counts, default=0), shrinkage if size > 1 else 0.0, findings
