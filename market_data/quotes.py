"""Quotes: what markets reported day by day, held column by column, and the supply that registries report.

A quote is a fact about a day on a market; an offer is what can be bought. How quotes become offers: `listing`. How they
become series: `history`. Nothing here is cleaned or doubted: feeds fill these columns, row by row, or leave a row out
with its reason (`feed_reading`).

    unknown price or turnover   -1        blank text   code -1        blank vintage   0
    prices                      fen per t
    volume                      kg        turnover     fen
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from optimizer.offers import Bools, Dates, Ints, Labels

type Method = Literal["listed", "block", "auction"]
METHODS: tuple[str, ...] = get_args(Method.__value__)
"""Ways of trading: 挂牌协议, 大宗协议, 单向竞价. Blank is all of them together."""

UNKNOWN = -1
MONTH_CODE = "month"
"""The code of a row that is the mean of a whole month of its market, dated on the month's last day."""


class Quote(NamedTuple):
    """One day of one code on one market, for people and edges."""

    day: date
    instrument: str
    mechanism: str
    """The market: CEA, CCER, or the name of a pilot market."""
    code: str
    """What the market calls it: CEA25, COMCEA, 能源 ..."""
    vintage: int = 0
    method: str = ""
    """listed, block, auction; blank is all together."""
    open_fen: int = UNKNOWN
    high_fen: int = UNKNOWN
    low_fen: int = UNKNOWN
    close_fen: int = UNKNOWN
    average_fen: int = UNKNOWN
    """As the market prints it, else turnover by volume, rounded half up."""
    volume_kg: int = 0
    turnover_fen: int = UNKNOWN
    composite: bool = False
    """True where the code sums others of the same market: adding it to them counts twice."""


@dataclass(frozen=True, eq=False)
class Quotes:
    """Daily quotes, column by column; every array has shape (n,). Columns are those of `Quote`."""

    day: Dates
    instrument: Labels
    mechanism: Labels
    code: Labels
    vintage: Ints
    method: Labels
    open_fen: Ints
    high_fen: Ints
    low_fen: Ints
    close_fen: Ints
    average_fen: Ints
    volume_kg: Ints
    turnover_fen: Ints
    composite: Bools

    def __len__(self) -> int:
        return len(self.day)

    def __getitem__(self, i: int) -> Quote:
        return Quote(*(_cell(getattr(self, f.name)[i]) for f in fields(self)))

    @classmethod
    def of(cls, quotes: Iterable[Quote]) -> "Quotes":
        """Columns from single quotes."""
        rows = list(quotes)
        return cls(**{name: _column(kind, [getattr(q, name) for q in rows]) for name, kind in QUOTE_KINDS.items()})

    def take(self, rows: NDArray[Any]) -> "Quotes":
        """Only these rows (indices or mask), in this order."""
        return Quotes(**{f.name: _take(getattr(self, f.name), rows) for f in fields(self)})

    def sorted(self) -> "Quotes":
        """In order of market, code, method, day."""
        keys = (
            self.day,
            *(c.sorted_by_name().codes for c in (self.method, self.code, self.mechanism, self.instrument)),
        )
        return self.take(np.lexsort(keys))


QUOTE_KINDS: dict[str, str] = {
    f.name: {Dates: "date", Labels: "label", Ints: "int", Bools: "bool"}[f.type] for f in fields(Quotes)
}
"""Column name -> date | label | int | bool."""


def joined_quotes(parts: Iterable[Quotes]) -> Quotes:
    """Several quotes, one after the other."""
    tables = list(parts) or [Quotes.of(())]
    return Quotes(**{name: _joined([getattr(t, name) for t in tables]) for name in QUOTE_KINDS})


class Stock(NamedTuple):
    """What a registry holds of one project and vintage, for people and edges."""

    instrument: str
    mechanism: str
    """The standard: CCER, VCS, GS ..."""
    project_id: str
    project_name: str
    methodology: str
    region: str
    """Canonical code of `optimizer.regions`."""
    vintage: int
    issued_kg: int
    retired_kg: int
    """Retired or cancelled."""
    registered_on: date | None = None
    owner: str = ""
    registry: str = ""

    @property
    def remaining_kg(self) -> int:
        """Issued minus retired: what is there. Below 0 where the registry's own rows disagree."""
        return self.issued_kg - self.retired_kg


def _joined(columns: list[Any]) -> Any:
    return Labels.joined(columns) if isinstance(columns[0], Labels) else np.concatenate(columns)


def _column(kind: str, values: list[Any]) -> Any:
    if kind == "label":
        return Labels.of(values)
    dtype: Any = {"date": "datetime64[D]", "int": np.int64, "bool": bool}[kind]
    return np.array(values, dtype=dtype)


def _take(column: Any, rows: NDArray[Any]) -> Any:
    return column.take(rows) if isinstance(column, Labels) else column[rows]


def _cell(value: Any) -> Any:
    if isinstance(value, np.datetime64):
        return value.astype(object)
    return value if isinstance(value, str) else value.item()


NO_QUOTES = Quotes.of(())
