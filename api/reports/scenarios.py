"""Scenarios side by side, as a person reads them in a terminal, and the same as CSV and as a workbook.

Up to four scenarios stand beside the base as columns; more stand as rows. Order: what each costs and covers, the mix of
tiers as a bar, years, prices of rules, deadlines that are near, why lines differ, warnings.
"""

import csv
from collections.abc import Sequence
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any, TextIO

import pandas as pd
import xlsxwriter  # type: ignore[import-untyped]

from api.printable import printable
from api.reports.csv import inert
from api.reports.page import Page
from api.reports.words import grouped, pick, rule_name, unit_name
from optimizer.plan import Plan
from optimizer.quantities import fen_of, tonnes, yuan
from optimizer.wording import Language, Text
from scenarios.compare import KIND_NAMES
from scenarios.side_by_side import COLUMNS, LONG_COLUMNS, Row, SideBySide, coverage_share

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
STATUS = {
    "covered": Text("全部覆盖", "covered"),
    "short": Text("未全部覆盖", "short"),
    "failed": Text("失败", "failed"),
}
SHEETS = {
    "scenarios": Text("情景", "Scenarios"),
    "tiers": Text("层级", "Tiers"),
    "fiscal_years": Text("年度", "Years"),
    "rules": Text("规则价格", "Rules"),
    "deadlines": Text("期限", "Deadlines"),
    "changes": Text("变化", "Changes"),
}
NUMBERS = ("lines", "lines_changed", "lines_at_risk", "tier", "year", "days_left", "cost_change")
CHANGES = ("scenario", "event_id", "offer_id", "kind", "before_t", "after_t", "cost_change", "causes")


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
        each("状态", "status", lambda r: STATUS[r.status].say(lang)),
        each("覆盖", "coverage", _covered),
        each("缺口 吨", "short t", lambda r: _total(r, "shortfall_t")),
        each("成本 元", "cost yuan", lambda r: _total(r, "cost")),
        each("比基准", "to the base", lambda r: _change(table, r)),
        each("均价 元/吨", "yuan/t", lambda r: _total(r, "average_price")),
        each("采购行", "lines", lambda r: "-" if r.bought is None else str(len(r.bought.lines))),
        each("变化行", "changed", lambda r: "-" if r.changes is None else str(len(r.changes.changed))),
        each("期限将近", "near", lambda r: "-" if r.bought is None else str(len(r.near))),
        each("层级", "tiers", _mix),
    ]


def _as_rows(page: Page, table: SideBySide, lang: Language) -> None:
    page.line("")
    heads = pick(lang, "情景|>覆盖|>成本 元|>比基准|>元/吨|层级", "scenario|>cover|>yuan|>to the base|>yuan/t|tiers")
    rows = [
        (r.title.say(lang), _covered(r), _whole(_total(r, "cost")), _whole(_change(table, r)), _price(r), _mix(r))
        for r in table.rows[:ROWS_SHOWN]
    ]
    page.table(heads, rows)
    more = len(table.rows) - ROWS_SHOWN
    if more > 0:
        page.line(pick(lang, f"另有 {more} 个情景, 见 JSON。", f"{more} more scenarios: see the JSON."))
    _legend(page, table, lang)


def _covered(row: Row) -> str:
    """Percent, cut and not rounded, so that only all is 100 %."""
    share = coverage_share(row)
    if share is None:
        return "-"
    return f"{Decimal(int(share * 1000)) / 10:f} %".replace(".0 %", " %")


def _total(row: Row, name: str) -> str:
    return "-" if row.totals is None else grouped(getattr(row.totals, name))


def _price(row: Row) -> str:
    return _total(row, "average_price")


def _change(table: SideBySide, row: Row) -> str:
    fen = table.change(row, "cost")
    if fen is None or row is table.base:
        return "-"
    return ("+" if fen > 0 else "") + grouped(yuan(fen))


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
    years = sorted({f.year for row in table.rows if row.bought is not None for f in row.bought.fiscal_years})
    if len(years) < 2:
        return
    page.section(pick(lang, "各年度支出 元", "Spending by fiscal year, yuan"))
    rows = [
        (row.title.say(lang), *(grouped(yuan(_spent(row, y))) for y in years))
        for row in table.rows
        if row.bought is not None
    ]
    page.table("|".join([pick(lang, "情景", "scenario"), *(f">{y}" for y in years)]), rows)


