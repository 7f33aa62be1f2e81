"""Jobs as their organisation sees them: accepted, listed, cancelled. What workers write about them is in `attempts`."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, RowMapping

from api.access.scope import Scope
from api.archive import documents
from api.database.job_tables import ENDED, jobs, papers
from api.jobs.requests import JobRequest
from api.plain_data import plain_json
from api.refusals import KINDS, Refused, not_found
from market_data.store_tables import findings_of
from optimizer.findings import fault
from optimizer.wording import Language

OPEN_MAX = 1000
"""Jobs of one organisation that may wait or run at once; more is a program gone wrong."""


def accept(scope: Scope, request: JobRequest) -> RowMapping:
    """Writes a job down; from the commit on it is never lost. Workers find it by themselves.

    Raises:
        Refused: `too_many`, where too many of the organisation's jobs have not ended.
    """
    if scope.count(jobs, jobs.c.state.not_in(ENDED)) >= OPEN_MAX:
        zh, en = f"未结束的任务已有 {OPEN_MAX} 个", f"{OPEN_MAX} jobs have not ended yet"
        raise Refused("too_many", [fault("jobs_open", zh, en)], headers={"Retry-After": "30"})
    kept = documents.keep(scope.c, request.content())
    row_id = scope.add(
        jobs,
        kind=request.kind,
        state="queued",
        title=request.title,
        lang=request.lang,
        request=kept,
        inputs=None if request.inputs is None else documents.keep(scope.c, request.inputs),
        made_by=scope.actor.user_id,
        made_by_name=scope.actor.name,
        made_at=scope.now_text,
        version=1,
        done=0,
        step="",
        attempt=0,
        lost=0,
        chunks=0,
    )
    scope.note("job.accept", row_id, kind=request.kind, request=kept)
    return scope.one(jobs, row_id)


def cancel(scope: Scope, job_id: str) -> RowMapping:
    """Cancels a job that waits, or asks the worker of one that runs to stop. One that is cancelled stays so.

    Raises:
        Refused: `not_found`; `conflict` for a job that is done or has failed.
    """
    row = scope.one(jobs, job_id, lock=True)
    if row["state"] == "cancelled" or (row["state"] == "running" and row["cancel_asked_at"] is not None):
        return row
    if row["state"] in ENDED:
        zh, en = "任务已经结束", "the job has ended"
        raise Refused("conflict", [fault("job_ended", zh, en, value=row["state"])])
    now = {"cancel_asked_at": scope.now_text, "version": jobs.c.version + 1}
    if row["state"] == "queued":
        scope.change(jobs, jobs.c.id == job_id, state="cancelled", ended_at=scope.now_text, **now)
    else:
        scope.change(jobs, jobs.c.id == job_id, **now)
    scope.note("job.cancel", job_id, state=row["state"])
    return scope.one(jobs, job_id)


def again(scope: Scope, job_id: str) -> RowMapping:
    """Asks anew for what a job was asked for: how a cancellation is taken back, and a failure tried again.

    Raises:
        Refused: `not_found`; `too_many` as `accept`.
    """
    return accept(scope, asked_of(scope, find(scope, job_id)))


def asked_of(scope: Scope, row: RowMapping) -> JobRequest:
    """What a job was asked for; its problem only as it was kept, unread."""
    kept = plain_json(documents.content_of(scope.c, row["request"]))
    inputs = None if row["inputs"] is None else documents.content_of(scope.c, row["inputs"])
    lang: Language = "en" if row["lang"] == "en" else "zh"
    return JobRequest(row["kind"], lang, row["title"], kept["options"], tuple(kept["papers"]), inputs=inputs)


def find(scope: Scope, job_id: str, *conditions: ColumnElement[bool]) -> RowMapping:
    """The organisation's job. Raises Refused `not_found`."""
    found = scope.find(jobs, jobs.c.id == job_id, *conditions)
    if found is None:
        raise not_found()
    return found


def result_of(scope: Scope, row: RowMapping) -> bytes:
    """The result of a job, byte by byte as it was recorded.

    Raises:
        Refused: `conflict` for a job that has none: it waits, runs, failed or was cancelled.
    """
    if row["result"] is None:
        zh, en = "任务没有结果", "the job has no result"
        raise Refused("conflict", [fault("no_result", zh, en, value=row["state"])])
    return documents.content_of(scope.c, row["result"])


def papers_of(scope: Scope, job_ids: Sequence[str]) -> dict[str, list[str]]:
    """Job -> the kinds of papers that it was written as."""
    found: dict[str, list[str]] = {}
    for row in scope.rows(scope.select(papers, papers.c.job_id.in_(job_ids)).order_by(papers.c.number)):
        found.setdefault(row["job_id"], []).append(row["kind"])
    return found


def paper_of(scope: Scope, job_id: str, kind: str) -> bytes:
    """A paper of a job. Raises Refused `not_found`."""
    find(scope, job_id)
    row = scope.find(papers, papers.c.job_id == job_id, papers.c.kind == kind)
    if row is None:
        raise not_found()
    return documents.content_of(scope.c, row["document"])


def as_dict(row: RowMapping, lang: Language, written: Sequence[str] = ()) -> dict[str, Any]:
    """A job as programs read it."""
    return {
        "id": row["id"],
        "kind": row["kind"],
        "state": row["state"],
        "title": row["title"],
        "done": row["done"],
        "total": row["total"],
        "step": row["step"],
        "eta": row["eta"],
        "cancel_asked": row["cancel_asked_at"] is not None,
        "problem": problem_of(row["failure"], lang),
        "papers": list(written),
        "made_by": row["made_by"],
        "made_at": row["made_at"],
        "started_at": row["started_at"],
        "ended_at": row["ended_at"],
        "version": row["version"],
    }


def problem_of(failure: str | None, lang: Language) -> dict[str, Any] | None:
    """Why a job failed, as problem details in the reader's language; None for one that did not."""
    if failure is None:
        return None
    told = json.loads(failure)
    kind = KINDS[told["code"]]
    return {
        "type": f"urn:jinheng:problem:{told['code']}",
        "title": kind.title.say(lang),
        "status": kind.status,
        "faults": [f.as_dict(lang) for f in findings_of(json.dumps(told["findings"]))],
    }
