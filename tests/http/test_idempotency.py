"""A request with an Idempotency-Key is worked on once, whoever sends it how often, and whatever dies in between.

And ETags: what has not changed is not sent again, and nobody overwrites what they have not read.
"""

import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from api.archive.replies import KEY_LENGTH_MAX
from tests.forking import Process, process
from tests.http.conftest import (
    EVENT,
    OFFERS,
    QUESTION,
    application,
    caller,
    child_environment,
    client_of,
    free_port,
    settings_for,
)

KEY = {"Idempotency-Key": "the-same"}
ORGANISATION, USERS = "/v1/organisation", "/v1/users"


def new_user(login: str) -> dict[str, Any]:
    return {"login": login, "name": "张三", "roles": ["organiser"]}


def logins(client: Any) -> list[str]:
    return [user["login"] for user in client.get(USERS, params={"limit": 500}).json()["items"]]


# --------------------------------------------------------------------------------------------------------------- once


def test_eight_at_once_do_the_work_once_and_all_get_the_one_reply(app, mine):
    """Eight threads, ten keys: each key's user is made once, seven of each eight replies are the kept one."""
    token = mine.administrator.headers["authorization"].removeprefix("Bearer ")

    def send(k: int) -> Any:
        key = {"Idempotency-Key": f"user-{k % 10}"}
        return client_of(app, token).post(USERS, json=new_user(f"user-{k % 10}"), headers=key)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(80)))
    assert {a.status_code for a in answers} == {201}
    for k in range(10):
        same = answers[k::10]
        assert len({(a.content, a.headers["location"]) for a in same}) == 1
        assert sum("idempotency-replayed" not in a.headers for a in same) == 1
    assert sorted(x for x in logins(mine.administrator) if "@" not in x) == [f"user-{k}" for k in range(10)]


def test_a_plan_that_is_asked_for_at_once_is_one_run(app, mine):
    def send(_: int) -> Any:
        token = mine.organiser.headers["authorization"].removeprefix("Bearer ")
        return client_of(app, token).post("/v1/plans", json=QUESTION, headers=KEY)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))
    assert {a.status_code for a in answers} == {201} and len({a.content for a in answers}) == 1
    assert len(mine.organiser.get("/v1/plans").json()["items"]) == 1


def test_the_key_of_another_organisation_is_another_key(mine, other):
    names = [
        org.administrator.patch(ORGANISATION, json={"name": n}, headers=KEY) for org, n in ((mine, "甲"), (other, "乙"))
    ]
    assert [a.json()["name"] for a in names] == ["甲", "乙"]
    assert [a.headers.get("idempotency-replayed") for a in names] == [None, None]
    assert mine.administrator.get("/v1/replies/the-same").json()["reply"]["name"] == "甲"


SQLITE = pytest.mark.parametrize("store_address", ["sqlite"], indirect=True)
"""For what is decided alike whatever the database."""


@SQLITE
def test_a_key_is_for_one_request_of_one_user(mine):
    """Another body, address, method, query or user under it is refused and does nothing."""
    event = {**EVENT, "id": "a"}
    mine.organiser.put("/v1/events/a", json=event, headers=KEY)
    others = [
        mine.organiser.put("/v1/events/a", json={**event, "name": "另一个"}, headers=KEY),
        mine.organiser.put("/v1/events/b", json={**event, "id": "b"}, headers=KEY),
        mine.organiser.post("/v1/snapshots", json={"offers": OFFERS}, headers=KEY),
        mine.organiser.put("/v1/events/a?lang=zh", json=event, headers=KEY),
        mine.broker.put("/v1/events/a", json=event, headers=KEY),
    ]
    assert {(a.status_code, a.json()["type"]) for a in others} == {(422, "urn:jinheng:problem:key_reused")}
    assert [e["id"] for e in mine.organiser.get("/v1/events").json()["items"]] == ["a"]


def test_a_request_that_failed_keeps_nothing_and_may_be_mended(mine):
    wrong = mine.administrator.post(USERS, json=new_user("x"), headers=KEY)
    assert wrong.status_code == 422
    assert mine.administrator.get("/v1/replies/the-same").status_code == 404
    right = mine.administrator.post(USERS, json=new_user("long-enough"), headers=KEY)
    assert right.status_code == 201 and "idempotency-replayed" not in right.headers


def test_put_patch_and_delete_are_replayed_too(mine):
    first = mine.organiser.put("/v1/events/small-event", json=EVENT, headers={"Idempotency-Key": "put"})
    mine.organiser.put("/v1/events/small-event", json={**EVENT, "name": "later"})
    again = mine.organiser.put("/v1/events/small-event", json=EVENT, headers={"Idempotency-Key": "put"})
    assert again.content == first.content and again.headers["etag"] == first.headers["etag"] == '"v1"'
    assert mine.organiser.get("/v1/events/small-event").json()["version"] == 2, "a replay changes nothing"
    key_id = mine.administrator.post("/v1/keys", json={"name": "k", "roles": ["auditor"]}).json()["id"]
    for method, path, body in (("DELETE", f"/v1/keys/{key_id}", None), ("PATCH", ORGANISATION, {"name": "新名"})):
        sent = {"json": body} if body else {}
        pair = [mine.administrator.request(method, path, headers={"Idempotency-Key": method}, **sent) for _ in range(2)]
        assert pair[0].content == pair[1].content and pair[1].headers["idempotency-replayed"] == "true"


