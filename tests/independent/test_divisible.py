"""Divisible quantities: the engine against a simplex in exact fractions, level by level.

The engine's plan stands in whole kg, so a level may be off by a kg for each line that the exact optimum leaves between
two: above the exact least, or below the least under this plan's earlier levels; in between, a kg that an earlier level
gave up may be worth many. A face that was dropped, a sign, or a level held by a tolerance shows as tonnes, not as kg.
"""

import random
from fractions import Fraction
from typing import Any

import pytest

from tests.independent import bridge, cases, exact_lp, reading

KG = Fraction(1, 1000)
FEN = Fraction(1, 100)
DEAREST = Fraction(1250 * 3 // 2 + 4)
"""Yuan per t: the dearest price of the cases with the highest fees."""


def a_divisible_case(seed: int, events: int) -> tuple[dict[str, Any], Any]:
    """Three to eight offers; three in five cases have budgets near what the cheapest plan of the order costs."""
    rng = random.Random(seed)
    case = cases.a_case(seed, whole=False, offers=rng.choice([3, 5, 8]), most_lots=6, events=events)
    read = reading.Reading(case["calendar"], case["offers"], cases.AS_OF, case["outlook"])
    if rng.random() < 0.6:
        cost = exact_lp.divisible_levels(read, read.level_order("priority-first"))[-1]
        case = cases.with_budgets(case, seed, [cost, cost * 3 / 4])
        read = reading.Reading(case["calendar"], case["offers"], cases.AS_OF, case["outlook"])
    return case, read


def disagreements(seed: int, events: int) -> list[str]:
    case, read = a_divisible_case(seed, events)
    wrong = []
    for objective in cases.PRESETS:
        order = read.level_order(objective)
        solution = bridge.solved(case, cases.AS_OF, objective)
        levels = bridge.levels_of(solution)
        between = len(solution.chain.between_kg)
        exact_levels = exact_lp.divisible_levels(read, order)
        if objective == "balanced":
            under = exact_levels
        else:
            under = exact_lp.divisible_levels(read, order, [value for _, value, _, _ in levels])
        for (name, value, bound, proof), exact, least in zip(levels, exact_levels, under, strict=True):
            room = FEN + 2 * (1 + between) * KG * DEAREST if name == "cost" else 2 * (1 + between) * KG
            if not min(exact, least) - room <= value <= max(exact, least) + room or bound > value:
                wrong.append(f"case {seed} with {events} events, {objective}: {name} {value} ({proof}) for {exact}")
    return wrong


@pytest.mark.parametrize("first", range(0, 48, 4))
def test_one_event_reaches_the_exact_optimum_at_every_level(first):
    """Values of the exact lexicographic simplex, to the kg."""
    assert [w for seed in range(first, first + 4) for w in disagreements(seed, 1)] == []


@pytest.mark.parametrize("first", range(0, 24, 3))
def test_two_events_on_one_market_reach_the_exact_optimum_at_every_level(first):
    """The same with shared offers and budgets."""
    assert [w for seed in range(first, first + 3) for w in disagreements(seed, 2)] == []


@pytest.mark.parametrize("first", range(100, 124, 4))
def test_the_bound_never_exceeds_the_least_under_this_plans_earlier_levels(first):
    """With every earlier level held at what the plan reached, the exact least lies between bound and value."""
    wrong = []
    for seed in range(first, first + 4):
        case, read = a_divisible_case(seed, 1 + seed % 2)
        for objective in ("priority-first", "order-first", "cost-first"):
            levels = bridge.levels_of(bridge.solved(case, cases.AS_OF, objective))
            values = [value for _, value, _, _ in levels]
            least = exact_lp.divisible_levels(read, read.level_order(objective), values)
            for (name, value, bound, _), best in zip(levels, least, strict=True):
                if not bound <= best <= value:
                    wrong.append(f"case {seed}, {objective}: {name} bound {bound}, least {best}, value {value}")
    assert wrong == []
