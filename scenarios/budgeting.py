"""What to set aside for a calendar of events: by fiscal year and event at P50, P80 and P95, together or each alone.

The **contingency** at a level is the budget at that level less what today's plan costs. Kept separately, each event (or
year) is given its own quantile; **pooled**, one reserve is set by the quantile of the sum. Costs that do not all go
wrong in the same draw need less together: `saving` = sum of the separate ones - the pooled one. It may be below 0:
quantiles need not add up to more than that of the sum (they do for CVaR, which is told beside them).

The **latest date** of a commitment is the last day on which its line of today's plan may still be bought: the offer's
own last day, and the deadline less the days of settlement, whichever is earlier. Where draws are bought later than an
offer lasts (its like stands for it then), the latest date of this very offer lies before the planned one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

import numpy as np

from optimizer.arcs import last_day
from optimizer.plan import Json
from optimizer.program import Floats
from optimizer.quantities import KG_PER_T, tonnes
from optimizer.timeline import Deadlines, last_purchase_dates
from optimizer.wording import Language, Text
from scenarios.summary import QUANTILES, TAIL, money_text, quantile, tail_mean
from scenarios.sweep import Question
from scenarios.swept import Sweep

if TYPE_CHECKING:
    import pandas as pd

type Bound = Literal["offer ends", "deadline", "late"]

BOUND_NAMES: Mapping[Bound, Text] = {
    "offer ends": Text("报价到期", "the offer ends"),
    "deadline": Text("注销或交付期限", "the deadline of retirement or delivery"),
    "late": Text("已晚于期限, 尽早购买", "late already: the earliest day"),
}


@dataclass(frozen=True)
class Reserve:
    """What one event (None: all) needs in one fiscal year (None: ever); yuan."""

    event_id: str | None
    year: int | None
    planned_yuan: float
    """Today's plan, at the prices it was made at."""
    quantiles_yuan: Mapping[str, float]
    """P50, P80 and P95 of what is paid."""
    tail_yuan: float
    """CVaR: the mean of the dearest 5 %."""

    def contingency_yuan(self, level: str) -> float:
        """What P50, P80 or P95 asks for beyond the plan; below 0 where the plan is dearer."""
        return self.quantiles_yuan[level] - self.planned_yuan

    def as_dict(self) -> Json:
        """For JSON."""
        return {
            "event_id": self.event_id,
            "year": self.year,
            "planned": money_text(self.planned_yuan),
            **{name: money_text(v) for name, v in self.quantiles_yuan.items()},
            "CVaR95": money_text(self.tail_yuan),
        }


@dataclass(frozen=True)
class Pooling:
    """One reserve for all events against one for each, at one level; yuan."""

    level: str
    """P50, P80, P95 or CVaR95."""
    separate_yuan: float
    """Sum of the events' contingencies."""
    pooled_yuan: float
    """Contingency of the sum."""

    @property
    def saving_yuan(self) -> float:
        """What pooling saves."""
        return self.separate_yuan - self.pooled_yuan

    def as_dict(self) -> Json:
        """For JSON."""
        numbers = {"separate": self.separate_yuan, "pooled": self.pooled_yuan, "saving": self.saving_yuan}
        return {"level": self.level} | {name: money_text(v) for name, v in numbers.items()}


@dataclass(frozen=True)
class Commitment:
    """A line of today's plan, and when it must be made."""

    event_id: str
    offer_id: str
    contracted_kg: int
    planned_on: date
    latest: date
    """The last day of purchase, inclusive."""
    deadline: date
    """Of retirement; for new forestry of delivery."""
    bound: Bound
    """What sets the latest date."""

    def as_dict(self, lang: Language) -> Json:
        """For JSON."""
        return {
            "event_id": self.event_id,
            "offer_id": self.offer_id,
            "contracted_t": tonnes(self.contracted_kg),
            "planned_on": self.planned_on.isoformat(),
            "latest": self.latest.isoformat(),
            "deadline": self.deadline.isoformat(),
            "bound": self.bound,
            "why": BOUND_NAMES[self.bound].say(lang),
        }


