"""Where plans are made: processes of their own, so that one server uses every core and stays awake while it plans.

A question goes to a process, and its answer comes back, over a socket that the server's own loop watches: in an
executor of the standard library each passes through two threads and three queues. A round trip of a plan's size took
1.5 ms there and 0.4 ms here.
"""

import asyncio
import functools
import pickle
import signal
import traceback
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from starlette.concurrency import run_in_threadpool

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
"""Of a plan whose process dies: it may have died under another's task."""
SENT_HERE_BYTES_MAX = 200_000
"""Questions up to this fit into a socket's buffer: sending them does not keep the loop waiting."""
END_SECONDS = 5.0
"""In which a process without work has ended."""


class ProcessDied(Exception):
    """A process ended before it answered."""


@dataclass(frozen=True)
class Talk[T]:
    """What a work may say and hear while it is under way."""

    learn: Callable[[], T | None]
    """Waits for what it is told later; None: nothing."""
    give_ahead: Callable[[bytes], None]
    """Sends what travels while the work goes on. It counts only where the work then ends well."""
    keep: Callable[[object], None]
    """Holds on to something until the answer is sent: to let go of a read question with 200 offers takes 0.3 ms."""


class Planner:
    """A process that answers one question at a time; for one event loop.

    `freed` is called with the planner when it can take the next question, and with None when it has died at work.
    """

    def __init__(self, freed: Callable[["Planner | None"], None]) -> None:
        # Spawned: a forked copy of a server would hold its connections and locks.
        made_in = get_context("spawn")
        self._connection, there = made_in.Pipe()
        self._process = made_in.Process(target=_answer_questions, args=(there,), daemon=True)
        self._process.start()
        there.close()  # so that the end of the process is the end of the stream
        self._freed = freed
        self._answer: asyncio.Future[Any] | None = None
        self._ahead = b""
        self.alive = True
        asyncio.get_running_loop().add_reader(self._connection.fileno(), self._read)

    async def ask(self, question: bytes, later: Callable[[], Awaitable[object]] | None = None) -> tuple[Any, bytes]:
        """What becomes of a question (`_question`) over there, and what was given ahead of it.

        `later` is what the work learns while it is under way.

        Raises ProcessDied, and what the work or `later` raises.
        """
        self._ahead = b""
        answer = self._answer = asyncio.get_running_loop().create_future()
        await self._send(question)
        if later is not None:
            told: object = None  # so that the process does not wait in vain where there is nothing to tell
            try:
                told = await later()
            finally:
                await self._send(_packed(told))
        done, value = await answer
        if not done:
            raise value
        return value, self._ahead

    async def _send(self, content: bytes) -> None:
        with suppress(OSError):  # nobody reads it: the end of the stream is on its way
            if len(content) > SENT_HERE_BYTES_MAX:
                await run_in_threadpool(self._connection.send_bytes, content)
            else:
                self._connection.send_bytes(content)

    def _read(self) -> None:
        """An answer has come, or the process has ended. An answer that nobody waits for any more is let go."""
        try:
            said = pickle.loads(self._connection.recv_bytes())
        except (EOFError, OSError):
            self.end()
            said = (False, ProcessDied())  # where somebody waits, `end` has told them
        if said[0] is None:
            self._ahead = said[1]
            return
        answer, self._answer = self._answer, None
        if answer is not None:
            if not answer.done():
                answer.set_result(said)
            self._freed(self if self.alive else None)

    def end(self) -> None:
        """Has the process end: at once where it works, as it would be for nobody."""
        if self.alive:
            self.alive = False
            asyncio.get_running_loop().remove_reader(self._connection.fileno())
            self._connection.close()
            if self._answer is not None:
                self._process.kill()
                if not self._answer.done():
                    self._answer.set_result((False, ProcessDied()))

    def wait(self) -> None:
        """Until the process has ended."""
        self._process.join(END_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


class Planners:
    """The processes that make plans; without any, plans are made in a thread. For one event loop."""

    def __init__(self, known: ServiceSettings, metrics: Metrics) -> None:
        self._processes, self._metrics = known.planners, metrics
        self._seconds_max = float(known.plan_seconds)
        self._thread = ThreadPoolExecutor(1, "planner") if not known.planners else None
        self._known: list[Planner] = []
        self._free: asyncio.LifoQueue[Planner | None] = asyncio.LifoQueue()
        """Who can take a question, the last used first; None is room for one that is yet to be started."""
        for _ in range(known.planners):
            self._free.put_nowait(None)
        self._waiting = 0
        self._closed = False

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

    @property
    def idle(self) -> bool:
        """Whether a question would be taken up at once."""
        return not self._waiting if self._thread is not None else not self._free.empty()

    async def run[A, R](self, work: Callable[[A], R | Unplanned], task: A) -> R:
        """What `work` makes of a task. Raises as `make`."""
        made: R = (await self._run(work, task, None))[0]
        return made

    async def run_and_tell[A, T, R](
        self, work: Callable[[A, Talk[T]], R | Unplanned], task: A, later: Callable[[], Awaitable[T]]
    ) -> tuple[R, bytes]:
        """What `work` makes of a task and of what is told it `later`, and what it gave ahead.

        It begins at once, and waits where it asks; it is told None where `later` raises. Raises as `make`, and what
        `later` raises.
        """
        return await self._run(work, task, later)

    async def _run(
        self, work: Callable[..., Any], task: object, later: Callable[[], Awaitable[object]] | None
    ) -> tuple[Any, bytes]:
        if self._waiting >= max(self._processes, 1) * WAITING_PER_PROCESS:
            raise Refused("too_many", headers={"Retry-After": "5"})
        self._waiting += 1
        try:
            with self._metrics.planning():
                made, ahead = await self._done(work, task, later)
                return self._answer(made), ahead
        finally:
            self._waiting -= 1

    async def _done(
        self, work: Callable[..., Any], task: object, later: Callable[[], Awaitable[object]] | None
    ) -> tuple[Any, bytes]:
        if self._thread is not None:
            loop = asyncio.get_running_loop()
            if later is None:
                return await loop.run_in_executor(self._thread, work, task), b""
            told, ahead = await later(), [b""]
            kept: list[object] = []
            talk = Talk(lambda: told, ahead.append, kept.append)
            return await loop.run_in_executor(self._thread, work, task, talk), ahead[-1]
        question = _question(work, task, learns=later is not None)
        # Told something, a process may have kept its work before it died: once more might keep it twice.
        for _ in range(PLAN_TRIES if later is None else 1):
            planner = await self._free.get()
            if self._closed:
                break
            if planner is None or not planner.alive:
                planner = self._started()
            try:
                return await planner.ask(question, later)
            except ProcessDied:
                continue
        raise Refused("unavailable", headers={"Retry-After": "1"})

    def _started(self) -> Planner:
        self._known = [p for p in self._known if p.alive]
        self._known.append(Planner(self._free.put_nowait))
        return self._known[-1]

    def _answer[R](self, answer: R | Unplanned) -> R:
        """What was made. Raises BadInput, Refused `malformed` or `too_long`."""
        if isinstance(answer, Unplanned):
            if answer.malformed:
                raise Refused("malformed", answer.findings)
            if answer.findings:
                raise BadInput(answer.findings)
            zh = f"超过 {self._seconds_max:g} 秒"
            raise Refused("too_long", [fault("too_long", zh, f"took more than {self._seconds_max:g} seconds")])
        return answer

    def warm(self, work: Callable[[None], object]) -> None:
        """Starts the processes and has each do some `work`, so that the first plan does not wait for them."""
        for _ in range(self._processes):
            self._free.get_nowait()
            asyncio.ensure_future(self._started().ask(_question(work, None))).add_done_callback(_heard)

    async def close(self) -> None:
        """Ends the processes. Whoever waited for a plan has it, or was sent away: what still runs is for nobody."""
        self._closed = True
        for planner in self._known:
            planner.end()
        for planner in self._known:
            await run_in_threadpool(planner.wait)
        if self._thread is not None:
            await run_in_threadpool(self._thread.shutdown)


def _question(work: Callable[..., Any], task: object, *, learns: bool = False) -> bytes:
    return _packed((work, task, learns))


def _packed(value: object) -> bytes:
    return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)


