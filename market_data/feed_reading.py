"""What one feed said, with every row accounted for: rows read = rows used + rows left out, each with its reason.

Here live the account of rows and the result type that all feeds share. What a row means lives with its feed.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from market_data.complaints import Complaints
from market_data.quotes import NO_QUOTES, Quotes, Stock
from optimizer.findings import Finding


class RowAccount:
    """Counts the fate of every row while a feed is read."""

    def __init__(self) -> None:
        self.read = 0
        self.used = 0
        self.left_out: Counter[str] = Counter()
        self.complaints = Complaints()

    def use(self, rows: int = 1) -> None:
        """These rows became quotes or stock."""
        self.read += rows
        self.used += rows

    def leave_out(self, finding: Finding, rows: int = 1) -> None:
        """These rows did not, for this reason."""
        self.read += rows
        self.left_out[finding.code] += rows
        self.complaints.add(replace(finding, severity="warning"))

    def doubt(self, finding: Finding) -> None:
        """A row that is used all the same, or something about the whole answer."""
        self.complaints.add(replace(finding, severity="warning"))


@dataclass(frozen=True, eq=False)
class FeedReading:
    """One answer or file of a feed, read. `rows_read == rows_used + sum(left_out.values())` holds by construction."""

    feed: str
    """Its name on the command line: cneeex, ccer-exchange ..."""
    name: str
    """The file or request it came from."""
    sha256: str
    """Of the bytes."""
    rows_read: int
    rows_used: int
    left_out: Mapping[str, int]
    """Reason code -> rows."""
    quotes: Quotes = NO_QUOTES
    stock: tuple[Stock, ...] = ()
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        if self.rows_read != self.rows_used + sum(self.left_out.values()):
            raise AssertionError("a row of the feed is not accounted for")
