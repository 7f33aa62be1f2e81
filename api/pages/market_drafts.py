"""An offers file with faults while it is being corrected: the file itself travels with the form, so nothing is kept.

What comes back is the file as it was sent, and the corrections so far; both are read from the beginning each time.
Files too large to travel are told their faults and are corrected where they came from.
"""

import base64
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from market_data import OffersFile, read_offers
from market_data.columns import match_header
from market_data.corrections import Corrections
from market_data.offers_file import raw_table
from market_data.sources.raw_table import RawTable
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault

DRAFT_LENGTH_MAX = 700_000
"""Characters of a form that carry a file: some 30,000 offers as CSV."""
UNPACKED_BYTES_MAX = 40_000_000
"""More than a request may bring; a draft that unpacks to more was made up."""
ROWS_SHOWN_MAX = 40
"""Rows corrected at a time: more than one does in one go, few enough for a page."""
CELL_LENGTH_MAX = 2_000
HEADER_FAULTS = frozenset({"unknown_column", "header_blank", "header_unit", "duplicate_column", "missing_column"})
ALWAYS_SHOWN = ("offer_id", "instrument", "quantity", "price")
_FIELD = re.compile(r"(cell)\.([0-9]{1,8})\.([0-9]{1,3})|(header)\.([0-9]{1,3})|(without)\.([0-9]{1,8})")


@dataclass(frozen=True)
class Draft:
    """A file as it was sent, and what was corrected since."""

    name: str
    as_of: date
    content: bytes
    corrections: Corrections

    def read(self) -> OffersFile:
        """Its offers, corrections applied. Raises BadInput with every fault that is left."""
        chosen = self.corrections if len(self.corrections) else None
        return read_offers("", content=self.content, name=self.name, corrections=chosen)

    def table(self) -> RawTable:
        """Its text as corrected. Raises BadInput where not even that can be read."""
        return self.corrections.applied(raw_table(self.content, self.name))

    def packed(self) -> str | None:
        """As a form carries it; None where it is too large."""
        known = self.corrections
        head = {
            "name": self.name,
            "as_of": self.as_of.isoformat(),
            "cells": [[row, place, text] for (row, place), text in known.cells.items()],
            "headers": [[place, text] for place, text in known.headers.items()],
            "without": sorted(known.without),
        }
        packed = zlib.compress(json.dumps(head).encode() + b"\n" + self.content, 6)
        text = base64.b64encode(packed).decode()
        return text if len(text) <= DRAFT_LENGTH_MAX else None


def draft_of(text: str) -> Draft:
    """What `packed` gave to a form. Raises BadInput: anything else."""
    try:
        reader = zlib.decompressobj()
        data = reader.decompress(base64.b64decode(text, validate=True), UNPACKED_BYTES_MAX)
        if not reader.eof:
            raise ValueError("not whole")
        head, content = data.split(b"\n", 1)
        said = json.loads(head)
        corrections = Corrections(
            {(int(row), int(place)): str(cell) for row, place, cell in said["cells"]},
            {int(place): str(header) for place, header in said["headers"]},
            frozenset(int(row) for row in said["without"]),
        )
        return Draft(str(said["name"])[:200], date.fromisoformat(said["as_of"]), content, corrections)
    except (ValueError, KeyError, TypeError, zlib.error, RecursionError) as error:
        zh, en = "表单内容不完整, 请重新上传文件", "the form did not arrive whole; upload the file again"
        raise BadInput([fault("draft", zh, en, path="file")]) from error


def corrections_of(form: Mapping[str, str], table: RawTable) -> Corrections:
    """What a form changed of the table that it showed: `cell.ROW.COLUMN`, `header.COLUMN`, `without.ROW`."""
    row_at = {int(row): i for i, row in enumerate(table.rows)}
    cells: dict[tuple[int, int], str] = {}
    headers: dict[int, str] = {}
    without: set[int] = set()
    for key, text in form.items():
        match = _FIELD.fullmatch(key)
        if match is None:
            continue
        if match[1] is not None:
            row, place = int(match[2]), int(match[3])
            known = row in row_at and place < len(table.headers)
            if known and text != str(table.cells[place].iloc[row_at[row]]):
                cells[row, place] = text[:CELL_LENGTH_MAX]
        elif match[4] is not None:
            place = int(match[5])
            if place < len(table.headers) and text.strip() != table.headers[place].strip():
                headers[place] = text[:CELL_LENGTH_MAX]
        else:
            without.add(int(match[7]))
    return Corrections(cells, headers, frozenset(without))


