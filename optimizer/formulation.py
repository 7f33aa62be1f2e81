"""The problem as a program: one function a constraint family, one a level, collected in CONSTRAINTS and LEVELS.

Symbols, code names and units stand in FORMULATION.md. With whole lots a quantity column counts lots; without, tonnes.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from optimizer.arcs import Arcs
from optimizer.budgets import Budget
from optimizer.eligibility import Screening
from optimizer.events import LevelSpec
from optimizer.limits import BudgetRow, budget_rows, floored_caps, limit_groups
from optimizer.problem import Problem
from optimizer.program import INFINITY, Draft, Floats, Index, Key, Level, Program
from optimizer.quantities import E4, FEN_PER_YUAN, KG_PER_T
from optimizer.timeline import E8

type Hold = Literal["face", "rows"]


@dataclass(frozen=True, eq=False)
class Terms:
    """What the constraint families share: the problem, its arcs, and their columns and coefficients per column unit."""

    problem: Problem
    arcs: Arcs
    draft: Draft
    hold: Hold
    whole: bool
    x: Index
    """Quantity column of each arc."""
    use: Index
    """Yes-or-no column of each switched arc, -1 elsewhere."""
    gap: NDArray[np.int64]
    """Shape (n_events, n_tiers + 1): column of gap_{e,r}; the last is gap_{e,all}."""
    miss: dict[tuple[int, int], int]
    """(event, limit) -> column of what a min share misses."""
    extra: dict[tuple[str, int | str], int]
    """(owner, budget row) -> column of what is added to a soft budget."""

    @cached_property
    def unit_t(self) -> Floats:
        """Contracted tonnes per unit of the quantity column."""
        return self.arcs.lot_kg / KG_PER_T if self.whole else np.broadcast_to(1.0, len(self.arcs))

    @cached_property
    def effective_t(self) -> Floats:
        """Effective tonnes per unit: eta_a."""
        return self.arcs.eta_e8 / E8 * self.unit_t

    @cached_property
    def cover_t(self) -> Floats:
        """Effective tonnes per unit as coverage rows count them: see `Arcs.cover_e8`."""
        return self.arcs.cover_e8 / E8 * self.unit_t

    @cached_property
    def cost_yuan(self) -> Floats:
        """Cost per unit, nominal, without the fixed fee."""
        return self.arcs.unit_cost_e8 / (E8 * FEN_PER_YUAN) * self.unit_t

    @cached_property
    def fee_yuan(self) -> Floats:
        """Fixed fee of each arc's line."""
        return self.arcs.fixed_fee_fen / FEN_PER_YUAN

    def need_t(self, e: int) -> float:
        """D_e."""
        return self.problem.events[e].need_kg / KG_PER_T

    def of_event(self, e: int) -> Index:
        """Arcs of event e."""
        return self._event_slices[e]

    @cached_property
    def _event_slices(self) -> list[Index]:
        starts = np.searchsorted(self.arcs.event, np.arange(len(self.problem.events) + 1))
        return [np.arange(a, b) for a, b in pairwise(starts)]


def formulate(problem: Problem, screening: Screening, arcs: Arcs, hold: Hold) -> Program:
    """The program of a problem. `hold` says which levels need a row of their own ("rows": all of them)."""
    draft = Draft()
    whole = problem.settings.whole_lots
    t = _terms(problem, arcs, draft, hold, whole)
    for constraint in CONSTRAINTS:
        constraint(t, screening)
    levels = [LEVELS[spec.level.partition(" ")[0]](t, spec, k) for k, spec in enumerate(problem.levels())]
    return draft.done([*levels, tie_break(t)], t.use)


