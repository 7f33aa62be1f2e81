"""Seeded joint draws of what is not known: prices, whether an offer holds, forestry yield, emissions.

Draw k is draw k whatever else is asked: the number of draws, the chunk of them (`first`), which instruments, offers,
events or dates, and in which order (`random_streams`). So two variants of a plan meet the same futures, and a sweep may
be cut into chunks on any number of machines. Each kind of unknown has streams of its own: more of one moves no other.

Here lives what one draw means. How many draws make a picture of risk: `scenarios`.
"""

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from math import log1p
from typing import NamedTuple

import numpy as np

from market_data.price_models import PriceModel
from market_data.random_streams import Floats, draw_range, normal_share, normals, uniforms, words
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.offers import INSTRUMENTS, Bools, Ints, Offers
from optimizer.quantities import E4, FEN_PER_YUAN

MONTHS_MAX = 240
"""Months ahead that prices are drawn for: new forestry has six years after an event, and no model sees twenty."""


class Spot(NamedTuple):
    """Today: the day, and what instruments cost on it. Without a price the history's last one counts."""

    as_of: date
    price_fen: Mapping[str, int] = {}
    """Instrument -> fen/t."""


# -------------------------------------------------------------------------------------------------------------- prices


def prices(
    model: PriceModel,
    spot: Spot,
    dates: Sequence[date],
    draws: int,
    seed: int,
    *,
    first: int = 0,
    instruments: Sequence[str] | None = None,
) -> Floats:
    """Factors on today's prices, shape (draws, dates, instruments); all above 0.

    Prices move in monthly steps from `spot.as_of`: a date n whole months later has the factor of step n, a date in the
    first month or before has exactly 1. `instruments` defaults to the model's; one that the model does not move is 1.

    Raises:
        BadInput: an unknown instrument, a date beyond 240 months, a price of 0, bad numbers of draws; all at once.
    """
    names = model.instruments if instruments is None else tuple(instruments)
    steps = [months_between(spot.as_of, day) for day in dates]
    _check_prices(spot, names, dates, steps)
    wanted = draw_range(draws, seed, first)
    horizon = max([0, *steps])
    paths = model.log_factors(start_logs(model, spot), horizon, wanted)
    factors = np.ones((wanted.size, len(dates), len(names)))
    for place, name in enumerate(names):
        if name in model.instruments:
            path = np.exp(paths[model.instruments.index(name)])
            for d, step in enumerate(steps):
                if step > 0:
                    factors[:, d, place] = path[step - 1]
    return factors


def start_logs(model: PriceModel, spot: Spot) -> Floats:
    """ln of today's prices in yuan/t, in the order of the model's instruments."""
    fen = [spot.price_fen.get(s.instrument, s.last_price_fen) for s in model.samples]
    return np.log(np.array(fen, dtype=np.float64) / FEN_PER_YUAN)


def months_between(start: date, day: date) -> int:
    """Whole months from `start` to `day`, below 0 before it.

    From a 31st, the month is full on the last day of a shorter month.
    """
    months = (day.year - start.year) * 12 + day.month - start.month
    full = day.day >= min(start.day, monthrange(day.year, day.month)[1])
    return months if full else months - 1


def month_later(start: date, months: int) -> date:
    """The same day of the month so many months later, or that month's last day where it is shorter."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


def _check_prices(spot: Spot, names: Sequence[str], dates: Sequence[date], steps: Sequence[int]) -> None:
    found = [_unknown_instrument(name) for name in (*names, *spot.price_fen) if name not in INSTRUMENTS]
    for name, fen in spot.price_fen.items():
        if fen <= 0:
            zh, en = f"{name} 今日价格应大于 0", f"today's price of {name} should be above 0"
            found.append(fault("spot_price", zh, en, path="spot", value=fen))
    for day, step in zip(dates, steps, strict=True):
        if step > MONTHS_MAX:
            zh, en = f"应在 {MONTHS_MAX} 个月之内", f"should be within {MONTHS_MAX} months"
            found.append(fault("date_far", zh, en, path="dates", value=day))
    if found:
        raise BadInput(found)


def _unknown_instrument(name: str) -> Finding:
    listed = ", ".join(INSTRUMENTS)
    zh, en = f"应为以下之一: {listed}", f"should be one of: {listed}"
    return fault("instrument", zh, en, path="instruments", value=name)


# -------------------------------------------------------------------------------------------------------- availability


class FallThrough(NamedTuple):
    """Probability that an offer cannot be had when it is asked for, ten-thousandths."""

    firm_e4: int
    indicative_e4: int


DEFAULT_CHANCES = FallThrough(200, 2000)
"""Assumptions, to be replaced by the user's own experience; no published statistics are known.

