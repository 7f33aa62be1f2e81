"""What a plan says that it was made from, derived again: hashes, rule pack, settings, objective; missed min shares."""

from optimizer.certificate import GRID
from optimizer.events import LevelSpec
from optimizer.opened_plan import Differs, OpenedPlan, same
from optimizer.plan import Json, sha256
from optimizer.quantities import ceil, tonnes
from optimizer.recount import missed_min_share_kg


def check_provenance(opened: OpenedPlan) -> None:
    """Day, rule pack, hashes, settings, objective, and which min shares are missed. Raises Differs."""
    problem, plan = opened.problem, opened.plan
    pack, provenance = problem.rule_pack, plan.provenance
    policy = (plan.policy.id, plan.policy.version, plan.policy.sha256)
    same("as_of", plan.as_of, problem.as_of)
    same("policy", policy, (pack.id, pack.version, pack.sha256))
    same("events_sha256", provenance["events_sha256"], sha256(problem.calendar.dump()))
    same("offers_sha256", provenance["offers_sha256"], problem.offers.sha256)
    same("rule_pack_sha256", provenance["rule_pack_sha256"], pack.sha256)
    same("settings", provenance["settings"], problem.settings.dump())
    same("multiplier_grid", provenance["multiplier_grid"], str(GRID))
    if provenance["lang"] not in ("zh", "en") or provenance["explanations"] not in ("none", "short", "all"):
        raise Differs("lang or explanations")
    said = plan.objective if isinstance(plan.objective, str) else [dict(level) for level in plan.objective]
    same("objective", said, _objective(problem.objective))
    missed = {(r.event_id, r.missed_t) for r in plan.rules if r.missed_t is not None}
    same("missed min shares", missed, _missed_min_shares(opened))


def _objective(objective: str | tuple[LevelSpec, ...]) -> str | list[Json]:
    """The objective as a plan says it: its name, or its levels with the slacks that they have."""
    if isinstance(objective, str):
        return objective
    return [{k: v for k, v in level.dump().items() if k == "level" or v != "0"} for level in objective]


def _missed_min_shares(opened: OpenedPlan) -> set[tuple[str, str]]:
    """Event and tonnes of each min share that is missed."""
    missed: set[tuple[str, str]] = set()
    for e, event in enumerate(opened.problem.events):
        for k, limit in enumerate(event.limits):
            if limit.min_share_e4 is not None:
                kg = missed_min_share_kg(opened.problem, opened.arcs, opened.purchase, e, k)
                if kg > 0:
                    missed.add((event.id, tonnes(ceil(kg))))
    return missed
