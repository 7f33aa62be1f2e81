"""What a plan says of every offer derived again: used, beaten, or left out with which reasons; and how many of each."""

import numpy as np

from optimizer.eligibility import REASONS, reasons_of
from optimizer.opened_plan import OpenedPlan, same
from optimizer.plan import OFFERS_IN_PLAN, Json, OfferState

type Pair = tuple[int, int]
"""Event and offer, as numbers of the problem."""


def check_offers(opened: OpenedPlan) -> None:
    """The state of each entry, which entries are shown, and the counts. Raises Differs."""
    events = {event.id: e for e, event in enumerate(opened.problem.events)}
    numbers = {i: k for k, i in enumerate(opened.problem.offers.offer_id.tolist())}
    used = {(int(opened.arcs.event[a]), int(opened.arcs.offer[a])) for a in opened.purchase}
    shown: list[Pair] = []
    for entry in opened.plan.offers:
        shown.append((events[entry.event_id], numbers[entry.offer_id]))
        _check_entry(opened, entry, shown[-1], used)
    _check_shown(opened, shown, used, len(events) * len(numbers))
    same("offers_summary", opened.plan.offers_summary, _summary(opened, len(used)))


def _check_entry(opened: OpenedPlan, entry: OfferState, pair: Pair, used: set[Pair]) -> None:
    """Left out with all reasons and clauses; used; or beaten, whose reasons only a solver can tell."""
    if opened.screening.reasons[pair]:
        reasons = reasons_of(opened.problem, opened.screening, *pair, opened.plan.lang)
        same(f"{entry.offer_id} state", (entry.state, entry.break_even), ("left_out", None))
        same(f"{entry.offer_id} reasons", [r.model_dump() for r in entry.reasons], reasons)
    else:
        same(f"{entry.offer_id} state", entry.state, "used" if pair in used else "beaten")


def _check_shown(opened: OpenedPlan, shown: list[Pair], used: set[Pair], everything: int) -> None:
    """Every used offer once and in order; all offers where there are few or all were asked for."""
    explanations = opened.plan.provenance["explanations"]
    if explanations == "none":
        same("offers", len(shown), 0)
        return
    seen = set(shown)
    same("used offers shown", used - seen, set())
    same("offers shown once", len(seen), len(shown))
    same("order of offers", shown, sorted(shown))
    if everything <= OFFERS_IN_PLAN or explanations == "all":
        same("all offers shown", len(seen), everything)


def _summary(opened: OpenedPlan, used: int) -> Json:
    """Counts by state and by reason, over all pairs of event and offer."""
    reasons = opened.screening.reasons
    left = int((reasons != 0).sum())
    counts = {r.code: int((reasons >> np.uint32(k) & np.uint32(1)).sum()) for k, r in enumerate(REASONS)}
    return {
        "used": used,
        "beaten": reasons.size - left - used,
        "left_out": left,
        "by_reason": {c: n for c, n in counts.items() if n},
    }
