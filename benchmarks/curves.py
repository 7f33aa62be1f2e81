"""Exact curves beside the single plan that they start from, in one run: the shipped examples and 1,000 offers."""

import statistics
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from api import read_problem
from benchmarks.markets import one_event
from optimizer import Problem, plan
from scenarios.curves import budget_curve
from scenarios.frontier import frontier

EXAMPLES = Path(__file__).resolve().parent.parent / "api" / "examples"
MARKETS = {
    "taiyuan-marathon-2026": "market.csv",
    "league-final": "market.csv",
    "un-talks-2010": "market.csv",
    "energy-expo-2026": "market-2026.csv",
    "official-meetings-2026": "market-2026.csv",
    "shanxi-calendar-2026": "market-2026.csv",
}
SIZES = (200, 1_000)
TIMES = 5
AT_MOST = 5.0
"""The promise: a curve takes at most this many times the plan."""


def curves(*sizes: int) -> None:
    """The LP plan (whole lots off, with its explanations), the budget curve and the frontier; medians, side by side.

    The frontier is the curve alone: its two ends with whole lots are plans of their own.
    """
    print(f"exact curves beside the single LP plan; medians of {TIMES} in one run; promised: at most {AT_MOST:g} x")
    if not sizes:
        for name, market in MARKETS.items():
            _row(name, read_problem(EXAMPLES / f"{name}.yaml", EXAMPLES / market, as_of=date(2026, 11, 22)))
    for n in sizes or SIZES:
        _row(f"{n:,} offers", one_event(n, whole_lots=False))


def _row(name: str, given: Problem) -> None:
    problem = given.with_settings(whole_lots=False)
    work: list[Callable[[], object]] = [
        lambda: plan(problem),
        lambda: budget_curve(problem),
        lambda: frontier(problem, whole_lots=False),
    ]
    taken: list[list[float]] = [[] for _ in work]
    for _ in range(TIMES):  # in turn, so that a slow moment of the machine falls on all of them
        for seconds, one in zip(taken, work, strict=True):
            start = time.perf_counter()
            one()
            seconds.append(time.perf_counter() - start)
    single, money, order = (statistics.median(seconds) for seconds in taken)
    points = len(budget_curve(problem).points), len(frontier(problem, whole_lots=False).points)
    print(
        f"{name:>24}  plan {single:7.3f} s   budget {money:7.3f} s  {points[0]:>4} points  ratio {money / single:5.2f}"
        f"   frontier {order:7.3f} s  {points[1]:>4} points  ratio {order / single:5.2f}"
    )
