"""Plans made again on a changed market: one thing changes at a time, and the comparison names it with its numbers.

One event of 100 t, shanxi-2022, whole lots of 1 t unless said otherwise; offers are named by tier and letter.
"""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from optimizer import Calendar, Offer, Offers, Plan, Problem, plan, read_rule_pack
from scenarios import Changes, compare_plans
from scenarios.compare import ChangedLine
from tests.worked.market import AS_OF, Json, event, offer

PACK = read_rule_pack("shanxi-2022")
type Edit = Callable[[list[Json]], list[Json]]


def problem(events: list[Json], offers: list[Json], as_of: str = AS_OF, **calendar: Any) -> Problem:
    return Problem(
        Calendar.model_validate({"events": events, **calendar}),
        Offers.of(Offer.model_validate(o) for o in offers),
        PACK,
        date.fromisoformat(as_of),
    )


def made(one: Problem) -> Plan:
    return plan(one, lang="en")


def compared(before: Problem, after: Problem) -> Changes:
    return compare_plans(made(before), made(after), before.offers, after.offers)


def line(changes: Changes, offer_id: str, event_id: str = "e") -> ChangedLine:
    (found,) = [x for x in changes.lines if (x.event_id, x.offer_id) == (event_id, offer_id)]
    return found


def codes(changes: Changes, offer_id: str, event_id: str = "e") -> list[str]:
    return [c.code for c in line(changes, offer_id, event_id).causes]


def edited(offers: list[Json], offer_id: str, **keys: Any) -> list[Json]:
    return [{**o, **keys} if o["offer_id"] == offer_id else o for o in offers]


def without(offers: list[Json], offer_id: str) -> list[Json]:
    return [o for o in offers if o["offer_id"] != offer_id]


A, B, C = offer("4A", 4, 60, 50), offer("4B", 4, 60, 60), offer("4C", 4, 60, 70)
MARKET = [A, B, C]
"""100 t: 60 of 4A and 40 of 4B for 60 x 50 + 40 x 60 = 5400 yuan."""


def replanned(offers: list[Json], **calendar: Any) -> Changes:
    return compared(problem([event()], MARKET), problem([event()], offers, **calendar))


def test_nothing_changes_on_the_same_market():
    changes = replanned(MARKET)
    assert changes.count() == {"kept": 2}
    assert changes.old_plan.whole
    assert changes.as_dict("en")["old_plan"]["dearer_than_new"] == "0.00"


def test_a_dearer_lot_is_left_for_its_unchanged_neighbour():
    # 4A rises from 50 to 80: 60 of 4B and 40 of 4C = 3600 + 2800 = 6400 yuan. Keeping: 60 x 80 + 40 x 60 = 7200.
    changes = replanned(edited(MARKET, "4A", price="80"))
    assert {x.offer_id: x.kind for x in changes.lines} == {"4A": "gone", "4B": "more", "4C": "new"}
    assert codes(changes, "4A") == ["dearer", "replaced"]
    dearer, replaced = line(changes, "4A").causes
    assert dearer.evidence == {"price_before": "50.00", "price_after": "80.00"}
    assert {r["offer_id"]: r["effective_change_t"] for r in replaced.evidence["by"]} == {"4B": "20", "4C": "40"}
    assert codes(changes, "4B") == codes(changes, "4C") == ["takes_place"]
    assert line(changes, "4C").cost_change_fen == 280000
    old = changes.old_plan
    assert (old.whole, old.cost_fen, changes.after.totals.cost) == (True, 720000, "6400.00")
    assert changes.as_dict("zh")["old_plan"]["dearer_than_new"] == "800.00"
    assert [(x.offer_id, x.state, x.difference_fen) for x in old.lines] == [
        ("4A", "dearer", 180000),
        ("4B", "as_bought", 0),
    ]


