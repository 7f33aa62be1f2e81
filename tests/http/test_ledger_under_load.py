"""Many processes at once, and processes that are killed: nothing is oversold, nothing is lost, nothing counts twice.

`python -m benchmarks ledger` runs the same with 4,000 tries.
"""

import os
import signal
import time
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from api import settings
from api.access.scope import Records
from api.database.ledger_tables import fills, holds, lots, orders
from api.ledger import holds as holding
from api.ledger.accounts import ledger_faults
from api.ledger.holds import Client, LineHeld, release_expired
from api.ledger.inventory import adjust
from api.ledger.orders import accept, fill, lines_of_order
from api.refusals import Refused
from benchmarks.hammer import Bench, hold_scarce, opened, reported, stocked_bench, trade_until_killed

WORKERS, TRIES = 8, 30
LOTS, KG = 4, 45
"""180 kg in all for 240 tries of 1 kg."""


def together(work: Any, arguments: list[tuple[Any, ...]]) -> list[Any]:
    """Processes at work, forked from one that has imported everything already."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.hammer"])
    processes = [context.Process(target=work, args=given) for given in arguments]
    for process in processes:
        process.start()
    return processes


def ids_of(records: Records, bench: Bench, table: Any) -> set[str]:
    with records.reading(bench.actor) as scope:
        return {row["id"] for row in scope.rows(scope.select(table))}


def test_eight_processes_hold_no_kilogram_that_is_not_there(store_address: str, tmp_path: Path) -> None:
    bench, folder = stocked_bench(store_address, KG, LOTS), tmp_path / "notes"
    folder.mkdir()
    workers = together(hold_scarce, [(bench, k, TRIES, folder / str(k)) for k in range(WORKERS)])
    for worker in workers:
        worker.join(120)
        assert worker.exitcode == 0
    answers = reported(folder)
    granted = [hold for _, hold in answers if hold != "-"]
    assert len(answers) == WORKERS * TRIES and len(set(granted)) == len(granted)
    with opened(store_address) as records:
        # What was granted is there, and nothing else: a key that was asked twice counted once.
        assert ids_of(records, bench, holds) == set(granted)
        with records.reading(bench.actor) as scope:
            rows = scope.rows(scope.select(lots))
            assert ledger_faults(scope.c) == []
        assert sum(row["held_kg"] for row in rows) == len(granted)
        # Refusals were right: wherever one was refused, nothing is left.
        assert all(row["held_kg"] == KG for row in rows) or len(granted) == len(answers)
        assert any(hold == "-" for _, hold in answers)


def test_what_was_answered_outlives_kill_9_and_the_books_agree(store_address: str, tmp_path: Path) -> None:
    bench, folder = stocked_bench(store_address, 100_000, 6), tmp_path / "notes"
    folder.mkdir()
    for round_ in range(3):
        workers = together(trade_until_killed, [(bench, 10 * round_ + k, folder / f"{round_}-{k}") for k in range(2)])
        for k, worker in enumerate(workers):
            # After a number of answers that differs from round to round: at any point of whatever comes next.
            while len(reported_by(folder / f"{round_}-{k}")) < 5 + 7 * round_ + 3 * k:
                assert worker.is_alive()
                time.sleep(0.005)
            os.kill(worker.pid, signal.SIGKILL)
            worker.join()
        with opened(store_address) as records:
            with records.database.reading() as c:
                assert ledger_faults(c) == []
            answers = reported(folder)
            for kind, table in (("hold", holds), ("order", orders), ("fill", fills)):
                assert {thing for what, thing in answers if what == kind} <= ids_of(records, bench, table)


def reported_by(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines() if path.exists() else []


# ------------------------------------------------------------------------------------------------------------ the clock


@pytest.fixture
def held(store_address: str) -> Any:
    """A hold of ten minutes; the records and the lot."""
    bench = stocked_bench(store_address, 10, 1)
    with opened(store_address) as records:
        with records.writing(bench.actor) as scope:
            hold_id = holding.take(scope, Client("c"), [LineHeld(bench.lots[0], 10, 80, {"offer_id": "L0"})], 10)
        yield records, bench, hold_id


def wrong_clock(monkeypatch: pytest.MonkeyPatch, minutes: int) -> None:
    """This server's clock goes wrong; nothing else changes."""
    monkeypatch.setattr(settings, "now", lambda: datetime.now(UTC) + timedelta(minutes=minutes))


