"""What the service refuses, each kind once: its code, its HTTP status, and its title in both languages.

Bad input (`optimizer.errors.BadInput`) is the caller's data; a refusal is about the state of things or about who asks.
"""

from collections.abc import Sequence
from typing import NamedTuple

from optimizer.errors import JinhengError
from optimizer.findings import Finding
from optimizer.wording import Text


class Kind(NamedTuple):
    """A kind of refusal."""

    status: int
    title: Text


KINDS: dict[str, Kind] = {
    "malformed": Kind(400, Text("请求无法读取", "The request cannot be read")),
    "unauthenticated": Kind(401, Text("需要登录或有效的密钥", "Sign in, or send a valid key")),
    "forbidden": Kind(403, Text("您的角色不允许此操作", "Your role does not allow this")),
    "cross_site": Kind(403, Text("来自其他网站的请求不被接受", "Requests from other sites are not taken")),
    "not_found": Kind(404, Text("没有这一项", "There is no such thing")),
    "method_not_allowed": Kind(405, Text("此地址不接受这种方法", "This address does not take that method")),
    "not_acceptable": Kind(406, Text("不能给出这种格式", "Cannot be given in that format")),
    "conflict": Kind(409, Text("与现有状态冲突", "Conflicts with the present state")),
    "sold_out": Kind(409, Text("可用数量不足", "Not enough is available")),
    "expired": Kind(409, Text("已过有效期", "No longer valid")),
    "double_use": Kind(409, Text("该减排量已被使用, 不能重复使用", "Already used; nothing may be used twice")),
    "key_in_use": Kind(409, Text("同一 Idempotency-Key 的请求正在处理", "A request with this key is being worked on")),
    "key_reused": Kind(422, Text("同一 Idempotency-Key 用于了不同的请求", "This key came with another request before")),
    "stale": Kind(412, Text("内容已被他人修改, 请重新读取", "Changed by somebody else since; read it again")),
    "too_large": Kind(413, Text("请求体过大", "The body is too large")),
    "media_type": Kind(415, Text("不接受这种内容类型", "Content of this type is not taken")),
    "bad_input": Kind(422, Text("输入有误", "The input has faults")),
    "too_many": Kind(429, Text("请求过于频繁, 请稍后再试", "Too many requests; wait a little")),
    "our_fault": Kind(500, Text("程序出错, 不是输入的问题", "This is our fault, not the input's")),
    "unavailable": Kind(503, Text("服务暂时不可用, 请稍后再试", "Not available just now; try again shortly")),
    "too_long": Kind(503, Text("计算超过时限; 请改用后台任务", "Took longer than allowed; run it as a job")),
}
"""code -> status and title. `type` of a problem is "urn:jinheng:problem:" and the code."""


class Refused(JinhengError):
    """The service does not do what was asked, for a reason that is no fault of the data.

    Args:
        code: a key of KINDS.
        findings: what exactly, and what would be right.
        headers: sent along, such as Retry-After.
    """

    def __init__(self, code: str, findings: Sequence[Finding] = (), headers: dict[str, str] | None = None) -> None:
        self.kind = KINDS[code]
        self.code = code
        self.findings = tuple(findings)
        self.headers = headers or {}
        super().__init__(f"{code}: " + "; ".join(f.say("en") for f in self.findings))


def not_found() -> Refused:
    """The same words whether a thing never was or belongs to somebody else."""
    return Refused("not_found")
