"""Orders: a hold that was accepted, delivered in parts, its rest cancelled.

    open -> filled          every line was delivered whole
    open -> closed          some was delivered, the rest cancelled
    open -> cancelled       nothing was delivered

What is ordered stays held until it is delivered: a fill takes it from stock and from what is held at once, a
cancellation only from what is held. A line's money is shared out over its fills by running sums rounded half up, so
that the fills of a whole line add up to its price.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sqlalchemy import RowMapping
from sqlalchemy.exc import IntegrityError

from api.access.scope import Scope
from api.access.secrets import new_id
from api.database.ledger_tables import fills, holds, order_lines, orders, quotes
from api.ledger.answers import lock_quote, refuse_declined
from api.ledger.holds import ended, lines_of
from api.ledger.lots import Cause, Change, move, together
from api.refusals import Refused, not_found
from market_data.store_tables import time_text
from optimizer.findings import fault
from optimizer.quantities import round_half_up, tonnes, yuan


@dataclass(frozen=True)
class OrderLine:
    """One line of an order: how much of which lot was ordered, delivered, cancelled, at what price."""

    id: str
    order_id: str
    lot_id: str
    ordered_kg: int
    filled_kg: int
    cancelled_kg: int
    price_fen: int | None
    """Of the whole line; None: no price was agreed."""
    facts: Mapping[str, Any]
    """offer_id, instrument, mechanism, project_id ... as the lot had them; from a quote also event_id, registry,
    retire_by, tier and effective_t."""

    @property
    def open_kg(self) -> int:
        """Neither delivered nor cancelled."""
        return self.ordered_kg - self.filled_kg - self.cancelled_kg


def find_order(scope: Scope, order_id: str) -> RowMapping:
    """An order of the organisation's. Raises Refused `not_found`."""
    return scope.one(orders, order_id)


def lines_of_order(scope: Scope, order_id: str) -> list[OrderLine]:
    """The lines of an order in their order. Raises Refused `not_found`."""
    find_order(scope, order_id)
    return lines_of_orders(scope, [order_id])


def lines_of_orders(scope: Scope, order_ids: Sequence[str]) -> list[OrderLine]:
    """The lines of several orders."""
    wanted = scope.select(order_lines, order_lines.c.order_id.in_(order_ids)).order_by(order_lines.c.number)
    return [_line(row) for row in scope.rows(wanted)]


def _line(row: RowMapping) -> OrderLine:
    return OrderLine(
        row["id"],
        row["order_id"],
        row["lot_id"],
        row["ordered_kg"],
        row["filled_kg"],
        row["cancelled_kg"],
        row["price_fen"],
        json.loads(row["facts"]),
    )


# ------------------------------------------------------------------------------------------------------------- verbs


def accept(scope: Scope, hold_id: str) -> str:
    """A hold becomes an order; gives the order's id. What was held stays held, for the order.

    Raises:
        Refused: `expired`, past the hold's moment by the database's clock; `conflict`, where it has ended, or its quote
            was declined; `not_found`.
    """
    hold = scope.one(holds, hold_id, lock=True)
    if hold["state"] != "active":
        raise ended(hold)
    if hold["expires_at"] <= time_text(scope.later()):
        zh, en = f"预留已于 {hold['expires_at']} 到期", f"expired at {hold['expires_at']}"
        raise Refused("expired", [fault("hold_expired", zh, en, path="hold_id", value=hold_id)])
    if hold["quote_id"] is not None:
        lock_quote(scope, hold["quote_id"])
        refuse_declined(scope, hold["quote_id"])
    scope.change(holds, holds.c.id == hold_id, state="ordered", ended_at=scope.now_text, version=holds.c.version + 1)
    order_id = _add_order(scope, hold)
    owned = {"organisation_id": scope.actor.organisation_id, "order_id": order_id, "filled_kg": 0, "cancelled_kg": 0}
    rows = [
        {
            **{**owned, "id": new_id(), "lot_id": line["lot_id"], "ordered_kg": line["kg"]},
            **{"price_fen": line["price_fen"], "facts": line["facts"]},
        }
        for line in lines_of(scope, [hold_id])
    ]
    scope.c.execute(order_lines.insert(), rows)
    scope.note("order.accept", order_id, hold=hold_id, quote=hold["quote_id"], client=hold["client"])
    return order_id


def _add_order(scope: Scope, hold: RowMapping) -> str:
    made = {"made_by": scope.actor.user_id, "made_at": scope.now_text, "changed_at": scope.now_text}
    values = {k: hold[k] for k in ("quote_id", "client", "client_organisation_id")}
    try:
        with scope.c.begin_nested():
            return scope.add(
                orders, hold_id=hold["id"], **values, state="open", fee_fen=_fee_fen(scope, hold), version=1, **made
            )
    except IntegrityError:
        raise ended(hold) from None


def _fee_fen(scope: Scope, hold: RowMapping) -> int:
    """What a quote asks beside its lines."""
    if hold["quote_id"] is None:
        return 0
    in_lines: int = sum(line["price_fen"] for line in lines_of(scope, [hold["id"]]))
    return int(scope.one(quotes, hold["quote_id"])["price_fen"]) - in_lines


