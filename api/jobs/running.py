"""How a worker process begins and ends: signals, the server that started it, the log."""

import os
import signal
import sys
from logging.config import dictConfig
from threading import Event, Thread

from api.jobs.worker import work
from api.logs import log_settings
from api.settings import ServiceSettings


def run_worker(known: ServiceSettings, with_parent: bool) -> bool:
    """Works until SIGTERM, Ctrl-C, or, where a server started it, the server's end; False: given up by others.

    A server's worker gives its jobs back at once: whoever stops the server wants to see it end.

    Raises:
        BadInput: a database that cannot be used.
    """
    log_form = log_settings(known.log_level, known.log_format, sys.stderr.isatty())
    dictConfig(log_form)
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if with_parent:
        Thread(target=_outlive, args=(stop,), daemon=True).start()
    grace = 0 if with_parent else known.shutdown_seconds
    ended_well = work(known, log_form, stop, grace)
    sys.stderr.flush()
    if not ended_well:
        os._exit(1)  # jobs that others have taken may still be busy in threads of DBOS
    return ended_well


def _outlive(stop: Event) -> None:
    """Waits for the end of the pipe from the server: the system closes it however the server ends."""
    while os.read(0, 4096):
        pass
    stop.set()
