"""From a plan to what was cancelled: instructions by registry, serials used once, evidence, the rules of proof."""

from datetime import date, timedelta
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest

from api.ledger.retirement_checks import retirement_faults
from tests.http.conftest import AS_OF, EVENT, OFFERS, QUESTION

SQLITE = pytest.mark.parametrize("store_address", ["sqlite"], indirect=True)
"""For what is decided before a database is asked."""
PDF = b"%PDF-1.7\n1 0 obj\n"
FOREST = {
    **{"offer_id": "TREE-1", "instrument": "forestry", "region": "14", "project_id": "SX-隰县-01"},
    **{"certified_by": "示例林业中心", "quantity": "400", "price": "50", "planted_by": "2026-01-01"},
    "delivery_schedule": "2030-12-31=1",
}


def planned(client: Any, **changes: Any) -> str:
    answer = client.post("/v1/plans", json=QUESTION | changes)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"].rpartition("/")[2])


def instructed(client: Any, **changes: Any) -> dict[str, dict[str, Any]]:
    """Offer -> its instruction."""
    answer = client.post("/v1/retirements", json={"run_id": planned(client, **changes)})
    assert answer.status_code == 201, answer.text
    return {row["offer_id"]: row for row in answer.json()["items"]}


def add(client: Any, row: dict[str, Any], *serials: Any) -> Any:
    return client.post(f"/v1/retirements/{row['id']}/serials", json={"serials": list(serials)})


def send(client: Any, row: dict[str, Any], content: bytes = PDF, kind: str = "application/pdf", name: str = "a.pdf"):
    return client.post(
        f"/v1/retirements/{row['id']}/evidence", params={"name": name}, content=content, headers={"content-type": kind}
    )


def retire(client: Any, row: dict[str, Any], on: str = AS_OF, reference: str = "ZX-1", **headers: str) -> Any:
    body = {"on": on, "reference": reference}
    return client.post(f"/v1/retirements/{row['id']}/retire", json=body, headers=headers)


def codes(answer: Any) -> list[str]:
    return [f["code"] for f in answer.json()["faults"]]


def faults_in(app: Any) -> list[Any]:
    with app.state.records.database.reading() as c:
        return list(retirement_faults(c))


# -------------------------------------------------------------------------------------------------------- instructions


def test_a_plan_becomes_one_instruction_an_offer_with_registry_and_deadline(mine):
    rows = instructed(mine.organiser)
    assert {k: (r["tonnes"], r["registry"], r["retire_by"], r["state"]) for k, r in rows.items()} == {
        "PHB-1": ("200", "Shanxi carbon-inclusion platform", "2027-10-11", "due"),
        "CCER-1": ("500", "national CCER registry", "2027-10-11", "due"),
        "CEA-1": ("301", "national allowance registry", "2027-10-11", "due"),
    }


def test_the_same_plan_twice_gives_the_same_instructions(mine):
    run = planned(mine.organiser)
    first, again = (mine.organiser.post("/v1/retirements", json={"run_id": run}) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200) and first.json() == again.json()
    # the same plan made anew is the same purchase
    assert mine.organiser.post("/v1/retirements", json={"run_id": planned(mine.organiser)}).json() == first.json()
    assert len(mine.organiser.get("/v1/retirements").json()["items"]) == 3


@SQLITE
def test_another_plan_for_the_same_event_is_told_of_the_instructions_that_stand(mine):
    instructed(mine.organiser)
    other = planned(mine.organiser, budget="50000")
    told = mine.organiser.post("/v1/retirements", json={"run_id": other}).json()["warnings"]
    assert [(w["code"], w["value"]) for w in told] == [("instructed_before", "small-event")]


@SQLITE
def test_a_plan_on_estimates_is_instructed_with_a_warning(mine):
    event = EVENT | {"emissions": {"tonnes": "1000", "low": "900", "high": "1100", "status": "estimated"}}
    answer = mine.organiser.post("/v1/retirements", json={"run_id": planned(mine.organiser, event=event)})
    assert [w["code"] for w in answer.json()["warnings"]] == ["estimated"]


