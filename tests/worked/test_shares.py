"""Limits: hard max shares and soft min shares, by group or by what an offer is, of the event's need."""

from typing import Any

import pytest

from tests.worked.market import event, offer


def test_a_max_share_binds_every_single_seller(through_doors):
    """Proves: `group: seller` caps each seller apart, as a share of the need.

    Arithmetic: cap 40 % of 100 t. Sellers at 10, 20, 30: 40 x 10 + 40 x 20 + 20 x 30 = 400 + 800 + 600 = 1800.
    Sensitivity: 1000 without the cap; 40 t in all with one row for all sellers.
    """
    offers = [offer(s, 1, 100, p, seller=s) for s, p in (("S1", 10), ("S2", 20), ("S3", 30))]
    answer = through_doors(event(100, limits=[{"group": "seller", "max_share": 0.4}]), offers)
    assert (answer.bought, answer.cost) == ({"S1": "40", "S2": "40", "S3": "20"}, "1800.00")


def test_a_blank_key_belongs_to_no_group(through_doors):
    """Proves: offers without a seller are not one seller.

    Arithmetic: 40 t from S1 at 10, then 60 t from the two offers without a seller, at 15: 400 + 900 = 1300.
    Sensitivity: blanks grouped as one seller give 40 t, and 20 t at 30: 400 + 600 + 600 = 1600.
    """
    offers = [
        offer("S1", 1, 100, 10, seller="S1"),
        offer("x", 1, 30, 15),
        offer("y", 1, 30, 15),
        offer("S2", 1, 100, 30, seller="S2"),
    ]
    answer = through_doors(event(100, limits=[{"group": "seller", "max_share": 0.4}]), offers)
    assert (answer.bought, answer.cost) == ({"S1": "40", "x": "30", "y": "30"}, "1300.00")


GROUPS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "seller": ({"seller": "S"}, {"seller": "S"}, {"seller": "T"}),
    "project_id": ({"project_id": "P"}, {"project_id": "P"}, {"project_id": "Q"}),
    "instrument": ({}, {}, {"instrument": "ccer"}),
    "tier": ({"region": "14"}, {"region": "140100"}, {}),
    "region": ({"region": "150100"}, {"region": "150200"}, {"region": "610100"}),
    "vintage": ({"vintage": 2024}, {"vintage": 2024}, {"vintage": 2023}),
    "mechanism": ({}, {}, {"mechanism": "GS"}),
    "methodology": ({"methodology": "M"}, {"methodology": "M"}, {"methodology": "N"}),
    "registry": ({"registry": "R"}, {"registry": "R"}, {"registry": "S"}),
    "channel": ({"channel": "agent"}, {"channel": "agent"}, {"channel": "holder"}),
}


@pytest.mark.parametrize("key", GROUPS)
@pytest.mark.parametrize("whole_lots", [True, False])
def test_every_key_can_group(through_doors, key, whole_lots):
    """Proves: each key of an offer can be a group; regions go by province.

    Arithmetic: two offers of one group, 30 t each at 10, and one of another group at 30; cap 40 % of 100 t, where the
    other group has another cap's worth: 40 x 10 + 40 x 30 = 1600, and 20 t short.
    Sensitivity: a key that is not read gives 60 x 10 + 40 x 30 = 1800 and no shortfall; regions by city as well.
    """
    one, two, other = GROUPS[key]
    offers = [offer("a", 5, 30, 10, **one), offer("b", 5, 30, 10, **two), offer("c", 5, 100, 30, **other)]
    limits = [{"group": key, "max_share": 0.4}]
    settings = {"whole_lots": whole_lots}
    answer = through_doors(event(100, limits=limits), offers, objective="cost-first", settings=settings)
    assert (answer.cost, answer.shortfall) == ("1600.00", "20")


