"""JSON files: a list of objects, or {"offers": [...]}; rows count from 1, the first object of the list.

Numbers are read as decimals, never as binary floats. NaN, Infinity, doubled keys and nested values are faults with
their row; a key that an object lacks is an empty cell.
"""

import json
from decimal import Decimal
from typing import Any

import numpy as np

from market_data.sources.coded_cells import CodedCells, coded_texts, sound_text
from market_data.sources.csv_text import decode
from market_data.sources.raw_table import RawTable, cell_text, check_length, check_width, decimal_text, refuse
from optimizer.findings import Finding, fault


class _Row(dict[str, Any]):
    """One object, with the keys that it holds twice."""

    doubled: tuple[str, ...] = ()


def read_json(content: bytes) -> RawTable:
    """The raw table of a JSON file.

    Raises:
        BadInput: no JSON, nested too deep, or no list of objects.
    """
    text = decode(content)
    try:
        document = json.loads(text, parse_float=_decimal, parse_int=str, parse_constant=str, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        zh = f"不是完好的 JSON: 第 {error.lineno} 行第 {error.colno} 个字符处出错"
        en = f"is not sound JSON: stops making sense at line {error.lineno}, character {error.colno} ({error.msg})"
        raise refuse(fault("json_broken", zh, en)) from None
    except RecursionError:
        zh, en = "嵌套过深; 应为对象的列表", "is nested too deep; should be a list of objects"
        raise refuse(fault("json_too_deep", zh, en)) from None
    return table_of_rows(_rows_of(document))


def _object(pairs: list[tuple[str, Any]]) -> _Row:
    row = _Row(pairs)
    if len(row) != len(pairs):
        keys = [key for key, _ in pairs]
        row.doubled = tuple(dict.fromkeys(k for k in keys if keys.count(k) > 1))
    return row


def _decimal(text: str) -> str:
    return decimal_text(Decimal(text)) if len(text) < 100 else text


def _rows_of(document: object) -> list[Any]:
    rows = document.get("offers") if isinstance(document, dict) else document
    if isinstance(document, dict) and (not isinstance(rows, list) or len(document) != 1):
        zh, en = (
            '应为对象的列表, 或只含一个键 "offers" 的对象',
            'should be a list of objects, or an object with the one key "offers"',
        )
        raise refuse(fault("json_shape", zh, en, value=sound_text(", ".join(list(document)[:5]))))
    if not isinstance(rows, list):
        raise refuse(fault("json_shape", "应为对象的列表", "should be a list of objects"))
    return rows


def table_of_rows(rows: list[Any]) -> RawTable:
    """The raw table of rows that are plain values already: mappings of text, numbers, true and false."""
    check_length(len(rows))
    found: list[Finding] = []
    positions = [number for number, row in enumerate(rows, 1) if isinstance(row, dict)]
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            found.append(
                fault("json_row", "应为对象 {...}", "should be an object {...}", row=number, value=sound_text(str(row)))
            )
        elif isinstance(row, _Row) and row.doubled:
            found.extend(_doubled(key, number) for key in row.doubled)
    objects = [row for row in rows if isinstance(row, dict)]
    headers = list(dict.fromkeys(key for row in objects for key in row))
    check_width(len(headers))
    columns = []
    for header in headers:
        values: list[Any] = [row.get(header) for row in objects]
        kinds = set(map(type, values))
        if kinds - {str, bool, type(None)}:
            nested = [n for n, v in zip(positions, values, strict=True) if isinstance(v, dict | list)]
            found.extend(_nested(header, number) for number in nested)
        texts = values if kinds == {str} else [cell_text(v) for v in values]
        columns.append(coded_texts(texts))
    table = RawTable(tuple(sound_text(h) for h in headers), CodedCells(columns), np.array(positions, dtype=np.int64))
    for finding in found:
        table.complaints.add(finding)
    return table


def _doubled(key: str, number: int) -> Finding:
    return fault(
        "duplicate_key", "同一对象中出现两次", "stands twice in one object", row=number, column=sound_text(key)
    )


def _nested(header: str, number: int) -> Finding:
    zh, en = "应为文字或数字, 不是列表或对象", "should be text or a number, not a list or an object"
    return fault("json_nested", zh, en, row=number, column=sound_text(header))
