"""Screening: every doubt about a market is told with its reason, and a setting says which doubts exclude an offer.

No row vanishes: offers in = offers kept + sum(excluded). Nothing is changed, only told or left out. What each doubt
means lives in `lot_doubts`, `date_doubts`, `number_doubts` and `price_doubts`; here live their order, the settings, and
what becomes of a doubted offer.
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from heapq import nsmallest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market_data import date_doubts, lot_doubts, number_doubts, price_doubts
from market_data.complaints import SHOWN_MAX
from market_data.quality import Doubt
from market_data.quotes import NO_QUOTES, Quotes
from optimizer.eligibility import STALE_DAYS
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault, warning
from optimizer.offers import Bools, Offers
from optimizer.quantities import tonnes, yuan
from optimizer.wording import Text

DOUBTS: Mapping[str, Text] = {
    "composite": Text("综合行情代码, 重复计算", "a composite code, which counts twice"),
    "vintage_ended": Text("该年度配额已停止交易", "an allowance vintage that has stopped trading"),
    "stale": Text("报价陈旧或沿用旧价", "a stale quote, or one carried forward at zero volume"),
    "quantity_implausible": Text("数量超过已知总量", "more than its kind has"),
    "unregistered": Text("登记簿中没有", "not in the registry"),
    "yield_implausible": Text("碳汇量不合理", "growth that no forest has"),
    "mixed_units": Text("疑似单位混用", "units mixed up"),
    "outlier": Text("价格偏离同类", "a price far from its kind"),
    "same_lot_two_prices": Text("同一批两个价格", "one lot at two prices"),
    "duplicate_lot": Text("重复列出", "a lot that is listed twice"),
}
"""The doubts that can exclude an offer, in the order in which an offer is counted under the first that excludes it.

Duplicates come last: one of a set is kept, the first by offer_id among those that nothing else excludes."""

MARKET_DOUBTS: Mapping[str, Text] = {
    "total_implausible": Text("合计超过已登记总量", "more in all than is registered"),
    "utc_shift": Text("日期疑早一天", "dates that look a day early"),
}
"""Doubts about the market as a whole, said once: they point at no single offer and exclude none."""

EXCLUDED_BY_DEFAULT = frozenset({"composite", "vintage_ended", "duplicate_lot"})

SAID_ALREADY = {"stale": ("vintage_ended", "vintage"), "outlier": ("mixed_units", "price")}
"""Doubts that are counted and not told of an offer of which another (its code and column) is, which explains it."""

QUIET_DAYS = 14
"""Calendar days at zero volume that are a quiet spell: longer than any closure of an exchange (spring festival with its
weekends is 9 to 11 days), so that a price carried over a holiday is not told."""
ENDED_DAYS = 60
"""Calendar days for which newer vintages trade and this one does not, until it has ended: old vintages used to trade
at least every other month until they stopped."""
OUTLIER_MADS = 5
"""Robust standard deviations: five are passed once in two million by a normal logarithm of price."""
OUTLIER_FACTOR = 1.5
"""And times off the centre, either way, however calm the market: block trades may be 30 % below the listed price
(1 / 1.43), the widest step that an exchange's rule admits."""


def _wrong_code(code: str) -> Iterator[Finding]:
    if code in DOUBTS:
        return
    if code in MARKET_DOUBTS:
        zh, en = (
            "是对整个市场的提示, 不指向单条报价, 不能用于排除",
            "is about the market as a whole and excludes no offer",
        )
    else:
        near = difflib.get_close_matches(code, DOUBTS, n=1, cutoff=0.6)
        hint_zh, hint_en = (f"; 是否指 {near[0]}", f"; is {near[0]} meant?") if near else ("", "")
        known = ", ".join(DOUBTS)
        zh = f"没有这种疑点{hint_zh}; 应为 {known} 之中的, 或单独填 none 或 all"
        en = f"is no known doubt{hint_en}; should be among {known}, or none or all alone"
    yield replace(fault("unknown_doubt", zh, en, path="exclude"), value=code)


