"""`/v1/scenario-sets`: sets of scenarios that are kept; every version stays under its own id."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.access.scope import Scope
from api.database import job_tables
from api.jobs import scenario_sets
from api.routes.answering import Answer, Body, Caller, Cursor, Done, ExactRoute, Limit, allowed, page_document
from api.routes.job_asking import scenario_options
from api.routes.job_bodies import ScenariosDocument
from api.routes.shapes import Id, TimeText
from optimizer.plan import canonical

router = APIRouter(prefix="/v1/scenario-sets", tags=["jobs"], route_class=ExactRoute)
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^\S(.*\S)?$", examples=["2027预算"])]


class SetBody(Body):
    """A set under a name of the user's own."""

    name: Name
    scenarios: ScenariosDocument


class ScenarioSetAnswer(Answer):
    """One version of a set."""

    id: Id
    name: str
    version: Annotated[int, Field(ge=1)]
    scenarios: dict[str, Any]
    made_by: str
    made_at: TimeText


class ScenarioSetPage(Answer):
    """A page of sets, the newest first."""

    items: list[ScenarioSetAnswer]
    next: str | None


@router.post(
    "",
    status_code=201,
    response_model=None,
    responses={201: {"model": ScenarioSetAnswer}},
    summary="Keep a set of scenarios",
)
def keep_set(body: SetBody, caller: Caller = allowed("jobs.run")) -> Response:
    """A new version under this name; the same content again is the version that is there."""

    def work(scope: Scope) -> Done:
        document = scenario_options(body.scenarios, scope)["scenarios"]
        row = scenario_sets.keep_set(scope, body.name, canonical(document).encode())
        return Done(201, scenario_sets.as_dict(scope, row), location=f"/v1/scenario-sets/{row['id']}")

    return caller.once(work)


@router.get("", response_model=None, responses={200: {"model": ScenarioSetPage}}, summary="Sets of scenarios")
def list_sets(
    caller: Caller = allowed("jobs.read"),
    limit: Limit = 50,
    cursor: Cursor = None,
    name: Annotated[str | None, Query(description="Every version of this name; else the newest of each.")] = None,
) -> Response:
    """The organisation's sets, the newest first."""
    table = job_tables.scenario_sets

    def work(scope: Scope) -> dict[str, Any]:
        wanted = scenario_sets.newest_only(scope) if name is None else table.c.name == name
        rows, after = scope.page(table, limit, cursor, wanted)
        return page_document([scenario_sets.as_dict(scope, r) for r in rows], after)

    return caller.show(caller.read(work))


@router.get("/{set_id}", response_model=None, responses={200: {"model": ScenarioSetAnswer}}, summary="A set")
def show_set(set_id: str, caller: Caller = allowed("jobs.read")) -> Response:
    """One version of a set, by its id."""
    table = job_tables.scenario_sets
    return caller.show(caller.read(lambda scope: scenario_sets.as_dict(scope, scope.one(table, set_id))))
