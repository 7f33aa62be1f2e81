"""Events: what is kept, each in words with its versions, and an earlier version kept again."""

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from api.access.scope import Scope
from api.archive import events
from api.database import tables
from api.event_files import whole_number
from api.pages.event_words import calendar_of_document, differences_of, is_calendar, lines_of
from api.pages.listing import Column, listing
from api.pages.viewing import View, viewing
from api.refusals import not_found
from optimizer.plan import canonical
from optimizer.quantities import tonnes
from optimizer.wording import Text

router = APIRouter(include_in_schema=False)
COLUMNS = (
    Column("name", Text("名称", "Name"), "text"),
    Column("id", Text("编号", "Id"), "text"),
    Column("end_date", Text("结束日期", "End date"), "day"),
    Column("emitted_t", Text("排放量", "Emissions"), "tonnes", unit=Text("吨", "t")),
    Column("status", Text("状态", "Status"), "text", value=lambda row: row["status_words"].zh + row["status_words"].en),
    Column("version", Text("版本", "Version"), "number"),
    Column("made_at", Text("最近修改", "Last changed"), "moment"),
)
VERIFIED = Text("已核查", "verified")
ESTIMATED = Text("估算", "estimated")


@router.get("/events")
async def list_events(view: View = viewing("events.read")) -> Response:
    """The newest version of every event."""

    def work(scope: Scope) -> list[dict[str, Any]]:
        newest = scope.select(tables.events, events.newest_only(scope))
        rows = scope.rows(newest.order_by(tables.events.c.number.desc()))
        return [summary_of(events.as_dict(scope, row)) for row in rows]

    rows = await run_in_threadpool(view.read, work)
    return view.page("events/list.html", list=listing(view.request, rows, COLUMNS))


def summary_of(kept: dict[str, Any]) -> dict[str, Any]:
    """A version as lists and heads show it."""
    calendar = calendar_of_document(kept["event"])
    several = is_calendar(kept["event"])
    verified = all(e.emissions.status == "verified" for e in calendar.events)
    first = calendar.events[0]
    return {
        "id": kept["id"],
        "name": (calendar.name if several else first.name) or kept["id"],
        "events": len(calendar.events),
        "several": several,
        "end_date": max(e.end_date for e in calendar.events).isoformat(),
        "emitted_t": tonnes(sum(e.emissions.emitted_kg for e in calendar.events)),
        "need_t": tonnes(sum(e.need_kg for e in calendar.events)),
        "verified": verified,
        "status_words": VERIFIED if verified else ESTIMATED,
        "version": kept["version"],
        "made_at": kept["made_at"],
    }


def versions_of(scope: Scope, event_id: str) -> list[dict[str, Any]]:
    """Every version of an event, the newest first. Raises Refused `not_found`."""
    wanted = scope.select(tables.events, tables.events.c.event_id == event_id)
    found = [events.as_dict(scope, row) for row in scope.rows(wanted.order_by(tables.events.c.version.desc()))]
    if not found:
        raise not_found()
    return found


@router.get("/events/{event_id}")
async def show_event(event_id: str, view: View = viewing("events.read")) -> Response:
    """An event in words, as it is or as it was in `?version=`, with what each version changed."""

    def whole() -> Response:
        versions = view.read(lambda scope: versions_of(scope, event_id))
        wanted = view.request.query_params.get("version", "")
        shown = next((v for v in versions if str(v["version"]) == wanted), versions[0])
        earlier = next((v for v in versions if v["version"] < shown["version"]), None)
        changes = [] if earlier is None else differences_of(earlier["event"], shown["event"], view.lang)
        lines = lines_of(shown["event"], view.lang)
        return view.page(
            "events/show.html",
            event=summary_of(shown),
            lines=[line for line in lines if not line.path.startswith("events[")],
            inner=_inner(shown["event"]),
            versions=versions,
            newest=versions[0]["version"],
            earlier=earlier,
            changes=changes,
        )

    return await run_in_threadpool(whole)


def _inner(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of a calendar, each as one line."""
    if not is_calendar(document):
        return []
    return [
        {
            "id": one.id,
            "name": one.name or one.id,
            "end_date": one.end_date.isoformat(),
            "emitted_t": tonnes(one.emissions.emitted_kg),
            "need_t": tonnes(one.need_kg),
            "words": VERIFIED if one.emissions.status == "verified" else ESTIMATED,
            "priority": one.priority,
        }
        for one in calendar_of_document(document).events
    ]


@router.post("/events/{event_id}/versions/{version}/keep")
async def keep_again(event_id: str, version: str, view: View = viewing("events.write")) -> Response:
    """Makes an earlier version the newest again: nothing is lost. Somebody else's change since is not overwritten."""
    form = await view.request.form()
    expected = whole_number(str(form.get("expected", "")), "expected", 0, 10**9)

    def work(scope: Scope) -> None:
        wanted = next((v for v in versions_of(scope, event_id) if str(v["version"]) == version), None)
        if wanted is None:
            raise not_found()
        events.keep_version(scope, event_id, canonical(wanted["event"]).encode(), expected)

    await run_in_threadpool(view.write, work)
    return view.go(event_path(event_id), note="undone" if version == str(expected - 1) else "saved")


def event_path(event_id: str, rest: str = "") -> str:
    """The address of an event's page."""
    return f"/events/{quote(event_id, safe='')}{rest}"
