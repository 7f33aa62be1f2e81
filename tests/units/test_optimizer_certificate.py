"""Bounds in exact arithmetic: by hand, and never above the truth whatever the multipliers."""

import random
from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from optimizer import Calendar, Offer, Offers, Problem, read_rule_pack
from optimizer.arcs import build_arcs
from optimizer.certificate import (
    GRID,
    LARGEST_MULTIPLIER,
    Frame,
    Goal,
    bound_in_phases,
    lower_bound,
    on_grid,
    proof_step,
    rounded_bound,
)
from optimizer.eligibility import screen
from optimizer.limits import fit
from optimizer.program import Key

TIERS: dict[int, dict[str, Any]] = {
    1: {"instrument": "carbon_inclusion", "mechanism": "三晋绿色生活"},
    2: {"instrument": "ccer", "region": "14"},
    5: {"instrument": "credit"},
}


def offer(offer_id: str, tier: int, quantity: object, price: object, **keys: object) -> Offer:
    return Offer.model_validate({"offer_id": offer_id, "quantity": quantity, "price": price, **TIERS[tier], **keys})


def frame_of(need: object, offers: list[Offer], whole_lots: bool = True, **event: Any) -> Frame:
    """The rows of a problem with one event, as the certificate derives them."""
    here = {"id": "e", "end_date": "2026-10-11", "emissions": {"tonnes": need, "status": "verified"}, **event}
    calendar = Calendar.model_validate({"events": [here], "settings": {"whole_lots": whole_lots}})
    problem = Problem(calendar, Offers.of(offers), read_rule_pack("shanxi-2022"), date(2026, 11, 22))
    arcs = build_arcs(problem, screen(problem))
    return Frame(problem, fit(problem, arcs) if whole_lots else arcs)


def bound(frame: Frame, goal: str, earlier: list[Goal], multipliers: dict[Key, float]) -> Fraction:
    return lower_bound(frame, goal, earlier, {key: on_grid(y) for key, y in multipliers.items()}).value


ALL, FIRST = ("coverage", "e", "all"), ("coverage", "e", 1)
COVERED = [Goal("shortfall", Fraction(0))]


@pytest.fixture(name="two")
def two_offers() -> Frame:
    """Need 100 t; 60 t of tier 1 at 50, 100 t unranked at 20."""
    return frame_of(100, [offer("A", 1, 60, 50), offer("B", 5, 100, 20)])


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (20, 2000),  # 20 x 100; A and B cost at least what they are worth
        (10, 1000),
        (50, 2000),  # 50 x 100 + (20 - 50) x 100 of B
        (100, -1000),  # 100 x 100 + (50 - 100) x 60 of A + (20 - 100) x 100 of B
        (0, 0),
        (-20, 0),  # the wrong sign counts as 0
    ],
)
def test_the_least_cost_is_bounded_by_what_a_tonne_of_need_is_worth(two, y, expected):
    """The cheapest 100 t cost 2000: y = 20 proves it, any other y proves less."""
    assert bound(two, "cost", COVERED, {ALL: y}) == expected


def test_a_need_that_may_be_missed_is_worth_nothing(two):
    """Without the shortfall held at 0 the gap takes the need: 20 x 100 - 20 x 100 = 0; held at 10: 20 x 90 = 1800."""
    assert bound(two, "cost", [Goal("shortfall", None)], {ALL: 20}) == 0
    assert bound(two, "cost", [Goal("shortfall", Fraction(10))], {ALL: 20}) == 1800


def test_the_order_is_bounded_by_its_own_rows(two):
    """Tier 1 leaves at least 100 - 60 = 40 t; with tier 1 held there the cost is at least 60 x 50 + 40 x 20 = 3800:
    y = 20 on all and 30 on tier 1: 20 x 100 + 30 x (100 - 40) = 3800.
    """
    assert bound(two, "tier 1", COVERED, {FIRST: 1}) == 40
    held = [*COVERED, Goal("tier 1", Fraction(40))]
    assert bound(two, "cost", held, {ALL: 20, FIRST: 30}) == 3800


def test_shortfall_is_bounded_by_supply():
    """60 t for 100: 1 x 100 - 1 x 60 = 40."""
    frame = frame_of(100, [offer("A", 1, 60, 50)])
    assert bound(frame, "shortfall", [], {ALL: 1}) == 40


