"""The raw table that every source makes: columns of text as the file holds them, with positions.

Here live its type, the search for the header row, and the guards that every format shares. What a header or a cell
means lives in `columns` and `cells`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from market_data.columns import count_known
from market_data.complaints import Complaints, Group, Severity
from market_data.sources.coded_cells import CodedCells, coded_texts
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.wording import Text

BYTES_MAX = 512 * 1024 * 1024
"""Bytes of one offers file: a million offers take some 250 MB as text; more is the wrong file."""
ROWS_MAX = 2_000_000
"""Rows of one offers file: twenty times the largest market we measure; guards against files that unpack without end."""
COLUMNS_MAX = 500
"""Columns of one offers file: the contract knows 41."""
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How old XLS workbooks and encrypted XLSX ones begin."""

HEADER_SEARCH_ROWS = 20
"""Rows that are searched for the header: titles and remarks stand above it in office workbooks."""


@dataclass(frozen=True)
class RawTable:
    """Text columns as a file holds them; "" is an empty cell. `rows` are positions as the reader of the file counts."""

    headers: tuple[str, ...]
    cells: CodedCells
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

        def cell(index: int) -> str | None:
            return self.cells.text(position, index) if show_cell else None

        self.complaints.add_group(
            Group(code, severity, self.headers[position], position, indices, self.rows[indices], cell, words)
        )


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
