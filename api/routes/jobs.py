"""`/v1/jobs`: long work, accepted at once and done by workers: listed, followed, cancelled, its result fetched.

`/v1/sweeps` is the same for sweeps alone.
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from api.access.scope import Scope
from api.database.job_tables import jobs
from api.jobs import book
from api.jobs.requests import JobRequest
from api.reports.papers import MEDIA_TYPES
from api.routes.answering import Answer, Caller, Cursor, Done, ExactRoute, Limit, allowed, page_document
from api.routes.job_asking import SWEEP, job_request
from api.routes.job_bodies import JobBody, Paper, SweepBody
from api.routes.shapes import EXAMPLE_EVENT, EXAMPLE_OFFERS, Fault, Id, TimeText

type JobKind = Literal["plan", "compare", "frontier", "budget", "risk", "sweep", "calendar", "replan", "quotes"]
type State = Literal["queued", "running", "done", "failed", "cancelled"]
EXAMPLE = {"kind": "sweep", "event": EXAMPLE_EVENT, "offers": EXAMPLE_OFFERS, "as_of": "2026-11-22", "draws": 1000}
ANY_JSON: dict[str, Any] = {"content": {"application/json": {"schema": {"type": "object"}}}}


class JobProblem(Answer):
    """Why a job failed."""

    type: str
    title: str
    status: int
    faults: list[Fault]


class Job(Answer):
    """A job and how far it is."""

    id: Id
    kind: JobKind
    state: State
    title: Annotated[str, Field(description="The events' ids.")]
    done: Annotated[int, Field(ge=0)]
    total: Annotated[int | None, Field(description="What `done` counts towards; null while it is not known.")]
    step: Annotated[str, Field(description="What is being done, in the language of the job.")]
    eta: Annotated[TimeText | None, Field(description="When it may end, at its pace so far.")]
    cancel_asked: bool
    problem: JobProblem | None
    papers: list[str]
    made_by: str
    made_at: TimeText
    started_at: TimeText | None
    ended_at: TimeText | None
    version: Annotated[int, Field(ge=1, description="Counts every change: the ETag, and the id of progress events.")]


class JobPage(Answer):
    """A page of jobs, the newest first."""

    items: list[Job]
    next: str | None


router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=ExactRoute)
sweeps = APIRouter(prefix="/v1/sweeps", tags=["jobs"], route_class=ExactRoute)
ACCEPTED: dict[int | str, dict[str, Any]] = {202: {"model": Job, "description": "Accepted: it is never lost."}}


@router.post("", status_code=202, response_model=None, responses=ACCEPTED, summary="Have long work done")
async def make_job(
    body: Annotated[JobBody, Body(examples=[EXAMPLE])], caller: Caller = allowed("jobs.run")
) -> Response:
    """Everything that the command line can compute, however long it takes. The result is recorded exactly once."""
    return await _accepted(body, caller)


@sweeps.post("", status_code=202, response_model=None, responses=ACCEPTED, summary="Draw thousands of times")
async def make_sweep(body: SweepBody, caller: Caller = allowed("jobs.run")) -> Response:
    """The same as POST /v1/jobs with kind `sweep`."""
    return await _accepted(body, caller)


async def _accepted(body: Any, caller: Caller) -> Response:
    earlier = await run_in_threadpool(caller.earlier)
    if earlier is not None:
        return earlier
    content = await caller.request.body()
    request: JobRequest = await run_in_threadpool(job_request, body, caller, content)

    def work(scope: Scope) -> Done:
        row = book.accept(scope, request)
        return Done(202, book.as_dict(row, caller.lang), location=f"/v1/jobs/{row['id']}")

    return await run_in_threadpool(caller.once, work)


# ------------------------------------------------------------------------------------------------------------- reading


@router.get("", response_model=None, responses={200: {"model": JobPage}}, summary="Jobs")
def list_jobs(
    caller: Caller = allowed("jobs.read"),
    limit: Limit = 50,
    cursor: Cursor = None,
    kind: Annotated[JobKind | None, Query()] = None,
    state: Annotated[State | None, Query()] = None,
) -> Response:
    """The organisation's jobs, the newest first."""
    wanted = [] if kind is None else [jobs.c.kind == kind]
    wanted += [] if state is None else [jobs.c.state == state]
    return caller.show(caller.read(lambda scope: _page(scope, caller, limit, cursor, wanted)))


@sweeps.get("", response_model=None, responses={200: {"model": JobPage}}, summary="Sweeps")
def list_sweeps(caller: Caller = allowed("jobs.read"), limit: Limit = 50, cursor: Cursor = None) -> Response:
    """The organisation's sweeps, the newest first."""
    return caller.show(caller.read(lambda scope: _page(scope, caller, limit, cursor, [jobs.c.kind == SWEEP])))


def _page(scope: Scope, caller: Caller, limit: int, cursor: str | None, wanted: list[Any]) -> dict[str, Any]:
    rows, after = scope.page(jobs, limit, cursor, *wanted)
    written = book.papers_of(scope, [r["id"] for r in rows])
    return page_document([book.as_dict(r, caller.lang, written.get(r["id"], ())) for r in rows], after)


@router.get("/{job_id}", response_model=None, responses={200: {"model": Job}}, summary="A job")
def show_job(job_id: str, caller: Caller = allowed("jobs.read")) -> Response:
    """What it is about, its state, how far it is, and why it failed if it did."""
    return _shown(job_id, caller)


@sweeps.get("/{job_id}", response_model=None, responses={200: {"model": Job}}, summary="A sweep")
def show_sweep(job_id: str, caller: Caller = allowed("jobs.read")) -> Response:
    """A sweep as a job."""
    return _shown(job_id, caller, jobs.c.kind == SWEEP)


def _shown(job_id: str, caller: Caller, *conditions: Any) -> Response:
    def work(scope: Scope) -> dict[str, Any]:
        row = book.find(scope, job_id, *conditions)
        return book.as_dict(row, caller.lang, book.papers_of(scope, [job_id]).get(job_id, ()))

    return caller.show(caller.read(work))


@router.get("/{job_id}/result", response_model=None, responses={200: ANY_JSON}, summary="The result of a job")
def show_result(job_id: str, caller: Caller = allowed("jobs.read")) -> Response:
    """What the command of the job's kind answers with --json, byte by byte as recorded; 409 while there is none."""
    return caller.show(caller.read(lambda scope: book.result_of(scope, book.find(scope, job_id))))


@router.get(
    "/{job_id}/papers/{kind}",
    response_model=None,
    responses={200: {"description": "The file.", "content": {t: {} for t in MEDIA_TYPES.values()}}},
    summary="The result as a file",
)
def show_paper(job_id: str, kind: Paper, caller: Caller = allowed("jobs.read")) -> Response:
    """One of the papers that the job was asked for."""
    content = caller.read(lambda scope: book.paper_of(scope, job_id, kind))
    name = f'attachment; filename="{job_id}.{kind}"'
    headers = {"Content-Disposition": name, "Cache-Control": "private, no-cache"}
    return Response(content, media_type=MEDIA_TYPES[kind], headers=headers)


@router.post("/{job_id}/cancel", response_model=None, responses={200: {"model": Job}}, summary="Cancel a job")
def cancel_job(job_id: str, caller: Caller = allowed("jobs.run")) -> Response:
    """One that waits is cancelled at once; one that runs stops within seconds. A job that has ended is refused."""
    return caller.once(lambda scope: Done(200, book.as_dict(book.cancel(scope, job_id), caller.lang)))
