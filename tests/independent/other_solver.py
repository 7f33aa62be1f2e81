"""The same problem written from the page as arrays for SciPy's own HiGHS, levels held by rows: for sizes beyond
enumeration.

Columns: lots and a switch for each piece (tonnes alone without whole lots), gaps, misses, a count of steps a level.
"""

from fractions import Fraction
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp  # type: ignore[import-untyped]
from scipy.sparse import csr_array  # type: ignore[import-untyped]

HELD = 1e-6
"""Yuan or t by which a held level may be exceeded."""


class Arrays:
    def __init__(self, read: Any) -> None:
        self.read = read
        self.upper: list[float] = []
        self.integer: list[bool] = []
        self.rows: list[tuple[dict[int, float], float, float]] = []
        self.pieces = [(k, piece) for k, line in enumerate(read.lines) for piece in line.pieces]
        self._pieces()
        self._gaps()
        self._limits()
        self._budgets()

    def column(self, upper: float, integer: bool = False) -> int:
        self.upper.append(upper)
        self.integer.append(integer)
        return len(self.upper) - 1

    def row(self, terms: dict[int, float], low: float = -np.inf, high: float = np.inf) -> None:
        self.rows.append((terms, low, high))

    def _pieces(self) -> None:
        whole = self.read.whole
        self.lots: list[int] = []
        self.use: list[int] = []
        self.unit_t: list[float] = []
        for k, piece in self.pieces:
            lot = self.read.lines[k].lot_kg if whole else 1000
            self.unit_t.append(lot / 1000)
            self.lots.append(self.column(piece.most_kg / lot, whole))
            self.use.append(self.column(1, whole))
            if whole:
                self.row({self.lots[-1]: 1, self.use[-1]: -piece.most_kg / lot}, high=0)
                self.row({self.lots[-1]: 1, self.use[-1]: -piece.least_kg / lot}, low=0)
        for line in range(len(self.read.lines)):
            mine = [p for p, (k, _) in enumerate(self.pieces) if k == line]
            if whole and len(mine) > 1:
                self.row({self.use[p]: 1 for p in mine}, high=1)
        for i, offer in enumerate(self.read.offers):
            mine = [p for p, (k, _) in enumerate(self.pieces) if self.read.lines[k].offer == i]
            if mine:
                self.row({self.lots[p]: self.unit_t[p] for p in mine}, high=self.read.usable(offer) / 1000)

    def effective(self, wanted: Any) -> dict[int, float]:
        """Effective t of the lines that are wanted."""
        return {
            self.lots[p]: self.read.lines[k].eta / 1e8 * self.unit_t[p]
            for p, (k, _) in enumerate(self.pieces)
            if wanted(self.read.lines[k])
        }

    def cost(self, share: Any) -> dict[int, float]:
        """Yuan, each line weighed by `share`."""
        terms: dict[int, float] = {}
        for p, (k, piece) in enumerate(self.pieces):
            weight = float(share(self.read.lines[k]))
            if weight:
                terms[self.lots[p]] = piece.unit_cost / 1e10 * self.unit_t[p] * weight
                if self.read.lines[k].fee:
                    terms[self.use[p]] = self.read.lines[k].fee / 1e13 * weight
        return terms

    def _gaps(self) -> None:
        self.gap: dict[tuple[int, int], int] = {}
        for e, need in enumerate(self.read.need):
            for r in range(1, self.read.n + 2):
                self.gap[e, r] = self.column(need / 1000)
                covering = self.effective(lambda s, e=e, r=r: s.event == e and s.tier <= r)
                self.row({**covering, self.gap[e, r]: 1}, low=need / 1000)

    def _limits(self) -> None:
        self.miss: dict[tuple[int, int], int] = {}
        for e, k, limit in self.read.limits():
            groups = {self.read.group_of(s, limit) for s in self.read.lines if s.event == e} - {None}
            for group in groups if "max_share" in limit else ():
                members = self.effective(
                    lambda s, e=e, x=limit, g=group: s.event == e and self.read.group_of(s, x) == g
                )
                self.row(members, high=float(Fraction(limit["max_share"]) * self.read.need[e] / 1000))
            if "min_share" in limit:
                least = float(Fraction(limit["min_share"]) * self.read.need[e] / 1000)
                self.miss[e, k] = self.column(least)
                members = self.effective(lambda s, e=e, x=limit: s.event == e and self.read.group_of(s, x) is not None)
                self.row({**members, self.miss[e, k]: 1}, low=least)

    def _budgets(self) -> None:
        first = self.read.as_of.year
        for owner, budget in self.read.budgets():
            mine = [s for s in self.read.lines if owner in (None, s.event)]
            if "total" in budget:
                self.row(self.cost(lambda s, o=owner: o in (None, s.event)), high=float(budget["total"]))
            if "by_fiscal_year" not in budget:
                continue
            listed = {int(y): float(b) for y, b in budget["by_fiscal_year"].items() if int(y) >= first}
            for y in range(first, max([*listed, *(z for s in mine for z, _ in s.years)], default=0) + 1):
                together = budget.get("carry_forward", False) and y <= max(listed, default=0)
                span = range(first if together else y, y + 1)
                paid = self.cost(
                    lambda s, o=owner, w=span: sum(v for z, v in s.years if z in w) / 1e4 if o in (None, s.event) else 0
                )
                self.row(paid, high=sum(listed.get(z, 0.0) for z in span))

    def level(self, name: str) -> dict[int, float]:
        head, _, tail = name.partition(" ")
        if head == "cost":
            return self.cost(lambda s: s.weight)
        if head == "rules":
            terms = {column: 1.0 for column in self.miss.values()}
        else:
            r = self.read.n + 1 if head == "shortfall" else int(tail)
            chosen = [
                e
                for e in range(len(self.read.need))
                if head == "tier" or not tail or self.read.priority(e) == int(tail)
            ]
            terms = {self.gap[e, r]: 1.0 for e in chosen}
        if not self.read.whole or not terms:
            return terms
        step = self.read.step / 1000
        steps = self.column(np.ceil(sum(self.upper[j] for j in terms) / step) + 1, True)
        self.row({steps: step, **{j: -1.0 for j in terms}}, low=0)
        return {steps: step}

    def least(self, terms: dict[int, float]) -> float:
        n = len(self.upper)
        objective = np.zeros(n)
        for j, v in terms.items():
            objective[j] = v
        number = [i for i, (row, _, _) in enumerate(self.rows) for _ in row]
        column = [j for row, _, _ in self.rows for j in row]
        value = [v for row, _, _ in self.rows for v in row.values()]
        matrix = csr_array((value, (number, column)), shape=(len(self.rows), n))
        low, high = np.array([r[1] for r in self.rows]), np.array([r[2] for r in self.rows])
        result = milp(
            objective,
            constraints=LinearConstraint(matrix, low, high),
            bounds=Bounds(0, np.array(self.upper)),
            integrality=np.array(self.integer, dtype=int),
            options={"mip_rel_gap": 0.0},
        )
        assert result.status == 0, result.message
        return float(result.fun)


def least_under(read: Any, order: list[tuple[str, Fraction, Fraction]], values: list[Fraction]) -> list[float]:
    """The least of every level with the earlier ones held at what a given plan reached, within their slack."""
    arrays = Arrays(read)
    found = []
    for (name, relative, absolute), value in zip(order, values, strict=True):
        terms = arrays.level(name)
        found.append(arrays.least(terms) if terms else 0.0)
        cap = float(value + abs(value) * relative + absolute)
        if terms:
            arrays.row(terms, high=cap + HELD)
    return found
