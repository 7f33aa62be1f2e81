"""`/v1/history` and `/v1/outlooks`: stored prices, their statistics, and what may become of them. Nothing is changed.

The history is of public markets and of everybody: the operator fills it with `jinheng history import`.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from api import settings
from api.planning import placed_by_keys
from api.price_desk import (
    OutlookRequest,
    SeriesRequest,
    back_test,
    estimate,
    fan,
    one_series,
    statistics,
    stored_series,
    view_of,
)
from api.reports.prices import (
    backtest_document,
    fan_document,
    model_findings,
    outlook_document,
    series_document,
    statistics_document,
    stored_document,
)
from api.routes.answering import Answer, Body, Caller, ExactRoute, allowed
from api.routes.shapes import NUMBER_PATTERN, DayText, Fault, TonnesText, YuanText
from market_data.block_bootstrap import Drift
from market_data.price_models import ModelKind
from market_data.random_streams import SEED_MAX
from optimizer.nouns import Day
from optimizer.offers import INSTRUMENTS, Instrument

history = APIRouter(prefix="/v1/history", tags=["prices"], route_class=ExactRoute)
outlooks = APIRouter(prefix="/v1/outlooks", tags=["prices"], route_class=ExactRoute)

DRAWS_MAX = 10_000
"""What is answered while one waits. The command line draws more."""
BACKTEST_DRAWS_MAX = 2_000
"""For each month held out."""
MONTHS_MAX = 120
HELD_OUT_MAX = 60
ROWS_MAX = 1000
"""Rows of a view: ten years of months for each instrument are 600."""

Trading = Annotated[Literal["listed", "block", "auction", "all"], Query(description="How it was traded.")]
Period = Annotated[Literal["day", "week", "month", "quarter", "year"], Query(description="Length of a period.")]
Since = Annotated[Day | None, Query(description="First day.")]
Until = Annotated[Day | None, Query(description="Last day.")]


class StoredSeriesAnswer(Answer):
    """What is stored of one code and one way of trading."""

    instrument: str
    market: str
    code: str
    method: str
    first_day: DayText
    last_day: DayText
    days: int


class StoredSeriesList(Answer):
    """Every stored series."""

    items: list[StoredSeriesAnswer]


@history.get("", response_model=None, responses={200: {"model": StoredSeriesList}}, summary="Stored series")
def list_series(caller: Caller = allowed("snapshots.read")) -> Response:
    """Every series of the price history, with its first and last day."""
    return caller.show({"items": stored_document(stored_series(caller.database))})


class SeriesPeriod(Answer):
    """A period of a series; without a price where nothing was traded."""

    start: DayText
    price: YuanText | None
    low: YuanText | None
    high: YuanText | None
    volume_t: TonnesText
    turnover: YuanText | None
    traded_days: int
    gap: bool
    filled: bool


class SeriesAnswer(Answer):
    """Price, volume, lows and highs by period."""

    instrument: str
    market: str
    code: str
    vintage: int | None
    method: str
    frequency: str
    periods: list[SeriesPeriod]
    warnings: list[Fault]


@history.get("/series", response_model=None, responses={200: {"model": SeriesAnswer}}, summary="One series")
def show_series(
    instrument: Annotated[Instrument, Query(description="What was traded.")],
    caller: Caller = allowed("snapshots.read"),
    market: Annotated[str, Query(max_length=100, description="The platform; default: the instrument's own.")] = "",
    code: Annotated[str, Query(max_length=100, description="The code; default: all.")] = "",
    vintage: Annotated[int, Query(ge=0, le=9999, description="0: all.")] = 0,
    method: Trading = "all",
    every: Period = "month",
    since: Since = None,
    until: Until = None,
    carry: Annotated[bool, Query(description="Gaps take the last price, and are marked.")] = False,
) -> Response:
    """A series of the price history at the asked frequency, its gaps marked."""
    asked = SeriesRequest(
        caller.database, instrument, market, code, str(vintage), method, every, _text(since), _text(until), carry
    )
    with placed_by_keys():
        return caller.show(series_document(one_series(asked), caller.lang))


class VolatilityAnswer(Answer):
    """How much log prices move; null where there are too few."""

    series: str
    n: int
    per_period: float | None
    annual: float | None


class CorrelationAnswer(Answer):
    """How two series move together, over the periods that both have."""

    series: str
    with_: Annotated[str, Field(alias="with")]
    correlation: float | None
    n: int


class PremiumAnswer(Answer):
    """What a CCER cost more than an allowance."""

    start: DayText
    premium: YuanText


class StatisticsAnswer(Answer):
    """Volatility, and where there are two series their correlation, and the CCER premium."""

    series: list[VolatilityAnswer]
    correlations: list[CorrelationAnswer] | None = None
    premium: list[PremiumAnswer] | None = None


@history.get("/statistics", response_model=None, responses={200: {"model": StatisticsAnswer}}, summary="Statistics")
def show_statistics(
    caller: Caller = allowed("snapshots.read"),
    by: Annotated[Literal["instrument", "vintage", "code"], Query(description="What makes a series.")] = "instrument",
    method: Trading = "all",
    every: Period = "month",
    since: Since = None,
    until: Until = None,
) -> Response:
    """Volatility and correlation of log returns, and the CCER premium over allowances."""
    asked = SeriesRequest(caller.database, method=method, every=every, since=_text(since), until=_text(until), by=by)
    with placed_by_keys():
        return caller.show(statistics_document(statistics(asked)))


# ------------------------------------------------------------------------------------------------------------- outlooks


class ModelAsked(BaseModel):
    """What everything that a model says is asked with."""

    model: Annotated[ModelKind, Field(description="The model of monthly prices.")] = "mean-reverting"
    seed: Annotated[int, Field(ge=0, le=SEED_MAX)] = 7
    drift: Annotated[Drift, Field(description="The bootstrap's drift.")] = "removed"
    as_of: Annotated[Day | None, Field(description="The day from which it looks ahead; default: today.")] = None

    def request(self, url: str, draws: int) -> OutlookRequest:
        """As the price desk takes it."""
        day = self.as_of or settings.today()
        return OutlookRequest(url, day, self.model, seed=str(self.seed), draws=str(draws), drift=self.drift)


class DrawsAsked(ModelAsked):
    """What drawn prices are asked with."""

    draws: Annotated[int, Field(ge=1, le=DRAWS_MAX)] = DRAWS_MAX
    spot: Annotated[
        list[str],
        Field(
            max_length=len(INSTRUMENTS),
            description="Prices of today, yuan/t; default: the history's last.",
            examples=[["ccer=96.34"]],
        ),
    ] = []

    def ahead(self, url: str, months: int) -> OutlookRequest:
        """As the price desk takes it, so many months ahead."""
        return replace(self.request(url, self.draws), months=str(months), spot=tuple(self.spot))


class FactorAnswer(Answer):
    """A multiple of today's price from a day on."""

    instrument: str
    from_: Annotated[DayText, Field(alias="from")]
    factor: Annotated[str, Field(pattern=NUMBER_PATTERN, examples=["1.0412"])]


