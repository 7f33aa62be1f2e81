"""What is asked about uncertainty, as written, and what it comes to: the problem, what is drawn, and every assumption.

An assumption that the caller did not make is made here and said. Nothing is drawn or solved.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from api.documents import Gathered
from api.event_files import read_day, whole_number
from api.price_desk import DRAWS_MAX, known_history
from api.problem_request import ProblemRequest
from market_data import FallThroughRule, calibrate
from market_data.draws import CV_MAX, DEFAULT_CHANCES, FallThrough, YieldRange, month_later
from market_data.price_models import MODEL_KINDS, ModelKind, PriceModel
from market_data.random_streams import SEED_MAX
from optimizer import BadInput, Problem
from optimizer.findings import Finding, fault, warning
from optimizer.quantities import E4, NotANumber, decimal_of, e4_of, rate
from optimizer.timeline import Deadlines, is_forestry
from optimizer.wording import Text, counted
from scenarios.budgeting import CalendarBudget
from scenarios.draws import Uncertainty
from scenarios.risk import Risk
from scenarios.stochastic import StochasticPlan
from scenarios.sweep import Conduct, Money, Question
from scenarios.swept import Sweep

MONTHS_AHEAD = 3
"""Months until purchases are made where nobody says: what tendering and approval usually take (an assumption)."""
SCENARIOS_MAX = 2000
"""Draws of the two-stage plan; each adds a column for every offer."""
NO_MODEL = "none"
NO_HISTORY = ("history_empty", "history_days")
MODEL_NAMES = {
    "mean-reverting": Text("均值回复", "mean-reverting"),
    "bootstrap": Text("块自助法", "block bootstrap"),
}


@dataclass(frozen=True)
class DrawsRequest(ProblemRequest):
    """What a caller asks to be drawn, as written."""

    draws: str = "1000"
    seed: str = "7"
    model: str | None = None
    """mean-reverting, bootstrap or none; None: mean-reverting where there is a price history."""
    buy_on: str | None = None
    """The day on which purchases are made."""
    fall_through: str | None = None
    """FIRM,INDICATIVE shares, or none; None: the defaults."""
    yield_spread: str | None = None
    """A coefficient of variation, or LOW,MODE,HIGH; None: yields as stated."""
    hold: bool = False
    """Today's plan is held to."""
    keep_budget: bool = False
    """No draw may exceed the budgets; coverage gives way."""
    stochastic: bool = False
    """The two-stage plan as well."""
    scenarios: str = "200"
    tail_weight: str = "0"
    workers: str | None = None
    cluster: str | None = None
    resume: str | None = None
    """Folder of finished chunks."""
    out: str | None = None


@dataclass(frozen=True, eq=False)
class Basis:
    """What a run is about and what its numbers rest on."""

    problem: Problem
    uncertainty: Uncertainty
    conduct: Conduct
    money: Money
    draws: int
    seed: int
    scenarios: int
    tail_weight_e4: int
    assumptions: tuple[Text, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, eq=False)
class RiskAnswer:
    """What the draws say about the plan, and the plan that stands up to them where it was asked for."""

    basis: Basis
    question: Question
    risk: Risk
    sweep: Sweep
    stochastic: StochasticPlan | None


@dataclass(frozen=True, eq=False)
class SweepAnswer:
    """All draws."""

    basis: Basis
    question: Question
    sweep: Sweep


@dataclass(frozen=True, eq=False)
class CalendarAnswer:
    """The budget of a calendar."""

    basis: Basis
    question: Question
    budget: CalendarBudget


def read_basis(request: DrawsRequest, gathered: Gathered) -> Basis:
    """The problem and what is not known about it.

    Raises:
        BadInput: every fault of every file and option at once, with those that were gathered before.
    """
    draws = gathered.attempt(lambda: whole_number(request.draws, "--draws", 1, DRAWS_MAX))
    seed = gathered.attempt(lambda: whole_number(request.seed, "--seed", 0, SEED_MAX))
    scenarios = gathered.attempt(lambda: whole_number(request.scenarios, "--scenarios", 1, SCENARIOS_MAX))
    weight = gathered.attempt(lambda: _share(request.tail_weight, "--tail-weight"))
    chances = gathered.attempt(lambda: (_chances(request.fall_through),))
    spread = gathered.attempt(lambda: (_spread(request.yield_spread),))
    asked_day = gathered.attempt(lambda: (_buy_on(request),))
    moved = gathered.attempt(lambda: _model(request))
    problem = gathered.attempt(request.problem)
    gathered.stop_if_faulty()
    assert draws is not None and seed is not None and scenarios is not None and weight is not None
    assert chances is not None and spread is not None and asked_day is not None
    assert moved is not None and problem is not None
    model, findings = moved
    day, why = _day_of_purchase(problem, asked_day[0], model is not None or request.stochastic)
    known = Uncertainty(model, day, fall_through=chances[0], yield_spread=spread[0])
    conduct: Conduct = "replace" if request.hold else "replan"
    money: Money = "limit" if request.keep_budget else "measured"
    said = (
        why,
        _prices_said(model),
        _chances_said(chances[0], given=request.fall_through is not None),
        *_yields_said(problem, spread[0]),
        _emissions_said(problem),
        _conduct_said(conduct, money),
    )
    own = [f for f in problem.warnings() if f.code != "estimated"]  # drawing them is the answer to that warning
    found = (*findings, *(() if model is None else model.findings), *own)
    return Basis(problem, known, conduct, money, draws, seed, scenarios, weight, said, found)


