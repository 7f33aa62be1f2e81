"""A figure: one ratio of medians, measured side by side in one run, with the spread of its paired ratios."""

import json
import math
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

type Kind = Literal["ratio", "speed-up", "exponent", "share", "milliseconds"]
"""ratio: ours / theirs, less is better. speed-up: theirs / ours. exponent: of growth, less is better. share: of 1.

milliseconds: ours - theirs, less is better; of this machine on this day, so no baseline keeps them."""
type Key = tuple[str, str, str]

LIBRARIES = ("highspy", "pulp", "numpy", "pandas", "pyarrow", "scipy", "linopy", "pyomo", "cvxpy", "ortools")


@dataclass(frozen=True)
class Figure:
    """What was measured of one row, at one size, against one yardstick."""

    row: str
    size: str
    """What was planned, in words of the trade; no numbers of the machine."""
    yardstick: str
    kind: Kind
    value: float
    """Ratio or difference of medians, exponent or share."""
    low: float
    """Lower quartile of the paired ratios or differences; of an exponent its standard error below."""
    high: float
    turns: int
    mark: float | None
    """What is asked for; None: reported only."""
    note: str = ""
    """A code of `wording.NOTES`: why it does not count. Empty: it counts."""
    cut: bool = False
    """The yardstick was stopped before it had an answer: the true ratio is less."""

    @property
    def key(self) -> Key:
        """What a figure of another run is compared by."""
        return self.row, self.size, self.yardstick

    @property
    def more_is_better(self) -> bool:
        """Of speed-ups and shares."""
        return self.kind in ("speed-up", "share")

    @property
    def met(self) -> bool | None:
        """Whether the mark is met; None where there is none or the figure does not count."""
        if self.mark is None or self.note:
            return None
        return self.value >= self.mark if self.more_is_better else self.value <= self.mark

    def line(self) -> str:
        """For the terminal."""
        mark = "" if self.mark is None else f"  mark {self.mark:g} {'met' if self.met else 'NOT MET'}"
        told = f"  does not count: {self.note}" if self.note else mark
        return (
            f"{self.row:>14}  {self.size:<32} {self.yardstick:<20} {self.kind:<8} {'<' * self.cut:>1}{self.value:9.3g} "
            f"[{self.low:.3g} .. {self.high:.3g}] in {self.turns}{told}"
        )


def in_turns(
    works: Mapping[str, Callable[[], Any]], turns: int, *, warm: bool = True
) -> tuple[dict[str, list[float]], dict[str, Any]]:
    """Seconds of each work, turn by turn, and what each gave last.

    Every other turn goes backwards, so that a slow moment of the machine and the order fall on all of them.
    """
    seconds: dict[str, list[float]] = {name: [] for name in works}
    given = {name: work() for name, work in works.items()} if warm else {}
    for turn in range(turns):
        names = list(works)[:: 1 if turn % 2 == 0 else -1]
        for name in names:
            start = time.perf_counter()
            given[name] = works[name]()
            seconds[name].append(time.perf_counter() - start)
    return seconds, given


def beside(
    row: str,
    size: str,
    yardstick: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    mark: float | None = None,
    *,
    kind: Literal["ratio", "speed-up"] = "ratio",
    note: str = "",
    cut: bool = False,
) -> Figure:
    """The ratio of medians of two series that were measured in turns, with the quartiles of the pairs.

    Raises ValueError when the series are empty or of different length.
    """
    if not ours or len(ours) != len(theirs):
        raise ValueError("paired series should have the same length, above 0")
    above, below = (ours, theirs) if kind == "ratio" else (theirs, ours)
    pairs = [a / b for a, b in zip(above, below, strict=True)]
    low, high = quartiles(pairs)
    value = statistics.median(above) / statistics.median(below)
    return Figure(row, size, yardstick, kind, value, low, high, len(pairs), mark, note, cut)


def more(row: str, size: str, yardstick: str, ours: Sequence[float], theirs: Sequence[float], mark: float) -> Figure:
    """By how many milliseconds the median of one series is above that of another, with the quartiles of the turns.

    Both hold seconds, one entry a turn. Raises ValueError when they are empty or of different length.
    """
    if not ours or len(ours) != len(theirs):
        raise ValueError("paired series should have the same length, above 0")
    low, high = quartiles([1000 * (a - b) for a, b in zip(ours, theirs, strict=True)])
    value = 1000 * (statistics.median(ours) - statistics.median(theirs))
    return Figure(row, size, yardstick, "milliseconds", value, low, high, len(ours), mark)


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """Lower and upper quartile; least and most of fewer than four."""
    if len(values) < 4:
        return min(values), max(values)
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


def growth(
    row: str, size: str, yardstick: str, sizes: Sequence[float], seconds: Sequence[float], mark: float | None = None
) -> Figure:
    """The exponent of seconds in the size: least squares of the logarithms, with its standard error.

    Raises ValueError for fewer than two sizes.
    """
    if len(sizes) < 2 or len(sizes) != len(seconds):
        raise ValueError("growth should have two sizes or more, each with its seconds")
    x, y = [math.log(n) for n in sizes], [math.log(s) for s in seconds]
    slope, intercept = statistics.linear_regression(x, y)
    left = sum((b - intercept - slope * a) ** 2 for a, b in zip(x, y, strict=True))
    spread = sum((a - statistics.fmean(x)) ** 2 for a in x)
    error = math.sqrt(left / (len(x) - 2) / spread) if len(x) > 2 else 0.0
    return Figure(row, size, yardstick, "exponent", slope, slope - error, slope + error, len(x), mark)


# ------------------------------------------------------------------------------------------------- kept between runs


def machine() -> dict[str, str]:
    """What tells one machine's figures from another's, and nothing that names the machine."""
    found = {"cores": str(os.cpu_count() or 1), "python": platform.python_version(), "system": platform.system()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def read_figures(path: Path) -> list[Figure]:
    """The figures of a file that `write_figures` wrote; none where there is no file."""
    if not path.exists():
        return []
    return [Figure(**one) for one in json.loads(path.read_text(encoding="utf-8"))["figures"]]


def read_machine(path: Path) -> dict[str, str]:
    """What the file tells of the machine."""
    told: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))["machine"]
    return told


def write_figures(path: Path, figures: Iterable[Figure], rows: Sequence[str]) -> None:
    """Keeps a run: its rows take the place of the same rows of earlier runs; `rows` is the order of all."""
    fresh = list(figures)
    measured = {one.row for one in fresh}
    kept = [one for one in read_figures(path) if one.row not in measured and one.row in rows]
    ordered = sorted([*kept, *fresh], key=lambda one: rows.index(one.row))
    content: dict[str, Any] = {"machine": machine(), "figures": [_rounded(one) for one in ordered]}
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _rounded(figure: Figure) -> dict[str, Any]:
    """Four digits say all that such a measurement can."""
    return {k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in asdict(figure).items()}
