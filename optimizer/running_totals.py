"""Running totals of a purchase, exact, while single kg are added, dropped or moved.

What `Measure` says of a purchase (how many rows it breaks, the value of each level), kept up to date in integers: a
step costs what the rows of its arc cost, not what the purchase does. For divisible quantities.

Units inside: coverage in 10^-8 kg, costs in 10^-11 fen, payments in 10^-15 fen.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm
from typing import NamedTuple

import numpy as np

from optimizer.arcs import COST, Arcs, present_value
from optimizer.budgets import Budget
from optimizer.events import EXTRA_BUDGET
from optimizer.limits import BudgetRow, budget_rows, limit_groups
from optimizer.measure import PAID, Purchase
from optimizer.problem import Problem
from optimizer.program import Index
from optimizer.quantities import E4, FEN_PER_YUAN, KG_PER_T
from optimizer.timeline import E8

GAP = E8 * KG_PER_T
"""Units of a gap in one tonne."""
MISSED = GAP * E4
"""Units of what a min share misses in one tonne."""


class _Arc(NamedTuple):
    """What the totals need of an arc, as Python's own integers."""

    event: int
    tier: int
    eta_e8: int
    unit_cost_e8: int
    fixed_fee_fen: int
    least_kg: int
    most_kg: int
    lot_kg: int
    offer: int
    line: int
    payment: int


@dataclass
class _Share:
    """A share of one event, in units of what a min share misses."""

    most: int | None
    least: int
    total: int = 0


@dataclass
class _Money:
    """What one budget pays."""

    budget: Budget
    paid: dict[int, int] = field(default_factory=dict)
    """Fiscal year -> what is paid in it."""
    lines: dict[int, int] = field(default_factory=dict)
    """Fiscal year -> lines that pay in it."""
    rows: dict[frozenset[int], Sequence[BudgetRow]] = field(default_factory=dict)
    """Years in which some line pays -> the budget's rows."""
    broken: int = 0
    added: int = 0