@dataclass(frozen=True)
class ScreenSettings:
    """Which doubts exclude an offer, and from where on one is a doubt.

    By default what cannot be bought or is sure to count twice is excluded: `composite` (a sum of vintages is no lot),
    `vintage_ended` (its quotes are no prices), `duplicate_lot` (one of each set is kept). All else is told only: it may
    be right, and who knows the market decides.

    Raises:
        BadInput: a code that is unknown or excludes nothing, a threshold that is not above its least; all at once.
    """

    exclude: frozenset[str] = EXCLUDED_BY_DEFAULT
    """Codes of `DOUBTS`."""
    stale_days: int = STALE_DAYS
    """Calendar days since the last trade, as in the optimizer's eligibility."""
    quiet_days: int = QUIET_DAYS
    """Calendar days at zero volume after which a history's quote is carried forward."""
    ended_days: int = ENDED_DAYS
    """Calendar days for which newer vintages trade and this one does not."""
    outlier_mads: float = OUTLIER_MADS
    """Robust standard deviations (1.4826 MAD of log prices) off the centre."""
    outlier_factor: float = OUTLIER_FACTOR
    """Times off the centre, either way; at least 1."""

    def __post_init__(self) -> None:
        wrong = [found for code in sorted(self.exclude) for found in _wrong_code(code)]
        for field in fields(self)[1:]:
            value, least = getattr(self, field.name), 1 if field.name == "outlier_factor" else 0
            if not least <= value < np.inf:  # NaN fails too
                wrong.append(
                    fault(
                        "threshold",
                        f"应为不小于 {least} 的有限数",
                        f"should be a finite number, at least {least}",
                        path=field.name,
                        value=value,
                    )
                )
        if wrong:
            raise BadInput(wrong)

    @classmethod
    def parse(cls, text: str) -> "ScreenSettings":
        """Settings from text: codes with commas between them, such as "composite,stale", or "none", or "all".

        Raises:
            BadInput: every code that is unknown or excludes nothing, with the one that may be meant.
        """
        words = [word.lower() for word in re.split(r"[\s,;，；、]+", text.strip()) if word]
        if words == ["none"]:
            return cls(frozenset())
        if words == ["all"]:
            return cls(frozenset(DOUBTS))
        if not words:
            zh, en = "为空; 不排除任何报价请填 none", "is blank; to exclude nothing say none"
            raise BadInput([fault("blank", zh, en, path="exclude", value=text)])
        return cls(frozenset(words))


DEFAULT_SETTINGS = ScreenSettings()


@dataclass(frozen=True, eq=False)
class Screened:
    """A market after screening: len(offers in) == len(offers) + sum(excluded.values())."""

    offers: Offers
    """Those kept, in their order."""
    findings: tuple[Finding, ...]
    """Warnings: by code in the order of `DOUBTS`, then by offer_id (in `path`); at most `SHOWN_MAX` and one that counts
    the rest."""
    excluded: Mapping[str, int]
    """Offers left out, by the first code that excludes them."""
    doubts: Mapping[str, int]
    """Offers doubted, by code; an offer may count under several."""


def screen(
    offers: Offers, as_of: date, *, history: Quotes | None = None, settings: ScreenSettings = DEFAULT_SETTINGS
) -> Screened:
    """What is doubtful about a market on `as_of`, and the market without what the settings exclude.

    Args:
        offers: the market, n rows; a million take about two seconds.
        as_of: the day on which is screened; quotes after it are not looked at.
        history: daily quotes to hold the offers against; without it, known facts and the offers themselves serve.
        settings: which doubts exclude, and the thresholds.
    """
    past = NO_QUOTES if history is None else history.take(history.day <= np.datetime64(as_of, "D"))
    lots = lot_doubts.same_lots(offers)
    found = [*_doubts(offers, as_of, past, settings), lot_doubts.same_lot_two_prices(offers, lots)]
    first = _first_exclusions(found, settings.exclude, len(offers))
    duplicates = lot_doubts.duplicate_lots(offers, lots, first >= 0)
    found.append(duplicates)
    if duplicates.code in settings.exclude:
        first[duplicates.rows & (first < 0)] = len(found) - 1
    whole = [*number_doubts.totals_beyond(offers, as_of), *date_doubts.utc_shifts(offers)]
    return Screened(
        offers.take(first < 0) if (first >= 0).any() else offers,
        _told(offers, found, [finding for finding, _ in whole], settings.exclude),
        _counted((found[k].code, int((first == k).sum())) for k in range(len(found))),
        _counted([*_doubted(found), *((finding.code, n) for finding, n in whole)]),
    )


