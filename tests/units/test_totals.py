"""The sums that branch and bound may split on: what is bought of each offer in all, and nothing else changes."""

import numpy as np
import pytest

from optimizer.program import INFINITY, Draft, Program
from optimizer.totals import with_totals


@pytest.fixture(name="program", scope="module")
def two_shared_offers() -> Program:
    """Five quantities: three of offer A in lots of 0.01 t, 0.07 t in all; two of B in lots of 1 t, 4 t in all."""
    draft = Draft()
    x = draft.add_columns(5, lambda: [("x", j) for j in range(5)], 0.0, 9.0, True)
    draft.add_row(("coverage", "e", "all"), 1.0, INFINITY, x, np.array([0.01, 0.01, 0.01, 1.0, 1.0]))
    draft.add_row(("availability", "A"), -INFINITY, 0.07, x[:3], np.full(3, 0.01))
    draft.add_row(("availability", "B"), -INFINITY, 4.0, x[3:], np.ones(2))
    draft.add_row(("budget", "", "total"), -INFINITY, 100.0, x, np.full(5, 2.0))
    return draft.done([], np.full(5, -1, dtype=np.int64))


def test_a_total_is_the_lots_of_its_offer_and_no_more_than_there_are(program: Program) -> None:
    """0.07 t in lots of 0.01 t are 7 lots, though 0.07 / 0.01 is a little more in floats."""
    more = with_totals(program)
    assert more.upper[program.n :].tolist() == [7.0, 4.0]
    assert more.integer[program.n :].all()
    assert more.row_keys[program.m :] == (("total", "A"), ("total", "B"))
    x = np.array([1.0, 2.0, 3.0, 1.0, 2.0])
    assert more.activity(np.append(x, [6.0, 3.0]))[program.m :].tolist() == [0.0, 0.0]
    assert more.activity(np.append(x, [5.0, 4.0]))[program.m :].tolist() == [1.0, -1.0]


def test_what_was_there_stays_where_it_was(program: Program) -> None:
    more, k = with_totals(program), program.entry_value.size
    assert (more.row_starts[: program.m + 1] == program.row_starts).all()
    assert (more.entry_column[:k] == program.entry_column).all() and (more.entry_value[:k] == program.entry_value).all()
    assert (more.lower[: program.n] == program.lower).all() and (more.upper[: program.n] == program.upper).all()
    assert (more.row_lower[: program.m] == program.row_lower).all()
    assert (more.row_upper[: program.m] == program.row_upper).all()


def test_where_no_offer_is_shared_there_is_no_total(program: Program) -> None:
    alone = with_totals(program.part(np.arange(5), np.array([0, 3])))
    assert (alone.n, alone.m) == (5, 2)
