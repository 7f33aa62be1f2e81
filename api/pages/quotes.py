"""Quotes that were made: the list, a quote with its margin, holding it, and why lots lost."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from api.access.scope import Scope
from api.archive import documents, events
from api.database import ledger_tables as tables
from api.ledger import holds, quotes
from api.ledger.feedback import for_broker, for_seller
from api.pages.listing import Column, listing
from api.pages.typed_forms import typed
from api.pages.viewing import View, viewing
from api.plain_data import plain_json
from api.refusals import Refused
from api.routes.quotes import break_even
from market_data.store_tables import time_of
from optimizer.errors import BadInput
from optimizer.findings import Finding
from optimizer.wording import INSTRUMENT_NAMES, Text

router = APIRouter(include_in_schema=False)
YUAN, TONNES, PRICE = Text("元", "yuan"), Text("吨", "t"), Text("元/吨", "yuan/t")
TICKING = timedelta(hours=24)
"""A quote that ends sooner ticks."""
MINUTES = 60
TIERS = range(1, 6)
"""The five that Shanxi recommends; whatever else is drawn is the gap."""

COLUMNS = (
    Column("event_name", Text("活动", "Event"), "text"),
    Column("client", Text("客户", "Client"), "text"),
    Column("state", Text("状态", "State"), "text", lambda row: state_of(row)),
    Column("covered_t", Text("可抵销", "Covered"), "tonnes", unit=TONNES),
    Column("price", Text("报价", "Price"), "money", unit=YUAN),
    Column("cost", Text("成本", "Cost"), "money", unit=YUAN),
    Column("margin", Text("毛利", "Margin"), "money", unit=YUAN),
    Column("valid_until", Text("有效期至", "Valid until"), "moment"),
    Column("made_at", Text("生成于", "Made"), "moment"),
)
ANSWERS = {"accepted": Text("已接受", "accepted"), "declined": Text("已拒绝", "declined")}
"""What a client answered."""
LOT_STATES = {
    "used": Text("中选", "won"),
    "beaten": Text("价格落选", "lost on price"),
    "left_out": Text("不符合条件", "not eligible"),
}
LOT_COLUMNS = (
    Column("offer_id", Text("批次", "Lot"), "text"),
    Column("seller", Text("卖方", "Seller"), "text"),
    Column("state", Text("结果", "Result"), "text", lambda row: LOT_STATES[row["state"]]),
    Column("price", Text("成本价", "Cost"), "money", unit=PRICE),
    Column("price_at_most", Text("中选所需成本价", "Would win at"), "money", unit=PRICE),
    Column("below", Text("需降", "Lower by"), "percent"),
    Column("selling_price", Text("售价", "Selling price"), "money", unit=PRICE),
    Column("reasons", Text("原因", "Why"), "text", lambda row: "; ".join(r["message"] for r in row["reasons"])),
)


def state_of(row: Mapping[str, Any]) -> Text:
    """How a quote stands, in words."""
    if row["answer"] is not None:
        return ANSWERS[row["answer"]["state"]]
    if not row["open"]:
        return Text("已过期", "ended")
    return Text("有效", "open")


@router.get("/quotes")
async def list_quotes(view: View = viewing("quotes.read")) -> Response:
    """The organisation's quotes, or those of a batch, with what they cost and earn."""
    batch = view.request.query_params.get("batch", "")

    def known(scope: Scope) -> list[dict[str, Any]]:
        wanted = [tables.quotes.c.batch_id == batch] if batch else []
        newest = scope.select(tables.quotes, *wanted).order_by(tables.quotes.c.number.desc())
        rows = quotes.as_rows(scope, scope.rows(newest))
        names = events.names_of(scope, [row["event_id"] for row in rows])
        return [{**row, "event_name": names[row["event_id"]]} for row in rows]

    rows = await run_in_threadpool(view.read, known)
    sums = {key: sum((Decimal(row[key]) for row in rows), Decimal(0)) for key in ("price", "cost", "margin")}
    sums |= {"covered_t": sum((Decimal(row["covered_t"]) for row in rows), Decimal(0))}
    short = sum(row["status"] != "covered" for row in rows)
    found = listing(view.request, rows, COLUMNS)
    return view.page("quotes/quotes.html", list=found, batch=batch, sums=sums, short=short)


# ------------------------------------------------------------------------------------------------------------- a quote


@router.get("/quotes/{quote_id}/hold")
@router.get("/quotes/{quote_id}")
async def show_quote(quote_id: str, view: View = viewing("quotes.read")) -> Response:
    """A quote whole: what is offered at which price, what it costs and earns, and what became of it."""
    return await _quote_page(view, quote_id)


