"""Arcs: what may be bought for whom and when, column by column; only eligible ones exist.

An arc is an event, an offer, a purchase date and, with whole lots, one price break of the offer: a *piece*. The pieces
of one event, offer and date are a *line*, of which at most one is used. A piece takes 0 or a whole number of lots
between its least and its most. Arcs stand in canonical order: event id, tier, offer id, purchase date, break.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from optimizer.budgets import Budget
from optimizer.eligibility import Screening, usable_kg
from optimizer.offers import Bools, Dates, Ints, Offers, Shorts, parse_price_breaks, parse_schedule
from optimizer.problem import Problem
from optimizer.quantities import E4, KG_PER_T
from optimizer.timeline import (
    E8,
    Deadlines,
    first_valid_dates,
    last_purchase_dates,
    payment_shares,
    purchase_dates,
)


@dataclass(frozen=True, eq=False)
class Arcs:
    """All arrays have shape (n,), in canonical order. What is the same for all arcs may be held once, unwritable."""

    event: Shorts
    """Index into `problem.events`."""
    offer: Shorts
    """Index into `problem.offers`."""
    day: Dates
    """Purchase date."""
    piece: Shorts
    """Number of the price break in force, 0 for the list price."""
    line: Shorts
    """Which line the piece belongs to, counted 0, 1, ... in canonical order."""
    tier: Shorts
    eta_e8: Ints
    """Effective tonnes per contracted tonne, 10^-8."""
    cover_e8: Ints
    """The same as coverage rows count it: a piece whose least already covers its event counts the need and no more, so
    that a fraction of it covers only that fraction. Equal for every whole quantity, and tighter in between."""
    unit_cost_e8: Ints
    """Price after break x outlook x (1 + fee rate) + unit fee, 10^-8 fen per contracted tonne: exact."""
    fixed_fee_fen: Ints
    """Per line that is used; 0 without whole lots."""
    lot_kg: Ints
    """1 without whole lots."""
    least_kg: Ints
    """Smallest positive quantity."""
    most_kg: Ints
    """Largest quantity."""
    offered_kg: Ints
    """Largest quantity before `limits.fit` cut it to what a cap or a budget leaves; what explanations look at."""
    late: Bools
    payment: Shorts
    """Index into `payments`."""
    payments: tuple[tuple[tuple[int, int], ...], ...]
    """Distinct ways to spread a line's cost: ((fiscal year, share in 10^-4), ...)."""

    def __len__(self) -> int:
        return len(self.event)

    @cached_property
    def switched(self) -> Bools:
        """Pieces whose use is a yes or no beyond the lot count: a minimum above one lot, a fee, or a sister piece."""
        pieces_of_line = (
            np.bincount(self.line, minlength=int(self.line.max(initial=-1)) + 1)[self.line]
            if len(self)
            else np.zeros(0, dtype=np.int64)
        )
        return np.asarray((self.least_kg > self.lot_kg) | (self.fixed_fee_fen > 0) | (pieces_of_line > 1))

    def take(self, rows: NDArray[np.int64] | Bools) -> "Arcs":
        """Only these arcs, in this order; lines keep their numbers."""
        names = [n for n in Arcs.__dataclass_fields__ if n != "payments"]
        return Arcs(**{n: getattr(self, n)[rows] for n in names}, payments=self.payments)

    def kg_costs_fen(self, some: Iterable[int]) -> list[Fraction]:
        """What one kg more of each of these arcs costs, exact, fen."""
        return [Fraction(int(self.unit_cost_e8[a]), COST) for a in some]

    def year_shares(self, year: int | None) -> Ints:
        """What share (10^-4) of each arc's cost is paid in `year` (None: ever), shape (n,)."""
        table = [E4 if year is None else sum(s for y, s in p if y == year) for p in self.payments]
        return np.array([*table, 0], dtype=np.int64)[self.payment]

    def years(self) -> list[int]:
        """Every fiscal year in which some arc pays, ascending."""
        used = np.unique(self.payment)
        return sorted({y for k in used.tolist() for y, _ in self.payments[k]})


