"""A linear or integer program as plain data: columns, rows, levels to be minimised in order. No solver is known here.

    columns   lower <= x <= upper, some integer
    rows      lower <= A x <= upper, each with a key that says what it is: (family, owner, ...)
    levels    minimise in order; each is held while the next are minimised

Numbers are floats in t and yuan (MODEL 1); what they mean exactly is kept by `measure` and re-proved by `certificate`.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]
type Index = NDArray[np.int64]
type ShortIndex = NDArray[np.int32]
"""Indices that a large program holds many of."""
type Key = tuple[Hashable, ...]

INFINITY = float("inf")

BLOCK = 2**17
"""Entries that are worked on at a time: what is in between stays small beside the program."""


def runs(starts: Index | ShortIndex, which: Index) -> tuple[Index, Index]:
    """The members of some runs, one run after the other, and the place of each member's run among them.

    Runs begin at `starts`; each ends where the next begins.
    """
    counts = starts[which + 1] - starts[which]
    place = np.repeat(np.arange(len(which)), counts)
    return np.arange(len(place)) + (starts[which] - np.cumsum(counts) + counts)[place], place


def starts_of(counts: Index) -> Index:
    """Where runs of these lengths begin, one after the other, and where the last ends."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])


@dataclass(frozen=True, eq=False)
class Level:
    """One objective: sum of weights x columns, minimised when its turn comes and held afterwards."""

    name: str
    """shortfall, shortfall 1.., rules, tier 1.., cost, tie-break."""
    columns: Index
    weights: Floats | Callable[[Index], Floats]
    """One a column; or computed when asked, from positions within `columns` (the tie-break hashes what is left)."""
    unit: str
    """t, yuan or none."""
    step_t: Fraction | None
    """Gap levels with whole lots count these steps; None: the value is exact."""
    step_column: int | None
    """The integer column that counts the steps."""
    row: int | None
    """The row that can hold the level; None: only its face can."""
    gap_columns: Index
    """Columns that cannot exceed the level's value once it is held."""
    rounded_rows: tuple[tuple[int, int], ...] = ()
    """With whole lots, (row, need in kg): once the level is held at v, the row's activity is at least
    need - v, rounded up to the step that its coefficients share."""
    relative_e4: int = 0
    """What later levels may give up of it: a share of its absolute value, ten-thousandths."""
    absolute_e4: int = 0
    """The same in the level's unit, ten-thousandths."""

    @property
    def values(self) -> Floats:
        """All weights, one a column."""
        return self.weights(np.arange(len(self.columns))) if callable(self.weights) else self.weights

    def values_of(self, which: Index) -> Floats:
        """Weights of some of its columns, by their places."""
        return self.weights(which) if callable(self.weights) else self.weights[which]

    @property
    def has_slack(self) -> bool:
        """Later levels may give some of it up."""
        return self.relative_e4 > 0 or self.absolute_e4 > 0


