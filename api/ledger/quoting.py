"""Quotes as pure work: events and an inventory in, plans at the broker's selling prices out. No database, no clock.

Several events share one inventory and are served one after the other, by priority class, then by id: each sees what
the earlier ones left. So a batch can be made by a server, by one of its processes, or by a job, and is the same.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np

from api.archive.documents import Packed, packed
from api.event_files import calendar_of
from api.ledger.margins import Margin, PriceList, fee_fen
from api.plain_data import PlainData
from api.planning import PlanTask, Unplanned, offers_of, problem_of_task
from market_data import OffersFile
from optimizer import BadInput, Plan, Problem, plan
from optimizer.eligibility import screen
from optimizer.engine import Explain
from optimizer.errors import Cancelled
from optimizer.events import Event
from optimizer.findings import Finding, fault
from optimizer.offers import Offers
from optimizer.quantities import fen_of, kg_of
from optimizer.wording import Language

DESCRIBED = ("instrument", "mechanism", "project_id", "project_name", "methodology", "region", "vintage")
"""What a client is told of a lot that they buy."""


@dataclass(frozen=True)
class QuoteTask:
    """What is to be quoted, as plain values that travel between processes."""

    events: tuple[Any, ...]
    """Each as in an event file, one event."""
    lots: tuple[Mapping[str, Any], ...]
    """Rows of an offers file, as they cost, with what is available; and `lot`, the lot's id (`inventory.available`)."""
    margin: Margin
    as_of: date
    firm: bool
    """Firm quotes are made of firm lots only."""
    policy: str | None = None
    packs: Mapping[str, Any] = field(default_factory=dict)
    """The organisation's own rule packs by id, as plain values."""
    objective: Any = None
    epsilon: Any = None
    budget: Any = None
    explain: Explain = "none"
    lang: Language = "zh"
    seconds_max: float | None = None
    """From when the work begins; longer is refused."""


@dataclass(frozen=True)
class LineMade:
    """One line of a quote."""

    lot_id: str
    kg: int
    price_fen: int
    """What the client pays for the line."""
    cost_fen: int
    """What the broker pays for it. Never shown to the client."""
    facts: Mapping[str, Any]
    """Of the lot and of the plan's line; no cost and no seller among them."""
    seller: str


@dataclass(frozen=True)
class QuoteMade:
    """A quote before it is kept."""

    place: int
    """Of the event in the task."""
    event_id: str
    event_name: str
    status: str
    plan_id: str
    plan: Packed
    required_kg: int
    covered_kg: int
    lines: tuple[LineMade, ...]
    fee_fen: int
    """What is asked beside the lines, to reach the minimum margin."""
    valid_until: date | None
    """The last day on which every line's lot is for sale; None: no lot says."""

    @property
    def price_fen(self) -> int:
        """What the client pays in all."""
        return sum(line.price_fen for line in self.lines) + self.fee_fen

    @property
    def cost_fen(self) -> int:
        """What the broker pays in all."""
        return sum(line.cost_fen for line in self.lines)


def quoted_or_refused(task: QuoteTask) -> tuple[QuoteMade, ...] | Unplanned:
    """The answer to a task as values that travel between processes."""
    try:
        return quote_batch(task)
    except BadInput as error:
        return Unplanned(error.findings)
    except Cancelled:
        return Unplanned(())


def quote_batch(
    task: QuoteTask,
    cancelled: Callable[[], bool] | None = None,
    report: Callable[[int, int], None] | None = None,
) -> tuple[QuoteMade, ...]:
    """A quote for every event of a task, in the order in which they are served.

    Args:
        task: events, inventory, margin.
        cancelled: asked now and then; True stops the work.
        report: called before each event with how many are done, and how many there are.

    Raises:
        BadInput: every fault of every event at once, placed by the keys of the body.
        Cancelled: it took too long, or was asked to stop.
    """
    ends = None if task.seconds_max is None else time.monotonic() + task.seconds_max

    def stopping() -> bool:
        return (ends is not None and time.monotonic() > ends) or (cancelled is not None and cancelled())

    shelf = _Shelf(task)
    order = _order(task)
    made = []
    for done, k in enumerate(order):
        if report is not None:
            report(done, len(order))
        made.append(shelf.quote(k, stopping))
    return tuple(made)


def _order(task: QuoteTask) -> list[int]:
    """The places of the events in the order of service. Raises BadInput with every fault of every event."""
    found: list[Finding] = []
    served: list[tuple[int, str, int]] = []
    for k, given in enumerate(task.events):
        try:
            event = _one_event(given)
            served.append((event.priority_class, event.id, k))
        except BadInput as error:
            found += _placed(task, k, [replace(f, path=f"event.{f.path}".rstrip(".")) for f in error.findings])
    ids = [event_id for _, event_id, _ in served]
    doubled = sorted({i for i in ids if ids.count(i) > 1}) if len(set(ids)) < len(ids) else []
    zh, en = "活动编号重复; 一批中每个活动一份报价", "stands twice; a batch has one quote for an event"
    found += [fault("event_id", zh, en, path="events", value=event_id) for event_id in doubled]
    if found:
        raise BadInput(found)
    return [k for _, _, k in sorted(served)]


