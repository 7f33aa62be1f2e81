"""Dates: deadlines, settlement, forests, buffers, and when to buy."""

import pytest

from tests.worked.market import event, offer


@pytest.mark.parametrize(("settlement_days", "bought"), [(364, {"A": "10"}), (365, {})])
def test_a_year_after_29_february_ends_on_28_february(through_doors, settlement_days, bought):
    """Proves: end + 1 year is the same calendar day, 29 Feb becomes 28 Feb; the deadline is inclusive.

    Arithmetic: from 2028-03-01 to 2029-02-28 are 364 days.
    Sensitivity: 365 days when the deadline is 2029-03-01; 363 when it is exclusive.
    """
    here = event(10, end_date="2028-02-29")
    answer = through_doors(here, [offer("A", 1, 100, 1, settlement_days=settlement_days)], as_of="2028-03-01")
    assert answer.bought == bought
    if bought:
        assert answer.line("A")["retire_by"] == "2029-02-28"


def test_six_years_after_29_february_end_on_28_february_too(through_doors):
    """Proves: the forest deadline of 2028-02-29 is 2034-02-28.

    Arithmetic: a share of 0.5 due on 2034-02-28 counts, one of 1 due on 2034-03-01 does not: 20 t contracted for 10.
    Sensitivity: 10 t when the deadline is 2034-03-01.
    """
    offers = [offer("C", 3, 100, 1, delivery_schedule="2034-02-28=0.5;2034-03-01=1")]
    answer = through_doors(event(10, end_date="2028-02-29"), offers, as_of="2028-03-01")
    assert (answer.bought, answer.line("C")["retire_by"]) == ({"C": "20"}, "2034-02-28")


def test_a_plan_after_the_deadline_has_nothing_to_buy(through_doors):
    """Proves: one year after the event's end everything but forests is too late.

    Arithmetic: on 2027-10-12 issued credits are a day late; the forest still delivers 100 t by 2032-10-11.
    Sensitivity: forests judged by the one-year deadline leave nothing at all.
    """
    answer = through_doors(event(10), [offer("A", 1, 100, 1), offer("C", 3, 100, 5)], as_of="2027-10-12")
    assert (answer.bought, answer.reasons("A")) == ({"C": "10"}, ["not_yet_open", "too_late"])
    assert answer.line("C")["retire_by"] == "2032-10-11"


def test_allow_late_keeps_what_misses_the_year_and_flags_it(through_doors):
    """Proves: "in principle" lets the user keep late purchases; each line says so, and so does the plan.

    Arithmetic: tier 1 settles after 400 days, tier 2 after none: 60 t late at 10, 40 t at 20: 600 + 800 = 1400.
    Sensitivity: without the setting 100 x 20 = 2000.
    """
    offers = [offer("A", 1, 60, 10, settlement_days=400), offer("B", 2, 100, 20)]
    answer = through_doors(event(100), offers, settings={"allow_late": True})
    assert (answer.bought, answer.cost) == ({"A": "60", "B": "40"}, "1400.00")
    assert (answer.line("A")["late"], answer.line("B")["late"]) == (True, False)
    assert answer.line("A")["retire_by"] == "2027-10-11"
    assert answer.warnings == ["late"]
    assert through_doors(event(100), offers).cost == "2000.00"


def test_a_late_offer_has_one_purchase_date(through_doors):
    """Proves: late purchases have the earliest valid date only, whatever the years' money.

    Arithmetic: 300 yuan in 2026, 9000 in 2027, at 10: the late offer can only be bought in 2026: 30 t of 100.
    Sensitivity: 100 t when it may wait for 2027.
    """
    budget = {"by_fiscal_year": {2026: 300, 2027: 9000}}
    offers = [offer("A", 1, 100, 10, settlement_days=400)]
    answer = through_doors(event(100, budget=budget), offers, settings={"allow_late": True})
    assert [(x["purchase_date"], x["contracted_t"]) for x in answer["lines"]] == [("2026-11-22", "30")]


def test_forests_need_no_settlement_before_the_year_is_out(through_doors):
    """Proves: settlement days and the one-year deadline bind everything but forestry.

    Arithmetic: 10 t of a forest that settles after 3000 days, beyond its own six years too.
    Sensitivity: left out as too late.
    """
    assert through_doors(event(10), [offer("C", 3, 100, 1, settlement_days=3000)]).bought == {"C": "10"}


SCHEDULE = "2029-12-31=0.2;2032-10-11=0.5;2036-12-31=1"


