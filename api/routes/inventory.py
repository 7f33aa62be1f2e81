"""`/v1/inventory`: the lots that an organisation sells, with every move of them."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import ConfigDict, Field, WithJsonSchema
from starlette.concurrency import run_in_threadpool

from api.access.scope import Scope
from api.database.ledger_tables import lots, moves
from api.ledger import inventory
from api.ledger.lots import as_dict, find_lots, move_as_dict
from api.planning import offers_of, plain_value
from api.routes.answering import Answer, Body, Caller, Cursor, Done, ExactRoute, Limit, allowed, page_document
from api.routes.offers_files import FILE_BODY, file_of
from api.routes.shapes import EXAMPLE_OFFERS, NUMBER_PATTERN, Fault, Id, OffersDocument, TimeText, TonnesText
from market_data import OffersFile, read_offers
from optimizer.errors import BadInput
from optimizer.findings import fault
from optimizer.quantities import MASS_T_MAX, NotANumber, kg_of

router = APIRouter(prefix="/v1/inventory", tags=["inventory"], route_class=ExactRoute)
EXAMPLE_IMPORT: Any = {"offers": EXAMPLE_OFFERS, "mode": "replace"}
Mode = Annotated[
    Literal["new", "add", "replace"],
    Field(
        description="What becomes of an offer whose lot is there: `new`: a fault; `add`: its quantity comes on top, at "
        "the same terms; `replace`: terms and stock become the file's. Lots that are not named stay as they are."
    ),
]
ReasonText = Annotated[str, Field(max_length=inventory.REASON_LENGTH_MAX, description="Why; kept in the history.")]


class NewLots(Body):
    """Offers that come into the inventory."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_IMPORT]})

    offers: OffersDocument
    mode: Mode = "new"
    reason: ReasonText = ""


class Adjustment(Body):
    """What changes of a lot, and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"change_t": "-5", "reason": "盘点差异"}]})

    change_t: Annotated[
        Any,
        WithJsonSchema({"anyOf": [{"type": "string", "pattern": NUMBER_PATTERN}, {"type": "number"}]}),
        Field(description="Tonnes that come to the stock, or go from it: a decimal, `-5` takes 5 t away."),
    ] = 0
    terms: Annotated[
        dict[str, Any],
        Field(
            default_factory=dict,
            description="Columns of an offers file that change; null empties one.",
            json_schema_extra={"propertyNames": {"enum": list(inventory.CHANGEABLE)}},
        ),
    ]
    reason: ReasonText


class LotAnswer(Answer):
    """A lot: its terms as an offers file has them, what is there, what of it is held, what can be sold."""

    id: Id
    offer_id: str
    stock_t: TonnesText
    held_t: TonnesText
    available_t: TonnesText
    terms: dict[str, Any]
    version: int
    made_at: TimeText
    changed_at: TimeText


class LotPage(Answer):
    """A page of lots, the newest first."""

    items: list[LotAnswer]
    next: str | None


class ImportAnswer(Answer):
    """What an import did."""

    id: Id
    added: int
    changed: int
    warnings: list[Fault]


class MoveAnswer(Answer):
    """One change of a lot, and what it was afterwards."""

    id: Id
    kind: Literal["import", "adjust", "hold", "release", "expire", "fill", "cancel"]
    stock_change_t: TonnesText
    held_change_t: TonnesText
    stock_t: TonnesText
    held_t: TonnesText
    terms: dict[str, Any] | None
    """As they were from then on, where the move could change them."""
    reference: str
    """The id of the import, hold, fill or order; of an adjustment the lot's own."""
    reason: str
    made_by: str
    made_at: TimeText


class MovePage(Answer):
    """A page of a lot's history, the newest first."""

    items: list[MoveAnswer]
    next: str | None


@router.post(
    "",
    status_code=201,
    response_model=None,
    responses={201: {"model": ImportAnswer}},
    summary="Import offers given as JSON",
)
def import_offers(new: NewLots, caller: Caller = allowed("inventory.write")) -> Response:
    """Offers become lots, all of them, or every fault of them is told."""
    return _imported(offers_of(new.offers), new.mode, new.reason, caller)


