"""Tables as files: CSV, JSON, and workbooks that begin with what they rest on. One place for all answers but the plan.

A table is heads and rows; a number is a number, text is text whatever it starts with. Numbers of a workbook are shown
with the decimals that the unit in their heading asks for.
"""

import csv
import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from io import StringIO
from typing import Any, NamedTuple

import numpy as np

from api.reports.cells import MASS, MONEY, PRICE, SHARE, Book, fitting
from api.reports.csv import inert
from api.reports.words import pick
from optimizer import Problem
from optimizer.plan import Json, sha256
from optimizer.wording import Language

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
ACROSS = 90
"""Characters of a line of the first sheet."""


class Live(NamedTuple):
    """A formula with its value."""

    formula: str
    value: Decimal


type Table = tuple[Sequence[str], Sequence[Sequence[Any]]]
"""Heads, and rows of text, numbers, formulas or None."""
type Facts = Sequence[tuple[str, str]]


def json_bytes(document: Json) -> bytes:
    """A document as a file."""
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def csv_bytes(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """A table for spreadsheets: UTF-8 with BOM, no cell that would run as a formula."""
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(heads)
    writer.writerows([_csv_cell(cell) for cell in row] for row in rows)
    return b"\xef\xbb\xbf" + buffer.getvalue().encode()


def _csv_cell(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, str) and not _NUMBER.fullmatch(cell):
        return inert(cell)
    return f"{cell:f}" if isinstance(cell, Decimal) else str(cell)


# ---------------------------------------------------------------------------------------------------------- workbooks


def problem_facts(problem: Problem, lang: Language) -> list[tuple[str, str]]:
    """What an answer rests on, and how long its prices last."""
    ends = problem.offers.valid_until
    coming = ends[~np.isnat(ends) & (ends >= np.datetime64(problem.as_of))]
    first = str(coming.min()) if len(coming) else pick(lang, "报价未写有效期", "no offer names a day")
    pack = problem.rule_pack
    return [
        (pick(lang, "计划日期", "as of"), problem.as_of.isoformat()),
        (pick(lang, "最早到期的报价", "first offer ends"), first),
        (pick(lang, "规则包", "rule pack"), f"{pack.id} v{pack.version}"),
        (pick(lang, "活动哈希", "events sha256"), sha256(problem.calendar.dump())),
        (pick(lang, "报价哈希", "offers sha256"), problem.offers.sha256),
        (pick(lang, "规则包哈希", "rule pack sha256"), pack.sha256),
    ]


def front_sheet(book: Book, title: str, facts: Facts) -> tuple[Any, int]:
    """The first sheet: what this is and what it rests on; returns it with its next free row."""
    sheet = book.sheet(book.pick("摘要", "Summary"), [26, 18, 18, 18, 18, 18, 20])
    sheet.fit_to_pages(1, 1)
    book.text(sheet, 0, 0, title, bold=True, font_size=14)
    sheet.set_row(0, 22)
    for row, (head, value) in enumerate(facts, 2):
        book.text(sheet, row, 0, head)
        book.prose(sheet, row, value, ACROSS)
    return sheet, 3 + len(facts)


def table_at(book: Book, sheet: Any, row: int, table: Table) -> None:
    """A table on a sheet, its heads in this row."""
    heads, rows = table
    book.head_row(sheet, row, heads)
    shapes = [shape_of(head) for head in heads]
    for r, cells in enumerate(rows, row + 1):
        for k, cell in enumerate(cells):
            if isinstance(cell, Live):
                book.formula(sheet, r, k, cell.formula, cell.value, shapes[k])
            elif isinstance(cell, int | float | Decimal):
                book.number(sheet, r, k, str(cell), shapes[k])
            elif cell is not None:
                book.text(sheet, r, k, cell)


def table_sheets(book: Book, tables: Mapping[str, Table]) -> None:
    """A sheet for each table, with filters."""
    for name, (heads, rows) in tables.items():
        shown = [[_shown(cell) for cell in row] for row in rows]
        sheet = book.sheet(name, fitting(heads, shown))
        book.heads(sheet, 0, heads)
        table_at(book, sheet, 0, (heads, rows))
        sheet.autofilter(0, 0, max(len(rows), 1), max(len(heads) - 1, 0))


def _shown(cell: Any) -> str:
    if isinstance(cell, Live | int | float | Decimal):
        return f"{cell.value if isinstance(cell, Live) else cell:,.3f}"
    return "" if cell is None else str(cell)


def shape_of(head: str) -> str:
    """How numbers under a heading are shown, by its unit."""
    if "%" in head:
        return SHARE
    if "/吨" in head or "/t" in head:
        return PRICE
    if "元" in head or "yuan" in head:
        return MONEY
    if "吨" in head or head.endswith(("(t)", "_t", ", t", " t")) or "(t)" in head:
        return MASS
    return "General"


def workbook_bytes(lang: Language, title: str, problem: Problem, facts: Facts, tables: Mapping[str, Table]) -> bytes:
    """A workbook of tables behind a sheet that says what they rest on."""
    book = Book(lang, title, mark_of(problem), problem.as_of)
    front_sheet(book, title, [*problem_facts(problem, lang), *facts])
    table_sheets(book, tables)
    return book.bytes()


def mark_of(problem: Problem) -> str:
    """At the foot of every page: the market that the answer rests on."""
    return f"offers sha256 {problem.offers.sha256[:32]}"
