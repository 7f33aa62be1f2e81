"""`/v1/quotes/received`: what a client reads of the quotes that brokers addressed to it, and what it answers."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field

from api.access.received import received_quote, received_quotes
from api.access.scope import Scope
from api.ledger import accepting
from api.routes.answering import Answer, Body, Caller, Cursor, Done, ExactRoute, Limit, allowed, page_document
from api.routes.quotes import ClientsAnswer
from api.routes.shapes import DayText, Id, TimeText, TonnesText, YuanText

router = APIRouter(prefix="/v1/quotes/received", tags=["quotes"], route_class=ExactRoute)


class ReceivedLine(Answer):
    """What is offered: of which project, how much, at which price, to be cancelled where and by when."""

    offer_id: str
    event_id: str
    instrument: str
    mechanism: str = ""
    project_id: str = ""
    project_name: str = ""
    methodology: str = ""
    region: str = ""
    vintage: int = 0
    tier: int
    tonnes: TonnesText
    effective_t: TonnesText
    unit_price: Annotated[YuanText, Field(description="Yuan per tonne, all fees in it but the line's fixed one.")]
    price: YuanText
    purchase_date: DayText
    retire_by: DayText
    registry: str
    firm: bool


class ReceivedQuote(Answer):
    """A quote as its client reads it."""

    id: Id
    broker: str
    event_id: str
    event_name: str
    as_of: DayText
    firm: bool
    open: bool
    valid_until: TimeText
    status: Literal["covered", "short"]
    required_t: TonnesText
    covered_t: TonnesText
    shortfall_t: TonnesText
    lines: list[ReceivedLine]
    fee: Annotated[YuanText, Field(description="Beside the lines.")]
    price: Annotated[YuanText, Field(description="In all.")]
    made_at: TimeText
    answer: Annotated[ClientsAnswer | None, Field(description="Ours; null while there is none.")]
    order_id: Annotated[Id | None, Field(description="The number of the broker's order, once there is one.")]


class Declining(Body):
    """Why it is declined; the broker reads it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "价格高于预算"}]})

    reason: Annotated[str, Field(max_length=500)] = ""


class ReceivedPage(Answer):
    """A page of received quotes, the newest first."""

    items: list[ReceivedQuote]
    next: str | None


@router.get("", response_model=None, responses={200: {"model": ReceivedPage}}, summary="Quotes that we got")
def list_received(caller: Caller = allowed("quotes.received"), limit: Limit = 50, cursor: Cursor = None) -> Response:
    """Quotes of every broker that name the caller's organisation as their client."""

    def work(scope: Scope) -> dict[str, Any]:
        rows, after = received_quotes(scope, limit, cursor)
        return page_document(accepting.received_documents(scope, rows), after)

    return caller.show(caller.read(work))


@router.get(
    "/{quote_id}", response_model=None, responses={200: {"model": ReceivedQuote}}, summary="A quote that we got"
)
def show_received(quote_id: str, caller: Caller = allowed("quotes.received")) -> Response:
    """What the broker offers; never costs, margins, sellers, or lots that are not offered."""
    return caller.show(caller.read(lambda scope: _document(scope, quote_id)))


def _document(scope: Scope, quote_id: str) -> dict[str, Any]:
    (found,) = accepting.received_documents(scope, [received_quote(scope, quote_id)])
    return found


@router.post(
    "/{quote_id}/accept", response_model=None, responses={200: {"model": ReceivedQuote}}, summary="Accept a quote"
)
def accept_received(quote_id: str, caller: Caller = allowed("quotes.answer")) -> Response:
    """Orders a firm quote, whole and at its prices, while it stands: once, and all of it or nothing."""
    return _answered(caller, quote_id, lambda scope: accepting.accept_quote(scope, quote_id))


@router.post(
    "/{quote_id}/decline", response_model=None, responses={200: {"model": ReceivedQuote}}, summary="Decline a quote"
)
def decline_received(quote_id: str, why: Declining, caller: Caller = allowed("quotes.answer")) -> Response:
    """Tells the broker that it is not wanted. While that stands nothing is held or ordered of it."""
    return _answered(caller, quote_id, lambda scope: accepting.decline_quote(scope, quote_id, why.reason))


@router.post(
    "/{quote_id}/reopen", response_model=None, responses={200: {"model": ReceivedQuote}}, summary="Undo declining"
)
def reopen_received(quote_id: str, caller: Caller = allowed("quotes.answer")) -> Response:
    """Takes declining back while the quote stands."""
    return _answered(caller, quote_id, lambda scope: accepting.reopen_quote(scope, quote_id))


def _answered(caller: Caller, quote_id: str, answer: Callable[[Scope], None]) -> Response:
    def work(scope: Scope) -> Done:
        answer(scope)
        return Done(200, _document(scope, quote_id))

    return caller.once(work)
