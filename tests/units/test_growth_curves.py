"""How forests grow: formulas by hand, laws of every curve, and the engine's own count of both six-year readings."""

import math
from datetime import date
from decimal import Decimal, getcontext, localcontext
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_data import forestry
from market_data.filed_yields import filed_range, filed_yields
from market_data.forestry import LINEAR, SPECIES, Growth, totals
from market_data.normalize import normalize
from market_data.sources.csv_file import read_csv
from optimizer import Event, Problem, plan, read_rule_pack
from optimizer.events import Calendar
from optimizer.timeline import eta_e8

E4 = 10_000
ROBINIA = Growth("schumacher", b_e4=40 * E4)
FILED_CSV = Path(__file__).resolve().parents[3] / "shared" / "data" / "forestry" / "ccer_afforestation_yields.csv"

shapes = st.one_of(
    st.builds(lambda b: Growth("schumacher", b_e4=b), st.integers(1, 500 * E4)),
    st.builds(lambda k, p: Growth("richards", k_e4=k, p_e4=p), st.integers(1, 20 * E4), st.integers(1, 20 * E4)),
)
growths = st.one_of(st.just(LINEAR), shapes)
means = st.integers(1, 20_000)
years = st.integers(1, 60)


def test_a_mean_of_0_2_is_1_2_tonnes_per_mu_after_six_years_by_the_linear_rule():
    assert totals(LINEAR, 2000, 40)[5] == 12_000


def test_schumacher_after_six_years_is_a_43rd_of_the_linear_rule():
    """Proves: A = 0.2 x 40 / exp(-40/40) = 8 e = 21.7462; at 6 years 21.7462 x exp(-40/6) = 0.027675.

    exp(-40/6) = 0.00127263; 1.2 / 0.027675 = 43.36.
    Sensitivity: rounding to the nearest would count 0.0277, more than has grown.
    """
    assert forestry.asymptote_e4(ROBINIA, 2000, 40) == 217_462
    assert totals(ROBINIA, 2000, 40)[5] == 276
    assert totals(ROBINIA, 2000, 40)[-1] == 80_000
    assert 43.3 < 1.2 / (8 * math.e * math.exp(-40 / 6)) < 43.4


def test_richards_by_hand():
    """Proves: (1 - exp(-0.3))^3 = 0.259182^3 = 0.0174106; (1 - exp(-2))^3 = 0.646463; 8 x their ratio = 0.21546."""
    assert totals(Growth("richards", k_e4=500, p_e4=3 * E4), 2000, 40)[5] == 2154


def test_the_mean_increment_of_schumacher_peaks_at_b():
    for species in SPECIES:
        grown = totals(Growth("schumacher", b_e4=species.peak_e4, asymptote_e4=10**9), 0, 100)
        mean = [total / age for age, total in enumerate(grown, 1)]
        assert abs(mean.index(max(mean)) + 1 - species.peak_e4 / E4) < 1


@given(growths, means, years)
def test_a_curve_rises_and_ends_at_the_stated_mean(growth, mean, n):
    found = totals(growth, mean, n)
    assert len(found) == n
    assert list(found) == sorted(found)
    assert found[-1] == mean * n


@given(shapes, st.integers(1, 10_000_000), years)
def test_a_curve_stays_below_its_asymptote(shape, top, n):
    grown = totals(Growth(shape.model, shape.b_e4, shape.k_e4, shape.p_e4, top), 0, n)
    assert list(grown) == sorted(grown)
    assert grown[-1] <= top


@given(st.integers(E4, 200 * E4), means, st.integers(2, 60))
def test_no_tonne_is_counted_that_has_not_grown(b, mean, n):
    """Against exp to a hundred digits: the total is the floor, one unit less at most."""
    grown = totals(Growth("schumacher", b_e4=b), mean, n)
    with localcontext() as context:
        context.prec = 100
        for age in range(1, n):
            exact = mean * n * (Decimal(b) / (E4 * n) - Decimal(b) / (E4 * age)).exp()
            assert grown[age - 1] <= exact < grown[age - 1] + 1 + Decimal("1e-20")


def test_the_callers_decimal_context_changes_nothing():
    wide = totals.__wrapped__(ROBINIA, 1999, 40)
    with localcontext() as context:
        context.prec = 3
        assert totals.__wrapped__(ROBINIA, 1999, 40) == wide
    assert getcontext().prec > 3


