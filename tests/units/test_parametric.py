"""The exact walk along a right-hand side: its linear algebra, its limits, and the shipped examples."""

import random
from datetime import date
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from api import read_problem
from benchmarks.markets import one_event
from optimizer import parametric, swap_proof, swap_run
from optimizer.basic_values import solve_exactly
from optimizer.basis import Basis
from optimizer.errors import BadInput, Cancelled, SolverFailure
from optimizer.exact_linear import ExactFactor
from optimizer.exact_program import ExactProgram, cost_row, exact_program, money_row, with_moving_rows
from optimizer.kept_inverse import KeptInverse
from optimizer.optimality import wrong_column
from optimizer.parametric import Walk
from optimizer.problem import Problem
from optimizer.segment import Segment
from optimizer.solution import solve
from optimizer.swap_queue import queue
from scenarios.alternatives import alternatives
from scenarios.curves import budget_curve
from scenarios.frontier import frontier

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "api" / "examples"
MARKETS = {
    "taiyuan-marathon-2026": "market.csv",
    "league-final": "market.csv",
    "un-talks-2010": "market.csv",
    "energy-expo-2026": "market-2026.csv",
    "official-meetings-2026": "market-2026.csv",
}
KG = Fraction(1, 1000)


def example(name: str) -> Problem:
    return read_problem(EXAMPLES / f"{name}.yaml", EXAMPLES / MARKETS[name], as_of=date(2026, 11, 22))


def money_program(problem: Problem) -> ExactProgram:
    program = exact_program(problem)
    return with_moving_rows(program, [money_row(program)])


# ------------------------------------------------------------------------------------------------------ linear algebra


@pytest.mark.parametrize("seed", range(30))
def test_a_factored_matrix_gives_back_the_columns_and_rows_that_it_was_asked_for(seed):
    """B x = b and y B = c hold exactly, for sparse and dense B."""
    rng = random.Random(seed)
    size, density = rng.randint(1, 9), rng.choice([0.3, 1.0])
    order = rng.sample(range(size), size)
    dense = [[0] * size for _ in range(size)]
    for r, c in enumerate(order):  # a permutation on top of noise is almost never singular
        dense[r][c] = rng.choice([-7, 1, 10**12 + 1])
        for k in range(size):
            if k != c and rng.random() < density:
                dense[r][k] = rng.randint(-3, 3)
    b = {r: Fraction(rng.randint(-9, 9), 7) for r in range(size)}
    try:
        factor = ExactFactor([{c: v for c, v in enumerate(row) if v} for row in dense])
    except SolverFailure:
        assert np.linalg.matrix_rank(np.array(dense, dtype=float)) < size
        return
    x, y = factor.solve(b), factor.solve_transposed(b)
    assert [sum(dense[r][c] * x.get(c, 0) for c in range(size)) for r in range(size)] == list(b.values())
    assert [sum(dense[r][c] * y.get(r, 0) for r in range(size)) for c in range(size)] == list(b.values())


def test_a_singular_matrix_is_refused():
    """Two rows alike: no solution is made up."""
    with pytest.raises(SolverFailure, match="singular"):
        ExactFactor([{0: 1, 1: 2}, {0: 2, 1: 4}])


