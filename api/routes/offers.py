"""`/v1/offers/validate`: offers held against every rule of an offers file. Nothing is kept."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from api.planning import offers_of
from api.reports.findings import offers_document
from api.routes.answering import Answer, Body, Caller, ExactRoute, allowed
from api.routes.offers_files import FILE_BODY, file_of
from api.routes.shapes import Fault, OffersDocument, Sha256
from market_data import read_offers
from optimizer.errors import BadInput
from optimizer.findings import fault

router = APIRouter(prefix="/v1/offers", tags=["snapshots"], route_class=ExactRoute)


class OffersToRead(Body):
    """A market as a list of offers."""

    offers: OffersDocument


class OffersRead(Answer):
    """What a market holds that can be used."""

    usable: Literal[True]
    name: str
    sha256: Annotated[str, Field(description="Of the file's bytes.", examples=["ab" * 32])]
    offers_sha256: Annotated[Sha256, Field(description="Of the offers: the id of their snapshot.")]
    offers: int
    instruments: dict[str, int]
    warnings: list[Fault]


@router.post(
    "/validate",
    response_model=None,
    responses={200: {"model": OffersRead}},
    summary="Whether offers can be used",
)
def validate_offers(market: OffersToRead, caller: Caller = allowed("snapshots.write")) -> Response:
    """What they are and what is doubtful about them, or every fault of them by row and column. Nothing is kept."""
    if not isinstance(market.offers, list):
        raise BadInput([fault("list_type", "应为报价的列表", "should be a list of offers", path="offers")])
    return caller.show(offers_document(offers_of(market.offers), caller.lang))


@router.post(
    "/validate/files",
    response_model=None,
    responses={200: {"model": OffersRead}},
    openapi_extra=FILE_BODY,
    summary="Whether an offers file can be used",
)
async def validate_file(
    request: Request,
    caller: Caller = allowed("snapshots.write"),
    name: Annotated[str, Query(max_length=200, description="The file's name.")] = "offers",
) -> Response:
    """As for JSON: CSV, XLSX or Parquet as it is. Nothing is kept."""
    content = await file_of(request)

    def work() -> dict[str, Any]:
        return offers_document(read_offers("", content=content, name=name), caller.lang)

    return caller.show(await run_in_threadpool(work))
