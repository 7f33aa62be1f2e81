"""Snapshots in the database: content in chunks once, a receipt for every import. Rows are added, never changed.

Every function works on a connection inside the caller's transaction; `store` opens and ends those.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, func, select
from sqlalchemy.dialects import postgresql, sqlite

from market_data.snapshot import ID_SHOWN_LENGTH, Snapshot, damaged, decode, find_id
from market_data.store_tables import (
    CHUNK_BYTES_MAX,
    counts_of,
    counts_text,
    findings_of,
    findings_text,
    imports,
    snapshot_chunks,
    snapshots,
    sound,
    time_of,
    time_text,
)
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault

CANDIDATES_SHOWN_MAX = 10
"""Snapshots listed where the beginning of an id fits several: enough to choose from."""


@dataclass(frozen=True)
class Receipt:
    """One import of a snapshot: when, from where, and what became of the rows."""

    number: int
    """Counts up through the store; gaps are imports that failed."""
    snapshot_id: str
    source: str
    as_of: date
    imported_at: datetime
    """UTC."""
    rows_read: int
    left_out: Mapping[str, int]
    findings: tuple[Finding, ...]
    first: bool
    """True where this import brought the content; False where the store already had it."""


@dataclass(frozen=True)
class StoredSnapshot:
    """One line of the list of snapshots."""

    id: str
    offers: int
    byte_length: int
    """Of the stored content."""
    stored_at: datetime
    """UTC."""
    first: Receipt
    latest: Receipt
    imports: int
    """Receipts in all."""


def is_stored(c: Connection, snapshot_id: str) -> bool:
    """Whether the store has this content."""
    return c.execute(select(snapshots.c.id).where(snapshots.c.id == snapshot_id)).first() is not None


def add_snapshot(c: Connection, snapshot: Snapshot, content: bytes | None, imported_at: datetime) -> Receipt:
    """Adds a receipt, and before it the content where it is new. `content` is None where the store has it.

    Raises:
        BadInput: `imported_at` without a time zone.
    """
    time = time_text(imported_at)
    if content is not None:
        _add_content(c, snapshot, content, time)
    row = {
        "snapshot_id": snapshot.id,
        "source": sound(snapshot.source),
        "as_of": snapshot.as_of.isoformat(),
        "imported_at": time,
        "rows_read": snapshot.rows_read,
        "left_out": counts_text(snapshot.left_out),
        "findings": findings_text(snapshot.findings),
    }
    number = c.execute(imports.insert().returning(imports.c.number), row).scalar_one()
    return next(r for r in receipts_of(c, snapshot.id) if r.number == number)


def _add_content(c: Connection, snapshot: Snapshot, content: bytes, time: str) -> None:
    insert = (sqlite if c.dialect.name == "sqlite" else postgresql).insert(snapshots)
    head = {
        "id": snapshot.id,
        "offers": len(snapshot.offers),
        "byte_length": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "stored_at": time,
    }
    # Two processes may save the same content at once: the second waits for the first here and finds it done.
    # Asked by RETURNING, because a driver need not count rows of an INSERT.
    if c.execute(insert.on_conflict_do_nothing().returning(snapshots.c.id), head).first() is None:
        return
    chunks = [
        {"snapshot_id": snapshot.id, "number": number, "content": content[at : at + CHUNK_BYTES_MAX]}
        for number, at in enumerate(range(0, len(content), CHUNK_BYTES_MAX))
    ]
    c.execute(snapshot_chunks.insert(), chunks)


def list_snapshots(c: Connection) -> tuple[StoredSnapshot, ...]:
    """All snapshots, the one imported last first."""
    ends = select(
        imports.c.snapshot_id,
        func.min(imports.c.number).label("first"),
        func.max(imports.c.number).label("latest"),
        func.count().label("imports"),
    ).group_by(imports.c.snapshot_id)
    found = ends.subquery()
    heads = c.execute(
        select(snapshots, found).join(found, found.c.snapshot_id == snapshots.c.id).order_by(found.c.latest.desc())
    ).mappings()
    shown = select(imports).where(imports.c.number.in_(select(found.c.first).union(select(found.c.latest))))
    by_number = {row["number"]: row for row in c.execute(shown).mappings()}
    return tuple(
        StoredSnapshot(
            head["id"],
            head["offers"],
            head["byte_length"],
            time_of(head["stored_at"]),
            _receipt(by_number[head["first"]], first=True),
            _receipt(by_number[head["latest"]], first=head["first"] == head["latest"]),
            head["imports"],
        )
        for head in heads
    )


def receipts_of(c: Connection, snapshot_id: str) -> tuple[Receipt, ...]:
    """Every import of one snapshot, the first first."""
    rows = c.execute(select(imports).where(imports.c.snapshot_id == snapshot_id).order_by(imports.c.number)).mappings()
    return tuple(_receipt(row, first=position == 0) for position, row in enumerate(rows))


def _receipt(row: RowMapping, *, first: bool) -> Receipt:
    return Receipt(
        row["number"],
        row["snapshot_id"],
        row["source"],
        date.fromisoformat(row["as_of"]),
        time_of(row["imported_at"]),
        row["rows_read"],
        counts_of(row["left_out"]),
        findings_of(row["findings"]),
        first,
    )


def resolve_id(c: Connection, text: str) -> str:
    """The full id that `text` names by its beginning.

    Raises:
        BadInput: no id at all, of no snapshot, or of several (they are listed).
    """
    beginning = find_id(text)
    if beginning is None:
        zh = f"不是快照编号; 应为至少 {ID_SHOWN_LENGTH} 位十六进制数字"
        en = f"is no snapshot id: at least {ID_SHOWN_LENGTH} hexadecimal digits"
        raise BadInput([fault("snapshot_id", zh, en, value=text)])
    found = list(c.execute(_beginning_with(beginning)))
    if len(found) == 1:
        return str(found[0].id)
    if not found:
        zh, en = "库中没有此快照; 请查看快照列表", "is not in the store; see the list of snapshots"
        raise BadInput([fault("snapshot_unknown", zh, en, value=text)])
    raise BadInput([_ambiguous(text, list(_candidates(c, found)))])


def _beginning_with(beginning: str) -> Select[Any]:
    return (
        select(snapshots.c.id)
        .where(snapshots.c.id.startswith(beginning))
        .order_by(snapshots.c.id)
        .limit(CANDIDATES_SHOWN_MAX + 1)
    )


def _candidates(c: Connection, found: list[Any]) -> Iterator[str]:
    for row in found[:CANDIDATES_SHOWN_MAX]:
        receipt = receipts_of(c, row.id)[0]
        yield f"{row.id} ({receipt.source}, {receipt.as_of})"
    if len(found) > CANDIDATES_SHOWN_MAX:
        yield "..."


def _ambiguous(text: str, candidates: list[str]) -> Finding:
    listed = "; ".join(candidates)
    zh, en = f"可指多个快照, 请多写几位: {listed}", f"names several snapshots, write more digits: {listed}"
    return fault("snapshot_ambiguous", zh, en, value=text)


def read_snapshot(c: Connection, snapshot_id: str) -> tuple[bytes, Receipt]:
    """The stored bytes of a snapshot, whole, and its first receipt.

    Raises:
        BadInput: `snapshot_damaged`: other bytes than were saved.
    """
    head = c.execute(select(snapshots).where(snapshots.c.id == snapshot_id)).mappings().one()
    chunks = select(snapshot_chunks.c.content).where(snapshot_chunks.c.snapshot_id == snapshot_id)
    content = b"".join(c.execute(chunks.order_by(snapshot_chunks.c.number)).scalars())
    if len(content) != head["byte_length"] or hashlib.sha256(content).hexdigest() != head["sha256"]:
        raise damaged("与保存时的字节不符", "is not the bytes that were saved", snapshot_id)
    return content, receipts_of(c, snapshot_id)[0]


def snapshot_of(content: bytes, receipt: Receipt) -> Snapshot:
    """The snapshot as its first import brought it, its content held against its id.

    Raises:
        BadInput: `snapshot_damaged`.
    """
    offers = decode(content, receipt.snapshot_id)
    return Snapshot(offers, receipt.source, receipt.as_of, receipt.findings, receipt.rows_read, receipt.left_out)
