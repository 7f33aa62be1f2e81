"""What changed between two markets, offer by offer: gone, new, dearer, cheaper, more, less, other terms, running out.

Offers are matched by `offer_id`; every offer of either side is gone, new, or in both. Here live the comparison and its
words. What a change does to a plan is decided elsewhere.

    all-in unit price   price x (1 + fee_rate) + unit_fee, in 1/10^4 fen per t: an integer, compared exactly
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]
from numpy.typing import NDArray

from market_data.columns import OFFER_COLUMNS
from optimizer.errors import BadInput
from optimizer.findings import fault
from optimizer.offers import COLUMN_KINDS, Bools, Dates, Ints, Labels, Offers
from optimizer.quantities import E4, price_text_e4, tonnes
from optimizer.wording import Language, Text

EXPIRING_DAYS = 30
"""Days ahead within which an offer counts as running out: a month's notice, as long as a quote stays fresh."""

KIND_WORDS: dict[str, Text] = {
    "gone": Text("已撤下", "gone"),
    "new": Text("新增", "new"),
    "dearer": Text("涨价", "dearer"),
    "cheaper": Text("降价", "cheaper"),
    "more": Text("数量增加", "more"),
    "less": Text("数量减少", "less"),
    "terms": Text("条款变更", "other terms"),
    "expired": Text("已过期", "expired"),
    "expiring": Text("即将到期", "expiring"),
}
"""What may be said of one offer; several may hold at once."""
KINDS = tuple(KIND_WORDS)
CHANGES = KINDS[:7]
"""The kinds that compare two sides; the last two speak of the new side and the day alone."""
BIT = {kind: np.int64(1 << i) for i, kind in enumerate(KINDS)}

COMPARED = tuple(name for name in COLUMN_KINDS if name != "offer_id")
"""Columns of `Offers`; bit c of `Differences.columns` stands for the c-th."""
PRICE_COLUMNS = ("price_fen", "unit_fee_fen", "fee_rate_e4")
"""What the all-in unit price is made of."""
_COLUMN_OF = {c.field: c for c in OFFER_COLUMNS}


class Change(NamedTuple):
    """One offer that changed or runs out, for people and edges. None where a side has no such offer."""

    offer_id: str
    kinds: tuple[str, ...]
    old_price_e4: int | None
    """All-in, in 1/10^4 fen per t."""
    new_price_e4: int | None
    old_quantity_kg: int | None
    new_quantity_kg: int | None
    valid_until: date | None
    """Of the new side, of the old side for an offer that is gone."""
    columns: tuple[str, ...]
    """Columns that differ, by the contract's names."""

    @property
    def text(self) -> Text:
        """One line in both languages."""
        return Text(self._say("zh"), self._say("en"))

    def _say(self, lang: Language) -> str:
        parts = [KIND_WORDS[kind].say(lang) + self._figures(kind, lang) for kind in self.kinds]
        stop, comma = ("：", "；") if lang == "zh" else (": ", "; ")
        return self.offer_id + stop + comma.join(parts)

    def _figures(self, kind: str, lang: Language) -> str:
        """What stands behind one word: prices, quantities, columns or a day."""
        price, mass = ("元/吨", "吨") if lang == "zh" else ("yuan/t", "t")
        if kind in ("dearer", "cheaper"):
            return f" {_price(self.old_price_e4)} → {_price(self.new_price_e4)} {price}"
        if kind in ("more", "less"):
            return f" {_mass(self.old_quantity_kg)} → {_mass(self.new_quantity_kg)} {mass}"
        if kind == "new":
            return f" {_mass(self.new_quantity_kg)} {mass}, {_price(self.new_price_e4)} {price}"
        if kind == "gone":
            return f" {_mass(self.old_quantity_kg)} {mass}, {_price(self.old_price_e4)} {price}"
        if kind == "terms":
            labels = [_label(name, lang) for name in self.columns]
            return f" ({', '.join(labels)})"
        return f" {self.valid_until}"


