"""An offers file of any format is read, whole or not at all. The content decides the format, then the name.

Rows are counted as the reader of the file sees them: in CSV and XLSX the first line is row 1, so the first offer is
mostly row 2; in JSON and Parquet the first offer is row 1.
"""

import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from threading import Thread
from typing import Any

from market_data.corrections import Corrections
from market_data.normalize import normalize
from market_data.sources.csv_file import QUICK_BYTES, read_csv
from market_data.sources.json_file import read_json, table_of_rows
from market_data.sources.raw_table import BYTES_MAX, OLE_MAGIC, RawTable, refuse
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.offers import Offers

BEGINNING_BYTES = 4096
"""In which the format of a file shows."""
_JSON_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\[\s*[\[{\]]|\{\s*[\"}])")
_OTHER_FORMATS = ((b"%PDF", "PDF"), (b"\x1f\x8b", "GZIP"), (b"\x89PNG", "PNG"), (b"Rar!", "RAR"), (b"7z\xbc\xaf", "7z"))
_FORMAT_OF_SUFFIX = {".xlsx": "XLSX", ".xlsm": "XLSX", ".xls": "XLS", ".parquet": "Parquet"}


@dataclass(frozen=True, eq=False)
class OffersFile:
    """A file that was read: its offers, the doubts about them (warnings), and what it was."""

    offers: Offers
    findings: tuple[Finding, ...]
    sha256: str
    """Of the bytes of the file."""
    name: str


def read_offers(
    path: Path | str, *, content: bytes | None = None, name: str = "", corrections: Corrections | None = None
) -> OffersFile:
    """The offers of a file (CSV, XLSX, JSON or Parquet), or of `content` that came by another way under that name.

    What was corrected by hand is read in place of what the file says; its hash is then that of the offers.

    Raises:
        BadInput: every fault of the file at once, each with row, column, value and what would be right.
    """
    shown = name or Path(path).name

    def table() -> tuple[RawTable, Callable[[], str]]:
        quick = _quick_table(Path(path), shown) if content is None and corrections is None else None
        if quick is not None:
            return quick
        data = _bytes_of(Path(path)) if content is None else content
        if corrections is not None:
            return corrections.applied(raw_table(data, shown)), _no_hash
        sha256 = _hashed_beside(data)
        return raw_table(data, shown), sha256

    return _read(table, shown)


def offers_of_rows(rows: list[Any], name: str = "offers") -> OffersFile:
    """The offers of rows that are plain values already, counted from 1; as a JSON file with these rows.

    Raises:
        BadInput: every fault at once, each with row, column, value and what would be right.
    """
    return _read(lambda: (table_of_rows(rows), _no_hash), name)


def _hashed_beside(data: bytes) -> Callable[[], str]:
    """What gives the hash of a file, which is made while its offers are read."""
    digest = hashlib.sha256()
    thread = Thread(target=digest.update, args=(data,))
    thread.start()

    def sha256() -> str:
        thread.join()
        return digest.hexdigest()

    return sha256


class _HashedFile:
    """A file that is hashed as it is read."""

    def __init__(self, file: BufferedReader) -> None:
        self._file = file
        self._digest = hashlib.sha256()

    def readinto(self, buffer: memoryview, /) -> int:
        """Fills the buffer with what comes next; how many bytes that was, 0 at the end."""
        n = self._file.readinto(buffer)
        self._digest.update(buffer[:n])
        return n

    def sha256(self) -> str:
        """Of all that was read."""
        return self._digest.hexdigest()


def _no_hash() -> str:
    return ""


def _read(table: Callable[[], tuple[RawTable, Callable[[], str]]], shown: str) -> OffersFile:
    """Offers from a raw table and the hash of what it was read from; without one, the hash of the offers."""
    try:
        raw, sha256 = table()
        offers, complaints = normalize(raw)
        if not len(offers):
            raise refuse(fault("no_rows", "只有表头, 没有报价", "has a header and no offers"))
    except BadInput as error:
        raise BadInput([f if f.file else f.at(shown) for f in error.findings]) from error.__cause__
    return OffersFile(offers, complaints.listed("warning", shown), sha256() or offers.sha256, shown)


def _quick_table(path: Path, name: str) -> tuple[RawTable, Callable[[], str]] | None:
    """The raw table of a large CSV file without oddities, and its hash, both made while it is read; None for others."""
    with _opened(path) as file:
        if not QUICK_BYTES <= os.fstat(file.fileno()).st_size <= BYTES_MAX:
            return None
        if _format_of(file.read(BEGINNING_BYTES), name) != "CSV":
            return None
        file.seek(0)
        from market_data.sources.csv_blocks import read_plain_csv

        hashed = _HashedFile(file)
        raw = read_plain_csv(hashed)
        return None if raw is None else (raw, hashed.sha256)


def raw_table(content: bytes, name: str) -> RawTable:
    """The raw table of a file's bytes; the content decides the format, and the name where the content does not.

    Raises:
        BadInput: empty, too large, of another format, or broken.
    """
    if len(content) > BYTES_MAX:
        raise _too_large()
    if not content or content.isspace():
        raise refuse(fault("file_empty", "文件没有内容", "the file has no content"))
    return _FORMATS[_format_of(content, name)](content)


def _xlsx(content: bytes) -> RawTable:
    from market_data.sources.xlsx_file import read_xlsx

    return read_xlsx(content)


def _parquet(content: bytes) -> RawTable:
    from market_data.sources.parquet_file import read_parquet

    return read_parquet(content)


_FORMATS: dict[str, Callable[[bytes], RawTable]] = {
    "XLSX": _xlsx,
    "Parquet": _parquet,
    "JSON": read_json,
    "CSV": read_csv,
}


def _format_of(beginning: bytes, name: str) -> str:
    """The format of a file that begins so. Raises BadInput: one that is not read here."""
    if beginning.startswith((b"PK", OLE_MAGIC)):
        return "XLSX"
    if beginning.startswith(b"PAR1"):
        return "Parquet"
    for magic, other in _OTHER_FORMATS:
        if beginning.startswith(magic):
            zh, en = (
                f"是 {other} 文件; 应为 CSV, XLSX, JSON 或 Parquet",
                f"is a {other} file; should be CSV, XLSX, JSON or Parquet",
            )
            raise refuse(fault("file_format", zh, en))
    suffix = Path(name).suffix.casefold()
    if suffix in _FORMAT_OF_SUFFIX:
        expected = _FORMAT_OF_SUFFIX[suffix]
        zh, en = (
            f"名为 {suffix} 而内容不是 {expected}; 请重新导出",
            f"is named {suffix} and holds no {expected}; export it again",
        )
        raise refuse(fault("file_format", zh, en))
    return "JSON" if suffix == ".json" or _JSON_START.match(beginning) else "CSV"


def _bytes_of(path: Path) -> bytes:
    with _opened(path) as file:
        content = file.read(BYTES_MAX + 1)
    if len(content) > BYTES_MAX:
        raise _too_large()
    return content


@contextmanager
def _opened(path: Path) -> Iterator[BufferedReader]:
    """A regular file, open. Raises BadInput: there is none, or it cannot be read."""
    try:
        kind = _stat(path).st_mode
        if stat.S_ISDIR(kind):
            raise refuse(fault("file_is_directory", "是文件夹, 应为文件", "is a directory; should be a file"))
        if not stat.S_ISREG(kind):
            raise refuse(fault("file_not_regular", "不是普通文件", "is not a regular file"))
        with path.open("rb") as file:
            yield file
    except (FileNotFoundError, NotADirectoryError):
        raise refuse(fault("file_missing", "找不到文件; 请检查路径", "does not exist; check the path")) from None
    except OSError as error:
        zh, en = "无法读取; 请检查路径和权限", "cannot be read; check the path and the permissions"
        raise refuse(fault("file_unreadable", zh, en)) from error


def _stat(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except ValueError as error:  # a path with a zero byte
        raise OSError(*error.args) from error


def _too_large() -> BadInput:
    size = BYTES_MAX >> 20
    zh, en = f"超过 {size} MB; 请分成几个文件", f"is larger than {size} MB; split it into several files"
    return refuse(fault("file_too_large", zh, en))
