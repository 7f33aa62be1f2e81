"""Events and calendars of events: emissions, settings and objective, with the budgets and limits of their own rooms.

Declared once for file, HTTP and store: keys are those of the event file, quantities are integers inside (kg, fen,
ten-thousandths) and decimal strings outside. Unknown keys are faults.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from optimizer.budgets import Budget
from optimizer.nouns import Day, Noun, Region, complaint
from optimizer.offer_groups import EligibilityRules, Limit
from optimizer.quantities import E4, AmountE4, Kg, RateE4


class Emissions(Noun):
    """What the event emitted (verified) or is expected to emit (estimated, with a range), t CO2e."""

    emitted_kg: Kg = Field(alias="tonnes")
    status: Literal["verified", "estimated"]
    low_kg: Kg | None = Field(alias="low", default=None)
    high_kg: Kg | None = Field(alias="high", default=None)
    verifier: str | None = None
    statement: str | None = None
    verified_on: Day | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.emitted_kg == 0:
            raise complaint("emissions_zero", "排放量应大于 0", "emissions should be above 0")
        if self.status == "verified" and (self.low_kg is not None or self.high_kg is not None):
            raise complaint(
                "range_of_verified",
                "已核查的排放量不应再有 low/high 区间",
                "verified emissions should have no low/high range",
            )
        low = self.emitted_kg if self.low_kg is None else self.low_kg
        high = self.emitted_kg if self.high_kg is None else self.high_kg
        if not low <= self.emitted_kg <= high:
            raise complaint("range_order", "应有 low <= tonnes <= high", "should be low <= tonnes <= high")
        return self


class Settings(Noun):
    """How open points of the source are read (DOMAIN) and how the plan is made."""

    unranked: bool = True
    """Admit permitted but unranked means, last."""
    other_mechanisms_anywhere: bool = False
    """Tier 2 also takes reductions of other mechanisms from outside the province."""
    old_ccer: bool = False
    """Admit CCER of projects registered before 2017-03."""
    stale: Literal["exclude", "admit"] = "exclude"
    """What becomes of a quote whose last trade is more than 30 days before as_of."""
    forestry_accrual: Literal["accrued", "ex_ante"] = "accrued"
    allow_late: bool = False
    """Keep purchases that miss the one-year deadline, flagged."""
    discount_rate_e4: RateE4 = Field(alias="discount_rate", default=0)
    """Per year; only the level `cost` uses it."""
    whole_lots: bool = True
    """False: quantities are divisible; no lots, minimums, fixed fees or breaks."""


EXTRA_BUDGET = "extra budget"
"""The level that repairs minimise: what must be added to the budgets."""


class LevelSpec(Noun):
    """One level of a custom objective: minimised in its turn, then held within the slack."""

    level: str
    relative_e4: RateE4 = Field(alias="relative", default=0)
    """Slack as a share of the absolute value."""
    absolute_e4: AmountE4 = Field(alias="absolute", default=0)
    """Slack in the level's own unit (t or yuan), ten-thousandths inside."""

    @field_validator("level")
    @classmethod
    def _known(cls, value: str) -> str:
        head, _, tail = value.partition(" ")
        if value in ("shortfall", "rules", "cost") or (
            head in ("tier", "shortfall") and tail.isdigit() and int(tail) >= 1
        ):
            return value
        raise complaint(
            "level",
            "未知的层级; 应为 shortfall, rules, tier N 或 cost",
            "unknown level; should be shortfall, rules, tier N or cost",
        )


type Preset = Literal["priority-first", "order-first", "cost-first", "balanced"]


def _objective(value: Any) -> Any:
    if isinstance(value, list) and not value:
        raise complaint(
            "objective_empty", "目标列表至少应有一个层级", "an objective list should have at least one level"
        )
    return value


ObjectiveField = Annotated[Preset | tuple[LevelSpec, ...], BeforeValidator(_objective)]


LOWEST_CLASS = 9
"""The priority class of an event that names none."""


class Event(Noun):
    """A large event or official meeting whose organiser claims carbon neutrality."""

    id: str = Field(min_length=1, max_length=200)
    name: str = ""
    organiser: str = ""
    region: Region = "14"
    end_date: Day
    priority: int | None = Field(default=None, ge=1, le=9)
    """Class of the event in a calendar: class 1 is covered first. Blank comes last."""
    emissions: Emissions
    over_cover_e4: RateE4 = Field(alias="over_cover", default=0)
    """Margin over the emissions, 0.1 = 10 %."""
    budget: Budget | None = None
    limits: tuple[Limit, ...] = ()
    eligibility: EligibilityRules = EligibilityRules()
    policy: str | None = None
    settings: Settings | None = None
    objective: ObjectiveField | None = None

    @property
    def priority_class(self) -> int:
        """1..9, 1 first."""
        return LOWEST_CLASS if self.priority is None else self.priority

    @property
    def need_kg(self) -> int:
        """D_e = tonnes x (1 + over_cover), rounded up to kg (MODEL 11)."""
        return -(-self.emissions.emitted_kg * (E4 + self.over_cover_e4) // E4)


class Calendar(Noun):
    """Events that share one market, rule pack, settings and perhaps a budget; one event is a calendar of one."""

    id: str = ""
    name: str = ""
    policy: str = "shanxi-2022"
    settings: Settings = Settings()
    budget: Budget | None = None
    """Shared; holds beside the events' own."""
    objective: ObjectiveField = "priority-first"
    events: tuple[Event, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        seen: set[str] = set()
        doubled = sorted({e.id for e in self.events if e.id in seen or seen.add(e.id)})  # type: ignore[func-returns-value]
        if doubled:
            raise complaint(
                "event_id", f"活动编号重复: {', '.join(doubled)}", f"event ids should be unique: {', '.join(doubled)}"
            )
        for what in ("policy", "settings", "objective"):
            own = [getattr(e, what) for e in self.events]
            if any(o is not None and o != getattr(self, what) for o in own):
                raise complaint(
                    "calendar_policy",
                    f"一个日程只能有一个 {what}; 请写在日程上",
                    f"a calendar has one {what}; write it beside `events`",
                )
        return self

    @classmethod
    def of(cls, event: Event) -> "Calendar":
        """The calendar of one event, with that event's rule pack, settings and objective."""
        given = {k: getattr(event, k) for k in ("policy", "settings", "objective") if getattr(event, k) is not None}
        return cls(events=(event,), **given)
