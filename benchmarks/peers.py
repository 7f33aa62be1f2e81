"""What the engine is measured against: HiGHS from arrays, cold, hot and lexicographic, and the naive chain of PuLP.

All take the whole program as arrays, which costs them nothing; none has a certificate or a tie-break. Where levels are
solved one after the other, each value becomes a row within SLACK.
"""

from collections.abc import Callable
from typing import Any

import highspy
import numpy as np
import pulp

from optimizer.arcs import build_arcs
from optimizer.eligibility import screen
from optimizer.formulation import formulate
from optimizer.limits import fit
from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.program import INFINITY, Floats, Level, Program

SLACK = 1e-6
"""Relative, of at least 1: what later levels may give up of a value, so that a solver's noise is no contradiction."""

type Chain = Callable[[Program], list[float]]
"""Solves the levels of a program in order and gives the value of each, without the tie-break."""


def program_of(problem: Problem) -> Program:
    """The whole program of a problem, as the yardsticks solve it."""
    screening = screen(problem)
    arcs = build_arcs(problem, screening)
    whole = problem.settings.whole_lots
    return formulate(problem, screening, fit(problem, arcs) if whole else arcs, "rows" if whole else "face")


def levels_of(program: Program) -> list[Level]:
    """All but the tie-break."""
    return [level for level in program.levels if level.name != "tie-break"]


def value_of(level: Level, x: Floats) -> float:
    """A level at a point."""
    return float(level.values @ x[level.columns])


def cap_of(value: float) -> float:
    """What later levels must keep to."""
    return value + SLACK * max(1.0, abs(value))


def passed(program: Program, upper: Floats, cost: Floats) -> Any:
    """A live HiGHS that holds the program as LP, one thread, silent."""
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", 1)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = program.n, program.m
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, program.lower, upper
    lp.row_lower_, lp.row_upper_ = program.row_lower, program.row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = program.row_starts.astype(np.int32)
    lp.a_matrix_.index_ = program.entry_column.astype(np.int32)
    lp.a_matrix_.value_ = program.entry_value
    highs.passModel(lp)
    return highs


def cold_solve(program: Program) -> float:
    """One cold solve of the same LP from arrays, single objective: least cost with everything covered.

    Raises ArithmeticError without an optimum: a program that cannot cover everything is no yardstick.
    """
    upper = program.upper.copy()
    for level in program.levels:
        if level.name.startswith("shortfall"):
            upper[level.gap_columns] = 0.0
    cost = next(level for level in program.levels if level.name == "cost")
    highs = passed(program, upper, program.objective(cost))
    highs.run()
    _demand_optimum(highs)
    return float(highs.getInfo().objective_function_value)


def _demand_optimum(highs: Any) -> None:
    if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise ArithmeticError(f"HiGHS: {highs.modelStatusToString(highs.getModelStatus())}")


def lexicographic_highs(program: Program) -> list[float]:
    """HiGHS's own way with several objectives: all passed at once with their ranks, not blended."""
    highs = passed(program, program.upper, np.zeros(program.n))
    highs.setOptionValue("blend_multi_objectives", False)
    levels = levels_of(program)
    for rank, level in enumerate(levels):
        objective = highspy.HighsLinearObjective()
        objective.weight, objective.offset = 1.0, 0.0
        objective.coefficients = program.objective(level)
        objective.abs_tolerance, objective.rel_tolerance = SLACK, SLACK
        objective.priority = len(levels) - rank
        highs.addLinearObjective(objective)
    highs.run()
    _demand_optimum(highs)
    x = np.array(highs.getSolution().col_value)
    return [value_of(level, x) for level in levels]


class HotChain:
    """One live HiGHS for many draws of prices: costs and the rows of held levels are changed in place."""

    def __init__(self, program: Program) -> None:
        self.program, self.levels = program, levels_of(program)
        self._highs = passed(program, program.upper, np.zeros(program.n))
        self._all = np.arange(program.n, dtype=np.int32)
        for level in self.levels[:-1]:
            columns, values = level.columns.astype(np.int32), np.ascontiguousarray(level.values, dtype=float)
            self._highs.addRow(-INFINITY, INFINITY, len(columns), columns, values)

    def values(self, cost: Floats) -> list[float]:
        """The levels in order where the last of them, cost, has these weights, shape (n,).

        Raises ArithmeticError when HiGHS finds no optimum.
        """
        highs, found = self._highs, []
        rows = range(self.program.m, self.program.m + len(self.levels) - 1)
        for row in rows:
            highs.changeRowBounds(row, -INFINITY, INFINITY)
        for k, level in enumerate(self.levels):
            last = k == len(self.levels) - 1
            highs.changeColsCost(self.program.n, self._all, cost if last else self.program.objective(level))
            highs.run()
            _demand_optimum(highs)
            found.append(float(highs.getInfo().objective_function_value))
            if not last:
                highs.changeRowBounds(rows[k], -INFINITY, cap_of(found[-1]))
        return found


def naive_chain(program: Program) -> list[float]:
    """The chain that people write: build in PuLP, minimise a level, add it as a row, go on."""
    return naive_lots(program, whole=False)[0]


def naive_lots(program: Program, *, whole: bool, seconds: float | None = None) -> tuple[list[float], bool]:
    """The naive chain, of integer programs where `whole`, at most so many seconds a level.

    Returns the value of each level, and whether the solver called every level optimal.
    """
    problem = pulp.LpProblem("naive", pulp.LpMinimize)
    kinds = program.integer & whole
    x = [
        problem.add_variable(f"x{j}", low, None if high == INFINITY else high, "Integer" if kinds[j] else "Continuous")
        for j, (low, high) in enumerate(zip(program.lower.tolist(), program.upper.tolist(), strict=True))
    ]
    starts = program.row_starts.tolist()
    columns, values = program.entry_column.tolist(), program.entry_value.tolist()
    for i, (low, high) in enumerate(zip(program.row_lower.tolist(), program.row_upper.tolist(), strict=True)):
        terms = pulp.lpSum_vars_coefs(
            (x[j], v)
            for j, v in zip(columns[starts[i] : starts[i + 1]], values[starts[i] : starts[i + 1]], strict=True)
        )
        if high < INFINITY:
            problem.addConstraint(terms <= high)
        if low > -INFINITY:
            problem.addConstraint(terms >= low)
    found, optimal = [], True
    for level in levels_of(program):
        pairs = list(zip(level.columns.tolist(), level.values.tolist(), strict=True))
        problem.setObjective(pulp.lpSum_vars_coefs((x[j], v) for j, v in pairs))
        stats = problem.solve(pulp.HiGHS(msg=False, threads=1, timeLimit=seconds))
        optimal = optimal and stats.status_str == "Optimal"
        found.append(sum(v * (x[j].varValue or 0.0) for j, v in pairs))
        problem.addConstraint(pulp.lpSum_vars_coefs((x[j], v) for j, v in pairs) <= cap_of(found[-1]))
    return found, optimal


def value_of_plan(made: Plan) -> dict[str, float]:
    """The values of a plan's levels by name."""
    return {level.name: float(level.value) for level in made.levels}
