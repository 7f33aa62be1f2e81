"""`/v1/users`, `/v1/organisation`: who there is, and what their organisation is called."""

import json
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import Field
from sqlalchemy import RowMapping

from api.access import people
from api.access.scope import Actor, Scope
from api.database.tables import users
from api.routes.answering import Answer, Body, Caller, Cursor, Done, ExactRoute, Limit, allowed, page_document
from api.routes.shapes import Id, LoginIn, NameIn, PasswordIn, RolesIn, TimeText
from optimizer.errors import BadInput
from optimizer.findings import fault

router = APIRouter(prefix="/v1", tags=["people"], route_class=ExactRoute)


class UserAnswer(Answer):
    """A user; the password is nowhere to be read."""

    id: Id
    login: str
    name: str
    roles: list[str]
    created_at: TimeText
    disabled: bool


class UserPage(Answer):
    """A page of users."""

    items: list[UserAnswer]
    next: str | None


class NewUser(Body):
    """A user to be."""

    login: LoginIn
    name: NameIn
    roles: RolesIn
    password: Annotated[PasswordIn | None, Field(description="Without one only keys let the user in.")] = None


class UserChange(Body):
    """What should change; what is left out stays."""

    name: NameIn | None = None
    roles: RolesIn | None = None
    disabled: bool | None = None


class OrganisationAnswer(Answer):
    """The caller's organisation."""

    id: Id
    name: str
    created_at: TimeText


class OrganisationChange(Body):
    """Another name."""

    name: Annotated[NameIn, Field(examples=["太原赛事有限公司"])]


# ------------------------------------------------------------------------------------------------------------- users


@router.get("/users", response_model=None, responses={200: {"model": UserPage}}, summary="Users")
def list_users(caller: Caller = allowed("people.read"), limit: Limit = 50, cursor: Cursor = None) -> Response:
    """The organisation's users."""
    rows, after = caller.read(lambda scope: scope.page(users, limit, cursor))
    return caller.show(page_document([_user(r) for r in rows], after))


@router.post(
    "/users",
    status_code=201,
    response_model=None,
    responses={201: {"model": UserAnswer}},
    summary="Add a user",
)
def add_user(new: NewUser, caller: Caller = allowed("people.write")) -> Response:
    """A user of the organisation. While nobody can administer yet, the first user has to be an administrator.

    With a password the request takes no Idempotency-Key: sent again, it is refused because the login is taken.
    """
    if new.password is not None:
        caller.refuse_key()
    refuse_other_first_user(caller.actor, new.roles, new.password)

    def work(scope: Scope) -> Done:
        made = people.add_user(scope, new.login, new.name, new.roles, new.password)
        return Done(201, _user(scope.one(users, made)), location=f"/v1/users/{made}")

    return caller.once(work)


@router.get("/users/{user_id}", response_model=None, responses={200: {"model": UserAnswer}}, summary="A user")
def show_user(user_id: str, caller: Caller = allowed("people.read")) -> Response:
    """One user of the organisation."""
    return caller.show(caller.read(lambda scope: _user(scope.one(users, user_id))))


@router.patch(
    "/users/{user_id}",
    response_model=None,
    responses={200: {"model": UserAnswer}},
    summary="Change a user",
)
def change_user(user_id: str, change: UserChange, caller: Caller = allowed("people.write")) -> Response:
    """Name, roles, or whether they may come in. An organisation keeps at least one administrator."""

    def work(scope: Scope) -> Done:
        people.lock_organisation(scope)
        caller.must_match(_user(scope.one(users, user_id)))
        changed = people.change_user(scope, user_id, name=change.name, roles=change.roles, disabled=change.disabled)
        return Done(200, _user(changed))

    return caller.once(work)


def refuse_other_first_user(actor: Actor, roles: Sequence[str], password: str | None) -> None:
    """While nobody can administer, the first user is an administrator with a password. Raises BadInput."""
    if actor.way == "local" and "administrator" not in roles:
        zh, en = "首位用户应为管理员 (administrator)", "the first user should be an administrator"
        raise BadInput([fault("first_administrator", zh, en, path="roles")])
    if actor.way == "local" and password is None:
        zh, en = "首位管理员需要密码", "the first administrator needs a password"
        raise BadInput([fault("first_administrator", zh, en, path="password")])


def _user(row: RowMapping) -> dict[str, Any]:
    return {
        "id": row["id"],
        "login": row["login"],
        "name": row["name"],
        "roles": json.loads(row["roles"]),
        "created_at": row["created_at"],
        "disabled": row["disabled_at"] is not None,
    }


# ------------------------------------------------------------------------------------------------------- organisation


@router.get(
    "/organisation",
    response_model=None,
    responses={200: {"model": OrganisationAnswer}},
    summary="The caller's organisation",
)
def show_organisation(caller: Caller = allowed("self")) -> Response:
    """Its id, its name, and since when it is here."""
    return caller.show(caller.read(_organisation))


@router.patch(
    "/organisation",
    response_model=None,
    responses={200: {"model": OrganisationAnswer}},
    summary="Rename the organisation",
)
def change_organisation(change: OrganisationChange, caller: Caller = allowed("people.write")) -> Response:
    """Another name for the caller's organisation."""

    def work(scope: Scope) -> Done:
        people.lock_organisation(scope)
        caller.must_match(_organisation(scope))
        people.rename_organisation(scope, change.name)
        return Done(200, _organisation(scope))

    return caller.once(work)


def _organisation(scope: Scope) -> dict[str, Any]:
    row = people.own_organisation(scope)
    return {name: row[name] for name in ("id", "name", "created_at")}
