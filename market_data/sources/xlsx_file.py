"""XLSX workbooks: the sheet of offers as text with positions; row 1 is the sheet's first row.

Before a workbook is opened: encrypted and old files are told apart, a small file that unpacks without end is refused.
Formulas and merged cells are faults with their cells: a reader would see yesterday's value, or one cell of several.
Numbers are read to the 15 digits that Excel itself keeps and shows (58.349999999999994 is 58.35, as on the screen).
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import python_calamine as calamine

from market_data.columns import half_width
from market_data.sources.raw_table import (
    BYTES_MAX,
    OLE_MAGIC,
    RawTable,
    check_width,
    decimal_text,
    header_index,
    refuse,
    table_of_rows,
)
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.wording import Text

UNPACKED_BYTES_MAX = 2 * BYTES_MAX
"""Bytes of a workbook unpacked: a million offers take some 700 MB of XML."""
RATIO_MAX = 200
"""Bytes unpacked per byte packed, above `RATIO_FROM`: real sheets have 5 to 30, a zip bomb a thousand."""
RATIO_FROM = 16 * 1024 * 1024
ENTRIES_MAX = 2_000
SHEET_NAMES = frozenset({"offers", "报价", "报价表", "offer"})
"""Sheets that are read wherever they stand; otherwise the first that is not empty."""

_FORMULA = re.compile(rb"<(?:\w+:)?f[ />]")
_FORMULA_MARKS = (b"<f>", b"<f ", b"<f/", b":f>", b":f ", b":f/")
_CELL = re.compile(rb'<(?:\w+:)?c\s[^>]*?\br="([A-Z]{1,3})([0-9]{1,7})"')
_UNUSUAL_ADDRESS = re.compile(rb"""\sr\s*=\s*(?!"[A-C]?[A-Z]?[1-9][0-9]{0,4}")["']?([^"'>\s]*)""")
USUAL_ROWS, USUAL_COLUMNS = 99_999, 104
"""Addresses up to CZ99999 need no second look: a sheet that ends there has at most 10 million cells."""
TAG_LENGTH_MAX = 2_000
_ADDRESSED = re.compile(rb"<(?:\w+:)?(?:c|row)\s")
_ROW_OF_ADDRESS = re.compile(rb"""\sr\s*=\s*["']?[A-Z]*([0-9]{1,7})""")
_SOUND_ADDRESS = re.compile(rb"([A-Z]{0,3})([1-9][0-9]{0,6})")
_COUNT = re.compile(rb"""\s(?:count|uniqueCount)\s*=\s*["'][+]?([0-9]{8,4000})""")
COUNTS_MAX = 10_000_000
"""Entries that a part may announce: the reader makes room for all of them at once."""
SHEET_ROWS_MAX = 1_048_576
SPARSE_CELLS_MAX = 12_000_000
"""Cells of a sheet that may be empty: some 400 MB while it is read."""
LONG_STRING = 2_000
"""Bytes of one shared text above which it matters that every cell may repeat it."""


def read_xlsx(content: bytes) -> RawTable:
    """The raw table of a workbook.

    Raises:
        BadInput: not a workbook, encrypted, of the old format, broken, or one that unpacks to more than any market.
    """
    check_container(content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_entries(archive)
            book = calamine.load_workbook(io.BytesIO(content))
            name, cells, merged = _sheet_of_offers(book)
            formulas = _formula_cells(archive, name)
    except BadInput:
        raise
    except BaseException as error:  # an abort inside the reader arrives as one that is no Exception
        raise _explained(error) from error
    return _table(cells, merged, formulas)


def sheet_rows(content: bytes, sheet: str) -> list[list[str]]:
    """Every cell of one sheet as text, for workbooks of another shape than an offers file; row 1 comes first.

    Raises:
        BadInput: as `read_xlsx` does, and when there is no such sheet (its case and outer spaces aside).
    """
    check_container(content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_entries(archive)
            book = calamine.load_workbook(io.BytesIO(content))
            name = next((n for n in book.sheet_names if n.strip().casefold() == sheet.casefold()), None)
            if name is None:
                zh, en = f"没有工作表 {sheet}", f"has no sheet {sheet}"
                raise refuse(fault("sheet_missing", zh, en, value=", ".join(book.sheet_names)))
            cells = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except BadInput:
        raise
    except BaseException as error:  # an abort inside the reader arrives as one that is no Exception
        raise _explained(error) from error
    return [[c if c.__class__ is str else _text(c) for c in row] for row in cells]


def _explained(error: BaseException) -> BaseException:
    """What to say about an error of the zip file or of the workbook's reader; any other error stays itself."""
    broken = (zipfile.BadZipFile, calamine.CalamineError, zlib.error, OSError, ValueError, KeyError, EOFError)
    if isinstance(error, NotImplementedError | RuntimeError):
        zh, en = "工作簿已加密; 请去掉密码后另存为 XLSX", "is encrypted; save it as XLSX without a password"
        return refuse(fault("workbook_encrypted", zh, en))
    if isinstance(error, broken) or type(error).__name__ == "PanicException":
        zh, en = "不是完好的 XLSX 工作簿 (文件损坏或不完整)", "is not a sound XLSX workbook (broken or incomplete)"
        return refuse(fault("workbook_broken", zh, en))
    return error


def check_container(content: bytes) -> None:
    """Refuses what looks like a workbook from afar: encrypted files and the format before 2007."""
    if not content.startswith(OLE_MAGIC):
        return
    if "EncryptedPackage".encode("utf-16-le") in content:
        zh, en = "工作簿已加密; 请去掉密码后另存为 XLSX", "is encrypted; save it as XLSX without a password"
        raise refuse(fault("workbook_encrypted", zh, en))
    zh, en = "是旧的 XLS 格式; 请另存为 XLSX", "is in the old XLS format; save it as XLSX"
    raise refuse(fault("workbook_old", zh, en))


def _check_entries(archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    unpacked = sum(e.file_size for e in entries)
    bomb = unpacked > UNPACKED_BYTES_MAX or len(entries) > ENTRIES_MAX
    bomb |= any(e.file_size > RATIO_FROM and e.file_size > RATIO_MAX * max(e.compress_size, 1) for e in entries)
    if bomb:
        raise _too_large()
    if any(e.flag_bits & 1 for e in entries):
        raise RuntimeError
    names = {e.filename for e in entries}
    if "xl/workbook.xml" not in names:
        zh, en = "不是 XLSX 工作簿; 请另存为 XLSX 或 CSV", "is a zip file but no XLSX workbook; save it as XLSX or CSV"
        raise refuse(fault("workbook_other", zh, en))
    n_cells = 0
    for name in sorted(names):
        data = archive.read(name)  # checks that the part is sound and as long as the directory says
        if name.endswith(".xml") and b"\x00" in data[:200]:
            raise zipfile.BadZipFile("a part in UTF-16")
        if any(int(m[1]) > max(COUNTS_MAX, len(data)) for m in _COUNT.finditer(data)):
            raise zipfile.BadZipFile("a count that cannot be")
        n_cells = max(n_cells, _check_addresses(data))
    strings = archive.read("xl/sharedStrings.xml") if "xl/sharedStrings.xml" in names else b""
    longest = max(map(len, strings.split(b"si>")))
    if longest > LONG_STRING and longest * n_cells > UNPACKED_BYTES_MAX:
        raise _too_large()


def _too_large() -> BadInput:
    zh, en = "解压后过大, 不像工作簿", "unpacks to far more than a workbook holds"
    return refuse(fault("workbook_too_large", zh, en))


def _check_addresses(data: bytes) -> int:
    """How many cells a sheet holds, if they lie close together: the reader lays out every cell between them.

    A single cell in the last corner of a sheet would take 400 GB, and the process with it: nothing is raised there.
    """
    n_cells = data.count(b"<c ") + data.count(b":c ")
    last_row, last_column = USUAL_ROWS, USUAL_COLUMNS
    for unusual in _UNUSUAL_ADDRESS.finditer(data):
        start = data.rfind(b"<", max(0, unusual.start() - TAG_LENGTH_MAX), unusual.start())
        if start >= 0 and _ADDRESSED.match(data, start) is None:
            continue
        parts = _SOUND_ADDRESS.fullmatch(unusual[1])
        if start < 0 or parts is None:
            raise zipfile.BadZipFile("a cell without an address")
        last_column = max(last_column, _column_number(parts[1].decode()) + 1)
        last_row = max(last_row, int(parts[2]))
    if (last_row, last_column) == (USUAL_ROWS, USUAL_COLUMNS):
        return n_cells
    if last_row == USUAL_ROWS:
        last_row = max(int(m[1]) for m in _ROW_OF_ADDRESS.finditer(data))
    check_width(last_column)
    if last_row > SHEET_ROWS_MAX or last_row * last_column > max(SPARSE_CELLS_MAX, 40 * n_cells):
        raise _too_large()
    return n_cells


def _sheet_of_offers(book: calamine.CalamineWorkbook) -> tuple[str, list[list[Any]], list[Any]]:
    sheets = [m.name for m in book.sheets_metadata if m.typ == calamine.SheetTypeEnum.WorkSheet]
    named = [n for n in sheets if half_width(n).casefold() in SHEET_NAMES]
    for name in (*named, *sheets):
        sheet = book.get_sheet_by_name(name)
        if sheet.end is None:
            continue
        check_width(sheet.end[1] + 1)
        cells = sheet.to_python(skip_empty_area=False)
        if any(c != "" for row in cells for c in row):
            return name, cells, list(sheet.merged_cell_ranges or [])
    raise refuse(fault("file_empty", "工作簿没有内容", "the workbook has no content"))


def _formula_cells(archive: zipfile.ZipFile, sheet_name: str) -> list[tuple[int, int]]:
    """Cells (row, column, from 0) of the named sheet that hold a formula."""
    part = _part_of(archive, sheet_name)
    data = archive.read(part) if part in archive.namelist() else b""
    if not any(mark in data for mark in _FORMULA_MARKS):
        return []
    found = []
    cells = [(m.start(), m[1], m[2]) for m in _CELL.finditer(data)]
    starts = np.array([c[0] for c in cells], dtype=np.int64)
    for formula in _FORMULA.finditer(data):
        k = int(np.searchsorted(starts, formula.start())) - 1
        if k >= 0:
            found.append((int(cells[k][2]) - 1, _column_number(cells[k][1].decode())))
    return found


def _part_of(archive: zipfile.ZipFile, sheet_name: str) -> str:
    """The file inside the workbook that holds a sheet."""
    book = archive.read("xl/workbook.xml").decode("utf-8", "replace")
    links = archive.read("xl/_rels/workbook.xml.rels").decode("utf-8", "replace")
    targets = {}
    for link in re.findall(r"<(?:\w+:)?Relationship\s[^>]*>", links):
        attributes = dict(re.findall(r'([\w:]+)\s*=\s*"([^"]*)"', link))
        targets[attributes.get("Id", "")] = attributes.get("Target", "")
    for sheet in re.findall(r"<(?:\w+:)?sheet\s[^>]*>", book):
        attributes = dict(re.findall(r'([\w:]+)\s*=\s*"([^"]*)"', sheet))
        if _unescaped(attributes.get("name", "")) == sheet_name:
            link_id = next((v for k, v in attributes.items() if k.endswith(":id")), "")
            target = targets.get(link_id, "")
            return str(target.removeprefix("/") if target.startswith("/") else "xl/" + target)
    return ""


def _unescaped(text: str) -> str:
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&")):
        text = text.replace(entity, character)
    return re.sub(r"&#(x?)([0-9a-fA-F]+);", lambda m: chr(int(m[2], 16 if m[1] else 10)), text)


def _table(cells: list[list[Any]], merged: list[Any], formulas: list[tuple[int, int]]) -> RawTable:
    head = [[_text(c) for c in row] for row in cells[:20]]
    start = header_index(head)
    header = head[start]
    while header and not header[-1].strip():
        header = header[:-1]
    width = len(header)
    rows = [[c if c.__class__ is str else _text(c) for c in row[:width]] for row in cells[start + 1 :]]
    positions = [i for i, row in enumerate(rows, start + 2) if any(row)]
    filled = [row for row in rows if any(row)]
    table = table_of_rows(filled, positions, header)
    for finding in _beyond(cells, start, width):
        table.complaints.add(finding)
    _complain_formulas(table, formulas, start)
    for first, last in merged:
        if last[0] >= start and first[1] < width:
            table.complaints.add(_merged(first, last))
    return table


def _beyond(cells: list[list[Any]], start: int, width: int) -> Iterator[Finding]:
    for i, row in enumerate(cells[start + 1 :], start + 2):
        extra = next((k for k, c in enumerate(row[width:], width) if c != ""), None)
        if extra is not None:
            zh, en = "有内容而没有表头", "has content and no header"
            yield fault("extra_cells", zh, en, row=i, column=_column_letters(extra), value=_text(row[extra]))


def _complain_formulas(table: RawTable, formulas: list[tuple[int, int]], start: int) -> None:
    index_of = {int(row): i for i, row in enumerate(table.rows)}
    by_column: dict[int, list[int]] = {}
    for row, column in formulas:
        if column < len(table.headers) and row + 1 in index_of:
            by_column.setdefault(column, []).append(index_of[row + 1])
        elif row >= start:
            cell = f"{_column_letters(column)}{row + 1}"
            zh, en = f"单元格 {cell} 是公式; 请粘贴为数值", f"cell {cell} is a formula; paste values"
            table.complaints.add(fault("formula", zh, en, row=row + 1, column=_column_letters(column)))
    for column, indices in by_column.items():
        letters = _column_letters(column)

        def words(index: int, letters: str = letters) -> Text:
            cell = f"{letters}{int(table.rows[index])}"
            return Text(f"单元格 {cell} 是公式; 请粘贴为数值", f"cell {cell} is a formula; paste values")

        table.complain("formula", column, np.array(sorted(set(indices)), dtype=np.int64), words)


def _merged(first: tuple[int, int], last: tuple[int, int]) -> Finding:
    area = f"{_column_letters(first[1])}{first[0] + 1}:{_column_letters(last[1])}{last[0] + 1}"
    zh, en = f"单元格 {area} 是合并单元格; 请取消合并并逐格填写", f"cells {area} are merged; unmerge them and fill each"
    return fault("merged_cells", zh, en, row=first[0] + 1, column=_column_letters(first[1]))


def _text(value: Any) -> str:
    """A cell as text; numbers to Excel's 15 digits, without exponent while all digits are known."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        text = f"{value:.15g}"
        if "e" not in text:
            return text
        return decimal_text(Decimal(text)) if abs(value) < 1 else f"{value:.14E}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value) if isinstance(value, int | timedelta) else ""


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _column_letters(number: int) -> str:
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
