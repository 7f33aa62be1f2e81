"""Complaints about many rows at once, made into findings only as far as a person will read them.

A file of 100,000 rows can hold 2,000,000 faults. They are kept as arrays of rows; at most `SHOWN_MAX` become findings,
in the order of the file, and one last finding counts the rest by kind. Nothing here knows what is right or wrong.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from heapq import nsmallest
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from optimizer.findings import Finding
from optimizer.wording import Text

SHOWN_MAX = 200
"""Complaints of one severity that are listed: more than anyone reads, few enough for a screen and a web page."""

type Severity = Literal["fault", "warning"]
type Words = Callable[[int], Text]
type Maker = tuple[tuple[int, int], Callable[[], Finding]]
type Cells = Callable[[int], str | None]


@dataclass(frozen=True)
class Group:
    """The same complaint about several rows of a column. `indices` count data rows from 0, `rows` as readers do."""

    code: str
    severity: Severity
    column: str
    position: int
    indices: NDArray[np.int64]
    rows: NDArray[np.int64]
    cell: Cells
    words: Words

    def makers(self) -> Iterator[Maker]:
        """One a row: its place in the file (row, column) and what words it, so that only those shown are worded."""
        for index, row in zip(self.indices.tolist(), self.rows.tolist(), strict=True):
            yield (row, self.position), partial(self.finding, index, row)

    def finding(self, index: int, row: int) -> Finding:
        """The complaint about one row."""
        return Finding(self.code, self.words(index), self.severity, row=row, column=self.column, value=self.cell(index))


class Complaints:
    """All that is wrong or doubtful in one file."""

    def __init__(self) -> None:
        self._single: list[Finding] = []
        self._groups: list[Group] = []

    def add(self, finding: Finding) -> None:
        """One complaint about the file, a header or a single row."""
        self._single.append(finding)

    def add_group(self, group: Group) -> None:
        """The same complaint about several rows."""
        if len(group.indices):
            self._groups.append(group)

    def extend(self, others: "Complaints") -> None:
        """Those of others, behind the own ones."""
        self._single += others._single
        self._groups += others._groups

    def kept(self, single: Callable[[Finding], bool], cell: Callable[[int, int], bool]) -> "Complaints":
        """Only the single complaints that `single` keeps and those about cells (row, position) that `cell` keeps."""
        kept = Complaints()
        kept._single = [f for f in self._single if single(f)]
        for group in self._groups:
            stays = np.array([cell(row, group.position) for row in group.rows.tolist()], dtype=bool)
            kept.add_group(replace(group, indices=group.indices[stays], rows=group.rows[stays]))
        return kept

    def count(self, severity: Severity) -> int:
        """How many there are of one severity."""
        singles = sum(f.severity == severity for f in self._single)
        return singles + sum(len(g.indices) for g in self._groups if g.severity == severity)

    def listed(self, severity: Severity, file: str = "", at_most: int = SHOWN_MAX) -> tuple[Finding, ...]:
        """Those of one severity in the file's order, the first `at_most`, then one that counts the rest by kind."""
        singles = [f for f in self._single if f.severity == severity]
        groups = [g for g in self._groups if g.severity == severity]
        makers: list[Maker] = [((f.row or 0, -1), partial(replace, f)) for f in singles]
        makers += [maker for g in groups for maker in _first(g, at_most)]
        shown = [make() for _, make in nsmallest(at_most, makers, key=lambda pair: pair[0])]
        rest = Counter({(f.column, f.code): 0 for f in shown})
        rest.update((f.column, f.code) for f in singles)
        for group in groups:
            rest[group.column, group.code] += len(group.indices)
        rest.subtract((f.column, f.code) for f in shown)
        closing = [_closing(rest, severity)] if rest.total() else []
        return tuple(replace(f, file=f.file or file) for f in (*shown, *closing))


def _first(group: Group, at_most: int) -> list[Maker]:
    if len(group.indices) <= at_most:
        return list(group.makers())
    order = np.argsort(group.rows, kind="stable")[:at_most]
    return list(replace(group, indices=group.indices[order], rows=group.rows[order]).makers())


def _closing(rest: Counter[tuple[str, str]], severity: Severity) -> Finding:
    kinds = [(f"{column} {code}".strip(), n) for (column, code), n in rest.most_common(20) if n > 0]
    listed = "; ".join(f"{kind} x {n}" for kind, n in kinds)
    zh, en = ("处错误", "faults") if severity == "fault" else ("处提示", "warnings")
    text = Text(
        f"另有 {rest.total()} {zh}未逐一列出: {listed}",
        f"and {rest.total()} more {en} that are not listed one by one: {listed}",
    )
    return Finding("more", text, severity)
