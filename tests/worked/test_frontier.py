"""A frontier, curves, break-evens and alternatives solved by hand.

One event needs 100 t. Three offers: A of tier 1, 60 t at 100 yuan; B of tier 4, 100 t at 80; C unranked, 200 t at 50.

    cheapest        100 C                 5,000 yuan
    full priority   60 A + 40 B           6,000 + 3,200 = 9,200 yuan
    between         a tonne of A for one of C costs 50 yuan more, and tier 1 comes first: 60 t for 3,000, to 8,000;
                    then a tonne of B for one of C costs 30 yuan more: 40 t for 1,200, to 9,200
"""

from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer import BadInput, Calendar, Offer, Offers, Problem, read_rule_pack
from scenarios.alternatives import alternatives
from scenarios.break_even import break_even, break_even_instrument
from scenarios.curves import budget_curve, emissions_curve, margin_curve
from scenarios.frontier import frontier

A = {"offer_id": "A", "instrument": "carbon_inclusion", "mechanism": "三晋绿色生活", "quantity": "60", "price": "100"}
B = {"offer_id": "B", "instrument": "allowance", "mechanism": "CEA", "quantity": "100", "price": "80"}
C = {"offer_id": "C", "instrument": "credit", "mechanism": "VCS", "region": "15", "quantity": "200", "price": "50"}


def problem(objective: str = "priority-first", **event: Any) -> Problem:
    base = {"id": "e", "end_date": "2026-10-11", "emissions": {"tonnes": "100", "status": "verified"}}
    calendar = Calendar.model_validate({"events": [base | event], "objective": objective})
    offers = Offers.of([Offer.model_validate(o) for o in (A, B, C)])
    return Problem(calendar, offers, read_rule_pack("shanxi-2022"), date(2026, 11, 22))


def test_the_frontier_has_its_three_breakpoints_its_knee_and_both_ends_in_whole_lots():
    """A sample of costs would miss 8,000; tiers in the wrong order would bend at 5,000 + 100 x 30 = 8,000 in tier 4."""
    found: Any = frontier(problem())
    assert [(p.cost, p.tiers) for p in found.points] == [
        (5000, (0, 0, 0, 0, 100)),
        (8000, (60, 0, 0, 0, 40)),
        (9200, (60, 0, 0, 40, 0)),
    ]
    # rank: 4 x 100 = 400; 4 x 40 = 160; 3 x 40 = 120. Scaled, the middle lies at (3000/4200, 40/280) = (5/7, 1/7),
    # 1 - 5/7 - 1/7 = 1/7 below the chord
    assert [found.rank_t(p) for p in found.points] == [400, 160, 120]
    assert found.knee is found.points[1]
    assert [(end.objective, end.cost, end.tiers) for end in found.ends] == [
        ("cost-first", 5000, (0, 0, 0, 0, 100)),
        ("priority-first", 9200, (60, 0, 0, 40, 0)),
    ]


def test_each_stretch_tells_what_the_next_yuan_buys_instead_of_what():
    """1/50 t of tier 1 for 1/50 t unranked, then 1/30 t of tier 4."""
    found: Any = frontier(problem(), whole_lots=False)
    first, second = found.stretches
    assert first.t_per_yuan == (Fraction(1, 50), 0, 0, 0, Fraction(-1, 50))
    assert (first.gaining_tier, first.yuan_per_t) == (1, 50)
    assert (second.gaining_tier, second.yuan_per_t) == (4, 30)
    assert first.say("en") == "the next 3000.00 yuan buy 60 t in tier 1 instead of 60 t in tier 5, 50 yuan a tonne"
    assert second.say("zh") == "再花 1200.00 元: 多得第 4 级 40 吨, 少用第 5 级 40 吨, 每吨 30 元"


