"""What of a plan could still be bought on another market, and what keeping it would cost: exact, and without a solver.

Every purchase is tried as it was, in order of the plan: the same offer and tonnes, on the same day or the first one
that is now possible. Nothing is bought in its stead.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Literal, NamedTuple

import numpy as np

from optimizer.arcs import Arcs, build_arcs, cost_fen
from optimizer.plan import Json, Line, Plan
from optimizer.quantities import ceil, fen_of, kg_of, round_half_up, tonnes, yuan
from optimizer.recount import hard_rows
from optimizer.timeline import E8
from optimizer.wording import Language, Text
from scenarios.offer_facts import OFFER_GONE, Cause, Side

type KeptState = Literal["as_bought", "dearer", "cheaper", "partly", "impossible"]

STATE_NAMES: dict[KeptState, Text] = {
    "as_bought": Text("照旧", "as bought"),
    "dearer": Text("变贵", "dearer"),
    "cheaper": Text("变便宜", "cheaper"),
    "partly": Text("只够一部分", "only in part"),
    "impossible": Text("买不到", "impossible"),
}


@dataclass(frozen=True)
class KeptLine:
    """One offer of the old plan for an event, all its purchase dates together, on the new market."""

    event_id: str
    offer_id: str
    state: KeptState
    contracted_kg: int
    possible_kg: int
    cost_before_fen: int
    """As the old plan printed it."""
    cost_fen: int
    """Of what is possible now, half up; 0 where nothing is."""
    causes: tuple[Cause, ...]
    """Why not all of it."""

    @property
    def difference_fen(self) -> int:
        """What the line now costs more (negative: less); of a part, nothing is compared: 0."""
        return self.cost_fen - self.cost_before_fen if self.state in ("dearer", "cheaper") else 0

    def as_dict(self, lang: Language) -> Json:
        """For JSON."""
        return {
            "event_id": self.event_id,
            "offer_id": self.offer_id,
            "state": self.state,
            "contracted_t": tonnes(self.contracted_kg),
            "possible_t": tonnes(self.possible_kg),
            "cost_before": yuan(self.cost_before_fen),
            "cost": yuan(self.cost_fen),
            "difference": yuan(self.difference_fen),
            "causes": [c.as_dict(lang) for c in self.causes],
        }


@dataclass(frozen=True)
class KeptPlan:
    """The old plan on the new market: what of it is possible, at what cost, and what it would leave uncovered."""

    lines: tuple[KeptLine, ...]
    cost_fen: int
    """Of all that is possible, half up."""
    covered_kg: int
    """Effective, against the needs of the new problem, rounded down."""
    shortfall_kg: int
    """Of the new problem's needs, rounded up."""
    broken: tuple[Cause, ...]
    """Budgets and max shares that it would exceed."""

    @property
    def whole(self) -> bool:
        """Every line can still be bought in full and nothing is exceeded."""
        return not self.broken and all(x.possible_kg == x.contracted_kg for x in self.lines)

    def as_dict(self, lang: Language) -> Json:
        """For JSON."""
        return {
            "whole": self.whole,
            "cost": yuan(self.cost_fen),
            "covered_t": tonnes(self.covered_kg),
            "shortfall_t": tonnes(self.shortfall_kg),
            "exceeds": [c.as_dict(lang) for c in self.broken],
            "lines": [x.as_dict(lang) for x in self.lines],
        }


class _Wish(NamedTuple):
    """A purchase of the old plan: (event, offer, day) numbered as the arcs number them, and kg."""

    event: int
    offer: int
    day: np.datetime64
    kg: int


def keep(plan: Plan, after: Side) -> KeptPlan:
    """The plan's purchases tried on the market, the rules and the day of `after`, which holds its offers."""
    arcs = build_arcs(after.problem, after.screening)
    purchase: dict[int, int] = {}
    taken: dict[tuple[str, str], int] = {}
    left = {i: after.usable_kg(name) for i, name in enumerate(after.problem.offers.offer_id.tolist())}
    for wish in _wishes(plan, after, arcs):
        kg, arc = _fitting(arcs, wish, left[wish.offer])
        if arc is not None:
            left[wish.offer] -= kg
            purchase[arc] = purchase.get(arc, 0) + kg
            key = after.problem.events[wish.event].id, str(after.problem.offers.offer_id[wish.offer])
            taken[key] = taken.get(key, 0) + kg
    cost = {a: cost_fen(int(arcs.unit_cost_e8[a]), kg, int(arcs.fixed_fee_fen[a])) for a, kg in purchase.items()}
    lines = _lines(plan, after, arcs, taken, cost)
    covered, shortfall = _coverage(after, arcs, purchase)
    return KeptPlan(
        lines, round_half_up(sum(cost.values(), Fraction(0))), covered, shortfall, _exceeded(after, arcs, purchase)
    )


def _wishes(plan: Plan, after: Side, arcs: Arcs) -> Iterator[_Wish]:
    """The lines that may still be bought at all; those of one offer that now fall on one day are one purchase."""
    wanted: dict[tuple[int, int, np.datetime64], int] = {}
    for line in plan.lines:
        e, i = after.event(line.event_id), after.row(line.offer_id)
        if e is None or i is None:
            continue
        days = np.unique(arcs.day[(arcs.event == e) & (arcs.offer == i)])
        if len(days):
            key = e, i, _day(days, line.purchase_date)
            wanted[key] = wanted.get(key, 0) + kg_of(line.contracted_t)
    yield from (_Wish(*key, kg) for key, kg in wanted.items())


def _day(days: np.ndarray, wished: date) -> np.datetime64:
    """The day itself where it is possible, else the first possible one after it, else the last one."""
    later = days[days >= np.datetime64(wished, "D")]
    return np.datetime64(later[0] if len(later) else days[-1], "D")


