"""A made-up market that is shaped like a real one: seeded, column by column, a million offers in seconds.

Every offer says three times that it is made up: `offer_id` begins with SYN-, `project_name` with 合成 and ends in
(synthetic), `seller` begins with 合成卖方 and ends in (synthetic seller). `is_synthetic` finds them again.

Each column draws from a stream of its own, in the order of the offers: offer i of a market of n is offer i of every
larger market of the same seed and day. The statistics behind it live in `synthetic_kinds`. No file is read or written.
"""

import math
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types
import pyarrow.compute as pc  # type: ignore[import-untyped]
from numpy.typing import NDArray

from market_data import synthetic_kinds as shape
from market_data.sources.raw_table import ROWS_MAX
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.offers import CHANNELS, Bools, Dates, Ints, Labels, Offers
from optimizer.quantities import E4, KG_PER_T, plain, rate, yuan

type Floats = NDArray[np.float64]

ID_PREFIX = "SYN-"
SELLER_PREFIX = "合成卖方"
NEVER = np.datetime64("NaT", "D")
OLD_CCER_SINCE = np.datetime64("2013-06-01", "D")
"""Projects of the old scheme were registered within 900 days of this day."""
YEAR_MIN, YEAR_MAX = 2022, 2060
"""Years of `as_of`: the order is of 2022, and schedules of forty years end before 2100."""


class Streams:
    """Random numbers by name: each name is a stream of its own, whose first n numbers do not depend on n."""

    def __init__(self, seed: int, n: int) -> None:
        self.seed = seed
        self.n = n

    def uniform(self, name: str, n: int | None = None) -> Floats:
        """Numbers in [0, 1), shape (n,)."""
        return self._stream(name).random(self.n if n is None else n)

    def normal(self, name: str, n: int | None = None) -> Floats:
        """Standard normal numbers, shape (n,)."""
        return self._stream(name).standard_normal(self.n if n is None else n)

    def happens(self, name: str, share: float) -> Bools:
        """True with this probability, shape (n,)."""
        return self.uniform(name) < share

    def choose(self, name: str, values: tuple[int, ...], shares: tuple[float, ...] | None = None) -> Ints:
        """One of the values, equally likely or with these shares, shape (n,)."""
        weights = shares or (1.0,) * len(values)
        chosen: Ints = np.array(values, dtype=np.int64)[_nth(self.uniform(name), np.array([weights]), None)]
        return chosen

    def between(self, name: str, low: int, high: int) -> Ints:
        """Whole numbers from low to high, both included, shape (n,)."""
        return low + (self.uniform(name) * (high - low + 1)).astype(np.int64)

    def _stream(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, *name.encode()])


