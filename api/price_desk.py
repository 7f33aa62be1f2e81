"""The price desk: stored quotes as series, their statistics, and outlooks made of them. Load, pure call, save."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, cast

import numpy as np

from api.documents import Gathered
from api.event_files import read_day, whole_number
from api.import_terms import ImportRequest
from api.market_desk import feed_file, read_readings
from api.plain_data import read_plain
from api.stored_markets import opened_store
from api.whole_files import out_path, write_whole
from market_data.backtest import Backtest, backtest
from market_data.draws import MONTHS_MAX, Spot, month_later, prices
from market_data.feed_reading import FeedReading
from market_data.history import FREQUENCIES, GROUPINGS, Frequency, Grouping, Series, Trading, daily, resample, series_of
from market_data.outlook import EstimatedOutlook, Statistic, estimated_outlook, outlook_of_view, write_outlook
from market_data.price_models import MODEL_KINDS, ModelKind, PriceModel, calibrate
from market_data.price_statistics import (
    Correlations,
    Premium,
    PriceHistory,
    Volatility,
    correlation,
    premium,
    price_history,
    volatility,
)
from market_data.quote_store import QuoteReceipt, StoredSeries
from market_data.quotes import Quotes
from market_data.random_streams import SEED_MAX
from optimizer import BadInput, Outlook
from optimizer.findings import Finding, fault
from optimizer.offers import INSTRUMENTS
from optimizer.quantities import FEN_PER_YUAN, NotANumber, fen_of
from optimizer.wording import Language, Text

SERIES_FILES = (".csv",)
OUTLOOK_FILES = (".yaml", ".yml")
TRADINGS = ("listed", "block", "auction", "all")
DRIFTS = ("removed", "kept")
DRAWS_MAX = 1_000_000
"""More than anybody waits for."""
FAN = (0.05, 0.2, 0.5, 0.8, 0.95)
"""Quantiles of the fan of drawn prices."""


@dataclass(frozen=True)
class SeriesRequest:
    """What series a caller wants, as written."""

    url: str
    instrument: str | None = None
    mechanism: str = ""
    code: str = ""
    vintage: str | None = None
    method: str = "all"
    every: str = "M"
    since: str | None = None
    until: str | None = None
    carry: bool = False
    by: str = "instrument"
    out: str | None = None
    """Where the series is to be written; tested with the other options, written by the caller."""


def import_quotes(
    request: ImportRequest, report: Callable[[Text], None] | None, cancelled: Callable[[], bool] | None
) -> tuple[list[FeedReading], list[QuoteReceipt]]:
    """Reads or fetches a feed and saves its quotes, no snapshot. Raises BadInput, Cancelled."""
    feed, readings = read_readings(request, report, cancelled)
    if not feed.has_prices:
        zh, en = "此数据源没有行情; 请用 offers import", "has no quotes; use offers import"
        raise BadInput([fault("feed_no_quotes", zh, en, path="FEED", value=feed.name)])
    with opened_store(request.url) as store:
        return readings, [store.save_quotes(r, request.imported_at) for r in readings]


def stored_series(url: str) -> Sequence[StoredSeries]:
    """What the price history holds. Raises BadInput."""
    with opened_store(url) as store:
        return store.series()


def quotes_of(url: str, since: date | None = None, until: date | None = None) -> Quotes:
    """Stored quotes. Raises BadInput; there may be none."""
    with opened_store(url) as store:
        found = store.quotes(since=since, until=until)
        there = () if len(found) else store.series()
    if there:
        first, last = min(s.first_day for s in there), max(s.last_day for s in there)
        zh, en = (
            f"这些日子没有行情; 历史自 {first} 至 {last}",
            f"no quotes in these days; they run from {first} to {last}",
        )
        raise BadInput([fault("history_days", zh, en)])
    if not len(found):
        zh = "还没有价格历史; 用 jinheng history import 或 offers import 导入行情"
        en = "there is no price history yet; import quotes with jinheng history import or offers import"
        raise BadInput([fault("history_empty", zh, en)])
    return found


def one_series(request: SeriesRequest) -> Series:
    """One series at the asked frequency. Raises BadInput with every fault of the options."""
    gathered = Gathered()
    since, until = _days(gathered, request)
    every = gathered.attempt(lambda: _every(request.every))
    instrument = gathered.attempt(lambda: _instrument(request.instrument))
    vintage = gathered.attempt(lambda: whole_number(request.vintage or "0", "--vintage", 0, 9999))
    method = gathered.attempt(lambda: _one_of(request.method, TRADINGS, "--method"))
    if request.out is not None:
        out = request.out
        gathered.attempt(lambda: out_path(out, SERIES_FILES))
    gathered.stop_if_faulty()
    assert every is not None and instrument is not None and vintage is not None
    quotes = quotes_of(request.url, since, until)
    series = daily(
        quotes,
        instrument,
        mechanism=request.mechanism,
        code=request.code,
        vintage=vintage,
        method=cast(Trading, method),
    )
    return resample(series, every, fill="carry" if request.carry else "")


@dataclass(frozen=True, eq=False)
class Statistics:
    """Spread of every series, how they move together, and the CCER premium where there are both."""

    series: tuple[Series, ...]
    volatilities: tuple[Volatility, ...]
    correlations: Correlations | None
    premium: Premium | None


def statistics(request: SeriesRequest) -> Statistics:
    """Volatility, correlation and the CCER premium. Raises BadInput with every fault of the options."""
    gathered = Gathered()
    since, until = _days(gathered, request)
    every = gathered.attempt(lambda: _every(request.every))
    by = gathered.attempt(lambda: _one_of(request.by, GROUPINGS, "--by"))
    method = gathered.attempt(lambda: _one_of(request.method, TRADINGS, "--method"))
    gathered.stop_if_faulty()
    assert every is not None
    quotes = quotes_of(request.url, since, until)
    series = series_of(quotes, cast(Grouping, by), cast(Trading, method))
    traded = [s for s in series if s.frame["traded_days"].any()]
    series = tuple(resample(s, every) for s in traded)
    both = {s.key.instrument: s for s in series if s.key.mechanism in ("CCER", "CEA") and by == "instrument"}
    return Statistics(
        series,
        tuple(volatility(s) for s in series),
        correlation(series) if len(series) > 1 else None,
        premium(both["ccer"], both["allowance"]) if {"ccer", "allowance"} <= both.keys() else None,
    )


# -------------------------------------------------------------------------------------------------------------- outlook


@dataclass(frozen=True)
class OutlookRequest:
    """What outlook a caller wants, as written."""

    url: str
    as_of: date | str
    model: str = "mean-reverting"
    months: str = "24"
    statistic: str = "mean"
    seed: str = "7"
    draws: str = "10000"
    held_out: str = "12"
    spot: Sequence[str] = ()
    """instrument=yuan: today's price, instead of the history's last."""
    drift: str = "removed"
    out: str | None = None
    """Where the outlook is to be written; tested with the other options, written by `save_outlook`."""


@dataclass(frozen=True)
class _Terms:
    day: date
    months: int
    seed: int
    draws: int
    held_out: int
    statistic: Statistic
    spot: Spot


def _terms(request: OutlookRequest, gathered: Gathered | None = None) -> _Terms:
    """The options. Raises BadInput with every fault of them, and with those gathered before."""
    gathered = gathered or Gathered()
    day = gathered.attempt(lambda: read_day(request.as_of, "--as-of"))
    months = gathered.attempt(lambda: whole_number(request.months, "--months", 1, MONTHS_MAX))
    seed = gathered.attempt(lambda: whole_number(request.seed, "--seed", 0, SEED_MAX))
    draws = gathered.attempt(lambda: whole_number(request.draws, "--draws", 1, DRAWS_MAX))
    held_out = gathered.attempt(lambda: whole_number(request.held_out, "--held-out", 1, MONTHS_MAX))
    statistic = gathered.attempt(lambda: _statistic(request.statistic))
    spot = gathered.attempt(lambda: _spot_prices(request.spot))
    gathered.attempt(lambda: _one_of(request.model, MODEL_KINDS, "--model"))
    gathered.attempt(lambda: _one_of(request.drift, DRIFTS, "--drift"))
    if request.out is not None:
        out = request.out
        gathered.attempt(lambda: out_path(out, OUTLOOK_FILES))
    gathered.stop_if_faulty()
    assert day is not None and months is not None and seed is not None and draws is not None
    assert held_out is not None and statistic is not None and spot is not None
    return _Terms(day, months, seed, draws, held_out, statistic, Spot(day, spot))


def known_history(url: str, until: date) -> PriceHistory:
    """Joint monthly prices of the stored quotes, up to and with a day. Raises BadInput."""
    return price_history(quotes_of(url, until=until), until=until)


def estimate(request: OutlookRequest) -> tuple[PriceModel, EstimatedOutlook]:
    """A model of the stored prices and the outlook that follows from it. Raises BadInput."""
    terms = _terms(request)
    model = _model(request, terms)
    return model, estimated_outlook(
        model, terms.spot, terms.months, terms.statistic, seed=terms.seed, draws=terms.draws
    )


def _model(request: OutlookRequest, terms: _Terms) -> PriceModel:
    history = known_history(request.url, terms.day)
    return calibrate(history, cast(ModelKind, request.model), drift=cast(Any, request.drift))


def view_of(rows: Sequence[Mapping[str, Any]], request: OutlookRequest) -> Outlook:
    """The outlook of a user's own rows. Raises BadInput with every fault."""
    return outlook_of_view(rows, _terms(request).spot)


