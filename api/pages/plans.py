"""Plans: made, looked at from every side, shared, printed."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from api import settings
from api.access.scope import Scope
from api.archive import events, runs
from api.database import tables
from api.pages.listing import Column, listing
from api.pages.plan_facts import BAR_WIDTH, Shown, bar_of, budget_of, moments, shown_plan, title_of
from api.pages.plan_making import TOO_LONG, WAITING_HELPS, in_background, plan_kept
from api.pages.plan_tables import events_table, kinds_of, lines_table, why_of
from api.pages.plan_words import PlanWords
from api.pages.question_form import asked_values, choices, objective_options, question_of_form
from api.pages.viewing import View, viewing
from api.refusals import Refused
from api.reports.words import PROOF_MEANINGS, PROOFS, level_name, proof_summary, rule_name, unit_name, warnings_by_kind
from api.routes.job_bodies import PlanBody
from api.routes.plans import derived_again
from optimizer.check import CheckReport
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.plan import Plan
from optimizer.wording import Text

router = APIRouter(include_in_schema=False)
PLANS_SHOWN = 1000
"""Plans that the list holds at once, the newest; older ones follow behind a link."""
TABS: tuple[tuple[str, Text], ...] = (
    ("", Text("采购清单", "What to buy")),
    ("when", Text("时间与预算", "When, and the budget")),
    ("why", Text("为何入选或落选", "Why in or out")),
    ("rules", Text("规则的代价", "What rules cost")),
    ("proof", Text("证明与来源", "Proof and origin")),
)
PAPERS: tuple[tuple[str, Text], ...] = (
    ("xlsx", Text("工作簿 XLSX", "Workbook, XLSX")),
    ("docx", Text("方案章节 DOCX", "Plan chapter, DOCX")),
    ("pdf", Text("PDF", "PDF")),
    ("html", Text("单页 HTML", "Single page, HTML")),
    ("csv", Text("采购行 CSV", "Lines, CSV")),
)


@router.get("/plans")
async def plans(view: View = viewing("plans.read")) -> Response:
    """The organisation's plans, the newest first."""
    asked = view.request.query_params
    status, before = asked.get("status", ""), asked.get("before") or None
    conditions = [tables.runs.c.status == status] if status in ("covered", "short") else []

    def known(scope: Scope) -> tuple[list[dict[str, Any]], str | None]:
        rows, after = scope.page(tables.runs, PLANS_SHOWN, before, *conditions)
        return events.with_names(scope, [runs.as_dict(row) for row in rows]), after

    rows, after = await run_in_threadpool(view.read, known)
    columns = [
        Column("events", Text("活动", "Events"), "text", lambda r: ", ".join(r["events"])),
        Column("status", Text("状态", "Status"), "text", lambda r: _status(view, r["status"])),
        Column("required_t", Text("需抵销", "Required"), "tonnes", unit=Text("吨", "t")),
        Column("covered_t", Text("已覆盖", "Covered"), "tonnes", unit=Text("吨", "t")),
        Column("cost", Text("成本", "Cost"), "money", unit=Text("元", "yuan")),
        Column("as_of", Text("计划日期", "As of"), "day"),
        Column("made_at", Text("生成于", "Made"), "moment"),
    ]
    table = listing(view.request, rows, columns, size=25)
    return view.page("plans/list.html", table=table, chosen=status, after=after, before=before)


def _status(view: View, status: str) -> str:
    return view.say("全部抵销", "covered") if status == "covered" else view.say("有缺口", "short")


# -------------------------------------------------------------------------------------------------------- a new plan


@router.get("/plans/new")
async def new_plan(view: View = viewing("plans.make")) -> Response:
    """The form of a question, filled in from the address."""
    return await _form(view, dict(view.request.query_params))


@router.post("/plans")
async def make_plan(view: View = viewing("plans.make")) -> Response:
    """Makes the plan, keeps it, and leads to it."""
    given = {k: v for k, v in (await view.request.form()).items() if isinstance(v, str)}
    try:
        run_id = await plan_kept(view, question_of_form(given))
    except BadInput as error:
        return await _form(view, given, error.findings)
    except Refused as refusal:
        if refusal.code not in WAITING_HELPS:
            raise
        title = refusal.kind.title
        told = refusal.findings or [fault(refusal.code, title.zh, title.en)]
        return await _form(view, given, told, refusal.kind.status, slow=refusal.code == TOO_LONG)
    return view.go(f"/plans/{run_id}")


