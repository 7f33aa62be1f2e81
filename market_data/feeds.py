"""The feeds by the names that the command line and programs use: what each is, what it is read from, how it is fetched.

A feed's own file in `sources` knows its rows. Here live only the names, the companion files, and the choice of reader.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from market_data.feed_reading import FeedReading
from market_data.monthly_prices import read_monthly_prices
from market_data.sources import (
    akshare_frames,
    ccer_exchange,
    ccer_registry,
    cneeex,
    offsets_db,
    registry_files,
    vrod,
)
from market_data.sources.fetch import Fetcher
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.wording import Text

DAYS_BACK = 7
"""Calendar days that are fetched when no first day is given: a week has five trading days, holidays apart."""


type FeedName = Literal[
    "cneeex",
    "ccer-exchange",
    "ccer-registry",
    "akshare",
    "monthly-prices",
    "offsets-db",
    "verra",
    "gold-standard",
    "vrod",
]


@dataclass(frozen=True)
class FeedFile:
    """One file that somebody has: its bytes, and what it is called."""

    content: bytes
    name: str

    @property
    def sha256(self) -> str:
        """Of the bytes."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Question:
    """What is wanted of a feed besides its files."""

    as_of: date
    since: date | None = None
    """First day to fetch."""
    until: date | None = None
    """Last day to fetch; default: `as_of`."""
    codes: tuple[str, ...] = ()
    """Codes whose daily prices are fetched beside the statistics by method."""
    market: str = ""
    """The pilot market that a frame must be of."""
    address: str | None = None
    """Another address than the feed's official one."""

    @property
    def first(self) -> date:
        """First day to fetch."""
        return self.since or self.last - timedelta(days=DAYS_BACK)

    @property
    def last(self) -> date:
        """Last day to fetch."""
        return self.until or self.as_of


@dataclass(frozen=True)
class Feed:
    """One feed."""

    name: str
    about: Text
    files: Text
    """What its files are."""
    read: Callable[[Sequence[FeedFile], Question], list[FeedReading]]
    fetch: Callable[[Fetcher, Question], list[FeedReading]] | None = None
    has_prices: bool = True
    """False: a registry, which says what is there and not what it costs."""
    options: tuple[str, ...] = ()
    """Which of the question's `since`, `until`, `codes` and `market` it uses."""
    companions: int = 0
    """How many files go with the first one; 0: every file stands for itself."""


def _each(read: Callable[[FeedFile, Question], FeedReading]) -> Callable[..., list[FeedReading]]:
    def read_all(files: Sequence[FeedFile], question: Question) -> list[FeedReading]:
        readings: list[FeedReading] = []
        found: list[Finding] = []
        for file in files:
            try:
                readings.append(read(file, question))
            except BadInput as error:
                found += [f if f.file else f.at(file.name) for f in error.findings]
        if found:
            raise BadInput(found)
        return readings

    return read_all


def _paired(read: Callable[..., FeedReading], second: str) -> Callable[..., list[FeedReading]]:
    """A reader of a table and of a second one that belongs to it, under the names `second` and `<second>_name`."""

    def read_both(files: Sequence[FeedFile], question: Question) -> list[FeedReading]:
        more = {second: files[1].content, f"{second}_name": files[1].name} if len(files) > 1 else {}
        return [read(files[0].content, files[0].name, as_of=question.as_of, **more)]

    return read_both


def _fetch_cneeex(fetcher: Fetcher, question: Question) -> list[FeedReading]:
    own = {} if question.address is None else {"address": f"{question.address.rstrip('/')}/querySubStat"}
    readings = [cneeex.fetch_sub_statistics(fetcher, question.first, question.last, **own)]
    if question.codes:
        own = {} if question.address is None else {"address": f"{question.address.rstrip('/')}/queryMarketByDate"}
        readings.append(cneeex.fetch_market(fetcher, question.first, question.last, question.codes, **own))
    return readings


def _fetch_ccer_exchange(fetcher: Fetcher, question: Question) -> list[FeedReading]:
    return [ccer_exchange.fetch_ccer_exchange(fetcher, address=question.address or ccer_exchange.ADDRESS)]


def _fetch_ccer_registry(fetcher: Fetcher, question: Question) -> list[FeedReading]:
    return [ccer_registry.fetch_ccer_registry(fetcher, address=question.address or ccer_registry.ADDRESS)]


