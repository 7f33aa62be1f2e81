"""Rule packs in words: what their predicates say, what differs between two of them, and the offers people ask about."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from optimizer.regions import region_name
from optimizer.rule_pack import Deadline, OfferClass, Registry, RulePack, Tier, When
from optimizer.wording import INSTRUMENT_NAMES, Text, counted, day_text

ANY_OFFER = Text("任何工具", "any instrument")
BLANK = Text("(未填写)", "(blank)")
SETTING_NAMES: dict[str, Text] = {
    "other_mechanisms_anywhere": Text("外省其他机制的减排量", "other mechanisms' reductions from outside the province"),
    "old_ccer": Text("旧机制 CCER", "CCER of the old scheme"),
}
"""What a setting admits."""
LEFT_OUT: dict[str, Text] = {
    "not_recognised": Text("不认可", "not recognised"),
    "region": Text("地区不认可", "region not recognised"),
    "not_certified": Text("未经认证", "not certified"),
    "old_ccer": Text("旧机制, 默认不用", "old scheme, off by default"),
}
ORDER: dict[str, Text] = {
    "recommended": Text("推荐", "recommended"),
    "required": Text("应当", "required"),
}
FOREST: dict[str, Any] = {
    "instrument": "forestry",
    "region": "14",
    "certified_by": "山西省林业和草原局",
    "delivery_schedule": "2031-12-31=1",
}
TYPICAL: tuple[tuple[Text, dict[str, Any]], ...] = (
    (
        Text("“三晋绿色生活”碳普惠", "carbon inclusion of 三晋绿色生活"),
        {"instrument": "carbon_inclusion", "mechanism": "三晋绿色生活", "region": "14"},
    ),
    (
        Text("外省碳普惠 (广东)", "carbon inclusion of another province (Guangdong)"),
        {"instrument": "carbon_inclusion", "mechanism": "广东碳普惠", "region": "44"},
    ),
    (Text("省内 CCER", "CCER from Shanxi"), {"instrument": "ccer", "region": "14", "registered_on": "2024-06-01"}),
    (
        Text("外省 CCER (内蒙古)", "CCER from another province (Inner Mongolia)"),
        {"instrument": "ccer", "region": "15", "registered_on": "2024-06-01"},
    ),
    (
        Text("旧机制 CCER (2015 年登记)", "CCER of the old scheme (registered in 2015)"),
        {"instrument": "ccer", "region": "14", "registered_on": "2015-06-01"},
    ),
    (
        Text("省内 VCS 减排量", "VCS credits from Shanxi"),
        {"instrument": "credit", "mechanism": "VCS", "region": "14"},
    ),
    (
        Text("外省 VCS 减排量 (四川)", "VCS credits from another province (Sichuan)"),
        {"instrument": "credit", "mechanism": "VCS", "region": "51"},
    ),
    (
        Text("境外 VCS 减排量 (肯尼亚)", "VCS credits from abroad (Kenya)"),
        {"instrument": "credit", "mechanism": "VCS", "region": "KE"},
    ),
    (Text("省内新建林业, 已认证", "new forestry in Shanxi, certified"), FOREST),
    (
        Text("省内新建林业, 未认证", "new forestry in Shanxi, not certified"),
        {k: v for k, v in FOREST.items() if k != "certified_by"},
    ),
    (Text("外省新建林业, 已认证 (内蒙古)", "new forestry in Inner Mongolia, certified"), FOREST | {"region": "15"}),
    (Text("全国碳市场配额 (CEA)", "national allowances (CEA)"), {"instrument": "allowance", "mechanism": "CEA"}),
    (
        Text("试点碳市场配额 (北京)", "allowances of a pilot market (Beijing)"),
        {"instrument": "allowance", "mechanism": "北京碳市场", "region": "11"},
    ),
)
"""Offers that show what a rule pack makes of the market."""


class Said(NamedTuple):
    """What a rule pack says, and where."""

    words: Text
    clause: str = ""


@dataclass(frozen=True)
class Difference:
    """One thing that two rule packs say differently; None where one says nothing."""

    topic: Text
    first: Said | None
    second: Said | None

    @property
    def is_one(self) -> bool:
        """Whether the words differ; the same under another clause is no difference."""
        return (self.first and self.first.words) != (self.second and self.second.words)


# ---------------------------------------------------------------------------------------------------------- predicates


def when_words(when: When) -> Text:
    """A predicate over offers as a person would say it."""
    parts = list(_parts(when)) or [ANY_OFFER]
    return Text(", ".join(p.zh for p in parts), ", ".join(p.en for p in parts))


def _parts(when: When) -> Iterator[Text]:
    if when.instrument is not None:
        yield either([INSTRUMENT_NAMES[name] for name in when.instrument])
    if when.mechanism is not None:
        named = either([_name(m) for m in when.mechanism])
        yield Text(f"机制或市场为 {named.zh}", f"mechanism or market {named.en}")
    if when.mechanism_contains is not None:
        part = when.mechanism_contains
        yield Text(f"机制名称含“{part}”", f"mechanism whose name holds “{part}”")
    if when.region is not None:
        named = either([_region(code) for code in when.region])
        yield Text(f"项目在{named.zh}", f"project in {named.en}")
    if when.in_country is not None:
        yield (
            Text("项目在中国", "project in China")
            if when.in_country
            else Text("项目不在中国或未注明地区", "project outside China or without a region")
        )
    if when.certified is not None:
        yield Text("已认证", "certified") if when.certified else Text("未经认证", "not certified")
    if when.registered_before is not None:
        known = day_words(when.registered_before)
        yield Text(f"项目登记早于{known.zh}", f"project registered before {known.en}")
    if when.setting is not None:
        named = SETTING_NAMES[when.setting]
        yield Text(f"且设置接受{named.zh}", f"if the settings admit {named.en}")
    if when.setting_off is not None:
        named = SETTING_NAMES[when.setting_off]
        yield Text(f"且设置不接受{named.zh}", f"unless the settings admit {named.en}")


def either(several: Sequence[Text]) -> Text:
    """Several of which one will do."""
    return Text(" 或 ".join(t.zh for t in several), " or ".join(t.en for t in several))


def _name(mechanism: str) -> Text:
    return Text(mechanism, mechanism) if mechanism else BLANK


def _region(code: str) -> Text:
    return Text(region_name(code, "zh"), region_name(code, "en"))


def day_words(value: date) -> Text:
    """A day in both languages."""
    return Text(day_text(value, "zh"), day_text(value, "en"))


# ------------------------------------------------------------------------------------------------------------- results


def result_words(pack: RulePack, offer_class: OfferClass) -> Text:
    """What the rule makes of a class of offers."""
    if offer_class.left_out is not None:
        named = LEFT_OUT[offer_class.left_out]
        return Text(f"不可用: {named.zh}", f"out: {named.en}")
    if offer_class.tier == "unranked":
        return pack.tier_name(pack.n_tiers + 1)
    assert isinstance(offer_class.tier, int)  # a class has a tier or a reason
    return tier_words(pack, offer_class.tier)


def tier_words(pack: RulePack, tier: int) -> Text:
    """A tier with its number; what is unranked has none."""
    name = pack.tier_name(tier)
    return name if tier > pack.n_tiers else Text(f"第 {tier} 位: {name.zh}", f"Tier {tier}: {name.en}")


def deadline_words(deadline: Deadline) -> Text:
    """How long there is after the event."""
    years = counted(deadline.years, "year", "years")
    zh, en = f"活动结束后 {deadline.years} 年内", f"within {years} after the event"
    if deadline.in_principle:
        zh, en = f"原则上{zh}", f"in principle {en}"
    return Text(zh, en)


def registry_words(registry: Registry) -> Text:
    """Of which offers a registry keeps the account."""
    keys: dict[str, Any] = {"instrument": (registry.instrument,), "mechanism": registry.mechanism}
    keys["mechanism_contains"] = registry.mechanism_contains
    return when_words(When.model_validate({k: v for k, v in keys.items() if v is not None}))


# --------------------------------------------------------------------------------------------------------- differences


def differences(first: RulePack, second: RulePack) -> list[Difference]:
    """What two rule packs say differently, in order of their chapters; what they say alike is left out."""
    return [one for one in _compared(first, second) if one.is_one]


def _compared(first: RulePack, second: RulePack) -> Iterator[Difference]:
    yield Difference(Text("文件", "Document"), _plain(first.document_number), _plain(second.document_number))
    yield Difference(Text("发布日期", "Issued on"), Said(day_words(first.issued_on)), Said(day_words(second.issued_on)))
    yield Difference(Text("版本", "Version"), _plain(first.version), _plain(second.version))
    yield Difference(Text("对顺序的用词", "Word for the order"), Said(ORDER[first.order]), Said(ORDER[second.order]))
    for k in range(max(first.n_tiers, second.n_tiers)):
        topic = Text(f"推荐顺序第 {k + 1} 位", f"Place {k + 1} of the order")
        yield Difference(topic, _tier(_at(first.tiers, k)), _tier(_at(second.tiers, k)))
    topic = Text("允许但不在顺序中", "Permitted but not in the order")
    yield Difference(topic, _tier(first.unranked), _tier(second.unranked))
    topic = Text("注销期限", "Deadline of cancelling")
    yield Difference(topic, _deadline(first.retirement), _deadline(second.retirement))
    topic = Text("新建林业的期限", "Deadline of new forestry")
    yield Difference(topic, _deadline(first.forestry), _deadline(second.forestry))
    a, b = _registries(first), _registries(second)
    for words in dict.fromkeys((*a, *b)):
        topic = Text(f"注销地点: {words.zh}", f"Where to cancel: {words.en}")
        yield Difference(topic, a.get(words), b.get(words))


def _plain(text: str) -> Said:
    return Said(Text(text, text))


def _deadline(deadline: Deadline) -> Said:
    return Said(deadline_words(deadline), deadline.clause)


def _at(tiers: Sequence[Tier], k: int) -> Tier | None:
    return tiers[k] if k < len(tiers) else None


def _tier(tier: Tier | None) -> Said | None:
    return None if tier is None else Said(tier.name, tier.clause)


def _registries(pack: RulePack) -> dict[Text, Said]:
    return {registry_words(r): Said(r.name, r.clause) for r in pack.registries}
