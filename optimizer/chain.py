"""What solving levels in order needs and gives: limits on the work, the judge of points, and the chain of levels."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

import numpy as np

from optimizer.arcs import Arcs
from optimizer.measure import Measure, Purchase
from optimizer.problem import Problem
from optimizer.program import Floats, Level
from optimizer.quantities import E4
from optimizer.tolerances import NODES_PER_LEVEL

LEAST_SECONDS = 0.01
"""A solve that begins after the clock has run out still gets this long."""

type ArcName = tuple[int, int, str, int]
"""Event, offer (as numbers), purchase date and price break: the same in all variants of a problem."""
type Until = Literal["last", "cost", "covered"]
"""last: all levels; cost: none after the cost; covered: none once everything is covered. Only proofs end a chain."""

type Report = Callable[[str, int, int], None]
"""Called with the level's name, its number and the number of levels."""


@dataclass(frozen=True)
class WorkLimits:
    """How much work a chain may do. Nodes count work and keep plans repeatable; seconds do not: off by default."""

    nodes: int = NODES_PER_LEVEL
    deadline: Callable[[], float] | None = None
    """Seconds that are left, when a clock limit was asked for."""
    cancelled: Callable[[], bool] | None = None
    report: Report | None = None
    tie_break: bool = True
    """False: solves beside the plan, of which only the values matter, leave ties as they fall."""
    known: Mapping[ArcName, int] | None = None
    """Of such solves: the plan's purchase, kg; often it keeps a level at its best, and nothing need be searched."""
    until: Until = "last"
    """Of such solves: the last level whose value is asked for."""

    def clock_ran_out(self) -> bool:
        """A clock limit was asked for and is used up: any solve, of the plan or beside it, may have been cut."""
        left = self.seconds_left()
        return left is not None and left <= LEAST_SECONDS

    def seconds_left(self) -> float | None:
        """None without a clock limit."""
        return None if self.deadline is None else self.deadline()


@dataclass(frozen=True, eq=False)
class Judge:
    """Reads solver points as purchases and measures them exactly."""

    problem: Problem
    arcs: Arcs
    _known: dict[frozenset[tuple[int, int]], Measure] = field(default_factory=dict)

    def lots_of(self, x: Floats) -> Purchase:
        """The purchase at an integral point; lot counts are read as the nearest whole number."""
        counts = np.rint(x[: len(self.arcs)]).astype(np.int64)
        used = np.flatnonzero(counts > 0)
        return {int(a): int(counts[a] * self.arcs.lot_kg[a]) for a in used}

    def measure(self, purchase: Purchase) -> Measure:
        """The exact measure of a purchase."""
        key = frozenset(purchase.items())
        if key not in self._known:
            self._known[key] = Measure(self.problem, self.arcs, purchase)
        return self._known[key]


def cap_of(level: Level, value: Fraction) -> Fraction:
    """The most that a level may be once it is held: its value plus its slack, relative to the absolute value."""
    return value + abs(value) * Fraction(level.relative_e4, E4) + Fraction(level.absolute_e4, E4)


@dataclass(frozen=True, eq=False)
class Solved:
    """One level of a chain."""

    level: Level
    value: Fraction
    """Exact value of the point that this level found, in its unit."""
    cap: Fraction
    """What later levels must keep to."""
    solver_bound: float
    closed: bool
    """The solver proved that nothing is better."""
    row_duals: tuple[Floats, ...]
    """Multipliers of the program's rows for this level's bound, shape (m,), phase by phase (see `certificate`)."""
    held: Mapping[int, float]
    """Multipliers (>= 0) of earlier levels, by number, beyond those in `row_dual`."""
    witness: Purchase
    """The point that has the value."""


@dataclass(frozen=True, eq=False)
class Chain:
    """All levels solved in order; the tie-break is the last."""

    purchase: Purchase
    levels: tuple[Solved, ...]
    between_kg: tuple[int, ...]
    """Without whole lots: arcs that the LP leaves between two whole kg."""
    cut_by_clock: bool
