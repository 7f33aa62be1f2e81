"""The quick way through a large CSV file that has nothing odd about it: Arrow reads it by blocks.

Nothing odd is UTF-8, the header on top, sound quotes, rows of one width. Every other file, and every one that has
something to complain about, is left to `csv_file`, which gives the same table.
"""

import codecs
import csv
import io
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from typing import Protocol

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types
import pyarrow.csv as pa_csv  # type: ignore[import-untyped]
from numpy.typing import NDArray

from market_data.columns import count_known
from market_data.sources.arrow_columns import UNLIKE_SHARE, coded_column, plain_numbers
from market_data.sources.coded_cells import CodedCells, Codes, Texts
from market_data.sources.csv_text import FIELD_LENGTH_MAX, HEAD_LENGTH, sniff_delimiter
from market_data.sources.raw_table import COLUMNS_MAX, RawTable, check_length

type Octets = NDArray[np.uint8]

BEGINNING_BYTES = len(codecs.BOM_UTF8) + 4 * HEAD_LENGTH
"""In which the header is looked for."""
BLOCK_BYTES = 2 * 1024 * 1024
"""What Arrow reads at once: more than any sound row, little enough to stay in the cache."""
CACHED_BYTES = 256 * 1024
"""What is looked at at once, several times over."""
MANY = 500
"""Distinct cells at the beginning of a file below which nothing is said about how many there are in all."""
UNLIKE_NUMBERS_SHARE = 0.4
"""Share of distinct numbers at the beginning of a file from which on they go without a dictionary."""
PLACES = 5
"""Decimals up to which a cell counts as a number there."""
BLOCKS_OF_PART = 8
"""Blocks that one thread reads in a row; parts are read side by side."""


class Source(Protocol):
    """A file that is open, or what can be read like one."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fills the buffer with what comes next; how many bytes that was, 0 at the end."""


def read_plain_csv(source: Source, block_bytes: int = BLOCK_BYTES) -> RawTable | None:
    """The quick way, for a file that has nothing odd about it; None for every other file. Arrow reads by blocks.

    Raises:
        BadInput: too many rows.
    """
    beginning = _read(source, np.zeros(0, dtype=np.uint8), BEGINNING_BYTES)
    head = _plain_head(beginning.tobytes())
    if head is None:
        return None
    header, delimiter, start = head
    rest = beginning[start:]
    with ThreadPoolExecutor(pa.cpu_count()) as threads:
        try:
            lines = _Lines(header, delimiter, block_bytes).knowing(rest)
            parts = list(_beside(threads, lines.read, _parts(source, rest, BLOCKS_OF_PART * block_bytes)))
            columns = list(threads.map(_joined, *parts))
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


def _read(source: Source, carried: Octets, more: int) -> Octets:
    """What was carried over and so many bytes more; fewer only at the end of the file."""
    octets = np.empty(len(carried) + more, dtype=np.uint8)
    octets[: len(carried)] = carried
    end = len(carried)
    while end < len(octets) and (n := source.readinto(octets[end:].data)):
        end += n
    return octets[:end]


def _parts(source: Source, carried: Octets, part_bytes: int) -> Iterator[Octets]:
    """The rest of a file in parts of whole lines, of about so many bytes each. Raises _OddError: a line is longer."""
    while len(part := _read(source, carried, part_bytes)) == len(carried) + part_bytes:
        end = _end_of_lines(part)
        if not end:
            raise _OddError
        yield part[:end]
        carried = part[end:]
    if len(part):
        yield part


def _end_of_lines(octets: Octets) -> int:
    """Where the last whole line ends; 0 where there is none."""
    for near in (CACHED_BYTES, len(octets)):
        found = octets[-near:].tobytes().rfind(b"\n")
        if found >= 0:
            return max(len(octets) - near, 0) + found + 1
    return 0


def _beside[T, R](threads: ThreadPoolExecutor, work: Callable[[T], R], parts: Iterable[T]) -> Iterator[R]:
    """What becomes of each part, in order; only as many are there at once as are worked on, and one more."""
    at_work: deque[Future[R]] = deque()
    for part in parts:
        at_work.append(threads.submit(work, part))
        if len(at_work) > pa.cpu_count():
            yield at_work.popleft().result()
    yield from (future.result() for future in at_work)


