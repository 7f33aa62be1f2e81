"""`jinheng worker`: takes jobs, does them in processes of its own, takes over those of workers that died.

    jobs (ours)  --taken-->  DBOS (which process runs it)  --thread-->  slot (a process)  --attempt-->  result (ours)

The only truth is the table of jobs. A worker that is asked to stop lets its jobs finish for a while and then gives
them back; one that is killed is missed after some seconds, and others go on where it was.
"""

import logging
import os
import socket
import time
from contextlib import suppress
from threading import Event, Lock, Timer
from typing import TYPE_CHECKING, Any

from api.access.founding import prepare
from api.access.scope import Records
from api.database.opening import open_service_database
from api.jobs.attending import Ticket
from api.jobs.dispatch import Worker, enter
from api.jobs.slots import Slots
from api.ledger.holds import release_expired
from api.settings import ServiceSettings
from optimizer.errors import BadInput

if TYPE_CHECKING:
    from api.jobs.durable import Durable

LOOK_SECONDS = 0.5
"""How often a worker looks for jobs."""
AGAIN_SECONDS = 3.0
"""Before a job is tried again whose process died or whose database failed."""
SWEEP_SECONDS = 30.0
"""How often stock that expired holds still keep is given back; whoever needs it earlier does so themselves."""
RETURN_SECONDS = 30
"""How long jobs may take to reach the place where they can be given back."""

log = logging.getLogger("jinheng.jobs")


class Gang:
    """One worker: its place in the database, its slots, and DBOS once there is a job."""

    def __init__(self, worker: Worker, address: str, slots: int, log_form: dict[str, Any]) -> None:
        self._worker, self._address, self._count = worker, address, slots
        self._processes = max(1, (os.cpu_count() or 1) // slots)
        self._slots = Slots(slots, log_form)
        self._durable: Durable | None = None
        self._busy: set[str] = set()
        self._lock = Lock()
        self._stopping = Event()

    def look(self) -> None:
        """Takes what there is to do, as far as slots are free, and sees that all of it runs here."""
        with self._lock:
            free = self._count - len(self._busy)
        self._worker.take(free)
        for job_id, organisation_id in self._worker.mine():
            with self._lock:
                known = job_id in self._busy
                self._busy.add(job_id)
            if not known:
                self._send(job_id, organisation_id)

    def _send(self, job_id: str, organisation_id: str) -> None:
        try:
            if self._durable is None:
                # Imported here: a worker that has nothing to do keeps neither DBOS nor its threads.
                from api.jobs.durable import Durable

                self._durable = Durable(self._address, self._worker.id, self._count, self._work)
            self._durable.send(job_id, organisation_id)
            log.info("job %s is taken", job_id, extra={"facts": {"job": job_id}})
        except BaseException:
            self._forget(job_id)
            raise

    def _work(self, job_id: str, organisation_id: str) -> None:
        """What DBOS runs: returns when the job has ended."""
        from api.jobs.durable import Interrupted

        ticket = Ticket(job_id, organisation_id, self._worker.id, self._address, self._processes)
        try:
            while True:
                outcome = self._slots.attend(ticket)
                log.info("job %s: %s", job_id, outcome, extra={"facts": {"job": job_id, "outcome": outcome}})
                if outcome == "ended":
                    return
                if outcome == "returned" or self._stopping.wait(AGAIN_SECONDS):
                    raise Interrupted
        finally:
            self._forget(job_id)

    def _forget(self, job_id: str) -> None:
        with self._lock:
            self._busy.discard(job_id)

    def close(self, grace_seconds: int) -> None:
        """Lets jobs finish for so many seconds, has the rest give themselves back, and ends."""
        self._stopping.set()
        returning = Timer(grace_seconds, self._slots.interrupt)
        returning.daemon = True
        returning.start()
        if self._durable is not None:
            self._durable.close(grace_seconds + RETURN_SECONDS)
        returning.cancel()
        self._slots.interrupt()
        self._slots.close()
        self._worker.leave()


def work(known: ServiceSettings, log_form: dict[str, Any], stop: Event, grace_seconds: int) -> bool:
    """Works until `stop` is set; False where this worker had to end because others had given it up.

    Args:
        known: the database, the jobs at once, when a worker counts as lost.
        log_form: how the processes of the jobs write their log.
        stop: asks to end.
        grace_seconds: how long jobs may go on after that.

    Raises:
        BadInput: a database that cannot be used.
    """
    database = open_service_database(known.database)
    prepare(database)
    slots = known.worker_slots
    worker = enter(database, socket.gethostname(), os.getpid(), slots, known.worker_lost_seconds)
    log.info("worker %s has %d slots", worker.id, slots, extra={"facts": {"worker": worker.id}})
    gang = Gang(worker, known.database, slots, log_form)
    counted = False
    try:
        counted = _working(worker, gang, Records(database), stop)
    finally:
        with suppress(BadInput):
            gang.close(grace_seconds if counted else 0)
        database.close()
    return counted


def _working(worker: Worker, gang: Gang, records: Records, stop: Event) -> bool:
    """Looks for jobs, and for holds to give back, until it is asked to stop.

    False where others have given this worker up.
    """
    next_beat = next_sweep = 0.0
    while not stop.wait(LOOK_SECONDS):
        try:
            if time.monotonic() >= next_beat:
                if not worker.beat():
                    return False
                worker.find_lost()
                next_beat = time.monotonic() + worker.beat_seconds
            gang.look()
            if time.monotonic() >= next_sweep:
                release_expired(records)
                next_sweep = time.monotonic() + SWEEP_SECONDS
        except BadInput as error:  # the database is away: it may come back
            log.warning("%s", error)
    return True
