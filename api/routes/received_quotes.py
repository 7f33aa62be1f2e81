"""`/v1/quotes/received`: what a client reads of the quotes that brokers addressed to it, and nothing beside."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from api.access.received import received_quote, received_quotes
from api.access.scope import Scope
from api.ledger.quotes import as_client_reads
from api.routes.answering import Answer, Caller, Cursor, ExactRoute, Limit, allowed, page_document
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


class ReceivedPage(Answer):
    """A page of received quotes, the newest first."""

    items: list[ReceivedQuote]
    next: str | None


@router.get("", response_model=None, responses={200: {"model": ReceivedPage}}, summary="Quotes that we got")
def list_received(caller: Caller = allowed("quotes.received"), limit: Limit = 50, cursor: Cursor = None) -> Response:
    """Quotes of every broker that name the caller's organisation as their client."""

    def work(scope: Scope) -> dict[str, Any]:
        rows, after = received_quotes(scope, limit, cursor)
        return page_document([as_client_reads(scope, row) for row in rows], after)

    return caller.show(caller.read(work))


@router.get(
    "/{quote_id}", response_model=None, responses={200: {"model": ReceivedQuote}}, summary="A quote that we got"
)
def show_received(quote_id: str, caller: Caller = allowed("quotes.received")) -> Response:
    """What the broker offers; never costs, margins, sellers, or lots that are not offered."""
    return caller.show(caller.read(lambda scope: as_client_reads(scope, received_quote(scope, quote_id))))
