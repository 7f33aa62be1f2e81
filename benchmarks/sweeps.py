"""Draws per second: price draws over one market, planned anew in each, beside the naive PuLP chain per draw."""

import time
from dataclasses import replace
from datetime import date

import numpy as np

from benchmarks.markets import AS_OF, KINDS, PRICE_MEAN, one_event
from benchmarks.peers import naive_chain
from market_data.draws import FallThroughRule
from market_data.price_models import PriceModel, calibrate
from market_data.price_statistics import PriceHistory
from optimizer.arcs import build_arcs
from optimizer.eligibility import screen
from optimizer.events import Emissions
from optimizer.formulation import formulate
from optimizer.offers import INSTRUMENTS
from optimizer.problem import Problem
from optimizer.program import Program
from scenarios.draws import Uncertainty
from scenarios.stochastic import stand_up_to
from scenarios.sweep import Question, question_of, sweep

OFFERS, DRAWS, SEED = 1_000, 10_000, 7
NAIVE_DRAWS = 10
"""Draws of the naive chain: each takes a good part of a second."""
PROGRAM_DRAWS = 200
STOCHASTIC_DRAWS = 200
BUY_ON = date(2027, 3, 1)
MONTHS = 48


def price_model() -> PriceModel:
    """Calibrated on four made-up years of all five instruments, 6 % a month."""
    names = tuple(n for n in INSTRUMENTS if n in KINDS)
    start = [100 * PRICE_MEAN[KINDS.index(n)] for n in names]
    returns = np.random.default_rng(SEED).normal(0, 0.06, (MONTHS, len(names)))
    fen = np.rint(np.array(start) * np.exp(np.cumsum(returns, axis=0))).astype(np.int64)
    first = np.datetime64(AS_OF, "M") - MONTHS
    return calibrate(PriceHistory(names, np.arange(first, first + MONTHS), fen), "mean-reverting")


def sweeps(offers: int = OFFERS, draws: int = DRAWS) -> None:
    """Merit order, linear programs on one hot solver, and the naive chain, draw by draw, in one run."""
    problem, known = one_event(offers, whole_lots=False), Uncertainty(price_model(), BUY_ON)
    start = time.perf_counter()
    question = question_of(problem, known)
    swept = sweep(question, SEED, draws)
    ours = (time.perf_counter() - start) / draws
    naive, costs = _naive(question)
    assert np.allclose(costs, swept.cost_yuan[: len(costs)], rtol=1e-5), "the yardstick found other costs"
    hot = replace(question, order=None)
    start = time.perf_counter()
    programs = sweep(hot, SEED, PROGRAM_DRAWS)
    lp = (time.perf_counter() - start) / PROGRAM_DRAWS
    assert np.allclose(programs.cost_yuan, swept.cost_yuan[:PROGRAM_DRAWS]), "the two ways disagree"
    print(
        f"{draws:,} price draws over {offers:,} offers, planned anew in each; {int(swept.checked.sum())} checked again"
    )
    rows = {"(a) naive PuLP chain": naive, "(b) merit order, with checks": ours, "(c) hot linear programs": lp}
    for name, seconds in rows.items():
        print(
            f"  {name:30}{seconds * 1e3:9.2f} ms a draw{1 / seconds:10.1f} draws/s   (a) takes {naive / seconds:7.1f} x"
        )
    _stochastic(problem, known)


def _naive(question: Question) -> tuple[float, list[float]]:
    """Seconds a draw, and what each cost: the program is given, only writing and solving it in PuLP is timed."""
    drawn, seconds, costs = question.market.draw(SEED, 0, NAIVE_DRAWS), 0.0, []
    for k in range(NAIVE_DRAWS):
        program = _program(question.market.problem_of(drawn, k))
        names = [level.name for level in program.levels if level.name != "tie-break"]
        start = time.perf_counter()
        values, _ = naive_chain(program, whole=False)
        seconds += time.perf_counter() - start
        costs.append(values[names.index("cost")])
    return seconds / NAIVE_DRAWS, costs


def _program(problem: Problem) -> Program:
    screening = screen(problem)
    return formulate(problem, screening, build_arcs(problem, screening), "face")


def _stochastic(problem: Problem, known: Uncertainty) -> None:
    event = problem.events[0]
    t = event.emissions.emitted_kg / 1000
    given = {"tonnes": f"{t:.1f}", "low": f"{t * 0.8:.1f}", "high": f"{t * 1.3:.1f}", "status": "estimated"}
    uncertain = event.model_copy(update={"emissions": Emissions.model_validate(given)})
    asked = problem.replace(calendar=problem.calendar.model_copy(update={"events": (uncertain,)}))
    start = time.perf_counter()
    found = stand_up_to(asked, replace(known, fall_through=FallThroughRule()), SEED, STOCHASTIC_DRAWS)
    seconds = time.perf_counter() - start
    best, ignoring = found.strategy("stochastic"), found.strategy("expected value")
    print(
        f"two-stage plan, {STOCHASTIC_DRAWS} draws, with its four yardsticks: {seconds:.1f} s;   mean cost "
        f"{best.mean_cost_yuan:,.0f} yuan, of the plan that ignores risk {ignoring.mean_cost_yuan:,.0f}"
    )
