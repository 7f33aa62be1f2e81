"""From a form to what is to be quoted: events that are kept or sent, the client, validity, the margin.

The names of the fields are the paths of the same body over HTTP, so that a fault finds its field.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic import ValidationError

from api.access.scope import Scope
from api.archive import events
from api.database import tables
from api.event_files import calendar_of
from api.pages.field_faults import FieldFault
from api.pages.rendering import CHINA
from api.pages.typed_forms import Typed
from api.plain_data import PlainData, plain_content
from api.planning import plain_value
from api.refusals import Refused
from api.routes.quotes import BATCH_MAX, NewBatch
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault, faults_of
from optimizer.wording import INSTRUMENT_NAMES, Text

OFFERED_MAX = 300
"""Kept events among which one chooses; a calendar's file holds more."""
SHARED = ("policy", "settings", "objective")
"""What a calendar says once for its events."""
BLANK_RULES = 2
"""Empty rows below the rules that there are."""
WHERE: tuple[tuple[str, Text], ...] = (
    ("", Text("所有批次", "every lot")),
    *((f"tier={k}", Text(f"第 {k} 顺序", f"tier {k}")) for k in range(1, 6)),
    *((f"instrument={name}", shown) for name, shown in INSTRUMENT_NAMES.items()),
)
"""For which lots a rule of the margin holds: what a choice offers. Other conditions are kept as they are."""
_RULE = re.compile(r"margin\.rules\[(\d{1,3})\]\.where")


@dataclass(frozen=True)
class Choice:
    """A kept event, or a calendar of them, that can be chosen."""

    id: str
    name: str
    count: int
    days: str
    tonnes: str


def choices(scope: Scope) -> list[Choice]:
    """The kept events, the newest first."""
    rows, _ = scope.page(tables.events, OFFERED_MAX, None, events.newest_only(scope))
    return [_choice(row["event_id"], events.content_of(scope, row)) for row in rows]


def _choice(event_id: str, document: Mapping[str, Any]) -> Choice:
    inner = document.get("events")
    if isinstance(inner, list):
        return Choice(event_id, str(document.get("name") or ""), len(inner), "", "")
    emissions = document.get("emissions") or {}
    day = str(document.get("end_date") or "")
    return Choice(event_id, str(document.get("name") or ""), 1, day, str(emissions.get("tonnes") or ""))


# -------------------------------------------------------------------------------------------------------------- events


def events_of(form: Typed, scope: Scope) -> list[Any]:
    """The events that a form names or sends, each as in an event file. Raises BadInput."""
    documents: list[Any] = []
    for event_id in form.every("event_id"):
        documents += _single(_kept(event_id, scope))
    if "calendar" in form.files:
        name, content = form.files["calendar"]
        data = plain_content(content, name)
        calendar_of(data, None)
        documents += _single(plain_value(data.value))
    if not documents:
        zh, en = "请选择活动, 或上传日程文件", "choose an event, or send a calendar's file"
        raise BadInput([fault("no_events", zh, en, path="event_id")])
    if len(documents) > BATCH_MAX:
        zh, en = f"一批至多 {BATCH_MAX} 个活动", f"a batch has at most {BATCH_MAX} events"
        raise BadInput([fault("too_many", zh, en, path="event_id", value=len(documents))])
    return documents


def _kept(event_id: str, scope: Scope) -> dict[str, Any]:
    try:
        return events.content_of(scope, events.newest_version(scope, event_id))
    except Refused as error:
        zh, en = "没有这个活动", "there is no such event"
        raise BadInput([fault("unknown", zh, en, path="event_id", value=event_id)]) from error


def _single(document: Any) -> list[Any]:
    """The events of a document: of a calendar each with what the calendar says once. Raises BadInput."""
    inner = document.get("events") if isinstance(document, dict) else None
    if inner is None:
        return [document]
    calendar_of(PlainData(document, ""), None)
    if document.get("budget") is not None:
        zh = "此日程共用一笔预算, 而每份报价只知道自己的活动; 请把预算写在各活动上"
        en = "shares one budget, and a quote knows its own event alone: write a budget at each event"
        raise BadInput([fault("shared_budget", zh, en, path="event_id", value=document.get("id", ""))])
    shared = {key: document[key] for key in SHARED if document.get(key) is not None}
    return [{**shared, **one} for one in inner]


# -------------------------------------------------------------------------------------------------------------- options


