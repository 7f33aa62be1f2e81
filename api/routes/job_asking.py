"""From the body of a request to a job: what it names is looked up, what is wrong with it is told before it is accepted.

The problem is read whole here, so that a job fails for its input only where the command line would need the work to
find out.
"""

from dataclasses import replace
from typing import Any

from api import settings
from api.access.scope import Scope
from api.archive import markets, packs, runs
from api.database.job_tables import scenario_sets
from api.jobs.answers import pack_reader
from api.jobs.requests import JobRequest
from api.jobs.scenario_sets import content_of
from api.plain_data import PlainData
from api.planning import inputs_of, offers_of, plain_value, problem_of_task
from api.refusals import Refused
from api.routes.answering import Caller, refuse_unless
from api.routes.job_bodies import (
    AboutProblem,
    CompareBody,
    PlanBody,
    ProblemBody,
    QuotesBody,
    ReplanBody,
    SweepBody,
    papers_refused,
)
from api.routes.plan_questions import Question
from api.routes.plans import task_of
from api.routes.quotes import quote_task
from api.scenario_files import scenarios_of
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault

SWEEP = "sweep"
TITLED_MAX = 10
"""Events whose ids stand in the title of a batch."""
BETWEEN_IDS = ", "
"""Between those of a title."""


type AnyJob = AboutProblem | SweepBody | ReplanBody | QuotesBody


def job_request(body: AnyJob, caller: Caller, content: bytes) -> JobRequest:
    """The job that a body asks for; `content` are its bytes.

    Raises:
        BadInput: every fault of the problem at once; things that are not there.
        Refused: `forbidden`, for quotes asked by somebody who may not make any.
    """
    kind = SWEEP if isinstance(body, SweepBody) else body.kind
    refused = papers_refused(kind, body.papers)
    if refused:
        zh, en = "这种任务不能写成此格式", "jobs of this kind cannot be written as this"
        raise BadInput([fault("paper_kind", zh, en, path="papers", value=", ".join(refused))])
    papers = tuple(dict.fromkeys(body.papers))
    if isinstance(body, QuotesBody):
        refuse_unless(caller.actor, "quotes.write")
        options = _quotes_options(body, caller)
        return JobRequest(kind, caller.lang, _named_in(options["events"]), options)
    if isinstance(body, ReplanBody):
        title, options = caller.read(lambda scope: _replan_options(body, scope))
        return JobRequest(kind, caller.lang, title, options, papers)
    task, options = caller.read(lambda scope: (task_of(_question(body), scope, caller), _options(body, scope)))
    problem = problem_of_task(task)
    title = BETWEEN_IDS.join(event.id for event in problem.events)
    return JobRequest(kind, caller.lang, title, options, papers, task, inputs_of(content, task))


def _question(body: ProblemBody) -> Question:
    """The problem of a body, as plans are asked for."""
    names = set(Question.model_fields) & set(type(body).model_fields)
    return Question.model_construct(**{name: getattr(body, name) for name in names})


def _options(body: ProblemBody, scope: Scope) -> dict[str, Any]:
    if isinstance(body, PlanBody):
        return {}  # they stand in the inputs, as with every plan
    if not isinstance(body, CompareBody):
        return body.options()
    given = body.options()
    given.pop("scenario_set", None)
    return {**given, **scenario_options(_scenarios(body, scope), scope)}


def _scenarios(body: CompareBody, scope: Scope) -> Any:
    if (body.scenarios is None) == (body.scenario_set is None):
        zh, en = "应恰好给出 scenarios 或 scenario_set 之一", "should have either scenarios or scenario_set"
        raise BadInput([fault("one_of", zh, en, path="scenarios")])
    if body.scenario_set is None:
        return body.scenarios
    row = _there("scenario_set", lambda: scope.one(scenario_sets, str(body.scenario_set)))
    return content_of(scope, row)


def scenario_options(document: Any, scope: Scope) -> dict[str, Any]:
    """A set of scenarios as a job takes it: a mapping, and the organisation's own rule packs that it names.

    Raises:
        BadInput: every fault of it at once.
    """
    if isinstance(document, list | tuple):
        document = {"library": list(document)}
    if not isinstance(document, dict):
        zh, en = "应为情景名称的列表或键值表", "should be a list of names, or a mapping"
        raise BadInput([fault("scenarios_type", zh, en, path="scenarios")])
    value = plain_value(document)
    own = {row["pack_id"]: packs.pack_document(scope, row) for row in packs.newest_packs(scope)}
    try:
        named = scenarios_of(PlainData(value, ""), pack_reader(own))
    except BadInput as error:
        raise BadInput([_under("scenarios", f) for f in error.findings]) from error
    return {"scenarios": value, "packs": {k: v for k, v in own.items() if k in named.packs}}


def _replan_options(body: ReplanBody, scope: Scope) -> tuple[str, dict[str, Any]]:
    if (body.offers is None) == (body.snapshot is None):
        zh, en = "应恰好给出 offers 或 snapshot 之一", "should have either offers or snapshot"
        raise BadInput([fault("one_of", zh, en, path="offers")])
    run = _there("plan", lambda: runs.find_run(scope, body.plan))
    snapshot_id = None
    if body.snapshot is not None:
        snapshot_id = _there("snapshot", lambda: markets.held(scope, str(body.snapshot))["snapshot_id"])
    else:
        offers_of(body.offers)
    options = {
        "plan": run["id"],
        "offers": body.offers,
        "snapshot_id": snapshot_id,
        "as_of": (body.as_of or settings.today()).isoformat(),
        "objective": body.objective,
    }
    title = BETWEEN_IDS.join(runs.as_dict(run)["event_ids"])
    return title, {k: v for k, v in options.items() if v is not None}


def _quotes_options(body: QuotesBody, caller: Caller) -> dict[str, Any]:
    """The batch with its events looked up; the inventory is read when the job begins."""
    task, _ = caller.read(lambda scope: quote_task(body, body.events, "none", scope, caller))
    until = None if body.valid_until is None else body.valid_until.isoformat()
    options = {
        **{"events": task.events, "as_of": task.as_of.isoformat(), "firm": task.firm, "packs": task.packs},
        **{"policy": task.policy, "objective": task.objective, "epsilon": task.epsilon, "budget": task.budget},
        **{"valid_until": until, "valid_hours": body.valid_hours},
        "margin": None if body.margin is None else body.margin.model_dump(exclude_none=True),
        "clients": [[one.client, one.client_organisation] for one in body.events],
    }
    return {k: v for k, v in options.items() if v is not None}


def _named_in(events: Any) -> str:
    """The ids of events that nobody has read yet."""
    ids = [str(event.get("id", "")) for event in events if isinstance(event, dict)]
    return BETWEEN_IDS.join(ids[:TITLED_MAX]) + (" ..." if len(ids) > TITLED_MAX else "")


def _there(key: str, look_up: Any) -> Any:
    """What a key of the body names. Raises BadInput where there is no such thing."""
    try:
        return look_up()
    except Refused as error:
        raise BadInput([fault("unknown", "没有这一项", "there is no such thing", path=key)]) from error


def _under(key: str, found: Finding) -> Finding:
    inner = found.path
    return replace(found, path=key + (inner if inner.startswith("[") else f".{inner}" if inner else ""))
