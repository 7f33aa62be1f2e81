"""The laboratory: the engine beside its yardsticks, in one run. Ratios of medians with their spread.

python -m benchmarks                     all rows, in minutes; kept in benchmarks/results.json
python -m benchmarks calendar draws      these rows; the others stay as they were
python -m benchmarks --quick             small sizes: shows that everything runs; kept only under -f FILE
python -m benchmarks check [ROW ...]     measures, and compares with benchmarks/baseline.json; exit 1 where worse
python -m benchmarks keep                makes the kept results the baseline
python -m benchmarks report              writes docs/performance.md, its Chinese page and pictures from the results
python -m benchmarks list                the rows
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks.baseline import compared, read_baseline, write_baseline
from benchmarks.figures import Figure, read_figures, write_figures
from benchmarks.report import write_report
from benchmarks.rows import ROWS

HERE = Path(__file__).resolve().parent
RESULTS, BASELINE = HERE / "results.json", HERE / "baseline.json"
DOCS = HERE.parent / "docs"
VERBS = ("check", "keep", "report", "list")


def main() -> None:
    """Measures, or does what the first word says."""
    arguments = _arguments()
    if arguments.verb == "keep":
        write_baseline(BASELINE, read_figures(arguments.file or RESULTS))
    elif arguments.verb == "report":
        write_report(arguments.file or RESULTS, DOCS)
    elif arguments.verb == "list":
        print("\n".join(f"{name:<16} {row.work.en}" for name, row in ROWS.items()))
    elif arguments.verb == "check":
        raise SystemExit(_check(_measured(arguments.rows, arguments.quick)))
    else:
        figures = _measured(arguments.rows, arguments.quick)
        if not arguments.quick or arguments.file:
            write_figures(arguments.file or RESULTS, figures, list(ROWS))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description="Ratios measured side by side in one run.")
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"one of {', '.join(VERBS)}, and rows (default: all)")
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument(
        "-f", "--file", type=Path, help="where figures are kept or taken from (benchmarks/results.json)"
    )
    found = parser.parse_args()
    found.verb = found.rows.pop(0) if found.rows[:1] and found.rows[0] in VERBS else ""
    unknown = [name for name in found.rows if name not in ROWS]
    if unknown:
        parser.error(f"no such row: {', '.join(unknown)}; should be one of {', '.join(ROWS)}")
    found.rows = found.rows or list(ROWS)
    return found


def _measured(rows: list[str], quick: bool) -> list[Figure]:
    found = []
    for name in rows:
        print(f"{name}: {ROWS[name].work.en}", file=sys.stderr)
        for figure in ROWS[name].measure(quick):
            found.append(replace(figure, mark=None) if quick else figure)
            print(found[-1].line(), flush=True)
    return found


def _check(figures: list[Figure]) -> int:
    """1 where some figure is worse than its baseline."""
    found = compared(figures, read_baseline(BASELINE), {name: row.tolerance for name, row in ROWS.items()})
    print("\n".join(["", *(one.line() for one in found)]))
    return int(any(one.worse for one in found))


if __name__ == "__main__":
    main()
