"""The program of a problem with divisible quantities in exact numbers, and with rows that a curve moves along.

Coefficients are integers over one denominator a row; right-hand sides are rationals, linear in the events' needs. Which
rows and columns there are comes from `formulation`; every number is taken anew from the arcs and the problem.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.arcs import Arcs, build_arcs, present_value
from optimizer.eligibility import Screening, screen
from optimizer.errors import BadInput
from optimizer.findings import fault
from optimizer.formulation import formulate
from optimizer.limits import budget_rows
from optimizer.problem import Problem
from optimizer.program import INFINITY, Floats, Index, Key, Level, Program, runs
from optimizer.quantities import E4, FEN_PER_YUAN, KG_PER_T
from optimizer.timeline import E8

type Integers = NDArray[Any]
"""Python integers of any size, dtype object."""

YUAN_E8 = E8 * FEN_PER_YUAN
"""Unit costs are integers over this, in yuan per tonne."""
ORDER_SEED = 11
"""Of the last level, which only decides between equal descriptions of the same plan."""


@dataclass(frozen=True, eq=False)
class MovingRow:
    """sum of numerators / denominator x x_a <= theta: what a curve moves along. One numerator an arc, >= 0."""

    name: str
    numerators: Integers
    denominator: int


@dataclass(frozen=True, eq=False)
class ExactLevel:
    """One level, over columns: integers over one denominator."""

    name: str
    columns: Index
    numerators: Integers
    denominator: int


@dataclass(frozen=True, eq=False)
class ExactProgram:
    """Columns: quantities (t), gaps and misses; rows as in the program, then the moving ones. Entries by column."""

    problem: Problem
    screening: Screening
    arcs: Arcs
    row_keys: tuple[Key, ...]
    row_at_least: NDArray[np.bool_]
    """Rows of the kind >=; the others are <=."""
    denominators: tuple[int, ...]
    """One a row."""
    rows: Index
    columns: Index
    numerators: Integers
    n: int
    levels: tuple[ExactLevel, ...]
    """Those that have a value; the tie-break is apart."""
    tie_break: Level
    """One weight an arc."""

    @property
    def m(self) -> int:
        """Rows."""
        return len(self.row_keys)

    @cached_property
    def starts(self) -> Index:
        """Where each column's entries begin, shape (n + 1,)."""
        return np.searchsorted(self.columns, np.arange(self.n + 1))

    def entries_of(self, columns: Index) -> tuple[Index, Index]:
        """Where the entries of these columns are, and to which of them each belongs, counted 0, 1, ..."""
        return runs(self.starts, columns)

    @cached_property
    def _listed(self) -> tuple[list[int], list[int], list[int]]:
        return self.starts.tolist(), self.rows.tolist(), self.numerators.tolist()

    def entries(self, j: int) -> Iterator[tuple[int, int]]:
        """(row, numerator) of one column, a slack among them."""
        if j >= self.n:
            return iter([(j - self.n, self.denominators[j - self.n])])
        starts, rows, numerators = self._listed
        a, b = starts[j], starts[j + 1]
        return zip(rows[a:b], numerators[a:b], strict=True)

    @cached_property
    def values(self) -> Floats:
        """Coefficients as floats, one an entry."""
        scale = np.array([float(d) for d in self.denominators])
        return np.asarray(self.numerators.astype(np.float64) / scale[self.rows])

    @cached_property
    def level_weights(self) -> tuple[dict[int, int], ...]:
        """Column -> numerator of each level, zeros left out."""
        pairs = (zip(level.columns.tolist(), level.numerators.tolist(), strict=True) for level in self.levels)
        return tuple({j: v for j, v in found if v} for found in pairs)

    @property
    def ranks(self) -> int:
        """Levels, then two that only decide between equal plans: the tie-break, and see `cost`."""
        return len(self.levels) + 2

    def cost(self, k: int, columns: Index) -> Floats:
        """Of these columns, slacks among them, at a level, in its unit.

        The last rank gives gaps and slacks numbers without meaning, so that no two bases are alike.
        """
        if k < len(self.levels):
            found: Floats = self.level_costs[k, columns]
            return found
        if k > len(self.levels):
            return self._order[columns]
        found, bought = np.zeros(len(columns)), np.flatnonzero(columns < len(self.arcs))
        arcs = columns[bought]
        new = np.unique(arcs[np.isnan(self._tie_breaks[arcs])])
        self._tie_breaks[new] = self.tie_break.values_of(new)
        found[bought] = self._tie_breaks[arcs]
        return found

    @cached_property
    def level_costs(self) -> Floats:
        """Every level's cost vector over columns and slacks, shape (levels, n + m)."""
        costs = np.zeros((len(self.levels), self.n + self.m))
        for k, level in enumerate(self.levels):
            costs[k, level.columns] = level.numerators.astype(np.float64) / float(level.denominator)
        return costs

    @cached_property
    def _tie_breaks(self) -> Floats:
        """Of arcs that were asked for; the others are missing, for each costs a hash."""
        return np.full(len(self.arcs), np.nan)

    @cached_property
    def _order(self) -> Floats:
        order = np.random.default_rng(ORDER_SEED).uniform(0.5, 1.5, self.n + self.m)
        order[: len(self.arcs)] = 0.0
        order[self.n :] *= np.where(self.row_at_least, -1.0, 1.0)
        return order

    def needs(self) -> list[Fraction]:
        """D_e of each event, t."""
        return [Fraction(event.need_kg, KG_PER_T) for event in self.problem.events]

    def right_hand_sides(self, needs: Sequence[Fraction]) -> list[Fraction]:
        """Of every row when the events need this much (t); 0 for moving rows."""
        return [share * needs[e] if e >= 0 else constant for constant, share, e in self._sides]

    def need_rates(self, rates: Sequence[Fraction]) -> list[Fraction]:
        """How the right-hand sides move when the needs move at these rates (t)."""
        return [share * rates[e] if e >= 0 else Fraction(0) for _, share, e in self._sides]

    @cached_property
    def _sides(self) -> list[tuple[Fraction, Fraction, int]]:
        """A constant, or a share of a need and whose need (-1: nobody's), of each row."""
        event = {e.id: k for k, e in enumerate(self.problem.events)}
        return [self._side(key, event) for key in self.row_keys]

    def _side(self, key: Key, event: Mapping[str, int]) -> tuple[Fraction, Fraction, int]:
        family, zero = key[0], Fraction(0)
        if family == "coverage":
            return zero, Fraction(1), event[str(key[1])]
        if family in ("max share", "min share"):
            e = event[str(key[1])]
            limit = self.problem.events[e].limits[int(str(key[2]))]
            share = limit.max_share_e4 if family == "max share" else limit.min_share_e4
            return zero, Fraction(share or 0, E4), e
        if family == "availability":
            offers = self.problem.offers
            at = int(np.searchsorted(offers.offer_id, str(key[1])))
            return Fraction(int(offers.quantity_kg[at]), KG_PER_T), zero, -1
        if family == "budget":
            return Fraction(_budget_row(self.problem, self.arcs, key).limit_fen, FEN_PER_YUAN), zero, -1
        return zero, zero, -1


