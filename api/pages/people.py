"""Users and the organisation; the first administrator, by whom signing in begins."""

import json
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from api.access import people
from api.access.roles import ROLE_NAMES, ROLE_SENTENCES, ROLES
from api.access.scope import Scope
from api.access.secrets import PASSWORD_LENGTH_MIN
from api.database.tables import users
from api.ledger.quotes import HOURS_MAX, quoting_terms, set_quoting_terms, terms_from
from api.pages.listing import Column, listing
from api.pages.viewing import View, viewing
from api.refusals import Refused
from api.routes.people import refuse_other_first_user
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.wording import Text

router = APIRouter(include_in_schema=False)
USERS_MAX = 10_000
"""Users that the list can hold; an organisation has a few dozen."""
COLUMNS = (
    Column("name", Text("姓名", "Name"), "text"),
    Column("login", Text("登录名", "Login"), "text"),
    Column("roles", Text("角色", "Roles"), "text", lambda u: " ".join(u["roles"]), sorts=False),
    Column("created_at", Text("加入于", "Since"), "moment"),
    Column("disabled", Text("状态", "Status"), "text"),
)
FEEDBACK = (
    ("none", Text("不告知", "Tell nothing")),
    ("band", Text("只告知价格区间", "Tell a band of prices only")),
    ("exact", Text("告知确切价格", "Tell the exact price")),
)
"""What the seller of a lot that lost is told of the price at which it would have won."""


def _user(row: Any) -> dict[str, Any]:
    return {**row, "roles": json.loads(row["roles"]), "disabled": "" if row["disabled_at"] is None else "disabled"}


# --------------------------------------------------------------------------------------------------------------- users


@router.get("/people")
async def all_users(view: View = viewing("people.read")) -> Response:
    """The organisation's users; the way to signing in where there are none."""

    def known(scope: Scope) -> list[dict[str, Any]]:
        rows, _ = scope.page(users, USERS_MAX, None)
        return [_user(row) for row in rows]

    found = await run_in_threadpool(view.read, known)
    wanted = view.request.query_params.get("disabled", "")
    undo = next((u for u in found if u["id"] == wanted and u["disabled"]), None)
    return view.page("people/users.html", list=listing(view.request, found, COLUMNS), names=ROLE_NAMES, undo=undo)


@router.get("/people/users/new")
async def new_user(view: View = viewing("people.write")) -> Response:
    """Where a user is added; the first is an administrator with a password."""
    return _new(view, {"login": "", "name": "", "roles": []})


@router.post("/people/users")
async def add_user(view: View = viewing("people.write")) -> Response:
    """Adds a user. After the first administrator everybody signs in."""
    form = await view.request.form()
    given = {k: str(form.get(k, "")) for k in ("login", "name", "password", "again")}
    first = view.actor.way == "local"
    roles = ["administrator"] if first else [str(role) for role in form.getlist("roles")]
    password = given["password"] if given["password"] or first else None

    def work(scope: Scope) -> str:
        refuse_other_first_user(scope.actor, roles, password)
        return people.add_user(scope, given["login"].strip(), given["name"], roles, password)

    try:
        _same_twice(given["password"], given["again"])
        await run_in_threadpool(view.write, work)
    except (BadInput, Refused) as error:
        return _new(view, {**given, "roles": roles}, _shown(error))
    return view.go("/sign-in") if first else view.go("/people", note="saved")


def _new(view: View, given: dict[str, Any], faults: Sequence[Finding] = ()) -> Response:
    kept = {k: given[k] for k in ("login", "name", "roles")}
    return view.page(
        "people/new_user.html",
        422 if faults else 200,
        **_around(),
        given=kept,
        faults=faults,
        first=view.actor.way == "local",
    )


def _around() -> dict[str, Any]:
    choices = [(role, ROLE_NAMES[role], ROLE_SENTENCES[role]) for role in ROLES]
    return {"choices": choices, "names": ROLE_NAMES, "least": PASSWORD_LENGTH_MIN}


def _same_twice(first: str, again: str) -> None:
    if first != again:
        raise BadInput([fault("password_twice", "两次输入不一致", "the two are not the same", path="again")])


def _shown(error: BadInput | Refused) -> tuple[Finding, ...]:
    """What the form can show; a refusal with nothing to correct rises."""
    if not error.findings:
        raise error
    return tuple(error.findings)


# ------------------------------------------------------------------------------------------------------------ one user


