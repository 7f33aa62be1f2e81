"""Plans that were made: every run is kept with its inputs and its whole plan, and can be made again."""

import json
from typing import Any

from sqlalchemy import RowMapping

from api.access.scope import Scope
from api.archive import documents
from api.archive.documents import Packed
from api.database.tables import runs
from api.planning import PlanMade
from api.refusals import not_found
from optimizer.quantities import tonnes, yuan


def keep_run(scope: Scope, inputs: Packed, made: PlanMade, document: Packed) -> str:
    """Keeps a run for good: what was asked, what came of it, by whom and when; gives its id.

    `inputs` is what `planning.inputs_of` gave, `document` the plan's content, both made ready before the transaction.
    """
    asked, answer = documents.keep_packed(scope.c, [inputs, document])
    row_id = scope.add(
        runs,
        plan_id=made.plan_id,
        status=made.status,
        as_of=made.as_of,
        event_ids=json.dumps(made.event_ids),
        required_kg=made.required_kg,
        covered_kg=made.covered_kg,
        cost_fen=made.cost_fen,
        reproducible=made.reproducible,
        engine=made.engine,
        inputs=asked,
        document=answer,
        made_by=scope.actor.user_id,
        made_at=scope.now_text,
    )
    scope.note("plan.make", made.plan_id, run=row_id, status=made.status, events=made.event_ids)
    return row_id


def find_run(scope: Scope, text: str) -> RowMapping:
    """A run by its id, or the latest of a plan by the plan's id. Raises Refused `not_found`."""
    found = scope.find(runs, runs.c.id == text)
    if found is None:
        newest = scope.select(runs, runs.c.plan_id == text).order_by(runs.c.number.desc()).limit(1)
        found = scope.c.execute(newest).mappings().first()
    if found is None:
        raise not_found()
    return found


def plan_of(scope: Scope, run: RowMapping) -> bytes:
    """The plan of a run as it was given, byte by byte."""
    return documents.content_of(scope.c, run["document"])


def inputs_of(scope: Scope, run: RowMapping) -> bytes:
    """What was asked, whole: `planning.task_of_inputs` reads it."""
    return documents.content_of(scope.c, run["inputs"])


def as_dict(run: RowMapping) -> dict[str, Any]:
    """A line of the list of runs."""
    return {
        "id": run["id"],
        "plan_id": run["plan_id"],
        "status": run["status"],
        "as_of": run["as_of"],
        "event_ids": json.loads(run["event_ids"]),
        "required_t": tonnes(run["required_kg"]),
        "covered_t": tonnes(run["covered_kg"]),
        "cost": yuan(run["cost_fen"]),
        "reproducible": run["reproducible"],
        "engine": run["engine"],
        "made_by": run["made_by"],
        "made_at": run["made_at"],
    }
