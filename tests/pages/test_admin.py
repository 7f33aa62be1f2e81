"""The administrator's pages: users, keys, the organisation; rule packs; jobs. Two organisations see only their own."""

import html
import re
from typing import Any

import pytest
import yaml

from api.database.job_tables import jobs
from api.pages.policy_trial import Case, verdict
from api.pages.policy_words import differences, when_words
from api.pages.viewing import POLICY
from api.planning import plain_value
from optimizer import read_rule_pack, shipped_rule_packs
from optimizer.errors import BadInput
from optimizer.wording import day_text
from tests.http.conftest import PASSWORD, QUESTION, client_of
from tests.policy_cases.test_policy_cases import CASES

HOSTILE = "<script>alert(1)</script>‮\U0001f600=1+1"
FIRST = {"login": "admin@example.cn", "name": "管理员", "password": PASSWORD, "again": PASSWORD}


def text_of(answer: Any) -> str:
    """What a page says."""
    assert answer.headers["content-security-policy"] == POLICY
    body = re.sub(r"<[^>]*>", " ", answer.text.partition("<main")[2])
    return " ".join(html.unescape(body).split())


def signed_in(app: Any, login: str, password: str = PASSWORD) -> Any:
    client = client_of(app)
    answer = client.post("/sign-in", data={"login": login, "password": password}, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return client


@pytest.fixture
def admin(app, local):
    """The first administrator, signed in."""
    answer = local.post("/people/users", data=FIRST, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    return signed_in(app, FIRST["login"])


def user_id(client: Any, name: str) -> str:
    found = re.search(rf'/people/users/([0-9a-f]+)"><bdi>{re.escape(html.escape(name))}<', client.get("/people").text)
    assert found is not None
    return found.group(1)


# -------------------------------------------------------------------------------------------------------------- people


def test_the_first_administrator_closes_the_pages_to_whoever_does_not_sign_in(app, local, admin):
    assert local.get("/people", follow_redirects=False).headers["location"] == "/sign-in?next=%2Fpeople"
    assert "管理员" in text_of(admin.get("/people")) and "may sign in" in text_of(admin.get("/people"))


def test_the_first_user_is_an_administrator_whatever_a_form_says_and_has_a_password(local):
    assert "Set up sign-in" in text_of(local.get("/people"))
    for wrong, said in (({"password": "", "again": ""}, "characters"), ({"again": "other"}, "not the same")):
        answer = local.post("/people/users", data={**FIRST, **wrong, "roles": "broker"})
        assert answer.status_code == 422 and said in text_of(answer)
        assert 'value="admin@example.cn"' in answer.text and PASSWORD not in answer.text
    assert local.get("/v1/me").json()["way"] == "local"


def test_a_user_is_added_changed_disabled_and_let_in_again(app, admin):
    form = {"login": "b@example.cn", "name": "Bo", "password": PASSWORD, "again": PASSWORD, "roles": ["broker"]}
    assert "Saved" in text_of(admin.post("/people/users", data=form))
    bo, browser = user_id(admin, "Bo"), signed_in(app, "b@example.cn")
    assert browser.get("/people").status_code == 403
    admin.post(f"/people/users/{bo}", data={"name": "Bo B", "roles": ["finance", "auditor"]})
    assert set(browser.get("/v1/me").json()["roles"]) == {"finance", "auditor"}
    listed = admin.post(f"/people/users/{bo}/disable")
    assert "Undo" in text_of(listed) and browser.get("/v1/me").status_code == 401
    assert "Undone" in text_of(admin.post(f"/people/users/{bo}/enable?undo=1"))
    new = "another long password"
    admin.post(f"/people/users/{bo}/password", data={"password": new, "again": new})
    assert signed_in(app, "b@example.cn", new).get("/v1/me").json()["name"] == "Bo B"


def test_faults_of_a_user_are_shown_at_their_fields_with_what_was_typed(admin):
    form = {"login": "x", "name": HOSTILE, "password": "short", "again": "short"}
    answer = admin.post("/people/users", data=form)
    assert answer.status_code == 422
    assert all(f'id="fault-{key}' in answer.text for key in ("login", "password", "roles"))
    assert "<script>alert" not in answer.text and html.escape(HOSTILE) in answer.text
    taken = admin.post("/people/users", data={**FIRST, "roles": ["broker"]})
    assert taken.status_code == 422 and "this login is taken" in text_of(taken)


def test_an_organisation_keeps_an_administrator(admin):
    mine = user_id(admin, "管理员")
    answer = admin.post(f"/people/users/{mine}", data={"name": "A", "roles": ["broker"]})
    assert answer.status_code == 422 and "an organisation needs an administrator" in text_of(answer)


def test_a_key_is_shown_once_and_revoked_for_good(app, admin):
    form = {"name": "<script>alert(1)</script>=1+1", "roles": ["finance"], "days": "30"}
    made = admin.post("/people/keys", data=form)
    (token,) = re.findall(r'<code id="token">([^<]+)<', made.text)
    assert made.status_code == 201 and made.headers["cache-control"] == "private, no-store"
    assert "<script>alert" not in made.text
    program = client_of(app, token)
    assert program.get("/v1/me").json()["roles"] == ["finance"]
    listed = admin.get("/people/keys").text
    assert token not in listed
    address = re.search(r'href="(/people/keys/[0-9a-f]+/revoke)"', listed)
    assert address is not None
    assert "for good" in text_of(admin.get(address.group(1)))
    assert program.get("/v1/me").status_code == 200, "asking changes nothing"
    assert "revoked" in text_of(admin.post(address.group(1)))
    assert program.get("/v1/me").status_code == 401


def test_faults_of_a_key_are_shown(admin):
    answer = admin.post("/people/keys", data={"name": "k", "days": "0"})
    assert answer.status_code == 422 and 'id="fault-days' in answer.text
    answer = admin.post("/people/keys", data={"name": "k", "days": ""})
    assert answer.status_code == 422 and 'id="fault-roles' in answer.text


def test_keys_of_others_are_seen_by_administrators_alone_and_never_by_other_organisations(mine, other):
    seen = text_of(mine.administrator.get("/people/keys"))
    assert all(name in seen for name in ("finance", "organiser", "broker", "auditor"))
    own = mine.broker.get("/people/keys")
    assert own.text.count("/revoke") == 1 and "My keys" in text_of(own)
    theirs = re.findall(r"/people/keys/([0-9a-f]+)/revoke", other.broker.get("/people/keys").text)
    assert theirs
    for client in (mine.broker, mine.administrator):
        assert client.get(f"/people/keys/{theirs[0]}/revoke").status_code == 404
        assert client.post(f"/people/keys/{theirs[0]}/revoke").status_code == 404


def test_users_of_other_organisations_are_not_there(mine, other):
    foreign = user_id(other.administrator, "broker")
    assert "@other" not in mine.administrator.get("/people").text
    for method, path in (("GET", ""), ("POST", "/disable"), ("POST", "/enable")):
        answer = mine.administrator.request(method, f"/people/users/{foreign}{path}")
        assert answer.status_code == 404
    for role in ("finance", "organiser", "broker", "auditor"):
        assert mine.callers[role].get("/people").status_code == 403
        assert mine.callers[role].post("/people/users", data=FIRST).status_code == 403


def test_the_organisation_is_renamed_and_tells_losing_sellers_what_it_wishes(admin):
    form = {"name": "太原赛事", "feedback": "band", "valid_hours": "48"}
    shown = admin.post("/people/organisation", data=form)
    assert "Saved" in text_of(shown) and 'value="太原赛事"' in shown.text
    terms = admin.get("/v1/quoting").json()
    assert (terms["feedback"], terms["valid_hours"]) == ("band", 48)
    wrong = admin.post("/people/organisation", data={**form, "name": "", "valid_hours": "0"})
    assert wrong.status_code == 422
    assert admin.get("/v1/organisation").json()["name"] == "太原赛事"


# --------------------------------------------------------------------------------------------------------- rule packs


@pytest.mark.parametrize("pack", shipped_rule_packs())
def test_a_rule_pack_is_shown_with_every_clause_and_every_predicate(local, pack):
    known, shown = read_rule_pack(pack), text_of(local.get(f"/policies/{pack}"))
    clauses = [c.clause for c in known.classes] + [t.clause for t in known.tiers] + [r.clause for r in known.registries]
    assert all(clause in shown for clause in clauses)
    assert all(when_words(c.when).en in shown for c in known.classes)
    assert known.document_number in shown and day_text(known.issued_on, "en") in shown
    assert local.get("/policies/nowhere").status_code == local.get("/policies/nowhere/case").status_code == 404


def test_every_policy_case_has_the_verdict_that_its_clause_says():
    for name, cases in CASES.items():
        pack = read_rule_pack(name)
        for case in cases:
            ends, as_of = str(case.get("event_ends", "2026-10-11")), str(case.get("as_of", "2026-11-22"))
            found = verdict(pack, Case(plain_value(case["offer"]), ends, as_of, case.get("settings", {})))
            expected = case["expect"]
            if "left_out" in expected:
                told = {clause.zh.removeprefix(f"{pack.document_number} ") for _, clause in found.reasons}
                assert found.tier is None and told == set(expected["left_out"].values())
                continue
            assert (found.tier, found.retire_by) == (expected["tier"], expected["retire_by"])
            assert found.late == expected.get("late", False)
            (taken,) = [s for s in found.steps if s.taken == "taken"]
            assert taken.clause == found.clause == case["clause"]


def test_a_case_on_the_page_says_its_tier_or_every_reason_and_what_other_packs_say(local):
    forest = "/policies/shanxi-2022/case?instrument=forestry&region=山西&unranked=true"
    shown = text_of(local.get(f"{forest}&event_ends=2026-10-11&as_of=2026-11-22"))
    assert "new forestry without certification (晋环发〔2022〕41号 三(二)3)" in shown
    assert "new forestry delivers nothing by its deadline (晋环发〔2022〕41号 三(三))" in shown
    sure = f"{forest}&certified_by=林草局&delivery_schedule=2029-12-31=0.8&event_ends=2026-10-11&as_of=2026-11-22"
    shown = text_of(local.get(sure))
    assert "Tier 3: certified new forestry in Shanxi" in shown and "11 October 2032" in shown and "0.8" in shown
    assert "new forestry (a route of its own)" in shown, "the national guide's word for it"


def test_faults_of_a_case_stand_at_their_fields(local):
    odd = {"region": "Atlantis", "vintage": "soon", "as_of": "1", "event_ends": "x", "delivery_schedule": "?"}
    answer = local.get("/policies/shanxi-2022/case", params={"instrument": "ccer", **odd, "mechanism": HOSTILE})
    assert answer.status_code == 422
    for key in ("vintage", "as_of", "event_ends"):
        assert f'id="fault-{key}' in answer.text, key
    assert "<script>alert" not in answer.text


def test_two_packs_are_compared_by_what_they_make_of_offers_and_by_their_words(local):
    shown = text_of(local.get("/policies/compare?a=mee-2019&b=shanxi-2022"))
    assert re.search(r"national allowances \(CEA\) Tier 1: .{,80} Tier 4: .{,60} differs", shown)
    assert "29 May 2019" in shown
    assert differences(read_rule_pack("mee-2019"), read_rule_pack("mee-2019")) == []
    assert "They say the same" in text_of(local.get("/policies/compare?a=mee-2019&b=mee-2019"))
    assert local.get("/policies/compare?a=mee-2019&b=gone").status_code == 422


def test_ones_own_pack_is_uploaded_and_its_faults_are_told_by_line(mine, other):
    own = {**read_rule_pack("shanxi-2022").dump(), "id": "hebei-2025", "title": {"zh": "河北", "en": HOSTILE}}
    text = yaml.safe_dump(own, allow_unicode=True, sort_keys=False)
    broken = text.replace("years: 6", "years: sixty").replace("issued_on: '2022-11-15'", "issued_on: soon")
    answer = mine.administrator.post("/policies/new", files={"file": ("hebei.yaml", broken.encode())})
    line = 1 + broken[: broken.index("years: sixty")].count("\n")
    assert answer.status_code == 422 and f"hebei.yaml forestry.years row {line}" in text_of(answer)
    assert "issued_on" in text_of(answer)
    shown = mine.administrator.post("/policies/new", data={"text": text})
    assert "Saved" in text_of(shown) and "our own" in text_of(shown) and "<script>alert" not in shown.text
    assert "hebei-2025" in mine.broker.get("/policies").text
    assert "hebei-2025" not in other.administrator.get("/policies").text
    assert other.administrator.get("/policies/hebei-2025").status_code == 404
    assert mine.broker.post("/policies/new", data={"text": text}).status_code == 403
    shipped = mine.administrator.post("/policies/new", data={"text": text.replace("hebei-2025", "shanxi-2022")})
    assert shipped.status_code == 422 and "a pack that ships" in text_of(shipped)
    assert mine.administrator.post("/policies/new", data={"text": " "}).status_code == 422
    with pytest.raises(BadInput):
        verdict(read_rule_pack("mee-2019"), Case({"instrument": "nothing"}, "2026-10-11", "2026-11-22", {}))


# ---------------------------------------------------------------------------------------------------------------- jobs


def asked(client: Any, kind: str = "sweep", **options: Any) -> str:
    answer = client.post("/v1/jobs", json={**QUESTION, "kind": kind, "draws": 30, **options})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def test_a_job_is_listed_followed_cancelled_and_run_again(mine, other):
    job = asked(mine.finance)
    listed = mine.finance.get("/jobs")
    assert "Draws" in text_of(listed) and f'hx-get="/jobs/{job}/row"' in listed.text
    row = mine.finance.get(f"/jobs/{job}/row", headers={"hx-request": "true"})
    assert row.text.lstrip().startswith("<tr") and "waiting" in row.text
    shown = mine.finance.get(f"/jobs/{job}")
    assert "Cancel the job" in text_of(shown) and 'hx-trigger="every 1s"' in shown.text
    assert "Cancel the job" not in text_of(mine.auditor.get(f"/jobs/{job}"))
    for path in ("cancel", "again"):
        assert mine.auditor.post(f"/jobs/{job}/{path}").status_code == 403
        assert other.finance.post(f"/jobs/{job}/{path}").status_code == 404
    assert other.finance.get(f"/jobs/{job}").status_code == other.finance.get(f"/jobs/{job}/row").status_code == 404
    assert job not in other.finance.get("/jobs").text
    cancelled = mine.finance.post(f"/jobs/{job}/cancel")
    assert "Cancelled" in text_of(cancelled) and "Undo: run it again" in text_of(cancelled)
    assert 'hx-trigger="every' not in cancelled.text
    again = mine.finance.post(f"/jobs/{job}/again")
    assert again.url.path != f"/jobs/{job}" and "waiting" in text_of(again) and "30" in text_of(again)
    assert job in mine.finance.get("/jobs?state=cancelled").text
    assert job not in mine.finance.get("/jobs?state=queued").text


def test_a_job_run_again_is_asked_the_same_byte_by_byte(app, local):
    first = asked(local, seed=11)
    second = local.post(f"/jobs/{first}/again").url.path.rpartition("/")[2]
    with app.state.records.database.reading() as c:
        rows = {r.id: r for r in c.execute(jobs.select())}
    keys = ("kind", "title", "lang", "request", "inputs", "organisation_id")
    assert [getattr(rows[first], k) for k in keys] == [getattr(rows[second], k) for k in keys]
    assert rows[first].inputs is not None
