"""The small changes that a scenario may make to a base problem, as nouns: keys of scenario files, closed to others.

Factors have at most 4 decimals, money 2, mass 3; nothing is a binary float. What the changes do stands in `scenario`.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator
from pydantic_core import PydanticCustomError

from optimizer.events import ObjectiveField, Settings
from optimizer.nouns import Day, Noun, Region
from optimizer.offer_groups import Filter, Limit
from optimizer.offers import Channel
from optimizer.plan import Json
from optimizer.problem import Outlook
from optimizer.quantities import E4, PRICE_YUAN_MAX, Fen, Kg, NotANumber, RateE4, scaled, yuan

FACTOR_MAX_E4 = 100 * E4
"""A hundredfold price or quantity is a misprint; also keeps products within 64-bit integers."""
SHIFT_DAYS_MAX = 36_500
SHIFT_YEARS_MAX = 100
"""A century either way: more is a misprint, and dates end at the year 9999."""


def _complaint(code: str, zh: str, en: str) -> PydanticCustomError:
    return PydanticCustomError(code, en, {"zh": zh})


def _one_of(given: dict[str, bool]) -> None:
    """Exactly one of these must be given."""
    if sum(given.values()) != 1:
        names = ", ".join(given)
        raise _complaint("one_of", f"应恰好给出其中之一: {names}", f"should have exactly one of {names}")


def _plausible(factor_e4: int | None, above_zero: bool = False) -> None:
    if factor_e4 is not None and factor_e4 > FACTOR_MAX_E4:
        raise _complaint("factor", "系数不应超过 100", "a factor should be at most 100")
    if above_zero and factor_e4 == 0:
        raise _complaint("factor_zero", "系数应大于 0", "the factor should be above 0")


def _signed_price(value: Any) -> int:
    try:
        fen = scaled(value, 2)
    except NotANumber:
        raise _complaint("number", "应为以元/吨为单位的十进制数", "should be a decimal number in yuan per t") from None
    except ValueError:
        raise _complaint("decimals", "小数位过多: 最多 2 位", "has too many decimals: at most 2") from None
    if abs(fen) > PRICE_YUAN_MAX * 100:
        raise _complaint("huge", "过大, 不合理", "is implausibly large")
    return fen


SignedPriceFen = Annotated[int, BeforeValidator(_signed_price), PlainSerializer(yuan, return_type=str)]
"""Integer fen per tonne, either sign; decimal yuan per tonne in files."""


class BudgetChange(Noun):
    """Another budget: every sum scaled, one that replaces what there is, or none at all."""

    scale_e4: RateE4 | None = Field(alias="scale", default=None)
    """Times every sum of every budget, of single events and shared, half up to the fen."""
    amount_fen: Fen | None = Field(alias="amount", default=None)
    """In all; replaces the event's budget, for a calendar of several the shared one."""
    by_fiscal_year_fen: dict[int, Fen] | None = Field(alias="by_fiscal_year", default=None)
    """By year; replaces like `amount`, and may stand beside it."""
    carry_forward: bool = False
    none: bool = False
    """No budget at all. `budget: none` for short."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        years = self.by_fiscal_year_fen
        given = self.amount_fen is not None or years is not None
        _one_of({"scale": self.scale_e4 is not None, "amount/by_fiscal_year": given, "none": self.none})
        _plausible(self.scale_e4)
        if years is not None and (not years or any(not 2000 <= y <= 2200 for y in years)):
            raise _complaint("budget_year", "应按四位年份列出, 例如 2026", "should list years such as 2026")
        if self.carry_forward and years is None:
            raise _complaint("carry", "carry_forward 需要 by_fiscal_year", "carry_forward needs by_fiscal_year")
        return self


class PriceChange(Noun):
    """Other list prices (and price breaks) of the offers that match; fees stay, fee rates follow the price."""

    where: Filter | None = None
    """Every key must hold; None: all offers."""
    factor_e4: RateE4 | None = Field(alias="factor", default=None)
    """Times the price, half up to the fen."""
    add_fen: SignedPriceFen | None = Field(alias="add", default=None)
    """Plus this many yuan/t, of either sign; no price falls below 0."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        _one_of({"factor": self.factor_e4 is not None, "add": self.add_fen is not None})
        _plausible(self.factor_e4)
        return self


class AvailabilityChange(Noun):
    """Other quantities of the offers that match, rounded down to the kg."""

    where: Filter | None = None
    scale_e4: RateE4 = Field(alias="scale")

    @model_validator(mode="after")
    def _in_reason(self) -> Self:
        _plausible(self.scale_e4)
        return self


