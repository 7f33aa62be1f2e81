"""A made-up market from file to screened offers, beside pandas reading the same file, each in a process of its own.

Every job runs in a fresh process, so that its peak memory is its own; jobs take turns, and medians are compared. What
pandas gives is a frame of guessed types; ours are checked offers in exact units, with findings, the file's hash, and
for one event every reason of the rule pack why an offer may not be used.
"""

import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd

from benchmarks.figures import Figure, beside
from benchmarks.own_process import in_own_process, measured
from benchmarks.plans import offers_text
from market_data import read_offers, write_offers
from market_data.snapshot import Snapshot
from market_data.store import open_store
from market_data.synthetic import synthetic_market
from optimizer import Calendar, Event, Problem, read_rule_pack
from optimizer.eligibility import screen

AS_OF = date(2026, 11, 22)
IMPORTED_AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SEED = 7
OFFERS, QUICK_OFFERS = 1_000_000, 5_000
TIMES = 3

type Work = Callable[[Path], object]


def _screened(path: Path) -> object:
    event = {"id": "event", "end_date": "2026-10-11", "emissions": {"tonnes": "1000", "status": "verified"}}
    calendar = Calendar.of(Event.model_validate(event))
    return screen(Problem(calendar, read_offers(path).offers, read_rule_pack("shanxi-2022"), AS_OF))


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
    "screened": _screened,
    "hashed": _hashed,
    "saved": _saved,
    "loaded": _loaded,
    "pandas csv": pd.read_csv,
    "pandas csv, pyarrow": lambda path: pd.read_csv(path, engine="pyarrow"),
    "pandas csv, text": lambda path: pd.read_csv(path, dtype="str", keep_default_na=False),
    "pandas parquet": pd.read_parquet,
}
BESIDE = {"parquet": ("pandas parquet",), "csv": ("pandas csv", "pandas csv, pyarrow", "pandas csv, text")}
"""The first is the yardstick of the marks."""
OTHERS = {"hashed": "content hash", "saved": "to snapshot in SQLite", "loaded": "from snapshot in SQLite"}
MARKS = {"parquet": 1.5, "csv": 1.2}


def parquet(quick: bool) -> Iterator[Figure]:
    """A million offers from Parquet."""
    yield from _files("parquet", quick)


def csv(quick: bool) -> Iterator[Figure]:
    """A million offers from CSV."""
    yield from _files("csv", quick)


def _files(ending: str, quick: bool) -> Iterator[Figure]:
    n = QUICK_OFFERS if quick else OFFERS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"offers.{ending}"
        write_offers(synthetic_market(n, SEED, AS_OF), path)
        yield from _compared(ending, path, offers_text(n), 2 if quick else TIMES)


def _compared(ending: str, path: Path, size: str, times: int) -> Iterator[Figure]:
    theirs = BESIDE[ending]
    found: dict[str, list[dict[str, float]]] = {job: [] for job in ("screened", *theirs, *OTHERS)}
    for _ in range(times):
        path.with_suffix(".db").unlink(missing_ok=True)
        for job in found:
            found[job].append(in_own_process("benchmarks.market_files:job", job, str(path)))

    def series(job: str, key: str = "seconds") -> list[float]:
        return [run[key] for run in found[job]]

    for k, name in enumerate(theirs):
        mark = MARKS[ending] if k == 0 else None
        yield beside(ending, size, name, series("screened"), series(name), mark)
    memory = series("screened", "peak_mb"), series(theirs[0], "peak_mb")
    yield beside(ending, f"{size}, peak memory", theirs[0], *memory)
    for job, text in OTHERS.items():
        yield beside(ending, f"{size}, {text}", theirs[0], series(job), series(theirs[0]))


def job(name: str, path: str) -> dict[str, float]:
    """In a process of its own."""
    return measured(lambda: JOBS[name](Path(path)))
