"""What became of a plan, as a person reads it in a terminal: 80 columns, Chinese or English, the answer first.

Order: headline, the lines that changed, why, tiers, years, what of the old plan could still be bought, warnings, ids.
Everything shown stands in the comparison; nothing is computed here but sums of a table's own rows.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TextIO

from api.reports.page import Page, say_findings
from api.reports.words import OUTCOMES, event_names, grouped, pick, rule_name
from optimizer.findings import Finding
from optimizer.quantities import fen_of, tonnes, yuan
from optimizer.wording import Language, counted
from scenarios.compare import KIND_NAMES, ChangedLine, Changes
from scenarios.keeping import STATE_NAMES, KeptLine
from scenarios.offer_facts import Cause

LINES_SHOWN = 60
"""A screen or two; the document has all."""
NAMES_SHOWN = 6
"""Offers named before one reason that they share; the table above names all."""


def show_changes(changes: Changes, lang: Language, stream: TextIO, findings: Sequence[Finding] = ()) -> None:
    """Writes the report of what changed from one plan to another; `findings` are warnings about the old plan."""
    page = Page(stream)
    for part in (_headline, _lines, _causes, _tiers, _years, _old_plan):
        part(page, changes, lang)
    say_findings(page, findings, lang)
    _footer(page, changes, lang)
    page.write()


def _headline(page: Page, changes: Changes, lang: Language) -> None:
    before, after, totals = changes.before, changes.after, changes.totals()
    names, n = event_names(after), len(after.events)
    shown = names[after.events[0].id] if n == 1 else pick(lang, f"{n} 个活动", f"{n} events")
    page.title(pick(lang, f"晋衡重新计划: {shown}", f"jinheng plan again: {shown}"))
    a, b = OUTCOMES[before.status].say(lang), OUTCOMES[after.status].say(lang)
    covered, need = after.totals.covered_t, after.totals.required_t
    zh = f"{_arrow(a, b)}: 需 {grouped(need)} 吨, 覆盖 {_both(totals['covered_t'])} 吨。"
    en = f"{_arrow(a, b).capitalize()}: {_both(totals['covered_t'])} t of {grouped(need)} t."
    page.title(pick(lang, zh, en), "bold green" if after.status == "covered" else "bold red")
    if Decimal(covered) < Decimal(need) or before.status != after.status:
        short = _both(totals["shortfall_t"])
        page.line(pick(lang, f"缺口 {short} 吨。", f"Shortfall {short} t."))
    cost, price = totals["cost"], totals["average_price"]
    zh = f"成本 {_both(cost)} 元 ({_signed(cost['difference'])}), 平均 {_both(price)} 元/吨。"
    en = f"Cost {_both(cost)} yuan ({_signed(cost['difference'])}), {_both(price)} yuan per covered t on average."
    page.line(pick(lang, zh, en))
    for rule in (r for r in after.rules if r.missed_t is not None):
        name, missed = rule_name(rule.rule, lang), grouped(rule.missed_t)
        page.title(pick(lang, f"未达到{name}: 差 {missed} 吨。", f"Missed {name} by {missed} t."), "bold yellow")
    days = _arrow(str(before.as_of), str(after.as_of))
    page.line(pick(lang, f"计划日期 {days}。", f"Made as of {days}."))
    counts = ", ".join(f"{KIND_NAMES[k].say(lang)} {c}" for k, c in changes.count().items())
    page.line(pick(lang, f"各行: {counts or '没有采购'}。", f"Lines: {counts or 'nothing is bought'}."))


def _arrow(a: str, b: str) -> str:
    return a if a == b else f"{a} → {b}"


def _both(pair: dict[str, Any]) -> str:
    return _arrow(grouped(pair["before"]), grouped(pair["after"]))


def _signed(number: str | None) -> str:
    """A difference with its sign."""
    if number is None:
        return "-"
    return f"+{grouped(number)}" if Decimal(number) > 0 else grouped(number)


def _told(changes: Changes) -> list[ChangedLine]:
    """The changed lines in the order in which they are told: by event, gone first, then as the plan has them.

    Lines that are only bought on another day, because the day of planning moved, are counted and not listed.
    """
    order = list(KIND_NAMES)
    return sorted((x for x in changes.changed if not _moved_only(x)), key=lambda x: (x.event_id, order.index(x.kind)))


def _moved_only(x: ChangedLine) -> bool:
    return x.kind == "other_date" and [c.code for c in x.causes] == ["date_moved"]


def _lines(page: Page, changes: Changes, lang: Language) -> None:
    page.section(pick(lang, "哪些行变了", "What changed"))
    told = _told(changes)
    moved = sum(_moved_only(x) for x in changes.changed)
    if not told and not moved:
        page.line(pick(lang, "没有变化: 照旧购买即可。", "Nothing: buy as planned."))
        return
    heads = pick(
        lang, "报价|变化|>此前 吨|>现在 吨|>此前 元|>现在 元|>差 元", "offer|change|>t|>now t|>yuan|>now yuan|>more"
    )
    rows = list[Sequence[str] | str]()
    several = len({x.event_id for x in changes.lines}) > 1
    for k, x in enumerate(told[:LINES_SHOWN]):
        if several and (k == 0 or told[k - 1].event_id != x.event_id):
            rows.append(x.event_id)
        rows.append(_row(x, lang))
    if rows:
        page.table(heads, rows)
    _rest(page, len(told), lang)
    if moved:
        zh, en = (
            f"{moved} 行只因计划日期不同而改在另一天购买。",
            f"{counted(moved, 'line only moves', 'lines only move')} with the day of planning.",
        )
        page.line(pick(lang, zh, en))
    kept = [x for x in changes.lines if x.kind == "kept"]
    if kept:
        t, cost = tonnes(sum(x.after.contracted_kg for x in kept)), yuan(sum(x.after.cost_fen for x in kept))
        zh = f"另有 {len(kept)} 行不变: {grouped(t)} 吨, {grouped(cost)} 元。"
        en = f"{counted(len(kept), 'line is', 'lines are')} kept: {grouped(t)} t, {grouped(cost)} yuan."
        page.line(pick(lang, zh, en))


def _row(x: ChangedLine, lang: Language) -> tuple[str, ...]:
    return (
        x.offer_id,
        KIND_NAMES[x.kind].say(lang),
        grouped(tonnes(x.before.contracted_kg)),
        grouped(tonnes(x.after.contracted_kg)),
        grouped(yuan(x.before.cost_fen)),
        grouped(yuan(x.after.cost_fen)),
        _signed(yuan(x.cost_change_fen)),
    )


def _rest(page: Page, n: int, lang: Language) -> None:
    if n > LINES_SHOWN:
        rest = n - LINES_SHOWN
        page.line(
            pick(lang, f"另有 {rest} 行, 见 JSON。", f"{counted(rest, 'more line', 'more lines')}: see the JSON.")
        )


def _causes(page: Page, changes: Changes, lang: Language) -> None:
    """Under each changed line its causes; lines of one kind with the very same causes are told together."""
    told = _told(changes)[:LINES_SHOWN]
    if not told:
        return
    page.section(pick(lang, "为什么", "Why"))
    together: dict[tuple[str, str], list[ChangedLine]] = {}
    for x in told:
        together.setdefault((x.kind, _said(x.causes, lang)), []).append(x)
    for (_, said), rows in together.items():
        kind = KIND_NAMES[rows[0].kind].say(lang)
        page.item(f"{_names([x.offer_id for x in rows], lang)} {kind}: {said}")


def _names(offer_ids: Sequence[str], lang: Language) -> str:
    """Offers by name, a few, and how many more."""
    names = list(dict.fromkeys(offer_ids))
    more = len(names) - NAMES_SHOWN
    shown = ", ".join(names[:NAMES_SHOWN])
    return shown if more <= 0 else shown + pick(lang, f" 等 {len(names)} 个", f" and {more} more")


def _said(causes: Sequence[Cause], lang: Language) -> str:
    return "; ".join(c.message.say(lang) + ("" if c.clause is None else f" [{c.clause.say(lang)}]") for c in causes)


def _tiers(page: Page, changes: Changes, lang: Language) -> None:
    rows = [
        (str(t["tier"]), t["name"], *map(grouped, (m["before"], m["after"])), *map(grouped, (c["before"], c["after"])))
        for t in changes.tiers()
        for m, c in ((t["effective_t"], t["cost"]),)
        if m["difference"] != "0" or c["difference"] != "0.00"
    ]
    if rows:
        page.section(pick(lang, "有变化的层级", "Tiers that changed"))
        heads = pick(lang, "层|名称|>此前 吨|>现在 吨|>此前 元|>现在 元", "tier|name|>t|>now t|>yuan|>now yuan")
        page.table(heads, rows, wide=1)


def _years(page: Page, changes: Changes, lang: Language) -> None:
    rows = [
        (
            f["event_id"] or pick(lang, "共用预算", "shared budget"),
            str(f["year"]),
            *(grouped(f[name][side]) for name in ("spent", "budget") for side in ("before", "after")),
        )
        for f in changes.fiscal_years()
        if any(f[name]["before"] != f[name]["after"] for name in ("spent", "budget"))
    ]
    if rows:
        page.section(pick(lang, "有变化的财政年度", "Fiscal years that changed"))
        heads = pick(
            lang,
            "活动|年度|>此前支出|>现在支出|>此前预算|>现在预算",
            "event|year|>spent|>now spent|>budget|>now budget",
        )
        page.table(heads, rows)


def _old_plan(page: Page, changes: Changes, lang: Language) -> None:
    page.section(pick(lang, "原方案还能照做吗", "Can the old plan still be kept?"))
    old, new_cost = changes.old_plan, changes.after.totals.cost
    difference = old.cost_fen - fen_of(new_cost)
    cost, n = grouped(yuan(old.cost_fen)), sum(x.possible_kg < x.contracted_kg for x in old.lines)
    if old.whole:
        new, more = grouped(new_cost), _signed(yuan(difference))
        zh = f"能: 每一行都还买得到。照做需 {cost} 元, 新方案 {new} 元 (差 {more})。"
        en = f"Yes: every line can still be bought, for {cost} yuan against {new} for the new plan ({more})."
        page.line(pick(lang, zh, en))
    elif n:
        zh = f"不能: {len(old.lines)} 行中 {n} 行买不全。"
        en = f"No: {n} of {len(old.lines)} lines cannot be bought in full."
        page.line(pick(lang, zh, en))
    for cause in old.broken:
        page.line(pick(lang, f"不能: {cause.message.zh}。", f"No: it {cause.message.en}."))
    if not old.whole or old.shortfall_kg:
        covered, short = grouped(tonnes(old.covered_kg)), grouped(tonnes(old.shortfall_kg))
        zh = f"其中还买得到的共 {cost} 元, 覆盖 {covered} 吨, 缺口 {short} 吨; 新方案 {grouped(new_cost)} 元。"
        en = (
            f"What can still be bought costs {cost} yuan and covers {covered} t, {short} t short; "
            f"the new plan costs {grouped(new_cost)} yuan."
        )
        page.line(pick(lang, zh, en))
    _old_lines(page, [x for x in old.lines if x.state != "as_bought"], lang)


def _old_lines(page: Page, lines: Sequence[KeptLine], lang: Language) -> None:
    if not lines:
        return
    heads = pick(
        lang,
        "原方案的行||>原买 吨|>还能买 吨|>此前 元|>现在 元",
        "line of the old plan||>t|>possible t|>yuan|>now yuan",
    )
    shown = lines[:LINES_SHOWN]
    rows = [
        (
            x.offer_id,
            STATE_NAMES[x.state].say(lang),
            grouped(tonnes(x.contracted_kg)),
            grouped(tonnes(x.possible_kg)),
            grouped(yuan(x.cost_before_fen)),
            grouped(yuan(x.cost_fen)),
        )
        for x in shown
    ]
    page.table(heads, rows)
    _rest(page, len(lines), lang)
    together: dict[str, list[str]] = {}
    for x in shown:
        if x.causes:
            together.setdefault(_said(x.causes, lang), []).append(x.offer_id)
    for said, names in together.items():
        page.item(f"{_names(names, lang)}: {said}")


def _footer(page: Page, changes: Changes, lang: Language) -> None:
    page.line("")
    before, after = changes.before.plan_id, changes.after.plan_id
    page.line(pick(lang, f"原方案编号 {before}", f"Old plan id {before}"), "dim")
    page.line(pick(lang, f"新方案编号 {after}", f"New plan id {after}"), "dim")
