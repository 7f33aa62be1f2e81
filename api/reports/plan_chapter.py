"""A plan as the chapter of an implementation plan (实施方案): its basis, what is bought, cancelled, paid, by when.

Only content, as `paper_parts`; nothing is computed that the plan does not say but sums of a table's own rows.
"""

from collections.abc import Iterator
from decimal import Decimal

from api.reports.paper_parts import (
    Grid,
    Heading,
    Notice,
    Paper,
    Paragraph,
    Part,
    columns,
    money_in_words,
    short_title,
)
from api.reports.plan_schedule import schedule
from api.reports.plan_settlement import cancelling, money
from api.reports.plan_standing import causes_and_risks, identity
from api.reports.words import event_names, goal_of, grouped, offers_by_id, percent, pick
from optimizer.plan import Json, Line, Plan
from optimizer.quantities import fen_of
from optimizer.wording import INSTRUMENT_NAMES, Language, counted, day_text

LINES_MAX = 1000
"""Forty pages of purchases; more are in the workbook."""


def plan_chapter(plan: Plan, lang: Language, *, expired: bool) -> Paper:
    """The chapter of a plan; `expired` says that the offers used are past their last day."""
    name = title_of_events(plan, lang)
    parts = (
        *_notices(plan, lang, expired=expired),
        *_basis(plan, lang),
        *_need(plan, lang),
        *_purchases(plan, lang),
        *cancelling(plan, lang),
        *money(plan, lang),
        *schedule(plan, lang),
        *causes_and_risks(plan, lang),
        *identity(plan, lang, expired=expired),
    )
    return Paper(
        lang=lang,
        title=(
            pick(lang, f"{name}碳中和实施方案", f"Carbon-neutrality implementation plan: {name}"),
            pick(lang, "（碳抵销采购与注销）", "Chapter: purchase and cancellation of offsets"),
        ),
        subtitle=(
            pick(lang, f"方案编号 {plan.plan_id[:16]}　", f"Plan {plan.plan_id[:16]}, ")
            + pick(lang, f"编制日期 {day_text(plan.as_of, lang)}", f"made as of {day_text(plan.as_of, lang)}"),
        ),
        addressee="",
        parts=parts,
        issuer=organiser_of(plan),
        day=plan.as_of,
        keywords=(plan.plan_id, plan.policy.id),
    )


def title_of_events(plan: Plan, lang: Language) -> str:
    """The event's name as a title has room for it, or how many events there are."""
    names, events = event_names(plan), plan.problem["calendar"]["events"]
    if len(events) == 1:
        return short_title(names[str(events[0]["id"])])
    return pick(lang, f"{len(events)}项活动", f"{len(events)} events")


def organiser_of(plan: Plan) -> str:
    """Who organises all events; blank where nobody is named, or several are."""
    organisers = {str(e.get("organiser") or "") for e in plan.problem["calendar"]["events"]}
    return next(iter(organisers)) if len(organisers) == 1 else ""


def _notices(plan: Plan, lang: Language, *, expired: bool) -> Iterator[Part]:
    if expired and plan.valid_until is not None:
        until = day_text(plan.valid_until, lang)
        zh = f"本方案已过有效期：所用报价有效至{until}，执行前须重新编制。"
        en = f"This plan has expired: the offers used were valid until {until}. Plan again before acting on it."
        yield Notice(pick(lang, zh, en))
    if not plan.reproducible:
        zh = "本方案因限时中断，结果不可复现，且可能还有更好的方案。"
        en = "This plan was cut by a time limit: it cannot be reproduced, and a better one may exist."
        yield Notice(pick(lang, zh, en))
    if plan.status == "short":
        short = grouped(plan.totals.shortfall_t)
        zh = f"本方案未能全部覆盖：缺口{short}吨二氧化碳当量。"
        en = f"This plan does not cover everything: {short} tCO2e are short."
        yield Notice(pick(lang, zh, en))


