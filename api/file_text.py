"""The bytes of a file and the text that they are: ordinary files of reasonable size, in UTF-8 or GB18030.

What the text says is the business of `yaml_text` and `json_text`.
"""

import re
import stat
from pathlib import Path

from api.plain_values import refuse

BYTES_MAX = 10_000_000
"""An event file of a thousand events is half a megabyte."""

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_CONTROL_BYTES = bytes([*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F])
"""Part of no other character in UTF-8 and GB18030: where there are none, the text need not be gone through."""
_BINARY = {
    b"PK": "ZIP/XLSX",
    b"%PDF": "PDF",
    b"\x1f\x8b": "GZIP",
    b"\x89PNG": "PNG",
    b"\xd0\xcf\x11\xe0": "XLS/DOC",
    b"PAR1": "Parquet",
}


def bytes_of(path: Path, most: int = BYTES_MAX) -> bytes:
    """The bytes of an ordinary file of reasonable size. Raises BadInput."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            refuse("file_is_directory", "是文件夹, 应为文件", "is a directory; should be a file")
        if not stat.S_ISREG(mode):
            refuse("file_not_regular", "不是普通文件", "is not a regular file")
        with path.open("rb") as file:
            content = file.read(most + 1)
    except (FileNotFoundError, NotADirectoryError):
        refuse("file_missing", "找不到文件; 请检查路径", "does not exist; check the path")
    except (OSError, ValueError):
        refuse("file_unreadable", "无法读取; 请检查路径和权限", "cannot be read; check the path and the permissions")
    if len(content) > most:
        size = most // 1_000_000
        refuse("file_too_large", f"超过 {size} MB, 过大", f"is larger than {size} MB")
    return content


def text_of(content: bytes) -> str:
    """UTF-8 with or without BOM, or GB18030. Raises BadInput for what is no text."""
    for magic, name in _BINARY.items():
        if content.startswith(magic):
            refuse("file_format", f"是 {name} 文件; 应为 YAML 或 JSON", f"is a {name} file; should be YAML or JSON")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        refuse("encoding", "是 UTF-16 编码; 请另存为 UTF-8", "is encoded in UTF-16; save it as UTF-8")
    text = None
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    if text is None:
        refuse("encoding", "不是 UTF-8 或 GB18030 文本", "is neither UTF-8 nor GB18030 text")
    clean = len(content.translate(None, _CONTROL_BYTES)) == len(content)
    odd = None if clean and "\ufffe" not in text and "\uffff" not in text else _CONTROL.search(text)
    if odd is not None:
        refuse(
            "binary",
            "含控制字符, 不是文本文件; 应为 UTF-8 的 YAML 或 JSON",
            "holds control characters: no text file; should be YAML or JSON in UTF-8",
            row=text.count("\n", 0, odd.start()) + 1,
            value=repr(odd.group()),
        )
    return text
