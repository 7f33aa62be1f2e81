"""Plans over HTTP: the same plan as in process, kept and replayable, asked for once however often it is sent."""

import json
from dataclasses import replace
from datetime import date

import pytest
from fastapi.testclient import TestClient

from api.planning import PlanTask, inputs_of, inputs_standing, made, task_of_inputs
from api.routes.plan_questions import Asked, plain_task, question_of
from tests.http.conftest import AS_OF, EVENT, OFFERS, QUESTION


def planned(client: TestClient, **changes):
    answer = client.post("/v1/plans", json=QUESTION | changes)
    assert answer.status_code == 201, answer.text
    return answer


def test_a_plan_over_http_is_the_plan_that_is_made_in_process(local):
    answer = planned(local)
    task = PlanTask(event=EVENT, as_of=date.fromisoformat(AS_OF), offers=OFFERS, lang="en")
    assert answer.content == made(task).content
    assert answer.json()["status"] == "covered"
    # 200 t at 60 + 500 t at 80 + 301 t at 75 (whole tonnes of 1000.5 t): 12,000 + 40,000 + 22,575
    assert answer.json()["totals"]["cost"] == "74575.00"


def test_a_plan_is_kept_as_it_was_and_made_again_to_the_last_byte(local):
    answer = planned(local)
    where = answer.headers["location"]
    assert local.get(where).content == answer.content
    assert local.get(f"/v1/plans/{answer.json()['plan_id']}").content == answer.content
    replay = local.post(f"{where}/replay").json()
    assert replay["same"] is True and replay["plan_id"] == replay["plan_id_now"]
    assert local.post(f"{where}/check").json()["holds"] is True


def brought(client: TestClient, content: bytes, **query: str):
    headers = {"content-type": "application/json"}
    return client.post("/v1/plans/check", params=query, content=content, headers=headers)


def test_a_plan_that_somebody_brings_is_derived_again(mine, other):
    made_there = mine.organiser.post("/v1/plans", json=QUESTION).content
    whole = brought(other.auditor, made_there).json()
    assert whole["holds"] is True and all(c["holds"] for c in whole["checked"])
    changed = made_there.replace(b'"74575.00"', b'"74574.00"')
    assert changed != made_there and brought(other.auditor, changed).json()["holds"] is False
    assert other.auditor.get("/v1/plans").json()["items"] == [], "nothing is kept"
    for broken, code in (
        (b"{", "plan_unreadable"),
        (b"[1]", "no_plan"),
        (b'{"plan_id": 1, "plan_id": 2}', "plan_unreadable"),
    ):
        answer = brought(other.auditor, broken)
        assert (answer.status_code, answer.json()["faults"][0]["code"]) == (422, code)


def test_a_large_plan_that_somebody_brings_needs_its_snapshot(local):
    made_up = {"seed": 7, "as_of": AS_OF}
    ids = [local.post("/v1/snapshots/synthetic", json={"offers": n, **made_up}).json()["id"] for n in (5_001, 10)]
    event = {**EVENT, "settings": {"whole_lots": False}}
    asked = {"event": event, "snapshot": ids[0], "as_of": AS_OF, "explain": "none"}
    content = local.post("/v1/plans", json=asked).content
    assert json.loads(content)["problem"]["offers"] is None
    refused = brought(local, content).json()["faults"][0]
    assert (refused["code"], refused["path"]) == ("offers_needed", "snapshot") and "--offers" not in refused["message"]
    assert brought(local, content, snapshot=ids[0]).json()["holds"] is True
    assert brought(local, content, snapshot=ids[1]).json()["holds"] is False
    small = planned(local).content
    other_offers = brought(local, small, snapshot=ids[1]).json()["faults"][0]
    assert (other_offers["code"], other_offers["path"]) == ("other_offers", "snapshot")
    assert brought(local, small, snapshot="0" * 64).status_code == 404


SAID = [
    {},
    {"as_of": None, "explain": "all"},
    {"as_of": "2026-03-01", "explain": "none", "time_limit": 30.5},
    {"time_limit": 20, "epsilon": "0.02", "budget": "1000000"},
]


@pytest.mark.parametrize("said", SAID)
def test_inputs_that_were_kept_unread_and_read_are_the_same_task(local, said):
    body, noted = json.dumps(QUESTION | said).encode(), date(2026, 2, 3)
    asked = Asked(body, "en", noted, 60.0)
    task = replace(plain_task(question_of(asked), "en", noted), seconds_max=60.0)
    for kept in (inputs_standing(body, "en", noted), inputs_of(body, task)):
        assert task_of_inputs(kept, "", 60.0) == task
    assert local.post(f"{planned(local, **said).headers['location']}/replay").json()["same"] is True


def test_the_same_key_gets_the_same_reply_and_one_run(local):
    first, again = (local.post("/v1/plans", json=QUESTION, headers={"Idempotency-Key": "k1"}) for _ in range(2))
    assert first.content == again.content and first.headers["location"] == again.headers["location"]
    assert "idempotency-replayed" not in first.headers and again.headers["idempotency-replayed"] == "true"
    assert len(local.get("/v1/plans").json()["items"]) == 1
    looked_up = local.get("/v1/replies/k1").json()
    assert looked_up["reply"] == first.json() and looked_up["status"] == 201


