"""Laws that hold whatever the market: monotone, scale-free, blind to names and row order, additive, sealed."""

import json
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import assume, given

from optimizer import Plan, check, plan
from tests.laws import markets as m

modest = m.modest
ORDERS = st.sampled_from(["priority-first", "order-first", "cost-first"])
PRICED = [p for p in m.PRICES if p != "0"]


# ------------------------------------------------------------------------------------------------------- monotone


@modest
@given(case=m.cases(), order=ORDERS, data=st.data())
def test_more_of_an_offer_never_worsens_the_vector_of_levels(case, order, data):
    """The old plan stays feasible; a vector that worsens means that a level was lost on the way."""
    k = data.draw(st.integers(0, len(case["offers"]) - 1))
    offer = case["offers"][k]
    more = {**offer, "quantity": str(Decimal(offer["quantity"]) + 3 * Decimal(offer["lot_size"]))}
    before = m.solved(case, order)
    after = m.solved({**case, "offers": [*case["offers"][:k], more, *case["offers"][k + 1 :]]}, order)
    assume(m.proven(before, after))
    assert m.worse(after, before) is None


@modest
@given(case=m.cases(), order=ORDERS, extra=m.offers())
def test_another_offer_never_worsens_the_vector_of_levels(case, order, extra):
    """A new offer, cheaper, dearer or a twin, may be left alone."""
    added = [{**o, "offer_id": f"new {o['offer_id']}"} for o in extra[:1]]
    before, after = m.solved(case, order), m.solved({**case, "offers": [*case["offers"], *added]}, order)
    assume(m.proven(before, after))
    assert m.worse(after, before) is None


def _with_more_money(case: dict[str, Any], fen: int) -> dict[str, Any]:
    def raised(amount: str) -> str:
        return str(Decimal(amount) + Decimal(fen) / 100)

    events = [
        {**e, "budget": {"total": raised(e["budget"]["total"])}} if "budget" in e else e
        for e in case["calendar"]["events"]
    ]
    calendar = {**case["calendar"], "events": events}
    if "budget" in calendar:
        years = {y: raised(b) for y, b in calendar["budget"]["by_fiscal_year"].items()}
        calendar["budget"] = {**calendar["budget"], "by_fiscal_year": years}
    return {**case, "calendar": calendar}


@modest
@given(case=m.cases(), order=ORDERS, fen=st.sampled_from([1, 100, 4999, 1_000_000]))
def test_more_budget_never_worsens_the_vector_of_levels(case, order, fen):
    """Single later levels may worsen, the vector may not."""
    before, after = m.solved(case, order), m.solved(_with_more_money(case, fen), order)
    assume(m.proven(before, after))
    assert m.worse(after, before) is None


@modest
@given(case=m.cases())
def test_cost_first_never_costs_more_than_priority_first_at_the_same_coverage(case):
    """The order of preference can only cost; a saving by it would be a cheapest mix that was not found."""
    cheapest, ordered = m.solved(case, "cost-first"), m.solved(case, "priority-first")
    assume(m.proven(cheapest, ordered))
    before_cost = [name for name, _ in m.values(cheapest)]
    for name in before_cost[: before_cost.index("cost")]:
        assert cheapest.proof(name).value == ordered.proof(name).value
    assert cheapest.proof("cost").value <= ordered.proof("cost").value + m.FEN


# ---------------------------------------------------------------------------------------------- scale, names, order


def _times(case: dict[str, Any], factor: int) -> dict[str, Any]:
    def scaled(text: str) -> str:
        return str(Decimal(text) * factor)

    found = []
    for offer in case["offers"]:
        new = {**offer, "price": scaled(offer["price"])}
        if "fixed_fee" in offer:
            new["fixed_fee"] = scaled(offer["fixed_fee"])
        if "price_breaks" in offer:
            begin, _, price = offer["price_breaks"].partition("=")
            new["price_breaks"] = f"{begin}={scaled(price)}"
        found.append(new)
    events = [
        {**e, "budget": {"total": scaled(e["budget"]["total"])}} if "budget" in e else e
        for e in case["calendar"]["events"]
    ]
    calendar = {**case["calendar"], "events": events}
    if "budget" in calendar:
        years = {y: scaled(b) for y, b in calendar["budget"]["by_fiscal_year"].items()}
        calendar["budget"] = {**calendar["budget"], "by_fiscal_year": years}
    return {"calendar": calendar, "offers": found}


@modest
@given(case=m.cases(), order=ORDERS, factor=st.sampled_from([2, 3, 7, 100]))
def test_all_money_times_a_whole_number_scales_the_cost_and_nothing_else(case, order, factor):
    """A tolerance in yuan that decides a tonne would show here."""
    one, many = m.solved(case, order), m.solved(_times(case, factor), order)
    assume(m.proven(one, many))
    for (name, value), (_, times) in zip(m.values(one), m.values(many), strict=True):
        if name == "cost":
            assert abs(times - factor * value) <= factor * m.FEN
        else:
            assert times == value


