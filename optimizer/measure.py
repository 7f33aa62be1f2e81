"""What a purchase comes to, in exact numbers: costs, effective tonnes, gaps, level values, and what it would break.

A purchase is {arc: kg}. The levels are held, and the plan is printed, from these numbers; the certificate derives its
own. Masses are kg and money is fen, as Fractions; level values are t and yuan.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from optimizer.arcs import Arcs, cost_fen, present_value
from optimizer.events import EXTRA_BUDGET
from optimizer.limits import budget_rows, limit_groups
from optimizer.problem import Problem
from optimizer.program import Key
from optimizer.quantities import E4, FEN_PER_YUAN, KG_PER_T, ceil
from optimizer.timeline import E8

type Purchase = Mapping[int, int]
"""Arc index -> kg, positive."""


@dataclass(frozen=True, eq=False)
class Measure:
    """One purchase under one problem."""

    problem: Problem
    arcs: Arcs
    purchase: Purchase

    @cached_property
    def effective_kg(self) -> dict[int, Fraction]:
        """Effective kg of each line."""
        return {a: Fraction(int(self.arcs.eta_e8[a]) * kg, E8) for a, kg in self.purchase.items()}

    @cached_property
    def cost_fen(self) -> dict[int, Fraction]:
        """Cost of each line, nominal, fees included."""
        return {
            a: cost_fen(int(self.arcs.unit_cost_e8[a]), kg, int(self.arcs.fixed_fee_fen[a]))
            for a, kg in self.purchase.items()
        }

    @cached_property
    def covered_kg(self) -> Mapping[tuple[int, int], Fraction]:
        """(event, tier) -> effective kg."""
        covered: dict[tuple[int, int], Fraction] = {}
        for a, kg in self.effective_kg.items():
            key = int(self.arcs.event[a]), int(self.arcs.tier[a])
            covered[key] = covered.get(key, Fraction(0)) + kg
        return covered

    def gap_kg(self, e: int, up_to_tier: int) -> Fraction:
        """What tiers 1..r leave uncovered of event e."""
        covered = sum(
            (kg for (event, tier), kg in self.covered_kg.items() if event == e and tier <= up_to_tier), Fraction(0)
        )
        return max(Fraction(0), self.problem.events[e].need_kg - covered)

    def missed_kg(self, e: int, k: int) -> Fraction:
        """What the min share k of event e misses."""
        limit = self.problem.events[e].limits[k]
        used = np.array(sorted(a for a in self.purchase if self.arcs.event[a] == e), dtype=np.int64)
        members, _, _ = limit_groups(self.problem, self.arcs, used, limit)
        least = Fraction((limit.min_share_e4 or 0) * self.problem.events[e].need_kg, E4)
        return max(Fraction(0), least - sum((self.effective_kg[a] for a in members.tolist()), Fraction(0)))

    def present_cost_fen(self) -> Fraction:
        """Total cost as the level `cost` counts it: nominal, or present value."""
        r = self.problem.settings.discount_rate_e4
        if r == 0:
            return sum(self.cost_fen.values(), Fraction(0))
        weight = [present_value(p, self.problem.as_of.year, r) for p in self.arcs.payments]
        return sum((c * weight[int(self.arcs.payment[a])] for a, c in self.cost_fen.items()), Fraction(0))

    def level(self, name: str) -> Fraction:
        """The value of a level: gap levels in t (whole steps with whole lots), cost in yuan."""
        head, _, tail = name.partition(" ")
        if head == "cost":
            return self.present_cost_fen() / FEN_PER_YUAN
        if name == EXTRA_BUDGET:
            return self.extra_budget_fen() / FEN_PER_YUAN
        n = self.problem.rule_pack.n_tiers
        events = range(len(self.problem.events))
        if head == "shortfall":
            total = sum(
                (
                    self.gap_kg(e, n + 1)
                    for e in events
                    if not tail or self.problem.events[e].priority_class == int(tail)
                ),
                Fraction(0),
            )
        elif head == "tier":
            total = sum((self.gap_kg(e, int(tail)) for e in events), Fraction(0))
        else:
            total = sum(
                (
                    self.missed_kg(e, k)
                    for e in events
                    for k, m in enumerate(self.problem.events[e].limits)
                    if m.min_share_e4 is not None
                ),
                Fraction(0),
            )
        return in_steps(total / KG_PER_T, self.problem)

    def broken(self) -> list[Key]:
        """Keys of the rows that the purchase breaks, exactly; an empty list is a feasible plan."""
        return self._broken

    @cached_property
    def _broken(self) -> list[Key]:
        return [*self._broken_lines(), *self._broken_availability(), *self._broken_budgets(), *self._broken_shares()]

    def _broken_lines(self) -> list[Key]:
        arcs, found, lines = self.arcs, list[Key](), set[int]()
        for a, kg in self.purchase.items():
            if not arcs.least_kg[a] <= kg <= arcs.most_kg[a] or kg % arcs.lot_kg[a]:
                found.append(("x", a))
            if int(arcs.line[a]) in lines:
                found.append(("one piece", a))
            lines.add(int(arcs.line[a]))
        return found

    def _broken_availability(self) -> list[Key]:
        bought: dict[int, int] = {}
        for a, kg in self.purchase.items():
            bought[int(self.arcs.offer[a])] = bought.get(int(self.arcs.offer[a]), 0) + kg
        offers = self.problem.offers
        return [("availability", offers.offer_id[i]) for i, kg in bought.items() if kg > offers.quantity_kg[i]]

    def budget_spending(self) -> list[tuple[Key, Fraction, int, bool]]:
        """(row key, spent fen, limit fen, whether it sums years to date) of every budget row."""
        owners = [(event.id, e, event.budget) for e, event in enumerate(self.problem.events)]
        rows: list[tuple[Key, Fraction, int, bool]] = []
        for owner, e, budget in [*owners, ("", None, self.problem.calendar.budget)]:
            if budget is None:
                continue
            mine = [a for a in self.purchase if e is None or self.arcs.event[a] == e]
            paying = sorted({y for a in mine for y, _ in self.arcs.payments[int(self.arcs.payment[a])]})
            for row in budget_rows(budget, paying, self.problem.as_of.year):
                spent = sum((self.paid_fen(a, row.years) for a in mine), Fraction(0))
                rows.append((("budget", owner, row.name), spent, row.limit_fen, row.to_date))
        return rows

    def extra_budget_fen(self) -> Fraction:
        """The least sum of additions to the budget rows that lets this purchase be paid."""
        return sum((added for _, added in self.additions()), Fraction(0))

    def additions(self) -> list[tuple[Key, Fraction]]:
        """(budget row, fen that must be added), where any must; what is added to an earlier year is carried."""
        found: list[tuple[Key, Fraction]] = []
        carried: dict[object, Fraction] = {}
        for key, spent, limit, to_date in self.budget_spending():
            over = max(Fraction(0), spent - limit)
            if to_date:
                over = max(Fraction(0), over - carried.get(key[1], Fraction(0)))
                carried[key[1]] = carried.get(key[1], Fraction(0)) + over
            if over > 0:
                found.append((key, over))
        return found

    def paid_fen(self, a: int, years: tuple[int, ...] | None) -> Fraction:
        """What line a pays in these fiscal years (None: ever)."""
        share = sum(s for y, s in self.arcs.payments[int(self.arcs.payment[a])] if years is None or y in years)
        return self.cost_fen[a] * Fraction(share, E4)

    def _broken_budgets(self) -> list[Key]:
        if self.problem.soft_budgets:
            return []
        return [key for key, spent, limit, _ in self.budget_spending() if spent > limit]

    def _broken_shares(self) -> list[Key]:
        found: list[Key] = []
        for e, event in enumerate(self.problem.events):
            used = np.array(sorted(a for a in self.purchase if self.arcs.event[a] == e), dtype=np.int64)
            for k, limit in enumerate(event.limits):
                if limit.max_share_e4 is None or not len(used):
                    continue
                members, group, names = limit_groups(self.problem, self.arcs, used, limit)
                totals = [Fraction(0)] * len(names)
                for a, g in zip(members.tolist(), group.tolist(), strict=True):
                    totals[g] += self.effective_kg[a]
                cap = Fraction(limit.max_share_e4 * event.need_kg, E4)
                found += [
                    ("max share", event.id, k, name) for name, total in zip(names, totals, strict=True) if total > cap
                ]
        return found


def in_steps(value_t: Fraction, problem: Problem) -> Fraction:
    """A gap in whole steps, rounded up, when lots are whole; else as it is."""
    if not problem.settings.whole_lots:
        return value_t
    return ceil(value_t / problem.step_t) * problem.step_t
