"""When money or supply is short: why, with amounts, and the cheapest ways back, each solved."""

from typing import Any

import pytest

from tests.worked.market import event, offer


@pytest.mark.parametrize("whole_lots", [True, False])
def test_the_least_extra_budget_covers_everything(through_doors, whole_lots):
    """Proves: the least sum that must be added to the budget for the most coverage, as an amount and as a plan.

    Arithmetic: need 100; 40 t at 20 and the rest at 50: 800 + 3000 = 3800; budget 1000: 2800 more.
    1000 yuan cover 40 + 4 = 44 t.
    Sensitivity: 4000 when all is bought at 50; 3800 when the budget is not taken off.
    """
    offers = [offer("A", 1, 200, 50), offer("B", 5, 40, 20)]
    here = event(100, budget={"total": 1000})
    answer = through_doors(here, offers, settings={"whole_lots": whole_lots})
    assert answer.shortfall == "56"
    repair = answer.repair("extra_budget")
    assert (repair["shortfall_t"], repair["cost"], repair["extra_budget"]) == ("0", "3800.00", "2800.00")
    assert repair["additions"] == [{"event_id": "e", "budget": "total", "amount": "2800.00"}]
    assert answer.causes == [("budget", "44", "100")]


def test_extra_budget_by_year_says_which_year(through_doors):
    """Proves: additions are named by fiscal year.

    Arithmetic: 50 t at 30 only in 2026 (1500 of 1000), 50 t at 20 only in 2027 (1000 of 500): 500 in each year, 1000.
    Sensitivity: 1000 in one year does not help the other.
    """
    budget = {"by_fiscal_year": {2026: 1000, 2027: 500}}
    offers = [offer("A", 1, 50, 30, valid_until="2026-12-31"), offer("B", 1, 50, 20, valid_from="2027-01-01")]
    repair = through_doors(event(100, budget=budget), offers).repair("extra_budget")
    assert (repair["extra_budget"], repair["shortfall_t"]) == ("1000.00", "0")
    assert repair["additions"] == [
        {"event_id": "e", "budget": "2026", "amount": "500.00"},
        {"event_id": "e", "budget": "2027", "amount": "500.00"},
    ]


def test_extra_budget_goes_to_the_year_in_which_it_buys_most(through_doors):
    """Proves: the least sum is taken over all years.

    Arithmetic: 100 t at 30 in 2026 or at 20 from 2027 on; 500 in each year. k t in 2026 need max(0, 30 k - 500) +
    max(0, 20 (100 - k) - 500) more: 16: 0 + 1180; 17: 10 + 1160 = 1170; 18: 40 + 1140. So 17 and 83 t for 2170.
    Sensitivity: 1500 (all at 20, 2026 unused), 2000 (all more in 2026 at 30).
    """
    budget = {"by_fiscal_year": {2026: 500, 2027: 500}}
    offers = [offer("A", 1, 100, 30, valid_until="2026-12-31"), offer("B", 1, 100, 20, valid_from="2027-01-01")]
    repair = through_doors(event(100, budget=budget), offers).repair("extra_budget")
    assert (repair["extra_budget"], repair["cost"]) == ("1170.00", "2170.00")


def test_a_shared_budget_is_repaired_under_no_events_name(through_doors):
    """Proves: additions to a calendar's budget have event_id null.

    Arithmetic: two events of 50 t at 10, shared 600: 400 more.
    Sensitivity: 200 for each event.
    """
    events = [event(50, id="a"), event(50, id="b")]
    answer = through_doors(events, [offer("A", 1, 500, 10)], budget={"total": 600})
    assert answer.repair("extra_budget")["additions"] == [{"event_id": None, "budget": "total", "amount": "400.00"}]


def test_lifting_a_cap_is_a_repair(through_doors):
    """Proves: each max share is lifted in its turn.

    Arithmetic: one seller of 200 t capped at 40 of 100 t: 60 short; without the cap 100 x 10 = 1000.
    Sensitivity: no repair, or one that lifts nothing.
    """
    limits = [{"group": "seller", "max_share": 0.4}]
    answer = through_doors(event(100, limits=limits), [offer("A", 1, 200, 10, seller="S")])
    repair = answer.repair("max_share")
    assert (repair["shortfall_t"], repair["cost"]) == ("0", "1000.00")
    assert repair["change"] == "lift the cap: seller <= 40 %"
    assert answer.causes == [("max_share", "40", "100")]


def test_a_min_share_beside_a_lifted_cap_stays(through_doors):
    """Proves: lifting the cap of a band keeps its floor.

    Arithmetic: at most 30 %, at least 20 % from Shanxi, and Shanxi alone sells: 30 t of 100, 70 short; lifted 0 short.
    Sensitivity: a band read as a cap of 20 % leaves 80 t; one read as a floor of 30 % misses nothing and is not lifted.
    """
    limits = [{"where": {"region": "14"}, "min_share": 0.2, "max_share": 0.3}]
    answer = through_doors(event(100, limits=limits), [offer("A", 2, 200, 10)])
    assert (answer.shortfall, answer.levels["rules"]) == ("70", "0")
    assert answer.repair("max_share")["shortfall_t"] == "0"


ADMIT: dict[str, tuple[dict[str, Any], int, dict[str, Any]]] = {
    "unranked": ({"unranked": False}, 5, {}),
    "allow_late": ({}, 1, {"settlement_days": 400}),
    "stale": ({}, 1, {"last_traded_on": "2026-01-01"}),
    "ex_ante": (
        {},
        3,
        {"planted_by": "2027-04-30", "certification_due": "2031-12-31", "delivery_schedule": "2040-12-31=1"},
    ),
}


