"""Pages that compare: ways side by side with causes, sliders that plan anew, and the plan that is kept of them."""

import html
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.reports.papers import MEDIA_TYPES, comparison_paper
from api.scenario_desk import CompareRequest, compare_scenarios
from api.settings import today
from tests.http.conftest import AS_OF, EVENT, OFFERS, Organisation
from tests.pages.test_plans import HOSTILE, keep


def figures(page: str) -> list[str]:
    """The amounts of the plan where the sliders stand."""
    live = page[page.index('id="live"') :]
    return re.findall(r'<dd><span class="nowrap">([\d,.]+)', live)


def test_ways_stand_beside_the_events_own(local: TestClient) -> None:
    fields = keep(local)
    page = local.get("/compare", params=fields).text
    assert "/compare/ways?" in page and "/compare/sliders?" in page
    table = local.get("/compare/ways", params={**fields, "way": ["cheapest-lawful", "no-forest"]}).text
    # 200 at 60 and 801 at 75 = 72,075, against 74,575 in the recommended order
    assert "72,075.00" in table and "74,575.00" in table and "-2,500.00" in table
    assert "cheapest lawful mix" in table and "no forest" in table and "order first" not in table
    why = table[table.index('id="why-cheapest-lawful"') :]
    assert "CCER-1" in why and "gone" in why


@pytest.mark.parametrize("kind", ["docx", "pdf", "xlsx", "csv", "html"])
def test_what_stands_side_by_side_is_the_paper_of_the_command_line(
    local: TestClient, tmp_path: Path, kind: str
) -> None:
    fields = {**keep(local), "way": ["cheapest-lawful", "no-forest"]}
    table = local.get("/compare/ways", params=fields).text
    (link,) = [one for one in re.findall(r'href="(/compare/paper[^"]*)" download', table) if f"kind={kind}" in one]
    answer = local.get(html.unescape(link))
    assert answer.status_code == 200 and answer.headers["content-type"] == MEDIA_TYPES[kind]
    assert re.search(rf'filename="comparison-[0-9a-f]{{12}}\.{kind}"', answer.headers["content-disposition"])
    event = tmp_path / "event.json"
    event.write_text(json.dumps(EVENT), encoding="utf-8")
    offers = tmp_path / "offers.json"
    offers.write_text(json.dumps(OFFERS), encoding="utf-8")
    asked = CompareRequest(str(event), str(offers), AS_OF, url="", scenarios="cheapest-lawful,no-forest")
    assert answer.content == comparison_paper(compare_scenarios(asked, "en"), kind, "en", today())


def test_a_paper_of_another_kind_is_a_fault(local: TestClient) -> None:
    assert local.get("/compare/paper", params={**keep(local), "kind": "exe"}).status_code == 422


def test_sliders_plan_anew_without_keeping_anything(local: TestClient) -> None:
    fields = keep(local)
    own = figures(local.get("/compare/sliders", params=fields).text)
    assert own[0] == "74,575.00"
    less = {**fields, "limit_budget": "on", "budget": "40000", "was": "74575.00|1001", "exact": "1"}
    answer = local.get("/compare/live", params=less, headers={"hx-request": "true"})
    cost, covered = (float(x.replace(",", "")) for x in figures(answer.text)[:2])
    assert cost <= 40_000 and covered < 1000 and "<html" not in answer.text
    assert (
        answer.headers["hx-replace-url"].startswith("/compare?") and "budget=40000" in answer.headers["hx-replace-url"]
    )
    assert local.get("/v1/plans").json()["items"] == []


def test_what_moves_first_is_an_estimate_and_says_so(local: TestClient) -> None:
    fields = {**keep(local), "balance": "on", "epsilon": "30"}
    rough = local.get("/compare/live", params=fields, headers={"hx-request": "true"}).text
    assert "estimate" in rough and "exact=1" in rough
    exact = local.get("/compare/live", params={**fields, "exact": "1"}, headers={"hx-request": "true"}).text
    assert "estimate" not in exact and "exact=1" not in exact


def test_a_slider_whose_box_is_not_ticked_says_nothing(local: TestClient) -> None:
    fields = {**keep(local), "budget": "40000", "epsilon": "0", "exact": "1"}
    assert figures(local.get("/compare/live", params=fields).text)[0] == "74,575.00"


def test_the_plan_of_the_sliders_is_kept_with_its_reasons(local: TestClient) -> None:
    fields = {**keep(local), "balance": "on", "epsilon": "0"}
    answer = local.post("/compare/keep", data=fields, follow_redirects=False)
    assert answer.status_code == 303
    page = local.get(answer.headers["location"].partition("?")[0], params={"tab": "proof"}).text
    assert "balanced" in page and "72,075.00" in page


def test_faults_are_told_where_the_figures_would_be(local: TestClient) -> None:
    fields = {**keep(local), "as_of": "soon"}
    for path in ("/compare/sliders", "/compare/ways", "/compare/live", "/compare/paper"):
        answer = local.get(path, params=fields)
        assert answer.status_code == 200 and "cannot be planned" in answer.text, path


def test_hostile_addresses_are_text(local: TestClient) -> None:
    keep(local)
    for path in ("/compare", "/compare/sliders", "/compare/live", "/compare/ways"):
        page = local.get(path, params={"event_id": HOSTILE, "snapshot": HOSTILE, "was": HOSTILE, "way": HOSTILE}).text
        assert "<script>alert" not in page, path


def test_comparing_takes_the_right_to_plan_and_ones_own_events(mine: Organisation, other: Organisation) -> None:
    fields = keep(mine.organiser)
    assert mine.auditor.get("/compare", params=fields).status_code == 403
    assert "small-event" in mine.organiser.get("/compare").text
    assert "small-event" not in other.organiser.get("/compare").text
    assert "there is no such thing" in other.organiser.get("/compare/sliders", params=fields).text


def test_a_comparison_that_takes_too_long_is_left_to_a_worker(app: FastAPI, local: TestClient) -> None:
    fields = {**keep(local), "way": ["cheapest-lawful", "ranked-only"]}
    app.state.settings = replace(app.state.settings, plan_seconds=0)
    refused = local.get("/compare/ways", params=fields).text
    assert 'action="/compare/background"' in refused and 'name="way" value="ranked-only"' in refused
    left = local.post("/compare/background", data=fields, follow_redirects=False)
    assert left.status_code == 303 and left.headers["location"].startswith("/jobs/")
    asked = local.get(left.headers["location"]).text
    assert "cheapest lawful mix, ranked means only" in asked and "ranked-only" not in asked
    wrong = local.post("/compare/background", data={**fields, "as_of": "soon"}, follow_redirects=False)
    assert wrong.status_code == 422
