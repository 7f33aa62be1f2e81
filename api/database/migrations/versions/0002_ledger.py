"""Lots and their moves, quotes, holds, orders, fills. What only grows is guarded.

A step of the past: it names its tables itself and never changes once released. The step back refuses while anything is
in them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
GROWING = ("lot_moves", "quotes", "hold_lines", "fills")
TABLES = ("fills", "order_lines", "orders", "hold_lines", "holds", "quotes", "lot_moves", "lots")

type AnyItem = sa.Column[str] | sa.Column[int] | sa.Column[bool] | sa.CheckConstraint


def upgrade() -> None:
    """One step forward."""
    _inventory()
    _quotes()
    _holds()
    _orders()
    _guard()


def downgrade() -> None:
    """One step back; refuses while a row is there."""
    c = op.get_bind()
    filled = [t for t in TABLES if c.execute(sa.text(f"SELECT 1 FROM {t} LIMIT 1")).first() is not None]
    if filled:
        raise sa.exc.InvalidRequestError(f"going back would delete what was saved in {', '.join(sorted(filled))}")
    for table in TABLES:
        op.drop_table(table)


def _time(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(27), nullable=nullable)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _ref(name: str, target: str, nullable: bool = False) -> sa.Column[str]:
    length = 64 if target == "documents.sha256" else 32
    return sa.Column(name, sa.String(length), sa.ForeignKey(target), nullable=nullable)


def _whole(name: str, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def _made() -> tuple[AnyItem, ...]:
    return sa.Column("made_by", sa.String(32), nullable=False), _time("made_at")


def _client() -> tuple[AnyItem, ...]:
    return _text("client"), _ref("client_organisation_id", "organisations.id", nullable=True)


def _numbered(name: str, *items: AnyItem) -> None:
    op.create_table(
        name,
        sa.Column("number", NUMBER, primary_key=True),
        sa.Column("id", sa.String(32), nullable=False, unique=True),
        _ref("organisation_id", "organisations.id"),
        *items,
        sqlite_autoincrement=True,
    )
    op.create_index(f"{name}_by_owner", name, ["organisation_id", "number"])


def _inventory() -> None:
    _numbered(
        "lots",
        _text("offer_id"),
        _text("terms"),
        _whole("stock_kg"),
        _whole("held_kg"),
        sa.Column("version", sa.Integer, nullable=False),
        *_made(),
        _time("changed_at"),
        sa.CheckConstraint("held_kg >= 0 AND held_kg <= stock_kg", name="lots_not_oversold"),
    )
    op.create_index("lots_once", "lots", ["organisation_id", "offer_id"], unique=True)
    _numbered(
        "lot_moves",
        _ref("lot_id", "lots.id"),
        sa.Column("kind", sa.String(10), nullable=False),
        *(_whole(name) for name in ("stock_delta_kg", "held_delta_kg", "stock_kg", "held_kg")),
        _text("reference"),
        _text("reason"),
        _ref("terms", "documents.sha256", nullable=True),
        *_made(),
    )
    op.create_index("lot_moves_by_lot", "lot_moves", ["lot_id", "number"])


def _quotes() -> None:
    _numbered(
        "quotes",
        sa.Column("batch_id", sa.String(32)),
        _text("event_id"),
        *_client(),
        sa.Column("firm", sa.Boolean, nullable=False),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("as_of", sa.String(10), nullable=False),
        _time("valid_until"),
        sa.Column("plan_id", sa.String(64), nullable=False),
        *(_whole(name) for name in ("required_kg", "covered_kg", "price_fen", "cost_fen")),
        *(_ref(name, "documents.sha256") for name in ("offered", "costs", "plan", "inventory", "margin")),
        *_made(),
    )
    op.create_index("quotes_by_client", "quotes", ["client_organisation_id", "number"])
    op.create_index("quotes_by_batch", "quotes", ["organisation_id", "batch_id"])


def _holds() -> None:
    _numbered(
        "holds",
        _ref("quote_id", "quotes.id", nullable=True),
        sa.Column("open_quote_id", sa.String(32), unique=True),
        *_client(),
        sa.Column("state", sa.String(10), nullable=False),
        _time("expires_at"),
        _text("reason"),
        sa.Column("version", sa.Integer, nullable=False),
        *_made(),
        _time("ended_at", nullable=True),
    )
    op.create_index("holds_by_expiry", "holds", ["organisation_id", "state", "expires_at"])
    _numbered(
        "hold_lines",
        _ref("hold_id", "holds.id"),
        _ref("lot_id", "lots.id"),
        _whole("kg"),
        _whole("price_fen", nullable=True),
        _text("facts"),
        sa.CheckConstraint("kg > 0", name="hold_lines_hold_something"),
    )
    op.create_index("hold_lines_by_hold", "hold_lines", ["hold_id"])


def _orders() -> None:
    _numbered(
        "orders",
        sa.Column("hold_id", sa.String(32), sa.ForeignKey("holds.id"), nullable=False, unique=True),
        _ref("quote_id", "quotes.id", nullable=True),
        *_client(),
        sa.Column("state", sa.String(10), nullable=False),
        _whole("fee_fen"),
        sa.Column("version", sa.Integer, nullable=False),
        *_made(),
        _time("changed_at"),
    )
    _numbered(
        "order_lines",
        _ref("order_id", "orders.id"),
        _ref("lot_id", "lots.id"),
        *(_whole(name) for name in ("ordered_kg", "filled_kg", "cancelled_kg")),
        _whole("price_fen", nullable=True),
        _text("facts"),
        sa.CheckConstraint(
            "ordered_kg > 0 AND filled_kg >= 0 AND cancelled_kg >= 0 AND filled_kg + cancelled_kg <= ordered_kg",
            name="order_lines_add_up",
        ),
    )
    op.create_index("order_lines_by_order", "order_lines", ["order_id"])
    _numbered(
        "fills",
        _ref("order_id", "orders.id"),
        _ref("line_id", "order_lines.id"),
        _whole("kg"),
        _whole("amount_fen", nullable=True),
        _text("reference"),
        *_made(),
        sa.CheckConstraint("kg > 0", name="fills_deliver_something"),
    )
    op.create_index("fills_by_order", "fills", ["order_id"])


def _guard() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table in GROWING:
            for change in ("update", "delete"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{change} BEFORE {change.upper()} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} only grows'); END"
                )
        return
    for table in GROWING:
        op.execute(
            f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION service_only_grows()"
        )
