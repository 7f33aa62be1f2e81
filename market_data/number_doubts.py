"""Quantities and yields larger than what exists or grows: held against registries' totals and against forests.

Doubts only; what becomes of a doubted offer is decided in `screening`. What is known, with its day and source, is in
`known_facts`; what a file's numbers say by themselves is in `quality`.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from market_data import known_facts as facts
from market_data.forestry import MU_PER_HA
from market_data.quality import YIELD_E4_DOUBTFUL, Doubt, doubtful_yield
from optimizer.findings import Finding, warning
from optimizer.offers import Bools, Ints, Offers
from optimizer.quantities import E4, KG_PER_T, tonnes
from optimizer.regions import province_of, region_name
from optimizer.wording import Text

DAYS_PER_YEAR = 365.25
LINEAR_TIMES = 1.5
"""How far above equal yearly parts a delivery may run. Young stands grow below that line (see `forestry`), so any
excess is odd; half as much again leaves room for schedules rounded to whole years."""
LINEAR_SHARE = 0.1
"""And by how much of the contracted tonnes at least: below a tenth it is rounding."""
_AREA = re.compile(r"(\d+(?:\.\d+)?)\s*(万)?\s*(亩|公顷|mu\b|ha\b|hectares?\b)", re.IGNORECASE)
_MU_OF = {"亩": 1, "mu": 1}


def quantities_beyond(offers: Offers, as_of: date) -> Doubt:
    """Single lots above all that their kind has: CCER above what is registered, carbon inclusion above 10^5 t."""
    inclusion = offers.instrument.isin(("carbon_inclusion",)) & (offers.quantity_kg > facts.CARBON_INCLUSION_LOT_KG)
    limit = np.full(len(offers), facts.CCER_REGISTERED_KG)
    for vintage, registered in facts.CCER_REGISTERED_VINTAGE_KG.items():
        limit[offers.vintage == vintage] = registered
    ccer = _present_ccer(offers, as_of) & (offers.quantity_kg > limit)

    def words(index: int) -> Text:
        if inclusion[index]:
            most = tonnes(facts.CARBON_INCLUSION_LOT_KG)
            return Text(
                f"碳普惠单笔超过 {most} 吨, 而已知整个平台约为 1 万吨级; 请核对单位 (吨还是千克)",
                f"is more than {most} t in one carbon-inclusion lot, where whole platforms report about 10,000 t; "
                "check the unit (t or kg)",
            )
        vintage = int(offers.vintage[index])
        zh, en = (f" {vintage} 年度", f" of {vintage}") if vintage in facts.CCER_REGISTERED_VINTAGE_KG else ("", "")
        most, day = tonnes(int(limit[index])), facts.CCER_REGISTERED_ON
        return Text(
            f"超过截至 {day} 已登记的全部{zh} CCER ({most} 吨); 请核对单位和数量",
            f"is more than all CCER{en} registered by {day} ({most} t); check unit and quantity",
        )

    return Doubt("quantity_implausible", "quantity", inclusion | ccer, words)


def unregistered(offers: Offers, as_of: date) -> Doubt:
    """CCER of provinces where nothing was registered, unless the offer names a later registration."""
    provinces = [province_of(region) for region in offers.region.names]
    there = np.array([*(p in facts.CCER_PROVINCES_WITHOUT for p in provinces), False], dtype=bool)[offers.region.codes]
    later = offers.registered_on > np.datetime64(facts.CCER_REGISTERED_ON, "D")

    def words(index: int) -> Text:
        place = province_of(offers.region[index])
        zh, en, day = region_name(place, "zh"), region_name(place, "en"), facts.CCER_REGISTERED_ON
        return Text(
            f"截至 {day} {zh}尚无已登记的 CCER; 请向卖方索取登记证明, 并填写登记日期",
            f"no CCER of {en} was registered by {day}; ask for proof of registration and fill in registered_on",
        )

    return Doubt("unregistered", "region", _present_ccer(offers, as_of) & there & ~later, words)


def totals_beyond(offers: Offers, as_of: date) -> Iterator[tuple[Finding, int]]:
    """Said once: all CCER offers together are more than what is registered. With how many offers they are."""
    rows = _present_ccer(offers, as_of)
    total = sum(offers.quantity_kg[rows].tolist())
    if total > facts.CCER_REGISTERED_KG:
        most, day = tonnes(facts.CCER_REGISTERED_KG), facts.CCER_REGISTERED_ON
        yield (
            warning(
                "total_implausible",
                f"全部 CCER 报价合计超过截至 {day} 已登记的总量 {most} 吨: 有些报价并无现货, 或重复列出",
                f"t of CCER are offered in all, more than the {most} t registered by {day}: some are not there, or are "
                "listed twice",
                column="quantity",
                value=tonnes(total),
            ),
            int(rows.sum()),
        )


def yields_beyond(offers: Offers) -> Doubt:
    """New forestry that would have to grow too much: by the area in its name, or by a schedule ahead of the trees.

    By area: tonnes delivered in all, a mu and year from planting to the last delivery, above `quality.doubtful_yield`.
    By schedule: delivered before planting is complete, or `LINEAR_TIMES` ahead of equal yearly parts.
    """
    forest = np.flatnonzero(
        offers.instrument.isin(("forestry",)) & ~offers.delivery_schedule.blank & ~np.isnat(offers.planted_by)
    )
    owner, days, shares = _steps(offers, forest)
    planted = offers.planted_by[forest].astype(np.int64)
    last, whole = np.zeros(len(forest), dtype=np.int64), np.zeros(len(forest))
    np.maximum.at(last, owner, days)
    np.maximum.at(whole, owner, shares)
    since = days - planted[owner]
    linear = whole[owner] * since / np.maximum(last - planted, 1)[owner]
    ahead = (since > 0) & (shares > LINEAR_TIMES * linear) & (shares > linear + LINEAR_SHARE)
    wrong = np.flatnonzero(ahead | ((since <= 0) & (shares > 0)))
    step = np.full(len(offers), -1, dtype=np.int64)
    step[forest[owner[wrong[::-1]]]] = wrong[::-1]  # backwards: the first wrong step of a schedule stands
    yield_e4 = np.zeros(len(offers), dtype=np.int64)
    yield_e4[forest] = _mean_yields(offers, forest, whole, last - planted)

    def words(index: int) -> Text:
        grown = doubtful_yield(int(yield_e4[index]), offers.region[index])
        k = int(step[index])
        return grown if grown is not None else _ahead(days[k], shares[k], linear[k], offers.planted_by[index])

    return Doubt("yield_implausible", "delivery_schedule", (yield_e4 > YIELD_E4_DOUBTFUL) | (step >= 0), words)


def _mean_yields(offers: Offers, forest: NDArray[np.int64], whole: NDArray[np.float64], days: Ints) -> Ints:
    """Mean yields by the area in the project's name, 1/10^4 t per mu and year, of the rows `forest`; 0 without one."""
    mu = offers.project_name.lookup([_area_mu(name) for name in offers.project_name.names], 0.0)[forest]
    mu_years = np.where(mu > 0, mu, np.inf) * np.maximum(days / DAYS_PER_YEAR, 1.0)
    result: Ints = (offers.quantity_kg[forest] / KG_PER_T * whole / mu_years * E4).astype(np.int64)
    return result


