"""Sets of scenarios as organisations keep them: every version stays under its own id, the newest of a name counts."""

import json
from typing import Any

from sqlalchemy import RowMapping, func, select
from sqlalchemy.exc import IntegrityError

from api.access.scope import Scope
from api.archive import documents
from api.database.job_tables import scenario_sets
from api.refusals import Refused
from optimizer.findings import fault


def keep_set(scope: Scope, name: str, document: bytes) -> RowMapping:
    """Keeps a set; the same content again is the version that is there.

    Raises:
        Refused: `stale`, where somebody else kept a version of this name in the same moment.
    """
    wanted = scope.select(scenario_sets, scenario_sets.c.name == name).order_by(scenario_sets.c.version.desc())
    newest = scope.c.execute(wanted.limit(1)).mappings().first()
    sha256 = documents.keep(scope.c, document)
    if newest is not None and newest["document"] == sha256:
        return newest
    version = 1 if newest is None else int(newest["version"]) + 1
    values = {"name": name, "version": version, "document": sha256}
    try:
        with scope.c.begin_nested():
            row_id = scope.add(scenario_sets, **values, made_by=scope.actor.user_id, made_at=scope.now_text)
    except IntegrityError:
        zh, en = "同时有另一处修改", "was changed by somebody else in this moment"
        raise Refused("stale", [fault("stale", zh, en)]) from None
    scope.note("scenario_set.keep", row_id, name=name, version=version, sha256=sha256)
    return scope.one(scenario_sets, row_id)


def newest_only(scope: Scope) -> Any:
    """The condition that a row is the newest version of its name."""
    latest = select(func.max(scenario_sets.c.number)).where(scope.mine(scenario_sets)).group_by(scenario_sets.c.name)
    return scenario_sets.c.number.in_(latest)


def content_of(scope: Scope, row: RowMapping) -> dict[str, Any]:
    """The set as JSON data."""
    document: dict[str, Any] = json.loads(documents.content_of(scope.c, row["document"]))
    return document


def as_dict(scope: Scope, row: RowMapping) -> dict[str, Any]:
    """A version as programs read it."""
    return {
        "id": row["id"],
        "name": row["name"],
        "version": row["version"],
        "scenarios": content_of(scope, row),
        "made_by": row["made_by"],
        "made_at": row["made_at"],
    }
