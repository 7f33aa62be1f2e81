"""`/v1/keys`: the API keys by which programs come in."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field
from sqlalchemy import RowMapping

from api.access import people
from api.access.scope import Scope
from api.database.tables import keys
from api.refusals import Refused
from api.routes.answering import Answer, Body, Caller, Cursor, Done, ExactRoute, Limit, allowed, page_document
from api.routes.shapes import Id, NameIn, RolesIn, TimeText

router = APIRouter(prefix="/v1/keys", tags=["people"], route_class=ExactRoute)
KEY_DAYS_MAX = 3660


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

    name: Annotated[NameIn, Field(examples=["会计系统"])]
    roles: RolesIn
    days: Annotated[int | None, Field(ge=1, le=KEY_DAYS_MAX, description="Valid for; left out: until revoked.")] = None


@router.get("", response_model=None, responses={200: {"model": KeyPage}}, summary="API keys")
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
    "",
    status_code=201,
    response_model=None,
    responses={201: {"model": KeyMade}},
    summary="Make a key",
)
def add_key(new: NewKey, caller: Caller = allowed("self")) -> Response:
    """A key of one's own with some of one's roles. Its secret is shown this once and kept nowhere.

    Send no Idempotency-Key: a reply that is kept would hold the secret.
    """
    caller.refuse_key()

    def work(scope: Scope) -> Done:
        made = people.add_key(scope, new.name, new.roles, new.days)
        return Done(201, {**_key(scope.one(keys, made.id)), "token": made.token}, location=f"/v1/keys/{made.id}")

    return caller.once(work)


@router.delete(
    "/{key_id}",
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
