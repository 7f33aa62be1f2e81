"""Laws of comparing two plans: nothing changes without a cause, causes are facts, and the sums of the lines are the
difference of the totals, whatever the market and whatever was edited in it."""

import json
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import hypothesis.strategies as st
from hypothesis import assume, given, settings

from optimizer import Offer, Offers, Plan, Problem, plan
from optimizer.quantities import fen_of, kg_of
from scenarios import Changes, compare_plans
from tests.laws import markets as m

PAST, LATER = "2026-11-01", date(2027, 2, 1)
few = settings(m.modest, max_examples=14)
"""Every example plans twice."""
ORDERS = st.sampled_from(["priority-first", "cost-first"])


def _edit(draw: Any, offers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One edit of a market that keeps at least one offer."""
    k = draw(st.integers(0, len(offers) - 1))
    one = offers[k]
    kind = draw(st.sampled_from(["price", "price", "fee", "cut", "grow", "drop", "add", "expire", "terms"]))
    quantity, lot = Decimal(one["quantity"]), Decimal(one["lot_size"])
    changed = {
        "price": {"price": draw(st.sampled_from(["0", "10", "19.99", "49", "200"]))},
        "fee": {"fee_rate": draw(st.sampled_from(["0.01", "0.5"])), "unit_fee": "1"},
        "cut": {"quantity": str(max(lot, quantity - lot * 2))},
        "grow": {"quantity": str(quantity + lot * 3)},
        "expire": {"valid_until": PAST},
        "terms": {"min_quantity": str(lot * draw(st.integers(1, 3))), "fixed_fee": "3"},
    }
    if kind == "drop" and len(offers) > 1:
        return [*offers[:k], *offers[k + 1 :]]
    if kind == "add":
        price = {"price": draw(st.sampled_from(m.PRICES))}
        return [*offers, {**one, **price, "offer_id": f"n{len(offers)}"}]
    return [*offers[:k], {**one, **changed.get(kind, {})}, *offers[k + 1 :]]


@st.composite
def edited(draw: st.DrawFn, limits: bool = True) -> dict[str, Any]:
    """A case, and the same with one to three edits of its market and perhaps another day."""
    case = draw(m.cases(limits=limits))
    offers = case["offers"]
    for _ in range(draw(st.integers(1, 3))):
        offers = _edit(draw, offers)
    return {"case": case, "offers": offers, "as_of": draw(st.sampled_from([m.AS_OF, m.AS_OF, LATER]))}


def _problems(one: dict[str, Any], order: str) -> tuple[Problem, Problem]:
    before = m.problem_of(one["case"], order)
    market = Offers.of(Offer.model_validate(o) for o in one["offers"])
    return before, before.replace(offers=market, as_of=one["as_of"])


def _compared(one: dict[str, Any], order: str, explanations: Any = "short") -> tuple[Changes, Problem, Problem]:
    before, after = _problems(one, order)
    old, new = (plan(p, explanations=explanations, lang="en") for p in (before, after))
    return compare_plans(old, new, before.offers, after.offers), before, after


@few
@given(one=edited(), order=ORDERS, explanations=st.sampled_from(["none", "none", "short"]))
def test_every_changed_line_has_a_cause_and_a_kept_one_has_none(one, order, explanations):
    """A tie-break picks among equally good plans: only a plan that is not proven may differ for no reason."""
    changes, _, after = _compared(one, order, explanations)
    for line in changes.lines:
        if any(c.code == "other_optimum" for c in line.causes):
            assert not (_proven(changes.before) and _proven(changes.after)) or line.causes[0].evidence["same_goals"]
        assert bool(line.causes) == (line.kind != "kept"), (line.kind, line.offer_id)
        assert all(c.code and c.message.zh and c.message.en for c in line.causes)
    json.dumps(changes.as_dict("zh"), allow_nan=False)
    hashed = changes.before.model_copy(update={"problem": {**changes.before.problem, "offers": None}})
    blind = compare_plans(hashed, changes.after, None, after.offers)
    assert [(x.offer_id, x.kind, bool(x.causes)) for x in blind.lines] == [
        (x.offer_id, x.kind, bool(x.causes)) for x in changes.lines
    ]
    assert blind.old_plan == changes.old_plan


def _all_in(offer: Any) -> Fraction:
    rate, fee = Fraction(offer.get("fee_rate", "0")), Fraction(offer.get("unit_fee", "0"))
    return Fraction(offer["price"]) * (1 + rate) + fee


@few
@given(one=edited(), order=ORDERS)
def test_causes_are_facts_of_the_two_markets(one, order):
    """Every cause about the line's own offer is looked up again in the rows that the markets were made of."""
    changes, _, _ = _compared(one, order, "none")
    old, new = ({o["offer_id"]: o for o in rows} for rows in (one["case"]["offers"], one["offers"]))
    for line in changes.lines:
        a: Any
        b: Any
        a, b = old.get(line.offer_id), new.get(line.offer_id)
        for cause in line.causes:
            if cause.code == "offer_gone":
                assert a is not None and b is None
            elif cause.code == "offer_new":
                assert a is None and b is not None
            elif cause.code in ("dearer", "cheaper"):
                assert Fraction(cause.evidence["price_before"]) == _all_in(a)
                assert Fraction(cause.evidence["price_after"]) == _all_in(b)
                assert (cause.code == "dearer") == (_all_in(b) > _all_in(a))
            elif cause.code == "expired":
                assert b["valid_until"] == PAST
            elif cause.code in ("less_available", "more_available"):
                grew = Decimal(b["quantity"]) > Decimal(a["quantity"])
                assert grew == (cause.code == "more_available") or "min_quantity" in b


@few
@given(one=edited(), order=ORDERS)
def test_the_lines_add_up_to_the_totals(one, order):
    changes, _, _ = _compared(one, order, "none")
    before, after = changes.before, changes.after
    difference = sum(x.cost_change_fen for x in changes.lines)
    assert difference == fen_of(after.totals.cost) - fen_of(before.totals.cost)
    for side, made in (("before", before), ("after", after)):
        bought = sum(getattr(x, side).contracted_kg for x in changes.lines)
        assert bought == sum(kg_of(x.contracted_t) for x in made.lines)
    assert fen_of(changes.totals()["cost"]["difference"]) == difference


MIRROR = {"new": "gone", "gone": "new", "more": "less", "less": "more", "dearer": "cheaper", "cheaper": "dearer"}


@few
@given(one=edited(), order=ORDERS)
def test_the_way_back_says_the_opposite(one, order):
    changes, before, after = _compared(one, order, "none")
    back = compare_plans(changes.after, changes.before, after.offers, before.offers)
    assert {(x.event_id, x.offer_id): MIRROR.get(x.kind, x.kind) for x in changes.lines} == {
        (x.event_id, x.offer_id): x.kind for x in back.lines
    }


@few
@given(one=edited(), order=ORDERS)
def test_on_its_own_market_a_plan_is_kept_whole_at_its_own_cost(one, order):
    problem = m.problem_of(one["case"], order)
    made = plan(problem, explanations="none")
    changes = compare_plans(made, made.document(), None, problem.offers)
    assert not changes.changed
    assert changes.old_plan.whole
    assert changes.old_plan.cost_fen == fen_of(made.totals.cost)
    assert changes.old_plan.shortfall_kg == sum(kg_of(e.shortfall_t) for e in made.events)


def _proven(made: Plan) -> bool:
    return all(level.proof == "exact" for level in made.levels)


@few
@given(one=edited(limits=False))
def test_a_new_plan_is_never_worse_than_an_old_one_that_can_still_be_kept(one):
    """By shortfall in whole steps, then cost: keeping the old plan is one of the choices that the new plan had."""
    changes, _, after = _compared(one, "cost-first", "none")
    assume(changes.old_plan.whole and _proven(changes.after) and len({e.priority for e in after.events}) == 1)
    step_kg = int(after.step_t * 1000)
    steps = [-(-kg // step_kg) for kg in (kg_of(changes.after.totals.shortfall_t), changes.old_plan.shortfall_kg)]
    assert steps[0] <= steps[1]
    if steps[0] == steps[1]:
        assert fen_of(changes.after.totals.cost) <= changes.old_plan.cost_fen + 1


@few
@given(one=edited(), order=ORDERS, seed=st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(one, order, seed):
    changes, before, _ = _compared(one, order, "none")
    shuffled = list(one["offers"])
    seed.shuffle(shuffled)
    again = compare_plans(
        changes.before, changes.after, before.offers, Offers.of(Offer.model_validate(o) for o in shuffled)
    )
    assert again.as_dict("en") == changes.as_dict("en")
