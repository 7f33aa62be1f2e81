"""What is done in a draw: planned anew, today's plan held to with or without replacement; and the second solution."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from fractions import Fraction
from functools import partial

import numpy as np
import pytest

from market_data.draws import FallThrough, FallThroughRule, Spot, YieldRange, prices
from market_data.price_models import calibrate
from market_data.price_statistics import PriceHistory
from optimizer import BadInput, Calendar, Offer, Offers, Problem, read_rule_pack
from optimizer.solution import solve
from scenarios.draws import Uncertainty, market_of
from scenarios.failures import Failure
from scenarios.runner import run
from scenarios.sweep import SweepMismatch, question_of, ranges, sweep, sweep_chunk, sweep_range
from scenarios.swept import joined

AS_OF, LATER = date(2026, 11, 22), date(2027, 3, 1)
PACK = read_rule_pack("shanxi-2022")
CCER = {"instrument": "ccer", "region": "14"}
FOREST = {
    "instrument": "forestry",
    "region": "14",
    "certified_by": "某机构",
    "delivery_schedule": "2030-12-31=0.5;2040-12-31=1",
    "buffer": "0.1",
}
ALL_OF_THEM = FallThroughRule(FallThrough(10_000, 10_000))


def model():
    returns = np.random.default_rng(5).normal(0, 0.1, (40, 2))
    fen = np.rint(7000 * np.exp(np.cumsum(returns, axis=0))).astype(np.int64)
    months = np.arange("2022-01", np.datetime64("2022-01") + np.timedelta64(40, "M"), dtype="datetime64[M]")
    return calibrate(PriceHistory(("ccer", "allowance"), months, fen), "mean-reverting")


MODEL = model()
PRICES = Uncertainty(MODEL, LATER)
EVERYTHING = Uncertainty(
    MODEL, LATER, fall_through=FallThroughRule(FallThrough(1000, 3000)), yield_spread=YieldRange(0.4, 1.0, 1.3)
)


def offer(offer_id, kind, quantity, price, **keys):
    return Offer.model_validate({"offer_id": offer_id, "quantity": quantity, "price": price, **kind, **keys})


def problem(offers, *events, objective="priority-first", **calendar):
    events = events or (event("e", "100"),)
    return Problem(
        Calendar.model_validate({"events": list(events), "objective": objective, **calendar}),
        Offers.of(offers),
        PACK,
        AS_OF,
    )


def event(event_id, tonnes, low=None, high=None, **keys):
    given = {k: v for k, v in (("low", low), ("high", high)) if v is not None}
    emissions = {"tonnes": tonnes, "status": "estimated" if given else "verified", **given}
    return {"id": event_id, "end_date": "2026-10-11", "emissions": emissions, **keys}


SMALL = [
    offer("a", CCER, "60", "70", seller="甲"),
    offer("b", CCER, "70", "75", seller="乙", fee_rate="0.02", unit_fee="1.5"),
    offer("c", {"instrument": "allowance"}, "80", "60", seller="甲", firm=False),
    offer("d", {"instrument": "allowance"}, "80", "64", seller="丙"),
    offer("f", FOREST, "100", "40", seller="乙"),
]


def test_a_drawn_price_is_the_models_factor_on_the_day_of_purchase():
    """One offer, 10 t at 70.00: each draw costs 10 x 70 x factor, the factor rounded to four decimals."""
    swept = sweep(question_of(problem([offer("a", CCER, "50", "70")], event("e", "10")), PRICES), 7, 50)
    factors = prices(MODEL, Spot(AS_OF), [LATER], 50, 7, instruments=["ccer"])[:, 0, 0]
    assert swept.cost_yuan == pytest.approx(700 * np.rint(factors * 1e4) / 1e4)
    assert swept.cost_yuan.std() > 10
    assert swept.years == (2027,)  # paid when bought


def test_bought_today_no_price_has_moved():
    swept = sweep(question_of(problem(SMALL), replace(PRICES, buy_on=None)), 7, 20)
    assert swept.cost_yuan.std() == 0


@pytest.mark.parametrize("conduct", ["replan", "replace"])
@pytest.mark.parametrize("objective", ["priority-first", "order-first", "cost-first"])
def test_merit_order_and_linear_program_agree(conduct, objective):
    limits = [{"group": "seller", "max_share": "0.5"}]
    asked = problem(SMALL, event("e", "150", "100", "240", limits=limits), objective=objective)
    question = question_of(asked, EVERYTHING, conduct)
    assert question.order is not None
    greedy = sweep(question, 3, 25)
    programs = sweep(replace(question, order=None), 3, 25)
    assert not greedy.by_program.any() and programs.by_program.all()
    assert greedy.cost_yuan == pytest.approx(programs.cost_yuan, abs=0.01)
    assert greedy.tier_t == pytest.approx(programs.tier_t, abs=1e-5)


def test_a_draw_as_a_problem_of_its_own_is_solved_to_the_same_cost_and_tiers():
    asked = problem(SMALL, event("e", "150", "100", "240", limits=[{"group": "seller", "max_share": "0.5"}]))
    question = question_of(asked, EVERYTHING)
    swept, drawn = sweep(question, 11, 25), question.market.draw(11, 0, 25)
    for k in range(25):
        alone = solve(question.market.problem_of(drawn, k), prove=False)
        assert float(alone.cost_yuan) == pytest.approx(swept.cost_yuan[k], abs=0.3)  # whole kg: 4 lines at 75 yuan/t
        assert float(alone.shortfall_t) == pytest.approx(swept.shortfall_t[k].sum(), abs=0.004)


def test_several_events_share_a_market_and_every_hundredth_draw_is_solved_again():
    asked = problem(SMALL, event("e1", "60", "50", "90"), event("e2", "80", "70", "85"))
    question = question_of(asked, EVERYTHING)
    swept = sweep_chunk(question, 5, 90, 25)
    assert question.order is None and swept.by_program.all()
    assert np.flatnonzero(swept.checked).tolist() == [10]
    assert swept.paid_yuan.shape == (25, 2, 1)
    assert (swept.covered_t <= swept.need_t + 1e-6).all()


def test_a_budget_is_a_limit_only_when_asked():
    """Tier 2 at 70 and 75 covers 100 t for 4200 + 40 x (75 x 1.02 + 1.5) = 7320 at today's prices."""
    asked = problem(SMALL, event("e", "100", budget={"total": "7320"}))
    measured = sweep(question_of(asked, PRICES), 7, 40)
    limited = question_of(asked, PRICES, money="limit")
    kept = sweep(limited, 7, 40)
    over = measured.cost_yuan > 7320
    assert 5 < over.sum() < 35
    assert (kept.cost_yuan <= 7320 + 0.0001).all()  # quantities to the gram: 0.5 g of 80 yuan/t is 0.00004 yuan
    assert np.array_equal(kept.by_program, over)
    assert kept.cost_yuan[~over] == pytest.approx(measured.cost_yuan[~over])
    assert limited.budget_fen == 732_000


