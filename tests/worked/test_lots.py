"""Whole lots: lot sizes, minimums, fixed fees, all-units breaks; and what leaving them out would say."""

import pytest

from tests.worked.market import event, offer


@pytest.mark.parametrize(
    ("whole_lots", "bought", "cost", "of_lots"), [(True, "120", "1200.00", "200.00"), (False, "100", "1000.00", None)]
)
def test_quantities_are_whole_lots(through_doors, whole_lots, bought, cost, of_lots):
    """Proves: contracted quantities are multiples of the lot, and what that costs is reported.

    Arithmetic: lots of 30 t at 10, single tonnes at 50, need 100. 4 lots: 1200. 3 lots and 10 t: 900 + 500 = 1400.
    The LP buys 100 t for 1000; whole lots cost 200 more.
    Sensitivity: an LP rounded down to 3 lots is 10 t short; nearest-lot rounding too.
    """
    offers = [offer("A", 1, 300, 10, lot_size=30), offer("B", 1, 300, 50)]
    answer = through_doors(event(100), offers, settings={"whole_lots": whole_lots})
    assert (answer.bought, answer.cost, answer["cost_of_whole_lots"]) == ({"A": bought}, cost, of_lots)
    assert answer.warnings == ([] if whole_lots else ["divisible"])


def test_a_lot_and_single_tonnes_mix_where_that_is_cheaper(through_doors):
    """Proves: lots are counted, not switched: three whole lots and the rest from elsewhere.

    Arithmetic: lots of 30 t at 10, single tonnes at 25: 90 x 10 + 10 x 25 = 1150 < 4 lots = 1200.
    Sensitivity: 1200 when an offer is taken whole or not at all.
    """
    offers = [offer("A", 1, 300, 10, lot_size=30), offer("B", 1, 300, 25)]
    answer = through_doors(event(100), offers)
    assert (answer.bought, answer.cost) == ({"A": "90", "B": "10"}, "1150.00")


def test_a_blank_lot_size_is_one_tonne(through_doors):
    """Proves: lots are 1 t unless the offer says otherwise, also of carbon inclusion.

    Arithmetic: need 10.5 t: 11 t at 10 = 110 yuan; with lots of 0.01 t 10.5 t = 105 yuan.
    Sensitivity: the same answer twice.
    """
    assert through_doors(event("10.5"), [offer("A", 1, 100, 10)]).bought == {"A": "11"}
    assert through_doors(event("10.5"), [offer("A", 1, 100, 10, lot_size="0.01")]).bought == {"A": "10.5"}


@pytest.mark.parametrize(("price", "bought", "cost"), [(55, {"A": "1"}, "50.00"), (30, {"B": "1"}, "30.00")])
def test_a_small_meeting_buys_a_whole_lot(through_doors, price, bought, cost):
    """Proves: a lot larger than the need covers it, and no more than it.

    Arithmetic: 0.8 t; a lot of 1 t at 50 against two lots of 0.5 t at 55 a tonne (55) or at 30 (30).
    Sensitivity: 0.8 t for 40 or 24; a covered share above 1.
    """
    answer = through_doors(event("0.8"), [offer("A", 1, 60, 50), offer("B", 1, 1, price, lot_size="0.5")])
    assert (answer.bought, answer.cost, answer.shortfall) == (bought, cost, "0")
    assert answer["events"][0]["covered_t"] == "1"


def test_what_does_not_fill_a_lot_is_not_usable(through_doors):
    """Proves: usable quantity = floor(quantity / lot) x lot.

    Arithmetic: 95 t in lots of 30: 90 t; 10 t of the need of 100 are short.
    Sensitivity: 95 t, or 120 t.
    """
    answer = through_doors(event(100), [offer("A", 1, 95, 10, lot_size=30)])
    assert (answer.bought, answer.shortfall) == ({"A": "90"}, "10")


@pytest.mark.parametrize(
    ("need", "whole_lots", "bought", "cost"),
    [(50, True, {"A": "80"}, "800.00"), (30, True, {"B": "30"}, "600.00"), (50, False, {"A": "50"}, "500.00")],
)
def test_a_minimum_is_bought_or_nothing(through_doors, need, whole_lots, bought, cost):
    """Proves: a line is 0 or at least the minimum quantity; without whole lots minimums are left out.

    Arithmetic: A at 10 from 80 t on, B at 20. Need 50: 80 x 10 = 800 < 50 x 20 = 1000. Need 30: 800 > 600.
    Sensitivity: 50 x 10 = 500, below the minimum.
    """
    offers = [offer("A", 1, 200, 10, min_quantity=80), offer("B", 1, 200, 20)]
    answer = through_doors(event(need), offers, settings={"whole_lots": whole_lots})
    assert (answer.bought, answer.cost) == (bought, cost)


