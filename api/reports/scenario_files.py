"""A comparison as CSV, as pictures and as a workbook: differences are live formulas, a chart shows what each costs."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pandas as pd

from api.reports.cells import Book
from api.reports.pictures import picture
from api.reports.tables import Live, Table, csv_bytes, front_sheet, table_at, table_sheets
from api.reports.words import pick
from optimizer.plan import Plan
from optimizer.quantities import tonnes, yuan
from optimizer.wording import Language, Text
from scenarios.charts import cash_flow_chart, cost_change_chart, tier_mix_chart
from scenarios.compare import KIND_NAMES
from scenarios.side_by_side import COLUMNS, LONG_COLUMNS, Row, SideBySide

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
SHOWN = 30
"""Scenarios of the first sheet and its chart, the base among them; the next sheet has all."""
AT = {name: "ABCDEFGHIJKLMNO"[k] for k, name in enumerate(COLUMNS)}
"""Columns of the sheet of scenarios."""


def table_csv(table: SideBySide, lang: Language) -> bytes:
    """One row a scenario: tonnes and yuan as decimals under heads in the caller's language; UTF-8 with BOM."""
    return csv_bytes(*_scenarios(table, lang))


def table_workbook(table: SideBySide, lang: Language) -> bytes:
    """A workbook: a summary, scenarios, tiers, years, prices of rules, deadlines, and every line that differs."""
    base = table.base.result
    assert isinstance(base, Plan), "the base was planned"
    title = pick(lang, "晋衡情景比较", "jinheng compare")
    book = Book(lang, title, f"plan_id {base.plan_id}", base.as_of)
    heads, rows = _scenarios(table, lang)
    _front(book, table, title, base, rows)
    sheets: dict[str, Table] = {SHEETS["scenarios"].say(lang): (heads, [_live(r, n) for n, r in enumerate(rows, 2)])}
    for name in LONG_COLUMNS:
        frame = table.long_frame(name).astype(object)  # type: ignore[arg-type]
        columns = list(frame.columns)
        cells = [[_cell(c, v) for c, v in zip(columns, row, strict=True)] for row in frame.to_numpy()]
        sheets[SHEETS[name].say(lang)] = [c.replace("_kg", "_t").replace("_fen", "_yuan") for c in columns], cells
    changed = [[row.name, *(x[c] for c in CHANGES[1:])] for row in table.rows for x in _changed(row, lang)]
    typed = [[_number(v) if _is_number(c) else v for c, v in zip(CHANGES, row, strict=True)] for row in changed]
    sheets[SHEETS["changes"].say(lang)] = [c.replace("cost_change", "cost_change_yuan") for c in CHANGES], typed
    table_sheets(book, sheets)
    return book.bytes()


def drawn_table(table: SideBySide, kind: str, lang: Language) -> bytes:
    """The tiers of every scenario as svg or png. Raises ValueError for another kind."""
    return picture(tier_mix_chart(table, lang), f".{kind}")


def table_pictures(table: SideBySide, lang: Language) -> list[tuple[str, bytes]]:
    """The pictures of a comparison's report, each with its title: tiers, costs and fiscal years, as SVG."""
    drawn = (
        (Text("各方案的层级构成", "Tiers of each way"), tier_mix_chart),
        (Text("费用与基准之差", "Cost beside the base's"), cost_change_chart),
        (Text("各财政年度的支出", "Spent in each fiscal year"), cash_flow_chart),
    )
    return [(title.say(lang), picture(chart(table, lang), ".svg")) for title, chart in drawn]


# --------------------------------------------------------------------------------------------------------------- front


def _front(book: Book, table: SideBySide, title: str, base: Plan, rows: list[list[Any]]) -> None:
    """What the comparison rests on, scenarios side by side by formulas over the next sheet, and what each costs."""
    valid = book.pick("报价未写有效期", "no offer names a day") if base.valid_until is None else str(base.valid_until)
    sure = book.pick("是", "yes") if base.reproducible else book.pick("否: 因限时中断", "NO: cut by the time limit")
    facts = [
        (book.pick("基准方案编号 plan_id", "plan_id of the base"), base.plan_id),
        (book.pick("计划日期", "as of"), base.as_of.isoformat()),
        (book.pick("基准报价有效至", "base valid until"), valid),
        (book.pick("基准可复现", "base reproducible"), sure),
        (book.pick("规则包", "rule pack"), f"{base.policy.id} v{base.policy.version}"),
        (book.pick("活动哈希", "events sha256"), base.provenance["events_sha256"]),
        (book.pick("报价哈希", "offers sha256"), base.provenance["offers_sha256"]),
        (book.pick("规则包哈希", "rule pack sha256"), base.policy.sha256),
    ]
    cut = [r.title.say(book.lang) for r in table.rows if isinstance(r.result, Plan) and not r.result.reproducible]
    if cut:
        facts.append((book.pick("不可复现的情景", "not reproducible"), "; ".join(cut)))
    if len(rows) > SHOWN:
        told = book.pick(f"此页列前 {SHOWN} 个; 全部见下一表。", f"the first {SHOWN} are here; the next sheet has all.")
        facts.append((book.pick("情景", "scenarios"), f"{len(rows)}; {told}"))
    sheet, row = front_sheet(book, title, facts)
    heads = book.pick(
        "情景|成本 (元)|比基准 (元)|比基准 (%)|覆盖 (吨)|缺口 (吨)",
        "scenario|cost (yuan)|to the base (yuan)|to the base (%)|covered (t)|short (t)",
    )
    shown = rows[:SHOWN]
    first = row + 2
    cells = [_beside(book, cells, n, first, shown[0]) for n, cells in enumerate(shown)]
    table_at(book, sheet, row, (heads.split("|"), cells))
    last = row + 1 + len(shown)
    height = 140 + 26 * len(shown)
    chart = book.chart("bar", book.pick("各情景成本 (元)", "Cost by scenario (yuan)"), book.pick("元", "yuan"), height)
    name = book.pick("摘要", "Summary")
    book.series(chart, name, f"$A${first}:$A${last}", f"$B${first}:$B${last}", f"$B${row + 1}", 0)
    chart.set_legend({"none": True})
    sheet.insert_chart(last + 1, 0, chart, {"description": book.pick("各情景成本", "cost by scenario")})