def test_a_held_plan_is_bought_at_the_drawn_prices():
    """Without anything that falls through all three conducts buy the only offer; held ones whatever the price."""
    asked = problem([offer("a", CCER, "100", "70"), offer("b", {"instrument": "allowance"}, "100", "69")])
    held, replanned = (sweep(question_of(asked, PRICES, c), 7, 30) for c in ("short", "replan"))
    assert held.cost_yuan == pytest.approx(replanned.cost_yuan)
    cheapest = problem(
        [offer("a", CCER, "100", "70"), offer("b", {"instrument": "allowance"}, "100", "69")], objective="cost-first"
    )
    held, replanned = (sweep(question_of(cheapest, PRICES, c), 7, 30) for c in ("short", "replan"))
    assert (held.cost_yuan >= replanned.cost_yuan - 1e-6).all() and (held.cost_yuan > replanned.cost_yuan + 1).any()


def test_what_falls_through_is_left_short_or_replaced_in_the_order_of_tiers():
    """Plan: 60 t of a, 40 t of b (tier 2). Where a is gone: short leaves 60 t; replace takes b's other 30 t, then c."""
    rule = FallThroughRule(FallThrough(3000, 3000))
    asked = problem(SMALL[:3])
    short, replaced = (
        sweep(question_of(asked, Uncertainty(fall_through=rule), c), 7, 200) for c in ("short", "replace")
    )
    there = question_of(asked, Uncertainty(fall_through=rule)).market.draw(7, 0, 200).there
    only_a_gone = ~there[:, 0] & there[:, 1] & there[:, 2]
    assert only_a_gone.sum() > 10
    assert short.shortfall_t[only_a_gone, 0] == pytest.approx(60)
    assert replaced.shortfall_t[only_a_gone, 0] == pytest.approx(0)
    b, c = 75 * 1.02 + 1.5, 60
    assert short.cost_yuan[only_a_gone] == pytest.approx(40 * b)
    assert replaced.cost_yuan[only_a_gone] == pytest.approx(70 * b + 30 * c)
    none_left = ~there.any(axis=1)
    assert none_left.any() and replaced.cost_yuan[none_left] == pytest.approx(0)


