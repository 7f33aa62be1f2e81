"""The tables of brokers: lots and every move of them, quotes and their answers, holds, orders and their fills.

    a lot       stock_kg: what is there        held_kg: of that, what holds and open orders bind
    a move      one change of a lot: what was added to both, and what both were afterwards; moves are never changed

The database itself refuses a lot with less stock than is held, an order line that is filled beyond what was ordered,
two orders of one hold, two open holds of one quote, and a quote that is accepted twice.
"""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, ForeignKey, Integer, String, Table, Text

from api.database.tables import document_column, owner_column, tables, time_column
from market_data.store_tables import Number


def _number() -> Column[int]:
    return Column("number", Number, primary_key=True)


def _id() -> Column[str]:
    return Column("id", String(32), nullable=False, unique=True)


def _made() -> tuple[Column[str], Column[str]]:
    return Column("made_by", String(32), nullable=False), time_column("made_at")


def _mass(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _client() -> tuple[Column[str], Column[str]]:
    """To whom something is addressed: a name, and the organisation where it uses the service itself."""
    return (
        Column("client", Text, nullable=False),
        Column("client_organisation_id", String(32), ForeignKey("organisations.id")),
    )


lots = Table(
    "lots",
    tables,
    _number(),
    _id(),
    owner_column(),
    Column("offer_id", Text, nullable=False),
    Column("terms", Text, nullable=False),
    _mass("stock_kg"),
    _mass("held_kg"),
    Column("version", Integer, nullable=False),
    *_made(),
    time_column("changed_at"),
    CheckConstraint("held_kg >= 0 AND held_kg <= stock_kg", name="lots_not_oversold"),
    sqlite_autoincrement=True,
)
moves = Table(
    "lot_moves",
    tables,
    _number(),
    _id(),
    owner_column(),
    Column("lot_id", String(32), ForeignKey("lots.id"), nullable=False),
    Column("kind", String(10), nullable=False),
    _mass("stock_delta_kg"),
    _mass("held_delta_kg"),
    _mass("stock_kg"),
    _mass("held_kg"),
    Column("reference", Text, nullable=False),
    Column("reason", Text, nullable=False),
    document_column("terms", nullable=True),
    *_made(),
    sqlite_autoincrement=True,
)
quotes = Table(
    "quotes",
    tables,
    _number(),
    _id(),
    owner_column(),
    Column("batch_id", String(32)),
    Column("event_id", Text, nullable=False),
    *_client(),
    Column("firm", Boolean, nullable=False),
    Column("status", String(10), nullable=False),
    Column("as_of", String(10), nullable=False),
    time_column("valid_until"),
    Column("plan_id", String(64), nullable=False),
    *(_mass(name) for name in ("required_kg", "covered_kg", "price_fen", "cost_fen")),
    document_column("offered"),
    document_column("costs"),
    document_column("plan"),
    document_column("inventory"),
    document_column("margin"),
    *_made(),
    sqlite_autoincrement=True,
)
quote_answers = Table(
    "quote_answers",
    tables,
    _number(),
    _id(),
    owner_column(),
    Column("quote_id", String(32), ForeignKey("quotes.id"), nullable=False),
    Column("client_organisation_id", String(32), ForeignKey("organisations.id"), nullable=False),
    Column("answer", String(10), nullable=False),
    Column("reason", Text, nullable=False),
    Column("made_by", String(32), nullable=False),
    Column("made_by_name", Text, nullable=False),
    time_column("made_at"),
    CheckConstraint("answer IN ('accepted', 'declined', 'reopened')", name="quote_answers_are_known"),
    sqlite_autoincrement=True,
)
"""Of the broker's organisation, as the quote is; `made_by` is a user of the client's."""
holds = Table(
    "holds",
    tables,
    _number(),
    _id(),
    owner_column(),
    Column("quote_id", String(32), ForeignKey("quotes.id")),
    Column("open_quote_id", String(32), unique=True),
    *_client(),
    Column("state", String(10), nullable=False),
    time_column("expires_at"),
    Column("reason", Text, nullable=False),
    Column("version", Integer, nullable=False),
    *_made(),
    time_column("ended_at", nullable=True),
    sqlite_autoincrement=True,
)
hold_lines = Table(
    "hold_lines",
    tables,
    _number(),
    _id(),
    owner_column(),
    Column("hold_id", String(32), ForeignKey("holds.id"), nullable=False),
    Column("lot_id", String(32), ForeignKey("lots.id"), nullable=False),
    _mass("kg"),
    Column("price_fen", BigInteger),
    Column("facts", Text, nullable=False),
    CheckConstraint("kg > 0", name="hold_lines_hold_something"),
    sqlite_autoincrement=True,
)
orders = Table(
    "orders",
    tables,
    _number(),
    _id(),
    owner_column(),
    Column("hold_id", String(32), ForeignKey("holds.id"), nullable=False, unique=True),
    Column("quote_id", String(32), ForeignKey("quotes.id")),
    *_client(),
    Column("state", String(10), nullable=False),
    Column("fee_fen", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    *_made(),
    time_column("changed_at"),
    sqlite_autoincrement=True,
)
order_lines = Table(
    "order_lines",
    tables,
    _number(),
    _id(),
    owner_column(),
    Column("order_id", String(32), ForeignKey("orders.id"), nullable=False),
    Column("lot_id", String(32), ForeignKey("lots.id"), nullable=False),
    *(_mass(name) for name in ("ordered_kg", "filled_kg", "cancelled_kg")),
    Column("price_fen", BigInteger),
    Column("facts", Text, nullable=False),
    CheckConstraint(
        "ordered_kg > 0 AND filled_kg >= 0 AND cancelled_kg >= 0 AND filled_kg + cancelled_kg <= ordered_kg",
        name="order_lines_add_up",
    ),
    sqlite_autoincrement=True,
)
fills = Table(
    "fills",
    tables,
    _number(),
    _id(),
    owner_column(),
    Column("order_id", String(32), ForeignKey("orders.id"), nullable=False),
    Column("line_id", String(32), ForeignKey("order_lines.id"), nullable=False),
    _mass("kg"),
    Column("amount_fen", BigInteger),
    Column("reference", Text, nullable=False),
    *_made(),
    CheckConstraint("kg > 0", name="fills_deliver_something"),
    sqlite_autoincrement=True,
)
LEDGER_GROWING = ("lot_moves", "quotes", "quote_answers", "hold_lines", "fills")
"""Tables whose rows are added and never changed; the database refuses anything else."""
