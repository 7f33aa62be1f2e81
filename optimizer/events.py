"""Events and what belongs to them: emissions, budgets, limits, what the user admits, settings, objective.

Declared once for file, HTTP and store: keys are those of the event file, quantities are integers inside (kg, fen,
ten-thousandths) and decimal strings outside. Unknown keys are faults.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from optimizer.offers import Channel
from optimizer.quantities import E4, MONEY_YUAN_MAX, AmountE4, Fen, Kg, RateE4, decimal_schema
from optimizer.regions import region_code


class Noun(BaseModel):
    """Frozen, and closed to keys that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, str_strip_whitespace=True)

    def dump(self) -> dict[str, Any]:
        """As the file has it: decimal strings, ISO dates, keys that were left out left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def _complaint(code: str, zh: str, en: str) -> PydanticCustomError:
    return PydanticCustomError(code, en.replace("{", "(").replace("}", ")"), {"zh": zh})


def _region(value: object) -> object:
    if not isinstance(value, str | int) or isinstance(value, bool):
        return value
    code = region_code(str(value))
    if code is None:
        raise _complaint(
            "region",
            "未知地区: 应为国标代码或名称, 例如 140100, 14, 山西",
            "unknown region: should be a GB/T 2260 code or a name, such as 140100, 14, Shanxi",
        )
    return code


REGION_SCHEMA: dict[str, Any] = {
    "type": ["string", "integer"],
    "description": "A GB/T 2260 code or a name; abroad ISO 3166-1.",
    "examples": ["14", "140100", "山西", "Shanxi", "KE"],
}
"""How documents for programs describe a region."""
Region = Annotated[str, BeforeValidator(_region), WithJsonSchema(REGION_SCHEMA, mode="validation")]


def _day(value: object) -> object:
    """Numbers are no days: pydantic would read them as seconds since 1970."""
    if isinstance(value, int | float | Decimal) or (isinstance(value, str) and value.strip().lstrip("-").isdigit()):
        raise _complaint("date_type", "应为日期, 例如 2026-10-11", "should be a date such as 2026-10-11")
    return value


def _this_age(value: date) -> date:
    if not 1990 <= value.year <= 2200:
        raise _complaint("date_range", "年份应在 1990 与 2200 之间", "the year should be between 1990 and 2200")
    return value


DAY_SCHEMA: dict[str, Any] = {
    "type": "string",
    "format": "date",
    "description": "A day between 1990 and 2200.",
    "examples": ["2026-10-11"],
}
"""How documents for programs describe a day."""
Day = Annotated[date, BeforeValidator(_day), AfterValidator(_this_age), WithJsonSchema(DAY_SCHEMA, mode="validation")]


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
            raise _complaint("emissions_zero", "排放量应大于 0", "emissions should be above 0")
        if self.status == "verified" and (self.low_kg is not None or self.high_kg is not None):
            raise _complaint(
                "range_of_verified",
                "已核查的排放量不应再有 low/high 区间",
                "verified emissions should have no low/high range",
            )
        low = self.emitted_kg if self.low_kg is None else self.low_kg
        high = self.emitted_kg if self.high_kg is None else self.high_kg
        if not low <= self.emitted_kg <= high:
            raise _complaint("range_order", "应有 low <= tonnes <= high", "should be low <= tonnes <= high")
        return self


YEARS_SCHEMA: dict[str, Any] = {
    "type": "object",
    "propertyNames": {"pattern": "^2[0-2][0-9]{2}$"},
    "additionalProperties": decimal_schema(2, MONEY_YUAN_MAX, "yuan", "200000.00"),
    "minProperties": 1,
    "description": "Fiscal (calendar) year and the yuan that may be spent in it.",
    "examples": [{"2026": "200000", "2027": "400000"}],
}
"""How documents for programs describe money by year."""
MoneyByYear = Annotated[dict[int, Fen], WithJsonSchema(YEARS_SCHEMA, mode="validation")]


class Budget(Noun):
    """What may be spent, all-in and nominal: in all, by fiscal (calendar) year, or both; a year not listed has 0."""

    total_fen: Fen | None = Field(alias="total", default=None)
    by_fiscal_year_fen: MoneyByYear | None = Field(alias="by_fiscal_year", default=None)
    carry_forward: bool = False
    """Unspent money of a year may be spent in later listed years."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.total_fen is None and self.by_fiscal_year_fen is None:
            raise _complaint(
                "budget_empty",
                "预算应给出 total 或 by_fiscal_year (不设预算则删去 budget)",
                "should have total or by_fiscal_year (leave budget out for no limit)",
            )
        years = self.by_fiscal_year_fen or {}
        if self.by_fiscal_year_fen is not None and not years:
            raise _complaint(
                "budget_empty", "by_fiscal_year 至少应有一个年度", "by_fiscal_year should list at least one year"
            )
        if any(not 2000 <= y <= 2200 for y in years):
            raise _complaint(
                "budget_year", "财政年度应为四位年份, 例如 2026", "a fiscal year should be a year such as 2026"
            )
        if self.carry_forward and not years:
            raise _complaint(
                "carry_without_years", "carry_forward 只用于 by_fiscal_year", "carry_forward needs by_fiscal_year"
            )
        return self


