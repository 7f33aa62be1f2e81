"""Sheets of a plan's money: every purchase, what is paid when, and their sums by tier, fiscal year and event.

Each number follows from the one before by a live formula: quantity x price -> line -> payment -> year -> total. Sums
look lines up by tier, by year and by an event's number (an event's name could read as a condition of SUMIFS).
"""

from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from api.reports.cells import MASS, MONEY, PRICE, SHARE, Book, fitting, letter
from api.reports.words import event_names, offers_by_id
from optimizer.plan import Line, Plan
from optimizer.wording import Text

SHEETS = {
    "summary": Text("摘要", "Summary"),
    "lines": Text("采购", "Lines"),
    "payments": Text("付款", "Payments"),
    "tiers": Text("层级", "Tiers"),
    "years": Text("年度", "Years"),
    "events": Text("活动", "Events"),
    "event_years": Text("活动年度", "Event years"),
    "levels": Text("证明", "Levels"),
    "offers": Text("报价", "Offers"),
}
FIRST = 1
"""Row (from 0) of the first entry of every sheet."""
FEN = Decimal("0.01")
ZERO = Decimal(0)


class Paid(NamedTuple):
    """One payment: the row of its line (from 0), its year, what the plan says and what the formulas give, yuan."""

    line: int
    event: int
    year: int
    planned: Decimal
    amount: Decimal


