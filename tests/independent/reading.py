"""MODEL.md read once more, from the page: plain dicts as in the files become lines, rows and levels, all in integers.

Nothing of the engine is imported. Masses are kg, effective masses 10^-8 kg, money 10^-11 fen (a unit cost of 10^-8 fen
per t times kg), payments 10^-15 fen. A *line* is an event, an offer and a purchase date; what may be bought on it is a
list of *pieces*, one a price break, each a range of whole lots at one unit cost.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from math import ceil
from typing import Any

type Doc = dict[str, Any]
type Meter = tuple[Any, ...]

EFFECTIVE = 10**8
MONEY = 10**11
SHARE = 10**4


def number(value: Any, decimals: int) -> int:
    """A decimal of a file as an integer of 10^-decimals."""
    scaled = Fraction(str(value)) * 10**decimals
    assert scaled.denominator == 1, value
    return int(scaled)


def day_of(value: Any) -> date | None:
    return None if value in (None, "") else date.fromisoformat(str(value))


def years_later(day: date, years: int) -> date:
    if (day.month, day.day) == (2, 29):
        try:
            return date(day.year + years, 2, 29)
        except ValueError:
            return date(day.year + years, 2, 28)
    return date(day.year + years, day.month, day.day)


def pairs(text: str) -> list[tuple[str, str]]:
    return [(part.partition("=")[0], part.partition("=")[2]) for part in text.split(";") if part]


# ------------------------------------------------------------------------------------------------ DOMAIN: rule packs

N_TIERS = {"shanxi-2022": 4, "mee-2019": 4}


def tier_of(offer: Doc, settings: Doc, pack: str) -> int | None:
    """1..4, 5 for permitted but unranked, None for left out (DOMAIN, "as predicates")."""
    kind, mechanism = offer["instrument"], offer.get("mechanism", "")
    inside = str(offer.get("region", "")).startswith("14")
    registered = day_of(offer.get("registered_on"))
    if kind == "ccer" and registered and registered < date(2017, 3, 1) and not settings["old_ccer"]:
        return None
    if kind == "forestry" and not offer.get("certified_by"):
        return None
    if pack == "mee-2019":
        if kind == "credit" and not str(offer.get("region", "")).isdigit():
            return None
        return {"allowance": 1, "ccer": 2, "carbon_inclusion": 3, "credit": 4, "forestry": 5}[kind]
    if kind == "carbon_inclusion":
        return 1 if "三晋" in mechanism else 5
    if kind == "ccer" or (kind == "credit" and not settings["other_mechanisms_anywhere"]):
        return 2 if inside else 5
    if kind == "credit":
        return 2
    if kind == "forestry":
        return 3 if inside else 5
    return 4 if mechanism in ("", "CEA") else 5


# ----------------------------------------------------------------------------------------------------------- reading

SETTINGS: Doc = {
    "unranked": True,
    "other_mechanisms_anywhere": False,
    "old_ccer": False,
    "stale": "exclude",
    "forestry_accrual": "accrued",
    "allow_late": False,
    "discount_rate": 0,
    "whole_lots": True,
}


@dataclass(frozen=True)
class Piece:
    """Whole lots from `least_kg` to `most_kg` at one unit cost (10^-8 fen per t)."""

    least_kg: int
    most_kg: int
    unit_cost: int


@dataclass(frozen=True)
class Line:
    event: int
    offer: int
    day: date
    tier: int
    eta: int
    """Effective 10^-8 kg per kg."""
    lot_kg: int
    pieces: tuple[Piece, ...]
    fee: int
    """10^-11 fen."""
    years: tuple[tuple[int, int], ...]
    """(fiscal year, share in 10^-4)."""
    weight: Fraction
    """Present value of a fen of its cost."""

    def quantities(self) -> list[tuple[int, int]]:
        """Every (kg, cost) that the line may be, nothing included."""
        found = [(0, 0)]
        for piece in self.pieces:
            found += [
                (kg, piece.unit_cost * kg + self.fee) for kg in range(piece.least_kg, piece.most_kg + 1, self.lot_kg)
            ]
        return found


class Reading:
    """One calendar and one market on a day."""

    def __init__(self, calendar: Doc, offers: list[Doc], as_of: date, outlook: list[Doc] | None = None) -> None:
        self.events = sorted(calendar["events"], key=lambda e: str(e["id"]))
        self.shared_budget = calendar.get("budget")
        self.settings = SETTINGS | calendar.get("settings", {})
        self.pack = calendar.get("policy", "shanxi-2022")
        self.n = N_TIERS[self.pack]
        self.offers = sorted(offers, key=lambda o: str(o["offer_id"]))
        self.as_of = as_of
        self.outlook = outlook or []
        self.whole = self.settings["whole_lots"]
        self.need = [self._need(e) for e in self.events]
        total = Fraction(sum(self.need), 1000)
        self.step = 1000
        while self.step > 1 and total < 100 and self.step > total * 10:
            self.step //= 10
        self.lines = [
            line for e in range(len(self.events)) for i in range(len(self.offers)) for line in self._lines(e, i)
        ]

    @staticmethod
    def _need(event: Doc) -> int:
        return ceil(number(event["emissions"]["tonnes"], 3) * (1 + Fraction(str(event.get("over_cover", 0)))))

    # -- section 3 and 4: what may be bought, and what it counts

    def usable(self, offer: Doc) -> int:
        quantity = number(offer["quantity"], 3)
        if not self.whole:
            return quantity
        lot = number(offer.get("lot_size", 1), 3)
        usable = quantity // lot * lot
        return usable if number(offer.get("min_quantity", 0), 3) <= usable else 0

    def deadline(self, event: Doc, offer: Doc) -> date:
        years = 6 if offer["instrument"] == "forestry" else 1
        return years_later(date.fromisoformat(str(event["end_date"])), years)

    def eta(self, event: Doc, offer: Doc) -> int:
        if offer["instrument"] != "forestry":
            return EFFECTIVE
        by = self.deadline(event, offer)
        steps = [(date.fromisoformat(d), number(s, 4)) for d, s in pairs(offer.get("delivery_schedule", ""))]
        if self.settings["forestry_accrual"] == "accrued":
            share = max((s for d, s in steps if d <= by), default=0)
        else:
            planted, due = day_of(offer.get("planted_by")), day_of(offer.get("certification_due"))
            in_time = planted is not None and due is not None and planted <= by and due <= by
            share = max((s for _, s in steps), default=SHARE) if in_time else 0
        return share * (SHARE - number(offer.get("buffer", 0), 4))

    def _passes_user(self, event: Doc, offer: Doc, tier: int) -> bool:
        rules = event.get("eligibility", {})
        vintage = int(offer.get("vintage", 0))
        if (vintage and vintage < rules.get("vintage_min", 0)) or vintage > rules.get("vintage_max", 9999):
            return False
        if "regions" in rules and str(offer.get("region", ""))[:2] not in {r[:2] for r in rules["regions"]}:
            return False
        if "channels" in rules and offer.get("channel") and offer["channel"] not in rules["channels"]:
            return False
        excluded = any(self._value(offer, tier, k) in v for k, v in rules.get("exclude", {}).items())
        chosen = all(self._value(offer, tier, k) in v for k, v in rules.get("only", {}).items())
        return chosen and not excluded

    @staticmethod
    def _value(offer: Doc, tier: int, key: str) -> str | None:
        """The offer's value under a key of a limit; None where it is blank."""
        if key == "tier":
            return str(tier)
        value = str(offer.get(key, "") or "")
        if key == "vintage":
            return value if value != "0" and value else None
        return (value[:2] if key == "region" else value) or None

    def _lines(self, e: int, i: int) -> list[Line]:
        event, offer = self.events[e], self.offers[i]
        tier = tier_of(offer, self.settings, self.pack)
        if tier is None or (tier > self.n and not self.settings["unranked"]):
            return []
        eta, usable = self.eta(event, offer), self.usable(offer)
        traded = day_of(offer.get("last_traded_on"))
        stale = traded is not None and traded < self.as_of - timedelta(days=30)
        if usable <= 0 or eta <= 0 or not self._passes_user(event, offer, tier):
            return []
        if stale and self.settings["stale"] == "exclude":
            return []
        return [self._line(e, i, tier, eta, usable, day) for day in self._days(event, offer)]

    def _days(self, event: Doc, offer: Doc) -> list[date]:
        """Purchase dates (section 11); none when a date does not hold."""
        until, start = day_of(offer.get("valid_until")), day_of(offer.get("valid_from"))
        first = max(self.as_of, start or self.as_of)
        if until is not None and until < first:
            return []
        last = self.deadline(event, offer)
        if offer["instrument"] != "forestry":
            last -= timedelta(days=int(offer.get("settlement_days", 0)))
        if first > last:
            forest = offer["instrument"] == "forestry"
            return [first] if self.settings["allow_late"] and not forest else []
        last = min(last, until or last)
        days = {first}
        budgets = [event.get("budget"), self.shared_budget]
        if Fraction(str(self.settings["discount_rate"])) > 0 or any(b and "by_fiscal_year" in b for b in budgets):
            days |= {date(y, 1, 1) for y in range(first.year + 1, last.year + 1)}
        days |= {date.fromisoformat(str(f["from"])) for f in self.outlook if f["instrument"] == offer["instrument"]}
        return sorted(d for d in days if first <= d <= last)

    def _factor(self, kind: str, day: date) -> int:
        entries = [
            (str(f["from"]), number(f["factor"], 4))
            for f in self.outlook
            if f["instrument"] == kind and date.fromisoformat(str(f["from"])) <= day
        ]
        return max(entries)[1] if entries else SHARE

    def _line(self, e: int, i: int, tier: int, eta: int, usable: int, day: date) -> Line:
        offer = self.offers[i]
        years: dict[int, int] = {}
        for text, share in pairs(offer.get("payment_schedule", "")) or [(day.isoformat(), "1")]:
            year = max(date.fromisoformat(text), day).year
            years[year] = years.get(year, 0) + number(share, 4)
        growth = 1 + Fraction(str(self.settings["discount_rate"]))
        weight = sum((Fraction(s, SHARE) / growth ** (y - self.as_of.year) for y, s in years.items()), Fraction(0))
        lot = number(offer.get("lot_size", 1), 3) if self.whole else 1
        fee = number(offer.get("fixed_fee", 0), 2) * MONEY if self.whole else 0
        pieces = tuple(self._pieces(offer, usable, lot, self._factor(offer["instrument"], day)))
        return Line(e, i, day, tier, eta, lot, pieces, fee, tuple(sorted(years.items())), weight)

    def _pieces(self, offer: Doc, usable: int, lot: int, factor: int) -> list[Piece]:
        def unit(price: Any) -> int:
            all_in = number(price, 2) * factor * (SHARE + number(offer.get("fee_rate", 0), 4))
            return all_in + number(offer.get("unit_fee", 0), 2) * EFFECTIVE

        if not self.whole:
            return [Piece(1, usable, unit(offer["price"]))]
        least = max(1, number(offer.get("min_quantity", 0), 3))
        breaks = [(number(q, 3), p) for q, p in pairs(offer.get("price_breaks", ""))]
        steps = [(0, offer["price"]), *breaks]
        found = []
        for k, (begin, price) in enumerate(steps):
            end = steps[k + 1][0] - 1 if k + 1 < len(steps) else usable
            low, high = ceil(Fraction(max(begin, least), lot)) * lot, min(end, usable) // lot * lot
            if low <= high:
                found.append(Piece(low, high, unit(price)))
        return found

    # -- section 5: the rows

    def limits(self) -> list[tuple[int, int, Doc]]:
        return [(e, k, x) for e, event in enumerate(self.events) for k, x in enumerate(event.get("limits", []))]

    def group_of(self, line: Line, limit: Doc) -> str | None:
        """The group of a limit to which a line of its event belongs; None for none."""
        offer = self.offers[line.offer]
        if "group" in limit:
            return self._value(offer, line.tier, limit["group"])
        for key, wanted in limit["where"].items():
            many = wanted if isinstance(wanted, list) else [wanted]
            if self._value(offer, line.tier, key) not in {str(v)[:2] if key == "region" else str(v) for v in many}:
                return None
        return ""

    def budgets(self) -> list[tuple[int | None, Doc]]:
        own = [(e, event["budget"]) for e, event in enumerate(self.events) if event.get("budget")]
        return [*own, *([(None, self.shared_budget)] if self.shared_budget else [])]

    def affordable(self, budget: Doc, spent: dict[int, int]) -> bool:
        """Whether what is spent by year (10^-15 fen) keeps within a budget, carried forward from year to year."""
        unit = MONEY * SHARE
        if "total" in budget and sum(spent.values()) > number(budget["total"], 2) * unit:
            return False
        if "by_fiscal_year" not in budget:
            return True
        listed = {int(y): number(b, 2) * unit for y, b in budget["by_fiscal_year"].items()}
        listed = {y: b for y, b in listed.items() if y >= self.as_of.year}
        carried = 0
        for year in range(self.as_of.year, max([*listed, *spent, self.as_of.year]) + 1):
            through_last = budget.get("carry_forward", False) and year <= max(listed, default=0)
            available = listed.get(year, 0) + (carried if through_last else 0)
            if spent.get(year, 0) > available:
                return False
            carried = available - spent.get(year, 0)
        return True

    # -- section 6: the levels

    def level_order(self, objective: Any, epsilon: str = "0.05") -> list[tuple[str, Fraction, Fraction]]:
        """(name, relative slack, absolute slack) of every level in order, without the tie-break."""
        tiers = [{"level": f"tier {r}"} for r in range(1, self.n + 1)]
        short, rules, cost = {"level": "shortfall"}, {"level": "rules"}, {"level": "cost"}
        nearly = {"level": "cost", "relative": epsilon}
        wanted = [rules] if any("min_share" in limit for _, _, limit in self.limits()) else []
        order = {
            "priority-first": [short, *wanted, *tiers, cost],
            "order-first": [*wanted, *tiers, short, cost],
            "cost-first": [short, *wanted, cost, *tiers],
            "balanced": [short, *wanted, nearly, *tiers, cost],
        }
        specs = order[objective] if isinstance(objective, str) else objective
        classes = sorted({self.priority(e) for e in range(len(self.events))})
        found = []
        for spec in specs:
            names = [spec["level"]]
            if spec["level"] == "shortfall" and len(classes) > 1:
                names = [f"shortfall {c}" for c in classes]
            slack = Fraction(str(spec.get("relative", 0))), Fraction(str(spec.get("absolute", 0)))
            found += [(name, *slack) for name in names]
        return found

    def priority(self, e: int) -> int:
        return int(self.events[e].get("priority", 9))

    def in_steps(self, gap: Fraction | int) -> Fraction:
        """A gap in 10^-8 kg as a level's value in t: whole steps, rounded up, when lots are whole."""
        kg = Fraction(gap, EFFECTIVE)
        return Fraction(ceil(kg / self.step) * self.step if self.whole else kg) / 1000

    def least_share(self, e: int, share: Any) -> int:
        """share x D_e in 10^-8 kg."""
        return number(share, 4) * self.need[e] * SHARE

    # -- section 1: the whole problem by enumeration

    def outcomes(self, most: int = 30_000) -> set[tuple[Fraction, ...]] | None:
        """The level values (in order of `names`) of every plan there is; None beyond `most` states."""
        states: set[tuple[Any, ...]] = {(0,) * len(self.meters)}
        for i in range(len(self.offers)):
            moves = self._moves([x for x in self.lines if x.offer == i], self.usable(self.offers[i]))
            if len(states) * len(moves) > 8 * most:
                return None
            sums = {tuple(map(sum, zip(s, m, strict=True))) for s in states for m in moves}
            states = {s for s in sums if self._allowed(s)}
            if len(states) > most:
                return None
        return {self._values(s) for s in states}

    @property
    def meters(self) -> list[Meter]:
        """What is summed over the lines of a plan."""
        if not hasattr(self, "_meters"):
            years = sorted({y for x in self.lines for y, _ in x.years})
            events = range(len(self.events))
            self._meters: list[Meter] = [("cover", e, r) for e in events for r in range(1, self.n + 2)]
            for e, k, limit in self.limits():
                groups = {g for x in self.lines if x.event == e and (g := self.group_of(x, limit)) is not None}
                self._meters += [("share", e, k, g) for g in sorted(groups)]
            self._meters += [("paid", e, y) for e in events for y in years]
            self._meters.append(("cost",))
        return self._meters

    def _effect(self, line: Line, kg: int, cost: int) -> tuple[Any, ...]:
        """What a line adds to every meter."""
        effective = line.eta * kg
        found: list[Any] = []
        for meter in self.meters:
            if meter[0] == "cover":
                found.append(effective if meter[1:] == (line.event, line.tier) else 0)
            elif meter[0] == "share":
                _, e, k, group = meter
                mine = e == line.event and self.group_of(line, self.events[e]["limits"][k]) == group
                found.append(effective if mine else 0)
            elif meter[0] == "paid":
                found.append(cost * dict(line.years).get(meter[2], 0) if meter[1] == line.event else 0)
            else:
                found.append(cost * line.weight if line.weight != 1 else cost)
        return tuple(found)

    def _moves(self, lines: list[Line], usable: int) -> set[tuple[Any, ...]]:
        found: set[tuple[int, tuple[Any, ...]]] = {(0, (0,) * len(self.meters))}
        for line in lines:
            effects = [(kg, self._effect(line, kg, cost)) for kg, cost in line.quantities()]
            found = {
                (bought + kg, tuple(map(sum, zip(state, effect, strict=True))))
                for bought, state in found
                for kg, effect in effects
                if bought + kg <= usable
            }
        return {state for _, state in found}

    def _allowed(self, state: tuple[Any, ...]) -> bool:
        """Max shares and budgets: both only tighten as more is bought."""
        meter = dict(zip(self.meters, state, strict=True))
        for key, value in meter.items():
            if key[0] == "share":
                share = self.events[key[1]]["limits"][key[2]].get("max_share")
                if share is not None and value > self.least_share(key[1], share):
                    return False
        for owner, budget in self.budgets():
            spent: dict[int, int] = {}
            for key, value in meter.items():
                if key[0] == "paid" and owner in (None, key[1]):
                    spent[key[2]] = spent.get(key[2], 0) + value
            if not self.affordable(budget, spent):
                return False
        return True

    @property
    def names(self) -> list[str]:
        """Every level that an objective may name."""
        classes = sorted({self.priority(e) for e in range(len(self.events))})
        short = ["shortfall"] if len(classes) == 1 else [f"shortfall {c}" for c in classes]
        return [*short, "rules", *(f"tier {r}" for r in range(1, self.n + 1)), "cost"]

    def gap(self, meter: dict[Meter, int], e: int, up_to: int) -> int:
        covered = sum(meter["cover", e, r] for r in range(1, up_to + 1))
        return max(0, self.need[e] * EFFECTIVE - covered)

    def _values(self, state: tuple[Any, ...]) -> tuple[Fraction, ...]:
        meter = dict(zip(self.meters, state, strict=True))
        return tuple(self._value_of(meter, name) for name in self.names)

    def _value_of(self, meter: dict[Meter, int], name: str) -> Fraction:
        head, _, tail = name.partition(" ")
        events = range(len(self.events))
        if head == "cost":
            return Fraction(meter["cost",]) / (MONEY * 100)
        if head == "shortfall":
            chosen = [e for e in events if not tail or self.priority(e) == int(tail)]
            return self.in_steps(sum(self.gap(meter, e, self.n + 1) for e in chosen))
        if head == "tier":
            return self.in_steps(sum(self.gap(meter, e, int(tail)) for e in events))
        missed = 0
        for e, k, limit in self.limits():
            if "min_share" in limit:
                covered = sum(v for key, v in meter.items() if key[:3] == ("share", e, k))
                missed += max(0, self.least_share(e, limit["min_share"]) - covered)
        return self.in_steps(missed)


def best(
    outcomes: set[tuple[Fraction, ...]], names: list[str], order: list[tuple[str, Fraction, Fraction]]
) -> list[Fraction]:
    """The least value of every level in turn, each held within its slack of what it reached."""
    left, found = outcomes, []
    for name, relative, absolute in order:
        at = names.index(name)
        least = min(o[at] for o in left)
        found.append(least)
        cap = least + abs(least) * relative + absolute
        left = {o for o in left if o[at] <= cap}
    return found


def best_under(
    outcomes: set[tuple[Fraction, ...]],
    names: list[str],
    order: list[tuple[str, Fraction, Fraction]],
    values: list[Fraction],
) -> list[Fraction]:
    """The least value of every level under the caps that a given plan's earlier levels set."""
    left, found = outcomes, []
    for (name, relative, absolute), value in zip(order, values, strict=True):
        at = names.index(name)
        found.append(min(o[at] for o in left))
        cap = value + abs(value) * relative + absolute
        left = {o for o in left if o[at] <= cap}
    return found
