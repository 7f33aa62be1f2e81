"""Models of joint monthly log prices, calibrated on a history: what future months may bring, and how sure that is.

    x_t = ln(price in yuan/t) at month t;  a factor is price at month t over today's price, exp(x_t - x_0)

Block bootstrap     the months that were, in blocks, shuffled: nothing is assumed about the shape of returns, and no
                    price level pulls; `drift` says what becomes of their mean
Mean-reverting      x' = x + (1 - b)(theta - x) + e, the exact monthly form of Schwartz's one-factor model

Both give `log_factors`: shape (instruments, months, draws), draw by draw the same whatever else is asked (see
`random_streams`). An instrument whose history is too short is left flat, with a finding. How well they do: `backtest`.
"""

from dataclasses import dataclass
from datetime import date
from math import log
from typing import Literal, get_args

import numpy as np

from market_data.price_statistics import PriceHistory, pair_correlation
from market_data.random_streams import DrawRange, Floats, integers, normals
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault, warning
from optimizer.quantities import FEN_PER_YUAN

type ModelKind = Literal["bootstrap", "mean-reverting"]
MODEL_KINDS: tuple[str, ...] = get_args(ModelKind.__value__)
type Drift = Literal["kept", "removed"]

RETURNS_MIN = 12
"""Monthly returns below which a history says nothing about a year: the instrument stays flat."""
JOINT_MIN = 3
"""Joint residuals below which a correlation is not estimated but 0."""
B_LEAST = 0.01
"""A fit with b at or below 0 (prices that swing from month to month) is read as all but full return within a month."""
SHRINKAGE_LEAST = 0.001
"""Least pull of the correlations towards 0: keeps their matrix positive definite whatever the sample."""
FLAT_SPREAD = 1e-12
"""Variance of log prices below which they did not move; rounding of logarithms is 10^-16."""


@dataclass(frozen=True)
class Sample:
    """What one instrument's calibration rests on."""

    instrument: str
    n: int
    """Monthly returns of its own."""
    first_month: date
    last_month: date
    last_price_fen: int
    """fen/t: today's price where the caller gives none."""
    mean: float
    """Mean monthly log return."""
    spread: float
    """Standard deviation of monthly log returns."""


@dataclass(frozen=True, eq=False)
class BlockBootstrap:
    """Circular block bootstrap of joint monthly log returns (Politis and Romano 1992).

    A draw strings together blocks of `block_months` consecutive rows of the joint sample, each from a random start,
    round the end to the beginning: so instruments keep their dependence on one another, and returns inside a block
    theirs on the months before. Only months in which every instrument has a return are rows; what a longer history has
    beside them is not used, because a row with a hole would break the dependence that the model is for (a finding says
    how much that is). Where the joint months have a hole, a block steps over it.
    """

    samples: tuple[Sample, ...]
    returns: Floats
    """Rows that are drawn, (months, instruments); a row has one draw of all instruments."""
    first_month: date
    last_month: date
    block_months: int
    drift: str
    """kept: returns as they were; removed: less their mean, so that the median path stays near today's price."""
    findings: tuple[Finding, ...]

    kind: Literal["bootstrap"] = "bootstrap"

    @property
    def instruments(self) -> tuple[str, ...]:
        """Those that move; all others are flat."""
        return tuple(s.instrument for s in self.samples)

    @property
    def n(self) -> int:
        """Joint months behind the model."""
        return len(self.returns)

    def log_factors(self, start_log: Floats, months: int, wanted: DrawRange) -> Floats:
        """Paths of ln(price / today's price) by month 1 .. months, shape (instruments, months, draws).

        `start_log` is ln of today's prices in yuan/t; this model does not depend on the level.
        """
        paths = np.zeros((len(self.samples), months, wanted.size))
        total = np.zeros((len(self.samples), wanted.size))
        for step in range(months if self.samples else 0):
            block, inside = divmod(step, self.block_months)
            if inside == 0:
                begin = integers(wanted, self.n, "bootstrap block", step=block)
            rows = (begin + inside) % self.n
            for k in range(len(self.samples)):
                total[k] += self.returns[rows, k]
            paths[:, step] = total
        return paths


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


