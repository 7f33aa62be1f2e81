"""Scenarios side by side, worked by hand: what each costs, what differs and why, which deadlines are near."""

from datetime import date
from typing import Any

import pytest

from optimizer import Calendar, Offer, Offers, Problem, plan, read_rule_pack
from scenarios.failures import Failure
from scenarios.library import ready
from scenarios.outcomes import Planner
from scenarios.runner import run
from scenarios.scenario import Scenario
from scenarios.side_by_side import SideBySide, coverage_share, side_by_side
from tests.worked.market import event, offer

DAY = date(2026, 11, 22)
ROWS = [
    offer("1A", 1, 40, 90),
    offer("4A", 4, 80, 50, valid_until="2026-12-10"),
    offer("4B", 4, 80, 70, settlement_days=300),
]
"""100 t are needed: 40 t of tier 1 at 90 = 3,600, then 60 t of 4A at 50 = 3,000: 6,600 yuan."""
PACKS = {"mee-2019": read_rule_pack("mee-2019")}


def table(*scenarios: Scenario, days: int = 30, **keys: Any) -> SideBySide:
    market = Offers.of(Offer.model_validate(o) for o in ROWS)
    calendar = Calendar.model_validate({"events": [event(**keys)]})
    problem = Problem(calendar, market, read_rule_pack("shanxi-2022"), DAY)
    found = run(scenarios, Planner(problem, "en", PACKS), chunk=1)
    base = plan(problem, lang="en")
    return side_by_side(problem, base, list(zip(scenarios, found, strict=True)), PACKS, days=days)


def made(name: str = "s", **changes: Any) -> Scenario:
    return Scenario.model_validate({"name": name, **changes})


def totals(row: Any) -> tuple[str, str, str | None]:
    return row.totals.covered_t, row.totals.cost, row.totals.average_price


def test_the_cheapest_lawful_mix_stands_beside_the_order():
    # Cost first: 80 t of 4A at 50 = 4,000, then 20 t of 4B at 70 = 1,400: 5,400 yuan, 1,200 less.
    found = table(ready("cheapest-lawful"))
    base, cheapest = found.rows
    assert totals(base) == ("100", "6600.00", "66.00")
    assert totals(cheapest) == ("100", "5400.00", "54.00")
    assert found.change(cheapest, "cost") == -120_000
    assert found.change(cheapest, "covered_t") == 0
    assert [(t.tier, t.effective_t) for t in cheapest.result.tiers if t.effective_t != "0"] == [(4, "100")]  # type: ignore[union-attr]
    assert cheapest.changes is not None
    assert {x.offer_id: x.kind for x in cheapest.changes.changed} == {"1A": "gone", "4A": "more", "4B": "new"}
    for line in cheapest.changes.changed:
        assert line.causes[0].code == "objective_changed"
        assert line.causes[0].evidence["after"] == "cost-first"


def test_dearer_allowances_cost_more_and_say_why():
    # 60 t x 50 x 1.3 = 3,900: 900 more.
    found = table(ready("allowances-plus-30"))
    dearer = found.rows[1]
    assert totals(dearer) == ("100", "7500.00", "75.00")
    assert dearer.changes is not None
    (line,) = dearer.changes.changed
    assert (line.offer_id, line.kind, line.cost_change_fen) == ("4A", "dearer", 90_000)
    assert [c.code for c in line.causes] == ["dearer"]
    assert line.causes[0].evidence == {"price_before": "50.00", "price_after": "65.00"}


def test_a_smaller_budget_leaves_a_shortfall_with_its_reason():
    # 6,600 x 0.8 = 5,280 yuan. Covering comes first: all 80 t of 4A = 4,000; the 1,280 left buy 18 t more, not 19
    # (19 x 70 = 1,330). Then the order: of the 18 t one may be 1A, 17 x 70 + 90 = 1,280 exactly. 98 t, 2 t short.
    found = table(ready("budget-minus-20"), budget={"total": "6600"})
    lean = found.rows[1]
    assert (lean.status, *totals(lean)) == ("short", "98", "5280.00", "53.88")
    assert lean.totals is not None and lean.totals.shortfall_t == "2"
    assert lean.reason("en").startswith("2 t short")
    assert lean.reason("zh").startswith("缺口 2 吨")
    share = coverage_share(lean)
    assert share is not None and str(share) == "0.98"
    assert lean.changes is not None
    assert {c.code for x in lean.changes.changed for c in x.causes} >= {"budget_changed"}


