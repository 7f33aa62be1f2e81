"""Doubts: input that can be used and yet is probably not what its writer meant. Every doubt says why.

A doubt never changes a number. What cannot be used at all is a fault and lives in `cells` and `normalize`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from market_data.filed_yields import filed_range
from optimizer.offers import Bools, Labels, Offers, parse_price_breaks, parse_schedule
from optimizer.quantities import E4, FEN_PER_YUAN, KG_PER_T, rate, tonnes, yuan
from optimizer.wording import Text

PRICE_YUAN_DOUBTFUL = 10_000
"""Yuan per t: a hundred times the national market; even six-year forestry stays below 3,300 (planting costs per mu)."""
QUANTITY_T_DOUBTFUL = 10_000_000
"""Tonnes: half of all CCER reductions registered by August 2026; one event's report misprinted 1.1 Mt as 110 Mt."""
YIELD_E4_DOUBTFUL = 15_000
"""1.5 t per mu and year: eight times the median of northern filings (0.195); one published forest claims 3.6."""


@dataclass(frozen=True)
class Doubt:
    """One reason to look again: `rows` is a mask over the offers, `words` speaks about one of them."""

    code: str
    column: str
    rows: Bools
    words: Callable[[int], Text]


def doubts(offers: Offers) -> Iterator[Doubt]:
    """Every doubt about a market, column by column."""
    yield from _doubtful_prices(offers)
    yield from _doubtful_quantities(offers)
    yield from _doubtful_schedules(offers)


def _doubtful_prices(offers: Offers) -> Iterator[Doubt]:
    limit = PRICE_YUAN_DOUBTFUL * FEN_PER_YUAN
    zh, en = f"单价高于 {PRICE_YUAN_DOUBTFUL} 元/吨, 请核对", f"is more than {PRICE_YUAN_DOUBTFUL} yuan/t, please check"
    yield Doubt("price_far_out", "price", offers.price_fen > limit, _always(zh, en))
    free = (offers.price_fen == 0) & ~offers.channel.isin(["donation"])
    yield Doubt(
        "price_zero", "price", free, _always("单价为 0 而渠道不是捐赠", "is 0 though the channel is not donation")
    )
    breaks = offers.price_breaks
    prices = [[fen for _, fen in parse_price_breaks(text)] for text in breaks.names]
    rising = breaks.lookup([any(a < b for a, b in pairwise(one)) for one in prices], False).astype(bool)
    first = breaks.lookup([one[0] for one in prices], 0)
    zh, en = "阶梯价随数量上升", "has prices that rise with the quantity"
    yield Doubt("breaks_rise", "price_breaks", rising | (first > offers.price_fen), _always(zh, en))


def _doubtful_quantities(offers: Offers) -> Iterator[Doubt]:
    zh, en = f"数量超过 {QUANTITY_T_DOUBTFUL} 吨, 请核对", f"is more than {QUANTITY_T_DOUBTFUL} t, please check"
    yield Doubt("quantity_far_out", "quantity", offers.quantity_kg > QUANTITY_T_DOUBTFUL * KG_PER_T, _always(zh, en))

    usable = offers.quantity_kg // offers.lot_kg * offers.lot_kg

    def too_small(index: int) -> Text:
        lot, least = tonnes(int(offers.lot_kg[index])), tonnes(int(offers.min_quantity_kg[index]))
        if usable[index] == 0:
            return Text(f"不足一个整手 ({lot} 吨), 买不到", f"is less than one lot of {lot} t and cannot be bought")
        return Text(f"低于最小购买量 {least} 吨, 买不到", f"is below the minimum of {least} t and cannot be bought")

    yield Doubt("quantity_unusable", "quantity", (usable == 0) | (usable < offers.min_quantity_kg), too_small)


def _doubtful_schedules(offers: Offers) -> Iterator[Doubt]:
    forestry = offers.instrument.isin(["forestry"])
    delivery = offers.delivery_schedule
    zh, en = (
        "新建林业没有交付计划, 按实际累积口径计为 0",
        "is blank: new forestry without a schedule counts 0 by accrued tonnes",
    )
    yield Doubt("forestry_no_schedule", "delivery_schedule", forestry & delivery.blank, _always(zh, en))
    zh, en = "只用于新建林业, 此处不起作用", "is used for new forestry only and has no effect here"
    yield Doubt("schedule_unused", "delivery_schedule", ~forestry & ~delivery.blank, _always(zh, en))
    separate = _by_name(delivery, _looks_separate)
    zh, en = (
        "各比例之和为 1 而最后一期不是 1, 像是各期比例而非累计",
        "sums to 1 with a last share below 1: separate shares rather than cumulative ones?",
    )
    yield Doubt("delivery_not_cumulative", "delivery_schedule", separate, _always(zh, en))
    late = offers.planted_by > offers.certification_due
    zh, en = "认证期限早于造林完成日期", "is before planting is complete"
    yield Doubt("certified_before_planted", "certification_due", late, _always(zh, en))


def doubtful_yield(yield_e4: int, region: str = "") -> Text | None:
    """What to say about a mean yield (1/10^4 t per mu and year), if it is beyond what forests here do.

    It names what real designs of the region's province filed, or of the north (`filed_yields`).
    """
    if yield_e4 <= YIELD_E4_DOUBTFUL:
        return None
    shown, filed = yuan(yield_e4 // 100), filed_range(region)
    low, high = rate(filed.low_e4), rate(filed.high_e4)
    return Text(
        f"年均 {shown} 吨/亩, 远高于{filed.place.zh} {filed.filings} 个造林项目申报的 {low} 至 {high} 吨/亩/年 "
        "(10% 至 90% 分位), 请核对",
        f"is {shown} t/mu/yr on average, far above the {low} to {high} (p10 to p90) of {filed.filings} designs filed "
        f"in {filed.place.en}, please check",
    )


def _always(zh: str, en: str) -> Callable[[int], Text]:
    text = Text(zh, en)
    return lambda _: text


def _by_name(labels: Labels, test: Callable[[str], bool]) -> Bools:
    return np.array([*(test(name) for name in labels.names), False], dtype=bool)[labels.codes]


def _looks_separate(text: str) -> bool:
    shares = [share for _, share in parse_schedule(text)]
    return len(shares) > 1 and shares[-1] < E4 and sum(shares) == E4
