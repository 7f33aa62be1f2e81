"""Making quotes: one or a batch, at once or as a job with its progress; and how the organisation quotes."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from api import settings
from api.access.scope import Scope
from api.access.secrets import new_id
from api.jobs import book
from api.ledger import quotes
from api.ledger.inventory import available
from api.pages.quote_form import (
    BLANK_RULES,
    as_fields,
    asked_of,
    choices,
    events_of,
    is_kept_whole,
    margin_of,
    shown_margin,
    typed_margin,
    where_options,
)
from api.pages.rendering import CHINA
from api.pages.typed_forms import Typed, typed
from api.pages.viewing import View, viewing
from api.refusals import Refused
from api.routes.job_asking import job_request
from api.routes.job_bodies import QuotesBody
from api.routes.quotes import NewBatch, keep_made, quote_task, quotes_made
from optimizer.errors import BadInput
from optimizer.findings import Finding
from optimizer.wording import Text

router = APIRouter(include_in_schema=False)
AT_ONCE_MAX = 15
"""Events that are quoted while somebody waits, some seconds; more are a job."""
SHOWN_MAX = 100
SHOWN_AGAIN = frozenset({"too_many", "too_long", "unavailable"})
"""Refusals after which the same form may be sent once more."""
FEEDBACKS = (
    ("none", Text("什么也不告诉", "nothing")),
    ("band", Text("降价幅度区间 (2 %、5 %、10 %、20 %)", "within how much of the price (2, 5, 10, 20 %)")),
    ("exact", Text("确切的成交价", "exactly which price")),
)
FIELDS = ("client", "client_organisation", "as_of", "firm", "valid_hours", "valid_until", "margin")


@router.get("/quotes/new")
async def new_quote(view: View = viewing("quotes.write")) -> Response:
    """What to quote, to whom, how long, at which margin."""
    return await _form(view, None, ())


async def _form(view: View, form: Typed | None, found: Sequence[Finding], status: int = 200) -> Response:
    def known(scope: Scope) -> dict[str, Any]:
        terms = quotes.quoting_terms(scope)
        return {"terms": terms.dump(), "choices": choices(scope), "lots": len(available(scope))}

    shown = await run_in_threadpool(view.read, known)
    terms = shown["terms"]
    margin = shown_margin(terms["margin"]) if form is None else typed_margin(form)
    kept = {"as_of": settings.today().isoformat(), "firm": "firm", "margin": "terms"}
    kept |= {"client": "", "client_organisation": "", "valid_until": "", "valid_hours": terms["valid_hours"]}
    chosen = set(view.request.query_params.getlist("event_id"))
    if form is not None:
        kept, chosen = {key: form.text(key) for key in FIELDS}, set(form.every("event_id"))
    values: dict[str, Any] = {"form": kept, "chosen": chosen, "margin": margin, "where": where_options(margin)}
    latest = (settings.now() + timedelta(hours=quotes.HOURS_MAX)).astimezone(CHINA)
    values |= {"standing": shown_margin(terms["margin"]), "blank_rules": BLANK_RULES, "hours_max": quotes.HOURS_MAX}
    values |= {"latest": f"{latest:%Y-%m-%dT%H:%M}", "at_once": AT_ONCE_MAX}
    faults, more = found[:SHOWN_MAX], max(len(found) - SHOWN_MAX, 0)
    return view.page("quotes/new.html", status, **shown, **values, faults=faults, more=more)


@router.post("/quotes/new")
async def make_quotes(view: View = viewing("quotes.write")) -> Response:
    """Quotes what was asked for; many events are handed to a worker."""
    form = await typed(view)
    try:
        documents = await run_in_threadpool(view.read, lambda scope: events_of(form, scope))
        asked = asked_of(form, documents)
        if len(asked.events) > AT_ONCE_MAX:
            return await _handed_over(view, asked)
        ids, batch_id = await _quoted(view, asked)
    except BadInput as error:
        return await _form(view, form, as_fields(error.findings), 422)
    except Refused as error:
        if error.code not in SHOWN_AGAIN:
            raise
        return await _form(view, form, error.findings, error.kind.status)
    return view.go(f"/quotes/{ids[0]}" if batch_id is None else f"/quotes?batch={batch_id}", note="made")


async def _quoted(view: View, asked: NewBatch) -> tuple[list[str], str | None]:
    """Plans beside the loop with no transaction open, and keeps all in one: as POST /v1/quotes and /v1/quotes/batch."""
    caller = view.caller
    task, terms = await run_in_threadpool(
        view.read, lambda scope: quote_task(asked, asked.events, "none", scope, caller)
    )
    papers = await quotes_made(task, caller)
    batch_id = new_id() if len(asked.events) > 1 else None

    def keep(scope: Scope) -> list[str]:
        return keep_made(scope, asked, asked.events, terms, papers, batch_id)

    return await run_in_threadpool(view.write, keep), batch_id


# ----------------------------------------------------------------------------------------------------------------- jobs


async def _handed_over(view: View, asked: NewBatch) -> Response:
    body = QuotesBody(kind="quotes", **{name: getattr(asked, name) for name in asked.model_fields_set})

    def work() -> str:
        request = job_request(body, view.caller, b"")
        return str(view.write(lambda scope: book.accept(scope, request)["id"]))

    return view.go(f"/quotes/jobs/{await run_in_threadpool(work)}")


@router.get("/quotes/jobs/{job_id}")
async def follow_batch(job_id: str, view: View = viewing("quotes.write")) -> Response:
    """How far a batch is; at its end it leads to the quotes."""

    def known(scope: Scope) -> tuple[dict[str, Any], str]:
        row = book.find(scope, job_id)
        done = row["kind"] == "quotes" and row["state"] == "done"
        return book.as_dict(row, view.lang), json.loads(book.result_of(scope, row))["batch_id"] if done else ""

    job, batch = await run_in_threadpool(view.read, known)
    if job["kind"] != "quotes":
        return view.go(f"/jobs/{job_id}")
    if batch:
        return view.go(f"/quotes?batch={batch}", note="made")
    return view.page("quotes/job.html", job=job)


@router.post("/quotes/jobs/{job_id}/cancel")
async def stop_batch(job_id: str, view: View = viewing("quotes.write")) -> Response:
    """Stops a batch that waits or runs: none of its quotes is kept."""
    await run_in_threadpool(view.write, lambda scope: book.cancel(scope, job_id))
    return view.go(f"/quotes/jobs/{job_id}", note="cancelled")


# ---------------------------------------------------------------------------------------------------------------- terms


@router.get("/quotes/terms")
async def show_terms(view: View = viewing("quotes.read")) -> Response:
    """How the organisation quotes."""
    return await _terms(view, None, ())


async def _terms(view: View, form: Typed | None, found: Sequence[Finding], status: int = 200) -> Response:
    terms = (await run_in_threadpool(view.read, quotes.quoting_terms)).dump()
    margin = shown_margin(terms["margin"]) if form is None else typed_margin(form)
    kept = {"valid_hours": terms["valid_hours"], "feedback": terms["feedback"]}
    if form is not None:
        kept = {key: form.text(key) for key in kept}
    values: dict[str, Any] = {
        "margin": margin,
        "where": where_options(margin),
        "blank_rules": BLANK_RULES,
        "feedbacks": FEEDBACKS,
    }
    values |= {"hours_max": quotes.HOURS_MAX, "whole": is_kept_whole(terms["margin"])}
    return view.page("quotes/terms.html", status, form=kept, **values, faults=found)


@router.post("/quotes/terms")
async def set_terms(view: View = viewing("quotes.write")) -> Response:
    """Replaces how the organisation quotes, for quotes from now on."""
    form = await typed(view)
    given = {"margin": margin_of(form), "valid_hours": form.text("valid_hours"), "feedback": form.text("feedback")}
    try:
        terms = quotes.terms_from(given)
        await run_in_threadpool(view.write, lambda scope: quotes.set_quoting_terms(scope, terms))
    except BadInput as error:
        return await _terms(view, form, as_fields(error.findings), 422)
    return view.go("/quotes/terms", note="saved")
