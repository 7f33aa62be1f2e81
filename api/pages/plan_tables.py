"""The tables of a plan's page: purchases, events, why each offer is in or out. Sorted, filtered and paged here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from api.pages.listing import Column, Listing, listing
from api.pages.plan_words import REASON_WORDS, PlanWords
from api.reports.words import OFFER_STATES, all_in_price, event_names
from optimizer.plan import Line, OfferState
from optimizer.wording import INSTRUMENT_NAMES, Text

type Facts = Mapping[str, Mapping[str, Any]]
"""Offers by id, as `plan_facts.offer_facts` tells them."""

LINES_SHOWN = 100
TONNES, YUAN, PER_TONNE = Text("吨", "t"), Text("元", "yuan"), Text("元/吨", "yuan/t")


@dataclass(frozen=True)
class Why:
    """Why offers are in or out: the table, and the ways to its parts."""

    table: Listing
    states: list[tuple[str, str, int]]
    """(state, in words, how many)."""
    reasons: list[tuple[str, str, int, str]]
    """(code, in words, how many, clauses) of what is not eligible, the commonest first."""
    state: str
    reason: str
    listed: int
    """Offers that the plan itself tells of; a plan of a large market tells of those nearest to being bought."""
    counted: int
    """Offers in all, for every event."""


def kinds_of(words: PlanWords, facts: Facts) -> dict[str, str]:
    """Offer -> what it is and who sells it, of those that are bought; blank where the market is not at hand."""
    found = {}
    for line in words.plan.lines:
        offer = facts.get(line.offer_id, {})
        known = INSTRUMENT_NAMES.get(str(offer.get("instrument")))
        parts = ["" if known is None else known.say(words.lang), str(offer.get("seller") or "")]
        found[line.offer_id] = ", ".join(p for p in parts if p)
    return found


def lines_table(request: Request, words: PlanWords, kinds: Mapping[str, str]) -> Listing:
    """What to buy by when, and where to cancel it; `kinds` as `kinds_of` gives them."""
    plan = words.plan
    names = event_names(plan)

    def kind(line: Line) -> str:
        return kinds[line.offer_id]

    def event(line: Line) -> str:
        return names.get(line.event_id, line.event_id)

    several = [Column("event", Text("活动", "Event"), "text", event)] if len(plan.events) > 1 else []
    columns = [
        *several,
        Column("offer", Text("报价", "Offer"), "text", lambda x: f"{x.offer_id} {kind(x)}"),
        Column("tier", Text("层", "Tier"), "number", lambda x: x.tier),
        Column("t", Text("购买", "Buy"), "tonnes", lambda x: x.contracted_t, unit=TONNES),
        Column("price", Text("单价", "Price"), "money", lambda x: x.unit_price, unit=PER_TONNE),
        Column("cost", Text("费用", "Cost"), "money", lambda x: x.cost, unit=YUAN),
        Column("buy", Text("购买日", "Buy on"), "day", lambda x: x.purchase_date.isoformat()),
        Column("retire", Text("最迟注销", "Cancel by"), "day", lambda x: x.retire_by.isoformat()),
        Column("at", Text("在哪里注销", "Where to cancel"), "text", lambda x: words.registry(x.registry)),
    ]
    return listing(request, plan.lines, columns, name="lines", size=LINES_SHOWN)


def events_table(request: Request, words: PlanWords) -> Listing:
    """What the plan does for each event of a calendar."""
    plan, names = words.plan, event_names(words.plan)
    columns = [
        Column("event", Text("活动", "Event"), "text", lambda x: names.get(x.id, x.id)),
        Column("need", Text("需抵销", "Required"), "tonnes", lambda x: x.required_t, unit=TONNES),
        Column("covered", Text("已覆盖", "Covered"), "tonnes", lambda x: x.covered_t, unit=TONNES),
        Column("short", Text("缺口", "Shortfall"), "tonnes", lambda x: x.shortfall_t, unit=TONNES),
        Column("cost", Text("费用", "Cost"), "money", lambda x: x.cost, unit=YUAN),
    ]
    return listing(request, plan.events, columns, name="events", size=25)


def why_of(request: Request, words: PlanWords, facts: Facts) -> Why:
    """Why each offer is in or out, by state and by reason as the address asks."""
    plan, summary = words.plan, words.plan.offers_summary
    state, reason = request.query_params.get("state", ""), request.query_params.get("reason", "")
    state = state if state in OFFER_STATES else ""
    rows: Sequence[OfferState] = plan.offers
    if state:
        rows = [s for s in rows if s.state == state]
    if reason:
        rows = [s for s in rows if any(r.code == reason for r in s.reasons)]
    table = listing(request, rows, _why_columns(words, facts), name="why", size=50)
    states = [(k, text.say(words.lang), int(summary.get(k, 0))) for k, text in OFFER_STATES.items()]
    counted = sum(n for _, _, n in states)
    return Why(table, states, _counted(words), state, reason, len(plan.offers), counted)


def _counted(words: PlanWords) -> list[tuple[str, str, int, str]]:
    clauses: dict[str, list[str]] = {}
    for one in words.plan.offers:
        for reason in one.reasons if one.state == "left_out" else ():
            known, clause = clauses.setdefault(reason.code, []), words.clause(reason.clause)
            if clause not in known:
                known.append(clause)
    counts = sorted(words.plan.offers_summary["by_reason"].items(), key=lambda kv: (-kv[1], kv[0]))
    return [
        (code, REASON_WORDS[code].say(words.lang) if code in REASON_WORDS else code, int(n), _joined(clauses, code))
        for code, n in counts
    ]


def _joined(clauses: dict[str, list[str]], code: str) -> str:
    return " / ".join(clauses.get(code, []))


def _why_columns(words: PlanWords, facts: Facts) -> list[Column]:
    plan, names = words.plan, event_names(words.plan)

    def price(one: OfferState) -> Any:
        offer = facts.get(one.offer_id)
        return None if offer is None else f"{all_in_price(offer):.2f}"

    def reasons(one: OfferState) -> str:
        return "; ".join(words.reason(r) for r in one.reasons)

    def clauses(one: OfferState) -> str:
        return "; ".join(dict.fromkeys(words.clause(r.clause) for r in one.reasons))

    def event(one: OfferState) -> str:
        return names.get(one.event_id, one.event_id)

    several = [Column("event", Text("活动", "Event"), "text", event)] if len(plan.events) > 1 else []
    all_in = Column("price", Text("全包价", "All-in price"), "money", price, unit=PER_TONNE)
    return [
        Column("offer", Text("报价", "Offer"), "text", lambda x: x.offer_id),
        *several,
        Column("state", Text("结果", "Result"), "text", lambda x: OFFER_STATES[x.state].say(words.lang)),
        *([all_in] if facts else []),
        Column("even", Text("保本价", "Break-even"), "money", lambda x: x.break_even, unit=PER_TONNE),
        Column("reason", Text("理由", "Reason"), "text", reasons),
        Column("clause", Text("依据", "Source"), "text", clauses),
    ]
