"""Need, coverage and shortfall: what an event must cover, and what counts towards it."""

import pytest

from tests.worked.market import event, offer


def test_tiers_fill_from_the_first_down(through_doors):
    """Proves: coverage of every tier is cumulative, and the recommended order comes before cost.

    Arithmetic: need 100 t. Tier 1 has 60 t at 50, tier 2 has 100 t at 40, unranked 100 t at 20.
    60 x 50 + 40 x 40 = 3000 + 1600 = 4600 yuan; tier 1 leaves 40 t, tiers 1 and 2 leave nothing.
    Sensitivity: without the tier levels 100 x 20 = 2000; with tier 2 counted alone its gap would be 60 t.
    """
    answer = through_doors(event(100), [offer("A", 1, 60, 50), offer("B", 2, 100, 40), offer("C", 5, 100, 20)])
    assert answer.bought == {"A": "60", "B": "40"}
    assert answer.levels == {
        "shortfall": "0",
        "tier 1": "40",
        "tier 2": "0",
        "tier 3": "0",
        "tier 4": "0",
        "cost": "4600.00",
    }
    assert answer.proofs == {"exact"}
    assert answer["totals"]["average_price"] == "46.00"


def test_every_tier_counts_towards_the_deeper_gaps(through_doors):
    """Proves: gap r = need - what tiers 1..r cover, for all four tiers and beyond.

    Arithmetic: 10 + 20 + 30 + 15 t in tiers 1 to 4, the other 25 t unranked. Gaps 90, 70, 40, 25.
    Cost 10 x 50 + 20 x 40 + 30 x 30 + 15 x 20 + 25 x 10 = 500 + 800 + 900 + 300 + 250 = 2750.
    Sensitivity: gaps of single tiers would read 90, 80, 70, 85.
    """
    offers = [offer("A", 1, 10, 50), offer("B", 2, 20, 40), offer("C", 3, 30, 30), offer("D", 4, 15, 20)]
    answer = through_doors(event(100), [*offers, offer("E", 5, 50, 10)])
    assert answer.bought == {"A": "10", "B": "20", "C": "30", "D": "15", "E": "25"}
    assert [answer.levels[f"tier {r}"] for r in (1, 2, 3, 4)] == ["90", "70", "40", "25"]
    assert answer.cost == "2750.00"
    assert [t["share"] for t in answer["tiers"]] == ["0.1", "0.2", "0.3", "0.15", "0.25"]
    assert [t["cost"] for t in answer["tiers"]] == ["500.00", "800.00", "900.00", "300.00", "250.00"]


def test_an_empty_first_tiers_fall_through_with_a_plan(through_doors):
    """Proves: strict tier 2 was empty in August 2026; the plan falls through instead of failing.

    Arithmetic: only allowances at 70: 100 x 70 = 7000; tiers 1 to 3 leave 100 t, tier 4 leaves 0.
    Sensitivity: an infeasible program, or a plan of nothing.
    """
    answer = through_doors(event(100), [offer("D", 4, 500, 70)])
    assert answer["status"] == "covered"
    assert [answer.levels[f"tier {r}"] for r in (1, 2, 3, 4)] == ["100", "100", "100", "0"]
    assert answer.cost == "7000.00"


@pytest.mark.parametrize("whole_lots", [True, False])
def test_what_supply_does_not_cover_is_shortfall_and_no_error(through_doors, whole_lots):
    """Proves: x = 0 is feasible and the gap takes the rest; the program is short, never infeasible.

    Arithmetic: 60 of 100 t are on offer at 50: shortfall 40 t, cost 3000; also in the LP.
    Sensitivity: a hard coverage row makes it infeasible and x reads 0.
    """
    answer = through_doors(event(100), [offer("A", 1, 60, 50)], settings={"whole_lots": whole_lots})
    assert (answer["status"], answer.shortfall, answer.cost) == ("short", "40", "3000.00")
    assert answer.levels["shortfall"] == "40"
    assert answer.causes == [("supply", "60", "100")]


