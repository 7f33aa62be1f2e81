"""A registry's table as columns of text under the names that a feed gives them, and its typed columns.

CSV and Parquet of a few million rows: columns are read as arrays, each distinct cell once. Rows count as `csv_file` and
`parquet_file` count them (a CSV's header is row 1). Which columns there are, and what they mean, lives with each feed.
"""

import io
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from numpy.typing import NDArray

from market_data.sources.csv_text import decode
from market_data.sources.feed_fields import FieldError, compact_day, number_of
from market_data.sources.parquet_file import read_parquet
from market_data.sources.raw_table import BYTES_MAX, refuse
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.offers import Bools, Dates, Ints
from optimizer.quantities import MASS_T_MAX, scaled

TABLE_BYTES_MAX = 4 * BYTES_MAX
"""Bytes of one table: every transaction of five registries since 1996 takes a quarter of it as text."""
WHOLE_TONNES = re.compile("[0-9]{1,9}|[0-9]{1,3}(,[0-9]{3}){1,2}")
"""What nearly every cell of a quantity is: whole tonnes below `MASS_T_MAX`."""
YEAR_MIN, YEAR_MAX = 1990, 2100
"""Vintages outside are misprints: no crediting before 1990."""

_MAGIC = ((b"PK", "ZIP"), (b"\x1f\x8b", "GZIP"), (b"%PDF", "PDF"), (b"\xd0\xcf\x11\xe0", "XLS"))


@dataclass(frozen=True, eq=False)
class RegistryTable:
    """Columns of text by field; "" is an empty cell, and a column that the file lacks is empty throughout."""

    name: str
    headers: Mapping[str, str]
    """Field -> header as the file has it; absent where the file lacks the column."""
    columns: Mapping[str, "pd.Series[str]"]
    rows: Ints
    """Positions as the reader of the file counts."""
    files: tuple[str, ...] = ()
    """The file of each row, where the table was made of several."""

    def __len__(self) -> int:
        return len(self.rows)

    def text(self, field: str) -> "pd.Series[str]":
        """The cells of a field as they stand, without space around."""
        return self.columns[field]

    def distinct(self, field: str, read: Callable[[str], Any], otherwise: Any) -> tuple[list[Any], Ints, Bools]:
        """Each distinct cell read once: values, which of them a row has, and rows that cannot be read (FieldError)."""
        codes, texts = pd.factorize(self.columns[field])
        values, broken = [], []
        for text in texts:
            try:
                values.append(read(str(text)))
            except FieldError:
                values.append(otherwise)
                broken.append(len(values) - 1)
        return values, codes.astype(np.int64), np.isin(codes, broken)

    def kg(self, field: str) -> tuple[Ints, Bools]:
        """Tonnes as integer kg; an empty cell is -1. And the rows that hold no mass of at most 3 decimals."""
        values, codes, broken = self.distinct(field, _kg_of, -1)
        return np.array([*values, -1], dtype=np.int64)[codes], broken

    def days(self, field: str) -> tuple[Dates, Bools]:
        """Days (a time behind them is cut off), NaT where empty; and the rows that hold no day."""
        values, codes, broken = self.distinct(field, lambda t: compact_day(t) if t else None, None)
        return np.array([*values, None], dtype="datetime64[D]")[codes], broken

    def years(self, field: str) -> tuple[Ints, Bools]:
        """Years, 0 where empty; and the rows that hold none. "2015.0" is one: frames with gaps print years so."""
        values, codes, broken = self.distinct(field, _year_of, 0)
        return np.array([*values, 0], dtype=np.int64)[codes], broken


def read_registry_table(
    content: bytes, name: str, fields: Mapping[str, tuple[str, ...]], required: Collection[str]
) -> RegistryTable:
    """The named fields of a CSV or Parquet file; `fields` gives the headers under which each may stand.

    Raises:
        BadInput: empty, too large, of another format, broken, or without a required column: all missing ones at once.
    """
    try:
        _check_format(content)
        if content.startswith(b"PAR1"):
            found, rows = _parquet_columns(content)
        else:
            found, rows = _csv_columns(content)
        headers = _placed(tuple(found), fields, required)
        if not len(rows):
            raise refuse(fault("no_rows", "只有表头, 没有内容", "has a header and no rows"))
    except BadInput as error:
        raise BadInput([f if f.file else f.at(name) for f in error.findings]) from error.__cause__
    blank = pd.Series([""] * len(rows), dtype="str")
    columns = {f: found[headers[f]].str.strip() if f in headers else blank for f in fields}
    return RegistryTable(name, headers, columns, rows)