def _fitting(arcs: Arcs, wish: _Wish, left_kg: int) -> tuple[int, int | None]:
    """What of a wish can be had, in whole lots, and the arc of the price that holds for it; (0, None) where nothing.

    An arc's own most is not asked: it is cut to what one event can use, and whoever keeps a plan may hold too much.
    """
    pieces = np.flatnonzero((arcs.event == wish.event) & (arcs.offer == wish.offer) & (arcs.day == wish.day))
    kg = min(wish.kg, left_kg)
    kg -= kg % int(arcs.lot_kg[pieces[0]])
    holding = [int(a) for a in pieces if 0 < int(arcs.least_kg[a]) <= kg]
    return (kg, max(holding, key=lambda a: int(arcs.least_kg[a]))) if holding else (0, None)


def _lines(
    plan: Plan, after: Side, arcs: Arcs, taken: dict[tuple[str, str], int], cost: dict[int, Fraction]
) -> tuple[KeptLine, ...]:
    exact: dict[tuple[str, str], Fraction] = {}
    for a, fen in cost.items():
        key = after.problem.events[int(arcs.event[a])].id, str(after.problem.offers.offer_id[int(arcs.offer[a])])
        exact[key] = exact.get(key, Fraction(0)) + fen
    grouped: dict[tuple[str, str], list[Line]] = {}
    for line in plan.lines:
        grouped.setdefault((line.event_id, line.offer_id), []).append(line)
    return tuple(
        _line(key, rows, after, taken.get(key, 0), exact.get(key, Fraction(0))) for key, rows in grouped.items()
    )


def _line(key: tuple[str, str], rows: list[Line], after: Side, possible_kg: int, exact: Fraction) -> KeptLine:
    contracted, before = sum(kg_of(x.contracted_t) for x in rows), sum(fen_of(x.cost) for x in rows)
    printed = round_half_up(exact)
    causes: tuple[Cause, ...] = ()
    state: KeptState
    if possible_kg < contracted:
        state, causes = "partly" if possible_kg else "impossible", _hindrances(key, after, contracted)
    elif abs(exact - before) <= rounding_fen(rows):
        state, printed = "as_bought", before
    else:
        state = "dearer" if printed > before else "cheaper"
    return KeptLine(*key, state, contracted, possible_kg, before, printed, causes)


def rounding_fen(rows: Sequence[Line]) -> int:
    """How far a printed cost may be from the exact one: each payment is shared out to within a fen."""
    return sum(len(x.payments) for x in rows)


def _hindrances(key: tuple[str, str], after: Side, contracted_kg: int) -> tuple[Cause, ...]:
    event_id, offer_id = key
    if after.event(event_id) is None:
        return (Cause("event_gone", Text("活动已不在计划中", "the event is no longer planned for")),)
    if after.row(offer_id) is None:
        return (OFFER_GONE,)
    refusals, usable = after.refusals(event_id, offer_id), after.usable_kg(offer_id)
    if refusals:
        return refusals
    evidence: Json = {"available_after_t": tonnes(usable), "contracted_t": tonnes(contracted_kg)}
    if usable < contracted_kg:
        t = tonnes(usable)
        return (Cause("less_available", Text(f"只可买 {t} 吨", f"only {t} t can be bought"), evidence),)
    terms = after.terms(offer_id)
    evidence |= {"lot_size": str(terms.get("lot_size", "1")), "min_quantity": str(terms.get("min_quantity", "0"))}
    text = Text("整手、最小量或其他活动已占用", "lots, the minimum, or what other events take of it")
    return (Cause("does_not_fit", text, evidence),)


def _coverage(after: Side, arcs: Arcs, purchase: dict[int, int]) -> tuple[int, int]:
    """Effective kg, and what is missing of the needs, over all events."""
    effective = [Fraction(0)] * len(after.problem.events)
    for a, kg in purchase.items():
        effective[int(arcs.event[a])] += Fraction(int(arcs.eta_e8[a]) * kg, E8)
    short = [max(0, ceil(event.need_kg - t)) for event, t in zip(after.problem.events, effective, strict=True)]
    return int(sum(effective, Fraction(0))), sum(short)


def _exceeded(after: Side, arcs: Arcs, purchase: dict[int, int]) -> tuple[Cause, ...]:
    """Budgets and max shares that the purchase exceeds, once each."""
    found: dict[tuple[str, Fraction, Fraction], Cause] = {}
    for what, used, limit in hard_rows(after.problem, arcs, purchase):
        if used > limit:
            found.setdefault((what, used, limit), _exceeding(what, used, limit))
    return tuple(found.values())


def _exceeding(what: str, used: Fraction, limit: Fraction) -> Cause:
    family, _, rest = what.partition(" ")
    if family == "budget":
        name = Text(
            "预算总额" if rest == "total" else f"{rest} 年预算",
            "the budget in all" if rest == "total" else f"the budget of {rest}",
        )
        a, b, zh, en = yuan(ceil(used)), yuan(round_half_up(limit)), "元", "yuan"
    else:
        rest = rest.removeprefix("share ").strip()
        name = Text(f"份额上限 {rest}", f"the max share {rest}")
        a, b, zh, en = tonnes(ceil(used)), tonnes(int(limit)), "吨", "t"
    return Cause(
        "exceeds_budget" if family == "budget" else "exceeds_share",
        Text(f"超出{name.zh}: {a} / {b} {zh}", f"exceeds {name.en}: {a} of {b} {en}"),
        {"rule": what, "used": a, "limit": b, "unit": en},
    )