type PriceModel = BlockBootstrap | MeanReverting


def calibrate(
    history: PriceHistory,
    kind: ModelKind,
    *,
    block_months: int | None = None,
    drift: Drift = "removed",
    correct_bias: bool = True,
) -> PriceModel:
    """A model of monthly prices, with everything it rests on.

    `block_months` and `drift` are the bootstrap's, `correct_bias` is the mean-reverting model's. Both defaults are what
    did better on held-out months of real prices: the mean of a few years' returns says next to nothing about the next.

    Without `block_months` the blocks have n^(1/3) months, rounded up: the rate at which bias and variance of the block
    bootstrap balance (Kuensch 1989; Hall, Horowitz and Jing 1995), with 1 for the unknown constant.

    Raises:
        BadInput: an unknown kind or drift, or blocks longer than the sample.
    """
    found = [
        fault(
            "choice",
            f"应为以下之一: {', '.join(known)}",
            f"should be one of: {', '.join(known)}",
            path=path,
            value=value,
        )
        for path, value, known in (("model", kind, MODEL_KINDS), ("drift", drift, get_args(Drift.__value__)))
        if value not in known
    ]
    if found:
        raise BadInput(found)
    if kind == "bootstrap":
        return _bootstrap(history, block_months, drift)
    return _mean_reverting(history, correct_bias)


# ----------------------------------------------------------------------------------------------------- the bootstrap


def default_block_months(n: int) -> int:
    """The least whole number whose cube is n or more: 17 months -> 3, 61 -> 4."""
    return next(length for length in range(1, n + 2) if length**3 >= n)


def _bootstrap(history: PriceHistory, block_months: int | None, drift: str) -> BlockBootstrap:
    returns = history.log_returns
    columns, findings = _long_enough(history)
    while columns and _joint(returns, columns).sum() < RETURNS_MIN:
        # The shortest history goes first: it is what keeps the joint sample short.
        shortest = min(columns, key=lambda k: (np.count_nonzero(~np.isnan(returns[:, k])), -k))
        findings.append(_too_short(history.instruments[shortest], int(_joint(returns, columns).sum()), joint=True))
        columns.remove(shortest)
    joint = _joint(returns, columns) if columns else np.zeros(len(returns), dtype=bool)
    samples = tuple(_sample(history, k) for k in columns)
    findings += [_unused(s, int(joint.sum())) for s in samples if s.n > joint.sum()]
    rows = returns[joint][:, columns]
    n = len(rows)
    length = default_block_months(n) if block_months is None else block_months
    if not 1 <= length <= max(n, 1):
        zh, en = f"应为 1 至 {n} 个月", f"should be from 1 to {n} months"
        raise BadInput([fault("block_months", zh, en, path="block_months", value=length)])
    if drift == "removed" and n:
        rows = rows - rows.mean(axis=0)
    first, last = _span(history, joint)
    return BlockBootstrap(samples, rows, first, last, length, drift, tuple(findings))


def _joint(returns: Floats, columns: list[int]) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    found: np.ndarray[tuple[int], np.dtype[np.bool_]] = ~np.isnan(returns[:, columns]).any(axis=1)
    return found


def _unused(sample: Sample, joint: int) -> Finding:
    zh = f"{sample.instrument} 有 {sample.n} 个月收益率, 自助法只用各工具共有的 {joint} 个月"
    en = (
        f"{sample.instrument} has {sample.n} monthly returns; the bootstrap uses the {joint} that all instruments share"
    )
    return warning("history_unused", zh, en)


# ------------------------------------------------------------------------------------------ the mean-reverting model


def _mean_reverting(history: PriceHistory, correct_bias: bool) -> MeanReverting:
    columns, findings = _long_enough(history)
    x = history.log_prices
    fits = []
    residuals = np.full((max(len(x) - 1, 0), len(columns)), np.nan)
    for place, k in enumerate(columns):
        fit, more = _reversion(_sample(history, k), x[:, k], correct_bias)
        fits.append(fit)
        findings += more
        residuals[:, place] = x[1:, k] - x[:-1, k] - (1 - fit.b) * (fit.theta - x[:-1, k])
    correlation, joint_n, shrinkage, more = _shrunk_correlation(residuals, [f.instrument for f in fits])
    used = ~np.isnan(residuals).all(axis=1) if columns else np.zeros(len(residuals), dtype=bool)
    first, last = _span(history, used)
    return MeanReverting(tuple(fits), correlation, joint_n, shrinkage, first, last, (*findings, *more))


