"""Disclosure: what an event emitted and how it was offset, from the records; ready to publish, and then it stays."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from api.access.scope import Scope
from api.archive import events, runs
from api.database import retirement_tables, tables
from api.ledger import disclosures
from api.pages.field_faults import at_fields
from api.pages.listing import Column, listing
from api.pages.typed_forms import Typed, typed
from api.pages.viewing import View, viewing
from api.refusals import Refused
from api.routes.disclosures import MEASURES_MAX, TEXT_LENGTH_MAX
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.wording import Text

router = APIRouter(include_in_schema=False)
PLANS_SHOWN = 100
"""Plans whose events there are to choose from, the newest."""
STATES = {
    "published": Text("已公示", "Published"),
    "ready": Text("可以公示", "Ready to publish"),
    "draft": Text("草稿", "Draft"),
    "superseded": Text("已有新版", "Superseded"),
}
KINDS = {"published": "good", "ready": "warn", "draft": "", "superseded": ""}
LABELS = {
    "measures": Text("减排措施", "Measures"),
    "correction": Text("更正原因", "Why it is corrected"),
    "place": Text("公示处", "Where"),
}
COLUMNS = (
    Column("event", Text("活动", "Event"), "text"),
    Column("version", Text("版本", "Version"), "number"),
    Column("state", Text("状态", "State"), "text", lambda r: f"{r['state_name'].zh} {r['state_name'].en}"),
    Column("made_at", Text("生成于", "Made"), "moment"),
    Column("published_at", Text("公示于", "Published"), "moment"),
)


def _shown(scope: Scope, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Versions in a list, each with its state; `rows` of an event are all there, the newest first."""
    found, seen = [], set()
    known = disclosures.as_dicts(scope, rows)
    names = events.names_of(scope, [one["event_id"] for one in known])
    for one in known:
        newest = one["event_id"] not in seen
        seen.add(one["event_id"])
        state = "draft" if one["draft"] else "ready" if newest else "superseded"
        state = "published" if one["published_at"] else state
        words = {"state": state, "state_name": STATES[state], "kind": KINDS[state]}
        found.append({**one, **words, "newest": newest, "event": names[one["event_id"]]})
    return found


@router.get("/disclosures")
async def every_disclosure(view: View = viewing("disclosures.read")) -> Response:
    """Every version, or those of an event, the newest first."""
    event_id = view.request.query_params.get("event_id", "")
    c = retirement_tables.disclosures.c

    def work(scope: Scope) -> dict[str, Any]:
        mine = [c.event_id == event_id] if event_id else []
        rows = scope.rows(scope.select(retirement_tables.disclosures, *mine).order_by(c.number.desc()))
        name = events.names_of(scope, [event_id])[event_id] if event_id else ""
        return {"rows": _shown(scope, rows), "event_name": name}

    found = await run_in_threadpool(view.read, work)
    rows = listing(view.request, found.pop("rows"), COLUMNS)
    return view.page("disclosures/every.html", list=rows, event_id=event_id, **found)


# ---------------------------------------------------------------------------------------------------- a new version


@router.get("/disclosures/new")
async def new_disclosure(view: View = viewing("disclosures.write")) -> Response:
    """Which event, and the plan that was carried out; then what the record does not know."""
    asked = view.request.query_params
    event_id, run_id = asked.get("event_id", ""), asked.get("run_id", "")
    if event_id and run_id:
        return await run_in_threadpool(_form, view, event_id, run_id, None)
    return view.page("disclosures/new.html", **await run_in_threadpool(view.read, lambda s: _choices(s, event_id)))


