"""Quotes that a client received: what is offered, nothing of what it costs or who lost, and the client's answer."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from api.access.received import received_quote, received_quotes
from api.access.scope import PAGE_ROWS, Scope
from api.ledger import accepting
from api.pages.typed_forms import typed
from api.pages.viewing import View, viewing
from api.refusals import Refused
from api.reports.words import registry_name
from optimizer.findings import Finding
from optimizer.wording import INSTRUMENT_NAMES

router = APIRouter(include_in_schema=False)
REASON_LENGTH_MAX = 500
SHOWN_AGAIN = frozenset({"conflict", "expired", "sold_out"})
"""Refusals that are told on the quote's page."""


@router.get("/received-quotes")
async def list_received(view: View = viewing("quotes.received")) -> Response:
    """Quotes of every broker that name this organisation as their client, the newest first."""
    after = view.request.query_params.get("after") or None

    def known(scope: Scope) -> dict[str, Any]:
        rows, more = received_quotes(scope, PAGE_ROWS, after)
        return {"quotes": accepting.received_documents(scope, rows), "more": more, "after": after}

    return view.page("quotes/received.html", **await run_in_threadpool(view.read, known))


@router.get("/received-quotes/{quote_id}/decline")
@router.get("/received-quotes/{quote_id}/reopen")
@router.get("/received-quotes/{quote_id}")
async def show_received(quote_id: str, view: View = viewing("quotes.received")) -> Response:
    """What a broker offers, and what was answered; also at the addresses of refused answers, read again."""
    return await _quote_page(view, quote_id)


async def _quote_page(
    view: View,
    quote_id: str,
    template: str = "quotes/received_quote.html",
    found: Sequence[Finding] = (),
    status: int = 200,
) -> Response:
    def known(scope: Scope) -> dict[str, Any]:
        (quote,) = accepting.received_documents(scope, [received_quote(scope, quote_id)])
        return quote

    quote = await run_in_threadpool(view.read, known)
    may_answer = view.actor.may("quotes.answer") and quote["open"] and quote["order_id"] is None
    may_accept = may_answer and quote["answer"] is None and quote["firm"] and bool(quote["lines"])
    # Their paths name fields of a program's request, which this page has not.
    faults = [replace(one, path="") for one in found]
    values = {"quote": quote, "instruments": INSTRUMENT_NAMES, "registry_name": registry_name, "faults": faults}
    return view.page(template, status, **values, may_answer=may_answer, may_accept=may_accept)


@router.get("/received-quotes/{quote_id}/accept")
async def accept_page(quote_id: str, view: View = viewing("quotes.answer")) -> Response:
    """What happens when it is accepted: that cannot be taken back."""
    return await _quote_page(view, quote_id, "quotes/accept.html")


@router.post("/received-quotes/{quote_id}/accept")
async def accept(quote_id: str, view: View = viewing("quotes.answer")) -> Response:
    """Orders the quote whole, once and only while it stands."""
    return await _answered(view, quote_id, lambda scope: accepting.accept_quote(scope, quote_id), "accepted")


@router.post("/received-quotes/{quote_id}/decline")
async def decline(quote_id: str, view: View = viewing("quotes.answer")) -> Response:
    """Declines at once; the page offers to take that back."""
    form = await typed(view)
    reason = form.text("reason")[:REASON_LENGTH_MAX]
    return await _answered(view, quote_id, lambda scope: accepting.decline_quote(scope, quote_id, reason), "declined")


@router.post("/received-quotes/{quote_id}/reopen")
async def reopen(quote_id: str, view: View = viewing("quotes.answer")) -> Response:
    """Takes declining back."""
    return await _answered(view, quote_id, lambda scope: accepting.reopen_quote(scope, quote_id), "undone")


async def _answered(view: View, quote_id: str, work: Callable[[Scope], None], note: str) -> Response:
    try:
        await run_in_threadpool(view.write, work)
    except Refused as error:
        if error.code not in SHOWN_AGAIN:
            raise
        return await _quote_page(view, quote_id, found=error.findings, status=error.kind.status)
    return view.go(f"/received-quotes/{quote_id}", note=note)
