"""A plan from a JSON question: what a program asks over HTTP, answered in this process or in another.

A task carries everything as plain values, so that it can be sent to another process and made again years later.
"""

import functools
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from pydantic import TypeAdapter, ValidationError

from api.documents import Gathered, Replacing, posed
from api.event_files import calendar_of, objective_of, read_budget, read_epsilon
from api.plain_data import PlainData, plain_json
from api.stored_markets import SHOWN_ID, opened_store
from market_data import OffersFile
from market_data.offers_file import offers_of_rows
from market_data.store_tables import findings_of
from optimizer import BadInput, Plan, Problem, plan
from optimizer.chain import Report
from optimizer.engine import Explain
from optimizer.errors import Cancelled
from optimizer.events import Calendar, ObjectiveField
from optimizer.findings import Finding, fault, faults_of
from optimizer.nouns import Day
from optimizer.offers import Offers
from optimizer.plan import canonical
from optimizer.problem import Outlook
from optimizer.quantities import fen_of, kg_of
from optimizer.rule_pack import RulePack, read_rule_pack, shipped_rule_packs
from optimizer.wording import Language

MARKETS_KEPT = 4
"""Snapshots that a process keeps read: a calendar's season has one or two."""


@dataclass(frozen=True)
class PlanTask:
    """A question with everything that its answer needs, as plain values."""

    event: Any
    """As in an event file: one event, or `events:`."""
    as_of: date
    offers: Any = None
    """A list of offers; or None, and the market is a snapshot."""
    snapshot_id: str | None = None
    doubts: str = "[]"
    """What the asker's own import of the snapshot found odd, as the store writes it."""
    policy: str | None = None
    pack: Any = None
    """The organisation's own rule pack as plain values; None: a shipped one."""
    objective: Any = None
    epsilon: Any = None
    outlook: Any = None
    budget: Any = None
    explain: Explain = "short"
    time_limit: float | None = None
    lang: Language = "zh"
    url: str = ""
    """The database in which the snapshot is."""
    seconds_max: float | None = None
    """From when the work begins; longer is refused."""


@dataclass(frozen=True)
class PlanMade:
    """A plan as bytes, with what a list of plans shows of it."""

    content: bytes
    plan_id: str
    status: str
    as_of: str
    event_ids: tuple[str, ...]
    required_kg: int
    covered_kg: int
    cost_fen: int
    reproducible: bool
    engine: str


@dataclass(frozen=True)
class Unplanned:
    """Why there is no plan: faults of the input, or none of them when it took too long."""

    findings: tuple[Finding, ...]
    malformed: bool = False
    """The faults are of its syntax."""


_DAY: TypeAdapter[date] = TypeAdapter(Day)
ASKED = ("event", "offers", "policy", "objective", "epsilon", "outlook", "budget")
"""Keys of a request's body that a task takes as they are."""


def inputs_of(body: bytes, task: PlanTask) -> bytes:
    """All that a plan depends on, as JSON: the request as it came, and what it named, as that was then."""
    named = {"as_of": task.as_of.isoformat(), "lang": task.lang, "explain": task.explain, "time_limit": task.time_limit}
    named |= {
        "snapshot_id": task.snapshot_id,
        "doubts": task.doubts,
        "pack": task.pack,
        "event": task.event if b'"event_id"' in body else None,
    }
    given = {k: v for k, v in named.items() if v is not None}
    return b'{"question":%s,"named":%s}' % (body.strip(), canonical(plain_value(given)).encode())


def inputs_standing(body: bytes, lang: Language, today: date) -> bytes:
    """As `inputs_of`, of a request in which everything stands: what holds where it says nothing is all there is to add.

    So whoever has not read the request can have it ready meanwhile.
    """
    named = {"as_of": today.isoformat(), "lang": lang}
    return b'{"question":%s,"named":%s}' % (body.strip(), canonical(named).encode())


def task_of_inputs(content: bytes, url: str, seconds_max: float) -> PlanTask:
    """The task whose inputs were kept. What the question says itself goes before what was noted beside it."""
    inputs = plain_json(content)
    question = {k: v for k, v in inputs["question"].items() if v is not None}
    named = {**inputs["named"], **{k: question[k] for k in ("as_of", "explain", "time_limit") if k in question}}
    limit, day = named.pop("time_limit", None), _DAY.validate_python(named["as_of"])
    return PlanTask(
        **{**{k: v for k, v in question.items() if k in ASKED}, **named, "as_of": day},
        time_limit=None if limit is None else float(limit),
        url=url,
        seconds_max=seconds_max,
    )


def made_or_refused(task: PlanTask) -> PlanMade | Unplanned:
    """The answer to a task as values that travel between processes."""
    try:
        return made(task)
    except BadInput as error:
        return Unplanned(error.findings)
    except Cancelled:
        return Unplanned(())


def made(task: PlanTask, cancelled: Callable[[], bool] | None = None, report: Report | None = None) -> PlanMade:
    """The plan of a task; `report` is called with each level as it starts.

    Raises:
        BadInput: every fault of the question at once, placed by the keys of the body.
        Cancelled: it took too long, or was asked to stop.
    """
    ends = None if task.seconds_max is None else time.monotonic() + task.seconds_max

    def stopping() -> bool:
        return (ends is not None and time.monotonic() > ends) or (cancelled is not None and cancelled())

    found = plan(
        problem_of_task(task),
        explanations=task.explain,
        lang=task.lang,
        seconds=task.time_limit,
        cancelled=stopping,
        report=report,
    )
    return summed_up(found)


