"""An event is entered or changed: by a form with every fault at its field, or as a whole file; every version stays."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any

import yaml
from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from api.access.scope import Scope
from api.archive import events, packs
from api.event_files import calendar_of, whole_number
from api.pages.event_forms import (
    EventForm,
    blank_form,
    document_of_form,
    form_of_document,
    form_of_fields,
    id_faults,
    limit_keys,
    same_calendar,
    suggested_id,
)
from api.pages.event_words import (
    CHOICES,
    LABELS,
    MEANINGS,
    calendar_of_document,
    differences_of,
    is_calendar,
)
from api.pages.events import event_path, summary_of
from api.pages.viewing import View, viewing
from api.plain_data import PlainData, plain_content
from api.planning import plain_value
from api.refusals import Refused
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.offer_groups import LIMIT_KEYS
from optimizer.plan import canonical
from optimizer.regions import region_names
from optimizer.rule_pack import read_rule_pack, shipped_rule_packs
from optimizer.term_names import TERM_NAMES
from optimizer.wording import CHANNEL_NAMES, INSTRUMENT_NAMES, Text

router = APIRouter(include_in_schema=False)
FIELDS_MAX = 1_000
TEXT_BYTES_MAX = 10_000_000
VERSION_MAX = 10**9
MORE = {
    "years": {"year": "", "yuan": ""},
    "limits": {"key": "group:seller", "values": "", "max_share": "", "min_share": ""},
}
"""What a row that is added begins with."""
type Again = Callable[[Sequence[Finding], Mapping[str, Any] | None], Response]
FILTER_ROW = {"kind": "exclude", "key": "seller", "values": ""}


# ------------------------------------------------------------------------------------------------------------- by form


@router.get("/events/new")
async def new_event(view: View = viewing("events.write")) -> Response:
    """The form of an event that is not there yet."""
    return await run_in_threadpool(_form_page, view, blank_form(), 0)


@router.post("/events/new")
async def enter_event(view: View = viewing("events.write")) -> Response:
    """Keeps a new event, or shows every fault at its field."""
    fields = await _fields(view)
    return await run_in_threadpool(_take_form, view, fields, "")


@router.get("/events/{event_id}/edit")
async def edit_event(event_id: str, view: View = viewing("events.write")) -> Response:
    """The form of an event as it is; its text, where it says more than the form shows."""

    def whole() -> Response:
        kept = view.read(lambda scope: events.as_dict(scope, events.newest_version(scope, event_id)))
        form = form_of_document(kept["event"])
        if form is None:
            return _text_page(view, readable(kept["event"]), kept["version"], event_id=event_id)
        return _form_page(view, form, kept["version"], event_id=event_id)

    return await run_in_threadpool(whole)


@router.post("/events/{event_id}/edit")
async def change_event(event_id: str, view: View = viewing("events.write")) -> Response:
    """Keeps a new version, unless somebody else kept one since: then both are shown."""
    fields = await _fields(view)
    return await run_in_threadpool(_take_form, view, fields, event_id)


def _take_form(view: View, fields: Sequence[tuple[str, str]], event_id: str) -> Response:
    known = dict(fields)
    form = form_of_fields([*fields, ("id", event_id)] if event_id else fields)
    version = whole_number(known.get("version", "0"), "version", 0, VERSION_MAX)
    if known.get("add") in ("years", "limits", "filters"):
        return _form_page(view, with_one_more(form, known["add"]), version, event_id=event_id)
    try:
        document = document_of_form(form)
    except BadInput as error:
        return _form_page(view, form, version, event_id=event_id, faults=error.findings, status=422)

    def again(faults: Sequence[Finding], newest: Mapping[str, Any] | None) -> Response:
        at = version if newest is None else newest["version"]
        changes = () if newest is None else differences_of(newest["event"], document, view.lang)
        status = 412 if newest is not None else 422
        return _form_page(
            view, form, at, event_id=event_id, faults=faults, status=status, newest=newest, changes=changes
        )

    return _kept(view, document, version, again)


def with_one_more(form: EventForm, kind: str) -> EventForm:
    """The form with one more row of a kind."""
    if kind == "years":
        years = [row["year"] for row in form.years if row["year"].isdigit()]
        row = {**MORE["years"], "year": str(int(max(years)) + 1) if years else ""}
        return replace(form, years=[*form.years, row])
    if kind == "limits":
        return replace(form, limits=[*form.limits, dict(MORE["limits"])])
    return replace(form, filters=[*form.filters, dict(FILTER_ROW)])


def _form_page(
    view: View,
    form: EventForm,
    version: int,
    *,
    event_id: str = "",
    faults: Sequence[Finding] = (),
    status: int = 200,
    newest: Mapping[str, Any] | None = None,
    changes: Sequence[Any] = (),
) -> Response:
    return view.page(
        "events/form.html",
        status,
        form=form,
        version=version,
        event_id=event_id,
        faults=faults,
        newest=newest,
        changes=changes,
        labels=LABELS,
        meanings=MEANINGS,
        choices=CHOICES,
        packs=view.read(lambda scope: pack_choices(scope)),
        channels=[(key, name) for key, name in CHANNEL_NAMES.items()],
        instruments=list(INSTRUMENT_NAMES.items()),
        limit_keys=_limit_choices(view),
        filter_keys=[(key, TERM_NAMES[key]) for key in LIMIT_KEYS],
        filter_kinds=[("exclude", Text("不用", "leave out")), ("only", Text("只用", "only"))],
        objectives=[("", Text("默认: 先覆盖", "the usual: cover first")), *CHOICES["objective"].items()],
        regions=region_names(),
    )


def _limit_choices(view: View) -> list[tuple[str, str]]:
    shown = []
    for value, kind, key in limit_keys():
        name = TERM_NAMES[key].say(view.lang)
        each = view.say(f"每个{name}", f"each {name}")
        shown.append((value, each if kind == "group" else view.say(f"{name}为…", f"{name} is …")))
    return shown


def pack_choices(scope: Scope) -> list[tuple[str, Text]]:
    """The rule packs that an event may name: those that ship, and the organisation's own."""
    shipped = [(name, read_rule_pack(name).title) for name in shipped_rule_packs()]
    own = [(row["pack_id"], Text(row["pack_id"], row["pack_id"])) for row in packs.newest_packs(scope)]
    usual = Text("默认: shanxi-2022", "the usual: shanxi-2022")
    named = [(name, Text(f"{name} · {title.zh}", f"{name} · {title.en}")) for name, title in shipped]
    return [("", usual), *named, *(one for one in own if one[0] not in shipped_rule_packs())]


