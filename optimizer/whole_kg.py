"""The LP's point in whole kg, the unit of mass at every edge.

An LP leaves few quantities between two kg. They are settled exactly, on running totals: from the whole kg below, single
kg are added, dropped or moved while that betters the vector of levels. Where a level is then still further from its
least than these few kg excuse, the last kg are bought by branch and bound over what lies near, first near the events
that are short: levels in order, as ever, in differences from the settled purchase. What is better, exactly, is taken.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import NamedTuple

import numpy as np

from optimizer.arcs import Arcs
from optimizer.certificate import proof_step
from optimizer.chain import Judge, WorkLimits
from optimizer.events import EXTRA_BUDGET
from optimizer.measure import Purchase
from optimizer.program import INFINITY, Floats, Index, Level, Program, runs
from optimizer.quantities import KG_PER_T
from optimizer.running_totals import RunningTotals
from optimizer.solver import Session
from optimizer.tolerances import NOTHING, SAFETY_MARGIN

WHOLE_KG = 1e-3
"""kg. An LP quantity nearer than this to a whole kg is read as it: far above HiGHS's tolerance of 10^-7 t."""
MOVES_MAX = 20_000
"""Moves of single kg after which no further round of them begins."""
PAIRS_OF = 40
"""Up to this many quantities between two kg, each may give one kg to each other."""
REACH_KG = 5
"""One search changes each quantity by at most this."""
NODES = 20
"""Branch-and-bound nodes a level for the last kg; what is good is found at the root or soon after."""
ROUNDS = 2
"""Searches for the last kg, each from what the one before it found, while a level is far from its optimum."""
COST_GAP = 4
"""Branch and bound ends where of the cost less than one in so many parts of what is excused is left to be found."""
UNROUNDED = ("budget", "max share")
"""Rows whose limits need be no whole number of kg: a point may break them by the solver's tolerance."""


class Optimum(NamedTuple):
    """What the LP says of a level."""

    value: float
    """In t or yuan; infinite where the level was not solved."""
    worth: Mapping[int, float]
    """What it gains by each unit that an earlier level, by number, gives up."""


def whole_kg(
    x: Floats,
    judge: Judge,
    program: Program,
    optima: Sequence[Optimum],
    caps: Mapping[int, Fraction],
    limits: WorkLimits,
) -> tuple[Purchase, tuple[int, ...]]:
    """The purchase in whole kg at a point, and the arcs that the point leaves between two.

    `optima` is what the LP says of each level; `caps` are those that are held with slack.
    """
    used = np.flatnonzero(x[: len(judge.arcs)])
    kg = x[used] * KG_PER_T
    near = np.rint(kg)
    apart = np.abs(kg - near) > WHOLE_KG
    between = tuple(used[apart].tolist())
    base = np.where(apart, np.floor(kg), near).astype(np.int64)
    purchase = dict(zip(used[base > 0].tolist(), base[base > 0].tolist(), strict=True))
    if not between and not judge.measure(purchase).broken():
        return purchase, ()
    settled = _Settled(judge, program, optima, caps, between)
    settled.buy(purchase, between)
    _move_single_kg(settled)
    if between and not settled.totals.broken:
        _search_last_kg(settled, limits)
    return dict(sorted(settled.totals.kg.items())), between


class _Settled:
    """A purchase in whole kg with its totals, and what its levels are held against."""

    def __init__(
        self,
        judge: Judge,
        program: Program,
        optima: Sequence[Optimum],
        caps: Mapping[int, Fraction],
        between: tuple[int, ...],
    ) -> None:
        self.judge, self.program, self.caps, self.between = judge, program, caps, between
        self.levels = [level for level in program.levels if level.name != "tie-break"]
        self._optima = optima[: len(self.levels)]

    def buy(self, purchase: Purchase, others: Iterable[int] = ()) -> None:
        """Begins anew with a purchase, to which others of its arcs may come."""
        self.totals = RunningTotals(self.judge.problem, self.judge.arcs, {*purchase, *others})
        self.totals.buy(purchase)
        self._counted = [
            (level.name, self.caps[k] * self.totals.unit(level.name) if k in self.caps else None)
            for k, level in enumerate(self.levels)
        ]

    def vector(self) -> list[int | Fraction]:
        """The levels in order; one that is held with slack counts from its cap on."""
        return self.totals.vector(self._counted)

    def excused(self, level: Level) -> float:
        """How far from its optimum a level may be for the kg between which the LP leaves quantities, in t or yuan."""
        costs = self.judge.arcs.kg_costs_fen(a for a in self.between if a in self.totals.kg)
        return float(proof_step(self.judge.problem, level.name, costs))

    def is_far(self) -> bool:
        """Some level is further from what is proven to be its least than is excused, or was at nothing and is not now.

        Its least is the LP's value, less what it gains by the earlier levels' distance from theirs.
        """
        excess: list[float] = []
        for k, (level, (optimum, worth)) in enumerate(zip(self.levels, self._optima, strict=True)):
            value = float(Fraction(self.totals.level(level.name)) / self.totals.unit(level.name))
            excess.append(value - max(optimum, float(self.caps.get(k, 0))))
            gained = sum(each * max(excess[i], 0.0) for i, each in worth.items())
            if excess[k] + gained >= self.excused(level) or optimum <= NOTHING < excess[k]:
                return True
        return False

    def between_where_short(self) -> tuple[int, ...]:
        """Arcs between two kg of the events that have a gap where the LP leaves none."""
        covered = [level for level, optimum in zip(self.levels, self._optima, strict=True) if optimum.value <= NOTHING]
        short = {e for level in covered for e in self.totals.short_events(level.name)}
        event = self.judge.arcs.event
        return tuple(a for a in self.between if int(event[a]) in short)


