"""Fetching of feeds over HTTP: patient, polite, bounded, cached, and able to work without a network.

Here live one request with its attempts, and when a kept answer serves instead (`answer_cache`). What an answer means,
and whether it is one, says the caller's `accept`. A `Fetcher` is for one thread. The total deadline is looked at
between the pieces of an answer; while its header is awaited, the time-outs bound each silence.
"""

import json
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple

import httpx2

from market_data.sources.answer_cache import AnswerCache, Kept
from market_data.sources.fetch_failures import (
    TRY_AGAIN,
    Failure,
    given_up,
    network_failure,
    overdue,
    place,
    placed_finding,
    refusal,
)
from optimizer.errors import BadInput, Cancelled
from optimizer.findings import fault
from optimizer.wording import Text

REDIRECTS_MAX = 5
"""Redirects that one request follows: http to https, a slash, a language; more is a loop."""
SLEEP_SLICE_SECONDS = 0.5
"""The longest sleep without asking whether to stop: a person waits no longer for an answer to Ctrl-C."""


@dataclass(frozen=True)
class FetchSettings:
    """How patient, polite and greedy fetching is."""

    connect_seconds: float = 10.0
    read_seconds: float = 30.0
    """The longest silence in an answer."""
    deadline_seconds: float = 180.0
    """One request with all its attempts, pauses and redirects: six silences of the read time-out."""
    retries: int = 4
    """Attempts after the first."""
    backoff_seconds: float = 1.0
    """Pause before the second attempt; each further one doubles it."""
    backoff_seconds_max: float = 60.0
    pause_seconds: float = 1.0
    """The shortest time between two requests to one host: slower than a person who clicks."""
    bytes_max: int = 64 * 1024 * 1024
    """Bytes of one answer, unpacked: a day of an exchange takes kilobytes, a registry's table megabytes."""
    user_agent: str = "jinheng (carbon offset planning; one request at a time)"
    cache_folder: Path | None = None
    """None: nothing is kept."""
    cache_seconds: float = 3600.0
    """Age up to which a kept answer serves instead of a request."""
    offline: bool = False
    """True: only what was kept, whatever its age; no request leaves the machine."""
    proxy: str | None = None
    ca_file: Path | None = None
    """Certificates to trust instead of the usual ones, where an office checks its own traffic."""


