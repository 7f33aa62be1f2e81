"""`/v1/holds`: stock that is kept for a client until a moment. It cannot be promised to anybody else meanwhile."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict, Field, WithJsonSchema

from api.access.scope import Scope
from api.database.ledger_tables import holds as table
from api.ledger import holds, quotes
from api.ledger.holds import Client
from api.routes.answering import Answer, Body, Caller, Cursor, Done, ExactRoute, Limit, allowed, page_document
from api.routes.shapes import DECIMAL, Id, TimeText, TonnesText, YuanText
from optimizer.errors import BadInput
from optimizer.findings import fault
from optimizer.quantities import Kg, PriceFen

router = APIRouter(prefix="/v1/holds", tags=["holds"], route_class=ExactRoute)
LINES_MAX = 1000
REASON_LENGTH_MAX = 500
TonnesIn = Annotated[Kg, Field(gt=0), WithJsonSchema({**DECIMAL, "examples": ["12.5"]})]
PriceIn = Annotated[PriceFen, WithJsonSchema({**DECIMAL, "examples": ["58.35"]})]
State = Literal["active", "released", "expired", "ordered"]


class NewHoldLine(Body):
    """So much of a lot, without a quote."""

    lot: Annotated[str, Field(max_length=64, description="The lot's id.")]
    tonnes: TonnesIn
    price: Annotated[PriceIn | None, Field(description="Yuan per tonne, where one was agreed.")] = None


class NewHold(Body):
    """A quote, whole, at its prices; or lines of lots."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"quote_id": "5f0c3a1b9d7e42a68c01b2d3", "minutes": 60}]})

    quote_id: Annotated[str | None, Field(max_length=64, description="A firm quote that still stands.")] = None
    lines: Annotated[tuple[NewHoldLine, ...], Field(max_length=LINES_MAX, description="In place of `quote_id`.")] = ()
    client: Annotated[str, Field(max_length=200, description="For whom, with `lines`.")] = ""
    event_id: Annotated[str | None, Field(max_length=200, description="For which event, with `lines`.")] = None
    minutes: Annotated[int, Field(ge=1, le=holds.MINUTES_MAX, description="From now, by the database's clock.")] = 60
    reason: Annotated[str, Field(max_length=REASON_LENGTH_MAX)] = ""


class Reason(Body):
    """Why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "客户改期"}]})

    reason: Annotated[str, Field(max_length=REASON_LENGTH_MAX)] = ""


class HoldLineAnswer(Answer):
    """So much of a lot."""

    id: Id
    lot: Id
    offer_id: str
    event_id: str | None
    tonnes: TonnesText
    price: YuanText | None


class HoldAnswer(Answer):
    """A hold; `expired` as soon as its moment has passed."""

    id: Id
    quote_id: str | None
    client: str
    client_organisation: str | None
    state: State
    expires_at: TimeText
    reason: str
    lines: list[HoldLineAnswer]
    made_by: str
    made_at: TimeText
    ended_at: TimeText | None


class HoldPage(Answer):
    """A page of holds, the newest first."""

    items: list[HoldAnswer]
    next: str | None


@router.post("", status_code=201, response_model=None, responses={201: {"model": HoldAnswer}}, summary="Hold")
def take_hold(new: NewHold, caller: Caller = allowed("holds.write")) -> Response:
    """Keeps all lines until the moment, or nothing: `sold_out` names every lot of which too little is available."""
    if (new.quote_id is None) == (not new.lines):
        zh, en = "应恰好给出 quote_id 或 lines 之一", "should have either quote_id or lines"
        raise BadInput([fault("one_of", zh, en, path="quote_id")])

    def work(scope: Scope) -> Done:
        hold_id = _taken(new, scope)
        return Done(201, _document(scope, hold_id), location=f"/v1/holds/{hold_id}")

    return caller.once(work)


def _taken(new: NewHold, scope: Scope) -> str:
    if new.quote_id is not None:
        return quotes.hold_quote(scope, new.quote_id, new.minutes, new.reason)
    asked = [(line.lot, line.tonnes, line.price) for line in new.lines]
    lines = holds.lines_of_lots(scope, asked, new.event_id)
    return holds.take(scope, Client(new.client), lines, new.minutes, new.reason)


def _document(scope: Scope, hold_id: str) -> dict[str, Any]:
    return holds.as_dict(scope, scope.one(table, hold_id), holds.lines_of(scope, [hold_id]))


@router.get("", response_model=None, responses={200: {"model": HoldPage}}, summary="Holds")
def list_holds(
    caller: Caller = allowed("holds.read"),
    limit: Limit = 50,
    cursor: Cursor = None,
    state: Annotated[State | None, Query()] = None,
) -> Response:
    """The organisation's holds, the newest first."""

    def work(scope: Scope) -> dict[str, Any]:
        wanted = [] if state is None else [holds.is_in_state(scope, state)]
        rows, after = scope.page(table, limit, cursor, *wanted)
        lines = holds.lines_of(scope, [row["id"] for row in rows])
        return page_document([holds.as_dict(scope, row, lines) for row in rows], after)

    return caller.show(caller.read(work))


@router.get("/{hold_id}", response_model=None, responses={200: {"model": HoldAnswer}}, summary="A hold")
def show_hold(hold_id: str, caller: Caller = allowed("holds.read")) -> Response:
    """A hold as it is at this moment."""
    return caller.show(caller.read(lambda scope: _document(scope, hold_id)))


@router.post(
    "/{hold_id}/release", response_model=None, responses={200: {"model": HoldAnswer}}, summary="Give a hold back"
)
def release_hold(hold_id: str, why: Reason, caller: Caller = allowed("holds.write")) -> Response:
    """What it kept is available again."""

    def work(scope: Scope) -> Done:
        holds.release(scope, hold_id, why.reason)
        return Done(200, _document(scope, hold_id))

    return caller.once(work)