def _move_single_kg(settled: _Settled) -> None:
    """Single kg are dropped while that mends what is broken, then moved while that betters the vector of levels."""
    totals, between = settled.totals, settled.between
    for a in sorted(totals.kg, reverse=True):
        broken = totals.broken
        if not broken:
            break
        stepped = totals.step(a, -1)
        if totals.broken >= broken:
            totals.step(a, -stepped)
    best, moves, improved = settled.vector(), 0, True
    others = [a for a in sorted(totals.kg) if a not in between]
    singles = [((a, step),) for step in (1, -1) for a in (*between, *others)]
    pairs = [((a, 1), (b, -1)) for a, b in product(between, between) if a != b] if len(between) <= PAIRS_OF else []
    while improved and moves < MOVES_MAX:
        improved = False
        for move in (*singles, *pairs):
            stepped_by = [(a, totals.step(a, kg)) for a, kg in move]
            moves += 1
            value = best if totals.broken else settled.vector()
            if value < best:
                best, improved = value, True
            else:
                for a, kg in reversed(stepped_by):
                    totals.step(a, -kg)


def _search_last_kg(settled: _Settled, limits: WorkLimits) -> None:
    """Searches while a level is far from its optimum: near the events that are short first, then near all."""
    around = settled.between_where_short() or settled.between
    for _ in range(ROUNDS):
        if not settled.is_far():
            break
        found = _buy_last_kg(settled, around, limits)
        if not found and around == settled.between:
            break
        around = settled.between


def _buy_last_kg(settled: _Settled, around: Sequence[int], limits: WorkLimits) -> bool:
    """Branch and bound over the arcs near some between two kg; what it finds is taken if it is better, exactly."""
    purchase, best = dict(settled.totals.kg), settled.vector()
    near = _near(settled.judge, purchase, around)
    for margin in (0.0, SAFETY_MARGIN):
        changed = _Window(settled, purchase, near, margin).solve(limits)
        found = {a: purchase.get(a, 0) + changed.get(a, 0) for a in sorted({*purchase, *changed})}
        settled.buy(found)
        if not settled.totals.broken:
            if settled.vector() < best:
                return True
            break
    settled.buy(purchase)
    return False


def _near(judge: Judge, purchase: Purchase, between: Sequence[int]) -> Index:
    """Arcs that the last kg may be bought of, near some that are between two kg.

    Those in use by an event, or of an offer, of which one of these is; and for each event of these, by tier
    and way of paying, the cheapest arc of an offer that has some left.
    """
    arcs = judge.arcs
    kg = np.zeros(len(arcs), dtype=np.int64)
    kg[list(purchase)] = list(purchase.values())
    odd = np.array(between, dtype=np.int64)
    used = np.union1d(np.flatnonzero(kg), odd)
    linked = used[np.isin(arcs.event[used], arcs.event[odd]) | np.isin(arcs.offer[used], arcs.offer[odd])]
    left = judge.problem.offers.quantity_kg - np.bincount(
        arcs.offer[used], weights=kg[used], minlength=len(judge.problem.offers)
    )
    free = np.flatnonzero(np.isin(arcs.event, arcs.event[odd]) & (left[arcs.offer] >= 1) & (kg < arcs.most_kg))
    return np.union1d(linked, _cheapest_of_each(arcs, free))