def test_the_document_and_the_frame_of_a_frontier_carry_the_same_numbers():
    """The contract: points with `cost` and `tiers`, decimal strings."""
    found: Any = frontier(problem())
    document = found.as_dict("en")
    assert [(p["cost"], p["tiers"]) for p in document["points"]] == [
        ("5000.00", ["0", "0", "0", "0", "100"]),
        ("8000.00", ["60", "0", "0", "0", "40"]),
        ("9200.00", ["60", "0", "0", "40", "0"]),
    ]
    assert document["knee"]["cost"] == "8000.00"
    assert [s["yuan_per_t"] for s in document["stretches"]] == ["50", "30"]
    assert [end["cost"] for end in document["whole_lots"]] == ["5000.00", "9200.00"]
    table = found.to_frame()
    assert table["cost"].tolist() == [5000.0, 8000.0, 9200.0]
    assert table["tier_1"].tolist() == [0.0, 60.0, 60.0]
    assert table["knee"].tolist() == [False, True, False]
    assert table["next_tier"].tolist()[:2] == [1, 4]


def test_under_a_budget_the_frontier_keeps_to_the_least_shortfall():
    """4,000 yuan buy 80 t of C and nothing else covers as much: one point, no knee."""
    found: Any = frontier(problem(budget={"total": "4000.00"}), whole_lots=False)
    (only,) = found.points
    assert (only.cost, only.shortfall_t, only.tiers) == (4000, 20, (0, 0, 0, 0, 80))
    assert found.knee is None and found.stretches == ()


def test_the_budget_curve_covers_first_and_then_follows_the_frontier():
    """50 yuan a tonne up to 5,000; then coverage stays and tiers move."""
    curve: Any = budget_curve(problem(), money_fen=[250_000, 2_000_000])
    assert [(p.at, p.covered_t, p.tiers) for p in curve.points] == [
        (0, 0, (0, 0, 0, 0, 0)),
        (5000, 100, (0, 0, 0, 0, 100)),
        (8000, 100, (60, 0, 0, 0, 40)),
        (9200, 100, (60, 0, 0, 40, 0)),
    ]
    assert [m.yuan_per_t for m in curve.marginals] == [50, None, None]
    assert curve.marginals[0].t_per_yuan * 10_000 == 200
    assert [(p.at, p.covered_t, p.spent) for p in curve.asked] == [(2500, 50, 2500), (20000, 100, 9200)]
    document = curve.as_dict()
    assert document["asked"][0]["money"] == "2500.00" and document["marginals"][0]["t_per_10000_yuan"] == "200"
    assert curve.to_frame()["yuan_per_t"].tolist()[0] == 50.0


def test_cost_against_the_need_bends_where_an_offer_is_used_up():
    """A alone to 60 t, 100 yuan each; B to 160 t, 80 each; then C, 50 each."""
    curve: Any = emissions_curve(problem(), 5000, 20000)
    assert [(p.at, p.cost) for p in curve.points] == [
        (Fraction(1, 2), 5000),
        (Fraction(3, 5), 6000),
        (Fraction(8, 5), 14000),
        (2, 16000),
    ]
    assert [m.yuan_per_t for m in curve.marginals] == [100, 80, 50]
    assert curve.points[0].required_t == 50 and curve.points[-1].required_t == 200


def test_cost_against_the_margin_is_that_of_the_need_it_makes():
    """100 t at no margin: 9,200; 160 t at 0.6: 14,000."""
    curve: Any = margin_curve(problem(over_cover="0.3"), 0, 10000)
    assert [(p.at, p.cost) for p in curve.points] == [(0, 9200), (Fraction(3, 5), 14000), (1, 16000)]


def test_break_evens_are_the_price_of_what_an_offer_would_replace():
    """Where cost comes first, A and B are worth what C costs, 50; C is worth what B costs for 100 t, 80."""
    found: Any = break_even(problem("cost-first"), "A")
    assert (found.break_even, found.present, [s.contracted_t for s in found.steps]) == (50, 100, [60])
    assert break_even(problem("cost-first"), "B").steps[0].contracted_t == 100
    c: Any = break_even(problem("cost-first"), "C")
    assert [(s.price, s.contracted_t) for s in c.steps] == [(80, 100)]
    assert c.at_any_price is None and c.as_dict()["break_even"] == "80"