def _basis(plan: Plan, lang: Language) -> Iterator[Part]:
    yield Heading(1, pick(lang, "编制依据", "Basis"))
    yield Paragraph(document_followed(plan, lang, "本章", "This chapter"))
    zh, en = f"采购目标为：{aim(plan, lang)}。", f"The purchase aims to {aim(plan, lang)}. "
    if not isinstance(plan.objective, str):
        en = "The goals were set by the user. "
    if plan.problem["rule_pack"]["order"] == "recommended":
        zh += "上述顺序为推荐顺序；"
        en += "The order is recommended, not prescribed. "
    zh += "本章是依据所给数据的测算结果，不构成法律意见，也不是对符合任何规定的保证。"
    en += "What follows is computed from the data given; it is no legal advice and no promise that any rule is met."
    yield Paragraph(pick(lang, zh, en))


def document_followed(plan: Plan, lang: Language, zh_paper: str, en_paper: str) -> str:
    """Which document a paper of this name follows, and the order of offsets that it recommends or requires."""
    pack = plan.problem["rule_pack"]
    title, number, issued = pack["title"][lang], pack["document_number"], day_text(pack["issued_on"], lang)
    recommended = pack["order"] == "recommended"
    zh = f"{zh_paper}依据《{title}》（{number}，{issued}）编制，按规则包{pack['id']}第{pack['version']}版执行。"
    en = (
        f"{en_paper} follows {title} ({number}, {issued}), as read by rule pack {pack['id']}, "
        f"version {pack['version']}. "
    )
    word = pick(lang, "推荐" if recommended else "规定", "recommends" if recommended else "requires")
    tiers = [f"{t['tier']}. {t['name'][lang]}（{t['clause']}）" for t in pack["tiers"]]
    if lang == "en":
        tiers = [t.replace("（", " (").replace("）", ")") for t in tiers]
    zh += f"该文件{word}的抵销顺序为：{'；'.join(tiers)}。"
    en += f"The document {word} this order of offsets: {'; '.join(tiers)}. "
    if pack.get("unranked"):
        zh += f"允许使用但未列入顺序的，排在最后（{pack['unranked']['clause']}）。"
        en += f"Means that are permitted but not ranked come last ({pack['unranked']['clause']}). "
    return pick(lang, zh, en)


def aim(plan: Plan, lang: Language) -> str:
    """What the purchase aims at."""
    return goal_of(plan.objective).say(lang)


# --------------------------------------------------------------------------------------------------------- the events


def _need(plan: Plan, lang: Language) -> Iterator[Part]:
    yield Heading(1, pick(lang, "活动与排放量", "Event and emissions" if len(plan.events) == 1 else "Events"))
    events = plan.problem["calendar"]["events"]
    if len(events) == 1:
        yield Paragraph(_event_sentence(events[0], lang))
    else:
        yield _events_grid(plan, events, lang)
    covered, need = grouped(plan.totals.covered_t), grouped(plan.totals.required_t)
    zh = f"需抵销{need}吨二氧化碳当量，本方案覆盖{covered}吨"
    en = f"To be offset: {need} tCO2e. This plan covers {covered} t"
    if plan.status == "covered":
        zh, en = zh + "，全部覆盖。", en + ": all of it."
    else:
        short = grouped(plan.totals.shortfall_t)
        zh, en = zh + f"，缺口{short}吨。", en + f"; {short} t are short."
    yield Paragraph(pick(lang, zh, en))


def _event_sentence(event: Json, lang: Language) -> str:
    e, end = event["emissions"], day_text(event["end_date"], lang)
    name, organiser = event.get("name") or event["id"], event.get("organiser")
    zh = f"{name}由{organiser}组织，" if organiser else f"{name}"
    zh += f"于{end}结束。"
    en = f"{name}" + (f", organised by {organiser}," if organiser else "") + f" ends on {end}. "
    t = grouped(e["tonnes"])
    if e["status"] == "verified":
        by, on, paper = e.get("verifier"), e.get("verified_on"), e.get("statement")
        zh += f"经核查的温室气体排放量为{t}吨二氧化碳当量"
        zh += f"（核查机构：{by}" + (f"，{day_text(on, lang)}" if on else "") + "）" if by else ""
        zh += f"，核查文件：{paper}。" if paper else "。"
        en += f"Its verified emissions are {t} tCO2e"
        en += (f" (verified by {by}" + (f" on {day_text(on, lang)}" if on else "") + ")") if by else ""
        en += f", statement: {paper}." if paper else "."
    else:
        zh += f"预估的温室气体排放量为{t}吨二氧化碳当量，尚未核查"
        en += f"Its emissions are estimated at {t} tCO2e and not verified yet"
        if e.get("low") and e.get("high"):
            low, high = grouped(e["low"]), grouped(e["high"])
            zh, en = zh + f"，估计范围为{low}至{high}吨", en + f"; they may lie between {low} and {high} t"
        zh, en = zh + "。", en + "."
    extra = str(event.get("over_cover") or "0")
    if Decimal(extra) > 0:
        zh, en = (
            zh + f"另按{percent(extra)}的余量多抵销。",
            en + f" A margin of {percent(extra)} is offset beyond that.",
        )
    return pick(lang, zh, en)


