"""One scenario planned. What a runner's workers call: it pickles, and a task is a scenario alone."""

from collections.abc import Callable
from dataclasses import dataclass, field

from optimizer.engine import Explain, plan
from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.tolerances import NODES_PER_LEVEL
from optimizer.wording import Language
from scenarios.baselines import Measured, buy_simply
from scenarios.failures import Failure
from scenarios.scenario import Packs, Scenario, apply

type Result = Plan | Measured | Failure
"""A plan, what a simple rule buys, or why there is neither."""


@dataclass(frozen=True, eq=False)
class Planner:
    """The base with all that plans need; called with a scenario, it plans it."""

    problem: Problem
    lang: Language
    packs: Packs = field(default_factory=dict)
    explanations: Explain = "short"
    seconds: float | None = None
    """A clock limit for each plan."""
    nodes: int = NODES_PER_LEVEL
    cancelled: Callable[[], bool] | None = None
    """Asked within a plan; only where it is called in this process, for it need not pickle."""

    def __call__(self, scenario: Scenario) -> Plan | Measured:
        """Raises what `apply` and `optimizer.plan` raise: a runner makes rows of it."""
        changed = apply(self.problem, scenario, self.packs)
        if scenario.method != "optimal":
            return buy_simply(changed, scenario.method, self.lang)
        return plan(
            changed,
            explanations=self.explanations,
            lang=self.lang,
            seconds=self.seconds,
            nodes=self.nodes,
            cancelled=self.cancelled,
        )
