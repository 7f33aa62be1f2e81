"""`/v1/audit`: who did what with which inputs, whether the record holds, and the whole of it to keep elsewhere."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BeforeValidator, Field
from pydantic_core import PydanticCustomError
from sqlalchemy import ColumnElement, func

from api.access import trail
from api.access.scope import Scope
from api.access.trail_exports import export_lines
from api.database import tables
from api.refusals import not_found
from api.routes.answering import Answer, Body, Caller, Cursor, ExactRoute, Limit, allowed, page_document
from api.routes.shapes import Sha256, TimeText
from market_data.store_tables import time_text
from optimizer.errors import BadInput
from optimizer.findings import fault
from optimizer.plan import canonical
from optimizer.wording import Language

router = APIRouter(prefix="/v1/audit", tags=["audit"], route_class=ExactRoute)
NOTED_MAX = 10_000
SEQ_MAX = 2**63 - 1
NDJSON = "application/x-ndjson"
Exactly = Annotated[str | None, Query(min_length=1, max_length=200, pattern=r"^[^\u0000]+$")]


def _no_number(value: Any) -> Any:
    """Numbers are no moments: pydantic would read them as seconds since 1970."""
    if isinstance(value, str) and value.strip().lstrip("+-").replace(".", "", 1).isdigit():
        zh, en = "应为时刻, 例如 2026-11-22T08:00:00Z", "should be a moment such as 2026-11-22T08:00:00Z"
        raise PydanticCustomError("moment", en, {"zh": zh})
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_no_number)]


class EntryAnswer(Answer):
    """One line of the trail; its hash binds it to the one before."""

    seq: int
    at: TimeText
    actor: Annotated[dict[str, Any] | str, Field(description="user, name, way, credential; never a secret.")]
    action: Annotated[str, Field(examples=["plan.make"])]
    object: Annotated[str, Field(description="The id of the thing.")]
    details: dict[str, Any] | str
    request_id: str
    previous: Sha256
    hash: Sha256


class EntryPage(Answer):
    """A page of the trail, the newest first."""

    items: list[EntryAnswer]
    next: str | None


class Head(Answer):
    """Where a chain ends: note it elsewhere, and a chain that was cut or computed anew shows against it."""

    organisation_id: str
    organisation: str
    seq: Annotated[int, Field(description="Entries of the chain.")]
    hash: Sha256


class HeadsAnswer(Answer):
    """The organisation's head, in the form that `jinheng audit verify --against` reads."""

    heads: list[Head]


class BreakAnswer(Answer):
    """A place where the chain does not hold."""

    seq: int
    what: Annotated[str, Field(examples=list(trail.BREAKS))]
    message: str


class VerifyAnswer(Answer):
    """Whether the chain holds."""

    holds: bool
    head: Head
    breaks: list[BreakAnswer]


class NotedHash(Body):
    """The hash of an entry as it was noted before."""

    seq: Annotated[int, Field(ge=0, le=SEQ_MAX, strict=True, examples=[12])]
    hash: Sha256


class Noted(Body):
    """Hashes noted before: of heads, or of every entry of an export."""

    noted: Annotated[list[NotedHash], Field(max_length=NOTED_MAX)]


@router.get("", response_model=None, responses={200: {"model": EntryPage}}, summary="Who did what")
def list_entries(
    caller: Caller = allowed("audit.read"),
    limit: Limit = 50,
    cursor: Cursor = None,
    action: Exactly = None,
    object: Exactly = None,
    user: Annotated[Exactly, Query(description="The id of a user, or operator, or local-user.")] = None,
    since: Annotated[Moment | None, Query(description="From this moment on.")] = None,
    until: Annotated[Moment | None, Query(description="Before this moment.")] = None,
) -> Response:
    """Entries of the organisation's trail that meet every condition given, the newest first."""
    times = [None if t is None else _moment(name, t) for name, t in (("since", since), ("until", until))]
    wanted = Sought(action, object, user, times[0], times[1])
    before = None if cursor is None else place_of(cursor)

    def work(scope: Scope) -> dict[str, Any]:
        return page_document(*entries_found(scope, wanted, limit, before))

    return caller.show(caller.read(work))


@dataclass(frozen=True)
class Sought:
    """What entries of the trail are asked for; None: any will do."""

    action: str | None = None
    object: str | None = None
    user: str | None = None
    since: str | None = None
    """A moment as the tables write it; entries from then on."""
    until: str | None = None
    """A moment as the tables write it; entries before then."""


