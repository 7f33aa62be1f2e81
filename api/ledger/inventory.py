"""The inventory of an organisation: lots that are imported, adjusted with a reason, and read as a market.

Offers come as an offers file has them, with its faults and its units. `new` takes only lots that are not there; `add`
puts the file's quantity on top of a lot's stock, at the same terms; `replace` makes terms and stock what the file says.
Lots that a file does not name stay as they are. Stock never goes below what is held.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import RowMapping, func, select
from sqlalchemy.exc import IntegrityError

from api.access.scope import Scope
from api.access.secrets import new_id
from api.archive import documents
from api.database.ledger_tables import lots, moves
from api.ledger.lots import Cause, Entry, as_dict, enter, find_lots, offer_of, terms_of
from api.planning import offers_of
from api.refusals import Refused
from market_data import OffersFile
from market_data.columns import OFFER_COLUMNS
from market_data.store_tables import is_sound
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.offers import Offer
from optimizer.quantities import tonnes

type Mode = Literal["new", "add", "replace"]
REASON_LENGTH_MAX = 500
CHANGEABLE = tuple(c.name for c in OFFER_COLUMNS if c.name not in ("offer_id", "instrument", "quantity"))
"""Terms of a lot that an adjustment may change: another instrument is another lot."""


@dataclass(frozen=True)
class Imported:
    """What an import did."""

    id: str
    added: int
    changed: int


def import_offers(scope: Scope, file: OffersFile, mode: Mode, reason: str = "") -> Imported:
    """Takes offers into the inventory, all of them or none.

    Raises:
        BadInput: every lot that cannot be taken, at once.
        Refused: `conflict`, where another import brought one of them in this moment.
    """
    offers = [file.offers[k] for k in range(len(file.offers))]
    known = _known(scope, [offer.offer_id for offer in offers])
    found = _reason_faults(reason)
    entries = []
    for offer in offers:
        lot = known.get(offer.offer_id)
        found += [] if lot is None else _clash(offer, lot, mode)
        more = int(lot["stock_kg"]) if lot is not None and mode == "add" else 0
        entries.append(Entry(offer, offer.quantity_kg + more, lot))
    if found:
        raise BadInput(found)
    done = Imported(new_id(), len(offers) - len(known), len(known))
    try:
        with scope.c.begin_nested():
            enter(scope, Cause("import", done.id, reason), entries)
    except IntegrityError:
        zh, en = (
            "同一报价编号正由另一次导入写入; 请重试",
            "another import brought one of these lots in this moment; try again",
        )
        raise Refused("conflict", [fault("lot_known", zh, en)]) from None
    scope.note("inventory.import", done.id, file=file.name, sha256=file.sha256, added=done.added, changed=done.changed)
    return done


def _known(scope: Scope, offer_ids: list[str]) -> dict[str, RowMapping]:
    """The lots of these offers that are there, locked."""
    wanted = set(offer_ids)
    ids = [row["id"] for row in scope.rows(scope.select(lots)) if row["offer_id"] in wanted]
    return {row["offer_id"]: row for row in find_lots(scope, ids, lock=True).values()} if ids else {}


def _clash(offer: Offer, lot: RowMapping, mode: Mode) -> list[Finding]:
    """Why a lot that is there cannot take an offer."""
    if mode == "new":
        zh, en = (
            "库存中已有此报价编号; 追加用 mode=add, 替换用 mode=replace",
            ("is in the inventory; mode=add puts more on top, mode=replace takes its place"),
        )
        return [fault("lot_known", zh, en, path="offer_id", value=offer.offer_id)]
    if mode == "replace":
        return _below_held(offer.quantity_kg, lot)
    mine, theirs = json.loads(lot["terms"]), terms_of(offer)
    differing = ", ".join(sorted(k for k in mine.keys() | theirs.keys() if mine.get(k) != theirs.get(k)))
    if not differing:
        return []
    zh = f"{offer.offer_id} 与库存中的条件不同 ({differing}); 条件不同应另立批次, 或用 mode=replace"
    en = f"{offer.offer_id} has other terms than the lot ({differing}); make it another lot, or use mode=replace"
    return [fault("terms_differ", zh, en, path="offer_id", value=offer.offer_id)]


def _below_held(stock_kg: int, lot: RowMapping) -> list[Finding]:
    if stock_kg >= lot["held_kg"]:
        return []
    held = tonnes(lot["held_kg"])
    zh, en = (
        f"{lot['offer_id']}: 已预留 {held} 吨, 库存不能更少",
        f"{lot['offer_id']}: {held} t are held; stock cannot be less",
    )
    return [fault("below_held", zh, en, path="quantity", value=tonnes(stock_kg))]


def _reason_faults(reason: str) -> list[Finding]:
    if len(reason) <= REASON_LENGTH_MAX and is_sound(reason):
        return []
    zh, en = f"应为至多 {REASON_LENGTH_MAX} 个字符的文字", f"should be text of at most {REASON_LENGTH_MAX} characters"
    return [fault("reason", zh, en, path="reason")]


def adjust(
    scope: Scope, lot_id: str, *, change_kg: int, terms: Mapping[str, Any], reason: str, expected: int | None
) -> RowMapping:
    """Changes a lot's stock by so many kg, and some of its terms; gives the lot as it became.

    Raises:
        BadInput: every fault of the new terms and of the reason; stock below what is held.
        Refused: `stale`, where the lot is not at the version that was expected; `not_found`.
    """
    lot = find_lots(scope, [lot_id], lock=True)[lot_id]
    if expected is not None and expected != lot["version"]:
        zh, en = f"现为第 {lot['version']} 版", f"is now at version {lot['version']}"
        raise Refused("stale", [fault("stale", zh, en, path="If-Match", value=f"v{expected}")])
    stock = int(lot["stock_kg"]) + change_kg
    found = [*_reason_faults(reason), *_unchangeable(terms)]
    found += [] if reason.strip() else [fault("reason", "请说明原因", "say why", path="reason")]
    found += _below_held(max(stock, -1), lot) if stock < lot["held_kg"] else []
    if found:
        raise BadInput(found)
    # The quantity is of no account here: it is the lot's stock.
    offer = offers_of([_written({**json.loads(lot["terms"]), **terms, "quantity": "1"})]).offers[0]
    if change_kg or terms_of(offer) != json.loads(lot["terms"]):
        enter(scope, Cause("adjust", lot_id, reason.strip()), [Entry(offer, stock, lot)])
        scope.note("inventory.adjust", lot_id, change_t=tonnes(change_kg), terms=sorted(terms), reason=reason.strip())
    return find_lots(scope, [lot_id])[lot_id]


def _written(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of an offers file; what was set to nothing falls back to the default of its column."""
    return {k: v for k, v in row.items() if v is not None and v != ""}


