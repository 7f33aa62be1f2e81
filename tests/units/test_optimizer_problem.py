"""Problems and dates: levels spelled out, steps, variants, warnings; deadlines, purchase dates, payments."""

from datetime import date
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from optimizer import BadInput, Calendar, Cancelled, Offer, Offers, Outlook, Plan, Problem, check, plan, read_rule_pack
from optimizer.budgets import Budget
from optimizer.chain import WorkLimits
from optimizer.findings import faults_of
from optimizer.limits import budget_rows
from optimizer.solution import solve
from optimizer.timeline import add_years, payment_shares, purchase_dates


def problem(*needs: Any, offers: int = 3, **keys: Any) -> Problem:
    """Events of these needs against a few offers of tier 1 and unranked."""
    events = [
        {"id": f"e{k}", "end_date": "2026-10-11", "emissions": {"tonnes": need, "status": "verified"}}
        for k, need in enumerate(needs)
    ]
    for k, more in enumerate(keys.pop("each", [])):
        events[k] |= more
    rows = [
        {
            "offer_id": f"o{k}",
            "instrument": "carbon_inclusion" if k % 2 else "ccer",
            "mechanism": "三晋绿色生活" if k % 2 else "CCER",
            "quantity": 40 + k,
            "price": 10 + k,
        }
        for k in range(offers)
    ]
    return Problem(
        Calendar.model_validate({"events": events, **keys}),
        Offers.of(Offer.model_validate(row) for row in rows),
        read_rule_pack("shanxi-2022"),
        date(2026, 11, 22),
    )


@pytest.mark.parametrize(
    ("needs", "step"),
    [
        (["100"], "1"),
        (["99.999"], "0.1"),
        (["60", "40"], "1"),
        (["10"], "0.1"),
        (["9.999"], "0.01"),
        (["1"], "0.01"),
        (["0.8"], "0.001"),
        (["0.1"], "0.001"),
        (["0.001"], "0.001"),
    ],
)
def test_steps_fit_the_total_need(needs, step):
    assert problem(*needs).step_t == Fraction(step)


PRESETS = {
    "priority-first": "shortfall tier1 tier2 tier3 tier4 cost",
    "order-first": "tier1 tier2 tier3 tier4 shortfall cost",
    "cost-first": "shortfall cost tier1 tier2 tier3 tier4",
    "balanced": "shortfall cost tier1 tier2 tier3 tier4 cost",
}


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_spelled_out(preset):
    levels = problem("100", objective=preset).levels()
    assert " ".join(level.level.replace(" ", "") for level in levels) == PRESETS[preset]
    assert [level.relative_e4 for level in levels if level.relative_e4] == ([500] if preset == "balanced" else [])


def test_classes_of_events_are_spelled_out_with_the_slack_of_their_level():
    objective = [{"level": "shortfall", "absolute": 5}, {"level": "cost"}]
    found = problem("100", "100", each=[{"priority": 2}, {}], objective=objective).levels()
    assert [(x.level, x.absolute_e4) for x in found] == [("shortfall 2", 50_000), ("shortfall 9", 50_000), ("cost", 0)]


def test_a_level_that_the_rule_pack_lacks_is_bad_input():
    with pytest.raises(BadInput) as caught:
        plan(problem("100", objective=[{"level": "shortfall"}, {"level": "tier 5"}]))
    (finding,) = caught.value.findings
    assert (finding.code, finding.path, finding.value) == ("level_unknown", "objective[1].level", "tier 5")
    assert "tier 4" in finding.message.en


def test_events_and_offers_stand_in_order_of_their_ids():
    given = problem("100", "50")
    turned = Problem(
        given.calendar.model_copy(update={"events": given.events[::-1]}),
        given.offers.take(np.array([2, 0, 1])),
        given.rule_pack,
        given.as_of,
    )
    assert [e.id for e in turned.events] == ["e0", "e1"]
    assert turned.offers.offer_id.tolist() == ["o0", "o1", "o2"]


def test_a_replaced_budget_is_the_events_own_or_the_calendars():
    one = problem("100").with_budget_total(12_345)
    assert (one.events[0].budget.total_fen, one.calendar.budget) == (12_345, None)  # type: ignore[union-attr]
    two = problem("100", "50").with_budget_total(12_345)
    assert (two.events[0].budget, two.calendar.budget.total_fen) == (None, 12_345)  # type: ignore[union-attr]


def test_variants_leave_the_problem_as_it_was():
    given = problem("100", settings={"unranked": False})
    assert given.with_settings(unranked=True).settings.unranked is True
    assert given.with_objective("cost-first").objective == "cost-first"
    assert (given.settings.unranked, given.objective) == (False, "priority-first")


def test_warnings_tell_estimates_and_years_that_are_past():
    estimated = {"emissions": {"tonnes": 100, "status": "estimated"}}
    given = problem("100", each=[estimated], budget={"by_fiscal_year": {2024: 1, 2025: 1, 2026: 1}})
    assert [(w.code, w.path, w.severity) for w in given.warnings()] == [
        ("past_years", "budget", "warning"),
        ("estimated", "e0", "warning"),
    ]
    assert given.warnings()[0].message.en == "budgets of years before 2026 are ignored: 2024, 2025"


def test_an_outlook_holds_from_its_day_on():
    factors = [
        {"instrument": "ccer", "from": "2027-01-01", "factor": "1.1"},
        {"instrument": "ccer", "from": "2026-12-01", "factor": "0.9"},
    ]
    outlook = Outlook.model_validate({"factors": factors})
    days = [date(2026, 11, 30), date(2026, 12, 1), date(2026, 12, 31), date(2027, 1, 1)]
    assert [outlook.factor_e4("ccer", d) for d in days] == [10_000, 9000, 9000, 11_000]
    assert (outlook.factor_e4("credit", days[-1]), outlook.changes("credit")) == (10_000, [])
    assert outlook.changes("ccer") == [date(2026, 12, 1), date(2027, 1, 1)]


