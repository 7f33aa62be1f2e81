"""Running totals say, after every step, what the measure says of the whole purchase."""

from dataclasses import replace
from fractions import Fraction

import hypothesis.strategies as st
from hypothesis import given

from optimizer.arcs import build_arcs
from optimizer.eligibility import screen
from optimizer.events import EXTRA_BUDGET
from optimizer.measure import Measure
from optimizer.running_totals import RunningTotals
from tests.laws import markets as m

LEVELS = ("shortfall", "shortfall 1", "shortfall 3", "tier 1", "tier 2", "tier 4", "rules", "cost", EXTRA_BUDGET)
MOST_STEPS = 12


@m.modest
@given(case=m.cases(whole=False), soft=st.booleans(), rate=st.sampled_from(["0", "0.04"]), data=st.data())
def test_after_every_step_the_totals_are_those_of_the_measure(case, soft, rate, data):
    case["calendar"]["settings"] |= {"discount_rate": rate}
    for event in case["calendar"]["events"]:
        event["priority"] = data.draw(st.sampled_from([1, 3]))
    problem = m.problem_of(case).replace(soft_budgets=soft)
    arcs = build_arcs(problem, screen(problem))
    if not len(arcs):
        return
    # Least quantities, lots and pieces are those of whole lots: here a few, so that their rows are broken too.
    arcs = replace(arcs, least_kg=arcs.least_kg + 2, line=arcs.line // 2)
    totals, purchase = RunningTotals(problem, arcs, range(len(arcs))), dict[int, int]()
    for _ in range(data.draw(st.integers(1, MOST_STEPS))):
        a = data.draw(st.integers(0, len(arcs) - 1))
        kg = data.draw(st.sampled_from([1, -1, 2, 500, -500, 10_000, -10_000, int(arcs.most_kg[a]) + 1]))
        before = purchase.get(a, 0)
        assert totals.step(a, kg) == max(0, before + kg) - before
        purchase = {**purchase, a: max(0, before + kg)}
        if not purchase[a]:
            del purchase[a]
        measured = Measure(problem, arcs, purchase)
        assert totals.kg == purchase and totals.broken == len(measured.broken())
        for name in LEVELS:
            assert Fraction(totals.level(name), totals.unit(name)) == measured.level(name), name


@m.modest
@given(case=m.cases(whole=False), data=st.data())
def test_a_step_and_its_negative_leave_no_trace(case, data):
    problem = m.problem_of(case)
    arcs = build_arcs(problem, screen(problem))
    if not len(arcs):
        return
    totals = RunningTotals(problem, arcs, range(len(arcs)))
    totals.buy({a: int(most) for a, most in enumerate(arcs.most_kg) if data.draw(st.booleans()) and most})
    there = dict(totals.kg), totals.broken, totals.vector([(n, None) for n in LEVELS])
    for a in range(len(arcs)):
        for kg in (1, -1, 1_000, -(10**9)):
            totals.step(a, -totals.step(a, kg))
            assert (totals.kg, totals.broken, totals.vector([(n, None) for n in LEVELS])) == there