# ------------------------------------------------------------------------------------------------------------- as text


@router.get("/events/file")
async def new_file(view: View = viewing("events.write")) -> Response:
    """Room for a whole event file."""
    return _text_page(view, "", 0)


@router.post("/events/file")
async def take_file(view: View = viewing("events.write")) -> Response:
    """Keeps an event or a calendar that came as YAML or JSON, or tells every fault by its line."""
    form = await view.request.form(max_files=1, max_fields=20, max_part_size=TEXT_BYTES_MAX)
    file = form.get("file")
    content, name = b"", ""
    if isinstance(file, UploadFile):
        content, name = await file.read(), file.filename or ""
    await form.close()
    texts = {k: v for k, v in form.items() if isinstance(v, str)}
    return await run_in_threadpool(_take_text, view, texts, content, name)


def _take_text(view: View, texts: Mapping[str, str], content: bytes, name: str) -> Response:
    event_id, typed = texts.get("event_id", ""), texts.get("text", "")
    version = whole_number(texts.get("version", "0"), "version", 0, VERSION_MAX)
    shown = typed
    try:
        if not content and not typed.strip():
            zh, en = "请选择一个文件, 或粘贴内容", "choose a file or paste its text"
            raise BadInput([fault("nothing_sent", zh, en, path="file")])
        if len(content) > TEXT_BYTES_MAX:
            most = TEXT_BYTES_MAX // 1_000_000
            zh, en = f"超过 {most} MB, 过大", f"is larger than {most} MB"
            raise BadInput([fault("file_too_large", zh, en, path="file")])
        data = plain_content(content or typed.encode(), name)
        shown = typed or content.decode("utf-8", "replace")
        document = _document_of(data, event_id, name)
    except BadInput as error:
        return _text_page(view, shown, version, event_id=event_id, faults=error.findings, status=422)

    def again(faults: Sequence[Finding], newest: Mapping[str, Any] | None) -> Response:
        at = version if newest is None else newest["version"]
        changes = () if newest is None else differences_of(newest["event"], document, view.lang)
        status = 412 if newest is not None else 422
        return _text_page(
            view, shown, at, event_id=event_id, faults=faults, status=status, newest=newest, changes=changes
        )

    return _kept(view, document, version, again)


