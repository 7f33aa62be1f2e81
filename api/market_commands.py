"""Commands about markets: import, snapshots, the synthetic market. Arguments in, one use case, words out."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.command_options import (
    AsOfOption,
    DatabaseOption,
    JsonOption,
    LangOption,
    answer,
    option,
    say_written,
    spoken_language,
    working,
)
from api.command_words import both
from api.printable import say
from api.problems import EXIT_OK
from api.progress import Progress
from api.settings import cache_folder, database_url, now, proxy_and_certificates, today

if TYPE_CHECKING:
    from api.import_terms import ImportRequest
    from optimizer.wording import Language

snapshots_app = typer.Typer(
    help=both("已保存的行情快照", "Saved snapshots of markets"), no_args_is_help=True, rich_markup_mode=None
)

OffersOutOption = Annotated[
    str | None,
    typer.Option(
        "-o", "--output", metavar="FILE", help=both("另存为 .csv .xlsx .json .parquet", "also write offers to a file")
    ),
]
IdArgument = Annotated[
    str, typer.Argument(metavar="ID", help=both("快照编号, 至少前 8 位", "a snapshot's id, 8 digits of it at least"))
]


FeedArgument = Annotated[
    str,
    typer.Argument(
        metavar="FEED",
        help=both(
            "数据源: file, cneeex, ccer-exchange, ccer-registry, akshare, monthly-prices, offsets-db, verra, "
            "gold-standard, vrod",
            "file, cneeex, ccer-exchange, ccer-registry, akshare, monthly-prices, offsets-db, verra, "
            "gold-standard, vrod",
        ),
    ),
]
FilesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FILE", help=both("手头的文件; 不给则联网获取", "files you have; without any it is fetched")
    ),
]
FirstDayOption = Annotated[str | None, option("DATE", "--since", "取自哪天", "first day to fetch")]
LastDayOption = Annotated[str | None, option("DATE", "--until", "取到哪天", "last day to fetch")]
CodesOption = Annotated[
    str | None, option("CODES", "--codes", "另取这些代码的日价", "also fetch daily prices of these codes")
]
MarketOption = Annotated[
    str | None, option("NAME", "--market", "数据表应属的试点市场", "the pilot market that a frame must be of")
]
AddressOption = Annotated[str | None, option("URL", "--address", "改用此地址", "fetch from here instead")]
OfflineOption = Annotated[
    bool, typer.Option("--offline", help=both("只用以前取得的数据", "only what was fetched before"))
]


def import_request(
    feed: str, files: list[str] | None, as_of: str | None, database: str | None, **asked: "str | bool | None"
) -> "ImportRequest":
    """What is asked to be imported, with the surroundings that every import needs."""
    from api.import_terms import ImportRequest

    proxy, ca_file = proxy_and_certificates()
    known: dict[str, Any] = {**asked, "proxy": proxy, "ca_file": ca_file}
    return ImportRequest(
        feed, tuple(files or ()), as_of or today(), database_url(database), now(), cache_folder(), **known
    )


def import_command(
    feed: FeedArgument,
    files: FilesArgument = None,
    since: FirstDayOption = None,
    until: LastDayOption = None,
    codes: CodesOption = None,
    market: MarketOption = None,
    address: AddressOption = None,
    offline: OfflineOption = False,
    price: Annotated[
        str | None, option("YUAN", "--price", "登记簿存量的单价 (元/吨)", "price of a registry's stock, yuan/t")
    ] = None,
    channel: Annotated[
        str | None,
        option("NAME", "--channel", "holder, agent, donation 或 open", "holder, agent, donation or open"),
    ] = None,
    fee_rate: Annotated[str | None, option("SHARE", "--fee-rate", "代理费率", "agent's fee as a share")] = None,
    unit_fee: Annotated[str | None, option("YUAN", "--unit-fee", "每吨费用", "fee per t")] = None,
    fixed_fee: Annotated[str | None, option("YUAN", "--fixed-fee", "每笔费用", "fee per purchase")] = None,
    seller: Annotated[str | None, option("NAME", "--seller", "卖方", "seller of what names none")] = None,
    exclude: Annotated[
        str | None,
        option(
            "CODES",
            "--exclude",
            "哪些疑点要排除报价 (none, all, 或代码)",
            "doubts that exclude an offer: none, all, or codes",
        ),
    ] = None,
    out: OffersOutOption = None,
    as_of: AsOfOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """Read or fetch a feed, screen it, save its quotes and a snapshot of its offers."""
    from api.market_desk import import_offers
    from api.reports.markets import import_document, import_text

    spoken = spoken_language(lang)
    request = import_request(
        feed,
        files,
        as_of,
        database,
        since=since,
        until=until,
        codes=codes,
        market=market,
        address=address,
        offline=offline,
        price=price,
        channel=channel,
        fee_rate=fee_rate,
        unit_fee=unit_fee,
        fixed_fee=fixed_fee,
        seller=seller,
        exclude=exclude,
        out=out,
    )
    progress = _progress(spoken)
    done = progress.run(lambda: import_offers(request, lambda t: say(t.say(spoken), sys.stderr), progress.stopping))
    answer(import_document(done, spoken) if as_json else import_text(done, spoken))
    say_written(done.out, spoken)
    return EXIT_OK


@snapshots_app.command("list", help=both("列出快照", "Every snapshot, the latest first"))
def list_command(database: DatabaseOption = None, as_json: JsonOption = False, lang: LangOption = None) -> int:
    """The snapshots of the database."""
    from api.reports.markets import snapshots_document, snapshots_text
    from api.stored_markets import opened_store

    spoken = spoken_language(lang)
    with opened_store(database_url(database)) as store:
        stored = store.snapshots()
    answer(snapshots_document(stored) if as_json else snapshots_text(stored, spoken))
    return EXIT_OK


@snapshots_app.command("show", help=both("一个快照的内容与来历", "What a snapshot holds and where it came from"))
def show_command(
    snapshot: IdArgument,
    out: OffersOutOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """One snapshot; `-o` writes its offers to a file."""
    from api.reports.markets import snapshot_document, snapshot_text
    from api.stored_markets import market_path, opened_store, write_market

    spoken = spoken_language(lang)
    target = None if out is None else market_path(out)
    with opened_store(database_url(database)) as store:
        found, receipts = store.load(snapshot), store.receipts(snapshot)
    if target is not None:
        write_market(found.offers, target)
    answer(snapshot_document(found, receipts, spoken) if as_json else snapshot_text(found, receipts, spoken))
    if target is not None:
        say_written(str(target), spoken)
    return EXIT_OK


@snapshots_app.command("diff", help=both("两个市场之间变了什么", "What changed from one market to another"))
def diff_command(
    old: Annotated[
        str,
        typer.Argument(
            metavar="OLD",
            help=both("原来的快照, 报价文件或方案 (PLAN.json)", "the old snapshot, offers file or plan (PLAN.json)"),
        ),
    ],
    new: Annotated[str, typer.Argument(metavar="NEW", help=both("新的快照或报价文件", "the new snapshot or file"))],
    days: Annotated[
        str, option("N", "--days", "几天内到期算将到期", "days ahead within which an offer runs out")
    ] = "30",
    as_of: AsOfOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """Gone, new, dearer, cheaper, more, less, other terms, running out."""
    from api.reports.markets import differences_document, differences_text
    from api.use_cases import changed_market

    spoken = spoken_language(lang)
    found = _progress(spoken).run(lambda: changed_market(old, new, as_of or today(), days, database_url(database)))
    answer(differences_document(found, spoken) if as_json else differences_text(found, spoken))
    return EXIT_OK


def synth_command(
    offers: Annotated[str, typer.Option("--offers", metavar="N", help=both("报价个数", "how many offers"))],
    seed: Annotated[str, typer.Option("--seed", metavar="S", help=both("随机种子", "the seed"))],
    out: Annotated[
        str, typer.Option("-o", "--output", metavar="FILE", help=both("写到此文件", "the file to be written"))
    ],
    as_of: AsOfOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """A seeded market that is marked as synthetic in every offer."""
    from api.market_desk import synthesize

    spoken = spoken_language(lang)
    made, path = _progress(spoken).run(lambda: synthesize(offers, seed, as_of or today(), out))
    document = {"offers": len(made), "snapshot": made.sha256, "file": str(path), "synthetic": True}
    zh = f"{len(made)} 个合成报价 (不是市场行情) -> {path}\n{made.sha256}"
    en = f"{len(made)} synthetic offers (no market's) -> {path}\n{made.sha256}"
    answer(document if as_json else zh if spoken == "zh" else en)
    return EXIT_OK


def _progress(lang: "Language") -> Progress:
    return Progress(str, working(lang))
