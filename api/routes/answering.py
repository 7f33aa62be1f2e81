"""What every route shares: exact JSON in, the caller and their rights, replies that are kept, ETags, pages, problems.

Numbers of a request are decimals, never binary floats; a key that stands twice is a fault. Whoever calls is known, and
allowed to, before the work begins.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool

from api.access.roles import Permission
from api.access.scope import PAGE_ROWS, PAGE_ROWS_MAX, Actor, Records, Scope
from api.archive.replies import KEY_LENGTH_MAX, Asked, Reply, earlier_reply, hold_key, keep_reply, key_faults
from api.plain_data import plain_json
from api.refusals import Refused, not_found
from api.settings import LANGUAGES, ServiceSettings
from optimizer.errors import BadInput
from optimizer.findings import fault
from optimizer.wording import Language

REPLAYED = "Idempotency-Replayed"
"""The header of a reply that was given before."""
READ_HERE_BYTES_MAX = 200_000
"""Bodies up to this are read in 5 ms."""
TRIES = 5
"""Of a request whose key another request holds in this moment."""


class ExactRequest(Request):
    """A request whose JSON is read exactly."""

    async def json(self) -> Any:
        """The plain values of the body. Raises Refused `malformed`."""
        if not hasattr(self, "_plain"):
            content = await self.body()
            try:
                # A long body is read beside the loop that answers everybody else.
                long = len(content) > READ_HERE_BYTES_MAX
                self._plain = await run_in_threadpool(plain_json, content) if long else plain_json(content)
            except BadInput as error:
                raise Refused("malformed", error.findings) from error
        return self._plain


class ExactRoute(APIRoute):
    """A route that reads JSON exactly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with an exact request."""
        plain = super().get_route_handler()

        async def handler(request: Request) -> Response:
            return await plain(ExactRequest(request.scope, request.receive))

        return handler


class UnreadRequest(Request):
    """A request whose JSON is read by somebody else."""

    async def json(self) -> Any:
        """An empty object: the route takes the bytes."""
        return {}


class UnreadRoute(APIRoute):
    """A route whose body is only described: `SkipValidation` of its model. Whoever takes the bytes reads them.

    Its endpoint takes that body and, by its only dependency, an `AllowedMeanwhile`, the request's arrival.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with a request that it does not read."""
        plain, endpoint = super().get_route_handler(), self.endpoint
        (arriving,) = (one.call for one in self.dependant.dependencies)
        if not isinstance(arriving, AllowedMeanwhile):
            raise TypeError("the endpoint of an UnreadRoute depends on its caller alone")

        async def handler(request: Request) -> Response:
            unread = UnreadRequest(request.scope, request.receive)
            if unread.headers.get("content-type") == "application/json" and await unread.body():
                # FastAPI would come to the same arguments, by a quarter of a millisecond in which no plan is begun.
                answer: Response = await endpoint({}, await arriving(unread))
                return answer
            return await plain(unread)

        return handler


class Body(BaseModel):
    """A JSON body: closed to keys that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Answer(BaseModel):
    """A JSON answer, as the OpenAPI document describes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Done:
    """What a request did: its status, its answer, and where the thing now is."""

    status: int
    document: Mapping[str, Any] | bytes | None = None
    location: str | None = None
    version: int | None = None
    """Of a thing that changes: its ETag."""

    def reply(self) -> Reply:
        """As it goes over the wire and into the archive."""
        body = b"" if self.document is None else as_bytes(self.document)
        headers = {} if self.location is None else {"Location": self.location}
        if self.version is not None:
            headers["ETag"] = etag_of_version(self.version)
        return Reply(self.status, body, headers)


