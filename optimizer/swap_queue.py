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
    group = np.zeros(len(order), dtype=np.int64)
    for k in range(columns.levels + 2):
        if len(order) <= 1 or group[-1] == len(order) - 1:
            break
        ratio, slack = _ratios(columns, leaving, order, k)
        if group[-1] == 0 and len(order) > most:
            near = ratio - slack <= float(np.partition(ratio + slack, most)[most])
            order, group, ratio, slack = order[near], group[near], ratio[near], slack[near]
        at = np.lexsort((ratio, group))
        order, group, ratio, slack = order[at], group[at], ratio[at], slack[at]
        apart = (group[1:] > group[:-1]) | ((ratio - slack)[1:] > (ratio + slack)[:-1])
        group = np.concatenate([[0], np.cumsum(apart)])
        order, group = order[group <= group[:most][-1]], group[group <= group[:most][-1]]
    found: list[int] = order[np.lexsort((-np.abs(leaving.alpha[order]), group))].tolist()
    return found


def _ratios(columns: RunColumns, leaving: Leaving, candidates: Index, k: int) -> tuple[Floats, Floats]:
    """Loss per unit of alpha at level k, and how near to one another two may be that are alike."""
    standing, alpha = leaving
    mine, basic = columns.cost(k, candidates), columns.cost(k, np.array(standing.own))
    rows = columns.rows[:, candidates]
    found = np.abs(basic) @ np.abs(standing.inverse)
    spread = found + NOISE * found.max(initial=0.0)
    size = np.abs(alpha[candidates])
    d = (mine - (basic @ standing.inverse) @ rows) * standing.side[candidates]
    return d / size, ZERO_DUAL * (np.abs(mine) + spread @ rows) / size