def unit_cost_e8(price_fen: Ints, factor_e4: Ints | int, fee_rate_e4: Ints, unit_fee_fen: Ints) -> Ints:
    """Price x outlook x (1 + fee rate) + unit fee, exact, 10^-8 fen per t; within 64 bits."""
    return np.asarray(price_fen * factor_e4 * (E4 + fee_rate_e4) + unit_fee_fen * E8, dtype=np.int64)


COST = E8 * KG_PER_T
"""Parts of a fen in which the cost of a whole number of kg is a whole number."""


def cost_in_parts(unit_e8: int, quantity_kg: int, fixed_fee_fen: int) -> int:
    """Cost of a line, exact, in 1/COST of a fen: unit cost x contracted + fixed fee."""
    return unit_e8 * quantity_kg + fixed_fee_fen * COST


def cost_fen(unit_e8: int, quantity_kg: int, fixed_fee_fen: int) -> Fraction:
    """Cost of a line, exact, fen."""
    return Fraction(cost_in_parts(unit_e8, quantity_kg, fixed_fee_fen), COST)


def present_value(payments: Sequence[tuple[int, int]], base_year: int, discount_rate_e4: int) -> Fraction:
    """What one yuan of line cost is worth: sum of share x (1 + r)^-(year - base year)."""
    growth = Fraction(E4 + discount_rate_e4, E4)
    return sum((Fraction(share, E4) / growth ** (year - base_year) for year, share in payments), Fraction(0))


def build_arcs(problem: Problem, screening: Screening) -> Arcs:
    """Every eligible event, offer, date and break."""
    turns, known = _turns(problem), dict[tuple[bool, int], Dates]()
    parts = [_event_arcs(problem, screening, e, turns, known) for e in range(len(problem.events))]
    event, offer, day, late = (np.concatenate([p[k] for p in parts]) for k in range(4))
    offers = problem.offers
    factor = _factors_e4(problem, offer, day)
    payment, payments = _payments(offers, offer, day)
    whole = problem.settings.whole_lots
    line, piece, price, least, most = _pieces(offers, offer, whole)
    if whole:
        event, offer, payment = event[line], offer[line], payment[line]
        day, late, factor = day[line], late[line], factor[line]
    lot = offers.lot_kg[offer] if whole else np.broadcast_to(np.int64(1), len(line))
    eta = screening.eta_e8[event, offer]
    useful = useful_kg(problem, event, eta, lot, least, most)
    return Arcs(
        event=event,
        offer=offer,
        day=day,
        piece=piece,
        line=line,
        tier=screening.tier[offer],
        eta_e8=eta,
        cover_e8=cover_e8(problem, event, eta, least) if whole else eta,
        unit_cost_e8=unit_cost_e8(price, factor, offers.fee_rate_e4[offer], offers.unit_fee_fen[offer]),
        fixed_fee_fen=offers.fixed_fee_fen[offer] if whole else np.broadcast_to(np.int64(0), len(line)),
        lot_kg=lot,
        least_kg=least,
        most_kg=useful,
        offered_kg=useful,
        late=late,
        payment=payment,
        payments=payments,
    )


