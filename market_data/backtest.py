"""Back-test of price models: how often the price that came lay inside the interval that was drawn before it came.

Rolling origin: at the end of each month before a held-out one the model is calibrated anew on what was known then, and
its intervals for 1, 3, 6, 12 months ahead are held against what happened. Nothing is tuned on the outcome.

    instrument       str
    horizon_months   int64
    level            float64        nominal share of the interval: 0.5, 0.8, 0.9, 0.95, between equal tails
    n                int64          prices that were forecast and came about
    inside           int64          of them inside the interval
    coverage         float64        inside / n, NaN where n is 0
    expected_low, expected_high   float64   where coverage lies in 95 % of cases if the model is right and forecasts are
                                            independent: quantiles of Binomial(n, level) / n
    consistent       bool           coverage within that range
    pinball_yuan     float64        mean pinball loss at `QUANTILES`, yuan/t, the same for all levels; smaller is better

Forecasts further ahead than a month overlap and share their surprises: their true range is wider than the printed one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from typing import NamedTuple

import numpy as np
import pandas as pd

from market_data.block_bootstrap import Drift
from market_data.draws import MONTHS_MAX, Spot, start_logs
from market_data.price_models import ModelKind, PriceModel, calibrate
from market_data.price_statistics import PriceHistory
from market_data.random_streams import DrawRange, Floats, draw_range
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.quantities import FEN_PER_YUAN
from optimizer.wording import INSTRUMENT_NAMES, Language, Text

LEVELS = (0.5, 0.8, 0.9, 0.95)
QUANTILES = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)
"""Ends of the intervals, and the median."""
HORIZONS = (1, 3, 6, 12)
BACKTEST_DRAWS = 2_000
"""Draws behind each interval: its ends are then off by about a hundredth of the share that they cut."""
RANGE_TAIL = 0.025
"""Each side of the range in which the coverage of a right model lies."""


class Forecast(NamedTuple):
    """One price that was forecast and came about."""

    instrument: str
    horizon_months: int
    origin: np.datetime64
    """The last month that was known."""
    quantiles_yuan: tuple[float, ...]
    """At `QUANTILES`, yuan/t."""
    came_yuan: float


@dataclass(frozen=True, eq=False)
class Backtest:
    """What came of the forecasts of one kind of model."""

    kind: str
    held_out_months: int
    forecasts: tuple[Forecast, ...]
    frame: pd.DataFrame
    """Columns stand at the head of this module."""
    refused: int
    """Prices that came about and were not forecast: the history before was too short, or the origin had no trades."""

    def say(self, lang: Language) -> str:
        """A line an instrument and horizon, with n and the range beside every coverage."""
        return "\n".join(text.say(lang) for text in _summary(self))


def backtest(
    history: PriceHistory,
    kind: ModelKind,
    held_out_months: int,
    horizons: Sequence[int] = HORIZONS,
    *,
    seed: int,
    draws: int = BACKTEST_DRAWS,
    block_months: int | None = None,
    drift: Drift = "removed",
    correct_bias: bool = True,
) -> Backtest:
    """Coverage and pinball loss of a kind of model on the last `held_out_months` months, at each horizon.

    Raises:
        BadInput: more held-out months than there are before the first is left, horizons or draws out of range.
    """
    wanted = draw_range(draws, seed)
    _check(history, held_out_months, horizons)
    size = len(history.months)
    forecasts: list[Forecast] = []
    refused = 0
    for known in range(size - held_out_months, size):
        past = history.until(known)
        model = calibrate(past, kind, block_months=block_months, drift=drift, correct_bias=correct_bias)
        ahead = [h for h in horizons if known + h <= size]
        own = _forecasts(model, history, known, ahead, wanted)
        forecasts += own
        came = [(history.price_fen[known + h - 1] > 0) & (past.price_fen > 0).any(axis=0) for h in ahead]
        refused += sum(int(np.count_nonzero(c)) for c in came) - len(own)
    frame = _coverage(history.instruments, horizons, forecasts)
    return Backtest(kind, held_out_months, tuple(forecasts), frame, refused)


def _check(history: PriceHistory, held_out_months: int, horizons: Sequence[int]) -> None:
    found: list[Finding] = []
    most = len(history.months) - 1
    if not 1 <= held_out_months <= most:
        zh, en = (
            f"应为 1 至 {most}: 历史有 {most + 1} 个月",
            f"should be from 1 to {most}: the history has {most + 1} months",
        )
        if most < 1:
            zh, en = "历史只有一个月, 无法回测", "cannot be tested: the history has a single month"
        found.append(fault("held_out", zh, en, path="held_out_months", value=held_out_months))
    if not horizons or not all(1 <= h <= MONTHS_MAX for h in horizons) or len(set(horizons)) < len(horizons):
        zh, en = f"应为 1 至 {MONTHS_MAX} 之间互不相同的月数", f"should be distinct months from 1 to {MONTHS_MAX}"
        found.append(fault("horizons", zh, en, path="horizons", value=list(horizons)))
    if found:
        raise BadInput(found)


def _forecasts(
    model: PriceModel, history: PriceHistory, known: int, ahead: Sequence[int], wanted: DrawRange
) -> list[Forecast]:
    """What the model, standing at the last known month, says about later months that came about."""
    if not ahead or not model.instruments:
        return []
    origin = history.months[known - 1]
    start = start_logs(model, Spot(origin.astype("datetime64[D]").astype(object)))
    paths = model.log_factors(start, max(ahead), wanted)
    found = []
    for k, name in enumerate(model.instruments):
        column = history.price_fen[:, history.instruments.index(name)]
        if column[known - 1] <= 0:
            continue  # no price at the origin: an older one would make the horizon longer than it says
        for h in ahead:
            came = int(column[known + h - 1])
            if came > 0:
                # To the fen, as prices are: an interval of no width must hold a price that did not move.
                ends = np.rint(np.exp(start[k] + np.quantile(paths[k, h - 1], QUANTILES)) * FEN_PER_YUAN)
                found.append(
                    Forecast(name, h, origin, tuple(e / FEN_PER_YUAN for e in ends.tolist()), came / FEN_PER_YUAN)
                )
    return found


def _coverage(instruments: Sequence[str], horizons: Sequence[int], forecasts: Sequence[Forecast]) -> pd.DataFrame:
    rows = []
    for name in instruments:
        for h in horizons:
            own = [f for f in forecasts if (f.instrument, f.horizon_months) == (name, h)]
            came = np.array([f.came_yuan for f in own])
            ends = np.array([f.quantiles_yuan for f in own]).reshape(len(own), len(QUANTILES))
            loss = float(pinball(ends, came).mean()) if own else float("nan")
            rows += [(name, h, level, *_inside(ends, came, level), loss) for level in LEVELS]
    names = ("instrument", "horizon_months", "level", "n", "inside", "coverage")
    return pd.DataFrame(rows, columns=[*names, "expected_low", "expected_high", "consistent", "pinball_yuan"])


def _inside(ends: Floats, came: Floats, level: float) -> tuple[int, int, float, float, float, bool]:
    """n, inside, coverage, the range of a right model, and whether the coverage is in it."""
    low, high = (int(np.argmin(np.abs(np.array(QUANTILES) - share))) for share in ((1 - level) / 2, (1 + level) / 2))
    n, inside = len(came), int(np.count_nonzero((ends[:, low] <= came) & (came <= ends[:, high])))
    if not n:
        return 0, 0, float("nan"), float("nan"), float("nan"), False
    least, most = binomial_range(n, level)
    return n, inside, inside / n, least / n, most / n, least <= inside <= most


def pinball(quantiles: Floats, came: Floats) -> Floats:
    """Pinball loss (Koenker and Bassett 1978) of forecasts (n, q) at `QUANTILES` against what came (n,), shape (n, q).

    share x (came - quantile) where it came above, (1 - share) x (quantile - came) where below.
    """
    shares = np.array(QUANTILES)
    over = came[:, None] - quantiles
    found: Floats = np.maximum(shares * over, (shares - 1) * over)
    return found


def binomial_range(n: int, level: float) -> tuple[int, int]:
    """The counts between which Binomial(n, level) lies in 95 % of cases: its 2.5 % and 97.5 % quantiles."""
    chances = np.cumsum([comb(n, k) * level**k * (1 - level) ** (n - k) for k in range(n + 1)])
    least = int(np.searchsorted(chances, RANGE_TAIL))
    return least, min(int(np.searchsorted(chances, 1 - RANGE_TAIL)), n)


def _summary(test: Backtest) -> list[Text]:
    last = test.forecasts[-1].origin if test.forecasts else "-"
    first = test.forecasts[0].origin if test.forecasts else "-"
    lines = [
        Text(
            f"模型 {test.kind}: 留出 {test.held_out_months} 个月, 起点 {first} 至 {last}, "
            f"预测 {len(test.forecasts)} 次, 因此前历史过短或当月无成交而未预测 {test.refused} 次",
            f"model {test.kind}: {test.held_out_months} months held out, origins {first} to {last}, "
            f"{len(test.forecasts)} forecasts, {test.refused} not made because the history was too short or "
            "the month had no trades",
        )
    ]
    for (name, horizon), rows in test.frame.groupby(["instrument", "horizon_months"], sort=False):
        n, loss = int(rows["n"].iloc[0]), float(rows["pinball_yuan"].iloc[0])
        label = INSTRUMENT_NAMES[str(name)]
        if not n:
            lines.append(Text(f"{label.zh}, {horizon} 个月: 没有预测", f"{label.en}, {horizon} months: no forecasts"))
            continue
        parts = [
            f"{r.level:.0%}: {r.coverage:.0%} ({r.expected_low:.0%}..{r.expected_high:.0%})" for r in rows.itertuples()
        ]
        shown = "; ".join(parts)
        lines.append(
            Text(
                f"{label.zh}, {horizon} 个月: n = {n}, 覆盖率 (模型正确时的范围) {shown}; 分位损失 {loss:.2f} 元/吨",
                f"{label.en}, {horizon} months: n = {n}, coverage (range of a right model) {shown}; "
                f"pinball loss {loss:.2f} yuan/t",
            )
        )
    return lines
