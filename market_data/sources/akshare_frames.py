"""Frames of akshare's carbon functions (1.19.5): pilot markets' daily prices, as a pandas frame or the CSV made of one.

    energy_carbon_domestic   日期, 成交价, 成交量, 成交额, 地点                the place names the market
    energy_carbon_hb         日期, 成交价, 成交量, 最新, 涨跌                  湖北
    energy_carbon_bj         日期, 成交量, 成交均价, 成交额, 成交单位          北京; 成交单位 names what was traded: BEA
    energy_carbon_sz         交易日期, 市场交易指数, 开盘价 ... 成交额         深圳: SZA-2014 is of the year 2014
    energy_carbon_eu         the same columns, in euro                         left out as `foreign_currency`
    energy_carbon_gz         日期, 品种, 开盘价 ... 成交数量, 成交金额         广东: GDEA

Which function made a frame is told by its columns. Prices are yuan/t as binary floats (24.200001) and rounded half up
to the fen; a price of 0 is akshare's filling for none. Volumes are t. 成交价 stays as it was on days without trades,
and differs from turnover by volume on some others: it is a close, not a mean. akshare fetches by itself: nothing is
fetched here. Its frames cover neither CEA nor CCER.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from market_data.feed_reading import FeedReading, RowAccount
from market_data.quotes import UNKNOWN, Quote
from market_data.sources.coded_cells import sound_text
from market_data.sources.csv_file import read_csv
from market_data.sources.feed_fields import NOTHING
from market_data.sources.quote_rows import (
    YEAR_MAX,
    YEAR_MIN,
    QuoteBook,
    RowFields,
    leave_out_unreadable,
    mean_price_fen,
    sha256_of,
)
from market_data.sources.raw_table import cell_text, check_length, check_width, refuse
from optimizer.errors import BadInput
from optimizer.findings import fault
from optimizer.quantities import E4, yuan
from optimizer.wording import counted

FEED = "akshare"
PILOTS = ("北京", "上海", "天津", "重庆", "湖北", "广东", "深圳", "福建")
"""The pilot markets of energy_carbon_domestic."""
MARKET_SUFFIX = "碳市场"
"""A pilot's name as a mechanism: 湖北碳市场. Rule packs know CEA by its names and any other market as a pilot."""
PRICE_GAP_E4 = 1_000
"""A tenth between close and mean of one day: as far as most pilots let listed prices move in a day."""
_DATED_CODES = {
    "energy_carbon_sz": re.compile(r"SZA-?([0-9]{4})"),
    "energy_carbon_gz": re.compile(r"GDEA(?:-?([0-9]{4}))?"),
}
_EURO_CODE = re.compile(r"(欧盟\s*)?(EUA|EUAA|CER|ERU)([-\s]?[0-9]{2,4})?|欧盟.*")


class _Kind(NamedTuple):
    """One of akshare's functions: where its frame holds what. "" is nowhere."""

    function: str
    day: str
    volume: str
    turnover: str = ""
    opened: str = ""
    high: str = ""
    low: str = ""
    close: str = ""
    mean: str = ""
    market: str = ""
    """The market, where the function is about one."""
    place: str = ""
    code: str = ""
    others: tuple[str, ...] = ()
    """Columns that tell the frame and are not read."""

    @property
    def columns(self) -> frozenset[str]:
        """All columns that the frame must have."""
        texts = (self.day, self.volume, self.turnover, self.opened, self.high, self.low, self.close, self.mean)
        return frozenset((*texts, self.place, self.code, *self.others)) - {""}


KINDS = (
    _Kind("energy_carbon_domestic", "日期", "成交量", "成交额", close="成交价", place="地点"),
    _Kind("energy_carbon_hb", "日期", "成交量", close="成交价", market="湖北", others=("最新", "涨跌")),
    _Kind("energy_carbon_bj", "日期", "成交量", "成交额", mean="成交均价", market="北京", code="成交单位"),
    _Kind(
        *("energy_carbon_sz", "交易日期", "成交量", "成交额", "开盘价", "最高价", "最低价", "收盘价", "成交均价"),
        market="深圳",
        code="市场交易指数",
    ),
    _Kind(
        *("energy_carbon_gz", "日期", "成交数量", "成交金额", "开盘价", "最高价", "最低价", "收盘价"),
        market="广东",
        code="品种",
        others=("涨跌", "涨跌幅"),
    ),
)


