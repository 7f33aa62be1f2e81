"""Parquet files: typed columns become text, exactly; rows count from 1.

Decimals, integers, floats (by their shortest form), dates, time stamps, booleans, text and dictionaries are read;
nested and binary columns are faults. Text is kept as dictionaries until its true size is known, so that a small file
cannot unpack without end.
"""

import io

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from market_data.sources.arrow_columns import coded_column
from market_data.sources.coded_cells import CodedCells, Codes, Texts
from market_data.sources.raw_table import BYTES_MAX, RawTable, cell_text, check_length, check_width, refuse
from optimizer.findings import Finding, fault

UNPACKED_BYTES_MAX = 4 * BYTES_MAX
DECIMALS_NEVER_IN_EXPONENT, DIGITS_PLAIN = 6, 30
"""Arrow writes decimals within these as plain digits: 10^-7 would become 1E-7; `decimal_text` stops at 30 digits."""


def read_parquet(content: bytes) -> RawTable:
    """The raw table of a Parquet file.

    Raises:
        BadInput: a broken file, or one that unpacks to more than any market.
    """
    try:
        table = _arrow_table(content)
    except (pa.ArrowException, OSError, ValueError, LookupError, NotImplementedError) as error:
        zh, en = "Parquet 文件已损坏或不完整", "is a broken or incomplete Parquet file"
        raise refuse(fault("parquet_broken", zh, en)) from error
    found: list[Finding] = []
    cells: list[tuple[Codes, Texts]] = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        if not _readable(column.type):
            zh, en = (
                f"列的类型是 {column.type}; 应为文字、数字、日期或布尔",
                f"is of type {column.type}; should be text, number, date or boolean",
            )
            found.append(fault("parquet_type", zh, en, column=name))
            cells.append((np.zeros(len(column), dtype=np.int32), Texts.of([""])))
        else:
            cells.append(_coded_text(column))
    rows = np.arange(1, table.num_rows + 1, dtype=np.int64)
    raw = RawTable(tuple(table.column_names), CodedCells.of(cells), rows)
    for finding in found:
        raw.complaints.add(finding)
    return raw


def _arrow_table(content: bytes) -> pa.Table:
    source = pa.BufferReader(content)
    metadata = pq.read_metadata(io.BytesIO(content))
    check_length(metadata.num_rows)
    check_width(metadata.num_columns)
    unpacked = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    if unpacked > UNPACKED_BYTES_MAX:
        raise _too_large(unpacked)
    schema = pq.read_schema(io.BytesIO(content))
    texts = [f.name for f in schema if pa.types.is_string(f.type) or pa.types.is_large_string(f.type)]
    table = pq.read_table(source, read_dictionary=texts, use_threads=False)
    table.validate(full=True)  # a broken file may hold indices beyond its dictionaries, and text that is none
    size = sum(_text_bytes(column) for column in table.columns)
    if size > UNPACKED_BYTES_MAX:
        raise _too_large(size)
    return table


def _too_large(size: int) -> Exception:
    zh, en = f"解压后有 {size >> 20} MB, 过大", f"unpacks to {size >> 20} MB, which is too large"
    return refuse(fault("parquet_too_large", zh, en))


def _text_bytes(column: pa.ChunkedArray) -> int:
    if not pa.types.is_dictionary(column.type) or not _is_text(column.type.value_type):
        return 0
    total = 0
    for chunk in column.chunks:
        lengths = pc.binary_length(chunk.dictionary).to_numpy(zero_copy_only=False)
        used = chunk.indices.drop_null().to_numpy(zero_copy_only=False)
        total += int(lengths[used].sum()) if len(used) else 0
    return total


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _readable(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _readable(kind.value_type)
    types = pa.types
    return bool(
        _is_text(kind)
        or types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_decimal(kind)
        or types.is_date(kind)
        or types.is_timestamp(kind)
        or types.is_boolean(kind)
        or types.is_null(kind)
    )


def _coded_text(column: pa.ChunkedArray) -> tuple[Codes, Texts]:
    """A column as codes into the texts of its distinct values."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_null(kind):
        return np.zeros(len(column), dtype=np.int32), Texts.of([""])
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    if _is_text(kind):
        return coded_column(column)
    column = column.unify_dictionaries()
    if column.num_chunks == 0:
        return coded_column(column)
    texts = _texts_of(column.chunk(0).dictionary)
    chunks = [pa.DictionaryArray.from_arrays(chunk.indices, texts) for chunk in column.chunks]
    return coded_column(pa.chunked_array(chunks, pa.dictionary(column.type.index_type, pa.large_string())))


def _texts_of(values: pa.Array) -> pa.LargeStringArray:
    """Distinct numbers, dates and truth values as text."""
    kind = values.type
    if pa.types.is_decimal(kind) and 0 < kind.scale <= DECIMALS_NEVER_IN_EXPONENT and kind.precision <= DIGITS_PLAIN:
        return pc.utf8_rtrim(pc.utf8_rtrim(values.cast(pa.large_string()), "0"), ".")
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return pa.array([cell_text(v) for v in values.to_pylist()], pa.large_string())
    return values.cast(pa.large_string())
