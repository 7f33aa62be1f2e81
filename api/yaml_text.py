"""The text of a YAML file becomes plain values, with the line that every key and item stands on.

Aliases, tags, duplicate keys and deep nesting are faults: an event file needs none of them, and each is a way to say
something other than what one reads.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

import yaml

from api.plain_values import DEPTH_MAX, VALUES_MAX, decimal, doubled, refuse, too_deep, too_much, whole
from optimizer.errors import BadInput
from optimizer.findings import Finding

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def read_yaml(text: str) -> tuple[Any, dict[str, int]]:
    """The values, and path -> line. Raises BadInput with every fault that can be told at once."""
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        row = None if mark is None else mark.line + 1
        lines = text.splitlines()
        shown = lines[row - 1].strip() if row is not None and row <= len(lines) else None
        refuse(
            "yaml",
            "不是有效的 YAML; 请检查缩进、冒号与引号",
            "is not valid YAML; check indentation, colons and quotes",
            row=row,
            value=shown,
        )
    if builder.found:
        raise BadInput(builder.found)
    return builder.value, builder.lines


@dataclass(eq=False)
class _Open:
    """A mapping or list that is being read."""

    value: Any
    path: str
    key: Any = None
    has_key: bool = False


class _Builder:
    """Plain values from YAML events, without recursion."""

    def __init__(self) -> None:
        self.value: Any = None
        self.lines: dict[str, int] = {}
        self.found: list[Finding] = []
        self._open: list[_Open] = []
        self._documents = 0
        self._count = 0

    def take(self, event: Any) -> None:
        """The next event."""
        if isinstance(event, yaml.ScalarEvent):
            self._put(_scalar(event), event)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            _no_tag(event)
            value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
            self._open.append(_Open(value, self._put(value, event)))
            if len(self._open) > DEPTH_MAX:
                too_deep(_line(event))
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._open.pop()
        elif isinstance(event, yaml.AliasEvent):
            zh, en = "不接受别名 (*); 请写出内容", "aliases (*) are not taken; write it out"
            refuse("yaml_alias", zh, en, row=_line(event), value=f"*{event.anchor}")
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                zh, en = "一个文件只能有一份文档 (---)", "a file should hold one document (---)"
                refuse("yaml_documents", zh, en, row=_line(event))

    def _put(self, value: Any, event: Any) -> str:
        """Puts a value where it belongs; returns its path."""
        line = _line(event)
        self._count += 1
        if self._count > VALUES_MAX:
            too_much(VALUES_MAX)
        if not self._open:
            self.value = value
            return ""
        owner = self._open[-1]
        if isinstance(owner.value, list):
            path = f"{owner.path}[{len(owner.value)}]"
            owner.value.append(value)
        elif not owner.has_key:
            return self._key(owner, value, line)
        else:
            path = _path(owner.path, owner.key)
            owner.value[owner.key] = value
            owner.has_key = False
            line = self.lines.get(path, line)
        self.lines.setdefault(path, line)
        return path

    def _key(self, owner: _Open, key: Any, line: int) -> str:
        if key is None or isinstance(key, dict | list):
            zh, en = "键应为文字", "a key should be text"
            refuse("yaml_key", zh, en, row=line)
        path = _path(owner.path, key)
        if key in owner.value:
            self.found.append(doubled(path, line, key))
        owner.key, owner.has_key = key, True
        self.lines.setdefault(path, line)
        return path


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _path(owner: str, key: Any) -> str:
    return f"{owner}[{key}]" if isinstance(key, int) else f"{owner}.{key}".lstrip(".")


def _scalar(event: Any) -> Any:
    """A scalar by the rules of YAML 1.2, less its traps: `010`, `1_000`, `12:30`, `.inf` and `yes` are text."""
    text = str(event.value)
    _no_tag(event)
    if not event.implicit[0]:
        return text
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text[0] in "tT"
    if _DATE.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            return text
    if _INTEGER.fullmatch(text):
        return whole(text)
    return decimal(text) if _DECIMAL.fullmatch(text) else text


def _no_tag(event: Any) -> None:
    if event.tag is not None and event.tag != "!":
        zh, en = "不接受类型标签 (!)", "type tags (!) are not taken"
        refuse("yaml_tag", zh, en, row=_line(event), value=event.tag)
