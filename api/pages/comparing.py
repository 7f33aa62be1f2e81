"""Ways to procure, side by side; sliders for the budget and for the balance between cost and order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from api.pages.plan_facts import BAR_WIDTH, Segment, bar_of, budget_of, segments
from api.pages.plan_making import TOO_LONG, WAITING_HELPS, answer_of, asked_of, in_background, plan_kept
from api.pages.plan_words import PlanWords
from api.pages.question_form import asked_values, choices, question_of_form
from api.pages.rendering import query
from api.pages.sides import (
    ASKED_AS,
    SIDES_MAX,
    USUAL,
    WAYS,
    SidesPaperTask,
    SidesTask,
    scenarios_document,
    sides_of,
    sides_paper,
)
from api.pages.typed_forms import typed
from api.pages.viewing import View, viewing
from api.refusals import Refused
from api.reports.papers import ComparisonPaper
from api.routes.job_bodies import CompareBody
from api.routes.plan_questions import Asked
from api.settings import today
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.plan import Plan, TierResult
from optimizer.rule_pack import read_rule_pack, shipped_rule_packs
from optimizer.wording import Language, Text
from scenarios.compare import KIND_NAMES

router = APIRouter(include_in_schema=False)
CHANGES_SHOWN = 8
"""Lines told of each way, those that cost most or save most."""
EPSILON_MAX = 30
"""Per cent of the slider."""
STEPS = 1000
"""Of the budget's slider."""
BUDGET_ROOM = Decimal("1.25")
"""How far the budget's slider goes beyond what full coverage costs."""
ROUND_STEPS = (1, 2, 5)
WHAT_MATTERS = ("event_id", "snapshot", "as_of", "policy")
NO_LIMIT = "1000000000000"
"""A budget that limits nothing: the most that a budget may be."""
PAPERS = (
    ("docx", Text("比选报告 DOCX", "Report, DOCX")),
    ("pdf", Text("比选报告 PDF", "Report, PDF")),
    ("xlsx", Text("工作簿 XLSX", "Workbook, XLSX")),
    ("html", Text("比选报告 HTML (含图)", "Report, HTML with pictures")),
    ("csv", Text("各做法的数据 CSV", "Figures, CSV")),
)
"""Kinds of files, by what they are called."""
PAPERS_OF_JOB = ("html", "docx", "pdf", "xlsx")


@router.get("/compare")
async def compare(view: View = viewing("plans.make")) -> Response:
    """Which event on which market; then the sliders, and the ways side by side, each as soon as it is worked out."""
    given = dict(view.request.query_params)
    known = await run_in_threadpool(view.read, lambda scope: choices(scope, view.lang, given))
    asked = asked_values(given, known)
    return view.page(
        "comparing/compare.html",
        known=known,
        asked=asked,
        ways=list(WAYS.values()),
        chosen=_chosen(view),
        most=SIDES_MAX,
        begun=known.is_ready and bool(given.get("event_id") and given.get("snapshot")),
        sliders_at=query("/compare/sliders", {**_matters(asked), **_slid(given), "way": _named(view)}),
        sides_at=query("/compare/ways", {**_matters(asked), "way": _chosen(view)}),
    )


def _chosen(view: View) -> list[str]:
    return _named(view) or [
        w for w in USUAL if view.request.query_params.get("policy") != "mee-2019" or w != "national-guide"
    ]


def _named(view: View) -> list[str]:
    """The ways that the address names, so that links keep them."""
    return [w for w in view.request.query_params.getlist("way") if w in WAYS]


def _matters(values: Mapping[str, str]) -> dict[str, str]:
    return {k: values[k] for k in WHAT_MATTERS if values.get(k)}


# ------------------------------------------------------------------------------------------------------------- sliders


@dataclass(frozen=True)
class Tried:
    """A plan of the sliders: its figures and its bar, or why there is none."""

    plan: Plan | None
    bar: Sequence[Segment]
    faults: Sequence[Finding] = ()


@router.get("/compare/sliders")
async def sliders(view: View = viewing("plans.make")) -> Response:
    """The sliders with the plan as the event says, and the plan where they stand."""
    given = dict(view.request.query_params)
    matters, slid = _matters(given), _slid(given)
    base = await _tried(view, matters)
    free = await _tried(view, {**matters, "budget": NO_LIMIT}, divisible=True) if base.plan is not None else base
    here = await _tried(view, {**matters, **_slid_question(slid)}) if slid and base.plan is not None else base
    step, most = _scale(free.plan)
    return view.page(
        "comparing/sliders.html",
        matters=matters,
        slid=slid,
        base=base,
        tried=here,
        step=step,
        most=most,
        epsilon_max=EPSILON_MAX,
        bar_width=BAR_WIDTH,
        start=_start(base.plan, slid, most),
        was=_was(base.plan),
        change=_change(here.plan, _was(base.plan)) if slid else None,
        exact_at="",
        state=query_of(matters, slid, _named(view)),
        named=_named(view),
    )


