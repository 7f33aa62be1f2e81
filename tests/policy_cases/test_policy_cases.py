"""The rule packs by cases that a lawyer can read: `<rule pack>.yaml` beside this file, each run through the engine."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from optimizer import Calendar, Offer, Offers, Problem, RulePack, Settings, plan, read_rule_pack, shipped_rule_packs
from optimizer.eligibility import screen

FOLDER = Path(__file__).parent
AS_OF, EVENT_ENDS = date(2026, 11, 22), date(2026, 10, 11)
KEYS = {"name", "clause", "as_of", "event_ends", "settings", "offer", "expect"}

type Case = dict[str, Any]

CASES: dict[str, list[Case]] = {
    file.stem: yaml.safe_load(file.read_text("utf-8")) for file in sorted(FOLDER.glob("*.yaml"))
}
EACH = [pytest.param(pack, case, id=f"{pack}: {case['name']}") for pack, cases in CASES.items() for case in cases]


def problem_of(pack: RulePack, case: Case) -> Problem:
    """One event of 10 t against the case's offer."""
    event = {
        "id": "e",
        "end_date": case.get("event_ends", EVENT_ENDS),
        "emissions": {"tonnes": 10, "status": "verified"},
    }
    calendar = Calendar.model_validate({"policy": pack.id, "settings": case.get("settings", {}), "events": [event]})
    offer = Offer.model_validate({"offer_id": "A", "quantity": 100, "price": 10, **case["offer"]})
    return Problem(calendar, Offers.of([offer]), pack, case.get("as_of", AS_OF))


@pytest.mark.parametrize(("name", "case"), EACH)
def test_the_rule_pack_reads_the_case_as_its_clause_says(name, case):
    assert case.keys() <= KEYS
    pack = read_rule_pack(name)
    problem = problem_of(pack, case)
    found = plan(problem, lang="zh")
    (state,) = found.offers
    expected = case["expect"]
    if "left_out" in expected:
        assert (state.state, found.lines) == ("left_out", ())
        prefix = f"{pack.document_number} "
        assert {r.code: r.clause.removeprefix(prefix) for r in state.reasons} == expected["left_out"]
        assert case["clause"] in expected["left_out"].values()
        return
    (line,) = found.lines
    assert (line.tier, line.retire_by) == (expected["tier"], expected["retire_by"])
    assert line.registry == expected.get("registry", line.registry)
    assert line.late == expected.get("late", False)
    screening = screen(problem)
    assert pack.classes[int(screening.offer_class[0])].clause == case["clause"]
    assert Decimal(int(screening.eta_e8[0, 0])).scaleb(-8) == Decimal(expected.get("counts", "1"))


@pytest.mark.parametrize("name", shipped_rule_packs())
def test_every_class_of_every_shipped_pack_is_hit_by_a_case(name):
    pack = read_rule_pack(name)
    hit = {int(screen(problem_of(pack, case)).offer_class[0]) for case in CASES[name]}
    missing = [f"{k}: {pack.classes[k].when.dump()}" for k in range(len(pack.classes)) if k not in hit]
    assert missing == []


@pytest.mark.parametrize("name", shipped_rule_packs())
def test_every_registry_of_every_shipped_pack_is_named_by_a_case(name):
    registries = {registry.name.zh for registry in read_rule_pack(name).registries}
    named = {case["expect"].get("registry") for case in CASES[name]}
    assert registries <= named


def test_every_setting_that_opens_a_point_of_the_source_has_a_case():
    opened = {key for cases in CASES.values() for case in cases for key in case.get("settings", {})}
    assert opened == set(Settings.model_fields) - {"discount_rate_e4", "whole_lots"}


def test_there_are_enough_cases_and_no_two_of_a_name():
    assert CASES.keys() == set(shipped_rule_packs())
    assert len(CASES["shanxi-2022"]) >= 25
    assert len(CASES["mee-2019"]) >= 15
    for cases in CASES.values():
        assert len({case["name"] for case in cases}) == len(cases)
