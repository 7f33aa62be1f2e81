"""The part of a plan's report that says why: what is out, what was beaten by how much, prices, causes and repairs."""

from collections.abc import Callable
from decimal import Decimal

from api.reports.page import Page
from api.reports.words import grouped, nearest_beaten, pick, reasons_out, rule_name, unit_name
from optimizer.plan import Plan
from optimizer.wording import Language

BEATEN_SHOWN = 5
RULES_SHOWN = 8


def left_out(page: Page, plan: Plan, lang: Language) -> None:
    """How many offers are in and out, and why, with the clause."""
    summary = plan.offers_summary
    page.section(pick(lang, "其余报价为何不选", "Why the other offers are out"))
    zh = f"选用 {summary['used']}, 落选 {summary['beaten']}, 不合条件 {summary['left_out']}。"
    en = f"{summary['used']} used, {summary['beaten']} beaten, {summary['left_out']} not eligible."
    if len(plan.events) > 1:
        zh, en = f"按活动逐个计: {zh}", f"Counted for each event: {en}"
    page.line(pick(lang, zh, en))
    rows = [(grouped(str(n)), message, clause) for n, message, clause in reasons_out(plan)]
    if rows:
        heads = pick(lang, ">个|原因|依据", ">offers|reason|clause")
        page.table(heads, rows, wide=1)


def beaten(page: Page, plan: Plan, lang: Language) -> None:
    """The beaten offers that were nearest to being bought."""
    nearest = nearest_beaten(plan, BEATEN_SHOWN)
    if nearest:
        page.line("")
        page.line(
            pick(
                lang,
                "最接近入选的落选报价 (全包价降到保本价即可入选):",
                "Nearest of the beaten (bought if the all-in price fell to break-even):",
            )
        )
        several = len(plan.events) > 1
        heads = pick(lang, "报价|>全包价 元/吨|>保本价 元/吨", "offer|>all-in yuan/t|>break-even yuan/t")
        rows = [
            (
                state.offer_id + (f" ({state.event_id})" if several else ""),
                "-" if price is None else f"{price:,.2f}",
                grouped(state.break_even),
            )
            for state, price in nearest
        ]
        page.table(heads, rows)
        if any(price is not None and price < Decimal(state.break_even or "0") for state, price in nearest):
            zh = "全包价已低于保本价而仍未入选的, 受整手、最小量、固定费用或限额所阻。"
            en = "Where the price is below break-even already, lots, a minimum, a fee or a limit stands in the way."
            page.line(pick(lang, zh, en))
    by_order = sum(any(r.code == "beaten_by_order" for r in s.reasons) for s in plan.offers)
    if by_order:
        zh, en = (
            f"{by_order} 个因推荐顺序靠前的已足够而落选, 价格再低也不会选用。",
            f"{by_order} lost to the order: earlier tiers suffice, whatever their price.",
        )
        page.line(pick(lang, zh, en))


def rules(page: Page, plan: Plan, lang: Language) -> None:
    """What one more unit of each binding rule changes."""
    trivial = ("need", "order: shortfall") if plan.status == "short" else ()
    shown = [r for r in plan.rules if r.marginal is not None and not r.rule.startswith(trivial)]
    if not shown:
        return
    page.section(pick(lang, "起作用的规则及其价格", "Rules that bind, and their price"))
    heads = pick(lang, "规则|>多一单位改变|单位|", "rule|>one more changes|unit|")
    rows = []
    for r in shown[:RULES_SHOWN]:
        owner = f" ({r.event_id})" if r.event_id and len(plan.events) > 1 else ""
        unsure = "" if r.unique is not False else pick(lang, "仅一侧", "one way only")
        rows.append((rule_name(r.rule, lang) + owner, grouped(r.marginal), unit_name(r.unit, lang), unsure))
    page.table(heads, rows)
    if len(shown) > RULES_SHOWN:
        rest = len(shown) - RULES_SHOWN
        page.line(pick(lang, f"另有 {rest} 条, 见 JSON 或工作簿。", f"{rest} more: see the JSON or the workbook."))


def order(page: Page, plan: Plan, lang: Language) -> None:
    """What the recommended order costs."""
    price = plan.price_of_order
    if price is None:
        return
    if not plan.rules:
        page.section(pick(lang, "顺序的代价", "The price of the order"))
    amount, cheapest = grouped(price["value"]), grouped(price["cheapest_cost"])
    zh = f"推荐顺序的代价: {amount} 元 (同样覆盖量的最便宜合规组合为 {cheapest} 元)。"
    en = f"The recommended order costs {amount} yuan over the cheapest lawful mix ({cheapest} yuan)."
    if not price["proven"]:
        low, high = grouped(price["low"]), grouped(price["high"])
        zh, en = zh + f" 未完全证明: 在 {low} 与 {high} 元之间。", en + f" Not proven: between {low} and {high} yuan."
    page.line(pick(lang, zh, en))
    if "without_budget" in price:
        amount = grouped(price["without_budget"])
        zh, en = (
            f"预算已用尽, 会压低这一代价; 若无预算则为 {amount} 元。",
            f"The budget binds and hides part of it; without a budget: {amount} yuan.",
        )
        page.line(pick(lang, zh, en))
    if "order_first_covered_t" in price and plan.status == "short":
        t, now = grouped(price["order_first_covered_t"]), grouped(plan.totals.covered_t)
        zh = f"若严格按推荐顺序 (order-first), 这笔预算覆盖 {t} 吨, 而不是 {now} 吨。"
        en = f"In the recommended order (order-first) this budget covers {t} t instead of {now} t."
        page.line(pick(lang, zh, en))


def causes(page: Page, plan: Plan, lang: Language) -> None:
    """When short: what supply and limits allow at most."""
    if not plan.diagnosis:
        return
    page.section(pick(lang, "为什么不够", "Why it falls short"))
    heads = pick(lang, "原因|>至多 吨|>需 吨", "cause|>at most t|>needed t")
    rows = []
    for cause in plan.diagnosis:
        owner = f" ({cause['event_id']})" if cause["event_id"] and len(plan.events) > 1 else ""
        rows.append((str(cause["message"]) + owner, grouped(cause["at_most_t"]), grouped(cause["required_t"])))
    page.table(heads, rows)


def repairs(page: Page, plan: Plan, lang: Language) -> None:
    """When short: what would help, each solved."""
    if plan.status != "short":
        return
    page.section(pick(lang, "怎样补救 (每一项都已求解)", "What would help (each was solved)"))
    if not plan.repairs:
        page.line(
            pick(
                lang,
                "没有单项调整能减少缺口: 需要更多报价。",
                "No single change reduces the shortfall: more offers are needed.",
            )
        )
        return
    heads = pick(lang, "调整|>剩余缺口 吨|>成本 元|>追加预算 元", "change|>still short t|>cost yuan|>extra budget yuan")
    rows = [
        (str(r["change"]), grouped(r["shortfall_t"]), grouped(r["cost"]), grouped(r.get("extra_budget")))
        for r in plan.repairs
    ]
    page.table(heads, rows)


WHY: tuple[Callable[[Page, Plan, Language], None], ...] = (left_out, beaten, rules, order, causes, repairs)
"""In the order in which a report shows them."""
