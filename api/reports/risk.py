"""What thousands of draws say, as a person reads it in a terminal.

Order: the plan and its budget, where the cost lies, the chances, what drives the spread, the plan that stands up to it,
and what all of it rests on. Statistics are told in whole yuan on the page; documents have two decimals.
"""

from collections.abc import Sequence
from typing import TextIO

import numpy as np

from api.reports.page import Page, bar, say_notes
from api.reports.risk_files import chances_of
from api.reports.words import grouped, pick
from api.risk_terms import Basis, RiskAnswer, SweepAnswer
from optimizer.findings import Finding
from optimizer.program import Floats
from optimizer.quantities import yuan
from optimizer.wording import Language, counted
from scenarios.risk import DRIVER_NAMES, Risk
from scenarios.stochastic import STRATEGY_NAMES, StochasticPlan
from scenarios.summary import (
    MEASURE_NAMES,
    Distribution,
    Estimate,
    distribution,
    mass_text,
    money_text,
)
from scenarios.sweep import Question
from scenarios.swept import Sweep

SPARKS = "▁▂▃▄▅▆▇█"
SPARK_CELLS = 60
PURCHASES_SHOWN = 12
"""Lines of the two-stage plan; the document has all."""
DUST = 1e-9
"""Shares nearer than this to 0 or 1 are these: rounding of an interval's end."""


# ------------------------------------------------------------------------------------------------------------- the page


def show_risk(answer: RiskAnswer, lang: Language, stream: TextIO) -> None:
    """Writes the page of `risk`."""
    page, risk = Page(stream), answer.risk
    page.title(
        pick(
            lang,
            f"晋衡风险: {risk.draws} 次抽样, 种子 {risk.seed}",
            f"jinheng risk: {risk.draws} draws, seed {risk.seed}",
        )
    )
    _plan_line(page, answer.question, lang)
    _cost(page, risk.cost, answer.sweep.cost_yuan, lang)
    _chances(page, risk.within_budget, risk.covered, risk.shortfall, lang)
    _drivers(page, risk, lang)
    if answer.stochastic is not None:
        _two_stage(page, answer.stochastic, lang)
    show_basis(page, answer.basis, lang, _checked_line(risk.checked, lang))
    more = () if answer.stochastic is None else answer.stochastic.findings
    show_findings(page, (*risk.findings, *more, *answer.basis.findings), lang)
    page.write()


def show_draws(answer: SweepAnswer, lang: Language, stream: TextIO) -> None:
    """Writes the page of `sweep`: the draws in a few numbers."""
    page, sweep, question = Page(stream), answer.sweep, answer.question
    page.title(
        pick(
            lang,
            f"晋衡抽样: {len(sweep)} 次, 种子 {sweep.seed}",
            f"jinheng sweep: {len(sweep)} draws, seed {sweep.seed}",
        )
    )
    _plan_line(page, question, lang)
    _cost(page, distribution(sweep.cost_yuan), sweep.cost_yuan, lang)
    within, covered, short = chances_of(sweep, question.budget_fen)
    _chances(page, within, covered, short, lang)
    page.section(pick(lang, "各列的分布", "Where each column lies"))
    rows = [(name, *_five(values)) for name, values in _spread_columns(sweep, lang).items()]
    page.table(pick(lang, "列|>平均|>最小|>P50|>P95|>最大", "column|>mean|>least|>P50|>P95|>most"), rows)
    show_basis(page, answer.basis, lang, _checked_line(int(sweep.checked.sum()), lang))
    show_findings(page, answer.basis.findings, lang)
    page.write()


def _plan_line(page: Page, question: Question, lang: Language) -> None:
    cost, short = grouped(money_text(question.plan_cost_yuan)), grouped(mass_text(question.plan_shortfall_t))
    gap = ""
    if question.plan_shortfall_t > 0:
        gap = pick(lang, f", 缺口 {short} 吨", f", {short} t short")
    budget = pick(lang, "没有总预算", "no budget of a total")
    if question.budget_fen is not None:
        told = grouped(yuan(question.budget_fen))
        budget = pick(lang, f"预算 {told} 元", f"budget {told} yuan")
    page.line(
        pick(
            lang,
            f"今日方案 (按今日价格) {cost} 元{gap}; {budget}",
            f"Plan at today's prices: {cost} yuan{gap}; {budget}",
        )
    )


