"""Sheets of a plan's fiscal years: what is paid against what there is, for all events and for each."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from api.reports.cells import MONEY
from api.reports.purchase_sheets import FIRST, ZERO, PlanBook, slack_yuan, total_budget
from optimizer.plan import FiscalYear, Json, Plan


def years_sheet(book: PlanBook) -> None:
    """Each fiscal year's payments against its budget, the sum of all, and a chart of both."""
    plan, sums = book.plan, book.sums
    sheet = book.opened(
        "years",
        [12, 18, 18, 18, 18, 18, 14, 13],
        "财政年度|支出 (元)|方案支出 (元)|预算 (元)|上年结转 (元)|余额 (元)|预算|核对",
        "fiscal year|spent (yuan)|spent in plan (yuan)|budget (yuan)|carried in (yuan)|left (yuan)|budget kept|check",
    )
    years = sorted({one.year for one in plan.fiscal_years})
    budgets = [budget_of_year(book, year) for year in years]
    owner = "0" if _shared(plan) else '">0"'
    for row, (year, budget) in enumerate(zip(years, budgets, strict=True), FIRST):
        n = row + 1
        book.count(sheet, row, 0, year)
        book.formula(sheet, row, 1, f"=SUMIFS({book.paid('G')},{book.paid('F')},A{n})", sums.spent(year), MONEY)
        book.number(sheet, row, 2, str(sums.planned(year)), MONEY)
        if budget is not None:
            money, carried = budget
            for column, letter_there, value in ((3, "F", money), (4, "G", carried)):
                formula = (
                    f"=SUMIFS({_entries(book, letter_there)},{_entries(book, 'A')},{owner},{_entries(book, 'C')},A{n})"
                )
                book.formula(sheet, row, column, formula, value, MONEY)
            book.formula(sheet, row, 5, f"=D{n}+E{n}-B{n}", money + carried - sums.spent(year), MONEY)
            _kept(book, sheet, row, 6, f"B{n}<=D{n}+E{n}+0.005", sums.spent(year) <= money + carried)
        parts = sum(p.year == year for p in sums.paid)
        book.check(sheet, row, 7, f"ABS(B{n}-C{n})<{slack_yuan(parts)}")
    _sum_of_years(book, sheet, len(years), [b for b in budgets if b is not None])
    book.watch("years", "H", len(years) + 1)
    _chart(book, sheet, len(years))


def _sum_of_years(book: PlanBook, sheet: Any, rows: int, budgets: Sequence[tuple[Decimal, Decimal]]) -> None:
    plan, sums, row = book.plan, book.sums, FIRST + rows
    n = row + 1
    book.totals(sheet, rows, 0, [(1, sums.spent(), MONEY)])
    book.number(sheet, row, 2, plan.totals.cost, MONEY, bold=True, top=1)
    whole = whole_budget(plan)
    if whole is not None:
        by_year = rows == len(budgets) and whole == sum((money for money, _ in budgets), ZERO)
        if by_year:
            book.formula(sheet, row, 3, f"=SUM(D{FIRST + 1}:D{row})", whole, MONEY, bold=True, top=1)
        else:
            book.number(sheet, row, 3, str(whole), MONEY, bold=True, top=1)
        book.formula(sheet, row, 5, f"=D{n}-B{n}", whole - sums.spent(), MONEY, bold=True, top=1)
        _kept(book, sheet, row, 6, f"B{n}<=D{n}+0.005", sums.spent() <= whole)
    book.check(sheet, row, 7, f"ABS(B{n}-C{n})<{slack_yuan(len(sums.paid))}")


def _kept(book: PlanBook, sheet: Any, row: int, column: int, condition: str, holds: bool) -> None:
    inside, over = book.pick("在预算内", "kept"), book.pick("超预算", "EXCEEDED")
    book.verdict(sheet, row, column, condition, inside, over, inside if holds else over)


def _chart(book: PlanBook, sheet: Any, rows: int) -> None:
    """Years and their sum; budgets beside them where there are any."""
    last = FIRST + rows + 1
    title = book.pick("各财政年度支出与预算 (元)", "Spending and budget by fiscal year (yuan)")
    chart = book.chart("column", title, book.pick("元", "yuan"))
    name, names = book.name("years"), f"$A$2:$A${last}"
    book.series(chart, name, names, f"$B$2:$B${last}", "$B$1", 0)
    if whole_budget(book.plan) is not None:
        book.series(chart, name, names, f"$D$2:$D${last}", "$D$1", 1)
    else:
        chart.set_legend({"none": True})
    sheet.insert_chart(last + 1, 0, chart, {"description": book.pick("支出与预算", "spending and budget")})


def _entries(book: PlanBook, column: str) -> str:
    return book.column("event_years", column, len(book.plan.fiscal_years))


def _shared(plan: Plan) -> bool:
    return any(one.event_id is None for one in plan.fiscal_years)


