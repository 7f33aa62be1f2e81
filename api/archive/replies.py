"""Requests that are answered once: the reply to an Idempotency-Key is kept in the transaction that did the work.

So a request that is sent again, after a time-out or a crash, gets the reply that the first one got or would have got,
and its work is done once. Keys belong to an organisation and are kept for good.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite

from api.access.scope import Scope
from api.archive import documents
from api.database.tables import replies
from api.refusals import Refused, not_found
from market_data.store_statements import Prepared
from optimizer.findings import fault

KEY_LENGTH_MAX = 255


_EARLIER = Prepared(
    select(replies).where(replies.c.organisation_id == bindparam("owner"), replies.c.key == bindparam("asked"))
)
_NEW_ON_SQLITE = Prepared(sqlite.insert(replies).on_conflict_do_nothing().returning(replies.c.organisation_id))
_NEW_ON_POSTGRESQL = Prepared(postgresql.insert(replies).on_conflict_do_nothing().returning(replies.c.organisation_id))


@dataclass(frozen=True)
class Asked:
    """A request as far as its reply depends on it."""

    key: str
    user_id: str
    method: str
    path: str
    body: bytes

    @property
    def fingerprint(self) -> str:
        """Differs where anything that matters differs."""
        return hashlib.sha256(
            b"\n".join([self.user_id.encode(), self.method.encode(), self.path.encode(), self.body])
        ).hexdigest()


@dataclass(frozen=True)
class Reply:
    """What was answered."""

    status: int
    body: bytes
    headers: dict[str, str]


def key_faults(key: str) -> bool:
    """Whether this cannot be a key: it should be 1 to 255 visible ASCII characters."""
    return not (0 < len(key) <= KEY_LENGTH_MAX and all("!" <= ch <= "~" for ch in key))


def hold_key(scope: Scope, asked: Asked) -> None:
    """Lets requests with one key follow one another: whoever comes later finds the reply of the first.

    Without it the second would begin the work as well, and fail at what the first has done. SQLite has one writer
    at a time as it is.
    """
    if scope.c.dialect.name == "postgresql":
        named = f"reply\n{scope.actor.organisation_id}\n{asked.key}".encode()
        number = int.from_bytes(hashlib.sha256(named).digest()[:8], signed=True)
        scope.c.execute(select(func.pg_advisory_xact_lock(number)))


def earlier_reply(scope: Scope, asked: Asked) -> Reply | None:
    """The reply that this key got before; None where it is new.

    Raises:
        Refused: `key_reused`, where it came with another request.
    """
    found = _EARLIER.rows(scope.c, owner=scope.actor.organisation_id, asked=asked.key)
    if not found:
        return None
    (row,) = found
    if row["fingerprint"] != asked.fingerprint:
        zh, en = "请为新的请求换一个新的值", "send a new value with a new request"
        raise Refused("key_reused", [fault("key_reused", zh, en, path="Idempotency-Key", value=asked.key)])
    headers: dict[str, str] = json.loads(row["headers"])
    return Reply(row["status"], documents.content_of(scope.c, row["document"]), headers)


def keep_reply(scope: Scope, asked: Asked, reply: Reply) -> None:
    """Keeps the reply with the work of this transaction.

    Raises:
        Refused: `key_in_use`, where another request with this key was faster: this transaction must leave nothing.
    """
    new = _NEW_ON_SQLITE if scope.c.dialect.name == "sqlite" else _NEW_ON_POSTGRESQL
    values: dict[str, Any] = {
        "organisation_id": scope.actor.organisation_id,
        "key": asked.key,
        "method": asked.method,
        "path": asked.path,
        "fingerprint": asked.fingerprint,
        "status": reply.status,
        "headers": json.dumps(reply.headers, sort_keys=True),
        "document": documents.keep(scope.c, reply.body),
        "made_by": scope.actor.user_id,
        "made_at": scope.now_text,
    }
    if not new.rows(scope.c, **values):
        raise Refused("key_in_use", headers={"Retry-After": "1"})


def find_reply(scope: Scope, key: str) -> dict[str, Any]:
    """What became of a key of the actor's own: the request, when, and the whole reply. Raises Refused `not_found`.

    Others of the organisation may not be allowed to see what the reply says; its administrators are.
    """
    row = scope.find(replies, replies.c.key == key)
    if row is None or (row["made_by"] != scope.actor.user_id and not scope.actor.may("people.read")):
        raise not_found()
    body = documents.content_of(scope.c, row["document"])
    return {
        "key": key,
        "method": row["method"],
        "path": row["path"],
        "status": row["status"],
        "made_at": row["made_at"],
        "reply": json.loads(body) if body else None,
    }
