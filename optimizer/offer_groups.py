"""Groups of offers: the keys that make them, filters that pick them, limits of their share, and what a user admits.

Which offers of a market are in a group is the business of `eligibility` and `limits`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from optimizer.nouns import Noun, Region, complaint, region_of_text
from optimizer.offers import Channel
from optimizer.quantities import E4, RateE4

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
        raise complaint("filter_value", "应为一个值或一列值", "should be a value or a list of values")
    return tuple(str(v).strip() for v in many)


def _filter(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    unknown = [str(k) for k in value if k not in LIMIT_KEYS]
    known = ", ".join(LIMIT_KEYS)
    if not value:
        raise complaint("filter_empty", f"应至少给出一个筛选键: {known}", f"should name at least one key: {known}")
    if unknown:
        raise complaint(
            "filter_key",
            f"未知的筛选键 {', '.join(unknown)}; 可用: {known}",
            f"unknown key {', '.join(unknown)}; should be one of {known}",
        )
    read = {k: _listed(v) for k, v in value.items()}
    if "region" in read:
        read["region"] = tuple(str(region_of_text(v)) for v in read["region"])
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
            raise complaint("limit_kind", "应恰好给出 group 或 where 之一", "should have either group or where")
        if self.max_share_e4 is None and self.min_share_e4 is None:
            raise complaint("limit_empty", "应给出 max_share 或 min_share", "should have max_share or min_share")
        if self.group is not None and self.min_share_e4 is not None:
            raise complaint("limit_group_min", "group 只能用 max_share", "group takes only max_share")
        if any(s is not None and s > E4 for s in (self.max_share_e4, self.min_share_e4)):
            raise complaint("limit_share", "份额应在 0 与 1 之间", "a share should be between 0 and 1")
        if self.max_share_e4 is not None and self.min_share_e4 is not None and self.min_share_e4 > self.max_share_e4:
            raise complaint("limit_order", "min_share 不应大于 max_share", "min_share should not exceed max_share")
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
            raise complaint(
                "vintage_order", "vintage_min 不应大于 vintage_max", "vintage_min should not exceed vintage_max"
            )
        return self
