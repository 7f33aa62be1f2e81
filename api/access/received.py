"""The one read across organisations: a client reads the quotes that are addressed to it, and of them only the offer.

The rule, whole: a row counts that names the caller's organisation as its client, and of it only the columns below are
read. What the broker paid, earned and left out stands in other columns, which no statement of this file selects.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, select

from api.access.scope import Scope
from api.database.ledger_tables import quotes
from api.refusals import not_found

SHOWN = (quotes.c.id, quotes.c.valid_until, quotes.c.offered, quotes.c.made_at)
"""What a client reads of a quote; `offered` is the document that was written for it."""


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


def _addressed(scope: Scope) -> Select[Any]:
    return select(*SHOWN).where(_is_addressed(scope))


def _is_addressed(scope: Scope) -> ColumnElement[bool]:
    mine: ColumnElement[bool] = quotes.c.client_organisation_id == scope.actor.organisation_id
    return mine
