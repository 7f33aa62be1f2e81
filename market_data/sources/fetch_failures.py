"""What can go wrong with a request, in words: which failures another attempt may cure, and the finding after the last.

Here nothing is sent and nothing is waited for.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2

from optimizer.findings import Finding, fault
from optimizer.wording import Text

TRY_AGAIN = {
    "feed_html": Text(
        "给出网页而不是数据 (维护页, 登录页或拦截页)", "sends a web page, not data (maintenance, log-in or a block)"
    ),
    "feed_json_broken": Text("给出的 JSON 不完整", "sends broken JSON, cut off perhaps"),
}
"""Complaints of `accept` that another attempt may cure."""
REMEDY = Text(
    "请稍后再试, 或用 --offline 使用以前取得的数据, 或改用手头的文件",
    "try later, use --offline for what was fetched before, or read a file that you have",
)


class Failure(Exception):
    """One attempt that gave no answer."""

    def __init__(self, code: str, what: Text, *, again: bool, wait_seconds: float | None = None) -> None:
        super().__init__(what.en)
        self.code = code
        self.what = what
        self.again = again
        self.wait_seconds = wait_seconds


def place(url: httpx2.URL) -> str:
    """Host and path: what a person recognises; never the parameters."""
    return f"{url.host}{url.path}"


def refusal(response: httpx2.Response, now: datetime) -> Failure:
    """An answer that is no success: 429 and 5xx may pass, all else stays."""
    status = response.status_code
    if status == httpx2.codes.TOO_MANY_REQUESTS or status >= 500:
        zh, en = f"服务器暂不可用 (HTTP {status})", f"is not available for now (HTTP {status})"
        wait = _retry_after(response.headers.get("retry-after", ""), now)
        return Failure("feed_unavailable", Text(zh, en), again=True, wait_seconds=wait)
    zh, en = f"服务器拒绝请求 (HTTP {status}); 地址可能已变", f"refuses the request (HTTP {status}); it may have moved"
    return Failure("feed_refused", Text(zh, en), again=False)


def _retry_after(text: str, now: datetime) -> float | None:
    """The seconds that a server asks for, given as seconds or as a date; None where it asks for none."""
    if text.strip().isdecimal() and len(text.strip()) <= 9:
        return float(text.strip())
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    until = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return max(0.0, (until - now).total_seconds())


def overdue(seconds: float) -> Failure:
    """The total deadline has passed."""
    zh, en = f"{seconds:g} 秒内没有传完", f"was not done within {seconds:g} s"
    return Failure("feed_timeout", Text(zh, en), again=False)


def network_failure(error: Exception) -> Failure:
    """The kinds of trouble on the way, in words."""
    if isinstance(error, httpx2.TimeoutException):
        return Failure("feed_timeout", Text("连接或应答超时", "did not answer in time"), again=True)
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        zh, en = "证书不可信, 连接没有建立", "shows a certificate that is not trusted; nothing was sent"
        return Failure("feed_certificate", Text(zh, en), again=False)
    if isinstance(error, httpx2.RemoteProtocolError | httpx2.ReadError | httpx2.DecodingError):
        zh, en = f"传输中断或数据不完整 ({error})", f"broke off or sent an incomplete answer ({error})"
        return Failure("feed_cut_off", Text(zh, en), again=True)
    zh, en = f"连接不上 ({error})", f"cannot be reached ({error})"
    return Failure("feed_unreachable", Text(zh, en), again=True)


def given_up(failure: Failure, url: httpx2.URL, tries: int, wait: float | None) -> Finding:
    """The finding after the last attempt. `wait` is the pause for which the deadline left no time."""
    zh, en = (
        f"{failure.what.zh}; 共试 {tries} 次",
        f"{failure.what.en}; tried {tries} {'time' if tries == 1 else 'times'}",
    )
    if wait is not None:
        zh += f", 下一次须等 {wait:g} 秒, 超出时限"
        en += f", and the next attempt, {wait:g} s later, lies beyond the deadline"
    return placed_finding(failure.code, url, Text(zh, en), REMEDY)


def placed_finding(code: str, url: httpx2.URL, what: Text, remedy: Text) -> Finding:
    """A fault about an address, with what helps."""
    return fault(code, f"{what.zh}; {remedy.zh}", f"{what.en}; {remedy.en}").at(place(url))