@dataclass(frozen=True)
class Caller:
    """Who asks, in which language, and what their request carries."""

    actor: Actor
    lang: Language
    records: Records
    request: Request
    request_id: str
    content: bytes | None = None
    """What the request says, where its bytes differ from one try to the next: a form's boundary does."""

    @property
    def database(self) -> str:
        """The address of the service's database: what desks open."""
        known: ServiceSettings = self.request.app.state.settings
        return known.database

    def once(self, work: Callable[[Scope], Done]) -> Response:
        """Does a change in one transaction and answers; with an Idempotency-Key once, however often it is asked.

        Raises:
            Refused, BadInput: what `work` raises; then nothing is changed and nothing is kept under the key.
        """
        asked = self.asked()
        for attempt in range(TRIES):
            try:
                with self.records.writing(self.actor, self.request_id) as scope:
                    if asked is not None:
                        hold_key(scope, asked)
                    earlier = None if asked is None else earlier_reply(scope, asked)
                    if earlier is not None:
                        return response_of(earlier, replayed=True)
                    reply = work(scope).reply()
                    if asked is not None:
                        keep_reply(scope, asked, reply)
                return response_of(reply)
            except Refused as refusal:
                if refusal.code != "key_in_use" or attempt + 1 == TRIES:
                    raise
        raise AssertionError("the last try returns or raises")

    def earlier(self) -> Response | None:
        """The reply that this request's key got before, looked up before dear work is begun."""
        asked = self.asked()
        if asked is None:
            return None
        with self.records.reading(self.actor) as scope:
            reply = earlier_reply(scope, asked)
        return None if reply is None else response_of(reply, replayed=True)

    def read[T](self, work: Callable[[Scope], T]) -> T:
        """What `work` reads, in one transaction."""
        with self.records.reading(self.actor) as scope:
            return work(scope)

    def show(self, document: Mapping[str, Any] | bytes, version: int | None = None) -> Response:
        """An answer to GET with its ETag; 304 where the caller has it already."""
        body = as_bytes(document)
        etag = etag_of_content(body) if version is None else etag_of_version(version)
        return self.shown(body, etag, "application/json")

    def shown(self, body: bytes, etag: str, media_type: str, **more: str) -> Response:
        """Bytes with their ETag and more headers; 304 where the caller has them already."""
        known = [tag.strip().removeprefix("W/") for tag in self.request.headers.get("if-none-match", "").split(",")]
        headers = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Accept-Language, Authorization"}
        if self.request.method == "GET" and (etag in known or "*" in known):
            return Response(status_code=304, headers=headers)
        return Response(body, media_type=media_type, headers=headers | more)

    def asked(self) -> Asked | None:
        """The request under its Idempotency-Key; None without one."""
        key = self.request.headers.get("idempotency-key")
        if key is None:
            return None
        query = self.request.url.query
        path = self.request.url.path + (f"?{query}" if query else "")
        content = getattr(self.request, "_body", b"") if self.content is None else self.content
        return Asked(key, self.actor.user_id, self.request.method, path, content)

    def must_match(self, document: Mapping[str, Any]) -> None:
        """Raises Refused `stale` where If-Match asks for another thing than this, which is there now."""
        given = self.request.headers.get("if-match")
        tags = [] if given is None else [tag.strip().removeprefix("W/") for tag in given.split(",")]
        if given is not None and "*" not in tags and etag_of_content(as_bytes(document)) not in tags:
            zh, en = "现在的内容与此 ETag 不符", "is no longer the ETag of this"
            raise Refused("stale", [fault("stale", zh, en, path="If-Match", value=given)])

    def refuse_key(self) -> None:
        """Raises BadInput for an Idempotency-Key with what holds a secret: nothing of it may be kept, hashed or not."""
        if self.asked() is not None:
            zh = "请求或回复含密码或密钥, 不能保存, 因此不接受 Idempotency-Key"
            en = "takes no Idempotency-Key: the request or its reply holds a secret, which may not be kept"
            raise BadInput([fault("no_idempotency", zh, en, path="Idempotency-Key")])

    def expected_version(self) -> int | None:
        """The version that If-Match asks for; None where any will do. Raises Refused `stale`."""
        given = self.request.headers.get("if-match")
        if given is None or given.strip() == "*":
            return None
        text = given.strip().removeprefix("W/").strip('"')
        if not text.startswith("v") or not text[1:].isascii() or not text[1:].isdigit() or len(text) > 12:
            raise Refused("stale", [fault("if_match", "不是此项给出的 ETag", "is no ETag of this", path="If-Match")])
        return int(text[1:])


