"""Kill -9 while saving: what was reported as saved is there and whole, and nothing is there by half."""

import signal
import subprocess
from datetime import date

from market_data.store import open_store
from tests.forking import process

SAVING = """
import sys
from datetime import UTC, date, datetime
import numpy as np
from market_data.feed_reading import FeedReading
from market_data.quotes import Quote, Quotes
from market_data.snapshot import Snapshot
from market_data.store import open_store
from optimizer import Offer, Offers

now = datetime(2026, 11, 22, tzinfo=UTC)
one = Offers.of([Offer(offer_id="o", instrument="ccer", quantity="100", price="50")])
noise = np.random.default_rng(7)
n = 2000
with open_store(sys.argv[1]) as store:
    for k in range(10_000):
        offers = one.take(np.zeros(n, dtype=int)).replace(
            offer_id=np.array([f"o{i}" for i in range(n)], dtype=object), price_fen=noise.integers(0, 2**40, n)
        )
        saved = store.save_snapshot(Snapshot(offers, f"round {k}", date(2026, 11, 22)), now)
        quotes = Quotes.of(Quote(date(2026, 1, d), "allowance", "CEA", f"C{k}", close_fen=k) for d in range(1, 29))
        receipt = store.save_quotes(FeedReading("f", f"round {k}", "0" * 64, 28, 28, {}, quotes), now)
        print(saved.snapshot_id, receipt.number, flush=True)
"""


ROUNDS = 5


def test_what_was_reported_as_saved_outlives_kill_9(store_address):
    with process("-c", SAVING, store_address, stdout=subprocess.PIPE) as saving:
        assert saving.stdout
        reported = [saving.stdout.readline().split() for _ in range(ROUNDS)]
        saving.send_signal(signal.SIGKILL)  # somewhere in the next round
        # A last line may be cut off in the middle: only whole ones are reports.
        reported += [line.split() for line in saving.stdout if line.endswith("\n")]
    assert saving.returncode == -signal.SIGKILL
    assert all(len(line) == 2 for line in reported)

    with open_store(store_address) as store:
        there = {s.id for s in store.snapshots()}
        assert {snapshot_id for snapshot_id, _ in reported} <= there
        assert len(there) - len(reported) in (0, 1)  # the round that was cut off may have been committed
        for snapshot_id in there:
            assert store.load(snapshot_id).id == snapshot_id
        receipts = {r.number: r for r in store.quote_receipts()}
        assert {int(number) for _, number in reported} <= receipts.keys()
        # Every receipt has all of its rows, and no row is without one.
        assert [s.days for s in store.series()] == [28] * len(receipts)
        # And the store goes on.
        first = store.load(reported[0][0])
        assert store.save_snapshot(first, receipts[int(reported[0][1])].imported_at).first is False
        assert first.as_of == date(2026, 11, 22)
