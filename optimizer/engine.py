"""plan(problem) -> Plan: screen, formulate, solve in order, measure, prove, explain, repair, seal."""

import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any, Literal

from optimizer import statement
from optimizer.certificate import GRID
from optimizer.certificate_part import certificate_part
from optimizer.chain import LEAST_SECONDS, Report, WorkLimits
from optimizer.explain import (
    Explanation,
    RulePriceFound,
    explain,
    has_budget,
    price_of_order,
    setting_prices,
    without_budget,
)
from optimizer.offer_book import OfferBook
from optimizer.plan import OFFERS_IN_PLAN, Json, Plan, seal, sha256
from optimizer.problem import Problem
from optimizer.problem_part import objective_part, problem_part
from optimizer.quantities import FEN_PER_YUAN, ceil, round_half_up, tonnes, yuan
from optimizer.repairs import diagnose, repairs
from optimizer.solution import Solution, solve
from optimizer.solver import versions
from optimizer.tolerances import NODES_PER_LEVEL
from optimizer.wording import Language

ENGINE_VERSION = "0.1.0"
"""The distribution's version; a test holds them together."""

SIDE_NODES = 2_000
"""Branch-and-bound nodes a level of the solves beside the plan: the cheapest mix, prices of settings, repairs."""

SETTINGS_ARCS = 2_000
"""Up to this many arcs, settings and deadlines are priced by a re-solve each; above, when everything is asked for."""

FAR_OVER_TIMES = Fraction(3, 2)
"""Published events went 25 to 50 % over by intent; more than that is a minimum's doing, and is said."""
FAR_OVER_KG = 10_000
"""Below 10 t more than is needed, whole lots of a tonne explain it."""

type Explain = Literal["none", "short", "all"]


def plan(
    problem: Problem,
    *,
    explanations: Explain = "short",
    lang: Language = "zh",
    seconds: float | None = None,
    nodes: int = NODES_PER_LEVEL,
    cancelled: Callable[[], bool] | None = None,
    report: Report | None = None,
) -> Plan:
    """The least-cost portfolio in the recommended order, proven and explained.

    Args:
        problem: what is to be planned; nothing is read from outside it.
        explanations: "none" (plan and proof only), "short", or "all" (every offer, however many).
        lang: the language of the plan's sentences.
        seconds: a clock limit; a plan that it cut says `reproducible: false`. Default: none.
        nodes: branch-and-bound nodes a level, the work limit.
        cancelled: asked now and then; True stops the work.
        report: called with the name and number of each level as it starts, and how many there are.

    Raises:
        BadInput: the objective names a level that the rule pack lacks.
        BrokenPlan, SolverFailure: our fault.
        Cancelled: asked to stop.
    """
    limits = _limits(seconds, nodes, cancelled, report)
    solution = solve(problem, limits)
    quiet = replace(limits, nodes=min(nodes, SIDE_NODES), report=None, tie_break=False, known=solution.bought())
    content = _content(solution, explanations, lang, quiet)
    del solution  # the program of a large market takes more than its plan
    content["reproducible"] = content["reproducible"] and not limits.clock_ran_out()
    return seal(content)


def _limits(
    seconds: float | None, nodes: int, cancelled: Callable[[], bool] | None, report: Report | None
) -> WorkLimits:
    if seconds is None:
        return WorkLimits(nodes=nodes, cancelled=cancelled, report=report)
    end = time.monotonic() + seconds
    return WorkLimits(
        nodes=nodes, deadline=lambda: max(end - time.monotonic(), LEAST_SECONDS), cancelled=cancelled, report=report
    )


