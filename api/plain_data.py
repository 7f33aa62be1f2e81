"""The text of a YAML or JSON file becomes plain values: mappings, lists, text, whole numbers, exact decimals, dates.

Here live encodings, sizes and syntax; what the keys mean is the business of the rooms that ask. Numbers are never
binary floats. Every key and item keeps the line it stands on. Aliases, tags, duplicate keys and deep nesting are
faults: an event file needs none of them, and each is a way to say something other than what one reads.
"""

import json
import re
import stat
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NoReturn

import yaml

from optimizer.errors import BadInput
from optimizer.findings import Finding, fault

BYTES_MAX = 10_000_000
"""An event file of a thousand events is half a megabyte."""
VALUES_MAX = 100_000
"""Keys and items in one file: several thousand events."""
WIRE_VALUES_MAX = 5_000_000
"""Keys and items in one request, whose bytes are bounded already: 100,000 offers of 25 cells."""
DEPTH_MAX = 30
"""Levels of nesting; event files use six."""
DIGITS_MAX = 30
"""A longer whole number is left as text, so that no one computes with it by accident."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_CONTROL_BYTES = bytes([*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F])
"""Part of no other character in UTF-8 and GB18030: where there are none, the text need not be gone through."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_LAST_STEP = re.compile(r"(\.[^.\[\]]*|\[[^\[\]]*\])$")
_BINARY = {
    b"PK": "ZIP/XLSX",
    b"%PDF": "PDF",
    b"\x1f\x8b": "GZIP",
    b"\x89PNG": "PNG",
    b"\xd0\xcf\x11\xe0": "XLS/DOC",
    b"PAR1": "Parquet",
}


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
            _refuse("file_empty", "文件没有内容", "the file has no content")
        is_json = file.casefold().endswith(".json") or (text.lstrip()[0] in "{[" and _is_json(text))
        value, lines = _read_json(text) if is_json else _read_yaml(text)
    except BadInput as error:
        raise BadInput([f.at(file) for f in error.findings]) from error.__cause__
    return PlainData(value, file, lines)


def plain_json(content: bytes) -> Any:
    """The plain values of a JSON text that came over the wire. Raises BadInput as `read_plain` does."""
    text = text_of(content)
    if not text.strip():
        _refuse("body_empty", "没有内容", "has no content")
    return _parse_json(text, WIRE_VALUES_MAX)


