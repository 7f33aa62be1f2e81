"""Offers as a pandas frame and back, and as files: what is written is read back as the same offers.

    text                       "str", blank is missing
    vintage                    Int64, blank is <NA>                        year
    quantity, min, lot         decimal128(13, 3) of Arrow                  t
    price, fees                decimal128(16, 2) of Arrow                  yuan/t, fixed_fee in yuan
    fee_rate, buffer           decimal128(5, 4) of Arrow                   share
    dates                      datetime64[s], blank is NaT
    settlement_days            int64                                       calendar days
    firm                       bool

Exact decimals, because money and mass are never binary floats at an edge; `.astype(float)` where a float will do.
"""

import json
import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import xlsxwriter  # type: ignore[import-untyped]  # it ships no types

from market_data.columns import OFFER_COLUMNS, Column
from market_data.normalize import normalize
from market_data.sources.coded_cells import CodedCells, Codes, Texts, coded_texts, sound_text
from market_data.sources.raw_table import RawTable, cell_text, check_width, refuse
from optimizer.findings import fault
from optimizer.offers import Ints, Labels, Offers
from optimizer.quantities import plain
from optimizer.wording import Language

DECIMALS: dict[str, tuple[int, int]] = {
    "mass": (13, 3),
    "lot": (13, 3),
    "price": (16, 2),
    "money": (16, 2),
    "rate": (5, 4),
    "buffer": (5, 4),
}
"""Digits and decimals of the exact columns, by kind."""

XLSX_ROWS_MAX = 1_048_575
"""Offers that fit on one sheet below the header."""
ROWS_WRITTEN_AT_ONCE = 50_000
"""Rows of a CSV file that stand in memory as text."""
_NEEDS_QUOTES = re.compile('[",\r\n]')
WRITTEN_AT = datetime(2000, 1, 1)
"""The date inside a workbook: fixed, so that the same offers give the same bytes."""


def offers_from_frame(frame: pd.DataFrame) -> Offers:
    """The offers of a frame with the contract's columns (Chinese or English headers); missing values are blanks.

    Rows are counted from 1. Floats are read by their shortest decimal form.

    Raises:
        BadInput: every fault of the frame at once.
    """
    check_width(frame.shape[1])
    cells = CodedCells.of([_coded_texts(frame.iloc[:, i]) for i in range(frame.shape[1])])
    headers = tuple(sound_text(str(c)) for c in frame.columns)
    return normalize(RawTable(headers, cells, np.arange(1, len(frame) + 1, dtype=np.int64)))[0]


def offers_to_frame(offers: Offers) -> pd.DataFrame:
    """The offers as a frame with the contract's columns; types and units stand at the head of this module."""
    return pd.DataFrame({c.name: _series(c, getattr(offers, c.field)) for c in OFFER_COLUMNS})


def write_offers(offers: Offers, path: Path | str, *, lang: Language = "en") -> None:
    """Writes CSV (UTF-8 with byte-order mark), XLSX, JSON or Parquet, as the name's ending says.

    `lang` is the language of the headers of CSV and XLSX; JSON and Parquet carry the contract's names.

    Raises:
        BadInput: an ending that is none of these, or more offers than a sheet holds.
    """
    target = Path(path)
    writers = {".csv": _write_csv, ".xlsx": _write_xlsx, ".json": _write_json, ".parquet": _write_parquet}
    writer: Callable[[Offers, Path, Language], None] | None = writers.get(target.suffix.casefold())
    if writer is None:
        zh, en = "文件名应以 .csv, .xlsx, .json 或 .parquet 结尾", "should end in .csv, .xlsx, .json or .parquet"
        raise refuse(fault("file_format", zh, en, value=target.name))
    writer(offers, target, lang)


def _coded_texts(column: "pd.Series[Any]") -> tuple[Codes, Texts]:
    if isinstance(column.dtype, pd.StringDtype) or column.dtype == object:
        return coded_texts(
            ["" if _missing(v) else sound_text(v) if isinstance(v, str) else cell_text(v) for v in column]
        )
    codes, distinct = pd.factorize(column)
    return (codes % (len(distinct) + 1)).astype(np.int32), Texts.of([*(cell_text(v) for v in distinct), ""])


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def _series(column: Column, values: Any) -> "pd.Series[Any]":
    if isinstance(values, Labels):
        table = pa.array([*values.names, None], pa.large_string())
        return pd.Series(table.take(pa.array(values.codes % (len(values.names) + 1))), dtype="str")
    if column.kind == "id":
        return pd.Series(values, dtype="str")
    if column.kind == "date":
        return pd.Series(values.astype("datetime64[s]"))
    if column.kind == "vintage":
        return pd.Series(values, dtype="Int64").mask(values == 0)
    if column.kind in DECIMALS:
        return pd.Series(_decimals(values, *DECIMALS[column.kind]))
    return pd.Series(values)


