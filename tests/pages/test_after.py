"""After the event on pages: the checklist, disclosures, the trail; what is refused, and to whom."""

import re
from typing import Any

import pytest

from tests.http.conftest import AS_OF, EVENT, OFFERS
from tests.http.test_disclosures import FULL, MEASURES, bought, cancelled, disclose
from tests.http.test_retirements import FOREST, PDF, add, instructed, planned, send

HOSTILE = "<script>alert(1)</script>\"'=1+1\u202e😀"
HTML = {"accept": "text/html"}


def seen(client: Any, path: str, status: int = 200, **more: Any) -> str:
    answer = client.get(path, headers={**HTML, **more})
    assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text[:300]}"
    return str(answer.text)


def posted(client: Any, path: str, status: int = 303, files: Any = None, **fields: str) -> Any:
    answer = client.post(path, data=fields, files=files, headers=HTML, follow_redirects=False)
    assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text[:400]}"
    return answer


# ------------------------------------------------------------------------------------------------------- the checklist


def test_an_empty_checklist_says_what_it_is_for_and_only_those_who_may_begin_one_see_how(mine):
    assert 'href="/retirements/new"' in seen(mine.organiser, "/retirements")
    told = seen(mine.auditor, "/retirements")
    assert "Nothing is to be cancelled yet" in told and 'href="/retirements/new"' not in told
    assert "还没有注销指令" in seen(mine.auditor, "/retirements?lang=zh")


def test_a_plan_is_looked_at_and_becomes_a_checklist_once(mine):
    run = planned(mine.organiser)
    assert f"/retirements/new?run_id={run}" in seen(mine.organiser, "/retirements/new")
    preview = seen(mine.organiser, f"/retirements/new?run_id={run}")
    assert "This makes 3 instructions" in preview and "national CCER registry" in preview
    assert posted(mine.organiser, "/retirements/new", run_id=run).headers["location"] == "/retirements?note=made"
    assert posted(mine.organiser, "/retirements/new", run_id=run).headers["location"] == "/retirements"
    assert "3 of them are there already" in seen(mine.organiser, f"/retirements/new?run_id={run}")
    assert len(mine.organiser.get("/v1/retirements").json()["items"]) == 3


def test_a_plan_on_estimates_is_looked_at_with_a_warning(mine):
    run = planned(mine.organiser, event=EVENT | {"emissions": {"tonnes": "900", "status": "estimated"}})
    assert "have them verified before anything is cancelled" in seen(mine.organiser, f"/retirements/new?run_id={run}")


def test_a_plan_or_an_order_must_be_named_and_be_there(mine):
    posted(mine.organiser, "/retirements/new", 400)
    posted(mine.organiser, "/retirements/new", 404, order_id="none")
    seen(mine.organiser, "/retirements/new?run_id=none", 404)


def test_groups_by_registry_have_what_is_overdue_first_and_names_in_the_pages_language(mine, monkeypatch):
    late = EVENT | {"id": "late-event", "end_date": "2026-01-11"}
    ccer = [o for o in OFFERS if o["offer_id"] == "CCER-1"]
    instructed(mine.organiser)
    instructed(mine.organiser, event=late, offers=ccer, as_of="2026-01-20")
    from datetime import date

    monkeypatch.setattr("api.settings.today", lambda: date(2027, 1, 20))
    text = seen(mine.organiser, "/retirements?lang=zh")
    heads = re.findall(r'<h2 id="registry-\d">(.*?)</h2>', text)
    assert heads == ["全国温室气体自愿减排注册登记系统", "山西碳普惠平台", "全国碳排放权注册登记系统"]
    assert "逾期 9 天" in text and "1 项已逾期" in text and "还有 264 天" in text
    assert "national CCER registry" not in text.partition("<pre")[0]
    progress = seen(mine.organiser, "/retirements?by=event")
    assert progress.index("late-event") < progress.index("small-event")


