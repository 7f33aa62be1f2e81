"""A raw table becomes typed columns: headers find their columns, each distinct cell is read once, faults have rows.

Here live the matching of headers and the vectorised reading of one column. How columns hang together: `normalize`.
"""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market_data.cell_words import words_for
from market_data.cells import BLANKS, NUMBER_KINDS, CellError, Reading, number
from market_data.columns import COLUMNS, Column, half_width, is_remark, match_header, nearest_header
from market_data.complaints import Complaints
from market_data.sources.coded_cells import Codes, Texts
from market_data.sources.raw_table import RawTable
from optimizer.findings import fault
from optimizer.offers import Ints, Labels
from optimizer.wording import Text

PLACES_MAX = 5
"""Decimals up to which plain numbers are read many at once."""
MANY = 1_000
"""From so many distinct cells on, those that need no second look are told apart at once; Arrow is worth its start."""

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
    """One column as distinct values: row i holds `values[codes[i]]`; `is_given` is False for a blank or a fault."""

    codes: Codes
    values: Sequence[Any] | NDArray[Any]
    is_given: NDArray[np.bool_]

    @cached_property
    def given(self) -> NDArray[np.bool_]:
        """Which rows say something that could be read."""
        return np.ones(len(self.codes), dtype=bool) if self.is_given.all() else spread(self.is_given, self.codes)

    def array(self, dtype: Any) -> NDArray[Any]:
        """One value a row."""
        return spread(np.asarray(self.values, dtype=dtype), self.codes)


def spread(values: NDArray[Any], codes: Codes) -> NDArray[Any]:
    """One value a row, from one a text."""
    if len(values) == len(codes) and (codes == np.arange(len(codes), dtype=codes.dtype)).all():
        return values
    return np.full(len(codes), values[0], dtype=values.dtype) if len(values) == 1 else values[codes]


class TableReader:
    """Reads the columns of one raw table; everything that is wrong goes to `table.complaints`."""

    def __init__(self, table: RawTable) -> None:
        self.placed = place_columns(table)
        self.table = table
        self._odd: dict[int, NDArray[np.bool_]] = {}

    def __len__(self) -> int:
        return len(self.table.rows)

    def apart(self) -> "TableReader":
        """The same reader with complaints of its own, for another thread."""
        other = copy(self)
        other.table = replace(self.table, complaints=Complaints())
        return other

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Drops the other rows."""
        if not rows.all():
            self.table = replace(self.table, cells=self.table.cells.take(rows), rows=self.table.rows[rows])
            self._odd.clear()

    def coded(self, name: str) -> tuple[Codes, Texts]:
        """Codes and texts of a column."""
        return self.table.cells.coded(self.placed[name].position)

    def odd(self, name: str) -> NDArray[np.bool_]:
        """Which texts of a column may need cleaning; the others are sound as they stand."""
        position = self.placed[name].position
        if position not in self._odd:
            self._odd[position] = _odd(self.coded(name)[1])
        return self._odd[position]

    def short_or_odd(self, name: str, length: int) -> Ints:
        """Which texts of a column are of at most so many bytes, or may need cleaning."""
        odd = self.odd(name)
        return np.flatnonzero(odd if odd.all() else odd | (self.coded(name)[1].lengths <= length))

    def filled(self, name: str) -> NDArray[np.bool_]:
        """Where a column says something, be it readable or not."""
        codes, texts = self.coded(name)
        return np.array([half_width(text) not in BLANKS for text in texts.objects], dtype=bool)[codes]

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
        for k, text in zip(np.flatnonzero(odd).tolist(), texts.where(odd).objects.tolist(), strict=True):
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
        return Distinct(codes, values, given)

    def numbers(self, name: str, blank: int, required: bool = False) -> Distinct:
        """A column of numbers in units of 10^-decimals; plain decimals take the short way."""
        if name not in self.placed:
            return _absent(len(self), blank)
        placed = self.placed[name]
        kind = NUMBER_KINDS[placed.column.kind]
        largest = kind.largest * 10**kind.decimals - kind.below_largest
        codes, texts = self.coded(name)
        quick = _plain_numbers(texts, kind.decimals + placed.shift, largest, kind.positive)
        if (quick >= 0).all():
            return Distinct(codes, quick, quick >= 0)
        comma = self.table.comma_may_be_decimal

        def parse(text: str) -> int:
            return number(text, kind, placed.shift, comma)

        return self.read(name, parse, blank, required, plain=(quick.tolist(), quick < 0))

    def texts(self, name: str, parse: Parse, required: bool = False) -> Distinct:
        """A column of free text; only an empty cell is blank, and text without oddities takes the short way."""
        if name not in self.placed:
            return _absent(len(self), "")
        codes, texts = self.coded(name)
        odd = self.odd(name)
        if not odd.any():
            return Distinct(codes, texts.objects, ~odd)
        return self.read(name, parse, "", required, frozenset({""}), (texts.objects.tolist(), odd))

    @staticmethod
    def labels(read: Distinct) -> Labels:
        """A column of text as codes into a table of names."""
        table: dict[str, int] = {}
        of_value = np.array([-1 if not v else table.setdefault(v, len(table)) for v in read.values], dtype=np.int32)
        if (of_value == np.arange(len(of_value))).all():
            return Labels(read.codes.astype(np.int32, copy=False), tuple(table))
        return Labels(spread(of_value, read.codes), tuple(table))

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
        cells = self.table.cells
        kinds = sorted({code for code, _ in wrong.values()})
        mark = np.zeros(int(codes.max()) + 1, dtype=np.int64)
        mark[list(wrong)] = [kinds.index(code) + 1 for code, _ in wrong.values()]
        of_row = mark[codes]
        for i, code in enumerate(kinds, 1):

            def words(index: int, code: str = code) -> Text:
                return words_for(code, placed.column, cells.text(placed.position, index), wrong[int(codes[index])][1])

            self.complain_rows(name, code, of_row == i, words, severity)


def place_columns(table: RawTable) -> dict[str, Placed]:
    """Which column of the contract stands where; unknown, doubled and headless columns are faults."""
    placed: dict[str, Placed] = {}
    for position, header in enumerate(table.headers):
        if not half_width(header):
            if any(text.strip() for text in table.cells.coded(position)[1].objects):
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
    return Distinct(np.zeros(n, dtype=np.int32), [blank], np.zeros(1, dtype=bool))


def _odd(texts: Texts) -> NDArray[np.bool_]:
    if len(texts) < MANY:
        return np.ones(len(texts), dtype=bool)
    from market_data.sources.arrow_columns import sound_texts

    return ~sound_texts(texts.arrow)


def _plain_numbers(texts: Texts, places: int, largest: int, positive: bool) -> Ints:
    """Plain decimals like 1500 or 58.35 in units of 10^-places; -1 where the text is anything else."""
    if len(texts) < MANY or not 0 <= places <= PLACES_MAX:
        return np.full(len(texts), -1, dtype=np.int64)
    from market_data.sources.arrow_columns import plain_numbers

    values = plain_numbers(texts.arrow, places)
    values[(values > largest) | ((values == 0) & positive)] = -1
    return values
