"""After the event: what is to be cancelled where by when, its serials, its evidence, and marking it as done."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from api import settings
from api.access.scope import PAGE_ROWS_MAX, Scope
from api.archive import events
from api.database import retirement_tables as tables
from api.ledger import evidence, reminders, retirements, retiring, serials
from api.pages.field_faults import FieldFault, at_fields
from api.pages.listing import Column, listing
from api.pages.retirement_words import (
    DAYS_SOON,
    SERIAL_LABELS,
    STATES,
    shown,
    typed_day,
    typed_entries,
    with_proof,
)
from api.pages.typed_forms import Typed, typed
from api.pages.viewing import View, viewing
from api.refusals import Refused
from api.reports.words import registry_name
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.quantities import kg_of, tonnes
from optimizer.wording import Text

router = APIRouter(include_in_schema=False)
GROUP_ROWS = 25
"""Of a registry, the nearest deadlines first; the rest is behind a link."""
ANSWERED = frozenset({"conflict", "double_use", "stale", "media_type", "too_large"})
"""Refusals that somebody at the form can do something about."""
COLUMNS = (
    Column("event", Text("活动", "Event"), "text"),
    Column("what", Text("抵销标的", "What"), "text"),
    Column(
        "registry", Text("登记机构", "Registry"), "text", lambda r: f"{r['registry_name'].zh} {r['registry_name'].en}"
    ),
    Column("tonnes", Text("数量", "Amount"), "tonnes", unit=Text("吨", "t")),
    Column("retire_by", Text("期限", "Deadline"), "day"),
    Column("state", Text("状态", "State"), "text", lambda r: f"{r['state_name'].zh} {r['state_name'].en}"),
)
ENDINGS = {".jpeg": "image/jpeg"} | {known.ending: kind for kind, known in evidence.TYPES.items()}


# ------------------------------------------------------------------------------------------------------- the checklist


@router.get("/retirements")
async def checklist(view: View = viewing("retirements.read")) -> Response:
    """What is to be cancelled: by registry with the nearest deadline first, by event, or every instruction."""
    by = view.request.query_params.get("by", "registry")
    return await run_in_threadpool({"event": _by_event, "every": _every}.get(by, _by_registry), view)


def _by_registry(view: View) -> Response:
    today = settings.today()

    def work(scope: Scope) -> dict[str, Any]:
        groups = [_group(scope, g, today) for g in _groups(retirements.by_registry(scope, today))]
        soon = reminders.due_within(scope, today, DAYS_SOON, PAGE_ROWS_MAX)
        ids = [row["event_id"] for g in groups for row in g["rows"]]
        return {"groups": groups, "soon": soon, "names": events.names_of(scope, ids)}

    found = view.read(work)
    soon = found.pop("soon")
    late = sum(row["retire_by"] < today.isoformat() for row in soon)
    totals = {k: _sum(found["groups"], k) for k in ("due_t", "overdue_t", "retired_t")}
    reminder = {"late": late, "coming": len(soon) - late, "digest": reminders.digest(soon, today).say(view.lang)}
    return view.page("retirements/checklist.html", tab="registry", totals=totals, reminder=reminder, **found)


def _sum(rows: Sequence[Mapping[str, Any]], key: str) -> str:
    return tonnes(sum(kg_of(row[key]) for row in rows))


def _groups(known: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A registry once, whichever language its name was kept in; what is overdue first, then the next deadline."""
    together: dict[Text, list[dict[str, Any]]] = {}
    for row in known:
        together.setdefault(registry_name(row["registry"]), []).append(row)
    found = []
    for name, rows in together.items():
        deadlines = [row["next_deadline"] for row in rows if row["next_deadline"]]
        sums = {k: _sum(rows, k) for k in ("due_t", "overdue_t", "retired_t")}
        first = {"name": name, "registries": [row["registry"] for row in rows]}
        found.append({**first, **sums, "next_deadline": min(deadlines, default=None)})
    return sorted(found, key=lambda g: (g["overdue_t"] == "0", g["next_deadline"] is None, g["next_deadline"] or ""))


def _group(scope: Scope, group: dict[str, Any], today: date) -> dict[str, Any]:
    c = tables.retirements.c
    wanted = [*retirements.wanted(today, "due"), c.registry.in_(group["registries"])]
    rows = scope.rows(scope.select(tables.retirements, *wanted).order_by(c.retire_by, c.number).limit(GROUP_ROWS))
    more = scope.count(tables.retirements, *wanted) - len(rows)
    return {**group, "rows": with_proof(scope, [shown(row, today) for row in rows]), "more": more}


def _by_event(view: View) -> Response:
    today = settings.today()

    def work(scope: Scope) -> dict[str, Any]:
        rows = retiring.by_event(scope, today)
        return {"rows": rows, "names": events.names_of(scope, [row["event_id"] for row in rows])}

    found = view.read(work)
    return view.page("retirements/events.html", tab="event", today=today.isoformat(), **found)


