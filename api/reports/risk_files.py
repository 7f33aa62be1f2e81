"""The answers of `risk` and `sweep` as JSON, CSV and a workbook; what other papers of draws share of that.

Documents hold decimal strings: yuan with two decimals, t with at most three. The page: `reports/risk`.
"""

from typing import Any

from api.reports.pictures import PICTURES, page_of, picture
from api.reports.tables import Table, csv_bytes, json_bytes, workbook_bytes
from api.reports.words import pick
from api.risk_terms import Basis, RiskAnswer, SweepAnswer, tail_weight_text
from optimizer.plan import Json
from optimizer.program import Floats
from optimizer.quantities import FEN_PER_YUAN, yuan
from optimizer.wording import Language
from scenarios.risk import DRIVER_NAMES, FEN, Risk
from scenarios.stochastic import STRATEGY_NAMES, StochasticPlan
from scenarios.summary import (
    Distribution,
    Estimate,
    distribution,
    mass_text,
    money_text,
    probability,
    share_text,
)
from scenarios.swept import Sweep

CENTS = 100


def chances_of(sweep: Sweep, budget_fen: int | None) -> tuple[Estimate | None, Estimate, Distribution]:
    """The chance to keep the budget, the chance to cover all, and the shortfall in t."""
    short = sweep.shortfall_t.sum(axis=1)
    within = None if budget_fen is None else probability(_within(sweep, budget_fen))
    return within, probability(short == 0), distribution(short)


def _within(sweep: Sweep, budget_fen: int) -> Any:
    return sweep.cost_yuan <= budget_fen / FEN_PER_YUAN + FEN / 2


def draw_columns(sweep: Sweep, budget_fen: int | None) -> dict[str, list[Any]]:
    """Every draw, column by column: yuan and t as decimal strings, flags as booleans (None: there is no budget)."""
    short = sweep.shortfall_t.sum(axis=1)
    columns: dict[str, list[Any]] = {
        "draw": list(range(sweep.first, sweep.first + len(sweep))),
        "cost_yuan": _money(sweep.cost_yuan),
        "need_t": _mass(sweep.need_t.sum(axis=1)),
        "covered_t": _mass(sweep.covered_t.sum(axis=1)),
        "shortfall_t": _mass(short),
        "covered": (short == 0).tolist(),
        "within_budget": [None] * len(sweep) if budget_fen is None else _within(sweep, budget_fen).tolist(),
    }
    columns |= {f"tier_{r + 1}_t": _mass(column) for r, column in enumerate(sweep.tier_t.T)}
    for k, year in enumerate(sweep.years):
        columns[f"paid_{year}_yuan"] = _money(sweep.paid_yuan[:, :, k].sum(axis=1))
    return columns | {"by_program": sweep.by_program.tolist(), "checked": sweep.checked.tolist()}


def _money(values: Floats) -> list[str]:
    return [money_text(v) for v in values.tolist()]


def _mass(values: Floats) -> list[str]:
    return [mass_text(v) for v in values.tolist()]


# ------------------------------------------------------------------------------------------------ documents and files


def basis_document(basis: Basis, lang: Language) -> Json:
    """What a run rests on, for JSON."""
    buy_on = basis.uncertainty.buy_on
    model = basis.uncertainty.price_model
    return {
        "as_of": basis.problem.as_of.isoformat(),
        "buy_on": None if buy_on is None else buy_on.isoformat(),
        "draws": basis.draws,
        "seed": basis.seed,
        "model": "none" if model is None else model.kind,
        "sample": []
        if model is None
        else [
            {"instrument": s.instrument, "n": s.n, "first": f"{s.first_month:%Y-%m}", "last": f"{s.last_month:%Y-%m}"}
            for s in model.samples
        ],
        "conduct": basis.conduct,
        "budgets": basis.money,
        "tail_weight": tail_weight_text(basis),
        "assumptions": [t.say(lang) for t in basis.assumptions],
        "findings": [f.as_dict(lang) for f in basis.findings],
    }


def risk_document(answer: RiskAnswer, lang: Language) -> Json:
    """The answer of `risk` as data."""
    two = None if answer.stochastic is None else answer.stochastic.as_dict(lang)
    return answer.risk.as_dict(lang) | {"stochastic": two, "basis": basis_document(answer.basis, lang)}


def draws_document(answer: SweepAnswer, lang: Language, *, every_draw: bool = False) -> Json:
    """The answer of `sweep` as data; with every draw, or without."""
    sweep, question = answer.sweep, answer.question
    within, covered, short = chances_of(sweep, question.budget_fen)
    found: Json = {
        "draws": len(sweep),
        "seed": sweep.seed,
        "plan_cost": money_text(question.plan_cost_yuan),
        "budget": None if question.budget_fen is None else yuan(question.budget_fen),
        "cost": {k: e.texts(money_text) for k, e in distribution(sweep.cost_yuan).measures().items()},
        "shortfall_t": {k: e.texts(mass_text) for k, e in short.measures().items()},
        "within_budget": None if within is None else within.texts(share_text),
        "covered": covered.texts(share_text),
        "checked": int(sweep.checked.sum()),
        "basis": basis_document(answer.basis, lang),
    }
    if every_draw:
        columns = draw_columns(sweep, question.budget_fen)
        rows = zip(*columns.values(), strict=True)
        found["rows"] = [dict(zip(columns, row, strict=True)) for row in rows]
    return found


