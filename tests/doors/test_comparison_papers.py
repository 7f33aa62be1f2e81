"""The report of a comparison: read back it says what was compared, in both languages, and runs nothing."""

import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from api.reports.comparison_report import comparison_report
from api.reports.paper_parts import Facts, Grid
from api.reports.papers import comparison_paper
from api.reports.scenario_words import what_changes
from api.scenario_desk import CompareRequest, compare_scenarios
from optimizer.plan import Plan
from scenarios.library import READY
from scenarios.scenario import Scenario
from scenarios.side_by_side import Row, SideBySide
from tests.doors.conftest import AS_OF
from tests.doors.test_compare_command import BASE, FILE
from tests.doors.test_official_papers import squeezed, text_of

TODAY = date(2026, 11, 23)
KINDS = ("docx", "pdf", "html")
WAYS = "cheapest-lawful,allowances-plus-30,only-shanxi,greedy-cheapest"


@pytest.fixture(scope="module")
def known() -> dict[tuple[str, ...], SideBySide]:
    """What was compared before: its files, what was asked of them, and the language -> the comparison."""
    return {}


@pytest.fixture
def compared(files: Any, known: dict[tuple[str, ...], SideBySide]) -> Any:
    """Scenarios by name, or the text of a file -> the comparison; made anew only where that is asked for."""

    def made(names: str = WAYS, lang: Any = "zh", event: str = "event.yaml", *, anew: bool = False) -> SideBySide:
        asked = (files.folder / event, files.offers)
        key = (*(path.read_text(encoding="utf-8") for path in asked), names, lang)
        if anew or key not in known:
            if "\n" in names:
                (files.folder / "scenarios.yaml").write_text(names, encoding="utf-8")
                names = str(files.folder / "scenarios.yaml")
            request = CompareRequest(str(asked[0]), str(asked[1]), AS_OF, url="", scenarios=names)
            known[key] = compare_scenarios(request, lang)
        return known[key]

    return made


def texts_of(table: SideBySide, lang: Any) -> list[str]:
    """Every text of the report, one by one."""
    paper = comparison_report(table, lang, TODAY)
    found = [*paper.title, *paper.subtitle]
    for part in paper.parts:
        if isinstance(part, Grid):
            found += [part.caption, *(c.head for c in part.columns), *(cell for row in part.rows for cell in row)]
        elif isinstance(part, Facts):
            found += [text for row in part.rows for text in row]
        else:
            found.append(part.text)
    return found


# ------------------------------------------------------------------------------------------------------- what it says


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_report_says_what_the_comparison_says(compared, kind, lang):
    table = compared(lang=lang)
    base: Any = table.base.result
    text = text_of(comparison_paper(table, kind, lang, TODAY), kind)
    own = base.provenance
    ids = [base.policy.sha256, str(own["events_sha256"]), str(own["offers_sha256"])]
    ids += [r.result.plan_id for r in table.rows if isinstance(r.result, Plan)]
    assert not [one for one in ids if one not in text]
    # The base 74,065; cheapest 57,075; allowances 97.50 in place of 75: 6,772.50 more; without CEA-1 300.5 t are short.
    for said in ("74,065.00", "57,075.00", "-16,990.00", "+6,772.50", "51,490.00", "300.5", "1,000.5", "CEA-1"):
        assert said in text, said
    assert not [r.title.say(lang) for r in table.rows if squeezed(r.title.say(lang)) not in text]
    words = {
        "zh": (
            "小型会议碳抵销采购方案比选报告",
            "一、比选依据",
            "（一）覆盖与费用",
            "共比选5个方案（含基准）：4个全部覆盖，1个有缺口。",
            "费用最低为57,075.00元（最便宜的合规组合、简单规则:买最便宜的）",
            "价格乘以1.3（品种=碳配额）",
            "全价由75.00涨到97.50元/吨",
            "晋环发〔2022〕41号",
            "2026-12-31",
            "未达到的：缺口300.5吨",
            "不求最优的简单做法",
            "不构成法律意见",
        ),
        "en": (
            "waystoprocureoffsets",
            "1.Basis",
            "2.1Coverageandcost",
            "5waysarecompared,thebaseamongthem:4covereverything,1fallsshort.",
            "pricestimes1.3(instrument=allowance)",
            "Notreached:300.5tshort",
            "nolegaladvice",
        ),
    }
    assert not [w for w in words[lang] if squeezed(w) not in text]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_money_and_the_price_of_the_order_stand_beside_each_other(compared, lang):
    table = compared(lang=lang)
    paper = comparison_report(table, lang, TODAY)
    grids = [p for p in paper.parts if isinstance(p, Grid)]
    (money,) = (g for g in grids if any(c.head.startswith(("预算", "budget")) for c in g.columns))
    # 74,065 of 100,000: 74.06 %, cut. The cheapest mix of the same coverage is 57,075: the order costs 16,990 more.
    assert money.rows[0][2:] == ("74,065.00", "100,000.00", "74 %", "16,990.00")
    assert money.rows[4][2:] == ("57,075.00", "100,000.00", "57 %", "-")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_kind_of_change_failures_and_several_events_have_their_report(compared, kind, lang):
    table = compared(FILE, lang)
    text = text_of(comparison_paper(table, kind, lang, TODAY), kind)
    told = {
        "zh": (
            "未能编制：",
            "1990与2200之间",
            "需抵销量与基准不同的（全部改变），费用不可直接相比",
            "2026年预算改为90,000.00元",
            "项原因",
        ),
        "en": (
            "Couldnotbeplanned:",
            "1990and2200",
            "costscannotbecomparedastheystand",
            "abudgetof90,000.00yuanin2026",
            "more",
        ),
    }
    assert not [w for w in told[lang] if w not in text]
    calendar = compared("cheapest-lawful,budget-minus-20", lang, "calendar.yaml")
    text = text_of(comparison_paper(calendar, kind, lang, TODAY), kind)
    assert "a-event" in text and "b-event" in text
    assert re.search(r"\((a|b)-event\)", text), "whose rule it is"
    assert squeezed({"zh": "2项活动碳抵销采购", "en": "2 events: ways to procure offsets"}[lang]) in text


