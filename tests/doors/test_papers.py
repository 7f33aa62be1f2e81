"""The papers: what is written is read back, adds up, fits 80 columns, and runs no formula that a user wrote."""

import csv
import io
import json
import re

import numpy as np
import openpyxl  # type: ignore[import-untyped]
import pandas as pd
import pytest
from rich.cells import cell_len

from api.reports.csv import inert, lines_csv
from api.reports.terminal import show_plan
from api.reports.words import grouped, level_name, percent, rule_name
from api.reports.xlsx import workbook
from optimizer import check

CASES = {
    "covered": {},
    "short": {"budget": "30000"},
    "nothing": {"budget": "0"},
    "calendar": {"event": "calendar.yaml"},
    "cost first": {"objective": "cost-first"},
}


@pytest.fixture(params=sorted(CASES))
def case(request):
    return CASES[request.param]


def shown(made, lang):
    stream = io.StringIO()
    show_plan(made, lang, stream)
    return stream.getvalue()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_report_fits_80_columns_and_has_no_colours_when_piped(small_plan, case, lang):
    text = shown(small_plan(lang, **case), lang)
    assert max(cell_len(line) for line in text.splitlines()) <= 80
    assert "\x1b" not in text
    assert not any(line.endswith(" ") for line in text.splitlines())


def test_long_and_hostile_names_stay_inside_80_columns_and_do_not_steer_the_terminal(small_plan, files):
    text = files.event.read_text(encoding="utf-8")
    name = "很长的活动名称" * 20
    text = text.replace("small-event", "e" * 150).replace("name: 小型会议", f'name: "{name}\\e[31m\\u202e"')
    files.event.write_text(text, encoding="utf-8")
    offers = files.offers.read_text(encoding="utf-8")
    offers = offers.replace("PHB-1", "报价" * 30).replace("CEA-1", "[red]bold[/red]" * 4)
    files.offers.write_text(offers, encoding="utf-8")
    for lang in ("zh", "en"):
        text = shown(small_plan(lang), lang)
        assert max(cell_len(line) for line in text.splitlines()) <= 80
        assert "\x1b" not in text and "\u202e" not in text
        assert "[red]" in text


def test_the_sections_stand_in_order(small_plan):
    text = shown(small_plan("zh", budget="30000"), "zh")
    heads = ["未能全部覆盖", "买什么", "层级", "财政年度", "在哪里注销", "证明: 目标", "其余报价", "推荐顺序的代价"]
    places = [text.index(f"\n{head}") for head in (*heads, "为什么不够", "怎样补救", "方案编号")]
    assert places == sorted(places)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_each_kind_of_file_is_written_and_read_back(jinheng, files, lang):
    totals = {}
    for kind in ("json", "csv", "xlsx"):
        path = files.folder / f"plan.{kind}"
        answer = jinheng(*files.plan("-o", str(path), "--lang", lang))
        assert answer.code == 0
        assert str(path) in answer.err
        if kind == "json":
            document = json.loads(path.read_text(encoding="utf-8"))
            assert check(document).holds
            totals[kind] = float(document["totals"]["cost"])
        elif kind == "csv":
            table = pd.read_csv(path)
            assert list(table.iloc[:, 1]) == ["PHB-1", "CCER-1", "CEA-1"]
            totals[kind] = table.iloc[:, 6].sum()
        else:
            table = pd.read_excel(path, sheet_name=1, engine="openpyxl")
            totals[kind] = float(str(table.iloc[-1, 9]))
    assert totals == {"json": 74065.0, "csv": 74065.0, "xlsx": 74065.0}
    assert not list(files.folder.glob(".*"))


@pytest.mark.parametrize("name", ["plan.docx", "plan", "plan.txt", "no/plan.json", "."])
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_solved(jinheng, files, monkeypatch, name):
    monkeypatch.setattr("api.use_cases.plan", None)
    answer = jinheng(*files.plan("-o", str(files.folder / name), "--lang", "en"))
    assert answer.code == 2
    assert "-o" in answer.err


def test_an_older_file_survives_a_failure(jinheng, files, monkeypatch):
    path = files.folder / "plan.xlsx"
    path.write_bytes(b"older")
    monkeypatch.setattr("api.reports.xlsx.workbook", lambda *_: 1 / 0)
    assert jinheng(*files.plan("-o", str(path))).code == 1
    assert path.read_bytes() == b"older"


def test_csv_cells_that_look_like_formulas_are_made_inert(small_plan, files):
    text = files.offers.read_text(encoding="utf-8").replace("PHB-1", '"=HYPERLINK(""http://x"",1)"')
    files.offers.write_text(text, encoding="utf-8")
    content = lines_csv(small_plan(), "zh")
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert '\'=HYPERLINK("http://x",1)' in [r[1] for r in rows]
    assert [inert(t) for t in ("=1", "+1", "-1", "@x", "\tx", "＝1", "1-2", "")] == [
        *("'=1", "'+1", "'-1", "'@x", "'\tx", "'＝1", "1-2", ""),
    ]


# ----------------------------------------------------------------------------------------------------------- workbook


def opened(made, lang="zh", values=True):
    return openpyxl.load_workbook(io.BytesIO(workbook(made, lang)), data_only=values)


