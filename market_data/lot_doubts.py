"""Lots that count twice: composite codes beside what they sum, the same lot listed twice, one lot at two prices.

Doubts only, as masks over the offers; what becomes of a doubted offer is decided in `screening`.
"""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market_data.known_facts import NATIONAL_MARKET, NATIONAL_NAMES
from market_data.quality import Doubt
from optimizer.offers import COLUMN_KINDS, Bools, Ints, Labels, Offers
from optimizer.quantities import yuan
from optimizer.wording import Text

_COMPOSITE_CODE = re.compile(r"(?<![a-z])COMCEA(?![a-z])", re.IGNORECASE)
_COMPOSITE_ALLOWANCE = re.compile(r"(?<![a-z])(?:COMCEA|composite)(?![a-z])|综合(?!利用|能源|治理)", re.IGNORECASE)
"""综合 is "composite" of allowances only, and not in 综合利用 (by-product use): projects and firms are named so."""
_MARKERS = ("comcea", "composite", "综合")
"""One of these is in every text that the patterns find; looking for them first is twenty times faster."""
_BETWEEN = "\x00"

SAME_LOT = ("instrument", "mechanism", "project_id", "project_name", "vintage", "seller", "quantity_kg")
"""What makes two offers the same lot, where project and seller are named; the same price makes them duplicates."""

_NEVER = np.datetime64("9999-12-31", "D")


def market_of(mechanism: str) -> str:
    """The market that an allowance's mechanism names: national by any of its names, a composite's by what it sums."""
    bare = re.sub(r"综合\S*", "", mechanism).strip()
    return NATIONAL_MARKET if bare.upper() in NATIONAL_NAMES else bare


def composite(offers: Offers) -> Doubt:
    """Offers under a code that sums the vintages of its market: it cannot be bought, and counts twice beside them."""
    allowance = offers.instrument.isin(("allowance",))
    rows = np.zeros(len(offers), dtype=bool)
    for labels in (offers.project_id, offers.mechanism, offers.project_name):
        rows |= _by_name(labels, _COMPOSITE_CODE) | (allowance & _by_name(labels, _COMPOSITE_ALLOWANCE))
    rows |= _among(offers.offer_id, _COMPOSITE_CODE) | (allowance & _among(offers.offer_id, _COMPOSITE_ALLOWANCE))
    markets = Labels.of([market_of(name) for name in offers.mechanism.names])
    market = np.array([*markets.codes, _code_of(NATIONAL_MARKET, markets)])[offers.mechanism.codes]
    summed = np.unique(market[allowance & ~rows], return_counts=True)
    beside = dict(zip(summed[0].tolist(), summed[1].tolist(), strict=True))

    def words(index: int) -> Text:
        others = beside.get(int(market[index]), 0)
        zh = f"; 同一市场另有 {others} 条分年度报价, 一并计入即重复计算" if others else ""
        en = f"; {others} other offers of its market are listed by vintage, with it they count twice" if others else ""
        return Text(
            f"是综合行情代码, 为各年度配额之和, 不能购买{zh}; 请只保留分年度报价 (如 CEA25)",
            f"is a composite code: the sum of all vintages, nothing that can be bought{en}; "
            "keep the vintages only (such as CEA25)",
        )

    return Doubt("composite", "mechanism", rows, words)


def same_lots(offers: Offers) -> NDArray[np.int64]:
    """Rows, in order of offer_id, of offers that share instrument, project, vintage, seller and quantity with another.

    Offers that name neither seller nor project are not compared: nothing says that they are the same lot.
    """
    named = ~offers.seller.blank | ~offers.project_id.blank
    rows = _runs(offers, SAME_LOT, np.flatnonzero(named))[0]
    # Numpy's own strings compare by code point as Python's do, and four times as fast.
    return rows[np.argsort(offers.offer_id[rows].astype(np.dtypes.StringDType()), kind="stable")]


def duplicate_lots(offers: Offers, lots: NDArray[np.int64], left_out: Bools) -> Doubt:
    """Offers among `lots` that repeat another one: equal in all but their id, or the same lot at the same price.

    Of each set one is kept and not doubted: the first by offer_id of those not `left_out` (mask, shape (n,)) already.
    The same lot at the same price is a duplicate where seller and project are both named.
    """
    lots = lots[np.argsort(left_out[lots], kind="stable")]
    every = [name for name in COLUMN_KINDS if name != "offer_id"]
    twins = _repeats(offers, every, lots)
    first = np.where(twins >= 0, twins, _repeats(offers, [*SAME_LOT, "price_fen"], lots[_identified(offers)[lots]]))

    def words(index: int) -> Text:
        kept = offers.offer_id[first[index]]
        if twins[index] >= 0:
            return Text(
                f"与 {kept} 除编号外完全相同, 疑为重复; 如确为两笔, 请合并数量",
                f"equals {kept} in everything but its id, a duplicate? If there are two lots, add their quantities up",
            )
        return Text(
            f"与 {kept} 的项目、年份、卖方、数量和价格相同, 疑为重复; 如确为两笔, 请合并数量",
            f"has project, vintage, seller, quantity and price of {kept}, a duplicate? If there are two lots, "
            "add their quantities up",
        )

    return Doubt("duplicate_lot", "offer_id", first >= 0, words)


