"""Where plans are made: processes of their own, so that one server uses every core and stays awake while it plans."""

import asyncio
import signal
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from multiprocessing import get_context
from threading import Lock
from typing import Any

from api.ledger.quoting import QuoteTask
from api.metrics import Metrics
from api.planning import PlanMade, PlanTask, Unplanned, made_or_refused
from api.refusals import Refused
from api.settings import ServiceSettings
from optimizer import BadInput
from optimizer.findings import fault
from scenarios.runner import end_with_parent

WAITING_PER_PROCESS = 50
"""Plans that may wait for a process; more are refused with Retry-After, so that nobody waits in vain."""

PLAN_TRIES = 2
"""Of a plan whose process dies."""


class Planners:
    """A pool of processes that make plans. Started when the first plan is asked for."""

    def __init__(self, known: ServiceSettings, metrics: Metrics) -> None:
        self._processes, self._metrics = known.planners, metrics
        self._seconds_max = float(known.plan_seconds)
        self._pool: Executor | None = None
        self._lock = Lock()
        self._waiting = 0
        self._unfinished: set[Future[Any]] = set()

    async def make(self, task: PlanTask) -> PlanMade:
        """The plan of a task.

        Raises:
            BadInput: its faults.
            Refused: `too_long`; `too_many` when too many wait; `unavailable` when a process died under it.
        """
        return await self.run(made_or_refused, self.bounded(task))

    def bounded[T: (PlanTask, QuoteTask)](self, task: T) -> T:
        """The task, ended where it takes longer than a request may."""
        return task if task.seconds_max is not None else replace(task, seconds_max=self._seconds_max)

    async def run[A, R](self, work: Callable[[A], R | Unplanned], task: A) -> R:
        """What `work` makes of a task. Raises as `make`."""
        if self._waiting >= max(self._processes, 1) * WAITING_PER_PROCESS:
            raise Refused("too_many", headers={"Retry-After": "5"})
        self._waiting += 1
        try:
            with self._metrics.planning():
                return self._answer(await self._done(work, task))
        finally:
            self._waiting -= 1

    async def _done[A, R](self, work: Callable[[A], R], task: A) -> R:
        """What the pool gives; once more in a new pool, where a process died: it may have died under another's task."""
        for attempt in range(PLAN_TRIES):
            pool = self._opened()
            try:
                return await asyncio.wrap_future(self._followed(pool.submit(work, task)))
            except BrokenProcessPool as error:
                self._drop(pool)
                if attempt + 1 == PLAN_TRIES:
                    raise Refused("unavailable", headers={"Retry-After": "1"}) from error
        raise AssertionError("the last try returns or raises")

    def _followed[R](self, future: Future[R]) -> Future[R]:
        """A future that is known until it is done."""
        self._unfinished.add(future)
        future.add_done_callback(self._unfinished.discard)
        return future

    def _answer[R](self, answer: R | Unplanned) -> R:
        """What was made. Raises BadInput, Refused `too_long`."""
        if isinstance(answer, Unplanned):
            if answer.findings:
                raise BadInput(answer.findings)
            zh = f"超过 {self._seconds_max:g} 秒"
            raise Refused("too_long", [fault("too_long", zh, f"took more than {self._seconds_max:g} seconds")])
        return answer

    def warm(self) -> None:
        """Starts the processes, so that the first plan does not wait for them."""
        pool = self._opened()
        for _ in range(self._processes):
            self._followed(pool.submit(_nothing))

    def _opened(self) -> Executor:
        with self._lock:
            if self._pool is None and not self._processes:
                self._pool = ThreadPoolExecutor(1, "planner")
            if self._pool is None:
                # Spawned: a forked copy of a server would hold its connections and locks.
                self._pool = ProcessPoolExecutor(
                    self._processes, mp_context=get_context("spawn"), initializer=_belong_to_the_server
                )
            return self._pool

    def _drop(self, pool: Executor) -> None:
        with self._lock:
            if self._pool is pool:
                self._pool = None
        pool.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """Ends the processes. Whoever waited for a plan has it, or was sent away: what still runs is for nobody."""
        with self._lock:
            pool, self._pool = self._pool, None
        if isinstance(pool, ProcessPoolExecutor) and self._unfinished:
            for process in list(pool._processes.values()):  # Python 3.14 has a public way
                process.kill()
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)


def _belong_to_the_server() -> None:
    """Signals to the whole group are for the server, which lets plans finish; however it ends, so does this process."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    end_with_parent()


def _nothing() -> None:
    """Imports this module, and with it the engine, in a process that was just started."""
