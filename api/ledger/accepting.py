"""A client answers a quote that it received: accepts it, declines it, takes declining back; only while it stands.

Accepting is the broker's own hold and order, made in the broker's books in one transaction with the answer. Both
organisations' trails tell it, each in its own words. Locks are taken as everywhere in the ledger, and the quote behind
the lots: holds by number, lots by id, the quote, the trails by organisation.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping

from api.access.received import answers_received, books_of_broker, orders_received
from api.access.scope import Scope
from api.database.ledger_tables import orders as order_table
from api.database.ledger_tables import quotes as quote_table
from api.ledger import answers, holds, orders, quotes
from api.refusals import Refused
from market_data.store_tables import time_text
from optimizer.findings import fault
from optimizer.quantities import yuan

PASSING_MINUTES = 60
"""Of a hold that becomes an order in the same transaction: the transaction is over before."""


def accept_quote(scope: Scope, quote_id: str) -> None:
    """The client takes a firm quote whole, at its prices: the broker's order is made of it.

    What the broker holds for the quote becomes the order; without a hold the lots are held first.

    Raises:
        Refused: `not_found`; `expired`, past the quote's moment; `sold_out`, where too little is left of a lot;
            `conflict`: indicative, without lines, answered or ordered already.
    """
    books = books_of_broker(scope, quote_id)
    row = books.one(quote_table, quote_id)
    _refuse_answered(books, quote_id)
    if not row["firm"]:
        zh, en = "意向报价不能接受; 请经纪商作出确定报价", "is indicative: ask the broker for a firm quote to accept"
        raise Refused("conflict", [fault("indicative", zh, en, path="quote_id", value=quote_id)])
    order_id = orders.accept(books, _held(books, row))
    # Looked at last: whoever waited for a lock may have waited past the moment.
    _refuse_ended(books, row)
    answers.add_answer(books, quote_id, "accepted", scope.actor, "")
    books.note("quote.accept", quote_id, client=scope.actor.organisation, by=scope.actor.name, order=order_id)
    _note(scope, books, row, "accept", order=order_id, price=yuan(row["price_fen"]))


def decline_quote(scope: Scope, quote_id: str, reason: str) -> None:
    """The client does not want it. While that stands nothing is held or ordered of the quote.

    Raises:
        Refused: `not_found`; `expired`; `conflict`, answered or ordered already.
    """
    books, row = _locked(scope, quote_id)
    _refuse_answered(books, quote_id)
    if books.find(order_table, order_table.c.quote_id == quote_id) is not None:
        raise _ordered(quote_id)
    answers.add_answer(books, quote_id, "declined", scope.actor, reason)
    books.note("quote.decline", quote_id, client=scope.actor.organisation, by=scope.actor.name, reason=reason)
    _note(scope, books, row, "decline", reason=reason)


def reopen_quote(scope: Scope, quote_id: str) -> None:
    """The client takes declining back: the quote stands as if it had not been answered.

    Raises:
        Refused: `not_found`; `expired`; `conflict`, where it is not declined.
    """
    books, row = _locked(scope, quote_id)
    last = answers.as_dict(answers.last_answers(books, [quote_id]).get(quote_id))
    if last is None or last["state"] != "declined":
        zh, en = "此报价未被拒绝, 无可撤销", "this quote is not declined: there is nothing to take back"
        raise Refused("conflict", [fault("not_declined", zh, en, path="quote_id", value=quote_id)])
    answers.add_answer(books, quote_id, "reopened", scope.actor, "")
    books.note("quote.reopen", quote_id, client=scope.actor.organisation, by=scope.actor.name)
    _note(scope, books, row, "reopen")


def received_documents(scope: Scope, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """Received quotes as the client reads them: each offer, the answer that stands, and the order that came of it."""
    ids = [row["id"] for row in rows]
    answered, ordered = answers_received(scope, ids), orders_received(scope, ids)
    return [
        {
            **quotes.as_client_reads(scope, row),
            "answer": answers.as_dict(answered.get(row["id"])),
            "order_id": ordered.get(row["id"]),
        }
        for row in rows
    ]


# ------------------------------------------------------------------------------------------------------ what they share


def _held(books: Scope, row: RowMapping) -> str:
    """The hold of a quote that becomes its order: the broker's, while it lasts, or one that is taken now."""
    hold = holds.hold_of_quote(books, row["id"])
    if hold is not None and hold["state"] == "ordered":
        raise _ordered(row["id"])
    if hold is not None:
        return str(hold["id"])
    try:
        return quotes.hold_quote(books, row["id"], PASSING_MINUTES, "")
    except Refused as refusal:
        if refusal.code != "sold_out":
            raise
        # How much is left of which lot is the broker's alone.
        zh = "所列批次已不足, 无法按此报价成交; 请经纪商重新报价"
        en = "too little is left of what it offers; ask the broker for a new quote"
        raise Refused("sold_out", [fault("sold_out", zh, en, path="quote_id", value=row["id"])]) from None


def _locked(scope: Scope, quote_id: str) -> tuple[Scope, RowMapping]:
    """The broker's books and the quote in them, which nobody else answers or orders meanwhile."""
    books = books_of_broker(scope, quote_id)
    row = books.one(quote_table, quote_id)
    answers.lock_quote(books, quote_id)
    _refuse_ended(books, row)
    return books, row


def _refuse_ended(books: Scope, row: RowMapping) -> None:
    if row["valid_until"] <= time_text(books.later()):
        raise quotes.ended(row)


def _refuse_answered(books: Scope, quote_id: str) -> None:
    last = answers.as_dict(answers.last_answers(books, [quote_id]).get(quote_id))
    if last is None:
        return
    done_zh, done_en = ("接受", "accepted") if last["state"] == "accepted" else ("拒绝", "declined")
    zh = f"{last['by']} 已于 {last['at']} {done_zh}此报价"
    en = f"was {done_en} by {last['by']} at {last['at']}"
    raise Refused("conflict", [fault(last["state"], zh, en, path="quote_id", value=quote_id)])


def _ordered(quote_id: str) -> Refused:
    zh, en = "经纪商已按此报价下单", "the broker has made the order already"
    return Refused("conflict", [fault("quote_taken", zh, en, path="quote_id", value=quote_id)])


def _note(scope: Scope, books: Scope, row: RowMapping, verb: str, **more: Any) -> None:
    """Tells it in the client's own trail."""
    scope.note(f"received_quote.{verb}", row["id"], broker=books.actor.organisation, event=row["event_id"], **more)