def test_instructions_are_listed_by_state_registry_and_event(mine, monkeypatch):
    rows = instructed(mine.organiser)
    get = mine.finance.get

    def offers(**wanted: str) -> list[str]:
        return sorted(r["offer_id"] for r in get("/v1/retirements", params=wanted).json()["items"])

    assert offers(registry="national CCER registry") == ["CCER-1"]
    assert offers(event_id="small-event") == sorted(rows) and offers(event_id="another") == []
    assert offers(state="due") == sorted(rows) and offers(state="overdue") == offers(state="retired") == []
    by_registry = {r["registry"]: r for r in get("/v1/retirements/registries").json()["items"]}
    assert by_registry["national CCER registry"] == {
        **{"registry": "national CCER registry", "instructions": 1, "due_t": "500", "overdue_t": "0"},
        **{"retired_t": "0", "next_deadline": "2027-10-11"},
    }
    monkeypatch.setattr("api.settings.today", lambda: date(2027, 10, 12))
    assert offers(state="overdue") == sorted(rows)
    assert get(f"/v1/retirements/{rows['CEA-1']['id']}").json()["overdue"] is True
    assert {r["overdue_t"] for r in get("/v1/retirements/registries").json()["items"]} == {"200", "500", "301"}


@SQLITE
def test_reminders_begin_thirty_days_before_the_deadline_and_go_on_after_it(mine, monkeypatch):
    instructed(mine.organiser)
    for days_before, wanted in ((31, 0), (30, 3), (0, 3), (-1, 3)):
        monkeypatch.setattr("api.settings.today", lambda left=days_before: date(2027, 10, 11) - timedelta(left))
        due = mine.organiser.get("/v1/retirements/due").json()
        assert len(due["items"]) == wanted and (due["digest"] == "") == (wanted == 0)
    assert "3 are overdue" in due["digest"] and "1 days overdue" in due["digest"]
    zh = mine.organiser.get("/v1/retirements/due?lang=zh").json()["digest"]
    assert "有 3 项待注销, 共 1001 t, 其中 3 项已逾期" in zh


@SQLITE
def test_digests_for_the_operator_hold_one_organisations_rows_each(app, mine, other):
    from api.ledger.reminders import digests

    instructed(mine.organiser)
    instructed(other.organiser, event=EVENT | {"id": "their-event"})
    with app.state.records.database.reading() as c:
        found = dict(digests(c, date(2027, 10, 1)))
    assert set(found) == {mine.id, other.id}
    assert "their-event" not in found[mine.id].zh and "their-event" in found[other.id].en


def test_what_is_not_ours_is_not_there(mine, other):
    row = instructed(mine.organiser)["CCER-1"]
    here = f"/v1/retirements/{row['id']}"
    proof = send(mine.organiser, row).json()["id"]
    for answer in (
        other.organiser.get(here),
        other.organiser.get(f"{here}/evidence/{proof}"),
        add(other.organiser, row, "C-1"),
        send(other.organiser, row),
        retire(other.organiser, row),
        other.organiser.post(f"{here}/cancel", json={"reason": "x"}),
        mine.organiser.get(f"{here}/evidence/none"),
    ):
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:jinheng:problem:not_found")
    theirs = instructed(other.organiser)["CCER-1"]
    assert other.organiser.get(f"/v1/retirements/{theirs['id']}/evidence/{proof}").status_code == 404
    assert other.organiser.get("/v1/retirements").json()["items"][0]["id"] != row["id"]


# ------------------------------------------------------------------------------------------------------------- serials


@SQLITE
def test_serials_by_the_tonne_are_counted_against_the_mass(mine):
    row = instructed(mine.organiser)["CCER-1"]
    assert codes(add(mine.organiser, row, {"first": "CCER-2025-000001", "last": "000501"})) == ["serials_exceed"]
    shown = add(mine.organiser, row, {"first": "CCER-2025-000001", "last": "000499"}).json()
    assert [f["code"] for f in shown["missing"]] == ["serials_missing"]
    shown = add(mine.organiser, row, "ccer 2025 500").json()
    assert shown["missing"] == [] and [s["tonnes"] for s in shown["serials"]] == ["499", "1"]


