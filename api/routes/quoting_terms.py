"""`/v1/quoting`: how an organisation quotes where a request says nothing else: margin, validity, feedback."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field

from api.access.scope import Scope
from api.ledger.margins import RULES_MAX
from api.ledger.quotes import HOURS_MAX, quoting_terms, set_quoting_terms, terms_from
from api.routes.answering import Answer, Body, Caller, Done, ExactRoute, allowed
from api.routes.shapes import DecimalIn

router = APIRouter(prefix="/v1/quoting", tags=["quotes"], route_class=ExactRoute)
EXAMPLE_MARGIN: Any = {
    "rules": [
        {"where": {"instrument": "ccer"}, "rate": "0.05"},
        {"where": {"tier": 1}, "per_t": "2"},
        {"rate": "0.03"},
    ],
    "minimum": "500",
}


class MarginRuleIn(Body):
    """What is added to what a lot costs per tonne, fees included."""

    where: Annotated[
        dict[str, Any] | None,
        Field(description="As `where` of an event's limits: seller, instrument, tier, offer_id ...; none: every lot."),
    ] = None
    rate: Annotated[DecimalIn, Field(description="Share of the cost, 0.05 = 5 %.")] = 0
    per_t: Annotated[DecimalIn, Field(description="Yuan per tonne.")] = 0


class MarginIn(Body):
    """Rules tried in order, the first that fits a lot counts; and what a quote should earn at least, yuan."""

    rules: Annotated[tuple[MarginRuleIn, ...], Field(max_length=RULES_MAX)] = ()
    minimum: DecimalIn = 0


class QuotingIn(Body):
    """How the organisation quotes."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"margin": EXAMPLE_MARGIN, "feedback": "band"}]})

    margin: MarginIn = MarginIn()
    valid_hours: Annotated[int, Field(ge=1, le=HOURS_MAX, description="How long a quote stands.")] = 24
    feedback: Annotated[
        Literal["none", "band", "exact"],
        Field(description="What the seller of a lot that lost is told of the price at which it would have won."),
    ] = "none"


class QuotingAnswer(Answer):
    """How the organisation quotes."""

    margin: dict[str, Any]
    valid_hours: int
    feedback: Literal["none", "band", "exact"]


@router.get("", response_model=None, responses={200: {"model": QuotingAnswer}}, summary="How we quote")
def show_terms(caller: Caller = allowed("quotes.read")) -> Response:
    """The organisation's own terms."""
    return caller.show(caller.read(lambda scope: quoting_terms(scope).dump()))


@router.put("", response_model=None, responses={200: {"model": QuotingAnswer}}, summary="Set how we quote")
def set_terms(new: QuotingIn, caller: Caller = allowed("quotes.write")) -> Response:
    """Replaces the organisation's terms, for quotes from now on."""
    terms = terms_from(new.model_dump(exclude_none=True))

    def work(scope: Scope) -> Done:
        set_quoting_terms(scope, terms)
        return Done(200, quoting_terms(scope).dump())

    return caller.once(work)
