"""A raw table becomes typed columns: headers find their columns, each distinct cell is read once, faults have rows.

Here live the matching of headers and the vectorised reading of one column. How columns hang together: `normalize`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]
from numpy.typing import NDArray

from market_data.cell_words import words_for
from market_data.cells import BLANKS, NUMBER_KINDS, CellError, Reading, number
from market_data.columns import COLUMNS, Column, half_width, is_remark, match_header, nearest_header
from market_data.sources.raw_table import CodedCells, Codes, RawTable, take_rows
from optimizer.findings import fault
from optimizer.offers import Ints, Labels
from optimizer.wording import Text

if TYPE_CHECKING:
    import pandas as pd

_SOUND = r"!-*,-~\x{4e00}-\x{9fff}"
SOUND_TEXT = rf"[{_SOUND}](?:[ {_SOUND}]{{0,198}}[{_SOUND}])?"
"""Text that needs no cleaning (a pattern of RE2): Chinese characters and visible ASCII, spaces within. A plus, as in
1E+11, is looked at."""

type Parse = Callable[[str], object]
type Plain = tuple[list[Any], NDArray[np.bool_]]
"""What the distinct cells of a column were read as already, and where they were not."""


@dataclass(frozen=True)
class Placed:
    """A column of the contract, found in a file at `position`; `shift` is the power of ten of the header's unit."""

    column: Column
    position: int
    shift: int


@dataclass(frozen=True)
class Distinct:
    """One column as distinct values: row i holds `values[codes[i]]`; `given` is False for a blank or a fault."""

    codes: Codes
    values: Sequence[Any] | NDArray[Any]
    given: NDArray[np.bool_]

    def array(self, dtype: Any) -> NDArray[Any]:
        """One value a row."""
        return np.asarray(self.values, dtype=dtype)[self.codes]


