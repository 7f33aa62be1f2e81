"""`/healthz`, `/readyz`, `/metrics`: what the surroundings ask of the service; no resource and no business data."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.database.opening import schema_faults
from api.door import is_this_machine
from api.jobs.waiting import Waiting, waiting
from api.metrics import MEDIA_TYPE
from api.refusals import Refused
from api.routes.answering import Answer
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault

router = APIRouter(tags=["operation"])
PLAIN = {"text/plain": {"schema": {"type": "string"}}}
NOT_KEPT = {"Cache-Control": "no-store"}


class Health(Answer):
    """That the service is there."""

    status: Literal["ok"]


@router.get("/healthz", response_model=None, responses={200: {"model": Health}}, summary="Whether the service lives")
async def show_health() -> Response:
    """Answers as long as the process does; asks nobody else. Start it anew where this fails."""
    return Response(b'{"status":"ok"}', media_type="application/json", headers=NOT_KEPT)


@router.get("/readyz", response_model=None, responses={200: {"model": Health}}, summary="Whether to send requests here")
async def show_readiness(request: Request) -> Response:
    """503 while the service stops, or its database does not answer or is of another version."""
    state = request.app.state
    if getattr(state, "stopping", False):
        raise _not_ready([fault("stopping", "服务正在停止", "the service is stopping")])
    found = await run_in_threadpool(_database_faults, request)
    if found:
        raise _not_ready(found)
    return Response(b'{"status":"ok"}', media_type="application/json", headers=NOT_KEPT)


def _database_faults(request: Request) -> list[Finding]:
    try:
        with request.app.state.records.database.reading() as c:
            return schema_faults(c)
    except BadInput:  # its words are for the log, not for whoever asks
        return [fault("database", "数据库没有应答", "the database does not answer")]


def _not_ready(found: list[Finding]) -> Refused:
    return Refused("unavailable", found, headers={"Retry-After": "2"})


@router.get("/metrics", response_model=None, responses={200: {"content": PLAIN}}, summary="Figures for Prometheus")
async def show_metrics(request: Request) -> Response:
    """For this machine without a key; from elsewhere, or through a proxy, with a key that may read the audit."""
    if not is_this_machine(request):
        await run_in_threadpool(_admit, request)
    text = await run_in_threadpool(_figures, request)
    return Response(text, media_type=MEDIA_TYPE, headers=NOT_KEPT)


def _figures(request: Request) -> bytes:
    found: bytes = request.app.state.metrics.text(_waiting(request))
    return found


def _waiting(request: Request) -> Waiting | None:
    try:
        with request.app.state.records.database.reading() as c:
            return waiting(c)
    except BadInput:  # monitors see it at /readyz, and the process's own figures all the same
        return None


def _admit(request: Request) -> None:
    actor = request.app.state.door.enter(request)
    if not actor.may("audit.read"):
        zh, en = "需要权限 audit.read", "needs the permission audit.read"
        raise Refused("forbidden", [fault("forbidden", zh, en)])
