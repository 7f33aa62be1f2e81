"""Exact curves as CSV, workbooks and pictures: every breakpoint, as decimals rounded half up to fen, kg, a millionth.

The CSV is the table of breakpoints alone; the workbook has a sheet for each part of the answer.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from api.curve_answers import BudgetAnswer, FrontierAnswer
from api.reports.tables import Table, csv_bytes, workbook_bytes
from api.reports.words import pick
from optimizer import Problem
from optimizer.wording import Language, Text

TEXTS = ("knee", "plan", "proof", "event", "offer", "of", "kind", "reason", "text")
"""Columns of words; all others are numbers."""
HEADS = {
    "cost": Text("成本 (元)", "cost (yuan)"),
    "spent": Text("花费 (元)", "spent (yuan)"),
    "money": Text("预算 (元)", "budget (yuan)"),
    "need": Text("排放倍数", "emissions (times)"),
    "margin": Text("余量", "margin"),
    "required_t": Text("需要量 (吨)", "required (t)"),
    "covered_t": Text("覆盖量 (吨)", "covered (t)"),
    "shortfall_t": Text("缺口 (吨)", "shortfall (t)"),
    "missed_t": Text("未满足的份额下限 (吨)", "missed min shares (t)"),
    "rank_t": Text("离顺序 (吨)", "off the order (t)"),
    "knee": Text("拐点", "knee"),
    "next_tier": Text("下一元所买层级", "next yuan buys tier"),
    "yuan_per_t": Text("再一吨 (元/吨)", "next tonne (yuan/t)"),
    "t_per_10000_yuan": Text("每万元 (吨)", "t per 10,000 yuan"),
    "from": Text("由 (元)", "from (yuan)"),
    "to": Text("到 (元)", "to (yuan)"),
    "text": Text("说明", "in words"),
    "plan": Text("方案", "plan"),
    "proof": Text("证明", "proof"),
    "event": Text("活动", "event"),
    "offer": Text("报价", "offer"),
    "contracted_t": Text("购买量 (吨)", "contracted (t)"),
    "change_t": Text("与基准之差 (吨)", "change to the base (t)"),
    "difference": Text("不同的比例", "share that differs"),
    "of": Text("报价或品种", "offer or instrument"),
    "kind": Text("种类", "kind"),
    "present": Text("现价", "present price"),
    "break_even": Text("保本价", "break-even price"),
    "price": Text("价格至多", "price up to"),
    "share": Text("占需要量", "share of the need"),
    "reason": Text("原因", "reason"),
}
SHEETS = {
    "points": Text("转折点", "Breakpoints"),
    "stretches": Text("区间", "Stretches"),
    "ends": Text("两端 (整手)", "Ends in whole lots"),
    "portfolios": Text("其他方案", "Alternatives"),
    "lines": Text("其他方案的行", "Lines of alternatives"),
    "break_evens": Text("保本价", "Break-even prices"),
    "steps": Text("保本价的各步", "Steps of break-evens"),
}

type Rows = list[dict[str, Any]]


def frontier_csv(answer: FrontierAnswer, lang: Language) -> bytes:
    """One row a breakpoint of the frontier, UTF-8 with BOM, heads in the caller's language."""
    return _csv(_frontier_rows(answer.as_dict(lang)), lang)


def budget_csv(answer: BudgetAnswer, lang: Language) -> bytes:
    """One row a breakpoint of a curve."""
    return _csv(_curve_rows(answer.as_dict(lang)), lang)


def frontier_workbook(answer: FrontierAnswer, lang: Language) -> bytes:
    """Breakpoints, stretches, ends in whole lots, and alternatives when there are any."""
    told = answer.as_dict(lang)
    stretches = [_kept(s, "from", "to", "yuan_per_t") | {"text": s["text"]} for s in told["stretches"]]
    ends = [
        {"plan": e["objective"]} | _kept(e, "cost", "shortfall_t") | _tiers(e) | {"proof": e["proof"]}
        for e in told["whole_lots"]
    ]
    sheets: dict[str, Rows] = {"points": _frontier_rows(told), "stretches": stretches, "ends": ends}
    if told["alternatives"] is not None:
        found = told["alternatives"]["portfolios"]
        sheets["portfolios"] = [
            {"plan": str(k)} | _kept(p, "cost", "shortfall_t", "difference") | _tiers(p) for k, p in enumerate(found)
        ]
        sheets["lines"] = [line for k, p in enumerate(found) for line in _lines(k, p)]
    title = pick(lang, "晋衡: 成本与顺序的精确边界", "jinheng: exact frontier of cost and order")
    return _workbook(sheets, answer.problem, title, lang)


