"""`make bench`: the engine beside its yardsticks, in one run. Prints ratios of medians, and memory.

python -m benchmarks            200, 2,000, 20,000 and 100,000 offers; whole lots at 200 and 1,000
python -m benchmarks 200 2000   only these sizes
python -m benchmarks curves     exact curves beside the plan: examples, 200 and 1,000 offers; curves 5000 for others
python -m benchmarks sweeps     10,000 price draws over 1,000 offers, beside the naive chain; sweeps 200 1000 for fewer
python -m benchmarks service    POST of a plan of 200 offers to a running service, beside the plan in process
python -m benchmarks ledger     10,000 holds from 8 processes beside bare updates; 1,000 quotes; ledger 800 50 for fewer
python -m benchmarks market     a million made-up offers from file to offers, beside pandas; market 100000 for fewer
"""

import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable

from benchmarks.curves import curves
from benchmarks.ledger import ledger
from benchmarks.market_files import market_files
from benchmarks.markets import one_event
from benchmarks.peers import cold_solve, naive_chain
from benchmarks.service_plans import service_plans
from benchmarks.sweeps import sweeps
from optimizer import Problem, plan
from optimizer.arcs import build_arcs
from optimizer.eligibility import screen
from optimizer.formulation import formulate
from optimizer.limits import fit
from optimizer.program import Program

SIZES = (200, 2_000, 20_000, 100_000)
WHOLE_SIZES = (200, 1_000)
WHOLE_SEEDS = range(5)
NAIVE_SECONDS = 20.0


def seconds_of(work: Callable[[], object], times: int) -> float:
    """Median wall time of `times` runs."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def program_of(problem: Problem) -> Program:
    """The whole program of a problem, as the yardsticks solve it."""
    screening = screen(problem)
    arcs = build_arcs(problem, screening)
    whole = problem.settings.whole_lots
    return formulate(problem, screening, fit(problem, arcs) if whole else arcs, "rows" if whole else "face")


def peak_mb(work: Callable[[], object]) -> float:
    """Peak of Python's and numpy's allocations while `work` runs, MB."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def divisible(n: int) -> None:
    """From a problem in memory to a certified plan, LP: beside one cold solve (a) and the naive chain (b)."""
    times = 15 if n <= 2_000 else 5 if n <= 20_000 else 3
    problem = one_event(n, whole_lots=False)
    program = program_of(problem)
    made = plan(problem, explanations="none")
    ours, cold = [], []
    for _ in range(times):
        ours.append(seconds_of(lambda: plan(problem, explanations="none"), 1))
        cold.append(seconds_of(lambda: cold_solve(program), 1))
    a, mine = statistics.median(cold), statistics.median(ours)
    b = seconds_of(lambda: naive_chain(program, whole=False), 1 if n > 2_000 else 3)
    proven = sum(level.proof == "exact" for level in made.levels)
    memory = peak_mb(lambda: plan(problem, explanations="none"))
    print(
        f"{n:>8,} offers  plan {mine:8.4f} s  (a) cold HiGHS {a:8.4f} s  ratio {mine / a:6.2f}   "
        f"(b) naive PuLP chain {b:8.3f} s  ratio {mine / b:5.2f}   "
        f"proven {proven}/{len(made.levels)}  peak {memory:6.1f} MB"
    )


def whole(n: int) -> None:
    """Whole lots: median time, share of levels proven exactly, beside a naive chain of PuLP MIPs on the same cases."""
    ours, naive, exact, levels, optimal = [], [], 0, 0, 0
    for seed in WHOLE_SEEDS:
        problem = one_event(n, seed, whole_lots=True, minimums=True)
        program = program_of(problem)
        start = time.perf_counter()
        made = plan(problem, explanations="none")
        ours.append(time.perf_counter() - start)
        exact += sum(level.proof == "exact" for level in made.levels)
        levels += len(made.levels)
        start = time.perf_counter()
        optimal += naive_chain(program, whole=True, seconds=NAIVE_SECONDS)[1]
        naive.append(time.perf_counter() - start)
    mine, theirs = statistics.median(ours), statistics.median(naive)
    print(
        f"{n:>8,} offers  plan {mine:8.3f} s  naive MIP chain {theirs:8.3f} s  ratio {mine / theirs:5.2f}   "
        f"levels proven exactly {exact}/{levels}   naive chains that ended optimal {optimal}/{len(WHOLE_SEEDS)}"
    )


def main() -> None:
    """All sizes, or those named on the command line; `market` for files, `sweeps` for draws, `service` for HTTP ..."""
    if sys.argv[1:2] == ["market"]:
        market_files(*(int(a) for a in sys.argv[2:3]))
        return
    if sys.argv[1:2] == ["curves"]:
        curves(*(int(a) for a in sys.argv[2:]))
        return
    if sys.argv[1:2] == ["sweeps"]:
        sweeps(*(int(a) for a in sys.argv[2:4]))
        return
    if sys.argv[1:2] == ["ledger"]:
        ledger(*(int(a) for a in sys.argv[2:4]))
        return
    if sys.argv[1:2] == ["service"]:
        service_plans([int(a) for a in sys.argv[2:]] or [200])
        return
    sizes = [int(a) for a in sys.argv[1:]] or list(SIZES)
    print("divisible quantities (whole_lots: false), explanations off; medians in one run")
    for n in sizes:
        divisible(n)
    print("whole lots, one offer in five with a minimum and a fixed fee; medians of five markets")
    for n in [s for s in WHOLE_SIZES if not sys.argv[1:] or s in sizes]:
        whole(n)


if __name__ == "__main__":
    main()
