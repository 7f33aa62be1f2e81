"""Quantiles, tails, probabilities and drivers on numbers known beforehand; budgets of a calendar and its last dates."""

import json
from dataclasses import replace
from datetime import date
from statistics import NormalDist

import numpy as np
import pytest

from market_data.draws import FallThrough, FallThroughRule
from market_data.price_models import calibrate
from market_data.price_statistics import PriceHistory
from optimizer import BadInput, Calendar, Offer, Offers, Problem, read_rule_pack
from scenarios.budgeting import calendar_budget
from scenarios.draws import Uncertainty
from scenarios.risk import assess, assessment_of
from scenarios.summary import distribution, money_text, probability, quantile, tail_mean
from scenarios.sweep import question_of, sweep

AS_OF, LATER = date(2026, 11, 22), date(2027, 3, 1)
PACK = read_rule_pack("shanxi-2022")
CCER = {"instrument": "ccer", "region": "14"}
TWENTY = np.arange(1.0, 21.0)[::-1].copy()


def model():
    returns = np.random.default_rng(5).normal(0, 0.1, (40, 2))
    fen = np.rint(7000 * np.exp(np.cumsum(returns, axis=0))).astype(np.int64)
    months = np.arange("2022-01", np.datetime64("2022-01") + np.timedelta64(40, "M"), dtype="datetime64[M]")
    return calibrate(PriceHistory(("ccer", "allowance"), months, fen), "mean-reverting")


MODEL = model()


def problem(events, offers):
    market = Offers.of(Offer.model_validate({"quantity": "500", **CCER, **o}) for o in offers)
    return Problem(Calendar.model_validate({"events": events}), market, PACK, AS_OF)


def event(event_id, tonnes, low, high, **keys):
    emissions = {"tonnes": tonnes, "low": low, "high": high, "status": "estimated"}
    return {"id": event_id, "end_date": "2026-10-11", "emissions": emissions, **keys}


# ------------------------------------------------------------------------------------------------------------ summary


def test_a_quantile_is_the_least_draw_that_the_share_does_not_exceed():
    """1 .. 20: half of them are at most 10, 80 % at most 16, 95 % at most 19."""
    assert [quantile(TWENTY, q).value for q in (0.5, 0.8, 0.95)] == [10, 16, 19]
    assert quantile(np.array([7.0]), 0.95).value == 7


def test_the_error_of_a_quantile_is_that_of_its_rank():
    """n = 100, q = 1/2: the rank 50 has deviation 5, so ranks 45 and 55 bracket it: (55 - 45) / 2 = 5.

    1.96 x 5 = 9.8: ranks floor(40.2) = 40 and ceil(59.8) = 60 hold 95 %.
    """
    found = quantile(np.arange(1.0, 101.0), 0.5)
    assert (found.value, found.standard_error, found.low, found.high, found.reached) == (50, 5, 40, 60, True)


def test_too_few_draws_for_an_interval_are_told():
    """n = 20, q = 0.95: the upper rank would be 19 + 1.96 x 0.97 = 20.9, beyond the greatest draw."""
    assert not quantile(TWENTY, 0.95).reached
    assert not tail_mean(np.arange(10.0), 0.95).reached


def test_quantile_intervals_hold_the_true_quantile_nineteen_times_in_twenty():
    rng, hits = np.random.default_rng(3), 0
    truth = NormalDist().inv_cdf(0.8)
    for _ in range(300):
        found = quantile(rng.normal(size=400), 0.8)
        hits += found.low <= truth <= found.high
    assert 0.92 <= hits / 300 <= 0.99


def test_cvar_is_the_mean_of_the_dearest_with_the_last_one_in_part():
    """1 .. 20: the dearest 10 % are 19 and 20, mean 19.5; the dearest 5 % are 20.

    The dearest 12.5 % are 2.5 draws: (20 + 19 + 0.5 x 18) / 2.5 = 19.2.
    """
    assert tail_mean(TWENTY, 0.9).value == pytest.approx(19.5)
    assert tail_mean(TWENTY, 0.95).value == pytest.approx(20)
    assert tail_mean(TWENTY, 0.875).value == pytest.approx(19.2)


