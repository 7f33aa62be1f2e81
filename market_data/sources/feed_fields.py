"""Fields of feeds as exchanges and registries write them: thousands commas, trailing spaces, "-" for none, UTC stamps.

Only what several feeds share. A field that cannot be read is a `FieldError`; the feed names the row and the field.
"""

import json
import re
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from market_data.sources.coded_cells import sound_text
from market_data.sources.raw_table import refuse
from optimizer.findings import fault
from optimizer.quantities import NotANumber, decimal_of

NOTHING = frozenset({"", "-", "--", "—", "null", "None", "nan", "NaN", "NaT"})
CHINA_OFFSET = timedelta(hours=8)
"""China has kept UTC+8 without summer time since 1992."""
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?")
"""Commas that stand between thousands: "97,40" is a decimal comma or a slip, and no feed's way to write 9740."""
_HALF_PAIR_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
"""JSON can escape half a surrogate pair, which no text can hold."""


class FieldError(ValueError):
    """The field is there and cannot be read."""


def number_of(value: object) -> Decimal | None:
    """A number with thousands commas, spaces around, a percent-free plain decimal; None where there is none.

    Raises:
        FieldError: anything else, NaN and infinities included when they are not the mark for a missing value.
    """
    if value is None:
        return None
    text = value.strip() if isinstance(value, str) else value
    if isinstance(text, float) and text != text:
        return None
    if isinstance(text, str) and text in NOTHING:
        return None
    if isinstance(text, str) and _GROUPED.fullmatch(text):
        text = text.replace(",", "")
    try:
        return decimal_of(text)
    except (NotANumber, ValueError):
        raise FieldError(str(value)) from None


def scaled_half_up(number: Decimal, decimals: int) -> int:
    """`number` x 10^decimals to the nearest integer, halves up: sources print prices as binary floats (24.200001)."""
    return int(number.scaleb(decimals).to_integral_value(ROUND_HALF_UP))


def compact_day(value: object) -> date:
    """A day like 20260819 or 2026-08-19 (a time behind it is cut off). Raises FieldError."""
    text = str(value).strip()
    try:
        if len(text) == 8 and text.isdigit():
            return date(int(text[:4]), int(text[4:6]), int(text[6:]))
        if text[10:11] not in ("", " ", "T"):
            raise FieldError(text)
        return date.fromisoformat(text[:10])
    except ValueError:
        raise FieldError(str(value)) from None


def china_day_of_utc(value: object) -> tuple[date, bool] | None:
    """The day in China of a registry's UTC stamp ("2026-05-06 16:00:00" is 7 May), and whether it moved.

    A stamp without a time of day is a day as it stands. None where there is none. Raises FieldError.
    """
    if value is None or str(value).strip() in NOTHING:
        return None
    text = str(value).strip().replace("T", " ").removesuffix("Z")
    try:
        if len(text) <= 10:
            return compact_day(text), False
        stamp = datetime.fromisoformat(text)
    except ValueError:
        raise FieldError(str(value)) from None
    shifted = (stamp.replace(tzinfo=None) + CHINA_OFFSET).date()
    return shifted, shifted != stamp.date()


def _sound_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {sound_text(key): sound_text(value) if isinstance(value, str) else value for key, value in pairs}


def json_of(content: bytes, name: str) -> Any:
    """The JSON of an answer; a page of HTML or a cut-off answer is named for what it is.

    Raises:
        BadInput: HTML, broken or truncated JSON, text that is no JSON.
    """
    head = content.lstrip()[:200].lower()
    if head.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<script")):
        zh, en = (
            "收到的是网页而不是数据 (维护页, 登录页或拦截页); 请稍后再试, 或改用下载的文件",
            "is a web page, not data (maintenance, log-in or a block); try later, or use a file you have",
        )
        raise refuse(fault("feed_html", zh, en).at(name))
    try:
        text = content.decode("utf-8-sig")
        hook = _sound_object if _HALF_PAIR_ESCAPE.search(text) else None
        return json.loads(text, parse_float=Decimal, parse_constant=str, object_pairs_hook=hook)
    except (ValueError, RecursionError) as error:  # ValueError: also an integer of more digits than Python reads
        where = f" (第 {error.pos} 个字符)" if isinstance(error, json.JSONDecodeError) else ""
        at = f" (at character {error.pos})" if isinstance(error, json.JSONDecodeError) else ""
        zh = f"不是完好的 JSON{where}, 可能传输中断; 请重新获取"
        en = f"is not sound JSON{at}, cut off on its way perhaps; fetch it again"
        raise refuse(fault("feed_json_broken", zh, en).at(name)) from None