def entries_found(
    scope: Scope, wanted: Sought, limit: int, before: int | None = None
) -> tuple[list[dict[str, Any]], str | None]:
    """Entries that meet every condition, the newest first, below the number `before`; and where the next page is."""
    found = tables.trail.c
    mine = [c == v for c, v in ((found.action, wanted.action), (found.object, wanted.object)) if v]
    mine += [] if wanted.since is None else [found.at >= wanted.since]
    mine += [] if wanted.until is None else [found.at < wanted.until]
    mine += [] if before is None else [found.seq < before]
    mine += [] if wanted.user is None else [_acted(scope, wanted.user)]
    rows = scope.rows(scope.select(tables.trail, *mine).order_by(found.seq.desc()).limit(limit + 1))
    after = str(rows[limit - 1]["seq"]) if len(rows) > limit else None
    return [trail.entry_document(r) for r in rows[:limit]], after


def entry_found(scope: Scope, seq: int) -> tuple[dict[str, Any], bool]:
    """An entry, and whether it is what was written behind the one before it. Raises Refused `not_found`."""
    rows = {r["seq"]: r for r in trail.some_entries(scope.c, scope.actor.organisation_id, seq - 2, seq)}
    if seq not in rows:
        raise not_found()
    last = str(rows[seq - 1]["hash"]) if seq - 1 in rows else trail.NO_ENTRY
    return trail.entry_document(rows[seq]), trail.follows(rows[seq], last)


def _moment(name: str, time: AwareDatetime) -> str:
    try:
        return time_text(time)
    except (OverflowError, ValueError) as error:
        zh, en = "超出可用的时间范围", "is beyond the times that there are"
        raise BadInput([fault("time_range", zh, en, path=name, value=time)]) from error


def place_of(cursor: str) -> int:
    """The number below which the next page begins. Raises BadInput."""
    if not (cursor.isascii() and cursor.isdigit() and 0 < int(cursor) <= SEQ_MAX):
        zh, en = "不是上一页给出的 cursor", "is no cursor that an earlier page gave"
        raise BadInput([fault("cursor", zh, en, path="cursor", value=cursor)])
    return int(cursor)


def _acted(scope: Scope, user: str) -> ColumnElement[bool]:
    """That the user acted: how canonical JSON names one cannot stand inside another of its texts."""
    position = func.instr if scope.c.dialect.name == "sqlite" else func.strpos
    found: ColumnElement[bool] = position(tables.trail.c.actor, canonical({"user": user})[1:-1]) > 0
    return found


@router.get("/head", response_model=None, responses={200: {"model": HeadsAnswer}}, summary="Where the chain ends")
def show_head(caller: Caller = allowed("audit.read")) -> Response:
    """Note it outside the service: against it, `verify` also finds what was cut off or computed anew."""
    return caller.show(caller.read(lambda scope: {"heads": [_head(scope)]}))


@router.get("/verify", response_model=None, responses={200: {"model": VerifyAnswer}}, summary="Whether the chain holds")
def verify_chain(caller: Caller = allowed("audit.read")) -> Response:
    """Every entry is hashed again. A changed, missing or inserted entry is told by its number."""
    return caller.show(caller.read(lambda scope: verified(scope, {}, caller.lang)))


@router.post(
    "/verify",
    response_model=None,
    responses={200: {"model": VerifyAnswer}},
    summary="Whether the chain holds, also against what was noted before",
)
def verify_against(noted: Noted, caller: Caller = allowed("audit.read")) -> Response:
    """As GET; besides, every noted hash must stand where it stood. It changes nothing and notes nothing."""
    known = {n.seq: n.hash for n in noted.noted}
    return caller.show(caller.read(lambda scope: verified(scope, known, caller.lang)))


def verified(scope: Scope, noted: dict[int, str], lang: Language) -> dict[str, Any]:
    """Whether the organisation's chain holds, also against hashes noted before; where it ends, and every break."""
    found = list(trail.chain_breaks(scope.c, scope.actor.organisation_id, noted))
    return {"holds": not found, "head": _head(scope), "breaks": [b.as_dict(lang) for b in found]}


def _head(scope: Scope) -> dict[str, Any]:
    seq, digest = trail.head_of(scope.c, scope.actor.organisation_id)
    owner = {"organisation_id": scope.actor.organisation_id, "organisation": scope.actor.organisation}
    return {**owner, "seq": seq, "hash": digest}


@router.get(
    "/export",
    response_model=None,
    responses={200: {"content": {NDJSON: {"schema": {"type": "string"}}}, "description": "One JSON document a line."}},
    summary="The whole chain",
)
def export_chain(caller: Caller = allowed("audit.read")) -> Response:
    """The head first, then every entry in order, one a line: keep it elsewhere and verify against it later."""
    headers = {"Cache-Control": "private, no-store", "Content-Disposition": 'attachment; filename="trail.ndjson"'}
    lines = export_lines(caller.records, caller.actor.organisation_id)
    return StreamingResponse(lines, media_type=NDJSON, headers=headers)
