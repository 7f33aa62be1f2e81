"""The OpenAPI document: what FastAPI derives, with the engine's nouns, every route's problems, and how one signs in."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel

from api.router_list import ALL
from api.routes.shapes import NOUN, REFERRED, Problem
from optimizer.rule_pack import read_rule_pack

ABOUT = """\
大型活动碳中和的最低成本采购: 方案、情景、报价、预留、订单、注销与公示。

The least-cost purchase that makes large events carbon-neutral: plans, scenarios, quotes, holds, orders, retirements.

- Money is yuan and mass is tonnes of CO2e, both as decimal strings; days are `2026-11-22`, times are UTC.
- Send `Idempotency-Key` with every call that changes something: sent again, it gets the same reply.
- Errors are `application/problem+json` with every fault and its place, in the language of `Accept-Language` (zh, en).
- Lists come in pages, the newest first: send `next` as `cursor`.
- A plan changes nothing. Holding, ordering and retiring are calls of their own.
"""
PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
EVERYWHERE = {
    "400": "The request cannot be read.",
    "401": "Sign in, or send a valid key.",
    "403": "The caller's role does not allow this.",
    "404": "There is no such thing, or it belongs to another organisation.",
    "405": "This address does not take that method.",
    "409": "Conflicts with the present state.",
    "412": "Changed by somebody else since.",
    "413": "The body is too large.",
    "415": "Content of this type is not taken.",
    "422": "The input has faults; every one is listed.",
    "429": "Too many requests; see Retry-After.",
    "500": "Our fault.",
    "503": "Not available just now; see Retry-After.",
}
KEY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key with the same request gets the same reply; its work is done once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "example": "quote-2026-11-22-001",
}
KEYLESS = {
    ("post", "/v1/session"),  # its reply is a cookie
    ("post", "/v1/keys"),  # its reply holds a secret, which is kept nowhere
    ("put", "/v1/me/password"),  # holds secrets
    ("post", "/v1/plans/{run_id}/check"),
    ("post", "/v1/plans/{run_id}/replay"),
    ("post", "/v1/audit/verify"),
    ("post", "/v1/offers/validate"),
    ("post", "/v1/offers/validate/files"),
}
"""Operations that take no Idempotency-Key: they change nothing, or their reply cannot be kept."""


def describe(app: FastAPI) -> None:
    """Has the application answer `/v1/openapi.json` with the whole document."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's own way of extending it


def _document(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(title=app.title, version=app.version, description=ABOUT, routes=app.routes)
    schemas = found.setdefault("components", {}).setdefault("schemas", {})
    nouns: list[type[BaseModel]] = [*REFERRED.values(), Problem]
    for noun in nouns:
        own = noun.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update({**own.pop("$defs", {}), noun.__name__: own})
    schemas["Offer"]["additionalProperties"] = True  # headers in Chinese name the same columns
    schemas["RulePack"]["examples"] = [read_rule_pack("mee-2019").dump() | {"id": "my-province"}]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    found["components"]["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "An API key, `jh_...`."},
        "session": {"type": "apiKey", "in": "cookie", "name": "jinheng_session"},
    }
    found["security"] = [{"key": []}, {"session": []}, {}]
    in_order = dict.fromkeys(route.path for router in ALL for route in router.routes if isinstance(route, APIRoute))
    found["paths"] = {path: found["paths"][path] for path in in_order}
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            for status, text in EVERYWHERE.items():
                operation["responses"][status] = {"description": text, "content": PROBLEM}
            if method != "get" and (method, path) not in KEYLESS:
                operation.setdefault("parameters", []).append(KEY_PARAMETER)
    referred: dict[str, Any] = _referring(found)
    for operations in referred["paths"].values():
        for operation in operations.values():
            _give_examples(operation, schemas)
    return referred


def _give_examples(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Shows a whole body that the operation takes, put together from the examples of its parts."""
    for content in operation.get("requestBody", {}).get("content", {}).values():
        if "example" not in content and (example := _example_of(content["schema"], schemas)) is not None:
            content["example"] = example


def _example_of(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """An example of a schema; None where neither it nor its parts show one."""
    if "$ref" in schema:
        return _example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if schema.get("examples"):
        return schema["examples"][0]
    if "properties" in schema:
        parts = {name: _example_of(part, schemas) for name, part in schema["properties"].items()}
        return {name: part for name, part in parts.items() if part is not None} or None
    if "items" in schema:
        one = _example_of(schema["items"], schemas)
        return None if one is None else [one]
    inner = [_example_of(one, schemas) for key in ("allOf", "anyOf", "oneOf") for one in schema.get(key, [])]
    return next(
        (one for one in inner if one is not None), schema.get("const", next(iter(schema.get("enum", [])), None))
    )


def _referring(part: Any) -> Any:
    """The document with the nouns of the engine referred to where they were only named."""
    if isinstance(part, dict):
        if NOUN in part:
            return {"$ref": f"#/components/schemas/{part[NOUN]}"}
        return {k: _referring(v) for k, v in part.items()}
    return [_referring(v) for v in part] if isinstance(part, list) else part