@dataclass(frozen=True, eq=False)
class Program:
    """Shapes: (n,) for columns, (m,) for rows, (nnz,) for the entries of A, ordered by row."""

    column_names: tuple[Callable[[], Sequence[Key]], ...]
    """Each gives the keys of a run of columns, when asked."""
    lower: Floats
    upper: Floats
    integer: NDArray[np.bool_]
    row_keys: tuple[Key, ...]
    row_lower: Floats
    row_upper: Floats
    row_starts: Index
    """Where each row's entries begin, shape (m + 1,)."""
    entry_column: ShortIndex
    entry_value: Floats
    levels: tuple[Level, ...]
    use_of: Index
    """The yes-or-no column of each quantity column, which are the first; -1 where there is none. Shape (n_arcs,)."""

    @cached_property
    def column_keys(self) -> tuple[Key, ...]:
        """What each column is: (family, event, ...)."""
        return tuple(key for names in self.column_names for key in names())

    @property
    def n(self) -> int:
        """Columns."""
        return len(self.lower)

    @property
    def m(self) -> int:
        """Rows."""
        return len(self.row_lower)

    @property
    def entry_row(self) -> Index:
        """The row of each entry."""
        return np.repeat(np.arange(self.m), np.diff(self.row_starts))

    def rows_of(self, entries: Index) -> Index:
        """The rows that some entries stand in."""
        return np.searchsorted(self.row_starts, entries, side="right") - 1

    def _blocks(self) -> Iterator[tuple[slice, slice, Index]]:
        """The entries block by block: which entries, which rows they are of, and how many of each of these."""
        nnz = len(self.entry_value)
        for a in range(0, nnz, BLOCK):
            b = min(a + BLOCK, nnz)
            first, last = self.rows_of(np.array([a, b - 1])).tolist()
            counts = np.diff(self.row_starts[first : last + 2].clip(a, b))
            yield slice(a, b), slice(first, last + 1), counts

    def activity(self, x: Floats) -> Floats:
        """A x, shape (m,)."""
        found = np.zeros(self.m)
        for entries, rows, counts in self._blocks():
            terms = self.entry_value[entries] * x[self.entry_column[entries]]
            np.add.at(found[rows], np.repeat(np.arange(len(counts)), counts), terms)
        return found

    def reduced_costs(self, cost: Floats, y: Floats) -> tuple[Floats, Floats]:
        """c - A' y, and the sum of the absolute terms of each, which is the scale of its zero test; shapes (n,)."""
        reduced, size = np.zeros(self.n), np.zeros(self.n)
        for entries, rows, counts in self._blocks():
            if not y[rows].any():
                continue
            terms = np.repeat(y[rows], counts)
            terms *= self.entry_value[entries]
            np.add.at(reduced, self.entry_column[entries], terms)
            np.add.at(size, self.entry_column[entries], np.abs(terms, out=terms))
        np.subtract(cost, reduced, out=reduced)
        size += np.abs(cost)
        return reduced, size

    @cached_property
    def _by_column(self) -> tuple[ShortIndex, ShortIndex]:
        """The entries in order of their columns, and where each column's begin, shape (n + 1,)."""
        starts = np.zeros(self.n + 1, dtype=np.int32)
        np.cumsum(np.bincount(self.entry_column, minlength=self.n), out=starts[1:])
        return np.argsort(self.entry_column, kind="stable").astype(np.int32), starts

    def entries_of(self, columns: Index) -> tuple[Index, Index]:
        """The entries of some columns, one column after the other, and the place of each entry's column among them."""
        order, starts = self._by_column
        found, place = runs(starts, columns)
        return order[found].astype(np.int64), place

    def part(self, columns: Index, rows: Index) -> "Program":
        """Only these columns and rows, in this order; without levels and names."""
        row_at = np.full(self.m, -1, dtype=np.int64)
        row_at[rows] = np.arange(len(rows))
        entries, new_column = self.entries_of(columns)
        new_row = row_at[self.rows_of(entries)]
        inside = np.flatnonzero(new_row >= 0)
        inside = inside[np.lexsort((new_column[inside], new_row[inside]))]
        kept = entries[inside]
        return Program(
            column_names=(),
            lower=self.lower[columns],
            upper=self.upper[columns],
            integer=self.integer[columns],
            row_keys=tuple(self.row_keys[i] for i in rows.tolist()),
            row_lower=self.row_lower[rows],
            row_upper=self.row_upper[rows],
            row_starts=starts_of(np.bincount(new_row[inside], minlength=len(rows))),
            entry_column=new_column[inside].astype(np.int32),
            entry_value=self.entry_value[kept],
            levels=(),
            use_of=np.zeros(0, dtype=np.int64),
        )

    def objective(self, level: Level, free: NDArray[np.bool_] | None = None) -> Floats:
        """The level's cost vector, shape (n,); weights computed when asked only for columns that are `free`."""
        cost = np.zeros(self.n)
        if callable(level.weights) and free is not None:
            wanted = np.flatnonzero(free[level.columns])
            cost[level.columns[wanted]] = level.weights(wanted)
        else:
            cost[level.columns] = level.values
        return cost

    def row_of(self, key: Key) -> int:
        """The row with this key. Raises KeyError."""
        return self._row_index[key]

    def has_row(self, key: Key) -> bool:
        """Whether some row has this key."""
        return key in self._row_index

    @cached_property
    def _row_index(self) -> dict[Key, int]:
        return {key: i for i, key in enumerate(self.row_keys)}

    def text(self) -> str:
        """The program as people read it, one line a row, for golden tests and for looking."""
        names = [spell(k) for k in self.column_keys]
        lines = []
        for level in self.levels:
            lines.append(f"minimise {level.name}: " + _sum(level.values, [names[j] for j in level.columns]))
        for i, key in enumerate(self.row_keys):
            a, b = self.row_starts[i], self.row_starts[i + 1]
            body = _sum(self.entry_value[a:b], [names[j] for j in self.entry_column[a:b]])
            low, high = self.row_lower[i], self.row_upper[i]
            bound = " ".join(
                ([f">= {low:.10g}"] if low > -INFINITY else []) + ([f"<= {high:.10g}"] if high < INFINITY else [])
            )
            lines.append(f"{spell(key)}: {body} {bound or 'free'}")
        for j, name in enumerate(names):
            lines.append(
                f"{self.lower[j]:.10g} <= {name} <= {self.upper[j]:.10g}" + (" integer" if self.integer[j] else "")
            )
        return "\n".join(lines) + "\n"


def spell(key: Key) -> str:
    """("coverage", "e1", 2) -> coverage[e1,2]."""
    return str(key[0]) if len(key) == 1 else f"{key[0]}[{','.join(str(k) for k in key[1:])}]"


