"""Markets that are kept: the store behind a URL, the market named by file or by snapshot, and offers files written."""

import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from api.whole_files import make_database_folder, out_path, whole_file
from market_data import OffersFile, read_offers
from market_data.snapshot import ID_SHOWN_LENGTH, find_id
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.offers import Offers

if TYPE_CHECKING:
    from market_data.store import Store

REPEATS_SHOWN_MAX = 20
"""Repeated ids that are listed: two copies of one file repeat them all."""
SHOWN_ID = 12
"""Digits of a snapshot's id that people are shown; all of them stand in JSON."""
OFFERS_FILES = (".csv", ".xlsx", ".json", ".parquet")
_ID_OR_PART = re.compile(r"snapshot:.*|[0-9a-fA-F]{1,64}")
"""What was surely, or most likely, meant as an id, whatever its length; no offers file has such a name."""


def opened_store(url: str) -> "AbstractContextManager[Store]":
    """The store at a URL; a database of our own making gets its folder. Raises BadInput."""
    from market_data.store import open_store

    make_database_folder(url)
    return open_store(url)


def market_of(reference: str, url: str) -> OffersFile:
    """The market that a user names: an offers file, or a snapshot by its id or the beginning of it.

    A file of that name is taken before a snapshot. Raises BadInput.
    """
    asked = find_id(reference)
    if asked is None or Path(reference).exists():
        if looks_like_snapshot(reference) and not Path(reference).exists():
            zh = f"没有这个文件, 也不是快照编号: 编号至少 {ID_SHOWN_LENGTH} 位十六进制数字"
            en = f"is neither a file nor a snapshot's id: an id has at least {ID_SHOWN_LENGTH} hexadecimal digits"
            raise BadInput([fault("snapshot_id", zh, en, value=reference)])
        return read_offers(reference)
    with opened_store(url) as store:
        snapshot = store.load(asked)
    return OffersFile(snapshot.offers, snapshot.findings, snapshot.id, f"snapshot {snapshot.id[:SHOWN_ID]}")


def joined_market(files: Sequence[OffersFile]) -> Offers:
    """The offers of several files as one market. Raises BadInput for an id that stands in two of them."""
    if len(files) == 1:
        return files[0].offers
    owner: dict[str, int] = {}
    found: list[Finding] = []
    for k, file in enumerate(files):
        for offer_id in file.offers.offer_id.tolist():
            first = owner.setdefault(offer_id, k)
            if first != k:
                other = files[first].name
                zh, en = f"编号与 {other} 中的报价重复", f"repeats the id of an offer in {other}"
                found.append(fault("duplicate_id", zh, en, column="offer_id", value=offer_id).at(file.name))
    if found:
        raise BadInput([*found[:REPEATS_SHOWN_MAX], *_more(len(found) - REPEATS_SHOWN_MAX)])
    return Offers.joined([file.offers for file in files])


def _more(n: int) -> list[Finding]:
    zh, en = f"另有 {n} 个编号重复未逐一列出", f"and {n} more repeated ids that are not listed one by one"
    return [fault("more", zh, en)] if n > 0 else []


def looks_like_snapshot(reference: str) -> bool:
    """Whether this is an id or was meant as one."""
    return _ID_OR_PART.fullmatch(reference.strip()) is not None


def market_path(text: str) -> Path:
    """Where a market is to be written, known to be possible before anything is read. Raises BadInput."""
    return out_path(text, OFFERS_FILES)


def write_market(offers: Offers, path: Path) -> None:
    """An offers file that is there whole or not at all. Raises BadInput."""
    from market_data import write_offers

    try:
        with whole_file(path) as part:
            write_offers(offers, part)
    except OSError as error:
        zh, en = "无法写入; 请检查路径, 权限和磁盘空间", "cannot be written; check the path, permissions and disk space"
        raise BadInput([fault("out_unwritable", zh, en, path="-o", value=path)]) from error
