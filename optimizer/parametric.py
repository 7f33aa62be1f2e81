"""How the optimum moves when one number moves: a lexicographic linear program followed along its right-hand side.

The program of a problem with divisible quantities is followed along b0 + theta b1: money that may be spent, the need,
what may be bought of an offer. Between two breakpoints the optimal basis stays, and every quantity and level is linear
in theta (Gal & Nedoma 1972). The walk begins where nothing may be spent: there the plan that buys nothing is optimal,
and each further yuan is followed by a dual step, so that no optimum has to be searched for first.

Pivots are chosen in floats. Every basis that is kept is solved in exact rationals, so breakpoints and level values are
exact, and its optimality is proved: exact multipliers, reduced costs in lexicographic order (Isermann 1982), signs that
rounding could have turned settled in integers. A basis that fails is pivoted on; one that cannot be mended is an error,
never an answer. While the same rows are tight, pivots are made and proved many at a time (`swap_run`).
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from optimizer.basic_values import Leaving, Solved, solve_exactly
from optimizer.basis import Basis
from optimizer.errors import Cancelled, SolverFailure
from optimizer.exact_program import ExactProgram
from optimizer.optimality import wrong_column
from optimizer.segment import Counted, Line, Pins, Segment
from optimizer.swap_run import TIGHT_MAX, SwapRun

PIVOTS_MAX = 50_000
"""The work limit of one walk; curves take tens to thousands of pivots."""
REPAIRS_MAX = 200
"""Steps in a row that mend a basis without the walk getting on: more of them is a defect."""
CANCEL_EVERY = 16
"""Pivots between two questions whether to stop."""


class Walk:
    """One basis that is led along right-hand sides; it begins where the moving row `start` is 0."""

    def __init__(
        self,
        program: ExactProgram,
        start: str,
        needs: Sequence[Fraction] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self.program, self.cancelled = program, cancelled
        self.b0 = program.right_hand_sides(program.needs() if needs is None else needs)
        self.b1: dict[int, Fraction] = {}
        self.basis = Basis(program)
        self.start_row = self.row(start)
        self.pivots = 0
        self._begin()

    def row(self, name: str) -> int:
        """The moving row of this name."""
        return self.program.row_keys.index(("moving", name))

    def from_nothing(self, high: Fraction | None = None) -> list[Segment]:
        """Segments from nothing spent to `high`, or to where more changes nothing; the last one has no end then."""
        return self._from_nothing(high, False)

    def settle(self) -> None:
        """Goes to where more money changes nothing, keeping only that; from then on the start row binds nothing."""
        self._from_nothing(None, True)
        self.basis.free(self.start_row)

    def _from_nothing(self, high: Fraction | None, only_last: bool) -> list[Segment]:
        self.b1[self.start_row] = Fraction(1)
        found = self._follow(Fraction(0), high, only_last)
        del self.b1[self.start_row]
        return found

    def along(self, rates: Mapping[int, Fraction], low: Fraction, high: Fraction | None) -> list[Segment]:
        """Segments while right-hand sides move at these rates (by row); the present ones are those at theta = low."""
        for i, rate in rates.items():
            self.b1[i] = rate
            self.b0[i] -= rate * low
        return self._follow(low, high, False)

    def _begin(self) -> None:
        """What is free is bought; then the best first yuan takes the place of the start row's slack."""
        costly = self.basis.uses_row(self.start_row)
        for _ in range(PIVOTS_MAX):
            self._tick()
            self.basis.factor()
            j = self.basis.improving(~costly)
            if j is None:
                break
            self.basis.enter(j, self.basis.standing(self.b0))
        else:
            raise SolverFailure("what is free could not be settled")
        self.basis.first_yuan(self.start_row)

    def _tick(self) -> None:
        self.pivots += 1
        if self.pivots > PIVOTS_MAX:
            raise SolverFailure("the curve was not finished within its work limit")
        if self.cancelled is not None and self.pivots % CANCEL_EVERY == 0 and self.cancelled():
            raise Cancelled("stopped on request")

    def _follow(self, low: Fraction, high: Fraction | None, only_last: bool) -> list[Segment]:
        """Dual steps from `low` on, each where the next basic column meets a bound."""
        found: list[Segment] = []
        theta, doubtful, repairs, alike = low, True, 0, False
        while True:
            self._tick()
            self.basis.factor()
            if alike and len(self.basis.tight) <= TIGHT_MAX:
                run = SwapRun(self.basis, self.b0, self.b1, theta)
                run.follow(high, self._tick)
                found += [] if only_last else run.segments
                theta = run.theta
                self.basis.factor()
            solved = solve_exactly(self.basis, self.b0, self.b1, doubtful)
            leaving = solved.next_leaving(theta, doubtful)
            end = high if leaving is None or (high is not None and leaving.at >= high) else leaving.at
            if end is None or end > theta:
                if end is None or not only_last:
                    wrong = wrong_column(solved)
                    if wrong is not None:
                        repairs, doubtful, alike = self._mend(wrong, theta, repairs), True, False
                        continue
                    found.append(self._segment(solved, theta, end))
                repairs, doubtful = 0, False
            if end is None or end == high or leaving is None:
                return found
            theta = end
            alike = self._step(leaving) and not doubtful

    def _step(self, leaving: Leaving) -> bool:
        """One dual step; True where an arc came for an arc, so that the same rows stay tight."""
        basis = self.basis
        out = int(basis.basic[leaving.position])
        if not basis.dual_step(leaving.position, leaving.to_upper):
            raise SolverFailure("a curve ended where the program has no plan")
        return max(out, int(basis.basic[leaving.position])) < len(self.program.arcs)

    def _mend(self, wrong: int, theta: Fraction, repairs: int) -> int:
        if repairs >= REPAIRS_MAX:
            raise SolverFailure("a basis of the curve could not be mended")
        right = list(self.b0)
        for i, rate in self.b1.items():
            right[i] += rate * theta
        self.basis.enter(wrong, self.basis.standing(right))
        return repairs + 1

    def _segment(self, solved: Solved, low: Fraction, high: Fraction | None) -> Segment:
        arcs, tally, pinned = self.program.arcs, self.basis.tally, self.basis.pinned()
        moving = solved.moving()
        gaps, bought = [x for x in moving if x[0] >= len(arcs)], [x for x in moving if x[0] < len(arcs)]
        sums = tally.lines(pinned.kg, bought)
        levels = []
        for level, weight in zip(self.program.levels, self.program.level_weights, strict=True):
            if level.name == "cost":
                levels.append(Line.of(*sums[-1]))
                continue
            p = q = Fraction(0)
            for j, a, b in gaps:
                if j in weight:
                    p, q = p + weight[j] * a, q + weight[j] * b
            levels.append(Line.of(p / level.denominator, q / level.denominator))
        lines = [*levels, *(Line.of(*line) for line in sums[:-1])]
        counted = Counted.of(lines, [(j, Line.of(p, q)) for j, p, q in bought])
        pins = Pins(self.basis.pinned_arcs(), [], 0)
        return Segment(low, high, counted, len(levels), pins, arcs.most_kg)
