"""Two-stage linear programs: buy some today, the rest later when prices, offers and needs are known. One LP for all.

    x_a        bought today, contracted t                     the same in every draw
    y_{a,s}    bought later in draw s, contracted t
    gap_{e,r,s} what tiers 1..r leave uncovered of event e in draw s; r = all: the shortfall
    Z_s        = c x + c_s y_s + sum_r penalty_r gap_{r,s}    what draw s comes to, yuan

    minimise   (1 - w) mean(Z) + w CVaR(Z),   CVaR(Z) = min over t of t + mean(max(0, Z - t)) / (1 - beta)
    coverage   sum_{a in e, tier <= r} eta_{a,s} (x_a + y_{a,s}) + gap_{e,r,s} >= D_{e,s}
    offers     sum_{a of i} (x_a + y_{a,s}) <= Q_i,  y = 0 where the offer fell through
    max share  sum_{a in e, in group} eta_{a,s} (x_a + y_{a,s}) <= share x D_e   of the planned need

(Rockafellar and Uryasev 2000.) All draws are equally probable. The program is written by `optimizer.program.Draft`.
Offers by draws are many columns, of which few are ever used: it is solved on the arcs that could fill some draw's need,
and grows by every arc of which some column would still improve it, until none would.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from optimizer.errors import SolverFailure
from optimizer.master import Start, first_columns
from optimizer.offers import Bools
from optimizer.program import INFINITY, Draft, Floats, Index, Key, Program
from optimizer.solver import Session
from optimizer.tolerances import ZERO_DUAL
from scenarios.summary import tail_mean

SMALL_ARCS = 40
"""Up to this many arcs all are in the program from the start."""
ENTERING = 60
"""Arcs that enter at a time at most: prices fall with each, and few of those that improved before still do."""


class Cap(NamedTuple):
    """A group of arcs that may cover at most so much."""

    name: str
    members: Index
    most_t: float


@dataclass(frozen=True, eq=False)
class Recourse:
    """A two-stage problem as numbers: a arcs, s draws, e events, n + 1 gap levels; t and yuan."""

    event: Index
    """Shape (a,)."""
    offer: Index
    """Shape (a,)."""
    tier: Index
    """1 .. n + 1, shape (a,)."""
    quantity_t: Floats
    """What each arc's offer holds, shape (a,)."""
    now_cost: Floats
    """Yuan/t today, shape (a,)."""
    now_most_t: Floats
    """0 for what cannot be bought today, shape (a,)."""
    later_cost: Floats
    """Shape (s, a)."""
    later_most_t: Floats
    """0 where it fell through, shape (s, a)."""
    eta: Floats
    """Effective per contracted tonne, shape (s, a)."""
    need_t: Floats
    """Shape (s, e)."""
    penalty: Floats
    """Yuan per tonne of each gap, tiers 1 .. n, then the shortfall; shape (n + 1,)."""
    caps: tuple[Cap, ...] = ()
    tail_weight: float = 0.0
    """w in [0, 1]."""
    tail_share: float = 0.95
    """beta in (0, 1): the tail is the dearest 1 - beta."""

    @property
    def draws(self) -> int:
        """s."""
        return len(self.need_t)

    def worth(self, outcomes: Floats) -> float:
        """(1 - w) mean + w CVaR of what the draws come to, shape (s,)."""
        return (1 - self.tail_weight) * float(outcomes.mean()) + self.tail_weight * tail_mean(
            outcomes, self.tail_share
        ).value

    def mean(self) -> "Recourse":
        """The expected-value problem: one draw, the mean of all; of an offer that may fall through, its mean part."""
        return replace(
            self,
            later_cost=self.later_cost.mean(axis=0, keepdims=True),
            later_most_t=self.later_most_t.mean(axis=0, keepdims=True),
            eta=self.eta.mean(axis=0, keepdims=True),
            need_t=self.need_t.mean(axis=0, keepdims=True),
            tail_weight=0.0,
        )

    def foreseen(self) -> "Recourse":
        """Wait and see: each draw is known today, so that each arc is bought at the better of both days."""
        can_now, can_later = self.now_most_t > 0, self.later_most_t > 0
        better = np.where(
            can_later & can_now,
            np.minimum(self.now_cost, self.later_cost),
            np.where(can_now, self.now_cost, self.later_cost),
        )
        most = np.maximum(np.broadcast_to(self.now_most_t, self.later_most_t.shape), self.later_most_t)
        nothing = np.zeros(len(self.now_cost))
        return replace(self, now_most_t=nothing, later_cost=better, later_most_t=most, tail_weight=0.0)

    def today_only(self, need_t: Floats, eta: Floats) -> "Recourse":
        """One certain draw of this need (shape (e,)) and these yields (shape (a,)), in which nothing waits."""
        nothing = np.zeros((1, len(self.now_cost)))
        return replace(
            self,
            later_cost=self.now_cost[None, :],
            later_most_t=nothing,
            eta=eta[None, :],
            need_t=need_t[None, :],
            tail_weight=0.0,
        )


