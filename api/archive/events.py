"""Events as organisations keep them: every version stays, the newest one counts."""

import json
from collections.abc import Iterable, Sequence
from itertools import batched
from typing import Any

from sqlalchemy import RowMapping, func, select
from sqlalchemy.exc import IntegrityError

from api.access.scope import Scope
from api.archive import documents
from api.database.tables import events
from api.refusals import Refused, not_found
from optimizer.findings import fault


def keep_version(scope: Scope, event_id: str, document: bytes, expected: int | None) -> RowMapping:
    """Keeps an event; the same content again is the version that is there.

    Args:
        scope: the organisation.
        event_id: the user's own.
        document: the event as JSON.
        expected: the version that it should replace (0: none); None where any will do.

    Raises:
        Refused: `stale`, where another version is the newest.
    """
    newest = _newest(scope, event_id)
    version = 0 if newest is None else int(newest["version"])
    if expected is not None and expected != version:
        zh, en = f"现为第 {version} 版", f"is now at version {version}"
        raise Refused("stale", [fault("stale", zh, en, path="If-Match", value=f"v{expected}")])
    sha256 = documents.keep(scope.c, document)
    if newest is not None and newest["document"] == sha256:
        return newest
    values = {"event_id": event_id, "version": version + 1, "document": sha256}
    made = {"made_by": scope.actor.user_id, "made_at": scope.now_text}
    try:
        with scope.c.begin_nested():
            row_id = scope.add(events, **values, **made)
    except IntegrityError:
        zh, en = "同时有另一处修改", "was changed by somebody else in this moment"
        raise Refused("stale", [fault("stale", zh, en)]) from None
    scope.note("event.keep", event_id, version=version + 1, sha256=sha256)
    return scope.one(events, row_id)


def newest_version(scope: Scope, event_id: str) -> RowMapping:
    """The newest version of an event. Raises Refused `not_found`."""
    found = _newest(scope, event_id)
    if found is None:
        raise not_found()
    return found


def _newest(scope: Scope, event_id: str) -> RowMapping | None:
    wanted = scope.select(events, events.c.event_id == event_id).order_by(events.c.version.desc()).limit(1)
    return scope.c.execute(wanted).mappings().first()


def newest_only(scope: Scope) -> Any:
    """The condition that a row is the newest version of its event."""
    latest = select(func.max(events.c.number)).where(scope.mine(events)).group_by(events.c.event_id)
    return events.c.number.in_(latest)


def content_of(scope: Scope, row: RowMapping) -> dict[str, Any]:
    """The event as JSON data."""
    document: dict[str, Any] = json.loads(documents.content_of(scope.c, row["document"]))
    return document


def names_of(scope: Scope, event_ids: Iterable[str]) -> dict[str, str]:
    """Event -> its name where the organisation keeps the event and it has one, else its id."""
    found = {event_id: event_id for event_id in event_ids}
    document_of: dict[str, str] = {}
    for some in batched(found, documents.ASKED_AT_ONCE):
        rows = scope.rows(scope.select(events, events.c.event_id.in_(some), newest_only(scope)))
        document_of |= {row["event_id"]: row["document"] for row in rows}
    contents = documents.contents_of(scope.c, document_of.values())
    for event_id, sha256 in document_of.items():
        found[event_id] = str(json.loads(contents[sha256]).get("name") or event_id)
    return found


def with_names(scope: Scope, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows that say `event_ids`, with `events`, their names."""
    names = names_of(scope, [event_id for row in rows for event_id in row["event_ids"]])
    return [{**row, "events": [names[event_id] for event_id in row["event_ids"]]} for row in rows]


def as_dict(scope: Scope, row: RowMapping) -> dict[str, Any]:
    """A version as programs read it."""
    return {
        "id": row["event_id"],
        "version": row["version"],
        "event": content_of(scope, row),
        "made_by": row["made_by"],
        "made_at": row["made_at"],
    }
