"""Bounds that trust neither the formulation nor the solver: exact integer arithmetic over the arcs of the problem.

For any multipliers y of the right signs, and any lambda >= 0 of earlier levels held at their caps,

    LB(y) = y b - sum_i lambda_i cap_i + sum_lines min over what the line may be of ((c - y A) x + fee)
          + sum_gaps min(0, coefficient) x largest gap

is a lower bound of the level over every plan that respects the problem and the earlier levels (Lagrangian duality).
What a line may be is exact: nothing, or one price break's whole lots from its least to its most. So wrong multipliers
can only make the bound worse, never wrong. This file may import neither `formulation` nor `solver`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.arcs import Arcs, present_value
from optimizer.budgets import Budget
from optimizer.offer_groups import Limit
from optimizer.problem import Problem
from optimizer.program import Key
from optimizer.quantities import E4, FEN_PER_YUAN, KG_PER_T, ceil
from optimizer.timeline import E8

GRID = 10**12
"""Multipliers are rounded to 10^-12 of their unit: an error of 10^-12 yuan/t on 10^9 t is a tenth of a fen."""
ROUNDING = 2.0**-52
"""Unit round-off of a double, doubled."""
HOPELESS_MARGIN = 1e-9
"""Relative. A piece is left out of a later phase only when its bound clears the value by this."""
LARGEST_MULTIPLIER = 1e15
"""A multiplier beyond this is noise; dropping it keeps the bound valid."""

type Multipliers = Mapping[Key, int]
"""Row key -> multiplier in 1/GRID; ("level", i) for the earlier level i."""


@dataclass(frozen=True)
class Goal:
    """One level as the certificate sees it: what is summed, and how much of it later levels may use."""

    name: str
    cap: Fraction | None
    """The most the plan lets it be once held, t or yuan; None where it is not held."""


def on_grid(value: float) -> int:
    """A solver's multiplier as an exact rational, in 1/GRID."""
    return round(value * GRID) if abs(value) < LARGEST_MULTIPLIER else 0


@dataclass(frozen=True, eq=False)
class _Row:
    """One coupling row over arcs, a x <= b (sign -1) or >= b (sign +1), with its exact right-hand side."""

    sign: int
    members: NDArray[np.int64]
    rhs: Fraction
    kind: str
    share_e4: NDArray[np.int64] | None = None