def test_every_instruction_is_filtered_by_state_registry_and_event(mine):
    instructed(mine.organiser)
    every = "/retirements?by=every"
    assert seen(mine.finance, every).count("<tr><td>small-event</td>") == 3
    one = seen(mine.finance, f"{every}&registry=national+CCER+registry")
    assert one.count("<tr><td>small-event</td>") == 1 and "CCER-1" in one
    assert "No instruction meets these conditions" in seen(mine.finance, f"{every}&state=retired")
    assert "No instruction meets these conditions" in seen(mine.finance, f"{every}&event_id=other")


# ------------------------------------------------------------------------------------------------------ one instruction


def test_an_instruction_is_proven_and_retired_step_by_step(mine):
    row = instructed(mine.organiser)["CCER-1"]
    here = f"/retirements/{row['id']}"
    assert "serials come to 0 t and should come to 500 t" in seen(mine.organiser, here)
    posted(mine.organiser, f"{here}/serials", serials="A-1 ~ A-300\n\nA-301\tA-499\n A-500 ")
    proven = seen(mine.organiser, here)
    assert "The proof is complete" in proven and "<code>A-301</code>" in proven
    posted(mine.organiser, f"{here}/evidence", files={"file": ("证明.PDF", PDF, "application/octet-stream")})
    listed = mine.organiser.get(f"/v1/retirements/{row['id']}").json()
    assert [(f["name"], f["media_type"]) for f in listed["evidence"]] == [("证明.pdf", "application/pdf")]
    assert listed["evidence"][0]["sha256"] in seen(mine.organiser, here)
    assert "This cannot be taken back" in seen(mine.organiser, f"{here}/retire")
    version = str(listed["version"])
    wrong = posted(mine.organiser, f"{here}/retire", 422, on="2099-01-01", reference=" ", version=version).text
    assert "should not be after today" in wrong and "registry&#39;s reference" in wrong and "2099-01-01" in wrong
    posted(mine.organiser, f"{here}/retire", on=AS_OF, reference="ZX-9", version=version)
    done = seen(mine.organiser, here)
    assert "Cancelled in its registry" in done and "ZX-9" in done and "Save the serials" not in done
    assert "changes no more" in seen(mine.organiser, f"{here}/cancel")
    assert "changes no more" in posted(mine.organiser, f"{here}/cancel", 422, reason="x").text


def test_serials_that_are_used_already_are_refused_by_line_and_stay_in_the_form(mine, other):
    theirs = instructed(other.organiser)["CCER-1"]
    assert add(other.organiser, theirs, {"first": "B-100", "last": "B-120"}).status_code == 200
    row = instructed(mine.organiser)["CCER-1"]
    typed = f"A-1\nB-90 ~ B-110\n{HOSTILE}"
    bad = posted(mine.organiser, f"/retirements/{row['id']}/serials", 422, serials=typed).text
    assert "Serials line 3" in bad and "<script>alert" not in bad
    used = posted(mine.organiser, f"/retirements/{row['id']}/serials", 422, serials="A-1\nB-90 ~ B-110").text
    assert "Serials line 2: &#39;B-90&#39;: is used already" in used and "A-1\nB-90 ~ B-110</textarea>" in used
    assert 'aria-invalid="true"' in used and "theirs" not in used
    assert mine.organiser.get(f"/v1/retirements/{row['id']}").json()["serials"] == []
    empty = posted(mine.organiser, f"/retirements/{row['id']}/serials", 422, serials=" ").text
    assert "enter serials, one or one range a line" in empty


def test_serials_removed_by_mistake_come_back_and_are_held_against_others_again(mine, other):
    row = instructed(mine.organiser)["CCER-1"]
    here = f"/retirements/{row['id']}"
    posted(mine.organiser, f"{here}/serials", serials="A-1 ~ A-500")
    serial = mine.organiser.get(f"/v1{here}").json()["serials"][0]["id"]
    after = posted(mine.organiser, f"{here}/serials/{serial}/release").headers["location"]
    undo = f"{here}/serials/{serial}/restore"
    assert after == f"{here}?freed={serial}&note=removed" and f'action="{undo}"' in seen(mine.organiser, after)
    posted(mine.organiser, undo)
    again = mine.organiser.get(f"/v1{here}").json()["serials"]
    assert [(s["first"], s["last"], s["tonnes"]) for s in again] == [("A-1", "A-500", "500")]
    posted(mine.organiser, f"{here}/serials/{again[0]['id']}/release")
    theirs = instructed(other.organiser)["CCER-1"]
    assert add(other.organiser, theirs, "A-7").status_code == 200
    assert "is used already" in posted(mine.organiser, undo, 422).text


