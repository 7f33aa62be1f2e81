"""Commands that draw exact curves: cost against the order, coverage against money. Arguments in, words out."""

import sys
from typing import Annotated

import typer

from api.command_options import (
    AsOfOption,
    BudgetOption,
    DatabaseOption,
    EventArgument,
    JsonOption,
    LangOption,
    ObjectiveOption,
    OffersOption,
    OutlookOption,
    PicturesOutOption,
    PolicyOption,
    spoken_language,
    tell,
    working,
)
from api.command_words import both
from api.progress import Progress
from api.settings import database_url, today


def frontier_command(
    event: EventArgument,
    offers: OffersOption,
    policy: PolicyOption = None,
    objective: Annotated[
        str | None,
        typer.Option(
            "--objective",
            metavar="NAME|FILE",
            help=both(
                "其他方案守住的目标 (只与 --alternatives 同用)",
                "what alternatives hold before the cost (only with --alternatives)",
            ),
        ),
    ] = None,
    outlook: OutlookOption = None,
    budget: BudgetOption = None,
    alternatives: Annotated[
        str | None,
        typer.Option(
            "--alternatives",
            metavar="N",
            help=both("再找 N 个成本相近而不同的方案", "also N other portfolios that cost nearly as little"),
        ),
    ] = None,
    within: Annotated[
        str | None,
        typer.Option(
            "--within",
            metavar="SHARE",
            help=both("至多贵多少, 默认 0.05", "how much dearer they may be; default 0.05"),
        ),
    ] = None,
    out: PicturesOutOption = None,
    as_of: AsOfOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """Cost against the recommended order, exact: from the cheapest lawful plan to the full order."""
    from api.curve_desk import FrontierRequest, draw_frontier
    from api.reports.curves import show_frontier, step_words

    spoken = spoken_language(lang)
    request = FrontierRequest(
        event,
        offers,
        as_of or today(),
        policy=policy,
        objective=objective,
        outlook=outlook,
        budget=budget,
        url=database_url(database),
        alternatives=alternatives,
        within=within,
        out=out,
    )
    progress = Progress(lambda name: step_words(name, spoken), working(spoken))
    found = progress.run(lambda: draw_frontier(request, spoken, report=progress.report, cancelled=progress.stopping))
    return tell(lambda: found.as_dict(spoken), lambda: show_frontier(found, spoken, sys.stdout), as_json, out, spoken)


def budget_command(
    event: EventArgument,
    offers: OffersOption,
    policy: PolicyOption = None,
    objective: ObjectiveOption = None,
    outlook: OutlookOption = None,
    budget: BudgetOption = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="money|emissions|margin",
            help=both("以什么为横轴, 默认 money (预算)", "what moves; default money, the budget"),
        ),
    ] = None,
    low: Annotated[
        str | None,
        typer.Option(
            "--low",
            metavar="X",
            help=both(
                "下端: 排放的倍数 (默认 0.5) 或余量 (默认 0)", "lower end: of the need, times (0.5), or the margin (0)"
            ),
        ),
    ] = None,
    high: Annotated[
        str | None,
        typer.Option(
            "--high",
            metavar="X",
            help=both(
                "上端: 排放的倍数 (默认 2) 或余量 (默认 0.2)", "upper end: of the need, times (2), or the margin (0.2)"
            ),
        ),
    ] = None,
    break_even: Annotated[
        list[str] | None,
        typer.Option(
            "--break-even",
            metavar="OFFER|INSTRUMENT",
            help=both("报价或工具的保本价, 可重复", "break-even price of an offer or an instrument; repeatable"),
        ),
    ] = None,
    out: PicturesOutOption = None,
    as_of: AsOfOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """Coverage, tiers and marginal price against money, exact; or cost against emissions or the margin."""
    from api.curve_desk import BudgetRequest, draw_budget
    from api.reports.curves import show_budget, step_words

    spoken = spoken_language(lang)
    request = BudgetRequest(
        event,
        offers,
        as_of or today(),
        policy=policy,
        objective=objective,
        outlook=outlook,
        budget=budget,
        url=database_url(database),
        against=against,
        low=low,
        high=high,
        break_even=tuple(break_even or ()),
        out=out,
    )
    progress = Progress(lambda name: step_words(name, spoken), working(spoken))
    found = progress.run(lambda: draw_budget(request, spoken, report=progress.report, cancelled=progress.stopping))
    return tell(lambda: found.as_dict(spoken), lambda: show_budget(found, spoken, sys.stdout), as_json, out, spoken)
