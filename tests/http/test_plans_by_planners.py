"""Plans that a process of their own makes and keeps, while the caller may still be at the door."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from api.door import Door
from api.refusals import Refused
from tests.http.conftest import EVENT, QUESTION, application, new_organisation, settings_for


class Served:
    """The service with one process that makes plans, which belongs to one event loop: all callers come through it."""

    def __init__(self, app: FastAPI, client: TestClient) -> None:
        self.app, self.client = app, client

    def get(self, path: str, key: str = "", **more):
        return self.client.get(path, headers=self._headers(key), **more)

    def post(self, path: str, key: str = "", headers: dict[str, str] | None = None, **more):
        return self.client.post(path, headers=self._headers(key) | (headers or {}), **more)

    def delete(self, path: str, key: str = ""):
        return self.client.delete(path, headers=self._headers(key))

    def _headers(self, key: str) -> dict[str, str]:
        return {"accept-language": "en", **({"authorization": key} if key else {})}


@contextmanager
def serving(address: str) -> Iterator[Served]:
    app = application(settings_for(address, planners=1))
    with TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 50_000)) as client:
        yield Served(app, client)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One for these tests: starting a process that makes plans takes seconds."""
    with serving(f"sqlite:///{tmp_path_factory.mktemp('planners') / 'a.db'}") as made:
        yield made


@pytest.fixture
def keys(served: Served, request: pytest.FixtureRequest) -> dict[str, str]:
    return keys_of(served, request.node.name)


def keys_of(served: Served, name: str) -> dict[str, str]:
    """Each role's key in a new organisation."""
    org = new_organisation(served.app, name)
    return {role: caller.headers["authorization"] for role, caller in org.callers.items()}


def planner_of() -> int:
    """The process that makes plans for this one."""
    children = " ".join(p.read_text() for p in Path("/proc/self/task").glob("*/children")).split()
    (found,) = [int(p) for p in children if b"spawn_main" in Path(f"/proc/{p}/cmdline").read_bytes()]
    return found


def test_a_plan_that_a_planner_kept_is_the_one_that_was_told_and_stands_in_the_trail_once(migrated_address):
    with serving(migrated_address) as served:
        kept_as_told(served, keys_of(served, "mine"))


def kept_as_told(served: Served, keys: dict[str, str]) -> None:
    # From the second on the caller is expected, and the plan is begun while they are at the door.
    answers = [served.post("/v1/plans", keys["organiser"], json=QUESTION) for _ in range(3)]
    assert [a.status_code for a in answers] == [201] * 3
    assert len({a.headers["location"] for a in answers}) == 3
    for answer in answers:
        assert served.get(answer.headers["location"], keys["organiser"]).content == answer.content
    entries = [e for e in served.get("/v1/audit", keys["auditor"]).json()["items"] if e["action"] == "plan.make"]
    assert len(entries) == 3 and {e["request_id"] for e in entries} == {a.headers["x-request-id"] for a in answers}
    assert served.get("/v1/audit/verify", keys["auditor"]).json()["holds"] is True


def test_a_key_that_ends_between_two_plans_gets_none_and_leaves_none(served, keys):
    assert served.post("/v1/plans", keys["organiser"], json=QUESTION).status_code == 201  # now it is expected
    (row,) = served.get("/v1/keys", keys["organiser"]).json()["items"]
    assert served.delete(f"/v1/keys/{row['id']}", keys["administrator"]).status_code < 300
    assert served.post("/v1/plans", keys["organiser"], json=QUESTION).status_code == 401
    # Expected, since the key is good, and not allowed to plan.
    assert [served.post("/v1/plans", keys["auditor"], json=QUESTION).status_code for _ in range(2)] == [403, 403]
    # The process that began in vain takes the next question.
    assert served.post("/v1/plans", keys["administrator"], json=QUESTION).status_code == 201
    assert len(served.get("/v1/plans", keys["administrator"]).json()["items"]) == 2


