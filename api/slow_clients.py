"""Connections of clients that send too slowly, or nothing at all: they are ended, so that they cannot fill the server.

uvicorn itself ends only connections that wait between two requests.
"""

import asyncio
import functools
import json
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from api.settings import service_settings

TITLE = "请求未在时限内到齐 / The request did not arrive in time"


@functools.cache
def request_seconds() -> int:
    """In which a request must have arrived, head and body."""
    return service_settings()[0].request_seconds


class PatientProtocol(H11Protocol):
    """HTTP/1.1 in which a request has so long, and no longer, to arrive whole."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """The time for the first request begins."""
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._stop_watching()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """After whatever has arrived: is anything of a request still to come?"""
        super().handle_events()
        self._watch()

    def _watch(self) -> None:
        state = self.conn.their_state
        # Between two requests uvicorn's own timer runs, until the first byte of the next one.
        incomplete = state is h11.SEND_BODY or (state is h11.IDLE and self.timeout_keep_alive_task is None)
        if not incomplete or self.transport.is_closing():
            self._stop_watching()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(request_seconds(), self._end)

    def _stop_watching(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _end(self) -> None:
        """Says why, where nothing was said yet, and closes."""
        self._deadline = None
        if self.transport.is_closing():
            return
        cycle: Any = self.cycle  # None before the first request
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self._answer()
        self.transport.close()

    def _answer(self) -> None:
        problem = {"type": "urn:jinheng:problem:too_slow", "title": TITLE, "status": 408}
        body = json.dumps(problem, ensure_ascii=False).encode()
        kind = b"application/problem+json"
        headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), (b"connection", b"close")]
        for event in (h11.Response(status_code=408, headers=headers), h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
