"""Questions for a plan: how a body asks, and how a planner's process reads and answers it.

A body in which everything stands goes to the planner as it came. What a body only names (a kept event, a snapshot, an
organisation's own rule pack) is looked up first, by whoever may see it.
"""

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from api.access.scope import Actor, Records
from api.archive import runs
from api.archive.documents import Packed, packed
from api.plain_data import plain_json
from api.planners import Talk
from api.planning import PlanMade, PlanTask, Unplanned, inputs_of, inputs_standing, made
from api.refusals import Refused
from api.routes.answering import Body
from api.routes.faults import faults_of_body
from api.routes.shapes import DecimalIn, EventDocument, ObjectiveDocument, OffersDocument, OutlookDocument
from market_data.store_opening import connect, for_one_thread
from optimizer.errors import BadInput, Cancelled
from optimizer.findings import Finding, fault
from optimizer.nouns import Day
from optimizer.rule_pack import shipped_rule_packs
from optimizer.wording import Language

NAMING_BYTES_MAX = 20_000
"""Bodies up to this are searched for what they name."""


class Posed(Body):
    """What is to be worked out: an event or a calendar, a market, a day, and what replaces what."""

    event: EventDocument = None
    event_id: Annotated[str | None, Field(description="An event kept at /v1/events, in place of `event`.")] = None
    offers: OffersDocument = None
    snapshot: Annotated[
        str | None, Field(description="A snapshot kept at /v1/snapshots, in place of `offers`: its id or 8 digits.")
    ] = None
    as_of: Annotated[Day | None, Field(description="The day of the plan; today in China when left out.")] = None
    policy: Annotated[str | None, Field(description="A rule pack in place of the event's.")] = None
    objective: ObjectiveDocument = None
    epsilon: DecimalIn = None
    outlook: OutlookDocument = None
    budget: DecimalIn = None


class Question(Posed):
    """What is to be planned: an event or a calendar, a market, a day, and what replaces what."""

    explain: Literal["short", "all", "none"] = "short"
    time_limit: Annotated[
        float | None, Field(gt=0, description="Seconds; a plan that it cuts is not reproducible.")
    ] = None


@dataclass(frozen=True)
class Asked:
    """A body with what its answer depends on besides."""

    body: bytes
    lang: Language
    today: date
    seconds_max: float
    task: PlanTask | None = None
    """The question with everything that it names; None: nothing is named, and the planner reads the body."""


@dataclass(frozen=True)
class Answered:
    """A plan, and what is kept of it, made ready."""

    made: PlanMade
    inputs: Packed
    document: Packed


@dataclass(frozen=True)
class Keeping:
    """Whose a plan becomes, by which request, and where it is kept."""

    actor: Actor
    request_id: str
    inputs: Packed
    """All that it depends on, made ready by the server while the planner was at work."""
    url: str
    busy_seconds: int


@dataclass(frozen=True)
class Kept:
    """A plan was kept as a run; its content went ahead."""

    run_id: str


@dataclass(frozen=True)
class KeptNamed:
    """The body names what is kept."""


def names_what_is_kept(body: bytes) -> bool:
    """Whether a body is likely to name a kept event or snapshot: cheap, and blind to keys that are escaped.

    A long one has its market in it, which leaves an event by name; its planner would say so.
    """
    return len(body) <= NAMING_BYTES_MAX and (b'"event_id"' in body or b'"snapshot"' in body)


def question_of(asked: Asked) -> Question:
    """The question of a body. Raises Refused `malformed`, BadInput."""
    try:
        value = plain_json(asked.body)
    except BadInput as error:
        raise Refused("malformed", error.findings) from error
    try:
        return Question.model_validate(value)
    except ValidationError as error:
        raise BadInput(faults_of_body(error, Question)) from error


def answered(asked: Asked) -> Answered | KeptNamed | Unplanned:
    """The answer as values that travel between processes."""
    found = _planned(asked, lambda _: None)
    if not isinstance(found, PlanMade):
        return found
    inputs = packed_inputs(asked) if asked.task is None else packed(inputs_of(asked.body, asked.task))
    return Answered(found, inputs, packed(found.content))


