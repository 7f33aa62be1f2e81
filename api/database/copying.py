"""Whole copies of a database: into one SQLite file, and from such a file into an empty database of either kind.

A SQLite database is copied page by page while others write to it. A PostgreSQL database is read in one transaction
that sees one moment, table by table. Either file can be restored into either kind.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, LargeBinary, Table, func, inspect, select, text

from api.database import job_tables, ledger_tables, retirement_tables
from api.database.opening import SERVICE_STEPS, open_service_database, schema_faults
from api.database.tables import tables
from api.whole_files import make_database_folder, whole_file
from market_data.store_opening import (
    MARKET_STEPS,
    MIGRATING,
    Database,
    bring_forward,
    connect,
    revision_of,
)
from market_data.store_tables import tables as market_tables
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault

FILLED_BY = (ledger_tables, retirement_tables, job_tables)
"""Modules that add their tables to `tables` when they are imported."""
ROWS_AT_ONCE, DOCUMENTS_AT_ONCE = 1000, 20
"""Rows held in memory; of tables with documents fewer, whose rows may have megabytes."""
SQLITE_MAGIC = b"SQLite format 3\0"


def all_tables() -> list[Table]:
    """Every table of the market and of the service, each behind those that it refers to."""
    return [*market_tables.sorted_tables, *tables.sorted_tables]


def back_up(database: Database, path: Path) -> None:
    """A copy of the whole database in one file, there whole or not at all; others read and write meanwhile.

    Raises:
        BadInput: what the database refuses; a file that cannot be written; a copy that does not hold in itself.
    """
    try:
        with whole_file(path) as part:
            if database.engine.dialect.name == "sqlite":
                _copy_pages(database, part)
            else:
                _copy_rows_out(database, part)
            _close_file(part)
    except (OSError, sqlite3.Error) as error:
        zh, en = f"备份未能写成: {error}", f"the backup could not be written: {error}"
        raise BadInput([fault("backup_failed", zh, en, value=path)]) from error


def _copy_pages(database: Database, part: Path) -> None:
    with database.reading() as c:
        c.execute(text("SELECT 1"))  # the transaction begins here: the copy is of this moment
        source = c.connection.driver_connection
        assert isinstance(source, sqlite3.Connection)
        target = sqlite3.connect(part)
        try:
            source.backup(target)  # in one step, so that no writer makes it begin again
        finally:
            target.close()


def _copy_rows_out(database: Database, part: Path) -> None:
    target = open_service_database(f"sqlite:///{part}", kept_open=False)
    try:
        with database.reading() as c:
            one_moment = c.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            if found := schema_faults(one_moment):
                raise BadInput(found)
            with target.writing() as t:
                copy_rows(one_moment, t)
    finally:
        target.close()


def _close_file(part: Path) -> None:
    """Leaves one file, without its write-ahead log, known to be sound."""
    c = sqlite3.connect(part)
    try:
        c.execute("PRAGMA journal_mode = DELETE")
        (said,) = c.execute("PRAGMA integrity_check(1)").fetchone()
    finally:
        c.close()
    if said != "ok":
        raise sqlite3.DatabaseError(said)


def copy_rows(source: Connection, target: Connection) -> None:
    """Copies every row of every table; both have the tables of this version."""
    for table in all_tables():
        for rows in _rows_in_pieces(source, table):
            target.execute(table.insert(), rows)
    if target.dialect.name == "postgresql":
        _count_on(target)


def _rows_in_pieces(c: Connection, table: Table) -> Iterator[list[dict[str, object]]]:
    large = any(isinstance(column.type, LargeBinary) for column in table.columns)
    pieces = DOCUMENTS_AT_ONCE if large else ROWS_AT_ONCE
    wanted = select(table).order_by(*table.primary_key.columns)
    found = c.execution_options(yield_per=pieces).execute(wanted).mappings()
    for piece in found.partitions():
        yield [dict(row) for row in piece]


def _count_on(c: Connection) -> None:
    """Has PostgreSQL number new rows behind those that were copied."""
    for table in all_tables():
        column = table.autoincrement_column
        if column is None:
            continue
        last = c.execute(select(func.max(column))).scalar_one()
        if last is not None:
            names = {"t": table.name, "c": column.name, "n": last}
            c.execute(text("SELECT setval(pg_get_serial_sequence(:t, :c), :n)"), names)


# ----------------------------------------------------------------------------------------------------------- restoring


@contextmanager
def opened_backup(path: Path) -> Iterator[Database]:
    """A copy of a backup, brought to this version; the file stays as it is.

    Raises:
        BadInput: a file that is no backup, that is damaged, or that a newer version wrote.
    """
    try:
        with path.open("rb") as file:
            known = file.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC
    except OSError as error:
        raise BadInput([fault("backup_unreadable", "无法读取备份文件", "cannot be read", value=path)]) from error
    if not known:
        raise BadInput([_no_backup(path)])
    with TemporaryDirectory(prefix="jinheng-restore-") as folder:
        copied = Path(folder) / "backup.db"
        shutil.copyfile(path, copied)
        _check_copy(copied, path)
        opened = open_service_database(f"sqlite:///{copied}", kept_open=False)
        try:
            yield opened
        finally:
            opened.close()


def _check_copy(copied: Path, path: Path) -> None:
    try:
        _close_file(copied)
    except sqlite3.Error as error:
        zh, en = f"备份文件已损坏: {error}", f"the backup is damaged: {error}"
        raise BadInput([fault("backup_damaged", zh, en, value=path)]) from error
    plain = connect(f"sqlite:///{copied}")
    try:
        with plain.reading() as c:
            if revision_of(c, SERVICE_STEPS) is None and revision_of(c, MARKET_STEPS) is None:
                raise BadInput([_no_backup(path)])
    finally:
        plain.close()


def _no_backup(path: Path) -> Finding:
    return fault("backup_format", "不是本程序的备份文件", "is no backup of this program", value=path)


def restore(backup: Database, address: str) -> None:
    """Copies a backup into an empty database, all of it or nothing.

    Raises:
        BadInput: a database that is not empty; what it refuses.
    """
    make_database_folder(address)
    target = connect(address)
    try:
        with target.writing(MIGRATING) as t:
            if filled := filled_tables(t):
                listed = ", ".join(filled)
                zh = f"目标数据库不是空的 ({listed}); 请恢复到新的数据库"
                en = f"the database is not empty ({listed}); restore into a new one"
                raise BadInput([fault("database_filled", zh, en, value=target.shown)])
            for steps in (MARKET_STEPS, SERVICE_STEPS):
                bring_forward(t, steps, target.shown)
            with backup.reading() as c:
                copy_rows(c, t)
    finally:
        target.close()


def filled_tables(c: Connection) -> list[str]:
    """Which of our tables hold rows."""
    there = set(inspect(c).get_table_names())
    known = [t for t in all_tables() if t.name in there]
    return [t.name for t in known if c.execute(select(text("1")).select_from(t).limit(1)).first() is not None]


def row_counts(c: Connection) -> dict[str, int]:
    """Table -> rows, of the tables that hold any."""
    counted = {t.name: c.execute(select(func.count()).select_from(t)).scalar_one() for t in all_tables()}
    return {name: n for name, n in counted.items() if n}
