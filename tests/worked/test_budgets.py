"""Money: in all, by fiscal year, carried forward, shared by a calendar."""

import pytest

from tests.worked.market import event, offer


@pytest.mark.parametrize(
    ("whole_lots", "bought", "tier_1", "cost"),
    [
        (True, {"A": "33", "B": "67"}, "67", "2990.00"),
        (False, {"A": "33.333", "B": "66.667"}, "66.667", "2999.99"),
    ],
)
def test_a_total_budget_pushes_the_plan_down_the_order(through_doors, whole_lots, bought, tier_1, cost):
    """Proves: coverage comes first, so a binding budget buys cheap tonnes further down, and not one fen too many.

    Arithmetic: need 100 t; tier 1 at 50, unranked at 20, budget 3000. 50 a + 20 (100 - a) <= 3000 gives a <= 33.33.
    Whole lots: 33 x 50 + 67 x 20 = 2990. LP in whole kg: 33.333 x 50 + 66.667 x 20 = 1666.65 + 1333.34 = 2999.99.
    Sensitivity: an LP rounded to whole lots afterwards pays 34 x 50 + 66 x 20 = 3020.
    """
    offers = [offer("A", 1, 100, 50), offer("B", 5, 100, 20)]
    answer = through_doors(event(100, budget={"total": 3000}), offers, settings={"whole_lots": whole_lots})
    assert (answer.bought, answer.levels["tier 1"], answer.cost) == (bought, tier_1, cost)
    assert answer["status"] == "covered"


@pytest.mark.parametrize("whole_lots", [True, False])
def test_a_budget_by_fiscal_year_spreads_purchases_over_the_years(through_doors, whole_lots):
    """Proves: each year has its own row, and later purchase dates exist when a year's money matters.

    Arithmetic: 30 yuan/t, 990 in 2026 and 1980 in 2027: 33 t on 2026-11-22, 66 t on 2027-01-01; 1 t short of 100.
    Sensitivity: without later dates 33 t; with the years added up all 99 t on the first day.
    """
    budget = {"by_fiscal_year": {2026: 990, 2027: 1980}}
    offers = [offer("A", 1, 100, 30)]
    answer = through_doors(event(100, budget=budget), offers, settings={"whole_lots": whole_lots})
    bought = [(x["purchase_date"], x["contracted_t"], x["cost"]) for x in answer["lines"]]
    assert bought == [("2026-11-22", "33", "990.00"), ("2027-01-01", "66", "1980.00")]
    assert answer.shortfall == "1"
    assert answer.spending() == {2026: ("990.00", "990.00", "0.00"), 2027: ("1980.00", "1980.00", "0.00")}


@pytest.mark.parametrize(("carry", "second"), [(False, "66"), (True, "67")])
def test_unspent_money_goes_on_only_where_it_may(through_doors, carry, second):
    """Proves: with carry_forward spending to date stays within budgets to date; without it each year stands alone.

    Arithmetic: 30 yuan/t; 2026: 33 t of 33 cost 990 of 1000. 2027: 2000 buy 66 t, 2000 + 10 carried buy 67.
    Sensitivity: carrying backwards, or carrying when not asked, changes the second line.
    """
    budget = {"by_fiscal_year": {2026: 1000, 2027: 2000}, "carry_forward": carry}
    offers = [offer("A", 1, 33, 30, valid_until="2026-12-31"), offer("B", 1, 100, 30, valid_from="2027-01-01")]
    answer = through_doors(event(100, budget=budget), offers)
    assert answer.bought == {"A": "33", "B": second}
    carried = {False: "0.00", True: "10.00"}[carry]
    spent = {False: "1980.00", True: "2010.00"}[carry]
    assert answer.spending() == {2026: ("1000.00", "990.00", carried), 2027: ("2000.00", spent, "0.00")}


def test_money_is_never_carried_back(through_doors):
    """Proves: carry_forward goes forward only.

    Arithmetic: 300 in 2026 and 900 in 2027 at 30 yuan/t; the offer ends with 2026: 10 t, 30 t short of 40.
    Sensitivity: one pot of 1200 covers all 40 t.
    """
    budget = {"by_fiscal_year": {2026: 300, 2027: 900}, "carry_forward": True}
    answer = through_doors(event(40, budget=budget), [offer("A", 1, 40, 30, valid_until="2026-12-31")])
    assert (answer.bought, answer.shortfall) == ({"A": "10"}, "30")


def test_a_year_that_is_not_listed_has_nothing(through_doors):
    """Proves: a year not listed has budget 0, it is not unlimited.

    Arithmetic: 9000 in 2026; the only offer opens in 2027: nothing can be bought.
    Sensitivity: 100 t for 3000 if an unlisted year were free or took the year before's money.
    """
    budget = {"by_fiscal_year": {2026: 9000}}
    answer = through_doors(event(100, budget=budget), [offer("A", 1, 100, 30, valid_from="2027-01-10")])
    assert (answer.bought, answer.shortfall, answer.cost) == ({}, "100", "0.00")