def test_every_change_that_a_scenario_can_make_has_words():
    content = {
        **{"name": "x", "objective": "order-first", "epsilon": "0.02", "budget": {"scale": "0.8"}},
        **{"prices": {"add": "-2.5"}, "availability": {"where": {"seller": "乙"}, "scale": "0.5"}},
        "offers": {"lift": ["channels"], "only": {"region": "14"}, "exclude": {"seller": "丁"}, "vintage_min": 2020},
        "limits": {"add": [{"group": "seller", "max_share": "0.5"}]},
        **{"policy": "mee-2019", "settings": {"whole_lots": False, "stale": "admit", "discount_rate": "0.03"}},
        **{"emissions": {"scale": "1.1", "margin": "0.05"}, "dates": {"as_of_shift_days": -1, "end_shift_years": 2}},
        **{"outlook": {"factors": []}, "method": "greedy-order"},
    }
    scenario = Scenario.model_validate(content)
    zh, en = what_changes(scenario, "zh").split("；"), what_changes(scenario, "en").split("; ")
    assert len(zh) >= len(content) - 1 and len(en) >= len(content) - 1
    told: tuple[str, ...] = (
        "各笔预算乘以0.8",
        "价格每吨-2.50元（全部报价）",
        "可供数量乘以0.5（卖方 = 乙）",
        "只用：地区 = 山西省",
    )
    told += (
        "不用：卖方 = 丁",
        "年份不早于2020",
        "规则包：大型活动碳中和实施指南（试行）",
        "按整手购买：否",
        "年贴现率：3 %",
        "排放量乘以1.1",
    )
    told += ("超额抵销5 %", "计划日期提前1天", "活动结束推迟2年", "另加份额限制：每个卖方: 至多 50 %")
    assert not [one for one in told if one not in zh]
    for one in ("every budget times 0.8", "the event's end 2 years later", "the day of planning 1 day earlier"):
        assert one in en
    assert not [text for text in en if re.search("[\u3400-\u9fff]", text) and "乙" not in text and "丁" not in text]


def test_every_ready_scenario_has_words_of_its_own():
    for lang in ("zh", "en"):
        said = [what_changes(one, lang) for one in READY.values()]
        assert len(set(said)) == len(READY) and all(said)