FEEDS: dict[str, Feed] = {
    feed.name: feed
    for feed in (
        Feed(
            "cneeex",
            Text("全国碳市场: 按年份与交易方式的成交", "national allowances: trades by vintage and method"),
            Text("交易所按日回答的 JSON", "the exchange's JSON answers, a day each"),
            _each(lambda file, _: cneeex.read_cneeex(file.content, file.name)),
            _fetch_cneeex,
            options=("since", "until", "codes"),
        ),
        Feed(
            "ccer-exchange",
            Text("CCER 每日成交", "CCER trades by day"),
            Text("交易所的日行情 JSON", "the exchange's day file (JSON)"),
            _each(lambda file, _: ccer_exchange.read_ccer_exchange(file.content, file.name)),
            _fetch_ccer_exchange,
        ),
        Feed(
            "ccer-registry",
            Text("CCER 登记簿: 项目与已登记的减排量", "the CCER registry: projects, registered reductions"),
            Text("登记系统回答的 JSON", "the registry's JSON answers"),
            _each(lambda file, _: ccer_registry.read_ccer_registry(file.content, file.name)),
            _fetch_ccer_registry,
            has_prices=False,
        ),
        Feed(
            "akshare",
            Text("试点碳市场日行情", "pilot markets by day"),
            Text("akshare 数据表存成的 CSV", "akshare's frames, saved as CSV"),
            _each(lambda file, q: akshare_frames.read_akshare(file.content, file.name, market=q.market)),
            options=("market",),
        ),
        Feed(
            "monthly-prices",
            Text("自有的月度均价表", "monthly prices of your own"),
            Text("CSV: month,instrument,price,volume", "CSV: month,instrument,price,volume"),
            _each(lambda file, _: read_monthly_prices(file.content, file.name)),
        ),
        Feed(
            "offsets-db",
            Text("OffsetsDB: 签发减注销", "OffsetsDB: issued less retired"),
            Text("credits 表, 其后可加 projects 表 (CSV 或 Parquet)", "credits, then projects (CSV or Parquet)"),
            _paired(offsets_db.read_offsets_db, "projects"),
            has_prices=False,
            companions=1,
        ),
        Feed(
            "verra",
            Text("Verra 登记簿: 签发减注销", "Verra's registry: issued less retired"),
            Text("交易记录, 其后可加项目表 (CSV)", "transactions, then projects (CSV)"),
            _paired(registry_files.read_verra, "projects"),
            has_prices=False,
            companions=1,
        ),
        Feed(
            "gold-standard",
            Text("黄金标准登记簿: 签发减注销", "Gold Standard's registry: issued less retired"),
            Text("签发记录, 其后可加注销记录 (CSV)", "issuances, then retirements (CSV)"),
            _paired(registry_files.read_gold_standard, "retirements"),
            has_prices=False,
            companions=1,
        ),
        Feed(
            "vrod",
            Text("自愿登记簿抵销数据库: 签发减注销", "Voluntary Registry Offsets Database: issued less retired"),
            Text("工作簿 (XLSX)", "the workbook (XLSX)"),
            _each(lambda file, _: vrod.read_vrod(file.content, file.name)),
            has_prices=False,
        ),
    )
}


def feed_named(name: str) -> Feed:
    """The feed of a name. Raises BadInput with the names there are."""
    if name not in FEEDS:
        known = ", ".join(FEEDS)
        zh, en = f"没有这个数据源; 应为 {known} 之一", f"no such feed; should be one of {known}"
        raise BadInput([fault("feed_unknown", zh, en, path="FEED", value=name)])
    return FEEDS[name]


def read_feed(feed: Feed, files: Sequence[FeedFile], question: Question) -> list[FeedReading]:
    """What the files of a feed say, a reading each, or one where a file has companions.

    Raises:
        BadInput: every fault of every file; more files than go together.
    """
    if feed.companions and len(files) > 1 + feed.companions:
        zh, en = (
            f"至多 {1 + feed.companions} 个文件: {feed.files.zh}",
            f"takes at most {1 + feed.companions} files: " + (feed.files.en),
        )
        raise BadInput([fault("feed_files", zh, en, path="FILE", value=files[-1].name)])
    return feed.read(files, question)


def fetch_feed(feed: Feed, fetcher: Fetcher, question: Question) -> list[FeedReading]:
    """What the feed answers now.

    Raises:
        BadInput: a feed that has no address of its own, and what fetching raises.
        Cancelled: the fetcher was asked to stop.
    """
    if feed.fetch is None:
        zh = f"此数据源没有可取的地址; 请给出文件: {feed.files.zh}"
        en = f"has no address to fetch from; give its files: {feed.files.en}"
        raise BadInput([fault("feed_no_address", zh, en, path="FEED", value=feed.name)])
    return feed.fetch(fetcher, question)
