"""A table of monthly mean prices becomes quotes: for users who have averages rather than days.

Two shapes, as CSV, XLSX, JSON or Parquet:

    long    month, instrument, price, volume [, mechanism]      one row a month and instrument
    wide    month, <market>_volume_t, <market>_vwap ...         one row a month; markets cea, ccer or an instrument

    month    2026-08 (or any date in the month)      price, vwap   yuan/t, rounded half up to the fen
    volume   t; blank counts 0 and makes a price a gap, because nothing says that it was traded

A month becomes one quote on its last day: that is when its mean is known, so a back-test cannot look ahead.
"""

import hashlib
import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from market_data.cells import BLANKS, CellError, word
from market_data.columns import half_width, word_key
from market_data.feed_reading import FeedReading, RowAccount
from market_data.offers_file import raw_table
from market_data.price_statistics import DEFAULT_MARKETS
from market_data.quotes import MONTH_CODE, Quote, Quotes
from market_data.sources.raw_table import RawTable
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault, warning
from optimizer.offers import INSTRUMENTS
from optimizer.quantities import MASS_T_MAX, PRICE_YUAN_MAX, NotANumber, decimal_of, round_half_up

FEED = "monthly-prices"
MARKETS_OF_HEADERS = {"cea": "allowance", **{name: name for name in INSTRUMENTS}}
"""What stands before _volume_t and _vwap in the wide shape -> instrument."""
LONG_HEADERS = {
    "month": ("month", "date", "月份", "月", "日期"),
    "instrument": ("instrument", "工具", "类型", "品种"),
    "price": ("price", "vwap", "average", "均价", "价格", "成交均价"),
    "volume": ("volume", "volumet", "成交量"),
    "mechanism": ("mechanism", "market", "市场", "机制"),
}
"""Headers of the long shape, as `word_key` reads them."""
_WIDE = re.compile(r"(?P<market>[a-z_]+?)_(?P<what>volume_t|vwap)")
_MONTH = re.compile(r"(?P<year>[0-9]{4})[-/.年]?(?P<month>[0-9]{2}|(?<=[-/.年])[0-9])(?:[-/.月]?[0-9]{0,2}日?)")


class _Cell(NamedTuple):
    """One price with its volume, and where the two stand."""

    instrument: str
    mechanism: str
    price_at: int
    volume_at: int | None


def read_monthly_prices(content: bytes, name: str) -> FeedReading:
    """The quotes of a table of monthly means, one a month and instrument, dated on the month's last day.

    Rows without a price are left out and counted. `name` is shown in complaints; the content decides the format.

    Raises:
        BadInput: every fault of the table at once, each with row, column, value and what would be right.
    """
    try:
        table = raw_table(content, name)
        found: list[Finding] = list(table.complaints.listed("fault"))
        account = RowAccount()
        quotes = _quotes(table, account, found)
        if not found and not quotes:
            found.append(fault("no_rows", "没有带价格的行", "has no row with a price"))
        if found:
            raise BadInput(found)
    except BadInput as error:
        raise BadInput([f.at(name) for f in error.findings]) from error.__cause__
    said = account.complaints.listed("warning", name)
    digest = hashlib.sha256(content).hexdigest()
    rows = Quotes.of(quotes).sorted()
    return FeedReading(FEED, name, digest, account.read, account.used, dict(account.left_out), rows, (), said)


def _quotes(table: RawTable, account: RowAccount, found: list[Finding]) -> list[Quote]:
    headers = [half_width(h).casefold() for h in table.headers]
    month_at = next((i for i, h in enumerate(headers) if word_key(h) in LONG_HEADERS["month"]), None)
    wide = _wide_cells(headers)
    long = {key: i for key, words in LONG_HEADERS.items() for i, h in enumerate(headers) if word_key(h) in words}
    missing = [key for key in ("instrument", "price", "volume") if key not in long]
    if month_at is None or (not wide and missing):
        listed = ", ".join([*(["month"] if month_at is None else []), *([] if wide else missing)])
        zh = f"缺少列: {listed}; 应有 month, instrument, price, volume, 或 month, cea_volume_t, cea_vwap ..."
        en = f"lacks columns: {listed}; should have month, instrument, price, volume, or month, cea_volume_t, cea_vwap"
        found.append(fault("column_missing", zh, en, row=1))
        return []
    taken: dict[tuple[str, str, date], int] = {}
    quotes: list[Quote] = []
    for i, row in enumerate(table.rows.tolist()):
        before = len(found)
        cells = wide or list(_long_cell(table, long, i, row, found))
        day = _month_end(table, month_at, i, row, found)
        own = [q for c in cells for q in _quote(table, c, day, (i, row), found)]
        _say_doubles(own, taken, row, found)
        if own:
            account.use()
        elif len(found) == before:
            account.leave_out(warning("no_price", "没有价格", "no price in this row", row=row))
        quotes += own
    return quotes


