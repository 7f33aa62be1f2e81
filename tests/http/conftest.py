"""The service in this process, on SQLite and on PostgreSQL: callers of every role, in two organisations."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import cache
from pathlib import Path
from socket import socket
from typing import Any, NamedTuple

import httpx2
import psycopg
import pytest
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.access import people
from api.access.roles import ROLES
from api.access.scope import Actor
from api.app import make_app
from api.database.opening import open_service_database
from api.settings import ServiceSettings
from tests.conftest import new_database
from tests.forking import Process, process

AS_OF = "2026-11-22"
PASSWORD = "correct horse battery staple"
EVENT: dict[str, Any] = {
    "id": "small-event",
    "name": "小型会议",
    "end_date": "2026-10-11",
    "emissions": {"tonnes": "1000.5", "status": "verified"},
    "budget": {"total": "100000"},
}
OFFERS: list[dict[str, Any]] = [
    {
        **{"offer_id": "PHB-1", "instrument": "carbon_inclusion", "mechanism": "三晋绿色生活", "region": "14"},
        **{"vintage": 2025, "seller": "甲", "quantity": "200", "price": "60", "valid_until": "2026-12-31"},
    },
    {"offer_id": "CCER-1", "instrument": "ccer", "region": "14", "vintage": 2025, "quantity": "500", "price": "80"},
    {"offer_id": "CEA-1", "instrument": "allowance", "mechanism": "CEA", "quantity": "5000", "price": "75"},
]
QUESTION = {"event": EVENT, "offers": OFFERS, "as_of": AS_OF}


class Organisation(NamedTuple):
    """An organisation with one caller a role: `org.broker.get("/v1/...")`."""

    id: str
    callers: dict[str, TestClient]

    def __getattr__(self, role: str) -> TestClient:
        return self.callers[role]


def settings_for(address: str, **more: Any) -> ServiceSettings:
    """Settings for tests: plans are made in this process, and nobody is slowed down."""
    return ServiceSettings(
        **{"database": address, "planners": 0, "rate_per_second": 100_000, "rate_burst": 100_000, **more}
    )


_loops: dict[FastAPI, BlockingPortal] = {}
"""Services that are started -> where they run."""


@contextmanager
def running(app: FastAPI) -> Iterator[None]:
    """The service, started for the block. As behind a socket, one loop answers all callers made meanwhile: a loop and
    a thread for every request would take half as long as the answer."""
    with TestClient(app) as started:
        assert started.portal is not None
        _loops[app] = started.portal
        try:
            yield
        finally:
            del _loops[app]


def client_of(app: FastAPI, token: str = "", **more: Any) -> TestClient:
    """A caller from this machine, by key where there is one, who speaks English."""
    headers = {"accept-language": "en", **({"authorization": f"Bearer {token}"} if token else {})}
    where = {"base_url": "http://127.0.0.1", "client": ("127.0.0.1", 50_000)}
    made = TestClient(app, **{**where, **more}, headers=headers, raise_server_exceptions=False)
    made.portal = _loops.get(app)
    return made


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with every table and nothing in it."""
    path = tmp_path_factory.mktemp("migrated") / "market.db"
    open_service_database(f"sqlite:///{path}", kept_open=False).close()
    return path


@pytest.fixture(scope="session")
def migrated_database(postgresql_server: str) -> str:
    """The name of a PostgreSQL database with every table and nothing in it."""
    with psycopg.connect(postgresql_server, autocommit=True) as admin:
        admin.execute("CREATE DATABASE migrated")
    open_service_database(postgresql_server.replace("/postgres?", "/migrated?"), kept_open=False).close()
    return "migrated"


