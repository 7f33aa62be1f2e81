"""What the customer receives: the plan as data. Keys are the contract's; money and mass are decimal strings in JSON.

A plan is its document: `plan_id` is the SHA-256 of the canonical JSON of all else, so a changed plan shows.
"""

import hashlib
import json
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from optimizer.wording import Language

type Json = dict[str, Any]

OFFERS_IN_PLAN = 5000
"""Up to this many offers a plan holds them all, so that it can be checked alone (MODEL 8)."""


def canonical(document: Any) -> str:
    """Canonical JSON: sorted keys, no spaces, text as it is."""
    return json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def sha256(document: Any) -> str:
    """Hash of the canonical JSON."""
    return hashlib.sha256(canonical(document).encode()).hexdigest()


class Part(BaseModel):
    """A part of a plan: frozen, closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class PolicyRef(Part):
    """The rule pack that was applied."""

    id: str
    version: str
    sha256: str


class EventResult(Part):
    """What the plan does for one event."""

    id: str
    required_t: str
    covered_t: str
    shortfall_t: str
    verified_short_t: str
    """Shortfall against the emissions without the margin."""
    cost: str


class Totals(Part):
    """Over all events."""

    required_t: str
    covered_t: str
    shortfall_t: str
    cost: str
    average_price: str | None
    """Cost / covered_t; None when nothing is covered."""


class Payment(Part):
    """A part of a line's cost."""

    date: date
    amount: str


class Line(Part):
    """One purchase: what, how much, when, at what cost, and where to cancel it by when."""

    event_id: str
    offer_id: str
    tier: int
    contracted_t: str
    effective_t: str
    unit_price: str
    """After break and outlook, before fees, yuan/t."""
    cost: str
    purchase_date: date
    payments: tuple[Payment, ...]
    retire_by: date
    registry: str
    late: bool
    firm: bool


class TierResult(Part):
    """What one tier covers."""

    tier: int
    name: str
    effective_t: str
    share: str
    """Of what is required."""
    share_of_covered: str
    cost: str
    note: str | None = None
    """Why the tier covers nothing, where the market or the rules leave it nothing to offer."""


class FiscalYear(Part):
    """Money of one fiscal year; `event_id` None is the calendar's shared budget."""

    event_id: str | None
    year: int
    budget: str | None
    spent: str
    carried: str
    """What goes on to the next year."""


class RegistryResult(Part):
    """What is to be cancelled where."""

    registry: str
    contracted_t: str
    lines: int
    retire_by: date
    """The earliest deadline among the lines."""


class LevelResult(Part):
    """One level: minimised in its turn, held for the next."""

    name: str
    unit: str
    value: str
    bound: str
    gap: str
    step: str
    proof: Literal["exact", "solver", "open"]
    solver_bound: str | None


class OfferReason(Part):
    """Why an offer is not used."""

    code: str
    message: str
    clause: str


class OfferState(Part):
    """What became of an offer for an event."""

    offer_id: str
    event_id: str
    state: Literal["used", "beaten", "left_out"]
    reasons: tuple[OfferReason, ...] = ()
    break_even: str | None = None
    """Highest all-in unit price at which it would be bought, yuan/t."""


class RulePrice(Part):
    """What one more unit of a rule's limit changes."""

    rule: str
    event_id: str | None
    marginal: str | None
    unit: str
    unique: bool | None
    missed_t: str | None = None


class Plan(Part):
    """The least-cost portfolio in the recommended order, with its reasons and its proof."""

    plan_id: str
    status: Literal["covered", "short"]
    as_of: date
    valid_until: date | None
    """The earliest `valid_until` among used lines; None: no line has one."""
    reproducible: bool
    objective: str | tuple[Json, ...]
    policy: PolicyRef
    events: tuple[EventResult, ...]
    totals: Totals
    lines: tuple[Line, ...]
    tiers: tuple[TierResult, ...]
    fiscal_years: tuple[FiscalYear, ...]
    registries: tuple[RegistryResult, ...]
    levels: tuple[LevelResult, ...]
    offers: tuple[OfferState, ...]
    offers_summary: Json
    """Counts by state and by reason, whatever `offers` shows."""
    rules: tuple[RulePrice, ...]
    price_of_order: Json | None
    cost_of_whole_lots: str | None
    """This plan's cost less the least LP cost with every earlier level held at this plan's values."""
    diagnosis: tuple[Json, ...]
    """When short: what the supply and each limit allow at most, in amounts."""
    repairs: tuple[Json, ...]
    warnings: tuple[Json, ...]
    problem: Json
    certificate: Json
    provenance: Json

    @property
    def lang(self) -> Language:
        """The language of the plan's sentences."""
        return "en" if self.provenance.get("lang") == "en" else "zh"

    def document(self) -> Json:
        """The plan as JSON data."""
        return self.model_dump(mode="json")

    def to_json(self) -> str:
        """The plan file: canonical content, indented for people."""
        return json.dumps(self.document(), ensure_ascii=False, indent=1) + "\n"

    @property
    def exit_code(self) -> int:
        """0: everything is covered and no min share is missed; 3: a valid plan that leaves something."""
        missed = any(r.missed_t is not None for r in self.rules)
        return 3 if self.status == "short" or missed else 0


def seal(content: Json) -> Plan:
    """A plan from its content without `plan_id`. The problem in it is plain JSON data, and hashed as it is."""
    unsealed = Plan(plan_id="", **content)
    rest = unsealed.model_dump(mode="json", exclude={"plan_id", "problem"}) | {"problem": content["problem"]}
    return unsealed.model_copy(update={"plan_id": sha256(rest)})


def seal_is_whole(document: Json) -> bool:
    """Whether `plan_id` is the hash of all else."""
    rest = {k: v for k, v in document.items() if k != "plan_id"}
    return document.get("plan_id") == sha256(rest)
