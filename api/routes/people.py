"""`/v1/users`, `/v1/keys`, `/v1/session`, `/v1/organisation`, `/v1/me`: who there is, and how they come in."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from sqlalchemy import RowMapping

from api.access import people
from api.access.roles import MAY
from api.access.scope import Actor, Scope
from api.database.tables import keys, users
from api.door import COOKIE, address_of, refuse_other_sites
from api.refusals import Refused
from api.routes.answering import (
    Answer,
    Body,
    Caller,
    Cursor,
    Done,
    ExactRoute,
    Limit,
    allowed,
    as_bytes,
    page_document,
)
from api.routes.shapes import Id, TimeText
from optimizer.errors import BadInput
from optimizer.findings import fault

router = APIRouter(prefix="/v1", route_class=ExactRoute)
KEY_DAYS_MAX = 3660
RolesIn = Annotated[list[str], Field(min_length=1, max_length=5, examples=[["organiser"]])]


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

    login: str
    name: str
    roles: RolesIn
    password: Annotated[str | None, Field(description="12 to 200 characters; without one only keys let them in.")] = (
        None
    )


class UserChange(Body):
    """What should change; what is left out stays."""

    name: str | None = None
    roles: RolesIn | None = None
    disabled: bool | None = None


class NewPassword(Body):
    """One's own password."""

    old: str
    new: str


class KeyAnswer(Answer):
    """An API key, without its secret."""

    id: Id
    name: str
    user: Id
    roles: list[str]
    created_at: TimeText
    expires_at: TimeText | None
    revoked_at: TimeText | None


class KeyPage(Answer):
    """A page of keys."""

    items: list[KeyAnswer]
    next: str | None


class KeyMade(KeyAnswer):
    """A key that was just made: the only time that its secret is shown."""

    token: str


class NewKey(Body):
    """A key to be, of one's own."""

    name: str
    roles: RolesIn
    days: Annotated[int | None, Field(ge=1, le=KEY_DAYS_MAX, description="Valid for; left out: until revoked.")] = None


class SignIn(Body):
    """Who signs in."""

    login: Annotated[str, Field(max_length=200)]
    password: Annotated[str, Field(max_length=1000)]


class Me(Answer):
    """Who the caller is and what they may do."""

    organisation: Id
    organisation_name: str
    user: str
    name: str
    roles: list[str]
    permissions: list[str]
    way: str


class OrganisationAnswer(Answer):
    """The caller's organisation."""

    id: Id
    name: str


class OrganisationChange(Body):
    """Another name."""

    name: str


# --------------------------------------------------------------------------------------------------------------- users


@router.get("/users", tags=["people"], response_model=None, responses={200: {"model": UserPage}}, summary="Users")
def list_users(caller: Caller = allowed("people.read"), limit: Limit = 50, cursor: Cursor = None) -> Response:
    """The organisation's users."""
    rows, after = caller.read(lambda scope: scope.page(users, limit, cursor))
    return caller.show(page_document([_user(r) for r in rows], after))


@router.post(
    "/users",
    tags=["people"],
    status_code=201,
    response_model=None,
    responses={201: {"model": UserAnswer}},
    summary="Add a user",
)
def add_user(new: NewUser, caller: Caller = allowed("people.write")) -> Response:
    """A user of the organisation. While nobody can administer yet, the first user has to be an administrator."""
    if caller.actor.way == "local" and "administrator" not in new.roles:
        zh, en = "首位用户应为管理员 (administrator)", "the first user should be an administrator"
        raise BadInput([fault("first_administrator", zh, en, path="roles")])
    if caller.actor.way == "local" and new.password is None:
        zh, en = "首位管理员需要密码", "the first administrator needs a password"
        raise BadInput([fault("first_administrator", zh, en, path="password")])

    def work(scope: Scope) -> Done:
        made = people.add_user(scope, new.login, new.name, new.roles, new.password)
        return Done(201, _user(scope.one(users, made)), location=f"/v1/users/{made}")

    return caller.once(work)


@router.get(
    "/users/{user_id}", tags=["people"], response_model=None, responses={200: {"model": UserAnswer}}, summary="A user"
)
def show_user(user_id: str, caller: Caller = allowed("people.read")) -> Response:
    """One user of the organisation."""
    return caller.show(caller.read(lambda scope: _user(scope.one(users, user_id))))


@router.patch(
    "/users/{user_id}",
    tags=["people"],
    response_model=None,
    responses={200: {"model": UserAnswer}},
    summary="Change a user",
)
def change_user(user_id: str, change: UserChange, caller: Caller = allowed("people.write")) -> Response:
    """Name, roles, or whether they may come in. An organisation keeps at least one administrator."""

    def work(scope: Scope) -> Done:
        changed = people.change_user(scope, user_id, name=change.name, roles=change.roles, disabled=change.disabled)
        return Done(200, _user(changed))

    return caller.once(work)


@router.put("/me/password", tags=["people"], status_code=204, response_model=None, summary="Change one's password")
def change_password(change: NewPassword, caller: Caller = allowed("self")) -> Response:
    """One's own password; every open session of the user ends."""
    caller.request.app.state.door.sign_in_pace.hold_to(f"password {caller.actor.user_id}")

    def work(scope: Scope) -> Done:
        row = scope.one(users, caller.actor.user_id)
        if people.user_who_signs_in(scope.c, row["login"], change.old) is None:
            zh, en = "原密码不符", "is not the present password"
            raise BadInput([fault("password_wrong", zh, en, path="old")])
        people.change_password(scope, caller.actor.user_id, change.new)
        return Done(204)

    return caller.once(work)


