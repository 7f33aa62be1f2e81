"""Organisations, users, keys, sessions; documents, events, runs, replies; the trail. What only grows is guarded.

A step of the past: it names its tables itself and never changes once released. The step back refuses while anything is
in them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
GROWING = ("documents", "events", "organisation_snapshots", "organisation_rule_packs", "runs", "replies", "trail")
TABLES = (
    *("trail_heads", "trail", "replies", "runs", "organisation_rule_packs", "organisation_snapshots", "events"),
    *("documents", "sessions", "api_keys", "users", "organisations"),
)


def upgrade() -> None:
    """From nothing to the first tables."""
    _access()
    _archive()
    _runs()
    _trail()
    _guard()


def downgrade() -> None:
    """Back to nothing; refuses while a row is there."""
    c = op.get_bind()
    filled = [t for t in TABLES if c.execute(sa.text(f"SELECT 1 FROM {t} LIMIT 1")).first() is not None]
    if filled:
        raise sa.exc.InvalidRequestError(f"going back would delete what was saved in {', '.join(sorted(filled))}")
    for table in TABLES:
        op.drop_table(table)
    if c.dialect.name == "postgresql":
        op.execute("DROP FUNCTION service_only_grows()")


def _time(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(27), nullable=nullable)


def _owner() -> sa.Column[str]:
    return sa.Column("organisation_id", sa.String(32), sa.ForeignKey("organisations.id"), nullable=False)


def _document(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(64), sa.ForeignKey("documents.sha256"), nullable=False)


type AnyColumn = sa.Column[str] | sa.Column[int] | sa.Column[bool]


def _numbered(name: str, *columns: AnyColumn, more: tuple[str, ...] = ()) -> None:
    op.create_table(
        name,
        sa.Column("number", NUMBER, primary_key=True),
        sa.Column("id", sa.String(32), nullable=False, unique=True),
        *columns,
        sqlite_autoincrement=True,
    )
    owned = "organisation_id" in {c.name for c in columns}
    if owned:
        op.create_index(f"{name}_by_owner", name, ["organisation_id", "number"])
    if more:
        op.create_index(f"{name}_once", name, ["organisation_id", *more], unique=True)


def _text(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _access() -> None:
    _numbered(
        "organisations",
        sa.Column("name", sa.Text, nullable=False, unique=True),
        _text("settings"),
        _time("created_at"),
    )
    _numbered(
        "users",
        _owner(),
        sa.Column("login", sa.Text, nullable=False, unique=True),
        _text("name"),
        _text("password_hash", nullable=True),
        _text("roles"),
        _time("created_at"),
        _time("disabled_at", nullable=True),
    )
    _numbered(
        "api_keys",
        _owner(),
        sa.Column("user_id", sa.String(32), sa.ForeignKey("users.id"), nullable=False),
        _text("name"),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
        _text("roles"),
        _time("created_at"),
        _time("expires_at", nullable=True),
        _time("revoked_at", nullable=True),
    )
    _numbered(
        "sessions",
        _owner(),
        sa.Column("user_id", sa.String(32), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
        _time("created_at"),
        _time("expires_at"),
        _time("ended_at", nullable=True),
    )


def _archive() -> None:
    op.create_table(
        "documents",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("byte_length", sa.BigInteger, nullable=False),
        sa.Column("packed", sa.Boolean, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    made = (sa.Column("made_by", sa.String(32), nullable=False), _time("made_at"))
    _numbered(
        "events",
        _owner(),
        _text("event_id"),
        sa.Column("version", sa.Integer, nullable=False),
        _document("document"),
        *(c._copy() for c in made),
        more=("event_id", "version"),
    )
    _numbered(
        "organisation_snapshots",
        _owner(),
        sa.Column("snapshot_id", sa.String(64), nullable=False),
        _text("name"),
        sa.Column("as_of", sa.String(10), nullable=False),
        sa.Column("offers", sa.BigInteger, nullable=False),
        _text("findings"),
        *(c._copy() for c in made),
        more=("snapshot_id",),
    )
    _numbered(
        "organisation_rule_packs",
        _owner(),
        _text("pack_id"),
        sa.Column("pack_sha256", sa.String(64), nullable=False),
        _document("document"),
        *(c._copy() for c in made),
        more=("pack_id", "pack_sha256"),
    )


def _runs() -> None:
    _numbered(
        "runs",
        _owner(),
        sa.Column("plan_id", sa.String(64), nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("as_of", sa.String(10), nullable=False),
        _text("event_ids"),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("required_kg", "covered_kg", "cost_fen")),
        sa.Column("reproducible", sa.Boolean, nullable=False),
        _text("engine"),
        _document("inputs"),
        _document("document"),
        sa.Column("made_by", sa.String(32), nullable=False),
        _time("made_at"),
    )
    op.create_index("runs_by_plan", "runs", ["organisation_id", "plan_id"])


def _trail() -> None:
    op.create_table(
        "replies",
        sa.Column("organisation_id", sa.String(32), sa.ForeignKey("organisations.id"), primary_key=True),
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("method", sa.String(10), nullable=False),
        _text("path"),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        _text("headers"),
        _document("document"),
        sa.Column("made_by", sa.String(32), nullable=False),
        _time("made_at"),
    )
    op.create_table(
        "trail",
        sa.Column("organisation_id", sa.String(32), sa.ForeignKey("organisations.id"), primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        _time("at"),
        *(_text(name) for name in ("actor", "action", "object", "details", "request_id")),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_table(
        "trail_heads",
        sa.Column("organisation_id", sa.String(32), sa.ForeignKey("organisations.id"), primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )


def _guard() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table in GROWING:
            for change in ("update", "delete"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{change} BEFORE {change.upper()} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} only grows'); END"
                )
        return
    op.execute(
        "CREATE FUNCTION service_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% only grows', TG_TABLE_NAME; END $$"
    )
    for table in GROWING:
        op.execute(
            f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION service_only_grows()"
        )
