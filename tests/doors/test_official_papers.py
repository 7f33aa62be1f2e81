"""Papers that are signed and published: read back they say what the plan says, in both languages, and run nothing."""

import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zipfile import ZipFile

import docx
import pypdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.reports import pdf_file
from api.reports.disclosure_statement import DisclosedVersion
from api.reports.paper_parts import Column, Facts, Grid, Heading, Notice, Paper, Paragraph, money_in_words, number_of
from api.reports.papers import disclosure_paper, plan_paper, quote_paper, written
from api.reports.plan_settlement import runs_of
from api.reports.quote_letter import QuoteTold

TODAY = date(2026, 11, 23)
KINDS = ("docx", "pdf", "html")
HOSTILE = {
    "script": "<script>alert(1)</script>",
    "formula": "=HYPERLINK(1)",
    "typst code": '#panic() #read("x") $x$ *b* _i_ @a <l> \\ `raw`',
    "template": "{{ 7*7 }} {% raw %} ${jndi:x}",
    "right to left": "שלום עולם",
    "emoji": "运动会 \U0001f389",
    "long": "x" * 300,
    "entities": "a&amp;b \" ' </w:t>",
}


def text_of(content: bytes, kind: str) -> str:
    """All text of a paper, without the spaces that a layout puts in."""
    if kind == "pdf":
        text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)
    elif kind == "docx":
        body = docx.Document(io.BytesIO(content)).element.body
        text = "".join(node.text or "" for node in body.iter() if node.tag.endswith("}t"))
    else:
        import html

        text = html.unescape(re.sub("<[^>]*>", "", content.decode()))
    return squeezed(text)


def squeezed(text: str) -> str:
    return re.sub(r"[\s\u200b]", "", text)


def a_paper(text: str = "内容", lang="zh") -> Paper:
    """A paper with the same text in every place."""
    grid = Grid(text, (Column(text, 1), Column("b", 1, True)), ((text, text), (text, "2")), total=True)
    parts = (Heading(1, text), Heading(2, text), Paragraph(text), Notice(text), grid, Facts(((text, text),)))
    return Paper(lang, (text,), (text,), text, parts, text, date(2026, 11, 22), (text,))


@pytest.fixture(scope="module")
def quote() -> QuoteTold:
    line = {
        **{"offer_id": "PHB-1", "event_id": "e", "instrument": "carbon_inclusion", "mechanism": "三晋绿色生活"},
        **{"tier": 1, "vintage": 2025, "tonnes": "1001", "effective_t": "1001", "unit_price": "61.76"},
        **{"price": "61821.76", "purchase_date": "2026-11-22", "retire_by": "2027-10-11"},
        **{"registry": "山西碳普惠平台", "firm": True},
    }
    offered = {
        **{"broker": "示例经纪", "event_id": "e", "event_name": "小型会议", "as_of": "2026-11-22", "firm": True},
        **{"status": "covered", "required_t": "1000.5", "covered_t": "1001", "shortfall_t": "0", "lines": [line]},
        **{"fee": "12.00", "price": "61833.76"},
    }
    until = datetime(2026, 11, 24, 8, tzinfo=UTC)
    return QuoteTold("ab" * 12, "cd" * 32, offered, "示例组委会", date(2026, 11, 22), until, True)


@pytest.fixture(scope="module")
def disclosure() -> DisclosedVersion:
    both = {"zh": "山西碳普惠平台", "en": "Shanxi carbon-inclusion platform"}
    row = {
        **{"offer_id": "PHB-1", "instrument": "carbon_inclusion", "mechanism": "三晋绿色生活", "project_id": ""},
        **{"project_name": "", "vintage": 2025, "tier": 1, "registry": both, "tonnes": "1001", "effective_t": "1001"},
        **{"retire_by": "2027-10-11", "state": "retired", "retired_on": "2026-11-23", "reference": "ZX-2026-1"},
        "serials": [{"first": "PH-1", "last": "PH-1001", "tonnes": "1001"}],
        "evidence": [{"name": "证明.pdf", "sha256": "ef" * 32}],
    }
    tier = {"tier": 1, "name": both, "clause": "三(二)1", "planned_t": "1001", "bought_t": "1001", "retired_t": "1001"}
    record = {
        "event": {"id": "e", "name": "小型会议", "organiser": "示例组委会", "region": "", "end_date": "2026-10-11"},
        "emissions": {
            **{"tonnes": "1000.5", "status": "verified", "verifier": "示例机构", "statement": "报告1"},
            "verified_on": "2026-11-05",
        },
        "measures": ["使用绿色电力"],
        "policy": {
            **{"id": "shanxi-2022", "version": "1", "title": {"zh": "实施方案（试行）", "en": "the plan"}},
            **{"document_number": "晋环发〔2022〕41号", "order": "recommended", "sha256": "12" * 32},
        },
        "plan": {"plan_id": "34" * 32},
        "tiers": [tier],
        "retirements": [row],
        "totals": {"emitted_t": "1000.5", "bought_t": "1001", "retired_t": "1001", "offset_t": "1001", "due_t": "0"},
        "completed_on": "2026-11-23",
        "corrects": None,
        "missing": [],
    }
    hashes = {"events_sha256": "56" * 32, "offers_sha256": "78" * 32}
    return DisclosedVersion(2, False, "9a" * 32, record, date(2026, 11, 23), None, "", hashes)


