"""The Berkeley Voluntary Registry Offsets Database: its sheet PROJECTS, one project a row, credits by vintage year.

The shape is that of version 11 as its readers describe it; no file of it could be had. The header is not the first row;
headers carry outer spaces and line breaks; numbers are text with commas, blanks a space; the years stand three times,
under banners for what was issued, retired or cancelled, and remains.

Credits retired of an unknown year are taken from the oldest vintages first. That is an assumption about which
vintage; the project's total is right whichever it is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from market_data.feed_reading import FeedReading, RowAccount
from market_data.quotes import Stock
from market_data.sources.feed_fields import FieldError, number_of
from market_data.sources.raw_table import refuse
from market_data.sources.registry_ledger import doubt_chinese, feed_reading
from market_data.sources.registry_table import header_key
from market_data.sources.xlsx_file import sheet_rows
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault, warning
from optimizer.quantities import MASS_T_MAX, kg_of, tonnes
from optimizer.regions import region_code

FEED = "vrod"
SHEET = "PROJECTS"
HEADER_ROWS_MAX = 20
"""Rows among which the header is looked for; it was row 4."""
ID_HEADER = "project id"
REQUIRED = (ID_HEADER, "voluntary registry", "country")
UNKNOWN_YEAR = 0
YEAR_MIN, YEAR_MAX = 1990, 2100
ISSUED, RETIRED, REMAINING = "issued", "retired", "remaining"
BLOCK_ORDER = (ISSUED, RETIRED, REMAINING)
"""The order of the year blocks where no banner names them."""
BANNER_WORDS = ((REMAINING, ("remaining",)), (RETIRED, ("retired", "cancel")), (ISSUED, ("issued", "issuance")))
"""What a banner holds, asked in this order: "remaining" may say what was issued and retired as well."""
MECHANISMS = {"VCS": "VCS", "GOLD": "GS", "GS": "GS", "CAR": "CAR", "ACR": "ACR", "ART": "ART"}
"""First word of a registry's name -> mechanism as offers name it."""


@dataclass(frozen=True)
class _Sheet:
    """Where things stand: columns by header, year columns by block (0 is the unknown year)."""

    header_row: int
    columns: Mapping[str, int]
    years: Mapping[str, Mapping[int, int]]


def read_vrod(content: bytes, name: str) -> FeedReading:
    """The stock of the workbook: issued less retired or cancelled, by project and vintage.

    Raises:
        BadInput: no workbook, no sheet PROJECTS, no header, or columns that are missing: all of them at once.
    """
    try:
        rows = sheet_rows(content, SHEET)
        sheet = _layout(rows)
    except BadInput as error:
        raise BadInput([f if f.file else f.at(name) for f in error.findings]) from error.__cause__
    book = _Book(name)
    seen: set[str] = set()
    below = enumerate(rows[sheet.header_row + 1 :], sheet.header_row + 2)
    for number, row in sorted(below, key=lambda pair: pair[1]):  # so that of two rows of a project the same one counts
        if any(cell.strip() for cell in row):
            _read_project(_Row(number, row, sheet), seen, book)
    doubt_chinese(book.account, name, book.placeless)
    stock = tuple(sorted(book.stock, key=lambda s: (s.mechanism, s.project_id, s.vintage)))
    return feed_reading(FEED, name, content, book.account, stock)


def _layout(rows: Sequence[Sequence[str]]) -> _Sheet:
    head = next((i for i, r in enumerate(rows[:HEADER_ROWS_MAX]) if ID_HEADER in map(header_key, r)), None)
    if head is None:
        zh, en = "没有含 Project ID 的表头行", "has no header row with Project ID"
        raise refuse(fault("header_missing", zh, en))
    columns: dict[str, int] = {}
    for position, cell in enumerate(rows[head]):
        columns.setdefault(header_key(cell), position)
    years = _year_blocks(rows, head)
    faults = [_missing(column) for column in REQUIRED if column not in columns]
    faults += [_missing(f"{block} by year") for block in (ISSUED, RETIRED) if not years.get(block)]
    if faults:
        raise BadInput(faults)
    return _Sheet(head, columns, years)


def _missing(column: str) -> Finding:
    return fault("missing_column", "缺少必需的列", "the required column is missing", column=column)


def _year_blocks(rows: Sequence[Sequence[str]], head: int) -> dict[str, dict[int, int]]:
    """Block -> year -> column. A block begins where years start again; the banner above names it, else its place."""
    blocks: list[dict[int, int]] = []
    last = YEAR_MAX + 1
    for position, cell in enumerate(rows[head]):
        year = _year_of_header(cell)
        if year is None:
            last = YEAR_MAX + 1
            continue
        if blocks and year == UNKNOWN_YEAR and last <= YEAR_MAX:
            blocks[-1][year] = position
            continue
        if year <= last or not blocks:
            blocks.append({})
        blocks[-1][year] = position
        last = year
    named: dict[str, dict[int, int]] = {}
    for block, usual in zip(blocks, (*BLOCK_ORDER, *[""] * len(blocks)), strict=False):
        banner = _banner(rows[:head], min(block.values()), max(block.values())) or usual
        if banner and banner not in named:
            named[banner] = block
    return named


def _year_of_header(cell: str) -> int | None:
    """A year, 0 for "Year Unknown", None for any other header."""
    key = header_key(cell).removesuffix(".0")
    if "unknown" in key and ("year" in key or "vintage" in key):
        return UNKNOWN_YEAR
    return int(key) if len(key) == 4 and key.isdigit() and YEAR_MIN <= int(key) <= YEAR_MAX else None


