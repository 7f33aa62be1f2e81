"""The national allowance exchange: its answers about a day's listed prices and about volumes by vintage and method.

Two questions, both POST with a day, both public (https://shyx.cneeex.com):

    queryMarketByDate {tradeDate, goodsCode}    prices of one code, in one row
    querySubStat      {tradeDate}               volume and turnover by code and method: 10 listed, 20 block, 21 auction

What queryMarketByDate says is about listed trades only: on 2026-08-19 its dealQty and dealAmt for CEA25 are those of
method 10 in querySubStat, without that day's block trades; so its quotes have the method `listed`. Its last four fields
bear names of other things: limiUpPric and limiDownPric are volume and turnover of the listed trades since January,
averPric and updaTime those since the market opened (yearVolume, yearAmount, totalVolume, totalAmount of method 10 on
the same day); on the first day, 2021-07-16, all are the day's own. They are not read. On both days closPric is dealAmt
by dealQty.

Read either one or the other for listed trades: a day read from both holds its listed volume twice. The composite
COMCEA sums the vintages and is marked. Here live these two shapes; how old a price is and whether to trust it do not.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from market_data.feed_reading import FeedReading, RowAccount
from market_data.quotes import UNKNOWN, Quote
from market_data.sources.feed_fields import CHINA_OFFSET, json_of
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
from optimizer.findings import Finding, fault
from optimizer.quantities import tonnes, yuan
from optimizer.wording import counted

FEED = "cneeex"
MARKET_ADDRESS = "https://shyx.cneeex.com/gateway/common/queryMarketByDate"
SUB_STATISTICS_ADDRESS = "https://shyx.cneeex.com/gateway/common/querySubStat"
MARKET_FIELDS = ("quotPoin", "subjCode", "openPric", "highPric", "lowPric", "closPric", "dealQty", "dealAmt")
SUB_STATISTICS_FIELDS = ("tradeDate", "subjectCode", "tradeMethod", "tradeVolume", "tradeAmount")
METHOD_OF_CODE = {"10": "listed", "20": "block", "21": "auction"}
COMPOSITE = "COMCEA"
FIRST_CODE = "CEA"
"""碳排放配额19-20: allowances of 2019 and 2020 under one code."""
FIRST_VINTAGE = 2019
_CODE_OF_YEAR = re.compile(r"CEA([0-9]{2})")
FIRST_YEAR_CODE = 21
"""CEA21 is the first code of a single year."""
SATURDAY = 5


class _Row(NamedTuple):
    """One row of an answer: the answer's name, its place there from 1, its fields."""

    file: str
    number: int
    fields: Mapping[str, Any]


def read_cneeex(content: bytes, name: str) -> FeedReading:
    """An answer of either kind, told apart by its fields.

    Raises:
        BadInput: see `read_market` and `read_sub_statistics`.
    """
    rows = _rows_of(content, name)
    of_methods = any("tradeMethod" in row.fields or "tradeVolume" in row.fields for row in rows)
    return read_sub_statistics(content, name) if of_methods else read_market(content, name)


def read_market(content: bytes, name: str, *, day: date | None = None, code: str | None = None) -> FeedReading:
    """Listed prices of a day: one quote for each row, with the volume and turnover of listed trades.

    A day without trades carries the last price forward: it becomes a quote with volume 0. A row without a price is left
    out as `no_trade`. `day` and `code` are what was asked for.

    Raises:
        BadInput: HTML, no sound JSON, a refusal, fields that are gone, another day or code than was asked for.
    """
    return _read_all(_market_rows(content, name, day, code), name, sha256_of(content), _market_quotes)


def read_sub_statistics(content: bytes, name: str, *, day: date | None = None) -> FeedReading:
    """Volumes of a day by code and method: a quote for each row that traded, its mean price turnover by volume.

    Rows without volume are left out as `no_trade`: such a row holds no price.

    Raises:
        BadInput: HTML, no sound JSON, a refusal, fields that are gone, another day than was asked for.
    """
    return _read_all(_sub_rows(content, name, day), name, sha256_of(content), _method_quotes)