@router.post("/plans/background")
async def make_plan_in_background(view: View = viewing("jobs.run")) -> Response:
    """Leaves the plan to a worker, and leads to its job: for a market that takes longer than a page waits."""
    given = {k: v for k, v in (await view.request.form()).items() if isinstance(v, str)}
    try:
        job_id = await in_background(view, PlanBody, {"kind": "plan", **question_of_form(given)})
    except BadInput as error:
        return await _form(view, given, error.findings, slow=True)
    return view.go(f"/jobs/{job_id}")


async def _form(
    view: View,
    given: Mapping[str, str],
    faults: Sequence[Finding] = (),
    status: int | None = None,
    *,
    slow: bool = False,
) -> Response:
    known = await run_in_threadpool(view.read, lambda scope: choices(scope, view.lang, given))
    return view.page(
        "plans/new.html",
        status or (422 if faults else 200),
        known=known,
        asked=asked_values(given, known),
        objectives=objective_options(),
        faults=faults,
        slow=slow,
    )


# -------------------------------------------------------------------------------------------------------------- a plan


@router.get("/plans/{run_id}")
async def show_plan(run_id: str, view: View = viewing("plans.read")) -> Response:
    """A plan: the answer first, then whichever of its sides the address asks for."""
    return await run_in_threadpool(_page, view, run_id)


@router.post("/plans/{run_id}/check")
async def check_plan(run_id: str, view: View = viewing("plans.read")) -> Response:
    """The plan, derived again without the solver; nothing is changed and nothing noted."""
    report = await run_in_threadpool(view.read, lambda scope: derived_again(scope, run_id))
    return await run_in_threadpool(_page, view, run_id, report)


def _page(view: View, run_id: str, report: CheckReport | None = None) -> Response:
    shown = view.read(lambda scope: shown_plan(scope, run_id))
    plan, asked = shown.plan, view.request.query_params.get("tab", "")
    tab = "proof" if report is not None else asked if asked in dict(TABS) else ""
    words = PlanWords(plan, view.lang)
    values = {
        "shown": shown,
        "plan": plan,
        "words_of": words,
        "title": title_of(plan, view.lang),
        "bar": bar_of(plan, words),
        "bar_width": BAR_WIDTH,
        "tabs": TABS,
        "tab": tab,
        "papers": PAPERS,
        "budget": budget_of(plan),
        "proof": proof_summary(plan, view.lang),
        "expired": plan.valid_until is not None and plan.valid_until < settings.today(),
        "missed": [(rule_name(r.rule, view.lang), r) for r in plan.rules if r.missed_t is not None],
        "warnings": warnings_by_kind(plan),
        **_side(view, shown, words, tab, report),
    }
    return view.page(f"plans/tab_{tab or 'buy'}.html", **values)


def _side(view: View, shown: Shown, words: PlanWords, tab: str, report: CheckReport | None) -> dict[str, Any]:
    plan, request = shown.plan, view.request
    if tab == "when":
        return {"days": moments(plan)}
    if tab == "why":
        return {"why": why_of(request, words, shown.facts)}
    if tab == "rules":
        return {"priced": _priced(view, plan)}
    if tab == "proof":
        levels = [(level_name(x.name, view.lang), x, PROOFS[x.proof].say(view.lang)) for x in plan.levels]
        meanings = [PROOF_MEANINGS[k].say(view.lang) for k in PROOFS if any(x.proof == k for x in plan.levels)]
        return {"levels": levels, "meanings": meanings, "report": report}
    several = events_table(request, words) if len(plan.events) > 1 else None
    kinds = kinds_of(words, shown.facts)
    return {"lines": lines_table(request, words, kinds), "kinds": kinds, "several": several}


def _priced(view: View, plan: Plan) -> list[dict[str, Any]]:
    """Rules that bind, with what one more unit of each changes; of a short plan without what is trivially so."""
    trivial = ("need", "order: shortfall") if plan.status == "short" else ()
    return [
        {
            "name": rule_name(r.rule, view.lang),
            "event": r.event_id if len(plan.events) > 1 else None,
            "marginal": r.marginal,
            "unit": unit_name(r.unit, view.lang),
            "one_way": r.unique is False,
        }
        for r in plan.rules
        if r.marginal is not None and not r.rule.startswith(trivial)
    ]
