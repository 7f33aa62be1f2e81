"""What a calibration of prices rests on: which instruments have months enough, and what their returns were.

A model of prices is the business of `block_bootstrap` and `mean_reversion`.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

from market_data.price_statistics import PriceHistory
from optimizer.findings import Finding, warning
from optimizer.offers import Bools

RETURNS_MIN = 12
"""Monthly returns below which a history says nothing about a year: the instrument stays flat."""


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


def long_enough(history: PriceHistory) -> tuple[list[int], list[Finding]]:
    """Columns of the history with returns enough, and a finding for each of the others."""
    counts = np.count_nonzero(~np.isnan(history.log_returns), axis=0)
    columns = [k for k, n in enumerate(counts.tolist()) if n >= RETURNS_MIN]
    return columns, [too_short(history.instruments[k], n) for k, n in enumerate(counts.tolist()) if n < RETURNS_MIN]


def too_short(instrument: str, n: int, joint: bool = False) -> Finding:
    """The finding of an instrument that is left flat; `joint`: too few of its returns are shared with the others."""
    zh = f"{instrument} 只有 {n} 个{'与其他工具共有的' if joint else ''}月收益率, 至少要 {RETURNS_MIN} 个; 价格按不变计"
    en = f"{instrument} has {n} monthly returns{' together with the others' if joint else ''}, at least {RETURNS_MIN}"
    return warning("history_short", zh, f"{en} are needed; its price is taken as flat")


def sample_of(history: PriceHistory, k: int) -> Sample:
    """The sample of column k of a history."""
    returns = history.log_returns[:, k]
    known = ~np.isnan(returns)
    first, last = span_of(history, known)
    own = returns[known]
    name = history.instruments[k]
    spread = float(own.std(ddof=1))
    return Sample(name, len(own), first, last, history.last_price_fen(name), float(own.mean()), spread)


def span_of(history: PriceHistory, used: Bools) -> tuple[date, date]:
    """First days of the first and last month of these returns; of the whole history where there are none."""
    at = np.flatnonzero(used)
    first, last = (at[0], at[-1] + 1) if len(at) else (0, len(history.months) - 1)
    days = history.months.astype("datetime64[M]").astype("datetime64[D]")
    return days[first].astype(object), days[last].astype(object)