async def _quote_page(view: View, quote_id: str, found: Sequence[Finding] = (), status: int = 200) -> Response:
    def known(scope: Scope) -> dict[str, Any]:
        row = scope.one(tables.quotes, quote_id)
        held = scope.rows(scope.select(tables.holds, tables.holds.c.quote_id == quote_id))
        ordered = scope.rows(scope.select(tables.orders, tables.orders.c.quote_id == quote_id))
        quote = quotes.as_broker_reads(scope, row)
        return {
            "quote": quote,
            "event_name": str(plain_json(documents.content_of(scope.c, row["offered"]))["event_name"]),
            "holds": [{"id": h["id"], "state": holds.state_of(scope, h), "expires_at": h["expires_at"]} for h in held],
            "orders": [order["id"] for order in ordered],
            "ticks": quote["open"] and quote["answer"] is None and time_of(quote["valid_until"]) - scope.now < TICKING,
        }

    shown = await run_in_threadpool(view.read, known)
    quote = shown["quote"]
    active = [one for one in shown["holds"] if one["state"] == "active"]
    free = quote["open"] and quote["firm"] and quote["lines"] and not active and not shown["orders"]
    free = free and quote["answer"] is None
    rate = Decimal(quote["margin"]) / Decimal(quote["cost"]) if Decimal(quote["cost"]) else None
    values = {**shown, "bars": bars(quote), "instruments": INSTRUMENT_NAMES, "rate": rate}
    return view.page("quotes/quote.html", status, **values, may_be_held=free, minutes=MINUTES, faults=found)


def bars(quote: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The shares of what must be offset, by tier and what is short: a bar of 100."""
    required = Decimal(quote["required_t"])
    sums: dict[str, Decimal] = {}
    for line in quote["lines"]:
        kind = f"tier-{line['tier']}" if line["tier"] in TIERS else "tier-5"
        sums[kind] = sums.get(kind, Decimal(0)) + Decimal(line["effective_t"])
    short = required - sum(sums.values(), Decimal(0))
    if short > 0:
        sums["tier-gap"] = short
    whole = max(required, sum(sums.values(), Decimal(0)))
    made, at = [], Decimal(0)
    for kind in sorted(sums, key=lambda name: (name == "tier-gap", name)):
        width = sums[kind] * 100 / whole if whole else Decimal(0)
        made.append({"kind": kind, "x": f"{at:.3f}", "width": f"{width:.3f}", "tonnes": sums[kind]})
        at += width
    return made


@router.post("/quotes/{quote_id}/hold")
async def hold_quote(quote_id: str, view: View = viewing("holds.write")) -> Response:
    """Keeps all of a quote's lines for the client, or nothing."""
    form = await typed(view)

    def work(scope: Scope) -> str:
        minutes = form.whole("minutes", 1, holds.MINUTES_MAX)
        return quotes.hold_quote(scope, quote_id, minutes, form.text("reason")[:500])

    try:
        hold_id = await run_in_threadpool(view.write, work)
    except BadInput as error:
        return await _quote_page(view, quote_id, error.findings, 422)
    except Refused as error:
        if error.code not in ("sold_out", "conflict", "expired"):
            raise
        return await _quote_page(view, quote_id, error.findings, error.kind.status)
    return view.go(f"/holds/{hold_id}", note="held")


# ---------------------------------------------------------------------------------------------------------- break-even


@router.get("/quotes/{quote_id}/break-even")
async def show_break_even(quote_id: str, view: View = viewing("quotes.read")) -> Response:
    """At which price each lot that lost would have won; and of it what a seller may be told."""
    row = await run_in_threadpool(view.read, lambda scope: quotes.as_row(scope, scope.one(tables.quotes, quote_id)))
    found, told = await break_even(quote_id, view.caller)
    lots = [{**lot, "below": _below(lot)} for lot in for_broker(found)]
    seller = view.request.query_params.get("seller", "")
    sellers = sorted({one.seller for one in found if one.seller})
    shown = listing(view.request, lots, LOT_COLUMNS, sort="below", size=25)
    values: dict[str, Any] = {"quote": row, "list": shown, "told": told}
    values |= {"sellers": sellers, "seller": seller, "theirs": for_seller(found, seller, told) if seller else []}
    return view.page("quotes/break_even.html", **values)


def _below(lot: Mapping[str, Any]) -> str | None:
    """By which share of its price a lot that lost would have to be cheaper; None: it won, or never wins."""
    if lot["state"] == "used" or lot["price_at_most"] is None or not Decimal(lot["price"]):
        return None
    return f"{float(1 - Fraction(lot['price_at_most']) / Fraction(lot['price'])):.4f}"
