"""Ways to procure, side by side: a plan and its scenarios, made by a planner as plain values that a page shows."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from api.planning import PlanTask, Unplanned, problem_of_task
from optimizer import plan
from optimizer.engine import Explain
from optimizer.errors import BadInput, Cancelled
from optimizer.plan import Json
from optimizer.rule_pack import read_rule_pack, shipped_rule_packs
from scenarios.library import READY
from scenarios.outcomes import Planner
from scenarios.runner import run
from scenarios.scenario import Scenario
from scenarios.side_by_side import SideBySide, side_by_side

if TYPE_CHECKING:
    from api.paper_desk import PaperFile

SIDES_MAX = 8
"""Columns beside the base: more are a job (`/v1/jobs`), or `jinheng compare`."""


def _own(name: str, zh: str, en: str, shows_zh: str, shows_en: str, **changes: object) -> tuple[str, Json]:
    return name, {"name": name, "title": {"zh": zh, "en": en}, "shows": {"zh": shows_zh, "en": shows_en}, **changes}


OWN: Mapping[str, Json] = dict(
    (
        _own(
            "balanced",
            "平衡 (成本放宽 5 %)",
            "balanced (5 % slack)",
            "成本至多多 5 %, 尽量靠近推荐顺序",
            "as near to the recommended order as 5 % more cost allows",
            objective="balanced",
        ),
        _own(
            "shanxi-plan",
            "按山西方案",
            "Shanxi plan",
            "换用山西省 2022 年方案",
            "the province's plan of 2022",
            policy="shanxi-2022",
        ),
        _own(
            "ranked-only",
            "只用列入顺序的工具",
            "ranked means only",
            "不用允许但未列入推荐顺序的工具",
            "nothing that is permitted but outside the recommended order",
            settings={"unranked": False},
        ),
    )
)
"""Ways of this page beside the ready scenarios, as a file of scenarios has them."""
WAYS: Mapping[str, Scenario] = {
    name: Scenario.model_validate(OWN[name]) if name in OWN else READY[name]
    for name in (
        *("cheapest-lawful", "balanced", "order-first", "national-guide", "shanxi-plan", "ranked-only"),
        *("no-forest", "only-shanxi", "budget-minus-20", "allowances-plus-30", "one-year-later"),
        *("donated-lots", "greedy-order", "greedy-cheapest"),
    )
}
"""Ways that can be chosen, by name, in the order in which they are offered."""
USUAL = ("cheapest-lawful", "balanced", "order-first", "national-guide", "ranked-only")
"""Chosen where nobody chose."""
ASKED_AS: Mapping[str, Mapping[str, str]] = {
    "base": {},
    "cheapest-lawful": {"objective": "cost-first"},
    "balanced": {"objective": "balanced", "epsilon": "5"},
    "order-first": {"objective": "order-first"},
    "national-guide": {"policy": "mee-2019"},
    "shanxi-plan": {"policy": "shanxi-2022"},
}
"""How the form asks for the plan of a way; the others need another event or market."""


def scenarios_document(names: Sequence[str]) -> Json:
    """The ways of these names as a file of scenarios, for a job."""
    kept = {"library": [n for n in names if n not in OWN], "scenarios": [OWN[n] for n in names if n in OWN]}
    return {key: value for key, value in kept.items() if value}


@dataclass(frozen=True)
class SidesTask:
    """A question, and the names of the ways beside it."""

    task: PlanTask
    names: tuple[str, ...]
    seconds_max: float


@dataclass(frozen=True)
class SidesPaperTask:
    """The same as a paper of a kind, on a day."""

    beside: SidesTask
    kind: str
    today: date


def sides_of(asked: SidesTask) -> dict[str, Any] | Unplanned:
    """The base beside its ways, as data: in a planner's process. A way that failed is a column with its reason."""
    table = _side_by_side(asked, "none")
    return table if isinstance(table, Unplanned) else table.as_dict(asked.task.lang)


def sides_paper(asked: SidesPaperTask) -> "PaperFile | Unplanned":
    """The same as `jinheng compare -o` writes it: in a planner's process."""
    from api.paper_desk import comparison_file

    table = _side_by_side(asked.beside, "short")
    if isinstance(table, Unplanned):
        return table
    return comparison_file(table, asked.kind, asked.beside.task.lang, asked.today)


def _side_by_side(asked: SidesTask, explanations: Explain) -> SideBySide | Unplanned:
    ends = time.monotonic() + asked.seconds_max

    def stopping() -> bool:
        return time.monotonic() > ends

    lang = asked.task.lang
    try:
        problem = problem_of_task(replace(asked.task, seconds_max=None))
        base = plan(problem, explanations=explanations, lang=lang, cancelled=stopping)
        packs = {name: read_rule_pack(name) for name in shipped_rule_packs()}
        ways = [WAYS[name] for name in asked.names if name in WAYS][:SIDES_MAX]
        planner = Planner(problem, lang, packs, explanations, cancelled=stopping)
        found = run(ways, planner, None, chunk=1, cancelled=stopping)
        return side_by_side(problem, base, list(zip(ways, found, strict=True)), packs)
    except BadInput as error:
        return Unplanned(error.findings)
    except Cancelled:
        return Unplanned(())
