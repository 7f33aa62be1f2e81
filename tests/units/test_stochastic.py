"""The plan that stands up to a problem's draws: what it buys, what it is measured by, and what it refuses."""

import json
from datetime import date

import numpy as np
import pytest

from market_data.draws import FallThrough, FallThroughRule, YieldRange
from market_data.price_models import calibrate
from market_data.price_statistics import PriceHistory
from optimizer import BadInput, Calendar, Offer, Offers, Problem, read_rule_pack
from scenarios.draws import Uncertainty
from scenarios.recourse import Cap, Recourse, TwoStage
from scenarios.stochastic import STRATEGY_NAMES, less, stand_up_to
from scenarios.sweep import question_of, sweep

AS_OF, LATER = date(2026, 11, 22), date(2027, 3, 1)
PACK = read_rule_pack("shanxi-2022")
CCER = {"instrument": "ccer", "region": "14"}
CEA = {"instrument": "allowance"}


def model():
    returns = np.random.default_rng(5).normal(0, 0.1, (40, 2))
    fen = np.rint(7000 * np.exp(np.cumsum(returns, axis=0))).astype(np.int64)
    months = np.arange("2022-01", np.datetime64("2022-01") + np.timedelta64(40, "M"), dtype="datetime64[M]")
    return calibrate(PriceHistory(("ccer", "allowance"), months, fen), "bootstrap")


MODEL = model()


def problem(offers, *events, **calendar):
    given = events or (event("e", "100", "60", "180"),)
    market = Offers.of(Offer.model_validate({"quantity": "500", "price": "70", **CCER, **o}) for o in offers)
    return Problem(Calendar.model_validate({"events": list(given), **calendar}), market, PACK, AS_OF)


def event(event_id, tonnes, low, high, **keys):
    emissions = {"tonnes": tonnes, "low": low, "high": high, "status": "estimated"}
    return {"id": event_id, "end_date": "2026-10-11", "emissions": emissions, **keys}


def test_flat_prices_and_certain_offers_leave_nothing_to_gain_but_from_the_need():
    """Nothing is dearer later, so waiting for the need is free: later costs 70 x mean need, as with foresight."""
    found = stand_up_to(problem([{"offer_id": "a"}]), Uncertainty(buy_on=LATER), 7, 50)
    needs = question_of(problem([{"offer_id": "a"}]), Uncertainty()).market.draw(7, 0, 50).need_kg[:, 0] / 1000
    for name in ("stochastic", "later", "wait and see"):
        assert found.strategy(name).mean_cost_yuan == pytest.approx(70 * needs.mean())
    today = found.strategy("today")
    assert today.mean_cost_yuan == pytest.approx(70 * np.maximum(needs, 100).mean())
    assert found.vss_yuan == 0 and found.evpi_yuan == 0


def test_what_may_fall_through_is_bought_today():
    """9 in 10 are gone later, and a tonne uncovered costs twice the dearest price: today up to nearly every need."""
    rule = FallThroughRule(FallThrough(9000, 9000))
    found = stand_up_to(problem([{"offer_id": "a"}]), Uncertainty(buy_on=LATER, fall_through=rule), 7, 60)
    (bought,) = found.purchases
    assert bought.today_t > 100 > bought.ignoring_risk_t > 0
    assert found.vss_yuan > 0 and found.evpi_yuan > 0
    worth = [found.strategy(n).worth_yuan for n in ("wait and see", "stochastic", "expected value")]
    assert worth == sorted(worth)


