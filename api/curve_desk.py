"""Exact curves: files and options in, the frontier or a curve out, with what was asked for beside it.

Writes only what `out` asks for. The words and tables of the answers are in `reports/curves`.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from api.curve_answers import BudgetAnswer, FrontierAnswer, replaced_budgets
from api.documents import Gathered
from api.event_files import whole_number
from api.problem_request import ProblemRequest
from api.whole_files import out_path, write_whole
from optimizer import BadInput, Problem
from optimizer.exact_program import refuse_slack
from optimizer.findings import fault
from optimizer.quantities import E4, FEN_PER_YUAN, NotANumber, e4_of
from optimizer.wording import INSTRUMENT_NAMES, Language
from scenarios.alternatives import HOW_MANY_MAX, alternatives
from scenarios.break_even import BreakEven, break_even, break_even_instrument
from scenarios.breakpoints import between
from scenarios.curves import NEED_MAX_E4, Curve, budget_curve, emissions_curve, margin_curve
from scenarios.frontier import frontier

KINDS = (".json", ".xlsx", ".csv", ".html", ".svg", ".png")
"""What a curve can be written as."""
WITHIN_E4 = 500
"""How much dearer an alternative may be when nobody says: 5 %, the slack of `balanced`."""
RANGES_E4 = {"emissions": (5_000, 20_000), "margin": (0, 2_000)}
"""Ranges when nobody says: half to twice the need; no margin to 20 %."""

type Report = Callable[[str, int, int], None]
type Against = Literal["money", "emissions", "margin"]


@dataclass(frozen=True)
class FrontierRequest(ProblemRequest):
    """What a caller asks of a frontier, as written; `objective` is what alternatives hold before the cost."""

    alternatives: str | None = None
    """How many near-optimal portfolios to look for."""
    within: str | None = None
    out: str | None = None


@dataclass(frozen=True)
class BudgetRequest(ProblemRequest):
    """What a caller asks of a curve, as written."""

    against: str | None = None
    low: str | None = None
    high: str | None = None
    break_even: tuple[str, ...] = ()
    """Offers and instruments whose break-even prices are wanted."""
    out: str | None = None


# -------------------------------------------------------------------------------------------------------- the frontier


def draw_frontier(
    request: FrontierRequest,
    lang: Language,
    *,
    report: Report | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> FrontierAnswer:
    """The exact frontier of an event or a calendar; written to `out` when that is asked for.

    Args:
        request: files and options.
        lang: the language of sentences.
        report: called as each part starts.
        cancelled: asked now and then; True stops the work.

    Raises:
        BadInput: every fault of every file and option at once.
        Cancelled: asked to stop.
    """
    gathered = Gathered()
    out = gathered.attempt(lambda: None if request.out is None else out_path(request.out, KINDS))
    how_many = gathered.attempt(lambda: _how_many(request.alternatives))
    within = gathered.attempt(lambda: _within(request))
    gathered.attempt(lambda: _refuse_objective(request))
    problem = gathered.attempt(lambda: _problem(request))
    gathered.stop_if_faulty()
    assert how_many is not None and within is not None and problem is not None
    drawn = frontier(problem, cancelled=cancelled, report=report)
    others = None
    if how_many:
        if report is not None:
            report("alternatives", 0, 1)
        others = alternatives(problem, within, how_many, cancelled=cancelled)
    answer = FrontierAnswer(problem, drawn, others)
    if out is not None:
        from api.reports import curve_files

        write_whole(out, _content(out.suffix, answer.as_dict(lang), answer, curve_files.FRONTIER_WRITERS, lang))
    return answer


def _how_many(text: str | None) -> int:
    """How many alternatives; 0 when none are asked for."""
    return 0 if text is None else whole_number(text, "--alternatives", 1, HOW_MANY_MAX)


def _within(request: FrontierRequest) -> int:
    if request.within is None:
        return WITHIN_E4
    found = []
    if request.alternatives is None:
        zh, en = "只与 --alternatives 同用", "goes only with --alternatives"
        found.append(fault("within_alone", zh, en, path="--within", value=request.within))
    share = _e4(request.within, E4)
    if share is None:
        zh, en = "应为 0 到 1 之间的比例, 至多四位小数, 例如 0.05", "should be a share from 0 to 1, such as 0.05"
        found.append(fault("within", zh, en, path="--within", value=request.within))
    if found:
        raise BadInput(found)
    assert share is not None
    return share


def _e4(text: str, most: int) -> int | None:
    """Ten-thousandths from 0 to the most that there may be; None for anything else."""
    try:
        value = e4_of(text)
    except (NotANumber, ValueError):
        return None
    return value if 0 <= value <= most else None


def _refuse_objective(request: FrontierRequest) -> None:
    if request.objective is None or request.alternatives is not None:
        return
    zh = "边界总是从 cost-first 到 priority-first, 不取目标; --objective 只与 --alternatives 同用"
    en = "a frontier always runs from cost-first to priority-first; --objective goes only with --alternatives"
    raise BadInput([fault("frontier_objective", zh, en, path="--objective", value=request.objective)])


def _problem(request: FrontierRequest) -> Problem:
    problem = request.problem()
    if request.alternatives is not None and all(spec.level != "cost" for spec in problem.levels()):
        zh, en = "其他方案需要目标中有 cost 层", "alternatives need an objective with the level cost"
        raise BadInput([fault("no_cost", zh, en, path="objective")])
    return problem


# ---------------------------------------------------------------------------------------------------------- the curves


def draw_budget(
    request: BudgetRequest,
    lang: Language,
    *,
    report: Report | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> BudgetAnswer:
    """The exact curve against money, emissions or margin, and break-evens; written to `out` when that is asked for.

    Args, Raises: as `draw_frontier`.
    """
    gathered = Gathered()
    out = gathered.attempt(lambda: None if request.out is None else out_path(request.out, KINDS))
    against = gathered.attempt(lambda: _against(request.against))
    ends = gathered.attempt(lambda: _range(request))
    problem = gathered.attempt(request.problem)
    if problem is not None:
        gathered.attempt(lambda: refuse_slack(problem))
        gathered.attempt(lambda: _refuse_unknown(problem, request.break_even))
    gathered.stop_if_faulty()
    assert against is not None and ends is not None and problem is not None
    names = list(dict.fromkeys(request.break_even))
    if report is not None:
        report(against, 0, 1 + len(names))
    curve = _curve(problem, against, ends, cancelled)
    found = []
    for k, name in enumerate(names):
        if report is not None:
            report(name, k + 1, 1 + len(names))
        found.append(_broken_even(problem, name, cancelled))
    answer = BudgetAnswer(problem, curve, tuple(found))
    if out is not None:
        from api.reports import curve_files

        write_whole(out, _content(out.suffix, answer.as_dict(lang), answer, curve_files.BUDGET_WRITERS, lang))
    return answer


def _against(text: str | None) -> Against:
    if text is None or text == "money":
        return "money"
    if text == "emissions" or text == "margin":
        return text  # type: ignore[return-value]  # compared with both just now
    zh, en = "应为 money、emissions 或 margin", "should be money, emissions or margin"
    raise BadInput([fault("against", zh, en, path="--against", value=text)])


def _range(request: BudgetRequest) -> tuple[int, int]:
    """The ends of the range, ten-thousandths. Raises BadInput with every fault of both."""
    low, high = RANGES_E4.get(request.against or "money", (0, 0))
    found, most = [], NEED_MAX_E4 // E4
    for option, text in (("--low", request.low), ("--high", request.high)):
        if text is None:
            continue
        value = _e4(text, NEED_MAX_E4)
        if request.against in (None, "money"):
            zh, en = "只与 --against emissions 或 margin 同用", "goes only with --against emissions or margin"
            found.append(fault("range_alone", zh, en, path=option, value=text))
        if value is None:
            zh, en = (
                f"应为 0 到 {most} 之间的数, 至多四位小数",
                f"should be a number from 0 to {most}, 4 decimals at most",
            )
            found.append(fault("range", zh, en, path=option, value=text))
        elif option == "--low":
            low = value
        else:
            high = value
    if not found and request.against in RANGES_E4 and low >= high:
        zh, en = "区间应由小到大", "the lower end should be below the upper one"
        found.append(fault("curve_range", zh, en, path="--low", value=f"{_text(low)}..{_text(high)}"))
    if found:
        raise BadInput(found)
    return low, high


def _text(e4: int) -> str:
    return f"{Decimal(e4).scaleb(-4).normalize():f}"


def _refuse_unknown(problem: Problem, names: Sequence[str]) -> None:
    known, market = set(problem.offers.offer_id.tolist()), set(problem.offers.instrument.names)
    zh = "行情中没有这个报价, 也没有这个工具; 应为报价编号或 " + "、".join(INSTRUMENT_NAMES) + " 之一"
    en = "the market has no such offer or instrument; should be an offer's id or one of " + ", ".join(INSTRUMENT_NAMES)
    found = [
        fault("break_even_unknown", zh, en, path="--break-even", value=name)
        for name in dict.fromkeys(names)
        if name not in known and name not in market
    ]
    if found:
        raise BadInput(found)


def _curve(problem: Problem, against: Against, ends: tuple[int, int], cancelled: Callable[[], bool] | None) -> Curve:
    if against == "emissions":
        return emissions_curve(problem, *ends, cancelled=cancelled)
    if against == "margin":
        return margin_curve(problem, *ends, cancelled=cancelled)
    totals = [b.total_fen for b in replaced_budgets(problem) if b.total_fen is not None]
    curve = budget_curve(problem, cancelled=cancelled)
    if not totals:
        return curve
    # all that a curve's budget replaces holds at once: the least of the totals
    own = between(curve.points, Fraction(min(totals), FEN_PER_YUAN))
    return Curve("money", curve.points, (own,))


def _broken_even(problem: Problem, name: str, cancelled: Callable[[], bool] | None) -> BreakEven:
    if name in problem.offers.offer_id:
        return break_even(problem, name, cancelled=cancelled)
    return break_even_instrument(problem, name, cancelled=cancelled)


# ------------------------------------------------------------------------------------------------------------- writing


def _content(
    ending: str,
    document: dict[str, Any],
    answer: Any,
    writers: dict[str, Callable[[Any, Language], bytes]],
    lang: Language,
) -> bytes:
    """An answer as the kind of file that its name says."""
    kind = ending.casefold()
    if kind == ".json":
        return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()
    return writers[kind](answer, lang)