# ------------------------------------------------------------------------------------------------------------ the plan


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_chapter_says_what_the_plan_says(small_plan, kind, lang):
    made = small_plan(lang)
    text = text_of(plan_paper(made, kind, lang, TODAY), kind)
    own = made.provenance
    ids = {made.plan_id, made.policy.sha256, str(own["events_sha256"]), str(own["offers_sha256"])}
    assert not {one for one in ids if one not in text}
    for line in made.lines:
        assert line.offer_id in text and str(line.purchase_date) in text and str(line.retire_by) in text
    assert "74,065.00" in text and "1,000.5" in text and "晋环发〔2022〕41号" in text and "三(二)1" in text
    words = {
        "zh": (
            "推荐",
            "一、编制依据",
            "（二）采购明细",
            "有效期至2026年12月31日",
            "2026年11月22日",
            "柒万肆仟零陆拾伍元整",
        ),
        "en": ("recommended", "1.Basis", "3.2Purchases", "validuntil31December2026", "nolegaladvice"),
    }
    missing = [w for w in words[lang] if squeezed(w) not in text]
    assert not missing


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("options", [{"budget": "30000"}, {"budget": "0"}, {"event": "calendar.yaml"}])
def test_short_empty_and_several_events_have_their_chapter(small_plan, kind, lang, options):
    made = small_plan(lang, **options)
    text = text_of(plan_paper(made, kind, lang, TODAY), kind)
    assert made.plan_id in text
    if made.status == "short":
        assert squeezed({"zh": "本方案未能全部覆盖：缺口", "en": "This plan does not cover everything"}[lang]) in text
        assert squeezed(str(made.diagnosis[0]["message"])) in text
    if len(made.events) > 1:
        assert all(squeezed(e.id) in text for e in made.events)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_plan_is_the_same_bytes_on_any_day_until_it_expires(small_plan, kind):
    made = small_plan()
    first = plan_paper(made, kind, "zh", TODAY)
    assert first == plan_paper(made, kind, "zh", date(2026, 12, 31))
    assert first == plan_paper(type(made).model_validate_json(made.to_json()), kind, "zh", TODAY)
    later = plan_paper(made, kind, "zh", date(2027, 1, 1))
    assert later != first
    assert "已过有效期" in text_of(later, kind) and "已过有效期" not in text_of(first, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_plan_that_cannot_be_reproduced_says_so(small_plan, kind):
    cut = small_plan().model_copy(update={"reproducible": False})
    text = text_of(plan_paper(cut, kind, "zh", TODAY), kind)
    assert "结果不可复现" in text and "否：因限时中断" in text
    assert "结果不可复现" not in text_of(plan_paper(small_plan(), kind, "zh", TODAY), kind)


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_writes_the_same_paper(jinheng, files, small_plan, monkeypatch, kind):
    monkeypatch.setattr("api.settings.today", lambda: TODAY)
    path = files.folder / f"chapter.{kind}"
    assert jinheng(*files.plan("-o", str(path), "--lang", "zh")).code == 0
    assert path.read_bytes() == plan_paper(small_plan("zh"), kind, "zh", TODAY)


# --------------------------------------------------------------------------------------------------- quote, disclosure


@pytest.mark.parametrize("kind", KINDS)
def test_a_quote_says_price_validity_and_kind(quote, kind):
    text = text_of(quote_paper(quote, kind, "zh"), kind)
    told = ("示例组委会：", "61,833.76", "陆万壹仟捌佰叁拾叁元柒角陆分", "确定报价", "山西碳普惠平台", quote.quote_id)
    assert not [one for one in told if one not in text]
    english = text_of(quote_paper(quote, kind, "en"), kind)
    assert "validuntil" in english.lower() and "firm" in english
    indicative = replace(quote, offered={**quote.offered, "firm": False}, open=False)
    text = text_of(quote_paper(indicative, kind, "zh"), kind)
    assert "意向报价" in text and "确定报价：" not in text and "已于" in text and "失效" in text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_disclosure_says_the_whole_process(disclosure, kind, lang):
    text = text_of(disclosure_paper(disclosure, kind, lang), kind)
    told = ("1,000.5", "示例机构", "使用绿色电力", "晋环发〔2022〕41号", "ZX-2026-1", "PH-1~PH-1001", "ef" * 32)
    assert not [one for one in (*told, *disclosure.hashes.values(), disclosure.sha256) if one not in text]
    assert {"zh": "不少于核查的排放量", "en": "nolessthantheverified"}[lang] in text
    missing = [{"code": "missing", "path": "measures", "zh": "缺少减排措施", "en": "measures are missing"}]
    draft = replace(disclosure, draft=True, record={**disclosure.record, "missing": missing})
    text = text_of(disclosure_paper(draft, kind, lang), kind)
    assert squeezed({"zh": "本稿尚缺1项，不能公示", "en": "not to be published"}[lang]) in text
    assert squeezed(missing[0][lang]) in text


@pytest.mark.parametrize("kind", KINDS)
def test_heads_across_a_table_are_read_in_their_place(kind):
    grid = Grid("表", (Column("a", 1), Column("b", 1, True)), (("甲组",), ("x", "1"), ("乙组",), ("y", "2")))
    text = text_of(written(replace(a_paper(), parts=(grid,)), kind), kind)
    places = [text.index(squeezed(one)) for one in ("甲组", "x1", "乙组", "y2")]
    assert places == sorted(places)


# ------------------------------------------------------------------------------------------------------- hostile text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_text_is_text_in_every_place(kind, name):
    content = written(a_paper(HOSTILE[name]), kind)
    shown = squeezed(HOSTILE[name])
    if kind == "pdf":
        shown = shown.replace("\U0001f389", "[U+1F389]")
    else:
        assert b"<script>" not in content and b"</w:t><" not in shown.encode()
    read = text_of(content, kind)
    # The long one is cut where it is a title of somebody's; here every place is given it whole.
    assert read.count(shown) >= 6 if name != "right to left" or kind != "pdf" else "שלום" in read


@pytest.mark.parametrize("kind", KINDS)
def test_names_of_files_that_are_hostile_reach_the_chapter_as_text(small_plan, files, kind):
    event = files.event.read_text(encoding="utf-8").replace("小型会议", '"#panic() <b>$x$\\u202e=1"')
    files.event.write_text(event, encoding="utf-8")
    offers = files.offers.read_text(encoding="utf-8").replace("PHB-1", "#let x = 1 <i>")
    files.offers.write_text(offers, encoding="utf-8")
    content = plan_paper(small_plan(), kind, "zh", TODAY)
    text = text_of(content, kind)
    assert "#panic()<b>$x$" in text and "#letx=1<i>" in text
    assert "\u202e" not in content.decode("utf-8", "ignore") and "\u202e" not in text


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=60))
def test_whatever_somebody_writes_there_is_a_paper(text):
    for kind in KINDS:
        assert written(a_paper(text), kind)