def test_excluding_an_instrument_is_told_as_the_users_choice():
    found = table(made(offers={"exclude": {"offer_id": "4A"}}))
    without = found.rows[1]
    # 40 t at 90 = 3,600 and 60 t of 4B at 70 = 4,200.
    assert totals(without) == ("100", "7800.00", "78.00")
    assert without.changes is not None
    gone = next(x for x in without.changes.changed if x.offer_id == "4A")
    assert (gone.kind, gone.causes[0].code) == ("gone", "excluded")


def test_an_offer_that_expires_in_the_scenario_is_told_so():
    # On 2026-12-22 the offer 4A is over, and 4B would settle after the deadline: only 40 t of 1A are left.
    found = table(made(dates={"as_of_shift_days": 30}))
    assert totals(found.rows[1]) == ("40", "3600.00", "90.00")
    changes = found.rows[1].changes
    assert changes is not None
    (gone,) = [x for x in changes.changed if x.offer_id == "4A"]
    assert (gone.kind, gone.causes[0].code) == ("gone", "expired")


def test_a_price_of_the_need_stands_in_the_row():
    # One tonne more of need is one of 4A at 50.
    rules = table(made(emissions={"scale": "1.1"})).long_frame("rules")
    needs = rules[rules["rule"] == "need"]
    assert needs["scenario"].tolist() == ["base", "s"]
    assert needs["marginal"].tolist() == ["50", "50"]


def test_near_deadlines_are_those_of_the_offer_and_of_the_law():
    # Retirement by 2027-10-11; 4B needs 300 days to settle, so 2026-12-15 is its last day: 23 days after 2026-11-22.
    # 4A's offer ends on 2026-12-10: 18 days. 1A can wait until the deadline itself: 323 days.
    found = table(ready("cheapest-lawful"), days=30)
    near = [(d.offer_id, str(d.last_day), d.because, d.days_left) for d in found.rows[1].near]
    assert near == [("4A", "2026-12-10", "valid_until", 18), ("4B", "2026-12-15", "retire_by", 23)]
    assert [d.offer_id for d in found.rows[0].near] == ["4A"]
    assert [d.offer_id for d in table(ready("cheapest-lawful"), days=18).rows[1].near] == ["4A"]
    assert table(days=17).rows[0].near == ()
    assert [d.days_left for d in table(days=400).rows[0].near] == [18, 323]


def test_a_failed_scenario_is_a_row_with_its_reason_and_the_others_stand():
    found = table(made("lost", policy="not-at-hand"), ready("national-guide"))
    lost, guide = found.rows[1:]
    assert (lost.status, lost.totals, lost.changes) == ("failed", None, None)
    assert isinstance(lost.result, Failure)
    assert "not-at-hand" in lost.reason("en")
    assert coverage_share(lost) is None and found.change(lost, "cost") is None
    # Under the national guide allowances are tier 1: 80 t of 4A and 20 t of 4B.
    assert totals(guide) == ("100", "5400.00", "54.00")
    entry = found.as_dict("en")["scenarios"][0]
    assert (entry["status"], entry["failure"]["type"]) == ("failed", "BadInput")


def test_what_planning_saves_over_the_simple_rules():
    # Whole lots of 50 t at 1 yuan less: the simple buyer takes the cheaper unit price and overshoots.
    rows = [offer("4L", 4, 150, 49, lot_size="50", min_quantity="50"), offer("4S", 4, 100, 50)]
    market = Offers.of(Offer.model_validate(o) for o in rows)
    calendar = Calendar.model_validate({"events": [event(110)]})
    problem = Problem(calendar, market, read_rule_pack("shanxi-2022"), DAY)
    rule = ready("greedy-cheapest")
    base = plan(problem)
    found = side_by_side(problem, base, [(rule, Planner(problem, "en")(rule))])
    # Planned: 100 t at 49 = 4,900 and 10 t at 50 = 500. The rule: 150 t at 49 = 7,350.
    assert totals(found.rows[0])[:2] == ("110", "5400.00")
    assert totals(found.rows[1])[:2] == ("150", "7350.00")
    assert found.change(found.rows[1], "cost") == 195_000
    assert found.rows[1].proven is None and found.rows[0].proven is True


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_document_holds_decimal_strings_and_every_cause(lang):
    found = table(ready("cheapest-lawful"), made("same"))
    document = found.as_dict(lang)
    first, same = document["scenarios"]
    assert first["difference"] == {"cost": "-1200.00", "covered_t": "0", "shortfall_t": "0"}
    assert first["changes"] == {"objective": "cost-first"}
    assert all(line["causes"] for line in first["changed_lines"])
    assert (same["difference"]["cost"], same["changed_lines"]) == ("0.00", [])
    assert [w["code"] for w in same["warnings"]] == ["scenario_no_change"]
    assert document["base"]["totals"]["cost"] == "6600.00"