def test_wait_and_see_is_the_sweep_that_replans_where_today_is_no_cheaper():
    """With today's offers closed until the later day, foreseeing a draw is planning it anew: the sweep's mean cost."""
    offers = [
        {"offer_id": "a", "quantity": "80", "valid_from": "2027-03-01"},
        {"offer_id": "b", "quantity": "60", "price": "75", "valid_from": "2027-03-01"},
        {"offer_id": "c", "price": "60", **CEA, "valid_from": "2027-03-01"},
    ]
    known = Uncertainty(MODEL, LATER, fall_through=FallThroughRule(FallThrough(1000, 1000)))
    asked = problem(offers, event("e", "100", "60", "180", limits=[{"group": "instrument", "max_share": "0.9"}]))
    found = stand_up_to(asked, known, 7, 40)
    for name in ("stochastic", "later", "wait and see"):
        assert found.strategy(name).today_cost_yuan == 0
    free = problem(offers)
    found, swept = stand_up_to(free, known, 7, 40), sweep(question_of(free, known), 7, 40)
    assert found.strategy("wait and see").mean_cost_yuan == pytest.approx(swept.cost_yuan.mean(), rel=1e-6)
    assert found.strategy("later").mean_shortfall_t == pytest.approx(swept.shortfall_t.sum(axis=1).mean(), abs=1e-3)


def test_the_order_of_tiers_comes_before_cost_unless_it_is_no_goal():
    offers = [{"offer_id": "a", "price": "90"}, {"offer_id": "c", "price": "60", **CEA}]
    asked = problem(offers)
    ordered = stand_up_to(asked, Uncertainty(buy_on=LATER), 7, 10)
    cheapest = stand_up_to(asked, Uncertainty(buy_on=LATER), 7, 10, order_fen_per_t=0)
    assert {p.offer_id for p in ordered.purchases} == {"a"}
    assert {p.offer_id for p in cheapest.purchases} == {"c"}
    assert ordered.penalty_yuan_per_t == (180.0,) * 5 and cheapest.penalty_yuan_per_t == (0.0,) * 4 + (180.0,)


def test_an_offer_that_cannot_be_retired_in_time_later_is_bought_today_or_not_at_all():
    """Deadline 2027-10-11 less 300 days is in December: only today; its tonnes are 20 yuan cheaper."""
    offers = [{"offer_id": "slow", "price": "50", "settlement_days": 300, "quantity": "60"}, {"offer_id": "a"}]
    found = stand_up_to(problem(offers), Uncertainty(buy_on=LATER), 7, 20)
    slow, a = (next(p for p in found.purchases if p.offer_id == name) for name in ("slow", "a"))
    assert slow.today_t == pytest.approx(60) and slow.later_t == 0
    assert a.later_t > 0


def test_a_risk_averse_plan_buys_more_today_and_its_tail_is_cheaper():
    known = Uncertainty(MODEL, LATER)
    asked = problem([{"offer_id": "a"}], event("e", "100", "100", "100"))
    plain, averse = (stand_up_to(asked, known, 7, 80, tail_weight_e4=w) for w in (0, 9000))
    assert averse.strategy("stochastic").tail_cost_yuan <= plain.strategy("stochastic").tail_cost_yuan + 1e-6
    assert averse.strategy("stochastic").mean_cost_yuan >= plain.strategy("stochastic").mean_cost_yuan - 1e-6
    assert averse.strategy("stochastic").today_cost_yuan > plain.strategy("stochastic").today_cost_yuan


def test_events_share_the_market_and_forests_grow_as_they_do():
    forest = {
        "instrument": "forestry",
        "certified_by": "某机构",
        "delivery_schedule": "2030-12-31=0.5",
        "quantity": "100",
        "price": "30",
    }
    events = (event("e1", "60", "50", "90"), event("e2", "80", "70", "85"))
    asked = problem([{"offer_id": "a", "quantity": "130"}, {"offer_id": "f", **forest}], *events)
    known = Uncertainty(MODEL, LATER, yield_spread=YieldRange(0.2, 1.0, 1.2))
    found = stand_up_to(asked, known, 7, 30)
    bought = sum(p.today_t + p.later_t for p in found.purchases if p.offer_id == "a")
    assert bought <= 130 + 1e-6
    assert found.vss_yuan >= 0 and found.evpi_yuan >= 0
    assert [(p.event_id, p.tier, p.offer_id) for p in found.purchases] == sorted(
        (p.event_id, p.tier, p.offer_id) for p in found.purchases
    )


