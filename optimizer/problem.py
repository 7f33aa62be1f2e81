"""One problem: events, a market, a rule pack, a day, and an outlook on prices. Frozen; `replace` makes variants."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Any, Self

import numpy as np
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from optimizer.budgets import Budget
from optimizer.errors import BadInput
from optimizer.events import EXTRA_BUDGET, Calendar, Event, LevelSpec, ObjectiveField, Settings
from optimizer.findings import Finding, fault, warning
from optimizer.nouns import Day, Noun
from optimizer.offers import Instrument, Offers
from optimizer.quantities import E4, KG_PER_T, RateE4, yuan
from optimizer.rule_pack import RulePack
from optimizer.tolerances import LARGE_NEED_T, STEP_T_LARGE, STEP_T_LEAST


class Factor(Noun):
    """From a day on, prices of an instrument are this multiple of today's."""

    instrument: Instrument
    from_date: Day = Field(alias="from")
    factor_e4: RateE4 = Field(alias="factor")


class Outlook(Noun):
    """Forward price factors by instrument and date; before the first entry the factor is 1."""

    factors: tuple[Factor, ...] = ()

    @model_validator(mode="after")
    def _plausible(self) -> Self:
        if any(f.factor_e4 > 10 * E4 for f in self.factors):
            raise PydanticCustomError("factor", "a factor should be at most 10", {"zh": "价格系数不应超过 10"})
        keys = [(f.instrument, f.from_date) for f in self.factors]
        if len(set(keys)) != len(keys):
            raise PydanticCustomError(
                "factor_twice", "two factors for the same instrument and day", {"zh": "同一工具同一天有两个系数"}
            )
        return self

    def factor_e4(self, instrument: str, day: date) -> int:
        """The factor in force on `day`, ten-thousandths."""
        entries = sorted(
            (f.from_date, f.factor_e4) for f in self.factors if f.instrument == instrument and f.from_date <= day
        )
        return entries[-1][1] if entries else E4

    def changes(self, instrument: str) -> list[date]:
        """Days on which the factor of an instrument changes."""
        return sorted(f.from_date for f in self.factors if f.instrument == instrument)


NO_OUTLOOK = Outlook()
"""Prices stay as they are."""


