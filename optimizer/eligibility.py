"""Which offers an event may use, and for those it may not: every reason, each with its clause (MODEL 3)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from optimizer.events import Event
from optimizer.offers import Bools, Ints, Offers
from optimizer.problem import Problem
from optimizer.regions import province_of
from optimizer.timeline import Deadlines, eta_e8, first_valid_dates, is_forestry, stale
from optimizer.wording import Language, Text

STALE_DAYS = 30
"""Calendar days since the last trade after which a quote is stale (CONTRACT)."""


@dataclass(frozen=True)
class Reason:
    """Why an offer is left out: a code, its sentence, and where the clause is found."""

    code: str
    message: Text
    source: str
    """"class": the rule pack's class; "recognised", "retirement", "forestry": its clause of that name; "offer": the
    offer's own terms; "user": the user's own choice."""


REASONS: tuple[Reason, ...] = (
    Reason(
        "not_recognised",
        Text("规则包不认可该工具或机制", "instrument or mechanism not recognised by the rule pack"),
        "recognised",
    ),
    Reason("region", Text("地区不在规则包认可的范围内", "region not recognised by the rule pack"), "class"),
    Reason("not_certified", Text("新建林业未经相关权威机构认证", "new forestry without certification"), "class"),
    Reason(
        "old_ccer",
        Text(
            "旧机制 CCER (项目登记早于 2017-03), 默认不用",
            "CCER of the old scheme (project registered before 2017-03), off by default",
        ),
        "class",
    ),
    Reason(
        "unranked",
        Text("未列入推荐顺序, 而设置不接受", "not in the recommended order, and the settings do not admit such"),
        "recognised",
    ),
    Reason("user_region", Text("地区不在用户选定的范围内", "region outside those the user admits"), "user"),
    Reason("vintage_too_old", Text("年份早于所设范围", "vintage before the window"), "user"),
    Reason("vintage_too_new", Text("年份晚于所设范围", "vintage after the window"), "user"),
    Reason("channel", Text("购买渠道不对本单位开放", "access channel not available to this buyer"), "user"),
    Reason("excluded", Text("用户已排除", "excluded by the user"), "user"),
    Reason("expired", Text("报价已过期", "expired"), "offer"),
    Reason("not_yet_open", Text("截止日前尚未开售", "does not open before the deadline"), "offer"),
    Reason("too_late", Text("无法在截止日前注销", "cannot be retired by the deadline"), "retirement"),
    Reason(
        "forestry_delivers_nothing",
        Text("新建林业在截止日前没有可计入的碳汇量", "new forestry delivers nothing by its deadline"),
        "forestry",
    ),
    Reason(
        "stale",
        Text(
            "报价陈旧: 最近成交早于 30 天前, 其后无成交量",
            "stale quote: last traded more than 30 days ago, no volume behind it since",
        ),
        "offer",
    ),
    Reason(
        "no_usable_quantity",
        Text("没有可用数量 (不足一手或低于最小购买量)", "no usable quantity (less than one lot, or below the minimum)"),
        "offer",
    ),
)
BIT: Mapping[str, np.uint32] = {r.code: np.uint32(1 << k) for k, r in enumerate(REASONS)}

CLAUSE_NAMES = {"offer": Text("报价条件", "offer terms"), "user": Text("用户设置", "user's choice")}


@dataclass(frozen=True, eq=False)
class Screening:
    """Eligibility of every offer for every event."""

    tier: NDArray[np.int32]
    """Shape (n_offers,): 1..n, n + 1 for unranked, 0 where no class gives one."""
    offer_class: NDArray[np.int32]
    """Shape (n_offers,): index of the rule pack's class, -1 for none."""
    reasons: NDArray[np.uint32]
    """Shape (n_events, n_offers): a bit for each reason; 0 is eligible."""
    eta_e8: NDArray[np.int64]
    """Shape (n_events, n_offers)."""
    late: Bools
    """Shape (n_events, n_offers): kept by `allow_late` although retirement will miss the deadline."""

    @cached_property
    def _by_tier(self) -> tuple[Counter[int], frozenset[int]]:
        """How many offers each tier has, and the tiers of which some event may use some."""
        usable = np.bincount(self.tier[(self.reasons == 0).any(axis=0)])
        return Counter(dict(enumerate(np.bincount(self.tier).tolist()))), frozenset(np.flatnonzero(usable).tolist())

    def empty_tier(self, tier: int) -> Text | None:
        """Why a tier has nothing to offer any event: nothing on the market, or nothing eligible; None where it has."""
        offered, usable = self._by_tier
        if tier in usable:
            return None
        if not offered[tier]:
            return Text("市场上没有这一层的报价", "no offer of this tier is on the market")
        return Text(
            f"市场上这一层的 {offered[tier]} 个报价都不合条件",
            f"none of the {offered[tier]} offers of this tier is eligible",
        )


def screen(problem: Problem) -> Screening:
    """Every event against every offer."""
    pack, offers, settings = problem.rule_pack, problem.offers, problem.settings
    offer_class = pack.classify(offers, settings)
    reason_of_class = np.zeros(len(pack.classes) + 1, dtype=np.uint32)
    reason_of_class[-1] = BIT["not_recognised"]
    tier_of_class = np.zeros(len(pack.classes) + 1, dtype=np.int32)
    for k, c in enumerate(pack.classes):
        if c.left_out is not None:
            reason_of_class[k] = BIT[c.left_out]
        elif c.tier is not None:
            tier_of_class[k] = pack.n_tiers + 1 if c.tier == "unranked" else c.tier
    shared, tier = reason_of_class[offer_class], tier_of_class[offer_class]
    if not settings.unranked:
        shared |= (tier == pack.n_tiers + 1) * BIT["unranked"]
    if settings.stale == "exclude":
        shared |= stale(offers, problem.as_of, STALE_DAYS) * BIT["stale"]
    shared |= (usable_kg(offers, settings.whole_lots) <= 0) * BIT["no_usable_quantity"]
    rows = [_screen_event(problem, event, shared, tier) for event in problem.events]
    reasons, eta, late = (np.stack(column) for column in zip(*rows, strict=True))
    return Screening(tier, offer_class, reasons, eta, late)


