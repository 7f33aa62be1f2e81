"""Exact quantities: kg, fen, ten-thousandths; what is read, what is refused, how it is printed and shared out."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from optimizer.findings import faults_of
from optimizer.quantities import (
    AmountE4,
    Fen,
    Kg,
    NotANumber,
    RateE4,
    ceil,
    decimal_of,
    e4_of,
    fen_of,
    floor,
    kg_of,
    plain,
    price_text,
    price_text_e4,
    rate,
    round_half_up,
    scaled,
    share_out,
    tonnes,
    yuan,
)


@pytest.mark.parametrize(
    ("value", "kg"),
    [("4820.4", 4_820_400), (4820.4, 4_820_400), (0.1, 100), ("1e3", 1_000_000), (7, 7000), (" 0.001 ", 1), ("-0", 0)],
)
def test_tonnes_become_whole_kilograms_by_their_decimal_form(value, kg):
    assert kg_of(value) == kg


def test_yuan_become_whole_fen_and_rates_ten_thousandths():
    assert (fen_of("58.5"), fen_of(Decimal("0.01")), e4_of("0.0333"), e4_of(1)) == (5850, 1, 333, 10_000)


@pytest.mark.parametrize("value", ["0.0005", 0.0005, "1.2345"])
def test_more_decimals_than_the_unit_has_are_refused_not_rounded(value):
    with pytest.raises(ValueError, match=r"^$"):
        kg_of(value)


@pytest.mark.parametrize(
    "value", ["", "abc", "NaN", "inf", "-Infinity", "1,000", "1e999", "1e-999", None, True, [], b"1", float("nan")]
)
def test_what_is_no_number_is_refused(value):
    with pytest.raises(NotANumber):
        decimal_of(value)


def test_a_binary_float_is_read_by_its_shortest_decimal():
    assert scaled(0.3, 1) == 3
    assert scaled(1e-3, 3) == 1
    with pytest.raises(ValueError, match=r"^$"):
        scaled(0.1 + 0.2, 2)


@pytest.mark.parametrize(
    ("kg", "text"), [(4_820_400, "4820.4"), (1, "0.001"), (0, "0"), (1_000_000, "1000"), (10**12, "1000000000")]
)
def test_kilograms_print_as_plain_tonnes(kg, text):
    assert tonnes(kg) == text


@pytest.mark.parametrize(
    ("fen", "text"), [(120_050, "1200.50"), (1, "0.01"), (0, "0.00"), (10**14, "1000000000000.00")]
)
def test_fen_print_with_both_decimals(fen, text):
    assert yuan(fen) == text


def test_rates_and_decimals_print_without_trailing_zeros_or_exponents():
    assert (rate(3000), rate(10_000), rate(1)) == ("0.3", "1", "0.0001")
    assert (plain(Decimal("1E+3")), plain(Decimal("1.500")), plain(Decimal(100))) == ("1000", "1.5", "100")


@pytest.mark.parametrize(
    ("value", "half_up", "down", "up"),
    [
        (Fraction(1, 2), 1, 0, 1),
        (Fraction(3, 2), 2, 1, 2),
        (Fraction(-1, 2), 0, -1, 0),
        (Fraction(-3, 2), -1, -2, -1),
        (Fraction(7), 7, 7, 7),
        (Fraction(10**20 + 1, 10**20), 1, 1, 2),
    ],
)
def test_rounding_is_exact_and_halves_go_up(value, half_up, down, up):
    assert (round_half_up(value), floor(value), ceil(value)) == (half_up, down, up)


@pytest.mark.parametrize(
    ("total", "parts", "unit", "shared"),
    [
        (100, [100] * 3, 3, [34, 33, 33]),
        (100, [3333, 3333, 3334], 100, [33, 33, 34]),
        (3, [1, 2], 1, [1, 2]),
        (1, [1] * 2, 4, [1, 0]),
        (0, [1] * 2, 4, [0, 0]),
        (0, [], 4, []),
    ],
)
def test_parts_add_up_by_largest_remainder_ties_to_the_earlier(total, parts, unit, shared):
    assert share_out(total, parts, unit) == shared
    assert sum(shared) == total


@pytest.mark.parametrize(
    ("fen_e4", "text"),
    [(465_000_000, "465.00"), (10_000, "0.01"), (0, "0.00"), (46_505_500, "46.5055"), (1, "0.000001")],
)
def test_a_price_is_printed_exactly_and_with_both_decimals(fen_e4, text):
    assert price_text_e4(fen_e4) == price_text(Fraction(fen_e4, 1_000_000)) == text


FIELDS = [
    (Kg, "1.2345", "decimals", "小数位过多: 最多 3 位", "has too many decimals: at most 3"),
    (Kg, "-1", "negative", "不应为负数", "should not be negative"),
    (Kg, "many", "number", "应为以吨为单位的十进制数", "should be a decimal number in tonnes"),
    (Kg, "1000000001", "huge", "过大, 不合理: 至多 1000000000 吨", "is implausibly large: at most 1000000000 tonnes"),
    (Fen, "0.001", "decimals", "小数位过多: 最多 2 位", "has too many decimals: at most 2"),
    (Fen, "NaN", "number", "应为以元为单位的十进制数", "should be a decimal number in yuan"),
    (RateE4, "0.00001", "decimals", "小数位过多: 最多 4 位", "has too many decimals: at most 4"),
    (AmountE4, "-0.1", "negative", "不应为负数", "should not be negative"),
]


@pytest.mark.parametrize(("field", "value", "code", "zh", "en"), FIELDS)
def test_a_field_says_what_is_wrong_in_both_languages(field, value, code, zh, en):
    adapter: TypeAdapter[Any] = TypeAdapter(field)
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python(value)
    (finding,) = faults_of(caught.value, field)
    assert (finding.code, finding.message.zh, finding.message.en, finding.value) == (code, zh, en, value)


def test_a_field_is_an_integer_inside_and_a_decimal_string_outside():
    adapter: TypeAdapter[Any] = TypeAdapter(Kg)
    assert adapter.validate_python("1000000000") == 10**12
    assert adapter.dump_python(4_820_400, mode="json") == "4820.4"
