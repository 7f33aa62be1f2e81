"""What is bought of each offer in all, as columns of their own: branch and bound may then split on the sum.

Events, dates and breaks that share an offer can swap lots of it at the same cost. A search that can only split on
single quantities has to rule out each of the swaps; one that splits on the sum rules out all of them at once.
"""

import numpy as np

from optimizer.program import Program, starts_of


def with_totals(program: Program) -> Program:
    """The program with a whole column `total_i = sum_{a of i} x_a <= Q_i`, lots, for each offer that arcs share.

    New columns and rows stand at the end; no point is cut off, none is added. Without levels and names.
    """
    shared = np.array([i for i, key in enumerate(program.row_keys) if key[0] == "availability"], dtype=np.int64)
    k = len(shared)
    starts, counts = program.row_starts, program.row_starts[shared + 1] - program.row_starts[shared]
    column, value = [program.entry_column], [program.entry_value]
    for total, row in enumerate(shared.tolist(), start=program.n):
        column.append(np.append(program.entry_column[starts[row] : starts[row + 1]], np.int32(total)))
        value.append(np.append(np.ones(len(column[-1]) - 1), -1.0))
    lots = np.rint(program.row_upper[shared] / program.entry_value[starts[shared]])
    return Program(
        column_names=(),
        lower=np.append(program.lower, np.zeros(k)),
        upper=np.append(program.upper, lots),
        integer=np.append(program.integer, np.ones(k, dtype=bool)),
        row_keys=(*program.row_keys, *(("total", program.row_keys[i][1]) for i in shared.tolist())),
        row_lower=np.append(program.row_lower, np.zeros(k)),
        row_upper=np.append(program.row_upper, np.zeros(k)),
        row_starts=np.append(starts[:-1], starts[-1] + starts_of(counts + 1)),
        entry_column=np.concatenate(column),
        entry_value=np.concatenate(value),
        levels=(),
        use_of=program.use_of,
    )