def usable_kg(offers: Offers, whole_lots: bool) -> Ints:
    """What can be bought, kg, shape (n,): whole lots only, and nothing if that is below the minimum."""
    if not whole_lots:
        return offers.quantity_kg
    usable = offers.quantity_kg // offers.lot_kg
    usable *= offers.lot_kg
    usable[offers.min_quantity_kg > usable] = 0
    return usable


def _screen_event(
    problem: Problem, event: Event, shared: NDArray[np.uint32], tier: NDArray[np.int32]
) -> tuple[NDArray[np.uint32], Ints, Bools]:
    offers, rules = problem.offers, event.eligibility
    reasons = shared.copy()
    if rules.regions is not None:
        reasons |= ~_in_provinces(offers, rules.regions) * BIT["user_region"]
    dated = offers.vintage > 0
    if rules.vintage_min is not None:
        reasons |= (dated & (offers.vintage < rules.vintage_min)) * BIT["vintage_too_old"]
    if rules.vintage_max is not None:
        reasons |= (dated & (offers.vintage > rules.vintage_max)) * BIT["vintage_too_new"]
    if rules.channels is not None:
        reasons |= (~offers.channel.isin(rules.channels) & ~offers.channel.blank) * BIT["channel"]
    if rules.exclude is not None:
        for key, values in rules.exclude.items():
            reasons |= matches(offers, key, values, tier) * BIT["excluded"]
    if rules.only is not None:
        for key, values in rules.only.items():
            reasons |= ~matches(offers, key, values, tier) * BIT["excluded"]
    eta, late = _screen_dates(problem, event, reasons)
    return reasons, eta, late


def _screen_dates(problem: Problem, event: Event, reasons: NDArray[np.uint32]) -> tuple[Ints, Bools]:
    """Marks the reasons that have to do with dates; returns eta and what is late but kept."""
    offers = problem.offers
    deadlines = Deadlines.of(event, problem.rule_pack)
    forest = is_forestry(offers)
    first = first_valid_dates(offers, problem.as_of)
    eta = eta_e8(problem, deadlines.forestry)
    by, forestry_by = np.datetime64(deadlines.retirement, "D"), np.datetime64(deadlines.forestry, "D")
    reasons |= (offers.valid_until < first) * BIT["expired"]
    keep_late = problem.settings.allow_late and problem.rule_pack.retirement.in_principle
    unhurried = ~forest if keep_late else np.zeros(len(offers), dtype=bool)
    unopened = np.where(forest, first > forestry_by, first > by)
    reasons |= (unopened & ~unhurried) * BIT["not_yet_open"]
    settled = first + offers.settlement_days.view("timedelta64[D]")
    misses = ~forest & (settled > by)
    reasons |= (misses & ~unhurried) * BIT["too_late"]
    reasons |= (forest & (eta <= 0)) * BIT["forestry_delivers_nothing"]
    return eta, misses & unhurried


def _in_provinces(offers: Offers, regions: tuple[str, ...]) -> Bools:
    wanted = {province_of(r) for r in regions}
    return offers.region.lookup([province_of(n) in wanted for n in offers.region.names], False).astype(bool)


def matches(offers: Offers, key: str, values: tuple[str, ...], tier: NDArray[np.int32]) -> Bools:
    """Where an offer's `key` is one of `values`, shape (n,); regions by province; blanks match nothing."""
    if key == "region":
        return _in_provinces(offers, values)
    if key in ("vintage", "tier"):
        numbers = [int(v) for v in values if v.isdigit() and int(v) > 0]
        column = offers.vintage if key == "vintage" else tier
        return np.isin(column, numbers)
    if key == "offer_id":
        return np.isin(offers.offer_id.astype(str), list(values))
    return getattr(offers, key).isin(values)  # type: ignore[no-any-return]


def reasons_of(problem: Problem, screening: Screening, event: int, offer: int, lang: Language) -> list[dict[str, str]]:
    """All the reasons for which an offer is left out, as a plan shows them."""
    bits = int(screening.reasons[event, offer])
    found = []
    for k, reason in enumerate(REASONS):
        if bits >> k & 1:
            clause = clause_of(problem, reason, int(screening.offer_class[offer]), lang)
            found.append({"code": reason.code, "message": reason.message.say(lang), "clause": clause})
    return found


def clause_of(problem: Problem, reason: Reason, offer_class: int, lang: Language) -> str:
    """Where a reason comes from: document and clause, the offer's terms, or the user."""
    pack = problem.rule_pack
    if reason.source in CLAUSE_NAMES:
        return CLAUSE_NAMES[reason.source].say(lang)
    clause = {
        "recognised": pack.recognised_clause,
        "class": pack.classes[offer_class].clause if offer_class >= 0 else pack.recognised_clause,
        "retirement": pack.retirement.clause,
        "forestry": pack.forestry.clause,
    }[reason.source]
    return f"{pack.document_number} {clause}"
