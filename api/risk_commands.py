"""Commands that draw what is not known: risk, the draws themselves, a calendar's budget. Arguments in, words out."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.command_options import (
    AsOfOption,
    DatabaseOption,
    EpsilonOption,
    JsonOption,
    LangOption,
    ObjectiveOption,
    OffersOption,
    answer,
    spoken_language,
    working,
)
from api.command_words import both
from api.market_commands import say_written
from api.printable import say
from api.problems import EXIT_OK
from api.progress import Progress
from api.scenario_commands import BudgetOption, ClusterOption, EventArgument, OutlookOption, PolicyOption, WorkersOption
from api.settings import database_url, today

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.wording import Language
    from scenarios.runner import Advance


def _text(metavar: str, option: str, zh: str, en: str) -> Any:
    return typer.Option(option, metavar=metavar, help=both(zh, en))


DrawsOption = Annotated[str, _text("N", "--draws", "抽样次数, 默认 1000", "how many draws; default 1000")]
SeedOption = Annotated[str, _text("S", "--seed", "随机种子, 默认 7", "the seed; default 7")]
ModelOption = Annotated[
    str | None,
    _text(
        "NAME",
        "--model",
        "价格模型: mean-reverting, bootstrap 或 none; 默认有历史则 mean-reverting",
        "prices: mean-reverting, bootstrap or none; default: mean-reverting where there is a history",
    ),
]
BuyOnOption = Annotated[
    str | None,
    _text("DATE", "--buy-on", "购买日; 默认约三个月后", "the day of purchase; default: about three months ahead"),
]
FallThroughOption = Annotated[
    str | None,
    _text(
        "FIRM,INDICATIVE",
        "--fall-through",
        "报价落空的概率, 例如 0.02,0.2 (默认, 为假设); 或 none",
        "chances that offers fall through; default 0.02,0.2 (assumed); or none",
    ),
]
YieldOption = Annotated[
    str | None,
    _text(
        "CV|LOW,MODE,HIGH",
        "--yield-spread",
        "林业产出的变异系数或系数区间; 默认按所述",
        "forestry yields: coefficient of variation or factors; default: as stated",
    ),
]
HoldOption = Annotated[
    bool, typer.Option("--hold", help=both("守住今日方案, 不重新计划", "today's plan is held to, not planned anew"))
]
KeepOption = Annotated[bool, typer.Option("--keep-budget", help=both("不得超过预算", "no draw may exceed the budgets"))]
TablesOption = Annotated[
    str | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help=both("另存为 .json .xlsx .csv .html .svg .png", "also .json .xlsx .csv .html .svg .png"),
    ),
]


def risk_command(
    event: EventArgument,
    offers: OffersOption,
    draws: DrawsOption = "1000",
    seed: SeedOption = "7",
    model: ModelOption = None,
    buy_on: BuyOnOption = None,
    fall_through: FallThroughOption = None,
    yield_spread: YieldOption = None,
    hold: HoldOption = False,
    keep_budget: KeepOption = False,
    stochastic: Annotated[
        bool,
        typer.Option("--stochastic", help=both("另算两阶段方案", "also the two-stage plan, with VSS and EVPI")),
    ] = False,
    scenarios: Annotated[
        str, _text("N", "--scenarios", "两阶段方案的抽样数, 默认 200", "draws of the two-stage plan; default 200")
    ] = "200",
    tail_weight: Annotated[
        str, _text("SHARE", "--tail-weight", "CVaR 的权重, 默认 0", "weight of CVaR in it; default 0")
    ] = "0",
    policy: PolicyOption = None,
    objective: ObjectiveOption = None,
    epsilon: EpsilonOption = None,
    outlook: OutlookOption = None,
    budget: BudgetOption = None,
    workers: WorkersOption = None,
    cluster: ClusterOption = None,
    out: TablesOption = None,
    as_of: AsOfOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """Where the cost lies, the chances, and what drives the spread."""
    from api.reports.risk import show_risk
    from api.reports.risk_files import risk_document
    from api.risk_desk import risk_of
    from api.risk_terms import DrawsRequest

    spoken = spoken_language(lang)
    request = DrawsRequest(
        event,
        offers,
        as_of or today(),
        policy=policy,
        objective=objective,
        epsilon=epsilon,
        outlook=outlook,
        budget=budget,
        draws=draws,
        seed=seed,
        model=model,
        buy_on=buy_on,
        fall_through=fall_through,
        yield_spread=yield_spread,
        hold=hold,
        keep_budget=keep_budget,
        stochastic=stochastic,
        scenarios=scenarios,
        tail_weight=tail_weight,
        workers=workers,
        cluster=cluster,
        out=out,
        url=database_url(database),
    )
    progress, tell = _progress(spoken)
    found = progress.run(lambda: risk_of(request, spoken, report=tell, cancelled=progress.stopping))
    if as_json:
        answer(risk_document(found, spoken))
    else:
        show_risk(found, spoken, sys.stdout)
    return _written(out, spoken)


def sweep_command(
    event: EventArgument,
    offers: OffersOption,
    draws: DrawsOption = "1000",
    seed: SeedOption = "7",
    model: ModelOption = None,
    buy_on: BuyOnOption = None,
    fall_through: FallThroughOption = None,
    yield_spread: YieldOption = None,
    hold: HoldOption = False,
    keep_budget: KeepOption = False,
    policy: PolicyOption = None,
    objective: ObjectiveOption = None,
    epsilon: EpsilonOption = None,
    outlook: OutlookOption = None,
    budget: BudgetOption = None,
    workers: WorkersOption = None,
    cluster: ClusterOption = None,
    resume: Annotated[
        str | None,
        _text(
            "FOLDER",
            "--resume",
            "已算完的抽样存于此文件夹, 中断后接着算; 默认在 -o 旁",
            "finished draws are kept here, to go on with; default: beside -o",
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="FILE", help=both("全部抽样: .csv .json", "every draw: .csv .json")),
    ] = None,
    as_of: AsOfOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """Every draw as a row; an interrupted run goes on where it was."""
    from api.reports.risk import show_draws
    from api.reports.risk_files import draws_document
    from api.risk_desk import saved_folder, sweep_of
    from api.risk_terms import DrawsRequest

    spoken = spoken_language(lang)
    request = DrawsRequest(
        event,
        offers,
        as_of or today(),
        policy=policy,
        objective=objective,
        epsilon=epsilon,
        outlook=outlook,
        budget=budget,
        draws=draws,
        seed=seed,
        model=model,
        buy_on=buy_on,
        fall_through=fall_through,
        yield_spread=yield_spread,
        hold=hold,
        keep_budget=keep_budget,
        workers=workers,
        cluster=cluster,
        resume=resume,
        out=out,
        url=database_url(database),
    )
    progress, tell = _progress(spoken)
    try:
        found = progress.run(lambda: sweep_of(request, spoken, report=tell, cancelled=progress.stopping))
    except KeyboardInterrupt:
        _say_kept(saved_folder(request), spoken)
        raise
    if as_json:
        answer(draws_document(found, spoken))
    else:
        show_draws(found, spoken, sys.stdout)
    return _written(out, spoken)


def calendar_command(
    events: Annotated[
        str, typer.Argument(metavar="EVENTS", help=both("活动日程文件: YAML 或 JSON", "calendar file: YAML or JSON"))
    ],
    offers: OffersOption,
    draws: DrawsOption = "1000",
    seed: SeedOption = "7",
    model: ModelOption = None,
    buy_on: BuyOnOption = None,
    fall_through: FallThroughOption = None,
    yield_spread: YieldOption = None,
    hold: HoldOption = False,
    policy: PolicyOption = None,
    objective: ObjectiveOption = None,
    epsilon: EpsilonOption = None,
    outlook: OutlookOption = None,
    workers: WorkersOption = None,
    cluster: ClusterOption = None,
    out: TablesOption = None,
    as_of: AsOfOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """What to set aside by fiscal year at P50, P80 and P95, and what must be bought by when."""
    from api.reports.budgets import calendar_document, show_calendar
    from api.risk_desk import calendar_of
    from api.risk_terms import DrawsRequest

    spoken = spoken_language(lang)
    request = DrawsRequest(
        events,
        offers,
        as_of or today(),
        policy=policy,
        objective=objective,
        epsilon=epsilon,
        outlook=outlook,
        draws=draws,
        seed=seed,
        model=model,
        buy_on=buy_on,
        fall_through=fall_through,
        yield_spread=yield_spread,
        hold=hold,
        workers=workers,
        cluster=cluster,
        out=out,
        url=database_url(database),
    )
    progress, tell = _progress(spoken)
    found = progress.run(lambda: calendar_of(request, spoken, report=tell, cancelled=progress.stopping))
    if as_json:
        answer(calendar_document(found, spoken))
    else:
        show_calendar(found, spoken, sys.stdout)
    return _written(out, spoken)


def _progress(lang: "Language") -> "tuple[Progress, Callable[[Advance], None]]":
    from api.reports.risk import progress_words

    progress = Progress(str, working(lang))
    return progress, lambda done: progress.report(progress_words(done, lang), done.done - 1, done.total)


def _written(out: str | None, lang: "Language") -> int:
    if out is not None:
        say_written(out, lang)
    return EXIT_OK


def _say_kept(folder: Path | None, lang: "Language") -> None:
    """Where the finished draws are, on stderr."""
    if folder is not None and folder.is_dir():
        zh, en = f"已算完的抽样存于 {folder}; 再次运行即接着算", f"Finished draws are in {folder}; run again to go on"
        say(zh if lang == "zh" else en, sys.stderr)
