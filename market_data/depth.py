"""Order-book depth: a row of several price levels becomes one offer a level; what so many tonnes cost up the book.

Levels are marginal: 2,000 t at 58, then 3,000 t at 59.50. Price breaks are the other thing, all-units discounts on one
offer. Here live levels, depth, and who buys from a book: agents and takers of donations. How a cell is read: `cells`.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market_data import cells
from market_data.table_reader import Distinct, TableReader
from optimizer.arcs import cost_fen, unit_cost_e8
from optimizer.errors import BadInput
from optimizer.findings import fault
from optimizer.offers import Bools, Ints, Labels, Offers
from optimizer.quantities import E4, FEN_PER_YUAN, MONEY_YUAN_MAX, PRICE_YUAN_MAX, rate, tonnes, yuan
from optimizer.wording import Text

LEVELS = "price_levels"

MISFITS: dict[str, Text] = {
    "levels_with_minimum": Text(
        "逐档报价不能有最小购买量: 会对每一档分别适用", "cannot stand beside price_levels: it would bind each level"
    ),
    "levels_with_fee": Text(
        "逐档报价不能有固定费用: 会对每一档各收一次", "cannot stand beside price_levels: each level would pay it"
    ),
    "levels_with_breaks": Text(
        "逐档报价是各档自己的价格, 阶梯价是全部按同一价, 只填一种",
        "prices all units alike, price_levels each level by itself; give one of the two",
    ),
    "levels_with_area": Text(
        "逐档报价写明吨数与价格, 不能再由面积折算",
        "gives tonnes and prices itself; an area or a yield cannot give them too",
    ),
}


def fill_from_levels(reader: TableReader, columns: dict[str, Any], given: dict[str, Bools]) -> Distinct | None:
    """The levels of the rows that have any, whose quantity and price they fill; None where no row has.

    Quantity and price are the total and the first price until `expand_levels`; contradictions go to the reader.
    """
    if LEVELS not in reader.placed:
        return None
    read = reader.read(LEVELS, cells.levels, ())
    said = reader.filled(LEVELS)
    for name in ("quantity", "price"):  # a cell that cannot be read has been named; its row does not lack these as well
        given[name] = given[name] | (said & ~read.given)
    if not read.given.any():
        return None
    total = np.array([sum(kg for kg, _ in book) for book in read.values], dtype=np.int64)[read.codes]
    first = np.array([book[0][1] if book else 0 for book in read.values], dtype=np.int64)[read.codes]
    _complain_misfits(reader, columns, given, read.given)
    off = read.given & given["quantity"] & (columns["quantity_kg"] != total)
    reader.complain_rows("quantity", "levels_total", off, lambda i: _total_words(int(total[i])))
    off = read.given & given["price"] & (columns["price_fen"] != first)
    reader.complain_rows("price", "levels_first", off, lambda i: _first_words(int(first[i])))
    for name, field, values in (("quantity", "quantity_kg", total), ("price", "price_fen", first)):
        columns[field] = np.where(read.given, values, columns[field])
        given[name] = given[name] | read.given
    return read


def _complain_misfits(reader: TableReader, columns: dict[str, Any], given: dict[str, Bools], rows: Bools) -> None:
    by_area = np.zeros(len(reader), dtype=bool)
    for name in ("area", "yield", "curve", "growth", "per_mu"):
        by_area |= given.get(name, False)
    for name, code, mask in (
        ("min_quantity", "levels_with_minimum", columns["min_quantity_kg"] > 0),
        ("fixed_fee", "levels_with_fee", columns["fixed_fee_fen"] > 0),
        ("price_breaks", "levels_with_breaks", ~columns["price_breaks"].blank),
        (LEVELS, "levels_with_area", by_area),
    ):
        reader.complain_rows(name, code, rows & mask, partial(_misfit, code))


def _misfit(code: str, _: int) -> Text:
    return MISFITS[code]


def _total_words(kg: int) -> Text:
    shown = tonnes(kg)
    return Text(
        f"与各档之和 {shown} 吨不符; 应留空或填该数",
        f"is not the sum of the levels, {shown} t; leave it blank or say so",
    )


def _first_words(fen: int) -> Text:
    shown = yuan(fen)
    return Text(
        f"不是第一档的价格 {shown}; 应留空或填该价", f"is not the first level's, {shown}; leave it blank or say so"
    )


def expand_levels(offers: Offers, levels: Distinct) -> tuple[Offers, Ints]:
    """One offer a level, "ID#1" the cheapest, and for every offer the row it comes from, shape (n,), ascending.

    Rows without levels stay as they are. The cheapest plan buys levels in order by itself: they differ in price alone.
    """
    counts = np.array([max(len(book), 1) for book in levels.values], dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(counts)])
    flat = np.array([pair for book in levels.values for pair in (book or ((0, 0),))], dtype=np.int64).reshape(-1, 2)
    of_row = counts[levels.codes]
    source = np.repeat(np.arange(len(offers)), of_row)
    place = np.arange(len(source)) - np.repeat(np.cumsum(of_row) - of_row, of_row)
    has = levels.given[source]
    at = starts[levels.codes[source]] + place
    wide = offers.take(source)
    ids = wide.offer_id.copy()
    for i in np.flatnonzero(has).tolist():
        ids[i] = f"{ids[i]}#{place[i] + 1}"
    return wide.replace(
        offer_id=ids,
        quantity_kg=np.where(has, flat[at, 0], wide.quantity_kg),
        price_fen=np.where(has, flat[at, 1], wide.price_fen),
    ), source


def taken_ids(offers: Offers, levels: Distinct, source: Ints) -> Ints:
    """Rows whose levels would get an id that another row has already."""
    made = levels.given[source]
    others = set(offers.offer_id[~made].tolist())
    return np.unique([source[i] for i in np.flatnonzero(made).tolist() if offers.offer_id[i] in others]).astype(
        np.int64
    )


@dataclass(frozen=True, eq=False)
class Depth:
    """A book, cheapest first; every array has shape (n_levels,) but `left_out`."""

    rows: Ints
    """Which offer each level is."""
    unit_e8: Ints
    """Marginal cost with fees per t, 10^-8 fen."""
    usable_kg: Ints
    """Whole lots of the level."""
    lot_kg: Ints
    cumulative_kg: Ints
    """On this level and all before it."""
    left_out: Ints
    """Offers that no book can hold: with a minimum, a fixed fee or price breaks."""

    def price_fen(self, i: int) -> Fraction:
        """Marginal cost of level i with fees, fen per t, exact."""
        return Fraction(int(self.unit_e8[i]), E4 * E4)


@dataclass(frozen=True)
class Walk:
    """What it costs to buy so many tonnes up the book."""

    cost_fen: Fraction
    bought_kg: int
    """At least what was asked where there is enough; more by less than one lot."""
    short_kg: int
    """What the book does not hold."""
    levels: tuple[tuple[int, int], ...]
    """(row of the offer, kg) in the order of buying."""


def depth_of(offers: Offers, *, instrument: str = "", mechanism: str = "", vintage: int = 0) -> Depth:
    """Cumulative quantity and marginal price of the offers of an instrument, mechanism and vintage (blank: of all).

    Ties go by offer id, so the order of rows changes nothing. Who may buy and when is not looked at: that is screening.
    """
    wanted = np.ones(len(offers), dtype=bool)
    if instrument:
        wanted &= offers.instrument.isin([instrument])
    if mechanism:
        wanted &= offers.mechanism.isin([mechanism])
    if vintage:
        wanted &= offers.vintage == vintage
    plain = (offers.min_quantity_kg <= offers.lot_kg) & (offers.fixed_fee_fen == 0) & offers.price_breaks.blank
    rows = np.flatnonzero(wanted & plain)
    unit = unit_cost_e8(offers.price_fen, E4, offers.fee_rate_e4, offers.unit_fee_fen)
    rows = rows[np.argsort(offers.offer_id[rows], kind="stable")]
    rows = rows[np.argsort(unit[rows], kind="stable")]
    usable = offers.quantity_kg[rows] // offers.lot_kg[rows] * offers.lot_kg[rows]
    rows, usable = rows[usable > 0], usable[usable > 0]
    return Depth(rows, unit[rows], usable, offers.lot_kg[rows], np.cumsum(usable), np.flatnonzero(wanted & ~plain))


def cost_of(book: Depth, quantity_kg: int) -> Walk:
    """What `quantity_kg` costs, level by level from the cheapest, the last one rounded up to whole lots; exact.

    With one size of lot in the book, this is the least cost of that many tonnes.
    """
    left, cost, taken = quantity_kg, Fraction(0), []
    end = int(np.searchsorted(book.cumulative_kg, quantity_kg)) + 1
    for i in range(min(end, len(book.rows)) if quantity_kg > 0 else 0):
        lot = int(book.lot_kg[i])
        kg = min(int(book.usable_kg[i]), -(-left // lot) * lot)
        cost += cost_fen(int(book.unit_e8[i]), kg, 0)
        taken.append((int(book.rows[i]), kg))
        left -= kg
    return Walk(cost, sum(kg for _, kg in taken), max(left, 0), tuple(taken))


def through_agent(offers: Offers, fee_rate_e4: int, unit_fee_fen: int, fixed_fee_fen: int) -> Offers:
    """The same market with the offers of channel `holder` bought through an agent, whose fees come on top of theirs.

    They are replaced, not added, so no tonne is there twice; ids stay. The fixed fee is once a line: where a book was
    expanded, once a level.

    Raises:
        BadInput: negative fees, or fees that are no longer plausible together with the offers' own.
    """
    held = offers.channel.isin(["holder"])
    columns: dict[str, NDArray[np.int64]] = {}
    faults = []
    for name, own, fee, largest, show in (
        ("fee_rate", "fee_rate_e4", fee_rate_e4, E4, rate),
        ("unit_fee", "unit_fee_fen", unit_fee_fen, PRICE_YUAN_MAX * FEN_PER_YUAN, yuan),
        ("fixed_fee", "fixed_fee_fen", fixed_fee_fen, MONEY_YUAN_MAX * FEN_PER_YUAN, yuan),
    ):
        had = getattr(offers, own)
        most = largest - max(had[held].tolist(), default=0)
        if not 0 <= fee <= most:
            zh = f"代理费用应在 0 至 {show(most)} 之间 (加上报价自身费用后不超过 {show(largest)})"
            en = f"an agent's fee should be from 0 to {show(most)} (with the offers' own at most {show(largest)})"
            faults.append(fault("agent_fee", zh, en, column=name, value=show(fee)))
            continue
        columns[own] = np.where(held, had + fee, had)
    if faults:
        raise BadInput(faults)
    known = offers.channel.names
    names = known if "agent" in known else (*known, "agent")
    codes = np.where(held, names.index("agent"), offers.channel.codes).astype(np.int32)
    return offers.replace(channel=Labels(codes, names), **columns)


def donated(offers: Offers) -> Offers:
    """The donated lots of a market. What is given costs nothing; what its transfer costs stands in the fees.

    Raises:
        BadInput: every donation with a price.
    """
    gifts = offers.take(offers.channel.isin(["donation"]))
    zh = "渠道是捐赠而价格不为 0; 手续费请填费用列"
    en = "has a price though it is donated; costs of transfer belong to the fees"
    priced = np.flatnonzero(gifts.price_fen > 0).tolist()
    named = sorted((str(gifts.offer_id[i]), yuan(int(gifts.price_fen[i]))) for i in priced)
    if named:
        raise BadInput([fault("donation_priced", zh, en, path=i, column="price", value=price) for i, price in named])
    return gifts