@router.get("/compare/live")
async def live(view: View = viewing("plans.make")) -> Response:
    """The plan where the sliders stand, not kept: at once as if lots could be split, then with whole lots."""
    given = dict(view.request.query_params)
    matters, slid = _matters(given), _slid(given)
    rough = given.get("exact") is None
    here = await _tried(view, {**matters, **_slid_question(slid)}, divisible=rough)
    was = given.get("was", "")
    exact_at = query("/compare/live", {**matters, **slid, "way": _named(view), "was": was, "exact": "1"})
    answer = view.page(
        "comparing/live.html",
        matters=matters,
        slid=slid,
        tried=here,
        bar_width=BAR_WIDTH,
        change=_change(here.plan, was),
        exact_at=exact_at if rough else "",
    )
    answer.headers["HX-Replace-Url"] = query_of(matters, slid, _named(view))
    return answer


@router.post("/compare/keep")
async def keep(view: View = viewing("plans.make")) -> Response:
    """Keeps the plan where the sliders stand, with its reasons, and leads to it."""
    given = {k: v for k, v in (await view.request.form()).items() if isinstance(v, str)}
    question = question_of_form({**_matters(given), **_slid_question(_slid(given))})
    return view.go(f"/plans/{await plan_kept(view, question)}", note="saved")


def query_of(matters: Mapping[str, str], slid: Mapping[str, str], named: Sequence[str]) -> str:
    """The page's address in this state of the sliders."""
    return query("/compare", {**matters, **slid, "way": list(named)})


def _slid(given: Mapping[str, str]) -> dict[str, str]:
    """Where the sliders stand; one whose box is not ticked says nothing."""
    pairs = (("limit_budget", "budget"), ("balance", "epsilon"))
    found: dict[str, str] = {}
    for box, name in pairs:
        if given.get(box) and given.get(name, "").strip():
            found |= {box: "on", name: given[name].strip()[:20]}
    return found


def _slid_question(slid: Mapping[str, str]) -> dict[str, str]:
    asked = {k: slid[k] for k in ("budget", "epsilon") if k in slid}
    return {**asked, **({"objective": "balanced"} if "epsilon" in asked else {})}


async def _tried(view: View, given: Mapping[str, str], *, divisible: bool = False) -> Tried:
    question = {**question_of_form(given), "explain": "none"}
    try:
        asked = await run_in_threadpool(asked_of, view, question)
        made = (await answer_of(view, _in_any_amount(asked) if divisible else asked)).made
    except BadInput as error:
        return Tried(None, (), error.findings)
    except Refused as refusal:
        return Tried(None, (), _told(refusal))
    plan = await run_in_threadpool(Plan.model_validate_json, made.content)
    return Tried(plan, bar_of(plan, PlanWords(plan, view.lang)))


def _in_any_amount(asked: Asked) -> Asked:
    """The question as if lots could be split: a few times as quick, for what is shown while a slider moves."""
    assert asked.task is not None
    event = asked.task.event
    settings = {**(event.get("settings") or {}), "whole_lots": False}
    return replace(asked, task=replace(asked.task, event={**event, "settings": settings}))


def _told(refusal: Refused) -> Sequence[Finding]:
    """A refusal in words, where waiting or asking for less helps. Raises it otherwise."""
    if refusal.code not in WAITING_HELPS:
        raise refusal
    title = refusal.kind.title
    return refusal.findings or (fault(refusal.code, title.zh, title.en),)


