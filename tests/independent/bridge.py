"""The same case for the engine: documents become its nouns through its own readers; levels come back as numbers."""

from datetime import date
from fractions import Fraction
from typing import Any

from optimizer import Calendar, Offer, Offers, Outlook, Problem, read_rule_pack
from optimizer.solution import Solution, solve

type Doc = dict[str, Any]


def problem_of(case: Doc, as_of: date, objective: Any = None) -> Problem:
    calendar = dict(case["calendar"])
    if objective is not None:
        calendar["objective"] = objective
    return Problem(
        Calendar.model_validate(calendar),
        Offers.of([Offer.model_validate(o) for o in case["offers"]]),
        read_rule_pack(calendar.get("policy", "shanxi-2022")),
        as_of,
        Outlook.model_validate({"factors": case.get("outlook", [])}),
    )


def solved(case: Doc, as_of: date, objective: Any) -> Solution:
    return solve(problem_of(case, as_of, objective))


def levels_of(solution: Solution) -> list[tuple[str, Fraction, Fraction, str]]:
    """(name, value, bound, proof) of every level."""
    return [(p.name, p.value, p.bound, p.proof) for p in solution.proofs]
