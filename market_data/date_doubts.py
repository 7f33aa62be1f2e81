"""Quotes that are no longer prices, vintages that have ended, and dates that came a day early out of UTC.

Doubts only; what becomes of a doubted offer is decided in `screening`. History is read up to its caller's as_of.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market_data.known_facts import CEA_LAST_TRADES, CEA_LAST_TRADES_SEEN_TO, NATIONAL_MARKET
from market_data.lot_doubts import market_of, numbered
from market_data.quality import Doubt
from market_data.quotes import Quotes
from optimizer.findings import Finding, warning
from optimizer.offers import Dates, Ints, Offers
from optimizer.timeline import stale
from optimizer.wording import Text

_NEVER = np.datetime64("NaT", "D")
_DAY, _MONTH = np.timedelta64(1, "D"), np.timedelta64(1, "M")
type Key = tuple[str, str, int]
"""Instrument, market and vintage (0: none)."""


@dataclass(frozen=True)
class LastTrades:
    """Of one instrument, market and vintage in a history: first and newest quote, and the newest with volume (NaT)."""

    first: np.datetime64
    newest: np.datetime64
    traded: np.datetime64


def last_trades(history: Quotes) -> dict[Key, LastTrades]:
    """When each instrument, market and vintage was quoted and traded; composite codes are no vintage of anything."""
    single = history.take(~history.composite)
    keys = [
        (instrument, market_of(mechanism) if instrument == "allowance" else mechanism, vintage)
        for instrument, mechanism, vintage in _distinct(single)
    ]
    found: dict[Key, LastTrades] = {}
    for key, rows in zip(keys, _rows_of_distinct(single), strict=True):
        days, traded = single.day[rows], single.day[rows][single.volume_kg[rows] > 0]
        one = LastTrades(days.min(), days.max(), traded.max() if len(traded) else _NEVER)
        found[key] = _joined(found[key], one) if key in found else one
    return found


def stale_quotes(offers: Offers, as_of: date, trades: dict[Key, LastTrades], stale_days: int, quiet_days: int) -> Doubt:
    """Offers whose quote last traded more than `stale_days` before as_of, or is carried forward in the history.

    Carried forward: the newest quote of its market and vintage has no volume, nor had any other in the `quiet_days`
    before it. A last trade that the offer names after that newest quote stands: the history does not reach it.
    """
    old = stale(offers, as_of, stale_days)
    codes, keys = _keys_of_offers(offers)
    known = [trades.get(key) or trades.get((*key[:2], 0)) for key in keys]  # else the market as a whole
    still = [t is not None and _carried(t, quiet_days) for t in known]
    newest = np.array([_NEVER if t is None else t.newest for t in known], dtype="datetime64[D]")[codes]
    carried = np.array(still, dtype=bool)[codes] & ~(offers.last_traded_on > newest)

    def words(index: int) -> Text:
        trade = known[int(codes[index])]
        if carried[index] and trade is not None:
            last = f"{trade.traded}"
            zh = "从未有成交" if np.isnat(trade.traded) else f"最后成交于 {last}"
            en = "has never traded" if np.isnat(trade.traded) else f"last traded on {last}"
            return Text(
                f"历史行情中该品种{zh}, 至 {trade.newest} 的报价成交量为 0, 只是沿用旧价; 请询新价",
                f"the quote is carried forward: in the history it {en} and has no volume up to {trade.newest}; "
                "ask for a new price",
            )
        days = (np.datetime64(as_of, "D") - offers.last_traded_on[index]).astype(int)
        return Text(
            f"距 {as_of} 已 {days} 天没有成交 (超过 {stale_days} 天), 报价陈旧; 请询新价",
            f"is {days} days before {as_of} (more than {stale_days}): a stale quote, ask for a new price",
        )

    return Doubt("stale", "last_traded_on", old | carried, words)


def ended_vintages(offers: Offers, as_of: date, trades: dict[Key, LastTrades], ended_days: int) -> Doubt:
    """Allowances of vintages that have stopped trading: by the history, else by what is known of the national market.

    By the history: the market still traded more than `ended_days` after this vintage's last trade (or its first quote,
    where it never traded), in a newer vintage. A history that saw the vintage trade later overrules what is known.
    """
    codes, keys = _keys_of_offers(offers)
    reasons = [_ended(key, as_of, trades, ended_days) if key[0] == "allowance" and key[2] else None for key in keys]
    rows = np.array([reason is not None for reason in reasons], dtype=bool)[codes]

    def words(index: int) -> Text:
        reason = reasons[int(codes[index])]
        assert reason is not None
        return reason

    return Doubt("vintage_ended", "vintage", rows, words)


def _ended(key: Key, as_of: date, trades: dict[Key, LastTrades], ended_days: int) -> Text | None:
    _, market, vintage = key
    own = trades.get(key)
    newer = [t.traded for k, t in trades.items() if k[:2] == key[:2] and k[2] > vintage and not np.isnat(t.traded)]
    if own is not None and newer:
        since = own.first if np.isnat(own.traded) else own.traded
        if (max(newer) - since).astype(int) > ended_days:
            last_zh = "没有成交" if np.isnat(own.traded) else f"最后成交于 {own.traded}"
            last_en = "never traded" if np.isnat(own.traded) else f"last traded on {own.traded}"
            return Text(
                f"{market} {vintage} 年度配额在历史行情中{last_zh}, 而更新年度成交至 {max(newer)}; 此后报价并非市价",
                f"vintage {vintage} of {market} {last_en} in the history while newer ones traded up to {max(newer)}; "
                "quotes since are no prices",
            )
    last = CEA_LAST_TRADES.get(vintage) if market == NATIONAL_MARKET else None
    if last is None or as_of <= last or (own is not None and own.traded > np.datetime64(last, "D")):
        return None
    return Text(
        f"全国碳市场 {vintage} 年度配额最后成交于 {last} (统计至 {CEA_LAST_TRADES_SEEN_TO}), 此后报价只是沿用旧价; "
        "如仍有成交, 请附成交记录",
        f"national allowances of {vintage} last traded on {last} (statistics to {CEA_LAST_TRADES_SEEN_TO}); quotes "
        "since repeat an old price. If they trade again, show the trade",
    )


def _carried(trade: LastTrades, quiet_days: int) -> bool:
    since = trade.first if np.isnat(trade.traded) else trade.traded
    return bool((trade.newest - since).astype(int) > quiet_days)


def _joined(a: LastTrades, b: LastTrades) -> LastTrades:
    traded = np.fmax(a.traded, b.traded)  # fmax: a NaT gives way
    return LastTrades(min(a.first, b.first), max(a.newest, b.newest), traded)


def _distinct(quotes: Quotes) -> list[Key]:
    keys = np.unique(_key_codes(quotes), axis=0)
    names = (*quotes.instrument.names, ""), (*quotes.mechanism.names, "")
    return [(names[0][i], names[1][m], int(v)) for i, m, v in keys.tolist()]


def _rows_of_distinct(quotes: Quotes) -> list[NDArray[np.int64]]:
    inverse = np.unique(_key_codes(quotes), axis=0, return_inverse=True)[1].reshape(-1)
    order = np.argsort(inverse, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(inverse[order])) + 1) if len(order) else []


def _key_codes(table: Any) -> Ints:
    return np.column_stack([table.instrument.codes, table.mechanism.codes, table.vintage]).astype(np.int64)


def _keys_of_offers(offers: Offers) -> tuple[NDArray[np.int64], list[Key]]:
    """The distinct instrument, market and vintage of the offers, and which of them each has (shape (n,))."""
    span = int(offers.vintage.max(initial=0)) + 1
    mechanisms = len(offers.mechanism.names) + 1
    mixed = (offers.instrument.codes.astype(np.int64) * mechanisms + offers.mechanism.codes + 1) * span + offers.vintage
    values, codes = numbered(mixed)
    keys: list[Key] = []
    for value in values.tolist():
        rest, vintage = divmod(value, span)
        instrument, mechanism = divmod(rest, mechanisms)
        name = offers.mechanism.names[mechanism - 1] if mechanism else ""
        kind = offers.instrument.names[instrument]
        keys.append((kind, market_of(name) if kind == "allowance" else name or kind.upper(), vintage))
    return codes, keys


# ---------------------------------------------------------------------------------------------- dates out of UTC

ODDS = 1000
"""How much likelier "a day early" has to be than every plain explanation before it is told."""
_WEEKEND = 0.01
"""Share of working-day dates that fall on one day of a weekend all the same (make-up days, typing)."""
_HABIT = 0.5
"""Share of dates on the habitual day where there is a habit: month ends, firsts, the 30th."""
_ANY_DAY = 12 / 365.25
"""Share of the days of a year that have a given place in their month."""

_WORKING = ("registered_on", "last_traded_on")
_ENDS = ("valid_until", "certification_due", "planted_by")
_STARTS = ("valid_from",)


def utc_shifts(offers: Offers) -> Iterator[tuple[Finding, int]]:
    """Columns whose dates look one day early: said once a column, with how many offers have a date there.

    Chinese midnights read as UTC fall on the day before. Then registrations and trades fall on Sundays and never on
    Fridays, ends of months on the last day but one, firsts of months on the last. Each distinct day counts once; it is
    told where that explains them `ODDS` times better than working days, any days, or the habit of writing the 30th.
    """
    for names, odds, zh, en in (
        (_WORKING, _odds_working, "多落在周日而几乎没有周五", "fall on Sundays and hardly ever on Fridays"),
        (_ENDS, _odds_ends, "多落在月末前一天", "fall on the last day of a month but one"),
        (_STARTS, _odds_starts, "多落在月末而不是月初", "fall on last days of months where firsts would be"),
    ):
        for name in names:
            column: Dates = getattr(offers, name)
            days = np.unique(column[~np.isnat(column)])
            if len(days) and odds(days) > np.log(ODDS):
                yield (
                    warning(
                        "utc_shift",
                        f"{len(days)} 个不同日期{zh}, 像是北京时间按 UTC 读取而早了一天; 请核对, 必要时各加一天",
                        f"its {len(days)} distinct days {en}, as though midnights in China had been read in UTC, a day "
                        "early; check, and add a day if so",
                        column=name,
                        value=str(days[0]),
                    ),
                    int((~np.isnat(column)).sum()),
                )


def _least_odds(likely: NDArray[np.float64], *others: NDArray[np.float64]) -> float:
    return min(float(np.sum(np.log(likely) - np.log(other))) for other in others)


def _odds_working(days: Dates) -> float:
    weekday = (days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday; 0 is Monday
    one = (1 - 2 * _WEEKEND) / 5
    working = np.where(weekday < 5, one, _WEEKEND)
    shifted = np.where((weekday < 4) | (weekday == 6), one, _WEEKEND)
    return _least_odds(shifted, working, np.full(len(days), 1 / 7))


def _habitual(on_habit: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.where(on_habit, _HABIT, (1 - _HABIT) * _ANY_DAY)


def _odds_ends(days: Dates) -> float:
    month = days.astype("datetime64[M]")
    last = (month + _MONTH).astype("datetime64[D]") - _DAY
    thirtieth = (days - month.astype("datetime64[D]")).astype(np.int64) == 29
    return _least_odds(
        _habitual(days == last - _DAY), _habitual(days == last), _habitual(thirtieth), np.full(len(days), _ANY_DAY)
    )


def _odds_starts(days: Dates) -> float:
    first = days.astype("datetime64[M]").astype("datetime64[D]")
    last = (days.astype("datetime64[M]") + _MONTH).astype("datetime64[D]") - _DAY
    return _least_odds(_habitual(days == last), _habitual(days == first), np.full(len(days), _ANY_DAY))