@pytest.mark.parametrize("tail_weight", [0.0, 0.4])
def test_a_program_that_grows_ends_where_the_whole_one_does(tail_weight, monkeypatch):
    """Eighty arcs in two tiers, ten sellers capped: from what could fill the needs, or with all arcs from the start."""
    rng, arcs, draws = np.random.default_rng(1), 80, 12
    price = rng.uniform(50, 100, arcs)
    asked = Recourse(
        event=np.zeros(arcs, dtype=np.int64),
        offer=np.arange(arcs),
        tier=rng.integers(1, 3, arcs),
        quantity_t=np.full(arcs, 10.0),
        now_cost=price,
        now_most_t=np.full(arcs, 10.0) * (rng.random(arcs) < 0.8),
        later_cost=price * rng.lognormal(0, 0.2, (draws, 1)),
        later_most_t=np.full((draws, arcs), 10.0) * (rng.random((draws, arcs)) < 0.9),
        eta=np.ones((draws, arcs)),
        need_t=rng.uniform(60, 140, (draws, 1)),
        penalty=np.array([20.0, 300.0]),
        caps=tuple(Cap(str(g), np.arange(g, arcs, 10), 15.0) for g in range(10)),
        tail_weight=tail_weight,
        tail_share=0.8,
    )
    grown, objective = TwoStage(asked).best()
    monkeypatch.setattr("scenarios.recourse.SMALL_ARCS", arcs)
    two = TwoStage(asked)
    assert two.best()[1] == pytest.approx(objective, rel=1e-7)
    assert asked.worth(two.played(grown).outcomes) == pytest.approx(objective, rel=1e-7)


def test_tables_and_documents():
    limits = [{"where": {"region": "14"}, "min_share": "0.5"}]
    asked = problem([{"offer_id": "a"}], event("e", "100", "60", "180", limits=limits))
    found = stand_up_to(asked, Uncertainty(MODEL, LATER), 7, 20, tail_weight_e4=2500, tail_share=0.8)
    frame = found.to_frame()
    assert frame.index.tolist() == list(STRATEGY_NAMES) and set(frame.dtypes.astype(str)) == {"float64"}
    assert found.purchases_frame()["tier"].dtype == "int64"
    assert [f.code for f in found.findings] == ["min_share_left_out"]
    for lang in ("zh", "en"):
        document = json.loads(json.dumps(found.as_dict(lang)))
        assert document["tail_weight"] == "0.2500"
        assert document["value_of_the_stochastic_solution"] == f"{found.vss_yuan:.2f}"
        assert len(document["strategies"]) == 5


def test_the_same_seed_gives_the_same_plan():
    asked = problem([{"offer_id": "a"}, {"offer_id": "b", "price": "72"}])
    known = Uncertainty(MODEL, LATER, fall_through=FallThroughRule())
    assert stand_up_to(asked, known, 7, 30).as_dict("en") == stand_up_to(asked, known, 7, 30).as_dict("en")


def test_faults_are_told_together():
    with pytest.raises(BadInput) as caught:
        stand_up_to(problem([{"offer_id": "a"}]), Uncertainty(), 7, 10, tail_weight_e4=20_000, tail_share=1.0)
    assert [f.path for f in caught.value.findings] == ["buy_on", "tail_weight", "tail_share"]
    with pytest.raises(BadInput, match="whole number"):
        stand_up_to(problem([{"offer_id": "a"}]), Uncertainty(buy_on=LATER), -1, 10)


def test_worths_that_differ_by_the_solvers_tolerance_are_the_same():
    assert less(1e6 + 0.01, 1e6) == 0
    assert less(1e6 + 1, 1e6) == 1
