"""A plan as a workbook whose sums can be followed: live formulas with their values beside them, and cells that check.

Sheets: summary, lines, payments, tiers, years, events, events' years, levels, offers. Text of files is written as text,
never as a formula; every formula carries its value, so that a reader without a calculation engine sees it. Changing a
quantity or a price turns the check cell of its row, of every sum above it and of the summary from 一致 to 不一致 (or
from "consistent" to "INCONSISTENT").
"""

from decimal import Decimal
from typing import Any

from api.reports.cells import GREEN, MASS, MONEY, PRICE, RED
from api.reports.purchase_sheets import (
    FIRST,
    ZERO,
    PlanBook,
    events_sheet,
    lines_sheet,
    payments_sheet,
    rounded,
    slack_t,
    slack_yuan,
    tiers_sheet,
)
from api.reports.words import (
    OFFER_STATES,
    OUTCOMES,
    PROOFS,
    all_in_price,
    event_names,
    grouped,
    level_name,
    offers_by_id,
    proof_summary,
    rule_name,
    unit_name,
    warnings_by_kind,
)
from api.reports.year_sheets import event_years_sheet, whole_budget, years_sheet
from optimizer.plan import Plan
from optimizer.wording import INSTRUMENT_NAMES, Language

ACROSS = 104
"""Characters of a line of the summary's facts."""


def workbook(plan: Plan, lang: Language) -> bytes:
    """The workbook of a plan, as bytes."""
    book = PlanBook(plan, lang)
    summary = book.sheet(book.name("summary"), [30, 24, 22, 18, 16, 16])
    for part in (lines_sheet, payments_sheet, tiers_sheet, years_sheet, events_sheet, event_years_sheet):
        part(book)
    _levels(book)
    _offers(book)
    _summary(book, summary)
    return book.bytes()


# ------------------------------------------------------------------------------------------------------------ summary


def _summary(book: PlanBook, sheet: Any) -> None:
    plan, names = book.plan, event_names(book.plan)
    title = "; ".join(names[e.id] for e in plan.events[:3]) + (" ..." if len(plan.events) > 3 else "")
    book.text(sheet, 0, 0, book.pick("晋衡采购方案", "jinheng purchase plan"), bold=True, font_size=14)
    book.text(sheet, 1, 0, title, bold=True)
    sheet.set_row(0, 22)
    heads = book.pick("结果|由各行算出|方案所载", "result|from the lines|in the plan").split("|")
    book.head_row(sheet, 3, heads)
    _results(book, sheet)
    book.text(sheet, 11, 0, book.pick("核对: 各表与方案", "check: sheets and plan"), bold=True)
    book.check(sheet, 11, 1, _agrees(book))
    note = book.pick(
        "改动任一数量、单价或费用, 相应各行、合计与本格即变。",
        "Change a quantity, price or fee: its row, its sums and this turn.",
    )
    book.text(sheet, 11, 2, note, font_color="#666666")
    row = _validity(book, sheet, 13)
    _facts(book, sheet, row)
    sheet.freeze_panes(4, 0)
    sheet.repeat_rows(0, 3)


def _results(book: PlanBook, sheet: Any) -> None:
    """Rows 5 to 11: what the lines give, and what the plan says."""
    plan, sums, totals = book.plan, book.sums, book.plan.totals
    unit_t, unit_yuan = f'{MASS}" {book.pick("吨", "t")}"', f'{MONEY}" {book.pick("元", "yuan")}"'
    per_t = f'{MONEY}" {book.pick("元/吨", "yuan/t")}"'
    end = FIRST + len(plan.events) + 1
    events = f"'{book.name('events')}'!"
    short = sum((sums.short(e.id) for e in plan.events), ZERO)
    needed = sum((Decimal(e.required_t) for e in plan.events), ZERO)
    rows = (
        (book.pick("需抵销", "needed"), f"{events}D{end}", needed, totals.required_t, unit_t),
        (book.pick("覆盖", "covered"), f"{events}E{end}", sums.tonnes(), totals.covered_t, unit_t),
        (book.pick("缺口", "short"), f"{events}F{end}", short, totals.shortfall_t, unit_t),
        (book.pick("成本", "cost"), _year_total(book), sums.spent(), totals.cost, unit_yuan),
    )
    for row, (head, place, value, planned, shape) in enumerate(rows, 4):
        book.text(sheet, row, 0, head)
        book.formula(sheet, row, 1, f"={place}", value, shape)
        book.number(sheet, row, 2, planned, shape)
    book.text(sheet, 8, 0, book.pick("平均", "average"))
    if totals.average_price is not None:
        book.formula(sheet, 8, 1, "=IF(B6=0,0,ROUND(B8/B6,2))", rounded(sums.spent() / sums.tonnes()), per_t)
        book.number(sheet, 8, 2, totals.average_price, per_t)
    budget = whole_budget(plan)
    book.text(sheet, 9, 0, book.pick("预算", "budget"))
    book.text(sheet, 10, 0, book.pick("余额", "left"))
    if budget is None:
        book.text(sheet, 9, 1, book.pick("未设总额", "no limit in all"))
        return
    book.formula(sheet, 9, 1, f"={_year_total(book, 'D')}", budget, unit_yuan)
    book.formula(sheet, 10, 1, "=B10-B8", budget - sums.spent(), unit_yuan)


