"""`jinheng worker` and `jinheng jobs`: does long work; what there is, what has become of it."""

import sys
from typing import Annotated

import typer

from api.command_options import DatabaseOption, LangOption, option, spoken_language
from api.command_words import both
from api.printable import say
from api.problems import EXIT_OK, EXIT_OUR_FAULT
from api.settings import service_settings

jobs_app = typer.Typer(help=both("后台任务", "Long work of the service"), no_args_is_help=True, rich_markup_mode=None)
SLOTS_MAX = 64


def worker_command(
    slots: Annotated[str | None, option("N", "--slots", "同时进行的任务数, 默认 2", "jobs at once; default 2")] = None,
    database: DatabaseOption = None,
    with_parent: Annotated[bool, typer.Option("--with-parent", hidden=True)] = False,
    lang: LangOption = None,
) -> int:
    """Do jobs until Ctrl-C or SIGTERM: what runs is finished or given back."""
    from api.event_files import whole_number
    from api.jobs.running import run_worker
    from api.serving import usable

    spoken = spoken_language(lang)
    count = None if slots is None else whole_number(slots, "--slots", 1, SLOTS_MAX)
    known = usable(*service_settings({"database": database, "worker_slots": count}))
    zh, en = f"晋衡任务进程: 同时 {known.worker_slots} 项", f"jinheng works on {known.worker_slots} jobs at once"
    say(zh if spoken == "zh" else en, sys.stderr)
    return EXIT_OK if run_worker(known, with_parent) else EXIT_OUR_FAULT
