"""What if: many problems from one. Comparisons with causes, exact curves, draws and risk. Reads and writes nothing."""

from scenarios.alternatives import alternatives
from scenarios.break_even import break_even, break_even_instrument
from scenarios.budgeting import calendar_budget
from scenarios.compare import Changes, compare_plans
from scenarios.curves import budget_curve, emissions_curve, margin_curve
from scenarios.draws import Uncertainty
from scenarios.frontier import frontier
from scenarios.library import ready
from scenarios.outcomes import Planner
from scenarios.risk import assess
from scenarios.runner import run
from scenarios.scenario import Scenario, apply
from scenarios.side_by_side import side_by_side
from scenarios.stochastic import stand_up_to
from scenarios.sweep import question_of, sweep

__all__ = [
    "Changes",
    "Planner",
    "Scenario",
    "Uncertainty",
    "alternatives",
    "apply",
    "assess",
    "break_even",
    "break_even_instrument",
    "budget_curve",
    "calendar_budget",
    "compare_plans",
    "emissions_curve",
    "frontier",
    "margin_curve",
    "question_of",
    "ready",
    "run",
    "side_by_side",
    "stand_up_to",
    "sweep",
]