@dataclass(frozen=True, eq=False)
class Played:
    """What a way of buying today comes to, draw by draw, with the best purchases later."""

    now_t: Floats
    """x, shape (a,)."""
    later_t: Floats
    """y, shape (s, a)."""
    cost_yuan: Floats
    """Money spent, shape (s,)."""
    shortfall_t: Floats
    """Over all events, shape (s,)."""
    outcomes: Floats
    """Z: money and penalties, shape (s,)."""


class TwoStage:
    """A recourse problem in the solver: `best` finds x, `played` tells what an x comes to. One a thread."""

    def __init__(self, recourse: Recourse) -> None:
        self.recourse = recourse
        self._calm = _Growing(_Written.of(replace(recourse, tail_weight=0.0)))

    def best(self) -> tuple[Floats, float]:
        """x, contracted t, shape (a,), and the least of the objective.

        Raises:
            SolverFailure: HiGHS gave no optimum.
        """
        calm = self.recourse.tail_weight == 0
        x, objective = (self._calm if calm else _Growing(_Written.of(self.recourse))).solve(None)
        return x[: len(self.recourse.event)], objective

    def played(self, now_t: Floats) -> Played:
        """With x fixed, every draw on its own: the cheapest recourse is best under any weight of the tail.

        Raises:
            SolverFailure: HiGHS gave no optimum.
        """
        r = self.recourse
        x, _ = self._calm.solve(now_t)
        a, s = len(r.event), r.draws
        later = x[a : a + s * a].reshape(s, a)
        gaps = x[self._calm.written.gap]
        cost = np.sum(r.now_cost * now_t) + (r.later_cost * later).sum(axis=1)
        penalties = (gaps.sum(axis=1) * r.penalty).sum(axis=1)
        return Played(now_t, later, cost, gaps[:, :, -1].sum(axis=1), cost + penalties)


