"""The database behind the store: which ones there are, how transactions run in them, and steps to the newest tables.

    sqlite:///market.db          write-ahead log, synchronous FULL (a commit outlives a power cut), 30 s for a lock
    postgresql://user@host/db    psycopg 3

Whatever a database refuses becomes a complaint in both languages that never shows a password. What is in the tables
lives in `snapshot_store` and `quote_store`.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, select, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool, QueuePool

from market_data.store_statements import by_driver
from market_data.store_tables import SCHEMA, VERSION_TABLE
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault

if TYPE_CHECKING:
    from alembic.config import Config

BUSY_SECONDS = 30
"""How long SQLite waits for a lock: under 8 writers its unfair lock kept one waiting for 3.4 s."""
WAL_TRIES_MAX = 100
"""Tries to switch a new file to the write-ahead log: each waits for a lock first, and one of 8 racing openers wins."""
CONNECT_SECONDS = 10
"""How long to wait for a PostgreSQL server that does not answer."""
CONNECTIONS_MAX = 20
"""Connections that a process which keeps them open may hold: a server's threads."""
OWNER_ONLY = 0o600
"""Who may read a new SQLite file: its owner alone; its log takes after it."""
MIGRATING, SAVING_QUOTES = 0x6A68_0001, 0x6A68_0002
"""Keys of PostgreSQL's advisory locks; "jh" in front, so that no other program is likely to use them."""

_DRIVERS = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


@dataclass(frozen=True)
class Steps:
    """The numbered steps of one set of tables; several sets may share a database, each with a note of its own."""

    folder: Path
    """Alembic's: env.py and versions."""
    newest: str
    """The revision that the code reads and writes."""
    version_table: str
    """Where Alembic notes the revision."""


MARKET_STEPS = Steps(Path(__file__).parent / "migrations", SCHEMA, VERSION_TABLE)
"""Of snapshots and quotes."""


@dataclass(frozen=True)
class Database:
    """A database that was opened, and how it is named to people."""

    engine: Engine
    shown: str
    """Its address without user, password and options."""
    secrets: tuple[str, ...]
    """What no message may repeat."""

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads; writers are not kept waiting.

        Raises:
            BadInput: what the database refuses.
        """
        with self._refusals(), self.engine.connect() as c:
            yield c.execution_options(only_reads=True)

    @contextmanager
    def writing(self, lock: int | None = None) -> Iterator[Connection]:
        """A transaction that is committed at the end, or leaves nothing. `lock` admits one writer of a kind at a time.

        SQLite admits one writer in all.

        Raises:
            BadInput: what the database refuses.
        """
        with self._refusals(), self.engine.begin() as c:
            if lock is not None and c.dialect.name == "postgresql":
                c.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": lock})
            yield c

    def close(self) -> None:
        """Gives the connections back."""
        self.engine.dispose()

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            # Not chained: a driver's own words may repeat what it was given.
            raise BadInput([self._refusal(error)]) from None

    def _refusal(self, error: SQLAlchemyError) -> Finding:
        said = str(error.orig) if isinstance(error, DBAPIError) else type(error).__name__
        for secret in self.secrets:
            said = said.replace(secret, "***")
        said = " ".join(said.split())
        zh = f"数据库无法使用; 请检查地址, 用户, 密码, 权限和磁盘: {said}"
        en = f"the database cannot be used; check its address, user, password, permissions and disk: {said}"
        return fault("store_refused", zh, en, value=self.shown)


@dataclass(frozen=True)
class Held(Database):
    """A SQLite file of which the one connection is held from a transaction to the next."""

    turn: Lock = field(default_factory=Lock)
    """Of the one transaction that it can have."""

    @cached_property
    def _connection(self) -> Connection:
        return self.engine.connect()

    @contextmanager
    def writing(self, lock: int | None = None) -> Iterator[Connection]:
        """As any database's."""
        del lock  # one writer in all
        with self.turn, self._refusals(), self._connection.begin():
            yield self._connection

    def close(self) -> None:
        """Gives the connections back, the held one first."""
        if "_connection" in vars(self):
            self._connection.close()
        super().close()


