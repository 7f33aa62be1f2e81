"""Many draws of one problem: in each, what is bought, what it costs and what it covers. A chunk at a time.

`sweep_chunk(question, seed, first, count)` is a pure function: any runner may call it for any chunks, in any order, on
any machine, and `joined` gives the same numbers as one call for all draws, bit for bit.

    replan    everything is planned anew in each draw, when it is known
    replace   today's plan is held to: its lines are bought at the drawn prices, and what falls through (or is needed
              beyond it) is planned for on what the draw's market has left, in the same order of levels
    short     today's plan is held to, and what falls through is left short

Today's plan is the divisible plan of the problem without draws, bought on the same day. A line that falls through is
lost whole; a line that holds is bought whole, also where less is needed. How often is checked: see CHECKED_EVERY.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

import numpy as np

from market_data.random_streams import DrawRange, draw_range
from optimizer.chain import WorkLimits
from optimizer.errors import EngineFault
from optimizer.explain import without_budget
from optimizer.limits import budget_rows
from optimizer.offers import Bools, Ints
from optimizer.problem import Problem
from optimizer.program import Floats, Index
from optimizer.quantities import E4, FEN_PER_YUAN, KG_PER_T
from optimizer.solution import Solution, solve
from optimizer.timeline import E8
from scenarios.draws import Drawn, Market, Uncertainty, market_of
from scenarios.hot_chain import GRAMS, DrawnCase, HotChain
from scenarios.merit_order import MeritOrder, caps_kg, merit_order_of
from scenarios.swept import COVERED_WITHIN_T, Sweep, joined

type Conduct = Literal["replan", "replace", "short"]
type Money = Literal["measured", "limit"]

CHECKED_EVERY = 100
"""Draws whose number is a multiple of this are solved once more, from nothing, by the engine itself."""
BLOCK_CELLS = 400_000
"""Draws times arcs that are worked on at once: a few arrays of 3 MB stay in the cache."""
AGREE = 1e-6
"""Relative. How far a draw may be from its independent solution beyond what whole kg explain."""


@dataclass(frozen=True, eq=False)
class Question:
    """What is asked of every draw. Made by `question_of`; pickles."""

    market: Market
    conduct: Conduct
    order: MeritOrder | None
    """None: every draw is a linear program."""
    held_kg: Floats
    """Today's plan, contracted kg of each arc, shape (n_arcs,)."""
    plan_paid_yuan: Floats
    """What today's plan costs at the prices it was made at, by event and year, shape (events, years)."""
    plan_shortfall_t: float
    """What today's plan leaves uncovered."""
    budget_fen: int | None
    """What may be spent in all, against which cost is measured; None where some event has no budget. Single years are
    not measured here: `budgeting` tells what each needs."""
    years: tuple[int, ...]
    """Fiscal years in which something may be paid."""

    @property
    def event_ids(self) -> tuple[str, ...]:
        """In the order of the columns."""
        return tuple(e.id for e in self.market.problem.events)

    @property
    def plan_cost_yuan(self) -> float:
        """What today's plan costs in all."""
        return float(self.plan_paid_yuan.sum())


def question_of(
    problem: Problem, uncertainty: Uncertainty, conduct: Conduct = "replan", money: Money = "measured"
) -> Question:
    """A problem made ready to be swept.

    Args:
        problem: as read; its quantities become divisible.
        uncertainty: what is drawn.
        conduct: what is done once a draw is known (see the top of this file).
        money: "measured": budgets are no limit, and how often they are kept is an answer; "limit": no draw may exceed
            them, and coverage gives way.

    Raises:
        BadInput: what `market_of` refuses.
        SolverFailure: today's plan cannot be solved.
    """
    market = market_of(without_budget(problem) if money == "measured" else problem, uncertainty)
    held = _todays_plan(market_of(problem, uncertainty), market)
    years = tuple(market.arcs.years())
    bare = Question(market, conduct, merit_order_of(market), held, np.zeros(0), 0.0, _budget_fen(problem), years)
    paid = _paid(bare, held[None, :], market.arcs.unit_cost_e8[None, :])[0]
    effective = held * (market.arcs.eta_e8 / (E8 * KG_PER_T))
    gaps = [
        e.need_kg / KG_PER_T - float(effective[market.arcs.event == k].sum())
        for k, e in enumerate(market.problem.events)
    ]
    return replace(bare, plan_paid_yuan=paid, plan_shortfall_t=sum(g for g in gaps if g >= COVERED_WITHIN_T))