def view(path: str, request: OutlookRequest) -> Outlook:
    """The outlook of a user's own table (YAML or JSON list, or CSV). Raises BadInput with every fault."""
    gathered = Gathered()
    rows = gathered.attempt(lambda: _view_rows(path))
    terms = _terms(request, gathered)
    assert rows is not None
    try:
        return outlook_of_view(rows, terms.spot)
    except BadInput as error:
        raise BadInput([f if f.file else f.at(Path(path).name) for f in error.findings]) from error


def _view_rows(path: str) -> list[Mapping[str, Any]]:
    """The rows of a user's table. Raises BadInput."""
    if Path(path).suffix.casefold() == ".csv":
        file = feed_file(path)
        return _csv_rows(file.content, file.name)
    data = read_plain(Path(path))
    if isinstance(data.value, list) and all(isinstance(row, dict) for row in data.value):
        return data.value
    zh = "应为一列 {instrument, date, factor|price|yearly_growth}"
    en = "should be a list of {instrument, date, factor|price|yearly_growth}"
    raise BadInput([fault("view_file", zh, en).at(data.file)])


def _csv_rows(content: bytes, name: str) -> list[Mapping[str, Any]]:
    import csv
    import io

    from market_data.sources.csv_text import decode

    try:
        return list(csv.DictReader(io.StringIO(decode(content))))
    except BadInput as error:
        raise BadInput([f if f.file else f.at(name) for f in error.findings]) from error


