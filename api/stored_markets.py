"""Markets that are kept: the store behind a URL, and the market that a user names by file or by snapshot."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from market_data import OffersFile, read_offers
from market_data.snapshot import find_id
from optimizer.errors import BadInput
from optimizer.findings import fault

if TYPE_CHECKING:
    from market_data.store import Store

SHOWN_ID = 12
"""Digits of a snapshot's id that people are shown; all of them stand in JSON."""


def opened_store(url: str) -> "AbstractContextManager[Store]":
    """The store at a URL; a database of our own making gets its folder. Raises BadInput."""
    from market_data.store import open_store

    if url.startswith("sqlite:///"):
        folder = Path(url.removeprefix("sqlite:///")).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            zh, en = "无法建立数据库所在的文件夹", "the folder of the database cannot be made"
            raise BadInput([fault("database_folder", zh, en, path="--database", value=folder)]) from error
    return open_store(url)


def market_of(reference: str, url: str) -> OffersFile:
    """The market that a user names: an offers file, or a snapshot by its id or the beginning of it.

    A file of that name is taken before a snapshot. Raises BadInput.
    """
    asked = find_id(reference)
    if asked is None or Path(reference).exists():
        return read_offers(reference)
    with opened_store(url) as store:
        snapshot = store.load(asked)
    return OffersFile(snapshot.offers, snapshot.findings, snapshot.id, f"snapshot {snapshot.id[:SHOWN_ID]}")