def test_multipliers_of_the_wrong_sign_are_ignored():
    """<= rows take y <= 0 only; a wrong sign would make a bound of what is none."""
    limits = [{"group": "seller", "max_share": "0.4"}, {"where": {"instrument": "credit"}, "min_share": "0.2"}]
    offers = [offer("A", 1, 60, 50, seller="S"), offer("B", 5, 100, 20, seller="T")]
    frame = frame_of(100, offers, limits=limits, budget={"total": 9000})
    plain = bound(frame, "cost", COVERED, {ALL: 20})
    wrong: dict[Key, float] = {
        ("availability", "A"): 5,
        ("budget", "e", "total"): 1,
        ("max share", "e", 0, "S"): 3,
        ("min share", "e", 1): -3,
        ("level", 0): -2,
        FIRST: -7,
    }
    assert bound(frame, "cost", COVERED, {ALL: 20, **wrong}) == plain


def test_rows_that_the_problem_does_not_have_count_as_nothing(two):
    strange: dict[Key, float] = {("budget", "e", "total"): -1, ("steps", 3): 1, ("nonsense",): 1, ("level", 7): 5}
    assert bound(two, "cost", COVERED, {ALL: 20, **strange}) == 2000


def test_a_whole_line_is_worth_its_best_piece():
    """A minimum of 30 t at 10 + 70: at y = 11 a tonne is worth 1 more than it costs; 100 t: 100 - 70 = 30 gained.
    1100 - 30 = 1070 = 100 x 10 + 70.
    """
    frame = frame_of(100, [offer("A", 1, 100, 10, min_quantity=30, fixed_fee=70)])
    assert bound(frame, "cost", COVERED, {ALL: 11}) == 1070
    assert bound(frame, "cost", COVERED, {ALL: 10.5}) == 1050


def test_only_one_break_of_a_line_counts():
    """10, from 50 t 9: at y = 12 the list price gains 2 x 49, the break 3 x 100: 1200 - 300 = 900."""
    frame = frame_of(100, [offer("A", 1, 100, 10, price_breaks="50=9")])
    assert bound(frame, "cost", COVERED, {ALL: 12}) == 900


def test_a_rounded_row_is_tighter():
    """Lots of 30 t for 100: once the shortfall is held at 0 at least 120 t are bought: 10 x 120 = 1200, not 1000."""
    frame = frame_of(100, [offer("A", 1, 300, 10, lot_size=30)])
    assert bound(frame, "cost", COVERED, {ALL: 10}) == 1000
    assert bound(frame, "cost", COVERED, {("whole coverage", "e", "all"): 10}) == 1200
    assert bound(frame, "cost", [], {("whole coverage", "e", "all"): 10}) == 0


def test_a_level_held_lends_its_objective():
    """With cost held at 1000 and tier 1 at 50 yuan, at most 1000 / 50 = 20 t: tier 1 leaves 80 of 100:
    1 x 100 - (1 / 50) x 1000 = 80.
    """
    frame = frame_of(100, [offer("A", 1, 100, 50)])
    assert bound(frame, "tier 1", [Goal("cost", Fraction(1000))], {FIRST: 1, ("level", 0): 0.02}) == 80


def test_multipliers_are_rounded_to_a_grid_and_noise_is_dropped():
    assert on_grid(0.1) == GRID // 10
    assert (on_grid(LARGEST_MULTIPLIER * 2), on_grid(-LARGEST_MULTIPLIER * 2)) == (0, 0)


def test_bounds_count_as_the_levels_do(two):
    """Steps of 1 t, rounded up; yuan as they are; never below 0."""
    assert rounded_bound(two.problem, "shortfall", Fraction(81, 2)) == 41
    assert rounded_bound(two.problem, "cost", Fraction(81, 2)) == Fraction(81, 2)
    assert rounded_bound(two.problem, "tier 1", Fraction(-5)) == 0
    divisible = frame_of(100, [offer("A", 1, 60, 50)], whole_lots=False)
    assert rounded_bound(divisible.problem, "shortfall", Fraction(81, 2)) == Fraction(81, 2)


def test_proof_steps_are_a_step_a_fen_or_what_lies_between_two_kilograms(two):
    divisible = frame_of(100, [offer("A", 1, 60, 50)], whole_lots=False).problem
    assert proof_step(two.problem, "shortfall", []) == 1
    assert proof_step(two.problem, "cost", []) == Fraction(1, 100)
    assert proof_step(divisible, "cost", [Fraction(5)]) == Fraction(6, 100)
    assert proof_step(divisible, "tier 1", [Fraction(5), Fraction(4)]) == Fraction(3, 1000)


