"""Papers of what is kept: `/v1/plans/{id}/paper`, `/v1/disclosures/{id}/paper`, `/v1/quotes/{id}/paper`.

Whoever may read the thing may have its paper. Of a quote everybody, its maker too, gets what the client may know.
"""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from api.access.scope import Scope
from api.paper_desk import Readied, disclosure_readied, plan_readied, quote_readied, received_quote_readied
from api.reports.papers import MEDIA_TYPES, PlanPaper, TextPaper
from api.routes.answering import Caller, ExactRoute, allowed, etag_of_content

router = APIRouter(prefix="/v1", route_class=ExactRoute)

PlanKind = Annotated[PlanPaper, Query(description="The kind of file.", examples=["pdf"])]
TextKind = Annotated[TextPaper, Query(description="The kind of file.", examples=["pdf"])]


def _files(*kinds: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": "The file.", "content": {MEDIA_TYPES[kind]: {} for kind in kinds}}}


PLAN_FILES = _files("xlsx", "csv", "docx", "pdf", "html")
TEXT_FILES = _files("docx", "pdf", "html")


@router.get(
    "/plans/{run_id}/paper", response_model=None, responses=PLAN_FILES, tags=["plans"], summary="A plan as a paper"
)
def show_plan_paper(run_id: str, kind: PlanKind, caller: Caller = allowed("plans.read")) -> Response:
    """The workbook, the purchases, or the chapter of the implementation plan; the same as `jinheng plan -o`."""
    return _answer(caller, kind, lambda scope: plan_readied(scope, run_id))


@router.get(
    "/disclosures/{disclosure_id}/paper",
    response_model=None,
    responses=TEXT_FILES,
    tags=["disclosures"],
    summary="A disclosure as a paper",
)
def show_disclosure_paper(disclosure_id: str, kind: TextKind, caller: Caller = allowed("disclosures.read")) -> Response:
    """The statement of one version, ready to be published; a draft says that it is one, and what is missing."""
    return _answer(caller, kind, lambda scope: disclosure_readied(scope, disclosure_id))


@router.get(
    "/quotes/received/{quote_id}/paper",
    response_model=None,
    responses=TEXT_FILES,
    tags=["quotes"],
    summary="A quote that we got, as a paper",
)
def show_received_paper(quote_id: str, kind: TextKind, caller: Caller = allowed("quotes.received")) -> Response:
    """What the broker offers, until when, firm or indicative."""
    return _answer(caller, kind, lambda scope: received_quote_readied(scope, quote_id))


@router.get(
    "/quotes/{quote_id}/paper",
    response_model=None,
    responses=TEXT_FILES,
    tags=["quotes"],
    summary="A quote as its client gets it",
)
def show_quote_paper(quote_id: str, kind: TextKind, caller: Caller = allowed("quotes.read")) -> Response:
    """The letter to the client: never costs, margins, sellers, or lots that are not offered."""
    return _answer(caller, kind, lambda scope: quote_readied(scope, quote_id))


def _answer(caller: Caller, kind: str, ready: Callable[[Scope], Readied]) -> Response:
    """Reads in one transaction and writes after it, both in the thread of the request; 304 where it is known."""
    file = caller.read(ready).file(kind, caller.lang)
    more = {"Content-Disposition": file.disposition, "X-Content-Type-Options": "nosniff"}
    return caller.shown(file.content, etag_of_content(file.content), file.media_type, **more)