def _choices(scope: Scope, event_id: str) -> dict[str, Any]:
    """Events of the newest plans, each plan once; those whose cancellation was instructed stand first."""
    rows, _ = scope.page(tables.runs, PLANS_SHOWN, None) if scope.actor.may("plans.read") else ([], None)
    r = retirement_tables.retirements
    instructed = {(str(x["source_id"]), str(x["event_id"])) for x in scope.rows(scope.select(r, r.c.source == "run"))}
    found, seen = [], set()
    for run in map(runs.as_dict, rows):
        for event in run["event_ids"]:
            if (run["plan_id"], event) in seen or event_id not in ("", event):
                continue
            seen.add((run["plan_id"], event))
            found.append({**run, "event_id": event, "instructed": (run["plan_id"], event) in instructed})
    found.sort(key=lambda x: not x["instructed"])
    return {"choices": found, "names": events.names_of(scope, [x["event_id"] for x in found])}


def _form(
    view: View, event_id: str, run_id: str, form: Typed | None, faults: Sequence[Finding] = (), missing: Any = None
) -> Response:
    def work(scope: Scope) -> dict[str, Any]:
        versions = disclosures.versions_of(scope, event_id)
        before = disclosures.whole(scope, versions[0])["record"]["measures"] if versions else []
        public = disclosures.last_published(scope, event_id)
        measures = form.text("measures") if form is not None else "\n".join(before)
        correction = form.text("correction") if form is not None else ""
        return {
            "measures": measures,
            "correction": correction,
            "corrects": public["version"] if public is not None else None,
            "lacking": _lacking(scope, event_id, run_id, measures) if missing is None else missing,
            "event_name": events.names_of(scope, [event_id])[event_id],
            "run": runs.as_dict(runs.find_run(scope, run_id)),
        }

    status = 422 if faults or missing else 200
    return view.page(
        "disclosures/form.html", status, event_id=event_id, run_id=run_id, faults=faults, **view.read(work)
    )


def _lacking(scope: Scope, event_id: str, run_id: str, measures: str) -> list[dict[str, Any]]:
    """What is missing so far. Raises Refused `not_found`, a plan without this event."""
    try:
        return _about(disclosures.lacking(scope, _wanted(event_id, run_id, measures, "", draft=True)))
    except BadInput as error:
        raise Refused("not_found") from error


def _wanted(event_id: str, run_id: str, measures: str, correction: str, *, draft: bool) -> disclosures.Wanted:
    lines = tuple(line.strip() for line in measures.splitlines() if line.strip())
    found = []
    if len(lines) > MEASURES_MAX:
        zh, en = f"至多 {MEASURES_MAX} 项", f"at most {MEASURES_MAX} of them"
        found.append(fault("too_many", zh, en, path="measures"))
    for name, texts in (("measures", lines), ("correction", (correction,))):
        if any(len(text) > TEXT_LENGTH_MAX for text in texts):
            zh, en = f"每项至多 {TEXT_LENGTH_MAX} 字", f"at most {TEXT_LENGTH_MAX} characters each"
            found.append(fault("too_long", zh, en, path=name))
    if found:
        raise BadInput(found)
    return disclosures.Wanted(event_id, run_id, lines, draft, correction)


def _about(found: Sequence[Finding]) -> list[dict[str, Any]]:
    """What is missing, in words, with the thing that it is about and where to put it right."""
    return [
        {
            "say": one.message,
            "about": one.value or "" if one.path.startswith("retirements[") else "",
            "where": one.path.partition("[")[0].partition(".")[0],
        }
        for one in found
    ]