def asked_of(form: Typed, documents: Sequence[Any]) -> NewBatch:
    """What a form asks for. Raises BadInput with every fault, placed by the form's fields."""
    client = {"client": form.text("client"), "client_organisation": form.text("client_organisation") or None}
    found: list[Finding] = []
    body: dict[str, Any] = {
        "events": [{"event": document, **client} for document in documents],
        "as_of": form.text("as_of") or None,
        "firm": form.text("firm", "firm") == "firm",
        "margin": margin_of(form) if form.text("margin") == "own" else None,
    }
    if form.text("valid_until"):
        try:
            body["valid_until"] = datetime.fromisoformat(form.text("valid_until")).replace(tzinfo=CHINA)
        except ValueError:
            zh, en = "应为日期与时间", "should be a day and a time"
            found.append(fault("moment", zh, en, path="valid_until", value=form.text("valid_until")))
    elif form.text("valid_hours"):
        body["valid_hours"] = form.text("valid_hours")
    try:
        made = NewBatch.model_validate({key: value for key, value in body.items() if value is not None})
    except ValidationError as error:
        raise BadInput([*found, *faults_of(error, NewBatch)]) from error
    if found:
        raise BadInput(found)
    return made


LABELS = {
    "event_id": Text("活动", "Events"),
    "calendar": Text("日程文件", "Calendar's file"),
    "client": Text("客户名称", "Client's name"),
    "client_organisation": Text("客户单位编号", "Client's organisation"),
    "as_of": Text("计算日", "Day of the plan"),
    "valid_hours": Text("有效期", "Stands for"),
    "valid_until": Text("有效期至", "Until"),
    "margin.minimum": Text("每份报价至少赚", "Each quote earns at least"),
    "feedback": Text("反馈", "Feedback"),
}
_CLIENT = re.compile(r"events\[\d+\]\.(client\w*)")
_OF_RULE = re.compile(r"margin\.rules\[(\d+)\]\S*")


def as_fields(findings: Iterable[Finding]) -> list[Finding]:
    """Faults of the body at the fields of the form, by their labels; what belongs to no field keeps its place."""
    return [_as_field(one) for one in findings]


def _as_field(found: Finding) -> Finding:
    client = _CLIENT.fullmatch(found.path)  # the same for every event
    path = client[1] if client else found.path
    rule = _OF_RULE.fullmatch(path)
    label = Text(f"规则 {int(rule[1]) + 1}", f"Rule {int(rule[1]) + 1}") if rule else LABELS.get(path)
    if label is None:
        return found
    return FieldFault(found.code, found.message, found.severity, found.file, path, found.row, "", found.value, label)


# --------------------------------------------------------------------------------------------------------------- margin


def margin_of(form: Typed) -> dict[str, Any]:
    """The rules that were typed, rows without a number left out, and the minimum; per cent become shares."""
    rules = []
    for row in typed_rules(form):
        rule: dict[str, Any] = {"rate": _share(row["rate"]), "per_t": row["per_t"] or "0"}
        key, _, value = row["where"].partition("=")
        rules.append({**rule, "where": {key: value.split("|")}} if key else rule)
    return {"rules": rules, "minimum": form.text("margin.minimum") or "0"}


def typed_rules(form: Typed) -> list[dict[str, str]]:
    """The rows of rules as they were typed, those with a number."""
    places = sorted({int(found[1]) for name in form.fields if (found := _RULE.fullmatch(name))})
    rows = [{key: form.text(f"margin.rules[{k}].{key}") for key in ("where", "rate", "per_t")} for k in places]
    return [row for row in rows if row["rate"] or row["per_t"]]


def _share(text: str) -> str:
    """Per cent as a share; what is no number stays as it is, to be told."""
    try:
        return f"{Decimal(text or '0') / 100:f}"
    except InvalidOperation:
        return text


def shown_margin(margin: Mapping[str, Any]) -> dict[str, Any]:
    """A margin as the form shows it."""
    return {"rules": [_shown_rule(rule) for rule in margin.get("rules", ())], "minimum": margin.get("minimum", "")}


def _shown_rule(rule: Mapping[str, Any]) -> dict[str, str]:
    where = rule.get("where") or {}
    key, values = next(iter(where.items()), ("", ()))
    rate, per_t = Decimal(str(rule.get("rate", 0))) * 100, str(rule.get("per_t", ""))
    return {
        "where": f"{key}={'|'.join(values)}" if key else "",
        "rate": f"{rate.normalize():f}" if rate else "",
        "per_t": per_t if Decimal(per_t or "0") else "",
    }


def typed_margin(form: Typed) -> dict[str, Any]:
    """A margin as somebody typed it, to be shown again."""
    return {"rules": typed_rules(form), "minimum": form.text("margin.minimum")}


def where_options(margin: Mapping[str, Any]) -> list[tuple[str, Text]]:
    """What can be chosen for a rule, with the conditions that are there already."""
    known = {value for value, _ in WHERE}
    own = dict.fromkeys(rule["where"] for rule in margin["rules"] if rule["where"] not in known)
    return [*WHERE, *((value, Text(value, value)) for value in own)]


def is_kept_whole(margin: Mapping[str, Any]) -> bool:
    """Whether the form can say a margin: a rule with several conditions is set over HTTP alone."""
    return all(len(rule.get("where") or {}) <= 1 for rule in margin.get("rules", ()))