def _heard(done: asyncio.Future[Any]) -> None:
    """Takes note of how a process began: one that died is started again when a plan is asked for."""
    if not done.cancelled():
        done.exception()


def _answer_questions(connection: "Connection[Any, Any]") -> None:
    """The life of a planner's process: until the server closes the socket, or ends in any way.

    Signals to the whole group are for the server, which lets plans finish.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    end_with_parent()
    while True:
        try:
            work, task, learns = pickle.loads(connection.recv_bytes())
        except (EOFError, OSError):
            return
        try:
            if learns:
                _answer_learning(connection, work, task)
            else:
                connection.send_bytes(_packed(_outcome(partial(work, task))))
        except (EOFError, OSError):
            return
        del work, task  # not held while the next question is waited for


def _answer_learning(connection: "Connection[Any, Any]", work: Callable[..., Any], task: object) -> None:
    """Raises EOFError, OSError where the server is gone."""
    kept: list[object] = []
    learn = functools.cache(lambda: pickle.loads(connection.recv_bytes()))
    talk: Talk[Any] = Talk(learn, lambda content: connection.send_bytes(_packed((None, content))), kept.append)
    answer = _outcome(partial(work, task, talk))
    learn()  # what is told is not taken for the next question
    connection.send_bytes(_packed(answer))


def _outcome(work: Callable[[], Any]) -> tuple[bool, Any]:
    try:
        return True, work()
    except Exception as error:  # the server logs it with where it was raised
        error.add_note(traceback.format_exc())
        return False, error
