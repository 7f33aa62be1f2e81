"""CSV files: encoding, delimiter, quotes; raw text with positions.

Row 1 is the first record of the file (normally the header), as a spreadsheet would number it; a quoted line break does
not start a new row. Encodings: UTF-8 with or without a byte-order mark, GB18030 (which contains GBK and GB2312).

A file without oddities (UTF-8, the header on top, sound quotes, rows of one width) takes the quick way through Arrow;
every other one, and every one that has something to complain about, the slow way. Both give the same table.
"""

import codecs
import csv
import io
from collections.abc import Iterator
from itertools import islice

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]
import pyarrow.csv as pa_csv  # type: ignore[import-untyped]
from numpy.typing import NDArray

from market_data.columns import count_known, match_header
from market_data.sources.raw_table import (
    COLUMNS_MAX,
    HEADER_SEARCH_ROWS,
    CodedCells,
    Codes,
    RawTable,
    check_length,
    check_width,
    coded_column,
    header_index,
    refuse,
    table_of_rows,
)
from optimizer.findings import Finding, fault

DELIMITERS = ",;\t|"
FIELD_LENGTH_MAX = 1_000_000
"""Characters of one cell; a lost quote makes one cell of half the file."""
HEAD_LENGTH = 200_000
"""Characters in which the header and the delimiter are looked for."""
BLOCK_BYTES = 2 * 1024 * 1024
"""What Arrow reads at once, block beside block: more than any sound row, little enough to stay in the cache."""


def read_csv(content: bytes) -> RawTable:
    """The raw table of a CSV file.

    Raises:
        BadInput: not text, an unknown encoding, a broken quote, no content.
    """
    quick = read_plain_csv(content)
    return quick if quick is not None else read_any_csv(content)


def read_any_csv(content: bytes) -> RawTable:
    """The slow way, for every file: record by record, with a complaint about each that is odd. Raises BadInput."""
    text = decode(content)
    delimiter = sniff_delimiter(text)
    records, broken = _records(text, delimiter)
    start = header_index(records)
    header = _without_trailing_blanks(records[start])
    check_width(len(header))
    table = _table(records, start, header)
    if broken is not None:
        table.complaints.add(broken)
    if delimiter == ";":
        return RawTable(table.headers, table.cells, table.rows, table.complaints, comma_may_be_decimal=True)
    return table


def read_plain_csv(content: bytes, block_bytes: int = BLOCK_BYTES) -> RawTable | None:
    """The quick way, for a file that has nothing odd about it; None for every other file. Arrow reads by blocks.

    Raises:
        BadInput: too many rows.
    """
    start = len(codecs.BOM_UTF8) if content.startswith(codecs.BOM_UTF8) else 0
    head = _plain_head(content[start : start + 4 * HEAD_LENGTH])
    if head is None or not _plain_lines(content):
        return None
    header, delimiter = head
    for _ in range(1 + sum(cell.count("\n") for cell in header)):
        start = content.index(b"\n", start) + 1
    if content.startswith(codecs.BOM_UTF8, start) or not _plain_quotes(content, start, delimiter):
        return None  # Arrow would drop the mark, which is text here
    columns = _arrow_columns(pa.py_buffer(content).slice(start), header, delimiter, block_bytes)
    if columns is None or any(_longest(texts) > FIELD_LENGTH_MAX for _, texts in columns):
        return None
    cells = CodedCells(columns)
    filled = _filled(cells)
    rows = np.flatnonzero(filled) + 2
    check_length(len(rows))
    cells = cells if filled.all() else cells.take(filled)
    return RawTable(tuple(header), cells, rows, comma_may_be_decimal=delimiter == ";")