def _cheapest_of_each(arcs: Arcs, some: Index) -> Index:
    """Of some arcs, the cheapest a covered kg of each event, tier and way of paying."""
    price = arcs.unit_cost_e8[some] / np.maximum(arcs.eta_e8[some], 1)
    keys = (arcs.payment[some], arcs.tier[some], arcs.event[some])
    order = np.lexsort((price, *keys))
    first = np.ones(len(some), dtype=bool)
    first[1:] = np.any([key[order][1:] != key[order][:-1] for key in keys], axis=0)
    return some[order[first]]


class _Window:
    """What may still move by a few kg, as an integer program in differences from a purchase: kg and yuan.

    Columns: arcs, in whole kg; then gaps and misses that share a row with them, in kg, and what is added to budgets.
    Rows: those of the program, in kg or yuan, then one for each level, which holds it.
    """

    def __init__(self, settled: _Settled, purchase: Purchase, near: Index, margin: float) -> None:
        self._settled, self._near = settled, near
        program, n = settled.program, len(settled.judge.arcs)
        kg = np.zeros(program.n)
        kg[list(purchase)] = list(purchase.values())
        rows = np.unique(program.rows_of(program.entries_of(near)[0]))
        rows = rows[(program.row_lower[rows] > -INFINITY) | (program.row_upper[rows] < INFINITY)]
        there = program.entry_column[runs(program.row_starts, rows)[0]]
        beside = np.unique(there[there >= n]).astype(np.int64)
        self._columns = np.append(near, beside)
        part = program.part(self._columns, rows)
        family = np.array([str(program.row_keys[i][0]) for i in rows.tolist()])
        added = [level.columns for level in settled.levels if level.name == EXTRA_BUDGET]
        in_yuan = np.isin(self._columns, np.concatenate([beside[:0], *added]))
        self._unit = np.where(in_yuan, 1.0, 1.0 / KG_PER_T)
        scale = np.where(family == "budget", 1.0, float(KG_PER_T))
        activity = program.activity(kg / KG_PER_T)[rows]
        arcs = np.arange(part.n) < len(near)
        self._weights = [self._weights_of(level) for level in settled.levels]
        self._program = _with_rows(
            replace(
                part,
                lower=np.where(arcs, np.maximum(-kg[self._columns], -REACH_KG), part.lower),
                upper=np.where(
                    arcs, np.minimum(part.upper / self._unit - kg[self._columns], REACH_KG), part.upper / self._unit
                ),
                integer=arcs,
                row_lower=(part.row_lower - activity) * scale,
                row_upper=(part.row_upper - activity) * scale - margin * np.isin(family, UNROUNDED),
                entry_value=part.entry_value * self._unit[part.entry_column] * scale[part.entry_row],
            ),
            self._weights,
        )

    def _weights_of(self, level: Level) -> Floats:
        """A level's weights, in kg or yuan."""
        weights = self._settled.program.objective(level)[self._columns] * self._unit
        return weights * KG_PER_T if level.unit == "t" else weights

    def solve(self, limits: WorkLimits) -> dict[int, int]:
        """Arc -> kg more or less; nothing where not even the first level could be solved."""
        session, whole = Session(self._program), np.arange(len(self._near))
        first_held = self._program.m - len(self._weights)
        moved = np.zeros(len(self._near))
        for k, level in enumerate(self._settled.levels):
            session.set_cost(self._weights[k])
            session.start_from(whole, moved)
            outcome = session.solve(
                nodes=min(NODES, limits.nodes),
                seconds=limits.seconds_left(),
                absolute_gap=self._settled.excused(level) / COST_GAP if level.unit == "yuan" else SAFETY_MARGIN,
                cancelled=limits.cancelled,
            )
            if outcome.x is None:
                break
            moved = np.rint(outcome.x[whole])
            session.set_row_bound(first_held + k, -INFINITY, outcome.objective + SAFETY_MARGIN)
        return {int(a): int(kg) for a, kg in zip(self._near.tolist(), moved.tolist(), strict=True) if kg}


def _with_rows(program: Program, weights: Sequence[Floats]) -> Program:
    """The program with a free row for each of these, shapes (n,)."""
    used = [np.flatnonzero(w) for w in weights]
    free = np.full(len(used), INFINITY)
    return replace(
        program,
        row_keys=(*program.row_keys, *(("held", k) for k in range(len(used)))),
        row_lower=np.append(program.row_lower, -free),
        row_upper=np.append(program.row_upper, free),
        row_starts=np.append(program.row_starts, program.row_starts[-1] + np.cumsum([len(c) for c in used])),
        entry_column=np.concatenate([program.entry_column, *used]).astype(np.int32),
        entry_value=np.concatenate([program.entry_value, *(w[c] for w, c in zip(weights, used, strict=True))]),
    )