def _budget_row(problem: Problem, arcs: Arcs, key: Key) -> Any:
    owner = str(key[1])
    budgets = {"": problem.calendar.budget} | {e.id: e.budget for e in problem.events}
    mine = arcs
    if owner:
        mine = arcs.take(arcs.event == [e.id for e in problem.events].index(owner))
    budget = budgets[owner]
    found = {row.name: row for row in budget_rows(budget, mine.years(), problem.as_of.year)} if budget else {}
    return found[key[2]]  # type: ignore[index]


def refuse_slack(problem: Problem) -> None:
    """Curves follow plain levels. Raises BadInput for an objective with slack, or without shortfall and cost."""
    specs = problem.levels()
    heads = {spec.level.partition(" ")[0] for spec in specs}
    names = [spec.level for spec in specs]
    plain = all(spec.relative_e4 == 0 and spec.absolute_e4 == 0 for spec in specs) and len(set(names)) == len(names)
    if plain and {"shortfall", "cost"} <= heads:
        return
    raise BadInput(
        [
            fault(
                "curve_objective",
                "曲线只支持不带松弛的目标: 应为 priority-first、order-first 或 cost-first",
                "curves follow objectives without slack: should be priority-first, order-first or cost-first",
                path="objective",
                value=problem.objective if isinstance(problem.objective, str) else names,
            )
        ]
    )


def exact_program(problem: Problem, arcs: Arcs | None = None, screening: Screening | None = None) -> ExactProgram:
    """The exact program of a problem, quantities divisible. Raises BadInput (see `refuse_slack`)."""
    problem = problem if not problem.settings.whole_lots else problem.with_settings(whole_lots=False)
    refuse_slack(problem)
    screening = screening or screen(problem)
    arcs = arcs if arcs is not None else build_arcs(problem, screening)
    program = formulate(problem, screening, arcs, "face")
    denominators, numerators = _coefficients(problem, arcs, program)
    order = np.lexsort((program.entry_row, program.entry_column))
    order = order[np.flatnonzero(numerators[order])]
    levels = tuple(_level(problem, arcs, level) for level in program.levels[:-1])
    return ExactProgram(
        problem=problem,
        screening=screening,
        arcs=arcs,
        row_keys=program.row_keys,
        row_at_least=program.row_lower > -INFINITY,
        denominators=denominators,
        rows=program.entry_row[order],
        columns=program.entry_column[order].astype(np.int64),
        numerators=numerators[order],
        n=program.n,
        levels=levels,
        tie_break=program.levels[-1],
    )


