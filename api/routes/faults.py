"""What FastAPI finds wrong with a request, as faults of ours: path, query and body at once, in both languages."""

from dataclasses import replace
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from api.refusals import Refused
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault, fault_of_error, one_of_each

SECRETS = ("password", "old", "new")
"""Keys of bodies whose values are not repeated."""
PLACES = ("body", "query", "path", "header", "cookie")


def request_faults(error: RequestValidationError, body: Any) -> BadInput | Refused:
    """The faults of a request whose body was to be a `body`; `malformed` where it is no JSON object at all."""
    details = [dict(d) for d in error.errors()]
    if any(d["type"] == "json_invalid" for d in details):
        return Refused("malformed", [fault("json", "不是有效的 JSON", "is not valid JSON")])
    return BadInput(one_of_each(_placed(d, body) for d in details))


def faults_of_body(error: ValidationError, body: Any) -> list[Finding]:
    """The faults of a body that was read apart from its request."""
    return one_of_each(_placed({**details, "loc": ("body", *details["loc"])}, body) for details in error.errors())


def _placed(details: dict[str, object], body: Any) -> Finding:
    """The fault of one part; its path begins inside that part: a key of the body, or a parameter's name."""
    loc = details["loc"]
    inside = tuple(loc) if isinstance(loc, tuple | list) else (loc,)
    named = bool(inside) and inside[0] in PLACES
    shape = body if named and inside[0] == "body" else None
    found = fault_of_error({**details, "loc": inside[1:] if named else inside}, shape)
    return replace(found, value=None) if inside and inside[-1] in SECRETS else found
