"""Lots and their moves: the only file that changes what is in stock and what of it is held.

    available = stock - held        stock = sum of its moves        held = sum of open holds and open order lines

A change of several lots happens whole or not at all. Each is one conditional UPDATE, lots in order of their ids, so
that two changes never wait for one another in a ring; the database's own CHECK stands behind it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import BigInteger, RowMapping, bindparam, literal_column, update

from api.access.scope import Scope
from api.access.secrets import new_id
from api.archive import documents
from api.database.ledger_tables import lots, moves
from api.refusals import Refused, not_found
from market_data.store_statements import Prepared
from optimizer.findings import Finding, fault
from optimizer.offers import Offer
from optimizer.plan import canonical
from optimizer.quantities import tonnes

_STOCK = lots.c.stock_kg + bindparam("stock", type_=BigInteger)
_HELD = lots.c.held_kg + bindparam("held", type_=BigInteger)
_NONE, _ONE = literal_column("0", BigInteger), literal_column("1", BigInteger)
_MOVED = Prepared(
    update(lots)
    .where(lots.c.organisation_id == bindparam("owner"), lots.c.id == bindparam("lot"))
    .where(_HELD <= _STOCK, _HELD >= _NONE)
    .values(stock_kg=_STOCK, held_kg=_HELD, version=lots.c.version + _ONE, changed_at=bindparam("now"))
    .returning(lots.c.stock_kg, lots.c.held_kg)
)

type MoveKind = Literal["import", "adjust", "hold", "release", "expire", "fill", "cancel"]


@dataclass(frozen=True)
class Change:
    """What one move adds to a lot, kg; negative takes away."""

    lot_id: str
    stock_kg: int = 0
    held_kg: int = 0


@dataclass(frozen=True)
class Cause:
    """Why lots move: the kind of move, the thing that it belongs to, and what somebody said about it."""

    kind: MoveKind
    reference: str
    reason: str = ""


def terms_of(offer: Offer) -> dict[str, Any]:
    """An offer's terms as an offers file has them, without blanks and without its quantity: that is the stock."""
    written = offer.model_dump(mode="json", by_alias=True)
    blank = {"vintage"} if not offer.vintage else set()
    return {k: v for k, v in written.items() if v not in ("", None) and k not in {"quantity", *blank}}


def offer_of(lot: RowMapping) -> dict[str, Any]:
    """What can be bought of a lot at this moment, as a row of an offers file."""
    return {**json.loads(lot["terms"]), "quantity": tonnes(lot["stock_kg"] - lot["held_kg"])}


def find_lots(scope: Scope, lot_ids: Iterable[str], *, lock: bool = False) -> dict[str, RowMapping]:
    """Lots by their ids; `lock` keeps others from moving them until the end.

    Raises:
        Refused: `not_found`, where one is not there.
    """
    wanted = sorted(set(lot_ids))
    selection = scope.select(lots, lots.c.id.in_(wanted)).order_by(lots.c.id)
    # Not FOR UPDATE: rows that refer to the lot may still be added by others.
    rows = scope.rows(selection.with_for_update(key_share=True) if lock else selection)
    if len(rows) != len(wanted):
        raise not_found()
    return {row["id"]: row for row in rows}


def move(scope: Scope, cause: Cause, changes: Sequence[Change]) -> None:
    """Moves lots, all of them or none.

    Args:
        scope: the organisation.
        cause: why.
        changes: at most one of a lot.

    Raises:
        Refused: `sold_out`, naming every lot of which too little is available.
    """
    after: dict[str, Mapping[str, int]] = {}
    short: list[Change] = []
    owned = {"owner": scope.actor.organisation_id, "now": scope.now_text}
    for change in sorted(changes, key=lambda one: one.lot_id):
        amounts = {"lot": change.lot_id, "stock": change.stock_kg, "held": change.held_kg}
        found = _MOVED.rows(scope.c, **owned, **amounts)
        if found:
            after[change.lot_id] = found[0]
        else:
            short.append(change)
    if short:
        raise _sold_out(scope, short)
    told = {"kind": cause.kind, "reference": cause.reference, "reason": cause.reason, "terms": None}
    told |= {"made_by": scope.actor.user_id, "made_at": scope.now_text}
    scope.add_all(
        moves,
        [
            {
                **{"lot_id": one.lot_id, "stock_delta_kg": one.stock_kg, "held_delta_kg": one.held_kg},
                **after[one.lot_id],
                **told,
            }
            for one in changes
        ],
    )