def _ahead(day: int, share: float, linear: float, planted: np.datetime64) -> Text:
    when = np.datetime64(int(day), "D")
    if when <= planted:
        return Text(
            f"{when} 已交付 {share:.0%}, 而造林完成于 {planted}: 未造林不应有碳汇; 请核对日期",
            f"delivers {share:.0%} by {when}, before planting is complete ({planted}): nothing has grown; check dates",
        )
    return Text(
        f"{when} 已交付 {share:.0%}, 而自 {planted} 起按每年相等累积只有 {linear:.0%}, 幼林更慢; 请核对累计比例",
        f"delivers {share:.0%} by {when}, where equal yearly parts since {planted} make {linear:.0%} and young stands "
        "are slower; check the cumulative shares",
    )


def _steps(offers: Offers, rows: NDArray[np.int64]) -> tuple[Ints, Ints, NDArray[np.float64]]:
    """All steps of the schedules of `rows`: which of the rows, day, cumulative share."""
    names = offers.delivery_schedule.names
    used, which = np.unique(offers.delivery_schedule.codes[rows], return_inverse=True)
    schedules = [names[code].split(";") for code in used.tolist()]
    parts = [part.partition("=") for schedule in schedules for part in schedule]
    days = np.array([day.strip() for day, _, _ in parts], dtype="datetime64[D]").astype(np.int64)
    shares = np.array([float(share) for _, _, share in parts])
    counts = np.array([len(schedule) for schedule in schedules], dtype=np.int64)
    starts = np.cumsum(counts) - counts
    owner = np.repeat(np.arange(len(rows)), counts[which])
    within = np.arange(len(owner)) - np.repeat(np.cumsum(counts[which]) - counts[which], counts[which])
    step = np.repeat(starts[which], counts[which]) + within
    return owner, days[step], shares[step]


def _area_mu(name: str) -> float:
    """The area that a project's name gives, mu; 0 where it gives none or several."""
    found = _AREA.findall(name)
    if len(found) != 1:
        return 0.0
    number, ten_thousand, unit = found[0]
    return float(number) * (10_000 if ten_thousand else 1) * _MU_OF.get(unit.lower(), MU_PER_HA)


def old_ccer(offers: Offers) -> Bools:
    """Where an offer is CCER of the old scheme, by its project's registration or its vintage; another market."""
    old = offers.registered_on < np.datetime64(facts.OLD_CCER_BEFORE, "D")
    old |= (offers.vintage > 0) & (offers.vintage < facts.CCER_FIRST_VINTAGE)
    result: Bools = offers.instrument.isin(("ccer",)) & old
    return result


def _present_ccer(offers: Offers, as_of: date) -> Bools:
    """CCER of the present scheme, while what is known of its registry is still good; else nothing."""
    if as_of > facts.CCER_REGISTERED_ON + timedelta(days=facts.CCER_FACTS_GOOD_DAYS):
        return np.zeros(len(offers), dtype=bool)
    result: Bools = offers.instrument.isin(("ccer",)) & ~old_ccer(offers)
    return result
