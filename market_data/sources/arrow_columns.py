"""Columns of Arrow as codes into their texts, and what Arrow can tell of many texts at once.

Imported only where a file is large: what it takes to start is more than reading a small one.
"""

from itertools import accumulate

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]
from numpy.typing import NDArray

from market_data.sources.coded_cells import Codes, Texts
from optimizer.offers import Ints

UNLIKE_SHARE = 0.75
"""From this share of distinct cells in its parts on (ids), nobody looks for what the parts have in common."""

AT_ONCE = 1 << 16
"""Texts that are looked at at once, several times over."""
SOUND_LENGTH = 200
"""Characters of the longest text that is told without cleaning it."""
PLAIN_LENGTH = 13
"""Characters of a number below which floats tell it from one with more decimals."""
_SOUND = r"!-*,-~\x{4e00}-\x{9fff}"
SOUND_TEXT = rf"[{_SOUND}](?:[ {_SOUND}]{{0,{SOUND_LENGTH - 2}}}[{_SOUND}])?"
"""Text that needs no cleaning (a pattern of RE2): Chinese characters and visible ASCII, spaces within. A plus, as in
1E+11, is looked at."""


def coded_column(column: pa.ChunkedArray) -> tuple[Codes, Texts]:
    """Codes and texts of a column of text or of dictionaries of text; a missing cell is ""."""
    if not pa.types.is_dictionary(column.type):
        cells = [chunk.cast(pa.large_string()) for chunk in column.chunks]
        texts = pa.concat_arrays(cells) if cells else pa.array([], pa.large_string())
        return np.arange(len(column), dtype=np.int32), Texts(pc.fill_null(texts, ""))
    if sum(len(chunk.dictionary) for chunk in column.chunks) < UNLIKE_SHARE * len(column):
        column = column.unify_dictionaries()
    tables = {_place(chunk.dictionary): chunk.dictionary for chunk in column.chunks}
    ends = list(accumulate(len(texts) for texts in tables.values()))
    if len(tables) == 1:
        parts = [chunk.indices for chunk in column.chunks]
    else:
        start_of = dict(zip(tables, [0, *ends], strict=False))
        starts = [pa.scalar(start_of[_place(chunk.dictionary)], pa.int32()) for chunk in column.chunks]
        parts = [pc.add(c.indices.cast(pa.int32()), start) for c, start in zip(column.chunks, starts, strict=True)]
    codes = pa.chunked_array(parts, None if parts else pa.int32()).cast(pa.int32())
    every = [texts.cast(pa.large_string()) for texts in tables.values()]
    if codes.null_count or not ends:
        every.append(pa.array([""], pa.large_string()))
        codes = pc.fill_null(codes, pa.scalar(ends[-1] if ends else 0, pa.int32()))
    return codes.to_numpy(), Texts(pc.fill_null(pa.concat_arrays(every), ""))


def _place(array: pa.Array) -> tuple[int, ...]:
    """Where an array lies in memory: parts of a column that share their dictionary have it at one place."""
    places = [0 if buffer is None else buffer.address for buffer in array.buffers()]
    return (array.offset, len(array), *places)


def sound_texts(texts: pa.LargeStringArray) -> NDArray[np.bool_]:
    """Which texts need no cleaning."""
    sound = np.empty(len(texts), dtype=bool)
    for i in range(0, len(texts), AT_ONCE):
        some = texts.slice(i, AT_ONCE)
        sound[i : i + AT_ONCE] = True if _plainly_sound(some) else _matching(some, SOUND_TEXT)
    return sound


def _plainly_sound(texts: pa.LargeStringArray) -> bool:
    """True only where all need none: as ids do, which are many, and of visible ASCII."""
    octets = _octets_within(texts, SOUND_LENGTH)
    return octets is not None and bool(
        octets.min() > ord(" ") and octets.max() <= ord("~") and not (octets == ord("+")).any()
    )


def _octets_within(texts: pa.LargeStringArray, most: int) -> NDArray[np.uint8] | None:
    """The bytes of all texts, if there are any and each is of 1 to `most` bytes."""
    ends = np.frombuffer(texts.buffers()[1], dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    lengths = np.diff(ends)
    if not len(lengths) or lengths.min() < 1 or lengths.max() > most:
        return None
    return np.frombuffer(texts.buffers()[2], dtype=np.uint8)[ends[0] : ends[-1]]


def plain_numbers(texts: pa.LargeStringArray, places: int) -> Ints:
    """Plain decimals of up to nine digits before the point, in units of 10^-places; -1 where the text is anything else.

    Exact though it goes through floats: at most 14 digits, so number x 10^places is off by far less than 1/2.
    """
    values = np.empty(len(texts), dtype=np.int64)
    for i in range(0, len(texts), AT_ONCE):
        values[i : i + AT_ONCE] = _plain_numbers(texts.slice(i, AT_ONCE), places)
    return values


def _plain_numbers(texts: pa.LargeStringArray, places: int) -> Ints:
    values = _all_plain_numbers(texts, places)
    if values is not None:
        return values
    values = np.full(len(texts), -1, dtype=np.int64)
    plain = _matching(texts, r"[0-9]{1,9}" + (rf"(?:\.[0-9]{{1,{places}}})?" if places else ""))
    numbers = texts.filter(pa.array(plain)).cast(pa.float64()).to_numpy(zero_copy_only=False)
    values[plain] = np.rint(numbers * 10**places).astype(np.int64)
    return values


def _all_plain_numbers(texts: pa.LargeStringArray, places: int) -> Ints | None:
    """`plain_numbers` where all texts are of digits and a point, which is found out several times faster.

    Of at most 13 digits, a number with more decimals is off by more than 10^-13 of itself; floats by less than 10^-15.
    """
    octets = _octets_within(texts, PLAIN_LENGTH)
    if octets is None or octets.min() < ord(".") or octets.max() > ord("9") or (octets == ord("/")).any():
        return None
    try:
        numbers = texts.cast(pa.float64()).to_numpy()
    except pa.ArrowInvalid:
        return None
    scaled = numbers * 10**places
    whole = np.rint(scaled)
    plain = (np.abs(scaled - whole) <= 1e-15 * scaled) & (numbers < 10**9)
    return np.where(plain, whole, -1).astype(np.int64)


def _matching(texts: pa.LargeStringArray, pattern: str) -> NDArray[np.bool_]:
    """Where a pattern of RE2 is the whole of a text."""
    found: NDArray[np.bool_] = pc.match_substring_regex(texts, rf"\A(?:{pattern})\z").to_numpy(zero_copy_only=False)
    return found