def _year_total(book: PlanBook, column: str = "B") -> str:
    years = len({one.year for one in book.plan.fiscal_years})
    return f"'{book.name('years')}'!{column}{FIRST + years + 1}"


def _agrees(book: PlanBook) -> str:
    """The condition under which the sheets still say what the plan says: no check has turned; all summed anew."""
    plan = book.plan
    slack = slack_yuan(len(book.sums.paid))
    parts = [f"ABS(B8-C8)<{slack}", f"ABS(B6-C6)<{slack_t(len(plan.lines))}", *book.checked]
    if plan.lines and offers_by_id(plan):
        unit = f"{book.bought('F')}*(1+{book.bought('G')})+{book.bought('H')}"
        parts.append(f"ABS(SUMPRODUCT({book.bought('D')},{unit})+SUM({book.bought('I')})-C8)<{slack}")
    return f"AND({','.join(parts)})"


def _validity(book: PlanBook, sheet: Any, row: int) -> int:
    """Whether the plan may still be acted on, and whether it can be made again; returns the next row."""
    plan, pick = book.plan, book.pick
    book.text(sheet, row, 0, pick("结论", "status"))
    covered = OUTCOMES[plan.status].say(book.lang)
    book.text(sheet, row, 1, covered, bold=True, font_color=GREEN if plan.status == "covered" else RED)
    book.text(sheet, row + 1, 0, pick("计划日期", "as of"))
    book.day(sheet, row + 1, 1, plan.as_of, "left")
    book.text(sheet, row + 2, 0, pick("报价有效至", "prices valid until"))
    if plan.valid_until is None:
        book.text(sheet, row + 2, 1, pick("报价未写有效期", "no offer names a day"))
    else:
        book.day(sheet, row + 2, 1, plan.valid_until, "left")
        good, over = pick("有效", "valid"), pick("已过期, 请重新询价", "EXPIRED: ask for prices again")
        # The one formula whose value depends on the day: until it is calculated, the cell repeats the date.
        until = pick(f"至 {plan.valid_until}", f"until {plan.valid_until}")
        book.verdict(sheet, row + 2, 2, f"TODAY()<=B{row + 3}", good, over, until)
    book.text(sheet, row + 3, 0, pick("可复现", "reproducible"))
    if plan.reproducible:
        book.text(sheet, row + 3, 1, pick("是", "yes"))
    else:
        cut = pick("否: 因限时中断, 重算可能得到另一方案", "NO: cut by the time limit; made again it may differ")
        book.text(sheet, row + 3, 1, cut, bold=True, font_color=RED)
    return row + 4


