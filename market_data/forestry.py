"""Forestry as foresters write it: area and yield become contracted tonnes, a delivery schedule and a price per tonne.

    contracted t = area x cumulative yield at the last date                rounded down to the kg
    share at date d = area x cumulative yield at d / contracted t          rounded down to 4 decimals, at most 1
    price per t = price per mu x area / contracted t                       rounded up to the fen
    1 ha = 15 mu

A mean yield accrues linearly, the same each year, credited in arrears on each anniversary of the day by which planting
is complete. Real stands grow slower at first: stem analysis puts the peak of the mean carbon increment at 30 years for
poplar, 40 for Robinia, 70 for Pinus tabulaeformis (International Journal of Forestry Research 2012, 626149). So the
linear rule is an upper bound in the first years, and a yield curve replaces it where there is one. Roundings never
count a tonne that has not grown or a yuan too few.

All areas in 1/10^4 mu, yields in 1/10^4 t per mu (and year), shares in 1/10^4. No file is read here.
"""

from datetime import date

from optimizer.quantities import E4, KG_PER_T

MU_PER_HA = 15
YIELD_YEARS_DEFAULT = 6
"""Years of a mean yield that are sold when the file does not say: the six within which new forestry is due."""

type Curve = tuple[tuple[date, int], ...]
"""Cumulative yield at dates, 1/10^4 t per mu."""


def linear_curve(planted_by: date, yield_e4: int, years: int) -> Curve:
    """A mean yield as a curve: k years' worth on the k-th anniversary (29 Feb becomes 28 Feb)."""
    return tuple((_anniversary(planted_by, k), k * yield_e4) for k in range(1, years + 1))


def contracted_kg(area_e4: int, curve: Curve) -> int:
    """What the whole area has accrued at the last date of the curve, kg."""
    return area_e4 * curve[-1][1] * KG_PER_T // (E4 * E4)


def delivery_shares(area_e4: int, curve: Curve, quantity_kg: int) -> list[tuple[date, int]]:
    """Cumulative shares of `quantity_kg` at the curve's dates; the last is 1 only if the area accrues all of it."""
    return [(when, min(E4, area_e4 * total * KG_PER_T // (E4 * quantity_kg))) for when, total in curve]


def price_fen_per_t(price_fen_per_mu: int, area_e4: int, quantity_kg: int) -> int:
    """What one contracted tonne costs when the area is paid by the mu."""
    return -(-price_fen_per_mu * area_e4 * KG_PER_T // (E4 * quantity_kg))


def _anniversary(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)