def _todays_plan(planned: Market, swept: Market) -> Floats:
    """The plan without draws, its budgets kept, as contracted kg of the arcs that are swept, shape (n_arcs,).

    Where a budget by year gave the plan dates that a sweep without budgets does not have, the first date stands.
    """
    today = solve(planned.problem, WorkLimits(), prove=False)
    arcs, held = swept.arcs, np.zeros(len(swept.arcs))
    place: dict[tuple[int, int, object], int] = {}
    keys = zip(arcs.event.tolist(), arcs.offer.tolist(), arcs.day.tolist(), strict=True)
    for a, (event, offer, day) in enumerate(keys):
        place.setdefault((event, offer, None), a)
        place[event, offer, day] = a
    for a, kg in today.measure.purchase.items():
        key = int(today.arcs.event[a]), int(today.arcs.offer[a])
        held[place.get((*key, today.arcs.day[a].item()), place[*key, None])] += kg
    return held


def _budget_fen(problem: Problem) -> int | None:
    """What may be spent in all: the shared budget, or the sum of the events' own where each has one."""

    def total(budget: object) -> int | None:
        whole = getattr(budget, "total_fen", None)
        by_year = getattr(budget, "by_fiscal_year_fen", None)
        years = None if by_year is None else sum(v for y, v in by_year.items() if y >= problem.as_of.year)
        known = [v for v in (whole, years) if v is not None]
        return min(known) if known else None

    own = [total(e.budget) for e in problem.events]
    summed = None if any(v is None for v in own) else sum(v for v in own if v is not None)
    known = [v for v in (total(problem.calendar.budget), summed) if v is not None]
    return min(known) if known else None


