"""What an event says, in words: every value with its name and unit, and what differs between two versions.

Only words live here; what a key means is the business of `optimizer.events` and its rooms.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from api.event_files import calendar_of
from api.pages.rendering import money, percent, tonnes
from api.plain_data import PlainData
from api.reports.event_terms import filter_words, limit_words
from api.reports.words import level_name
from optimizer.events import Calendar
from optimizer.regions import region_name
from optimizer.term_names import OBJECTIVE_NAMES, SETTING_CHOICES, SETTING_NAMES, YES_NO, value_name
from optimizer.wording import Language, Text, day_text

LABELS: dict[str, Text] = {
    "id": Text("编号", "Id"),
    "name": Text("名称", "Name"),
    "organiser": Text("组织者", "Organiser"),
    "region": Text("地区", "Region"),
    "end_date": Text("结束日期", "End date"),
    "priority": Text("优先级", "Priority class"),
    "emissions.tonnes": Text("排放量", "Emissions"),
    "emissions.status": Text("排放量状态", "Status of the emissions"),
    "emissions.low": Text("排放量下限", "Emissions, low"),
    "emissions.high": Text("排放量上限", "Emissions, high"),
    "emissions.verifier": Text("核查机构", "Verifier"),
    "emissions.statement": Text("核查报告", "Statement"),
    "emissions.verified_on": Text("核查日期", "Verified on"),
    "over_cover": Text("超额抵销", "Over-cover"),
    "budget.total": Text("总预算", "Budget in all"),
    "budget.by_fiscal_year": Text("财政年度预算", "Budget of fiscal year"),
    "budget.carry_forward": Text("余额结转", "Unspent money carries forward"),
    "limits": Text("份额限制", "Limit"),
    "eligibility.vintage_min": Text("最早年份", "Earliest vintage"),
    "eligibility.vintage_max": Text("最晚年份", "Latest vintage"),
    "eligibility.regions": Text("可用地区", "Regions admitted"),
    "eligibility.exclude": Text("不用的报价", "Offers left out"),
    "eligibility.only": Text("只用的报价", "Offers admitted only"),
    "eligibility.channels": Text("可用渠道", "Channels open"),
    "policy": Text("规则包", "Rule pack"),
    "objective": Text("目标", "Objective"),
    **{f"settings.{key}": name for key, name in SETTING_NAMES.items()},
}
MEANINGS: dict[str, Text] = {
    "settings.unranked": Text(
        "允许但未列入推荐顺序的方式排在最后使用 — 三(二)", "Permitted but unranked means are used last — clause 三(二)"
    ),
    "settings.other_mechanisms_anywhere": Text(
        "条文对“省内”是否限定其他机制有两种读法; 勾选则不限定 — 三(二)2",
        "The text may be read either way on whether “in the province” binds other mechanisms; tick: it does not "
        "— clause 三(二)2",
    ),
    "settings.old_ccer": Text(
        "2017年3月以前登记的项目签发的 CCER — 三(二)", "CCER of projects registered before March 2017 — clause 三(二)"
    ),
    "settings.stale": Text(
        "最近成交早于 30 天的报价: 不用, 或照用", "Quotes last traded more than 30 days ago: leave out, or admit"
    ),
    "settings.forestry_accrual": Text(
        "六年内实际累积的吨数, 或按预期全部计入 — 三(三)",
        "Tonnes accrued within six years, or all that is expected — clause 三(三)",
    ),
    "settings.allow_late": Text(
        "赶不上一年期限的购买保留并标明 — 三(三)", "Purchases that miss the year are kept and flagged — clause 三(三)"
    ),
    "settings.discount_rate": Text("只用于成本, 0.03 即每年 3 %", "For the cost alone; 0.03 is 3 % a year"),
    "settings.whole_lots": Text(
        "计入整手、最小购买量、固定费用与阶梯价", "Lots, minimums, fixed fees and price breaks count"
    ),
}
"""One line for each setting, with the clause that it reads."""
CHOICES: dict[str, Mapping[str, Text]] = {
    "emissions.status": {"verified": Text("已核查", "verified"), "estimated": Text("估算", "estimated")},
    **{f"settings.{key}": names for key, names in SETTING_CHOICES.items()},
    "objective": OBJECTIVE_NAMES,
}
MASSES = frozenset({"emissions.tonnes", "emissions.low", "emissions.high"})
DAYS = frozenset({"end_date", "emissions.verified_on"})
SHARES = frozenset({"over_cover", "settings.discount_rate"})
_EVENT = re.compile(r"events\[([^\]]*)\]\.")


@dataclass(frozen=True)
class Line:
    """One thing that an event says."""

    path: str
    label: str
    value: str


@dataclass(frozen=True)
class ChangedLine:
    """One thing that differs: blank where a side does not say it."""

    label: str
    before: str
    after: str


def calendar_of_document(document: Mapping[str, Any]) -> Calendar:
    """A kept event or calendar as the engine reads it. Raises BadInput."""
    return calendar_of(PlainData(dict(document), ""), None)


def is_calendar(document: Mapping[str, Any]) -> bool:
    """Whether several events share one document."""
    return "events" in document


def lines_of(document: Mapping[str, Any], lang: Language) -> list[Line]:
    """Everything that an event or a calendar says, defaults included, in the order in which people read it."""
    calendar = calendar_of_document(document).dump()
    events = calendar.pop("events")
    shared = {"policy", "settings", "objective", "budget", "id", "name"}
    if is_calendar(document):
        found = list(_lines(calendar, "", lang))
        for event in events:
            inner = {k: v for k, v in event.items() if k not in ("policy", "settings", "objective")}
            found += _lines(inner, f"events[{event['id']}].", lang)
        return found
    inner = {k: v for k, v in events[0].items() if k not in shared - {"id", "name", "budget"}}
    return [*_lines(inner, "", lang), *_lines({k: calendar[k] for k in ("policy", "objective", "settings")}, "", lang)]


def differences_of(before: Mapping[str, Any], after: Mapping[str, Any], lang: Language) -> list[ChangedLine]:
    """What two versions of an event say differently."""
    old = {line.path: line for line in lines_of(before, lang)}
    new = {line.path: line for line in lines_of(after, lang)}
    changed = []
    for path in dict.fromkeys([*old, *new]):
        a, b = old.get(path), new.get(path)
        if a is None or b is None or a.value != b.value:
            label = (b or a or Line(path, path, "")).label
            changed.append(ChangedLine(label, a.value if a else "", b.value if b else ""))
    return changed


def _lines(document: Mapping[str, Any], prefix: str, lang: Language) -> Iterator[Line]:
    for path, value in _flat(document, ""):
        label = _label(path, lang)
        event = _EVENT.fullmatch(prefix)
        yield Line(prefix + path, f"{event[1]} · {label}" if event else label, shown_value(path, value, lang))


def _flat(document: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    """Paths and values; limits one by one, money year by year, filters whole."""
    for key, value in document.items():
        path = prefix + key
        if path == "limits":
            yield from ((f"limits[{i}]", one) for i, one in enumerate(value))
        elif path == "budget.by_fiscal_year":
            yield from ((f"{path}.{year}", yuan) for year, yuan in value.items())
        elif isinstance(value, Mapping) and path not in ("eligibility.exclude", "eligibility.only"):
            yield from _flat(value, f"{path}.")
        elif value not in ("", None):
            yield path, value


def _label(path: str, lang: Language) -> str:
    if path.startswith("limits["):
        return f"{LABELS['limits'].say(lang)} {int(path[7:-1]) + 1}"
    if path.startswith("budget.by_fiscal_year."):
        year = path.rpartition(".")[2]
        return f"{year} 财政年度预算" if lang == "zh" else f"Budget of fiscal year {year}"
    return LABELS[path].say(lang) if path in LABELS else path


def shown_value(path: str, value: Any, lang: Language) -> str:
    """A value as people write it, with its unit."""
    if path.startswith("limits["):
        return limit_words(value, lang)
    if isinstance(value, bool):
        return YES_NO[value].say(lang)
    if isinstance(value, Mapping):
        return filter_words(value, lang)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _listed(path, value, lang)
    return _written(path, str(value), lang)


def _written(path: str, value: str, lang: Language) -> str:
    """A single value: money, tonnes, a day, a share, a place, a choice, or text."""
    if path.startswith("budget."):
        return f"{money(value)} {'元' if lang == 'zh' else 'yuan'}"
    if path in MASSES:
        return f"{tonnes(value)} {'吨' if lang == 'zh' else 't'}"
    if path in DAYS:
        return day_text(date.fromisoformat(value), lang)
    if path in SHARES:
        return percent(value)
    if path == "region":
        return region_name(value, lang)
    known = CHOICES.get(path, {}).get(value)
    return known.say(lang) if known else value


def _listed(path: str, values: Sequence[Any], lang: Language) -> str:
    if path == "objective":
        return " → ".join(level_name(str(one.get("level", "")), lang) for one in values)
    name = {"eligibility.regions": "region", "eligibility.channels": "channel"}.get(path, "")
    return ("、" if lang == "zh" else ", ").join(value_name(name, str(v)).say(lang) for v in values)
