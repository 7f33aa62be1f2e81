"""Pages of plans: made from a form, looked at from every side, refused to others, hostile text shown as text."""

from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.http.conftest import AS_OF, EVENT, OFFERS, QUESTION, Organisation

HOSTILE = "<script>alert(1)</script>‮=1+1"


def keep(caller: TestClient, event: dict[str, Any] = EVENT, offers: list[dict[str, Any]] = OFFERS) -> dict[str, str]:
    """The fields of the form for an event and a market that are kept."""
    assert caller.put(f"/v1/events/{event['id']}", json=event).status_code == 200
    snapshot = caller.post("/v1/snapshots", json={"offers": offers}).json()["id"]
    return {"event_id": event["id"], "snapshot": snapshot, "as_of": AS_OF}


def made(caller: TestClient, **more: str) -> str:
    """The address of a plan that the form made."""
    fields = more if "snapshot" in more else {**keep(caller), **more}
    answer = caller.post("/plans", data=fields, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def test_the_form_offers_what_is_kept_and_leads_to_the_plan(local: TestClient) -> None:
    fields = keep(local)
    form = local.get("/plans/new", params={"event_id": "small-event", "budget": "90000"}).text
    assert fields["snapshot"] in form and 'value="small-event" selected' in form and 'value="90000"' in form
    page = local.get(made(local, budget="90,000"))
    # 1,000.5 t: 200 at 60, 500 at 80, 301 (whole lots) at 75 = 74,575
    assert page.status_code == 200
    assert "74,575.00" in page.text and "90,000.00" in page.text and "小型会议" in page.text
    assert "covered in full" in page.text and "PHB-1" in page.text


def test_an_empty_house_is_told_what_comes_first(local: TestClient) -> None:
    assert 'href="/markets/new"' in local.get("/plans/new").text
    assert 'href="/plans/new"' in local.get("/plans").text


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("as_of", "soon", "as_of"),
        ("budget", "a lot", "budget"),
        ("epsilon", "-1", "epsilon"),
        ("snapshot", "1" * 64, "snapshot"),
    ],
)
def test_faults_come_back_with_what_was_typed(local: TestClient, field: str, value: str, told: str) -> None:
    given = {**keep(local), "objective": "balanced", field: value}
    answer = local.post("/plans", data=given, follow_redirects=False)
    assert answer.status_code == 422
    assert f'href="#field-{told}"' in answer.text
    assert field == "snapshot" or f'value="{value}"' in answer.text


def test_every_side_of_a_plan_says_its_part(local: TestClient) -> None:
    at = made(local)
    when = local.get(at, params={"tab": "when"}).text
    assert "11 October 2027" in when and "11 October 2032" in when  # one year, and six for new forestry
    why = local.get(at, params={"tab": "why"}).text
    assert "CEA-1" in why and "Break-even" in why
    assert "recommended order costs" in local.get(at, params={"tab": "rules"}).text
    proof = local.get(at, params={"tab": "proof"}).text
    assert "coverage, then the recommended order, then cost" in proof and "Check now" in proof


def test_reasons_are_filtered_by_state_and_told_in_the_viewers_language(local: TestClient) -> None:
    late = {**OFFERS[2], "offer_id": "CEA-OVER", "valid_until": "2026-01-01"}
    fields = keep(local, offers=[*OFFERS, late])
    at = local.post("/plans", data=fields, follow_redirects=False).headers["location"]
    out = local.get(at, params={"tab": "why", "state": "left_out"}).text
    assert "CEA-OVER" in out and "PHB-1" not in out and ">expired<" in out
    other = local.get(at, params={"tab": "why", "reason": "stale"}).text
    assert "CEA-OVER" not in other
    chinese = local.get(at, params={"tab": "why", "state": "left_out", "lang": "zh"}).text
    assert "报价已过期" in chinese and "报价条件" in chinese and "offer terms" not in chinese


def test_a_short_plan_says_why_and_what_would_help(local: TestClient) -> None:
    page = local.get(made(local, budget="40000")).text
    assert "the budget falls short" in page and "more budget" in page and "Shortfall" in page
    assert "预算不足" in local.get(made(local, budget="40000"), params={"lang": "zh"}).text