@pytest.mark.parametrize(
    ("keys", "bought", "cost"),
    [
        ({"delivery_schedule": SCHEDULE}, "200", "2000.00"),
        ({"delivery_schedule": SCHEDULE, "buffer": "0.2"}, "250", "2500.00"),
        ({"delivery_schedule": "2029-12-31=0.2;2032-10-12=0.5", "buffer": "0.5"}, "1000", "10000.00"),
    ],
)
@pytest.mark.parametrize("whole_lots", [True, False])
def test_a_forest_counts_what_has_accrued_after_six_years(through_doors, keys, bought, cost, whole_lots):
    """Proves: effective = cumulative share at the deadline (a step function, inclusive) x (1 - buffer).

    Arithmetic: need 100 t by 2032-10-11. Share 0.5: 200 t. With a buffer of 0.2: 0.4, 250 t. A day later only 0.2,
    with a buffer of 0.5: 0.1, 1000 t. At 10 yuan.
    Sensitivity: interpolated shares, the whole schedule (100 t), a buffer added instead of taken (83 t).
    """
    answer = through_doors(event(100), [offer("C", 3, 2000, 10, **keys)], settings={"whole_lots": whole_lots})
    assert (answer.bought, answer.cost, answer.shortfall) == ({"C": bought}, cost, "0")


EX_ANTE = {"planted_by": "2027-04-30", "certification_due": "2032-10-11", "delivery_schedule": SCHEDULE}


@pytest.mark.parametrize(
    ("keys", "bought"),
    [
        ({}, {"C": "100"}),
        ({"buffer": "0.2"}, {"C": "125"}),
        ({"delivery_schedule": ""}, {"C": "100"}),
        ({"certification_due": "2032-10-12"}, {}),
        ({"planted_by": "2032-10-12"}, {}),
        ({"planted_by": None}, {}),
    ],
)
def test_ex_ante_counts_the_whole_schedule_if_planted_and_certified_in_time(through_doors, keys, bought):
    """Proves: the other reading: all that will ever be delivered counts, and the plan says that it is used.

    Arithmetic: 100 t of need: 100 t; with a buffer of 0.2 100 / 0.8 = 125 t; nothing when one day late or undated.
    Sensitivity: 200 t when the accrued share is used; 100 t when a blank date passes.
    """
    offers = [offer("C", 3, 2000, 10, **{**EX_ANTE, **keys})]
    answer = through_doors(event(100), offers, settings={"forestry_accrual": "ex_ante"})
    assert answer.bought == bought
    assert answer.warnings == (["ex_ante"] if bought else [])
    assert bought or answer.reasons("C") == ["forestry_delivers_nothing"]


def test_a_blank_delivery_schedule_has_accrued_nothing(through_doors):
    """Proves: the strict reading counts no promise without dates.

    Arithmetic: 0 t.
    Sensitivity: 100 t when a blank is read as all at once.
    """
    answer = through_doors(event(100), [offer("C", 3, 2000, 10, delivery_schedule="")])
    assert (answer.bought, answer.reasons("C")) == ({}, ["forestry_delivers_nothing"])


def test_a_purchase_waits_for_the_day_on_which_the_outlook_turns(through_doors):
    """Proves: an outlook factor holds from its day on, and each change is a candidate date.

    Arithmetic: allowances at 50 x 0.8 = 40 from 2027-03-01, x 1.2 from 2027-06-01: 100 x 40 = 4000 on 2027-03-01.
    Sensitivity: 5000 today; 6000 when the last factor wins.
    """
    outlook = [
        {"instrument": "allowance", "from": "2027-03-01", "factor": "0.8"},
        {"instrument": "allowance", "from": "2027-06-01", "factor": "1.2"},
    ]
    answer = through_doors(event(100), [offer("D", 4, 100, 50)], outlook=outlook)
    line = answer.line("D")
    assert (line["purchase_date"], line["unit_price"], line["cost"]) == ("2027-03-01", "40.00", "4000.00")