class Sums:
    """What the formulas give, worked out beside them in decimals, so that every formula carries its value."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.numbers = {event.id: k for k, event in enumerate(plan.events, 1)}
        self.offers = offers_by_id(plan)
        self.whole_lots = bool(plan.provenance["settings"].get("whole_lots", True))
        self.cost = [self._cost(line) for line in plan.lines]
        self.paid = [
            Paid(k, self.numbers[line.event_id], p.date.year, Decimal(p.amount), self._paid(k, Decimal(p.amount)))
            for k, line in enumerate(plan.lines)
            for p in line.payments
        ]

    def fixed_fee(self, offer: dict[str, Any]) -> str:
        """Paid once a line, where lots are whole."""
        return str(offer.get("fixed_fee", "0")) if self.whole_lots else "0"

    def _cost(self, line: Line) -> Decimal:
        offer = self.offers.get(line.offer_id)
        if offer is None:
            return Decimal(line.cost)
        rate, fee = Decimal(str(offer.get("fee_rate", "0"))), Decimal(str(offer.get("unit_fee", "0")))
        unit = Decimal(line.unit_price) * (1 + rate) + fee
        return rounded(Decimal(line.contracted_t) * unit + Decimal(self.fixed_fee(offer)))

    def _paid(self, line: int, planned: Decimal) -> Decimal:
        """A line's cost as its formula has it, in the plan's proportions."""
        one = self.plan.lines[line]
        whole = Decimal(one.cost)
        if len(one.payments) == 1:
            return self.cost[line]
        return rounded(self.cost[line] * planned / whole) if whole else planned

    def tonnes(self, tier: int | None = None, event: str | None = None) -> Decimal:
        """Effective tonnes in a tier (None: all) for an event (None: all)."""
        found = (x for x in self.plan.lines if tier in (None, x.tier) and event in (None, x.event_id))
        return sum((Decimal(x.effective_t) for x in found), ZERO)

    def yuan(self, tier: int | None = None, event: str | None = None) -> Decimal:
        """Cost in a tier for an event."""
        priced = zip(self.cost, self.plan.lines, strict=True)
        return sum((c for c, x in priced if tier in (None, x.tier) and event in (None, x.event_id)), ZERO)

    def spent(self, year: int | None = None, event: int | None = None) -> Decimal:
        """What is paid in a year (None: ever) for an event (None: all)."""
        return sum((p.amount for p in self._of(year, event)), ZERO)

    def planned(self, year: int | None = None, event: int | None = None) -> Decimal:
        """The same, as the plan says it."""
        return sum((p.planned for p in self._of(year, event)), ZERO)

    def _of(self, year: int | None, event: int | None) -> list[Paid]:
        return [p for p in self.paid if year in (None, p.year) and event in (None, p.event)]

    def short(self, event: str) -> Decimal:
        """What an event lacks by its lines."""
        needed = next(Decimal(e.required_t) for e in self.plan.events if e.id == event)
        return max(ZERO, needed - self.tonnes(event=event))


def rounded(yuan: Decimal) -> Decimal:
    """To the fen, as ROUND does."""
    return yuan.quantize(FEN, ROUND_HALF_UP)


def slack_yuan(roundings: int) -> str:
    """What so many roundings to the fen can amount to, yuan; printed money is shared out so that it adds up."""
    return f"{0.01 * roundings + 0.005:.3f}"


def slack_t(roundings: int) -> str:
    """What so many roundings to the kg can amount to, t."""
    return f"{0.001 * roundings + 0.0005:.4f}"


class PlanBook(Book):
    """The workbook of a plan: its sums, and the places that its check cells look at."""

    def __init__(self, plan: Plan, lang: Any) -> None:
        super().__init__(lang, f"jinheng {plan.plan_id[:12]}", f"plan_id {plan.plan_id}", plan.as_of)
        self.plan, self.sums = plan, Sums(plan)
        self.checked: list[str] = []
        """Conditions on the check cells of the sheets: none of them has turned."""

    def name(self, key: str) -> str:
        """A sheet's name."""
        return SHEETS[key].say(self.lang)

    def opened(self, key: str, widths: Sequence[float], zh: str, en: str) -> Any:
        """A sheet with its headings, parted by "|"."""
        sheet = self.sheet(self.name(key), widths)
        self.heads(sheet, 0, self.pick(zh, en).split("|"))
        return sheet

    def column(self, key: str, column: str, rows: int) -> str:
        """All entries of a column of a sheet, held still."""
        return f"'{self.name(key)}'!${column}${FIRST + 1}:${column}${FIRST + max(rows, 1)}"

    def bought(self, column: str) -> str:
        """A column of the purchases."""
        return self.column("lines", column, len(self.plan.lines))

    def paid(self, column: str) -> str:
        """A column of the payments."""
        return self.column("payments", column, len(self.sums.paid))

    def watch(self, key: str, column: str, rows: int) -> None:
        """The plan's check cell looks at the checks of this column."""
        if rows:
            self.checked.append(f'COUNTIF({self.column(key, column, rows)},"{self.differs}")=0')

    def totals(self, sheet: Any, rows: int, label: int, sums: Sequence[tuple[int, Decimal, str]]) -> None:
        """The row of sums below `rows` entries: (column, value, shape)."""
        row = FIRST + rows
        self.text(sheet, row, label, self.pick("合计", "total"), bold=True, top=1)
        for column, value, shape in sums:
            at = letter(column)
            formula = f"=SUM({at}{FIRST + 1}:{at}{row})"
            self.formula(sheet, row, column, formula, value, shape, bold=True, top=1)


# --------------------------------------------------------------------------------------------------- lines and payments


