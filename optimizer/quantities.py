"""Exact quantities: mass in integer kg, money in integer fen, rates in ten-thousandths; decimal strings at every edge.

Nothing here is a binary float: a float that comes in (YAML, a spreadsheet cell) is read by its shortest decimal form.

    1 t = 1000 kg      1 yuan = 100 fen      a rate, factor or share has at most 4 decimals (E4 = 10^4)
"""

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

KG_PER_T = 1000
FEN_PER_YUAN = 100
E4 = 10_000

MASS_T_MAX = 1_000_000_000
"""Tonnes in one number: a tenth of what the world emits in a year; more is a misprint."""
PRICE_YUAN_MAX = 1_000_000
"""Yuan per tonne in one number: more is a misprint. Keeps unit costs within 64-bit integers (see `arcs`)."""
MONEY_YUAN_MAX = 1_000_000_000_000
"""Yuan in one budget or fee: a million million; more is a misprint."""


class NotANumber(ValueError):
    """The text is no decimal number that can be used."""


def decimal_of(value: Any) -> Decimal:
    """`value` as an exact decimal. Raises NotANumber on text that is no number, on NaN and on infinities."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise NotANumber
    try:
        number = (
            Decimal(repr(value))
            if isinstance(value, float)
            else Decimal(value.strip() if isinstance(value, str) else value)
        )
    except InvalidOperation as error:
        raise NotANumber from error
    if not number.is_finite() or abs(number.adjusted()) > 30:
        raise NotANumber
    return number


_PLAIN = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,9}))?")
"""As most numbers are written."""


def scaled(value: Any, decimals: int) -> int:
    """`value` x 10^decimals as an exact integer. Raises NotANumber, or ValueError when there are more decimals."""
    written = _PLAIN.fullmatch(value) if isinstance(value, str) else None
    if written is not None and len(fraction := written[2] or "") <= decimals:
        return int(written[1] + fraction.ljust(decimals, "0"))
    number = decimal_of(value).scaleb(decimals)
    whole = int(number)
    if whole != number:
        raise ValueError
    return whole


def kg_of(tonnes: Any) -> int:
    """Decimal tonnes (at most 3 decimals) to integer kg."""
    return scaled(tonnes, 3)


def fen_of(yuan: Any) -> int:
    """Decimal yuan (at most 2 decimals) to integer fen."""
    return scaled(yuan, 2)


def e4_of(rate: Any) -> int:
    """A rate, factor or share (at most 4 decimals) to integer ten-thousandths."""
    return scaled(rate, 4)


def plain(number: Decimal) -> str:
    """A decimal without exponent and without trailing zeros after the point."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


THOUSANDTHS = tuple(f".{k:03d}".rstrip("0").rstrip(".") for k in range(KG_PER_T))
HUNDREDTHS = tuple(f".{k:02d}" for k in range(FEN_PER_YUAN))
"""Decimals as they are printed, looked up: a plan prints thousands of amounts."""


def tonnes(kg: int) -> str:
    """Integer kg as decimal tonnes: 4820400 -> "4820.4"."""
    if kg < 0:
        return f"-{tonnes(-kg)}"
    return f"{kg // KG_PER_T}{THOUSANDTHS[kg % KG_PER_T]}"


def yuan(fen: int) -> str:
    """Integer fen as decimal yuan with both decimals: 120050 -> "1200.50"."""
    if fen < 0:
        return f"-{yuan(-fen)}"
    return f"{fen // FEN_PER_YUAN}{HUNDREDTHS[fen % FEN_PER_YUAN]}"


def rate(e4: int) -> str:
    """Integer ten-thousandths as a decimal: 3000 -> "0.3"."""
    return plain(Decimal(e4).scaleb(-4))


def round_half_up(value: Fraction) -> int:
    """The nearest integer, halves upwards."""
    return quotient_half_up(value.numerator, value.denominator)


def quotient_half_up(number: int, unit: int) -> int:
    """The integer nearest to number / unit, halves upwards."""
    return (2 * number + unit) // (2 * unit)


def floor(value: Fraction) -> int:
    """The largest integer not above `value`."""
    return value.numerator // value.denominator


