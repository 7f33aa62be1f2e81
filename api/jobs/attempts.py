"""One attempt at a job: claimed, told about, ended. An attempt that was overtaken by another changes nothing any more.

Every write names the attempt and asks that the job still runs in it: this is what makes the result of a job one,
however many workers believe that it is theirs.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from api.access.scope import Actor, Records, Scope
from api.archive import documents
from api.database.job_tables import ENDED, chunks, jobs, papers
from api.database.tables import organisations
from api.jobs.requests import JobRequest, request_of
from api.saved_draws import KeptDraws, draws_bytes, draws_of
from market_data.store_tables import findings_text, time_text
from optimizer.findings import Finding
from scenarios.failures import Failure
from scenarios.swept import Sweep

LOST_MAX = 10
"""Attempts that may end without a word (a process that died) before a job counts as failed: it would kill others."""

type Standing = Literal["on", "cancel", "overtaken"]
"""Whether an attempt is to go on."""


@dataclass(frozen=True)
class Finished:
    """What a job has come to."""

    content: bytes
    """The result as JSON."""
    papers: Mapping[str, bytes] = field(default_factory=dict)
    keep: Callable[[Scope], bytes | None] | None = None
    """What is written in the same transaction beside the result; gives the result where it is known only then."""


@dataclass(frozen=True)
class Advanced:
    """How far a job is."""

    done: int = 0
    total: int | None = None
    step: str = ""
    seconds_left: float | None = None


@dataclass(frozen=True)
class Attempt:
    """A job in the hands of a worker."""

    records: Records
    actor: Actor
    job_id: str
    number: int
    request: JobRequest

    def _mine(self) -> tuple[ColumnElement[bool], ...]:
        return (jobs.c.id == self.job_id, jobs.c.state == "running", jobs.c.attempt == self.number)

    def tell(self, how_far: Advanced) -> Standing:
        """Writes down how far the job is, and hears whether to go on."""
        with self.records.writing(self.actor) as scope:
            changed = scope.change(jobs, *self._mine(), **_told(scope, how_far))
        if not changed:
            return "overtaken"
        return "on" if changed[0]._mapping["cancel_asked_at"] is None else "cancel"

    def ask(self) -> Standing:
        """Whether to go on."""
        with self.records.reading(self.actor) as scope:
            row = scope.find(jobs, *self._mine())
        if row is None:
            return "overtaken"
        return "on" if row["cancel_asked_at"] is None else "cancel"

    def keep_chunk(self, key: str, content: bytes, how_far: Advanced) -> None:
        """Records a finished chunk, once; an attempt that was overtaken records none."""
        with self.records.writing(self.actor) as scope:
            if not scope.change(jobs, *self._mine(), **_told(scope, how_far)):
                return
            row = {
                **{"job_id": self.job_id, "key": key, "organisation_id": self.actor.organisation_id},
                **{"attempt": self.number, "content": content, "made_at": scope.now_text},
            }
            insert = (sqlite if scope.c.dialect.name == "sqlite" else postgresql).insert(chunks)
            once = insert.on_conflict_do_nothing().returning(chunks.c.key)
            if scope.c.execute(once, row).first() is not None:
                scope.change(jobs, *self._mine(), chunks=jobs.c.chunks + 1)

    def finish(self, found: Finished) -> bool:
        """Records the result; False where the attempt was overtaken: then nothing is recorded."""
        with self.records.writing(self.actor) as scope:
            if not scope.change(jobs, *self._mine(), step="", eta=None):
                return False
            content = None if found.keep is None else found.keep(scope)
            result = documents.keep(scope.c, found.content if content is None else content)
            self._end(scope, "done", result=result, done=func.coalesce(jobs.c.total, jobs.c.done))
            for kind, content in found.papers.items():
                scope.add(papers, job_id=self.job_id, kind=kind, document=documents.keep(scope.c, content))
            scope.note("job.done", self.job_id, kind=self.request.kind, result=result)
        return True

    def fail(self, code: str, findings: Sequence[Finding]) -> bool:
        """Records why there is no result; False where the attempt was overtaken."""
        with self.records.writing(self.actor) as scope:
            ended = self._end(scope, "failed", failure=failure_text(code, findings), eta=None)
            if ended:
                scope.note("job.failed", self.job_id, kind=self.request.kind, code=code)
        return ended

    def stop(self) -> bool:
        """Records that the job was cancelled; False where the attempt was overtaken."""
        with self.records.writing(self.actor) as scope:
            ended = self._end(scope, "cancelled", eta=None)
            if ended:
                scope.note("job.cancelled", self.job_id, kind=self.request.kind)
        return ended

    def give_back(self) -> None:
        """Puts the job back into the queue, for any worker; its chunks stay."""
        with self.records.writing(self.actor) as scope:
            version = jobs.c.version + 1
            scope.change(jobs, *self._mine(), state="queued", worker=None, eta=None, version=version)

    def _end(self, scope: Scope, state: str, **values: Any) -> bool:
        """Ends the job in this attempt; its chunks are in the result or of no more use."""
        now = {"ended_at": scope.now_text, "version": jobs.c.version + 1}
        changed = scope.change(jobs, *self._mine(), state=state, **now, **values)
        if changed:
            scope.c.execute(delete(chunks).where(scope.mine(chunks), chunks.c.job_id == self.job_id))
        return bool(changed)


def _told(scope: Scope, how_far: Advanced) -> dict[str, Any]:
    left = how_far.seconds_left
    eta = None if left is None else time_text(scope.now + timedelta(seconds=min(left, 1e9)))
    known = {"done": how_far.done, "total": how_far.total, "step": how_far.step, "eta": eta}
    return {**known, "version": jobs.c.version + 1}


def failure_text(code: str, findings: Sequence[Finding]) -> str:
    """Why a job failed, as it is kept: in both languages."""
    return json.dumps({"code": code, "findings": json.loads(findings_text(findings))})


def claim(records: Records, organisation_id: str, job_id: str, worker: str, url: str) -> Attempt | None:
    """Begins an attempt at a job that this worker has taken; None where there is nothing to do any more.

    A job that was asked to stop ends here, and so does one under which too many processes have died.
    """
    unnamed = Actor(organisation_id, "", "", "", frozenset(), "job", job_id)
    with records.writing(unnamed) as scope:
        row = scope.one(jobs, job_id, lock=True)
        if row["state"] in ENDED or row["worker"] != worker:
            return None
        lost = row["lost"] + (row["state"] == "running")
        number = row["attempt"] + 1
        scope.change(
            jobs,
            jobs.c.id == job_id,
            state="running",
            attempt=number,
            lost=lost,
            started_at=row["started_at"] or scope.now_text,
            version=jobs.c.version + 1,
        )
        inputs = None if row["inputs"] is None else documents.content_of(scope.c, row["inputs"])
        request = request_of(
            row["kind"], row["lang"], row["title"], documents.content_of(scope.c, row["request"]), inputs, url
        )
        named = select(organisations.c.name).where(organisations.c.id == organisation_id)
        whose = str(scope.c.execute(named).scalar_one())
    actor = replace(unnamed, organisation=whose, user_id=row["made_by"], name=row["made_by_name"])
    attempt = Attempt(records, actor, job_id, number, request)
    if row["cancel_asked_at"] is not None:
        attempt.stop()
        return None
    if lost >= LOST_MAX:
        attempt.fail("our_fault", ())
        return None
    return attempt


class JobChunks(KeptDraws):
    """Chunks of a job in the database, each recorded once, read when they are asked for."""

    def __init__(self, attempt: Attempt, how_far: Callable[[], Advanced]) -> None:
        self._attempt, self._how_far = attempt, how_far
        with attempt.records.reading(attempt.actor) as scope:
            wanted = select(chunks.c.key).where(scope.mine(chunks), chunks.c.job_id == attempt.job_id)
            self._keys = set(scope.c.execute(wanted).scalars())

    def __getitem__(self, key: str) -> Sequence[Sweep | Failure]:
        if key not in self._keys:
            raise KeyError(key)
        with self._attempt.records.reading(self._attempt.actor) as scope:
            row = scope.find(chunks, chunks.c.job_id == self._attempt.job_id, chunks.c.key == key)
        if row is None:
            raise KeyError(key)
        try:
            return [draws_of(bytes(row["content"]))]
        except ValueError as error:
            raise KeyError(key) from error

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._keys))

    def __len__(self) -> int:
        return len(self._keys)

    def save(self, key: str, results: Sequence[Sweep | Failure]) -> None:
        """A finished chunk as a row."""
        for one in results:
            if isinstance(one, Sweep):
                self._attempt.keep_chunk(key, draws_bytes(one), self._how_far())
