"""The form of one event: what a document says becomes fields, and what was typed becomes a document again.

The fields bear the names of the paths in an event file, so that every fault finds its field. An event that says more
than the form can show is edited as text.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from api.pages.event_words import calendar_of_document
from optimizer.errors import BadInput
from optimizer.events import Calendar, Settings
from optimizer.findings import Finding, fault
from optimizer.offer_groups import GROUP_KEYS, LIMIT_KEYS
from optimizer.offers import CHANNELS

TEXTS = (
    *("name", "id", "organiser", "region", "end_date", "over_cover", "policy", "objective"),
    *("emissions.tonnes", "emissions.status", "emissions.low", "emissions.high"),
    *("emissions.verifier", "emissions.statement", "emissions.verified_on"),
    *("budget.total", "eligibility.vintage_min", "eligibility.vintage_max", "eligibility.regions"),
    *("settings.stale", "settings.forestry_accrual", "settings.discount_rate"),
)
TICKS = (
    *("budget.carry_forward", "settings.unranked", "settings.other_mechanisms_anywhere", "settings.old_ccer"),
    *("settings.allow_late", "settings.whole_lots"),
)
NUMBERS = ("eligibility.vintage_min", "eligibility.vintage_max")
ROWS_MAX = 60
"""Rows of a kind in one form."""
TAKEN_IDS = frozenset({"new", "file", ".", ".."})
"""What the addresses of pages need for themselves."""
_APART = re.compile(r"[,，、;；]")
_NO_WORD = re.compile(r"[^\w]+")
_LIMIT_PATH = re.compile(r"limits\[([0-9]+)\](?:\.(\w+))?")
_YEAR_PATH = re.compile(r"budget\.by_fiscal_year[.\[]([0-9]+)")
_FILTER_PATH = re.compile(r"eligibility\.(exclude|only)")
_INDEX = re.compile(r"\[[0-9]+\].*$")
_ROWS = {
    "years": ("year", "yuan"),
    "limits": ("key", "values", "max_share", "min_share"),
    "filters": ("kind", "key", "values"),
}

type Row = dict[str, str]


@dataclass(frozen=True)
class EventForm:
    """What the fields hold, as text."""

    texts: Mapping[str, str]
    ticks: Mapping[str, bool]
    channels: frozenset[str]
    years: Sequence[Row]
    """Money by fiscal year: year, yuan."""
    limits: Sequence[Row]
    """key (group:seller for each seller, where:seller for some), values, max_share, min_share."""
    filters: Sequence[Row]
    """kind (exclude or only), key, values."""

    def __getitem__(self, path: str) -> str:
        return self.texts.get(path, "")


def blank_form() -> EventForm:
    """The form of an event that is not there yet."""
    texts = {"region": "14", "emissions.status": "verified", "policy": "", "objective": ""}
    return EventForm(
        {**texts, **_settings_texts(Settings())}, _settings_ticks(Settings(), False), frozenset(), (), (), ()
    )


def form_of_fields(fields: Sequence[tuple[str, str]]) -> EventForm:
    """What somebody typed; blank rows are dropped."""
    known = dict(fields)
    texts = {name: known.get(name, "").strip() for name in TEXTS}
    ticks = {name: name in known for name in TICKS}
    channels = frozenset(text for name, text in fields if name == "eligibility.channels" and text in CHANNELS)
    return EventForm(texts, ticks, channels, _rows(known, "years"), _rows(known, "limits"), _rows(known, "filters"))


def _rows(known: Mapping[str, str], kind: str) -> list[Row]:
    keys = _ROWS[kind]
    typed = [k for k in keys if k not in ("key", "kind")]
    rows = []
    for i in range(ROWS_MAX):
        row = {key: known.get(f"{kind}.{i}.{key}", "").strip() for key in keys}
        removed = known.get(f"{kind}.{i}.drop") is not None
        if not removed and (any(row[k] for k in typed) or row.get("key", "").startswith("group:")):
            rows.append(row)
    return rows


def suggested_id(name: str) -> str:
    """An id that a name suggests."""
    return _NO_WORD.sub("-", name.casefold()).strip("-_")[:60]


def id_faults(event_id: str) -> list[Finding]:
    """What keeps an id from being part of an address."""
    if event_id in TAKEN_IDS or "/" in event_id:
        zh, en = "不能含 /, 也不能是 new, file", "should not hold / and not be new or file"
        return [fault("event_id", zh, en, path="id", value=event_id)]
    return []


# ------------------------------------------------------------------------------------------------- form -> document


def document_of_form(form: EventForm) -> dict[str, Any]:
    """The event as an event file says it.

    Raises:
        BadInput: every fault at once, placed by the names of the fields.
    """
    document, found = _assembled(form)
    if not document["id"]:
        zh, en = "请填写名称或编号", "give it a name or an id"
        raise BadInput([fault("event_unnamed", zh, en, path="name"), *_other_faults({**document, "id": "-"}, form)])
    found += id_faults(str(document.get("id", "")))
    found += [f for f in _other_faults(document, form) if f.path not in {x.path for x in found}]
    if found:
        raise BadInput(found)
    return document


def _other_faults(document: Mapping[str, Any], form: EventForm) -> list[Finding]:
    """What the engine finds wrong, placed by the names of the fields."""
    try:
        calendar_of_document(document)
    except BadInput as error:
        return [replace(f, path=_field_of(f.path, form)) for f in error.findings]
    return []


def _field_of(path: str, form: EventForm) -> str:
    """The field that a path of the document came from."""
    if match := _LIMIT_PATH.match(path):
        part = match[2] or "key"
        return f"limits.{match[1]}.{part if part in _ROWS['limits'] else 'values'}"
    if match := _YEAR_PATH.match(path):
        at = next((i for i, row in enumerate(form.years) if row["year"] == match[1]), 0)
        return f"years.{at}.yuan"
    if match := _FILTER_PATH.match(path):
        kinds = [i for i, row in enumerate(form.filters) if row["kind"] == match[1]]
        return f"filters.{kinds[0] if kinds else 0}.values"
    return _INDEX.sub("", path)


def _assembled(form: EventForm) -> tuple[dict[str, Any], list[Finding]]:
    found: list[Finding] = []
    given = {path: text for path, text in form.texts.items() if text}
    document: dict[str, Any] = {"id": given.get("id") or suggested_id(given.get("name", ""))}
    for key in ("name", "organiser", "region", "end_date", "over_cover", "policy", "objective"):
        if key in given:
            document[key] = given[key]
    document["emissions"] = {p.partition(".")[2]: t for p, t in given.items() if p.startswith("emissions.")}
    if (budget := _budget(form, found)) is not None:
        document["budget"] = budget
    if form.limits:
        document["limits"] = [_limit(row) for row in form.limits]
    if (eligibility := _eligibility(form, found)) != {}:
        document["eligibility"] = eligibility
    if (settings := _settings(form)) != {}:
        document["settings"] = settings
    return document, found


def _budget(form: EventForm, found: list[Finding]) -> dict[str, Any] | None:
    budget: dict[str, Any] = {}
    if form["budget.total"]:
        budget["total"] = form["budget.total"]
    years: dict[str, str] = {}
    for i, row in enumerate(form.years):
        if row["year"] in years:
            zh, en = "同一年度写了两次", "stands twice"
            found.append(fault("year_twice", zh, en, path=f"years.{i}.year", value=row["year"]))
        if not row["year"].isdigit():
            zh, en = "应为四位年份, 例如 2026", "should be a year such as 2026"
            found.append(fault("budget_year", zh, en, path=f"years.{i}.year", value=row["year"] or None))
            continue
        years[row["year"]] = row["yuan"]
    if years:
        budget["by_fiscal_year"] = years
    if form.ticks.get("budget.carry_forward"):
        budget["carry_forward"] = True
    return budget or None


def _limit(row: Row) -> dict[str, Any]:
    kind, _, key = row["key"].partition(":")
    limit: dict[str, Any] = {"group": key} if kind == "group" else {"where": {key: _values(row["values"])}}
    return limit | {k: row[k] for k in ("max_share", "min_share") if row[k]}


def _eligibility(form: EventForm, found: list[Finding]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for path in NUMBERS:
        if text := form[path]:
            said[path.partition(".")[2]] = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else text
    if form["eligibility.regions"]:
        said["regions"] = _values(form["eligibility.regions"])
    if form.channels:
        said["channels"] = [c for c in CHANNELS if c in form.channels]
    for i, row in enumerate(form.filters):
        chosen = said.setdefault(row["kind"] if row["kind"] in ("exclude", "only") else "exclude", {})
        if row["key"] in chosen:
            zh, en = "同一筛选键写了两次; 请写在一行", "stands twice: write its values in one row"
            found.append(fault("filter_twice", zh, en, path=f"filters.{i}.values"))
        chosen[row["key"]] = _values(row["values"])
    return said


def _settings(form: EventForm) -> dict[str, Any]:
    """Only what differs from the usual, so that an event says no more than somebody meant."""
    usual = {**_settings_texts(Settings()), **_settings_ticks(Settings(), False)}
    said = {**form.texts, **form.ticks}
    return {
        path.partition(".")[2]: said[path]
        for path in usual
        if path.startswith("settings.") and said.get(path, "") != usual[path] and said.get(path, "") != ""
    }


def _values(text: str) -> list[str]:
    return [part.strip() for part in _APART.split(text) if part.strip()]


# ------------------------------------------------------------------------------------------------- document -> form


def form_of_document(document: Mapping[str, Any]) -> EventForm | None:
    """The form that says the same as a kept event; None where the form cannot say it all."""
    if "events" in document or not isinstance(document.get("objective", ""), str):
        return None
    calendar = calendar_of_document(document)
    event = calendar.dump()["events"][0]
    budget, eligibility = event.get("budget", {}), event.get("eligibility", {})
    emissions = {f"emissions.{k}": str(v) for k, v in event["emissions"].items()}
    texts = {k: str(event.get(k, "")) for k in ("name", "id", "organiser", "region", "end_date")}
    texts |= {"policy": str(document.get("policy") or ""), "objective": str(document.get("objective") or "")}
    texts |= {"over_cover": "" if calendar.events[0].over_cover_e4 == 0 else str(event["over_cover"])}
    texts |= emissions | _settings_texts(calendar.settings)
    texts |= {"budget.total": str(budget.get("total", ""))}
    texts |= {k: str(eligibility.get(k.partition(".")[2], "")) for k in NUMBERS}
    texts |= {"eligibility.regions": ", ".join(eligibility.get("regions", ()))}
    form = EventForm(
        texts,
        _settings_ticks(calendar.settings, bool(budget.get("carry_forward"))),
        frozenset(eligibility.get("channels", ())),
        [{"year": str(y), "yuan": str(m)} for y, m in budget.get("by_fiscal_year", {}).items()],
        [_limit_row(one) for one in event.get("limits", ())],
        [
            {"kind": kind, "key": key, "values": ", ".join(values)}
            for kind in ("exclude", "only")
            for key, values in eligibility.get(kind, {}).items()
        ],
    )
    return form if _says_the_same(form, calendar) else None


def _limit_row(limit: Mapping[str, Any]) -> Row:
    shares = {k: str(limit.get(k, "")) for k in ("max_share", "min_share")}
    if limit.get("group") is not None:
        return {"key": f"group:{limit['group']}", "values": "", **shares}
    where = limit["where"]
    key = next(iter(where))  # where there are more, the form says something else, and is not used
    return {"key": f"where:{key}", "values": ", ".join(where[key]), **shares}


def _says_the_same(form: EventForm, calendar: Calendar) -> bool:
    try:
        said = calendar_of_document(document_of_form(form))
    except BadInput:
        return False
    return same_calendar(said, calendar)


def same_calendar(a: Calendar, b: Calendar) -> bool:
    """Whether two documents mean the same, defaults written out or not."""
    return _meaning(a) == _meaning(b)


def _meaning(calendar: Calendar) -> str:
    whole = calendar.dump()
    for event in whole["events"]:
        for shared in ("policy", "settings", "objective"):
            event.pop(shared, None)
    return json.dumps(whole, sort_keys=True)


def _settings_texts(settings: Settings) -> dict[str, str]:
    said = settings.dump()
    rate = "" if settings.discount_rate_e4 == 0 else str(said["discount_rate"])
    return {
        "settings.stale": settings.stale,
        "settings.forestry_accrual": settings.forestry_accrual,
        "settings.discount_rate": rate,
    }


def _settings_ticks(settings: Settings, carry_forward: bool) -> dict[str, bool]:
    return {
        "budget.carry_forward": carry_forward,
        "settings.unranked": settings.unranked,
        "settings.other_mechanisms_anywhere": settings.other_mechanisms_anywhere,
        "settings.old_ccer": settings.old_ccer,
        "settings.allow_late": settings.allow_late,
        "settings.whole_lots": settings.whole_lots,
    }


def limit_keys() -> list[tuple[str, str, str]]:
    """What a limit may be about: value of the choice, kind, key."""
    return [(f"group:{k}", "group", k) for k in GROUP_KEYS] + [(f"where:{k}", "where", k) for k in LIMIT_KEYS]
