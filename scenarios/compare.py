"""Two plans and their problems: which lines left, came, grew or shrank, by how many tonnes and yuan, and why.

Both plans are taken as they are: nothing is solved here, and nothing is read or written. What a plan's document does
not say (the old market, where it holds only its hash) is asked for or said to be unknown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal

from pydantic import ValidationError

from optimizer.carried_problem import problem_of
from optimizer.errors import BadInput
from optimizer.findings import faults_of
from optimizer.offers import Offers
from optimizer.plan import Json, Line, Plan
from optimizer.quantities import fen_of, kg_of, plain, tonnes, yuan
from optimizer.wording import Language, Text
from scenarios.causes import Move, Reasoning, average_price
from scenarios.keeping import KeptPlan, keep, rounding_fen
from scenarios.offer_facts import Bought, Cause, Side, facts_of, price_cause

type ChangeKind = Literal["kept", "more", "less", "new", "gone", "dearer", "cheaper", "other_date", "other_terms"]

KIND_NAMES: Mapping[ChangeKind, Text] = {
    "gone": Text("不再买", "gone"),
    "less": Text("减少", "less"),
    "new": Text("新增", "new"),
    "more": Text("增加", "more"),
    "dearer": Text("变贵", "dearer"),
    "cheaper": Text("变便宜", "cheaper"),
    "other_date": Text("改日期", "other date"),
    "other_terms": Text("条件变", "other terms"),
    "kept": Text("不变", "kept"),
}
"""In the order in which a report tells them."""
DIRECTIONS: Mapping[ChangeKind, int] = {"gone": -1, "less": -1, "new": 1, "more": 1}
COLUMNS: Mapping[str, Text] = {
    "event_id": Text("活动", "event"),
    "offer_id": Text("报价", "offer"),
    "kind": Text("变化", "change"),
    "before_t": Text("此前 (吨)", "before (t)"),
    "after_t": Text("现在 (吨)", "now (t)"),
    "effective_change_t": Text("计入量变化 (吨)", "effective change (t)"),
    "cost_before": Text("此前 (元)", "before (yuan)"),
    "cost_after": Text("现在 (元)", "now (yuan)"),
    "cost_change": Text("变化 (元)", "change (yuan)"),
    "causes": Text("原因", "why"),
}


@dataclass(frozen=True)
class Holding:
    """What one plan buys of an offer for an event, all purchase dates together."""

    lines: tuple[Line, ...]

    @cached_property
    def contracted_kg(self) -> int:
        """Bought."""
        return sum(kg_of(x.contracted_t) for x in self.lines)

    @cached_property
    def effective_kg(self) -> int:
        """Counted by the deadline, each line rounded down to kg as the plan prints it."""
        return sum(kg_of(x.effective_t) for x in self.lines)

    @cached_property
    def cost_fen(self) -> int:
        """As printed."""
        return sum(fen_of(x.cost) for x in self.lines)

    @property
    def dates(self) -> tuple[date, ...]:
        """Purchase dates, ascending."""
        return tuple(sorted(x.purchase_date for x in self.lines))

    @property
    def terms(self) -> tuple[Any, ...]:
        """What a line says besides tonnes, money and dates."""
        return tuple(sorted((x.tier, x.effective_t, str(x.retire_by), x.late) for x in self.lines))


@dataclass(frozen=True)
class ChangedLine:
    """An offer of an event in two plans."""

    event_id: str
    offer_id: str
    kind: ChangeKind
    before: Holding
    after: Holding
    causes: tuple[Cause, ...]
    """At least one unless the line is kept."""

    @property
    def cost_change_fen(self) -> int:
        """After less before."""
        return self.after.cost_fen - self.before.cost_fen

    @property
    def effective_change_kg(self) -> int:
        """After less before."""
        return self.after.effective_kg - self.before.effective_kg

    @property
    def tier(self) -> int:
        """In the new plan, or in the old one where the new one does not buy it."""
        return (self.after.lines or self.before.lines)[0].tier

    def as_dict(self, lang: Language) -> Json:
        """For JSON."""
        a, b = self.before, self.after
        return {
            "event_id": self.event_id,
            "offer_id": self.offer_id,
            "tier": self.tier,
            "kind": self.kind,
            "contracted_t": _pair(tonnes, a.contracted_kg, b.contracted_kg),
            "effective_t": _pair(tonnes, a.effective_kg, b.effective_kg),
            "cost": _pair(yuan, a.cost_fen, b.cost_fen),
            "purchase_dates": {"before": [str(d) for d in a.dates], "after": [str(d) for d in b.dates]},
            "causes": [c.as_dict(lang) for c in self.causes],
        }


def _pair(text: Any, before: int, after: int) -> Json:
    return {"before": text(before), "after": text(after), "difference": text(after - before)}


@dataclass(frozen=True, eq=False)
class Changes:
    """What became of a plan: every line, the totals, and what of the old plan could still be bought."""

    before: Plan
    after: Plan
    lines: tuple[ChangedLine, ...]
    """Every line of both plans, in order of event, tier and offer."""
    old_plan: KeptPlan
    old_market_known: bool
    """False: the old plan holds only the hash of its market; its prices are known from its lines only."""

    @property
    def changed(self) -> tuple[ChangedLine, ...]:
        """Without the lines that were kept."""
        return tuple(x for x in self.lines if x.kind != "kept")

    def count(self) -> dict[ChangeKind, int]:
        """How many lines of each kind, kinds that occur only."""
        counts = {kind: sum(x.kind == kind for x in self.lines) for kind in KIND_NAMES}
        return {kind: n for kind, n in counts.items() if n}

    def rows(self, lang: Language) -> list[dict[str, str]]:
        """One row a line under `COLUMNS`, for tables: sentences in the caller's language."""
        return [
            {
                "event_id": x.event_id,
                "offer_id": x.offer_id,
                "kind": KIND_NAMES[x.kind].say(lang),
                "before_t": tonnes(x.before.contracted_kg),
                "after_t": tonnes(x.after.contracted_kg),
                "effective_change_t": tonnes(x.effective_change_kg),
                "cost_before": yuan(x.before.cost_fen),
                "cost_after": yuan(x.after.cost_fen),
                "cost_change": yuan(x.cost_change_fen),
                "causes": "; ".join(c.message.say(lang) for c in x.causes),
            }
            for x in self.lines
        ]

    def as_dict(self, lang: Language) -> Json:
        """The whole comparison as JSON data; money and mass are decimal strings."""
        return {
            "before": _identity(self.before),
            "after": _identity(self.after),
            "old_market_known": self.old_market_known,
            "totals": self.totals(),
            "events": self.events(),
            "tiers": self.tiers(),
            "fiscal_years": self.fiscal_years(),
            "counts": dict(self.count()),
            "lines": [x.as_dict(lang) for x in self.lines],
            "old_plan": {
                **self.old_plan.as_dict(lang),
                "dearer_than_new": yuan(self.old_plan.cost_fen - fen_of(self.after.totals.cost)),
            },
        }

    def totals(self) -> Json:
        """Coverage, cost and average price."""
        names = ("required_t", "covered_t", "shortfall_t", "cost", "average_price")
        return _compared(self.before.totals, self.after.totals, names)

    def events(self) -> list[Json]:
        """The same by event; an event of one plan only has nothing (None) on the other side."""
        names = ("required_t", "covered_t", "shortfall_t", "cost")
        old, new = {e.id: e for e in self.before.events}, {e.id: e for e in self.after.events}
        return [{"id": k, **_compared(old.get(k), new.get(k), names)} for k in sorted({**old, **new})]

    def tiers(self) -> list[Json]:
        """The same by tier; names are the new plan's, or the old one's of a tier that only it has."""
        old, new = {t.tier: t for t in self.before.tiers}, {t.tier: t for t in self.after.tiers}
        return [
            {
                "tier": k,
                "name": (new.get(k) or old[k]).name,
                **_compared(old.get(k), new.get(k), ("effective_t", "share", "cost")),
            }
            for k in sorted({**old, **new})
        ]

    def fiscal_years(self) -> list[Json]:
        """Budgets and spending by event (None: the shared budget) and year."""
        old, new = ({(f.event_id, f.year): f for f in p.fiscal_years} for p in (self.before, self.after))
        keys = sorted({**old, **new}, key=lambda k: (k[0] is None, k[0] or "", k[1]))
        return [
            {"event_id": k[0], "year": k[1], **_compared(old.get(k), new.get(k), ("budget", "spent"))} for k in keys
        ]