@pytest.mark.parametrize("kind", ADMIT)
def test_admitting_what_a_setting_keeps_out_is_a_repair(through_doors, kind):
    """Proves: unranked, late, stale and ex-ante offers are admitted in their turn.

    Arithmetic: 60 t at 50 and 100 t at 20 that are left out: 40 short. Admitted, covering cheapest: 100 x 20 = 2000.
    Sensitivity: no repair; or the cost of the recommended order, 60 x 50 + 40 x 20 = 3800.
    """
    settings, tier, keys = ADMIT[kind]
    offers = [offer("A", 1, 60, 50), offer("B", tier, 100, 20, **keys)]
    answer = through_doors(event(100), offers, settings=settings)
    assert answer.shortfall == "40"
    repair = answer.repair(kind)
    assert (repair["shortfall_t"], repair["cost"]) == ("0", "2000.00")
    assert answer.causes == [("supply", "60", "100")]


def test_another_rule_pack_is_a_repair(through_doors):
    """Proves: each other shipped pack is tried.

    Arithmetic: foreign credits are no offset under the national guide: 100 short; under shanxi-2022 they are unranked:
    100 x 20 = 2000.
    Sensitivity: no repair.
    """
    answer = through_doors(event(100), [offer("C", 5, 100, 20, region="KE")], policy="mee-2019")
    assert answer.repairs == ["policy shanxi-2022"]
    assert answer.repair("policy shanxi-2022")["cost"] == "2000.00"


def test_repairs_are_ranked_by_what_they_leave_then_by_cost(through_doors):
    """Proves: the least remaining shortfall first, then the cheapest; those that leave as much are not shown.

    Arithmetic: need 100. A 40 t at 50. Left out: late 100 t at 30, stale 100 t at 20, unranked 30 t at 1.
    stale: 100 x 20 = 2000; late: 100 x 30 = 3000; unranked: 30 x 1 + 40 x 50 = 2030, 30 t short.
    The national guide ranks the same three and leaves out the same: 60 short, not shown.
    Sensitivity: cost before shortfall puts the stale, the unranked and the late in this order.
    """
    offers = [
        offer("A", 1, 40, 50),
        offer("late", 1, 100, 30, settlement_days=400),
        offer("stale", 1, 100, 20, last_traded_on="2026-01-01"),
        offer("out", 5, 30, 1, region="KE"),
    ]
    answer = through_doors(event(100), offers, settings={"unranked": False})
    assert answer.repairs == ["stale", "allow_late", "unranked"]
    assert [r["shortfall_t"] for r in answer["repairs"]] == ["0", "0", "30"]
    assert [r["cost"] for r in answer["repairs"]] == ["2000.00", "3000.00", "2030.00"]


def test_at_most_five_repairs_are_shown(through_doors):
    """Proves: five of six.

    Arithmetic: need 100, nothing is admitted within 50 yuan. Extra budget, late, stale, unranked, and two caps that are
    lifted would each leave less.
    Sensitivity: six.
    """
    limits = [{"group": "seller", "max_share": 0.2}, {"group": "registry", "max_share": 0.2}]
    offers = [
        offer("A", 1, 100, 1, seller="S"),
        offer("B", 1, 100, 1, registry="R"),
        offer("late", 1, 10, 1, settlement_days=400),
        offer("stale", 1, 11, 1, last_traded_on="2026-01-01"),
        offer("out", 5, 12, 1),
        offer("dear", 1, 13, 20),
    ]
    answer = through_doors(event(100, limits=limits, budget={"total": 60}), offers, settings={"unranked": False})
    assert answer.shortfall == "59"
    assert len(answer["repairs"]) == 5


def test_a_covered_plan_has_no_repairs_and_no_diagnosis(through_doors):
    """Proves: nothing is repaired that is not broken.

    Arithmetic: 100 x 50.
    Sensitivity: repairs that would only be cheaper.
    """
    offers = [offer("A", 1, 100, 50), offer("B", 1, 100, 20, last_traded_on="2026-01-01")]
    answer = through_doors(event(100), offers)
    assert (answer["repairs"], answer["diagnosis"]) == ([], [])


def test_caps_that_cannot_cover_together_are_named_with_what_they_allow(through_doors):
    """Proves: a cap is a cause with the amount that it allows at most, alone.

    Arithmetic: two sellers at 40 % of 100 t each: 80 t at most; 20 t short.
    Sensitivity: "infeasible".
    """
    limits = [{"group": "seller", "max_share": 0.4}]
    offers = [offer(s, 1, 500, 10, seller=s) for s in ("S", "T")]
    answer = through_doors(event(100, limits=limits), offers)
    assert answer.causes == [("max_share", "80", "100")]
    assert answer["diagnosis"][0]["message"] == "cap seller <= 40 %"


def test_contradicting_limits_are_named_together_with_amounts(through_doors):
    """Proves: a min share that a max share keeps from being met names both, with what is reached and what is wanted.

    Arithmetic: at least 50 % from Shanxi, at most 30 % from one seller, who alone sells in Shanxi: 30 of 50 t.
    Sensitivity: a missed share with no cause.
    """
    limits = [{"where": {"region": "14"}, "min_share": 0.5}, {"group": "seller", "max_share": 0.3}]
    offers = [offer("in", 2, 500, 10, seller="S"), offer("out", 5, 500, 10)]
    answer = through_doors(event(100, limits=limits), offers)
    assert (answer["status"], answer.levels["rules"]) == ("covered", "20")
    assert answer.causes == [("contradiction", "30", "50"), ("min_share", "30", "50")]
    assert answer["diagnosis"][0]["message"] == "region=14 >= 50 % contradicts seller <= 30 %"