def lines_sheet(book: PlanBook) -> None:
    """Purchases: quantity x (price x (1 + fee rate) + fee) + fixed fee, checked against the plan's own money."""
    plan, sums = book.plan, book.sums
    named = fitting(["", "", ""], [(x.event_id, x.offer_id, x.registry) for x in plan.lines])
    sheet = book.opened(
        "lines",
        [*named[:2], 6, 12, 12, 10, 8, 9, 9, 14, 14, 11, 11, named[2], 14, 6],
        "活动|报价|层级|购买量 (吨)|计入量 (吨)|单价 (元/吨)|费率|每吨费用 (元)|固定费用 (元)|金额 (元)|"
        "方案金额 (元)|购买日|注销期限|登记机构|核对|活动序号",
        "event|offer|tier|contracted (t)|effective (t)|price (yuan/t)|fee rate|fee (yuan/t)|fixed fee (yuan)|"
        "cost (yuan)|cost in plan (yuan)|buy on|cancel by|registry|check|event no.",
    )
    for k, line in enumerate(plan.lines):
        _line(book, sheet, k, line)
    if plan.lines:
        contracted = sum((Decimal(x.contracted_t) for x in plan.lines), ZERO)
        totals = [(3, contracted, MASS), (4, sums.tonnes(), MASS), (9, sums.yuan(), MONEY)]
        planned = sum((Decimal(x.cost) for x in plan.lines), ZERO)
        book.totals(sheet, len(plan.lines), 1, [*totals, (10, planned, MONEY)])
        sheet.autofilter(0, 0, len(plan.lines), 15)
    book.watch("lines", "O", len(plan.lines))


def _line(book: PlanBook, sheet: Any, k: int, line: Line) -> None:
    sums, row, n = book.sums, FIRST + k, FIRST + k + 1
    offer = sums.offers.get(line.offer_id)
    book.text(sheet, row, 0, line.event_id)
    book.text(sheet, row, 1, line.offer_id + ("" if line.firm else book.pick(" (非确定报价)", " (indicative)")))
    book.count(sheet, row, 2, line.tier)
    book.number(sheet, row, 3, line.contracted_t, MASS)
    if line.effective_t == line.contracted_t:
        book.formula(sheet, row, 4, f"=D{n}", Decimal(line.effective_t), MASS)
    else:
        book.number(sheet, row, 4, line.effective_t, MASS)
    book.number(sheet, row, 5, line.unit_price, PRICE)
    book.number(sheet, row, 10, line.cost, MONEY)
    book.day(sheet, row, 11, line.purchase_date)
    book.day(sheet, row, 12, line.retire_by)
    book.text(sheet, row, 13, line.registry)
    book.count(sheet, row, 15, sums.numbers[line.event_id])
    if offer is None:
        book.formula(sheet, row, 9, f"=K{n}", Decimal(line.cost), MONEY)
        book.text(sheet, row, 14, "-")
        return
    book.number(sheet, row, 6, str(offer.get("fee_rate", "0")), "0.00##%")
    book.number(sheet, row, 7, str(offer.get("unit_fee", "0")), MONEY)
    book.number(sheet, row, 8, sums.fixed_fee(offer), MONEY)
    book.formula(sheet, row, 9, f"=ROUND(D{n}*(F{n}*(1+G{n})+H{n})+I{n},2)", sums.cost[k], MONEY)
    book.check(sheet, row, 14, f"ABS(J{n}-K{n})<{slack_yuan(len(line.payments))}")


def payments_sheet(book: PlanBook) -> None:
    """What is paid when: a line's cost, in the parts in which the plan pays it."""
    plan, sums = book.plan, book.sums
    sheet = book.opened(
        "payments",
        [8, 8, 24, 24, 12, 8, 18, 18, 13],
        "采购行|活动序号|活动|报价|付款日|财政年度|付款 (元)|方案付款 (元)|核对",
        "row of line|event no.|event|offer|paid on|fiscal year|paid (yuan)|paid in plan (yuan)|check",
    )
    days = [p.date for line in plan.lines for p in line.payments]
    lines = f"'{book.name('lines')}'!"
    for row, (paid, day) in enumerate(zip(sums.paid, days, strict=True), FIRST):
        n, line, own = row + 1, plan.lines[paid.line], FIRST + paid.line + 1
        book.count(sheet, row, 0, own)
        book.formula(sheet, row, 1, f"={lines}P{own}", Decimal(paid.event), "0", align="center")
        book.text(sheet, row, 2, line.event_id)
        book.text(sheet, row, 3, line.offer_id)
        book.day(sheet, row, 4, day)
        book.formula(sheet, row, 5, f"=YEAR(E{n})", Decimal(paid.year), "0", align="center")
        whole = f"{lines}J{own}"
        if len(line.payments) == 1:
            book.formula(sheet, row, 6, f"={whole}", paid.amount, MONEY)
        elif Decimal(line.cost):
            book.formula(sheet, row, 6, f"=ROUND({whole}*H{n}/{lines}K{own},2)", paid.amount, MONEY)
        else:
            book.number(sheet, row, 6, str(paid.planned), MONEY)
        book.number(sheet, row, 7, str(paid.planned), MONEY)
        book.check(sheet, row, 8, f"ABS(G{n}-H{n})<{slack_yuan(1)}")
    if sums.paid:
        book.totals(sheet, len(sums.paid), 3, [(6, sums.spent(), MONEY), (7, sums.planned(), MONEY)])
        sheet.autofilter(0, 0, len(sums.paid), 8)
    book.watch("payments", "I", len(sums.paid))


