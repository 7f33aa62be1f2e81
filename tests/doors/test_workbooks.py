"""Workbooks: every formula carries the value that it gives, a changed number shows, and no text of a file is run."""

import io
import re
import shutil
import subprocess
from datetime import date
from pathlib import Path

import numpy as np
import openpyxl  # type: ignore[import-untyped]
import pytest

from api import read_problem
from api.demo import EXAMPLES
from api.reports.xlsx import workbook
from optimizer import plan

CASES = {
    "covered": {},
    "short": {"budget": "30000"},
    "nothing": {"budget": "0"},
    "calendar": {"event": "calendar.yaml"},
    "cost first": {"objective": "cost-first"},
}
NAMES = {
    "zh": ["摘要", "采购", "付款", "层级", "年度", "活动", "活动年度", "证明", "报价"],
    "en": ["Summary", "Lines", "Payments", "Tiers", "Years", "Events", "Event years", "Levels", "Offers"],
}
WHOLE = ("摘要", "B12")
"""The cell that checks everything."""
BY_DAY = "TODAY()"
"""The one formula whose value depends on the day on which it is calculated."""
SOFFICE = shutil.which("soffice")
RECALCULATE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item>
</oor:items>
"""


@pytest.fixture(params=sorted(CASES))
def case(request):
    return CASES[request.param]


def opened(content, values=True):
    return openpyxl.load_workbook(io.BytesIO(content), data_only=values)


def formulas_of(book):
    return [(s.title, c.coordinate, c.value) for s in book for row in s.iter_rows() for c in row if c.data_type == "f"]


def cells_of(book):
    return [c for sheet in book for row in sheet.iter_rows() for c in row]


# ------------------------------------------------------------------------------------------------------ what it looks


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_sheet_has_panes_and_prints_on_the_width_of_a_page_under_the_plans_id(small_plan, lang):
    made = small_plan(lang)
    book = opened(workbook(made, lang))
    assert book.sheetnames == NAMES[lang]
    for sheet in book:
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.page_setup.fitToHeight == 0
        assert made.plan_id in str(sheet.oddFooter.left.text)
        assert "&P" in str(sheet.oddFooter.right.text)
        assert sheet.freeze_panes is not None and sheet.print_title_rows is not None
    assert book[NAMES[lang][-1]].auto_filter.ref == "A1:I6"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_first_sheet_names_plan_hashes_and_validity(small_plan, lang):
    made = small_plan(lang)
    first = opened(workbook(made, lang)).worksheets[0]
    said = {c.value for row in first.iter_rows() for c in row}
    hashes = {made.provenance["events_sha256"], made.provenance["offers_sha256"], made.policy.sha256}
    assert {made.plan_id, *hashes} <= said
    assert date(2026, 12, 31) in {v.date() for v in said if hasattr(v, "date")}
    assert {"zh": "至 2026-12-31", "en": "until 2026-12-31"}[lang] in said


@pytest.mark.parametrize(("lang", "word"), [("zh", "不可复现"), ("en", "NO: cut by the time limit")])
def test_a_plan_that_was_cut_by_the_clock_says_so_on_the_first_sheet(small_plan, lang, word):
    whole = small_plan(lang)
    cut = whole.model_copy(update={"reproducible": False})
    marks = [
        [c.value for c in cells_of(opened(workbook(made, lang))) if "因限时" in str(c.value) or word in str(c.value)]
        for made in (whole, cut)
    ]
    assert [len(found) for found in marks] == [0, 1]


def test_years_and_tiers_have_native_charts_of_their_cells(small_plan):
    book = opened(workbook(small_plan(budget="80000"), "zh"))
    years, tiers = book["年度"]._charts, book["层级"]._charts
    assert [len(charts) for charts in (years, tiers)] == [1, 1]
    assert [s.val.numRef.f for s in years[0].series] == ["'年度'!$B$2:$B$3", "'年度'!$D$2:$D$3"]
    assert tiers[0].series[0].val.numRef.f.startswith("'层级'!$C$2:")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_same_plan_gives_the_same_bytes(small_plan, lang):
    made = small_plan(lang)
    assert workbook(made, lang) == workbook(made, lang)


# ----------------------------------------------------------------------------------------------------- hostile words


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1+2", "@SUM(1)", "=HYPERLINK(1)", "{=1}", "http://x.y"])
def test_text_of_files_is_never_a_formula_nor_a_link(small_plan, files, start):
    name = f"{start}甲"
    for path, old in ((files.offers, "PHB-1"), (files.event, "小型会议")):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(old, f'"{name}"'), encoding="utf-8")
    book = opened(workbook(small_plan(), "zh"), values=False)
    shown = [c for c in cells_of(book) if name in str(c.value)]
    assert len(shown) >= 4
    assert {c.data_type for c in shown} == {"s"}
    assert not any(c.hyperlink for c in cells_of(book))
    assert not any(name in formula for _, _, formula in formulas_of(book))


@pytest.mark.parametrize("name", [">0", "*", "a?b", "~*"])
def test_an_event_whose_id_reads_as_a_condition_still_gets_its_own_sums(small_plan, files, name):
    """SUMIFS by the id `*` would give this event every event's money."""
    calendar = files.folder / "calendar.yaml"
    calendar.write_text(calendar.read_text("utf-8").replace("id: a-event", f'id: "{name}"'), encoding="utf-8")
    made = small_plan(event="calendar.yaml")
    book = opened(workbook(made, "zh"), values=False)
    calculate = Calculator(book)
    at = next(r for r in range(2, 5) if book["活动"][f"C{r}"].value == name)
    own = next(e for e in made.events if e.id == name)
    assert calculate("活动", f"G{at}") == pytest.approx(float(own.cost))
    assert calculate(*WHOLE) == "一致"


