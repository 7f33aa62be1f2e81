"""The CCER exchange's day file: the trades of the last days by kind of project (https://www.ccer.com.cn).

A list of days, each a list of rows: 能源, 林业, and 小计, their subtotal. `business_amount` is t, `business_price` is
the TURNOVER in yuan, `business_ave_price` the mean price in yuan/t; "-" is none. The subtotal is left out, after it was
compared with the sum of the others: adding it to them counts twice. Here lives this shape and nothing about trust.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from market_data.feed_reading import FeedReading, RowAccount
from market_data.quotes import UNKNOWN, Quote
from market_data.sources.feed_fields import json_of
from market_data.sources.fetch import Fetcher
from market_data.sources.quote_rows import (
    QuoteBook,
    RowFields,
    leave_out_unreadable,
    mean_price_fen,
    missing_fields,
    sha256_of,
)
from market_data.sources.raw_table import refuse
from optimizer.errors import BadInput
from optimizer.findings import fault
from optimizer.quantities import KG_PER_T, tonnes, yuan
from optimizer.wording import counted

FEED = "ccer-exchange"
ADDRESS = "https://www.ccer.com.cn/wcm/ccer/data/90-first.json"
FIELDS = ("business_date", "profession_name", "business_amount", "business_ave_price", "business_price")
KINDS = ("能源", "林业")
"""Kinds of projects by the first word of their name: 能源产业(可再生/不可再生资源), 林业和其他碳汇类型."""
SUBTOTAL = "小计"


class _Subtotal(NamedTuple):
    volume_kg: int
    turnover_fen: int
    fields: RowFields


def read_ccer_exchange(content: bytes, name: str) -> FeedReading:
    """Quotes by day and kind, with the mean price as printed (turnover by volume where none is printed).

    Left out: `subtotal`, and `no_trade` where nothing was traded.

    Raises:
        BadInput: HTML, no sound JSON, another shape, fields that are gone, rows that contradict each other.
    """
    account = RowAccount()
    book = QuoteBook(account)
    counts: Counter[str] = Counter()
    sums: dict[date, Counter[str]] = {}
    subtotals: list[tuple[date, _Subtotal]] = []
    for number, row in enumerate(_rows_of(content, name), 1):
        fields = RowFields(row, number)
        day, kind = fields.day("business_date"), fields.text("profession_name")
        volume, turnover = fields.mass_kg("business_amount"), fields.money_fen("business_price")
        mean = fields.price_fen("business_ave_price")
        if leave_out_unreadable(account, fields):
            continue
        if kind.startswith(SUBTOTAL):
            counts["subtotal"] += 1
            subtotals.append((day, _Subtotal(volume, max(turnover, 0), fields)))
            continue
        sums.setdefault(day, Counter()).update(volume=volume, turnover=max(turnover, 0))
        _enter(book, counts, fields, Quote(day, "ccer", "CCER", kind, average_fen=mean, volume_kg=volume), turnover)
    _doubt_subtotals(account, sums, subtotals)
    _say_counts(account, counts)
    return book.reading(FEED, name, sha256_of(content))


def fetch_ccer_exchange(fetcher: Fetcher, *, address: str = ADDRESS) -> FeedReading:
    """The day file as it is now.

    Raises:
        BadInput: what `Fetcher.get` and `read_ccer_exchange` raise.
    """
    name = address.rsplit("/", 1)[-1]
    return fetcher.get(address, accept=lambda content: read_ccer_exchange(content, name)).result


def _rows_of(content: bytes, name: str) -> list[Mapping[str, Any]]:
    """All rows of all days. Raises BadInput."""
    days = json_of(content, name)
    sound = isinstance(days, list) and all(
        isinstance(day, list) and all(isinstance(row, dict) for row in day) for day in days
    )
    if not sound:
        zh = "应为各日的列表, 每日为各类项目的列表; 格式可能已变"
        en = "should be a list of days, each a list of rows; the source may have changed its format"
        raise refuse(fault("feed_shape", zh, en).at(name))
    rows = [row for day in days for row in day]
    gone = missing_fields(rows, FIELDS, name)
    if gone:
        raise BadInput(gone)
    return rows


def _enter(book: QuoteBook, counts: Counter[str], fields: RowFields, bare: Quote, turnover: int) -> None:
    """One row of a kind; `bare` lacks its turnover, and its code is the kind's full name."""
    kind = next((k for k in KINDS if bare.code.startswith(k)), None)
    volume = bare.volume_kg
    if kind is None:
        zh, en = "未知的项目类型", "is an unknown kind of project"
        book.account.leave_out(fields.finding("unknown_code", zh, en, field="profession_name", value=bare.code))
    elif volume == 0 and turnover <= 0:
        counts["no_trade"] += 1
    else:
        mean = mean_price_fen(turnover, volume) if bare.average_fen == UNKNOWN else bare.average_fen
        if book.add(bare._replace(code=kind, average_fen=mean, turnover_fen=turnover), fields):
            _doubt_mean(book.account, bare, turnover, fields)


def _doubt_mean(account: RowAccount, quote: Quote, turnover: int, fields: RowFields) -> None:
    """Where the printed mean is a fen or more from turnover by volume: rounding and cutting off stay below one fen."""
    if UNKNOWN in (turnover, quote.average_fen):
        return
    if abs(quote.average_fen * quote.volume_kg - turnover * KG_PER_T) >= quote.volume_kg:
        reckoned = yuan(mean_price_fen(turnover, quote.volume_kg))
        zh, en = f"成交额除以成交量为 {reckoned}", f"is not turnover by volume, {reckoned}"
        printed = yuan(quote.average_fen)
        account.doubt(fields.finding("mean_differs", zh, en, field="business_ave_price", value=printed))


def _doubt_subtotals(
    account: RowAccount, sums: Mapping[date, Counter[str]], subtotals: list[tuple[date, _Subtotal]]
) -> None:
    """Where a subtotal is not the sum of its day: a kind is missing, or a number was misprinted."""
    for day, subtotal in subtotals:
        total = sums.get(day, Counter())
        if (subtotal.volume_kg, subtotal.turnover_fen) != (total["volume"], total["turnover"]):
            found = f"{tonnes(subtotal.volume_kg)} t, {yuan(subtotal.turnover_fen)}"
            summed = f"{tonnes(total['volume'])} t, {yuan(total['turnover'])}"
            zh = f"{day} 的小计 ({found}) 不等于各类之和 ({summed})"
            en = f"the subtotal of {day} ({found}) is not the sum of its kinds ({summed})"
            account.doubt(subtotal.fields.finding("subtotal_differs", zh, en))


def _say_counts(account: RowAccount, counts: Counter[str]) -> None:
    """The findings that stand for many rows."""
    for code, n in sorted(counts.items()):
        subtotals = counted(n, "row is a subtotal", "rows are subtotals")
        zh, en = {
            "subtotal": (f"{n} 行为小计, 已包含在各类之中", f"{subtotals} of the others"),
            "no_trade": (f"{n} 行当日没有成交", f"{counted(n, 'row holds', 'rows hold')} no trade"),
        }[code]
        account.leave_out(fault(code, zh, en), n)
    if account.read == 0:
        zh, en = "没有数据", "holds no rows"
        account.doubt(fault("feed_empty", zh, en))
