"""Words and cells that the papers share: names of levels, rules and proofs in both languages; numbers as people read them."""

from decimal import Decimal, InvalidOperation

from optimizer.wording import Language, Text

LEVELS = {
    "shortfall": Text("缺口", "shortfall"),
    "rules": Text("份额下限", "min shares"),
    "cost": Text("成本", "cost"),
    "tie-break": Text("定序", "tie-break"),
    "extra budget": Text("追加预算", "extra budget"),
}


def level_name(name: str, lang: Language) -> str:
    """A level as people call it: "tier 2" -> 第 2 层; "shortfall 1" -> 缺口 (优先级 1)."""
    head, _, number = name.partition(" ")
    if name in LEVELS:
        return LEVELS[name].say(lang)
    if head == "tier":
        return f"前 {number} 层之外" if lang == "zh" else f"beyond tier {number}"
    if head == "shortfall":
        return f"缺口 (优先级 {number})" if lang == "zh" else f"shortfall (class {number})"
    return name