# -------------------------------------------------------------------------------------------------------------- tiers


def tiers_sheet(book: PlanBook) -> None:
    """Tonnes and money by tier, summed over the lines, and a chart of the tonnes."""
    plan, sums = book.plan, book.sums
    sheet = book.opened(
        "tiers",
        [7, 36, 16, 10, 11, 18, 16, 18, 14, 44 if any(t.note for t in plan.tiers) else 9],
        "层级|名称|计入量 (吨)|占所需|占已覆盖|金额 (元)|方案计入量 (吨)|方案金额 (元)|核对|说明",
        "tier|name|effective (t)|of need|of covered|cost (yuan)|effective in plan (t)|cost in plan (yuan)|check|note",
    )
    need = f"'{book.name('summary')}'!$B$5"
    needed, covered, end = (
        sum((Decimal(e.required_t) for e in plan.events), ZERO),
        sums.tonnes(),
        FIRST + len(plan.tiers),
    )
    for row, tier in enumerate(plan.tiers, FIRST):
        n = row + 1
        own, yuan = sums.tonnes(tier.tier), sums.yuan(tier.tier)
        count = sum(len(x.payments) for x in plan.lines if x.tier == tier.tier)
        book.count(sheet, row, 0, tier.tier)
        book.text(sheet, row, 1, tier.name, text_wrap=True)
        book.formula(sheet, row, 2, f"=SUMIFS({book.bought('E')},{book.bought('C')},A{n})", own, MASS)
        for column, whole, of in ((3, need, needed), (4, f"C${end + 1}", covered)):
            formula = f"=IF({whole}=0,0,ROUNDDOWN(C{n}/{whole},4))"
            book.formula(sheet, row, column, formula, _share(own, of), SHARE)
        book.formula(sheet, row, 5, f"=SUMIFS({book.bought('J')},{book.bought('C')},A{n})", yuan, MONEY)
        book.number(sheet, row, 6, tier.effective_t, MASS)
        book.number(sheet, row, 7, tier.cost, MONEY)
        lines = sum(x.tier == tier.tier for x in plan.lines)
        same = f"ABS(C{n}-G{n})<{slack_t(lines)},ABS(F{n}-H{n})<{slack_yuan(count)}"
        book.check(sheet, row, 8, f"AND({same})")
        book.text(sheet, row, 9, tier.note or "", text_wrap=True)
    tonnes = sum((Decimal(t.effective_t) for t in plan.tiers), ZERO)
    yuan = sum((Decimal(t.cost) for t in plan.tiers), ZERO)
    sums_below = [(2, covered, MASS), (5, sums.yuan(), MONEY), (6, tonnes, MASS), (7, yuan, MONEY)]
    book.totals(sheet, len(plan.tiers), 1, sums_below)
    book.watch("tiers", "I", len(plan.tiers))
    chart = book.chart("bar", book.pick("各层级计入量 (吨)", "Effective tonnes by tier"), book.pick("吨", "t"))
    book.series(chart, book.name("tiers"), f"$B$2:$B${end}", f"$C$2:$C${end}", "$C$1", 0)
    chart.set_legend({"none": True})
    sheet.insert_chart(end + 2, 1, chart, {"description": book.pick("各层级计入量", "effective tonnes by tier")})


