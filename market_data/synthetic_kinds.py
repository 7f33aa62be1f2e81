"""The statistics of the made-up market: kinds of supply, their shares, spreads, sizes and terms. Data, no code.

Shapes come from published statistics, named beside each number; price levels are round and illustrative. No price of
an exchange stands here.

    [1]  the national CCER registry's projects and reductions, read 2026-08-20, and the CCER exchange's volumes
    [2]  volumes and relative prices of the national allowance exchange's days, 2021 to 2026, and its trading rules
    [3]  press on carbon-inclusion platforms (China Daily, 2025-05-23, and others)
    [4]  published events with their forests, filed afforestation designs; Int. J. of Forestry Research 2012, 626149
"""

from dataclasses import dataclass

import numpy as np

from optimizer.quantities import KG_PER_T

PROJECTS = 400
"""Projects of each kind: the national registry held 41 in August 2026 [1], the international ones thousands."""
SELLERS = 50_000
"""Sellers there are at most; how many appear grows with the market."""
BIG_SELLERS, SELLER_TAIL = 8.0, 0.8
"""P(rank of a seller >= r) = (1 + r / 8)^-0.8: the largest sells one offer in eleven, half of all come from eleven."""

VINTAGE_DISCOUNT = 0.01
"""A year older, 1 % cheaper: vintages were 0.3 to 1.2 yuan apart on the same day at some 80 yuan [2]."""
BLOCK_KG = 100_000 * KG_PER_T
"""Allowance orders from here on are block trades [2]."""
BLOCK_DISCOUNT = (0.003, 0.054)
"""How far a block trade is below the listed price, as a share [2]."""
QUANTITY_KG_MAX = 4_000_000 * KG_PER_T
"""Well below the largest vintage of CCER, 8 Mt [1], and below what `quality` doubts."""
TICKS_FEN, TICK_SHARES = (1, 10, 50, 100), (0.4, 0.3, 0.2, 0.1)
"""To what sellers round: the exchange's tick is 0.01 yuan [2], people like tenths and halves."""
PRICE_FEN_MIN = 100

STALE_SHARE, EXPIRED_SHARE, LATE_START_SHARE, INDICATIVE_SHARE = 0.04, 0.01, 0.04, 0.15
ALLOWANCE_AGE_TRADED = 1
"""Older vintages of the national market ended early in the year after next: their quotes are carried on [2]."""
MINIMUM_SHARE, BREAKS_SHARE, FIXED_FEE_SHARE, UNIT_FEE_SHARE = 0.18, 0.06, 0.15, 0.10
OLD_CCER_SHARE = 0.02
"""Share of CCER projects that were registered before 2017-03."""
NO_SCHEDULE_SHARE = 0.01
"""Share of new forestry without a delivery schedule: the one doubt that is there on purpose."""
UNCERTIFIED_SHARE = 0.12
FOREST_IN_PARTS_SHARE, IN_PARTS_SHARE = 0.8, 0.03
"""Share of offers that are paid in instalments: most forestry, few others."""
CERTIFIERS = 6

FOREST_COST_YUAN, FOREST_COST_SPREAD, FOREST_COST_RANGE = 1_800.0, 0.5, (750.0, 4_000.0)
"""Yuan per mu: lognormal within what real donor projects paid [4]."""
FOREST_YIELD_T, FOREST_YIELD_SPREAD = 0.195, 0.267
"""t per mu and year: median of 44 northern filings, and the spread of their 10 % to 90 % range 0.127 to 0.252."""
HORIZONS = (6, 10, 20)
"""Years of growth that are sold: the six of the order, and what published events counted [4]."""
PEAK_YEARS = (0, 30, 40, 70)
"""Peak of the mean increment: poplar, Robinia, Pinus tabulaeformis [4] as Schumacher curves; 0 is linear."""
PLANTING_DELAYS = (0, 1, 2)
END_OF_MAY, END_OF_YEAR = np.timedelta64(-214, "D"), np.timedelta64(0, "D")
"""Spring planting ends in May; days from the last day of the year."""

PAYMENTS: tuple[tuple[tuple[int, str, int], ...], ...] = (
    ((0, "12-31", 5_000), (2, "06-30", 5_000)),
    ((0, "12-31", 3_000), (1, "06-30", 4_000), (3, "12-31", 3_000)),
    ((1, "03-31", 2_000), (2, "03-31", 3_000), (3, "03-31", 5_000)),
)
"""Instalments: years after that of `as_of`, month and day, share in 1/10^4."""
BREAK_STEPS: tuple[tuple[tuple[int, float], ...], ...] = (
    ((500, 0.01),),
    ((1_000, 0.01), (5_000, 0.03)),
    ((10_000, 0.02), (50_000, 0.04)),
)
"""All-units discounts by size of the offer: from that many t on, cheaper by that share, as blocks are [2]."""
BREAK_SIZES_KG = (1_000 * KG_PER_T, 10_000 * KG_PER_T, 100_000 * KG_PER_T)
"""From these sizes on an offer can have the steps of that place."""

OUTSIDE = ("15", "35", "37", "44", "51", "53", "62", "63", "65", "23", "13", "32")
SHANXI = ("14", "140100", "140200", "140300", "140400", "140700", "140900", "141100")
CREDIT_METHODS = ("ACM0002", "AMS-I.D", "ACM0008", "AR-ACM0003")


