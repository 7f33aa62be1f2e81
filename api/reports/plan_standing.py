"""How a plan stands: what it lacks and why, what to watch, how far it is proven, how long it holds, its hashes."""

from collections.abc import Iterator

from api.reports.paper_parts import Facts, Grid, Heading, Paragraph, Part, columns
from api.reports.words import grouped, pick, proof_summary, rule_name, warnings_by_kind
from optimizer.plan import Plan
from optimizer.wording import Language, day_text

WARNINGS_SHOWN = 20


def causes_and_risks(plan: Plan, lang: Language) -> Iterator[Part]:
    """Why it falls short and what would help; rules that are missed; warnings; how far it is proven."""
    yield Heading(1, pick(lang, "风险与提示", "Risks and notes"))
    if plan.status == "short":
        yield from _shortfall(plan, lang)
    for rule in plan.rules:
        if rule.missed_t is not None:
            name, t = rule_name(rule.rule, lang), grouped(rule.missed_t)
            owner = f"（{rule.event_id}）" if lang == "zh" else f" ({rule.event_id})"
            yield Paragraph(pick(lang, f"未达到{name}{owner}，差{t}吨。", f"Missed: {name}{owner}, by {t} t."))
    yield from to_be_checked(plan, lang)
    yield Paragraph(proof(plan, lang))


def proof(plan: Plan, lang: Language) -> str:
    """How far the plan is proven to be the best, as a sentence."""
    said = proof_summary(plan, lang)
    shown = said.replace(": ", "：").replace(", ", "，")
    zh = f"关于是否最优：{shown}。价格、供应量和排放量如有变化，应重新编制方案。"
    en = f"How sure it is the best: {said}. Plan again when prices, supply or emissions change."
    return pick(lang, zh, en)


def _shortfall(plan: Plan, lang: Language) -> Iterator[Part]:
    if plan.diagnosis:
        rows = tuple(
            (str(c["message"]), str(c["event_id"] or ""), grouped(c["at_most_t"]), grouped(c["required_t"]))
            for c in plan.diagnosis
        )
        zh, en = "原因|活动|>至多（吨）|>需（吨）", "cause|event|>at most (t)|>needed (t)"
        yield Grid(pick(lang, "缺口的原因", "Why it falls short"), columns(lang, zh, en, (48, 24, 14, 14)), rows)
    if not plan.repairs:
        zh, en = "没有单项调整能减少缺口，需要更多报价。", "No single change helps: more offers are needed."
        yield Paragraph(pick(lang, zh, en))
        return
    repairs = tuple(
        (str(r["change"]), grouped(r["shortfall_t"]), grouped(r["cost"]), grouped(r.get("extra_budget")))
        for r in plan.repairs
    )
    zh, en = (
        "调整|>剩余缺口（吨）|>费用（元）|>追加预算（元）",
        "change|>still short (t)|>cost (yuan)|>extra budget (yuan)",
    )
    caption = pick(lang, "可选的补救办法（每一项均已求解）", "What would help (each was solved)")
    yield Grid(caption, columns(lang, zh, en, (46, 18, 18, 18)), repairs)


def to_be_checked(plan: Plan, lang: Language) -> Iterator[Part]:
    """The plan's warnings by kind, with the first place of each."""
    kinds = warnings_by_kind(plan)
    if not kinds:
        return
    rows: list[tuple[str, ...]] = []
    for message, place, n in kinds[:WARNINGS_SHOWN]:
        rows.append((str(len(rows) + 1), message, place, str(n)))
    caption = pick(lang, "执行前请核对", "To be checked before acting")
    heads = columns(lang, "序号|提示|位置|>处数", "no.|note|where|>times", (7, 48, 36, 9))
    yield Grid(caption, heads, tuple(rows))
    more = len(kinds) - WARNINGS_SHOWN
    if more > 0:
        yield Paragraph(pick(lang, f"另有{more}类提示，见方案文件。", f"{more} more kinds: see the plan file."))


def identity(plan: Plan, lang: Language, *, expired: bool) -> Iterator[Part]:
    """Until when the plan holds, and by what it can be told and checked."""
    yield Heading(1, pick(lang, "有效期与校验", "Validity and verification"))
    yield identity_facts(plan, lang, expired=expired)
    zh = (
        "哈希均为 SHA-256。用 jinheng check 可由方案文件重新推出以上全部采购、日期、预算和目标值；"
        "任何改动都会使方案编号不符。"
    )
    en = (
        "Hashes are SHA-256. From the plan file, jinheng check derives every purchase, day, budget and goal again; "
        "any change shows in the plan id."
    )
    if plan.lang != lang:
        zh += "提示、原因和补救办法为方案编制时所用的英文。"
        en += " Notes, causes and remedies stand in Chinese, the language in which the plan was made."
    yield Paragraph(pick(lang, zh, en))


def identity_facts(plan: Plan, lang: Language, *, expired: bool) -> Facts:
    """Ids, hashes, versions, and the last day of the prices used."""
    engine, pack = plan.provenance["engine"], plan.problem["rule_pack"]
    rows = (
        (pick(lang, "方案编号", "plan id"), plan.plan_id),
        (pick(lang, "编制日期", "made as of"), day_text(plan.as_of, lang)),
        (pick(lang, "有效期至", "valid until"), _until(plan, lang, expired=expired)),
        (pick(lang, "可复现", "reproducible"), _reproducible(plan, lang)),
        (pick(lang, "活动文件哈希", "event hash"), str(plan.provenance["events_sha256"])),
        (pick(lang, "行情快照哈希", "snapshot hash"), str(plan.provenance["offers_sha256"])),
        (pick(lang, "规则包哈希", "rule-pack hash"), plan.policy.sha256),
        (pick(lang, "规则包", "rule pack"), f"{pack['id']} v{pack['version']}, {pack['document_number']}"),
        (pick(lang, "编制程序", "made by"), f"jinheng {engine}, HiGHS {plan.provenance['highs']}"),
    )
    return Facts(rows)


def _until(plan: Plan, lang: Language, *, expired: bool) -> str:
    if plan.valid_until is None:
        return pick(lang, "所用报价未写有效期", "the offers used name no last day")
    until = day_text(plan.valid_until, lang)
    return until + (pick(lang, "（已过期）", " (expired)") if expired else "")


def _reproducible(plan: Plan, lang: Language) -> str:
    if plan.reproducible:
        return pick(lang, "是：同样的输入得到同样的方案", "yes: the same input gives the same plan")
    return pick(lang, "否：因限时中断", "no: cut by a time limit")
