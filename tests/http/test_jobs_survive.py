"""Jobs and real processes: servers and workers that are killed, workers that share, the worker of a server."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import RowMapping, select

from api import cli
from api.database.job_tables import jobs, workers
from market_data.store_opening import Database
from tests.forking import Process
from tests.http.conftest import AS_OF, EVENT, OFFERS, QUESTION, caller, serving, working

WAIT_SECONDS = 240.0
"""For what takes seconds: the machines that test are shared."""
DRAWS = 4000
"""In ranges of 500 at most: 8 chunks, each told."""


def until[T](what: Callable[[], T | None]) -> T:
    """What comes true in the end."""
    ends = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < ends:
        found = what()
        if found:
            return found
        time.sleep(0.3)
    raise AssertionError("it did not come true")


def rows_of(database: Database, table: Any) -> list[RowMapping]:
    with database.reading() as c:
        return list(c.execute(select(table)).mappings())


def row_of(database: Database, job: str) -> RowMapping:
    return next(r for r in rows_of(database, jobs) if r["id"] == job)


def ask(client: Any, **options: Any) -> str:
    answer = client.post("/v1/jobs", json={**QUESTION, **options})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


@pytest.fixture(scope="module")
def command_answer(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `jinheng sweep` answers."""
    folder = tmp_path_factory.mktemp("command")
    (folder / "event.json").write_text(json.dumps(EVENT))
    (folder / "offers.json").write_text(json.dumps(OFFERS))
    files = [str(folder / "event.json"), "--offers", str(folder / "offers.json"), "--as-of", AS_OF]
    more = ["--draws", str(DRAWS), "--seed", "3", "--lang", "en", "--database", f"sqlite:///{folder / 'm.db'}"]
    assert cli.run(["sweep", *files, *more, "-o", str(folder / "draws.json")]) == 0
    found: dict[str, Any] = json.loads((folder / "draws.json").read_text())
    return found


def test_jobs_outlive_servers_and_workers(app, local, store_address, tmp_path, command_answer):
    """One story, because processes cost seconds: the server dies, then one of two workers; the other is stopped."""
    database = app.state.records.database
    answered = asked_of_a_server_that_is_killed(store_address, tmp_path)
    soon = {"JINHENG_WORKER_LOST_SECONDS": "8", "JINHENG_SHUTDOWN_SECONDS": "1"}
    with working(store_address, tmp_path, **soon) as one, working(store_address, tmp_path, **soon) as two:
        every_answered_job_is_done_once(database, answered)
        left = a_killed_worker_is_replaced(database, local, command_answer)
        other = next(w for w in (one, two) if w.pid == left["process"])
        a_running_job_is_cancelled_and_another_given_back(database, local, other)


def asked_of_a_server_that_is_killed(address: str, folder: Path) -> list[str]:
    """The jobs that a server accepted before it was killed, and perhaps one more that it wrote down."""
    answered: list[str] = []
    with serving(address, folder) as server, caller(server.url) as client:
        for k in range(12):
            if k == 8:
                os.kill(server.process.pid, signal.SIGKILL)
            try:
                answered.append(ask(client, kind="budget", budget=str(1000 + k)))
            except httpx2.TransportError:
                break
    assert len(answered) >= 8
    return answered


def every_answered_job_is_done_once(database: Database, answered: list[str]) -> None:
    """Two workers share what was accepted; no job is lost and none runs twice."""
    until(lambda: len(rows_of(database, workers)) == 2)
    until(lambda: all(r["state"] == "done" for r in rows_of(database, jobs)))
    known = {r["id"]: r for r in rows_of(database, jobs)}
    assert set(answered) <= set(known)
    assert {r["attempt"] for r in known.values()} == {1}


def a_killed_worker_is_replaced(database: Database, local: TestClient, answer: dict[str, Any]) -> RowMapping:
    """The other worker goes on where the killed one was, and the result is the command line's; gives that worker."""
    small = [ask(local, kind="budget", budget=str(2000 + k)) for k in range(2)]
    sweep = ask(local, kind="sweep", draws=DRAWS, seed=3, every_draw=True)
    begun = until(lambda: row if (row := row_of(database, sweep))["chunks"] >= 2 else None)
    before = {w["id"]: w for w in rows_of(database, workers)}
    os.kill(before[begun["worker"]]["process"], signal.SIGKILL)
    until(lambda: row_of(database, sweep)["ended_at"])
    row = row_of(database, sweep)
    assert (row["state"], row["attempt"], row["lost"]) == ("done", 2, 1)
    # Every chunk was recorded once, those before the kill among them: the second attempt made only the rest.
    assert row["chunks"] == row["total"] == row["done"] == 8
    assert local.get(f"/v1/jobs/{sweep}/result").json() == answer
    assert {row_of(database, job)["state"] for job in small} == {"done"}
    left = {w["id"]: w for w in rows_of(database, workers)}
    assert left[begun["worker"]]["lost"] is True
    assert row["worker"] != begun["worker"]
    return left[row["worker"]]


def a_running_job_is_cancelled_and_another_given_back(database: Database, local: TestClient, worker: Process) -> None:
    """Cancelled within a chunk; SIGTERM puts the other back into the queue with its chunks; the worker ends well."""
    cancelled, returned = (ask(local, kind="sweep", draws=100_000, seed=k) for k in (1, 2))
    until(lambda: row_of(database, cancelled)["chunks"])
    assert local.post(f"/v1/jobs/{cancelled}/cancel").json()["state"] == "running"
    until(lambda: row_of(database, cancelled)["state"] == "cancelled")
    until(lambda: row_of(database, returned)["chunks"])
    worker.terminate()
    assert worker.wait(WAIT_SECONDS) == 0
    row = row_of(database, returned)
    assert (row["state"], row["worker"], row["lost"]) == ("queued", None, 0) and row["chunks"] >= 1
    assert [w["lost"] for w in rows_of(database, workers) if w["process"] == worker.pid] == [False]


@pytest.mark.parametrize("store_address", ["sqlite"], indirect=True)
def test_a_server_brings_a_worker_that_ends_with_it(store_address, tmp_path):
    with serving(store_address, tmp_path, JINHENG_WORKER="1") as server:
        with caller(server.url, WAIT_SECONDS) as client:
            job = ask(client, kind="sweep", draws=1500)
            stream = client.get(f"/v1/jobs/{job}/progress").text
            assert "event: progress" in stream and stream.split("event: ")[-1].startswith("end")
            ids = [int(line.removeprefix("id: ")) for line in stream.splitlines() if line.startswith("id: ")]
            told = client.get(f"/v1/jobs/{job}").json()
            assert ids == sorted(set(ids)) and (told["version"], told["state"]) == (ids[-1], "done")
        (worker,) = children_of(server.process.pid)
        server.process.kill()
        until(lambda: ended(worker))


def children_of(process: int) -> list[int]:
    """The processes that a process has started."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (fields := stat_of(int(folder.name))) and int(fields[1]) == process:
            found.append(int(folder.name))
    return found


def ended(process: int) -> bool:
    """Whether a process is gone, or only its exit code is left."""
    fields = stat_of(process)
    return not fields or fields[0] == "Z"


def stat_of(process: int) -> list[str]:
    """State, parent and more of a process; nothing where there is none."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
