"""What a segment of a curve counts of its quantities: effective tonnes by tier, what is spent, what `cost` counts.

What stands at its upper bound is summed in integers, brought up to date where a column changes: no step adds it anew.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import lcm

from optimizer.exact_program import YUAN_E8, ExactProgram
from optimizer.quantities import KG_PER_T
from optimizer.timeline import E8

type Sums = list[int]
"""By tier, then what is spent, then the level `cost`; each over its entry of `Tally.denominators`."""

ZERO = Fraction(0)


class Tally:
    """How much each arc adds to every sum, per tonne."""

    def __init__(self, program: ExactProgram) -> None:
        arcs = program.arcs
        self.n_tiers = program.problem.rule_pack.n_tiers + 1
        cost = [level.name for level in program.levels].index("cost")
        self._cost = program.level_weights[cost]
        self._tier, self._eta, self._unit = (x.tolist() for x in (arcs.tier - 1, arcs.eta_e8, arcs.unit_cost_e8))
        self.denominators = (*([E8] * self.n_tiers), YUAN_E8, program.levels[cost].denominator)

    def nothing(self) -> Sums:
        """Sums over no quantity."""
        return [0] * len(self.denominators)

    def add(self, sums: Sums, j: int, amount: int) -> None:
        """Adds this amount of arc j, in any unit."""
        sums[self._tier[j]] += self._eta[j] * amount
        sums[-2] += self._unit[j] * amount
        sums[-1] += self._cost.get(j, 0) * amount

    def of(self, j: int) -> tuple[int, ...]:
        """What a tonne of a column adds to each tier and to what is spent; nothing for gaps and slacks."""
        tiers = [0] * self.n_tiers
        if j >= len(self._tier):
            return (*tiers, 0)
        tiers[self._tier[j]] = self._eta[j]
        return (*tiers, self._unit[j])

    def lines(self, kg: Sums, moving: Sequence[tuple[int, Fraction, Fraction]]) -> list[tuple[Fraction, Fraction]]:
        """Every sum in its unit: what stands (kg), and arcs that move as p + q theta (t); (p, q) each."""
        common = lcm(*(x.denominator for _, p, q in moving for x in (p, q)))
        still, moved = self.nothing(), self.nothing()
        for j, p, q in moving:
            self.add(still, j, p.numerator * (common // p.denominator))
            self.add(moved, j, q.numerator * (common // q.denominator))
        return [
            (Fraction(k * common + p * KG_PER_T, d * common * KG_PER_T), Fraction(q, d * common))
            if p or q
            else (Fraction(k, d * KG_PER_T), ZERO)
            for k, p, q, d in zip(kg, still, moved, self.denominators, strict=True)
        ]


class Pinned:
    """Exact running sums over the quantities that stand at what is offered."""

    def __init__(self, program: ExactProgram, tally: Tally) -> None:
        self._program, self._tally = program, tally
        self._most_kg = program.arcs.most_kg.tolist()
        self._inside: set[int] = set()
        self.use: dict[int, int] = {}
        """Row -> what they use of it, in kg over the row's denominator."""
        self.kg = tally.nothing()
        """Their sums (see `Tally`), kg instead of t."""

    def update(self, changed: Iterable[tuple[int, bool]]) -> None:
        """Arcs that now stand at what is offered, or no longer do."""
        for j, inside in changed:
            if inside == (j in self._inside):
                continue
            (self._inside.add if inside else self._inside.remove)(j)
            kg = self._most_kg[j] if inside else -self._most_kg[j]
            self._tally.add(self.kg, j, kg)
            for i, v in self._program.entries(j):
                self.use[i] = self.use.get(i, 0) + v * kg