def _unchangeable(terms: Mapping[str, Any]) -> list[Finding]:
    known = ", ".join(CHANGEABLE)
    zh, en = f"不能在此修改; 可改: {known}", f"cannot be changed here; should be one of {known}"
    return [fault("terms", zh, en, path=f"terms.{key}", value=key) for key in terms if key not in CHANGEABLE]


def available(scope: Scope) -> list[dict[str, Any]]:
    """What can be sold at this moment, in order of offer ids: rows of an offers file, and `lot`, the lot's id."""
    rows = scope.rows(scope.select(lots, lots.c.stock_kg > lots.c.held_kg))
    return [{"lot": row["id"], **offer_of(row)} for row in sorted(rows, key=lambda row: str(row["offer_id"]))]


def sold_kg(scope: Scope) -> dict[str, int]:
    """Lot -> what was delivered of it; lots of which nothing was are left out."""
    wanted = (
        select(moves.c.lot_id, func.sum(-moves.c.stock_delta_kg).label("kg"))
        .where(scope.mine(moves), moves.c.kind == "fill")
        .group_by(moves.c.lot_id)
    )
    return {row["lot_id"]: int(row["kg"]) for row in scope.rows(wanted)}


def shelf(scope: Scope) -> list[dict[str, Any]]:
    """Every lot with its terms, and what of it is there, held, free and sold; in order of offer ids."""
    sold = sold_kg(scope)
    rows = [{**as_dict(row), "sold_t": tonnes(sold.get(row["id"], 0))} for row in scope.rows(scope.select(lots))]
    return sorted(rows, key=lambda row: str(row["offer_id"]))


def before_last_adjustment(scope: Scope, lot_id: str) -> tuple[RowMapping, dict[str, Any]]:
    """A lot's last move, an adjustment, and the terms that it changed, as they were before it; None: there was none.

    Raises:
        Refused: `conflict`, where the last move was no adjustment; `not_found`.
    """
    lot = find_lots(scope, [lot_id], lock=True)[lot_id]
    newest = scope.select(moves, moves.c.lot_id == lot_id).order_by(moves.c.number.desc())
    last = scope.rows(newest.limit(1))[0]
    if last["kind"] != "adjust":
        zh, en = "最近一次变动不是调整", "the last change is no adjustment"
        raise Refused("conflict", [fault("not_adjusted", zh, en, value=lot_id)])
    earlier = scope.rows(newest.where(moves.c.terms.is_not(None), moves.c.number < last["number"]).limit(1))[0]
    was = json.loads(documents.content_of(scope.c, earlier["terms"]))
    is_now = json.loads(lot["terms"])
    return last, {k: was.get(k) for k in was.keys() | is_now.keys() if was.get(k) != is_now.get(k)}
