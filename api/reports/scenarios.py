"""Scenarios side by side, as a person reads them in a terminal, and the same as CSV and as a workbook.

Up to four scenarios stand beside the base as columns; more stand as rows. Order: what each costs and covers, the mix of
tiers as a bar, years, prices of rules, deadlines that are near, why lines differ, warnings.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TextIO

from api.reports.page import Page, say_notes
from api.reports.scenario_figures import cost_change, covered, fiscal_years, largest_changes, spent_fen, total
from api.reports.words import OUTCOMES, grouped, pick, rule_name, unit_name
from optimizer.plan import Plan
from optimizer.quantities import tonnes, yuan
from optimizer.wording import Language, Text, counted
from scenarios.compare import KIND_NAMES
from scenarios.side_by_side import Row, SideBySide

COLUMNS_AT_MOST = 4
"""Scenarios beside the base at 80 columns."""
MIX_CELLS = 12
"""Cells of the bar of tiers: fits a column."""
CAUSES_SHOWN = 4
"""Changed lines told for each scenario; the document has all."""
NEAR_SHOWN = 8
ROWS_SHOWN = 100
"""Scenarios of one table, a few screens; the document has all."""
DETAILED = 20
"""Scenarios, the base among them, whose rules, deadlines and changed lines are told."""
RULES_SHOWN = 3


def show_scenarios(table: SideBySide, lang: Language, stream: TextIO) -> None:
    """Writes the page."""
    page = Page(stream)
    n = len(table.rows) - 1
    page.title(pick(lang, f"晋衡情景比较: 基准与 {n} 个情景", f"jinheng compare: the base and {n} scenarios"))
    if n <= COLUMNS_AT_MOST:
        _as_columns(page, table, lang)
    else:
        _as_rows(page, table, lang)
    shown = SideBySide(table.rows[:DETAILED], table.days)
    for part in (_reasons, _years, _rules, _near, _causes, _warnings):
        part(page, shown, lang)
    if n >= DETAILED:
        zh, en = (
            f"细节只列前 {DETAILED - 1} 个情景, 其余见 JSON。",
            f"Details of {DETAILED - 1} scenarios: see the JSON.",
        )
        page.line(pick(lang, zh, en))
    page.write()


# ------------------------------------------------------------------------------------------------------------ the table


def _as_columns(page: Page, table: SideBySide, lang: Language) -> None:
    """One column a scenario; names too wide for their column are told above by number."""
    page.line("")
    for k, row in enumerate(table.rows):
        title = row.title.say(lang)
        page.line(f"[{k}] {title}" + (f" ({row.name})" if row.scenario is not None and row.name != title else ""))
    heads = "|".join(["", *(f">[{k}]" for k in range(len(table.rows)))])
    page.table(heads, [(label, *cells) for label, cells in _facts(table, lang)])
    _legend(page, table, lang)


def _facts(table: SideBySide, lang: Language) -> list[tuple[str, list[str]]]:
    rows = table.rows

    def each(zh: str, en: str, cell: Any) -> tuple[str, list[str]]:
        return pick(lang, zh, en), [cell(row) for row in rows]

    return [
        each("状态", "status", lambda r: OUTCOMES[r.status].say(lang)),
        each("覆盖", "coverage", covered),
        each("缺口 吨", "short t", lambda r: total(r, "shortfall_t")),
        each("成本 元", "cost yuan", lambda r: total(r, "cost")),
        each("比基准", "to the base", lambda r: cost_change(table, r)),
        each("均价 元/吨", "yuan/t", lambda r: total(r, "average_price")),
        each("采购行", "lines", lambda r: "-" if r.bought is None else str(len(r.bought.lines))),
        each("变化行", "changed", lambda r: "-" if r.changes is None else str(len(r.changes.changed))),
        each("期限将近", "near", lambda r: "-" if r.bought is None else str(len(r.near))),
        each("层级", "tiers", _mix),
    ]


def _as_rows(page: Page, table: SideBySide, lang: Language) -> None:
    page.line("")
    heads = pick(lang, "情景|>覆盖|>成本 元|>比基准|>元/吨|层级", "scenario|>cover|>yuan|>to the base|>yuan/t|tiers")
    rows = [
        (r.title.say(lang), covered(r), _whole(total(r, "cost")), _whole(cost_change(table, r)), _price(r), _mix(r))
        for r in table.rows[:ROWS_SHOWN]
    ]
    page.table(heads, rows)
    more = len(table.rows) - ROWS_SHOWN
    if more > 0:
        more_en = counted(more, "more scenario", "more scenarios")
        page.line(pick(lang, f"另有 {more} 个情景, 见 JSON。", f"{more_en}: see the JSON."))
    _legend(page, table, lang)


def _price(row: Row) -> str:
    return total(row, "average_price")


def _whole(money: str) -> str:
    """Without fen, where room is short: cut, not rounded."""
    return money.partition(".")[0]


def _mix(row: Row) -> str:
    """Tiers as a bar of their numbers, each as long as its share of the need; dots are uncovered."""
    if row.bought is None or row.totals is None:
        return "-"
    required = Decimal(row.totals.required_t)
    bar, upto = "", Decimal(0)
    for tier in row.bought.tiers:
        upto += Decimal(tier.effective_t)
        cells = min(MIX_CELLS, int(upto / required * MIX_CELLS + Decimal("0.5")))
        bar += str(tier.tier)[-1] * (cells - len(bar))
    return bar.ljust(MIX_CELLS, "·")


def _legend(page: Page, table: SideBySide, lang: Language) -> None:
    """What the numbers of the bars mean; scenarios under another rule pack have their own tiers."""
    told: dict[str, list[str]] = {}
    for row in table.rows:
        if row.bought is not None:
            names = "; ".join(f"{t.tier} {t.name}" for t in row.bought.tiers)
            told.setdefault(names, []).append(row.title.say(lang))
    for k, (names, titles) in enumerate(told.items()):
        whose = "" if k == 0 else f" ({', '.join(titles)})"
        page.line(pick(lang, f"层级{whose}: {names}; · 未覆盖", f"Tiers{whose}: {names}; · uncovered"), "dim")


# ------------------------------------------------------------------------------------------------------------- details


def _reasons(page: Page, table: SideBySide, lang: Language) -> None:
    told = [(row.title.say(lang), row.reason(lang)) for row in table.rows if row.reason(lang)]
    if told:
        page.section(pick(lang, "未达到的", "What is not reached"))
        for title, reason in told:
            page.item(f"{title}: {reason}")


def _years(page: Page, table: SideBySide, lang: Language) -> None:
    years = fiscal_years(table)
    if len(years) < 2:
        return
    page.section(pick(lang, "各年度支出 元", "Spending by fiscal year, yuan"))
    rows = [
        (row.title.say(lang), *(grouped(yuan(spent_fen(row, y))) for y in years))
        for row in table.rows
        if row.bought is not None
    ]
    page.table("|".join([pick(lang, "情景", "scenario"), *(f">{y}" for y in years)]), rows)


def _rules(page: Page, table: SideBySide, lang: Language) -> None:
    rows: list[Sequence[str] | str] = []
    for row in table.rows:
        priced = [r for r in row.result.rules if r.marginal is not None] if isinstance(row.result, Plan) else []
        if priced:
            rows.append(row.title.say(lang))
            rows += [
                (f"  {rule_name(r.rule, lang)}", grouped(r.marginal), unit_name(r.unit, lang))
                for r in priced[:RULES_SHOWN]
            ]
    if rows:
        page.section(pick(lang, "规则的价格 (再多一个单位会怎样)", "Prices of rules (one unit more of each)"))
        page.table(pick(lang, "规则|>价格|单位", "rule|>price|unit"), rows)


def _near(page: Page, table: SideBySide, lang: Language) -> None:
    rows: list[Sequence[str] | str] = []
    because = {"valid_until": Text("报价有效期", "the offer ends"), "retire_by": Text("注销期限", "cancel by")}
    for row in table.rows:
        if row.near:
            rows.append(row.title.say(lang))
            shown = row.near[:NEAR_SHOWN]
            rows += [
                (f"  {d.offer_id}", str(d.last_day), str(d.days_left), because[d.because].say(lang)) for d in shown
            ]
            more = len(row.near) - len(shown)
            rows += [pick(lang, f"  另有 {more} 行", f"  {more} more")] if more > 0 else []
    if rows:
        page.section(pick(lang, f"{table.days} 天内到期的行", f"Lines whose last day is within {table.days} days"))
        page.table(pick(lang, "报价|最后一天|>余 天|由于", "offer|last day|>days|because"), rows)


def _causes(page: Page, table: SideBySide, lang: Language) -> None:
    order = list(KIND_NAMES)
    told = [row for row in table.rows if row.changes is not None and row.changes.changed]
    if told:
        page.section(pick(lang, "为什么不同", "Why they differ"))
    for row in told:
        assert row.changes is not None
        counts = ", ".join(f"{KIND_NAMES[k].say(lang)} {n}" for k, n in row.changes.count().items())
        page.line(f"{row.title.say(lang)}: {counts}", "bold")
        for x in sorted(largest_changes(row, CAUSES_SHOWN), key=lambda x: order.index(x.kind)):
            kind, change = KIND_NAMES[x.kind].say(lang), grouped(tonnes(x.effective_change_kg))
            said = "; ".join(c.message.say(lang) for c in x.causes)
            page.item(pick(lang, f"{x.offer_id} {kind} {change} 吨: {said}", f"{x.offer_id} {kind} {change} t: {said}"))
        more = len(row.changes.changed) - CAUSES_SHOWN
        if more > 0:
            page.item(
                pick(lang, f"另有 {more} 行, 见 JSON", f"{counted(more, 'more line', 'more lines')}: see the JSON")
            )


def _warnings(page: Page, table: SideBySide, lang: Language) -> None:
    say_notes(page, [(finding.say(lang), 1) for row in table.rows for finding in row.findings], lang)