class Fetched[T](NamedTuple):
    """An accepted answer."""

    content: bytes
    url: str
    fetched_at: datetime
    """When the server gave it, UTC; for a kept answer the time of then."""
    from_cache: bool
    result: T
    """What `accept` made of the content."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Fetcher:
    """Requests with the manners of `settings`. A context manager; close it when done.

    Args:
        settings: time-outs, retries, pauses, limits, cache.
        clock: seconds that only grow, for deadlines and pauses.
        sleep: waits so many seconds.
        now: the time of day in UTC, for the age of kept answers.
        report: is told of every failed attempt and of every answer taken from the cache.
        cancelled: asked before every attempt and while waiting; True stops the work.

    Raises:
        BadInput: a cache folder that cannot be made, certificates that cannot be read, an impossible proxy.
    """

    def __init__(
        self,
        settings: FetchSettings | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = _utc_now,
        report: Callable[[Text], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self.settings = settings or FetchSettings()
        self._clock, self._sleep, self._now = clock, sleep, now
        self._report, self._cancelled = report, cancelled
        self._last_start: dict[str, float] = {}
        self._cache = None if self.settings.cache_folder is None else AnswerCache(self.settings.cache_folder)
        self._client = None if self.settings.offline else _client(self.settings)

    def __enter__(self) -> "Fetcher":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connections."""
        if self._client is not None:
            self._client.close()

    def get[T](
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        *,
        accept: Callable[[bytes], T],
        final_after: datetime | None = None,
    ) -> Fetched[T]:
        """The answer to a GET; see `post`."""
        target = _address(url)
        return self._fetch(
            "GET", target.copy_merge_params(dict(sorted((params or {}).items()))), b"", accept, final_after
        )

    def post[T](
        self,
        url: str,
        json_body: Mapping[str, object],
        *,
        accept: Callable[[bytes], T],
        final_after: datetime | None = None,
    ) -> Fetched[T]:
        """The answer to a POST of JSON.

        Args:
            url: http or https.
            json_body: sent with sorted keys, so that the same question is the same bytes.
            accept: parses the content, and raises BadInput when it is not what was asked for. Only what it accepts is
                kept. A page of HTML and broken JSON (`TRY_AGAIN`) are tried again as a server's failure is.
            final_after: an answer given at or after this moment never changes again, and is kept without an age.

        Raises:
            BadInput: one finding for a request that failed (what, where, how often tried, what helps), or what
                `accept` raised.
            Cancelled: `cancelled` said so.
        """
        body = json.dumps(json_body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
        return self._fetch("POST", _address(url), body, accept, final_after)

    def _fetch[T](
        self, method: str, url: httpx2.URL, body: bytes, accept: Callable[[bytes], T], final_after: datetime | None
    ) -> Fetched[T]:
        kept = self._kept(method, url, body, final_after)
        found = None if kept is None else self._accepted(kept, url, accept)
        if found is not None:
            return found
        if self.settings.offline:
            zh, en = "离线: 以前没有取得过此数据", "offline, and this was not fetched before"
            remedy = Text("请联网再取, 或改用手头的文件", "fetch it with a network, or read a file that you have")
            raise BadInput([placed_finding("feed_offline", url, Text(zh, en), remedy)])
        content, result = self._attempts(method, url, body, accept)
        fetched_at = self._now()
        if self._cache is not None:
            self._cache.keep(method, str(url), body, content, fetched_at)
        return Fetched(content, str(url), fetched_at, False, result)

    def _kept(self, method: str, url: httpx2.URL, body: bytes, final_after: datetime | None) -> Kept | None:
        kept = None if self._cache is None else self._cache.find(method, str(url), body)
        if kept is None or self.settings.offline:
            return kept
        age = self._now() - kept.fetched_at
        fresh = timedelta(0) <= age <= timedelta(seconds=self.settings.cache_seconds)
        final = final_after is not None and kept.fetched_at >= final_after
        return kept if fresh or final else None

    def _accepted[T](self, kept: Kept, url: httpx2.URL, accept: Callable[[bytes], T]) -> Fetched[T] | None:
        """The kept answer, if `accept` still takes it. Offline there is no other: then what it raises is the answer."""
        try:
            result = accept(kept.content)
        except BadInput:
            if self.settings.offline:
                raise
            return None
        stamp = kept.fetched_at.isoformat(timespec="seconds")
        self._tell(f"{place(url)}: 用 {stamp} 取得的数据", f"{place(url)}: as it was fetched at {stamp}")
        return Fetched(kept.content, str(url), kept.fetched_at, True, result)

    def _attempts[T](self, method: str, url: httpx2.URL, body: bytes, accept: Callable[[bytes], T]) -> tuple[bytes, T]:
        """Tries until an answer is accepted, the attempts are used up, or the deadline would pass."""
        deadline = self._clock() + self.settings.deadline_seconds
        tries = 0
        while True:
            tries += 1
            try:
                content = self._one_attempt(method, url, body, deadline)
                return content, _judged(accept, content)
            except Failure as failure:
                self._tell(
                    f"{place(url)}: 第 {tries} 次: {failure.what.zh}",
                    f"{place(url)}: attempt {tries}: {failure.what.en}",
                )
                backoff = self.settings.backoff_seconds * 2.0 ** (tries - 1)
                wait = max(failure.wait_seconds or 0.0, min(backoff, self.settings.backoff_seconds_max))
                last = not failure.again or tries > self.settings.retries
                if last or self._clock() + wait >= deadline:
                    raise BadInput([given_up(failure, url, tries, None if last else wait)]) from None
            self._wait(wait)

    def _one_attempt(self, method: str, url: httpx2.URL, body: bytes, deadline: float) -> bytes:
        """The bytes of one answer, redirects followed. Raises Failure."""
        assert self._client is not None, "offline fetchers make no request"
        headers = {"content-type": "application/json"} if body else {}
        request = self._client.build_request(method, url, content=body or None, headers=headers)
        for _ in range(REDIRECTS_MAX + 1):
            self._wait_for_turn(url.host)
            left = deadline - self._clock()
            if left <= 0:
                raise overdue(self.settings.deadline_seconds)
            read = min(self.settings.read_seconds, left)
            timeout = httpx2.Timeout(read, connect=min(self.settings.connect_seconds, left))
            request.extensions = {**request.extensions, "timeout": timeout.as_dict()}
            try:
                answer = self._answer(request, deadline)
            except (httpx2.RequestError, ssl.SSLError) as error:
                raise network_failure(error) from None
            if isinstance(answer, bytes):
                return answer
            request = _checked_redirect(request, answer)
        zh, en = f"转向超过 {REDIRECTS_MAX} 次", f"redirects more than {REDIRECTS_MAX} times"
        raise Failure("feed_redirected", Text(zh, en), again=False)

    def _answer(self, request: httpx2.Request, deadline: float) -> bytes | httpx2.Request:
        """The body of a success, or the request that a redirect asks for."""
        assert self._client is not None, "offline fetchers make no request"
        response = self._client.send(request, stream=True)
        try:
            if response.next_request is not None:
                return response.next_request
            if not response.is_success:
                raise refusal(response, self._now())
            return self._body(response, deadline)
        finally:
            response.close()

    def _body(self, response: httpx2.Response, deadline: float) -> bytes:
        most = self.settings.bytes_max
        announced = response.headers.get("content-length", "")
        size = int(announced) if announced.isdecimal() else 0
        too_large = Failure(
            "feed_too_large", Text(f"数据超过 {most} 字节", f"sends more than {most} bytes"), again=False
        )
        if size > most:
            raise too_large
        pieces = bytearray()
        for piece in response.iter_bytes():
            pieces += piece
            if len(pieces) > most:
                raise too_large
            if self._clock() > deadline:
                raise overdue(self.settings.deadline_seconds)
        return bytes(pieces)

    def _wait_for_turn(self, host: str) -> None:
        last = self._last_start.get(host)
        if last is not None:
            self._wait(last + self.settings.pause_seconds - self._clock())
        self._check_cancelled()
        self._last_start[host] = self._clock()

    def _wait(self, seconds: float) -> None:
        """Sleeps in slices, so that a wish to stop is heard."""
        while seconds > 0:
            self._check_cancelled()
            self._sleep(min(seconds, SLEEP_SLICE_SECONDS))
            seconds -= SLEEP_SLICE_SECONDS

    def _check_cancelled(self) -> None:
        if self._cancelled is not None and self._cancelled():
            raise Cancelled("stopped on request")

    def _tell(self, zh: str, en: str) -> None:
        if self._report is not None:
            self._report(Text(zh, en))


@cache
def _usual_trust() -> ssl.SSLContext:
    """The certificates that everybody trusts, read once: reading them takes longer than a request nearby."""
    return httpx2.create_ssl_context(trust_env=False)


def _client(settings: FetchSettings) -> httpx2.Client:
    """Connections that check certificates and read no environment: proxy and certificates are settings."""
    try:
        trust = _usual_trust() if settings.ca_file is None else ssl.create_default_context(cafile=settings.ca_file)
        headers = {"user-agent": settings.user_agent, "accept": "application/json, text/csv, */*;q=0.5"}
        return httpx2.Client(verify=trust, proxy=settings.proxy, headers=headers, trust_env=False)
    except (OSError, ValueError) as error:
        zh = "代理地址或证书文件不能使用; 代理形如 http://proxy.example:8080, 证书为 PEM 文件"
        en = "the proxy or the certificates cannot be used; write http://proxy.example:8080, and name a PEM file"
        shown = settings.proxy if settings.ca_file is None else settings.ca_file
        raise BadInput([fault("feed_setting", f"{zh} ({error})", f"{en} ({error})", value=shown)]) from None


def _address(text: str) -> httpx2.URL:
    try:
        url = httpx2.URL(text)
    except (httpx2.InvalidURL, ValueError):
        url = httpx2.URL("")
    if url.scheme not in ("http", "https") or not url.host:
        zh, en = "不是网址; 应以 https:// 开头", "is no address; it should begin with https://"
        raise BadInput([fault("feed_address", zh, en, value=text)])
    return url


def _judged[T](accept: Callable[[bytes], T], content: bytes) -> T:
    """What `accept` makes of the content. Raises Failure where another attempt may help, else its own BadInput."""
    try:
        return accept(content)
    except BadInput as error:
        code = error.findings[0].code
        if code in TRY_AGAIN:
            raise Failure(code, TRY_AGAIN[code], again=True) from None
        raise


def _checked_redirect(request: httpx2.Request, target: httpx2.Request) -> httpx2.Request:
    """The next request, if it stays on the host and does not leave https."""
    here, there = request.url, target.url
    if there.host == here.host and there.scheme in (here.scheme, "https"):
        return target
    zh = f"转向另一处 {there.scheme}://{place(there)}, 不予跟随; 若确为新地址, 请直接填写它"
    en = f"redirects to {there.scheme}://{place(there)}, which is not followed; name that address if it is the new one"
    raise Failure("feed_redirected", Text(zh, en), again=False)
