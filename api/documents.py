"""The Python door: an event file, an offers file and what goes with them become one problem.

This file imports nothing heavy at the top: whoever only asks for the version or for help does not wait for an engine.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from api.plain_data import PlainData
    from market_data import OffersFile
    from optimizer.events import Calendar, ObjectiveField
    from optimizer.findings import Finding
    from optimizer.problem import Outlook, Problem
    from optimizer.rule_pack import RulePack


def read_problem(
    event_path: str | Path,
    offers: "str | Path | OffersFile | Callable[[], OffersFile]",
    *,
    as_of: date | str,
    policy: str | None = None,
    objective: Any = None,
    epsilon: Any = None,
    outlook: str | Path | None = None,
    budget: Any = None,
) -> "Problem":
    """The problem that an event file (one event or a calendar) and an offers file pose on a day.

    Args:
        event_path: YAML or JSON, see the contract of event files.
        offers: CSV, XLSX, JSON or Parquet; or a market that was read already, or what reads one (a snapshot).
        as_of: the day on which the plan is made; offers are valid, stale or expired as of it.
        policy: a shipped rule pack's id or a pack's path; default: the event file's.
        objective: a preset's name or the path of a list of levels; default: the event file's.
        epsilon: slack on the least cost under `balanced`, a share; default 0.05.
        outlook: a file of forward price factors.
        budget: yuan in all; replaces an event's budget, for a calendar the shared one.

    Raises:
        BadInput: every fault of every file and option at once.
    """
    from api.event_files import read_budget, read_calendar, read_day, read_epsilon, read_objective, read_outlook

    gathered = Gathered()
    day = gathered.attempt(lambda: read_day(as_of, "--as-of"))
    events = gathered.attempt(lambda: read_calendar(Path(event_path)))
    market = gathered.attempt(lambda: _market(offers))
    forward = gathered.attempt(lambda: read_outlook(Path(outlook))) if outlook is not None else None
    order = gathered.attempt(lambda: read_objective(str(objective))) if objective is not None else None
    slack = gathered.attempt(lambda: read_epsilon(epsilon)) if epsilon is not None else None
    money = gathered.attempt(lambda: read_budget(budget)) if budget is not None else None
    pack = gathered.attempt(lambda: _policy(policy, events, Path(event_path)))
    gathered.stop_if_faulty()
    assert day is not None and events is not None and market is not None and pack is not None
    return posed(events, market, pack, day, Replacing(forward, order, slack, money))


@dataclass(frozen=True)
class Replacing:
    """What a caller puts in the place of what the event file says; None: as it says."""

    outlook: "Outlook | None" = None
    objective: "ObjectiveField | None" = None
    epsilon_e4: int | None = None
    budget_total_fen: int | None = None


def posed(
    events: "tuple[Calendar, PlainData]", market: "OffersFile", pack: "RulePack", day: date, replacing: Replacing
) -> "Problem":
    """The problem that events, a market and a rule pack pose on a day, with what is odd about it.

    Raises:
        BadInput: an objective that the rule pack cannot serve.
    """
    problem = _joined(events, market, pack, day)
    if replacing.outlook is not None:
        problem = problem.replace(outlook=replacing.outlook)
    if replacing.objective is not None:
        problem = problem.with_objective(replacing.objective)
    if replacing.epsilon_e4 is not None:
        problem = problem.replace(epsilon_e4=replacing.epsilon_e4)
    if replacing.budget_total_fen is not None:
        problem = problem.with_budget_total(replacing.budget_total_fen)
    return _looked_over(problem, events[1], replacing.epsilon_e4 is not None)


def _market(offers: "str | Path | OffersFile | Callable[[], OffersFile]") -> "OffersFile":
    from market_data import OffersFile, read_offers

    if isinstance(offers, OffersFile):
        return offers
    return read_offers(offers) if isinstance(offers, str | Path) else offers()


@dataclass
class Gathered:
    """Faults of several files and options, told together."""

    findings: "list[Finding]" = field(default_factory=list)

    def attempt[T](self, work: Callable[[], T]) -> T | None:
        """What `work` gives; None when it refuses, its complaints gathered."""
        from optimizer.errors import BadInput

        try:
            return work()
        except BadInput as error:
            self.findings += error.findings
            return None

    def stop_if_faulty(self) -> None:
        """Raises BadInput with everything that was gathered."""
        from optimizer.errors import BadInput

        if self.findings:
            raise BadInput(self.findings)


def _policy(policy: str | None, events: "tuple[Calendar, PlainData] | None", event_path: Path) -> "RulePack | None":
    """The rule pack: the option's, else the event file's; not looked for when the event file cannot be read."""
    from api.event_files import read_policy
    from optimizer.errors import BadInput

    if policy is not None:
        return read_policy(policy, Path())
    if events is None:
        return None
    calendar, data = events
    try:
        return read_policy(calendar.policy, event_path.parent)
    except BadInput as error:
        raise BadInput(data.place(error.findings)) from error


def _joined(events: "tuple[Calendar, PlainData]", market: "OffersFile", pack: "RulePack", day: date) -> "Problem":
    """One problem. The calendar names its rule pack by id, wherever it was read from: the plan carries it whole."""
    from optimizer.problem import Problem, bare_calendar

    calendar = bare_calendar(events[0]).model_copy(update={"policy": pack.id})
    return Problem(calendar, market.offers, pack, day, findings=market.findings)


def _looked_over(problem: "Problem", data: "PlainData", epsilon_given: bool) -> "Problem":
    """The problem with what is odd about it; an objective that the rule pack cannot serve is a fault."""
    from api.plausibility import doubts
    from optimizer.errors import BadInput

    try:
        problem.levels()
    except BadInput as error:
        raise BadInput(data.place(error.findings)) from error
    return problem.replace(findings=(*doubts(problem, data, epsilon_given), *problem.findings))
