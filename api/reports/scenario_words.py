"""What a scenario changes, in words: a sentence a change, with its numbers. Nothing is applied here."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from api.reports.event_terms import filter_words, limit_words
from api.reports.words import goal_of, grouped, pack_name, percent, pick
from optimizer.plan import Json
from optimizer.quantities import rate, tonnes, yuan
from optimizer.term_names import SETTING_NAMES, setting_value, value_name
from optimizer.wording import Language, Text
from scenarios.scenario import Scenario

METHODS = {
    "greedy-order": Text("按简单规则购买：逐层买最便宜的，不求最优", "simple rule: tier by tier the cheapest"),
    "greedy-cheapest": Text("按简单规则购买：不论层级买最便宜的，不求最优", "simple rule: the cheapest of any tier"),
}
LIFTED = {
    "only": Text("只用的报价", "offers admitted only"),
    "exclude": Text("不用的报价", "offers left out"),
    "channels": Text("可用渠道", "channels"),
    "regions": Text("可用地区", "regions"),
    "vintage": Text("年份", "vintages"),
}


def what_changes(scenario: Scenario, lang: Language) -> str:
    """Everything that is other than in the base, in the order of the file's keys."""
    said = [
        sentence
        for name, words in WORDS.items()
        if name in scenario.model_fields_set and (value := getattr(scenario, name)) not in (None, ())
        for sentence in words(value, lang)
    ]
    return pick(lang, "；", "; ").join(said) or pick(lang, "没有改变", "nothing")


def _goal(objective: Any, lang: Language) -> Iterator[str]:
    yield pick(lang, "目标：", "goal: ") + goal_of(objective).say(lang)


def _epsilon(e4: int, lang: Language) -> Iterator[str]:
    most = percent(rate(e4))
    yield pick(lang, f"成本可比最低多{most}", f"up to {most} above the least cost")


def _budget(change: Any, lang: Language) -> Iterator[str]:
    if change.none:
        yield pick(lang, "不设预算", "no budget")
    if change.scale_e4 is not None:
        times = rate(change.scale_e4)
        yield pick(lang, f"各笔预算乘以{times}", f"every budget times {times}")
    if change.amount_fen is not None:
        most = grouped(yuan(change.amount_fen))
        yield pick(lang, f"预算改为{most}元", f"a budget of {most} yuan")
    for year, fen in sorted((change.by_fiscal_year_fen or {}).items()):
        most = grouped(yuan(fen))
        yield pick(lang, f"{year}年预算改为{most}元", f"a budget of {most} yuan in {year}")


def _which(where: Any, lang: Language) -> str:
    return filter_words(where, lang) if where else pick(lang, "全部报价", "all offers")


def _prices(changes: Sequence[Any], lang: Language) -> Iterator[str]:
    for change in changes:
        which = _which(change.where, lang)
        if change.factor_e4 is not None:
            times = rate(change.factor_e4)
            yield pick(lang, f"价格乘以{times}（{which}）", f"prices times {times} ({which})")
        else:
            more = yuan(change.add_fen)
            sign = "" if change.add_fen < 0 else "+"
            yield pick(lang, f"价格每吨{sign}{more}元（{which}）", f"prices {sign}{more} yuan/t ({which})")


def _availability(changes: Sequence[Any], lang: Language) -> Iterator[str]:
    for change in changes:
        which, times = _which(change.where, lang), rate(change.scale_e4)
        yield pick(lang, f"可供数量乘以{times}（{which}）", f"quantities times {times} ({which})")


