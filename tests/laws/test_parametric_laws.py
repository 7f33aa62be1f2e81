"""Curves against single solves by a simplex in exact fractions, and the laws of MODEL 11 that hold for them.

A breakpoint is a claim about every value between two of them: each curve is compared at its breakpoints and between
them, to the last digit, with programs that were read and solved without the engine.
"""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from optimizer import Problem
from optimizer.solution import solve
from scenarios.break_even import BreakEven, break_even, break_even_instrument
from scenarios.breakpoints import Point
from scenarios.curves import Curve, budget_curve, emissions_curve, margin_curve
from scenarios.frontier import Frontier, frontier
from tests.independent import bridge, cases, exact_lp, reading
from tests.laws import markets as m

KG = Fraction(1, 1000)
ORDERS = ["priority-first", "order-first", "cost-first"]


# ------------------------------------------------------------------------------------------- independent single solves


def a_case(seed: int) -> dict[str, Any]:
    """One or two events, three to eight offers, with budgets in every third case."""
    case: dict[str, Any] = cases.a_case(seed, whole=False, offers=3 + seed % 6, most_lots=6, events=1 + seed % 2)
    if seed % 3 == 0:
        read = read_of(case)
        cost = exact_lp.divisible_levels(read, read.level_order("priority-first"))[-1]
        case = cases.with_budgets(case, seed, [cost, cost * 3 / 4])
    return case


def read_of(case: dict[str, Any], needs: list[Fraction] | None = None) -> Any:
    read: Any = reading.Reading(case["calendar"], case["offers"], cases.AS_OF, case["outlook"])
    if needs is not None:
        read.need = [need * 1000 for need in needs]
    return read


def with_money(case: dict[str, Any], money: Fraction) -> dict[str, Any]:
    """As `Problem.with_budget_total`, for any sum."""
    calendar = dict(case["calendar"])
    if len(calendar["events"]) > 1:
        calendar["budget"] = {"total": str(money)}
    else:
        calendar["events"] = [{**calendar["events"][0], "budget": {"total": str(money)}}]
        calendar.pop("budget", None)
    return {**case, "calendar": calendar}


def levels_at(read: Any, objective: str, **kept: Any) -> dict[str, Fraction]:
    """The exact level values; `cost_at_most` caps the level `cost`, `costs` replaces the lines' unit costs."""
    x = {k: ("x", f"{k:04d}") for k in range(len(read.lines))}
    cost = [Fraction(line.pieces[0].unit_cost, 10**10) for line in read.lines]
    table = exact_lp._first_table(read, x, cost)
    if "cost_at_most" in kept:
        table.keep(exact_lp._weights(read, "cost", x, cost), kept["cost_at_most"], ("cap",))
    found = {}
    for name, _, _ in read.level_order(objective):
        value, reduced = table.descend(exact_lp._weights(read, name, x, kept.get("costs", cost)))
        table.hold_face(reduced)
        found[name] = value
    return found


def told(point: Point, names: list[str]) -> dict[str, Fraction]:
    """A point as levels: classes of shortfall are summed."""
    tiers = dict(zip([n for n in names if n.startswith("tier")], point.gaps, strict=True))
    found = {"shortfall": point.shortfall_t, "rules": point.missed_t, "cost": point.cost, **tiers}
    return {name: found[name] for name in {"shortfall" if n.startswith("shortfall") else n for n in names}}


def summed(levels: dict[str, Fraction]) -> dict[str, Fraction]:
    rest = {n: v for n, v in levels.items() if not n.startswith("shortfall")}
    return {**rest, "shortfall": sum((v for n, v in levels.items() if n.startswith("shortfall")), Fraction(0))}


