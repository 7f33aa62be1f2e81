"""What is known about markets and registries at a day: dated, cited facts that offers can be held against.

Every fact says its source and the day it was true. A fact is no rule: what contradicts it is a doubt, never a fault.
How offers are held against them: `date_doubts`, `lot_doubts`, `number_doubts`.
"""

from datetime import date

from optimizer.quantities import KG_PER_T

NATIONAL_MARKET = "CEA"
NATIONAL_NAMES = ("", "CEA", "COMCEA", "全国碳市场", "全国碳排放权交易市场")
"""Mechanisms of an allowance that mean the national market, as in the rule packs; blank is national too."""

CEA_LAST_TRADES: dict[int, date] = {
    2019: date(2025, 12, 31),
    2020: date(2025, 12, 31),
    2021: date(2025, 12, 31),
    2022: date(2026, 1, 6),
    2023: date(2026, 2, 10),
    2024: date(2026, 2, 13),
}
"""The last day with volume, by vintage (CEA19-20 is one code). Source: the national exchange's daily statistics by
vintage and method (querySubStat), read to 2026-08-19: from 2026-02-14 on only CEA25 has volume, the other codes repeat
their last price."""
CEA_LAST_TRADES_SEEN_TO = date(2026, 8, 19)

CCER_REGISTERED_ON = date(2026, 8, 20)
"""The day of the registry's open project answers (ccer.cets.org.cn, getOpeningApply) behind the three facts below."""
CCER_REGISTERED_KG = 23_110_000 * KG_PER_T
"""All reductions of the present scheme registered by then: 25 registrations of 41 projects."""
CCER_REGISTERED_VINTAGE_KG: dict[int, int] = {
    2020: 70_000 * KG_PER_T,
    2021: 740_000 * KG_PER_T,
    2022: 5_720_000 * KG_PER_T,
    2023: 6_750_000 * KG_PER_T,
    2024: 8_040_000 * KG_PER_T,
}
"""By vintage, rounded to 10,000 t. 2025 (1.71 Mt) and 2026 (0.09 Mt) are left out: they were still being registered."""
CCER_PROVINCES_WITHOUT = ("14",)
"""Provinces whose projects had nothing registered though offers name them: Shanxi, 6 distinct projects, 0 t."""
CCER_FACTS_GOOD_DAYS = 365
"""Days after which registrations have moved on too far for these facts to cast a doubt: 23 Mt came in two years."""
OLD_CCER_BEFORE = date(2017, 3, 1)
"""Projects registered before belong to the old scheme; its totals are others (the rule packs' own date)."""
CCER_FIRST_VINTAGE = 2020
"""Reductions of the present scheme count from 2020-09-22 on; earliest crediting start in 344 public records."""

CARBON_INCLUSION_LOT_KG = 100_000 * KG_PER_T
"""10^5 t in one lot: whole platforms report about 10^4 t (Wuhan more than 30,000 t, Shenzhen about 12,000 t, Beijing
12,700 t traded by 2023-09; China Daily 2025-05-23, People's Daily 2023-07-18, china.org.cn 2023-11-28)."""

FORESTRY_YUAN_MIN = 50
FORESTRY_YUAN_MAX = 5_000
"""Yuan per t of new forestry: published forests cost 196 (Lao Niu, 30 years) to 3,300 (750 to 4,000 yuan a mu over 6
years of linear growth); a quarter of the lowest and one and a half times the highest."""