def test_a_probability_of_nothing_seen_is_not_nothing():
    """Wilson, 0 of 100: upper end 1.96^2 / (100 + 1.96^2) = 3.8415 / 103.8415 = 0.0370."""
    never, half = probability(np.zeros(100, dtype=bool)), probability(np.arange(100) < 50)
    assert (never.value, never.low, round(never.high, 4)) == (0, 0, 0.037)
    assert (half.value, half.standard_error) == (0.5, 0.05)
    assert round(half.low, 4) == 0.4038


def test_no_draws_are_a_fault():
    for summary in (distribution, lambda x: quantile(x, 0.5), lambda x: probability(x > 0)):
        with pytest.raises(BadInput, match="at least one draw"):
            summary(np.zeros(0))


def test_money_is_spelled_in_fen():
    assert [money_text(x) for x in (1234.567, 0, -0.005)] == ["1234.57", "0.00", "0.00"]


# --------------------------------------------------------------------------------------------------------------- risk


def test_emissions_alone_give_the_triangle_of_their_range():
    """Need: a triangle from 80 over 100 to 150 t; price 10 yuan: the median is 150 - sqrt(70 x 50 / 2) = 108.17 t.

    Of 4000 draws the median is known to 0.3 t: 1081.7 +- 15 yuan. Budget 1200: P(need <= 120) = 1 - 30^2 / (70 x 50).
    """
    asked = problem([event("e", "100", "80", "150", budget={"total": "1200"})], [{"offer_id": "a", "price": "10"}])
    found = assess(asked, Uncertainty(), 7, 4000)
    assert found.cost.quantiles["P50"].value == pytest.approx(1081.7, abs=15)
    assert found.within_budget is not None
    assert found.within_budget.value == pytest.approx(1 - 900 / 3500, abs=0.03)
    assert found.covered.value == 1
    assert [d.driver for d in found.drivers] == ["emissions"]
    assert found.drivers[0].spread_share == 1
    assert found.plan_cost_yuan == pytest.approx(1000)
    assert (found.checked, found.by_program) == (40, 0)


def test_the_driver_that_moves_most_comes_first_and_a_known_one_is_not_listed():
    """Prices move by 15 % or so until March, the need by 2 %: prices explain nearly all of the spread."""
    asked = problem([event("e", "100", "98", "102")], [{"offer_id": "a", "price": "70"}])
    found = assess(asked, Uncertainty(MODEL, LATER, fall_through=FallThroughRule(FallThrough(0, 0))), 7, 400)
    assert [d.driver for d in found.drivers] == ["prices", "emissions", "availability"]
    prices, emissions, none = found.drivers
    assert prices.spread_share > 0.9 > 0.1 > emissions.spread_share > 0
    assert none.spread_share == 0 and none.p95_change_yuan == 0
    assert prices.p95_change_yuan > 10 * abs(emissions.p95_change_yuan)
    verified = problem(
        [{"id": "e", "end_date": "2026-10-11", "emissions": {"tonnes": "100", "status": "verified"}}],
        [{"offer_id": "a", "price": "70"}],
    )
    assert list(assessment_of(verified, Uncertainty(MODEL, LATER, yield_spread=0.2)).frozen) == ["prices"]


def test_an_offer_that_falls_through_one_time_in_four_covers_three_in_four():
    asked = problem([event("e", "100", "100", "100")], [{"offer_id": "a", "price": "10"}])
    rule = FallThroughRule(FallThrough(2500, 2500))
    for conduct in ("replan", "short", "replace"):
        found = assess(asked, Uncertainty(fall_through=rule), 7, 2000, conduct)
        assert found.covered.low <= 0.75 <= found.covered.high
        assert found.shortfall.mean.value == pytest.approx(100 * (1 - found.covered.value))


def test_convergence_tells_earlier_readings_of_the_same_run():
    asked = problem([event("e", "100", "50", "200")], [{"offer_id": "a", "price": "10"}])
    found, fewer = assess(asked, Uncertainty(), 7, 160), assess(asked, Uncertainty(), 7, 40)
    assert [n for n, _ in found.convergence] == [20, 40, 80, 160]
    assert found.convergence[1][1] == {k: e.value for k, e in fewer.cost.quantiles.items()}
    assert [f.code for f in fewer.findings] == ["few_draws"]


