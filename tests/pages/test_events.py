"""Pages of events: entered by form or as a file, every fault at its field, every version kept, nothing overwritten."""

import html
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.demo import EXAMPLES
from api.pages.event_forms import document_of_form, form_of_document, same_calendar, suggested_id
from api.pages.event_words import calendar_of_document, differences_of, lines_of
from api.plain_data import read_plain
from api.planning import plain_value
from tests.http.conftest import Organisation

FORM = {
    "version": "0",
    "name": "Winter Games",
    "region": "太原",
    "end_date": "2026-10-11",
    "emissions.status": "verified",
    "emissions.tonnes": "1200.5",
    "settings.unranked": "true",
    "settings.whole_lots": "true",
    "settings.stale": "exclude",
    "settings.forestry_accrual": "accrued",
}
FULL = FORM | {
    "emissions.verifier": "示例核查机构",
    "budget.total": "100000",
    "years.0.year": "2026",
    "years.0.yuan": "60000",
    "years.1.year": "2027",
    "years.1.yuan": "40000",
    "budget.carry_forward": "true",
    "limits.0.key": "group:seller",
    "limits.0.max_share": "0.4",
    "limits.1.key": "where:instrument",
    "limits.1.values": "forestry，ccer",
    "limits.1.min_share": "0.1",
    "eligibility.vintage_min": "2019",
    "eligibility.channels": "agent",
    "filters.0.kind": "exclude",
    "filters.0.key": "seller",
    "filters.0.values": "甲, 乙",
    "policy": "mee-2019",
    "settings.old_ccer": "true",
}


def enter(client: TestClient, form: dict[str, str], address: str = "/events/new") -> Any:
    return client.post(address, data=form, follow_redirects=False)


def kept(client: TestClient, event_id: str) -> Any:
    return client.get(f"/v1/events/{event_id}").json()


def test_an_empty_list_says_how_to_begin(local: TestClient) -> None:
    assert "No event yet" in local.get("/events").text
    assert "还没有活动" in local.get("/events?lang=zh").text


def test_a_form_becomes_the_event_that_a_file_would_say(local: TestClient) -> None:
    answer = enter(local, FULL)
    assert answer.status_code == 303 and answer.headers["location"] == "/events/winter-games?note=saved"
    assert kept(local, "winter-games")["event"] == {
        "id": "winter-games",
        "name": "Winter Games",
        "region": "太原",
        "end_date": "2026-10-11",
        "policy": "mee-2019",
        "emissions": {"tonnes": "1200.5", "status": "verified", "verifier": "示例核查机构"},
        "budget": {
            "total": "100000",
            "by_fiscal_year": {"2026": "60000", "2027": "40000"},
            "carry_forward": True,
        },
        "limits": [
            {"group": "seller", "max_share": "0.4"},
            {"where": {"instrument": ["forestry", "ccer"]}, "min_share": "0.1"},
        ],
        "eligibility": {"vintage_min": 2019, "channels": ["agent"], "exclude": {"seller": ["甲", "乙"]}},
        "settings": {"old_ccer": True},
    }
    page = local.get("/events/winter-games").text
    assert "1,200.5" in page and "each seller: at most 40 %" in page and "11 October 2026" in page
    assert "/plans/new?event_id=winter-games" in page
    assert "Winter Games" in local.get("/events").text


def test_every_fault_is_told_at_once_at_its_field(local: TestClient) -> None:
    wrong = FULL | {
        "name": "",
        "end_date": "",
        "emissions.tonnes": "much",
        "years.1.year": "soon",
        "limits.0.max_share": "1.4",
        "eligibility.vintage_min": "2027",
        "eligibility.vintage_max": "2020",
        "region": "Atlantis",
    }
    answer = enter(local, wrong)
    assert answer.status_code == 422
    marked = set(re.findall(r'href="#field-([^"]+)"', answer.text))
    assert {"name", "end_date", "emissions.tonnes", "region"} <= marked
    named = enter(local, wrong | {"name": "x", "end_date": "2026-10-11"})
    marked = set(re.findall(r'href="#field-([^"]+)"', named.text))
    assert {"emissions.tonnes", "years.1.year", "limits.0.key", "region"} <= marked
    for field in marked:
        assert f'id="field-{field}"' in named.text, f"the link of {field} leads somewhere"
    assert 'value="much"' in named.text and 'value="Atlantis"' in named.text, "what was typed stays"
    assert local.get("/v1/events").json()["items"] == []


