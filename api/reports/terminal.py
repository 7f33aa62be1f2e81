"""A plan as a person reads it in a terminal or a file: 80 columns, Chinese or English, the answer first.

Order: headline, what to buy, tiers, years, where to cancel, proof, why others are out, prices, causes and repairs,
warnings, plan id. Everything shown stands in the plan; nothing is computed here but sums of a table's own rows.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TextIO

from api.reports.page import Page, bar, say_notes
from api.reports.why_sections import WHY
from api.reports.words import (
    PROOF_MEANINGS,
    PROOFS,
    event_names,
    grouped,
    level_name,
    percent,
    pick,
    proof_summary,
    rule_name,
    unit_name,
    warnings_by_kind,
)
from optimizer.plan import Line, Plan
from optimizer.wording import Language


def show_plan(plan: Plan, lang: Language, stream: TextIO) -> None:
    """Writes the report of a plan."""
    page = Page(stream)
    for part in (
        _headline,
        _events,
        _lines,
        _tiers,
        _years,
        _registries,
        _levels,
        *WHY,
        _warnings,
        _footer,
    ):
        part(page, plan, lang)
    page.write()


def _headline(page: Page, plan: Plan, lang: Language) -> None:
    names = event_names(plan)
    n, totals = len(plan.events), plan.totals
    shown = names[plan.events[0].id] if n == 1 else pick(lang, f"{n} 个活动", f"{n} events")
    page.title(pick(lang, f"晋衡采购方案: {shown}", f"jinheng purchase plan: {shown}"))
    if plan.status == "covered":
        zh = f"已全部覆盖: 需 {grouped(totals.required_t)} 吨, 覆盖 {grouped(totals.covered_t)} 吨。"
        en = f"Covered in full: {grouped(totals.covered_t)} t of {grouped(totals.required_t)} t."
        page.title(pick(lang, zh, en), "bold green")
    else:
        zh = f"未能全部覆盖: 需 {grouped(totals.required_t)} 吨, 缺口 {grouped(totals.shortfall_t)} 吨。"
        en = f"Short: {grouped(totals.shortfall_t)} t of {grouped(totals.required_t)} t are not covered."
        page.title(pick(lang, zh, en), "bold red")
    average = "" if totals.average_price is None else grouped(totals.average_price)
    if average:
        zh, en = f", 平均 {average} 元/吨", f", {average} yuan per covered t on average"
        average = pick(lang, zh, en)
    page.line(pick(lang, f"成本 {grouped(totals.cost)} 元{average}。", f"Cost {grouped(totals.cost)} yuan{average}."))
    page.line(_validity(plan, lang))
    page.line(pick(lang, f"证明: {proof_summary(plan, lang)}。", f"Proof: {proof_summary(plan, lang)}."))
    missed = [r for r in plan.rules if r.missed_t is not None]
    for rule in missed:
        name, owner = rule_name(rule.rule, lang), rule.event_id or ""
        zh, en = (
            f"未达到{name} ({owner}): 差 {grouped(rule.missed_t)} 吨。",
            f"Missed {name} ({owner}) by {grouped(rule.missed_t)} t.",
        )
        page.title(pick(lang, zh, en), "bold yellow")


def _validity(plan: Plan, lang: Language) -> str:
    if plan.valid_until is None:
        zh, en = (
            f"计划日期 {plan.as_of}; 所用报价未写有效期。",
            f"Made as of {plan.as_of}; the offers used name no expiry.",
        )
    else:
        zh = f"计划日期 {plan.as_of}; 报价有效至 {plan.valid_until}。"
        en = f"Made as of {plan.as_of}; prices are valid until {plan.valid_until}."
    if not plan.reproducible:
        zh, en = zh + " 因限时中断, 结果不可复现。", en + " Cut by the time limit: not reproducible."
    return pick(lang, zh, en)


def _events(page: Page, plan: Plan, lang: Language) -> None:
    if len(plan.events) == 1:
        event = plan.events[0]
        if Decimal(event.shortfall_t) > 0 and event.verified_short_t != event.shortfall_t:
            t = grouped(event.verified_short_t)
            zh, en = f"不计多抵销的余量, 缺口为 {t} 吨。", f"Against the emissions without the margin: {t} t short."
            page.line(pick(lang, zh, en))
        return
    page.section(pick(lang, "活动", "Events"))
    heads = pick(lang, "活动|>需 吨|>覆盖 吨|>缺口 吨|>成本 元", "event|>need t|>covered t|>short t|>cost yuan")
    page.table(
        heads,
        [
            (e.id, grouped(e.required_t), grouped(e.covered_t), grouped(e.shortfall_t), grouped(e.cost))
            for e in plan.events
        ],
    )


def _lines(page: Page, plan: Plan, lang: Language) -> None:
    page.section(pick(lang, "买什么", "What to buy"))
    if not plan.lines:
        page.line(
            pick(
                lang,
                "没有可买的: 没有报价符合条件, 或预算不够一手。",
                "Nothing: no offer qualifies, or no lot is affordable.",
            )
        )
        return
    letters = _letters(plan)
    heads = pick(lang, "报价|层|>吨|>元/吨|>元|购买日|注销期限|处", "offer|tier|>t|>yuan/t|>yuan|buy on|cancel by|at")
    names, rows = event_names(plan), list[Sequence[str] | str]()
    for event in plan.events:
        mine = [x for x in plan.lines if x.event_id == event.id]
        if len(plan.events) > 1 and mine:
            rows.append(event.id if names[event.id] == event.id else f"{event.id}  {names[event.id]}")
        rows += [_line(x, letters) for x in mine]
    page.table(heads, rows)
    notes = []
    if any(not x.firm for x in plan.lines):
        notes.append(pick(lang, "~ 非确定报价", "~ indicative price"))
    if any(x.late for x in plan.lines):
        notes.append(pick(lang, "! 晚于一年期限", "! after the one-year deadline"))
    if notes:
        page.line("; ".join(notes))


def _line(x: Line, letters: dict[str, str]) -> tuple[str, ...]:
    return (
        x.offer_id + ("" if x.firm else " ~"),
        str(x.tier),
        grouped(x.contracted_t),
        grouped(x.unit_price),
        grouped(x.cost),
        str(x.purchase_date),
        str(x.retire_by) + ("!" if x.late else ""),
        letters[x.registry],
    )


def _letters(plan: Plan) -> dict[str, str]:
    """Registry -> a short mark for the table of purchases."""
    names = [r.registry for r in plan.registries]
    return {name: chr(ord("A") + k) if k < 26 else str(k) for k, name in enumerate(names)}


def _tiers(page: Page, plan: Plan, lang: Language) -> None:
    page.section(pick(lang, f"层级 ({plan.policy.id})", f"Tiers ({plan.policy.id})"))
    heads = pick(lang, "层|名称|>吨|>占所需||>元", "tier|name|>t|>of need||>yuan")
    rows = [
        (str(t.tier), t.name, grouped(t.effective_t), percent(t.share), bar(float(t.share)), grouped(t.cost))
        for t in plan.tiers
    ]
    page.table(heads, rows, wide=1)
    for t in plan.tiers:
        if t.note is not None:
            page.line(pick(lang, f"第 {t.tier} 层: {t.note}。", f"Tier {t.tier}: {t.note}."))


def _years(page: Page, plan: Plan, lang: Language) -> None:
    """Spending by year of those who have a budget and, of a calendar, of all events together."""
    if not plan.fiscal_years:
        return
    page.section(pick(lang, "财政年度", "Fiscal years"))
    heads = pick(lang, "年度|>支出 元|>预算 元|>结转 元", "year|>spent yuan|>budget yuan|>carried yuan")
    totals = {str(e["id"]): e["budget"].get("total") for e in _owners(plan) if e.get("budget")}
    if len(plan.events) == 1 and not plan.problem.get("calendar", {}).get("budget"):
        rows = [(str(f.year), grouped(f.spent), grouped(f.budget), grouped(f.carried)) for f in plan.fiscal_years]
        page.table(heads, rows)
    else:
        several = [
            (
                f.event_id or pick(lang, "共用预算", "shared budget"),
                str(f.year),
                *map(grouped, (f.spent, f.budget, f.carried)),
            )
            for f in plan.fiscal_years
            if (f.event_id or "") in totals
        ]
        page.table(pick(lang, "活动|", "event|") + heads, [*several, *_all_events(plan, lang)])
    for owner, amount in totals.items():
        if amount is not None:
            whose = f" ({owner})" if owner and len(plan.events) > 1 else ""
            page.line(
                pick(lang, f"预算总额{whose}: {grouped(amount)} 元", f"Budget in all{whose}: {grouped(amount)} yuan")
            )


def _all_events(plan: Plan, lang: Language) -> list[tuple[str, ...]]:
    spent: dict[int, Decimal] = {}
    for f in plan.fiscal_years:
        if f.event_id is not None:
            spent[f.year] = spent.get(f.year, Decimal(0)) + Decimal(f.spent)
    return [(pick(lang, "全部活动", "all events"), str(y), grouped(str(s)), "-", "-") for y, s in sorted(spent.items())]


def _owners(plan: Plan) -> list[dict[str, Any]]:
    """Events as the problem has them, and the calendar's shared budget under the id ""."""
    calendar = plan.problem.get("calendar", {})
    return [*calendar.get("events", []), {"id": "", "budget": calendar.get("budget")}]