def _cost(page: Page, cost: Distribution, values: Floats, lang: Language) -> None:
    page.section(pick(lang, "成本 元", "Cost, yuan"))
    rows = [
        (MEASURE_NAMES[k].say(lang), _whole(e.value), _whole(e.standard_error), _whole(e.low), _whole(e.high))
        for k, e in cost.measures().items()
    ]
    page.table(pick(lang, "量|>元|>标准误|>95 % 自|>至", "measure|>yuan|>std. error|>95 % from|>to"), rows)
    if cost.most > cost.least:
        page.line("")
        page.line(f"{_whole(cost.least)} {_spark(values)} {_whole(cost.most)}")


def _chances(page: Page, within: Estimate | None, covered: Estimate, short: Distribution, lang: Language) -> None:
    page.section(pick(lang, "把握", "Chances"))
    told = [(pick(lang, "全部覆盖", "full coverage"), covered)]
    if within is not None:
        told = [(pick(lang, "不超预算", "within budget"), within), *told]
    rows = [(name, _percent(e.value), bar(e.value), f"{_percent(e.low)} .. {_percent(e.high)}") for name, e in told]
    page.table(pick(lang, "结果|>概率||95 % 区间", "outcome|>probability||95 % interval"), rows)
    if short.most > 0:
        mean, p95 = grouped(mass_text(short.mean.value)), grouped(mass_text(short.quantiles["P95"].value))
        page.line(pick(lang, f"缺口: 平均 {mean} 吨, P95 {p95} 吨", f"Shortfall: mean {mean} t, P95 {p95} t"))


def _drivers(page: Page, risk: Risk, lang: Language) -> None:
    page.section(pick(lang, "成本波动的来源", "What drives the spread of cost"))
    if not risk.drivers:
        page.line(pick(lang, "没有随抽样变化的因素。", "Nothing varies between the draws."))
        return
    rows = [
        (DRIVER_NAMES[d.driver].say(lang), bar(d.spread_share), _percent(d.spread_share), _whole(d.p95_change_yuan))
        for d in risk.drivers
    ]
    heads = pick(lang, "因素|占方差的份额||>对 P95 的影响 元", "driver|share of the variance||>effect on P95, yuan")
    page.table(heads, rows)
    page.line(
        pick(
            lang,
            "份额 = 单独确知该因素时方差减少的部分; 不必合计为 1, 可为负。",
            "Share: what of the variance goes when this one alone is known; need not add up to 1, may be negative.",
        ),
        "dim",
    )


def _two_stage(page: Page, plan: StochasticPlan, lang: Language) -> None:
    page.section(
        pick(
            lang,
            f"经得起波动的方案 (两阶段, {plan.draws} 次抽样) 元",
            f"The plan that stands up to it (two stages, {plan.draws} draws), yuan",
        )
    )
    rows = [
        (
            STRATEGY_NAMES[s.name].say(lang),
            _whole(s.today_cost_yuan),
            _whole(s.mean_cost_yuan),
            _whole(s.p95_cost_yuan),
            grouped(mass_text(s.mean_shortfall_t)),
        )
        for s in plan.strategies
    ]
    page.table(pick(lang, "做法|>今日付出|>平均|>P95|>缺口 吨", "way of buying|>today|>mean|>P95|>short t"), rows)
    vss, evpi = grouped(money_text(plan.vss_yuan)), grouped(money_text(plan.evpi_yuan))
    page.item(pick(lang, f"随机规划的价值 (VSS) {vss} 元", f"value of the stochastic solution (VSS): {vss} yuan"))
    page.item(pick(lang, f"完全信息的价值 (EVPI) {evpi} 元", f"value of perfect information (EVPI): {evpi} yuan"))
    zh, en = (
        "两者以金额加缺口与越级的罚金衡量。",
        "Both count money and the penalties of a shortfall and of leaving the order.",
    )
    page.line(pick(lang, zh, en), "dim")
    page.line("")
    shown = sorted(plan.purchases, key=lambda p: (-p.today_t, -p.later_t, p.event_id, p.offer_id))[:PURCHASES_SHOWN]
    several = len({p.event_id for p in plan.purchases}) > 1
    lines = [
        (
            f"{p.event_id} {p.offer_id}" if several else p.offer_id,
            str(p.tier),
            *(grouped(mass_text(t)) for t in (p.today_t, p.later_t, p.ignoring_risk_t)),
        )
        for p in shown
    ]
    heads = (
        "报价|>层级|>今日买 吨|>以后买 (平均)|>不计风险 今日",
        "offer|>tier|>buy today, t|>later (mean)|>ignoring risk",
    )
    page.table(pick(lang, *heads), lines)
    more = len(plan.purchases) - len(shown)
    if more > 0:
        page.line(
            pick(lang, f"另有 {more} 行, 见 JSON。", f"{counted(more, 'more line', 'more lines')}: see the JSON.")
        )