def _check_format(content: bytes) -> None:
    if len(content) > TABLE_BYTES_MAX:
        size = TABLE_BYTES_MAX >> 20
        zh, en = f"超过 {size} MB; 请分成几个文件", f"is larger than {size} MB; split it into several files"
        raise refuse(fault("file_too_large", zh, en))
    if not content.strip():
        raise refuse(fault("file_empty", "文件没有内容", "the file has no content"))
    if content.lstrip()[:1] == b"<":
        zh, en = "收到的是网页而不是表格; 请重新下载", "is a web page, not a table; download it again"
        raise refuse(fault("feed_html", zh, en))
    for magic, kind in _MAGIC:
        if content.startswith(magic):
            zh, en = (
                f"是 {kind} 文件; 应为 CSV 或 Parquet (压缩包请先解开)",
                f"is a {kind} file; should be CSV or Parquet",
            )
            raise refuse(fault("file_format", zh, f"{en} (unpack an archive first)"))


def _placed(
    headers: tuple[str, ...], fields: Mapping[str, tuple[str, ...]], required: Collection[str]
) -> dict[str, str]:
    """Field -> the header that stands for it: spelled as named, whatever the case and the white space."""
    by_key = {header_key(h): h for h in reversed(headers)}
    placed = {
        f: next((by_key[header_key(s)] for s in names if header_key(s) in by_key), "") for f, names in fields.items()
    }
    missing = [fields[f][0] for f in fields if f in required and not placed[f]]
    if missing:
        shown = ", ".join(h for h in headers[:8] if h)
        zh = f"缺少必需的列; 文件的列是 {shown} …, 可能不是这种文件"
        en = f"the required column is missing; the file has {shown} ..., so it may be another file"
        raise BadInput([fault("missing_column", zh, en, column=column) for column in missing])
    return {f: h for f, h in placed.items() if h}


def header_key(header: str) -> str:
    """What two spellings of one header share: workbooks put spaces before headers and line breaks into them."""
    return " ".join(header.replace("\ufeff", "").split()).casefold()


def _csv_columns(content: bytes) -> tuple[dict[str, "pd.Series[str]"], Ints]:
    text = decode(content)
    try:
        frame = pd.read_csv(io.StringIO(text), dtype="str", na_filter=False, skip_blank_lines=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        raise refuse(_csv_fault(str(error))) from error
    if not isinstance(frame.index, pd.RangeIndex):  # a first row longer than the header is taken for row names
        raise refuse(_csv_fault("row 2"))
    frame = frame.fillna("")
    filled = np.zeros(len(frame), dtype=bool)
    for name in frame.columns:
        filled |= (frame[name] != "").to_numpy(dtype=bool)
    rows = np.flatnonzero(filled) + 2
    return {str(c): frame[c][filled].reset_index(drop=True) for c in frame.columns}, rows.astype(np.int64)


def _csv_fault(words: str) -> Finding:
    place = re.search(r"(?:line|row) ([0-9]+)", words)
    row = int(place[1]) if place else None
    if "EOF inside string" in words:
        zh, en = "引号不成对, 文件可能不完整; 请重新下载", "a quote is not closed, cut off perhaps; download it again"
        return fault("broken_quote", zh, en, row=None if row is None else row + 1)
    zh = "格子比表头多; 含逗号的内容 (如 1,234) 要加引号"
    en = "has more cells than the header; put quotes around content that holds a comma (1,234)"
    return fault("extra_cells", zh, en, row=row)


def _parquet_columns(content: bytes) -> tuple[dict[str, "pd.Series[str]"], Ints]:
    raw = read_parquet(content)
    columns = dict(zip(raw.headers, raw.cells, strict=True))
    schema = pq.read_schema(io.BytesIO(content))
    for field in schema:
        if _is_list_of_text(field.type):
            cells = pq.read_table(io.BytesIO(content), columns=[field.name])[field.name]
            joined = pc.binary_join(cells.cast(pa.list_(pa.string())), "; ").cast(pa.large_string())
            columns[field.name] = pd.Series(pc.fill_null(joined, ""), dtype="str").reset_index(drop=True)
    return columns, raw.rows


def _is_list_of_text(kind: pa.DataType) -> bool:
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    return bool(is_list and (pa.types.is_string(kind.value_type) or pa.types.is_large_string(kind.value_type)))


def _kg_of(text: str) -> int:
    if WHOLE_TONNES.fullmatch(text):
        return int(text.replace(",", "")) * 1000
    number = number_of(text)
    if number is None:
        return -1
    try:
        kg = scaled(number, 3)
    except ValueError:
        raise FieldError(text) from None
    if not 0 <= number <= MASS_T_MAX:
        raise FieldError(text)
    return kg


def _year_of(text: str) -> int:
    number = number_of(text)
    if number is None:
        return 0
    if number != int(number) or not YEAR_MIN <= number <= YEAR_MAX:
        raise FieldError(text)
    return int(number)


def first_by_project(project: NDArray[Any], texts: "pd.Series[str]") -> dict[Any, str]:
    """The first text in order of the alphabet that is not blank, by project: the same whatever the row order."""
    frame = pd.DataFrame({"project": project, "text": texts.to_numpy(dtype=object)}).drop_duplicates()
    frame = frame[frame["text"] != ""].sort_values("text", ascending=False)
    return dict(zip(frame["project"], frame["text"], strict=True))
