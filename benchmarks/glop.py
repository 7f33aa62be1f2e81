"""OR-Tools in a process of its own: a chain of levels on GLOP, from a file of arrays. Imports nothing of ours.

Its library and highspy's bring the same names; in one process one of them would call the other's code.
"""

import json
import sys
import time
from importlib import import_module
from typing import Any

import numpy as np

SLACK = 1e-6
"""As the other peers'."""


def chain(arrays: Any, levels: int) -> list[float]:
    """The value of each level. Raises ArithmeticError when GLOP finds no optimum."""
    linear = import_module("ortools.linear_solver.pywraplp").Solver
    solver = linear.CreateSolver("GLOP")
    bounds = zip(arrays["column_lower"].tolist(), arrays["column_upper"].tolist(), strict=True)
    x = [solver.NumVar(low, high, "") for low, high in bounds]
    starts, columns = arrays["row_starts"].tolist(), arrays["entry_column"].tolist()
    values = arrays["entry_value"].tolist()
    sides = zip(arrays["row_lower"].tolist(), arrays["row_upper"].tolist(), strict=True)
    for i, (low, high) in enumerate(sides):
        row = solver.Constraint(low, high)
        for k in range(starts[i], starts[i + 1]):
            row.SetCoefficient(x[columns[k]], values[k])
    goal, found = solver.Objective(), []
    goal.SetMinimization()
    for level in range(levels):
        pairs = list(zip(arrays[f"columns_{level}"].tolist(), arrays[f"values_{level}"].tolist(), strict=True))
        goal.Clear()
        for j, v in pairs:
            goal.SetCoefficient(x[j], v)
        if solver.Solve() != linear.OPTIMAL:
            raise ArithmeticError("GLOP found no optimum")
        found.append(goal.Value())
        held = solver.Constraint(-solver.infinity(), found[-1] + SLACK * max(1.0, abs(found[-1])))
        for j, v in pairs:
            held.SetCoefficient(x[j], v)
    return found


def main() -> None:
    """Arguments: the file of arrays, the number of levels. Prints values and seconds as JSON."""
    with np.load(sys.argv[1]) as kept:
        arrays = {name: kept[name] for name in kept.files}
    import_module("ortools.linear_solver.pywraplp")
    start = time.perf_counter()
    values = chain(arrays, int(sys.argv[2]))
    print(json.dumps({"values": values, "seconds": time.perf_counter() - start}))


if __name__ == "__main__":
    main()
