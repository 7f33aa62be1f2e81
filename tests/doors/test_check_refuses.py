"""`jinheng check` proves a plan again, and refuses one in which anything was changed.

Every kind of field of a plan file is changed once: as it stands (the seal breaks), and sealed anew by someone who knows
how (what can be derived again must then fail; only what the check itself calls "only sealed" may pass).
"""

import copy
import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from api.use_cases import check_plan
from optimizer.plan import seal_is_whole, sha256

SEALED_ONLY = {
    "reproducible",
    "levels[].solver_bound",
    "levels[].step",  # of money: the resolution of the exact proof, shown for people
    "offers[].break_even",
    "offers[].reasons[].code",
    "offers[].reasons[].message",
    "offers[].reasons[].clause",
    "rules[].rule",
    "rules[].event_id",
    "rules[].marginal",
    "rules[].unit",
    "rules[].unique",
    "price_of_order.value",
    "price_of_order.low",
    "price_of_order.high",
    "price_of_order.proven",
    "price_of_order.cheapest_cost",
    "price_of_order.without_budget",
    "price_of_order.order_first_covered_t",
    "cost_of_whole_lots",
    "diagnosis[].event_id",
    "diagnosis[].code",
    "diagnosis[].message",
    "diagnosis[].at_most_t",
    "diagnosis[].required_t",
    "repairs[].kind",
    "repairs[].change",
    "repairs[].shortfall_t",
    "repairs[].cost",
    "repairs[].extra_budget",
    "repairs[].additions[].event_id",
    "repairs[].additions[].budget",
    "repairs[].additions[].amount",
    "warnings[].code",
    "warnings[].message",
    "warnings[].severity",
    "warnings[].path",
    "provenance.engine",
    "provenance.pulp",
    "provenance.highs",
    "provenance.explanations",
    "provenance.multiplier_grid",
    "provenance.lang",  # anything but "en" is read as Chinese
    "problem.epsilon",  # no level uses it unless the objective is balanced
}
"""Kinds of fields that no check can derive without a solver, or that are words for people."""

WRONG_KINDS: list[Any] = [None, "x", 5, [], {}, [[]], {"a": 1}]
MAY_BE_EMPTY = {
    "offers",
    "rules",
    "price_of_order",
    "cost_of_whole_lots",
    "diagnosis",
    "repairs",
    "warnings",
    "reproducible",
}
"""Parts that a plan made without explanations leaves out."""


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list) and value:
        for k, inner in enumerate(value):
            yield from leaves(inner, (*path, k))
    else:
        yield path


def kind(path: tuple[Any, ...]) -> str:
    return "".join("[]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".")


def changed(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        try:
            return str(date.fromisoformat(value) + timedelta(days=1))
        except ValueError:
            pass
        if value and value[-1].isdigit():
            return value[:-1] + str((int(value[-1]) + 1) % 10)
        return value + "x"
    return "1" if value is None else None


def with_change(document: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    found = copy.deepcopy(document)
    at: Any = found
    for part in path[:-1]:
        at = at[part]
    at[path[-1]] = changed(at[path[-1]])
    return found


def sealed_anew(document: dict[str, Any]) -> dict[str, Any]:
    rest = {k: v for k, v in document.items() if k != "plan_id"}
    return {**rest, "plan_id": sha256(rest)}


def one_of_each_kind(document: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    """Kind of field -> the first two places where it stands."""
    found: dict[str, tuple[Any, ...]] = {}
    for path in leaves(document):
        name = kind(path)
        if name in found and f"{name} again" not in found:
            found[f"{name} again"] = path
        found.setdefault(name, path)
    return found


@pytest.fixture(params=["covered", "short", "calendar"])
def document(request, small_plan):
    made = {
        "covered": lambda: small_plan(),
        "short": lambda: small_plan(budget="30000"),
        "calendar": lambda: small_plan(event="calendar.yaml"),
    }[request.param]()
    return json.loads(made.to_json())


def holds(document: dict[str, Any], folder) -> bool:
    path = folder / "changed.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return check_plan(str(path), None).holds


def test_the_untouched_plan_holds(document, tmp_path):
    assert holds(document, tmp_path)


def test_every_kind_of_change_breaks_the_seal(document, tmp_path):
    for name, path in one_of_each_kind(document).items():
        assert not seal_is_whole(with_change(document, path)), name
    assert not holds(with_change(document, ("totals", "cost")), tmp_path)


def test_a_change_that_is_sealed_anew_is_found_wherever_it_can_be_derived(document, tmp_path):
    passed = set()
    for name, path in one_of_each_kind(document).items():
        if path != ("plan_id",) and holds(sealed_anew(with_change(document, path)), tmp_path):
            passed.add(name.removesuffix(" again"))
    assert passed <= SEALED_ONLY, passed - SEALED_ONLY


def test_a_part_that_is_missing_or_of_another_kind_is_refused_without_a_crash(document, tmp_path):
    for key in document:
        if key in ("plan_id", "problem"):
            continue
        for wrong in WRONG_KINDS:
            if wrong == document[key]:
                continue
            said = holds(sealed_anew({**document, key: wrong}), tmp_path)
            assert not said or key in MAY_BE_EMPTY, (key, wrong)
        assert not holds(sealed_anew({k: v for k, v in document.items() if k != key}), tmp_path), key


def test_the_command_exits_0_for_the_plan_1_for_a_changed_one_2_for_none(jinheng, plan_file, tmp_path):
    good = jinheng("check", str(plan_file), "--lang", "zh")
    assert (good.code, good.err) == (0, "")
    assert "仅由封印" in good.out and "结论: 全部成立" in good.out
    document = json.loads(plan_file.read_text(encoding="utf-8"))
    document["lines"][0]["contracted_t"] = "199"
    changed_file = tmp_path / "changed.json"
    changed_file.write_text(json.dumps(sealed_anew(document)), encoding="utf-8")
    bad = jinheng("check", str(changed_file), "--lang", "en")
    assert bad.code == 1
    assert "[FAILS]" in bad.out and "do not use this plan" in bad.out
    assert json.loads(jinheng("check", str(changed_file), "--json").out)["holds"] is False
    for text in ("", "{", "[]", "5", "{}", '{"plan_id": "x"}', '{"plan_id": "x", "problem": 5}', "NaN", "[" * 100_000):
        changed_file.write_text(text, encoding="utf-8")
        answer = jinheng("check", str(changed_file), "--lang", "en")
        assert answer.code == 2, text[:20]
        assert "Traceback" not in answer.err and answer.out == ""
    assert jinheng("check", str(tmp_path / "none.json")).code == 2


def test_a_key_that_stands_twice_is_no_plan(jinheng, plan_file):
    text = plan_file.read_text(encoding="utf-8")
    plan_file.write_text(text.replace('"status"', '"status": "short", "status"', 1), encoding="utf-8")
    assert jinheng("check", str(plan_file)).code == 2


def test_a_plan_without_its_offers_is_checked_against_the_offers_file(jinheng, plan_file, files):
    document = json.loads(plan_file.read_text(encoding="utf-8"))
    document["problem"]["offers"] = None
    plan_file.write_text(json.dumps(sealed_anew(document)), encoding="utf-8")
    assert jinheng("check", str(plan_file)).code == 2
    assert jinheng("check", str(plan_file), "--offers", str(files.offers)).code == 0
    files.offers.write_text(files.offers.read_text(encoding="utf-8").replace("200,60", "200,61"), encoding="utf-8")
    assert jinheng("check", str(plan_file), "--offers", str(files.offers)).code == 1
