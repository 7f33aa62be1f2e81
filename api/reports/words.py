"""Words that the papers share: names of levels, rules, proofs and units in both languages; numbers as people read them.

No paper is laid out here, and nothing is computed that the plan does not say.
"""

import functools
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from optimizer.plan import OfferState, Plan
from optimizer.rule_pack import read_rule_pack, shipped_rule_packs
from optimizer.term_names import OWN_OBJECTIVE, TERM_NAMES, group_name
from optimizer.wording import Language, Text

if TYPE_CHECKING:
    from scenarios.runner import Advance

OUTCOMES = {
    "covered": Text("全部覆盖", "covered"),
    "short": Text("未能全部覆盖", "short"),
    "failed": Text("失败", "failed"),
}
"""What became of a plan, or of a scenario."""
OFFER_STATES = {
    "used": Text("选用", "bought"),
    "beaten": Text("落选", "beaten"),
    "left_out": Text("不合条件", "not eligible"),
}
"""What became of an offer in a plan."""
GOALS: dict[str, Text] = {
    "priority-first": Text(
        "先尽量不留缺口，再按推荐顺序优先选用靠前的层级，最后费用最低",
        "cover first, then follow the order, then cost least",
    ),
    "order-first": Text(
        "严格按推荐顺序优先选用靠前的层级，再尽量不留缺口，最后费用最低",
        "follow the order first, then cover, then cost least",
    ),
    "cost-first": Text(
        "先尽量不留缺口，再使费用最低，最后按推荐顺序选用",
        "cover first, then cost least, then follow the order",
    ),
    "balanced": Text(
        "先尽量不留缺口，费用在接近最低的范围内按推荐顺序选用",
        "cover first, then follow the order at nearly the least cost",
    ),
}
"""What the presets of the order aim at, as papers say it."""
LEVELS = {
    "shortfall": Text("缺口", "shortfall"),
    "rules": Text("份额下限", "min shares"),
    "cost": Text("成本", "cost"),
    "tie-break": Text("定序", "tie-break"),
    "extra budget": Text("追加预算", "extra budget"),
}
PROOFS = {
    "exact": Text("精确", "exact"),
    "solver": Text("求解器", "solver"),
    "open": Text("未证", "open"),
}
PROOF_MEANINGS = {
    "exact": Text(
        "精确: 下界以精确算术重新推出, 不信任求解器", "exact: the bound was derived again in exact arithmetic"
    ),
    "solver": Text(
        "求解器: 求解器称已最优, 精确下界尚有差距", "solver: the solver says optimal; the exact bound is apart"
    ),
    "open": Text(
        "未证: 可能还有更好的方案, 至多好出差距那么多", "open: something better may exist, by the gap at most"
    ),
}
UNITS = {
    "yuan per t": Text("元/吨", "yuan per t"),
    "yuan per yuan": Text("元/元", "yuan per yuan"),
    "t per t": Text("吨/吨", "t per t"),
    "t per 10000 yuan": Text("吨/万元", "t per 10,000 yuan"),
    "yuan without it": Text("元, 若取消", "yuan without it"),
    "t without it": Text("吨, 若取消", "t without it"),
    "t": Text("吨", "t"),
}
RULES = {
    "need": Text("所需抵销量", "need"),
    "retirement deadline": Text("一年注销期限", "one-year deadline"),
    "forestry accrual": Text("林业按实际累积计", "forestry as accrued"),
    "stale quotes": Text("不用陈旧报价", "no stale quotes"),
    "unranked means": Text("不用未列入顺序的工具", "no unranked means"),
}


def pick(lang: Language, zh: str, en: str) -> str:
    """The sentence in the caller's language."""
    return zh if lang == "zh" else en


def goal_of(objective: object) -> Text:
    """What an order of goals aims at, as papers say it."""
    return GOALS.get(objective, OWN_OBJECTIVE) if isinstance(objective, str) else OWN_OBJECTIVE