def _offers(change: Any, lang: Language) -> Iterator[str]:
    joint = pick(lang, "、", ", ")
    if change.lift:
        lifted = joint.join(LIFTED[name].say(lang) for name in change.lift)
        yield pick(lang, f"不再按活动原有的限定：{lifted}", f"the event's own limits lifted: {lifted}")
    if change.only:
        yield pick(lang, "只用：", "only ") + filter_words(change.only, lang)
    for key, values in (change.exclude or {}).items():
        yield pick(lang, "不用：", "without ") + filter_words({key: values}, lang)
    for key, values in (("channel", change.channels), ("region", change.regions)):
        if values is not None:
            named = joint.join(value_name(key, str(v)).say(lang) for v in values)
            yield LIFTED[f"{key}s"].say(lang) + pick(lang, "：", ": ") + named
    if change.vintage_min is not None:
        yield pick(lang, f"年份不早于{change.vintage_min}", f"vintages from {change.vintage_min}")
    if change.vintage_max is not None:
        yield pick(lang, f"年份不晚于{change.vintage_max}", f"vintages to {change.vintage_max}")


def _limits(change: Any, lang: Language) -> Iterator[str]:
    if change.none:
        yield pick(lang, "不设份额限制", "no limits of shares")
        return
    said = "; ".join(limit_words(limit.dump(), lang) for limit in change.add or change.replace or ())
    if change.replace is not None:
        yield pick(lang, f"份额限制改为：{said}", f"limits of shares in place of the event's: {said}")
    else:
        yield pick(lang, f"另加份额限制：{said}", f"further limits of shares: {said}")


def _policy(name: str, lang: Language) -> Iterator[str]:
    yield pick(lang, "规则包：", "rule pack: ") + pack_name(name).say(lang)


def _settings(settings: Any, lang: Language) -> Iterator[str]:
    given: Json = settings.model_dump(mode="json", by_alias=True, exclude_unset=True)
    for key, value in given.items():
        shown = percent(value) if key == "discount_rate" else setting_value(key, value).say(lang)
        yield SETTING_NAMES[key].say(lang) + pick(lang, "：", ": ") + shown


def _emissions(change: Any, lang: Language) -> Iterator[str]:
    if change.scale_e4 is not None:
        times = rate(change.scale_e4)
        yield pick(lang, f"排放量乘以{times}", f"emissions times {times}")
    if change.amount_kg is not None:
        amount = grouped(tonnes(change.amount_kg))
        yield pick(lang, f"排放量改为{amount}吨", f"emissions of {amount} t")
    if change.over_cover_e4 is not None:
        margin = percent(rate(change.over_cover_e4))
        yield pick(lang, f"超额抵销{margin}", f"{margin} over-cover")


def _dates(change: Any, lang: Language) -> Iterator[str]:
    if change.as_of is not None:
        yield pick(lang, f"计划日期{change.as_of}", f"made as of {change.as_of}")
    for prefix, what in (
        ("as_of", Text("计划日期", "the day of planning")),
        ("end", Text("活动结束", "the event's end")),
    ):
        for unit, one in (("years", Text("年", "year")), ("days", Text("天", "day"))):
            by = getattr(change, f"{prefix}_shift_{unit}")
            if by:
                way = Text("推迟", "later") if by > 0 else Text("提前", "earlier")
                n, many = abs(by), "" if abs(by) == 1 else "s"
                yield pick(lang, f"{what.zh}{way.zh}{n}{one.zh}", f"{what.en} {n} {one.en}{many} {way.en}")


def _outlook(outlook: Any, lang: Language) -> Iterator[str]:
    del outlook
    yield pick(lang, "换用另一价格展望", "another outlook on prices")


def _method(name: str, lang: Language) -> Iterator[str]:
    if name in METHODS:
        yield METHODS[name].say(lang)


WORDS: dict[str, Callable[[Any, Language], Iterator[str]]] = {
    "objective": _goal,
    "epsilon_e4": _epsilon,
    "budget": _budget,
    "prices": _prices,
    "availability": _availability,
    "offers": _offers,
    "limits": _limits,
    "policy": _policy,
    "settings": _settings,
    "emissions": _emissions,
    "dates": _dates,
    "outlook": _outlook,
    "method": _method,
}
"""A change of a scenario -> its sentences."""
