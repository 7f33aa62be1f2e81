"""The command line: arguments in, one use case, words out. What is heavy is imported by the command that needs it.

stdout carries the answer and nothing else; progress, warnings and logs go to stderr.
"""

import os
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.command_options import (
    AsOfOption,
    BudgetOption,
    DatabaseOption,
    EpsilonOption,
    EventArgument,
    JsonOption,
    LangOption,
    ObjectiveOption,
    OffersOption,
    OutlookOption,
    OutOption,
    PolicyOption,
    answer,
    say_written,
    speak_by_default,
    spoken_language,
    working,
)
from api.command_words import both, say_misuse, speak
from api.curve_commands import budget_command, frontier_command
from api.database_commands import audit_app, config_app, db_app
from api.job_commands import jobs_app, worker_command
from api.market_commands import import_command, snapshots_app, synth_command
from api.price_commands import history_app, outlook_app
from api.printable import say
from api.problems import EXIT_BAD_INPUT, EXIT_OK, EXIT_OUR_FAULT, EXIT_STOPPED, explain_error
from api.progress import Progress
from api.risk_commands import calendar_command, risk_command, sweep_command
from api.scenario_commands import compare_command
from api.service_commands import organisations_app, serve_command, users_app
from api.settings import database_url, debugging, language_of, today

if TYPE_CHECKING:
    from api.use_cases import PlanRequest
    from optimizer.plan import Plan
    from optimizer.wording import Language

app = typer.Typer(
    name="jinheng",
    help=both(
        "晋衡: 大型活动碳中和的最低成本采购方案, 按推荐顺序, 附证明。",
        "jinheng: the least-cost purchase that makes an event carbon-neutral in the recommended order, with its proof.",
    ),
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
offers_app = typer.Typer(help=both("报价文件", "Offers files"), no_args_is_help=True, rich_markup_mode=None)
app.add_typer(offers_app, name="offers")
app.add_typer(snapshots_app, name="snapshots")
app.add_typer(history_app, name="history")
app.add_typer(outlook_app, name="outlook")
app.add_typer(users_app, name="users")
app.add_typer(organisations_app, name="organisations")
app.add_typer(db_app, name="db")
app.add_typer(audit_app, name="audit")
app.add_typer(config_app, name="config")
app.add_typer(jobs_app, name="jobs")
app.command("worker", help=both("执行后台任务", "Do the service's long work"))(worker_command)
app.command("serve", help=both("启动服务 (HTTP)", "Start the service"))(serve_command)
offers_app.command("import", help=both("由数据源或文件导入报价, 存成快照", "Import a feed or files into a snapshot"))(
    import_command
)
app.command("compare", help=both("情景并排比较, 说明变化的原因", "Scenarios side by side, with causes"))(
    compare_command
)
app.command("frontier", help=both("成本与推荐顺序的精确边界", "Cost against the order, exact"))(frontier_command)
app.command("budget", help=both("覆盖、层级与边际价格随预算的精确曲线", "Coverage and price against money, exact"))(
    budget_command
)
app.command("risk", help=both("成本的分位, 把握与波动的来源", "Quantiles of cost, chances, and what drives them"))(
    risk_command
)
app.command("sweep", help=both("成千次抽样, 逐次列出", "Thousands of draws, one a row"))(sweep_command)
app.command("calendar", help=both("年度预算: P50, P80, P95", "The year's budget at P50, P80, P95"))(calendar_command)
app.command("synth", help=both("生成合成市场 (标明为合成)", "A synthetic market, marked as such"))(synth_command)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        say(f"jinheng {version('jinheng')}", sys.stdout)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help=both("显示版本", "show the version"))
    ] = False,
    lang: LangOption = None,
) -> None:
    pass


