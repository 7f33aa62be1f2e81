"""A purchase counted anew from its arcs and kg alone: what it uses of everything limited, and the value of each level.

A purchase is {arc: kg}, in the order of a plan's lines. Masses are kg and money is fen, as Fractions; level values are
t and yuan. Here lives what the check derives; nothing of what makes plans (`measure`, `formulation`) may be asked.
"""

from collections.abc import Iterator, Mapping
from fractions import Fraction

from optimizer.arcs import Arcs, cost_fen, present_value
from optimizer.budgets import Budget
from optimizer.certificate import gaps_of
from optimizer.offer_groups import Limit
from optimizer.offers import Offer
from optimizer.problem import Problem
from optimizer.quantities import E4, FEN_PER_YUAN, KG_PER_T, ceil
from optimizer.timeline import E8

type HardRow = tuple[str, Fraction, Fraction]
"""Rule, what is used of it, what may be used: kg or fen."""


def line_cost_fen(arcs: Arcs, a: int, kg: int) -> Fraction:
    """What `kg` of an arc cost, nominal, fees included."""
    return cost_fen(int(arcs.unit_cost_e8[a]), kg, int(arcs.fixed_fee_fen[a]))


def line_effective_kg(arcs: Arcs, a: int, kg: int) -> Fraction:
    """What `kg` of an arc count against emissions."""
    return Fraction(int(arcs.eta_e8[a]) * kg, E8)


# ------------------------------------------------------------------------------------------- what may not be exceeded


def hard_rows(problem: Problem, arcs: Arcs, purchase: Mapping[int, int]) -> Iterator[HardRow]:
    """(rule, used, limit) of everything that a plan may not exceed: availability, budgets, max shares; kg and fen."""
    yield from _availability_rows(problem, arcs, purchase)
    cost = {a: line_cost_fen(arcs, a, kg) for a, kg in purchase.items()}
    for e, event in enumerate(problem.events):
        if event.budget is not None:
            own = {a: fen for a, fen in cost.items() if arcs.event[a] == e}
            yield from _budget_rows(problem, arcs, event.budget, own)
    if problem.calendar.budget is not None:
        yield from _budget_rows(problem, arcs, problem.calendar.budget, cost)
    yield from _max_share_rows(problem, arcs, purchase)


def _availability_rows(problem: Problem, arcs: Arcs, purchase: Mapping[int, int]) -> Iterator[HardRow]:
    bought: dict[int, int] = {}
    for a, kg in purchase.items():
        bought[int(arcs.offer[a])] = bought.get(int(arcs.offer[a]), 0) + kg
    for i, kg in bought.items():
        yield f"availability {problem.offers.offer_id[i]}", Fraction(kg), Fraction(int(problem.offers.quantity_kg[i]))


def _budget_rows(problem: Problem, arcs: Arcs, budget: Budget, cost: Mapping[int, Fraction]) -> Iterator[HardRow]:
    """The rows of one budget over the lines that it pays, arc -> fen."""
    if budget.total_fen is not None:
        yield "budget total", sum(cost.values(), Fraction(0)), Fraction(budget.total_fen)
    if budget.by_fiscal_year_fen is None:
        return
    spent = spent_by_year(arcs, cost)
    listed = {y: Fraction(b) for y, b in budget.by_fiscal_year_fen.items() if y >= problem.as_of.year}
    left = Fraction(0)
    for year in sorted(spent.keys() | listed.keys()):
        carried = left if budget.carry_forward and year <= max(listed, default=0) else Fraction(0)
        limit = listed.get(year, Fraction(0)) + carried
        yield f"budget {year}", spent.get(year, Fraction(0)), limit
        left = limit - spent.get(year, Fraction(0))


def spent_by_year(arcs: Arcs, cost: Mapping[int, Fraction]) -> dict[int, Fraction]:
    """Fiscal year -> fen paid in it for lines of this cost (arc -> fen)."""
    spent: dict[int, Fraction] = {}
    for a, fen in cost.items():
        for year, share in arcs.payments[int(arcs.payment[a])]:
            spent[year] = spent.get(year, Fraction(0)) + fen * Fraction(share, E4)
    return spent