def _terms(problem: Problem, arcs: Arcs, draft: Draft, hold: Hold, whole: bool) -> Terms:
    events, n = problem.events, problem.rule_pack.n_tiers
    most = arcs.most_kg / arcs.lot_kg if whole else arcs.most_kg / KG_PER_T
    x = draft.add_columns(len(arcs), lambda: arc_keys(problem, arcs, "x"), 0.0, most, whole)
    use = np.broadcast_to(np.int64(-1), len(arcs))
    if whole:
        use = use.copy()
        switched = np.flatnonzero(arcs.switched)
        names = lambda: arc_keys(problem, arcs.take(switched), "use")  # noqa: E731
        use[switched] = draft.add_columns(len(switched), names, 0.0, 1.0, True)
    upto: list[int | str] = [*range(1, n + 1), "all"]
    need_t = np.repeat([event.need_kg / KG_PER_T for event in events], n + 1)
    gaps = draft.add_columns(len(need_t), lambda: [("gap", event.id, r) for event in events for r in upto], 0.0, need_t)
    gap = gaps.reshape(len(events), n + 1)
    miss: dict[tuple[int, int], int] = {}
    for e, event in enumerate(events):
        for k, limit in enumerate(event.limits):
            if limit.min_share_e4 is not None:
                most_missed = limit.min_share_e4 * event.need_kg / (E4 * KG_PER_T)
                miss[e, k] = draft.add_column(("miss", event.id, k), 0.0, most_missed)
    return Terms(problem, arcs, draft, hold, whole, x, use, gap, miss, {})


def arc_keys(problem: Problem, arcs: Arcs, family: str) -> list[Key]:
    """(family, event, offer, purchase date, break) of each arc."""
    return [(family, *name) for name in _arc_names(problem, arcs)]


def _arc_names(problem: Problem, arcs: Arcs) -> Iterator[tuple[str, str, str, int]]:
    """Event, offer, purchase date and break of each arc."""
    events, offers = [event.id for event in problem.events], problem.offers.offer_id
    days = np.datetime_as_string(arcs.day).tolist()
    numbers = zip(arcs.event.tolist(), arcs.offer.tolist(), days, arcs.piece.tolist(), strict=True)
    return ((events[e], offers[i], day, piece) for e, i, day, piece in numbers)


# ---------------------------------------------------------------------------------------------------- constraints


def coverage(t: Terms, screening: Screening) -> None:
    """coverage r:  sum_{a in e, tier(a) <= r} eta_a x_a + gap_{e,r} >= D_e,  for every tier r and for all.

    With whole lots a second row, free until the level is held, says the same without the gap and rounded up to the
    step that the coefficients share (Chvatal-Gomory).
    """
    n = t.problem.rule_pack.n_tiers
    for e, event in enumerate(t.problem.events):
        arcs = t.of_event(e)
        tier = t.arcs.tier[arcs]
        for r in range(1, n + 2):
            members = arcs if r > n else arcs[tier <= r]
            name = "all" if r > n else r
            columns = np.append(t.x[members], t.gap[e, r - 1])
            t.draft.add_row(
                ("coverage", event.id, name), t.need_t(e), INFINITY, columns, np.append(t.cover_t[members], 1.0)
            )
            if t.whole:
                t.draft.add_row(
                    ("whole coverage", event.id, name), -INFINITY, INFINITY, t.x[members], t.effective_t[members]
                )


def availability(t: Terms, screening: Screening) -> None:
    """availability:  sum_{a of i} x_a <= Q_i, shared by all events; a single arc has it as its bound."""
    counts = np.bincount(t.arcs.offer, minlength=len(t.problem.offers))
    shared = np.flatnonzero(counts > 1)
    if not len(shared):
        return
    number = np.full(len(t.problem.offers), -1, dtype=np.int64)
    number[shared] = np.arange(len(shared))
    members = np.flatnonzero(number[t.arcs.offer] >= 0)
    offers = t.problem.offers
    usable = offers.quantity_kg[shared]
    if t.whole:
        usable = usable // offers.lot_kg[shared] * offers.lot_kg[shared]
    keys: list[Key] = [("availability", offers.offer_id[i]) for i in shared.tolist()]
    t.draft.add_rows(keys, -INFINITY, usable / KG_PER_T, number[t.arcs.offer[members]], t.x[members], t.unit_t[members])


