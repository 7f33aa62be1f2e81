"""When money is paid, in which fiscal year, and how whole fen add up."""

import pytest

from tests.worked.market import event, offer


def paid(line):
    return [(p["date"], p["amount"]) for p in line["payments"]]


def test_a_blank_schedule_pays_everything_on_the_purchase_date(through_doors):
    """Proves: no schedule is one payment on the day of purchase.

    Arithmetic: 100 x 10 = 1000 on 2026-11-22.
    Sensitivity: paid at the event's end or the deadline.
    """
    answer = through_doors(event(100), [offer("A", 1, 100, 10)])
    assert paid(answer.line("A")) == [("2026-11-22", "1000.00")]


def test_a_schedule_spreads_the_cost_fees_included(through_doors):
    """Proves: instalments are shares of the whole line cost.

    Arithmetic: 100 x 10 x 1.1 + 100 x 1 + 40 = 1240; half on 2026-12-31, half on 2028-06-30: 620 each.
    Sensitivity: 500 each without fees; the fixed fee paid at once gives 640 and 600.
    """
    schedule = "2026-12-31=0.5;2028-06-30=0.5"
    offers = [offer("A", 1, 100, 10, fee_rate="0.1", unit_fee=1, fixed_fee=40, payment_schedule=schedule)]
    answer = through_doors(event(100), offers)
    assert paid(answer.line("A")) == [("2026-12-31", "620.00"), ("2028-06-30", "620.00")]
    assert answer.spending() == {2026: (None, "620.00", "0.00"), 2028: (None, "620.00", "0.00")}


def test_instalments_before_the_purchase_are_paid_on_the_purchase_date(through_doors):
    """Proves: what was due before is paid on the day of purchase, together.

    Arithmetic: 0.3 of 2026-01-01 and 0.3 of 2026-06-30 are due on 2026-11-22: 600; 0.4 on 2027-06-30: 400.
    Sensitivity: payments dated before the plan; 300 lost.
    """
    schedule = "2026-01-01=0.3;2026-06-30=0.3;2027-06-30=0.4"
    answer = through_doors(event(100), [offer("A", 1, 100, 10, payment_schedule=schedule)])
    assert paid(answer.line("A")) == [("2026-11-22", "600.00"), ("2027-06-30", "400.00")]


@pytest.mark.parametrize("whole_lots", [True, False])
def test_budgets_by_year_count_payments_not_purchases(through_doors, whole_lots):
    """Proves: pay_{a,y} puts each instalment into its fiscal year.

    Arithmetic: 40 % in 2026, 60 % in 2027, price 10. 200 in 2026 pay 50 t, 900 in 2027 would pay 150 t: 50 t of 100.
    The 30 instalments of 2027 cost 300.
    Sensitivity: 20 t when the whole cost falls into 2026, 90 t when it falls into 2027.
    """
    budget = {"by_fiscal_year": {2026: 200, 2027: 900}}
    offers = [offer("A", 1, 100, 10, payment_schedule="2026-12-31=0.4;2027-12-31=0.6", valid_until="2026-12-31")]
    answer = through_doors(event(100, budget=budget), offers, settings={"whole_lots": whole_lots})
    assert (answer.bought, answer.shortfall) == ({"A": "50"}, "50")
    assert answer.spending() == {2026: ("200.00", "200.00", "0.00"), 2027: ("900.00", "300.00", "0.00")}


def test_a_later_purchase_moves_what_was_due_before_it(through_doors):
    """Proves: the purchase date decides what an instalment of the past becomes.

    Arithmetic: 50 % due on 2026-12-31, 50 % on 2027-12-31; nothing in 2026, 1000 in 2027: bought on 2027-01-01, all of
    it is paid in 2027: 100 x 10 = 1000.
    Sensitivity: 0 t when the first half stays in 2026.
    """
    budget = {"by_fiscal_year": {2026: 0, 2027: 1000}}
    offers = [offer("A", 1, 100, 10, payment_schedule="2026-12-31=0.5;2027-12-31=0.5")]
    answer = through_doors(event(100, budget=budget), offers)
    assert paid(answer.line("A")) == [("2027-01-01", "500.00"), ("2027-12-31", "500.00")]