def answered_and_kept(asked: Asked, talk: Talk[Keeping]) -> Kept | KeptNamed | Unplanned:
    """The answer, kept where it was made; its content travels ahead meanwhile, and counts once it is kept.

    It learns whose it becomes; None: nobody's, and nothing is kept.
    """
    found = _planned(asked, talk.keep)
    if not isinstance(found, PlanMade):
        return found
    document = packed(found.content)
    talk.keep((found, document))
    talk.give_ahead(found.content)
    keeping = talk.learn()
    if keeping is None:
        return Unplanned(())
    try:
        with _records(keeping.url, keeping.busy_seconds).writing(keeping.actor, keeping.request_id) as scope:
            run_id = runs.keep_run(scope, keeping.inputs, found, document)
    except BadInput as error:  # of the database
        return Unplanned(error.findings)
    return Kept(run_id)


def _planned(asked: Asked, keep: Callable[[PlanTask], None]) -> PlanMade | KeptNamed | Unplanned:
    """The plan; `keep` is given the question as it was read."""
    try:
        task = _task_read(asked) if asked.task is None else asked.task
        if isinstance(task, KeptNamed):
            return task
        keep(task)
        return made(replace(task, seconds_max=asked.seconds_max))
    except Refused as refusal:
        return Unplanned(refusal.findings, malformed=True)
    except BadInput as error:
        return Unplanned(error.findings)
    except Cancelled:
        return Unplanned(())


def _task_read(asked: Asked) -> PlanTask | KeptNamed:
    """The task of a body in which everything stands. Raises Refused `malformed`, BadInput."""
    question = question_of(asked)
    policy = policy_named(question.policy, question.event)
    own = policy is not None and policy not in shipped_rule_packs()
    if question.event_id is not None or question.snapshot is not None or own:
        return KeptNamed()
    refuse_question(question, asked.seconds_max)
    return plain_task(question, asked.lang, asked.today)


def packed_inputs(asked: Asked) -> Packed:
    """All that the plan of a body depends on in which everything stands; the planner need not have read it."""
    return packed(inputs_standing(asked.body, asked.lang, asked.today))


@functools.cache
def _records(url: str, busy_seconds: int) -> Records:
    """The database, kept open by this process's one thread; the server has brought its tables to this version."""
    return Records(for_one_thread(connect(url, kept_open=True, busy_seconds=busy_seconds)))


def refuse_question(question: Question, seconds_max: float) -> None:
    """Raises BadInput for a question without exactly one event and one market, or for more time than there is."""
    found: list[Finding] = []
    for one, other in (("event", "event_id"), ("offers", "snapshot")):
        given = [getattr(question, name) is not None for name in (one, other)]
        if sum(given) != 1:
            zh, en = f"应恰好给出 {one} 或 {other} 之一", f"should have either {one} or {other}"
            found.append(fault("one_of", zh, en, path=one))
    if question.time_limit is not None and question.time_limit > seconds_max:
        zh, en = (
            f"至多 {seconds_max:g} 秒; 更久请用后台任务",
            f"should be at most {seconds_max:g}; for longer, run a job",
        )
        found.append(fault("time_limit", zh, en, path="time_limit", value=question.time_limit))
    if found:
        raise BadInput(found)


def plain_task(question: Question, lang: Language, today: date) -> PlanTask:
    """The task of a question in which everything stands."""
    return PlanTask(
        event=question.event,
        as_of=question.as_of or today,
        offers=question.offers,
        policy=question.policy,
        objective=question.objective,
        epsilon=question.epsilon,
        outlook=question.outlook,
        budget=question.budget,
        explain=question.explain,
        time_limit=question.time_limit,
        lang=lang,
    )


def policy_named(policy: str | None, event: Any) -> str | None:
    """The rule pack that a question names, in itself or in its event."""
    name = policy if policy is not None else event.get("policy") if isinstance(event, dict) else None
    return name if isinstance(name, str) else None


def warm_up(_: None) -> None:
    """A first small plan: it loads what every plan needs."""
    emissions = {"tonnes": 1, "status": "verified"}
    event = {"id": "first", "name": "first", "end_date": "2026-01-01", "emissions": emissions}
    offer = {"offer_id": "first", "instrument": "allowance", "mechanism": "CEA", "quantity": "10", "price": "1"}
    body = json.dumps({"event": event, "offers": [offer]}).encode()
    assert isinstance(answered(Asked(body, "zh", date(2026, 1, 1), 60.0)), Answered)
