"""A workbook's cells: text as text, numbers, days, live formulas that carry their values. No sheet is laid out here."""

from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]

from api.printable import printable
from optimizer.plan import Plan
from optimizer.wording import Language, Text

SHEETS = {
    "summary": Text("摘要", "Summary"),
    "lines": Text("采购", "Lines"),
    "tiers": Text("层级", "Tiers"),
    "years": Text("年度", "Years"),
    "levels": Text("证明", "Levels"),
    "offers": Text("报价", "Offers"),
}
MASS, MONEY, SHARE, DAY = "#,##0.###", "#,##0.00", "0.00%", "yyyy-mm-dd"
FONT = "Microsoft YaHei"
CELL_CHARACTERS_MAX = 32_000
"""A cell holds 32,767."""


class Book:
    """A workbook in one language, with the few kinds of cells that a plan needs."""

    def __init__(self, plan: Plan, lang: Language) -> None:
        self.plan, self.lang = plan, lang
        self.buffer = BytesIO()
        self.file = xlsxwriter.Workbook(
            self.buffer,
            {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
        )
        self.file.set_properties({"title": f"jinheng {plan.plan_id[:12]}", "created": _midnight(plan.as_of)})
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}

    def format(self, **properties: Any) -> Any:
        """A cell format, made once."""
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self.file.add_format(
                {"font_name": FONT, "font_size": 10, "valign": "top", **properties}
            )
        return self._formats[key]

    def pick(self, zh: str, en: str) -> str:
        """The caller's language."""
        return zh if self.lang == "zh" else en

    def name(self, key: str) -> str:
        """A sheet's name."""
        return SHEETS[key].say(self.lang)

    def sheet(self, key: str, widths: list[float]) -> Any:
        """A sheet that prints in landscape on the width of one page."""
        sheet = self.file.add_worksheet(self.name(key))
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_footer(f"&L{self.plan.plan_id[:16]}&R&P / &N")
        for k, width in enumerate(widths):
            sheet.set_column(k, k, width, self.format())
        return sheet

    def heads(self, sheet: Any, row: int, zh: str, en: str) -> None:
        """A row of headings, parted by "|", kept in sight and repeated on every printed page."""
        for k, head in enumerate(self.pick(zh, en).split("|")):
            sheet.write_string(row, k, head, self.format(bold=True, bottom=1, text_wrap=True))
        sheet.freeze_panes(row + 1, 0)
        sheet.repeat_rows(row)

    def text(self, sheet: Any, row: int, column: int, text: object, **properties: Any) -> None:
        """Text as text, whatever it starts with."""
        sheet.write_string(row, column, printable(text)[:CELL_CHARACTERS_MAX], self.format(**properties))

    def number(self, sheet: Any, row: int, column: int, value: str | None, shape: str) -> None:
        """A decimal as a number; nothing where there is none."""
        if value is not None:
            sheet.write_number(row, column, float(Decimal(value)), self.format(num_format=shape))

    def day(self, sheet: Any, row: int, column: int, value: date | None) -> None:
        """A day as a date."""
        if value is not None:
            sheet.write_datetime(row, column, _midnight(value), self.format(num_format=DAY, align="left"))

    def formula(self, sheet: Any, row: int, column: int, formula: str, value: str, shape: str, **more: Any) -> None:
        """A live formula with its value."""
        sheet.write_formula(
            row, column, formula, self.format(num_format=shape, **more), float(Decimal(value)) if shape else value
        )

    def check(self, sheet: Any, row: int, column: int, condition: str) -> None:
        """A cell that says whether the sheet still agrees with the plan; red when it does not."""
        right, wrong = self.pick("一致", "consistent"), self.pick("不一致", "INCONSISTENT")
        formula = f'=IF({condition},"{right}","{wrong}")'
        self.formula(sheet, row, column, formula, right, "", bold=True, font_color="#00803C")
        red = self.file.add_format({"bold": True, "font_color": "#C00000"})
        rule = {"type": "cell", "criteria": "==", "value": f'"{wrong}"', "format": red}
        sheet.conditional_format(row, column, row, column, rule)


def _midnight(day: date) -> Any:
    return datetime(day.year, day.month, day.day)
