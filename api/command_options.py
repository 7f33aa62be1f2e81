"""What the commands share: options that several of them have, the caller's language, and how they answer.

Nothing of ours that is heavy is imported here: `--help` and `--version` answer at once.
"""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.command_words import both
from api.printable import say
from api.problems import EXIT_OK
from api.progress import Progress
from api.settings import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Callable

    from optimizer.wording import Language, Text
    from scenarios.runner import Advance


def option(metavar: str, name: str, zh: str, en: str) -> Any:
    """An option that takes a text, with its help in both languages."""
    return typer.Option(name, metavar=metavar, help=both(zh, en))


EventArgument = Annotated[
    str, typer.Argument(metavar="EVENT", help=both("活动文件: YAML 或 JSON", "event file: YAML or JSON"))
]
OffersOption = Annotated[
    str,
    typer.Option(
        "--offers",
        metavar="OFFERS",
        help=both(
            "报价文件 (CSV, XLSX, JSON, Parquet) 或行情快照编号", "offers: CSV, XLSX, JSON, Parquet, or a snapshot's id"
        ),
    ),
]
LangOption = Annotated[
    str | None, typer.Option("--lang", metavar="zh|en", help=both("语言", "language; default: the locale's"))
]
JsonOption = Annotated[bool, typer.Option("--json", help=both("以 JSON 回答", "answer in JSON"))]
AsOfOption = Annotated[
    str | None,
    typer.Option("--as-of", metavar="DATE", help=both("计划日期, 默认今天", "the plan's day; default: today in China")),
]
OutOption = Annotated[
    str | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help=both("另存为 .json .xlsx .csv .docx .pdf .html", "also .json .xlsx .csv .docx .pdf .html"),
    ),
]

PicturesOutOption = Annotated[
    str | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help=both("另存为 .json .xlsx .csv .html .svg .png", "also .json .xlsx .csv .html .svg .png"),
    ),
]
ComparisonOutOption = Annotated[
    str | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help=both(
            "另存为 .json .xlsx .csv .docx .pdf .html .svg .png", "also .json .xlsx .csv .docx .pdf .html .svg .png"
        ),
    ),
]
PolicyOption = Annotated[str | None, option("P", "--policy", "规则包编号或文件", "rule pack: id or file")]
OutlookOption = Annotated[str | None, option("FILE", "--outlook", "远期价格系数", "forward price factors")]
BudgetOption = Annotated[str | None, option("YUAN", "--budget", "替换预算 (元)", "replaces the budget, yuan")]
WorkersOption = Annotated[str | None, option("N", "--workers", "进程数, 默认 1", "processes; default 1")]
ClusterOption = Annotated[
    str | None, option("ADDRESS", "--cluster", "Dask 调度器的地址", "address of a Dask scheduler")
]
DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help=both("数据库, 默认本机文件", "database: sqlite:///FILE or postgresql://...; default: a file of your own"),
    ),
]

ObjectiveOption = Annotated[
    str | None,
    typer.Option(
        "--objective",
        metavar="NAME|FILE",
        help=both(
            "priority-first (默认), order-first, cost-first, balanced, 或文件",
            "priority-first (default), order-first, cost-first, balanced, or a file with a list of levels",
        ),
    ),
]
EpsilonOption = Annotated[
    str | None,
    typer.Option(
        "--epsilon",
        metavar="SHARE",
        help=both("balanced 的成本余量, 默认 0.05", "cost slack of balanced; default 0.05"),
    ),
]

_default_lang = ["zh"]
"""The language of the call that is being answered, set by the door."""


def speak_by_default(lang: str) -> None:
    """Sets the language of calls that name none."""
    _default_lang[0] = lang


def spoken_language(lang: str | None) -> "Language":
    """The language of one call. Raises BadInput for one that we do not speak."""
    if lang is not None and lang not in LANGUAGES:
        from optimizer.errors import BadInput
        from optimizer.findings import fault

        raise BadInput([fault("lang", "应为 zh 或 en", "should be zh or en", path="--lang", value=lang)])
    return "en" if (lang or _default_lang[0]) == "en" else "zh"


def answer(what: Any) -> None:
    """The answer to stdout: text as it is, data as JSON."""
    if not isinstance(what, str):
        import json

        what = json.dumps(what, ensure_ascii=False, indent=1)
    say(what, sys.stdout)


def working(lang: "Language") -> str:
    """What is said while the work goes on."""
    return "计算中" if lang == "zh" else "Working"


def say_written(path: str | None, lang: "Language") -> None:
    """Which file was written, on stderr; nothing where none was asked for."""
    if path is not None:
        say(f"已写出 {path}" if lang == "zh" else f"Written: {path}", sys.stderr)


def tell(
    document: "Callable[[], Any]", show: "Callable[[], None]", as_json: bool, out: str | None, lang: "Language"
) -> int:
    """The answer, as data or as a page, then which file was written. Gives exit code 0."""
    if as_json:
        answer(document())
    else:
        show()
    say_written(out, lang)
    return EXIT_OK


def run_progress(what: "Text", lang: "Language") -> "tuple[Progress, Callable[[Advance], None]]":
    """Progress of a run of many tasks, and what tells it how far the run is; `what` is counted."""
    from api.reports.words import rest_words

    progress = Progress(str, working(lang))
    return progress, lambda done: progress.report(rest_words(done, what, lang), done.done - 1, done.total)