def read_akshare(content: bytes, name: str, *, market: str = "") -> FeedReading:
    """Quotes of a CSV file that pandas wrote from one of akshare's frames; `market` as in `quotes_from_frame`.

    Raises:
        BadInput: no sound CSV, columns of no known function, another market, rows that contradict each other.
    """
    try:
        table = read_csv(content)
        broken = table.complaints.listed("fault", name)
        if broken:
            raise BadInput(broken)
        check_width(len(table.headers))
    except BadInput as error:
        raise BadInput([f if f.file else f.at(name) for f in error.findings]) from None
    columns = [(header.strip(), cells.tolist()) for header, cells in zip(table.headers, table.cells, strict=True)]
    return _read(_named(columns, name), table.rows.tolist(), name, sha256_of(content), market)


def quotes_from_frame(frame: pd.DataFrame, name: str = "akshare", *, market: str = "") -> FeedReading:
    """Quotes of a frame as akshare returns it. Rows are counted from 1.

    Args:
        frame: the columns stand at the head of this module, with their units.
        name: what findings call the frame.
        market: the pilot (湖北, 北京 ...) that the frame is expected to be about; blank takes what the frame tells.

    Raises:
        BadInput: columns of no known function, another market than expected, rows that contradict each other.
    """
    check_width(frame.shape[1])
    check_length(frame.shape[0])
    texts = [
        (sound_text(str(c)).strip(), [sound_text(cell_text(v)) for v in frame.iloc[:, i]])
        for i, c in enumerate(frame.columns)
    ]
    columns = _named(texts, name)
    printed = "\n".join("\x1f".join((header, *cells)) for header, cells in columns.items())
    rows = list(range(1, len(frame) + 1))
    return _read(columns, rows, name, sha256_of(printed.encode()), market)


def _named(columns: list[tuple[str, list[str]]], name: str) -> dict[str, list[str]]:
    """Columns by name. Raises BadInput when two that are read bear the same name."""
    known = frozenset[str]().union(*(kind.columns for kind in KINDS))
    names = [header for header, _ in columns]
    doubled = sorted({header for header in names if header in known and names.count(header) > 1})
    if doubled:
        zh, en = "此列出现两次", "stands there twice"
        raise BadInput([fault("column_doubled", zh, en, column=header).at(name) for header in doubled])
    return dict(columns)


def _read(columns: Mapping[str, list[Any]], rows: list[int], name: str, sha256: str, market: str) -> FeedReading:
    kind = _kind_of(columns, name)
    market = market.strip().removesuffix(MARKET_SUFFIX)
    _check_market(kind, market, name)
    account = RowAccount()
    book = QuoteBook(account)
    counts: Counter[tuple[str, str, str]] = Counter()
    for i, number in enumerate(rows):
        fields = RowFields({header: columns[header][i] for header in kind.columns}, number)
        _read_row(kind, fields, market, book, counts)
    _say_counts(account, counts)
    return book.reading(FEED, name, sha256)


def _kind_of(columns: Mapping[str, list[Any]], name: str) -> _Kind:
    """The function whose columns are there. Raises BadInput that names what the nearest one lacks."""
    for kind in KINDS:
        if kind.columns <= columns.keys():
            return kind
    nearest = max(KINDS, key=lambda k: len(k.columns & columns.keys()))
    gone = ", ".join(sorted(nearest.columns - columns.keys()))
    there = ", ".join(columns) or "-"
    zh = f"不是 akshare 碳市场函数的列; 与 {nearest.function} 最接近, 缺少: {gone}; 现有: {there}"
    en = f"has the columns of no carbon function of akshare; nearest is {nearest.function}, without {gone}; has {there}"
    raise refuse(fault("feed_field_missing", zh, en).at(name))


def _check_market(kind: _Kind, market: str, name: str) -> None:
    if market and market not in PILOTS:
        zh, en = f"应为试点市场之一: {', '.join(PILOTS)}", f"should be one of the pilots: {', '.join(PILOTS)}"
        raise refuse(fault("unknown_market", zh, en, value=market))
    if market and kind.market and market != kind.market:
        zh, en = f"{kind.function} 的数据属于{kind.market}", f"frames of {kind.function} are about {kind.market}"
        raise refuse(fault("feed_not_asked", zh, en, value=market).at(name))


