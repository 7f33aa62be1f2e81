"""One event on one market: the certified plan beside one raw solve, beside peers, its growth and its memory."""

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks.figures import Figure, beside, growth, in_turns
from benchmarks.markets import one_event
from benchmarks.modelled_peers import OPTIONAL, PEERS, installed, ortools_chain
from benchmarks.own_process import beyond_mb, in_own_process, within
from benchmarks.peers import cold_solve, levels_of, naive_lots, program_of, value_of_plan
from optimizer import Offers, Plan, Problem, plan
from optimizer.offers import Labels
from optimizer.program import Program

GROWTH_SIZES, QUICK_GROWTH_SIZES = (1_000, 10_000, 100_000, 1_000_000), (500, 1_000, 2_000, 4_000)
PEER_SIZES, QUICK_PEER_SIZES = (2_000, 20_000), (200,)
WHOLE_SIZES, QUICK_WHOLE_SIZES = (200, 1_000), (100,)
WHOLE_SEEDS = range(5)
PATIENCE = 5.0
"""A raw solve is stopped once it has taken this many times as long as the plan."""
BRIEF = 1.0
"""s. Beside a plan that takes less, a raw solve runs to its end."""
NAIVE_SECONDS = 20.0
"""A level of the naive chain of integer programs may take this long."""
AGREE = 1e-5
"""Relative to a level's value, and to the need for levels in t: chains that differ by more do not agree."""


class Measured(NamedTuple):
    """A figure and the medians behind it, s."""

    figure: Figure
    ours: float
    cold: float


def offers_text(n: int) -> str:
    """The size of a row."""
    return f"{n:,} offers"


def unproven(made: Plan) -> str:
    """The note of a plan of which some level is not proven exactly; empty where all are."""
    return "" if all(level.proof == "exact" for level in made.levels) else "unproven"


def event(quick: bool) -> Iterator[Figure]:
    """200 offers: from a problem in memory to a certified plan, and to an explained one."""
    n = 50 if quick else 200
    problem = one_event(n, whole_lots=False)
    program = program_of(problem)
    works = {
        "plan": lambda: plan(problem, explanations="none"),
        "explained": lambda: plan(problem),
        "cold": lambda: cold_solve(program),
    }
    seconds, given = in_turns(works, 5 if quick else 41)
    note = unproven(given["plan"])
    yield beside("event", offers_text(n), "cold", seconds["plan"], seconds["cold"], 10.0, note=note)
    yield beside("event", f"{offers_text(n)}, explained", "cold", seconds["explained"], seconds["cold"])


def beside_cold(row: str, size: str, problem: Problem, turns: int, mark: float | None, *, warm: bool) -> Measured:
    """The certified plan and one raw solve in turns; a raw solve that takes PATIENCE times as long is stopped."""
    program = program_of(problem)
    notes, cut, last = [""], [False], [0.0]

    def ours() -> None:
        start = time.perf_counter()
        notes.append(unproven(plan(problem, explanations="none")))
        last[0] = time.perf_counter() - start

    def cold() -> None:
        if last[0] < BRIEF:
            cold_solve(program)
        else:
            cut.append(within(partial(cold_solve, program), PATIENCE * last[0]) is None)

    seconds, _ = in_turns({"ours": ours, "cold": cold}, turns, warm=warm)
    figure = beside(row, size, "cold", seconds["ours"], seconds["cold"], mark, note=max(notes), cut=any(cut))
    return Measured(figure, statistics.median(seconds["ours"]), statistics.median(seconds["cold"]))


def market(quick: bool) -> Iterator[Figure]:
    """100,000 offers of 5,000 capped sellers."""
    n = 2_000 if quick else 100_000
    yield beside_cold("market", offers_text(n), one_event(n, whole_lots=False), 3, 1.0, warm=quick).figure


def million(quick: bool) -> Iterator[Figure]:
    """1,000,000 offers of 50,000 capped sellers."""
    n = 4_000 if quick else 1_000_000
    yield beside_cold("million", offers_text(n), one_event(n, whole_lots=False), 1, 0.5, warm=quick).figure


# ------------------------------------------------------------------------------------------------------------ growth


def growths(quick: bool) -> Iterator[Figure]:
    """From a thousand offers to a million: each beside one raw solve, and the exponents of both."""
    sizes = QUICK_GROWTH_SIZES if quick else GROWTH_SIZES
    found = []
    for n in sizes:
        turns = 7 if n <= 10_000 else 1
        problem = one_event(n, whole_lots=False)
        found.append(beside_cold("growth", offers_text(n), problem, turns, None, warm=n <= 10_000))
        yield found[-1].figure
    yield from exponents("growth", sizes, "offers", found, 1.1)


