"""`/v1/plans`: plans made, kept, listed, checked again. A plan is a dry run: nothing is held, ordered or retired."""

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from api import settings
from api.access.scope import Scope
from api.archive import events, markets, packs, runs
from api.database import tables
from api.planning import PlanTask, inputs_of, task_of_inputs
from api.refusals import Refused
from api.routes.answering import Answer, Body, Caller, Cursor, Done, ExactRoute, Limit, allowed, page_document
from api.routes.shapes import (
    DayText,
    DecimalIn,
    EventDocument,
    Id,
    ObjectiveDocument,
    OffersDocument,
    OutlookDocument,
    Sha256,
    TimeText,
    TonnesText,
    YuanText,
)
from optimizer import check
from optimizer.errors import BadInput
from optimizer.events import Day
from optimizer.findings import Finding, fault
from optimizer.plan import Plan
from optimizer.rule_pack import shipped_rule_packs

router = APIRouter(prefix="/v1/plans", tags=["plans"], route_class=ExactRoute)


class Question(Body):
    """What is to be planned: an event or a calendar, a market, a day, and what replaces what."""

    event: EventDocument = None
    event_id: Annotated[str | None, Field(description="An event kept at /v1/events, in place of `event`.")] = None
    offers: OffersDocument = None
    snapshot: Annotated[
        str | None, Field(description="A snapshot kept at /v1/snapshots, in place of `offers`: its id or 8 digits.")
    ] = None
    as_of: Annotated[Day | None, Field(description="The plan's day; today in China when left out.")] = None
    policy: Annotated[str | None, Field(description="A rule pack in place of the event's.")] = None
    objective: ObjectiveDocument = None
    epsilon: DecimalIn = None
    outlook: OutlookDocument = None
    budget: DecimalIn = None
    explain: Literal["short", "all", "none"] = "short"
    time_limit: Annotated[
        float | None, Field(gt=0, description="Seconds; a plan that it cuts is not reproducible.")
    ] = None


class Run(Answer):
    """A plan in the list of plans."""

    id: Id
    plan_id: Sha256
    status: Literal["covered", "short"]
    as_of: DayText
    event_ids: list[str]
    required_t: TonnesText
    covered_t: TonnesText
    cost: YuanText
    reproducible: bool
    engine: str
    made_by: str
    made_at: TimeText


class RunPage(Answer):
    """A page of plans, the newest first."""

    items: list[Run]
    next: str | None


class Checked(Answer):
    """One thing that was derived again."""

    what: str
    holds: bool
    detail: str


class CheckAnswer(Answer):
    """What the check that does not trust the solver found."""

    holds: bool
    checked: list[Checked]
    sealed: list[str]


class ReplayAnswer(Answer):
    """Whether the same inputs give the same plan today."""

    same: bool
    plan_id: Sha256
    plan_id_now: Sha256
    engine: str
    engine_now: str


@router.post(
    "",
    status_code=201,
    response_model=None,
    responses={201: {"model": Plan, "description": "The plan, proven; `short` is an answer too."}},
    summary="Plan",
)
async def make_plan(question: Question, caller: Caller = allowed("plans.make")) -> Response:
    """The least-cost portfolio for an event or a calendar, kept as a run. Nothing is held, ordered or retired."""

    def begun() -> Response | PlanTask:
        return caller.earlier() or caller.read(lambda scope: task_of(question, scope, caller))

    task = await run_in_threadpool(begun)
    if isinstance(task, Response):
        return task
    made = await caller.request.app.state.planners.make(task)
    inputs = inputs_of(await caller.request.body(), task)

    def work(scope: Scope) -> Done:
        return Done(201, made.content, location=f"/v1/plans/{runs.keep_run(scope, inputs, made)}")

    return await run_in_threadpool(caller.once, work)


def task_of(question: Question, scope: Scope, caller: Caller) -> PlanTask:
    """A question with what it names by id. Raises BadInput, Refused."""
    found: list[Finding] = []
    for one, other in (("event", "event_id"), ("offers", "snapshot")):
        given = [getattr(question, name) is not None for name in (one, other)]
        if sum(given) != 1:
            zh, en = f"应恰好给出 {one} 或 {other} 之一", f"should have either {one} or {other}"
            found.append(fault("one_of", zh, en, path=one))
    longest = caller.request.app.state.settings.plan_seconds
    if question.time_limit is not None and question.time_limit > longest:
        zh, en = f"至多 {longest} 秒; 更久请用后台任务", f"should be at most {longest}; for longer, run a job"
        found.append(fault("time_limit", zh, en, path="time_limit", value=question.time_limit))
    if found:
        raise BadInput(found)
    event = question.event
    if question.event_id is not None:
        event = _named("event_id", lambda: events.content_of(scope, events.newest_version(scope, question.event_id)))
    held = None
    if question.snapshot is not None:
        held = _named("snapshot", lambda: markets.held(scope, question.snapshot))
    return PlanTask(
        event=event,
        as_of=question.as_of or settings.today(),
        offers=question.offers,
        snapshot_id=None if held is None else held["snapshot_id"],
        doubts="[]" if held is None else held["findings"],
        policy=question.policy,
        pack=_own_pack(question.policy, event, scope),
        objective=question.objective,
        epsilon=question.epsilon,
        outlook=question.outlook,
        budget=question.budget,
        explain=question.explain,
        time_limit=question.time_limit,
        lang=caller.lang,
        url=caller.request.app.state.settings.database,
    )


