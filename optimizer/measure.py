"""What a purchase comes to, in exact numbers: costs, effective tonnes, gaps, level values, and what it would break.

A purchase is {arc: kg}. The levels are held, and the plan is printed, from these numbers; the certificate derives its
own. Sums are of integers: effective mass in 10^-8 kg, costs in 1/COST of a fen, payments in 1/PAID. What is handed out
as a Fraction is kg or fen; level values are t and yuan.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import accumulate, pairwise

import numpy as np

from optimizer.arcs import COST, Arcs, cost_in_parts, present_value
from optimizer.events import EXTRA_BUDGET
from optimizer.limits import budget_rows, limit_groups
from optimizer.problem import Problem
from optimizer.program import Index, Key
from optimizer.quantities import E4, FEN_PER_YUAN, KG_PER_T, ceil
from optimizer.timeline import E8

type Purchase = Mapping[int, int]
"""Arc index -> kg, positive."""

PAID = COST * E4
"""Parts of a fen in which a share of such a cost is a whole number."""


@dataclass(frozen=True, eq=False)
class Measure:
    """One purchase under one problem."""

    problem: Problem
    arcs: Arcs
    purchase: Purchase

    @cached_property
    def used(self) -> Index:
        """The arcs that are bought, as the purchase has them."""
        return np.fromiter(self.purchase, dtype=np.int64, count=len(self.purchase))

    @cached_property
    def _used_by_event(self) -> list[Index]:
        used = np.sort(self.used)
        starts = np.searchsorted(self.arcs.event[used], np.arange(len(self.problem.events) + 1))
        return [used[a:b] for a, b in pairwise(starts.tolist())]

    @cached_property
    def effective_e8(self) -> dict[int, int]:
        """Effective mass of each line, 10^-8 kg."""
        eta = self.arcs.eta_e8[self.used].tolist()
        return {a: each * kg for (a, kg), each in zip(self.purchase.items(), eta, strict=True)}

    @cached_property
    def effective_kg(self) -> dict[int, Fraction]:
        """Effective kg of each line."""
        return {a: Fraction(kg_e8, E8) for a, kg_e8 in self.effective_e8.items()}

    @cached_property
    def line_costs(self) -> dict[int, int]:
        """Cost of each line, nominal, fees included, in 1/COST of a fen."""
        unit, fee = self.arcs.unit_cost_e8[self.used].tolist(), self.arcs.fixed_fee_fen[self.used].tolist()
        lines = zip(self.purchase.items(), unit, fee, strict=True)
        return {a: cost_in_parts(each, kg, fixed) for (a, kg), each, fixed in lines}

    @cached_property
    def cost_fen(self) -> Fraction:
        """Total cost, nominal, fees included."""
        return Fraction(sum(self.line_costs.values()), COST)

    @cached_property
    def _covered_e8(self) -> dict[tuple[int, int], int]:
        covered: dict[tuple[int, int], int] = {}
        keys = zip(self.arcs.event[self.used].tolist(), self.arcs.tier[self.used].tolist(), strict=True)
        for key, kg_e8 in zip(keys, self.effective_e8.values(), strict=True):
            covered[key] = covered.get(key, 0) + kg_e8
        return covered

    @cached_property
    def covered_kg(self) -> Mapping[tuple[int, int], Fraction]:
        """(event, tier) -> effective kg."""
        return {key: Fraction(kg_e8, E8) for key, kg_e8 in self._covered_e8.items()}

    @cached_property
    def _gaps_e8(self) -> list[list[int]]:
        """What tiers 1..r leave uncovered of each event, by r; shape (n_events, n_tiers + 2)."""
        covered = [[0] * (self.problem.rule_pack.n_tiers + 2) for _ in self.problem.events]
        for (e, tier), kg_e8 in self._covered_e8.items():
            covered[e][tier] = kg_e8
        needs = (event.need_kg * E8 for event in self.problem.events)
        return [[max(0, need - sum_) for sum_ in accumulate(own)] for need, own in zip(needs, covered, strict=True)]

    def gap_kg(self, e: int, up_to_tier: int) -> Fraction:
        """What tiers 1..r leave uncovered of event e."""
        return Fraction(self._gaps_e8[e][up_to_tier], E8)

    def missed_kg(self, e: int, k: int) -> Fraction:
        """What the min share k of event e misses."""
        limit = self.problem.events[e].limits[k]
        members, _, _ = limit_groups(self.problem, self.arcs, self._used_by_event[e], limit)
        least = (limit.min_share_e4 or 0) * self.problem.events[e].need_kg * E8
        return Fraction(max(0, least - E4 * sum(self.effective_e8[a] for a in members.tolist())), E4 * E8)

    def present_cost_fen(self) -> Fraction:
        """Total cost as the level `cost` counts it: nominal, or present value."""
        r = self.problem.settings.discount_rate_e4
        if r == 0:
            return self.cost_fen
        of_pattern = [0] * len(self.arcs.payments)
        for pattern, cost in zip(self.arcs.payment[self.used].tolist(), self.line_costs.values(), strict=True):
            of_pattern[pattern] += cost
        weight = [present_value(p, self.problem.as_of.year, r) for p in self.arcs.payments]
        return sum((Fraction(c, COST) * w for c, w in zip(of_pattern, weight, strict=True)), Fraction(0))

    def level(self, name: str) -> Fraction:
        """The value of a level: gap levels in t (whole steps with whole lots), cost in yuan."""
        head, _, tail = name.partition(" ")
        if head == "cost":
            return self.present_cost_fen() / FEN_PER_YUAN
        if name == EXTRA_BUDGET:
            return self.extra_budget_fen() / FEN_PER_YUAN
        if head in ("shortfall", "tier"):
            return in_steps(Fraction(self._gap_e8(head, tail), E8 * KG_PER_T), self.problem)
        missed = (
            self.missed_kg(e, k)
            for e, event in enumerate(self.problem.events)
            for k, m in enumerate(event.limits)
            if m.min_share_e4 is not None
        )
        return in_steps(sum(missed, Fraction(0)) / KG_PER_T, self.problem)

    def _gap_e8(self, head: str, tail: str) -> int:
        """The gaps that a level sums: up to its tier, or in all of the events of its class."""
        if head == "tier":
            return sum(gaps[int(tail)] for gaps in self._gaps_e8)
        chosen = (not tail or event.priority_class == int(tail) for event in self.problem.events)
        return sum(gaps[-1] for gaps, is_ in zip(self._gaps_e8, chosen, strict=True) if is_)

    def broken(self) -> list[Key]:
        """Keys of the rows that the purchase breaks, exactly; an empty list is a feasible plan."""
        return self._broken

    @cached_property
    def _broken(self) -> list[Key]:
        return [*self._broken_lines(), *self._broken_availability(), *self._broken_budgets(), *self._broken_shares()]

    def _broken_lines(self) -> list[Key]:
        arcs, found, lines = self.arcs, list[Key](), set[int]()
        columns = (column[self.used].tolist() for column in (arcs.least_kg, arcs.most_kg, arcs.lot_kg, arcs.line))
        for (a, kg), least, most, lot, line in zip(self.purchase.items(), *columns, strict=True):
            if not least <= kg <= most or kg % lot:
                found.append(("x", a))
            if line in lines:
                found.append(("one piece", a))
            lines.add(line)
        return found

    def _broken_availability(self) -> list[Key]:
        bought: dict[int, int] = {}
        for i, kg in zip(self.arcs.offer[self.used].tolist(), self.purchase.values(), strict=True):
            bought[i] = bought.get(i, 0) + kg
        offers = self.problem.offers
        offered = offers.quantity_kg[np.fromiter(bought, dtype=np.int64, count=len(bought))].tolist()
        return [
            ("availability", offers.offer_id[i])
            for (i, kg), most in zip(bought.items(), offered, strict=True)
            if kg > most
        ]

    def budget_spending(self) -> list[tuple[Key, Fraction, int, bool]]:
        """(row key, spent fen, limit fen, whether it sums years to date) of every budget row."""
        owners = [(event.id, self._used_by_event[e], event.budget) for e, event in enumerate(self.problem.events)]
        rows: list[tuple[Key, Fraction, int, bool]] = []
        for owner, mine, budget in [*owners, ("", self.used, self.problem.calendar.budget)]:
            if budget is None:
                continue
            paid = self._paid_by_year(mine)
            for row in budget_rows(budget, sorted(paid), self.problem.as_of.year):
                spent = sum(p for y, p in paid.items() if row.years is None or y in row.years)
                rows.append((("budget", owner, row.name), Fraction(spent, PAID), row.limit_fen, row.to_date))
        return rows

    def _paid_by_year(self, lines: Index) -> dict[int, int]:
        """What some lines pay in each fiscal year in which one of them pays, in 1/PAID of a fen."""
        paid: dict[int, int] = {}
        for a, pattern in zip(lines.tolist(), self.arcs.payment[lines].tolist(), strict=True):
            for year, share in self.arcs.payments[pattern]:
                paid[year] = paid.get(year, 0) + self.line_costs[a] * share
        return paid

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

    def _broken_budgets(self) -> list[Key]:
        if self.problem.soft_budgets:
            return []
        return [key for key, spent, limit, _ in self.budget_spending() if spent > limit]

    def _broken_shares(self) -> list[Key]:
        found: list[Key] = []
        for used, event in zip(self._used_by_event, self.problem.events, strict=True):
            for k, limit in enumerate(event.limits):
                if limit.max_share_e4 is None or not len(used):
                    continue
                members, group, names = limit_groups(self.problem, self.arcs, used, limit)
                totals = [0] * len(names)
                for a, g in zip(members.tolist(), group.tolist(), strict=True):
                    totals[g] += self.effective_e8[a]
                cap = limit.max_share_e4 * event.need_kg * E8
                found += [
                    ("max share", event.id, k, name)
                    for name, total in zip(names, totals, strict=True)
                    if total * E4 > cap
                ]
        return found


def in_steps(value_t: Fraction, problem: Problem) -> Fraction:
    """A gap in whole steps, rounded up, when lots are whole; else as it is."""
    if not problem.settings.whole_lots:
        return value_t
    return ceil(value_t / problem.step_t) * problem.step_t
