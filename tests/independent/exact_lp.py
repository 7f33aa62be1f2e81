"""Levels in order over divisible quantities, by a simplex in exact fractions (Bland's rule): no tolerance anywhere.

Every optimum's face is held by dropping the columns whose reduced cost is positive. Tonnes and yuan.
"""

from fractions import Fraction
from typing import Any

ZERO = Fraction(0)


class Tableau:
    """basis = constant + sum of coefficient x non-basic; all columns are >= 0."""

    def __init__(self) -> None:
        self.rows: dict[Any, tuple[Fraction, dict[Any, Fraction]]] = {}
        self.out: set[Any] = set()

    def in_terms(self, weights: dict[Any, Fraction]) -> tuple[Fraction, dict[Any, Fraction]]:
        """A sum of columns, written in non-basic ones."""
        constant, terms = ZERO, dict[Any, Fraction]()
        for column, w in weights.items():
            if column in self.out:
                continue
            if column in self.rows:
                c, row = self.rows[column]
                constant += w * c
                for j, v in row.items():
                    terms[j] = terms.get(j, ZERO) + w * v
            else:
                terms[column] = terms.get(column, ZERO) + w
        return constant, {j: v for j, v in terms.items() if v}

    def descend(self, weights: dict[Any, Fraction]) -> tuple[Fraction, dict[Any, Fraction]]:
        """Pivot to an optimum; its value and reduced costs."""
        while True:
            value, reduced = self.in_terms(weights)
            entering = min((j for j, d in reduced.items() if d < 0), key=str, default=None)
            if entering is None:
                return value, reduced
            self._pivot(entering)

    def hold_face(self, reduced: dict[Any, Fraction]) -> None:
        """Columns with a positive reduced cost stay at 0: what is left is the set of all optima."""
        out = {j for j, d in reduced.items() if d > 0}
        self.out |= out
        self.rows = {b: (c, {j: v for j, v in row.items() if j not in out}) for b, (c, row) in self.rows.items()}

    def _pivot(self, entering: Any) -> None:
        ratios = [(c / -row[entering], str(b), b) for b, (c, row) in self.rows.items() if row.get(entering, ZERO) < 0]
        _, _, leaving = min(ratios, key=lambda r: r[:2])
        constant, row = self.rows.pop(leaving)
        pivot = row[entering]
        inverse = {j: -v / pivot for j, v in row.items() if j != entering}
        inverse[leaving] = 1 / pivot
        solved = (-constant / pivot, inverse)
        self.rows[entering] = solved
        for b, (c, old) in list(self.rows.items()):
            if b != entering and entering in old:
                w = old[entering]
                new = {j: v for j, v in old.items() if j != entering}
                for j, v in inverse.items():
                    new[j] = new.get(j, ZERO) + w * v
                self.rows[b] = (c + w * solved[0], {j: v for j, v in new.items() if v})

    def keep(self, weights: dict[Any, Fraction], cap: Fraction, name: Any) -> None:
        """From now on the sum is at most `cap`; the present point obeys."""
        value, terms = self.in_terms(weights)
        assert value <= cap
        self.rows[name] = (cap - value, {j: -v for j, v in terms.items()})


def divisible_levels(
    reading: Any, order: list[tuple[str, Fraction, Fraction]], values: list[Fraction] | None = None
) -> list[Fraction]:
    """The least value of every level in turn (t, yuan), each held within its slack; with `values`, each held at what a
    given plan reached instead of its least.
    """
    x = {k: ("x", f"{k:04d}") for k in range(len(reading.lines))}
    cost = [Fraction(line.pieces[0].unit_cost, 10**10) for line in reading.lines]
    table = _first_table(reading, x, cost)
    found = []
    for number, (name, relative, absolute) in enumerate(order):
        weights = _weights(reading, name, x, cost)
        least, reduced = table.descend(weights)
        found.append(least)
        held = least if values is None else values[number]
        if held == least and not relative and not absolute:
            table.hold_face(reduced)
        else:
            table.keep(weights, held + abs(held) * relative + absolute, ("held", number))
    return found


