"""Errors as RFC 9457 problem details in the caller's language, every fault with its place.

{"type": "urn:jinheng:problem:bad_input", "title", "status", "detail", "instance", "request_id",
"faults": [{"code", "severity", "path", "row", "column", "value", "message"}]}
"""

import json
from collections.abc import Sequence
from typing import Any

from fastapi import Response

from api.refusals import KINDS, Refused
from optimizer.errors import BadInput, Cancelled
from optimizer.findings import Finding
from optimizer.wording import Language, counted

MEDIA_TYPE = "application/problem+json"
FAULTS_SHOWN_MAX = 200
"""Faults that one answer lists; the number of all stands in `detail`."""
UNAVAILABLE = ("store_refused", "document_damaged", "snapshot_damaged", "store_newer")
"""Faults that are the database's, not the caller's."""
NOT_FOUND = ("snapshot_unknown",)


def problem_of(
    code: str, findings: Sequence[Finding], lang: Language, request_id: str, instance: str
) -> dict[str, Any]:
    """The document of a problem."""
    kind = KINDS[code]
    n = len(findings)
    document: dict[str, Any] = {
        "type": f"urn:jinheng:problem:{code}",
        "title": kind.title.say(lang),
        "status": kind.status,
        "instance": instance,
        "request_id": request_id,
    }
    if n:
        in_all = f"共 {n} 处" if lang == "zh" else counted(n, "fault", "faults")
        document["detail"] = findings[0].say(lang) if n == 1 else in_all
        document["faults"] = [f.as_dict(lang) for f in findings[:FAULTS_SHOWN_MAX]]
    return document


def problem_response(error: BaseException, lang: Language, request_id: str, instance: str) -> Response:
    """What the caller is told of an error. What a database says of itself is not theirs to see."""
    headers: dict[str, str] = {}
    findings: Sequence[Finding] = ()
    if isinstance(error, Refused):
        code, findings, headers = error.code, error.findings, dict(error.headers)
    elif isinstance(error, BadInput):
        code, findings = code_of(error), error.findings
        if code in ("unavailable", "our_fault"):
            findings, headers = (), {"Retry-After": "2"} if code == "unavailable" else {}
    elif isinstance(error, Cancelled):
        code = "too_long"
    else:
        code = "our_fault"
    if code == "unauthenticated":
        headers.setdefault("WWW-Authenticate", "Bearer")
    document = problem_of(code, findings, lang, request_id, instance)
    body = json.dumps(document, ensure_ascii=False).encode()
    headers |= {"Cache-Control": "no-store", "Content-Language": lang}
    return Response(body, status_code=KINDS[code].status, media_type=MEDIA_TYPE, headers=headers)


def code_of(error: BadInput) -> str:
    """The kind of problem that bad input is."""
    codes = {f.code for f in error.findings}
    if codes & {"document_damaged", "snapshot_damaged"}:
        return "our_fault"
    if codes & set(UNAVAILABLE):
        return "unavailable"
    return "not_found" if codes and codes <= set(NOT_FOUND) else "bad_input"
