"""Broken offers files, each with what must be said about it: (name, file name, bytes, {(code, row, column)}).

Every door that takes offers can be tried with `CORPUS`; none may answer with anything but these complaints. `row` and
`column` are as the reader of the file sees them; None and "" mean the file as a whole. The expected set is a part of what is
said: a broken cell may have consequences that are named as well.
"""

# ruff: noqa: E501 - a table of files, one or two lines each, is read more easily wide

import io
import json
import struct
import zipfile
from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import xlsxwriter  # type: ignore[import-untyped]  # it ships no types

type Expected = set[tuple[str, int | None, str]]


class BrokenFile(NamedTuple):
    name: str
    filename: str
    made: bytes | Callable[[], bytes]
    """Its content, or what makes it: workbooks are made when they are tried."""
    expected: Expected

    @property
    def content(self) -> bytes:
        return self.made if isinstance(self.made, bytes) else self.made()


HEADER = ["offer_id", "instrument", "region", "vintage", "quantity", "price"]
GOOD = ["A1", "ccer", "14", "2024", "1000", "58.5"]


def csv_text(*rows: list[str], header: list[str] | None = None) -> str:
    return "\n".join(",".join(r) for r in [header or HEADER, *rows]) + "\n"


def csv_bytes(*rows: list[str], header: list[str] | None = None) -> bytes:
    return csv_text(*rows, header=header).encode()


def changed(**cells: str) -> list[str]:
    return [cells.get(name, value) for name, value in zip(HEADER, GOOD, strict=True)]


def with_column(name: str, value: str, **others: str) -> bytes:
    """A sound file with one more column."""
    return csv_bytes([*changed(**others), value], header=[*HEADER, name])


def cell(code: str, column: str, value: str) -> BrokenFile:
    """One bad cell in the second row of data (row 3 of the file)."""
    quoted = f'"{value}"' if "," in value else value
    content = csv_bytes(changed(offer_id="A0"), changed(**{column: quoted}))
    return BrokenFile(f"{column} {value}", "offers.csv", content, {(code, 3, column)})


def extra(code: str, column: str, value: str, **others: str) -> BrokenFile:
    """One bad cell in a column of its own."""
    return BrokenFile(f"{column} {value}", "offers.csv", with_column(column, value, **others), {(code, 2, column)})


def workbook(fill, name: str = "offers") -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False})
    sheet = book.add_worksheet(name)
    sheet.write_row(0, 0, HEADER)
    sheet.write_row(1, 0, ["A1", "ccer", "14", 2024, 1000, 58.5])
    fill(sheet)
    book.close()
    return out.getvalue()


