"""Columns of text as codes into their distinct texts: each distinct cell is held, and read, once.

A reader of large files leaves the texts with Arrow, every other one in Python; either becomes the other when somebody
asks for it. Arrow and pandas are imported only then: most files are small.
"""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types

type Codes = NDArray[np.integer[Any]]
type Objects = NDArray[np.object_]

_HALF_PAIR = re.compile("[\ud800-\udfff]")


def sound_text(text: str) -> str:
    """`text` with halves of surrogate pairs, which no file can hold, replaced by U+FFFD."""
    return _HALF_PAIR.sub("\ufffd", text)


class Texts:
    """The texts of a column; a text may stand there twice."""

    def __init__(self, texts: "Objects | pa.LargeStringArray") -> None:
        in_python = isinstance(texts, np.ndarray)
        self._objects: Objects | None = texts if in_python else None
        self._arrow: pa.LargeStringArray | None = None if in_python else texts

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Texts":
        """Texts of Python."""
        return cls(np.array(texts, dtype=object))

    def __len__(self) -> int:
        return len(self.arrow if self._objects is None else self._objects)

    def __getitem__(self, code: int) -> str:
        if self._objects is None:
            return str(self.arrow[code].as_py())
        return str(self._objects[code])

    @property
    def objects(self) -> Objects:
        """As Python's, shape (n,)."""
        if self._objects is None:
            self._objects = self.arrow.to_numpy(zero_copy_only=False)
        return self._objects

    @property
    def arrow(self) -> "pa.LargeStringArray":
        """As Arrow's."""
        if self._arrow is None:
            import pyarrow as pa

            self._arrow = pa.array(self._objects, pa.large_string())
        return self._arrow

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Bytes of each in UTF-8, shape (n,)."""
        ends = np.frombuffer(self.arrow.buffers()[1], dtype=np.int64)
        return np.diff(ends[self.arrow.offset : self.arrow.offset + len(self) + 1])

    def where(self, chosen: NDArray[np.bool_]) -> "Texts":
        """Only these."""
        if self._objects is not None:
            return Texts(self._objects[chosen])
        import pyarrow as pa

        return Texts(self.arrow.filter(pa.array(chosen)))


def coded_texts(texts: Sequence[str]) -> tuple[Codes, Texts]:
    """A column of text as codes into its texts; half a surrogate pair is kept as U+FFFD, which `cells` refuses."""
    table: dict[str, int] = {}
    codes = np.fromiter((table.setdefault(text, len(table)) for text in texts), dtype=np.int32, count=len(texts))
    return codes, Texts.of([text if text.isascii() else sound_text(text) for text in table])


class CodedCells(Sequence["pd.Series[str]"]):
    """Columns as codes into their texts, each used; a column becomes a Series when somebody looks at it."""

    def __init__(self, columns: Sequence[tuple[Codes, Texts]]) -> None:
        self._columns = columns
        self._series: dict[int, pd.Series[str]] = {}

    @classmethod
    def of(cls, columns: Sequence[tuple[Codes, Texts]]) -> "CodedCells":
        """Columns whose texts may hold some that no row uses: they are left out."""
        return cls([_without_unused(codes, texts) for codes, texts in columns])

    def __len__(self) -> int:
        return len(self._columns)

    @overload
    def __getitem__(self, position: int) -> "pd.Series[str]": ...
    @overload
    def __getitem__(self, position: slice) -> "list[pd.Series[str]]": ...
    def __getitem__(self, position: int | slice) -> "pd.Series[str] | list[pd.Series[str]]":
        if isinstance(position, slice):
            return [self[i] for i in range(*position.indices(len(self)))]
        if position not in self._series:
            import pandas as pd
            import pyarrow as pa

            codes, texts = self._columns[position]
            self._series[position] = pd.Series(texts.arrow.take(pa.array(codes)), dtype="str")
        return self._series[position]

    def coded(self, position: int) -> tuple[Codes, Texts]:
        """Codes and texts of a column."""
        return self._columns[position]

    def text(self, position: int, index: int) -> str:
        """One cell; `index` counts data rows from 0."""
        codes, texts = self._columns[position]
        return texts[int(codes[index])]

    def take(self, rows: NDArray[np.bool_]) -> "CodedCells":
        """Only these rows."""
        return CodedCells.of([(codes[rows], texts) for codes, texts in self._columns])

    def with_texts(self, changed: Mapping[int, Mapping[int, str]]) -> "CodedCells":
        """The same cells but for those of each position and index that hold another text now."""
        columns = list(self._columns)
        for position, of_index in changed.items():
            codes, texts = columns[position]
            codes = codes.astype(np.int32)
            codes[list(of_index)] = np.arange(len(texts), len(texts) + len(of_index), dtype=np.int32)
            columns[position] = codes, Texts(np.concatenate([texts.objects, Texts.of(list(of_index.values())).objects]))
        return CodedCells.of(columns)


def _without_unused(codes: Codes, texts: Texts) -> tuple[Codes, Texts]:
    used = np.zeros(len(texts), dtype=bool)
    used[codes] = True
    if used.all():
        return codes, texts
    new_code = np.cumsum(used, dtype=np.int32) - np.int32(1)
    return new_code[codes], texts.where(used)