def _spent(row: Row, year: int) -> int:
    """Fen paid in a year by all events; the shared budget's own entries repeat theirs."""
    assert row.bought is not None
    own = [f for f in row.bought.fiscal_years if f.event_id is not None]
    return sum(fen_of(f.spent) for f in own if f.year == year)


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
        largest = sorted(row.changes.changed, key=lambda x: (-abs(x.cost_change_fen), x.event_id, x.offer_id))
        for x in sorted(largest[:CAUSES_SHOWN], key=lambda x: order.index(x.kind)):
            kind, change = KIND_NAMES[x.kind].say(lang), grouped(tonnes(x.effective_change_kg))
            said = "; ".join(c.message.say(lang) for c in x.causes)
            page.item(pick(lang, f"{x.offer_id} {kind} {change} 吨: {said}", f"{x.offer_id} {kind} {change} t: {said}"))
        more = len(row.changes.changed) - CAUSES_SHOWN
        if more > 0:
            page.item(pick(lang, f"另有 {more} 行, 见 JSON", f"{more} more lines: see the JSON"))


def _warnings(page: Page, table: SideBySide, lang: Language) -> None:
    found = [f for row in table.rows for f in row.findings]
    if found:
        page.section(pick(lang, "请注意", "Please note"))
        for finding in found:
            page.item(finding.say(lang))


# --------------------------------------------------------------------------------------------------------------- files


def table_csv(table: SideBySide, lang: Language) -> bytes:
    """One row a scenario: tonnes and yuan as decimals under heads in the caller's language; UTF-8 with BOM."""
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    heads, rows = _decimal_rows(table, lang)
    writer.writerow(heads)
    # Numbers are ours; only text may start like a formula.
    writer.writerows([c if _is_number(n) else inert(c) for n, c in zip(COLUMNS, row, strict=True)] for row in rows)
    return b"\xef\xbb\xbf" + buffer.getvalue().encode()


def _decimal_rows(table: SideBySide, lang: Language) -> tuple[list[str], list[list[str]]]:
    """The frame with t for kg and yuan for fen."""
    units = {"zh": {"千克": "吨", "分": "元"}, "en": {"kg": "t", "fen": "yuan"}}[lang]
    heads = [text.say(lang) for text in COLUMNS.values()]
    for name, other in units.items():
        heads = [_unit(head, name, other, lang) for head in heads]
    frame = table.frame(lang).astype(object)
    rows = [[_decimal(name, value) for name, value in zip(COLUMNS, row, strict=True)] for row in frame.to_numpy()]
    return heads, rows


def _unit(head: str, name: str, other: str, lang: Language) -> str:
    if lang == "zh":
        return head.replace(f"({name}", f"({other}")
    return head.replace(f", {name}", f", {other}")


def _is_number(column: str) -> bool:
    """By its name: kg and t, fen and yuan, counts."""
    return column.endswith(("_kg", "_fen", "_t")) or column in NUMBERS


def _decimal(name: str, value: Any) -> str:
    if pd.isna(value):
        return ""
    if name.endswith("_kg"):
        return tonnes(int(value))
    return yuan(int(value)) if name.endswith("_fen") else str(value)


def table_workbook(table: SideBySide, lang: Language) -> bytes:
    """A workbook: scenarios, tiers, years, prices of rules, deadlines, and every line that differs, with its causes."""
    buffer = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        heads, rows = _decimal_rows(table, lang)
        _sheet(book, SHEETS["scenarios"].say(lang), heads, rows, [_is_number(name) for name in COLUMNS])
        for name in LONG_COLUMNS:
            frame = table.long_frame(name).astype(object)  # type: ignore[arg-type]
            columns = list(frame.columns)
            cells = [[_decimal(c, v) for c, v in zip(columns, row, strict=True)] for row in frame.to_numpy()]
            plain = [c.replace("_kg", "_t").replace("_fen", "_yuan") for c in columns]
            _sheet(book, SHEETS[name].say(lang), plain, cells, [_is_number(c) for c in columns])
        lines = [[row.name, *(x[c] for c in CHANGES[1:])] for row in table.rows for x in _changed(row, lang)]
        _sheet(book, SHEETS["changes"].say(lang), list(CHANGES), lines, [_is_number(c) for c in CHANGES])
    return buffer.getvalue()


def _changed(row: Row, lang: Language) -> list[dict[str, str]]:
    if row.changes is None:
        return []
    kept = KIND_NAMES["kept"].say(lang)
    return [x for x in row.changes.rows(lang) if x["kind"] != kept]


def _sheet(book: Any, name: str, heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[bool]) -> None:
    """Text as text; decimals as the nearest number that a workbook can hold."""
    sheet = book.add_worksheet(name)
    sheet.freeze_panes(1, 1)
    sheet.set_column(0, len(heads) - 1, 16)
    bold = book.add_format({"bold": True, "text_wrap": True})
    for k, head in enumerate(heads):
        sheet.write_string(0, k, head, bold)
    for r, row in enumerate(rows, start=1):
        for k, cell in enumerate(row):
            if numbers[k] and cell:
                sheet.write_number(r, k, float(cell))
            else:
                sheet.write_string(r, k, printable(cell))
