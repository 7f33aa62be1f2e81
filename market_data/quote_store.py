"""Daily quotes in the database: every revision of a day is kept, and the latest is what is read.

A quote is known by instrument, mechanism, code, method and day. Importing the same row again adds nothing; a corrected
row is added beside the old one. Every function works on a connection inside the caller's transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, Select, func, select

from market_data.feed_reading import FeedReading
from market_data.quotes import QUOTE_KINDS, UNKNOWN, Quote, Quotes, joined_quotes
from market_data.store_tables import (
    counts_of,
    counts_text,
    findings_of,
    findings_text,
    is_sound,
    quote_imports,
    quotes,
    sound,
    time_of,
    time_text,
)
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.offers import Bools, Ints, Labels

KEY = ("instrument", "mechanism", "code", "method", "day")
"""What a quote is known by."""
VALUES = tuple(name for name in QUOTE_KINDS if name not in KEY)
MAY_BE_UNKNOWN = ("open_fen", "high_fen", "low_fen", "close_fen", "average_fen", "turnover_fen")
INSERT_ROWS_MAX = 10_000
"""Rows handed to the database at once: 15 small objects each, so a few MB."""
CONFLICTS_SHOWN_MAX = 20
"""Days named where one import gives two values for each: more show nothing new."""


@dataclass(frozen=True)
class QuoteReceipt:
    """One import of quotes: when, from where, and what became of the rows."""

    number: int
    """Counts up through the store; gaps are imports that failed."""
    feed: str
    name: str
    """The file or request."""
    sha256: str
    """Of its bytes."""
    imported_at: datetime
    """UTC."""
    rows_read: int
    rows_used: int
    added: int
    """Days that the store did not have."""
    revised: int
    """Days that it had otherwise; the rest of the rows used was there already."""
    left_out: Mapping[str, int]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Revision:
    """What one import said about a day."""

    receipt: int
    imported_at: datetime
    """UTC."""
    quote: Quote


@dataclass(frozen=True)
class StoredSeries:
    """What is stored of one code, one way of trading."""

    instrument: str
    mechanism: str
    code: str
    method: str
    first_day: date
    last_day: date
    days: int


def add_quotes(c: Connection, reading: FeedReading, imported_at: datetime) -> QuoteReceipt:
    """Adds a receipt and those rows that the store does not have, new days and revisions.

    The caller's transaction keeps other writers of quotes out.

    Raises:
        BadInput: two different rows for one day of a series; a quote without a day; a name that no database holds;
            `imported_at` without a time zone.
    """
    given = _distinct(reading.quotes)
    stored = _stored_between(c, given)
    match = _matches(given, stored)
    given = _completed(given, stored, match)
    added, revised = _news(given, stored, match)
    row = {
        "feed": sound(reading.feed),
        "name": sound(reading.name),
        "sha256": reading.sha256,
        "imported_at": time_text(imported_at),
        "rows_read": reading.rows_read,
        "rows_used": reading.rows_used,
        "added": int(added.sum()),
        "revised": int(revised.sum()),
        "left_out": counts_text(reading.left_out),
        "findings": findings_text(reading.findings),
    }
    number = c.execute(quote_imports.insert().returning(quote_imports.c.number), row).scalar_one()
    _insert(c, given.take(added | revised), number)
    return next(r for r in list_quote_receipts(c, number))


def _distinct(given: Quotes) -> Quotes:
    """In order of their keys, equal rows once. Raises BadInput where one key has two values."""
    _refuse_what_cannot_be_stored(given)
    ordered = given.sorted()
    again = _same(ordered, KEY)
    unlike = again & ~_same(ordered, VALUES)
    if unlike.any():
        raise BadInput([_conflict(ordered[i]) for i in np.flatnonzero(unlike)[:CONFLICTS_SHOWN_MAX].tolist()])
    return ordered.take(np.concatenate([np.ones(min(1, len(ordered)), dtype=bool), ~again]))


def _refuse_what_cannot_be_stored(given: Quotes) -> None:
    found = []
    if np.isnat(given.day).any():
        found.append(fault("quote_without_day", "行情缺少日期", "a quote has no day", column="day"))
    for column in KEY[:-1]:
        bad = [name for name in getattr(given, column).names if not is_sound(name)]
        zh, en = "含有无法保存的字符", "holds characters that cannot be stored"
        found += [fault("text_unsound", zh, en, column=column, value=sound(name)) for name in bad]
    if found:
        raise BadInput(found)


def _conflict(quote: Quote) -> Finding:
    place = " ".join(part for part in (quote.instrument, quote.mechanism, quote.code, quote.method) if part)
    zh, en = "同一次导入中同一天有两种不同的数值", "has two different rows for one day in the same import"
    return fault("quote_conflict", zh, en, path=place, column="day", value=quote.day)


def _same(ordered: Quotes, columns: tuple[str, ...]) -> Bools:
    """Whether each row but the first is like the one before it in these columns, shape (n - 1,)."""
    same = np.ones(max(0, len(ordered) - 1), dtype=bool)
    for name in columns:
        column = getattr(ordered, name)
        data = _sortable(column)
        same &= data[1:] == data[:-1]
    return same


def _stored_between(c: Connection, given: Quotes) -> Quotes:
    if not len(given):
        return given
    first, last = given.day.min().astype(object), given.day.max().astype(object)
    return read_quotes(c, since=first, until=last)


def _matches(given: Quotes, stored: Quotes) -> Ints:
    """Index of the stored row of each given row's day and series, -1 where there is none; shape (n,)."""
    both = joined_quotes([stored, given])
    order = np.lexsort([_sortable(getattr(both, name)) for name in reversed(KEY)])
    # The stored row of a day comes just before the given one: the sort is stable and stored rows were put first.
    match = np.full(len(both), -1, dtype=np.int64)
    match[order[1:]] = np.where(_same(both.take(order), KEY), order[:-1], -1)
    return match[len(stored) :]