def test_the_workbook_has_its_sheets_filters_panes_and_page_set_up(small_plan):
    book = opened(small_plan())
    assert book.sheetnames == ["摘要", "采购", "层级", "年度", "证明", "报价"]
    assert opened(small_plan("en"), "en").sheetnames == ["Summary", "Lines", "Tiers", "Years", "Levels", "Offers"]
    for sheet in book:
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert book["报价"].auto_filter.ref == "A1:I6"
    assert book["报价"].freeze_panes == "A2"
    said = {str(c.value) for row in book["摘要"].iter_rows() for c in row}
    made = small_plan()
    assert {made.plan_id, made.policy.sha256, made.provenance["offers_sha256"], "2026-12-31"} <= said


def test_text_of_files_is_never_a_formula(small_plan, files):
    text = files.offers.read_text(encoding="utf-8").replace("PHB-1", '"=1+1"')
    files.offers.write_text(text, encoding="utf-8")
    event = files.event.read_text(encoding="utf-8").replace("小型会议", '"=cmd|x"')
    files.event.write_text(event, encoding="utf-8")
    book = opened(small_plan(), values=False)
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    assert "cmd" not in cell.value and cell.value != "=1+1"
    assert any(c.value == "=1+1" and c.data_type == "s" for row in book["报价"].iter_rows() for c in row)


def test_formulas_carry_their_values_and_give_them_when_calculated(small_plan, case):
    made = small_plan(**case)
    live, stored = opened(made, values=False), opened(made)
    calculate = Calculator(live)
    formulas = 0
    for sheet in live:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    formulas += 1
                    value = stored[sheet.title][cell.coordinate].value
                    assert calculate(sheet.title, cell.coordinate) == pytest.approx(value), (sheet.title, cell.value)
    assert formulas > len(made.lines)
    checks = [c.value for s in stored for row in s.iter_rows() for c in row if c.value in ("一致", "不一致")]
    assert checks and set(checks) == {"一致"}


@pytest.mark.parametrize(("cell", "by"), [("D2", 1), ("D4", -1), ("F3", 0.5), ("G3", 0.01), ("I3", 5), ("K2", 1)])
def test_a_changed_number_turns_the_check_cell(small_plan, cell, by):
    book = opened(small_plan(), values=False)
    assert Calculator(book)("摘要", "B11") == "一致"
    book["采购"][cell].value = (book["采购"][cell].value or 0) + by
    calculate = Calculator(book)
    assert calculate("摘要", "B11") == "不一致" if cell != "K2" else calculate("采购", "O2") == "不一致"
    assert calculate("采购", f"O{cell[1:]}") == "不一致"


class Calculator:
    """The few functions of a spreadsheet that the workbook uses, calculated anew from its other cells."""

    def __init__(self, book):
        self.book = book

    def __call__(self, sheet, coordinate):
        value = self.book[sheet][coordinate].value
        if not (isinstance(value, str) and value.startswith("=") and self.book[sheet][coordinate].data_type == "f"):
            return 0 if value is None else value
        return self.evaluate(sheet, value[1:])

    def evaluate(self, sheet, formula):
        def reference(match):
            owner = match.group(1) or match.group(2) or sheet
            return f"cells({owner!r}, {match.group(3)!r})"

        parts = re.split(r'("[^"]*")', formula)
        pattern = r"(?:'([^']+)'!|(\w+)!)?(\b[A-Z]{1,2}[0-9]+(?::[A-Z]{1,2}[0-9]+)?)\b"
        code = "".join(p if p.startswith('"') else re.sub(pattern, reference, p) for p in parts)
        code = re.sub(r"(?<![<>=!\"'])=(?!=)", "==", code)
        names = {
            "cells": self.cells,
            "SUM": lambda a: float(np.sum(a)),
            "SUMPRODUCT": lambda a, b: float(np.sum(a * b)),
            "SUMIF": lambda keys, key, values: float(np.sum(np.where(keys == key, values, 0))),
            "COUNTIF": lambda keys, key: int(np.sum(keys == key)),
            "ROUND": lambda x, n: float(np.floor(x * 10**n + 0.5 + 1e-9) / 10**n),
            "ABS": abs,
            "AND": lambda *a: all(a),
            "IF": lambda test, yes, no: yes if test else no,
        }
        return eval(code, {"__builtins__": {}}, names)

    def cells(self, sheet, reference):
        first, _, last = reference.partition(":")
        if not last:
            return self(sheet, first)
        column = first.rstrip("0123456789")
        rows = range(int(first[len(column) :]), int(last[len(column) :]) + 1)
        return np.array([float(self(sheet, f"{column}{r}")) for r in rows])


# -------------------------------------------------------------------------------------------------------------- words


def test_words_and_numbers():
    assert grouped("1234567.80") == "1,234,567.80"
    assert grouped("-1234.5") == "-1,234.5"
    assert grouped("0.001") == "0.001"
    assert grouped(None) == "-"
    assert [percent(s) for s in ("0", "1", "0.0667", "0.5")] == ["0 %", "100 %", "6.67 %", "50 %"]
    assert level_name("tier 2", "zh") == "前 2 层之外"
    assert level_name("shortfall 1", "en") == "shortfall, class 1"
    assert rule_name("max share seller=甲 40 %", "zh") == "上限: 卖方=甲 40 %"
    assert rule_name("budget 2026", "zh") == "2026 年预算"
    assert rule_name("order: tier 1", "en") == "order: beyond tier 1"