def test_a_max_share_where_takes_all_that_match_together(through_doors):
    """Proves: `where` makes one group; all its keys must hold, any value of a key will do.

    Arithmetic: at most 30 % of 100 t from (ccer or credit) of province 15: 30 x 10. The rest from ccer of 61 at 20,
    which does not match: 70 x 20. 300 + 1400 = 1700.
    Sensitivity: keys joined by "or" cap the 70 t too.
    """
    offers = [
        offer("a", 5, 50, 10, instrument="ccer", region="150100"),
        offer("b", 5, 50, 10, instrument="credit", region="150200"),
        offer("c", 5, 100, 20, instrument="ccer", region="61"),
    ]
    limits = [{"where": {"instrument": ["ccer", "credit"], "region": "15"}, "max_share": 0.3}]
    answer = through_doors(event(100, limits=limits), offers)
    assert (answer.cost, answer.bought["c"], answer.shortfall) == ("1700.00", "70", "0")


def test_shares_count_effective_tonnes(through_doors):
    """Proves: a limit on forestry counts what the forest covers, not what is contracted.

    Arithmetic: 30 % of 100 t = 30 t effective = 60 t contracted at delivery 0.5 (tier 3); 70 t of tier 4.
    60 x 10 + 70 x 50 = 600 + 3500 = 4100.
    Sensitivity: counted as contracted 30 t cover 15, and 85 t of tier 4 cost 4250: 4550 in all.
    """
    offers = [offer("C", 3, 500, 10, delivery_schedule="2030-12-31=0.5"), offer("D", 4, 500, 50)]
    limits = [{"where": {"instrument": "forestry"}, "max_share": 0.3}]
    answer = through_doors(event(100, limits=limits), offers)
    assert (answer.bought, answer.cost) == ({"C": "60", "D": "70"}, "4100.00")
    assert answer.line("C")["effective_t"] == "30"


@pytest.mark.parametrize(("whole_lots", "bought"), [(True, "50"), (False, "50.5")])
def test_a_cap_between_two_lots_is_the_lower_one(through_doors, whole_lots, bought):
    """Proves: with whole lots a cap is floored to the lots of its group; in the LP it is exact.

    Arithmetic: 50 % of 101 t = 50.5 t: 50 lots of 1 t, or 50.5 t.
    Sensitivity: 51 t would break the cap.
    """
    limits = [{"group": "seller", "max_share": 0.5}]
    offers = [offer("A", 1, 200, 10, seller="S")]
    answer = through_doors(event(101, limits=limits), offers, settings={"whole_lots": whole_lots})
    assert answer.bought == {"A": bought}


def test_shares_are_of_the_need_also_when_it_cannot_be_met(through_doors):
    """Proves: a share is of the need, not of what is covered; the plan prints shares of both.

    Arithmetic: one seller with 60 t and a cap of 40 % of 100 t: 40 t; 0.4 of the need, all of what is covered.
    Sensitivity: a share of what is covered would allow nothing.
    """
    limits = [{"group": "seller", "max_share": 0.4}]
    answer = through_doors(event(100, limits=limits), [offer("A", 1, 60, 10, seller="S")])
    assert (answer.bought, answer.shortfall) == ({"A": "40"}, "60")
    assert (answer["tiers"][0]["share"], answer["tiers"][0]["share_of_covered"]) == ("0.4", "1")


def test_a_cap_that_just_fits_is_no_cap(through_doors):
    """Proves: a share is inclusive.

    Arithmetic: 50 % of 100 t from each of two sellers with 50 t each: 100 t, nothing short.
    Sensitivity: a strict or a rounded-down cap leaves 2 t.
    """
    offers = [offer("A", 1, 50, 10, seller="S"), offer("B", 1, 50, 20, seller="T")]
    answer = through_doors(event(100, limits=[{"group": "seller", "max_share": 0.5}]), offers)
    assert (answer["status"], answer.cost) == ("covered", "1500.00")


