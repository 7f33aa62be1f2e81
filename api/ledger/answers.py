"""What clients answered to quotes, as the broker's books keep it. Answers are added; the last one of a quote counts.

    accepted    the quote's order was made in the same transaction; no answer follows
    declined    while it stands, nothing is held or ordered of the quote
    reopened    declining was taken back, as if nothing had been answered

Who may answer what, and until when, is in `accepting`.
"""

from collections.abc import Sequence
from itertools import batched
from typing import Any, Literal

from sqlalchemy import RowMapping

from api.access.scope import Actor, Scope
from api.database.ledger_tables import quote_answers, quotes
from api.refusals import Refused
from optimizer.findings import fault

type Answer = Literal["accepted", "declined", "reopened"]

LOOKED_UP_AT_ONCE = 1000
"""Quotes of one statement: databases bound how many values one takes."""


def lock_quote(scope: Scope, quote_id: str) -> None:
    """Has answers to a quote, and orders of it, follow one another until the end."""
    # Not FOR UPDATE: holds that refer to the quote may still be added by others.
    scope.rows(scope.select(quotes, quotes.c.id == quote_id).with_for_update(key_share=True))


def last_answers(scope: Scope, quote_ids: Sequence[str]) -> dict[str, RowMapping]:
    """Quote -> the last answer to it, of the organisation's quotes that were answered."""
    found: dict[str, RowMapping] = {}
    for some in batched(quote_ids, LOOKED_UP_AT_ONCE):
        wanted = scope.select(quote_answers, quote_answers.c.quote_id.in_(some)).order_by(quote_answers.c.number)
        found |= {row["quote_id"]: row for row in scope.rows(wanted)}
    return found


def add_answer(scope: Scope, quote_id: str, answer: Answer, client: Actor, reason: str) -> None:
    """Adds an answer of a client's to the broker's books."""
    scope.add(
        quote_answers,
        quote_id=quote_id,
        client_organisation_id=client.organisation_id,
        answer=answer,
        reason=reason,
        made_by=client.user_id,
        made_by_name=client.name,
        made_at=scope.now_text,
    )


def refuse_declined(scope: Scope, quote_id: str) -> None:
    """Raises Refused `conflict` where the client declined the quote and has not taken that back."""
    last = last_answers(scope, [quote_id]).get(quote_id)
    if last is not None and last["answer"] == "declined":
        zh = "客户已拒绝此报价; 客户撤销拒绝后才能预留或下单"
        en = "the client declined this quote; it can be held or ordered once the client takes that back"
        raise Refused("conflict", [fault("declined", zh, en, path="quote_id", value=quote_id)])


def as_dict(row: RowMapping | None) -> dict[str, Any] | None:
    """The answer that stands, as programs read it; None where there is none."""
    if row is None or row["answer"] == "reopened":
        return None
    return {"state": row["answer"], "by": row["made_by_name"], "reason": row["reason"], "at": row["made_at"]}