def _user(row: RowMapping) -> dict[str, Any]:
    return {
        "id": row["id"],
        "login": row["login"],
        "name": row["name"],
        "roles": json.loads(row["roles"]),
        "created_at": row["created_at"],
        "disabled": row["disabled_at"] is not None,
    }


# ---------------------------------------------------------------------------------------------------------------- keys


@router.get("/keys", tags=["people"], response_model=None, responses={200: {"model": KeyPage}}, summary="API keys")
def list_keys(
    caller: Caller = allowed("self"),
    limit: Limit = 50,
    cursor: Cursor = None,
    everybody: Annotated[bool, Query(description="Of all users; administrators only.")] = False,
) -> Response:
    """One's own keys; an administrator may ask for everybody's."""
    if everybody and not caller.actor.may("people.read"):
        raise Refused("forbidden")
    own = [] if everybody else [keys.c.user_id == caller.actor.user_id]
    rows, after = caller.read(lambda scope: scope.page(keys, limit, cursor, *own))
    return caller.show(page_document([_key(r) for r in rows], after))


@router.post(
    "/keys",
    tags=["people"],
    status_code=201,
    response_model=None,
    responses={201: {"model": KeyMade}},
    summary="Make a key",
)
def add_key(new: NewKey, caller: Caller = allowed("self")) -> Response:
    """A key of one's own with some of one's roles. Its secret is shown this once and kept nowhere.

    Send no Idempotency-Key: a reply that is kept would hold the secret.
    """
    if caller.asked() is not None:
        zh, en = (
            "此请求不接受 Idempotency-Key: 回复含密钥, 不能保存",
            "takes no Idempotency-Key: its reply holds a secret",
        )
        raise BadInput([fault("no_idempotency", zh, en, path="Idempotency-Key")])

    def work(scope: Scope) -> Done:
        made = people.add_key(scope, new.name, new.roles, new.days)
        return Done(201, {**_key(scope.one(keys, made.id)), "token": made.token}, location=f"/v1/keys/{made.id}")

    return caller.once(work)


@router.delete(
    "/keys/{key_id}",
    tags=["people"],
    response_model=None,
    responses={200: {"model": KeyAnswer}},
    summary="Revoke a key",
)
def revoke_key(key_id: str, caller: Caller = allowed("self")) -> Response:
    """The key opens nothing from now on; again changes nothing."""
    return caller.once(lambda scope: Done(200, _key(people.revoke_key(scope, key_id))))


def _key(row: RowMapping) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "user": row["user_id"],
        "roles": json.loads(row["roles"]),
        **{name: row[name] for name in ("created_at", "expires_at", "revoked_at")},
    }


# ------------------------------------------------------------------------------------------------------------ entering


@router.post(
    "/session",
    tags=["entering"],
    status_code=201,
    response_model=None,
    responses={201: {"model": Me}},
    summary="Sign in",
)
def sign_in(who: SignIn, request: Request) -> Response:
    """Opens a session for a browser; the cookie is out of reach of scripts and of other sites."""
    refuse_other_sites(request)
    state = request.app.state
    state.door.sign_in_pace.hold_to(f"{who.login.casefold()} {address_of(request)}")
    with state.records.database.reading() as c:
        actor = people.user_who_signs_in(c, who.login, who.password)
    if actor is None:
        zh, en = "登录名或密码不符", "login and password do not match"
        raise Refused("unauthenticated", [fault("sign_in", zh, en)])
    with state.records.writing(actor, request.state.request_id) as scope:
        made = people.open_session(scope)
    document = _me(actor)
    answer = Response(as_bytes(document), status_code=201, media_type="application/json")
    answer.set_cookie(
        COOKIE,
        made.token,
        max_age=people.SESSION_HOURS * 3600,
        httponly=True,
        samesite="strict",
        secure=state.settings.secure_cookies or request.url.scheme == "https",
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.delete("/session", tags=["entering"], status_code=204, response_model=None, summary="Sign out")
def sign_out(caller: Caller = allowed("self")) -> Response:
    """Ends the session that the caller came in by."""

    def work(scope: Scope) -> Done:
        if caller.actor.way == "session":
            people.end_session(scope, caller.actor.credential_id)
        return Done(204)

    answer = caller.once(work)
    answer.delete_cookie(COOKIE)
    return answer


@router.get("/me", tags=["entering"], response_model=None, responses={200: {"model": Me}}, summary="Who one is")
def show_me(caller: Caller = allowed("self")) -> Response:
    """The caller, their roles, and what these permit."""
    return caller.show(_me(caller.actor))


def _me(actor: Actor) -> dict[str, Any]:
    return {
        "organisation": actor.organisation_id,
        "organisation_name": actor.organisation,
        "user": actor.user_id,
        "name": actor.name,
        "roles": sorted(actor.roles),
        "permissions": sorted({p for role in actor.roles for p in MAY[role]}),
        "way": actor.way,
    }


@router.patch(
    "/organisation",
    tags=["people"],
    response_model=None,
    responses={200: {"model": OrganisationAnswer}},
    summary="Rename",
)
def change_organisation(change: OrganisationChange, caller: Caller = allowed("people.write")) -> Response:
    """Another name for the caller's organisation."""

    def work(scope: Scope) -> Done:
        people.rename_organisation(scope, change.name)
        return Done(200, {"id": scope.actor.organisation_id, "name": change.name.strip()})

    return caller.once(work)
