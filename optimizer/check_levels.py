"""The levels of a plan derived again: their values, exact lower bounds, caps and proof labels.

Of the multipliers in the plan's certificate only that they are numbers is asked: any give a valid bound.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from optimizer.certificate import GRID, Frame, Goal, Multipliers, bound_in_phases, proof_step
from optimizer.events import LevelSpec
from optimizer.opened_plan import Differs, OpenedPlan, purchase_of, same
from optimizer.plan import Json, LevelResult
from optimizer.problem import Problem
from optimizer.quantities import E4, ceil, price_text, round_half_up, tonnes, yuan
from optimizer.recount import hard_rows, level_value

PLAIN_NUMBER = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400}|/[0-9]{1,400})?")


def check_levels(opened: OpenedPlan) -> None:
    """Values, caps, exact bounds and proof labels of every level, in order. Raises Differs, ValueError."""
    problem, certificate = opened.problem, opened.plan.certificate
    specs, proofs = problem.levels(), certificate["levels"]
    same("levels", [x.name for x in opened.plan.levels], [s.level for s in specs])
    same("certificate", [p["name"] for p in proofs], [s.level for s in specs])
    between = _between_cost_fen(opened)
    frame = Frame(problem, opened.arcs)
    earlier: list[Goal] = []
    for spec, shown, proof in zip(specs, opened.plan.levels, proofs, strict=True):
        step = proof_step(problem, spec.level, between)
        value, cap = _value_and_cap(opened, spec, proof, earlier, between)
        bound = bound_in_phases(frame, spec.level, earlier, _phases(proof), value)
        same(f"{spec.level} exact value", Fraction(_digits(proof["value"])), value)
        same(f"{spec.level} exact bound", Fraction(_digits(proof["bound"])), bound)
        _check_shown(spec.level, shown, value, bound, step)
        earlier.append(Goal(spec.level, cap))


def _between_cost_fen(opened: OpenedPlan) -> list[Fraction]:
    """What one kg more costs of each line that the LP leaves between two kg, fen; with whole lots there is none."""
    between = opened.plan.certificate["between_kg"]
    if opened.problem.settings.whole_lots and between:
        raise Differs("between_kg with whole lots")
    lines = list(opened.purchase)
    return opened.arcs.kg_costs_fen(lines[k] for k in sorted(set(between)))


def _value_and_cap(
    opened: OpenedPlan, spec: LevelSpec, proof: Json, earlier: Sequence[Goal], between: Sequence[Fraction]
) -> tuple[Fraction, Fraction]:
    """The least that a level was found to be, and the most that later levels may let it be.

    With slack the least is that of a witness, a purchase of its own, and the plan's value may lie above it.
    """
    problem = opened.problem
    own = level_value(problem, opened.arcs, opened.purchase, spec.level)
    same(f"{spec.level} witness", "witness" in proof, spec.relative_e4 > 0 or spec.absolute_e4 > 0)
    value = own
    if "witness" in proof:
        value = level_value(problem, opened.arcs, _witness(opened, proof, earlier, between), spec.level)
    cap = value + abs(value) * Fraction(spec.relative_e4, E4) + Fraction(spec.absolute_e4, E4)
    if own > cap + _room(problem, spec.level, between):
        raise Differs(f"{spec.level} exceeds what it may be")
    return value, max(cap, own)


def _witness(
    opened: OpenedPlan, proof: Json, earlier: Sequence[Goal], between: Sequence[Fraction]
) -> Mapping[int, int]:
    """The purchase from which a slack is measured: it breaks nothing and keeps the earlier levels."""
    problem, arcs = opened.problem, opened.arcs
    purchase = purchase_of(problem, arcs, [(str(e), str(i), str(d), str(t)) for e, i, d, t in proof["witness"]])
    for what, used, limit in hard_rows(problem, arcs, purchase):
        if used > limit:
            raise Differs(f"witness {what}")
    for goal in earlier:
        most = None if goal.cap is None else goal.cap + _room(problem, goal.name, between)
        if most is not None and level_value(problem, arcs, purchase, goal.name) > most:
            raise Differs(f"witness {goal.name}")
    return purchase


def _room(problem: Problem, level: str, between: Sequence[Fraction]) -> Fraction:
    """By how much whole kg may exceed what the LP held; whole lots are held as they are."""
    return Fraction(0) if problem.settings.whole_lots else proof_step(problem, level, between)


def _phases(proof: Json) -> list[Multipliers]:
    """The multipliers of each phase, on their grid."""
    return [{tuple(row[:-1]): int(Decimal(_digits(row[-1])) * GRID) for row in phase} for phase in proof["phases"]]


def _digits(text: object) -> str:
    """A number written out; an exponent could ask for more digits than there is memory. Raises ValueError."""
    if not isinstance(text, str) or PLAIN_NUMBER.fullmatch(text) is None:
        raise ValueError("not a plain number")
    return text


def _check_shown(name: str, shown: LevelResult, value: Fraction, bound: Fraction, step: Fraction) -> None:
    """What the plan shows of a level: unit, value, bound, gap, step, and `exact` where value and bound meet."""
    money = name == "cost"

    def text(number: Fraction) -> str:
        return yuan(round_half_up(number * 100)) if money else tonnes(ceil(number * 1000))

    same(f"{name} unit", shown.unit, "yuan" if money else "t")
    same(f"{name} value", shown.value, text(value))
    same(f"{name} bound", shown.bound, text(bound))
    same(f"{name} gap", Decimal(shown.gap), Decimal(shown.value) - Decimal(shown.bound))
    same(f"{name} exact proof", shown.proof == "exact", value - bound < step)
    same(f"{name} step", shown.step, price_text(step) if money else tonnes(ceil(step * 1000)))
