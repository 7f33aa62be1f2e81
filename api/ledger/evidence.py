"""Evidence of a retirement: files kept byte by byte, of the few types that prove something, never shown inline.

Content lies in chunks under its hash, once; it is reached only through a row of the organisation that sent it.
"""

import hashlib
import re
import unicodedata
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, RowMapping, select
from sqlalchemy.dialects import postgresql, sqlite

from api.access.scope import Scope
from api.database.retirement_tables import evidence, evidence_chunks, evidence_files
from api.refusals import Refused, not_found
from market_data.store_tables import CHUNK_BYTES_MAX
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault

NAME_LENGTH_MAX = 80
FILES_MAX = 100
"""Of one instruction."""

# What steers a terminal, turns text around, joins invisibly, or is no character at all.
_UNSHOWN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_ODD = re.compile(r'[<>:"|?*]')


@dataclass(frozen=True)
class FileType:
    """A type of evidence: its ending and what its bytes must look like."""

    ending: str
    fits: Callable[[bytes], bool]


def _holds(*members: str) -> Callable[[bytes], bool]:
    """A zip archive with these members; nothing in it is unpacked."""

    def fits(content: bytes) -> bool:
        if not content.startswith(b"PK\x03\x04"):
            return False
        try:
            with zipfile.ZipFile(BytesIO(content)) as archive:
                names = set(archive.namelist())
        except (zipfile.BadZipFile, ValueError, NotImplementedError, UnicodeError, OSError):
            return False
        return names.issuperset(members) and not any(n.endswith("vbaProject.bin") for n in names)

    return fits


def _is_text(content: bytes) -> bool:
    """Text of the encodings that Chinese offices write, without control characters."""
    if re.search(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]", content):
        return False
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return True
    return False


TYPES: dict[str, FileType] = {
    "application/pdf": FileType(".pdf", lambda b: b.startswith(b"%PDF-")),
    "image/png": FileType(".png", lambda b: b.startswith(b"\x89PNG\r\n\x1a\n")),
    "image/jpeg": FileType(".jpg", lambda b: b.startswith(b"\xff\xd8\xff")),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": FileType(
        ".xlsx", _holds("[Content_Types].xml", "xl/workbook.xml")
    ),
    "application/ofd": FileType(".ofd", _holds("OFD.xml")),
    "text/csv": FileType(".csv", _is_text),
    "text/plain": FileType(".txt", _is_text),
}
"""Media type -> what it is. OFD is the layout format of Chinese official papers (GB/T 33190)."""


@dataclass(frozen=True)
class File:
    """A file that was read and found to be what it says, ready before the transaction."""

    name: str
    media_type: str
    content: bytes
    sha256: str


def read_file(content: bytes, media_type: str, name: str, bytes_max: int) -> File:
    """A file as evidence.

    Raises:
        Refused: `media_type`, `too_large`.
        BadInput: no bytes; bytes that are not of the type.
    """
    kind = media_type.partition(";")[0].strip().casefold()
    if kind not in TYPES:
        known = ", ".join(TYPES)
        zh, en = f"应为 {known} 之一", f"should be one of {known}"
        raise Refused("media_type", [fault("media_type", zh, en, path="Content-Type", value=kind)])
    if len(content) > bytes_max:
        zh, en = f"文件应不超过 {bytes_max} 字节", f"a file should have at most {bytes_max} bytes"
        raise Refused("too_large", [fault("too_large", zh, en, value=len(content))])
    if not content:
        raise BadInput([fault("empty", "文件是空的", "the file is empty")])
    if not TYPES[kind].fits(content):
        zh, en = f"文件内容不是 {kind}", f"its content is no {kind}"
        raise BadInput([fault("content_differs", zh, en, path="Content-Type", value=kind)])
    return File(plain_name(name, TYPES[kind].ending), kind, content, hashlib.sha256(content).hexdigest())