class RunningTotals:
    """A purchase with its totals. `candidates` are the arcs that it may ever hold."""

    def __init__(self, problem: Problem, arcs: Arcs, candidates: Iterable[int]) -> None:
        self.kg: dict[int, int] = {}
        """Arc -> kg, positive."""
        self.broken = 0
        """How many rows the purchase breaks."""
        self._problem, self._payments = problem, arcs.payments
        used = np.array(sorted(candidates), dtype=np.int64)
        columns = [getattr(arcs, name)[used].tolist() for name in _Arc._fields]
        self._arc = {a: _Arc(*values) for a, *values in zip(used.tolist(), *columns, strict=True)}
        self._bought: dict[int, int] = {}
        self._on_line: dict[int, int] = {}
        self._shares_of: dict[int, list[_Share]] = {}
        self._missed = self._cost = self._added = 0
        self._open_gaps()
        self._open_shares(arcs, used)
        self._open_money(arcs)

    def _open_gaps(self) -> None:
        events = self._problem.events
        self._tiers = self._problem.rule_pack.n_tiers + 2
        self._need = [event.need_kg * E8 for event in events]
        self._covered = [[0] * self._tiers for _ in events]
        self._gaps = {event.priority_class: [0] * self._tiers for event in events}
        """Priority class -> what tiers 1..r leave uncovered of its events, by r."""
        for event, need in zip(events, self._need, strict=True):
            self._gaps[event.priority_class] = [gap + need for gap in self._gaps[event.priority_class]]

    def _open_shares(self, arcs: Arcs, used: Index) -> None:
        for e, event in enumerate(self._problem.events):
            mine = used[arcs.event[used] == e]
            for limit in event.limits:
                members, group, names = limit_groups(self._problem, arcs, mine, limit)
                if limit.max_share_e4 is not None:
                    self._join([_Share(limit.max_share_e4 * event.need_kg * E8, 0) for _ in names], members, group)
                if limit.min_share_e4 is not None:
                    least = limit.min_share_e4 * event.need_kg * E8
                    self._join([_Share(None, least)], members, np.zeros_like(group))
                    self._missed += least

    def _join(self, shares: Sequence[_Share], members: Index, group: Index) -> None:
        for a, g in zip(members.tolist(), group.tolist(), strict=True):
            self._shares_of.setdefault(a, []).append(shares[g])

    def _open_money(self, arcs: Arcs) -> None:
        problem = self._problem
        shared = None if problem.calendar.budget is None else _Money(problem.calendar.budget)
        own = [None if event.budget is None else _Money(event.budget) for event in problem.events]
        self._moneys = [tuple(m for m in (mine, shared) if m is not None) for mine in own]
        r, base = problem.settings.discount_rate_e4, problem.as_of.year
        worth = [present_value(p, base, r) if r else Fraction(1) for p in arcs.payments]
        common = lcm(*(w.denominator for w in worth))
        self._worth = [int(w * common) for w in worth]
        self._cost_unit = COST * FEN_PER_YUAN * common

    # ------------------------------------------------------------------------------------------------------- the steps

    def buy(self, purchase: Purchase) -> None:
        """Adds a purchase."""
        for a, kg in purchase.items():
            self.step(a, kg)

    def step(self, a: int, kg: int) -> int:
        """`kg` more (or less) of an arc, never below none; gives by how much it changed: its negative undoes it."""
        arc, old = self._arc[a], self.kg.get(a, 0)
        new = max(0, old + kg)
        if new == old:
            return 0
        if new:
            self.kg[a] = new
        else:
            del self.kg[a]
        self.broken += _misfits(arc, new) - _misfits(arc, old)
        came = bool(new) - bool(old)
        if came:
            self._lay(arc.line, came)
        self._take(arc.offer, new - old)
        effective = arc.eta_e8 * (new - old)
        self._cover(arc.event, arc.tier, effective)
        for share in self._shares_of.get(a, ()):
            self._add(share, effective * E4)
        self._pay(arc, arc.unit_cost_e8 * (new - old) + came * arc.fixed_fee_fen * COST, came)
        return new - old

    def _lay(self, line: int, came: int) -> None:
        """A line has one piece; each more is broken."""
        there = self._on_line.get(line, 0)
        self._on_line[line] = there + came
        self.broken += max(0, there + came - 1) - max(0, there - 1)

    def _take(self, offer: int, kg: int) -> None:
        there, offered = self._bought.get(offer, 0), int(self._problem.offers.quantity_kg[offer])
        self._bought[offer] = there + kg
        self.broken += (there + kg > offered) - (there > offered)

    def _cover(self, e: int, tier: int, effective: int) -> None:
        covered, need = self._covered[e], self._need[e]
        gaps = self._gaps[self._problem.events[e].priority_class]
        for r in range(tier, self._tiers):
            gaps[r] += max(0, need - covered[r] - effective) - max(0, need - covered[r])
            covered[r] += effective

    def _add(self, share: _Share, effective: int) -> None:
        before, share.total = share.total, share.total + effective
        if share.most is not None:
            self.broken += (share.total > share.most) - (before > share.most)
        self._missed += max(0, share.least - share.total) - max(0, share.least - before)

    def _pay(self, arc: _Arc, cost: int, came: int) -> None:
        self._cost += cost * self._worth[arc.payment]
        for money in self._moneys[arc.event]:
            for year, share in self._payments[arc.payment]:
                money.paid[year] = money.paid.get(year, 0) + cost * share
                money.lines[year] = money.lines.get(year, 0) + came
            self._balance(money)

    def _balance(self, money: _Money) -> None:
        """How many of a budget's rows are broken; or what must be added, where it may be exceeded."""
        years = frozenset(year for year, lines in money.lines.items() if lines)
        if years not in money.rows:
            money.rows[years] = budget_rows(money.budget, sorted(years), self._problem.as_of.year)
        broken = added = carried = 0
        for row in money.rows[years]:
            paid = money.paid.values() if row.years is None else (money.paid.get(y, 0) for y in row.years)
            over = max(0, sum(paid) - row.limit_fen * PAID)
            broken += over > 0
            if row.to_date:
                over = max(0, over - carried)
                carried += over
            added += over
        if not self._problem.soft_budgets:
            self.broken += broken - money.broken
        self._added += added - money.added
        money.broken, money.added = broken, added

    # ------------------------------------------------------------------------------------------------------ the levels

    def level(self, name: str) -> int:
        """The value of a level, in its `unit`."""
        head, _, tail = name.partition(" ")
        if head == "cost":
            return self._cost
        if name == EXTRA_BUDGET:
            return self._added
        if head == "shortfall":
            gaps = [gap for c, gap in self._gaps.items() if not tail or c == int(tail)]
            return sum(gap[-1] for gap in gaps)
        if head == "tier":
            return sum(gap[int(tail)] for gap in self._gaps.values())
        return self._missed

    def short_events(self, name: str) -> list[int]:
        """Events of which the gap level `name` counts a gap; none for a level that counts no gaps."""
        head, _, tail = name.partition(" ")
        if head not in ("shortfall", "tier"):
            return []
        r = int(tail) if head == "tier" else self._tiers - 1
        return [
            e
            for e, event in enumerate(self._problem.events)
            if self._covered[e][r] < self._need[e] and (head == "tier" or not tail or event.priority_class == int(tail))
        ]

    def unit(self, name: str) -> int:
        """How many units of `level` make one tonne, or one yuan."""
        head = name.partition(" ")[0]
        if head == "cost":
            return self._cost_unit
        if name == EXTRA_BUDGET:
            return PAID * FEN_PER_YUAN
        return GAP if head in ("shortfall", "tier") else MISSED

    def vector(self, counted: Sequence[tuple[str, Fraction | None]]) -> list[int | Fraction]:
        """Levels in order, each in its unit; one that is held with slack counts from its cap (same unit) on."""
        values = [(self.level(n), cap) for n, cap in counted]
        return [cap if cap is not None and cap > value else value for value, cap in values]


def _misfits(arc: _Arc, kg: int) -> bool:
    """Whether a quantity is none that the arc allows."""
    return kg > 0 and (not arc.least_kg <= kg <= arc.most_kg or kg % arc.lot_kg > 0)
