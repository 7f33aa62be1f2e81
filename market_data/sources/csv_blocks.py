"""The quick way through a large CSV file that has nothing odd about it: Arrow reads it by blocks.

Nothing odd is UTF-8, the header on top, sound quotes, rows of one width. Every other file, and every one that has
something to complain about, is left to `csv_file`, which gives the same table.
"""

import codecs
import csv
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types
import pyarrow.csv as pa_csv  # type: ignore[import-untyped]
from numpy.typing import NDArray

from market_data.columns import count_known, match_header
from market_data.sources.arrow_columns import coded_column
from market_data.sources.coded_cells import CodedCells, Codes, Texts
from market_data.sources.csv_text import FIELD_LENGTH_MAX, HEAD_LENGTH, sniff_delimiter
from market_data.sources.raw_table import COLUMNS_MAX, RawTable, check_length

BLOCK_BYTES = 1024 * 1024
"""What Arrow reads at once: more than any sound row, little enough to stay in the cache."""
CACHED_BYTES = 64 * 1024
"""What is looked at at once, several times over."""
BLOCKS_OF_PART = 8
"""Blocks that one thread reads in a row; parts are read side by side."""


def read_plain_csv(content: bytes, block_bytes: int = BLOCK_BYTES) -> RawTable | None:
    """The quick way, for a file that has nothing odd about it; None for every other file. Arrow reads by blocks.

    Raises:
        BadInput: too many rows.
    """
    start = len(codecs.BOM_UTF8) if content.startswith(codecs.BOM_UTF8) else 0
    head = _plain_head(content[start : start + 4 * HEAD_LENGTH])
    if head is None or b"\x00" in content or content.endswith(b"\r"):
        return None
    header, delimiter = head
    for _ in range(1 + sum(cell.count("\n") for cell in header)):
        start = content.index(b"\n", start) + 1
    if content.startswith(codecs.BOM_UTF8, start) or not _plain_lines(np.frombuffer(content, np.uint8, start)):
        return None  # Arrow would drop the mark, which is text here
    lines = _Lines(content, header, delimiter, block_bytes)
    with ThreadPoolExecutor(pa.cpu_count()) as threads:
        try:
            parts = list(
                threads.map(lines.read, *zip(*_parts(content, start, BLOCKS_OF_PART * block_bytes), strict=True))
            )
            columns = list(threads.map(_coded_column, pa.concat_tables(parts).columns))
        except (_OddError, pa.ArrowInvalid):
            return None
    cells = CodedCells(columns)
    filled = _filled(cells)
    rows = np.flatnonzero(filled) + 2
    check_length(len(rows))
    cells = cells if filled.all() else cells.take(filled)
    return RawTable(tuple(header), cells, rows, comma_may_be_decimal=delimiter == ";")


class _OddError(ValueError):
    """Something for the slow way."""


def _parts(content: bytes, start: int, part_bytes: int) -> list[tuple[int, int]]:
    """Where parts of whole lines begin and end, of about so many bytes each."""
    begins = [start]
    while (end := content.find(b"\n", begins[-1] + part_bytes) + 1) not in (0, len(content)):
        begins.append(end)
    return list(pairwise([*begins, len(content)]))


@dataclass(frozen=True)
class _Lines:
    """Lines below a header, read part by part. Raises _OddError, ArrowInvalid."""

    content: bytes
    header: list[str]
    delimiter: str
    block_bytes: int

    def read(self, start: int, end: int) -> pa.Table:
        """The columns of one part; every row must be of the header's width."""
        octets = np.frombuffer(self.content, dtype=np.uint8, offset=start, count=end - start)
        if not _plain_lines(octets) or not _plain_quotes(octets, self.delimiter):
            raise _OddError
        names = [str(i) for i in range(len(self.header))]
        coded = pa.dictionary(pa.int32(), pa.string())
        kinds = {
            name: pa.string() if _holds_ids(cell) else coded for name, cell in zip(names, self.header, strict=True)
        }
        return pa_csv.read_csv(
            pa.BufferReader(pa.py_buffer(self.content).slice(start, end - start)),
            read_options=pa_csv.ReadOptions(column_names=names, block_size=self.block_bytes, use_threads=False),
            parse_options=pa_csv.ParseOptions(delimiter=self.delimiter, ignore_empty_lines=False),
            convert_options=pa_csv.ConvertOptions(column_types=kinds, check_utf8=False),
            memory_pool=pa.system_memory_pool(),  # Arrow's own takes the pages of every block from the system anew
        )


def _coded_column(column: pa.ChunkedArray) -> tuple[Codes, Texts]:
    """Codes and texts of a column. Raises _OddError, ArrowInvalid: a text is no UTF-8, or too long."""
    codes, texts = coded_column(column)
    texts.arrow.validate(full=True)
    if texts.lengths.max(initial=0) > FIELD_LENGTH_MAX:
        raise _OddError
    return codes, texts


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


def _plain_lines(octets: NDArray[np.uint8]) -> bool:
    """No lone carriage returns."""
    blocks = range(0, len(octets), CACHED_BYTES)
    return not any(_holds_lone_return(octets[i : i + CACHED_BYTES + 1]) for i in blocks)


def _holds_lone_return(octets: NDArray[np.uint8]) -> bool:
    return bool(((octets[:-1] == ord("\r")) & (octets[1:] != ord("\n"))).any())


def _plain_quotes(octets: NDArray[np.uint8], delimiter: str) -> bool:
    """Every quote opens a cell, closes it, or is one of two inside it; no line breaks inside.

    Where a block of Arrow ends inside a quoted line break, its line feed is lost (pyarrow 26).
    """
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
    """Where a character stands."""
    blocks = range(0, len(octets), CACHED_BYTES)
    found = [np.flatnonzero(octets[i : i + CACHED_BYTES] == ord(character)) + i for i in blocks]
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def _holds_ids(header: str) -> bool:
    """A column in which hardly two cells are alike: a dictionary would only hold it twice."""
    match = match_header(header)
    return match is not None and match.column.kind == "id"


def _filled(cells: CodedCells) -> NDArray[np.bool_]:
    """Rows with something in them."""
    filled = np.zeros(0, dtype=bool)
    for position in range(len(cells)):
        codes, texts = cells.coded(position)
        something = (texts.lengths > 0)[codes]
        filled = something if position == 0 else filled | something
        if filled.all():
            break
    return filled
