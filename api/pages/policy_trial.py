"""One offer and one event held against a rule pack: the tier it has, or every reason why it is out, with clauses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from pydantic import ValidationError

from api.pages.policy_words import result_words, tier_words, when_words
from api.planning import offers_of
from optimizer.eligibility import REASONS, clause_of, screen
from optimizer.errors import BadInput
from optimizer.events import Calendar
from optimizer.findings import Finding, fault, faults_of
from optimizer.problem import Problem
from optimizer.rule_pack import RulePack
from optimizer.timeline import Deadlines
from optimizer.wording import Text

type Taken = Literal["no", "taken", "not_tried"]

OFFER_KEYS = (
    *("instrument", "mechanism", "region", "vintage", "certified_by", "registered_on", "valid_from", "valid_until"),
    *("settlement_days", "last_traded_on", "delivery_schedule"),
)
"""What decides about an offer, by the keys of offers."""
SETTING_KEYS = ("unranked", "other_mechanisms_anywhere", "old_ccer", "allow_late")
ASSUMED = {"offer_id": "A", "quantity": "100", "price": "10"}
"""Of the offer, where nothing decides."""


@dataclass(frozen=True)
class Case:
    """An offer and an event, as a form or a file says them."""

    offer: Mapping[str, Any]
    event_ends: str
    as_of: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Step:
    """One class of the rule pack, in the order in which they are tried."""

    when: Text
    result: Text
    clause: str
    taken: Taken


@dataclass(frozen=True)
class Verdict:
    """What the rule pack makes of a case."""

    tier: int | None
    """1..n, n + 1 for what is permitted but unranked; None: left out."""
    words: Text
    clause: str
    """Of the class that took the offer; of the recognised means where none did."""
    reasons: tuple[tuple[Text, Text], ...]
    """Why it is left out, each with its clause; empty for what may be used."""
    steps: tuple[Step, ...]
    retire_by: date
    late: bool
    """Kept although retirement misses the deadline that the source asks for in principle."""
    registry: Text | None
    counts: Decimal
    """Effective tonnes of a contracted one."""


def verdict(pack: RulePack, case: Case) -> Verdict:
    """What a rule pack makes of a case. Raises BadInput with every fault, placed by the case's keys."""
    problem = _posed(pack, case)
    screening = screen(problem)
    index, tier, bits = int(screening.offer_class[0]), int(screening.tier[0]), int(screening.reasons[0, 0])
    found = [r for k, r in enumerate(REASONS) if bits >> k & 1]
    reasons = tuple((r.message, _clause(problem, r, index)) for r in found)
    offer, ends = problem.offers[0], Deadlines.of(problem.events[0], pack)
    return Verdict(
        None if found else tier,
        Text("不可用", "out") if found else tier_words(pack, tier),
        pack.classes[index].clause if index >= 0 else pack.recognised_clause,
        reasons,
        steps_of(pack, index),
        ends.forestry if offer.instrument == "forestry" else ends.retirement,
        bool(screening.late[0, 0]),
        pack.registry_of(offer.instrument, offer.mechanism),
        Decimal(int(screening.eta_e8[0, 0])).scaleb(-8),
    )


def _clause(problem: Problem, reason: Any, index: int) -> Text:
    return Text(clause_of(problem, reason, index, "zh"), clause_of(problem, reason, index, "en"))


def steps_of(pack: RulePack, taken: int | None = None) -> tuple[Step, ...]:
    """The classes of a rule pack as they are tried; `taken` is the one that took an offer, -1 none."""
    return tuple(
        Step(when_words(c.when), result_words(pack, c), c.clause, _taken(k, taken)) for k, c in enumerate(pack.classes)
    )


def _taken(k: int, taken: int | None) -> Taken:
    if taken is None or (taken >= 0 and k > taken):
        return "not_tried"
    return "taken" if k == taken else "no"


# ------------------------------------------------------------------------------------------------------------- reading


def _posed(pack: RulePack, case: Case) -> Problem:
    faults: list[Finding] = []
    offers = calendar = None
    as_of = _day(case.as_of, faults)
    try:
        offers = offers_of([{**ASSUMED, **{k: v for k, v in case.offer.items() if v not in ("", None)}}]).offers
    except BadInput as error:
        faults += [_placed(f) for f in error.findings]
    event = {"id": "e", "end_date": case.event_ends, "emissions": {"tonnes": "10", "status": "verified"}}
    try:
        calendar = Calendar.model_validate({"policy": pack.id, "settings": dict(case.settings), "events": [event]})
    except ValidationError as error:
        faults += [_placed(f) for f in faults_of(error, Calendar)]
    if faults:
        raise BadInput(faults)
    assert offers is not None and calendar is not None and as_of is not None
    return Problem(calendar, offers, pack, as_of)


def _day(text: str, faults: list[Finding]) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        zh, en = "应为日期, 例如 2026-10-11", "should be a date such as 2026-10-11"
        faults.append(fault("date_type", zh, en, path="as_of", value=text))
        return None
    if not 1990 <= found.year <= 2200:
        zh, en = "年份应在 1990 与 2200 之间", "the year should be between 1990 and 2200"
        faults.append(fault("date_range", zh, en, path="as_of", value=text))
    return found


def _placed(found: Finding) -> Finding:
    """A complaint at the case's key, without the row and path of the documents that were made of it."""
    key = found.column or found.path.rpartition(".")[2]
    return replace(found, path="event_ends" if key == "end_date" else key, column="", row=None, file="")


def case_of(known: Mapping[str, str], today: date, settings: Sequence[str]) -> Case:
    """The case of a form; what is left out of its dates is today."""
    return Case(
        {k: known[k].strip() for k in OFFER_KEYS if known.get(k, "").strip()},
        known.get("event_ends", "").strip() or today.isoformat(),
        known.get("as_of", "").strip() or today.isoformat(),
        {k: k in settings for k in SETTING_KEYS},
    )
