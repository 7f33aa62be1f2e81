"""The tables of jobs: what was asked, how far it is, finished chunks, papers; who works; kept sets of scenarios.

`jobs` is what users and programs see, and the only truth about a job; the tables of DBOS beside it (whose rows any
worker can make again from these) say only which process runs it. A job that has ended never changes again: the
database refuses it.
"""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, LargeBinary, String, Table, Text

from api.database.tables import document_column, owner_column, tables, time_column
from market_data.store_tables import Number

ENDED = ("done", "failed", "cancelled")
"""States in which a job stays as it is."""
STATES = ("queued", "running", *ENDED)

jobs = Table(
    "jobs",
    tables,
    Column("number", Number, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    owner_column(),
    Column("kind", String(20), nullable=False),
    Column("state", String(10), nullable=False),
    Column("title", Text, nullable=False),
    Column("lang", String(2), nullable=False),
    document_column("request"),
    document_column("inputs", nullable=True),
    Column("made_by", String(32), nullable=False),
    Column("made_by_name", Text, nullable=False),
    time_column("made_at"),
    time_column("started_at", nullable=True),
    time_column("ended_at", nullable=True),
    time_column("cancel_asked_at", nullable=True),
    Column("version", BigInteger, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger),
    Column("step", Text, nullable=False),
    time_column("eta", nullable=True),
    Column("worker", String(32)),
    Column("attempt", Integer, nullable=False),
    Column("lost", Integer, nullable=False),
    Column("chunks", BigInteger, nullable=False),
    document_column("result", nullable=True),
    Column("failure", Text),
    sqlite_autoincrement=True,
)
"""`request` is what was asked besides the problem, `inputs` the problem (None where a plan poses it).

`attempt` is the fence: whoever writes about a job names the attempt that it is, and an older one changes nothing.
`lost` counts attempts that ended without a word; `chunks` the chunks that were recorded, each once.
"""
chunks = Table(
    "job_chunks",
    tables,
    Column("job_id", String(32), ForeignKey("jobs.id"), primary_key=True),
    Column("key", String(64), primary_key=True),
    owner_column(),
    Column("attempt", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    time_column("made_at"),
)
papers = Table(
    "job_papers",
    tables,
    Column("number", Number, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    owner_column(),
    Column("job_id", String(32), ForeignKey("jobs.id"), nullable=False),
    Column("kind", String(10), nullable=False),
    document_column("document"),
    sqlite_autoincrement=True,
)
workers = Table(
    "job_workers",
    tables,
    Column("id", String(32), primary_key=True),
    Column("host", Text, nullable=False),
    Column("process", Integer, nullable=False),
    Column("slots", Integer, nullable=False),
    time_column("started_at"),
    time_column("seen_at"),
    time_column("ended_at", nullable=True),
    Column("lost", Boolean, nullable=False),
)
"""Belongs to no organisation: which processes work, and when each was last heard of."""
scenario_sets = Table(
    "scenario_sets",
    tables,
    Column("number", Number, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    owner_column(),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    document_column("document"),
    Column("made_by", String(32), nullable=False),
    time_column("made_at"),
    sqlite_autoincrement=True,
)
