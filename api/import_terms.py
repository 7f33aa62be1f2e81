"""What an import is asked with: a request as it was written, and what its options say.

Every fault of them is told at once, by the names of the command line's options.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from api.documents import Gathered
from api.event_files import read_day
from api.stored_markets import looks_like_snapshot, market_path
from market_data.feeds import FEEDS, Feed, FeedFile, Question, feed_named
from market_data.listing import Terms
from market_data.screening import ScreenSettings
from optimizer import BadInput, Finding
from optimizer.findings import fault
from optimizer.offers import CHANNELS
from optimizer.quantities import NotANumber, e4_of, fen_of

PLAIN_FILES = "file"
"""The name of the feed that is no feed: offers files as they are."""


@dataclass(frozen=True)
class ImportRequest:
    """What a caller asks to be imported, as written: nothing is read or tested yet."""

    feed: str
    files: tuple[str, ...]
    """Paths; none, and no `contents`: the feed is fetched."""
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
    contents: tuple[FeedFile, ...] = ()
    """Files that came with the request itself."""


@dataclass(frozen=True)
class Asked:
    """A request whose options were read."""

    feed: Feed | None
    question: Question
    terms: Terms
    settings: ScreenSettings
    out: Path | None


def asked_of(request: ImportRequest) -> Asked:
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
    return Asked(feed, question, terms, settings or ScreenSettings(), out)


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


FEES = frozenset({"channel", "fee_rate", "unit_fee", "fixed_fee"})
OPTIONS = ("since", "until", "codes", "market", "address", "price", "seller", *sorted(FEES))
"""Options that not every feed has a use for."""
FETCHING = frozenset({"since", "until", "codes", "address", "offline"})
"""What says how something is fetched, and nothing about a file that somebody has."""


def _unused(request: ImportRequest, feed: Feed | None) -> list[Finding]:
    """Options that this feed, or an offers file (None), has no use for: better refused than ignored."""
    given = [name for name in OPTIONS if getattr(request, name) is not None] + ["offline"] * request.offline
    files = request.files or request.contents
    if feed is None:
        known = FEES if request.channel == "agent" else frozenset()
        zh = "不用于报价文件 (文件自有这些列); 只有 --channel agent 及其费用可用"
        en = "is not for offers files, which have columns of their own; only --channel agent with its fees is"
    else:
        known = FEES | {"seller", "address", "offline", *feed.options} | (set() if feed.has_prices else {"price"})
        zh, en = "此数据源用不到; 请去掉", "has no use here: leave it out"
    used = known - FETCHING if files else known
    fetching = "只用于联网获取; 请去掉", "has no use here: files were given, so nothing is fetched"
    unused = {n: fetching if n in known else (zh, en) for n in given if n not in used}
    return [fault("option_unused", *words, path=f"--{n.replace('_', '-')}") for n, words in unused.items()]
