"""The text of a YAML or JSON file becomes plain values: mappings, lists, text, whole numbers, exact decimals, dates.

Here live the file as a whole and the places of complaints in it; what the keys mean is the business of the rooms that
ask. Every key and item keeps the line it stands on.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from api.file_text import bytes_of, text_of
from api.json_text import is_json, parse_json, read_json
from api.plain_values import refuse
from api.yaml_text import read_yaml
from optimizer.errors import BadInput
from optimizer.findings import Finding

WIRE_VALUES_MAX = 5_000_000
"""Keys and items in one request, whose bytes are bounded already: 100,000 offers of 25 cells."""

_LAST_STEP = re.compile(r"(\.[^.\[\]]*|\[[^\[\]]*\])$")


@dataclass(frozen=True)
class PlainData:
    """What a file says, and on which line each path of it stands."""

    value: Any
    file: str
    lines: dict[str, int] = field(default_factory=dict)

    def place(self, findings: Sequence[Finding]) -> list[Finding]:
        """The findings with file and, where it is known, line."""
        return [replace(f, file=f.file or self.file, row=f.row or self.line_of(f.path)) for f in findings]

    def line_of(self, path: str) -> int | None:
        """The line of a path, or of the nearest thing around it that is there."""
        while path and path not in self.lines:
            shorter = _LAST_STEP.sub("", path)
            path = shorter if shorter != path else ""
        return self.lines.get(path) if path else None


def read_plain(path: Path) -> PlainData:
    """A file's plain values. Raises BadInput with every fault of its syntax that can be told at once."""
    try:
        content = bytes_of(path)
    except BadInput as error:
        raise BadInput([f.at(path.name) for f in error.findings]) from error.__cause__
    return plain_content(content, path.name)


def plain_content(content: bytes, file: str) -> PlainData:
    """The plain values of a file's bytes; `file` is its name. Raises BadInput as `read_plain` does."""
    try:
        text = text_of(content)
        if not text.strip():
            refuse("file_empty", "文件没有内容", "the file has no content")
        json = file.casefold().endswith(".json") or (text.lstrip()[0] in "{[" and is_json(text))
        value, lines = read_json(text) if json else read_yaml(text)
    except BadInput as error:
        raise BadInput([f.at(file) for f in error.findings]) from error.__cause__
    return PlainData(value, file, lines)


def plain_json(content: bytes) -> Any:
    """The plain values of a JSON text that came over the wire. Raises BadInput as `read_plain` does."""
    text = text_of(content)
    if not text.strip():
        refuse("body_empty", "没有内容", "has no content")
    return parse_json(text, WIRE_VALUES_MAX)
