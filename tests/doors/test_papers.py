"""The papers: what is written is read back, adds up, fits 80 columns, and runs no formula that a user wrote."""

import csv
import io
import json

import pandas as pd
import pytest
from rich.cells import cell_len

from api.reports.csv import inert, lines_csv
from api.reports.terminal import show_plan
from api.reports.words import grouped, level_name, percent, rule_name
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


@pytest.mark.parametrize("name", ["plan.doc", "plan", "plan.txt", "no/plan.json", "."])
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