@SQLITE
def test_every_fault_of_serials_is_told_at_once_and_nothing_is_kept(app, mine):
    row = instructed(mine.organiser)["CCER-1"]
    answer = add(
        mine.organiser,
        row,
        "A-1",
        {"first": "A-9", "last": "A-3"},
        {"first": "A-1", "last": "B-3"},
        "no number",
        "A-\u200b7",
        {"first": "A-1", "tonnes": "2"},
        {"first": "A-2", "period_from": "2027-01-01"},
        "a 0001",
    )
    assert answer.status_code == 422
    told = [(f["path"].split(".")[0], f["code"]) for f in answer.json()["faults"]]
    assert told == [
        *(("serials[1]", "serial_range"), ("serials[2]", "serial_range"), ("serials[3]", "serial_number")),
        *(("serials[4]", "serial_characters"), ("serials[5]", "serial_mass"), ("serials[6]", "forestry_only")),
        ("serials[7]", "serial_twice"),
    ]
    assert mine.organiser.get(f"/v1/retirements/{row['id']}").json()["serials"] == []


SPELLINGS = ["CCER-2025-0500", "ccer 2025 500", "ＣＣＥＲ－２０２５－５００", "CCER2025-000500"]


def test_a_serial_is_used_once_whoever_uses_it_and_however_it_is_written(app, mine, other):
    ours, theirs = instructed(mine.organiser)["CCER-1"], instructed(other.organiser)["CCER-1"]
    assert add(mine.organiser, ours, {"first": "CCER-2025-000001", "last": "CCER-2025-000500"}).status_code == 200
    for again in SPELLINGS:
        refused = add(other.organiser, theirs, "CCER-2025-501", again)
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:jinheng:problem:double_use")
        assert [f["path"] for f in refused.json()["faults"]] == ["serials[1]"]
        assert mine.id not in refused.text and "mine" not in refused.text
    # nothing of a refused request is kept: its first serial is still free
    assert add(other.organiser, theirs, "CCER-2025-501").status_code == 200
    assert faults_in(app) == []


@SQLITE
def test_the_same_serial_in_another_register_is_another_serial(mine):
    rows = instructed(mine.organiser)
    assert add(mine.organiser, rows["CCER-1"], "2025-1").status_code == 200
    assert add(mine.organiser, rows["CEA-1"], "2025-1").status_code == 200
    assert add(mine.organiser, rows["PHB-1"], {"first": "2025-1", "tonnes": "200"}).status_code == 200


@SQLITE
def test_a_verra_block_is_the_same_units_after_it_was_split_and_in_any_registry_that_claims_it(mine, other):
    credit = {"instrument": "credit", "mechanism": "VCS", "region": "14", "quantity": "500", "price": "20"}
    ours = instructed(mine.organiser, offers=[*OFFERS, {"offer_id": "V-1", **credit}])["V-1"]
    whole = "100-5001-5300-VCS-VCU-1310-VER-CN-13-3005-01012022-31102022-0"
    shown = add(mine.organiser, ours, whole).json()
    assert [(s["tonnes"], s["series"]) for s in shown["serials"]] == [("300", "vcs")]
    theirs = instructed(other.organiser)["CCER-1"]
    part = "207-5300-5310-VCS-VCU-1310-VER-CN-13-3005-01012022-31102022-1"
    assert codes(add(other.organiser, theirs, part)) == ["double_use"]


def test_serials_entered_by_mistake_are_free_again_and_the_trail_keeps_them(app, mine, other):
    ours, theirs = instructed(mine.organiser)["CCER-1"], instructed(other.organiser)["CCER-1"]
    serial = add(mine.organiser, ours, "C-7").json()["serials"][0]["id"]
    where = f"/v1/retirements/{ours['id']}/serials/{serial}/release"
    assert other.organiser.post(where, json={"reason": "x"}).status_code == 404
    assert mine.organiser.post(where, json={"reason": "typed wrongly"}).json()["serials"] == []
    assert mine.organiser.post(where, json={"reason": "again"}).status_code == 404
    assert add(other.organiser, theirs, "C-7").status_code == 200