def test_a_minimum_is_rounded_up_to_whole_lots(through_doors):
    """Proves: the least purchase is the minimum in whole lots.

    Arithmetic: minimum 80 t in lots of 30: 90 t at 10 = 900 < 50 x 20 = 1000.
    Sensitivity: 80 t are no whole lots, 60 t are below the minimum.
    """
    offers = [offer("A", 1, 200, 10, min_quantity=80, lot_size=30), offer("B", 1, 200, 20)]
    assert through_doors(event(50), offers).bought == {"A": "90"}


@pytest.mark.parametrize(
    ("need", "whole_lots", "bought", "cost"),
    [
        (100, True, {"B": "100"}, "1200.00"),
        (200, True, {"A": "200"}, "2300.00"),
        (100, False, {"A": "100"}, "1000.00"),
    ],
)
def test_a_fixed_fee_is_paid_once_a_line(through_doors, need, whole_lots, bought, cost):
    """Proves: a used line pays its fixed fee once, whatever its size; without whole lots fixed fees are left out.

    Arithmetic: A at 10 + 300 a line, B at 12. 100 t: 1300 > 1200. 200 t: 2300 < 2400. LP: 1000.
    Sensitivity: a fee a tonne never takes A; no fee always takes A for 1000.
    """
    offers = [offer("A", 1, 300, 10, fixed_fee=300), offer("B", 1, 300, 12)]
    answer = through_doors(event(need), offers, settings={"whole_lots": whole_lots})
    assert (answer.bought, answer.cost) == (bought, cost)


@pytest.mark.parametrize(
    ("need", "bought", "price", "cost"),
    [
        (80, "80", "10.00", "800.00"),
        (99, "100", "9.00", "900.00"),
        (150, "150", "9.00", "1350.00"),
        (190, "200", "7.00", "1400.00"),
    ],
)
def test_a_price_break_holds_for_all_tonnes(through_doors, need, bought, price, cost):
    """Proves: from each break on all tonnes cost the break's price, so buying more can cost less.

    Arithmetic: 10, from 100 t 9, from 200 t 7. 80 x 10 = 800 < 100 x 9 = 900 < 99 x 10 = 990;
    150 x 9 = 1350 < 200 x 7 = 1400 < 190 x 9 = 1710.
    Sensitivity: a marginal discount gives 150 t for 99 x 10 + 51 x 9 = 1449.
    """
    answer = through_doors(event(need), [offer("A", 1, 500, 10, price_breaks="100=9;200=7")])
    line = answer.line("A")
    assert (line["contracted_t"], line["unit_price"], line["cost"]) == (bought, price, cost)


def test_breaks_are_left_out_without_whole_lots(through_doors):
    """Proves: the LP knows the list price only, and says so.

    Arithmetic: 190 x 10 = 1900 (whole lots: 1400).
    Sensitivity: 190 x 7 = 1330, a price below its break.
    """
    offers = [offer("A", 1, 500, 10, price_breaks="100=9;200=7")]
    answer = through_doors(event(190), offers, settings={"whole_lots": False})
    assert (answer.cost, answer.warnings) == ("1900.00", ["divisible"])


def test_a_break_beyond_what_is_on_offer_is_out_of_reach(through_doors):
    """Proves: a piece ends where the quantity does.

    Arithmetic: 150 t on offer, from 100 t at 9, from 200 t at 7: 150 x 9 = 1350.
    Sensitivity: 150 x 7 = 1050.
    """
    answer = through_doors(event(150), [offer("A", 1, 150, 10, price_breaks="100=9;200=7")])
    assert answer.cost == "1350.00"


def test_breaks_are_not_pooled_over_events(through_doors):
    """Proves: minimum, fee and break apply per line.

    Arithmetic: two events of 60 t; 10, from 110 t 7. Apart 60 x 10 = 600 each (110 x 7 = 770 is more): 1200.
    Sensitivity: pooled 120 x 7 = 840.
    """
    events = [event(60, id="a"), event(60, id="b")]
    assert through_doors(events, [offer("A", 1, 300, 10, price_breaks="110=7")]).cost == "1200.00"


