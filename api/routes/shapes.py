"""The shapes of JSON that several resources share, as the OpenAPI document describes them."""

from typing import Annotated, Any

from pydantic import BaseModel, Field, WithJsonSchema

from api.access.people import NAME_LENGTH_MAX
from api.access.roles import ROLES
from api.access.secrets import PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN
from api.routes.answering import Answer
from optimizer.events import Calendar, Event, LevelSpec
from optimizer.offers import Offer
from optimizer.problem import Outlook
from optimizer.rule_pack import RulePack
from scenarios.scenario_set import ScenarioSet

NOUN = "x-noun"
"""Stands in a schema for a noun of the engine, until `openapi` refers to that noun's own schema."""
NUMBER_PATTERN = r"^-?\d+(\.\d+)?$"

TonnesText = Annotated[
    str, Field(pattern=NUMBER_PATTERN, description="Tonnes of CO2e, a decimal.", examples=["4820.4"])
]
YuanText = Annotated[str, Field(pattern=NUMBER_PATTERN, description="Yuan, a decimal.", examples=["454674.64"])]
TimeText = Annotated[
    str, Field(json_schema_extra={"format": "date-time"}, description="UTC.", examples=["2026-11-22T08:00:00.000000Z"])
]
DayText = Annotated[str, Field(json_schema_extra={"format": "date"}, examples=["2026-11-22"])]
Id = Annotated[str, Field(description="Cannot be guessed and says nothing.", examples=["5f0c3a1b9d7e42a68c01b2d3"])]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", examples=["ab" * 32])]

# What `access.people` reads with every fault at once; here only told.
RolesIn = Annotated[
    list[str],
    Field(
        min_length=1,
        max_length=len(ROLES),
        examples=[["organiser"]],
        json_schema_extra={"items": {"type": "string", "enum": list(ROLES)}},
    ),
]
NameIn = Annotated[str, Field(json_schema_extra={"minLength": 1, "maxLength": NAME_LENGTH_MAX}, examples=["王芳"])]
LoginIn = Annotated[
    str,
    Field(
        json_schema_extra={"pattern": "^[A-Za-z0-9._@+-]{3,100}$"},
        description="Such as a mail address; upper and lower case are the same.",
        examples=["wang.fang@example.cn"],
    ),
]
PasswordIn = Annotated[
    str,
    Field(
        json_schema_extra={"minLength": PASSWORD_LENGTH_MIN, "maxLength": PASSWORD_LENGTH_MAX, "format": "password"},
        examples=["correct horse battery staple"],
    ),
]

DECIMAL: dict[str, Any] = {"anyOf": [{"type": "string", "pattern": r"^\d+(\.\d+)?$"}, {"type": "number"}]}
"""A number that comes in: a decimal string, or a JSON number, read exactly."""

EXAMPLE_EVENT = {
    "id": "taiyuan-marathon-2026",
    "name": "2026太原马拉松赛",
    "end_date": "2026-10-11",
    "emissions": {"tonnes": "4820.4", "status": "verified"},
    "budget": {"total": "600000"},
}
EXAMPLE_OFFERS = [
    {
        **{"offer_id": "PHB-1", "instrument": "carbon_inclusion", "mechanism": "三晋绿色生活", "region": "14"},
        **{"vintage": 2025, "seller": "示例甲", "quantity": "3000", "price": "46.50"},
    },
    {"offer_id": "CEA-1", "instrument": "allowance", "mechanism": "CEA", "quantity": "5000", "price": "66.10"},
]

EventDocument = Annotated[
    Any,
    WithJsonSchema(
        {
            "anyOf": [{NOUN: "Event"}, {NOUN: "Calendar"}],
            "description": "As in an event file: one event, or a calendar with `events`.",
            "examples": [EXAMPLE_EVENT],
        }
    ),
]
OffersDocument = Annotated[
    Any,
    WithJsonSchema(
        {
            "type": "array",
            "minItems": 1,
            "items": {NOUN: "Offer"},
            "description": "As in an offers file: one object an offer. Headers in Chinese are read as well.",
            "examples": [EXAMPLE_OFFERS],
        }
    ),
]
ObjectiveDocument = Annotated[
    Any,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "enum": ["priority-first", "order-first", "cost-first", "balanced"]},
                {"type": "array", "items": {NOUN: "LevelSpec"}, "minItems": 1},
            ],
            "description": "A preset, or levels in their order.",
        }
    ),
]
OutlookDocument = Annotated[Any, WithJsonSchema({NOUN: "Outlook"})]
PackDocument = Annotated[Any, WithJsonSchema({"allOf": [{NOUN: "RulePack"}], "description": "As in a rule pack file."})]
DecimalIn = Annotated[Any, WithJsonSchema(DECIMAL)]

REFERRED: dict[str, type[BaseModel]] = {
    n.__name__: n for n in (Event, Calendar, LevelSpec, Outlook, Offer, RulePack, ScenarioSet)
}
"""Nouns of the engine that bodies refer to; the OpenAPI document takes their schemas from the nouns themselves."""


class Fault(Answer):
    """One complaint: where, what, and what would be right."""

    code: str
    severity: str
    message: str
    file: str | None = None
    path: str | None = None
    row: int | None = None
    column: str | None = None
    value: str | None = None


class Problem(Answer):
    """An error (RFC 9457), in the caller's language."""

    type: str
    title: str
    status: int
    instance: str
    request_id: str
    detail: str | None = None
    faults: list[Fault] | None = None
