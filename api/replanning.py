"""A plan file planned again on another market and day, and what changed: load, pure call, compare. Writes nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from api.documents import Gathered
from api.event_files import read_day, read_objective
from api.stored_markets import market_of
from api.use_cases import paper_path, read_plan_document, write_paper
from market_data import OffersFile
from optimizer import BadInput, Plan, check, plan
from optimizer.carried_problem import problem_of
from optimizer.chain import Report
from optimizer.engine import Explain
from optimizer.findings import Finding, fault, faults_of, warning
from optimizer.offers import Offers
from optimizer.plan import Json, seal_is_whole
from optimizer.wording import Language
from scenarios.compare import Changes, compare_plans

READABLE = 1
"""Where a check report says whether plan and problem can be read, after the seal: what fails there is no plan."""


@dataclass(frozen=True)
class Replanned:
    """A plan made again: the old document, the new plan, and the difference."""

    before: Json
    after: Plan
    changes: Changes
    findings: tuple[Finding, ...]
    """Warnings about the old plan: lines of its check that fail, a market that is not known, a day before its own."""

    def as_dict(self, lang: Language) -> Json:
        """For JSON: warnings about the old plan, what changed, and the new plan whole."""
        return {
            "warnings": [f.as_dict(lang) for f in self.findings],
            "changes": self.changes.as_dict(lang),
            "plan": self.after.document(),
        }


def replan(
    plan_path: str,
    market: OffersFile,
    *,
    as_of: date | str,
    lang: Language,
    objective: str | None = None,
    before_offers: Offers | None = None,
    explanations: Explain = "short",
    seconds: float | None = None,
    report: Report | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Replanned:
    """Plans the events of a plan file again on another market, and says line by line what changed and why.

    Events, budgets, limits, rule pack, settings, epsilon and outlook are the old plan's; so is the objective unless
    one is given.

    Args:
        plan_path: the plan file (JSON).
        market: the new offers: a file that was read, or a snapshot.
        as_of: the day of the new plan.
        lang: the language of the new plan's sentences.
        objective: a preset's name or the path of a list of levels.
        before_offers: the old market, for a plan file that holds only its hash (above 5,000 offers). Without it the
            plan is not checked beyond its seal, and old prices are those of its lines.
        explanations: "none", "short" or "all", as `optimizer.plan` takes it.
        seconds: a clock limit; none by default.
        report: called with each level as it starts.
        cancelled: asked now and then; True stops the work.

    Raises:
        BadInput: the plan file is unreadable, broken or changed since it was sealed; the old market is another; the
            day or the objective cannot be read. All at once.
        Cancelled: asked to stop.
    """
    gathered, name = Gathered(), Path(plan_path).name
    day = gathered.attempt(lambda: read_day(as_of, "--as-of"))
    goal = gathered.attempt(lambda: read_objective(objective)) if objective is not None else None
    document = gathered.attempt(lambda: read_plan_document(Path(plan_path)))
    verified = None if document is None else gathered.attempt(lambda: _verified(document, before_offers, name))
    gathered.stop_if_faulty()
    assert day is not None and document is not None and verified is not None
    old, found = verified
    problem, _ = problem_of(old, before_offers)
    found += _older_day(day, old, name)
    problem = problem.replace(offers=market.offers, as_of=day, findings=market.findings)
    if goal is not None:
        problem = problem.with_objective(goal)
    after = plan(
        problem,
        explanations=explanations,
        lang=lang,
        seconds=seconds,
        cancelled=cancelled,
        report=report,
    )
    return Replanned(document, after, compare_plans(old, after, before_offers, market.offers), tuple(found))


def _verified(document: dict[str, Any], offers: Offers | None, name: str) -> tuple[Plan, list[Finding]]:
    """The plan, with a warning for every line of its check that fails. Raises BadInput when the seal is broken."""
    if not seal_is_whole(document):
        zh, en = (
            "方案文件在写出之后被改动过 (plan_id 不符); 请用原来的文件",
            "the plan file was changed after it was written (plan_id does not fit); use the original",
        )
        raise BadInput([fault("plan_changed", zh, en, path="plan_id", value=document.get("plan_id")).at(name)])
    if document["problem"].get("offers") is None and offers is None:
        old = _opened(document, None, name)
        return old, [_MARKET_UNKNOWN.at(name)]
    report = check(document, offers)
    if not report.checked[READABLE].holds:
        _opened(document, offers, name)
        raise _unreadable(report.checked[READABLE].detail, name)
    failing = [c for c in report.checked if not c.holds]
    found = [
        warning(
            "check_fails",
            f"原方案的检查不成立: {c.what.zh}",
            f"the old plan's check fails: {c.what.en}",
            value=c.detail,
        ).at(name)
        for c in failing
    ]
    return _opened(document, offers, name), found


_MARKET_UNKNOWN = warning(
    "old_market_unknown",
    "原方案只带报价的哈希: 只核对了封印, 旧价格取自方案各行",
    "the old plan carries only the hash of its offers: only its seal was checked, and old prices are its lines'",
)


def _opened(document: dict[str, Any], offers: Offers | None, name: str) -> Plan:
    """The plan and its problem, both readable. Raises BadInput placed in the file."""
    try:
        old = Plan.model_validate(document)
        problem_of(old, offers)
    except ValidationError as error:
        raise BadInput([f.at(name) for f in faults_of(error, Plan)]) from error
    except BadInput as error:
        raise BadInput([f.at(name) for f in error.findings]) from error
    return old


def _unreadable(detail: str, name: str) -> BadInput:
    zh, en = "方案与其中的问题不能对上", "the plan and the problem in it do not fit together"
    return BadInput([fault("plan_unreadable", zh, en, value=detail).at(name)])


def _older_day(day: date, old: Plan, name: str) -> list[Finding]:
    if day >= old.as_of:
        return []
    zh, en = (
        f"计划日期早于原方案的日期 {old.as_of}",
        f"the day of planning is before that of the old plan, {old.as_of}",
    )
    return [warning("earlier_day", zh, en, path="--as-of", value=day).at(name)]


@dataclass(frozen=True)
class ReplanRequest:
    """What a caller asks to be planned again, as written: nothing is read or tested yet."""

    plan: str
    offers: str
    as_of: date | str
    url: str
    before: str | None = None
    """The old market, for a plan that holds only its hash; by default it is looked for among the snapshots."""
    objective: str | None = None
    out: str | None = None


def make_replan(
    request: ReplanRequest, lang: Language, report: Report | None, cancelled: Callable[[], bool] | None
) -> Replanned:
    """The plan made again; written to `out` when that is asked for. Raises BadInput with all faults at once."""
    gathered = Gathered()
    out = gathered.attempt(lambda: paper_path(request.out))
    market = gathered.attempt(lambda: market_of(request.offers, request.url))
    before = gathered.attempt(lambda: _old_market(request))
    gathered.stop_if_faulty()
    assert market is not None
    made = replan(
        request.plan,
        market,
        as_of=request.as_of,
        lang=lang,
        objective=request.objective,
        before_offers=before,
        report=report,
        cancelled=cancelled,
    )
    if out is not None:
        write_paper(made.after, out, lang)
    return made


def _old_market(request: ReplanRequest) -> Offers | None:
    """The old market where it was named, or where the plan names a snapshot that is kept here; else None."""
    if request.before is not None:
        return market_of(request.before, request.url).offers
    try:
        part = read_plan_document(Path(request.plan))["problem"]
    except BadInput:
        return None  # said where the plan itself is read
    if part.get("offers") is not None:
        return None
    try:
        return market_of(f"snapshot:{part.get('offers_sha256')}", request.url).offers
    except BadInput:
        return None  # the plan is then compared by its own lines, and says so