def _max_share_rows(problem: Problem, arcs: Arcs, purchase: Mapping[int, int]) -> Iterator[HardRow]:
    for e, event in enumerate(problem.events):
        for k, limit in enumerate(event.limits):
            if limit.max_share_e4 is not None:
                cap = Fraction(limit.max_share_e4 * event.need_kg, E4)
                for group, used in effective_by_group(problem, arcs, purchase, e, k).items():
                    yield f"max share {event.id} {limit.name} {group}", used, cap


# ------------------------------------------------------------------------------------------------- groups of a limit


def effective_by_group(
    problem: Problem, arcs: Arcs, purchase: Mapping[int, int], e: int, k: int
) -> dict[str, Fraction]:
    """Group -> effective kg of event e under limit k; the one group of a `where` limit is called ''."""
    limit = problem.events[e].limits[k]
    totals: dict[str, Fraction] = {} if limit.group is not None else {"": Fraction(0)}
    for a, kg in purchase.items():
        if arcs.event[a] != e:
            continue
        group = _group_of(limit, problem.offers[int(arcs.offer[a])], int(arcs.tier[a]))
        if group is not None:
            totals[group] = totals.get(group, Fraction(0)) + line_effective_kg(arcs, a, kg)
    return totals


def _group_of(limit: Limit, offer: Offer, tier: int) -> str | None:
    """The group of a limit that an offer is in; None where it is in none."""
    if limit.group is not None:
        return _key_of(offer, tier, limit.group)
    admitted = ({_cut(key, v) for v in wanted} for key, wanted in (limit.where or {}).items())
    found = (_key_of(offer, tier, key) for key in limit.where or {})
    return "" if all(value in values for value, values in zip(found, admitted, strict=True)) else None


def _key_of(offer: Offer, tier: int, key: str) -> str | None:
    """The offer's value under a limit's key; None where it is blank."""
    if key == "tier":
        return str(tier)
    if key == "vintage":
        return str(offer.vintage) if offer.vintage else None
    return _cut(key, str(getattr(offer, key))) or None


def _cut(key: str, value: str) -> str:
    """Regions are compared by province."""
    return value[:2] if key == "region" else value


def missed_min_share_kg(problem: Problem, arcs: Arcs, purchase: Mapping[int, int], e: int, k: int) -> Fraction:
    """What the min share of limit k of event e misses, effective kg; 0 or less: nothing."""
    least = Fraction((problem.events[e].limits[k].min_share_e4 or 0) * problem.events[e].need_kg, E4)
    return least - sum(effective_by_group(problem, arcs, purchase, e, k).values(), Fraction(0))


# ---------------------------------------------------------------------------------------------------------- the levels


def level_value(problem: Problem, arcs: Arcs, purchase: Mapping[int, int], name: str) -> Fraction:
    """The value of a level, derived from the lines alone: t (in steps with whole lots) or yuan."""
    if name == "cost":
        return _present_cost_fen(problem, arcs, purchase) / FEN_PER_YUAN
    gap = Fraction(0)
    for kind, e, k in gaps_of(problem, name):
        if kind == "gap":
            short = problem.events[e].need_kg - _covered_kg(arcs, purchase, e, k)
        else:
            short = missed_min_share_kg(problem, arcs, purchase, e, k)
        gap += max(Fraction(0), short)
    gap /= KG_PER_T
    return ceil(gap / problem.step_t) * problem.step_t if problem.settings.whole_lots else gap


def _present_cost_fen(problem: Problem, arcs: Arcs, purchase: Mapping[int, int]) -> Fraction:
    """Cost of all lines at present value; nominal without a discount rate."""
    rate = problem.settings.discount_rate_e4
    total = Fraction(0)
    for a, kg in purchase.items():
        weight = present_value(arcs.payments[int(arcs.payment[a])], problem.as_of.year, rate) if rate else 1
        total += weight * line_cost_fen(arcs, a, kg)
    return total


def _covered_kg(arcs: Arcs, purchase: Mapping[int, int], e: int, up_to_tier: int) -> Fraction:
    mine = ((a, kg) for a, kg in purchase.items() if arcs.event[a] == e and arcs.tier[a] <= up_to_tier)
    return sum((line_effective_kg(arcs, a, kg) for a, kg in mine), Fraction(0))
