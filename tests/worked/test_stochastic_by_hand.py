"""Two-stage plans small enough to solve on paper: one offer, one tier, two or three draws of equal probability."""

from dataclasses import replace

import numpy as np
import pytest

from scenarios.recourse import Cap, Recourse, TwoStage

PENALTY = 1000.0


def recourse(now, later, need, *, quantity=1000.0, eta=None, tier=None, order=0.0, there=None, caps=()):
    """`later` has a row a draw and a column an offer; `need` one number a draw."""
    later = np.array(later, dtype=float)
    draws, arcs = later.shape
    most = np.full((draws, arcs), quantity)
    return Recourse(
        event=np.zeros(arcs, dtype=np.int64),
        offer=np.arange(arcs),
        tier=np.ones(arcs, dtype=np.int64) if tier is None else np.array(tier),
        quantity_t=np.full(arcs, quantity),
        now_cost=np.array(now, dtype=float),
        now_most_t=np.full(arcs, quantity),
        later_cost=later,
        later_most_t=most if there is None else most * np.array(there, dtype=float),
        eta=np.ones((draws, arcs)) if eta is None else np.array(eta, dtype=float),
        need_t=np.array(need, dtype=float)[:, None],
        penalty=np.array([order, PENALTY]),
        caps=caps,
    )


def worths(problem):
    """(x of the first offer, stochastic, expected-value plan, wait and see)."""
    two = TwoStage(problem)
    best, objective = two.best()
    played = two.played(best)
    assert objective == pytest.approx(problem.worth(played.outcomes))
    ignoring, _ = TwoStage(problem.mean()).best()
    foreseen = TwoStage(problem.foreseen()).played(np.zeros(len(best)))
    return (
        best[0],
        problem.worth(played.outcomes),
        problem.worth(two.played(ignoring).outcomes),
        problem.worth(foreseen.outcomes),
    )


def test_a_price_that_rises_more_than_it_falls_is_bought_today_and_knowing_it_is_worth_half_the_fall():
    """100 yuan today; later 80 or 130, each 1/2; need 10 t.

    Later costs (80 + 130) / 2 = 105 on average: buy today, 10 x 100 = 1000, and so does the plan at mean values: VSS 0.
    Wait and see: 10 x (80 + 100) / 2 = 900, so EVPI = 100.
    A bug that took the mean price for the draws would give EVPI 0.
    """
    assert worths(recourse([100], [[80], [130]], [10, 10])) == pytest.approx((10, 1000, 1000, 900))


def test_a_price_that_falls_on_average_waits_unless_the_tail_counts():
    """100 today; later 60 or 130, each 1/2: mean 95, so wait: 10 x 95 = 950; wait and see 10 x (60 + 100) / 2 = 800.

    With all weight on the dearer half (beta 1/2): waiting costs 1300 in it, buying today 1000: buy today.
    With weight w: today 1000; waiting (1 - w) 950 + w 1300 = 950 + 350 w, dearer from w = 1/7 = 0.142857 on.
    """
    problem = recourse([100], [[60], [130]], [10, 10])
    assert worths(problem) == pytest.approx((0, 950, 950, 800))
    for weight, bought, worth in ((0.14, 0, 950 + 350 * 0.14), (0.15, 10, 1000), (1.0, 10, 1000)):
        x, stochastic, _, _ = worths(replace(problem, tail_weight=weight, tail_share=0.5))
        assert (x, stochastic) == pytest.approx((bought, worth)), weight


def test_an_uncertain_need_is_hedged_as_a_newsvendor_does():
    """100 today, 150 later for certain; need 50 or 150 t, each 1/2 (mean 100).

    A tonne more today costs 100 and saves 150 where the need is above x. Up to 50 t it saves 150 always: buy. From 50
    to 150 it saves 150 with probability 1/2, 75 < 100: do not. x = 50: 5000 + 1/2 x 100 x 150 = 12500.
    At mean values: x = 100 (150 later is dearer): 10000 + 1/2 x 50 x 150 = 13750. VSS = 1250.
    Wait and see: 1/2 x 5000 + 1/2 x 15000 = 10000. EVPI = 2500.
    """
    assert worths(recourse([100], [[150], [150]], [50, 150])) == pytest.approx((50, 12500, 13750, 10000))