def same_lot_two_prices(offers: Offers, lots: NDArray[np.int64]) -> Doubt:
    """Offers among `lots`, seller and project named, that are valid at the same time at different prices."""
    lots = lots[_identified(offers)[lots]]
    order, runs = _runs(offers, SAME_LOT, lots[np.argsort(offers.price_fen[lots], kind="stable")])
    opens = np.where(np.isnat(offers.valid_from), np.datetime64("0001-01-01", "D"), offers.valid_from)[order]
    closes = np.where(np.isnat(offers.valid_until), _NEVER, offers.valid_until)[order]
    prices = offers.price_fen[order]
    clash = (runs[1:] == runs[:-1]) & (prices[1:] != prices[:-1])
    clash &= (opens[1:] <= closes[:-1]) & (opens[:-1] <= closes[1:])
    other = np.full(len(offers), -1, dtype=np.int64)
    other[order[1:][clash]] = order[:-1][clash]
    other[order[:-1][clash]] = order[1:][clash]

    def words(index: int) -> Text:
        rival = int(other[index])
        price, name = yuan(int(offers.price_fen[rival])), offers.offer_id[rival]
        return Text(
            f"与 {name} 的项目、年份、卖方和数量相同而价格不同 ({price} 元/吨), 疑为同一批; 请核对哪个价格有效",
            f"has project, vintage, seller and quantity of {name}, which asks {price} yuan/t: the same lot at two "
            "prices? Please check which one holds",
        )

    return Doubt("same_lot_two_prices", "price", other >= 0, words)


def numbered(keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Distinct keys in order, and the number of each row's key among them; keys are not negative."""
    span = int(keys.max(initial=0)) + 1
    if span > _TABLE_MAX:
        values, codes = np.unique(keys, return_inverse=True)
        return values, codes
    present = np.zeros(span, dtype=bool)
    present[keys] = True
    return np.flatnonzero(present), (np.cumsum(present) - 1)[keys]


_TABLE_MAX = 1 << 24
"""Keys up to here are numbered by a table (128 MB at most), which is ten times faster than sorting them."""


def _identified(offers: Offers) -> Bools:
    return ~offers.seller.blank & ~(offers.project_id.blank & offers.project_name.blank)


def _repeats(offers: Offers, columns: Sequence[str], within: NDArray[np.int64]) -> Ints:
    """For each offer the one that it repeats (its row, the first of the set in `within`), or -1; shape (n,)."""
    first = np.full(len(offers), -1, dtype=np.int64)
    order, runs = _runs(offers, columns, within)
    begins = np.r_[True, runs[1:] != runs[:-1]][: len(runs)]
    starts = order[begins]
    first[order] = starts[np.cumsum(begins) - 1]
    first[starts] = -1
    return first


def _runs(
    offers: Offers, columns: Sequence[str], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Those of `rows` that equal another in `columns`, set by set, each set in the order given; and set numbers.

    Sets are found by a 64-bit mix of the columns and then compared value by value, so that what is told equal is equal.
    """
    keys = _mixed(offers, columns, rows)
    order = np.argsort(keys)  # not stable, which is faster; the few that repeat are put in order below
    same = keys[order[1:]] == keys[order[:-1]]
    near = np.r_[same, False] | np.r_[False, same] if len(rows) else np.zeros(0, dtype=bool)
    places = np.sort(order[near])
    rows = rows[places[np.argsort(keys[places], kind="stable")]]
    equal = np.ones(max(len(rows) - 1, 0), dtype=bool)
    for name in columns:
        values = _comparable(offers, name, rows)
        equal &= values[1:] == values[:-1]
    runs = np.cumsum(np.r_[True, ~equal])[: len(rows)]
    several = np.bincount(runs, minlength=1)[runs] > 1
    return rows[several], runs[several]


def _mixed(offers: Offers, columns: Sequence[str], rows: NDArray[np.int64]) -> NDArray[np.uint64]:
    keys = np.zeros(len(rows), dtype=np.uint64)
    for name in columns:
        values = _comparable(offers, name, rows)
        if len(values) and (values == values[0]).all():
            continue
        keys = (keys ^ values.astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)  # odd: no two values become one
        keys ^= keys >> np.uint64(29)
    return keys


def _comparable(offers: Offers, name: str, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    column: Any = getattr(offers, name)
    values = column.codes[rows] if isinstance(column, Labels) else column[rows]
    return values.view(np.int64) if values.dtype.kind == "M" else values.astype(np.int64)


def _by_name(labels: Labels, pattern: re.Pattern[str]) -> Bools:
    return np.array([*(pattern.search(name) is not None for name in labels.names), False], dtype=bool)[labels.codes]


def _among(ids: NDArray[np.object_], pattern: re.Pattern[str]) -> Bools:
    """Where the pattern is found in an id; one search over all of them, since ids are a million distinct texts."""
    found = np.zeros(len(ids), dtype=bool)
    texts = ids.tolist()
    joined = _BETWEEN.join(texts)
    lowered = joined.lower()
    if not any(marker in lowered for marker in _MARKERS):
        return found
    hits = [match.start() for match in pattern.finditer(joined)]
    if hits:
        ends = np.cumsum([len(text) + 1 for text in texts])
        found[np.searchsorted(ends, hits, side="right")] = True
    return found


def _code_of(name: str, labels: Labels) -> int:
    return labels.names.index(name) if name in labels.names else len(labels.names)
