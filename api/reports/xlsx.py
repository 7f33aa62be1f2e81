"""A plan as a workbook whose sums can be followed: live formulas with their values beside them, and cells that check.

Sheets: summary, lines, tiers, years, levels, offers. Text of files is written as text, never as a formula; every
formula carries its value, so that a reader without a calculation engine sees it. Changing a quantity or a price turns
the check cell from 一致 to 不一致 (or from "consistent" to "INCONSISTENT").
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from api.reports.cells import MASS, MONEY, SHARE, Book
from api.reports.words import (
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
from optimizer.plan import Line, Plan
from optimizer.wording import INSTRUMENT_NAMES, Language, Text

STATES = {
    "used": Text("选用", "used"),
    "beaten": Text("落选", "beaten"),
    "left_out": Text("不合条件", "left out"),
}


def workbook(plan: Plan, lang: Language) -> bytes:
    """The workbook of a plan, as bytes."""
    book = Book(plan, lang)
    summary = book.sheet("summary", [30, 24, 16, 16, 16, 18])
    money = _lines(book)
    _tiers(book)
    _years(book)
    _levels(book)
    _offers(book)
    _summary(book, summary, money)
    book.file.close()
    return book.buffer.getvalue()


FIRST = 1
"""Row (from 0) of the first purchase on the sheet of lines."""


def _lines(book: Book) -> Decimal:
    """Purchases: quantity x (price x (1 + fee rate) + fee) + fixed fee, checked against the plan's own money.

    Returns the sum that the formulas give.
    """
    plan = book.plan
    sheet = book.sheet("lines", [20, 24, 6, 14, 14, 12, 9, 10, 11, 16, 16, 12, 12, 30, 12])
    book.heads(
        sheet,
        0,
        "活动|报价|层级|购买量 (吨)|计入量 (吨)|单价 (元/吨)|费率|每吨费用|固定费用|金额 (元)|"
        "方案金额 (元)|购买日|注销期限|登记机构|核对",
        "event|offer|tier|contracted (t)|effective (t)|yuan/t|fee rate|fee per t|fixed fee|cost (yuan)|"
        "cost in plan|buy on|cancel by|registry|check",
    )
    offers, money = offers_by_id(plan), Decimal(0)
    for row, line in enumerate(plan.lines, FIRST):
        money += _line(book, sheet, row, line, offers.get(line.offer_id))
    row, last = FIRST + len(plan.lines), FIRST + len(plan.lines)
    book.text(sheet, row, 1, book.pick("合计", "total"), bold=True, top=1)
    if plan.lines:
        sums = (
            (3, "D", sum(Decimal(x.contracted_t) for x in plan.lines), MASS),
            (4, "E", sum(Decimal(x.effective_t) for x in plan.lines), MASS),
            (9, "J", money, MONEY),
            (10, "K", Decimal(plan.totals.cost), MONEY),
        )
        for column, letter, value, shape in sums:
            formula = f"=SUM({letter}{FIRST + 1}:{letter}{last})"
            book.formula(sheet, row, column, formula, str(value), shape, bold=True, top=1)
        sheet.autofilter(0, 0, last - 1, 14)
    return money


def _line(book: Book, sheet: Any, row: int, line: Line, offer: dict[str, Any] | None) -> Decimal:
    n = row + 1
    book.text(sheet, row, 0, line.event_id)
    book.text(sheet, row, 1, line.offer_id + ("" if line.firm else book.pick(" (非确定报价)", " (indicative)")))
    book.number(sheet, row, 2, str(line.tier), "0")
    book.number(sheet, row, 3, line.contracted_t, MASS)
    if line.effective_t == line.contracted_t:
        book.formula(sheet, row, 4, f"=D{n}", line.effective_t, MASS)
    else:
        book.number(sheet, row, 4, line.effective_t, MASS)
    book.number(sheet, row, 5, line.unit_price, "#,##0.00####")
    book.number(sheet, row, 10, line.cost, MONEY)
    book.day(sheet, row, 11, line.purchase_date)
    book.day(sheet, row, 12, line.retire_by)
    book.text(sheet, row, 13, line.registry)
    if offer is None:
        book.formula(sheet, row, 9, f"=K{n}", line.cost, MONEY)
        book.text(sheet, row, 14, "-")
        return Decimal(line.cost)
    whole = bool(book.plan.provenance["settings"].get("whole_lots", True))
    rate, fee = str(offer.get("fee_rate", "0")), str(offer.get("unit_fee", "0"))
    fixed = str(offer.get("fixed_fee", "0")) if whole else "0"
    book.number(sheet, row, 6, rate, "0.00##%")
    book.number(sheet, row, 7, fee, MONEY)
    book.number(sheet, row, 8, fixed, MONEY)
    exact = Decimal(line.contracted_t) * (Decimal(line.unit_price) * (1 + Decimal(rate)) + Decimal(fee)) + Decimal(
        fixed
    )
    money = exact.quantize(Decimal("0.01"), ROUND_HALF_UP)
    book.formula(sheet, row, 9, f"=ROUND(D{n}*(F{n}*(1+G{n})+H{n})+I{n},2)", str(money), MONEY)
    book.check(sheet, row, 14, f"ABS(J{n}-K{n})<{_fen(len(line.payments))}")
    return money


def _fen(roundings: int) -> str:
    """What so many roundings to the fen can amount to, yuan; printed money is shared out so that it adds up."""
    return f"{0.01 * roundings + 0.005:.3f}"


def _summary(book: Book, sheet: Any, money: Decimal) -> None:
    plan, totals = book.plan, book.plan.totals
    names = event_names(plan)
    title = "; ".join(names[e.id] for e in plan.events[:3]) + (" ..." if len(plan.events) > 3 else "")
    covered = (
        book.pick("已全部覆盖", "covered in full") if plan.status == "covered" else book.pick("未能全部覆盖", "short")
    )
    book.text(sheet, 0, 0, book.pick("晋衡采购方案", "jinheng purchase plan"), bold=True, font_size=14)
    book.text(sheet, 1, 0, title, bold=True)
    book.text(sheet, 3, 0, book.pick("结果", "result"))
    book.text(sheet, 3, 1, covered, bold=True)
    rows = (
        (4, book.pick("需抵销 (吨)", "needed (t)"), totals.required_t, MASS),
        (5, book.pick("覆盖 (吨)", "covered (t)"), totals.covered_t, MASS),
        (6, book.pick("缺口 (吨)", "short (t)"), totals.shortfall_t, MASS),
        (9, book.pick("方案成本 (元)", "cost in plan (yuan)"), totals.cost, MONEY),
    )
    for row, head, value, shape in rows:
        book.text(sheet, row, 0, head)
        book.number(sheet, row, 1, value, shape)
    book.text(sheet, 7, 0, book.pick("成本, 由各行算出 (元)", "cost from the lines (yuan)"))
    book.text(sheet, 8, 0, book.pick("平均 (元/吨)", "average (yuan/t)"))
    book.text(sheet, 10, 0, book.pick("核对", "check"))
    if plan.lines:
        total = f"'{book.name('lines')}'!J{FIRST + len(plan.lines) + 1}"
        book.formula(sheet, 7, 1, f"={total}", str(money), MONEY)
        if totals.average_price is not None:
            average = (money / Decimal(totals.covered_t)).quantize(Decimal("0.01"), ROUND_HALF_UP)
            book.formula(sheet, 8, 1, "=ROUND(B8/B6,2)", str(average), MONEY)
    else:
        book.number(sheet, 7, 1, totals.cost, MONEY)
    book.check(sheet, 10, 1, _agrees(book))
    _facts(book, sheet, 12)


def _agrees(book: Book) -> str:
    """The condition under which the sheets still say what the plan says: money and tonnes, summed anew."""
    plan, name = book.plan, book.name("lines")
    if not plan.lines:
        return "ABS(B8-B10)<0.005"
    first, last = FIRST + 1, FIRST + len(plan.lines)
    column = {letter: f"'{name}'!{letter}{first}:{letter}{last}" for letter in "DEFGHI"}
    slack = _fen(sum(len(x.payments) for x in plan.lines))
    tonnes = f"ABS(SUM({column['E']})-B6)<{0.001 * (len(plan.lines) + 1):.3f}"
    parts = [f"ABS(B8-B10)<{slack}", tonnes]
    if offers_by_id(plan):
        unit = f"{column['F']}*(1+{column['G']})+{column['H']}"
        parts.append(f"ABS(SUMPRODUCT({column['D']},{unit})+SUM({column['I']})-B10)<{slack}")
    return f"AND({','.join(parts)})"


def _facts(book: Book, sheet: Any, row: int) -> None:
    plan, pick = book.plan, book.pick
    valid = pick("未写有效期", "none named") if plan.valid_until is None else str(plan.valid_until)
    price = plan.price_of_order
    facts = [
        (pick("计划日期", "as of"), str(plan.as_of)),
        (pick("报价有效至", "prices valid until"), valid),
        (pick("可复现", "reproducible"), pick("是", "yes") if plan.reproducible else pick("否", "no")),
        (pick("证明", "proof"), proof_summary(plan, book.lang)),
        (pick("推荐顺序的代价 (元)", "price of the order (yuan)"), "-" if price is None else grouped(price["value"])),
        (pick("规则包", "rule pack"), f"{plan.policy.id} v{plan.policy.version}"),
        ("plan_id", plan.plan_id),
        (pick("活动哈希", "events sha256"), plan.provenance["events_sha256"]),
        (pick("报价哈希", "offers sha256"), plan.provenance["offers_sha256"]),
        (pick("规则包哈希", "rule pack sha256"), plan.policy.sha256),
        (pick("版本", "versions"), f"jinheng {plan.provenance['engine']}, HiGHS {plan.provenance['highs']}"),
    ]
    facts += [(pick("补救", "repair"), _repair(book, change)) for change in plan.repairs]
    for message, place, n in warnings_by_kind(plan):
        more = f" x {n}" if n > 1 else f" ({place})" if place else ""
        facts.append((pick("注意", "note"), message + more))
    for head, value in facts:
        book.text(sheet, row, 0, head)
        book.text(sheet, row, 1, value)
        row += 1
    _events(book, sheet, row + 1)


def _repair(book: Book, change: dict[str, Any]) -> str:
    short = f"{book.pick('剩余缺口 (吨)', 'still short (t)')} {grouped(change['shortfall_t'])}"
    extra = grouped(change["extra_budget"]) if "extra_budget" in change else ""
    return f"{change['change']}: {short}" + (f"; {book.pick('追加 (元)', 'extra (yuan)')} {extra}" if extra else "")


def _events(book: Book, sheet: Any, row: int) -> None:
    heads = book.pick(
        "活动|编号|需 (吨)|覆盖 (吨)|缺口 (吨)|成本 (元)", "event|id|needed (t)|covered (t)|short (t)|cost (yuan)"
    )
    for k, head in enumerate(heads.split("|")):
        book.text(sheet, row, k, head, bold=True, bottom=1)
    names = event_names(book.plan)
    for n, event in enumerate(book.plan.events, row + 1):
        book.text(sheet, n, 0, names[event.id])
        book.text(sheet, n, 1, event.id)
        for k, value in enumerate((event.required_t, event.covered_t, event.shortfall_t)):
            book.number(sheet, n, 2 + k, value, MASS)
        book.number(sheet, n, 5, event.cost, MONEY)


def _tiers(book: Book) -> None:
    plan = book.plan
    sheet = book.sheet("tiers", [8, 40, 16, 12, 14, 18, 14])
    book.heads(
        sheet,
        0,
        "层级|名称|计入量 (吨)|占所需|占已覆盖|金额 (元)|核对",
        "tier|name|effective (t)|of need|of covered|cost (yuan)|check",
    )
    lines, last = book.name("lines"), FIRST + max(len(plan.lines), 1)
    for k, tier in enumerate(plan.tiers):
        row = 1 + k
        book.number(sheet, row, 0, str(tier.tier), "0")
        book.text(sheet, row, 1, tier.name)
        book.number(sheet, row, 2, tier.effective_t, MASS)
        book.number(sheet, row, 3, tier.share, SHARE)
        book.number(sheet, row, 4, tier.share_of_covered, SHARE)
        book.number(sheet, row, 5, tier.cost, MONEY)
        spent = f"SUMIF('{lines}'!C2:C{last},A{row + 1},'{lines}'!J2:J{last})"
        book.check(sheet, row, 6, f"ABS({spent}-F{row + 1})<0.005+0.01*COUNTIF('{lines}'!C2:C{last},A{row + 1})")


def _years(book: Book) -> None:
    plan = book.plan
    sheet = book.sheet("years", [28, 10, 18, 18, 18])
    book.heads(
        sheet,
        0,
        "活动|年度|支出 (元)|预算 (元)|结转 (元)",
        "event|year|spent (yuan)|budget (yuan)|carried (yuan)",
    )
    for k, one in enumerate(plan.fiscal_years):
        row = 1 + k
        book.text(sheet, row, 0, one.event_id or book.pick("共用预算", "shared budget"))
        book.number(sheet, row, 1, str(one.year), "0")
        book.number(sheet, row, 2, one.spent, MONEY)
        book.number(sheet, row, 3, one.budget, MONEY)
        book.number(sheet, row, 4, one.carried, MONEY)


def _levels(book: Book) -> None:
    plan = book.plan
    sheet = book.sheet("levels", [40, 18, 18, 18, 24, 12])
    book.heads(
        sheet,
        0,
        "目标|值|下界|差距|单位|证明",
        "goal|value|bound|gap|unit|proof",
    )
    row = 0
    for row, level in enumerate(plan.levels, 1):
        shape = MONEY if level.unit == "yuan" else MASS
        book.text(sheet, row, 0, level_name(level.name, book.lang))
        book.number(sheet, row, 1, level.value, shape)
        book.number(sheet, row, 2, level.bound, shape)
        book.formula(sheet, row, 3, f"=B{row + 1}-C{row + 1}", level.gap, shape)
        book.text(sheet, row, 4, book.pick("元", "yuan") if level.unit == "yuan" else unit_name(level.unit, book.lang))
        book.text(sheet, row, 5, PROOFS[level.proof].say(book.lang))
    row += 2
    for k, head in enumerate(
        book.pick("规则|多一单位改变|||单位|差 (吨)", "rule|one more changes|||unit|missed (t)").split("|")
    ):
        book.text(sheet, row, k, head, bold=True, bottom=1)
    for rule in plan.rules:
        row += 1
        owner = f" ({rule.event_id})" if rule.event_id else ""
        book.text(sheet, row, 0, rule_name(rule.rule, book.lang) + owner)
        book.number(sheet, row, 1, rule.marginal, "#,##0.00####")
        book.text(sheet, row, 4, unit_name(rule.unit, book.lang))
        book.number(sheet, row, 5, rule.missed_t, MASS)


def _offers(book: Book) -> None:
    plan = book.plan
    sheet = book.sheet("offers", [22, 20, 12, 14, 14, 14, 14, 60, 40])
    book.heads(
        sheet,
        0,
        "报价|活动|去向|工具|可售 (吨)|全包价 (元/吨)|保本价 (元/吨)|理由|依据",
        "offer|event|state|instrument|for sale (t)|all-in (yuan/t)|break-even|reasons|clauses",
    )
    offers = offers_by_id(plan)
    for row, state in enumerate(plan.offers, 1):
        offer = offers.get(state.offer_id)
        book.text(sheet, row, 0, state.offer_id)
        book.text(sheet, row, 1, state.event_id)
        book.text(sheet, row, 2, STATES[state.state].say(book.lang))
        if offer is not None:
            book.text(sheet, row, 3, INSTRUMENT_NAMES[str(offer["instrument"])].say(book.lang))
            book.number(sheet, row, 4, str(offer["quantity"]), MASS)
            book.number(sheet, row, 5, str(all_in_price(offer)), MONEY)
        book.number(sheet, row, 6, state.break_even, MONEY)
        book.text(sheet, row, 7, "; ".join(r.message for r in state.reasons))
        book.text(sheet, row, 8, "; ".join(dict.fromkeys(r.clause for r in state.reasons)))
    sheet.autofilter(0, 0, max(len(plan.offers), 1), 8)
