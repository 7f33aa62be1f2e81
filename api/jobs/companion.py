"""The worker that `jinheng serve` starts, so that jobs run without any set-up: one process, which ends with the server.

It holds the reading end of a pipe whose other end is the server's: however the server ends, the system closes it.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

from api.settings import ServiceSettings

START_AGAIN_SECONDS = 2.0
"""Before a worker that ended by itself is started again."""
END_SECONDS = 15.0
"""How long it may take to give its jobs back; then it is killed, and its jobs are taken over once it is missed."""


@contextmanager
def companion(known: ServiceSettings) -> Iterator[None]:
    """A worker beside what is done in the block, where the settings want one. The settings stand in the environment."""
    if not known.worker:
        yield
        return
    stop = Event()
    process = _started()
    thread = Thread(target=_kept_alive, args=(process, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(END_SECONDS + START_AGAIN_SECONDS)


def _started() -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "api", "worker", "--with-parent"]
    # In a session of its own: Ctrl-C is for the server, which then ends it.
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True)


def _kept_alive(process: "subprocess.Popen[bytes]", stop: Event) -> None:
    """Starts the worker again when it ends by itself; ends it when it is asked to."""
    while not stop.wait(START_AGAIN_SECONDS / 4):
        if process.poll() is not None and not stop.wait(START_AGAIN_SECONDS):
            process = _started()
    assert process.stdin is not None  # a pipe was asked for
    with suppress(OSError):
        process.stdin.close()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
