"""Broken scenario files: every fault at once, each with its path and line, in both languages, and nothing used."""

import json
from typing import Any

import pytest

from api.scenario_files import read_scenarios
from optimizer import BadInput
from scenarios.scenario_set import SCENARIOS_MAX

BROKEN = """scenarios:
  - name: a
    bugdet: {scale: 0.8}
    budget: {scale: -1}
  - name: b
    prices:
      - {where: {colour: red}, factor: 1.1}
      - {factor: 1.23456}
      - {factor: 2, add: 3}
    settings: {unranked: perhaps, strict: true}
    policy: nowhere-2030
  - title: only Chinese is missing
    objective: cheapest
    limits: {add: [{group: seller, min_share: 0.3}]}
"""


def refused(text: str, folder: Any, name: str = "s.yaml") -> list[Any]:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput) as error:
        read_scenarios(str(path))
    assert all(f.severity == "fault" and f.message.zh and f.message.en for f in error.value.findings)
    return list(error.value.findings)


def test_every_fault_of_a_file_is_told_at_once_with_its_path_and_line(tmp_path):
    found = {(f.path, f.row): f.code for f in refused(BROKEN, tmp_path)}
    assert found == {
        ("scenarios[0].bugdet", 3): "extra_forbidden",
        ("scenarios[0].budget.scale", 4): "negative",
        ("scenarios[1].prices[0].where", 7): "filter_key",
        ("scenarios[1].prices[1].factor", 8): "decimals",
        ("scenarios[1].prices[2]", 9): "one_of",
        ("scenarios[1].settings.unranked", 10): "bool_parsing",
        ("scenarios[1].settings.strict", 10): "extra_forbidden",
        ("scenarios[1].policy", 11): "policy_unknown",
        ("scenarios[2].name", 12): "missing",
        ("scenarios[2].objective", 13): "literal_error",
        ("scenarios[2].limits.add[0]", 14): "limit_group_min",
    }


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"budget": {}}, "one_of"),
        ({"budget": {"scale": 1, "amount": 5}}, "one_of"),
        ({"budget": {"amount": 5, "carry_forward": True}}, "carry"),
        ({"budget": {"by_fiscal_year": {26: 5}}}, "budget_year"),
        ({"budget": {"by_fiscal_year": {}}}, "budget_year"),
        ({"budget": {"scale": 101}}, "factor"),
        ({"budget": "no"}, "model_type"),
        ({"budget": 5}, "model_type"),
        ({"prices": {"factor": "NaN"}}, "number"),
        ({"prices": {"add": "1.234"}}, "decimals"),
        ({"prices": {"add": 10**9}}, "huge"),
        ({"prices": {"add": True}}, "number"),
        ({"prices": [{"where": {}, "factor": 1}]}, "filter_empty"),
        ({"prices": "1.3"}, "tuple_type"),
        ({"availability": {"where": {"tier": 1}}}, "missing"),
        ({"availability": {"scale": 1, "factor": 1}}, "extra_forbidden"),
        ({"offers": {}}, "offers_empty"),
        ({"offers": {"lift": ["everything"]}}, "literal_error"),
        ({"offers": {"channels": ["friend"]}}, "literal_error"),
        ({"offers": {"regions": ["Atlantis"]}}, "region"),
        ({"offers": {"vintage_min": 2025, "vintage_max": 2020}}, "vintage_order"),
        ({"limits": {"none": True, "replace": []}}, "one_of"),
        ({"emissions": {}}, "emissions_empty"),
        ({"emissions": {"scale": 1, "amount": 5}}, "one_of"),
        ({"emissions": {"scale": 0}}, "factor_zero"),
        ({"emissions": {"amount": 0}}, "emissions_zero"),
        ({"dates": {}}, "dates_empty"),
        ({"dates": {"as_of": "2026-01-01", "as_of_shift_days": 3}}, "as_of_twice"),
        ({"dates": {"as_of": 20260101}}, "date_type"),
        ({"dates": {"end_shift_years": 1000}}, "less_than_equal"),
        ({"outlook": {"factors": [{"instrument": "allowance", "from": "2027-01-01", "factor": 99}]}}, "factor"),
        ({"method": "magic"}, "literal_error"),
        ({"epsilon": "some"}, "number"),
        ({"title": {"zh": "只有中文"}}, "text"),
        ({"name": ""}, "string_too_short"),
        ({"name": "x" * 201}, "string_too_long"),
    ],
)
def test_a_change_that_means_nothing_is_a_fault(tmp_path, changes, code):
    found = refused(json.dumps({"scenarios": [{"name": "s", **changes}]}), tmp_path, "s.json")
    assert [f.code for f in found] == [code]
    assert found[0].path.startswith("scenarios[0]")
    assert found[0].row == 1


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({}, "scenarios_empty"),
        ({"scenarios": []}, "scenarios_empty"),
        ({"scenario": [{"name": "s"}]}, "extra_forbidden"),
        ({"scenarios": [{"name": "s"}, {"name": "s"}]}, "scenario_name"),
        ({"scenarios": [{"name": "no-forest"}], "library": ["no-forest"]}, "scenario_name"),
        ({"library": ["no-forrest"]}, "library_unknown"),
        ({"grid": {"a": {}}}, "scenarios_empty"),
        ({"grid": {"a": {"x": {"budget": "none"}}, "b": {"y": {"budget": {"scale": 1}}}}}, "grid_clash"),
        ({"grid": {"a" * 300: {"x": {}}}}, "grid_names"),
        ([{"name": "s"}], "scenario_file"),
        ("s", "scenario_file"),
    ],
)
def test_a_file_that_makes_no_scenarios_is_a_fault(tmp_path, content, code):
    assert [f.code for f in refused(json.dumps(content), tmp_path, "s.json")] == [code]


def test_a_grid_that_explodes_is_stopped_before_it_is_spelled_out(tmp_path):
    axes: dict[str, dict[str, dict[str, str]]] = {f"axis {k}": {f"o{i}": {} for i in range(100)} for k in range(9)}
    (found,) = refused(json.dumps({"grid": axes}), tmp_path, "s.json")
    assert found.code == "scenarios_many"
    assert str(SCENARIOS_MAX) in found.message.zh and str(100**9) in found.message.en


def test_a_rule_pack_of_a_grid_is_placed_too(tmp_path):
    text = "grid:\n  pack:\n    theirs: {policy: theirs.yaml}\n    ours: {policy: shanxi-2022}\n"
    (found,) = refused(text, tmp_path)
    assert (found.code, found.path, found.row) == ("policy_unknown", "grid.pack.theirs.policy", 3)


def test_a_rule_pack_beside_the_file_is_read_and_its_own_faults_are_told(tmp_path):
    (tmp_path / "theirs.yaml").write_text("id: theirs\n", encoding="utf-8")
    found = refused("scenarios: [{name: s, policy: theirs.yaml}]", tmp_path)
    assert {f.file for f in found} == {"theirs.yaml"}
    assert "missing" in {f.code for f in found}


@pytest.mark.parametrize("reference", ["", " , ", "nothing-like-it", "no-forest;order-first"])
def test_names_that_are_not_ready_are_refused(reference):
    with pytest.raises(BadInput) as refused_names:
        read_scenarios(reference)
    assert {f.path for f in refused_names.value.findings} == {"--scenarios"}
