"""Event files and what goes with them become nouns: calendars, outlooks, objectives, rule packs, and single options.

Every reader raises BadInput with all faults of its document, each placed by path and line. What is odd without being
wrong is said in `plausibility`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from api.plain_data import PlainData, read_plain
from optimizer.errors import BadInput
from optimizer.events import Calendar, Event, ObjectiveField
from optimizer.findings import Finding, fault, faults_of
from optimizer.nouns import Day
from optimizer.problem import Outlook
from optimizer.quantities import Fen, RateE4
from optimizer.rule_pack import RulePack, read_rule_pack, shipped_rule_packs

PRESETS = ("priority-first", "order-first", "cost-first", "balanced")


def read_calendar(path: Path) -> tuple[Calendar, PlainData]:
    """One event or a calendar of them (`events:`), and the file's places. Raises BadInput."""
    data = read_plain(path)
    return calendar_of(data, path.parent), data


def calendar_of(data: PlainData, beside: Path | None) -> Calendar:
    """The calendar that plain values say; rule packs may be named by path where `beside` is their folder.

    Raises BadInput.
    """
    value = data.value
    if not isinstance(value, dict):
        zh, en = (
            "应为键值表: 一个活动 (id, end_date, emissions ...)",
            "should be a mapping: one event (id, end_date, ...)",
        )
        raise BadInput([fault("event_file", zh, en).at(data.file)])
    known = [] if beside is None else _no_policy(value.get("policy"), beside)
    if "events" in value:
        return _validated(Calendar, data, [*known, *_same_ids(value["events"])])
    return Calendar.of(_validated(Event, data, known))


def read_outlook(path: Path) -> Outlook:
    """Forward price factors: `factors: [{instrument, from, factor}]`. Raises BadInput."""
    return _validated(Outlook, read_plain(path), ())


def read_objective(name: str) -> ObjectiveField:
    """A preset by its name, or a file with a list of levels. Raises BadInput."""
    if name in PRESETS:
        return objective_of(name)
    path = Path(name)
    if not path.suffix and not path.exists():
        known = ", ".join(PRESETS)
        zh, en = f"应为 {known} 之一, 或一个文件", f"should be one of {known}, or a file"
        raise BadInput([fault("objective", zh, en, path="--objective", value=name)])
    data = read_plain(path)
    if not isinstance(data.value, list):
        zh, en = "应为一列层级, 例如 - {level: shortfall}", "should be a list of levels, such as - {level: shortfall}"
        raise BadInput([fault("objective_file", zh, en).at(data.file)])
    try:
        return objective_of(data.value)
    except BadInput as error:
        raise BadInput(data.place(error.findings)) from error


def objective_of(value: Any) -> ObjectiveField:
    """An objective as plain values: a preset's name or a list of levels. Raises BadInput."""
    try:
        found: ObjectiveField = TypeAdapter(ObjectiveField).validate_python(value)
    except ValidationError as error:
        raise BadInput(faults_of(error, ObjectiveField)) from error
    return found


def read_policy(name: str, beside: Path) -> RulePack:
    """A shipped rule pack by its id, or a user's own by path: from the event file's folder, then the working folder."""
    if name in shipped_rule_packs():
        return read_rule_pack(name)
    found = next((p for p in (beside / name, Path(name)) if _exists(p)), None)
    if found is None:
        known = ", ".join(shipped_rule_packs())
        zh, en = (
            f"没有这个规则包; 应为 {known} 之一, 或规则包文件的路径",
            f"no such rule pack; should be one of {known}, or the path of a file",
        )
        raise BadInput([fault("policy_unknown", zh, en, path="policy", value=name)])
    return _validated(RulePack, read_plain(found), ())


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _validated[T: (Calendar, Event, Outlook, RulePack)](noun: type[T], data: PlainData, known: Sequence[Finding]) -> T:
    try:
        return noun.model_validate(data.value)
    except ValidationError as error:
        found = faults_of(error, noun)
        found += [f for f in known if f.code not in {x.code for x in found}]
        raise BadInput(data.place(found)) from error


def _no_policy(name: Any, beside: Path) -> list[Finding]:
    """What is wrong with the rule pack that the file names, told beside the file's other faults."""
    if not isinstance(name, str):
        return []
    try:
        read_policy(name, beside)
    except BadInput as error:
        return list(error.findings)
    return []


def _same_ids(events: Any) -> list[Finding]:
    """Ids that stand twice, told also when other faults keep the calendar from being looked at as a whole."""
    events = events if isinstance(events, list) else []
    ids = [e["id"] for e in events if isinstance(e, dict) and isinstance(e.get("id"), str)]
    doubled = sorted({i for i in ids if ids.count(i) > 1}) if len(set(ids)) < len(ids) else []
    if not doubled:
        return []
    zh, en = f"活动编号重复: {', '.join(doubled)}", f"event ids should be unique: {', '.join(doubled)}"
    return [fault("event_id", zh, en, path="events")]


# ----------------------------------------------------------------------------------------------------- single options


def read_day(value: date | str, option: str) -> date:
    """A day given as such or as 2026-10-11. Raises BadInput."""
    return _option(TypeAdapter(Day), value, option, date)


def read_budget(value: object) -> int:
    """Yuan as fen. Raises BadInput."""
    return _option(TypeAdapter(Fen), value, "--budget", int)


def read_epsilon(value: object) -> int:
    """A share as ten-thousandths. Raises BadInput."""
    return _option(TypeAdapter(RateE4), value, "--epsilon", int)


def whole_number(text: str, option: str, least: int, most: int) -> int:
    """A whole number in digits, from `least` to `most`. Raises BadInput."""
    if not text.isascii() or not text.isdigit() or len(text) > 20 or not least <= int(text) <= most:
        zh, en = f"应为 {least} 至 {most} 的整数", f"should be a whole number from {least} to {most}"
        raise BadInput([fault("whole_number", zh, en, path=option, value=text)])
    return int(text)


def _option[T](adapter: TypeAdapter[Any], value: object, option: str, kind: Callable[..., T]) -> T:
    try:
        found: T = adapter.validate_python(value)
    except ValidationError as error:
        raise BadInput([replace(f, path=option) for f in faults_of(error, kind)]) from error
    return found


def by_event(data: PlainData, value: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Event id -> the path of that event in its file ("" for a single event)."""
    whole = data.value if value is None else value
    if "events" not in whole:
        return {str(whole["id"]): ""}
    return {str(e["id"]): f"events[{k}]." for k, e in enumerate(whole["events"])}
