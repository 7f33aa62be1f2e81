"""Jobs in words: what was asked, how far it is, and the figures of a result that are looked at first."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from api.jobs.requests import JobRequest
from api.plain_data import plain_json
from api.reports.words import pack_name
from optimizer.term_names import OBJECTIVE_NAMES
from optimizer.wording import Text
from scenarios.library import READY

type Shown = Literal["money", "tonnes", "percent", "number", "day", "text"]

KINDS: dict[str, Text] = {
    "plan": Text("方案", "Plan"),
    "compare": Text("情景比较", "Scenarios compared"),
    "frontier": Text("成本与顺序的前沿", "Cost against order"),
    "budget": Text("预算曲线", "Budget curve"),
    "risk": Text("风险", "Risk"),
    "sweep": Text("抽样", "Draws"),
    "calendar": Text("年度预算", "The year's budget"),
    "replan": Text("重新规划", "Plan made again"),
    "quotes": Text("批量报价", "Batch of quotes"),
}
STATES: dict[str, Text] = {
    "queued": Text("等待中", "waiting"),
    "running": Text("进行中", "running"),
    "done": Text("已完成", "done"),
    "failed": Text("失败", "failed"),
    "cancelled": Text("已取消", "cancelled"),
}
OPTIONS: dict[str, Text] = {
    "as_of": Text("计划日期", "Day of the plan"),
    "policy": Text("规则包", "Rule pack"),
    "objective": Text("目标", "Objective"),
    "epsilon": Text("成本放宽", "Slack of the cost"),
    "budget": Text("预算 (元)", "Budget (yuan)"),
    "draws": Text("抽样次数", "Draws"),
    "seed": Text("随机种子", "Seed"),
    "model": Text("价格模型", "Model of prices"),
    "buy_on": Text("购买日", "Bought on"),
    "fall_through": Text("报价落空概率", "Chance that offers fall through"),
    "yield_spread": Text("林业产量离散", "Spread of forestry yields"),
    "hold": Text("坚持今天的方案", "Today's plan is held to"),
    "keep_budget": Text("任何抽样不超预算", "No draw exceeds the budgets"),
    "stochastic": Text("两阶段方案", "Two-stage plan"),
    "tail_weight": Text("尾部权重", "Weight of the tail"),
    "every_draw": Text("保留每次抽样", "Every draw is kept"),
    "scenarios": Text("情景", "Scenarios"),
    "days": Text("临近期限的天数", "Days that count as near"),
    "alternatives": Text("备选数目", "Alternatives"),
    "within": Text("备选可贵多少", "How much dearer alternatives may be"),
    "against": Text("相对于", "Against"),
    "low": Text("从", "From"),
    "high": Text("到", "To"),
    "break_even": Text("求持平价的报价", "Break-evens of"),
    "plan": Text("原方案", "The plan"),
    "explain": Text("解释", "Explanations"),
    "time_limit": Text("时限 (秒)", "Time limit (s)"),
    "firm": Text("约束性报价", "Firm"),
    "valid_until": Text("有效至", "Valid until"),
    "valid_hours": Text("有效小时数", "Valid for (hours)"),
    "margin": Text("加价", "Margin"),
}
"""What a job is asked with; documents (events, offers, packs, clients) are counted instead."""
VALUES: dict[str, Text] = {
    "none": Text("无", "none"),
    "short": Text("要点", "in short"),
    "all": Text("全部", "all"),
    "mean-reverting": Text("均值回归", "mean-reverting"),
    "bootstrap": Text("历史重抽样", "drawn from history"),
    "money": Text("金额", "money"),
    "emissions": Text("排放量", "emissions"),
    "margin": Text("余量", "margin"),
    **OBJECTIVE_NAMES,
}
"""Options that are chosen from a list."""
COUNTED: dict[str, Text] = {
    "offers": Text("报价数", "Offers"),
    "events": Text("活动数", "Events"),
}
DAYS = ("as_of", "buy_on")
LENGTH_MAX = 200
"""Characters of an option that are shown."""
QUOTES_SHOWN = 50


@dataclass(frozen=True)
class Fact:
    """A figure with its name."""

    name: Text
    value: Any
    shown: Shown


@dataclass(frozen=True)
class Result:
    """What is looked at first of a result."""

    figures: tuple[Fact, ...] = ()
    heads: tuple[Fact, ...] = ()
    """Of the table: `shown` says how its columns are written."""
    rows: tuple[tuple[Any, ...], ...] = ()
    links: tuple[tuple[Text, str], ...] = ()


# --------------------------------------------------------------------------------------------------------------- asked


def asked_facts(request: JobRequest) -> list[Fact]:
    """What a job was asked for, option by option."""
    inputs = {} if request.inputs is None else plain_json(request.inputs)
    question, named = inputs.get("question", {}), inputs.get("named", {})
    snapshot = named.get("snapshot_id") or request.options.get("snapshot_id")
    given: dict[str, Any] = {**question, **request.options}
    given |= {"as_of": named.get("as_of", given.get("as_of"))}
    wanted = [k for k in OPTIONS if given.get(k) not in (None, "", False, [])]
    found = [Fact(OPTIONS[k], _asked(k, given[k]), "day" if k in DAYS else "text") for k in wanted]
    found += [Fact(name, len(given[k]), "number") for k, name in COUNTED.items() if isinstance(given.get(k), list)]
    if snapshot:
        found.append(Fact(Text("市场快照", "Snapshot of the market"), str(snapshot)[:12], "text"))
    return found


def _asked(name: str, value: Any) -> Any:
    """An option as pages show it: rule packs and ready scenarios by their titles."""
    if name == "policy" and isinstance(value, str):
        return pack_name(value)
    if name == "scenarios" and isinstance(value, Mapping) and not set(value) - {"library", "scenarios"}:
        titles = [_title(v) for key in ("library", "scenarios") for v in value.get(key) or ()]
        return Text("、".join(t.zh for t in titles), ", ".join(t.en for t in titles))
    return _text(value)


def _title(scenario: str | Mapping[str, Any]) -> Text:
    """A ready scenario, or one of a file, by its title; by its name where it has none."""
    if isinstance(scenario, str):
        return READY[scenario].heading if scenario in READY else Text(scenario, scenario)
    title, name = scenario.get("title"), str(scenario.get("name", ""))
    if isinstance(title, Mapping) and {"zh", "en"} <= set(title):
        return Text(str(title["zh"]), str(title["en"]))
    return Text(str(title or name), str(title or name))


def _text(value: Any) -> Any:
    """An option as text, in words where it is chosen from a list."""
    if value is True:
        return Text("是", "yes")
    if isinstance(value, str) and value in VALUES:
        return VALUES[value]
    if isinstance(value, list | tuple) and all(isinstance(v, str) for v in value):
        shown = ", ".join(value)
    else:
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return shown if len(shown) <= LENGTH_MAX else shown[: LENGTH_MAX - 1] + "…"


# -------------------------------------------------------------------------------------------------------------- result

_COST, _SHORT = Text("成本 (元)", "Cost (yuan)"), Text("缺口 (吨)", "Shortfall (t)")
_COVERED = Text("已覆盖 (吨)", "Covered (t)")


def result_of(kind: str, document: Mapping[str, Any]) -> Result:
    """The first figures of a result; the whole stands in its file."""
    readers = {
        **{"plan": _plan, "replan": _replan, "sweep": _draws, "risk": _draws, "calendar": _calendar},
        **{"compare": _compare, "frontier": _frontier, "budget": _budget, "quotes": _quotes},
    }
    return readers[kind](document)


def _totals(totals: Mapping[str, Any]) -> Iterator[Fact]:
    yield Fact(_COST, totals["cost"], "money")
    yield Fact(_COVERED, totals["covered_t"], "tonnes")
    yield Fact(_SHORT, totals["shortfall_t"], "tonnes")


def _plan(document: Mapping[str, Any]) -> Result:
    link = (Text("打开方案", "Open the plan"), f"/plans/{document['plan_id']}")
    return Result(tuple(_totals(document["totals"])), links=(link,))


def _replan(document: Mapping[str, Any]) -> Result:
    counts = document["changes"]["counts"]
    lines = Fact(Text("变动的行", "Lines changed"), sum(v for k, v in counts.items() if k != "kept"), "number")
    return Result((*_totals(document["plan"]["totals"]), lines))


def _draws(document: Mapping[str, Any]) -> Result:
    cost = document["cost"]
    figures = [Fact(Text("抽样次数", "Draws"), document["draws"], "number")]
    figures += [
        Fact(Text(f"成本 {p} (元)", f"Cost {p} (yuan)"), cost[p]["value"], "money") for p in ("P50", "P80", "P95")
    ]
    figures.append(Fact(Text("全部抵销的概率", "Chance that all is covered"), document["covered"]["value"], "percent"))
    within = document.get("within_budget")
    if within is not None:
        figures.append(Fact(Text("不超预算的概率", "Chance to keep the budget"), within["value"], "percent"))
    return Result(tuple(figures))


def _calendar(document: Mapping[str, Any]) -> Result:
    keys = ("planned", "P50", "P80", "P95")
    heads = [Fact(Text("活动", "Event"), None, "text"), Fact(Text("年度", "Year"), None, "text")]
    heads += [Fact(Text("计划 (元)", "Planned (yuan)"), None, "money")]
    heads += [Fact(Text(f"{k} (元)", f"{k} (yuan)"), None, "money") for k in keys[1:]]
    everything = Text("合计", "all")
    rows = tuple(
        (
            everything if r["event_id"] is None else r["event_id"],
            everything if r["year"] is None else str(r["year"]),
            *(r[k] for k in keys),
        )
        for r in document["reserves"]
    )
    return Result((), tuple(heads), rows)


def _compare(document: Mapping[str, Any]) -> Result:
    heads = (Fact(Text("情景", "Scenario"), None, "text"), Fact(_COST, None, "money"), Fact(_SHORT, None, "tonnes"))
    every = [document["base"], *document["scenarios"]]
    totals = [one["totals"] or {} for one in every]
    rows = tuple((one["title"], t.get("cost"), t.get("shortfall_t")) for one, t in zip(every, totals, strict=True))
    return Result((), heads, rows)


def _frontier(document: Mapping[str, Any]) -> Result:
    rank = Fact(Text("名次合计 (吨)", "Sum of places (t)"), None, "tonnes")
    heads = (rank, Fact(_COST, None, "money"), Fact(_SHORT, None, "tonnes"))
    return Result((), heads, tuple((p["rank_t"], p["cost"], p["shortfall_t"]) for p in document["points"]))


def _budget(document: Mapping[str, Any]) -> Result:
    names = {
        "enough": Text("全部抵销所需 (元)", "Enough to cover all (yuan)"),
        "nothing_beyond": Text("再多无益 (元)", "More helps nothing (yuan)"),
    }
    known = [Fact(name, document[k], "money") for k, name in names.items() if document.get(k) is not None]
    return Result((*known, Fact(Text("转折点", "Breakpoints"), len(document["points"]), "number")))


def _quotes(document: Mapping[str, Any]) -> Result:
    made = document["quotes"]
    links = [(Text(f"报价单 {k}", f"Quote {k}"), f"/quotes/{one}") for k, one in enumerate(made[:QUOTES_SHOWN], 1)]
    return Result((Fact(Text("报价单", "Quotes"), len(made), "number"),), links=tuple(links))
