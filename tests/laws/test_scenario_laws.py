"""What holds of scenarios whatever the market: purity, exact prices, monotony, and that a simple rule never wins."""

import dataclasses
import pickle
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from optimizer.arcs import build_arcs
from optimizer.eligibility import screen
from optimizer.limits import fit
from optimizer.measure import Measure
from optimizer.problem import Problem
from optimizer.quantities import kg_of
from optimizer.solution import solve
from scenarios.baselines import Measured, SimpleRule, buy_simply
from scenarios.scenario import Scenario, apply
from scenarios.scenario_set import ScenarioSet
from tests.laws.markets import cases, modest, problem_of, proven, worse

FACTORS = st.decimals("0", "3", places=4)


def changed(problem: Problem, **changes: Any) -> Problem:
    return apply(problem, Scenario.model_validate({"name": "s", **changes}))


def frozen(problem: Problem) -> tuple[bytes, object]:
    return pickle.dumps([getattr(problem.offers, f.name) for f in dataclasses.fields(problem.offers)]), problem.calendar


@modest
@given(cases(), FACTORS, FACTORS)
def test_the_base_never_changes_and_the_same_changes_give_the_same_problem(case, price, quantity):
    base = problem_of(case)
    before = frozen(base)
    changes: Any = {
        "prices": [{"factor": str(price)}, {"where": {"instrument": "allowance"}, "add": "-30"}],
        "availability": {"where": {"seller": "甲"}, "scale": str(quantity)},
        "budget": {"scale": str(price)},
        "emissions": {"scale": "1.5"},
        "offers": {"exclude": {"region": "14"}},
    }
    one, other = changed(base, **changes), changed(base, **changes)
    assert frozen(base) == before
    assert one.offers.sha256 == other.offers.sha256
    assert (one.calendar, one.findings) == (other.calendar, other.findings)


@modest
@given(cases(), FACTORS)
def test_prices_are_the_exact_product_rounded_half_up(case, factor):
    base = problem_of(case)
    made = changed(base, prices={"factor": str(factor)})
    for old, new in zip(base.offers.price_fen.tolist(), made.offers.price_fen.tolist(), strict=True):
        assert new == int((Decimal(old) * factor).quantize(Decimal(1), ROUND_HALF_UP))


@modest
@given(cases(budgets=False))
def test_twice_the_price_buys_the_same_for_twice_the_money(case):
    # Fixed fees are no prices: without them every all-in price doubles, and so does every cost.
    for one in case["offers"]:
        one.pop("fixed_fee", None)
    base = problem_of(case)
    once, twice = solve(base), solve(changed(base, prices={"factor": 2}))
    if proven(once, twice):
        assert twice.cost_yuan == 2 * once.cost_yuan
        assert twice.shortfall_t == once.shortfall_t


@modest
@given(cases(), st.sampled_from(["budget", "availability"]))
def test_more_money_or_supply_never_worsens_the_levels(case, what):
    base = problem_of(case)
    more = changed(base, **{what: {"scale": 2}})
    before, after = solve(base), solve(more)
    if proven(before, after):
        assert worse(after, before) is None


def purchase_of(problem: Problem, bought: Measured) -> Measure:
    """The lines of a simple purchase found again among the arcs, and measured from nothing."""
    arcs = build_arcs(problem, screen(problem))
    arcs = fit(problem, arcs) if problem.settings.whole_lots else arcs
    events = {e.id: k for k, e in enumerate(problem.events)}
    purchase: dict[int, int] = {}
    for line in bought.lines:
        kg = kg_of(line.contracted_t)
        (a,) = [
            int(a)
            for a in np.flatnonzero(
                (arcs.event == events[line.event_id])
                & (problem.offers.offer_id[arcs.offer] == line.offer_id)
                & (arcs.day == np.datetime64(line.purchase_date))
                & (arcs.least_kg <= kg)
                & (kg <= arcs.most_kg)
            )
        ]
        purchase[a] = kg
    return Measure(problem, arcs, purchase)


@modest
@given(cases(), st.sampled_from(["greedy-order", "greedy-cheapest"]))
def test_a_simple_purchase_breaks_no_rule_and_adds_up(case, rule):
    problem = problem_of(case)
    bought = buy_simply(problem, rule, "en")
    measure = purchase_of(problem, bought)
    assert measure.broken() == []
    assert abs(Fraction(Decimal(bought.totals.cost)) * 100 - measure.cost_fen) <= Fraction(1, 2)


PAIRS: list[tuple[SimpleRule, str]] = [("greedy-order", "priority-first"), ("greedy-cheapest", "cost-first")]


@modest
@given(cases(), st.sampled_from(PAIRS))
def test_a_simple_rule_is_never_better_than_the_plan(case, pair):
    rule, objective = pair
    problem = problem_of(case, objective)
    planned = solve(problem)
    if not proven(planned):
        return
    simple = purchase_of(problem, buy_simply(problem, rule, "en"))
    for proof in planned.proofs:
        mine = simple.level(proof.name)
        assert mine >= proof.bound - Fraction(1, 100), proof.name
        if mine > proof.value:
            return


@modest
@given(st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_a_grid_makes_every_combination_once(sizes):
    axes = {
        f"a{k}": {f"o{i}": {"prices": {"where": {"offer_id": f"{k}"}, "add": i}} for i in range(size)}
        for k, size in enumerate(sizes)
    }
    made = ScenarioSet.model_validate({"grid": axes}).expanded()
    assert len(made) == len({s.name for s in made}) == np.prod(sizes)
    assert len({tuple(p.add_fen for p in s.prices) for s in made}) == len(made)
    assert all(len(s.prices) == len(sizes) for s in made)
