"""`jinheng compare` as users open it: ready scenarios and files, words and documents, faults, failures, processes."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pytest
import yaml
from rich.cells import cell_len

from scenarios.library import READY

DAY = ("--as-of", "2026-11-22")

# The base buys PHB-1 200 x 60 = 12,000; CCER-1 500 x 78 x 1.01 + 100 = 39,490 (from 200 t on at 78); CEA-1
# 301 x 75 = 22,575: 74,065 yuan. CCER-2, unranked, is at 50; no seller may have more than 60 % of 1,000.5 t.
BASE = "74065.00"
FILE = """\
scenarios:
  - name: all at once
    title: {zh: 全部改变, en: everything changes}
    shows: every kind of change together
    objective: cost-first
    epsilon: 0.02
    budget: {by_fiscal_year: {2026: 90000, 2027: 30000}, carry_forward: true}
    prices:
      - {where: {instrument: allowance}, factor: 1.3}
      - {where: {seller: 乙}, add: -2.5}
    availability: {where: {instrument: carbon_inclusion}, scale: 0.5}
    offers: {lift: [channels], exclude: {seller: 丁}, vintage_min: 2020}
    limits: {replace: [{group: seller, max_share: 0.9}]}
    policy: mee-2019
    settings: {allow_late: false, discount_rate: 0}
    emissions: {amount: 800, margin: 0.1}
    dates: {as_of: 2026-11-23, end_shift_days: 1}
    outlook: {factors: [{instrument: allowance, from: 2027-01-01, factor: 1.1}]}
  - {name: too early, dates: {as_of_shift_years: -90}}
  - {name: nobody, prices: {where: {seller: 没有}, factor: 2}}
library: [allowances-plus-30, greedy-cheapest]
grid:
  money:
    little: {budget: {amount: 40000}}
    any: {budget: none}
  allowances:
    same: {}
    out: {offers: {exclude: {instrument: allowance}}}
"""
NAMES = [
    "all at once",
    "too early",
    "nobody",
    "allowances-plus-30",
    "greedy-cheapest",
    "money little, allowances same",
    "money little, allowances out",
    "money any, allowances same",
    "money any, allowances out",
]
BROKEN = """\
scenarios:
  - {name: a, bugdet: {scale: 0.8}}
  - {name: b, prices: {factor: 1.2, add: 3}}
  - {name: c, prices: {where: {colour: red}, factor: 1.2}}
  - {name: d, policy: nowhere}
