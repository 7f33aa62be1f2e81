"""`/v1/plans/check`: a plan that somebody brings, derived again. Nothing is kept, and nothing of it is believed."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from api.archive import markets
from api.routes.answering import Caller, ExactRoute, allowed
from api.routes.plans import CheckAnswer
from api.use_cases import check_document, plan_document_of

router = APIRouter(prefix="/v1/plans", tags=["plans"], route_class=ExactRoute)

PLAN_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["plan_id", "problem"],
                    "properties": {"plan_id": {"type": "string"}, "problem": {"type": "object"}},
                    "description": "A plan as it was given, byte by byte.",
                },
                "example": {"plan_id": "ab" * 32, "problem": {"offers": []}},
            }
        },
    }
}


@router.post(
    "/check",
    response_model=None,
    responses={200: {"model": CheckAnswer}},
    openapi_extra=PLAN_BODY,
    summary="Derive a plan again that somebody brings",
)
async def check_brought_plan(
    request: Request,
    caller: Caller = allowed("plans.read"),
    snapshot: Annotated[
        str | None, Query(max_length=100, description="Its offers, where it holds only their hash: a snapshot's id.")
    ] = None,
) -> Response:
    """The check of `jinheng check`, of any plan, whoever made it: `holds` says whether all of it can be derived."""
    content = await request.body()

    def work() -> dict[str, Any]:
        document = plan_document_of(content)
        market = None if snapshot is None else caller.read(lambda scope: markets.load(scope, snapshot))
        return check_document(document, market, "snapshot", snapshot).as_dict(caller.lang)

    return caller.show(await run_in_threadpool(work))