A firm offer is a promise that is rarely broken (2 %), an indicative price is an invitation to talk (20 %).
"""


@dataclass(frozen=True)
class FallThroughRule:
    """How probable it is that an offer falls through: by whether it is firm, and by instrument where that is given."""

    otherwise: FallThrough = DEFAULT_CHANCES
    by_instrument: Mapping[str, FallThrough] = field(default_factory=dict)

    def __post_init__(self) -> None:
        found = [_unknown_instrument(name) for name in self.by_instrument if name not in INSTRUMENTS]
        for chance in (self.otherwise, *self.by_instrument.values()):
            for value in chance:
                if not 0 <= value <= E4:
                    zh, en = (
                        "概率应在 0 与 1 之间 (万分之 0 至 10000)",
                        "a probability should be from 0 to 1 (0 to 10000 e4)",
                    )
                    found.append(fault("probability", zh, en, value=value))
            if chance.indicative_e4 < chance.firm_e4:
                zh, en = (
                    "意向报价落空的概率不应低于确定报价",
                    "an indicative offer should not hold better than a firm one",
                )
                found.append(fault("probability_order", zh, en, value=f"{chance.firm_e4} > {chance.indicative_e4}"))
        if found:
            raise BadInput(found)

    def probabilities_e4(self, offers: Offers) -> Ints:
        """One an offer, ten-thousandths, shape (n,)."""
        table = [self.by_instrument.get(name, self.otherwise) for name in offers.instrument.names]
        firm = offers.instrument.lookup([t.firm_e4 for t in table], self.otherwise.firm_e4)
        indicative = offers.instrument.lookup([t.indicative_e4 for t in table], self.otherwise.indicative_e4)
        chosen: Ints = np.where(offers.firm, firm, indicative).astype(np.int64)
        return chosen


DEFAULT_RULE = FallThroughRule()


def availability(offers: Offers, rule: FallThroughRule, draws: int, seed: int, *, first: int = 0) -> Bools:
    """True where an offer can be had in a draw, shape (draws, offers), in the order of `offers`.

    Each offer falls through on its own, keyed by its offer_id; a higher probability only takes offers away from draws,
    never gives one back.

    Raises:
        BadInput: bad numbers of draws.
    """
    wanted = draw_range(draws, seed, first)
    there = np.empty((len(offers), wanted.size), dtype=bool)
    chances = rule.probabilities_e4(offers).tolist()
    for i, (offer_id, chance) in enumerate(zip(offers.offer_id.tolist(), chances, strict=True)):
        if chance in (0, E4):
            there[i] = chance == 0
        else:
            # Words at or above chance x 2^64: exact, without floats.
            np.greater_equal(words(wanted, "availability", offer_id), np.uint64(chance * 2**64 // E4), out=there[i])
    return there.T


# ------------------------------------------------------------------------------------------------------ forestry yield


class YieldItem(NamedTuple):
    """A forestry project or offer, and the region whose weather it shares."""

    item_id: str
    region: str = ""


class YieldRange(NamedTuple):
    """Factors on the stated yield: a triangle from low over its mode to high."""

    low: float
    mode: float
    high: float


RHO_DEFAULT = 0.5
"""Share of the variance that a region's weather makes: an assumption; neighbouring stands share rain and pests."""
CV_MAX = 2.0
"""Coefficient of variation above which a yield is no estimate any more."""


