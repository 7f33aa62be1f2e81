"""The days of a plan in one table: purchases, payments, ends of events, last days to cancel, the end of six years."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from api.reports.paper_parts import Grid, Heading, Part, columns, listed
from api.reports.words import event_names, grouped, offers_by_id, pick
from optimizer.plan import Plan
from optimizer.timeline import add_years
from optimizer.wording import Language, counted

NAMES_SHOWN = 4


def schedule(plan: Plan, lang: Language) -> Iterator[Part]:
    """What happens when, from the plan's day to the last deadline."""
    days: list[tuple[date, str]] = [
        (plan.as_of, pick(lang, "编制本方案", "this plan is made")),
        *_events(plan, lang),
        *_purchases(plan, lang),
        *_payments(plan, lang),
        *_cancelling(plan, lang),
    ]
    if plan.valid_until is not None:
        days.append((plan.valid_until, pick(lang, "所用报价最早到期", "the first of the prices used ends")))
    by_day: dict[date, list[str]] = {}
    for day, what in days:
        by_day.setdefault(day, []).append(what)
    rows = tuple((str(day), pick(lang, "；", "; ").join(by_day[day])) for day in sorted(by_day))
    yield Heading(1, pick(lang, "进度安排", "Timeline"))
    caption = pick(lang, "主要时间节点", "Days to keep")
    yield Grid(caption, columns(lang, "日期|事项", "day|what", (18, 82)), rows)


def _events(plan: Plan, lang: Language) -> Iterator[tuple[date, str]]:
    """The ends of events, and the last days that follow from them."""
    names, pack = event_names(plan), plan.problem["rule_pack"]
    ends: dict[date, list[str]] = {}
    for event in plan.problem["calendar"]["events"]:
        ends.setdefault(date.fromisoformat(str(event["end_date"])), []).append(names[str(event["id"])])
    years, six = pack["retirement"], pack["forestry"]
    zh_principle = "原则上" if years["in_principle"] else ""
    for end, held in ends.items():
        who = listed(held, NAMES_SHOWN, lang)
        yield end, pick(lang, f"{who}结束", f"{who}: end of the event")
        yield (
            add_years(end, years["years"]),
            pick(
                lang,
                f"{who}：{zh_principle}完成抵销的最后一日（{years['years']}年，{years['clause']}）",
                f"{who}: last day to offset{' in principle' if zh_principle else ''} "
                f"({years['years']} y, {years['clause']})",
            ),
        )
        if _plants(plan, held):
            yield (
                add_years(end, six["years"]),
                pick(
                    lang,
                    f"{who}：新建林业项目碳汇完成抵销的最后一日（{six['years']}年，{six['clause']}）",
                    f"{who}: last day for new forestry ({six['years']} y, {six['clause']})",
                ),
            )


def _plants(plan: Plan, names: list[str]) -> bool:
    """Whether any of these events buys new forestry; a plan that carries no offers does not say, so it may."""
    offers, known = offers_by_id(plan), event_names(plan)
    mine = [line for line in plan.lines if known[line.event_id] in names]
    return any(offers.get(line.offer_id, {"instrument": "forestry"})["instrument"] == "forestry" for line in mine)


def _purchases(plan: Plan, lang: Language) -> Iterator[tuple[date, str]]:
    found: dict[date, list[Decimal]] = {}
    for line in plan.lines:
        found.setdefault(line.purchase_date, []).append(Decimal(line.contracted_t))
    for day, amounts in found.items():
        n, t = len(amounts), grouped(str(sum(amounts)))
        yield day, pick(lang, f"采购{n}笔，共{t}吨", f"{counted(n, 'purchase', 'purchases')}, {t} t")


def _payments(plan: Plan, lang: Language) -> Iterator[tuple[date, str]]:
    found: dict[date, Decimal] = {}
    for line in plan.lines:
        for payment in line.payments:
            found[payment.date] = found.get(payment.date, Decimal(0)) + Decimal(payment.amount)
    for day, amount in found.items():
        yield day, pick(lang, f"付款{grouped(f'{amount:.2f}')}元", f"payment of {grouped(f'{amount:.2f}')} yuan")


def _cancelling(plan: Plan, lang: Language) -> Iterator[tuple[date, str]]:
    found: dict[date, Decimal] = {}
    for line in plan.lines:
        found[line.retire_by] = found.get(line.retire_by, Decimal(0)) + Decimal(line.contracted_t)
    for day, amount in found.items():
        t = grouped(str(amount))
        yield day, pick(lang, f"最迟完成{t}吨的注销", f"the cancellation of {t} t is due")
