"""The tables of the store, and how one cell of them is written: integers for money and mass, text for days and times.

    days      text, 2026-11-22                      money     BIGINT, fen
    times     text, 2026-11-22T08:00:00.000000Z     mass      BIGINT, kg
    lists     text, JSON in ASCII                   content   chunks of bytes

Nothing here connects to anything. The tables are made by `migrations`; every one of them only grows. Their names begin
with `market_`, because other tables may share the database.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.wording import Text as Words

SCHEMA = "0001"
"""The newest revision in `migrations/versions`: what this code reads and writes."""
VERSION_TABLE = "market_data_version"
"""Where Alembic notes the revision; its usual name is left to others in the same database."""

CHUNK_BYTES_MAX = 4 << 20
"""Bytes of content in one row: far below the limits of both databases, and what one statement holds in memory."""

Number = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts up by itself only in a column called INTEGER, which there holds 64 bits."""

_UNSOUND = re.compile("[\0\ud800-\udfff]")

tables = MetaData()

snapshots = Table(
    "market_snapshots",
    tables,
    Column("id", String(64), primary_key=True),
    Column("offers", BigInteger, nullable=False),
    Column("byte_length", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("stored_at", String(27), nullable=False),
)
snapshot_chunks = Table(
    "market_snapshot_chunks",
    tables,
    Column("snapshot_id", String(64), ForeignKey(snapshots.c.id), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
)
imports = Table(
    "market_imports",
    tables,
    Column("number", Number, primary_key=True),
    Column("snapshot_id", String(64), ForeignKey(snapshots.c.id), nullable=False),
    Column("source", Text, nullable=False),
    Column("as_of", String(10), nullable=False),
    Column("imported_at", String(27), nullable=False),
    Column("rows_read", BigInteger, nullable=False),
    Column("left_out", Text, nullable=False),
    Column("findings", Text, nullable=False),
    sqlite_autoincrement=True,
)
quote_imports = Table(
    "market_quote_imports",
    tables,
    Column("number", Number, primary_key=True),
    Column("feed", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("imported_at", String(27), nullable=False),
    Column("rows_read", BigInteger, nullable=False),
    Column("rows_used", BigInteger, nullable=False),
    Column("added", BigInteger, nullable=False),
    Column("revised", BigInteger, nullable=False),
    Column("left_out", Text, nullable=False),
    Column("findings", Text, nullable=False),
    sqlite_autoincrement=True,
)
quotes = Table(
    "market_quotes",
    tables,
    Column("instrument", Text, primary_key=True),
    Column("mechanism", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("method", Text, primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("receipt", Number, ForeignKey(quote_imports.c.number), primary_key=True, autoincrement=False),
    Column("vintage", Integer, nullable=False),
    Column("open_fen", BigInteger, nullable=False),
    Column("high_fen", BigInteger, nullable=False),
    Column("low_fen", BigInteger, nullable=False),
    Column("close_fen", BigInteger, nullable=False),
    Column("average_fen", BigInteger, nullable=False),
    Column("volume_kg", BigInteger, nullable=False),
    Column("turnover_fen", BigInteger, nullable=False),
    Column("composite", Boolean, nullable=False),
)


def time_text(time: datetime) -> str:
    """A moment in UTC as the store writes it; such texts sort as the moments do.

    Raises:
        BadInput: a time without a zone, which is no moment.
    """
    if time.utcoffset() is None:
        zh, en = "时刻缺少时区; 例如 2026-11-22T08:00:00+08:00", "has no time zone; write 2026-11-22T08:00:00+08:00"
        raise BadInput([fault("time_without_zone", zh, en, value=time.isoformat())])
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def time_of(text: str) -> datetime:
    """The moment that `time_text` wrote."""
    return datetime.fromisoformat(text)


def sound(text: str) -> str:
    """`text` as both databases can hold it: halves of characters (from odd file names) and NUL become U+FFFD."""
    return _UNSOUND.sub("\ufffd", text)


def is_sound(text: str) -> bool:
    """Whether both databases hold `text` as it is."""
    return _UNSOUND.search(text) is None


def counts_text(counts: Mapping[str, int]) -> str:
    """Reason -> rows, as JSON in ASCII: any text is held, whatever the database thinks of its characters."""
    return json.dumps(dict(counts), sort_keys=True)


def counts_of(text: str) -> dict[str, int]:
    """What `counts_text` wrote."""
    return {str(k): int(v) for k, v in json.loads(text).items()}


def findings_text(findings: Sequence[Finding]) -> str:
    """Complaints in both languages, as JSON in ASCII."""
    return json.dumps([{**asdict(f), "message": f.message._asdict()} for f in findings])


def findings_of(text: str) -> tuple[Finding, ...]:
    """What `findings_text` wrote."""
    return tuple(Finding(**{**f, "message": Words(**f["message"])}) for f in json.loads(text))
