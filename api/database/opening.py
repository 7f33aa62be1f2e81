"""Opens the database of the service: the market's tables and the service's, each brought to this version."""

from pathlib import Path

from api.database.tables import NEWEST, VERSION_TABLE
from api.whole_files import make_database_folder
from market_data.store_opening import MARKET_STEPS, Database, Steps, connect, step_forward

SERVICE_STEPS = Steps(Path(__file__).parent / "migrations", NEWEST, VERSION_TABLE)
"""Of organisations, access, archive, ledger and jobs."""


def open_service_database(address: str, *, kept_open: bool = True) -> Database:
    """The database at an address, made if it is not there, all its tables at this version.

    Raises:
        BadInput: an address of no such database; one that cannot be reached or refuses; one written by a newer version.
    """
    make_database_folder(address)
    database = connect(address, kept_open=kept_open)
    try:
        for steps in (MARKET_STEPS, SERVICE_STEPS):
            step_forward(database, steps)
    except BaseException:
        database.close()
        raise
    return database
