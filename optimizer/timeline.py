"""Dates: deadlines, purchase dates, what a forest delivers by its deadline, and when money is paid.

Deadlines, `valid_from` and `valid_until` are inclusive; `settlement_days` are calendar days; schedules are step
functions at absolute dates, never interpolated (MODEL 11).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from optimizer.events import Event
from optimizer.offers import Bools, Dates, Ints, Offers, parse_schedule
from optimizer.problem import Problem
from optimizer.quantities import E4
from optimizer.rule_pack import RulePack

E8 = E4 * E4
"""Effective tonnes are counted in 10^-8 of a contracted tonne: a share x (1 - buffer), four decimals each."""


def add_years(day: date, years: int) -> date:
    """The same calendar day `years` later; 29 Feb becomes 28 Feb where there is none."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


@dataclass(frozen=True)
class Deadlines:
    """The last days on which an event may be made neutral, both inclusive."""

    retirement: date
    """For everything but new forestry."""
    forestry: date

    @classmethod
    def of(cls, event: Event, rule_pack: RulePack) -> "Deadlines":
        """Event end plus the rule pack's years."""
        return cls(
            add_years(event.end_date, rule_pack.retirement.years), add_years(event.end_date, rule_pack.forestry.years)
        )


def first_valid_dates(offers: Offers, as_of: date) -> Dates:
    """The first day on which each offer can be bought, shape (n,)."""
    today = np.datetime64(as_of, "D")
    first: Dates = np.fmax(offers.valid_from, today)  # a blank date gives way
    return first


def is_forestry(offers: Offers) -> Bools:
    """Where the offer is new forestry, shape (n,)."""
    return offers.instrument.isin(("forestry",))


def eta_e8(problem: Problem, deadline: date) -> Ints:
    """Effective tonnes per contracted tonne by the forestry deadline, in 10^-8, shape (n,) (MODEL 4).

    Issued credits count 1. New forestry counts its cumulative delivery share at the deadline (`accrued`; a blank
    schedule counts 0), or all that it will ever deliver if it is planted and certified by then (`ex_ante`; a blank
    schedule delivers everything), times (1 - buffer).
    """
    offers = problem.offers
    forest = is_forestry(offers)
    eta = np.full(len(offers), E8, dtype=np.int64)
    if not forest.any():
        return eta
    by, rows = np.datetime64(deadline, "D"), np.flatnonzero(forest)
    schedules = [parse_schedule(text) for text in offers.delivery_schedule.names]
    scheduled = offers.delivery_schedule.take(rows)
    if problem.settings.forestry_accrual == "accrued":
        share = scheduled.lookup([max([s for d, s in steps if d <= by], default=0) for steps in schedules], 0)
    else:
        in_time = (offers.planted_by[rows] <= by) & (offers.certification_due[rows] <= by)
        whole = scheduled.lookup([max([s for _, s in steps], default=0) for steps in schedules], E4)
        share = np.where(in_time, whole, 0)
    eta[rows] = share.astype(np.int64) * (E4 - offers.buffer_e4[rows])
    return eta


def payment_shares(schedule: Sequence[tuple[np.datetime64, int]], purchase: date) -> list[tuple[date, int]]:
    """When what share (10^-4) of a line's cost is paid, dates ascending.

    Blank is all on the purchase date; an instalment dated before the purchase is paid on the purchase date.
    """
    if not schedule:
        return [(purchase, E4)]
    paid: dict[date, int] = {}
    for day, share in schedule:
        when = max(day.astype(object), purchase)
        paid[when] = paid.get(when, 0) + share
    return sorted(paid.items())


def purchase_dates(first: date, last: date, changes: Sequence[date], by_year: bool) -> list[date]:
    """Candidate purchase dates from the first valid to the last possible day.

    The first one, then the first of each later year (`by_year`) and of each outlook change.
    """
    dates = {first}
    if by_year:
        dates |= {date(y, 1, 1) for y in range(first.year + 1, last.year + 1)}
    dates |= set(changes)
    return sorted(d for d in dates if first <= d <= last)


def last_purchase_dates(offers: Offers, deadlines: Deadlines) -> Dates:
    """The last day on which a purchase is valid and in time, shape (n,).

    `valid_until`, and the deadline less the settlement days (for new forestry the deadline itself).
    """
    by_retirement = np.datetime64(deadlines.retirement, "D") - offers.settlement_days.astype("timedelta64[D]")
    in_time = np.where(is_forestry(offers), np.datetime64(deadlines.forestry, "D"), by_retirement)
    return np.where(np.isnat(offers.valid_until), in_time, np.minimum(offers.valid_until, in_time))


def stale(offers: Offers, as_of: date, days: int) -> Bools:
    """Where the quote's last trade is more than `days` before `as_of`, shape (n,); a blank date is not stale."""
    result: NDArray[np.bool_] = offers.last_traded_on < np.datetime64(as_of - timedelta(days=days), "D")
    return result
