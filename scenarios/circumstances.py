"""What changed between two problems besides their offers: needs, money, limits, rules, settings, goals, the day.

Each is a cause that may explain any line of the event it concerns. Nothing is known here of what was bought.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from optimizer.budgets import Budget
from optimizer.events import Event
from optimizer.plan import Json
from optimizer.problem import Problem
from optimizer.problem_part import objective_part
from optimizer.quantities import rate, tonnes, yuan
from optimizer.term_names import SETTING_NAMES, objective_name, setting_value
from optimizer.wording import Text
from scenarios.offer_facts import BLANK, Cause

EVENT_KEYS: Mapping[str, tuple[str, Text]] = {
    "end_date": ("end_date_changed", Text("活动结束日期", "the end of the event")),
    "priority": ("priority_changed", Text("活动优先级", "the event's priority")),
    "limits": ("limits_changed", Text("份额限制", "limits of shares")),
    "eligibility": ("admission_changed", Text("用户的准入条件", "what the user admits")),
}
"""Keys of an event that bear on its purchases, with the code of a change."""


def event_changes(before: Problem, after: Problem, event_id: str) -> list[Cause]:
    """What changed about one event: that it came or went, its need, budget, limits, admission, end, priority."""
    old, new = (next((e for e in p.events if e.id == event_id), None) for p in (before, after))
    if old is None or new is None:
        if old is None:
            return [Cause("event_new", Text("新增的活动", "the event is new"), {"event_id": event_id})]
        return [Cause("event_gone", Text("活动已不在计划中", "the event is no longer planned for"))]
    found = _need(old, new)
    found += _budget(old.budget, new.budget, event_id)
    was, is_now = old.dump(), new.dump()
    for key, (code, name) in EVENT_KEYS.items():
        if was.get(key) != is_now.get(key):
            said = _plain if key in ("end_date", "priority") else None
            found.append(_changed(code, name, was.get(key), is_now.get(key), said))
    return found


def shared_changes(before: Problem, after: Problem) -> list[Cause]:
    """What changed for all events: the shared budget, past years, rule pack, settings, goals, outlook."""
    found = _budget(before.calendar.budget, after.calendar.budget, "") + _past_years(before, after)
    if before.rule_pack.sha256 != after.rule_pack.sha256:
        old, new = (f"{p.rule_pack.id} v{p.rule_pack.version}" for p in (before, after))
        titles = dict(zip((old, new), _pack_names(before, after), strict=True))
        found.append(_changed("rules_changed", Text("规则包", "the rule pack"), old, new, titles.__getitem__))
    was, is_now = before.settings.dump(), after.settings.dump()
    for key in [k for k in {**was, **is_now} if was.get(k) != is_now.get(k)]:
        named = SETTING_NAMES[key]
        name = Text(f"设置“{named.zh}”", f"the setting “{named.en}”")
        found.append(_changed("settings_changed", name, was.get(key), is_now.get(key), partial(setting_value, key)))
    return found + _goals(before, after)


def date_moved(before: Problem, after: Problem) -> list[Cause]:
    """The day on which the plans are made."""
    if before.as_of == after.as_of:
        return []
    old, new = before.as_of.isoformat(), after.as_of.isoformat()
    return [_changed("date_moved", Text("计划日期", "the day of planning"), old, new, _plain)]


def _changed(code: str, name: Text, old: Any, new: Any, said: Callable[[Any], Text] | None) -> Cause:
    """A change of something with a name; `said` words old and new for the sentence, where they are short."""
    evidence: Json = {"what": name.en, "before": old, "after": new}
    if said is None:
        return Cause(code, Text(f"{name.zh}有变", f"{name.en} changed"), evidence)
    a, b = (BLANK if v is None else said(v) for v in (old, new))
    return Cause(
        code,
        Text(f"{name.zh}由{_spaced(a.zh)}变为{_spaced(b.zh).rstrip()}", f"{name.en} changed from {a.en} to {b.en}"),
        evidence,
    )


def _spaced(words: str) -> str:
    """With blanks around numbers and latin letters; what stands in quotes needs none."""
    return words if words.startswith("“") else f" {words} "


def _plain(value: Any) -> Text:
    """A number or a day, which is the same in both languages."""
    return Text(str(value), str(value))


def _pack_names(before: Problem, after: Problem) -> list[Text]:
    """Rule packs by their titles; those of one title by their versions too."""
    packs = [p.rule_pack for p in (before, after)]
    if packs[0].title != packs[1].title:
        return [Text(f"“{pack.title.zh}”", f"“{pack.title.en}”") for pack in packs]
    return [Text(*(f"{said} ({pack.id} v{pack.version})" for said in (pack.title.zh, pack.title.en))) for pack in packs]


def _need(old: Event, new: Event) -> list[Cause]:
    if old.need_kg == new.need_kg:
        return []
    a, b = tonnes(old.need_kg), tonnes(new.need_kg)
    text = Text(f"需抵销量由 {a} 变为 {b} 吨", f"the need changed from {a} to {b} t")
    return [Cause("need_changed", text, {"need_before_t": a, "need_after_t": b})]


def _budget(old: Budget | None, new: Budget | None, event_id: str) -> list[Cause]:
    if old == new:
        return []
    was, is_now = (None if b is None else b.dump() for b in (old, new))
    whose = Text("预算", "the budget") if event_id else Text("共用预算", "the shared budget")
    a, b = (_budget_text(x) for x in (old, new))
    return [
        Cause(
            "budget_changed",
            Text(f"{whose.zh}由 {a.zh} 变为 {b.zh}", f"{whose.en} changed from {a.en} to {b.en}"),
            {"event_id": event_id or None, "before": was, "after": is_now},
        )
    ]


def _quoted_objective(objective: Any) -> Text:
    name = objective_name(objective)
    return Text(f"“{name.zh}”", f"“{name.en}”")


def _budget_text(budget: Budget | None) -> Text:
    if budget is None:
        return BLANK
    zh = [] if budget.total_fen is None else [f"{yuan(budget.total_fen)} 元"]
    en = [] if budget.total_fen is None else [f"{yuan(budget.total_fen)} yuan"]
    years = ", ".join(f"{y}: {yuan(fen)}" for y, fen in sorted((budget.by_fiscal_year_fen or {}).items()))
    return Text("; ".join([*zh, *filter(None, [years])]), "; ".join([*en, *filter(None, [years])]))


def _past_years(before: Problem, after: Problem) -> list[Cause]:
    """Money of years that ended between the two days is no longer there to be spent."""
    budgets = [after.calendar.budget, *(e.budget for e in after.events)]
    years = sorted(
        {
            year
            for budget in budgets
            for year in ((budget.by_fiscal_year_fen if budget is not None else None) or {})
            if before.as_of.year <= year < after.as_of.year
        }
    )
    if not years:
        return []
    shown = ", ".join(map(str, years))
    text = Text(f"{shown} 年度已过, 其预算不再可用", f"the fiscal year {shown} is over, and its budget with it")
    return [Cause("budget_year_past", text, {"years": years})]


def _goals(before: Problem, after: Problem) -> list[Cause]:
    found = []
    old, new = objective_part(before), objective_part(after)
    if old != new:
        said = _quoted_objective if isinstance(old, str) or isinstance(new, str) else None
        found.append(_changed("objective_changed", Text("目标", "the objective"), old, new, said))
    if before.epsilon_e4 != after.epsilon_e4 and "balanced" in (old, new):
        a, b = rate(before.epsilon_e4), rate(after.epsilon_e4)
        found.append(_changed("epsilon_changed", Text("成本余量", "the slack on cost"), a, b, _plain))
    if before.outlook != after.outlook:
        found.append(
            _changed(
                "outlook_changed",
                Text("价格展望", "the outlook on prices"),
                before.outlook.dump(),
                after.outlook.dump(),
                None,
            )
        )
    return found
