"""Quotes that a client received: what is offered, and nothing of what it costs or who lost."""

from typing import Any

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from api.access.received import received_quote, received_quotes
from api.access.scope import PAGE_ROWS, Scope
from api.ledger.quotes import as_client_reads
from api.pages.viewing import View, viewing
from optimizer.wording import INSTRUMENT_NAMES

router = APIRouter(include_in_schema=False)


@router.get("/received-quotes")
async def list_received(view: View = viewing("quotes.received")) -> Response:
    """Quotes of every broker that name this organisation as their client, the newest first."""
    after = view.request.query_params.get("after") or None

    def known(scope: Scope) -> dict[str, Any]:
        rows, more = received_quotes(scope, PAGE_ROWS, after)
        return {"quotes": [as_client_reads(scope, row) for row in rows], "more": more, "after": after}

    return view.page("quotes/received.html", **await run_in_threadpool(view.read, known))


@router.get("/received-quotes/{quote_id}")
async def show_received(quote_id: str, view: View = viewing("quotes.received")) -> Response:
    """What a broker offers."""
    quote = await run_in_threadpool(view.read, lambda scope: as_client_reads(scope, received_quote(scope, quote_id)))
    return view.page("quotes/received_quote.html", quote=quote, instruments=INSTRUMENT_NAMES)