def ceil(value: Fraction) -> int:
    """The smallest integer not below `value`."""
    return -(-value.numerator // value.denominator)


def price_text(yuan_per_t: Fraction) -> str:
    """A price, exact, with at least two decimals."""
    fen = yuan_per_t * 100
    if fen.denominator == 1:
        return yuan(int(fen))
    return plain(Decimal(round_half_up(yuan_per_t * 10**6)).scaleb(-6))


def price_text_e4(fen_e4: int) -> str:
    """A price of so many 10^-4 fen, exact, with at least two decimals of a yuan."""
    fen, rest = divmod(fen_e4, E4)
    return plain(Decimal(fen_e4).scaleb(-6)) if rest else yuan(fen)


def share_out(total: int, parts: Sequence[int], unit: int) -> list[int]:
    """Whole parts that add up to `total`, each within one of its exact part (largest remainder; ties to the earlier).

    `parts` are in 1/unit; `total` is their sum rounded either way.
    """
    divided = [divmod(p, unit) for p in parts]
    shared = [whole for whole, _ in divided]
    missing = total - sum(shared)
    if missing:
        order = sorted(range(len(parts)), key=lambda i: -divided[i][1])
        for i in order[:missing]:
            shared[i] += 1
    return shared


def _reader(decimals: int, largest: int, zh_unit: str, en_unit: str) -> BeforeValidator:
    def read(value: Any) -> int:
        try:
            number = scaled(value, decimals)
        except NotANumber:
            raise PydanticCustomError(
                "number", f"should be a decimal number in {en_unit}", {"zh": f"应为以{zh_unit}为单位的十进制数"}
            ) from None
        except ValueError:
            raise PydanticCustomError(
                "decimals", f"has too many decimals: at most {decimals}", {"zh": f"小数位过多: 最多 {decimals} 位"}
            ) from None
        if number < 0:
            raise PydanticCustomError("negative", "should not be negative", {"zh": "不应为负数"})
        if number > largest * 10**decimals:
            raise PydanticCustomError(
                "huge",
                f"is implausibly large: at most {largest} {en_unit}",
                {"zh": f"过大, 不合理: 至多 {largest} {zh_unit}"},
            )
        return number

    return BeforeValidator(read)


def decimal_schema(decimals: int, largest: int, en_unit: str, example: str) -> dict[str, Any]:
    """What JSON may say for a quantity, as JSON Schema: a decimal string, or a number, read exactly."""
    whole = len(str(largest))
    return {
        "anyOf": [
            {"type": "string", "pattern": rf"^[0-9]{{1,{whole}}}(\.[0-9]{{1,{decimals}}})?$"},
            {"type": "number", "minimum": 0, "maximum": largest},
        ],
        "description": f"In {en_unit}, at most {decimals} decimals; a decimal string, or a number, read exactly.",
        "examples": [example],
    }


def _said(decimals: int, largest: int, en_unit: str, example: str) -> WithJsonSchema:
    """How documents for programs describe what is read; what is written they derive themselves."""
    return WithJsonSchema(decimal_schema(decimals, largest, en_unit, example), mode="validation")


Kg = Annotated[
    int,
    _reader(3, MASS_T_MAX, "吨", "tonnes"),
    PlainSerializer(tonnes, return_type=str),
    _said(3, MASS_T_MAX, "tonnes", "4820.4"),
]
"""Integer kg; decimal tonnes in files."""
Fen = Annotated[
    int,
    _reader(2, MONEY_YUAN_MAX, "元", "yuan"),
    PlainSerializer(yuan, return_type=str),
    _said(2, MONEY_YUAN_MAX, "yuan", "600000.00"),
]
"""Integer fen; decimal yuan in files."""
PriceFen = Annotated[
    int,
    _reader(2, PRICE_YUAN_MAX, "元/吨", "yuan per tonne"),
    PlainSerializer(yuan, return_type=str),
    _said(2, PRICE_YUAN_MAX, "yuan per tonne", "46.50"),
]
"""Integer fen per tonne; decimal yuan per tonne in files. Small enough for unit costs in 64 bits (see `arcs`)."""
ShareE4 = Annotated[
    int,
    _reader(4, 1, "的小数比例, 如 0.3", "a decimal share such as 0.3"),
    PlainSerializer(rate, return_type=str),
    _said(4, 1, "parts of one", "0.3"),
]
"""Integer ten-thousandths of a share between 0 and 1; a decimal share in files."""
RateE4 = Annotated[
    int,
    _reader(4, 10_000, "比例", "a rate"),
    PlainSerializer(rate, return_type=str),
    _said(4, 10_000, "parts of one (0.1 is 10 %)", "0.1"),
]
"""Integer ten-thousandths; a decimal rate in files."""
AmountE4 = Annotated[
    int,
    _reader(4, MONEY_YUAN_MAX, "单位", "the level's unit"),
    PlainSerializer(rate, return_type=str),
    _said(4, MONEY_YUAN_MAX, "the level's unit (tonnes or yuan)", "10"),
]
"""Ten-thousandths of a tonne or a yuan, for slacks."""