# ------------------------------------------------------------------------------------------------- against brute force

NEED, BUDGET, CAP, FLOOR = 5, 90, 4, 2
LEVELS = ["shortfall", "rules", "tier 1", "tier 2", "tier 3", "tier 4", "cost"]


def tiny_frame() -> Frame:
    """5 t; A: lots of 2 t up to 4 at 30; B: up to 3 t at 20 + 7 a line; C: 2 to 4 t at 10, from 3 t 8."""
    limits = [{"group": "seller", "max_share": "0.8"}, {"where": {"instrument": "credit"}, "min_share": "0.4"}]
    offers = [
        offer("A", 1, 4, 30, lot_size=2, seller="S"),
        offer("B", 2, 3, 20, fixed_fee=7, seller="S"),
        offer("C", 5, 4, 10, min_quantity=2, price_breaks="3=8"),
    ]
    return frame_of(NEED, offers, limits=limits, budget={"total": BUDGET})


def tiny_plans() -> Iterator[dict[str, int]]:
    """The values of every level at every plan that is allowed, counted apart from the engine."""
    for a in (0, 2, 4):
        for b in range(4):
            for c in (0, 2, 3, 4):
                cost = 30 * a + (20 * b + 7 if b else 0) + c * (10 if c < 3 else 8)
                if cost > BUDGET or a + b > CAP:
                    continue
                gaps = [max(0, NEED - a), *[max(0, NEED - a - b)] * 3]
                yield {
                    "shortfall": max(0, NEED - a - b - c),
                    "rules": max(0, FLOOR - c),
                    **{f"tier {r + 1}": g for r, g in enumerate(gaps)},
                    "cost": cost,
                }


ROWS: list[Key] = [
    *(("coverage", "e", r) for r in (1, 2, 3, 4, "all")),
    *(("whole coverage", "e", r) for r in (1, 2, 3, 4, "all")),
    *(("availability", i) for i in "ABC"),
    ("budget", "e", "total"),
    ("max share", "e", 0, "S"),
    ("min share", "e", 1),
]


def draw_case(draw: random.Random, plans: list[dict[str, int]]) -> tuple[str, list[Goal], int]:
    """A goal, earlier levels held at what some plan reaches, and the truth: the least value of the goal under them."""
    goal, *before = draw.sample(LEVELS, draw.randint(1, 4))
    witness = draw.choice(plans)
    earlier = [Goal(name, Fraction(witness[name] + draw.choice([0, 0, 1]))) for name in before]
    allowed = [p for p in plans if all(p[g.name] <= (g.cap or 0) for g in earlier)]
    return goal, earlier, min(p[goal] for p in allowed)


def draw_multipliers(draw: random.Random, earlier: list[Goal]) -> dict[Key, int]:
    keys: list[Key] = [*ROWS, *(("level", i) for i in range(len(earlier)))]
    scale = draw.choice([0.1, 1, 5, 40])
    return {key: on_grid(draw.uniform(-scale, scale)) for key in draw.sample(keys, draw.randint(0, len(keys)))}


@pytest.mark.parametrize("seed", range(6))
def test_no_multipliers_make_a_bound_above_the_truth(seed):
    draw, frame, plans = random.Random(seed), tiny_frame(), list(tiny_plans())
    for _ in range(60):
        goal, earlier, truth = draw_case(draw, plans)
        multipliers = draw_multipliers(draw, earlier)
        assert lower_bound(frame, goal, earlier, multipliers).value <= truth, (goal, earlier, multipliers)


@pytest.mark.parametrize("seed", range(4))
def test_no_phases_of_multipliers_make_a_bound_above_the_truth(seed):
    draw, frame, plans = random.Random(100 + seed), tiny_frame(), list(tiny_plans())
    for _ in range(40):
        goal, earlier, truth = draw_case(draw, plans)
        phases = [draw_multipliers(draw, earlier) for _ in range(draw.randint(1, 3))]
        value = Fraction(truth + draw.choice([0, 0, 1, 5]))
        assert bound_in_phases(frame, goal, earlier, phases, value) <= truth, (goal, earlier, phases, value)