# ---------------------------------------------------------------------------------------------------------- the sums


def test_formulas_carry_their_values_and_give_them_when_calculated(small_plan, case):
    made = small_plan(**case)
    content = workbook(made, "zh")
    live, stored = opened(content, values=False), opened(content)
    calculate = Calculator(live)
    found = [f for f in formulas_of(live) if BY_DAY not in f[2]]
    for sheet, cell, formula in found:
        assert calculate(sheet, cell) == pytest.approx(stored[sheet][cell].value), (sheet, cell, formula)
    assert len(found) > 10 * len(made.lines)
    checks = [c.value for c in cells_of(stored) if c.value in ("一致", "不一致")]
    assert len(checks) > 2 * len(made.lines) and set(checks) == {"一致"}


def test_a_finance_officer_can_follow_a_line_to_its_payment_its_year_and_the_total(small_plan):
    """PHB-1: 200 t x 60 = 12,000. One tonne more is 60 yuan more in every sum above it."""
    book = opened(workbook(small_plan(), "zh"), values=False)
    chain = [
        ("采购", "J2"),
        ("付款", "G2"),
        ("层级", "F2"),
        ("年度", "B2"),
        ("年度", "B3"),
        ("活动", "G2"),
        ("摘要", "B8"),
    ]
    before = [Calculator(book)(*place) for place in chain]
    assert before[0] == 12_000
    book["采购"]["D2"].value += 1
    after = [Calculator(book)(*place) for place in chain]
    assert [b - a for a, b in zip(before, after, strict=True)] == pytest.approx([60] * len(chain))


CHANGED = [("D2", 1), ("D4", -1), ("F3", 0.5), ("G3", 0.01), ("I3", 5), ("K2", 1)]


@pytest.mark.parametrize(("cell", "by"), CHANGED)
def test_a_changed_number_turns_the_check_of_its_line_and_of_the_whole(small_plan, cell, by):
    book = opened(workbook(small_plan(), "zh"), values=False)
    assert Calculator(book)(*WHOLE) == "一致"
    book["采购"][cell].value = (book["采购"][cell].value or 0) + by
    calculate = Calculator(book)
    assert calculate(*WHOLE) == "不一致"
    assert calculate("采购", f"O{cell[1:]}") == "不一致"


@pytest.mark.parametrize(
    ("change", "turned"),
    [
        (("采购", "D2", 201), {("层级", "I2"), ("年度", "H2"), ("年度", "H3"), ("活动", "L2"), ("活动年度", "J2")}),
        (("层级", "H2", 1), {("层级", "I2")}),
        (("年度", "C2", 1), {("年度", "H2")}),
        (("活动年度", "E2", 1), {("活动年度", "J2")}),
        (("采购", "C2", 2), {("层级", "I2"), ("层级", "I3")}),
    ],
)
def test_checks_of_tiers_years_and_events_turn_with_what_they_sum(small_plan, change, turned):
    book = opened(workbook(small_plan(), "zh"), values=False)
    every = {
        (sheet, cell)
        for sheet, cell, formula in formulas_of(book)
        if "不一致" in formula and sheet not in ("摘要", "采购", "付款")
    }
    sheet, cell, value = change
    book[sheet][cell].value = value
    calculate = Calculator(book)
    assert {place for place in every if calculate(*place) == "不一致"} == turned
    assert calculate(*WHOLE) == "不一致"


def test_spending_beyond_a_budget_shows(small_plan):
    """The plan costs 74,065 yuan of 80,000; 100 t more of PHB-1 cost 6,000."""
    book = opened(workbook(small_plan(budget="80000"), "zh"), values=False)
    assert Calculator(book)("年度", "G3") == "在预算内"
    book["采购"]["D2"].value += 100
    calculate = Calculator(book)
    assert calculate("年度", "G3") == "超预算"
    assert calculate("摘要", "B11") == pytest.approx(-65)


