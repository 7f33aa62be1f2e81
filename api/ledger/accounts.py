"""The ledger held against itself: every sum that must agree, derived again from the rows. Reads, and changes nothing.

    stock = what its moves added          held = open holds + open order lines          filled = its fills
    every move stands on the one before   what was sold = what the fills took           one order a hold
    a quote that was accepted has its order, and one that is declined has none

`jinheng db verify` and the tests of crashes ask for it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, case, func, select

from api.database.ledger_tables import fills, hold_lines, holds, lots, moves, order_lines, orders, quote_answers, quotes


@dataclass(frozen=True)
class LedgerFault:
    """One sum that does not agree."""

    what: str
    """moves | chain | held | oversold | filled | order | hold | answer | owner"""
    thing: str
    """The id of the lot, order, line, hold or quote."""
    detail: str


def ledger_faults(c: Connection) -> list[LedgerFault]:
    """Every place where the ledger does not agree with itself; none: it does."""
    return [fault for check in CHECKS for fault in check(c)]


def _sums(c: Connection, key: Any, *amounts: Any) -> dict[str, tuple[int, ...]]:
    """Key -> the sums of some amounts."""
    rows = c.execute(select(key, *(func.sum(amount) for amount in amounts)).group_by(key))
    return {str(row[0]): tuple(int(value or 0) for value in row[1:]) for row in rows}


def _lots_are_what_their_moves_made_them(c: Connection) -> Iterator[LedgerFault]:
    moved = _sums(c, moves.c.lot_id, moves.c.stock_delta_kg, moves.c.held_delta_kg)
    for lot in c.execute(select(lots.c.id, lots.c.stock_kg, lots.c.held_kg)):
        found = moved.get(lot.id, (0, 0))
        if found != (lot.stock_kg, lot.held_kg):
            yield LedgerFault("moves", lot.id, f"stock, held {(lot.stock_kg, lot.held_kg)}; its moves say {found}")
        if not 0 <= lot.held_kg <= lot.stock_kg:
            yield LedgerFault("oversold", lot.id, f"stock {lot.stock_kg} kg, held {lot.held_kg} kg")


def _every_move_stands_on_the_one_before(c: Connection) -> Iterator[LedgerFault]:
    def running(amount: Any) -> Any:
        return func.sum(amount).over(partition_by=moves.c.lot_id, order_by=moves.c.number)

    summed = select(
        moves.c.id,
        moves.c.stock_kg,
        moves.c.held_kg,
        running(moves.c.stock_delta_kg).label("stock"),
        running(moves.c.held_delta_kg).label("held"),
    ).subquery()
    broken = (summed.c.stock != summed.c.stock_kg) | (summed.c.held != summed.c.held_kg)
    for row in c.execute(select(summed).where(broken)):
        yield LedgerFault("chain", row.id, f"says {(row.stock_kg, row.held_kg)}; sums are {(row.stock, row.held)}")


def _held_is_what_open_holds_and_orders_bind(c: Connection) -> Iterator[LedgerFault]:
    bound: dict[str, int] = {}
    active = select(hold_lines.c.lot_id, func.sum(hold_lines.c.kg)).join(holds, holds.c.id == hold_lines.c.hold_id)
    open_kg = order_lines.c.ordered_kg - order_lines.c.filled_kg - order_lines.c.cancelled_kg
    for wanted in (
        active.where(holds.c.state == "active").group_by(hold_lines.c.lot_id),
        select(order_lines.c.lot_id, func.sum(open_kg)).group_by(order_lines.c.lot_id),
    ):
        for lot_id, kg in c.execute(wanted):
            bound[lot_id] = bound.get(lot_id, 0) + int(kg)
    held = {lot.id: int(lot.held_kg) for lot in c.execute(select(lots.c.id, lots.c.held_kg))}
    for lot_id in sorted(held.keys() | bound.keys()):
        if held.get(lot_id, 0) != bound.get(lot_id, 0):
            yield LedgerFault("held", lot_id, f"held {held.get(lot_id)} kg; bound {bound.get(lot_id, 0)} kg")


def _nothing_is_sold_that_was_not_there(c: Connection) -> Iterator[LedgerFault]:
    sold = case((moves.c.kind == "fill", -moves.c.stock_delta_kg), else_=0)
    taken_in = case((moves.c.kind != "fill", moves.c.stock_delta_kg), else_=0)
    delivered = select(order_lines.c.lot_id, func.sum(fills.c.kg)).join(fills, fills.c.line_id == order_lines.c.id)
    by_lot = {lot_id: int(kg) for lot_id, kg in c.execute(delivered.group_by(order_lines.c.lot_id))}
    for lot_id, (went, came) in _sums(c, moves.c.lot_id, sold, taken_in).items():
        if went > came:
            yield LedgerFault("oversold", lot_id, f"{came} kg came in, {went} kg were delivered")
        if went != by_lot.get(lot_id, 0):
            yield LedgerFault("filled", lot_id, f"moves delivered {went} kg, fills {by_lot.get(lot_id, 0)} kg")


def _lines_are_filled_by_their_fills(c: Connection) -> Iterator[LedgerFault]:
    filled = _sums(c, fills.c.line_id, fills.c.kg, func.coalesce(fills.c.amount_fen, 0))
    for line in c.execute(select(order_lines)):
        kg, fen = filled.get(line.id, (0, 0))
        if kg != line.filled_kg:
            yield LedgerFault("filled", line.id, f"filled {line.filled_kg} kg; its fills say {kg} kg")
        if line.filled_kg + line.cancelled_kg > line.ordered_kg or min(line.filled_kg, line.cancelled_kg) < 0:
            yield LedgerFault("oversold", line.id, f"{line.filled_kg} + {line.cancelled_kg} of {line.ordered_kg} kg")
        if line.price_fen is not None and line.filled_kg == line.ordered_kg and fen != line.price_fen:
            yield LedgerFault("filled", line.id, f"costs {line.price_fen} fen; its fills say {fen} fen")


def _orders_are_in_the_state_of_their_lines(c: Connection) -> Iterator[LedgerFault]:
    masses = (order_lines.c.ordered_kg, order_lines.c.filled_kg, order_lines.c.cancelled_kg)
    lines = _sums(c, order_lines.c.order_id, *masses)
    for order in c.execute(select(orders.c.id, orders.c.state)):
        ordered, filled, cancelled = lines.get(order.id, (0, 0, 0))
        ended = "filled" if not cancelled else "closed" if filled else "cancelled"
        state = "open" if filled + cancelled < ordered else ended
        if order.state != state or not ordered:
            yield LedgerFault("order", order.id, f"is {order.state}; its lines say {state}")


def _every_ordered_hold_has_its_one_order(c: Connection) -> Iterator[LedgerFault]:
    found: dict[str, int] = {}
    for hold_id in c.execute(select(orders.c.hold_id)).scalars():
        found[hold_id] = found.get(hold_id, 0) + 1
    held = _sums(c, hold_lines.c.hold_id, hold_lines.c.kg)
    in_orders = select(orders.c.hold_id, func.sum(order_lines.c.ordered_kg)).join(
        order_lines, order_lines.c.order_id == orders.c.id
    )
    ordered = {hold_id: int(kg) for hold_id, kg in c.execute(in_orders.group_by(orders.c.hold_id))}
    for hold in c.execute(select(holds.c.id, holds.c.state)):
        if found.get(hold.id, 0) != (1 if hold.state == "ordered" else 0):
            yield LedgerFault("hold", hold.id, f"is {hold.state} and has {found.get(hold.id, 0)} orders")
        if hold.id not in held:
            yield LedgerFault("hold", hold.id, "holds nothing")
        elif hold.state == "ordered" and held[hold.id] != (ordered.get(hold.id, 0),):
            yield LedgerFault("hold", hold.id, f"held {held[hold.id][0]} kg; ordered {ordered.get(hold.id, 0)} kg")


def _quotes_were_ordered_as_their_clients_answered(c: Connection) -> Iterator[LedgerFault]:
    last = select(func.max(quote_answers.c.number)).group_by(quote_answers.c.quote_id)
    found = select(quote_answers.c.quote_id, quote_answers.c.answer, orders.c.id).outerjoin(
        orders, orders.c.quote_id == quote_answers.c.quote_id
    )
    for quote_id, answer, order_id in c.execute(found.where(quote_answers.c.number.in_(last))):
        if answer == "accepted" and order_id is None:
            yield LedgerFault("answer", quote_id, "was accepted and has no order")
        if answer == "declined" and order_id is not None:
            yield LedgerFault("answer", quote_id, "is declined and has an order")
    theirs = quote_answers.c.organisation_id != quotes.c.organisation_id
    strange = theirs | (quote_answers.c.client_organisation_id != quotes.c.client_organisation_id)
    joined = select(quote_answers.c.quote_id).join(quotes, quotes.c.id == quote_answers.c.quote_id)
    for quote_id in c.execute(joined.where(strange)).scalars():
        yield LedgerFault("owner", quote_id, "was answered by somebody to whom it was not sent")


def _lines_are_of_their_owners_lots(c: Connection) -> Iterator[LedgerFault]:
    for table in (moves, hold_lines, order_lines):
        foreign = select(table.c.id).join(lots, lots.c.id == table.c.lot_id)
        for row_id in c.execute(foreign.where(lots.c.organisation_id != table.c.organisation_id)).scalars():
            yield LedgerFault("owner", row_id, f"{table.name}: its lot is another organisation's")


CHECKS = (
    _lots_are_what_their_moves_made_them,
    _every_move_stands_on_the_one_before,
    _held_is_what_open_holds_and_orders_bind,
    _nothing_is_sold_that_was_not_there,
    _lines_are_filled_by_their_fills,
    _orders_are_in_the_state_of_their_lines,
    _every_ordered_hold_has_its_one_order,
    _quotes_were_ordered_as_their_clients_answered,
    _lines_are_of_their_owners_lots,
)
"""Each gives what it finds."""