def fetch_market(
    fetcher: Fetcher, first: date, last: date, codes: Iterable[str], *, address: str = MARKET_ADDRESS
) -> FeedReading:
    """Listed prices of these codes on every weekday from `first` to `last`, a request for each code and day.

    Raises:
        BadInput: what `Fetcher.post` and `read_market` raise.
    """
    rows: list[_Row] = []
    hashes: list[str] = []
    for day in _weekdays(first, last):
        for code in dict.fromkeys(codes):
            name = f"queryMarketByDate {day.isoformat()} {code}"
            _ask(fetcher, address, day, {"goodsCode": code}, _accept_market(name, day, code), rows, hashes)
    name = f"queryMarketByDate {first.isoformat()} {last.isoformat()}"
    return _read_all(rows, name, sha256_of("\n".join(hashes).encode()), _market_quotes)


def fetch_sub_statistics(
    fetcher: Fetcher, first: date, last: date, *, address: str = SUB_STATISTICS_ADDRESS
) -> FeedReading:
    """Volumes by code and method on every weekday from `first` to `last`, a request for each day.

    Raises:
        BadInput: what `Fetcher.post` and `read_sub_statistics` raise.
    """
    rows: list[_Row] = []
    hashes: list[str] = []
    for day in _weekdays(first, last):
        accept = _accept_sub(f"querySubStat {day.isoformat()}", day)
        _ask(fetcher, address, day, {}, accept, rows, hashes)
    name = f"querySubStat {first.isoformat()} {last.isoformat()}"
    return _read_all(rows, name, sha256_of("\n".join(hashes).encode()), _method_quotes)


def _weekdays(first: date, last: date) -> Iterable[date]:
    """The exchange trades on weekdays; holidays among them answer with no rows."""
    if last < first:
        zh, en = f"结束日期早于开始日期 {first}", f"is before the first day, {first}"
        raise refuse(fault("range_reversed", zh, en, value=last))
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [day for day in days if day.weekday() < SATURDAY]


def _ask(
    fetcher: Fetcher,
    address: str,
    day: date,
    more: Mapping[str, str],
    accept: Callable[[bytes], list[_Row]],
    rows: list[_Row],
    hashes: list[str],
) -> None:
    """One day's answer, added to `rows`. Given after the day has ended in China, it is final."""
    body = {"tradeDate": _compact(day), **more}
    ended = datetime.combine(day + timedelta(days=1), time(), UTC) - CHINA_OFFSET
    answer = fetcher.post(address, body, accept=accept, final_after=ended)
    rows.extend(answer.result)
    hashes.append(sha256_of(answer.content))


def _accept_market(name: str, day: date, code: str) -> Callable[[bytes], list[_Row]]:
    return lambda content: _market_rows(content, name, day, code)


def _accept_sub(name: str, day: date) -> Callable[[bytes], list[_Row]]:
    return lambda content: _sub_rows(content, name, day)


def _compact(day: date | None) -> str | None:
    return None if day is None else day.strftime("%Y%m%d")


def _market_rows(content: bytes, name: str, day: date | None, code: str | None) -> list[_Row]:
    rows = _rows_of(content, name)
    _check(rows, MARKET_FIELDS, {"quotPoin": _compact(day), "subjCode": code}, name)
    return rows


def _sub_rows(content: bytes, name: str, day: date | None) -> list[_Row]:
    rows = _rows_of(content, name)
    _check(rows, SUB_STATISTICS_FIELDS, {"tradeDate": _compact(day)}, name)
    return rows


