"""Offers as a table that stays quick at 100,000 rows: filtered and sorted by columns; rows are made for one page."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from fastapi import Request
from numpy.typing import NDArray

from api.pages.listing import Column, Listing, sought
from optimizer.offers import Bools, Labels, Offers
from optimizer.quantities import tonnes, yuan
from optimizer.regions import region_name
from optimizer.wording import CHANNEL_NAMES, INSTRUMENT_NAMES, Language, Text

type Order = NDArray[np.intp]

COLUMNS: tuple[Column, ...] = (
    Column("offer_id", Text("编号", "Id"), "text"),
    Column("instrument", Text("品种", "Instrument"), "text"),
    Column("project", Text("机制与项目", "Mechanism and project"), "text"),
    Column("region", Text("地区", "Region"), "text"),
    Column("vintage", Text("年份", "Vintage"), "text"),
    Column("seller", Text("卖方", "Seller"), "text"),
    Column("quantity", Text("数量", "Quantity"), "tonnes", unit=Text("吨", "t")),
    Column("price", Text("价格", "Price"), "money", unit=Text("元/吨", "yuan/t")),
    Column("valid_until", Text("有效期至", "Valid until"), "day"),
    Column("channel", Text("渠道", "Channel"), "text"),
)
"""What one looks at first; an offer's page of its own is the file it came from."""
_SORTED_BY = {"project": "mechanism", "quantity": "quantity_kg", "price": "price_fen"}
SEARCHED = ("mechanism", "project_name", "project_id", "methodology", "seller")
"""Columns of text that a filter looks into, beside ids, instruments, regions, channels and vintages."""


def offer_listing(request: Request, offers: Offers, lang: Language) -> Listing:
    """The page of the offers that a request asks for, as `listing` answers it."""
    state = sought(request, COLUMNS)
    rows = np.flatnonzero(_found(offers, state.words, lang)) if state.text else np.arange(len(offers))
    if state.column is not None:
        rows = _in_order(offers, state.column.key, rows, lang, downwards=state.sort.startswith("-"))

    def made(part: slice) -> list[dict[str, Any]]:
        return [offer_row(offers, int(i), lang) for i in rows[part]]

    return state.listing(COLUMNS, len(rows), len(offers), made)


def offer_row(offers: Offers, i: int, lang: Language) -> dict[str, Any]:
    """One offer as the table shows it."""
    one = offers[i]
    return {
        "offer_id": one.offer_id,
        "instrument": INSTRUMENT_NAMES[one.instrument].say(lang),
        "project": " · ".join(filter(None, (one.mechanism, one.project_name or one.project_id))),
        "region": region_name(one.region, lang) if one.region else "",
        "vintage": str(one.vintage) if one.vintage else "",
        "seller": one.seller,
        "quantity": tonnes(one.quantity_kg),
        "price": yuan(one.price_fen),
        "valid_until": one.valid_until,
        "channel": CHANNEL_NAMES[one.channel].say(lang) if one.channel else "",
        "firm": one.firm,
        "price_breaks": one.price_breaks,
    }


def _found(offers: Offers, words: Sequence[str], lang: Language) -> Bools:
    """Which offers hold every word somewhere: a name is looked at once, not once a row."""
    folded = np.array([str(i).casefold() for i in offers.offer_id], dtype=np.dtypes.StringDType())
    every = np.ones(len(offers), dtype=bool)
    for word in words:
        held = np.strings.find(folded, word) >= 0
        held |= _named(offers.instrument, word, lambda n: f"{n} {INSTRUMENT_NAMES[n].zh} {INSTRUMENT_NAMES[n].en}")
        held |= _named(offers.region, word, lambda n: f"{n} {region_name(n, 'zh')} {region_name(n, 'en')}")
        held |= _named(offers.channel, word, lambda n: f"{n} {CHANNEL_NAMES[n].say(lang)}")
        for name in SEARCHED:
            held |= _named(getattr(offers, name), word, lambda n: n)
        if word.isascii() and word.isdigit() and len(word) == 4:
            held |= offers.vintage == int(word)
        every &= held
    return every


def _named(column: Labels, word: str, shown: Callable[[str], str]) -> Bools:
    held: Bools = column.lookup([word in shown(name).casefold() for name in column.names], False)
    return held.astype(bool)


def _in_order(offers: Offers, key: str, rows: Order, lang: Language, *, downwards: bool) -> Order:
    """Rows sorted by a column, equal ones as they stood; blanks come last either way."""
    ranks, blank = _ranks(offers, key, lang)
    ranks, blank = ranks[rows], blank[rows]
    order = np.argsort(-ranks if downwards else ranks, kind="stable")
    order = order[np.argsort(blank[order], kind="stable")]
    return rows[order]


def _ranks(offers: Offers, key: str, lang: Language) -> tuple[NDArray[np.int64], Bools]:
    """A whole number a row in the column's order, and which rows are blank."""
    if key == "offer_id":
        ranks = np.empty(len(offers), dtype=np.int64)
        ranks[offers.by_id] = np.arange(len(offers))
        return ranks, np.zeros(len(offers), dtype=bool)
    column = getattr(offers, _SORTED_BY.get(key, key))
    if isinstance(column, Labels):
        named: dict[str, Callable[[str], str]] = {
            "instrument": lambda n: INSTRUMENT_NAMES[n].say(lang),
            "region": lambda n: region_name(n, lang),
        }
        show = named.get(key, str)
        place = {n: i for i, n in enumerate(sorted(column.names, key=lambda n: (show(n), n)))}
        return column.lookup([place[n] for n in column.names], -1).astype(np.int64), column.blank
    if column.dtype.kind == "M":
        return column.astype("datetime64[D]").astype(np.int64), np.isnat(column)
    values = column.astype(np.int64)
    return values, (values == 0) if key == "vintage" else np.zeros(len(values), dtype=bool)
