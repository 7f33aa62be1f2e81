"""Why: break-even prices, what each binding rule costs, what the order and whole lots cost."""

from typing import Any

import pytest

from tests.worked.market import event, offer


def test_a_beaten_offer_knows_the_price_at_which_it_would_be_bought(through_doors):
    """Proves: break-even is the price of the dearest tonne that it would push out.

    Arithmetic: need 100: A 60 t at 50 and B 100 t at 55 in tier 1; C of tier 1 at 58 would have to cost 55.
    Sensitivity: 50 (the cheapest), 58 (its own).
    """
    offers = [offer("A", 1, 60, 50), offer("B", 1, 100, 55), offer("C", 1, 100, 58)]
    answer = through_doors(event(100), offers)
    assert (answer.offer("C")["state"], answer.offer("C")["break_even"]) == ("beaten", "55.00")
    assert answer.reasons("C") == ["beaten_by_price"]


def test_a_break_even_is_all_in(through_doors):
    """Proves: the break-even is an all-in unit price, fees of the beaten offer included.

    Arithmetic: B at 55 with 10 % and 2 yuan costs 62.50; it would be bought at an all-in price of 50, A's.
    Sensitivity: 43.64 = (50 - 2) / 1.1, the list price at which it would be bought.
    """
    offers = [offer("A", 1, 200, 50), offer("B", 1, 100, 55, fee_rate="0.1", unit_fee=2)]
    assert through_doors(event(100), offers).offer("B")["break_even"] == "50.00"


def test_a_break_even_counts_effective_tonnes(through_doors):
    """Proves: a contracted tonne that covers half a tonne is worth half.

    Arithmetic: tier 3: forest A covers 1 t a tonne at 50; forest B covers 0.5: worth 25 a contracted tonne.
    Sensitivity: 50.
    """
    offers = [offer("A", 3, 200, 50), offer("B", 3, 500, 30, delivery_schedule="2030-12-31=0.5")]
    assert through_doors(event(100), offers).offer("B")["break_even"] == "25.00"


def test_what_loses_at_any_price_is_beaten_by_the_order(through_doors):
    """Proves: an unranked offer loses to the order even as a gift: break-even null, reason beaten_by_order.

    Arithmetic: tier 1 covers all 100 t; one tonne of C would leave tier 1 a gap of one more.
    Sensitivity: a break-even of 50, or of 0.
    """
    answer = through_doors(event(100), [offer("A", 1, 200, 50), offer("C", 5, 100, 0)])
    assert (answer.offer("C")["break_even"], answer.reasons("C")) == (None, ["beaten_by_order"])
    clause = answer.offer("C")["reasons"][0]["clause"]
    assert clause == "晋环发〔2022〕41号 三(二)"


def test_under_cost_first_price_decides_for_every_tier(through_doors):
    """Proves: with the order after the cost, tiers have no price.

    Arithmetic: C unranked at 20 covers all; A of tier 1 at 50 would have to cost 20.
    Sensitivity: 50.
    """
    answer = through_doors(event(100), [offer("A", 1, 200, 50), offer("C", 5, 100, 20)], objective="cost-first")
    assert answer.offer("A")["break_even"] == "20.00"


def test_a_cap_costs_the_difference_to_the_next_offer(through_doors):
    """Proves: the price of a max share is yuan per tonne more of it.

    Arithmetic: S at 10 up to 40 t, T at 25 for the rest: one more tonne of S saves 15.
    Sensitivity: 10 or 25, a price instead of a difference; 1500 per unit of share.
    """
    offers = [offer("A", 1, 200, 10, seller="S"), offer("B", 1, 200, 25)]
    limits = [{"group": "seller", "max_share": 0.4}]
    answer = through_doors(event(100, limits=limits), offers, settings={"whole_lots": False})
    rule = answer.rule("max share seller=S 40 %")
    assert (float(rule["marginal"]), rule["unit"], rule["unique"]) == (-15, "yuan per t", True)


@pytest.mark.parametrize("whole_lots", [True, False])
def test_a_min_share_costs_what_its_tonnes_cost_more(through_doors, whole_lots):
    """Proves: the price of a min share is yuan per tonne more of it.

    Arithmetic: Shanxi at 30 instead of 10: 20.
    Sensitivity: 30.
    """
    offers = [offer("in", 2, 100, 30), offer("out", 5, 100, 10)]
    limits = [{"where": {"region": "14"}, "min_share": 0.5}]
    settings = {"whole_lots": whole_lots}
    answer = through_doors(event(100, limits=limits), offers, objective="cost-first", settings=settings)
    rule = answer.rule("min share region=14 50 %")
    assert (float(rule["marginal"]), rule["unit"], rule["unique"]) == (20, "yuan per t", True)