# ------------------------------------------------------------------------------------------------ what a form shows


@dataclass(frozen=True)
class DraftCell:
    """One cell of a faulty row."""

    name: str
    """Of its field."""
    text: str
    faults: tuple[Finding, ...]
    editable: bool


@dataclass(frozen=True)
class DraftRow:
    """A faulty row: its number in the file, its cells, and what is wrong with it as a whole."""

    row: int
    cells: tuple[DraftCell, ...]
    faults: tuple[Finding, ...]


@dataclass(frozen=True)
class DraftHeader:
    """A header that may be corrected."""

    name: str
    text: str
    position: int
    faults: tuple[Finding, ...]


@dataclass(frozen=True)
class DraftForm:
    """Everything of a faulty file that can be corrected in place, and what cannot."""

    headers: tuple[DraftHeader, ...]
    columns: tuple[str, ...]
    rows: tuple[DraftRow, ...]
    rows_left: int
    """Faulty rows that come with the next round."""
    whole: tuple[Finding, ...]
    """Faults of the file as a whole."""

    @property
    def correctable(self) -> bool:
        """Whether there is anything to correct here."""
        return bool(self.headers or self.rows)


def form_of(table: RawTable, findings: Sequence[Finding]) -> DraftForm:
    """The form for a table's faults."""
    headers, bodies, whole = _sorted_out(findings)
    numbers = sorted(bodies)
    shown = numbers[:ROWS_SHOWN_MAX]
    faulty = {f.column for number in shown for f in bodies[number]}
    places = [i for i, h in enumerate(table.headers) if h in faulty or _name_of(h) in ALWAYS_SHOWN]
    row_at = {int(row): i for i, row in enumerate(table.rows)}
    rows = tuple(_row(table, number, row_at.get(number), places, bodies[number]) for number in shown)
    columns = tuple(table.headers[i] for i in places)
    return DraftForm(_headers(table, headers), columns, rows, len(numbers) - len(shown), tuple(whole))


def _sorted_out(findings: Sequence[Finding]) -> tuple[list[Finding], dict[int, list[Finding]], list[Finding]]:
    headers, whole = [], []
    rows: dict[int, list[Finding]] = {}
    for finding in findings:
        if finding.row is not None and finding.code not in ("broken_quote", "cell_too_long", "merged_cells"):
            rows.setdefault(finding.row, []).append(finding)
        elif finding.code in HEADER_FAULTS:
            headers.append(finding)
        else:
            whole.append(finding)
    return headers, rows, whole


def _name_of(header: str) -> str:
    match = match_header(header)
    return "" if match is None else match.column.name


def _headers(table: RawTable, findings: Sequence[Finding]) -> tuple[DraftHeader, ...]:
    """Those that are wrong; where a column is missing all of them, since one of them may be it."""
    if not findings:
        return ()
    every = any(f.code == "missing_column" for f in findings)
    shown = []
    for i, header in enumerate(table.headers):
        own = tuple(f for f in findings if f.column == header or (f.code == "header_blank" and f.column == str(i + 1)))
        if own or every:
            shown.append(DraftHeader(f"header.{i}", header, i, own))
    return tuple(shown)


def _row(
    table: RawTable, number: int, index: int | None, places: Sequence[int], findings: Sequence[Finding]
) -> DraftRow:
    """A row's cells; a row that could not be told apart into cells (`index` None) has none that can be edited."""
    cells: list[DraftCell] = []
    told: set[Finding] = set()
    if index is None:
        return DraftRow(number, (), tuple(findings))
    for place in places:
        header = table.headers[place]
        own = tuple(f for f in findings if f.column == header)
        told.update(own)
        text = str(table.cells[place].iloc[index])
        editable = len(text) <= CELL_LENGTH_MAX
        cells.append(DraftCell(f"cell.{number}.{place}", text if editable else text[:60] + "…", own, editable))
    return DraftRow(number, tuple(cells), tuple(f for f in findings if f not in told))