def test_a_certificate_of_new_forestry_is_entered_with_its_accrual_and_comes_back_whole(mine):
    rows = instructed(mine.organiser, offers=[FOREST, *OFFERS])
    row = rows["TREE-1"]
    here = f"/retirements/{row['id']}"
    assert "Accrual from" in seen(mine.organiser, here)
    wrong = posted(mine.organiser, f"{here}/serials", 422, first="", tonnes="1", period_from="x").text
    assert "enter the certificate&#39;s number" in wrong and "should be a day" in wrong
    fields: dict[str, Any] = {"first": "TREE-CERT-1", "tonnes": row["to_cancel_t"], "certified": row["to_cancel_t"]}
    posted(mine.organiser, f"{here}/serials", **fields, period_from="2026-01-01", period_until="2030-12-31")
    kept = mine.organiser.get(f"/v1{here}").json()["serials"][0]
    posted(mine.organiser, f"{here}/serials/{kept['id']}/release")
    posted(mine.organiser, f"{here}/serials/{kept['id']}/restore")
    again = mine.organiser.get(f"/v1{here}").json()["serials"][0]
    unlike = ("id", "made_at")
    assert {k: v for k, v in again.items() if k not in unlike} == {k: v for k, v in kept.items() if k not in unlike}


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.exe", b"MZ", "its name should end in one of"),
        ("a.pdf", b"no pdf", "its content is no application/pdf"),
        ("a.png", b"", "the file is empty"),
        (f"{HOSTILE}.zip", b"PK", "its name should end in one of"),
    ],
)
def test_evidence_of_another_kind_is_refused_at_its_field(mine, name, content, told):
    row = instructed(mine.organiser)["CCER-1"]
    answer = posted(mine.organiser, f"/retirements/{row['id']}/evidence", 422, files={"file": (name, content)})
    assert told in answer.text and 'id="fault-file-1"' in answer.text and "<script>alert" not in answer.text
    assert "choose a file" in posted(mine.organiser, f"/retirements/{row['id']}/evidence", 422, nothing="").text


def test_another_version_than_was_looked_at_is_not_retired(mine):
    row = instructed(mine.organiser)["CCER-1"]
    here = f"/retirements/{row['id']}"
    posted(mine.organiser, f"{here}/serials", serials="A-1 ~ A-500")
    stale = posted(mine.organiser, f"{here}/retire", 422, on=AS_OF, reference="ZX-1", version=str(row["version"])).text
    assert "is now at version 2" in stale


def test_an_instruction_is_called_off_with_a_reason(mine):
    row = instructed(mine.organiser)["CCER-1"]
    here = f"/retirements/{row['id']}"
    assert "say why" in posted(mine.organiser, f"{here}/cancel", 422, reason=" ").text
    posted(mine.organiser, f"{here}/cancel", reason=HOSTILE)
    told = seen(mine.organiser, here)
    assert "Called off" in told and "&lt;script&gt;alert(1)" in told and "<script>alert" not in told


def test_who_may_not_sees_no_forms_and_other_organisations_see_nothing(mine, other):
    row = instructed(mine.organiser)["CCER-1"]
    here = f"/retirements/{row['id']}"
    looked = seen(mine.auditor, here)
    assert '<form method="post" action="/retirements' not in looked and "Call this off" not in looked
    for path in ("/serials", "/evidence", "/retire", "/cancel"):
        posted(mine.auditor, here + path, 403, reason="x", serials="A-1")
        posted(other.organiser, here + path, 404, reason="x", serials="A-1", on=AS_OF, files={"file": ("a.pdf", PDF)})
    seen(other.organiser, here, 404)
    assert "CCER-1" not in seen(other.organiser, "/retirements?by=every")
    seen(mine.finance, f"{here}/retire", 403)


