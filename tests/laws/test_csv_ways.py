"""The quick way through a CSV file gives what the slow way gives, wherever it says that it can."""

import csv
import hashlib
import io
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_data import read_offers
from market_data.sources.arrow_columns import PLAIN_LENGTH, plain_numbers
from market_data.sources.csv_blocks import BEGINNING_BYTES, BLOCK_BYTES, BLOCKS_OF_PART, read_plain_csv
from market_data.sources.csv_file import QUICK_BYTES, read_any_csv
from market_data.sources.raw_table import RawTable
from market_data.table_reader import PLACES_MAX
from optimizer.errors import BadInput
from optimizer.offers import Offers

HEADER = "offer_id,instrument,quantity,price"


def content_of(table: RawTable) -> object:
    cells = [column.tolist() for column in table.cells]
    return table.headers, cells, table.rows.tolist(), table.comma_may_be_decimal, table.complaints.count("fault")


def both_agree(content: bytes, block_bytes: int = BLOCK_BYTES) -> bool:
    """Whether the quick way took the file; fails when the two ways differ."""
    try:
        quick = read_plain_csv(io.BytesIO(content), block_bytes)
    except BadInput:
        quick = None
    if quick is None:
        return False
    assert content_of(quick) == content_of(read_any_csv(content))
    return True


blocks = st.sampled_from([*range(16, 64), BLOCK_BYTES])


odd = st.text(st.sampled_from('a1 ",;\n\r\t|中é\ufeff\x0b\x1c\u2028\x85'), max_size=6)
quoted = odd.map(lambda t: '"' + t.replace('"', '""') + '"')
cell = st.sampled_from(
    ["", "A1", "ccer", "1000", "58.5", "山西", '""', '"a,b"', '"a\nb"', '"a\r\nb"', '"a""b"', " ", "NA"]
)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.lists(cell | quoted, min_size=4, max_size=4), min_size=1, max_size=5),
    end=st.sampled_from(["\n", "\r\n"]),
    delimiter=st.sampled_from(",;\t|"),
    mark=st.booleans(),
    last=st.booleans(),
    block=blocks,
)
def test_both_ways_give_the_same_table_of_sound_rows(rows, end, delimiter, mark, last, block):
    lines = [HEADER.replace(",", delimiter), *(delimiter.join(row) for row in rows)]
    text = end.join(lines) + (end if last else "")
    both_agree((b"\xef\xbb\xbf" if mark else b"") + text.encode(), block)


@settings(max_examples=200, deadline=None)
@given(body=st.lists(odd | cell | st.sampled_from(list(',\n"')), max_size=30).map("".join), head=odd, block=blocks)
def test_both_ways_give_the_same_table_of_any_text(body, head, block):
    both_agree(f"{HEADER}{head}\n{body}".encode(), block)
    both_agree(f"{head}{HEADER}\n{body}".encode(), block)


@settings(max_examples=150, deadline=None)
@given(body=st.binary(max_size=60))
def test_both_ways_give_the_same_table_of_any_bytes(body):
    both_agree(f"{HEADER}\nA1,ccer,1,".encode() + body)


def test_the_quick_way_takes_what_offices_write():
    for text in (
        f"{HEADER}\nA1,ccer,1,2\n",
        f"\ufeff{HEADER}\r\nA1,ccer,1,2\r\nA2,ccer,1,2",
        f'{HEADER}\nA1,ccer,"1,000",2\n"A ""2""",ccer,,""\n',
        f"{HEADER}\nA1,ccer,1,2\n,,,\nA2,ccer,1,2\n",
        f"{HEADER}\nA1,ccer,1,2\n\nA2,ccer,1,2\n\n\n",
        '报价编号,品种,"数量\n(吨)",价格\nA1,碳普惠,1,2\n',
        "offer_id;instrument;quantity;price\nA1;ccer;1,5;2\n",
    ):
        assert both_agree(text.encode()), text


def test_the_quick_way_leaves_what_is_odd_to_the_slow_one():
    for content in (
        f"title,,,\n{HEADER}\nA1,ccer,1,2\n".encode(),
        f"{HEADER}\nA1,ccer,1\n".encode(),
        f"{HEADER}\rA1,ccer,1,2\r".encode(),
        f'{HEADER}\nA"1",ccer,1,2\n'.encode(),
        f'{HEADER}\n"A1"x,ccer,1,2\n'.encode(),
        f'{HEADER}\n"A1,ccer,1,2\n'.encode(),
        f'{HEADER}\n"A\r\n1",ccer,1,2\n'.encode(),
        f"{HEADER},\nA1,ccer,1,2,\n".encode(),
        f"{HEADER}\n山西,ccer,1,2\n".encode("gb18030"),
        f"{HEADER}\n\ufeffA1,ccer,1,2\n".encode(),
        f"{HEADER}\nA\x00,ccer,1,2\n".encode(),
        f"{HEADER}\nA{'x' * 1_000_001},ccer,1,2\n".encode(),
    ):
        assert read_plain_csv(io.BytesIO(content)) is None, content[:80]


def long_text(end: str) -> str:
    """Rows longer than the beginning of a file in which its header is looked for."""
    odd = ['"a,b"', '"a ""b"""', '""', "", "山西", "58.5"]
    rows = [f"A{i},{odd[i % len(odd)]},{i % 7},项目 {i % 5_000} {'x' * (i % 90)}" for i in range(24_000)]
    rows[5_000:5_000] = [",,,", ""]
    return end.join([HEADER, *rows])


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("block", [4096, BLOCK_BYTES])
def test_a_file_of_many_parts_is_read_as_one(end, block):
    text = long_text(end)
    assert len(text.encode()) > BEGINNING_BYTES + 3 * BLOCKS_OF_PART * 4096
    assert both_agree(text.encode(), block)
    assert both_agree((text + end).encode(), block)