def money_row(program: ExactProgram) -> MovingRow:
    """What is spent, nominal, yuan."""
    return MovingRow("money", program.arcs.unit_cost_e8.astype(object), YUAN_E8)


def cost_row(program: ExactProgram) -> MovingRow:
    """What is spent as the level `cost` counts it, yuan: present value where there is a discount rate."""
    return MovingRow("cost", *level_cost(program.problem, program.arcs))


def without_own_cost(program: ExactProgram, members: NDArray[np.bool_]) -> ExactProgram:
    """The same program with these arcs for nothing at the level `cost`; budgets and moving rows stay as they are."""

    def freed(level: ExactLevel) -> ExactLevel:
        if level.name != "cost":
            return level
        return replace(level, numerators=np.where(members, 0, level.numerators).astype(object))

    return replace(program, levels=tuple(freed(level) for level in program.levels))


def with_moving_rows(program: ExactProgram, moving: Sequence[MovingRow]) -> ExactProgram:
    """The same program with these rows at its end."""
    rows, columns, numerators = program.rows, program.columns, program.numerators
    for k, one in enumerate(moving):
        members = np.flatnonzero(one.numerators)
        ends = np.searchsorted(columns, members, side="right")
        rows, columns = np.insert(rows, ends, program.m + k), np.insert(columns, ends, members)
        numerators = np.insert(numerators, ends, one.numerators[members])
    return replace(
        program,
        row_keys=(*program.row_keys, *(("moving", r.name) for r in moving)),
        row_at_least=np.append(program.row_at_least, np.zeros(len(moving), dtype=bool)),
        denominators=(*program.denominators, *(r.denominator for r in moving)),
        rows=rows,
        columns=columns,
        numerators=numerators,
    )


def _coefficients(problem: Problem, arcs: Arcs, program: Program) -> tuple[tuple[int, ...], Integers]:
    """One denominator a row, and the numerator of each entry in the program's order."""
    denominator_of = {"availability": 1, "budget": YUAN_E8 * E4}
    denominators = tuple(denominator_of.get(str(key[0]), E8) for key in program.row_keys)
    eta, cost = arcs.eta_e8.astype(object), arcs.unit_cost_e8.astype(object)
    numerators = np.array(denominators, dtype=object)[program.entry_row]
    counted = np.array([key[0] not in denominator_of for key in program.row_keys], dtype=bool)
    effective = np.flatnonzero(counted[program.entry_row] & (program.entry_column < len(arcs)))
    numerators[effective] = eta[program.entry_column[effective]]
    for i in [i for i, key in enumerate(program.row_keys) if key[0] == "budget"]:
        a, b = int(program.row_starts[i]), int(program.row_starts[i + 1])
        bought = np.flatnonzero(program.entry_column[a:b] < len(arcs)) + a
        at = program.entry_column[bought]
        numerators[bought] = cost[at] * _paid_e4(problem, arcs, program.row_keys[i])[at].astype(object)
    return denominators, numerators


def _paid_e4(problem: Problem, arcs: Arcs, key: Key) -> NDArray[np.int64]:
    """What share of each arc's cost counts in a budget row, ten-thousandths."""
    years = _budget_row(problem, arcs, key).years
    if years is None:
        return arcs.year_shares(None)
    return np.sum([arcs.year_shares(y) for y in years], axis=0, dtype=np.int64)


def level_cost(problem: Problem, arcs: Arcs) -> tuple[Integers, int]:
    """Yuan per tonne of each arc as the level `cost` counts it, integers over one denominator."""
    rate = problem.settings.discount_rate_e4
    if rate == 0:
        return arcs.unit_cost_e8.astype(object), YUAN_E8
    weights = [present_value(p, problem.as_of.year, rate) for p in arcs.payments]
    common = int(np.lcm.reduce(np.array([w.denominator for w in weights] or [1], dtype=object)))
    table = np.array([int(w * common) for w in weights], dtype=object)
    return arcs.unit_cost_e8.astype(object) * table[arcs.payment], YUAN_E8 * common


def _level(problem: Problem, arcs: Arcs, level: Any) -> ExactLevel:
    if level.name == "cost":
        numerators, denominator = level_cost(problem, arcs)
        return ExactLevel(level.name, np.arange(len(arcs)), numerators, denominator)
    return ExactLevel(level.name, level.columns, np.full(len(level.columns), 1, dtype=object), 1)
