"""Sweeps: the same numbers in any chunking, more draws only append, no spread is the plan; what risk measures keep.

And two-stage plans: wait and see <= stochastic <= expected-value plan, whatever the prices, needs and weights.
"""

from datetime import date

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from market_data.draws import FallThrough, FallThroughRule
from market_data.price_models import calibrate
from market_data.price_statistics import PriceHistory
from optimizer.solution import solve
from scenarios.draws import Uncertainty
from scenarios.recourse import Recourse, TwoStage
from scenarios.stochastic import less
from scenarios.summary import distribution
from scenarios.sweep import question_of, sweep, sweep_chunk
from scenarios.swept import ROW_ARRAYS, joined
from tests.laws.markets import cases, problem_of

few = settings(
    max_examples=10,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
more = settings(few, max_examples=25)
DRAWS = 12


def model():
    returns = np.random.default_rng(5).normal(0, 0.1, (40, 3))
    fen = np.rint(5000 * np.exp(np.cumsum(returns, axis=0))).astype(np.int64)
    months = np.arange("2022-01", np.datetime64("2022-01") + np.timedelta64(40, "M"), dtype="datetime64[M]")
    return calibrate(PriceHistory(("ccer", "credit", "allowance"), months, fen), "mean-reverting")


SPREAD = Uncertainty(model(), date(2027, 3, 1), fall_through=FallThroughRule(FallThrough(1500, 1500)), yield_spread=0.3)
conducts = st.sampled_from(["replan", "replace", "short"])
money = st.sampled_from(["measured", "limit"])
divisible = cases(whole=False)


@few
@given(case=divisible, conduct=conducts, money=money, cut=st.integers(1, DRAWS - 1), seed=st.integers(0, 2**40))
def test_any_chunking_in_any_order_gives_the_same_numbers(case, conduct, money, cut, seed):
    question = question_of(problem_of(case), SPREAD, conduct, money)
    whole = sweep(question, seed, DRAWS)
    parts = joined([sweep_chunk(question, seed, cut, DRAWS - cut), sweep_chunk(question, seed, 0, cut)])
    for name in ROW_ARRAYS:
        assert np.array_equal(getattr(parts, name), getattr(whole, name)), name


@few
@given(case=divisible, conduct=conducts, seed=st.integers(0, 2**40))
def test_more_draws_only_append(case, conduct, seed):
    question = question_of(problem_of(case), SPREAD, conduct)
    short, long = sweep(question, seed, DRAWS // 2), sweep(question, seed, DRAWS)
    for name in ROW_ARRAYS:
        assert np.array_equal(getattr(short, name), getattr(long.head(DRAWS // 2), name)), name


@few
@given(case=divisible, conduct=conducts, preset=st.sampled_from(["priority-first", "cost-first", "balanced"]))
def test_without_spread_every_quantile_is_the_plan(case, conduct, preset):
    problem = problem_of(case, preset)
    question = question_of(problem, Uncertainty(), conduct, "limit")
    found = distribution(sweep(question, 7, 3).cost_yuan)
    plan = solve(problem.with_settings(whole_lots=False), prove=False)
    # The plan is in whole kg: where its LP lies between two, up to a kg of each offer is rounded.
    allowed = 0.08 * len(problem.offers) * len(problem.events) + 1e-6 * float(plan.cost_yuan)
    for estimate in found.measures().values():
        assert estimate.value == pytest.approx(float(plan.cost_yuan), abs=allowed)
        assert estimate.standard_error == pytest.approx(0, abs=1e-9)


@more
@given(case=cases(whole=False, budgets=False, limits=False), seed=st.integers(0, 2**40))
def test_replanning_covers_at_least_what_a_held_plan_leaves_and_replacing_is_between(case, seed):
    """Not so with maximum shares: a forest that is held to and grows well may cover more than a plan would let it."""
    problem = problem_of(case)
    short, replaced, replanned = (
        sweep(question_of(problem, SPREAD, conduct), seed, DRAWS).shortfall_t.sum(axis=1)
        for conduct in ("short", "replace", "replan")
    )
    assert (replaced <= short + 0.01).all()
    assert (replanned <= replaced + 0.01).all()


@more
@given(
    values=st.lists(st.floats(0, 1e9) | st.sampled_from([1.0, 1.0, 2.0]), min_size=1, max_size=60),
    extra=st.floats(0, 1e6),
)
def test_quantiles_and_tail_are_in_order_and_move_with_the_values(values, extra):
    numbers = np.array(values)
    found = distribution(numbers)
    p50, p80, p95 = (found.quantiles[q].value for q in ("P50", "P80", "P95"))
    near = 1e-9 * found.most
    assert found.least <= p50 <= p80 <= p95 <= found.tail_mean.value + near
    assert found.tail_mean.value <= found.most + near
    assert found.mean.value <= found.tail_mean.value + near
    assert all(e.low <= e.value + near and e.value <= e.high + near for e in found.measures().values())
    moved = distribution(numbers + extra)
    assert moved.tail_mean.value == pytest.approx(found.tail_mean.value + extra, rel=1e-9)
    assert moved.quantiles["P80"].value == pytest.approx(p80 + extra, rel=1e-9)


@st.composite
def recourses(draw):
    """Up to three offers and three draws, degenerate on purpose: ties, nothing there, needs beyond supply."""
    arcs, draws = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    price = st.sampled_from([0.0, 20.0, 50.0, 50.0, 80.0, 130.0])

    def table(rows, numbers):
        return np.array(draw(st.lists(st.lists(numbers, min_size=arcs, max_size=arcs), min_size=rows, max_size=rows)))

    quantity = np.array(draw(st.lists(st.sampled_from([0.0, 4.0, 10.0, 25.0]), min_size=arcs, max_size=arcs)))
    there = table(draws, st.sampled_from([0.0, 1.0, 1.0]))
    today = table(1, st.sampled_from([0.0, 1.0, 1.0]))[0]
    need = np.array(draw(st.lists(st.sampled_from([0.0, 5.0, 10.0, 30.0]), min_size=draws, max_size=draws)))
    return Recourse(
        event=np.zeros(arcs, dtype=np.int64),
        offer=np.arange(arcs),
        tier=np.array(draw(st.lists(st.integers(1, 2), min_size=arcs, max_size=arcs))),
        quantity_t=quantity,
        now_cost=table(1, price)[0],
        now_most_t=quantity * today,
        later_cost=table(draws, price),
        later_most_t=quantity * there,
        eta=table(draws, st.sampled_from([0.5, 1.0, 1.0])),
        need_t=need[:, None],
        penalty=np.array([draw(st.sampled_from([0.0, 30.0, 300.0])), 300.0]),
        tail_weight=draw(st.sampled_from([0.0, 0.3, 1.0])),
        tail_share=draw(st.sampled_from([0.5, 0.8, 0.95])),
    )


@more
@given(problem=recourses())
def test_wait_and_see_is_at_most_stochastic_is_at_most_the_expected_value_plan(problem):
    two = TwoStage(problem)
    best, objective = two.best()
    stochastic = problem.worth(two.played(best).outcomes)
    assert stochastic == pytest.approx(objective, rel=1e-6, abs=1e-6)
    foreseen = problem.worth(TwoStage(problem.foreseen()).played(np.zeros(len(best))).outcomes)
    ignoring, _ = TwoStage(problem.mean()).best()
    others = [ignoring, np.zeros(len(best)), problem.now_most_t]
    assert less(stochastic, foreseen) >= 0  # EVPI
    for other in others:
        assert less(problem.worth(two.played(other).outcomes), stochastic) >= 0  # VSS, and any other plan


@few
@given(problem=recourses(), weights=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_a_heavier_tail_never_makes_the_tail_dearer(problem, weights):
    """x(w) minimises (1 - w) mean + w CVaR: CVaR at the optimum does not grow with w, the mean does not fall."""
    from dataclasses import replace

    light, heavy = sorted(weights)
    if heavy - light < 0.05:
        return
    found = []
    for weight in (light, heavy):
        weighted = replace(problem, tail_weight=weight)
        two = TwoStage(weighted)
        outcomes = two.played(two.best()[0]).outcomes
        found.append((float(outcomes.mean()), replace(problem, tail_weight=1.0).worth(outcomes)))
    (mean_light, tail_light), (mean_heavy, tail_heavy) = found
    assert tail_heavy <= tail_light + 1e-4 and mean_heavy >= mean_light - 1e-4