def plain_name(name: str, ending: str) -> str:
    """A name that is only a name: no folder, nothing that steers, and the ending of its type."""
    shown = " ".join(unicodedata.normalize("NFC", name).split())
    shown = "".join(c for c in shown if unicodedata.category(c) not in _UNSHOWN)
    shown = _ODD.sub("_", re.split(r"[/\\]", shown)[-1]).strip(" .")
    stem = shown[: -len(ending)] if shown.casefold().endswith(ending) else shown
    if ending == ".jpg" and stem.casefold().endswith(".jpeg"):
        stem = stem[: -len(".jpeg")]
    return f"{stem.strip(' .')[:NAME_LENGTH_MAX].strip(' .') or 'evidence'}{ending}"


def disposition(name: str) -> str:
    """Content-Disposition that has a browser save the file under its name, in any alphabet (RFC 6266, RFC 8187)."""
    ascii_name = re.sub(r'[^ -~]|["\\%]', "_", name)
    return f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name, safe='')}"


def keep(scope: Scope, retirement_id: str, file: File) -> tuple[RowMapping, bool]:
    """Keeps a file with an instruction that the caller has locked; the same content again is the row that is there.

    Returns:
        The row, and whether it is new.

    Raises:
        Refused: `conflict`, more files than one instruction takes.
    """
    here = evidence.c.retirement_id == retirement_id
    found = scope.find(evidence, here, evidence.c.sha256 == file.sha256)
    if found is not None:
        return found, False
    if scope.count(evidence, here) >= FILES_MAX:
        zh, en = f"每项注销至多 {FILES_MAX} 个文件", f"an instruction takes at most {FILES_MAX} files"
        raise Refused("conflict", [fault("files", zh, en)])
    _keep_content(scope.c, file)
    row_id = scope.add(
        evidence,
        retirement_id=retirement_id,
        name=file.name,
        media_type=file.media_type,
        byte_length=len(file.content),
        sha256=file.sha256,
        made_by=scope.actor.user_id,
        made_at=scope.now_text,
    )
    return scope.one(evidence, row_id), True


def _keep_content(c: Connection, file: File) -> None:
    insert = (sqlite if c.dialect.name == "sqlite" else postgresql).insert
    once = {"sha256": file.sha256, "byte_length": len(file.content)}
    new = insert(evidence_files).values(once).on_conflict_do_nothing().returning(evidence_files.c.sha256)
    if c.execute(new).first() is None:
        return  # who kept it first has committed: on PostgreSQL this statement waited for that
    for number, start in enumerate(range(0, len(file.content), CHUNK_BYTES_MAX)):
        piece = file.content[start : start + CHUNK_BYTES_MAX]
        c.execute(evidence_chunks.insert(), {"sha256": file.sha256, "number": number, "content": piece})


def of_retirement(scope: Scope, retirement_id: str) -> Sequence[RowMapping]:
    """The files of an instruction, in the order in which they came."""
    mine = scope.select(evidence, evidence.c.retirement_id == retirement_id)
    return scope.rows(mine.order_by(evidence.c.number))


def find(scope: Scope, retirement_id: str, evidence_id: str) -> RowMapping:
    """One file of an instruction. Raises Refused `not_found`."""
    found = scope.find(evidence, evidence.c.retirement_id == retirement_id, evidence.c.id == evidence_id)
    if found is None:
        raise not_found()
    return found


def content_of(c: Connection, sha256: str) -> bytes:
    """The bytes of a file, held against their hash.

    Raises:
        BadInput: `evidence_damaged`, other bytes than were kept.
    """
    wanted = select(evidence_chunks.c.content).where(evidence_chunks.c.sha256 == sha256)
    content = b"".join(bytes(piece) for piece in c.execute(wanted.order_by(evidence_chunks.c.number)).scalars())
    if hashlib.sha256(content).hexdigest() != sha256:
        raise BadInput([damaged(sha256)])
    return content


def damaged(sha256: str) -> Finding:
    """What is said of evidence whose bytes are others than were kept."""
    zh, en = "证明文件与保存时的内容不符, 数据库已损坏", "evidence is not what was kept: the database is damaged"
    return fault("evidence_damaged", zh, en, value=sha256)


def as_dict(row: RowMapping) -> dict[str, Any]:
    """A file as programs read it."""
    return {
        "id": row["id"],
        "name": row["name"],
        "media_type": row["media_type"],
        "bytes": row["byte_length"],
        "sha256": row["sha256"],
        "made_by": row["made_by"],
        "made_at": row["made_at"],
    }