def fill(scope: Scope, order_id: str, line_id: str, kg: int, reference: str) -> str:
    """So many kg of a line are delivered; gives the fill's id.

    Raises:
        Refused: `conflict`, more than is open of the line; `not_found`.
    """
    scope.one(orders, order_id, lock=True)
    mine = (order_lines.c.order_id == order_id, order_lines.c.id == line_id)
    before = scope.find(order_lines, *mine)
    if before is None:
        raise not_found()
    line = _line(before)
    if kg > line.open_kg:
        zh, en = f"此行尚余 {tonnes(line.open_kg)} 吨", f"{tonnes(line.open_kg)} t of this line are open"
        raise Refused("conflict", [fault("over_fill", zh, en, path="tonnes", value=tonnes(kg))])
    scope.change(order_lines, *mine, filled_kg=order_lines.c.filled_kg + kg)
    amount = _amount_fen(line, kg)
    made = {"made_by": scope.actor.user_id, "made_at": scope.now_text}
    values = {"order_id": order_id, "line_id": line_id, "kg": kg, "amount_fen": amount, "reference": reference}
    fill_id = scope.add(fills, **values, **made)
    move(scope, Cause("fill", fill_id, reference), [Change(line.lot_id, stock_kg=-kg, held_kg=-kg)])
    _settle(scope, order_id)
    told = {"line": line_id, "tonnes": tonnes(kg), "reference": reference}
    scope.note("order.fill", order_id, fill=fill_id, **told, amount=None if amount is None else yuan(amount))
    return fill_id


def _amount_fen(line: OrderLine, kg: int) -> int | None:
    """What a fill costs: the line's running sum after it less that before it."""
    if line.price_fen is None:
        return None

    def until(delivered: int) -> int:
        return round_half_up(Fraction(line.price_fen * delivered, line.ordered_kg))  # type: ignore[operator]  # told above

    return until(line.filled_kg + kg) - until(line.filled_kg)


def cancel(scope: Scope, order_id: str, reason: str) -> None:
    """Cancels what has not been delivered, and gives it back.

    Raises:
        Refused: `conflict`, where nothing is open; `not_found`.
    """
    scope.one(orders, order_id, lock=True)
    left = [line for line in lines_of_orders(scope, [order_id]) if line.open_kg]
    if not left:
        zh, en = "订单已无未交付的数量", "nothing of the order is open"
        raise Refused("conflict", [fault("order_ended", zh, en, value=order_id)])
    for line in left:
        cancelled = order_lines.c.cancelled_kg + line.open_kg
        scope.change(order_lines, order_lines.c.id == line.id, cancelled_kg=cancelled)
    move(
        scope,
        Cause("cancel", order_id, reason),
        together(Change(line.lot_id, held_kg=-line.open_kg) for line in left),
    )
    _settle(scope, order_id)
    scope.note("order.cancel", order_id, reason=reason, lines={line.id: tonnes(line.open_kg) for line in left})


def _settle(scope: Scope, order_id: str) -> None:
    """The state that an order's lines say it is in."""
    state = state_of(lines_of_orders(scope, [order_id]))
    version = orders.c.version + 1
    scope.change(orders, orders.c.id == order_id, state=state, version=version, changed_at=scope.now_text)


def state_of(lines: Sequence[OrderLine]) -> str:
    """open | filled | closed | cancelled."""
    if any(line.open_kg for line in lines):
        return "open"
    if not any(line.cancelled_kg for line in lines):
        return "filled"
    return "closed" if any(line.filled_kg for line in lines) else "cancelled"


# ----------------------------------------------------------------------------------------------------------- as people


def fills_of(scope: Scope, order_id: str) -> list[dict[str, Any]]:
    """Every delivery of an order, in order of time."""
    rows = scope.rows(scope.select(fills, fills.c.order_id == order_id).order_by(fills.c.number))
    return [
        {
            "id": row["id"],
            "line": row["line_id"],
            "tonnes": tonnes(row["kg"]),
            "amount": _yuan(row["amount_fen"]),
            "reference": row["reference"],
            "made_by": row["made_by"],
            "made_at": row["made_at"],
        }
        for row in rows
    ]


def as_dict(row: RowMapping, lines: Sequence[OrderLine]) -> dict[str, Any]:
    """An order as programs read it."""
    mine = [line for line in lines if line.order_id == row["id"]]
    prices = [line.price_fen for line in mine if line.price_fen is not None]
    price = sum(prices) + row["fee_fen"] if len(prices) == len(mine) else None
    return {
        "id": row["id"],
        "hold_id": row["hold_id"],
        "quote_id": row["quote_id"],
        "client": row["client"],
        "client_organisation": row["client_organisation_id"],
        "state": row["state"],
        "price": _yuan(price),
        "fee": yuan(row["fee_fen"]),
        "lines": [line_as_dict(line) for line in mine],
        "version": row["version"],
        "made_by": row["made_by"],
        "made_at": row["made_at"],
        "changed_at": row["changed_at"],
    }


def line_as_dict(line: OrderLine) -> dict[str, Any]:
    """A line as programs read it."""
    return {
        "id": line.id,
        "lot": line.lot_id,
        "offer_id": line.facts["offer_id"],
        "event_id": line.facts.get("event_id"),
        "ordered_t": tonnes(line.ordered_kg),
        "filled_t": tonnes(line.filled_kg),
        "cancelled_t": tonnes(line.cancelled_kg),
        "open_t": tonnes(line.open_kg),
        "price": _yuan(line.price_fen),
    }


def _yuan(fen: int | None) -> str | None:
    return None if fen is None else yuan(fen)