@dataclass(frozen=True)
class Kind:
    """One kind of supply: what it is, where it comes from, how much there is at which level of price."""

    share: float
    """Of all offers."""
    instrument: str
    noun: str
    mechanisms: tuple[str, ...]
    registries: tuple[str, ...]
    """One for all, or one a mechanism."""
    regions: tuple[str, ...]
    """Of a project; with `paired` the place of its mechanism."""
    methodologies: tuple[str, ...]
    level_yuan: float
    """Round and illustrative, yuan/t; of forestry made from cost and yield instead."""
    spread: float
    """Standard deviation of the logarithm of prices on one day."""
    median_t: float
    size_spread: float
    """Standard deviation of the logarithm of quantities."""
    lots_kg: tuple[int, ...]
    ages: tuple[float, ...]
    """Weights of vintages: of the year of `as_of`, the year before, and so on; none: blank."""
    settlement: tuple[int, int]
    channels: tuple[float, float, float]
    """Shares of holder, agent, donation; the rest is open."""
    paired: bool = False


_CREDITS = (("VCS", "GS", "CDM"), ("Verra", "Gold Standard", "UNFCCC CDM"))
_CCER_AGES = (0.01, 0.07, 0.35, 0.29, 0.25, 0.03)
"""Registered reductions by vintage 2026 to 2021: 0.09, 1.71, 8.04, 6.75, 5.72, 0.74 Mt [1]."""
_OPEN = (0.0, 0.15, 0.01)
_T, _TENTH = KG_PER_T, KG_PER_T // 10

KINDS: tuple[Kind, ...] = (
    # Carbon inclusion is short rather than dear: platforms report some 10^4 t, in hundredths of a tonne [3].
    Kind(0.04, "carbon_inclusion", "碳普惠", ("三晋绿色生活",), ("山西碳普惠平台",), ("14",), (),
         50.0, 0.15, 120.0, 1.1, (10, _TENTH, _T), (0.5, 0.35, 0.15), (1, 6), (0.0, 0.05, 0.03)),
    Kind(0.04, "carbon_inclusion", "碳普惠", ("武碳江湖", "碳惠通", "晋碳行", "深圳碳普惠"), ("所属碳普惠平台",),
         ("420100", "50", "14", "440300"), (), 45.0, 0.18, 200.0, 1.1, (10, _TENTH, _T), (0.5, 0.35, 0.15), (1, 9),
         (0.0, 0.1, 0.02), paired=True),
    # CCER: days of a year lay between 0.72 and 1.5 of its mean; smallest trade 1 t; median day 2,700 t [1].
    Kind(0.06, "ccer", "自愿减排", ("CCER",), ("全国温室气体自愿减排注册登记系统",), SHANXI,
         ("CCER-10-001", "CCER-14-001"), 90.0, 0.10, 2_700.0, 1.6, (_T,), (0.6, 0.4), (2, 8), _OPEN),
    Kind(0.18, "ccer", "自愿减排", ("CCER",), ("全国温室气体自愿减排注册登记系统",), OUTSIDE,
         ("CCER-01-001", "CCER-01-002"), 85.0, 0.10, 2_700.0, 1.6, (_T,), _CCER_AGES, (2, 8), _OPEN),
    Kind(0.03, "credit", "减排", *_CREDITS, SHANXI, CREDIT_METHODS,
         40.0, 0.35, 4_000.0, 1.4, (_T, 10 * _T), (0.05, 0.2, 0.25, 0.2, 0.15, 0.15), (3, 15), _OPEN),
    Kind(0.20, "credit", "减排", *_CREDITS, OUTSIDE, CREDIT_METHODS,
         35.0, 0.35, 6_000.0, 1.5, (_T, 10 * _T), (0.05, 0.2, 0.25, 0.2, 0.15, 0.15), (3, 15), _OPEN),
    Kind(0.05, "forestry", "造林", ("林业碳汇",), ("认证机构",), SHANXI, ("CCER-14-001",),
         0.0, 0.0, 3_000.0, 0.9, (_T,), (), (0, 5), _OPEN),
    Kind(0.05, "forestry", "造林", ("林业碳汇",), ("认证机构",), OUTSIDE, ("CCER-14-001",),
         0.0, 0.0, 4_000.0, 1.0, (_T,), (), (0, 5), _OPEN),
    # Allowances: step 1 t, the youngest vintage carries the trade [2]; held, bought through agents, or donated.
    Kind(0.30, "allowance", "配额", ("CEA",), ("全国碳排放权注册登记系统",), (), (),
         80.0, 0.03, 8_000.0, 1.7, (_T, _T, 10 * _T, 100 * _T), (0.15, 0.8, 0.03, 0.02), (1, 5), (0.3, 0.5, 0.05)),
    Kind(0.05, "allowance", "试点配额",
         ("北京碳市场", "天津碳市场", "上海碳市场", "重庆碳市场", "湖北碳市场", "广东碳市场", "深圳碳市场"),
         ("试点配额注册登记机构",), ("11", "12", "31", "50", "42", "44", "440300"), (),
         60.0, 0.30, 3_000.0, 1.4, (_T, 10 * _T), (0.3, 0.6, 0.1), (1, 5), (0.3, 0.5, 0.02), paired=True),
)  # fmt: skip
