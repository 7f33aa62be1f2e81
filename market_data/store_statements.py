"""Statements that every request sends, made into text once and given to the driver as that text.

Each time a statement passes through SQLAlchemy its parameters, their types and the columns of its result are gone
through anew. In a process that has just made a plan, and has all else in its caches, this took nearly as long as
what the database did.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ClauseElement, Connection, Dialect
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError, NoResultFound

_NAMED_ON_SQLITE = sqlite.dialect(paramstyle="named")


class Prepared:
    """A statement whose values the drivers take as they are: text, whole numbers, truth, bytes and None.

    Raises DBAPIError and its kinds, as SQLAlchemy does, where the database refuses.
    """

    def __init__(self, statement: ClauseElement, *columns: str) -> None:
        """`columns` are those that an INSERT or UPDATE writes; none: all of them."""
        self._statement, self._columns = statement, list(columns) or None
        self._texts: dict[str, str] = {}
        self._names: list[str] = []

    def run(self, c: Connection, values: Mapping[str, Any]) -> None:
        """Sends it with one set of values."""
        self._send(c, lambda cursor, text: cursor.execute(text, values))

    def run_all(self, c: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Sends it with each of several."""
        if len(rows) == 1:  # for several, psycopg enters its pipeline mode: a round trip more
            self.run(c, rows[0])
        else:
            self._send(c, lambda cursor, text: cursor.executemany(text, rows))

    def rows(self, c: Connection, **values: Any) -> list[dict[str, Any]]:
        """What it selects or returns, by the names of the columns."""

        def found(cursor: Any, text: str) -> list[dict[str, Any]]:
            cursor.execute(text, values)
            if not self._names:  # psycopg makes a description anew each time
                self._names = [column[0] for column in cursor.description]
            return [dict(zip(self._names, row, strict=True)) for row in cursor.fetchall()]

        return self._send(c, found)

    def one(self, c: Connection, **values: Any) -> dict[str, Any]:
        """The one row that it selects. Raises NoResultFound."""
        found = self.rows(c, **values)
        if len(found) != 1:
            raise NoResultFound(f"{len(found)} rows where there should be one")
        return found[0]

    def _send[T](self, c: Connection, use: Callable[[Any, str], T]) -> T:
        text = self._texts.get(c.dialect.name) or self._text(c.dialect)
        if not c.in_transaction():
            c.begin()
        return by_driver(c, lambda cursor: use(cursor, text))

    def _text(self, dialect: Dialect) -> str:
        named = _NAMED_ON_SQLITE if dialect.name == "sqlite" else dialect
        text = str(self._statement.compile(dialect=named, column_keys=self._columns))
        return self._texts.setdefault(dialect.name, text)


def by_driver[T](c: Connection, use: Callable[[Any], T]) -> T:
    """What `use` makes of a cursor of the driver's own. Raises DBAPIError and its kinds."""
    refusal = c.dialect.loaded_dbapi.Error
    cursor = c.connection.cursor()
    try:
        return use(cursor)
    except refusal as error:
        raise DBAPIError.instance(None, None, error, refusal, hide_parameters=True, dialect=c.dialect) from error
    finally:
        cursor.close()
