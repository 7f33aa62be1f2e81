"""The engine: from events and offers to a proven least-cost portfolio. Public names in story order."""

from optimizer.check import CheckReport, check
from optimizer.engine import ENGINE_VERSION, plan
from optimizer.errors import BadInput, BrokenPlan, Cancelled, EngineFault, JinhengError, SolverFailure
from optimizer.events import Calendar, Event, Settings
from optimizer.findings import Finding
from optimizer.offers import Offer, Offers
from optimizer.plan import Plan
from optimizer.problem import Outlook, Problem
from optimizer.rule_pack import RulePack, read_rule_pack, shipped_rule_packs

__all__ = [
    "ENGINE_VERSION",
    "BadInput",
    "BrokenPlan",
    "Calendar",
    "Cancelled",
    "CheckReport",
    "EngineFault",
    "Event",
    "Finding",
    "JinhengError",
    "Offer",
    "Offers",
    "Outlook",
    "Plan",
    "Problem",
    "RulePack",
    "Settings",
    "SolverFailure",
    "check",
    "plan",
    "read_rule_pack",
    "shipped_rule_packs",
]