# ------------------------------------------------------------------------------------------------------ reading options


def _buy_on(request: DrawsRequest) -> date | None:
    if request.buy_on is None:
        return None
    day = read_day(request.buy_on, "--buy-on")
    try:
        as_of = read_day(request.as_of, "--as-of")
    except BadInput:
        return day  # said where the problem is read
    if day < as_of or (request.stochastic and day == as_of):
        later = request.stochastic
        zh = f"应晚于计划日期 {as_of}" if later else f"不应早于计划日期 {as_of}"
        en = f"should be {'after' if later else 'on or after'} the plan's day {as_of}"
        raise BadInput([fault("buy_on", zh, en, path="--buy-on", value=request.buy_on)])
    return day


def _share(text: str, option: str) -> int:
    try:
        e4 = e4_of(text)
    except (NotANumber, ValueError):
        e4 = -1
    if not 0 <= e4 <= E4:
        zh, en = "应为 0 至 1 的份额, 至多四位小数", "should be a share from 0 to 1, at most four decimals"
        raise BadInput([fault("share", zh, en, path=option, value=text)])
    return e4


def _chances(text: str | None) -> FallThroughRule | None:
    if text is None:
        return FallThroughRule()
    if text == NO_MODEL:
        return None
    try:
        firm, indicative = (_share(part.strip(), "--fall-through") for part in text.split(","))
    except (ValueError, BadInput) as error:
        zh, en = (
            "应为 确定,意向 两个份额, 例如 0.02,0.2; 或 none",
            "should be FIRM,INDICATIVE such as 0.02,0.2, or none",
        )
        raise BadInput([fault("fall_through", zh, en, path="--fall-through", value=text)]) from error
    try:
        return FallThroughRule(FallThrough(firm, indicative))
    except BadInput as error:
        said = [fault(f.code, f.message.zh, f.message.en, path="--fall-through", value=text) for f in error.findings]
        raise BadInput(said) from error


def _spread(text: str | None) -> float | YieldRange | None:
    if text is None or text == NO_MODEL:
        return None
    try:
        numbers = [float(decimal_of(part)) for part in text.split(",")]
    except NotANumber:
        numbers = []
    if len(numbers) == 1 and 0 < numbers[0] <= CV_MAX:
        return numbers[0]
    if len(numbers) == 3 and 0 <= numbers[0] <= numbers[1] <= numbers[2] and numbers[2] > 0:
        return YieldRange(*numbers)
    zh = f"应为变异系数 (0 至 {CV_MAX:g}), 例如 0.2; 或 低,中,高 系数, 例如 0.6,1,1.2; 或 none"
    en = f"should be a coefficient of variation up to {CV_MAX:g}, such as 0.2, or LOW,MODE,HIGH such as 0.6,1,1.2"
    raise BadInput([fault("yield_spread", zh, en, path="--yield-spread", value=text)])


def _model(request: DrawsRequest) -> tuple[PriceModel | None, tuple[Finding, ...]]:
    """The model of prices; without a history and without a wish prices stay, and that is said."""
    asked = request.model
    if asked is not None and asked not in (*MODEL_KINDS, NO_MODEL):
        known = ", ".join((*MODEL_KINDS, NO_MODEL))
        zh, en = f"应为 {known} 之一", f"should be one of {known}"
        raise BadInput([fault("choice", zh, en, path="--model", value=asked)])
    if asked == NO_MODEL:
        return None, ()
    try:
        day = read_day(request.as_of, "--as-of")
    except BadInput:
        return None, ()  # said where the problem is read
    try:
        history = known_history(request.url, day)
    except BadInput as error:
        if asked is not None or any(f.code not in NO_HISTORY for f in error.findings):
            raise
        zh = "没有价格历史, 价格按不变计; 用 jinheng history import 导入行情后即可抽样"
        en = "no price history, so prices do not move; import quotes with jinheng history import to draw them"
        return None, (warning("prices_flat", zh, en, path="--model"),)
    kind: ModelKind = "bootstrap" if asked == "bootstrap" else "mean-reverting"
    return calibrate(history, kind), ()


