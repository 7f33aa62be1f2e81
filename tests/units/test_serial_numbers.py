"""Serial numbers as registries write them, read as ranges: the same however written, and as sets of integers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.ledger.serial_numbers import UNITS_MAX, SerialRange, read_serials, register_of
from optimizer.errors import BadInput


def read(first: str, last: str | None = None, register: str = "ccer", *, numbered: bool = True) -> SerialRange:
    return read_serials(register, first, last, numbered=numbered)


@pytest.mark.parametrize(
    ("first", "last", "register", "numbers"),
    [
        ("CCER-14-001-2025-0000001", "CCER-14-001-2025-0000500", "ccer", (1, 500)),
        ("CCER-14-001-2025-0000001", "0000500", "ccer", (1, 500)),
        ("CCER-14-001-2025-0000001~CCER-14-001-2025-0000500", None, "ccer", (1, 500)),
        ("ccer 14 001 2025 7", None, "ccer", (7, 7)),
        ("101-5001-5300-VCS-VCU-1310-VER-CN-13-3005-01012022-31122022-0", None, "vcs", (5001, 5300)),
        ("40-5001-5300-VCU-020-MER-CN-13-3005-01012022-31122022-0", None, "vcs", (5001, 5300)),
        ("GS1-1-CN-GS11236-16-2024-30307-110-463", None, "gs", (110, 463)),
        ("CN-5-1463953-2-2-0-7014 - CN-5-1467609-2-2-0-7014", None, "cdm", (1463953, 1467609)),
        ("CN-5-1463953-2-2-0-7014", "CN-5-1467609-2-2-0-7014", "cdm", (1463953, 1467609)),
    ],
)
def test_forms_of_registries_are_read_with_the_register_they_name(first, last, register, numbers):
    found = read(first, last)
    assert (found.register, found.first, found.last) == (register, *numbers)


WRITTEN = [
    "CCER-2025-0042",
    "ccer 2025 42",
    "ＣＣＥＲ２０２５－４２",
    "CCER—2025—042",
    "【CCER】2025/42",
    " CCER_2025.42 ",
]


def test_one_serial_is_the_same_however_it_is_written():
    assert len({(s.prefix, s.first, s.last) for s in map(read, WRITTEN)}) == 1


def test_digits_that_are_set_apart_are_not_run_together():
    assert read("A-1-23").prefix != read("A-12-3").prefix


def test_more_digits_than_a_database_counts_go_to_the_prefix_and_stay_apart():
    long, longer = read("A" + "1" * 19), read("A" + "1" * 20)
    assert long.first < 10**18 and (long.prefix, long.first) != (longer.prefix, longer.first)
    with pytest.raises(BadInput):
        read("A" + "9" * 18, "A1" + "0" * 18)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("", None),
        ("---", None),
        ("A-\u0410-1", None),  # a Cyrillic letter that looks Latin
        ("A\u200b1", None),
        ("A\x001", None),
        ("A-1\n", "B-2"),
        ("A-2", "A-1"),
        ("A-1", f"A-{UNITS_MAX + 1}"),
        ("no number", None),
        ("x" * 201, None),
        ("1-5-9-VCS-VCU-1310", "1-5-9-VCS-VCU-1310"),
        ("1-9-5-VCS-VCU-1310", None),
        ("A-1,000", None),
    ],
)
def test_what_is_no_serial_or_no_range_is_told(first, last):
    with pytest.raises(BadInput):
        read(first, last)


def test_a_certificate_may_end_in_words_and_is_then_one():
    found = read("晋碳普惠证〔2026〕12号", numbered=False)
    assert found.units == 1 and found.prefix == "晋碳普惠证2026-12号"


def test_a_register_is_the_same_in_either_language_of_its_name():
    assert register_of("ccer", "CCER", "national CCER registry") == register_of("ccer", "", "全国...登记系统") == "ccer"
    assert register_of("allowance", "", "x") == register_of("allowance", "全国碳市场", "y") == "cea"
    assert register_of("allowance", "湖北", "") != register_of("allowance", "广东", "")
    assert register_of("credit", "Verra", "") == register_of("credit", "vcs", "") == "vcs"
    assert register_of("credit", "Gold Standard", "") == "gs"
    assert register_of("carbon_inclusion", "三晋绿色生活", "a") == register_of(
        "carbon_inclusion", "“三晋绿色生活”", "b"
    )


ENDS = st.tuples(st.integers(0, 40), st.integers(0, 40)).map(sorted)


@given(ENDS, ENDS, st.sampled_from(["A", "B"]), st.sampled_from(["A", "B"]))
def test_ranges_overlap_where_sets_of_their_numbers_meet(one, other, prefix, second):
    a, b = (read(f"{p}-{lo:05d}", f"{p}-{hi}") for p, (lo, hi) in ((prefix, one), (second, other)))
    sets = [{(p, n) for n in range(lo, hi + 1)} for p, (lo, hi) in ((prefix, one), (second, other))]
    assert a.units == len(sets[0])
    assert a.overlaps(b) == b.overlaps(a) == bool(sets[0] & sets[1])


@given(st.text(max_size=30), st.none() | st.text(max_size=30))
def test_whatever_is_written_is_read_or_told(first, last):
    try:
        found = read(first, last, numbered=False)
    except BadInput as error:
        assert error.findings
    else:
        assert -1 <= found.first <= found.last < 10**18 and found.units <= UNITS_MAX