def _kept_missing(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a kept version lacks, as `_about` has it: a cancellation is named by its offer."""
    found = []
    for one in record["missing"]:
        number = one["path"].removeprefix("retirements[").removesuffix("]")
        about = record["retirements"][int(number)]["offer_id"] if number.isdigit() else ""
        found.append({"say": Text(one["zh"], one["en"]), "about": about})
    return found


@router.post("/disclosures/new")
async def make_disclosure(view: View = viewing("disclosures.write")) -> Response:
    """Makes the next version; refused with everything that is missing, unless a draft is wanted."""
    form = await typed(view)
    event_id, run_id, draft = form.text("event_id"), form.text("run_id"), form.text("draft") == "true"

    def answer() -> Response:
        try:
            asked = _wanted(event_id, run_id, form.text("measures"), form.text("correction"), draft=draft)
        except BadInput as error:
            return _form(view, event_id, run_id, form, at_fields(error.findings, LABELS), missing=[])
        try:
            made = view.write(lambda scope: disclosures.build(scope, asked)[0]["id"])
        except BadInput as error:
            raise Refused("not_found") from error
        except Refused as refusal:
            if refusal.code not in ("conflict", "stale"):
                raise
            return _form(view, event_id, run_id, form, missing=_about(refusal.findings))
        return view.go(f"/disclosures/{made}", note="made")

    return await run_in_threadpool(answer)


# ------------------------------------------------------------------------------------------------------- one version


@router.get("/disclosures/{disclosure_id}")
async def disclosure(disclosure_id: str, view: View = viewing("disclosures.read")) -> Response:
    """The statement as it is published, in either language or both, with its schedule."""
    return await run_in_threadpool(_version, view, disclosure_id, "disclosures/statement.html")


def _version(
    view: View, disclosure_id: str, template: str, faults: Sequence[Finding] = (), place: str = ""
) -> Response:
    asked = view.request.query_params.get("text", "")
    tongues = {"zh": ("zh",), "en": ("en",), "both": ("zh", "en")}.get(asked, (view.lang,))

    def work(scope: Scope) -> dict[str, Any]:
        row = scope.one(retirement_tables.disclosures, disclosure_id)
        versions = disclosures.versions_of(scope, row["event_id"])
        shown = next(v for v in _shown(scope, versions) if v["id"] == disclosure_id)
        record = disclosures.whole(scope, row)["record"]
        corrected = next((v["version"] for v in versions if v["id"] == row["corrects"]), None)
        lacking = _kept_missing(record)
        every = _shown(scope, versions)
        return {"row": shown, "record": record, "corrected": corrected, "versions": every, "lacking": lacking}

    found = view.read(work)
    said = [(tongue, _parts(found["record"]["statement"][tongue])) for tongue in tongues]
    given = {"statements": said, "text": asked if asked in ("zh", "en", "both") else view.lang, "place": place}
    return view.page(template, 422 if faults else 200, faults=faults, **given, **found)


def _parts(statement: str) -> Mapping[str, Any]:
    """The paragraphs of a statement as a page sets them: its title, marks below it, sections with their items."""
    title, *lines = statement.split("\n")
    marks: list[str] = []
    sections: list[dict[str, Any]] = []
    for line in lines:
        if not sections and line.startswith(("（", "(")):
            marks.append(line)
        elif line.startswith("  ") and sections:
            sections[-1]["items"].append(line.strip().removeprefix("- "))
        else:
            sections.append({"text": line, "items": []})
    return {"title": title, "marks": marks, "sections": sections}


@router.get("/disclosures/{disclosure_id}/publish")
async def publish_page(disclosure_id: str, view: View = viewing("disclosures.write")) -> Response:
    """What publishing means, before it is noted."""
    return await run_in_threadpool(_version, view, disclosure_id, "disclosures/publish.html")


@router.post("/disclosures/{disclosure_id}/publish")
async def publish(disclosure_id: str, view: View = viewing("disclosures.write")) -> Response:
    """Notes for good that a version was made public, and where."""
    form = await typed(view)
    place = form.text("place")

    def answer() -> Response:
        try:
            if not 0 < len(place) <= TEXT_LENGTH_MAX:
                zh, en = "请写明公示处, 例如网址", "say where it was made public, such as its address"
                raise BadInput([fault("missing", zh, en, path="place")])
            view.write(lambda scope: disclosures.publish(scope, disclosure_id, place))
        except (BadInput, Refused) as error:
            if isinstance(error, Refused) and error.code != "conflict":
                raise
            told = at_fields(error.findings, LABELS)
            return _version(view, disclosure_id, "disclosures/publish.html", told, place)
        return view.go(f"/disclosures/{disclosure_id}", note="saved")

    return await run_in_threadpool(answer)