type GroupKey = Literal[
    "seller",
    "project_id",
    "instrument",
    "tier",
    "region",
    "vintage",
    "mechanism",
    "methodology",
    "registry",
    "channel",
]
GROUP_KEYS: tuple[str, ...] = get_args(GroupKey.__value__)
"""What may be grouped by."""
LIMIT_KEYS = (*GROUP_KEYS, "offer_id")
"""What a limit, `exclude` or `only` may name."""


def _listed(value: Any) -> tuple[str, ...]:
    many = value if isinstance(value, list | tuple) else [value]
    if not many or any(not isinstance(v, str | int) or isinstance(v, bool) for v in many):
        raise _complaint("filter_value", "应为一个值或一列值", "should be a value or a list of values")
    return tuple(str(v).strip() for v in many)


def _filter(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    unknown = [str(k) for k in value if k not in LIMIT_KEYS]
    known = ", ".join(LIMIT_KEYS)
    if not value:
        raise _complaint("filter_empty", f"应至少给出一个筛选键: {known}", f"should name at least one key: {known}")
    if unknown:
        raise _complaint(
            "filter_key",
            f"未知的筛选键 {', '.join(unknown)}; 可用: {known}",
            f"unknown key {', '.join(unknown)}; should be one of {known}",
        )
    read = {k: _listed(v) for k, v in value.items()}
    if "region" in read:
        read["region"] = tuple(str(_region(v)) for v in read["region"])
    return read


_ONE_VALUE: dict[str, Any] = {"type": ["string", "integer"]}
_VALUES: dict[str, Any] = {"anyOf": [_ONE_VALUE, {"type": "array", "items": _ONE_VALUE, "minItems": 1}]}
FILTER_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {key: _VALUES for key in LIMIT_KEYS},
    "additionalProperties": False,
    "minProperties": 1,
    "description": "Offers by the values of their keys: all keys must hold, any value of a key will do.",
    "examples": [{"instrument": "forestry", "region": ["14", "15"]}],
}
"""How documents for programs describe a filter."""
Filter = Annotated[
    dict[str, tuple[str, ...]], BeforeValidator(_filter), WithJsonSchema(FILTER_SCHEMA, mode="validation")
]
"""Offer key -> admitted values; all keys must hold, any value of a key will do. Regions go by province."""


class Limit(Noun):
    """A share of the event's need, in effective tonnes, that a group may or should cover."""

    group: GroupKey | None = None
    """Every single value of this key is a group; a blank belongs to none."""
    where: Filter | None = None
    """The offers that match are the group."""
    max_share_e4: RateE4 | None = Field(alias="max_share", default=None)
    """Hard."""
    min_share_e4: RateE4 | None = Field(alias="min_share", default=None)
    """Soft: missing it is level `rules`."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.group is None) == (self.where is None):
            raise _complaint("limit_kind", "应恰好给出 group 或 where 之一", "should have either group or where")
        if self.max_share_e4 is None and self.min_share_e4 is None:
            raise _complaint("limit_empty", "应给出 max_share 或 min_share", "should have max_share or min_share")
        if self.group is not None and self.min_share_e4 is not None:
            raise _complaint("limit_group_min", "group 只能用 max_share", "group takes only max_share")
        if any(s is not None and s > E4 for s in (self.max_share_e4, self.min_share_e4)):
            raise _complaint("limit_share", "份额应在 0 与 1 之间", "a share should be between 0 and 1")
        if self.max_share_e4 is not None and self.min_share_e4 is not None and self.min_share_e4 > self.max_share_e4:
            raise _complaint("limit_order", "min_share 不应大于 max_share", "min_share should not exceed max_share")
        return self

    @property
    def name(self) -> str:
        """A short name for people: what is grouped or picked."""
        if self.group is not None:
            return self.group
        return ", ".join(f"{k}={'|'.join(v)}" for k, v in (self.where or {}).items())


class EligibilityRules(Noun):
    """What the user admits beyond the rule pack."""

    vintage_min: int | None = None
    vintage_max: int | None = None
    regions: tuple[Region, ...] | None = None
    """By province."""
    exclude: Filter | None = None
    """An offer that matches any of the keys is left out."""
    only: Filter | None = None
    """An offer that fails any of the keys is left out."""
    channels: tuple[Channel, ...] | None = None
    """Channels open to this buyer; an offer without a channel is open to all."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.vintage_min is not None and self.vintage_max is not None and self.vintage_min > self.vintage_max:
            raise _complaint(
                "vintage_order", "vintage_min 不应大于 vintage_max", "vintage_min should not exceed vintage_max"
            )
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
        raise _complaint(
            "level",
            "未知的层级; 应为 shortfall, rules, tier N 或 cost",
            "unknown level; should be shortfall, rules, tier N or cost",
        )


type Preset = Literal["priority-first", "order-first", "cost-first", "balanced"]
type Objective = Preset | tuple[LevelSpec, ...]


def _objective(value: Any) -> Any:
    if isinstance(value, list) and not value:
        raise _complaint(
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
            raise _complaint(
                "event_id", f"活动编号重复: {', '.join(doubled)}", f"event ids should be unique: {', '.join(doubled)}"
            )
        for what in ("policy", "settings", "objective"):
            own = [getattr(e, what) for e in self.events]
            if any(o is not None and o != getattr(self, what) for o in own):
                raise _complaint(
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
