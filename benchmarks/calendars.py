"""A year's calendar on one market: the certified plan beside one raw solve of the whole program, and its growth."""

from collections.abc import Iterator

from benchmarks.figures import Figure
from benchmarks.markets import season
from benchmarks.plans import beside_cold, exponents

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
    yield beside_cold("calendar", size_text(events, offers), season(events, offers), 1, 1.0, warm=quick).figure


def calendar_growth(quick: bool) -> Iterator[Figure]:
    """How the plan of a calendar and one raw solve of it grow, in events and in offers."""
    scale = 10 if quick else 1
    events, offers = [n // scale for n in GROWTH_EVENTS], [n // scale for n in GROWTH_OFFERS]
    few_events, few_offers = FEW_EVENTS // scale, FEW_OFFERS // scale
    yield from _grown("events", [(n, few_offers) for n in events], f"{few_offers:,} offers")
    yield from _grown("offers", [(few_events, n) for n in offers], f"{few_events:,} events")


def _grown(what: str, sizes: list[tuple[int, int]], beside_what: str) -> Iterator[Figure]:
    found = []
    for events, offers in sizes:
        size = size_text(events, offers)
        found.append(beside_cold("calendar-growth", size, season(events, offers), 3, None, warm=False))
        yield found[-1].figure
    numbers = [pair[0 if what == "events" else 1] for pair in sizes]
    yield from exponents("calendar-growth", numbers, f"{what}, {beside_what}", found)
