"""What came of the ways to procure, side by side: coverage and cost, tiers, budgets and years, the prices of rules."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from api.reports.paper_parts import Column, Grid, Heading, Paragraph, Part, columns, listed
from api.reports.plan_settlement import runs_of
from api.reports.scenario_figures import (
    NONE,
    cost_change,
    covered,
    cut_percent,
    fiscal_years,
    order_price,
    spent_fen,
    total,
)
from api.reports.words import grouped, pick, rule_name, unit_name
from api.reports.year_sheets import whole_budget
from optimizer.plan import Plan
from optimizer.quantities import fen_of, yuan
from optimizer.wording import Language
from scenarios.side_by_side import Row, SideBySide

type Rows = tuple[tuple[str, ...], ...]
"""Of a table."""

ROWS_MAX = 500
"""Scenarios of one table, some thirty pages; the workbook has all."""
DETAILED = 20
"""Scenarios, the base among them, that are told one by one."""
YEARS_MAX = 5
"""Columns of years that a page has room for."""
RULES_SHOWN = 3
NAMES_SHOWN = 5


def numbered(table: SideBySide, most: int = ROWS_MAX) -> list[tuple[int, Row]]:
    """The scenarios of a table with their numbers; the base is 0."""
    return list(enumerate(table.rows[:most]))


def named(k: int, row: Row, lang: Language) -> tuple[str, str]:
    """A scenario's number and name, as a row begins."""
    return str(k), row.title.say(lang)


def results(table: SideBySide, lang: Language) -> Iterator[Part]:
    """The tables that have a row for every scenario."""
    yield Heading(1, pick(lang, "比选结果", "Results"))
    yield Heading(2, pick(lang, "覆盖与费用", "Coverage and cost"))
    yield Paragraph(_conclusion(table, lang))
    yield _costs(table, lang)
    if len(table.rows) > ROWS_MAX:
        zh = f"表中列出前{ROWS_MAX}个，共{len(table.rows)}个，其余见工作簿。"
        en = f"The first {ROWS_MAX} of {len(table.rows)} are shown; the workbook has all."
        yield Paragraph(pick(lang, zh, en))
    yield Heading(2, pick(lang, "按抵销顺序的构成", "By place in the order"))
    yield from _tiers(table, lang)
    yield Heading(2, pick(lang, "预算与推荐顺序的代价", "Budgets, and what the order costs"))
    yield from _budgets(table, lang)
    yield from _years(table, lang)
    yield from _rules(table, lang)


def _conclusion(table: SideBySide, lang: Language) -> str:
    """How many cover everything, and which of those with the base's need cost least."""
    rows = table.rows
    n, full = len(rows), [r for r in rows if r.status == "covered"]
    short, failed = (sum(r.status == s for r in rows) for s in ("short", "failed"))
    zh = f"共比选{n}个方案（含基准）：{len(full)}个全部覆盖"
    en = f"{n} ways are compared, the base among them: {len(full)} cover everything"
    if short:
        zh, en = zh + f"，{short}个有缺口", en + f", {short} fall{'s' if short == 1 else ''} short"
    if failed:
        zh, en = zh + f"，{failed}个未能编制", en + f", {failed} could not be planned"
    zh, en = zh + "。", en + ". "
    need = None if table.base.totals is None else table.base.totals.required_t
    alike = [r for r in full if r.totals is not None and r.totals.required_t == need]
    if alike:
        least = min(fen_of(r.totals.cost) for r in alike if r.totals is not None)
        cheapest = [r.title.say(lang) for r in alike if r.totals is not None and fen_of(r.totals.cost) == least]
        names, cost = listed(cheapest, NAMES_SHOWN, lang), grouped(yuan(least))
        zh += f"需抵销量与基准相同且全部覆盖的，费用最低为{cost}元（{names}）。"
        en += f"Of those that cover the base's whole need the least cost is {cost} yuan ({names}). "
    others = [r.title.say(lang) for r in rows if r.totals is not None and r.totals.required_t != need]
    if others:
        told = listed(others, NAMES_SHOWN, lang)
        zh += f"需抵销量与基准不同的（{told}），费用不可直接相比。"
        en += f"Where the need is another ({told}), costs cannot be compared as they stand. "
    zh += "费用只是一个方面：构成、预算、期限和风险见以下各部分，选用哪一个由决策人决定。"
    en += "Cost is one side of it: the mix, budgets, deadlines and risks follow, and the choice is yours."
    return pick(lang, zh, en)


def _costs(table: SideBySide, lang: Language) -> Grid:
    zh = "序号|方案|>覆盖率|>缺口（吨）|>费用（元）|>比基准（元）|>均价（元/吨）|>笔数"
    en = "no.|way|>covered|>short (t)|>cost (yuan)|>to the base|>yuan/t|>lines"
    rows = tuple(
        (
            *named(k, r, lang),
            covered(r) if r.totals is not None else pick(lang, "未能编制", "failed"),
            total(r, "shortfall_t"),
            total(r, "cost"),
            cost_change(table, r),
            total(r, "average_price"),
            NONE if r.bought is None else str(len(r.bought.lines)),
        )
        for k, r in numbered(table)
    )
    caption = pick(lang, "各方案的覆盖与费用", "Coverage and cost of each way")
    return Grid(caption, columns(lang, zh, en, (7, 27, 12, 12, 17, 17, 12, 8)), rows)


