"""A kept plan made ready for pages: read once, its bar of tiers, its figures, its days. Nothing is computed anew."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from threading import Lock
from typing import Any

from api.access.scope import Scope
from api.archive import runs
from api.archive.held_offers import held_offers
from api.pages.plan_words import PlanWords
from api.plain_data import plain_json
from api.refusals import Refused
from api.reports.words import event_names, offers_by_id
from optimizer.offers import Offers
from optimizer.plan import Plan, TierResult
from optimizer.quantities import rate, yuan
from optimizer.timeline import add_years
from optimizer.wording import Language

PLANS_KEPT = 4
"""Plans that a process keeps read: somebody who looks at one turns its tabs. One of 100,000 offers takes 200 MB."""
BAR_WIDTH = 1000
TIER_COLOURS = 5


@dataclass
class _Shelf:
    """Plans by the hash of their document, the last used kept."""

    plans: OrderedDict[str, Plan] = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock)

    def get(self, sha256: str) -> Plan | None:
        with self.lock:
            if sha256 in self.plans:
                self.plans.move_to_end(sha256)
            return self.plans.get(sha256)

    def put(self, sha256: str, plan: Plan) -> None:
        with self.lock:
            self.plans[sha256] = plan
            while len(self.plans) > PLANS_KEPT:
                self.plans.popitem(last=False)


_SHELF = _Shelf()


@dataclass(frozen=True, eq=False)
class Shown:
    """A kept plan and how it came about."""

    run: Mapping[str, Any]
    plan: Plan
    facts: Mapping[str, Mapping[str, Any]]
    """Its offers, as `offer_facts` tells them."""
    asked: Mapping[str, str]
    """What of its question the form can ask again; without `event_id` or `snapshot` it came with its own data."""

    @property
    def can_be_asked_again(self) -> bool:
        """Whether its event and its market are kept."""
        return "event_id" in self.asked and "snapshot" in self.asked


def shown_plan(scope: Scope, run_id: str) -> Shown:
    """A plan by its run's id or its own. Raises Refused `not_found`."""
    run = runs.find_run(scope, run_id)
    plan = _SHELF.get(run["document"])
    if plan is None:
        plan = Plan.model_validate_json(runs.plan_of(scope, run))
        _SHELF.put(run["document"], plan)
    facts = offer_facts(scope, plan)
    return Shown(runs.as_dict(run), plan, facts, _asked(plain_json(runs.inputs_of(scope, run))))


def _asked(inputs: Mapping[str, Any]) -> dict[str, str]:
    question, named = inputs["question"], inputs["named"]
    known = {k: question.get(k) for k in ("event_id", "objective", "policy", "budget")}
    known |= {"snapshot": named.get("snapshot_id"), "as_of": question.get("as_of") or named.get("as_of")}
    if question.get("epsilon") is not None:
        known["epsilon"] = f"{Decimal(str(question['epsilon'])) * 100:f}"
    return {k: str(v) for k, v in known.items() if isinstance(v, str | int | Decimal)}


# ------------------------------------------------------------------------------------------------------ bar of tiers


@dataclass(frozen=True)
class Segment:
    """A piece of the bar: a tier, or what stays uncovered."""

    x: str
    width: str
    colour: str
    name: str
    tonnes: str
    share: str
    cost: str
    note: str


def segments(tiers: Sequence[tuple[TierResult, str, str]], shortfall_t: str, gap: str) -> list[Segment]:
    """Tiers with their names and notes as pieces of a bar that is BAR_WIDTH wide, and the gap after them."""
    pieces, x = [], Decimal(0)
    whole = max(sum((Decimal(tier.share) for tier, _, _ in tiers), Decimal(0)), Decimal(1))
    for tier, name, note in tiers:
        wide = Decimal(tier.share) * BAR_WIDTH / whole
        colour = f"tier-{min(tier.tier, TIER_COLOURS)}"
        pieces.append(_piece(x, wide, colour, (name, tier.effective_t, tier.share, tier.cost, note)))
        x += wide
    if Decimal(shortfall_t) > 0:
        rest = max(BAR_WIDTH - x, Decimal(0))
        share = str(rest / BAR_WIDTH)
        pieces.append(_piece(x, rest, "tier-gap", (gap, shortfall_t, share, "", "")))
    return pieces


def _piece(x: Decimal, width: Decimal, colour: str, told: tuple[str, str, str, str, str]) -> Segment:
    name, tonnes, share, cost, note = told
    return Segment(f"{x:.1f}", f"{width:.1f}", colour, name, tonnes, share, cost, note)


def bar_of(plan: Plan, words: PlanWords) -> list[Segment]:
    """The bar of a plan."""
    tiers = [(t, words.tier(t.tier), words.tier_note(t)) for t in plan.tiers]
    return segments(tiers, plan.totals.shortfall_t, "缺口" if words.lang == "zh" else "shortfall")


# ---------------------------------------------------------------------------------------------------------- headlines


