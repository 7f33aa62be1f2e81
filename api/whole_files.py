"""Files that are there whole or not at all: written beside, then renamed; and where one may be written."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from optimizer.errors import BadInput
from optimizer.findings import Finding, fault


def out_path(text: str, endings: Sequence[str], option: str = "-o") -> Path:
    """Where a file is to be written, known to be possible before any work. Raises BadInput with every fault of it."""
    path = Path(text)
    found: list[Finding] = []
    if path.suffix.casefold() not in endings:
        known = " ".join(endings)
        zh, en = f"不能写成这种文件; 扩展名应为 {known} 之一", f"cannot be written; should end in one of {known}"
        found.append(fault("out_format", zh, en, path=option, value=text))
    if not path.parent.is_dir():
        zh, en = "文件夹不存在; 请先建立", "the folder does not exist; make it first"
        found.append(fault("out_folder", zh, en, path=option, value=text))
    elif path.is_dir() or not os.access(path.parent, os.W_OK):
        zh, en = "无法写入; 请检查路径和权限", "cannot be written; check the path and the permissions"
        found.append(fault("out_unwritable", zh, en, path=option, value=text))
    if found:
        raise BadInput(found)
    return path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A file beside this one, with its ending, to write to; after the block it bears the name and is on the disk."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=f".part{path.suffix}")
    os.close(handle)
    part = Path(name)
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.chmod(0o666 & ~_UMASK)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_whole(path: Path, content: bytes) -> None:
    """These bytes under this name, on the disk when this returns."""
    with whole_file(path) as part:
        part.write_bytes(content)


def make_database_folder(address: str) -> None:
    """The folder of a SQLite file, made where it is not there. Raises BadInput."""
    if not address.startswith("sqlite:///"):
        return
    folder = Path(address.removeprefix("sqlite:///")).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        zh, en = "无法建立数据库所在的文件夹", "the folder of the database cannot be made"
        raise BadInput([fault("database_folder", zh, en, path="--database", value=folder)]) from error


def _read_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


_UMASK = _read_umask()
"""Read once, on import: reading it sets it for a moment, for all threads."""