def summed_up(made: Plan) -> PlanMade:
    """A plan as bytes and its main figures."""
    return PlanMade(
        made.model_dump_json().encode(),
        made.plan_id,
        made.status,
        made.as_of.isoformat(),
        tuple(e.id for e in made.events),
        kg_of(made.totals.required_t),
        kg_of(made.totals.covered_t),
        fen_of(made.totals.cost),
        made.reproducible,
        str(made.provenance["engine"]),
    )


def problem_of_task(task: PlanTask, known_market: OffersFile | None = None) -> Problem:
    """The problem that a task poses, on its own market or on one that was read before.

    Raises:
        BadInput: every fault at once.
    """
    gathered = Gathered()
    data = PlainData(task.event, "")
    calendar = gathered.attempt(lambda: _inside("event", lambda: calendar_of(data, None)))
    market = gathered.attempt(lambda: _market(task)) if known_market is None else known_market
    outlook = None
    if task.outlook is not None:
        outlook = gathered.attempt(lambda: _read(Outlook, task.outlook, "outlook"))
    objective = None
    if task.objective is not None:
        objective = gathered.attempt(lambda: _inside("objective", lambda: _objective(task.objective)))
    epsilon = None if task.epsilon is None else gathered.attempt(lambda: _option(read_epsilon, task.epsilon))
    budget = None if task.budget is None else gathered.attempt(lambda: _option(read_budget, task.budget))
    pack = gathered.attempt(lambda: _pack(task, calendar))
    gathered.stop_if_faulty()
    assert calendar is not None and market is not None and pack is not None
    replacing = Replacing(outlook, objective, epsilon, budget)
    problem = _inside("event", lambda: posed((calendar, data), market, pack, task.as_of, replacing))
    return problem.replace(findings=tuple(as_key(f) for f in problem.findings))


def _objective(value: Any) -> ObjectiveField:
    return objective_of(list(value) if isinstance(value, tuple) else value)


def _pack(task: PlanTask, calendar: Calendar | None) -> RulePack | None:
    """The rule pack; not looked for when the event cannot be read and no pack is named."""
    name = task.policy if task.policy is not None else None if calendar is None else calendar.policy
    if task.pack is not None:
        return _read(RulePack, task.pack, "policy")
    if name is None:
        return None
    if name not in shipped_rule_packs():
        known = ", ".join(shipped_rule_packs())
        zh = f"没有这个规则包; 应为 {known} 之一, 或本单位上传的规则包"
        en = f"no such rule pack; should be one of {known}, or one that your organisation has uploaded"
        path = "policy" if task.policy is not None else "event.policy"
        raise BadInput([fault("policy_unknown", zh, en, path=path, value=name)])
    return read_rule_pack(name)


def _read[T: (Outlook, RulePack)](noun: type[T], value: Any, key: str) -> T:
    try:
        return noun.model_validate(value)
    except ValidationError as error:
        raise BadInput([_under(key, f) for f in faults_of(error, noun)]) from error


def _option(read: Callable[[object], int], value: Any) -> int:
    with placed_by_keys():
        return read(value)


def as_key(found: Finding) -> Finding:
    """A complaint about an option of the command line, placed at the key of the body."""
    return replace(found, path=found.path.removeprefix("--").replace("-", "_")) if found.path[:2] == "--" else found


@contextmanager
def placed_by_keys() -> Iterator[None]:
    """What desks complain about by the names of their options is raised by the keys of the body or the query."""
    try:
        yield
    except BadInput as error:
        raise BadInput([as_key(f) for f in error.findings]) from error


def _under(key: str, found: Finding) -> Finding:
    inner = found.path
    return replace(found, path=key + (inner if inner.startswith("[") else f".{inner}" if inner else ""))


def _inside[T](key: str, work: Callable[[], T]) -> T:
    """What `work` gives; its complaints placed under a key of the body."""
    try:
        return work()
    except BadInput as error:
        raise BadInput([f if f.path.startswith("--") else _under(key, f) for f in error.findings]) from error


# ---------------------------------------------------------------------------------------------------------- the market


def _market(task: PlanTask) -> OffersFile:
    if task.snapshot_id is not None:
        name = f"snapshot {task.snapshot_id[:SHOWN_ID]}"
        return OffersFile(_kept_offers(task.snapshot_id, task.url), findings_of(task.doubts), task.snapshot_id, name)
    return offers_of(task.offers)


def offers_of(rows: Any) -> OffersFile:
    """The offers of a JSON list. Raises BadInput, rows counted from 1."""
    if not isinstance(rows, list):
        raise BadInput([fault("list_type", "应为报价的列表", "should be a list of offers", path="offers")])
    return offers_of_rows(rows)


def plain_value(value: Any) -> Any:
    """Plain values as JSON has them: exact decimals and days become text, which every reader takes as well."""
    if isinstance(value, Mapping):
        return {str(k): plain_value(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(v) for v in value]
    return value if value is None or isinstance(value, str | bool | int) else str(value)


@functools.lru_cache(maxsize=MARKETS_KEPT)
def _kept_offers(snapshot_id: str, url: str) -> Offers:
    with opened_store(url) as store:
        return store.load(snapshot_id).offers