# ------------------------------------------------------------------------------------- comparisons and calendars


@pytest.fixture
def written(jinheng, files, monkeypatch):
    """The workbook that a command writes of the small calendar, as bytes."""
    monkeypatch.setenv("JINHENG_HOME", str(files.folder / "home"))
    monkeypatch.delenv("JINHENG_DATABASE", raising=False)

    def call(command, event, *options, lang):
        path = files.folder / f"{command}.{lang}.xlsx"
        where = (str(files.folder / event), "--offers", str(files.offers), "--as-of", "2026-11-22")
        answer = jinheng(command, *where, *options, "--lang", lang, "-o", str(path))
        assert answer.code == 0, answer.err
        return path.read_bytes()

    return call


ASKED = {
    "compare": ("event.yaml", "--scenarios", "cheapest-lawful,donated-only,greedy-order"),
    "calendar": ("calendar.yaml", "--draws", "40", "--model", "none"),
}


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("command", sorted(ASKED))
def test_comparisons_and_calendars_carry_hashes_a_chart_and_formulas_with_their_values(written, files, command, lang):
    content = written(command, *ASKED[command], lang=lang)
    assert content == written(command, *ASKED[command], lang=lang)
    live, stored = opened(content, values=False), opened(content)
    problem = read_problem(files.folder / ASKED[command][0], files.offers, as_of="2026-11-22")
    said = {c.value for row in stored.worksheets[0].iter_rows() for c in row}
    assert {problem.offers.sha256, problem.rule_pack.sha256, "2026-11-22", "2026-12-31"} <= said
    assert len(live.worksheets[0]._charts) == 1
    calculate, found = Calculator(live), formulas_of(live)
    assert len(found) > 10
    for sheet, cell, formula in found:
        assert calculate(sheet, cell) == pytest.approx(stored[sheet][cell].value), (sheet, cell, formula)


def test_a_comparison_tells_what_each_scenario_costs_beyond_the_base(written):
    """The base costs 74,065 yuan and the cheapest lawful portfolio 57,075: 16,990 less, live."""
    book = opened(written("compare", *ASKED["compare"], lang="en"), values=False)
    first = book["Summary"]
    head = next(r for r in range(1, 40) if first[f"A{r}"].value == "scenario")
    calculate = Calculator(book)
    assert [calculate("Summary", f"{c}{head + 2}") for c in "BC"] == pytest.approx([57_075, -16_990])
    at = next(c.column_letter for c in book["Scenarios"][1] if c.value == "cost, yuan")
    book["Scenarios"][f"{at}3"].value += 1000
    assert Calculator(book)("Summary", f"C{head + 2}") == pytest.approx(-15_990)


def test_one_reserve_for_all_is_weighed_against_one_for_each_by_sums_over_the_reserves(written):
    book = opened(written("calendar", *ASKED["calendar"], lang="en"))
    own = [r for r in book["Reserves"].iter_rows(min_row=2, values_only=True) if r[1] == "in all"]
    whole, each = own[0], own[1:]
    assert [whole[0], len(each)] == ["all", 2]
    level, separate, pooled, saved = next(book["Contingency"].iter_rows(min_row=2, max_row=2, values_only=True))
    assert level == "P50"
    assert separate == pytest.approx(sum(r[3] - r[2] for r in each))
    assert pooled == pytest.approx(whole[3] - whole[2])
    assert saved == pytest.approx(separate - pooled)


# ------------------------------------------------------------------------------------------------- an office program


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    """Workbooks calculated anew by LibreOffice: office({name: content}) -> {name: workbook}."""
    if SOFFICE is None:
        pytest.skip("no LibreOffice on this machine: nothing recalculates the formulas")
    home = tmp_path_factory.mktemp("office")
    (home / "profile" / "user").mkdir(parents=True)
    (home / "profile" / "user" / "registrymodifications.xcu").write_text(RECALCULATE, encoding="utf-8")
    profile = f"-env:UserInstallation={(home / 'profile').as_uri()}"

    def calculated(books):
        written, out = home / "written", home / "calculated"
        written.mkdir(exist_ok=True)
        for name, content in books.items():
            (written / f"{name}.xlsx").write_bytes(content)
        paths = [str(written / f"{name}.xlsx") for name in books]
        command = [str(SOFFICE), profile, "--headless", "--convert-to", "xlsx", "--outdir", str(out), *paths]
        subprocess.run(command, check=True, capture_output=True, timeout=300)
        return {name: opened((Path(out) / f"{name}.xlsx").read_bytes()) for name in books}

    return calculated


