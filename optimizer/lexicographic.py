"""Levels in order: one function, `solve_in_order(program, hold)`.

In the LP (`hold="face"`) each level's optimal face is fixed: columns with a non-zero reduced cost stay at their bound,
rows with a non-zero dual become equations. By complementary slackness that is the set of all optima: no objective row,
no tolerance. With whole lots (`hold="rows"`) see `lots`. Never PuLP's `sequentialSolve` (MODEL 10).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from optimizer.beside import solve_whole
from optimizer.chain import Chain, Judge, Solved, WorkLimits, cap_of
from optimizer.errors import SolverFailure
from optimizer.formulation import Hold
from optimizer.master import Master, Start, ranks
from optimizer.measure import Purchase
from optimizer.program import Floats, Level, Program, ShortIndex
from optimizer.quantities import KG_PER_T
from optimizer.solver import Outcome
from optimizer.timeline import E8
from optimizer.tolerances import ZERO_DUAL
from optimizer.whole_kg import Optimum, whole_kg


def solve_in_order(program: Program, hold: Hold, judge: Judge, limits: WorkLimits) -> Chain:
    """Minimise the levels one after the other, each held while the next are minimised.

    Raises SolverFailure when the solver gives no usable answer, Cancelled when asked to stop.
    """
    return solve_whole(program, judge, limits) if hold == "rows" else _solve_on_faces(program, judge, limits)


@dataclass(frozen=True, eq=False)
class _NonZero:
    """Reduced costs of a level without those that are 0, which most are until the cost is minimised."""

    at: ShortIndex
    values: Floats

    @classmethod
    def of(cls, d: Floats) -> "_NonZero":
        at = np.flatnonzero(d)
        return cls(at.astype(np.int32), d[at])

    def dense(self, n: int) -> Floats:
        d = np.zeros(n)
        d[self.at] = self.values
        return d


class _Faces:
    """The shrinking optimal face: bounds of columns and rows, shapes (n,) and (m,)."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.slack = frozenset(k for k, level in enumerate(program.levels) if level.has_slack)
        self.lower, self.upper = program.lower.copy(), program.upper.copy()
        self.row_lower, self.row_upper = program.row_lower.copy(), program.row_upper.copy()
        self.reduced: list[_NonZero] = []
        self.duals: list[Floats] = []

    @property
    def bounds(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Columns low and high, rows low and high."""
        return self.lower, self.upper, self.row_lower, self.row_upper

    def fix(self, outcome: Outcome, size: Floats) -> None:
        """Fix the optimal face of a level; `size` is the sum of the absolute terms of each reduced cost."""
        d, y = outcome.column_dual, outcome.row_dual
        if d is None or y is None:
            raise SolverFailure("HiGHS gave no duals")
        d = np.where(np.abs(d) <= ZERO_DUAL * size, 0.0, d)
        self.upper[d > 0] = self.lower[d > 0]
        self.lower[d < 0] = self.upper[d < 0]
        y = np.where(np.abs(y) <= ZERO_DUAL * np.max(np.abs(y), initial=0.0), 0.0, y)
        self.row_upper[y > 0] = self.row_lower[y > 0]
        self.row_lower[y < 0] = self.row_upper[y < 0]
        self.reduced.append(_NonZero.of(d))
        self.duals.append(y)

    def keep(self, outcome: Outcome, level: Level, cap: Fraction) -> None:
        """A level with slack is held by its row."""
        if level.row is None:
            raise SolverFailure("a level with slack has no row")
        slack = cap_of(level, Fraction(outcome.objective)) if np.isfinite(outcome.objective) else cap
        self.row_upper[level.row] = max(float(cap), float(slack))
        n, m = self.program.n, self.program.m
        self.reduced.append(_NonZero.of(np.zeros(n) if outcome.column_dual is None else outcome.column_dual))
        self.duals.append(np.zeros(m) if outcome.row_dual is None else outcome.row_dual)

    def multipliers(self, k: int) -> tuple[Floats, dict[int, float]]:
        """Multipliers that bound level k over the whole feasible set under `level_i <= value_i`, i < k (MODEL 9).

        The dual taken on the face, plus enough of the earlier levels' duals to restore the signs.
        """
        d, y = self.reduced[k].dense(self.program.n), self.duals[k]
        held: dict[int, float] = {}
        for i in range(k - 1, -1, -1):
            if i in self.slack:
                continue
            at, reduced = self.reduced[i].at, self.reduced[i].values
            wrong_column = reduced * d[at] < 0
            wrong_row = self.duals[i] * y < 0
            need = np.concatenate(
                [
                    np.abs(d[at[wrong_column]] / reduced[wrong_column]),
                    np.abs(y[wrong_row] / self.duals[i][wrong_row]),
                ]
            )
            if len(need):
                held[i] = float(need.max())
                d[at] += held[i] * reduced
                y = y + held[i] * self.duals[i]
        return y, held


def _solve_on_faces(program: Program, judge: Judge, limits: WorkLimits) -> Chain:
    master, faces = Master(program, _start(program, judge)), _Faces(program)
    outcomes: list[Outcome] = []
    bounds: list[tuple[Floats, dict[int, float]]] = []
    caps: dict[int, Fraction] = {}
    witnesses: dict[int, Purchase] = {}
    x = np.zeros(program.n)
    cut = False
    for k, level in enumerate(program.levels):
        if limits.report is not None:
            limits.report(level.name, k, len(program.levels))
        solved = master.solve(program.objective(level, faces.upper > faces.lower), faces.bounds, limits)
        if solved is None or solved[0].x is None or not _still_optimal(program, outcomes, solved[0].x):
            cut = limits.deadline is not None
            break
        outcome, size = solved
        outcomes.append(outcome.summary())
        x = x if outcome.x is None else outcome.x
        if level.has_slack:
            witnesses[k], _ = whole_kg(x, judge, program, _optima(program, outcomes, bounds), caps, limits)
            caps[k] = cap_of(level, judge.measure(witnesses[k]).level(level.name))
            faces.keep(outcome, level, caps[k])
        elif level.name != "tie-break":
            faces.fix(outcome, size)
        if level.name != "tie-break":
            bounds.append(faces.multipliers(k))
        del solved, outcome, size  # of a large market they need room that the next level can use
    purchase, between = whole_kg(x, judge, program, _optima(program, outcomes, bounds), caps, limits)
    return Chain(
        purchase,
        _levels(
            program, judge, outcomes, bounds, caps, {k: witnesses.get(k, purchase) for k in range(len(program.levels))}
        ),
        between,
        cut,
    )


def _optima(program: Program, outcomes: list[Outcome], bounds: list[tuple[Floats, dict[int, float]]]) -> list[Optimum]:
    """What the LP says of each level so far."""
    values = [outcome.objective for outcome in outcomes] + [np.inf] * (len(program.levels) - len(outcomes))
    return [Optimum(value, bounds[k][1] if k < len(bounds) else {}) for k, value in enumerate(values)]


def _start(program: Program, judge: Judge) -> Start:
    """What the restricted master's first guess needs to know of the arcs."""
    arcs, problem = judge.arcs, judge.problem
    eta: Floats = np.maximum(arcs.eta_e8 / E8, 1e-12)
    effective = eta * arcs.most_kg
    effective /= KG_PER_T
    need = np.array([e.need_kg / KG_PER_T for e in problem.events])
    return Start(arcs.event, ranks(program, arcs.tier), arcs.unit_cost_e8 / eta, effective, need)


def _still_optimal(program: Program, outcomes: list[Outcome], x: Floats) -> bool:
    """No later point may have given up an earlier level."""
    return all(
        float(level.values @ x[level.columns]) <= outcome.objective + 1e-7 * max(1.0, abs(outcome.objective))
        for level, outcome in zip(program.levels, outcomes, strict=False)
        if not level.has_slack
    )


def _levels(
    program: Program,
    judge: Judge,
    outcomes: list[Outcome],
    bounds: list[tuple[Floats, dict[int, float]]],
    caps: Mapping[int, Fraction],
    witnesses: Mapping[int, Purchase],
) -> tuple[Solved, ...]:
    solved = []
    for k, level in enumerate(program.levels):
        witness = witnesses[k]
        value = Fraction(0) if level.name == "tie-break" else judge.measure(witness).level(level.name)
        if level.name == "tie-break" and k < len(outcomes):
            solved.append(Solved(level, value, value, outcomes[k].bound, True, (), {}, dict(witness)))
        elif k < len(outcomes):
            y, held = bounds[k]
            solved.append(Solved(level, value, caps.get(k, value), outcomes[k].bound, True, (y,), held, dict(witness)))
        else:
            solved.append(Solved(level, value, value, -np.inf, False, (), {}, dict(witness)))
    return tuple(solved)
