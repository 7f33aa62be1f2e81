"""What the pages of exact curves share: which breakpoints they show, tables of tiers, bars, pictures.

Nothing is computed that a curve does not say, but points between two breakpoints, which lie on the line.
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from rich.cells import cell_len

from api.reports.page import WIDTH, Page
from api.reports.words import grouped, pick
from optimizer.quantities import floor, plain, round_half_up
from optimizer.rule_pack import RulePack
from optimizer.wording import Language
from scenarios.breakpoints import Point, between

POINTS_SHOWN = 14
"""Breakpoints of a table, half a screen; the JSON has all."""
MIX_CELLS = 14
PICTURE_WIDTH = 60
PICTURE_HEIGHT = 8
DECIMALS = (3, 1, 0)
"""Of tonnes in a table: as many as there is room for."""

type Column = tuple[str, list[str]]
"""A head and its cells, of one length."""


def chosen(n: int, keep: Sequence[int] = (), room: int = POINTS_SHOWN) -> list[int]:
    """Which of n breakpoints a page shows: both ends, those to keep, and others evenly between."""
    if n <= room:
        return list(range(n))
    steps = room - len(keep) - 1
    return sorted({*keep, *(round(k * (n - 1) / steps) for k in range(steps + 1))})


def mix(tiers: Sequence[Fraction], required: Fraction, cells: int = MIX_CELLS) -> str:
    """Tiers as a bar of their numbers, each as long as its share of the need; dots are uncovered."""
    bar, upto = "", Fraction(0)
    for r, t in enumerate(tiers, start=1):
        upto += t
        end = min(cells, round_half_up(upto / required * cells)) if required else 0
        bar += str(r)[-1] * (end - len(bar))
    return bar.ljust(cells, "·")


def picture(page: Page, points: Sequence[Point]) -> None:
    """The mix of tiers along the curve: a column of digits for each of many values between the ends."""
    low, high = points[0].at, points[-1].at
    values = [low + (high - low) * k / (PICTURE_WIDTH - 1) for k in range(PICTURE_WIDTH)]
    top = max(p.required_t for p in points)
    columns = [mix(between(points, at).tiers, top, PICTURE_HEIGHT) for at in values]
    for level in reversed(range(PICTURE_HEIGHT)):
        page.line("  " + "".join(column[level] for column in columns))


def tier_table(
    page: Page, before: Sequence[Column], points: Sequence[Point], after: Sequence[Column], lang: Language
) -> None:
    """A table with the tonnes of each tier that is used, with as many decimals as fit; else with a bar of them."""
    used = [r for r in range(len(points[0].tiers)) if any(p.tiers[r] for p in points)]
    for decimals in DECIMALS:
        tiers = [
            (
                pick(lang, f">第{r + 1}层 吨", f">tier {r + 1} t"),
                [grouped(decimal_text(p.tiers[r], decimals)) for p in points],
            )
            for r in used
        ]
        columns = [*before, *tiers, *after]
        if sum(_width(c) + 1 for c in columns) - 1 <= WIDTH:
            break
    else:
        columns = [*before, *after, (pick(lang, "层级", "tiers"), [mix(p.tiers, p.required_t) for p in points])]
    page.table("|".join(head for head, _ in columns), list(zip(*(cells for _, cells in columns), strict=True)), wide=-1)


def _width(column: Column) -> int:
    return max(cell_len(text) for text in (column[0].removeprefix(">"), *column[1]))


def say_left_out(page: Page, n: int, shown: int, lang: Language) -> None:
    """How many rows a table leaves to the JSON and the files."""
    if n > shown:
        more = n - shown
        page.line(pick(lang, f"另有 {more} 个, 见 JSON 或文件。", f"{more} more: see the JSON or a file."), "dim")


def tier_legend(page: Page, pack: RulePack, points: Sequence[Point], lang: Language) -> None:
    """What the digits of bars and pictures mean."""
    used = [r for r in range(1, len(points[0].tiers) + 1) if any(p.tiers[r - 1] for p in points)]
    names = "; ".join(f"{r} {pack.tier_name(r).say(lang)}" for r in used) or "-"
    page.line("")
    page.line(pick(lang, f"层级: {names}; · 未覆盖", f"Tiers: {names}; · uncovered"), "dim")


def covered_percent(point: Point) -> str:
    """Percent, cut and not rounded, so that only all is 100 %."""
    if not point.required_t:
        return "100 %"
    share = point.covered_t / point.required_t * 1000
    return f"{plain(Decimal(floor(share)) / 10)} %"


def percent(share: Fraction) -> str:
    """A share as percent, half up to one place."""
    return f"{decimal_text(share * 100, 1)} %"


def decimal_text(value: Fraction, most: int) -> str:
    """A decimal with at most so many places, half up."""
    return plain(Decimal(round_half_up(value * 10**most)).scaleb(-most))