def _events_grid(plan: Plan, events: list[Json], lang: Language) -> Grid:
    zh, en = (
        "活动|结束日期|排放量|>需抵销（吨）|>覆盖（吨）|>缺口（吨）|>费用（元）",
        "event|ends on|emissions|>need (t)|>covered (t)|>short (t)|>cost (yuan)",
    )
    by_id = {str(e["id"]): e for e in events}
    status = {"verified": pick(lang, "已核查", "verified"), "estimated": pick(lang, "预估", "estimated")}
    rows = tuple(
        (
            event_names(plan)[r.id],
            str(by_id[r.id]["end_date"]),
            status[str(by_id[r.id]["emissions"]["status"])],
            *map(grouped, (r.required_t, r.covered_t, r.shortfall_t, r.cost)),
        )
        for r in plan.events
    )
    t = plan.totals
    total = (pick(lang, "合计", "in all"), "", "", *map(grouped, (t.required_t, t.covered_t, t.shortfall_t, t.cost)))
    caption = pick(lang, "各项活动的抵销需求", "What each event needs")
    return Grid(caption, columns(lang, zh, en, (24, 13, 10, 14, 14, 12, 15)), (*rows, total), total=True)


# ------------------------------------------------------------------------------------------------------- the purchases


def _purchases(plan: Plan, lang: Language) -> Iterator[Part]:
    yield Heading(1, pick(lang, "抵销采购", "What to buy"))
    if not plan.lines:
        zh, en = "没有可采购的报价。", "Nothing can be bought: no offer qualifies, or no lot is affordable."
        yield Paragraph(pick(lang, zh, en))
        return
    yield Heading(2, pick(lang, "总量与费用", "In all"))
    cost, n = plan.totals.cost, len(plan.lines)
    zh = f"共采购{n}笔，费用合计{grouped(cost)}元（{money_in_words(fen_of(cost))}）"
    en = f"{counted(n, 'purchase', 'purchases')} for {grouped(cost)} yuan in all"
    if plan.totals.average_price is not None:
        average = grouped(plan.totals.average_price)
        zh, en = zh + f"，平均每覆盖一吨{average}元。", en + f", {average} yuan per covered tonne on average."
    else:
        zh, en = zh + "。", en + "."
    yield Paragraph(pick(lang, zh, en))
    yield Heading(2, pick(lang, "采购明细", "Purchases"))
    yield _lines_grid(plan, lang)
    yield from _marks(plan, lang)
    yield Heading(2, pick(lang, "按抵销顺序的构成", "By place in the order"))
    yield _tiers_grid(plan, lang)
    for t in plan.tiers:
        if t.note is not None:
            yield Paragraph(pick(lang, f"第{t.tier}层：{t.note}。", f"Tier {t.tier}: {t.note}."))
    yield from _price_of_order(plan, lang)


