"""Prices and quantities far from their own kind: outliers against history or the rest of the market, mixed-up units.

Doubts only; what becomes of a doubted offer is decided in `screening`. Statistics are floats of logarithms; no money.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market_data import known_facts as facts
from market_data.lot_doubts import market_of, numbered
from market_data.number_doubts import old_ccer
from market_data.quality import Doubt
from market_data.quotes import Quotes
from optimizer.offers import Bools, Labels, Offers
from optimizer.quantities import FEN_PER_YUAN, tonnes, yuan
from optimizer.wording import Text

type Floats = NDArray[np.float64]
type Codes = NDArray[np.int64]

TRADED_DAYS = 90
"""Newest days with trade that make the centre of a history: about four months of working days."""
HISTORY_DAYS_MIN = 20
"""Days with trade below which a history has no centre: one month."""
PEERS_MIN = 20
"""Offers of one instrument and market below which they have no centre."""
SIGMA_OF_MAD = 1.4826
"""Median absolute deviations to a standard deviation, for a normal distribution."""

MIXED_MIN = 8
"""Offers of one seller and instrument below which they show no unit of their own."""
MIXED_SIGMAS = 6
"""Standard deviations (of logarithms) that a factor must lie out, so that the seller's own spread cannot explain it."""
MIXED_SIGMA_MIN = 0.05
"""Least standard deviation assumed (decimal logarithm): 12 %, so that equal prices are not infinitely sure."""
MIXED_TOLERANCE = 0.15
"""Most decimal logarithm by which a ratio may miss its factor: 1.4 times, so that "about 15 times" is 11 to 21."""


@dataclass(frozen=True)
class Centre:
    """Median and robust standard deviation of the natural logarithm of prices (fen per t), and where they are from."""

    median: Floats
    sigma: Floats
    count: Codes
    source: Codes
    """0 nothing, 1 the other offers, 2 a history by market, 3 a history by market and vintage."""


def outliers(offers: Offers, history: Quotes | None, mads: float, factor: float) -> Doubt:
    """Prices more than `mads` robust deviations and more than `factor` times off the centre of their kind.

    The centre is the median over the last `TRADED_DAYS` days with trade of the same market and vintage, else of the
    market, else (no history, or fewer than `HISTORY_DAYS_MIN` days) of the offers of the same instrument and market, if
    there are `PEERS_MIN`. New forestry has no market price: its bounds are those of published forests.
    """
    priced = offers.price_fen > 0
    forest = offers.instrument.isin(("forestry",))
    logs = np.log(np.maximum(offers.price_fen, 1))
    centre = _centre(offers, logs, priced & ~forest, history)
    off = np.abs(logs - centre.median)
    rows = priced & ~forest & (centre.source > 0) & (off > np.maximum(mads * centre.sigma, np.log(factor)))
    least, most = facts.FORESTRY_YUAN_MIN * FEN_PER_YUAN, facts.FORESTRY_YUAN_MAX * FEN_PER_YUAN
    rows |= forest & priced & ((offers.price_fen < least) | (offers.price_fen > most))

    def words(index: int) -> Text:
        if forest[index]:
            return Text(
                f"元/吨, 已公布的新建林业约在 {facts.FORESTRY_YUAN_MIN} 至 {facts.FORESTRY_YUAN_MAX} 元/吨之间; "
                "请核对是否误填每亩价格",
                f"yuan/t, where published forests cost {facts.FORESTRY_YUAN_MIN} to {facts.FORESTRY_YUAN_MAX}; "
                "is it a price per mu?",
            )
        middle = yuan(round(float(np.exp(centre.median[index]))))
        times = f"{float(np.exp(logs[index] - centre.median[index])):.2g}"
        zh, en = _SOURCES[int(centre.source[index])]
        n = int(centre.count[index])
        return Text(
            f"元/吨, 是{zh.format(n=n)}中位价 {middle} 元/吨的 {times} 倍; 请核对",
            f"yuan/t is {times} times the median {middle} of {en.format(n=n)}; please check",
        )

    return Doubt("outlier", "price", rows, words)


_SOURCES = {
    1: ("同类 {n} 条报价", "the {n} offers of its kind"),
    2: ("该市场最近 {n} 个成交日", "its market's last {n} days with trade"),
    3: ("该市场该年度最近 {n} 个成交日", "its market and vintage's last {n} days with trade"),
}


