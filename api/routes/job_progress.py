"""`/v1/jobs/{id}/progress`: how a job goes on, as server-sent events that end with the job.

    id: 17                           the job's version: sent back as Last-Event-ID it continues behind it
    event: progress | end
    data: {"id": ..., "state": ..., "done": ..., "total": ..., ...}      the job, as GET /v1/jobs/{id} has it

Read from the database, so that it does not matter which server answers or which worker works.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from api.access.scope import Scope
from api.database.job_tables import ENDED
from api.jobs import book
from api.routes.answering import Caller, ExactRoute, allowed

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=ExactRoute)
LOOK_SECONDS = 0.5
"""How often the database is asked."""
HEART_SECONDS = 15.0
"""After so much silence a comment is sent: connections that say nothing are cut by what stands between."""
STREAM_SECONDS = 600.0
"""A stream ends after this; whoever listens comes back with Last-Event-ID, and is let in anew or not."""
RETRY_MS = 1000

EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events `progress` and, at the end of the job, `end`; each holds the job.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    },
    204: {"description": "The job has ended, and `Last-Event-ID` was its end: there is nothing to come back for."},
}


@router.get("/{job_id}/progress", response_model=None, responses=EVENTS, summary="Follow a job")
async def follow_job(
    job_id: str,
    caller: Caller = allowed("jobs.read"),
    last_event_id: Annotated[str | None, Header(max_length=20, description="The last `id` that was seen.")] = None,
) -> Response:
    """Server-sent events: at once how far the job is, then every change, then its end."""
    seen = (
        int(last_event_id) if last_event_id is not None and last_event_id.isascii() and last_event_id.isdigit() else 0
    )
    job = await run_in_threadpool(caller.read, lambda scope: _job(scope, job_id, caller))
    if job["state"] in ENDED and job["version"] <= seen:
        return Response(status_code=204)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_told(job, seen, caller), media_type="text/event-stream", headers=headers)


def _job(scope: Scope, job_id: str, caller: Caller) -> dict[str, Any]:
    row = book.find(scope, job_id)
    return book.as_dict(row, caller.lang, book.papers_of(scope, [job_id]).get(job_id, ()))


async def _told(job: dict[str, Any], seen: int, caller: Caller) -> AsyncIterator[bytes]:
    """The events of one stream."""
    yield f"retry: {RETRY_MS}\n\n".encode()
    job_id, began, said = job["id"], time.monotonic(), time.monotonic()
    while True:
        if job["version"] > seen:
            yield _event(job)
            seen, said = job["version"], time.monotonic()
        if job["state"] in ENDED or time.monotonic() - began > STREAM_SECONDS or _closing(caller.request):
            return
        if time.monotonic() - said > HEART_SECONDS:
            yield b": still here\n\n"
            said = time.monotonic()
        await asyncio.sleep(LOOK_SECONDS)
        job = await run_in_threadpool(caller.read, lambda scope: _job(scope, job_id, caller))


def _event(job: dict[str, Any]) -> bytes:
    name = "end" if job["state"] in ENDED else "progress"
    data = json.dumps(job, ensure_ascii=False, separators=(",", ":"))
    return f"id: {job['version']}\nevent: {name}\ndata: {data}\n\n".encode()


def _closing(request: Request) -> bool:
    """Whether the server is about to end: streams are not what it waits for."""
    return bool(request.app.state.stopping)
