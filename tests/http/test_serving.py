"""`jinheng serve` as a process: how it stops, what slow and rude clients get, and several processes on one socket."""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.forking import run, started
from tests.http.conftest import EVENT, QUESTION, Server, caller, serving, serving_as

ALONE = {"JINHENG_WORKER": "false"}
"""These tests need no worker for jobs."""
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc, or sets limits of a process")


def connected(server: Server) -> socket.socket:
    host, _, port = server.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=20)


def head(path: str, length: int, method: str = "POST") -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Content-Length: {length}",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def everything_from(connection: socket.socket) -> bytes:
    """What the server sends until it closes."""
    said = b""
    with suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            said += piece
    return said


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, "did not come about in time"
        time.sleep(0.02)


def status_of(server: Server, path: str) -> int:
    try:
        with caller(server.url, 5) as client:
            return int(client.get(path).status_code)
    except httpx2.TransportError:
        return 0


def children_of(pid: int) -> list[int]:
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def planners_of(server: Server) -> list[int]:
    """The processes that make plans: they were spawned to run tasks."""
    found = children_of(server.process.pid)
    return [p for p in found if b"spawn_main" in Path(f"/proc/{p}/cmdline").read_bytes()]


def posted(server: Server, content: Any) -> httpx2.Response:
    """What is answered to a body that is said to be JSON, sent to be planned."""
    with caller(server.url) as client:
        return client.post("/v1/plans", content=content, headers={"content-type": "application/json"})


def log_of(server: Server) -> list[dict[str, Any]]:
    lines = server.log.read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


# ------------------------------------------------------------------------------------------------------------ stopping


@LINUX
def test_a_server_that_is_asked_to_stop_says_so_then_finishes_what_it_has_and_ends_well(tmp_path):
    """A plan that was half sent at SIGTERM is answered, though its planners got the signal too, as a group does."""
    body = json.dumps(QUESTION).encode()
    more = {"JINHENG_PLANNERS": "1", "JINHENG_DRAIN_SECONDS": "2"}
    with serving_as(started, f"sqlite:///{tmp_path / 'a.db'}", tmp_path, **ALONE, **more) as server:
        until(lambda: len(planners_of(server)) == 1)  # made ready at the start, before any plan
        with closing(connected(server)) as connection:
            connection.sendall(head("/v1/plans", len(body)) + body[:10])
            for pid in (*planners_of(server), server.process.pid):
                os.kill(pid, signal.SIGTERM)
            until(lambda: status_of(server, "/readyz") == 503)
            assert status_of(server, "/healthz") == 200
            until(lambda: status_of(server, "/readyz") == 0)  # takes no connections any more
            connection.sendall(body[10:])
            answer = everything_from(connection)
        assert answer.startswith(b"HTTP/1.1 201 ") and b'"status":"covered"' in answer
        assert server.process.wait(20) == 0
        assert [line["status"] for line in log_of(server) if line.get("path") == "/v1/plans"] == [201]


def test_a_request_that_does_not_end_does_not_keep_a_server_from_stopping(tmp_path):
    address, short = f"sqlite:///{tmp_path / 'a.db'}", {"JINHENG_SHUTDOWN_SECONDS": "1"}
    with serving(address, tmp_path, **ALONE, **short) as server, closing(connected(server)) as connection:
        connection.sendall(head("/v1/plans", 100) + b"{")
        until(lambda: status_of(server, "/healthz") == 200)
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(10) == 0


@LINUX
def test_no_planner_outlives_a_server_that_is_killed(tmp_path):
    with serving(f"sqlite:///{tmp_path / 'a.db'}", tmp_path, **ALONE, JINHENG_PLANNERS="1") as server:
        until(lambda: len(planners_of(server)) == 1)
        (planner,) = planners_of(server)
        server.process.kill()
        server.process.wait(10)
        until(lambda: not _runs(planner))


def _runs(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def test_several_processes_serve_one_socket_and_add_up_their_figures(tmp_path):
    with serving_as(started, f"sqlite:///{tmp_path / 'a.db'}", tmp_path, "--workers", "2", **ALONE) as server:
        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(lambda _: status_of(server, "/v1/events"), range(40))) == {200}
        wanted = 'jinheng_requests_total{method="GET",route="/v1/events",status="200"} 40.0'
        for _ in range(3):  # whichever process is asked
            with caller(server.url) as client:
                assert wanted in client.get("/metrics").text.splitlines()
        server.process.terminate()
        assert server.process.wait(20) == 0