class _Growing:
    """A written program solved on a growing set of arcs, each with all its columns."""

    def __init__(self, written: "_Written") -> None:
        self.written = written
        arcs = len(written.recourse.event)
        # What cannot be bought on a day fills no need, and would never let the first guess end.
        chosen = first_columns(written.start, written.start.best_first()) & (written.start.effective_t > 0)
        self._inside = chosen.reshape(-1, arcs).any(axis=0) if arcs > SMALL_ARCS else np.ones(arcs, dtype=bool)
        self._opened: tuple[Index, Index, Session] | None = None

    def solve(self, now_t: Floats | None) -> tuple[Floats, float]:
        """The best point of the whole program, x fixed to `now_t` where that is given, and its objective."""
        w, arcs = self.written, len(self.written.recourse.event)
        lower, upper = w.program.lower.copy(), w.program.upper.copy()
        if now_t is not None:
            lower[:arcs] = upper[:arcs] = now_t
            self._take(now_t > 0)
        for _ in range(arcs + 1):
            columns, rows, session = self._open()
            session.set_column_bounds(lower[columns], upper[columns])
            session.set_cost(w.cost[columns])
            session.forget()  # presolve from nothing is faster than a warm start here, and owes nothing to the past
            outcome = session.solve()
            if outcome.status != "optimal" or outcome.x is None or outcome.row_dual is None:
                raise SolverFailure("no optimum of the two-stage program")
            y = np.zeros(w.program.m)
            y[rows] = outcome.row_dual
            entering = self._improving(y, lower, upper)
            if not entering.any():
                x = lower.copy()
                x[columns] = outcome.x
                return x, float(w.cost @ x)
            self._take(entering)
        raise SolverFailure("the two-stage program grew beyond its arcs")

    def _improving(self, y: Floats, lower: Floats, upper: Floats) -> Bools:
        """The ENTERING arcs outside whose columns would improve most at these prices, shape (a,)."""
        w, arcs = self.written, len(self.written.recourse.event)
        own = slice(0, arcs * (1 + w.recourse.draws))
        reduced, size = (values[own] for values in w.program.reduced_costs(w.cost, y))
        gain = np.where(reduced < -ZERO_DUAL * size, -reduced, 0.0) * (upper - lower)[own]
        by_arc = np.where(self._inside, 0.0, gain.reshape(-1, arcs).sum(axis=0))
        best = np.argsort(-by_arc, kind="stable")[:ENTERING]
        entering = np.zeros(arcs, dtype=bool)
        entering[best] = by_arc[best] > 0
        return entering

    def _take(self, more: Bools) -> None:
        if (more & ~self._inside).any():
            self._inside |= more
            self._opened = None

    def _open(self) -> tuple[Index, Index, Session]:
        """The columns inside that may be positive, and the rows among them that may bind."""
        if self._opened is None:
            p, arcs, days = self.written.program, len(self._inside), 1 + self.written.recourse.draws
            inside = p.upper > 0
            inside[: arcs * days] &= np.tile(self._inside, days)
            touched = np.zeros(p.m, dtype=bool)
            touched[p.entry_row[inside[p.entry_column]]] = True
            # Rows without a lower side hold offers and caps, of columns that are bounded: full use may keep within.
            most = p.activity(np.where(inside & (p.upper < INFINITY), p.upper, 0.0))
            may_bind = touched & ((p.row_lower > -INFINITY) | (most > p.row_upper))
            columns, rows = np.flatnonzero(inside), np.flatnonzero(may_bind)
            self._opened = columns, rows, Session(p.part(columns, rows))
        return self._opened


@dataclass(frozen=True, eq=False)
class _Written:
    """The program of a recourse problem: x, then y draw by draw, gaps, and what the tail needs."""

    recourse: Recourse
    program: Program
    cost: Floats
    gap: Index
    """Shape (s, e, n + 1)."""
    start: Start

    @classmethod
    def of(cls, r: Recourse) -> "_Written":
        draft, a, s, e = Draft(), len(r.event), r.draws, r.need_t.shape[1]
        levels = len(r.penalty)
        x = draft.add_columns(a, lambda: [("x", k) for k in range(a)], 0.0, r.now_most_t)
        y = draft.add_columns(s * a, lambda: [("y", k) for k in range(s * a)], 0.0, r.later_most_t.ravel()).reshape(
            s, a
        )
        names = lambda: [("gap", k) for k in range(s * e * levels)]  # noqa: E731
        gap = draft.add_columns(s * e * levels, names, 0.0, INFINITY).reshape(s, e, levels)
        _coverage(draft, r, x, y, gap)
        _offers(draft, r, x, y)
        _caps(draft, r, x, y)
        cost = np.concatenate([r.now_cost, r.later_cost.ravel() / s, np.tile(r.penalty, s * e) / s])
        if r.tail_weight:
            cost = _tail(draft, r, cost)
        program = draft.done([], np.zeros(0, dtype=np.int64))
        return cls(r, program, cost, gap, _start(r))


