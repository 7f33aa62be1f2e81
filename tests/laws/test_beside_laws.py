"""What is solved beside a plan comes to the same from what the plan knows as from nothing, on ties and when short."""

from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from benchmarks.markets import one_event
from optimizer import Problem
from optimizer.chain import WorkLimits
from optimizer.explain import has_budget, without_budget
from optimizer.solution import solve
from tests.laws import markets as m

NOTHING_KNOWN = WorkLimits(nodes=2_000, tie_break=False)
ORDERS = st.sampled_from(["priority-first", "order-first", "cost-first", "balanced"])


def variants(problem: Problem) -> list[Problem]:
    found = [
        problem.with_objective("cost-first"),
        problem.with_settings(unranked=not problem.settings.unranked),
        problem.with_settings(allow_late=True, forestry_accrual="ex_ante"),
    ]
    return [*found, without_budget(problem)] if has_budget(problem) else found


def assert_known_changes_nothing(problem: Problem) -> None:
    known = replace(NOTHING_KNOWN, known=solve(problem).bought())
    for variant in variants(problem):
        from_nothing, from_plan = solve(variant, NOTHING_KNOWN), solve(variant, known)
        assert from_plan.cost_yuan == from_nothing.cost_yuan
        assert from_plan.shortfall_t == from_nothing.shortfall_t
        assert [(p.name, p.value) for p in from_plan.proofs] == [(p.name, p.value) for p in from_nothing.proofs]


@m.modest
@given(case=m.cases(), order=ORDERS)
def test_values_beside_a_plan_are_those_from_nothing_on_degenerate_markets(case: dict[str, Any], order: str) -> None:
    assert_known_changes_nothing(m.problem_of(case, order))


@pytest.mark.parametrize("seed", range(4))
def test_values_beside_a_plan_are_those_from_nothing_where_rooms_are_searched(seed: int) -> None:
    assert_known_changes_nothing(one_event(60, seed, whole_lots=True, minimums=bool(seed % 2)))


def test_a_chain_ends_where_what_is_asked_for_is_proven() -> None:
    problem = one_event(60, 1, whole_lots=True)
    names = [p.name for p in solve(problem, NOTHING_KNOWN).proofs]
    covered = solve(problem, replace(NOTHING_KNOWN, until="covered"))
    cheapest = solve(problem.with_objective("cost-first"), replace(NOTHING_KNOWN, until="cost"))
    assert names[-1] == "cost" and covered.shortfall_t == 0
    assert [p.name for p in covered.proofs] == names[: names.index("shortfall") + 1]
    assert cheapest.proofs[-1].name == "cost"
    assert cheapest.cost_yuan == solve(problem.with_objective("cost-first"), NOTHING_KNOWN).cost_yuan