def _centre(offers: Offers, logs: Floats, rows: Bools, history: Quotes | None) -> Centre:
    kind = _kinds_apart(offers)
    n = len(offers)
    centre = Centre(np.zeros(n), np.zeros(n), np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64))
    groups = kind.codes[rows].astype(np.int64)
    median, sigma, count = _robust(logs[rows], groups, len(kind.names))
    peers = rows & (count[kind.codes] >= PEERS_MIN)
    _put(centre, peers, 1, median[kind.codes], sigma[kind.codes], count[kind.codes])
    if history is None or not len(history):
        return centre
    traded = _traded_prices(history)
    for source, by_vintage in ((2, False), (3, True)):
        keys, own = _history_groups(traded, by_vintage)
        known = _history_centres(traded, keys, len(own))
        which = _which(offers, kind, own, by_vintage)
        there = rows & (which >= 0)
        there[there] = known[2][which[there]] >= HISTORY_DAYS_MIN
        _put(centre, there, source, known[0][which], known[1][which], known[2][which])
    return centre


def _put(centre: Centre, rows: Bools, source: int, median: Floats, sigma: Floats, count: Codes) -> None:
    centre.median[rows], centre.sigma[rows], centre.count[rows] = median[rows], sigma[rows], count[rows]
    centre.source[rows] = source


def _kinds_apart(offers: Offers) -> Labels:
    """Kinds of offers; CCER of the old scheme is one of its own, which no quote of today prices."""
    kind = _kinds(offers)
    return Labels(np.where(old_ccer(offers), np.int32(len(kind.names)), kind.codes), (*kind.names, "ccer, old scheme"))


def _kinds(table: Any) -> Labels:
    """Instrument and market as one label a row; the market of an allowance by any of its names."""
    mechanisms = (*table.mechanism.names, "")
    mixed = table.instrument.codes.astype(np.int64) * len(mechanisms) + table.mechanism.codes % len(mechanisms)
    values, codes = numbered(mixed)
    names = []
    for value in values.tolist():
        instrument, mechanism = divmod(value, len(mechanisms))
        kind, name = table.instrument.names[instrument], mechanisms[mechanism]
        names.append(f"{kind} {market_of(name) if kind == 'allowance' else name or kind.upper()}")
    one = Labels.of(names)
    return Labels(one.codes[codes], one.names)


def _traded_prices(history: Quotes) -> Quotes:
    """Quotes of single codes with volume and a price, which is put into average_fen (else the close)."""
    price = np.where(history.average_fen > 0, history.average_fen, history.close_fen)
    rows = (history.volume_kg > 0) & ~history.composite & (price > 0)
    return replace(history.take(rows), average_fen=price[rows])


def _history_groups(traded: Quotes, by_vintage: bool) -> tuple[Codes, dict[tuple[str, int], int]]:
    kind = _kinds(traded)
    vintage = traded.vintage if by_vintage else np.zeros(len(traded), dtype=np.int64)
    pairs, keys = np.unique(np.column_stack([kind.codes, vintage]), axis=0, return_inverse=True)
    own = {(kind.names[k], int(v)): i for i, (k, v) in enumerate(pairs.tolist())}
    return keys.reshape(-1), own


def _history_centres(traded: Quotes, keys: Codes, n: int) -> tuple[Floats, Floats, Codes]:
    """Median, deviation and days of each group's newest days with trade; several quotes of a day all count."""
    days = traded.day.astype(np.int64)
    newest = np.zeros(len(days), dtype=bool)
    used = np.zeros(n + 1, dtype=np.int64)
    for group in range(n):
        rows = keys == group
        last = np.unique(days[rows])[-TRADED_DAYS:]
        newest[rows] = days[rows] >= last[0]
        used[group] = len(last)
    median, sigma, _ = _robust(np.log(traded.average_fen[newest]), keys[newest], n + 1)
    return median, sigma, used


def _which(offers: Offers, kind: Labels, own: dict[tuple[str, int], int], by_vintage: bool) -> Codes:
    """The history's group of each offer, or -1."""
    which = np.full(len(offers), -1, dtype=np.int64)
    for (name, vintage), group in own.items():
        if name in kind.names and not (by_vintage and vintage == 0):
            rows = kind.codes == kind.names.index(name)
            which[rows & (offers.vintage == vintage) if by_vintage else rows] = group
    return which


def _robust(values: Floats, groups: Codes, n: int) -> tuple[Floats, Floats, Codes]:
    """Median, robust standard deviation and count of `values` by group, each of shape (n,); 0 where one is empty."""
    count = np.bincount(groups, minlength=n)
    median = _medians(values, groups, count)
    sigma = SIGMA_OF_MAD * _medians(np.abs(values - median[groups]), groups, count)
    return median, sigma, count