# ---------------------------------------------------------------------------------------------------------- disclosures


def test_what_is_missing_is_listed_and_a_draft_may_be_made(mine):
    run, _ = bought(mine.organiser, event=EVENT)
    chosen = f"/disclosures/new?event_id=small-event&amp;run_id={run}"
    assert chosen in seen(mine.organiser, "/disclosures/new")
    form = seen(mine.organiser, chosen.replace("&amp;", "&"))
    assert "8 things are missing" in form and "is not cancelled yet" in form and "the verifier is missing" in form
    fields: dict[str, Any] = {"event_id": "small-event", "run_id": run, "measures": f"一\n{HOSTILE}"}
    refused = posted(mine.organiser, "/disclosures/new", 422, **fields).text
    assert "7 things are missing" in refused and "一\n&lt;script&gt;" in refused and "<script>alert" not in refused
    assert "measures are missing" not in refused
    draft = posted(mine.organiser, "/disclosures/new", **fields, draft="true").headers["location"]
    told = seen(mine.organiser, draft)
    assert "<code>CCER-1</code>: is not cancelled yet" in told
    assert "(draft; 7 things are missing)" in told and "<script>alert" not in told and "Note that it" not in told
    assert "cannot be published" in seen(mine.organiser, f"{draft.partition('?')[0]}/publish")


def test_a_disclosure_is_made_shown_in_both_languages_and_published_for_good(mine):
    run, rows = bought(mine.organiser)
    cancelled(mine.organiser, rows, "A")
    form = seen(mine.organiser, f"/disclosures/new?event_id=small-event&run_id={run}")
    assert "1 thing is missing" in form
    fields: dict[str, Any] = {"event_id": "small-event", "run_id": run, "measures": "\n".join(MEASURES)}
    here = posted(mine.organiser, "/disclosures/new", **fields).headers["location"].partition("?")[0]
    english, both = seen(mine.organiser, here), seen(mine.organiser, f"{here}?text=both")
    assert english.count('<article class="statement"') == 1 and both.count('<article class="statement"') == 2
    assert "小型会议碳中和公示" in both and "disclosure of carbon neutrality" in both and "不构成法律意见" in both
    assert "A-CCER-1-1 ~ A-CCER-1-500" in english and "SHA-256" in english
    for kind in ("docx", "pdf"):
        assert f"/v1{here}/paper?kind={kind}" in english
    assert "say where it was made public" in posted(mine.organiser, f"{here}/publish", 422, place=" ").text
    posted(mine.organiser, f"{here}/publish", place="https://example.cn/gongshi")
    public = seen(mine.auditor, here)
    assert "https://example.cn/gongshi" in public and "Note that it was published…" not in public
    assert "is published" in posted(mine.organiser, f"{here}/publish", 422, place="x").text
    # what follows corrects it, with a reason, and what was published stays
    form = seen(mine.organiser, f"/disclosures/new?event_id=small-event&run_id={run}")
    assert "Why version 1 is corrected" in form and MEASURES[0] in form
    assert "say why it is corrected" in posted(mine.organiser, "/disclosures/new", 422, **fields).text
    second = posted(mine.organiser, "/disclosures/new", **fields, correction="写错").headers["location"]
    assert "corrects version 1: 写错" in seen(mine.organiser, second)
    listed = seen(mine.finance, "/disclosures?event_id=small-event")
    assert "Ready to publish" in listed and "Published" in listed


def test_a_disclosure_belongs_to_its_organisation_and_its_roles(mine, other):
    run, _ = bought(mine.organiser)
    made = disclose(mine.organiser, run, draft=True).headers["location"].removeprefix("/v1")
    seen(mine.auditor, made)
    seen(other.organiser, made, 404)
    seen(other.organiser, f"/disclosures/new?event_id=small-event&run_id={run}", 404)
    seen(mine.auditor, "/disclosures/new", 403)
    posted(mine.finance, f"{made}/publish", 403, place="x")
    posted(other.organiser, f"{made}/publish", 404, place="x")
    assert "There is no disclosure yet" in seen(other.organiser, "/disclosures")