# ------------------------------------------------------------------------------------------------ slow and rude clients


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that waits a second for a request, and takes small bodies."""
    folder = tmp_path_factory.mktemp("patient")
    more = {"JINHENG_REQUEST_SECONDS": "1", "JINHENG_BODY_BYTES": "100000", "JINHENG_LOG_LEVEL": "debug"}
    with serving(f"sqlite:///{folder / 'a.db'}", folder, **ALONE, **more) as server:
        yield server


def dribble(connection: socket.socket, whole: bytes) -> float:
    """Sends a byte each 20 ms until the server has had enough; how long it took."""
    began = time.monotonic()
    with suppress(OSError):
        for k in range(len(whole)):
            connection.sendall(whole[k : k + 1])
            time.sleep(0.02)
    return time.monotonic() - began


@pytest.mark.parametrize(
    "whole",
    [b"GET /v1/events HTTP/1.1\r\n" + b"X-Slow: y\r\n" * 100, head("/v1/plans", 1000) + b" " * 1000],
    ids=["head", "body"],
)
def test_a_client_that_dribbles_is_ended(patient, whole):
    with closing(connected(patient)) as connection:
        assert dribble(connection, whole) < 8
        connection.settimeout(5)
        assert everything_from(connection)[:12] in (b"HTTP/1.1 408", b"")
    assert status_of(patient, "/v1/events") == 200


def test_a_client_that_says_nothing_or_stops_half_way_is_told_so_and_ended(patient):
    for begun in (b"", b"GET /v1/ev", head("/v1/plans", 100), head("/v1/plans", 100) + b'{"event":'):
        with closing(connected(patient)) as connection:
            connection.sendall(begun)
            answer = everything_from(connection)
        assert answer.startswith(b"HTTP/1.1 408 ") and b"urn:jinheng:problem:too_slow" in answer, begun


def test_a_client_that_keeps_its_connection_is_not_ended_between_requests(patient):
    with caller(patient.url) as client:
        assert client.get("/v1/events").status_code == 200
        time.sleep(1.5)  # longer than a request may take, shorter than a connection may rest
        assert client.get("/v1/events").status_code == 200


def test_bodies_that_are_too_large_are_refused(patient):
    answer = posted(patient, b" " * 200_000)
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:jinheng:problem:too_large")
    with closing(connected(patient)) as connection:  # told by its head alone
        connection.sendall(head("/v1/plans", 10**12))
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
    pieces = (b" " * 10_000 for _ in range(50))  # without saying how long it is
    assert posted(patient, pieces).status_code == 413


@pytest.mark.parametrize(
    "body",
    [b"{", b"\xff\xfe{}", b'{"event": "\xc3("}', b"[" * 90_000, b'{"a":' * 15_000, b"NaN", b'{"budget": 1e999999999}'],
    ids=["cut", "utf-16", "utf-8", "deep-list", "deep-map", "nan", "exponent"],
)
def test_bodies_that_cannot_be_read_are_the_clients_fault(patient, body):
    answer = posted(patient, body)
    assert answer.status_code in (400, 422) and answer.json()["faults"], answer.text


@pytest.mark.parametrize(
    "request_", [b"GET / HTTP/1.1\r\n" + b"X-A: b\r\n" * 20_000, b"\x16\x03\x01\x02\x00", b"GET /%00 HTTP/9.9\r\n\r\n"]
)
def test_what_is_no_request_is_refused_and_the_server_goes_on(patient, request_):
    with closing(connected(patient)) as connection:
        with suppress(OSError):
            connection.sendall(request_)
        assert everything_from(connection)[:10] in (b"HTTP/1.1 4", b"")
    assert status_of(patient, "/healthz") == 200


def test_nothing_that_clients_did_was_our_fault(patient):
    """Asked last: of all the above, no line of the log is an error or has a traceback."""
    assert [line for line in log_of(patient) if line["level"] in ("error", "critical") or "traceback" in line] == []


@LINUX
def test_a_disk_without_room_is_an_answer_and_nothing_is_half_written(tmp_path):
    import resource

    database = tmp_path / "a.db"
    with serving(f"sqlite:///{database}", tmp_path, **ALONE) as server, caller(server.url) as client:
        put = lambda name: client.put(f"/v1/events/{name}", json={**EVENT, "id": name})  # noqa: E731
        assert put("before").status_code == 200
        largest = max(p.stat().st_size for p in tmp_path.iterdir())
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))
        statuses = [put(f"e{k}").status_code for k in range(20)]
        assert 503 in statuses and set(statuses) <= {200, 503}
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert put("after").status_code == 200
        kept = {e["id"] for e in client.get("/v1/events").json()["items"]}
        assert kept == {"before", "after"} | {f"e{k}" for k, status in enumerate(statuses) if status == 200}
        assert client.get("/v1/audit/verify").json()["holds"] is True
    assert run("-m", "api", "db", "verify", "--database", f"sqlite:///{database}").code == 0
