"""Jobs with their progress: a list whose rows go on by themselves, one job with its result, cancelled and run again."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from api.access.people import NOBODY
from api.access.scope import Scope
from api.archive import events
from api.database.job_tables import ENDED, STATES, jobs
from api.jobs import book
from api.pages.job_words import KINDS, Result, asked_facts, result_of
from api.pages.job_words import STATES as STATE_NAMES
from api.pages.listing import Column, listing
from api.pages.viewing import View, viewing
from api.plain_data import plain_json
from api.routes.answering import refuse_unless
from api.routes.job_asking import BETWEEN_IDS
from optimizer.wording import Text

router = APIRouter(include_in_schema=False)
JOBS_MAX = 2_000
"""The newest jobs that the list holds; older ones are found by their address."""
THIS_MACHINE = Text("本机", "this machine")
COLUMNS = (
    Column("kind", Text("任务", "Job"), "text", lambda j: f"{KINDS[j['kind']].zh} {KINDS[j['kind']].en}"),
    Column("title", Text("活动", "Events"), "text"),
    Column("state", Text("状态", "State"), "text"),
    Column("done", Text("进度", "Progress"), "text", sorts=False),
    Column("made_by_name", Text("提交人", "Asked by"), "text"),
    Column("made_at", Text("提交于", "Asked"), "moment"),
)


def _job(row: Any, view: View, papers: Any = ()) -> dict[str, Any]:
    """A job as pages show it."""
    shown = book.as_dict(row, view.lang, papers)
    name = THIS_MACHINE if row["made_by"] == NOBODY else row["made_by_name"]
    more = {"made_by_name": name, "lang": row["lang"], "chunks": row["chunks"]}
    return {**shown, **more, "has_result": row["result"] is not None, "is_open": row["state"] not in ENDED}


def _words() -> dict[str, Any]:
    return {"kinds": KINDS, "states": STATE_NAMES}


@router.get("/jobs")
async def all_jobs(view: View = viewing("jobs.read")) -> Response:
    """The organisation's jobs, the newest first; those that run are followed."""
    state = view.request.query_params.get("state", "")
    wanted = [jobs.c.state == state] if state in STATES else []

    def known(scope: Scope) -> tuple[list[dict[str, Any]], bool]:
        rows, after = scope.page(jobs, JOBS_MAX, None, *wanted)
        written = book.papers_of(scope, [r["id"] for r in rows])
        found = [_job(row, view, written.get(row["id"], ())) for row in rows]
        return _named(scope, found), after is not None

    found, more = await run_in_threadpool(view.read, known)
    shown = listing(view.request, found, COLUMNS)
    return view.page("jobs/list.html", list=shown, state=state, more=JOBS_MAX if more else 0, **_words())


@router.get("/jobs/{job_id}/row")
async def job_row(job_id: str, view: View = viewing("jobs.read")) -> Response:
    """The row of one job in the list, as it is now."""
    return view.page(
        "jobs/row.html", job=await run_in_threadpool(view.read, lambda s: _one(s, job_id, view)), **_words()
    )


@router.get("/jobs/{job_id}")
async def job(job_id: str, view: View = viewing("jobs.read")) -> Response:
    """What was asked, how far it is, and what came of it."""

    def known(scope: Scope) -> dict[str, Any]:
        row = book.find(scope, job_id)
        result = Result()
        if row["result"] is not None:
            result = result_of(row["kind"], plain_json(book.result_of(scope, row)))
        return {
            "job": _one(scope, job_id, view),
            "asked": asked_facts(book.asked_of(scope, row)),
            "result": result,
        }

    return view.page("jobs/job.html", **await run_in_threadpool(view.read, known), **_words())


def _one(scope: Scope, job_id: str, view: View) -> dict[str, Any]:
    found = _job(book.find(scope, job_id), view, book.papers_of(scope, [job_id]).get(job_id, ()))
    return _named(scope, [found])[0]


def _named(scope: Scope, found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Jobs whose titles, which list the ids of events, have their names where the organisation keeps them."""
    names = events.names_of(scope, [event_id for job in found for event_id in job["title"].split(BETWEEN_IDS)])
    return [{**job, "title": BETWEEN_IDS.join(names[i] for i in job["title"].split(BETWEEN_IDS))} for job in found]


@router.post("/jobs/{job_id}/cancel")
async def cancel_job(job_id: str, view: View = viewing("jobs.run")) -> Response:
    """Cancels a job; its page offers to run it again."""

    def work(scope: Scope) -> None:
        book.cancel(scope, job_id)

    await run_in_threadpool(view.write, work)
    return view.go(f"/jobs/{job_id}", note="cancelled")


@router.post("/jobs/{job_id}/again")
async def run_again(job_id: str, view: View = viewing("jobs.run")) -> Response:
    """Asks for the same anew: a job of its own."""

    def work(scope: Scope) -> str:
        if book.find(scope, job_id)["kind"] == "quotes":
            refuse_unless(scope.actor, "quotes.write")
        return str(book.again(scope, job_id)["id"])

    return view.go(f"/jobs/{await run_in_threadpool(view.write, work)}")
