"""`/v1/disclosures`: the record of 公示 in versions, each with its figures and its statement; publishing one."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict, Field

from api.access.scope import Scope
from api.database import retirement_tables as tables
from api.ledger import disclosures
from api.routes.answering import Answer, Body, Caller, Cursor, Done, ExactRoute, Limit, allowed, page_document
from api.routes.shapes import DayText, Id, Sha256, TimeText, TonnesText

router = APIRouter(prefix="/v1/disclosures", tags=["disclosures"], route_class=ExactRoute)
TEXT_LENGTH_MAX = 2000
MEASURES_MAX = 100


class NewDisclosure(Body):
    """What a disclosure is built from."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "event_id": "taiyuan-marathon-2026",
                    "run_id": "5f0c3a1b9d7e42a68c01b2d3",
                    "measures": ["使用绿色电力", "不提供一次性用品"],
                    "draft": True,
                }
            ]
        }
    )

    event_id: Annotated[str, Field(max_length=200, examples=["taiyuan-marathon-2026"])]
    run_id: Annotated[
        str,
        Field(max_length=64, description="The plan that was carried out.", examples=["5f0c3a1b9d7e42a68c01b2d3"]),
    ]
    measures: Annotated[
        list[Annotated[str, Field(max_length=TEXT_LENGTH_MAX)]],
        Field(
            default_factory=list,
            max_length=MEASURES_MAX,
            description="How emissions were cut first.",
            examples=[["使用绿色电力"]],
        ),
    ]
    draft: Annotated[bool, Field(description="Build it even where something is missing; it says what.")] = False
    correction: Annotated[
        str, Field(max_length=TEXT_LENGTH_MAX, description="Why a published version is corrected.")
    ] = ""


