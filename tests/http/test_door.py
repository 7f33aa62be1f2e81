"""How callers come in: sessions and their cookies, pages elsewhere, this machine, and the pace of requests."""

from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from api.door import COOKIE, SIGN_IN_TRIES, Pace
from tests.http.conftest import PASSWORD, application, client_of, new_organisation, settings_for

ADMIN = {"login": "admin", "name": "管理员", "roles": ["administrator"], "password": PASSWORD}
SIGN_IN = {"login": "admin", "password": PASSWORD}


@pytest.fixture(params=["sqlite"])
def store_address(request, tmp_path) -> str:
    """The door stands before the database: one kind of it will do."""
    return f"sqlite:///{tmp_path / 'door.db'}"


@pytest.fixture
def administered(app, local):
    """The service with one administrator; gives a caller who has not signed in."""
    assert local.post("/v1/users", json=ADMIN).status_code == 201
    return client_of(app)


def kind(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


# ------------------------------------------------------------------------------------------------------------ sessions


def test_a_session_cookie_is_out_of_reach_of_scripts_and_other_sites(administered):
    answer = administered.post("/v1/session", json=SIGN_IN)
    assert answer.status_code == 201 and answer.json()["way"] == "session"
    cookie = answer.headers["set-cookie"].lower()
    assert {"httponly", "samesite=lax", "path=/", "max-age=43200"} <= {p.strip() for p in cookie.split(";")}
    assert "domain=" not in cookie and "secure" not in cookie
    assert answer.headers["cache-control"] == "no-store"
    assert administered.cookies[COOKIE] not in answer.text


def test_a_cookie_is_only_for_https_where_that_is_set_or_used(app, administered, tmp_path):
    over_tls = client_of(app, base_url="https://127.0.0.1")
    assert "secure" in over_tls.post("/v1/session", json=SIGN_IN).headers["set-cookie"].lower()
    strict = application(settings_for(f"sqlite:///{tmp_path / 'door.db'}", secure_cookies=True))
    with TestClient(strict):
        assert "Secure" in client_of(strict).post("/v1/session", json=SIGN_IN).headers["set-cookie"]


def test_signing_out_ends_the_session_and_not_only_the_cookie(app, administered):
    administered.post("/v1/session", json=SIGN_IN)
    token = administered.cookies[COOKIE]
    assert administered.get("/v1/me").status_code == 200
    out = administered.delete("/v1/session")
    assert out.status_code == 204 and 'jinheng_session=""' in out.headers["set-cookie"]
    stolen = client_of(app)
    stolen.cookies.set(COOKIE, token)
    assert kind(stolen.get("/v1/me")) == (401, "unauthenticated")


def test_whoever_does_not_match_is_told_the_same(administered):
    wrong = [
        {"login": "admin", "password": "x" * 12},
        {"login": "nobody", "password": PASSWORD},
        {"login": "a\x00b", "password": "\x00"},
    ]
    answers = [administered.post("/v1/session", json=w) for w in wrong]
    assert {kind(a) for a in answers} == {(401, "unauthenticated")}
    assert len({a.json()["detail"] for a in answers}) == 1
    assert COOKIE not in administered.cookies


def test_tries_of_a_login_are_slowed_down_whether_or_not_it_exists(administered):
    for login in ("admin", "nobody"):
        tries = [
            administered.post("/v1/session", json={"login": login, "password": "x"}) for _ in range(SIGN_IN_TRIES + 1)
        ]
        assert [a.status_code for a in tries] == [401] * SIGN_IN_TRIES + [429]
        assert 1 <= int(tries[-1].headers["retry-after"]) <= 31
    assert kind(administered.post("/v1/session", json=SIGN_IN)) == (429, "too_many"), "nor by the right password"


# ------------------------------------------------------------------------------------------------------ pages elsewhere


ELSEWHERE = [
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://127.0.0.1:1"},
    {"origin": "https://127.0.0.1"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1"},
]
OURS: list[dict[str, str]] = [
    {},
    {"origin": "http://127.0.0.1", "sec-fetch-site": "same-origin"},
    {"sec-fetch-site": "none"},
]
NAME = {"name": "新名"}


def test_a_page_elsewhere_changes_nothing_by_a_users_cookie(administered):
    administered.post("/v1/session", json=SIGN_IN)
    for headers in ELSEWHERE:
        assert kind(administered.patch("/v1/organisation", json=NAME, headers=headers)) == (403, "cross_site")
    assert administered.get("/v1/organisation").json()["name"] == "local"
    for headers in OURS:
        assert administered.patch("/v1/organisation", json=NAME, headers=headers).status_code == 200


def test_a_page_elsewhere_neither_signs_in_nor_uses_this_machine_before_anybody_administers(local):
    for headers in ELSEWHERE:
        assert kind(local.post("/v1/users", json=ADMIN, headers=headers)) == (403, "cross_site")
        assert kind(local.post("/v1/session", json=SIGN_IN, headers=headers)) == (403, "cross_site")
    assert local.get("/v1/users").json()["items"] == []


def test_a_key_comes_from_anywhere_for_no_browser_sends_it_by_itself(app, administered):
    administered.post("/v1/session", json=SIGN_IN)
    token = administered.post("/v1/keys", json={"name": "k", "roles": ["administrator"]}).json()["token"]
    far = client_of(app, token, base_url="https://jinheng.example", client=("203.0.113.7", 1234))
    for headers in (*ELSEWHERE, *OURS):
        assert far.patch("/v1/organisation", json=NAME, headers=headers).status_code == 200


# -------------------------------------------------------------------------------------------------------- this machine


def test_a_name_elsewhere_that_leads_here_is_not_this_machine(local):
    """DNS rebinding: the page's own name points at 127.0.0.1, and the browser takes the answer for the page's own."""
    for host in ("evil.example", "127.0.0.1.evil.example", "evil.example:8000", "", "[", "10.0.0.1"):
        assert kind(local.get("/v1/me", headers={"host": host})) == (401, "unauthenticated"), host


def test_this_machine_has_a_few_names(local):
    for host in ("127.0.0.1:8000", "localhost", "LOCALHOST:1", "[::1]:8000"):
        assert local.get("/v1/me", headers={"host": host}).json()["way"] == "local", host


def test_behind_a_proxy_nobody_is_this_machine(local):
    for header in ("x-forwarded-for", "forwarded", "x-real-ip", "via"):
        assert kind(local.get("/v1/me", headers={header: "127.0.0.1"})) == (401, "unauthenticated"), header


def test_an_address_elsewhere_is_not_this_machine_whatever_it_says_of_itself(app):
    far = client_of(app, client=("192.168.1.7", 40_000))
    assert kind(far.get("/v1/me")) == (401, "unauthenticated")
    assert kind(far.post("/v1/users", json=ADMIN)) == (401, "unauthenticated")


def test_a_header_that_names_nobody_is_not_passed_over_for_this_machine(local):
    for given in ("Bearer", "Bearer ", "Bearer jh_x", "Basic YTpi", "", "Token x"):
        assert kind(local.get("/v1/me", headers={"authorization": given})) == (401, "unauthenticated")


# ---------------------------------------------------------------------------------------------------------------- pace


def test_each_caller_has_a_pace_of_their_own(tmp_path):
    app = application(settings_for(f"sqlite:///{tmp_path / 'pace.db'}", rate_per_second=1, rate_burst=5))
    with TestClient(app):
        org = new_organisation(app, "mine")
        statuses = [a.status_code for a in _until_refused(org.broker)]
        assert statuses[:5] == [200] * 5 and statuses[-1] == 429
        *_, refused = _until_refused(org.broker)
        assert kind(refused) == (429, "too_many") and refused.headers["retry-after"] in ("1", "2")
        assert org.finance.get("/v1/me").status_code == 200, "another key is another caller"
        strangers = [a.status_code for a in _until_refused(client_of(app))]
        assert strangers[:5] == [401] * 5 and strangers[-1] == 429


def _until_refused(client: TestClient) -> list[httpx2.Response]:
    """Answers up to the first that says too many, of a hundred requests: a slow machine is paced later."""
    answers = [client.get("/v1/me")]
    while answers[-1].status_code != 429 and len(answers) < 100:
        answers.append(client.get("/v1/me"))
    return answers


def test_a_pace_is_a_bucket_of_tokens(monkeypatch):
    """Two at once and one a second: at 0 s two pass, the third waits 1 s; at 0.5 s half; at 1 s it passes."""
    clock = [100.0]
    monkeypatch.setattr("api.door.time.monotonic", lambda: clock[0])
    pace = Pace(1.0, 2)
    assert [pace.wait("a") for _ in range(3)] == [0.0, 0.0, 1.0]
    assert pace.wait("b") == 0.0
    clock[0] += 0.5
    assert pace.wait("a") == 0.5, "being refused costs nothing"
    clock[0] += 0.5
    assert [pace.wait("a"), pace.wait("a")] == [0.0, 1.0]
    clock[0] += 1000
    assert [pace.wait("a") for _ in range(3)] == [0.0, 0.0, 1.0], "no more than the burst is saved up"


# -------------------------------------------------------------------------------------------------------- every answer


def test_every_answer_is_kept_from_being_framed_sniffed_or_read_elsewhere(local):
    for answer in (local.get("/v1/me"), local.get("/nowhere"), local.post("/v1/plans", json={})):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "access-control-allow-origin" not in answer.headers
        assert answer.headers["x-request-id"]


def test_an_address_says_which_methods_it_takes(local):
    answer = local.delete("/v1/plans")
    assert kind(answer) == (405, "method_not_allowed") and answer.headers["allow"] == "GET, POST"


def test_what_no_database_can_hold_is_not_there_and_not_our_fault(local):
    assert kind(local.get("/v1/events/a%00b")) == (404, "not_found")
    assert kind(local.get("/v1/events", params={"cursor": "a\x00b"})) == (422, "bad_input")
