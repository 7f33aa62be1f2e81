"""The store: snapshots and quotes that stay as they were saved, in SQLite or PostgreSQL.

There is no way to change or delete here, and the database refuses it too. Times come from the caller.
"""

from datetime import date, datetime
from types import TracebackType

from market_data.feed_reading import FeedReading
from market_data.quote_store import (
    QuoteReceipt,
    Revision,
    StoredSeries,
    add_quotes,
    list_quote_receipts,
    list_series,
    read_quotes,
    read_revisions,
)
from market_data.quotes import Quotes
from market_data.snapshot import Snapshot, encode
from market_data.snapshot_store import (
    Receipt,
    StoredSnapshot,
    add_snapshot,
    is_stored,
    list_snapshots,
    read_snapshot,
    receipts_of,
    resolve_id,
    snapshot_of,
)
from market_data.store_opening import SAVING_QUOTES, Database, open_database


def open_store(url: str) -> "Store":
    """The store at `sqlite:///file` or `postgresql://...`, made if it is not there, its tables brought up to date.

    Raises:
        BadInput: an address of no such database; one that cannot be reached or refuses; one written by a newer version.
    """
    return Store(open_database(url))


class Store:
    """Snapshots and quotes, each with the receipts of their imports.

    Every method may raise BadInput (`store_refused`) where the database refuses.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Gives the connections back; the store must not be used after."""
        self._database.close()

    def save_snapshot(self, snapshot: Snapshot, imported_at: datetime) -> Receipt:
        """Saves a snapshot for good. The same content again adds a receipt, never a second copy.

        When this returns, the snapshot outlives a crash.

        Raises:
            BadInput: an offer id that stands twice; `imported_at` without a time zone.
        """
        with self._database.reading() as c:
            known = is_stored(c, snapshot.id)
        # Encoded before the transaction, so that other writers do not wait for it.
        content = None if known else encode(snapshot.offers)
        with self._database.writing() as c:
            return add_snapshot(c, snapshot, content, imported_at)

    def snapshots(self) -> tuple[StoredSnapshot, ...]:
        """All snapshots, the one imported last first."""
        with self._database.reading() as c:
            return list_snapshots(c)

    def receipts(self, snapshot_id: str) -> tuple[Receipt, ...]:
        """Every import of a snapshot (its id or the beginning of it), the first first.

        Raises:
            BadInput: as `resolve`.
        """
        with self._database.reading() as c:
            return receipts_of(c, resolve_id(c, snapshot_id))

    def resolve(self, text: str) -> str:
        """The full id of a snapshot from its beginning, at least 8 digits.

        Raises:
            BadInput: `snapshot_id`, `snapshot_unknown` or `snapshot_ambiguous` with the candidates.
        """
        with self._database.reading() as c:
            return resolve_id(c, text)

    def load(self, snapshot_id: str) -> Snapshot:
        """The snapshot of an id or its beginning, as its first import brought it; its content is held against its id.

        Its offers come in order of their ids.

        Raises:
            BadInput: as `resolve`, or `snapshot_damaged`.
        """
        with self._database.reading() as c:
            content, receipt = read_snapshot(c, resolve_id(c, snapshot_id))
        return snapshot_of(content, receipt)

    def save_quotes(self, reading: FeedReading, imported_at: datetime) -> QuoteReceipt:
        """Saves the quotes of a reading: new days and revisions; rows that are there already only count.

        Raises:
            BadInput: two different rows for one day of a series; `imported_at` without a time zone.
        """
        with self._database.writing(SAVING_QUOTES) as c:
            return add_quotes(c, reading, imported_at)

    def quotes(
        self,
        *,
        instrument: str | None = None,
        mechanism: str | None = None,
        code: str | None = None,
        since: date | None = None,
        until: date | None = None,
    ) -> Quotes:
        """The latest revision of every stored day (both ends included), in order of market, code, method and day."""
        with self._database.reading() as c:
            return read_quotes(c, instrument, mechanism, code, since, until)

    def revisions(
        self, instrument: str, mechanism: str, code: str, day: date, method: str = ""
    ) -> tuple[Revision, ...]:
        """What every import said about one day of a series, the oldest first."""
        with self._database.reading() as c:
            return read_revisions(c, instrument, mechanism, code, day, method)

    def series(self) -> tuple[StoredSeries, ...]:
        """What is stored of every code and way of trading: first day, last day, number of days."""
        with self._database.reading() as c:
            return list_series(c)

    def quote_receipts(self) -> tuple[QuoteReceipt, ...]:
        """Every import of quotes, the latest first."""
        with self._database.reading() as c:
            return list_quote_receipts(c)
