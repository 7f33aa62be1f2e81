"""Retirement instructions, serials that no two may use, evidence, disclosures.

A step of the past: it names its tables itself and never changes once released. The step back refuses while anything is
in them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
GROWING = ("evidence_files", "evidence_chunks", "retirement_evidence", "disclosures", "disclosure_publications")
TABLES = (
    *("disclosure_publications", "disclosures", "retirement_evidence", "evidence_chunks", "evidence_files"),
    *("retirement_serials", "retirements"),
)
FUNCTIONS = ("retirement_is_final", "serial_is_used_once", "serial_is_only_released", "retirement_row_stays")
SERIAL_LOCK = 0x6A68_0003
"""Of PostgreSQL's advisory locks: one transaction at a time adds serials."""

type AnyColumn = sa.Column[str] | sa.Column[int] | sa.Column[bool] | sa.CheckConstraint


def upgrade() -> None:
    """One step forward."""
    _instructions()
    _serials()
    _evidence()
    _disclosures()
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite()
    else:
        _guard_postgresql()


def downgrade() -> None:
    """One step back; refuses while a row is there."""
    c = op.get_bind()
    filled = [t for t in TABLES if c.execute(sa.text(f"SELECT 1 FROM {t} LIMIT 1")).first() is not None]
    if filled:
        raise sa.exc.InvalidRequestError(f"going back would delete what was saved in {', '.join(sorted(filled))}")
    for table in TABLES:
        op.drop_table(table)
    if c.dialect.name == "postgresql":
        for function in FUNCTIONS:
            op.execute(f"DROP FUNCTION {function}()")


def _time(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(27), nullable=nullable)


