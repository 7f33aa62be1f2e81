"""Who works, and who takes which job: the one place that looks at the jobs of every organisation, at ids alone.

A worker is a process with an id of its own for each start. It is heard of every few seconds; one that was not heard of
for long is noted as lost, and its jobs are taken by others. A worker that finds itself noted as lost must end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update

from api.access.scope import moment
from api.access.secrets import new_id
from api.database.job_tables import ENDED, jobs, workers
from market_data.store_opening import Database
from market_data.store_tables import time_text

SILENT = 5
"""Words of a worker that may fail to come before it counts as lost."""


class Taken(NamedTuple):
    """A job that this worker has to do."""

    job_id: str
    organisation_id: str


@dataclass(frozen=True)
class Worker:
    """This process among the workers of a database."""

    database: Database
    id: str
    lost_seconds: int
    """After how many seconds without a word another worker counts as lost."""

    @property
    def beat_seconds(self) -> float:
        """How often this worker must say that it is there."""
        return self.lost_seconds / SILENT

    def beat(self) -> bool:
        """Says that this worker is there; False where others have given it up."""
        with self.database.writing() as c:
            mine = and_(workers.c.id == self.id, workers.c.ended_at.is_(None))
            return c.execute(update(workers).where(mine).values(seen_at=_now(c))).rowcount == 1

    def leave(self) -> None:
        """Says that this worker has ended: what it still had is free at once."""
        with self.database.writing() as c:
            mine = and_(workers.c.id == self.id, workers.c.ended_at.is_(None))
            c.execute(update(workers).where(mine).values(ended_at=_now(c)))

    def find_lost(self) -> None:
        """Notes workers that were not heard of for long."""
        with self.database.reading() as c:
            if c.execute(select(workers.c.id).where(self._silent(c))).first() is None:
                return
        with self.database.writing() as c:
            c.execute(update(workers).where(self._silent(c)).values(ended_at=_now(c), lost=True))

    def _silent(self, c: Connection) -> ColumnElement[bool]:
        then = time_text(moment(c) - timedelta(seconds=self.lost_seconds))
        return and_(workers.c.ended_at.is_(None), workers.c.seen_at < then)

    def take(self, free: int) -> list[Taken]:
        """Takes jobs that nobody has, or whose worker has ended: the oldest of whose organisation the fewest run."""
        if free <= 0:
            return []
        with self.database.reading() as c:
            if c.execute(select(jobs.c.id).where(_free()).limit(1)).first() is None:
                return []
        with self.database.writing() as c:
            others = jobs.alias()
            busy = (
                select(func.count())
                .select_from(others)
                .where(others.c.organisation_id == jobs.c.organisation_id, others.c.state == "running")
                .scalar_subquery()
            )
            wanted = select(jobs.c.id, jobs.c.organisation_id).where(_free()).order_by(busy, jobs.c.number).limit(free)
            found = [Taken(*row) for row in c.execute(wanted.with_for_update(skip_locked=True, of=jobs))]
            if found:
                ids = [t.job_id for t in found]
                c.execute(update(jobs).where(jobs.c.id.in_(ids), _free()).values(worker=self.id))
        return found

    def mine(self) -> Sequence[Taken]:
        """The jobs that this worker has and that have not ended."""
        with self.database.reading() as c:
            wanted = select(jobs.c.id, jobs.c.organisation_id).where(
                jobs.c.state.not_in(ENDED), jobs.c.worker == self.id
            )
            return [Taken(*row) for row in c.execute(wanted.order_by(jobs.c.number))]


def enter(database: Database, host: str, process: int, slots: int, lost_seconds: int) -> Worker:
    """Enters this process among the workers of a database."""
    row_id = new_id()
    with database.writing() as c:
        now = _now(c)
        values = {"id": row_id, "host": host, "process": process, "slots": slots, "started_at": now, "seen_at": now}
        c.execute(workers.insert(), {**values, "ended_at": None, "lost": False})
    return Worker(database, row_id, lost_seconds)


def living(database: Database) -> list[dict[str, Any]]:
    """The workers that have not ended, and how many jobs each has: counts, of all organisations."""
    busy = select(func.count()).where(jobs.c.worker == workers.c.id, jobs.c.state.not_in(ENDED)).scalar_subquery()
    with database.reading() as c:
        wanted = select(workers, busy.label("jobs")).where(workers.c.ended_at.is_(None)).order_by(workers.c.started_at)
        names = ("id", "host", "process", "slots", "jobs", "started_at", "seen_at")
        return [{name: row[name] for name in names} for row in c.execute(wanted).mappings()]


def _free() -> ColumnElement[bool]:
    """The condition that nobody works on a job: nobody has it, or its worker has ended or is not known here."""
    living = select(workers.c.id).where(workers.c.ended_at.is_(None))
    return and_(jobs.c.state.not_in(ENDED), or_(jobs.c.worker.is_(None), jobs.c.worker.not_in(living)))


def _now(c: Connection) -> str:
    return time_text(moment(c))