def _reversion(sample: Sample, x: Floats, correct_bias: bool) -> tuple[Reversion, list[Finding]]:
    """Least squares of x' on x over consecutive months; a random walk where that says nothing about a level."""
    both = ~np.isnan(x[:-1]) & ~np.isnan(x[1:])
    before, after = x[:-1][both], x[1:][both]
    n = len(before)
    deviation = before - before.mean()
    variance = float((deviation * deviation).mean())
    moved = variance >= FLAT_SPREAD
    fitted = float((deviation * (after - after.mean())).mean()) / variance if moved else float("nan")
    last_log = log(sample.last_price_fen / FEN_PER_YUAN)
    walk = Reversion(sample, 1.0, last_log, _root_mean(after - before, n), fitted)
    if not moved:
        return walk, [_no_level(sample.instrument, "价格没有变动", "its price did not move")]
    b = (n * fitted + 1) / (n - 3) if correct_bias else fitted  # fitted = b - (1 + 3b) / n, solved for b
    if b >= 1:
        return walk, [
            _no_level(
                sample.instrument,
                f"价格不回归某一水平 (b = {b:.3f}, 不小于 1)",
                f"no level to return to (b = {b:.3f}, not below 1)",
            )
        ]
    found = []
    if b < B_LEAST:
        name = sample.instrument
        zh, en = (
            f"{name}: 偏离在一个月内全部消失 (b = {b:.3f}); 按 {B_LEAST} 计",
            f"{name}: a deviation is gone within a month (b = {b:.3f}); taken as {B_LEAST}",
        )
        found.append(warning("reversion_fast", zh, en))
        b = B_LEAST
    theta = float((after.mean() - b * before.mean()) / (1 - b))
    width = float(np.ptp(before))
    if not before.min() - width <= theta <= before.max() + width:
        zh, en = (
            f"水平 {np.exp(theta):.2f} 元/吨远在历史之外",
            f"its level of {np.exp(theta):.2f} yuan/t is far outside",
        )
        return walk, [_no_level(sample.instrument, zh, en)]
    residual = after - before - (1 - b) * (theta - before)
    return Reversion(sample, b, theta, _root_mean(residual, n - 2), fitted), found


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


# ----------------------------------------------------------------------------------------------------- what both share


def _long_enough(history: PriceHistory) -> tuple[list[int], list[Finding]]:
    counts = np.count_nonzero(~np.isnan(history.log_returns), axis=0)
    columns = [k for k, n in enumerate(counts.tolist()) if n >= RETURNS_MIN]
    return columns, [_too_short(history.instruments[k], n) for k, n in enumerate(counts.tolist()) if n < RETURNS_MIN]


def _too_short(instrument: str, n: int, joint: bool = False) -> Finding:
    zh = f"{instrument} 只有 {n} 个{'与其他工具共有的' if joint else ''}月收益率, 至少要 {RETURNS_MIN} 个; 价格按不变计"
    en = f"{instrument} has {n} monthly returns{' together with the others' if joint else ''}, at least {RETURNS_MIN}"
    return warning("history_short", zh, f"{en} are needed; its price is taken as flat")


def _sample(history: PriceHistory, k: int) -> Sample:
    returns = history.log_returns[:, k]
    known = ~np.isnan(returns)
    first, last = _span(history, known)
    own = returns[known]
    name = history.instruments[k]
    spread = float(own.std(ddof=1))
    return Sample(name, len(own), first, last, history.last_price_fen(name), float(own.mean()), spread)


def _span(history: PriceHistory, used: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> tuple[date, date]:
    """First days of the first and last month of these returns; of the whole history where there are none."""
    at = np.flatnonzero(used)
    first, last = (at[0], at[-1] + 1) if len(at) else (0, len(history.months) - 1)
    days = history.months.astype("datetime64[M]").astype("datetime64[D]")
    return days[first].astype(object), days[last].astype(object)
