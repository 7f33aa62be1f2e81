"""A made-up market from file to offers, beside pandas reading the same file, each in a process of its own.

Every job runs in a fresh process, so that its peak memory is its own; jobs take turns, and medians are compared. What
pandas gives is a frame of guessed types; what `read_offers` gives is checked offers in exact units, with its findings,
the hash of the file; the hash of the content is the id of its snapshot, which a store keeps.
"""

import json
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd

from market_data import read_offers, write_offers
from market_data.snapshot import Snapshot
from market_data.store import open_store
from market_data.synthetic import synthetic_market

AS_OF = date(2026, 11, 22)
IMPORTED_AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SEED = 7
OFFERS = 1_000_000
TIMES = 3

type Work = Callable[[Path], object]


def _hashed(path: Path) -> str:
    return read_offers(path).offers.sha256


def _saved(path: Path) -> object:
    with open_store(_store_of(path)) as store:
        return store.save_snapshot(Snapshot.of_file(read_offers(path), AS_OF), IMPORTED_AT)


def _loaded(path: Path) -> object:
    with open_store(_store_of(path)) as store:
        return store.load(store.snapshots()[0].id)


def _store_of(path: Path) -> str:
    return f"sqlite:///{path.with_suffix('.db')}"


JOBS: dict[str, Work] = {
    "read_offers": read_offers,
    "read_offers and hash": _hashed,
    "file to snapshot in SQLite": _saved,
    "snapshot out of SQLite": _loaded,
    "pandas read_csv": pd.read_csv,
    "pandas read_csv, pyarrow": lambda path: pd.read_csv(path, engine="pyarrow"),
    "pandas read_csv, text": lambda path: pd.read_csv(path, dtype="str", keep_default_na=False),
    "pandas read_parquet": pd.read_parquet,
}
OURS = ("read_offers", "read_offers and hash", "file to snapshot in SQLite", "snapshot out of SQLite")
BESIDE = {
    "csv": ("pandas read_csv", "pandas read_csv, pyarrow", "pandas read_csv, text"),
    "parquet": ("pandas read_parquet",),
}


def market_files(n: int = OFFERS) -> None:
    """Writes a market of n offers as CSV and Parquet, reads each by every job, prints medians and ratios."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        offers = synthetic_market(n, SEED, AS_OF)
        print(f"{n:,} made-up offers: made in {time.perf_counter() - start:.1f} s")
        for ending in BESIDE:
            path = Path(folder) / f"offers.{ending}"
            start = time.perf_counter()
            write_offers(offers, path)
            took = time.perf_counter() - start
            print(f"{ending}: written in {took:.1f} s, {path.stat().st_size / 1e6:.0f} MB")
        del offers
        for ending, theirs in BESIDE.items():
            _compare(Path(folder) / f"offers.{ending}", theirs)


def _compare(path: Path, theirs: tuple[str, ...]) -> None:
    found: dict[str, list[dict[str, float]]] = {job: [] for job in (*OURS, *theirs)}
    for _ in range(TIMES):
        path.with_suffix(".db").unlink(missing_ok=True)
        for job in found:
            found[job].append(_in_own_process(job, path))
    medians = {
        job: {key: statistics.median(run[key] for run in runs) for key in runs[0]} for job, runs in found.items()
    }
    mine = medians[OURS[0]]
    for job, one in medians.items():
        print(
            f"{path.suffix:>9}  {job:<26} {one['seconds']:7.2f} s  cpu {one['cpu']:7.2f} s"
            f"  peak {one['peak_mb']:6.0f} MB   read_offers / this: s {mine['seconds'] / one['seconds']:5.2f}  MB "
            f"{mine['peak_mb'] / one['peak_mb']:5.2f}"
        )


def _in_own_process(job: str, path: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.market_files", job, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def _measure(job: str, path: Path) -> dict[str, float]:
    """Wall and processor time of a job, s, and the most memory this process ever held, MB."""
    wall, cpu = time.perf_counter(), time.process_time()
    kept = JOBS[job](path)
    taken = {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    del kept
    return taken | {"peak_mb": _peak_mb()}


def _peak_mb() -> float:
    """Where the system tells it, of this program alone: getrusage counts what the parent held when it started us."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.findall(r"VmHWM:\s+([0-9]+) kB", status.read_text())[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    print(json.dumps(_measure(sys.argv[1], Path(sys.argv[2]))))