def _identity(plan: Plan) -> Json:
    return {
        "plan_id": plan.plan_id,
        "status": plan.status,
        "as_of": plan.as_of.isoformat(),
        "offers_sha256": plan.problem["offers_sha256"],
        "offers_count": plan.problem["offers_count"],
    }


def _compared(old: Any, new: Any, names: Sequence[str]) -> Json:
    """Name -> before, after and difference of decimal strings; None where there is none."""
    found = {}
    for name in names:
        a, b = (None if part is None else getattr(part, name) for part in (old, new))
        found[name] = {"before": a, "after": b, "difference": None if None in (a, b) else _less(str(b), str(a))}
    return found


def _less(a: str, b: str) -> str:
    """a - b with as many decimals as either has: tonnes plain, yuan with both decimals."""
    difference = Decimal(a) - Decimal(b)
    money = all("." in x and len(x.partition(".")[2]) == 2 for x in (a, b))
    return f"{difference:.2f}" if money else plain(difference)


# ------------------------------------------------------------------------------------------------------- comparing


def compare_plans(
    before: Plan | Mapping[str, Any],
    after: Plan | Mapping[str, Any],
    before_offers: Offers | None,
    after_offers: Offers,
) -> Changes:
    """What changed from one plan to another, line by line, and why.

    Args:
        before: the old plan, or its document.
        after: the new plan, or its document.
        before_offers: the old market, for a plan that holds only its hash; None: the old prices are taken from the old
            plan's lines, and causes that would need more are not claimed. A plan that holds its offers needs none.
        after_offers: the new market.

    Raises:
        BadInput: a document is no plan, or a market is not the one that its plan was made on.
    """
    old_plan, new_plan = _read(before), _read(after)
    if before_offers is None and old_plan.problem.get("offers_sha256") == after_offers.sha256:
        before_offers = after_offers
    wanted = {x.offer_id for plan in (old_plan, new_plan) for x in plan.lines}
    old, new = _side(old_plan, before_offers, wanted), _side(new_plan, after_offers, wanted)
    kept = keep(old_plan, new)
    lines = _lines(old_plan, new_plan)
    moves = {
        k: _move(line, old, new, _bought(old_plan, new_plan, line.offer_id), kept)
        for k, line in enumerate(lines)
        if line.kind != "kept"
    }
    reasoning = Reasoning(old_plan, new_plan, old, new, tuple(moves.values()))
    explained = (
        replace(line, causes=reasoning.causes(moves[k])) if k in moves else line for k, line in enumerate(lines)
    )
    return Changes(old_plan, new_plan, tuple(explained), kept, old.known)


