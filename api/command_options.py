"""What the commands share: options that several of them have, the caller's language, and how they answer.

Nothing of ours that is heavy is imported here: `--help` and `--version` answer at once.
"""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.command_words import both
from api.printable import say
from api.settings import LANGUAGES

if TYPE_CHECKING:
    from optimizer.wording import Language

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
    typer.Option("-o", "--output", metavar="FILE", help=both("另存为 .json .xlsx .csv", "also write .json .xlsx .csv")),
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