def test_an_empty_market_is_a_plan_of_nothing(through_doors):
    """Proves: no offers at all is an answer: everything is short, and nothing costs anything.

    Arithmetic: 100 - 0 = 100 t short; the average price of nothing is not a number.
    Sensitivity: a division by 0 covered tonnes, or an empty program that the solver refuses.
    """
    answer = through_doors(event(100), [], in_files=False)
    assert (answer["status"], answer.shortfall, answer.cost) == ("short", "100", "0.00")
    assert answer["totals"]["average_price"] is None
    assert answer.causes == [("supply", "0", "100")]


def test_need_with_a_margin_is_rounded_up_to_the_kilogram(through_doors):
    """Proves: need = tonnes x (1 + over_cover), rounded up to kg.

    Arithmetic: 1.001 x 1.1 = 1.1011 t -> 1.102 t, in lots of 1 kg at 100 yuan/t: 110.20 yuan.
    Sensitivity: rounded to the nearest kg 1.101 t and 110.10 yuan; unrounded 110.11.
    """
    offers = [offer("A", 1, 5, 100, lot_size="0.001")]
    answer = through_doors(event("1.001", over_cover="0.1"), offers)
    assert answer["events"][0]["required_t"] == "1.102"
    assert (answer.bought, answer.cost) == ({"A": "1.102"}, "110.20")


@pytest.mark.parametrize(("supply", "short", "verified_short"), [(105, "5", "0"), (95, "15", "5")])
def test_the_margin_and_the_emissions_are_told_apart(through_doors, supply, short, verified_short):
    """Proves: verified_short_t is the shortfall against the emissions without the margin.

    Arithmetic: 100 t and 10 %: need 110. With 105 t: 5 short of the need, 0 of the emissions; with 95: 15 and 5.
    Sensitivity: one number for both.
    """
    answer = through_doors(event(100, over_cover="0.1"), [offer("A", 1, supply, 50)])
    (result,) = answer["events"]
    assert (result["required_t"], result["shortfall_t"], result["verified_short_t"]) == ("110", short, verified_short)


def test_over_buying_is_never_rewarded(through_doors):
    """Proves: every level is a gap or a cost, so free tonnes beyond the need are not bought.

    Arithmetic: 40 t at price 0 in tier 1 and 200 t at price 0 unranked against a need of 100: 40 + 60, cost 0.
    Sensitivity: a level that maximises coverage takes all 240 t.
    """
    offers = [offer("gift", 1, 40, 0, channel="donation"), offer("more", 5, 200, 0)]
    answer = through_doors(event(100), offers)
    assert (answer.bought, answer.cost) == ({"gift": "40", "more": "60"}, "0.00")
    assert answer["totals"]["average_price"] == "0.00"


def test_events_share_what_an_offer_has(through_doors):
    """Proves: availability is one row for all events.

    Arithmetic: two events of 100 t; tier 1 has 120 t at 50, tier 2 200 t at 60.
    120 x 50 + 80 x 60 = 6000 + 4800 = 10800; tier 1 leaves 80 t over both events.
    Sensitivity: availability for each event apart gives 200 x 50 = 10000 and tier 1 leaves 0.
    """
    events = [event(100, id="a"), event(100, id="b")]
    answer = through_doors(events, [offer("A", 1, 120, 50), offer("B", 2, 200, 60)])
    assert (answer.cost, answer.levels["tier 1"], answer.levels["tier 2"]) == ("10800.00", "80", "0")
    assert sum(int(x["contracted_t"]) for x in answer["lines"] if x["offer_id"] == "A") == 120
    assert [e["covered_t"] for e in answer["events"]] == ["100", "100"]


def test_purchase_dates_share_what_an_offer_has(through_doors):
    """Proves: availability also sums over the purchase dates of one event.

    Arithmetic: money for 40 t in each of two years at 10 yuan, but only 60 t on offer: 600 yuan, 20 t short of 80.
    Sensitivity: availability for each date apart covers all 80 t.
    """
    budget = {"by_fiscal_year": {2026: 400, 2027: 400}}
    answer = through_doors(event(80, budget=budget), [offer("A", 1, 60, 10)])
    assert (answer.shortfall, answer.cost) == ("20", "600.00")
    assert {x["purchase_date"] for x in answer["lines"]} == {"2026-11-22", "2027-01-01"}