def test_breaks_are_not_pooled_over_purchase_dates(through_doors):
    """Proves: two purchases of one offer in two years are two lines.

    Arithmetic: 560 yuan in each of two years, 115 t wanted; 10, from 110 t 5. One year buys 112 x 5 = 560, the other
    3 x 10 = 30: 590.
    Sensitivity: pooled 115 x 5 = 575.
    """
    budget = {"by_fiscal_year": {2026: 560, 2027: 560}}
    answer = through_doors(event(115, budget=budget), [offer("A", 1, 300, 10, price_breaks="110=5")])
    assert sorted((x["contracted_t"], x["unit_price"]) for x in answer["lines"]) == [("112", "5.00"), ("3", "10.00")]
    assert answer.cost == "590.00"


def test_a_cap_cuts_lots_minimums_and_fees_together(through_doors):
    """Proves: an offer whose least purchase exceeds a cap cannot be used, and that is said.

    Arithmetic: 40 % of 100 t from one seller; A takes at least 50 t. B sells 100 t at 30: 3000.
    Sensitivity: 40 t of A, below its minimum, or 50 t, above the cap.
    """
    offers = [offer("A", 1, 200, 10, seller="S", min_quantity=50), offer("B", 1, 200, 30)]
    answer = through_doors(event(100, limits=[{"group": "seller", "max_share": 0.4}]), offers)
    assert (answer.bought, answer.cost) == ({"B": "100"}, "3000.00")
    assert answer.reasons("A") == ["does_not_fit"]


def test_lots_that_fit_no_step_still_meet_the_budget_exactly(through_doors):
    """Proves: an integral point is judged in exact arithmetic, not by the solver's tolerance.

    Arithmetic: 7 t lots at 14.29 yuan/t = 100.03 a lot; budget 1000.29 buys 9 lots (900.27), 10 cost 1000.30.
    Sensitivity: a relative tolerance of 10^-5 buys the tenth lot, one fen over the budget.
    """
    offers = [offer("A", 1, 700, "14.29", lot_size=7)]
    answer = through_doors(event(700, budget={"total": "1000.29"}), offers)
    assert (answer.bought, answer.cost) == ({"A": "63"}, "900.27")
    assert through_doors(event(700, budget={"total": "1000.30"}), offers).bought == {"A": "70"}


@pytest.mark.parametrize(("minimum", "warnings"), [(1000, ["far_over"]), (109, [])])
def test_a_block_far_larger_than_the_need_is_bought_where_the_order_wants_it_and_said(through_doors, minimum, warnings):
    """Proves: the order comes before cost, so a block of tier 1 is bought rather than 100 t of tier 2; and it is said.

    Arithmetic: 100 t are needed. A minimum of 1000 t of tier 1 at 60 costs 60,000 and covers ten times the need;
    109 t are within what whole lots explain (less than 10 t over).
    Sensitivity: no word about 900 t too many, or one about 9 t.
    """
    answer = through_doors(event(100), [offer("A", 1, 5000, 60, min_quantity=minimum), offer("B", 2, 500, 20)])
    assert answer.bought == {"A": str(minimum)}
    assert answer.warnings == warnings


def test_what_is_free_is_not_bought_beyond_the_need(through_doors):
    """Proves: lots that no level needs are dropped, however many free offers there are.

    Arithmetic: 2500 t are needed. 500 free offers of 1000 t and more in lots of 10 to 16 t, every second one of tier 1,
    so that more than 200 stay open for the tie-break: 1000 + 83 x 12 + 36 x 14 of the first three. Where allowances
    are to be half of the need, at least 1250 t of tier 4 come on top, by less than a lot: the order wants tier 1 all
    the same, and nothing costs anything.
    Sensitivity: the first search stops at 66,750 t of what is free, since nothing says not to.
    """
    offers = [offer(f"A{k:03}", 1 + k % 2 * 3, 1000 + k, 0, lot_size=10 + k % 7) for k in range(500)]
    answer = through_doors(event(2500), [*offers, offer("B", 1, 40, 50)])
    assert (answer.document["totals"]["covered_t"], answer.cost, answer.warnings) == ("2500", "0.00", [])
    assert {line["tier"] for line in answer["lines"]} == {1}
    shared = through_doors(event(2500, limits=[{"where": {"instrument": "allowance"}, "min_share": 0.5}]), offers)
    bought = {t: sum(int(x["contracted_t"]) for x in shared["lines"] if x["tier"] == t) for t in (1, 4)}
    assert 2500 <= bought[1] < 2500 + 16 and 1250 <= bought[4] < 1250 + 16 and shared.cost == "0.00"