def for_one_thread(database: Database) -> Database:
    """A database in which one thread of this process writes; it then need not go through the pool for each transaction.

    PostgreSQL may end a connection between two transactions: the pool sees to that.
    """
    held = database.engine.dialect.name == "sqlite"
    return Held(database.engine, database.shown, database.secrets) if held else database


def open_database(address: str) -> Database:
    """Opens the database and brings its market tables to this version, whoever else does so at the same moment.

    Raises:
        BadInput: an address of no such database; one that cannot be reached or refuses; one written by a newer version.
    """
    database = connect(address)
    try:
        step_forward(database, MARKET_STEPS)
    except BaseException:
        database.close()
        raise
    return database


def _url_of(address: str) -> URL:
    zh, en = (
        "应为 sqlite:///文件 或 postgresql://用户@主机/数据库",
        "should be sqlite:///file or postgresql://user@host/database",
    )
    try:
        url = make_url(address)
        driver = _DRIVERS.get(url.drivername)
    except (ArgumentError, ValueError):
        driver = None
    if driver is None:
        # Only what stands before the colon is shown: the rest may hold a password in an unexpected place.
        raise BadInput([fault("store_address", zh, en, value=address.partition(":")[0])]) from None
    if driver == "sqlite" and (not url.database or url.database == ":memory:" or url.query):
        raise BadInput([fault("store_address", zh, en, value=f"sqlite:///{url.database or ''}")])
    return url.set(drivername=driver)


def connect(address: str, *, kept_open: bool = False, busy_seconds: int = BUSY_SECONDS) -> Database:
    """The database at an address, its tables as they are; `kept_open` keeps connections for a server's threads.

    Whoever waits longer than `busy_seconds` for somebody else's lock, or for a connection, is refused.

    Raises:
        BadInput: an address of no such database; one that cannot be reached.
    """
    url = _url_of(address)
    if url.drivername == "sqlite":
        _check_file(Path(str(url.database)))
        # Else no pool: a connection kept by a forked or waiting process could hold locks.
        pool: dict[str, Any] = _pool(busy_seconds) if kept_open else {"poolclass": NullPool}
        waiting = {"timeout": busy_seconds, "check_same_thread": False}
        engine = create_engine(url, connect_args=waiting, hide_parameters=True, **pool)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return Database(engine, f"sqlite:///{url.database}", ())
    pool = _pool(busy_seconds) if kept_open else {}
    waiting = {"connect_timeout": CONNECT_SECONDS}
    engine = create_engine(url, pool_pre_ping=True, connect_args=waiting, hide_parameters=True, **pool)
    event.listen(engine, "connect", lambda connection, _: _set_up_postgresql(connection, busy_seconds))
    place = f"{url.host or ''}{f':{url.port}' if url.port else ''}"
    options = url.normalized_query
    secrets = [url.password, *(v for name, values in options.items() if "pass" in name for v in values)]
    return Database(engine, f"postgresql://{place}/{url.database or ''}", tuple(s for s in secrets if s))


def _pool(busy_seconds: int) -> dict[str, Any]:
    return {"poolclass": QueuePool, "pool_size": CONNECTIONS_MAX, "max_overflow": 0, "pool_timeout": busy_seconds}


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise BadInput([fault("store_file", "是文件夹; 应为文件", "is a folder; should be a file", value=path)])
    if not path.parent.is_dir():
        zh, en = "所在文件夹不存在; 请先创建", "is in a folder that does not exist; make the folder first"
        raise BadInput([fault("store_file", zh, en, value=path)])
    with suppress(OSError):  # there already, or not to be made: then opening it says so
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, OWNER_ONLY))


def _set_up_postgresql(connection: Any, busy_seconds: int) -> None:
    connection.execute(f"SET lock_timeout = '{busy_seconds}s'")
    connection.commit()


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # Python's sqlite3 would begin transactions by itself, and late: then two writers can block one another for good.
    connection.isolation_level = None
    cursor = connection.cursor()
    _switch_to_wal(cursor)
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    # Else INSERT OR REPLACE would delete rows past the triggers.
    cursor.execute("PRAGMA recursive_triggers = ON")
    cursor.close()