def _content(solution: Solution, explanations: Explain, lang: Language, limits: WorkLimits) -> Json:
    """The plan's document without its seal."""
    problem = solution.problem
    ledger = statement.Ledger(solution)
    per_event = statement.events(solution, ledger)
    plan_lines = statement.lines(solution, ledger, lang)
    explained = explain(solution) if explanations != "none" else None
    book = OfferBook(solution, explained, lang)
    short = solution.shortfall_t > 0
    return {
        "status": "short" if short else "covered",
        "as_of": problem.as_of,
        "valid_until": statement.valid_until(solution),
        "reproducible": not solution.chain.cut_by_clock,
        "objective": objective_part(problem),
        "policy": {
            "id": problem.rule_pack.id,
            "version": problem.rule_pack.version,
            "sha256": problem.rule_pack.sha256,
        },
        "events": per_event,
        "totals": statement.totals(solution, per_event, ledger),
        "lines": plan_lines,
        "tiers": statement.tiers(solution, ledger, lang),
        "fiscal_years": statement.fiscal_years(solution, ledger),
        "registries": statement.registries(plan_lines),
        "levels": statement.levels(solution),
        "offers": book.states(explanations == "all") if explained is not None else [],
        "offers_summary": book.summary(),
        "rules": _rules(solution, explained, limits, explanations == "all"),
        "price_of_order": _price_of_order(solution, explained, limits) if explained is not None else None,
        "cost_of_whole_lots": _cost_of_whole_lots(solution, explained),
        "diagnosis": _diagnosis(solution, lang, limits)
        if explained is not None and (short or _misses(solution))
        else [],
        "repairs": _repairs(solution, lang, limits) if explained is not None and short else [],
        "warnings": [f.as_dict(lang) for f in problem.warnings()] + _plan_warnings(solution, lang),
        "problem": problem_part(problem, len(problem.offers) <= OFFERS_IN_PLAN),
        "certificate": certificate_part(solution),
        "provenance": _provenance(problem, explanations, lang),
    }


def _provenance(problem: Problem, explanations: Explain, lang: Language) -> Json:
    return {
        "engine": ENGINE_VERSION,
        **versions(),
        "events_sha256": sha256(problem.calendar.dump()),
        "offers_sha256": problem.offers.sha256,
        "rule_pack_sha256": problem.rule_pack.sha256,
        "settings": problem.settings.dump(),
        "explanations": explanations,
        "multiplier_grid": str(GRID),
        "lang": lang,
    }


def _misses(solution: Solution) -> bool:
    return solution.measure.level("rules") > 0


def _plan_warnings(solution: Solution, lang: Language) -> list[Json]:
    """What a reader of the plan must know: ex-ante forest, late or indicative lines, what the LP does not model."""
    problem, arcs = solution.problem, solution.arcs
    used = sorted(solution.measure.purchase)
    offers = [int(arcs.offer[a]) for a in used]
    found: list[tuple[str, str, str]] = []
    if problem.settings.forestry_accrual == "ex_ante" and any(
        problem.offers.instrument[i] == "forestry" for i in offers
    ):
        found.append(
            (
                "ex_ante",
                "本方案按预计总量计入林业碳汇 (事前), 六年内未必实际产生",
                "forestry is counted ex ante: it need not have accrued within six years",
            )
        )
    if any(arcs.late[a] for a in used):
        found.append(
            (
                "late",
                "本方案含超过一年期限注销的行 (原则上不应)",
                "some lines are retired after the one-year deadline, against the principle of the source",
            )
        )
    if any(not problem.offers.firm[i] for i in offers):
        found.append(("indicative", "本方案含非确定报价", "some lines rest on indicative prices"))
    over = _far_over(solution)
    if over:
        found.append(
            (
                "far_over",
                f"买入量远超需要 ({over}): 某个报价的最小购买量大于所需; 可排除它 (eligibility.exclude) 再比较",
                f"buys far more than is needed ({over}): the minimum of an offer is larger than what was left to "
                "cover; compare with a plan without that offer (eligibility.exclude)",
            )
        )
    if not problem.settings.whole_lots:
        found.append(
            (
                "divisible",
                "按可分割数量计划: 不计整手、最小量、固定费用与阶梯价",
                "planned on divisible quantities: lots, minimums, fixed fees and price breaks are left out",
            )
        )
    return [{"code": code, "severity": "warning", "message": zh if lang == "zh" else en} for code, zh, en in found]