def _text(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _whole(name: str, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def _day(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(10), nullable=nullable)


def _maker() -> sa.Column[str]:
    return sa.Column("made_by", sa.String(32), nullable=False)


def _hash(name: str, table: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(64), sa.ForeignKey(f"{table}.sha256"), nullable=False)


def _of(name: str, table: str, *, nullable: bool = False, unique: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(32), sa.ForeignKey(f"{table}.id"), nullable=nullable, unique=unique)


def _owned(name: str, *columns: AnyColumn, once: tuple[str, ...] = ()) -> None:
    op.create_table(
        name,
        sa.Column("number", NUMBER, primary_key=True),
        sa.Column("id", sa.String(32), nullable=False, unique=True),
        sa.Column("organisation_id", sa.String(32), sa.ForeignKey("organisations.id"), nullable=False),
        *columns,
        sqlite_autoincrement=True,
    )
    op.create_index(f"{name}_by_owner", name, ["organisation_id", "number"])
    if once:
        op.create_index(f"{name}_once", name, ["organisation_id", *once], unique=True)


def _instructions() -> None:
    _owned(
        "retirements",
        sa.Column("source", sa.String(5), nullable=False),
        sa.Column("source_id", sa.String(64), nullable=False),
        *(_text(name) for name in ("event_id", "offer_id")),
        sa.Column("instrument", sa.String(20), nullable=False),
        *(_text(name) for name in ("mechanism", "project_id", "project_name")),
        *(sa.Column(name, sa.Integer, nullable=False) for name in ("vintage", "tier")),
        *(_text(name) for name in ("registry", "register")),
        *(_whole(name) for name in ("kg", "effective_kg")),
        _day("retire_by"),
        sa.Column("state", sa.String(10), nullable=False),
        _day("retired_on", nullable=True),
        *(_text(name, nullable=True) for name in ("reference", "reason")),
        sa.Column("version", sa.Integer, nullable=False),
        _maker(),
        _time("made_at"),
        _time("changed_at"),
        sa.CheckConstraint("state IN ('due', 'retired', 'cancelled')", name="retirement_state"),
        sa.CheckConstraint("kg > 0", name="retirement_mass"),
        once=("source", "source_id", "event_id", "offer_id"),
    )
    op.create_index("retirements_by_event", "retirements", ["organisation_id", "event_id"])
    op.create_index("retirements_by_deadline", "retirements", ["state", "retire_by"])


def _serials() -> None:
    _owned(
        "retirement_serials",
        _of("retirement_id", "retirements"),
        *(_text(name) for name in ("register", "prefix")),
        *(_whole(name) for name in ("first", "last")),
        *(_text(name) for name in ("first_shown", "last_shown")),
        _whole("kg"),
        _text("project"),
        sa.Column("forestry", sa.Boolean, nullable=False),
        *(_day(name) for name in ("period_from", "period_until")),
        _whole("certified_kg", nullable=True),
        _maker(),
        _time("made_at"),
        _time("released_at", nullable=True),
        sa.CheckConstraint("first <= last", name="serial_order"),
        sa.CheckConstraint("kg > 0", name="serial_mass"),
    )
    standing = sa.text("released_at IS NULL")
    for name, columns, unique in (
        ("retirement_serials_once", ["register", "prefix", "first"], True),
        ("retirement_serials_by_project", ["project"], False),
    ):
        op.create_index(
            name, "retirement_serials", columns, unique=unique, sqlite_where=standing, postgresql_where=standing
        )
    op.create_index("retirement_serials_by_retirement", "retirement_serials", ["retirement_id"])


def _evidence() -> None:
    op.create_table("evidence_files", sa.Column("sha256", sa.String(64), primary_key=True), _whole("byte_length"))
    op.create_table(
        "evidence_chunks",
        sa.Column("sha256", sa.String(64), sa.ForeignKey("evidence_files.sha256"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    _owned(
        "retirement_evidence",
        _of("retirement_id", "retirements"),
        _text("name"),
        sa.Column("media_type", sa.String(100), nullable=False),
        _whole("byte_length"),
        _hash("sha256", "evidence_files"),
        _maker(),
        _time("made_at"),
        once=("retirement_id", "sha256"),
    )


def _disclosures() -> None:
    _owned(
        "disclosures",
        _text("event_id"),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("draft", sa.Boolean, nullable=False),
        _of("corrects", "disclosures", nullable=True),
        sa.Column("plan_id", sa.String(64), nullable=False),
        _hash("document", "documents"),
        _maker(),
        _time("made_at"),
        once=("event_id", "version"),
    )
    _owned(
        "disclosure_publications",
        _of("disclosure_id", "disclosures", unique=True),
        _text("place"),
        _maker(),
        _time("published_at"),
    )


OVERLAPS = (
    "NEW.released_at IS NULL AND EXISTS (SELECT 1 FROM retirement_serials s"
    " WHERE s.register = NEW.register AND s.prefix = NEW.prefix"
    " AND s.released_at IS NULL AND s.first <= NEW.last AND s.last >= NEW.first)"
)
ONLY_RELEASED = "OLD.released_at IS NOT NULL OR NEW.released_at IS NULL OR " + " OR ".join(
    f"NEW.{column} <> OLD.{column}"
    for column in ("number", "id", "organisation_id", "retirement_id", "register", "prefix", "first", "last", "kg")
)


def _guard_sqlite() -> None:
    def guard(name: str, when: str, table: str, condition: str, words: str) -> None:
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {when} ON {table} WHEN {condition} BEGIN SELECT RAISE(ABORT, '{words}'); END"
        )

    for table in GROWING:
        for change in ("update", "delete"):
            guard(f"{table}_no_{change}", change.upper(), table, "1", f"{table} only grows")
    for table in ("retirements", "retirement_serials"):
        guard(f"{table}_no_delete", "DELETE", table, "1", f"{table} stay")
    guard("retirements_are_final", "UPDATE", "retirements", "OLD.state <> 'due'", "a finished retirement stays")
    guard("serials_once", "INSERT", "retirement_serials", OVERLAPS, "a serial is used once")
    guard("serials_only_released", "UPDATE", "retirement_serials", ONLY_RELEASED, "a serial is only released")


def _guard_postgresql() -> None:
    for table in GROWING:
        op.execute(
            f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION service_only_grows()"
        )

    def guard(function: str, when: str, table: str, body: str, each: str = "ROW") -> None:
        op.execute(
            f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {body} RETURN NEW; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_{function} BEFORE {when} ON {table} FOR EACH {each} EXECUTE FUNCTION {function}()"
        )

    for table in ("retirements", "retirement_serials"):
        stay = "RAISE EXCEPTION '% stay', TG_TABLE_NAME;"
        guard("retirement_row_stays", "DELETE OR TRUNCATE", table, stay, "STATEMENT")
    final = "IF OLD.state <> 'due' THEN RAISE EXCEPTION 'a finished retirement stays'; END IF;"
    guard("retirement_is_final", "UPDATE", "retirements", final)
    once = (
        f"PERFORM pg_advisory_xact_lock({SERIAL_LOCK}); "
        f"IF {OVERLAPS} THEN RAISE EXCEPTION 'a serial is used once'; END IF;"
    )
    guard("serial_is_used_once", "INSERT", "retirement_serials", once)
    released = f"IF {ONLY_RELEASED} THEN RAISE EXCEPTION 'a serial is only released'; END IF;"
    guard("serial_is_only_released", "UPDATE", "retirement_serials", released)