def level_name(name: str, lang: Language) -> str:
    """A level as people call it: what tiers 1..2 leave is "beyond tier 2"; "shortfall 1" is of priority class 1."""
    head, _, number = name.partition(" ")
    if name in LEVELS:
        return LEVELS[name].say(lang)
    if head == "tier":
        if lang == "en":
            return f"beyond tier {number}"
        return "第 1 层之外" if number == "1" else f"前 {number} 层之外"
    if head == "shortfall":
        return f"缺口 (优先级 {number})" if lang == "zh" else f"shortfall, class {number}"
    return name


def rule_name(rule: str, lang: Language) -> str:
    """A binding rule as people call it."""
    if rule in RULES:
        return RULES[rule].say(lang)
    head, _, rest = rule.partition(" ")
    if head == "budget":
        if lang == "en":
            return rule
        return "预算总额" if rest == "total" else f"{rest} 年预算"
    if rule.startswith("order: "):
        level = level_name(rule.removeprefix("order: "), lang)
        return f"顺序: {level}" if lang == "zh" else f"order: {level}"
    for kind, zh in (("max share ", "上限"), ("min share ", "下限")):
        if rule.startswith(kind):
            what, _, share = rule.removeprefix(kind).removesuffix(" %").rpartition(" ")
            said = f"{group_name(what).say(lang)} {share} %"
            return f"{zh}: {said}" if lang == "zh" else f"{kind.strip()}: {said}"
    return rule


def unit_name(unit: str, lang: Language) -> str:
    """A unit in the caller's language."""
    return UNITS[unit].say(lang) if unit in UNITS else unit


def rest_words(advance: "Advance", what: Text, lang: Language) -> str:
    """What a run counts, and how long the rest of it may take."""
    if advance.seconds_left is None or advance.done == advance.total:
        return what.say(lang)
    left = round(advance.seconds_left)
    return what.say(lang) + pick(lang, f", 约余 {left} 秒", f", about {left} s left")


def grouped(number: str | None) -> str:
    """A decimal string with thousands separators, every digit kept: 1234567.80 -> 1,234,567.80."""
    if number is None:
        return "-"
    try:
        return f"{Decimal(number):,f}"
    except (InvalidOperation, ValueError):
        return number


def percent(share: str) -> str:
    """A share as percent with at most two decimals: 0.0667 -> 6.67 %."""
    value = Decimal(share) * 100
    return f"{value.normalize():f} %"


def registry_name(shown: str, pack: Mapping[str, Any] | None = None) -> Text:
    """A registry in both languages where the rule pack, or one that ships, names it; else as the offer wrote it."""
    own = {text: Text(n["zh"], n["en"]) for n in _names_in(pack) for text in (n["zh"], n["en"])}
    unnamed = Text(shown, shown) if shown else Text("未说明的登记机构", "a registry not named")
    return own.get(shown) or _shipped_registries().get(shown, unnamed)


def _names_in(pack: Mapping[str, Any] | None) -> list[Mapping[str, str]]:
    return [] if pack is None else [r["name"] for r in pack.get("registries", [])]


@functools.cache
def _shipped_registries() -> dict[str, Text]:
    named = [r.name for name in shipped_rule_packs() for r in read_rule_pack(name).registries]
    return {shown: Text(n.zh, n.en) for n in named for shown in (n.zh, n.en)}


def pack_name(pack_id: str) -> Text:
    """A rule pack that ships by its title, another by its id."""
    if pack_id not in shipped_rule_packs():
        return Text(pack_id, pack_id)
    title = read_rule_pack(pack_id).title
    return Text(title.zh, title.en)


def event_names(plan: Plan) -> dict[str, str]:
    """Event id -> its name in the problem, or its id."""
    events = plan.problem.get("calendar", {}).get("events", [])
    return {str(e["id"]): str(e.get("name") or e["id"]) for e in events}


def offers_by_id(plan: Plan) -> dict[str, dict[str, Any]]:
    """The offers that the plan carries; empty when it carries only their hash."""
    return {str(o["offer_id"]): o for o in plan.problem.get("offers") or []}