def test_an_estimate_has_a_range_and_a_verified_figure_none(local: TestClient) -> None:
    contradiction = enter(local, FORM | {"emissions.low": "1000"})
    assert contradiction.status_code == 422 and "verified emissions should have no low/high range" in contradiction.text
    done = enter(local, FORM | {"emissions.status": "estimated", "emissions.low": "1000", "emissions.high": "1500"})
    assert done.status_code == 303
    assert kept(local, "winter-games")["event"]["emissions"]["high"] == "1500"


def test_rows_are_added_without_losing_what_was_typed(local: TestClient) -> None:
    answer = enter(local, FULL | {"add": "years"})
    assert answer.status_code == 200
    assert 'name="years.2.year"' in answer.text and 'value="2028"' in answer.text and 'value="60000"' in answer.text
    assert 'name="limits.2.key"' in enter(local, FULL | {"add": "limits"}).text
    assert 'name="filters.1.key"' in enter(local, FULL | {"add": "filters"}).text
    dropped = enter(local, FULL | {"limits.0.drop": "true"})
    assert dropped.status_code == 303 and len(kept(local, "winter-games")["event"]["limits"]) == 1


def test_a_change_is_a_new_version_and_can_be_undone(local: TestClient) -> None:
    enter(local, FULL)
    edit = local.get("/events/winter-games/edit").text
    assert 'name="version" value="1"' in edit
    same = enter(local, FULL | {"version": "1"}, "/events/winter-games/edit")
    assert same.status_code == 303 and kept(local, "winter-games")["version"] == 1, "nothing changed"
    enter(local, FULL | {"version": "1", "budget.total": "90000"}, "/events/winter-games/edit")
    page = local.get("/events/winter-games").text
    assert "100,000.00 yuan" in page and "90,000.00 yuan" in page and "What version 2 changed" in page
    undone = local.post("/events/winter-games/versions/1/keep", data={"expected": "2"}, follow_redirects=False)
    assert undone.headers["location"].endswith("note=undone")
    now = kept(local, "winter-games")
    assert now["version"] == 3 and now["event"]["budget"]["total"] == "100000"
    assert "This is version 2; now it is version 3" in local.get("/events/winter-games?version=2").text


def test_a_change_that_somebody_else_overtook_is_shown_beside_theirs(local: TestClient) -> None:
    enter(local, FULL)
    enter(local, FULL | {"version": "1", "budget.total": "90000"}, "/events/winter-games/edit")
    late = enter(local, FULL | {"version": "1", "budget.total": "80000"}, "/events/winter-games/edit")
    assert late.status_code == 412
    assert "90,000.00 yuan" in late.text and "80,000.00 yuan" in late.text and 'value="80000"' in late.text
    assert kept(local, "winter-games")["event"]["budget"]["total"] == "90000"
    mine = enter(local, FULL | {"version": "2", "budget.total": "80000"}, "/events/winter-games/edit")
    assert 'name="version" value="2"' in late.text and mine.status_code == 303
    overtaken = local.post("/events/winter-games/versions/1/keep", data={"expected": "2"}, follow_redirects=False)
    assert overtaken.status_code == 412 and kept(local, "winter-games")["version"] == 3
    taken = enter(local, FORM)
    assert taken.status_code == 422 and "an event of this id is there already" in taken.text


@pytest.mark.parametrize("one", EXAMPLES, ids=lambda one: one.name)
def test_an_example_comes_as_a_file_and_is_edited_without_loss(local: TestClient, one: Any) -> None:
    answer = local.post(
        "/events/file", files={"file": (one.event.name, one.event.read_bytes())}, follow_redirects=False
    )
    assert answer.status_code == 303 and answer.headers["location"].startswith(f"/events/{one.name}")
    assert local.get(f"/events/{one.name}").status_code == 200
    edit = local.get(f"/events/{one.name}/edit").text
    document = kept(local, one.name)["event"]
    form = form_of_document(document)
    if form is not None:
        said = document_of_form(form)
        assert same_calendar(calendar_of_document(said), calendar_of_document(document))
        assert lines_of(said, "zh") == lines_of(document, "zh") and 'name="emissions.tonnes"' in edit
        return
    text = html.unescape(edit.partition("<textarea")[2].partition(">")[2].partition("</textarea>")[0])
    again = {"text": text, "version": "1", "event_id": one.name}
    assert local.post("/events/file", data=again, follow_redirects=False).status_code == 303
    assert kept(local, one.name)["version"] == 1, "its text says the same"
    changed = {**again, "text": text.replace("end_date: '2026-", "end_date: '2027-", 1)}
    local.post("/events/file", data=changed, follow_redirects=False)
    now = kept(local, one.name)
    assert now["version"] == 2 and len(differences_of(document, now["event"], "en")) == 1