@dataclass(frozen=True, eq=False)
class Differences:
    """What changed, one row an offer that changed or runs out, in order of ids; arrays have shape (n,)."""

    old: Offers
    new: Offers
    as_of: date
    expiring_days: int
    old_row: Ints
    """Index into `old`, -1 where it has no such offer."""
    new_row: Ints
    kinds: Ints
    """Bit k stands for KINDS[k]."""
    columns: Ints
    """Bit c stands for COMPARED[c]."""
    both: int
    """Offers on both sides."""

    def __len__(self) -> int:
        return len(self.kinds)

    def has(self, kind: str) -> Bools:
        """Of which rows `kind` may be said."""
        said: Bools = (self.kinds & BIT[kind]) != 0
        return said

    @property
    def nothing_changed(self) -> bool:
        """True where both sides hold the same offers; some may run out all the same."""
        return not any(self.has(kind).any() for kind in CHANGES)

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """Kind -> offers, and those on both sides that did not change at all (`unchanged`)."""
        counts = {kind: int(self.has(kind).sum()) for kind in KINDS}
        changed = (self.old_row >= 0) & (self.new_row >= 0) & (self.columns != 0)
        return {**counts, "unchanged": self.both - int(changed.sum())}

    @property
    def offer_id(self) -> NDArray[np.object_]:
        """Ids of the rows."""
        ids: NDArray[np.object_] = _either(self.new.offer_id, self.new_row, self.old.offer_id, self.old_row)
        return ids

    @property
    def valid_until(self) -> Dates:
        """Of the new side, of the old side for an offer that is gone."""
        days: Dates = _either(self.new.valid_until, self.new_row, self.old.valid_until, self.old_row)
        return days

    def rows(self, kind: str | None = None, at_most: int | None = None) -> Iterator[Change]:
        """The rows as single changes, all or those of one kind."""
        chosen = np.arange(len(self)) if kind is None else np.flatnonzero(self.has(kind))
        ids, days = self.offer_id, self.valid_until
        old_price, new_price = all_in_price_e4(self.old), all_in_price_e4(self.new)
        for i in chosen[:at_most].tolist():
            o, n = int(self.old_row[i]), int(self.new_row[i])
            yield Change(
                ids[i],
                _names(int(self.kinds[i]), KINDS),
                _at(old_price, o),
                _at(new_price, n),
                _at(self.old.quantity_kg, o),
                _at(self.new.quantity_kg, n),
                days[i].astype(object),
                _contract_names(int(self.columns[i])),
            )

    def to_frame(self) -> pd.DataFrame:
        """One row a change; `kinds` and `columns` are words with ";" between, missing sides are <NA>.

        Prices are all-in, Int64 in 1/10^4 fen per t; quantities Int64 in kg; valid_until datetime64[s].
        """
        return pd.DataFrame(
            {
                "offer_id": pd.Series(self.offer_id, dtype="str"),
                "kinds": _words(self.kinds, lambda bits: _names(bits, KINDS)),
                "old_price_e4": _optional(all_in_price_e4(self.old), self.old_row),
                "new_price_e4": _optional(all_in_price_e4(self.new), self.new_row),
                "old_quantity_kg": _optional(self.old.quantity_kg, self.old_row),
                "new_quantity_kg": _optional(self.new.quantity_kg, self.new_row),
                "valid_until": pd.Series(self.valid_until.astype("datetime64[s]")),
                "columns": _words(self.columns, _contract_names),
            }
        )


def differences(old: Offers, new: Offers, as_of: date, expiring_days: int = EXPIRING_DAYS) -> Differences:
    """What changed from `old` to `new`, and what of `new` has run out or will within `expiring_days` of `as_of`.

    The order of rows on either side does not matter. A day of validity is inclusive: an offer valid until `as_of` is
    expiring, one valid until the day before is expired.

    Raises:
        BadInput: an id that stands twice on one side.
    """
    of_new = _matches(old, new)
    both_new = np.flatnonzero(of_new >= 0)
    both_old = of_new[both_new]
    gone = np.setdiff1d(np.arange(len(old)), both_old, assume_unique=True)
    fresh = np.flatnonzero(of_new < 0)
    columns = _differing(old, both_old, new, both_new)
    absent_in_new, absent_in_old = np.full(len(gone), -1), np.full(len(fresh), -1)
    old_row = np.concatenate([both_old, gone, absent_in_old])
    new_row = np.concatenate([both_new, absent_in_new, fresh])
    bits = np.concatenate([columns, np.zeros(len(gone) + len(fresh), dtype=np.int64)])
    changed = _kinds_of_both(old, both_old, new, both_new, columns)
    kinds = np.concatenate([changed, np.full(len(gone), BIT["gone"]), np.full(len(fresh), BIT["new"])])
    kinds |= _running_out(new, as_of, expiring_days)[new_row]
    said = np.flatnonzero(kinds)
    ids = _either(new.offer_id, new_row[said], old.offer_id, old_row[said])
    said = said[np.argsort(ids.astype(np.dtypes.StringDType()), kind="stable")]
    return Differences(
        old, new, as_of, expiring_days, old_row[said], new_row[said], kinds[said], bits[said], len(both_new)
    )


def all_in_price_e4(offers: Offers) -> Ints:
    """price x (1 + fee_rate) + unit_fee in 1/10^4 fen per t, before breaks and fixed fees. At most 3 x 10^12."""
    return offers.price_fen * (E4 + offers.fee_rate_e4) + offers.unit_fee_fen * E4