@modest
@given(case=m.cases(), order=ORDERS, names=st.permutations(["z", "b", "q", "0", "甲"]))
def test_renaming_offers_changes_the_value_of_no_level(case, order, names):
    """Names may decide among equal optima, never what is optimal."""
    renamed = [{**o, "offer_id": names[k]} for k, o in enumerate(case["offers"])]
    one, other = m.solved(case, order), m.solved({**case, "offers": renamed}, order)
    assume(m.proven(one, other))
    for (name, value), (_, again) in zip(m.values(one), m.values(other), strict=True):
        assert abs(value - again) <= (m.FEN if name == "cost" else 0), name


@modest
@given(case=m.cases(), order=ORDERS, data=st.data())
def test_permuting_rows_and_events_gives_the_same_plan_byte_for_byte(case, order, data):
    """Columns stand in canonical order, so the solver sees the same program."""
    shuffled = {
        "offers": data.draw(st.permutations(case["offers"])),
        "calendar": {**case["calendar"], "events": case["calendar"]["events"][::-1]},
    }
    texts = [plan(m.problem_of(c, order), explanations="none").to_json() for c in (case, shuffled)]
    assert texts[0] == texts[1]


@modest
@given(case=m.cases(), order=ORDERS)
def test_the_same_problem_twice_gives_the_same_plan(case, order):
    """Same plan_id, so the same everything: no clock, no thread, no memory of the last solve."""
    first, second = (plan(m.problem_of(case, order), explanations="none") for _ in range(2))
    assert first.plan_id == second.plan_id
    assert first.reproducible


# ---------------------------------------------------------------------------------------------- proofs and the check


@modest
@given(case=m.cases(), order=ORDERS)
def test_no_bound_exceeds_its_value_and_exact_means_less_than_a_step_apart(case, order):
    """A level that calls itself proven without a bound that proves it is the worst of lies."""
    for p in m.solved(case, order).proofs:
        assert 0 <= p.bound <= p.value
        assert (p.proof == "exact") == (p.value - p.bound < p.step)


@modest
@given(case=m.cases(), order=ORDERS)
def test_where_the_solver_has_proven_a_level_its_own_bound_says_so(case, order):
    """What the relaxation alone allows is no bound of a search that ended."""
    for p in m.solved(case, order).proofs:
        if p.proof == "solver":
            assert float(p.value) - p.solver_bound < float(p.step) + 1e-6 * max(1.0, float(p.value))


@modest
@given(case=m.cases(), order=ORDERS, lang=st.sampled_from(["zh", "en"]))
def test_every_plan_passes_the_check_also_after_a_round_trip_through_json(case, order, lang):
    """Decimal strings, dates and keys survive; the check reads the file, not our objects."""
    made = plan(m.problem_of(case, order), explanations="none", lang=lang)
    again = json.loads(made.to_json())
    assert [c for c in check(made).checked if not c.holds] == []
    assert check(again).holds
    assert Plan.model_validate(again).to_json() == made.to_json()


@modest
@given(case=m.cases(prices=PRICED))
def test_every_balanced_plan_passes_the_check_with_its_witness(case):
    """The least cost is attained by a plan that the document carries; the slack is measured from it."""
    made = plan(m.problem_of(case, "balanced"), explanations="none")
    assume(all(level.value != "0.00" for level in made.levels if level.name == "cost"))
    assert [c for c in check(made).checked if not c.holds] == []
    least, last = (Fraction(level.value) for level in made.levels if level.name == "cost")
    assert last <= least * Fraction(105, 100) + m.FEN


@pytest.mark.parametrize("order", ["priority-first", "balanced"])
def test_a_plan_with_all_its_explanations_passes_the_check(order):
    """Break-evens, prices of rules, repairs and the price of the order are sealed, the rest is derived again."""
    offers = [
        {"offer_id": "a", **m.KINDS[0], "quantity": "30", "price": "60"},
        {"offer_id": "b", **m.KINDS[1], "quantity": "30", "price": "40", "min_quantity": "20"},
        {"offer_id": "c", **m.KINDS[3], "quantity": "90", "price": "80"},
        {"offer_id": "d", **m.KINDS[3], "quantity": "90", "price": "8", "last_traded_on": "2026-01-01"},
    ]
    event = {
        "id": "e",
        "end_date": "2026-10-11",
        "emissions": {"tonnes": "100", "status": "verified"},
        "budget": {"total": "4000.00"},
    }
    made = plan(m.problem_of({"calendar": {"events": [event]}, "offers": offers}, order), explanations="all")
    assert [c for c in check(made).checked if not c.holds] == []
    assert made.status == "short" and made.repairs


# ------------------------------------------------------------------------------------------------------------- sums


def _fen(text: str) -> int:
    return int(Decimal(text) * 100)


def _kg(text: str) -> int:
    return int(Decimal(text) * 1000)