def test_limits_are_of_each_event_apart(through_doors):
    """Proves: shares are per event: of its own need, over its own purchases.

    Arithmetic: events of 100 and 50 t, cap 40 %: 40 + 20 t from the seller, the rest at 30.
    60 x 10 + 90 x 30 = 600 + 2700 = 3300.
    Sensitivity: one cap of 40 % over both would allow 60 t in any split; a cap of the first event's need 40 + 40.
    """
    limits = [{"group": "seller", "max_share": 0.4}]
    events = [event(100, id="a", limits=limits), event(50, id="b", limits=limits)]
    offers = [offer("A", 1, 500, 10, seller="S"), offer("B", 1, 500, 30)]
    answer = through_doors(events, offers)
    assert answer.bought == {"a A": "40", "a B": "60", "b A": "20", "b B": "30"}
    assert answer.cost == "3300.00"


@pytest.mark.parametrize("whole_lots", [True, False])
def test_a_min_share_is_met_before_cost_is_looked_at(through_doors, whole_lots):
    """Proves: a min share is level `rules`, above cost.

    Arithmetic: at least 50 % of 100 t from Shanxi at 30, the rest at 10: 1500 + 500 = 2000.
    Sensitivity: 1000 when it is ignored.
    """
    limits = [{"where": {"region": "14"}, "min_share": 0.5}]
    offers = [offer("in", 2, 100, 30), offer("out", 5, 100, 10)]
    settings = {"whole_lots": whole_lots}
    answer = through_doors(event(100, limits=limits), offers, objective="cost-first", settings=settings)
    assert (answer.bought, answer.cost) == ({"in": "50", "out": "50"}, "2000.00")
    assert answer.levels["rules"] == "0"


@pytest.mark.parametrize("whole_lots", [True, False])
def test_a_missed_min_share_is_told_in_tonnes(through_doors, whole_lots):
    """Proves: a min share is soft; what it misses is a level's value and a line of `rules`, the plan stays covered.

    Arithmetic: 50 of 100 t are wanted from Shanxi, 20 t are on offer: 30 t missed; 20 x 30 + 80 x 10 = 1400.
    Sensitivity: a hard row is infeasible, or leaves 60 t uncovered.
    """
    limits = [{"where": {"region": "14"}, "min_share": 0.5}]
    offers = [offer("in", 2, 20, 30), offer("out", 5, 100, 10)]
    answer = through_doors(event(100, limits=limits), offers, settings={"whole_lots": whole_lots})
    assert (answer["status"], answer.cost, answer.levels["rules"]) == ("covered", "1400.00", "30")
    assert answer.rule("min share region=14 50 %")["missed_t"] == "30"
    assert answer.causes == [("min_share", "20", "50")]


def test_a_min_and_a_max_share_of_one_group_make_a_band(through_doors):
    """Proves: one limit may carry both.

    Arithmetic: Shanxi between 20 % and 30 % of 100 t. Tier 2 comes before unranked, so 30 t: 30 x 30 + 70 x 10 = 1600.
    By cost alone 20 t: 20 x 30 + 80 x 10 = 1400.
    Sensitivity: 3000 without the max, 1000 without the min.
    """
    limits = [{"where": {"region": "14"}, "min_share": 0.2, "max_share": 0.3}]
    offers = [offer("in", 2, 100, 30), offer("out", 5, 100, 10)]
    assert through_doors(event(100, limits=limits), offers).cost == "1600.00"
    assert through_doors(event(100, limits=limits), offers, objective="cost-first").cost == "1400.00"


def test_a_limit_may_name_tiers_and_single_offers(through_doors):
    """Proves: `where` also takes tiers and offer ids.

    Arithmetic: at most 30 % of 100 t from tier 1 and at most 10 % from offer C; B has 55 t:
    30 x 50 + 55 x 40 + 10 x 10 = 1500 + 2200 + 100 = 3800, and 5 t short.
    Sensitivity: without the tier's cap 100 x 50 = 5000.
    """
    limits = [{"where": {"tier": 1}, "max_share": 0.3}, {"where": {"offer_id": ["C"]}, "max_share": 0.1}]
    offers = [offer("A", 1, 100, 50), offer("B", 2, 55, 40), offer("C", 5, 100, 10)]
    answer = through_doors(event(100, limits=limits), offers)
    assert (answer.bought, answer.cost) == ({"A": "30", "B": "55", "C": "10"}, "3800.00")
    assert answer.shortfall == "5"