def sweep_chunk(question: Question, seed: int, first: int, count: int) -> Sweep:
    """Draws first .. first + count - 1.

    Raises:
        BadInput: a seed, start or count out of range.
        SweepMismatch: a draw came out other than its independent solution.
        SolverFailure: HiGHS gave no answer to a draw.
    """
    question.market.draw(seed, first, min(count, 1))
    step = max(1, BLOCK_CELLS // max(len(question.market.arcs), 1))
    chain = HotChain(question.market) if question.order is None or _limits_money(question) else None
    blocks = [
        _block(question, chain, question.market.draw(seed, at, min(step, first + count - at)))
        for at in range(first, first + count, step)
    ]
    return joined(blocks)


def sweep(question: Question, seed: int, draws: int) -> Sweep:
    """Draws 0 .. draws - 1 in this process."""
    return sweep_chunk(question, seed, 0, draws)


def sweep_range(question: Question, wanted: DrawRange) -> Sweep:
    """The draws of a range: `partial(sweep_range, question)` is work for any runner, over `ranges`."""
    return sweep_chunk(question, wanted.seed, wanted.first, wanted.size)


def ranges(seed: int, draws: int, size: int) -> tuple[DrawRange, ...]:
    """Draws 0 .. draws - 1 as consecutive ranges of at most `size`.

    Raises:
        BadInput: a seed or numbers out of range.
    """
    draw_range(draws, seed)
    draw_range(size, seed)
    return tuple(draw_range(min(size, draws - first), seed, first) for first in range(0, draws, size))


# ------------------------------------------------------------------------------------------------ one block of draws


def _limits_money(question: Question) -> bool:
    problem = question.market.problem
    return problem.calendar.budget is not None or any(e.budget is not None for e in problem.events)


def _block(question: Question, chain: HotChain | None, drawn: Drawn) -> Sweep:
    market = question.market
    unit_cost, eta = market.unit_cost_e8(drawn), market.eta_e8(drawn)
    most = market.most_kg(drawn)
    held = np.where(most > 0, question.held_kg, 0.0) if question.conduct != "replan" else np.zeros(most.shape)
    by_program = np.zeros(len(drawn), dtype=bool)
    if question.conduct == "short":
        bought = held
    else:
        cases = _Cases(unit_cost, eta, most, drawn.need_kg, held)
        bought, by_program = _planned(question, chain, cases)
        bought = bought + held
    found = _measured(question, drawn, bought, unit_cost, eta, by_program)
    return _checked(question, drawn, found, _Cases(unit_cost, eta, most, drawn.need_kg, held))


@dataclass(frozen=True, eq=False)
class _Cases:
    """A block's numbers, one draw a row."""

    unit_cost_e8: Ints
    eta_e8: Ints
    most_kg: Ints
    need_kg: Ints
    held_kg: Floats

    def __getitem__(self, k: int) -> DrawnCase:
        return DrawnCase(self.unit_cost_e8[k], self.eta_e8[k], self.most_kg[k], self.need_kg[k], self.held_kg[k])


def _planned(question: Question, chain: HotChain | None, cases: _Cases) -> tuple[Floats, Bools]:
    """What is bought beyond what is held, contracted kg, and which draws the linear program decided."""
    count = len(cases.need_kg)
    if question.order is None:
        assert chain is not None
        rows = [chain.plan(cases[k]) for k in range(count)]
        return np.stack(rows), np.ones(count, dtype=bool)
    bought = _in_merit_order(question, question.order, cases)
    if chain is None:
        return bought, np.zeros(count, dtype=bool)
    over = _over_budget(chain, cases, bought)
    for k in np.flatnonzero(over).tolist():
        bought[k] = chain.plan(cases[k])
    return bought, over


def _in_merit_order(question: Question, order: MeritOrder, cases: _Cases) -> Floats:
    market = question.market
    eta = cases.eta_e8 / E8
    held = cases.held_kg * eta
    with np.errstate(divide="ignore"):
        cost = cases.unit_cost_e8 * market.present_value
        price = np.where(eta > 0, cost / np.maximum(eta, 1 / E8), np.inf)
    most = np.maximum(cases.most_kg * eta - held, 0.0)
    offered = np.zeros((len(eta), len(market.offers)))
    # Every arc of an offer has the same quantity and, for one event, the same eta: any of them tells it.
    offered[:, market.offer_of] = cases.most_kg * eta
    caps = caps_kg(order, cases.need_kg[:, 0], offered)
    if held.any():
        caps = [
            np.maximum(cap - _sum_by_group(held[:, order.columns], f.label, f.groups), 0.0)
            for cap, f in zip(caps, order.families, strict=True)
        ]
    need = np.maximum(cases.need_kg[:, 0] - held.sum(axis=1), 0.0)
    effective = order.fill(price, most, need, caps)
    bought: Floats = np.rint(effective / np.maximum(eta, 1 / E8) * GRAMS) / GRAMS
    return bought


def _sum_by_group(values: Floats, label: Index, groups: int) -> Floats:
    found = np.zeros((len(values), groups))
    for g in np.unique(label[label >= 0]).tolist():
        found[:, g] = np.ascontiguousarray(values[:, label == g]).sum(axis=1)
    return found


def _over_budget(chain: HotChain, cases: _Cases, bought: Floats) -> Bools:
    """Draws in which the merit order, which knows of no money, breaks a budget."""
    fen = (bought + cases.held_kg) * (cases.unit_cost_e8 / (E8 * KG_PER_T))
    over = np.zeros(len(bought), dtype=bool)
    for limit_fen, shares in _budget_shares(chain.market):
        over |= (fen * shares).sum(axis=1) > limit_fen * (1 + 1e-12)
    return over


def _budget_shares(market: Market) -> list[tuple[int, Floats]]:
    """Each budget row's limit, fen, and what share of each arc's cost counts in it; for one event."""
    problem, arcs = market.problem, market.arcs
    found = []
    for budget in (problem.events[0].budget, problem.calendar.budget):
        for row in () if budget is None else budget_rows(budget, arcs.years(), problem.as_of.year):
            years = [None] if row.years is None else list(row.years)
            found.append((row.limit_fen, np.sum([arcs.year_shares(y) for y in years], axis=0) / E4))
    return found


def _measured(
    question: Question,
    drawn: Drawn,
    bought_kg: Floats,
    unit_cost_e8: Ints,
    eta_e8: Ints,
    by_program: Bools,
) -> Sweep:
    arcs, n = question.market.arcs, question.market.problem.rule_pack.n_tiers
    events = range(len(question.event_ids))
    effective = bought_kg * (eta_e8 / (E8 * KG_PER_T))
    return Sweep(
        drawn.seed,
        drawn.first,
        question.event_ids,
        question.years,
        _paid(question, bought_kg, unit_cost_e8),
        drawn.need_kg / KG_PER_T,
        np.stack([_sums(effective, arcs.event == e) for e in events], axis=1),
        np.stack([_sums(effective, arcs.tier == r) for r in range(1, n + 2)], axis=1),
        by_program,
        np.zeros(len(drawn), dtype=bool),
    )


def _sums(values: Floats, columns: Bools) -> Floats:
    """Row sums over some columns: row by row, so that a row's sum does not depend on the chunk."""
    found: Floats = np.ascontiguousarray(values[:, columns]).sum(axis=1)
    return found


def _paid(question: Question, bought_kg: Floats, unit_cost_e8: Ints) -> Floats:
    """Yuan by event and year, shape (draws, events, years)."""
    arcs = question.market.arcs
    yuan = bought_kg * (unit_cost_e8 / (E8 * KG_PER_T * FEN_PER_YUAN))
    paid = np.zeros((len(bought_kg), len(question.event_ids), len(question.years)))
    for k, year in enumerate(question.years):
        share = arcs.year_shares(year) / E4
        for e in range(len(question.event_ids)):
            mine = (arcs.event == e) & (share > 0)
            paid[:, e, k] = _sums(yuan * share, mine)
    return paid


# ----------------------------------------------------------------------------------------------- the second solution


class SweepMismatch(EngineFault):
    """A draw of a sweep differs from the solution that the engine finds for it alone."""


def _checked(question: Question, drawn: Drawn, found: Sweep, cases: _Cases) -> Sweep:
    """Every hundredth draw is solved once more; `short` solves nothing, so there is nothing to check."""
    if question.conduct == "short":
        return found
    again = [k for k in range(len(drawn)) if (drawn.first + k) % CHECKED_EVERY == 0]
    for k in again:
        if question.conduct == "replan":
            _agrees_with_engine(question, drawn, found, k)
        else:
            _agrees_with_program(question, drawn, found, cases, k)
        found.checked[k] = True
    return found


def _agrees_with_engine(question: Question, drawn: Drawn, found: Sweep, k: int) -> None:
    """The draw as a problem of its own, screened, formulated and solved by the engine."""
    alone = solve(question.market.problem_of(drawn, k), WorkLimits(tie_break=False), prove=False)
    n = question.market.problem.rule_pack.n_tiers
    tiers = [float(_tier_kg(alone, r)) / KG_PER_T for r in range(1, n + 2)]
    _compare(question, drawn.first + k, found, k, float(alone.cost_yuan), tiers)


def _tier_kg(solution: Solution, r: int) -> Fraction:
    return sum((kg for (_, tier), kg in solution.measure.covered_kg.items() if tier == r), Fraction(0))


def _agrees_with_program(question: Question, drawn: Drawn, found: Sweep, cases: _Cases, k: int) -> None:
    """What is left to plan, as a linear program on a solver of its own."""
    bought = HotChain(question.market).plan_afresh(cases[k]) + cases.held_kg[k]
    unit_cost, eta = cases.unit_cost_e8[k : k + 1], cases.eta_e8[k : k + 1]
    one = _measured(question, drawn.row(k), bought[None, :], unit_cost, eta, np.ones(1, dtype=bool))
    _compare(question, drawn.first + k, found, k, float(one.cost_yuan[0]), one.tier_t[0].tolist())


def _compare(question: Question, number: int, found: Sweep, k: int, cost: float, tiers: Sequence[float]) -> None:
    """Cost and tonnes of every tier agree, but for a kg of each line: the engine's plans are in whole kg."""
    lines = 1 + len(question.event_ids) * (1 + len(tiers))
    kg_t = lines / KG_PER_T
    dearest = float(found.cost_yuan[k]) / max(float(found.covered_t[k].sum()), kg_t)
    pairs = [("cost", float(found.cost_yuan[k]), cost, kg_t * max(dearest, 1.0) * 10)]
    pairs += [(f"tier {r + 1}", float(found.tier_t[k, r]), t, kg_t) for r, t in enumerate(tiers)]
    for name, mine, alone, allowed in pairs:
        if abs(mine - alone) > allowed + AGREE * abs(alone):
            raise SweepMismatch(f"draw {number}: {name} is {mine}, and {alone} when it is solved alone")
