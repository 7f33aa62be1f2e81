"""One cell: the text that a person wrote becomes an exact value, or a reason why it cannot.

Numbers become integers in units of 10^-decimals, dates `datetime.date`, words and schedules their canonical text.
Here live the shapes of cells. What is said about a cell that cannot be read lives in `cell_words`.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from market_data.columns import INVISIBLE, VALUES, half_width, word_key
from optimizer.quantities import E4, MASS_T_MAX, MONEY_YUAN_MAX, PRICE_YUAN_MAX, rate, tonnes, yuan
from optimizer.regions import region_code

BLANKS = frozenset({"", "-", "--", "—", "——", "–", "/"})
"""What stands in an empty cell of a number, a date or a word; in free text a dash is kept."""

TEXT_LENGTH_MAX = 1_000
"""Characters of one text cell; a title is a tenth of it."""
SCHEDULE_PARTS_MAX = 200
"""Dates of one schedule: monthly over sixteen years."""
YEAR_MIN, YEAR_MAX = 1990, 2100
"""Vintages and dates outside are misprints: no crediting before 1990."""

CHINA_OFFSET = timedelta(hours=8)
"""China has kept UTC+8 without summer time since 1992."""


class CellError(ValueError):
    """The cell cannot be read; `code` says why, `hint` what the writer may have meant."""

    def __init__(self, code: str, hint: str = "") -> None:
        self.code = code
        self.hint = hint
        super().__init__(code)


@dataclass(frozen=True)
class Reading:
    """A cell that was read; `doubt` is the code of a warning, with its hint."""

    value: object
    doubt: str = ""
    hint: str = ""


@dataclass(frozen=True)
class NumberKind:
    """How numbers of one kind may be written: most decimals, largest value, and the unit words that may follow."""

    decimals: int
    largest: int
    units: frozenset[str]
    percent: bool = False
    positive: bool = False
    below_largest: bool = False


_MASS_UNITS = frozenset(
    {"吨", "t", "tco2e", "tco2", "吨co2e", "吨co2", "吨二氧化碳", "吨二氧化碳当量", "tonnes", "tonne"}
)
_PRICE_UNITS = frozenset(
    {"元", "元/吨", "元/t", "元/tco2e", "yuan", "yuan/t", "cny", "cny/t", "rmb", "rmb/t", "元/亩", "yuan/mu"}
)

NUMBER_KINDS: dict[str, NumberKind] = {
    "mass": NumberKind(3, MASS_T_MAX, _MASS_UNITS),
    "lot": NumberKind(3, MASS_T_MAX, _MASS_UNITS, positive=True),
    "price": NumberKind(2, PRICE_YUAN_MAX, _PRICE_UNITS),
    "money": NumberKind(2, MONEY_YUAN_MAX, frozenset({"元", "yuan", "cny", "rmb"})),
    "rate": NumberKind(4, 1, frozenset(), percent=True),
    "buffer": NumberKind(4, 1, frozenset(), percent=True, below_largest=True),
    "days": NumberKind(0, 3650, frozenset({"天", "日", "days", "day", "d"})),
    "area": NumberKind(4, 100_000_000, frozenset({"亩", "mu", "公顷", "ha"}), positive=True),
    "yield": NumberKind(4, 100, frozenset({"t", "吨", "t/mu/yr", "吨/亩/年"}), positive=True),
    "years": NumberKind(0, 100, frozenset({"年", "years", "year"}), positive=True),
    "accrued": NumberKind(4, 1_000, frozenset({"t", "吨", "t/mu", "吨/亩"})),
    "share": NumberKind(4, 1, frozenset(), percent=True),
    "asymptote": NumberKind(4, 1_000, frozenset({"t", "吨", "t/mu", "吨/亩"}), positive=True),
    "age": NumberKind(4, 500, frozenset({"年", "years", "year"}), positive=True),
    "exponent": NumberKind(4, 20, frozenset(), positive=True),
}
"""Kinds of numbers, each an integer in units of 10^-decimals: t in kg, yuan in fen, rates in ten-thousandths."""

_NUMBER = re.compile(
    r"(?P<sign1>[+-]?)(?:(?:¥|rmb|cny|人民币) ?)?(?P<sign2>[+-]?)"
    r"(?P<digits>[0-9][0-9., ]*|\.[0-9]+)(?P<exponent>e[+-]?[0-9]{1,9})?"
    r"(?P<wan>万?)(?P<percent>%?)(?P<unit>[^0-9.,%+-][^%]{0,15})?"
)
_DECIMAL = re.compile(r"[0-9]+(?:\.[0-9]+)?")
"""As most are written: nothing has to be found out about it."""
_THOUSANDS = re.compile(r"[1-9][0-9]{0,2}([, ])[0-9]{3}(?:\1[0-9]{3})*(\.[0-9]*)?")
_PLAIN = re.compile(r"[0-9]*\.?[0-9]*")
_NOT_FINITE = frozenset(
    {"nan", "inf", "infinity", "+inf", "-inf", "+infinity", "-infinity", "∞", "-∞", "1.#qnan", "1.#inf"}
)


def number(text: str, kind: NumberKind, shift: int = 0, comma_may_be_decimal: bool = False) -> int:
    """A number as people write it, in units of 10^-decimals of the kind.

    `shift` is the power of ten from the header's unit (万吨: 4). Thousands commas, a currency sign before, a unit or 万
    behind, and for rates a percent sign are understood.

    Raises:
        CellError: not one number, ambiguous, too precise, negative or implausibly large.
    """
    if len(text) < 18 and _DECIMAL.fullmatch(text):
        return in_range(_scaled(text, kind.decimals + shift), kind)
    body = half_width(text).casefold()
    found = _NUMBER.fullmatch(body) if len(body) <= 80 else None
    if found is None or (found["sign1"] and found["sign2"]):
        raise CellError("not_finite" if body in _NOT_FINITE else _spreadsheet_error(body) or "not_a_number")
    digits = _without_thousands(found["digits"].strip(), comma_may_be_decimal)
    unit = (found["unit"] or "").strip()
    if unit and unit.replace(" ", "") not in kind.units:
        raise CellError("wrong_unit", unit)
    if found["percent"] and not kind.percent:
        raise CellError("wrong_unit", "%")
    if found["exponent"]:
        raise CellError("exponent", _written_out(digits + found["exponent"]))
    places = kind.decimals + (-2 if found["percent"] else shift) + (4 if found["wan"] else 0)
    value = _scaled(digits, places)
    if "-" in (found["sign1"], found["sign2"]) and value:
        raise CellError("negative")
    return in_range(value, kind)


def in_range(value: int, kind: NumberKind) -> int:
    """`value`, if it is plausible for its kind. Raises CellError."""
    largest: int = kind.largest * 10**kind.decimals
    if value > largest or (kind.below_largest and value == largest):
        raise CellError("huge")
    if kind.positive and value == 0:
        raise CellError("not_positive")
    return value


def _without_thousands(digits: str, comma_may_be_decimal: bool) -> str:
    if _PLAIN.fullmatch(digits):
        return digits
    grouped = _THOUSANDS.fullmatch(digits)
    if "," in digits and (grouped is None or (comma_may_be_decimal and digits.count(",") == 1 and "." not in digits)):
        raise CellError("ambiguous_comma", digits.replace(",", "."))
    if grouped is None:
        raise CellError("not_a_number")
    return digits.replace(",", "").replace(" ", "")


def _scaled(digits: str, places: int) -> int:
    whole, _, fraction = digits.partition(".")
    fraction = fraction.rstrip("0")
    if len(whole.lstrip("0")) > 18:
        raise CellError("huge")
    if places < 0:
        value, rest = divmod(int(whole or "0"), int(10**-places))
        if rest or fraction:
            raise CellError("decimals")
        return value
    if len(fraction) > places:
        raise CellError("decimals")
    return int(whole + fraction.ljust(places, "0") or "0")


def _written_out(text: str) -> str:
    value = Decimal(text)
    return f"{value:f}" if abs(value.adjusted()) < 20 else ""


def _spreadsheet_error(body: str) -> str:
    return "spreadsheet_error" if re.fullmatch(r"#(n/a|ref!|value!|div/0!|name\?|num!|null!|####*)", body) else ""


_DATE = re.compile(
    r"([0-9]{4})(?:([-/.])([0-9]{1,2})\2([0-9]{1,2})|年([0-9]{1,2})月([0-9]{1,2})[日号]?|([0-9]{2})([0-9]{2}))"
)
_TIMED = re.compile(
    r"([0-9]{4})([-/])([0-9]{1,2})\2([0-9]{1,2})[t ]"
    r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]{1,9})?)?(z|[+-][0-9]{2}:?[0-9]{2})?"
)
_SHORT_YEAR = re.compile(r"[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{2,4}")


def day(text: str) -> Reading:
    """A date as people write it: 2026-10-11, 2026/10/11, 2026.10.11, 20261011, 2026年10月11日, a time stamp.

    A time stamp with a zone is read as the day in China, with a doubt: registries give UTC, one day early.

    Raises:
        CellError: no date, no such day, day and month ambiguous, a time of day without a zone.
    """
    body = re.sub(r"\s+", " ", half_width(text).casefold())
    found = _DATE.fullmatch(body.replace(" ", ""))
    if found is not None:
        parts = [p for i, p in enumerate(found.groups()) if p is not None and i != 1]
        return Reading(_date(*(int(p) for p in parts)))
    timed = _TIMED.fullmatch(body)
    if timed is not None:
        return _day_of_time_stamp(timed)
    if _SHORT_YEAR.fullmatch(body):
        raise CellError("date_ambiguous")
    if re.fullmatch(r"[3-7][0-9]{4}", body):
        raise CellError("date_serial", str(date(1899, 12, 30) + timedelta(days=int(body))))
    raise CellError(_spreadsheet_error(body) or "date_unreadable")


def _day_of_time_stamp(timed: re.Match[str]) -> Reading:
    day_written = _date(int(timed[1]), int(timed[3]), int(timed[4]))
    hour, minute, second = int(timed[5]), int(timed[6]), int(timed[7] or 0)
    if hour > 23 or minute > 59 or second > 59:
        raise CellError("date_unreadable")
    zone = timed[8]
    if zone is None:
        if hour or minute or second:
            raise CellError("date_has_time", str(day_written))
        return Reading(day_written)
    offset = timedelta() if zone == "z" else timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    moment = datetime(day_written.year, day_written.month, day_written.day, hour, minute, second)
    moment += CHINA_OFFSET - (-offset if zone.startswith("-") else offset)
    return Reading(moment.date(), "date_zoned", str(moment.date()))


def _date(year: int, month: int, day_of_month: int) -> date:
    try:
        value = date(year, month, day_of_month)
    except ValueError:
        raise CellError("date_impossible") from None
    if not YEAR_MIN <= year <= YEAR_MAX:
        raise CellError("date_out_of_range")
    return value


_YEAR = re.compile(r"(?:cea)?([0-9]{4})(?:\.0+)?年?度?")
_YEAR_SHORT = re.compile(r"cea-?([0-9]{2})")
_YEARS = re.compile(r"(?:cea)?([0-9]{4})年?度?[-—–~至到/]+([0-9]{4})年?度?|cea([0-9]{2})-([0-9]{2})")


def vintage(text: str) -> Reading:
    """The year of reductions or allowances: 2021, 2021年, CEA21; of a span (2019-2020) the first, with a doubt.

    The first year, because limits on vintages keep old ones out: no lot gets in on its younger half.

    Raises:
        CellError: no year, or before 1990, or after 2100.
    """
    body = half_width(text).casefold().replace(" ", "")
    span = _YEARS.fullmatch(body)
    if span is not None:
        first, last = (int(y) if len(y) == 4 else 2000 + int(y) for y in span.groups() if y is not None)
        if first > last:
            raise CellError("vintage_unreadable")
        return Reading(_year(first), "vintage_span" if last > first else "", str(first))
    found = _YEAR.fullmatch(body)
    short = _YEAR_SHORT.fullmatch(body)
    if found is None and short is None:
        raise CellError("vintage_unreadable")
    return Reading(_year(int(found[1]) if found is not None else 2000 + int(short[1]) if short is not None else 0))


def _year(year: int) -> int:
    if not YEAR_MIN <= year <= YEAR_MAX:
        raise CellError("vintage_out_of_range")
    return year


def word(text: str, kind: str) -> str:
    """The canonical word of an enumerated value. Raises CellError."""
    found = VALUES[kind].get(word_key(text))
    if found is None:
        raise CellError(f"unknown_{kind}")
    return found


def region(text: str) -> str:
    """The canonical code of a place. Raises CellError."""
    code = region_code(half_width(text).removesuffix(".0"))
    if code is None:
        raise CellError("unknown_region")
    return code


_SHAPELESS = re.compile(rf"[\x00-\x08\x0e-\x1f\x7f-\x9f{INVISIBLE}]")
_LINE_SPACE = re.compile(r"[\t\n\v\f\r\u2028\u2029]+")
_LOST_DIGITS = re.compile(r"[0-9](\.[0-9]+)?[eE]\+[0-9]{1,3}")


def clean_text(text: str) -> str:
    """Free text without control and invisible characters, line breaks as one space, no space around.

    Text that begins with = + - @ stays text.

    Raises:
        CellError: longer than a text is, or with characters that are not text.
    """
    cleaned = _SHAPELESS.sub("", _LINE_SPACE.sub(" ", text)).strip()
    if len(cleaned) > TEXT_LENGTH_MAX:
        raise CellError("text_too_long")
    if "\ufffd" in cleaned:
        raise CellError("text_broken")
    return cleaned


def clean_id(text: str) -> str:
    """An identifier. Raises CellError as `clean_text` does, and where a spreadsheet has rounded a long number away."""
    cleaned = clean_text(text)
    if _LOST_DIGITS.fullmatch(cleaned):
        raise CellError("digits_lost")
    return cleaned


_PLAIN_PAIRS = re.compile(r"[0-9.-]+=[0-9.-]+(?:;[0-9.-]+=[0-9.-]+)*")
"""As most are written: nothing has to be found out about where they end."""
_PARTS = re.compile(r"[;；\n\r、|]+")
_DATED_PARTS = re.compile(r"[;；\n\r、|]+|[,，](?=\s*[0-9]{4}\s*[-/.年0-9])")


def _pairs(text: str, separator: re.Pattern[str]) -> list[tuple[str, str]]:
    plain = _PLAIN_PAIRS.fullmatch(text) is not None
    parts = text.split(";") if plain else [p for p in separator.split(text) if half_width(p)]
    if not parts or len(parts) > SCHEDULE_PARTS_MAX:
        raise CellError("schedule_unreadable")
    pairs = [part.split("=") if plain else re.split(r"[=＝:：]", part) for part in parts]
    if any(len(pair) != 2 for pair in pairs):
        raise CellError("schedule_unreadable")
    return [(pair[0], pair[1]) for pair in pairs]


def dated(text: str, kind: NumberKind) -> list[tuple[date, int]]:
    """Numbers at dates, "2029-12-31=0.2;2032-12-31=0.8", dates strictly increasing.

    Raises:
        CellError: a part that is no date=number pair, or dates that do not increase.
    """
    points: list[tuple[date, int]] = []
    for when, how_much in _pairs(text, _DATED_PARTS):
        read = day(when)
        assert isinstance(read.value, date)
        points.append((read.value, number(how_much, kind)))
    if any(a[0] >= b[0] for a, b in pairwise(points)):
        raise CellError("schedule_dates")
    return points


def delivery(text: str) -> str:
    """Canonical text of a delivery schedule: cumulative shares that never fall, at most 1. Raises CellError."""
    points = dated(text, NUMBER_KINDS["share"])
    shares = [share for _, share in points]
    if any(a > b for a, b in pairwise(shares)):
        raise CellError("delivery_falls", "sum" if sum(shares) == E4 else "")
    return schedule_text(points)


def payment(text: str) -> str:
    """Canonical text of a payment schedule: shares above 0 that sum to exactly 1. Raises CellError."""
    points = dated(text, NUMBER_KINDS["share"])
    shares = [share for _, share in points]
    if 0 in shares:
        raise CellError("payment_zero")
    if sum(shares) != E4:
        raise CellError("payment_sum", rate(sum(shares)))
    return schedule_text(points)


def breaks(text: str) -> str:
    """Canonical text of price breaks: from quantities that increase, above 0, at prices. Raises CellError."""
    pairs = _priced(text)
    if any(a[0] >= b[0] for a, b in pairwise(pairs)):
        raise CellError("breaks_order")
    return ";".join(f"{tonnes(kg)}={yuan(fen).rstrip('0').rstrip('.')}" for kg, fen in pairs)


def levels(text: str) -> tuple[tuple[int, int], ...]:
    """The levels of an order book as (kg, fen per t): quantities above 0 at prices that increase. Raises CellError."""
    pairs = _priced(text)
    prices = [fen for _, fen in pairs]
    if any(a >= b for a, b in pairwise(prices)):
        raise CellError("levels_order", "breaks" if prices == sorted(set(prices), reverse=True) else "")
    return tuple(pairs)


def _priced(text: str) -> list[tuple[int, int]]:
    return [
        (number(quantity, NUMBER_KINDS["lot"]), number(price, NUMBER_KINDS["price"]))
        for quantity, price in _pairs(text, _PARTS)
    ]


def schedule_text(points: list[tuple[date, int]]) -> str:
    """Shares (in ten-thousandths) at dates, as text."""
    return ";".join(f"{when.isoformat()}={rate(share)}" for when, share in points)