def test_what_is_sent_twice_under_a_key_is_done_once_and_the_same_serials_again_change_nothing(mine):
    row = instructed(mine.organiser)["CCER-1"]
    body, key = {"serials": ["C-1"]}, {"Idempotency-Key": "s-1"}
    where = f"/v1/retirements/{row['id']}/serials"
    first, again = (mine.organiser.post(where, json=body, headers=key) for _ in range(2))
    assert first.content == again.content and again.headers["idempotency-replayed"] == "true"
    assert add(mine.organiser, row, "C-1").json()["version"] == first.json()["version"] == 2


# ------------------------------------------------------------------------------------------------------------ forestry


def forest_rows(*clients: Any) -> list[dict[str, Any]]:
    return [instructed(client, offers=[*OFFERS, FOREST])["TREE-1"] for client in clients]


def claim(number: int, tonnes: str, since: int, until: int, certified: str | None = None) -> dict[str, Any]:
    dates = {"period_from": f"{since}-01-01", "period_until": f"{until}-12-31"}
    return {"first": f"林认{number}", "tonnes": tonnes, **dates, **({"certified": certified} if certified else {})}


def test_a_forests_period_is_claimed_once(app, mine, other):
    here, there = forest_rows(mine.organiser, other.organiser)
    assert add(mine.organiser, here, claim(1, "301", 2027, 2030)).status_code == 200
    # ours did not say how much was certified: the period is used up, whatever they say
    assert codes(add(other.organiser, there, claim(2, "100", 2027, 2030))) == ["double_use"]
    assert codes(add(other.organiser, there, claim(2, "100", 2030, 2031, "9000"))) == ["double_use"]
    assert add(other.organiser, there, claim(2, "100", 2031, 2032)).status_code == 200
    assert faults_in(app) == []


def test_shares_of_a_forest_stay_within_what_was_certified(app, mine, other):
    here, there = forest_rows(mine.organiser, other.organiser)
    assert add(mine.organiser, here, claim(1, "301", 2027, 2030, "601")).status_code == 200
    assert codes(add(other.organiser, there, claim(2, "301", 2028, 2029, "900"))) == ["double_use"]
    assert add(other.organiser, there, claim(2, "300", 2028, 2029, "900")).status_code == 200
    assert faults_in(app) == []


def test_a_forest_is_not_used_again_as_ccer_nor_the_other_way_round(mine, other):
    as_ccer = {**OFFERS[1], "project_id": "sx 隰县 01", "vintage": 2028}
    (here,) = forest_rows(mine.organiser)
    there = instructed(other.organiser, offers=[OFFERS[0], as_ccer, OFFERS[2]])["CCER-1"]
    assert add(mine.organiser, here, claim(1, "301", 2027, 2030)).status_code == 200
    assert codes(add(other.organiser, there, "C-1")) == ["double_use"]


@SQLITE
def test_forestry_needs_its_period_its_tonnes_and_evidence(mine):
    (row,) = forest_rows(mine.organiser)
    answer = add(mine.organiser, row, {"first": "林认1"}, {**claim(2, "5", 2030, 2027, "3"), "project_id": "else"})
    assert answer.status_code == 422
    assert sorted(codes(answer)) == sorted(["missing", "period", "project_differs", "period", "certified"])
    assert sorted(codes(retire(mine.organiser, row))) == ["evidence_missing", "serials_missing"]
    add(mine.organiser, row, claim(1, "301", 2027, 2030))
    assert codes(retire(mine.organiser, row)) == ["evidence_missing"]
    send(mine.organiser, row)
    assert retire(mine.organiser, row).json()["state"] == "retired"


# ------------------------------------------------------------------------------------------------------------ evidence


def zipped(*names: str) -> bytes:
    out = BytesIO()
    with ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return out.getvalue()


XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
GOOD = [
    (PDF, "application/pdf"),
    (b"\x89PNG\r\n\x1a\n" + b"0" * 20, "image/png"),
    (b"\xff\xd8\xff\xe0" + b"0" * 20, "image/jpeg"),
    (zipped("[Content_Types].xml", "xl/workbook.xml"), XLSX),
    (zipped("OFD.xml"), "application/ofd"),
    ("编号,吨\nC-1,5\n".encode(), "text/csv; charset=utf-8"),
    ("编号,吨\r\nC-1,5\r\n".encode("gb18030"), "text/csv"),
    (b"plain words\n", "text/plain"),
]


def test_evidence_comes_back_byte_by_byte_as_a_download_and_the_same_file_is_kept_once(mine):
    row = instructed(mine.organiser)["CCER-1"]
    for content, kind in GOOD:
        kept = send(mine.organiser, row, content, kind, "证明")
        assert kept.status_code == 201, kept.text
        again = send(mine.organiser, row, content, kind, "another name")
        assert (again.status_code, again.json()) == (200, kept.json())
        answer = mine.auditor.get(kept.headers["location"])
        assert answer.content == content and answer.headers["content-type"] == kind.partition(";")[0]
        assert answer.headers["content-disposition"].startswith("attachment; filename=")
        assert "filename*=UTF-8''%E8%AF%81%E6%98%8E." in answer.headers["content-disposition"]
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert len(mine.organiser.get(f"/v1/retirements/{row['id']}").json()["evidence"]) == len(GOOD)


BAD = [
    (b"<html><script>", "text/html", 415),
    (b"MZ\x90", "application/octet-stream", 415),
    (PDF, "", 415),
    (b"", "application/pdf", 422),
    (b"<html>", "application/pdf", 422),
    (PDF, "image/png", 422),
    (b"PK\x03\x04 cut off", XLSX, 422),
    (zipped("OFD.xml"), XLSX, 422),
    (zipped("[Content_Types].xml", "xl/workbook.xml", "xl/vbaProject.bin"), XLSX, 422),
    (b"a\x00b", "text/csv", 422),
    (b"\xff\xff\xff", "text/plain", 422),
]


@SQLITE
def test_a_file_that_is_not_what_it_says_is_refused(mine):
    row = instructed(mine.organiser)["CCER-1"]
    assert [send(mine.organiser, row, content, kind).status_code for content, kind, _ in BAD] == [s for *_, s in BAD]
    assert mine.organiser.get(f"/v1/retirements/{row['id']}").json()["evidence"] == []


HOSTILE = {
    "../../etc/passwd": "passwd.pdf",
    "C:\\windows\\run.exe": "run.exe.pdf",
    "a\r\nSet-Cookie: x=1.pdf": "a Set-Cookie_ x=1.pdf",
    '"; filename="evil.html': "_; filename=_evil.html.pdf",
    "fdp\u202e.exe": "fdp.exe.pdf",
    "<script>alert(1)</script>.pdf": "script_.pdf",
    "..": "evidence.pdf",
    "": "evidence.pdf",
    "注销证明.PDF": "注销证明.pdf",
    "x" * 400: "x" * 80 + ".pdf",
}


@SQLITE
def test_a_hostile_name_is_kept_as_a_plain_name(mine):
    row = instructed(mine.organiser)["CCER-1"]
    for k, (name, kept) in enumerate(HOSTILE.items()):
        answer = send(mine.organiser, row, PDF + str(k).encode(), name=name)
        assert answer.json()["name"] == kept
        told = mine.organiser.get(answer.headers["location"]).headers["content-disposition"]
        assert told.isascii() and "\n" not in told and told.count('"') == 2


def test_a_file_of_many_chunks_is_kept_whole_and_one_that_is_too_large_is_not(mine):
    row = instructed(mine.organiser)["CCER-1"]
    large = PDF + bytes(range(256)) * (9 * 4096)  # 9 MiB: three chunks
    kept = send(mine.organiser, row, large)
    assert mine.organiser.get(kept.headers["location"]).content == large
    refused = send(mine.organiser, row, PDF + b"0" * 20_000_000)
    assert (refused.status_code, refused.json()["type"]) == (413, "urn:jinheng:problem:too_large")


