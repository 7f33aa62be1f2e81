"""Forestry as foresters write it: area and yield become contracted tonnes, a delivery schedule and a price per tonne.

    living area = area x (1 - mortality)                                       1 ha = 15 mu
    contracted t = living area x cumulative yield at the last date             rounded down to the kg
    share at date d = living area x cumulative yield at d / contracted t       rounded down to 4 decimals, at most 1
    price per t = price per mu x area / contracted t                           rounded up to the fen

Cumulative yield at stand age t (years), credited in arrears on each anniversary of the day planting is complete:

    linear        mean x t
    Schumacher    A exp(-b / t)            b = age at which the mean increment peaks
    Richards      A (1 - exp(-k t))^p      mean increment peaks where exp(k t) = 1 + p k t
    points        as the file gives them

A mean that was stated over n crediting years sets A: mean x n = yield at n, so only the years before differ.
Real stands grow slower at first, so the linear rule is an upper bound in the first years. Roundings never count a tonne
that has not grown or a yuan too few.

All areas in 1/10^4 mu, yields in 1/10^4 t CO2 per mu (and year), shares and parameters in 1/10^4. No file is read here.
"""

from dataclasses import dataclass
from datetime import date
from decimal import MAX_EMAX, MIN_EMIN, ROUND_FLOOR, Context, Decimal
from functools import lru_cache
from typing import Literal

from optimizer.quantities import E4, KG_PER_T
from optimizer.timeline import E8, add_years
from optimizer.wording import Text

MU_PER_HA = 15
YIELD_YEARS_DEFAULT = 6
"""Years of a mean yield that are sold when the file does not say: the six within which new forestry is due."""
FILED_YEARS = 40
"""Years over which filed designs state a mean: 40 in Shanxi's (隰县), 20 to 40 elsewhere."""

type Curve = tuple[tuple[date, int], ...]
"""Cumulative yield at dates, 1/10^4 t per mu."""
type Model = Literal["linear", "schumacher", "richards"]

EXACT = Context(prec=50, Emin=MIN_EMIN, Emax=MAX_EMAX)
"""Fifty digits. Decimal's exp and ln are correctly rounded by specification, so every machine gives the same digits."""
DOUBT = Decimal("1E-30")
"""Taken off before rounding down: far above the error of fifty digits, far below any unit that is counted."""


@dataclass(frozen=True)
class Growth:
    """The shape of a yield over stand age. `asymptote_e4` 0: set by a stated mean."""

    model: Model
    b_e4: int = 0
    """Schumacher: years."""
    k_e4: int = 0
    """Richards: per year."""
    p_e4: int = 0
    """Richards: above 1 for an S-shape."""
    asymptote_e4: int = 0

    def share(self, age: int) -> Decimal:
        """Part of the asymptote that stands at `age` >= 1 (linear has none: the age itself); fifty digits."""
        if self.model == "schumacher":
            return EXACT.exp(EXACT.divide(Decimal(-self.b_e4), Decimal(age * E4)))
        if self.model == "richards":
            grown = EXACT.subtract(Decimal(1), EXACT.exp(EXACT.divide(Decimal(-self.k_e4 * age), Decimal(E4))))
            return EXACT.exp(EXACT.multiply(EXACT.divide(Decimal(self.p_e4), Decimal(E4)), EXACT.ln(grown)))
        return Decimal(age)


LINEAR = Growth("linear")


@lru_cache(maxsize=4096)
def totals(growth: Growth, mean_e4: int, years: int) -> tuple[int, ...]:
    """Cumulative yield at ages 1 to `years`, 1/10^4 t per mu, rounded down.

    With an asymptote of its own the curve is A x share; else A follows from the mean: the last total is mean x years.
    """
    if growth.model == "linear":
        return tuple(mean_e4 * age for age in range(1, years + 1))
    if growth.asymptote_e4:
        return tuple(_down(growth.asymptote_e4, growth.share(age), Decimal(1)) for age in range(1, years + 1))
    whole, last = mean_e4 * years, growth.share(years)
    return (*(_down(whole, growth.share(age), last) for age in range(1, years)), whole)


def _down(whole: int, part: Decimal, of: Decimal) -> int:
    value = EXACT.subtract(EXACT.divide(EXACT.multiply(Decimal(whole), part), of), DOUBT)
    return max(int(value.to_integral_value(ROUND_FLOOR)), 0)


def asymptote_e4(growth: Growth, mean_e4: int, years: int) -> int:
    """A in 1/10^4 t per mu, rounded down: the growth's own, or what a mean over `years` makes it (not for linear)."""
    return growth.asymptote_e4 or _down(mean_e4 * years, Decimal(1), growth.share(years))


def growth_curve(planted_by: date, growth: Growth, mean_e4: int, years: int) -> Curve:
    """The cumulative yield on each anniversary of planting (29 Feb becomes 28 Feb)."""
    return tuple((add_years(planted_by, age), total) for age, total in enumerate(totals(growth, mean_e4, years), 1))


def linear_curve(planted_by: date, yield_e4: int, years: int) -> Curve:
    """A mean yield as a curve: k years' worth on the k-th anniversary (29 Feb becomes 28 Feb)."""
    return growth_curve(planted_by, LINEAR, yield_e4, years)