@router.post(
    "/files",
    status_code=201,
    response_model=None,
    responses={201: {"model": ImportAnswer}},
    openapi_extra=FILE_BODY,
    summary="Import an offers file",
)
async def import_file(
    request: Request,
    caller: Caller = allowed("inventory.write"),
    name: Annotated[str, Query(max_length=200, description="The file's name.")] = "offers",
    mode: Annotated[Mode, Query()] = "new",
    reason: Annotated[ReasonText, Query()] = "",
) -> Response:
    """CSV, XLSX or Parquet as it is; all faults are told by row and column, and nothing of a bad file is used."""
    content = await file_of(request)

    def work() -> Response:
        return _imported(read_offers("", content=content, name=name), mode, reason, caller)

    return await run_in_threadpool(work)


def _imported(file: OffersFile, mode: inventory.Mode, reason: str, caller: Caller) -> Response:
    warnings = [f.as_dict(caller.lang) for f in file.findings]

    def work(scope: Scope) -> Done:
        done = inventory.import_offers(scope, file, mode, reason)
        answer = {"id": done.id, "added": done.added, "changed": done.changed, "warnings": warnings}
        return Done(201, answer, location="/v1/inventory")

    return caller.once(work)


@router.get("", response_model=None, responses={200: {"model": LotPage}}, summary="Lots")
def list_lots(
    caller: Caller = allowed("inventory.read"),
    limit: Limit = 50,
    cursor: Cursor = None,
    offer_id: Annotated[str | None, Query(max_length=200, description="Only the lot of this offer.")] = None,
) -> Response:
    """The organisation's lots, the newest first."""
    wanted = [] if offer_id is None else [lots.c.offer_id == offer_id]
    rows, after = caller.read(lambda scope: scope.page(lots, limit, cursor, *wanted))
    return caller.show(page_document([as_dict(row) for row in rows], after))


@router.get("/{lot_id}", response_model=None, responses={200: {"model": LotAnswer}}, summary="A lot")
def show_lot(lot_id: str, caller: Caller = allowed("inventory.read")) -> Response:
    """A lot as it is at this moment."""
    row = caller.read(lambda scope: find_lots(scope, [lot_id])[lot_id])
    return caller.show(as_dict(row), row["version"])


@router.patch("/{lot_id}", response_model=None, responses={200: {"model": LotAnswer}}, summary="Adjust a lot")
def adjust_lot(lot_id: str, change: Adjustment, caller: Caller = allowed("inventory.write")) -> Response:
    """Changes stock and terms, with a reason; stock never goes below what is held. `If-Match` names the version."""
    expected, kg = caller.expected_version(), signed_kg(change.change_t)
    terms = plain_value(change.terms)

    def work(scope: Scope) -> Done:
        row = inventory.adjust(scope, lot_id, change_kg=kg, terms=terms, reason=change.reason, expected=expected)
        return Done(200, as_dict(row), version=row["version"])

    return caller.once(work)


def signed_kg(value: Any) -> int:
    """Tonnes that come or go, as kg. Raises BadInput."""
    try:
        kg = kg_of(value)
    except (NotANumber, ValueError):
        zh, en = (
            "应为至多三位小数的吨数, 例如 -5 或 12.5",
            "should be tonnes with at most 3 decimals, such as -5 or 12.5",
        )
        raise BadInput([fault("number", zh, en, path="change_t", value=value)]) from None
    if abs(kg) > kg_of(MASS_T_MAX):
        zh, en = f"过大, 至多 {MASS_T_MAX} 吨", f"is implausibly large: at most {MASS_T_MAX} t"
        raise BadInput([fault("huge", zh, en, path="change_t", value=value)])
    return kg


@router.get("/{lot_id}/moves", response_model=None, responses={200: {"model": MovePage}}, summary="Its history")
def list_moves(
    lot_id: str, caller: Caller = allowed("inventory.read"), limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """Every move of a lot, the newest first: what changed, what it was afterwards, by whom, when and why."""

    def work(scope: Scope) -> dict[str, Any]:
        find_lots(scope, [lot_id])
        rows, after = scope.page(moves, limit, cursor, moves.c.lot_id == lot_id)
        return page_document([move_as_dict(scope, row) for row in rows], after)

    return caller.show(caller.read(work))
