"""Finished chunks of a sweep as files of a folder, so that a sweep that was stopped goes on where it was.

A chunk's name is the hash of all that its numbers depend on (`scenarios.runner`); a file that is damaged counts as not
there and its draws are made again. Written whole or not at all.
"""

import re
import zlib
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from api.whole_files import write_whole
from optimizer.errors import BadInput
from optimizer.findings import fault
from scenarios.failures import Failure
from scenarios.swept import ROW_ARRAYS, Sweep

ENDING = ".npz"
_OURS = re.compile(r"[0-9a-f]{64}\.npz")
_DAMAGE = (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error)
"""What reading bytes that were cut, changed or never ours may raise."""


class KeptDraws(Mapping[str, Sequence[Sweep | Failure]]):
    """Chunk key -> its one sweep, wherever finished chunks are kept."""

    def __bool__(self) -> bool:
        """A place is there, also while it is empty."""
        return True

    @abstractmethod
    def save(self, key: str, results: Sequence[Sweep | Failure]) -> None:
        """A finished chunk; one that failed is not kept, so that the next run tries it again."""


class SavedDraws(KeptDraws):
    """Chunks as files of a folder, read when they are asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __getitem__(self, key: str) -> Sequence[Sweep | Failure]:
        try:
            return [draws_of((self._folder / f"{key}{ENDING}").read_bytes())]
        except (OSError, ValueError) as error:
            raise KeyError(key) from error

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(p.stem for p in self._folder.glob(f"*{ENDING}") if _OURS.fullmatch(p.name)))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def save(self, key: str, results: Sequence[Sweep | Failure]) -> None:
        """A finished chunk as a file."""
        for one in results:
            if isinstance(one, Sweep):
                write_whole(self._folder / f"{key}{ENDING}", draws_bytes(one))

    def forget(self) -> None:
        """Takes our files away, and the folder where nothing else is in it."""
        for key in self:
            (self._folder / f"{key}{ENDING}").unlink(missing_ok=True)
        with suppress(OSError):
            self._folder.rmdir()


def saved_in(folder: Path, option: str) -> SavedDraws:
    """The chunks of a folder, which is made where it is missing. Raises BadInput."""
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        zh, en = "无法建立此文件夹, 或它是一个文件", "this folder cannot be made, or is a file"
        raise BadInput([fault("resume_folder", zh, en, path=option, value=folder)]) from error
    return SavedDraws(folder)


def draws_bytes(sweep: Sweep) -> bytes:
    """Draws as they are kept."""
    buffer = BytesIO()
    heads = {
        "seed": np.array(sweep.seed, dtype=np.int64),
        "first": np.array(sweep.first, dtype=np.int64),
        "event_ids": np.array(sweep.event_ids, dtype=np.str_),
        "years": np.array(sweep.years, dtype=np.int64),
    }
    arrays = {name: getattr(sweep, name) for name in ROW_ARRAYS}
    np.savez(buffer, allow_pickle=False, **heads, **arrays)
    return buffer.getvalue()


def draws_of(content: bytes) -> Sweep:
    """The draws that `draws_bytes` wrote. Raises ValueError for anything else, cut, changed or never ours."""
    try:
        with np.load(BytesIO(content), allow_pickle=False) as data:
            return _sweep(data)
    except _DAMAGE as error:
        raise ValueError("no draws of ours") from error


def _sweep(data: Mapping[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]]) -> Sweep:
    arrays = {name: data[name] for name in ROW_ARRAYS}
    if len({len(a) for a in arrays.values()}) != 1:
        raise ValueError("arrays of several lengths")
    events, years = tuple(map(str, data["event_ids"].tolist())), tuple(map(int, data["years"].tolist()))
    return Sweep(int(data["seed"].item()), int(data["first"].item()), events, years, **arrays)  # type: ignore[arg-type]