# ------------------------------------------------------------------------------------------------------------- format


def test_a_pdf_has_its_letters_inside_and_is_made_to_be_kept(small_plan):
    reader = pypdf.PdfReader(io.BytesIO(plan_paper(small_plan(), "pdf", "zh", TODAY)))
    root: Any = reader.trailer["/Root"]
    pages: list[Any] = list(reader.pages)
    fonts = {}
    for page in pages:
        for font in page["/Resources"]["/Font"].values():
            (inner,) = font.get_object()["/DescendantFonts"]
            descriptor = inner.get_object()["/FontDescriptor"]
            fonts[str(inner.get_object()["/BaseFont"])] = "/FontFile3" in descriptor or "/FontFile2" in descriptor
    assert len(fonts) >= 2 and all(fonts.values())
    assert any("NotoSerifSC" in name for name in fonts)
    assert reader.metadata is not None and reader.metadata.title is not None and "小型会议" in reader.metadata.title
    assert root["/Lang"] == "zh-CN" and "/StructTreeRoot" in root
    assert b"<pdfaid:part>2</pdfaid:part>" in bytes(root["/Metadata"].get_data())
    box = reader.pages[0].mediabox
    assert (round(box.width), round(box.height)) == (595, 842)
    assert "— 1 —" in reader.pages[0].extract_text() and "— 2 —" in reader.pages[1].extract_text()