def _read(plan: Plan | Mapping[str, Any]) -> Plan:
    if isinstance(plan, Plan):
        return plan
    try:
        return Plan.model_validate(dict(plan))
    except ValidationError as error:
        raise BadInput(faults_of(error, Plan)) from error


def _side(plan: Plan, offers: Offers | None, wanted: set[str]) -> Side:
    """The plan's problem; without a market, the problem with no offers, marked as not known."""
    problem, known = problem_of(plan, offers)
    return Side.of(problem, wanted, known)


def _lines(old: Plan, new: Plan) -> list[ChangedLine]:
    """Every offer of either plan by event, with its kind and without causes."""
    grouped: dict[tuple[str, str], tuple[list[Line], list[Line]]] = {}
    for k, plan in enumerate((old, new)):
        for line in plan.lines:
            grouped.setdefault((line.event_id, line.offer_id), ([], []))[k].append(line)
    found = []
    for (event_id, offer_id), (a, b) in grouped.items():
        before, after = Holding(tuple(a)), Holding(tuple(b))
        found.append(ChangedLine(event_id, offer_id, _kind(before, after), before, after, ()))
    return sorted(found, key=lambda x: (x.event_id, x.tier, x.offer_id))


def _kind(a: Holding, b: Holding) -> ChangeKind:
    if not a.lines or not b.lines:
        return "new" if b.lines else "gone"
    if a.contracted_kg != b.contracted_kg:
        return "more" if b.contracted_kg > a.contracted_kg else "less"
    rounding = rounding_fen(a.lines) + rounding_fen(b.lines)
    if abs(b.cost_fen - a.cost_fen) > rounding:
        return "dearer" if b.cost_fen > a.cost_fen else "cheaper"
    if a.dates != b.dates:
        return "other_date"
    return "kept" if a.terms == b.terms else "other_terms"


def _bought(old: Plan, new: Plan, offer_id: str) -> Bought:
    a, b = (sum(kg_of(x.contracted_t) for x in p.lines if x.offer_id == offer_id) for p in (old, new))
    return Bought(a, b)


def _move(line: ChangedLine, old: Side, new: Side, bought: Bought, kept: KeptPlan) -> Move:
    facts = facts_of(old, new, line.event_id, line.offer_id, bought)
    if not old.known:
        facts += _price_of_old_line(line, kept)
    return Move(
        line.event_id,
        line.offer_id,
        DIRECTIONS.get(line.kind, 0),
        line.effective_change_kg,
        bool(line.before.lines and line.after.lines) and line.before.dates != line.after.dates,
        average_price(line.before.lines, line.before.cost_fen),
        average_price(line.after.lines, line.after.cost_fen),
        facts,
    )


def _price_of_old_line(line: ChangedLine, kept: KeptPlan) -> tuple[Cause, ...]:
    """Without the old market: what the same tonnes cost then, as the plan printed it, and now."""
    mine = (x for x in kept.lines if (x.event_id, x.offer_id) == (line.event_id, line.offer_id))
    same = next(mine, None)
    if same is None or same.state not in ("dearer", "cheaper"):
        return ()
    old, new = (average_price(line.before.lines, fen) for fen in (same.cost_before_fen, same.cost_fen))
    assert old is not None and new is not None
    return (price_cause(old, new, {"from": "plan_line"}),)
