"""The inverse of a small integer matrix, kept while one column after another changes. No program here, no fractions."""

from collections.abc import Sequence
from itertools import chain
from math import gcd, lcm
from operator import mul

from optimizer.errors import SolverFailure
from optimizer.exact_linear import ExactFactor


class KeptInverse:
    """B^-1 = rows / over, in integers without a common factor; over > 0."""

    def __init__(self, factor: ExactFactor, size: int) -> None:
        columns = [factor.solve({r: 1}) for r in range(size)]
        self.over = lcm(*(x.denominator for column in columns for x in column.values()))
        self.rows = [[int(column.get(i, 0) * self.over) for column in columns] for i in range(size)]

    def times(self, column: Sequence[int]) -> list[int]:
        """over x B^-1 column."""
        return [sum(map(mul, row, column)) for row in self.rows]

    def replace(self, place: int, column: Sequence[int]) -> None:
        """This column takes that place in B. Raises SolverFailure where B would be singular."""
        found, over, old = self.times(column), self.over, self.rows[place]
        pivot = found[place]
        if pivot == 0:
            raise SolverFailure("a basis of the curve is singular")
        rows = [
            [pivot * v - factor * o for v, o in zip(row, old, strict=True)]
            for row, factor in zip(self.rows, found, strict=True)
        ]
        rows[place] = [over * o for o in old]
        over *= pivot
        shared = gcd(over, *chain.from_iterable(rows)) * (1 if over > 0 else -1)
        self.over, self.rows = over // shared, [[v // shared for v in row] for row in rows]
