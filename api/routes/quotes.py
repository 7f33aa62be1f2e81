"""`/v1/quotes`: quotes from the inventory at selling prices, and why lots lost. A quote reserves nothing."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from api import settings
from api.access.scope import Scope
from api.access.secrets import new_id
from api.archive import documents, events, packs
from api.database import ledger_tables as tables
from api.ledger import quotes
from api.ledger.feedback import FeedbackTask, LotFeedback, feedback_or_refused, for_broker, for_seller
from api.ledger.holds import Client
from api.ledger.inventory import available
from api.ledger.margins import Margin
from api.ledger.quoting import QuoteTask, quoted_or_refused
from api.refusals import Refused
from api.routes.answering import Answer, Body, Caller, Cursor, Done, ExactRoute, Limit, allowed, page_document
from api.routes.quoting_terms import EXAMPLE_MARGIN, MarginIn
from api.routes.shapes import (
    EXAMPLE_EVENT,
    DayText,
    DecimalIn,
    EventDocument,
    Id,
    ObjectiveDocument,
    Sha256,
    TimeText,
    TonnesText,
    YuanText,
)
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.nouns import Day
from optimizer.plan import Plan
from optimizer.rule_pack import shipped_rule_packs

router = APIRouter(prefix="/v1/quotes", tags=["quotes"], route_class=ExactRoute)
BATCH_MAX = 1000
CLIENT_LENGTH_MAX = 200
EXAMPLE_QUOTE: Any = {"event": EXAMPLE_EVENT, "client": "示例组委会", "margin": EXAMPLE_MARGIN}
EXAMPLE_BATCH: Any = {"events": [{"event": EXAMPLE_EVENT, "client": "示例组委会"}]}


class QuotedEvent(Body):
    """An event, and for whom it is quoted."""

    event: EventDocument = None
    event_id: Annotated[str | None, Field(description="An event kept at /v1/events, in place of `event`.")] = None
    client: Annotated[str, Field(max_length=CLIENT_LENGTH_MAX, description="The client's name.")] = ""
    client_organisation: Annotated[
        str | None,
        Field(max_length=64, description="The client's organisation here: it reads and answers the quote as received."),
    ] = None


class QuotingOptions(Body):
    """What holds for every event of a request."""

    as_of: Annotated[Day | None, Field(description="The plan's day; today in China when left out.")] = None
    policy: Annotated[str | None, Field(description="A rule pack in place of the event's.")] = None
    objective: ObjectiveDocument = None
    epsilon: DecimalIn = None
    budget: Annotated[DecimalIn, Field(description="Yuan, in place of the event's.")] = None
    firm: Annotated[bool, Field(description="Firm quotes can be held at their prices; firm lots only.")] = True
    valid_until: AwareDatetime | None = None
    valid_hours: Annotated[
        int | None, Field(ge=1, le=quotes.HOURS_MAX, description="In place of `valid_until`; else as the organisation.")
    ] = None
    margin: Annotated[MarginIn | None, Field(description="In place of the organisation's.")] = None


class NewQuote(QuotedEvent, QuotingOptions):
    """One event to be quoted from what is available."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_QUOTE]})

    explain: Annotated[
        Literal["none", "short", "all"], Field(description="What the kept plan explains; `none` is quickest.")
    ] = "none"


class NewBatch(QuotingOptions):
    """Many events that share one inventory: each takes what the earlier ones left, by priority, then by id."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_BATCH]})

    events: Annotated[tuple[QuotedEvent, ...], Field(min_length=1, max_length=BATCH_MAX)]


class ClientsAnswer(Answer):
    """What the client answered, who of them, and when."""

    state: Literal["accepted", "declined"]
    by: str
    reason: str
    at: TimeText


class QuoteRow(Answer):
    """A quote in the list of quotes."""

    id: Id
    batch_id: str | None
    event_id: str
    client: str
    client_organisation: str | None
    firm: bool
    open: bool
    valid_until: TimeText
    as_of: DayText
    status: Literal["covered", "short"]
    plan_id: Sha256
    required_t: TonnesText
    covered_t: TonnesText
    price: YuanText
    cost: YuanText
    margin: YuanText
    made_by: str
    made_at: TimeText
    answer: ClientsAnswer | None


class QuoteAnswer(QuoteRow):
    """A quote whole: lines with what each costs and earns."""

    fee: YuanText
    lines: list[dict[str, Any]]


class QuotePage(Answer):
    """A page of quotes, the newest first."""

    items: list[QuoteRow]
    next: str | None


class BatchAnswer(Answer):
    """The quotes of a batch, in the order in which they were served."""

    batch_id: Id
    items: list[QuoteRow]


class LotFeedbackAnswer(Answer):
    """What became of a lot; prices per tonne."""

    lot: str
    offer_id: str
    seller: str
    state: Literal["used", "beaten", "left_out"]
    reasons: list[dict[str, str]]
    price: YuanText
    selling_price: YuanText
    selling_price_at_most: YuanText | None
    price_at_most: YuanText | None


class SellersLotAnswer(Answer):
    """What the seller of a lot may be told, as the organisation's setting says."""

    offer_id: str
    price: YuanText
    won: bool
    band: str | None
    price_at_most: YuanText | None