def rezipped(content: bytes, change) -> bytes:
    """The workbook with its parts changed by `change(name, data)`."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, change(entry.filename, old.read(entry.filename)))
    return out.getvalue()


def bomb() -> bytes:
    def blow_up(name: str, data: bytes) -> bytes:
        return data + b" " * 20_000_000 if name == "xl/worksheets/sheet1.xml" else data

    return rezipped(workbook(lambda s: None), blow_up)


def lying_zip() -> bytes:
    """A workbook whose directory says that its sheet is shorter than it is."""
    content = bytearray(workbook(lambda s: None))
    with zipfile.ZipFile(io.BytesIO(bytes(content))) as archive:
        size = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    return bytes(content).replace(struct.pack("<I", size), struct.pack("<I", size - 40))


def flagged_as_encrypted() -> bytes:
    content = bytearray(workbook(lambda s: None))
    at = content.find(b"PK\x01\x02")
    while at >= 0:
        content[at + 8] |= 1
        at = content.find(b"PK\x01\x02", at + 4)
    return bytes(content)


def repeated_text() -> bytes:
    """40,000 cells that share one text of 32,000 characters: 1.3 GB once they are read."""

    def fill(sheet) -> None:
        for row in range(2, 1602):
            for column in range(25):
                sheet.write_string(row, column, "x" * 32_000)

    return workbook(fill)


def zip_of_text() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("offers.csv", csv_text(GOOD))
    return out.getvalue()


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
XLS = OLE + bytes(504) + "Workbook".encode("utf-16-le") + bytes(512)
ENCRYPTED = OLE + bytes(504) + "EncryptedPackage".encode("utf-16-le") + bytes(512)


def parquet(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def parquet_of(**columns: object) -> bytes:
    base: dict[str, object] = {
        "offer_id": ["A1", "A2"], "instrument": ["ccer", "ccer"], "quantity": [1000, 2000],
        "price": pa.array([Decimal("58.50"), Decimal("60.00")], pa.decimal128(10, 2)),
    }  # fmt: skip
    return parquet(pa.table(base | columns))


def json_bytes(*rows: object) -> bytes:
    return json.dumps(list(rows)).encode()


ROW = dict(zip(HEADER, GOOD, strict=True))

TEXT_FILES = [
    BrokenFile("nothing", "offers.csv", b"", {("file_empty", None, "")}),
    BrokenFile("only white space", "offers.csv", b" \n\n\t\n", {("file_empty", None, "")}),
    BrokenFile("only commas", "offers.csv", b",,,\n,,,\n", {("file_empty", None, "")}),
    BrokenFile("only a header", "offers.csv", csv_bytes(), {("no_rows", None, "")}),
    BrokenFile("a header and empty rows", "offers.csv", csv_bytes([""] * 6, [""] * 6), {("no_rows", None, "")}),
    BrokenFile(
        "no header", "offers.csv", (",".join(GOOD) + "\n").encode(),
        {("unknown_column", None, "A1"), ("missing_column", None, "offer_id"), ("missing_column", None, "price")},
    ),
    BrokenFile("a poem", "offers.csv", "白日依山尽\n黄河入海流\n".encode(), {("missing_column", None, "offer_id")}),
    BrokenFile("UTF-16 with mark", "offers.csv", csv_text(GOOD).encode("utf-16"), {("encoding_utf16", None, "")}),
    BrokenFile("UTF-16 without mark", "offers.csv", csv_text(GOOD).encode("utf-16-le"), {("file_binary", 1, "")}),
    BrokenFile("NUL in a cell", "offers.csv", csv_bytes(GOOD, changed(offer_id="A\x00")), {("file_binary", 3, "")}),
    BrokenFile(
        "UTF-8 cut within a character", "offers.csv", csv_text(changed(region="山西省太原市")).encode()[:-17],
        {("encoding_broken", 2, "")},
    ),
    BrokenFile("neither UTF-8 nor GB18030", "offers.csv", csv_bytes(GOOD) + b"A2,\xff\xff\xff,14\n", {("encoding_broken", 3, "")}),
    BrokenFile("pure rubbish", "offers.csv", bytes(range(128, 256)) * 20, {("encoding_broken", 1, "")}),
    BrokenFile(
        "two files in one: mark and header in the middle", "offers.csv",
        csv_bytes(GOOD) + b"\xef\xbb\xbf" + csv_bytes(changed(offer_id="A2")), {("repeated_header", 3, "offer_id")},
    ),
    BrokenFile("PDF", "offers.csv", b"%PDF-1.7\n...", {("file_format", None, "")}),
    BrokenFile("GZIP", "offers.csv.gz", b"\x1f\x8b\x08\x00\x00", {("file_format", None, "")}),
    BrokenFile("PNG named CSV", "offers.csv", b"\x89PNG\r\n\x1a\n\x00\x00", {("file_format", None, "")}),
    BrokenFile("a quote that never closes", "offers.csv", csv_bytes(GOOD, changed(region='"14')), {("broken_quote", 3, "")}),
    BrokenFile("text after a quote", "offers.csv", csv_bytes(changed(region='"14"x')), {("broken_quote", 2, "")}),
    BrokenFile("a cell of 2 MB", "offers.csv", csv_bytes(changed(region="x" * 2_000_000)), {("cell_too_long", 2, "")}),
    BrokenFile("a row too long", "offers.csv", csv_bytes(GOOD, changed(quantity="1,000")), {("extra_cells", 3, "")}),
    BrokenFile("a row too short", "offers.csv", csv_bytes(GOOD, ["A2", "ccer"]), {("missing_cells", 3, "")}),
    BrokenFile("501 columns", "offers.csv", csv_bytes(header=[*HEADER, *(f"c{i}" for i in range(501))]), {("too_many_columns", None, "")}),
    BrokenFile("unknown column", "offers.csv", with_column("qantity", "5"), {("unknown_column", None, "qantity")}),
    BrokenFile("the same column twice", "offers.csv", with_column("price", "5"), {("duplicate_column", None, "price")}),
    BrokenFile("one column in two languages", "offers.csv", with_column("数量(吨)", "5"), {("duplicate_column", None, "数量(吨)")}),
    BrokenFile("content without a header", "offers.csv", csv_bytes([*GOOD[:2], "x", *GOOD[2:]], header=[*HEADER[:2], "", *HEADER[2:]]),
               {("header_blank", None, "3")}),
    BrokenFile("no price column", "offers.csv", csv_bytes(GOOD[:5], header=HEADER[:5]), {("missing_column", None, "price")}),
    BrokenFile("price in dollars", "offers.csv", csv_bytes(GOOD, header=[*HEADER[:5], "price (USD/t)"]),
               {("header_unit", None, "price (USD/t)")}),
    BrokenFile("a row of totals", "offers.csv", csv_bytes(GOOD, changed(offer_id="合计")), {("summary_row", 3, "offer_id")}),
    BrokenFile("decimal comma under semicolons", "offers.csv", csv_bytes(changed(quantity="1§234")).replace(b",", b";").replace(
        "§".encode(), b","), {("ambiguous_comma", 2, "quantity")}),
    BrokenFile("Chinese headers, GB18030", "报价.csv",
               "报价编号,品种,数量(吨),价格(元/吨)\nA1,碳普惠,一千,58\n".encode("gb18030"), {("not_a_number", 2, "数量(吨)")}),
    BrokenFile("two faults in two rows", "offers.csv", csv_bytes(changed(price="x"), changed(offer_id="A2", quantity="-1")),
               {("not_a_number", 2, "price"), ("negative", 3, "quantity")}),
    BrokenFile("30,000 faults", "offers.csv",
               lambda: csv_bytes(*(changed(offer_id=f"A{i}", price=f"x{i}") for i in range(30_000))),
               {("not_a_number", 2, "price"), ("not_a_number", 201, "price"), ("more", None, "")}),
]  # fmt: skip

CELLS = [
    cell("blank", "offer_id", ""),
    cell("blank", "instrument", ""),
    cell("blank", "quantity", ""),
    cell("blank", "price", "-"),
    cell("duplicate_id", "offer_id", "A0"),
    cell("duplicate_id", "offer_id", " A0 "),
    cell("digits_lost", "offer_id", "2.08998E+18"),
    cell("text_too_long", "offer_id", "A" * 1_001),
    cell("text_broken", "offer_id", "A\ufffd"),
    cell("unknown_instrument", "instrument", "CCERR"),
    cell("unknown_region", "region", "Shangxi"),
    cell("unknown_region", "region", "990000"),
    cell("not_a_number", "quantity", "many"),
    cell("wrong_unit", "quantity", "5²"),
    cell("not_a_number", "quantity", "1 2"),
    cell("not_a_number", "price", "58..5"),
    cell("not_a_number", "price", "+-5"),
    cell("not_finite", "price", "NaN"),
    cell("not_finite", "quantity", "inf"),
    cell("not_finite", "quantity", "-Infinity"),
    cell("spreadsheet_error", "price", "#N/A"),
    cell("exponent", "quantity", "1e5"),
    cell("exponent", "quantity", "1e999999999"),
    cell("ambiguous_comma", "price", "1,5"),
    cell("ambiguous_comma", "price", "0,500"),
    cell("ambiguous_comma", "quantity", "1.234,56"),
    cell("ambiguous_comma", "quantity", "12,34"),
    cell("decimals", "quantity", "1.2345"),
    cell("decimals", "price", "58.505"),
    cell("negative", "quantity", "-1"),
    cell("negative", "price", "－5"),
    cell("huge", "quantity", "1000000001"),
    cell("huge", "quantity", "9" * 60),
    cell("huge", "price", "1000001"),
    cell("huge", "price", "9" * 30),
    cell("wrong_unit", "price", "58美元"),
    cell("wrong_unit", "quantity", "5kg"),
    cell("wrong_unit", "price", "5%"),
    cell("vintage_unreadable", "vintage", "21"),
    cell("vintage_unreadable", "vintage", "2020.5"),
    cell("vintage_unreadable", "vintage", "2021-2019"),
    cell("vintage_out_of_range", "vintage", "1989"),
    cell("vintage_out_of_range", "vintage", "2101"),
    extra("date_impossible", "valid_until", "2026-02-30"),
    extra("date_impossible", "valid_until", "20261301"),
    extra("date_ambiguous", "valid_until", "10/11/2026"),
    extra("date_ambiguous", "valid_until", "26-10-11"),
    extra("date_serial", "valid_until", "46306"),
    extra("date_has_time", "valid_until", "2026-10-11 16:00:00"),
    extra("date_unreadable", "valid_until", "明年"),
    extra("date_unreadable", "valid_until", "2026-10-11T25:00:00Z"),
    extra("date_out_of_range", "valid_until", "9999-12-31"),
    extra("date_out_of_range", "valid_until", "0001-01-01"),
    extra("not_positive", "lot_size", "0"),
    extra("huge", "fee_rate", "5"),
    extra("decimals", "fee_rate", "0.00001"),
    extra("huge", "buffer", "1"),
    extra("decimals", "settlement_days", "1.5"),
    extra("huge", "settlement_days", "3651"),
    extra("unknown_channel", "channel", "offline"),
    extra("unknown_bool", "firm", "maybe"),
    extra("schedule_unreadable", "delivery_schedule", "at the end", instrument="forestry"),
    extra("schedule_dates", "delivery_schedule", "2030-01-01=0.5;2029-01-01=1", instrument="forestry"),
    extra("delivery_falls", "delivery_schedule", "2029-01-01=0.7;2030-01-01=0.3", instrument="forestry"),
    extra("huge", "delivery_schedule", "2029-01-01=0.7;2030-01-01=1.3", instrument="forestry"),
    extra("date_impossible", "delivery_schedule", "2029-02-30=0.7", instrument="forestry"),
    extra("payment_sum", "payment_schedule", "2026-12-31=0.5;2027-12-31=0.4"),
    extra("payment_zero", "payment_schedule", "2026-12-31=0;2027-12-31=1"),
    extra("schedule_dates", "payment_schedule", "2026-12-31=0.5;2026-12-31=0.5"),
    extra("negative", "payment_schedule", "2026-12-31=-0.5;2027-12-31=1.5"),
    extra("schedule_unreadable", "price_breaks", "1000"),
    extra("schedule_unreadable", "price_breaks", "1000=58=57"),
    extra("breaks_order", "price_breaks", "5000=55;1000=58"),
    extra("not_positive", "price_breaks", "0=58"),
    extra("forestry_only", "area_mu", "100"),
    extra("forestry_only", "growth", "schumacher b=40 A=5"),
    extra("forestry_only", "mortality", "0.1"),
    extra("growth_unknown", "growth", "logistic k=1", instrument="forestry"),
    extra("growth_parameters", "growth", "schumacher", instrument="forestry"),
    extra("growth_parameters", "growth", "schumacher b=40 b=50", instrument="forestry"),
    extra("growth_parameters", "growth", "richards k=0.05", instrument="forestry"),
    extra("growth_parameters", "growth", "richards k=0.05 p=3 q=1", instrument="forestry"),
    extra("growth_parameters", "growth", "schumacher b=40 please", instrument="forestry"),
    extra("growth_parameters", "growth", "linear A=3", instrument="forestry"),
    extra("not_positive", "growth", "schumacher b=0", instrument="forestry"),
    extra("negative", "growth", "schumacher b=-40", instrument="forestry"),
    extra("huge", "growth", "schumacher b=501", instrument="forestry"),
    extra("decimals", "growth", "richards k=0.00001 p=3", instrument="forestry"),
    extra("not_a_number", "growth", "schumacher b=forty", instrument="forestry"),
    extra("wrong_unit", "growth", "schumacher b=40t", instrument="forestry"),
    extra("huge", "mortality", "1", instrument="forestry"),
    extra("mortality_unused", "mortality", "0.2", instrument="forestry"),
    extra("schedule_unreadable", "price_levels", "58"),
    extra("not_positive", "price_levels", "0=58"),
    extra("levels_order", "price_levels", "500=59;500=58"),
    extra("levels_order", "price_levels", "500=59;500=59"),
    extra("decimals", "price_levels", "500=58.505"),
    extra("huge", "price_levels", "2000000000=58"),
    BrokenFile("a book that is not its total", "offers.csv", with_column("price_levels", "600=58.5;600=60"),
               {("levels_total", 2, "quantity")}),
    BrokenFile("a book that begins at another price", "offers.csv", with_column("price_levels", "600=58;400=60"),
               {("levels_first", 2, "price")}),
    BrokenFile("a book with all that a book cannot have", "offers.csv",
               csv_bytes([*GOOD, "600=58.5;400=60", "10", "5", "100=50"],
                         header=[*HEADER, "price_levels", "min_quantity", "fixed_fee", "price_breaks"]),
               {("levels_with_minimum", 2, "min_quantity"), ("levels_with_fee", 2, "fixed_fee"),
                ("levels_with_breaks", 2, "price_breaks")}),
    BrokenFile("a book on an area", "offers.csv",
               csv_bytes([*changed(instrument="forestry"), "1000=58.5", "150"], header=[*HEADER, "price_levels", "area_mu"]),
               {("levels_with_area", 2, "price_levels")}),
    BrokenFile("an id that a level would get", "offers.csv",
               csv_bytes([*GOOD, "600=58.5;400=60"], [*changed(offer_id="A1#2"), ""], header=[*HEADER, "price_levels"]),
               {("level_id_taken", 2, "offer_id")}),
    BrokenFile("a growth that contradicts itself", "offers.csv",
               csv_bytes(["F1", "forestry", "50", "0.2", "2030-01-01=1", "schumacher b=40 A=9", "7"],
                         header=["offer_id", "instrument", "area_mu", "yield_t_per_mu_yr", "yield_curve", "growth", "price_per_mu"]),
               {("growth_contradicts", 2, "growth"), ("asymptote_contradicts", 2, "growth"), ("yield_contradicts", 2, "yield_curve"),
                ("blank", 2, "planted_by")}),
    BrokenFile("a growth without what scales it", "offers.csv",
               csv_bytes(["F1", "forestry", "50", "species", "胡杨", "2026-12-31", "7"],
                         header=["offer_id", "instrument", "area_mu", "growth", "species", "planted_by", "price_per_mu"]),
               {("blank", 2, "yield_t_per_mu_yr"), ("species_unknown", 2, "species")}),
    BrokenFile("a growth without its years", "offers.csv",
               csv_bytes(["F1", "forestry", "50", "schumacher b=40", "0.2", "2026-12-31", "7"],
                         header=["offer_id", "instrument", "area_mu", "growth", "yield_t_per_mu_yr", "planted_by", "price_per_mu"]),
               {("blank", 2, "yield_years")}),
    BrokenFile("valid_until before valid_from", "offers.csv",
               csv_bytes([*GOOD, "2026-12-31", "2026-01-01"], header=[*HEADER, "valid_from", "valid_until"]),
               {("dates_contradict", 2, "valid_until")}),
    BrokenFile("two areas", "offers.csv", csv_bytes([*changed(instrument="forestry"), "150", "11"], header=[*HEADER, "area_mu", "area_ha"]),
               {("area_contradicts", 2, "area_ha")}),
    BrokenFile("a price per t and per mu", "offers.csv",
               csv_bytes([*changed(instrument="forestry"), "150", "750"], header=[*HEADER, "area_mu", "price_per_mu"]),
               {("price_contradicts", 2, "price_per_mu")}),
    BrokenFile("a yield without a planting date", "offers.csv",
               csv_bytes(["F1", "forestry", "5000", "0.2", "750"], header=["offer_id", "instrument", "area_mu", "yield_t_per_mu_yr", "price_per_mu"]),
               {("blank", 2, "planted_by")}),
    BrokenFile("a yield curve that falls", "offers.csv",
               csv_bytes(["F1", "forestry", "5000", "2030-01-01=2;2031-01-01=1", "750"],
                         header=["offer_id", "instrument", "area_mu", "yield_curve", "price_per_mu"]),
               {("curve_falls", 2, "yield_curve")}),
]  # fmt: skip

WORKBOOKS = [
    BrokenFile("formula in a price", "offers.xlsx", lambda: workbook(lambda s: s.write_formula("F2", "=50+8.5", None, 58.5)), {("formula", 2, "price")}),
    BrokenFile("formula beside the table", "offers.xlsx", lambda: workbook(lambda s: s.write_formula("J9", "=SUM(E2:E2)", None, 1000)), {("formula", 9, "J")}),
    BrokenFile("merged cells", "offers.xlsx", lambda: workbook(lambda s: s.merge_range("B2:B3", "ccer")), {("merged_cells", 2, "B")}),
    BrokenFile("content beyond the header", "offers.xlsx", lambda: workbook(lambda s: s.write_string("I2", "?")), {("extra_cells", 2, "I")}),
    BrokenFile("error in a cell", "offers.xlsx", lambda: workbook(lambda s: s.write_string("F2", "#DIV/0!")), {("spreadsheet_error", 2, "price")}),
    BrokenFile("long number as id", "offers.xlsx", lambda: workbook(lambda s: s.write_number("A2", 2089978252738187266)), {("digits_lost", 2, "offer_id")}),
    BrokenFile("price with too many decimals", "offers.xlsx", lambda: workbook(lambda s: s.write_number("F2", 58.123)), {("decimals", 2, "price")}),
    BrokenFile("date where a number belongs", "offers.xlsx", lambda: workbook(lambda s: s.write_string("F2", "2026-10-11")), {("not_a_number", 2, "price")}),
    BrokenFile("unpacks without end", "offers.xlsx", bomb, {("workbook_too_large", None, "")}),
    BrokenFile("a cell in the last corner", "offers.xlsx", lambda: workbook(lambda s: s.write_string(1_048_575, 400, "x")), {("workbook_too_large", None, "")}),
    BrokenFile("a cell in the last column", "offers.xlsx", lambda: workbook(lambda s: s.write_string(3, 16_383, "x")), {("too_many_columns", None, "")}),
    BrokenFile("a cell in row 0", "offers.xlsx",
               lambda: rezipped(workbook(lambda s: None), lambda n, d: d.replace(b'r="A2"', b'r="A0"')), {("workbook_broken", None, "")}),
    BrokenFile("a count that lies", "offers.xlsx",
               lambda: rezipped(workbook(lambda s: None), lambda n, d: d.replace(b'uniqueCount="', b'uniqueCount="99999999999')), {("workbook_broken", None, "")}),
    BrokenFile("one long text in every cell", "offers.xlsx", repeated_text, {("workbook_too_large", None, "")}),
    BrokenFile("a directory that lies", "offers.xlsx", lying_zip, {("workbook_broken", None, "")}),
    BrokenFile("encrypted", "offers.xlsx", ENCRYPTED, {("workbook_encrypted", None, "")}),
    BrokenFile("encrypted as a zip file", "offers.xlsx", flagged_as_encrypted, {("workbook_encrypted", None, "")}),
    BrokenFile("old format", "offers.xls", XLS, {("workbook_old", None, "")}),
    BrokenFile("truncated", "offers.xlsx", lambda: workbook(lambda s: None)[:3000], {("workbook_broken", None, "")}),
    BrokenFile("the first bytes only", "offers.xlsx", b"PK\x03\x04", {("workbook_broken", None, "")}),
    BrokenFile("another zip file", "offers.xlsx", zip_of_text(), {("workbook_other", None, "")}),
    BrokenFile("text named XLSX", "offers.xlsx", csv_bytes(GOOD), {("file_format", None, "")}),
    BrokenFile("sheet of rubbish", "offers.xlsx",
               lambda: rezipped(workbook(lambda s: None), lambda n, d: b"<worksheet><sheetData><row" if n.endswith("sheet1.xml") else d),
               {("workbook_broken", None, "")}),
    BrokenFile("empty workbook", "offers.xlsx", lambda: rezipped(
        workbook(lambda s: None), lambda n, d: b"<worksheet><sheetData/></worksheet>" if n.endswith("sheet1.xml") else d),
        {("file_empty", None, "")}),
]  # fmt: skip

JSON_FILES = [
    BrokenFile("not JSON", "offers.json", b"offer_id: A1", {("json_broken", None, "")}),
    BrokenFile("truncated", "offers.json", json_bytes(ROW)[:-10], {("json_broken", None, "")}),
    BrokenFile("rubbish behind", "offers.json", json_bytes(ROW) + b" x", {("json_broken", None, "")}),
    BrokenFile("nested without end", "offers.json", b"[" * 100_000, {("json_too_deep", None, "")}),
    BrokenFile("nested objects without end", "offers.json", b'{"a":' * 100_000, {("json_too_deep", None, "")}),
    BrokenFile("a single object", "offers.json", json.dumps(ROW).encode(), {("json_shape", None, "")}),
    BrokenFile("a number", "offers.json", b"5", {("json_shape", None, "")}),
    BrokenFile("offers that are no list", "offers.json", b'{"offers": {"A1": 5}}', {("json_shape", None, "")}),
    BrokenFile("no offers", "offers.json", b"[]", {("missing_column", None, "offer_id")}),
    BrokenFile("a row that is a list", "offers.json", json_bytes(ROW, GOOD), {("json_row", 2, "")}),
    BrokenFile("a nested cell", "offers.json", json_bytes(ROW | {"price": {"yuan": 5}}), {("json_nested", 1, "price")}),
    BrokenFile("NaN", "offers.json", json_bytes(ROW | {"price": float("nan")}), {("not_finite", 1, "price")}),
    BrokenFile("Infinity", "offers.json", json_bytes(ROW | {"price": float("inf")}), {("not_finite", 1, "price")}),
    BrokenFile("a key twice", "offers.json", json_bytes(ROW).replace(b'"price"', b'"price": "1", "price"'), {("duplicate_key", 1, "price")}),
    BrokenFile("a huge exponent", "offers.json", json_bytes(ROW).replace(b'"58.5"', b"1e999999"), {("exponent", 1, "price")}),
    BrokenFile("a number of 5,000 digits", "offers.json", json_bytes(ROW).replace(b'"58.5"', b"9" * 5_000), {("not_a_number", 1, "price")}),
    BrokenFile("true as a price", "offers.json", json_bytes(ROW | {"price": True}), {("not_a_number", 1, "price")}),
    BrokenFile("half a surrogate pair", "offers.json", json_bytes(ROW).replace(b'"A1"', b'"A\\ud800"'), {("text_broken", 1, "offer_id")}),
    BrokenFile("half a surrogate pair as a key", "offers.json", json_bytes(ROW | {"\ud800": "x"}), {("unknown_column", None, "\ufffd")}),
    BrokenFile("JSON named CSV", "offers.csv", json_bytes(ROW | {"price": "x"}), {("not_a_number", 1, "price")}),
]  # fmt: skip

PARQUET_FILES = [
    BrokenFile("truncated", "offers.parquet", parquet_of()[:-20], {("parquet_broken", None, "")}),
    BrokenFile("the first bytes only", "offers.parquet", b"PAR1", {("parquet_broken", None, "")}),
    BrokenFile("rubbish between the marks", "offers.parquet", b"PAR1" + bytes(range(256)) * 8 + b"PAR1", {("parquet_broken", None, "")}),
    BrokenFile("nested column", "offers.parquet", parquet_of(region=[["14"], ["15"]]), {("parquet_type", None, "region")}),
    BrokenFile("binary column", "offers.parquet", parquet_of(region=[b"14", b"15"]), {("parquet_type", None, "region")}),
    BrokenFile("NaN", "offers.parquet", parquet_of(price=[58.5, float("nan")]), {("not_finite", 2, "price")}),
    BrokenFile("float with too many decimals", "offers.parquet", parquet_of(price=[58.5, 0.1 + 0.2]), {("decimals", 2, "price")}),
    BrokenFile("negative integer", "offers.parquet", parquet_of(quantity=[1, -2]), {("negative", 2, "quantity")}),
    BrokenFile("missing price", "offers.parquet", parquet_of(price=[58.5, None]), {("blank", 2, "price")}),
    BrokenFile("text named Parquet", "offers.parquet", csv_bytes(GOOD), {("file_format", None, "")}),
]  # fmt: skip

CORPUS: list[BrokenFile] = [*TEXT_FILES, *CELLS, *WORKBOOKS, *JSON_FILES, *PARQUET_FILES]
