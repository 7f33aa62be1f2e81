"""Long work with a word on stderr: silent for the first second, then level by level; Ctrl-C stops it cleanly.

The work runs beside the main thread, because only the main thread hears Ctrl-C and the solver may not look up for
minutes. Nothing here knows what the work is.
"""

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TextIO

QUIET_SECONDS = 1.0
"""Work that is done within this says nothing."""
TICK_SECONDS = 0.1
STOP_SECONDS = 10.0
"""How long work that was asked to stop may take to do so."""
SPINNER = "|/-\\"


@dataclass
class Progress:
    """What the work is at, and whether it should stop. Work calls `report`; the main thread shows."""

    words: Callable[[str], str]
    """The name of a step in the caller's language."""
    working: str
    """What is said before the first step is known."""
    stream: TextIO = field(default_factory=lambda: sys.stderr)
    stop: threading.Event = field(default_factory=threading.Event)
    _step: tuple[str, int, int] | None = None
    _shown: str = ""
    _turns: int = 0

    def report(self, name: str, number: int, total: int) -> None:
        """Step `number` (from 0) of `total` begins."""
        self._step = name, number, total

    def stopping(self) -> bool:
        """Whether the work should stop."""
        return self.stop.is_set()

    def run[T](self, work: Callable[[], T]) -> T:
        """What `work` gives, with progress shown meanwhile. Raises what it raises, and KeyboardInterrupt."""
        outcome: list[T] = []
        failure: list[BaseException] = []

        def body() -> None:
            try:
                outcome.append(work())
            except BaseException as error:
                failure.append(error)

        thread = threading.Thread(target=body, daemon=True)
        thread.start()
        try:
            self._watch(thread)
        except KeyboardInterrupt:
            self.stop.set()
            thread.join(STOP_SECONDS)
            raise
        finally:
            self._wipe()
        if failure:
            raise failure[0]
        return outcome[0]

    def _watch(self, thread: threading.Thread) -> None:
        started = time.monotonic()
        while thread.is_alive():
            thread.join(TICK_SECONDS)
            if thread.is_alive() and time.monotonic() - started > QUIET_SECONDS:
                self._show(int(time.monotonic() - started))

    def _line(self) -> str:
        if self._step is None:
            return self.working
        name, number, total = self._step
        return f"{self.working} {number + 1}/{total} {self.words(name)}"

    def _show(self, seconds: int) -> None:
        line = self._line()
        if self._live:
            self._turns += 1
            self.stream.write(f"\r\x1b[K{SPINNER[self._turns % len(SPINNER)]} {line} {seconds} s")
            self.stream.flush()
        elif line != self._shown:
            self.stream.write(line + "\n")
            self.stream.flush()
        self._shown = line

    def _wipe(self) -> None:
        if self._live and self._shown:
            self.stream.write("\r\x1b[K")
            self.stream.flush()

    @property
    def _live(self) -> bool:
        return self.stream.isatty()
