"""Whatever is changed in a plan, the check says so: by the seal, and after a new seal by deriving it again."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from optimizer import Calendar, Offer, Offers, Outlook, Problem, check, opened_plan, plan, read_rule_pack
from optimizer.plan import seal_is_whole, sha256
from tests.laws import mutations as m

CASES = m.cases()
BOTH_WAYS = ("covered", "by year, carried forward")
"""Plans whose numbers go up and down; those of the others go one way."""

SEALED_ONLY = (
    # what only a solver can say
    r"offers\[\]\.break_even",
    r"offers\[\]\.reasons.*",  # of beaten offers: which are beaten by the order follows from the break-even
    r"offers",  # the order of the entries, and whether one that is not used is shown
    r"levels\[\]\.solver_bound",
    r"levels\[\]\.step",  # of the level cost alone
    r"rules.*",  # but for what min shares miss
    r"price_of_order.*",
    r"cost_of_whole_lots",
    r"diagnosis.*",
    r"repairs.*",
    # what says how the plan was made, not what it is
    r"reproducible",
    r"warnings.*",
    r"provenance\.(engine|pulp|highs|explanations|multiplier_grid)",
    # other multipliers may prove the same bound; other witnesses the same least cost; a wider outlook the same plan
    r"certificate\.levels\[\]\.phases.*",
    r"certificate\.levels\[\]\.witness",
    r"certificate\.between_kg.*",
    r"problem\.outlook.*",
    r"problem\.epsilon",
)
"""Paths whose change may pass once the plan is sealed again: `plan_id` alone holds them."""


def remembering[R](work: Callable[..., R]) -> Callable[..., R]:
    """The same function; asked for the very objects of the last time, it gives what it gave then."""
    last: list[tuple[tuple[object, ...], R]] = []

    def remembered(*what: object) -> R:
        if not last or len(last[0][0]) != len(what) or any(a is not b for a, b in zip(last[0][0], what, strict=True)):
            last[:] = [(what, work(*what))]
        return last[0][1]

    return remembered


@pytest.fixture(scope="module", autouse=True)
def problems_read_once() -> Iterator[None]:
    """Thousands of forgeries carry the same problem: what follows from it alone is worked out once."""
    module: Any = opened_plan
    really_read, known = module.read_problem_part, dict[str, Problem]()

    def read(part: dict[str, Any], offers: Offers | None) -> Problem:
        words = sha256(part)
        if words not in known:
            problem = really_read(part, offers)
            known.clear()
            known[words] = problem
        return known[words]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "read_problem_part", read)
        for name in ("screen", "build_arcs", "fit"):
            patch.setattr(module, name, remembering(getattr(module, name)))
        yield


@cache
def document_of(name: str) -> dict[str, Any]:
    case = CASES[name]
    problem = Problem(
        Calendar.model_validate(case["calendar"]),
        Offers.of([Offer.model_validate(o) for o in case["offers"]]),
        read_rule_pack("shanxi-2022"),
        m.AS_OF,
        Outlook.model_validate({"factors": case.get("outlook", [])}),
        case.get("epsilon", 500),
    )
    return plan(problem, lang="en").document()


def sealed_again(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "plan_id": sha256({k: v for k, v in document.items() if k != "plan_id"})}


def sealed_only(path: tuple[str | int, ...]) -> bool:
    return any(re.fullmatch(pattern, m.spelled(path)) for pattern in SEALED_ONLY)


@pytest.mark.parametrize("name", CASES)
def test_the_plan_itself_passes_the_check(name):
    """Else every refusal below would prove nothing."""
    assert [c for c in check(document_of(name)).checked if not c.holds] == []


@pytest.mark.parametrize("name", CASES)
def test_no_change_passes_without_a_new_seal(name):
    """`plan_id` is the hash of all else: every change breaks the seal, and the check asks for it first."""
    document = document_of(name)
    passed = []
    for number, (path, what, value) in enumerate(m.changes(document)):
        forged = m.changed(document, path, value)
        if seal_is_whole(forged) or (number % 50 == 0 and check(forged).holds):
            passed.append(f"{m.spelled(path)}: {what}")
    assert passed == []
    report = check({**document, "reproducible": not document["reproducible"]})
    assert [c.holds for c in report.checked] == [False] + [True] * (len(report.checked) - 1)


@pytest.mark.parametrize("name", CASES)
def test_no_change_of_what_can_be_derived_passes_even_with_a_new_seal(name):
    """Lines, totals, events, tiers, years, registries, levels, states, reasons, policy, hashes, certificate values."""
    document = document_of(name)
    outside = {k: v for k, v in document.items() if k not in ("problem", "plan_id")}
    passed = [
        f"{m.spelled(path)} {path}: {what}"
        for path, what, value in m.changes(outside, both=name in BOTH_WAYS)
        if not sealed_only(path) and check(sealed_again(m.changed(document, path, value))).holds
    ]
    assert passed == []


@pytest.mark.parametrize("name", ["calendar", "discounted, with an outlook"])
def test_no_change_of_the_problem_passes_even_with_a_new_seal(name):
    """Events, offers and rule pack are held by their hashes in `provenance`, the day by `as_of`; rows in another order
    are the same problem.
    """
    document = document_of(name)
    passed = [
        f"{m.spelled(path)} {path}: {what}"
        for number, (path, what, value) in enumerate(m.changes({"problem": document["problem"]}))
        if number % 3 == 0
        and not sealed_only(path)
        and not (what.startswith("swapped") and m.spelled(path) in ("problem.calendar.events", "problem.offers"))
        and check(sealed_again(m.changed(document, path, value))).holds
    ]
    assert passed == []


def test_the_reasons_of_what_is_left_out_cannot_be_changed():
    """They are derived from the rule pack: code, sentence and clause."""
    document = document_of("covered")
    number, entry = next((k, o) for k, o in enumerate(document["offers"]) if o["state"] == "left_out")
    reason = entry["reasons"][0]
    for key in reason:
        forged = {**reason, key: reason[key] + "x"}
        assert not check(sealed_again(m.changed(document, ("offers", number, "reasons"), [forged]))).holds
    assert not check(sealed_again(m.changed(document, ("offers", number, "reasons"), []))).holds
    assert not check(sealed_again(m.changed(document, ("offers", number, "state"), "beaten"))).holds


def test_a_used_offer_cannot_be_hidden_and_its_state_cannot_be_changed():
    """Dropping a used entry, or calling it beaten, is found from the lines."""
    document = document_of("covered")
    number = next(k for k, o in enumerate(document["offers"]) if o["state"] == "used")
    without = document["offers"][:number] + document["offers"][number + 1 :]
    assert not check(sealed_again({**document, "offers": without})).holds
    assert not check(sealed_again(m.changed(document, ("offers", number, "state"), "beaten"))).holds


def test_what_a_min_share_misses_cannot_be_hidden():
    """Exit code 3 hangs on it."""
    document = document_of("short of supply and of a min share")
    number = next(k for k, r in enumerate(document["rules"]) if r["missed_t"] is not None)
    without = document["rules"][:number] + document["rules"][number + 1 :]
    assert not check(sealed_again({**document, "rules": without})).holds
    assert not check(sealed_again(m.changed(document, ("rules", number, "missed_t"), "1"))).holds


def test_a_document_that_is_no_plan_is_refused_and_does_not_raise():
    """Empty, of another kind, or without a part: a report that says so."""
    document = document_of("covered")
    for broken in ({}, {"plan_id": ""}, {k: v for k, v in document.items() if k != "certificate"}):
        assert not check(broken).holds
    for key in document:
        if key not in ("plan_id", "price_of_order", "cost_of_whole_lots"):
            assert not check(sealed_again({**document, key: None})).holds, key
