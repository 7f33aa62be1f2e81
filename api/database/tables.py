"""The tables of organisations, of who may enter, of what is archived, and of the trail.

    days   text, 2026-11-22        times   text, 2026-11-22T08:00:00.000000Z, UTC       lists, settings   text, JSON
    money  BIGINT, fen             mass    BIGINT, kg                                   documents         bytes, once

Every row that belongs to somebody has `organisation_id`; only `access.scope` reads and writes such rows. `number`
counts up through a table and never leaves the service; people and programs see `id`, which cannot be guessed.
Nothing here connects to anything; the tables are made by `migrations`.
"""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, LargeBinary, MetaData, String, Table, Text

from market_data.store_tables import Number

NEWEST = "0005"
"""The newest revision in `migrations/versions`: what this code reads and writes."""
VERSION_TABLE = "service_version"
"""Where Alembic notes the revision of the service's tables; the market's are noted apart."""

tables = MetaData()


def time_column(name: str, *, nullable: bool = False) -> Column[str]:
    """A moment in UTC, as `time_text` writes it."""
    return Column(name, String(27), nullable=nullable)


def owner_column() -> Column[str]:
    """The organisation that a row belongs to."""
    return Column("organisation_id", String(32), ForeignKey("organisations.id"), nullable=False)


def document_column(name: str, *, nullable: bool = False) -> Column[str]:
    """A document by its hash."""
    return Column(name, String(64), ForeignKey("documents.sha256"), nullable=nullable)


organisations = Table(
    "organisations",
    tables,
    Column("number", Number, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("name", Text, nullable=False, unique=True),
    Column("settings", Text, nullable=False),
    time_column("created_at"),
    sqlite_autoincrement=True,
)
users = Table(
    "users",
    tables,
    Column("number", Number, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    owner_column(),
    Column("login", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("password_hash", Text),
    Column("roles", Text, nullable=False),
    time_column("created_at"),
    time_column("disabled_at", nullable=True),
    sqlite_autoincrement=True,
)
keys = Table(
    "api_keys",
    tables,
    Column("number", Number, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    owner_column(),
    Column("user_id", String(32), ForeignKey("users.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("roles", Text, nullable=False),
    time_column("created_at"),
    time_column("expires_at", nullable=True),
    time_column("revoked_at", nullable=True),
    sqlite_autoincrement=True,
)
sessions = Table(
    "sessions",
    tables,
    Column("number", Number, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    owner_column(),
    Column("user_id", String(32), ForeignKey("users.id"), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    time_column("created_at"),
    time_column("expires_at"),
    time_column("ended_at", nullable=True),
    sqlite_autoincrement=True,
)
documents = Table(
    "documents",
    tables,
    Column("sha256", String(64), primary_key=True),
    Column("byte_length", BigInteger, nullable=False),
    Column("packed", Boolean, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
events = Table(
    "events",
    tables,
    Column("number", Number, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    owner_column(),
    Column("event_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    document_column("document"),
    Column("made_by", String(32), nullable=False),
    time_column("made_at"),
    sqlite_autoincrement=True,
)
held_snapshots = Table(
    "organisation_snapshots",
    tables,
    Column("number", Number, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    owner_column(),
    Column("snapshot_id", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("as_of", String(10), nullable=False),
    Column("offers", BigInteger, nullable=False),
    Column("findings", Text, nullable=False),
    Column("made_by", String(32), nullable=False),
    time_column("made_at"),
    sqlite_autoincrement=True,
)
packs = Table(
    "organisation_rule_packs",
    tables,
    Column("number", Number, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    owner_column(),
    Column("pack_id", Text, nullable=False),
    Column("pack_sha256", String(64), nullable=False),
    document_column("document"),
    Column("made_by", String(32), nullable=False),
    time_column("made_at"),
    sqlite_autoincrement=True,
)
runs = Table(
    "runs",
    tables,
    Column("number", Number, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    owner_column(),
    Column("plan_id", String(64), nullable=False),
    Column("status", String(10), nullable=False),
    Column("as_of", String(10), nullable=False),
    Column("event_ids", Text, nullable=False),
    Column("required_kg", BigInteger, nullable=False),
    Column("covered_kg", BigInteger, nullable=False),
    Column("cost_fen", BigInteger, nullable=False),
    Column("reproducible", Boolean, nullable=False),
    Column("engine", Text, nullable=False),
    document_column("inputs"),
    document_column("document"),
    Column("made_by", String(32), nullable=False),
    time_column("made_at"),
    sqlite_autoincrement=True,
)
replies = Table(
    "replies",
    tables,
    Column("organisation_id", String(32), ForeignKey("organisations.id"), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("method", String(10), nullable=False),
    Column("path", Text, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", Text, nullable=False),
    document_column("document"),
    Column("made_by", String(32), nullable=False),
    time_column("made_at"),
)
trail = Table(
    "trail",
    tables,
    Column("organisation_id", String(32), ForeignKey("organisations.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    time_column("at"),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)
trail_heads = Table(
    "trail_heads",
    tables,
    Column("organisation_id", String(32), ForeignKey("organisations.id"), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
)
GROWING = ("documents", "events", "organisation_snapshots", "organisation_rule_packs", "runs", "replies", "trail")
"""Tables whose rows are added and never changed; the database refuses anything else."""