def all_in_price(offer: Mapping[str, Any]) -> Decimal:
    """Price x (1 + fee rate) + unit fee, yuan/t, before breaks, outlook and fixed fees."""
    rate, fee = Decimal(str(offer.get("fee_rate", "0"))), Decimal(str(offer.get("unit_fee", "0")))
    return Decimal(str(offer["price"])) * (1 + rate) + fee


def nearest_beaten(plan: Plan, most: int) -> list[tuple[OfferState, Decimal | None]]:
    """Beaten offers with a break-even, those that would have to fall least first, once each, with the all-in price."""
    offers, used = offers_by_id(plan), {s.offer_id for s in plan.offers if s.state == "used"}
    found: list[tuple[OfferState, Decimal | None]] = []
    for state in plan.offers:
        if state.state == "beaten" and state.break_even is not None and state.offer_id not in used:
            offer = offers.get(state.offer_id)
            found.append((state, None if offer is None else all_in_price(offer)))

    def distance(pair: tuple[OfferState, Decimal | None]) -> Decimal:
        return Decimal(0) if pair[1] is None else pair[1] - Decimal(pair[0].break_even or "0")

    nearest: dict[str, tuple[OfferState, Decimal | None]] = {}
    for pair in sorted(found, key=lambda p: (distance(p), p[0].event_id, p[0].offer_id)):
        nearest.setdefault(pair[0].offer_id, pair)
    return list(nearest.values())[:most]


def reasons_out(plan: Plan) -> list[tuple[int, str, str]]:
    """(how many, reason, clauses) of what is left out, the commonest first, all events together."""
    from optimizer.eligibility import REASONS

    messages = {r.code: r.message.say(plan.lang) for r in REASONS}
    clauses: dict[str, list[str]] = {}
    for state in plan.offers:
        for reason in state.reasons if state.state == "left_out" else ():
            known = clauses.setdefault(reason.code, [])
            if reason.clause not in known:
                known.append(reason.clause)
    counts = sorted(plan.offers_summary["by_reason"].items(), key=lambda kv: (-kv[1], kv[0]))
    return [(int(n), messages.get(code, code), " / ".join(_shortened(clauses.get(code, [])))) for code, n in counts]


def _shortened(clauses: Sequence[str]) -> list[str]:
    """Several clauses of one document: the document is named once."""
    shown: list[str] = []
    document = ""
    for clause in clauses:
        head, _, rest = clause.partition(" ")
        shown.append(rest if rest and head == document else clause)
        document = head
    return shown


def proof_summary(plan: Plan, lang: Language) -> str:
    """How far the plan is proven, in a sentence."""
    counts = {kind: sum(x.proof == kind for x in plan.levels) for kind in PROOFS}
    total = len(plan.levels)
    if counts["exact"] == total:
        return f"全部 {total} 个目标层级均已精确证明" if lang == "zh" else f"all {total} levels are proven exactly"
    if lang == "zh":
        parts = [f"{counts['exact']} 个精确证明"]
        parts += [f"{counts['solver']} 个由求解器证明"] if counts["solver"] else []
        parts += [f"{counts['open']} 个未证明"] if counts["open"] else []
        return f"{total} 个目标层级: " + ", ".join(parts)
    parts = [f"{counts['exact']} proven exactly"]
    parts += [f"{counts['solver']} by the solver only"] if counts["solver"] else []
    parts += [f"{counts['open']} open"] if counts["open"] else []
    return f"{total} levels: " + ", ".join(parts)


def warnings_by_kind(plan: Plan) -> list[tuple[str, str, int]]:
    """(message, first place, how many) of each kind of warning, in order of appearance."""
    kinds: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in plan.warnings:
        kinds.setdefault((str(one["code"]), str(one["message"])), []).append(one)
    return [(message, _place(rows[0], plan.lang), len(rows)) for (_, message), rows in kinds.items()]


def _place(one: dict[str, Any], lang: Language) -> str:
    row = one.get("row")
    shown = "" if row is None else (f"第 {row} 行" if lang == "zh" else f"row {row}")
    column = str(one.get("column") or "")
    term = TERM_NAMES.get(column, Text(column, column)).say(lang)
    parts = (one.get("file"), one.get("path"), shown, term)
    return " ".join(str(p) for p in parts if p)
