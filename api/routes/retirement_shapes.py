"""The bodies and answers of `/v1/retirements`, as the OpenAPI document describes them."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from api.ledger.serial_numbers import SERIAL_LENGTH_MAX
from api.routes.answering import Answer, Body
from api.routes.shapes import DayText, DecimalIn, Fault, Id, Sha256, TimeText, TonnesText
from optimizer.nouns import Day

ENTRIES_MAX = 1000
"""Serials and ranges of one request."""
TEXT_LENGTH_MAX = 500


class NewRetirements(Body):
    """What was bought: a plan that is kept, or an order that was delivered."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"run_id": "5f0c3a1b9d7e42a68c01b2d3"}]})

    run_id: Annotated[
        str | None, Field(max_length=64, description="A plan kept at /v1/plans.", examples=["5f0c3a1b9d7e42a68c01b2d3"])
    ] = None
    order_id: Annotated[str | None, Field(max_length=64, description="A delivered order, in place of `run_id`.")] = None


class SerialEntry(Body):
    """One serial, the first and last of a range, or a certificate with its tonnes."""

    first: Annotated[str, Field(max_length=SERIAL_LENGTH_MAX, examples=["CCER-14-001-2025-0000001"])]
    last: Annotated[str | None, Field(max_length=SERIAL_LENGTH_MAX, examples=["CCER-14-001-2025-0000500"])] = None
    tonnes: Annotated[
        DecimalIn,
        Field(description="Of a certificate (carbon inclusion, forestry); else one serial is one tonne."),
    ] = None
    project_id: Annotated[
        str | None, Field(max_length=SERIAL_LENGTH_MAX, description="New forestry, where the offer named no project.")
    ] = None
    period_from: Annotated[Day | None, Field(description="New forestry: the accrual that is claimed.")] = None
    period_until: Day | None = None
    certified: Annotated[
        DecimalIn,
        Field(description="New forestry: tonnes certified for that period; left out, the whole period is used up."),
    ] = None


class NewSerials(Body):
    """Serials as the registry gives them: texts, or entries with more to say."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"serials": [{"first": "CCER-14-001-2025-0000001", "last": "CCER-14-001-2025-0000500"}]},
                {"serials": [{"first": "晋碳普惠证〔2026〕12号", "tonnes": "200"}]},
            ]
        }
    )

    serials: Annotated[list[str | SerialEntry], Field(min_length=1, max_length=ENTRIES_MAX)]


class Retire(Body):
    """The cancellation as the registry did it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"on": "2027-03-01", "reference": "ZX-2027-0031"}]})

    on: Annotated[Day, Field(description="The day of the cancellation, in China.", examples=["2027-03-01"])]
    reference: Annotated[
        str, Field(max_length=TEXT_LENGTH_MAX, description="The registry's number of it.", examples=["ZX-2027-0001"])
    ]


class GivenReason(Body):
    """Why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "误录"}]})

    reason: Annotated[str, Field(min_length=1, max_length=TEXT_LENGTH_MAX, examples=["误录"])]


class RetirementLine(Answer):
    """An instruction in a list: what to cancel, where, by when, and how far it is."""

    id: Id
    source: Literal["run", "order"]
    source_id: str
    event_id: str
    offer_id: str
    instrument: str
    mechanism: str
    project_id: str
    project_name: str
    vintage: int | None
    tier: int
    tonnes: TonnesText
    to_cancel_t: Annotated[TonnesText, Field(description="In whole tonnes where serials go by the tonne.")]
    registry: str
    retire_by: DayText
    state: Literal["due", "retired", "cancelled"]
    overdue: Annotated[bool, Field(description="Due, and the deadline is past in China.")]
    late: Annotated[bool, Field(description="Retired after its deadline.")]
    retired_on: DayText | None
    reference: str | None
    reason: str | None
    version: int
    made_by: str
    made_at: TimeText
    changed_at: TimeText


class SerialAnswer(Answer):
    """Serials of an instruction."""

    id: Id
    first: str
    last: str
    series: Annotated[str, Field(description="Within which serials are unique: whose numbers they are.")]
    tonnes: TonnesText
    period_from: DayText | None
    period_until: DayText | None
    made_by: str
    made_at: TimeText


class EvidenceAnswer(Answer):
    """A file that proves an instruction."""

    id: Id
    name: str
    media_type: str
    bytes: int
    sha256: Sha256
    made_by: str
    made_at: TimeText


class Retirement(RetirementLine):
    """An instruction, whole, with everything that it still lacks."""

    serials: list[SerialAnswer]
    evidence: list[EvidenceAnswer]
    missing: list[Fault]


class Retirements(Answer):
    """The instructions of a plan or an order, and what should be known of them."""

    items: list[RetirementLine]
    warnings: list[Fault]


class RetirementPage(Answer):
    """A page of instructions, the newest first."""

    items: list[RetirementLine]
    next: str | None


class RegistryLine(Answer):
    """What is to be cancelled in one registry."""

    registry: str
    instructions: int
    due_t: TonnesText
    overdue_t: TonnesText
    retired_t: TonnesText
    next_deadline: DayText | None


class RegistryList(Answer):
    """Every registry with instructions that are not cancelled."""

    items: list[RegistryLine]


class DueAnswer(Answer):
    """What is due soon, the nearest deadline first, and a digest of it in words."""

    today: DayText
    days: int
    items: list[RetirementLine]
    digest: Annotated[str, Field(description="In the caller's language; empty where nothing is due.")]
