"""A plan's sentences in the language of whoever looks.

A plan is written in one language, and its hash holds it to that. What it names by a code has words in both; a sentence
that has no code stays as it was written, and the page says in which language.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from api.reports.words import pack_name, registry_name
from optimizer.eligibility import CLAUSE_NAMES, REASONS
from optimizer.offer_book import BEATEN
from optimizer.plan import Json, OfferReason, Plan, TierResult
from optimizer.term_names import group_name, objective_name
from optimizer.wording import Language, Text

REASON_WORDS: dict[str, Text] = {
    **{r.code: r.message for r in REASONS},
    **{code: message for code, (message, _) in BEATEN.items()},
}
"""Code -> why an offer is not used."""
REPAIRS: dict[str, Text] = {
    "extra_budget": Text("增加预算", "more budget"),
    "unranked": Text("接受未列入推荐顺序的工具", "admit means outside the recommended order"),
    "allow_late": Text("接受超过一年的注销 (须说明)", "admit retirement after one year (to be explained)"),
    "ex_ante": Text("林业碳汇按预计总量计入", "count the whole expected forestry delivery (ex ante)"),
    "stale": Text("接受陈旧报价", "admit stale quotes"),
}
CAUSES: dict[str, Text] = {
    "supply": Text("可用供给不足", "eligible supply falls short"),
    "budget": Text("预算不足", "the budget falls short"),
}
_BOTH: dict[str, Text] = {
    text: pair
    for pair in (*CLAUSE_NAMES.values(), *(clause for _, clause in BEATEN.values() if clause is not None))
    for text in pair
}
_BOUND = r"(.+) (?:≤|<=|≥|>=) ([0-9.e+-]+ %)"
_SHARE = re.compile(_BOUND)
_CAP_LIFTED = re.compile(f"(?:取消上限: |lift the cap: ){_BOUND}")
_CAP = re.compile(f"(?:上限|cap) {_BOUND}")
_MISSED = re.compile(r"(?:未达到 (?P<zh>.+)|(?P<en>.+) is missed)")
_CLASH = re.compile(r"(.+) (?:与|contradicts) (.+?)(?: 冲突)?")


@dataclass(frozen=True, eq=False)
class PlanWords:
    """The words of one plan in one language."""

    plan: Plan
    lang: Language

    @property
    def is_other(self) -> bool:
        """Whether the plan was written in the other language."""
        return self.plan.lang != self.lang

    @property
    def written(self) -> str:
        """The language of sentences that stay as they were written, as HTML names it."""
        return "en" if self.plan.lang == "en" else "zh-CN"

    @cached_property
    def _tiers(self) -> dict[int, str]:
        pack = self.plan.problem["rule_pack"]
        named = [*pack["tiers"], *([pack["unranked"]] if pack.get("unranked") else [])]
        return {int(t["tier"]): str(t["name"][self.lang]) for t in named}

    def tier(self, tier: int) -> str:
        """The name of a tier."""
        known = {t.tier: t.name for t in self.plan.tiers}
        return self._tiers.get(tier) or known.get(tier, str(tier))

    def tier_note(self, tier: TierResult) -> str:
        """Why a tier covers nothing; blank where it covers something."""
        if tier.note is None or not self.is_other:
            return tier.note or ""
        count = re.search(r"\d+", tier.note)
        if count is None:
            return self._say("市场上没有这一层的报价", "no offer of this tier is on the market")
        n = count.group()
        return self._say(f"市场上这一层的 {n} 个报价都不合条件", f"none of the {n} offers of this tier is eligible")

    def registry(self, name: str) -> str:
        """Where something is cancelled: the rule pack's names in both languages, an offer's own as it is."""
        return registry_name(name, self.plan.problem["rule_pack"]).say(self.lang)

    def reason(self, reason: OfferReason) -> str:
        """Why an offer is not used."""
        known = REASON_WORDS.get(reason.code)
        return reason.message if known is None else known.say(self.lang)

    def clause(self, text: str) -> str:
        """Where a reason stands: a document's clause as it is cited, or the offer's terms, the user's choice, cost."""
        known = _BOTH.get(text)
        return text if known is None else known.say(self.lang)

    def repair(self, repair: Json) -> str:
        """A change that would help."""
        kind, said = str(repair["kind"]), str(repair["change"])
        if kind in REPAIRS:
            return REPAIRS[kind].say(self.lang)
        if kind.startswith("policy "):
            name = pack_name(kind.removeprefix("policy ")).say(self.lang)
            return self._say(f"改用规则包 {name}", f"use rule pack {name}")
        return self._matched(_CAP_LIFTED, said, lambda a, b: _capped(Text("取消上限: ", "lift the cap: "), a, b))

    def cause(self, cause: Json) -> str:
        """Why something stays uncovered."""
        code, said = str(cause["code"]), str(cause["message"])
        if code in CAUSES:
            return CAUSES[code].say(self.lang)
        if code == "max_share":
            return self._matched(_CAP, said, lambda a, b: _capped(Text("上限 ", "cap "), a, b))
        if code == "contradiction":
            return self._matched(_CLASH, said, _contradicted)
        found = _MISSED.fullmatch(said)
        if found is None:
            return said
        rule = _share(found["zh"] or found["en"]).say(self.lang)
        return self._say(f"未达到 {rule}", f"{rule} is missed")

    def objective(self) -> str:
        """In which order the plan minimises."""
        return objective_name(self.plan.objective).say(self.lang)

    def _matched(self, pattern: re.Pattern[str], said: str, both: Any) -> str:
        found = pattern.fullmatch(said)
        return said if found is None else both(*found.groups()).say(self.lang)

    def _say(self, zh: str, en: str) -> str:
        return zh if self.lang == "zh" else en


def _capped(before: Text, group: str, share: str) -> Text:
    name = group_name(group)
    return Text(f"{before.zh}{name.zh} ≤ {share}", f"{before.en}{name.en} ≤ {share}")


def _contradicted(first: str, second: str) -> Text:
    a, b = _share(first), _share(second)
    return Text(f"{a.zh} 与 {b.zh} 冲突", f"{a.en} contradicts {b.en}")


def _share(rule: str) -> Text:
    """A bound of a plan's own sentences, such as `region=14 >= 50 %`, with what it counts in words."""
    found = _SHARE.fullmatch(rule)
    if found is None:
        return Text(rule, rule)
    name, sign = group_name(found[1]), "≤" if "≤" in rule or "<=" in rule else "≥"
    return Text(f"{name.zh} {sign} {found[2]}", f"{name.en} {sign} {found[2]}")