@SQLITE
def test_what_is_no_key_is_refused_before_anything_is_done(local):
    for key in ("", " ", "two words", "ü", "x" * (KEY_LENGTH_MAX + 1), "a\tb"):
        answer = local.patch(ORGANISATION, json={"name": "新名"}, headers={"Idempotency-Key": key.encode("latin-1")})
        assert answer.status_code == 422 and answer.json()["faults"][0]["path"] == "Idempotency-Key"
    assert local.get(ORGANISATION).json()["name"] == "local"


@SQLITE
def test_requests_that_hold_a_secret_take_no_key(app, local):
    """Neither their replies nor fingerprints of them may be kept: a hash of a guessable password is a leak."""
    new = {**new_user("admin"), "roles": ["administrator"], "password": "correct horse battery"}
    assert local.post(USERS, json=new, headers=KEY).json()["faults"][0]["code"] == "no_idempotency"
    assert local.post(USERS, json=new).status_code == 201


@SQLITE
def test_a_reply_is_read_by_who_asked_and_by_administrators(mine):
    mine.organiser.put("/v1/events/small-event", json=EVENT, headers=KEY)
    readers = {role: mine.callers[role].get("/v1/replies/the-same").status_code for role in mine.callers}
    assert readers == {"organiser": 200, "administrator": 200, "finance": 404, "broker": 404, "auditor": 404}


# ------------------------------------------------------------------------------------------------- what dies in between


def test_a_reply_outlives_the_application(store_address):
    """The same database under another application."""
    answers = []
    for _ in range(2):
        app = application(settings_for(store_address))
        with TestClient(app):
            answers.append(client_of(app).put("/v1/events/small-event", json=EVENT, headers=KEY))
    assert answers[0].content == answers[1].content
    assert answers[1].headers["idempotency-replayed"] == "true"


DYING = """
import os, signal, sys
from api.routes import answering
plain = answering.response_of
def die(reply, *, replayed=False):
    os.kill(os.getpid(), signal.SIGKILL)
answering.response_of = die
from api.cli import main
sys.argv = ["jinheng", "serve", "--port", sys.argv[1], "--database", sys.argv[2]]
main()
"""
"""A server that dies behind the commit and before the answer: where a caller knows least."""


def test_what_was_committed_before_a_kill_is_answered_after_it(store_address):
    """The work is done, the answer never came: sent again, the request gets the reply that it would have got."""
    port = free_port()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = process("-c", DYING, str(port), store_address, env=child_environment(), **quiet)
    try:
        with caller(f"http://127.0.0.1:{port}") as client:
            wait_for(client, server)
            with pytest.raises(httpx2.TransportError):
                client.put("/v1/events/small-event", json=EVENT, headers=KEY)
        assert server.wait(30) == -signal.SIGKILL
    finally:
        server.kill()
        server.wait()
    app = application(settings_for(store_address))
    with TestClient(app):
        client = client_of(app)
        again = client.put("/v1/events/small-event", json=EVENT, headers=KEY)
        assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true")
        assert again.json()["version"] == 1
        assert len(client.get("/v1/events/small-event/versions").json()["items"]) == 1


def wait_for(client: Any, server: Process) -> None:
    """Until the server takes connections."""
    for _ in range(1200):
        assert server.poll() is None, "the server did not start"
        try:
            client.get("/v1/session")
            return
        except httpx2.ConnectError:
            time.sleep(0.05)
    raise AssertionError("the server does not answer")


# -------------------------------------------------------------------------------------------------------------- ETags


@SQLITE
def test_what_the_caller_has_is_not_sent_again_until_it_changes(mine):
    caller = mine.administrator
    for path in ("/v1/me", "/v1/organisation", "/v1/policies", "/v1/keys", "/v1/plans"):
        etag = caller.get(path).headers["etag"]
        for tag in (etag, f'"other", {etag}', f"W/{etag}", "*"):
            again = caller.get(path, headers={"If-None-Match": tag})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
        assert caller.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


@SQLITE
def test_an_etag_differs_by_language_where_the_answer_does(mine):
    odd = [*OFFERS, {**OFFERS[1], "offer_id": "dear", "price": "999999"}]
    where = mine.broker.post("/v1/snapshots", json={"offers": odd}).headers["location"]
    zh, en = (mine.broker.get(where, headers={"accept-language": lang}) for lang in ("zh", "en"))
    assert zh.json()["warnings"] and zh.headers["etag"] != en.headers["etag"]
    assert "Accept-Language" in zh.headers["vary"]


def test_a_user_or_organisation_changes_only_from_what_was_read(mine):
    caller = mine.administrator
    made = caller.post(USERS, json=new_user("somebody")).headers["location"]
    for path, change in ((made, {"name": "李四"}), (ORGANISATION, {"name": "新名"})):
        read = caller.get(path).headers["etag"]
        assert caller.patch(path, json=change, headers={"If-Match": read}).status_code == 200
        late = caller.patch(path, json={"name": "later"}, headers={"If-Match": read})
        assert (late.status_code, late.json()["type"]) == (412, "urn:jinheng:problem:stale")
        assert caller.get(path).json()["name"] == change["name"]
        assert caller.patch(path, json=change, headers={"If-Match": "*"}).status_code == 200


def test_of_two_who_change_the_same_version_one_is_told(app, mine):
    mine.organiser.put("/v1/events/small-event", json=EVENT)
    token = mine.organiser.headers["authorization"].removeprefix("Bearer ")

    def change(k: int) -> int:
        event = {**EVENT, "name": f"版本 {k}"}
        return int(
            client_of(app, token).put("/v1/events/small-event", json=event, headers={"If-Match": '"v1"'}).status_code
        )

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(change, range(4)))
    assert statuses == [200, 412, 412, 412]
    assert mine.organiser.get("/v1/events/small-event").json()["version"] == 2
