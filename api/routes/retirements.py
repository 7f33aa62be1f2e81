"""`/v1/retirements`: what is to be cancelled where and by when, its serials, its evidence, and marking it as done."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from api import settings
from api.access.scope import PAGE_ROWS_MAX, Scope
from api.database import retirement_tables as tables
from api.ledger import evidence, reminders, retirements, retiring, serials
from api.routes.answering import (
    Caller,
    Cursor,
    Done,
    ExactRoute,
    Limit,
    allowed,
    as_bytes,
    etag_of_version,
    page_document,
)
from api.routes.retirement_shapes import (
    TEXT_LENGTH_MAX,
    DueAnswer,
    EvidenceAnswer,
    GivenReason,
    NewRetirements,
    NewSerials,
    RegistryList,
    Retire,
    Retirement,
    RetirementPage,
    Retirements,
)
from optimizer.errors import BadInput
from optimizer.findings import fault

router = APIRouter(prefix="/v1/retirements", tags=["retirements"], route_class=ExactRoute)


@router.post(
    "",
    status_code=201,
    response_model=None,
    responses={201: {"model": Retirements}, 200: {"model": Retirements, "description": "They were there already."}},
    summary="Turn a plan or an order into retirement instructions",
)
def make_retirements(asked: NewRetirements, caller: Caller = allowed("retirements.write")) -> Response:
    """One instruction an event and offer, with registry and deadline. The same plan or order again adds nothing."""
    run_id, order_id = asked.run_id, asked.order_id
    if (run_id is None) == (order_id is None):
        zh, en = "应恰好给出 run_id 或 order_id 之一", "should have either run_id or order_id"
        raise BadInput([fault("one_of", zh, en, path="run_id")])

    def work(scope: Scope) -> Done:
        rows, new, told = retiring.instruct(scope, retiring.purchase(scope, run_id, order_id))
        today = settings.today()
        document = {
            "items": [retirements.as_dict(r, today) for r in rows],
            "warnings": [f.as_dict(caller.lang) for f in told],
        }
        return Done(201 if new else 200, document)

    return caller.once(work)


@router.get("", response_model=None, responses={200: {"model": RetirementPage}}, summary="Retirement instructions")
def list_retirements(
    caller: Caller = allowed("retirements.read"),
    limit: Limit = 50,
    cursor: Cursor = None,
    state: Annotated[Literal["due", "overdue", "retired", "cancelled"] | None, Query()] = None,
    registry: Annotated[str | None, Query(max_length=TEXT_LENGTH_MAX)] = None,
    event_id: Annotated[str | None, Query(max_length=TEXT_LENGTH_MAX)] = None,
) -> Response:
    """The organisation's instructions, the newest first; `due` includes what is overdue."""
    today = settings.today()
    wanted = retirements.wanted(today, state, registry, event_id)
    rows, after = caller.read(lambda scope: scope.page(tables.retirements, limit, cursor, *wanted))
    return caller.show(page_document([retirements.as_dict(r, today) for r in rows], after))


@router.get("/registries", response_model=None, responses={200: {"model": RegistryList}}, summary="By registry")
def list_registries(caller: Caller = allowed("retirements.read")) -> Response:
    """How much is due, overdue and retired in each registry, and the next deadline there."""
    return caller.show({"items": caller.read(lambda scope: retirements.by_registry(scope, settings.today()))})


@router.get("/due", response_model=None, responses={200: {"model": DueAnswer}}, summary="Due soon")
def list_due(
    caller: Caller = allowed("retirements.read"),
    days: Annotated[int, Query(ge=0, le=3660)] = reminders.DAYS_BEFORE,
) -> Response:
    """What is overdue or due within so many days, at most 500 of it, and the same in words."""
    today = settings.today()
    rows = caller.read(lambda scope: reminders.due_within(scope, today, days, PAGE_ROWS_MAX))
    document = {
        "today": today.isoformat(),
        "days": days,
        "items": [retirements.as_dict(r, today) for r in rows],
        "digest": reminders.digest(rows, today).say(caller.lang),
    }
    return caller.show(document)


@router.get("/{retirement_id}", response_model=None, responses={200: {"model": Retirement}}, summary="An instruction")
def show_retirement(retirement_id: str, caller: Caller = allowed("retirements.read")) -> Response:
    """An instruction with its serials, its evidence and what it still lacks. Its ETag is for `If-Match`."""
    document = caller.read(lambda scope: _whole(scope, retirement_id, caller))
    # No 304: a day that passes and evidence that comes later change what is shown, and not the version.
    headers = {"ETag": etag_of_version(document["version"]), "Cache-Control": "no-store"}
    return Response(as_bytes(document), media_type="application/json", headers=headers)


def _whole(scope: Scope, retirement_id: str, caller: Caller) -> dict[str, Any]:
    row = scope.one(tables.retirements, retirement_id)
    return retirements.whole(scope, row, settings.today(), caller.lang)