@pytest.mark.parametrize("name", MARKETS)
def test_sums_of_rows_are_the_products_with_the_whole_matrix(name):
    """For all columns, for some of them, and for multipliers that most rows do not have."""
    program = money_program(example(name))
    basis = Basis(program)
    rng = np.random.default_rng(5)
    whole = np.zeros((program.m, program.n + program.m))
    whole[program.rows, program.columns] = program.values
    whole[:, program.n :] = np.eye(program.m)
    for share in (0.05, 1.0):
        y = rng.normal(size=program.m) * (rng.random(program.m) < share)
        np.testing.assert_allclose(basis.sums.of_all(y), y @ whole, rtol=1e-12, atol=1e-9)
        for some in (
            np.arange(0, program.n + program.m, 3),
            np.array([program.n, 0, program.n - 1]),
            np.array([], dtype=int),
        ):
            np.testing.assert_allclose(basis.sums.of(y, some), (y @ whole)[some], rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_an_inverse_that_is_kept_is_the_inverse_after_every_change_of_a_column(seed):
    """rows x B = over x identity, over > 0; a column that would make B singular is refused."""
    rng = random.Random(seed)
    size = rng.randint(1, 5)
    b = [[rng.randint(-9, 9) * 10 ** rng.randint(0, 12) + 97 * (r == c) for c in range(size)] for r in range(size)]
    kept = KeptInverse(ExactFactor([{c: v for c, v in enumerate(row) if v} for row in b]), size)
    for _ in range(20):
        place, column = rng.randrange(size), [rng.randint(-9, 9) for _ in range(size)]
        if kept.times(column)[place] == 0:
            with pytest.raises(SolverFailure, match="singular"):
                kept.replace(place, column)
            continue
        kept.replace(place, column)
        for row, v in zip(b, column, strict=True):
            row[place] = v
        product = [[sum(x * b[k][c] for k, x in enumerate(row)) for c in range(size)] for row in kept.rows]
        assert product == [[kept.over * (r == c) for c in range(size)] for r in range(size)]
        assert kept.over > 0


# --------------------------------------------------------------------------------------------------------------- walks


@pytest.mark.parametrize("name", MARKETS)
def test_segments_of_an_example_follow_one_another_and_join_in_every_level(name):
    """No gap, no jump: each level is one continuous line of pieces from nothing spent on."""
    segments = Walk(money_program(example(name)), "money").from_nothing()
    assert segments[0].low == 0 and segments[-1].high is None
    for before, after in pairwise(segments):
        assert before.high == after.low
        assert [before.level(k, after.low) for k in range(len(before.levels))] == [
            after.level(k, after.low) for k in range(len(after.levels))
        ]


@pytest.mark.parametrize("name", MARKETS)
def test_the_ends_of_an_examples_frontier_are_what_the_engine_plans_with_divisible_quantities(name):
    """The engine rounds to whole kg: the cost differs by what a kg of its lines costs, tiers by kg."""
    problem = example(name).with_settings(whole_lots=False)
    found = frontier(problem, whole_lots=False)
    ends = [problem.with_objective("cost-first"), problem.with_objective("priority-first")]
    for point, end in zip((found.points[0], found.points[-1]), ends, strict=True):
        solution = solve(end, prove=False)
        lines = 2 + len(solution.measure.purchase)
        assert abs(solution.shortfall_t - point.shortfall_t) <= KG * lines
        assert abs(solution.measure.level("cost") - point.cost) <= lines * KG * 2000
        for r, gap in enumerate(point.gaps, start=1):
            assert abs(solution.measure.level(f"tier {r}") - gap) <= KG * lines


@pytest.mark.parametrize("name", ["taiyuan-marathon-2026", "energy-expo-2026"])
def test_between_breakpoints_the_engine_plans_what_the_budget_curve_says(name):
    """A single solve with the same money as its budget, at and between breakpoints."""
    problem = example(name).with_settings(whole_lots=False)
    curve = budget_curve(problem)
    for low, high in list(pairwise(curve.points))[::9]:
        fen = int((low.at + high.at) / 2 * 100)
        solution = solve(problem.with_budget_total(fen), prove=False)
        point = curve.at(Fraction(fen, 100))
        lines = 2 + len(solution.measure.purchase)
        assert abs(solution.shortfall_t - point.shortfall_t) <= KG * lines
        assert abs(solution.measure.level("tier 1") - point.gaps[0]) <= KG * lines


@pytest.mark.parametrize("name", ["taiyuan-marathon-2026", "league-final", "energy-expo-2026"])
def test_runs_of_swaps_lead_where_the_walk_leads_alone(name, monkeypatch):
    """Step by step, every row and column looked at: the same breakpoints, levels, tiers and money."""
    program = money_program(example(name))
    in_runs = Walk(program, "money").from_nothing()
    monkeypatch.setattr(parametric, "TIGHT_MAX", 0)
    alone = Walk(program, "money").from_nothing()
    assert [(s.low, s.high, counted(s)) for s in in_runs] == [(s.low, s.high, counted(s)) for s in alone]


def counted(segment: Segment) -> list[tuple[Fraction, Fraction]]:
    """Values and rates of all that a segment counts."""
    return [(line.at(segment.low), line.rate) for line in (*segment.levels, *segment.tiers, segment.spent)]


@pytest.mark.parametrize(("together", "at_once"), [(256, 3), (5, 1), (5, 128)])
def test_however_many_bases_are_proved_together_the_segments_are_the_walks_own(together, at_once, monkeypatch):
    """In one batch that is halved until three are left, and in batches of a few."""
    program = money_program(one_event(300, whole_lots=False))
    monkeypatch.setattr(swap_run, "TOGETHER", together)
    monkeypatch.setattr(swap_proof, "AT_ONCE", at_once)
    in_runs = Walk(program, "money").from_nothing()
    monkeypatch.setattr(parametric, "TIGHT_MAX", 0)
    alone = Walk(program, "money").from_nothing()
    assert [(s.low, s.high, counted(s)) for s in in_runs] == [(s.low, s.high, counted(s)) for s in alone]


@pytest.mark.parametrize("at_once", [1, 128])
def test_a_run_that_takes_columns_in_the_wrong_order_is_seen(at_once, monkeypatch):
    """Dear before cheap: no such basis is proved, and the curve is the right one all the same."""
    problem = one_event(300, whole_lots=False)
    right = budget_curve(problem)
    monkeypatch.setattr(swap_proof, "AT_ONCE", at_once)
    monkeypatch.setattr(swap_run, "queue", lambda *asked: queue(*asked)[::-1])
    assert budget_curve(problem) == right


def test_the_same_problem_gives_the_same_segments_again():
    """Same input, same result, quantities and all."""
    problem = example("league-final")

    def told() -> list[tuple[object, ...]]:
        segments = Walk(money_program(problem), "money").from_nothing()
        return [(s.low, s.high, s.levels, tuple(s.quantities.items())) for s in segments]

    assert told() == told()


def test_quantities_of_a_segment_are_what_its_levels_are_made_of():
    """Cost and tier 1, added up from the quantities, are the levels' values in the middle of each segment."""
    program = money_program(example("league-final"))
    names = [level.name for level in program.levels]
    need = sum(program.needs(), Fraction(0))
    for segment in Walk(program, "money").from_nothing()[:-1]:
        assert segment.high is not None
        money = (segment.low + segment.high) / 2
        quantity = {a: line.at(money) for a, line in segment.quantities.items()}
        cost = sum(Fraction(int(program.arcs.unit_cost_e8[a]), 10**10) * t for a, t in quantity.items())
        first = sum((t for a, t in quantity.items() if program.arcs.tier[a] == 1), Fraction(0))
        assert segment.spent.at(money) == cost and segment.tiers[0].at(money) == first
        assert cost == money == segment.level(names.index("cost"), money)
        assert segment.level(names.index("tier 1"), money) == need - first


def test_a_basis_that_is_not_optimal_is_seen_and_mended():
    """With a wrong column brought in by hand, the proof names a column and the walk goes on to the same curve."""
    program = money_program(example("league-final"))
    right = Walk(program, "money").from_nothing()
    walk = Walk(program, "money")
    walk.b1[walk.start_row] = Fraction(1)
    walk.basis.factor()
    dearest = int(np.argmax(program.arcs.unit_cost_e8))
    walk.basis.swap(int(np.flatnonzero(walk.basis.basic == best_buy(walk))[0]), dearest, False)
    walk.basis.factor()
    assert wrong_column(solve_exactly(walk.basis, walk.b0, walk.b1)) is not None
    mended = walk.from_nothing()
    assert curve_of(mended) == curve_of(right)


def best_buy(walk: Walk) -> int:
    """The column that the first yuan is spent on."""
    row = walk.basis.uses_row(walk.start_row)
    return next(int(j) for j in walk.basis.basic if row[j])


def curve_of(segments: list[Segment]) -> list[tuple[Fraction, tuple[Fraction, ...]]]:
    """Where the levels bend, and their values there."""
    found = [(s.low, tuple(s.level(k, s.low) for k in range(len(s.levels)))) for s in segments]
    rates = [tuple(line.rate for line in s.levels) for s in segments]
    return [point for k, point in enumerate(found) if k == 0 or rates[k] != rates[k - 1]]


def test_present_value_moves_the_level_cost_and_not_the_money():
    """With a discount rate the rows differ: a yuan paid later weighs less at the level cost, and 1 in the budget."""
    problem = example("league-final").with_settings(discount_rate_e4=500)
    program = exact_program(problem)
    money, cost = money_row(program), cost_row(program)
    ratio = [
        Fraction(int(c), cost.denominator) / Fraction(int(v), money.denominator)
        for c, v in zip(cost.numerators, money.numerators, strict=True)
        if v
    ]
    assert max(ratio) == 1 and min(ratio) < 1


# -------------------------------------------------------------------------------------------------------------- limits


def test_a_walk_that_exceeds_its_work_limit_fails_and_gives_no_curve(monkeypatch):
    """Never a curve that ends early."""
    monkeypatch.setattr(parametric, "PIVOTS_MAX", 20)
    with pytest.raises(SolverFailure, match="work limit"):
        Walk(money_program(example("taiyuan-marathon-2026")), "money").from_nothing()


def test_a_walk_that_is_asked_to_stop_stops():
    """Also when the question comes in the middle."""
    with pytest.raises(Cancelled):
        frontier(example("taiyuan-marathon-2026"), whole_lots=False, cancelled=lambda: True)


def test_an_objective_with_slack_is_refused():
    """`balanced` holds the cost within a share, which no plain level does."""
    with pytest.raises(BadInput) as error:
        exact_program(example("league-final").with_objective("balanced"))
    assert [f.code for f in error.value.findings] == ["curve_objective"]


@pytest.mark.parametrize("objective", ["priority-first", "cost-first"])
def test_alternatives_of_an_example_cost_at_most_what_they_may_and_give_up_nothing_before_the_cost(objective):
    """Five per cent dearer, but for a kg of each of a dozen lines (at most 100 yuan a t), each unlike all before."""
    found = alternatives(example("taiyuan-marathon-2026").with_objective(objective), 500, 3)
    every = [found.base, *found.others]
    assert len(found.others) == 3
    assert all(p.cost <= found.base.cost * Fraction(105, 100) + 12 * KG * 100 for p in found.others)
    assert all(p.shortfall_t == found.base.shortfall_t for p in found.others)
    assert all(p.difference(q) > 0 for k, p in enumerate(every) for q in every[:k])
    if objective == "priority-first":
        assert all(abs(a - b) <= KG * 5 for p in found.others for a, b in zip(p.tiers, found.base.tiers, strict=True))
