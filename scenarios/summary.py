"""Many numbers in a few: quantiles, tail means and probabilities, each with what chance alone may have done to it.

A quantile Pq is the least value that at least the share q of the draws does not exceed: always a draw that happened.
Its error is told by the binomial method: the number of draws below the true quantile is binomial, so the order
statistics a standard deviation of that number away on either side bracket it, whatever the distribution (Conover 1999,
"Practical nonparametric statistics", 3.2). The tail mean (CVaR) is that of Rockafellar and Uryasev (2000).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil, floor, sqrt

import numpy as np

from optimizer.errors import BadInput
from optimizer.findings import fault
from optimizer.offers import Bools
from optimizer.plan import Json
from optimizer.program import Floats
from optimizer.quantities import FEN_PER_YUAN, KG_PER_T, tonnes, yuan
from optimizer.wording import Text

QUANTILES: Mapping[str, float] = {"P50": 0.5, "P80": 0.8, "P95": 0.95}
"""What every report tells: the middle, a usual planning level, and one bad case in twenty."""
TAIL = 0.95
"""CVaR is the mean of the dearest 5 % of draws."""
Z_95 = 1.959964
"""Standard deviations either side of a normal mean that hold 95 %."""
RANK_SLACK = 1e-9
"""A rank that rounding lifts above a whole number by less than this is that number (0.95 x 20 is 19)."""


type Spelling = Callable[[float], str]
"""A number as a decimal string of its unit."""


@dataclass(frozen=True)
class Estimate:
    """A number from draws, and how far another run of as many draws might have put it."""

    value: float
    standard_error: float
    low: float
    """Lower end of the 95 % interval."""
    high: float
    reached: bool = True
    """False: the draws are too few for the interval, which then ends at the least or the greatest draw."""

    def texts(self, text: Spelling) -> Json:
        """As decimal strings."""
        numbers = {"value": self.value, "standard_error": self.standard_error, "low": self.low, "high": self.high}
        return {name: text(number) for name, number in numbers.items()} | {"reached": self.reached}


@dataclass(frozen=True)
class Distribution:
    """Where the draws of one quantity lie."""

    n: int
    mean: Estimate
    deviation: float
    """Standard deviation."""
    least: float
    most: float
    quantiles: Mapping[str, Estimate]
    """P50, P80 and P95."""
    tail_mean: Estimate
    """CVaR: the mean of the dearest 5 %."""

    def measures(self) -> dict[str, Estimate]:
        """Every estimate by name, for tables."""
        return {"mean": self.mean, **self.quantiles, "CVaR95": self.tail_mean}


def distribution(values: Floats) -> Distribution:
    """The distribution of draws, shape (n,).

    Raises:
        BadInput: no draws.
    """
    _some(values)
    n, deviation = len(values), float(values.std(ddof=1)) if len(values) > 1 else 0.0
    mean, error = float(values.mean()), deviation / sqrt(n)
    return Distribution(
        n,
        Estimate(mean, error, mean - Z_95 * error, mean + Z_95 * error, n > 1),
        deviation,
        float(values.min()),
        float(values.max()),
        {name: quantile(values, share) for name, share in QUANTILES.items()},
        tail_mean(values, TAIL),
    )


def quantile(values: Floats, share: float) -> Estimate:
    """The least draw that at least this share of the draws does not exceed; share in (0, 1).

    Raises:
        BadInput: no draws.
    """
    _some(values)
    ordered, n = np.sort(values), len(values)
    rank, spread = n * share, sqrt(n * share * (1 - share))

    def at(place: float) -> float:
        return float(ordered[min(max(int(place), 1), n) - 1])

    below, above = at(floor(rank - spread)), at(ceil(rank + spread))
    least, most = floor(rank - Z_95 * spread), ceil(rank + Z_95 * spread)
    reached = least >= 1 and most <= n
    return Estimate(at(ceil(rank - RANK_SLACK)), (above - below) / 2, at(least), at(most), reached)


def tail_mean(values: Floats, share: float) -> Estimate:
    """CVaR: the mean of the dearest (1 - share) of the draws, the last one counted in part where that is no whole.

    = min over t of t + mean(max(0, values - t)) / (1 - share), attained at the quantile; its error is that of the mean.

    Raises:
        BadInput: no draws.
    """
    _some(values)
    level = quantile(values, share).value
    terms = level + np.maximum(values - level, 0.0) / (1 - share)
    value, n = float(terms.mean()), len(values)
    error = float(terms.std(ddof=1)) / sqrt(n) if n > 1 else 0.0
    # Fewer draws than one in the tail say nothing beyond the dearest of them.
    reached = n * (1 - share) >= 1
    return Estimate(value, error, value - Z_95 * error, value + Z_95 * error, reached)


def probability(happened: Bools) -> Estimate:
    """The share of draws in which something happened, with Wilson's (1927) 95 % interval, which holds at 0 and 1 too.

    Raises:
        BadInput: no draws.
    """
    _some(happened)
    n = len(happened)
    p = float(np.count_nonzero(happened)) / n
    z2 = Z_95 * Z_95
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z_95 / (1 + z2 / n) * sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return Estimate(p, sqrt(p * (1 - p) / n), max(0.0, centre - half), min(1.0, centre + half))


def _some(values: Floats | Bools) -> None:
    if len(values) == 0:
        raise BadInput([fault("no_draws", "至少应有一次抽样", "should have at least one draw", path="draws")])


def money_text(yuan_: float) -> str:
    """Yuan as a decimal string with two decimals."""
    return yuan(round(yuan_ * FEN_PER_YUAN))


def mass_text(t: float) -> str:
    """Tonnes as a decimal string with at most three decimals."""
    return tonnes(round(t * KG_PER_T))


def share_text(share: float) -> str:
    """A share as a decimal string with four decimals."""
    return f"{share:.4f}"


MEASURE_NAMES: Mapping[str, Text] = {
    "mean": Text("平均", "mean"),
    "P50": Text("P50 (一半情形不超过)", "P50 (half of the draws are below)"),
    "P80": Text("P80 (五分之四不超过)", "P80 (four in five are below)"),
    "P95": Text("P95 (二十分之十九不超过)", "P95 (nineteen in twenty are below)"),
    "CVaR95": Text("CVaR95 (最贵 5 % 的平均)", "CVaR95 (mean of the dearest 5 %)"),
}