def budget_workbook(answer: BudgetAnswer, lang: Language) -> bytes:
    """Breakpoints, and break-even prices with their steps when there are any."""
    told = answer.as_dict(lang)
    sheets: dict[str, Rows] = {"points": _curve_rows(told)}
    if told["break_evens"]:
        sheets["break_evens"] = [_kept(b, "of", "kind", "present", "break_even", "reason") for b in told["break_evens"]]
        sheets["steps"] = [step for b in told["break_evens"] for step in _steps(b)]
    return _workbook(sheets, answer.problem, pick(lang, "晋衡: 精确曲线", "jinheng: exact curve"), lang)


def frontier_picture(kind: str) -> Callable[[FrontierAnswer, Language], bytes]:
    """What draws a frontier as a file of this kind."""

    def draw(answer: FrontierAnswer, lang: Language) -> bytes:
        from api.reports.pictures import picture
        from scenarios.charts import frontier_chart

        return picture(frontier_chart(answer.frontier, lang), kind)

    return draw


def budget_picture(kind: str) -> Callable[[BudgetAnswer, Language], bytes]:
    """What draws a curve as a file of this kind."""

    def draw(answer: BudgetAnswer, lang: Language) -> bytes:
        from api.reports.pictures import picture
        from scenarios.charts import curve_chart

        return picture(curve_chart(answer.curve, lang), kind)

    return draw


DRAWN = (".html", ".svg", ".png")
FRONTIER_WRITERS: dict[str, Callable[[Any, Language], bytes]] = {
    ".csv": frontier_csv,
    ".xlsx": frontier_workbook,
    **{kind: frontier_picture(kind) for kind in DRAWN},
}
BUDGET_WRITERS: dict[str, Callable[[Any, Language], bytes]] = {
    ".csv": budget_csv,
    ".xlsx": budget_workbook,
    **{kind: budget_picture(kind) for kind in DRAWN},
}


# ---------------------------------------------------------------------------------------------------------------- rows


def _kept(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names}


def _tiers(row: dict[str, Any]) -> dict[str, Any]:
    return {f"tier {r}": t for r, t in enumerate(row["tiers"], start=1)}


def _frontier_rows(told: dict[str, Any]) -> Rows:
    rows = []
    for k, point in enumerate(told["points"]):
        after = told["stretches"][k] if k < len(told["stretches"]) else {}
        knee = {"knee": "*" if point["knee"] else ""}
        following = {"next_tier": after.get("gaining_tier"), "yuan_per_t": after.get("yuan_per_t")}
        amounts = _kept(point, "cost", "spent", "required_t", "covered_t", "shortfall_t", "missed_t")
        rows.append(amounts | _tiers(point) | _kept(point, "rank_t") | knee | following)
    return rows


def _curve_rows(told: dict[str, Any]) -> Rows:
    rows = []
    for k, point in enumerate(told["points"]):
        after = told["marginals"][k] if k < len(told["marginals"]) else {}
        following = {name: after.get(name) for name in ("t_per_10000_yuan", "yuan_per_t")}
        amounts = _kept(point, told["against"], "required_t", "covered_t", "shortfall_t", "missed_t", "cost", "spent")
        rows.append(amounts | _tiers(point) | following)
    return rows


def _lines(number: int, portfolio: dict[str, Any]) -> Rows:
    """What a portfolio buys, and what the base buys and it does not."""
    changes = {(c["event_id"], c["offer_id"]): c["change_t"] for c in portfolio["changes"]}
    bought = {(x["event_id"], x["offer_id"]): x["contracted_t"] for x in portfolio["lines"]}
    return [
        {
            "plan": str(number),
            "event": key[0],
            "offer": key[1],
            "contracted_t": bought.get(key, "0"),
            "change_t": changes.get(key, "0"),
        }
        for key in sorted({*changes, *bought})
    ]


def _steps(one: dict[str, Any]) -> Rows:
    return [
        {
            "of": one["of"],
            "price": step.get("price_up_to", step.get("factor_up_to")),
            "contracted_t": step["contracted_t"],
            "share": step["share"],
        }
        for step in one["steps"]
    ]


# --------------------------------------------------------------------------------------------------------------- files


def _head(name: str, lang: Language) -> str:
    if name in HEADS:
        return HEADS[name].say(lang)
    number = name.removeprefix("tier ")
    return f"第 {number} 层 (吨)" if lang == "zh" else f"tier {number} (t)"


def _table(rows: Rows, lang: Language) -> Table:
    """Heads in the caller's language; decimals as numbers, words as text."""
    names = list(rows[0]) if rows else []
    return [_head(name, lang) for name in names], [[_cell(name, row[name]) for name in names] for row in rows]


def _cell(name: str, value: Any) -> Any:
    return value if value is None or name in TEXTS else Decimal(str(value))


def _csv(rows: Rows, lang: Language) -> bytes:
    return csv_bytes(*_table(rows, lang))


def _workbook(sheets: dict[str, Rows], problem: Problem, title: str, lang: Language) -> bytes:
    tables = {SHEETS[name].say(lang): _table(rows, lang) for name, rows in sheets.items()}
    return workbook_bytes(lang, title, problem, (), tables)