class TableReader:
    """Reads the columns of one raw table; everything that is wrong goes to `table.complaints`."""

    def __init__(self, table: RawTable) -> None:
        self.placed = place_columns(table)
        self.table = table
        self._coded: dict[int, tuple[Codes, pa.LargeStringArray]] = {}

    def __len__(self) -> int:
        return len(self.table.rows)

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Drops the other rows."""
        if not rows.all():
            self.table = replace(self.table, cells=take_rows(self.table.cells, rows), rows=self.table.rows[rows])
            self._coded.clear()

    def raw(self, name: str) -> "pd.Series[str] | None":
        """The text of a column as written; None when the file does not have it."""
        placed = self.placed.get(name)
        return None if placed is None else self.table.cells[placed.position]

    def coded(self, name: str) -> tuple[Codes, pa.LargeStringArray]:
        """Codes and distinct texts of a column."""
        position = self.placed[name].position
        cells = self.table.cells
        if isinstance(cells, CodedCells):
            return cells.coded(position)
        if position not in self._coded:
            import pandas as pd

            found, texts = pd.factorize(cells[position])
            self._coded[position] = (found.astype(np.int32), pa.array(texts, pa.large_string()))
        return self._coded[position]

    def filled(self, name: str) -> NDArray[np.bool_]:
        """Where a column says something, be it readable or not."""
        codes, texts = self.coded(name)
        return np.array([half_width(text) not in BLANKS for text in texts.to_pylist()], dtype=bool)[codes]

    def read(
        self,
        name: str,
        parse: Parse,
        blank: object,
        required: bool = False,
        blanks: frozenset[str] = BLANKS,
        plain: Plain | None = None,
    ) -> Distinct:
        """A column, each distinct cell read by `parse`; blanks are `blank`, or a fault when the column is required."""
        if name not in self.placed:
            return _absent(len(self), blank)
        codes, texts = self.coded(name)
        values, odd = ([blank] * len(texts), np.ones(len(texts), dtype=bool)) if plain is None else plain
        given = ~odd
        wrong: dict[int, tuple[str, str]] = {}
        doubts: dict[int, tuple[str, str]] = {}
        for k, text in zip(np.flatnonzero(odd).tolist(), texts.filter(pa.array(odd)).to_pylist(), strict=True):
            values[k] = blank
            if half_width(text) in blanks:
                if required:
                    wrong[k] = ("blank", "")
                continue
            try:
                found = parse(text)
            except CellError as error:
                wrong[k] = (error.code, error.hint)
                continue
            if isinstance(found, Reading):
                if found.doubt:
                    doubts[k] = (found.doubt, found.hint)
                found = found.value
            values[k] = found
            given[k] = True
        self._complain(name, codes, wrong, "fault")
        self._complain(name, codes, doubts, "warning")
        return Distinct(codes, values, given[codes])

    def numbers(self, name: str, blank: int, required: bool = False) -> Distinct:
        """A column of numbers in units of 10^-decimals; plain decimals take the short way."""
        if name not in self.placed:
            return _absent(len(self), blank)
        placed = self.placed[name]
        kind = NUMBER_KINDS[placed.column.kind]
        largest = kind.largest * 10**kind.decimals - kind.below_largest
        quick = _plain_numbers(self.coded(name)[1], kind.decimals + placed.shift, largest, kind.positive)
        comma = self.table.comma_may_be_decimal

        def parse(text: str) -> int:
            return number(text, kind, placed.shift, comma)

        return self.read(name, parse, blank, required, plain=(quick.tolist(), quick < 0))

    def texts(self, name: str, parse: Parse, required: bool = False) -> Distinct:
        """A column of free text; only an empty cell is blank, and text without oddities takes the short way."""
        if name not in self.placed:
            return _absent(len(self), "")
        codes, texts = self.coded(name)
        odd = ~matching(texts, SOUND_TEXT)
        if not odd.any():
            return Distinct(codes, texts.to_numpy(zero_copy_only=False), np.ones(len(codes), dtype=bool))
        return self.read(name, parse, "", required, frozenset({""}), (texts.to_pylist(), odd))

    @staticmethod
    def labels(read: Distinct) -> Labels:
        """A column of text as codes into a table of names."""
        table: dict[str, int] = {}
        of_value = [-1 if not v else table.setdefault(v, len(table)) for v in read.values]
        return Labels(np.array(of_value, dtype=np.int32)[read.codes], tuple(table))

    def complain_rows(
        self, name: str, code: str, rows: NDArray[Any], words: Callable[[int], Text], severity: str = "fault"
    ) -> None:
        """Files a complaint about several rows (0-based, or a mask) of a column that may be absent."""
        indices = np.flatnonzero(rows) if rows.dtype == bool else rows
        if name in self.placed:
            shown = "fault" if severity == "fault" else "warning"
            self.table.complain(code, self.placed[name].position, indices, words, shown)  # type: ignore[arg-type]
            return
        for index in indices.tolist():
            text = words(index)
            finding = fault(code, text.zh, text.en, row=int(self.table.rows[index]), column=COLUMNS[name].name)
            self.table.complaints.add(replace(finding, severity=severity))  # type: ignore[arg-type]

    def _complain(self, name: str, codes: Codes, wrong: dict[int, tuple[str, str]], severity: str) -> None:
        if not wrong:
            return
        placed = self.placed[name]
        cells = self.table.cells[placed.position]
        kinds = sorted({code for code, _ in wrong.values()})
        mark = np.zeros(int(codes.max()) + 1, dtype=np.int64)
        mark[list(wrong)] = [kinds.index(code) + 1 for code, _ in wrong.values()]
        of_row = mark[codes]
        for i, code in enumerate(kinds, 1):

            def words(index: int, code: str = code) -> Text:
                return words_for(code, placed.column, str(cells.iloc[index]), wrong[int(codes[index])][1])

            self.complain_rows(name, code, of_row == i, words, severity)


def place_columns(table: RawTable) -> dict[str, Placed]:
    """Which column of the contract stands where; unknown, doubled and headless columns are faults."""
    placed: dict[str, Placed] = {}
    for position, header in enumerate(table.headers):
        if not half_width(header):
            if (table.cells[position].str.strip() != "").any():
                zh, en = f"第 {position + 1} 列有内容而没有表头", f"column {position + 1} has content and no header"
                table.complaints.add(fault("header_blank", zh, en, column=str(position + 1)))
            continue
        if is_remark(header):
            continue
        match = match_header(header)
        if match is None:
            guess = nearest_header(header) if len(header) <= 60 else None
            meant = Text(f"; 是否指 {guess}?", f"; did you mean {guess}?") if guess else Text("", "")
            zh, en = f"未知的列{meant.zh}", f"unknown column{meant.en}"
            table.complaints.add(fault("unknown_column", zh, en, column=header))
        elif match.unit:
            unit = match.column.unit
            zh, en = (
                f"表头中的单位 {match.unit} 无法识别; 应为 {unit.zh}",
                f"the unit {match.unit} is not understood; should be {unit.en}",
            )
            table.complaints.add(fault("header_unit", zh, en, column=header))
            placed.setdefault(match.column.name, Placed(match.column, position, 0))
        elif match.column.name in placed:
            first = table.headers[placed[match.column.name].position]
            zh, en = (
                f"与列 {first} 重复 (都是 {match.column.label.zh})",
                f"repeats column {first} (both are {match.column.name})",
            )
            table.complaints.add(fault("duplicate_column", zh, en, column=header))
        else:
            placed[match.column.name] = Placed(match.column, position, match.shift)
    return placed


def _absent(n: int, blank: object) -> Distinct:
    return Distinct(np.zeros(n, dtype=np.int32), [blank], np.zeros(n, dtype=bool))


def matching(texts: pa.LargeStringArray, pattern: str) -> NDArray[np.bool_]:
    """Where a pattern of RE2 is the whole of a text."""
    found: NDArray[np.bool_] = pc.match_substring_regex(texts, rf"\A(?:{pattern})\z").to_numpy(zero_copy_only=False)
    return found


def _plain_numbers(texts: pa.LargeStringArray, places: int, largest: int, positive: bool) -> Ints:
    """Plain decimals like 1500 or 58.35 in units of 10^-places; -1 where the text is anything else.

    Exact though it goes through floats: at most 14 digits, so number x 10^places is off by far less than 1/2.
    """
    values = np.full(len(texts), -1, dtype=np.int64)
    if not 0 <= places <= 5:
        return values
    plain = matching(texts, r"[0-9]{1,9}" + (rf"(?:\.[0-9]{{1,{places}}})?" if places else ""))
    numbers = texts.filter(pa.array(plain)).cast(pa.float64()).to_numpy(zero_copy_only=False)
    values[plain] = np.rint(numbers * 10**places).astype(np.int64)
    values[(values > largest) | ((values == 0) & positive)] = -1
    return values