class _Market:
    """The columns of one market in the making, each from its own streams."""

    def __init__(self, n: int, seed: int, as_of: date) -> None:
        self.n, self.seed, self.as_of = n, seed, as_of
        self.today = np.datetime64(as_of, "D")
        self.streams = Streams(seed, n)
        self.kind = self.streams.choose("kind", tuple(range(len(shape.KINDS))), tuple(k.share for k in shape.KINDS))
        self.forest = self.of_kind([k.instrument == "forestry" for k in shape.KINDS])
        self.allowance = self.of_kind([k.instrument == "allowance" for k in shape.KINDS])
        self.national = self.of_kind([k.mechanisms == ("CEA",) for k in shape.KINDS])

    def of_kind(self, values: list[Any]) -> NDArray[Any]:
        """One value a row from one a kind."""
        return np.array(values)[self.kind]

    @cached_property
    def project(self) -> Ints:
        """Number of the project: a few of each kind are on offer everywhere. Allowances have none but their market."""
        rank = (shape.PROJECTS * self.streams.uniform("project") ** 2).astype(np.int64)
        return self.kind * shape.PROJECTS + rank

    def of_project(self, name: str) -> Floats:
        """A number in [0, 1) that every offer of a project shares."""
        return self.streams.uniform(name, len(shape.KINDS) * shape.PROJECTS)[self.project]

    @cached_property
    def mechanism_draw(self) -> Floats:
        return self.of_project("mechanism")

    @cached_property
    def age(self) -> Ints:
        """Years since the vintage."""
        longest = max(len(k.ages) for k in shape.KINDS)
        weights = np.array([[*k.ages, *(0.0,) * (longest - len(k.ages))] if k.ages else [1.0, *(0.0,) * (longest - 1)]
                            for k in shape.KINDS])  # fmt: skip
        return _nth(self.streams.uniform("age"), weights, self.kind)

    @cached_property
    def channel_code(self) -> Ints:
        """0 holder, 1 agent, 2 donation, 3 open."""
        weights = np.array([[*k.channels, 1 - sum(k.channels)] for k in shape.KINDS])
        return _nth(self.streams.uniform("channel"), weights, self.kind)

    @cached_property
    def lot_kg(self) -> Ints:
        lots = Choices([k.lots_kg for k in shape.KINDS])
        kg: Ints = np.array(lots.values, dtype=np.int64)
        return kg[lots.codes(self.kind, self.streams.uniform("lot"))]

    @cached_property
    def quantity_kg(self) -> Ints:
        """Lognormal, in whole lots, at least one."""
        spread = self.of_kind([k.size_spread for k in shape.KINDS])
        tonnes = self.of_kind([k.median_t for k in shape.KINDS]) * np.exp(spread * self.streams.normal("quantity"))
        kg: Ints = np.minimum(tonnes * KG_PER_T, shape.QUANTITY_KG_MAX).astype(np.int64)
        whole: Ints = np.maximum(kg // self.lot_kg, 1) * self.lot_kg
        return whole

    @cached_property
    def block(self) -> Bools:
        """Block trades of national allowances."""
        return self.national & (self.quantity_kg >= shape.BLOCK_KG)

    @cached_property
    def horizon(self) -> Ints:
        """Years of growth that a forestry offer sells."""
        return self.streams.choose("horizon", shape.HORIZONS)

    @cached_property
    def price_fen(self) -> Ints:
        """Level, project and day's dispersion, older vintages and blocks cheaper, rounded as sellers do; gifts at 0."""
        level, spread = self.of_kind([k.level_yuan for k in shape.KINDS]), self.of_kind([k.spread for k in shape.KINDS])
        price = level * np.exp(spread * self.streams.normal("price")) * (1 - shape.VINTAGE_DISCOUNT * self.age)
        low, high = shape.BLOCK_DISCOUNT
        price *= 1 - self.block * (low + (high - low) * self.streams.uniform("block"))
        price = np.where(self.forest, self.forest_price(), price)
        tick = self.streams.choose("tick", shape.TICKS_FEN, shape.TICK_SHARES)
        fen = np.rint(price * 100 / tick).astype(np.int64) * tick
        return np.where(self.channel_code == 2, 0, np.maximum(fen, shape.PRICE_FEN_MIN))

    def forest_price(self) -> Floats:
        """Yuan/t: cost per mu over what a mu yields until the horizon."""
        cost = shape.FOREST_COST_YUAN * np.exp(shape.FOREST_COST_SPREAD * self.streams.normal("cost"))
        yield_t = shape.FOREST_YIELD_T * np.exp(shape.FOREST_YIELD_SPREAD * self.streams.normal("yield"))
        price: Floats = cost.clip(*shape.FOREST_COST_RANGE) / (yield_t * self.horizon)
        return price

    def min_quantity_kg(self) -> Ints:
        """Some sell no less than a part of the lot; blocks no less than a block."""
        part = self.streams.choose("minimum share", (1, 5, 10, 25))
        bound = np.maximum(self.quantity_kg * part // 100 // self.lot_kg, 1) * self.lot_kg
        least = np.where(self.streams.happens("minimum", shape.MINIMUM_SHARE), bound, 0)
        return np.where(self.block, shape.BLOCK_KG, least)

    def price_breaks(self) -> Labels:
        """All-units discounts of larger offers, at prices in tenths of a yuan."""
        size = np.searchsorted(shape.BREAK_SIZES_KG, self.quantity_kg, side="right") - 1
        given = self.streams.happens("breaks", shape.BREAKS_SHARE) & (size >= 0)
        given &= self.price_fen > shape.PRICE_FEN_MIN
        return _named(np.where(given, self.price_fen * len(shape.BREAK_STEPS) + size, -1), _breaks_text)

    def fees(self) -> dict[str, Any]:
        """Fixed fees in fifties of yuan, unit fees in fen, and what agents take as a share of the price (1/10^4)."""
        fixed = self.streams.between("fixed fee", 1, 40) * 50 * 100
        unit = self.streams.between("unit fee", 10, 200)
        agent = self.streams.between("agent", 2, 20) * 25
        return {
            "fixed_fee_fen": np.where(self.streams.happens("has fixed fee", shape.FIXED_FEE_SHARE), fixed, 0),
            "unit_fee_fen": np.where(self.streams.happens("has unit fee", shape.UNIT_FEE_SHARE), unit, 0),
            "fee_rate_e4": np.where(self.channel_code == 1, agent, 0),
        }

    def validity(self) -> dict[str, Any]:
        """From and until: mostly open now, some open later, a few ended; the end is never before the beginning."""
        draw = self.streams.uniform("valid from")
        ended = self.streams.happens("expired", shape.EXPIRED_SHARE)
        later = (draw < shape.LATE_START_SHARE) & ~ended
        begin = np.where(later, 1, -1) * self.streams.between("begin", 1, 60) - 60 * ended
        until = np.maximum(begin, 0) + self.streams.between("until", 7, 365)
        until = np.where(ended, -self.streams.between("ended", 1, 30), until)
        open_end = self.streams.happens("open end", 0.15) & ~ended
        return {
            "valid_from": np.where(later | (draw > 0.7), self.day(begin), NEVER),
            "valid_until": np.where(open_end, NEVER, self.day(until)),
        }

    def day(self, after: Ints) -> Dates:
        """Days counted from today."""
        return self.today + after.astype("timedelta64[D]")

    def trades(self) -> Dates:
        """Day of the last trade: within weeks, or long ago; blank where nothing is traded in the open."""
        recent, old = self.streams.between("recent", 0, 20), self.streams.between("old", 31, 300)
        ended = self.national & (self.age > shape.ALLOWANCE_AGE_TRADED)
        ago = np.where(ended | self.streams.happens("stale", shape.STALE_SHARE), old, recent)
        quoted = self.of_kind([k.instrument in ("ccer", "credit", "allowance") for k in shape.KINDS])
        return np.where(quoted, self.day(-ago), NEVER)

    def registrations(self) -> Dates:
        """Day on which the project was registered; blank where there is no project."""
        ccer = self.of_kind([k.instrument == "ccer" for k in shape.KINDS])
        old = ccer & (self.of_project("old ccer") < shape.OLD_CCER_SHARE)
        since = (self.of_project("registered") * 900).astype(np.int64)
        when = np.where(old, OLD_CCER_SINCE + since.astype("timedelta64[D]"), self.day(-60 - since))
        registered = self.of_kind([k.instrument in ("ccer", "credit") for k in shape.KINDS])
        return np.where(registered, when, NEVER)

    def forest_columns(self) -> dict[str, Any]:
        """Planting, certification, delivery and buffer of new forestry; payments in parts."""
        delay, peak = self.streams.choose("delay", shape.PLANTING_DELAYS), self.streams.choose("peak", shape.PEAK_YEARS)
        scheduled = self.forest & ~self.streams.happens("no schedule", shape.NO_SCHEDULE_SHARE)
        parts_share = np.where(self.forest, shape.FOREST_IN_PARTS_SHARE, shape.IN_PARTS_SHARE)
        in_parts = self.streams.uniform("in parts") < parts_share
        key = (delay * 100 + peak) * 100 + self.horizon
        certified = self.forest & ~self.streams.happens("uncertified", shape.UNCERTIFIED_SHARE)
        year = self.as_of.year
        return {
            "planted_by": _year_end(self.forest, year + delay, shape.END_OF_MAY),
            "certification_due": _year_end(self.forest, year + delay + self.streams.between("due", 1, 3)),
            "delivery_schedule": _named(np.where(scheduled, key, -1), lambda k: _delivery_text(year, k)),
            "payment_schedule": _named(
                np.where(in_parts, self.streams.between("payment", 0, len(shape.PAYMENTS) - 1), -1),
                lambda k: _payment_text(year, k),
            ),
            "buffer_e4": np.where(self.forest, self.streams.choose("buffer", (1_000, 1_500, 2_000)), 0),
            "certified_by": _named(
                np.where(certified, self.project % shape.CERTIFIERS, -1), lambda k: f"合成认证机构 {k + 1} (synthetic)"
            ),
        }

    def names(self) -> dict[str, Any]:
        """The columns of words: what belongs to the kind, to the project, and the seller."""
        region = np.where(self.of_kind([k.paired for k in shape.KINDS]), self.mechanism_draw, self.of_project("region"))
        tail = (1 - self.streams.uniform("seller")) ** (-1 / shape.SELLER_TAIL)
        rank = (shape.BIG_SELLERS * (tail - 1)).astype(np.int64)
        channels = Labels(np.where(self.channel_code == 3, -1, self.channel_code).astype(np.int32), CHANNELS)
        has_project = ~self.allowance & ~self.of_kind([k.instrument == "carbon_inclusion" for k in shape.KINDS])
        return {
            "instrument": self.pick([(k.instrument,) for k in shape.KINDS], self.mechanism_draw),
            "mechanism": self.pick([k.mechanisms for k in shape.KINDS], self.mechanism_draw),
            "registry": self.pick([k.registries for k in shape.KINDS], self.mechanism_draw),
            "region": self.pick([k.regions for k in shape.KINDS], region),
            "methodology": self.pick([k.methodologies for k in shape.KINDS], self.of_project("method")),
            "project_id": _named(np.where(has_project, self.project, -1), lambda p: f"{ID_PREFIX}P{p:05d}"),
            "project_name": _named(np.where(has_project, self.project, self.kind * shape.PROJECTS), _project_name),
            "seller": _named(rank % shape.SELLERS, lambda r: f"{SELLER_PREFIX} {r + 1:05d} (synthetic seller)"),
            "channel": channels,
        }

    def pick(self, options: list[tuple[str, ...]], draw: Floats) -> Labels:
        """One of the words of the offer's kind, as `draw` in [0, 1) says; blank where the kind has none."""
        choices = Choices(options)
        names = tuple(dict.fromkeys(choices.values))
        code_of = np.array([*(names.index(v) for v in choices.values), -1], dtype=np.int32)
        return Labels(code_of[choices.codes(self.kind, draw)], names)


class Choices[T]:
    """Options of each kind, one after the other, so that one array of codes speaks of all kinds."""

    def __init__(self, options: list[tuple[T, ...]]) -> None:
        self.values = tuple(v for of_kind in options for v in of_kind)
        self._counts = np.array([len(of_kind) for of_kind in options])
        self._starts = np.cumsum(self._counts) - self._counts

    def codes(self, kind: Ints, draw: Floats) -> Ints:
        """Indices into `values`, shape (n,); -1 where the kind has no options."""
        codes = self._starts[kind] + (draw * self._counts[kind]).astype(np.int64)
        return np.where(self._counts[kind] == 0, -1, codes)


def synthetic_market(n: int, seed: int, as_of: date) -> Offers:
    """A made-up market of n offers on a day; the first n of any larger one of the same seed and day.

    All are read without a fault, and only the hundredth of new forestry that has no delivery schedule with a doubt.
    One quote in twenty-five is stale, one offer in a hundred has ended.

    Raises:
        BadInput: n below 1 or above what a file holds, a negative seed, a day far off.
    """
    _check(n, seed, as_of)
    made = _Market(n, seed, as_of)
    dated = made.of_kind([bool(k.ages) for k in shape.KINDS])
    settlement = made.of_kind([k.settlement for k in shape.KINDS])
    days = settlement[:, 0] + made.streams.uniform("settlement") * (settlement[:, 1] - settlement[:, 0] + 1)
    return Offers(
        offer_id=_ids(n, seed),
        **made.names(),
        **made.fees(),
        **made.validity(),
        **made.forest_columns(),
        vintage=np.where(dated, as_of.year - made.age, 0),
        quantity_kg=made.quantity_kg,
        price_fen=made.price_fen,
        min_quantity_kg=made.min_quantity_kg(),
        lot_kg=made.lot_kg,
        price_breaks=made.price_breaks(),
        settlement_days=days.astype(np.int64),
        registered_on=made.registrations(),
        last_traded_on=made.trades(),
        firm=~made.streams.happens("indicative", shape.INDICATIVE_SHARE),
    )


def is_synthetic(offers: Offers) -> Bools:
    """Where an offer is made up by its own word, shape (n,): its id begins with SYN-, or its seller with 合成卖方."""
    by_id = np.array([i.startswith(ID_PREFIX) for i in offers.offer_id], dtype=bool)
    by_seller = [name.startswith(SELLER_PREFIX) for name in offers.seller.names]
    found: Bools = by_id | offers.seller.lookup(by_seller, False).astype(bool)
    return found


def _check(n: int, seed: int, as_of: date) -> None:
    found: list[Finding] = []
    if not 1 <= n <= ROWS_MAX:
        zh, en = f"应为 1 至 {ROWS_MAX} 个报价", f"should be from 1 to {ROWS_MAX} offers"
        found.append(fault("synthetic_size", zh, en, path="n", value=n))
    if not 0 <= seed < 2**63:
        zh, en = "应为不小于 0 的 63 位整数", "should be a whole number from 0 on, of at most 63 bits"
        found.append(fault("synthetic_seed", zh, en, path="seed", value=seed))
    if not YEAR_MIN <= as_of.year <= YEAR_MAX:
        zh, en = f"年份应在 {YEAR_MIN} 至 {YEAR_MAX} 之间", f"should be a day of {YEAR_MIN} to {YEAR_MAX}"
        found.append(fault("synthetic_day", zh, en, path="as_of", value=as_of))
    if found:
        raise BadInput(found)


def _ids(n: int, seed: int) -> NDArray[np.object_]:
    numbers = pc.utf8_lpad(pa.array(np.arange(1, n + 1)).cast(pa.string()), 7, "0")
    ids = pc.binary_join_element_wise(f"{ID_PREFIX}{seed}", numbers, "-")
    return np.asarray(ids.to_numpy(zero_copy_only=False), dtype=object)


def _nth(draw: Floats, weights: Floats, kind: Ints | None) -> Ints:
    """Which of the weighted places a draw in [0, 1) falls into; `weights` has one row, or one a kind."""
    sums = np.cumsum(weights, axis=1) / weights.sum(axis=1, keepdims=True)
    if kind is None:
        return np.searchsorted(sums[0, :-1], draw, side="right").astype(np.int64)
    places = np.zeros(len(draw), dtype=np.int64)
    for bound in sums[:, :-1].T:
        places += draw >= bound[kind]
    return places


def _named(keys: Ints, name: Callable[[int], str]) -> Labels:
    """Labels from whole numbers; -1 is blank, and numbers of one name share a code."""
    distinct, places = np.unique(keys, return_inverse=True)
    table: dict[str, int] = {}
    codes = [-1 if k < 0 else table.setdefault(name(k), len(table)) for k in distinct.tolist()]
    return Labels(np.array(codes, dtype=np.int32)[places], tuple(table))


def _project_name(project: int) -> str:
    return f"合成{shape.KINDS[project // shape.PROJECTS].noun}项目 {project:05d} (synthetic)"


def _breaks_text(key: int) -> str:
    price_fen, size = divmod(key, len(shape.BREAK_STEPS))
    steps = [(tonnes, math.floor(price_fen * (1 - cheaper) / 10) * 10) for tonnes, cheaper in shape.BREAK_STEPS[size]]
    return ";".join(f"{tonnes}={plain(Decimal(yuan(fen)))}" for tonnes, fen in steps)


def _delivery_text(year: int, key: int) -> str:
    """Cumulative shares at the ends of years from the third on: linear, or exp(-peak/t), 1 at the horizon."""
    (delay, peak), horizon = divmod(key // 100, 100), key % 100
    grown = [(t, t / horizon if peak == 0 else math.exp(peak / horizon - peak / t)) for t in range(3, horizon + 1)]
    return ";".join(f"{year + delay + t}-12-31={rate(math.floor(share * E4))}" for t, share in grown)


def _payment_text(year: int, variant: int) -> str:
    return ";".join(f"{year + years}-{day}={rate(share)}" for years, day, share in shape.PAYMENTS[variant])


def _year_end(given: Bools, years: Ints, shift: np.timedelta64 = shape.END_OF_YEAR) -> Dates:
    """The last day of a year plus `shift`, where given."""
    ends = (years - 1970 + 1).astype("datetime64[Y]").astype("datetime64[D]") - np.timedelta64(1, "D") + shift
    return np.where(given, ends, NEVER)
