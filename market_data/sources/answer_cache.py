"""Accepted answers of feeds, kept in a folder by the hash of the question: method, address and body.

Here live the files and their soundness. How old an answer may be, and whether it is one, is not decided here.
"""

import hashlib
import json
import os
import tempfile
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from optimizer.errors import BadInput
from optimizer.findings import Finding, fault


class Kept(NamedTuple):
    """An answer of earlier."""

    content: bytes
    fetched_at: datetime
    """With its time zone."""


class AnswerCache:
    """Accepted answers in a folder: `<hash of the question>.body`, and beside it where and when it came from.

    Each file is written whole or not at all. The note holds the hash of the body: a pair that does not match (a crash
    between the two, two writers at once, a damaged disk) counts as absent.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInput([_cache_fault(folder, error)]) from None

    def find(self, method: str, url: str, body: bytes) -> Kept | None:
        """The answer kept for this question, if there is a sound one."""
        key = _question(method, url, body)
        try:
            note = json.loads((self.folder / f"{key}.json").read_bytes())
            content = (self.folder / f"{key}.body").read_bytes()
            fetched_at = datetime.fromisoformat(note["fetched_at"])
            sound = note["sha256"] == hashlib.sha256(content).hexdigest() and fetched_at.tzinfo is not None
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return Kept(content, fetched_at) if sound else None

    def keep(self, method: str, url: str, body: bytes, content: bytes, fetched_at: datetime) -> None:
        """Keeps an answer in place of an older one. Raises BadInput when the folder cannot be written."""
        key = _question(method, url, body)
        note = {
            "method": method,
            "url": url,
            "body": body.decode(),
            "fetched_at": fetched_at.isoformat(),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        try:
            _write_whole(self.folder / f"{key}.body", content)
            _write_whole(self.folder / f"{key}.json", json.dumps(note, ensure_ascii=False, indent=1).encode())
        except OSError as error:
            raise BadInput([_cache_fault(self.folder, error)]) from None


def _question(method: str, url: str, body: bytes) -> str:
    return hashlib.sha256(b"\n".join([method.encode(), url.encode(), body])).hexdigest()


def _write_whole(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _cache_fault(folder: Path, error: OSError) -> Finding:
    reason = error.strerror or type(error).__name__
    zh = f"不能用作存放数据的文件夹 ({reason}); 请换一个可写的文件夹"
    en = f"cannot hold what was fetched ({reason}); name a folder that can be written"
    return fault("feed_cache", zh, en, value=folder)