def _wide_cells(headers: list[str]) -> list[_Cell]:
    at = {m.group("market", "what"): i for i, h in enumerate(headers) if (m := _WIDE.fullmatch(h)) is not None}
    cells = []
    for (market, what), i in at.items():
        instrument = MARKETS_OF_HEADERS.get(market)
        if what == "vwap" and instrument is not None:
            mechanism = DEFAULT_MARKETS.get(instrument, market)
            cells.append(_Cell(instrument, mechanism, i, at.get((market, "volume_t"))))
    return cells


def _long_cell(table: RawTable, long: dict[str, int], i: int, row: int, found: list[Finding]) -> Iterator[_Cell]:
    text = str(table.cells[long["instrument"]].iloc[i])
    try:
        instrument = word(half_width(text), "instrument")
    except CellError:
        listed = ", ".join(INSTRUMENTS)
        zh, en = f"应为以下之一: {listed}", f"should be one of: {listed}"
        column = table.headers[long["instrument"]]
        found.append(fault("instrument", zh, en, row=row, column=column, value=text))
        return
    mechanism = half_width(str(table.cells[long["mechanism"]].iloc[i])) if "mechanism" in long else ""
    yield _Cell(instrument, mechanism or DEFAULT_MARKETS.get(instrument, instrument), long["price"], long["volume"])


def _quote(
    table: RawTable, cell: _Cell, day: date | None, at: tuple[int, int], found: list[Finding]
) -> Iterator[Quote]:
    """The quote of one price; none where the price is blank and nothing was traded."""
    before = len(found)
    price_fen = _scaled(table, cell.price_at, at, 100, PRICE_YUAN_MAX, found)
    volume_kg = 0 if cell.volume_at is None else _scaled(table, cell.volume_at, at, 1000, MASS_T_MAX, found)
    if len(found) > before:
        return
    if price_fen is not None and day is not None:
        yield Quote(
            day,
            cell.instrument,
            cell.mechanism,
            MONTH_CODE,
            average_fen=price_fen,
            volume_kg=volume_kg or 0,
            composite=True,
        )
    elif price_fen is None and volume_kg:
        zh, en = (
            "有成交量而无均价; 请补上均价或删去成交量",
            "a volume without a price; add the price or drop the volume",
        )
        found.append(fault("price_missing", zh, en, row=at[1], column=table.headers[cell.price_at]))


def _scaled(
    table: RawTable, position: int, at: tuple[int, int], scale: int, largest: int, found: list[Finding]
) -> int | None:
    """A number of the table in fen or kg, rounded half up; None where it is blank or (with a fault) no such number."""
    text = half_width(str(table.cells[position].iloc[at[0]])).replace(",", "")
    if text in BLANKS:
        return None
    try:
        number = decimal_of(text)
    except NotANumber:
        number = Decimal(-1)
    if 0 <= number <= largest:
        return round_half_up(Fraction(number) * scale)
    zh, en = f"应为 0 至 {largest} 的十进制数", f"should be a decimal number from 0 to {largest}"
    found.append(fault("number", zh, en, row=at[1], column=table.headers[position], value=text))
    return None


def _month_end(table: RawTable, position: int, i: int, row: int, found: list[Finding]) -> date | None:
    text = half_width(str(table.cells[position].iloc[i]))
    shape = _MONTH.fullmatch(text.partition("T")[0].partition(" ")[0])
    if shape is not None and 1 <= int(shape["month"]) <= 12 and 1990 <= int(shape["year"]) <= 2200:
        year, month = divmod(int(shape["year"]) * 12 + int(shape["month"]), 12)
        return date(year, month + 1, 1) - timedelta(days=1)
    zh, en = "应为月份, 例如 2026-08", "should be a month such as 2026-08"
    found.append(fault("month", zh, en, row=row, column=table.headers[position], value=text))
    return None


def _say_doubles(own: list[Quote], taken: dict[tuple[str, str, date], int], row: int, found: list[Finding]) -> None:
    for quote in own:
        key = (quote.instrument, quote.mechanism, quote.day)
        first = taken.setdefault(key, row)
        if first != row:
            zh, en = (
                f"与第 {first} 行的月份和工具相同; 每月每种只应一行",
                f"repeats row {first}: one row a month and each",
            )
            shown = f"{quote.day:%Y-%m} {quote.instrument}"
            found.append(fault("month_twice", zh, en, row=row, value=shown))
