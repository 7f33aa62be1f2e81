"""Holds: stock that is kept for a client until a moment, by the database's clock.

    active -> released      somebody gave it back
    active -> expired       its moment passed; whoever next needs stock of the organisation gives it back, or a sweep
    active -> ordered       it became an order, once (see `orders`)

A hold takes all of its lines or none. Locks are taken in one order everywhere: holds by number, lots by id, the trail.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, bindparam, select
from sqlalchemy.exc import IntegrityError

from api.access.scope import Actor, Records, Scope
from api.database.ledger_tables import hold_lines, holds
from api.database.tables import organisations
from api.ledger.lots import Cause, Change, find_lots, move, together
from api.refusals import Refused
from market_data.store_statements import Prepared
from market_data.store_tables import time_text
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.quantities import KG_PER_T, kg_of, round_half_up, tonnes, yuan

MINUTES_MAX = 7 * 24 * 60
"""A week: who needs longer orders."""
SWEEPER = "sweeper"
"""Who gives back what expired, as the trail names it."""


FACTS = (
    *("offer_id", "instrument", "mechanism", "project_id", "project_name", "methodology", "region", "vintage"),
    *("seller", "registry"),
)
"""What a line without a quote says of its lot."""


_OVERDUE = Prepared(
    select(holds.c.id, holds.c.expires_at)
    .where(holds.c.organisation_id == bindparam("owner"), holds.c.state == bindparam("state"))
    .where(holds.c.expires_at <= bindparam("now"))
    .order_by(holds.c.number)
    .with_for_update()
)


@dataclass(frozen=True)
class Client:
    """For whom: a name, and an organisation of the service where the client is one."""

    name: str
    organisation_id: str | None = None


@dataclass(frozen=True)
class LineHeld:
    """So many kg of a lot at a price; `facts` go on to the order and to what is retired."""

    lot_id: str
    kg: int
    price_fen: int | None
    """Of the whole line, fen; None: no price was agreed."""
    facts: Mapping[str, Any]


def lines_of_lots(scope: Scope, asked: Sequence[tuple[str, int, int | None]], event_id: str | None) -> list[LineHeld]:
    """Lines of lots that are held without a quote: (lot, kg, price in fen per tonne or None).

    Raises:
        BadInput: every line that is no multiple of its lot's size, below its minimum, or of a lot named twice.
        Refused: `not_found`.
    """
    lots = find_lots(scope, [lot_id for lot_id, _, _ in asked])
    found: list[Finding] = []
    lines = []
    for k, (lot_id, kg, price_fen) in enumerate(asked):
        terms = json.loads(lots[lot_id]["terms"])
        found += _size_faults(terms, kg, f"lines[{k}]")
        if lot_id in (one for one, _, _ in asked[:k]):
            found.append(fault("lot_twice", "批次重复", "names a lot twice", path=f"lines[{k}].lot", value=lot_id))
        facts = {name: terms[name] for name in FACTS if name in terms}
        facts |= {"event_id": event_id} if event_id is not None else {}
        price = None if price_fen is None else round_half_up(Fraction(price_fen * kg, KG_PER_T))
        lines.append(LineHeld(lot_id, kg, price, facts))
    if found:
        raise BadInput(found)
    return lines


def _size_faults(terms: Mapping[str, Any], kg: int, path: str) -> list[Finding]:
    size, least = kg_of(terms["lot_size"]), kg_of(terms.get("min_quantity", 0))
    if kg % size == 0 and kg >= least:
        return []
    zh = f"应为整手 {tonnes(size)} 吨的倍数, 且不少于 {tonnes(least)} 吨"
    en = f"should be a multiple of the lot size {tonnes(size)} t, and at least {tonnes(least)} t"
    return [fault("lot_size", zh, en, path=f"{path}.tonnes", value=tonnes(kg))]


def take(
    scope: Scope, client: Client, lines: Sequence[LineHeld], minutes: int, reason: str = "", quote_id: str | None = None
) -> str:
    """Holds all lines for so many minutes, or nothing; gives the hold's id.

    Raises:
        Refused: `sold_out`, naming every lot of which too little is available; `conflict`, where the quote has an open
            hold or an order already; `not_found`, a lot that is not there.
    """
    wanted = together(Change(line.lot_id, held_kg=line.kg) for line in lines)
    give_back_overdue(scope, [change.lot_id for change in wanted])
    expires = time_text(scope.now + timedelta(minutes=minutes))
    hold_id = _add_hold(scope, client, quote_id, expires, reason)
    move(scope, Cause("hold", hold_id, reason), wanted)
    rows = [
        {
            **{"hold_id": hold_id, "lot_id": line.lot_id, "kg": line.kg, "price_fen": line.price_fen},
            "facts": json.dumps(dict(line.facts), ensure_ascii=False, sort_keys=True),
        }
        for line in lines
    ]
    scope.add_all(hold_lines, rows)
    held = {change.lot_id: tonnes(change.held_kg) for change in wanted}
    scope.note("hold.take", hold_id, lots=held, quote=quote_id, client=client.name, expires_at=expires)
    return hold_id


def _add_hold(scope: Scope, client: Client, quote_id: str | None, expires: str, reason: str) -> str:
    values = {
        "quote_id": quote_id,
        "open_quote_id": quote_id,
        "client": client.name,
        "client_organisation_id": client.organisation_id,
        "state": "active",
        "expires_at": expires,
        "reason": reason,
        "version": 1,
        "made_by": scope.actor.user_id,
        "made_at": scope.now_text,
        "ended_at": None,
    }
    if quote_id is None:
        return scope.add(holds, **values)
    try:
        with scope.c.begin_nested():
            return scope.add(holds, **values)
    except IntegrityError:
        zh, en = "此报价已有预留或订单", "this quote has a hold or an order already"
        raise Refused("conflict", [fault("quote_taken", zh, en, path="quote_id", value=quote_id)]) from None


def hold_of_quote(scope: Scope, quote_id: str) -> RowMapping | None:
    """The hold that a quote has, active or ordered, kept from others until the end; None where it has none.

    One that is overdue is left to `take`, which gives all of these back in one order.
    """
    lasts = (holds.c.state == "ordered") | (holds.c.expires_at > scope.now_text)
    found = scope.rows(scope.select(holds, holds.c.open_quote_id == quote_id, lasts).with_for_update())
    return found[0] if found else None


def release(scope: Scope, hold_id: str, reason: str) -> None:
    """Gives back what a hold keeps. Raises Refused `conflict`, where it has ended; `not_found`."""
    row = scope.one(holds, hold_id, lock=True)
    if row["state"] != "active":
        raise ended(row)
    _end(scope, [row], "released")
    move(scope, Cause("release", hold_id, reason), _given_back(lines_of(scope, [hold_id])))
    scope.note("hold.release", hold_id, reason=reason)


def ended(row: RowMapping) -> Refused:
    """A hold that is no more."""
    if row["state"] == "expired":
        zh, en = f"预留已于 {row['expires_at']} 到期", f"expired at {row['expires_at']}"
        return Refused("expired", [fault("hold_expired", zh, en, path="hold_id", value=row["id"])])
    zh, en = f"预留已结束: {row['state']}", f"has ended: {row['state']}"
    return Refused("conflict", [fault("hold_ended", zh, en, path="hold_id", value=row["id"])])


def give_back_overdue(scope: Scope, also_lock: Iterable[str] = ()) -> int:
    """Gives back what the organisation's expired holds keep; how many there were.

    `also_lock` are lots that the same transaction will move next: they are locked with the others, in one order.
    """
    rows = _OVERDUE.rows(scope.c, owner=scope.actor.organisation_id, state="active", now=scope.now_text)
    if not rows:
        return 0
    lines = lines_of(scope, [row["id"] for row in rows])
    find_lots(scope, {*also_lock, *(line["lot_id"] for line in lines)}, lock=True)
    _end(scope, rows, "expired")
    for row in rows:
        mine = [line for line in lines if line["hold_id"] == row["id"]]
        move(scope, Cause("expire", row["id"]), _given_back(mine))
        scope.note("hold.expire", row["id"], expires_at=row["expires_at"])
    return len(rows)


def release_expired(records: Records) -> int:
    """Gives back what expired holds of every organisation keep; how many there were. A sweep calls it now and then."""
    with records.database.reading() as c:
        active = select(holds.c.organisation_id).where(holds.c.state == "active")
        wanted = select(organisations.c.id, organisations.c.name).where(organisations.c.id.in_(active))
        owners = c.execute(wanted.order_by(organisations.c.id)).all()
    given_back = 0
    for organisation_id, name in owners:
        actor = Actor(organisation_id, name, SWEEPER, SWEEPER, frozenset({"broker"}), "job")
        with records.reading(actor) as scope:
            overdue = scope.count(holds, holds.c.state == "active", holds.c.expires_at <= scope.now_text)
        if overdue:
            with records.writing(actor) as scope:
                given_back += give_back_overdue(scope)
    return given_back


def _end(scope: Scope, rows: Sequence[Mapping[Any, Any]], state: str) -> None:
    values = {"state": state, "open_quote_id": None, "ended_at": scope.now_text, "version": holds.c.version + 1}
    scope.change(holds, holds.c.id.in_([row["id"] for row in rows]), **values)


def _given_back(lines: Iterable[RowMapping]) -> list[Change]:
    return together(Change(line["lot_id"], held_kg=-line["kg"]) for line in lines)


def lines_of(scope: Scope, hold_ids: Sequence[str]) -> Sequence[RowMapping]:
    """The lines of holds, in their order."""
    return scope.rows(scope.select(hold_lines, hold_lines.c.hold_id.in_(hold_ids)).order_by(hold_lines.c.number))


def state_of(scope: Scope, row: RowMapping) -> str:
    """active | released | expired | ordered, by the clock: whether or not anybody has given it back yet."""
    overdue = row["state"] == "active" and row["expires_at"] <= scope.now_text
    return "expired" if overdue else str(row["state"])


def is_in_state(scope: Scope, state: str) -> ColumnElement[bool]:
    """The condition that `state_of` gives this state."""
    overdue = (holds.c.state == "active") & (holds.c.expires_at <= scope.now_text)
    if state == "active":
        return (holds.c.state == "active") & (holds.c.expires_at > scope.now_text)
    return overdue | (holds.c.state == "expired") if state == "expired" else holds.c.state == state


def as_dict(scope: Scope, row: RowMapping, lines: Sequence[RowMapping]) -> dict[str, Any]:
    """A hold as programs read it."""
    return {
        "id": row["id"],
        "quote_id": row["quote_id"],
        "client": row["client"],
        "client_organisation": row["client_organisation_id"],
        "state": state_of(scope, row),
        "expires_at": row["expires_at"],
        "reason": row["reason"],
        "lines": [_line_as_dict(line) for line in lines if line["hold_id"] == row["id"]],
        "made_by": row["made_by"],
        "made_at": row["made_at"],
        "ended_at": row["ended_at"],
    }


def _line_as_dict(line: RowMapping) -> dict[str, Any]:
    facts = json.loads(line["facts"])
    price = None if line["price_fen"] is None else yuan(line["price_fen"])
    return {
        **{"id": line["id"], "lot": line["lot_id"], "offer_id": facts["offer_id"]},
        **{"event_id": facts.get("event_id"), "tonnes": tonnes(line["kg"]), "price": price},
    }
