"""A scenario: a base problem and named small changes. Applying one is pure; the base never changes.

Changes are made in the order of `STEPS`, whatever the order in the file: rules first, so that a filter by tier means
the tier under the scenario's own rule pack and settings; then goals, dates, needs, money, limits and admission; prices
and quantities last, list by list in the file's order, each on what the one before left.

A price is rounded half up to the fen (and a warning says how many were), a quantity down to the kg, a budget and
emissions half up. A filter that matches nothing, and a scenario that changes nothing, are warnings of the problem.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field

from optimizer.budgets import Budget
from optimizer.eligibility import matches, screen
from optimizer.errors import BadInput
from optimizer.events import Emissions, Event, Settings
from optimizer.findings import Finding, fault, warning
from optimizer.offers import Bools, Ints, Labels, Offers, parse_price_breaks
from optimizer.problem import Problem, bare_calendar
from optimizer.quantities import E4, MASS_T_MAX, PRICE_YUAN_MAX, round_half_up, tonnes, yuan
from optimizer.rule_pack import Bilingual, RulePack
from optimizer.timeline import add_years
from optimizer.wording import Text
from scenarios.changes import Changes, DatesChange, EmissionsChange, OffersChange, PriceChange

type Packs = Mapping[str, RulePack]
"""Rule packs other than the base's, by the name that scenarios use."""

NAME_LENGTH_MAX = 200
NOTHING = ("",)
"""No offer has a blank id: how a filter says that it admits none."""


def _title(value: Any) -> Any:
    return {"zh": value, "en": value} if isinstance(value, str) else value


class Scenario(Changes):
    """Named changes over a base."""

    name: str = Field(min_length=1, max_length=NAME_LENGTH_MAX)
    title: Annotated[Bilingual | None, BeforeValidator(_title)] = None
    """For people, in both languages; one text stands for both."""
    shows: Annotated[Bilingual | None, BeforeValidator(_title)] = None
    """What one can learn from it, in a line."""

    @property
    def heading(self) -> Text:
        """The title, or the name."""
        return self.title or Text(self.name, self.name)


@dataclass
class _Notes:
    """Warnings of one application."""

    name: str
    found: list[Finding] = field(default_factory=list)

    def warn(self, code: str, zh: str, en: str, path: str, value: object = None) -> None:
        self.found.append(warning(code, zh, en, path=f"{self.name}: {path}", value=value))

    def refuse(self, code: str, zh: str, en: str, path: str, value: object = None) -> BadInput:
        return BadInput([fault(code, zh, en, path=path, value=value)])


def apply(problem: Problem, scenario: Scenario, packs: Packs | None = None) -> Problem:
    """The base with the scenario's changes; its findings hold the base's and the warnings of the scenario.

    Args:
        problem: the base; it is not changed.
        scenario: the changes.
        packs: rule packs by the name that scenarios use; the base's own needs not be there.

    Raises:
        BadInput: a rule pack is not among `packs`, or a change leads out of what the nouns allow: prices beyond
            reason, dates beyond 1990..2200, emissions in all for several events.
    """
    notes = _Notes(scenario.name)
    base = problem.replace(calendar=bare_calendar(problem.calendar))
    changed = base
    for name, step in STEPS:
        if name in scenario.model_fields_set and (value := getattr(scenario, name)) not in (None, ()):
            changed = step(changed, value, notes, packs or {})
    if scenario.method == "optimal" and _same(base, changed):
        zh, en = "与基准相同, 没有改变任何内容", "changes nothing: it is the base"
        notes.warn("scenario_no_change", zh, en, "scenario")
    return changed.replace(findings=(*problem.findings, *notes.found))


def _same(base: Problem, changed: Problem) -> bool:
    parts = ("calendar", "rule_pack", "as_of", "outlook", "epsilon_e4")
    if any(getattr(base, p) != getattr(changed, p) for p in parts):
        return False
    return base.offers is changed.offers or base.offers.sha256 == changed.offers.sha256


def _each_event(problem: Problem, change: Callable[[Event], Event]) -> Problem:
    events = tuple(change(e) for e in problem.events)
    return problem.replace(calendar=problem.calendar.model_copy(update={"events": events}))


