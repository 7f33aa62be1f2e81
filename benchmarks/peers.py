"""What the engine is measured against: one cold HiGHS solve from arrays, and naive PuLP chains with a row a level."""

import highspy
import numpy as np
import pulp

from optimizer.program import INFINITY, Program


def cold_solve(program: Program) -> float:
    """One cold solve of the same LP from arrays, single objective: least cost with everything covered."""
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", 1)
    upper = program.upper.copy()
    for level in program.levels:
        if level.name.startswith("shortfall"):
            upper[level.gap_columns] = 0.0
    cost = next(level for level in program.levels if level.name == "cost")
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = program.n, program.m
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = program.objective(cost), program.lower, upper
    lp.row_lower_, lp.row_upper_ = program.row_lower, program.row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = program.row_starts.astype(np.int32)
    lp.a_matrix_.index_ = program.entry_column.astype(np.int32)
    lp.a_matrix_.value_ = program.entry_value
    highs.passModel(lp)
    highs.run()
    return float(highs.getInfo().objective_function_value)


def naive_chain(program: Program, *, whole: bool, seconds: float | None = None) -> tuple[list[float], bool]:
    """The chain that people write: build in PuLP, minimise a level, add it as a row, go on. No tie-break, no proof.

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
    for level in program.levels:
        if level.name == "tie-break":
            continue
        objective = pulp.lpSum_vars_coefs(
            (x[j], v) for j, v in zip(level.columns.tolist(), level.values.tolist(), strict=True)
        )
        problem.setObjective(objective)
        stats = problem.solve(pulp.HiGHS(msg=False, threads=1, timeLimit=seconds))
        optimal = optimal and stats.status_str == "Optimal"
        value = sum(
            v * (x[j].varValue or 0.0) for j, v in zip(level.columns.tolist(), level.values.tolist(), strict=True)
        )
        found.append(value)
        again = pulp.lpSum_vars_coefs(
            (x[j], v) for j, v in zip(level.columns.tolist(), level.values.tolist(), strict=True)
        )
        problem.addConstraint(again <= value + 1e-6 * max(1.0, abs(value)))
    return found, optimal
