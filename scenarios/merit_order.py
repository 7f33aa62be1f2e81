"""The merit order: one event's divisible purchases, tier by tier and cheapest first, for many draws at once.

Where one event buys divisible lots, nothing but availability and maximum shares binds, and the groups of the shares are
nested or apart (a laminar family), what can be bought is a polymatroid, and the level-by-level optimum is greedy: in
order of (tier, cost per effective tonne), take as much of each arc as its groups and the need still allow (Edmonds
1970, "Submodular functions, matroids, and certain polyhedra"). Every level is then optimal at once. Where that does
not hold `merit_order_of` gives None, and the linear program decides (`hot_chain`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from optimizer.limits import limit_groups
from optimizer.offers import Ints
from optimizer.program import Floats, Index
from optimizer.quantities import E4
from scenarios.draws import Market

GREEDY_OBJECTIVES = ("priority-first", "order-first", "cost-first")
"""Presets whose levels one order of purchase satisfies; without a budget coverage and order do not compete."""


class Family(NamedTuple):
    """Groups of arcs that are capped together, none of them in two groups."""

    label: Index
    """Arc -> group, -1 in none; shape (n_arcs,)."""
    groups: int
    share_e4: int | None
    """Cap of each group as a share of the need; None: the availability of the offer."""


@dataclass(frozen=True, eq=False)
class MeritOrder:
    """How one event buys; made by `merit_order_of`."""

    columns: Index
    """Arcs in static order: rank, purchase date, offer; ties of a draw's prices fall in this order. Shape (n_arcs,)."""
    blocks: tuple[tuple[int, int], ...]
    """Runs of `columns` with one rank: prices are compared within a run only."""
    families: tuple[Family, ...]
    """Inner groups before those around them; labels in the order of `columns`."""

    def fill(self, price: Floats, most_kg: Floats, need_kg: Floats, caps_kg: Sequence[Floats]) -> Floats:
        """What is bought of each arc, effective kg, shape (draws, n_arcs).

        Args:
            price: per effective tonne, shape (draws, n_arcs).
            most_kg: effective kg that can be had, same shape.
            need_kg: shape (draws,).
            caps_kg: one array a family, effective kg, shape (draws, groups).
        """
        found = np.zeros_like(most_kg)
        left, room = need_kg.astype(np.float64), [caps.copy() for caps in caps_kg]
        for start, end in self.blocks:
            if not left.any():
                break  # later ranks are not reached in any of these draws
            columns = self.columns[start:end]
            groups = [_Groups.of(f.label[start:end]) for f in self.families]
            bought = _cheapest_first(price[:, columns], most_kg[:, columns], left, groups, room)
            found[:, columns] = bought
            left = left - bought.sum(axis=1)
            left[left < DUST_KG] = 0.0
            for g, caps in zip(groups, room, strict=True):
                caps[:, g.numbers] = np.maximum(caps[:, g.numbers] - g.sums(bought), 0.0)
        return found


DUST_KG = 1e-6
"""kg. What subtraction leaves of a need that is covered."""


class _Groups(NamedTuple):
    """The groups of one family within a run of columns."""

    numbers: Index
    """Their numbers in the family, ascending."""
    place: Index
    """Column -> place in `numbers`; their count where it is in none."""
    sizes: Index
    """Columns of each, those in none last."""
    order: Index
    """Columns by group."""

    @classmethod
    def of(cls, label: Index) -> "_Groups":
        numbers = np.unique(label[label >= 0])
        place = np.where(label < 0, len(numbers), np.searchsorted(numbers, label))
        sizes = np.bincount(place, minlength=len(numbers) + 1)
        return cls(numbers, place.astype(np.int16 if len(numbers) < SHORT else np.int32), sizes, np.argsort(place))

    def sums(self, values: Floats) -> Floats:
        """Row sums by group, shape (draws, groups)."""
        if not len(self.numbers):
            return np.zeros((len(values), 0))
        starts = np.cumsum(self.sizes) - self.sizes
        # No group within a run is empty, but those in none may be: reduceat would then read beyond the end.
        inside = values[:, self.order[: starts[-1]]]
        found: Floats = np.add.reduceat(inside, starts[:-1], axis=1)
        return found


SHORT = 30_000
"""Groups whose numbers fit 16 bits, which numpy sorts in linear time."""


def _cheapest_first(
    price: Floats, most: Floats, need: Floats, groups: Sequence[_Groups], room: Sequence[Floats]
) -> Floats:
    """One run of columns of the same rank, in order of price, within the room of each group and the need."""
    order = np.argsort(price, axis=1, kind="stable")
    bought = np.take_along_axis(most, order, axis=1)
    for g, caps in zip(groups, room, strict=True):
        if len(g.numbers):
            bought = _within_groups(bought, g.place[order], g.sizes, caps[:, g.numbers])
    before = np.cumsum(bought, axis=1) - bought
    bought = np.clip(need[:, None] - before, 0.0, bought)
    found = np.empty_like(bought)
    np.put_along_axis(found, order, bought, axis=1)
    return found


