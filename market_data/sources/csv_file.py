"""CSV files: encoding, delimiter, quotes; raw text with positions.

Row 1 is the first record of the file (normally the header), as a spreadsheet would number it; a quoted line break does
not start a new row. Encodings: UTF-8 with or without a byte-order mark, GB18030 (which contains GBK and GB2312).
"""

import csv
import io
from collections.abc import Iterator

from market_data.columns import count_known
from market_data.sources.raw_table import HEADER_SEARCH_ROWS, RawTable, check_width, header_index, refuse, table_of_rows
from optimizer.findings import Finding, fault

DELIMITERS = ",;\t|"
FIELD_LENGTH_MAX = 1_000_000
"""Characters of one cell; a lost quote makes one cell of half the file."""


def read_csv(content: bytes) -> RawTable:
    """The raw table of a CSV file.

    Raises:
        BadInput: not text, an unknown encoding, a broken quote, no content.
    """
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
        head = io.StringIO(text[:200_000], newline="")
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
