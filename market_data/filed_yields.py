"""What real afforestation projects filed: expected yields of northern designs, with their citation, and their range.

The table is data (`filed_yields.csv`), a selection of the registry's public filings: one area stated, not ended. Yields
are means over the crediting years of the design (20 to 40), not what stands after six. Nothing here judges an offer.
"""

import csv
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib.resources import files

from market_data.forestry import MU_PER_HA
from optimizer.quantities import E4, round_half_up, scaled
from optimizer.regions import province_of, region_name
from optimizer.wording import Text

NORTH = Text("北方", "the north")
PROVINCE_FILINGS_MIN = 5
"""Filings from which a province has a range of its own; with fewer, one odd project would be the range."""


@dataclass(frozen=True)
class FiledYield:
    """One filing. Regions are provinces (GB/T 2260, two digits)."""

    region: str
    project_name: str
    area_ha_e4: int
    """Hectares, 1/10^4."""
    expected_t_per_yr: int
    """Mean over the crediting years, t CO2e a year."""
    source: str

    @property
    def yield_e4(self) -> int:
        """Mean yield, 1/10^4 t per mu and year: expected t / (ha x 15), to the nearest."""
        return round_half_up(Fraction(self.expected_t_per_yr * E4 * E4, self.area_ha_e4 * MU_PER_HA))

    @property
    def yield_per_ha_e4(self) -> int:
        """The same per hectare."""
        return round_half_up(Fraction(self.expected_t_per_yr * E4 * E4, self.area_ha_e4))


@dataclass(frozen=True)
class FiledRange:
    """Between which yields most filings lie, 1/10^4 t per mu and year."""

    place: Text
    """The province, or the north where a province has too few filings."""
    low_e4: int
    """A tenth of the filings lie at or below."""
    median_e4: int
    high_e4: int
    """Nine tenths lie at or below."""
    filings: int


@cache
def filed_yields() -> tuple[FiledYield, ...]:
    """Every filing of the table, by province and name."""
    text = files("market_data").joinpath("filed_yields.csv").read_text(encoding="utf-8")
    rows = [
        FiledYield(
            row["region"],
            row["project_name"],
            scaled(row["area_ha"], 4),
            int(row["expected_t_per_yr"]),
            row["source"],
        )
        for row in csv.DictReader(text.splitlines())
    ]
    return tuple(sorted(rows, key=lambda filing: (filing.region, filing.project_name)))


@cache
def filed_range(region: str = "") -> FiledRange:
    """p10 to p90 of the filings of a region's province; of all northern ones where the province has fewer than five.

    Nearest rank, so every figure is one that was filed. `region` is a code of `regions`; blank is the north.
    """
    province = province_of(region) if region else ""
    own = [f.yield_e4 for f in filed_yields() if f.region == province]
    if len(own) >= PROVINCE_FILINGS_MIN:
        return _range(Text(region_name(province, "zh"), region_name(province, "en")), own)
    return _range(NORTH, [f.yield_e4 for f in filed_yields()])


def _range(place: Text, yields: list[int]) -> FiledRange:
    ordered = sorted(yields)

    def rank(tenths: int) -> int:
        return ordered[-(-len(ordered) * tenths // 10) - 1]

    return FiledRange(place, rank(1), rank(5), rank(9), len(ordered))