def _share(part: Decimal, whole: Decimal) -> Decimal:
    return (part / whole).quantize(Decimal("0.0001"), ROUND_DOWN) if whole else ZERO


# ------------------------------------------------------------------------------------------------------------- events


def events_sheet(book: PlanBook) -> None:
    """What each event needs, gets and costs, summed over its lines, against its budget."""
    plan, sums, names = book.plan, book.sums, event_names(book.plan)
    sheet = book.opened(
        "events",
        [7, 30, 24, 15, 15, 15, 17, 15, 17, 17, 17, 13],
        "序号|活动|编号|需 (吨)|覆盖 (吨)|缺口 (吨)|成本 (元)|方案覆盖 (吨)|方案成本 (元)|预算总额 (元)|余额 (元)|核对",
        "no.|event|id|needed (t)|covered (t)|short (t)|cost (yuan)|covered in plan (t)|cost in plan (yuan)|"
        "budget in all (yuan)|left (yuan)|check",
    )
    budgets = {str(e["id"]): total_budget(e.get("budget")) for e in plan.problem["calendar"]["events"]}
    for row, event in enumerate(plan.events, FIRST):
        n, own = row + 1, [x for x in plan.lines if x.event_id == event.id]
        tonnes, yuan = (
            sums.tonnes(event=event.id),
            sums.yuan(event=event.id),
        )
        book.count(sheet, row, 0, row)
        book.text(sheet, row, 1, names[event.id])
        book.text(sheet, row, 2, event.id)
        book.number(sheet, row, 3, event.required_t, MASS)
        book.formula(sheet, row, 4, f"=SUMIFS({book.bought('E')},{book.bought('P')},A{n})", tonnes, MASS)
        book.formula(sheet, row, 5, f"=MAX(0,D{n}-E{n})", sums.short(event.id), MASS)
        book.formula(sheet, row, 6, f"=SUMIFS({book.bought('J')},{book.bought('P')},A{n})", yuan, MONEY)
        book.number(sheet, row, 7, event.covered_t, MASS)
        book.number(sheet, row, 8, event.cost, MONEY)
        budget = budgets.get(event.id)
        if budget is not None:
            book.number(sheet, row, 9, str(budget), MONEY)
            book.formula(sheet, row, 10, f"=J{n}-G{n}", budget - yuan, MONEY)
        parts = sum(len(x.payments) for x in own)
        same = f"ABS(E{n}-H{n})<{slack_t(len(own))},ABS(G{n}-I{n})<{slack_yuan(parts)}"
        book.check(sheet, row, 11, f"AND({same})")
    columns: list[tuple[int, Decimal, str]] = [
        (3, sum((Decimal(e.required_t) for e in plan.events), ZERO), MASS),
        (4, sums.tonnes(), MASS),
        (5, sum((sums.short(e.id) for e in plan.events), ZERO), MASS),
        (6, sums.yuan(), MONEY),
        (7, sum((Decimal(e.covered_t) for e in plan.events), ZERO), MASS),
        (8, sum((Decimal(e.cost) for e in plan.events), ZERO), MONEY),
    ]
    book.totals(sheet, len(plan.events), 1, columns)
    sheet.autofilter(0, 0, len(plan.events), 11)
    book.watch("events", "L", len(plan.events))


def total_budget(budget: dict[str, Any] | None) -> Decimal | None:
    """What may be spent in all: the total, or what the fiscal years have together; None: there is no limit."""
    if budget is None:
        return None
    if budget.get("total") is not None:
        return Decimal(str(budget["total"]))
    years = budget.get("by_fiscal_year")
    return None if years is None else sum((Decimal(str(v)) for v in years.values()), ZERO)