def _far_over(solution: Solution) -> str:
    """Events whose purchase covers far more than their need, with both in t."""
    found = []
    for e, event in enumerate(solution.problem.events):
        covered = sum(kg for (owner, _), kg in solution.measure.covered_kg.items() if owner == e)
        if covered > event.need_kg * FAR_OVER_TIMES and covered - event.need_kg >= FAR_OVER_KG:
            found.append(f"{event.id}: {tonnes(int(covered))} t / {tonnes(event.need_kg)} t")
    return ", ".join(found)


# ------------------------------------------------------------------------------------------------------ prices of rules


def _rules(solution: Solution, explained: Explanation | None, limits: WorkLimits, everything: bool) -> list[Json]:
    """Prices of the binding rules, missed min shares, and settings priced by a re-solve."""
    found = (
        []
        if explained is None
        else [r for price in explained.rules if (r := _rule(solution, price, explained.priced_in)) is not None]
    )
    if explained is not None:
        found += _needs(solution, explained)
    problem = solution.problem
    for e, event in enumerate(problem.events):
        for k, limit in enumerate(event.limits):
            missed = solution.measure.missed_kg(e, k) if limit.min_share_e4 is not None else Fraction(0)
            if missed:
                name = _limit_name("min share", problem, e, k, "")
                found = [r for r in found if (r["rule"], r["event_id"]) != (name, event.id)]
                found.append(
                    {
                        "rule": name,
                        "event_id": event.id,
                        "marginal": None,
                        "unit": "t",
                        "unique": None,
                        "missed_t": tonnes(ceil(missed)),
                    }
                )
    if explained is not None and (everything or len(solution.arcs) <= SETTINGS_ARCS):
        found += _settings(solution, limits)
    return found


def _rule(solution: Solution, price: RulePriceFound, priced_in: str) -> Json | None:
    """One dual in words: d goal / d right-hand side in units that people use."""
    problem, key = solution.problem, price.key
    family, owner = str(key[0]), str(key[1])
    marginal = price.marginal
    if family in ("steps", "held"):
        level = solution.proofs[int(owner)].name
        if level == "cost" or int(owner) >= len(solution.proofs):
            return None
        rule, event_id, per = f"order: {level}", None, "t"
        marginal = -marginal if family == "steps" else marginal
    elif family == "coverage":
        return None
    elif family == "budget":
        rule, event_id, per = f"budget {key[2]}", owner or None, "yuan"
    else:
        e = next(k for k, event in enumerate(problem.events) if event.id == owner)
        rule, event_id, per = (
            _limit_name(family, problem, e, int(str(key[2])), str(key[3]) if len(key) > 3 else ""),
            owner,
            "t",
        )
    goal = "yuan" if priced_in == "cost" else "t"
    if priced_in != "cost" and per == "yuan":
        marginal, per = marginal * 10_000, "10000 yuan"
    return {
        "rule": rule,
        "event_id": event_id,
        "marginal": f"{marginal:.6g}",
        "unit": f"{goal} per {per}",
        "unique": price.unique,
        "missed_t": None,
    }


def _needs(solution: Solution, explained: Explanation) -> list[Json]:
    """What one tonne more of an event's need costs: the duals of its coverage rows.

    Tiers that leave a gap anyway do not count: their gap would grow by the same tonne.
    """
    full = {p.name for p in solution.proofs if p.value == 0}
    found = []
    for event in solution.problem.events:
        rows = [r for r in explained.rules if r.key[0] == "coverage" and r.key[1] == event.id]
        counted = [r for r in rows if r.key[2] == "all" or f"tier {r.key[2]}" in full]
        if counted:
            total, unit = sum(r.marginal for r in counted), "yuan" if explained.priced_in == "cost" else "t"
            entry = {"rule": "need", "event_id": event.id, "marginal": f"{total:.6g}", "unit": f"{unit} per t"}
            found.append({**entry, "unique": all(r.unique for r in counted), "missed_t": None})
    return found


