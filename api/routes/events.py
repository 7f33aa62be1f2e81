"""`/v1/events`: events and calendars that are kept; every version stays, the newest counts."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Response

from api.access.scope import Scope
from api.archive import events
from api.database import tables
from api.event_files import calendar_of
from api.plain_data import PlainData
from api.planning import plain_value
from api.refusals import not_found
from api.routes.answering import Answer, Caller, Cursor, Done, ExactRoute, Limit, allowed, page_document
from api.routes.shapes import EXAMPLE_EVENT, EventDocument, TimeText
from optimizer.errors import BadInput
from optimizer.findings import fault
from optimizer.plan import canonical

router = APIRouter(prefix="/v1/events", tags=["events"], route_class=ExactRoute)
EventId = Annotated[str, Path(min_length=1, max_length=200, description="The user's own id of the event.")]


class EventAnswer(Answer):
    """One version of an event."""

    id: str
    version: int
    event: dict[str, Any]
    made_by: str
    made_at: TimeText


class EventPage(Answer):
    """A page of events, the newest change first."""

    items: list[EventAnswer]
    next: str | None


class EventVersions(Answer):
    """Every version of an event, the newest first."""

    items: list[EventAnswer]


@router.put(
    "/{event_id}",
    response_model=None,
    responses={200: {"model": EventAnswer}},
    summary="Keep an event or a calendar",
)
def keep_event(
    event_id: EventId,
    event: Annotated[EventDocument, Body(examples=[EXAMPLE_EVENT])],
    caller: Caller = allowed("events.write"),
) -> Response:
    """Keeps what an event file says; with `If-Match` only in place of that version. The same again changes nothing."""
    value = plain_value(event)
    calendar_of(PlainData(value, ""), None)
    if str(value.get("id", "")) != event_id:
        zh, en = "应与地址中的编号相同", "should be the id of the address"
        raise BadInput([fault("event_id_differs", zh, en, path="id", value=value.get("id"))])
    content, expected = canonical(value).encode(), caller.expected_version()

    def work(scope: Scope) -> Done:
        document = events.as_dict(scope, events.keep_version(scope, event_id, content, expected))
        return Done(200, document, version=document["version"])

    return caller.once(work)


@router.get("", response_model=None, responses={200: {"model": EventPage}}, summary="Events")
def list_events(caller: Caller = allowed("events.read"), limit: Limit = 50, cursor: Cursor = None) -> Response:
    """The newest version of each of the organisation's events."""

    def work(scope: Scope) -> dict[str, Any]:
        rows, after = scope.page(tables.events, limit, cursor, events.newest_only(scope))
        return page_document([events.as_dict(scope, r) for r in rows], after)

    return caller.show(caller.read(work))


@router.get("/{event_id}", response_model=None, responses={200: {"model": EventAnswer}}, summary="An event")
def show_event(event_id: EventId, caller: Caller = allowed("events.read")) -> Response:
    """The newest version."""
    document = caller.read(lambda scope: events.as_dict(scope, events.newest_version(scope, event_id)))
    return caller.show(document, document["version"])


@router.get(
    "/{event_id}/versions", response_model=None, responses={200: {"model": EventVersions}}, summary="Its versions"
)
def show_versions(event_id: EventId, caller: Caller = allowed("events.read")) -> Response:
    """Every version that there was, the newest first."""

    def work(scope: Scope) -> list[dict[str, Any]]:
        wanted = scope.select(tables.events, tables.events.c.event_id == event_id)
        return [events.as_dict(scope, r) for r in scope.rows(wanted.order_by(tables.events.c.version.desc()))]

    found = caller.read(work)
    if not found:
        raise not_found()
    return caller.show({"items": found})
