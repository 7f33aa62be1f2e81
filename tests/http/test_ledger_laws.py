"""The ledger against a model of a few lines of Python: whatever is done in whatever order, both say the same.

After every step the ledger is also held against itself (`ledger_faults`), and no lot is ever oversold.
"""

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from api.access import people
from api.access.founding import prepare
from api.access.scope import Actor, Records
from api.database.ledger_tables import lots
from api.database.opening import open_service_database
from api.ledger import holds, inventory, orders
from api.ledger.accounts import ledger_faults
from api.ledger.holds import Client, LineHeld
from api.planning import offers_of
from api.refusals import Refused
from optimizer.errors import BadInput

NAMES = ("A", "B", "C")
KG = st.integers(1, 12)
REASON = "count"


@dataclass
class Kept:
    """A hold or an order of the model: lot -> kg."""

    lines: dict[str, int]
    expires: datetime
    state: str = "active"
    order_id: str = ""
    open: dict[str, int] = field(default_factory=dict)
    filled: dict[str, int] = field(default_factory=dict)
    declined: bool = False
    """Its quote, by its client."""


class Ledger(RuleBasedStateMachine):
    """What a broker does, on a database and in a model."""

    records: Records
    actor: Actor

    def __init__(self) -> None:
        super().__init__()
        with self.records.database.writing() as c:
            owner = people.add_organisation(c, f"broker {datetime.now(UTC).isoformat()}", datetime.now(UTC))
        self.actor = Actor(owner, "broker", "somebody", "somebody", frozenset({"broker"}), "command")
        self.now = datetime.now(UTC) + timedelta(hours=1)
        self.stock: dict[str, int] = {}
        self.ids: dict[str, str] = {}
        self.kept: dict[str, Kept] = {}

    # ------------------------------------------------------------------------------------------------------ the model

    def held(self, name: str) -> int:
        holding = sum(k.lines.get(name, 0) for k in self.kept.values() if k.state == "active")
        return holding + sum(k.open.get(name, 0) for k in self.kept.values() if k.state == "ordered")

    def expire(self) -> None:
        for kept in self.kept.values():
            if kept.state == "active" and kept.expires <= self.now:
                kept.state = "expired"

    def active(self) -> list[str]:
        return [hold_id for hold_id, kept in self.kept.items() if kept.state == "active"]

    def ordered(self) -> list[str]:
        return [hold_id for hold_id, kept in self.kept.items() if kept.state == "ordered"]

    @contextmanager
    def writing(self) -> Any:
        with self.records.writing(self.actor) as scope:
            scope.now = self.now
            yield scope

    # ------------------------------------------------------------------------------------------------------- the rules

    @rule(names=st.sets(st.sampled_from(NAMES), min_size=1), kg=KG, mode=st.sampled_from(["new", "add", "replace"]))
    def import_offers(self, names: set[str], kg: int, mode: Any) -> None:
        rows = [
            {"offer_id": n, "instrument": "ccer", "quantity": f"0.{kg:03d}", "price": "80", "lot_size": "0.001"}
            for n in sorted(names)
        ]
        known = names & self.stock.keys()
        refused = bool(known) if mode == "new" else mode == "replace" and any(kg < self.held(n) for n in known)
        if refused:
            with pytest.raises(BadInput), self.writing() as scope:
                inventory.import_offers(scope, offers_of(rows), mode)
            return
        with self.writing() as scope:
            inventory.import_offers(scope, offers_of(rows), mode)
            self.ids |= {row["offer_id"]: row["id"] for row in scope.rows(scope.select(lots))}
        for n in names:
            self.stock[n] = kg + (self.stock.get(n, 0) if mode == "add" else 0)

    @precondition(lambda self: self.stock)
    @rule(data=st.data(), change=st.integers(-12, 12))
    def adjust(self, data: Any, change: int) -> None:
        name = data.draw(st.sampled_from(sorted(self.stock)))

        def work() -> None:
            with self.writing() as scope:
                inventory.adjust(scope, self.ids[name], change_kg=change, terms={}, reason=REASON, expected=None)

        if self.stock[name] + change < self.held(name):
            with pytest.raises(BadInput):
                work()
        else:
            work()
            self.stock[name] += change

    @precondition(lambda self: self.stock)
    @rule(data=st.data(), minutes=st.integers(1, 60))
    def take(self, data: Any, minutes: int) -> None:
        names = data.draw(st.sets(st.sampled_from(sorted(self.stock)), min_size=1))
        lines = {n: data.draw(KG) for n in sorted(names)}
        wanted = [LineHeld(self.ids[n], kg, kg * 7, {"offer_id": n}) for n, kg in lines.items()]
        self.expire()
        if any(self.held(n) + kg > self.stock[n] for n, kg in lines.items()):
            with pytest.raises(Refused) as refusal, self.writing() as scope:
                holds.take(scope, Client("client"), wanted, minutes)
            short = {n for n, kg in lines.items() if self.held(n) + kg > self.stock[n]}
            assert {f.value for f in refusal.value.findings} == short
            # The transaction left nothing: not even what it would have given back.
            with self.writing() as scope:
                holds.give_back_overdue(scope)
            return
        with self.writing() as scope:
            hold_id = holds.take(scope, Client("client"), wanted, minutes)
        self.kept[hold_id] = Kept(lines, self.now + timedelta(minutes=minutes))

    @precondition(lambda self: self.active())
    @rule(data=st.data())
    def release(self, data: Any) -> None:
        hold_id = data.draw(st.sampled_from(self.active()))
        with self.writing() as scope:
            holds.release(scope, hold_id, REASON)
        self.kept[hold_id].state = "released"

    @rule(minutes=st.integers(1, 90), sweep=st.booleans())
    def time_passes(self, minutes: int, sweep: bool) -> None:
        self.now += timedelta(minutes=minutes)
        if sweep:
            due = [k for k in self.kept.values() if k.state == "active" and k.expires <= self.now]
            with self.writing() as scope:
                assert holds.give_back_overdue(scope) == len(due)
            self.expire()

    @precondition(lambda self: self.kept)
    @rule(data=st.data())
    def accept(self, data: Any) -> None:
        hold_id = data.draw(st.sampled_from(list(self.kept)))
        kept = self.kept[hold_id]
        if kept.state != "active" or kept.expires <= self.now or kept.declined:
            with pytest.raises(Refused), self.writing() as scope:
                orders.accept(scope, hold_id)
            return
        with self.writing() as scope:
            kept.order_id = orders.accept(scope, hold_id)
        kept.state, kept.open = "ordered", dict(kept.lines)

    @precondition(lambda self: self.ordered())
    @rule(data=st.data(), kg=KG)
    def fill(self, data: Any, kg: int) -> None:
        kept = self.kept[data.draw(st.sampled_from(self.ordered()))]
        name = data.draw(st.sampled_from(sorted(kept.lines)))

        def work() -> None:
            with self.writing() as scope:
                lines = orders.lines_of_order(scope, kept.order_id)
                line = next(line for line in lines if line.lot_id == self.ids[name])
                orders.fill(scope, kept.order_id, line.id, kg, "receipt")

        if kg > kept.open[name]:
            with pytest.raises(Refused):
                work()
            return
        work()
        kept.open[name] -= kg
        kept.filled[name] = kept.filled.get(name, 0) + kg
        self.stock[name] -= kg

    @precondition(lambda self: self.ordered())
    @rule(data=st.data())
    def cancel(self, data: Any) -> None:
        kept = self.kept[data.draw(st.sampled_from(self.ordered()))]
        if not any(kept.open.values()):
            with pytest.raises(Refused), self.writing() as scope:
                orders.cancel(scope, kept.order_id, REASON)
            return
        with self.writing() as scope:
            orders.cancel(scope, kept.order_id, REASON)
        kept.open = dict.fromkeys(kept.open, 0)

    # -------------------------------------------------------------------------------------------------- after each step

    @invariant()
    def both_say_the_same(self) -> None:
        with self.records.reading(self.actor) as scope:
            rows = {row["offer_id"]: (row["stock_kg"], row["held_kg"]) for row in scope.rows(scope.select(lots))}
            assert rows == {n: (kg, self.held(n)) for n, kg in self.stock.items()}
            assert ledger_faults(scope.c) == []
            for kept in self.kept.values():
                if kept.order_id:
                    self.same_order(scope, kept)

    def same_order(self, scope: Any, kept: Kept) -> None:
        lines = {line.facts["offer_id"]: line for line in orders.lines_of_order(scope, kept.order_id)}
        assert {n: line.open_kg for n, line in lines.items()} == kept.open
        assert {n: line.filled_kg for n, line in lines.items() if line.filled_kg} == kept.filled
        assert orders.find_order(scope, kept.order_id)["state"] == orders.state_of(list(lines.values()))


def test_the_ledger_does_what_the_model_does(store_address: str) -> None:
    database = open_service_database(store_address)
    try:
        prepare(database)
        Ledger.records = Records(database)
        sized = settings(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        run_state_machine_as_test(Ledger, settings=sized)
    finally:
        database.close()
