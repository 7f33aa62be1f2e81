"""What series tell: returns, volatility, correlation, the CCER premium, and the joint monthly history that models need.

Statistics are floats, each with the number of periods behind it; differences of prices stay exact fen. A return is
taken between two consecutive periods that both had trades: across a gap there is none, and a filled price makes none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from market_data.history import Series, Trading, resample, series_of
from market_data.quotes import UNKNOWN, Quotes
from market_data.random_streams import Floats
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.offers import INSTRUMENTS, Ints
from optimizer.quantities import FEN_PER_YUAN

PERIODS_A_YEAR = {"D": 242, "W": 52, "M": 12, "Q": 4, "Y": 1}
"""Periods with trading in a year; 242 is what is left of 365 days after weekends and China's public holidays."""
DEFAULT_MARKETS: Mapping[str, str] = {"allowance": "CEA", "ccer": "CCER"}
"""Whose prices stand for an instrument where several markets trade it: the national ones."""
LEAST_RETURNS = 2
"""A spread needs two."""


class Volatility(NamedTuple):
    """Standard deviation of log returns (n - 1 in the denominator), NaN where n is below 2."""

    n: int
    """Returns behind it."""
    per_period: float
    annualised: float
    """Times the square root of the periods in a year: right only where returns do not depend on one another."""


class Correlations(NamedTuple):
    """Correlation of log returns on the periods that both series have, and how many those are."""

    matrix: pd.DataFrame
    """float64, a row and a column a series; NaN where n is below 2 or a series did not move."""
    n: pd.DataFrame
    """int64, the same shape."""


@dataclass(frozen=True, eq=False)
class Premium:
    """Price of CCER minus price of allowances, by period.

    start         datetime64[s]
    ccer_fen, allowance_fen, premium_fen   Int64   fen/t; <NA> in a gap of either, the premium in a gap of any
    ccer_days, allowance_days              int64   days with trades behind the price
    gap           bool           no premium in this period
    """

    frame: pd.DataFrame
    n: int
    """Periods with a premium."""


@dataclass(frozen=True, eq=False)
class PriceHistory:
    """Joint monthly prices: `months` (n,) consecutive, `price_fen` (n, m) with -1 in a gap, m = len(instruments)."""

    instruments: tuple[str, ...]
    """In the order of `INSTRUMENTS`."""
    months: NDArray[np.datetime64]
    price_fen: Ints
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        order = tuple(i for i in INSTRUMENTS if i in self.instruments)
        steps = np.diff(self.months.astype("datetime64[M]").astype(np.int64))
        sound = order == self.instruments and self.price_fen.shape == (len(self.months), len(order))
        if not sound or not bool(np.all(steps == 1)):
            zh = "历史应按规定次序列出工具, 月份连续, 价格为 (月, 工具)"
            en = (
                "a history should list instruments in their order, consecutive months, and prices (months, instruments)"
            )
            raise BadInput([fault("history_shape", zh, en)])

    @property
    def log_prices(self) -> Floats:
        """Natural logarithm of yuan/t, (n, m), NaN in a gap."""
        known = self.price_fen > 0
        return np.where(known, np.log(np.where(known, self.price_fen, 1) / FEN_PER_YUAN), np.nan)

    @property
    def log_returns(self) -> Floats:
        """Of consecutive months, (n - 1, m), NaN where either month is a gap."""
        found: Floats = np.diff(self.log_prices, axis=0)
        return found

    def until(self, months: int) -> "PriceHistory":
        """What was known after the first `months` months."""
        return PriceHistory(self.instruments, self.months[:months], self.price_fen[:months], self.findings)

    def last_price_fen(self, instrument: str) -> int:
        """The last price that came about, -1 where there is none."""
        column = self.price_fen[:, self.instruments.index(instrument)]
        return int(column[column > 0][-1]) if bool((column > 0).any()) else UNKNOWN

    def frame(self) -> pd.DataFrame:
        """Months as datetime64[s] in `month`, then a column an instrument: fen/t, Int64, <NA> in a gap."""
        columns = {
            name: pd.arrays.IntegerArray(self.price_fen[:, k].copy(), self.price_fen[:, k] < 0)
            for k, name in enumerate(self.instruments)
        }
        return pd.DataFrame({"month": self.months.astype("datetime64[s]"), **columns})


def log_returns(series: Series) -> pd.DataFrame:
    """`start` (datetime64[s]) and `log_return` (float64): ln of this period's price over that of the one before.

    NaN where either is a gap.
    """
    frame = series.frame
    known = (~frame["gap"]).to_numpy()
    price = np.where(known, series.prices, 1).astype(np.float64)
    logs = np.where(known, np.log(price), np.nan)
    returns = np.diff(logs, prepend=np.nan) if len(logs) else logs
    return pd.DataFrame({"start": frame["start"], "log_return": returns})


def volatility(series: Series) -> Volatility:
    """Spread of the log returns of a series, per period and per year, with their number."""
    returns = log_returns(series)["log_return"].dropna().to_numpy()
    spread = float(returns.std(ddof=1)) if len(returns) >= LEAST_RETURNS else float("nan")
    return Volatility(len(returns), spread, spread * PERIODS_A_YEAR[series.frequency] ** 0.5)


