"""`/v1/plans`: plans made, kept, listed, checked again. A plan is a dry run: nothing is held, ordered or retired."""

import json
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import SkipValidation
from starlette.concurrency import run_in_threadpool

from api import settings
from api.access.scope import Scope
from api.archive import events, markets, packs, runs
from api.database import tables
from api.planning import PlanTask, task_of_inputs
from api.refusals import Refused
from api.routes.answering import (
    Answer,
    Arrival,
    Caller,
    Cursor,
    Done,
    ExactRoute,
    Limit,
    UnreadRoute,
    allowed,
    allowed_meanwhile,
    language_of_request,
    page_document,
    response_of,
)
from api.routes.plan_questions import (
    Answered,
    Asked,
    Keeping,
    Kept,
    Question,
    answered,
    answered_and_kept,
    names_what_is_kept,
    packed_inputs,
    plain_task,
    policy_named,
    question_of,
    refuse_question,
)
from api.routes.shapes import (
    DayText,
    Id,
    Sha256,
    TimeText,
    TonnesText,
    YuanText,
)
from optimizer import check
from optimizer.check import CheckReport
from optimizer.errors import BadInput
from optimizer.findings import fault
from optimizer.plan import Plan
from optimizer.rule_pack import shipped_rule_packs

asking = APIRouter(prefix="/v1/plans", tags=["plans"], route_class=UnreadRoute)
router = APIRouter(prefix="/v1/plans", tags=["plans"], route_class=ExactRoute)


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


@asking.post(
    "",
    status_code=201,
    response_model=None,
    responses={201: {"model": Plan, "description": "The plan, proven; `short` is an answer too."}},
    summary="Plan",
)
async def make_plan(question: SkipValidation[Question], arrival: Arrival = allowed_meanwhile("plans.make")) -> Response:
    """The least-cost portfolio for an event or a calendar, kept as a run. Nothing is held, ordered or retired."""
    told: object = question  # read by a planner, where it is JSON
    request, state = arrival.request, arrival.request.app.state
    asked = Asked(
        await request.body(), language_of_request(request), settings.today(), float(state.settings.plan_seconds)
    )
    named = isinstance(told, bytes) or "idempotency-key" in request.headers or names_what_is_kept(asked.body)
    # What stands whole in the body needs nothing that is kept: it is read where it is planned.
    if named or not arrival.expected or not state.planners.idle:
        await arrival.caller
    if isinstance(told, bytes):
        raise Refused("media_type")
    if not named:
        kept, content = await state.planners.run_and_tell(answered_and_kept, asked, partial(_keeping, arrival, asked))
        if isinstance(kept, Kept):
            return response_of(_done(content, kept.run_id).reply())
    # It names what is kept, or has a key under which its reply is.
    caller = await arrival.caller
    begun = await run_in_threadpool(_begun, caller, asked)
    if isinstance(begun, Response):
        return begun
    found = await state.planners.run(answered, begun)
    assert isinstance(found, Answered)

    def work(scope: Scope) -> Done:
        return _done(found.made.content, runs.keep_run(scope, found.inputs, found.made, found.document))

    return await run_in_threadpool(caller.once, work)


def _done(content: bytes, run_id: str) -> Done:
    return Done(201, content, location=f"/v1/plans/{run_id}")


async def _keeping(arrival: Arrival, asked: Asked) -> Keeping:
    """Whose plan it becomes, and what it depends on. Raises Refused where the caller is not let in."""
    caller = await arrival.caller
    inputs = await run_in_threadpool(packed_inputs, asked)
    known = arrival.request.app.state.settings
    return Keeping(caller.actor, caller.request_id, inputs, known.database, known.busy_seconds)


def _begun(caller: Caller, asked: Asked) -> Response | Asked:
    """The reply that the request got before; or the question with what it names, as that is now."""
    earlier = caller.earlier()
    if earlier is not None:
        return earlier
    question = question_of(asked)
    return replace(asked, task=caller.read(lambda scope: task_of(question, scope, caller)))


def task_of(question: Question, scope: Scope, caller: Caller) -> PlanTask:
    """A question with what it names by id, as that is now. Raises BadInput, Refused."""
    known = caller.request.app.state.settings
    refuse_question(question, known.plan_seconds)
    event, held = question.event, None
    if question.event_id is not None:
        event = _named("event_id", lambda: events.content_of(scope, events.newest_version(scope, question.event_id)))
    if question.snapshot is not None:
        held = _named("snapshot", lambda: markets.held(scope, question.snapshot))
    return replace(
        plain_task(question, caller.lang, settings.today()),
        event=event,
        snapshot_id=None if held is None else held["snapshot_id"],
        doubts="[]" if held is None else held["findings"],
        pack=_own_pack(question.policy, event, scope),
        url=known.database,
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
    name = policy_named(policy, event)
    if name is None or name in shipped_rule_packs():
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
    return caller.show(caller.read(lambda scope: derived_again(scope, run_id)).as_dict(caller.lang))


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


def derived_again(scope: Scope, run_id: str) -> CheckReport:
    """A kept plan, derived again without the solver that made it. Raises Refused `not_found`."""
    return check(*_whole(scope, run_id))


def _whole(scope: Scope, run_id: str) -> tuple[dict[str, Any], Any]:
    """A plan as data, and its offers where it holds only their hash."""
    document: dict[str, Any] = json.loads(runs.plan_of(scope, runs.find_run(scope, run_id)))
    part = document["problem"]
    offers = None if part["offers"] is not None else markets.load(scope, part["offers_sha256"]).offers
    return document, offers
