"""The tables of retirement instructions, of the serials and evidence that prove them, and of disclosures.

A serial is guarded across all organisations: of two ranges of one register that share a number, one stands.
Instructions change until they are retired or cancelled; serials are only given free; evidence and disclosures only
grow. The database itself refuses anything else (`migrations`, step 0003).
"""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, LargeBinary, String, Table, Text

from api.database.tables import document_column, owner_column, tables, time_column
from market_data.store_tables import Number

retirements = Table(
    "retirements",
    tables,
    Column("number", Number, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    owner_column(),
    Column("source", String(5), nullable=False),
    Column("source_id", String(64), nullable=False),
    Column("event_id", Text, nullable=False),
    Column("offer_id", Text, nullable=False),
    Column("instrument", String(20), nullable=False),
    Column("mechanism", Text, nullable=False),
    Column("project_id", Text, nullable=False),
    Column("project_name", Text, nullable=False),
    Column("vintage", Integer, nullable=False),
    Column("tier", Integer, nullable=False),
    Column("registry", Text, nullable=False),
    Column("register", Text, nullable=False),
    Column("kg", BigInteger, nullable=False),
    Column("effective_kg", BigInteger, nullable=False),
    Column("retire_by", String(10), nullable=False),
    Column("state", String(10), nullable=False),
    Column("retired_on", String(10)),
    Column("reference", Text),
    Column("reason", Text),
    Column("version", Integer, nullable=False),
    Column("made_by", String(32), nullable=False),
    time_column("made_at"),
    time_column("changed_at"),
    sqlite_autoincrement=True,
)
serials = Table(
    "retirement_serials",
    tables,
    Column("number", Number, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    owner_column(),
    Column("retirement_id", String(32), ForeignKey("retirements.id"), nullable=False),
    Column("register", Text, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("first_shown", Text, nullable=False),
    Column("last_shown", Text, nullable=False),
    Column("kg", BigInteger, nullable=False),
    Column("project", Text, nullable=False),
    Column("forestry", Boolean, nullable=False),
    Column("period_from", String(10), nullable=False),
    Column("period_until", String(10), nullable=False),
    Column("certified_kg", BigInteger),
    Column("made_by", String(32), nullable=False),
    time_column("made_at"),
    time_column("released_at", nullable=True),
    sqlite_autoincrement=True,
)
evidence_files = Table(
    "evidence_files",
    tables,
    Column("sha256", String(64), primary_key=True),
    Column("byte_length", BigInteger, nullable=False),
)
evidence_chunks = Table(
    "evidence_chunks",
    tables,
    Column("sha256", String(64), ForeignKey("evidence_files.sha256"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
)
evidence = Table(
    "retirement_evidence",
    tables,
    Column("number", Number, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    owner_column(),
    Column("retirement_id", String(32), ForeignKey("retirements.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("media_type", String(100), nullable=False),
    Column("byte_length", BigInteger, nullable=False),
    Column("sha256", String(64), ForeignKey("evidence_files.sha256"), nullable=False),
    Column("made_by", String(32), nullable=False),
    time_column("made_at"),
    sqlite_autoincrement=True,
)
disclosures = Table(
    "disclosures",
    tables,
    Column("number", Number, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    owner_column(),
    Column("event_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("draft", Boolean, nullable=False),
    Column("corrects", String(32), ForeignKey("disclosures.id")),
    Column("plan_id", String(64), nullable=False),
    document_column("document"),
    Column("made_by", String(32), nullable=False),
    time_column("made_at"),
    sqlite_autoincrement=True,
)
publications = Table(
    "disclosure_publications",
    tables,
    Column("number", Number, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    owner_column(),
    Column("disclosure_id", String(32), ForeignKey("disclosures.id"), nullable=False, unique=True),
    Column("place", Text, nullable=False),
    Column("made_by", String(32), nullable=False),
    time_column("published_at"),
    sqlite_autoincrement=True,
)