@pytest.fixture
def postgresql(postgresql_server: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a PostgreSQL database: with its tables where the test wants them, else empty."""
    wanted = "migrated_address" in request.fixturenames
    template = request.getfixturevalue("migrated_database") if wanted else "template1"
    with new_database(postgresql_server, template) as address:
        yield address


@pytest.fixture
def migrated_address(store_address: str, request: pytest.FixtureRequest) -> str:
    """The address of a database that has its tables already, copied from one where the steps were taken."""
    if store_address.startswith("sqlite"):
        path = Path(store_address.removeprefix("sqlite:///"))
        if not path.exists():
            shutil.copy(request.getfixturevalue("migrated_file"), path)
    return store_address


@cache
def _told() -> FastAPI:
    return make_app(settings_for("sqlite://"))


def application(known: ServiceSettings) -> FastAPI:
    """The service, not started. What its routes take, and what it says of them, is worked out once a process."""
    made = make_app(known)
    made.router.routes[:] = _told().router.routes
    made.openapi = _told().openapi  # type: ignore[method-assign]  # as the service itself does
    return made


@pytest.fixture
def app(migrated_address: str) -> Iterator[FastAPI]:
    """The service, started, on an empty database of either kind. Nobody has to sign in yet."""
    made = application(settings_for(migrated_address))
    with running(made):
        yield made


@pytest.fixture
def local(app: FastAPI) -> TestClient:
    """Whoever is at this machine, before there is an administrator."""
    return client_of(app)


@pytest.fixture
def organise(app: FastAPI) -> Callable[[str], Organisation]:
    """Makes an organisation with one user and key for each role."""
    return lambda name: new_organisation(app, name)


def new_organisation(app: FastAPI, name: str) -> Organisation:
    records = app.state.records
    with records.database.writing(people.FOUNDING) as c:
        from api.access.scope import moment

        row_id = people.add_organisation(c, name, moment(c))
    actor = Actor(row_id, name, people.OPERATOR, people.OPERATOR, frozenset({"administrator"}), "command")
    callers: dict[str, TestClient] = {}
    with records.writing(actor) as scope:
        users = {role: people.add_user(scope, f"{role}@{name}", role, [role], None) for role in ROLES}
    for role, user in users.items():
        own = Actor(row_id, name, user, role, frozenset({role}), "command")
        with records.writing(own) as scope:
            callers[role] = client_of(app, people.add_key(scope, "test", [role], None).token)
    return Organisation(row_id, callers)


@pytest.fixture
def mine(organise: Callable[[str], Organisation]) -> Organisation:
    return organise("mine")


@pytest.fixture
def other(organise: Callable[[str], Organisation]) -> Organisation:
    return organise("other")


# ------------------------------------------------------------------------------------------------- a server of its own


NO_EXTRAS = {"JINHENG_PLANNERS": "0", "JINHENG_WORKER": "0"}
"""No processes beside the server, where a test does not ask for them."""


def child_environment(**more: str) -> dict[str, str]:
    """The environment of a process of ours: no settings but those asked for."""
    return {**{k: v for k, v in os.environ.items() if not k.startswith("JINHENG")}, **NO_EXTRAS, **more}


class Server(NamedTuple):
    """A running `jinheng serve`."""

    process: Process
    url: str
    log: Path


def caller(url: str, seconds: float = 60) -> httpx2.Client:
    """A caller of a server on this machine. TLS would take 50 ms to make ready, and is not spoken here."""
    return httpx2.Client(base_url=url, timeout=seconds, verify=False)


def free_port() -> int:
    with closing(socket()) as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def serving(address: str, folder: Path, *arguments: str, **environment: str) -> AbstractContextManager[Server]:
    """`jinheng serve` in a process of its own, ready to answer; ended with the block, by force if need be."""
    return serving_as(process, address, folder, *arguments, **environment)


@contextmanager
def serving_as(
    start: Callable[..., Process], address: str, folder: Path, *arguments: str, **environment: str
) -> Iterator[Server]:
    """As `serving`, in a process that is started in this way: `started`, where starting is what is tested."""
    port = free_port()
    log = folder / f"serve-{port}.log"
    command = ["-m", "api", "serve", "--port", str(port), "--database", address, *arguments]
    with log.open("wb") as out:
        server = start(*command, stdout=out, stderr=out, env=child_environment(**environment))
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, server, log)
        yield Server(server, url, log)
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@contextmanager
def working(address: str, folder: Path, **environment: str) -> Iterator[Process]:
    """`jinheng worker`, one job at a time, in a process of its own; killed with the block."""
    command = ["-m", "api", "worker", "--slots", "1", "--database", address]
    with (folder / "worker.log").open("ab") as out:
        worker = process(*command, stdout=out, stderr=out, env=child_environment(**environment))
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait()


@contextmanager
def serving_jobs(folder: Path) -> Iterator[Server]:
    """A server on a new database in a folder, and a worker beside it: both are there at once, and gone at once."""
    address = f"sqlite:///{folder / 'market.db'}"
    with serving(address, folder) as server, working(address, folder):
        yield server


def _wait_for(url: str, server: Process, log: Path) -> None:
    with caller(url, 1) as client:
        for _ in range(600):
            if server.poll() is not None:
                raise AssertionError(f"the server ended with {server.returncode}: {log.read_text(errors='replace')}")
            try:
                client.get("/v1/me")
                return
            except httpx2.TransportError:
                time.sleep(0.05)
    raise AssertionError(f"the server does not answer: {log.read_text(errors='replace')}")