class OutlookAnswer(Answer):
    """An outlook: its `factors` are what `outlook` of a plan takes."""

    factors: list[FactorAnswer]
    remarks: list[str]
    warnings: list[Fault]


class EstimateAsked(DrawsAsked):
    """What an estimate is asked with."""

    months: Annotated[int, Field(ge=1, le=MONTHS_MAX)] = 24
    statistic: Annotated[str, Field(max_length=20, description="mean, or a quantile such as P80.")] = "mean"


@outlooks.get("/estimate", response_model=None, responses={200: {"model": OutlookAnswer}}, summary="From the history")
def estimate_outlook(
    asked: Annotated[EstimateAsked, Query()],
    caller: Caller = allowed("snapshots.read"),
) -> Response:
    """A calibrated model's mean or quantile, month by month. The same seed gives the same factors."""
    with placed_by_keys():
        found, estimated = estimate(replace(asked.ahead(caller.database, asked.months), statistic=asked.statistic))
    findings = model_findings(found, estimated)
    return caller.show(outlook_document(estimated.outlook, estimated.remarks, findings, caller.lang))


class DrawnPrice(Answer):
    """Quantiles of an instrument's drawn price, yuan/t: estimates, so floats."""

    date: DayText
    instrument: str
    p5: float
    p20: float
    p50: float
    p80: float
    p95: float


