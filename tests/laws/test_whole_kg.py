"""Whole kg: a calendar that could be covered with quantities as fine as one likes is covered in whole kg too."""

import numpy as np
import pytest

import benchmarks.markets
from benchmarks.markets import season
from optimizer.problem import Problem
from optimizer.solution import solve
from optimizer.tolerances import NOTHING

SEASONS = [(0.25, 1.0, 1), (0.25, 1.0, 3), (0.6, 1.0, 0), (0.25, 0.7, 2), (0.25, 0.7, 3), (0.25, 0.5, 1)]
"""Need as a share of the market, money as a share of what the season has else, and seed: in each the LP leaves
quantities between two kg. The last has too little money to keep the order: there a kg can be worth many."""


def a_season(monkeypatch: pytest.MonkeyPatch, share: float, money: float, seed: int) -> Problem:
    monkeypatch.setattr(benchmarks.markets, "SEASON_SHARE", share)
    for name in ("SHARED_YUAN_PER_T", "OWN_YUAN_PER_T"):
        per_t = getattr(benchmarks.markets, name)
        monkeypatch.setattr(benchmarks.markets, name, {year: yuan * money for year, yuan in per_t.items()})
    return season(20, 100, seed)


@pytest.mark.parametrize("spec", SEASONS, ids=str)
def test_what_the_lp_covers_is_covered_in_whole_kg_at_next_to_no_cost(spec, monkeypatch):
    solution = solve(a_season(monkeypatch, *spec))
    assert solution.chain.between_kg
    for proof in solution.proofs:
        if proof.name.startswith("shortfall") and proof.solver_bound <= NOTHING:
            assert proof.value == 0, proof.name
    if spec != SEASONS[-1]:
        cost = solution.proof("cost")
        assert cost.proof == "exact"
        assert cost.value - cost.bound <= 1


def test_the_last_kg_are_the_same_every_time_and_in_every_order_of_rows(monkeypatch):
    problem = a_season(monkeypatch, *SEASONS[0])
    order = np.random.default_rng(5).permutation(len(problem.offers))
    purchase = solve(problem).chain.purchase
    assert solve(problem).chain.purchase == purchase
    assert solve(problem.replace(offers=problem.offers.take(order))).chain.purchase == purchase