@pytest.mark.parametrize(
    "odd", ["A1,ccer,1", "\ufeffA1,ccer,1,2\x00", 'A"1,ccer,1,2', "A1,ccer\r,1,2", "A1," + "x" * 80_000]
)
def test_what_is_odd_far_down_a_file_is_left_to_the_slow_way(odd):
    text = long_text("\n") + f"\n{odd}\n"
    assert read_plain_csv(io.BytesIO(text.encode()), 4096) is None


def test_empty_rows_keep_the_numbers_of_the_others():
    table = read_plain_csv(io.BytesIO(f"{HEADER}\n,,,\nA1,ccer,1,2\n\n,,,3\n".encode()))
    assert table is not None
    assert table.rows.tolist() == [3, 5]


ODD_CELLS = {
    "quantity": (
        "1500",
        "12.5",
        " 12",
        "1,234",
        "１２",
        "5万",
        "+5",
        "5.",
        ".5",
        "00012",
        "0",
        "-1",
        "1e5",
        "x",
        "",
        "-",
    ),
    "price": ("58.35", "0.00", "58.355", "1000000", "1000001", "123456789.12", "9999999999", "58.5元", "nan", "", "2%"),
    "min_quantity": ("", "-", "1.50", "0.001", "0.0001", "1.2.3"),
    "project_name": (
        "",
        " ",
        "a  b",
        "a\tb",
        "\u3000林",
        "\ufeffx",
        "=1+1",
        "1E+11",
        "é",
        "x" * 200,
        "x" * 1001,
        "\ufffd",
    ),
}


def offers_text(rows: list[dict[str, str]]) -> bytes:
    lines = io.StringIO()
    writer = csv.DictWriter(lines, ["offer_id", "instrument", *ODD_CELLS], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return lines.getvalue().encode()


def long_market(sound: bool) -> list[dict[str, str]]:
    """More rows and more distinct cells than are read one by one, odd cells among them; sound, or not."""
    rows = [
        {
            "offer_id": f"A{i:05d}",
            "instrument": "ccer",
            "quantity": f"{1000 + i}",
            "price": f"{50 + i / 100:.2f}",
            "min_quantity": f"{i / 1000:.3f}",
            "project_name": f"项目 {i} (project)",
        }
        for i in range(1, 6001)
    ]
    place = 0
    for column, cells in ODD_CELLS.items():
        for cell in cells:
            place += 97
            odd = rows[place] | {column: cell}
            if not sound or is_sound(offers_text([odd])):
                rows[place] = odd
    return rows


def is_sound(content: bytes) -> bool:
    try:
        read_offers("offers.csv", content=content)
    except BadInput:
        return False
    return True


def in_short_files(rows: list[dict[str, str]]) -> list[bytes]:
    return [offers_text(rows[i : i + 500]) for i in range(0, len(rows), 500)]


def test_a_long_file_gives_the_offers_that_its_rows_give_in_short_files():
    rows = long_market(sound=True)
    content = offers_text(rows)
    assert len(content) > QUICK_BYTES and read_plain_csv(io.BytesIO(content)) is not None
    parts = [read_offers("offers.csv", content=part).offers for part in in_short_files(rows)]
    assert read_offers("offers.csv", content=content).offers.sha256 == Offers.joined(parts).sha256


digits = st.text("0123456789", max_size=9)
decimals = st.builds("{}.{}".format, digits, digits) | digits


@settings(deadline=None)
@given(texts=st.lists(decimals.filter(lambda t: 0 < len(t) <= PLAIN_LENGTH and t != "."), min_size=1))
def test_numbers_that_are_read_many_at_once_are_exact(texts):
    for places in range(PLACES_MAX + 1):
        exact = [Fraction(Decimal(text)) * 10**places for text in texts]
        whole = [int(number) if number.denominator == 1 else -1 for number in exact]
        assert plain_numbers(pa.array(texts, pa.large_string()), places).tolist() == whole


def test_a_long_file_gives_what_its_bytes_give(tmp_path):
    for end in ("", '"A' + "\n", "\n\n"):
        content = offers_text(long_market(sound=True)) + end.encode()
        path = tmp_path / "offers.csv"
        path.write_bytes(content)
        assert what_is_read(path, None) == what_is_read(path, content)


def what_is_read(path: Path, content: bytes | None) -> object:
    try:
        file = read_offers(path, content=content)
    except BadInput as error:
        return error.findings
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    return file.sha256, file.offers.sha256, file.findings, file.name


def faults_of(content: bytes, rows_before: int) -> list[tuple[int, str, str, str | None]]:
    with pytest.raises(BadInput) as caught:
        read_offers("offers.csv", content=content)
    return [((f.row or 0) + rows_before, f.code, f.column, f.value) for f in caught.value.findings]


def test_a_long_file_is_told_the_faults_that_its_rows_have_in_short_files():
    rows = long_market(sound=False)
    content = offers_text(rows)
    assert len(content) > QUICK_BYTES and read_plain_csv(io.BytesIO(content)) is not None
    parts = [faults_of(part, 500 * i) for i, part in enumerate(in_short_files(rows)) if not is_sound(part)]
    assert faults_of(content, 0) == [fault for part in parts for fault in part]


@pytest.mark.parametrize("sound", [True, False])
def test_columns_read_side_by_side_give_what_they_give_one_after_the_other(tmp_path, monkeypatch, sound):
    path = tmp_path / "offers.csv"
    path.write_bytes(offers_text(long_market(sound)))
    one_after_the_other = what_is_read(path, None)
    monkeypatch.setattr("market_data.normalize.MANY_ROWS", 1)
    assert what_is_read(path, None) == one_after_the_other
