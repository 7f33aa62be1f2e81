"""What jobs are asked with: one body a kind, each the problem and the options of the command of that name."""

from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from api.jobs.requests import PAPERS
from api.price_desk import DRAWS_MAX
from api.risk_terms import SCENARIOS_MAX
from api.routes.answering import Body
from api.routes.plan_questions import Posed
from api.routes.quotes import NewBatch
from api.routes.shapes import (
    NOUN,
    NUMBER_PATTERN,
    ObjectiveDocument,
    OffersDocument,
)
from api.scenario_desk import DAYS_MAX
from market_data.random_streams import SEED_MAX
from optimizer.nouns import Day
from scenarios.alternatives import HOW_MANY_MAX
from scenarios.library import READY

type Paper = Literal["xlsx", "csv", "docx", "pdf", "html", "svg", "png"]
Share = Annotated[Any, WithJsonSchema({"type": "string", "pattern": NUMBER_PATTERN, "examples": ["0.05"]})]
ScenariosDocument = Annotated[
    Any,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "array", "items": {"type": "string", "enum": list(READY)}, "minItems": 1},
                {NOUN: "ScenarioSet"},
            ],
            "description": "Names of ready scenarios, or as in a scenario file.",
        }
    ),
]


class ProblemBody(Posed):
    """The problem that a job is about, and what its answer is also written as."""

    papers: Annotated[
        tuple[Paper, ...],
        Field(max_length=7, description="What the answer is also written as."),
    ] = ()

    def options(self) -> dict[str, Any]:
        """The options of the kind that were given, as plain values."""
        common = {*ProblemBody.model_fields, "kind"}
        given = {name: getattr(self, name) for name in type(self).model_fields if name not in common}
        return {k: v for k, v in given.items() if v is not None}


class PlanBody(ProblemBody):
    """A plan that may take as long as it needs; it is also kept among the plans."""

    kind: Literal["plan"]
    explain: Literal["short", "all", "none"] = "short"
    time_limit: Annotated[float | None, Field(gt=0, le=10**7, description="Seconds; then not reproducible.")] = None


class CompareBody(ProblemBody):
    """The plan beside its scenarios."""

    kind: Literal["compare"]
    scenarios: ScenariosDocument = None
    scenario_set: Annotated[str | None, Field(description="A set kept at /v1/scenario-sets: its id.")] = None
    days: Annotated[int | None, Field(ge=0, le=DAYS_MAX, description="A deadline within these is near.")] = None


class FrontierBody(ProblemBody):
    """Cost against the recommended order, exact."""

    kind: Literal["frontier"]
    alternatives: Annotated[int | None, Field(ge=1, le=HOW_MANY_MAX)] = None
    within: Annotated[Share, Field(description="How much dearer alternatives may be; default 0.05.")] = None


class BudgetBody(ProblemBody):
    """Coverage and marginal price against money, emissions or the margin, exact."""

    kind: Literal["budget"]
    against: Literal["money", "emissions", "margin"] | None = None
    low: Share = None
    high: Share = None
    break_even: Annotated[tuple[str, ...], Field(max_length=100, description="Offers and instruments.")] = ()


class DrawsBody(ProblemBody):
    """What everything that draws is asked with."""

    draws: Annotated[int, Field(ge=1, le=DRAWS_MAX)] = 1000
    seed: Annotated[int, Field(ge=0, le=SEED_MAX)] = 7
    model: Literal["mean-reverting", "bootstrap", "none"] | None = None
    buy_on: Day | None = None
    fall_through: Annotated[
        str | None, Field(max_length=50, description="FIRM,INDICATIVE, or none.", examples=["0.02,0.2"])
    ] = None
    yield_spread: Annotated[
        str | None, Field(max_length=50, description="CV, or LOW,MODE,HIGH, or none.", examples=["0.2"])
    ] = None
    hold: Annotated[bool, Field(description="Today's plan is held to, not planned anew.")] = False
    keep_budget: Annotated[bool, Field(description="No draw may exceed the budgets.")] = False


class RiskBody(DrawsBody):
    """Where the cost lies, the chances, and what drives the spread."""

    kind: Literal["risk"]
    stochastic: Annotated[bool, Field(description="The two-stage plan as well.")] = False
    scenarios: Annotated[int, Field(ge=1, le=SCENARIOS_MAX, description="Draws of the two-stage plan.")] = 200
    tail_weight: Share = None


class SweepBody(DrawsBody):
    """The draws themselves."""

    every_draw: Annotated[bool, Field(description="Every draw stands in the result; else its measures.")] = False


class SweepJobBody(SweepBody):
    """A sweep among the jobs."""

    kind: Literal["sweep"]


class CalendarBody(DrawsBody):
    """The year's budget at P50, P80 and P95, and the latest dates of its commitments."""

    kind: Literal["calendar"]


class ReplanBody(Body):
    """A plan made again on another market, with what changed and why."""

    kind: Literal["replan"]
    plan: Annotated[str, Field(description="A plan kept at /v1/plans: its run or its plan_id.")]
    offers: OffersDocument = None
    snapshot: str | None = None
    as_of: Day | None = None
    objective: ObjectiveDocument = None
    papers: Annotated[tuple[Paper, ...], Field(max_length=7)] = ()


class QuotesBody(NewBatch):
    """Quotes for many events from one inventory, as POST /v1/quotes/batch makes them, however many minutes it takes."""

    kind: Literal["quotes"]
    papers: Annotated[tuple[Paper, ...], Field(max_length=0)] = ()


AboutProblem = PlanBody | CompareBody | FrontierBody | BudgetBody | RiskBody | SweepJobBody | CalendarBody
JobBody = Annotated[AboutProblem | ReplanBody | QuotesBody, Field(discriminator="kind")]
"""What POST /v1/jobs takes."""


def papers_refused(kind: str, papers: tuple[Paper, ...]) -> list[str]:
    """Those of the papers that a kind of job cannot be written as."""
    return [p for p in papers if p not in PAPERS[kind]]
