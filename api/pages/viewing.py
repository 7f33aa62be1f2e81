"""Who looks at a page, in which language, and how pages are answered: whole, as a part of one, or as a way on."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from api.access.roles import Permission
from api.access.scope import Actor, Records, Scope
from api.pages.assets import asset_url
from api.pages.rendering import template_text
from api.problem_details import problem_response
from api.refusals import Refused
from api.routes.answering import Caller, language_of_request, refuse_unless
from api.settings import LANGUAGES
from optimizer.wording import Language, Text

LANGUAGE_COOKIE = "jinheng_lang"
YEAR_SECONDS = 365 * 86400
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"
)
"""Everything comes from this service; nothing is evaluated, nothing is inline."""


@dataclass(frozen=True)
class Place:
    """A page that the navigation leads to."""

    path: str
    name: Text
    permission: Permission


PLACES: tuple[tuple[Text, tuple[Place, ...]], ...] = (
    (
        Text("规划", "Planning"),
        (
            Place("/plans", Text("方案", "Plans"), "plans.read"),
            Place("/markets", Text("市场", "Markets"), "snapshots.read"),
            Place("/events", Text("活动", "Events"), "events.read"),
            Place("/compare", Text("比较", "Compare"), "plans.make"),
            Place("/budget", Text("预算", "Budget"), "plans.make"),
        ),
    ),
    (
        Text("经纪", "Brokerage"),
        (
            Place("/inventory", Text("库存", "Inventory"), "inventory.read"),
            Place("/quotes", Text("报价单", "Quotes"), "quotes.read"),
            Place("/holds", Text("预留", "Holds"), "holds.read"),
            Place("/orders", Text("订单", "Orders"), "orders.read"),
        ),
    ),
    (
        Text("抵销之后", "After offsetting"),
        (
            Place("/received-quotes", Text("收到的报价", "Quotes received"), "quotes.received"),
            Place("/retirements", Text("注销", "Retirements"), "retirements.read"),
            Place("/disclosures", Text("公示", "Disclosure"), "disclosures.read"),
        ),
    ),
    (
        Text("管理", "Administration"),
        (
            Place("/jobs", Text("任务", "Jobs"), "jobs.read"),
            Place("/policies", Text("规则包", "Rule packs"), "policies.read"),
            Place("/people", Text("用户与密钥", "Users and keys"), "people.read"),
            Place("/audit", Text("审计", "Audit"), "audit.read"),
        ),
    ),
)
"""The navigation: each sees what they may."""


@dataclass(frozen=True)
class View:
    """One request for a page: who asks, and in which language."""

    actor: Actor
    lang: Language
    records: Records
    request: Request
    request_id: str

    def say(self, zh: str, en: str) -> str:
        """The words of the page's language."""
        return zh if self.lang == "zh" else en

    def read[T](self, work: Callable[[Scope], T]) -> T:
        """What `work` reads, in one transaction."""
        with self.records.reading(self.actor) as scope:
            return work(scope)

    def write[T](self, work: Callable[[Scope], T]) -> T:
        """What `work` does, in one transaction with its notes in the trail, or not at all."""
        with self.records.writing(self.actor, self.request_id) as scope:
            return work(scope)

    @property
    def is_part(self) -> bool:
        """Whether htmx asks for a part of the page."""
        return self.request.headers.get("hx-request") == "true" and "hx-history-restore-request" not in self.headers

    @property
    def headers(self) -> Mapping[str, str]:
        """Of the request."""
        return self.request.headers

    @property
    def caller(self) -> Caller:
        """The same person as the routes of `/v1` know them, for what pages share with programs."""
        return Caller(self.actor, self.lang, self.records, self.request, self.request_id)

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page, or the part of one that `template` is."""
        return _html(template_text(template, self.lang, {**self._around(), **values}), status, self)

    def go(self, path: str, *, note: str = "") -> Response:
        """Leads on to another page after a change; `note` is told there once, by its key in NOTES."""
        target = f"{path}{'&' if '?' in path else '?'}{urlencode({'note': note})}" if note else path
        if self.headers.get("hx-request") == "true":
            return Response(status_code=204, headers={"HX-Redirect": target})
        return RedirectResponse(target, status_code=303)

    def _around(self) -> dict[str, Any]:
        path = self.request.url.path
        return {
            "view": self,
            "actor": self.actor,
            "path": path,
            "asset": asset_url,
            "places": self._places(),
            "here": path,
            "other_language": _other_language(self.request, self.lang),
            "note": NOTES.get(self.request.query_params.get("note", "")),
            "faults": (),
            "may": self.actor.may,
        }

    def _places(self) -> list[tuple[Text, list[Place]]]:
        groups = [(title, [p for p in places if self.actor.may(p.permission)]) for title, places in PLACES]
        return [(title, places) for title, places in groups if places]


NOTES: dict[str, Text] = {
    "saved": Text("已保存", "Saved"),
    "removed": Text("已移除", "Removed"),
    "undone": Text("已撤销", "Undone"),
    "signed-out": Text("已退出", "Signed out"),
    "cancelled": Text("已取消", "Cancelled"),
    "made": Text("已生成", "Made"),
    "sent": Text("已发送", "Sent"),
    "imported": Text("已导入", "Imported"),
    "held": Text("已预留", "Held"),
    "released": Text("已释放, 数量重新可售", "Released; it can be sold again"),
    "ordered": Text("已成为订单", "It is an order now"),
    "accepted": Text("已接受, 经纪商已有订单", "Accepted: the broker has the order"),
    "declined": Text("已拒绝", "Declined"),
    "delivered": Text("已记录交付", "The delivery is noted"),
}
"""What a page tells once after a change."""


def _html(text: str, status: int, view: "View | None") -> Response:
    answer = HTMLResponse(text, status_code=status)
    secure_page(answer)
    if view is not None:
        remember_language(answer, view.request)
    return answer


def secure_page(answer: Response) -> None:
    """The headers of every page."""
    answer.headers["Content-Security-Policy"] = POLICY
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["Vary"] = "Cookie, Accept-Language, HX-Request"


def remember_language(answer: Response, request: Request) -> None:
    """Keeps the language that the address asked for."""
    asked = request.query_params.get("lang", "")
    if asked in LANGUAGES:
        answer.set_cookie(LANGUAGE_COOKIE, asked, max_age=YEAR_SECONDS, httponly=True, samesite="lax")


def language_of_page(request: Request) -> Language:
    """`?lang=`, else the language last chosen, else the browser's, else Chinese."""
    for asked in (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if asked in LANGUAGES:
            return "en" if asked == "en" else "zh"
    return language_of_request(request)


def _other_language(request: Request, lang: Language) -> str:
    kept = [(k, v) for k, v in request.query_params.multi_items() if k not in ("lang", "note")]
    return f"{request.url.path}?{urlencode([*kept, ('lang', 'en' if lang == 'zh' else 'zh')])}"


class SignInNeeded(Exception):
    """Nobody is signed in, and the page is for somebody who is."""


class Viewing:
    """The dependency by which a page says what its viewer must be allowed to do."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, request: Request) -> View:
        """The view. Raises SignInNeeded, Refused `forbidden`."""
        return await run_in_threadpool(self._admitted, request)

    def _admitted(self, request: Request) -> View:
        try:
            actor = request.app.state.door.enter(request)
        except Refused as refusal:
            if refusal.code == "unauthenticated":
                raise SignInNeeded from refusal
            raise
        refuse_unless(actor, self.permission)
        state = request.app.state
        return View(actor, language_of_page(request), state.records, request, request.state.request_id)


def viewing(permission: Permission) -> Any:
    """A parameter's default: the view of somebody who has the permission."""
    return Depends(Viewing(permission))


def is_page(request: Request) -> bool:
    """Whether a request is for a page, not for a program's answer."""
    return not request.url.path.startswith(("/v1", "/healthz", "/readyz", "/metrics", "/static"))


def to_sign_in(request: Request) -> Response:
    """Leads to signing in, and from there back to where somebody was."""
    back = ""
    if request.method == "GET" and not request.headers.get("hx-request"):
        there = urlsplit(str(request.url))
        back = f"{there.path}?{there.query}" if there.query else there.path
    target = f"/sign-in?{urlencode({'next': back})}" if back not in ("", "/") else "/sign-in"
    if request.headers.get("hx-request") == "true":
        return Response(status_code=204, headers={"HX-Redirect": target})
    return RedirectResponse(target, status_code=303)


def page_answer(request: Request, template: str, lang: Language, values: Mapping[str, Any], status: int) -> Response:
    """A page for somebody who is not signed in."""
    around = {"asset": asset_url, "other_language": _other_language(request, lang)}
    answer = _html(template_text(template, lang, {**around, **values}), status, None)
    remember_language(answer, request)
    return answer


def page_of_error(request: Request, error: BaseException, request_id: str) -> Response:
    """The page of an error: what happened, every fault, and the way home."""
    lang = language_of_page(request)
    problem = problem_response(error, lang, request_id, request.url.path)
    told = json.loads(bytes(problem.body))
    said = {"faults": [f["message"] for f in told.get("faults", ())], "request_id": request_id}
    part = request.headers.get("hx-request") == "true"
    template = "failure_part.html" if part else "failure.html"
    status = problem.status_code
    answer = page_answer(request, template, lang, {"title": told["title"], "status": status, **said}, status)
    if part:
        answer.headers["HX-Retarget"], answer.headers["HX-Reswap"] = "#failure", "innerHTML"
    return answer
