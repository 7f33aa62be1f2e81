"""The finance officer's year: the calendar, the budget as a probability, the budget curve, the price of the order.

One question is asked as four jobs on the same inputs, and each has its page (`budget_shown.KINDS`). The pages find one
another by their inputs, so that every one of them is a link that lasts.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from api.access.scope import Scope
from api.database.job_tables import ENDED, jobs
from api.demo import example
from api.jobs import book
from api.jobs.dispatch import living
from api.pages.budget_results import calendar_from, curve_from, drivers_from, frontier_from, tier_names
from api.pages.budget_shown import KINDS, STATES, posed, result_of_text, shown_result, siblings
from api.pages.chart_answers import chart_answer
from api.pages.home import keep_example
from api.pages.listing import Column, listing
from api.pages.question_form import asked_values, choices, question_of_form
from api.pages.typed_forms import Typed, typed
from api.pages.viewing import View, viewing
from api.price_desk import DRAWS_MAX
from api.refusals import not_found
from api.routes.faults import faults_of_body
from api.routes.job_asking import job_request
from api.routes.job_bodies import CalendarBody
from optimizer.errors import BadInput
from optimizer.findings import Finding
from optimizer.plan import Json
from optimizer.wording import Language, Text
from scenarios.charts import frontier_chart
from scenarios.charts_cursor import budget_cursor_chart
from scenarios.charts_risk import calendar_chart, drivers_chart
from scenarios.charts_style import heading, nothing

router = APIRouter(include_in_schema=False)
SHOWN_MAX = 500
"""Budgets that the list holds, the newest; older ones are among the jobs."""
EXAMPLE = "shanxi-calendar-2026"
EXAMPLE_DRAWS = 200
"""A year of twelve events in half a minute."""
ASKED = ("event_id", "snapshot", "as_of", "policy", "budget")
BARS_WIDTH = 520
"""Pixels that a picture with words beside its bars needs."""


@router.get("/budget")
async def start(view: View = viewing("plans.make")) -> Response:
    """What to budget for, and the budgets that were made."""
    return await _start_page(view, dict(view.request.query_params), ())


async def _start_page(view: View, given: Mapping[str, str], faults: tuple[Finding, ...]) -> Response:
    def known(scope: Scope) -> dict[str, Any]:
        found = choices(scope, view.lang, given)
        rows, _ = scope.page(jobs, SHOWN_MAX, None, jobs.c.kind == "calendar")
        return {"choices": found, "made": [book.as_dict(row, view.lang) for row in rows]}

    found = await run_in_threadpool(view.read, known)
    columns = (
        Column("title", Text("活动", "Events"), "text"),
        Column("state", Text("状态", "State"), "text", value=lambda j: STATES[j["state"]][0].say(view.lang)),
        Column("made_at", Text("开始于", "Asked"), "moment"),
    )
    return view.page(
        "budgeting/start.html",
        422 if faults else 200,
        faults=faults,
        choices=found["choices"],
        values={"draws": "1000", "buy_on": "", "hold": "", "keep_budget": "", **given}
        | asked_values(given, found["choices"]),
        made=listing(view.request, found["made"], columns, name="made", size=25),
        states=STATES,
    )


@router.post("/budget")
async def ask(view: View = viewing("jobs.run")) -> Response:
    """Asks the question as four jobs, and leads to the first."""
    form = await typed(view)
    given = {name: form.text(name) for name in (*ASKED, "draws", "buy_on", "hold", "keep_budget")}
    try:
        question = {k: v for k, v in question_of_form(given).items() if k in ASKED}
        budget_id = await run_in_threadpool(_accepted, view, question, _draws_options(form))
    except BadInput as error:
        return await _start_page(view, given, tuple(error.findings))
    return view.go(f"/budget/{budget_id}")


@router.post("/budget/example")
async def ask_example(view: View = viewing("jobs.run")) -> Response:
    """The example of a year: its events and market are kept, and its budget is asked for."""
    one = example(EXAMPLE)
    snapshot = await run_in_threadpool(view.write, lambda scope: keep_example(scope, one))
    question = {"event_id": one.name, "snapshot": snapshot, "as_of": one.as_of.isoformat()}
    return view.go(f"/budget/{await run_in_threadpool(_accepted, view, question, {'draws': EXAMPLE_DRAWS})}")


def _draws_options(form: Typed) -> dict[str, Any]:
    found: dict[str, Any] = {"draws": form.whole("draws", 1, DRAWS_MAX)}
    found |= {name: True for name in ("hold", "keep_budget") if form.has(name)}
    return found | ({"buy_on": form.text("buy_on")} if form.text("buy_on") else {})


def _accepted(view: View, question: dict[str, Any], draws: dict[str, Any]) -> str:
    """Writes the four jobs down, all or none; gives the id of the first. Raises BadInput, Refused."""
    try:
        body = CalendarBody.model_validate({"kind": "calendar", "papers": ("xlsx",), **question, **draws})
    except ValidationError as error:
        raise BadInput(faults_of_body(error, CalendarBody)) from error
    first = job_request(body, view.caller, json.dumps(question, ensure_ascii=False).encode())
    # what draws takes longest, and is wanted first; the exact curves are done beside it
    asked = [
        first,
        replace(first, kind="budget", options={}),
        replace(first, kind="frontier", options={}),
        replace(first, kind="risk"),
    ]

    def work(scope: Scope) -> str:
        ids = [str(book.accept(scope, one)["id"]) for one in asked]
        return ids[0]

    return view.write(work)


# ----------------------------------------------------------------------------------------------------- one job's page


@router.get("/budget/{budget_id}")
async def show(budget_id: str, view: View = viewing("jobs.read")) -> Response:
    """A job of the question: how far it is, and when it has ended what it found."""

    def known(scope: Scope) -> dict[str, Any]:
        row = book.find(scope, budget_id)
        if row["kind"] not in KINDS:
            raise not_found()
        content = book.result_of(scope, row) if row["state"] == "done" else None
        return {
            "job": book.as_dict(row, view.lang, book.papers_of(scope, [budget_id]).get(budget_id, ())),
            "lang_asked": row["lang"],
            "question": posed(scope, row),
            "tabs": [
                (kind, name, others.get(kind)) for others in [siblings(scope, row)] for kind, name in KINDS.items()
            ],
            "told": None if content is None else result_of_text(content),
        }

    found = await run_in_threadpool(view.read, known)
    kind, told = found["job"]["kind"], found["told"]
    result: dict[str, Any] = {} if told is None else shown_result(view, kind, told, found["question"])
    waits = found["job"]["state"] == "queued"
    workers = await run_in_threadpool(living, view.records.database) if waits else ()
    return view.page(
        "budgeting/result.html",
        422 if result.get("faults") else 200,
        kind=kind,
        kinds=KINDS,
        states=STATES,
        is_over=found["job"]["state"] in ENDED,
        is_stuck=waits and not workers,
        **{**found, **result},
    )


@router.get("/budget/{budget_id}/chart")
async def show_chart(budget_id: str, view: View = viewing("jobs.read")) -> Response:
    """The picture of a result, as data."""

    def known(scope: Scope) -> tuple[str, dict[str, Any] | None]:
        row = book.find(scope, budget_id)
        if row["kind"] not in PICTURES:
            raise not_found()
        return row["kind"], result_of_text(book.result_of(scope, row)) if row["state"] == "done" else None

    kind, told = await run_in_threadpool(view.read, known)
    if told is None:
        return chart_answer(nothing(heading("", ""), Text("还没有结果", "no result yet"), view.lang))
    spec = await run_in_threadpool(PICTURES[kind], told, view.lang)
    return chart_answer(spec, least_width=BARS_WIDTH if kind == "risk" else 300)


def _budget_picture(told: Mapping[str, Any], lang: Language) -> Json:
    return budget_cursor_chart(curve_from(told), tier_names(told, lang), lang)


def _risk_picture(told: Mapping[str, Any], lang: Language) -> Json:
    return drivers_chart(drivers_from(told), float(told["cost"]["P95"]["value"]), lang)


PICTURES = {
    "calendar": lambda told, lang: calendar_chart(calendar_from(told), lang),
    "risk": _risk_picture,
    "budget": _budget_picture,
    "frontier": lambda told, lang: frontier_chart(frontier_from(told), lang),
}


@router.post("/budget/{budget_id}/cancel")
async def cancel(budget_id: str, view: View = viewing("jobs.run")) -> Response:
    """Stops the job; asking again takes that back."""
    await run_in_threadpool(view.write, lambda scope: book.cancel(scope, budget_id))
    return view.go(f"/budget/{budget_id}", note="cancelled")


@router.post("/budget/{budget_id}/again")
async def ask_again(budget_id: str, view: View = viewing("jobs.run")) -> Response:
    """The same question once more, its words in the reader's language."""

    def work(scope: Scope) -> str:
        row = book.find(scope, budget_id)
        if row["kind"] not in KINDS:
            raise not_found()
        return str(book.accept(scope, replace(book.asked_of(scope, row), lang=view.lang))["id"])

    return view.go(f"/budget/{await run_in_threadpool(view.write, work)}")