def test_faults_of_a_question_leave_the_planner_ready_for_the_next(served, keys):
    for _ in range(2):
        answer = served.post("/v1/plans", keys["organiser"], json={**QUESTION, "budget": "-5"})
        assert (answer.status_code, answer.json()["faults"][0]["path"]) == (422, "budget")
        assert served.post("/v1/plans", keys["organiser"], json=QUESTION).status_code == 201
    for content, kind, status in ((b"{", "application/json", 400), (b"x", "text/plain", 415)):
        answer = served.post("/v1/plans", keys["organiser"], content=content, headers={"content-type": kind})
        assert answer.status_code == status
    assert len(served.get("/v1/plans", keys["organiser"]).json()["items"]) == 2


def test_a_type_that_is_written_otherwise_gives_the_same_plan(served, keys):
    body = json.dumps(QUESTION)
    answers = [
        served.post("/v1/plans", keys["organiser"], content=body, headers={"content-type": kind})
        for kind in ("application/json", "application/json; charset=utf-8", "Application/JSON", "application/x+json")
    ]
    assert [a.status_code for a in answers] == [201] * 4 and len({a.content for a in answers}) == 1
    for kind in ("application/json", "application/json; charset=utf-8"):
        empty = served.post("/v1/plans", keys["organiser"], content=b"", headers={"content-type": kind})
        assert (empty.status_code, empty.json()["faults"][0]["code"]) == (422, "missing")


def test_an_own_rule_pack_under_a_key_that_is_written_in_another_way_is_found(served, keys):
    shipped = served.get("/v1/policies/shanxi-2022", keys["administrator"]).json()["pack"]
    assert served.post("/v1/policies", keys["administrator"], json={**shipped, "id": "own-pack"}).status_code == 201
    own = json.dumps({**QUESTION, "event": {**EVENT, "policy": "own-pack"}})
    for body in (own, own.replace('"policy"', '"p\\u006flicy"')):
        answer = served.post("/v1/plans", keys["organiser"], content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 201, answer.text
        assert json.loads(answer.content)["policy"]["id"] == "own-pack"


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the process by /proc")
def test_a_planner_that_dies_is_an_answer_and_another_takes_its_place(served, keys):
    assert served.post("/v1/plans", keys["organiser"], json=QUESTION).status_code == 201
    planner = planner_of()
    os.kill(planner, signal.SIGSTOP)
    killer = threading.Timer(0.5, os.kill, (planner, signal.SIGKILL))
    killer.start()
    answer = served.post("/v1/plans", keys["organiser"], json=QUESTION)
    killer.join()
    assert (answer.status_code, answer.headers.get("retry-after")) == (503, "1")
    assert served.post("/v1/plans", keys["organiser"], json=QUESTION).status_code == 201
    assert len(served.get("/v1/plans", keys["organiser"]).json()["items"]) == 2


def test_who_came_in_is_expected_and_who_was_refused_is_not(served, keys):
    door: Door = served.app.state.door
    good, unknown = request_with(served.app, keys["organiser"]), request_with(served.app, "Bearer jh_unknown")
    assert not door.expects(good)
    door.enter(good)
    assert door.expects(good)
    with pytest.raises(Refused):
        door.enter(unknown)
    assert not door.expects(unknown)
    (row,) = served.get("/v1/keys", keys["organiser"]).json()["items"]
    served.delete(f"/v1/keys/{row['id']}", keys["administrator"])
    with pytest.raises(Refused):
        door.enter(good)
    assert not door.expects(good)


def request_with(app, authorization: str) -> Request:
    headers = [(b"authorization", authorization.encode()), (b"host", b"127.0.0.1")]
    scope = {"type": "http", "method": "POST", "path": "/v1/plans", "headers": headers, "query_string": b""}
    return Request({**scope, "client": ("127.0.0.1", 50_000), "state": {}, "app": app})