def _doubts(offers: Offers, as_of: date, past: Quotes, settings: ScreenSettings) -> Iterator[Doubt]:
    """The doubts about single offers by themselves, in the order of `DOUBTS`."""
    trades = date_doubts.last_trades(past)
    yield lot_doubts.composite(offers)
    yield date_doubts.ended_vintages(offers, as_of, trades, settings.ended_days)
    yield date_doubts.stale_quotes(offers, as_of, trades, settings.stale_days, settings.quiet_days)
    yield number_doubts.quantities_beyond(offers, as_of)
    yield number_doubts.unregistered(offers, as_of)
    yield number_doubts.yields_beyond(offers)
    yield price_doubts.mixed_prices(offers)
    yield price_doubts.mixed_quantities(offers)
    yield price_doubts.outliers(offers, past, settings.outlier_mads, settings.outlier_factor)


def _first_exclusions(found: Sequence[Doubt], exclude: frozenset[str], n: int) -> NDArray[np.int64]:
    """For each offer the first of the doubts that excludes it, or -1; shape (n,)."""
    first = np.full(n, -1, dtype=np.int64)
    for k in reversed(range(len(found))):
        if found[k].code in exclude:
            first[found[k].rows] = k
    return first


def _doubted(found: Sequence[Doubt]) -> Iterator[tuple[str, int]]:
    for code in dict.fromkeys(doubt.code for doubt in found):
        rows: list[Bools] = [doubt.rows for doubt in found if doubt.code == code]
        yield code, int(np.logical_or.reduce(rows).sum())


def _counted(pairs: Any) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for code, n in pairs:
        if n:
            counts[code] = counts.get(code, 0) + n
    return counts


def _told(
    offers: Offers, found: Sequence[Doubt], whole: Sequence[Finding], exclude: frozenset[str]
) -> tuple[Finding, ...]:
    """What is said: first what is about the whole market, then each doubt, each given an equal part of the room."""
    masks = [_to_tell(doubt, found) for doubt in found]
    sizes = [int(rows.sum()) for rows in masks]
    room = SHOWN_MAX - len(whole)
    most = max(size for size in range(room + 1) if sum(min(n, size) for n in sizes) <= room)
    told = list(whole)
    for doubt, rows in zip(found, masks, strict=True):
        shown = nsmallest(most, np.flatnonzero(rows).tolist(), key=offers.offer_id.__getitem__)
        told += [_finding(offers, doubt, row, doubt.code in exclude) for row in shown]
    rest = [(doubt.code, n - most) for doubt, n in zip(found, sizes, strict=True) if n > most]
    if rest:
        listed = "; ".join(f"{code} x {n}" for code, n in _counted(rest).items())
        total = sum(n for _, n in rest)
        zh = f"另有 {total} 处提示未逐一列出: {listed}"
        told.append(warning("more", zh, f"and {total} more warnings that are not listed one by one: {listed}"))
    return tuple(told)


def _to_tell(doubt: Doubt, found: Sequence[Doubt]) -> Bools:
    explained = [other.rows for other in found if (other.code, other.column) == SAID_ALREADY.get(doubt.code)]
    return doubt.rows & ~np.logical_or.reduce(explained) if explained else doubt.rows


def _finding(offers: Offers, doubt: Doubt, row: int, excluded: bool) -> Finding:
    text = doubt.words(row)
    if excluded:
        text = Text(f"{text.zh} (已排除)", f"{text.en} (excluded)")
    value = _cell(offers, doubt.column, row)
    return Finding(doubt.code, text, "warning", path=offers.offer_id[row], column=doubt.column, value=value)


def _cell(offers: Offers, column: str, row: int) -> str | None:
    """The offending value as a file shows it; None where it is blank or is the offer's id, which the place names."""
    if column == "offer_id":
        return None
    if column == "price":
        return yuan(int(offers.price_fen[row]))
    if column == "quantity":
        return tonnes(int(offers.quantity_kg[row]))
    value = getattr(offers, column)[row]
    return None if value == "" or value != value else str(value)  # NaT is no equal of itself
