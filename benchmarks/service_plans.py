"""POST of a plan to a running service beside the same plan in process: what the door, the archive and the commit cost.

Median of single requests, one after the other, taken in turns with the plan in process; then requests of several
clients at once beside one core's pace in process.
"""

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
from pathlib import Path
from socket import socket
from typing import Any

import httpx2

from api.planning import PlanTask, made
from benchmarks.markets import one_event
from optimizer import Problem

AS_OF = "2026-11-22"
ROUNDS = 60
TOGETHER = 200
"""Requests of all clients together."""


def service_plans(sizes: list[int]) -> None:
    """For each number of offers: a POST beside the plan in process, and the pace with several clients."""
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as url:
        for n in sizes:
            problem = one_event(n, whole_lots=False)
            question = question_of(problem)
            alone, posted = in_turns(url, question)
            extra = (posted - alone) * 1000
            pace, own = together(url, question, cores), 1 / alone
            print(
                f"{n:>6,} offers  in process {alone * 1000:7.2f} ms  POST {posted * 1000:7.2f} ms  "
                f"extra {extra:6.2f} ms  {cores} cores: {pace:7.1f} plans/s, {pace / own:5.2f} x one core in process"
            )


def question_of(problem: Problem) -> dict[str, Any]:
    """A problem as the body of a request."""
    event = problem.calendar.events[0].dump()
    event["settings"] = problem.settings.dump()
    offers = [
        {k: v for k, v in problem.offers[i].model_dump(mode="json", by_alias=True).items() if v not in ("", None)}
        for i in range(len(problem.offers))
    ]
    return {"event": event, "offers": offers, "as_of": problem.as_of.isoformat(), "explain": "none"}


def in_turns(url: str, question: dict[str, Any]) -> tuple[float, float]:
    """Median seconds of the plan from plain values to bytes in this process, and of the POST."""
    task = PlanTask(
        event=question["event"],
        as_of=date.fromisoformat(question["as_of"]),
        offers=question["offers"],
        explain="none",
    )
    body = json.dumps(question).encode()
    alone, posted = [], []
    with httpx2.Client(base_url=url, headers={"content-type": "application/json"}, timeout=60) as client:
        for _ in range(5):
            expect_plan(client.post("/v1/plans", content=body))
            made(task)
        for _ in range(ROUNDS):
            start = time.perf_counter()
            made(task)
            middle = time.perf_counter()
            expect_plan(client.post("/v1/plans", content=body))
            posted.append(time.perf_counter() - middle)
            alone.append(middle - start)
    return statistics.median(alone), statistics.median(posted)


def together(url: str, question: dict[str, Any], cores: int) -> float:
    """Plans a second with twice as many clients as cores."""
    body = json.dumps(question).encode()

    def some(count: int) -> None:
        with httpx2.Client(base_url=url, headers={"content-type": "application/json"}, timeout=60) as client:
            for _ in range(count):
                expect_plan(client.post("/v1/plans", content=body))

    clients = 2 * cores
    with ThreadPoolExecutor(clients) as pool:
        start = time.perf_counter()
        list(pool.map(some, [TOGETHER // clients] * clients))
        return TOGETHER / (time.perf_counter() - start)


def expect_plan(answer: httpx2.Response) -> None:
    """Raises where the answer is no plan: a refusal would look quick."""
    if answer.status_code != 201:
        raise RuntimeError(f"{answer.status_code}: {answer.text[:500]}")


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
