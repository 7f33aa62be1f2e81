"""How a server process stops: first it says so, then it takes no more connections, then it finishes what it has.

uvicorn does the last two when it gets SIGTERM or Ctrl-C; what is here comes before it.
"""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def heeding_signals(state: Any, drain_seconds: int) -> Iterator[None]:
    """In the block a signal to stop sets `state.stopping`, and is passed on after the time to drain.

    A second signal is passed on at once. Where the server's own handlers are not in place (tests), nothing is done.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def heed(number: int, frame: FrameType | None) -> None:
        passed_on = before[signal.Signals(number)]
        again, state.stopping = state.stopping, True
        if not callable(passed_on):
            return
        if again or not drain_seconds:
            passed_on(number, frame)
        else:
            loop.call_soon_threadsafe(loop.call_later, drain_seconds, passed_on, number, None)

    for number in SIGNALS:
        signal.signal(number, heed)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
