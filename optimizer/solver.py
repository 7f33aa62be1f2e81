"""The one file that knows PuLP and HiGHS.

A `Session` writes a Program in PuLP, lets PuLP hand it to HiGHS, and keeps the live solver: costs, bounds and
integrality are then changed in place. Statuses are never taken at their word: a point counts only when HiGHS says that
it is feasible (`primal_solution_status == 2`), duals only with `dual_solution_status == 2` (MODEL 10).
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Any, Literal

import highspy
import numpy as np
from numpy.typing import NDArray

from optimizer.errors import Cancelled, SolverFailure
from optimizer.on_demand import load_on_demand
from optimizer.program import INFINITY, Floats, Index, Program
from optimizer.tolerances import SOLVER_INTEGRALITY

load_on_demand("orloge")  # reads solvers' logs, which we never ask of PuLP; it is two thirds of what PuLP loads
load_on_demand("ortools.sat.python.cp_model")  # another solver: PuLP looks for it, and it would load pandas

import pulp  # noqa: E402  # sees the lines above

THREADS = 1
"""One thread count for the whole process: another one later fails silently (MODEL 10)."""
UNLIMITED = 2_147_483_647
"""HiGHS's own largest number of nodes."""
FEASIBLE = 2
"""HiGHS's SolutionStatus for a point that satisfies all bounds and rows within its tolerances."""
CANCEL_POLL_SECONDS = 0.05
DUAL_SIMPLEX, PRIMAL_SIMPLEX = 1, 4
"""HiGHS's simplex_strategy."""

type Status = Literal["optimal", "limit", "infeasible"]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one solve gave. `x` is None when there is no feasible point."""

    status: Status
    x: Floats | None
    objective: float
    bound: float
    """The solver's own lower bound."""
    column_dual: Floats | None
    """Reduced costs; None for integer programs."""
    row_dual: Floats | None
    nodes: int

    def of_whole(self, x: Floats, column_dual: Floats, row_dual: Floats) -> "Outcome":
        """The same outcome, for the program that the solved one is a part of."""
        return replace(self, x=x, column_dual=column_dual, row_dual=row_dual)

    def summary(self) -> "Outcome":
        """The outcome without its point and duals."""
        return replace(self, x=None, column_dual=None, row_dual=None)


@cache
def versions() -> Mapping[str, str]:
    """Versions of the modeller and the solver."""
    return {"pulp": str(pulp.__version__), "highs": highspy.Highs().version()}