def _completed(given: Quotes, stored: Quotes, match: Ints) -> Quotes:
    """The given rows, what they do not know filled in from the stored ones.

    A report that lacks a price does not take it back: the exchange tells volumes by method, and opening and closing
    prices, in two different answers.
    """
    known = match >= 0
    columns: dict[str, Any] = {}
    for name in MAY_BE_UNKNOWN:
        column, before = getattr(given, name), np.full(len(given), UNKNOWN)
        before[known] = getattr(stored, name)[match[known]]
        columns[name] = np.where(column == UNKNOWN, before, column)
    return replace(given, **columns)


def _news(given: Quotes, stored: Quotes, match: Ints) -> tuple[Bools, Bools]:
    """Which of the given rows are new days, and which say something else than the stored ones, shape (n,) each."""
    known = match >= 0
    differs = np.zeros(len(given), dtype=bool)
    for name in VALUES:
        differs[known] |= getattr(given, name)[known] != getattr(stored, name)[match[known]]
    return ~known, differs


def _sortable(column: Any) -> Any:
    return column.sorted_by_name().codes if isinstance(column, Labels) else column


def _insert(c: Connection, fresh: Quotes, receipt: int) -> None:
    names = (*QUOTE_KINDS, "receipt")
    for start in range(0, len(fresh), INSERT_ROWS_MAX):
        part = fresh.take(np.arange(start, min(start + INSERT_ROWS_MAX, len(fresh))))
        columns = [_plain(getattr(part, name)) for name in QUOTE_KINDS]
        rows = zip(*columns, [receipt] * len(part), strict=True)
        c.execute(quotes.insert(), [dict(zip(names, row, strict=True)) for row in rows])


def _plain(column: Any) -> list[Any]:
    if isinstance(column, Labels):
        texts: list[Any] = np.array([*column.names, ""], dtype=object)[column.codes].tolist()
        return texts
    plain: list[Any] = column.astype("U10").tolist() if column.dtype.kind == "M" else column.tolist()
    return plain