def test_the_all_in_price_counts_fees():
    # 50 x 1.02 + 1.5 = 52.50 yuan/t: dearer, and still the cheapest: 60 x 52.50 + 40 x 60 = 5550.
    changes = replanned(edited(MARKET, "4A", fee_rate="0.02", unit_fee="1.5"))
    assert line(changes, "4A").kind == "dearer"
    (cause,) = line(changes, "4A").causes
    assert cause.evidence == {"price_before": "50.00", "price_after": "52.50"}
    assert changes.totals()["cost"] == {"before": "5400.00", "after": "5550.00", "difference": "150.00"}


def test_an_unchanged_lot_is_beaten_by_one_that_fell():
    # 4C falls from 70 to 40: 60 of it and 40 of 4A = 2400 + 2000; 4B, which cost 60, is worth at most 4A's 50.
    changes = replanned(edited(MARKET, "4C", price="40"))
    assert codes(changes, "4B") == ["beaten"]
    (beaten,) = line(changes, "4B").causes
    assert [r["offer_id"] for r in beaten.evidence["by"]] == ["4C"]
    assert beaten.evidence["by"][0]["because"] == ["cheaper"]
    assert beaten.evidence["break_even"] == "50.00"
    assert "4C (+60 t, 40.00 yuan/t)" in beaten.message.en
    assert codes(changes, "4A") == ["beaten"]
    assert line(changes, "4A").kind == "less"
    assert codes(changes, "4C") == ["cheaper"]


def test_a_lot_that_is_gone_is_replaced_and_the_old_plan_cannot_be_kept():
    # 4A gone: 60 of 4B and 40 of 4C. What can be kept is 40 of 4B: 2400 yuan, 60 t short.
    changes = replanned(without(MARKET, "4A"))
    assert codes(changes, "4A") == ["offer_gone"]
    assert codes(changes, "4B") == codes(changes, "4C") == ["takes_place"]
    old = changes.old_plan
    assert (old.whole, old.cost_fen, old.covered_kg, old.shortfall_kg) == (False, 240000, 40000, 60000)
    assert [(x.state, [c.code for c in x.causes]) for x in old.lines] == [
        ("impossible", ["offer_gone"]),
        ("as_bought", []),
    ]


def test_a_new_cheaper_lot_is_named_as_new():
    changes = replanned([*MARKET, offer("4D", 4, 50, 30)])
    assert codes(changes, "4D") == ["offer_new"]
    assert codes(changes, "4B") == ["beaten"]


def test_a_quantity_matters_only_when_it_was_needed():
    # 4A falls from 60 to 25 t: 25 + 60 of 4B + 15 of 4C. 4B from 60 to 45 t with 40 bought: nothing changes.
    changes = replanned(edited(MARKET, "4A", quantity="25"))
    assert codes(changes, "4A")[0] == "less_available"
    assert line(changes, "4A").causes[0].evidence == {"available_before_t": "60", "available_after_t": "25"}
    (kept, _) = changes.old_plan.lines
    assert (kept.state, kept.possible_kg, kept.cost_fen) == ("partly", 25000, 125000)
    assert not replanned(edited(MARKET, "4B", quantity="45")).changed


def test_more_of_the_cheapest_is_bought():
    changes = replanned(edited(MARKET, "4A", quantity="90"))
    assert codes(changes, "4A") == ["more_available"]
    assert codes(changes, "4B") == ["beaten"]


@pytest.mark.parametrize(
    ("keys", "code", "read"),
    [
        ({"valid_until": "2026-11-21"}, "expired", "valid until 2026-11-21"),
        ({"last_traded_on": "2026-10-01"}, "stale", "last traded on 2026-10-01"),
        ({"quantity": "10", "min_quantity": "20"}, "no_usable_quantity", "quantity 10, minimum 20"),
        ({"valid_from": "2028-01-01"}, "not_yet_open", "valid from 2028-01-01"),
        ({"instrument": "credit", "mechanism": "", "region": ""}, "tier_changed", "from 4 to 5"),
    ],
)
def test_what_bars_an_offer_is_named_with_what_it_was_read_from(keys, code, read):
    changes = replanned(edited(MARKET, "4A", **keys))
    causes = line(changes, "4A").causes
    assert code in [c.code for c in causes]
    assert read in next(c.message.en for c in causes if c.code == code)
    assert (changes.old_plan.lines[0].state == "impossible") == (code != "tier_changed")