def _done(scope: Scope, retirement_id: str, caller: Caller, status: int = 200) -> Done:
    document = _whole(scope, retirement_id, caller)
    return Done(status, document, location=f"/v1/retirements/{retirement_id}", version=document["version"])


@router.post(
    "/{retirement_id}/serials",
    response_model=None,
    responses={200: {"model": Retirement}},
    summary="Serials of the cancellation",
)
def add_serials(retirement_id: str, given: NewSerials, caller: Caller = allowed("retirements.write")) -> Response:
    """Single serials or ranges as the registry gives them. One that is used already, by whomever, refuses them all."""
    entries = [serials.Entry(e) if isinstance(e, str) else serials.Entry(**e.model_dump()) for e in given.serials]

    def work(scope: Scope) -> Done:
        retiring.enter_serials(scope, retirement_id, entries, caller.expected_version())
        return _done(scope, retirement_id, caller)

    return caller.once(work)


@router.post(
    "/{retirement_id}/serials/{serial_id}/release",
    response_model=None,
    responses={200: {"model": Retirement}},
    summary="Give serials free that were entered by mistake",
)
def release_serials(
    retirement_id: str, serial_id: str, why: GivenReason, caller: Caller = allowed("retirements.write")
) -> Response:
    """Only before the instruction is retired; the trail keeps what they were."""

    def work(scope: Scope) -> Done:
        retiring.free_serials(scope, retirement_id, serial_id, why.reason, caller.expected_version())
        return _done(scope, retirement_id, caller)

    return caller.once(work)


@router.post(
    "/{retirement_id}/evidence",
    status_code=201,
    response_model=None,
    responses={
        201: {"model": EvidenceAnswer},
        200: {"model": EvidenceAnswer, "description": "The instruction has this file already."},
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in evidence.TYPES},
        }
    },
    summary="Add a file that proves the cancellation",
)
async def add_evidence(
    retirement_id: str,
    request: Request,
    caller: Caller = allowed("retirements.write"),
    name: Annotated[str, Query(max_length=TEXT_LENGTH_MAX, description="The file's name.")] = "evidence",
) -> Response:
    """The bytes as they are, held against their type. Evidence may also come after the retiring; none goes away."""
    content, kind = await request.body(), request.headers.get("content-type", "")
    most = request.app.state.settings.evidence_bytes

    def answer() -> Response:
        file = evidence.read_file(content, kind, name, most)

        def work(scope: Scope) -> Done:
            row, new = retiring.keep_evidence(scope, retirement_id, file)
            where = f"/v1/retirements/{retirement_id}/evidence/{row['id']}"
            return Done(201 if new else 200, evidence.as_dict(row), location=where)

        return caller.once(work)

    return await run_in_threadpool(answer)


@router.get(
    "/{retirement_id}/evidence/{evidence_id}",
    response_model=None,
    response_class=Response,
    responses={
        200: {"content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in evidence.TYPES}},
    },
    summary="A file of evidence",
)
def show_evidence(retirement_id: str, evidence_id: str, caller: Caller = allowed("retirements.read")) -> Response:
    """The bytes as they were sent, to be saved: no browser shows them in place."""

    def read(scope: Scope) -> tuple[Any, bytes]:
        row = evidence.find(scope, retirement_id, evidence_id)
        return row, evidence.content_of(scope.c, row["sha256"])

    return file_answer(*caller.read(read))


def file_answer(row: Any, content: bytes) -> Response:
    """A file of evidence to be saved."""
    headers = {
        "Content-Disposition": evidence.disposition(row["name"]),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-cache",
        "ETag": f'"{row["sha256"][:32]}"',
    }
    # Given as a header, so that no charset is added to the type that the file was sent with.
    return Response(content, headers={**headers, "Content-Type": row["media_type"]})


@router.post(
    "/{retirement_id}/retire",
    response_model=None,
    responses={200: {"model": Retirement}},
    summary="Mark as cancelled in its registry",
)
def retire(retirement_id: str, done: Retire, caller: Caller = allowed("retirements.write")) -> Response:
    """For good; refused with everything that is missing: serials of the whole mass, certificates, evidence."""

    def work(scope: Scope) -> Done:
        row = retirements.open_instruction(scope, retirement_id, caller.expected_version())
        retirements.retire(scope, row, done.on, done.reference, settings.today())
        return _done(scope, retirement_id, caller)

    return caller.once(work)


@router.post(
    "/{retirement_id}/cancel",
    response_model=None,
    responses={200: {"model": Retirement}},
    summary="Cancel an instruction that is not to be done",
)
def cancel_retirement(retirement_id: str, why: GivenReason, caller: Caller = allowed("retirements.write")) -> Response:
    """Its serials are free again; what was retired stays retired."""

    def work(scope: Scope) -> Done:
        row = retirements.open_instruction(scope, retirement_id, caller.expected_version())
        retirements.cancel(scope, row, why.reason)
        return _done(scope, retirement_id, caller)

    return caller.once(work)