def test_a_held_plan_buys_no_less_where_less_is_emitted():
    asked = problem([offer("a", CCER, "200", "70")], event("e", "100", "50", "150"))
    swept = sweep(question_of(asked, Uncertainty(), "replace"), 7, 60)
    assert swept.covered_t.min() == pytest.approx(100)
    more = swept.need_t[:, 0] > 100
    assert swept.covered_t[more, 0] == pytest.approx(swept.need_t[more, 0])


def test_a_forest_that_grows_less_covers_less():
    """100 t contracted, half delivered by the deadline, a tenth kept back: 45 t as stated; a yield of 0.6 gives 27."""
    known = Uncertainty(yield_spread=YieldRange(0.6, 0.6, 0.6))
    swept = sweep(question_of(problem([SMALL[4]]), known), 7, 3)
    assert swept.covered_t[:, 0] == pytest.approx(27)
    assert swept.tier_t.sum(axis=1) == pytest.approx(27)


def test_everything_falls_through():
    swept = sweep(question_of(problem(SMALL), Uncertainty(fall_through=ALL_OF_THEM)), 7, 5)
    assert swept.cost_yuan.max() == 0 and swept.shortfall_t.min() == 100


def test_crossing_caps_and_least_shares_are_linear_programs():
    crossing = [{"group": "seller", "max_share": "0.5"}, {"group": "tier", "max_share": "0.6"}]
    assert question_of(problem(SMALL, event("e", "100", limits=crossing)), PRICES).order is None
    least = [{"where": {"region": "14"}, "min_share": "0.2"}]
    question = question_of(problem(SMALL, event("e", "100", limits=least), objective="cost-first"), PRICES)
    assert question.order is None
    swept = sweep(question, 7, 3)
    assert (swept.tier_t[:, 1:3].sum(axis=1) >= 20 - 1e-6).all()


def test_nested_caps_are_still_a_merit_order():
    nested = [
        {"where": {"instrument": "allowance"}, "max_share": "0.7"},
        {"where": {"offer_id": "c"}, "max_share": "0.3"},
        {"where": {"instrument": "allowance", "seller": ["甲", "丙"]}, "max_share": "0.65"},
    ]
    asked = problem(SMALL[2:4], event("e", "100", limits=nested))
    question = question_of(asked, PRICES)
    assert question.order is not None
    swept = sweep(question, 7, 4)
    assert swept.covered_t[:, 0] == pytest.approx(65)
    assert swept.cost_yuan == pytest.approx(sweep(replace(question, order=None), 7, 4).cost_yuan)


def test_a_wrong_draw_is_an_error():
    question = question_of(problem(SMALL), PRICES)
    assert question.order is not None
    broken = replace(question, order=replace(question.order, columns=question.order.columns[::-1].copy()))
    with pytest.raises(SweepMismatch, match="draw 0: "):
        sweep(broken, 7, 5)