@pytest.mark.parametrize(
    ("factors", "code"),
    [
        ([{"instrument": "ccer", "from": "2027-01-01", "factor": 11}], "factor"),
        ([{"instrument": "ccer", "from": "2027-01-01", "factor": f} for f in (1, 2)], "factor_twice"),
        ([{"instrument": "wind", "from": "2027-01-01", "factor": 1}], "literal_error"),
        ([{"instrument": "ccer", "from": "2027-01-01", "factor": -1}], "negative"),
    ],
)
def test_an_outlook_that_cannot_be_is_a_fault(factors, code):
    with pytest.raises(ValidationError) as caught:
        Outlook.model_validate({"factors": factors})
    assert [f.code for f in faults_of(caught.value, Outlook)] == [code]


# ---------------------------------------------------------------------------------------------------------------- dates


@pytest.mark.parametrize(
    ("day", "years", "later"),
    [
        (date(2026, 10, 11), 1, date(2027, 10, 11)),
        (date(2028, 2, 29), 1, date(2029, 2, 28)),
        (date(2028, 2, 29), 4, date(2032, 2, 29)),
        (date(2028, 2, 28), 1, date(2029, 2, 28)),
        (date(2026, 12, 31), 6, date(2032, 12, 31)),
    ],
)
def test_years_later_is_the_same_calendar_day(day, years, later):
    assert add_years(day, years) == later


def test_purchase_dates_are_the_first_of_each_year_and_of_each_change():
    first, last = date(2026, 11, 22), date(2028, 3, 1)
    turns = [date(2026, 1, 1), date(2027, 6, 1), date(2029, 1, 1)]
    assert purchase_dates(first, last, [], False) == [first]
    assert purchase_dates(first, last, [], True) == [first, date(2027, 1, 1), date(2028, 1, 1)]
    assert purchase_dates(first, last, turns, False) == [first, date(2027, 6, 1)]
    assert purchase_dates(last, first, turns, True) == []


def test_payments_before_the_purchase_are_paid_with_it():
    schedule = [
        (np.datetime64("2026-01-01"), 3000),
        (np.datetime64("2026-11-22"), 2000),
        (np.datetime64("2027-01-01"), 5000),
    ]
    assert payment_shares(schedule, date(2026, 11, 22)) == [(date(2026, 11, 22), 5000), (date(2027, 1, 1), 5000)]
    assert payment_shares((), date(2026, 11, 22)) == [(date(2026, 11, 22), 10_000)]


def test_budget_rows_carry_forward_through_the_last_listed_year():
    years = {"2025": 9, "2026": 10, "2028": 30}
    apart = Budget.model_validate({"by_fiscal_year": years})
    rows = budget_rows(apart, [2026, 2027, 2029], 2026)
    assert [(r.name, r.years, r.limit_fen) for r in rows] == [
        (2026, (2026,), 1000),
        (2027, (2027,), 0),
        (2028, (2028,), 3000),
        (2029, (2029,), 0),
    ]
    forward = Budget.model_validate({"total": 35, "by_fiscal_year": years, "carry_forward": True})
    rows = budget_rows(forward, [2026, 2027, 2029], 2026)
    assert [(r.name, r.years, r.limit_fen) for r in rows] == [
        ("total", None, 3500),
        (2026, (2026,), 1000),
        (2027, (2026, 2027), 1000),
        (2028, (2026, 2027, 2028), 4000),
        (2029, (2029,), 0),
    ]


# -------------------------------------------------------------------------------------------------------------- engine


def test_a_plan_can_be_stopped():
    with pytest.raises(Cancelled):
        plan(problem("100"), cancelled=lambda: True)


def test_progress_names_each_level_as_it_starts():
    seen: list[tuple[str, int, int]] = []
    plan(
        problem("100", objective=[{"level": "shortfall"}, {"level": "cost"}]),
        report=lambda *x: seen.append(x),
        explanations="none",
    )
    assert seen == [("shortfall", 0, 3), ("cost", 1, 3), ("tie-break", 2, 3)]


def test_a_plan_that_the_clock_did_not_cut_is_reproducible():
    given = problem("100")
    timed = plan(given, seconds=600.0)
    assert timed.reproducible
    assert timed == plan(given)


def test_without_time_there_is_still_a_lawful_plan():
    found = solve(problem("100", offers=30), WorkLimits(deadline=lambda: 0.0))
    assert found.measure.broken() == []
    assert all(p.bound <= p.value for p in found.proofs)


def test_the_check_of_what_is_no_plan_fails_with_a_reason():
    for document in ({}, {"plan_id": "x"}, {"plan_id": 1, "problem": []}):
        report = check(document)
        assert not report.holds
        assert all(c.detail for c in report.checked if not c.holds)


def test_a_large_plan_is_checked_with_its_offers():
    given = problem("100")
    document = plan(given).document()
    document["problem"]["offers"] = None
    without = check(document)
    assert not without.holds
    assert any("--offers" in c.detail for c in without.checked)
    again = check(document, given.offers)
    assert [c.what.en for c in again.checked if not c.holds] == ["seal: plan_id is the hash of all else"]
    assert not check(document, problem("100", offers=4).offers).holds


def test_a_plan_reads_its_own_file_back():
    made = plan(problem("100"), lang="en")
    assert Plan.model_validate_json(made.to_json()) == made
    assert made.lang == "en"