def exponents(
    row: str, sizes: Sequence[int], what: str, found: Sequence[Measured], mark: float | None = None
) -> Iterator[Figure]:
    """Growth of the plan over all sizes, and of the raw solve over those at which it was not stopped."""
    yield growth(row, f"{sizes[0]:,} .. {sizes[-1]:,} {what}", "none", sizes, [one.ours for one in found], mark)
    ended = [(n, one.cold) for n, one in zip(sizes, found, strict=True) if not one.figure.cut]
    if len(ended) > 1:
        raw, seconds = zip(*ended, strict=True)
        yield growth(row, f"{raw[0]:,} .. {raw[-1]:,} {what}, the raw solve", "none", raw, seconds)


def _planned(problem: Problem) -> None:
    if unproven(plan(problem, explanations="none")):
        raise ArithmeticError("a plan whose growth is measured is not proven")


# ------------------------------------------------------------------------------------------------------------ memory


def memory(quick: bool) -> Iterator[Figure]:
    """The most that planning takes beyond the problem, in the bytes of the offers' own arrays."""
    n = 20_000 if quick else 1_000_000
    told = [in_own_process("benchmarks.plans:memory_job", str(n)) for _ in range(1 if quick else 2)]
    beyond = [one["beyond_mb"] for one in told]
    if min(beyond) <= 0:
        print("memory: this system does not tell a peak anew; the row is left out", file=sys.stderr)
        return
    yield beside("memory", offers_text(n), "arrays", beyond, [one["arrays_mb"] for one in told], 3.0)


def memory_job(n: str) -> dict[str, float]:
    """In a process of its own."""
    problem = one_event(int(n), whole_lots=False)
    beyond = beyond_mb(lambda: plan(problem, explanations="none"))
    return {"beyond_mb": beyond, "arrays_mb": arrays_mb(problem.offers)}


def arrays_mb(offers: Offers) -> float:
    """Megabytes of the columns: numbers, days and codes, and the ids' texts; not the tables of names."""
    total = sum(sys.getsizeof(text) for text in offers.offer_id.tolist())
    for field in fields(offers):
        column = getattr(offers, field.name)
        array = column.codes if isinstance(column, Labels) else column
        total += array.nbytes if isinstance(array, np.ndarray) else 0
    return total / 2**20


# ------------------------------------------------------------------------------------------------- peers, whole lots


def peers(quick: bool) -> Iterator[Figure]:
    """The same levels in other people's tools: without certificate, explanations and tie-break, from ready arrays."""
    absent = [name for name in OPTIONAL if not installed(name)]
    if absent:
        print(f"peers: not installed, left out: {', '.join(absent)} (make peers)", file=sys.stderr)
    for n in QUICK_PEER_SIZES if quick else PEER_SIZES:
        problem = one_event(n, whole_lots=False)
        yield from _peers_at(n, problem, program_of(problem))


def _peers_at(n: int, problem: Problem, program: Program) -> Iterator[Figure]:
    made = plan(problem, explanations="none")
    for name, chain in PEERS.items():
        if installed(name):
            works: dict[str, Callable[[], Any]] = {"ours": partial(_planned, problem), name: partial(chain, program)}
            seconds, given = in_turns(works, 3)
            note = "" if agrees(program, made, given[name]) else "disagrees"
            yield beside("peers", offers_text(n), name, seconds["ours"], seconds[name], note=note)
    if installed("ortools"):
        ours, glop, note = [], [], ""
        for _ in range(3):
            start = time.perf_counter()
            _planned(problem)
            ours.append(time.perf_counter() - start)
            values, seconds_of_glop = ortools_chain(program)
            glop.append(seconds_of_glop)
            note = "" if agrees(program, made, values) else "disagrees"
        yield beside("peers", offers_text(n), "ortools", ours, glop, note=note)


def agrees(program: Program, made: Plan, values: list[float] | None) -> bool:
    """Whether a chain's values are those of the plan, to within what whole kg and a solver's noise explain."""
    ours = value_of_plan(made)
    need = float(made.totals.required_t)
    names = [level.name for level in levels_of(program)]
    if values is None or len(values) != len(names):
        return False
    scale = {name: max(abs(ours[name]), need if name != "cost" else 1.0) for name in names}
    return all(abs(v - ours[name]) <= AGREE * scale[name] for name, v in zip(names, values, strict=True))


def whole(quick: bool) -> Iterator[Figure]:
    """Whole lots, one offer in five with a minimum and a fixed fee: beside a naive chain of integer programs."""
    for n in QUICK_WHOLE_SIZES if quick else WHOLE_SIZES:
        ours, naive, exact, levels = [], [], 0, 0
        for seed in range(2) if quick else WHOLE_SEEDS:
            problem = one_event(n, seed, whole_lots=True, minimums=True)
            program = program_of(problem)
            start = time.perf_counter()
            made = plan(problem, explanations="none")
            ours.append(time.perf_counter() - start)
            exact += sum(level.proof == "exact" for level in made.levels)
            levels += len(made.levels)
            start = time.perf_counter()
            naive_lots(program, whole=True, seconds=NAIVE_SECONDS)
            naive.append(time.perf_counter() - start)
        yield beside("whole", offers_text(n), "naive MIP", ours, naive)
        share = exact / levels
        yield Figure("whole", f"{offers_text(n)}, proven exactly", "none", "share", share, share, share, levels, None)
