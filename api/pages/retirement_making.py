"""From what was bought to a checklist: a plan of one's own purchases or a delivered order, looked at beforehand."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from api import settings
from api.access.scope import Scope
from api.archive import events, runs
from api.database import ledger_tables, tables
from api.ledger import orders, retiring
from api.pages.retirement_words import days_left
from api.pages.typed_forms import typed
from api.pages.viewing import View, viewing
from api.refusals import Refused
from api.reports.words import registry_name
from optimizer.findings import fault
from optimizer.quantities import tonnes
from optimizer.wording import INSTRUMENT_NAMES

router = APIRouter(include_in_schema=False)
SHOWN = 50
"""Plans and orders that there are to choose from, the newest; any other is reached from its own page."""


@router.get("/retirements/new")
async def new_retirements(view: View = viewing("retirements.write")) -> Response:
    """What was bought? With a plan or an order named, what would have to be cancelled of it."""
    asked = view.request.query_params
    run_id, order_id = asked.get("run_id") or None, asked.get("order_id") or None
    if run_id or order_id:
        return await run_in_threadpool(_looked_at, view, run_id, order_id)
    return view.page("retirements/new.html", **await run_in_threadpool(view.read, _choices))


def _choices(scope: Scope) -> Mapping[str, Any]:
    plans, sold = [], []
    if scope.actor.may("plans.read"):
        rows, _ = scope.page(tables.runs, SHOWN, None)
        plans = [runs.as_dict(row) for row in rows]
    if scope.actor.may("orders.read"):
        rows, _ = scope.page(ledger_tables.orders, SHOWN, None, ledger_tables.orders.c.state.in_(["filled", "closed"]))
        lines = orders.lines_of_orders(scope, [row["id"] for row in rows])
        sold = [_order(orders.as_dict(row, lines)) for row in rows]
    ids = [e for plan in plans for e in plan["event_ids"][:3]]
    return {"plans": plans, "orders": sold, "names": events.names_of(scope, ids)}


def _order(order: dict[str, Any]) -> dict[str, Any]:
    events = sorted({line["event_id"] for line in order["lines"] if line["event_id"]})
    return {**order, "events": events, "offers": len(order["lines"])}


def _looked_at(view: View, run_id: str | None, order_id: str | None) -> Response:
    source: dict[str, Any] = {"run_id": run_id or "", "order_id": order_id or ""}
    try:
        found = view.read(lambda scope: _preview(scope, run_id, order_id))
    except Refused as refusal:
        if refusal.code != "conflict":
            raise
        return view.page("retirements/refused.html", 422, faults=refusal.findings, **source)
    return view.page("retirements/preview.html", **source, **found)


def _preview(scope: Scope, run_id: str | None, order_id: str | None) -> dict[str, Any]:
    bought, today = retiring.purchase(scope, run_id, order_id), settings.today()
    lines: list[dict[str, Any]] = [
        {
            **{"event_id": line.event_id, "tier": line.tier, "retire_by": line.retire_by, "tonnes": tonnes(line.kg)},
            "what": line.project_name or line.project_id or line.mechanism or line.offer_id,
            "offer_id": line.offer_id,
            "instrument_name": INSTRUMENT_NAMES[line.instrument],
            "registry_name": registry_name(line.registry),
            "left": days_left(line.retire_by, today),
        }
        for line in bought.lines
        if line.kg > 0
    ]
    return {
        "lines": lines,
        "total": tonnes(sum(line.kg for line in bought.lines)),
        "doubts": [*bought.doubts, *retiring.others_beside(scope, bought)],
        "known": retiring.known_of(scope, bought),
        "names": events.names_of(scope, [line["event_id"] for line in lines]),
    }


@router.post("/retirements/new")
async def make_retirements(view: View = viewing("retirements.write")) -> Response:
    """Makes the checklist; the same purchase again leads to the one that is there."""
    form = await typed(view)
    run_id, order_id = form.text("run_id") or None, form.text("order_id") or None
    if (run_id is None) == (order_id is None):
        zh, en = "应给出一个方案或一个订单", "should name a plan or an order"
        raise Refused("malformed", [fault("one_of", zh, en)])

    def work(scope: Scope) -> bool:
        return retiring.instruct(scope, retiring.purchase(scope, run_id, order_id))[1]

    try:
        new = await run_in_threadpool(view.write, work)
    except Refused as refusal:
        if refusal.code != "conflict":
            raise
        source: dict[str, Any] = {"run_id": run_id or "", "order_id": order_id or ""}
        return view.page("retirements/refused.html", 422, faults=refusal.findings, **source)
    return view.go("/retirements", note="made" if new else "")