def draws_file(answer: SweepAnswer, kind: str, lang: Language) -> bytes:
    """Every draw as .csv or .json."""
    if kind == ".json":
        return json_bytes(draws_document(answer, lang, every_draw=True))
    columns = draw_columns(answer.sweep, answer.question.budget_fen)
    return csv_bytes(list(columns), list(zip(*columns.values(), strict=True)))


def risk_file(answer: RiskAnswer, kind: str, lang: Language) -> bytes:
    """The answer of `risk` as .json, .csv (its measures), .xlsx, or as pictures."""
    if kind == ".json":
        return json_bytes(risk_document(answer, lang))
    if kind in PICTURES:
        from scenarios.charts_risk import cost_distribution_chart, tornado_chart

        cost = cost_distribution_chart(answer.sweep, lang, answer.risk.budget_fen)
        both = [cost, tornado_chart(answer.risk, lang)] if answer.risk.drivers else [cost]
        return page_of(both, lang) if kind == ".html" else picture(cost, kind)
    measures = _measures(answer.risk, lang)
    if kind == ".csv":
        return csv_bytes(*measures)
    drivers = pick(lang, "因素|占方差的份额|标准差 (元)|对 P95 的影响 (元)", "driver|share|deviation (yuan)|P95 (yuan)")
    sheets = {
        pick(lang, "分布", "Measures"): measures,
        pick(lang, "来源", "Drivers"): (
            drivers.split("|"),
            [
                (DRIVER_NAMES[d.driver].say(lang), d.spread_share, _cents(d.deviation_yuan), _cents(d.p95_change_yuan))
                for d in answer.risk.drivers
            ],
        ),
    }
    if answer.stochastic is not None:
        sheets |= _two_stage_sheets(answer.stochastic, lang)
    title = pick(lang, "晋衡风险分析", "jinheng risk")
    return workbook_bytes(lang, title, answer.basis.problem, [], sheets | basis_sheet(answer.basis, lang))


def _measures(risk: Risk, lang: Language) -> Table:
    heads = pick(lang, "量|值|标准误|95 % 自|95 % 至|单位", "measure|value|std. error|95 % from|95 % to|unit").split(
        "|"
    )
    yuan_, t = pick(lang, "元", "yuan"), pick(lang, "吨", "t")
    cost, short = pick(lang, "成本", "cost"), pick(lang, "缺口", "shortfall")
    rows = [_row(f"{cost} {k}", e, money_text, yuan_) for k, e in risk.cost.measures().items()]
    rows += [_row(f"{short} {k}", e, mass_text, t) for k, e in risk.shortfall.measures().items()]
    if risk.within_budget is not None:
        rows.append(_row(pick(lang, "不超预算的概率", "within budget"), risk.within_budget, share_text, "1"))
    return heads, [*rows, _row(pick(lang, "全部覆盖的概率", "full coverage"), risk.covered, share_text, "1")]


def _row(name: str, e: Estimate, text: Any, unit: str) -> list[Any]:
    return [name, *(float(text(v)) for v in (e.value, e.standard_error, e.low, e.high)), unit]


def _cents(value: float) -> float:
    return round(value * CENTS) / CENTS


def _two_stage_sheets(plan: StochasticPlan, lang: Language) -> dict[str, Table]:
    ways = pick(lang, "做法|价值|平均成本|P95|CVaR|平均缺口 吨|今日付出", "way|worth|mean cost|P95|CVaR|short t|today")
    lines = pick(
        lang, "活动|报价|层级|今日买 吨|以后买 吨|不计风险 吨", "event|offer|tier|today t|later t|ignoring risk t"
    )
    worths = [
        (
            STRATEGY_NAMES[s.name].say(lang),
            *map(_cents, (s.worth_yuan, s.mean_cost_yuan, s.p95_cost_yuan, s.tail_cost_yuan)),
            float(mass_text(s.mean_shortfall_t)),
            _cents(s.today_cost_yuan),
        )
        for s in plan.strategies
    ]
    extra = [("VSS", _cents(plan.vss_yuan)), ("EVPI", _cents(plan.evpi_yuan))]
    bought = [
        (p.event_id, p.offer_id, p.tier, *(float(mass_text(t)) for t in (p.today_t, p.later_t, p.ignoring_risk_t)))
        for p in plan.purchases
    ]
    return {
        pick(lang, "做法", "Strategies"): (ways.split("|"), [*worths, *extra]),
        pick(lang, "两阶段", "Two stages"): (lines.split("|"), bought),
    }


def basis_sheet(basis: Basis, lang: Language) -> dict[str, Table]:
    """What it rests on, as a sheet."""
    draws = pick(lang, f"{basis.draws} 次抽样, 种子 {basis.seed}", f"{basis.draws} draws, seed {basis.seed}")
    said = [draws, *(t.say(lang) for t in basis.assumptions), *(f.say(lang) for f in basis.findings)]
    name = pick(lang, "依据", "Basis")
    return {name: ([name], [[text] for text in said])}