def _every(view: View) -> Response:
    today, asked = settings.today(), view.request.query_params
    state = asked.get("state", "")
    chosen = {"state": state if state in STATES else "", "registry": asked.get("registry", "")}
    chosen["event_id"] = asked.get("event_id", "")

    def work(scope: Scope) -> dict[str, Any]:
        groups = _groups(retirements.by_registry(scope, today))
        same = next((g["registries"] for g in groups if chosen["registry"] in g["registries"]), [chosen["registry"]])
        wanted = retirements.wanted(today, chosen["state"] or None, None, chosen["event_id"] or None)
        wanted += [tables.retirements.c.registry.in_(same)] if chosen["registry"] else []
        order = tables.retirements.c.retire_by
        rows = scope.rows(scope.select(tables.retirements, *wanted).order_by(order))
        ids = [row["event_id"] for row in retiring.by_event(scope, today)]
        named = events.names_of(scope, [*ids, *(row["event_id"] for row in rows)])
        told = [{**shown(row, today), "event": named[row["event_id"]]} for row in rows]
        return {"rows": told, "registries": groups, "events": {k: named[k] for k in ids}}

    found = view.read(work)
    rows = listing(view.request, found.pop("rows"), COLUMNS)
    return view.page("retirements/every.html", tab="every", list=rows, chosen=chosen, states=STATES, **found)


# --------------------------------------------------------------------------------------------------- one instruction


@router.get("/retirements/{retirement_id}")
async def instruction(retirement_id: str, view: View = viewing("retirements.read")) -> Response:
    """One instruction: what it is, what proves it, what is missing."""
    return await run_in_threadpool(_instruction, view, retirement_id)