def test_a_reason_carries_its_clause():
    changes = replanned(edited(MARKET, "4A", valid_until="2026-11-01"))
    (cause,) = line(changes, "4A").causes
    assert cause.clause is not None
    assert cause.clause.en == "offer terms"


def test_an_offer_that_may_be_used_now_says_what_barred_it():
    barred = edited(MARKET, "4A", valid_until="2026-11-01")
    changes = compared(problem([event()], barred), problem([event()], MARKET))
    (cause,) = line(changes, "4A").causes
    assert (cause.code, cause.evidence) == ("now_eligible", {"before": ["expired"]})


def test_terms_that_bind_are_named_and_names_that_do_not_are_not():
    # A minimum of 50 t on 4B: 60 + 40 no longer fits; 50 of 4A and 50 of 4B = 5500.
    changes = replanned(edited(MARKET, "4B", min_quantity="50"))
    assert codes(changes, "4B")[0] == "terms_changed"
    assert line(changes, "4B").causes[0].evidence == {"min_quantity": {"before": None, "after": "50"}}
    assert line(changes, "4A").kind == "less"
    kept = changes.old_plan.lines[1]
    assert (kept.state, [c.code for c in kept.causes]) == ("impossible", ["does_not_fit"])
    assert not replanned(edited(MARKET, "4B", project_name="another name")).changed


def test_a_limit_that_comes_to_bind_is_named():
    # At most 60 t of a seller: 4A (60 t) comes to belong to the seller of 4B, so none of 4B, and 40 of 4C.
    limited = [event(limits=[{"group": "seller", "max_share": "0.6"}])]
    apart = [{**A, "seller": "x"}, {**B, "seller": "y"}, {**C, "seller": "z"}]
    together = edited(apart, "4A", seller="y")
    changes = compared(problem(limited, apart), problem(limited, together))
    assert line(changes, "4A").kind == "kept"
    assert line(changes, "4B").kind == "gone"
    assert "limit_binds" in codes(changes, "4B")
    (cause,) = [c for c in line(changes, "4B").causes if c.code == "limit_binds"]
    assert cause.evidence["rules"][0]["rule"] == "max share seller=y 60 %"
    assert [c.code for c in changes.old_plan.broken] == ["exceeds_share"]


def test_a_changed_need_budget_and_objective_are_named():
    more = compared(problem([event()], MARKET), problem([event("120")], MARKET))
    assert "need_changed" in codes(more, "4B")
    assert line(more, "4B").causes[0].evidence == {"need_before_t": "100", "need_after_t": "120"}
    poor = compared(problem([event()], MARKET), problem([event(budget={"total": "4200"})], MARKET))
    assert line(poor, "4B").kind == "less"  # 60 x 50 + 20 x 60 = 4200
    assert codes(poor, "4B")[0] == "budget_changed"
    assert [c.code for c in poor.old_plan.broken] == ["exceeds_budget"]
    tiers = [*MARKET, offer("1A", 1, 100, 90)]
    other = compared(problem([event()], tiers), problem([event()], tiers, objective="cost-first"))
    assert codes(other, "1A")[0] == "objective_changed"
    assert all("objective_changed" in codes(other, name) for name in ("4A", "4B"))


def test_rules_and_settings_are_named():
    stale = edited(MARKET, "4A", last_traded_on="2026-09-01")
    changes = compared(problem([event()], stale), problem([event()], stale, settings={"stale": "admit"}))
    assert codes(changes, "4A") == ["now_eligible"]
    assert codes(changes, "4C")[0] == "settings_changed"
    assert line(changes, "4C").causes[0].evidence["after"] == "admit"


