"""The ledger's model with quotes and a client who answers them: done in whatever order, both say the same."""

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule, run_state_machine_as_test

from api.access import people, trail
from api.access.founding import prepare
from api.access.received import received_quotes
from api.access.scope import Actor, Records
from api.archive.documents import packed
from api.database.ledger_tables import lots, orders
from api.database.opening import open_service_database
from api.ledger import accepting, quotes
from api.ledger.holds import Client
from api.ledger.margins import Margin
from api.ledger.quoting import LineMade, QuoteMade, QuoteTask
from api.refusals import Refused
from tests.http.test_ledger_laws import KG, Kept, Ledger

DAY = date(2026, 11, 22)


@dataclass
class Offered:
    """A quote of the model: lot -> kg."""

    lines: dict[str, int]
    ends: datetime
    firm: bool
    answer: str = ""
    hold_id: str = ""


class AnsweredLedger(Ledger):
    """What a broker and a client do."""

    def __init__(self) -> None:
        super().__init__()
        with self.records.database.writing() as c:
            client = people.add_organisation(c, f"client {datetime.now(UTC).isoformat()}", datetime.now(UTC))
        self.client = Actor(client, "client", "buyer", "buyer", frozenset({"finance"}), "command")
        self.quotes: dict[str, Offered] = {}

    @contextmanager
    def answering(self) -> Any:
        with self.records.writing(self.client) as scope:
            scope.now = self.now
            yield scope

    def drawn(self, data: Any) -> tuple[str, Offered]:
        quote_id = data.draw(st.sampled_from(list(self.quotes)))
        return quote_id, self.quotes[quote_id]

    def hold_of(self, quote: Offered) -> Kept | None:
        """The hold or order that a quote has; an overdue hold is none, whether or not it has been given back."""
        kept = self.kept.get(quote.hold_id)
        lasts = kept is not None and (kept.state == "ordered" or self.is_active(kept))
        return kept if lasts else None

    def is_active(self, kept: Kept) -> bool:
        return kept.state == "active" and kept.expires > self.now

    def can_be_held(self, quote: Offered) -> bool:
        overdue = [k for k in self.kept.values() if k.state == "active" and not self.is_active(k)]
        held = {n: self.held(n) - sum(k.lines.get(n, 0) for k in overdue) for n in quote.lines}
        enough = all(held[n] + kg <= self.stock[n] for n, kg in quote.lines.items())
        stands = quote.firm and quote.ends > self.now and quote.answer != "declined"
        return stands and self.hold_of(quote) is None and enough

    # ------------------------------------------------------------------------------------------------------ the broker

    @precondition(lambda self: self.stock)
    @rule(data=st.data(), minutes=st.integers(1, 120), firm=st.sampled_from([True, True, True, False]))
    def quote(self, data: Any, minutes: int, firm: bool) -> None:
        names = data.draw(st.sets(st.sampled_from(sorted(self.stock)), min_size=1))
        lines = {n: data.draw(KG) for n in sorted(names)}
        made = tuple(LineMade(self.ids[n], kg, kg * 7, kg * 5, {"offer_id": n}, "seller") for n, kg in lines.items())
        kg, plan = sum(lines.values()), packed(b"{}")
        one = QuoteMade(0, "event", "event", "covered", "0" * 64, plan, kg, kg, made, 3, None)
        papers = quotes.ready(QuoteTask((), (), Margin(), DAY, firm), [one], "broker")
        ends = self.now + timedelta(minutes=minutes)
        with self.writing() as scope:
            (quote_id,) = quotes.keep_quotes(scope, papers, [Client("client", self.client.organisation_id)], ends)
        self.quotes[quote_id] = Offered(lines, ends, firm)

    @precondition(lambda self: self.quotes)
    @rule(data=st.data(), minutes=st.integers(1, 60))
    def hold_quote(self, data: Any, minutes: int) -> None:
        quote_id, quote = self.drawn(data)

        def work() -> str:
            with self.writing() as scope:
                return quotes.hold_quote(scope, quote_id, minutes, "")

        if not self.can_be_held(quote):
            with pytest.raises(Refused):
                work()
            return
        quote.hold_id = work()
        self.expire()
        self.kept[quote.hold_id] = Kept(dict(quote.lines), self.now + timedelta(minutes=minutes))

    # ------------------------------------------------------------------------------------------------------ the client

    @precondition(lambda self: self.quotes)
    @rule(data=st.data())
    def client_accepts(self, data: Any) -> None:
        quote_id, quote = self.drawn(data)
        hold = self.hold_of(quote)

        def work() -> None:
            with self.answering() as scope:
                accepting.accept_quote(scope, quote_id)

        becomes_the_order = hold is not None and self.is_active(hold) and quote.ends > self.now and not quote.answer
        if not becomes_the_order and not self.can_be_held(quote):
            with pytest.raises(Refused):
                work()
            return
        work()
        if hold is None:
            self.expire()
        with self.records.reading(self.actor) as scope:
            order = next(o for o in self.orders_in(scope) if o["quote_id"] == quote_id)
        assert hold is None or order["hold_id"] == quote.hold_id
        quote.hold_id, quote.answer = order["hold_id"], "accepted"
        kept = self.kept.setdefault(quote.hold_id, Kept(dict(quote.lines), self.now))
        kept.state, kept.order_id, kept.open = "ordered", order["id"], dict(quote.lines)

    @precondition(lambda self: self.quotes)
    @rule(data=st.data(), decline=st.booleans())
    def client_declines_or_takes_it_back(self, data: Any, decline: bool) -> None:
        quote_id, quote = self.drawn(data)
        hold = self.hold_of(quote)

        def work() -> None:
            with self.answering() as scope:
                if decline:
                    accepting.decline_quote(scope, quote_id, "no")
                else:
                    accepting.reopen_quote(scope, quote_id)

        ordered = hold is not None and hold.state == "ordered"
        free = not ordered and not quote.answer if decline else quote.answer == "declined"
        if not free or quote.ends <= self.now:
            with pytest.raises(Refused):
                work()
            return
        work()
        quote.answer = "declined" if decline else ""
        if quote.hold_id:
            self.kept[quote.hold_id].declined = decline

    # -------------------------------------------------------------------------------------------------- after each step

    def orders_in(self, scope: Any) -> Any:
        return scope.rows(scope.select(orders))

    @invariant()
    def the_client_reads_what_was_answered_and_ordered(self) -> None:
        with self.records.reading(self.client) as scope:
            scope.now = self.now
            rows, _ = received_quotes(scope, 500, None)
            shown = {one["id"]: one for one in accepting.received_documents(scope, rows)}
            assert scope.rows(scope.select(lots)) == []
        assert shown.keys() == self.quotes.keys()
        for quote_id, quote in self.quotes.items():
            answer, kept = shown[quote_id]["answer"], self.kept.get(quote.hold_id)
            assert (answer or {"state": ""})["state"] == quote.answer
            assert (shown[quote_id]["order_id"] or "") == (kept.order_id if kept is not None else "")

    def teardown(self) -> None:
        """The trail is whole. It only grows, so that no break heals: to read it behind the last step is enough."""
        with self.records.reading(self.client) as scope:
            assert list(trail.breaks(scope.c)) == []


def test_the_ledger_and_the_client_do_what_the_model_does(store_address: str) -> None:
    database = open_service_database(store_address)
    try:
        prepare(database)
        AnsweredLedger.records = Records(database)
        sized = settings(
            max_examples=10,
            stateful_step_count=30,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        run_state_machine_as_test(AnsweredLedger, settings=sized)
    finally:
        database.close()
