"""Where a plan's purchases are cancelled, and from which fiscal year's money they are paid."""

from collections.abc import Iterator
from decimal import Decimal

from api.reports.paper_parts import Grid, Heading, Paragraph, Part, columns, listed
from api.reports.words import event_names, grouped, pick, registry_name
from optimizer.plan import FiscalYear, Plan
from optimizer.wording import Language, counted, day_text


def cancelling(plan: Plan, lang: Language) -> Iterator[Part]:
    """What is cancelled in which registry, and by when at the latest."""
    if not plan.registries:
        return
    pack = plan.problem["rule_pack"]
    yield Heading(1, pick(lang, "注销安排", "Where to cancel"))
    years, clause = pack["retirement"]["years"], pack["retirement"]["clause"]
    in_principle = pick(lang, "原则上", "in principle ") if pack["retirement"]["in_principle"] else ""
    six, six_clause = pack["forestry"]["years"], pack["forestry"]["clause"]
    zh = f"采购的减排量和配额须在相应登记机构注销并可追溯（{pack['retire_clause']}）。"
    zh += f"抵销{in_principle}在活动结束后{years}年内完成（{clause}）；"
    zh += f"新建林业项目碳汇在{six}年内完成（{six_clause}）。"
    en = f"What is bought is cancelled in its registry, traceably ({pack['retire_clause']}): {in_principle}within "
    en += f"{counted(years, 'year', 'years')} of the event's end ({clause}), new forestry within "
    en += f"{six} ({six_clause})."
    yield Paragraph(pick(lang, zh, en))
    places: dict[str, list[str]] = {}
    for n, line in enumerate(plan.lines, 1):
        places.setdefault(line.registry, []).append(str(n))
    rows = tuple(
        (
            registry_name(r.registry, pack).say(lang),
            grouped(r.contracted_t),
            runs_of(places.get(r.registry, [])),
            str(r.retire_by),
        )
        for r in plan.registries
    )
    zh, en = "登记机构|>注销量（吨）|采购明细序号|最迟注销日", "registry|>to cancel (t)|purchases no.|at the latest by"
    caption = pick(lang, "按登记机构汇总的注销量", "What is cancelled where")
    yield Grid(caption, columns(lang, zh, en, (42, 16, 26, 18)), rows)


def runs_of(numbers: list[str]) -> str:
    """Numbers in order as ranges: 1-3, 5."""
    found: list[list[int]] = []
    for n in map(int, numbers):
        if found and n == found[-1][-1] + 1:
            found[-1] = [found[-1][0], n]
        else:
            found.append([n, n])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in found)


def money(plan: Plan, lang: Language) -> Iterator[Part]:
    """What is paid from which budget in which fiscal year."""
    yield Heading(1, pick(lang, "资金安排", "Money by fiscal year"))
    names, calendar = event_names(plan), plan.problem["calendar"]
    owners = {str(e["id"]): e["budget"] for e in calendar["events"] if e.get("budget")}
    if calendar.get("budget"):
        owners[""] = calendar["budget"]
    spent: dict[int, Decimal] = {}
    for line in plan.lines:
        for payment in line.payments:
            spent[payment.date.year] = spent.get(payment.date.year, Decimal(0)) + Decimal(payment.amount)
    rows: list[tuple[str, ...]] = [
        (names.get(f.event_id or "", pick(lang, "共用预算", "shared")), str(f.year), *_years_money(f))
        for f in plan.fiscal_years
        if (f.event_id or "") in owners
    ]
    if len(owners) != 1 or len(plan.events) > 1:
        paid = pick(lang, "全部付款", "all payments")
        rows += [(paid, str(y), grouped(f"{s:.2f}"), "-", "-") for y, s in sorted(spent.items())]
    if rows:
        yield _money_grid(rows, lang)
    else:
        yield Paragraph(pick(lang, "没有支出。", "Nothing is spent."))
    totals = [
        (names.get(owner, pick(lang, "共用", "shared")), budget["total"])
        for owner, budget in owners.items()
        if budget.get("total") is not None
    ]
    told = [pick(lang, f"{n}{grouped(str(t))}元", f"{n} {grouped(str(t))} yuan") for n, t in totals]
    if told:
        zh, en = f"预算总额：{listed(told, 10, lang)}。", f"Budgets in all: {listed(told, 10, lang)}."
        yield Paragraph(pick(lang, zh, en))
    if plan.valid_until is None:
        return
    until = day_text(plan.valid_until, lang)
    yield Paragraph(
        pick(lang, f"所用报价最早于{until}到期，逾期价格不再有效。", f"The first of the prices used ends on {until}.")
    )


def _years_money(f: FiscalYear) -> tuple[str, str, str]:
    return grouped(f.spent), grouped(f.budget), grouped(f.carried)


def _money_grid(rows: list[tuple[str, ...]], lang: Language) -> Grid:
    zh, en = (
        "预算主体|年度|>支出（元）|>预算（元）|>结转（元）",
        "whose budget|year|>spent (yuan)|>budget (yuan)|>carried (yuan)",
    )
    caption = pick(lang, "各财政年度支出与预算", "Spending and budget by fiscal year")
    return Grid(caption, columns(lang, zh, en, (34, 10, 19, 19, 18)), tuple(rows))
