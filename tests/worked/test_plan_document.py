"""What the customer receives: status, seal, registries, warnings, language; the same plan from the same input."""

import copy

import pytest

from optimizer import Plan, check
from tests.worked.market import event, offer


def test_status_and_exit_code_follow_coverage_and_min_shares(through_doors):
    """Proves: covered 0, short 3, a missed min share 3 although covered.

    Arithmetic: 100 of 100 t; 60 of 100 t; 100 of 100 t with 0 of 50 t from Shanxi.
    Sensitivity: a missed share that passes unseen in a script.
    """
    limits = [{"where": {"region": "15"}, "min_share": 0.5}]
    offers = [offer("A", 1, 100, 10)]
    answers = [through_doors(here, offers) for here in (event(100), event(160), event(100, limits=limits))]
    assert [a["status"] for a in answers] == ["covered", "short", "covered"]
    assert [Plan.model_validate(a.document).exit_code for a in answers] == [0, 3, 3]


def test_the_same_input_gives_the_same_plan_to_the_last_character(through_doors):
    """Proves: plan_id repeats, whatever the order of events, of offers and of their keys; plans are reproducible.

    Arithmetic: none; two runs.
    Sensitivity: another id when a clock, a thread or the order of rows gets in.
    """
    events = [event(100, id="a"), event(50, id="b", limits=[{"group": "seller", "max_share": 0.5}])]
    offers = [offer(f"A{k}", 1 + k % 5, 37, 10 + k % 3, seller=f"S{k % 4}", lot_size=1 + k % 2) for k in range(12)]
    one = through_doors(events, offers)
    other = through_doors(events[::-1], [dict(reversed(o.items())) for o in reversed(offers)])
    assert one.document == other.document
    assert one["reproducible"] is True


CHANGES = {
    "a price": lambda d: d["lines"][0].update(unit_price="49.00"),
    "a quantity": lambda d: d["lines"][0].update(contracted_t="59"),
    "the cost": lambda d: d["totals"].update(cost="4599.00"),
    "a bound": lambda d: d["levels"][-1].update(bound="4599.00"),
    "a repair that was never solved": lambda d: d["repairs"].append({"kind": "magic"}),
    "a break-even": lambda d: d["offers"][0].update(break_even="1.00"),
    "the offers": lambda d: d["problem"]["offers"][0].update(price="49.00"),
    "the name of the event": lambda d: d["problem"]["calendar"]["events"][0].update(name="another"),
    "the engine": lambda d: d["provenance"].update(engine="9.9.9"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_plan_in_which_anything_was_changed_is_refused(through_doors, what):
    """Proves: plan_id is the hash of all else, also of what cannot be derived again.

    Arithmetic: one value changed.
    Sensitivity: a sealed number that can be changed unseen.
    """
    answer = through_doors(event(100), [offer("A", 1, 60, 50), offer("B", 2, 100, 40)])
    changed = copy.deepcopy(answer.document)
    CHANGES[what](changed)
    assert changed != answer.document
    assert not check(changed).holds


def test_credits_are_cancelled_where_the_offer_or_the_rule_pack_says(through_doors):
    """Proves: the offer's own registry first, else the rule pack's for its instrument; totals by registry.

    Arithmetic: 20 t each of tier 1 (own registry), 2, 3 (forest, six years), 4 and unranked.
    Sensitivity: one registry for all; the forest's deadline lost.
    """
    offers = [offer("A", 1, 20, 10, registry="自有登记处")] + [
        offer(n, t, 20, 10) for n, t in zip("BCDE", (2, 3, 4, 5), strict=True)
    ]
    answer = through_doors(event(100), offers, lang="zh")
    assert [(r["registry"], r["contracted_t"], r["retire_by"]) for r in answer["registries"]] == [
        ("全国温室气体自愿减排注册登记系统", "20", "2027-10-11"),
        ("全国碳排放权注册登记系统", "20", "2027-10-11"),
        ("签发机制的登记簿", "20", "2027-10-11"),
        ("自有登记处", "20", "2027-10-11"),
        ("认证机构备案并公示", "20", "2032-10-11"),
    ]
    english = through_doors(event(100), offers, lang="en")
    assert english.line("D")["registry"] == "national allowance registry"


def test_a_plan_on_indicative_prices_says_so(through_doors):
    """Proves: lines that are not firm are marked, and the plan warns.

    Arithmetic: 100 x 10.
    Sensitivity: an indicative price passed off as a quote.
    """
    answer = through_doors(event(100), [offer("A", 1, 100, 10, firm=False), offer("B", 1, 100, 20)])
    assert (answer.line("A")["firm"], answer.warnings) == (False, ["indicative"])


def test_every_offer_is_accounted_for(through_doors):
    """Proves: used, beaten or left out, once for every event and offer, and counted.

    Arithmetic: two events, three offers: 2 used, 2 beaten, 2 left out.
    Sensitivity: an offer without a state.
    """
    events = [event(10, id="a"), event(10, id="b")]
    offers = [offer("A", 1, 100, 10), offer("B", 1, 100, 20), offer("C", 1, 100, 5, valid_until="2026-01-01")]
    answer = through_doors(events, offers)
    states = [(x["event_id"], x["offer_id"], x["state"]) for x in answer["offers"]]
    expected = [(e, o, s) for e in "ab" for o, s in (("A", "used"), ("B", "beaten"), ("C", "left_out"))]
    assert states == expected
    assert answer["offers_summary"] == {"used": 2, "beaten": 2, "left_out": 2, "by_reason": {"expired": 2}}


def test_only_what_is_proven_in_exact_arithmetic_is_called_so(through_doors):
    """Proves: `exact` means that value and exact bound are closer than the level's step; bounds never exceed values.

    Arithmetic: caps of 40 t; A sells lots of 7 t at 30, B at 28 + 10 a line, C of tier 2 at 20, from 30 t 18.
    Tier 1: 35 t of A and 40 of B, gap 25. Cost 35 x 30 + 40 x 28 + 10 + 25 x 20 = 1050 + 1130 + 500 = 2680
    (30 t of C at 18 are 540).
    Sensitivity: `exact` for a cost whose bound still prices C at 18.
    """
    offers = [
        offer("A", 1, 100, 30, seller="S", lot_size=7),
        offer("B", 1, 100, 28, seller="T", min_quantity=20, fixed_fee=10),
        offer("C", 2, 100, 20, seller="U", price_breaks="30=18"),
        offer("D", 5, 100, 5),
    ]
    answer = through_doors(event(100, limits=[{"group": "seller", "max_share": 0.4}]), offers)
    assert (answer.bought, answer.cost) == ({"A": "35", "B": "40", "C": "25"}, "2680.00")
    for level in answer["levels"]:
        gap, step = float(level["gap"]), float(level["step"])
        assert gap >= 0
        assert (level["proof"] == "exact") == (gap < step)
        assert level["proof"] in ("exact", "solver")