def _matches(old: Offers, new: Offers) -> Ints:
    """For every new offer the row of the old one with its id, -1 where there is none."""
    sides = [pa.array(side.offer_id, pa.large_string()) for side in (old, new)]
    found = []
    for words, ids in zip((Text("旧报价", "old offers"), Text("新报价", "new offers")), sides, strict=True):
        if (twice := len(ids) - pc.count_distinct(ids).as_py()) > 0:
            zh, en = f"{words.zh}中有 {twice} 个编号重复", f"the {words.en} repeat {twice} ids"
            found.append(fault("duplicate_id", zh, en, column="offer_id"))
    if found:
        raise BadInput(found)
    rows = pc.index_in(sides[1], value_set=sides[0]).fill_null(-1)
    matches: Ints = rows.to_numpy(zero_copy_only=False).astype(np.int64)
    return matches


def _differing(old: Offers, old_rows: Ints, new: Offers, new_rows: Ints) -> Ints:
    """Bits of the columns in which pairs of offers differ."""
    bits = np.zeros(len(old_rows), dtype=np.int64)
    for position, name in enumerate(COMPARED):
        before, after = _comparable(getattr(old, name), getattr(new, name))
        a, b = before[old_rows], after[new_rows]
        unlike = a != b
        if a.dtype.kind == "M":
            unlike &= ~(np.isnat(a) & np.isnat(b))
        bits |= unlike.astype(np.int64) << position
    return bits


def _comparable(before: Any, after: Any) -> tuple[Any, Any]:
    """Two columns as arrays whose values are equal exactly where the cells are; labels by codes into one table."""
    if not isinstance(before, Labels):
        return before, after
    table: dict[str, int] = {}
    codes = [side.lookup([table.setdefault(n, len(table)) for n in side.names], -1) for side in (before, after)]
    return codes[0].astype(np.int64), codes[1].astype(np.int64)


def _kinds_of_both(old: Offers, old_rows: Ints, new: Offers, new_rows: Ints, columns: Ints) -> Ints:
    price = all_in_price_e4(new)[new_rows] - all_in_price_e4(old)[old_rows]
    quantity = new.quantity_kg[new_rows] - old.quantity_kg[old_rows]
    # Price, fee and rate may change and the all-in price not: then the terms changed.
    said_by_price = np.where(price != 0, _column_bits(*PRICE_COLUMNS), 0)
    terms = (columns & ~(said_by_price | _column_bits("quantity_kg"))) != 0
    kinds = np.zeros(len(columns), dtype=np.int64)
    for kind, rows in (
        ("dearer", price > 0),
        ("cheaper", price < 0),
        ("more", quantity > 0),
        ("less", quantity < 0),
        ("terms", terms),
    ):
        kinds |= np.where(rows, BIT[kind], 0)
    return kinds


def _running_out(new: Offers, as_of: date, days: int) -> Ints:
    """Bits of `expired` and `expiring` of every new offer, and 0 at the end for offers that are not there (-1)."""
    today = np.datetime64(as_of, "D")
    until = new.valid_until
    known = ~np.isnat(until)
    expired = known & (until < today)
    expiring = known & ~expired & (until <= today + np.timedelta64(days, "D"))
    bits = np.where(expired, BIT["expired"], 0) | np.where(expiring, BIT["expiring"], 0)
    return np.append(bits, 0)


def _column_bits(*names: str) -> int:
    return sum(1 << COMPARED.index(name) for name in names)


def _names(bits: int, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for i, name in enumerate(names) if bits >> i & 1)


def _contract_names(bits: int) -> tuple[str, ...]:
    return tuple(_COLUMN_OF[name].name for name in _names(bits, COMPARED))


def _words(bits: Ints, names: Any) -> "pd.Series[Any]":
    """Each distinct set of bits is worded once."""
    distinct, codes = np.unique(bits, return_inverse=True)
    return pd.Series(np.array([";".join(names(b)) for b in distinct.tolist()], dtype=object)[codes], dtype="str")


def _optional(values: Ints, rows: Ints) -> "pd.Series[Any]":
    gathered = np.append(values, 0)[rows]
    return pd.Series(gathered, dtype="Int64").mask(rows < 0)


def _either(first: Any, first_rows: Ints, second: Any, second_rows: Ints) -> Any:
    """Of `first` where it has a row, else of `second`; shape of the rows."""
    result = np.empty(len(first_rows), dtype=first.dtype)
    there = first_rows >= 0
    result[there] = first[first_rows[there]]
    result[~there] = second[second_rows[~there]]
    return result


def _at(values: Ints, row: int) -> int | None:
    return None if row < 0 else int(values[row])


def _price(price_e4: int | None) -> str:
    return "" if price_e4 is None else price_text_e4(price_e4)


def _mass(kg: int | None) -> str:
    return "" if kg is None else tonnes(kg)


def _label(name: str, lang: Language) -> str:
    return next(c for c in OFFER_COLUMNS if c.name == name).label.say(lang)