def _lines_grid(plan: Plan, lang: Language) -> Grid:
    zh = "序号|报价编号|标的|>层级|>数量（吨）|>单价（元/吨）|>金额（元）|采购日"
    en = "no.|offer|what|>tier|>amount (t)|>yuan/t|>yuan|buy on"
    widths, several = (7, 19, 25, 7, 12, 12, 15, 14), len(plan.events) > 1
    offers, names = offers_by_id(plan), event_names(plan)
    rows: list[tuple[str, ...]] = []
    owner = ""
    for n, line in enumerate(plan.lines[:LINES_MAX], 1):
        if several and line.event_id != owner:
            owner = line.event_id
            rows.append((owner if names[owner] == owner else f"{names[owner]} ({owner})",))
        rows.append((str(n), *_line_cells(line, offers.get(line.offer_id), lang)))
    bought = sum((Decimal(x.contracted_t) for x in plan.lines), Decimal(0))
    rows.append(("", pick(lang, "合计", "in all"), "", "", grouped(str(bought)), "", grouped(plan.totals.cost), ""))
    heads = columns(lang, zh, en, widths)
    return Grid(pick(lang, "采购明细", "Purchases"), heads, tuple(rows), total=True)


def _line_cells(line: Line, offer: Json | None, lang: Language) -> tuple[str, ...]:
    what = ""
    if offer is not None:
        name = INSTRUMENT_NAMES[str(offer["instrument"])].say(lang)
        project = str(offer.get("project_name") or offer.get("mechanism") or "")
        what = f"{name}：{project}" if lang == "zh" and project else (f"{name}: {project}" if project else name)
    mark = ("" if line.firm else " ~") + (" !" if line.late else "")
    cells = (grouped(line.contracted_t), grouped(line.unit_price), grouped(line.cost), str(line.purchase_date))
    return (line.offer_id + mark, what, str(line.tier), *cells)


def _marks(plan: Plan, lang: Language) -> Iterator[Part]:
    notes = []
    if any(not x.firm for x in plan.lines):
        notes.append(pick(lang, "标“~”的为意向报价，成交价格可能变动", "~ marks an indicative price, which may change"))
    if any(x.late for x in plan.lines):
        notes.append(pick(lang, "标“!”的晚于一年期限", "! marks what comes after the one-year deadline"))
    if len(plan.lines) > LINES_MAX:
        zh = f"表中列出前{LINES_MAX}笔，共{len(plan.lines)}笔，其余见工作簿"
        notes.append(pick(lang, zh, f"the first {LINES_MAX} of {len(plan.lines)} are shown; the workbook has all"))
    if notes:
        yield Paragraph(pick(lang, "注：" + "；".join(notes) + "。", "Note: " + "; ".join(notes) + "."))


def _tiers_grid(plan: Plan, lang: Language) -> Grid:
    pack = plan.problem["rule_pack"]
    ranks = {t["tier"]: t for t in [*pack["tiers"], *([pack["unranked"]] if pack.get("unranked") else [])]}
    rows = tuple(
        (
            str(t.tier),
            ranks[t.tier]["name"][lang] if t.tier in ranks else t.name,
            ranks[t.tier]["clause"] if t.tier in ranks else "",
            grouped(t.effective_t),
            percent(t.share),
            grouped(t.cost),
        )
        for t in plan.tiers
    )
    zh, en = (
        ">层级|名称|条款|>计入量（吨）|>占需求|>金额（元）",
        ">tier|name|clause|>counted (t)|>of need|>cost (yuan)",
    )
    caption = pick(lang, "各层级的计入量与费用", "What each tier covers, and at what cost")
    return Grid(caption, columns(lang, zh, en, (8, 38, 13, 15, 11, 17)), rows)


def _price_of_order(plan: Plan, lang: Language) -> Iterator[Part]:
    price = plan.price_of_order
    if price is None:
        return
    amount, cheapest = grouped(price["value"]), grouped(price["cheapest_cost"])
    zh = f"同样覆盖量的最低费用组合为{cheapest}元；按推荐顺序采购，多支出{amount}元"
    en = f"The cheapest lawful mix of the same coverage costs {cheapest} yuan; following the order costs {amount} more"
    if price["proven"] and Decimal(price["value"]) == 0:
        zh = "按推荐顺序采购没有增加费用：同样覆盖量没有费用更低的组合"
        en = "Following the order costs nothing more: no lawful mix of the same coverage is cheaper"
    if not price["proven"]:
        low, high = grouped(price["low"]), grouped(price["high"])
        zh, en = zh + f"（未完全证明，在{low}与{high}元之间）", en + f" (not proven: between {low} and {high})"
    yield Paragraph(pick(lang, zh + "。", en + "."))