def bytes_of(path: Path, most: int = BYTES_MAX) -> bytes:
    """The bytes of an ordinary file of reasonable size. Raises BadInput."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            _refuse("file_is_directory", "是文件夹, 应为文件", "is a directory; should be a file")
        if not stat.S_ISREG(mode):
            _refuse("file_not_regular", "不是普通文件", "is not a regular file")
        with path.open("rb") as file:
            content = file.read(most + 1)
    except (FileNotFoundError, NotADirectoryError):
        _refuse("file_missing", "找不到文件; 请检查路径", "does not exist; check the path")
    except (OSError, ValueError):
        _refuse("file_unreadable", "无法读取; 请检查路径和权限", "cannot be read; check the path and the permissions")
    if len(content) > most:
        size = most // 1_000_000
        _refuse("file_too_large", f"超过 {size} MB, 过大", f"is larger than {size} MB")
    return content


def text_of(content: bytes) -> str:
    """UTF-8 with or without BOM, or GB18030. Raises BadInput for what is no text."""
    for magic, name in _BINARY.items():
        if content.startswith(magic):
            _refuse("file_format", f"是 {name} 文件; 应为 YAML 或 JSON", f"is a {name} file; should be YAML or JSON")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        _refuse("encoding", "是 UTF-16 编码; 请另存为 UTF-8", "is encoded in UTF-16; save it as UTF-8")
    text = None
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    if text is None:
        _refuse("encoding", "不是 UTF-8 或 GB18030 文本", "is neither UTF-8 nor GB18030 text")
    clean = len(content.translate(None, _CONTROL_BYTES)) == len(content)
    odd = None if clean and "\ufffe" not in text and "\uffff" not in text else _CONTROL.search(text)
    if odd is not None:
        _refuse(
            "binary",
            "含控制字符, 不是文本文件; 应为 UTF-8 的 YAML 或 JSON",
            "holds control characters: no text file; should be YAML or JSON in UTF-8",
            row=text.count("\n", 0, odd.start()) + 1,
            value=repr(odd.group()),
        )
    return text


def _refuse(code: str, zh: str, en: str, *, row: int | None = None, value: object = None) -> NoReturn:
    raise BadInput([fault(code, zh, en, row=row, value=value)])


# -------------------------------------------------------------------------------------------------------------- JSON


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _read_json(text: str) -> tuple[Any, dict[str, int]]:
    return _parse_json(text, VALUES_MAX), _lines_of_json(text)


def _parse_json(text: str, values_max: int) -> Any:
    found: list[Finding] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(items)
        if len(value) < len(items):
            counted = Counter(key for key, _ in items)
            found.extend(_doubled(key, None, key) for key, n in counted.items() for _ in range(n - 1))
        return value

    def constant(name: str) -> NoReturn:
        _refuse("not_finite", "NaN 与 Infinity 不是数", "NaN and Infinity are no numbers", value=name)

    try:
        value = json.loads(
            text, parse_float=_decimal, parse_int=_whole, parse_constant=constant, object_pairs_hook=pairs
        )
    except json.JSONDecodeError as error:
        zh, en = (
            "不是有效的 JSON; 请检查逗号、引号与括号",
            "is not valid JSON; check commas, quotes and brackets",
        )
        shown = text[error.pos : error.pos + 30].splitlines()
        _refuse("json", zh, en, row=error.lineno, value=shown[0] if shown else None)
    except RecursionError:
        _too_deep(None)
    _measure(value, values_max, halves="\\ud" in text or "\\uD" in text)
    if found:
        raise BadInput(found)
    return value


def _measure(value: Any, values_max: int, halves: bool) -> None:
    """Refuses what is too deep, too much, or, where `halves` of characters may stand in it, no whole text."""
    layer, depth, count = [value], 1, 0
    while layer:
        below: list[Any] = []
        for one in layer:
            if type(one) is dict:
                below += one.values()
                count += 2 * len(one)
            elif type(one) is list:
                below += one
                count += len(one)
        if halves:
            _refuse_halves(layer)
        if below and depth > DEPTH_MAX:
            _too_deep(None)
        if count > values_max:
            _too_much(values_max)
        layer, depth = below, depth + 1


def _refuse_halves(layer: Sequence[Any]) -> None:
    """Refuses text with half a character in it, keys included."""
    for one in layer:
        texts = list(one) if type(one) is dict else [one] if type(one) is str else []
        for text in texts:
            if _SURROGATE.search(text):
                zh, en = "含残缺的 Unicode 字符 (孤立的代理项)", "holds half a character (a lone surrogate)"
                _refuse("encoding", zh, en, value=ascii(text))


def _lines_of_json(text: str) -> dict[str, int]:
    """Lines of a JSON file, read as the YAML that it nearly always is; none where it is not."""
    try:
        return _read_yaml(text)[1]
    except BadInput:
        return {}


# -------------------------------------------------------------------------------------------------------------- YAML


def _read_yaml(text: str) -> tuple[Any, dict[str, int]]:
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        row = None if mark is None else mark.line + 1
        lines = text.splitlines()
        shown = lines[row - 1].strip() if row is not None and row <= len(lines) else None
        _refuse(
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
                _too_deep(_line(event))
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._open.pop()
        elif isinstance(event, yaml.AliasEvent):
            zh, en = "不接受别名 (*); 请写出内容", "aliases (*) are not taken; write it out"
            _refuse("yaml_alias", zh, en, row=_line(event), value=f"*{event.anchor}")
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                zh, en = "一个文件只能有一份文档 (---)", "a file should hold one document (---)"
                _refuse("yaml_documents", zh, en, row=_line(event))

    def _put(self, value: Any, event: Any) -> str:
        """Puts a value where it belongs; returns its path."""
        line = _line(event)
        self._count += 1
        if self._count > VALUES_MAX:
            _too_much(VALUES_MAX)
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
            _refuse("yaml_key", zh, en, row=line)
        path = _path(owner.path, key)
        if key in owner.value:
            self.found.append(_doubled(path, line, key))
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
        return _whole(text)
    return _decimal(text) if _DECIMAL.fullmatch(text) else text


def _no_tag(event: Any) -> None:
    if event.tag is not None and event.tag != "!":
        zh, en = "不接受类型标签 (!)", "type tags (!) are not taken"
        _refuse("yaml_tag", zh, en, row=_line(event), value=event.tag)


def _whole(text: str) -> int | str:
    return int(text) if len(text) <= DIGITS_MAX else text


def _decimal(text: str) -> Decimal | str:
    try:
        return Decimal(text)
    except InvalidOperation:  # the exponent is beyond even decimals
        return text


def _doubled(path: str, row: int | None, key: object) -> Finding:
    return fault("key_twice", "同一个键出现两次", "the same key stands there twice", path=path, row=row, value=key)


def _too_deep(row: int | None) -> NoReturn:
    _refuse("nesting", f"嵌套超过 {DEPTH_MAX} 层", f"is nested more than {DEPTH_MAX} deep", row=row)


def _too_much(values_max: int) -> NoReturn:
    zh, en = f"超过 {values_max} 个值, 过大", f"holds more than {values_max} values: too large"
    _refuse("file_too_large", zh, en)
