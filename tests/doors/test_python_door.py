"""The Python door: files in, one problem out; a plan made through it is the plan of every other door."""

import json
import subprocess
import sys
from datetime import date
from decimal import Decimal

import pytest

from api import read_problem
from optimizer import BadInput, Plan, check, plan

DAY = date(2026, 11, 22)


def test_the_example_of_the_contract_runs(files):
    # 1000.5 t: PHB-1 200 (tier 1), CCER-1 500 (tier 2), 300.5 of CEA-1, in whole tonnes 301 (tier 4).
    # 200 x 60 + 500 x 78 x 1.01 + 100 + 301 x 75 = 12000 + 39490 + 22575 = 74065; the break missed gives 75075.
    made = plan(read_problem(files.event, files.offers, as_of=DAY))
    assert made.status == "covered"
    assert made.totals.cost == "74065.00"
    assert {x.offer_id: x.contracted_t for x in made.lines} == {"PHB-1": "200", "CCER-1": "500", "CEA-1": "301"}
    assert check(made).holds


def test_a_plan_survives_json_and_is_the_same_for_paths_and_texts(files):
    made = plan(read_problem(files.event, files.offers, as_of=DAY))
    again = plan(read_problem(str(files.event), str(files.offers), as_of="2026-11-22"))
    assert again.plan_id == made.plan_id
    read = json.loads(made.to_json())
    assert Plan.model_validate(read) == made
    assert check(read).holds


def test_json_and_yaml_say_the_same(files):
    event = {
        "id": "small-event",
        "name": "小型会议",
        "end_date": "2026-10-11",
        "emissions": {"tonnes": 1000.5, "status": "verified", "verifier": "示例机构", "verified_on": "2026-11-05"},
        "budget": {"total": "100000"},
        "limits": [{"group": "seller", "max_share": 0.6}],
    }
    (files.folder / "event.json").write_text(json.dumps(event), encoding="utf-8")
    one = read_problem(files.event, files.offers, as_of=DAY)
    other = read_problem(files.folder / "event.json", files.offers, as_of=DAY)
    assert one.calendar == other.calendar


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_an_event_file_may_be_utf8_with_or_without_bom_or_gb18030(files, encoding):
    text = files.event.read_text(encoding="utf-8")
    files.event.write_bytes(text.encode(encoding))
    assert read_problem(files.event, files.offers, as_of=DAY).events[0].name == "小型会议"


def test_numbers_are_read_as_written_and_never_as_binary_floats(files):
    text = files.event.read_text(encoding="utf-8").replace("1000.5", "1000.001").replace("100000", "100000.29")
    files.event.write_text(text, encoding="utf-8")
    event = read_problem(files.event, files.offers, as_of=DAY).events[0]
    assert event.emissions.emitted_kg == 1_000_001
    assert event.budget is not None and event.budget.total_fen == 10_000_029


def test_options_replace_what_the_file_says(files):
    (files.folder / "order.yaml").write_text(
        "- {level: shortfall}\n- {level: cost, relative: 0.1}\n- {level: tier 1}\n"
    )
    (files.folder / "outlook.yaml").write_text("factors: [{instrument: ccer, from: 2027-01-01, factor: 0.9}]\n")
    problem = read_problem(
        files.event,
        files.offers,
        as_of=DAY,
        policy="mee-2019",
        objective=files.folder / "order.yaml",
        epsilon="0.1",
        outlook=files.folder / "outlook.yaml",
        budget=Decimal("5000.50"),
    )
    assert problem.rule_pack.id == problem.calendar.policy == "mee-2019"
    assert [s.level for s in problem.levels()] == ["shortfall", "cost", "tier 1"]
    assert problem.epsilon_e4 == 1000
    assert problem.outlook.factor_e4("ccer", date(2027, 1, 1)) == 9000
    budget = problem.events[0].budget
    assert budget is not None and budget.total_fen == 500_050
    assert check(plan(problem)).holds


def test_the_budget_option_is_the_shared_one_of_a_calendar(files):
    problem = read_problem(files.folder / "calendar.yaml", files.offers, as_of=DAY, budget=70000)
    assert problem.calendar.budget is not None
    assert problem.calendar.budget.total_fen == 7_000_000
    assert problem.calendar.budget.by_fiscal_year_fen is None
    assert problem.objective == "order-first"


def test_a_rule_pack_by_path_is_looked_for_beside_the_event_file_first(files, monkeypatch):
    from importlib import resources

    text = resources.files("optimizer.rule_packs").joinpath("shanxi-2022.yaml").read_text("utf-8")
    (files.folder / "pack.yaml").write_text(text.replace("id: shanxi-2022", "id: my-pack"), encoding="utf-8")
    files.event.write_text(files.event.read_text(encoding="utf-8") + "policy: pack.yaml\n", encoding="utf-8")
    elsewhere = files.folder / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    problem = read_problem(files.event, files.offers, as_of=DAY)
    assert problem.rule_pack.id == problem.calendar.policy == "my-pack"
    assert check(plan(problem)).holds


def test_faults_of_all_files_and_options_are_told_together(files):
    files.event.write_text("id: x\nend_date: soon\nemissions: {tonnes: 5, status: verified}\n", encoding="utf-8")
    files.offers.write_text("offer_id,instrument,quantity,price\na,ccer,x,1\n", encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        read_problem(
            files.event, files.offers, as_of="x", budget="-1", epsilon="much", objective="best", outlook="no.yaml"
        )
    places = {f.file or f.path for f in caught.value.findings}
    assert places == {"event.yaml", "offers.csv", "--as-of", "--budget", "--epsilon", "--objective", "no.yaml"}


def doubts(problem):
    return {f.code: f for f in problem.findings}


def test_implausible_events_get_a_warning_with_its_place_and_reason(files):
    files.event.write_text(
        "id: odd\nend_date: 2046-10-11\npriority: 2\nover_cover: 2\n"
        "emissions: {tonnes: 109990000, status: verified, verified_on: 2046-01-01}\nbudget: {total: 5000}\n"
        "limits:\n  - {where: {seller: 无此卖方}, max_share: 0.5}\n",
        encoding="utf-8",
    )
    found = doubts(read_problem(files.event, files.offers, as_of=DAY, epsilon="0.1"))
    assert {
        ("emissions_large", 5),
        ("end_date_far", 2),
        ("priority_alone", 3),
        ("over_cover_large", 4),
        ("budget_thin", 6),
        ("verified_early", 5),
        ("no_such_offer", 8),
        ("epsilon_unused", None),
    } == {(f.code, f.row) for f in found.values()}
    assert all(f.severity == "warning" for f in found.values())


def test_a_deadline_that_has_passed_is_said(files):
    files.event.write_text(
        files.event.read_text(encoding="utf-8").replace("2026-10-11", "2025-10-11"), encoding="utf-8"
    )
    assert "deadline_past" in doubts(read_problem(files.event, files.offers, as_of=DAY))


def test_a_plausible_event_gets_no_warning(files):
    assert not read_problem(files.event, files.offers, as_of=DAY).findings


def test_the_light_door_loads_no_web_framework_and_no_command_line():
    heavy = "typer", "rich", "fastapi", "jinja2"
    code = f"import sys; from api import read_problem; print(sorted(set({heavy}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
