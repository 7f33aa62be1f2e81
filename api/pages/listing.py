"""Tables that sort, filter and page on the server: as quick at 100,000 rows as at ten, and every state is a link.

    ?q=  text that a row must hold    ?sort=column or -column    ?page=2    ?size=50

Several tables on one page have prefixes: `lots.sort`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from fastapi import Request

from api.pages.rendering import query
from optimizer.wording import Text

type Kind = Literal["text", "number", "money", "tonnes", "percent", "day", "moment", "html"]
TEXT_LENGTH_MAX = 200
"""Of a filter."""
SIZES = (25, 50, 100, 250)
NUMBERS: frozenset[str] = frozenset({"number", "money", "tonnes", "percent"})


@dataclass(frozen=True)
class Column:
    """A column: how it is headed, what kind of value it holds, and which value of a row that is."""

    key: str
    name: Text
    kind: Kind
    value: Callable[[Any], Any] | None = None
    """Of a row; None: the row's item of this key."""
    sorts: bool = True
    unit: Text | None = None

    def of(self, row: Any) -> Any:
        """The value in a row."""
        return row[self.key] if self.value is None else self.value(row)

    @property
    def is_number(self) -> bool:
        """Whether it stands on the right."""
        return self.kind in NUMBERS


@dataclass(frozen=True)
class Listing:
    """One page of a table, and the ways to its other states."""

    name: str
    columns: Sequence[Column]
    rows: Sequence[Any]
    found: int
    """Rows that meet the filter."""
    total: int
    page: int
    size: int
    sort: str
    text: str
    path: str
    others: Mapping[str, Any]
    """The rest of the page's query, which links keep."""

    @property
    def pages(self) -> int:
        """How many there are."""
        return max(1, -(-self.found // self.size))

    @property
    def first(self) -> int:
        """Number of the first row shown, from 1; 0 where there is none."""
        return (self.page - 1) * self.size + 1 if self.found else 0

    @property
    def last(self) -> int:
        """Number of the last row shown."""
        return min(self.found, self.page * self.size)

    def key(self, name: str) -> str:
        """The query's key of a state of this table."""
        return f"{self.name}.{name}" if self.name else name

    def link(self, **changes: Any) -> str:
        """The address of another state of this table."""
        state = {"q": self.text, "sort": self.sort, "size": self.size, "page": self.page, **changes}
        return query(self.path, {**self.others, **{self.key(k): v for k, v in state.items()}})

    def sort_link(self, column: Column) -> str:
        """The address where the table is sorted by a column; the other way round where it already is."""
        return self.link(sort=f"-{column.key}" if self.sort == column.key else column.key, page=1)

    def order(self, column: Column) -> str:
        """How `aria-sort` says it."""
        return {column.key: "ascending", f"-{column.key}": "descending"}.get(self.sort, "none")

    @property
    def dom_id(self) -> str:
        """The id of its element."""
        return f"listing-{self.name or 'rows'}"


@dataclass(frozen=True)
class Sought:
    """The state of a table that a request asks for."""

    name: str
    text: str
    column: Column | None
    """By which it is sorted; None is the rows' own order."""
    sort: str
    size: int
    page: int
    path: str
    others: Mapping[str, Any]

    @property
    def words(self) -> list[str]:
        """What a row must hold."""
        return self.text.casefold().split()

    def listing(
        self, columns: Sequence[Column], found: int, total: int, made: Callable[[slice], Sequence[Any]]
    ) -> Listing:
        """The page of the `found` rows; `made` gives those of a slice."""
        page = min(max(1, self.page), max(1, -(-found // self.size)))
        rows = made(slice((page - 1) * self.size, page * self.size))
        return Listing(
            self.name, columns, rows, found, total, page, self.size, self.sort, self.text, self.path, self.others
        )


def sought(request: Request, columns: Sequence[Column], *, sort: str = "", name: str = "", size: int = 50) -> Sought:
    """What a request asks of a table. `sort` is the order where none is asked for; "" is the rows' own."""
    asked = dict(request.query_params)

    def given(key: str, default: str) -> str:
        return asked.get(f"{name}.{key}" if name else key, default)

    order = given("sort", sort)
    column = next((c for c in columns if c.sorts and c.key == order.removeprefix("-")), None)
    shown = _whole(given("size", str(size)), size)
    own = {f"{name}.{k}" if name else k for k in ("q", "sort", "page", "size")} | {"note", "lang"}
    return Sought(
        name=name,
        text=given("q", "").strip()[:TEXT_LENGTH_MAX],
        column=column,
        sort=order if column else "",
        size=shown if shown in SIZES else size,
        page=_whole(given("page", "1"), 1),
        path=request.url.path,
        others={k: v for k, v in asked.items() if k not in own},
    )


def listing(
    request: Request,
    rows: Iterable[Any],
    columns: Sequence[Column],
    *,
    sort: str = "",
    name: str = "",
    size: int = 50,
) -> Listing:
    """The page of a table that a request asks for."""
    state = sought(request, columns, sort=sort, name=name, size=size)
    every = rows if isinstance(rows, Sequence) else list(rows)
    found: Sequence[Any] = [row for row in every if _holds(row, columns, state.words)] if state.text else every
    column = state.column
    if column is not None:
        found = sorted(found, key=lambda row: _rank(column, row), reverse=state.sort.startswith("-"))
    return state.listing(columns, len(found), len(every), lambda part: found[part])


def _whole(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else default


def _holds(row: Any, columns: Sequence[Column], words: Sequence[str]) -> bool:
    whole = " ".join(str(c.of(row)) for c in columns if c.kind in ("text", "day", "html")).casefold()
    return all(word in whole for word in words)


def _rank(column: Column, row: Any) -> tuple[int, Any]:
    """Empty values last among what is sorted upwards."""
    value = column.of(row)
    if value is None or value == "":
        return (1, 0 if column.is_number else "")
    if column.is_number:
        try:
            return (0, Decimal(str(value)))
        except InvalidOperation:
            return (1, 0)
    return (0, str(value))
