"""Rows of a feed become quotes: one row's fields with what is wrong in them, and the book that every quote enters once.

Only what all feeds of quotes share. What a field means lives with its feed.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

from market_data.feed_reading import FeedReading, RowAccount
from market_data.quotes import UNKNOWN, Quote, Quotes
from market_data.sources.feed_fields import FieldError, compact_day, number_of, scaled_half_up
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault, warning
from optimizer.quantities import (
    FEN_PER_YUAN,
    KG_PER_T,
    MASS_T_MAX,
    MONEY_YUAN_MAX,
    PRICE_YUAN_MAX,
    tonnes,
    yuan,
)

FEN_DECIMALS = 2
KG_DECIMALS = 3
YEAR_MIN = 2011
"""The first year of a quote: the pilot markets were decided on in October 2011 and opened from 2013 on."""
YEAR_MAX = 2100
"""The last year of a quote: the bound of the offers reader."""


class RowFields:
    """The fields of one row. What cannot be read is remembered in `problems`, so that all of it is said at once."""

    def __init__(self, row: Mapping[str, object], number: int, file: str = "") -> None:
        self.row = row
        self.number = number
        self.file = file
        self.problems: list[Finding] = []

    def text(self, field: str) -> str:
        """A text without spaces around; what is no text or number, or empty, is a problem."""
        value = self.row.get(field)
        text = str(value).strip() if isinstance(value, str | int | Decimal) and not isinstance(value, bool) else ""
        if not text:
            self._problem(field, "应为文字", "should be a text")
        return text

    def day(self, field: str) -> date:
        """A day between the bounds; `date.min` where there is a problem."""
        try:
            day = compact_day(self.row.get(field))
        except FieldError:
            self._problem(field, "应为日期, 例如 20260819", "should be a day such as 20260819")
            return date.min
        if not YEAR_MIN <= day.year <= YEAR_MAX:
            self._problem(field, f"年份应在 {YEAR_MIN} 至 {YEAR_MAX}", f"should lie in {YEAR_MIN} to {YEAR_MAX}")
        return day

    def price_fen(self, field: str) -> int:
        """Yuan/t to fen/t, rounded half up; UNKNOWN where there is none."""
        number = self._number(field, PRICE_YUAN_MAX)
        return UNKNOWN if number is None else scaled_half_up(number, FEN_DECIMALS)

    def money_fen(self, field: str) -> int:
        """Yuan to fen, rounded half up; UNKNOWN where there is none."""
        number = self._number(field, MONEY_YUAN_MAX)
        return UNKNOWN if number is None else scaled_half_up(number, FEN_DECIMALS)

    def mass_kg(self, field: str) -> int:
        """Tonnes to kg, rounded half up; no mark and "-" are 0: nothing was traded."""
        number = self._number(field, MASS_T_MAX)
        return 0 if number is None else scaled_half_up(number, KG_DECIMALS)

    def finding(self, code: str, zh: str, en: str, *, field: str = "", value: object = None) -> Finding:
        """A warning about this row."""
        return warning(code, zh, en, row=self.number, column=field, value=value).at(self.file)

    def _number(self, field: str, most: int) -> Decimal | None:
        try:
            number = number_of(self.row.get(field))
        except FieldError:
            self._problem(field, "应为数字", "should be a number")
            return None
        if number is not None and not 0 <= number <= most:
            self._problem(field, f"应在 0 至 {most} 之间", f"should lie between 0 and {most}")
            return None
        return number

    def _problem(self, field: str, zh: str, en: str) -> None:
        value = self.row.get(field)
        self.problems.append(self.finding("field_unreadable", zh, en, field=field, value=value))


def leave_out_unreadable(account: RowAccount, fields: RowFields) -> bool:
    """Leaves the row out when a field of it could not be read; every such field is named. True when it did."""
    if not fields.problems:
        return False
    account.leave_out(fields.problems[0])
    for problem in fields.problems[1:]:
        account.doubt(problem)
    return True


def mean_price_fen(turnover_fen: int, volume_kg: int) -> int:
    """Turnover by volume in fen/t, rounded half up; UNKNOWN where either is unknown or nothing was traded."""
    if turnover_fen == UNKNOWN or volume_kg <= 0:
        return UNKNOWN
    return (2 * turnover_fen * KG_PER_T + volume_kg) // (2 * volume_kg)


def missing_fields(rows: Iterable[Mapping[str, object]], wanted: Iterable[str], file: str) -> list[Finding]:
    """One fault for every wanted field that some row lacks, with the first such row and the fields that it has."""
    faults: dict[str, Finding] = {}
    for number, row in enumerate(rows, 1):
        for field in wanted:
            if field not in row and field not in faults:
                there = ", ".join(map(str, row)) or "-"
                zh = f"缺少此字段; 数据源的格式可能已变, 现有字段: {there}"
                en = f"is missing; the source may have changed its format, the fields there are: {there}"
                faults[field] = fault("feed_field_missing", zh, en, row=number, column=field).at(file)
    return list(faults.values())


class QuoteBook:
    """Quotes as they are read: one for each market, code, method and day.

    A row that repeats an earlier one is left out as `duplicate_row`. Two rows that contradict each other are a fault:
    which of them is right, nobody here can know.
    """

    def __init__(self, account: RowAccount) -> None:
        self.account = account
        self.faults: list[Finding] = []
        self._quotes: dict[tuple[object, ...], Quote] = {}
        self._rows: dict[tuple[object, ...], int] = {}

    def add(self, quote: Quote, fields: RowFields) -> bool:
        """Enters the quote of a row, or says why not. True when it entered."""
        key = (quote.instrument, quote.mechanism, quote.code, quote.method, quote.day)
        known = self._quotes.get(key)
        unusable = _unusable(quote, fields)
        if unusable is not None:
            self.account.leave_out(unusable)
        elif known is None:
            self._quotes[key], self._rows[key] = quote, fields.number
            self.account.use()
            return True
        elif known == quote:
            zh, en = f"与第 {self._rows[key]} 行相同", f"repeats row {self._rows[key]}"
            self.account.leave_out(fields.finding("duplicate_row", zh, en))
        else:
            self.faults.append(self._contradiction(quote, self._rows[key], fields))
        return False

    def _contradiction(self, quote: Quote, other: int, fields: RowFields) -> Finding:
        name = " ".join(part for part in (quote.mechanism, quote.code, quote.method, quote.day.isoformat()) if part)
        zh = f"与第 {other} 行同为 {name}, 数值却不同; 请核对来源"
        en = f"is about {name} as row {other} is, with other numbers; check the source"
        return fault("rows_contradict", zh, en, row=fields.number).at(fields.file)

    def reading(self, feed: str, name: str, sha256: str) -> FeedReading:
        """All quotes in order of market, code, method and day, whatever the order of the rows.

        Raises:
            BadInput: rows that contradict each other, all of them.
        """
        if self.faults:
            raise BadInput(self.faults)
        return FeedReading(
            feed,
            name,
            sha256,
            self.account.read,
            self.account.used,
            dict(sorted(self.account.left_out.items())),
            quotes=Quotes.of(self._quotes.values()).sorted(),
            findings=self.account.complaints.listed("warning", name),
        )


def _unusable(quote: Quote, fields: RowFields) -> Finding | None:
    """Why a quote says nothing that can be used: a trade without a price, volume against turnover."""
    volume, turnover = quote.volume_kg, quote.turnover_fen
    if volume and quote.close_fen == UNKNOWN and quote.average_fen == UNKNOWN:
        return fields.finding("no_price", "有成交量而没有价格", "holds a volume and no price")
    if turnover != UNKNOWN and (volume == 0) != (turnover == 0):
        zh = f"成交量 {tonnes(volume)} 吨与成交额 {yuan(turnover)} 元矛盾"
        en = f"volume {tonnes(volume)} t contradicts turnover {yuan(turnover)} yuan"
        return fields.finding("volume_turnover_disagree", zh, en)
    if quote.average_fen > PRICE_YUAN_MAX * FEN_PER_YUAN:
        zh, en = "成交额除以成交量高得不合理", "turnover by volume is implausibly high"
        return fields.finding("price_implausible", zh, en, value=yuan(quote.average_fen))
    return None


def sha256_of(content: bytes) -> str:
    """The hash that names an answer, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