def _rows_of(content: bytes, name: str) -> list[_Row]:
    """The rows under `data` of an answer that says it succeeded. Raises BadInput."""
    document = json_of(content, name)
    if not isinstance(document, dict):
        zh, en = "应为含 success, code, data 的对象; 格式可能已变", "should be an object with success, code and data"
        raise refuse(fault("feed_shape", zh, en).at(name))
    gone = missing_fields([document], ("success", "code", "data"), name)
    if gone:
        raise BadInput(gone)
    if document["success"] is not True or str(document["code"]) != "200":
        told = f"success {document['success']}, code {document['code']}, message {document.get('message', '')}"
        zh, en = f"交易所未给出数据: {told}", f"the exchange gave no data: {told}"
        raise refuse(fault("feed_said_no", zh, en).at(name))
    data = document["data"]
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        zh, en = "应为对象的列表; 格式可能已变", "should be a list of objects; the format may have changed"
        raise refuse(fault("feed_shape", zh, en, column="data").at(name))
    return [_Row(name, number, row) for number, row in enumerate(data, 1)]


def _check(rows: list[_Row], wanted: tuple[str, ...], asked: Mapping[str, str | None], name: str) -> None:
    """Raises BadInput when fields are gone, or when a row is about something that was not asked for."""
    faults: list[Finding] = missing_fields([row.fields for row in rows], wanted, name)
    for row in rows:
        for field, value in asked.items():
            there = str(row.fields.get(field, value)).strip()
            if value is not None and there.replace("-", "") != value:
                zh, en = f"要的是 {value}", f"is not what was asked for: {value}"
                faults.append(fault("feed_not_asked", zh, en, row=row.number, column=field, value=there).at(name))
    if faults:
        raise BadInput(faults)


def _read_all(rows: list[_Row], name: str, sha256: str, quotes_of: Callable[["_Reader"], None]) -> FeedReading:
    reader = _Reader(rows, name)
    quotes_of(reader)
    reader.say_counts()
    return reader.book.reading(FEED, name, sha256)


class _Reader:
    """Rows on their way into the book, with what is said once about many of them."""

    def __init__(self, rows: list[_Row], name: str) -> None:
        self.rows = rows
        self.name = name
        self.account = RowAccount()
        self.book = QuoteBook(self.account)
        self.no_trade = 0
        self.unknown: Counter[tuple[str, str]] = Counter()
        self.spans = False

    def vintage(self, code: str) -> int | None:
        """The year of a code; 0 for the composite, None for a code that nobody told us of."""
        found = _CODE_OF_YEAR.fullmatch(code)
        if code == COMPOSITE:
            return 0
        if code == FIRST_CODE:
            return FIRST_VINTAGE
        return 2000 + int(found[1]) if found is not None and int(found[1]) >= FIRST_YEAR_CODE else None

    def add(self, quote: Quote, fields: RowFields) -> bool:
        """Enters a quote. True when it entered."""
        entered = self.book.add(quote, fields)
        self.spans |= entered and quote.code == FIRST_CODE
        return entered

    def say_counts(self) -> None:
        """The findings that stand for many rows."""
        for (column, value), n in sorted(self.unknown.items()):
            code = "unknown_method" if column == "tradeMethod" else "unknown_code"
            zh, en = f"未知的代码, {n} 行未用", f"is an unknown code; {counted(n, 'row is', 'rows are')} left out"
            self.account.leave_out(fault(code, zh, en, column=column, value=value), n)
        if self.no_trade:
            hold = counted(self.no_trade, "row holds", "rows hold")
            zh, en = f"{self.no_trade} 行当日没有成交, 也没有价格", f"{hold} no trade and no price"
            self.account.leave_out(fault("no_trade", zh, en), self.no_trade)
        if self.spans:
            zh = f"{FIRST_CODE} 为 2019 与 2020 两年的配额, 按最早一年计"
            en = f"{FIRST_CODE} spans the years 2019 and 2020 and counts as the first"
            self.account.doubt(fault("vintage_span", zh, en, value=FIRST_CODE))
        if not self.rows:
            zh, en = "没有数据: 非交易日, 或尚未公布", "holds no rows: no trading day, or not published yet"
            self.account.doubt(fault("feed_empty", zh, en))