class FanAnswer(Answer):
    """The fan of drawn prices."""

    model: str
    prices: list[DrawnPrice]
    warnings: list[Fault]


class FanAsked(DrawsAsked):
    """What the fan is asked with."""

    months: Annotated[int, Field(ge=1, le=MONTHS_MAX)] = 12


@outlooks.get("/draws", response_model=None, responses={200: {"model": FanAnswer}}, summary="The fan of drawn prices")
def draw_prices(
    asked: Annotated[FanAsked, Query()],
    caller: Caller = allowed("snapshots.read"),
) -> Response:
    """Quantiles of prices drawn from a model of the history, by instrument and month."""
    with placed_by_keys():
        return caller.show(fan_document(fan(asked.ahead(caller.database, asked.months)), caller.lang))


class CoverageAnswer(Answer):
    """How often prices lay inside an interval that the model had given before."""

    instrument: str
    horizon_months: int
    level: float
    n: int
    inside: int
    coverage: float | None
    expected_low: float | None
    expected_high: float | None
    consistent: bool
    pinball_yuan: float | None


class BacktestAnswer(Answer):
    """A back-test of a model on months that it had not seen."""

    model: str
    held_out_months: int
    refused: int
    rows: list[CoverageAnswer]


class BacktestAsked(ModelAsked):
    """What a back-test is asked with."""

    held_out: Annotated[int, Field(ge=1, le=HELD_OUT_MAX, description="Months held out.")] = 12
    draws: Annotated[int, Field(ge=1, le=BACKTEST_DRAWS_MAX)] = BACKTEST_DRAWS_MAX

    def held_out_request(self, url: str) -> OutlookRequest:
        """As the price desk takes it."""
        return replace(self.request(url, self.draws), held_out=str(self.held_out))


@outlooks.get(
    "/backtest", response_model=None, responses={200: {"model": BacktestAnswer}}, summary="Was it right before"
)
def backtest_model(
    asked: Annotated[BacktestAsked, Query()],
    caller: Caller = allowed("snapshots.read"),
) -> Response:
    """How often stored prices lay inside what the model, calibrated on the months before, had said."""
    with placed_by_keys():
        return caller.show(backtest_document(back_test(asked.held_out_request(caller.database))))


class ViewRow(Body):
    """A change of an instrument's price, with exactly one of factor, price and yearly_growth."""

    instrument: Instrument
    date: Annotated[Day, Field(examples=["2027-06-30"])]
    factor: Annotated[Decimal | None, Field(description="Multiple of today's price from that day on.")] = None
    price: Annotated[Decimal | None, Field(description="Yuan/t from that day on.", examples=["92.00"])] = None
    yearly_growth: Annotated[Decimal | None, Field(description="0.05 is 5 % a year, until that day.")] = None


class ViewBody(Body):
    """A user's own view of prices to come."""

    rows: Annotated[tuple[ViewRow, ...], Field(min_length=1, max_length=ROWS_MAX)]
    spot: Annotated[
        tuple[str, ...],
        Field(max_length=len(INSTRUMENTS), description="Prices of today, yuan/t.", examples=[["ccer=88.50"]]),
    ] = ()
    as_of: Day | None = None


@outlooks.post("/view", response_model=None, responses={200: {"model": OutlookAnswer}}, summary="Your own view")
def outlook_of_own_view(view: ViewBody, caller: Caller = allowed("plans.make")) -> Response:
    """Your own factors, prices or growth as an outlook that a plan takes. Nothing is kept."""
    rows = [row.model_dump(exclude_none=True) for row in view.rows]
    with placed_by_keys():
        found = view_of(rows, OutlookRequest("", view.as_of or settings.today(), spot=view.spot))
    return caller.show(outlook_document(found, (), (), caller.lang))


def _text(day: Day | None) -> str | None:
    return None if day is None else day.isoformat()
