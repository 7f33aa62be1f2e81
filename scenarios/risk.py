"""What thousands of draws say about one plan: its cost, the chance to keep the budget and to cover all, and why.

`assess` runs everything here; `Assessment` splits the same work into questions, so that any runner may sweep them.

What drives the spread is told by freezing one driver at a time under common random numbers: everything else meets the
same futures, only this one is known (prices as planned, every offer held, yields as stated, emissions as estimated).
`spread_share` = 1 - variance of cost with it frozen / variance of cost. Shares need not add up to 1: drivers multiply
(price times need), and freezing one may even widen the spread where two offset each other (then it is below 0).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optimizer.findings import Finding, warning
from optimizer.plan import Json
from optimizer.problem import Problem
from optimizer.program import Floats
from optimizer.quantities import FEN_PER_YUAN, yuan
from optimizer.wording import Language, Text
from scenarios.draws import DRIVERS, Driver, Market, Uncertainty
from scenarios.summary import (
    QUANTILES,
    Distribution,
    Estimate,
    distribution,
    mass_text,
    money_text,
    probability,
    quantile,
    share_text,
)
from scenarios.sweep import Conduct, Money, Question, question_of, sweep
from scenarios.swept import Sweep

if TYPE_CHECKING:
    import pandas as pd

DRIVER_NAMES: Mapping[Driver, Text] = {
    "prices": Text("价格", "prices"),
    "availability": Text("报价落空", "offers that fall through"),
    "yield": Text("林业产出", "forestry yield"),
    "emissions": Text("排放量", "emissions"),
}
CONVERGENCE_PARTS = (8, 4, 2, 1)
"""Quantiles are also told of an eighth, a quarter and half of the draws: draws only append, so these are earlier
readings of the same run."""
ENOUGH = 0.01
"""A P95 whose standard error is above this share of it wants more draws."""
FEN = 0.01
"""Yuan. A cost above the budget by less than half of this is the budget: floats of exact sums."""


@dataclass(frozen=True)
class DriverEffect:
    """What one driver does to the cost."""

    driver: Driver
    spread_share: float
    """Share of the variance of cost that goes when it alone is known."""
    deviation_yuan: float
    """Standard deviation of cost with it frozen."""
    p95_change_yuan: float
    """P95 of cost with it, less P95 with it frozen."""

    def as_dict(self, lang: Language) -> Json:
        """For JSON."""
        return {
            "driver": self.driver,
            "name": DRIVER_NAMES[self.driver].say(lang),
            "spread_share": share_text(self.spread_share),
            "deviation": money_text(self.deviation_yuan),
            "p95_change": money_text(self.p95_change_yuan),
        }


@dataclass(frozen=True, eq=False)
class Risk:
    """The answer. Money in yuan, mass in t; floats, because they are statistics."""

    draws: int
    seed: int
    conduct: Conduct
    plan_cost_yuan: float
    """Today's plan at the prices it was made at."""
    budget_fen: int | None
    cost: Distribution
    shortfall: Distribution
    within_budget: Estimate | None
    """Probability that cost keeps to the budget; None without one."""
    covered: Estimate
    """Probability that every event is covered in full."""
    drivers: tuple[DriverEffect, ...]
    """Those that vary at all, the largest share of the spread first."""
    convergence: tuple[tuple[int, Mapping[str, float]], ...]
    """(draws, quantiles of cost) as the run grew."""
    checked: int
    """Draws that were solved a second time, from nothing, and agreed."""
    by_program: int
    """Draws that needed a linear program."""
    findings: tuple[Finding, ...]

    def to_frame(self) -> "pd.DataFrame":
        """One row a measure, index `measure` (text): value, standard_error, low, high (float64), unit (text)."""
        import pandas as pd

        rows = {f"cost {k}": (e, "yuan") for k, e in self.cost.measures().items()}
        rows |= {f"shortfall {k}": (e, "t") for k, e in self.shortfall.measures().items()}
        rows["covered"] = (self.covered, "1")
        if self.within_budget is not None:
            rows["within budget"] = (self.within_budget, "1")
        columns = {name: [getattr(e, name) for e, _ in rows.values()] for name in ESTIMATE_COLUMNS}
        return pd.DataFrame(
            columns | {"unit": [u for _, u in rows.values()]}, index=pd.Index(list(rows), name="measure")
        )

    def drivers_frame(self) -> "pd.DataFrame":
        """One row a driver, index `driver` (text), largest first: spread_share, deviation_yuan, p95_change_yuan."""
        import pandas as pd

        names = ("spread_share", "deviation_yuan", "p95_change_yuan")
        columns = {n: np.array([getattr(d, n) for d in self.drivers], dtype=np.float64) for n in names}
        return pd.DataFrame(columns, index=pd.Index([d.driver for d in self.drivers], name="driver", dtype=object))

    def as_dict(self, lang: Language) -> Json:
        """For JSON: decimal strings, yuan with two decimals, t with at most three, shares with four."""
        return {
            "draws": self.draws,
            "seed": self.seed,
            "conduct": self.conduct,
            "plan_cost": money_text(self.plan_cost_yuan),
            "budget": None if self.budget_fen is None else yuan(self.budget_fen),
            "cost": {k: e.texts(money_text) for k, e in self.cost.measures().items()},
            "shortfall_t": {k: e.texts(mass_text) for k, e in self.shortfall.measures().items()},
            "within_budget": None if self.within_budget is None else self.within_budget.texts(share_text),
            "covered": self.covered.texts(share_text),
            "drivers": [d.as_dict(lang) for d in self.drivers],
            "convergence": [
                {"draws": n, **{k: money_text(v) for k, v in values.items()}} for n, values in self.convergence
            ],
            "checked": self.checked,
            "by_program": self.by_program,
            "findings": [f.as_dict(lang) for f in self.findings],
        }