def _one_event(given: Any) -> Event:
    calendar = calendar_of(PlainData(given, ""), None)
    if len(calendar.events) > 1:
        zh, en = "应为一个活动; 多个活动请用批量报价", "should be one event; ask for a batch of quotes for several"
        raise BadInput([fault("one_event", zh, en, path="events")])
    return calendar.events[0]


def _placed(task: QuoteTask, k: int, findings: Sequence[Finding]) -> list[Finding]:
    """Complaints about the event at a place, placed by the keys of the body."""
    if len(task.events) == 1:
        return list(findings)
    return [replace(f, path=f"events[{k}].{f.path}") if f.path.startswith("event") else f for f in findings]


class _Shelf:
    """The inventory while it is sold, one event after the other."""

    def __init__(self, task: QuoteTask) -> None:
        self.task = task
        rows = [row for row in task.lots if row.get("firm", True) or not task.firm]
        if not rows:
            kind_zh, kind_en = ("确定报价的", "firm ") if task.firm else ("", "")
            zh, en = f"库存中没有可售的{kind_zh}批次", f"no {kind_en}lot of the inventory can be sold"
            raise BadInput([fault("inventory_empty", zh, en, path="offers")])
        self.lot_ids = {str(row["offer_id"]): str(row["lot"]) for row in rows}
        self.offers = offers_of([{k: v for k, v in row.items() if k != "lot"} for row in rows]).offers
        self.offers = self.offers.take(self.offers.by_id)
        self.row_of = {str(offer_id): i for i, offer_id in enumerate(self.offers.offer_id)}
        self.left_kg = self.offers.quantity_kg.copy()
        self._lists: dict[tuple[str, str], PriceList] = {}

    def quote(self, k: int, stopping: Callable[[], bool]) -> QuoteMade:
        """The quote for the event at a place; what it takes is off the shelf. Raises BadInput, Cancelled."""
        task = self.task
        try:
            problem = problem_of_task(self._plan_task(k), self._market())
            prices = self._price_list(problem)
            there = problem.replace(offers=self._left(prices.selling))
            made = plan(there, explanations=task.explain, lang=task.lang, cancelled=stopping)
        except BadInput as error:
            raise BadInput(_placed(task, k, error.findings)) from error
        lines = tuple(self._line(made, at, prices, problem.settings.whole_lots) for at in range(len(made.lines)))
        for line in lines:
            self.left_kg[self.row_of[line.facts["offer_id"]]] -= line.kg
        sold, cost = sum(line.price_fen for line in lines), sum(line.cost_fen for line in lines)
        event = made.events[0]
        return QuoteMade(
            k,
            event.id,
            problem.events[0].name,
            made.status,
            made.plan_id,
            packed(made.model_dump_json().encode()),
            kg_of(event.required_t),
            kg_of(event.covered_t),
            lines,
            fee_fen(task.margin, sold, cost) if lines else 0,
            made.valid_until,
        )

    def _plan_task(self, k: int) -> PlanTask:
        task, event = self.task, self.task.events[k]
        name = task.policy if task.policy is not None else event.get("policy")
        return PlanTask(
            event=event,
            as_of=task.as_of,
            policy=task.policy,
            pack=task.packs.get(str(name)),
            objective=task.objective,
            epsilon=task.epsilon,
            budget=task.budget,
            lang=task.lang,
        )

    def _market(self) -> OffersFile:
        return OffersFile(self._left(self.offers), (), "", "inventory")

    def _left(self, offers: Offers) -> Offers:
        """What is left of each lot; lots that are sold out are left out, but for one where all are."""
        there = self.left_kg > 0
        if not there.any():
            there = np.arange(len(there)) == 0
        return offers.replace(quantity_kg=self.left_kg.copy()).take(np.flatnonzero(there))

    def _price_list(self, problem: Problem) -> PriceList:
        """The whole inventory's prices under the event's rule pack and settings, on which tiers depend."""
        key = problem.rule_pack.sha256, str(problem.settings.dump())
        if key not in self._lists:
            tier = screen(problem.replace(offers=self.offers)).tier
            self._lists[key] = PriceList(self.offers, self.task.margin.rule_of_each(self.offers, tier))
        return self._lists[key]

    def _line(self, made: Plan, at: int, prices: PriceList, whole_lots: bool) -> LineMade:
        line = made.lines[at]
        i, kg = self.row_of[line.offer_id], kg_of(line.contracted_t)
        offer = self.offers[i]
        facts = {name: value for name in DESCRIBED if (value := getattr(offer, name)) not in ("", 0)}
        told = {
            "offer_id": line.offer_id,
            "event_id": line.event_id,
            "tier": line.tier,
            "effective_t": line.effective_t,
            "unit_price": line.unit_price,
            "purchase_date": line.purchase_date.isoformat(),
            "retire_by": line.retire_by.isoformat(),
            "registry": line.registry,
            "firm": line.firm,
        }
        cost = prices.line_cost_fen(i, kg, whole_lots)
        return LineMade(self.lot_ids[line.offer_id], kg, fen_of(line.cost), cost, {**facts, **told}, offer.seller)
