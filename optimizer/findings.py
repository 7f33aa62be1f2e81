"""Complaints as data: where, what, and what would be right, in both languages.

A fault makes input unusable; a warning is carried along and shown. Nothing here raises.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import ValidationError

from optimizer.known_keys import meant, unknown_key
from optimizer.pydantic_words import words_of
from optimizer.wording import Language, Text

VALUE_SHOWN_LENGTH = 60
"""Characters of an offending value that are repeated to the user (a value may be megabytes)."""

_UNION_STEP = re.compile(r"(?:^|\.)(literal|tuple)\[[^\]]*\]")
"""The step into a branch of a choice that pydantic writes into its places."""


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


def faults_of(error: ValidationError, shape: Any) -> list[Finding]:
    """Every complaint of a pydantic validation, placed by its path in the document, which was to be a `shape`."""
    return one_of_each(fault_of_error(dict(e), shape) for e in error.errors(include_url=False))


def fault_of_error(error: dict[str, object], shape: Any) -> Finding:
    """One complaint of pydantic's about a document that was to be a `shape`, as its `errors()` gives it."""
    kind = str(error["type"])
    context = error.get("ctx")
    context = context if isinstance(context, dict) else {}
    loc = error["loc"]
    shape, place = meant(shape, loc if isinstance(loc, tuple) else (loc,))
    value = error.get("input")
    if "discriminator" in context:  # what is wrong is the key that decides between models
        place, value = (*place, context["discriminator"].strip("'")), context.get("tag")
    path = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in place).lstrip(".")
    text = unknown_key(shape, place) if kind == "extra_forbidden" else words_of(kind, context, str(error["msg"]))
    missing = kind in ("missing", "union_tag_not_found")
    shown = None if missing or isinstance(value, dict | list | tuple) else str(value)
    return Finding(kind, text, "fault", path=path, value=shown)


def one_of_each(findings: Iterable[Finding]) -> list[Finding]:
    """Complaints as a person would make them, each once.

    Of a choice between a name and a list only the branch that was meant is told; a list that is short because its
    items are faulty is not told so as well.
    """
    kept = []
    for one in findings:
        step = _UNION_STEP.search(one.path)
        if step is not None:
            scalar = one.value is not None and one.path.endswith(step.group())
            if (step.group(1) == "literal") != scalar:
                continue
            one = replace(one, path=_UNION_STEP.sub("", one.path).lstrip("."))
        kept.append(replace(one, path=one.path.replace(".[key]", "")))
    inner = {f.path for f in kept}
    return [
        f for f in dict.fromkeys(kept) if f.code != "too_short" or not any(p.startswith(f"{f.path}[") for p in inner)
    ]