def test_a_key_that_came_with_another_request_is_refused(local):
    local.post("/v1/plans", json=QUESTION, headers={"Idempotency-Key": "k1"})
    answer = local.post("/v1/plans", json=QUESTION | {"budget": "1000"}, headers={"Idempotency-Key": "k1"})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:jinheng:problem:key_reused")


def test_every_fault_of_a_question_is_told_at_once_with_its_place(local):
    broken = {"event": {**EVENT, "end_date": "soon", "emissions": {"tonnes": -1, "status": "verified"}}}
    answer = local.post("/v1/plans", json={**broken, "offers": [{"offer_id": "A"}], "budget": "-5", "epsilon": "x"})
    assert answer.status_code == 422 and answer.headers["content-type"] == "application/problem+json"
    paths = {f.get("path") or f.get("column") for f in answer.json()["faults"]}
    assert {"event.end_date", "event.emissions.tonnes", "budget", "epsilon", "price", "quantity"} <= paths


def test_problems_speak_the_callers_language(local):
    zh = local.post("/v1/plans", json={}, headers={"accept-language": "zh-CN, en;q=0.5"}).json()
    en = local.post("/v1/plans?lang=en", json={}).json()
    assert zh["title"] == "输入有误" and en["title"] == "The input has faults"
    assert len(zh["faults"]) == len(en["faults"]) == 2


def test_numbers_are_read_exactly_and_a_key_that_stands_twice_is_a_fault(local):
    body = json.dumps(QUESTION).replace('"1000.5"', "1000.123")
    exact = local.post("/v1/plans", content=body, headers={"content-type": "application/json"})
    assert exact.json()["totals"]["required_t"] == "1000.123"
    twice = local.post("/v1/plans", content='{"event": 1, "event": 2}', headers={"content-type": "application/json"})
    assert twice.status_code == 400 and twice.json()["faults"][0]["code"] == "key_twice"


@pytest.mark.parametrize("missing", [{"event": EVENT}, {"offers": OFFERS}, {**QUESTION, "event_id": "x"}])
def test_an_event_and_a_market_are_each_given_once(local, missing):
    answer = local.post("/v1/plans", json=missing)
    assert answer.status_code == 422 and answer.json()["faults"][0]["code"] == "one_of"


def test_kept_events_and_snapshots_are_planned_by_name(local):
    assert local.put("/v1/events/small-event", json=EVENT).headers["etag"] == '"v1"'
    snapshot = local.post("/v1/snapshots", json={"offers": OFFERS}).json()["id"]
    named = {"event_id": "small-event", "snapshot": snapshot[:12], "as_of": AS_OF}
    answer = local.post("/v1/plans", json=named)
    assert answer.status_code == 201 and answer.json()["totals"]["cost"] == "74575.00"
    assert local.post(f"{answer.headers['location']}/replay").json()["same"] is True


def test_an_event_changes_only_from_the_version_that_was_read(local):
    local.put("/v1/events/small-event", json=EVENT)
    changed = {**EVENT, "name": "another"}
    assert local.put("/v1/events/small-event", json=changed, headers={"If-Match": '"v1"'}).json()["version"] == 2
    assert local.put("/v1/events/small-event", json=EVENT, headers={"If-Match": '"v1"'}).status_code == 412
    assert [v["version"] for v in local.get("/v1/events/small-event/versions").json()["items"]] == [2, 1]


def test_pages_of_a_list_hold_every_row_once(local):
    for k in range(5):
        local.put(f"/v1/events/e{k}", json={**EVENT, "id": f"e{k}"})
    seen, cursor = [], None
    while True:
        page = local.get("/v1/events", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [e["id"] for e in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [f"e{k}" for k in (4, 3, 2, 1, 0)]


def test_what_has_not_changed_is_not_sent_again(local):
    where = planned(local).headers["location"]
    etag = local.get(where).headers["etag"]
    again = local.get(where, headers={"If-None-Match": etag})
    assert again.status_code == 304 and not again.content


def test_two_organisations_with_the_same_market_see_only_their_own_names_for_it(mine, other):
    for owner, name in ((mine, "secret-of-mine.csv"), (other, "theirs.csv")):
        content = b"offer_id,instrument,mechanism,quantity,price\nCEA-1,allowance,CEA,5000,0\n"
        where = f"/v1/snapshots/files?name={name}"
        kept = owner.organiser.post(where, content=content, headers={"content-type": "text/csv"})
        assert kept.status_code == 201 and kept.json()["warnings"][0]["file"] == name
    snapshot = kept.json()["id"]
    answer = other.organiser.post("/v1/plans", json={"event": EVENT, "snapshot": snapshot, "as_of": AS_OF})
    assert answer.status_code == 201 and "secret-of-mine" not in answer.text and "theirs.csv" in answer.text
    assert "secret-of-mine" not in other.organiser.get(f"/v1/snapshots/{snapshot}").text


def test_a_time_limit_beyond_the_services_own_is_refused(local):
    answer = local.post("/v1/plans", json=QUESTION | {"time_limit": 3600})
    assert answer.status_code == 422 and answer.json()["faults"][0]["path"] == "time_limit"
