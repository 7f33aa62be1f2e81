"""What people call the terms of an offer and of a question: columns and their values, settings, orders of goals.

Once for pages, papers, commands and the sentences of causes. What a term means lives where it is used.
"""

from collections.abc import Iterator, Mapping

from optimizer.regions import region_name
from optimizer.wording import CHANNEL_NAMES, INSTRUMENT_NAMES, Text

TERM_NAMES: Mapping[str, Text] = {
    "offer_id": Text("报价", "offer"),
    "quantity": Text("数量", "quantity"),
    "lot_size": Text("整手", "lot size"),
    "min_quantity": Text("最小购买量", "minimum"),
    "price_breaks": Text("阶梯价", "price breaks"),
    "fixed_fee": Text("固定费用", "fixed fee"),
    "payment_schedule": Text("付款计划", "payment schedule"),
    "delivery_schedule": Text("交付计划", "delivery schedule"),
    "registered_on": Text("登记日期", "registered on"),
    "last_traded_on": Text("最近成交日", "last traded on"),
    "valid_from": Text("有效期起", "valid from"),
    "valid_until": Text("有效期至", "valid until"),
    "settlement_days": Text("结算天数", "settlement days"),
    "seller": Text("卖方", "seller"),
    "project_id": Text("项目", "project"),
    "instrument": Text("品种", "instrument"),
    "tier": Text("层级", "tier"),
    "region": Text("地区", "region"),
    "vintage": Text("年份", "vintage"),
    "mechanism": Text("机制", "mechanism"),
    "methodology": Text("方法学", "methodology"),
    "registry": Text("登记机构", "registry"),
    "channel": Text("渠道", "channel"),
}
"""Columns of an offer, and its tier."""
SETTING_NAMES: Mapping[str, Text] = {
    "unranked": Text("允许未列入推荐顺序的方式", "Admit unranked means"),
    "other_mechanisms_anywhere": Text("第二层接受省外其他机制", "Tier 2 takes other mechanisms from anywhere"),
    "old_ccer": Text("接受旧 CCER", "Admit old CCER"),
    "stale": Text("陈旧行情", "Stale quotes"),
    "forestry_accrual": Text("新建林业计量口径", "How new forestry counts"),
    "allow_late": Text("保留逾期的购买", "Keep late purchases"),
    "discount_rate": Text("年贴现率", "Discount rate per year"),
    "whole_lots": Text("按整手购买", "Whole lots"),
}
SETTING_CHOICES: Mapping[str, Mapping[str, Text]] = {
    "stale": {"exclude": Text("不用", "leave out"), "admit": Text("照用", "admit")},
    "forestry_accrual": {"accrued": Text("按实际累积", "as accrued"), "ex_ante": Text("按预期", "as expected")},
}
YES_NO: Mapping[bool, Text] = {True: Text("是", "yes"), False: Text("否", "no")}
OBJECTIVE_NAMES: Mapping[str, Text] = {
    "priority-first": Text("先覆盖, 再按推荐顺序, 后成本", "coverage, then the recommended order, then cost"),
    "order-first": Text("先守推荐顺序, 再覆盖, 后成本", "the recommended order, then coverage, then cost"),
    "cost-first": Text("先覆盖, 再成本, 后推荐顺序", "coverage, then cost, then the recommended order"),
    "balanced": Text("先覆盖, 成本略放宽以靠近推荐顺序", "coverage, then the order within a slack on cost"),
}
"""The presets of the order of goals."""
OWN_OBJECTIVE = Text("自定的目标次序", "an order of goals of its own")


def value_name(key: str, value: str) -> Text:
    """A value of one of an offer's columns: instruments, channels and places by their names, others as they are."""
    if key == "region":
        return Text(region_name(value, "zh"), region_name(value, "en"))
    names = {"instrument": INSTRUMENT_NAMES, "channel": CHANNEL_NAMES}.get(key, {})
    return names.get(value, Text(value, value))


def setting_value(key: str, value: object) -> Text:
    """What a setting is set to: yes or no, one of its choices by name, else as it is."""
    if isinstance(value, bool):
        return YES_NO[value]
    return SETTING_CHOICES.get(key, {}).get(str(value), Text(str(value), str(value)))


def objective_name(objective: object) -> Text:
    """An order of goals: a preset by its name, a list of levels as one's own."""
    return OBJECTIVE_NAMES.get(objective, OWN_OBJECTIVE) if isinstance(objective, str) else OWN_OBJECTIVE


def group_name(name: str) -> Text:
    """What a limit counts, as it is named among the rules of a plan: `seller`, `instrument=ccer|credit, region=14`."""
    parts = [*_parts(name)]
    return Text(", ".join(p.zh for p in parts), ", ".join(p.en for p in parts))


def _parts(name: str) -> Iterator[Text]:
    for part in name.split(", "):
        key, equals, values = part.partition("=")
        label = TERM_NAMES.get(key)
        if label is None:
            yield Text(part, part)
        elif not equals:
            yield label
        else:
            named = [value_name(key, v) for v in values.split("|")]
            zh, en = "或".join(n.zh for n in named), " or ".join(n.en for n in named)
            yield Text(f"{label.zh}={zh}", f"{label.en}={en}")