def title_of(plan: Plan, lang: Language) -> str:
    """The event's name, or how many there are."""
    names = list(event_names(plan).values())
    if len(names) == 1:
        return names[0]
    shared = str(plan.problem["calendar"].get("name") or "")
    count = f"{len(names)} 个活动" if lang == "zh" else f"{len(names)} events"
    return f"{shared} ({count})" if shared else count


def budget_of(plan: Plan) -> str | None:
    """What may be spent in all: the shared budget, or the one event's; None where neither is set."""
    calendar = plan.problem["calendar"]
    owners = [calendar, *(calendar["events"] if len(calendar["events"]) == 1 else [])]
    totals = [(o.get("budget") or {}).get("total") for o in owners]
    return next((str(t) for t in totals if t is not None), None)


# --------------------------------------------------------------------------------------------------------------- days


@dataclass(frozen=True)
class Moment:
    """A day of the plan and what happens on it."""

    day: date
    kind: str
    """plan, event, buy, pay, cancel, expire, deadline: the page says it in words."""
    count: int = 0
    tonnes: str = ""
    yuan: str = ""
    names: tuple[str, ...] = ()
    clause: str = ""
    years: int = 0


ORDER = ("plan", "event", "buy", "pay", "expire", "cancel", "deadline", "forest")


def moments(plan: Plan) -> list[tuple[date, list[Moment]]]:
    """Every day that matters, from the plan to the end of the last deadline."""
    found = [Moment(plan.as_of, "plan"), *_bought(plan), *_paid(plan), *_cancelled(plan), *_ends(plan)]
    if plan.valid_until is not None:
        found.append(Moment(plan.valid_until, "expire"))
    by_day: dict[date, list[Moment]] = {}
    for one in sorted(found, key=lambda m: (m.day, ORDER.index(m.kind))):
        by_day.setdefault(one.day, []).append(one)
    return list(by_day.items())


def _bought(plan: Plan) -> list[Moment]:
    found: dict[date, list[Decimal]] = {}
    for line in plan.lines:
        found.setdefault(line.purchase_date, []).append(Decimal(line.contracted_t))
    return [Moment(day, "buy", len(parts), f"{sum(parts):f}") for day, parts in found.items()]


def _paid(plan: Plan) -> list[Moment]:
    found: dict[date, Decimal] = {}
    for line in plan.lines:
        for payment in line.payments:
            found[payment.date] = found.get(payment.date, Decimal(0)) + Decimal(payment.amount)
    return [Moment(day, "pay", yuan=f"{amount:.2f}") for day, amount in found.items()]


def _cancelled(plan: Plan) -> list[Moment]:
    found: dict[tuple[date, str], list[Decimal]] = {}
    for line in plan.lines:
        found.setdefault((line.retire_by, line.registry), []).append(Decimal(line.contracted_t))
    return [
        Moment(day, "cancel", len(parts), f"{sum(parts):f}", names=(registry,))
        for (day, registry), parts in found.items()
    ]


def _ends(plan: Plan) -> list[Moment]:
    """The ends of events, and the last days that the rules count from them: one year, and six for new forestry."""
    pack, names = plan.problem["rule_pack"], event_names(plan)
    held: dict[date, list[str]] = {}
    for event in plan.problem["calendar"]["events"]:
        held.setdefault(date.fromisoformat(str(event["end_date"])), []).append(names[str(event["id"])])
    found = []
    for end, who in held.items():
        found.append(Moment(end, "event", names=tuple(who)))
        for kind, rule in (("deadline", pack["retirement"]), ("forest", pack["forestry"])):
            years, clause = int(rule["years"]), f"{pack['document_number']} {rule['clause']}"
            found.append(Moment(add_years(end, years), kind, names=tuple(who), clause=clause, years=years))
    return found


def offer_facts(scope: Scope, plan: Plan) -> Mapping[str, Mapping[str, Any]]:
    """Offers by id: those that the plan carries, or where it carries only their hash, those of the market if held."""
    carried = offers_by_id(plan)
    if carried or not plan.problem["offers_count"]:
        return carried
    try:
        _, offers = held_offers(scope, str(plan.problem["offers_sha256"]))
    except Refused:
        return {}
    return MarketFacts(offers)


class MarketFacts(Mapping[str, Mapping[str, Any]]):
    """Offers of a large market by id, each told when it is asked for: what it is, who sells it, what it costs."""

    def __init__(self, offers: Offers) -> None:
        self._offers = offers
        self._rows = {str(offer_id): i for i, offer_id in enumerate(offers.offer_id)}

    def __getitem__(self, offer_id: str) -> Mapping[str, Any]:
        one = self._offers[self._rows[offer_id]]
        prices = {"price": yuan(one.price_fen), "unit_fee": yuan(one.unit_fee_fen), "fee_rate": rate(one.fee_rate_e4)}
        return {"instrument": one.instrument, "seller": one.seller, **prices}

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)
