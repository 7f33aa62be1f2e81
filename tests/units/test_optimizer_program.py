"""A program's sums over its entries, which are made block by block."""

import numpy as np
import pytest

from optimizer.program import BLOCK, INFINITY, Draft, Program

LONG = 2 * BLOCK + 5
"""Entries of a row that lies in three blocks."""


@pytest.fixture(name="program", scope="module")
def long_and_short_rows() -> Program:
    """A short row, one without entries, a long one, another without, and short ones written out of order."""
    rng = np.random.default_rng(1)
    draft = Draft()
    x = draft.add_columns(LONG, lambda: [("x", j) for j in range(LONG)], 0.0, 1.0)
    none = np.zeros(0, dtype=np.int64)
    draft.add_row(("short",), 0.0, INFINITY, x[3:7], rng.random(4))
    draft.add_row(("empty", 1), 0.0, INFINITY, none, rng.random(0))
    draft.add_row(("long",), 0.0, INFINITY, x, rng.random(LONG))
    draft.add_row(("empty", 2), 0.0, INFINITY, none, rng.random(0))
    draft.add_rows([("last", k) for k in range(3)], 0.0, 1.0, np.array([2, 0, 2, 0]), x[[9, 8, 1, 2]], rng.random(4))
    return draft.done([], none)


def test_entries_stand_in_order_of_row_and_column(program):
    """Rows 4 and 6 hold the four last entries: columns 2, 8 and 1, 9."""
    assert np.diff(program.row_starts).tolist() == [4, 0, LONG, 0, 2, 0, 2]
    assert program.entry_column[-4:].tolist() == [2, 8, 1, 9]
    assert program.rows_of(np.array([0, 3, 4, LONG + 3, LONG + 4, LONG + 7])).tolist() == [0, 0, 2, 2, 4, 6]
    assert (program.rows_of(np.arange(LONG + 8)) == program.entry_row).all()


@pytest.mark.parametrize("used", [[0], [2], [1, 3], [0, 2, 4, 5, 6], []])
def test_sums_by_block_are_those_of_all_entries_at_once(program, used):
    """To the last bit: in each sum the entries are added in the same order, and rows without a multiplier add 0."""
    rng = np.random.default_rng(2)
    x, cost, y = rng.random(program.n), rng.normal(size=program.n), np.zeros(program.m)
    y[used] = rng.normal(size=len(used))
    row, column, value = program.entry_row, program.entry_column, program.entry_value
    assert (program.activity(x) == np.bincount(row, weights=value * x[column], minlength=program.m)).all()
    terms = y[row] * value
    reduced, size = program.reduced_costs(cost, y)
    assert (reduced == cost - np.bincount(column, weights=terms, minlength=program.n)).all()
    assert (size == np.bincount(column, weights=np.abs(terms), minlength=program.n) + np.abs(cost)).all()
