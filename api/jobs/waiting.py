"""How much waits and runs in the database, for all organisations together and naming none: what monitors ask."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from api.access.scope import moment
from api.database.job_tables import jobs
from api.database.ledger_tables import holds
from market_data.store_tables import time_of


class Waiting(NamedTuple):
    """Jobs that have not ended, and holds that keep stock."""

    queued: int
    running: int
    oldest_queued_seconds: float
    """How long the oldest queued job has waited; 0.0 where none waits."""
    holds: int


def waiting(c: Connection) -> Waiting:
    """The figures of this moment."""
    counted = select(jobs.c.state, func.count(), func.min(jobs.c.made_at)).where(jobs.c.ended_at.is_(None))
    found = {state: (int(n), str(first)) for state, n, first in c.execute(counted.group_by(jobs.c.state))}
    held = c.execute(select(func.count()).where(holds.c.state == "active")).scalar_one()
    queued, since = found.get("queued", (0, ""))
    return Waiting(queued, found.get("running", (0, ""))[0], _age(since, moment(c)), int(held))


def _age(since: str, now: datetime) -> float:
    return max(0.0, (now - time_of(since)).total_seconds()) if since else 0.0
