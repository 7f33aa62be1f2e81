"""A base plan and its scenarios side by side: coverage, cost, tiers, years, prices of rules, deadlines, and why.

Results are taken as they are: nothing is planned here. A scenario that failed is a row with its reason, like any other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import pandas as pd

from optimizer.findings import Finding
from optimizer.offers import Offers
from optimizer.plan import Json, Line, Plan, Totals
from optimizer.problem import Problem
from optimizer.quantities import fen_of, kg_of, tonnes, yuan
from optimizer.wording import Language, Text
from scenarios.baselines import Measured
from scenarios.compare import Changes, compare_plans
from scenarios.failures import Failure
from scenarios.outcomes import Result
from scenarios.scenario import Packs, Scenario, apply

DAYS_AT_RISK = 30
"""A line whose last day is this near to its purchase is at risk: approvals and transfers take about a month."""
BASE_NAME = "base"
BASE_TITLE = Text("基准", "base")

COLUMNS: Mapping[str, Text] = {
    "scenario": Text("情景", "scenario"),
    "title": Text("名称", "title"),
    "status": Text("状态: covered, short 或 failed", "covered, short or failed"),
    "reason": Text("未全部覆盖或失败的原因", "why it is short or failed"),
    "required_kg": Text("应抵销量 (千克)", "need, kg"),
    "covered_kg": Text("覆盖量 (千克)", "covered, kg"),
    "shortfall_kg": Text("缺口 (千克)", "left uncovered, kg"),
    "missed_kg": Text("份额下限所差 (千克)", "what min shares miss, kg"),
    "cost_fen": Text("成本 (分)", "cost, fen"),
    "average_price_fen": Text("平均单价 (分/吨)", "cost / covered, fen per t"),
    "cost_change_fen": Text("成本比基准多 (分)", "cost less the base's, fen"),
    "covered_change_kg": Text("覆盖比基准多 (千克)", "covered less the base's, kg"),
    "lines": Text("采购行数", "lines bought"),
    "lines_changed": Text("与基准不同的行数", "lines that differ from the base's"),
    "lines_at_risk": Text("期限将近的行数", "lines whose last day is near"),
}
"""Columns of `SideBySide.frame`: integers (kg, fen) or <NA>, exact."""
LONG_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "tiers": ("scenario", "tier", "name", "effective_kg", "cost_fen"),
    "fiscal_years": ("scenario", "event_id", "year", "budget_fen", "spent_fen"),
    "rules": ("scenario", "rule", "event_id", "marginal", "unit", "unique", "missed_t"),
    "deadlines": ("scenario", "event_id", "offer_id", "last_day", "because", "days_left"),
}
"""Columns of `SideBySide.long_frame`, one row a scenario and thing. `marginal` is decimal text: a solver's number."""
INTEGERS = frozenset(n for n in COLUMNS if n.endswith(("_kg", "_fen")) or n.startswith("lines"))


@dataclass(frozen=True)
class NearDeadline:
    """A line whose last possible day is near."""

    event_id: str
    offer_id: str
    last_day: date
    """The last day on which it can be bought and retired in time."""
    because: Literal["valid_until", "retire_by"]
    """What sets that day: the offer's validity, or the deadline less the settlement days."""
    days_left: int
    """From the planned purchase to the last day; negative where the line is late already."""

    def as_dict(self) -> Json:
        """For JSON."""
        return {
            "event_id": self.event_id,
            "offer_id": self.offer_id,
            "last_day": self.last_day.isoformat(),
            "because": self.because,
            "days_left": self.days_left,
        }


@dataclass(frozen=True, eq=False)
class Row:
    """One scenario, or the base (`scenario` None)."""

    scenario: Scenario | None
    result: Result
    changes: Changes | None
    """From the base plan; None for the base, for simple rules and for failures."""
    near: tuple[NearDeadline, ...]
    findings: tuple[Finding, ...]
    """Warnings of the scenario."""

    @property
    def name(self) -> str:
        """The scenario's name; `base`."""
        return BASE_NAME if self.scenario is None else self.scenario.name

    @property
    def title(self) -> Text:
        """For people."""
        return BASE_TITLE if self.scenario is None else self.scenario.heading

    @property
    def bought(self) -> Plan | Measured | None:
        """What there is to compare; None: it failed."""
        return None if isinstance(self.result, Failure) else self.result

    @property
    def status(self) -> Literal["covered", "short", "failed"]:
        """What became of it."""
        return "failed" if isinstance(self.result, Failure) else self.result.status

    @property
    def totals(self) -> Totals | None:
        """None: it failed."""
        return None if self.bought is None else self.bought.totals

    def reason(self, lang: Language) -> str:
        """Why it is short, misses a min share or failed; nothing where all is well."""
        if isinstance(self.result, Failure):
            return self.result.message.say(lang)
        told = []
        if self.result.status == "short":
            short = self.result.totals.shortfall_t
            told.append(Text(f"缺口 {short} 吨", f"{short} t short").say(lang))
        if self.missed_kg:
            missed = tonnes(self.missed_kg)
            told.append(Text(f"份额下限差 {missed} 吨", f"min shares missed by {missed} t").say(lang))
        if isinstance(self.result, Plan):
            told += [str(d["message"]) for d in self.result.diagnosis]
        return "; ".join(told)

    @property
    def missed_kg(self) -> int | None:
        """What min shares miss, all together; None: it failed."""
        if isinstance(self.result, Failure):
            return None
        if isinstance(self.result, Measured):
            return kg_of(self.result.missed_t)
        return sum(kg_of(r.missed_t) for r in self.result.rules if r.missed_t is not None)

    @property
    def proven(self) -> bool | None:
        """Whether every level is proven exactly or by the solver; None where nothing was solved."""
        return all(x.proof != "open" for x in self.result.levels) if isinstance(self.result, Plan) else None


