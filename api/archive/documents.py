"""Documents under the SHA-256 of their bytes: kept once, never changed, reached only by a hash in an owned row."""

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import batched

from sqlalchemy import Connection, RowMapping, select
from sqlalchemy.dialects import postgresql, sqlite

from api.database.tables import documents
from market_data.store_statements import Prepared
from optimizer.errors import BadInput
from optimizer.findings import fault

PACKED_FROM = 4096
"""Bytes from which a document is compressed: below, a row of either database holds it well as it is."""
ASKED_AT_ONCE = 500
"""Documents of one query: fewer than either database takes parameters."""
PACK_LEVEL = 1
"""A plan of 200 offers shrinks to an eighth in 2 ms at level 1; level 6 takes four times as long for a sixth less."""

_NEW_ON_SQLITE = Prepared(sqlite.insert(documents).on_conflict_do_nothing())
_NEW_ON_POSTGRESQL = Prepared(postgresql.insert(documents).on_conflict_do_nothing())


@dataclass(frozen=True)
class Packed:
    """A document made ready to be kept: dear work that is done before a transaction, so that nobody waits for it."""

    sha256: str
    byte_length: int
    packed: bool
    content: bytes


def packed(content: bytes) -> Packed:
    """A document's row."""
    large = len(content) >= PACKED_FROM
    kept = zlib.compress(content, PACK_LEVEL) if large else content
    return Packed(hashlib.sha256(content).hexdigest(), len(content), large, kept)


def keep(c: Connection, content: bytes) -> str:
    """Keeps a document; gives its hash. The same content again is one copy."""
    return keep_packed(c, [packed(content)])[0]


def keep_all(c: Connection, contents: Iterable[bytes]) -> list[str]:
    """Keeps several documents; gives their hashes in the same order."""
    return keep_packed(c, [packed(content) for content in contents])


def keep_packed(c: Connection, documents_ready: Sequence[Packed]) -> list[str]:
    """Keeps documents that were made ready before; gives their hashes in the same order."""
    # In order of hashes, so that two transactions that keep the same ones never wait for one another in a ring.
    rows = {one.sha256: vars(one) for one in sorted(documents_ready, key=lambda d: d.sha256)}
    if rows:
        new = _NEW_ON_SQLITE if c.dialect.name == "sqlite" else _NEW_ON_POSTGRESQL
        new.run_all(c, list(rows.values()))
    return [one.sha256 for one in documents_ready]


def content_of(c: Connection, sha256: str) -> bytes:
    """The bytes of a document, held against their hash.

    Raises:
        BadInput: `document_damaged`, other bytes than were kept.
    """
    return _unpacked(c.execute(select(documents).where(documents.c.sha256 == sha256)).mappings().one())


def contents_of(c: Connection, sha256s: Iterable[str]) -> dict[str, bytes]:
    """The bytes of several documents by their hashes; those that are there. Raises as `content_of`."""
    found: dict[str, bytes] = {}
    for some in batched(dict.fromkeys(sha256s), ASKED_AT_ONCE):
        rows = c.execute(select(documents).where(documents.c.sha256.in_(some))).mappings()
        found |= {row["sha256"]: _unpacked(row) for row in rows}
    return found


def _unpacked(row: RowMapping) -> bytes:
    content, sha256 = bytes(row["content"]), row["sha256"]
    try:
        content = zlib.decompress(content) if row["packed"] else content
    except zlib.error:
        content = b""
    if hashlib.sha256(content).hexdigest() != sha256:
        zh, en = "与保存时的内容不符, 数据库已损坏", "is not what was kept: the database is damaged"
        raise BadInput([fault("document_damaged", zh, en, value=sha256)])
    return content