class Session:
    """A program inside the solver. One session serves one thread."""

    def __init__(self, program: Program, *, relaxed: bool = False, like: "Session | None" = None) -> None:
        """`like`: a session of the same program, whose model is copied instead of being written anew."""
        self.program = program
        self._highs: Any = _built(program) if like is None else _copied(like._highs)
        self._all = np.arange(program.n, dtype=np.int32)
        self.integer = np.zeros(program.n, dtype=bool)
        if self._highs is None or self._highs.getNumCol() != program.n or self._highs.getNumRow() != program.m:
            raise SolverFailure("the modeller handed the solver another program than it was given")
        self.set_row_bounds(program.row_lower, program.row_upper)
        if program.integer.any():
            self.set_integer(np.zeros(program.n, dtype=bool) if relaxed else program.integer)

    def extend(self, program: Program, n_columns: int, n_rows: int) -> None:
        """Go on with `program`, which has these many columns and rows more than the present one, at its end."""
        highs, old_n, old_m = self._highs, self.program.n, self.program.m
        order = np.lexsort((program.entry_row, program.entry_column))
        row, column, value = program.entry_row[order], program.entry_column[order], program.entry_value[order]
        old_rows = (column >= old_n) & (row < old_m)
        highs.addCols(
            n_columns,
            np.zeros(n_columns),
            program.lower[old_n:],
            program.upper[old_n:],
            int(old_rows.sum()),
            np.searchsorted(column[old_rows], np.arange(old_n, program.n)).astype(np.int32),
            row[old_rows].astype(np.int32),
            np.ascontiguousarray(value[old_rows]),
        )
        if n_rows:
            fresh = program.entry_row >= old_m
            highs.addRows(
                n_rows,
                program.row_lower[old_m:],
                program.row_upper[old_m:],
                int(fresh.sum()),
                np.searchsorted(program.entry_row[fresh], np.arange(old_m, program.m)).astype(np.int32),
                program.entry_column[fresh].astype(np.int32),
                np.ascontiguousarray(program.entry_value[fresh]),
            )
        self.program = program
        self._all = np.arange(program.n, dtype=np.int32)
        self.integer = np.zeros(program.n, dtype=bool)
        if highs.getNumCol() != program.n or highs.getNumRow() != program.m:
            raise SolverFailure("the solver did not take the new columns and rows")

    def set_integer(self, integer: NDArray[np.bool_]) -> None:
        """Which columns must be whole, shape (n,)."""
        kinds = np.where(integer, int(highspy.HighsVarType.kInteger), int(highspy.HighsVarType.kContinuous))
        self._highs.changeColsIntegrality(self.program.n, self._all, kinds.astype(np.uint8))
        self.integer = integer.copy()

    def set_cost(self, cost: Floats) -> None:
        """The objective, shape (n,)."""
        self._highs.changeColsCost(self.program.n, self._all, np.ascontiguousarray(cost, dtype=np.float64))

    def set_column_bounds(self, lower: Floats, upper: Floats) -> None:
        """Bounds of all columns, shape (n,)."""
        self._highs.changeColsBounds(
            self.program.n, self._all, np.ascontiguousarray(lower), np.ascontiguousarray(upper)
        )

    def set_row_bounds(self, lower: Floats, upper: Floats) -> None:
        """Bounds of all rows, shape (m,)."""
        rows = np.arange(self.program.m, dtype=np.int32)
        self._highs.changeRowsBounds(self.program.m, rows, np.ascontiguousarray(lower), np.ascontiguousarray(upper))

    def set_row_bound(self, row: int, lower: float, upper: float) -> None:
        """Bounds of one row."""
        self._highs.changeRowBounds(row, lower, upper)

    def start_from(self, columns: Index, values: Floats) -> None:
        """A first point for branch and bound: values of some columns, the solver completes them."""
        self._highs.setSolution(len(columns), columns.astype(np.int32), np.ascontiguousarray(values, dtype=np.float64))

    def forget(self) -> None:
        """Drop basis and incumbent: the next solve starts cold."""
        self._highs.clearSolver()

    def solve(
        self,
        *,
        nodes: int | None = None,
        seconds: float | None = None,
        absolute_gap: float = 1e-6,
        cancelled: Callable[[], bool] | None = None,
        primal: bool = False,
    ) -> Outcome:
        """Minimise; `primal` goes on from a point that is still feasible, where costs or columns are new.

        Raises SolverFailure when HiGHS gives up without saying why, Cancelled when asked to stop.
        """
        highs = self._highs
        whole = bool(self.integer.any())
        highs.setOptionValue("time_limit", INFINITY if seconds is None else highs.getRunTime() + max(seconds, 0.0))
        highs.setOptionValue("simplex_strategy", PRIMAL_SIMPLEX if primal else DUAL_SIMPLEX)
        highs.setOptionValue("mip_rel_gap", 0.0)
        highs.setOptionValue("mip_abs_gap", absolute_gap)
        highs.setOptionValue("mip_feasibility_tolerance", SOLVER_INTEGRALITY)
        highs.setOptionValue("mip_max_nodes", UNLIMITED if nodes is None else nodes)
        if cancelled is None:
            highs.run()
        else:
            self._run_watched(cancelled)
        return self._outcome(whole)

    def _run_watched(self, cancelled: Callable[[], bool]) -> None:
        if cancelled():
            raise Cancelled("stopped on request")
        done, stopped = threading.Event(), threading.Event()
        self._highs.HandleUserInterrupt = True

        def watch() -> None:
            while not done.wait(CANCEL_POLL_SECONDS):
                if cancelled():
                    stopped.set()
                    self._highs.cancelSolve()
                    return

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            self._highs.solve()
        finally:
            done.set()
            watcher.join()
        if stopped.is_set():
            raise Cancelled("stopped on request")

    def _outcome(self, whole: bool) -> Outcome:
        highs, info, status = self._highs, self._highs.getInfo(), self._highs.getModelStatus()
        known = highspy.HighsModelStatus
        if status == known.kInfeasible:
            return Outcome("infeasible", None, INFINITY, INFINITY, None, None, 0)
        limits = (
            known.kTimeLimit,
            known.kIterationLimit,
            known.kSolutionLimit,
            known.kInterrupt,
            known.kObjectiveBound,
            known.kUnknown,
        )
        if status != known.kOptimal and status not in limits and status != known.kModelEmpty:
            raise SolverFailure(f"HiGHS: {highs.modelStatusToString(status)}")
        feasible = info.primal_solution_status == FEASIBLE or self.program.n == 0
        solution = highs.getSolution()
        x = np.array(solution.col_value[: self.program.n]) if feasible else None
        duals = not whole and info.dual_solution_status == FEASIBLE
        objective = float(info.objective_function_value) if feasible else INFINITY
        bound = float(info.mip_dual_bound) if whole else (objective if status == known.kOptimal else -INFINITY)
        return Outcome(
            "optimal" if status in (known.kOptimal, known.kModelEmpty) and feasible else "limit",
            x,
            objective,
            bound,
            np.array(solution.col_dual) if duals else None,
            np.array(solution.row_dual) if duals else None,
            max(int(info.mip_node_count), 0) if whole else 0,
        )