@dataclass(frozen=True, eq=False)
class SideBySide:
    """The base first, then the scenarios in their order."""

    rows: tuple[Row, ...]
    days: int
    """Within how many days a deadline counts as near."""

    @property
    def base(self) -> Row:
        """The first row."""
        return self.rows[0]

    def change(self, row: Row, name: Literal["cost", "covered_t", "shortfall_t"]) -> int | None:
        """The row's number less the base's, fen or kg; None where either has none."""
        a, b = self.base.totals, row.totals
        if a is None or b is None:
            return None
        whole = fen_of if name == "cost" else kg_of
        return whole(getattr(b, name)) - whole(getattr(a, name))

    # ------------------------------------------------------------------------------------------------------- frames

    def frame(self, lang: Language) -> pd.DataFrame:
        """One row a scenario under `COLUMNS`."""
        frame = pd.DataFrame([self._flat(row, lang) for row in self.rows], columns=list(COLUMNS))
        return frame.astype({name: "Int64" for name in INTEGERS})

    def _flat(self, row: Row, lang: Language) -> Json:
        t, bought = row.totals, row.bought
        masses = ("required_t", "covered_t", "shortfall_t")
        price = None if t is None or t.average_price is None else fen_of(t.average_price)
        return {
            "scenario": row.name,
            "title": row.title.say(lang),
            "status": row.status,
            "reason": row.reason(lang),
            **{f"{m[:-2]}_kg": None if t is None else kg_of(getattr(t, m)) for m in masses},
            "missed_kg": row.missed_kg,
            "cost_fen": None if t is None else fen_of(t.cost),
            "average_price_fen": price,
            "cost_change_fen": self.change(row, "cost"),
            "covered_change_kg": self.change(row, "covered_t"),
            "lines": None if bought is None else len(bought.lines),
            "lines_changed": None if row.changes is None else len(row.changes.changed),
            "lines_at_risk": None if bought is None else len(row.near),
        }

    def long_frame(self, name: Literal["tiers", "fiscal_years", "rules", "deadlines"]) -> pd.DataFrame:
        """One row a scenario and tier, fiscal year, priced rule or near deadline, under `LONG_COLUMNS[name]`."""
        parts = {"tiers": _tiers, "fiscal_years": _years, "rules": _rules, "deadlines": _near}
        rows = [{"scenario": row.name, **entry} for row in self.rows for entry in parts[name](row)]
        frame = pd.DataFrame(rows, columns=list(LONG_COLUMNS[name]))
        whole = [c for c in frame.columns if c.endswith(("_kg", "_fen")) or c in ("tier", "year", "days_left")]
        return frame.astype({c: "Int64" for c in whole})

    # --------------------------------------------------------------------------------------------------------- JSON

    def as_dict(self, lang: Language) -> Json:
        """The whole comparison as JSON data; money and mass are decimal strings."""
        base, *others = (self._entry(row, lang) for row in self.rows)
        return {"days_at_risk": self.days, "base": base, "scenarios": others}

    def _entry(self, row: Row, lang: Language) -> Json:
        bought, result = row.bought, row.result
        entry: Json = {"name": row.name, "title": row.title.say(lang), "status": row.status}
        entry["changes"] = {} if row.scenario is None else _what(row.scenario)
        entry["warnings"] = [f.as_dict(lang) for f in row.findings]
        if bought is None:
            assert isinstance(result, Failure)
            return {**entry, "reason": row.reason(lang), "failure": result.as_dict(lang)}
        return {
            **entry,
            "reason": row.reason(lang),
            "proven": row.proven,
            "plan_id": result.plan_id if isinstance(result, Plan) else None,
            "totals": bought.totals.model_dump(mode="json"),
            "missed_t": tonnes(row.missed_kg or 0),
            "difference": self._difference(row),
            "tiers": [t.model_dump(mode="json") for t in bought.tiers],
            "fiscal_years": [f.model_dump(mode="json") for f in bought.fiscal_years],
            "rules": [r.model_dump(mode="json") for r in result.rules] if isinstance(result, Plan) else [],
            "deadlines_at_risk": [n.as_dict() for n in row.near],
            "lines": [x.model_dump(mode="json") for x in bought.lines],
            "counts": None if row.changes is None else dict(row.changes.count()),
            "changed_lines": None if row.changes is None else [x.as_dict(lang) for x in row.changes.changed],
        }

    def _difference(self, row: Row) -> Json | None:
        if row is self.base:
            return None
        cost, covered, short = (self.change(row, n) for n in ("cost", "covered_t", "shortfall_t"))
        assert cost is not None and covered is not None and short is not None
        return {"cost": yuan(cost), "covered_t": tonnes(covered), "shortfall_t": tonnes(short)}


