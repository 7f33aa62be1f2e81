"""The raw table that every source makes: columns of text as the file holds them, with positions.

Here live its type, the search for the header row, and the guards that every format shares. What a header or a cell
means lives in `columns` and `cells`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import accumulate
from typing import TYPE_CHECKING, overload

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]
from numpy.typing import NDArray

from market_data.columns import count_known
from market_data.complaints import Complaints, Group, Severity
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.wording import Text

if TYPE_CHECKING:
    import pandas as pd

BYTES_MAX = 512 * 1024 * 1024
"""Bytes of one offers file: a million offers take some 250 MB as text; more is the wrong file."""
ROWS_MAX = 2_000_000
"""Rows of one offers file: twenty times the largest market we measure; guards against files that unpack without end."""
COLUMNS_MAX = 500
"""Columns of one offers file: the contract knows 41."""
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How old XLS workbooks and encrypted XLSX ones begin."""
type Codes = NDArray[np.int32]

UNLIKE_SHARE = 0.9
"""From this share of distinct cells in its parts on (ids), nobody looks for what the parts have in common."""

HEADER_SEARCH_ROWS = 20
"""Rows that are searched for the header: titles and remarks stand above it in office workbooks."""


@dataclass(frozen=True)
class RawTable:
    """Text columns as a file holds them; "" is an empty cell. `rows` are positions as the reader of the file counts."""

    headers: tuple[str, ...]
    cells: Sequence["pd.Series[str]"]
    rows: NDArray[np.int64]
    complaints: Complaints = field(default_factory=Complaints)
    comma_may_be_decimal: bool = False
    """True where "1,234" may mean 1.234: semicolon-delimited text comes from programs set to a decimal comma."""

    def complain(
        self,
        code: str,
        position: int,
        indices: NDArray[np.int64],
        words: Callable[[int], Text],
        severity: Severity = "fault",
        show_cell: bool = True,
    ) -> None:
        """Files the same complaint about several data rows (0-based) of one column."""
        cells = self.cells[position]

        def cell(index: int) -> str | None:
            return str(cells.iloc[index]) if show_cell else None

        self.complaints.add_group(
            Group(code, severity, self.headers[position], position, indices, self.rows[indices], cell, words)
        )


class CodedCells(Sequence["pd.Series[str]"]):
    """Columns as codes into their texts, each used; a column becomes a Series when somebody looks at it.

    The codes are what reads a million rows fast: each distinct cell is read once (a text may stand there twice).
    """

    def __init__(self, columns: Sequence[tuple[Codes, pa.LargeStringArray]]) -> None:
        self._columns = [_without_unused(codes, texts) for codes, texts in columns]
        self._series: dict[int, pd.Series[str]] = {}

    def __len__(self) -> int:
        return len(self._columns)

    @overload
    def __getitem__(self, position: int) -> "pd.Series[str]": ...
    @overload
    def __getitem__(self, position: slice) -> "list[pd.Series[str]]": ...
    def __getitem__(self, position: int | slice) -> "pd.Series[str] | list[pd.Series[str]]":
        if isinstance(position, slice):
            return [self[i] for i in range(*position.indices(len(self)))]
        if position not in self._series:
            import pandas as pd

            codes, texts = self._columns[position]
            self._series[position] = pd.Series(texts.take(pa.array(codes)), dtype="str")
        return self._series[position]

    def coded(self, position: int) -> tuple[Codes, pa.LargeStringArray]:
        """Codes and texts of a column."""
        return self._columns[position]

    def take(self, rows: NDArray[np.bool_]) -> "CodedCells":
        """Only these rows."""
        return CodedCells([(codes[rows], texts) for codes, texts in self._columns])


def _without_unused(codes: Codes, texts: pa.LargeStringArray) -> tuple[Codes, pa.LargeStringArray]:
    used = np.zeros(len(texts), dtype=bool)
    used[codes] = True
    if used.all():
        return codes, texts
    new_code = np.cumsum(used, dtype=np.int32) - np.int32(1)
    return new_code[codes], texts.filter(pa.array(used))


def take_rows(cells: Sequence["pd.Series[str]"], rows: NDArray[np.bool_]) -> Sequence["pd.Series[str]"]:
    """The same columns, only these rows."""
    if isinstance(cells, CodedCells):
        return cells.take(rows)
    return tuple(column[rows].reset_index(drop=True) for column in cells)