def _market_quotes(reader: _Reader) -> None:
    for row in reader.rows:
        fields = RowFields(row.fields, row.number, row.file)
        code, day = fields.text("subjCode"), fields.day("quotPoin")
        volume, turnover = fields.mass_kg("dealQty"), fields.money_fen("dealAmt")
        opened, high, low, close = (fields.price_fen(f) for f in ("openPric", "highPric", "lowPric", "closPric"))
        if leave_out_unreadable(reader.account, fields):
            continue
        vintage = reader.vintage(code)
        if vintage is None:
            reader.unknown["subjCode", code] += 1
        elif volume == 0 and turnover <= 0 and close == UNKNOWN:
            reader.no_trade += 1
        else:
            mean = mean_price_fen(turnover, volume)
            quote = Quote(day, "allowance", "CEA", code, vintage, "listed", opened, high, low, close, mean, volume)
            quote = quote._replace(turnover_fen=turnover if volume else max(turnover, 0), composite=code == COMPOSITE)
            if reader.add(quote, fields):
                _doubt_prices(reader.account, quote, fields)


def _doubt_prices(account: RowAccount, quote: Quote, fields: RowFields) -> None:
    """Where prices do not lie between the day's low and high: the mean may do so by a fen of rounding."""
    if UNKNOWN in (quote.low_fen, quote.high_fen):
        return
    named = {"openPric": quote.open_fen, "closPric": quote.close_fen, "dealAmt / dealQty": quote.average_fen}
    for field, price in named.items():
        if price != UNKNOWN and not quote.low_fen - 1 <= price <= quote.high_fen + 1:
            zh = f"不在当日最低 {yuan(quote.low_fen)} 与最高 {yuan(quote.high_fen)} 之间"
            en = f"is not between the day's low {yuan(quote.low_fen)} and high {yuan(quote.high_fen)}"
            account.doubt(fields.finding("prices_disagree", zh, en, field=field, value=yuan(price)))


def _method_quotes(reader: _Reader) -> None:
    sums: Counter[tuple[date, str]] = Counter()
    composites: dict[tuple[date, str], tuple[int, RowFields]] = {}
    for row in reader.rows:
        fields = RowFields(row.fields, row.number, row.file)
        code, day, method = fields.text("subjectCode"), fields.day("tradeDate"), fields.text("tradeMethod")
        volume, turnover = fields.mass_kg("tradeVolume"), fields.money_fen("tradeAmount")
        if leave_out_unreadable(reader.account, fields):
            continue
        if code == COMPOSITE:
            composites[day, method] = (volume, fields)
        else:
            sums[day, method] += volume
        _method_quote(reader, fields, Quote(day, "allowance", "CEA", code, 0, method), volume, turnover)
    _doubt_composites(reader.account, sums, composites)


def _method_quote(reader: _Reader, fields: RowFields, bare: Quote, volume: int, turnover: int) -> None:
    """One row of a code and method; `bare` holds the method as the exchange codes it."""
    vintage = reader.vintage(bare.code)
    if vintage is None:
        reader.unknown["subjectCode", bare.code] += 1
    elif bare.method not in METHOD_OF_CODE:
        reader.unknown["tradeMethod", bare.method] += 1
    elif volume == 0 and turnover <= 0:
        reader.no_trade += 1
    else:
        mean = mean_price_fen(turnover, volume)
        quote = bare._replace(vintage=vintage, method=METHOD_OF_CODE[bare.method], average_fen=mean)
        quote = quote._replace(volume_kg=volume, turnover_fen=turnover, composite=bare.code == COMPOSITE)
        reader.add(quote, fields)


def _doubt_composites(
    account: RowAccount,
    sums: Mapping[tuple[date, str], int],
    composites: Mapping[tuple[date, str], tuple[int, RowFields]],
) -> None:
    """Where the composite is not the sum of its codes: a code is missing, or counted twice."""
    for key, (volume, fields) in composites.items():
        if volume != sums.get(key, 0):
            zh = f"综合代码的成交量 {tonnes(volume)} 吨不等于各代码之和 {tonnes(sums.get(key, 0))} 吨"
            en = f"the composite's volume {tonnes(volume)} t is not the sum of the codes, {tonnes(sums.get(key, 0))} t"
            account.doubt(fields.finding("composite_differs", zh, en, field="tradeVolume"))
