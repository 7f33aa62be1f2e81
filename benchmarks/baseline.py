"""The baseline: ratios of an earlier run, and what is worse than it by more than a row's tolerance."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Figure, Key

EXPONENT_TOLERANCE = 0.15
"""An exponent may grow by this much."""


@dataclass(frozen=True)
class Comparison:
    """One figure beside its baseline."""

    figure: Figure
    before: float | None
    """None: not in the baseline."""
    worse: bool

    def line(self) -> str:
        """For the terminal."""
        said = "new" if self.before is None else "WORSE" if self.worse else "kept"
        before = "" if self.before is None else f"{self.before:.3g}"
        one = self.figure
        return f"{one.row:>16}  {one.size:<42} {one.yardstick:<20} {before:>9} -> {one.value:9.3g}  {said}"


def compared(
    figures: Iterable[Figure], before: Mapping[Key, float], tolerances: Mapping[str, float]
) -> list[Comparison]:
    """Every figure beside the baseline. One that no longer counts, and did before, is worse."""
    return [_compared(one, before.get(one.key), tolerances[one.row]) for one in figures]


def _compared(one: Figure, before: float | None, tolerance: float) -> Comparison:
    if before is None:
        return Comparison(one, None, False)
    if one.note:
        return Comparison(one, before, True)
    if one.kind == "exponent":
        return Comparison(one, before, one.value > before + EXPONENT_TOLERANCE)
    worse = one.value < before / tolerance if one.more_is_better else one.value > before * tolerance
    return Comparison(one, before, worse)


def read_baseline(path: Path) -> dict[Key, float]:
    """Ratios by row, size and yardstick; none where there is no file."""
    if not path.exists():
        return {}
    kept = json.loads(path.read_text(encoding="utf-8"))
    return {(one["row"], one["size"], one["yardstick"]): float(one["value"]) for one in kept}


def write_baseline(path: Path, figures: Iterable[Figure]) -> None:
    """Keeps these figures, those that count on any machine; figures of the file that were not measured stay."""
    counting = [one for one in figures if not one.note and one.kind != "milliseconds"]
    kept = read_baseline(path) | {one.key: float(f"{one.value:.4g}") for one in counting}
    rows = [{"row": row, "size": size, "yardstick": name, "value": v} for (row, size, name), v in kept.items()]
    path.write_text("[\n" + ",\n".join(" " + json.dumps(one) for one in rows) + "\n]\n", encoding="utf-8")