def budget(t: Terms, screening: Screening) -> None:
    """budget:  sum pay_{a,y} x_a <= B_y + carried in - carried out, per year and in all; events' own, and shared."""
    for e, event in enumerate(t.problem.events):
        if event.budget is not None:
            _budget_rows(t, event.id, event.budget, t.of_event(e))
    if t.problem.calendar.budget is not None:
        _budget_rows(t, "", t.problem.calendar.budget, np.arange(len(t.arcs)))


def _budget_rows(t: Terms, owner: str, budget: Budget, members: Index) -> None:
    paying = t.arcs.take(members)
    for row in budget_rows(budget, paying.years(), t.problem.as_of.year):
        shares = (
            paying.year_shares(None)
            if row.years is None
            else np.sum([paying.year_shares(y) for y in row.years], axis=0)
        )
        paid = shares > 0
        columns, values = t.x[members][paid], (t.cost_yuan[members] * shares / E4)[paid]
        fees = (t.use[members] >= 0) & (t.fee_yuan[members] > 0) & paid
        columns = np.append(columns, t.use[members][fees])
        values = np.append(values, (t.fee_yuan[members] * shares / E4)[fees])
        extra = _extra_columns(t, owner, row)
        columns, values = np.append(columns, extra), np.append(values, -np.ones(len(extra)))
        t.draft.add_row(("budget", owner, row.name), -INFINITY, row.limit_fen / FEN_PER_YUAN, columns, values)


def _extra_columns(t: Terms, owner: str, row: BudgetRow) -> Index:
    """Columns of what may be added to this row: its own, and with carry-forward those of the years before it."""
    if not t.problem.soft_budgets:
        return np.zeros(0, dtype=np.int64)
    t.extra[owner, row.name] = t.draft.add_column(("extra", owner, row.name), 0.0, INFINITY)
    names = [row.name] if row.years is None else [y for y in row.years if (owner, y) in t.extra]
    return np.array([t.extra[owner, name] for name in names], dtype=np.int64)


def max_share(t: Terms, screening: Screening) -> None:
    """max share:  sum_{a in e, in group} eta_a x_a <= share x D_e; with whole lots floored to the step of the group."""
    for e, event in enumerate(t.problem.events):
        for k, limit in enumerate(event.limits):
            if limit.max_share_e4 is None:
                continue
            members, group, names = limit_groups(t.problem, t.arcs, t.of_event(e), limit)
            cap = limit.max_share_e4 * event.need_kg / (E4 * KG_PER_T)
            caps = np.full(len(names), cap)
            if t.whole:
                caps = floored_caps(t.arcs, members, group, len(names), limit.max_share_e4 * event.need_kg)
            keys: list[Key] = [("max share", event.id, k, name) for name in names]
            t.draft.add_rows(keys, -INFINITY, caps, group, t.x[members], t.effective_t[members])


def min_share(t: Terms, screening: Screening) -> None:
    """min share:  sum_{a in e, in group} eta_a x_a + miss >= share x D_e."""
    for (e, k), column in t.miss.items():
        event = t.problem.events[e]
        limit = event.limits[k]
        members, _, _ = limit_groups(t.problem, t.arcs, t.of_event(e), limit)
        least = (limit.min_share_e4 or 0) * event.need_kg / (E4 * KG_PER_T)
        t.draft.add_row(
            ("min share", event.id, k),
            least,
            INFINITY,
            np.append(t.x[members], column),
            np.append(t.effective_t[members], 1.0),
        )


