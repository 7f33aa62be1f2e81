"""Figures of scenarios side by side that several papers show: percentages, changes, money by year, the largest changes.

Nothing is computed that a comparison does not say but differences and sums of its own rows.
"""

from decimal import Decimal
from typing import Literal

from api.reports.words import grouped, pick
from optimizer.plan import Plan
from optimizer.quantities import fen_of, yuan
from optimizer.wording import Language
from scenarios.compare import ChangedLine
from scenarios.side_by_side import Row, SideBySide, coverage_share

NONE = "-"


def cut_percent(share: Decimal | None) -> str:
    """Percent to one place, cut and not rounded, so that only all is 100 %."""
    if share is None:
        return NONE
    return f"{Decimal(int(share * 1000)) / 10:f} %".replace(".0 %", " %")


def covered(row: Row) -> str:
    """How much of the need is covered."""
    return cut_percent(coverage_share(row))


def total(row: Row, name: Literal["cost", "shortfall_t", "covered_t", "average_price"]) -> str:
    """One of the totals, grouped; a dash where the scenario failed."""
    return NONE if row.totals is None else grouped(getattr(row.totals, name))


def cost_change(table: SideBySide, row: Row) -> str:
    """Cost less the base's, signed, yuan; a dash for the base and for failures."""
    fen = table.change(row, "cost")
    if fen is None or row is table.base:
        return NONE
    return ("+" if fen > 0 else "") + grouped(yuan(fen))


def fiscal_years(table: SideBySide) -> list[int]:
    """Every fiscal year of any scenario, ascending."""
    return sorted({f.year for row in table.rows if row.bought is not None for f in row.bought.fiscal_years})


def spent_fen(row: Row, year: int) -> int:
    """Fen paid in a year by all events; the shared budget's own entries repeat theirs. The scenario has not failed."""
    assert row.bought is not None
    own = [f for f in row.bought.fiscal_years if f.event_id is not None]
    return sum(fen_of(f.spent) for f in own if f.year == year)


def order_price(row: Row, lang: Language) -> str:
    """Yuan that the recommended order costs more than the cheapest mix of the same coverage; a range if not proven."""
    price = row.result.price_of_order if isinstance(row.result, Plan) else None
    if price is None:
        return NONE
    if price["proven"]:
        return grouped(price["value"])
    low, high = grouped(price["low"]), grouped(price["high"])
    return pick(lang, f"{low}至{high}", f"{low} to {high}")


def largest_changes(row: Row, most: int) -> list[ChangedLine]:
    """The lines that differ most in cost, the largest first; none where nothing was compared."""
    changed = () if row.changes is None else row.changes.changed
    return sorted(changed, key=lambda x: (-abs(x.cost_change_fen), x.event_id, x.offer_id))[:most]
