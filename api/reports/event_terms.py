"""What events and scenarios name, in words: settings and their values, the offers that a filter picks, limits."""

from collections.abc import Mapping
from typing import Any

from api.reports.words import KEYS, percent, pick
from optimizer.regions import region_name
from optimizer.wording import CHANNEL_NAMES, INSTRUMENT_NAMES, Language, Text

SETTINGS: dict[str, Text] = {
    "unranked": Text("允许未列入推荐顺序的方式", "Admit unranked means"),
    "other_mechanisms_anywhere": Text("第二层接受省外其他机制", "Tier 2 takes other mechanisms from anywhere"),
    "old_ccer": Text("接受旧 CCER", "Admit old CCER"),
    "stale": Text("陈旧行情", "Stale quotes"),
    "forestry_accrual": Text("新建林业计量口径", "How new forestry counts"),
    "allow_late": Text("保留逾期的购买", "Keep late purchases"),
    "discount_rate": Text("年贴现率", "Discount rate per year"),
    "whole_lots": Text("按整手购买", "Whole lots"),
}
SETTING_CHOICES: dict[str, dict[str, Text]] = {
    "stale": {"exclude": Text("不用", "leave out"), "admit": Text("照用", "admit")},
    "forestry_accrual": {"accrued": Text("按实际累积", "as accrued"), "ex_ante": Text("按预期", "as expected")},
}
YES_NO = {True: Text("是", "yes"), False: Text("否", "no")}


def filter_words(chosen: Mapping[str, Any], lang: Language) -> str:
    """Which offers a filter picks: every key must hold, any value of a key will do."""
    alternatives = pick(lang, "或", " or ")
    parts = []
    for key, values in chosen.items():
        many = values if isinstance(values, list | tuple) else [values]
        label = KEYS[key].say(lang) if key in KEYS else key
        parts.append(f"{label} = {alternatives.join(value_words(key, str(v), lang) for v in many)}")
    return "; ".join(parts)


def limit_words(limit: Mapping[str, Any], lang: Language) -> str:
    """A limit as one line."""
    key = limit.get("group")
    if key is not None:
        name = KEYS[key].say(lang)
        whom = pick(lang, f"每个{name}", f"each {name}")
    else:
        whom = filter_words(limit.get("where") or {}, lang)
    said = []
    if limit.get("max_share") is not None:
        most = percent(limit["max_share"])
        said.append(pick(lang, f"至多 {most}", f"at most {most}"))
    if limit.get("min_share") is not None:
        least = percent(limit["min_share"])
        said.append(pick(lang, f"至少 {least} (尽量)", f"at least {least} (if possible)"))
    return f"{whom}: {', '.join(said)}"


def value_words(key: str, value: str, lang: Language) -> str:
    """A value of one of an offer's keys: instruments, channels and places by their names."""
    if key == "region":
        return region_name(value, lang)
    names = {"instrument": INSTRUMENT_NAMES, "channel": CHANNEL_NAMES}.get(key, {})
    return names[value].say(lang) if value in names else value