def contracted_kg(area_e4: int, curve: Curve, mortality_e4: int = 0) -> int:
    """What the area that lives has accrued at the last date of the curve, kg."""
    return area_e4 * (E4 - mortality_e4) * curve[-1][1] * KG_PER_T // (E4 * E4 * E4)


def delivery_shares(area_e4: int, curve: Curve, quantity_kg: int, mortality_e4: int = 0) -> list[tuple[date, int]]:
    """Cumulative shares of `quantity_kg` at the curve's dates; the last is 1 only if the area accrues all of it."""
    living = area_e4 * (E4 - mortality_e4) * KG_PER_T
    return [(when, min(E4, living * total // (E8 * quantity_kg))) for when, total in curve]


def price_fen_per_t(price_fen_per_mu: int, area_e4: int, quantity_kg: int) -> int:
    """What one contracted tonne costs when the area is paid by the mu; what fails is paid too."""
    return -(-price_fen_per_mu * area_e4 * KG_PER_T // (E4 * quantity_kg))


@dataclass(frozen=True)
class SixYears:
    """Both readings of "complete within six years" for one forest and one event."""

    deadline: date
    """Last day, inclusive."""
    contracted_kg: int
    accrued_e8: int
    """Effective tonnes per contracted tonne, 10^-8, by what has grown at the deadline (setting `accrued`)."""
    ex_ante_e8: int
    """The same by all that is expected, if planted and certified by the deadline (setting `ex_ante`)."""

    @property
    def accrued_kg(self) -> int:
        """What counts by accrued tonnes, kg, rounded down."""
        return self.contracted_kg * self.accrued_e8 // E8

    @property
    def ex_ante_kg(self) -> int:
        """What counts by expected tonnes, kg, rounded down."""
        return self.contracted_kg * self.ex_ante_e8 // E8


def six_year_readings(
    area_e4: int,
    curve: Curve,
    planted_by: date,
    event_end: date,
    certification_due: date | None,
    buffer_e4: int = 0,
    mortality_e4: int = 0,
    *,
    due_years: int = YIELD_YEARS_DEFAULT,
) -> SixYears:
    """What a forest counts for an event under either reading, by the very numbers that the engine plans with.

    `certification_due` None is not certified in time; `due_years` are the rule pack's (six in both shipped ones).
    """
    deadline = add_years(event_end, due_years)
    quantity = contracted_kg(area_e4, curve, mortality_e4)
    if not quantity:
        return SixYears(deadline, 0, 0, 0)
    shares = delivery_shares(area_e4, curve, quantity, mortality_e4)
    grown = max((share for when, share in shares if when <= deadline), default=0)
    in_time = planted_by <= deadline and certification_due is not None and certification_due <= deadline
    expected = shares[-1][1] if in_time else 0
    return SixYears(deadline, quantity, grown * (E4 - buffer_e4), expected * (E4 - buffer_e4))


@dataclass(frozen=True)
class Species:
    """A tree whose growth was measured: when its mean carbon increment peaks, and where that was published."""

    names: tuple[str, ...]
    """Chinese, Latin, then other spellings."""
    peak_e4: int
    """Age of the peak of the mean increment, 1/10^4 years: Schumacher's b."""
    carbon_e4: int | None
    """Carbon in dry matter, 1/10^4; None where the source does not give it."""
    source: str

    @property
    def name(self) -> Text:
        """What to call it."""
        return Text(self.names[0], self.names[1])

    @property
    def growth(self) -> Growth:
        """Schumacher's curve with b at the measured peak."""
        return Growth("schumacher", b_e4=self.peak_e4)

    @property
    def peak_range_e4(self) -> tuple[int, int]:
        """Plausible values of b: a third either way. Few trees were measured and sites differ; an allowance of ours."""
        return self.peak_e4 * 2 // 3, self.peak_e4 * 4 // 3


STEM_ANALYSIS = (
    "International Journal of Forestry Research 2012, 626149: stem analysis, North China, 15 trees of 5 species"
)
SAND_PINES = "Zhu et al., Journal of Forestry Research 14(2), 2003, 103-111: volume, planted stands on sand, Liaoning"

SPECIES: tuple[Species, ...] = (
    Species(("油松", "Pinus tabulaeformis", "Pinus tabuliformis"), 700_000, 5148, STEM_ANALYSIS),
    Species(("刺槐", "Robinia pseudoacacia", "洋槐", "Robinia"), 400_000, 4688, STEM_ANALYSIS),
    Species(
        ("杨树", "Populus euramericana", "欧美杨", "Populus x euramericana", "poplar"), 300_000, 4781, STEM_ANALYSIS
    ),
    Species(("长白落叶松", "Larix olgensis", "Larix olgenisis", "黄花落叶松"), 487_000, 4676, STEM_ANALYSIS),
    Species(("日本落叶松", "Larix kaempferi"), 492_000, 4724, STEM_ANALYSIS),
    Species(("樟子松", "Pinus sylvestris var. mongolica", "Mongolian pine"), 430_000, None, SAND_PINES),
)
"""Trees of the north with a published peak of growth. For others (侧柏, 柠条, 沙棘 ...) the file gives parameters."""


def species_of(name: str) -> Species | None:
    """The species that a name names in Chinese, Latin or a common spelling; None for unknown ones and mixtures."""
    wanted = _key(name)
    return next((s for s in SPECIES if wanted in map(_key, s.names)), None)


def _key(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalpha() and c != "×")