@app.command("plan", help=both("最低成本的采购方案", "The least-cost purchase, with its reasons and its proof"))
def plan_command(
    event: EventArgument,
    offers: OffersOption,
    policy: PolicyOption = None,
    objective: ObjectiveOption = None,
    epsilon: EpsilonOption = None,
    outlook: OutlookOption = None,
    budget: BudgetOption = None,
    time_limit: Annotated[
        str | None,
        typer.Option("--time-limit", metavar="S", help=both("限时 (秒), 结果不可复现", "seconds; not reproducible")),
    ] = None,
    explain: Annotated[
        str | None,
        typer.Option("--explain", metavar="all|short|none", help=both("列出每个报价的理由", "reasons of every offer")),
    ] = None,
    out: OutOption = None,
    as_of: AsOfOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """Plan an event or a calendar."""
    from api.use_cases import PlanRequest

    request = PlanRequest(
        event,
        offers,
        as_of or today(),
        policy=policy,
        objective=objective,
        epsilon=epsilon,
        outlook=outlook,
        budget=budget,
        url=database_url(database),
        time_limit=time_limit,
        explain=explain,
        out=out,
    )
    return _planned(request, as_json, spoken_language(lang))


@app.command("check", help=both("不信任求解器, 重新验证方案", "Prove a plan file again without trusting the solver"))
def check_command(
    plan: Annotated[str, typer.Argument(metavar="PLAN.json", help=both("方案文件", "plan file"))],
    offers: Annotated[
        str | None,
        typer.Option("--offers", metavar="OFFERS", help=both("报价文件 (大方案需要)", "offers, for large plans")),
    ] = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """Exit code 0 only if everything holds."""
    from api.reports.findings import check_text
    from api.use_cases import check_plan

    spoken = spoken_language(lang)
    report = Progress(str, working(spoken)).run(lambda: check_plan(plan, offers, database_url(database)))
    answer(report.as_dict(spoken) if as_json else check_text(report, spoken))
    return EXIT_OK if report.holds else EXIT_OUR_FAULT


@app.command("replan", help=both("换一个市场重新计划, 逐行说明变化", "Plan again on another market, change by change"))
def replan_command(
    plan: Annotated[str, typer.Argument(metavar="PLAN.json", help=both("原方案", "the plan as it was"))],
    offers: OffersOption,
    before: Annotated[
        str | None,
        typer.Option(
            "--before",
            metavar="OFFERS",
            help=both("原来的报价 (大方案只带哈希时)", "the old offers, where a large plan holds only their hash"),
        ),
    ] = None,
    objective: ObjectiveOption = None,
    out: OutOption = None,
    as_of: AsOfOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """The same events on another market: what changed, line by line, and why."""
    from api.replanning import ReplanRequest, make_replan
    from api.reports.changes import show_changes
    from api.reports.words import level_name

    spoken = spoken_language(lang)
    request = ReplanRequest(plan, offers, as_of or today(), database_url(database), before, objective, out)
    progress = Progress(lambda name: level_name(name, spoken), working(spoken))
    made = progress.run(lambda: make_replan(request, spoken, progress.report, progress.stopping))
    if as_json:
        answer(made.as_dict(spoken))
    else:
        show_changes(made.changes, spoken, sys.stdout, made.findings)
    say_written(out, spoken)
    return made.after.exit_code


@offers_app.command("validate", help=both("检查报价文件", "Read an offers file and say what is wrong or odd about it"))
def validate_command(
    offers: Annotated[str, typer.Argument(metavar="OFFERS", help=both("报价文件", "offers file"))],
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """Exit code 0 when the file can be used."""
    from api.reports.findings import offers_document, offers_text
    from api.use_cases import validate_offers

    spoken = spoken_language(lang)
    found = Progress(str, working(spoken)).run(lambda: validate_offers(offers))
    answer(offers_document(found, spoken) if as_json else offers_text(found, spoken))
    return EXIT_OK


@app.command("demo", help=both("用自带的例子走一遍", "The main job on a shipped example"))
def demo_command(
    name: Annotated[
        str | None, typer.Argument(metavar="[EXAMPLE]", help=both("例子的名称", "which example"), show_default=False)
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help=both("列出例子", "list the examples"))] = False,
    copy: Annotated[
        str | None, typer.Option("--copy", metavar="DIR", help=both("复制例子到文件夹", "copy the examples"))
    ] = None,
    out: OutOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """Plan a shipped event on a shipped, illustrative market."""
    from api.demo import copy_examples, example, list_examples
    from api.use_cases import PlanRequest

    spoken = spoken_language(lang)
    if listed:
        answer(list_examples(spoken))
        return EXIT_OK
    if copy is not None:
        answer(copy_examples(Path(copy), spoken))
        return EXIT_OK
    chosen = example(name)
    code = _planned(PlanRequest(str(chosen.event), str(chosen.offers), chosen.as_of, out=out), as_json, spoken)
    say(chosen.next_step(spoken), sys.stderr)
    return code


# ----------------------------------------------------------------------------------------------------------- answering


def _planned(request: "PlanRequest", as_json: bool, lang: "Language") -> int:
    """Plan, with progress; the answer to stdout, what was written and warnings beside JSON to stderr."""
    from api.reports.words import level_name
    from api.use_cases import make_plan

    progress = Progress(lambda name: level_name(name, lang), working(lang))
    made = progress.run(lambda: make_plan(request, lang, progress.report, progress.stopping))
    if as_json:
        answer(made.to_json().rstrip("\n"))
        _warn(made)
    else:
        from api.reports.terminal import show_plan

        show_plan(made, lang, sys.stdout)
    say_written(request.out, lang)
    return made.exit_code


def _warn(made: "Plan") -> None:
    for warning in made.warnings:
        say(str(warning["message"]), sys.stderr)


# ----------------------------------------------------------------------------------------------------------- the door


def run(arguments: Sequence[str]) -> int:
    """Answers one call of the command and gives its exit code; never raises."""
    lang = language_of(arguments)
    speak_by_default(lang)
    as_json = "--json" in arguments
    return _guarded(lambda: _run(arguments, lang, as_json), lang, as_json)


def _run(arguments: Sequence[str], lang: str, as_json: bool) -> int:
    try:
        code = _spoken(lang).main(list(arguments), prog_name="jinheng", standalone_mode=False)
    except typer.Abort as stop:
        raise KeyboardInterrupt from stop
    except typer.TyperException as misuse:
        return say_misuse(misuse, lang, as_json)
    if code == EXIT_STOPPED:  # what the library makes of Ctrl-C
        raise KeyboardInterrupt
    return code if isinstance(code, int) else EXIT_OK


@cache
def _spoken(lang: str) -> Any:
    """The command with all that it says in one language, made once a process: 40 ms."""
    return speak(typer.main.get_command(app), lang)


def _guarded(work: Callable[[], int], lang: str, as_json: bool) -> int:
    spoken: Any = lang
    try:
        return work()
    except SystemExit as asked:
        return asked.code if isinstance(asked.code, int) else EXIT_BAD_INPUT
    except BaseException as error:
        if debugging():
            import traceback

            traceback.print_exc()
        return explain_error(error, spoken, as_json)


def main() -> None:
    """The entry point of the command `jinheng`."""
    code = run(sys.argv[1:])
    if code == EXIT_STOPPED:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # the solver may still be busy in its thread, and would be torn down under its feet
    sys.exit(code)