@pytest.mark.parametrize(
    ("keys", "first", "cost"),
    [
        ({"valid_until": "2027-02-28"}, "2026-11-22", "5000.00"),
        ({"settlement_days": 225}, "2026-11-22", "5000.00"),
        ({"settlement_days": 224}, "2027-03-01", "4000.00"),
        ({"instrument": "ccer", "mechanism": "CCER"}, "2026-11-22", "5000.00"),
    ],
)
def test_a_purchase_waits_only_where_it_still_can(through_doors, keys, first, cost):
    """Proves: later dates respect valid_until, settlement and the deadline, and a factor is of its instrument alone.

    Arithmetic: 2027-03-01 to 2027-10-11 are 224 days. 100 x 50 today or 100 x 40 on 2027-03-01.
    Sensitivity: 4000 for a purchase that is no longer valid or settles too late.
    """
    outlook = [{"instrument": "allowance", "from": "2027-03-01", "factor": "0.8"}]
    answer = through_doors(event(100), [offer("D", 4, 100, 50) | keys], outlook=outlook)
    assert (answer.line("D")["purchase_date"], answer.cost) == (first, cost)


def test_a_factor_applies_to_the_price_and_its_fee_rate_but_not_to_unit_fees(through_doors):
    """Proves: unit cost = price x outlook x (1 + fee rate) + unit fee.

    Arithmetic: 50 x 0.8 x 1.1 + 2 = 46 yuan/t; 100 t and a fixed fee of 7: 4607. unit_price 40 is before fees.
    Sensitivity: (50 x 1.1 + 2) x 0.8 = 45.60 when the unit fee is scaled too.
    """
    outlook = [{"instrument": "allowance", "from": "2026-01-01", "factor": "0.8"}]
    offers = [offer("D", 4, 100, 50, fee_rate="0.1", unit_fee=2, fixed_fee=7)]
    answer = through_doors(event(100), offers, outlook=outlook)
    assert (answer.line("D")["unit_price"], answer.cost) == ("40.00", "4607.00")


@pytest.mark.parametrize("whole_lots", [True, False])
def test_a_discount_rate_makes_a_payment_of_next_year_cheaper(through_doors, whole_lots):
    """Proves: level `cost` is the present value by year of payment; totals stay nominal.

    Arithmetic: at 8 % 54 yuan of 2027 are 50.00 today: 54 / 1.08. A at 51 only in 2026, B at 54 from 2027: B, 5400
    nominal, level cost 5000.00.
    Sensitivity: A for 5100 when years are not discounted; total 5000 when the present value is printed as money.
    """
    offers = [offer("A", 1, 100, 51, valid_until="2026-12-31"), offer("B", 1, 100, 54, valid_from="2027-01-01")]
    answer = through_doors(event(100), offers, settings={"discount_rate": "0.08", "whole_lots": whole_lots})
    assert (answer.bought, answer.cost, answer.levels["cost"]) == ({"B": "100"}, "5400.00", "5000.00")


def test_with_a_discount_rate_the_same_price_is_paid_next_year(through_doors):
    """Proves: a discount rate adds the first valid date of each later year as a candidate.

    Arithmetic: 100 x 50 in 2027 at 10 %: 5000 / 1.1 = 4545.4545..., printed 4545.45.
    Sensitivity: 5000.00 when only the first date exists.
    """
    answer = through_doors(event(100), [offer("A", 1, 100, 50)], settings={"discount_rate": "0.1"})
    assert (answer.line("A")["purchase_date"], answer.levels["cost"]) == ("2027-01-01", "4545.45")
    assert answer.cost == "5000.00"


def test_without_a_reason_to_wait_the_first_valid_day_is_bought(through_doors):
    """Proves: purchase dates are the first valid date where nothing makes a later one matter.

    Arithmetic: from 2027-02-01 on: bought on 2027-02-01.
    Sensitivity: 2026-11-22, or the offer's last day.
    """
    offers = [offer("A", 1, 50, 50, valid_from="2027-02-01"), offer("B", 1, 50, 50, valid_from="2020-01-01")]
    answer = through_doors(event(100), offers)
    assert [x["purchase_date"] for x in answer["lines"]] == ["2027-02-01", "2026-11-22"]


def test_the_plan_is_valid_until_its_first_quote_lapses(through_doors):
    """Proves: plan.valid_until is the earliest valid_until among used lines.

    Arithmetic: used lines until 2026-12-31 and 2027-03-31, an unused one until 2026-11-30: 2026-12-31.
    Sensitivity: 2026-11-30 with unused offers counted, 2027-03-31 with the latest.
    """
    offers = [
        offer("A", 1, 50, 50, valid_until="2026-12-31"),
        offer("B", 1, 50, 50, valid_until="2027-03-31"),
        offer("C", 1, 50, 90, valid_until="2026-11-30"),
    ]
    assert through_doors(event(100), offers)["valid_until"] == "2026-12-31"
    assert through_doors(event(10), [offer("A", 1, 50, 50)])["valid_until"] is None