# ------------------------------------------------------------------------------------------------------------- rules


def _policy(problem: Problem, name: str, notes: _Notes, packs: Packs) -> Problem:
    pack = packs.get(name, problem.rule_pack if name == problem.rule_pack.id else None)
    if pack is None:
        known = ", ".join(sorted({*packs, problem.rule_pack.id}))
        zh, en = f"没有这个规则包; 已有: {known}", f"no such rule pack; there are {known}"
        raise notes.refuse("policy_unknown", zh, en, "policy", name)
    return problem.replace(rule_pack=pack, calendar=problem.calendar.model_copy(update={"policy": pack.id}))


def _settings(problem: Problem, settings: Settings, notes: _Notes, packs: Packs) -> Problem:
    return problem.with_settings(**{name: getattr(settings, name) for name in settings.model_fields_set})


# ------------------------------------------------------------------------------------------------------ dates and needs


def _dates(problem: Problem, change: DatesChange, notes: _Notes, packs: Packs) -> Problem:
    def shifted(day: date, years: int, days: int, path: str) -> date:
        moved = add_years(day, years) + timedelta(days=days)
        if not 1990 <= moved.year <= 2200:
            zh, en = "年份应在 1990 与 2200 之间", "the year should be between 1990 and 2200"
            raise notes.refuse("date_range", zh, en, f"dates.{path}", moved)
        return moved

    day = change.as_of or shifted(problem.as_of, change.as_of_shift_years, change.as_of_shift_days, "as_of")
    years, days = change.end_shift_years, change.end_shift_days
    moved = _each_event(
        problem, lambda e: e.model_copy(update={"end_date": shifted(e.end_date, years, days, "end_shift")})
    )
    return moved.replace(as_of=day)


def _emissions(problem: Problem, change: EmissionsChange, notes: _Notes, packs: Packs) -> Problem:
    if change.amount_kg is not None and len(problem.events) > 1:
        zh, en = "有多个活动: 请用 scale", "there are several events: use scale"
        raise notes.refuse("emissions_amount", zh, en, "emissions.amount", tonnes(change.amount_kg))

    def changed(event: Event) -> Event:
        margin = event.over_cover_e4 if change.over_cover_e4 is None else change.over_cover_e4
        return event.model_copy(update={"emissions": _emitted(event.emissions, change), "over_cover_e4": margin})

    return _each_event(problem, changed)


def _emitted(emissions: Emissions, change: EmissionsChange) -> Emissions:
    if change.amount_kg is not None:
        amount = change.amount_kg
        low, high = emissions.low_kg, emissions.high_kg
        held = (low is None or low <= amount) and (high is None or amount <= high)
        return emissions.model_copy(
            update={"emitted_kg": amount, "low_kg": low if held else None, "high_kg": high if held else None}
        )
    if change.scale_e4 is None:
        return emissions
    scale = change.scale_e4
    names = ("emitted_kg", "low_kg", "high_kg")
    known = {n: v for n in names if (v := getattr(emissions, n)) is not None}
    return emissions.model_copy(update={n: max(1, _times(v, scale)) for n, v in known.items()})


def _times(value: int, factor_e4: int) -> int:
    """Half up to the unit."""
    return round_half_up(Fraction(value * factor_e4, E4))


# --------------------------------------------------------------------------------------------- money, limits, admission


def _budget(problem: Problem, change: Any, notes: _Notes, packs: Packs) -> Problem:
    calendar = problem.calendar
    if change.scale_e4 is not None:
        if calendar.budget is None and all(e.budget is None for e in problem.events):
            zh, en = "基准没有预算, 无可缩放", "the base has no budget to scale"
            notes.warn("no_budget", zh, en, "budget.scale")
        scaled = problem.replace(
            calendar=calendar.model_copy(update={"budget": _scaled(calendar.budget, change.scale_e4)})
        )
        return _each_event(scaled, lambda e: e.model_copy(update={"budget": _scaled(e.budget, change.scale_e4)}))
    if change.none:
        free = problem.replace(calendar=calendar.model_copy(update={"budget": None}))
        return _each_event(free, lambda e: e.model_copy(update={"budget": None}))
    budget = Budget.model_construct(
        total_fen=change.amount_fen, by_fiscal_year_fen=change.by_fiscal_year_fen, carry_forward=change.carry_forward
    )
    if len(problem.events) > 1:
        return problem.replace(calendar=calendar.model_copy(update={"budget": budget}))
    alone = problem.replace(calendar=calendar.model_copy(update={"budget": None}))
    return _each_event(alone, lambda e: e.model_copy(update={"budget": budget}))


