"""Budgets and shares: which arcs they bind, in which rows, and what a single purchase may be at most under them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from optimizer.arcs import Arcs
from optimizer.budgets import Budget
from optimizer.eligibility import matches
from optimizer.events import Event
from optimizer.offer_groups import Limit
from optimizer.offers import Bools, Labels
from optimizer.problem import Problem
from optimizer.program import Floats, Index
from optimizer.quantities import E4, KG_PER_T
from optimizer.timeline import E8


@dataclass(frozen=True)
class BudgetRow:
    """What is paid in some fiscal years may not exceed a sum; `years` None is all of time."""

    name: int | Literal["total"]
    years: tuple[int, ...] | None
    limit_fen: int
    to_date: bool = False
    """Sums this year and all before it: money is carried forward."""


def budget_rows(budget: Budget, paying_years: Sequence[int], as_of_year: int) -> list[BudgetRow]:
    """The rows of one budget.

    Years before as_of's are ignored; a year not listed has 0; with `carry_forward` what is left goes on from year to
    year through the last listed one, so spending to date stays within budgets to date.
    """
    rows = [] if budget.total_fen is None else [BudgetRow("total", None, budget.total_fen)]
    if budget.by_fiscal_year_fen is None:
        return rows
    listed = {y: b for y, b in budget.by_fiscal_year_fen.items() if y >= as_of_year}
    years = sorted(listed.keys() | {y for y in paying_years if y >= as_of_year})
    last = max(listed, default=as_of_year - 1)
    for y in years:
        if budget.carry_forward and y <= last:
            to_date = tuple(z for z in years if z <= y)
            rows.append(BudgetRow(y, to_date, sum(listed.get(z, 0) for z in to_date), True))
        else:
            rows.append(BudgetRow(y, (y,), listed.get(y, 0)))
    return rows


def floored_caps(arcs: Arcs, members: Index, group: Index, n_groups: int, cap_e4kg: int) -> Floats:
    """share x D_e in t for each group, floored to the greatest step that its members' effective lots share."""
    step = np.zeros(n_groups, dtype=np.int64)
    np.gcd.at(step, group, arcs.eta_e8[members] * arcs.lot_kg[members])
    exact = cap_e4kg * E4
    return np.array([(exact // g * g if g else exact) / (E8 * KG_PER_T) for g in step.tolist()])


def limit_groups(problem: Problem, arcs: Arcs, within: Index, limit: Limit) -> tuple[Index, Index, list[str]]:
    """Members of a limit among the arcs `within`: (arc, number of its group, names of groups). Blanks are in none."""
    offer = arcs.offer[within]
    if limit.where is not None:
        mask = np.ones(len(within), dtype=bool)
        for key, values in limit.where.items():
            mask &= _matching(problem, arcs, within, key, values)
        return within[mask], np.zeros(int(mask.sum()), dtype=np.int64), [limit.name]
    key = str(limit.group)
    if key in ("tier", "vintage"):
        numbers = arcs.tier[within].astype(np.int64) if key == "tier" else problem.offers.vintage[offer]
        return _grouped(within, numbers, lambda v: v > 0, str)
    labels: Labels = getattr(problem.offers, key)
    if key == "region":
        labels = _by_province(labels)
    codes = labels.codes[offer].astype(np.int64)
    return _grouped(within, codes, lambda v: v >= 0, lambda c: labels.names[c])


def _by_province(region: Labels) -> Labels:
    provinces = Labels.of([name[:2] for name in region.names])
    return Labels(np.append(provinces.codes, np.int32(-1))[region.codes], provinces.names)


def _grouped(
    within: Index, numbers: NDArray[np.int64], valid: Callable[[NDArray[np.int64]], Bools], name: Callable[[int], str]
) -> tuple[Index, Index, list[str]]:
    mask = valid(numbers)
    values, group = np.unique(numbers[mask], return_inverse=True)
    names = [name(v) for v in values.tolist()]
    order = np.argsort(np.array(names, dtype=object), kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return within[mask], rank[group], [names[k] for k in order.tolist()]


def _matching(problem: Problem, arcs: Arcs, within: Index, key: str, values: tuple[str, ...]) -> Bools:
    if key == "tier":
        return np.isin(arcs.tier[within], [int(v) for v in values if v.isdigit()])
    return matches(problem.offers, key, values, np.zeros(0, dtype=np.int32))[arcs.offer[within]]


def fit(problem: Problem, arcs: Arcs) -> Arcs:
    """The arcs with their most cut to what a max share or a total budget alone allows.

    Arcs that then hold no lot are dropped. Exact; it changes no plan, but keeps what can never be used from the bounds.
    """
    most = arcs.most_kg.astype(object)
    owners: list[tuple[int | None, Event | None]] = [*enumerate(problem.events), (None, None)]
    for e, event in owners:
        mine = np.arange(len(arcs)) if e is None else np.flatnonzero(arcs.event == e)
        for limit in event.limits if event is not None else ():
            if limit.max_share_e4 is not None:
                members, _, _ = limit_groups(problem, arcs, mine, limit)
                cap = limit.max_share_e4 * event.need_kg * E4 if event is not None else 0
                most[members] = np.minimum(most[members], cap // arcs.eta_e8[members].astype(object))
        budget = problem.calendar.budget if event is None else event.budget
        if budget is not None and budget.total_fen is not None and not problem.soft_budgets:
            paying = mine[arcs.unit_cost_e8[mine] > 0]
            room = np.maximum(budget.total_fen - arcs.fixed_fee_fen[paying].astype(object), 0) * (E8 * KG_PER_T)
            most[paying] = np.minimum(most[paying], room // arcs.unit_cost_e8[paying].astype(object))
    fitted = most.astype(np.int64) // arcs.lot_kg * arcs.lot_kg
    keep = fitted >= arcs.least_kg
    return replace(arcs, most_kg=fitted).take(keep)
