"""Jobs, their chunks and papers, workers, sets of scenarios. A job that has ended is guarded against every change.

A step of the past: it names its tables itself and never changes once released. The step back refuses while anything is
in them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = ("scenario_sets", "job_workers", "job_papers", "job_chunks", "jobs")
GROWING = ("job_papers", "scenario_sets")
ENDED = "OLD.state IN ('done', 'failed', 'cancelled')"


def upgrade() -> None:
    """One step forward."""
    _jobs()
    _parts()
    _others()
    (_guard_sqlite if op.get_bind().dialect.name == "sqlite" else _guard_postgresql)()


def downgrade() -> None:
    """One step back; refuses while a row is there."""
    c = op.get_bind()
    filled = [t for t in TABLES if c.execute(sa.text(f"SELECT 1 FROM {t} LIMIT 1")).first() is not None]
    if filled:
        raise sa.exc.InvalidRequestError(f"going back would delete what was saved in {', '.join(sorted(filled))}")
    for table in TABLES:
        op.drop_table(table)
    if c.dialect.name == "postgresql":
        op.execute("DROP FUNCTION jobs_stay_ended()")


def _time(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(27), nullable=nullable)


def _owner() -> sa.Column[str]:
    return sa.Column("organisation_id", sa.String(32), sa.ForeignKey("organisations.id"), nullable=False)


def _document(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(64), sa.ForeignKey("documents.sha256"), nullable=nullable)


def _numbered() -> tuple[sa.Column[int], sa.Column[str], sa.Column[str]]:
    return (
        sa.Column("number", NUMBER, primary_key=True),
        sa.Column("id", sa.String(32), nullable=False, unique=True),
        _owner(),
    )


def _jobs() -> None:
    op.create_table(
        "jobs",
        *_numbered(),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("lang", sa.String(2), nullable=False),
        _document("request"),
        _document("inputs", nullable=True),
        sa.Column("made_by", sa.String(32), nullable=False),
        sa.Column("made_by_name", sa.Text, nullable=False),
        _time("made_at"),
        _time("started_at", nullable=True),
        _time("ended_at", nullable=True),
        _time("cancel_asked_at", nullable=True),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("done", sa.BigInteger, nullable=False),
        sa.Column("total", sa.BigInteger),
        sa.Column("step", sa.Text, nullable=False),
        _time("eta", nullable=True),
        sa.Column("worker", sa.String(32)),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("lost", sa.Integer, nullable=False),
        sa.Column("chunks", sa.BigInteger, nullable=False),
        _document("result", nullable=True),
        sa.Column("failure", sa.Text),
        sa.CheckConstraint("(state = 'done') = (result IS NOT NULL)", name="jobs_done_have_results"),
        sqlite_autoincrement=True,
    )
    op.create_index("jobs_by_owner", "jobs", ["organisation_id", "number"])
    op.create_index("jobs_by_state", "jobs", ["state", "number"])


def _parts() -> None:
    op.create_table(
        "job_chunks",
        sa.Column("job_id", sa.String(32), sa.ForeignKey("jobs.id"), primary_key=True),
        sa.Column("key", sa.String(64), primary_key=True),
        _owner(),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        _time("made_at"),
    )
    op.create_table(
        "job_papers",
        *_numbered(),
        sa.Column("job_id", sa.String(32), sa.ForeignKey("jobs.id"), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        _document("document"),
        sqlite_autoincrement=True,
    )
    op.create_index("job_papers_once", "job_papers", ["job_id", "kind"], unique=True)


def _others() -> None:
    op.create_table(
        "job_workers",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("process", sa.Integer, nullable=False),
        sa.Column("slots", sa.Integer, nullable=False),
        _time("started_at"),
        _time("seen_at"),
        _time("ended_at", nullable=True),
        sa.Column("lost", sa.Boolean, nullable=False),
    )
    op.create_table(
        "scenario_sets",
        *_numbered(),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        _document("document"),
        sa.Column("made_by", sa.String(32), nullable=False),
        _time("made_at"),
        sqlite_autoincrement=True,
    )
    op.create_index("scenario_sets_by_owner", "scenario_sets", ["organisation_id", "number"])
    op.create_index("scenario_sets_once", "scenario_sets", ["organisation_id", "name", "version"], unique=True)


def _guard_sqlite() -> None:
    for table in GROWING:
        for change in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change} BEFORE {change.upper()} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} only grows'); END"
            )
    op.execute(
        "CREATE TRIGGER job_chunks_no_update BEFORE UPDATE ON job_chunks "
        "BEGIN SELECT RAISE(ABORT, 'a chunk is recorded once'); END"
    )
    op.execute(
        f"CREATE TRIGGER jobs_no_update BEFORE UPDATE ON jobs WHEN {ENDED} "
        "BEGIN SELECT RAISE(ABORT, 'the job has ended'); END"
    )
    op.execute("CREATE TRIGGER jobs_no_delete BEFORE DELETE ON jobs BEGIN SELECT RAISE(ABORT, 'jobs stay'); END")


def _guard_postgresql() -> None:
    for table in GROWING:
        op.execute(
            f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION service_only_grows()"
        )
    op.execute(
        "CREATE TRIGGER job_chunks_only_grow BEFORE UPDATE ON job_chunks "
        "FOR EACH STATEMENT EXECUTE FUNCTION service_only_grows()"
    )
    op.execute(
        "CREATE FUNCTION jobs_stay_ended() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the job has ended'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER jobs_no_update BEFORE UPDATE ON jobs FOR EACH ROW WHEN ({ENDED}) "
        "EXECUTE FUNCTION jobs_stay_ended()"
    )
    op.execute(
        "CREATE TRIGGER jobs_only_grow BEFORE DELETE OR TRUNCATE ON jobs "
        "FOR EACH STATEMENT EXECUTE FUNCTION service_only_grows()"
    )