ESTIMATE_COLUMNS = ("value", "standard_error", "low", "high")
"""Columns of an estimate in tables."""


@dataclass(frozen=True, eq=False)
class Assessment:
    """The questions behind a risk: with everything drawn, and with each driver that varies frozen in turn."""

    everything: Question
    frozen: Mapping[Driver, Question]

    def risk(self, everything: Sweep, frozen: Mapping[Driver, Sweep]) -> Risk:
        """From the sweeps of these questions, over the same draws of the same seed."""
        question, cost = self.everything, everything.cost_yuan
        shortfall = everything.shortfall_t.sum(axis=1)
        spread = distribution(cost)
        budget = question.budget_fen
        within = None if budget is None else probability(cost <= budget / FEN_PER_YUAN + FEN / 2)
        effects = [_effect(driver, cost, frozen[driver].cost_yuan) for driver in self.frozen]
        return Risk(
            len(everything),
            everything.seed,
            question.conduct,
            question.plan_cost_yuan,
            budget,
            spread,
            distribution(shortfall),
            within,
            probability(shortfall == 0),
            tuple(sorted(effects, key=lambda e: (-e.spread_share, DRIVERS.index(e.driver)))),
            _convergence(cost),
            int(everything.checked.sum()),
            int(everything.by_program.sum()),
            _findings(spread),
        )


def assessment_of(
    problem: Problem, uncertainty: Uncertainty, conduct: Conduct = "replan", money: Money = "measured"
) -> Assessment:
    """The questions to sweep. Raises what `question_of` raises."""
    everything = question_of(problem, uncertainty, conduct, money)
    frozen = {d: question_of(problem, uncertainty.without(d), conduct, money) for d in varying(everything.market)}
    return Assessment(everything, frozen)


def varying(market: Market) -> tuple[Driver, ...]:
    """The drivers that differ between draws of this market at all."""
    known = market.uncertainty
    moves = {
        "prices": bool(market.price_terms),
        "availability": known.fall_through is not None and len(market.offers) > 0,
        "yield": known.yield_spread is not None and len(market.forests) > 0,
        "emissions": known.drawn_emissions
        and any(
            (e.emissions.low_kg, e.emissions.high_kg) != (None, None) and e.emissions.status == "estimated"
            for e in market.problem.events
        ),
    }
    return tuple(d for d in DRIVERS if moves[d])


def assess(
    problem: Problem,
    uncertainty: Uncertainty,
    seed: int,
    draws: int,
    conduct: Conduct = "replan",
    money: Money = "measured",
) -> Risk:
    """The risk of a problem, all in this process.

    Raises:
        BadInput: numbers of draws or a day of purchase out of range.
        EngineFault: a draw could not be solved, or its second solution differs.
    """
    asked = assessment_of(problem, uncertainty, conduct, money)
    everything = sweep(asked.everything, seed, draws)
    return asked.risk(everything, {d: sweep(q, seed, draws) for d, q in asked.frozen.items()})


def _effect(driver: Driver, cost: Floats, frozen: Floats) -> DriverEffect:
    all_of_it, rest = float(cost.var()), float(frozen.var())
    share = 1 - rest / all_of_it if all_of_it > 0 else 0.0
    p95 = QUANTILES["P95"]
    change = quantile(cost, p95).value - quantile(frozen, p95).value
    return DriverEffect(driver, share, rest**0.5, change)


def _convergence(cost: Floats) -> tuple[tuple[int, Mapping[str, float]], ...]:
    sizes = sorted({max(1, len(cost) // part) for part in CONVERGENCE_PARTS})
    return tuple((n, {name: quantile(cost[:n], q).value for name, q in QUANTILES.items()}) for n in sizes)


def _findings(cost: Distribution) -> tuple[Finding, ...]:
    p95 = cost.quantiles["P95"]
    if p95.reached and p95.standard_error <= ENOUGH * abs(p95.value):
        return ()
    zh = f"{cost.n} 次抽样对 P95 偏少: 标准误 {money_text(p95.standard_error)} 元; 请增加抽样"
    en = f"{cost.n} draws are few for P95: its standard error is {money_text(p95.standard_error)} yuan; draw more"
    return (warning("few_draws", zh, en, path="draws"),)
