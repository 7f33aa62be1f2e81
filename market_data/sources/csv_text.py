"""What every way through a CSV file begins with: bytes become text, and the delimiter is found."""

import csv
import io

from market_data.columns import count_known
from market_data.sources.raw_table import HEADER_SEARCH_ROWS, refuse
from optimizer.findings import fault

DELIMITERS = ",;\t|"
FIELD_LENGTH_MAX = 1_000_000
"""Characters of one cell; a lost quote makes one cell of half the file."""
HEAD_LENGTH = 200_000
"""Characters in which the header and the delimiter are looked for."""


def decode(content: bytes) -> str:
    """The text of a file in UTF-8 or GB18030.

    Raises:
        BadInput: UTF-16, binary content, or broken text, with the row where it breaks.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise refuse(
            fault(
                "encoding_utf16", "文件是 UTF-16 编码; 请另存为 CSV UTF-8", "the file is UTF-16; save it as CSV UTF-8"
            )
        )
    if b"\x00" in content:
        row = content.count(b"\n", 0, content.index(b"\x00")) + 1
        zh, en = (
            "含有空字节, 不是文本文件; 请另存为 CSV UTF-8 或 XLSX",
            "holds NUL bytes, so it is not text; save it as CSV UTF-8 or XLSX",
        )
        raise refuse(fault("file_binary", zh, en, row=row))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
    lenient = content.decode("utf-8", "replace")
    broken, wide = lenient.count("\ufffd"), sum(ord(c) >= 0x800 for c in lenient)
    if broken > wide - broken:
        try:
            return content.decode("gb18030")
        except UnicodeDecodeError:
            pass
    zh, en = (
        "既不是完好的 UTF-8 也不是 GB18030; 请另存为 CSV UTF-8",
        "is neither sound UTF-8 nor GB18030; save it as CSV UTF-8",
    )
    raise refuse(fault("encoding_broken", zh, en, row=row))


def sniff_delimiter(text: str) -> str:
    """The delimiter under which one of the first rows names the most columns; a comma when none does."""

    def known(delimiter: str) -> int:
        head = io.StringIO(text[:HEAD_LENGTH], newline="")
        try:
            rows = [
                row for row, _ in zip(csv.reader(head, delimiter=delimiter), range(HEADER_SEARCH_ROWS), strict=False)
            ]
        except csv.Error:
            return 0
        return max((count_known(row[:1000]) for row in rows), default=0)

    return max(DELIMITERS, key=known)
