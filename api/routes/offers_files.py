"""Offers files that are sent as they are: which media types, how the OpenAPI document shows them, how they are read."""

from typing import Any

from fastapi import Request

from api.refusals import Refused
from optimizer.findings import fault

FILE_TYPES = {
    "text/csv": ".csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.apache.parquet": ".parquet",
    "application/octet-stream": "",
}
"""Media types of offers files that are sent as they are, and the endings that go with them."""
EXAMPLE_CSV = "offer_id,instrument,mechanism,vintage,quantity,price\nCEA-1,allowance,CEA,2025,5000,66.10\n"
FILE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in FILE_TYPES}
        | {"text/csv": {"schema": {"type": "string", "examples": [EXAMPLE_CSV]}}},
    }
}
"""For a route's `openapi_extra`."""


async def file_of(request: Request) -> bytes:
    """The file that a request brings. Raises Refused `media_type`."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().casefold()
    if kind not in FILE_TYPES:
        known = ", ".join(FILE_TYPES)
        zh, en = f"应为 {known} 之一", f"should be one of {known}"
        raise Refused("media_type", [fault("media_type", zh, en, path="Content-Type", value=kind)])
    return await request.body()
