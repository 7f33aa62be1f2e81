"""Whole lots beside a plan: prices of settings, the cheapest mix, repairs. Only proven values matter, no purchase.

Such a problem differs little from the plan's: the plan's purchase often keeps a level at its best, and then nothing is
searched. The cost is searched within a narrow room above the relaxation, wider and wider: columns, and lots of them,
that alone would leave the room are in no cheaper purchase. What is not proven this way is solved from nothing, as a
plan is, and so is what leaves a choice: values are the same either way.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from optimizer.chain import ArcName, Chain, Judge, Solved, Until, WorkLimits
from optimizer.lots import CLAIM_MARGIN, WholeLots
from optimizer.measure import Purchase
from optimizer.program import Floats, Level, Program
from optimizer.solver import Outcome
from optimizer.tolerances import INTEGRALITY

FIRST_ROOM = 1e-3
"""Share of the relaxation's cost that a purchase is first looked for within."""
WIDENING = 8
"""How many times as wide the next room is."""
ROOMS = 4
"""Rooms searched; the last one is as wide as the present purchase leaves."""
ROOM_NODES = 200
"""Branch-and-bound nodes of a level; more are spent from nothing."""


class _Unproven(Exception):
    """A level is not proven within the few nodes."""


class _Beside(WholeLots):
    """A chain that begins with a known purchase."""

    def __init__(self, program: Program, judge: Judge, limits: WorkLimits) -> None:
        super().__init__(program, judge, replace(limits, nodes=min(limits.nodes, ROOM_NODES)))
        known = _at_home(judge, limits.known or {})
        if not judge.measure(known).broken():
            self.purchase = known

    def solve_level(self, level: Level) -> None:
        """As `WholeLots`, the cost room by room. Raises _Unproven."""
        if level.name == "cost":
            self._solve_cost(level)
        else:
            super().solve_level(level)
        if not self.levels[-1].closed:
            raise _Unproven

    def _solve_cost(self, level: Level) -> None:
        cost = self.program.objective(level)
        relaxed = self._relax(cost, np.zeros(self.program.n, dtype=bool))
        self._consider(level, relaxed)
        if relaxed.column_dual is None or relaxed.row_dual is None or relaxed.x is None:
            raise _Unproven
        closed = self._proved(level, relaxed.bound)
        for k in range(ROOMS):
            if closed:
                break
            left = float(self._value(level)) - relaxed.objective
            room = FIRST_ROOM * WIDENING**k * max(abs(relaxed.objective), 1.0)
            closed = self._search_room(level, cost, relaxed, min(room, left) if k < ROOMS - 1 else left)
        self._close(level, closed, relaxed.bound, (relaxed.row_dual,), relaxed)

    def _search_room(self, level: Level, cost: Floats, relaxed: Outcome, room: float) -> bool:
        """Whether no purchase is cheaper than the present one, after a search up to `room` above the relaxation."""
        zero = self.out | self._beyond(relaxed, relaxed.objective + room)
        outcome, untouched = self._branch(level, cost, zero, ROOM_NODES, self._most(relaxed, room))
        if not untouched or outcome.status == "limit":
            raise _Unproven
        self._consider(level, outcome)
        value = float(self._value(level))
        inside = value <= relaxed.objective + room + CLAIM_MARGIN * max(1.0, abs(value))
        return inside and self._settled(level, outcome)

    def _most(self, relaxed: Outcome, room: float) -> Floats:
        """How much of each column stays within the room, shape (n,)."""
        most = self.program.upper.copy()
        if relaxed.x is None or relaxed.column_dual is None:
            return most
        d = relaxed.column_dual[: self.n_arcs]
        idle = (relaxed.x[: self.n_arcs] <= INTEGRALITY) & (d * most[: self.n_arcs] > room)
        lots = np.floor(np.divide(room, d, out=np.zeros(self.n_arcs), where=idle) * (1 + INTEGRALITY) + INTEGRALITY)
        most[: self.n_arcs][idle] = np.minimum(most[: self.n_arcs][idle], lots[idle])
        return most


def _at_home(judge: Judge, known: Mapping[ArcName, int]) -> Purchase:
    """The part of a purchase, by names, whose arcs are here."""
    arcs = judge.arcs
    found: dict[int, int] = {}
    for (event, offer, day, piece), kg in known.items():
        same = (arcs.event == event) & (arcs.offer == offer) & (arcs.piece == piece)
        for a in np.flatnonzero(same & (arcs.day == np.datetime64(day))).tolist():
            found[a] = kg
    return found


def solve_whole(program: Program, judge: Judge, limits: WorkLimits) -> Chain:
    """The levels of a program with whole lots, in order."""
    if limits.known is not None and _total_is_fixed(program):
        try:
            state = _Beside(program, judge, limits)
            if limits.until == "cost" or not _leaves_choice(judge, state.purchase):
                chain = _chain(state, limits)
                if limits.until == "cost" or not _leaves_choice(judge, chain.purchase):
                    return chain
        except _Unproven:
            pass
    return _chain(WholeLots(program, judge, limits), limits)


def _chain(state: WholeLots, limits: WorkLimits) -> Chain:
    levels = state.program.levels
    for k, level in enumerate(levels):
        if level.name == "tie-break" and not limits.tie_break:
            continue
        if limits.report is not None:
            limits.report(level.name, k, len(levels))
        state.solve_level(level)
        if _enough(state.levels, levels[k + 1 :], limits.until):
            break
    return Chain(state.purchase, tuple(state.levels), (), state.cut_by_clock)


def _total_is_fixed(program: Program) -> bool:
    """The last level of the cost has no slack: what is bought costs the same whichever purchase is found."""
    costs = [level for level in program.levels if level.name == "cost"]
    return bool(costs) and not costs[-1].has_slack


def _leaves_choice(judge: Judge, purchase: Purchase) -> bool:
    """Some need is left, in whole steps, and so is some of a free offer: what costs the same may leave more or less."""
    arcs, last = judge.arcs, judge.problem.rule_pack.n_tiers + 1
    gaps = (judge.measure(purchase).gap_kg(e, last) for e in range(len(judge.problem.events)))
    if all(gap == 0 for gap in gaps):
        return False
    bought = np.zeros(len(judge.problem.offers), dtype=np.int64)
    for a, kg in purchase.items():
        bought[arcs.offer[a]] += kg
    return bool(((arcs.unit_cost_e8 == 0) & (bought[arcs.offer] < arcs.most_kg)).any())


def _enough(solved: list[Solved], ahead: tuple[Level, ...], until: Until) -> bool:
    """What is asked for is proven, so that no later level can change it."""
    if not all(s.closed for s in solved):
        return False
    if until == "cost":
        return solved[-1].level.name == "cost"
    covered = any(s.level.name.startswith("shortfall") for s in solved)
    covered &= all(s.value == 0 for s in solved if s.level.name.startswith("shortfall"))
    return until == "covered" and covered and not any(level.name.startswith("shortfall") for level in ahead)
