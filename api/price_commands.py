"""Commands about prices: the stored history, its statistics, and outlooks. Arguments in, one use case, words out."""

import sys
from pathlib import Path
from typing import Annotated, Any

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
from api.market_commands import (
    AddressOption,
    CodesOption,
    FeedArgument,
    FilesArgument,
    FirstDayOption,
    LastDayOption,
    MarketOption,
    OfflineOption,
    import_request,
)
from api.printable import say
from api.problems import EXIT_OK
from api.progress import Progress
from api.settings import database_url, today

history_app = typer.Typer(
    help=both("价格历史: 序列与统计", "Price history: series and statistics"),
    no_args_is_help=True,
    rich_markup_mode=None,
)
outlook_app = typer.Typer(
    help=both("价格展望: 自己的看法, 不变, 或由历史估计", "Price outlooks: your own view, flat, or from history"),
    no_args_is_help=True,
    rich_markup_mode=None,
)


SinceOption = Annotated[str | None, option("DATE", "--since", "自哪天", "first day")]
UntilOption = Annotated[str | None, option("DATE", "--until", "到哪天", "last day")]
EveryOption = Annotated[
    str, option("PERIOD", "--every", "day, week, month, quarter, year", "day, week, month, quarter, year")
]
MethodOption = Annotated[
    str, option("NAME", "--method", "listed, block, auction 或 all", "listed, block, auction or all")
]
ModelOption = Annotated[str, option("NAME", "--model", "mean-reverting 或 bootstrap", "mean-reverting or bootstrap")]
MonthsOption = Annotated[str, option("N", "--months", "向前几个月", "months ahead")]
SeedOption = Annotated[str, option("S", "--seed", "随机种子", "the seed")]
DrawsOption = Annotated[str, option("N", "--draws", "抽样次数", "how many draws")]
SpotOption = Annotated[
    list[str] | None,
    option("NAME=YUAN", "--spot", "今日价格, 例如 ccer=96.34", "today's price, such as ccer=96.34"),
]
YamlOption = Annotated[
    str | None,
    typer.Option("-o", "--output", metavar="FILE", help=both("另存为 .yaml", "also write a .yaml for plan --outlook")),
]


@history_app.command("import", help=both("把数据源的行情存入历史", "Save a feed's quotes"))
def history_import(
    feed: FeedArgument,
    files: FilesArgument = None,
    since: FirstDayOption = None,
    until: LastDayOption = None,
    codes: CodesOption = None,
    market: MarketOption = None,
    address: AddressOption = None,
    offline: OfflineOption = False,
    as_of: AsOfOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """Quotes into the price history; no snapshot."""
    from api.price_desk import import_quotes
    from api.reports.prices import receipts_document, receipts_text

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
    )
    progress = Progress(str, working(spoken))
    _, receipts = progress.run(
        lambda: import_quotes(request, lambda t: say(t.say(spoken), sys.stderr), progress.stopping)
    )
    answer(receipts_document(receipts, spoken) if as_json else receipts_text(receipts, spoken))
    return EXIT_OK


@history_app.command("list", help=both("历史中有哪些序列", "What the history holds"))
def history_list(database: DatabaseOption = None, as_json: JsonOption = False, lang: LangOption = None) -> int:
    """Every stored series with its first and last day."""
    from api.price_desk import stored_series
    from api.reports.prices import stored_document, stored_text

    spoken = spoken_language(lang)
    found = stored_series(database_url(database))
    answer(stored_document(found) if as_json else stored_text(found, spoken))
    return EXIT_OK


