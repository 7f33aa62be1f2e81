"""The sums of a plan derived again: coverage and cost of each event, of the whole, of the tiers and the fiscal years.

The lines that are summed are the business of `check_lines`.
"""

from collections.abc import Iterable
from fractions import Fraction

from optimizer.budgets import Budget
from optimizer.events import Event
from optimizer.opened_plan import OpenedPlan, same
from optimizer.plan import EventResult, Line, TierResult
from optimizer.quantities import E4, ceil, e4_of, fen_of, floor, kg_of, round_half_up, tonnes, yuan
from optimizer.recount import spent_by_year


def _printed_fen(lines: Iterable[Line]) -> int:
    """What lines cost as printed, fen."""
    return sum(fen_of(line.cost) for line in lines)


# -------------------------------------------------------------------------------------------------- events and totals


def check_sums(opened: OpenedPlan) -> None:
    """Coverage, shortfalls and costs of every event and of the whole, and the status. Raises Differs."""
    plan = opened.plan
    total = round_half_up(sum(opened.cost_fen.values(), Fraction(0)))
    same("totals.cost", plan.totals.cost, yuan(total))
    same("sum of lines", _printed_fen(plan.lines), total)
    for e, (event, result) in enumerate(zip(opened.problem.events, plan.events, strict=True)):
        _check_event(opened, e, event, result)
    for key in ("required_t", "covered_t", "shortfall_t"):
        same(f"totals.{key}", kg_of(getattr(plan.totals, key)), sum(kg_of(getattr(r, key)) for r in plan.events))
    covered_kg = kg_of(plan.totals.covered_t)
    average = None if covered_kg == 0 else yuan(round_half_up(Fraction(total * 1000, covered_kg)))
    same("average_price", plan.totals.average_price, average)
    same("status", plan.status, "covered" if kg_of(plan.totals.shortfall_t) == 0 else "short")


def _check_event(opened: OpenedPlan, e: int, event: Event, result: EventResult) -> None:
    covered = sum((kg for a, kg in opened.effective_kg.items() if opened.arcs.event[a] == e), Fraction(0))
    verified_short = ceil(event.emissions.emitted_kg - covered)
    own = (line for line in opened.plan.lines if line.event_id == event.id)
    same("event id", result.id, event.id)
    same(f"{event.id} required_t", result.required_t, tonnes(event.need_kg))
    same(f"{event.id} covered_t", result.covered_t, tonnes(floor(covered)))
    same(f"{event.id} shortfall_t", result.shortfall_t, tonnes(max(0, ceil(event.need_kg - covered))))
    same(f"{event.id} verified_short_t", result.verified_short_t, tonnes(max(0, verified_short)))
    same(f"{event.id} cost", fen_of(result.cost), _printed_fen(own))


# --------------------------------------------------------------------------------------------------------------- tiers


def check_tiers(opened: OpenedPlan) -> None:
    """Tonnes, shares, cost, name and note of every tier. Raises Differs."""
    pack = opened.problem.rule_pack
    expected = list(range(1, pack.n_tiers + (2 if pack.unranked is not None else 1)))
    same("tiers", [t.tier for t in opened.plan.tiers], expected)
    everything = sum(opened.effective_kg.values(), Fraction(0))
    for tier in opened.plan.tiers:
        _check_tier(opened, tier, everything)


def _check_tier(opened: OpenedPlan, tier: TierResult, everything: Fraction) -> None:
    """One tier; `everything` is what all tiers cover, kg."""
    lang, need = opened.plan.lang, sum(event.need_kg for event in opened.problem.events)
    covered = sum((kg for a, kg in opened.effective_kg.items() if opened.arcs.tier[a] == tier.tier), Fraction(0))
    of_covered = floor(covered * E4 / everything) if everything else 0
    note = opened.screening.empty_tier(tier.tier)
    own = (line for line in opened.plan.lines if line.tier == tier.tier)
    same(f"tier {tier.tier} effective_t", tier.effective_t, tonnes(floor(covered)))
    same(f"tier {tier.tier} share", e4_of(tier.share), floor(covered * E4 / need))
    same(f"tier {tier.tier} share_of_covered", e4_of(tier.share_of_covered), of_covered)
    same(f"tier {tier.tier} name", tier.name, opened.problem.rule_pack.tier_name(tier.tier).say(lang))
    same(f"tier {tier.tier} note", tier.note, None if note is None else note.say(lang))
    same(f"tier {tier.tier} cost", fen_of(tier.cost), _printed_fen(own))


# -------------------------------------------------------------------------------------------------------- fiscal years

type Year = tuple[str | None, int, str | None, str, str]
"""Event (None: the shared budget), fiscal year, budget, spent, carried on."""


def check_years(opened: OpenedPlan) -> None:
    """Printed spending by year, budgets, and what is carried. Raises Differs."""
    expected: list[Year] = []
    for event in opened.problem.events:
        expected += _years(opened, event.id, event.budget, _printed_by_year(opened, event.id))
    if opened.problem.calendar.budget is not None:
        expected += _years(opened, None, opened.problem.calendar.budget, _shared_by_year(opened))
    said = [(f.event_id, f.year, f.budget, f.spent, f.carried) for f in opened.plan.fiscal_years]
    same("fiscal_years", said, expected)


def _years(opened: OpenedPlan, owner: str | None, budget: Budget | None, spent: dict[int, int]) -> list[Year]:
    """The years of one budget: those that it lists from as_of's on, and those in which something is paid."""
    by_year = None if budget is None else budget.by_fiscal_year_fen
    listed = by_year or {}
    found: list[Year] = []
    carried = 0
    for year in sorted(spent.keys() | {y for y in listed if y >= opened.problem.as_of.year}):
        carries = budget is not None and budget.carry_forward and year < max(listed, default=0)
        carried = carried + listed.get(year, 0) - spent.get(year, 0) if carries else 0
        limit = None if by_year is None else yuan(listed.get(year, 0))
        found.append((owner, year, limit, yuan(spent.get(year, 0)), yuan(max(carried, 0))))
    return found


def _printed_by_year(opened: OpenedPlan, event_id: str) -> dict[int, int]:
    """Fiscal year -> printed payments of an event's lines, fen."""
    spent: dict[int, int] = {}
    for payment in (p for line in opened.plan.lines if line.event_id == event_id for p in line.payments):
        spent[payment.date.year] = spent.get(payment.date.year, 0) + fen_of(payment.amount)
    return spent


def _shared_by_year(opened: OpenedPlan) -> dict[int, int]:
    """Fiscal year -> what all lines pay, running sums rounded half up, fen."""
    exact = spent_by_year(opened.arcs, opened.cost_fen)
    spent: dict[int, int] = {}
    total = Fraction(0)
    for year in sorted(exact):
        before = round_half_up(total)
        total += exact[year]
        spent[year] = round_half_up(total) - before
    return spent
