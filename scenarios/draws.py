"""What is not known about a problem, and what one draw of it comes to: prices, offers that hold, yields, needs.

A `Market` is what all draws share: the problem, its eligible arcs, and which number of a draw bears on which arc. The
numbers are those of `market_data.draws` (draw k is draw k, whatever else is asked), turned into the integers of the
engine: factors and yields in ten-thousandths, needs in kg. So a draw is also a problem of its own (`problem_of`), which
the engine plans like any other; every hundredth draw of a sweep is checked that way.

Nothing is solved here. What is done in a draw: `sweep`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Literal, get_args

import numpy as np

from market_data.draws import RHO_DEFAULT, FallThroughRule, Spot, YieldItem, YieldRange
from market_data.draws import availability as draw_availability
from market_data.draws import emissions as draw_emissions
from market_data.draws import forestry_yield as draw_yields
from market_data.draws import prices as draw_prices
from market_data.price_models import PriceModel
from market_data.random_streams import draw_range
from optimizer.arcs import Arcs, build_arcs, money_has_years, unit_cost_e8
from optimizer.eligibility import Screening, screen
from optimizer.errors import BadInput
from optimizer.events import Event
from optimizer.findings import fault
from optimizer.formulation import present_values
from optimizer.offers import Bools, Ints, Labels, Offers, parse_schedule
from optimizer.problem import Factor, Outlook, Problem
from optimizer.program import Floats, Index
from optimizer.quantities import E4, FEN_PER_YUAN, rate
from optimizer.timeline import E8, Deadlines, is_forestry

type Driver = Literal["prices", "availability", "yield", "emissions"]
DRIVERS: tuple[Driver, ...] = get_args(Driver.__value__)
"""What may be uncertain, in the order in which it is told."""

FACTOR_E4_MAX = 10 * E4
"""Outlooks hold factors up to 10; a draw above it counts as 10 (prices ten times today's end every plan alike)."""


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """What is not known, and how uncertain it is; whatever is None or False stays as the plan has it."""

    price_model: PriceModel | None = None
    """Moves the prices of its instruments; all others, and the market under None, stay flat."""
    buy_on: date | None = None
    """The day on which purchases are made and prices struck; None: on as_of, when no price has moved yet. Offers stand
    for their like: one that expires before that day counts as still on the market."""
    spot_price_fen: Mapping[str, int] = field(default_factory=dict)
    """Instrument -> today's fen/t, where the model's mean reversion starts; blank: the history's last price."""
    fall_through: FallThroughRule | None = None
    """How probably an offer cannot be had; None: every offer holds."""
    yield_spread: float | YieldRange | None = None
    """Of new forestry; None: as stated."""
    yield_rho: float = RHO_DEFAULT
    """Share of a yield's variance that the weather of its province makes."""
    drawn_emissions: bool = True
    """Estimated emissions with a range are drawn from it."""

    def without(self, driver: Driver) -> "Uncertainty":
        """The same with one driver known: at today's price (or the outlook's), held, as stated, as estimated."""
        frozen: Mapping[Driver, Mapping[str, object]] = {
            "prices": {"price_model": None},
            "availability": {"fall_through": None},
            "yield": {"yield_spread": None},
            "emissions": {"drawn_emissions": False},
        }
        return replace(self, **frozen[driver])  # type: ignore[arg-type]  # each value is of its field's type


@dataclass(frozen=True, eq=False)
class Drawn:
    """A chunk of draws, one a row."""

    seed: int
    first: int
    factor_e4: Ints
    """Price factors in force, shape (draws, price terms)."""
    there: Bools
    """Whether an offer can be had, shape (draws, offers with an arc)."""
    yield_e4: Ints
    """Factors on stated yields, shape (draws, forests)."""
    emitted_kg: Ints
    """Shape (draws, events)."""
    need_kg: Ints
    """D_e of the drawn emissions, shape (draws, events)."""

    def __len__(self) -> int:
        return len(self.need_kg)

    def row(self, k: int) -> "Drawn":
        """Row k as a chunk of its own."""
        at = slice(k, k + 1)
        factor, there, yields = self.factor_e4[at], self.there[at], self.yield_e4[at]
        return Drawn(self.seed, self.first + k, factor, there, yields, self.emitted_kg[at], self.need_kg[at])


@dataclass(frozen=True, eq=False)
class Market:
    """What all draws share. Made by `market_of`; pickles, so that any worker can draw from it."""

    asked: Problem
    """As it was given."""
    problem: Problem
    """The same with divisible quantities, bought from `buy_on` on; offers in the same rows."""
    uncertainty: Uncertainty
    screening: Screening
    arcs: Arcs
    price_terms: tuple[tuple[str, date], ...]
    """(instrument, first day on which the factor holds), by instrument and day."""
    price_of: Index
    """Arc -> price term, -1 where the price stays as planned; shape (n_arcs,)."""
    offers: Index
    """Offers with an arc, as rows of the problem's offers, ascending."""
    offer_of: Index
    """Arc -> place in `offers`."""
    forests: Index
    """Places in `offers` of new forestry whose yield is drawn."""
    forest_of: Index
    """Arc -> place in `forests`, -1 for what delivers as stated."""

    def draw(self, seed: int, first: int, count: int) -> Drawn:
        """Draws first .. first + count - 1.

        Raises:
            BadInput: a seed, start or count out of range, or what `market_data.draws` refuses.
        """
        draw_range(count, seed, first)
        emitted = np.stack([self._emitted(e, seed, first, count) for e in self.problem.events], axis=1)
        margin = np.array([E4 + e.over_cover_e4 for e in self.problem.events])
        return Drawn(
            seed,
            first,
            self._factors(seed, first, count),
            self._there(seed, first, count),
            self._yields(seed, first, count),
            emitted,
            -(-emitted * margin // E4),
        )

    def _emitted(self, event: Event, seed: int, first: int, count: int) -> Ints:
        e = event.emissions
        if not self.uncertainty.drawn_emissions or e.status == "verified":
            return np.full(count, e.emitted_kg, dtype=np.int64)
        drawn = draw_emissions(event.id, e.emitted_kg, e.low_kg, e.high_kg, count, seed, first=first)
        # An event emits something: a range that begins at 0 is drawn from 1 kg on.
        return np.maximum(drawn, 1)

    def _factors(self, seed: int, first: int, count: int) -> Ints:
        model = self.uncertainty.price_model
        if model is None or not self.price_terms:
            return np.zeros((count, 0), dtype=np.int64)
        start = self.start
        days = sorted({max(day, start) for _, day in self.price_terms})
        names = sorted({name for name, _ in self.price_terms})
        spot = Spot(self.problem.as_of, self.uncertainty.spot_price_fen)
        factors = draw_prices(model, spot, days, count, seed, first=first, instruments=names)
        chosen = [factors[:, days.index(max(day, start)), names.index(name)] for name, day in self.price_terms]
        return np.clip(np.rint(np.stack(chosen, axis=1) * E4), 1, FACTOR_E4_MAX).astype(np.int64)

    def _there(self, seed: int, first: int, count: int) -> Bools:
        rule = self.uncertainty.fall_through
        if rule is None:
            return np.ones((count, len(self.offers)), dtype=bool)
        return draw_availability(self.problem.offers.take(self.offers), rule, count, seed, first=first)

    def _yields(self, seed: int, first: int, count: int) -> Ints:
        spread = self.uncertainty.yield_spread
        if spread is None or not len(self.forests):
            return np.zeros((count, 0), dtype=np.int64)
        market = self.problem.offers
        rows = self.offers[self.forests].tolist()
        items = [YieldItem(market.project_id[i] or market.offer_id[i], market.region[i][:2]) for i in rows]
        factors = draw_yields(items, spread, count, seed, rho=self.uncertainty.yield_rho, first=first)
        return np.clip(np.rint(factors * E4), 0, FACTOR_E4_MAX).astype(np.int64)

    @property
    def start(self) -> date:
        """The first day on which anything is bought."""
        return bought_from(self.problem.as_of, self.uncertainty)

    def unit_cost_e8(self, drawn: Drawn) -> Ints:
        """All-in cost of each arc, 10^-8 fen/t, exact, shape (draws, n_arcs)."""
        arcs, offers = self.arcs, self.problem.offers
        costs = np.repeat(arcs.unit_cost_e8[None, :], len(drawn), axis=0)
        moved = np.flatnonzero(self.price_of >= 0)
        if len(moved) and drawn.factor_e4.shape[1]:
            rows = arcs.offer[moved]
            factors = drawn.factor_e4[:, self.price_of[moved]]
            price, fee, unit_fee = offers.price_fen[rows], offers.fee_rate_e4[rows], offers.unit_fee_fen[rows]
            costs[:, moved] = unit_cost_e8(price, factors, fee, unit_fee)
        return costs

    def cost_yuan(self, drawn: Drawn) -> Floats:
        """The same in yuan per contracted tonne."""
        found: Floats = self.unit_cost_e8(drawn) / float(E8 * FEN_PER_YUAN)
        return found

    def eta_e8(self, drawn: Drawn) -> Ints:
        """Effective tonnes per contracted tonne of each arc, 10^-8, shape (draws, n_arcs).

        A yield scales the delivered share, rounded to its four decimals, before the buffer is kept back.
        """
        if not drawn.yield_e4.shape[1]:
            return np.broadcast_to(self.arcs.eta_e8, (len(drawn), len(self.arcs)))
        eta = np.repeat(self.arcs.eta_e8[None, :], len(drawn), axis=0)
        grown = np.flatnonzero(self.forest_of >= 0)
        kept = E4 - self.problem.offers.buffer_e4[self.arcs.offer[grown]]
        share = self.arcs.eta_e8[grown] // kept
        eta[:, grown] = scaled_share(share, drawn.yield_e4[:, self.forest_of[grown]]) * kept
        return eta

    def most_kg(self, drawn: Drawn) -> Ints:
        """What can be had of each arc's offer, kg, shape (draws, n_arcs); 0 where it fell through."""
        quantity = self.problem.offers.quantity_kg[self.arcs.offer]
        return np.where(drawn.there[:, self.offer_of], quantity, 0)

    @cached_property
    def present_value(self) -> Floats:
        """What a yuan of each arc's cost weighs in the level `cost`, shape (n_arcs,)."""
        return present_values(self.problem, self.arcs)

    def problem_of(self, drawn: Drawn, k: int) -> Problem:
        """Row k of a chunk as a problem of its own, with nothing uncertain: for the engine, and for people to look at.

        What fell through is not on the market, needs are as emitted, yields stand in the delivery schedules, and the
        outlook holds the drawn factors.
        """
        market = self.problem.offers
        gone = np.zeros(len(market), dtype=bool)
        gone[self.offers[~drawn.there[k]]] = True
        offers = self._grown(drawn, k).take(~gone)
        events = tuple(
            e.model_copy(update={"emissions": e.emissions.model_copy(update={"emitted_kg": int(kg)})})
            for e, kg in zip(self.problem.events, drawn.emitted_kg[k], strict=True)
        )
        calendar = self.problem.calendar.model_copy(update={"events": events})
        return self.problem.replace(calendar=calendar, offers=offers, outlook=self._outlook(drawn, k))

    def _outlook(self, drawn: Drawn, k: int) -> Outlook:
        if not drawn.factor_e4.shape[1]:
            return self.problem.outlook
        moved = {name for name, _ in self.price_terms}
        entries = [f for f in self.problem.outlook.factors if f.instrument not in moved]
        for (name, day), factor in zip(self.price_terms, drawn.factor_e4[k].tolist(), strict=True):
            entries.append(Factor.model_validate({"instrument": name, "from": day, "factor": rate(factor)}))
        return Outlook(factors=tuple(entries))

    def _grown(self, drawn: Drawn, k: int) -> Offers:
        market = self.problem.offers
        if not drawn.yield_e4.shape[1]:
            return market
        texts = [market.delivery_schedule[i] for i in range(len(market))]
        for row, factor in zip(self.offers[self.forests].tolist(), drawn.yield_e4[k].tolist(), strict=True):
            steps = parse_schedule(texts[row]) or ((np.datetime64(self.problem.as_of, "D"), E4),)
            texts[row] = ";".join(f"{day}={rate(int(scaled_share(share, factor)))}" for day, share in steps)
        return market.replace(delivery_schedule=Labels.of(texts))


def scaled_share(share_e4: Ints | int, factor_e4: Ints | int) -> Ints:
    """A delivered share times a yield factor, ten-thousandths, half up."""
    return np.asarray((share_e4 * factor_e4 + E4 // 2) // E4, dtype=np.int64)


def bought_from(as_of: date, uncertainty: Uncertainty) -> date:
    """The first day on which anything is bought."""
    return as_of if uncertainty.buy_on is None else uncertainty.buy_on


def market_of(problem: Problem, uncertainty: Uncertainty) -> Market:
    """A problem made ready for draws: screened once, arcs built once.

    Quantities are divisible, whatever the settings say (MODEL 11: curves and sweeps). Factors that are drawn take the
    place of the outlook's for the instruments that the model moves; they change on the days on which every arc of the
    problem may change date: the day of purchase, New Year where the year of payment matters, the outlook's own days.

    Raises:
        BadInput: `buy_on` before as_of, or after the last day on which an event can be made neutral.
    """
    _check_day(problem, uncertainty)
    base = _bought_on(problem.with_settings(whole_lots=False), bought_from(problem.as_of, uncertainty))
    screening = screen(base)
    arcs = build_arcs(base, screening)
    offers, offer_of = np.unique(arcs.offer, return_inverse=True)
    drawn_yield = uncertainty.yield_spread is not None
    forests = np.flatnonzero(is_forestry(base.offers)[offers]) if drawn_yield else np.zeros(0, dtype=np.int64)
    place = np.full(len(offers), -1, dtype=np.int64)
    place[forests] = np.arange(len(forests))
    terms, price_of = _price_terms(base, uncertainty, arcs)
    return Market(
        problem,
        base,
        uncertainty,
        screening,
        arcs,
        terms,
        price_of,
        offers.astype(np.int64),
        offer_of.astype(np.int64),
        forests,
        place[offer_of] if len(offers) else np.zeros(0, dtype=np.int64),
    )


def _check_day(problem: Problem, uncertainty: Uncertainty) -> None:
    day = uncertainty.buy_on
    if day is None:
        return
    last = max(Deadlines.of(e, problem.rule_pack).retirement for e in problem.events)
    if not problem.as_of <= day <= last:
        zh = f"购买日应在 {problem.as_of} 与最后注销期限 {last} 之间"
        en = f"the day of purchase should be from {problem.as_of} to the last deadline {last}"
        raise BadInput([fault("buy_on", zh, en, path="buy_on", value=day)])


def _bought_on(problem: Problem, day: date) -> Problem:
    """The problem in which nothing is bought before a day, and what expires before it is replaced by its like."""
    if day == problem.as_of:
        return problem
    offers, then = problem.offers, np.datetime64(day, "D")
    opens = np.where(np.isnat(offers.valid_from), then, np.maximum(offers.valid_from, then))
    today = np.datetime64(problem.as_of, "D")
    # What has expired by as_of is no offer any more; a blank date stays blank (NaT compares false).
    extended = (offers.valid_until >= today) & (offers.valid_until < then)
    return problem.replace(
        offers=offers.replace(valid_from=opens, valid_until=np.where(extended, then, offers.valid_until))
    )


def _price_terms(problem: Problem, uncertainty: Uncertainty, arcs: Arcs) -> tuple[tuple[tuple[str, date], ...], Index]:
    """The days from which a factor holds, by instrument, and which of them each arc has."""
    price_of = np.full(len(arcs), -1, dtype=np.int64)
    if uncertainty.price_model is None:
        return (), price_of
    start = bought_from(problem.as_of, uncertainty)
    every_year = all(money_has_years(problem, e) for e in range(len(problem.events)))
    last = arcs.day.max().astype(object).year if len(arcs) else start.year
    new_years = [date(y, 1, 1) for y in range(start.year + 1, last + 1)] if every_year else []
    codes = problem.offers.instrument.codes[arcs.offer]
    terms: list[tuple[str, date]] = []
    for code, name in enumerate(problem.offers.instrument.names):
        mine = np.flatnonzero(codes == code)
        if name not in uncertainty.price_model.instruments or not len(mine):
            continue
        changes = [day for day in problem.outlook.changes(name) if day > start]
        days = [problem.as_of, *sorted({*new_years, *changes})]
        held = np.searchsorted(np.array(days, dtype="datetime64[D]"), arcs.day[mine], side="right") - 1
        price_of[mine] = len(terms) + held
        terms += [(name, day) for day in days]
    return tuple(terms), price_of
