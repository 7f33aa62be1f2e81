"""One job in a process of its own: claimed, answered with progress told now and then, ended or given back."""

import logging
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from logging.config import dictConfig
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, Literal

from api.access.scope import Records
from api.database.opening import open_service_database
from api.jobs.answers import Desk, answer
from api.jobs.attempts import Advanced, Attempt, Finished, JobChunks, Standing, claim
from optimizer.errors import BadInput, Cancelled
from scenarios.runner import end_with_parent

TELL_SECONDS = 0.5
"""How often progress is written down, and how soon a job hears that it is to stop."""
END_TRIES, END_SECONDS = 12, 5.0
"""How often the end of a job is written again while the database does not take it: a minute."""
DATABASE_FAULTS = ("store_refused",)
"""Faults that are the database's, not the request's: the job is tried again."""

type Outcome = Literal["ended", "returned", "again"]
"""`again`: the database failed under the job."""

log = logging.getLogger("jinheng.jobs")
_stopping: list[Event] = []


def begin(stopping: Event, log_form: dict[str, Any]) -> None:
    """What a slot's process does first: it ends with the worker, leaves Ctrl-C to it, and hears when to give back."""
    dictConfig(log_form)
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _stopping[:] = [stopping]


@dataclass(frozen=True)
class Ticket:
    """A job that a worker has taken."""

    job_id: str
    organisation_id: str
    worker: str
    url: str
    processes: int


def attend(ticket: Ticket) -> Outcome:
    """Does a job in a slot's process."""
    try:
        records = _records(ticket.url)
    except BadInput as error:
        log.warning("job %s: %s", ticket.job_id, error)
        return "again"
    return attend_in(records, ticket)


def attend_in(records: Records, ticket: Ticket) -> Outcome:
    """Does a job over a database that is open, whatever comes of it."""
    try:
        attempt = claim(records, ticket.organisation_id, ticket.job_id, ticket.worker, ticket.url)
        return "ended" if attempt is None else _attended(attempt, ticket)
    except BadInput as error:
        if not _of_database(error):
            raise
        log.warning("job %s: %s", ticket.job_id, error)
        return "again"


@lru_cache(maxsize=1)
def _records(url: str) -> Records:
    return Records(open_service_database(url))


def _attended(attempt: Attempt, ticket: Ticket) -> Outcome:
    teller = Teller(attempt)
    try:
        found = _answered(attempt, ticket, teller)
        _insist(lambda: attempt.finish(found))
    except Cancelled:
        return _stopped(attempt, teller)
    except BadInput as error:
        if _of_database(error):
            raise
        findings = error.findings
        _insist(lambda: attempt.fail("bad_input", findings))
    except Exception:
        log.exception("job %s failed", ticket.job_id)
        _insist(lambda: attempt.fail("our_fault", ()))
    return "ended"


def _answered(attempt: Attempt, ticket: Ticket, teller: "Teller") -> Finished:
    with tempfile.TemporaryDirectory(prefix="jinheng-job-") as folder:
        desk = Desk(
            attempt.request,
            Path(folder),
            ticket.url,
            ticket.processes,
            JobChunks(attempt, lambda: teller.how_far),
            teller.tell,
            teller.stopping,
            lambda: attempt.records.reading(attempt.actor),
        )
        return answer(desk)


def _stopped(attempt: Attempt, teller: "Teller") -> Outcome:
    """What becomes of a job that stopped before its end."""
    if teller.standing == "cancel":
        _insist(attempt.stop)
        return "ended"
    if teller.standing == "overtaken":
        return "ended"
    _insist(attempt.give_back)
    return "returned"


def _insist[T](write: Callable[[], T]) -> T:
    """Writes, again and again while the database does not take it. Raises BadInput when it never does."""
    for _ in range(END_TRIES):
        try:
            return write()
        except BadInput as error:
            if not _of_database(error):
                raise
            time.sleep(END_SECONDS)
    return write()


def _of_database(error: BadInput) -> bool:
    return any(f.code in DATABASE_FAULTS for f in error.findings)


class Teller:
    """Writes down how far a job is, at most twice a second, and hears in the same breath whether to go on.

    A database that does not answer is no reason to stop: the work goes on, and the end is written when it is back.
    """

    def __init__(self, attempt: Attempt) -> None:
        self.how_far = Advanced()
        self.standing: Standing = "on"
        self._attempt, self._told, self._next = attempt, Advanced(), 0.0

    def tell(self, how_far: Advanced) -> None:
        """Notes how far the job is."""
        self.how_far = how_far
        self._exchange()

    def stopping(self) -> bool:
        """Whether the job is to stop: cancelled, overtaken, or to be given back."""
        if _stopping and _stopping[0].is_set():
            return True
        self._exchange()
        return self.standing != "on"

    def _exchange(self) -> None:
        if time.monotonic() < self._next or self.standing != "on":
            return
        try:
            if self.how_far == self._told:
                self.standing = self._attempt.ask()
            else:
                self.standing = self._attempt.tell(self.how_far)
                self._told = self.how_far
        except BadInput as error:
            if not _of_database(error):
                raise
        self._next = time.monotonic() + TELL_SECONDS
