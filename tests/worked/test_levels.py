"""The order of the levels: presets, priority classes, custom lists with slack."""

import pytest

from tests.worked.market import event, offer

ORDER_AND_PRICE = [offer("A", 1, 100, 50), offer("B", 5, 100, 10)]
"""Tier 1 at 50, unranked at 10."""


def test_priority_first_covers_then_ranks_then_saves(through_doors):
    """Proves: the default covers first; a binding budget buys the cheapest tonnes, often unranked ones, and says so.

    Arithmetic: 1000 yuan, need 100: 100 x 10 = 1000 covers all. In the recommended order 1000 / 50 = 20 t are covered.
    Sensitivity: order first covers 20 t.
    """
    answer = through_doors(event(100, budget={"total": 1000}), ORDER_AND_PRICE)
    assert answer["objective"] == "priority-first"
    assert answer.order == ["shortfall", "tier 1", "tier 2", "tier 3", "tier 4", "cost"]
    assert (answer.bought, answer.levels["tier 1"]) == ({"B": "100"}, "100")
    assert answer["price_of_order"]["order_first_covered_t"] == "20"


@pytest.mark.parametrize("whole_lots", [True, False])
def test_order_first_keeps_the_order_where_it_covers_less(through_doors, whole_lots):
    """Proves: `order-first` minimises the tiers' gaps before the shortfall.

    Arithmetic: 1000 / 50 = 20 t of tier 1, nothing left for the rest: 80 t short.
    Sensitivity: `priority-first` covers all 100 t.
    """
    answer = through_doors(
        event(100, budget={"total": 1000}),
        ORDER_AND_PRICE,
        objective="order-first",
        settings={"whole_lots": whole_lots},
    )
    assert answer.order == ["tier 1", "tier 2", "tier 3", "tier 4", "shortfall", "cost"]
    assert (answer.bought, answer.shortfall, answer.levels["tier 1"]) == ({"A": "20"}, "80", "80")


@pytest.mark.parametrize("whole_lots", [True, False])
def test_cost_first_ranks_only_what_costs_the_same(through_doors, whole_lots):
    """Proves: `cost-first` is the cheapest lawful mix; the order decides between equal costs.

    Arithmetic: 60 t at 10 unranked, then 40 t at 20: tier 4 and unranked cost the same, so tier 4: 600 + 800 = 1400.
    Sensitivity: `priority-first` pays 40 x 20 + 60 x 50 = 3800.
    """
    offers = [offer("A", 1, 60, 50), offer("D", 4, 50, 20), offer("x", 5, 60, 10), offer("y", 5, 60, 20)]
    answer = through_doors(event(100), offers, objective="cost-first", settings={"whole_lots": whole_lots})
    assert answer.order == ["shortfall", "cost", "tier 1", "tier 2", "tier 3", "tier 4"]
    assert (answer.bought, answer.cost) == ({"D": "40", "x": "60"}, "1400.00")


@pytest.mark.parametrize(
    ("epsilon", "whole_lots", "bought", "cost"),
    [
        ("0.05", True, {"A": "1", "B": "99"}, "1040.00"),
        ("0.5", True, {"A": "12", "B": "88"}, "1480.00"),
        ("0", True, {"B": "100"}, "1000.00"),
        ("0.5", False, {"A": "12.5", "B": "87.5"}, "1500.00"),
    ],
)
def test_balanced_spends_a_little_more_for_the_order(through_doors, epsilon, whole_lots, bought, cost):
    """Proves: `balanced` keeps the cost within (1 + epsilon) of its least and then follows the order.

    Arithmetic: least cost 1000. a t of tier 1: 50 a + 10 (100 - a) <= 1000 (1 + epsilon), so a <= 25 epsilon:
    0.05 -> 1.25, 0.5 -> 12.5. Whole lots 1 and 12: 1040 and 1480.
    Sensitivity: epsilon on the tonnes, or the slack forgotten at the second cost level.
    """
    settings = {"whole_lots": whole_lots}
    answer = through_doors(event(100), ORDER_AND_PRICE, objective="balanced", epsilon=epsilon, settings=settings)
    assert answer.order == ["shortfall", "cost", "tier 1", "tier 2", "tier 3", "tier 4", "cost"]
    assert (answer.bought, answer.cost) == (bought, cost)
    first_cost = answer["levels"][1]
    assert (first_cost["value"], first_cost["bound"]) == ("1000.00", "1000.00")


@pytest.mark.parametrize("whole_lots", [True, False])
def test_a_custom_level_may_give_up_an_absolute_amount(through_doors, whole_lots):
    """Proves: `absolute` is in the level's own unit, and the level keeps the least value that it had.

    Arithmetic: need 100; tier 1 has 60 t at 50. Up to 10 t may stay uncovered; then tier 1, then cost:
    60 x 50 + 30 x 10 = 3300; level shortfall reports 0, the plan is 10 t short.
    Sensitivity: slack read in kg or as a share leaves 0.01 t or 0 t; 60 x 50 + 40 x 10 = 3400.
    """
    objective = [{"level": "shortfall", "absolute": 10}, {"level": "tier 1"}, {"level": "cost"}]
    offers = [offer("A", 1, 60, 50), offer("B", 5, 100, 10)]
    answer = through_doors(event(100), offers, objective=objective, settings={"whole_lots": whole_lots})
    assert (answer.bought, answer.cost) == ({"A": "60", "B": "30"}, "3300.00")
    assert (answer.levels["shortfall"], answer.shortfall) == ("0", "10")
    assert answer["objective"] == [{"level": "shortfall", "absolute": "10"}, {"level": "tier 1"}, {"level": "cost"}]


