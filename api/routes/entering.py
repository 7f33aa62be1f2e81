"""`/v1/session`, `/v1/me`: how people come in, as whom, and their own password."""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import Field

from api.access import people
from api.access.roles import MAY
from api.access.scope import Actor, Scope
from api.database.tables import users
from api.door import COOKIE, address_of, refuse_other_sites
from api.refusals import Refused
from api.routes.answering import Answer, Body, Caller, Done, ExactRoute, allowed, as_bytes
from api.routes.shapes import Id, PasswordIn
from optimizer.errors import BadInput
from optimizer.findings import fault

router = APIRouter(prefix="/v1", tags=["entering"], route_class=ExactRoute)


class SignIn(Body):
    """Who signs in."""

    login: Annotated[str, Field(max_length=200, examples=["wang.fang@example.cn"])]
    password: Annotated[str, Field(max_length=1000, examples=["correct horse battery staple"])]


class Me(Answer):
    """Who the caller is and what they may do."""

    organisation: Id
    organisation_name: str
    user: str
    name: str
    roles: list[str]
    permissions: list[str]
    way: str


class NewPassword(Body):
    """One's own password."""

    old: Annotated[str, Field(max_length=1000, examples=["correct horse battery staple"])]
    new: PasswordIn


@router.post(
    "/session",
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
    give_cookie(answer, made.token, request)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def give_cookie(answer: Response, token: str, request: Request) -> None:
    """Gives a browser its session. "lax": a link in a mail leads in; changes ask where they come from besides."""
    secure = request.app.state.settings.secure_cookies or request.url.scheme == "https"
    age = people.SESSION_HOURS * 3600
    answer.set_cookie(COOKIE, token, max_age=age, httponly=True, samesite="lax", secure=secure)


@router.delete("/session", status_code=204, response_model=None, summary="Sign out")
def sign_out(caller: Caller = allowed("self")) -> Response:
    """Ends the session that the caller came in by."""

    def work(scope: Scope) -> Done:
        if caller.actor.way == "session":
            people.end_session(scope, caller.actor.credential_id)
        return Done(204)

    answer = caller.once(work)
    answer.delete_cookie(COOKIE)
    return answer


@router.get("/me", response_model=None, responses={200: {"model": Me}}, summary="Who one is")
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


@router.put("/me/password", status_code=204, response_model=None, summary="Change one's password")
def change_password(change: NewPassword, caller: Caller = allowed("self")) -> Response:
    """One's own password; every open session of the user ends. Takes no Idempotency-Key."""
    caller.refuse_key()
    caller.request.app.state.door.sign_in_pace.hold_to(f"password {caller.actor.user_id}")

    def work(scope: Scope) -> Done:
        row = scope.one(users, caller.actor.user_id)
        if people.user_who_signs_in(scope.c, row["login"], change.old) is None:
            zh, en = "原密码不符", "is not the present password"
            raise BadInput([fault("password_wrong", zh, en, path="old")])
        people.change_password(scope, caller.actor.user_id, change.new)
        return Done(204)

    return caller.once(work)