def looked_at(points: tuple[Point, ...], most: int = 6) -> list[Fraction]:
    """Breakpoints and places between them, spread over the curve."""
    places = [p.at for p in points]
    places += [low + (high - low) * Fraction(3, 7) for low, high in pairwise(sorted(places))]
    places.sort()
    return places[:: max(1, len(places) // most)]


@pytest.mark.parametrize("seed", range(12))
def test_a_budget_curve_has_the_values_of_single_solves_at_and_between_breakpoints(seed):
    """To the last digit, under three orders of levels."""
    case, objective = a_case(seed), ORDERS[seed % 3]
    curve = budget_curve(bridge.problem_of(case, cases.AS_OF, objective))
    for money in [*looked_at(curve.points), curve.points[-1].at * 2 + 1]:
        single = summed(levels_at(read_of(with_money(case, money)), objective))
        assert told(curve.at(money), list(single)) == single, (seed, money)


@pytest.mark.parametrize("seed", range(12))
def test_a_frontier_has_the_values_of_single_solves_and_begins_and_ends_where_it_should(seed):
    """The ends are the cheapest and the priority-first optimum; between them the cost is held from above."""
    case = a_case(seed)
    found = frontier(bridge.problem_of(case, cases.AS_OF), whole_lots=False)
    read = read_of(case)
    assert found.points[0].cost == levels_at(read, "cost-first")["cost"]
    assert found.points[-1].cost == levels_at(read, "priority-first")["cost"]
    for cost in looked_at(found.points):
        single = summed(levels_at(read, "priority-first", cost_at_most=cost))
        assert told(curve_of(found).at(cost), list(single)) == single, (seed, cost)


def curve_of(found: Frontier) -> Curve:
    return Curve("money", found.points, ())


@pytest.mark.parametrize("seed", range(12))
def test_a_need_or_margin_curve_has_the_values_of_single_solves(seed):
    """Needs, and the limits that are shares of them, grow; supply and budgets stay."""
    case, objective = a_case(seed), ORDERS[seed % 3]
    problem = bridge.problem_of(case, cases.AS_OF, objective)
    if seed % 2:
        curve = emissions_curve(problem, 5000, 20000)
        base = [Fraction(e.need_kg, 1000) for e in problem.events]
        needs = {at: [need * at for need in base] for at in looked_at(curve.points)}
    else:
        curve = margin_curve(problem, 0, 3000)
        base = [Fraction(e.emissions.emitted_kg, 1000) for e in problem.events]
        needs = {at: [need * (1 + at) for need in base] for at in looked_at(curve.points)}
    for at, need in needs.items():
        single = summed(levels_at(read_of(case, need), objective))
        assert told(curve.at(at), list(single)) == single, (seed, at)


def bought_up_to(found: BreakEven, price: Fraction) -> Fraction:
    """The integral of what is bought over prices from 0 to `price`."""
    always = found.at_any_price.contracted_t if found.at_any_price is not None else Fraction(0)
    total, above = always * price, always
    for step in found.steps:
        total += (step.contracted_t - above) * min(price, step.price)
        above = step.contracted_t
    return total


@pytest.mark.parametrize("seed", range(12))
def test_the_least_cost_grows_with_an_offers_price_by_what_is_bought_of_it(seed):
    """d cost / d price is the quantity bought: so every step of the break-even stands where it should."""
    case, objective = a_case(seed), ORDERS[seed % 3]
    bare = {k: v for k, v in case["calendar"].items() if k != "budget"}
    bare["events"] = [{k: v for k, v in e.items() if k != "budget"} for e in bare["events"]]
    read = read_of({**case, "calendar": bare})
    offer = seed % len(read.offers)
    mine = [k for k, line in enumerate(read.lines) if line.offer == offer]
    found = break_even(bridge.problem_of(case, cases.AS_OF, objective), read.offers[offer]["offer_id"])
    if not mine or len({(read.lines[k].pieces[0].unit_cost, read.lines[k].weight) for k in mine}) > 1:
        assert (found.reason == "left_out") == (not mine)
        return
    costs = [Fraction(line.pieces[0].unit_cost, 10**10) for line in read.lines]

    def least(price: Fraction) -> Fraction:
        own = {k: price / read.lines[k].weight for k in mine}
        return levels_at(read, objective, costs=[own.get(k, c) for k, c in enumerate(costs)])["cost"]

    free = least(Fraction(0))
    for price in {Fraction(1), Fraction(55), Fraction(2000), *(s.price for s in found.steps)}:
        assert least(price) - free == bought_up_to(found, price), (seed, price)


@pytest.mark.parametrize("seed", range(12))
def test_the_least_cost_grows_with_an_instruments_price_factor_by_what_is_spent_on_it(seed):
    """d cost / d factor is what is bought at present prices."""
    case, objective = cases.a_case(seed, whole=False, offers=3 + seed % 6, most_lots=6), ORDERS[seed % 3]
    read = read_of(case)
    costs = [Fraction(line.pieces[0].unit_cost, 10**10) for line in read.lines]
    for name in sorted({o["instrument"] for o in read.offers}):
        found = break_even_instrument(bridge.problem_of(case, cases.AS_OF, objective), name)
        own = {k for k, line in enumerate(read.lines) if read.offers[line.offer]["instrument"] == name}

        def least(factor: Fraction, own: set[int] = own) -> Fraction:
            priced = [c * factor if k in own else c for k, c in enumerate(costs)]
            return levels_at(read, objective, costs=priced)["cost"]

        always = found.at_any_price.present_cost if found.at_any_price is not None else Fraction(0)
        for factor in {Fraction(1), Fraction(1, 3), Fraction(40), *(s.price for s in found.steps)}:
            spent, above = always * factor, always
            for step in found.steps:
                spent += (step.present_cost - above) * min(factor, step.price)
                above = step.present_cost
            assert least(factor) - least(Fraction(0)) == spent, (seed, name, factor)


# --------------------------------------------------------------------------------------------------------------- laws


def vector(point: Point) -> list[Fraction]:
    return [point.shortfall_t, point.missed_t, *point.gaps]


@m.modest
@given(case=m.cases(whole=False))
def test_more_cost_lowers_the_first_tiers_gap_ever_more_slowly_and_never_worsens_the_vector(case):
    """MODEL 11: the tier-1 gap is convex and non-increasing in the cap; of deeper tiers only the vector is ordered."""
    points = frontier(m.problem_of(case), whole_lots=False).points
    rates = [(b.gaps[0] - a.gaps[0]) / (b.cost - a.cost) for a, b in pairwise(points)]
    assert all(rate <= 0 for rate in rates) and rates == sorted(rates)
    assert all(vector(b) < vector(a) for a, b in pairwise(points))
    assert len({p.shortfall_t for p in points}) == 1
    assert all(p.cost == p.at for p in points)


@m.modest
@given(case=m.cases(whole=False, budgets=False, limits=False))
def test_more_money_never_worsens_coverage_and_each_yuan_buys_less_than_the_one_before(case):
    """Shortfall is the first level: convex and non-increasing in money."""
    curve = budget_curve(m.problem_of(case))
    rates = [x.t_per_yuan for x in curve.marginals]
    assert all(rate >= 0 for rate in rates) and rates == sorted(rates, reverse=True)
    assert curve.points[0].at == 0 and curve.points[0].spent == 0
    assert curve.at(curve.points[-1].at + 1).numbers == curve.points[-1].numbers


@m.modest
@given(case=m.cases(whole=False), factor=st.sampled_from([3, 100]))
def test_prices_and_budgets_times_a_factor_stretch_the_frontier_by_it(case, factor):
    """Money has no unit."""
    if any(o["price"] == "0" for o in case["offers"]):
        case = {**case, "offers": [{**o, "price": "7"} if o["price"] == "0" else o for o in case["offers"]]}
    dearer = times(case, factor)
    before, after = (frontier(m.problem_of(c), whole_lots=False).points for c in (case, dearer))
    assert [(p.cost * factor, p.tiers) for p in before] == [(p.cost, p.tiers) for p in after]


def times(case: dict[str, Any], factor: int) -> dict[str, Any]:
    def scaled(text: Any) -> str:
        return str(Decimal(text) * factor)

    def budget(old: dict[str, Any]) -> dict[str, Any]:
        new = {"total": scaled(old["total"])} if "total" in old else {}
        years = old.get("by_fiscal_year")
        return old | new | ({"by_fiscal_year": {y: scaled(b) for y, b in years.items()}} if years else {})

    calendar = {**case["calendar"]}
    calendar["events"] = [e | ({"budget": budget(e["budget"])} if "budget" in e else {}) for e in calendar["events"]]
    if "budget" in calendar:
        calendar["budget"] = budget(calendar["budget"])
    return {"calendar": calendar, "offers": [{**o, "price": scaled(o["price"])} for o in case["offers"]]}


@m.modest
@given(case=m.cases(whole=False), data=st.data())
def test_the_order_of_a_markets_rows_changes_nothing_of_a_curve(case, data):
    """Same points, to the last digit."""
    shuffled = {**case, "offers": data.draw(st.permutations(case["offers"]))}

    def all_of(problem: Problem) -> Any:
        return frontier(problem, whole_lots=False).points, budget_curve(problem).points

    assert all_of(m.problem_of(case)) == all_of(m.problem_of(shuffled))


@m.modest
@given(case=m.cases(whole=False), order=st.sampled_from(ORDERS))
def test_the_engines_own_plan_lies_on_the_curve(case, order):
    """The plan stands in whole kg, so its levels lie within a kg a line, and below no exact optimum of the first."""
    problem = m.problem_of(case, order)
    curve = budget_curve(problem)
    money = curve.points[-1].at / 2
    fen = int(money * 100)
    solution = solve(problem.with_budget_total(fen), prove=False)
    point = curve.at(Fraction(fen, 100))
    measured = solution.measure
    first = solution.program.levels[0].name
    exact = {"shortfall": point.shortfall_t, "rules": point.missed_t}
    exact |= {f"tier {r}": gap for r, gap in enumerate(point.gaps, start=1)}
    room = KG * (2 + 2 * len(solution.chain.between_kg))
    assert exact[first] <= measured.level(first) <= exact[first] + room