def _limit_name(family: str, problem: Problem, e: int, k: int, group: str) -> str:
    limit = problem.events[e].limits[k]
    share = limit.max_share_e4 if family == "max share" else limit.min_share_e4
    name = f"{limit.group}={group}" if limit.group is not None else limit.name
    return f"{family} {name} {(share or 0) / 100:g} %"


def _settings(solution: Solution, limits: WorkLimits) -> list[Json]:
    """Settings and deadlines, each priced by solving the problem without it."""
    found = []
    for name, other in setting_prices(solution, limits):
        gained = solution.shortfall_t - other.shortfall_t
        if gained > 0:
            entry = {"marginal": f"-{tonnes(ceil(gained * 1000))}", "unit": "t without it"}
        else:
            saved = other.cost_yuan - solution.cost_yuan
            entry = {"marginal": yuan_signed(saved), "unit": "yuan without it"}
        found.append({"rule": name, "event_id": None, "unique": True, "missed_t": None, **entry})
    return found


def yuan_signed(value: Any) -> str:
    """Yuan with its sign, half up."""
    fen = round_half_up(value * FEN_PER_YUAN)
    return f"-{yuan(-fen)}" if fen < 0 else yuan(fen)


# ------------------------------------------------------------------------------------------------- order, lots, repairs


def _price_of_order(solution: Solution, explained: Explanation | None, limits: WorkLimits) -> Json:
    price = price_of_order(solution, limits)
    entry: Json = {
        "value": yuan_signed(price.value),
        "low": yuan_signed(price.low),
        "high": yuan_signed(price.high),
        "proven": price.proven,
    }
    entry["cheapest_cost"] = yuan_signed(price.cheapest.cost_yuan)
    if has_budget(solution.problem) and _budget_binds(solution, explained):
        free = solve(without_budget(solution.problem), limits)
        entry["without_budget"] = yuan_signed(price_of_order(free, limits).value)
        if solution.problem.objective != "order-first":
            first = solve(
                solution.problem.with_objective("order-first"),
                replace(limits, until="covered", known=None),
                prove=False,
            )
            covered = sum(e.need_kg for e in solution.problem.events) - ceil(first.shortfall_t * 1000)
            entry["order_first_covered_t"] = tonnes(covered)
    return entry


def _budget_binds(solution: Solution, explained: Explanation | None) -> bool:
    rows = {key: (spent, limit) for key, spent, limit, _ in solution.measure.budget_spending() if limit > 0}
    priced = explained is not None and any(r.key in rows for r in explained.rules)
    return priced or any(spent == limit for spent, limit in rows.values())


def _cost_of_whole_lots(solution: Solution, explained: Explanation | None) -> str | None:
    if explained is None or explained.least_cost_yuan is None or not solution.problem.settings.whole_lots:
        return None
    value = {p.name: p.value for p in solution.proofs}["cost"]
    return yuan_signed(max(value - type(value)(explained.least_cost_yuan), type(value)(0)))


def _diagnosis(solution: Solution, lang: Language, limits: WorkLimits) -> list[Json]:
    return [
        {
            "event_id": c.event_id or None,
            "code": c.code,
            "message": c.message.say(lang),
            "at_most_t": statement.round_down(c.at_most_t, 3),
            "required_t": statement.round_down(c.required_t, 3),
        }
        for c in diagnose(solution, limits)
    ]


def _repairs(solution: Solution, lang: Language, limits: WorkLimits) -> list[Json]:
    found = []
    for r in repairs(solution, limits):
        entry: Json = {
            "kind": r.kind,
            "change": r.change.say(lang),
            "shortfall_t": tonnes(ceil(r.shortfall_t * 1000)),
            "cost": yuan(round_half_up(r.cost_yuan * FEN_PER_YUAN)),
        }
        if r.extra_budget_yuan is not None:
            entry["extra_budget"] = yuan(ceil(r.extra_budget_yuan * FEN_PER_YUAN))
            entry["additions"] = [
                {"event_id": owner or None, "budget": name, "amount": yuan(ceil(amount * FEN_PER_YUAN))}
                for owner, name, amount in r.additions
            ]
        found.append(entry)
    return found
