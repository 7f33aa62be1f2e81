"""Signing in and out, and one's own account."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from api.access import people
from api.access.roles import ROLE_NAMES
from api.access.scope import Scope
from api.database.tables import users
from api.door import COOKIE, address_of, refuse_other_sites
from api.pages.assets import asset_url
from api.pages.viewing import View, language_of_page, page_answer, viewing
from api.refusals import Refused
from api.routes.entering import give_cookie
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault

router = APIRouter(include_in_schema=False)


@router.get("/sign-in")
async def sign_in_page(request: Request) -> Response:
    """Who are you?"""
    return _sign_in(request, {"next": request.query_params.get("next", "/")})


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Opens a session and leads to where one wanted to go."""
    form = {k: v for k, v in (await request.form()).items() if isinstance(v, str)}
    return await run_in_threadpool(_entered, request, form)


def _entered(request: Request, form: Mapping[str, str]) -> Response:
    refuse_other_sites(request)
    state, login = request.app.state, form.get("login", "")
    try:
        state.door.sign_in_pace.hold_to(f"{login.casefold()} {address_of(request)}")
    except Refused as refusal:
        seconds = refusal.headers.get("Retry-After", "30")
        zh, en = f"尝试过多, 请 {seconds} 秒后再试", f"too many tries; try again in {seconds} seconds"
        return _sign_in(request, form, [fault("too_many", zh, en)], 429)
    with state.records.database.reading() as c:
        actor = people.user_who_signs_in(c, login[:200], form.get("password", "")[:1000])
    if actor is None:
        zh, en = "登录名或密码不符", "login and password do not match"
        return _sign_in(request, form, [fault("sign_in", zh, en, path="login")], 422)
    with state.records.writing(actor, request.state.request_id) as scope:
        made = people.open_session(scope)
    answer = RedirectResponse(inside(form.get("next", "/")), status_code=303)
    give_cookie(answer, made.token, request)
    return answer


def inside(address: str) -> str:
    """An address of this service; the start where it leads elsewhere."""
    there = urlsplit(address)
    ours = address.startswith("/") and not address.startswith(("//", "/\\")) and not there.netloc and not there.scheme
    return address if ours and "\\" not in address else "/"


def _sign_in(request: Request, form: Mapping[str, str], faults: Sequence[Finding] = (), status: int = 200) -> Response:
    lang = language_of_page(request)
    values = {"faults": faults, "login": form.get("login", ""), "next": inside(form.get("next", "/"))}
    return page_answer(request, "sign_in.html", lang, {**values, "asset": asset_url}, status)


@router.post("/sign-out")
async def sign_out(view: View = viewing("self")) -> Response:
    """Ends the session."""

    def work(scope: Scope) -> None:
        if view.actor.way == "session":
            people.end_session(scope, view.actor.credential_id)

    await run_in_threadpool(view.write, work)
    answer = RedirectResponse("/sign-in", status_code=303)
    answer.delete_cookie(COOKIE)
    return answer


@router.get("/account")
async def account(view: View = viewing("self")) -> Response:
    """Who one is, what one may do, and one's password."""
    return view.page("account.html", role_names=ROLE_NAMES)


@router.post("/account/password")
async def change_password(view: View = viewing("self")) -> Response:
    """Changes one's own password; every open session of the user ends."""
    form = {k: v for k, v in (await view.request.form()).items() if isinstance(v, str)}

    def work(scope: Scope) -> None:
        row = scope.one(users, view.actor.user_id)
        if people.user_who_signs_in(scope.c, row["login"], form.get("old", "")) is None:
            zh, en = "原密码不符", "is not the present password"
            raise BadInput([fault("password_wrong", zh, en, path="old")])
        people.change_password(scope, view.actor.user_id, form.get("new", ""))

    try:
        view.request.app.state.door.sign_in_pace.hold_to(f"password {view.actor.user_id}")
        await run_in_threadpool(view.write, work)
    except BadInput as error:
        return view.page("account.html", 422, faults=error.findings, role_names=ROLE_NAMES)
    return RedirectResponse("/sign-in", status_code=303)