def _scaled(budget: Budget | None, scale_e4: int) -> Budget | None:
    if budget is None:
        return None
    years = budget.by_fiscal_year_fen
    return budget.model_copy(
        update={
            "total_fen": None if budget.total_fen is None else _times(budget.total_fen, scale_e4),
            "by_fiscal_year_fen": None if years is None else {y: _times(v, scale_e4) for y, v in years.items()},
        }
    )


def _limits(problem: Problem, change: Any, notes: _Notes, packs: Packs) -> Problem:
    def limits(event: Event) -> tuple[Any, ...]:
        return () if change.none else change.replace if change.replace is not None else (*event.limits, *change.add)

    return _each_event(problem, lambda e: e.model_copy(update={"limits": limits(e)}))


def _offers(problem: Problem, change: OffersChange, notes: _Notes, packs: Packs) -> Problem:
    for name in ("only", "exclude"):
        for key, values in (getattr(change, name) or {}).items():
            _where(problem, {key: values}, f"offers.{name}", notes)
    return _each_event(problem, lambda e: e.model_copy(update={"eligibility": _admission(e, change)}))


def _admission(event: Event, change: OffersChange) -> Any:
    own = event.eligibility
    keys = [k for name in change.lift for k in (("vintage_min", "vintage_max") if name == "vintage" else (name,))]
    own = own.model_copy(update=dict.fromkeys(keys))
    given = {n: getattr(change, n) for n in ("channels", "regions", "vintage_min", "vintage_max")}
    update: dict[str, Any] = {n: v for n, v in given.items() if v is not None}
    if change.exclude is not None:
        had = own.exclude or {}
        both = {
            k: tuple(dict.fromkeys((*had.get(k, ()), *change.exclude.get(k, ())))) for k in {**had, **change.exclude}
        }
        update["exclude"] = both
    if change.only is not None:
        update["only"] = _both(own.only or {}, change.only)
    return own.model_copy(update=update)