@pytest.mark.parametrize("store_address", ["postgresql"], indirect=True)
def test_a_server_whose_clock_is_wrong_neither_ends_nor_prolongs_a_hold(held: Any, monkeypatch: Any) -> None:
    records, bench, hold_id = held
    wrong_clock(monkeypatch, 60)
    assert release_expired(records) == 0
    with pytest.raises(Refused), records.writing(bench.actor) as scope:
        holding.take(scope, Client("other"), [LineHeld(bench.lots[0], 1, 8, {"offer_id": "L0"})], 10)
    wrong_clock(monkeypatch, -60)
    with records.writing(bench.actor) as scope:
        holding.release(scope, hold_id, "")
        late = holding.take(scope, Client("c"), [LineHeld(bench.lots[0], 10, 80, {"offer_id": "L0"})], 10)
        row = scope.one(holds, late)
        assert datetime.now(UTC) < datetime.fromisoformat(row["expires_at"]) < datetime.now(UTC) + timedelta(minutes=11)


@pytest.mark.parametrize("store_address", ["sqlite"], indirect=True)
def test_an_expired_hold_is_given_back_and_never_becomes_an_order(held: Any, monkeypatch: Any) -> None:
    records, bench, hold_id = held
    wrong_clock(monkeypatch, 10)  # on one machine the clock is the machine's: ten minutes later
    with pytest.raises(Refused, match="expired"), records.writing(bench.actor) as scope:
        accept(scope, hold_id)
    with records.reading(bench.actor) as scope:
        assert holding.state_of(scope, scope.one(holds, hold_id)) == "expired"
    assert release_expired(records) == 1 and release_expired(records) == 0
    with pytest.raises(Refused, match="expired"), records.writing(bench.actor) as scope:
        accept(scope, hold_id)
    with records.writing(bench.actor) as scope:
        holding.take(scope, Client("other"), [LineHeld(bench.lots[0], 10, 80, {"offer_id": "L0"})], 10)
        assert ledger_faults(scope.c) == []


# ------------------------------------------------------------------------------------------------ the books themselves

WRONGS = {
    "UPDATE lots SET stock_kg = stock_kg + 1": {"moves"},
    "UPDATE lots SET held_kg = held_kg - 1": {"moves", "held"},
    "UPDATE holds SET state = 'released' WHERE state = 'ordered'": {"hold"},
    "UPDATE holds SET state = 'released' WHERE state = 'active'": {"held"},
    "UPDATE orders SET state = 'filled'": {"order"},
    "UPDATE order_lines SET filled_kg = filled_kg + 1": {"filled", "held"},
    "UPDATE order_lines SET cancelled_kg = cancelled_kg + 1": {"held"},
    "DELETE FROM order_lines WHERE filled_kg = 0": {"order", "hold", "held"},
    "DROP TRIGGER lot_moves_no_update; UPDATE lot_moves SET stock_kg = stock_kg + 1 WHERE kind = 'hold'": {"chain"},
    "DROP TRIGGER fills_no_delete; DELETE FROM fills": {"filled"},
    "DROP TRIGGER lot_moves_no_delete; DELETE FROM lot_moves WHERE kind <> 'fill'": {"moves", "chain", "oversold"},
}
"""What somebody could do to the tables, and the sums that then do not agree."""


@pytest.mark.parametrize("store_address", ["sqlite"], indirect=True)
@pytest.mark.parametrize("wrong", WRONGS)
def test_every_sum_that_does_not_agree_is_found(wrong: str, held: Any) -> None:
    records, bench, _ = held
    lot, facts = bench.lots[0], {"offer_id": "L0"}
    with records.writing(bench.actor) as scope:
        adjust(scope, lot, change_kg=20, terms={}, reason="more", expected=None)
        for kg, delivered in ((6, 2), (5, 0)):
            order_id = accept(scope, holding.take(scope, Client("c"), [LineHeld(lot, kg, 8, facts)], 10))
            line = lines_of_order(scope, order_id)[0]
            if delivered:
                fill(scope, order_id, line.id, delivered, "")
        assert ledger_faults(scope.c) == []
    with records.database.writing() as c:
        for statement in wrong.split(";"):
            c.execute(text(statement))
        assert {one.what for one in ledger_faults(c)} >= WRONGS[wrong]