@dataclass(frozen=True, eq=False)
class Fan:
    """Quantiles of drawn prices by instrument and month, yuan/t."""

    model: PriceModel
    dates: tuple[date, ...]
    spot_fen: Mapping[str, int]
    """Today's price where it was given, else the history's last."""
    given: frozenset[str]
    """Instruments whose price of today was given."""
    levels: Mapping[str, tuple[tuple[float, ...], ...]]
    """Instrument -> one row a date: the quantiles `FAN`, yuan/t."""


def fan(request: OutlookRequest) -> Fan:
    """Prices drawn from a model of the stored quotes, as quantiles by month. Raises BadInput."""
    terms = _terms(request)
    model = _model(request, terms)
    dates = tuple(month_later(terms.day, m) for m in range(1, terms.months + 1))
    factors = prices(model, terms.spot, dates, terms.draws, terms.seed)
    spot = {s.instrument: terms.spot.price_fen.get(s.instrument, s.last_price_fen) for s in model.samples}
    levels = {
        name: tuple(map(tuple, (np.quantile(factors[:, :, k], FAN, axis=0).T * spot[name] / FEN_PER_YUAN).tolist()))
        for k, name in enumerate(model.instruments)
    }
    return Fan(model, dates, spot, frozenset(terms.spot.price_fen), levels)


