"""The command line's own words in the caller's language: help texts, headings, and misuse of options.

Commands declare every help text once with both languages in it (`both`); `speak` leaves the caller's one.
"""

from typing import Any

import typer

from api.problems import say_usage

_SEAM = "\x1f"
HEADINGS = {
    "Usage: ": "用法: ",
    "Options:": "选项:",
    "Arguments:": "参数:",
    "Commands:": "命令:",
    "[required]": "[必填]",
    "[default: ": "[默认: ",
    "[OPTIONS]": "[选项]",
    "COMMAND [ARGS]...": "命令 [参数]...",
    "Show this message and exit.": "显示帮助",
}
"""What the library writes in English, in Chinese."""


def both(zh: str, en: str) -> str:
    """A help text in both languages."""
    return f"{zh}{_SEAM}{en}"


def speak(command: Any, lang: str) -> Any:
    """The command, its commands and options with their texts in one language."""
    for one in (command, *command.params):
        for name in ("help", "short_help"):
            text = getattr(one, name, None)
            if isinstance(text, str) and _SEAM in text:
                zh, _, en = text.partition(_SEAM)
                setattr(one, name, zh if lang == "zh" else en)
    for inner in getattr(command, "commands", {}).values():
        speak(inner, lang)
    plain_help = command.get_help
    command.get_help = lambda ctx: _tidied(plain_help(ctx), lang)
    return command


def _tidied(text: str, lang: str) -> str:
    """Help without the library's notes on types, its headings in the caller's language."""
    text = text.replace(" <list[str]>", "").replace(" <str>", "").replace("{", "").replace("}", "")
    if lang == "zh":
        for en, zh in HEADINGS.items():
            text = text.replace(en, zh)
    return text


def say_misuse(error: typer.TyperException, lang: str, as_json: bool) -> int:
    """An unknown, missing or misused option or command, in the caller's language; exit code 2."""
    kind, english = type(error).__name__, error.format_message()
    context = getattr(error, "ctx", None)
    if kind == "NoArgsIsHelpError":
        return say_usage("no_command", english, english, _lang(lang), as_json)
    name = str(getattr(error, "option_name", ""))
    param = getattr(error, "param", None)
    if kind == "NoSuchOption":
        near = ", ".join(sorted(getattr(error, "possibilities", None) or []))
        chinese = f"没有选项 {name}" + (f"; 是否要用 {near}?" if near else "")
    elif kind == "MissingParameter" and param is not None:
        shown = param.opts[0] if param.opts[0].startswith("-") else (param.metavar or str(param.name).upper())
        chinese, english = f"缺少必填的 {shown}", f"{shown} is missing"
    elif "requires an argument" in english:
        chinese = f"选项 {name} 缺少值"
    elif "does not take a value" in english:
        chinese = f"选项 {name} 不带值"
    elif "unexpected extra" in english:
        chinese = f"多余的参数: {english.rpartition('(')[2].rstrip(')')}"
    elif "No such command" in english:
        chinese = f"没有命令 {english.partition(' command ')[2].rstrip('.')}"
    elif "Missing command" in english:
        chinese = "缺少命令"
    else:
        chinese = f"命令行有误: {english}"
    path = context.command_path if context is not None else "jinheng"
    hint = f"用法见: {path} --help" if lang == "zh" else f"For usage: {path} --help"
    return say_usage("usage", chinese, english, _lang(lang), as_json, hint)


def _lang(lang: str) -> Any:
    return lang
