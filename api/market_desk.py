"""The market desk: offers from files, feeds, snapshots and the synthetic market, each with the account of its rows.

Load, pure call, save, for markets; plans are made in `use_cases`, price histories looked at in `price_desk`.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from api.documents import Gathered
from api.event_files import read_day, whole_number
from api.file_text import bytes_of
from api.import_terms import Asked, ImportRequest, asked_of
from api.stored_markets import joined_market, market_of, market_path, opened_store, write_market
from market_data import Snapshot, offers_of_quotes, offers_of_stock, screen
from market_data.depth import through_agent
from market_data.feed_reading import FeedReading
from market_data.feeds import Feed, FeedFile, Question, feed_named, fetch_feed, read_feed
from market_data.listing import Listed, Terms
from market_data.quotes import Quotes, joined_quotes
from market_data.random_streams import SEED_MAX
from market_data.screening import Screened
from market_data.sources.fetch import Fetcher, FetchSettings
from market_data.sources.raw_table import BYTES_MAX, ROWS_MAX
from market_data.synthetic import synthetic_market
from optimizer import BadInput, Finding
from optimizer.findings import fault
from optimizer.offers import Offers
from optimizer.wording import Text

if TYPE_CHECKING:
    from market_data.snapshot_store import Receipt
    from market_data.store import Store

HISTORY_DAYS = 400
"""Calendar days of stored quotes that offers are held against: a year, and the month in which it began."""


# ------------------------------------------------------------------------------------------------------------ importing


@dataclass(frozen=True, eq=False)
class Imported:
    """What became of every row: rows_read + split == len(offers) + folded + sum(left_out.values())."""

    source: str
    as_of: date
    rows_read: int
    split: int
    """What rows that hold several entries (a project's vintages) make beyond one each."""
    folded: int
    """Rows whose content an offer carries beside the row that it is made of."""
    left_out: Mapping[str, int]
    offers: Offers
    findings: tuple[Finding, ...]
    receipt: "Receipt | None"
    """None where there was no offer to save, or nothing was to be saved."""
    quote_days: tuple[int, int]
    """Quotes that were new, and that were revised, in the price history."""
    out: str | None

    def __post_init__(self) -> None:
        if self.rows_read + self.split != len(self.offers) + self.folded + sum(self.left_out.values()):
            raise AssertionError("a row of the import is not accounted for")


def import_offers(
    request: ImportRequest, report: Callable[[Text], None] | None, cancelled: Callable[[], bool] | None
) -> Imported:
    """Reads or fetches a feed, lists what it offers, screens it, and saves quotes and snapshot.

    Raises:
        BadInput: every fault of options and files at once.
        Cancelled: asked to stop; nothing was saved.
    """
    asked = asked_of(request)
    if asked.feed is None:
        return _import_files(request, asked)
    readings = _readings(asked.feed, request, asked.question, report, cancelled)
    listed = _listed(asked.feed, readings, asked.terms, asked.question.as_of)
    with opened_store(request.url) as store:
        new, revised = _save_quotes(store, readings, request.imported_at)
        screened = _screened(store, listed.offers, asked)
        account = _account(readings, listed, screened)
        saved = _save(store, asked.feed.name, screened, account, asked, request)
    return _imported(asked, request, asked.feed.name, account, screened, saved, (new, revised))


def read_market(request: ImportRequest) -> Imported:
    """Reads the files that came with a request, lists what they offer and screens it. Nothing is saved.

    Raises:
        BadInput: every fault of options and files at once.
    """
    asked = asked_of(request)
    assert asked.feed is not None and request.contents
    readings = _readings(asked.feed, request, asked.question, None, None)
    listed = _listed(asked.feed, readings, asked.terms, asked.question.as_of)
    with opened_store(request.url) as store:
        screened = _screened(store, listed.offers, asked)
    account = _account(readings, listed, screened)
    return _imported(asked, request, asked.feed.name, account, screened, None, (0, 0))


def read_readings(
    request: ImportRequest, report: Callable[[Text], None] | None, cancelled: Callable[[], bool] | None
) -> tuple[Feed, list[FeedReading]]:
    """The feed and what it says, without listing or saving anything. Raises BadInput, Cancelled."""
    asked = asked_of(request)
    feed = asked.feed or feed_named(request.feed)
    return feed, _readings(feed, request, asked.question, report, cancelled)


@dataclass(frozen=True)
class _Account:
    rows_read: int
    split: int
    folded: int
    left_out: Mapping[str, int]
    findings: tuple[Finding, ...]


def _account(readings: Sequence[FeedReading], listed: Listed, screened: Screened) -> _Account:
    left_out: Counter[str] = Counter()
    for reading in readings:
        left_out.update(reading.left_out)
    left_out.update(listed.left_out)
    left_out.update(screened.excluded)
    used = sum(r.rows_used for r in readings)
    findings = (*(f for r in readings for f in r.findings), *listed.findings, *screened.findings)
    rows_read = sum(r.rows_read for r in readings)
    merged = used - listed.rows_read  # entries of fewer rows than were used, or of more
    split, folded = max(0, -merged), listed.folded + max(0, merged)
    return _Account(rows_read, split, folded, dict(sorted(left_out.items())), findings)


def _import_files(request: ImportRequest, asked: Asked) -> Imported:
    """Offers files and snapshots as one market, each used whole or not at all; screening may leave rows out."""
    gathered = Gathered()
    if not request.files:
        zh, en = "请给出报价文件", "give one offers file or more"
        raise BadInput([fault("import_files", zh, en, path="FILE")])
    read = [gathered.attempt(lambda path=path: market_of(path, request.url)) for path in request.files]  # type: ignore[misc]
    gathered.stop_if_faulty()
    files = [file for file in read if file is not None]
    offers = _through_agent(joined_market(files), request, asked.terms)
    with opened_store(request.url) as store:
        screened = _screened(store, offers, asked)
        findings = (*(f for file in files for f in file.findings), *screened.findings)
        account = _Account(len(offers), 0, 0, screened.excluded, findings)
        source = ", ".join(file.name for file in files)
        saved = _save(store, source, screened, account, asked, request)
    return _imported(asked, request, source, account, screened, saved, (0, 0))


def _through_agent(offers: Offers, request: ImportRequest, terms: Terms) -> Offers:
    """The market as it is, or with what only holders may buy bought through an agent. Raises BadInput."""
    if request.channel == "agent":
        return through_agent(offers, terms.fee_rate_e4, terms.unit_fee_fen, terms.fixed_fee_fen)
    return offers


def _readings(
    feed: Feed,
    request: ImportRequest,
    question: Question,
    report: Callable[[Text], None] | None,
    cancelled: Callable[[], bool] | None,
) -> list[FeedReading]:
    if request.contents:
        return read_feed(feed, request.contents, question)
    if request.files:
        gathered = Gathered()
        files = [gathered.attempt(lambda path=path: feed_file(path)) for path in request.files]  # type: ignore[misc]
        gathered.stop_if_faulty()
        return read_feed(feed, [file for file in files if file is not None], question)
    plain = (question.address or "").startswith("http://")  # HTTPS_PROXY is for https
    settings = FetchSettings(
        cache_folder=request.cache_folder,
        offline=request.offline,
        proxy=None if plain else request.proxy,
        ca_file=request.ca_file,
    )
    with Fetcher(settings, report=report, cancelled=cancelled) as fetcher:
        return fetch_feed(feed, fetcher, question)


def feed_file(path: str) -> FeedFile:
    """A file's bytes and name. Raises BadInput."""
    try:
        return FeedFile(bytes_of(Path(path), BYTES_MAX), Path(path).name)
    except BadInput as error:
        raise BadInput([f.at(Path(path).name) for f in error.findings]) from error.__cause__


def _listed(feed: Feed, readings: Sequence[FeedReading], terms: Terms, as_of: date) -> Listed:
    if feed.has_prices:
        return offers_of_quotes(joined_quotes([r.quotes for r in readings]), terms, as_of)
    return offers_of_stock([one for r in readings for one in r.stock], terms, as_of)


def _save_quotes(store: "Store", readings: Sequence[FeedReading], imported_at: datetime) -> tuple[int, int]:
    receipts = [store.save_quotes(r, imported_at) for r in readings if len(r.quotes)]
    return sum(r.added for r in receipts), sum(r.revised for r in receipts)


def _screened(store: "Store", offers: Offers, asked: Asked) -> Screened:
    first = date.fromordinal(max(1, asked.question.as_of.toordinal() - HISTORY_DAYS))
    history: Quotes = store.quotes(since=first, until=asked.question.as_of)
    return screen(offers, asked.question.as_of, history=history if len(history) else None, settings=asked.settings)


def _save(
    store: "Store", source: str, screened: Screened, account: _Account, asked: Asked, request: ImportRequest
) -> "Receipt | None":
    if not len(screened.offers):
        return None
    snapshot = Snapshot(
        screened.offers, source, asked.question.as_of, account.findings, account.rows_read, account.left_out
    )
    return store.save_snapshot(snapshot, request.imported_at)


def _imported(
    asked: Asked,
    request: ImportRequest,
    source: str,
    account: _Account,
    screened: Screened,
    receipt: "Receipt | None",
    quote_days: tuple[int, int],
) -> Imported:
    if asked.out is not None and len(screened.offers):
        write_market(screened.offers, asked.out)
    return Imported(
        source,
        asked.question.as_of,
        account.rows_read,
        account.split,
        account.folded,
        account.left_out,
        screened.offers,
        account.findings,
        receipt,
        quote_days,
        request.out if len(screened.offers) else None,
    )


# ------------------------------------------------------------------------------------------------------------ synthetic


def synthesize(count: str, seed: str, as_of: date | str, out: str) -> tuple[Offers, Path]:
    """A synthetic market, written to a file. Raises BadInput with every fault of the options."""
    gathered = Gathered()
    n = gathered.attempt(lambda: whole_number(count, "--offers", 1, ROWS_MAX))
    s = gathered.attempt(lambda: whole_number(seed, "--seed", 0, SEED_MAX))
    day = gathered.attempt(lambda: read_day(as_of, "--as-of"))
    path = gathered.attempt(lambda: market_path(out))
    gathered.stop_if_faulty()
    assert n is not None and s is not None and day is not None and path is not None
    try:
        offers = synthetic_market(n, s, day)
    except BadInput as error:  # a day beyond what the market is made for
        raise BadInput([replace(f, path="--as-of") for f in error.findings]) from error
    write_market(offers, path)
    return offers, path