# ------------------------------------------------------------------------------------------------------------ retiring


@SQLITE
def test_what_is_missing_is_told_all_at_once(mine):
    rows = instructed(mine.organiser)
    answer = retire(mine.organiser, rows["CCER-1"], on="2199-01-01", reference=" ")
    assert answer.status_code == 409 and codes(answer) == ["serials_missing", "date_to_come", "missing"]
    add(mine.organiser, rows["CCER-1"], {"first": "C-1", "last": "C-500"})
    answer = retire(mine.organiser, rows["CCER-1"], on="2199-01-01", reference=" ")
    assert answer.status_code == 422 and codes(answer) == ["date_to_come", "missing"]


@SQLITE
def test_a_platform_without_numbers_is_proven_by_evidence_and_one_with_numbers_by_its_certificates(mine):
    rows = instructed(mine.organiser)
    assert codes(retire(mine.organiser, rows["PHB-1"])) == ["proof_missing"]
    assert codes(add(mine.organiser, rows["PHB-1"], "晋碳普惠证〔2026〕12号")) == ["missing"]
    add(mine.organiser, rows["PHB-1"], {"first": "晋碳普惠证〔2026〕12号", "tonnes": "150"})
    send(mine.organiser, rows["PHB-1"])
    assert codes(retire(mine.organiser, rows["PHB-1"])) == ["serials_missing"]
    add(mine.organiser, rows["PHB-1"], {"first": "晋碳普惠证〔2026〕13号", "tonnes": "50.000"})
    assert retire(mine.organiser, rows["PHB-1"]).json()["state"] == "retired"


def test_what_is_retired_stays_as_it_is(app, mine):
    row = instructed(mine.organiser)["CCER-1"]
    add(mine.organiser, row, {"first": "C-1", "last": "C-500"})
    done = retire(mine.organiser, row)
    assert done.status_code == 200
    assert (done.json()["retired_on"], done.json()["reference"], done.json()["late"]) == (AS_OF, "ZX-1", False)
    here, serial = f"/v1/retirements/{row['id']}", done.json()["serials"][0]["id"]
    for answer in (
        retire(mine.organiser, row),
        add(mine.organiser, row, "C-9"),
        mine.organiser.post(f"{here}/cancel", json={"reason": "x"}),
        mine.organiser.post(f"{here}/serials/{serial}/release", json={"reason": "x"}),
    ):
        assert (answer.status_code, codes(answer)) == (409, ["finished"])
    assert send(mine.organiser, row).status_code == 201  # proof may come later
    assert mine.organiser.get(here).json()["evidence"][0]["name"] == "a.pdf"
    assert faults_in(app) == []


def test_a_cancelled_instruction_gives_its_serials_back(app, mine, other):
    row, theirs = instructed(mine.organiser)["CCER-1"], instructed(other.organiser)["CCER-1"]
    add(mine.organiser, row, "C-1")
    where = f"/v1/retirements/{row['id']}/cancel"
    assert mine.organiser.post(where, json={"reason": ""}).status_code == 422
    cancelled = mine.organiser.post(where, json={"reason": "bought twice"}).json()
    assert (cancelled["state"], cancelled["reason"], cancelled["serials"]) == ("cancelled", "bought twice", [])
    assert add(other.organiser, theirs, "C-1").status_code == 200
    assert faults_in(app) == []


@SQLITE
def test_a_change_asks_for_the_version_that_was_read(mine):
    row = instructed(mine.organiser)["CCER-1"]
    etag = mine.organiser.get(f"/v1/retirements/{row['id']}").headers["etag"]
    add(mine.organiser, row, {"first": "C-1", "last": "C-500"})
    assert retire(mine.organiser, row, **{"If-Match": etag}).status_code == 412
    now = mine.organiser.get(f"/v1/retirements/{row['id']}").headers["etag"]
    assert retire(mine.organiser, row, **{"If-Match": now}).status_code == 200