def _read_row(
    kind: _Kind, fields: RowFields, wanted: str, book: QuoteBook, counts: Counter[tuple[str, str, str]]
) -> None:
    """One row becomes a quote, or is left out with its reason."""
    market = kind.market or fields.text(kind.place)
    printed = str(fields.row[kind.code]).strip() if kind.code else ""
    printed = "" if printed in NOTHING else printed
    if _EURO_CODE.fullmatch(printed):
        counts["foreign_currency", kind.code, ""] += 1
        return
    quote = _numbers(kind, fields)
    if leave_out_unreadable(book.account, fields):
        return
    named = _code_and_vintage(kind, printed)
    if market not in PILOTS:
        counts["unknown_market", kind.place, market] += 1
    elif wanted and market != wanted:
        counts["other_market", kind.place, market] += 1
    elif named is None:
        counts["unknown_code", kind.code, printed] += 1
    elif quote.volume_kg == 0 and quote.turnover_fen <= 0 and UNKNOWN == quote.close_fen == quote.average_fen:
        counts["no_trade", "", ""] += 1
    else:
        code, vintage = named
        quote = quote._replace(mechanism=market + MARKET_SUFFIX, code=code, vintage=vintage)
        if book.add(quote, fields):
            _doubt_close(book.account, quote, fields)


def _numbers(kind: _Kind, fields: RowFields) -> Quote:
    """The day and the numbers of a row; problems stay with `fields`."""
    volume = fields.mass_kg(kind.volume)
    turnover = fields.money_fen(kind.turnover) if kind.turnover else UNKNOWN
    opened, high, low, close, mean = (
        _price(fields, column) for column in (kind.opened, kind.high, kind.low, kind.close, kind.mean)
    )
    return Quote(
        *(fields.day(kind.day), "allowance", "", ""),
        open_fen=opened,
        high_fen=high,
        low_fen=low,
        close_fen=close,
        average_fen=mean_price_fen(turnover, volume) if mean == UNKNOWN else mean,
        volume_kg=volume,
        turnover_fen=turnover,
    )


def _price(fields: RowFields, column: str) -> int:
    price = fields.price_fen(column) if column else UNKNOWN
    return price if price > 0 else UNKNOWN


def _code_and_vintage(kind: _Kind, printed: str) -> tuple[str, int] | None:
    """The code of what was traded and its year (0: none is told); None where it is no allowance of the market."""
    if kind.function == "energy_carbon_bj":
        return ("BEA", 0) if printed in ("", "BEA") else None
    pattern = _DATED_CODES.get(kind.function)
    if pattern is None:
        return "", 0
    found = pattern.fullmatch(printed)
    year = int(found[1] or 0) if found is not None else UNKNOWN
    return (printed, year) if year == 0 or YEAR_MIN <= year <= YEAR_MAX else None


def _doubt_close(account: RowAccount, quote: Quote, fields: RowFields) -> None:
    """Where close and mean of one day lie further apart than a day's limits let listed prices move."""
    close, mean = quote.close_fen, quote.average_fen
    if UNKNOWN not in (close, mean) and abs(close - mean) * E4 > PRICE_GAP_E4 * mean:
        zh = f"收盘价 {yuan(close)} 与均价 {yuan(mean)} 相差过大, 或为沿用的旧价"
        en = f"close {yuan(close)} and mean {yuan(mean)} lie far apart: an old price carried forward, perhaps"
        account.doubt(fields.finding("prices_disagree", zh, en))


def _say_counts(account: RowAccount, counts: Counter[tuple[str, str, str]]) -> None:
    """The findings that stand for many rows."""
    for (code, column, value), n in sorted(counts.items()):
        rows_are, rows_hold = counted(n, "row is", "rows are"), counted(n, "row holds", "rows hold")
        zh, en = {
            "foreign_currency": (f"{n} 行以欧元计价, 未用", f"{rows_are} in euro and left out"),
            "unknown_market": (f"不是试点市场, {n} 行未用", f"is no pilot market; {rows_are} left out"),
            "other_market": (f"不是所要的市场, {n} 行未用", f"is not the market asked for; {rows_are} left out"),
            "unknown_code": (f"不是该市场的配额, {n} 行未用", f"is no allowance of the market; {rows_are} left out"),
            "no_trade": (f"{n} 行没有成交, 也没有价格", f"{rows_hold} no trade and no price"),
        }[code]
        account.leave_out(fault(code, zh, en, column=column, value=value or None), n)
    if account.read == 0:
        account.doubt(fault("feed_empty", "没有数据", "holds no rows"))
