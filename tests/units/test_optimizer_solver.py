"""The solver's word is not taken: a point counts only when it is feasible, a limit is a limit, a stop is a stop."""

import random
import threading
import time

import numpy as np
import pytest

from optimizer.errors import Cancelled, SolverFailure
from optimizer.program import INFINITY, Draft, Program, spell
from optimizer.solver import Session, versions


def program(
    columns: list[tuple[float, float, bool]], rows: list[tuple[float, list[float], float]]
) -> tuple[Program, np.ndarray]:
    """Columns (lower, upper, integer) and rows (lower, coefficients, upper); and zeros of the columns' shape."""
    draft = Draft()
    for j, (low, high, whole) in enumerate(columns):
        draft.add_column(("x", j), low, high, whole)
    for i, (low, coefficients, high) in enumerate(rows):
        draft.add_row(("row", i), low, high, np.arange(len(columns)), np.array(coefficients))
    return draft.done([], np.full(len(columns), -1)), np.zeros(len(columns))


def test_a_small_lp_has_its_optimum_and_duals():
    """min 2 x + 3 y, x + y >= 4, x <= 3: x = 3, y = 1, 9; one more unit of the row costs 3, of x's bound saves 1."""
    lp, _ = program([(0, 3, False), (0, INFINITY, False)], [(4, [1, 1], INFINITY)])
    session = Session(lp)
    session.set_cost(np.array([2.0, 3.0]))
    outcome = session.solve()
    assert (outcome.status, outcome.objective, outcome.bound) == ("optimal", 9.0, 9.0)
    assert outcome.x is not None and outcome.x.tolist() == [3.0, 1.0]
    assert outcome.row_dual is not None and outcome.row_dual.tolist() == [3.0]
    assert outcome.column_dual is not None and outcome.column_dual.tolist() == [-1.0, 0.0]


def test_a_small_integer_program_is_whole_and_has_no_duals():
    """min x + y, 2 x + 2 y >= 3: 2 when whole, 1.5 when relaxed."""
    mip, _ = program([(0, 9, True), (0, 9, True)], [(3, [2, 2], INFINITY)])
    session = Session(mip)
    session.set_cost(np.ones(2))
    outcome = session.solve()
    assert (outcome.status, outcome.objective, outcome.row_dual, outcome.column_dual) == ("optimal", 2.0, None, None)
    relaxed = Session(mip, relaxed=True)
    relaxed.set_cost(np.ones(2))
    assert relaxed.solve().objective == pytest.approx(1.5)
    relaxed.set_integer(mip.integer)
    assert relaxed.solve().objective == pytest.approx(2.0)


@pytest.mark.parametrize("whole", [False, True])
def test_an_infeasible_program_has_no_point_at_all(whole):
    """x <= 1 and x >= 2: HiGHS and PuLP would hand out zeros; here there is no point, no dual, no finite bound."""
    lp, _ = program([(0, 1, whole)], [(2, [1], INFINITY)])
    session = Session(lp)
    session.set_cost(np.ones(1))
    outcome = session.solve()
    assert (outcome.status, outcome.x, outcome.row_dual) == ("infeasible", None, None)
    assert outcome.bound == INFINITY


def test_an_unbounded_program_is_a_failure_not_an_answer():
    lp, _ = program([(0, INFINITY, False)], [(0, [1], INFINITY)])
    session = Session(lp)
    session.set_cost(-np.ones(1))
    with pytest.raises(SolverFailure, match="nbounded"):
        session.solve()


