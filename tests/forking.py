"""Processes of ours that begin with everything imported: forks of one process that has done so once.

`python -m api` takes 3 s of CPU before it does anything, and the tests start it a hundred times. A fork is as real a
process: memory, files, environment, signals and exit code are its own, and it runs the same `__main__` or the same
code. Only its imports were made before. Where those are what is tested, `subprocess` starts Python itself.
"""

import atexit
import gc
import os
import pickle
import runpy
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import IO, Any, NamedTuple, Self

ROOT = Path(__file__).resolve().parent.parent
READY = (
    *("api.cli", "api.app", "api.serving", "api.slow_clients", "api.use_cases", "api.scenario_desk"),
    *("api.jobs.running", "api.jobs.attending", "api.jobs.durable", "alembic.command", "pulp", "highspy", "psycopg"),
    *("uvicorn", "uvicorn.lifespan.on", "uvicorn.protocols.http.h11_impl", "sqlalchemy.dialects.postgresql.psycopg"),
)
"""What processes of the tests import, each with all that it imports."""
WITHOUT_THREADS = {
    "OPENBLAS_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "NUMEXPR_NUM_THREADS": "1",  # which pandas uses where it is there
}
"""A process with threads cannot be forked well."""
TASKS = Path("/proc/self/task")
FORKS = TASKS.is_dir()
"""Whether this is Linux, which tells a process of the end of another."""
ORDER_BYTES = 1 << 17
WORD = struct.Struct("i")
"""A process's number, and later its exit code."""


class Order(NamedTuple):
    """What Python is asked to be: its arguments, `-m module ...` or `-c code ...`, where, in what environment."""

    arguments: tuple[str, ...]
    folder: str
    environment: dict[str, str]


# ---------------------------------------------------------------------------------------------------- who asks for one


class Forked:
    """A process that was forked, with what `subprocess.Popen` offers of it; its pipes carry text."""

    def __init__(
        self,
        *arguments: str,
        stdin: Any = None,
        stdout: Any = None,
        stderr: Any = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._arguments, self.returncode = arguments, None
        self._told, tells = os.pipe()
        theirs = [tells]
        self.stdin, self.stdout, self.stderr = (_ours(n, s, theirs) for n, s in enumerate((stdin, stdout, stderr)))
        order = Order(arguments, str(Path.cwd()), dict(os.environ if env is None else env))
        socket.send_fds(_forker(), [pickle.dumps(tuple(order))], theirs)
        for end in theirs:
            os.close(end)
        self.pid = self._word()

    returncode: int | None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.wait()
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream is not None:
                stream.close()

    def poll(self) -> int | None:
        """The exit code, or the number of the signal below zero; None while it runs."""
        return self._listened(0)

    def wait(self, timeout: float | None = None) -> int:
        """The exit code. Raises TimeoutExpired where it runs longer than so many seconds."""
        code = self._listened(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self._arguments, timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _listened(self, seconds: float | None) -> int | None:
        if self.returncode is None:
            ear = select.poll()
            ear.register(self._told, select.POLLIN)
            if ear.poll(None if seconds is None else seconds * 1000):
                self.returncode = self._word()
                os.close(self._told)
        return self.returncode

    def _word(self) -> int:
        word = os.read(self._told, WORD.size)
        assert word, "the process that forks has ended"
        return int(WORD.unpack(word)[0])


def _ours(number: int, wanted: Any, theirs: list[int]) -> IO[str] | None:
    """Our end of a stream, where a pipe is asked for; the process's own joins `theirs`."""
    if wanted == subprocess.PIPE:
        read, write = os.pipe()
        theirs.append(write if number else read)
        return os.fdopen(read, encoding="utf-8") if number else os.fdopen(write, "w", encoding="utf-8")
    if wanted == subprocess.DEVNULL:
        theirs.append(os.open(os.devnull, os.O_RDWR))
    else:
        theirs.append(os.dup(number if wanted is None else wanted.fileno()))
    return None


type Process = Forked | subprocess.Popen[str]


def process(*arguments: str, **how: Any) -> Process:
    """`python` with these arguments, and streams and environment as for `subprocess.Popen`; forked if it can be."""
    return Forked(*arguments, **how) if FORKS else started(*arguments, **how)


def started(*arguments: str, **how: Any) -> Process:
    """The same, from nothing."""
    return subprocess.Popen([sys.executable, *arguments], text=True, **how)


class Ended(NamedTuple):
    """What a process said, and its exit code."""

    code: int
    out: str
    err: str


def run(*arguments: str, seconds: float = 120, **how: Any) -> Ended:
    """What `python` with these arguments says, and how it ends. Raises TimeoutExpired."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        code = process(*arguments, stdin=subprocess.DEVNULL, stdout=out, stderr=err, **how).wait(seconds)
        for said in (out, err):
            said.seek(0)
        return Ended(code, out.read(), err.read())


@cache
def _forker() -> socket.socket:
    """The way to this process's own forker, which ends when nobody is at this end any more."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    forker = subprocess.Popen(
        [sys.executable, "-m", "tests.forking", str(there.fileno())],
        cwd=ROOT,
        env={**os.environ, **WITHOUT_THREADS},
        pass_fds=[there.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    there.close()
    atexit.register(forker.wait)
    atexit.register(here.close)  # called first
    return here


# ------------------------------------------------------------------------------------------------- the one that forks


def awaited(control: socket.socket) -> Order:
    """Forks a process for every order, tells its number and how it ends; returns in each of them, with its order."""
    living: dict[int, tuple[int, int]] = {}  # what tells that a process has ended -> its number, where its end is told
    ear = select.poll()
    ear.register(control, select.POLLIN)
    while True:
        for ready, _ in ear.poll():
            if ready in living:
                ear.unregister(ready)
                os.close(ready)
                number, tells = living.pop(ready)
                _tell(tells, os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]))
                os.close(tells)
                continue
            order, ends, *_ = socket.recv_fds(control, ORDER_BYTES, 4)
            if not order:
                raise SystemExit  # nobody is there to ask
            number = os.fork()
            if not number:
                _take_over(ends, [control.detach(), *living, *(tells for _, tells in living.values())])
                return Order(*pickle.loads(order))
            for stream in ends[1:]:
                os.close(stream)
            _tell(ends[0], number)
            watched = os.pidfd_open(number)
            ear.register(watched, select.POLLIN)
            living[watched] = number, ends[0]


def _tell(end: int, word: int) -> None:
    with suppress(BrokenPipeError):
        os.write(end, WORD.pack(word))


def _take_over(ends: list[int], others: list[int]) -> None:
    """Makes the streams of an order the standard ones, and leaves nothing else open."""
    for number, stream in enumerate(ends[1:]):
        os.dup2(stream, number)
    for end in (*ends, *others):
        os.close(end)


def become(order: Order) -> None:
    """Is what the order says, as Python would be that was started so."""
    os.chdir(order.folder)
    os.environ.clear()
    os.environ.update(order.environment)
    time.tzset()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    kind, what, *more = order.arguments
    if kind == "-m":
        sys.argv = [what, *more]
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        sys.argv = [kind, *more]
        main = sys.modules["__main__"] = ModuleType("__main__")
        exec(what, main.__dict__)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests
    for module in READY:
        import_module(module)
    assert len(list(TASKS.iterdir())) == 1, "an import has started a thread"
    gc.freeze()
    become(awaited(socket.socket(fileno=int(sys.argv[1]))))
