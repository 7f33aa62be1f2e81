"""A paper as PDF: set by Typst, kept for good as PDF/A-2a with its letters inside; the same bytes for the same paper.

The text goes to the template as data. What no letter at hand can show is written as its code, such as [U+1F389].
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Literal

import pylopdf_fonts_zh_cn
import typst

from api.reports.paper_parts import Facts, Grid, Heading, Notice, Paper, Paragraph, printed
from optimizer.plan import Json
from optimizer.wording import day_text

STANDARD: Literal["a-2a"] = "a-2a"
"""Made to be archived: all letters embedded, headings and tables tagged, nothing that cannot be shown."""
KINDS = {Heading: "heading", Paragraph: "paragraph", Notice: "notice", Grid: "grid", Facts: "facts"}
BARE = b"#text(sys.inputs.paper)"


class PaperNotSet(RuntimeError):
    """The template, its letters or the program that sets it are not as they should be."""


def paper_pdf(paper: Paper) -> bytes:
    """The paper as PDF. Raises PaperNotSet with what Typst complains about, warnings too."""
    data = json.dumps(paper_data(printed(paper)), ensure_ascii=False)
    stamp = datetime(paper.day.year, paper.day.month, paper.day.day, tzinfo=UTC)
    try:
        return _compiled(_template(), data, stamp)
    except typst.TypstError as error:
        # Seldom: a letter that none of the fonts has. Which ones is found out by setting them alone.
        shown = _with_codes(data)
        if shown == data:
            raise PaperNotSet(error.message) from error
    try:
        return _compiled(_template(), shown, stamp)
    except typst.TypstError as error:
        raise PaperNotSet(error.message) from error


def paper_data(paper: Paper) -> Json:
    """What the template reads."""
    day = paper.day
    return {
        **asdict(paper),
        "parts": [{"kind": KINDS[type(part)], **asdict(part)} for part in paper.parts],
        "day": [day.year, day.month, day.day],
        "day_text": day_text(day, paper.lang),
    }


def _compiled(template: bytes, data: str, stamp: datetime) -> bytes:
    content, warnings = typst.compile_with_warnings(
        template,
        font_paths=_letters(),
        ignore_system_fonts=True,
        format="pdf",
        sys_inputs={"paper": data},
        pdf_standards=STANDARD,
        timestamp=stamp,
    )
    if warnings:
        raise PaperNotSet("; ".join(w.message for w in warnings))
    if not isinstance(content, bytes):
        raise PaperNotSet(f"Typst gave {type(content).__name__}, no PDF")
    return content


def _with_codes(data: str) -> str:
    """JSON text whose characters can all be shown: others stand as their codes."""
    missing = set(_unshown(sorted(c for c in set(data) if not c.isascii())))
    return "".join(f"[U+{ord(c):04X}]" if c in missing else c for c in data)


def _unshown(characters: list[str]) -> Iterator[str]:
    """Those that no font at hand has, found by halves."""
    if not characters or _can_show("\n".join(characters)):
        return
    if len(characters) == 1:
        yield characters[0]
        return
    middle = len(characters) // 2
    yield from _unshown(characters[:middle])
    yield from _unshown(characters[middle:])


def _can_show(text: str) -> bool:
    try:
        _compiled(BARE, text, datetime(2000, 1, 1, tzinfo=UTC))
    except typst.TypstError:
        return False
    return True


@cache
def _template() -> bytes:
    return (resources.files("api.reports") / "paper.typ").read_bytes()


@cache
def _letters() -> typst.Fonts:
    """The letters of the package and those that come with Typst; none of the machine's."""
    folder = str(pylopdf_fonts_zh_cn.sans_path().parent)
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[folder])