def coded_column(column: pa.ChunkedArray) -> tuple[Codes, pa.LargeStringArray]:
    """Codes and texts of a column of text or of dictionaries of text; a missing cell is ""."""
    if not pa.types.is_dictionary(column.type):
        cells = [chunk.cast(pa.large_string()) for chunk in column.chunks]
        texts = pa.concat_arrays(cells) if cells else pa.array([], pa.large_string())
        return np.arange(len(column), dtype=np.int32), pc.fill_null(texts, "")
    if sum(len(chunk.dictionary) for chunk in column.chunks) < UNLIKE_SHARE * len(column):
        column = column.unify_dictionaries()
    tables = {_place(chunk.dictionary): chunk.dictionary for chunk in column.chunks}
    ends = list(accumulate(len(texts) for texts in tables.values()))
    if len(tables) == 1:
        parts = [chunk.indices for chunk in column.chunks]
    else:
        start_of = dict(zip(tables, [0, *ends], strict=False))
        starts = [pa.scalar(start_of[_place(chunk.dictionary)], pa.int32()) for chunk in column.chunks]
        parts = [pc.add(c.indices.cast(pa.int32()), start) for c, start in zip(column.chunks, starts, strict=True)]
    codes = pa.chunked_array(parts, None if parts else pa.int32()).cast(pa.int32())
    every = [texts.cast(pa.large_string()) for texts in tables.values()]
    if codes.null_count or not ends:
        every.append(pa.array([""], pa.large_string()))
        codes = pc.fill_null(codes, pa.scalar(ends[-1] if ends else 0, pa.int32()))
    return codes.to_numpy(), pc.fill_null(pa.concat_arrays(every), "")


def _place(array: pa.Array) -> tuple[int, ...]:
    """Where an array lies in memory: parts of a column that share their dictionary have it at one place."""
    places = [0 if buffer is None else buffer.address for buffer in array.buffers()]
    return (array.offset, len(array), *places)


def refuse(finding: Finding) -> BadInput:
    """The error for a file of which nothing more can be said."""
    return BadInput([finding])


def header_index(rows: Sequence[Sequence[str]]) -> int:
    """Which of the first rows is the header: the first that names two columns, else the first that is not empty."""
    first_filled = -1
    for i, row in enumerate(rows[:HEADER_SEARCH_ROWS]):
        if first_filled < 0 and any(cell.strip() for cell in row):
            first_filled = i
        if count_known(row) >= 2:
            return i
    if first_filled < 0:
        raise refuse(fault("file_empty", "文件没有内容", "the file has no content"))
    return first_filled


def check_width(n_columns: int) -> None:
    """Refuses a table that is wider than any offers file."""
    if n_columns > COLUMNS_MAX:
        zh, en = f"有 {n_columns} 列; 至多 {COLUMNS_MAX} 列", f"has {n_columns} columns; at most {COLUMNS_MAX}"
        raise refuse(fault("too_many_columns", zh, en))


def check_length(n_rows: int) -> None:
    """Refuses a table that is longer than any offers file."""
    if n_rows > ROWS_MAX:
        zh, en = (
            f"有 {n_rows} 行; 至多 {ROWS_MAX} 行, 请分成几个文件",
            f"has {n_rows} rows; at most {ROWS_MAX}: split the file",
        )
        raise refuse(fault("too_many_rows", zh, en))


def text_series(texts: Sequence[str]) -> "pd.Series[str]":
    """A column of text; half a surrogate pair (never valid text) is kept as U+FFFD, which `cells` refuses."""
    import pandas as pd

    return pd.Series(_strings(texts), dtype="str")


def coded_texts(texts: Sequence[str]) -> tuple[Codes, pa.LargeStringArray]:
    """A column of text as codes into its distinct texts; surrogates as in `text_series`."""
    coded = _strings(texts).dictionary_encode()
    return coded.indices.to_numpy(), coded.dictionary


def _strings(texts: Sequence[str]) -> pa.LargeStringArray:
    try:
        return pa.array(texts, pa.large_string())
    except UnicodeEncodeError:
        return pa.array([sound_text(t) for t in texts], pa.large_string())


_HALF_PAIR = re.compile("[\ud800-\udfff]")


def sound_text(text: str) -> str:
    """`text` with halves of surrogate pairs, which no file can hold, replaced by U+FFFD."""
    return _HALF_PAIR.sub("\ufffd", text)


def table_of_rows(rows: Sequence[Sequence[str]], positions: Sequence[int], header: Sequence[str]) -> RawTable:
    """A table from rows of equal length. Raises BadInput when there are too many."""
    check_length(len(rows))
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    cells = CodedCells([coded_texts(column) for column in columns])
    return RawTable(tuple(header), cells, np.array(positions, dtype=np.int64))


def cell_text(value: object) -> str:
    """The text of one typed cell: None and NaT empty; numbers without exponent; dates in ISO form; others by type."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, int | np.integer):
        return str(value)
    if isinstance(value, float | np.floating):
        return float_text(float(value))
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, datetime | date):
        return "" if value != value else value.isoformat()  # NaT alone is not itself
    import pandas as pd

    return "" if value is pd.NA else f"<{type(value).__name__}>"


def float_text(number: float) -> str:
    """The shortest decimal that reads back as `number`, without exponent; "nan" and "inf" as they are."""
    if not np.isfinite(number):
        return str(number)
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else decimal_text(Decimal(repr(number)))


def decimal_text(number: Decimal) -> str:
    """A decimal without exponent, unless writing it out would be absurdly long."""
    if not number.is_finite() or abs(number.adjusted()) > 30:
        return str(number)
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
