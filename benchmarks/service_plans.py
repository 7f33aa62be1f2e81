"""POST of a plan to a running service beside the same plan in process: what the door, the archive and the commit cost.

Median of single requests, one after the other, taken in turns with the plan in process; then requests of several
clients at once beside one core's pace in process.
"""

import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from socket import socket
from typing import Any
from urllib.parse import urlsplit

import httpx2

from api.plain_data import plain_json
from api.planning import PlanTask, made
from benchmarks.figures import Figure, beside, more
from benchmarks.markets import one_event
from benchmarks.plans import offers_text
from optimizer import Problem

OFFERS, QUICK_OFFERS = 200, 50
ROUNDS, BLOCK = 80, 10
"""Requests one after the other, and how many of them stand beside as many plans in process at a time."""
MORE_MS = 5.0
"""By how much the median of a POST may be above the plan's in process, the durable commit included."""
TOGETHER = 200
"""Requests of all clients together."""


def service(quick: bool) -> Iterator[Figure]:
    """A POST of a plan beside the plan in process; then all cores' pace over HTTP beside one core's in process."""
    cores = os.cpu_count() or 1
    n = QUICK_OFFERS if quick else OFFERS
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as url:
        question = question_of(one_event(n, whole_lots=False))
        alone, posted = in_blocks(url, question, ROUNDS // 8 if quick else ROUNDS)
        yield beside("service", offers_text(n), "in process", posted, alone)
        yield more("service", f"{offers_text(n)}, difference", "in process", posted, alone, MORE_MS)
        pace, own = together(url, question, cores, TOGETHER // 8 if quick else TOGETHER), 1 / statistics.median(alone)
        share = pace / own / cores
        yield Figure("service", f"{offers_text(n)}, all cores", "in process", "share", share, share, share, 1, None)


def question_of(problem: Problem) -> dict[str, Any]:
    """A problem as the body of a request."""
    event = problem.calendar.events[0].dump()
    event["settings"] = problem.settings.dump()
    offers = [
        {k: v for k, v in problem.offers[i].model_dump(mode="json", by_alias=True).items() if v not in ("", None)}
        for i in range(len(problem.offers))
    ]
    return {"event": event, "offers": offers, "as_of": problem.as_of.isoformat(), "explain": "none"}


def in_blocks(url: str, question: dict[str, Any], rounds: int) -> tuple[list[float], list[float]]:
    """Seconds from the question's bytes to the plan's: in this process, and over HTTP, in turns of BLOCK."""
    body = json.dumps(question).encode()
    alone: list[float] = []
    posted: list[float] = []
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)) as connection:
        for _ in range(rounds // BLOCK + 1):  # the first round warms up
            for times, work in ((alone, partial(planned, body)), (posted, partial(post, connection, body))):
                for _ in range(BLOCK):
                    start = time.perf_counter()
                    work()
                    times.append(time.perf_counter() - start)
    return alone[BLOCK:], posted[BLOCK:]


def planned(body: bytes) -> bytes:
    """The plan of a question in this process."""
    question = plain_json(body)
    as_of = date.fromisoformat(question["as_of"])
    return made(PlanTask(event=question["event"], as_of=as_of, offers=question["offers"], explain="none")).content


def post(connection: http.client.HTTPConnection, body: bytes) -> bytes:
    """The plan of a question from the service. Raises where it is no plan: a refusal would look quick."""
    connection.request("POST", "/v1/plans", body, {"content-type": "application/json"})
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != 201:
        raise RuntimeError(f"{answer.status}: {content[:500].decode()}")
    return content


def together(url: str, question: dict[str, Any], cores: int, requests: int) -> float:
    """Plans a second with twice as many clients as cores."""
    body = json.dumps(question).encode()

    def some(count: int) -> None:
        with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)) as connection:
            for _ in range(count):
                post(connection, body)

    clients = 2 * cores
    with ThreadPoolExecutor(clients) as pool:
        start = time.perf_counter()
        list(pool.map(some, [requests // clients] * clients))
        return requests // clients * clients / (time.perf_counter() - start)


@contextmanager
def serving(folder: Path, *arguments: str, database: str = "") -> Iterator[str]:
    """`jinheng serve` in a process of its own on an empty database; gives its address."""
    with closing(socket()) as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    address = database or f"sqlite:///{folder / 'bench.db'}"
    command = [sys.executable, "-m", "api", "serve", "--port", str(port), "--database", address, *arguments]
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(600):
            try:
                httpx2.get(f"{url}/v1/me", timeout=1)
                break
            except httpx2.TransportError:
                time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(60)
