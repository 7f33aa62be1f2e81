"""Whole lots: the engine against every plan there is, enumerated.

A wrong lot count, minimum, fee, break, cap, budget, date or eta changes a level's value here; a proof that is too bold
shows as a bound above what enumeration found, or as `exact` or `solver` beside a value that can be bettered.
"""

import random
from fractions import Fraction
from typing import Any

import pytest

from tests.independent import bridge, cases, reading

FEN = Fraction(1, 100)


def enumerated(seed: int, events: int) -> tuple[dict[str, Any], Any, set[tuple[Fraction, ...]]] | None:
    """A case, its reading and all its outcomes; three in five have budgets that just fit or just miss some plan."""
    rng = random.Random(seed)
    offers = rng.choice([2, 3, 3, 4]) if events == 1 else rng.choice([2, 2, 3])
    case = cases.a_case(seed, offers=offers, most_lots=4 if events == 1 else 3, events=events)
    read = reading.Reading(case["calendar"], case["offers"], cases.AS_OF, case["outlook"])
    outcomes = read.outcomes()
    if outcomes is not None and random.Random(seed * 3).random() < 0.6:
        case = cases.with_budgets(case, seed, sorted({o[-1] for o in outcomes}))
        read = reading.Reading(case["calendar"], case["offers"], cases.AS_OF, case["outlook"])
        outcomes = read.outcomes()
    return None if outcomes is None else (case, read, outcomes)


def objectives_of(seed: int) -> list[Any]:
    """All presets for one case in four, two for the others, and one custom order."""
    presets = cases.PRESETS if seed % 4 == 0 else [cases.PRESETS[seed % 4], "priority-first"]
    return [*presets, cases.CUSTOM[seed % len(cases.CUSTOM)]]


def disagreements(seed: int, events: int) -> list[str]:
    found = enumerated(seed, events)
    if found is None:
        return []
    case, read, outcomes = found
    wrong = []
    for objective in objectives_of(seed):
        order = read.level_order(objective)
        levels = bridge.levels_of(bridge.solved(case, cases.AS_OF, objective))
        where = f"case {seed} with {events} events, {objective}"
        if [name for name, _, _, _ in levels] != [name for name, _, _ in order]:
            wrong.append(f"{where}: levels {[name for name, _, _, _ in levels]}")
            continue
        values = [value for _, value, _, _ in levels]
        least = reading.best_under(outcomes, read.names, order, values)
        for (name, value, bound, proof), best in zip(levels, least, strict=True):
            step = FEN if name == "cost" else 0
            if not bound <= best <= value:
                wrong.append(f"{where}: {name} is {value}, bound {bound}, but the least is {best}")
            if proof != "open" and value - best > step:
                wrong.append(f"{where}: {name} is {value} and said to be {proof}, but the least is {best}")
        alone = reading.best(outcomes, read.names, order)
        if all(proof != "open" for _, _, _, proof in levels) and any(
            abs(v - b) > FEN for v, b in zip(values, alone, strict=True)
        ):
            wrong.append(f"{where}: {[str(v) for v in values]} for {[str(b) for b in alone]}")
    return wrong


@pytest.mark.parametrize("first", range(0, 96, 6))
def test_one_event_reaches_the_enumerated_optimum_at_every_level(first):
    """Bound <= enumerated least <= value, and equal to the step wherever the engine says that it is proven."""
    assert [w for seed in range(first, first + 6) for w in disagreements(seed, 1)] == []


@pytest.mark.parametrize("first", range(0, 40, 4))
def test_two_events_on_one_market_reach_the_enumerated_optimum_at_every_level(first):
    """Shared offers, shared and own budgets, priority classes: an availability counted per event would show here."""
    assert [w for seed in range(first, first + 4) for w in disagreements(seed, 2)] == []


def test_the_cases_hold_what_they_are_meant_to_hold():
    """Degenerate on purpose: were ties, breaks or budgets to vanish, the proofs above would be hollow."""
    kinds = {
        key: 0
        for key in (
            "tied",
            "twin",
            "break",
            "minimum",
            "fee",
            "budget",
            "years",
            "carry",
            "max",
            "min",
            "free",
            "forest",
        )
    }
    for seed in range(96):
        found = enumerated(seed, 1)
        if found is None:
            continue
        case, read, _ = found
        offers, event = case["offers"], case["calendar"]["events"][0]
        prices = [o["price"] for o in offers]
        bodies = [str({k: v for k, v in o.items() if k != "offer_id"}) for o in offers]
        budget = event.get("budget", {})
        shown = {
            "tied": len(set(prices)) < len(prices),
            "twin": len(set(bodies)) < len(bodies),
            "break": any("price_breaks" in o for o in offers),
            "minimum": any("min_quantity" in o for o in offers),
            "fee": any("fixed_fee" in o for o in offers),
            "budget": "total" in budget,
            "years": "by_fiscal_year" in budget,
            "carry": budget.get("carry_forward", False),
            "max": any("max_share" in x for x in event.get("limits", [])),
            "min": any("min_share" in x for x in event.get("limits", [])),
            "free": "0" in prices,
            "forest": any(read.offers[s.offer]["instrument"] == "forestry" for s in read.lines),
        }
        for key, there in shown.items():
            kinds[key] += bool(there)
    assert {key: n for key, n in kinds.items() if n < 3} == {}
