"""Commands that draw what is not known: risk, the draws themselves, a calendar's budget. Arguments in, words out."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.command_options import (
    AsOfOption,
    BudgetOption,
    ClusterOption,
    DatabaseOption,
    EpsilonOption,
    EventArgument,
    JsonOption,
    LangOption,
    ObjectiveOption,
    OffersOption,
    OutlookOption,
    PicturesOutOption,
    PolicyOption,
    WorkersOption,
    option,
    run_progress,
    spoken_language,
    tell,
)
from api.command_words import both
from api.printable import say
from api.settings import database_url, today

if TYPE_CHECKING:
    from optimizer.wording import Language

DRAWS = ("批抽样", "batches of draws")

DrawsOption = Annotated[str, option("N", "--draws", "抽样次数, 默认 1000", "how many draws; default 1000")]
SeedOption = Annotated[str, option("S", "--seed", "随机种子, 默认 7", "the seed; default 7")]
ModelOption = Annotated[
    str | None,
    option(
        "NAME",
        "--model",
        "价格模型: mean-reverting, bootstrap 或 none; 默认有历史则 mean-reverting",
        "prices: mean-reverting, bootstrap or none; default: mean-reverting where there is a history",
    ),
]
BuyOnOption = Annotated[
    str | None,
    option("DATE", "--buy-on", "购买日; 默认约三个月后", "the day of purchase; default: about three months ahead"),
]
FallThroughOption = Annotated[
    str | None,
    option(
        "FIRM,INDICATIVE",
        "--fall-through",
        "报价落空的概率, 例如 0.02,0.2 (默认, 为假设); 或 none",
        "chances that offers fall through; default 0.02,0.2 (assumed); or none",
    ),
]
YieldOption = Annotated[
    str | None,
    option(
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
        str, option("N", "--scenarios", "两阶段方案的抽样数, 默认 200", "draws of the two-stage plan; default 200")
    ] = "200",
    tail_weight: Annotated[
        str, option("SHARE", "--tail-weight", "CVaR 的权重, 默认 0", "weight of CVaR in it; default 0")
    ] = "0",
    policy: PolicyOption = None,
    objective: ObjectiveOption = None,
    epsilon: EpsilonOption = None,
    outlook: OutlookOption = None,
    budget: BudgetOption = None,
    workers: WorkersOption = None,
    cluster: ClusterOption = None,
    out: PicturesOutOption = None,
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
    from optimizer.wording import Text

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
    progress, advanced = run_progress(Text(*DRAWS), spoken)
    found = progress.run(lambda: risk_of(request, spoken, report=advanced, cancelled=progress.stopping))
    return tell(
        lambda: risk_document(found, spoken), lambda: show_risk(found, spoken, sys.stdout), as_json, out, spoken
    )


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
        option(
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
    from optimizer.wording import Text

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
    progress, advanced = run_progress(Text(*DRAWS), spoken)
    try:
        found = progress.run(lambda: sweep_of(request, spoken, report=advanced, cancelled=progress.stopping))
    except KeyboardInterrupt:
        _say_kept(saved_folder(request), spoken)
        raise
    return tell(
        lambda: draws_document(found, spoken), lambda: show_draws(found, spoken, sys.stdout), as_json, out, spoken
    )


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
    out: PicturesOutOption = None,
    as_of: AsOfOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """What to set aside by fiscal year at P50, P80 and P95, and what must be bought by when."""
    from api.reports.budgets import calendar_document, show_calendar
    from api.risk_desk import calendar_of
    from api.risk_terms import DrawsRequest
    from optimizer.wording import Text

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
    progress, advanced = run_progress(Text(*DRAWS), spoken)
    found = progress.run(lambda: calendar_of(request, spoken, report=advanced, cancelled=progress.stopping))
    return tell(
        lambda: calendar_document(found, spoken), lambda: show_calendar(found, spoken, sys.stdout), as_json, out, spoken
    )


def _say_kept(folder: Path | None, lang: "Language") -> None:
    """Where the finished draws are, on stderr."""
    if folder is not None and folder.is_dir():
        zh, en = f"已算完的抽样存于 {folder}; 再次运行即接着算", f"Finished draws are in {folder}; run again to go on"
        say(zh if lang == "zh" else en, sys.stderr)