def differing(content, calculated):
    """Formulas whose value is another one once calculated. Reading a workbook takes half a second: twice is enough."""
    kept, formulas = opened(content), formulas_of(opened(content, values=False))
    assert len(formulas) > 100
    return [
        (sheet, cell, formula, kept[sheet][cell].value, calculated[sheet][cell].value)
        for sheet, cell, formula in formulas
        if BY_DAY not in formula and calculated[sheet][cell].value != pytest.approx(kept[sheet][cell].value)
    ]


def test_an_office_program_gives_every_formula_of_every_example_its_value(office):
    """And would not, were a value wrong: the last workbook is one with a quantity that its formulas do not know."""
    books: dict[str, bytes] = {}
    for one in EXAMPLES:
        # Explanations are sentences: without them a workbook has the same formulas, and is planned in a third of it.
        made = plan(read_problem(one.event, one.offers, as_of=str(one.as_of)), explanations="none")
        books |= {f"{one.name}-{lang}": workbook(made, lang) for lang in ("zh", "en")}
    changed = opened(books["league-final-zh"], values=False)
    changed["采购"]["D2"].value += 1
    buffer = io.BytesIO()
    changed.save(buffer)
    found = office(books | {"changed": buffer.getvalue()})
    for name, content in books.items():
        assert not differing(content, found[name]), name
    assert found["changed"]["摘要"]["B12"].value == "不一致"
    assert found["changed"]["采购"]["O2"].value == "不一致"
    turned = {place[:2] for place in differing(books["league-final-zh"], found["changed"])}
    assert {("采购", "J2"), ("付款", "G2"), ("层级", "F2"), ("年度", "B2"), ("活动", "G2"), ("摘要", "B8")} <= turned


# -------------------------------------------------------------------------------------------------------- calculator


class Number(float):
    """Both branches of an IF are calculated here: what is divided by nothing is no fault yet."""

    def __truediv__(self, other):
        return float(self) / other if other else float("nan")


class Calculator:
    """The few functions of a spreadsheet that the workbook uses, calculated anew from its other cells."""

    def __init__(self, book):
        self.book, self.known = book, {}

    def __call__(self, sheet, coordinate):
        coordinate = coordinate.replace("$", "")
        if (sheet, coordinate) not in self.known:
            cell = self.book[sheet][coordinate]
            value = cell.value
            self.known[sheet, coordinate] = self.evaluate(sheet, value[1:]) if cell.data_type == "f" else value or 0
        return self.known[sheet, coordinate]

    def evaluate(self, sheet, formula):
        parts = re.split(r'("[^"]*")', formula.replace("$", ""))
        joined = ""
        for part in parts:
            if part.startswith('"'):
                joined += part
                continue
            pattern = r"(?:'([^']+)'!)?\b([A-Z]{1,2}[0-9]+(?::[A-Z]{1,2}[0-9]+)?)\b"
            code = re.sub(pattern, lambda m: f"cells({(m.group(1) or sheet)!r}, {m.group(2)!r})", part)
            joined += re.sub(r"(?<![<>=!])=(?!=)", "==", code)
        return eval(joined, {"__builtins__": {}}, self.functions())

    def functions(self):
        return {
            "cells": self.cells,
            "SUM": lambda a: float(np.sum(a)),
            "SUMPRODUCT": lambda a, b: float(np.sum(a * b)),
            "SUMIFS": lambda a, *tests: float(np.sum(np.where(self.all_hold(tests), a, 0))),
            "COUNTIF": lambda a, test: int(np.sum(self.holds(a, test))),
            "ROUND": lambda x, n: float(np.floor(x * 10**n + 0.5 + 1e-9) / 10**n),
            "ROUNDDOWN": lambda x, n: float(np.floor(x * 10**n + 1e-9) / 10**n),
            "YEAR": lambda day: day.year,
            "MAX": max,
            "ABS": abs,
            "AND": lambda *a: all(a),
            "IF": lambda test, yes, no: yes if test else no,
        }

    def all_hold(self, tests):
        pairs = zip(tests[::2], tests[1::2], strict=True)
        return np.logical_and.reduce([self.holds(a, test) for a, test in pairs])

    def holds(self, a, test):
        return a > float(test[1:]) if isinstance(test, str) and test.startswith(">") else a == test

    def cells(self, sheet, reference):
        first, _, last = reference.partition(":")
        if not last:
            value = self(sheet, first)
            return Number(value) if isinstance(value, int | float) else value
        column = first.rstrip("0123456789")
        rows = range(int(first[len(column) :]), int(last[len(column) :]) + 1)
        return np.array([self(sheet, f"{column}{r}") for r in rows])
