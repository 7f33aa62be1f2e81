"""What every request passes: an id, how large it may be, safe headers on the way out, and one line in the log.

Raw ASGI, so that streams are not held back.
"""

import logging
import re
import time
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.secrets import new_id
from api.metrics import Metrics
from api.problem_details import problem_response
from api.refusals import Refused
from api.routes.answering import language_of_request
from optimizer.findings import fault

SAFE_HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
}
"""On every answer; pages bring a policy of their own."""
_REQUEST_ID = re.compile(rb"[A-Za-z0-9_.-]{1,64}")
LENGTH_DIGITS_MAX = 15
GONE = 499
"""The status in the log of a request whose sender left before it had arrived."""
QUIET = ("/healthz", "/readyz", "/metrics")
"""Asked every few seconds: told only at the level debug."""
log = logging.getLogger("jinheng.requests")


class Passage:
    """Around the whole application."""

    def __init__(self, app: ASGIApp, metrics: Metrics, body_bytes: int) -> None:
        self._app, self._metrics, self._body_bytes = app, metrics, body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"x-request-id", b"")
        request_id = given.decode() if _REQUEST_ID.fullmatch(given) else new_id()
        state: dict[str, Any] = scope.setdefault("state", {})
        state["request_id"] = request_id
        began, status = time.perf_counter(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = list(message.get("headers", []))
                there = {name.lower() for name, _ in headers}
                headers += [(k, v) for k, v in SAFE_HEADERS.items() if k not in there]
                message["headers"] = [*headers, (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            with self._metrics.request():
                await self._app(scope, self._bounded(scope, receive), sending)
        except ClientDisconnect:
            status = status or GONE
        except Exception as error:
            if not isinstance(error, Refused):
                state["failure"] = error
            if not status:
                request = Request(scope)
                answer = problem_response(error, language_of_request(request), request_id, scope["path"])
                await answer(scope, receive, sending)
        finally:
            seconds = time.perf_counter() - began
            route = getattr(scope.get("route"), "path", "") or "unmatched"
            self._metrics.answered(scope["method"], route, status, seconds)
            _note(scope, state, status, seconds)

    def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        """The body, as long as it is not too large. Raises Refused, by the head of the request where it says so."""
        said = dict(scope["headers"]).get(b"content-length", b"")
        if said.isdigit() and (len(said) > LENGTH_DIGITS_MAX or int(said) > self._body_bytes):
            raise self._too_large()
        taken = 0

        async def receiving() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._body_bytes:
                raise self._too_large()
            return message

        return receiving

    def _too_large(self) -> Refused:
        most = f"{self._body_bytes:,}"
        found = fault("too_large", f"请求体应不超过 {most} 字节", f"a body should have at most {most} bytes")
        return Refused("too_large", [found])


def _note(scope: Scope, state: dict[str, Any], status: int, seconds: float) -> None:
    """One line a request. Paths carry ids and no secrets; queries and headers are not written."""
    actor, failure = state.get("actor"), state.get("failure")
    facts = {
        "request_id": state["request_id"],
        "method": scope["method"],
        "path": scope["path"],
        "status": status,
        "ms": round(seconds * 1000, 1),
        "organisation": getattr(actor, "organisation_id", ""),
        "user": getattr(actor, "user_id", ""),
    }
    level = logging.ERROR if status >= 500 else logging.DEBUG if scope["path"] in QUIET else logging.INFO
    log.log(level, "%s %s %s", scope["method"], scope["path"], status, extra={"facts": facts}, exc_info=failure)