@router.get("/people/users/{user_id}")
async def user(user_id: str, view: View = viewing("people.read")) -> Response:
    """One user: name, roles, password, whether they may come in."""
    return await _one(view, user_id)


@router.post("/people/users/{user_id}")
async def change_user(user_id: str, view: View = viewing("people.write")) -> Response:
    """Another name or other roles."""
    form = await view.request.form()
    name, roles = str(form.get("name", "")), [str(role) for role in form.getlist("roles")]

    def work(scope: Scope) -> None:
        people.change_user(scope, user_id, name=name, roles=roles, disabled=None)

    try:
        await run_in_threadpool(view.write, work)
    except (BadInput, Refused) as error:
        return await _one(view, user_id, {"name": name, "roles": roles}, _shown(error))
    stays = user_id != view.actor.user_id or "administrator" in roles
    return view.go("/people" if stays else "/", note="saved")


@router.post("/people/users/{user_id}/password")
async def set_password(user_id: str, view: View = viewing("people.write")) -> Response:
    """Another password for a user; their open sessions end."""
    form = await view.request.form()
    password, again = str(form.get("password", "")), str(form.get("again", ""))

    def work(scope: Scope) -> None:
        people.change_password(scope, user_id, password)

    try:
        _same_twice(password, again)
        await run_in_threadpool(view.write, work)
    except (BadInput, Refused) as error:
        return await _one(view, user_id, faults=_shown(error))
    return view.go("/people", note="saved")


@router.post("/people/users/{user_id}/disable")
async def disable_user(user_id: str, view: View = viewing("people.write")) -> Response:
    """The user may no longer come in; the list offers to take it back."""
    try:
        await run_in_threadpool(view.write, lambda scope: _let_in(scope, user_id, disabled=True))
    except Refused as error:
        return await _one(view, user_id, faults=_shown(error))
    return view.go(f"/people?disabled={user_id}")


@router.post("/people/users/{user_id}/enable")
async def enable_user(user_id: str, view: View = viewing("people.write")) -> Response:
    """The user may come in again."""
    await run_in_threadpool(view.write, lambda scope: _let_in(scope, user_id, disabled=False))
    return view.go("/people", note="undone" if view.request.query_params.get("undo") else "saved")


def _let_in(scope: Scope, user_id: str, *, disabled: bool) -> None:
    people.change_user(scope, user_id, name=None, roles=None, disabled=disabled)


async def _one(
    view: View, user_id: str, given: dict[str, Any] | None = None, faults: Sequence[Finding] = ()
) -> Response:
    row = await run_in_threadpool(view.read, lambda scope: _user(scope.one(users, user_id)))
    shown = {"name": row["name"], "roles": row["roles"], **(given or {})}
    status = 422 if faults else 200
    return view.page("people/user.html", status, **_around(), user=row, given=shown, faults=faults)


# -------------------------------------------------------------------------------------------------------- organisation


@router.get("/people/organisation")
async def organisation(view: View = viewing("people.read")) -> Response:
    """The organisation: its name, and how it quotes."""

    def known(scope: Scope) -> dict[str, Any]:
        row, terms = people.own_organisation(scope), quoting_terms(scope)
        shown = {"name": row["name"], "valid_hours": terms.valid_hours, "feedback": terms.feedback}
        return {"row": row, "given": shown}

    return view.page("people/organisation.html", **await run_in_threadpool(view.read, known), **_choices())


@router.post("/people/organisation")
async def change_organisation(view: View = viewing("people.write")) -> Response:
    """Another name, other terms of quoting: all of it or none."""
    form = await view.request.form()
    given = {k: str(form.get(k, "")).strip() for k in ("name", "valid_hours", "feedback")}

    def work(scope: Scope) -> None:
        people.rename_organisation(scope, given["name"])
        wanted = {"valid_hours": given["valid_hours"], "feedback": given["feedback"]}
        set_quoting_terms(scope, terms_from({**quoting_terms(scope).dump(), **wanted}))

    try:
        await run_in_threadpool(view.write, work)
    except (BadInput, Refused) as error:
        row = await run_in_threadpool(view.read, people.own_organisation)
        faults = _shown(error)
        return view.page("people/organisation.html", 422, row=row, given=given, faults=faults, **_choices())
    return view.go("/people/organisation", note="saved")


def _choices() -> dict[str, Any]:
    return {"feedbacks": FEEDBACK, "hours_max": HOURS_MAX}