def test_half_the_weight_on_the_dearer_half_buys_it_all_today():
    """As above with w = 1/2, beta = 1/2: the tail is the draw of 150 t. For x from 50 to 150:

    mean = 100 x + 75 (150 - x); tail = 100 x + 150 (150 - x); half of each: 100 x + 112.5 (150 - x), falling in x.
    x = 150: 15000 in both draws.
    """
    problem = replace(recourse([100], [[150], [150]], [50, 150]), tail_weight=0.5, tail_share=0.5)
    x, stochastic, _, _ = worths(problem)
    assert (x, stochastic) == pytest.approx((150, 15000))


def test_an_offer_that_may_fall_through_is_bought_today_although_it_gets_cheaper():
    """100 today, 90 later if it is still there (probability 1/2); a tonne uncovered costs 1000; need 10 t.

    Today 1000. Waiting: 1/2 x 900 + 1/2 x 10 x 1000 = 5450. At mean values half of Q = 12 t is there later, 6 t at 90,
    the other 4 t today at 100. Played: 400 + 1/2 x 6 x 90 + 1/2 x 6 x 1000 = 400 + 270 + 3000 = 3670. VSS = 2670.
    Wait and see: 1/2 x 900 + 1/2 x 1000 = 950.
    """
    problem = recourse([100], [[90], [90]], [10, 10], quantity=12.0, there=[[1], [0]])
    assert worths(problem) == pytest.approx((10, 1000, 3670, 950))


def test_what_is_bought_today_is_not_there_to_be_bought_later():
    """12 t in all at 100 today and 150 later; need 10 or 20 t. Today 10 t (newsvendor as above: 75 < 100 beyond).

    In the draw of 20 t: 2 t are left at 150 and 8 t stay uncovered: 1000 + 1/2 (2 x 150 + 8 x 1000) = 5150.
    But a tonne more today saves 1/2 x 150 = 75 < 100, so x = 10 stays. Were 12 t there again: 1000 + 1/2 x 1500 = 1750.
    """
    x, stochastic, _, _ = worths(recourse([100], [[150], [150]], [10, 20], quantity=12.0))
    assert (x, stochastic) == pytest.approx((10, 5150))


def test_the_order_of_tiers_has_its_price():
    """Tier 1 at 100, unranked (tier 2) at 60, the same later; need 10 t; a tonne that tier 1 leaves costs `order`.

    Below 40 yuan a tonne the cheaper one wins: 10 x (60 + 30) = 900. Above it tier 1: 1000.
    """
    for order, worth in ((30.0, 900.0), (50.0, 1000.0)):
        problem = recourse([100, 60], [[100, 60]], [10], tier=[1, 2], order=order)
        _, objective = TwoStage(problem).best()
        assert objective == pytest.approx(worth)


def test_a_cap_holds_in_every_draw():
    """Two offers, 50 and 100 yuan, the first at most 6 t in each draw; later twice the price; need 10 or 8 t.

    Today: 6 t at 50 and x t at 100: up to 2 t always needed; from 2 to 4 t needed with probability 1/2, later at 200:
    saves 100 = 100, a tie. Worth: 300 + 200 + 1/2 x 2 x 200 = 700, whichever way.
    """
    caps = (Cap("cheap", np.array([0]), 6.0),)
    problem = recourse([50, 100], [[100, 200], [100, 200]], [10, 8], caps=caps)
    _, objective = TwoStage(problem).best()
    assert objective == pytest.approx(700)


def test_a_yield_is_the_same_whether_bought_today_or_later():
    """A tonne covers 1/2 or 1 t, each 1/2; 100 yuan today and 300 later; need 10 t.

    Up to 10 t today always count for something: the draw of 1/2 needs 20 t, that of 1 needs 10 t. Beyond 10 t a tonne
    today costs 100 and saves 300 with probability 1/2: buy up to 20 t: 2000. (At 150 later it would be 75: stop at 10.)
    """
    x, stochastic, _, _ = worths(recourse([100], [[300], [300]], [10, 10], eta=[[0.5], [1.0]]))
    assert (x, stochastic) == pytest.approx((20, 2000))