@dataclass(frozen=True, eq=False)
class CalendarBudget:
    """The year's budget, and what must be decided by when."""

    draws: int
    seed: int
    reserves: tuple[Reserve, ...]
    """All events by year and ever; then each event by year and ever."""
    pooling: tuple[Pooling, ...]
    """P50, P80, P95, CVaR95."""
    commitments: tuple[Commitment, ...]
    """The earliest latest date first."""

    def reserve(self, event_id: str | None = None, year: int | None = None) -> Reserve:
        """One of them; None is all. Raises KeyError."""
        return {(r.event_id, r.year): r for r in self.reserves}[event_id, year]

    def to_frame(self) -> "pd.DataFrame":
        """One row a reserve: event_id (text, None: all), year (Int64, <NA>: ever), and yuan (float64).

        planned_yuan, P50_yuan, P80_yuan, P95_yuan, CVaR95_yuan.
        """
        import pandas as pd

        columns: dict[str, object] = {
            "event_id": pd.Series([r.event_id for r in self.reserves], dtype=object),
            "year": pd.array([r.year for r in self.reserves], dtype="Int64"),
            "planned_yuan": [r.planned_yuan for r in self.reserves],
        }
        columns |= {f"{q}_yuan": [r.quantiles_yuan[q] for r in self.reserves] for q in QUANTILES}
        return pd.DataFrame(columns | {"CVaR95_yuan": [r.tail_yuan for r in self.reserves]})

    def commitments_frame(self) -> "pd.DataFrame":
        """One row a commitment: event_id, offer_id, bound (text), contracted_t (float64), three dates (datetime64)."""
        import pandas as pd

        days = ("planned_on", "latest", "deadline")
        columns: dict[str, object] = {n: [getattr(c, n) for c in self.commitments] for n in ("event_id", "offer_id")}
        columns["contracted_t"] = np.array([c.contracted_kg for c in self.commitments], dtype=np.float64) / KG_PER_T
        columns |= {n: pd.to_datetime([getattr(c, n) for c in self.commitments]) for n in days}
        return pd.DataFrame(columns | {"bound": [c.bound for c in self.commitments]})

    def as_dict(self, lang: Language) -> Json:
        """For JSON: decimal strings, ISO dates."""
        return {
            "draws": self.draws,
            "seed": self.seed,
            "reserves": [r.as_dict() for r in self.reserves],
            "pooling": [p.as_dict() for p in self.pooling],
            "commitments": [c.as_dict(lang) for c in self.commitments],
        }


def calendar_budget(question: Question, swept: Sweep) -> CalendarBudget:
    """The budget of a calendar from the sweep of its question; nothing is solved here.

    Raises:
        BadInput: a sweep without draws.
    """
    planned, paid = question.plan_paid_yuan, swept.paid_yuan
    reserves = [*_reserves(None, swept.years, planned.sum(axis=0), np.ascontiguousarray(paid.sum(axis=1)))]
    for e, event_id in enumerate(swept.event_ids):
        reserves += _reserves(event_id, swept.years, planned[e], paid[:, e])
    by_event = [r for r in reserves if r.event_id is not None and r.year is None]
    return CalendarBudget(
        len(swept),
        swept.seed,
        tuple(reserves),
        _pooling(next(r for r in reserves if r.event_id is None and r.year is None), by_event),
        commitments(question),
    )


def _reserves(event_id: str | None, years: tuple[int, ...], planned: Floats, paid: Floats) -> list[Reserve]:
    """By year, then ever; `planned` has shape (years,), `paid` (draws, years)."""
    by_year = [_reserve(event_id, year, float(planned[k]), paid[:, k]) for k, year in enumerate(years)]
    return [*by_year, _reserve(event_id, None, float(planned.sum()), np.ascontiguousarray(paid).sum(axis=1))]


def _reserve(event_id: str | None, year: int | None, planned: float, paid: Floats) -> Reserve:
    levels = {name: quantile(paid, share).value for name, share in QUANTILES.items()}
    return Reserve(event_id, year, planned, levels, tail_mean(paid, TAIL).value)


def _pooling(together: Reserve, each: list[Reserve]) -> tuple[Pooling, ...]:
    found = [Pooling(q, sum(r.contingency_yuan(q) for r in each), together.contingency_yuan(q)) for q in QUANTILES]
    separate = sum(r.tail_yuan - r.planned_yuan for r in each)
    return (*found, Pooling("CVaR95", separate, together.tail_yuan - together.planned_yuan))


def commitments(question: Question) -> tuple[Commitment, ...]:
    """Every line of today's plan with its latest date, the most urgent first."""
    market = question.market
    arcs, problem = market.arcs, market.problem
    asked = market.asked.offers
    latest = [last_purchase_dates(asked, Deadlines.of(e, problem.rule_pack)) for e in problem.events]
    found = []
    for a in np.flatnonzero(question.held_kg > 0).tolist():
        e, i = int(arcs.event[a]), int(arcs.offer[a])
        day, ends = arcs.day[a], asked.valid_until[i]
        last = max(latest[e][i], day) if arcs.late[a] else latest[e][i]
        bound: Bound = "late" if arcs.late[a] else "offer ends" if last == ends else "deadline"
        found.append(
            Commitment(
                problem.events[e].id,
                str(problem.offers.offer_id[i]),
                round(float(question.held_kg[a])),
                day.astype(object),
                last.astype(object),
                last_day(problem, e, problem.offers.instrument[i]),
                bound,
            )
        )
    return tuple(sorted(found, key=lambda c: (c.latest, c.event_id, c.offer_id)))
