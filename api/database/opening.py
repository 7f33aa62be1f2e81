"""Opens the database of the service: the market's tables and the service's, each brought to this version."""

from pathlib import Path

from sqlalchemy import Connection

from api.database.tables import NEWEST, VERSION_TABLE
from api.whole_files import make_database_folder
from market_data.store_opening import (
    BUSY_SECONDS,
    MARKET_STEPS,
    Database,
    Steps,
    connect,
    revision_of,
    step_forward,
    step_to,
)
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault

SERVICE_STEPS = Steps(Path(__file__).parent / "migrations", NEWEST, VERSION_TABLE)
"""Of organisations, access, archive, ledger and jobs."""


def open_service_database(address: str, *, kept_open: bool = True, busy_seconds: int = BUSY_SECONDS) -> Database:
    """The database at an address, made if it is not there, all its tables at this version.

    Raises:
        BadInput: an address of no such database; one that cannot be reached or refuses; one written by a newer version.
    """
    make_database_folder(address)
    database = connect(address, kept_open=kept_open, busy_seconds=busy_seconds)
    try:
        for steps in (MARKET_STEPS, SERVICE_STEPS):
            step_forward(database, steps)
    except BaseException:
        database.close()
        raise
    return database


def open_existing_database(address: str) -> Database:
    """The database at an address, its tables as they are.

    Raises:
        BadInput: an address of no such database; a file that is not there; one that cannot be reached.
    """
    if address.startswith("sqlite:///") and not Path(address.removeprefix("sqlite:///")).is_file():
        zh, en = "没有这个数据库文件", "there is no such database file"
        raise BadInput([fault("database_missing", zh, en, path="--database", value=address)])
    return connect(address)


def schema_faults(c: Connection) -> list[Finding]:
    """What keeps this version from using the tables as they are."""
    found = []
    for steps in (MARKET_STEPS, SERVICE_STEPS):
        if (revision := revision_of(c, steps)) != steps.newest:
            zh = f"结构版本为 {revision or '无'}, 应为 {steps.newest}; 请运行 jinheng db migrate"
            en = f"is at schema {revision or 'none'}, should be at {steps.newest}; run jinheng db migrate"
            found.append(fault("schema", zh, en, value=steps.version_table))
    return found


def migrate(address: str, revision: str | None = None) -> tuple[str | None, str | None]:
    """Brings all tables to this version, or the service's to a revision; gives the service's before and after.

    Each set of tables goes all of the way or stays. The market's tables go forward only.

    Raises:
        BadInput: no such revision; tables of a newer version; rows that a step back would delete; what is refused.
    """
    make_database_folder(address)
    database = connect(address)
    try:
        with database.reading() as c:
            before = revision_of(c, SERVICE_STEPS)
        step_forward(database, MARKET_STEPS)
        step_to(database, SERVICE_STEPS, SERVICE_STEPS.newest if revision is None else revision)
        with database.reading() as c:
            return before, revision_of(c, SERVICE_STEPS)
    finally:
        database.close()
