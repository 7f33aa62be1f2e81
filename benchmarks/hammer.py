"""Brokers at work from many processes at once: holds of scarce lots, and whole orders that may be cut off at any point.

What a worker was answered it writes down at once in a file of its own, so that whoever killed it knows what was
promised. The tests run it small, `python -m benchmarks ledger` at full size.
"""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from api.access.founding import prepare
from api.access.scope import Actor, Records, Scope, moment
from api.archive.replies import Asked, Reply, earlier_reply, keep_reply
from api.database.ledger_tables import lots
from api.database.opening import open_service_database
from api.ledger import holds, inventory, orders
from api.ledger.holds import Client, LineHeld
from api.planning import offers_of
from api.refusals import Refused

BROKER = "hammered"


@dataclass(frozen=True)
class Bench:
    """A database with an inventory, as workers of other processes open it."""

    address: str
    organisation_id: str
    lots: tuple[str, ...]

    @property
    def actor(self) -> Actor:
        """A broker of the organisation."""
        return Actor(self.organisation_id, BROKER, "somebody", "somebody", frozenset({"broker"}), "command")


def stocked_bench(address: str, kg: int, count: int, name: str = BROKER) -> Bench:
    """An inventory of so many lots of so many kg each, in an organisation of its own."""
    from api.access import people

    with opened(address) as records:
        with records.database.writing() as c:
            owner = people.add_organisation(c, name, moment(c))
        bench = Bench(address, owner, ())
        rows = [
            {
                "offer_id": f"L{k}",
                "instrument": "ccer",
                "quantity": f"{kg / 1000:.3f}",
                "price": "80",
                "lot_size": "0.001",
            }
            for k in range(count)
        ]
        with records.writing(bench.actor) as scope:
            inventory.import_offers(scope, offers_of(rows), "new")
            ids = tuple(row["id"] for row in scope.rows(scope.select(lots).order_by(lots.c.offer_id)))
    return Bench(address, owner, ids)


@contextmanager
def opened(address: str) -> Iterator[Records]:
    """The records of a database, for one process."""
    database = open_service_database(address)
    try:
        prepare(database)
        yield Records(database)
    finally:
        database.close()


def hold_scarce(bench: Bench, worker: int, tries: int, notes: Path) -> None:
    """`hold_some` on a database of this process's own opening."""
    with opened(bench.address) as records:
        hold_some(records, bench, worker, tries, notes)


def hold_some(records: Records, bench: Bench, worker: int, tries: int, notes: Path) -> None:
    """Tries to hold 1 kg of a lot so many times, each under a key; every tenth is asked again under the same key.

    Notes `key hold` for each that was granted, `key -` for each that was refused.
    """
    dice = random.Random(worker)
    with notes.open("ab", buffering=0) as out:
        for k in range(tries):
            lot, key = dice.choice(bench.lots), f"{worker}-{k}"
            answers = [once(records, bench.actor, key, lot) for _ in range(2 if k % 10 == 0 else 1)]
            assert len(set(answers)) == 1 or answers[0] == "-", "a key was answered in two ways"
            out.write(f"{key} {answers[-1]}\n".encode())


def once(records: Records, actor: Actor, key: str, lot: str) -> str:
    """Holds 1 kg under a key; gives the hold's id, `-` where nothing is left."""
    asked = Asked(key, actor.user_id, "POST", "/v1/holds", lot.encode())
    try:
        with records.writing(actor) as scope:
            earlier = earlier_reply(scope, asked)
            if earlier is not None:
                return earlier.body.decode()
            hold_id = holds.take(scope, Client("client"), [LineHeld(lot, 1, 8, {"offer_id": lot})], 60)
            keep_reply(scope, asked, Reply(201, hold_id.encode(), {}))
            return hold_id
    except Refused as refusal:
        if refusal.code != "sold_out":
            raise
        return "-"


def trade_until_killed(bench: Bench, seed: int, notes: Path) -> None:
    """Holds, releases, orders, delivers and cancels at random, for ever; notes what was answered."""
    dice = random.Random(seed)
    with opened(bench.address) as records, notes.open("ab", buffering=0) as out:

        def done(work: Callable[[Scope], str]) -> str | None:
            try:
                with records.writing(bench.actor) as scope:
                    answer = work(scope)
            except Refused:
                return None
            out.write(f"{answer}\n".encode())
            return answer.split()[1]

        while True:
            wanted = [
                LineHeld(lot, dice.randint(1, 5), dice.randint(1, 999), {"offer_id": lot})
                for lot in dice.sample(bench.lots, dice.randint(1, 3))
            ]
            hold_id = done(lambda scope, wanted=wanted: f"hold {holds.take(scope, Client('c'), wanted, 60)}")  # type: ignore[misc]
            if hold_id is None or dice.random() < 0.3:
                if hold_id is not None:
                    done(lambda scope, one=hold_id: _released(scope, one))  # type: ignore[misc]
                continue
            order_id = done(lambda scope, one=hold_id: f"order {orders.accept(scope, one)}")  # type: ignore[misc]
            if order_id is not None and dice.random() < 0.5:
                done(lambda scope, one=order_id: _filled(scope, one))  # type: ignore[misc]
                done(lambda scope, one=order_id: _cancelled(scope, one))  # type: ignore[misc]


def _released(scope: Scope, hold_id: str) -> str:
    holds.release(scope, hold_id, "")
    return f"release {hold_id}"


def _filled(scope: Scope, order_id: str) -> str:
    line = orders.lines_of_order(scope, order_id)[0]
    return f"fill {orders.fill(scope, order_id, line.id, max(line.open_kg // 2, 1), '')}"


def _cancelled(scope: Scope, order_id: str) -> str:
    orders.cancel(scope, order_id, "")
    return f"cancel {order_id}"


def reported(folder: Path) -> list[list[str]]:
    """What workers were answered: the words of every whole line that they noted."""
    lines = [line for path in sorted(folder.iterdir()) for line in path.read_bytes().decode().splitlines(keepends=True)]
    return [line.split() for line in lines if line.endswith(os.linesep)]
