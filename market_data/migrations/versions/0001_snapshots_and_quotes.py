"""Snapshots in chunks, receipts of imports, daily quotes; what is in them cannot be changed or deleted.

A step of the past: it names its tables itself and never changes once released. There is no step back: the store only
grows, and going back would delete what was saved.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

GROWING = (
    "market_snapshots",
    "market_snapshot_chunks",
    "market_imports",
    "market_quote_imports",
    "market_quotes",
)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """From nothing to the first tables."""
    _snapshots()
    _quotes()
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite()
    else:
        _guard_postgresql()


def _snapshots() -> None:
    op.create_table(
        "market_snapshots",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("offers", sa.BigInteger, nullable=False),
        sa.Column("byte_length", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("stored_at", sa.String(27), nullable=False),
    )
    op.create_table(
        "market_snapshot_chunks",
        sa.Column("snapshot_id", sa.String(64), sa.ForeignKey("market_snapshots.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "market_imports",
        sa.Column("number", NUMBER, primary_key=True),
        sa.Column("snapshot_id", sa.String(64), sa.ForeignKey("market_snapshots.id"), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("as_of", sa.String(10), nullable=False),
        sa.Column("imported_at", sa.String(27), nullable=False),
        sa.Column("rows_read", sa.BigInteger, nullable=False),
        sa.Column("left_out", sa.Text, nullable=False),
        sa.Column("findings", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("market_imports_by_snapshot", "market_imports", ["snapshot_id"])


def _quotes() -> None:
    op.create_table(
        "market_quote_imports",
        sa.Column("number", NUMBER, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("feed", "name")),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("imported_at", sa.String(27), nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("rows_read", "rows_used", "added", "revised")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("left_out", "findings")),
        sqlite_autoincrement=True,
    )
    prices = ("open_fen", "high_fen", "low_fen", "close_fen", "average_fen", "volume_kg", "turnover_fen")
    op.create_table(
        "market_quotes",
        *(sa.Column(name, sa.Text, primary_key=True) for name in ("instrument", "mechanism", "code", "method")),
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column(
            "receipt", NUMBER, sa.ForeignKey("market_quote_imports.number"), primary_key=True, autoincrement=False
        ),
        sa.Column("vintage", sa.Integer, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in prices),
        sa.Column("composite", sa.Boolean, nullable=False),
    )


def _guard_sqlite() -> None:
    for table in GROWING:
        for change in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change} BEFORE {change.upper()} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} only grows'); END"
            )


def _guard_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION market_data_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% only grows', TG_TABLE_NAME; END $$"
    )
    for table in GROWING:
        op.execute(
            f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION market_data_only_grows()"
        )
