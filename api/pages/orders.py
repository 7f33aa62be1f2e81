"""Orders: what was accepted, delivered in parts, its rest cancelled, and the way on to its retirement."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from api.access.scope import Scope
from api.database.ledger_tables import orders as table
from api.ledger import answers, orders
from api.pages.field_faults import FieldFault
from api.pages.listing import Column, listing
from api.pages.typed_forms import Typed, typed
from api.pages.viewing import View, viewing
from api.refusals import Refused
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.quantities import MASS_T_MAX, NotANumber, kg_of
from optimizer.wording import Text

router = APIRouter(include_in_schema=False)
TEXT_LENGTH_MAX = 500
STATES = {
    "open": Text("交付中", "open"),
    "filled": Text("已交付", "delivered"),
    "closed": Text("部分交付, 其余取消", "part delivered, rest cancelled"),
    "cancelled": Text("已取消", "cancelled"),
}
COLUMNS = (
    Column("client", Text("客户", "Client"), "text"),
    Column("state", Text("状态", "State"), "text", lambda row: STATES[row["state"]]),
    Column("ordered_t", Text("订购", "Ordered"), "tonnes", unit=Text("吨", "t"), sorts=False),
    Column("open_t", Text("未交付", "Open"), "tonnes", unit=Text("吨", "t"), sorts=False),
    Column("price", Text("金额", "Amount"), "money", unit=Text("元", "yuan"), sorts=False),
    Column("made_at", Text("生成于", "Made"), "moment"),
)


@router.get("/orders")
async def list_orders(view: View = viewing("orders.read")) -> Response:
    """The organisation's orders, the newest first."""
    state = view.request.query_params.get("state", "")

    def known(scope: Scope) -> dict[str, Any]:
        wanted = [table.c.state == state] if state in STATES else []
        rows = scope.rows(scope.select(table, *wanted).order_by(table.c.number.desc()))
        found = listing(view.request, [{**row, "ordered_t": "", "open_t": "", "price": ""} for row in rows], COLUMNS)
        lines = orders.lines_of_orders(scope, [row["id"] for row in found.rows])
        whole = {row["id"]: {**orders.as_dict(row, lines), **_sums(row["id"], lines)} for row in found.rows}
        return {"list": found, "orders": whole}

    return view.page("orders/orders.html", **await run_in_threadpool(view.read, known), state=state, states=STATES)


def _sums(order_id: str, lines: Sequence[orders.OrderLine]) -> dict[str, float]:
    mine = [line for line in lines if line.order_id == order_id]
    return {"ordered_t": sum(x.ordered_kg for x in mine) / 1000, "open_t": sum(x.open_kg for x in mine) / 1000}


@router.get("/orders/{order_id}/deliver")
@router.get("/orders/{order_id}")
async def show_order(order_id: str, view: View = viewing("orders.read")) -> Response:
    """An order with what of each line is delivered, cancelled and open."""
    return await _order_page(view, order_id)


async def _order_page(
    view: View,
    order_id: str,
    form: Typed | None = None,
    found: Sequence[Finding] = (),
    status: int = 200,
    template: str = "orders/order.html",
) -> Response:
    def known(scope: Scope) -> dict[str, Any]:
        order = orders.as_dict(orders.find_order(scope, order_id), orders.lines_of_order(scope, order_id))
        last = answers.last_answers(scope, [order["quote_id"]] if order["quote_id"] else [])
        accepted = answers.as_dict(last.get(order["quote_id"]))
        return {"order": order, "fills": orders.fills_of(scope, order_id), "accepted": accepted}

    shown = await run_in_threadpool(view.read, known)
    lines = shown["order"]["lines"]
    names = {line["id"]: line["offer_id"] for line in lines}
    kept = {f"tonnes-{line['id']}": "" for line in lines} | {"reference": "", "reason": ""}
    if form is not None:
        kept = {key: form.text(key) for key in kept}
    return view.page(template, status, **shown, names=names, states=STATES, form=kept, faults=found)


@router.post("/orders/{order_id}/deliver")
async def deliver(order_id: str, view: View = viewing("orders.write")) -> Response:
    """Notes what was delivered of each line, all of it or nothing; `all=yes` delivers whatever is open."""
    form = await typed(view)

    def work(scope: Scope) -> None:
        lines = [line for line in orders.lines_of_order(scope, order_id) if line.open_kg]
        reference = form.text("reference")[:TEXT_LENGTH_MAX]
        every = form.text("all") == "yes"
        for line, kg in [(line, line.open_kg) for line in lines] if every else _delivered(form, lines):
            orders.fill(scope, order_id, line.id, kg, reference)

    return await _done(view, order_id, work, form, "delivered")


def _delivered(form: Typed, lines: Sequence[orders.OrderLine]) -> list[tuple[orders.OrderLine, int]]:
    """What was typed at each line; lines without a number are left out. Raises BadInput with every fault."""
    wanted: list[tuple[orders.OrderLine, int]] = []
    found: list[Finding] = []
    for line in lines:
        text = form.text(f"tonnes-{line.id}")
        if not text:
            continue
        try:
            kg = kg_of(text)
        except (NotANumber, ValueError):
            kg = 0
        if not 0 < kg <= kg_of(MASS_T_MAX):
            zh, en = "应为大于 0、至多三位小数的吨数", "should be tonnes above 0 with at most 3 decimals"
            found.append(_at(line, fault("number", zh, en, value=text)))
        elif kg > line.open_kg:
            zh, en = "多于未交付的数量", "is more than is open"
            found.append(_at(line, fault("over_fill", zh, en, value=text)))
        wanted.append((line, kg))
    if not wanted:
        found.append(fault("nothing", "请填写至少一行的数量", "give the tonnes of a line at least"))
    if found:
        raise BadInput(found)
    return wanted


def _at(line: orders.OrderLine, found: Finding) -> Finding:
    """A fault at a line, by the name of its lot."""
    offer = str(line.facts["offer_id"])
    label = Text(offer, offer)
    return FieldFault(
        found.code, found.message, found.severity, path=f"tonnes-{line.id}", value=found.value, label=label
    )


@router.get("/orders/{order_id}/cancel")
async def cancel_page(order_id: str, view: View = viewing("orders.write")) -> Response:
    """What happens when the rest is cancelled: it cannot be taken back."""
    return await _order_page(view, order_id, template="orders/cancel.html")


@router.post("/orders/{order_id}/cancel")
async def cancel_rest(order_id: str, view: View = viewing("orders.write")) -> Response:
    """What has not been delivered is available again."""
    form = await typed(view)

    def work(scope: Scope) -> None:
        orders.cancel(scope, order_id, form.text("reason")[:TEXT_LENGTH_MAX])

    return await _done(view, order_id, work, form, "cancelled")


async def _done(view: View, order_id: str, work: Any, form: Typed, note: str) -> Response:
    try:
        await run_in_threadpool(view.write, work)
    except BadInput as error:
        return await _order_page(view, order_id, form, error.findings, 422)
    except Refused as error:
        if error.code not in ("conflict", "sold_out"):
            raise
        found = [replace(one, path="") for one in error.findings]
        return await _order_page(view, order_id, form, found, error.kind.status)
    return view.go(f"/orders/{order_id}", note=note)