def test_questions_and_sweeps_pickle():
    question = question_of(problem(SMALL), EVERYTHING)
    again = pickle.loads(pickle.dumps(question))
    assert np.array_equal(sweep(again, 7, 20).cost_yuan, sweep(question, 7, 20).cost_yuan)


def test_any_runner_gives_the_sweep():
    question = question_of(problem(SMALL, event("e1", "60", "50", "90"), event("e2", "80", "70", "85")), EVERYTHING)
    whole, work = sweep(question, 7, 23), partial(sweep_range, question)
    assert [(r.first, r.size) for r in ranges(7, 23, 10)] == [(0, 10), (10, 10), (20, 3)]
    with ThreadPoolExecutor(2) as pool:
        for executor in (None, pool):
            chunks = [c for c in run(ranges(7, 23, 10), work, executor, chunk=1) if not isinstance(c, Failure)]
            assert np.array_equal(joined(chunks).paid_yuan, whole.paid_yuan)


def test_the_frame_has_a_row_a_draw():
    asked = problem(SMALL, event("e", "150", "100", "240"))
    frame = sweep_chunk(question_of(asked, EVERYTHING), 7, 10, 5).to_frame()
    assert frame.index.tolist() == [10, 11, 12, 13, 14] and frame.index.name == "draw"
    assert frame.columns[:4].tolist() == ["cost_yuan", "need_t", "covered_t", "shortfall_t"]
    assert frame["cost_yuan"].to_numpy() == pytest.approx(frame["paid_2027_yuan"].to_numpy())
    assert frame.dtypes.astype(str).value_counts().to_dict() == {"float64": len(frame.columns) - 2, "bool": 2}


def test_faults_are_told():
    with pytest.raises(BadInput, match="day of purchase"):
        market_of(problem(SMALL), Uncertainty(buy_on=date(2026, 1, 1)))
    with pytest.raises(BadInput, match="day of purchase"):
        market_of(problem(SMALL), Uncertainty(buy_on=date(2028, 1, 1)))
    question = question_of(problem(SMALL), PRICES)
    with pytest.raises(BadInput, match="should be a whole number"):
        sweep_chunk(question, 7, 0, 0)
    with pytest.raises(BadInput, match="follow one another"):
        joined([sweep_chunk(question, 7, 0, 5), sweep_chunk(question, 7, 6, 5)])
    with pytest.raises(BadInput, match="follow one another"):
        joined([])
    with pytest.raises(BadInput, match="should be a whole number"):
        ranges(7, 10, 0)


def test_an_offer_that_ends_before_the_day_of_purchase_stands_for_its_like():
    ends = offer("a", CCER, "100", "70", valid_until="2026-12-31")
    over = offer("b", CCER, "100", "10", valid_until="2026-11-01")
    market = market_of(problem([ends, over]), PRICES)
    assert [str(market.problem.offers.offer_id[i]) for i in market.offers] == ["a"]
    assert market.arcs.day.tolist() == [LATER]


def test_today_plan_is_the_divisible_plan():
    asked = problem(SMALL)
    question = question_of(asked, replace(PRICES, buy_on=None))
    alone = solve(asked.with_settings(whole_lots=False), prove=False)
    assert question.plan_cost_yuan == pytest.approx(float(alone.cost_yuan))
    assert Fraction(int(question.held_kg.sum()), 1000) == sum(
        Fraction(kg, 1000) for kg in alone.measure.purchase.values()
    )


def test_budgets_by_year_and_an_outlook_give_dates_that_the_second_solution_knows():
    budget = {"by_fiscal_year": {2027: "4000", 2028: "9000"}}
    asked = problem(SMALL, {**event("e", "90", budget=budget), "end_date": "2027-10-11"})
    question = question_of(asked, PRICES, money="limit")
    swept = sweep(question, 7, 3)
    assert swept.years[:2] == (2027, 2028) and swept.checked[0]
    assert (swept.paid_yuan[:, 0, 0] <= 4000 + 1e-6).all() and swept.paid_yuan[:, 0, 2:].max() == 0
