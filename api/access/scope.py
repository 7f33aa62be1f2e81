"""The one place where rows are bound to their organisation: whoever acts reads and writes through a scope.

A scope is one transaction of one actor. Everything read is filtered by the actor's organisation, everything written
carries it, and everything done is noted in the trail before the commit. Rows without an owner (documents) are reached
only by the hashes that owned rows hold.
"""

import functools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, RowMapping, Select, Table, and_, func, select, update

from api import settings
from api.access import trail
from api.access.roles import Permission, Role, may
from api.access.secrets import new_id
from api.refusals import Refused, not_found
from market_data.store_opening import Database
from market_data.store_statements import Prepared
from market_data.store_tables import time_of, time_text
from optimizer.findings import fault

type Way = Literal["key", "session", "local", "command", "job", "client"]

PAGE_ROWS = 50
PAGE_ROWS_MAX = 500


@dataclass(frozen=True)
class Actor:
    """Who acts, for which organisation, and what they may do."""

    organisation_id: str
    organisation: str
    user_id: str
    name: str
    roles: frozenset[Role]
    way: Way
    credential_id: str = ""
    """Of the key or the session."""

    def may(self, permission: Permission) -> bool:
        """Whether any of the actor's roles has it."""
        return may(self.roles, permission)

    def as_dict(self) -> dict[str, str]:
        """As the trail names them; no secret is in it."""
        named = {"user": self.user_id, "name": self.name, "way": self.way, "credential": self.credential_id}
        return {k: v for k, v in named.items() if v}


@functools.cache
def _new_row(table: Table, *columns: str) -> Prepared:
    """Built once: building a statement takes longer than sending it."""
    return Prepared(table.insert().inline(), *columns)