def back_test(request: OutlookRequest) -> Backtest:
    """How often the stored prices lay inside what a model had said before. Raises BadInput."""
    terms = _terms(request)
    history = known_history(request.url, terms.day)
    model, drift = cast(ModelKind, request.model), cast(Any, request.drift)
    try:
        return backtest(history, model, terms.held_out, seed=terms.seed, draws=terms.draws, drift=drift)
    except BadInput as error:
        own = {"held_out_months": "--held-out"}
        raise BadInput([replace(f, path=own.get(f.path, f.path)) for f in error.findings]) from error


def save_outlook(outlook: Outlook, remarks: Sequence[Text], out: str, lang: Language) -> Path:
    """Writes a file that `jinheng plan --outlook` reads. Raises BadInput."""
    path = out_path(out, OUTLOOK_FILES)
    write_whole(path, write_outlook(outlook, [r.say(lang) for r in remarks]).encode())
    return path


# ------------------------------------------------------------------------------------------------------ reading options


def _days(gathered: Gathered, request: SeriesRequest) -> tuple[date | None, date | None]:
    since, until = request.since, request.until
    return (
        None if since is None else gathered.attempt(lambda: read_day(since, "--since")),
        None if until is None else gathered.attempt(lambda: read_day(until, "--until")),
    )


def _every(text: str) -> Frequency:
    words = {"day": "D", "week": "W", "month": "M", "quarter": "Q", "year": "Y"}
    found = words.get(text.casefold(), text.upper())
    if found not in FREQUENCIES:
        known = ", ".join(words)
        zh, en = f"应为 {known} 之一", f"should be one of {known}"
        raise BadInput([fault("frequency", zh, en, path="--every", value=text)])
    return cast(Frequency, found)


def _instrument(text: str | None) -> str:
    return _one_of(text or "", INSTRUMENTS, "--instrument")


def _one_of(text: str, known: Sequence[str], option: str) -> str:
    if text not in known:
        listed = ", ".join(known)
        zh, en = f"应为 {listed} 之一", f"should be one of {listed}"
        raise BadInput([fault("choice", zh, en, path=option, value=text)])
    return text


def _statistic(text: str) -> Statistic:
    if text == "mean":
        return "mean"
    try:
        value = float(text.removeprefix("P").removeprefix("p")) / (100 if text[:1] in "Pp" else 1)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        zh, en = "应为 mean, P80 或 0.8", "should be mean, P80 or 0.8"
        raise BadInput([fault("statistic", zh, en, path="--statistic", value=text)])
    return value


def _spot_prices(given: Sequence[str]) -> dict[str, int]:
    found: list[Finding] = []
    prices_fen: dict[str, int] = {}
    for text in given:
        name, _, value = text.partition("=")
        try:
            fen = fen_of(value)
        except (NotANumber, ValueError):
            fen = 0
        if name not in INSTRUMENTS or fen <= 0:
            zh, en = "应为 品种=元, 例如 ccer=96.34", "should be instrument=yuan, such as ccer=96.34"
            found.append(fault("spot", zh, en, path="--spot", value=text))
        else:
            prices_fen[name] = fen
    if found:
        raise BadInput(found)
    return prices_fen