def useful_kg(problem: Problem, event: Shorts, eta: Ints, lot: Ints, least: Ints, most: Ints) -> Ints:
    """`most`, cut to the lots with which a piece alone covers its event: a lot more only adds cost, in every level."""
    need = np.array([e.need_kg for e in problem.events], dtype=np.float64)[event]
    enough_lots = np.floor(need * (E8 / np.maximum(eta, 1)) / lot * (1 + 1e-12)).astype(np.int64) + 2
    enough = np.where(enough_lots < np.iinfo(np.int64).max // lot, enough_lots * lot, most)
    return np.minimum(most, np.maximum(least, enough))


def cover_e8(problem: Problem, event: Shorts, eta: Ints, least: Ints) -> Ints:
    """eta, cut to need / least (rounded up to 10^-8) where the least alone covers the event."""
    cover = eta.copy()
    for e, number in enumerate(ev.need_kg for ev in problem.events):
        mine = np.flatnonzero(event == e)
        capped = mine[eta[mine].astype(float) * least[mine] > (1 - 1e-9) * number * float(E8)]
        for a in capped.tolist():
            cover[a] = min(int(eta[a]), -(-number * E8 // int(least[a])))
    return cover


def _turns(problem: Problem) -> Dates:
    """Every first of a year, and of an outlook change, from `as_of` to the last deadline: what dates can differ by."""
    deadlines = [Deadlines.of(event, problem.rule_pack) for event in problem.events]
    last = max(day for d in deadlines for day in (d.retirement, d.forestry))
    firsts = [date(year, 1, 1) for year in range(problem.as_of.year + 1, last.year + 1)]
    changes = [factor.from_date for factor in problem.outlook.factors]
    return np.array(sorted({*firsts, *changes}), dtype="datetime64[D]")


def _event_arcs(
    problem: Problem, screening: Screening, e: int, turns: Dates, known: dict[tuple[bool, int], Dates]
) -> tuple[Shorts, Shorts, Dates, Bools]:
    """Event, offer, purchase date and lateness of each line of one event, canonical order; dates are `known` once."""
    offers = problem.offers
    rows = np.flatnonzero(screening.reasons[e] == 0)
    rows = rows[np.argsort(screening.tier[rows], kind="stable")]
    first = first_valid_dates(offers, problem.as_of)[rows]
    late = screening.late[e, rows]
    if not may_wait(problem, e):
        return np.full(len(rows), e, dtype=np.int32), rows.astype(np.int32), first, late
    last = last_purchase_dates(offers, Deadlines.of(problem.events[e], problem.rule_pack))[rows]
    by_year, instrument = money_has_years(problem, e), offers.instrument
    # Lines of one first day and instrument between the same turns have the same dates; a late one its first day alone.
    spans = first.astype(np.int64) * (len(turns) + 1) + np.searchsorted(turns, last, side="right")
    codes = spans * (len(instrument.names) + 1) + np.where(late, 0, instrument.codes[rows] + 1)
    unique, at, inverse = np.unique(codes, return_index=True, return_inverse=True)
    for code, row in zip(unique.tolist(), at.tolist(), strict=True):
        if (by_year, code) not in known:
            a, b = first[row].astype(object), last[row].astype(object)
            changes = problem.outlook.changes(instrument[rows[row]])
            dates = [a] if late[row] else purchase_dates(a, b, changes, by_year)
            known[by_year, code] = np.array(dates, dtype="datetime64[D]")
    chosen = [known[by_year, code] for code in unique.tolist()]
    sizes = np.array([len(dates) for dates in chosen], dtype=np.int64)
    counts, begin = sizes[inverse], (np.cumsum(sizes) - sizes)[inverse]
    place = np.arange(counts.sum()) + np.repeat(begin - np.cumsum(counts) + counts, counts)
    days = np.concatenate([np.zeros(0, dtype="datetime64[D]"), *chosen])[place]
    event = np.full(len(days), e, dtype=np.int32)
    return event, np.repeat(rows.astype(np.int32), counts), days, np.repeat(late, counts)


def money_has_years(problem: Problem, e: int) -> bool:
    """A by-year budget of the event or the calendar, or a discount rate: the year of payment matters."""
    budgets: list[Budget | None] = [problem.events[e].budget, problem.calendar.budget]
    return problem.settings.discount_rate_e4 > 0 or any(
        b is not None and b.by_fiscal_year_fen is not None for b in budgets
    )


def may_wait(problem: Problem, e: int) -> bool:
    """Whether a later purchase than the first valid date can be better at all (MODEL 11)."""
    return money_has_years(problem, e) or bool(problem.outlook.factors)


def _factors_e4(problem: Problem, offer: Shorts, day: Dates) -> Ints:
    """Outlook factor of each line's price."""
    if not problem.outlook.factors:
        return np.broadcast_to(np.int64(E4), len(offer))
    factors = np.full(len(offer), E4, dtype=np.int64)
    codes = problem.offers.instrument.codes[offer]
    for code, name in enumerate(problem.offers.instrument.names):
        for entry in sorted((f for f in problem.outlook.factors if f.instrument == name), key=lambda f: f.from_date):
            factors[(codes == code) & (day >= np.datetime64(entry.from_date, "D"))] = entry.factor_e4
    return factors


def _payments(offers: Offers, offer: Shorts, day: Dates) -> tuple[Shorts, tuple[tuple[tuple[int, int], ...], ...]]:
    """Distinct spreads of cost over fiscal years, and which one each line has."""
    schedules = [*(parse_schedule(t) for t in offers.payment_schedule.names), ()]
    years = day.astype("datetime64[Y]").astype(np.int64) + 1970
    codes = offers.payment_schedule.codes[offer].astype(np.int64)
    keys, inverse = np.unique(codes * 100_000 + years, return_inverse=True)
    table: list[tuple[tuple[int, int], ...]] = []
    for key in keys.tolist():
        code, year = divmod(key, 100_000)
        by_year: dict[int, int] = {}
        for paid_on, share in payment_shares(schedules[code], date(year, 1, 1)):
            by_year[paid_on.year] = by_year.get(paid_on.year, 0) + share
        table.append(tuple(sorted(by_year.items())))
    return inverse.astype(np.int32), tuple(table)


def _pieces(offers: Offers, offer: Shorts, whole: bool) -> tuple[Shorts, Shorts, Ints, Ints, Ints]:
    """Line, break number, price, least and most kg of each piece (pieces that hold no lot are dropped)."""
    line = np.arange(len(offer), dtype=np.int32)
    piece = np.broadcast_to(np.int32(0), len(offer))
    price = offers.price_fen[offer]
    usable = usable_kg(offers, whole)[offer]
    if not whole:
        return line, piece, price, np.broadcast_to(np.int64(1), len(offer)), usable
    lot = offers.lot_kg[offer]
    least = np.maximum(-(-offers.min_quantity_kg[offer] // lot) * lot, lot)
    most = usable.copy()
    broken = np.flatnonzero(~offers.price_breaks.blank[offer])
    if not len(broken):
        return line, piece, price, least, most
    breaks = [parse_price_breaks(t) for t in offers.price_breaks.names]
    extra: list[tuple[int, int, int, int, int]] = []
    for row in broken.tolist():
        steps = breaks[offers.price_breaks.codes[offer[row]]]
        row_lot, row_least, row_most = int(lot[row]), int(least[row]), int(most[row])
        for k, (from_kg, price_fen) in enumerate(steps):
            below = steps[k + 1][0] if k + 1 < len(steps) else row_most + 1
            low, high = (
                max(row_least, -(-from_kg // row_lot) * row_lot),
                min(row_most, (below - 1) // row_lot * row_lot),
            )
            if low <= high:
                extra.append((row, k + 1, price_fen, low, high))
        most[row] = min(row_most, (steps[0][0] - 1) // row_lot * row_lot)
    listed = most >= least
    more = np.array(extra, dtype=np.int64).reshape(-1, 5)
    columns = [np.concatenate([base[listed], more[:, k]]) for k, base in enumerate((line, piece, price, least, most))]
    order = np.lexsort((columns[1], columns[0]))
    line, piece, price, least, most = (column[order] for column in columns)
    return line.astype(np.int32), piece.astype(np.int32), price, least, most


def last_day(problem: Problem, event: int, instrument: str) -> date:
    """The deadline that holds for an instrument and event: retirement, or six years for new forestry."""
    deadlines = Deadlines.of(problem.events[event], problem.rule_pack)
    return deadlines.forestry if instrument == "forestry" else deadlines.retirement
