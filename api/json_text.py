"""The text of a JSON file or of a request becomes plain values; of a file, with the lines of its keys and items.

`NaN`, duplicate keys, halves of characters and deep nesting are faults.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, NoReturn

from api.plain_values import DEPTH_MAX, VALUES_MAX, decimal, doubled, refuse, too_deep, too_much, whole
from api.yaml_text import read_yaml
from optimizer.errors import BadInput
from optimizer.findings import Finding

_SURROGATE = re.compile("[\ud800-\udfff]")


def is_json(text: str) -> bool:
    """Whether a text that begins like JSON is JSON; else it is YAML in braces."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def read_json(text: str) -> tuple[Any, dict[str, int]]:
    """The values of a file, and path -> line. Raises BadInput."""
    return parse_json(text, VALUES_MAX), _lines_of_json(text)


def parse_json(text: str, values_max: int) -> Any:
    """The values, at most `values_max` keys and items of them. Raises BadInput."""
    found: list[Finding] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(items)
        if len(value) < len(items):
            counted = Counter(key for key, _ in items)
            found.extend(doubled(key, None, key) for key, n in counted.items() for _ in range(n - 1))
        return value

    def constant(name: str) -> NoReturn:
        refuse("not_finite", "NaN 与 Infinity 不是数", "NaN and Infinity are no numbers", value=name)

    try:
        value = json.loads(text, parse_float=decimal, parse_int=whole, parse_constant=constant, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        zh, en = (
            "不是有效的 JSON; 请检查逗号、引号与括号",
            "is not valid JSON; check commas, quotes and brackets",
        )
        shown = text[error.pos : error.pos + 30].splitlines()
        refuse("json", zh, en, row=error.lineno, value=shown[0] if shown else None)
    except RecursionError:
        too_deep(None)
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
            too_deep(None)
        if count > values_max:
            too_much(values_max)
        layer, depth = below, depth + 1


def _refuse_halves(layer: Sequence[Any]) -> None:
    """Refuses text with half a character in it, keys included."""
    for one in layer:
        texts = list(one) if type(one) is dict else [one] if type(one) is str else []
        for text in texts:
            if _SURROGATE.search(text):
                zh, en = "含残缺的 Unicode 字符 (孤立的代理项)", "holds half a character (a lone surrogate)"
                refuse("encoding", zh, en, value=ascii(text))


def _lines_of_json(text: str) -> dict[str, int]:
    """Lines of a JSON file, read as the YAML that it nearly always is; none where it is not."""
    try:
        return read_yaml(text)[1]
    except BadInput:
        return {}