@dataclass(frozen=True)
class _Lines:
    """Lines below a header, read part by part. Raises _OddError, ArrowInvalid."""

    header: list[str]
    delimiter: str
    block_bytes: int
    unlike: frozenset[int] = frozenset()
    """Columns, by position, of which a dictionary takes more time than it saves."""

    def knowing(self, beginning: Octets) -> "_Lines":
        """The same, with `unlike` found out from how the file begins."""
        columns = self.read(beginning[: _end_of_lines(beginning)])
        return replace(self, unlike=frozenset(i for i, column in enumerate(columns) if _unlike(*column)))

    def read(self, octets: Octets) -> list[tuple[Codes, Texts]]:
        """The columns of one part; every row must be of the header's width."""
        held = _held(octets, '\0\r"')
        sound = "\0" not in held and ("\r" not in held or _plain_lines(octets))
        sound &= '"' not in held or _plain_quotes(octets, self.delimiter)
        if not sound or octets[: len(codecs.BOM_UTF8)].tobytes() == codecs.BOM_UTF8:
            raise _OddError  # a mark, which Arrow would drop, is text here
        names = [str(i) for i in range(len(self.header))]
        coded = pa.dictionary(pa.int32(), pa.string())
        kinds = {name: pa.string() if i in self.unlike else coded for i, name in enumerate(names)}
        table = pa_csv.read_csv(
            pa.BufferReader(pa.py_buffer(octets)),
            read_options=pa_csv.ReadOptions(column_names=names, block_size=self.block_bytes, use_threads=False),
            parse_options=pa_csv.ParseOptions(
                delimiter=self.delimiter, quote_char='"' if '"' in held else False, ignore_empty_lines=False
            ),
            convert_options=pa_csv.ConvertOptions(column_types=kinds, check_utf8=False),
            memory_pool=pa.system_memory_pool(),  # Arrow's own takes the pages of every block from the system anew
        )
        return [_coded_column(column) for column in table.columns]


def _unlike(codes: Codes, texts: Texts) -> bool:
    """Whether most cells are unlike all others, or, of numbers, many: those are read as fast one by one."""
    if len(texts) <= max(UNLIKE_NUMBERS_SHARE * len(codes), MANY):
        return False
    return len(texts) > UNLIKE_SHARE * len(codes) or bool((plain_numbers(texts.arrow, PLACES) >= 0).all())


def _coded_column(column: pa.ChunkedArray) -> tuple[Codes, Texts]:
    """Codes and texts of a column. Raises _OddError, ArrowInvalid: a text is no UTF-8, or too long."""
    codes, texts = coded_column(column)
    texts.arrow.validate(full=True)
    if texts.lengths.max(initial=0) > FIELD_LENGTH_MAX:
        raise _OddError
    return _narrow(codes, len(texts)), texts


def _joined(*parts: tuple[Codes, Texts]) -> tuple[Codes, Texts]:
    """One column of all parts. Where nearly all cells are unlike, nobody looks for what the parts have in common."""
    texts = pa.concat_arrays([texts.arrow for _, texts in parts])
    starts = np.cumsum([0, *(len(texts) for _, texts in parts)])
    new_code: Codes = np.arange(len(texts), dtype=np.int32)
    if len(texts) < UNLIKE_SHARE * sum(len(codes) for codes, _ in parts):
        coded = texts.dictionary_encode()
        new_code, texts = coded.indices.to_numpy(), coded.dictionary
    new_code = _narrow(new_code, len(texts))
    joined: Codes = np.empty(sum(len(codes) for codes, _ in parts), dtype=new_code.dtype)
    end = 0
    for (codes, _), start in zip(parts, starts, strict=False):
        end += len(codes)
        new_code[start:].take(codes, mode="clip", out=joined[end - len(codes) : end])
    return joined, Texts(texts)


def _narrow(codes: Codes, n_texts: int) -> Codes:
    """Codes as small as they can be: most columns have few texts, and a million rows."""
    return codes.astype(np.min_scalar_type(max(n_texts - 1, 0)))


def _plain_head(content: bytes) -> tuple[list[str], str, int] | None:
    """Header, delimiter, and where the rows begin, if the first record is the header and says so; None otherwise."""
    start = len(codecs.BOM_UTF8) if content.startswith(codecs.BOM_UTF8) else 0
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(content[start:])[:HEAD_LENGTH]
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
    for _ in range(1 + sum(cell.count("\n") for cell in header)):
        start = content.find(b"\n", start) + 1
        if not start:
            return None
    octets = np.frombuffer(content, np.uint8, start)
    return (header, delimiter, start) if _plain_lines(octets) and not _held(octets, "\0") else None


def _held(octets: Octets, characters: str) -> set[str]:
    """Which of some characters there are."""
    held: set[str] = set()
    for i in range(0, len(octets), CACHED_BYTES):
        block = octets[i : i + CACHED_BYTES]
        held.update(c for c in characters if c not in held and (block == ord(c)).any())
    return held


def _plain_lines(octets: Octets) -> bool:
    """No lone carriage returns."""
    for i in range(0, len(octets), CACHED_BYTES):
        block = octets[i : i + CACHED_BYTES + 1]
        returns = block[:CACHED_BYTES] == ord("\r")
        if np.count_nonzero(returns) != np.count_nonzero(returns[: len(block) - 1] & (block[1:] == ord("\n"))):
            return False
    return True


def _plain_quotes(octets: Octets, delimiter: str) -> bool:
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


def _places(octets: Octets, character: str) -> NDArray[np.int64]:
    """Where a character stands."""
    blocks = range(0, len(octets), CACHED_BYTES)
    found = [np.flatnonzero(octets[i : i + CACHED_BYTES] == ord(character)) + i for i in blocks]
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def _filled(cells: CodedCells) -> NDArray[np.bool_]:
    """Rows with something in them."""
    filled = np.zeros(0, dtype=bool)
    for position in range(len(cells)):
        codes, texts = cells.coded(position)
        of_text = texts.lengths > 0
        something = np.ones(len(codes), dtype=bool) if of_text.all() else of_text[codes]
        filled = something if position == 0 else filled | something
        if filled.all():
            break
    return filled