def lots(t: Terms, screening: Screening) -> None:
    """lots:  least use <= x <= most use for pieces with a minimum, a fee or a sister; at most one piece a line."""
    switched = np.flatnonzero(t.use >= 0)
    if not len(switched):
        return
    arcs, rows = t.arcs, np.arange(len(switched))
    keys = [key[1:] for key in arc_keys(t.problem, arcs.take(switched), "")]
    both = np.concatenate([rows, rows])
    columns = np.concatenate([t.x[switched], t.use[switched]])
    most, least = arcs.most_kg[switched] / arcs.lot_kg[switched], arcs.least_kg[switched] / arcs.lot_kg[switched]
    ones = np.ones(len(switched))
    t.draft.add_rows([("most", *k) for k in keys], -INFINITY, 0.0, both, columns, np.concatenate([ones, -most]))
    t.draft.add_rows([("least", *k) for k in keys], 0.0, INFINITY, both, columns, np.concatenate([ones, -least]))
    lines, group = np.unique(arcs.line[switched], return_inverse=True)
    several = np.flatnonzero(np.bincount(group) > 1)
    if len(several):
        number = np.full(len(lines), -1, dtype=np.int64)
        number[several] = np.arange(len(several))
        inside = number[group] >= 0
        first = {int(g): keys[k][:-1] for k, g in reversed(list(enumerate(group.tolist())))}
        t.draft.add_rows(
            [("one piece", *first[int(g)]) for g in several],
            -INFINITY,
            1.0,
            number[group][inside],
            t.use[switched][inside],
            np.ones(int(inside.sum())),
        )


CONSTRAINTS: tuple[Callable[[Terms, Screening], None], ...] = (
    coverage,
    availability,
    budget,
    max_share,
    min_share,
    lots,
)


# --------------------------------------------------------------------------------------------------------- levels


def shortfall(t: Terms, spec: LevelSpec, k: int) -> Level:
    """shortfall:  steps of sum_e gap_{e,all}, over the events of one class."""
    _, _, tail = spec.level.partition(" ")
    chosen = [e for e, event in enumerate(t.problem.events) if not tail or event.priority_class == int(tail)]
    return _gap_level(t, spec, k, t.gap[chosen, -1], sum(t.need_t(e) for e in chosen), _rounded_rows(t, chosen, None))


def rules(t: Terms, spec: LevelSpec, k: int) -> Level:
    """rules:  steps of missed min shares."""
    return _gap_level(
        t, spec, k, np.array(sorted(t.miss.values()), dtype=np.int64), sum(t.need_t(e) for e, _ in t.miss)
    )


def tier(t: Terms, spec: LevelSpec, k: int) -> Level:
    """tier r:  steps of sum_e gap_{e,r}, what tiers 1..r leave to lower tiers."""
    r = int(spec.level.split(" ")[1])
    events = range(len(t.problem.events))
    return _gap_level(t, spec, k, t.gap[:, r - 1], sum(t.need_t(e) for e in events), _rounded_rows(t, events, r))


def _rounded_rows(t: Terms, events: Sequence[int], r: int | None) -> tuple[tuple[int, int], ...]:
    if not t.whole:
        return ()
    needs = [(t.problem.events[e].id, t.problem.events[e].need_kg) for e in events]
    return tuple((t.draft.row_index(("whole coverage", name, "all" if r is None else r)), need) for name, need in needs)


def _gap_level(
    t: Terms, spec: LevelSpec, k: int, gaps: Index, most_t: float, rounded: tuple[tuple[int, int], ...] = ()
) -> Level:
    slack = {"relative_e4": spec.relative_e4, "absolute_e4": spec.absolute_e4}
    if t.whole and len(gaps):
        step = t.problem.step_t
        column = t.draft.add_column(("steps", k), 0.0, float(np.ceil(most_t / float(step))), True)
        t.draft.add_row(
            ("steps", k), 0.0, INFINITY, np.append(gaps, column), np.append(-np.ones(len(gaps)), float(step))
        )
        return Level(
            spec.level, np.array([column]), np.array([float(step)]), "t", step, column, None, gaps, rounded, **slack
        )
    row = None
    if len(gaps) and (t.hold == "rows" or spec.relative_e4 or spec.absolute_e4):
        row = t.draft.add_row(("held", k), -INFINITY, INFINITY, gaps, np.ones(len(gaps)))
    return Level(spec.level, gaps, np.ones(len(gaps)), "t", None, None, row, gaps, (), **slack)