@given(st.integers(1, 10**8), shapes, means, years, st.integers(0, 9_999))
def test_mortality_scales_what_is_credited_and_the_area_never_lowers_it(area, growth, mean, n, mortality):
    curve = forestry.growth_curve(date(2026, 10, 11), growth, mean, n)
    whole, living = forestry.contracted_kg(area, curve), forestry.contracted_kg(area, curve, mortality)
    assert living * E4 <= area * curve[-1][1] * 1000 * (E4 - mortality) // E4**2 < (living + 1) * E4
    assert living <= whole <= forestry.contracted_kg(area + 1, curve)


def test_every_species_says_where_its_number_comes_from_and_is_found_by_every_name():
    for species in SPECIES:
        assert any(c.isdigit() for c in species.source)
        low, high = species.peak_range_e4
        assert low < species.peak_e4 < high
        for name in species.names:
            assert forestry.species_of(f" {name.upper()} ") == species
    assert forestry.species_of("柠条") is None
    assert forestry.species_of("刺槐、油松") is None
    assert forestry.species_of("") is None


# ------------------------------------------------------------------------------------------ both readings of six years


def event(end: str = "2026-10-11") -> Event:
    return Event.model_validate({"id": "e", "end_date": end, "emissions": {"tonnes": 5, "status": "verified"}})


def problem_of(rows: str, accrual: str, end: str = "2026-10-11") -> Problem:
    offers = normalize(read_csv(rows.encode()))[0]
    calendar = Calendar.of(event(end))
    problem = Problem(calendar, offers, read_rule_pack("shanxi-2022"), date(2026, 11, 22))
    return problem.with_settings(forestry_accrual=accrual)


few = settings(deadline=None, max_examples=25)
"""Each example reads a file: a tenth of a second on a busy machine."""
HEADER = (
    "offer_id,instrument,region,certified_by,area_mu,area_ha,yield_t_per_mu_yr,yield_years,growth,mortality,buffer,"
    "planted_by,certification_due,price\n"
)


@few
@given(
    st.integers(1, 10**7),
    st.sampled_from(["", "linear", "schumacher b=40", "schumacher b=70", "richards k=0.05 p=3"]),
    st.integers(1, 5_000),
    st.integers(7, 40),
    st.integers(0, 9_000),
    st.integers(0, 9_000),
    st.dates(date(2026, 1, 1), date(2034, 12, 31)),
    st.dates(date(2030, 1, 1), date(2034, 12, 31)),
)
def test_both_readings_are_what_the_engine_counts(area, growth, mean, n, mortality, buffer, planted, due):
    shape = {"": LINEAR, "linear": LINEAR, "schumacher b=40": ROBINIA, "schumacher b=70": SPECIES[0].growth}
    curve = forestry.growth_curve(planted, shape.get(growth, Growth("richards", k_e4=500, p_e4=3 * E4)), mean, n)
    found = forestry.six_year_readings(area, curve, planted, date(2026, 10, 11), due, buffer, mortality)
    if not found.contracted_kg:
        assert (found.accrued_kg, found.ex_ante_kg) == (0, 0)
        return
    cells = [Decimal(x) / E4 for x in (area, mean, mortality, buffer)]
    row = f"F,forestry,14,x,{cells[0]:f},,{cells[1]:f},{n},{growth},{cells[2]:f},{cells[3]:f},{planted},{due},1\n"
    for accrual, counted in (("accrued", found.accrued_e8), ("ex_ante", found.ex_ante_e8)):
        problem = problem_of(HEADER + row, accrual)
        assert problem.offers.quantity_kg[0] == found.contracted_kg
        assert eta_e8(problem, found.deadline)[0] == counted
    assert found.deadline == date(2032, 10, 11)
    assert found.accrued_kg <= found.contracted_kg


@pytest.mark.parametrize(
    ("growth", "accrual", "covered"),
    [("", "accrued", 5_000), ("schumacher b=40", "accrued", 3_060), ("schumacher b=40", "ex_ante", 5_000)],
)
def test_a_plan_counts_the_same(growth, accrual, covered):
    """Proves: 1,000 mu x 0.125 dies x 0.2 t x 40 = 1,000 t with buffer 0.1, an event of 5 t.

    accrued by Schumacher: share 0.0276 / 8, read as 0.0034, x 0.9 = 3.06 t; linear 0.15 and ex ante cover all.
    """
    rows = f"{HEADER}F,forestry,14,x,1000,,0.2,40,{growth},0.875,0.1,2026-10-11,2031-12-31,1\n"
    problem = problem_of(rows, accrual)
    found = plan(problem, explanations="none").document()
    curve = forestry.growth_curve(date(2026, 10, 11), ROBINIA if growth else LINEAR, 2000, 40)
    readings = forestry.six_year_readings(
        1000 * E4, curve, date(2026, 10, 11), date(2026, 10, 11), date(2031, 12, 31), 1000, 8750
    )
    assert readings.contracted_kg == 1_000_000
    counts = readings.accrued_kg if accrual == "accrued" else readings.ex_ante_kg
    assert min(counts, 5_000) == covered
    assert Decimal(found["totals"]["shortfall_t"]) * 1000 == 5_000 - covered


