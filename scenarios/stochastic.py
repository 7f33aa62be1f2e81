"""The plan that stands up to what is not known: what to buy today and what to leave for later, over hundreds of draws.

    stochastic          buys x today and the best y of each draw later: the two-stage program, `recourse`
    expected value      x from the problem with every number at its mean: the plan that ignores risk
    today               everything bought today, as a plan without draws would
    later               nothing bought today
    wait and see        each draw known in advance: no plan, but the best that any could come to

    VSS  = expected value - stochastic     the value of the stochastic solution, >= 0: what ignoring risk costs
    EVPI = stochastic - wait and see       the value of perfect information, >= 0: what knowing the draw would save

(Birge and Louveaux 2011, "Introduction to stochastic programming", 4.1 and 4.2; minimisation.) Each is compared by its
*worth*: (1 - w) mean + w CVaR of money and penalties; a monotone measure, so both inequalities hold for every w.

What is left uncovered costs a penalty a tonne, and so does what a tier leaves to lower ones: by default twice the
dearest drawn price of an effective tonne at stated yields, so that covering comes before saving, and the order of tiers
before cost, wherever a tonne of one offer may take the place of another's. Bought today is certain; what falls through
is what is asked for later. Budgets are measured, not kept; minimum shares are left out, and a finding says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from optimizer.arcs import Arcs
from optimizer.errors import BadInput
from optimizer.explain import without_budget
from optimizer.findings import Finding, fault, warning
from optimizer.limits import limit_groups
from optimizer.plan import Json
from optimizer.problem import NO_OUTLOOK, Problem
from optimizer.program import Floats, Index
from optimizer.quantities import E4, FEN_PER_YUAN, KG_PER_T
from optimizer.timeline import E8
from optimizer.wording import Language, Text
from scenarios.draws import Market, Uncertainty, market_of
from scenarios.recourse import Cap, Played, Recourse, TwoStage
from scenarios.summary import TAIL, mass_text, money_text, quantile, share_text, tail_mean

if TYPE_CHECKING:
    import pandas as pd

SAFETY = 2
"""Default penalties are this many times the dearest price: clear of every difference between two prices."""
SAME = 1e-7
"""Relative. Two worths nearer than this are the same: the solver's tolerance."""
LEAST_SHOWN_T = 0.0005
"""t. Purchases below half a kg are the solver's dust."""

STRATEGY_NAMES: Mapping[str, Text] = {
    "stochastic": Text("两阶段随机规划", "two-stage stochastic plan"),
    "expected value": Text("按平均值的方案 (不计风险)", "plan at mean values (ignores risk)"),
    "today": Text("今日全部买入", "everything today"),
    "later": Text("全部留待以后", "everything later"),
    "wait and see": Text("事先知晓 (理想)", "wait and see (perfect information)"),
}


@dataclass(frozen=True)
class Strategy:
    """What one way of buying comes to over the draws; yuan and t."""

    name: str
    worth_yuan: float
    """(1 - w) mean + w CVaR of money and penalties: what is minimised."""
    mean_cost_yuan: float
    """Money only."""
    p95_cost_yuan: float
    tail_cost_yuan: float
    """CVaR of money only, at the question's tail share."""
    mean_shortfall_t: float
    covered_share: float
    """Share of draws in which everything is covered."""
    today_cost_yuan: float
    """Spent today."""

    def as_dict(self, lang: Language) -> Json:
        """For JSON."""
        return {
            "strategy": self.name,
            "name": STRATEGY_NAMES[self.name].say(lang),
            "worth": money_text(self.worth_yuan),
            "mean_cost": money_text(self.mean_cost_yuan),
            "p95_cost": money_text(self.p95_cost_yuan),
            "tail_cost": money_text(self.tail_cost_yuan),
            "mean_shortfall_t": mass_text(self.mean_shortfall_t),
            "covered": share_text(self.covered_share),
            "today_cost": money_text(self.today_cost_yuan),
        }


@dataclass(frozen=True)
class Purchase:
    """One offer for one event; contracted t."""

    event_id: str
    offer_id: str
    tier: int
    today_t: float
    """To be bought today."""
    later_t: float
    """Mean over the draws of what is bought later."""
    ignoring_risk_t: float
    """What the expected-value plan would buy today."""

    def as_dict(self, lang: Language) -> Json:
        """For JSON."""
        mass = {"today_t": self.today_t, "later_t": self.later_t, "ignoring_risk_t": self.ignoring_risk_t}
        whose: Json = {"event_id": self.event_id, "offer_id": self.offer_id, "tier": self.tier}
        return whose | {name: mass_text(t) for name, t in mass.items()}


