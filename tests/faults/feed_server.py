"""A server on this machine that plays feeds and their faults: what it answers is a list, what it was asked is kept."""

import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Event, Thread

DRIP_SECONDS = 0.002


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    announced: int | None = None
    """The content-length, where it is not that of the body; -1 announces none."""
    silent: bool = False
    """Nothing at all is answered."""
    dripping: bool = False
    """The body comes over and over, a byte at a time, until the other side has had enough."""


class FeedServer:
    """Answers in order, the last one for ever; or what a function says about what was asked."""

    def __init__(self, answers: list[Answer] | Callable[[Asked], Answer], port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.host = f"127.0.0.1:{port}"
        self.port = port
        self.asked: list[Asked] = []
        self.closing = Event()
        self._answers = answers

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        if callable(self._answers):
            return self._answers(asked)
        return self._answers[min(len(self.asked), len(self._answers)) - 1]


def _handler_of(server: FeedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            answer = server.answer(Asked(self.command, self.path, body, dict(self.headers.items())))
            if answer.silent:
                server.closing.wait(5)
                return
            with suppress(OSError):  # the other side has had enough, as it should
                self._send(answer)
            self.close_connection = True

        do_POST = do_GET  # noqa: N815  # the name that http.server looks for

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            announced = len(answer.body) if answer.announced is None else answer.announced
            if announced >= 0 and not answer.dripping:
                self.send_header("content-length", str(announced))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)
            for at in count() if answer.dripping else ():
                self.wfile.write(answer.body[at % len(answer.body) :][:1])
                if server.closing.wait(DRIP_SECONDS):
                    return

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


@contextmanager
def serving(answers: list[Answer] | Callable[[Asked], Answer], certificate: Path | None = None) -> Iterator[FeedServer]:
    """A server while the block runs; with a PEM file of key and certificate it speaks TLS."""
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    httpd.daemon_threads = True
    httpd.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that hangs up is what is tested
    server = FeedServer(answers, httpd.server_address[1])
    httpd.RequestHandlerClass = _handler_of(server)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
        server.url = f"https://127.0.0.1:{server.port}"
    thread = Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        httpd.shutdown()
        httpd.server_close()
        thread.join()


class PlayedTime:
    """A clock that moves only when somebody sleeps, and by `tick` seconds whenever it is read."""

    def __init__(self, tick: float = 0.0) -> None:
        self.seconds = 0.0
        self.tick = tick
        self.sleeps: list[float] = []
        self.today = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)

    def clock(self) -> float:
        self.seconds += self.tick
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.seconds += seconds

    def now(self) -> datetime:
        return self.today + timedelta(seconds=self.seconds)
