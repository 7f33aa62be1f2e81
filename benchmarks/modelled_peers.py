"""The same chain of levels in four modelling libraries, each as its documents write it. They are an optional group.

    linopy     variables and rows as labelled arrays, solved through HiGHS's arrays (`io_api="direct"`)
    Pyomo      linear expressions on the persistent interface to HiGHS (`appsi`)
    CVXPY      one vector and a sparse matrix, solved by HiGHS
    OR-Tools   rows and columns in place on GLOP, in a process of its own: it brings another HiGHS than highspy's

None is imported before it is asked for. Each takes the program as arrays and gives the values of its levels.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers import Chain, cap_of, levels_of, lexicographic_highs, naive_chain, value_of
from optimizer.program import INFINITY, Program


def linopy_chain(program: Program) -> list[float]:
    """Rows of one family stand in one padded array; the objective is replaced, level by level."""
    linopy, xarray = import_module("linopy"), import_module("xarray")
    model = linopy.Model()
    columns = [np.arange(program.n)]
    x = model.add_variables(lower=program.lower, upper=program.upper, coords=columns, dims=["column"], name="x")
    for k, rows in enumerate(_families(program)):
        starts, ends = program.row_starts[rows], program.row_starts[rows + 1]
        width = int((ends - starts).max(initial=1))
        at = starts[:, None] + np.arange(width)
        inside = at < ends[:, None]
        at = np.minimum(at, len(program.entry_column) - 1)
        terms = xarray.Dataset(
            {
                "coeffs": (("row", "_term"), np.where(inside, program.entry_value[at], np.nan)),
                "vars": (("row", "_term"), np.where(inside, x.labels.values[program.entry_column[at]], -1)),
                "const": (("row",), np.zeros(len(rows))),
            },
            coords={"row": rows},
        )
        body = linopy.LinearExpression(terms, model)
        for sign, bound in (("<=", program.row_upper[rows]), (">=", program.row_lower[rows])):
            if np.isfinite(bound).all():
                side = xarray.DataArray(bound, dims=["row"], coords={"row": rows})
                model.add_constraints(body, sign, side, name=f"rows{k}{sign}")
    found = []
    for level in levels_of(program):
        weight = xarray.DataArray(level.values, dims=["column"], coords={"column": level.columns})
        objective = (weight * x.sel(column=level.columns)).sum()
        model.add_objective(objective, overwrite=True)
        with _silent():
            model.solve("highs", io_api="direct", output_flag=False, threads=1, progress=False)
        found.append(value_of(level, np.nan_to_num(x.solution.values)))
        model.add_constraints(objective <= cap_of(found[-1]), name=f"held {level.name}")
    return found


def _families(program: Program) -> list[Any]:
    """Rows of one constraint with the same sides: of like length, so that padding wastes little."""
    sides = zip(np.isfinite(program.row_lower).tolist(), np.isfinite(program.row_upper).tolist(), strict=True)
    groups: dict[tuple[object, ...], list[int]] = {}
    for i, (side, key) in enumerate(zip(sides, program.row_keys, strict=True)):
        groups.setdefault((*side, key[0]), []).append(i)
    return [np.array(rows) for rows in groups.values()]


@contextmanager
def _silent() -> Iterator[None]:
    """Keeps what a library prints past Python, before it was told not to, out of the answer."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def pyomo_chain(program: Program) -> list[float]:
    """A concrete model; the solver stays, and sees only what changes: the objective, and one row more a level."""
    pyo, appsi = import_module("pyomo.environ"), import_module("pyomo.contrib.appsi.solvers.highs")
    linear = import_module("pyomo.core.expr").LinearExpression
    model = pyo.ConcreteModel()
    lower, upper = program.lower.tolist(), program.upper.tolist()
    model.x = pyo.Var(range(program.n), bounds=lambda _, j: (lower[j], None if upper[j] == INFINITY else upper[j]))
    x = [model.x[j] for j in range(program.n)]
    model.rows, model.held = pyo.ConstraintList(), pyo.ConstraintList()
    starts = program.row_starts.tolist()
    columns, values = program.entry_column.tolist(), program.entry_value.tolist()
    for i, (low, high) in enumerate(zip(program.row_lower.tolist(), program.row_upper.tolist(), strict=True)):
        a, b = starts[i], starts[i + 1]
        body = linear(linear_coefs=values[a:b], linear_vars=[x[j] for j in columns[a:b]])
        model.rows.add((None if low == -INFINITY else low, body, None if high == INFINITY else high))
    solver = appsi.Highs()
    solver.highs_options = {"threads": 1}
    found = []
    for level in levels_of(program):
        model.del_component("goal")
        goal = linear(linear_coefs=level.values.tolist(), linear_vars=[x[j] for j in level.columns.tolist()])
        model.goal = pyo.Objective(expr=goal)
        solver.solve(model)
        found.append(float(pyo.value(model.goal)))
        model.held.add((None, goal, cap_of(found[-1])))
    return found


def cvxpy_chain(program: Program) -> list[float]:
    """One vector, one sparse matrix; each level is a problem with one constraint more."""
    cp, sparse = import_module("cvxpy"), import_module("scipy.sparse")
    x = cp.Variable(program.n)
    a = sparse.csr_array((program.entry_value, program.entry_column, program.row_starts), shape=(program.m, program.n))
    above, below = np.isfinite(program.row_upper), np.isfinite(program.row_lower)
    bounded = np.flatnonzero(np.isfinite(program.upper))
    constraints = [x >= program.lower, x[bounded] <= program.upper[bounded]]
    constraints += [a[above] @ x <= program.row_upper[above]] if above.any() else []
    constraints += [a[below] @ x >= program.row_lower[below]] if below.any() else []
    found = []
    for level in levels_of(program):
        goal = level.values @ x[level.columns]
        cp.Problem(cp.Minimize(goal), constraints).solve(solver=cp.HIGHS, highs_options={"threads": 1})
        found.append(float(goal.value))
        constraints.append(goal <= cap_of(found[-1]))
    return found


def ortools_chain(program: Program) -> tuple[list[float], float]:
    """GLOP in place. Gives the values, and the seconds that its process took for the chain alone, imports left out."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "program.npz"
        levels = levels_of(program)
        arrays: dict[str, Any] = {
            "column_lower": program.lower,
            "column_upper": program.upper,
            **{name: getattr(program, name) for name in ("row_lower", "row_upper", "row_starts")},
            **{name: getattr(program, name) for name in ("entry_column", "entry_value")},
            **{f"columns_{k}": level.columns for k, level in enumerate(levels)},
            **{f"values_{k}": level.values for k, level in enumerate(levels)},
        }
        np.savez(path, **arrays)
        command = [sys.executable, str(Path(__file__).with_name("glop.py")), str(path), str(len(levels))]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    told = json.loads(done.stdout)
    return told["values"], told["seconds"]


PEERS: dict[str, Chain] = {
    "naive": naive_chain,
    "lexicographic": lexicographic_highs,
    "linopy": linopy_chain,
    "pyomo": pyomo_chain,
    "cvxpy": cvxpy_chain,
}
"""Of this process; OR-Tools is timed by its own."""
OPTIONAL = ("linopy", "pyomo", "cvxpy", "ortools")


def installed(name: str) -> bool:
    """Whether a peer is there: the optional group is brought by `make peers`."""
    return name not in OPTIONAL or find_spec(name) is not None