def forestry_yield(
    items: Sequence[YieldItem],
    spread: float | YieldRange,
    draws: int,
    seed: int,
    *,
    rho: float = RHO_DEFAULT,
    first: int = 0,
) -> Floats:
    """Factors on the stated yield, shape (draws, items), above 0 (a triangle may begin at 0).

    `spread` is a coefficient of variation (lognormal with mean 1) or a triangle. Items of one region share its weather:
    the normal scores behind their factors have correlation `rho`, those of different regions 0.

    Raises:
        BadInput: a spread or `rho` out of range, bad numbers of draws.
    """
    _check_spread(spread, rho)
    wanted = draw_range(draws, seed, first)
    factors = np.empty((len(items), wanted.size))
    weather: dict[str, Floats] = {}
    for i, item in enumerate(items):
        if item.region not in weather:
            weather[item.region] = normals(wanted, "forestry weather", item.region)
        own = normals(wanted, "forestry yield", item.item_id)
        factors[i] = _yield_factor(rho**0.5 * weather[item.region] + (1 - rho) ** 0.5 * own, spread)
    return factors.T


def _yield_factor(score: Floats, spread: float | YieldRange) -> Floats:
    if isinstance(spread, YieldRange):
        return triangle(normal_share(score), *spread)
    variance = log1p(spread * spread)
    found: Floats = np.exp(variance**0.5 * score - variance / 2)
    return found


def _check_spread(spread: float | YieldRange, rho: float) -> None:
    found = []
    if not 0 <= rho <= 1:
        found.append(fault("rho", "应在 0 与 1 之间", "should be from 0 to 1", path="rho", value=rho))
    if isinstance(spread, YieldRange):
        if not 0 <= spread.low <= spread.mode <= spread.high < float("inf") or spread.high == 0:
            zh, en = "应有 0 <= low <= mode <= high, 且 high 大于 0", "should be 0 <= low <= mode <= high, high above 0"
            found.append(fault("yield_range", zh, en, path="spread", value=tuple(spread)))
    elif not 0 <= spread <= CV_MAX:
        zh, en = f"变异系数应在 0 与 {CV_MAX} 之间", f"a coefficient of variation should be from 0 to {CV_MAX}"
        found.append(fault("yield_cv", zh, en, path="spread", value=spread))
    if found:
        raise BadInput(found)


def triangle(shares: Floats, low: float, mode: float, high: float) -> Floats:
    """The inverse of a triangular distribution: the value below which a share lies, within [low, high]."""
    width = high - low
    if width == 0:
        return np.full(len(shares), float(mode))
    rising = low + np.sqrt(shares * width * (mode - low))
    falling = high - np.sqrt((1 - shares) * width * (high - mode))
    found: Floats = np.clip(np.where(shares * width < mode - low, rising, falling), low, high)
    return found


# ----------------------------------------------------------------------------------------------------------- emissions


def emissions(
    event_id: str,
    emitted_kg: int,
    low_kg: int | None,
    high_kg: int | None,
    draws: int,
    seed: int,
    *,
    first: int = 0,
) -> Ints:
    """What an event emits, kg, shape (draws,): a triangle with its mode at the estimate, low and high as hard bounds.

    Without a bound the estimate is the bound; without both (verified emissions) every draw is the estimate. The mean of
    a triangle is (low + mode + high) / 3: above the estimate where the range is wider above it.

    Raises:
        BadInput: bounds on the wrong side of the estimate, bad numbers of draws.
    """
    low, high = (emitted_kg if bound is None else bound for bound in (low_kg, high_kg))
    if not 0 <= low <= emitted_kg <= high:
        zh, en = "应有 0 <= low <= 排放量 <= high", "should be 0 <= low <= emissions <= high"
        raise BadInput([fault("range_order", zh, en, path=event_id, value=f"{low} {emitted_kg} {high} kg")])
    wanted = draw_range(draws, seed, first)
    if low == high:
        return np.full(wanted.size, emitted_kg, dtype=np.int64)
    drawn = triangle(uniforms(wanted, "emissions", event_id), low, emitted_kg, high)
    found: Ints = np.rint(drawn).astype(np.int64)
    return found