class FeedbackAnswer(Answer):
    """Every lot of the inventory, for the broker; with `seller` that seller's lots, as they may be told."""

    feedback: Literal["none", "band", "exact"] | None
    lots: list[LotFeedbackAnswer | SellersLotAnswer]


@router.post("", status_code=201, response_model=None, responses={201: {"model": QuoteAnswer}}, summary="Quote")
async def make_quote(new: NewQuote, caller: Caller = allowed("quotes.write")) -> Response:
    """The least-cost plan at your selling prices from what is available now, kept as a quote. Nothing is held."""

    def answer(scope: Scope, ids: list[str], _batch_id: str) -> Done:
        row = scope.one(tables.quotes, ids[0])
        return Done(201, quotes.as_broker_reads(scope, row), location=f"/v1/quotes/{ids[0]}")

    return await _quoted(new, (new,), new.explain, caller, answer, batch=False)


@router.post(
    "/batch", status_code=201, response_model=None, responses={201: {"model": BatchAnswer}}, summary="Quote many events"
)
async def make_batch(new: NewBatch, caller: Caller = allowed("quotes.write")) -> Response:
    """Up to 1,000 events against one inventory, none of which is promised twice within the batch. Nothing is held."""

    def answer(scope: Scope, ids: list[str], batch_id: str) -> Done:
        wanted = scope.select(tables.quotes, tables.quotes.c.batch_id == batch_id).order_by(tables.quotes.c.number)
        rows = quotes.as_rows(scope, scope.rows(wanted))
        return Done(201, {"batch_id": batch_id, "items": rows}, location=f"/v1/quotes?batch={batch_id}")

    return await _quoted(new, new.events, "none", caller, answer, batch=True)


async def _quoted(
    new: QuotingOptions, asked: tuple[QuotedEvent, ...], explain: Any, caller: Caller, answer: Any, *, batch: bool
) -> Response:
    """Looks up, plans beside the loop with no transaction open, keeps all in one."""

    def begun() -> Response | tuple[QuoteTask, quotes.QuotingTerms]:
        return caller.earlier() or caller.read(lambda scope: quote_task(new, asked, explain, scope, caller))

    started = await run_in_threadpool(begun)
    if isinstance(started, Response):
        return started
    task, terms = started
    papers = await quotes_made(task, caller)
    batch_id = new_id() if batch else None

    def work(scope: Scope) -> Done:
        return answer(scope, keep_made(scope, new, asked, terms, papers, batch_id), batch_id)  # type: ignore[no-any-return]

    return await run_in_threadpool(caller.once, work)


async def quotes_made(task: QuoteTask, caller: Caller) -> quotes.Ready:
    """The quotes of a task with their documents, not kept yet. Raises BadInput; Refused: too long, too many wait."""
    planners = caller.request.app.state.planners
    made = await planners.run(quoted_or_refused, planners.bounded(task))
    return await run_in_threadpool(quotes.ready, task, made, caller.actor.organisation)


def keep_made(
    scope: Scope,
    new: QuotingOptions,
    asked: tuple[QuotedEvent, ...],
    terms: quotes.QuotingTerms,
    papers: quotes.Ready,
    batch_id: str | None,
) -> list[str]:
    """Keeps quotes for whom they were asked; gives their ids in the order of service. Raises BadInput."""
    clients = [Client(one.client, one.client_organisation) for one in asked]
    return quotes.keep_quotes(scope, papers, clients, _valid_until(new, terms, scope.now), batch_id)


def quote_task(
    new: QuotingOptions, asked: tuple[QuotedEvent, ...], explain: Any, scope: Scope, caller: Caller
) -> tuple[QuoteTask, quotes.QuotingTerms]:
    """What is to be quoted, with what it names by id. Raises BadInput."""
    terms = quotes.quoting_terms(scope)
    found = _option_faults(new)
    given: list[Any] = []
    for k, one in enumerate(asked):
        try:
            given.append(_event(one, scope, f"events[{k}]." if isinstance(new, NewBatch) else ""))
        except BadInput as error:
            found += error.findings
    margin = terms.margin
    if new.margin is not None:
        try:
            margin = _margin(new.margin)
        except BadInput as error:
            found += error.findings
    if found:
        raise BadInput(found)
    task = QuoteTask(
        tuple(given),
        tuple(available(scope)),
        margin,
        new.as_of or settings.today(),
        new.firm,
        new.policy,
        _own_packs(scope, new.policy, given),
        new.objective,
        new.epsilon,
        new.budget,
        explain,
        caller.lang,
    )
    return task, terms


