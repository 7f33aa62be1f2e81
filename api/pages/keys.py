"""Keys by which programs come in: made with some of one's roles, shown once, revoked."""

import json
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from api.access import people
from api.access.roles import ROLE_NAMES, ROLES
from api.access.scope import Scope
from api.database.tables import keys, users
from api.pages.listing import Column, listing
from api.pages.viewing import View, viewing
from api.refusals import Refused, not_found
from api.routes.keys import KEY_DAYS_MAX
from market_data.store_tables import time_text
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.wording import Text

router = APIRouter(include_in_schema=False)
KEYS_MAX = 10_000
"""Keys that the list can hold."""
DAYS = 365
"""How long a key is valid where nothing else is wished."""
COLUMNS = (
    Column("name", Text("名称", "Name"), "text"),
    Column("user_name", Text("用户", "User"), "text"),
    Column("roles", Text("角色", "Roles"), "text", lambda k: " ".join(k["roles"]), sorts=False),
    Column("created_at", Text("生成于", "Made"), "moment"),
    Column("expires_at", Text("到期", "Expires"), "moment"),
    Column("state", Text("状态", "Status"), "text"),
)


@router.get("/people/keys")
async def all_keys(view: View = viewing("self")) -> Response:
    """One's own keys; an administrator sees everybody's."""
    return await _list(view)


@router.post("/people/keys")
async def add_key(view: View = viewing("self")) -> Response:
    """Makes a key of one's own, and shows its secret this once."""
    form = await view.request.form()
    given = {"name": str(form.get("name", "")), "days": str(form.get("days", "")).strip()}
    roles = [str(role) for role in form.getlist("roles")]
    try:
        days = _days(given["days"])
        made = await run_in_threadpool(view.write, lambda scope: people.add_key(scope, given["name"], roles, days))
    except (BadInput, Refused) as error:
        if not error.findings:
            raise
        return await _list(view, {**given, "roles": roles}, error.findings)
    return view.page("people/key.html", 201, name=given["name"].strip(), token=made.token)


def _days(text: str) -> int | None:
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= KEY_DAYS_MAX:
        return int(text)
    zh, en = f"应为 1 至 {KEY_DAYS_MAX} 的整数", f"should be a whole number from 1 to {KEY_DAYS_MAX}"
    raise BadInput([fault("days", zh, en, path="days", value=text)])


@router.get("/people/keys/{key_id}/revoke")
async def ask_revoke(key_id: str, view: View = viewing("self")) -> Response:
    """What revoking does: it cannot be taken back."""
    return view.page("people/revoke.html", key=await run_in_threadpool(view.read, lambda scope: _key(scope, key_id)))


@router.post("/people/keys/{key_id}/revoke")
async def revoke_key(key_id: str, view: View = viewing("self")) -> Response:
    """The key opens nothing from now on."""

    def work(scope: Scope) -> None:
        people.revoke_key(scope, key_id)

    await run_in_threadpool(view.write, work)
    return view.go("/people/keys", note="removed")


def _key(scope: Scope, key_id: str) -> dict[str, Any]:
    """A key that the viewer may revoke. Raises Refused `not_found`."""
    found = next((k for k in _known(scope) if k["id"] == key_id), None)
    if found is None:
        raise not_found()
    return found


def _known(scope: Scope) -> list[dict[str, Any]]:
    """The keys that the viewer may see, the newest first."""
    own = [] if scope.actor.may("people.read") else [keys.c.user_id == scope.actor.user_id]
    rows, _ = scope.page(keys, KEYS_MAX, None, *own)
    names = {row["id"]: row["name"] for row in scope.rows(scope.select(users))}
    return [
        {
            **{k: row[k] for k in ("id", "name", "created_at", "expires_at", "revoked_at")},
            "user_name": names[row["user_id"]],
            "roles": json.loads(row["roles"]),
            "state": _state(row["revoked_at"], row["expires_at"], time_text(scope.now)),
        }
        for row in rows
    ]


def _state(revoked: str | None, expires: str | None, now: str) -> str:
    if revoked is not None:
        return "revoked"
    return "expired" if expires is not None and expires <= now else "valid"


async def _list(view: View, given: dict[str, Any] | None = None, faults: Sequence[Finding] = ()) -> Response:
    found = await run_in_threadpool(view.read, _known)
    choices = [r for r in ROLES if r in view.actor.roles or "administrator" in view.actor.roles]
    return view.page(
        "people/keys.html",
        422 if faults else 200,
        list=listing(view.request, found, COLUMNS),
        choices=[(role, ROLE_NAMES[role]) for role in choices],
        names=ROLE_NAMES,
        given=given or {"name": "", "days": str(DAYS), "roles": []},
        faults=faults,
    )
