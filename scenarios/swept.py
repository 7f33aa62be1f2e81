"""What became of a run of draws: money, need and tonnes of each, column by column; chunks joined in order.

Numbers of a draw are floats (statistics are made of them); a draw of its own in whole fen and kg: `Market.problem_of`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from optimizer.errors import BadInput
from optimizer.findings import fault
from optimizer.offers import Bools
from optimizer.program import Floats

if TYPE_CHECKING:
    import pandas as pd

COVERED_WITHIN_T = 0.0005
"""t. A shortfall below half a kg, the unit of mass at every edge, is none."""


@dataclass(frozen=True, eq=False)
class Sweep:
    """What became of a run of draws, one a row."""

    seed: int
    first: int
    event_ids: tuple[str, ...]
    years: tuple[int, ...]
    paid_yuan: Floats
    """Nominal, by event and year of payment, shape (draws, events, years)."""
    need_t: Floats
    """D_e, shape (draws, events)."""
    covered_t: Floats
    """Effective tonnes bought, shape (draws, events); may exceed the need where a plan is held to."""
    tier_t: Floats
    """Effective tonnes by tier 1 .. n + 1, shape (draws, n + 1)."""
    by_program: Bools
    """Solved as a linear program, not in merit order, shape (draws,)."""
    checked: Bools
    """Solved a second time and found the same, shape (draws,)."""

    def __len__(self) -> int:
        return len(self.need_t)

    @property
    def cost_yuan(self) -> Floats:
        """Total cost of each draw, shape (draws,)."""
        found: Floats = np.ascontiguousarray(self.paid_yuan).reshape(len(self), -1).sum(axis=1)
        return found

    @property
    def shortfall_t(self) -> Floats:
        """By event, shape (draws, events); below half a kg it is none."""
        gap = self.need_t - self.covered_t
        return np.where(gap < COVERED_WITHIN_T, 0.0, gap)

    def head(self, count: int) -> "Sweep":
        """The first draws only."""
        arrays = {name: getattr(self, name)[:count] for name in ROW_ARRAYS}
        return Sweep(self.seed, self.first, self.event_ids, self.years, **arrays)

    def to_frame(self) -> "pd.DataFrame":
        """One row a draw, index `draw` (int64). All columns float64 but the flags, which are bool.

        cost_yuan, need_t, covered_t, shortfall_t; tier_1_t ..; paid_<year>_yuan; by_program, checked.
        """
        import pandas as pd

        columns: dict[str, object] = {
            "cost_yuan": self.cost_yuan,
            "need_t": self.need_t.sum(axis=1),
            "covered_t": self.covered_t.sum(axis=1),
            "shortfall_t": self.shortfall_t.sum(axis=1),
        }
        columns |= {f"tier_{r + 1}_t": self.tier_t[:, r] for r in range(self.tier_t.shape[1])}
        columns |= {f"paid_{y}_yuan": self.paid_yuan[:, :, k].sum(axis=1) for k, y in enumerate(self.years)}
        columns |= {"by_program": self.by_program, "checked": self.checked}
        index = pd.RangeIndex(self.first, self.first + len(self), name="draw")
        return pd.DataFrame(columns, index=index)


ROW_ARRAYS = ("paid_yuan", "need_t", "covered_t", "tier_t", "by_program", "checked")
"""The arrays of a sweep with one entry a draw."""


def joined(chunks: Sequence[Sweep]) -> Sweep:
    """Chunks of one question as one run, in order of their draws whatever order they came in.

    Raises:
        BadInput: no chunk, or chunks that are not one run of one seed without holes.
    """
    parts = sorted(chunks, key=lambda c: c.first)
    follows = all(a.first + len(a) == b.first and a.seed == b.seed for a, b in pairwise(parts))
    if not parts or not follows:
        zh, en = "抽样块应为同一种子且首尾相接", "chunks should be of one seed and follow one another without holes"
        raise BadInput([fault("chunks", zh, en, value=[(c.first, len(c)) for c in parts])])
    arrays = {name: np.concatenate([getattr(c, name) for c in parts]) for name in ROW_ARRAYS}
    head = parts[0]
    return Sweep(head.seed, head.first, head.event_ids, head.years, **arrays)
