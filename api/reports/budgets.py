"""The budget of a calendar of events, as a person reads it in a terminal, and as JSON, CSV and a workbook.

Order: what to set aside by fiscal year, by event, one reserve against many, and what must be bought by when.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, TextIO

from api.reports.cells import Book, letter
from api.reports.page import Page
from api.reports.pictures import PICTURES, picture
from api.reports.risk import show_basis, show_findings
from api.reports.risk_files import basis_document, basis_sheet
from api.reports.tables import (
    Live,
    Table,
    csv_bytes,
    front_sheet,
    json_bytes,
    mark_of,
    problem_facts,
    table_at,
    table_sheets,
)
from api.reports.words import grouped, pick
from api.risk_terms import CalendarAnswer
from optimizer.plan import Json
from optimizer.quantities import tonnes, yuan
from optimizer.wording import Language, counted
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
            f"jinheng calendar: {counted(n, 'event', 'events')}, {budget.draws} draws, seed {budget.seed}",
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
        page.line(
            pick(lang, f"另有 {more} 行, 见 JSON。", f"{counted(more, 'more line', 'more lines')}: see the JSON.")
        )


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
    return _workbook(answer, reserves, lang)


def _workbook(answer: CalendarAnswer, reserves: Table, lang: Language) -> bytes:
    """The years side by side with their chart, every reserve, the contingency by formulas over it, and latest dates."""
    basis = answer.basis
    title = pick(lang, "晋衡年度预算", "jinheng calendar")
    book = Book(lang, title, mark_of(basis.problem), basis.problem.as_of)
    name = pick(lang, "应备", "Reserves")
    _front(book, answer, title, name, reserves)
    heads = pick(
        lang,
        "水平|各项分设 (元)|合并设立 (元)|节省 (元)",
        "level|one for each event (yuan)|one for all (yuan)|saved (yuan)",
    )
    levels = [p.level for p in answer.budget.pooling]
    tables: dict[str, Table] = {
        name: reserves,
        pick(lang, "预备金", "Contingency"): (heads.split("|"), _contingency(levels, name, reserves, lang)),
        pick(lang, "最迟购买日", "Latest dates"): _latest(answer.budget.commitments, lang),
    }
    table_sheets(book, tables | basis_sheet(basis, lang))
    return book.bytes()


def _front(book: Book, answer: CalendarAnswer, title: str, name: str, reserves: Table) -> None:
    """What the budget rests on; what to set aside by fiscal year, and what that is beyond the plan."""
    basis, budget = answer.basis, answer.question.budget_fen
    drawn = book.pick(f"{basis.draws} 次, 种子 {basis.seed}", f"{basis.draws}, seed {basis.seed}")
    facts = [*problem_facts(basis.problem, book.lang), (book.pick("抽样", "draws"), drawn)]
    given = book.pick("未设总额", "no limit in all") if budget is None else grouped(yuan(budget))
    facts.append((book.pick("现有预算合计 (元)", "budgets given, in all (yuan)"), given))
    apart = book.pick(
        "各年分位数之和一般不等于合计的分位数。", "Quantiles do not add up: the years' are not those of the sum."
    )
    sheet, row = front_sheet(book, title, [*facts, (book.pick("注意", "note"), apart)])
    heads, rows = reserves
    every = [
        (n, r) for n, (r, one) in enumerate(zip(rows, answer.budget.reserves, strict=True), 2) if one.event_id is None
    ]
    beyond = book.pick("P95 超出方案 (元)", "P95 beyond the plan (yuan)")
    top, p95 = row + 2, letter(1 + len(QUANTILES))
    cells = [
        [
            r[1],
            *(Live(f"='{name}'!{letter(k)}{n}", Decimal(str(r[k]))) for k in range(2, len(heads))),
            Live(f"={p95}{at}-B{at}", Decimal(str(r[2 + len(QUANTILES)])) - Decimal(str(r[2]))),
        ]
        for at, (n, r) in enumerate(every, top)
    ]
    table_at(book, sheet, row, ([*heads[1:], beyond], cells))
    last = row + 1 + len(every)
    shown = book.pick("各财政年度应备 (元)", "What to set aside by fiscal year (yuan)")
    chart = book.chart("column", shown, book.pick("元", "yuan"))
    here = book.pick("摘要", "Summary")
    for k in range(1 + len(QUANTILES)):
        at = letter(1 + k)
        book.series(chart, here, f"$A${top}:$A${last}", f"${at}${top}:${at}${last}", f"${at}${row + 1}", k)
    sheet.insert_chart(last + 1, 0, chart, {"description": shown})


def _contingency(levels: Sequence[str], name: str, reserves: Table, lang: Language) -> list[list[Any]]:
    """Sums over the sheet of reserves: each event's level less its plan, against that of all together."""
    ever, (_, rows) = pick(lang, "合计", "in all"), reserves
    whole = next(n for n, r in enumerate(rows, 2) if r[1] == ever)
    own = [r for n, r in enumerate(rows, 2) if r[1] == ever and n != whole]
    years = f"'{name}'!$B$2:$B${len(rows) + 1}"
    found = []
    for at, level in enumerate(levels, 2):
        k = 3 + [*QUANTILES, "CVaR95"].index(level)

        def summed(column: int) -> str:
            there = letter(column)
            every = f"SUMIFS('{name}'!${there}$2:${there}${len(rows) + 1},{years},\"{ever}\")"
            return f"{every}-'{name}'!{there}{whole}"

        all_of = rows[whole - 2]
        separate = sum((Decimal(str(r[k])) - Decimal(str(r[2])) for r in own), Decimal(0))
        pooled = Decimal(str(all_of[k])) - Decimal(str(all_of[2]))
        apart = Live(f"={summed(k)}-({summed(2)})", separate)
        together = Live(f"='{name}'!{letter(k)}{whole}-'{name}'!C{whole}", pooled)
        found.append([level, apart, together, Live(f"=B{at}-C{at}", separate - pooled)])
    return found


def _reserves(reserves: Sequence[Reserve], lang: Language) -> Table:
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


def _latest(found: Sequence[Commitment], lang: Language) -> Table:
    heads = pick(
        lang,
        "活动|报价|购买量 (吨)|方案购买日|最迟|期限|由于",
        "event|offer|contracted (t)|planned on|latest|deadline|because",
    )
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
