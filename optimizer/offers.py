"""Offers: lots of one instrument, project, vintage and seller at a price, held column by column.

`Offers` is what the engine computes on: frozen numpy arrays, one entry an offer, text as `Labels` (codes into a
table of names). `Offer` is a view of one row, for people and edges. No object a row exists on the hot path.

    blank text            code -1                        blank date     NaT
    blank vintage         0                              blank lot size read as 1 t (MODEL 11)
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from optimizer.quantities import Fen, Kg, PriceFen, ShareE4, e4_of, fen_of, kg_of

type Instrument = Literal["carbon_inclusion", "ccer", "credit", "forestry", "allowance"]
INSTRUMENTS: tuple[str, ...] = get_args(Instrument.__value__)
type Channel = Literal["holder", "agent", "donation"]
CHANNELS: tuple[str, ...] = get_args(Channel.__value__)

type Ints = NDArray[np.int64]
type Shorts = NDArray[np.int32]
type Dates = NDArray[np.datetime64]
type Bools = NDArray[np.bool_]

LOT_KG_DEFAULT = 1000
COMPARED_MAX = 4
"""Names that are sought in a column one after the other: comparing is several times as fast as looking codes up."""


@dataclass(frozen=True, eq=False)
class Labels:
    """A column of text as codes into a table of distinct names; code -1 is blank."""

    codes: NDArray[np.int32]
    names: tuple[str, ...]

    @classmethod
    def of(cls, texts: Iterable[str | None]) -> "Labels":
        """Labels of a sequence of texts; None and "" are blank."""
        table: dict[str, int] = {}
        codes = [-1 if not t else table.setdefault(t, len(table)) for t in texts]
        return cls(np.array(codes, dtype=np.int32), tuple(table))

    @classmethod
    def joined(cls, parts: Sequence["Labels"]) -> "Labels":
        """Several columns, one after the other, over one table of names."""
        names: dict[str, int] = {}
        codes = [p.lookup([names.setdefault(n, len(names)) for n in p.names], -1) for p in parts]
        return cls(np.concatenate(codes).astype(np.int32), tuple(names))

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, i: int) -> str:
        code = self.codes[i]
        return "" if code < 0 else self.names[code]

    def take(self, rows: NDArray[Any]) -> "Labels":
        """The same names, only these rows."""
        return Labels(self.codes[rows], self.names)

    def lookup(self, values: Sequence[Any], blank: Any) -> NDArray[Any]:
        """One value a row, from one value a name (shape (n_names,)) and one for blanks."""
        return np.array([*values, blank])[self.codes]

    def isin(self, wanted: Iterable[str]) -> Bools:
        """True where the text is one of `wanted`; blanks never are."""
        chosen = frozenset(wanted)
        within = [n in chosen for n in self.names]
        if sum(within) > COMPARED_MAX:
            return np.array([*within, False], dtype=bool)[self.codes]
        found = np.zeros(len(self), dtype=bool)
        for code in np.flatnonzero(within).tolist():
            found |= self.codes == code
        return found

    @property
    def blank(self) -> Bools:
        """True where the column is blank."""
        return self.codes < 0

    def sorted_by_name(self) -> "Labels":
        """The same column with its table in order of names and without unused ones: equal columns become equal data."""
        used = np.flatnonzero(np.bincount(self.codes[self.codes >= 0], minlength=len(self.names)))
        order = sorted(used.tolist(), key=lambda c: self.names[c])
        new_code = np.full(len(self.names) + 1, -1, dtype=np.int32)
        new_code[order] = np.arange(len(order), dtype=np.int32)
        return Labels(new_code[self.codes], tuple(self.names[c] for c in order))


class Offer(BaseModel):
    """One offer as a person or a file writes it. Quantities in t, money in yuan, rates as decimals (see CONTRACT)."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    offer_id: str
    """Unique within a market."""
    instrument: Instrument
    mechanism: str = ""
    """Platform or standard: 三晋绿色生活, CCER, VCS, GS, CDM, CEA, the name of a pilot market ..."""
    project_id: str = ""
    project_name: str = ""
    methodology: str = ""
    region: str = ""
    """Canonical code of `regions`: two digits for a province, six below it, two letters abroad; blank is outside."""
    vintage: int = 0
    """Year of the reductions or of the allowance; 0 is blank."""
    seller: str = ""
    quantity_kg: Kg = Field(alias="quantity")
    """What can be bought in all, t."""
    price_fen: PriceFen = Field(alias="price")
    """Yuan per t before breaks, outlook and fees."""
    min_quantity_kg: Kg = Field(alias="min_quantity", default=0)
    """Smallest purchase of one line, t."""
    lot_kg: Kg = Field(alias="lot_size", default=Decimal(1))  # type: ignore[assignment]  # validated: 1 t -> 1000 kg
    """Purchases are multiples of this, t."""
    price_breaks: str = ""
    """All-units discount, "1000=58;5000=55": from that many t on, all at that price."""
    fixed_fee_fen: Fen = Field(alias="fixed_fee", default=0)
    """Yuan per line."""
    unit_fee_fen: PriceFen = Field(alias="unit_fee", default=0)
    """Yuan per t."""
    fee_rate_e4: ShareE4 = Field(alias="fee_rate", default=0)
    """Fee as a share of the price."""
    channel: str = ""
    """holder, agent, donation; blank is open to all."""
    valid_from: date | None = None
    valid_until: date | None = None
    settlement_days: int = 0
    """Calendar days from purchase to possible retirement."""
    registered_on: date | None = None
    """Of the project."""
    last_traded_on: date | None = None
    """Of the quote."""
    certified_by: str = ""
    planted_by: date | None = None
    certification_due: date | None = None
    delivery_schedule: str = ""
    """Cumulative shares at dates, "2029-12-31=0.2;2032-12-31=0.8"."""
    payment_schedule: str = ""
    """Shares (not cumulative) at dates, "2026-12-31=0.5;2028-06-30=0.5"; blank is all on the purchase date."""
    buffer_e4: ShareE4 = Field(alias="buffer", default=0)
    """Share of deliveries kept back against reversal."""
    registry: str = ""
    firm: bool = True
    """False: an indicative price."""