class Publish(Body):
    """Where it was made public."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"place": "https://example.cn/gongshi/1"}]})

    place: Annotated[str, Field(min_length=1, max_length=TEXT_LENGTH_MAX, examples=["https://example.cn/gongshi/1"])]


class Both(Answer):
    """A text in both languages."""

    zh: str
    en: str


class DisclosedEvent(Answer):
    """The event as the plan has it."""

    id: str
    name: str
    organiser: str
    region: str
    end_date: DayText


class DisclosedEmissions(Answer):
    """What was emitted, and who verified it."""

    tonnes: TonnesText
    status: Literal["verified", "estimated"]
    verifier: str | None
    statement: str | None
    verified_on: DayText | None


class DisclosedPolicy(Answer):
    """The rule pack whose order is shown."""

    id: str
    version: str
    title: Both
    document_number: str
    order: Literal["recommended", "required"]
    sha256: Sha256


class DisclosedPlan(Answer):
    """The plan that was carried out."""

    plan_id: Sha256
    as_of: DayText
    status: Literal["covered", "short"]
    required_t: TonnesText
    covered_t: TonnesText
    shortfall_t: TonnesText


class DisclosedTier(Answer):
    """One place in the order: planned, bought, cancelled."""

    tier: int
    name: Both
    clause: str
    planned_t: TonnesText
    bought_t: TonnesText
    retired_t: TonnesText


class DisclosedSerials(Answer):
    """Serials that were cancelled; of new forestry with the accrual that was claimed."""

    first: str
    last: str
    tonnes: TonnesText
    period_from: DayText | None = None
    period_until: DayText | None = None


class DisclosedFile(Answer):
    """Evidence, by its name and hash."""

    name: str
    sha256: Sha256


class DisclosedRetirement(Answer):
    """One cancellation with what proves it."""

    offer_id: str
    instrument: str
    mechanism: str
    project_id: str
    project_name: str
    vintage: int | None
    tier: int
    registry: Both
    tonnes: TonnesText
    effective_t: TonnesText
    retire_by: DayText
    state: Literal["due", "retired"]
    retired_on: DayText | None
    reference: str | None
    serials: list[DisclosedSerials]
    evidence: list[DisclosedFile]


class DisclosedTotals(Answer):
    """Over all tiers."""

    emitted_t: TonnesText
    bought_t: TonnesText
    retired_t: TonnesText
    offset_t: Annotated[TonnesText, Field(description="What counts of it: new forestry less its buffer.")]
    due_t: TonnesText


class Corrected(Answer):
    """The published version that this one corrects."""

    version: int
    reason: str


class Lacking(Answer):
    """Something without which it cannot be published."""

    code: str
    path: str
    zh: str
    en: str


class Record(Answer):
    """The whole process, from verified emissions to cancelled serials."""

    event_id: str
    event: DisclosedEvent
    emissions: DisclosedEmissions
    measures: list[str]
    policy: DisclosedPolicy
    plan: DisclosedPlan
    tiers: list[DisclosedTier]
    retirements: list[DisclosedRetirement]
    totals: DisclosedTotals
    completed_on: DayText | None
    corrects: Corrected | None
    missing: list[Lacking]
    statement: Both


class DisclosureLine(Answer):
    """A version in a list."""

    id: Id
    event_id: str
    version: int
    draft: bool
    corrects: Annotated[str | None, Field(description="The id of the published version that it corrects.")]
    plan_id: Sha256
    sha256: Annotated[Sha256, Field(description="Of the record.")]
    made_by: str
    made_at: TimeText
    published_at: TimeText | None
    place: str | None


class Disclosure(DisclosureLine):
    """A version, whole."""

    record: Record


class DisclosurePage(Answer):
    """A page of versions, the newest first."""

    items: list[DisclosureLine]
    next: str | None


@router.post(
    "",
    status_code=201,
    response_model=None,
    responses={201: {"model": Disclosure}, 200: {"model": Disclosure, "description": "The newest version says that."}},
    summary="Build the disclosure of an event",
)
def make_disclosure(asked: NewDisclosure, caller: Caller = allowed("disclosures.write")) -> Response:
    """The next version; refused with everything that is missing, unless it is a draft."""
    measures = tuple(asked.measures)
    wanted = disclosures.Wanted(asked.event_id, asked.run_id, measures, asked.draft, asked.correction)

    def work(scope: Scope) -> Done:
        row, new = disclosures.build(scope, wanted)
        return Done(201 if new else 200, disclosures.whole(scope, row), location=f"/v1/disclosures/{row['id']}")

    return caller.once(work)


@router.get("", response_model=None, responses={200: {"model": DisclosurePage}}, summary="Disclosures")
def list_disclosures(
    caller: Caller = allowed("disclosures.read"),
    limit: Limit = 50,
    cursor: Cursor = None,
    event_id: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Every version of the organisation's, the newest first."""
    wanted = [] if event_id is None else [tables.disclosures.c.event_id == event_id]

    def work(scope: Scope) -> dict[str, Any]:
        rows, after = scope.page(tables.disclosures, limit, cursor, *wanted)
        return page_document(disclosures.as_dicts(scope, rows), after)

    return caller.show(caller.read(work))


@router.get("/{disclosure_id}", response_model=None, responses={200: {"model": Disclosure}}, summary="A disclosure")
def show_disclosure(disclosure_id: str, caller: Caller = allowed("disclosures.read")) -> Response:
    """One version with its record and its statement in both languages."""

    def work(scope: Scope) -> dict[str, Any]:
        return disclosures.whole(scope, scope.one(tables.disclosures, disclosure_id))

    return caller.show(caller.read(work))


@router.post(
    "/{disclosure_id}/publish",
    response_model=None,
    responses={200: {"model": Disclosure}},
    summary="Note that it was made public",
)
def publish_disclosure(disclosure_id: str, done: Publish, caller: Caller = allowed("disclosures.write")) -> Response:
    """For good: it changes no more, and only a new version with a reason may correct it."""

    def work(scope: Scope) -> Done:
        disclosures.publish(scope, disclosure_id, done.place)
        row = scope.one(tables.disclosures, disclosure_id)
        return Done(200, disclosures.whole(scope, row), location=f"/v1/disclosures/{disclosure_id}")

    return caller.once(work)