def _sum(values: Sequence[float] | Floats, names: Sequence[str]) -> str:
    return " + ".join(f"{v:.10g} {n}" for v, n in zip(values, names, strict=True)) or "0"


class Draft:
    """A program being written: columns and rows are appended, then `done` freezes it."""

    def __init__(self) -> None:
        self.n = 0
        self._names: list[Callable[[], Sequence[Key]]] = []
        self._lower: list[Floats] = []
        self._upper: list[Floats] = []
        self._integer: list[NDArray[np.bool_]] = []
        self.row_keys: list[Key] = []
        self._row_lower: list[Floats] = []
        self._row_upper: list[Floats] = []
        self._row_counts: list[Index] = []
        self._entry_column: list[ShortIndex] = []
        self._entry_value: list[Floats] = []

    def add_columns(
        self,
        count: int,
        names: Callable[[], Sequence[Key]],
        lower: Floats | float,
        upper: Floats | float,
        integer: NDArray[np.bool_] | bool = False,
    ) -> Index:
        """Appends columns; returns their indices. `names` gives their keys when somebody looks."""
        start = self.n
        self.n += count
        self._names.append(names)
        self._lower.append(_spread(lower, count, np.float64))
        self._upper.append(_spread(upper, count, np.float64))
        self._integer.append(_spread(integer, count, np.bool_))
        return np.arange(start, start + count)

    def add_column(self, key: Key, lower: float, upper: float, integer: bool = False) -> int:
        """Appends one column; returns its index."""
        return int(self.add_columns(1, lambda: [key], lower, upper, integer)[0])

    def add_rows(
        self,
        keys: Sequence[Key],
        lower: Floats | float,
        upper: Floats | float,
        row: Index,
        column: Index,
        value: Floats,
    ) -> Index:
        """Appends rows; `row` counts from 0 among the new ones, entry by entry. Returns their indices."""
        same_row = row[1:] == row[:-1]
        in_order = np.where(same_row, column[1:] >= column[:-1], row[1:] > row[:-1]).all()
        order = slice(None) if in_order else np.lexsort((column, row))
        return self._append(keys, lower, upper, np.bincount(row, minlength=len(keys)), column[order], value[order])

    def add_row(self, key: Key, lower: float, upper: float, columns: Index, values: Floats) -> int:
        """Appends one row; returns its index."""
        order = slice(None) if (columns[1:] >= columns[:-1]).all() else np.argsort(columns, kind="stable")
        return int(self._append([key], lower, upper, np.array([len(columns)]), columns[order], values[order])[0])

    def _append(
        self,
        keys: Sequence[Key],
        lower: Floats | float,
        upper: Floats | float,
        counts: Index,
        column: Index,
        value: Floats,
    ) -> Index:
        """Appends rows whose entries stand in order; `counts`: how many each has."""
        start, k = len(self.row_keys), len(keys)
        self.row_keys += keys
        self._row_lower.append(_spread(lower, k, np.float64))
        self._row_upper.append(_spread(upper, k, np.float64))
        self._row_counts.append(counts)
        self._entry_column.append(column.astype(np.int32))
        self._entry_value.append(np.asarray(value, dtype=float))
        return np.arange(start, start + k)

    def row_index(self, key: Key) -> int:
        """The row written with this key. Raises ValueError."""
        return self.row_keys.index(key)

    def done(self, levels: Sequence[Level], use_of: Index) -> Program:
        """The finished program; entries ordered by row, then column. The draft is empty then."""
        column, value = _taken(self._entry_column, np.int32), _taken(self._entry_value, np.float64)
        return Program(
            column_names=tuple(self._names),
            lower=_joined(self._lower),
            upper=_joined(self._upper),
            integer=np.concatenate([*self._integer, np.zeros(0, dtype=bool)]),
            row_keys=tuple(self.row_keys),
            row_lower=_joined(self._row_lower),
            row_upper=_joined(self._row_upper),
            row_starts=starts_of(np.concatenate([*self._row_counts, np.zeros(0, dtype=np.int64)])),
            entry_column=column,
            entry_value=value,
            levels=tuple(levels),
            use_of=use_of,
        )


def _spread[T: np.generic](value: NDArray[T] | float, count: int, kind: type[T]) -> NDArray[T]:
    """One value each: as given, or the same one for all."""
    values = np.asarray(value, dtype=kind)
    return values if values.shape == (count,) else np.broadcast_to(values, (count,))


def _joined(parts: Sequence[Floats]) -> Floats:
    return np.concatenate(parts) if parts else np.zeros(0)


def _taken[T: np.generic](parts: list[NDArray[T]], kind: type[T]) -> NDArray[T]:
    """The parts as one array, and the list empty: what is joined is not held twice."""
    joined = np.concatenate([*parts, np.zeros(0, dtype=kind)])
    parts.clear()
    return joined
