"""`/v1/imports`: the files of registries and exchanges as they are, listed, screened and kept as a snapshot."""

import json
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from api import settings
from api.access.scope import Scope
from api.archive import markets
from api.import_terms import FEES, ImportRequest
from api.market_desk import Imported, read_market
from api.planning import placed_by_keys
from api.refusals import Refused
from api.reports.markets import account_document
from api.routes.answering import Answer, Caller, Done, ExactRoute, allowed
from api.routes.shapes import DayText, Fault, Sha256
from market_data.feeds import FEEDS, FeedFile, FeedName
from market_data.snapshot import Snapshot
from optimizer.errors import BadInput
from optimizer.findings import fault
from optimizer.nouns import Day

router = APIRouter(prefix="/v1/imports", tags=["snapshots"], route_class=ExactRoute)

FORM = "multipart/form-data"
FILES_MAX = 20
FILES_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            FORM: {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "array",
                            "minItems": 1,
                            "maxItems": FILES_MAX,
                            "items": {"type": "string", "format": "binary"},
                            "description": "The feed's file, and after it those that go with it.",
                        }
                    },
                },
                "example": {"file": ["month,instrument,price,volume\n2026-11,ccer,85.00,100\n"]},
            }
        },
    }
}


class FeedLine(Answer):
    """A feed whose files are read."""

    name: str
    about: str
    files: Annotated[str, Field(description="What its files are.")]
    companions: Annotated[int, Field(description="Files that go with the first; 0: each stands for itself.")]
    has_prices: Annotated[bool, Field(description="False: a registry; `price` says what its stock costs.")]
    options: list[str]


class FeedList(Answer):
    """Feeds by name."""

    items: list[FeedLine]


@router.get("/feeds", response_model=None, responses={200: {"model": FeedList}}, summary="Feeds")
def list_feeds(caller: Caller = allowed("snapshots.read")) -> Response:
    """The registries and exchanges whose files are read, and which options each has a use for."""
    return caller.show({"items": [_feed_line(name, caller) for name in FEEDS]})


def _feed_line(name: str, caller: Caller) -> dict[str, Any]:
    feed = FEEDS[name]
    market = {"market"} & set(feed.options)
    return {
        "name": feed.name,
        "about": feed.about.say(caller.lang),
        "files": feed.files.say(caller.lang),
        "companions": feed.companions,
        "has_prices": feed.has_prices,
        "options": sorted(FEES | {"seller"} | market | (set() if feed.has_prices else {"price"})),
    }


class ImportAsked(BaseModel):
    """What an import is asked with, beside its files."""

    feed: FeedName
    as_of: Day | None = None
    price: Annotated[str | None, Field(max_length=50, description="Of a registry's stock, yuan/t.")] = None
    channel: Annotated[str | None, Field(max_length=50, description="holder, agent, donation or open.")] = None
    fee_rate: Annotated[str | None, Field(max_length=50, description="An agent's fee as a share.")] = None
    unit_fee: Annotated[str | None, Field(max_length=50, description="Yuan/t.")] = None
    fixed_fee: Annotated[str | None, Field(max_length=50, description="Yuan a purchase.")] = None
    seller: Annotated[str | None, Field(max_length=200, description="Of what names none.")] = None
    market: Annotated[str | None, Field(max_length=100, description="The pilot market that a frame is of.")] = None
    exclude: Annotated[
        str | None, Field(max_length=500, description="Doubts that exclude an offer: none, all, or codes.")
    ] = None


class FeedImportAnswer(Answer):
    """What became of every row: rows_read + split = offers + folded + all that was left out."""

    source: str
    as_of: DayText
    rows_read: int
    offers: int
    split: Annotated[int, Field(description="What rows that hold several entries make beyond one each.")]
    folded: Annotated[int, Field(description="Rows whose content an offer carries beside its own.")]
    left_out: Annotated[dict[str, int], Field(description="Why -> rows.")]
    warnings: list[Fault]
    snapshot: Annotated[Sha256 | None, Field(description="null: there was no offer to keep.")]


@router.post(
    "",
    status_code=201,
    response_model=None,
    responses={
        201: {"model": FeedImportAnswer},
        200: {"model": FeedImportAnswer, "description": "No offer was there to keep"},
    },
    openapi_extra=FILES_BODY,
    summary="Keep what a feed's files offer",
)
async def import_feed(
    request: Request, asked: Annotated[ImportAsked, Query()], caller: Caller = allowed("snapshots.write")
) -> Response:
    """Reads the files, lists and screens what they offer, and keeps it as a snapshot.

    The price history stays as it is.
    """
    contents = await _files_of(request)
    said = json.dumps([[file.name, file.sha256] for file in contents]).encode()
    return await run_in_threadpool(_imported, asked, contents, replace(caller, content=said))


def _imported(asked: ImportAsked, contents: tuple[FeedFile, ...], caller: Caller) -> Response:
    options = asked.model_dump(exclude={"feed", "as_of"})
    day, now, cache = asked.as_of or settings.today(), settings.now(), settings.cache_folder()
    wanted = ImportRequest(asked.feed, (), day, caller.database, now, cache, **options, contents=contents)
    with placed_by_keys():
        done = read_market(wanted)
    account = account_document(done, caller.lang)
    if not len(done.offers):
        return caller.once(lambda _: Done(200, {**account, "snapshot": None}))
    ready = markets.encoded(_snapshot_of(done))

    def work(scope: Scope) -> Done:
        kept = markets.hold(scope, ready)["snapshot_id"]
        return Done(201, {**account, "snapshot": kept}, location=f"/v1/snapshots/{kept}")

    return caller.once(work)


def _snapshot_of(done: Imported) -> Snapshot:
    return Snapshot(done.offers, done.source, done.as_of, done.findings, done.rows_read, done.left_out)


async def _files_of(request: Request) -> tuple[FeedFile, ...]:
    """The files of a form. Raises Refused `media_type`; BadInput for a form without any."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().casefold()
    if kind != FORM:
        zh, en = f"应为 {FORM}", f"should be {FORM}"
        raise Refused("media_type", [fault("media_type", zh, en, path="Content-Type", value=kind)])
    try:
        async with request.form(max_files=FILES_MAX, max_fields=0) as form:
            parts = [part for part in form.getlist("file") if isinstance(part, UploadFile)]
            found = tuple([FeedFile(await part.read(), part.filename or "") for part in parts])
    except HTTPException as error:
        zh = f"应为完整的表单, 只含至多 {FILES_MAX} 个文件"
        en = f"should be a whole form, of at most {FILES_MAX} files and nothing else"
        raise Refused("malformed", [fault("form", zh, en)]) from error
    if not found:
        raise BadInput([fault("missing", "请给出文件", "give the feed's file", path="file")])
    return found
