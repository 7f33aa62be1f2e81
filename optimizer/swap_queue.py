"""Which columns take the place of one that leaves, one after the other: sorted in floats, for a whole run of swaps.

The first of them is the choice of `Basis.dual_step`; the next is what it would be without that, and so on. While other
places change hands too the order may change: `swap_proof` would see it.
"""

from typing import NamedTuple

import numpy as np

from optimizer.basis import NOISE, PIVOT
from optimizer.program import Floats, Index
from optimizer.run_columns import RunColumns
from optimizer.tolerances import ZERO_DUAL


class Standing(NamedTuple):
    """A basis, in floats."""

    own: list[int]
    inverse: Floats
    """Of the tight rows, shape (own, tight)."""
    side: Floats
    """Where columns stand, shape (n + m,)."""


class Leaving(NamedTuple):
    """How columns move when an own one leaves."""

    standing: Standing
    alpha: Floats
    """Its row of B^-1 [A I], shape (n + m,)."""


def queue(columns: RunColumns, standing: Standing, place: int, to_upper: bool, most: int) -> list[int]:
    """At most about so many columns, the first to come in first."""
    alpha = standing.inverse[place] @ columns.rows
    toward = alpha * standing.side if to_upper else -alpha * standing.side
    largest = max(1.0, float(toward.max()), -float(toward.min()))
    candidates = np.flatnonzero(toward > PIVOT * largest)
    return _sorted(columns, Leaving(standing, alpha), candidates, most)


def _sorted(columns: RunColumns, leaving: Leaving, order: Index, most: int) -> list[int]:
    """By loss per unit of alpha, level after level; those that are alike at every level by alpha."""
    begins = np.arange(len(order)) == 0
    for k in range(columns.levels + 2):
        tied = np.flatnonzero(~begins | ~np.append(begins[1:], True))
        if not len(tied):
            break
        group = np.cumsum(begins)[tied]
        ratio, slack = _ratios(columns, leaving, order[tied], k)
        if len(tied) > most and group[-1] == 1:
            near = ratio - slack <= float(np.partition(ratio + slack, most)[most])
            order, begins, ratio, slack = order[near], begins[: near.sum()], ratio[near], slack[near]
            tied, group = tied[: len(order)], group[near]
        at = np.lexsort((ratio, group))
        order[tied], ratio, slack = order[tied[at]], ratio[at], slack[at]
        begins[tied[1:]] |= (ratio - slack)[1:] > (ratio + slack)[:-1]
        if len(order) > most:
            kept = np.cumsum(begins) <= begins[:most].sum()
            order, begins = order[kept], begins[kept]
    found: list[int] = order[np.lexsort((-np.abs(leaving.alpha[order]), np.cumsum(begins)))].tolist()
    return found


def _ratios(columns: RunColumns, leaving: Leaving, candidates: Index, k: int) -> tuple[Floats, Floats]:
    """Loss per unit of alpha at level k, and how near to one another two may be that are alike."""
    standing, alpha = leaving
    mine, basic = columns.cost(k, candidates), columns.cost(k, np.array(standing.own))
    rows = columns.rows.take(candidates, axis=1)
    found = np.abs(basic) @ np.abs(standing.inverse)
    spread = found + NOISE * found.max(initial=0.0)
    size = np.abs(alpha[candidates])
    d = (mine - (basic @ standing.inverse) @ rows) * standing.side[candidates]
    return d / size, ZERO_DUAL * (np.abs(mine) + spread @ rows) / size