@SQLITE
def test_a_broken_tonne_takes_a_whole_serial(mine):
    offers = [{**OFFERS[1], "lot_size": "0.5", "quantity": "100.5"}, OFFERS[2]]
    row = instructed(mine.organiser, offers=offers)["CCER-1"]
    assert (row["tonnes"], row["to_cancel_t"]) == ("100.5", "101")
    add(mine.organiser, row, {"first": "C-1", "last": "C-101"})
    assert retire(mine.organiser, row).status_code == 200


@SQLITE
def test_a_plan_that_holds_no_offers_is_instructed_from_its_snapshot(mine):
    many = [{**OFFERS[2], "offer_id": f"MORE-{k}", "price": str(100 + k)} for k in range(5001)]
    snapshot = mine.organiser.post("/v1/snapshots", json={"offers": [*OFFERS, *many]}).json()["id"]
    rows = instructed(mine.organiser, offers=None, snapshot=snapshot)
    assert rows["PHB-1"]["mechanism"] == "三晋绿色生活" and rows["CCER-1"]["vintage"] == 2025


# -------------------------------------------------------------------------------------------------- orders


def ordered(client: Any) -> dict[str, Any]:
    """A delivered quote, but for what a test does with its order."""
    assert client.post("/v1/inventory", json={"offers": OFFERS}).status_code == 201
    quote = {"event": EVENT, "as_of": AS_OF, "client": "示例组委会", "margin": {"rules": [{"per_t": "3"}]}}
    held = client.post("/v1/holds", json={"quote_id": client.post("/v1/quotes", json=quote).json()["id"]}).json()
    answer = client.post("/v1/orders", json={"hold_id": held["id"]})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_what_an_order_delivered_is_instructed_once_it_is_settled(mine, other):
    order = ordered(mine.broker)
    where, asked = f"/v1/orders/{order['id']}", {"order_id": order["id"]}
    lines = {line["offer_id"]: line for line in order["lines"]}
    assert codes(mine.broker.post("/v1/retirements", json=asked)) == ["order_open"] * 3
    for name, tonnes in (("PHB-1", "200"), ("CCER-1", "120")):
        filled = {"line": lines[name]["id"], "tonnes": tonnes, "reference": "JG-1"}
        assert mine.broker.post(f"{where}/fills", json=filled).status_code == 200
    assert mine.broker.post(f"{where}/cancel", json={"reason": "活动缩减"}).status_code == 200
    answer = mine.broker.post("/v1/retirements", json=asked)
    rows = {r["offer_id"]: r for r in answer.json()["items"]}
    # of 500 t CCER 120 were delivered; of 301 t CEA none
    assert {k: (r["tonnes"], r["tier"], r["retire_by"], r["source"]) for k, r in rows.items()} == {
        "PHB-1": ("200", 1, "2027-10-11", "order"),
        "CCER-1": ("120", 2, "2027-10-11", "order"),
    }
    again = mine.broker.post("/v1/retirements", json=asked)
    assert (answer.status_code, again.status_code, again.json()) == (201, 200, answer.json())
    assert other.broker.post("/v1/retirements", json=asked).status_code == 404
    assert mine.broker.post("/v1/retirements", json=asked | {"run_id": "x"}).status_code == 422


@SQLITE
def test_an_order_that_comes_from_no_quote_says_what_it_lacks(mine):
    assert mine.broker.post("/v1/inventory", json={"offers": OFFERS}).status_code == 201
    lot = mine.broker.get("/v1/inventory").json()["items"][0]["id"]
    held = mine.broker.post("/v1/holds", json={"lines": [{"lot": lot, "tonnes": "5"}], "client": "x"}).json()
    order = mine.broker.post("/v1/orders", json={"hold_id": held["id"]}).json()
    refused = mine.broker.post("/v1/retirements", json={"order_id": order["id"]})
    assert codes(refused) == ["order_open", "order_without_quote"]