@history_app.command("show", help=both("一个序列, 空缺写明", "One series, its gaps marked"))
def history_show(
    instrument: Annotated[
        str, option("NAME", "--instrument", "ccer, allowance, credit ...", "ccer, allowance, credit ...")
    ],
    market: Annotated[str, option("NAME", "--market", "市场", "the market")] = "",
    code: Annotated[str, option("CODE", "--code", "代码", "the code")] = "",
    vintage: Annotated[str | None, option("YEAR", "--vintage", "年份", "the vintage")] = None,
    method: MethodOption = "all",
    every: EveryOption = "month",
    since: SinceOption = None,
    until: UntilOption = None,
    carry: Annotated[
        bool, typer.Option("--carry", help=both("空缺沿用前价并标明", "fill gaps with the last price, marked"))
    ] = False,
    out: Annotated[
        str | None, typer.Option("-o", "--output", metavar="FILE", help=both("另存为 .csv", "also write .csv"))
    ] = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """Price, volume, lows and highs by period."""
    from api.price_desk import SeriesRequest, one_series
    from api.reports.prices import series_csv, series_document, series_text
    from api.whole_files import write_whole

    spoken = spoken_language(lang)
    request = SeriesRequest(
        database_url(database), instrument, market, code, vintage, method, every, since, until, carry, out=out
    )
    series = one_series(request)
    if out is not None:
        write_whole(Path(out), series_csv(series))
    answer(series_document(series, spoken) if as_json else series_text(series, spoken))
    say_written(out, spoken)
    return EXIT_OK


@history_app.command("stats", help=both("波动率, 相关, CCER 溢价", "Volatility, correlation, the CCER premium"))
def history_stats(
    by: Annotated[
        str, option("WHAT", "--by", "instrument, vintage 或 code", "instrument, vintage or code")
    ] = "instrument",
    method: MethodOption = "all",
    every: EveryOption = "month",
    since: SinceOption = None,
    until: UntilOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """Statistics of the stored series."""
    from api.price_desk import SeriesRequest, statistics
    from api.reports.prices import statistics_document, statistics_text

    spoken = spoken_language(lang)
    request = SeriesRequest(database_url(database), method=method, every=every, since=since, until=until, by=by)
    found = statistics(request)
    answer(statistics_document(found) if as_json else statistics_text(found, spoken))
    return EXIT_OK


# -------------------------------------------------------------------------------------------------------------- outlook


@outlook_app.command("flat", help=both("价格不变", "Prices stay as they are"))
def outlook_flat(out: YamlOption = None, as_json: JsonOption = False, lang: LangOption = None) -> int:
    """The flat outlook, as a file if asked."""
    from market_data.outlook import flat_outlook

    return _tell_outlook(flat_outlook(), (), (), out, as_json, lang)


@outlook_app.command("view", help=both("自己的看法 (表) 变成系数", "Your own view (a table) as factors"))
def outlook_view(
    table: Annotated[
        str,
        typer.Argument(
            metavar="TABLE",
            help=both(
                "CSV 或 YAML: instrument, date, 以及 factor, price 或 yearly_growth",
                "CSV or YAML: instrument, date, and factor, price or yearly_growth",
            ),
        ),
    ],
    spot: SpotOption = None,
    out: YamlOption = None,
    as_of: AsOfOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """A user's own table of factors, prices or growth."""
    from api.price_desk import OutlookRequest, view

    found = view(table, OutlookRequest("", as_of or today(), spot=tuple(spot or ()), out=out))
    return _tell_outlook(found, (), (), out, as_json, lang)


@outlook_app.command("estimate", help=both("由价格历史估计系数", "Factors estimated from the price history"))
def outlook_estimate(
    model: ModelOption = "mean-reverting",
    months: MonthsOption = "24",
    statistic: Annotated[str, option("WHAT", "--statistic", "mean 或 P80", "mean, or a quantile such as P80")] = "mean",
    seed: SeedOption = "7",
    draws: DrawsOption = "10000",
    spot: SpotOption = None,
    drift: Annotated[str, option("kept|removed", "--drift", "bootstrap 的漂移", "the bootstrap's drift")] = "removed",
    out: YamlOption = None,
    as_of: AsOfOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """A calibrated model's mean or quantile, month by month."""
    from api.price_desk import OutlookRequest, estimate
    from api.reports.prices import model_findings

    request = OutlookRequest(
        database_url(database),
        as_of or today(),
        model,
        months,
        statistic,
        seed,
        draws,
        spot=tuple(spot or ()),
        drift=drift,
        out=out,
    )
    found, estimated = estimate(request)
    return _tell_outlook(estimated.outlook, estimated.remarks, model_findings(found, estimated), out, as_json, lang)


@outlook_app.command("draws", help=both("抽样价格的分位", "Quantiles of drawn prices"))
def outlook_draws(
    model: ModelOption = "mean-reverting",
    months: MonthsOption = "12",
    seed: SeedOption = "7",
    draws: DrawsOption = "10000",
    spot: SpotOption = None,
    drift: Annotated[str, option("kept|removed", "--drift", "bootstrap 的漂移", "the bootstrap's drift")] = "removed",
    as_of: AsOfOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """The fan of prices by month."""
    from api.price_desk import OutlookRequest, fan
    from api.reports.prices import fan_document, fan_text

    spoken = spoken_language(lang)
    request = OutlookRequest(
        database_url(database), as_of or today(), model, months, "mean", seed, draws, "12", tuple(spot or ()), drift
    )
    found = fan(request)
    answer(fan_document(found, spoken) if as_json else fan_text(found, spoken))
    return EXIT_OK


@outlook_app.command("backtest", help=both("模型过去说得多准", "How often a model was right before"))
def outlook_backtest(
    model: ModelOption = "mean-reverting",
    held_out: Annotated[str, option("N", "--held-out", "留出几个月", "months held out")] = "12",
    seed: SeedOption = "7",
    draws: DrawsOption = "2000",
    drift: Annotated[str, option("kept|removed", "--drift", "bootstrap 的漂移", "the bootstrap's drift")] = "removed",
    as_of: AsOfOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """Coverage of the model's intervals on months that it had not seen."""
    from api.price_desk import OutlookRequest, back_test
    from api.reports.prices import backtest_document, backtest_text

    spoken = spoken_language(lang)
    request = OutlookRequest(
        database_url(database), as_of or today(), model, "1", "mean", seed, draws, held_out, (), drift
    )
    found = Progress(str, working(spoken)).run(lambda: back_test(request))
    answer(backtest_document(found) if as_json else backtest_text(found, spoken))
    return EXIT_OK


def _tell_outlook(outlook: Any, remarks: Any, findings: Any, out: str | None, as_json: bool, lang: str | None) -> int:
    from api.price_desk import save_outlook
    from api.reports.prices import outlook_document, outlook_text

    spoken = spoken_language(lang)
    path = None if out is None else save_outlook(outlook, remarks, out, spoken)
    answer(
        outlook_document(outlook, remarks, findings, spoken)
        if as_json
        else outlook_text(outlook, remarks, findings, spoken, out)
    )
    if path is not None:
        say_written(str(path), spoken)
    return EXIT_OK
