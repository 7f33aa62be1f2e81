"""`jinheng worker` and `jinheng jobs`: does long work; what there is, what has become of it."""

import sys
from typing import Annotated, Any

import typer

from api.command_options import DatabaseOption, JsonOption, LangOption, answer, option, spoken_language
from api.command_words import both
from api.printable import printable, say
from api.problems import EXIT_OK, EXIT_OUR_FAULT
from api.settings import service_settings

jobs_app = typer.Typer(help=both("后台任务", "Long work of the service"), no_args_is_help=True, rich_markup_mode=None)
SLOTS_MAX = 64
OrganisationOption = Annotated[
    str | None, option("NAME", "--organisation", "单位, 默认首个单位", "organisation; default: the first one")
]


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


@jobs_app.command("list", help=both("最近的任务", "The newest jobs of an organisation"))
def list_command(
    organisation: OrganisationOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """One line a job, the newest first."""
    from api.job_administration import newest_jobs

    found = newest_jobs(database, organisation, spoken_language(lang))
    answer({"items": found} if as_json else "\n".join(map(_job_line, found)))
    return EXIT_OK


@jobs_app.command("cancel", help=both("取消任务", "Cancel a job"))
def cancel_command(
    job: Annotated[str, typer.Argument(metavar="JOB", help=both("任务编号", "the job's id"))],
    organisation: OrganisationOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """One that waits at once; one that runs within seconds."""
    from api.job_administration import cancel_job

    found = cancel_job(database, organisation, job, spoken_language(lang))
    answer(found if as_json else _job_line(found))
    return EXIT_OK


@jobs_app.command("workers", help=both("正在运行的任务进程", "The workers of a database"))
def workers_command(database: DatabaseOption = None, as_json: JsonOption = False, lang: LangOption = None) -> int:
    """One line a worker that has not ended: its id, its machine and process, its jobs and slots, when it was heard."""
    from api.job_administration import living_workers

    spoken_language(lang)
    found = living_workers(database)
    lines = [f"{w['id']}  {w['host']} {w['process']}  {w['jobs']}/{w['slots']}  {w['seen_at'][:19]}" for w in found]
    answer({"items": found} if as_json else "\n".join(lines))
    return EXIT_OK


def _job_line(job: dict[str, Any]) -> str:
    how_far = "" if job["total"] is None else f"{job['done']}/{job['total']}"
    began = f"{job['id']}  {job['made_at'][:16]}  {job['kind']:<9} {job['state']:<9}"
    return f"{began} {how_far:>9}  {printable(job['title'])}"