def test_nothing_is_left_untranslated(compared):
    names = re.compile(
        "小型会议|示例机构|三晋绿色生活|晋环发〔2022〕|41号|[一二三四]?[（(][一二三四五六七八九十]+[）)]|没有"
    )
    english = [t for t in texts_of(compared(FILE, "en"), "en") if re.search("[\u3400-\u9fff]", names.sub("", t))]
    # Clauses of a document that has no official English name, and sellers as the file has them.
    assert not [t for t in english if re.search("[\u3400-\u9fff]{5}", names.sub("", t))], english
    foreign = re.compile(r"\b[a-z]+ [a-z]+ [a-z]+\b")
    chinese = [t for t in texts_of(compared(lang="zh"), "zh") if foreign.search(t)]
    assert not chinese


# ---------------------------------------------------------------------------------------------------------- the bytes


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_comparison_is_the_same_bytes_until_its_prices_expire(compared, kind):
    first = comparison_paper(compared(), kind, "zh", TODAY)
    assert first == comparison_paper(compared(anew=True), kind, "zh", date(2026, 12, 31))
    later = comparison_paper(compared(), kind, "zh", date(2027, 1, 1))
    assert "所用报价已过有效期，执行前须重新编制：方案0-3" in text_of(later, kind)
    assert "已过有效期" not in text_of(first, kind)


@pytest.mark.parametrize("kind", ["xlsx", "csv", *KINDS])
def test_the_command_writes_the_same_paper(jinheng, files, compared, monkeypatch, kind):
    monkeypatch.setattr("api.settings.today", lambda: TODAY)
    path = files.folder / f"out.{kind}"
    command = ("compare", str(files.event), "--offers", str(files.offers), "--scenarios", WAYS, "--as-of", AS_OF)
    answer = jinheng(*command, "-o", str(path), "--lang", "zh")
    assert answer.code == 0, answer.err
    assert path.read_bytes() == comparison_paper(compared(), kind, "zh", TODAY)


def test_another_kind_is_refused(compared):
    with pytest.raises(ValueError, match="exe"):
        comparison_paper(compared("no-forest"), "exe", "zh", TODAY)


@pytest.mark.parametrize("kind", KINDS)
def test_what_cannot_be_reproduced_and_what_is_short_is_said_first(compared, kind):
    table = compared()
    base: Any = table.base.result
    cut = replace(table.base, result=base.model_copy(update={"reproducible": False, "status": "short"}))
    text = text_of(comparison_paper(replace(table, rows=(cut, *table.rows[1:])), kind, "zh", TODAY), kind)
    assert "因限时中断，结果不可复现，且可能还有更好的方案：方案0。" in text and "基准方案未能全部覆盖" in text
    assert text.index("因限时中断") < text.index("一、比选依据")


# ------------------------------------------------------------------------------------------------------- hostile text


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_names_are_text(compared, files, kind):
    event = files.event.read_text(encoding="utf-8").replace("小型会议", '"#panic() <b>$x$\\u202e=1"')
    files.event.write_text(event, encoding="utf-8")
    offers = files.offers.read_text(encoding="utf-8").replace("CEA-1", "#let x = 1 <i>")
    files.offers.write_text(offers, encoding="utf-8")
    hostile = "scenarios: [{name: '<script>alert(1)</script> =1+1 #panic()', prices: {factor: 1.1}}]\n"
    content = comparison_paper(compared(hostile), kind, "zh", TODAY)
    text = text_of(content, kind)
    assert "#panic()<b>$x$" in text and "#letx=1<i>" in text and "<script>alert(1)</script>=1+1#panic()" in text
    assert b"<script>" not in content and "\u202e" not in text


def test_many_scenarios_are_shown_as_far_as_a_paper_goes(compared):
    table = compared("allowances-plus-30")
    one = table.rows[1]
    assert one.scenario is not None

    def numbered(k: int) -> Row:
        scenario: Scenario = Scenario.model_validate({"name": f"s{k}", "prices": {"factor": "1.3"}})
        return Row(scenario, one.result, one.changes, one.near, one.findings)

    many = replace(table, rows=(table.base, *(numbered(k) for k in range(600))))
    paper = comparison_report(many, "zh", TODAY)
    texts = texts_of(many, "zh")
    assert "表中列出前500个，共601个，其余见工作簿。" in texts and "其余581个方案的逐笔差异见工作簿。" in texts
    assert max(len(p.rows) for p in paper.parts if isinstance(p, Grid)) == 500
    assert comparison_paper(many, "docx", "zh", TODAY) and BASE == "74065.00"
