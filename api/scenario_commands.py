"""Commands that ask "what if": many plans from one. Arguments in, one use case, words out."""

import sys
from typing import Annotated

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
from api.problems import EXIT_OK
from api.progress import Progress
from api.settings import database_url, today

EventArgument = Annotated[
    str, typer.Argument(metavar="EVENT", help=both("活动文件: YAML 或 JSON", "event file: YAML or JSON"))
]
PolicyOption = Annotated[
    str | None, typer.Option("--policy", metavar="P", help=both("规则包编号或文件", "rule pack: id or file"))
]
OutlookOption = Annotated[
    str | None, typer.Option("--outlook", metavar="FILE", help=both("远期价格系数", "forward price factors"))
]
BudgetOption = Annotated[
    str | None, typer.Option("--budget", metavar="YUAN", help=both("替换预算 (元)", "replaces the budget, yuan"))
]
WorkersOption = Annotated[
    str | None, typer.Option("--workers", metavar="N", help=both("进程数, 默认 1", "processes; default 1"))
]
ClusterOption = Annotated[
    str | None,
    typer.Option("--cluster", metavar="ADDRESS", help=both("Dask 调度器的地址", "address of a Dask scheduler")),
]


def compare_command(
    event: EventArgument,
    offers: OffersOption,
    scenarios: Annotated[
        str,
        typer.Option(
            "--scenarios",
            metavar="FILE|NAMES",
            help=both(
                "情景文件, 或现成情景的名称 (逗号分隔), 或 all",
                "a scenario file, names of ready scenarios parted by commas, or all",
            ),
        ),
    ],
    policy: PolicyOption = None,
    objective: ObjectiveOption = None,
    epsilon: EpsilonOption = None,
    outlook: OutlookOption = None,
    budget: BudgetOption = None,
    days: Annotated[
        str | None,
        typer.Option("--days", metavar="N", help=both("几天内的期限算临近", "days within which a deadline is near")),
    ] = None,
    workers: WorkersOption = None,
    cluster: ClusterOption = None,
    out: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help=both("另存为 .json .xlsx .csv .html .svg .png", "also .json .xlsx .csv .html .svg .png"),
        ),
    ] = None,
    as_of: AsOfOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """The base plan beside its scenarios, with what changes and why."""
    from api.reports.scenarios import progress_words, show_scenarios
    from api.scenario_desk import CompareRequest, compare_scenarios

    spoken = spoken_language(lang)
    request = CompareRequest(
        event,
        offers,
        scenarios,
        as_of or today(),
        policy,
        objective,
        epsilon,
        outlook,
        budget,
        days,
        workers,
        cluster,
        out,
        database_url(database),
    )
    progress = Progress(str, working(spoken))
    table = progress.run(
        lambda: compare_scenarios(
            request,
            spoken,
            report=lambda done: progress.report(progress_words(done, spoken), done.done - 1, done.total),
            cancelled=progress.stopping,
        )
    )
    if as_json:
        answer(table.as_dict(spoken))
    else:
        show_scenarios(table, spoken, sys.stdout)
    if out is not None:
        say_written(out, spoken)
    return EXIT_OK