def _tiers(table: SideBySide, lang: Language) -> Iterator[Part]:
    """One table for each order of tiers: a scenario under another rule pack has its own."""
    orders: dict[tuple[tuple[int, str], ...], list[tuple[int, Row]]] = {}
    for k, row in numbered(table):
        if row.bought is not None:
            orders.setdefault(tuple((t.tier, t.name) for t in row.bought.tiers), []).append((k, row))
    for order, rows in orders.items():
        yield Paragraph(_legend(order, [k for k, _ in rows], lang, several=len(orders) > 1))
        wide = max(6, 68 // (len(order) + 1))
        heads = (
            *columns(lang, "序号|方案", "no.|way", (7, 27)),
            *(Column(pick(lang, f"第{tier}层", f"tier {tier}"), wide, numeric=True) for tier, _ in order),
            Column(pick(lang, "缺口", "short"), wide, numeric=True),
        )
        cells = tuple(
            (*named(k, r, lang), *(grouped(t.effective_t) for t in r.bought.tiers), total(r, "shortfall_t"))
            for k, r in rows
            if r.bought is not None
        )
        yield Grid(pick(lang, "各层级计入量（吨）", "What each tier covers (t)"), heads, cells)


def _legend(order: tuple[tuple[int, str], ...], numbers: list[int], lang: Language, *, several: bool) -> str:
    names = pick(lang, "；", "; ").join(pick(lang, f"第{t}层：{name}", f"tier {t}: {name}") for t, name in order)
    if not several:
        return names[0].upper() + names[1:] + pick(lang, "。", ".")
    whose = runs_of([str(k) for k in numbers])
    return pick(lang, f"方案{whose}的层级：{names}。", f"Tiers of {whose}: {names}.")


def _budgets(table: SideBySide, lang: Language) -> Iterator[Part]:
    zh = "序号|方案|>费用（元）|>预算（元）|>已用|>推荐顺序多支出（元）"
    en = "no.|way|>cost (yuan)|>budget (yuan)|>used|>the order costs (yuan)"
    rows = []
    for k, row in numbered(table):
        if row.totals is not None:
            budget = _budget(table, row)
            used = NONE if not budget else cut_percent(Decimal(row.totals.cost) / budget)
            may = pick(lang, "未设总额", "no total") if budget is None else grouped(f"{budget:.2f}")
            rows.append((*named(k, row, lang), grouped(row.totals.cost), may, used, order_price(row, lang)))
    caption = pick(lang, "预算使用与推荐顺序的代价", "Use of budgets, and the cost of the recommended order")
    yield Grid(caption, columns(lang, zh, en, (7, 27, 18, 18, 11, 19)), tuple(rows))
    zh = "“推荐顺序多支出”为该方案的费用与同样覆盖量的最低费用之差；“-”表示未按推荐顺序优先，或未测算。"
    en = "What the order costs is the way's cost less the least cost of the same coverage. A dash says that the order "
    en += "does not come first, or that it was not worked out."
    yield Paragraph(pick(lang, zh, en))


def _budget(table: SideBySide, row: Row) -> Decimal | None:
    """Yuan that may be spent in all; of a simple rule that leaves the budgets as they are, the base's."""
    plan = row.result
    if not isinstance(plan, Plan) and row.scenario is not None and row.scenario.budget is None:
        plan = table.base.result
    return whole_budget(plan) if isinstance(plan, Plan) else None


def _years(table: SideBySide, lang: Language) -> Iterator[Part]:
    years = fiscal_years(table)
    if not 2 <= len(years) <= YEARS_MAX:
        return
    wide = 66 // len(years)
    heads = (
        *columns(lang, "序号|方案", "no.|way", (7, 27)),
        *(Column(pick(lang, f"{y}年", str(y)), wide, numeric=True) for y in years),
    )
    cells = tuple(
        (*named(k, row, lang), *(grouped(yuan(spent_fen(row, y))) for y in years))
        for k, row in numbered(table)
        if row.bought is not None
    )
    yield Grid(pick(lang, "各财政年度支出（元）", "Spending by fiscal year (yuan)"), heads, cells)


def _rules(table: SideBySide, lang: Language) -> Iterator[Part]:
    prices = [(k, _prices(row, lang)) for k, row in numbered(table, DETAILED)]
    rows = banded([(k, told) for k, told in prices if told], lang)
    if rows:
        yield Heading(2, pick(lang, "规则和限额的代价", "What rules and limits cost"))
        caption = pick(lang, "每多一个单位的变化", "What one unit more of each would change")
        yield Grid(caption, columns(lang, "规则|>变化|单位", "rule|>change|unit", (54, 22, 24)), rows)


def _prices(row: Row, lang: Language) -> Rows:
    if not isinstance(row.result, Plan):
        return ()
    several = len(row.result.events) > 1
    priced = [r for r in row.result.rules if r.marginal is not None][:RULES_SHOWN]
    return tuple(
        (
            rule_name(r.rule, lang) + (f" ({r.event_id})" if several and r.event_id else ""),
            grouped(r.marginal),
            unit_name(r.unit, lang),
        )
        for r in priced
    )


def banded(told: Sequence[tuple[int, Rows]], lang: Language) -> Rows:
    """Rows of scenarios under heads across the table; scenarios with the very same rows have one head."""
    together: dict[Rows, list[str]] = {}
    for k, rows in told:
        together.setdefault(rows, []).append(str(k))
    found: list[tuple[str, ...]] = []
    for rows, numbers in together.items():
        found.append((pick(lang, "方案", "way " if len(numbers) == 1 else "ways ") + runs_of(numbers),))
        found += rows
    return tuple(found)
