"""Block bootstrap of prices: the months that were, in blocks, shuffled.

Nothing is assumed about the shape of returns, and no price level pulls; `drift` says what becomes of their mean.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np

from market_data.price_samples import RETURNS_MIN, Sample, long_enough, sample_of, span_of, too_short
from market_data.price_statistics import PriceHistory
from market_data.random_streams import DrawRange, Floats, integers
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault, warning
from optimizer.offers import Bools

type Drift = Literal["kept", "removed"]


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
    drift: Drift
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


def default_block_months(n: int) -> int:
    """The least whole number whose cube is n or more: 17 months -> 3, 61 -> 4."""
    return next(length for length in range(1, n + 2) if length**3 >= n)


def block_bootstrap(history: PriceHistory, block_months: int | None, drift: Drift) -> BlockBootstrap:
    """The bootstrap of a history's joint months; blocks of `default_block_months` where none are given.

    Raises BadInput for blocks longer than the sample.
    """
    returns = history.log_returns
    columns, findings = long_enough(history)
    while columns and _joint(returns, columns).sum() < RETURNS_MIN:
        # The shortest history goes first: it is what keeps the joint sample short.
        shortest = min(columns, key=lambda k: (np.count_nonzero(~np.isnan(returns[:, k])), -k))
        findings.append(too_short(history.instruments[shortest], int(_joint(returns, columns).sum()), joint=True))
        columns.remove(shortest)
    joint = _joint(returns, columns) if columns else np.zeros(len(returns), dtype=bool)
    samples = tuple(sample_of(history, k) for k in columns)
    findings += [_unused(s, int(joint.sum())) for s in samples if s.n > joint.sum()]
    rows = returns[joint][:, columns]
    n = len(rows)
    length = default_block_months(n) if block_months is None else block_months
    if not 1 <= length <= max(n, 1):
        zh, en = f"应为 1 至 {n} 个月", f"should be from 1 to {n} months"
        raise BadInput([fault("block_months", zh, en, path="block_months", value=length)])
    if drift == "removed" and n:
        rows = rows - rows.mean(axis=0)
    first, last = span_of(history, joint)
    return BlockBootstrap(samples, rows, first, last, length, drift, tuple(findings))


def _joint(returns: Floats, columns: list[int]) -> Bools:
    found: Bools = ~np.isnan(returns[:, columns]).any(axis=1)
    return found


def _unused(sample: Sample, joint: int) -> Finding:
    zh = f"{sample.instrument} 有 {sample.n} 个月收益率, 自助法只用各工具共有的 {joint} 个月"
    en = (
        f"{sample.instrument} has {sample.n} monthly returns; the bootstrap uses the {joint} that all instruments share"
    )
    return warning("history_unused", zh, en)
