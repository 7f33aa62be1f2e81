"""`/v1/snapshots`: markets that stay as they are, under the hash of their content."""

from dataclasses import replace
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from api import settings
from api.archive import markets
from api.database.tables import held_snapshots
from api.planning import offers_of
from api.reports.markets import differences_document
from api.routes.answering import Answer, Body, Caller, Cursor, Done, ExactRoute, Limit, allowed, page_document
from api.routes.offers_files import FILE_BODY, file_of
from api.routes.shapes import DayText, Fault, OffersDocument, Sha256, TimeText
from market_data import read_offers
from market_data.differences import differences
from market_data.random_streams import SEED_MAX
from market_data.snapshot import Snapshot
from market_data.synthetic import synthetic_market
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.nouns import Day
from optimizer.offers import Offer, Offers

router = APIRouter(prefix="/v1/snapshots", tags=["snapshots"], route_class=ExactRoute)
DAYS_AHEAD_MAX = 3660
SYNTHETIC_MAX = 100_000
"""Made in half a second. The command line makes larger ones."""


class NewSnapshot(Body):
    """A market as a list of offers."""

    name: str = "offers"
    as_of: Day | None = None
    offers: OffersDocument


class SnapshotAnswer(Answer):
    """A snapshot that the organisation keeps."""

    id: Sha256
    name: str
    as_of: DayText
    offers: int
    warnings: list[Fault]
    made_by: str
    made_at: TimeText


class SnapshotPage(Answer):
    """A page of snapshots, the newest first."""

    items: list[SnapshotAnswer]
    next: str | None


@router.post(
    "",
    status_code=201,
    response_model=None,
    responses={201: {"model": SnapshotAnswer}},
    summary="Keep a market given as JSON",
)
def keep_snapshot(market: NewSnapshot, caller: Caller = allowed("snapshots.write")) -> Response:
    """Offers become a snapshot, or every fault of them is told. The same content again is the same snapshot."""
    if not isinstance(market.offers, list):
        raise BadInput([fault("list_type", "应为报价的列表", "should be a list of offers", path="offers")])
    file = offers_of(market.offers)
    return _kept(file.offers, file.findings, market.name, market.as_of, caller)


class SyntheticMarket(Body):
    """How a made-up market is made."""

    offers: Annotated[int, Field(ge=1, le=SYNTHETIC_MAX, examples=[200])]
    seed: Annotated[int, Field(ge=0, le=SEED_MAX, examples=[7])]
    as_of: Day | None = None


@router.post(
    "/synthetic",
    status_code=201,
    response_model=None,
    responses={201: {"model": SnapshotAnswer}},
    summary="Keep a made-up market",
)
def keep_synthetic(made_up: SyntheticMarket, caller: Caller = allowed("snapshots.write")) -> Response:
    """A seeded market, marked as synthetic in every offer: the same seed and day give the same snapshot."""
    day = made_up.as_of or settings.today()
    try:
        offers = synthetic_market(made_up.offers, made_up.seed, day)
    except BadInput as error:  # a day beyond what the market is made for
        raise BadInput([replace(f, path="as_of") for f in error.findings]) from error
    return _kept(offers, (), "synthetic", day, caller)


@router.post(
    "/files",
    status_code=201,
    response_model=None,
    responses={201: {"model": SnapshotAnswer}},
    openapi_extra=FILE_BODY,
    summary="Keep a market sent as an offers file",
)
async def keep_file(
    request: Request,
    caller: Caller = allowed("snapshots.write"),
    name: Annotated[str, Query(max_length=200, description="The file's name.")] = "offers",
    as_of: Annotated[Day | None, Query()] = None,
) -> Response:
    """CSV, XLSX or Parquet as it is; all faults are told by row and column, and nothing of a bad file is used."""
    content = await file_of(request)

    def work() -> Response:
        file = read_offers("", content=content, name=name)
        return _kept(file.offers, file.findings, name, as_of, caller)

    return await run_in_threadpool(work)


def _kept(offers: Offers, findings: tuple[Finding, ...], name: str, as_of: date | None, caller: Caller) -> Response:
    day = as_of or settings.today()
    ready = markets.encoded(Snapshot(offers, name, day, findings, len(offers)))

    def work(scope: Any) -> Done:
        row = markets.hold(scope, ready)
        return Done(201, markets.as_dict(row, caller.lang), location=f"/v1/snapshots/{row['snapshot_id']}")

    return caller.once(work)


@router.get("", response_model=None, responses={200: {"model": SnapshotPage}}, summary="Snapshots")
def list_snapshots(caller: Caller = allowed("snapshots.read"), limit: Limit = 50, cursor: Cursor = None) -> Response:
    """The organisation's snapshots, the newest first."""
    rows, after = caller.read(lambda scope: scope.page(held_snapshots, limit, cursor))
    return caller.show(page_document([markets.as_dict(r, caller.lang) for r in rows], after))


@router.get("/{snapshot}", response_model=None, responses={200: {"model": SnapshotAnswer}}, summary="A snapshot")
def show_snapshot(snapshot: str, caller: Caller = allowed("snapshots.read")) -> Response:
    """What is known of a snapshot, by its id or at least 8 digits of it."""
    return caller.show(caller.read(lambda scope: markets.as_dict(markets.held(scope, snapshot), caller.lang)))


class OffersAnswer(Answer):
    """The offers of a snapshot, in order of their ids."""

    id: Sha256
    total: int
    offers: list[dict[str, Any]]


@router.get("/{snapshot}/offers", response_model=None, responses={200: {"model": OffersAnswer}}, summary="Its offers")
def show_offers(
    snapshot: str,
    caller: Caller = allowed("snapshots.read"),
    first: Annotated[int, Query(ge=0, le=10**9, description="Offers to leave out at the start.")] = 0,
    limit: Annotated[int, Query(ge=1, le=5000)] = 500,
) -> Response:
    """Offers as an offers file has them."""
    market = caller.read(lambda scope: markets.load(scope, snapshot))
    last = min(first + limit, len(market.offers))
    some = [_row(market.offers[k]) for k in range(first, last)]
    return caller.show({"id": market.offers.sha256, "total": len(market.offers), "offers": some})


def _row(offer: Offer) -> dict[str, Any]:
    """An offer without its blanks."""
    return {k: v for k, v in offer.model_dump(mode="json", by_alias=True).items() if v not in ("", None)}


@router.get("/{snapshot}/differences", response_model=None, summary="What changed to another snapshot")
def show_differences(
    snapshot: str,
    to: Annotated[str, Query(description="The later snapshot.")],
    caller: Caller = allowed("snapshots.read"),
    as_of: Annotated[Day | None, Query()] = None,
    days: Annotated[int, Query(ge=0, le=DAYS_AHEAD_MAX, description="Expiries this many days ahead.")] = 30,
) -> Response:
    """Offers that came, went or changed from one snapshot to another, each with what changed."""
    before, after = caller.read(lambda scope: (markets.load(scope, snapshot), markets.load(scope, to)))
    found = differences(before.offers, after.offers, as_of or settings.today(), days)
    return caller.show(differences_document(found, caller.lang))