@dataclass(frozen=True, eq=False)
class StochasticPlan:
    """What to buy today, and what that is worth against other ways of buying."""

    draws: int
    seed: int
    tail_weight_e4: int
    tail_share: float
    penalty_yuan_per_t: tuple[float, ...]
    """Of each tier's gap 1 .. n, then of the shortfall."""
    purchases: tuple[Purchase, ...]
    strategies: tuple[Strategy, ...]
    """Stochastic, expected value, today, later, wait and see."""
    vss_yuan: float
    evpi_yuan: float
    findings: tuple[Finding, ...]

    def strategy(self, name: str) -> Strategy:
        """One of STRATEGY_NAMES. Raises KeyError."""
        return {s.name: s for s in self.strategies}[name]

    def to_frame(self) -> "pd.DataFrame":
        """One row a strategy, index `strategy` (text), all columns float64: the fields of `Strategy`, in yuan and t."""
        import pandas as pd

        names = [n for n in Strategy.__dataclass_fields__ if n != "name"]
        columns = {n: [float(getattr(s, n)) for s in self.strategies] for n in names}
        return pd.DataFrame(columns, index=pd.Index([s.name for s in self.strategies], name="strategy"))

    def purchases_frame(self) -> "pd.DataFrame":
        """One row an event and offer: event_id, offer_id (text), tier (int64), today_t, later_t, ignoring_risk_t."""
        import pandas as pd

        kinds = {"tier": "int64", "today_t": "float64", "later_t": "float64", "ignoring_risk_t": "float64"}
        rows = {n: [getattr(p, n) for p in self.purchases] for n in Purchase.__dataclass_fields__}
        return pd.DataFrame(rows).astype(kinds)

    def as_dict(self, lang: Language) -> Json:
        """For JSON: decimal strings."""
        return {
            "draws": self.draws,
            "seed": self.seed,
            "tail_weight": share_text(self.tail_weight_e4 / E4),
            "tail_share": share_text(self.tail_share),
            "penalties": [money_text(p) for p in self.penalty_yuan_per_t],
            "purchases": [p.as_dict(lang) for p in self.purchases],
            "strategies": [s.as_dict(lang) for s in self.strategies],
            "value_of_the_stochastic_solution": money_text(self.vss_yuan),
            "value_of_perfect_information": money_text(self.evpi_yuan),
            "findings": [f.as_dict(lang) for f in self.findings],
        }


def stand_up_to(
    problem: Problem,
    uncertainty: Uncertainty,
    seed: int,
    draws: int,
    *,
    tail_weight_e4: int = 0,
    tail_share: float = TAIL,
    shortfall_fen_per_t: int | None = None,
    order_fen_per_t: int | None = None,
) -> StochasticPlan:
    """The two-stage plan of a problem over draws 0 .. draws - 1, beside the ways of buying that it is measured by.

    Args:
        problem: as read; quantities become divisible, the outlook gives way to the draws.
        uncertainty: `buy_on` is the later day and must be given.
        seed: of the draws.
        draws: hundreds; each adds a column for every offer.
        tail_weight_e4: weight of CVaR against the mean, 0 .. 10^4.
        tail_share: CVaR is the mean of the dearest 1 - tail_share.
        shortfall_fen_per_t: penalty of a tonne left uncovered; None: the default.
        order_fen_per_t: penalty of a tonne that a tier leaves to lower ones; None: the default; 0: order is no goal.

    Raises:
        BadInput: no later day, or a number out of range.
        SolverFailure: HiGHS gave no answer.
    """
    _check(problem, uncertainty, tail_weight_e4, tail_share)
    bare = without_budget(problem).with_settings(discount_rate_e4=0).replace(outlook=NO_OUTLOOK)
    now, later = market_of(bare, replace(uncertainty, buy_on=None)), market_of(bare, uncertainty)
    penalties = (shortfall_fen_per_t, order_fen_per_t)
    pairs = _Pairs.of(now, later)
    recourse = replace(pairs.recourse(seed, draws, penalties), tail_weight=tail_weight_e4 / E4, tail_share=tail_share)
    ways = _ways(recourse, pairs.planned_need_t(), pairs.planned_eta())
    strategies = tuple(_strategy(name, recourse, played) for name, played in ways.items())
    worth = {s.name: s.worth_yuan for s in strategies}
    return StochasticPlan(
        draws,
        seed,
        tail_weight_e4,
        tail_share,
        tuple(recourse.penalty.tolist()),
        pairs.purchases(ways["stochastic"], ways["expected value"].now_t),
        strategies,
        less(worth["expected value"], worth["stochastic"]),
        less(worth["stochastic"], worth["wait and see"]),
        _findings(problem),
    )