def test_an_event_that_says_more_than_the_form_is_edited_as_text() -> None:
    plain = {"id": "a", "end_date": "2026-01-01", "emissions": {"tonnes": "1", "status": "verified"}}
    assert form_of_document(plain) is not None
    assert form_of_document({**plain, "priority": 2}) is None
    assert form_of_document({**plain, "objective": [{"level": "cost"}]}) is None
    two = {"where": {"seller": ["甲"], "region": ["14"]}, "max_share": "0.2"}
    assert form_of_document({**plain, "limits": [two]}) is None
    assert form_of_document({**plain, "eligibility": {"exclude": {"seller": ["甲, 乙"]}}}) is None


def test_a_faulty_file_is_told_its_lines_and_keeps_its_text(local: TestClient) -> None:
    text = "id: a\nend_date: soon\nemissions: {tonnes: -1, status: verified}\n"
    answer = local.post("/events/file", data={"text": text})
    assert answer.status_code == 422 and "row 2" in answer.text and "row 3" in answer.text and "soon" in answer.text
    assert local.post("/events/file", data={"text": ""}).status_code == 422
    assert local.post("/events/file", files={"file": ("a.yaml", b"\xff\xfe")}).status_code == 422
    reserved = text.replace("soon", "2026-01-01").replace("-1", "1").replace("id: a", "id: new")
    assert local.post("/events/file", data={"text": reserved}).status_code == 422


def test_hostile_text_is_shown_as_text(local: TestClient) -> None:
    bad = "<script>alert(1)</script>\"'><img src=x>\u202eevil 🏃"
    done = enter(local, FORM | {"name": bad, "organiser": bad, "id": "plain"})
    assert done.status_code == 303
    enter(local, FORM | {"name": bad, "organiser": "x", "version": "1"}, "/events/plain/edit")
    for address in ("/events", "/events/plain", "/events/plain/edit"):
        page = local.get(address).text
        assert "<script>alert" not in page and "<img src=x" not in page, address
        assert "&lt;script&gt;" in page, address
    odd = enter(local, FORM | {"id": "a b?#<>&%", "name": "odd"})
    assert odd.status_code == 303 and local.get(odd.headers["location"]).status_code == 200
    assert enter(local, FORM | {"id": "a/b"}).status_code == 422


def test_ids_are_suggested_from_names() -> None:
    assert suggested_id("2026 Taiyuan  Marathon!") == "2026-taiyuan-marathon"
    assert suggested_id("2026太原马拉松赛") == "2026太原马拉松赛"
    assert suggested_id(" / ") == ""


def test_organisations_see_their_own_and_roles_what_they_may(mine: Organisation, other: Organisation) -> None:
    assert enter(mine.organiser, FULL).status_code == 303
    assert other.organiser.get("/events/winter-games").status_code == 404
    assert "winter-games" not in other.organiser.get("/events").text
    keep = {"expected": "1"}
    assert other.organiser.post("/events/winter-games/versions/1/keep", data=keep).status_code == 404
    assert mine.auditor.get("/events/winter-games").status_code == 200
    assert "/edit" not in mine.auditor.get("/events/winter-games").text
    for address in ("/events/new", "/events/file", "/events/winter-games/edit"):
        assert mine.auditor.get(address).status_code == 403
        assert mine.auditor.post(address, data=FORM).status_code == 403
    assert enter(other.organiser, FORM).status_code == 303, "the same id is free in another organisation"


def test_words_name_everything_that_the_examples_say() -> None:
    for one in EXAMPLES:
        document = plain_value(read_plain(Path(one.event)).value)
        for line in lines_of(document, "zh"):
            label = line.label.rpartition(" · ")[2]
            assert re.search(r"[\u4e00-\u9fff]", label), f"{one.name}: {line.path} has no name"