def test_each_place_in_the_order_has_its_price(through_doors):
    """Proves: what one tonne more left to lower tiers would save.

    Arithmetic: tier 1 at 50 (60 t), tier 2 at 40, unranked at 20. A tonne of tier 1 left to tier 2 saves 10, a tonne
    that tiers 1 and 2 leave to the unranked saves 40 - 20 = 20.
    A tonne more of need is covered by the unranked: 20.
    Sensitivity: 30 for tier 1, when its tonne goes straight to the unranked.
    """
    offers = [offer("A", 1, 60, 50), offer("B", 2, 30, 40), offer("C", 5, 100, 20)]
    answer = through_doors(event(100), offers)
    assert answer.bought == {"A": "60", "B": "30", "C": "10"}
    assert float(answer.rule("order: tier 1", None)["marginal"]) == -10
    assert float(answer.rule("order: tier 2", None)["marginal"]) == -20
    assert float(answer.rule("need")["marginal"]) == 20


def test_when_short_money_is_priced_in_tonnes(through_doors):
    """Proves: the price of a budget is tonnes of shortfall per 10,000 yuan.

    Arithmetic: 1000 yuan at 50 cover 20 t; 10,000 yuan more would cover 200 t.
    Sensitivity: 0.02 t per yuan, or 50 yuan per tonne.
    """
    here = event(1000, budget={"total": 1000})
    answer = through_doors(here, [offer("A", 1, 5000, 50)], settings={"whole_lots": False})
    rule = answer.rule("budget total")
    assert (float(rule["marginal"]), rule["unit"], rule["unique"]) == (-200, "t per 10000 yuan", True)


def test_when_short_a_cap_is_priced_in_tonnes(through_doors):
    """Proves: the price of a max share is tonnes of shortfall per tonne when the plan is short.

    Arithmetic: one seller, capped at 40 t: one tonne more covers one tonne more.
    Sensitivity: a price in yuan.
    """
    limits = [{"group": "seller", "max_share": 0.4}]
    offers = [offer("A", 1, 200, 10, seller="S")]
    answer = through_doors(event(100, limits=limits), offers, settings={"whole_lots": False})
    rule = answer.rule("max share seller=S 40 %")
    assert (float(rule["marginal"]), rule["unit"]) == (-1, "t per t")


SETTINGS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "stale quotes": ({"last_traded_on": "2026-01-01"}, {}, "-1200.00"),
    "retirement deadline": ({"settlement_days": 400}, {}, "-1200.00"),
}


@pytest.mark.parametrize("rule", SETTINGS)
def test_a_setting_is_priced_by_solving_without_it(through_doors, rule):
    """Proves: deadlines and settings have no right-hand side; their price is another plan's cost less this one's.

    Arithmetic: 60 t at 30 are left out, so 100 x 50 = 5000; with them 60 x 30 + 40 x 50 = 3800: -1200.
    Sensitivity: a dual of 0.
    """
    keys, settings, saved = SETTINGS[rule]
    offers = [offer("A", 1, 200, 50), offer("B", 1, 60, 30, **keys)]
    answer = through_doors(event(100), offers, settings=settings)
    assert (answer.rule(rule, None)["marginal"], answer.rule(rule, None)["unit"]) == (saved, "yuan without it")


def test_a_setting_that_keeps_an_event_short_is_priced_in_tonnes(through_doors):
    """Proves: where a setting costs coverage its price is tonnes.

    Arithmetic: 60 t in the order, 100 t outside it, not admitted: 40 t short without them, 0 with them.
    Sensitivity: a price in yuan, which would be positive.
    """
    offers = [offer("A", 1, 60, 50), offer("C", 5, 100, 20)]
    answer = through_doors(event(100), offers, settings={"unranked": False})
    rule = answer.rule("unranked means", None)
    assert (rule["marginal"], rule["unit"]) == ("-40", "t without it")