def _coverage(draft: Draft, r: Recourse, x: Index, y: Index, gap: Index) -> None:
    for s in range(r.draws):
        for e in range(r.need_t.shape[1]):
            mine = np.flatnonzero(r.event == e)
            for level in range(len(r.penalty)):
                members = mine if level == len(r.penalty) - 1 else mine[r.tier[mine] <= level + 1]
                columns = np.concatenate([x[members], y[s, members], gap[s, e, level : level + 1]])
                values = np.concatenate([r.eta[s, members], r.eta[s, members], [1.0]])
                draft.add_row(("coverage", s, e, level), float(r.need_t[s, e]), INFINITY, columns, values)


def _offers(draft: Draft, r: Recourse, x: Index, y: Index) -> None:
    """Today and later from one lot; a row for each draw and offer of which something may be bought later."""
    offers, place = np.unique(r.offer, return_inverse=True)
    quantity = np.zeros(len(offers))
    quantity[place] = r.quantity_t
    ones = np.ones(len(place))
    keys: list[Key] = [("today", int(i)) for i in offers.tolist()]
    draft.add_rows(keys, -INFINITY, quantity, place, x, ones)
    for s in range(r.draws):
        there = np.flatnonzero(np.bincount(place, weights=r.later_most_t[s], minlength=len(offers)) > 0)
        number = np.full(len(offers), -1, dtype=np.int64)
        number[there] = np.arange(len(there))
        inside = np.flatnonzero(number[place] >= 0)
        rows = np.tile(number[place[inside]], 2)
        columns = np.concatenate([x[inside], y[s, inside]])
        keys = [("offer", s, int(offers[i])) for i in there.tolist()]
        draft.add_rows(keys, -INFINITY, quantity[there], rows, columns, np.ones(len(columns)))


def _caps(draft: Draft, r: Recourse, x: Index, y: Index) -> None:
    for s in range(r.draws):
        for k, cap in enumerate(r.caps):
            columns = np.concatenate([x[cap.members], y[s, cap.members]])
            values = np.tile(r.eta[s, cap.members], 2)
            draft.add_row(("max share", s, k, cap.name), -INFINITY, cap.most_t, columns, values)


def _tail(draft: Draft, r: Recourse, cost: Floats) -> Floats:
    """t and u_s >= Z_s - t; returns the objective with the weight of the tail."""
    a, s, w = len(r.event), r.draws, r.tail_weight
    t = draft.add_column(("t",), 0.0, INFINITY)  # costs are not negative, so neither is their quantile
    u = draft.add_columns(s, lambda: [("u", k) for k in range(s)], 0.0, INFINITY)
    levels = (len(cost) - a - s * a) // s
    for k in range(s):
        later = np.arange(a + k * a, a + (k + 1) * a)
        gaps = np.arange(a + s * a + k * levels, a + s * a + (k + 1) * levels)
        columns = np.concatenate([[t, u[k]], np.arange(a), later, gaps])
        values = np.concatenate([[1.0, 1.0], -cost[:a], -cost[later] * s, -cost[gaps] * s])
        draft.add_row(("tail", k), 0.0, INFINITY, columns, values)
    return np.concatenate([(1 - w) * cost, [w], np.full(s, w / (s * (1 - r.tail_share)))])


def _start(r: Recourse) -> Start:
    """The best arcs of each draw, today's with the first: the master begins with what could cover each need."""
    s = r.draws
    events = r.need_t.shape[1]
    eta = np.maximum(r.eta, 1e-12)  # what covers nothing costs no end, not infinity
    owner = np.concatenate([r.event, (np.arange(1, s + 1)[:, None] * events + r.event).ravel()])
    price = np.concatenate([r.now_cost / eta.mean(axis=0), (r.later_cost / eta).ravel()])
    effective = np.concatenate([r.now_most_t * r.eta.max(axis=0), (r.later_most_t * r.eta).ravel()])
    need = np.concatenate([r.need_t.max(axis=0), r.need_t.ravel()])
    return Start(owner, np.tile(r.tier, s + 1), price, effective, need)
