"""What clients answer to quotes: accepted, declined, taken back. Answers are added and never changed.

A step of the past: it names its tables itself and never changes once released. The step back refuses while anything is
in them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLE = "quote_answers"


def upgrade() -> None:
    """One step forward."""
    op.create_table(
        TABLE,
        sa.Column("number", NUMBER, primary_key=True),
        sa.Column("id", sa.String(32), nullable=False, unique=True),
        sa.Column("organisation_id", sa.String(32), sa.ForeignKey("organisations.id"), nullable=False),
        sa.Column("quote_id", sa.String(32), sa.ForeignKey("quotes.id"), nullable=False),
        sa.Column("client_organisation_id", sa.String(32), sa.ForeignKey("organisations.id"), nullable=False),
        sa.Column("answer", sa.String(10), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("made_by", sa.String(32), nullable=False),
        sa.Column("made_by_name", sa.Text, nullable=False),
        sa.Column("made_at", sa.String(27), nullable=False),
        sa.CheckConstraint("answer IN ('accepted', 'declined', 'reopened')", name="quote_answers_are_known"),
        sqlite_autoincrement=True,
    )
    op.create_index(f"{TABLE}_by_owner", TABLE, ["organisation_id", "number"])
    op.create_index(f"{TABLE}_by_quote", TABLE, ["quote_id", "number"])
    accepted = sa.text("answer = 'accepted'")
    op.create_index(
        f"{TABLE}_accepted_once",
        TABLE,
        ["quote_id"],
        unique=True,
        sqlite_where=accepted,
        postgresql_where=accepted,
    )
    # Whether an order came of a quote is asked of every quote that a client reads.
    op.create_index("orders_by_quote", "orders", ["quote_id"])
    _guard()


def downgrade() -> None:
    """One step back; refuses while a row is there."""
    if op.get_bind().execute(sa.text(f"SELECT 1 FROM {TABLE} LIMIT 1")).first() is not None:
        raise sa.exc.InvalidRequestError(f"going back would delete what was saved in {TABLE}")
    op.drop_table(TABLE)
    op.drop_index("orders_by_quote", "orders")


def _guard() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for change in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER {TABLE}_no_{change} BEFORE {change.upper()} ON {TABLE} "
                f"BEGIN SELECT RAISE(ABORT, '{TABLE} only grows'); END"
            )
        return
    op.execute(
        f"CREATE TRIGGER {TABLE}_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {TABLE} "
        "FOR EACH STATEMENT EXECUTE FUNCTION service_only_grows()"
    )
