"""Many tasks over any `concurrent.futures` executor: the same results in the same order, whatever the executor.

Tasks go out in chunks. A task that fails is a row (`Failure`), not a crash. Chunks that were finished before are given
back by the caller under their keys and not done again; a chunk's results are handed over as soon as they are there, so
that the caller can save them. Nothing is read or written here, and no executor is made but by `processes`.
"""

import os
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, ProcessPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any

from optimizer.errors import Cancelled
from optimizer.plan import sha256
from scenarios.failures import Failure, failure_of

CHUNK = 16
"""Tasks that travel together: enough that sending them costs little, few enough that little is lost when stopped."""
CHUNKS_AHEAD = 32
"""Chunks that are out at once: keeps any pool busy and cancelling quick."""
POLL_SECONDS = 0.2
"""How often it is asked whether to stop while nothing arrives."""


@dataclass(frozen=True)
class Advance:
    """How far a run is."""

    done: int
    """Tasks with a result, those that were done before among them."""
    total: int
    failed: int
    seconds: float
    """Since the start of this run."""
    seconds_left: float | None
    """At the pace of this run so far; None before its first chunk."""


@dataclass(frozen=True)
class Chunk[T]:
    """Consecutive tasks."""

    start: int
    tasks: tuple[T, ...]
    key: str
    """SHA-256 of what the run is about and of the tasks; "" where nobody asks."""


