"""Statements that every request sends, made into text once and given to the driver as that text.

Each time a statement passes through SQLAlchemy its parameters, their types and the columns of its result are gone
through anew. In a process that has just made a plan, and has all else in its caches, this took nearly as long as
what the database did.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
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

    def run(self, c: Connection, values: Mapping[str, Any]) -> None:
        """Sends it with one set of values."""
        with self._sending(c) as (cursor, text):
            cursor.execute(text, values)

    def run_all(self, c: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Sends it with several."""
        with self._sending(c) as (cursor, text):
            cursor.executemany(text, rows)

    def rows(self, c: Connection, **values: Any) -> list[dict[str, Any]]:
        """What it selects, by the names of the columns."""
        with self._sending(c) as (cursor, text):
            cursor.execute(text, values)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def one(self, c: Connection, **values: Any) -> dict[str, Any]:
        """The one row that it selects. Raises NoResultFound."""
        found = self.rows(c, **values)
        if len(found) != 1:
            raise NoResultFound(f"{len(found)} rows where there should be one")
        return found[0]

    @contextmanager
    def _sending(self, c: Connection) -> Iterator[tuple[Any, str]]:
        text = self._texts.get(c.dialect.name) or self._text(c.dialect)
        if not c.in_transaction():
            c.begin()
        with driver_cursor(c) as cursor:
            yield cursor, text

    def _text(self, dialect: Dialect) -> str:
        named = _NAMED_ON_SQLITE if dialect.name == "sqlite" else dialect
        text = str(self._statement.compile(dialect=named, column_keys=self._columns))
        return self._texts.setdefault(dialect.name, text)


@contextmanager
def driver_cursor(c: Connection) -> Iterator[Any]:
    """A cursor of the driver's own. Raises DBAPIError and its kinds."""
    refusal = c.dialect.loaded_dbapi.Error
    cursor = c.connection.cursor()
    try:
        yield cursor
    except refusal as error:
        raise DBAPIError.instance(None, None, error, refusal, hide_parameters=True, dialect=c.dialect) from error
    finally:
        cursor.close()
