"""A raw table becomes `Offers`: every column read, every contradiction between columns found, all faults at once.

Nothing of a table with a fault is used. Each distinct cell is read once; what belongs to a row is checked by arrays.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market_data import cells
from market_data.columns import COLUMNS, OFFER_COLUMNS, REQUIRED, Column, half_width
from market_data.complaints import Complaints
from market_data.depth import LEVELS, expand_levels, fill_from_levels, taken_ids
from market_data.foresters_rows import FORESTRY_MEANS, fill_from_area
from market_data.quality import Doubt, doubts
from market_data.sources.raw_table import RawTable
from market_data.table_reader import Distinct, TableReader
from optimizer.errors import BadInput
from optimizer.findings import fault
from optimizer.offers import LOT_KG_DEFAULT, Bools, Dates, Ints, Offers
from optimizer.wording import Text

MAKES_QUANTITY_AND_PRICE = FORESTRY_MEANS | {LEVELS}
"""Columns that stand in for quantity and price."""
NEEDED = ("offer_id", "quantity", "price")
"""Columns in which a blank is a fault, or what other columns stand in for."""
NUMBER_DEFAULTS = {"lot_size": LOT_KG_DEFAULT}
SUMMARY_WORDS = frozenset({"合计", "小计", "总计", "共计", "total", "subtotal", "sum"})
SPACE = " \t\r\n\u3000\u00a0\ufeff"

READERS: dict[str, Callable[[str], object]] = {
    "text": cells.clean_text,
    "instrument": lambda text: cells.word(text, "instrument"),
    "channel": lambda text: cells.word(text, "channel"),
    "region": cells.region,
    "delivery": cells.delivery,
    "payment": cells.payment,
    "breaks": cells.breaks,
}
"""How columns of text and words are read, by kind."""
DTYPES: dict[str, Any] = {"id": object, "date": "datetime64[D]", "bool": bool}
"""What a column that holds neither text nor integers becomes, by kind."""
MANY_ROWS = 50_000
"""Rows from which on threads are worth their start."""


def normalize(table: RawTable) -> tuple[Offers, Complaints]:
    """The offers of a raw table and the doubts about them.

    Raises:
        BadInput: every fault of the table at once.
    """
    reader = TableReader(table)
    complaints = table.complaints
    _check_columns(reader)
    if not {"offer_id", "instrument"} <= reader.placed.keys():
        raise BadInput(complaints.listed("fault"))
    _drop_rows_that_are_no_offers(reader)
    offers, levels = _read_offers(reader)
    if complaints.count("fault"):
        raise BadInput(complaints.listed("fault"))
    if levels is None:
        for doubt in doubts(offers):
            reader.complain_rows(doubt.column, doubt.code, doubt.rows, doubt.words, "warning")
        return offers, complaints
    return _expanded(reader, offers, levels), complaints


def _expanded(reader: TableReader, offers: Offers, levels: Distinct) -> Offers:
    """The offers with one for each level of a book; a doubt about some level is told once, at the row of the book."""
    offers, source = expand_levels(offers, levels)
    clash = taken_ids(offers, levels, source)
    taken = Text("的档位编号 (编号#1 ...) 已被占用", "names its levels ID#1, ID#2 ..., and another row has such an id")
    reader.complain_rows("offer_id", "level_id_taken", clash, lambda _: taken)
    if len(clash):
        raise BadInput(reader.table.complaints.listed("fault"))
    for doubt in doubts(offers):
        _doubt_once_a_row(reader, doubt, source)
    return offers


def _doubt_once_a_row(reader: TableReader, doubt: Doubt, source: Ints) -> None:
    doubtful = np.flatnonzero(doubt.rows)
    rows, first = np.unique(source[doubtful], return_index=True)

    def words(row: int) -> Text:
        return doubt.words(int(doubtful[first[np.searchsorted(rows, row)]]))

    reader.complain_rows(doubt.column, doubt.code, rows, words, "warning")


def _check_columns(reader: TableReader) -> None:
    made = MAKES_QUANTITY_AND_PRICE & reader.placed.keys()
    for name in REQUIRED:
        if name in reader.placed or (made and name in ("quantity", "price")):
            continue
        column = COLUMNS[name]
        unit = Text(f" ({column.unit.zh})", f" ({column.unit.en})") if column.unit.zh else Text("", "")
        zh, en = f"缺少必需的列 {column.label.zh}{unit.zh}", f"the required column {name}{unit.en} is missing"
        reader.table.complaints.add(fault("missing_column", zh, en, column=name))


def _drop_rows_that_are_no_offers(reader: TableReader) -> None:
    """Empty rows go without a word; a repeated header and a total are faults that are named once."""
    cells, headers = reader.table.cells, reader.table.headers
    header = headers[reader.placed["offer_id"].position].strip(SPACE)
    codes, ids = reader.coded("offer_id")
    longest = max(len(word.encode()) for word in (header, *SUMMARY_WORDS))
    bare = {k: ids[k].strip(SPACE) for k in reader.short_or_odd("offer_id", longest).tolist()}
    if not bare:
        return

    def rows_with(chosen: list[int]) -> Bools:
        mask = np.zeros(len(ids), dtype=bool)
        mask[chosen] = True
        return mask[codes]

    keep = np.ones(len(reader), dtype=bool)
    for i in np.flatnonzero(rows_with([k for k, text in bare.items() if not text])).tolist():
        keep[i] = any(half_width(cells.text(position, i)) for position in range(len(cells)))
    repeated = rows_with([k for k, text in bare.items() if text == header])
    if repeated.any():
        kinds, instruments = reader.coded("instrument")
        repeated &= (instruments.objects == headers[reader.placed["instrument"].position])[kinds]
    sums = rows_with([k for k, text in bare.items() if text.lower() in SUMMARY_WORDS])
    for code, rows, zh, en in (
        (
            "repeated_header",
            repeated,
            "是重复的表头, 请删除该行",
            "is the header again; remove the row",
        ),
        ("summary_row", sums, "是合计行, 不是报价; 请删除该行", "is a row of totals, not an offer; remove the row"),
    ):
        text = Text(zh, en)
        reader.complain_rows("offer_id", code, rows & keep, lambda _, text=text: text)  # type: ignore[misc]
        keep &= ~rows
    reader.keep(keep)


def _read_offers(reader: TableReader) -> tuple[Offers, Distinct | None]:
    read, values = _read_columns(reader)
    columns: dict[str, Any] = {column.field: found for column, found in zip(OFFER_COLUMNS, values, strict=True)}
    given = {
        column.name: distinct.given
        for column, distinct in zip(OFFER_COLUMNS, read, strict=True)
        if column.name in NEEDED
    }
    fill_from_area(reader, columns, given)
    levels = fill_from_levels(reader, columns, given)
    _check_required_numbers(reader, given)
    _check_ids(reader, columns["offer_id"], given["offer_id"])
    _check_validity(reader, columns["valid_from"], columns["valid_until"])
    return Offers(**columns), levels


def _read_columns(reader: TableReader) -> tuple[Sequence[Distinct], Sequence[Any]]:
    """Every column as distinct values and as one value a row; several columns at once where there are many rows."""
    if len(reader) < MANY_ROWS:
        found = [_column(reader, column) for column in OFFER_COLUMNS]
    else:
        from concurrent.futures import ThreadPoolExecutor

        apart = [reader.apart() for _ in OFFER_COLUMNS]
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            found = list(threads.map(_column, apart, OFFER_COLUMNS))
        for other in apart:
            reader.table.complaints.extend(other.table.complaints)
    read, values = zip(*found, strict=True)
    return read, values


def _column(reader: TableReader, column: Column) -> tuple[Distinct, Any]:
    read = _read_column(reader, column.name, column.kind)
    return read, _values(read, column.kind)


def _read_column(reader: TableReader, name: str, kind: str) -> Distinct:
    required = name in ("offer_id", "instrument")
    if kind in ("id", "text"):
        return reader.texts(name, cells.clean_id if name in ("offer_id", "project_id") else cells.clean_text, required)
    if kind in READERS:
        return reader.read(name, READERS[kind], "", required)
    if kind == "date":
        return reader.read(name, cells.day, None)
    if kind == "vintage":
        return reader.read(name, cells.vintage, 0)
    if kind == "bool":
        return reader.read(name, lambda text: cells.word(text, "bool") == "true", True)
    return reader.numbers(name, NUMBER_DEFAULTS.get(name, 0))


def _values(read: Distinct, kind: str) -> Any:
    if kind in READERS:
        return TableReader.labels(read)
    return read.array(DTYPES.get(kind, np.int64))


def _check_required_numbers(reader: TableReader, given: dict[str, Bools]) -> None:
    """Quantity and price must be there; a cell that is there and wrong has been named already."""
    for name in ("quantity", "price"):
        if name not in reader.placed and not MAKES_QUANTITY_AND_PRICE & reader.placed.keys():
            continue
        missing = ~given[name]
        if name in reader.placed and missing.any():
            missing &= ~reader.filled(name)
        text = _blank_text(name)
        reader.complain_rows(name, "blank", missing, lambda _, text=text: text)  # type: ignore[misc]


def _blank_text(name: str) -> Text:
    unit = COLUMNS[name].unit
    return Text(f"不能为空; 应填写数值 ({unit.zh})", f"is blank; should be a number in {unit.en}")


def _check_ids(reader: TableReader, ids: NDArray[Any], given: Bools) -> None:
    if (ids[:-1] < ids[1:]).all() or len(set(ids.tolist())) == len(ids):
        return
    first: dict[str, int] = {}
    for index, offer_id in enumerate(ids.tolist()):
        first.setdefault(offer_id, index)
    repeats = given.copy()
    repeats[list(first.values())] = False

    def words(index: int) -> Text:
        row = int(reader.table.rows[first[ids[index]]])
        return Text(
            f"编号与第 {row} 行重复; 每个报价要有自己的编号",
            f"repeats the id of row {row}; every offer needs an id of its own",
        )

    reader.complain_rows("offer_id", "duplicate_id", repeats, words)


def _check_validity(reader: TableReader, valid_from: Dates, valid_until: Dates) -> None:
    def words(index: int) -> Text:
        start = valid_from[index]
        return Text(f"有效期至早于有效期起 {start}", f"is before valid_from {start}; should be on or after it")

    reader.complain_rows("valid_until", "dates_contradict", valid_from > valid_until, words)