def _what(scenario: Scenario) -> Json:
    """The changes themselves, without name and titles."""
    return {k: v for k, v in scenario.dump().items() if k not in ("name", "title", "shows")}


def _tiers(row: Row) -> list[Json]:
    return [
        {"tier": t.tier, "name": t.name, "effective_kg": kg_of(t.effective_t), "cost_fen": fen_of(t.cost)}
        for t in (row.bought.tiers if row.bought is not None else ())
    ]


def _years(row: Row) -> list[Json]:
    return [
        {
            "event_id": f.event_id,
            "year": f.year,
            "budget_fen": None if f.budget is None else fen_of(f.budget),
            "spent_fen": fen_of(f.spent),
        }
        for f in (row.bought.fiscal_years if row.bought is not None else ())
    ]


def _rules(row: Row) -> list[Json]:
    return [r.model_dump(mode="json") for r in (row.result.rules if isinstance(row.result, Plan) else ())]


def _near(row: Row) -> list[Json]:
    return [n.as_dict() for n in row.near]


# ------------------------------------------------------------------------------------------------------- comparing


def side_by_side(
    problem: Problem,
    base: Plan,
    results: Sequence[tuple[Scenario, Result]],
    packs: Packs | None = None,
    *,
    days: int = DAYS_AT_RISK,
) -> SideBySide:
    """The base plan beside what became of each scenario, with the causes of every line that differs.

    Args:
        problem: the base problem.
        base: its plan.
        results: scenarios with their plans, simple purchases or failures, in the order of the rows.
        packs: the rule packs with which the scenarios were applied.
        days: within how many days of its purchase a line's last day counts as near.
    """
    rows = [Row(None, base, None, near_deadlines(base, problem.offers, days), ())]
    for scenario, result in results:
        if isinstance(result, Failure):
            rows.append(Row(scenario, result, None, (), ()))
            continue
        changed = apply(problem, scenario, packs)
        changes = compare_plans(base, result, problem.offers, changed.offers) if isinstance(result, Plan) else None
        near = near_deadlines(result, changed.offers, days)
        rows.append(Row(scenario, result, changes, near, changed.findings[len(problem.findings) :]))
    return SideBySide(tuple(rows), days)


def near_deadlines(bought: Plan | Measured, offers: Offers, days: int) -> tuple[NearDeadline, ...]:
    """Lines that can slip by at most `days` days after their purchase date, the nearest first."""
    rows = _rows_of(offers, {x.offer_id for x in bought.lines})
    found = [_deadline(line, offers, rows[line.offer_id]) for line in bought.lines]
    near = [d for d in found if d.days_left <= days]
    return tuple(sorted(near, key=lambda d: (d.days_left, d.event_id, d.offer_id)))


def _rows_of(offers: Offers, wanted: set[str]) -> dict[str, int]:
    """Offer id -> its row."""
    if not wanted:
        return {}
    at = np.flatnonzero(np.isin(offers.offer_id.astype(str), sorted(wanted)))
    return {str(offers.offer_id[i]): i for i in at.tolist()}


def _deadline(line: Line, offers: Offers, i: int) -> NearDeadline:
    forest = offers.instrument[i] == "forestry"
    settled = timedelta(0 if forest else int(offers.settlement_days[i]))
    last: tuple[date, Any] = (line.retire_by - settled, "retire_by")
    until = offers.valid_until[i]
    if not np.isnat(until):
        last = min(last, (until.astype(object), "valid_until"))
    left = (last[0] - line.purchase_date).days
    return NearDeadline(line.event_id, line.offer_id, last[0], last[1], left)


def coverage_share(row: Row) -> Decimal | None:
    """Covered / required, at most 1; None where it failed."""
    if row.totals is None:
        return None
    required, covered = Decimal(row.totals.required_t), Decimal(row.totals.covered_t)
    return Decimal(1) if covered >= required else covered / required