def _banner(above: Sequence[Sequence[str]], first: int, last: int) -> str:
    """What the rows above the header call the columns from `first` to `last`."""
    words = " ".join(header_key(cell) for row in above for cell in row[first : last + 1])
    return next((block for block, marks in BANNER_WORDS if any(mark in words for mark in marks)), "")


class _Row:
    """One project's row."""

    def __init__(self, number: int, cells: Sequence[str], sheet: _Sheet) -> None:
        self.number, self.cells, self.sheet = number, cells, sheet

    def text(self, *headers: str) -> str:
        for header in headers:
            position = self.sheet.columns.get(header)
            if position is not None and self.cells[position].strip():
                return " ".join(self.cells[position].split())
        return ""

    def kg_by_year(self, block: str) -> dict[int, int]:
        """Kg by year, blanks and zeros left away. Raises FieldError with the header and the cell."""
        return {year: kg for year, kg in self._cells(self.sheet.years.get(block, {})) if kg}

    def _cells(self, years: Mapping[int, int]) -> Iterator[tuple[int, int]]:
        for year, position in years.items():
            cell = self.cells[position].strip()
            if not cell or cell == "0":
                continue
            try:
                number = number_of(cell)
                kg = kg_of(number or 0)
            except ValueError:
                raise FieldError(f"{year}: {cell}") from None
            if not 0 <= kg <= MASS_T_MAX * 1000:
                raise FieldError(f"{year}: {cell}")
            yield year, kg


class _Book:
    """The account of one reading."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.account = RowAccount()
        self.stock: list[Stock] = []
        self.placeless = 0

    def leave_out(self, row: _Row, code: str, zh: str, en: str, value: str) -> None:
        self.account.leave_out(warning(code, zh, en, row=row.number, value=value).at(self.name))

    def doubt(self, row: _Row, code: str, zh: str, en: str, value: str) -> None:
        self.account.doubt(warning(code, zh, en, row=row.number, value=value).at(self.name))


def _read_project(row: _Row, seen: set[str], book: _Book) -> None:
    project = row.text(ID_HEADER)
    if not project:
        book.leave_out(row, "no_project", "没有项目编号", "has no project id", row.text("project name"))
        return
    if project in seen:
        book.leave_out(row, "duplicate_project", "项目编号重复", "repeats a project id", project)
        return
    seen.add(project)
    try:
        issued, retired, remaining = (row.kg_by_year(block) for block in BLOCK_ORDER)
    except FieldError as error:
        zh, en = "应为吨数, 如 28,571", "should be tonnes such as 28,571"
        book.leave_out(row, "bad_number", zh, en, f"{project} {error}")
        return
    if not issued:
        book.leave_out(row, "nothing_issued", "没有签发", "has nothing issued", project)
        return
    retired = _placed(row, project, issued, retired, book)
    over = {year for year in {*issued, *retired} if retired.get(year, 0) > issued.get(year, 0)}
    if over:
        shown = f"{project}: {', '.join(str(y) if y else '?' for y in sorted(over))}"
        zh, en = "注销多于签发, 整个项目不计", "has more retired than issued, so the project is not counted"
        book.leave_out(row, "over_retired", zh, en, shown)
        return
    _check_remaining(row, project, {y: issued[y] - retired.get(y, 0) for y in issued}, remaining, book)
    region = _region(row, project, book)
    book.stock += [_stock(row, project, region, year, issued[year], retired.get(year, 0)) for year in sorted(issued)]
    book.account.use()


def _placed(row: _Row, project: str, issued: Mapping[int, int], retired: dict[int, int], book: _Book) -> dict[int, int]:
    """Retired kg by year with those of the unknown year taken from the oldest vintages that have something left."""
    placed = dict(retired)
    unknown = placed.pop(UNKNOWN_YEAR, 0)
    if not unknown:
        return placed
    zh = f"{tonnes(unknown)} 吨注销的年份未知: 按最早年份先注销计, 项目合计不受影响"
    en = f"{tonnes(unknown)} t retired of unknown year: taken from the oldest vintages; the project's total is right"
    book.doubt(row, "retired_year_unknown", zh, en, project)
    for year in sorted(issued):
        taken = max(0, min(unknown, issued[year] - placed.get(year, 0)))
        placed[year] = placed.get(year, 0) + taken
        unknown -= taken
    if unknown:
        placed[UNKNOWN_YEAR] = placed.get(UNKNOWN_YEAR, 0) + unknown
    return placed


def _check_remaining(row: _Row, project: str, left: Mapping[int, int], told: Mapping[int, int], book: _Book) -> None:
    if told and sum(told.values()) != sum(left.values()):
        zh = f"表中结余 {tonnes(sum(told.values()))} 吨, 签发减注销为 {tonnes(sum(left.values()))} 吨: 取后者"
        en = f"{tonnes(sum(told.values()))} t remain by the sheet, {tonnes(sum(left.values()))} t by its issues: these"
        book.doubt(row, "remaining_differs", zh, en, project)


def _region(row: _Row, project: str, book: _Book) -> str:
    country = row.text("country")
    code = region_code(country) or ""
    if country and not code:
        zh, en = "不认识的国家或地区: 地区留空", "is no country that is known here: the region stays blank"
        book.doubt(row, "region_unknown", zh, en, country)
    if code != "CN":
        return code
    province = region_code(row.text("state")) or ""
    if province.isdigit():
        return province
    book.placeless += 1
    return code


def _stock(row: _Row, project: str, region: str, year: int, issued: int, retired: int) -> Stock:
    registry = row.text("voluntary registry")
    first = registry.split()[0].upper() if registry else project.rstrip("0123456789")
    method = row.text("methodology / protocol")
    owner = row.text("project owner", "project developer")
    about = (project, row.text("project name"), method, region, year, issued, retired, None, owner, registry)
    return Stock("credit", MECHANISMS.get(first, registry or first), *about)
