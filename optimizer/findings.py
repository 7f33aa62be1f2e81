"""Complaints as data: where, what, and what would be right, in both languages.

A fault makes input unusable; a warning is carried along and shown. Nothing here raises.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import ValidationError

from optimizer.known_keys import unknown_key
from optimizer.wording import Language, Text

VALUE_SHOWN_LENGTH = 60
"""Characters of an offending value that are repeated to the user (a value may be megabytes)."""


@dataclass(frozen=True)
class Finding:
    """One complaint. `row` counts as the file's reader counts (the first data row of a table below its header is 2)."""

    code: str
    message: Text
    severity: Literal["fault", "warning"]
    file: str = ""
    path: str = ""
    row: int | None = None
    column: str = ""
    value: str | None = None

    def say(self, lang: Language) -> str:
        """One line: place, offending value, complaint and remedy."""
        place = self.place(lang)
        shown = "" if self.value is None else repr(shorten(self.value)) + ("：" if lang == "zh" else ": ")
        separator = "：" if lang == "zh" else ": "
        return (place + separator if place else "") + shown + self.message.say(lang)

    def place(self, lang: Language) -> str:
        """Where the complaint sits: file, path in a document, row and column of a table."""
        row = "" if self.row is None else (f"第 {self.row} 行" if lang == "zh" else f"row {self.row}")
        column = "" if not self.column else (f"{self.column} 列" if lang == "zh" else f"column {self.column}")
        return " ".join(part for part in (self.file, self.path, row, column) if part)

    def at(self, file: str) -> "Finding":
        """The same complaint, placed in `file`."""
        return replace(self, file=file)

    def as_dict(self, lang: Language) -> dict[str, str | int]:
        """For JSON: the non-empty fields."""
        fields: dict[str, str | int | None] = {
            "code": self.code,
            "severity": self.severity,
            "file": self.file,
            "path": self.path,
            "row": self.row,
            "column": self.column,
            "value": None if self.value is None else shorten(self.value),
            "message": self.message.say(lang),
        }
        return {k: v for k, v in fields.items() if v is not None and v != ""}


def shorten(value: str) -> str:
    """`value` cut to what a person can use."""
    return value if len(value) <= VALUE_SHOWN_LENGTH else value[: VALUE_SHOWN_LENGTH - 1] + "…"


def fault(
    code: str, zh: str, en: str, *, path: str = "", value: object = None, column: str = "", row: int | None = None
) -> Finding:
    """A complaint that makes the input unusable."""
    shown = None if value is None else str(value)
    return Finding(code, Text(zh, en), "fault", path=path, value=shown, column=column, row=row)


def warning(
    code: str, zh: str, en: str, *, path: str = "", value: object = None, column: str = "", row: int | None = None
) -> Finding:
    """A complaint that is shown beside an answer."""
    return replace(fault(code, zh, en, path=path, value=value, column=column, row=row), severity="warning")


def faults(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Those that make the input unusable."""
    return tuple(f for f in findings if f.severity == "fault")


PYDANTIC_TEXTS: dict[str, Text] = {
    "missing": Text("缺少必填项", "a required key is missing"),
    "string_type": Text("应为文字 (数字请加引号)", "should be text (put quotes around a number)"),
    "int_type": Text("应为整数", "should be a whole number"),
    "int_parsing": Text("应为整数", "should be a whole number"),
    "int_from_float": Text("应为整数", "should be a whole number"),
    "bool_type": Text("应为 true 或 false", "should be true or false"),
    "bool_parsing": Text("应为 true 或 false", "should be true or false"),
    "date_type": Text("应为日期, 例如 2026-10-11", "should be a date such as 2026-10-11"),
    "date_parsing": Text("应为日期, 例如 2026-10-11", "should be a date such as 2026-10-11"),
    "date_from_datetime_parsing": Text("应为日期, 例如 2026-10-11", "should be a date such as 2026-10-11"),
    "date_from_datetime_inexact": Text(
        "应为不带时刻的日期, 例如 2026-10-11", "should be a date without a time, such as 2026-10-11"
    ),
    "list_type": Text("应为列表", "should be a list"),
    "tuple_type": Text("应为列表", "should be a list"),
    "dict_type": Text("应为键值表", "should be a mapping of keys to values"),
    "model_type": Text("应为键值表", "should be a mapping of keys to values"),
    "model_attributes_type": Text("应为键值表", "should be a mapping of keys to values"),
}


def faults_of(error: ValidationError, shape: Any) -> list[Finding]:
    """Every complaint of a pydantic validation, placed by its path in the document, which was to be a `shape`."""
    return [fault_of_error(dict(e), shape) for e in error.errors(include_url=False)]


def fault_of_error(error: dict[str, object], shape: Any) -> Finding:
    """One complaint of pydantic's about a document that was to be a `shape`, as its `errors()` gives it."""
    kind = str(error["type"])
    loc = error["loc"]
    place = loc if isinstance(loc, tuple) else (loc,)
    path = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in place).lstrip(".")
    ctx = error.get("ctx")
    ctx = ctx if isinstance(ctx, dict) else {}
    if "zh" in ctx:
        text = Text(str(ctx["zh"]), str(error["msg"]))
    elif kind == "extra_forbidden":
        text = unknown_key(shape, place)
    elif kind in PYDANTIC_TEXTS:
        text = PYDANTIC_TEXTS[kind]
    elif kind in ("literal_error", "enum"):
        text = Text(f"应为以下之一: {ctx.get('expected')}", f"should be one of: {ctx.get('expected')}")
    elif kind in ("greater_than_equal", "less_than_equal", "greater_than", "less_than"):
        words = {"ge": "不小于", "le": "不大于", "gt": "大于", "lt": "小于"}
        zh = "应" + ", ".join(f"{words[k]} {v}" for k, v in ctx.items() if k in words)
        text = Text(zh, str(error["msg"]))
    else:
        text = Text(f"不符合要求 ({error['msg']})", str(error["msg"]))
    value = error.get("input")
    shown = None if kind in ("missing",) or isinstance(value, dict | list | tuple) else str(value)
    return Finding(kind, text, "fault", path=path, value=shown)