def _registries(page: Page, plan: Plan, lang: Language) -> None:
    if not plan.registries:
        return
    page.section(pick(lang, "在哪里注销", "Where to cancel"))
    letters = _letters(plan)
    heads = pick(lang, "处|登记机构|>吨|>行数|最早期限", "at|registry|>t|>lines|first deadline")
    rows = [
        (letters[r.registry], r.registry, grouped(r.contracted_t), str(r.lines), str(r.retire_by))
        for r in plan.registries
    ]
    page.table(heads, rows, wide=1)


def _levels(page: Page, plan: Plan, lang: Language) -> None:
    page.section(pick(lang, "证明: 目标依次取最小", "Proof: goals minimised in this order"))
    heads = pick(lang, "目标|>值|>下界|>差距|单位|证明", "goal|>value|>bound|>gap|unit|proof")
    rows = [
        (
            level_name(x.name, lang),
            grouped(x.value),
            grouped(x.bound),
            grouped(x.gap),
            unit_name(x.unit, lang) if x.unit == "t" else pick(lang, "元", "yuan"),
            PROOFS[x.proof].say(lang),
        )
        for x in plan.levels
    ]
    page.table(heads, rows)
    for kind in PROOFS:
        if any(x.proof == kind for x in plan.levels):
            page.line(PROOF_MEANINGS[kind].say(lang))
    if plan.cost_of_whole_lots is not None:
        amount = grouped(plan.cost_of_whole_lots)
        zh, en = (
            f"整手、最小量与固定费用使成本多 {amount} 元。",
            f"Whole lots, minimums and fixed fees cost {amount} yuan.",
        )
        page.line(pick(lang, zh, en))


def _warnings(page: Page, plan: Plan, lang: Language) -> None:
    kinds = warnings_by_kind(plan)
    say_notes(page, [(f"{place}: {message}" if place else message, n) for message, place, n in kinds], lang)


def _footer(page: Page, plan: Plan, lang: Language) -> None:
    page.line("")
    page.line(pick(lang, f"方案编号 {plan.plan_id}", f"Plan id {plan.plan_id}"), "dim")
    snapshot = plan.provenance["offers_sha256"]
    page.line(pick(lang, f"行情快照 {snapshot}", f"Snapshot {snapshot}"), "dim")
    engine = plan.provenance["engine"]
    versions = f"jinheng {engine}, HiGHS {plan.provenance['highs']}, {plan.policy.id} v{plan.policy.version}"
    page.line(versions, "dim")