@dataclass(frozen=True)
class Problem:
    """What is to be planned. Events and offers stand in order of their ids, whatever order the files had."""

    calendar: Calendar
    offers: Offers
    rule_pack: RulePack
    as_of: date
    outlook: Outlook = NO_OUTLOOK
    epsilon_e4: int = 500
    """Slack on the least cost under the preset `balanced`, ten-thousandths."""
    soft_budgets: bool = False
    """Budgets may be exceeded, at level `extra budget`: how repairs find the least sum that is missing."""
    findings: tuple[Finding, ...] = ()
    """Warnings of the files it was read from."""

    def __post_init__(self) -> None:
        events = tuple(sorted(self.calendar.events, key=lambda e: e.id))
        object.__setattr__(self, "calendar", self.calendar.model_copy(update={"events": events}))
        ids = self.offers.offer_id
        if len(ids) > 1 and not bool(np.all(ids[:-1] < ids[1:])):
            object.__setattr__(self, "offers", self.offers.take(np.argsort(ids, kind="stable")))

    @property
    def events(self) -> tuple[Event, ...]:
        """In order of id."""
        return self.calendar.events

    @property
    def settings(self) -> Settings:
        """Shared by all events."""
        return self.calendar.settings

    @property
    def objective(self) -> ObjectiveField:
        """A preset's name or a list of levels."""
        return self.calendar.objective

    @cached_property
    def step_t(self) -> Fraction:
        """Step of gap levels, t (MODEL 5).

        1 t from a total need of 100 t on, else the largest power of ten that is at most a hundredth of the need, at
        least 0.001 t.
        """
        need = Fraction(sum(e.need_kg for e in self.events), KG_PER_T)
        if need >= LARGE_NEED_T:
            return STEP_T_LARGE
        step = STEP_T_LARGE
        while step > need / 100 and step > STEP_T_LEAST:
            step /= 10
        return step

    def levels(self) -> list[LevelSpec]:
        """The objective as a list of levels in order, classes of events and ranks of tiers spelled out.

        Raises BadInput for a level that the rule pack does not have.
        """
        classes = sorted({e.priority_class for e in self.events})
        spelled: list[LevelSpec] = []
        for spec in self._order():
            if spec.level == "shortfall" and len(classes) > 1:
                spelled += [spec.model_copy(update={"level": f"shortfall {c}"}) for c in classes]
            else:
                spelled.append(spec)
        return spelled

    def _order(self) -> list[LevelSpec]:
        tiers = [LevelSpec(level=f"tier {r}") for r in range(1, self.rule_pack.n_tiers + 1)]
        short, rules, cost = LevelSpec(level="shortfall"), LevelSpec(level="rules"), LevelSpec(level="cost")
        if isinstance(self.objective, str):
            nearly = cost.model_copy(update={"relative_e4": self.epsilon_e4})
            wanted = [rules] if any(x.min_share_e4 is not None for e in self.events for x in e.limits) else []
            return {
                "priority-first": [short, *wanted, *tiers, cost],
                "order-first": [*wanted, *tiers, short, cost],
                "cost-first": [short, *wanted, cost, *tiers],
                "balanced": [short, *wanted, nearly, *tiers, cost],
            }[self.objective]
        classes = sorted({e.priority_class for e in self.events})
        known = [*(s.level for s in (short, rules, *tiers, cost)), *(f"shortfall {c}" for c in classes)]
        zh, en = f"规则包没有这一层; 应为 {known} 之一", f"the rule pack has no such level; should be one of {known}"
        unknown = [
            fault("level_unknown", zh, en, path=f"objective[{k}].level", value=s.level)
            for k, s in enumerate(self.objective)
            if s.level not in (*known, EXTRA_BUDGET)
        ]
        if unknown:
            raise BadInput(unknown)
        return list(self.objective)

    def replace(self, **changes: Any) -> "Problem":
        """A variant; keys are those of Problem."""
        return replace(self, **changes)

    def with_settings(self, **changes: Any) -> "Problem":
        """A variant with other settings (attribute names of Settings)."""
        settings = self.settings.model_copy(update=changes)
        return self.replace(calendar=bare_calendar(self.calendar).model_copy(update={"settings": settings}))

    def with_objective(self, objective: ObjectiveField) -> "Problem":
        """A variant with another order of levels."""
        return self.replace(calendar=bare_calendar(self.calendar).model_copy(update={"objective": objective}))

    def with_budget_total(self, total_fen: int) -> "Problem":
        """A variant whose budget is this sum: the event's own, for a calendar of several the shared one."""
        budget = Budget.model_validate({"total": yuan(total_fen)})
        if len(self.events) > 1:
            return self.replace(calendar=self.calendar.model_copy(update={"budget": budget}))
        event = self.events[0].model_copy(update={"budget": budget})
        return self.replace(calendar=self.calendar.model_copy(update={"events": (event,), "budget": None}))

    def warnings(self) -> list[Finding]:
        """What the caller should know before trusting the plan."""
        found = list(self.findings)
        owners: Mapping[str, Budget | None] = {
            "budget": self.calendar.budget,
            **{f"{e.id}.budget": e.budget for e in self.events},
        }
        for path, budget in owners.items():
            past = sorted(y for y in ((budget.by_fiscal_year_fen if budget else None) or {}) if y < self.as_of.year)
            if past:
                years = ", ".join(map(str, past))
                found.append(
                    warning(
                        "past_years",
                        f"早于 {self.as_of.year} 的年度预算不计: {years}",
                        f"budgets of years before {self.as_of.year} are ignored: {years}",
                        path=path,
                    )
                )
        for event in self.events:
            if event.emissions.status == "estimated":
                found.append(
                    warning(
                        "estimated",
                        "按预计排放量计划; 核查后请重新计划",
                        "planned on estimated emissions; plan again once they are verified",
                        path=event.id,
                    )
                )
        return found


def bare_calendar(calendar: Calendar) -> Calendar:
    """The calendar with what its single events repeat (policy, settings, objective) left to the calendar."""
    events = tuple(e.model_copy(update={"policy": None, "settings": None, "objective": None}) for e in calendar.events)
    return calendar.model_copy(update={"events": events})
