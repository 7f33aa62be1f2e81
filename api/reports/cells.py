"""A workbook's cells: text as text, numbers, days, live formulas that carry their values. No sheet is laid out here."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from math import ceil
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]
from rich.cells import cell_len
from xlsxwriter.utility import xl_col_to_name  # type: ignore[import-untyped]

from api.printable import printable
from optimizer.wording import Language

MASS, MONEY, SHARE, DAY, PRICE = "#,##0.000", "#,##0.00", "0.00%", "yyyy-mm-dd", "#,##0.00####"
"""Tonnes to the kg, yuan to the fen: digits stand below each other, and no whole number ends in a dot."""
FONT = "Microsoft YaHei"
CELL_CHARACTERS_MAX = 32_000
"""A cell holds 32,767."""
GREEN, RED = "#00803C", "#C00000"
SERIES = ("#2F6F5E", "#C9A227", "#5B7FA6", "#A65B5B")
"""Colours of charts, told apart in grey print as well."""
NARROWEST, WIDEST = 9, 44
WIDTH_ROWS = 200
"""Rows that a column's width is taken from."""
A4 = 9


class Book:
    """A workbook in one language: sheets that print, and the few kinds of cells that papers need."""

    def __init__(self, lang: Language, title: str, mark: str, day: date) -> None:
        """Opens a workbook in memory.

        Args:
            lang: of heads and words.
            title: in the file's properties.
            mark: at the foot of every page, what identifies the paper; words of ours, no name that a user gave.
            day: the file's date; a clock's would make two files of one plan.
        """
        self.lang, self.mark = lang, mark
        self.buffer = BytesIO()
        self.file = xlsxwriter.Workbook(
            self.buffer,
            {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
        )
        self.file.set_properties({"title": title, "created": _midnight(day)})
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}

    def bytes(self) -> bytes:
        """The file; nothing can be written afterwards."""
        self.file.close()
        return self.buffer.getvalue()

    def format(self, **properties: Any) -> Any:
        """A cell format, made once."""
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self.file.add_format(
                {"font_name": FONT, "font_size": 10, "valign": "vcenter", **properties}
            )
        return self._formats[key]

    def pick(self, zh: str, en: str) -> str:
        """The caller's language."""
        return zh if self.lang == "zh" else en

    def sheet(self, name: str, widths: Sequence[float]) -> Any:
        """A sheet that prints in landscape on the width of one page."""
        sheet = self.file.add_worksheet(name)
        sheet.set_landscape()
        sheet.set_paper(A4)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
        sheet.set_footer(f"&L&8{self.mark}&C&8&A&R&8&P / &N")
        for k, width in enumerate(widths):
            sheet.set_column(k, k, width, self.format())
        return sheet

    def heads(self, sheet: Any, row: int, heads: Sequence[str]) -> None:
        """A row of headings, kept in sight and repeated on every printed page."""
        self.head_row(sheet, row, heads)
        sheet.freeze_panes(row + 1, 0)
        sheet.repeat_rows(row)

    def head_row(self, sheet: Any, row: int, heads: Sequence[str]) -> None:
        """A row of headings."""
        shape = self.format(bold=True, bottom=1, text_wrap=True, align="center", bg_color="#EEF3F1")
        for k, head in enumerate(heads):
            sheet.write_string(row, k, head, shape)

    def text(self, sheet: Any, row: int, column: int, text: object, **properties: Any) -> None:
        """Text as text, whatever it starts with."""
        sheet.write_string(row, column, printable(text)[:CELL_CHARACTERS_MAX], self.format(**properties))

    def prose(self, sheet: Any, row: int, text: str, across: float, last: int = 5, **properties: Any) -> None:
        """Text from the second column to the column `last`, as many lines high as `across` characters a line ask."""
        shape = self.format(text_wrap=True, **properties)
        sheet.merge_range(row, 1, row, last, "", shape)
        self.text(sheet, row, 1, text, text_wrap=True, **properties)
        sheet.set_row(row, 15 * max(1, ceil(cell_len(printable(text)) / across)))

    def count(self, sheet: Any, row: int, column: int, value: int) -> None:
        """A number that counts or names: a tier, a year, a row."""
        sheet.write_number(row, column, value, self.format(num_format="0", align="center"))

    def number(self, sheet: Any, row: int, column: int, value: str | None, shape: str, **more: Any) -> None:
        """A decimal as a number; nothing where there is none."""
        if value is not None:
            sheet.write_number(row, column, float(Decimal(value)), self.format(num_format=shape, **more))

    def day(self, sheet: Any, row: int, column: int, value: date | None, align: str = "center") -> None:
        """A day as a date."""
        if value is not None:
            sheet.write_datetime(row, column, _midnight(value), self.format(num_format=DAY, align=align))

    def formula(
        self, sheet: Any, row: int, column: int, formula: str, value: Decimal | str, shape: str, **more: Any
    ) -> None:
        """A live formula with its value."""
        known = value if isinstance(value, str) else float(value)
        sheet.write_formula(row, column, formula, self.format(num_format=shape, **more), known)

    def check(self, sheet: Any, row: int, column: int, condition: str) -> None:
        """A cell that says whether the sheet still agrees with the plan; red when it does not."""
        self.verdict(sheet, row, column, condition, self.agrees, self.differs, self.agrees)

    def verdict(self, sheet: Any, row: int, column: int, condition: str, right: str, wrong: str, value: str) -> None:
        """A cell with one of two words; the second in red."""
        formula, look = f'=IF({condition},"{right}","{wrong}")', {"bold": True, "font_color": GREEN, "align": "center"}
        self.formula(sheet, row, column, formula, value, "", **look)
        rule = {"type": "cell", "criteria": "==", "value": f'"{wrong}"', "format": self._red()}
        sheet.conditional_format(row, column, row, column, rule)

    def _red(self) -> Any:
        return self.file.add_format({"bold": True, "font_color": RED})

    @property
    def agrees(self) -> str:
        """What a check cell says while the sheets give what the plan says."""
        return self.pick("一致", "consistent")

    @property
    def differs(self) -> str:
        """What a check cell turns to."""
        return self.pick("不一致", "INCONSISTENT")

    def chart(self, kind: str, title: str, unit: str, height: int = 300) -> Any:
        """A native chart of a kind ("column", "bar") in the book's type; title and unit are words of ours."""
        chart = self.file.add_chart({"type": kind})
        font = {"name": FONT, "size": 9}
        chart.set_title({"name": title, "name_font": {"name": FONT, "size": 12}, "overlay": False})
        chart.set_legend({"position": "bottom", "font": font})
        names = {"num_font": font}
        amounts = {"num_font": font, "num_format": "#,##0", "name": unit, "name_font": font, "min": 0}
        amounts["major_gridlines"] = {"visible": True, "line": {"color": "#D9D9D9"}}
        # Bars lie: amounts go along, and names stand at the side from the top down.
        along, up = (amounts, {**names, "reverse": True}) if kind == "bar" else (names, amounts)
        chart.set_x_axis(along)
        chart.set_y_axis(up)
        chart.set_size({"width": 760, "height": height})
        return chart

    def series(self, chart: Any, sheet: str, names: str, values: str, head: str, colour: int) -> None:
        """A row of columns or bars: cells of a sheet, named by a cell."""
        chart.add_series(
            {
                "name": f"='{sheet}'!{head}",
                "categories": f"='{sheet}'!{names}",
                "values": f"='{sheet}'!{values}",
                "fill": {"color": SERIES[colour]},
                "gap": 60,
            }
        )


def letter(column: int) -> str:
    """A column's letters, from 0: A, B, ..."""
    return str(xl_col_to_name(column))


def fitting(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[float]:
    """Widths that show heads and the first rows, where that is within reason."""
    widths = [cell_len(head) * 0.7 for head in heads]
    for row in rows[:WIDTH_ROWS]:
        widths = [max(width, cell_len(cell)) for width, cell in zip(widths, row, strict=True)]
    return [min(max(width * 1.1 + 2, NARROWEST), WIDEST) for width in widths]


def _midnight(day: date) -> Any:
    return datetime(day.year, day.month, day.day)