@modest
@given(case=m.cases(), order=ORDERS)
def test_printed_numbers_add_up_over_lines_payments_tiers_events_and_years(case, order):
    """Largest remainder shares out whole fen; rounding each by itself would be a fen off."""
    made = plan(m.problem_of(case, order), explanations="none")
    total = _fen(made.totals.cost)
    assert sum(_fen(x.cost) for x in made.lines) == total
    assert all(sum(_fen(p.amount) for p in x.payments) == _fen(x.cost) for x in made.lines)
    assert sum(_fen(t.cost) for t in made.tiers) == total
    assert sum(_fen(e.cost) for e in made.events) == total
    assert sum(_fen(y.spent) for y in made.fiscal_years if y.event_id is not None) == total
    for tier in made.tiers:
        assert sum(_fen(x.cost) for x in made.lines if x.tier == tier.tier) == _fen(tier.cost)
    assert sum(_kg(e.covered_t) for e in made.events) == _kg(made.totals.covered_t)
    assert sum(r.lines for r in made.registries) == len(made.lines)
    assert sum(_kg(r.contracted_t) for r in made.registries) == sum(_kg(x.contracted_t) for x in made.lines)


@modest
@given(case=m.cases(), order=ORDERS)
def test_lots_minimums_availability_and_budgets_hold_exactly(case, order):
    """Counted from the printed lines and the offers alone, with exact costs: fees, breaks and years included."""
    made = plan(m.problem_of(case, order), explanations="none")
    offers = {o["offer_id"]: o for o in case["offers"]}
    bought: dict[str, Decimal] = {}
    spent: dict[str, Fraction] = {}
    years: dict[int, Fraction] = {}
    for line in made.lines:
        offer, tonnes = offers[line.offer_id], Decimal(line.contracted_t)
        assert tonnes % Decimal(offer["lot_size"]) == 0
        assert tonnes >= Decimal(offer.get("min_quantity", "0"))
        bought[line.offer_id] = bought.get(line.offer_id, Decimal(0)) + tonnes
        begin, _, price = offer.get("price_breaks", "").partition("=")
        unit = price if begin and tonnes >= Decimal(begin) else offer["price"]
        cost = Fraction(unit) * Fraction(tonnes) + Fraction(offer.get("fixed_fee", "0"))
        assert abs(Fraction(line.cost) - cost) < m.FEN
        spent[line.event_id] = spent.get(line.event_id, Fraction(0)) + cost
        years[line.purchase_date.year] = years.get(line.purchase_date.year, Fraction(0)) + cost
    assert all(t <= Decimal(offers[i]["quantity"]) for i, t in bought.items())
    for event in case["calendar"]["events"]:
        if "budget" in event:
            assert spent.get(event["id"], Fraction(0)) <= Fraction(event["budget"]["total"])
    shared = case["calendar"].get("budget")
    if shared is not None:
        first, second = (Fraction(shared["by_fiscal_year"][y]) for y in (2026, 2027))
        carried = first - years.get(2026, Fraction(0))
        assert carried >= 0
        assert years.get(2027, Fraction(0)) <= second + (carried if shared["carry_forward"] else 0)
        assert set(years) <= {2026, 2027}


# -------------------------------------------------------------------------------------------------------- divisible


@modest
@given(case=m.cases(whole=False, budgets=False, limits=False), order=ORDERS)
def test_divisible_plans_are_exact_at_every_level_to_the_kg(case, order):
    """Without fractions of a kg in the data the optimum stands in whole kg, or a kg beside it for forests."""
    solution = m.solved(case, order)
    kg = Fraction(1 + len(solution.chain.between_kg), 1000)
    for p in solution.proofs:
        assert p.proof == "exact"
        assert p.value - p.bound <= (kg if p.name != "cost" else m.FEN + 90 * kg), p.name


@modest
@given(case=m.cases(budgets=False, limits=False), order=st.sampled_from(["priority-first", "cost-first"]))
def test_divisible_quantities_never_leave_more_uncovered_than_whole_lots(case, order):
    """The LP relaxes lots, minimums, fees and breaks; its shortfall is at most that of whole lots."""
    whole = m.solved(case, order)
    settings = {**case["calendar"]["settings"], "whole_lots": False}
    divisible = m.solved({**case, "calendar": {**case["calendar"], "settings": settings}}, order)
    assert divisible.shortfall_t <= whole.shortfall_t + Fraction(1 + len(divisible.chain.between_kg), 1000)


def test_no_offers_at_all_is_an_answer_not_an_error():
    """x = 0 is always feasible: the plan is short by the whole need, and its check holds."""
    event = {"id": "e", "end_date": "2026-10-11", "emissions": {"tonnes": "12.5", "status": "verified"}}
    made = plan(m.problem_of({"calendar": {"events": [event]}, "offers": []}))
    assert made.status == "short" and made.totals.shortfall_t == "12.5"
    assert check(made).holds
    assert made.as_of == date(2026, 11, 22)