def _decimals(values: Ints, digits: int, decimals: int) -> Any:
    """Integers in units of 10^-decimals as exact decimals, without a copy a cell."""
    words = np.empty((len(values), 2), dtype=np.int64)
    words[:, 0] = values
    words[:, 1] = values >> 63
    kind = pa.decimal128(digits, decimals)
    return pd.array(pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(words)]), dtype=pd.ArrowDtype(kind))


def _text_columns(offers: Offers) -> dict[str, list[str]]:
    """Every column as text: what stands in a CSV or JSON file."""
    return {c.name: _texts(c, getattr(offers, c.field)) for c in OFFER_COLUMNS}


def _texts(column: Column, values: Any) -> list[str]:
    if column.kind == "id":
        return [str(v) for v in values]
    codes, texts = _coded(column, values)
    return [*np.array(texts, dtype=object)[codes]]


def _coded(column: Column, values: Any) -> tuple[Ints, list[str]]:
    """A column as codes into its distinct texts."""
    if isinstance(values, Labels):
        return values.codes % np.int64(len(values.names) + 1), [*values.names, ""]
    if column.kind == "id":
        return np.arange(len(values)), [str(v) for v in values]
    codes, distinct = pd.factorize(values.astype(np.int64))
    return codes.astype(np.int64), [_text(column, v) for v in distinct.astype(values.dtype)]


def _text(column: Column, value: Any) -> str:
    if column.kind == "date":
        return "" if np.isnat(value) else str(value)
    if column.kind == "bool":
        return "true" if value else "false"
    if column.kind == "vintage":
        return str(value) if value else ""
    decimals = DECIMALS.get(column.kind, (0, 0))[1]
    return plain(_decimal(int(value), decimals))


def _decimal(value: int, decimals: int) -> Any:
    return Decimal(value).scaleb(-decimals)


def _write_csv(offers: Offers, path: Path, lang: Language) -> None:
    """Rows of text made by Arrow, some at a time: the distinct texts of a column are quoted once each."""
    columns = []
    for column in OFFER_COLUMNS:
        codes, texts = _coded(column, getattr(offers, column.field))
        ending = "\r\n" if column is OFFER_COLUMNS[-1] else ""
        columns.append((codes, pa.array([_quoted(text) + ending for text in texts], pa.large_string())))
    comma = pa.scalar(",", pa.large_string())
    with path.open("wb") as file:
        file.write(("\ufeff" + ",".join(_quoted(_header(c, lang)) for c in OFFER_COLUMNS) + "\r\n").encode())
        for start in range(0, len(offers), ROWS_WRITTEN_AT_ONCE):
            rows = slice(start, start + ROWS_WRITTEN_AT_ONCE)
            lines = pc.binary_join_element_wise(*(texts.take(pa.array(codes[rows])) for codes, texts in columns), comma)
            file.write(lines.buffers()[2])


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.search(text) else text


def _write_json(offers: Offers, path: Path, lang: Language) -> None:

    columns = _text_columns(offers)
    rows = [
        {name: cell for name, cell in zip(columns, row, strict=True) if cell}
        for row in zip(*columns.values(), strict=True)
    ]
    path.write_text(json.dumps({"offers": rows}, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _write_parquet(offers: Offers, path: Path, lang: Language) -> None:
    table = pa.Table.from_pandas(offers_to_frame(offers), preserve_index=False)
    pq.write_table(table.replace_schema_metadata(None), path)


def _write_xlsx(offers: Offers, path: Path, lang: Language) -> None:
    if len(offers) > XLSX_ROWS_MAX:
        zh, en = (
            f"XLSX 至多 {XLSX_ROWS_MAX} 行; 请改用 CSV 或 Parquet",
            f"XLSX holds at most {XLSX_ROWS_MAX} rows; use CSV or Parquet",
        )
        raise refuse(fault("too_many_rows", zh, en))
    options = {
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "constant_memory": True,
    }
    with xlsxwriter.Workbook(path, options) as book:
        book.set_properties({"created": WRITTEN_AT})
        sheet = book.add_worksheet("报价" if lang == "zh" else "offers")
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.freeze_panes(1, 1)
        for position, column in enumerate(OFFER_COLUMNS):
            sheet.write_string(0, position, _header(column, lang))
        columns = [(c.kind, texts) for c, texts in zip(OFFER_COLUMNS, _text_columns(offers).values(), strict=True)]
        for i in range(len(offers)):
            for position, (kind, texts) in enumerate(columns):
                if texts[i]:
                    _write_cell(sheet, i + 1, position, kind, texts[i], day)


def _write_cell(sheet: Any, row: int, position: int, kind: str, text: str, day: Any) -> None:
    if kind == "date":
        sheet.write_datetime(row, position, datetime.fromisoformat(text), day)
    elif kind in DECIMALS or kind in ("vintage", "days"):
        sheet.write_number(row, position, float(text))
    else:
        sheet.write_string(row, position, text)


def _header(column: Column, lang: Language) -> str:
    unit = column.unit.zh if column.kind in ("mass", "lot", "price", "money") else ""
    return column.name if lang == "en" else column.label.zh + (f" ({unit})" if unit else "")
