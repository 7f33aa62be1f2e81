"""Price draws over one market, planned anew in each: beside the naive PuLP chain and a hot HiGHS chain per draw."""

import statistics
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import ExitStack
from datetime import date
from functools import partial
from importlib import import_module
from importlib.util import find_spec

import numpy as np

from api.executors import opened_executor
from benchmarks.figures import Figure, beside, in_turns
from benchmarks.markets import AS_OF, KINDS, PRICE_MEAN, one_event
from benchmarks.peers import HotChain, levels_of, naive_chain, program_of
from market_data.price_models import PriceModel, calibrate
from market_data.price_statistics import PriceHistory
from optimizer.offers import INSTRUMENTS
from optimizer.program import Program
from scenarios.draws import Uncertainty
from scenarios.runner import run
from scenarios.sweep import Question, question_of, ranges, sweep, sweep_range
from scenarios.swept import Sweep, joined

OFFERS, DRAWS, SEED = 1_000, 10_000, 7
QUICK_OFFERS, QUICK_DRAWS = 100, 1_000
NAIVE_DRAWS, HOT_DRAWS = 5, 50
"""Draws that a yardstick plans in a turn: each takes long."""
WORKERS = 2
RANGE = 250
"""Draws that travel together to a worker."""
WORKER_TIMES = 4
"""How many times the draws of `draws` are shared out: enough that a worker's start is nothing."""
BUY_ON = date(2027, 3, 1)
MONTHS = 48
AGREE = 1e-5
"""Relative: how far a yardstick's cost of a draw may be from ours."""


def price_model() -> PriceModel:
    """Calibrated on four made-up years of all five instruments, 6 % a month."""
    names = tuple(n for n in INSTRUMENTS if n in KINDS)
    start = [100 * PRICE_MEAN[KINDS.index(n)] for n in names]
    returns = np.random.default_rng(SEED).normal(0, 0.06, (MONTHS, len(names)))
    fen = np.rint(np.array(start) * np.exp(np.cumsum(returns, axis=0))).astype(np.int64)
    first = np.datetime64(AS_OF, "M") - MONTHS
    return calibrate(PriceHistory(names, np.arange(first, first + MONTHS), fen), "mean-reverting")


def draws_text(draws: int, offers: int) -> str:
    """The size of a row."""
    return f"{draws:,} draws x {offers:,} offers"


def draws(quick: bool) -> Iterator[Figure]:
    """10,000 price draws over 1,000 offers, planned anew in each; the question's own making counts."""
    offers, count = (QUICK_OFFERS, QUICK_DRAWS) if quick else (OFFERS, DRAWS)
    problem, known = one_event(offers, whole_lots=False), Uncertainty(price_model(), BUY_ON)
    programs = _programs(question_of(problem, known), HOT_DRAWS)
    chain = HotChain(program_of(problem))
    cost_levels = [levels_of(program)[-1] for program in programs]
    weights = [program.objective(level) for program, level in zip(programs, cost_levels, strict=True)]
    works = {
        "ours": lambda: sweep(question_of(problem, known), SEED, count).cost_yuan,
        "naive": lambda: np.array([naive_chain(program)[-1] for program in programs[:NAIVE_DRAWS]]),
        "hot": lambda: np.array([chain.values(cost)[-1] for cost in weights]),
    }
    seconds, costs = in_turns(works, 3)
    mine = [s / count for s in seconds["ours"]]
    for name, per_turn, mark in (("naive", NAIVE_DRAWS, 300.0), ("hot", HOT_DRAWS, 15.0)):
        note = "" if np.allclose(costs[name], costs["ours"][:per_turn], rtol=AGREE) else "disagrees"
        theirs = [s / per_turn for s in seconds[name]]
        yield beside("draws", draws_text(count, offers), name, mine, theirs, mark, kind="speed-up", note=note)


def _programs(question: Question, count: int) -> list[Program]:
    drawn = question.market.draw(SEED, 0, count)
    return [program_of(question.market.problem_of(drawn, k)) for k in range(count)]


def workers(quick: bool) -> Iterator[Figure]:
    """The same draws shared out over two processes, and over two workers of a Dask cluster: speed-up / 2."""
    offers, count = (QUICK_OFFERS, QUICK_DRAWS) if quick else (OFFERS, DRAWS * WORKER_TIMES)
    question = question_of(one_event(offers, whole_lots=False), Uncertainty(price_model(), BUY_ON))
    size = draws_text(count, offers)
    with ExitStack() as open_until_done:
        yield _efficiency(
            size, "two processes", question, count, open_until_done.enter_context(opened_executor(WORKERS))
        )
    if find_spec("distributed") is None:
        return
    local = import_module("distributed").LocalCluster
    with (
        local(n_workers=WORKERS, threads_per_worker=1, dashboard_address=None) as cluster,
        opened_executor(1, cluster.scheduler_address) as executor,
    ):
        yield _efficiency(size, "two Dask workers", question, count, executor)


def _efficiency(size: str, name: str, question: Question, count: int, executor: Executor | None) -> Figure:
    """Speed-up over one process, as a share of the number of workers."""
    works = {
        "one": partial(_shared_out, question, count, None),
        "many": partial(_shared_out, question, count, executor),
    }
    seconds, swept = in_turns(works, 3)
    same = np.array_equal(swept["one"].cost_yuan, swept["many"].cost_yuan)
    pairs = sorted(one / many / WORKERS for one, many in zip(seconds["one"], seconds["many"], strict=True))
    value = statistics.median(seconds["one"]) / statistics.median(seconds["many"]) / WORKERS
    return Figure(
        "workers", size, name, "share", value, pairs[0], pairs[-1], len(pairs), None, "" if same else "disagrees"
    )


def _shared_out(question: Question, count: int, executor: Executor | None) -> Sweep:
    parts = run(ranges(SEED, count, RANGE), partial(sweep_range, question), executor, chunk=1)
    return joined([part for part in parts if isinstance(part, Sweep)])