# ---------------------------------------------------------------------------------------------------------- assumptions


def _day_of_purchase(problem: Problem, asked: date | None, wait: bool) -> tuple[date, Text]:
    """The day on which purchases are made, and how it came about."""
    if asked is not None:
        return asked, Text(f"购买日 {asked}", f"bought on {asked}")
    as_of = problem.as_of
    if not wait:
        return as_of, Text(f"购买日 {as_of}, 即计划当日", f"bought on {as_of}, the plan's own day")
    day = month_later(as_of, MONTHS_AHEAD)
    year_end = date(as_of.year, 12, 31)
    if month_later(as_of, 1) <= year_end < day:
        day = year_end  # money of this year is not left behind by an assumption
    open_until = [Deadlines.of(e, problem.rule_pack).retirement for e in problem.events]
    day = min([day, *(d for d in open_until if d > as_of + timedelta(days=1))])
    return day, Text(f"购买日 {day} (假设; 可用 --buy-on 指定)", f"bought on {day} (assumed; --buy-on sets it)")


def _prices_said(model: PriceModel | None) -> Text:
    if model is None:
        return Text("价格不变", "prices do not move")
    name = MODEL_NAMES[model.kind]
    first, last = f"{model.first_month:%Y-%m}", f"{model.last_month:%Y-%m}"
    sizes = ", ".join(f"{s.instrument} {s.n}" for s in model.samples) or "-"
    return Text(
        f"价格模型: {name.zh}, 样本 {first} 至 {last}, 月收益率个数 {sizes}; 其他品种价格不变",
        f"prices: {name.en}, on {first} to {last}, monthly returns {sizes}; other instruments stay flat",
    )


def _percent(e4: int) -> str:
    return f"{Decimal(e4) / 100:f} %"


def _chances_said(rule: FallThroughRule | None, *, given: bool) -> Text:
    if rule is None:
        return Text("所有报价都能成交", "every offer holds")
    chance = rule.otherwise
    firm, indicative = _percent(chance.firm_e4), _percent(chance.indicative_e4)
    assumed = not given and chance == DEFAULT_CHANCES
    return Text(
        f"报价落空的概率: 确定报价 {firm}, 意向报价 {indicative}" + (" (假设; 没有已公布的统计)" if assumed else ""),
        f"offers fall through: firm {firm}, indicative {indicative}"
        + (" (assumed; no statistics are published)" if assumed else ""),
    )


def _yields_said(problem: Problem, spread: float | YieldRange | None) -> tuple[Text, ...]:
    if not is_forestry(problem.offers).any():
        return ()
    if spread is None:
        return (Text("林业产出按报价所述", "forestry yields as stated"),)
    if isinstance(spread, YieldRange):
        low, mode, high = (f"{x:g}" for x in spread)
        zh, en = f"林业产出系数: {low} 至 {high}, 最可能 {mode}", f"forestry yields: {low} to {high}, likeliest {mode}"
        return (Text(zh, en),)
    return (Text(f"林业产出的变异系数 {spread:g}", f"forestry yields: coefficient of variation {spread:g}"),)


def _emissions_said(problem: Problem) -> Text:
    drawn = [
        e
        for e in problem.events
        if e.emissions.status == "estimated" and (e.emissions.low_kg, e.emissions.high_kg) != (None, None)
    ]
    n, total = len(drawn), len(problem.events)
    if not n:
        return Text("排放量按所填, 没有区间", "emissions as given: no event has a range")
    return Text(
        f"{total} 项活动中 {n} 项的预计排放量在其上下限之间抽取 (三角分布)",
        f"emissions of {n} of {counted(total, 'event', 'events')} drawn between their low and high (triangle)",
    )


def _conduct_said(conduct: Conduct, money: Money) -> Text:
    acts = Text("每次抽样后重新计划", "planned anew in every draw")
    if conduct != "replan":
        acts = Text(
            "守住今日方案, 落空或不足的部分另行补买", "today's plan is held to; what falls through is bought elsewhere"
        )
    kept = Text("预算只衡量, 不作限制", "budgets are measured, not kept")
    if money == "limit":
        kept = Text("不得超过预算, 不足则留缺口", "budgets are kept; coverage gives way")
    return Text(f"{acts.zh}; {kept.zh}; 数量可任意拆分", f"{acts.en}; {kept.en}; quantities are divisible")


def tail_weight_text(basis: Basis) -> str:
    """The weight of CVaR as a decimal."""
    return rate(basis.tail_weight_e4)
