"""The places where a worker's jobs run: one process each, so that a job that dies takes no other with it."""

from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from queue import SimpleQueue
from typing import Any

from api.jobs.attending import Outcome, Ticket, attend, begin

JOBS_PER_PROCESS = 100
"""After so many jobs a process is replaced, so that none grows old."""


class Slots:
    """So many processes; each does one job at a time and is started when it is first needed."""

    def __init__(self, count: int, log_form: dict[str, Any]) -> None:
        self._log_form = log_form
        self._context = get_context("spawn")
        self._stopping = self._context.Event()
        self._free: SimpleQueue[ProcessPoolExecutor] = SimpleQueue()
        for _ in range(count):
            self._free.put(self._new())

    def attend(self, ticket: Ticket) -> Outcome:
        """Does a job in a free process; waits for one. `again` where the process died under it."""
        pool = self._free.get()
        try:
            return pool.submit(attend, ticket).result()
        except BrokenProcessPool:
            pool.shutdown(wait=False)
            pool = self._new()
            return "again"
        finally:
            self._free.put(pool)

    def interrupt(self) -> None:
        """Has every job give itself back at its next chance."""
        self._stopping.set()

    @property
    def interrupted(self) -> bool:
        """Whether jobs are to be given back."""
        return self._stopping.is_set()

    def close(self) -> None:
        """Ends the processes that have nothing to do."""
        while not self._free.empty():
            self._free.get().shutdown(wait=False, cancel_futures=True)

    def _new(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            1,
            mp_context=self._context,
            initializer=begin,
            initargs=(self._stopping, self._log_form),
            max_tasks_per_child=JOBS_PER_PROCESS,
        )
