"""The one way across organisations: a client reads the quotes that are addressed to it, and answers them.

The rule, whole: a row counts that names the caller's organisation as its client, and of it only the columns below are
read. What the broker paid, earned and left out stands in other columns, which no statement of this file selects. Who
answers such a quote is let into the broker's books for that one transaction, with no permission of its own: what is
done there is in `ledger.accepting`.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, select

from api.access.scope import Actor, Scope
from api.database.ledger_tables import orders, quote_answers, quotes
from api.database.tables import organisations
from api.refusals import not_found

SHOWN = (quotes.c.id, quotes.c.valid_until, quotes.c.offered, quotes.c.made_at)
"""What a client reads of a quote; `offered` is the document that was written for it."""
CLIENT = "client"
"""Who acts in a broker's books when a client answers a quote, as rows and trail name them."""


def received_quotes(scope: Scope, limit: int, after: str | None) -> tuple[Sequence[RowMapping], str | None]:
    """The quotes that the caller's organisation got, the newest first. Raises BadInput for a cursor that is none."""
    return scope.page_of(_addressed(scope), quotes, _is_addressed(scope), limit, after)


def received_quote(scope: Scope, quote_id: str) -> RowMapping:
    """One quote that the caller's organisation got.

    Raises:
        Refused: `not_found`, the same whether it never was or went to somebody else.
    """
    row = scope.c.execute(_addressed(scope).where(quotes.c.id == quote_id)).mappings().one_or_none()
    if row is None:
        raise not_found()
    return row


def answers_received(scope: Scope, quote_ids: Sequence[str]) -> dict[str, RowMapping]:
    """Quote -> the last answer that the caller's organisation gave to it."""
    wanted = select(quote_answers).where(
        quote_answers.c.client_organisation_id == scope.actor.organisation_id, quote_answers.c.quote_id.in_(quote_ids)
    )
    return {row["quote_id"]: row for row in scope.rows(wanted.order_by(quote_answers.c.number))}


def orders_received(scope: Scope, quote_ids: Sequence[str]) -> dict[str, str]:
    """Quote -> the number of the order that came of it, for the caller's organisation."""
    wanted = select(orders.c.quote_id, orders.c.id).where(
        orders.c.client_organisation_id == scope.actor.organisation_id, orders.c.quote_id.in_(quote_ids)
    )
    return {row["quote_id"]: row["id"] for row in scope.rows(wanted)}


def books_of_broker(scope: Scope, quote_id: str) -> Scope:
    """The books of whoever sent a quote, for the caller who answers it.

    Raises:
        Refused: `not_found`, the same whether it never was or went to somebody else.
    """
    broker = select(quotes.c.organisation_id, organisations.c.name).join_from(
        quotes, organisations, organisations.c.id == quotes.c.organisation_id
    )
    row = scope.c.execute(broker.where(_is_addressed(scope), quotes.c.id == quote_id)).mappings().one_or_none()
    if row is None:
        raise not_found()
    who = f"{scope.actor.organisation}: {scope.actor.name}"
    return scope.books_of(Actor(row["organisation_id"], row["name"], CLIENT, who, frozenset(), "client"))


def _addressed(scope: Scope) -> Select[Any]:
    return select(*SHOWN).where(_is_addressed(scope))


def _is_addressed(scope: Scope) -> ColumnElement[bool]:
    mine: ColumnElement[bool] = quotes.c.client_organisation_id == scope.actor.organisation_id
    return mine
