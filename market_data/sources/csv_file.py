"""CSV files: encoding, delimiter, quotes; raw text with positions.

Row 1 is the first record of the file (normally the header), as a spreadsheet would number it; a quoted line break does
not start a new row. Encodings: UTF-8 with or without a byte-order mark, GB18030 (which contains GBK and GB2312).

A large file without oddities takes the quick way of `csv_blocks`; a small one, and every one that has something to
complain about, is read record by record. Both give the same table.
"""

import csv
import io
from collections.abc import Iterator

from market_data.sources.csv_text import FIELD_LENGTH_MAX, decode, sniff_delimiter
from market_data.sources.raw_table import RawTable, check_width, header_index, table_of_rows
from optimizer.findings import Finding, fault

QUICK_BYTES = 256 * 1024
"""From this size on (some thousand offers) the quick way is worth its start: Arrow and what it loads."""


def read_csv(content: bytes) -> RawTable:
    """The raw table of a CSV file.

    Raises:
        BadInput: not text, an unknown encoding, a broken quote, no content.
    """
    if len(content) < QUICK_BYTES:
        return read_any_csv(content)
    from market_data.sources.csv_blocks import read_plain_csv

    quick = read_plain_csv(io.BytesIO(content))
    return quick if quick is not None else read_any_csv(content)


def read_any_csv(content: bytes) -> RawTable:
    """Every file: record by record, with a complaint about each that is odd. Raises BadInput."""
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