def _beside(book: Book, cells: list[Any], k: int, first: int, base: list[Any]) -> list[Any]:
    """A row of the first sheet: the scenario's numbers where the next sheet has them, and what they differ by."""
    known = dict(zip(COLUMNS, cells, strict=True))
    start = dict(zip(COLUMNS, base, strict=True))["cost_fen"]
    there, n = f"'{SHEETS['scenarios'].say(book.lang)}'!", first + k
    cost, covered, short = (known[c] for c in ("cost_fen", "covered_kg", "shortfall_kg"))
    if cost is None:
        return [known["title"], known["status"]]

    def taken(name: str, value: Decimal) -> Live:
        return Live(f"={there}{AT[name]}{k + 2}", value)

    more = None if start is None else Live(f"=B{n}-B${first}", cost - start)
    rate = Live(f"=IF(B${first}=0,0,C{n}/B${first})", (cost - start) / start if start else Decimal(0))
    costs = [taken("cost_fen", cost), more, rate]
    return [known["title"], *costs, taken("covered_kg", covered), taken("shortfall_kg", short)]


# ---------------------------------------------------------------------------------------------------------------- rows


def _live(cells: list[Any], n: int) -> list[Any]:
    """A row of the sheet of scenarios, its differences and its average as formulas."""
    known = dict(zip(COLUMNS, cells, strict=True))
    cost, covered = known["cost_fen"], known["covered_kg"]
    if known["cost_change_fen"] is not None:
        known["cost_change_fen"] = Live(f"={AT['cost_fen']}{n}-{AT['cost_fen']}$2", known["cost_change_fen"])
        more = f"={AT['covered_kg']}{n}-{AT['covered_kg']}$2"
        known["covered_change_kg"] = Live(more, known["covered_change_kg"])
    if known["average_price_fen"] is not None:
        average = (cost / covered).quantize(Decimal("0.01"), ROUND_HALF_UP)
        known["average_price_fen"] = Live(f"=ROUND({AT['cost_fen']}{n}/{AT['covered_kg']}{n},2)", average)
    return list(known.values())


def _scenarios(table: SideBySide, lang: Language) -> tuple[list[str], list[list[Any]]]:
    """The frame with t for kg and yuan for fen."""
    units = {"zh": {"千克": "吨", "分": "元"}, "en": {"kg": "t", "fen": "yuan"}}[lang]
    heads = [text.say(lang) for text in COLUMNS.values()]
    for name, other in units.items():
        heads = [_unit(head, name, other, lang) for head in heads]
    frame = table.frame(lang).astype(object)
    return heads, [[_cell(name, value) for name, value in zip(COLUMNS, row, strict=True)] for row in frame.to_numpy()]


def _unit(head: str, name: str, other: str, lang: Language) -> str:
    if lang == "zh":
        return head.replace(f"({name}", f"({other}")
    return head.replace(f", {name}", f", {other}")


def _is_number(column: str) -> bool:
    """By its name: kg and t, fen and yuan, counts."""
    return column.endswith(("_kg", "_fen", "_t")) or column in NUMBERS


def _cell(name: str, value: Any) -> Any:
    """A number in t or yuan, a text, or None."""
    if pd.isna(value):
        return None
    if name.endswith("_kg"):
        return Decimal(tonnes(int(value)))
    if name.endswith("_fen"):
        return Decimal(yuan(int(value)))
    return _number(value) if _is_number(name) else str(value)


def _number(value: Any) -> Decimal | None:
    return Decimal(str(value)) if str(value) else None


def _changed(row: Row, lang: Language) -> list[dict[str, str]]:
    if row.changes is None:
        return []
    kept = KIND_NAMES["kept"].say(lang)
    return [x for x in row.changes.rows(lang) if x["kind"] != kept]