def test_where_the_order_decides_an_offer_is_needed_at_any_price_or_beaten_by_the_order():
    """Tier 1 takes all 60 t of A whatever it costs; C would lose for nothing."""
    a, c = break_even(problem(), "A"), break_even(problem(), "C")
    assert a.at_any_price is not None and a.at_any_price.contracted_t == 60 and a.break_even is None
    assert (c.reason, c.break_even, c.at_any_price) == ("beaten_by_order", None, None)


def test_an_instrument_breaks_even_at_a_factor_of_its_prices():
    """A at half its price costs what C does: 60 t then cost 6,000 at present prices."""
    found: Any = break_even_instrument(problem("cost-first"), "carbon_inclusion")
    (step,) = found.steps
    assert (step.price, step.contracted_t, step.share, step.present_cost) == (Fraction(1, 2), 60, Fraction(3, 5), 6000)
    assert found.to_frame()["price"].tolist() == [0.5]


def test_alternatives_differ_from_all_before_within_the_cost_that_they_may_have():
    """Base: 100 C for 5,000, so others may cost 6,000.

    1. Least C: B costs 30 more a tonne, 1,000 / 30 = 33.333 t of it.
    2. C counts twice, B once: a yuan spent on A takes away 2/50, one on B 1/30: 1,000 / 50 = 20 t of A.
    3. C counts three times, A and B once: B again, as in 1: no other portfolio is left.
    """
    found: Any = alternatives(problem("cost-first"), 2000, 5)
    assert dict(found.base.holdings) == {("e", "C"): 100_000}
    assert [dict(p.holdings) for p in found.others] == [
        {("e", "B"): 33_333, ("e", "C"): 66_667},
        {("e", "A"): 20_000, ("e", "C"): 80_000},
    ]
    assert all(p.cost <= 6000 and p.shortfall_t == 0 for p in found.others)
    assert found.others[1].difference(found.base) == Fraction(1, 5)
    document = found.as_dict()
    assert document["portfolios"][2]["changes"] == [
        {"event_id": "e", "offer_id": "A", "change_t": "20"},
        {"event_id": "e", "offer_id": "C", "change_t": "-20"},
    ]
    table = found.to_frame()
    assert table[table["portfolio"] == 2]["change_t"].tolist() == [20.0, -20.0]


def test_alternatives_hold_the_levels_before_the_cost():
    """Under the recommended order 60 t of A stay and 40 t of B have no other of their tier: nothing else is left."""
    assert alternatives(problem(), 2000, 3).others == ()


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: budget_curve(problem("balanced")), "curve_objective"),
        (lambda: budget_curve(problem(), money_fen=[-1]), "money_negative"),
        (lambda: emissions_curve(problem(), 20000, 5000), "curve_range"),
        (lambda: margin_curve(problem(), -1, 5000), "curve_range"),
        (lambda: break_even(problem(), "Z"), "offer_unknown"),
        (lambda: break_even_instrument(problem(), "forestry"), "instrument_unknown"),
        (lambda: alternatives(problem(), -1, 3), "within"),
        (lambda: alternatives(problem(), 500, 0), "how_many"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_both_languages(call: Any, code: str):
    """Each with a code, and words in Chinese and English."""
    with pytest.raises(BadInput) as error:
        call()
    (finding,) = error.value.findings
    assert finding.code == code
    assert finding.say("zh") != finding.say("en")


@settings(max_examples=10, derandomize=True, deadline=None, database=None)
@given(within=st.integers(0, 5000))
def test_alternatives_never_cost_more_than_they_may(within: int):
    """5,000 x (1 + share), to the fen that whole kg leave."""
    found: Any = alternatives(problem("cost-first"), within, 2)
    assert all(p.cost <= 5000 * (1 + Fraction(within, 10_000)) for p in found.others)