def test_measures_beyond_all_measure_are_refused_and_stay(mine):
    run, _ = bought(mine.organiser)
    fields: dict[str, Any] = {"event_id": "small-event", "run_id": run}
    long = posted(mine.organiser, "/disclosures/new", 422, **fields, measures="x" * 2001).text
    assert "at most 2000 characters each" in long and "x" * 2001 in long
    assert "at most 100 of them" in posted(mine.organiser, "/disclosures/new", 422, **fields, measures="a\n" * 101).text


# ------------------------------------------------------------------------------------------------------------ the trail


def test_the_trail_is_filtered_by_who_what_which_and_when(mine):
    row = instructed(mine.organiser)["CCER-1"]
    send(mine.organiser, row)
    seen(mine.organiser, "/audit", 403)
    every = seen(mine.auditor, "/audit")
    assert "evidence added" in every and f'href="/retirements/{row["id"]}"' in every and "organiser" in every
    of_it = seen(mine.auditor, f"/audit?object={row['id']}")
    assert of_it.count("<tr><td") == 1 and "retirement.evidence" in of_it
    user = re.search(r'<option value="(\w+)">organiser<', every)
    assert user is not None
    assert seen(mine.auditor, f"/audit?user={user[1]}&action=retirement.instruct").count("<tr><td") == 3
    assert "No entry meets these conditions" in seen(mine.auditor, "/audit?until=2020-01-01")
    assert "No entry meets" not in seen(mine.auditor, "/audit?since=2020-01-01&until=2099-01-01")
    assert "should be a day such as" in seen(mine.auditor, "/audit?since=yesterday", 422)


def test_the_trail_pages_and_its_words_cover_what_is_done(mine):
    for k in range(26):
        mine.organiser.put(f"/v1/events/event-{k}", json=EVENT | {"id": f"event-{k}"})
        mine.organiser.put(f"/v1/events/event-{k}", json=EVENT | {"id": f"event-{k}", "name": "x"})
    first = seen(mine.auditor, "/audit?action=event.keep")
    older = re.search(r'href="(/audit\?[^"]*cursor=\d+)"', first)
    assert first.count("<tr><td") == 50 and older is not None
    rest = seen(mine.auditor, older[1].replace("&amp;", "&"))
    assert rest.count("<tr><td") == 2 and "Newest" in rest
    seen(mine.auditor, "/audit?cursor=x", 422)


def test_one_entry_is_shown_whole_and_a_change_in_the_database_shows(app, mine, other):
    mine.organiser.put("/v1/events/small-event", json=FULL | {"name": HOSTILE})
    newest = mine.auditor.get("/v1/audit").json()["items"][0]
    whole = seen(mine.auditor, f"/audit/{newest['seq']}")
    assert newest["hash"] in whole and "as it was written" in whole and "event kept" in whole
    for nowhere in ("9999", "0", "x", "-1"):
        seen(mine.auditor, f"/audit/{nowhere}", 404)
    assert newest["hash"] not in seen(other.auditor, "/audit/1")
    holds = seen(mine.auditor, "/audit/verify")
    assert "It holds:" in holds and newest["hash"] in holds
    against = f"/audit/verify?seq={newest['seq']}&hash={newest['hash']}"
    assert "what was noted earlier stands too" in seen(mine.auditor, against)
    assert "is not what it was at an earlier export" in seen(mine.auditor, f"/audit/verify?seq=1&hash={'0' * 64}")
    assert "64 hexadecimal digits" in seen(mine.auditor, "/audit/verify?seq=1&hash=x", 422)
    assert "记录完好" in seen(mine.auditor, "/audit/verify?lang=zh")


def test_every_action_that_the_code_notes_has_words():
    from pathlib import Path

    from api.pages.audit_words import ACTIONS

    sources = [p.read_text("utf-8") for p in Path("api").rglob("*.py")]
    noted = {a for s in sources for a in re.findall(r'\.note\(\s*"([a-z_]+\.[a-z_]+)"', s)}
    assert len(noted) > 20 and noted <= set(ACTIONS)