def test_a_font_that_is_not_there_is_an_error_and_no_boxes(monkeypatch):
    template = pdf_file._template().replace(b"Noto Serif SC", b"No Such Letters")
    monkeypatch.setattr(pdf_file, "_template", lambda: template)
    with pytest.raises(pdf_file.PaperNotSet, match="no such letters"):
        written(a_paper(), "pdf")


def test_a_docx_has_the_form_of_official_papers(small_plan):
    content = plan_paper(small_plan(), "docx", "zh", TODAY)
    document = docx.Document(io.BytesIO(content))
    section = document.sections[0]
    margins = (section.top_margin, section.bottom_margin, section.left_margin, section.right_margin)
    assert [round(m.mm) for m in margins if m is not None] == [37, 35, 28, 26]
    assert section.page_width is not None and round(section.page_width.mm) == 210
    styles = {name: document.styles[name] for name in ("Normal", "Title", "Heading 1", "Heading 2")}
    wanted = {"Normal": "仿宋_GB2312", "Title": "方正小标宋简体", "Heading 1": "黑体", "Heading 2": "楷体_GB2312"}
    for name, style in styles.items():
        attributes = dict(style.element.rPr.rFonts.attrib)
        assert attributes[docx.oxml.ns.qn("w:eastAsia")] == wanted[name]
        assert not [key for key in attributes if "Theme" in key], "a font of the theme would win"
    assert (styles["Normal"].font.size.pt, styles["Title"].font.size.pt) == (16, 22)
    assert styles["Normal"].element.pPr.ind.get(docx.oxml.ns.qn("w:firstLineChars")) == "200"
    footers = [section.footer, section.even_page_footer]
    assert ["".join(r.text for r in f.paragraphs[0].runs) for f in footers] == ["—  —"] * 2
    assert all("PAGE" in f.paragraphs[0]._p.xml for f in footers)
    with ZipFile(io.BytesIO(content)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert "方正小标宋简体" in archive.read("word/fontTable.xml").decode()
        assert not [name for name in archive.namelist() if "thumbnail" in name]
    made = document.core_properties
    assert made.created is not None and made.created.date() == date(2026, 11, 22) and "小型会议" in made.title


def test_a_page_of_html_loads_nothing_and_runs_nothing(small_plan):
    page = plan_paper(small_plan(), "html", "zh", TODAY).decode()
    assert "<script" not in page and "http" not in page.replace("http-equiv", "")
    assert "default-src 'none'" in page and '<html lang="zh-CN">' in page


def test_another_kind_is_refused(small_plan):
    with pytest.raises(ValueError, match="doc is none of"):
        plan_paper(small_plan(), "doc", "zh", TODAY)


# -------------------------------------------------------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("fen", "words"),
    [
        (0, "人民币零元整"),
        (5, "人民币伍分"),
        (30, "人民币叁角整"),
        (100, "人民币壹元整"),
        (10_005, "人民币壹佰元零伍分"),
        (44_398_360, "人民币肆拾肆万叁仟玖佰捌拾叁元陆角整"),
        (1_000_000, "人民币壹万元整"),
        (1_000_100, "人民币壹万零壹元整"),
        (10_050_000_00, "人民币壹仟零伍万元整"),
        (1_0000_0001_00, "人民币壹亿零壹元整"),
        (2_0030_0400_01, "人民币贰亿零叁拾万零肆佰元零壹分"),
    ],
)
def test_sums_in_words(fen, words):
    assert money_in_words(fen) == words


def test_numbers_of_headings_and_runs_of_rows():
    assert [number_of([n, 1], 1, "zh") for n in (1, 10, 12, 21)] == ["一、", "十、", "十二、", "二十一、"]
    assert number_of([3, 2], 2, "zh") == "（二）" and number_of([3, 2], 2, "en") == "3.2 "
    assert runs_of(["1", "2", "3", "5", "7", "8"]) == "1-3, 5, 7-8"
