"""The trail: who did what to which thing with which inputs, every entry bound to the one before it by its hash.

    hash(n) = SHA-256 of canonical JSON [organisation, n, at, actor, action, object, details, request, hash(n - 1)]

Each organisation has its own chain, so that none waits for another. A changed, removed or inserted entry breaks the
chain; entries cut off at the end, or a chain computed anew, show against an earlier export or a head that was noted
elsewhere.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, select, text, update

from api.database.tables import organisations, trail, trail_heads
from optimizer.plan import canonical

NO_ENTRY = "0" * 64
"""What the first entry of a chain follows."""
READ_AT_ONCE = 1000


@dataclass(frozen=True)
class Entry:
    """One line of the trail."""

    organisation_id: str
    seq: int
    at: str
    actor: Mapping[str, Any]
    action: str
    object: str
    details: Mapping[str, Any]
    request_id: str
    previous: str
    hash: str

    def as_dict(self) -> dict[str, Any]:
        """As people and programs read it."""
        return {
            "seq": self.seq,
            "at": self.at,
            "actor": dict(self.actor),
            "action": self.action,
            "object": self.object,
            "details": dict(self.details),
            "request_id": self.request_id,
            "previous": self.previous,
            "hash": self.hash,
        }


@dataclass(frozen=True)
class Break:
    """Where a chain does not hold, and how."""

    organisation_id: str
    seq: int
    what: str
    """changed | missing | head | cut_off | rewritten | foreign"""


def hash_of(organisation_id: str, seq: int, at: str, words: tuple[str, ...], previous: str) -> str:
    """The hash of an entry; `words` are actor, action, object, details and request as stored."""
    return hashlib.sha256(canonical([organisation_id, seq, at, *words, previous]).encode()).hexdigest()


def append(
    c: Connection,
    organisation_id: str,
    at: str,
    actor: Mapping[str, Any],
    notes: list[tuple[str, str, Mapping[str, Any]]],
    request_id: str,
) -> None:
    """Adds entries (action, object, details) at the end of a chain; who else writes to the chain waits for the commit.

    Called last in a transaction, so that nobody waits longer than need be.
    """
    heads = trail_heads.c.organisation_id == organisation_id
    found = c.execute(select(trail_heads.c.seq, trail_heads.c.hash).where(heads).with_for_update()).one()
    seq, last = int(found.seq), str(found.hash)
    rows = []
    for action, thing, details in notes:
        seq += 1
        words = (canonical(actor), action, thing, canonical(details), request_id)
        digest = hash_of(organisation_id, seq, at, words, last)
        rows.append(
            {
                **{"organisation_id": organisation_id, "seq": seq, "at": at, "previous": last, "hash": digest},
                **dict(zip(("actor", "action", "object", "details", "request_id"), words, strict=True)),
            }
        )
        last = digest
    c.execute(trail.insert(), rows)
    c.execute(update(trail_heads).where(heads).values(seq=seq, hash=last))


def start(c: Connection, organisation_id: str) -> None:
    """Begins the chain of a new organisation."""
    c.execute(trail_heads.insert(), {"organisation_id": organisation_id, "seq": 0, "hash": NO_ENTRY})


def entry_of(row: RowMapping) -> Entry:
    """A stored row as an entry."""
    return Entry(
        row["organisation_id"],
        row["seq"],
        row["at"],
        json.loads(row["actor"]),
        row["action"],
        row["object"],
        json.loads(row["details"]),
        row["request_id"],
        row["previous"],
        row["hash"],
    )


def entries(c: Connection, organisation_id: str, after: int = 0) -> Iterator[RowMapping]:
    """The stored rows of a chain in order, read in pieces."""
    while True:
        wanted = select(trail).where(trail.c.organisation_id == organisation_id, trail.c.seq > after)
        rows = c.execute(wanted.order_by(trail.c.seq).limit(READ_AT_ONCE)).mappings().all()
        yield from rows
        if len(rows) < READ_AT_ONCE:
            return
        after = rows[-1]["seq"]


def breaks(c: Connection, earlier: Mapping[str, Mapping[int, str]] | None = None) -> Iterator[Break]:
    """Every place where a chain does not hold; `earlier` are hashes noted before: organisation -> seq -> hash."""
    known = set(c.execute(select(organisations.c.id)).scalars())
    heads = {h.organisation_id: h for h in c.execute(select(trail_heads))}
    for organisation_id in sorted(known | heads.keys() | set(earlier or {})):
        if organisation_id not in known or organisation_id not in heads:
            yield Break(organisation_id, 0, "foreign" if organisation_id not in known else "head")
            continue
        noted = dict((earlier or {}).get(organisation_id, {}))
        yield from _chain_breaks(c, organisation_id, heads[organisation_id], noted)


def _chain_breaks(c: Connection, organisation_id: str, head: Any, noted: dict[int, str]) -> Iterator[Break]:
    seq, last = 0, NO_ENTRY
    for row in entries(c, organisation_id):
        if row["seq"] != seq + 1:
            yield Break(organisation_id, seq + 1, "missing")
        words = tuple(str(row[k]) for k in ("actor", "action", "object", "details", "request_id"))
        if row["previous"] != last or row["hash"] != hash_of(organisation_id, row["seq"], row["at"], words, last):
            yield Break(organisation_id, row["seq"], "changed")
        if noted.pop(row["seq"], row["hash"]) != row["hash"]:
            yield Break(organisation_id, row["seq"], "rewritten")
        seq, last = int(row["seq"]), str(row["hash"])
    if (head.seq, head.hash) != (seq, last):
        yield Break(organisation_id, seq, "head")
    yield from (Break(organisation_id, k, "cut_off") for k in sorted(noted))


def lengths(c: Connection) -> dict[str, tuple[int, str]]:
    """Organisation -> number of entries and the hash of the last: what to note elsewhere."""
    return {str(h.organisation_id): (int(h.seq), str(h.hash)) for h in c.execute(select(trail_heads))}


def names_of(c: Connection) -> dict[str, str]:
    """Organisation -> its name."""
    return {str(o.id): str(o.name) for o in c.execute(select(organisations.c.id, organisations.c.name))}


def database_time(c: Connection) -> str | None:
    """The database server's own clock as a text of ours; None where the database has none of its own (SQLite)."""
    if c.dialect.name != "postgresql":
        return None
    shown = text("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
    return str(c.execute(shown).scalar_one())
