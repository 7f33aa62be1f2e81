"""Corrections by hand to a raw table: cells, headers, rows left out; then the file is read again, whole or not at all.

They are held against the table as the file has it, so that one round of corrections goes on top of the other. Nothing
here knows what is right or wrong: a corrected cell is read as if it stood in the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from market_data.sources.coded_cells import CodedCells, sound_text
from market_data.sources.raw_table import RawTable
from optimizer.findings import Finding

LEFT_OUT = "备注"
"""The header of a column that is read past."""
ROW_FAULTS = frozenset({"extra_cells", "missing_cells", "json_row", "json_nested", "duplicate_key"})
"""What is settled when its row is left out; a quote that swallows the rest of a file is not."""


@dataclass(frozen=True)
class Corrections:
    """What somebody changed in a file before it is read again."""

    cells: Mapping[tuple[int, int], str] = field(default_factory=dict)
    """(row as the file's reader counts, position of the column from 0) -> text."""
    headers: Mapping[int, str] = field(default_factory=dict)
    """Position -> header; blank leaves the column out."""
    without: frozenset[int] = frozenset()
    """Rows left out."""

    def __len__(self) -> int:
        return len(self.cells) + len(self.headers) + len(self.without)

    def then(self, later: "Corrections") -> "Corrections":
        """These, and later ones on top."""
        return Corrections(
            {**self.cells, **later.cells}, {**self.headers, **later.headers}, self.without | later.without
        )

    def applied(self, table: RawTable) -> RawTable:
        """The table as corrected; complaints that its source filed about what was corrected are settled."""
        headers = tuple(self._header(i, header) for i, header in enumerate(table.headers))
        rows = np.isin(table.rows, list(self.without), invert=True)
        cells = self._cells(table).take(rows)
        complaints = table.complaints.kept(self._still_stands, self._cell_stands)
        return replace(table, headers=headers, cells=cells, rows=table.rows[rows], complaints=complaints)

    def _header(self, position: int, header: str) -> str:
        return sound_text(self.headers.get(position, header).strip()) or (LEFT_OUT if position in self.headers else "")

    def _cells(self, table: RawTable) -> CodedCells:
        index_of = {int(row): i for i, row in enumerate(table.rows)} if self.cells else {}
        changed: dict[int, dict[int, str]] = {}
        for (row, position), text in self.cells.items():
            if position < len(table.headers) and row in index_of:
                changed.setdefault(position, {})[index_of[row]] = sound_text(text)
        return table.cells.with_texts(changed)

    def _still_stands(self, finding: Finding) -> bool:
        return finding.row not in self.without or finding.code not in ROW_FAULTS

    def _cell_stands(self, row: int, position: int) -> bool:
        return row not in self.without and (row, position) not in self.cells