def test_tables_and_documents_of_a_risk():
    asked = problem([event("e", "100", "50", "200", budget={"total": "1200"})], [{"offer_id": "a", "price": "10"}])
    found = assess(asked, Uncertainty(), 7, 50)
    frame = found.to_frame()
    assert frame.loc["cost P80", "value"] == found.cost.quantiles["P80"].value
    assert frame.dtypes.astype(str).tolist()[:4] == ["float64"] * 4
    assert set(frame["unit"]) == {"yuan", "t", "1"}
    assert found.drivers_frame().loc["emissions", "spread_share"] == 1
    for lang in ("zh", "en"):
        document = json.loads(json.dumps(found.as_dict(lang)))
        assert document["budget"] == "1200.00" and document["plan_cost"] == "1000.00"
        assert document["cost"]["P80"]["value"] == money_text(found.cost.quantiles["P80"].value)
        assert document["drivers"][0]["spread_share"] == "1.0000"


# ---------------------------------------------------------------------------------------------------------- budgeting


def calendar():
    events = [
        event("a", "100", "60", "180"),
        {**event("b", "50", "40", "90"), "end_date": "2026-06-30"},
    ]
    offers = [
        {"offer_id": "o1", "price": "20", "quantity": "120", "valid_until": "2026-12-31", "settlement_days": 10},
        {"offer_id": "o2", "price": "30", "payment_schedule": "2026-12-31=0.5;2028-06-30=0.5"},
    ]
    return question_of(problem(events, offers), Uncertainty())


def test_a_calendar_is_budgeted_by_year_and_event_and_pooling_saves():
    question = calendar()
    swept = sweep(question, 7, 300)
    found = calendar_budget(question, swept)
    total = found.reserve()
    assert total.quantiles_yuan["P80"] == quantile(swept.cost_yuan, 0.8).value
    assert total.planned_yuan == pytest.approx(120 * 20 + 30 * 30)
    assert found.reserve(year=2028).planned_yuan == pytest.approx(30 * 30 / 2)
    years = [found.reserve(year=y) for y in swept.years]
    assert sum(r.planned_yuan for r in years) == pytest.approx(total.planned_yuan)
    by_event = [found.reserve("a"), found.reserve("b")]
    p80 = next(p for p in found.pooling if p.level == "P80")
    assert p80.separate_yuan == pytest.approx(sum(r.quantiles_yuan["P80"] - r.planned_yuan for r in by_event))
    assert p80.pooled_yuan == pytest.approx(total.quantiles_yuan["P80"] - total.planned_yuan)
    tail = found.pooling[-1]
    assert tail.level == "CVaR95" and tail.saving_yuan >= -1e-9  # CVaR of a sum is at most the sum of CVaRs
    assert p80.saving_yuan > 0


def test_each_commitment_has_its_last_date():
    """o1 ends on 2026-12-31, before its deadlines less 10 days; o2 is bound by the deadlines alone."""
    found = calendar_budget(calendar(), sweep(calendar(), 7, 10))
    lines = {(c.event_id, c.offer_id): c for c in found.commitments}
    assert {c.latest for c in found.commitments if c.offer_id == "o1"} == {date(2026, 12, 31)}
    assert {c.bound for c in found.commitments if c.offer_id == "o1"} == {"offer ends"}
    second = [c for key, c in lines.items() if key[1] == "o2"]
    assert second and all(c.bound == "deadline" and c.latest == c.deadline for c in second)
    assert [c.latest for c in found.commitments] == sorted(c.latest for c in found.commitments)
    assert {lines[k].deadline for k in lines if k[0] == "b"} == {date(2027, 6, 30)}


def test_an_offer_that_ends_before_the_drawn_day_must_be_bought_before_it():
    question = question_of(calendar().market.asked, replace(Uncertainty(), buy_on=date(2027, 2, 1)))
    found = calendar_budget(question, sweep(question, 7, 3))
    early = [c for c in found.commitments if c.offer_id == "o1"]
    assert early and all(c.latest == date(2026, 12, 31) < c.planned_on for c in early)


def test_tables_and_documents_of_a_budget():
    question = calendar()
    found = calendar_budget(question, sweep(question, 7, 20))
    frame = found.to_frame()
    assert frame.dtypes.astype(str).to_dict()["year"] == "Int64"
    assert len(frame) == 3 * (len(question.years) + 1)
    commitments = found.commitments_frame()
    assert commitments["latest"].dt.year.min() == 2026
    assert commitments["contracted_t"].sum() == pytest.approx(150)
    for lang in ("zh", "en"):
        document = json.loads(json.dumps(found.as_dict(lang)))
        assert document["commitments"][0]["latest"] == "2026-12-31"
        assert document["pooling"][0]["level"] == "P50"