def _medians(values: Floats, groups: Codes, count: Codes) -> Floats:
    """Medians by group. Group and value are packed into one integer: one sort of integers does for both."""
    packed = np.sort((groups << _VALUE_BITS) | np.rint(values * _STEPS).astype(np.int64))
    if not len(packed):
        return np.zeros(len(count))
    ordered = (packed & ((1 << _VALUE_BITS) - 1)) / _STEPS
    start = np.cumsum(count) - count
    low = np.minimum(start + np.maximum(count - 1, 0) // 2, len(ordered) - 1)
    high = np.minimum(start + count // 2, len(ordered) - 1)
    return np.where(count > 0, (ordered[low] + ordered[high]) / 2, 0.0)


_STEPS = 1 << 32
"""Steps of a unit of logarithm: medians are right to 10^-9, far below a fen."""
_VALUE_BITS = 38
"""Logarithms of 64-bit integers lie in [0, 64): 6 bits before the point and 32 behind; 2^25 groups remain."""


# ------------------------------------------------------------------------------------------------ mixed-up units


@dataclass(frozen=True)
class Slip:
    """One way to take a unit for another: the factor by which the number is off, and which reading would be right."""

    factor: int
    zh: str
    en: str


PRICE_SLIPS = (
    Slip(100, "分与元混淆", "fen and yuan"),
    Slip(1000, "每吨与每千克混淆", "per t and per kg"),
    Slip(10_000, "元与万元混淆", "yuan and 10,000 yuan (万元)"),
)
QUANTITY_SLIPS = (
    Slip(1000, "吨与千克混淆", "t and kg"),
    Slip(10_000, "吨与万吨混淆", "t and 10,000 t (万吨)"),
)
AREA_SLIP = Slip(15, "亩与公顷混淆", "mu and hectares")
"""New forestry only: no other instrument is measured by area."""


def mixed_prices(offers: Offers) -> Doubt:
    """Prices a known factor of units off the median of their seller's offers of that instrument."""
    return _mixed(offers, "price", offers.price_fen, PRICE_SLIPS)


def mixed_quantities(offers: Offers) -> Doubt:
    """Quantities a known factor of units off the median of their seller's offers of that instrument."""
    return _mixed(offers, "quantity", offers.quantity_kg, QUANTITY_SLIPS)


def _mixed(offers: Offers, column: str, values: NDArray[np.int64], slips: tuple[Slip, ...]) -> Doubt:
    logs = np.log10(np.maximum(values, 1))
    used = (values > 0) & ~offers.seller.blank
    kind = _kinds_apart(offers)
    groups, n = _compressed(offers.seller.codes.astype(np.int64) * len(kind.names) + kind.codes, used)
    median, sigma, count = _robust(logs[used], groups[used], n)
    slip = np.full(len(offers), -1, dtype=np.int64)
    off = np.where(used & (count[groups] >= MIXED_MIN), logs - median[groups], 0.0)
    spread = np.maximum(sigma, MIXED_SIGMA_MIN)[groups]
    forest = offers.instrument.isin(("forestry",))
    all_slips = (*slips, AREA_SLIP)
    for k, one in enumerate(all_slips):
        size = np.log10(one.factor)
        sure = size >= MIXED_SIGMAS * spread
        close = np.abs(np.abs(off) - size) <= np.minimum(2 * spread, MIXED_TOLERANCE)
        slip[sure & close & (forest | (one is not AREA_SLIP))] = k
    show, unit_zh, unit_en = (yuan, "元/吨", "yuan/t") if column == "price" else (tonnes, "吨", "t")

    def words(index: int) -> Text:
        one, above = all_slips[int(slip[index])], off[index] > 0
        value, usual = int(values[index]), round(float(10 ** median[groups[index]]))
        fitting = show(value // one.factor if above else value * one.factor)
        seller, n_all = offers.seller[index], int(count[groups[index]])
        return Text(
            f"{unit_zh}, 约为 {seller} 同类 {n_all} 条报价中位数 {show(usual)} 的 "
            f"{'' if above else '1/'}{one.factor}, 疑为{one.zh}; 按此应为 {fitting}",
            f"{unit_en} is about {'' if above else '1/'}{one.factor} of the median {show(usual)} of {seller}'s {n_all} "
            f"offers of the kind: {one.en} mixed up? Then {fitting} would be right",
        )

    return Doubt("mixed_units", column, slip >= 0, words)


def _compressed(keys: Codes, used: Bools) -> tuple[Codes, int]:
    """Keys as numbers from 0 without gaps; those not used are 0 too. And how many there are."""
    values, codes = numbered(keys[used])
    groups = np.zeros(len(keys), dtype=np.int64)
    groups[used] = codes
    return groups, max(len(values), 1)
