"""The budget of a calendar of events, as a person reads it in a terminal, and as JSON, CSV and a workbook.

Order: what to set aside by fiscal year, by event, one reserve against many, and what must be bought by when.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, TextIO

from api.reports.page import Page
from api.reports.pictures import PICTURES, picture
from api.reports.risk import show_basis, show_findings
from api.reports.risk_files import Sheet, basis_document, basis_sheet, csv_bytes, json_bytes, workbook_bytes
from api.reports.words import grouped, pick
from api.risk_terms import CalendarAnswer
from optimizer.plan import Json
from optimizer.quantities import tonnes, yuan
from optimizer.wording import Language
from scenarios.budgeting import BOUND_NAMES, Commitment, Reserve
from scenarios.summary import QUANTILES, money_text

EVENTS_SHOWN = 20
COMMITMENTS_SHOWN = 15
"""A screen of each; the documents have all."""


def show_calendar(answer: CalendarAnswer, lang: Language, stream: TextIO) -> None:
    """Writes the page of `calendar`."""
    page, budget = Page(stream), answer.budget
    n = len(answer.question.event_ids)
    page.title(
        pick(
            lang,
            f"晋衡年度预算: {n} 项活动, {budget.draws} 次抽样, 种子 {budget.seed}",
            f"jinheng calendar: {n} event{'' if n == 1 else 's'}, {budget.draws} draws, seed {budget.seed}",
        )
    )
    if answer.question.budget_fen is not None:
        told = grouped(yuan(answer.question.budget_fen))
        page.line(pick(lang, f"现有预算合计 {told} 元", f"Budgets given, in all: {told} yuan"))
    _years(page, answer, lang)
    _events(page, answer, lang)
    _pooling(page, answer, lang)
    _commitments(page, answer, lang)
    show_basis(page, answer.basis, lang)
    show_findings(page, answer.basis.findings, lang)
    page.write()


def _heads(lang: Language, first: str) -> str:
    return "|".join([first, pick(lang, ">方案", ">planned"), *(f">{q}" for q in QUANTILES), ">CVaR95"])


def _cells(reserve: Reserve) -> list[str]:
    levels = [reserve.quantiles_yuan[q] for q in QUANTILES]
    return [grouped(str(round(v))) for v in (reserve.planned_yuan, *levels, reserve.tail_yuan)]


def _years(page: Page, answer: CalendarAnswer, lang: Language) -> None:
    page.section(pick(lang, "各财政年度应备 元", "What to set aside by fiscal year, yuan"))
    every = [r for r in answer.budget.reserves if r.event_id is None]
    shown = [r for r in every if r.year is None or any(v > 0 for v in (r.planned_yuan, r.tail_yuan))]
    rows = [(pick(lang, "合计", "in all") if r.year is None else str(r.year), *_cells(r)) for r in shown]
    page.table(_heads(lang, pick(lang, "年度", "year")), rows)
    if len(shown) > 2:
        zh, en = (
            "分位数不可相加: 各年之和一般不等于合计。",
            "Quantiles do not add up: the years' are not those of the sum.",
        )
        page.line(pick(lang, zh, en), "dim")


def _events(page: Page, answer: CalendarAnswer, lang: Language) -> None:
    each = [r for r in answer.budget.reserves if r.event_id is not None and r.year is None]
    if len(each) < 2:
        return
    page.section(pick(lang, "各项活动应备 元", "By event, yuan"))
    largest = sorted(each, key=lambda r: (-r.tail_yuan, str(r.event_id)))[:EVENTS_SHOWN]
    rows = [(str(r.event_id), *_cells(r)) for r in each if r in largest]
    page.table(_heads(lang, pick(lang, "活动", "event")), rows)
    more = len(each) - len(largest)
    if more > 0:
        page.line(pick(lang, f"另有 {more} 项较小的, 见 JSON。", f"{more} smaller events: see the JSON."))


def _pooling(page: Page, answer: CalendarAnswer, lang: Language) -> None:
    if len(answer.question.event_ids) < 2:
        return
    page.section(pick(lang, "预备金 (方案之外) 元", "Contingency beyond the plan, yuan"))
    rows = [
        (p.level, *(grouped(str(round(v))) for v in (p.separate_yuan, p.pooled_yuan, p.saving_yuan)))
        for p in answer.budget.pooling
    ]
    heads = "水平|>各项分设|>合并设立|>节省", "level|>one for each event|>one for all|>saved"
    page.table(pick(lang, *heads), rows)


def _commitments(page: Page, answer: CalendarAnswer, lang: Language) -> None:
    found = answer.budget.commitments
    if not found:
        return
    page.section(pick(lang, "最迟购买日", "Latest dates of purchase"))
    rows = [
        (
            f"{c.event_id} {c.offer_id}",
            grouped(tonnes(c.contracted_kg)),
            _day(c.latest),
            BOUND_NAMES[c.bound].say(lang),
        )
        for c in found[:COMMITMENTS_SHOWN]
    ]
    page.table(pick(lang, "活动与报价|>吨|最迟|由于", "event and offer|>t|latest|because"), rows)
    more = len(found) - COMMITMENTS_SHOWN
    if more > 0:
        page.line(pick(lang, f"另有 {more} 行, 见 JSON。", f"{more} more lines: see the JSON."))


def _day(day: date) -> str:
    return day.isoformat()


# ------------------------------------------------------------------------------------------------ documents and files


def calendar_document(answer: CalendarAnswer, lang: Language) -> Json:
    """The answer of `calendar` as data."""
    budget = answer.question.budget_fen
    found: Json = answer.budget.as_dict(lang)
    return found | {
        "budget": None if budget is None else yuan(budget),
        "basis": basis_document(answer.basis, lang),
    }


def calendar_file(answer: CalendarAnswer, kind: str, lang: Language) -> bytes:
    """The answer of `calendar` as .json, .csv (the reserves), .xlsx, or as a picture."""
    if kind == ".json":
        return json_bytes(calendar_document(answer, lang))
    if kind in PICTURES:
        from scenarios.charts_risk import calendar_chart

        return picture(calendar_chart(answer.budget, lang), kind)
    reserves = _reserves(answer.budget.reserves, lang)
    if kind == ".csv":
        return csv_bytes(*reserves)
    pools = [
        (p.level, *(float(money_text(v)) for v in (p.separate_yuan, p.pooled_yuan, p.saving_yuan)))
        for p in answer.budget.pooling
    ]
    heads = pick(lang, "水平|分设|合并|节省", "level|separate|pooled|saving").split("|")
    sheets = {
        pick(lang, "应备", "Reserves"): reserves,
        pick(lang, "预备金", "Contingency"): (heads, pools),
        pick(lang, "最迟购买日", "Latest dates"): _latest(answer.budget.commitments, lang),
    }
    return workbook_bytes(sheets | basis_sheet(answer.basis, lang))


def _reserves(reserves: Sequence[Reserve], lang: Language) -> Sheet:
    everything, ever = pick(lang, "全部", "all"), pick(lang, "合计", "in all")
    heads = [*pick(lang, "活动|年度|方案 (元)", "event|year|planned (yuan)").split("|")]
    heads += [f"{q} ({pick(lang, '元', 'yuan')})" for q in (*QUANTILES, "CVaR95")]
    rows: list[Sequence[Any]] = [
        [
            everything if r.event_id is None else r.event_id,
            ever if r.year is None else str(r.year),
            *(float(money_text(v)) for v in (r.planned_yuan, *(r.quantiles_yuan[q] for q in QUANTILES), r.tail_yuan)),
        ]
        for r in reserves
    ]
    return heads, rows


def _latest(found: Sequence[Commitment], lang: Language) -> Sheet:
    heads = pick(lang, "活动|报价|吨|方案购买日|最迟|期限|由于", "event|offer|t|planned on|latest|deadline|because")
    rows = [
        (
            c.event_id,
            c.offer_id,
            float(tonnes(c.contracted_kg)),
            *map(_day, (c.planned_on, c.latest, c.deadline)),
            BOUND_NAMES[c.bound].say(lang),
        )
        for c in found
    ]
    return heads.split("|"), rows