def run[T, R](
    tasks: Sequence[T],
    work: Callable[[T], R],
    executor: Executor | None = None,
    *,
    chunk: int = CHUNK,
    about: str = "",
    identity: Callable[[T], Any] | None = None,
    done: Mapping[str, Sequence[R | Failure]] | None = None,
    finished: Callable[[str, list[R | Failure]], None] | None = None,
    report: Callable[[Advance], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> list[R | Failure]:
    """The result of every task, in the order of the tasks.

    Args:
        tasks: whatever `work` takes; seeds belong in here or in `work`, not in the runner.
        work: pure; must pickle when the executor's workers are other processes.
        executor: any; None works in this thread. It is not shut down.
        chunk: tasks a chunk, 1 or more. Keys depend on it.
        about: all that results depend on besides the task: what the work is, a hash of its base, its seed, a version.
        identity: plain data (what JSON holds) that tells a task from another; default: the task itself is such data.
        done: chunk key -> its results, from an earlier run.
        finished: called in this thread with the key and results of each chunk as it ends; what it raises stops the run.
        report: called in this thread after each chunk.
        cancelled: asked between tasks (in this thread) or a few times a second.
        clock: seconds that only grow, for the estimate.

    Raises:
        Cancelled: asked to stop, by `cancelled` or from within `work`. What `finished` was given stays good.
        ValueError: `chunk` is below 1.
        TypeError: keys are needed, and a task is no plain data.
    """
    keyed = done is not None or finished is not None
    chunks = list(_chunks(tasks, chunk, about, identity, keyed))
    ledger: _Ledger[R] = _Ledger(len(tasks), report, clock)
    waiting = []
    for one in chunks:
        known = (done or {}).get(one.key) if keyed else None
        if known is not None and len(known) == len(one.tasks):
            ledger.put(one.start, list(known), fresh=False)
        else:
            waiting.append(one)
    ledger.tell()
    arriving = _here(waiting, work, cancelled) if executor is None else _there(waiting, work, executor, cancelled)
    with closing(arriving):
        for one, results, lost in arriving:
            if finished is not None and not lost:
                finished(one.key, results)
            ledger.put(one.start, results, fresh=True)
            ledger.tell()
    return [ledger.results[k] for k in range(len(tasks))]


def _chunks[T](
    tasks: Sequence[T], size: int, about: str, identity: Callable[[T], Any] | None, keyed: bool
) -> Iterator[Chunk[T]]:
    if size < 1:
        raise ValueError("chunk should be 1 or more")
    for start in range(0, len(tasks), size):
        part = tuple(tasks[start : start + size])
        told = [one if identity is None else identity(one) for one in part] if keyed else []
        yield Chunk(start, part, sha256([about, start, told]) if keyed else "")


class _Ledger[R]:
    """Results so far, and how long the rest may take."""

    def __init__(self, total: int, report: Callable[[Advance], None] | None, clock: Callable[[], float]) -> None:
        self.results: dict[int, R | Failure] = {}
        self._total, self._report, self._clock = total, report, clock
        self._started, self._fresh, self._failed = clock(), 0, 0

    def put(self, start: int, results: list[R | Failure], *, fresh: bool) -> None:
        self.results |= {start + k: result for k, result in enumerate(results)}
        self._failed += sum(isinstance(r, Failure) for r in results)
        self._fresh += len(results) if fresh else 0

    def tell(self) -> None:
        if self._report is None:
            return
        seconds, left = self._clock() - self._started, self._total - len(self.results)
        rest = seconds / self._fresh * left if self._fresh else None
        self._report(Advance(len(self.results), self._total, self._failed, seconds, rest))


# ------------------------------------------------------------------------------------------------- doing the work

type _Arrival[T, R] = tuple[Chunk[T], list[R | Failure], bool]
"""A chunk, its results, and whether its worker was lost: then they are failures that a later run should try again."""


def _attempt[T, R](work: Callable[[T], R], task: T) -> R | Failure:
    try:
        return work(task)
    except Cancelled:
        raise
    except Exception as error:
        return failure_of(error)


def _do[T, R](work: Callable[[T], R], tasks: tuple[T, ...]) -> list[R | Failure]:
    """What a worker does with a chunk."""
    return [_attempt(work, task) for task in tasks]


def _stop_if(cancelled: Callable[[], bool] | None) -> None:
    if cancelled is not None and cancelled():
        raise Cancelled("asked to stop")


def _here[T, R](
    chunks: Sequence[Chunk[T]], work: Callable[[T], R], cancelled: Callable[[], bool] | None
) -> Generator[_Arrival[T, R]]:
    for one in chunks:
        results: list[R | Failure] = []
        for task in one.tasks:
            _stop_if(cancelled)
            results.append(_attempt(work, task))
        yield one, results, False


def _there[T, R](
    chunks: Sequence[Chunk[T]], work: Callable[[T], R], executor: Executor, cancelled: Callable[[], bool] | None
) -> Generator[_Arrival[T, R]]:
    """Chunks as they arrive, in whatever order; what is out when the run stops is cancelled where it has not begun."""
    rest = iter(chunks)
    out: dict[Future[list[R | Failure]], Chunk[T]] = {}
    try:
        while True:
            _stop_if(cancelled)
            for one in islice(rest, CHUNKS_AHEAD - len(out)):
                out[_submitted(executor, work, one)] = one
            if not out:
                return
            wait(out, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
            # Not what `wait` returns: it does not count futures that a closing pool has cancelled.
            ended = [future for future in out if future.done()]
            for future in sorted(ended, key=lambda f: out[f].start):
                yield _arrival(out.pop(future), future)
    finally:
        for future in out:
            future.cancel()


def _submitted[T, R](executor: Executor, work: Callable[[T], R], one: Chunk[T]) -> Future[list[R | Failure]]:
    """The chunk's future; one that has failed already where the pool takes no more work."""
    try:
        return executor.submit(_do, work, one.tasks)
    except RuntimeError as error:  # a broken or closed pool
        failed: Future[list[R | Failure]] = Future()
        failed.set_exception(error)
        return failed


def _arrival[T, R](one: Chunk[T], future: Future[list[R | Failure]]) -> _Arrival[T, R]:
    error = CancelledError("the pool dropped the work") if future.cancelled() else future.exception()
    if isinstance(error, Cancelled):
        raise error
    if error is not None:
        return one, [failure_of(error)] * len(one.tasks), True
    return one, future.result(), False


def processes(workers: int) -> ProcessPoolExecutor:
    """A pool of fresh processes: nothing is inherited, so that results are the same on every system."""
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=end_with_parent)


def end_with_parent() -> None:
    """Has this process end when the one that made it ends, however it ends: no pool outlives its owner."""
    parent = parent_process()
    if parent is not None:
        Thread(target=_outlive, args=(parent,), daemon=True).start()


def _outlive(parent: Any) -> None:
    parent.join()
    os._exit(1)
