"""What the operator does on the machine itself: organisations and users, without a running service."""

import getpass
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from api.access import people
from api.access.founding import prepare
from api.access.scope import Actor, Records, moment
from api.database.opening import open_service_database
from api.settings import database_url
from optimizer.errors import BadInput
from optimizer.findings import fault
from optimizer.wording import Language


class UserMade(NamedTuple):
    """A user who was added."""

    id: str
    login: str
    organisation: str


@contextmanager
def opened_records(database: str | None) -> Iterator[Records]:
    """The service's records for one command. Raises BadInput."""
    opened = open_service_database(database_url(database), kept_open=False)
    try:
        prepare(opened)
        yield Records(opened)
    finally:
        opened.close()


def ask_password(lang: Language) -> str:
    """The password: asked twice at a terminal, else the first line of stdin. Raises BadInput."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("密码: " if lang == "zh" else "Password: ")
    if getpass.getpass("再次输入: " if lang == "zh" else "Again: ") != first:
        raise BadInput([fault("password_twice", "两次输入不一致", "the two are not the same")])
    return first


def add_user(
    database: str | None, login: str, name: str, roles: Sequence[str], organisation: str | None, password: str
) -> UserMade:
    """A user of an organisation. Raises BadInput."""
    with opened_records(database) as records:
        actor = operator(records, organisation)
        with records.writing(actor) as scope:
            made = people.add_user(scope, login, name, roles, password)
    return UserMade(made, login.casefold(), actor.organisation)


def add_organisation(database: str | None, name: str) -> str:
    """A new organisation; gives its id. Raises BadInput."""
    with opened_records(database) as records:
        with records.database.writing(people.FOUNDING) as c:
            made = people.add_organisation(c, name, moment(c))
        with records.writing(operator(records, name)) as scope:
            scope.note("organisation.add", made, name=name.strip())
    return made


def operator(records: Records, organisation: str | None) -> Actor:
    """The operator, acting for an organisation by name; by default for the first. Raises BadInput."""
    with records.database.reading() as c:
        first = people.local_actor(c)
        row = None if organisation is None else people.organisation_named(c, organisation)
    if organisation is not None and row is None:
        zh, en = "没有这个单位; 先用 jinheng organisations add 建立", "no such organisation; add it first"
        raise BadInput([fault("organisation_unknown", zh, en, path="--organisation", value=organisation)])
    owner = (first.organisation_id, first.organisation) if row is None else (str(row["id"]), str(row["name"]))
    return Actor(owner[0], owner[1], people.OPERATOR, people.OPERATOR, frozenset({"administrator"}), "command")