def _sold_out(scope: Scope, short: Sequence[Change]) -> Refused:
    rows = find_lots(scope, [change.lot_id for change in short])
    found: list[Finding] = []
    for change in short:
        lot = rows[change.lot_id]
        there, asked = tonnes(lot["stock_kg"] - lot["held_kg"]), tonnes(change.held_kg - change.stock_kg)
        zh, en = f"可用 {there} 吨, 需要 {asked} 吨", f"{there} t are available, {asked} t are asked for"
        found.append(fault("sold_out", zh, en, path="lines", value=lot["offer_id"]))
    return Refused("sold_out", found)


def together(changes: Iterable[Change]) -> list[Change]:
    """One change a lot, in order of lots: what several changes of the same lot add up to."""
    sums: dict[str, tuple[int, int]] = {}
    for one in changes:
        stock, held = sums.get(one.lot_id, (0, 0))
        sums[one.lot_id] = stock + one.stock_kg, held + one.held_kg
    return [Change(lot_id, *sums[lot_id]) for lot_id in sorted(sums)]


# ------------------------------------------------------------------------------------------------- stock and its terms


@dataclass(frozen=True)
class Entry:
    """A lot as it is to be after an import or an adjustment."""

    offer: Offer
    stock_kg: int
    lot: RowMapping | None = None
    """As it was; None: it is new."""


def enter(scope: Scope, cause: Cause, entries: Sequence[Entry]) -> list[str]:
    """Adds lots and changes terms and stock of lots that were locked before; gives their ids in the same order."""
    terms = [canonical(terms_of(entry.offer)) for entry in entries]
    hashes = documents.keep_all(scope.c, [text.encode() for text in terms])
    added: list[dict[str, Any]] = []
    noted: list[dict[str, Any]] = []
    ids: list[str] = []
    for entry, text, sha256 in zip(entries, terms, hashes, strict=True):
        before = entry.lot
        lot_id = new_id() if before is None else str(before["id"])
        held = 0 if before is None else int(before["held_kg"])
        ids.append(lot_id)
        owned = {"organisation_id": scope.actor.organisation_id}
        made = {"made_by": scope.actor.user_id, "made_at": scope.now_text}
        if before is None:
            lot = {"id": lot_id, "offer_id": entry.offer.offer_id, "terms": text, "stock_kg": entry.stock_kg}
            added.append({**owned, **lot, "held_kg": 0, "version": 1, **made, "changed_at": scope.now_text})
        else:
            values = {"terms": text, "stock_kg": entry.stock_kg, "version": lots.c.version + 1}
            scope.change(lots, lots.c.id == lot_id, **values, changed_at=scope.now_text)
        delta = entry.stock_kg - (0 if before is None else int(before["stock_kg"]))
        told = {"kind": cause.kind, "reference": cause.reference, "reason": cause.reason, "terms": sha256, **made}
        amounts = {"stock_delta_kg": delta, "held_delta_kg": 0, "stock_kg": entry.stock_kg, "held_kg": held}
        noted.append({**owned, "id": new_id(), "lot_id": lot_id, **amounts, **told})
    for table, rows in ((lots, added), (moves, noted)):
        if rows:
            scope.c.execute(table.insert(), rows)
    return ids


# ----------------------------------------------------------------------------------------------------------- as people


def as_dict(lot: RowMapping | Mapping[str, Any]) -> dict[str, Any]:
    """A lot as programs read it."""
    return {
        "id": lot["id"],
        "offer_id": lot["offer_id"],
        "stock_t": tonnes(lot["stock_kg"]),
        "held_t": tonnes(lot["held_kg"]),
        "available_t": tonnes(lot["stock_kg"] - lot["held_kg"]),
        "terms": json.loads(lot["terms"]),
        "version": lot["version"],
        "made_at": lot["made_at"],
        "changed_at": lot["changed_at"],
    }


def move_as_dict(scope: Scope, row: RowMapping) -> dict[str, Any]:
    """A line of a lot's history."""
    terms = None if row["terms"] is None else json.loads(documents.content_of(scope.c, row["terms"]))
    return {
        "id": row["id"],
        "kind": row["kind"],
        "stock_change_t": tonnes(row["stock_delta_kg"]),
        "held_change_t": tonnes(row["held_delta_kg"]),
        "stock_t": tonnes(row["stock_kg"]),
        "held_t": tonnes(row["held_kg"]),
        "terms": terms,
        "reference": row["reference"],
        "reason": row["reason"],
        "made_by": row["made_by"],
        "made_at": row["made_at"],
    }
