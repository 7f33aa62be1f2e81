"""What a segment of a curve counts of its quantities: effective tonnes by tier, what is spent, what `cost` counts.

What stands at its upper bound is summed in integers, brought up to date where a column changes: no step adds it anew.
"""

from collections.abc import Sequence
from fractions import Fraction

from optimizer.exact_program import YUAN_E8, ExactProgram
from optimizer.timeline import E8

type Sums[N: (int, Fraction)] = list[N]
"""By tier, then what is spent, then the level `cost`; each over its entry of `Tally.denominators`."""


class Tally:
    """How much each arc adds to every sum, per tonne."""

    def __init__(self, program: ExactProgram) -> None:
        arcs = program.arcs
        self.n_tiers = program.problem.rule_pack.n_tiers + 1
        cost = [level.name for level in program.levels].index("cost")
        self._cost = program.level_weights[cost]
        self._tier, self._eta, self._unit = (x.tolist() for x in (arcs.tier - 1, arcs.eta_e8, arcs.unit_cost_e8))
        self.denominators = (*([E8] * self.n_tiers), YUAN_E8, program.levels[cost].denominator)

    def nothing(self) -> list[int]:
        """Sums over no quantity."""
        return [0] * len(self.denominators)

    def add[N: (int, Fraction)](self, sums: Sums[N], j: int, amount: N) -> None:
        """Adds this amount of arc j, in any unit."""
        sums[self._tier[j]] += self._eta[j] * amount
        sums[-2] += self._unit[j] * amount
        sums[-1] += self._cost.get(j, 0) * amount


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

    def update(self, changed: Sequence[tuple[int, bool]]) -> None:
        """Arcs that now stand at what is offered, or no longer do."""
        for j, inside in changed:
            if inside == (j in self._inside):
                continue
            (self._inside.add if inside else self._inside.remove)(j)
            kg = self._most_kg[j] if inside else -self._most_kg[j]
            self._tally.add(self.kg, j, kg)
            a, b = int(self._program.starts[j]), int(self._program.starts[j + 1])
            numerators = self._program.numerators[a:b].tolist()
            for i, v in zip(self._program.rows[a:b].tolist(), numerators, strict=True):
                self.use[i] = self.use.get(i, 0) + v * kg
