"""A snapshot: offers as they stood on a day, with where they came from, under the hash of their content.

Here live the snapshot, what its id looks like, and its exact bytes. Where snapshots are kept: `store`. What changed
between two of them: `differences`. Nothing here reads a file or a clock.

The bytes are an Arrow file, zstd, in order of ids:

    offer_id       large_string         labels    dictionary of names in order, null is blank
    integers       int64 (fen, kg, e4)  dates     date32, null is blank        firm   bool
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np

from market_data.offers_file import OffersFile
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.offers import COLUMN_KINDS, Labels, Offers

ID_SHOWN_LENGTH = 8
"""The fewest hexadecimal digits that name a snapshot: of 10,000, two share them in one store of 86."""
_ID = re.compile(rf"(?:snapshot:)?([0-9a-f]{{{ID_SHOWN_LENGTH},64}})")

ZSTD_LEVEL = 1
"""The fastest: level 3 took a quarter longer on a million offers and saved nothing."""
ENCODING = {b"jinheng": b"offers 1"}
"""What stands in the file's own head, so that a later form can be told apart."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A market on a day. Same content, same `id`, whatever the row order, the source and the day."""

    offers: Offers
    source: str
    """The feed or the file: cneeex, offers.csv ..."""
    as_of: date
    findings: tuple[Finding, ...] = ()
    """Doubts about the rows, kept with them."""
    rows_read: int = 0
    """Rows of the source, left-out ones included."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Reason code -> rows."""

    @property
    def id(self) -> str:
        """The hash of the offers' content, 64 hexadecimal digits."""
        return self.offers.sha256

    @classmethod
    def of_file(cls, file: OffersFile, as_of: date) -> "Snapshot":
        """The offers of a file that was read; such a file is used whole or not at all."""
        return cls(file.offers, file.name, as_of, file.findings, len(file.offers))


def find_id(text: str) -> str | None:
    """The id or the beginning of one that `text` looks like ("snapshot:" may stand in front); None for other text."""
    match = _ID.fullmatch(text.strip().casefold())
    return match[1] if match else None


def encode(offers: Offers) -> bytes:
    """The exact bytes of the offers, in order of ids: equal content gives equal bytes.

    Raises:
        BadInput: an id that stands twice: the order of its rows would be part of the content.
    """
    import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types

    order = offers.by_id
    ids = offers.offer_id[order]
    if np.any(twice := ids[1:] == ids[:-1]):
        first = ids[1:][twice][0]
        raise BadInput([fault("duplicate_id", "编号重复", "repeats an id", column="offer_id", value=first)])
    columns = {name: _arrow(name, getattr(offers, name), order) for name in COLUMN_KINDS}
    table = pa.table(columns).replace_schema_metadata(ENCODING)
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", ZSTD_LEVEL))
    with pa.ipc.new_file(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def decode(content: bytes, sha256: str | None = None) -> Offers:
    """The offers of `encode`'s bytes, in order of ids. With `sha256`, only if that is the hash of their content.

    Raises:
        BadInput: `snapshot_damaged`: no such bytes, or other offers than the hash names.
    """
    import pyarrow as pa

    try:
        with pa.ipc.open_file(pa.BufferReader(content)) as reader:
            table = reader.read_all()
        table.validate(full=True)
        if table.schema.metadata != ENCODING or table.column_names != list(COLUMN_KINDS):
            raise damaged("的格式不是本版本所写", "holds no offers as this version writes them")
        offers = Offers(**{name: _column(name, table.column(name)) for name in COLUMN_KINDS})
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:
        raise damaged("无法解码", "cannot be decoded") from error
    if sha256 is not None and offers.sha256 != sha256:
        raise damaged("与其编号 (内容哈希) 不符", "does not match its id, the hash of its content", sha256)
    return offers


def damaged(zh: str, en: str, snapshot_id: str | None = None) -> BadInput:
    """The complaint about stored bytes that are not what was saved."""
    found = fault(
        "snapshot_damaged",
        f"快照内容{zh}; 请从备份恢复或重新导入",
        f"the content of the snapshot {en}; restore it from a backup or import it again",
        value=snapshot_id,
    )
    return BadInput([found])


def _arrow(name: str, column: Any, order: Any) -> Any:
    import pyarrow as pa

    kind = COLUMN_KINDS[name]
    if kind == "label":
        canonical = column.sorted_by_name()
        codes = canonical.codes[order]
        return pa.DictionaryArray.from_arrays(
            pa.array(codes, mask=codes < 0), pa.array(canonical.names, pa.large_string())
        )
    types = {"id": pa.large_string(), "int": pa.int64(), "date": pa.date32(), "bool": pa.bool_()}
    return pa.array(column[order], types[kind])


def _column(name: str, chunks: Any) -> Any:
    kind, array = COLUMN_KINDS[name], chunks.combine_chunks()
    if kind == "label":
        codes = array.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        return Labels(codes.astype(np.int32, copy=False), tuple(array.dictionary.to_pylist()))
    dtypes = {"id": object, "int": np.int64, "date": "datetime64[D]", "bool": bool}
    return array.to_numpy(zero_copy_only=False).astype(dtypes[kind], copy=False)
