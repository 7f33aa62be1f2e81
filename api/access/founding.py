"""The first organisation of a database: made once, whoever starts first."""

from api.access import people
from api.access.scope import moment
from market_data.store_opening import Database


def prepare(database: Database) -> None:
    """Makes the first organisation in a database that has none."""
    with database.reading() as c:
        if people.is_founded(c):
            return
    with database.writing(people.FOUNDING) as c:
        people.found(c, moment(c))