def _named(key: str, look_up: Any) -> Any:
    """What a key of the body names. Raises BadInput where there is no such thing."""
    try:
        return look_up()
    except Refused as error:
        zh, en = "没有这一项", "there is no such thing"
        raise BadInput([fault("unknown", zh, en, path=key)]) from error


def _own_pack(policy: str | None, event: Any, scope: Scope) -> dict[str, Any] | None:
    """The organisation's own rule pack, where one is named that does not ship."""
    name = policy if policy is not None else event.get("policy") if isinstance(event, dict) else None
    if not isinstance(name, str) or name in shipped_rule_packs():
        return None
    row = packs.newest_pack(scope, name)
    return None if row is None else packs.pack_document(scope, row)


@router.get("", response_model=None, responses={200: {"model": RunPage}}, summary="Plans that were made")
def list_plans(
    caller: Caller = allowed("plans.read"),
    limit: Limit = 50,
    cursor: Cursor = None,
    status: Annotated[Literal["covered", "short"] | None, Query()] = None,
) -> Response:
    """The organisation's plans, the newest first."""
    wanted = [] if status is None else [tables.runs.c.status == status]
    rows, after = caller.read(lambda scope: scope.page(tables.runs, limit, cursor, *wanted))
    return caller.show(page_document([runs.as_dict(r) for r in rows], after))


@router.get("/{run_id}", response_model=None, responses={200: {"model": Plan}}, summary="A plan, whole")
def show_plan(run_id: str, caller: Caller = allowed("plans.read")) -> Response:
    """The plan as it was given, byte by byte; by the run's id, or by the plan's."""
    return caller.show(caller.read(lambda scope: runs.plan_of(scope, runs.find_run(scope, run_id))))


@router.get("/{run_id}/run", response_model=None, responses={200: {"model": Run}}, summary="When and by whom")
def show_run(run_id: str, caller: Caller = allowed("plans.read")) -> Response:
    """What the list of plans shows of one."""
    return caller.show(caller.read(lambda scope: runs.as_dict(runs.find_run(scope, run_id))))


@router.post(
    "/{run_id}/check",
    response_model=None,
    responses={200: {"model": CheckAnswer}},
    summary="Derive a plan again without trusting the solver",
)
def check_plan(run_id: str, caller: Caller = allowed("plans.read")) -> Response:
    """The check of `jinheng check`; it changes nothing and notes nothing."""
    document, offers = caller.read(lambda scope: _whole(scope, run_id))
    return caller.show(check(document, offers).as_dict(caller.lang))


@router.post(
    "/{run_id}/replay",
    response_model=None,
    responses={200: {"model": ReplayAnswer}},
    summary="Make a plan again from its inputs",
)
async def replay_plan(run_id: str, request: Request, caller: Caller = allowed("plans.read")) -> Response:
    """The same inputs, planned again today; `same` when nothing differs, to the last byte. Nothing is kept."""
    known = request.app.state.settings

    def asked(scope: Scope) -> tuple[bytes, bytes]:
        run = runs.find_run(scope, run_id)
        return runs.inputs_of(scope, run), runs.plan_of(scope, run)

    inputs, content = await run_in_threadpool(caller.read, asked)
    then = json.loads(content)
    again = await request.app.state.planners.make(task_of_inputs(inputs, known.database, known.plan_seconds))
    answer = {
        "same": again.content == content,
        "plan_id": then["plan_id"],
        "plan_id_now": again.plan_id,
        "engine": then["provenance"]["engine"],
        "engine_now": again.engine,
    }
    return caller.show(answer)


def _whole(scope: Scope, run_id: str) -> tuple[dict[str, Any], Any]:
    """A plan as data, and its offers where it holds only their hash."""
    document: dict[str, Any] = json.loads(runs.plan_of(scope, runs.find_run(scope, run_id)))
    part = document["problem"]
    offers = None if part["offers"] is not None else markets.load(scope, part["offers_sha256"]).offers
    return document, offers
