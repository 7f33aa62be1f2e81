"""Event files: every fault that a validator finds, with its place, in both languages; what is read and printed back."""

import copy
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from optimizer import Calendar, Event, Settings
from optimizer.budgets import Budget
from optimizer.events import LevelSpec
from optimizer.findings import faults_of
from optimizer.offer_groups import Limit

EVENT: dict[str, Any] = {
    "id": "taiyuan-marathon-2026",
    "name": "2026太原马拉松赛",
    "region": "140100",
    "end_date": "2026-10-11",
    "priority": 1,
    "emissions": {"tonnes": "4820.4", "status": "verified", "verifier": "某机构", "verified_on": "2026-11-05"},
    "over_cover": "0.1",
    "budget": {
        "total": "600000.00",
        "by_fiscal_year": {"2026": "200000.00", "2027": "400000.00"},
        "carry_forward": True,
    },
    "limits": [
        {"group": "seller", "max_share": "0.4"},
        {"where": {"region": ["山西"], "instrument": "forestry"}, "min_share": "0.1", "max_share": "0.3"},
    ],
    "eligibility": {"vintage_min": 2019, "vintage_max": 2025, "regions": ["14", "内蒙古"], "channels": ["agent"]},
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The event with one value set, or removed where `value` is None."""
    event = copy.deepcopy(EVENT)
    *parents, last = [int(p) if p.isdigit() else p for p in path.split(".")]
    inside: Any = event
    for parent in parents:
        inside = inside[parent]
    if value is None:
        del inside[last]
    else:
        inside[last] = value
    return event


NO_LEVEL = {
    "zh": "未知的层级; 应为 shortfall, rules, tier N 或 cost",
    "en": "unknown level; should be shortfall, rules, tier N or cost",
}
REGION = {
    "zh": "未知地区: 应为国标代码或名称, 例如 140100, 14, 山西",
    "en": "unknown region: should be a GB/T 2260 code or a name, such as 140100, 14, Shanxi",
}
FAULTS: list[tuple[str, Any, str, str, str, str]] = [
    ("id", None, "id", "missing", "缺少必填项", "a required key is missing"),
    (
        "end_date",
        "soon",
        "end_date",
        "date_from_datetime_parsing",
        "应为日期, 例如 2026-10-11",
        "should be a date such as 2026-10-11",
    ),
    (
        "colour",
        "red",
        "colour",
        "extra_forbidden",
        "未知的键; 应为以下之一: id, name, ",
        "unknown key; should be one of: id, name, ",
    ),
    ("bugdet", 5, "bugdet", "extra_forbidden", "未知的键; 是否指 budget?", "unknown key; did you mean budget?"),
    ("region", "Atlantis", "region", "region", REGION["zh"], REGION["en"]),
    ("priority", 10, "priority", "less_than_equal", "应不大于 9", "should be at most 9"),
    ("priority", "first", "priority", "int_parsing", "应为整数", "should be a whole number"),
    ("emissions.tonnes", 0, "emissions", "emissions_zero", "排放量应大于 0", "emissions should be above 0"),
    (
        "emissions.tonnes",
        "1.2345",
        "emissions.tonnes",
        "decimals",
        "小数位过多: 最多 3 位",
        "has too many decimals: at most 3",
    ),
    (
        "emissions.status",
        "guessed",
        "emissions.status",
        "literal_error",
        "应为以下之一: 'verified', 'estimated'",
        "should be one of: 'verified' or 'estimated'",
    ),
    (
        "emissions.low",
        1,
        "emissions",
        "range_of_verified",
        "已核查的排放量不应再有 low/high 区间",
        "verified emissions should have no low/high range",
    ),
    (
        "emissions",
        {"tonnes": 5, "low": 6, "status": "estimated"},
        "emissions",
        "range_order",
        "应有 low <= tonnes <= high",
        "should be low <= tonnes <= high",
    ),
    (
        "emissions",
        {"tonnes": 5, "high": 4, "status": "estimated"},
        "emissions",
        "range_order",
        "应有 low <= tonnes <= high",
        "should be low <= tonnes <= high",
    ),
    ("over_cover", "-0.1", "over_cover", "negative", "不应为负数", "should not be negative"),
    (
        "budget",
        {"carry_forward": False},
        "budget",
        "budget_empty",
        "预算应给出 total 或 by_fiscal_year (不设预算则删去 budget)",
        "should have total or by_fiscal_year (leave budget out for no limit)",
    ),
    (
        "budget",
        {"by_fiscal_year": {}},
        "budget",
        "budget_empty",
        "by_fiscal_year 至少应有一个年度",
        "by_fiscal_year should list at least one year",
    ),
    (
        "budget.by_fiscal_year",
        {"26": 1},
        "budget",
        "budget_year",
        "财政年度应为四位年份, 例如 2026",
        "a fiscal year should be a year such as 2026",
    ),
    (
        "budget.by_fiscal_year",
        None,
        "budget",
        "carry_without_years",
        "carry_forward 只用于 by_fiscal_year",
        "carry_forward needs by_fiscal_year",
    ),
    (
        "budget.total",
        "lots",
        "budget.total",
        "number",
        "应为以元为单位的十进制数",
        "should be a decimal number in yuan",
    ),
    (
        "limits.0",
        {"max_share": 0.4},
        "limits[0]",
        "limit_kind",
        "应恰好给出 group 或 where 之一",
        "should have either group or where",
    ),
    (
        "limits.0",
        {"group": "seller", "where": {"seller": "S"}, "max_share": 0.4},
        "limits[0]",
        "limit_kind",
        "应恰好给出 group 或 where 之一",
        "should have either group or where",
    ),
    (
        "limits.0",
        {"group": "seller"},
        "limits[0]",
        "limit_empty",
        "应给出 max_share 或 min_share",
        "should have max_share or min_share",
    ),
    (
        "limits.0",
        {"group": "seller", "min_share": 0.4},
        "limits[0]",
        "limit_group_min",
        "group 只能用 max_share",
        "group takes only max_share",
    ),
    (
        "limits.0.max_share",
        "1.1",
        "limits[0]",
        "limit_share",
        "份额应在 0 与 1 之间",
        "a share should be between 0 and 1",
    ),
    (
        "limits.1.min_share",
        "0.5",
        "limits[1]",
        "limit_order",
        "min_share 不应大于 max_share",
        "min_share should not exceed max_share",
    ),
    ("limits.1.where", {}, "limits[1].where", "filter_empty", "应至少给出一个筛选键", "should name at least one key"),
    ("limits.1.where", {"price": 5}, "limits[1].where", "filter_key", "未知的筛选键 price", "unknown key price"),
    (
        "limits.1.where",
        {"seller": {"a": 1}},
        "limits[1].where",
        "filter_value",
        "应为一个值或一列值",
        "should be a value or a list of values",
    ),
    (
        "limits.1.where",
        {"seller": []},
        "limits[1].where",
        "filter_value",
        "应为一个值或一列值",
        "should be a value or a list of values",
    ),
    ("limits.1.where", {"region": "Atlantis"}, "limits[1].where", "region", REGION["zh"], REGION["en"]),
    (
        "eligibility.vintage_min",
        2026,
        "eligibility",
        "vintage_order",
        "vintage_min 不应大于 vintage_max",
        "vintage_min should not exceed vintage_max",
    ),
    (
        "eligibility.channels",
        ["thief"],
        "eligibility.channels[0]",
        "literal_error",
        "应为以下之一: ",
        "should be one of: ",
    ),
    ("eligibility.regions", ["Atlantis"], "eligibility.regions[0]", "region", REGION["zh"], REGION["en"]),
    ("settings", {"stale": "maybe"}, "settings.stale", "literal_error", "应为以下之一: ", "should be one of: "),
    (
        "settings",
        {"unranked": "perhaps"},
        "settings.unranked",
        "bool_parsing",
        "应为 true 或 false",
        "should be true or false",
    ),
]


@pytest.mark.parametrize(("path", "value", "place", "code", "zh", "en"), FAULTS)
def test_every_fault_of_an_event_is_placed_and_said_in_both_languages(path, value, place, code, zh, en):
    with pytest.raises(ValidationError) as caught:
        Event.model_validate(changed(path, value))
    (finding,) = faults_of(caught.value, Event)
    assert (finding.code, finding.path, finding.severity) == (code, place, "fault")
    assert finding.message.zh.startswith(zh)
    assert finding.message.en.startswith(en)


def test_all_faults_are_told_at_once():
    event = changed("region", "Atlantis") | {"colour": "red", "over_cover": "x", "limits": [{"group": "seller"}]}
    with pytest.raises(ValidationError) as caught:
        Event.model_validate(event)
    assert {f.code for f in faults_of(caught.value, Event)} == {"region", "extra_forbidden", "number", "limit_empty"}


def test_an_event_is_printed_as_it_was_read():
    event = Event.model_validate(EVENT)
    printed = event.dump()
    assert Event.model_validate(printed) == event
    assert printed["emissions"]["tonnes"] == "4820.4"
    assert printed["budget"] == EVENT["budget"]
    assert printed["limits"][1]["where"] == {"region": ["14"], "instrument": ["forestry"]}
    assert printed["eligibility"]["regions"] == ["14", "15"]


def test_need_is_the_emissions_with_the_margin_rounded_up_to_the_kilogram():
    assert Event.model_validate(EVENT).need_kg == 5_302_440
    small = {"tonnes": "1.001", "status": "verified"}
    assert Event.model_validate(EVENT | {"emissions": small}).need_kg == 1102
    assert Event.model_validate(EVENT | {"emissions": small, "over_cover": "0.0001"}).need_kg == 1002


def test_an_event_without_a_class_is_of_the_last_one():
    assert (
        Event.model_validate(EVENT).priority_class,
        Event.model_validate(changed("priority", None)).priority_class,
    ) == (1, 9)


def test_limits_have_names_for_people():
    assert Limit.model_validate({"group": "seller", "max_share": 0.4}).name == "seller"
    where = {"instrument": ["ccer", "credit"], "region": "太原"}
    assert Limit.model_validate({"where": where, "max_share": 0.4}).name == "instrument=ccer|credit, region=140100"


def test_a_budget_of_nothing_is_a_budget():
    assert Budget.model_validate({"total": 0}).total_fen == 0


LEVELS = ["shortfall", "rules", "cost", "tier 1", "tier 12"]


@pytest.mark.parametrize("level", LEVELS)
def test_the_names_of_levels_are_known(level):
    assert LevelSpec.model_validate({"level": level}).level == level


@pytest.mark.parametrize("level", ["tier 0", "tier", "tier x", "tie-break", "extra budget", "shortfall 0", ""])
def test_other_names_are_no_levels(level):
    with pytest.raises(ValidationError) as caught:
        LevelSpec.model_validate({"level": level})
    (finding,) = faults_of(caught.value, LevelSpec)
    assert (finding.code, finding.message.zh, finding.message.en) == ("level", NO_LEVEL["zh"], NO_LEVEL["en"])


@pytest.mark.parametrize("objective", ["order-first", [{"level": "cost", "relative": "0.05"}, {"level": "tier 1"}]])
def test_an_objective_is_a_preset_or_a_list_of_levels(objective):
    calendar = Calendar.model_validate({"events": [EVENT], "objective": objective})
    assert calendar.dump()["objective"] in (
        objective,
        [x | {"absolute": "0", "relative": x.get("relative", "0")} for x in objective if isinstance(x, dict)],
    )


def test_an_empty_objective_is_a_fault():
    with pytest.raises(ValidationError) as caught:
        Calendar.model_validate({"events": [EVENT], "objective": []})
    (finding,) = faults_of(caught.value, Calendar)
    assert (finding.code, finding.message.en) == ("objective_empty", "an objective list should have at least one level")


def test_the_ids_of_events_are_unique():
    with pytest.raises(ValidationError) as caught:
        Calendar.model_validate({"events": [EVENT, EVENT]})
    (finding,) = faults_of(caught.value, Calendar)
    assert (finding.code, finding.message.zh) == ("event_id", "活动编号重复: taiyuan-marathon-2026")


@pytest.mark.parametrize(
    "own", [{"policy": "mee-2019"}, {"settings": {"unranked": False}}, {"objective": "cost-first"}]
)
def test_a_calendar_has_one_policy_settings_and_objective(own):
    with pytest.raises(ValidationError) as caught:
        Calendar.model_validate({"events": [EVENT | own, EVENT | {"id": "other"}]})
    (finding,) = faults_of(caught.value, Calendar)
    key = next(iter(own))
    assert (finding.code, finding.message.en) == (
        "calendar_policy",
        f"a calendar has one {key}; write it beside `events`",
    )
    calendar = Calendar.of(Event.model_validate(EVENT | own))
    assert getattr(calendar, key) == getattr(calendar.events[0], key)


def test_a_calendar_without_events_is_a_fault():
    with pytest.raises(ValidationError):
        Calendar.model_validate({"events": []})


def test_the_settings_are_the_strict_reading_by_default():
    settings = Settings()
    assert settings.dump() == {
        "unranked": True,
        "other_mechanisms_anywhere": False,
        "old_ccer": False,
        "stale": "exclude",
        "forestry_accrual": "accrued",
        "allow_late": False,
        "discount_rate": "0",
        "whole_lots": True,
    }


def test_dates_are_dates_without_a_time():
    assert Event.model_validate(EVENT).end_date == date(2026, 10, 11)
    with pytest.raises(ValidationError):
        Event.model_validate(EVENT | {"end_date": "2026-10-11T12:00:00"})
