"""Snapshots as organisations hold them: content once by its hash, and who holds it under which name."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping, select
from sqlalchemy.exc import IntegrityError

from api.access.scope import Scope
from api.database.tables import held_snapshots
from api.refusals import not_found
from market_data import OffersFile
from market_data.snapshot import ID_SHOWN_LENGTH, Snapshot, encode, find_id
from market_data.snapshot_store import add_snapshot, is_stored, read_snapshot, snapshot_of
from market_data.store_tables import findings_of, findings_text
from optimizer.errors import BadInput
from optimizer.findings import fault


@dataclass(frozen=True)
class Encoded:
    """A snapshot and its bytes, made ready before the transaction, so that other writers do not wait."""

    snapshot: Snapshot
    content: bytes


def encoded(snapshot: Snapshot) -> Encoded:
    """Raises BadInput: an offer id that stands twice."""
    return Encoded(snapshot, encode(snapshot.offers))


def hold(scope: Scope, ready: Encoded) -> RowMapping:
    """Keeps a snapshot for the organisation; the same content again is one holding, as it was the first time."""
    snapshot = ready.snapshot
    known = is_stored(scope.c, snapshot.id)
    add_snapshot(scope.c, snapshot, None if known else ready.content, scope.now)
    held = scope.find(held_snapshots, held_snapshots.c.snapshot_id == snapshot.id)
    if held is not None:
        return held
    values = {
        "snapshot_id": snapshot.id,
        "name": snapshot.source,
        "as_of": snapshot.as_of.isoformat(),
        "offers": len(snapshot.offers),
        "findings": findings_text(snapshot.findings),
        "made_by": scope.actor.user_id,
        "made_at": scope.now_text,
    }
    try:
        with scope.c.begin_nested():
            row_id = scope.add(held_snapshots, **values)
    except IntegrityError:  # another request of the organisation kept it in this moment
        return scope.rows(scope.select(held_snapshots, held_snapshots.c.snapshot_id == snapshot.id))[0]
    scope.note("snapshot.keep", snapshot.id, name=snapshot.source, offers=len(snapshot.offers))
    return scope.one(held_snapshots, row_id)


def held(scope: Scope, text: str) -> RowMapping:
    """The organisation's snapshot that an id or the beginning of one names.

    Raises:
        BadInput: no id, or one that begins several.
        Refused: `not_found`.
    """
    beginning = find_id(text)
    if beginning is None:
        zh = f"不是快照编号; 应为至少 {ID_SHOWN_LENGTH} 位十六进制数字"
        en = f"is no snapshot id: at least {ID_SHOWN_LENGTH} hexadecimal digits"
        raise BadInput([fault("snapshot_id", zh, en, path="snapshot", value=text)])
    found = scope.rows(scope.select(held_snapshots, held_snapshots.c.snapshot_id.startswith(beginning)).limit(2))
    if not found:
        raise not_found()
    if len(found) > 1:
        zh, en = "可指多个快照, 请多写几位", "names several snapshots; write more digits"
        raise BadInput([fault("snapshot_ambiguous", zh, en, path="snapshot", value=text)])
    return found[0]


def load(scope: Scope, text: str) -> OffersFile:
    """The organisation's snapshot as a market, its content held against its id. Raises as `held`."""
    row = held(scope, text)
    content, receipt = read_snapshot(scope.c, row["snapshot_id"])
    offers = snapshot_of(content, receipt).offers
    return OffersFile(offers, findings_of(row["findings"]), row["snapshot_id"], f"snapshot {row['snapshot_id'][:12]}")


def held_ids(scope: Scope) -> set[str]:
    """The ids of the organisation's snapshots."""
    return set(scope.c.execute(select(held_snapshots.c.snapshot_id).where(scope.mine(held_snapshots))).scalars())


def as_dict(row: RowMapping, lang: Any) -> dict[str, Any]:
    """A holding as programs read it."""
    findings = findings_of(row["findings"])
    return {
        "id": row["snapshot_id"],
        "name": row["name"],
        "as_of": row["as_of"],
        "offers": row["offers"],
        "warnings": [f.as_dict(lang) for f in findings],
        "made_by": row["made_by"],
        "made_at": row["made_at"],
    }