def budget_of_year(book: PlanBook, year: int) -> tuple[Decimal, Decimal] | None:
    """A year's budget and what is carried into it: the shared one, or all events' where each has one."""
    plan = book.plan
    own = [one for one in plan.fiscal_years if (one.event_id is None) == _shared(plan)]
    entries = [one for one in own if one.year == year]
    if not entries or any(one.budget is None for one in entries):
        return None
    return sum((Decimal(str(x.budget)) for x in entries), ZERO), sum((carried_in(book, x) for x in entries), ZERO)


def carried_in(book: PlanBook, one: FiscalYear) -> Decimal:
    """What the year before left, as the sheet adds it up: of payments to the fen, each rounded."""
    earlier = [x for x in book.plan.fiscal_years if x.event_id == one.event_id and x.year < one.year]
    return _carried_on(book, earlier[-1]) if earlier else ZERO


def _carried_on(book: PlanBook, one: FiscalYear) -> Decimal:
    """What a year leaves to the next."""
    return max(ZERO, _left(book, one)) if _carries(book.plan, one) else Decimal(one.carried)


def _left(book: PlanBook, one: FiscalYear) -> Decimal:
    own = None if one.event_id is None else book.sums.numbers[one.event_id]
    return Decimal(str(one.budget)) + carried_in(book, one) - book.sums.spent(one.year, own)


def whole_budget(plan: Plan) -> Decimal | None:
    """What may be spent in all; None where some event has no limit."""
    calendar = plan.problem["calendar"]
    shared = total_budget(calendar.get("budget"))
    own = [total_budget(event.get("budget")) for event in calendar["events"]]
    summed = None if any(x is None for x in own) else sum((x for x in own if x is not None), ZERO)
    known = [x for x in (shared, summed) if x is not None]
    return min(known) if known else None


# -------------------------------------------------------------------------------------------------- events and years


def event_years_sheet(book: PlanBook) -> None:
    """Each event's fiscal years; number 0 is the budget that all share."""
    plan, sums = book.plan, book.sums
    sheet = book.opened(
        "event_years",
        [8, 28, 10, 18, 18, 18, 18, 18, 18, 13],
        "活动序号|活动|财政年度|支出 (元)|方案支出 (元)|预算 (元)|上年结转 (元)|余额 (元)|结转下年 (元)|核对",
        "event no.|event|fiscal year|spent (yuan)|spent in plan (yuan)|budget (yuan)|carried in (yuan)|left (yuan)|"
        "carried on (yuan)|check",
    )
    before: FiscalYear | None = None
    for row, one in enumerate(plan.fiscal_years, FIRST):
        n, number = row + 1, 0 if one.event_id is None else sums.numbers[one.event_id]
        own = None if one.event_id is None else number
        spent = sums.spent(one.year, own)
        book.count(sheet, row, 0, number)
        book.text(sheet, row, 1, one.event_id or book.pick("共用预算", "shared budget"))
        book.count(sheet, row, 2, one.year)
        event = "" if own is None else f"{book.paid('B')},A{n},"
        book.formula(sheet, row, 3, f"=SUMIFS({book.paid('G')},{event}{book.paid('F')},C{n})", spent, MONEY)
        book.number(sheet, row, 4, one.spent, MONEY)
        if one.budget is not None:
            _budget(book, sheet, row, one, goes_on=before is not None and before.event_id == one.event_id)
        parts = sum(p.year == one.year and own in (None, p.event) for p in sums.paid)
        book.check(sheet, row, 9, f"ABS(D{n}-E{n})<{slack_yuan(parts)}")
        before = one
    sheet.autofilter(0, 0, max(len(plan.fiscal_years), 1), 9)
    book.watch("event_years", "J", len(plan.fiscal_years))


def _budget(book: PlanBook, sheet: Any, row: int, one: FiscalYear, *, goes_on: bool) -> None:
    n = row + 1
    book.number(sheet, row, 5, str(one.budget), MONEY)
    if goes_on:
        book.formula(sheet, row, 6, f"=I{n - 1}", carried_in(book, one), MONEY)
    else:
        book.number(sheet, row, 6, "0", MONEY)
    book.formula(sheet, row, 7, f"=F{n}+G{n}-D{n}", _left(book, one), MONEY)
    if _carries(book.plan, one):
        book.formula(sheet, row, 8, f"=MAX(0,H{n})", _carried_on(book, one), MONEY)
    else:
        book.number(sheet, row, 8, one.carried, MONEY)


def _carries(plan: Plan, one: FiscalYear) -> bool:
    """Whether what this year leaves may be spent in the next."""
    calendar: Json = plan.problem["calendar"]
    own: Json = next((e for e in calendar["events"] if str(e["id"]) == one.event_id), {})
    budget = (calendar if one.event_id is None else own).get("budget") or {}
    listed = [int(year) for year in budget.get("by_fiscal_year") or {}]
    return bool(budget.get("carry_forward")) and one.year < max(listed, default=0)