def _instruction(
    view: View,
    retirement_id: str,
    faults: Sequence[Finding] = (),
    form: Typed | None = None,
    template: str = "retirements/instruction.html",
) -> Response:
    today = settings.today()

    def work(scope: Scope) -> dict[str, Any]:
        row = scope.one(tables.retirements, retirement_id)
        whole = retirements.whole(scope, row, today, view.lang)
        open_here = row["state"] == "due"
        asked = view.request.query_params.get("freed", "")
        given = kg_of(_sum(whole["serials"], "tonnes"))
        return {
            "row": {**whole, **shown(row, today)},
            "given_t": tonnes(given),
            "left_t": tonnes(max(0, serials.needed_kg(row) - given)),
            "share": min(100, 100 * given // max(1, serials.needed_kg(row))),
            "lacking": at_fields(retirements.missing(scope, row), {}) if open_here else [],
            "freed": retiring.freed_serials(scope, retirement_id, asked) if asked and open_here else None,
            "event_name": events.names_of(scope, [row["event_id"]])[row["event_id"]],
        }

    found = view.read(work)
    limits = {
        "by_the_tonne": found["row"]["instrument"] in serials.BY_THE_TONNE,
        "megabytes": view.request.app.state.settings.evidence_bytes / 1_000_000,
        "endings": ENDINGS,
        "today": today.isoformat(),
        "typed": form.text if form is not None else lambda name, default="": default,
    }
    return view.page(template, 422 if faults else 200, faults=faults, **limits, **found)


def _told(error: BadInput | Refused, labels: Mapping[str, Text], lines: str = "") -> list[FieldFault]:
    """What the form says again. Raises the refusal where nobody at the form can do anything about it."""
    if isinstance(error, Refused) and error.code not in ANSWERED:
        raise error
    if isinstance(error, Refused) and not error.findings:
        return at_fields([fault(error.code, error.kind.title.zh, error.kind.title.en)], {})
    return at_fields(error.findings, labels, lines)


@router.post("/retirements/{retirement_id}/serials")
async def add_serials(retirement_id: str, view: View = viewing("retirements.write")) -> Response:
    """Enters serials, or a certificate; one that is used already, by whomever, refuses them all and is named."""
    form = await typed(view)

    def answer() -> Response:
        by_the_tonne = True
        try:
            instrument = view.read(lambda scope: scope.one(tables.retirements, retirement_id))["instrument"]
            by_the_tonne = instrument in serials.BY_THE_TONNE
            entries = typed_entries(form, by_the_tonne)
            view.write(lambda scope: retiring.enter_serials(scope, retirement_id, entries, None))
        except (BadInput, Refused) as error:
            keys = ("serials",) if by_the_tonne else tuple(k for k in SERIAL_LABELS if k != "serials")
            labels = {k: SERIAL_LABELS[k] for k in keys}
            told = _told(error, labels, "serials" if by_the_tonne else "")
            return _instruction(view, retirement_id, told, form)
        return view.go(f"/retirements/{retirement_id}", note="saved")

    return await run_in_threadpool(answer)


@router.post("/retirements/{retirement_id}/serials/{serial_id}/release")
async def release(retirement_id: str, serial_id: str, view: View = viewing("retirements.write")) -> Response:
    """Gives serials free that were entered by mistake; the page that follows offers to take it back."""
    reason = view.say("录入有误", "entered by mistake")

    def work(scope: Scope) -> None:
        retiring.free_serials(scope, retirement_id, serial_id, reason, None)

    await run_in_threadpool(view.write, work)
    return view.go(f"/retirements/{retirement_id}?freed={serial_id}", note="removed")


@router.post("/retirements/{retirement_id}/serials/{serial_id}/restore")
async def restore(retirement_id: str, serial_id: str, view: View = viewing("retirements.write")) -> Response:
    """Takes the release back, if nobody has used them since."""

    def answer() -> Response:
        try:
            view.write(lambda scope: retiring.enter_again(scope, retirement_id, serial_id))
        except (BadInput, Refused) as error:
            return _instruction(view, retirement_id, _told(error, {}))
        return view.go(f"/retirements/{retirement_id}", note="undone")

    return await run_in_threadpool(answer)


@router.post("/retirements/{retirement_id}/evidence")
async def add_evidence(retirement_id: str, view: View = viewing("retirements.write")) -> Response:
    """Keeps a file that proves the cancellation, byte by byte."""
    form = await typed(view)
    most = int(view.request.app.state.settings.evidence_bytes)

    def answer() -> Response:
        try:
            file = _file(form, most)
            view.write(lambda scope: retiring.keep_evidence(scope, retirement_id, file))
        except (BadInput, Refused) as error:
            labels = {"file": Text("证明文件", "File of evidence")}
            told = at_fields([replace(f, path="file") for f in _told(error, {})], labels)
            return _instruction(view, retirement_id, told)
        return view.go(f"/retirements/{retirement_id}", note="saved")

    return await run_in_threadpool(answer)


def _file(form: Typed, bytes_max: int) -> evidence.File:
    """The file that was chosen, held against its type. Raises BadInput, Refused."""
    if "file" not in form.files:
        zh, en = "请选择文件", "choose a file"
        raise BadInput([fault("missing", zh, en, path="file")])
    name, content = form.files["file"]
    # By its ending: what browsers say of CSV and OFD differs from machine to machine.
    kind = next((k for ending, k in ENDINGS.items() if name.casefold().endswith(ending)), None)
    if kind is None:
        known = ", ".join(sorted(ENDINGS))
        zh, en = f"文件名应以 {known} 之一结尾", f"its name should end in one of {known}"
        raise BadInput([fault("media_type", zh, en, path="file", value=name)])
    return evidence.read_file(content, kind, name, bytes_max)


# ---------------------------------------------------------------------------------------------------- ending it


@router.get("/retirements/{retirement_id}/retire")
async def retire_page(retirement_id: str, view: View = viewing("retirements.write")) -> Response:
    """What will be said for good, before it is said."""
    return await run_in_threadpool(_instruction, view, retirement_id, (), None, "retirements/retire.html")


@router.post("/retirements/{retirement_id}/retire")
async def retire(retirement_id: str, view: View = viewing("retirements.write")) -> Response:
    """Marks the instruction as cancelled in its registry; refused with everything that is missing."""
    form = await typed(view)
    labels = {"on": Text("注销日期", "Day of the cancellation"), "reference": Text("注销凭证编号", "Reference")}

    def answer() -> Response:
        found: list[Finding] = []
        on = typed_day(form, "on", found)

        def work(scope: Scope) -> None:
            row = retirements.open_instruction(scope, retirement_id, _version(form))
            retirements.retire(scope, row, on or settings.today(), form.text("reference"), settings.today())

        try:
            if found:
                raise BadInput(found)
            view.write(work)
        except (BadInput, Refused) as error:
            return _instruction(view, retirement_id, _told(error, labels), form, "retirements/retire.html")
        return view.go(f"/retirements/{retirement_id}", note="saved")

    return await run_in_threadpool(answer)


def _version(form: Typed) -> int | None:
    """The version that somebody had before them."""
    text = form.text("version")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None


@router.get("/retirements/{retirement_id}/cancel")
async def cancel_page(retirement_id: str, view: View = viewing("retirements.write")) -> Response:
    """What calling off means, before it is done."""
    return await run_in_threadpool(_instruction, view, retirement_id, (), None, "retirements/cancel.html")


@router.post("/retirements/{retirement_id}/cancel")
async def cancel(retirement_id: str, view: View = viewing("retirements.write")) -> Response:
    """Ends an instruction that is not to be done; its serials are free again."""
    form = await typed(view)
    labels = {"reason": Text("原因", "Why")}

    def answer() -> Response:
        def work(scope: Scope) -> None:
            row = retirements.open_instruction(scope, retirement_id, _version(form))
            retirements.cancel(scope, row, form.text("reason"))

        try:
            if not form.text("reason"):
                raise BadInput([fault("missing", "请说明原因", "say why", path="reason")])
            view.write(work)
        except (BadInput, Refused) as error:
            return _instruction(view, retirement_id, _told(error, labels), form, "retirements/cancel.html")
        return view.go(f"/retirements/{retirement_id}", note="cancelled")

    return await run_in_threadpool(answer)
