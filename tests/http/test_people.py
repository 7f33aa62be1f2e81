"""Organisations, users, keys and passwords over HTTP: who administers, what a key may, and where no secret is left."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from api.access.scope import moment
from api.access.secrets import PASSWORD_LENGTH_MAX, hash_of_nobody, password_hash, password_matches, token_hash
from api.database import tables
from market_data.store_tables import time_text
from tests.forking import run
from tests.http.conftest import PASSWORD, client_of

SQLITE = pytest.mark.parametrize("store_address", ["sqlite"], indirect=True)
"""For what is decided alike whatever the database."""
ADMIN = {"login": "Admin@example.cn", "name": "管理员", "roles": ["administrator"], "password": PASSWORD}


def problem(answer: Any) -> tuple[int, str, list[str]]:
    """Status, kind, and the codes of the faults."""
    document = answer.json()
    return answer.status_code, document["type"].rpartition(":")[2], [f["code"] for f in document.get("faults", [])]


def made(answer: Any) -> Any:
    assert answer.status_code == 201, answer.text
    return answer.json()


def signed_in(app: Any, login: str = "admin@example.cn", password: str = PASSWORD) -> Any:
    client = client_of(app)
    made(client.post("/v1/session", json={"login": login, "password": password}))
    return client


# --------------------------------------------------------------------------------------------- the first administrator


def test_the_first_administrator_closes_the_service_to_whoever_does_not_sign_in(app, local):
    assert local.get("/v1/me").json()["way"] == "local"
    local.put(
        "/v1/events/e", json={"id": "e", "end_date": "2026-10-11", "emissions": {"tonnes": "5", "status": "verified"}}
    )
    made(local.post("/v1/users", json=ADMIN))
    assert problem(local.get("/v1/me"))[:2] == (401, "unauthenticated")
    admin = signed_in(app)
    assert admin.get("/v1/me").json()["way"] == "session"
    assert admin.get("/v1/events/e").status_code == 200, "what was kept before is the organisation's"


@SQLITE
def test_the_first_user_is_an_administrator_with_a_password(local):
    for wrong in ({"roles": ["broker"]}, {"password": None}):
        assert problem(local.post("/v1/users", json=ADMIN | wrong))[2] == ["first_administrator"]
    assert problem(local.post("/v1/keys", json={"name": "k", "roles": ["administrator"]}))[1:] == (
        "conflict",
        ["no_user"],
    )


@SQLITE
def test_an_organisation_keeps_an_administrator(mine):
    caller = mine.administrator
    own = f"/v1/users/{caller.get('/v1/me').json()['user']}"
    for change in ({"disabled": True}, {"roles": ["auditor"]}):
        assert problem(caller.patch(own, json=change)) == (409, "conflict", ["last_administrator"])
    assert caller.get(own).json()["roles"] == ["administrator"] and not caller.get(own).json()["disabled"]


def test_two_administrators_cannot_take_the_role_from_each_other_in_one_moment(app, mine):
    second = made(
        mine.administrator.post("/v1/users", json={"login": "second", "name": "b", "roles": ["administrator"]})
    )
    own = mine.administrator.get("/v1/me").json()["user"]
    token = mine.administrator.headers["authorization"].removeprefix("Bearer ")

    def demote(user: str) -> int:
        return int(client_of(app, token).patch(f"/v1/users/{user}", json={"roles": ["auditor"]}).status_code)

    with ThreadPoolExecutor(2) as pool:
        statuses = list(pool.map(demote, [second["id"], own]))
    with app.state.records.database.reading() as c:
        left = [u for u in c.execute(select(tables.users).where(tables.users.c.organisation_id == mine.id)).mappings()]
    assert sum("administrator" in json.loads(u["roles"]) for u in left) == 1
    assert statuses.count(200) == 1 and 503 not in statuses


# --------------------------------------------------------------------------------------------------------------- users


def test_every_fault_of_a_user_is_told_at_once_and_the_password_is_not_repeated(mine):
    wrong = {"login": "ü", "name": " ", "roles": ["boss"], "password": "geheim"}
    answer = mine.administrator.post("/v1/users", json=wrong)
    assert {f["path"] for f in answer.json()["faults"]} == {"login", "name", "roles[0]", "password"}
    assert "geheim" not in answer.text
    number = mine.administrator.post("/v1/users", json=wrong | {"password": 123456789012})
    assert number.status_code == 422 and "123456789012" not in number.text


def test_a_login_is_one_users_across_organisations_whatever_its_case(mine, other):
    user = {"login": "Wang@example.cn", "name": "王", "roles": ["finance"]}
    assert made(mine.administrator.post("/v1/users", json=user))["login"] == "wang@example.cn"
    for org in (mine, other):
        answer = org.administrator.post("/v1/users", json=user | {"login": "WANG@example.cn"})
        assert problem(answer) == (409, "conflict", ["login_taken"])


@SQLITE
def test_a_session_and_a_key_end_with_their_user(app, mine):
    user = made(mine.administrator.post("/v1/users", json={**ADMIN, "login": "leaver", "roles": ["broker"]}))
    session = signed_in(app, "leaver")
    key = client_of(app, made(session.post("/v1/keys", json={"name": "k", "roles": ["broker"]}))["token"])
    assert [c.get("/v1/me").status_code for c in (session, key)] == [200, 200]
    mine.administrator.patch(f"/v1/users/{user['id']}", json={"disabled": True})
    assert [c.get("/v1/me").status_code for c in (session, key)] == [401, 401]
    assert client_of(app).post("/v1/session", json={"login": "leaver", "password": PASSWORD}).status_code == 401


# ---------------------------------------------------------------------------------------------------------------- keys


@SQLITE
def test_a_key_is_shown_once_and_kept_as_a_hash(app, mine):
    new = made(mine.broker.post("/v1/keys", json={"name": "ERP", "roles": ["broker"]}))
    assert new["token"].startswith("jh_") and len(new["token"]) == 46
    shown = mine.broker.get("/v1/keys").text + mine.administrator.get("/v1/keys", params={"everybody": True}).text
    assert new["id"] in shown and new["token"] not in shown
    with app.state.records.database.reading() as c:
        kept = c.execute(select(tables.keys.c.hash).where(tables.keys.c.id == new["id"])).scalar_one()
    assert kept == token_hash(new["token"])


def test_a_key_opens_until_it_expires_or_is_revoked(app, mine):
    new = made(mine.broker.post("/v1/keys", json={"name": "short", "roles": ["broker"], "days": 1}))
    caller = client_of(app, new["token"])
    assert caller.get("/v1/me").status_code == 200 and new["expires_at"] > new["created_at"]
    row = tables.keys.c.id == new["id"]
    for expires, status in ((timedelta(seconds=60), 200), (timedelta(microseconds=-1), 401)):
        with app.state.records.database.writing() as c:
            c.execute(update(tables.keys).where(row).values(expires_at=time_text(moment(c) + expires)))
        assert caller.get("/v1/me").status_code == status
    again = made(mine.broker.post("/v1/keys", json={"name": "other", "roles": ["broker"]}))
    first, second = (mine.broker.delete(f"/v1/keys/{again['id']}").json() for _ in range(2))
    assert first == second and first["revoked_at"], "revoking again changes nothing"
    assert client_of(app, again["token"]).get("/v1/me").status_code == 401


@SQLITE
def test_a_key_never_may_more_than_its_user(app, mine):
    beyond = mine.broker.post("/v1/keys", json={"name": "k", "roles": ["broker", "administrator"]})
    assert problem(beyond) == (422, "bad_input", ["role_beyond"])
    user = mine.broker.get("/v1/me").json()["user"]
    mine.administrator.patch(f"/v1/users/{user}", json={"roles": ["broker", "auditor"]})
    key = made(mine.broker.post("/v1/keys", json={"name": "k", "roles": ["broker"]}))
    caller = client_of(app, key["token"])
    assert caller.get("/v1/me").json()["roles"] == ["broker"], "a key has what it was given, and no more"
    mine.administrator.patch(f"/v1/users/{user}", json={"roles": ["auditor"]})
    assert [caller.get(path).status_code for path in ("/v1/me", "/v1/plans")] == [403, 403], (
        "and loses what its user loses"
    )


@SQLITE
def test_keys_are_ones_own_and_administrators_see_and_revoke_everybodys(mine):
    key = mine.broker.get("/v1/keys").json()["items"][0]["id"]
    assert problem(mine.finance.get("/v1/keys", params={"everybody": True}))[:2] == (403, "forbidden")
    assert problem(mine.finance.delete(f"/v1/keys/{key}"))[:2] == (404, "not_found")
    assert key in mine.administrator.get("/v1/keys", params={"everybody": True}).text
    assert key not in mine.administrator.get("/v1/keys").text
    assert mine.administrator.delete(f"/v1/keys/{key}").status_code == 200


# ----------------------------------------------------------------------------------------------------------- passwords


@SQLITE
def test_a_password_is_changed_by_who_knows_it_and_sessions_end(app, mine):
    made(mine.administrator.post("/v1/users", json={**ADMIN, "login": "li.si", "roles": ["finance"]}))
    here, there = signed_in(app, "li.si"), signed_in(app, "li.si")
    wrong = here.put("/v1/me/password", json={"old": "not the old password", "new": "another long password"})
    assert problem(wrong)[2] == ["password_wrong"]
    short = here.put("/v1/me/password", json={"old": PASSWORD, "new": "tiny"})
    assert problem(short)[2] == ["password"] and "tiny" not in short.text
    assert here.put("/v1/me/password", json={"old": PASSWORD, "new": "another long password"}).status_code == 204
    assert [c.get("/v1/me").status_code for c in (here, there)] == [401, 401]
    assert client_of(app).post("/v1/session", json={"login": "li.si", "password": PASSWORD}).status_code == 401
    assert signed_in(app, "li.si", "another long password").get("/v1/me").status_code == 200


def test_passwords_are_kept_by_argon2id_and_none_that_is_longer_matches():
    longest = "长" * PASSWORD_LENGTH_MAX
    kept = password_hash(longest)
    assert kept.startswith("$argon2id$") and kept != password_hash(longest), "salted"
    assert password_matches(longest, kept)
    assert not password_matches(longest + "x", kept) and not password_matches("", None)


def test_a_guess_at_nobody_costs_what_a_guess_at_somebody_costs():
    """The cost stands in front of salt and digest: who is refused cannot tell by the time whether there is a user."""
    kept, nobody = (text.split("$") for text in (password_hash("x" * 12), hash_of_nobody()))
    assert nobody[:4] == kept[:4] and list(map(len, nobody)) == list(map(len, kept))
    assert hash_of_nobody() != hash_of_nobody()


def test_a_process_of_the_service_hashes_at_the_full_cost():
    """The second recommendation of RFC 9106: 64 MiB, three passes, four lanes. Tests within one process take less."""
    said = run("-c", "from api.access.secrets import password_hash; print(password_hash('x' * 12))")
    assert said.out.startswith("$argon2id$v=19$m=65536,t=3,p=4$"), said.err


# ------------------------------------------------------------------------------------------------------- organisations


def test_an_organisation_is_read_by_its_own_and_renamed_by_its_administrators(mine, other):
    shown = mine.auditor.get("/v1/organisation").json()
    assert (shown["id"], shown["name"]) == (mine.id, "mine")
    assert mine.finance.patch("/v1/organisation", json={"name": "x"}).status_code == 403
    assert mine.administrator.patch("/v1/organisation", json={"name": " 新名 "}).json()["name"] == "新名"
    taken = mine.administrator.patch("/v1/organisation", json={"name": "other"})
    assert problem(taken) == (409, "conflict", ["organisation_known"])
    assert other.administrator.get("/v1/organisation").json()["name"] == "other"


# -------------------------------------------------------------------------------------------------- no secret is left


def test_no_secret_is_in_any_table_trail_or_reply(app, local):
    """Every row of every table, every line of the trail and every answer but the one that makes it are searched."""
    made(local.post("/v1/users", json=ADMIN))
    session = signed_in(app)
    cookie = session.cookies["jinheng_session"]
    keys = [made(session.post("/v1/keys", json={"name": f"k{n}", "roles": ["administrator"]}))["token"] for n in (1, 2)]
    changed = "an even longer password"
    assert session.put("/v1/me/password", json={"old": PASSWORD, "new": changed}).status_code == 204
    caller = client_of(app, keys[0])
    made(
        caller.post("/v1/users", json={"login": "second", "name": "b", "roles": ["broker"], "password": changed + "!"})
    )
    caller.post("/v1/session", json={"login": "second", "password": "a wrong password"})
    caller.patch("/v1/organisation", json={"name": "名"}, headers={"Idempotency-Key": "k"})
    found = []
    with app.state.records.database.reading() as c:
        for table in tables.tables.sorted_tables:
            found += [repr(tuple(row)) for row in c.execute(select(table))]
    found += [caller.get(path).text for path in ("/v1/me", "/v1/users", "/v1/keys", "/v1/audit", "/v1/replies/k")]
    everything = "\n".join(found)
    assert "second" in everything and "$argon2id$" in everything
    for secret in (PASSWORD, changed, "a wrong password", cookie, *keys, *(k.removeprefix("jh_") for k in keys)):
        assert secret not in everything
