"""The market desk: offers from files, feeds, snapshots and the synthetic market, each with the account of its rows.

Load, pure call, save, for markets; plans are made in `use_cases`, price histories looked at in `price_desk`.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.documents import Gathered
from api.event_files import read_day, whole_number
from api.stored_markets import joined_market, looks_like_snapshot, market_of, market_path, opened_store, write_market
from market_data import Snapshot, offers_of_quotes, offers_of_stock, screen
from market_data.depth import through_agent
from market_data.feed_reading import FeedReading
from market_data.feeds import FEEDS, Feed, FeedFile, Question, feed_named, fetch_feed, read_feed
from market_data.listing import Listed, Terms
from market_data.quotes import Quotes, joined_quotes
from market_data.random_streams import SEED_MAX
from market_data.screening import Screened, ScreenSettings
from market_data.sources.fetch import Fetcher, FetchSettings
from market_data.sources.raw_table import BYTES_MAX, ROWS_MAX
from market_data.synthetic import synthetic_market
from optimizer import BadInput, Finding
from optimizer.findings import fault
from optimizer.offers import CHANNELS, Offers
from optimizer.quantities import NotANumber, e4_of, fen_of
from optimizer.wording import Text

if TYPE_CHECKING:
    from market_data.snapshot_store import Receipt
    from market_data.store import Store

PLAIN_FILES = "file"
"""The name of the feed that is no feed: offers files as they are."""
HISTORY_DAYS = 400
"""Calendar days of stored quotes that offers are held against: a year, and the month in which it began."""


# ------------------------------------------------------------------------------------------------------------ importing


@dataclass(frozen=True)
class ImportRequest:
    """What a caller asks to be imported, as written: nothing is read or tested yet."""

    feed: str
    files: tuple[str, ...]
    as_of: date | str
    url: str
    imported_at: datetime
    cache_folder: Path
    since: str | None = None
    until: str | None = None
    codes: str | None = None
    market: str | None = None
    address: str | None = None
    offline: bool = False
    price: str | None = None
    channel: str | None = None
    fee_rate: str | None = None
    unit_fee: str | None = None
    fixed_fee: str | None = None
    seller: str | None = None
    exclude: str | None = None
    out: str | None = None
    proxy: str | None = None
    ca_file: Path | None = None


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
    """None where there was no offer to save."""
    quote_days: tuple[int, int]
    """Quotes that were new, and that were revised, in the price history."""
    out: str | None

    def __post_init__(self) -> None:
        if self.rows_read + self.split != len(self.offers) + self.folded + sum(self.left_out.values()):
            raise AssertionError("a row of the import is not accounted for")


@dataclass(frozen=True)
class _Asked:
    """A request whose options were read."""

    feed: Feed | None
    question: Question
    terms: Terms
    settings: ScreenSettings
    out: Path | None


def import_offers(
    request: ImportRequest, report: Callable[[Text], None] | None, cancelled: Callable[[], bool] | None
) -> Imported:
    """Reads or fetches a feed, lists what it offers, screens it, and saves quotes and snapshot.

    Raises:
        BadInput: every fault of options and files at once.
        Cancelled: asked to stop; nothing was saved.
    """
    asked = _asked(request)
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


def read_readings(
    request: ImportRequest, report: Callable[[Text], None] | None, cancelled: Callable[[], bool] | None
) -> tuple[Feed, list[FeedReading]]:
    """The feed and what it says, without listing or saving anything. Raises BadInput, Cancelled."""
    asked = _asked(request)
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


def _import_files(request: ImportRequest, asked: _Asked) -> Imported:
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


FEES = frozenset({"channel", "fee_rate", "unit_fee", "fixed_fee"})
OPTIONS = ("since", "until", "codes", "market", "address", "price", "seller", *sorted(FEES))
"""Options that not every feed has a use for."""
FETCHING = frozenset({"since", "until", "codes", "address", "offline"})
"""What says how something is fetched, and nothing about a file that somebody has."""


def _unused(request: ImportRequest, feed: Feed | None) -> list[Finding]:
    """Options that this feed, or an offers file (None), has no use for: better refused than ignored."""
    given = [name for name in OPTIONS if getattr(request, name) is not None] + ["offline"] * request.offline
    if feed is None:
        used = FEES if request.channel == "agent" else frozenset()
        zh = "不用于报价文件 (文件自有这些列); 只有 --channel agent 及其费用可用"
        en = "is not for offers files, which have columns of their own; only --channel agent with its fees is"
    else:
        used = FEES | {"seller", "address", "offline", *feed.options} | ({"price"} if not feed.has_prices else set())
        used = used - FETCHING if request.files else used
        zh = "此数据源用不到; 请去掉" if not request.files else "只用于联网获取或其他数据源; 请去掉"
        en = "has no use here: " + ("leave it out" if not request.files else "files were given, so nothing is fetched")
    return [fault("option_unused", zh, en, path=f"--{n.replace('_', '-')}") for n in given if n not in used]


def _readings(
    feed: Feed,
    request: ImportRequest,
    question: Question,
    report: Callable[[Text], None] | None,
    cancelled: Callable[[], bool] | None,
) -> list[FeedReading]:
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
    from api.plain_data import bytes_of

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


def _screened(store: "Store", offers: Offers, asked: _Asked) -> Screened:
    first = date.fromordinal(max(1, asked.question.as_of.toordinal() - HISTORY_DAYS))
    history: Quotes = store.quotes(since=first, until=asked.question.as_of)
    return screen(offers, asked.question.as_of, history=history if len(history) else None, settings=asked.settings)


def _save(
    store: "Store", source: str, screened: Screened, account: _Account, asked: _Asked, request: ImportRequest
) -> "Receipt | None":
    if not len(screened.offers):
        return None
    snapshot = Snapshot(
        screened.offers, source, asked.question.as_of, account.findings, account.rows_read, account.left_out
    )
    return store.save_snapshot(snapshot, request.imported_at)


def _imported(
    asked: _Asked,
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


# ------------------------------------------------------------------------------------------------------ reading options


def _asked(request: ImportRequest) -> _Asked:
    """The options, every fault of them at once."""
    gathered = Gathered()
    feed = None if request.feed == PLAIN_FILES else gathered.attempt(lambda: _feed(request.feed))
    day = gathered.attempt(lambda: read_day(request.as_of, "--as-of"))
    since = _optional(gathered, request.since, lambda text: read_day(text, "--since"))
    until = _optional(gathered, request.until, lambda text: read_day(text, "--until"))
    settings = _optional(gathered, request.exclude, _excluding)
    terms = _terms(gathered, request)
    out = _optional(gathered, request.out, market_path)
    gathered.findings += _missing_files(request)
    if feed is not None or request.feed == PLAIN_FILES:
        gathered.findings += _unused(request, feed)
    gathered.stop_if_faulty()
    assert day is not None
    codes = tuple(c.strip() for c in (request.codes or "").split(",") if c.strip())
    question = Question(day, since, until, codes, request.market or "", request.address)
    return _Asked(feed, question, terms, settings or ScreenSettings(), out)


def _missing_files(request: ImportRequest) -> list[Finding]:
    """Files that are not there, told with the faults of the options; what else is wrong with one, its reader says."""
    zh, en = "找不到文件; 请检查路径", "does not exist; check the path"
    kept = request.feed == PLAIN_FILES
    gone = [f for f in request.files if not Path(f).exists() and not (kept and looks_like_snapshot(f))]
    return [fault("file_missing", zh, en).at(Path(f).name) for f in gone]


def _feed(name: str) -> Feed:
    try:
        return feed_named(name)
    except BadInput:
        known = ", ".join((PLAIN_FILES, *FEEDS))
        zh, en = f"没有这个数据源; 应为 {known} 之一", f"no such feed; should be one of {known}"
        raise BadInput([fault("feed_unknown", zh, en, path="FEED", value=name)]) from None


def _optional[T](gathered: Gathered, text: str | None, read: Callable[[str], T]) -> T | None:
    return None if text is None else gathered.attempt(lambda: read(text))


def _excluding(text: str) -> ScreenSettings:
    try:
        return ScreenSettings.parse(text)
    except BadInput as error:
        raise BadInput([replace(f, path="--exclude") for f in error.findings]) from error


def _terms(gathered: Gathered, request: ImportRequest) -> Terms:
    zh_money, en_money = "应为元, 至多两位小数, 例如 62.50", "should be yuan with at most 2 decimals, such as 62.50"
    zh_rate, en_rate = "应为 0 至 1 的比例, 例如 0.02", "should be a share between 0 and 1, such as 0.02"

    def money(text: str | None, option: str) -> int | None:
        return _optional(gathered, text, lambda t: _number(t, option, fen_of, zh_money, en_money))

    price, unit_fee = money(request.price, "--price"), money(request.unit_fee, "--unit-fee")
    fixed_fee = money(request.fixed_fee, "--fixed-fee")
    rate = _optional(gathered, request.fee_rate, lambda t: _number(t, "--fee-rate", e4_of, zh_rate, en_rate))
    if request.channel not in (None, *CHANNELS, "open"):
        zh, en = (f"应为 {', '.join((*CHANNELS, 'open'))} 之一", f"should be one of {', '.join((*CHANNELS, 'open'))}")
        gathered.findings.append(fault("channel", zh, en, path="--channel", value=request.channel))
    return Terms(
        price_fen=price,
        channel="" if request.channel == "open" else request.channel,
        fee_rate_e4=rate or 0,
        unit_fee_fen=unit_fee or 0,
        fixed_fee_fen=fixed_fee or 0,
        seller=request.seller or "",
    )


def _number(text: str, option: str, read: Callable[[Any], int], zh: str, en: str) -> int:
    try:
        value = read(text)
    except (NotANumber, ValueError):
        value = -1
    if value < 0 or (read is e4_of and value > 10_000):
        raise BadInput([fault("number", zh, en, path=option, value=text)])
    return value


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