type Lifted = Literal["only", "exclude", "channels", "regions", "vintage"]


class OffersChange(Noun):
    """Which offers every event admits beside the rule pack, meant as in an event's `eligibility`."""

    lift: tuple[Lifted, ...] = ()
    """What the event itself says of these is dropped first: how offers come in."""
    only: Filter | None = None
    """Beside the event's own: an offer that fails any key is left out."""
    exclude: Filter | None = None
    """Beside the event's own: an offer that matches any key is left out."""
    channels: tuple[Channel, ...] | None = None
    """In place of the event's own."""
    regions: tuple[Region, ...] | None = None
    """In place of the event's own; by province."""
    vintage_min: int | None = None
    vintage_max: int | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise _complaint("offers_empty", "应至少给出一项", "should say at least one thing")
        if self.vintage_min is not None and self.vintage_max is not None and self.vintage_min > self.vintage_max:
            zh, en = "vintage_min 不应大于 vintage_max", "vintage_min should not exceed vintage_max"
            raise _complaint("vintage_order", zh, en)
        return self


class LimitsChange(Noun):
    """Other limits of shares, for every event."""

    add: tuple[Limit, ...] | None = None
    replace: tuple[Limit, ...] | None = None
    none: bool = False
    """No limit at all. `limits: none` for short."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        _one_of({"add": self.add is not None, "replace": self.replace is not None, "none": self.none})
        return self


class EmissionsChange(Noun):
    """Other emissions (tonnes and range alike) or another margin, for every event."""

    scale_e4: RateE4 | None = Field(alias="scale", default=None)
    """Half up to the kg, at least 1 kg."""
    amount_kg: Kg | None = Field(alias="amount", default=None)
    """t; only where the base has one event. A range that does not hold it is dropped."""
    over_cover_e4: RateE4 | None = Field(alias="margin", default=None)
    """0.1 = 10 % over the emissions."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.scale_e4 is not None or self.amount_kg is not None:
            _one_of({"scale": self.scale_e4 is not None, "amount": self.amount_kg is not None})
        elif self.over_cover_e4 is None:
            raise _complaint("emissions_empty", "应给出 scale, amount 或 margin", "should have scale, amount or margin")
        _plausible(self.scale_e4, above_zero=True)
        if self.amount_kg == 0:
            raise _complaint("emissions_zero", "排放量应大于 0", "emissions should be above 0")
        return self


class DatesChange(Noun):
    """Another day of planning, other ends of events. First years, then days; 29 February becomes 28."""

    as_of: Day | None = None
    as_of_shift_years: int = Field(default=0, ge=-SHIFT_YEARS_MAX, le=SHIFT_YEARS_MAX)
    as_of_shift_days: int = Field(default=0, ge=-SHIFT_DAYS_MAX, le=SHIFT_DAYS_MAX)
    end_shift_years: int = Field(default=0, ge=-SHIFT_YEARS_MAX, le=SHIFT_YEARS_MAX)
    end_shift_days: int = Field(default=0, ge=-SHIFT_DAYS_MAX, le=SHIFT_DAYS_MAX)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise _complaint("dates_empty", "应至少给出一项", "should say at least one thing")
        if self.as_of is not None and (self.as_of_shift_years or self.as_of_shift_days):
            raise _complaint("as_of_twice", "as_of 与 as_of_shift 只能给一个", "should have as_of or a shift of it")
        return self


def _word_none(value: Any) -> Any:
    return {"none": True} if value == "none" else value


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


type Method = Literal["optimal", "greedy-order", "greedy-cheapest"]


class Changes(Noun):
    """What is other than in the base; what is not named stays."""

    objective: ObjectiveField | None = None
    epsilon_e4: RateE4 | None = Field(alias="epsilon", default=None)
    budget: Annotated[BudgetChange | None, BeforeValidator(_word_none)] = None
    prices: Annotated[tuple[PriceChange, ...], BeforeValidator(_as_list)] = ()
    availability: Annotated[tuple[AvailabilityChange, ...], BeforeValidator(_as_list)] = ()
    offers: OffersChange | None = None
    limits: Annotated[LimitsChange | None, BeforeValidator(_word_none)] = None
    policy: str | None = None
    """A rule pack by id, or by path where files are read."""
    settings: Settings | None = None
    """Only the settings that are named change."""
    emissions: EmissionsChange | None = None
    dates: DatesChange | None = None
    outlook: Outlook | None = None
    """In place of the base's; without factors: prices stay as they are."""
    method: Method = "optimal"
    """How the purchase is found: planned, or by a simple rule (see `baselines`)."""

    def dump(self) -> Json:
        """As the file has it: only the keys that were given."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)