def test_an_event_that_is_new_or_gone_is_named():
    two = [event("50"), {**event("30"), "id": "f"}]
    changes = compared(problem([event("50")], MARKET), problem(two, MARKET))
    assert codes(changes, "4A", "f") == ["event_new"]
    assert {e["id"]: e["required_t"]["before"] for e in changes.events()} == {"e": "50", "f": None}
    back = compared(problem(two, MARKET), problem([event("50")], MARKET))
    assert codes(back, "4A", "f") == ["event_gone"]
    assert [c.code for x in back.old_plan.lines if x.event_id == "f" for c in x.causes] == ["event_gone"] * sum(
        x.event_id == "f" for x in back.old_plan.lines
    )


def test_the_need_of_another_event_is_named_where_a_shared_lot_moves():
    # e takes what f leaves of the common lot: f of higher priority grows by 20 t.
    first = {**event("30"), "id": "f", "priority": 1}
    more = {**event("50"), "id": "f", "priority": 1}
    lots = [offer("4A", 4, 60, 50)]
    changes = compared(problem([event("60"), first], lots), problem([event("60"), more], lots))
    assert (line(changes, "4A").kind, line(changes, "4A", "f").kind) == ("less", "more")
    assert codes(changes, "4A") == ["other_event_changed"]
    assert line(changes, "4A").causes[0].evidence["event_id"] == "f"


def test_another_day_moves_the_purchases_and_only_that_is_said():
    changes = compared(problem([event()], MARKET), problem([event()], MARKET, as_of="2026-12-01"))
    assert changes.count() == {"other_date": 2}
    assert codes(changes, "4A") == codes(changes, "4B") == ["date_moved"]
    assert changes.old_plan.whole


def test_a_year_that_is_over_takes_its_budget_with_it():
    # 3000 yuan in 2026 and 1000 in 2027: in January 2027 only 20 t of 4A can be paid.
    paid = [event(budget={"by_fiscal_year": {2026: "3000", 2027: "1000"}})]
    changes = compared(problem(paid, MARKET), problem(paid, MARKET, as_of="2027-01-05"))
    assert line(changes, "4A").after.contracted_kg == 20000
    assert "budget_year_past" in codes(changes, "4A")


def test_a_price_fall_that_pays_for_a_higher_tier_moves_a_lot_the_other_way():
    # 5000 yuan, need 100 t: 1A costs 90, 4A 10: x + y = 100, 90 x + 10 y = 5000 gives x = 50, y = 50.
    # With 4A at 0: 90 x = 5000 gives x = 55, y = 45. The cheaper lot is bought less, and nothing else changed.
    lots = [offer("1A", 1, 100, 90), offer("4A", 4, 100, 10)]
    rich = [event(budget={"total": "5000"})]
    changes = compared(problem(rich, lots), problem(rich, edited(lots, "4A", price="0")))
    assert (line(changes, "4A").kind, line(changes, "1A").kind) == ("less", "more")
    assert codes(changes, "4A") == ["cheaper"]
    assert "works through money" in line(changes, "4A").causes[0].message.en
    assert codes(changes, "1A") == ["displaced"]
    assert [o["offer_id"] for o in line(changes, "1A").causes[0].evidence["others"]] == ["4A"]


def test_a_forest_that_counts_less_is_named():
    forest = offer("3F", 3, 200, 40)
    changes = compared(problem([event()], [forest]), problem([event()], [{**forest, "buffer": "0.2"}]))
    # 100 t contracted counted 100 t; with 20 % kept back 125 t are needed.
    assert line(changes, "3F").after.contracted_kg == 125000
    (cause,) = line(changes, "3F").causes
    assert (cause.code, cause.evidence) == ("counts_otherwise", {"counted_before": "1", "counted_after": "0.8"})