def _document_of(data: PlainData, event_id: str, name: str) -> dict[str, Any]:
    """What a file says, with an id: its own, or one that its name suggests. Raises BadInput."""
    calendar_of(data, None)
    document: dict[str, Any] = plain_value(data.value)
    known = str(document.get("id") or "") or suggested_id(str(document.get("name") or "") or PurePath(name).stem)
    document["id"] = known
    found = id_faults(known)
    if not known:
        found.append(fault("event_unnamed", "缺少 id 或 name", "has neither id nor name", path="id"))
    if event_id and known != event_id:
        zh, en = f"应为 {event_id}: 修改时编号不变", f"should be {event_id}: the id stays when an event is changed"
        found.append(fault("event_id_differs", zh, en, path="id", value=known))
    if found:
        raise BadInput(data.place(found))
    return document


def _text_page(
    view: View,
    text: str,
    version: int,
    *,
    event_id: str = "",
    faults: Sequence[Finding] = (),
    status: int = 200,
    newest: Mapping[str, Any] | None = None,
    changes: Sequence[Any] = (),
) -> Response:
    return view.page(
        "events/file.html",
        status,
        text=text,
        version=version,
        event_id=event_id,
        faults=faults,
        newest=newest,
        changes=changes,
    )


def readable(document: Mapping[str, Any]) -> str:
    """An event as text that people can change: YAML as event files have it."""
    text: str = yaml.safe_dump(dict(document), allow_unicode=True, sort_keys=False, width=100)
    return text


# ------------------------------------------------------------------------------------------------------------- keeping


def _kept(view: View, document: Mapping[str, Any], version: int, again: Again) -> Response:
    """Keeps a version where `version` is still the newest; else `again` shows what is there beside what was sent."""
    event_id = str(document["id"])

    def keep(scope: Scope) -> None:
        newest = None if version == 0 else events.as_dict(scope, events.newest_version(scope, event_id))
        same = newest is not None and newest["version"] == version and _same(newest["event"], document)
        if not same:
            events.keep_version(scope, event_id, canonical(document).encode(), version)

    try:
        view.write(keep)
    except Refused as refusal:
        if refusal.code != "stale":
            raise
        newest = view.read(lambda scope: events.as_dict(scope, events.newest_version(scope, event_id)))
        if version == 0:
            zh, en = "已有同一编号的活动, 请另取编号", "an event of this id is there already; choose another"
            return again([fault("event_known", zh, en, path="id", value=event_id)], None)
        return again([], {**newest, "summary": summary_of(newest)})
    return view.go(event_path(event_id), note="saved")


def _same(kept: Mapping[str, Any], document: Mapping[str, Any]) -> bool:
    """Whether nothing changed: then no version is made."""
    if is_calendar(kept) != is_calendar(document):
        return False
    return same_calendar(calendar_of_document(kept), calendar_of_document(document))


async def _fields(view: View) -> list[tuple[str, str]]:
    form = await view.request.form(max_fields=FIELDS_MAX)
    return [(k, v) for k, v in form.multi_items() if isinstance(v, str)]