def _switch_to_wal(cursor: Any) -> None:
    for _ in range(WAL_TRIES_MAX):
        if cursor.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
            return
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            # Where several processes open a new file at once this one statement fails instead of waiting for the lock.
            # A transaction does wait for it; after that another process has switched, or this one may try again.
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("COMMIT")
    cursor.execute("PRAGMA journal_mode = WAL")


def _begin_sqlite(c: Connection) -> None:
    begin = "BEGIN" if c.get_execution_options().get("only_reads") else "BEGIN IMMEDIATE"
    by_driver(c, lambda cursor: cursor.execute(begin))


def step_forward(database: Database, steps: Steps) -> None:
    """Brings one set of tables to this version, whoever else does so at the same moment.

    Raises:
        BadInput: tables written by a newer version; what the database refuses.
    """
    with database.reading() as c:
        if revision_of(c, steps) == steps.newest:
            return
    with database.writing(MIGRATING) as c:
        bring_forward(c, steps, database.shown)


def bring_forward(c: Connection, steps: Steps, shown: str, revision: str | None = None) -> None:
    """The step forward inside a transaction that somebody else ends, who is the only one to step; to the newest.

    Raises:
        BadInput: tables written by a newer version.
    """
    # Asked again: another process may have done it while this one waited.
    if (found := revision_of(c, steps)) != steps.newest:
        _known_or_newer(c, steps, found, shown)
        _alembic(c, steps, revision or steps.newest, back=False)


def step_to(database: Database, steps: Steps, revision: str) -> None:
    """Takes one set of tables forward or back to a revision ("base": to none), all of the way or not at all.

    Raises:
        BadInput: no such revision; tables written by a newer version; what the database or a step refuses.
    """
    with database.writing(MIGRATING) as c:
        known = revisions(c, steps)
        if revision not in known:
            listed = ", ".join(known)
            zh, en = f"没有这个版本; 应为 {listed} 之一", f"no such revision; should be one of {listed}"
            raise BadInput([fault("revision_unknown", zh, en, path="--to", value=revision)])
        found = revision_of(c, steps)
        _known_or_newer(c, steps, found, database.shown)
        if known.index(found or "base") <= known.index(revision):
            bring_forward(c, steps, database.shown, revision)
        else:
            _alembic(c, steps, revision, back=True)


def revisions(c: Connection, steps: Steps) -> list[str]:
    """Every revision of a set of tables in its order, "base" (no tables) first."""
    from alembic.script import ScriptDirectory

    walked = ScriptDirectory.from_config(_config(c, steps)).walk_revisions()
    return ["base", *reversed([script.revision for script in walked])]


def step_back(database: Database, steps: Steps, revision: str) -> None:
    """Takes one set of tables back to an earlier revision ("base": to none). The steps refuse where rows would go.

    Raises:
        BadInput: what the database or a step refuses.
    """
    with database.writing(MIGRATING) as c:
        _alembic(c, steps, revision, back=True)


def revision_of(c: Connection, steps: Steps) -> str | None:
    """The revision that a set of tables is at; None where there is none of it."""
    if not inspect(c).has_table(steps.version_table):
        return None
    return c.execute(select(text("version_num")).select_from(text(steps.version_table))).scalar_one_or_none()


def _known_or_newer(c: Connection, steps: Steps, revision: str | None, shown: str) -> None:
    if revision is not None and revision not in revisions(c, steps):
        zh = f"数据库由更新的版本写成 (结构 {revision}, 本版本为 {steps.newest}); 请升级本程序"
        en = f"was written by a newer version (schema {revision}, this one has {steps.newest}); update this program"
        raise BadInput([fault("store_newer", zh, en, value=shown)])


def _alembic(c: Connection, steps: Steps, revision: str, *, back: bool) -> None:
    # Imported here: Alembic takes a fifth of a second, and almost every opening finds nothing to do.
    from alembic import command

    (command.downgrade if back else command.upgrade)(_config(c, steps), revision)


def _config(c: Connection, steps: Steps) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(steps.folder).replace("%", "%%"))
    config.attributes["connection"] = c
    config.attributes["version_table"] = steps.version_table
    return config