def _built(program: Program) -> Any:
    """A live solver with the program, as PuLP hands it over."""
    written = _write(program)
    adapter = pulp.HiGHS(msg=False, threads=THREADS, random_seed=0, output_flag=False)
    adapter.createAndConfigureSolver(written)
    adapter.buildSolverModel(written)
    return written.solverModel


def _copied(built: Any) -> Any:
    """A second live solver with the same options and model, and nothing of what the first one found."""
    highs = highspy.Highs()
    highs.passOptions(built.getOptions())
    highs.passModel(built.getLp())
    return highs


def _write(program: Program) -> pulp.LpProblem:
    """The program in PuLP: columns by our own short names, rows by one of their sides (the session then sets both).

    PuLP numbers rows itself; its sums from lists of terms were a quarter quicker than those of its batch path.

    Every column is in the objective once, so that PuLP, which leaves unused columns out, keeps ours in their places.
    """
    problem = pulp.LpProblem("jinheng", pulp.LpMinimize)
    variables = []
    for j, (low, high) in enumerate(zip(program.lower.tolist(), program.upper.tolist(), strict=True)):
        variables.append(problem.add_variable(f"c{j}", low, None if high == INFINITY else high))
    problem.setObjective(pulp.lpSum_vars(variables))
    columns, values = program.entry_column.tolist(), program.entry_value.tolist()
    terms = list(zip([variables[j] for j in columns], values, strict=True))
    limits = zip(program.row_lower.tolist(), program.row_upper.tolist(), strict=True)
    for (a, b), (low, high) in zip(pairwise(program.row_starts.tolist()), limits, strict=True):
        expression = pulp.LpAffineExpression.from_list(terms[a:b])
        problem.addConstraint(
            expression <= high
            if low == -INFINITY and high < INFINITY
            else expression >= (low if low > -INFINITY else -FREE)
        )
    return problem


FREE = 1e30
"""PuLP wants finite right-hand sides; HiGHS reads 10^20 and more as infinite."""
