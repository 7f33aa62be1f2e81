"""What plain values of a file may be: how many, how deep, which numbers; and how what is otherwise is refused.

Numbers are never binary floats.
"""

from decimal import Decimal, InvalidOperation
from typing import NoReturn

from optimizer.errors import BadInput
from optimizer.findings import Finding, fault

VALUES_MAX = 100_000
"""Keys and items in one file: several thousand events."""
DEPTH_MAX = 30
"""Levels of nesting; event files use six."""
DIGITS_MAX = 30
"""A longer whole number is left as text, so that no one computes with it by accident."""


def whole(text: str) -> int | str:
    """A whole number, or the text where it is longer than anything that is counted."""
    return int(text) if len(text) <= DIGITS_MAX else text


def decimal(text: str) -> Decimal | str:
    """An exact decimal, or the text where it is beyond even those."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


def refuse(code: str, zh: str, en: str, *, row: int | None = None, value: object = None) -> NoReturn:
    """Raises BadInput with this one fault."""
    raise BadInput([fault(code, zh, en, row=row, value=value)])


def doubled(path: str, row: int | None, key: object) -> Finding:
    """The fault of a key that stands twice."""
    return fault("key_twice", "同一个键出现两次", "the same key stands there twice", path=path, row=row, value=key)


def too_deep(row: int | None) -> NoReturn:
    """Raises BadInput for nesting beyond DEPTH_MAX."""
    refuse("nesting", f"嵌套超过 {DEPTH_MAX} 层", f"is nested more than {DEPTH_MAX} deep", row=row)


def too_much(values_max: int) -> NoReturn:
    """Raises BadInput for more values than a file or a request may hold."""
    zh, en = f"超过 {values_max} 个值, 过大", f"holds more than {values_max} values: too large"
    refuse("file_too_large", zh, en)
