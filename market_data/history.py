"""Daily quotes become series: one price, volume and turnover a day, then a week, month, quarter or year, gaps marked.

Counted once: a composite code only on days on which its parts are not there, the row of all methods together only
where its methods are not there, a row that stands twice once. A price is turnover by volume, an exact fraction rounded
half up to the fen; a day that the market closed at an old price without volume has none. Nothing is filled unless
asked, and then it is marked.

    start          datetime64[s]  first day of the period (Monday for weeks)
    price_fen      Int64          fen/t, turnover by volume; <NA> in a gap
    first_fen, last_fen, low_fen, high_fen   Int64   fen/t, of the days' mean prices; <NA> in a gap
    volume_kg      int64          kg        turnover_fen  Int64  fen; <NA> where nothing was traded
    traded_days    int64          days with a price
    repeated_days  int64          days that a market reported without volume: an old price carried forward by the market
    gap            bool           no price came about in the period
    filled         bool           the price stands there because the caller asked for fill="carry"
    value          int64          fen/t x kg, exact: price = value / priced_kg
    priced_kg      int64          kg of known price

Returns and what follows from them: `price_statistics`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from market_data.quotes import METHODS, MONTH_CODE, Quotes
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault, warning
from optimizer.offers import INSTRUMENTS, Bools, Dates, Ints
from optimizer.quantities import KG_PER_T
from optimizer.wording import counted

type Frequency = Literal["D", "W", "M", "Q", "Y"]
FREQUENCIES: tuple[str, ...] = get_args(Frequency.__value__)
type Grouping = Literal["instrument", "vintage", "code"]
GROUPINGS: tuple[str, ...] = get_args(Grouping.__value__)
type Trading = Literal["listed", "block", "auction", "all"]

PRICE_COLUMNS = ("price_fen", "first_fen", "last_fen", "low_fen", "high_fen")
VALUE_MAX = 4 * 10**18
"""fen/t x kg of one period: 4 x 10^13 yuan, a third of what China produces in a year, and within 64 bits twice over."""
MONDAY_SHIFT = 3
"""1970-01-01 was a Thursday."""


class SeriesKey(NamedTuple):
    """What a series is of. Blank code: all codes of the market; vintage 0: all vintages, or those without one."""

    instrument: str
    mechanism: str
    code: str = ""
    vintage: int = 0


@dataclass(frozen=True, eq=False)
class Series:
    """Prices of one key in periods of one length, without holes between the first and the last."""

    key: SeriesKey
    method: str
    frequency: str
    frame: pd.DataFrame
    """Columns, types and units stand at the head of this module; one row a period, in order."""
    findings: tuple[Finding, ...] = ()

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def prices(self) -> Ints:
        """Price by period, fen/t, -1 in a gap that was not filled."""
        found: Ints = self.frame["price_fen"].fillna(-1).to_numpy(dtype=np.int64)
        return found


def series_of(quotes: Quotes, by: Grouping = "instrument", method: Trading = "all") -> tuple[Series, ...]:
    """Daily series of every instrument and market, or of every vintage or code of each, in order of their keys.

    By instrument and by vintage, a composite code counts on days on which no part of it does, and the mean of a month
    in months of which no day is there; by code each stands alone.

    Raises:
        BadInput: an unknown grouping or method, or quotes too large to be true.
    """
    _check_choice("by", by, GROUPINGS)
    _check_choice("method", method, (*METHODS, "all"))
    rows, findings = _countable(quotes, method)
    if by != "code":
        rows, of_months = _days_or_month(rows)
        rows, of_parts = _parts_or_composite(rows)
        findings = (*findings, *of_months, *of_parts)
    keys = _keys(rows, by)
    return tuple(_daily_series(key, rows.take(keys.rows(key)), method, findings) for key in sorted(keys.distinct))


def daily(
    quotes: Quotes,
    instrument: str,
    *,
    mechanism: str = "",
    code: str = "",
    vintage: int = 0,
    method: Trading = "all",
) -> Series:
    """One daily series: of an instrument on its market, or of one code or vintage of it.

    Raises:
        BadInput: an unknown instrument; no such quotes; several markets trade it and none was named.
    """
    _check_choice("instrument", instrument, INSTRUMENTS)
    wanted = quotes.instrument.isin([instrument])
    for name, column in ((mechanism, quotes.mechanism), (code, quotes.code)):
        wanted &= column.isin([name]) if name else True
    wanted &= (quotes.vintage == vintage) | (vintage == 0)
    by: Grouping = "code" if code else "vintage" if vintage else "instrument"
    found = series_of(quotes.take(wanted), by, method)
    if len(found) == 1:
        return found[0]
    shown = " ".join(str(part) for part in (instrument, mechanism, code, vintage or "", method) if part)
    if not found:
        zh, en = "行情中没有这一序列", "there are no quotes of this"
        raise BadInput([fault("series_none", zh, en, value=shown)])
    there = ", ".join(f"{s.key.mechanism} {s.key.code}".strip() for s in found)
    zh, en = f"有几个市场的行情 ({there}); 请指明其一", f"several markets have quotes ({there}): name one"
    raise BadInput([fault("series_several", zh, en, value=shown)])


def resample(series: Series, frequency: Frequency, *, fill: Literal["", "carry"] = "") -> Series:
    """The series by day, week, month, quarter or year: volume-weighted, every period there, gaps marked.

    `fill="carry"` puts the last price before it into a gap and marks it in `filled`; volume stays 0.

    Raises:
        BadInput: an unknown frequency or filling, or a finer frequency than the series has.
    """
    _check_choice("frequency", frequency, FREQUENCIES)
    _check_choice("fill", fill, ("", "carry"))
    if FREQUENCIES.index(frequency) < FREQUENCIES.index(series.frequency) or series.frequency not in ("D", frequency):
        zh, en = "只能由日序列或同频序列得到", "can be made of a daily series, or of one of the same frequency"
        raise BadInput([fault("frequency", zh, en, path="frequency", value=f"{series.frequency} -> {frequency}")])
    frame = series.frame if frequency == series.frequency else _resampled(series.frame, frequency)
    return replace(series, frequency=frequency, frame=_carried(frame) if fill else frame)


# ------------------------------------------------------------------------------------------------- counted once each


def _countable(quotes: Quotes, method: str) -> tuple[Quotes, tuple[Finding, ...]]:
    """Rows of one way of trading, each once; for all ways the methods, else the row of all together."""
    rows, findings = _once(quotes)
    if method != "all":
        return rows.take(rows.method.isin([method])), findings
    group = _numbered(rows.day, *(c.codes for c in (rows.instrument, rows.mechanism, rows.code)), rows.vintage)
    listed, block, blank = rows.method.isin(["listed"]), rows.method.isin(["block"]), rows.method.blank
    both = _any_in(group, listed) & _any_in(group, block)
    return rows.take(np.where(blank, ~both, both | ~_any_in(group, blank))), findings


def _once(quotes: Quotes) -> tuple[Quotes, tuple[Finding, ...]]:
    """Every day, code and method once. Of two reports that differ the one with more volume stays, and it is said."""
    labels = (quotes.instrument, quotes.mechanism, quotes.code, quotes.method)
    names = [label.sorted_by_name().codes for label in labels]
    # Behind the key all that may differ, so that the order of the rows decides nothing.
    content = (quotes.composite, quotes.close_fen, quotes.average_fen, quotes.turnover_fen, quotes.volume_kg)
    order = np.lexsort((*content, quotes.vintage, *names, quotes.day))
    rows = quotes.take(order)
    group = _numbered(rows.day, *(codes[order] for codes in names), rows.vintage)
    again = group[1:] == group[:-1]
    last = np.append(~again, np.ones(min(len(group), 1), dtype=bool))
    differing = np.flatnonzero(again & ~_equal_neighbours(rows))
    if not len(differing):
        return rows.take(last), ()
    n, first = len(differing), rows[int(differing[0])]
    zh = f"{n} 条行情与同日同代码的另一条不同; 取成交量较大者, 例如 {first.day} {first.code}"
    differ = counted(n, "quote differs", "quotes differ")
    en = f"{differ} from another of the same day and code; the one with more volume counts"
    en += f", as on {first.day} for {first.code}"
    return rows.take(last), (warning("quote_twice", zh, en),)


def _equal_neighbours(rows: Quotes) -> Bools:
    columns = (rows.volume_kg, rows.turnover_fen, rows.average_fen, rows.close_fen)
    return np.all([column[1:] == column[:-1] for column in columns], axis=0)


def _days_or_month(rows: Quotes) -> tuple[Quotes, tuple[Finding, ...]]:
    """The days of a month where there are any, else the mean of the month: never both."""
    months = rows.code.isin([MONTH_CODE])
    if not months.any():
        return rows, ()
    group = _numbered(rows.day.astype("datetime64[M]"), rows.instrument.codes, rows.mechanism.codes)
    beside = months & _any_in(group, ~months)
    n = int(np.count_nonzero(beside))
    if not n:
        return rows, ()
    have = counted(n, "month has", "months have")
    zh, en = f"{n} 个月既有月均价又有日行情; 取日行情", f"{have} both a mean and quotes by day; the days count"
    return rows.take(~beside), (warning("month_and_days", zh, en),)


def _parts_or_composite(rows: Quotes) -> tuple[Quotes, tuple[Finding, ...]]:
    """Parts where a market has them on a day, else the composite; said where the parts make less than the composite."""
    group = _numbered(rows.day, rows.instrument.codes, rows.mechanism.codes)
    has_parts = _any_in(group, ~rows.composite)
    kept = rows.take(~rows.composite | ~has_parts)
    days = int(group.max(initial=-1)) + 1
    whole = np.zeros(days, dtype=np.int64)
    np.maximum.at(whole, group[rows.composite], rows.volume_kg[rows.composite])
    parts = _sum_at(group[~rows.composite], rows.volume_kg[~rows.composite], days)
    in_parts = np.bincount(group[~rows.composite], minlength=days) > 0
    days_short = int(np.count_nonzero(in_parts & (parts < whole)))
    if not days_short:
        return kept, ()
    zh = f"{days_short} 天的分品种成交量之和小于综合代码; 可能缺少部分品种"
    days_said = counted(days_short, "day", "days")
    en = f"on {days_said} the parts traded less than their composite: some parts may be missing"
    return kept, (warning("parts_incomplete", zh, en),)


def _any_in(group: Ints, marked: Bools) -> Bools:
    """True for every row of a group that has a marked row."""
    found = np.zeros(group.max(initial=-1) + 1, dtype=bool)
    found[group[marked]] = True
    return found[group]


def _numbered(*columns: NDArray[Any]) -> Ints:
    """Rows with equal columns get equal numbers from 0 on."""
    number = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        _, codes = np.unique(column, return_inverse=True)
        _, number = np.unique(number * (codes.max(initial=0) + 1) + codes, return_inverse=True)
    return number.astype(np.int64)


# -------------------------------------------------------------------------------------------------------- daily series


@dataclass(frozen=True, eq=False)
class _Keys:
    """Which rows belong to which series."""

    numbers: Ints
    distinct: Mapping[SeriesKey, int]

    def rows(self, key: SeriesKey) -> NDArray[np.int64]:
        return np.flatnonzero(self.numbers == self.distinct[key])


def _keys(rows: Quotes, by: str) -> _Keys:
    blank = np.zeros(len(rows), dtype=np.int64)
    code = rows.code.codes if by == "code" else blank
    vintage = rows.vintage if by == "vintage" else blank
    numbers = _numbered(rows.instrument.codes, rows.mechanism.codes, code, vintage)
    _, firsts = np.unique(numbers, return_index=True)
    distinct = {}
    for number, i in enumerate(firsts.tolist()):
        name = rows.code[i] if by == "code" else ""
        distinct[SeriesKey(rows.instrument[i], rows.mechanism[i], name, int(vintage[i]))] = number
    return _Keys(numbers, distinct)


def _daily_series(key: SeriesKey, rows: Quotes, method: str, findings: tuple[Finding, ...]) -> Series:
    value, priced_kg = _values(rows)
    unpriced = int(np.count_nonzero((rows.volume_kg > 0) & (priced_kg == 0)))
    if unpriced:
        zh = f"{unpriced} 条行情有成交量而无成交额或均价; 不计入价格"
        have = counted(unpriced, "quote has", "quotes have")
        en = f"{have} a volume and neither turnover nor mean price: not counted among prices"
        findings = (*findings, warning("price_unknown", zh, en))
    start = _weekdays_and(rows.day)
    at = np.searchsorted(start, rows.day)
    sums = [_sum_at(at, column, len(start)) for column in (value, priced_kg, rows.volume_kg)]
    reported = np.bincount(at, minlength=len(start)) > 0
    price = _price(sums[0], sums[1])
    frame = _frame(start, sums, price, (price, price, price, price), (price >= 0, reported & (sums[2] == 0)))
    return Series(key, method, "D", frame, findings)


def _values(rows: Quotes) -> tuple[Ints, Ints]:
    """Price x mass of each row in fen/t x kg, and the kg that it is the price of (0 where no price is known)."""
    exact = rows.turnover_fen.astype(np.float64) * KG_PER_T
    printed = rows.average_fen.astype(np.float64) * rows.volume_kg
    if max(exact.sum(initial=0.0, where=exact > 0), printed.sum(initial=0.0, where=printed > 0)) > VALUE_MAX:
        zh, en = "成交额之和过大, 不合理; 请检查单位", "the turnovers sum to too much to be true; check the units"
        raise BadInput([fault("turnover_huge", zh, en)])
    known = np.where(rows.turnover_fen > 0, rows.turnover_fen * KG_PER_T, rows.average_fen * rows.volume_kg)
    priced = (rows.volume_kg > 0) & ((rows.turnover_fen > 0) | (rows.average_fen > 0))
    return np.where(priced, known, 0), np.where(priced, rows.volume_kg, 0)


def _price(value: Ints, kg: Ints) -> Ints:
    """Value by mass, rounded half up; -1 where there is none."""
    safe = np.maximum(kg, 1)
    return np.where(kg > 0, (2 * value + safe) // (2 * safe), -1)


def _weekdays_and(days: Dates) -> Dates:
    """All weekdays from the first day to the last, and every other day that is there."""
    if not len(days):
        return days
    calendar = np.arange(days.min(), days.max() + np.timedelta64(1, "D"))
    return np.union1d(calendar[np.is_busday(calendar)], days)


def _sum_at(at: NDArray[Any], column: Ints, size: int) -> Ints:
    total = np.zeros(size, dtype=np.int64)
    np.add.at(total, at, column)
    return total


def _frame(
    start: Dates, sums: list[Ints], price: Ints, marks: tuple[Ints, ...], counts: tuple[NDArray[Any], NDArray[Any]]
) -> pd.DataFrame:
    """The documented columns; `sums` are value, kg with a price, kg; -1 in `price` and `marks` is a gap."""
    value, priced_kg, kg = sums
    gap = price < 0
    columns: dict[str, Any] = {"start": start.astype("datetime64[s]")}
    for name, numbers in zip(PRICE_COLUMNS, (price, *marks), strict=True):
        columns[name] = pd.arrays.IntegerArray(numbers.astype(np.int64), numbers < 0)
    columns["volume_kg"] = kg
    columns["turnover_fen"] = pd.arrays.IntegerArray((2 * value + KG_PER_T) // (2 * KG_PER_T), priced_kg == 0)
    columns["traded_days"], columns["repeated_days"] = (count.astype(np.int64) for count in counts)
    columns |= {"gap": gap, "filled": np.zeros(len(start), dtype=bool)}
    columns |= {"value": value, "priced_kg": priced_kg}
    return pd.DataFrame(columns)


# -------------------------------------------------------------------------------------------------------- other periods


def _resampled(frame: pd.DataFrame, frequency: str) -> pd.DataFrame:
    if not len(frame):
        return frame
    period = period_numbers(frame["start"].to_numpy().astype("datetime64[D]"), frequency)
    first, size = int(period[0]), int(period[-1] - period[0]) + 1
    at = period - first
    sums = [_sum_at(at, frame[name].to_numpy(), size) for name in ("value", "priced_kg", "volume_kg")]
    traded, repeated = (_sum_at(at, frame[name].to_numpy(), size) for name in ("traded_days", "repeated_days"))
    day_price = frame["price_fen"].fillna(-1).to_numpy(dtype=np.int64)
    with_price = (day_price >= 0) & ~frame["filled"].to_numpy()
    marks = _marks(at[with_price], day_price[with_price], size)
    start = period_starts(np.arange(first, first + size), frequency)
    return _frame(start, sums, _price(sums[0], sums[1]), marks, (traded, repeated))


def _marks(at: NDArray[Any], price: Ints, size: int) -> tuple[Ints, Ints, Ints, Ints]:
    """First, last, lowest and highest price of each period, -1 where it has none."""
    marks = np.full((4, size), -1, dtype=np.int64)
    marks[0][at[::-1]] = price[::-1]
    marks[1][at] = price
    lowest = np.full(size, np.iinfo(np.int64).max)
    np.minimum.at(lowest, at, price)
    marks[2][at] = lowest[at]
    np.maximum.at(marks[3], at, price)
    return marks[0], marks[1], marks[2], marks[3]


def period_numbers(days: Dates, frequency: str) -> Ints:
    """Consecutive periods have consecutive numbers."""
    day = days.astype("datetime64[D]").astype(np.int64)
    month = days.astype("datetime64[M]").astype(np.int64)
    numbers = {"D": day, "W": (day + MONDAY_SHIFT) // 7, "M": month, "Q": month // 3, "Y": month // 12}
    found: Ints = numbers[frequency]
    return found


def period_starts(numbers: Ints, frequency: str) -> Dates:
    """The first day of each numbered period."""
    if frequency in ("D", "W"):
        days = numbers if frequency == "D" else numbers * 7 - MONDAY_SHIFT
        return days.astype("datetime64[D]")
    months = numbers * {"M": 1, "Q": 3, "Y": 12}[frequency]
    return months.astype("datetime64[M]").astype("datetime64[D]")


def _carried(frame: pd.DataFrame) -> pd.DataFrame:
    carried = frame["price_fen"].ffill()
    return frame.assign(price_fen=carried, filled=frame["gap"] & carried.notna())


def last_day(series: Series) -> date | None:
    """The start of the last period with a price of its own; None where there is none."""
    traded = series.frame.loc[~series.frame["gap"], "start"]
    return None if not len(traded) else traded.iloc[-1].date()


def _check_choice(path: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        listed = ", ".join(name for name in known if name)
        zh, en = f"应为以下之一: {listed}", f"should be one of: {listed}"
        raise BadInput([fault("choice", zh, en, path=path, value=value)])