@pytest.mark.parametrize("whole_lots", [True, False])
def test_a_custom_level_may_give_up_a_share_of_its_value(through_doors, whole_lots):
    """Proves: `relative` is a share of the level's absolute value.

    Arithmetic: 60 t on offer for 100: shortfall 40, 25 % of it is 10: up to 50 t may stay uncovered, so cost buys 50 t.
    Sensitivity: 25 % of the need leaves 65 t uncovered, 25 % of what is covered 55 t.
    """
    objective = [{"level": "shortfall", "relative": 0.25}, {"level": "cost"}]
    answer = through_doors(
        event(100), [offer("A", 1, 60, 50)], objective=objective, settings={"whole_lots": whole_lots}
    )
    assert (answer.bought, answer.shortfall, answer.levels["shortfall"]) == ({"A": "50"}, "50", "40")


def test_a_level_that_is_not_listed_does_not_count(through_doors):
    """Proves: a custom list is all there is: cost alone buys nothing.

    Arithmetic: min cost without any need to cover = 0.
    Sensitivity: a hard coverage row buys 100 t.
    """
    answer = through_doors(event(100), ORDER_AND_PRICE, objective=[{"level": "cost"}])
    assert (answer.bought, answer.cost, answer["status"]) == ({}, "0.00", "short")


def test_a_custom_list_may_skip_tiers(through_doors):
    """Proves: tier levels stand alone; tiers 1 and 2 may be treated as one.

    Arithmetic: tier 1 at 50, tier 2 at 30, unranked at 10. "tier 2" alone wants 100 t of tiers 1 or 2: 100 x 30 = 3000.
    Sensitivity: the full order pays 100 x 50 = 5000, cost alone 1000.
    """
    objective = [{"level": "shortfall"}, {"level": "tier 2"}, {"level": "cost"}]
    answer = through_doors(event(100), [*ORDER_AND_PRICE, offer("C", 2, 100, 30)], objective=objective)
    assert (answer.bought, answer.cost) == ({"C": "100"}, "3000.00")


def test_classes_of_events_are_covered_in_their_order(through_doors):
    """Proves: one shortfall level a class, class 1 first, events without a class last.

    Arithmetic: 200 t for three events of 80 t: class 1 takes 80, class 2 takes 80, the one without a class 40.
    Sensitivity: one level for all leaves the split to the tie-break.
    """
    events = [event(80, id="a"), event(80, id="b", priority=2), event(80, id="c", priority=1)]
    answer = through_doors(events, [offer("A", 1, 200, 10)])
    assert answer.order[:3] == ["shortfall 1", "shortfall 2", "shortfall 9"]
    assert answer.bought == {"a A": "40", "b A": "80", "c A": "80"}
    assert [answer.levels[f"shortfall {c}"] for c in (1, 2, 9)] == ["0", "0", "40"]


def test_one_class_is_one_level(through_doors):
    """Proves: events of one class share one level under its plain name.

    Arithmetic: 100 t for two events of 80 t of class 3: 60 t short together.
    Sensitivity: two levels named by class.
    """
    events = [event(80, id="a", priority=3), event(80, id="b", priority=3)]
    answer = through_doors(events, [offer("A", 1, 100, 10)])
    assert (answer.order[0], answer.levels["shortfall"]) == ("shortfall", "60")


def test_min_shares_come_after_coverage_in_the_default(through_doors):
    """Proves: `rules` gives way to `shortfall` under `priority-first`, and comes first under `order-first`.

    Arithmetic: 1000 yuan; Shanxi at 20, elsewhere at 10; at least 50 % of 100 t from Shanxi.
    Default: 100 x 10 covers all and misses 50 t. Order first: 50 x 20 = 1000 misses nothing and leaves 50 t uncovered.
    Sensitivity: the other way round.
    """
    limits = [{"where": {"region": "14"}, "min_share": 0.5}]
    offers = [offer("in", 2, 100, 20), offer("out", 5, 100, 10)]
    here = event(100, budget={"total": 1000}, limits=limits)
    answer = through_doors(here, offers)
    assert (answer.shortfall, answer.levels["rules"]) == ("0", "50")
    answer = through_doors(here, offers, objective="order-first")
    assert (answer.shortfall, answer.levels["rules"]) == ("50", "0")


def test_a_later_tier_is_bought_for_a_min_share_though_nothing_is_left_to_cover(through_doors):
    """Proves: with tier 1 covering all, later tiers are left alone but where a min share counts them.

    Arithmetic: 100 t of tier 1 at 50, and 30 t of tier 5 at 10 for the share of 30 %: 5000 + 300. Nothing of the
    allowances at 5, which cover nothing more.
    Sensitivity: 5000 and 30 t missed when every later tier is left out once tier 1 leaves no gap.
    """
    limits = [{"where": {"region": "15"}, "min_share": 0.3}]
    objective = [{"level": "tier 1"}, {"level": "shortfall"}, {"level": "rules"}, {"level": "cost"}]
    offers = [offer("A", 1, 100, 50), offer("B", 5, 100, 10), offer("C", 4, 100, 5)]
    answer = through_doors(event(100, limits=limits), offers, objective=objective)
    assert (answer.bought, answer.cost, answer.levels["rules"]) == ({"A": "100", "B": "30"}, "5300.00", "0")


def test_equal_offers_are_told_apart_for_good(through_doors):
    """Proves: the tie-break makes one point best, the same whatever the order of rows.

    Arithmetic: three equal offers of 100 t for a need of 100 t: one of them takes all; cost 1000 whichever.
    Sensitivity: a different offer after the rows are turned round.
    """
    offers = [offer(name, 1, 100, 10) for name in ("x", "y", "z")]
    one = through_doors(event(100), offers)
    other = through_doors(event(100), offers[::-1])
    assert len(one.bought) == 1
    assert one["lines"] == other["lines"]
    assert one["plan_id"] == other["plan_id"]
