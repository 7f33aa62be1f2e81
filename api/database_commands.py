"""`jinheng db`, `audit` and `config`: what the operator does with the database and the trail, on their own machine."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.command_options import DatabaseOption, JsonOption, LangOption, answer, option, spoken_language
from api.command_words import both
from api.printable import printable, say
from api.problems import EXIT_OK, EXIT_OUR_FAULT
from api.settings import database_url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.verification import Checked
    from optimizer.findings import Finding
    from optimizer.wording import Language

db_app = typer.Typer(
    help=both("数据库: 备份, 恢复, 检查, 升级", "The database: backup, restore, verify, migrate"),
    no_args_is_help=True,
    rich_markup_mode=None,
)
audit_app = typer.Typer(
    help=both("审计链: 验证, 导出", "The trail: verify, export"), no_args_is_help=True, rich_markup_mode=None
)
config_app = typer.Typer(help=both("设置", "Settings"), no_args_is_help=True, rich_markup_mode=None)

BACKUP_FILES = (".db", ".sqlite", ".backup")
TRAIL_FILES = (".ndjson", ".jsonl")


@db_app.command("backup", help=both("备份整个数据库到一个文件; 服务可照常运行", "The whole database into one file"))
def backup_command(
    file: Annotated[str, typer.Argument(metavar="FILE", help=both("备份文件 (.db)", "backup file (.db)"))],
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """Whole or not at all, while the service runs; then the copy is verified."""
    from api.database.copying import back_up
    from api.database.opening import open_existing_database
    from api.verification import verify_database
    from api.whole_files import out_path

    spoken = spoken_language(lang)
    path = out_path(file, BACKUP_FILES, "FILE")
    source = open_existing_database(database_url(database))
    try:
        back_up(source, path)
    finally:
        source.close()
    with _opened_copy(path) as copy:
        checked = verify_database(copy)
    head = (f"已备份到 {path}", f"Backed up to {path}")
    return _tell_checks(checked, {"file": str(path), "bytes": path.stat().st_size}, head, as_json, spoken)


def _opened_copy(path: Path) -> Any:
    from api.database.copying import opened_backup

    return opened_backup(path)


@db_app.command(
    "restore", help=both("把备份恢复到空的数据库 (两种均可)", "A backup into an empty database of either kind")
)
def restore_command(
    file: Annotated[str, typer.Argument(metavar="FILE", help=both("备份文件", "backup file"))],
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """All of it or nothing; a database that is not empty is left as it is."""
    from api.database.copying import restore, row_counts
    from api.database.opening import open_existing_database
    from api.verification import verify_database

    spoken = spoken_language(lang)
    address = database_url(database)
    with _opened_copy(Path(file)) as backup:
        restore(backup, address)
    restored = open_existing_database(address)
    try:
        checked = verify_database(restored)
        with restored.reading() as c:
            rows = row_counts(c)
    finally:
        restored.close()
    head = (
        f"已恢复 {sum(rows.values())} 行到 {restored.shown}",
        f"Restored {sum(rows.values())} rows into {restored.shown}",
    )
    return _tell_checks(checked, {"database": restored.shown, "rows": rows}, head, as_json, spoken)


@db_app.command("verify", help=both("检查数据库与其中的一切是否完好", "Whether everything still is what was kept"))
def verify_command(database: DatabaseOption = None, as_json: JsonOption = False, lang: LangOption = None) -> int:
    """Exit code 0 only if everything holds."""
    from api.database.opening import open_existing_database
    from api.verification import verify_database

    spoken = spoken_language(lang)
    opened = open_existing_database(database_url(database))
    try:
        checked = verify_database(opened)
    finally:
        opened.close()
    return _tell_checks(checked, {"database": opened.shown}, None, as_json, spoken)


@db_app.command(
    "migrate", help=both("把表升级到本版本, 或升降到指定版本", "The tables to this version, or to a revision")
)
def migrate_command(
    to: Annotated[
        str | None,
        option(
            "REVISION",
            "--to",
            "服务的表升或降到此版本; base 为无表",
            "the service's tables to this revision; base: none",
        ),
    ] = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """Forward, or back while nothing would be lost; all of the way or not at all."""
    from api.database.opening import migrate

    spoken = spoken_language(lang)
    before, after = migrate(database_url(database), to)
    zh = f"服务的表: {before or 'base'} -> {after or 'base'}"
    en = f"The service's tables: {before or 'base'} -> {after or 'base'}"
    answer({"before": before, "after": after} if as_json else zh if spoken == "zh" else en)
    return EXIT_OK


# ----------------------------------------------------------------------------------------------------------- the trail


@audit_app.command("verify", help=both("重新验证所有单位的审计链", "Every organisation's trail, hashed again"))
def verify_trail_command(
    against: Annotated[
        str | None,
        option(
            "FILE", "--against", "先前的导出或 verify --json 的回答", "an earlier export, or answer of verify --json"
        ),
    ] = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """Exit code 0 only if everything holds."""
    from api.access.trail_exports import noted_in
    from api.verification import verify_trails
    from optimizer.wording import counted

    spoken = spoken_language(lang)
    found = verify_trails(database, None if against is None else noted_in(Path(against)))
    if as_json:
        answer(found.as_dict(spoken))
    else:
        zh = f"{found.organisations} 个单位, {found.entries} 条记录"
        organisations = counted(found.organisations, "organisation", "organisations")
        en = f"{organisations}, {counted(found.entries, 'entry', 'entries')}"
        holds = ("审计链完好", "The trails hold") if not found.faults else ("审计链不完好", "The trails do not hold")
        lines = [f"{holds[0]}: {zh}" if spoken == "zh" else f"{holds[1]}: {en}", *_lines(found.faults, spoken)]
        if against is None and not found.faults:
            lines.append(_advice(spoken))
        answer("\n".join(lines))
    return EXIT_OUR_FAULT if found.faults else EXIT_OK


def _advice(lang: "Language") -> str:
    if lang == "zh":
        return "末端被截去或整链重算, 只有对照先前的导出 (--against) 才能发现: 请把导出存放在别处。"
    return "A chain cut at its end or computed anew shows only --against an earlier export: keep exports elsewhere."


@audit_app.command("export", help=both("导出审计链 (NDJSON), 存放在别处", "The trail as NDJSON, to keep elsewhere"))
def export_trail_command(
    out: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help=both("文件 (.ndjson)", "file (.ndjson)"))],
    organisation: Annotated[
        str | None, option("NAME", "--organisation", "单位, 默认全部", "organisation; default: every one")
    ] = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> int:
    """Heads and entries, one a line."""
    from api.verification import export_trails
    from api.whole_files import out_path

    spoken = spoken_language(lang)
    path = out_path(out, TRAIL_FILES)
    lines = export_trails(database, organisation, path)
    zh, en = f"已导出 {lines} 行到 {path}", f"Exported {lines} lines to {path}"
    answer({"file": str(path), "lines": lines} if as_json else zh if spoken == "zh" else en)
    return EXIT_OK


# -------------------------------------------------------------------------------------------------------- the settings


@config_app.command("show", help=both("每项设置: 值, 来源, 含义", "Every setting, its value, its source, its meaning"))
def show_config_command(database: DatabaseOption = None, as_json: JsonOption = False, lang: LangOption = None) -> int:
    """Passwords are masked; values that cannot be read are told."""
    from api.setting_words import shown_settings
    from api.settings import service_settings

    spoken = spoken_language(lang)
    known, sources, faulty = service_settings({"database": database})
    shown = shown_settings(known, sources, spoken)
    if as_json:
        answer({"settings": shown, "faulty": [{"variable": name, "value": text} for name, text in faulty]})
    else:
        for one in shown:
            answer(f"{one['variable']} = {one['value']}  [{one['source']}]\n    {one['meaning']}")
    for name, text in faulty:
        zh, en = f"{name}={text!r} 无法读取; 应为整数或 true, false", f"{name}={text!r} cannot be read"
        say(printable(zh if spoken == "zh" else en), sys.stderr)
    return EXIT_OUR_FAULT + 1 if faulty else EXIT_OK


# ---------------------------------------------------------------------------------------------------------- answering


def _tell_checks(
    checked: "Sequence[Checked]",
    facts: dict[str, Any],
    head: tuple[str, str] | None,
    as_json: bool,
    lang: "Language",
) -> int:
    """Every check with what it found; exit code 0 only if all of them hold."""
    holds = not any(c.faults for c in checked)
    if as_json:
        answer({**facts, "holds": holds, "checks": [c.as_dict(lang) for c in checked]})
        return EXIT_OK if holds else EXIT_OUR_FAULT
    lines = [] if head is None else [head[0] if lang == "zh" else head[1]]
    good, bad = ("完好", "不完好") if lang == "zh" else ("holds", "does not hold")
    for one in checked:
        lines += [f"{one.what.say(lang)}: {bad if one.faults else good}", *_lines(one.faults, lang)]
    answer("\n".join(lines))
    return EXIT_OK if holds else EXIT_OUR_FAULT


def _lines(faults: "Sequence[Finding]", lang: "Language") -> list[str]:
    return [f"  {printable(f.say(lang))}" for f in faults]