def _plain_head(start: bytes) -> tuple[list[str], str] | None:
    """Header and delimiter, if the first record is the header and says so; None otherwise."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(start)[:HEAD_LENGTH]
    except UnicodeDecodeError:
        return None
    delimiter = sniff_delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        first = list(islice(reader, 2))
    except csv.Error:
        return None
    header = first[0] if len(first) > 1 else []
    if count_known(header) < 2 or not header[-1].strip() or len(header) > COLUMNS_MAX:
        return None
    return header, delimiter


def _plain_lines(content: bytes) -> bool:
    """No lone carriage returns, no NUL."""
    if b"\x00" in content or content.endswith(b"\r"):
        return False
    octets = np.frombuffer(content, dtype=np.uint8)
    return b"\r" not in content or bool((octets[_places(octets, "\r") + 1] == ord("\n")).all())


def _plain_quotes(content: bytes, start: int, delimiter: str) -> bool:
    """Every quote opens a cell, closes it, or is one of two inside it; no line breaks inside.

    Where a block of Arrow ends inside a quoted line break, its line feed is lost (pyarrow 26).
    """
    octets = np.frombuffer(content, dtype=np.uint8, offset=start)
    quotes = _places(octets, '"')
    if not len(quotes):
        return True
    edges = np.frombuffer(f"{delimiter}\r\n".encode(), dtype=np.uint8)
    opening, closing = quotes[0::2], quotes[1::2]
    if len(opening) != len(closing):
        return False
    lines = _places(octets, "\n")
    last = len(octets) - 1
    begins = (opening == 0) | np.isin(octets[opening - 1], edges)
    ends = (closing == last) | np.isin(octets[np.minimum(closing + 1, last)], edges)
    doubled = opening[1:] == closing[:-1] + 1
    return bool(
        (begins | np.append(False, doubled)).all()
        and (ends | np.append(doubled, False)).all()
        and (np.searchsorted(lines, opening) == np.searchsorted(lines, closing)).all()
    )


def _places(octets: NDArray[np.uint8], character: str) -> NDArray[np.int64]:
    """Where a character stands, block by block: a mask of the whole file would be as large as the file."""
    blocks = range(0, len(octets), BLOCK_BYTES)
    found = [np.flatnonzero(octets[i : i + BLOCK_BYTES] == ord(character)) + i for i in blocks]
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def _arrow_columns(
    body: pa.Buffer, header: list[str], delimiter: str, block_bytes: int
) -> list[tuple[Codes, pa.LargeStringArray]] | None:
    """The columns below the header; None where a row has another width, or one of its texts is not UTF-8."""
    names = [str(i) for i in range(len(header))]
    coded = pa.dictionary(pa.int32(), pa.string())
    kinds = {name: pa.string() if _holds_ids(cell) else coded for name, cell in zip(names, header, strict=True)}
    read = pa_csv.ReadOptions(column_names=names, block_size=block_bytes, use_threads=len(body) > block_bytes)
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(body),
            read_options=read,
            parse_options=pa_csv.ParseOptions(delimiter=delimiter, ignore_empty_lines=False),
            convert_options=pa_csv.ConvertOptions(column_types=kinds, check_utf8=False),
        )
        columns = [coded_column(column) for column in table.columns]
        for _, texts in columns:
            texts.validate(full=True)
    except pa.ArrowInvalid:
        return None
    return columns


def _holds_ids(header: str) -> bool:
    """A column in which hardly two cells are alike: a dictionary would only hold it twice."""
    match = match_header(header)
    return match is not None and match.column.kind == "id"


def _longest(texts: pa.LargeStringArray) -> int:
    return pc.max(pc.binary_length(texts)).as_py() or 0


def _filled(cells: CodedCells) -> NDArray[np.bool_]:
    """Rows with something in them."""
    filled = np.zeros(0, dtype=bool)
    for position in range(len(cells)):
        codes, texts = cells.coded(position)
        something = pc.not_equal(texts, "").to_numpy(zero_copy_only=False)[codes]
        filled = something if position == 0 else filled | something
        if filled.all():
            break
    return filled


def decode(content: bytes) -> str:
    """The text of a file in UTF-8 or GB18030.

    Raises:
        BadInput: UTF-16, binary content, or broken text, with the row where it breaks.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise refuse(
            fault(
                "encoding_utf16", "文件是 UTF-16 编码; 请另存为 CSV UTF-8", "the file is UTF-16; save it as CSV UTF-8"
            )
        )
    if b"\x00" in content:
        row = content.count(b"\n", 0, content.index(b"\x00")) + 1
        zh, en = (
            "含有空字节, 不是文本文件; 请另存为 CSV UTF-8 或 XLSX",
            "holds NUL bytes, so it is not text; save it as CSV UTF-8 or XLSX",
        )
        raise refuse(fault("file_binary", zh, en, row=row))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
    lenient = content.decode("utf-8", "replace")
    broken, wide = lenient.count("\ufffd"), sum(ord(c) >= 0x800 for c in lenient)
    if broken > wide - broken:
        try:
            return content.decode("gb18030")
        except UnicodeDecodeError:
            pass
    zh, en = (
        "既不是完好的 UTF-8 也不是 GB18030; 请另存为 CSV UTF-8",
        "is neither sound UTF-8 nor GB18030; save it as CSV UTF-8",
    )
    raise refuse(fault("encoding_broken", zh, en, row=row))


