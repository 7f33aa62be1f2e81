"""What the engine is measured beside does the same work: on small markets every peer finds the plan's level values."""

import json
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from benchmarks.markets import one_event, season
from benchmarks.modelled_peers import PEERS, installed, ortools_chain
from benchmarks.own_process import within
from benchmarks.peers import HotChain, cold_solve, levels_of, naive_lots, program_of
from benchmarks.plans import agrees, arrays_mb
from optimizer import Plan, Problem, plan
from optimizer.eligibility import screen
from optimizer.program import Program

MARKETS: dict[str, Callable[[], Problem]] = {
    "one event": lambda: one_event(50, whole_lots=False),
    "a season": lambda: season(6, 60),
}


@pytest.fixture(scope="module", params=MARKETS)
def case(request: pytest.FixtureRequest) -> tuple[Program, Plan]:
    problem = MARKETS[request.param]()
    return program_of(problem), plan(problem, explanations="none")


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_finds_the_values_of_the_plan(name: str, case: tuple[Program, Plan]) -> None:
    if not installed(name):
        pytest.skip(f"{name} is not installed: make peers")
    program, made = case
    assert agrees(program, made, PEERS[name](program))


@pytest.mark.skipif(not installed("ortools"), reason="OR-Tools is not installed: make peers")
def test_or_tools_finds_the_values_of_the_plan(case: tuple[Program, Plan]) -> None:
    program, made = case
    values, seconds = ortools_chain(program)
    assert agrees(program, made, values)
    assert seconds > 0


def test_other_values_do_not_agree(case: tuple[Program, Plan]) -> None:
    """A thousandth more cost, a tonne more in a tier, a level too few."""
    program, made = case
    ours = [float(level.value) for level in made.levels]
    assert agrees(program, made, ours)
    assert not agrees(program, made, [*ours[:-1], ours[-1] * 1.001])
    assert not agrees(program, made, [ours[0], ours[1] + 1, *ours[2:]])
    assert not agrees(program, made, ours[:-1])


def test_the_hot_chain_finds_the_values_draw_after_draw(case: tuple[Program, Plan]) -> None:
    """Prices doubled double the last level and nothing else; then once more as they were."""
    program, made = case
    chain, cost = HotChain(program), program.objective(levels_of(program)[-1])
    assert agrees(program, made, chain.values(cost))
    budgets_bind = any(key[0] == "budget" for key in program.row_keys)
    doubled = chain.values(2 * cost)
    assert budgets_bind or np.allclose(doubled[:-1], [float(level.value) for level in made.levels][:-1], atol=1e-3)
    assert doubled[-1] == pytest.approx(2 * float(made.levels[-1].value), rel=1e-5)
    assert agrees(program, made, chain.values(cost))


def test_the_raw_solve_is_never_dearer_than_the_plan(case: tuple[Program, Plan]) -> None:
    """Without the order of tiers the same tonnes cost at most as much."""
    program, made = case
    alone = cold_solve(program)
    assert 0 < alone <= float(made.totals.cost) * (1 + 1e-6)
    assert within(partial(cold_solve, program), 60) == alone


def test_what_does_not_end_in_its_time_is_stopped_and_what_fails_says_so() -> None:
    assert within(partial(time.sleep, 60), 0.1) is None
    with pytest.raises(RuntimeError, match="without an answer"):
        within(partial(os._exit, 3), 60)


def test_a_raw_solve_that_cannot_cover_everything_is_no_yardstick() -> None:
    poor = one_event(50, whole_lots=False).with_budget_total(100_00)
    with pytest.raises(ArithmeticError, match="Infeasible"):
        cold_solve(program_of(poor))


def test_the_naive_chain_of_integer_programs_finds_the_values_of_whole_lots() -> None:
    problem = one_event(20, whole_lots=True, minimums=True)
    program, made = program_of(problem), plan(problem, explanations="none")
    values, optimal = naive_lots(program, whole=True)
    assert optimal
    assert values[-1] == pytest.approx(float(made.levels[-1].value), rel=1e-5)


def test_half_of_a_seasons_pairs_may_trade_and_it_is_the_same_each_time() -> None:
    """Of 100 events and 500 offers; money of two years, its own for every tenth event, three classes."""
    problem = season(100, 500)
    assert (screen(problem).reasons == 0).mean() == pytest.approx(0.5, abs=0.06)
    assert [event.budget is not None for event in problem.events].count(True) == 10
    assert {event.priority for event in problem.events} == {1, 2, 3}
    assert season(100, 500).calendar == problem.calendar
    assert season(100, 500).offers.sha256 == problem.offers.sha256
    assert season(100, 500, seed=1).offers.sha256 != problem.offers.sha256


def test_the_offers_own_arrays_are_counted_column_by_column() -> None:
    """At least 8 bytes a number and a day, 4 a code: from 180 bytes an offer on."""
    offers = one_event(1_000, whole_lots=False).offers
    assert 180 < arrays_mb(offers) * 2**20 / len(offers) < 400


def test_a_job_in_its_own_process_answers_as_json(tmp_path: Path) -> None:
    from benchmarks.own_process import in_own_process

    told = in_own_process("benchmarks.plans:memory_job", "500")
    assert told["arrays_mb"] > 0
    assert json.dumps(told)