def test_the_readings_at_their_edges():
    """Proves: the sixth anniversary of the event counts, the day after does not; uncertified is nothing ex ante."""
    curve = ((date(2032, 10, 11), 500), (date(2032, 10, 12), 1000))

    def readings(planted: date, due: date | None) -> tuple[int, int]:
        found = forestry.six_year_readings(100 * E4, curve, planted, date(2026, 10, 11), due)
        return found.accrued_kg, found.ex_ante_kg

    assert readings(date(2027, 4, 1), date(2032, 10, 11)) == (5_000, 10_000)
    assert readings(date(2027, 4, 1), date(2032, 10, 12)) == (5_000, 0)
    assert readings(date(2027, 4, 1), None) == (5_000, 0)
    assert readings(date(2032, 10, 12), date(2032, 10, 11)) == (5_000, 0)


@few
@given(st.integers(1, 10**6), st.sampled_from(["", "schumacher b=40"]), st.integers(0, 5_000))
def test_hectares_and_mu_are_the_same_forest(ha, growth, mortality):
    def sha(mu: str, hectares: str) -> str:
        died = Decimal(mortality) / E4
        row = f"F,forestry,14,x,{mu},{hectares},0.2,40,{growth},{died:f},,2026-10-11,2031-12-31,1\n"
        return normalize(read_csv((HEADER + row).encode()))[0].sha256

    assert sha(str(ha * 15), "") == sha("", str(ha))


# --------------------------------------------------------------------------------------------------- what was filed


def test_the_filed_table_holds_northern_filings_with_their_source():
    filings = filed_yields()
    assert len(filings) >= 12
    assert [(f.region, f.project_name) for f in filings] == sorted({(f.region, f.project_name) for f in filings})
    assert {f.region for f in filings} >= {"13", "14", "15", "61", "62", "64"}
    for filing in filings:
        assert filing.source == "CCER registry, project filings, read 2026-08-20"
        assert 500 < filing.yield_e4 < E4


def test_shanxis_filings_by_hand():
    """Proves: 8,805 t / (2,937.16 ha x 15) = 0.19985 t/mu; 13,579 / (7,128.88 x 15) = 0.12699."""
    assert sorted(f.yield_e4 for f in filed_yields() if f.region == "14") == [1270, 1999]
    assert sorted(f.yield_per_ha_e4 for f in filed_yields() if f.region == "14") == [19_048, 29_978]


def test_the_range_is_of_the_province_where_it_has_filings_enough():
    """Proves: nearest rank: of 15 yields the 2nd, 8th and 14th; of Inner Mongolia's five the 1st, 3rd and 5th."""
    every = sorted(f.yield_e4 for f in filed_yields())
    inner = sorted(f.yield_e4 for f in filed_yields() if f.region == "15")
    north, mongolia = filed_range("140100"), filed_range("15")
    assert (north.low_e4, north.median_e4, north.high_e4) == (every[1], every[7], every[13])
    assert (mongolia.low_e4, mongolia.median_e4, mongolia.high_e4) == (inner[0], inner[2], inner[4])
    assert north.place.en == "the north" and mongolia.place.en == "Inner Mongolia"
    assert filed_range("") == filed_range("44") == north


@pytest.mark.skipif(not FILED_CSV.exists(), reason="the registry's rows are not here")
def test_the_table_is_what_the_registry_holds():
    import csv

    rows = {(r["project_name"], r["area_ha"]): r for r in csv.DictReader(FILED_CSV.read_text("utf-8").splitlines())}
    for filing in filed_yields():
        row = rows[filing.project_name, str(filing.area_ha_e4 / E4)]
        assert (int(row["expected_annual_t"]), row["ambiguous"]) == (filing.expected_t_per_yr, "0")
        assert row["apply_status"] != "终止"
        assert abs(Decimal(row["t_per_mu_yr"]) * E4 - filing.yield_e4) <= 1