def sniff_delimiter(text: str) -> str:
    """The delimiter under which one of the first rows names the most columns; a comma when none does."""

    def known(delimiter: str) -> int:
        head = io.StringIO(text[:HEAD_LENGTH], newline="")
        try:
            rows = [
                row for row, _ in zip(csv.reader(head, delimiter=delimiter), range(HEADER_SEARCH_ROWS), strict=False)
            ]
        except csv.Error:
            return 0
        return max((count_known(row[:1000]) for row in rows), default=0)

    return max(DELIMITERS, key=known)


def _records(text: str, delimiter: str) -> tuple[list[list[str]], Finding | None]:
    csv.field_size_limit(FIELD_LENGTH_MAX)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records: list[list[str]] = []
    try:
        records.extend(reader)
    except csv.Error as error:
        code = "cell_too_long" if "field larger" in str(error) else "broken_quote"
        zh = "引号不成对, 此行之后无法读取; 单元格中的引号要写成两个, 整格再加引号"
        en = "a quote is not closed or stands inside a cell: nothing after it can be read; double it and quote the cell"
        return records, fault(code, zh, en, row=len(records) + 1)
    return records, None


def _table(records: list[list[str]], start: int, header: list[str]) -> RawTable:
    width = len(header)
    ragged: list[Finding] = []
    rows: list[list[str]] = []
    positions: list[int] = []
    for number, row in enumerate(records[start + 1 :], start + 2):
        if len(row) != width:
            if len(row) < 2 and not any(cell.strip() for cell in row):
                continue
            found = list(_ragged(row, width, number))
            ragged.extend(found)
            row = (row + [""] * width)[:width]
            if found:
                continue
        elif not any(row):
            continue
        rows.append(row)
        positions.append(number)
    table = table_of_rows(rows, positions, header)
    for finding in ragged:
        table.complaints.add(finding)
    return table


def _ragged(row: list[str], width: int, number: int) -> Iterator[Finding]:
    if not any(cell.strip() for cell in row):
        return
    if len(row) > width and any(cell.strip() for cell in row[width:]):
        zh = f"有 {len(row)} 格, 表头只有 {width} 格; 含逗号的内容 (如 1,234) 要加引号"
        en = f"has {len(row)} cells, the header {width}; put quotes around content that holds a comma (1,234)"
        yield fault("extra_cells", zh, en, row=number, value=row[width])
    elif len(row) < width:
        zh, en = (
            f"只有 {len(row)} 格, 表头有 {width} 格; 空格子也要有分隔符",
            f"has {len(row)} cells, the header {width}; empty cells need their delimiters too",
        )
        yield fault("missing_cells", zh, en, row=number, value=row[-1])


def _without_trailing_blanks(header: list[str]) -> list[str]:
    while header and not header[-1].strip():
        header = header[:-1]
    return header
