"""A plan file opened for the check: the plan as read, its problem built anew, and its lines found among the arcs.

Here also lives how the check says no: `same` compares what the plan says with what was derived, and `Differs` stops at
the first difference. What is compared is the business of the rooms that follow, `check_lines` to `check_provenance`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from optimizer.arcs import Arcs, build_arcs
from optimizer.carried_problem import read_problem_part
from optimizer.eligibility import Screening, screen
from optimizer.limits import fit
from optimizer.offers import Offers
from optimizer.plan import Json, Plan
from optimizer.problem import Problem
from optimizer.quantities import kg_of
from optimizer.recount import line_cost_fen, line_effective_kg


class Differs(Exception):
    """The plan says something else than the problem gives."""


def same(what: str, said: object, derived: object) -> None:
    """Raises Differs where the plan says something else than was derived."""
    if said != derived:
        raise Differs(f"{what}: {said} / {derived}")


@dataclass(frozen=True, eq=False)
class OpenedPlan:
    """A plan file with its problem built anew."""

    plan: Plan
    problem: Problem
    screening: Screening
    arcs: Arcs
    purchase: dict[int, int]
    """Arc -> kg, in the order of the plan's lines."""

    @cached_property
    def cost_fen(self) -> dict[int, Fraction]:
        """Arc -> exact cost of its line, fen."""
        return {a: line_cost_fen(self.arcs, a, kg) for a, kg in self.purchase.items()}

    @cached_property
    def effective_kg(self) -> dict[int, Fraction]:
        """Arc -> what its line counts against emissions, kg."""
        return {a: line_effective_kg(self.arcs, a, kg) for a, kg in self.purchase.items()}


def open_plan(document: Json, offers: Offers | None) -> OpenedPlan:
    """A plan's document opened; `offers` where it holds only their hash.

    Raises:
        BadInput: no offers, or others than those that were planned on; a problem that cannot be read.
        Differs: a line that the problem does not admit.
        ValidationError, KeyError, ValueError: it is no plan.
    """
    plan = Plan.model_validate(document)
    problem = read_problem_part(plan.problem, offers)
    screening = screen(problem)
    arcs = build_arcs(problem, screening)
    if problem.settings.whole_lots:
        arcs = fit(problem, arcs)
    rows = ((line.event_id, line.offer_id, str(line.purchase_date), line.contracted_t) for line in plan.lines)
    return OpenedPlan(plan, problem, screening, arcs, purchase_of(problem, arcs, rows))


def purchase_of(problem: Problem, arcs: Arcs, rows: Iterable[tuple[str, str, str, str]]) -> dict[int, int]:
    """Arc and kg of each (event, offer, day, tonnes); every one must be eligible, in whole lots, within its piece.

    Raises Differs where one is not, KeyError for names that the problem does not have.
    """
    events = {event.id: e for e, event in enumerate(problem.events)}
    offers = {i: k for k, i in enumerate(problem.offers.offer_id.tolist())}
    found: dict[int, int] = {}
    used_lines: set[int] = set()
    for event_id, offer_id, day, contracted in rows:
        kg = kg_of(contracted)
        mine = np.flatnonzero(
            (arcs.event == events[event_id]) & (arcs.offer == offers[offer_id]) & (arcs.day == np.datetime64(day, "D"))
        )
        fitting = [
            a for a in mine.tolist() if 0 < arcs.least_kg[a] <= kg <= arcs.most_kg[a] and kg % arcs.lot_kg[a] == 0
        ]
        if len(fitting) != 1 or int(arcs.line[fitting[0]]) in used_lines:
            raise Differs(f"line {event_id} {offer_id} {day} {contracted} t")
        used_lines.add(int(arcs.line[fitting[0]]))
        found[fitting[0]] = kg
    return found