def _check(problem: Problem, uncertainty: Uncertainty, tail_weight_e4: int, tail_share: float) -> None:
    found = []
    if uncertainty.buy_on is None or uncertainty.buy_on <= problem.as_of:
        zh, en = f"应给出晚于 {problem.as_of} 的购买日", f"should be a day of purchase after {problem.as_of}"
        found.append(fault("buy_on", zh, en, path="buy_on", value=uncertainty.buy_on))
    if not 0 <= tail_weight_e4 <= E4:
        zh, en = "权重应在 0 与 1 之间", "a weight should be from 0 to 1"
        found.append(fault("tail_weight", zh, en, path="tail_weight", value=tail_weight_e4))
    if not 0 < tail_share < 1:
        zh, en = "应在 0 与 1 之间", "should be between 0 and 1"
        found.append(fault("tail_share", zh, en, path="tail_share", value=tail_share))
    if found:
        raise BadInput(found)


def _findings(problem: Problem) -> tuple[Finding, ...]:
    if not any(limit.min_share_e4 is not None for e in problem.events for limit in e.limits):
        return ()
    zh, en = "两阶段规划不计最低份额", "minimum shares are left out of the two-stage plan"
    return (warning("min_share_left_out", zh, en, path="limits"),)


def less(a: float, b: float) -> float:
    """a - b; 0 where the two are the same but for the solver's tolerance."""
    return 0.0 if abs(a - b) <= SAME * max(abs(a), abs(b), 1.0) else a - b


def _ways(recourse: Recourse, planned_need_t: Floats, planned_eta: Floats) -> dict[str, Played]:
    """Every way of buying, played through all draws."""
    two = TwoStage(recourse)
    best, _ = two.best()
    ignoring, _ = TwoStage(recourse.mean()).best()
    today, _ = TwoStage(recourse.today_only(planned_need_t, planned_eta)).best()
    nothing = np.zeros(len(best))
    return {
        "stochastic": two.played(best),
        "expected value": two.played(ignoring),
        "today": two.played(today),
        "later": two.played(nothing),
        "wait and see": TwoStage(recourse.foreseen()).played(nothing),
    }


