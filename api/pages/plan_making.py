"""Plans that a page asks for: the same question, planner and archive as `POST /v1/plans`."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from api import settings
from api.access.scope import Scope
from api.archive import runs
from api.jobs import book
from api.pages.viewing import View
from api.routes.faults import faults_of_body
from api.routes.job_asking import job_request
from api.routes.job_bodies import AboutProblem
from api.routes.plan_questions import Answered, Asked, answered, question_of
from api.routes.plans import task_of
from optimizer.errors import BadInput

TOO_LONG = "too_long"
"""The refusal after which a worker may take all the time that it needs."""
WAITING_HELPS = frozenset({TOO_LONG, "too_many", "unavailable"})
"""Refusals of a plan that may be none in a while."""


def asked_of(view: View, question: Mapping[str, Any]) -> Asked:
    """A question as `POST /v1/plans` takes it, with what it names looked up where the viewer may. Raises BadInput."""
    body = json.dumps(question, ensure_ascii=False).encode()
    asked = Asked(body, view.lang, settings.today(), float(view.request.app.state.settings.plan_seconds))
    wanted = question_of(asked)
    return replace(asked, task=view.read(lambda scope: task_of(wanted, scope, view.caller)))


async def plan_made(view: View, question: Mapping[str, Any]) -> Answered:
    """The plan of a question as `POST /v1/plans` takes it, not kept: for looking around.

    Raises:
        BadInput: its faults, placed by the question's keys.
        Refused: it took too long, too many wait.
    """
    return await answer_of(view, await run_in_threadpool(asked_of, view, question))


async def answer_of(view: View, asked: Asked) -> Answered:
    """The plan of a question whose names were looked up. Raises as `plan_made`."""
    found = await view.request.app.state.planners.run(answered, asked)
    assert isinstance(found, Answered)  # not KeptNamed: what the question names was looked up
    return found


async def in_background[B: AboutProblem](view: View, kind: type[B], question: Mapping[str, Any]) -> str:
    """Has the work of a body of this kind done by a worker, however long it takes; gives the job's id.

    Raises:
        BadInput: its faults, placed by the question's keys.
        Refused: too many jobs wait.
    """
    try:
        body = kind.model_validate(question)
    except ValidationError as error:
        raise BadInput(faults_of_body(error, kind)) from error
    content = json.dumps(question, ensure_ascii=False).encode()
    request = await run_in_threadpool(job_request, body, view.caller, content)
    return str(await run_in_threadpool(view.write, lambda scope: book.accept(scope, request)["id"]))


async def plan_kept(view: View, question: Mapping[str, Any]) -> str:
    """Makes the plan of a question and keeps it; gives the run's id. Raises as `plan_made`."""
    found = await plan_made(view, question)

    def keep(scope: Scope) -> str:
        return runs.keep_run(scope, found.inputs, found.made, found.document)

    return await run_in_threadpool(view.write, keep)
