"""The certificate as data: multipliers of every level as exact decimals, and what a slack was measured from."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from optimizer.certificate import GRID
from optimizer.plan import Json
from optimizer.program import Key
from optimizer.quantities import plain, tonnes
from optimizer.solution import LevelProof, Solution


def certificate_part(solution: Solution) -> Json:
    """Multipliers of every level as exact decimals, and what a slack was measured from."""
    order = {a: k for k, a in enumerate(sorted(solution.measure.purchase))}
    return {
        "between_kg": [order[a] for a in solution.chain.between_kg if a in order],
        "levels": [_level_certificate(solution, p) for p in solution.proofs],
    }


def _level_certificate(solution: Solution, p: LevelProof) -> Json:
    entry: Json = {
        "name": p.name,
        "value": fraction_text(p.value),
        "bound": fraction_text(p.bound),
        "phases": [_multipliers(phase) for phase in p.phases],
    }
    if p.witness is not None:
        entry["witness"] = [_named(solution, a, kg) for a, kg in sorted(p.witness.items())]
    return entry


def _multipliers(phase: Mapping[Key, int]) -> list[list[Any]]:
    ordered = sorted(phase.items(), key=lambda item: str(item[0]))
    return [[*key, plain(Decimal(m) / GRID)] for key, m in ordered]


def _named(solution: Solution, a: int, kg: int) -> list[Any]:
    problem, arcs = solution.problem, solution.arcs
    return [
        problem.events[int(arcs.event[a])].id,
        problem.offers.offer_id[int(arcs.offer[a])],
        str(arcs.day[a]),
        tonnes(kg),
    ]


def fraction_text(value: Fraction) -> str:
    """An exact rational as "n" or "n/d"."""
    return str(value)