def _option_faults(new: QuotingOptions) -> list[Finding]:
    if new.valid_until is None or new.valid_hours is None:
        return []
    zh, en = "valid_until 与 valid_hours 只能给出一个", "should have either valid_until or valid_hours"
    return [fault("one_of", zh, en, path="valid_until")]


def _event(one: QuotedEvent, scope: Scope, path: str) -> Any:
    if (one.event is None) == (one.event_id is None):
        zh, en = "应恰好给出 event 或 event_id 之一", "should have either event or event_id"
        raise BadInput([fault("one_of", zh, en, path=f"{path}event")])
    if one.event_id is None:
        return one.event
    try:
        return events.content_of(scope, events.newest_version(scope, one.event_id))
    except Refused as error:
        zh, en = "没有这一项", "there is no such thing"
        raise BadInput([fault("unknown", zh, en, path=f"{path}event_id", value=one.event_id)]) from error


def _margin(given: MarginIn) -> Margin:
    return quotes.terms_from({"margin": given.model_dump(exclude_none=True)}).margin


def _own_packs(scope: Scope, policy: str | None, given: list[Any]) -> dict[str, Any]:
    """The organisation's own rule packs that are named."""
    named = {policy, *(event.get("policy") for event in given if isinstance(event, dict))}
    found = {}
    for name in sorted(n for n in named if isinstance(n, str) and n not in shipped_rule_packs()):
        row = packs.newest_pack(scope, name)
        if row is not None:
            found[name] = packs.pack_document(scope, row)
    return found


def _valid_until(new: QuotingOptions, terms: quotes.QuotingTerms, now: datetime) -> datetime:
    if new.valid_until is not None:
        return new.valid_until
    return now + timedelta(hours=terms.valid_hours if new.valid_hours is None else new.valid_hours)


@router.get("", response_model=None, responses={200: {"model": QuotePage}}, summary="Quotes that were made")
def list_quotes(
    caller: Caller = allowed("quotes.read"),
    limit: Limit = 50,
    cursor: Cursor = None,
    batch: Annotated[str | None, Query(max_length=64, description="Only the quotes of this batch.")] = None,
    event: Annotated[str | None, Query(max_length=200, description="Only quotes for this event.")] = None,
) -> Response:
    """The organisation's quotes, the newest first, with what they cost and earn."""
    wanted = [] if batch is None else [tables.quotes.c.batch_id == batch]
    wanted += [] if event is None else [tables.quotes.c.event_id == event]

    def work(scope: Scope) -> dict[str, Any]:
        rows, after = scope.page(tables.quotes, limit, cursor, *wanted)
        return page_document(quotes.as_rows(scope, rows), after)

    return caller.show(caller.read(work))


@router.get("/{quote_id}", response_model=None, responses={200: {"model": QuoteAnswer}}, summary="A quote, whole")
def show_quote(quote_id: str, caller: Caller = allowed("quotes.read")) -> Response:
    """Lines with price, cost and margin: for the broker alone. The client reads /v1/quotes/received."""
    return caller.show(caller.read(lambda scope: quotes.as_broker_reads(scope, scope.one(tables.quotes, quote_id))))


@router.get("/{quote_id}/plan", response_model=None, responses={200: {"model": Plan}}, summary="Its plan")
def show_quoted_plan(quote_id: str, caller: Caller = allowed("quotes.read")) -> Response:
    """The plan at selling prices, as it was made: for the broker alone, it names every lot."""

    def work(scope: Scope) -> bytes:
        return documents.content_of(scope.c, scope.one(tables.quotes, quote_id)["plan"])

    return caller.show(caller.read(work))


@router.get(
    "/{quote_id}/break-even",
    response_model=None,
    responses={200: {"model": FeedbackAnswer}},
    summary="At which price a lot would have won",
)
async def show_break_even(
    quote_id: str,
    caller: Caller = allowed("quotes.read"),
    seller: Annotated[
        str | None, Query(max_length=200, description="Only this seller's lots, as they may be told.")
    ] = None,
) -> Response:
    """Every lot with the highest price at which it would be bought; for a seller, as `feedback` discloses."""
    found, told = await break_even(quote_id, caller)
    if seller is None:
        return caller.show({"feedback": None, "lots": for_broker(found)})
    return caller.show({"feedback": told, "lots": for_seller(found, seller, told)})


async def break_even(quote_id: str, caller: Caller) -> tuple[tuple[LotFeedback, ...], quotes.Feedback]:
    """What became of every lot of a quote, and how much of that its seller may be told. Raises Refused `not_found`."""

    def asked(scope: Scope) -> tuple[FeedbackTask, quotes.Feedback]:
        row = scope.one(tables.quotes, quote_id)
        papers = (documents.content_of(scope.c, row[name]) for name in ("plan", "inventory", "margin"))
        return FeedbackTask(*papers), quotes.quoting_terms(scope).feedback

    task, told = await run_in_threadpool(caller.read, asked)
    return await caller.request.app.state.planners.run(feedback_or_refused, task), told