def _both(own: Mapping[str, tuple[str, ...]], more: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """A filter that holds where both hold."""
    found = {**own, **more}
    for key in own.keys() & more.keys():
        # Regions go by province, whose codes are the first two digits.
        digits = 2 if key == "region" else None
        kept = tuple(v for v in more[key] if v[:digits] in {o[:digits] for o in own[key]})
        if not kept:
            return {**found, key: more[key], "offer_id": NOTHING}
        found[key] = kept
    return found


# ------------------------------------------------------------------------------------------------ prices and quantities


def _where(problem: Problem, where: Mapping[str, tuple[str, ...]] | None, path: str, notes: _Notes) -> Bools:
    """Where every key holds, shape (n,); a warning when that is nowhere."""
    rows = np.ones(len(problem.offers), dtype=bool)
    tier = screen(problem).tier if "tier" in (where or {}) else np.zeros(0, dtype=np.int32)
    for key, values in (where or {}).items():
        rows &= matches(problem.offers, key, values, tier)
    if not rows.any():
        said = ", ".join(f"{k}={'|'.join(v)}" for k, v in (where or {}).items())
        notes.warn("filter_matches_nothing", "没有报价符合这个筛选", "no offer matches this filter", path, said)
    return rows


def _prices(problem: Problem, changes: tuple[PriceChange, ...], notes: _Notes, packs: Packs) -> Problem:
    for k, change in enumerate(changes):
        rows = _where(problem, change.where, f"prices[{k}].where", notes)
        if rows.any():
            problem = problem.replace(offers=_priced(problem.offers, rows, change, notes, f"prices[{k}]"))
    return problem


def _priced(offers: Offers, rows: Bools, change: PriceChange, notes: _Notes, path: str) -> Offers:
    old = offers.price_fen[rows]
    new = _new_prices(old, change)
    if new.max(initial=0) > PRICE_YUAN_MAX * 100:
        zh, en = f"价格会超过 {PRICE_YUAN_MAX} 元/吨", f"prices would exceed {PRICE_YUAN_MAX} yuan/t"
        raise notes.refuse("price_huge", zh, en, path)
    if change.factor_e4 is not None and (rounded := int(np.count_nonzero(old * change.factor_e4 % E4))):
        zh, en = f"{rounded} 个价格四舍五入到分", f"{rounded} prices are rounded half up to the fen"
        notes.warn("prices_rounded", zh, en, path)
    if change.add_fen is not None and (at_zero := int(np.count_nonzero(old + change.add_fen < 0))):
        zh, en = f"{at_zero} 个价格会低于 0, 按 0 计", f"{at_zero} prices would fall below 0 and count as 0"
        notes.warn("prices_at_zero", zh, en, path)
    price = offers.price_fen.copy()
    price[rows] = new
    return offers.replace(price_fen=price, price_breaks=_new_breaks(offers.price_breaks, rows, change))


def _new_prices(price_fen: Ints, change: PriceChange) -> Ints:
    if change.factor_e4 is not None:
        return (price_fen * change.factor_e4 + E4 // 2) // E4
    return np.maximum(price_fen + (change.add_fen or 0), 0)


def _new_breaks(breaks: Labels, rows: Bools, change: PriceChange) -> Labels:
    """Price breaks of the chosen rows at the new prices."""
    mine = rows & ~breaks.blank
    if not mine.any():
        return breaks
    table = {name: k for k, name in enumerate(breaks.names)}
    new_code = [table.setdefault(_new_break(name, change), len(table)) for name in breaks.names]
    codes = np.where(mine, np.array([*new_code, -1], dtype=np.int32)[breaks.codes], breaks.codes)
    return Labels(codes.astype(np.int32), tuple(table))


def _new_break(text: str, change: PriceChange) -> str:
    steps = parse_price_breaks(text)
    old = np.array([fen for _, fen in steps], dtype=np.int64)
    prices = _new_prices(old, change).tolist()
    if prices == old.tolist():
        return text
    return ";".join(f"{tonnes(kg)}={yuan(fen)}" for (kg, _), fen in zip(steps, prices, strict=True))


def _availability(problem: Problem, changes: Any, notes: _Notes, packs: Packs) -> Problem:
    offers = problem.offers
    for k, change in enumerate(changes):
        rows = _where(problem, change.where, f"availability[{k}].where", notes)
        quantity = offers.quantity_kg.copy()
        quantity[rows] = quantity[rows] * change.scale_e4 // E4
        if quantity.max(initial=0) > MASS_T_MAX * 1000:
            zh, en = f"数量会超过 {MASS_T_MAX} 吨", f"quantities would exceed {MASS_T_MAX} t"
            raise notes.refuse("quantity_huge", zh, en, f"availability[{k}]")
        if not np.array_equal(quantity, offers.quantity_kg):
            offers = offers.replace(quantity_kg=quantity)
    return problem if offers is problem.offers else problem.replace(offers=offers)


STEPS: tuple[tuple[str, Callable[[Problem, Any, _Notes, Packs], Problem]], ...] = (
    ("policy", _policy),
    ("settings", _settings),
    ("objective", lambda p, v, notes, packs: p.with_objective(v)),
    ("epsilon_e4", lambda p, v, notes, packs: p.replace(epsilon_e4=v)),
    ("dates", _dates),
    ("emissions", _emissions),
    ("budget", _budget),
    ("limits", _limits),
    ("offers", _offers),
    ("prices", _prices),
    ("availability", _availability),
    ("outlook", lambda p, v, notes, packs: p.replace(outlook=v)),
)
"""The order in which changes are made."""