def read_quotes(
    c: Connection,
    instrument: str | None = None,
    mechanism: str | None = None,
    code: str | None = None,
    since: date | None = None,
    until: date | None = None,
) -> Quotes:
    """The latest revision of every stored day, in order of market, code, method and day; None is no restriction."""
    wanted = {"instrument": instrument, "mechanism": mechanism, "code": code}
    restrictions = [quotes.c[name] == value for name, value in wanted.items() if value is not None]
    restrictions += [quotes.c.day >= since.isoformat()] if since else []
    restrictions += [quotes.c.day <= until.isoformat()] if until else []
    return _quotes_of(c.execute(_latest(restrictions)).all()).sorted()


def _latest(restrictions: list[ColumnElement[bool]]) -> Select[Any]:
    rank = func.row_number().over(partition_by=[quotes.c[k] for k in KEY], order_by=quotes.c.receipt.desc())
    ranked = select(*(quotes.c[name] for name in QUOTE_KINDS), rank.label("rank")).where(*restrictions).subquery()
    return select(*(ranked.c[name] for name in QUOTE_KINDS)).where(ranked.c.rank == 1)


def _quotes_of(rows: Any) -> Quotes:
    columns = list(zip(*rows, strict=True)) or [()] * len(QUOTE_KINDS)
    dtypes: dict[str, Any] = {"date": "datetime64[D]", "int": np.int64, "bool": bool}

    def column(kind: str, values: Any) -> Any:
        return Labels.of(values) if kind == "label" else np.array(values, dtype=dtypes[kind])

    return Quotes(**{n: column(kind, v) for (n, kind), v in zip(QUOTE_KINDS.items(), columns, strict=True)})


def read_revisions(
    c: Connection, instrument: str, mechanism: str, code: str, day: date, method: str = ""
) -> tuple[Revision, ...]:
    """What every import said about one day, the oldest first."""
    key = zip(KEY, (instrument, mechanism, code, method, day.isoformat()), strict=True)
    columns = (quotes.c.receipt, quote_imports.c.imported_at, *(quotes.c[name] for name in QUOTE_KINDS))
    asked = (
        select(*columns)
        .join(quote_imports, quote_imports.c.number == quotes.c.receipt)
        .where(*(quotes.c[name] == value for name, value in key))
        .order_by(quotes.c.receipt)
    )
    return tuple(
        Revision(number, time_of(time), Quote(**{**dict(zip(QUOTE_KINDS, rest, strict=True)), "day": day}))
        for number, time, *rest in c.execute(asked)
    )


def list_series(c: Connection) -> tuple[StoredSeries, ...]:
    """What is stored, one line a series."""
    names = [quotes.c[name] for name in KEY[:-1]]
    day = quotes.c.day
    asked: Select[Any] = select(*names, func.min(day), func.max(day), func.count(day.distinct())).group_by(*names)
    found = [
        StoredSeries(instrument, mechanism, code, method, date.fromisoformat(first), date.fromisoformat(last), days)
        for instrument, mechanism, code, method, first, last, days in c.execute(asked).all()
    ]
    # In Python, because each database sorts text by its own rules.
    return tuple(sorted(found, key=lambda s: (s.instrument, s.mechanism, s.code, s.method)))


def list_quote_receipts(c: Connection, number: int | None = None) -> tuple[QuoteReceipt, ...]:
    """Every import of quotes, or the one of this number, the latest first."""
    asked = select(quote_imports).order_by(quote_imports.c.number.desc())
    if number is not None:
        asked = asked.where(quote_imports.c.number == number)
    return tuple(
        QuoteReceipt(
            **{
                **row,
                "imported_at": time_of(row["imported_at"]),
                "left_out": counts_of(row["left_out"]),
                "findings": findings_of(row["findings"]),
            }
        )
        for row in c.execute(asked).mappings()
    )
