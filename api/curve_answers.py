"""What the commands about exact curves answer: the curve, what was asked for beside it, and all of it as a document.

Nothing is read, solved or laid out here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from optimizer import Problem
from optimizer.budgets import Budget
from optimizer.findings import Finding, warning
from optimizer.wording import Language
from scenarios.alternatives import Alternatives
from scenarios.break_even import BreakEven
from scenarios.breakpoints import Point, yuan_text
from scenarios.curves import Curve
from scenarios.frontier import Frontier


@dataclass(frozen=True)
class FrontierAnswer:
    """The frontier of a problem, and other portfolios when they were asked for."""

    problem: Problem
    frontier: Frontier
    alternatives: Alternatives | None

    @property
    def findings(self) -> Sequence[Finding]:
        """What the caller should know before trusting it."""
        return self.problem.warnings()

    def as_dict(self, lang: Language) -> dict[str, Any]:
        """Decimal strings; `points` as the contract has them, and more."""
        more = None if self.alternatives is None else self.alternatives.as_dict()
        return _described(self.problem, lang) | {
            **self.frontier.as_dict(lang),
            "alternatives": more,
            "warnings": [f.as_dict(lang) for f in self.findings],
        }


@dataclass(frozen=True)
class BudgetAnswer:
    """A curve of a problem, and break-even prices when they were asked for."""

    problem: Problem
    curve: Curve
    break_evens: tuple[BreakEven, ...]

    @property
    def own(self) -> Point | None:
        """What the budget of the event (or of the call) gives; None without one, and on the other curves."""
        return self.curve.asked[0] if self.curve.asked else None

    @property
    def enough(self) -> Point:
        """The least money that covers as much as any money does (against money)."""
        return next(p for p in self.curve.points if p.shortfall_t == self._end.shortfall_t)

    @property
    def shares_met(self) -> Point:
        """The least money with which, besides, the min shares are met as well as any money can."""
        least = self._end.shortfall_t, self._end.missed_t
        return next(p for p in self.curve.points if (p.shortfall_t, p.missed_t) == least)

    @property
    def _end(self) -> Point:
        return self.curve.points[-1]

    @property
    def findings(self) -> Sequence[Finding]:
        """What the caller should know before trusting it."""
        years = [b for b in replaced_budgets(self.problem) if b.by_fiscal_year_fen is not None]
        if self.curve.against != "money" or not years:
            return self.problem.warnings()
        zh = "曲线以总额代替预算; 按年度的限额不在曲线上, 请另用 plan 核对"
        en = "the curve puts a total in the place of the budget; limits by fiscal year are not on it: see plan for them"
        return [*self.problem.warnings(), warning("curve_by_year", zh, en, path="budget.by_fiscal_year")]

    def as_dict(self, lang: Language) -> dict[str, Any]:
        """Decimal strings."""
        money = self.curve.against == "money"
        own = None if self.own is None else {"money": yuan_text(self.own.at), **self.own.as_dict()}
        return _described(self.problem, lang) | {
            **self.curve.as_dict(),
            "own_budget": own,
            "enough": yuan_text(self.enough.at) if money else None,
            "min_shares_met": yuan_text(self.shares_met.at) if money else None,
            "nothing_beyond": yuan_text(self.curve.points[-1].at) if money else None,
            "break_evens": [b.as_dict() for b in self.break_evens],
            "warnings": [f.as_dict(lang) for f in self.findings],
        }


def _described(problem: Problem, lang: Language) -> dict[str, Any]:
    pack = problem.rule_pack
    return {
        "events": [e.id for e in problem.events],
        "as_of": problem.as_of.isoformat(),
        "policy": {"id": pack.id, "version": pack.version},
        "tier_names": [pack.tier_name(r).say(lang) for r in range(1, pack.n_tiers + 2)],
    }


def replaced_budgets(problem: Problem) -> list[Budget]:
    """The budgets in whose place the curve puts a total: the shared one; that of an event that is alone, too."""
    own = [problem.events[0].budget] if len(problem.events) == 1 else []
    return [b for b in (problem.calendar.budget, *own) if b is not None]
