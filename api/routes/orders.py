"""`/v1/orders`: holds that were accepted, delivered in parts, their rest cancelled."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict, Field, WithJsonSchema

from api.access.scope import Scope
from api.database.ledger_tables import orders as table
from api.ledger import orders
from api.routes.answering import Answer, Body, Caller, Cursor, Done, ExactRoute, Limit, allowed, page_document
from api.routes.shapes import DECIMAL, Id, TimeText, TonnesText, YuanText
from optimizer.quantities import Kg

router = APIRouter(prefix="/v1/orders", tags=["orders"], route_class=ExactRoute)
TEXT_LENGTH_MAX = 500
TonnesIn = Annotated[Kg, Field(gt=0), WithJsonSchema({**DECIMAL, "examples": ["12.5"]})]
State = Literal["open", "filled", "closed", "cancelled"]


class NewOrder(Body):
    """The hold that is accepted."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"hold_id": "5f0c3a1b9d7e42a68c01b2d3"}]})

    hold_id: Annotated[str, Field(max_length=64)]


class NewFill(Body):
    """A delivery of a line, whole or in part."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"line": "5f0c3a1b9d7e42a68c01b2d3", "tonnes": "100", "reference": "JG-1"}]}
    )

    line: Annotated[str, Field(max_length=64, description="The line's id.")]
    tonnes: TonnesIn
    reference: Annotated[str, Field(max_length=TEXT_LENGTH_MAX, description="The registry's or the bank's.")] = ""


class Cancellation(Body):
    """Why the rest is cancelled."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "活动取消"}]})

    reason: Annotated[str, Field(max_length=TEXT_LENGTH_MAX)] = ""


class OrderLineAnswer(Answer):
    """A line: ordered = filled + cancelled + open."""

    id: Id
    lot: Id
    offer_id: str
    event_id: str | None
    ordered_t: TonnesText
    filled_t: TonnesText
    cancelled_t: TonnesText
    open_t: TonnesText
    price: YuanText | None


class OrderAnswer(Answer):
    """An order. `closed`: some was delivered and the rest cancelled."""

    id: Id
    hold_id: Id
    quote_id: str | None
    client: str
    client_organisation: str | None
    state: State
    price: Annotated[YuanText | None, Field(description="Of all lines and the fee; null where a price was left open.")]
    fee: YuanText
    lines: list[OrderLineAnswer]
    version: int
    made_by: str
    made_at: TimeText
    changed_at: TimeText


class OrderPage(Answer):
    """A page of orders, the newest first."""

    items: list[OrderAnswer]
    next: str | None


class FillAnswer(Answer):
    """A delivery; the amounts of a whole line add up to its price."""

    id: Id
    line: Id
    tonnes: TonnesText
    amount: YuanText | None
    reference: str
    made_by: str
    made_at: TimeText


class FillList(Answer):
    """Every delivery of an order, in order of time."""

    items: list[FillAnswer]


@router.post("", status_code=201, response_model=None, responses={201: {"model": OrderAnswer}}, summary="Order")
def accept_hold(new: NewOrder, caller: Caller = allowed("orders.write")) -> Response:
    """A hold becomes an order, once and only before it expires. What it keeps stays kept until it is delivered."""

    def work(scope: Scope) -> Done:
        order_id = orders.accept(scope, new.hold_id)
        return _done(scope, order_id, 201)

    return caller.once(work)


def _done(scope: Scope, order_id: str, status: int = 200) -> Done:
    document = _document(scope, order_id)
    location = f"/v1/orders/{order_id}" if status == 201 else None
    return Done(status, document, location=location, version=document["version"])


def _document(scope: Scope, order_id: str) -> dict[str, Any]:
    return orders.as_dict(orders.find_order(scope, order_id), orders.lines_of_orders(scope, [order_id]))


@router.get("", response_model=None, responses={200: {"model": OrderPage}}, summary="Orders")
def list_orders(
    caller: Caller = allowed("orders.read"),
    limit: Limit = 50,
    cursor: Cursor = None,
    state: Annotated[State | None, Query()] = None,
) -> Response:
    """The organisation's orders, the newest first."""

    def work(scope: Scope) -> dict[str, Any]:
        rows, after = scope.page(table, limit, cursor, *([] if state is None else [table.c.state == state]))
        lines = orders.lines_of_orders(scope, [row["id"] for row in rows])
        return page_document([orders.as_dict(row, lines) for row in rows], after)

    return caller.show(caller.read(work))


@router.get("/{order_id}", response_model=None, responses={200: {"model": OrderAnswer}}, summary="An order")
def show_order(order_id: str, caller: Caller = allowed("orders.read")) -> Response:
    """An order with what of each line is delivered, cancelled and open."""
    document = caller.read(lambda scope: _document(scope, order_id))
    return caller.show(document, document["version"])


@router.post("/{order_id}/fills", response_model=None, responses={200: {"model": OrderAnswer}}, summary="Deliver")
def fill_line(order_id: str, new: NewFill, caller: Caller = allowed("orders.write")) -> Response:
    """Notes a delivery: it leaves the stock and what is held at once."""

    def work(scope: Scope) -> Done:
        orders.fill(scope, order_id, new.line, new.tonnes, new.reference)
        return _done(scope, order_id)

    return caller.once(work)


@router.get("/{order_id}/fills", response_model=None, responses={200: {"model": FillList}}, summary="Its deliveries")
def list_fills(order_id: str, caller: Caller = allowed("orders.read")) -> Response:
    """Every delivery of an order, in order of time."""

    def work(scope: Scope) -> dict[str, Any]:
        orders.find_order(scope, order_id)
        return {"items": orders.fills_of(scope, order_id)}

    return caller.show(caller.read(work))


@router.post(
    "/{order_id}/cancel", response_model=None, responses={200: {"model": OrderAnswer}}, summary="Cancel the rest"
)
def cancel_rest(order_id: str, why: Cancellation, caller: Caller = allowed("orders.write")) -> Response:
    """What has not been delivered is available again."""

    def work(scope: Scope) -> Done:
        orders.cancel(scope, order_id, why.reason)
        return _done(scope, order_id)

    return caller.once(work)