def hard_split(rows: int = 4, columns: int = 32, seed: int = 5) -> tuple[Program, np.ndarray]:
    """A market-split problem with slacks: small, and out of reach of branch and bound. Its rows are equations."""
    draw = random.Random(seed)
    split, zero = program(
        [(0, 1, True)] * columns + [(0, INFINITY, False)] * (2 * rows),
        [
            (total, coefficients + [0.0] * (2 * i) + [1.0, -1.0] + [0.0] * (2 * (rows - 1 - i)), total)
            for i in range(rows)
            for coefficients in [[float(draw.randrange(100)) for _ in range(columns)]]
            for total in [sum(coefficients) // 2]
        ],
    )
    zero[columns:] = 1.0
    return split, zero


def session_of(split: Program, cost: np.ndarray, *, relaxed: bool = False) -> Session:
    session = Session(split, relaxed=relaxed)
    session.set_row_bounds(split.row_lower, split.row_upper)
    session.set_cost(cost)
    return session


def test_a_node_limit_is_a_limit_with_a_feasible_point_and_a_bound():
    split, cost = hard_split()
    session = session_of(split, cost)
    outcome = session.solve(nodes=20)
    assert outcome.status == "limit"
    assert outcome.bound < outcome.objective
    assert outcome.x is not None
    activity = split.activity(outcome.x)
    assert np.allclose(activity, split.row_lower, atol=1e-5)


@pytest.mark.parametrize("whole", [True, False])
def test_a_program_without_time_has_a_feasible_point_or_none(whole):
    """An LP stopped by the clock reports a point that breaks its rows; it must not be taken."""
    split, cost = hard_split()
    session = session_of(split, cost, relaxed=not whole)
    outcome = session.solve(seconds=0.0)
    if outcome.status == "limit":
        assert outcome.bound <= outcome.objective
    if outcome.x is not None:
        assert np.allclose(split.activity(outcome.x), split.row_lower, atol=1e-5)


def test_a_stop_that_was_asked_for_before_nothing_is_run():
    lp, _ = program([(0, 1, False)], [(0, [1], INFINITY)])
    with pytest.raises(Cancelled):
        Session(lp).solve(cancelled=lambda: True)


def test_a_running_solve_stops_when_asked():
    split, cost = hard_split(5, 40)
    session = session_of(split, cost)
    asked = threading.Event()
    threading.Timer(0.2, asked.set).start()
    start = time.monotonic()
    with pytest.raises(Cancelled):
        session.solve(cancelled=asked.is_set)
    assert time.monotonic() - start < 20


def test_a_solve_that_is_watched_but_not_stopped_gives_its_answer():
    lp, _ = program([(0, 3, False), (0, 9, False)], [(4, [1, 1], INFINITY)])
    session = Session(lp)
    session.set_cost(np.array([2.0, 3.0]))
    assert session.solve(cancelled=lambda: False).objective == 9.0


def test_a_program_of_nothing_is_solved():
    empty, cost = program([], [])
    session = Session(empty)
    session.set_cost(cost)
    outcome = session.solve()
    assert (outcome.status, outcome.objective) == ("optimal", 0.0)


def test_bounds_and_costs_are_changed_in_place():
    lp, _ = program([(0, 3, False), (0, 9, False)], [(4, [1, 1], INFINITY)])
    session = Session(lp)
    session.set_cost(np.array([2.0, 3.0]))
    session.set_column_bounds(np.zeros(2), np.array([1.0, 9.0]))
    assert session.solve().objective == 11.0
    session.set_row_bounds(np.array([2.0]), np.array([INFINITY]))
    assert session.solve().objective == 5.0
    session.set_cost(np.array([0.0, 1.0]))
    session.forget()
    assert session.solve().objective == 1.0


def test_columns_that_no_row_uses_keep_their_places():
    """PuLP leaves unused columns out; ours stay where they are."""
    lp, _ = program([(0, 5, False), (2, 5, False), (0, 5, False)], [(3, [0, 0, 1], INFINITY)])
    session = Session(lp)
    session.set_cost(np.array([1.0, 1.0, 1.0]))
    outcome = session.solve()
    assert outcome.x is not None and outcome.x.tolist() == [0.0, 2.0, 3.0]


def test_rows_may_be_free_or_two_sided():
    lp, _ = program([(0, 9, False)], [(-INFINITY, [1], INFINITY), (-INFINITY, [1], 4)])
    session = Session(lp)
    session.set_cost(-np.ones(1))
    assert session.solve().objective == -4.0
    session.set_row_bounds(np.array([-INFINITY, -INFINITY]), np.array([3.0, 4.0]))
    assert session.solve().objective == -3.0


def test_versions_are_told():
    assert set(versions()) == {"pulp", "highs"}
    assert all(v[0].isdigit() for v in versions().values())


# --------------------------------------------------------------------------------------------- programs as plain data


def test_a_program_knows_its_activity_and_its_reduced_costs():
    lp, _ = program([(0, 1, False), (0, 1, False)], [(0, [1, 2], 3), (0, [0, 4], 4)])
    assert lp.activity(np.array([1.0, 2.0])).tolist() == [5.0, 8.0]
    reduced, size = lp.reduced_costs(np.array([5.0, -5.0]), np.array([-1.0, 10.0]))
    assert (reduced.tolist(), size.tolist()) == ([6.0, -43.0], [6.0, 47.0])
    assert (lp.n, lp.m, lp.row_of(("row", 1))) == (2, 2, 1)
    with pytest.raises(KeyError):
        lp.row_of(("row", 2))


def test_a_program_is_spelled_one_line_a_row():
    lp, _ = program([(0, 1, True), (0, 2.5, False)], [(1, [1, -2], 3), (-INFINITY, [0.5, 1], INFINITY)])
    assert lp.text() == (
        "row[0]: 1 x[0] + -2 x[1] >= 1 <= 3\nrow[1]: 0.5 x[0] + 1 x[1] free\n0 <= x[0] <= 1 integer\n0 <= x[1] <= 2.5\n"
    )
    assert (spell(("rules",)), spell(("budget", "", "total"))) == ("rules", "budget[,total]")