def _facts(book: PlanBook, sheet: Any, row: int) -> None:
    plan, pick = book.plan, book.pick
    price = plan.price_of_order
    facts = [
        (pick("证明", "proof"), proof_summary(plan, book.lang)),
        (pick("推荐顺序的代价 (元)", "price of the order (yuan)"), "-" if price is None else grouped(price["value"])),
        (pick("规则包", "rule pack"), f"{plan.policy.id} v{plan.policy.version}"),
        (pick("方案编号 plan_id", "plan_id"), plan.plan_id),
        (pick("活动哈希", "events sha256"), plan.provenance["events_sha256"]),
        (pick("报价哈希", "offers sha256"), plan.provenance["offers_sha256"]),
        (pick("规则包哈希", "rule pack sha256"), plan.policy.sha256),
        (pick("版本", "versions"), f"jinheng {plan.provenance['engine']}, HiGHS {plan.provenance['highs']}"),
    ]
    facts += [(pick("补救", "repair"), _repair(book, change)) for change in plan.repairs]
    for message, place, n in warnings_by_kind(plan):
        more = f" x {n}" if n > 1 else f" ({place})" if place else ""
        facts.append((pick("注意", "note"), message + more))
    for at, (head, value) in enumerate(facts, row):
        book.text(sheet, at, 0, head)
        book.prose(sheet, at, value, ACROSS)


def _repair(book: PlanBook, change: dict[str, Any]) -> str:
    short = f"{book.pick('剩余缺口 (吨)', 'still short (t)')} {grouped(change['shortfall_t'])}"
    extra = grouped(change["extra_budget"]) if "extra_budget" in change else ""
    return f"{change['change']}: {short}" + (f"; {book.pick('追加 (元)', 'extra (yuan)')} {extra}" if extra else "")


# --------------------------------------------------------------------------------------------------- levels and offers


def _levels(book: PlanBook) -> None:
    plan = book.plan
    sheet = book.opened(
        "levels", [40, 18, 18, 18, 24, 12], "目标|值|下界|差距|单位|证明", "goal|value|bound|gap|unit|proof"
    )
    row = 0
    for row, level in enumerate(plan.levels, 1):
        shape = MONEY if level.unit == "yuan" else MASS
        book.text(sheet, row, 0, level_name(level.name, book.lang))
        book.number(sheet, row, 1, level.value, shape)
        book.number(sheet, row, 2, level.bound, shape)
        book.formula(sheet, row, 3, f"=B{row + 1}-C{row + 1}", Decimal(level.value) - Decimal(level.bound), shape)
        book.text(sheet, row, 4, book.pick("元", "yuan") if level.unit == "yuan" else unit_name(level.unit, book.lang))
        book.text(sheet, row, 5, PROOFS[level.proof].say(book.lang))
    row += 2
    heads = book.pick("规则|多一单位改变|||单位|差 (吨)", "rule|one more changes|||unit|missed (t)")
    book.head_row(sheet, row, heads.split("|"))
    for rule in plan.rules:
        row += 1
        owner = f" ({rule.event_id})" if rule.event_id else ""
        book.text(sheet, row, 0, rule_name(rule.rule, book.lang) + owner)
        book.number(sheet, row, 1, rule.marginal, PRICE)
        book.text(sheet, row, 4, unit_name(rule.unit, book.lang))
        book.number(sheet, row, 5, rule.missed_t, MASS)


def _offers(book: PlanBook) -> None:
    plan = book.plan
    sheet = book.opened(
        "offers",
        [24, 24, 11, 22, 15, 14, 14, 60, 44],
        "报价|活动|去向|品种|可售 (吨)|全包价 (元/吨)|保本价 (元/吨)|理由|依据",
        "offer|event|state|instrument|for sale (t)|all-in (yuan/t)|break-even|reasons|clauses",
    )
    offers = offers_by_id(plan)
    for row, state in enumerate(plan.offers, 1):
        offer = offers.get(state.offer_id)
        book.text(sheet, row, 0, state.offer_id)
        book.text(sheet, row, 1, state.event_id)
        book.text(sheet, row, 2, OFFER_STATES[state.state].say(book.lang))
        if offer is not None:
            book.text(sheet, row, 3, INSTRUMENT_NAMES[str(offer["instrument"])].say(book.lang))
            book.number(sheet, row, 4, str(offer["quantity"]), MASS)
            book.number(sheet, row, 5, str(all_in_price(offer)), MONEY)
        book.number(sheet, row, 6, state.break_even, MONEY)
        book.text(sheet, row, 7, "; ".join(r.message for r in state.reasons), text_wrap=True)
        book.text(sheet, row, 8, "; ".join(dict.fromkeys(r.clause for r in state.reasons)), text_wrap=True)
    sheet.autofilter(0, 0, max(len(plan.offers), 1), 8)
