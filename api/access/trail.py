"""The trail: who did what to which thing with which inputs, every entry bound to the one before it by its hash.

    hash(n) = SHA-256 of canonical JSON [organisation, n, at, actor, action, object, details, request, hash(n - 1)]

Each organisation has its own chain, so that none waits for another. A changed, removed or inserted entry breaks the
chain; entries cut off at the end, or a chain computed anew, show against an earlier export or a head that was noted
elsewhere.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, RowMapping, bindparam, select, text, update

from api.database.tables import organisations, trail, trail_heads
from market_data.store_statements import Prepared
from optimizer.plan import canonical
from optimizer.wording import Language
from optimizer.wording import Text as Words

NO_ENTRY = "0" * 64
"""What the first entry of a chain follows."""
READ_AT_ONCE = 1000

# Built once: every change passes here, and building a statement takes as long as sending it.
_HEAD = trail_heads.c.organisation_id == bindparam("chain")
_LOCKED_HEAD = Prepared(select(trail_heads.c.seq, trail_heads.c.hash).where(_HEAD).with_for_update())
_NEW_ENTRIES = Prepared(trail.insert())
_NEW_HEAD = Prepared(update(trail_heads).where(_HEAD), "seq", "hash")
_DATABASE_TIME = Prepared(
    text("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS now")
)


class Break(NamedTuple):
    """Where a chain does not hold, and how."""

    organisation_id: str
    seq: int
    what: str
    """A key of BREAKS."""

    def say(self, lang: Language) -> str:
        """One sentence."""
        return BREAKS[self.what].say(lang).format(seq=self.seq)

    def as_dict(self, lang: Language) -> dict[str, Any]:
        """As programs read it."""
        return {"seq": self.seq, "what": self.what, "message": self.say(lang)}


BREAKS: dict[str, Words] = {
    "changed": Words("第 {seq} 条已被改动, 或其前一条已被改动", "entry {seq}, or the one before it, was changed"),
    "missing": Words("第 {seq} 条不见了, 或序号被改动", "entry {seq} is missing, or the numbers were changed"),
    "head": Words(
        "末端记录与最后一条 (第 {seq} 条) 不符: 有记录被删去或添加",
        "the noted end does not match the last entry ({seq}): entries were removed or added",
    ),
    "cut_off": Words("先前导出时有第 {seq} 条, 现在没有", "entry {seq} was there at an earlier export and is gone"),
    "rewritten": Words("第 {seq} 条与先前导出时不同", "entry {seq} is not what it was at an earlier export"),
    "foreign": Words("有不属于任何单位的记录", "there are entries of no known organisation"),
    "gone": Words("先前导出时有这个单位, 现在没有", "the organisation was there at an earlier export and is gone"),
}
"""What can be wrong with a chain, in both languages."""


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
    head = _LOCKED_HEAD.one(c, chain=organisation_id)
    seq, last = int(head["seq"]), str(head["hash"])
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
    _NEW_ENTRIES.run_all(c, rows)
    _NEW_HEAD.run(c, {"chain": organisation_id, "seq": seq, "hash": last})


def start(c: Connection, organisation_id: str) -> None:
    """Begins the chain of a new organisation."""
    c.execute(trail_heads.insert(), {"organisation_id": organisation_id, "seq": 0, "hash": NO_ENTRY})


def entry_document(row: RowMapping) -> dict[str, Any]:
    """A stored row as people and programs read it. What is no JSON of ours (somebody was at it) stays as it stands."""
    columns = ("seq", "at", "actor", "action", "object", "details", "request_id", "previous", "hash")
    return {name: _plain(row[name]) if name in ("actor", "details") else row[name] for name in columns}


def _plain(text: Any) -> Any:
    try:
        value = json.loads(text)
        return value if canonical(value) == text else text
    except (TypeError, ValueError):
        return text


def stored_row(organisation_id: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """The row that `entry_document` showed."""
    told = {name: v if isinstance(v, str) else canonical(v) for name, v in document.items() if name != "seq"}
    return {"organisation_id": organisation_id, "seq": document.get("seq"), **told}


def some_entries(
    c: Connection, organisation_id: str, after: int | None = None, until: int | None = None
) -> Sequence[RowMapping]:
    """Stored rows of a chain in order: the next ones behind `after`, up to and with `until`, not all at once."""
    wanted = select(trail).where(trail.c.organisation_id == organisation_id)
    # No lower end by itself: a row that was slipped in below the first is read as well.
    wanted = wanted if after is None else wanted.where(trail.c.seq > after)
    wanted = wanted if until is None else wanted.where(trail.c.seq <= until)
    return c.execute(wanted.order_by(trail.c.seq).limit(READ_AT_ONCE)).mappings().all()


def entries(c: Connection, organisation_id: str) -> Iterator[RowMapping]:
    """The stored rows of a chain in order, read in pieces."""
    rows = some_entries(c, organisation_id)
    while rows:
        yield from rows
        rows = some_entries(c, organisation_id, rows[-1]["seq"])


def breaks(c: Connection, earlier: Mapping[str, Mapping[int, str]] | None = None) -> Iterator[Break]:
    """Every place where a chain of the database does not hold.

    `earlier` are hashes that were noted before: organisation -> seq -> hash. Without them a chain that was cut at its
    end with the noted end set back, or computed anew as a whole, cannot be told from a true one.
    """
    known = set(c.execute(select(organisations.c.id)).scalars())
    found = known | set(c.execute(select(trail_heads.c.organisation_id)).scalars())
    found |= set(c.execute(select(trail.c.organisation_id).distinct()).scalars())
    noted = earlier or {}
    for organisation_id in sorted(found | noted.keys(), key=str):
        if organisation_id not in found:
            yield Break(organisation_id, 0, "gone")
        elif organisation_id not in known:
            yield Break(organisation_id, 0, "foreign")
        else:
            yield from chain_breaks(c, organisation_id, noted.get(organisation_id, {}))


def chain_breaks(c: Connection, organisation_id: str, noted: Mapping[int, str]) -> Iterator[Break]:
    """Every place where the chain of one organisation does not hold, also against hashes noted before: seq -> hash."""
    left, seq, last = dict(noted), 0, NO_ENTRY
    if left.pop(0, NO_ENTRY) != NO_ENTRY:
        yield Break(organisation_id, 0, "rewritten")
    for row in entries(c, organisation_id):
        if row["seq"] != seq + 1:
            yield Break(organisation_id, seq + 1, "missing")
        if not follows(row, last):
            yield Break(organisation_id, row["seq"], "changed")
        if left.pop(row["seq"], row["hash"]) != row["hash"]:
            yield Break(organisation_id, row["seq"], "rewritten")
        seq, last = row["seq"], row["hash"]
    wanted = select(trail_heads.c.seq, trail_heads.c.hash).where(trail_heads.c.organisation_id == organisation_id)
    head = c.execute(wanted).one_or_none()
    if head is None or (head.seq, head.hash) != (seq, last):
        yield Break(organisation_id, seq, "head")
    yield from (Break(organisation_id, k, "cut_off") for k in sorted(left))


def follows(row: RowMapping | Mapping[str, Any], last: str) -> bool:
    """Whether a stored row is what was written, behind an entry of the hash `last`."""
    words = tuple(row[k] for k in ("actor", "action", "object", "details", "request_id"))
    written = (row["organisation_id"], row["at"], row["previous"], row["hash"], *words)
    if type(row["seq"]) is not int or not all(type(word) is str for word in written):
        return False  # SQLite keeps whatever somebody puts into a column
    digest = hash_of(row["organisation_id"], row["seq"], row["at"], words, last)
    return bool(row["previous"] == last and row["hash"] == digest)


def head_of(c: Connection, organisation_id: str) -> tuple[int, str]:
    """How long a chain is, and the hash of its last entry: what to note elsewhere."""
    wanted = select(trail_heads.c.seq, trail_heads.c.hash).where(trail_heads.c.organisation_id == organisation_id)
    found = c.execute(wanted).one()
    return int(found.seq), str(found.hash)


def heads(c: Connection) -> dict[str, tuple[int, str]]:
    """Organisation -> how long its chain is, and the hash of the last entry."""
    return {str(h.organisation_id): (int(h.seq), str(h.hash)) for h in c.execute(select(trail_heads))}


def names_of(c: Connection) -> dict[str, str]:
    """Organisation -> its name."""
    return {str(o.id): str(o.name) for o in c.execute(select(organisations.c.id, organisations.c.name))}


def database_time(c: Connection) -> str | None:
    """The database server's own clock as a text of ours; None where the database has none of its own (SQLite)."""
    if c.dialect.name != "postgresql":
        return None
    return str(_DATABASE_TIME.one(c)["now"])
