"""The quick way through a large CSV file that has nothing odd about it: Arrow reads it by blocks.

Nothing odd is UTF-8, the header on top, sound quotes, rows of one width. Every other file, and every one that has
something to complain about, is left to `csv_file`, which gives the same table.
"""

import codecs
import csv
import io
from itertools import islice

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]
import pyarrow.csv as pa_csv  # type: ignore[import-untyped]
from numpy.typing import NDArray

from market_data.columns import count_known, match_header
from market_data.sources.arrow_columns import coded_column
from market_data.sources.coded_cells import CodedCells, Codes, Texts
from market_data.sources.csv_text import FIELD_LENGTH_MAX, HEAD_LENGTH, sniff_delimiter
from market_data.sources.raw_table import COLUMNS_MAX, RawTable, check_length

BLOCK_BYTES = 2 * 1024 * 1024
"""What Arrow reads at once, block beside block: more than any sound row, little enough to stay in the cache."""


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
    if columns is None or any(_longest(texts.arrow) > FIELD_LENGTH_MAX for _, texts in columns):
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
) -> list[tuple[Codes, Texts]] | None:
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
            texts.arrow.validate(full=True)
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
        something = pc.not_equal(texts.arrow, "").to_numpy(zero_copy_only=False)[codes]
        filled = something if position == 0 else filled | something
        if filled.all():
            break
    return filled