def cost(t: Terms, spec: LevelSpec, k: int) -> Level:
    """cost:  sum c_a x_a + fixed fees, nominal, or present value when a discount rate is given."""
    weight = present_values(t.problem, t.arcs)
    values = t.cost_yuan * weight
    fees = np.flatnonzero((t.use >= 0) & (t.fee_yuan > 0))
    columns = t.x
    if len(fees):
        columns = np.append(columns, t.use[fees])
        values = np.append(values, t.fee_yuan[fees] * weight[fees])
    row = None
    if t.hold == "rows" or spec.relative_e4 or spec.absolute_e4:
        row = t.draft.add_row(("held", k), -INFINITY, INFINITY, columns, values)
    slack = {"relative_e4": spec.relative_e4, "absolute_e4": spec.absolute_e4}
    return Level(spec.level, columns, values, "yuan", None, None, row, np.zeros(0, dtype=np.int64), (), **slack)


def present_values(problem: Problem, arcs: Arcs) -> Floats:
    """Present value of one yuan of each arc's line cost, shape (n,); 1 without a discount rate."""
    r = problem.settings.discount_rate_e4
    if r == 0:
        return np.broadcast_to(1.0, len(arcs))
    growth = 1 + r / E4
    table = [sum(s / E4 * growth ** (problem.as_of.year - y) for y, s in p) for p in arcs.payments]
    return np.array([*table, 1.0])[arcs.payment]


def extra(t: Terms, spec: LevelSpec, k: int) -> Level:
    """extra budget:  sum of what is added to the budget rows, yuan; only where budgets are soft (repairs)."""
    columns = np.array(sorted(t.extra.values()), dtype=np.int64)
    row = t.draft.add_row(("held", k), -INFINITY, INFINITY, columns, np.ones(len(columns)))
    return Level(spec.level, columns, np.ones(len(columns)), "yuan", None, None, row, np.zeros(0, dtype=np.int64))


def tie_break(t: Terms) -> Level:
    """tie-break:  sum w_a x_a, w_a = years to the purchase + a 32-bit fraction of a hash: generic, one best point."""
    problem, arcs, unit_t = t.problem, t.arcs, t.unit_t  # the level outlives the draft, which is large

    def weights(wanted: Index) -> Floats:
        return tie_break_weights(problem, arcs.take(wanted)) * unit_t[wanted]

    return Level("tie-break", t.x, weights, "none", None, None, None, np.zeros(0, dtype=np.int64))


HASH_YEARS = 1 / 32
"""Years. The hash decides between purchases less than eleven days apart; else the earlier is better."""


def tie_break_weights(problem: Problem, arcs: Arcs) -> Floats:
    """w_a = years from as_of to the purchase + SHA-256(event, offer, date, break), 32 bits, as a part of HASH_YEARS."""
    years = (arcs.day - np.datetime64(problem.as_of, "D")).astype(np.int64) / 365.25
    texts = (f"{event}\x1f{offer}\x1f{day}\x1f{piece}" for event, offer, day, piece in _arc_names(problem, arcs))
    heads = b"".join([hashlib.sha256(text.encode()).digest()[:4] for text in texts])
    return years + np.frombuffer(heads, dtype=">u4").astype(np.float64) / 2.0**32 * HASH_YEARS


LEVELS: dict[str, Callable[[Terms, LevelSpec, int], Level]] = {
    "shortfall": shortfall,
    "rules": rules,
    "tier": tier,
    "cost": cost,
    "extra": extra,
}