def test_the_forestry_reading_is_priced_by_solving_with_the_other(through_doors):
    """Proves: accrual is priced by the ex-ante plan.

    Arithmetic: the forest (tier 3) delivers 0.2 by its deadline: 500 t at 10 = 5000; ex ante 100 t at 10 = 1000: -4000.
    Sensitivity: 0.
    """
    keys = {"delivery_schedule": "2030-12-31=0.2;2040-12-31=1"}
    offers = [offer("C", 3, 900, 10, planted_by="2027-04-30", certification_due="2031-12-31", **keys)]
    answer = through_doors(event(100), offers)
    assert answer.rule("forestry accrual", None)["marginal"] == "-4000.00"


@pytest.mark.parametrize("whole_lots", [True, False])
def test_the_order_costs_what_the_cheapest_lawful_mix_would_save(through_doors, whole_lots):
    """Proves: price of the order = this plan's cost - the `cost-first` plan's, at the same shortfall.

    Arithmetic: 60 x 50 + 40 x 40 = 4600 in the order; 100 x 20 = 2000 without it: 2600, proven.
    Sensitivity: 4600 against nothing.
    """
    offers = [offer("A", 1, 60, 50), offer("B", 2, 100, 40), offer("C", 5, 100, 20)]
    price = through_doors(event(100), offers, settings={"whole_lots": whole_lots})["price_of_order"]
    assert price == {
        "value": "2600.00",
        "low": "2600.00",
        "high": "2600.00",
        "proven": True,
        "cheapest_cost": "2000.00",
    }


def test_a_binding_budget_hides_what_the_order_costs(through_doors):
    """Proves: `without_budget` stands beside the price that a binding budget drives to 0.

    Arithmetic: 1000 yuan buy 100 t at 10: the cheapest mix is the plan: 0. Without a budget the order costs
    100 x 50 - 100 x 10 = 4000. In the order 1000 yuan cover 20 t.
    Sensitivity: "the order costs nothing".
    """
    offers = [offer("A", 1, 100, 50), offer("B", 5, 100, 10)]
    price = through_doors(event(100, budget={"total": 1000}), offers)["price_of_order"]
    assert (price["value"], price["without_budget"], price["order_first_covered_t"]) == ("0.00", "4000.00", "20")


def test_a_budget_that_does_not_bind_says_nothing(through_doors):
    """Proves: `without_budget` appears only where a budget binds.

    Arithmetic: 100 x 50 = 5000 of 9000.
    Sensitivity: the key with the same value.
    """
    offers = [offer("A", 1, 100, 50), offer("B", 5, 100, 10)]
    price = through_doors(event(100, budget={"total": 9000}), offers)["price_of_order"]
    assert (price["value"], "without_budget" in price) == ("4000.00", False)


def test_the_order_is_priced_at_the_shortfall_that_the_plan_has(through_doors):
    """Proves: under `order-first` the cheapest mix may stay as short as the plan is: it need not cover more.

    Arithmetic: 1000 yuan: 20 t of tier 1 at 50. 20 t at 10 cost 200: the order costs 800.
    Sensitivity: against the full cover at 1000 yuan the order would cost 0.
    """
    offers = [offer("A", 1, 100, 50), offer("B", 5, 100, 10)]
    answer = through_doors(event(100, budget={"total": 1000}), offers, objective="order-first")
    assert (answer.shortfall, answer["price_of_order"]["value"]) == ("80", "800.00")


def test_the_order_is_priced_in_nominal_money(through_doors):
    """Proves: a discount rate changes the level `cost`, not the cost of the order.

    Arithmetic: 100 x 50 - 100 x 10 = 4000, though at 10 % and paid in 2027 it is 3636.36 today.
    Sensitivity: 3636.36.
    """
    offers = [offer("A", 1, 100, 50), offer("B", 5, 100, 10)]
    answer = through_doors(event(100), offers, settings={"discount_rate": "0.1"})
    assert answer["price_of_order"]["value"] == "4000.00"


def test_explanations_can_be_left_out(through_doors):
    """Proves: `explanations="none"` gives plan and proof only.

    Arithmetic: 100 x 50.
    Sensitivity: offers, rules or prices that nobody asked for.
    """
    answer = through_doors(event(100), [offer("A", 1, 100, 50)], explanations="none")
    assert (answer.cost, answer.proofs) == ("5000.00", {"exact"})
    assert (answer["offers"], answer["rules"], answer["price_of_order"], answer["repairs"]) == ([], [], None, [])