@dataclass(frozen=True, eq=False)
class Offers:
    """A market, column by column; every array has shape (n,). Made by `market_data` or by `Offers.of`."""

    offer_id: NDArray[np.object_]
    instrument: Labels
    mechanism: Labels
    project_id: Labels
    project_name: Labels
    methodology: Labels
    region: Labels
    vintage: Ints
    seller: Labels
    quantity_kg: Ints
    price_fen: Ints
    min_quantity_kg: Ints
    lot_kg: Ints
    price_breaks: Labels
    fixed_fee_fen: Ints
    unit_fee_fen: Ints
    fee_rate_e4: Ints
    channel: Labels
    valid_from: Dates
    valid_until: Dates
    settlement_days: Ints
    registered_on: Dates
    last_traded_on: Dates
    certified_by: Labels
    planted_by: Dates
    certification_due: Dates
    delivery_schedule: Labels
    payment_schedule: Labels
    buffer_e4: Ints
    registry: Labels
    firm: Bools

    def __len__(self) -> int:
        return len(self.offer_id)

    @classmethod
    def of(cls, offers: Iterable[Offer]) -> "Offers":
        """A market from single offers."""
        rows = list(offers)

        def column(name: str) -> Any:
            values = [getattr(o, name) for o in rows]
            kind = COLUMN_KINDS[name]
            if kind == "id":
                return np.array(values, dtype=object)
            if kind == "label":
                return Labels.of(values)
            if kind == "date":
                return np.array(values, dtype="datetime64[D]")
            return np.array(values, dtype=bool if kind == "bool" else np.int64)

        return cls(**{name: column(name) for name in COLUMN_KINDS})

    @classmethod
    def joined(cls, parts: Sequence["Offers"]) -> "Offers":
        """Several markets, one after the other, as one. Ids are not compared."""
        tables = list(parts) or [cls.of(())]
        return cls(**{name: _joined([getattr(t, name) for t in tables]) for name in COLUMN_KINDS})

    def __getitem__(self, i: int) -> Offer:
        def cell(name: str) -> Any:
            value = getattr(self, name)[i]
            if COLUMN_KINDS[name] == "date":
                return None if np.isnat(value) else value.astype(object)
            return value if isinstance(value, str) else value.item()

        return Offer.model_construct(**{name: cell(name) for name in COLUMN_KINDS})

    def take(self, rows: NDArray[Any]) -> "Offers":
        """Only these rows (indices or mask), in this order."""
        return Offers(**{f.name: _take(getattr(self, f.name), rows) for f in fields(self)})

    def replace(self, **columns: Any) -> "Offers":
        """The same market with some columns changed."""
        return replace(self, **columns)

    @cached_property
    def by_id(self) -> NDArray[np.intp]:
        """The rows in order of their ids (by code point, as Python compares text); equal ids keep their order."""
        # Numpy's own strings compare as UTF-8, which is the order of code points, and several times as fast as objects.
        ids = self.offer_id.astype(np.dtypes.StringDType())
        in_order = bool((ids[:-1] <= ids[1:]).all())
        return np.arange(len(ids)) if in_order else np.argsort(ids, kind="stable")

    @cached_property
    def sha256(self) -> str:
        """Hash of the content: the same offers give the same hash, whatever the row order."""
        order = self.by_id
        digest = hashlib.sha256()
        for f in fields(self):
            column = getattr(self, f.name)
            digest.update(f.name.encode())
            if isinstance(column, Labels):
                canonical = column.sorted_by_name()
                digest.update(json.dumps(canonical.names, ensure_ascii=False).encode())
                digest.update(canonical.codes[order].tobytes())
            elif column.dtype == object:
                digest.update(json.dumps(column[order].tolist(), ensure_ascii=False).encode())
            else:
                digest.update(column[order].tobytes())
        return digest.hexdigest()


