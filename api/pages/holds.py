"""Holds that tick down: given back (and taken again), kept longer, ordered."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from api.access.scope import Scope
from api.database.ledger_tables import holds as table
from api.database.ledger_tables import orders as order_table
from api.database.ledger_tables import quotes as quote_table
from api.ledger import holds, orders, quotes
from api.pages.listing import Column, listing
from api.pages.typed_forms import typed
from api.pages.viewing import View, viewing
from api.refusals import Refused
from market_data.store_tables import time_of
from optimizer.errors import BadInput
from optimizer.findings import Finding
from optimizer.quantities import tonnes
from optimizer.wording import Text

router = APIRouter(include_in_schema=False)
STATES = {
    "active": Text("预留中", "active"),
    "released": Text("已释放", "released"),
    "expired": Text("已到期", "expired"),
    "ordered": Text("已下单", "ordered"),
}
COLUMNS = (
    Column("client", Text("客户", "Client"), "text"),
    Column("state", Text("状态", "State"), "text", lambda row: STATES[row["state"]]),
    Column("tonnes", Text("数量", "Quantity"), "tonnes", unit=Text("吨", "t"), sorts=False),
    Column("expires_at", Text("预留至", "Held until"), "moment"),
    Column("made_at", Text("生成于", "Made"), "moment"),
    Column("id", Text("操作", "Do"), "html", sorts=False),
)
SHOWN_AGAIN = frozenset({"conflict", "expired", "sold_out"})
"""Refusals that somebody can do something about: the hold is shown with them."""


@router.get("/holds")
async def list_holds(view: View = viewing("holds.read")) -> Response:
    """The organisation's holds, those that tick first where asked."""
    state = view.request.query_params.get("state", "")

    def known(scope: Scope) -> dict[str, Any]:
        wanted = [holds.is_in_state(scope, state)] if state in STATES else []
        rows = scope.rows(scope.select(table, *wanted).order_by(table.c.number.desc()))
        shown = [{**row, "state": holds.state_of(scope, row), "tonnes": "0"} for row in rows]
        found = listing(view.request, shown, COLUMNS)
        lines = holds.lines_of(scope, [row["id"] for row in found.rows])
        return {"list": found, "tonnes_by_hold": _tonnes_by_hold(lines)}

    return view.page("holds/holds.html", **await run_in_threadpool(view.read, known), state=state, states=STATES)


def _tonnes_by_hold(lines: Sequence[Any]) -> dict[str, str]:
    sums: dict[str, int] = {}
    for line in lines:
        sums[line["hold_id"]] = sums.get(line["hold_id"], 0) + line["kg"]
    return {hold_id: tonnes(kg) for hold_id, kg in sums.items()}


@router.get("/holds/{hold_id}/release")
@router.get("/holds/{hold_id}/again")
@router.get("/holds/{hold_id}/extend")
@router.get("/holds/{hold_id}")
async def show_hold(hold_id: str, view: View = viewing("holds.read")) -> Response:
    """What is kept, for whom, how long still; also at the addresses of refused changes, read again."""
    return await _hold_page(view, hold_id, "holds/hold.html")


async def _hold_page(
    view: View, hold_id: str, template: str, found: Sequence[Finding] = (), status: int = 200
) -> Response:
    def known(scope: Scope) -> dict[str, Any]:
        row = scope.one(table, hold_id)
        hold = holds.as_dict(scope, row, holds.lines_of(scope, [hold_id]))
        order = scope.find(order_table, order_table.c.hold_id == hold_id)
        quote = None if row["quote_id"] is None else quotes.as_row(scope, scope.one(quote_table, row["quote_id"]))
        return {
            "hold": hold,
            "order": None if order is None else order["id"],
            "quote": quote,
            "again": hold["state"] == "released" and hold["expires_at"] > scope.now_text and _is_free(scope, quote),
            "fee": _fee(quote, hold),
        }

    shown = await run_in_threadpool(view.read, known)
    prices = [line["price"] for line in shown["hold"]["lines"]]
    total = None if None in prices else sum(map(Decimal, prices), Decimal(shown["fee"]))
    whole = sum((Decimal(line["tonnes"]) for line in shown["hold"]["lines"]), Decimal(0))
    return view.page(template, status, **shown, total=total, whole_t=whole, states=STATES, faults=found)


def _is_free(scope: Scope, quote: dict[str, Any] | None) -> bool:
    """Whether what was given back may be held again: its quote stands, and nobody holds or ordered it since."""
    if quote is None:
        return True
    taken = scope.find(table, table.c.open_quote_id == quote["id"])
    return bool(quote["open"]) and taken is None


def _fee(quote: dict[str, Any] | None, hold: dict[str, Any]) -> Decimal:
    """What the quote asks beside the lines."""
    if quote is None:
        return Decimal(0)
    return Decimal(quote["price"]) - sum((Decimal(line["price"]) for line in hold["lines"]), Decimal(0))


async def _done(view: View, hold_id: str, work: Any, note: str, template: str = "holds/hold.html") -> Response:
    """Does a change of a hold and leads to where it is then; what is refused is shown with the hold."""
    try:
        target = await run_in_threadpool(view.write, work)
    except BadInput as error:
        return await _hold_page(view, hold_id, template, error.findings, 422)
    except Refused as error:
        if error.code not in SHOWN_AGAIN:
            raise
        return await _hold_page(view, hold_id, template, error.findings, error.kind.status)
    return view.go(target, note=note)


@router.post("/holds/{hold_id}/release")
async def release_hold(hold_id: str, view: View = viewing("holds.write")) -> Response:
    """Gives a hold back at once; its page offers to take it again."""

    def work(scope: Scope) -> str:
        holds.release(scope, hold_id, "")
        return f"/holds/{hold_id}"

    return await _done(view, hold_id, work, "released")


@router.post("/holds/{hold_id}/again")
async def hold_again(hold_id: str, view: View = viewing("holds.write")) -> Response:
    """Undoes a release: the same lines at the same prices, until the moment that it had."""

    def work(scope: Scope) -> str:
        expires = time_of(scope.one(table, hold_id)["expires_at"])
        return f"/holds/{quotes.hold_again(scope, hold_id, expires)}"

    return await _done(view, hold_id, work, "undone")


@router.post("/holds/{hold_id}/extend")
async def extend_hold(hold_id: str, view: View = viewing("holds.write")) -> Response:
    """Keeps the same for so many minutes from now; another hold takes the place of this one."""
    form = await typed(view)

    def work(scope: Scope) -> str:
        minutes = form.whole("minutes", 1, holds.MINUTES_MAX)
        until = scope.now + timedelta(minutes=minutes)
        return f"/holds/{quotes.extend_hold(scope, hold_id, until, view.say('改期', 'held anew'))}"

    return await _done(view, hold_id, work, "held")


# ------------------------------------------------------------------------------------------------------------ ordering


@router.get("/holds/{hold_id}/order")
async def order_page(hold_id: str, view: View = viewing("orders.write")) -> Response:
    """What happens when the client has accepted: an order cannot be taken back, only what is open of it cancelled."""
    return await _hold_page(view, hold_id, "holds/order.html")


@router.post("/holds/{hold_id}/order")
async def order_hold(hold_id: str, view: View = viewing("orders.write")) -> Response:
    """A hold becomes an order, once and only before it expires."""

    def work(scope: Scope) -> str:
        return f"/orders/{orders.accept(scope, hold_id)}"

    return await _done(view, hold_id, work, "ordered", "holds/order.html")