def test_a_plan_is_checked_again_on_its_page(local: TestClient) -> None:
    checked = local.post(f"{made(local)}/check")
    assert checked.status_code == 200 and "Everything holds" in checked.text and "✗" not in checked.text


def test_hostile_text_is_shown_as_text(local: TestClient) -> None:
    event = {**EVENT, "id": "hostile", "name": HOSTILE}
    offers = [{**offer, "seller": HOSTILE} for offer in OFFERS]
    fields = keep(local, event, offers)
    at = local.post("/plans", data=fields, follow_redirects=False).headers["location"]
    for path in (at, "/plans/new", f"{at}?tab=when"):
        text = local.get(path).text
        assert "<script>alert" not in text and "&lt;script&gt;alert(1)" in text
    typed = local.post("/plans", data={**fields, "budget": '"><script>alert(2)</script>'}).text
    assert "<script>alert(2)" not in typed


def test_another_organisation_sees_no_plan_and_nobody_reads_without_the_right(
    mine: Organisation, other: Organisation
) -> None:
    at = made(mine.organiser)
    assert mine.auditor.get(at).status_code == 200
    assert mine.auditor.get("/plans/new").status_code == 403
    assert "Plan again" not in mine.auditor.get(at).text
    assert other.organiser.get(at).status_code == 404
    assert other.organiser.post(f"{at}/check").status_code == 404
    theirs = other.organiser.get("/plans").text
    assert EVENT["id"] not in theirs and EVENT["name"] not in theirs
    assert EVENT["name"] in mine.finance.get("/plans").text


def test_lists_show_events_by_name_and_by_id_where_none_is_kept(mine: Organisation) -> None:
    """The name is that of the newest version; an event that came with its question alone has its id."""
    made(mine.organiser)
    renamed = {**EVENT, "name": "小型会议 (改期)"}
    assert mine.organiser.put(f"/v1/events/{EVENT['id']}", json=renamed).status_code == 200
    done = mine.organiser.post("/v1/plans", json={**QUESTION, "event": {**EVENT, "id": "passing"}})
    assert done.status_code == 201, done.text
    for path in ("/", "/plans"):
        page = mine.organiser.get(path).text
        assert ">小型会议 (改期)</a>" in page and ">passing</a>" in page and ">small-event</a>" not in page, path
    sought = mine.organiser.get("/plans", params={"q": "改期"}).text
    assert ">小型会议 (改期)</a>" in sought and ">passing</a>" not in sought


def test_plans_are_listed_by_status(local: TestClient) -> None:
    made(local)
    made(local, budget="40000")
    assert local.get("/plans").text.count('href="/plans/') >= 3  # and the way to a new one
    short = local.get("/plans", params={"status": "short"}).text
    assert '<span class="tag bad">short</span>' in short and '<span class="tag good">' not in short


def test_a_plan_asked_again_comes_with_what_was_asked(local: TestClient) -> None:
    page = local.get(made(local, objective="balanced", epsilon="7.5", budget="90000")).text
    assert "objective=balanced" in page and "epsilon=7.5" in page and "budget=90000" in page


def test_what_takes_too_long_is_left_to_a_worker(app: FastAPI, local: TestClient) -> None:
    fields = keep(local)
    app.state.settings = replace(app.state.settings, plan_seconds=0)
    refused = local.post("/plans", data=fields, follow_redirects=False)
    assert refused.status_code == 503 and 'formaction="/plans/background"' in refused.text
    left = local.post("/plans/background", data=fields, follow_redirects=False)
    assert left.status_code == 303 and left.headers["location"].startswith("/jobs/")
    assert EVENT["name"] in local.get(left.headers["location"]).text
    wrong = local.post("/plans/background", data={**fields, "budget": "a lot"}, follow_redirects=False)
    assert wrong.status_code == 422 and 'href="#field-budget"' in wrong.text


def test_a_plan_of_a_large_market_names_kinds_and_sellers_too(local: TestClient) -> None:
    """Such a plan carries only the hash of its offers: the market that is kept tells of them."""
    dear = [{**OFFERS[2], "offer_id": f"DEAR-{i}", "price": "900"} for i in range(5000)]
    at = made(local, **keep(local, offers=[*OFFERS, *dear]))
    page = local.get(at).text
    assert "carbon-inclusion reduction, 甲" in page
    assert "All-in price" in local.get(at, params={"tab": "why"}).text