@pytest.mark.parametrize(("years", "covered"), [({2026: 3000}, "0"), ({2026: 3000, 2028: 0}, "100")])
def test_money_is_carried_through_the_last_listed_year_only(through_doors, years, covered):
    """Proves: carry_forward reaches the last listed year and stops there.

    Arithmetic: 100 t at 30, paid in 2028. 3000 of 2026 reach 2028 only when 2028 is listed, be it with 0.
    Sensitivity: carrying on for ever covers both; not carrying over a gap in the list covers neither.
    """
    budget = {"by_fiscal_year": years, "carry_forward": True}
    offers = [offer("A", 1, 100, 30, payment_schedule="2028-06-30=1")]
    answer = through_doors(event(100, budget=budget), offers)
    assert answer["totals"]["covered_t"] == covered


def test_years_before_the_plan_are_ignored_with_a_warning(through_doors):
    """Proves: money of 2025 is gone on 2026-11-22, also with carry_forward.

    Arithmetic: 1000 of 2026 at 10 yuan/t: 100 t of 200.
    Sensitivity: 6000 carried from 2025 on cover everything.
    """
    budget = {"by_fiscal_year": {2025: 5000, 2026: 1000}, "carry_forward": True}
    answer = through_doors(event(200, budget=budget), [offer("A", 1, 200, 10, valid_until="2026-12-31")])
    assert (answer.bought, answer.shortfall) == ({"A": "100"}, "100")
    assert answer.warnings == ["past_years"]
    assert list(answer.spending()) == [2026]


def test_a_total_and_years_both_hold(through_doors):
    """Proves: `total` and `by_fiscal_year` may both be given and both hold.

    Arithmetic: 1000 in each of two years but 1500 in all, at 10 yuan/t: 150 t of 200.
    Sensitivity: 200 t by the years alone, 150 t on the first day by the total alone.
    """
    budget = {"total": 1500, "by_fiscal_year": {2026: 1000, 2027: 1000}}
    answer = through_doors(event(200, budget=budget), [offer("A", 1, 200, 10)])
    assert (answer.shortfall, answer.cost) == ("50", "1500.00")
    assert all(float(spent) <= 1000 for _, spent, _ in answer.spending().values())


def test_a_shared_budget_holds_beside_the_events_own(through_doors):
    """Proves: a calendar's budget binds the sum of its events, and each event's own budget stays.

    Arithmetic: two events of 50 t at 10 yuan/t; shared 800, event a 300 of its own: a 30 t, b 50 t, 800 yuan.
    With 700 shared and 400 of a's own, 70 t in all: 700 yuan, 30 t short, a at most 40 t.
    Sensitivity: without a's own row 40 + 40 t are as good; without the shared row the second case costs 900.
    """
    events = [event(50, id="a", budget={"total": 300}), event(50, id="b")]
    answer = through_doors(events, [offer("A", 1, 500, 10)], budget={"total": 800})
    assert (answer.bought, answer.cost) == ({"a A": "30", "b A": "50"}, "800.00")
    assert answer.spending(None) == {2026: (None, "800.00", "0.00")}
    events = [event(50, id="a", budget={"total": 400}), event(50, id="b")]
    answer = through_doors(events, [offer("A", 1, 500, 10)], budget={"total": 700})
    assert (answer.cost, answer.shortfall) == ("700.00", "30")
    assert float(answer["events"][0]["cost"]) <= 400


@pytest.mark.parametrize(("budget", "bought", "cost"), [("31.03", "3", "31.03"), ("31.02", "2", "20.69")])
def test_budgets_are_tested_on_exact_sums(through_doors, budget, bought, cost):
    """Proves: unit costs are never rounded; only what is printed is.

    Arithmetic: 10.01 x 1.0333 = 10.343333 yuan/t. 3 t cost 31.029999, within 31.03, printed 31.03; not within 31.02.
    2 t cost 20.686666, printed 20.69.
    Sensitivity: a unit cost rounded up to 10.35 makes 31.05 and loses the third tonne under 31.03.
    """
    offers = [offer("A", 1, 3, "10.01", fee_rate="0.0333")]
    answer = through_doors(event(3, budget={"total": budget}), offers)
    assert (answer.bought, answer.cost) == ({"A": bought}, cost)


def test_a_budget_of_nothing_still_takes_gifts(through_doors):
    """Proves: a budget of 0 is a budget, and a price of 0 is a price.

    Arithmetic: 30 t at 0, 100 t at 10; budget 0: 30 t, 70 t short, cost 0.
    Sensitivity: a budget of 0 read as none buys all 100 t.
    """
    offers = [offer("gift", 1, 30, 0, channel="donation"), offer("A", 1, 100, 10)]
    answer = through_doors(event(100, budget={"total": 0}), offers)
    assert (answer.bought, answer.shortfall) == ({"gift": "30"}, "70")


def test_fees_are_inside_the_budget(through_doors):
    """Proves: budgets are all-in: price, fee rate, unit fee and fixed fee.

    Arithmetic: 10 x 1.1 + 2 = 13 yuan/t and 35 yuan a line: 100 yuan buy (100 - 35) / 13 = 5 t for 65 + 35 = 100.
    Sensitivity: 10 t without fees, 7 t without the fixed fee, 6 t without the unit fee.
    """
    offers = [offer("A", 1, 50, 10, fee_rate="0.1", unit_fee=2, fixed_fee=35)]
    answer = through_doors(event(50, budget={"total": 100}), offers)
    assert (answer.bought, answer.cost) == ({"A": "5"}, "100.00")
    assert answer.line("A")["unit_price"] == "10.00"
