"""Eight to twelve offers, one to three events: the engine against SciPy's own HiGHS, level by level.

The arrays are written from the page; every level is solved under what the plan reached at the earlier ones.
"""

import random
from fractions import Fraction
from typing import Any

import pytest

from tests.independent import bridge, cases, reading
from tests.independent import other_solver as other

TOLERANCE = {"yuan": 0.01, "t": 1e-4}
"""What SciPy's optimum may be off: a fen, and a tenth of the least step."""


def a_medium_case(seed: int) -> tuple[dict[str, Any], Any]:
    rng = random.Random(seed)
    events = rng.choice([1, 1, 2, 3])
    case = cases.a_case(seed, offers=rng.randint(8, 12), most_lots=8, events=events)
    if rng.random() < 0.5:
        worth = sum(float(o["quantity"]) * float(o["price"]) for o in case["offers"])
        case = cases.with_budgets(case, seed, [Fraction(int(worth * rng.choice([0.05, 0.2, 0.4]) * 100), 100)])
    return case, reading.Reading(case["calendar"], case["offers"], cases.AS_OF, case["outlook"])


def disagreements(seed: int) -> list[str]:
    case, read = a_medium_case(seed)
    objective = cases.PRESETS[seed % 4]
    order = read.level_order(objective)
    levels = bridge.levels_of(bridge.solved(case, cases.AS_OF, objective))
    least = other.least_under(read, order, [value for _, value, _, _ in levels])
    wrong = []
    for (name, value, bound, proof), best in zip(levels, least, strict=True):
        room = TOLERANCE["yuan" if name == "cost" else "t"]
        if float(bound) > best + room or (proof != "open" and float(value) > best + room) or float(value) < best - room:
            wrong.append(f"case {seed}, {objective}: {name} {float(value)} bound {float(bound)} {proof} for {best}")
    return wrong


@pytest.mark.parametrize("first", range(0, 40, 5))
def test_whole_lots_of_medium_cases_agree_with_another_formulation(first):
    """Every proven level equals the other solver's optimum under the same earlier levels; no bound exceeds it."""
    assert [w for seed in range(first, first + 5) for w in disagreements(seed)] == []