def _checked_line(checked: int, lang: Language) -> str:
    return pick(
        lang, f"{checked} 次抽样从头重算, 结果一致", f"{checked} draws were solved again from nothing and agree"
    )


def show_basis(page: Page, basis: Basis, lang: Language, *more: str) -> None:
    """What the numbers rest on."""
    page.section(pick(lang, "所依据的", "What it rests on"))
    draws = pick(lang, f"{basis.draws} 次抽样, 种子 {basis.seed}", f"{basis.draws} draws, seed {basis.seed}")
    for said in (draws, *(t.say(lang) for t in basis.assumptions), *more):
        page.item(said)


def show_findings(page: Page, findings: Sequence[Finding], lang: Language) -> None:
    """Warnings about the draws; those about rows of the files are counted, as the plan tells them."""
    of_files = sum(bool(f.file) for f in findings)
    said = [f.say(lang) for f in findings if not f.file]
    if of_files:
        zh, en = f"另有 {of_files} 条关于所读文件的提示, 见 JSON", f"{of_files} more about the files read: see the JSON"
        said.append(pick(lang, zh, en))
    say_notes(page, [(text, 1) for text in said], lang)


def _whole(value: float) -> str:
    return grouped(str(round(value)))


def _percent(share: float) -> str:
    """One decimal, cut towards the middle, so that only all is 100 % and only none is 0 %."""
    tenths = round(share * 1000)
    if DUST < share < 1 - DUST:
        tenths = min(max(tenths, 1), 999)
    return f"{tenths / 10:.1f} %"


def _spark(values: Floats) -> str:
    """How often each part of the range was hit, as a line of blocks."""
    counts, _ = np.histogram(values, bins=SPARK_CELLS - len(_whole(values.min())) - len(_whole(values.max())))
    top = int(counts.max())
    return "".join(" " if c == 0 else SPARKS[(int(c) * len(SPARKS) - 1) // top] for c in counts.tolist())


def _spread_columns(sweep: Sweep, lang: Language) -> dict[str, Floats]:
    t, y = pick(lang, "吨", "t"), pick(lang, "元", "yuan")
    columns = {pick(lang, f"需要 {t}", f"need {t}"): sweep.need_t.sum(axis=1)}
    columns[pick(lang, f"覆盖 {t}", f"covered {t}")] = sweep.covered_t.sum(axis=1)
    tiers = {pick(lang, f"第 {r + 1} 层 {t}", f"tier {r + 1} {t}"): column for r, column in enumerate(sweep.tier_t.T)}
    paid = {
        pick(lang, f"{year} 年支付 {y}", f"paid in {year} {y}"): sweep.paid_yuan[:, :, k].sum(axis=1)
        for k, year in enumerate(sweep.years)
    }
    return columns | tiers | paid


def _five(values: Floats) -> list[str]:
    found = distribution(values)
    numbers = (found.mean.value, found.least, found.quantiles["P50"].value, found.quantiles["P95"].value, found.most)
    return [_whole(v) for v in numbers]