def _scale(free: Plan | None) -> tuple[int, int]:
    """Step and end of the budget's slider, yuan: some way beyond what full coverage costs, in round steps."""
    cost = Decimal(free.totals.cost) if free is not None else Decimal(0)
    wanted = max(cost * BUDGET_ROOM / STEPS, Decimal(1))
    power = 10 ** (len(str(int(wanted))) - 1)
    step = next((n * power for n in ROUND_STEPS if n * power >= wanted), 10 * power)
    return step, max(step, int(-(-(cost * BUDGET_ROOM) // step)) * step)


def _start(base: Plan | None, slid: Mapping[str, str], most: int) -> dict[str, str]:
    """Where the sliders stand at first: at the event's own budget, and at 5 %."""
    own = None if base is None else budget_of(base)
    return {"budget": slid.get("budget") or own or str(most), "epsilon": slid.get("epsilon") or "5"}


def _was(base: Plan | None) -> str:
    return "" if base is None else f"{base.totals.cost}|{base.totals.covered_t}"


def _change(plan: Plan | None, was: str) -> tuple[str, str] | None:
    """Cost and coverage less those of the plan as the event says; None where the address does not tell them."""
    cost, bar, covered = was.partition("|")
    if plan is None or not bar:
        return None
    try:
        return (
            f"{Decimal(plan.totals.cost) - Decimal(cost):+.2f}",
            f"{Decimal(plan.totals.covered_t) - Decimal(covered):+f}",
        )
    except InvalidOperation:
        return None


# -------------------------------------------------------------------------------------------------------- side by side


@router.get("/compare/ways")
async def ways(view: View = viewing("plans.make")) -> Response:
    """The base beside the ways that were chosen: figures, tiers, and which lines differ and why."""
    matters, chosen = _matters(dict(view.request.query_params)), _chosen(view)[:SIDES_MAX]
    try:
        table = await view.request.app.state.planners.run(sides_of, await _beside(view))
    except BadInput as error:
        return view.page("comparing/ways.html", sides=(), faults=error.findings)
    except Refused as refusal:
        late = {"matters": matters, "chosen": chosen} if refusal.code == TOO_LONG else None
        return view.page("comparing/ways.html", sides=(), faults=_told(refusal), late=late)
    entries = [table["base"], *table["scenarios"]]
    return view.page(
        "comparing/ways.html",
        sides=[_side(entry, matters, view.lang) for entry in entries],
        bar_width=BAR_WIDTH,
        changes_shown=CHANGES_SHOWN,
        papers=[(query("/compare/paper", {**matters, "way": chosen, "kind": k}), name) for k, name in PAPERS],
    )


@router.post("/compare/background")
async def compare_in_background(view: View = viewing("jobs.run")) -> Response:
    """Leaves the comparison and its papers to a worker: for a market that takes longer than a page waits."""
    form = await typed(view)
    question = question_of_form(_matters({name: form.text(name) for name in WHAT_MATTERS}))
    chosen = [way for way in form.every("way") if way in WAYS][:SIDES_MAX]
    asked = {"kind": "compare", "papers": PAPERS_OF_JOB, "scenarios": scenarios_document(chosen), **question}
    try:
        return view.go(f"/jobs/{await in_background(view, CompareBody, asked)}")
    except BadInput as error:
        return view.page("comparing/ways.html", 422, sides=(), faults=error.findings)


@router.get("/compare/paper")
async def paper(view: View = viewing("plans.make"), kind: ComparisonPaper = "pdf") -> Response:
    """What stands side by side, as `jinheng compare -o` writes it; a page where it cannot be planned."""
    try:
        task = SidesPaperTask(await _beside(view), kind, today())
        file = await view.request.app.state.planners.run(sides_paper, task)
    except BadInput as error:
        return view.page("comparing/ways.html", sides=(), faults=error.findings)
    except Refused as refusal:
        return view.page("comparing/ways.html", sides=(), faults=_told(refusal))
    kept = {"Content-Disposition": file.disposition, "X-Content-Type-Options": "nosniff"}
    return Response(file.content, media_type=file.media_type, headers={"Cache-Control": "private, no-store", **kept})


async def _beside(view: View) -> SidesTask:
    """What the address asks for, with what it names looked up. Raises BadInput."""
    question = question_of_form(_matters(dict(view.request.query_params)))
    asked = await run_in_threadpool(asked_of, view, question)
    assert asked.task is not None
    return SidesTask(asked.task, tuple(_chosen(view)[:SIDES_MAX]), asked.seconds_max)


def _side(entry: Mapping[str, Any], matters: Mapping[str, str], lang: Language) -> dict[str, Any]:
    """A column: its figures, its bar, the lines that differ most, and how to keep its plan."""
    name = str(entry["name"])
    asked = ASKED_AS.get(name)
    failed = entry["status"] == "failed"
    tiers = [] if failed else [TierResult.model_validate(t) for t in entry["tiers"]]
    short = "0" if failed else entry["totals"]["shortfall_t"]
    changes = entry.get("changed_lines") or []
    largest = sorted(changes, key=lambda c: (-abs(Decimal(c["cost"]["difference"])), c["event_id"], c["offer_id"]))
    shows = WAYS[name].shows if name in WAYS else None
    return {
        **entry,
        "failed": failed,
        "shows": "" if shows is None else shows.say(lang),
        "rule_pack": _pack_title(name, lang),
        "bar": segments([(t, t.name, t.note or "") for t in tiers], short, "缺口" if lang == "zh" else "shortfall"),
        "largest": [{**c, "kind": KIND_NAMES[c["kind"]].say(lang)} for c in largest[:CHANGES_SHOWN]],
        "differ": len(changes),
        "keep": None if asked is None or failed else {**matters, **asked},
    }


def _pack_title(name: str, lang: Language) -> str:
    pack = ASKED_AS.get(name, {}).get("policy", "")
    return read_rule_pack(pack).title.say(lang) if pack in shipped_rule_packs() else ""