def _joined(columns: list[Any]) -> Any:
    return Labels.joined(columns) if isinstance(columns[0], Labels) else np.concatenate(columns)


def _take(column: Any, rows: NDArray[Any]) -> Any:
    return column.take(rows) if isinstance(column, Labels) else column[rows]


def _kind(name: str, annotation: object) -> str:
    if name == "offer_id":
        return "id"
    return {Labels: "label", Ints: "int", Dates: "date", Bools: "bool"}[annotation]


COLUMN_KINDS: Mapping[str, str] = {f.name: _kind(f.name, f.type) for f in fields(Offers)}
"""Column name -> id | label | int | date | bool."""


def parse_schedule(text: str) -> tuple[tuple[np.datetime64, int], ...]:
    """Text like 2029-12-31=0.2;2032-12-31=0.8 -> ((date, share in 1/10^4), ...). Raises ValueError on anything else."""
    return tuple((np.datetime64(date.fromisoformat(d.strip()), "D"), e4_of(s)) for d, s in _pairs(text))


def parse_price_breaks(text: str) -> tuple[tuple[int, int], ...]:
    """Text like 1000=58;5000=55 -> ((from kg, price in fen per t), ...). Raises ValueError on anything else."""
    return tuple((kg_of(q), fen_of(p)) for q, p in _pairs(text))


def _pairs(text: str) -> list[tuple[str, str]]:
    parts = [part.split("=") for part in text.split(";")] if text.strip() else []
    if any(len(p) != 2 for p in parts):
        raise ValueError(text)
    return [(p[0], p[1]) for p in parts]
