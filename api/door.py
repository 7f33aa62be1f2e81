"""Who comes in: by key, by session, or, while nobody has to sign in, from this machine alone.

Authorization: Bearer jh_...          a program
Cookie: jinheng_session=...           a page; changes only from the service's own pages
neither, and no administrator yet     this machine: everything, for the first organisation
"""

import hashlib
import time
from collections import OrderedDict
from threading import Lock
from urllib.parse import urlsplit

from fastapi import Request
from sqlalchemy import Connection

from api.access.people import actor_of_key, actor_of_session, has_administrator, local_actor
from api.access.scope import Actor, Records, moment
from api.refusals import Refused
from api.settings import ServiceSettings
from optimizer.findings import fault

COOKIE = "jinheng_session"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
SAFE = ("GET", "HEAD", "OPTIONS")
CALLERS_KEPT = 10_000
"""Callers whose pace, and whose last coming in, is remembered; the one not seen for longest is forgotten."""
KNOWN_SECONDS = 60.0
"""How long somebody who came in is likely to come in again."""
SIGN_IN_TRIES, SIGN_IN_SECONDS = 10, 300.0
"""Tries of a login from an address: ten at once, then one each half minute."""


class Pace:
    """A token bucket for each caller: `burst` requests at once, `per_second` on average. Of this process alone."""

    def __init__(self, per_second: float, burst: int) -> None:
        self._per_second, self._burst = per_second, burst
        self._known: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def wait(self, who: str) -> float:
        """Takes one token; 0.0, or the seconds until there is one."""
        now = time.monotonic()
        with self._lock:
            tokens, then = self._known.pop(who, (float(self._burst), now))
            tokens = min(float(self._burst), tokens + (now - then) * self._per_second)
            short = max(0.0, 1.0 - tokens)
            self._known[who] = (tokens if short else tokens - 1.0, now)
            if len(self._known) > CALLERS_KEPT:
                self._known.popitem(last=False)
        return short / self._per_second

    def hold_to(self, who: str) -> None:
        """Raises Refused `too_many` with Retry-After."""
        if seconds := self.wait(who):
            raise Refused("too_many", headers={"Retry-After": str(int(seconds) + 1)})


class Lately:
    """Which credentials were good in the last KNOWN_SECONDS, by their hashes. Of this process alone."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, float] = OrderedDict()
        self._lock = Lock()

    def note(self, credential: str, good: bool) -> None:
        """How it went with a credential just now."""
        with self._lock:
            self._seen.pop(credential, None)
            if good:
                self._seen[credential] = time.monotonic()
            if len(self._seen) > CALLERS_KEPT:
                self._seen.popitem(last=False)

    def good(self, credential: str) -> bool:
        """Whether it was good lately."""
        with self._lock:
            seen = self._seen.get(credential)
        return seen is not None and time.monotonic() - seen < KNOWN_SECONDS


class Door:
    """Lets callers in."""

    def __init__(self, records: Records, known: ServiceSettings) -> None:
        self._records = records
        self._pace = Pace(known.rate_per_second, known.rate_burst)
        self.sign_in_pace = Pace(SIGN_IN_TRIES / SIGN_IN_SECONDS, SIGN_IN_TRIES)
        self._lately = Lately()
        self._closed = False

    def expects(self, request: Request) -> bool:
        """Whether the request will most likely come in: its credential did a moment ago. It lets nobody in."""
        return self._lately.good(_credential(request))

    def enter(self, request: Request) -> Actor:
        """The actor of a request. Raises Refused `unauthenticated`, `cross_site` or `too_many`."""
        with self._records.database.reading() as c:
            actor = self._actor(c, request)
        self._lately.note(_credential(request), actor is not None)
        if actor is None:
            self._pace.hold_to(f"address {address_of(request)}")
            raise Refused("unauthenticated")
        request.state.actor = actor
        if actor.way != "local":
            self._pace.hold_to(actor.credential_id)
        return actor

    def _actor(self, c: Connection, request: Request) -> Actor | None:
        given = request.headers.get("authorization")
        if given is not None:
            scheme, _, token = given.partition(" ")
            return actor_of_key(c, token.strip(), moment(c)) if scheme.casefold() == "bearer" and token else None
        cookie = request.cookies.get(COOKIE)
        if cookie is not None:
            actor = actor_of_session(c, cookie, moment(c))
            if actor is not None:
                refuse_other_sites(request)
                return actor
        return self._local(c, request)

    def _local(self, c: Connection, request: Request) -> Actor | None:
        if self._closed or not is_this_machine(request):
            return None
        if has_administrator(c):
            self._closed = True
            return None
        refuse_other_sites(request)
        return local_actor(c)


def _credential(request: Request) -> str:
    """The hash of what a request would come in with: its key, its session, or where it comes from."""
    shown = (request.headers.get("authorization"), request.cookies.get(COOKIE), address_of(request))
    return hashlib.sha256(repr(shown).encode()).hexdigest()


def address_of(request: Request) -> str:
    """The address that the connection comes from."""
    return request.client.host if request.client is not None else ""


def is_this_machine(request: Request) -> bool:
    """Whether the request comes from this machine, to this machine by name, and through no proxy.

    The name matters: a page elsewhere may have its own name lead to 127.0.0.1 (DNS rebinding).
    """
    try:
        named = urlsplit(f"//{request.headers.get('host', '')}").hostname
    except ValueError:  # brackets that do not close
        return False
    proxied = any(h in request.headers for h in ("forwarded", "x-forwarded-for", "x-real-ip", "via"))
    return address_of(request) in LOOPBACK and named in LOOPBACK and not proxied


def refuse_other_sites(request: Request) -> None:
    """A browser says where a request comes from; a change must come from our own pages. Raises Refused `cross_site`."""
    if request.method in SAFE:
        return
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    own = f"{request.url.scheme}://{request.headers.get('host', '')}"
    if (site is not None and site not in ("same-origin", "none")) or (origin is not None and origin != own):
        zh, en = "请从本服务自己的页面操作, 或使用密钥", "use the service's own pages, or a key"
        raise Refused("cross_site", [fault("cross_site", zh, en, path="Origin", value=origin)])
