"""Our errors to exit codes and words, one table, two languages.

    0  the answer        1  our fault        2  the caller's input        3  a valid plan that leaves something
    130  stopped by Ctrl-C

Nothing of ours is imported at the top: a misspelt option is answered at once.
"""

import json
import sys
from typing import TYPE_CHECKING

from api.printable import printable, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optimizer.findings import Finding
    from optimizer.wording import Language

EXIT_OK = 0
EXIT_OUR_FAULT = 1
EXIT_BAD_INPUT = 2
EXIT_STOPPED = 130


def explain_error(error: BaseException, lang: "Language", as_json: bool) -> int:
    """Says what went wrong, where the caller looks for it, and gives the exit code."""
    from optimizer.errors import BadInput, Cancelled

    if isinstance(error, BadInput):
        return say_faults(error.findings, lang, as_json)
    if isinstance(error, KeyboardInterrupt | Cancelled):
        say("已停止, 没有写出任何文件。" if lang == "zh" else "Stopped; nothing was written.", sys.stderr)
        return EXIT_STOPPED
    return say_our_fault(error, lang, as_json)


def say_faults(findings: "Sequence[Finding]", lang: "Language", as_json: bool) -> int:
    """Every fault, one a line on stderr, or as one JSON object on stdout."""
    if as_json:
        document = {"error": "bad_input", "faults": [f.as_dict(lang) for f in findings]}
        say(json.dumps(document, ensure_ascii=False, indent=1), sys.stdout)
        return EXIT_BAD_INPUT
    from optimizer.wording import counted

    n = len(findings)
    head = f"输入有 {n} 处错误:" if lang == "zh" else f"The input has {counted(n, 'fault', 'faults')}:"
    say("\n".join([head, *(f"  {printable(f.say(lang))}" for f in findings)]), sys.stderr)
    return EXIT_BAD_INPUT


def say_usage(code: str, zh: str, en: str, lang: "Language", as_json: bool, hint: str = "") -> int:
    """A misuse of the command line itself."""
    message = zh if lang == "zh" else en
    if as_json:
        document = {"error": "bad_input", "faults": [{"code": code, "severity": "fault", "message": message}]}
        say(json.dumps(document, ensure_ascii=False, indent=1), sys.stdout)
    else:
        say(message, sys.stderr)
        if hint:
            say(hint, sys.stderr)
    return EXIT_BAD_INPUT


def say_our_fault(error: BaseException, lang: "Language", as_json: bool) -> int:
    """One sentence; the traceback only with JINHENG_DEBUG=1."""
    what = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}".rstrip(": ")
    zh = f"程序出错, 不是输入的问题 ({what})。设 JINHENG_DEBUG=1 再运行可见详情。"
    en = f"This is our fault, not the input's ({what}). Run again with JINHENG_DEBUG=1 for details."
    if as_json:
        message = zh if lang == "zh" else en
        say(json.dumps({"error": "our_fault", "message": message}, ensure_ascii=False, indent=1), sys.stdout)
    else:
        say(zh if lang == "zh" else en, sys.stderr)
    return EXIT_OUR_FAULT