def etag_of_content(body: bytes) -> str:
    """The ETag of an answer as it goes over the wire."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def etag_of_version(version: int) -> str:
    """The ETag of a thing that changes: what If-Match takes."""
    return f'"v{version}"'


def as_bytes(document: Mapping[str, Any] | bytes) -> bytes:
    """JSON as it goes over the wire."""
    if isinstance(document, bytes):
        return document
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def response_of(reply: Reply, *, replayed: bool = False) -> Response:
    """A reply over HTTP."""
    headers = {**reply.headers, **({REPLAYED: "true"} if replayed else {}), "Cache-Control": "no-store"}
    media_type = "application/json" if reply.body else None
    return Response(reply.body, status_code=reply.status, headers=headers, media_type=media_type)


class Allowed:
    """The dependency by which a route says what its caller must be allowed to do."""

    def __init__(self, permission: Permission | None) -> None:
        self.permission = permission
        """None: whoever it is, signed in or not."""

    async def __call__(self, request: Request) -> Caller:
        """The caller. Raises Refused `unauthenticated` or `forbidden`."""
        await request.body()  # so that the request's own bytes are known where its reply is kept
        return await run_in_threadpool(self._admitted, request)

    def _admitted(self, request: Request) -> Caller:
        records: Records = request.app.state.records
        actor = request.app.state.door.enter(request)
        if self.permission is not None:
            refuse_unless(actor, self.permission)
        _refuse_odd_parts(request)
        return Caller(actor, language_of_request(request), records, request, request.state.request_id)


@dataclass(frozen=True)
class Arrival:
    """A request at the door: its caller is about to be known, or refused."""

    request: Request
    expected: bool
    """The same credential came in a moment ago: work may begin, of which nothing is kept or told before it is in."""
    caller: asyncio.Task[Caller]


class AllowedMeanwhile(Allowed):
    """As `Allowed`, where the work may begin while the caller is still at the door."""

    async def __call__(self, request: Request) -> Arrival:  # type: ignore[override]  # the route asks for the other
        """The request with its caller, for whom the route waits before anything is kept or told."""
        await request.body()
        expected = request.app.state.door.expects(request)
        caller = asyncio.create_task(run_in_threadpool(self._admitted, request))
        caller.add_done_callback(_heard)
        return Arrival(request, expected, caller)


def _heard(caller: asyncio.Task[Caller]) -> None:
    """Whatever became of it was heard, also where the request failed before it asked."""
    if not caller.cancelled():
        caller.exception()


def _refuse_odd_parts(request: Request) -> None:
    """Raises BadInput for a key that is none, Refused `not_found` for an address that no database can hold."""
    if any("\0" in str(value) for value in request.path_params.values()):
        raise not_found()
    found = [
        fault("nul", "含空字符", "holds a NUL character", path=name)
        for name, value in request.query_params.items()
        if "\0" in value
    ]
    key = request.headers.get("idempotency-key")
    if key is not None and key_faults(key):
        zh = f"应为 1 至 {KEY_LENGTH_MAX} 个可见 ASCII 字符"
        en = f"should be 1 to {KEY_LENGTH_MAX} visible ASCII characters"
        found.append(fault("idempotency_key", zh, en, path="Idempotency-Key", value=key))
    if found:
        raise BadInput(found)


def refuse_unless(actor: Actor, needed: Permission) -> None:
    """Raises Refused `forbidden` for an actor who does not have the permission."""
    if not actor.may(needed):
        zh, en = f"需要权限 {needed}", f"needs the permission {needed}"
        raise Refused("forbidden", [fault("forbidden", zh, en)])


def allowed(permission: Permission) -> Any:
    """A parameter's default: the caller, who has the permission."""
    return Depends(Allowed(permission))


def allowed_meanwhile(permission: Permission) -> Any:
    """A parameter's default: the request at the door, whose caller has to have the permission."""
    return Depends(AllowedMeanwhile(permission))


def language_of_request(request: Request) -> Language:
    """`?lang=`, else the first of Accept-Language that we speak, else Chinese."""
    asked = request.query_params.get("lang", "")
    if asked in LANGUAGES:
        return "en" if asked == "en" else "zh"
    weighed = []
    for k, part in enumerate(request.headers.get("accept-language", "").split(",")):
        name, _, q = part.partition(";")
        lang = name.strip().casefold()[:2]
        if lang in LANGUAGES:
            weighed.append((-_weight(q), k, lang))
    return "en" if weighed and min(weighed)[2] == "en" else "zh"


def _weight(text: str) -> float:
    try:
        return float(text.strip().removeprefix("q=")) if text.strip() else 1.0
    except ValueError:
        return 0.0


# --------------------------------------------------------------------------------------------------------------- pages

Limit = Annotated[int, Query(ge=1, le=PAGE_ROWS_MAX, description="Rows of a page.", examples=[PAGE_ROWS])]
Cursor = Annotated[
    str | None,
    Query(max_length=64, description="`next` of the page before; leave it out for the first page."),
]


def page_document(items: list[dict[str, Any]], after: str | None) -> dict[str, Any]:
    """One page of a list, the newest first."""
    return {"items": items, "next": after}
