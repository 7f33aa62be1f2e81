"""DBOS: which job this process runs is written down before it begins, and one process alone begins it.

The tables of DBOS stand in the same database: in the schema `dbos` on PostgreSQL, beside ours on SQLite. They can be
lost: a job that has not ended is sent again. Each worker has a queue of its own, and takes over the jobs of a worker
that has ended by moving them there; the hand-over within DBOS admits one runner, whoever else believes the same.
"""

import sqlite3
from collections.abc import Callable
from typing import Any

from dbos import DBOS, DBOSConfig, SetWorkflowID
from sqlalchemy import Engine, create_engine, event, make_url

from api import settings

NAME = "jinheng-jobs"
FORMAT = "1"
"""Of what is sent to workers: the job's id. DBOS would take a hash of the source instead, and leave the jobs of an
older program waiting for ever."""
QUEUE = "worker-"
POLL_SECONDS = 0.5
SQLITE_WITH_SUBSECONDS = (3, 42)
"""From this version on `unixepoch('subsec')` gives what DBOS asks for; before it gives NULL."""
BUSY_SECONDS = 30
CONNECTIONS = 4
ACTIVE = ("PENDING", "ENQUEUED", "DELAYED")


class Interrupted(BaseException):
    """Leaves a job as it is: begun and not ended. No Exception, because DBOS would record that as the job's end."""


class Durable:
    """The jobs of this process, as DBOS knows them."""

    def __init__(self, address: str, worker: str, slots: int, work: Callable[[str, str], None]) -> None:
        """Launches DBOS; `work` does a job (id, organisation) and returns when it has ended, or raises Interrupted."""
        self.queue = QUEUE + worker
        config: DBOSConfig = {
            "name": NAME,
            "executor_id": worker,  # two processes of one name would each run what the other has begun
            "application_version": FORMAT,
            "system_database_url": _address(address),
            "sys_db_pool_size": CONNECTIONS,
            "log_level": "ERROR",
        }
        if address.startswith("sqlite"):
            config["system_database_engine"] = _sqlite_engine(address)
        DBOS(config=config)

        def attend_job(job_id: str, organisation_id: str) -> None:
            work(job_id, organisation_id)  # no bound method: DBOS notes things on the function

        self._attend = DBOS.workflow(name="attend_job", max_recovery_attempts=None)(attend_job)
        DBOS.listen_queues([self.queue])
        DBOS.launch()
        self._queue = DBOS.register_queue(
            self.queue, worker_concurrency=slots, polling_interval_sec=POLL_SECONDS, on_conflict="always_update"
        )

    def send(self, job_id: str, organisation_id: str) -> None:
        """Has this process run a job that it has taken; the same job again is the same run.

        What was begun by a process that has ended is begun again here. What DBOS holds to have ended while the job
        has not, which a database that was put back brings about, is forgotten and begun anew.
        """
        known = DBOS.list_workflows(workflow_ids=[job_id])
        if known and known[0].status in ACTIVE:
            if known[0].queue_name != self.queue or known[0].executor_id not in (None, self.queue[len(QUEUE) :]):
                DBOS.resume_workflow(job_id, queue_name=self.queue)
            return
        if known:
            DBOS.delete_workflow(job_id)
        with SetWorkflowID(job_id):
            self._queue.enqueue(self._attend, job_id, organisation_id)

    def close(self, seconds: int) -> None:
        """Takes no more, waits so long for what runs, and ends DBOS."""
        DBOS.delete_queue(self.queue)
        DBOS.destroy(workflow_completion_timeout_sec=seconds)


def _address(address: str) -> str:
    driver = "sqlite" if address.startswith("sqlite") else "postgresql"
    return make_url(address).set(drivername=driver).render_as_string(hide_password=False)


def _sqlite_engine(address: str) -> Engine:
    """An engine as DBOS makes it for SQLite, with the clock that it asks for where the library's is too old."""
    engine = create_engine(make_url(address).set(drivername="sqlite"), connect_args={"timeout": BUSY_SECONDS})

    def set_up(connection: Any, _record: object) -> None:
        connection.isolation_level = "IMMEDIATE"
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        if sqlite3.sqlite_version_info < SQLITE_WITH_SUBSECONDS:
            connection.create_function("unixepoch", 1, lambda _modifier: settings.now().timestamp())

    event.listen(engine, "connect", set_up)
    return engine