def _within_groups(bought: Floats, place: Index, sizes: Index, caps: Floats) -> Floats:
    """Cut what each group buys in the given order to its cap."""
    # Groups have the same size in every draw, so that after sorting by group they begin at the same places.
    by_group = np.argsort(place, axis=1, kind="stable")
    starts = np.cumsum(sizes) - sizes
    sorted_kg = np.take_along_axis(bought, by_group, axis=1)
    running = np.cumsum(sorted_kg, axis=1)
    padded = np.concatenate([np.zeros((len(bought), 1)), running], axis=1)
    before = running - sorted_kg - np.repeat(padded[:, starts], sizes, axis=1)
    all_caps = np.concatenate([caps, np.full((len(caps), 1), np.inf)], axis=1)
    cut = np.clip(np.repeat(all_caps, sizes, axis=1) - before, 0.0, sorted_kg)
    found = np.empty_like(bought)
    np.put_along_axis(found, by_group, cut, axis=1)
    return found


def merit_order_of(market: Market) -> MeritOrder | None:
    """The merit order of a market without binding budgets; None where greed is not proven to be optimal."""
    problem, arcs = market.problem, market.arcs
    if len(problem.events) != 1 or problem.objective not in GREEDY_OBJECTIVES:
        return None
    families = _families(market)
    nested = None if families is None else _from_inner_to_outer(families)
    if nested is None:
        return None
    rank = np.zeros(len(arcs), dtype=np.int64) if problem.objective == "cost-first" else arcs.tier.astype(np.int64)
    columns = np.lexsort((np.arange(len(arcs)), arcs.day, arcs.tier, rank))
    edges = np.flatnonzero(np.diff(rank[columns])) + 1
    bounds = [0, *edges.tolist(), len(arcs)]
    blocks = tuple((a, b) for a, b in pairwise(bounds) if b > a)
    sorted_families = tuple(f._replace(label=f.label[columns]) for f in nested)
    return MeritOrder(columns, blocks, sorted_families)


def _families(market: Market) -> list[Family] | None:
    """Availability where several arcs share an offer, and the maximum shares; None with a minimum share."""
    problem, arcs = market.problem, market.arcs
    found = []
    if len(market.offers) < len(arcs):
        found.append(Family(market.offer_of, len(market.offers), None))
    for limit in problem.events[0].limits:
        if limit.min_share_e4 is not None:
            return None
        if limit.max_share_e4 is not None:
            members, group, names = limit_groups(problem, arcs, np.arange(len(arcs)), limit)
            label = np.full(len(arcs), -1, dtype=np.int64)
            label[members] = group
            found.append(Family(label, len(names), limit.max_share_e4))
    return found


def _from_inner_to_outer(families: Sequence[Family]) -> list[Family] | None:
    """Every family after those that have a group inside one of its own; None where groups cross."""
    inside = [[_lies_inside(a, b) for b in families] for a in families]
    n = len(families)
    if any(inside[i][j] is None for i in range(n) for j in range(n) if i != j):
        return None
    left, ordered = list(range(n)), list[Family]()
    while left:
        free = [j for j in left if not any(inside[i][j] for i in left if i != j)]
        if not free:
            return None
        ordered.append(families[free[0]])
        left.remove(free[0])
    return ordered


def _lies_inside(inner: Family, outer: Family) -> bool | None:
    """Whether some group of `inner` is a proper part of a group of `outer`; None where two groups cross."""
    both = (inner.label >= 0) & (outer.label >= 0)
    pairs, shared = np.unique(np.stack([inner.label[both], outer.label[both]]), axis=1, return_counts=True)
    size_in = np.bincount(inner.label[inner.label >= 0], minlength=inner.groups)
    size_out = np.bincount(outer.label[outer.label >= 0], minlength=outer.groups)
    a, b = size_in[pairs[0]], size_out[pairs[1]]
    if np.any((shared < a) & (shared < b)):
        return None
    return bool(np.any((shared == a) & (a < b)))


def caps_kg(order: MeritOrder, need_kg: Ints, quantity_kg: Floats) -> list[Floats]:
    """The cap of each family's groups, effective kg, shape (draws, groups).

    `quantity_kg`: what of each offer can be had, effective, shape (draws, offers with an arc).
    """
    return [
        quantity_kg if f.share_e4 is None else np.repeat((f.share_e4 * need_kg / E4)[:, None], f.groups, axis=1)
        for f in order.families
    ]