def _strategy(name: str, recourse: Recourse, played: Played) -> Strategy:
    cost = played.cost_yuan
    return Strategy(
        name,
        recourse.worth(played.outcomes),
        float(cost.mean()),
        quantile(cost, TAIL).value,
        tail_mean(cost, recourse.tail_share).value,
        float(played.shortfall_t.mean()),
        float((played.shortfall_t < LEAST_SHOWN_T).mean()),
        float(np.sum(recourse.now_cost * played.now_t)),
    )


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Every event and offer that can be bought today or later, and where its arcs are (-1: on that day it cannot)."""

    now: Market
    later: Market
    arcs: Arcs
    """One a pair, for what does not depend on the day."""
    now_arc: Index
    later_arc: Index

    @classmethod
    def of(cls, now: Market, later: Market) -> "_Pairs":
        """In order of event, tier and offer."""
        then = np.datetime64(later.start, "D")
        places = [
            {(int(e), int(i)): a for a, (e, i) in enumerate(zip(m.arcs.event, m.arcs.offer, strict=True))}
            for m in (now, later)
        ]
        today = {k: a for k, a in places[0].items() if now.arcs.day[a] < then}
        keys = [*today, *(k for k in places[1] if k not in today)]
        now_arc = np.array([today.get(k, -1) for k in keys], dtype=np.int64)
        later_arc = np.array([places[1].get(k, -1) for k in keys], dtype=np.int64)
        arcs = _one_after_the_other(now.arcs.take(now_arc[now_arc >= 0]), later.arcs.take(later_arc[now_arc < 0]))
        order = np.lexsort((arcs.offer, arcs.tier, arcs.event))
        return cls(now, later, arcs.take(order), now_arc[order], later_arc[order])

    def recourse(self, seed: int, draws: int, penalties_fen: tuple[int | None, int | None]) -> Recourse:
        """The pairs over draws 0 .. draws - 1 as numbers; the tail is the caller's."""
        problem, arcs = self.later.problem, self.arcs
        drawn = self.later.draw(seed, 0, draws)
        quantity = problem.offers.quantity_kg[arcs.offer] / KG_PER_T
        later_cost = self._of_later(self.later.cost_yuan(drawn), np.inf)
        later_cost = np.where(np.isfinite(later_cost), later_cost, self._now_cost()[None, :])
        later_most = self._of_later(self.later.most_kg(drawn) / KG_PER_T, 0.0)
        penalty = self._penalty(later_cost, penalties_fen)
        return Recourse(
            event=arcs.event.astype(np.int64),
            offer=arcs.offer.astype(np.int64),
            tier=arcs.tier.astype(np.int64),
            quantity_t=quantity,
            now_cost=np.where(self.now_arc >= 0, self._now_cost(), later_cost.max(axis=0, initial=0.0)),
            now_most_t=np.where(self.now_arc >= 0, quantity, 0.0),
            later_cost=later_cost,
            later_most_t=later_most,
            eta=self._eta(seed, draws),
            need_t=drawn.need_kg / KG_PER_T,
            penalty=penalty,
            caps=self._caps(),
        )

    def _now_cost(self) -> Floats:
        costs = self.now.arcs.unit_cost_e8 / float(E8 * FEN_PER_YUAN)
        found: Floats = np.where(self.now_arc >= 0, np.append(costs, 0.0)[self.now_arc], 0.0)
        return found

    def _of_later(self, values: Floats, otherwise: float) -> Floats:
        padded = np.concatenate([values, np.full((len(values), 1), otherwise)], axis=1)
        return np.ascontiguousarray(padded[:, self.later_arc])

    def _eta(self, seed: int, draws: int) -> Floats:
        """The same forest yields the same whether it is bought today or later."""
        now = self.now.eta_e8(self.now.draw(seed, 0, draws)) / E8
        padded = np.concatenate([now, np.zeros((draws, 1))], axis=1)[:, self.now_arc]
        later = self._of_later(self.later.eta_e8(self.later.draw(seed, 0, draws)) / E8, 0.0)
        found: Floats = np.where(self.later_arc >= 0, later, padded)
        return found

    def _penalty(self, later_cost: Floats, given_fen: tuple[int | None, int | None]) -> Floats:
        n = self.later.problem.rule_pack.n_tiers
        dearest = np.maximum(later_cost.max(axis=0, initial=0.0), self._now_cost()) / self.planned_eta()
        default = float(ceil(SAFETY * float(dearest.max(initial=1.0))))
        shortfall, order = (default if fen is None else fen / FEN_PER_YUAN for fen in given_fen)
        return np.append(np.full(n, order), shortfall)

    def planned_eta(self) -> Floats:
        """As stated, shape (a,)."""
        found: Floats = self.arcs.eta_e8 / E8
        return found

    def planned_need_t(self) -> Floats:
        """Shape (e,)."""
        return np.array([e.need_kg for e in self.now.problem.events]) / KG_PER_T

    def _caps(self) -> tuple[Cap, ...]:
        found = []
        for e, event in enumerate(self.now.problem.events):
            mine = np.flatnonzero(self.arcs.event == e)
            for limit in event.limits:
                if limit.max_share_e4 is None:
                    continue
                members, group, names = limit_groups(self.now.problem, self.arcs, mine, limit)
                most = limit.max_share_e4 * event.need_kg / (E4 * KG_PER_T)
                found += [Cap(name, members[group == g], most) for g, name in enumerate(names)]
        return tuple(found)

    def purchases(self, played: Played, ignoring_t: Floats) -> tuple[Purchase, ...]:
        """Those of either plan, in order of event, tier and offer."""
        problem, later = self.now.problem, played.later_t.mean(axis=0)
        shown = np.flatnonzero(np.maximum(np.maximum(played.now_t, later), ignoring_t) >= LEAST_SHOWN_T)
        return tuple(
            Purchase(
                problem.events[int(self.arcs.event[a])].id,
                str(problem.offers.offer_id[int(self.arcs.offer[a])]),
                int(self.arcs.tier[a]),
                float(played.now_t[a]),
                float(later[a]),
                float(ignoring_t[a]),
            )
            for a in shown.tolist()
        )


def _one_after_the_other(a: Arcs, b: Arcs) -> Arcs:
    """Two runs of arcs as one, without their payments."""
    names = [n for n in Arcs.__dataclass_fields__ if n != "payments"]
    return Arcs(**{n: np.concatenate([getattr(a, n), getattr(b, n)]) for n in names}, payments=())