def correlation(series: Sequence[Series]) -> Correlations:
    """Correlation matrix of log returns, each pair on the periods that both have, with n for each pair.

    Raises:
        BadInput: series of different frequency.
    """
    _same_frequency(series)
    names = [" ".join(str(part) for part in s.key if part) for s in series]
    returns = [log_returns(s).set_index("start")["log_return"] for s in series]
    table = pd.concat(returns, axis=1, keys=range(len(series))).to_numpy() if series else np.zeros((0, 0))
    size = len(series)
    matrix, counts = np.full((size, size), np.nan), np.zeros((size, size), dtype=np.int64)
    for i in range(size):
        for j in range(size):
            matrix[i, j], counts[i, j] = pair_correlation(table[:, i], table[:, j])
    return Correlations(pd.DataFrame(matrix, names, names), pd.DataFrame(counts, names, names))


def pair_correlation(first: Floats, second: Floats) -> tuple[float, int]:
    """Correlation of two columns on the rows that both have, NaN where it has no meaning; and the number of rows."""
    joint = ~np.isnan(first) & ~np.isnan(second)
    n = int(np.count_nonzero(joint))
    a, b = first[joint], second[joint]
    if n < LEAST_RETURNS or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan"), n
    a, b = a - a.mean(), b - b.mean()
    return float(np.clip((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()), -1, 1)), n


def premium(ccer: Series, allowance: Series) -> Premium:
    """CCER price minus allowance price by period, exact fen, with the number of periods that have both.

    Raises:
        BadInput: series of different frequency.
    """
    _same_frequency((ccer, allowance))
    sides = []
    for name, series in (("ccer", ccer), ("allowance", allowance)):
        own = series.frame[["start", "price_fen", "traded_days", "gap"]]
        own = own.assign(price_fen=own["price_fen"].mask(own["gap"])).drop(columns="gap")
        sides.append(own.rename(columns={"price_fen": f"{name}_fen", "traded_days": f"{name}_days"}))
    frame = sides[0].merge(sides[1], on="start", how="outer").sort_values("start", ignore_index=True)
    days = {name: frame[name].fillna(0).astype(np.int64) for name in ("ccer_days", "allowance_days")}
    difference = frame["ccer_fen"] - frame["allowance_fen"]
    frame = frame.assign(premium_fen=difference, gap=difference.isna().astype(bool), **days)
    order = ["start", "ccer_fen", "allowance_fen", "premium_fen", "ccer_days", "allowance_days", "gap"]
    return Premium(frame[order], int((~frame["gap"]).sum()))


def price_history(
    quotes: Quotes, markets: Mapping[str, str] | None = None, *, method: Trading = "all", until: date | None = None
) -> PriceHistory:
    """Joint monthly mean prices of every instrument that has quotes, up to and with the day `until`.

    `markets` names the market that stands for an instrument (default: `DEFAULT_MARKETS`, else the only one there is).

    Raises:
        BadInput: no prices; an instrument that several markets trade and none was named; all of these at once.
    """
    known = quotes if until is None else quotes.take(quotes.day <= np.datetime64(until, "D"))
    chosen, findings = _one_market_each(known, {**DEFAULT_MARKETS, **(markets or {})})
    monthly = [resample(s, "M") for s in series_of(chosen, "instrument", method)]
    monthly = sorted((s for s in monthly if s.frame["traded_days"].any()), key=lambda s: INSTRUMENTS.index(s.key[0]))
    if not monthly:
        zh, en = "行情中没有成交价", "the quotes hold no price of a trade"
        findings.append(fault("history_none", zh, en))
    if findings:
        raise BadInput(findings)
    starts = [s.frame.loc[~s.frame["gap"], "start"].to_numpy().astype("datetime64[M]") for s in monthly]
    months = np.arange(min(s[0] for s in starts), max(s[-1] for s in starts) + np.timedelta64(1, "M"))
    prices = np.full((len(months), len(monthly)), UNKNOWN, dtype=np.int64)
    for k, series in enumerate(monthly):
        at = (series.frame["start"].to_numpy().astype("datetime64[M]") - months[0]).astype(np.int64)
        inside = (at >= 0) & (at < len(months))
        prices[at[inside], k] = series.prices[inside]
    said = tuple(f for s in monthly for f in s.findings)
    return PriceHistory(tuple(s.key.instrument for s in monthly), months, prices, tuple(dict.fromkeys(said)))


def _one_market_each(quotes: Quotes, markets: Mapping[str, str]) -> tuple[Quotes, list[Finding]]:
    wanted, findings = np.zeros(len(quotes), dtype=bool), []
    for instrument in INSTRUMENTS:
        own = quotes.instrument.isin([instrument])
        there = sorted({(*quotes.mechanism.names, "")[c] for c in np.unique(quotes.mechanism.codes[own]).tolist()})
        market = markets.get(instrument, "")
        if len(there) > 1 and market not in there:
            listed = ", ".join(there)
            zh, en = f"有几个市场的行情 ({listed}); 请指明其一", f"several markets have quotes ({listed}): name one"
            findings.append(fault("market_several", zh, en, path="markets", value=instrument))
        elif there:
            chosen = market if market in there else there[0]
            wanted |= own & (quotes.mechanism.isin([chosen]) if chosen else quotes.mechanism.blank)
    return quotes.take(wanted), findings


def _same_frequency(series: Sequence[Series]) -> None:
    if len({s.frequency for s in series}) > 1:
        listed = ", ".join(s.frequency for s in series)
        zh, en = "序列的频率应相同", "the series should have one frequency"
        raise BadInput([fault("frequency", zh, en, value=listed)])
