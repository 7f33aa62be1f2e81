"""Exact curves beside the single plan that they start from: money against cover, and cost against the order."""

from collections.abc import Iterator

from benchmarks.figures import Figure, beside, in_turns
from benchmarks.markets import one_event
from benchmarks.plans import offers_text, unproven
from optimizer import plan
from scenarios.curves import budget_curve
from scenarios.frontier import frontier

OFFERS, QUICK_OFFERS = 10_000, 200
TURNS = 11


def curves(quick: bool) -> Iterator[Figure]:
    """The budget curve and the frontier of divisible quantities, each in full, beside one plan, bare and explained."""
    n = QUICK_OFFERS if quick else OFFERS
    problem = one_event(n, whole_lots=False)
    notes = []
    works = {
        "plan": lambda: notes.append(unproven(plan(problem, explanations="none"))),
        "explained plan": lambda: notes.append(unproven(plan(problem))),
        "budget": lambda: notes.append("" if budget_curve(problem).points else "unproven"),
        "frontier": lambda: notes.append("" if frontier(problem, whole_lots=False).points else "unproven"),
    }
    seconds, _ = in_turns(works, 5 if quick else TURNS)
    for name, text in (("budget", "budget curve"), ("frontier", "frontier")):
        size = f"{offers_text(n)}, {text}"
        for yardstick, mark in (("plan", 3.0), ("explained plan", None)):
            yield beside("curves", size, yardstick, seconds[name], seconds[yardstick], mark, note=max(notes))
