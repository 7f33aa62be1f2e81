"""The answer to a job: the desks of the command line, asked with a problem that came as values instead of files.

Nothing is computed here that a command would not compute; what a command prints as JSON is the job's result.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from api.access.scope import Scope
from api.access.secrets import new_id
from api.archive import runs
from api.archive.documents import Packed, packed
from api.curve_answers import BudgetAnswer, FrontierAnswer
from api.curve_desk import BudgetRequest, FrontierRequest, draw_budget, draw_frontier
from api.jobs.attempts import Advanced, Finished
from api.jobs.requests import JobRequest
from api.ledger import quotes
from api.ledger.holds import Client
from api.ledger.inventory import available
from api.ledger.quoting import QuoteTask, quote_batch
from api.plain_data import PlainData
from api.planning import PlanMade, PlanTask, made, placed_by_keys, plain_value, problem_of_task
from api.replanning import Replanned, ReplanRequest, make_replan
from api.reports.budgets import calendar_document, calendar_file
from api.reports.curve_files import BUDGET_WRITERS, FRONTIER_WRITERS
from api.reports.curves import step_words
from api.reports.risk_files import draws_document, draws_file, risk_document, risk_file
from api.reports.words import level_name
from api.risk_desk import calendar_of, risk_of, sweep_of
from api.risk_terms import DrawsRequest
from api.saved_draws import KeptDraws
from api.scenario_desk import CompareRequest, compare_scenarios, write_table
from api.scenario_files import NamedScenarios, scenarios_of
from api.use_cases import write_paper
from optimizer import BadInput, Plan, Problem
from optimizer.findings import fault
from optimizer.rule_pack import RulePack, read_rule_pack, shipped_rule_packs
from optimizer.wording import Language, Text
from scenarios.runner import Advance

DRAWS = Text("抽样", "draws")
SCENARIOS = Text("情景", "scenarios")
QUOTES = Text("报价单", "quotes")


@dataclass(frozen=True)
class Desk:
    """What a desk has besides the request."""

    request: JobRequest
    folder: Path
    """Private to the job; gone after it."""
    url: str
    processes: int
    kept: KeptDraws
    tell: Callable[[Advanced], None]
    stopping: Callable[[], bool]
    reading: Callable[[], AbstractContextManager[Scope]]
    """What the organisation keeps."""

    @property
    def lang(self) -> Language:
        """The language of the answer."""
        return self.request.lang

    def options(self, *names: str) -> dict[str, Any]:
        """The options that were given, of these names, as the command line would write them."""
        given = {name: self.request.options.get(name) for name in names}
        return {k: v if isinstance(v, bool) else str(v) for k, v in given.items() if v is not None}

    def counting(self, what: Text) -> Callable[[Advance], None]:
        """Tells how far a run of many tasks is."""
        said = what.say(self.lang)
        return lambda a: self.tell(Advanced(a.done, a.total, said, a.seconds_left))

    def stepping(self, words: Callable[[str, Language], str]) -> Callable[[str, int, int], None]:
        """Tells which step of a few is worked on."""
        return lambda name, k, n: self.tell(Advanced(k, n, words(name, self.lang)))


def answer(desk: Desk) -> Finished:
    """The answer to a job.

    Raises:
        BadInput: every fault of the request at once, placed by the keys of the body.
        Cancelled: asked to stop.
        EngineFault: our fault.
    """
    with placed_by_keys():
        return ANSWERS[desk.request.kind](desk)


# ------------------------------------------------------------------------------- the problem as values, not as files


@dataclass(frozen=True)
class _PosedCompare(CompareRequest):
    task: PlanTask = field(kw_only=True)
    desk: Desk = field(kw_only=True)

    def problem(self) -> Problem:
        return problem_of_task(self.task)

    def named(self) -> NamedScenarios:
        found = self.desk.request.options
        return scenarios_of(PlainData(found["scenarios"], "scenarios"), pack_reader(found["packs"]))


@dataclass(frozen=True)
class _PosedFrontier(FrontierRequest):
    task: PlanTask = field(kw_only=True)

    def problem(self) -> Problem:
        return problem_of_task(self.task)


@dataclass(frozen=True)
class _PosedBudget(BudgetRequest):
    task: PlanTask = field(kw_only=True)

    def problem(self) -> Problem:
        return problem_of_task(self.task)


@dataclass(frozen=True)
class _PosedDraws(DrawsRequest):
    task: PlanTask = field(kw_only=True)

    def problem(self) -> Problem:
        return problem_of_task(self.task)


def pack_reader(own: Mapping[str, Any]) -> Callable[[str], RulePack]:
    """Rule packs by name: those that ship, and the organisation's own as plain values; no files.

    What it gives raises BadInput for a name that is neither.
    """

    def read(name: str) -> RulePack:
        if name in own:
            return RulePack.model_validate(own[name])
        if name in shipped_rule_packs():
            return read_rule_pack(name)
        known = ", ".join((*shipped_rule_packs(), *own))
        zh, en = f"没有这个规则包; 应为 {known} 之一", f"no such rule pack; should be one of {known}"
        raise BadInput([fault("policy_unknown", zh, en, path="policy", value=name)])

    return read


def _posed(desk: Desk) -> dict[str, Any]:
    """The fields of every request about a problem. The texts stand for what the task holds; nobody reads them."""
    task = _task(desk)
    objective = None if task.objective is None else "objective"
    return {
        **{"event": "event", "offers": "offers", "as_of": task.as_of.isoformat(), "objective": objective},
        **{"url": desk.url, "task": task},
    }


def _task(desk: Desk) -> PlanTask:
    assert desk.request.task is not None  # every kind but replan has one
    return desk.request.task


# ----------------------------------------------------------------------------------------------------------- the kinds


def _plan(desk: Desk) -> Finished:
    found = made(_task(desk), desk.stopping, desk.stepping(level_name))
    papers = _written(desk, lambda path: write_paper(Plan.model_validate_json(found.content), path, desk.lang))
    inputs = desk.request.inputs
    assert inputs is not None  # a plan is always posed
    ready = packed(inputs), packed(found.content)
    return Finished(found.content, papers, lambda scope: _kept_run(scope, found, *ready))


def _kept_run(scope: Scope, found: PlanMade, inputs: Packed, document: Packed) -> None:
    runs.keep_run(scope, inputs, found, document)


def _compare(desk: Desk) -> Finished:
    given = {**desk.options("days"), "workers": str(desk.processes)}
    request = _PosedCompare(**_posed(desk), **given, scenarios="", desk=desk)
    table = compare_scenarios(
        request,
        desk.lang,
        report_base=desk.stepping(level_name),
        report=desk.counting(SCENARIOS),
        cancelled=desk.stopping,
    )
    return Finished(_json(table.as_dict(desk.lang)), _written(desk, lambda path: write_table(table, path, desk.lang)))


def _frontier(desk: Desk) -> Finished:
    request = _PosedFrontier(**_posed(desk), **desk.options("alternatives", "within"))
    found = draw_frontier(request, desk.lang, report=desk.stepping(step_words), cancelled=desk.stopping)
    return Finished(_json(found.as_dict(desk.lang)), _papers(desk, found, FRONTIER_WRITERS))


def _budget(desk: Desk) -> Finished:
    wanted = tuple(str(name) for name in desk.request.options.get("break_even") or ())
    request = _PosedBudget(**_posed(desk), **desk.options("against", "low", "high"), break_even=wanted)
    found = draw_budget(request, desk.lang, report=desk.stepping(step_words), cancelled=desk.stopping)
    return Finished(_json(found.as_dict(desk.lang)), _papers(desk, found, BUDGET_WRITERS))


DRAWN = tuple(
    f.name for f in fields(DrawsRequest) if f.name in DrawsRequest.__annotations__ and f.name not in ("resume", "out")
)
"""Options of everything that draws."""


def _draws(desk: Desk) -> tuple[DrawsRequest, dict[str, Any]]:
    """The request of a desk that draws, and how it is done: told about, stopped, chunks kept."""
    given = desk.options(*(name for name in DRAWN if name not in ("workers", "cluster")))
    request = _PosedDraws(**_posed(desk), **given, workers=str(desk.processes))
    return request, {"report": desk.counting(DRAWS), "cancelled": desk.stopping, "kept": desk.kept}


def _risk(desk: Desk) -> Finished:
    request, how = _draws(desk)
    found = risk_of(request, desk.lang, **how)
    papers = {k: risk_file(found, f".{k}", desk.lang) for k in desk.request.papers}
    return Finished(_json(risk_document(found, desk.lang)), papers)


def _sweep(desk: Desk) -> Finished:
    request, how = _draws(desk)
    found = sweep_of(request, desk.lang, **how)
    papers = {k: draws_file(found, f".{k}", desk.lang) for k in desk.request.papers}
    every = bool(desk.request.options.get("every_draw"))
    return Finished(_json(draws_document(found, desk.lang, every_draw=every)), papers)


def _calendar(desk: Desk) -> Finished:
    request, how = _draws(desk)
    found = calendar_of(request, desk.lang, **how)
    papers = {k: calendar_file(found, f".{k}", desk.lang) for k in desk.request.papers}
    return Finished(_json(calendar_document(found, desk.lang)), papers)


def _replan(desk: Desk) -> Finished:
    """The plan and what was asked in the folder, as the command line would find them."""
    given = desk.request.options
    plan = desk.folder / "plan.json"
    with desk.reading() as scope:
        plan.write_bytes(runs.plan_of(scope, runs.find_run(scope, given["plan"])))
    snapshot = given.get("snapshot_id")
    offers = _file(desk, "offers.json", given["offers"]) if snapshot is None else f"snapshot:{snapshot}"
    objective = given.get("objective")
    if isinstance(objective, list | tuple):
        objective = _file(desk, "objective.json", objective)
    request = ReplanRequest(str(plan), offers, given["as_of"], desk.url, objective=objective)
    found: Replanned = make_replan(request, desk.lang, desk.stepping(level_name), desk.stopping)
    papers = _written(desk, lambda path: write_paper(found.after, path, desk.lang))
    return Finished(_json(found.as_dict(desk.lang)), papers)


def _quotes(desk: Desk) -> Finished:
    """A quote for every event, from what is available when the job begins; none of it is promised twice within."""
    given = desk.request.options
    with desk.reading() as scope:
        lots, terms = tuple(available(scope)), quotes.quoting_terms(scope)
        broker = scope.actor.organisation
    margin = terms.margin if given.get("margin") is None else quotes.terms_from({"margin": given["margin"]}).margin
    task = QuoteTask(
        tuple(given["events"]),
        lots,
        margin,
        date.fromisoformat(given["as_of"]),
        given["firm"],
        policy=given.get("policy"),
        packs=given["packs"],
        objective=given.get("objective"),
        epsilon=given.get("epsilon"),
        budget=given.get("budget"),
        lang=desk.lang,
    )
    said = QUOTES.say(desk.lang)
    made_ones = quote_batch(task, desk.stopping, lambda k, n: desk.tell(Advanced(k, n, said)))
    papers = quotes.ready(task, made_ones, broker)
    clients = [Client(*client) for client in given["clients"]]
    hours = given.get("valid_hours") or terms.valid_hours

    def keep(scope: Scope) -> bytes:
        until = scope.now + timedelta(hours=hours)
        if given.get("valid_until") is not None:
            until = datetime.fromisoformat(given["valid_until"])
        batch_id = new_id()
        ids = quotes.keep_quotes(scope, papers, clients, until, batch_id)
        return _json({"batch_id": batch_id, "quotes": ids})  # prices stand where only brokers read them

    return Finished(b"", {}, keep)


def _file(desk: Desk, name: str, value: Any) -> str:
    path = desk.folder / name
    path.write_bytes(_json(plain_value(value)))
    return str(path)


ANSWERS: dict[str, Callable[[Desk], Finished]] = {
    "plan": _plan,
    "compare": _compare,
    "frontier": _frontier,
    "budget": _budget,
    "risk": _risk,
    "sweep": _sweep,
    "calendar": _calendar,
    "replan": _replan,
    "quotes": _quotes,
}
"""Kinds of jobs and who answers them: another kind of long work joins here and in `requests.PAPERS`."""


# ------------------------------------------------------------------------------------------------------------- writing


def _json(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _papers[A: (FrontierAnswer, BudgetAnswer)](
    desk: Desk, found: A, writers: Mapping[str, Callable[[A, Language], bytes]]
) -> dict[str, bytes]:
    return {k: writers[f".{k}"](found, desk.lang) for k in desk.request.papers}


def _written(desk: Desk, write: Callable[[Path], None]) -> dict[str, bytes]:
    """The papers of an answer that knows only how to be written to a file."""
    found = {}
    for kind in desk.request.papers:
        path = desk.folder / f"paper.{kind}"
        write(path)
        found[kind] = path.read_bytes()
    return found