@dataclass
class Scope:
    """One transaction of one actor."""

    c: Connection
    actor: Actor
    now: datetime
    """The database's own clock where it has one, so that servers whose clocks differ agree."""
    request_id: str = ""
    notes: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)
    sides: list["Scope"] = field(default_factory=list)
    """Of other organisations, in the same transaction: see `books_of`."""

    @property
    def now_text(self) -> str:
        """The moment as the tables write it."""
        return time_text(self.now)

    def later(self) -> datetime:
        """The clock again: after a lock was waited for, the moment of the beginning may be long ago."""
        return max(self.now, moment(self.c))

    def mine(self, table: Table) -> ColumnElement[bool]:
        """The condition that a row is of the actor's organisation."""
        owned: ColumnElement[bool] = table.c.organisation_id == self.actor.organisation_id
        return owned

    def select(self, table: Table, *conditions: ColumnElement[bool]) -> Select[Any]:
        """The organisation's rows of a table."""
        return select(table).where(self.mine(table), *conditions)

    def rows(self, wanted: Select[Any]) -> Sequence[RowMapping]:
        """What a selection made by `select` gives."""
        return self.c.execute(wanted).mappings().all()

    def find(self, table: Table, *conditions: ColumnElement[bool]) -> RowMapping | None:
        """The organisation's one row that meets the conditions; None where there is none."""
        return self.c.execute(self.select(table, *conditions)).mappings().one_or_none()

    def one(self, table: Table, row_id: str, *, lock: bool = False) -> RowMapping:
        """The organisation's row of an id; `lock` keeps others from changing it until the end.

        Raises:
            Refused: `not_found`, the same whether it never was or is somebody else's.
        """
        wanted = self.select(table, table.c.id == row_id)
        row = self.c.execute(wanted.with_for_update() if lock else wanted).mappings().one_or_none()
        if row is None:
            raise not_found()
        return row

    def add(self, table: Table, **values: Any) -> str:
        """Adds a row of the organisation and gives its id."""
        row_id = values.pop("id", None) or new_id()
        row = {"organisation_id": self.actor.organisation_id, "id": row_id, **values}
        _new_row(table, *row).run(self.c, row)
        return row_id

    def add_all(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Adds rows of the organisation, all with the same columns, each under an id of its own."""
        if rows:
            owned = [{"organisation_id": self.actor.organisation_id, "id": new_id(), **row} for row in rows]
            _new_row(table, *owned[0]).run_all(self.c, owned)

    def change(self, table: Table, *conditions: ColumnElement[bool], **values: Any) -> Sequence[Row[Any]]:
        """Changes the organisation's rows that meet the conditions, in one statement; gives those rows as they became.

        An empty answer means that no row met them: how a conditional update says no.
        """
        wanted = update(table).where(self.mine(table), *conditions).values(**values).returning(table)
        return self.c.execute(wanted).all()

    def page(
        self, table: Table, limit: int, after: str | None, *conditions: ColumnElement[bool]
    ) -> tuple[Sequence[RowMapping], str | None]:
        """The organisation's rows, the newest first, from behind the row `after`; and where the next page begins.

        Raises:
            BadInput: `after` is no row of the organisation's.
        """
        return self.page_of(self.select(table, *conditions), table, self.mine(table), limit, after)

    def page_of(
        self, selection: Select[Any], table: Table, whose: ColumnElement[bool], limit: int, after: str | None
    ) -> tuple[Sequence[RowMapping], str | None]:
        """One page of a selection of a table's rows that meet `whose`, which its cursor has to meet too.

        Raises:
            BadInput: `after` is no such row.
        """
        wanted = selection.order_by(table.c.number.desc()).limit(limit + 1)
        if after is not None:
            place = self.c.execute(select(table.c.number).where(whose, table.c.id == after)).scalar_one_or_none()
            if place is None:
                zh, en = "不是上一页给出的 cursor", "is no cursor that an earlier page gave"
                raise Refused("bad_input", [fault("cursor", zh, en, path="cursor", value=after)])
            wanted = wanted.where(table.c.number < place)
        rows = self.rows(wanted)
        more = len(rows) > limit
        return rows[:limit], rows[limit - 1]["id"] if more else None

    def count(self, table: Table, *conditions: ColumnElement[bool]) -> int:
        """How many rows of the organisation's meet the conditions."""
        return int(self.c.execute(select(func.count()).where(and_(self.mine(table), *conditions))).scalar_one())

    def books_of(self, actor: Actor) -> "Scope":
        """The same transaction in another organisation's books, which note it in their own trail.

        Only `access.received` opens one: for whoever answers what that organisation sent them.
        """
        side = Scope(self.c, actor, self.now, self.request_id)
        self.sides.append(side)
        return side

    def note(self, action: str, thing: str, **details: Any) -> None:
        """Has the trail say at the commit what was done to which thing. Details are JSON, with no secret in them."""
        self.notes.append((action, thing, details))


@dataclass(frozen=True)
class Records:
    """The database as actors use it."""

    database: Database

    @contextmanager
    def reading(self, actor: Actor) -> Iterator[Scope]:
        """A transaction that only reads.

        Raises:
            BadInput: `store_refused`, what the database refuses.
        """
        with self.database.reading() as c:
            yield Scope(c, actor, moment(c))

    @contextmanager
    def writing(self, actor: Actor, request_id: str = "") -> Iterator[Scope]:
        """A transaction that is committed at the end with its notes in the trail, or leaves nothing.

        Raises:
            BadInput: `store_refused`, what the database refuses.
        """
        with self.database.writing() as c:
            scope = Scope(c, actor, moment(c), request_id)
            yield scope
            # Trails are locked in one order, so that two organisations never wait for one another.
            for one in sorted([scope, *scope.sides], key=lambda side: side.actor.organisation_id):
                if one.notes:
                    trail.append(c, one.actor.organisation_id, one.now_text, one.actor.as_dict(), one.notes, request_id)


def moment(c: Connection) -> datetime:
    """Now, by the database's own clock where it has one."""
    shown = trail.database_time(c)
    return settings.now() if shown is None else time_of(shown)
