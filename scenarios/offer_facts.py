"""What changed about one offer between two problems: facts with their numbers, each a possible cause of a change.

A fact says which way it pulls: +1 makes the offer more attractive, -1 less, 0 either. Nothing is guessed here, and no
plan is looked at but for what was bought of the offer.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from optimizer.arcs import may_wait
from optimizer.eligibility import REASONS, Screening, clause_of, screen, usable_kg
from optimizer.plan import Json
from optimizer.problem import Problem
from optimizer.problem_part import offer_dicts
from optimizer.quantities import E4, plain, price_text, tonnes
from optimizer.term_names import TERM_NAMES, value_name
from optimizer.timeline import E8
from optimizer.wording import Language, Text

READ_FROM: Mapping[str, tuple[str, ...]] = {
    "expired": ("valid_until",),
    "not_yet_open": ("valid_from",),
    "too_late": ("valid_from", "settlement_days"),
    "stale": ("last_traded_on",),
    "old_ccer": ("registered_on",),
    "forestry_delivers_nothing": ("delivery_schedule",),
    "channel": ("channel",),
    "vintage_too_old": ("vintage",),
    "vintage_too_new": ("vintage",),
    "region": ("region",),
    "user_region": ("region",),
    "no_usable_quantity": ("quantity", "min_quantity", "lot_size"),
}
"""The columns that a reason for leaving an offer out was read from, where there are some."""
LOT_TERMS = ("lot_size", "min_quantity", "price_breaks", "fixed_fee")
"""They bind only with whole lots."""
DATE_TERMS = ("valid_from", "valid_until", "settlement_days")
"""They move purchases only where a later purchase can be better; otherwise they show as reasons or not at all."""
BLANK = Text("无", "none")
BOTH: tuple[Language, Language] = ("zh", "en")


@dataclass(frozen=True)
class Cause:
    """Why a line of a plan changed: a code, its sentence, the numbers behind it, and the clause where there is one."""

    code: str
    message: Text
    evidence: Json = field(default_factory=dict)
    """JSON data: mass and money as decimal strings."""
    clause: Text | None = None
    direction: int = 0
    """+1: makes the offer more attractive; -1: less; 0: either way."""
    weak: bool = False
    """A fact that alone moved nothing, such as a quantity that was not used up before or after."""

    def as_dict(self, lang: Language) -> Json:
        """For JSON."""
        clause = {} if self.clause is None else {"clause": self.clause.say(lang)}
        return {"code": self.code, "message": self.message.say(lang), **clause, "evidence": self.evidence}

    def pulls(self, direction: int) -> bool:
        """Whether the fact explains a change in this direction; any fact explains one without direction (0)."""
        return not self.weak and (direction == 0 or self.direction in (0, direction))


@dataclass(frozen=True)
class Bought:
    """What two plans buy of an offer, all events together, kg."""

    before_kg: int
    after_kg: int


@dataclass(frozen=True, eq=False)
class Side:
    """One of two problems, looked at offer by offer; `problem` holds only the offers that were asked for."""

    problem: Problem
    screening: Screening
    known: bool
    """False: the plan held only the hash of its market, and the market was not given."""

    @classmethod
    def of(cls, problem: Problem, wanted: Iterable[str], known: bool = True) -> "Side":
        """The problem with only these offers, and what its rules make of them; offers that are not there are not."""
        ids, names = problem.offers.offer_id, np.array(sorted(set(wanted)), dtype=object)
        at = np.searchsorted(ids, names) if len(ids) else np.zeros(len(names), dtype=np.int64)
        rows = [int(k) for k, name in zip(at, names, strict=True) if k < len(ids) and ids[k] == name]
        fewer = problem.replace(offers=problem.offers.take(np.array(rows, dtype=np.int64)))
        return cls(fewer, screen(fewer), known)

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(self.problem.offers.offer_id.tolist())}

    @cached_property
    def _events(self) -> dict[str, int]:
        return {event.id: e for e, event in enumerate(self.problem.events)}

    @cached_property
    def _terms(self) -> list[Json]:
        return offer_dicts(self.problem.offers)

    def row(self, offer_id: str) -> int | None:
        """Where the offer stands in `problem.offers`; None: it is not offered."""
        return self._rows.get(offer_id)

    def event(self, event_id: str) -> int | None:
        """Where the event stands in `problem.events`; None: it is not planned for."""
        return self._events.get(event_id)

    def terms(self, offer_id: str) -> Json:
        """The offer as a file has it, blanks left out; nothing where it is not offered."""
        i = self.row(offer_id)
        return {} if i is None else self._terms[i]

    def usable_kg(self, offer_id: str) -> int:
        """What can be bought of the offer, kg."""
        i = self.row(offer_id)
        return 0 if i is None else int(usable_kg(self.problem.offers, self.problem.settings.whole_lots)[i])

    def all_in_price(self, offer_id: str) -> Fraction | None:
        """Price x (1 + fee rate) + unit fee, exact, yuan/t: before breaks, outlook and fixed fees."""
        i, offers = self.row(offer_id), self.problem.offers
        if i is None:
            return None
        fen = Fraction(int(offers.price_fen[i]) * (E4 + int(offers.fee_rate_e4[i])), E4) + int(offers.unit_fee_fen[i])
        return fen / 100

    def refusals(self, event_id: str, offer_id: str) -> tuple[Cause, ...]:
        """Every reason for which the event may not use the offer, with its clause and what it was read from."""
        e, i = self.event(event_id), self.row(offer_id)
        if e is None or i is None:
            return ()
        bits = int(self.screening.reasons[e, i])
        return tuple(self._refusal(k, i, offer_id) for k in range(len(REASONS)) if bits >> k & 1)

    def _refusal(self, k: int, i: int, offer_id: str) -> Cause:
        reason, problem = REASONS[k], self.problem
        offer_class = int(self.screening.offer_class[i])
        zh, en = (clause_of(problem, reason, offer_class, lang) for lang in BOTH)
        terms = self.terms(offer_id)
        read = {name: str(terms[name]) for name in READ_FROM.get(reason.code, ()) if name in terms}
        text = reason.message
        if read:
            shown = [", ".join(f"{TERM_NAMES[n].say(lang)} {v}" for n, v in read.items()) for lang in BOTH]
            text = Text(f"{text.zh} ({shown[0]})", f"{text.en} ({shown[1]})")
        return Cause(reason.code, text, {**read, "as_of": problem.as_of.isoformat()}, Text(zh, en), direction=-1)


def facts_of(before: Side, after: Side, event_id: str, offer_id: str, bought: Bought) -> tuple[Cause, ...]:
    """Everything that changed about an offer for an event, as causes; nothing where nothing changed.

    Where the old market is not known, only what does not need it: that the offer is gone, or may not be used any more.
    """
    there = before.row(offer_id) is not None
    if after.row(offer_id) is None:
        return (OFFER_GONE,) if there or bought.before_kg else ()
    now = after.refusals(event_id, offer_id)
    if not there and before.known:
        return (OFFER_NEW, *now)
    old = before.refusals(event_id, offer_id)
    found = [r for r in now if r.code not in {o.code for o in old}]
    if old and not now:
        found.append(_admitted(old))
    if there:
        found += [*_price(before, after, offer_id), *_quantity(before, after, offer_id, bought)]
        found += [*_terms(before, after, event_id, offer_id), *_counting(before, after, event_id, offer_id)]
    return tuple(found)


OFFER_GONE = Cause("offer_gone", Text("不再报价", "no longer offered"), direction=-1)
OFFER_NEW = Cause("offer_new", Text("此前没有这个报价", "was not offered before"), direction=1)


def _admitted(old: tuple[Cause, ...]) -> Cause:
    zh, en = "; ".join(o.message.zh for o in old), "; ".join(o.message.en for o in old)
    return Cause(
        "now_eligible",
        Text(f"现已符合条件 (此前: {zh})", f"may be used now (before: {en})"),
        {"before": [o.code for o in old]},
        direction=1,
    )


def price_cause(before: Fraction, after: Fraction, evidence: Json | None = None) -> Cause:
    """An all-in unit price that rose or fell, yuan/t."""
    old, new, rose = price_text(before), price_text(after), after > before
    zh, en = ("涨", "rose") if rose else ("降", "fell")
    return Cause(
        "dearer" if rose else "cheaper",
        Text(f"全价由 {old} {zh}到 {new} 元/吨", f"all-in price {en} from {old} to {new} yuan/t"),
        {"price_before": old, "price_after": new, **(evidence or {})},
        direction=-1 if rose else 1,
    )


def _price(before: Side, after: Side, offer_id: str) -> list[Cause]:
    old, new = before.all_in_price(offer_id), after.all_in_price(offer_id)
    return [] if old is None or new is None or old == new else [price_cause(old, new)]


def _quantity(before: Side, after: Side, offer_id: str, bought: Bought) -> list[Cause]:
    """Less matters when it is less than was bought; more when more is bought than there was."""
    old, new = before.usable_kg(offer_id), after.usable_kg(offer_id)
    if old == new:
        return []
    less = new < old
    zh, en = ("减", "fell") if less else ("增", "rose")
    return [
        Cause(
            "less_available" if less else "more_available",
            Text(
                f"可买数量由 {tonnes(old)} {zh}到 {tonnes(new)} 吨",
                f"quantity that can be bought {en} from {tonnes(old)} to {tonnes(new)} t",
            ),
            {"available_before_t": tonnes(old), "available_after_t": tonnes(new)},
            direction=-1 if less else 1,
            weak=new >= bought.before_kg if less else bought.after_kg <= old,
        )
    ]


def _terms(before: Side, after: Side, event_id: str, offer_id: str) -> list[Cause]:
    """Terms that the program sees for this event: lots and fees, payments, dates, and what its limits group by."""
    names = ["payment_schedule", *_grouped_by(before, event_id), *_grouped_by(after, event_id)]
    if before.problem.settings.whole_lots or after.problem.settings.whole_lots:
        names += LOT_TERMS
    if any((e := side.event(event_id)) is not None and may_wait(side.problem, e) for side in (before, after)):
        names += DATE_TERMS
    old, new = before.terms(offer_id), after.terms(offer_id)
    changed = {n: (old.get(n), new.get(n)) for n in dict.fromkeys(names) if old.get(n) != new.get(n)}
    if not changed:
        return []
    evidence = {name: {"before": a, "after": b} for name, (a, b) in changed.items()}
    zh, en = ("; ".join(_term(n, a, b).say(lang) for n, (a, b) in changed.items()) for lang in BOTH)
    return [Cause("terms_changed", Text(f"条件有变: {zh}", f"terms changed: {en}"), evidence)]


def _term(name: str, old: Any, new: Any) -> Text:
    label = TERM_NAMES[name]
    zh, en = ([_term_value(name, v).say(lang) for v in (old, new)] for lang in BOTH)
    return Text(f"{label.zh} {zh[0]} → {zh[1]}", f"{label.en} {en[0]} → {en[1]}")


def _term_value(name: str, value: Any) -> Text:
    return BLANK if value is None else value_name(name, str(value))


def _grouped_by(side: Side, event_id: str) -> list[str]:
    e = side.event(event_id)
    limits = () if e is None else side.problem.events[e].limits
    keys = [key for limit in limits for key in ([limit.group] if limit.group is not None else (limit.where or {}))]
    return [key for key in keys if key in TERM_NAMES]


def _counting(before: Side, after: Side, event_id: str, offer_id: str) -> list[Cause]:
    """The tier that the rule pack gives, and what a contracted tonne counts by the deadline."""
    i, j = before.row(offer_id), after.row(offer_id)
    d, e = before.event(event_id), after.event(event_id)
    if i is None or j is None or d is None or e is None:
        return []
    found = []
    old_tier, new_tier = int(before.screening.tier[i]), int(after.screening.tier[j])
    if old_tier != new_tier and old_tier and new_tier:
        found.append(
            Cause(
                "tier_changed",
                Text(f"层级由 {old_tier} 变为 {new_tier}", f"tier changed from {old_tier} to {new_tier}"),
                {"tier_before": old_tier, "tier_after": new_tier},
                direction=1 if new_tier < old_tier else -1,
            )
        )
    old_eta, new_eta = int(before.screening.eta_e8[d, i]), int(after.screening.eta_e8[e, j])
    if old_eta != new_eta:
        a, b = (plain_share(eta) for eta in (old_eta, new_eta))
        text = Text(f"每吨到期可计入由 {a} 变为 {b} 吨", f"tonnes counted per contracted tonne changed from {a} to {b}")
        evidence = {"counted_before": a, "counted_after": b}
        found.append(Cause("counts_otherwise", text, evidence, direction=1 if new_eta > old_eta else -1))
    return found


def plain_share(eta_e8: int) -> str:
    """Effective tonnes per contracted tonne as a decimal."""
    return plain(Decimal(eta_e8) / E8)