def test_gaps_are_counted_in_steps_that_fit_the_need(through_doors):
    """Proves: with whole lots gap levels count steps, so that nobody hunts for fractions of a tonne.

    Arithmetic: need 100.5 t, step 1 t. Tier 1: 100 t at 10 and 0.3 t at 1000. Either way tier 1 leaves less than a
    step (0.5 or 0.2 t), which counts as 1; so the 0.3 t are not bought: 100 x 10 + 1 x 20 = 1020.
    Sensitivity: exact gaps buy the 0.3 t and pay 1000 + 300 + 20 = 1320.
    """
    offers = [offer("A", 1, 100, 10), offer("A-crumbs", 1, "0.3", 1000, lot_size="0.3"), offer("B", 2, 5, 20)]
    answer = through_doors(event("100.5"), offers)
    assert (answer.bought, answer.cost) == ({"A": "100", "B": "1"}, "1020.00")
    assert answer.levels["tier 1"] == "1"


@pytest.mark.parametrize(
    ("need", "step", "short"),
    [("100", "1", "1"), ("99.9", "0.1", "0.4"), ("0.8", "0.001", "0.301"), ("0.05", "0.001", "0")],
)
def test_a_small_meeting_counts_in_kilograms(through_doors, need, step, short):
    """Proves: the step is 1 t from 100 t on, else the greatest power of ten within a hundredth of the need, >= 1 kg.

    Arithmetic: 100 -> 1; 99.9 / 100 = 0.999 -> 0.1; 0.8 / 100 = 0.008 -> 0.001; 0.05 / 100 = 0.0005 -> 0.001 (least).
    Offers leave 0.6, 0.35, 0.3005 t and nothing uncovered: in steps 1, 0.4, 0.301 and 0.
    Sensitivity: a step of 1 t makes a meeting of 0.8 t as good as covered when nothing is bought.
    """
    supply = {"100": "99.4", "99.9": "99.55", "0.8": "0.4995", "0.05": "0.05"}[need]
    if need == "0.8":
        offers = [offer("A", 3, "0.999", 10, lot_size="0.001", delivery_schedule="2030-12-31=0.5")]
    else:
        offers = [offer("A", 1, supply, 10, lot_size="0.01")]
    answer = through_doors(event(need), offers)
    level = answer["levels"][0]
    assert (level["name"], level["step"], level["value"]) == ("shortfall", step, short)


def test_estimated_events_plan_on_the_estimate_and_say_so(through_doors):
    """Proves: an estimated event plans on `tonnes`, not on its low or high end, with a warning.

    Arithmetic: 5000 t (4200 to 6100) at 50: 250000 yuan.
    Sensitivity: 210000 at the low end, 305000 at the high end.
    """
    emissions = {"tonnes": 5000, "low": 4200, "high": 6100, "status": "estimated"}
    answer = through_doors(event(emissions=emissions), [offer("A", 1, 9000, 50)])
    assert answer.cost == "250000.00"
    assert answer.warnings == ["estimated"]


@pytest.mark.parametrize(
    ("whole_lots", "bought", "covered", "short"), [(True, "330", "99", "1"), (False, "333.333", "99.999", "0.001")]
)
def test_effective_tonnes_are_exact_inside_and_printed_rounded_down(through_doors, whole_lots, bought, covered, short):
    """Proves: a forest that delivers 0.3 covers 0.3 t a contracted tonne; what is printed never says too much.

    Arithmetic: need 100 t, money for 333.333 t at 10. In the LP they cover 99.9999 t, printed 99.999; 0.0001 t short,
    printed 0.001. Whole lots: 333 t cover 99.9 t, 330 t cover 99 t; both are one step of 1 t short, so the cheaper.
    Sensitivity: 100 contracted tonnes when the delivery share is ignored; printed 100 when rounded half up.
    """
    offers = [offer("C", 3, 1000, 10, delivery_schedule="2030-12-31=0.3")]
    answer = through_doors(event(100, budget={"total": "3333.33"}), offers, settings={"whole_lots": whole_lots})
    assert answer.bought == {"C": bought}
    assert answer["events"][0]["covered_t"] == covered
    assert answer["lines"][0]["effective_t"] == covered
    assert answer.levels["shortfall"] == short
