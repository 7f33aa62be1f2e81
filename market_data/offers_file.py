"""An offers file of any format is read, whole or not at all."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from market_data.normalize import normalize
from market_data.sources.csv_file import read_csv
from market_data.sources.raw_table import refuse
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.offers import Offers


@dataclass(frozen=True, eq=False)
class OffersFile:
    """A file that was read: its offers, the doubts about them, and what it was."""

    offers: Offers
    findings: tuple[Finding, ...]
    sha256: str
    """Of the bytes of the file."""
    name: str


def read_offers(path: Path | str, *, content: bytes | None = None, name: str = "") -> OffersFile:
    """The offers of a file (CSV, XLSX, JSON or Parquet), or of `content` that came by another way under that name.

    Raises:
        BadInput: every fault of the file at once.
    """
    shown = name or Path(path).name
    try:
        data = Path(path).read_bytes() if content is None else content
        table = read_csv(data)
        offers, complaints = normalize(table)
        if not len(offers):
            raise refuse(fault("no_rows", "只有表头, 没有报价", "has a header and no offers"))
    except BadInput as error:
        raise BadInput([f.at(f.file or shown) for f in error.findings]) from error.__cause__
    return OffersFile(offers, complaints.listed("warning", shown), hashlib.sha256(data).hexdigest(), shown)