class Frame:
    """The coupling rows of a problem, derived anew from its events, arcs and offers."""

    def __init__(self, problem: Problem, arcs: Arcs) -> None:
        self.problem, self.arcs = problem, arcs
        self.n_tiers = problem.rule_pack.n_tiers
        self.event_number = {event.id: e for e, event in enumerate(problem.events)}
        self.of_event = [np.flatnonzero(arcs.event == e) for e in range(len(problem.events))]
        self._rows: dict[Key, _Row | None] = {}

    def without(self, pieces: NDArray[np.bool_]) -> "Frame":
        """The same problem without some pieces."""
        return Frame(self.problem, self.arcs.take(~pieces)) if pieces.any() else self

    @cached_property
    def offer_number(self) -> dict[str, int]:
        """Where each offer stands among the problem's."""
        return {i: k for k, i in enumerate(self.problem.offers.offer_id.tolist())}

    @cached_property
    def eta_kg(self) -> NDArray[np.int64]:
        """Effective 10^-8 kg of one lot of each arc."""
        return self.arcs.eta_e8 * self.arcs.lot_kg

    @cached_property
    def weight(self) -> tuple[list[int], int]:
        """Present value of a yuan of each payment pattern: numerators over one denominator."""
        rate = self.problem.settings.discount_rate_e4
        values = [present_value(p, self.problem.as_of.year, rate) if rate else Fraction(1) for p in self.arcs.payments]
        common = lcm(*(v.denominator for v in values)) if values else 1
        return [int(v * common) for v in values], common

    def row(self, key: Key, caps: Mapping[tuple[int, int], Fraction]) -> _Row | None:
        """The row with this key; None for what is no row here. `caps`: gap (event, tier or n + 1) -> most t."""
        if key[0] == "whole coverage":
            return self._whole_coverage(key, caps)
        if key not in self._rows:
            self._rows[key] = self._derive(key)
        return self._rows[key]

    def _derive(self, key: Key) -> _Row | None:
        family = key[0]
        if family == "coverage":
            e = self.event_number[str(key[1])]
            need = Fraction(self.problem.events[e].need_kg, KG_PER_T)
            return _Row(1, self._up_to(e, self._tier(key[2])), need, "cover")
        if family == "availability":
            return self._availability(str(key[1]))
        if family == "budget":
            return self._budget(str(key[1]), key[2])
        if family in ("max share", "min share"):
            return self._share(key)
        return None

    def _tier(self, r: Any) -> int:
        return self.n_tiers + 1 if r == "all" else int(r)

    def _up_to(self, e: int, r: int) -> NDArray[np.int64]:
        mine = self.of_event[e]
        return mine if r > self.n_tiers else mine[self.arcs.tier[mine] <= r]

    def _whole_coverage(self, key: Key, caps: Mapping[tuple[int, int], Fraction]) -> _Row | None:
        """What covers (e, r) once its gap may be at most cap: need - cap at least.

        Rounded up to the step that all its effective lots share.
        """
        e, r = self.event_number[str(key[1])], self._tier(key[2])
        members = self._up_to(e, r)
        if (e, r) not in caps or not self.problem.settings.whole_lots or not len(members):
            return None
        least = Fraction(self.problem.events[e].need_kg, KG_PER_T) - caps[e, r]
        alone = self.arcs.cover_e8[members] < self.arcs.eta_e8[members]
        unit = int(np.gcd.reduce(self.eta_kg[members[~alone]])) if not alone.all() else 0
        step = Fraction(unit, E8 * KG_PER_T)
        rounded = ceil(least / step) * step if step else least
        for a in members[alone].tolist():
            if Fraction(int(self.arcs.eta_e8[a]) * int(self.arcs.least_kg[a]), E8 * KG_PER_T) < rounded:
                rounded = least
        return _Row(1, members, rounded, "effective") if least > 0 else None

    def _availability(self, offer_id: str) -> _Row:
        offer = self.offer_number[offer_id]
        offers = self.problem.offers
        usable = int(offers.quantity_kg[offer])
        if self.problem.settings.whole_lots:
            usable -= usable % int(offers.lot_kg[offer])
        return _Row(-1, np.flatnonzero(self.arcs.offer == offer), Fraction(usable, KG_PER_T), "contracted")

    def _budget(self, owner: str, name: Any) -> _Row | None:
        members = self.of_event[self.event_number[owner]] if owner else np.arange(len(self.arcs))
        budget = self.problem.events[self.event_number[owner]].budget if owner else self.problem.calendar.budget
        if budget is None:
            return None
        years, limit_fen = _budget_years(budget, name, self.problem.as_of.year)
        table = [sum(s for y, s in p if years is None or y in years) for p in self.arcs.payments]
        share = np.array([*table, 0], dtype=np.int64)[self.arcs.payment[members]]
        return _Row(-1, members[share > 0], Fraction(limit_fen, FEN_PER_YUAN), "paid", share[share > 0])

    def _share(self, key: Key) -> _Row | None:
        e = self.event_number[str(key[1])]
        limit = self.problem.events[e].limits[int(str(key[2]))]
        members = self._members(e, limit, str(key[3]) if len(key) > 3 else "")
        share_e4 = limit.min_share_e4 if key[0] == "min share" else limit.max_share_e4
        if share_e4 is None:
            return None
        rhs = Fraction(share_e4 * self.problem.events[e].need_kg, E4 * KG_PER_T)
        if key[0] == "min share":
            return _Row(1, members, rhs, "effective")
        if self.problem.settings.whole_lots and len(members):
            step = Fraction(int(np.gcd.reduce(self.eta_kg[members])), E8 * KG_PER_T)
            rhs = (rhs // step) * step if step else rhs
        return _Row(-1, members, rhs, "effective")

    def _members(self, e: int, limit: Limit, group: str) -> NDArray[np.int64]:
        mine = self.of_event[e]
        keys = {k: set(v) for k, v in (limit.where or {}).items()} if limit.group is None else {limit.group: {group}}
        for key, wanted in keys.items():
            mine = mine[self._belongs(mine, key, wanted)]
        return mine

    def _belongs(self, mine: NDArray[np.int64], key: str, wanted: set[str]) -> NDArray[np.bool_]:
        offers, offer = self.problem.offers, self.arcs.offer[mine]
        if key in ("tier", "vintage"):
            numbers = self.arcs.tier[mine] if key == "tier" else offers.vintage[offer]
            return np.array([v > 0 and str(v) in wanted for v in numbers.tolist()], dtype=bool)
        if key == "offer_id":
            return np.array([i in wanted for i in offers.offer_id[offer].tolist()], dtype=bool)
        labels = getattr(offers, key)
        cut = 2 if key == "region" else None
        wanted = {w[:cut] for w in wanted}
        table = np.array([*(n[:cut] in wanted for n in labels.names), False], dtype=bool)
        belongs: NDArray[np.bool_] = table[labels.codes[offer]]
        return belongs


def _budget_years(budget: Budget, name: Any, first_year: int) -> tuple[tuple[int, ...] | None, int]:
    """The fiscal years that a budget row sums, and what may be paid in them: (None, total) for the total."""
    if name == "total":
        return None, budget.total_fen or 0
    year, listed = int(name), {y: b for y, b in (budget.by_fiscal_year_fen or {}).items() if y >= first_year}
    if budget.carry_forward and year <= max(listed, default=0):
        return tuple(range(first_year, year + 1)), sum(b for y, b in listed.items() if y <= year)
    return (year,), listed.get(year, 0)


def gaps_of(problem: Problem, name: str) -> list[tuple[str, int, int]]:
    """Which gaps a level sums: ("gap", event, tier or n + 1) or ("miss", event, limit); none for the cost."""
    head, _, tail = name.partition(" ")
    events = list(enumerate(problem.events))
    if head == "shortfall":
        return [
            ("gap", e, problem.rule_pack.n_tiers + 1)
            for e, event in events
            if not tail or event.priority_class == int(tail)
        ]
    if head == "tier":
        return [("gap", e, int(tail)) for e, _ in events]
    if head == "rules":
        return [
            ("miss", e, k)
            for e, event in events
            for k, limit in enumerate(event.limits)
            if limit.min_share_e4 is not None
        ]
    return []


@dataclass(frozen=True, eq=False)
class Bound:
    """LB(y), exact, and what it says of single pieces."""

    value: Fraction
    slope: NDArray[np.float64]
    """(c - y A) of each piece, per tonne, shape (n_arcs,); within `error` of the exact one."""
    error: NDArray[np.float64]
    fee: NDArray[np.float64]
    """Fixed fee of each piece as the Lagrangian weighs it."""
    line_terms: Mapping[int, int]
    """Line -> its negative contribution to the value, in 1/term_unit."""
    term_unit: int


def lower_bound(frame: Frame, goal: str, earlier: Sequence[Goal], multipliers: Multipliers) -> Bound:
    """LB(y) of level `goal` under the problem and `earlier` levels at their caps, t or yuan, not rounded to steps.

    Multipliers of the wrong sign, or of rows that the problem does not have, count as 0.
    """
    held = {i: max(0, multipliers.get(("level", i), 0)) for i, g in enumerate(earlier) if g.cap is not None}
    cost_weight = sum((m for i, m in held.items() if earlier[i].name == "cost"), GRID if goal == "cost" else 0)
    gap_weight: dict[tuple[str, int, int], int] = {g: GRID for g in gaps_of(frame.problem, goal)}
    caps: dict[tuple[str, int, int], Fraction] = {}
    for i, g in enumerate(earlier):
        for gap in gaps_of(frame.problem, g.name) if g.cap is not None else []:
            gap_weight[gap] = gap_weight.get(gap, 0) + held[i]
            caps[gap] = min(caps.get(gap, g.cap or Fraction(0)), g.cap or Fraction(0))
    coverage_caps = {(e, r): cap for (kind, e, r), cap in caps.items() if kind == "gap"}
    rows: list[tuple[Key, _Row, int]] = []
    for key, m in multipliers.items():
        row = frame.row(key, coverage_caps) if key[0] != "level" else None
        if row is not None and m * row.sign > 0:
            rows.append((key, row, m))
    constant = sum((m * row.rhs for _, row, m in rows), Fraction(0))
    constant -= sum((m * Fraction(earlier[i].cap or 0) for i, m in held.items()), Fraction(0))
    constant += _gap_terms(frame, gap_weight, caps, rows)
    return _with_lines(frame, cost_weight, [(row, m) for _, row, m in rows], constant / GRID)


def bound_in_phases(
    frame: Frame, goal: str, earlier: Sequence[Goal], phases: Sequence[Multipliers], value: Fraction
) -> Fraction:
    """The best bound of a level that multipliers, phase by phase, give for plans that would better `value`.

    After a phase, pieces whose use alone lifts the bound to `value` are in no better plan; the next phase is derived
    without them, so that coverage rounds up to the step of what is left. Nothing is below the least of `value` and the
    last bound: a plan either uses such a piece, or obeys the bound. Gap levels count steps; never below 0.
    """
    best, found = Fraction(0), None
    for multipliers in phases:
        if found is not None:
            frame = frame.without(_hopeless(frame, goal, found, value))
        found = lower_bound(frame, goal, earlier, multipliers)
        best = max(best, min(value, rounded_bound(frame.problem, goal, found.value)))
        if best >= value:
            break
    return best


def _hopeless(frame: Frame, goal: str, found: Bound, value: Fraction) -> NDArray[np.bool_]:
    """Pieces with which the bound is `value` or more; shape (n_arcs,). Floats, with a margin far above rounding."""
    arcs = frame.arcs
    reach = value if goal == "cost" or not frame.problem.settings.whole_lots else value - frame.problem.step_t
    slope = found.slope - found.error
    quantity = np.where(slope >= 0, arcs.least_kg, arcs.most_kg) / KG_PER_T
    term = np.zeros(len(arcs))
    if found.line_terms:
        table = np.zeros(int(arcs.line.max()) + 1)
        for line, contribution in found.line_terms.items():
            table[line] = contribution / found.term_unit
        term = table[arcs.line]
    margin = HOPELESS_MARGIN * (1.0 + abs(float(value)) + abs(float(found.value)) + np.abs(term))
    return np.asarray(float(found.value) - term + slope * quantity + found.fee > float(reach) + margin)


def _gap_terms(
    frame: Frame,
    weight: dict[tuple[str, int, int], int],
    caps: Mapping[tuple[str, int, int], Fraction],
    rows: Sequence[tuple[Key, _Row, int]],
) -> Fraction:
    """Sum over gaps and misses of their least contribution, in 1/GRID."""
    coefficient = dict(weight)
    for key, _, m in rows:
        if key[0] == "coverage":
            gap = ("gap", frame.event_number[str(key[1])], frame._tier(key[2]))
        elif key[0] == "min share":
            gap = ("miss", frame.event_number[str(key[1])], int(str(key[2])))
        else:
            continue
        coefficient[gap] = coefficient.get(gap, 0) - m
    total = Fraction(0)
    for gap, c in coefficient.items():
        if c < 0:
            kind, e, k = gap
            event = frame.problem.events[e]
            most = Fraction(event.need_kg, KG_PER_T)
            if kind == "miss":
                most *= Fraction(event.limits[k].min_share_e4 or 0, E4)
            total += c * min(most, caps.get(gap, most))
    return total


def _with_lines(frame: Frame, cost_weight: int, rows: Sequence[tuple[_Row, int]], constant: Fraction) -> Bound:
    """The bound with the least that each line can contribute.

    Floats with a rigorous error bound find the pieces whose contribution might be negative; exact integers sum those.
    """
    arcs = frame.arcs
    weights, common = frame.weight
    per_yuan = E8 * FEN_PER_YUAN
    value, fee = np.zeros(len(arcs)), np.zeros(len(arcs))
    if cost_weight:
        weight = (np.array([*(w / common for w in weights), 0.0]) * (cost_weight / GRID))[arcs.payment]
        value += arcs.unit_cost_e8 / per_yuan * weight
        fee += arcs.fixed_fee_fen / FEN_PER_YUAN * weight
    error = np.abs(value)
    for row, m in rows:
        y, at = m / GRID, row.members
        if row.share_e4 is not None:
            paid = -y * (row.share_e4 / E4)
            part = arcs.unit_cost_e8[at] / per_yuan * paid
            fee[at] += arcs.fixed_fee_fen[at] / FEN_PER_YUAN * paid
        elif row.kind == "contracted":
            part = np.full(len(at), -y)
        else:
            part = (arcs.eta_e8 if row.kind == "effective" else arcs.cover_e8)[at] / E8
            part *= -y
        value[at] += part
        error[at] += np.abs(part, out=part)
    error *= ROUNDING * (8 + len(rows))
    suspects = np.flatnonzero(value < error)
    terms = _exact_terms(frame, cost_weight, rows, suspects) if len(suspects) else {}
    unit = GRID * per_yuan * E4 * common * KG_PER_T
    fee *= 1 - 1e-12
    return Bound(constant + Fraction(sum(terms.values()), unit), value, error, fee, terms, unit)


def _exact_terms(
    frame: Frame, cost_weight: int, rows: Sequence[tuple[_Row, int]], suspects: NDArray[np.int64]
) -> dict[int, int]:
    """Line -> its contribution over `suspects`, exact.

    In 1/(GRID x E8 x FEN_PER_YUAN x E4 x common x KG_PER_T) of a yuan or a tonne, `common` that of `Frame.weight`.
    """
    arcs = frame.arcs
    weights, common = frame.weight
    per_yuan = E8 * FEN_PER_YUAN
    position = np.full(len(arcs), -1, dtype=np.int64)
    position[suspects] = np.arange(len(suspects))
    cost = arcs.unit_cost_e8[suspects].astype(object)
    eta, cover = arcs.eta_e8[suspects].astype(object), arcs.cover_e8[suspects].astype(object)
    weight = np.array([weights[k] for k in arcs.payment[suspects].tolist()], dtype=object)
    fee_fen = arcs.fixed_fee_fen[suspects].astype(object)
    slope = cost * weight * (cost_weight * E4)
    fee = fee_fen * weight * (cost_weight * E4 * E8)
    for row, m in rows:
        local = position[row.members]
        inside = local >= 0
        at = local[inside]
        if row.kind in ("effective", "cover"):
            slope[at] -= (eta if row.kind == "effective" else cover)[at] * (m * FEN_PER_YUAN * E4 * common)
        elif row.kind == "contracted":
            slope[at] -= m * per_yuan * E4 * common
        elif row.share_e4 is not None:
            share = row.share_e4[inside].astype(object) * (m * common)
            slope[at] -= cost[at] * share
            fee[at] -= fee_fen[at] * share * E8
    least, most = arcs.least_kg[suspects].astype(object), arcs.most_kg[suspects].astype(object)
    best = fee * KG_PER_T + np.minimum(slope * least, slope * most)
    lowest: dict[int, int] = {}
    for line, contribution in zip(arcs.line[suspects].tolist(), best.tolist(), strict=True):
        if contribution < lowest.get(line, 0):
            lowest[line] = contribution
    return lowest


def rounded_bound(problem: Problem, goal: str, bound: Fraction) -> Fraction:
    """The bound as the level counts: gap levels with whole lots in steps, rounded up; never below 0."""
    bound = max(bound, Fraction(0))
    if goal == "cost" or not problem.settings.whole_lots:
        return bound
    return ceil(bound / problem.step_t) * problem.step_t


def proof_step(problem: Problem, goal: str, between_cost_fen: Sequence[Fraction]) -> Fraction:
    """Value and bound closer than this make a level proven, in t or yuan: the step of the level, one fen for the cost.

    Without whole lots, quantities are still whole kg: for each line that the LP leaves between two kg, one kg more (gap
    levels) or its cost (level `cost`).
    """
    if goal == "cost":
        return (1 + sum(between_cost_fen, Fraction(0))) / FEN_PER_YUAN
    if problem.settings.whole_lots:
        return problem.step_t
    return Fraction(1 + len(between_cost_fen), KG_PER_T)