def _first_table(reading: Any, x: dict[int, Any], cost: list[Fraction]) -> Tableau:
    """Nothing bought: every gap is the need, every limit has all its room."""
    table = Tableau()
    eta = [Fraction(line.eta, 10**8) for line in reading.lines]
    for e, need_kg in enumerate(reading.need):
        for r in range(1, reading.n + 2):
            covering = {x[k]: -eta[k] for k, s in enumerate(reading.lines) if s.event == e and s.tier <= r}
            table.rows["gap", e, r] = (Fraction(need_kg, 1000), {**covering, ("over", e, r): Fraction(1)})
    for i, offer in enumerate(reading.offers):
        bought = {x[k]: Fraction(-1) for k, s in enumerate(reading.lines) if s.offer == i}
        table.rows["left", i] = (Fraction(reading.usable(offer), 1000), bought)
    _shares(table, reading, x, eta)
    _budgets(table, reading, x, cost)
    return table


def _shares(table: Tableau, reading: Any, x: dict[int, Any], eta: list[Fraction]) -> None:
    for e, number, limit in reading.limits():
        groups: dict[str, dict[Any, Fraction]] = {} if "group" in limit else {"": {}}
        for k, s in enumerate(reading.lines):
            group = reading.group_of(s, limit) if s.event == e else None
            if group is not None:
                groups.setdefault(group, {})[x[k]] = -eta[k]
        for group, members in groups.items():
            if "max_share" in limit:
                cap = Fraction(limit["max_share"]) * reading.need[e] / 1000
                table.rows["room", e, number, group] = (cap, dict(members))
            if "min_share" in limit:
                least = Fraction(limit["min_share"]) * reading.need[e] / 1000
                table.rows["miss", e, number] = (least, {**members, ("extra", e, number): Fraction(1)})


def _budgets(table: Tableau, reading: Any, x: dict[int, Any], cost: list[Fraction]) -> None:
    for owner, budget in reading.budgets():
        mine = [k for k, s in enumerate(reading.lines) if owner in (None, s.event)]
        if "total" in budget:
            table.rows["money", str(owner), "total"] = (Fraction(budget["total"]), {x[k]: -cost[k] for k in mine})
        if "by_fiscal_year" not in budget:
            continue
        listed = {int(y): Fraction(b) for y, b in budget["by_fiscal_year"].items() if int(y) >= reading.as_of.year}
        years = sorted({*listed, *(y for k in mine for y, _ in reading.lines[k].years)})
        for y in range(reading.as_of.year, max(years, default=0) + 1):
            together = budget.get("carry_forward", False) and y <= max(listed, default=0)
            span = range(reading.as_of.year, y + 1) if together else range(y, y + 1)
            paid = {
                x[k]: -cost[k] * Fraction(sum(s for z, s in reading.lines[k].years if z in span), 10**4) for k in mine
            }
            limit = sum((listed.get(z, ZERO) for z in span), ZERO)
            table.rows["money", str(owner), y] = (limit, {j: v for j, v in paid.items() if v})


def _weights(reading: Any, name: str, x: dict[int, Any], cost: list[Fraction]) -> dict[Any, Fraction]:
    head, _, tail = name.partition(" ")
    events = range(len(reading.events))
    if head == "cost":
        return {x[k]: cost[k] * s.weight for k, s in enumerate(reading.lines)}
    if head == "rules":
        return {("miss", e, k): Fraction(1) for e, k, limit in reading.limits() if "min_share" in limit}
    r = reading.n + 1 if head == "shortfall" else int(tail)
    chosen = [e for e in events if head == "tier" or not tail or reading.priority(e) == int(tail)]
    return {("gap", e, r): Fraction(1) for e in chosen}
