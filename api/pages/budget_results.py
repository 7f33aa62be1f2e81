"""Results of jobs, read back as what they were made from: pictures and points anywhere on a curve need no new run.

Money in results is rounded to fen and mass to kg; so is what is read from them.
"""

from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import Any

from optimizer.quantities import kg_of
from optimizer.rule_pack import read_rule_pack, shipped_rule_packs
from optimizer.wording import Language
from scenarios.breakpoints import Point
from scenarios.budgeting import CalendarBudget, Commitment, Pooling, Reserve
from scenarios.curves import Against, Curve
from scenarios.frontier import Frontier, WholeLotEnd
from scenarios.risk import DriverEffect
from scenarios.summary import QUANTILES

type Result = Mapping[str, Any]


def calendar_from(told: Result) -> CalendarBudget:
    """The year's budget of a job of kind `calendar`."""
    reserves = tuple(
        Reserve(
            r["event_id"],
            r["year"],
            float(r["planned"]),
            {name: float(r[name]) for name in QUANTILES},
            float(r["CVaR95"]),
        )
        for r in told["reserves"]
    )
    pooling = tuple(Pooling(p["level"], float(p["separate"]), float(p["pooled"])) for p in told["pooling"])
    return CalendarBudget(told["draws"], told["seed"], reserves, pooling, tuple(map(_commitment, told["commitments"])))


def _commitment(told: Result) -> Commitment:
    planned, latest, deadline = (date.fromisoformat(told[name]) for name in ("planned_on", "latest", "deadline"))
    kg = kg_of(told["contracted_t"])
    return Commitment(told["event_id"], told["offer_id"], kg, planned, latest, deadline, told["bound"])


def drivers_from(told: Result) -> tuple[DriverEffect, ...]:
    """What drives the spread, of a job of kind `risk`."""
    return tuple(
        DriverEffect(d["driver"], float(d["spread_share"]), float(d["deviation"]), float(d["p95_change"]))
        for d in told["drivers"]
    )


def curve_from(told: Result) -> Curve:
    """The curve of a job of kind `budget`."""
    against: Against = told["against"]
    return Curve(against, tuple(_point(p, Fraction(p[against])) for p in told["points"]), ())


def frontier_from(told: Result) -> Frontier:
    """The frontier of a job of kind `frontier`."""
    points = tuple(_point(p, Fraction(p["cost"])) for p in told["points"])
    knee = next((point for point, p in zip(points, told["points"], strict=True) if p["knee"]), None)
    return Frontier(points, knee, tuple(_end(end) for end in told["whole_lots"]))


def _end(told: Result) -> WholeLotEnd:
    tiers = tuple(Fraction(t) for t in told["tiers"])
    short = Fraction(told["shortfall_t"])
    return WholeLotEnd(told["objective"], Fraction(told["cost"]), tiers, short, told["proof"])


def _point(told: Result, at: Fraction) -> Point:
    heads, tiers, gaps = ("required_t", "shortfall_t", "missed_t", "cost", "spent"), told["tiers"], told["gaps"]
    return Point.of(at, [Fraction(text) for text in (*(told[name] for name in heads), *tiers, *gaps)], len(tiers))


def tier_names(told: Result, lang: Language) -> list[str]:
    """What the tiers of a curve are called: in the reader's language where the rule pack ships, else as written."""
    known, written = told["policy"], list(told["tier_names"])
    if known["id"] in shipped_rule_packs():
        pack = read_rule_pack(known["id"])
        if pack.version == known["version"]:
            return [pack.tier_name(r).say(lang) for r in range(1, len(written) + 1)]
    return [str(name) for name in written]