librarry: [no-forest]
"""


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JINHENG_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("JINHENG_DATABASE", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def compare(files: Any, jinheng: Any) -> Any:
    """compare(scenarios, *options) on the small event; a text with a line break is written to scenarios.yaml first."""

    def call(scenarios: str, *more: str) -> Any:
        if "\n" in scenarios:
            (files.folder / "scenarios.yaml").write_text(scenarios, encoding="utf-8")
            scenarios = "scenarios.yaml"
        return jinheng("compare", "event.yaml", "--offers", "offers.csv", "--scenarios", scenarios, *DAY, *more)

    return call


def document(answer: Any) -> Any:
    assert answer.code == 0, answer.err
    return json.loads(answer.out)


def flat(text: str) -> str:
    return " ".join(text.split())


# ------------------------------------------------------------------------------------------------------------- answers


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        (
            "en",
            (
                "jinheng compare: the base and 3 scenarios",
                "[1] cheapest lawful mix (cheapest-lawful)",
                "cost yuan 74,065.00 57,075.00 80,837.50 51,490.00",
                "to the base - -16,990.00 +6,772.50 -22,575.00",
                "only Shanxi: 300.5 t short",
                "CEA-1 dearer 0 t: all-in price rose from 75.00 to 97.50 yuan/t",
                "CEA-1 less -100 t: the objective changed from “coverage, then the recommended",
                "order, then cost” to “coverage, then cost, then the recommended order”",
            ),
        ),
        (
            "zh",
            (
                "晋衡情景比较: 基准与 3 个情景",
                "[1] 最便宜的合规组合 (cheapest-lawful)",
                "成本 元 74,065.00 57,075.00 80,837.50 51,490.00",
                "比基准 - -16,990.00 +6,772.50 -22,575.00",
                "只用山西: 缺口 300.5 吨",
                "CEA-1 变贵 0 吨: 全价由 75.00 涨到 97.50 元/吨",
                "CEA-1 减少 -100 吨: 目标由“先覆盖, 再按推荐顺序, 后成本”变为“先覆盖, 再成本, 后推荐顺序”",
            ),
        ),
    ],
)
def test_ready_scenarios_stand_beside_the_base_with_causes(compare, lang, words):
    # Cheapest: PHB-1 12,000; CCER-2 600 x 50 = 30,000 (60 % of the need); CEA-1 201 x 75 = 15,075: 57,075.
    # Allowances +30 %: 301 x 97.50 = 29,347.50 in place of 22,575: 6,772.50 more. Only Shanxi: no CEA-1, 301 t less.
    answer = compare("cheapest-lawful,allowances-plus-30,only-shanxi", "--lang", lang)
    assert answer.code == 0
    for phrase in words:
        assert phrase in flat(answer.out)
    assert not [line for line in answer.out.splitlines() if cell_len(line) > 80]
    assert "Traceback" not in answer.err


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_all_names_every_ready_scenario(compare, lang):
    answer = compare("all", "--lang", lang)
    assert answer.code == 0
    for one in READY.values():
        assert one.heading.say(lang) in answer.out
    assert not [line for line in answer.out.splitlines() if cell_len(line) > 80]


def test_a_file_with_every_kind_of_change_and_a_grid(compare):
    found = document(compare(FILE, "--json", "--lang", "en"))
    rows = {row["name"]: row for row in found["scenarios"]}
    assert list(rows) == NAMES
    assert (found["base"]["name"], found["base"]["totals"]["cost"], found["days_at_risk"]) == ("base", BASE, 30)
    once = rows["all at once"]
    assert once["title"] == "everything changes"
    # 800 t and 10 %: 880 t. Under the national guide allowances come first but cost 97.50, and cost goes first:
    # PHB-1 100 x 60 = 6,000; CCER-1 500 x 75.50 x 1.01 + 100 = 38,227.50; CEA-1 280 x 97.50 = 27,300.
    assert once["totals"]["required_t"] == "880"
    assert {x["offer_id"]: x["cost"] for x in once["lines"]} == {
        "PHB-1": "6000.00",
        "CCER-1": "38227.50",
        "CEA-1": "27300.00",
    }
    assert [(y["year"], y["budget"]) for y in once["fiscal_years"]] == [(2026, "90000.00"), (2027, "30000.00")]
    given = yaml.safe_load(FILE)["scenarios"][0]
    assert set(once["changes"]) == set(given) - {"name", "title", "shows"}
    # 40,000 yuan: CCER-2 596 x 50 = 29,800 and PHB-1 170 x 60 = 10,200 cover most, 766 t of 1,000.5 t.
    little = rows["money little, allowances same"]
    assert (little["status"], little["totals"]["shortfall_t"], little["totals"]["cost"]) == (
        "short",
        "234.5",
        "40000.00",
    )
    assert rows["money any, allowances same"]["difference"] == {"cost": "0.00", "covered_t": "0", "shortfall_t": "0"}
    assert rows["greedy-cheapest"]["counts"] is None and rows["greedy-cheapest"]["totals"]["cost"] == "57075.00"


def test_a_scenario_that_fails_is_a_row_and_one_that_changes_nothing_says_so(compare):
    answer = compare(FILE, "--lang", "en")
    assert answer.code == 0
    assert re.search(r"^too early +- +- +- +- -$", answer.out, re.MULTILINE)
    assert "- too early: " in answer.out and "1990 and 2200" in flat(answer.out)
    assert "nobody: prices[0].where: 'seller=没有': no offer matches this filter" in flat(answer.out)
    assert "nobody: scenario: changes nothing: it is the base" in flat(answer.out)
    zh = document(compare(FILE, "--json", "--lang", "zh"))["scenarios"]
    assert (zh[1]["status"], zh[1]["failure"]["type"]) == ("failed", "BadInput")
    assert "年份应在 1990 与 2200 之间" in zh[1]["reason"]
    assert [w["code"] for w in zh[2]["warnings"]] == ["filter_matches_nothing", "scenario_no_change"]


def test_every_base_option_counts(compare):
    found = document(compare("budget-minus-20", "--budget", "60000", "--objective", "cost-first", "--json"))
    # The base is now the cheapest lawful mix, 57,075; the scenario has 48,000 of 60,000.
    assert found["base"]["totals"]["cost"] == "57075.00"
    assert found["scenarios"][0]["changes"] == {"budget": {"scale": "0.8"}}
    assert found["scenarios"][0]["fiscal_years"][0]["budget"] is None
    assert found["scenarios"][0]["status"] == "short"
    under_guide = document(compare("national-guide", "--policy", "mee-2019", "--json"))
    assert [w["code"] for w in under_guide["scenarios"][0]["warnings"]] == ["scenario_no_change"]


def test_a_calendar_is_compared_as_a_whole(files, jinheng):
    command = ("compare", "calendar.yaml", "--offers", "offers.csv", "--scenarios", "cheapest-lawful,budget-minus-20")
    found = document(jinheng(*command, *DAY, "--json", "--lang", "en"))
    # Needs of 400 t and 300.25 t with a tenth over: 330.275 t.
    assert found["base"]["totals"]["required_t"] == "730.275"
    budgets = [y["budget"] for y in found["scenarios"][1]["fiscal_years"] if y["event_id"] is None]
    assert budgets == ["48000.00", "32000.00"]


def test_near_deadlines_follow_days(compare):
    near = {
        n: [d["offer_id"] for d in document(compare("no-forest", "--json", "--days", n))["base"]["deadlines_at_risk"]]
        for n in ("0", "39", "400")
    }
    # PHB-1 is valid until 2026-12-31, 39 days after the plan; CCER-1 until 2027-01-31, 70 days; CEA-1 must be cancelled
    # a year after the event, 2027-10-11.
    assert near == {"0": [], "39": ["PHB-1"], "400": ["PHB-1", "CCER-1", "CEA-1"]}


# --------------------------------------------------------------------------------------------------------------- files


def test_the_same_is_written_as_json_csv_and_a_workbook(compare, tmp_path):
    names = "cheapest-lawful,donated-only"
    asked = document(compare(names, "--json", "--lang", "en"))
    for ending in ("json", "csv", "xlsx"):
        answer = compare(names, "--lang", "en", "-o", f"out.{ending}")
        assert (answer.code, answer.err.splitlines()[-1]) == (0, f"Written: out.{ending}")
    assert json.loads((tmp_path / "out.json").read_text("utf-8")) == asked
    heads, *rows = csv.reader((tmp_path / "out.csv").read_text("utf-8-sig").splitlines())
    assert heads[:3] == ["scenario", "title", "covered, short or failed"]
    cost = heads.index("cost, yuan")
    assert [(r[0], r[2], r[cost]) for r in rows] == [
        ("base", "covered", BASE),
        ("cheapest-lawful", "covered", "57075.00"),
        ("donated-only", "short", "0.00"),
    ]
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    assert book.sheetnames == ["Summary", "Scenarios", "Tiers", "Years", "Rules", "Deadlines", "Changes"]
    assert [c.value for c in book["Scenarios"]["A"]] == ["scenario", "base", "cheapest-lawful", "donated-only"]
    changed = {(r[0], r[2], r[3]) for r in book["Changes"].iter_rows(min_row=2, values_only=True)}
    assert ("cheapest-lawful", "CCER-2", "new") in changed and ("donated-only", "PHB-1", "gone") in changed


def test_json_answers_carry_nothing_else_and_stdout_no_progress(jinheng_process, files):
    command = ("compare", str(files.event), "--offers", str(files.offers), "--scenarios", "no-forest", *DAY, "--json")
    answer = jinheng_process(*command, LC_ALL="en_US.UTF-8")
    assert answer.code == 0
    assert json.loads(answer.out)["base"]["totals"]["cost"] == BASE
    assert "Traceback" not in answer.err


def test_processes_change_nothing(compare):
    names = "cheapest-lawful,allowances-plus-30,greedy-order"
    one, two = (compare(names, "--json", "--lang", "zh", "--workers", n) for n in ("1", "2"))
    assert one.code == two.code == 0
    assert one.out == two.out


# -------------------------------------------------------------------------------------------------------------- faults


@pytest.mark.parametrize(("lang", "only"), [("en", "exactly one of factor, add"), ("zh", "恰好给出其中之一")])
def test_every_fault_of_a_file_and_of_options_is_told_at_once_with_its_place(compare, lang, only):
    answer = compare(BROKEN, "--lang", lang, "--workers", "0", "--days", "soon", "-o", "out.doc")
    assert (answer.code, answer.out) == (2, "")
    for place in (
        "scenarios.yaml scenarios[0].bugdet row 2",
        "scenarios.yaml scenarios[1].prices[0] row 3",
        "scenarios.yaml scenarios[2].prices[0].where row 4",
        "scenarios.yaml scenarios[3].policy row 5",
        "scenarios.yaml librarry row 6",
        "--workers",
        "--days",
        "-o",
    ):
        assert (place if lang == "en" else re.sub(r" row (\d)", r" 第 \1 行", place)) in answer.err
    assert only in answer.err and "Traceback" not in answer.err


def test_faults_of_event_offers_and_scenarios_come_together(compare, files):
    files.event.write_text("id: x\nend_date: soon\n", encoding="utf-8")
    files.offers.write_text(files.offers.read_text("utf-8").replace("甲,200,60", "甲,many,60"), encoding="utf-8")
    answer = compare("no-forest,no-forrest", "--json", "--lang", "en")
    assert answer.code == 2
    found = json.loads(answer.out)
    assert found["error"] == "bad_input"
    assert {f.get("path") for f in found["faults"]} >= {"end_date", "emissions", "--scenarios"}
    assert "many" in {f.get("value") for f in found["faults"]}
    assert [f["value"] for f in found["faults"] if f["code"] == "scenario_unknown"] == ["no-forrest"]


@pytest.mark.parametrize(
    ("arguments", "zh", "en"),
    [
        (["compare", "event.yaml", "--offers", "offers.csv"], "缺少必填的 --scenarios", "--scenarios is missing"),
        (["compare", "event.yaml", "--scenarios", "all"], "缺少必填的 --offers", "--offers is missing"),
        (["compare", "--offers", "offers.csv", "--scenarios", "all"], "缺少必填的 EVENT", "EVENT is missing"),
        (["compare", "event.yaml", "--scenario", "all"], "--scenarios?", "--scenarios"),
    ],
)
def test_misuse_exits_2_in_the_callers_language(jinheng, files, arguments, zh, en):
    for lang, words in (("zh", zh), ("en", en)):
        answer = jinheng(*arguments, "--lang", lang)
        assert (answer.code, answer.out) == (2, "")
        assert words in answer.err


@pytest.mark.parametrize(
    ("lang", "words"), [("zh", "情景文件, 或现成情景的名称"), ("en", "a scenario file, names of ready scenarios")]
)
def test_help_speaks_the_callers_language(jinheng, lang, words):
    answer = jinheng("compare", "--help", "--lang", lang)
    assert answer.code == 0
    assert words in flat(answer.out) and "--cluster" in answer.out
    assert bool(re.search("[\u4e00-\u9fff]", answer.out)) == (lang == "zh")


@pytest.mark.parametrize(("ending", "begins"), [(".svg", b"<svg"), (".png", b"\x89PNG")])
def test_a_comparison_is_drawn_where_the_name_asks_for_a_picture(compare, tmp_path, ending, begins):
    out = tmp_path / f"out{ending}"
    answer = compare("cheapest-lawful", "-o", str(out), "--lang", "zh")
    assert answer.code == 0, answer.err
    content = out.read_bytes()
    assert content[:20].lower().startswith(begins.lower())
    if ending != ".png":
        assert "最便宜的合规组合" in content.decode()


def test_a_page_is_the_report_with_its_pictures(compare, tmp_path):
    out = tmp_path / "out.html"
    assert compare("cheapest-lawful", "-o", str(out), "--lang", "zh").code == 0
    page = out.read_text("utf-8")
    assert "方案比选报告" in page and page.count("data:image/svg+xml;base64,") == 3 and "<script" not in page
