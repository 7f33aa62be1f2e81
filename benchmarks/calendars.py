"""A year's calendar on one market: the certified plan beside one raw solve of the whole program, and its growth."""

import statistics
from collections.abc import Iterator
from functools import partial

from benchmarks.figures import Figure, beside, growth, in_turns
from benchmarks.markets import season
from benchmarks.peers import cold_solve, program_of
from benchmarks.plans import unproven
from optimizer import plan

EVENTS, OFFERS = 500, 2_000
QUICK = 20, 200
GROWTH_EVENTS, GROWTH_OFFERS = (50, 100, 200, 400), (250, 500, 1_000, 2_000)
FEW_EVENTS, FEW_OFFERS = 50, 500
"""What stays while the other grows."""


def size_text(events: int, offers: int) -> str:
    """The size of a row."""
    return f"{events:,} events x {offers:,} offers"


def calendar(quick: bool) -> Iterator[Figure]:
    """500 events share 2,000 offers; half of the pairs may trade, budgets bind a little."""
    events, offers = QUICK if quick else (EVENTS, OFFERS)
    ours, cold, note = _seconds(events, offers, 3 if quick else 1)
    yield beside("calendar", size_text(events, offers), "cold", ours, cold, 1.0, note=note)


def calendar_growth(quick: bool) -> Iterator[Figure]:
    """How the plan of a calendar and one raw solve of it grow, in events and in offers."""
    scale = 10 if quick else 1
    events, offers = [n // scale for n in GROWTH_EVENTS], [n // scale for n in GROWTH_OFFERS]
    few_events, few_offers = FEW_EVENTS // scale, FEW_OFFERS // scale
    yield from _grown("events", [(n, few_offers) for n in events], f"{few_offers:,} offers")
    yield from _grown("offers", [(few_events, n) for n in offers], f"{few_events:,} events")


def _grown(what: str, sizes: list[tuple[int, int]], beside_what: str) -> Iterator[Figure]:
    ours, cold = [], []
    for events, offers in sizes:
        mine, raw, note = _seconds(events, offers, 3)
        ours.append(statistics.median(mine))
        cold.append(statistics.median(raw))
        yield beside("calendar-growth", size_text(events, offers), "cold", mine, raw, note=note)
    numbers = [pair[0 if what == "events" else 1] for pair in sizes]
    span = f"{numbers[0]:,} .. {numbers[-1]:,} {what}, {beside_what}"
    yield growth("calendar-growth", span, "none", numbers, ours)
    yield growth("calendar-growth", f"{span}, the raw solve", "none", numbers, cold)


def _seconds(events: int, offers: int, turns: int) -> tuple[list[float], list[float], str]:
    problem = season(events, offers)
    program = program_of(problem)
    notes = []

    def ours() -> None:
        notes.append(unproven(plan(problem, explanations="none")))

    seconds, _ = in_turns({"ours": ours, "cold": partial(cold_solve, program)}, turns, warm=False)
    return seconds["ours"], seconds["cold"], max(notes)