def test_present_values_follow_the_instalments(through_doors):
    """Proves: each instalment is discounted from its own year.

    Arithmetic: 1000 yuan, half in 2026, half in 2028, at 10 %: 500 + 500 / 1.21 = 913.2231..., printed 913.22.
    Sensitivity: 1000 or 826.45 when all of it is put into one year.
    """
    offers = [offer("A", 1, 100, 10, payment_schedule="2026-12-31=0.5;2028-06-30=0.5", valid_until="2026-12-31")]
    answer = through_doors(event(100), offers, settings={"discount_rate": "0.1"})
    assert (answer.levels["cost"], answer.cost) == ("913.22", "1000.00")


def test_shares_of_a_year_go_by_the_largest_remainder(through_doors):
    """Proves: printed instalments add up to the printed cost.

    Arithmetic: 1.00 yuan in shares of 0.3333, 0.3333 and 0.3334: 33.33, 33.33, 33.34 fen: the odd fen to the largest
    remainder: 0.33, 0.33, 0.34.
    Sensitivity: 0.33 three times adds up to 0.99.
    """
    schedule = "2026-12-01=0.3333;2026-12-15=0.3333;2026-12-31=0.3334"
    answer = through_doors(event(1), [offer("A", 1, 1, 1, payment_schedule=schedule)])
    assert [amount for _, amount in paid(answer.line("A"))] == ["0.33", "0.33", "0.34"]
    assert answer.cost == "1.00"


def test_years_are_rounded_as_running_sums(through_doors):
    """Proves: years add up to the total too, and none exceeds a whole-fen budget.

    Arithmetic: the same shares over 2026, 2027 and 2028: running sums 33.33, 66.66, 100 fen are 33, 67, 100.
    Sensitivity: 0.33 + 0.33 + 0.33 = 0.99.
    """
    schedule = "2026-12-31=0.3333;2027-12-31=0.3333;2028-12-31=0.3334"
    answer = through_doors(event(1), [offer("A", 1, 1, 1, payment_schedule=schedule)])
    assert [spent for _, spent, _ in answer.spending().values()] == ["0.33", "0.34", "0.33"]
    assert answer.cost == "1.00"


def test_lines_add_up_to_the_total(through_doors):
    """Proves: the total is rounded half up, lines share it out by largest remainder.

    Arithmetic: two lines of one tonne at 10.343333 (10.01 x 1.0333) and 10.333333: 20.676666, printed 20.68.
    1034.3333 and 1033.3333 fen: floors 2067 of 2068; equal remainders, the odd fen to the first line.
    Sensitivity: each line rounded alone gives 10.34 + 10.33 = 20.67.
    """
    offers = [offer("A", 1, 1, "10.01", fee_rate="0.0333", unit_fee=0), offer("B", 1, 1, "10.01", fee_rate="0.0333")]
    answer = through_doors(event(2), offers)
    assert [x["cost"] for x in answer["lines"]] == ["10.35", "10.34"]
    assert (answer.cost, answer["events"][0]["cost"]) == ("20.69", "20.69")


def test_events_add_up_to_the_total(through_doors):
    """Proves: costs of events are shared out of the rounded total as well.

    Arithmetic: three events of one tonne at 10.343333: 31.029999, printed 31.03; running sums 10.343, 20.687, 31.030:
    10.34, 10.35, 10.34.
    Sensitivity: 10.34 three times adds up to 31.02.
    """
    events = [event(1, id=name) for name in ("a", "b", "c")]
    answer = through_doors(events, [offer("A", 1, 3, "10.01", fee_rate="0.0333")])
    assert [e["cost"] for e in answer["events"]] == ["10.34", "10.35", "10.34"]
    assert answer.cost == "31.03"
