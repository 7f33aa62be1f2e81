"""The problem that a plan file carries, read back: its events, offers, rule pack, day and outlook.

Here lives reading alone; what is planned on it or derived from it is the business of the rooms that ask.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from pydantic import BaseModel, ValidationError

from optimizer.errors import BadInput
from optimizer.events import Calendar
from optimizer.findings import fault, faults_of
from optimizer.offers import Offer, Offers
from optimizer.plan import Plan
from optimizer.problem import Outlook, Problem
from optimizer.quantities import e4_of
from optimizer.rule_pack import RulePack

OFFERS_NEEDED = fault(
    "offers_needed",
    "方案只带报价的哈希; 请用 --offers 给出报价文件",
    "the plan carries only the hash of its offers; give the file with --offers",
)


def problem_of(plan: Plan, offers: Offers | None) -> tuple[Problem, bool]:
    """The problem that a plan was made for, and whether its market is known (else it has no offers).

    `offers` is its market where the plan carries only the hash of it. Raises BadInput as `read_problem_part`.
    """
    part = plan.problem
    if offers is None and part.get("offers") is None:
        none = Offers.of([])
        return read_problem_part({**part, "offers_sha256": none.sha256, "offers_count": 0}, none), False
    return read_problem_part(part, offers), True


def read_problem_part(part: Mapping[str, Any], offers: Offers | None) -> Problem:
    """The problem in a plan file; `offers` are those that it was made on, where it carries only the hash of them.

    Raises BadInput: no offers, or others than those; or what is there is no problem.
    """
    try:
        return _problem(part, offers)
    except (KeyError, TypeError, ValueError) as error:
        zh, en = "方案中的问题部分不可读", "the problem in the plan cannot be read"
        raise BadInput([fault("problem_unreadable", zh, en, path="problem")]) from error


def _problem(part: Mapping[str, Any], offers: Offers | None) -> Problem:
    if part["offers"] is not None:
        offers = Offers.of(_read(Offer, o, f"offers[{i}]") for i, o in enumerate(part["offers"]))
    if offers is None:
        raise BadInput([OFFERS_NEEDED])
    if (offers.sha256, len(offers)) != (part["offers_sha256"], part["offers_count"]):
        zh, en = "不是该方案所用的市场 (哈希不同)", "is not the market on which the plan was made (other hash)"
        raise BadInput([fault("other_market", zh, en, path="offers", value=offers.sha256[:12])])
    return Problem(
        _read(Calendar, part["calendar"], "calendar"),
        offers,
        _read(RulePack, part["rule_pack"], "rule_pack"),
        date.fromisoformat(part["as_of"]),
        _read(Outlook, part["outlook"], "outlook"),
        e4_of(part["epsilon"]),
    )


def _read[T: BaseModel](kind: type[T], value: object, place: str) -> T:
    """One part of it. Raises BadInput, each fault by its path in the plan file."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        found = faults_of(error, kind)
        raise BadInput([replace(f, path=f"problem.{place}.{f.path}".rstrip(".")) for f in found]) from error
