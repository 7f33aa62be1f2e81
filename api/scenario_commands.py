"""Commands that ask "what if": many plans from one. Arguments in, one use case, words out."""

import sys
from typing import Annotated

import typer

from api.command_options import (
    AsOfOption,
    BudgetOption,
    ClusterOption,
    ComparisonOutOption,
    DatabaseOption,
    EpsilonOption,
    EventArgument,
    JsonOption,
    LangOption,
    ObjectiveOption,
    OffersOption,
    OutlookOption,
    PolicyOption,
    WorkersOption,
    option,
    run_progress,
    spoken_language,
    tell,
)
from api.command_words import both
from api.settings import database_url, today

SCENARIOS = ("个情景", "scenarios")


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
        str | None, option("N", "--days", "几天内的期限算临近", "days within which a deadline is near")
    ] = None,
    workers: WorkersOption = None,
    cluster: ClusterOption = None,
    out: ComparisonOutOption = None,
    as_of: AsOfOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """The base plan beside its scenarios, with what changes and why."""
    from api.reports.scenarios import show_scenarios
    from api.scenario_desk import CompareRequest, compare_scenarios
    from optimizer.wording import Text

    spoken = spoken_language(lang)
    request = CompareRequest(
        event,
        offers,
        as_of or today(),
        policy=policy,
        objective=objective,
        epsilon=epsilon,
        outlook=outlook,
        budget=budget,
        url=database_url(database),
        scenarios=scenarios,
        days=days,
        workers=workers,
        cluster=cluster,
        out=out,
    )
    progress, advanced = run_progress(Text(*SCENARIOS), spoken)
    table = progress.run(lambda: compare_scenarios(request, spoken, report=advanced, cancelled=progress.stopping))
    return tell(lambda: table.as_dict(spoken), lambda: show_scenarios(table, spoken, sys.stdout), as_json, out, spoken)
