"""What pydantic finds wrong with a document, in the words of a person, in both languages."""

from collections.abc import Callable, Mapping
from typing import Any

from optimizer.wording import Text, counted

type Context = Mapping[str, Any]
"""The numbers of one complaint, as pydantic gives them beside its kind."""

_TEXT = Text("应为文字 (数字请加引号)", "should be text (put quotes around a number)")
_INTEGER = Text("应为整数", "should be a whole number")
_NUMBER = Text("应为数", "should be a number")
_TRUTH = Text("应为 true 或 false", "should be true or false")
_DATE = Text("应为日期, 例如 2026-10-11", "should be a date such as 2026-10-11")
_ONLY_A_DATE = Text("应为不带时刻的日期, 例如 2026-10-11", "should be a date without a time, such as 2026-10-11")
_MOMENT = Text(
    "应为日期和时刻, 例如 2026-10-11T09:00:00+08:00", "should be a date and time such as 2026-10-11T09:00:00+08:00"
)
_LIST = Text("应为列表", "should be a list")
_MAPPING = Text("应为键值表", "should be a mapping of keys to values")
_MISSING = Text("缺少必填项", "a required key is missing")

PLAIN: dict[str, Text] = {
    "missing": _MISSING,
    "missing_argument": _MISSING,
    "unexpected_positional_argument": Text("多出的一项", "one item too many"),
    "invalid_key": Text("键应为文字", "a key should be text"),
    "string_type": _TEXT,
    "string_unicode": Text("不是有效的 Unicode 文字", "is not valid Unicode text"),
    "int_type": _INTEGER,
    "int_parsing": _INTEGER,
    "int_from_float": _INTEGER,
    "int_parsing_size": Text("整数过大", "this whole number is too large"),
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "decimal_type": _NUMBER,
    "decimal_parsing": _NUMBER,
    "finite_number": Text("应为有限的数", "should be a finite number"),
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
    "date_type": _DATE,
    "date_parsing": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_from_datetime_inexact": _ONLY_A_DATE,
    "datetime_type": _MOMENT,
    "datetime_parsing": _MOMENT,
    "datetime_from_date_parsing": _MOMENT,
    "datetime_object_invalid": _MOMENT,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "named_tuple_type": _LIST,
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
}


def _one_of(listed: str) -> Text:
    return Text(f"应为以下之一: {listed.replace(' or ', ', ')}", f"should be one of: {listed}")


def _text_too_short(context: Context) -> Text:
    least = context["min_length"]
    if least == 1:
        return Text("不能为空", "should not be empty")
    return Text(f"至少应有 {least} 个字符", f"should have at least {counted(least, 'character', 'characters')}")


def _text_too_long(context: Context) -> Text:
    most = context["max_length"]
    return Text(f"最多 {most} 个字符", f"should have at most {counted(most, 'character', 'characters')}")


def _too_few(context: Context) -> Text:
    least = context["min_length"]
    return Text(f"至少应有 {least} 项", f"should have at least {counted(least, 'item', 'items')}")


def _too_many(context: Context) -> Text:
    most = context["max_length"]
    return Text(f"最多 {most} 项", f"should have at most {counted(most, 'item', 'items')}")


def _pattern(context: Context) -> Text:
    return Text(f"格式应为 {context['pattern']}", f"should match the pattern {context['pattern']}")


COUNTED: dict[str, Callable[[Context], Text]] = {
    "literal_error": lambda context: _one_of(context["expected"]),
    "enum": lambda context: _one_of(context["expected"]),
    "union_tag_invalid": lambda context: _one_of(context["expected_tags"]),
    "union_tag_not_found": lambda _: _MISSING,
    "greater_than_equal": lambda context: Text(f"应不小于 {context['ge']}", f"should be at least {context['ge']}"),
    "less_than_equal": lambda context: Text(f"应不大于 {context['le']}", f"should be at most {context['le']}"),
    "greater_than": lambda context: Text(f"应大于 {context['gt']}", f"should be more than {context['gt']}"),
    "less_than": lambda context: Text(f"应小于 {context['lt']}", f"should be less than {context['lt']}"),
    "string_too_short": _text_too_short,
    "string_too_long": _text_too_long,
    "too_short": _too_few,
    "too_long": _too_many,
    "string_pattern_mismatch": _pattern,
}


def words_of(kind: str, context: Context, message: str) -> Text:
    """A complaint of a `kind` of pydantic's; our own validators give their Chinese in the context, as `zh`.

    A kind that is not known here, which no document of ours can meet, keeps pydantic's own `message`.
    """
    if "zh" in context:
        return Text(str(context["zh"]), message)
    if kind in PLAIN:
        return PLAIN[kind]
    if kind in COUNTED:
        return COUNTED[kind](context)
    return Text(f"不符合要求 ({message})", message)
