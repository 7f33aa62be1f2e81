"""The disclosure of an event: whole or refused, its figures the plan's, published once and then only corrected."""

import json
from typing import Any

import pytest

from tests.http.conftest import AS_OF, EVENT
from tests.http.test_retirements import SQLITE, add, codes, faults_in, planned, retire, send

FULL = EVENT | {
    **{"organiser": "示例体育局", "end_date": "2026-10-11"},
    "emissions": {
        **{"tonnes": "1000.5", "status": "verified", "verifier": "示例核查公司", "statement": "HC-2026-1"},
        "verified_on": "2026-11-05",
    },
}
MEASURES = ["使用绿色电力", "无纸化会议"]


def bought(client: Any, event: Any = FULL, **changes: Any) -> tuple[str, list[dict[str, Any]]]:
    run = planned(client, event=event, **changes)
    return run, client.post("/v1/retirements", json={"run_id": run}).json()["items"]


def cancelled(client: Any, rows: list[dict[str, Any]], mark: str) -> None:
    """Everything retired, with serials and evidence."""
    for row in rows:
        units = row["to_cancel_t"]
        whole = {"first": f"{mark}-{row['offer_id']}-1"}
        by_the_tonne = row["instrument"] != "carbon_inclusion"
        whole |= {"last": f"{mark}-{row['offer_id']}-{units}"} if by_the_tonne else {"tonnes": units}
        assert add(client, row, whole).status_code == 200
        assert send(client, row).status_code == 201
        assert retire(client, row).status_code == 200


def disclose(client: Any, run: str, **more: Any) -> Any:
    return client.post("/v1/disclosures", json={"event_id": "small-event", "run_id": run, "measures": MEASURES} | more)


def published(client: Any, made: Any) -> Any:
    return client.post(f"{made.headers['location']}/publish", json={"place": "https://example.cn/gongshi"})


def test_the_disclosure_is_whole_and_its_figures_are_the_plans(app, mine):
    run, rows = bought(mine.organiser)
    cancelled(mine.organiser, rows, "A")
    made = disclose(mine.organiser, run)
    assert made.status_code == 201, made.text
    record, plan = made.json()["record"], mine.organiser.get(f"/v1/plans/{run}").json()
    assert record["missing"] == [] and record["completed_on"] == AS_OF
    # 200 + 500 + 301 whole tonnes for 1000.5 t
    assert record["totals"] == {
        **{"emitted_t": "1000.5", "bought_t": "1001", "retired_t": "1001", "offset_t": "1001", "due_t": "0"}
    }
    for tier, planned_tier in zip(record["tiers"], plan["tiers"], strict=True):
        assert tier["planned_t"] == tier["bought_t"] == tier["retired_t"] == planned_tier["effective_t"]
    by_serials = {r["offer_id"]: [s["tonnes"] for s in r["serials"]] for r in record["retirements"]}
    assert by_serials == {"PHB-1": ["200"], "CCER-1": ["500"], "CEA-1": ["301"]}
    assert all(r["evidence"][0]["sha256"] and r["reference"] == "ZX-1" for r in record["retirements"])
    assert {r["registry"]["zh"] for r in record["retirements"]} == {
        *("山西碳普惠平台", "全国温室气体自愿减排注册登记系统", "全国碳排放权注册登记系统")
    }
    assert faults_in(app) == []


@SQLITE
def test_the_statement_says_recommended_and_offset_in_the_sources_words_and_promises_nothing(mine):
    run, rows = bought(mine.organiser)
    cancelled(mine.organiser, rows, "A")
    said = disclose(mine.organiser, run).json()["record"]["statement"]
    for words in ("小型会议碳中和公示", "示例体育局", "示例核查公司", "HC-2026-1", "使用绿色电力；无纸化会议"):
        assert words in said["zh"]
    assert "晋环发〔2022〕41号" in said["zh"] and "推荐的优先顺序" in said["zh"] and "不构成法律意见" in said["zh"]
    assert "抵销" in said["zh"] and "抵消" not in said["zh"] and "A-CCER-1-1 ~ A-CCER-1-500" in said["zh"]
    assert "1001 吨, 不少于核查的排放量 1000.5 吨二氧化碳当量" in said["zh"]
    assert "recommended order" in said["en"] and "no promise that any rule is met" in said["en"]
    assert "A-CEA-1-1 ~ A-CEA-1-301" in said["en"] and "草稿" not in said["zh"]


@SQLITE
def test_what_is_missing_is_told_at_once_and_a_draft_shows_it(mine):
    run, rows = bought(mine.organiser, event=EVENT)
    cancelled(mine.organiser, rows[:1], "A")
    refused = disclose(mine.organiser, run, measures=[" "])
    assert refused.status_code == 409
    assert sorted((f["code"], f["path"]) for f in refused.json()["faults"]) == [
        ("missing", "emissions.verified_on"),
        ("missing", "emissions.verifier"),
        ("missing", "event.organiser"),
        ("missing", "measures"),
        ("not_covered", "totals.offset_t"),
        ("not_retired", "retirements[1]"),
        ("not_retired", "retirements[2]"),
    ]
    draft = disclose(mine.organiser, run, measures=[], draft=True)
    assert draft.status_code == 201 and len(draft.json()["record"]["missing"]) == 7
    assert "（草稿, 尚缺 7 项）" in draft.json()["record"]["statement"]["zh"]
    assert codes(published(mine.organiser, draft)) == ["draft"]


@SQLITE
@pytest.mark.parametrize(
    ("event", "changes", "wanted"),
    [
        ({"emissions": {"tonnes": "1000", "status": "estimated"}}, {}, "not_verified"),
        ({}, {"budget": "50000"}, "not_covered"),
    ],
)
def test_estimates_and_a_short_plan_are_no_neutrality(mine, event, changes, wanted):
    run, rows = bought(mine.organiser, event=FULL | event, **changes)
    cancelled(mine.organiser, rows, "A")
    assert wanted in codes(disclose(mine.organiser, run))


@SQLITE
def test_a_retirement_without_evidence_and_emissions_that_changed_are_missing(mine):
    mine.organiser.put("/v1/events/small-event", json=FULL)
    run, rows = bought(mine.organiser)
    cancelled(mine.organiser, rows[:2], "A")
    add(mine.organiser, rows[2], {"first": "B-1", "last": "B-301"})
    retire(mine.organiser, rows[2])
    assert codes(disclose(mine.organiser, run)) == ["evidence_missing"]
    send(mine.organiser, rows[2])
    assert disclose(mine.organiser, run).status_code == 201
    more = json.loads(json.dumps(FULL)) | {"emissions": FULL["emissions"] | {"tonnes": "1000.6"}}
    mine.organiser.put("/v1/events/small-event", json=more)
    assert codes(disclose(mine.organiser, run)) == ["event_changed"]


def test_published_it_never_changes_and_only_a_correction_with_a_reason_follows(app, mine):
    run, rows = bought(mine.organiser)
    cancelled(mine.organiser, rows, "A")
    first = disclose(mine.organiser, run)
    assert disclose(mine.organiser, run).json() == first.json()  # the same again is the same version
    public = published(mine.organiser, first)
    assert public.status_code == 200 and public.json()["published_at"] is not None
    assert codes(published(mine.organiser, first)) == ["published"]
    assert codes(disclose(mine.organiser, run, measures=["别的"])) == ["correction_missing"]
    second = disclose(mine.organiser, run, measures=["别的"], correction="措施写错了").json()
    assert (second["version"], second["corrects"]) == (2, first.json()["id"])
    assert "（更正第 1 版: 措施写错了）" in second["record"]["statement"]["zh"]
    now = mine.organiser.get(first.headers["location"]).json()
    assert now == public.json() and now["record"] == first.json()["record"]
    listed = mine.organiser.get("/v1/disclosures", params={"event_id": "small-event"}).json()["items"]
    assert [(d["version"], d["published_at"] is not None) for d in listed] == [(2, False), (1, True)]


@SQLITE
def test_only_the_newest_version_is_published(mine):
    run, rows = bought(mine.organiser)
    cancelled(mine.organiser, rows, "A")
    first = disclose(mine.organiser, run)
    disclose(mine.organiser, run, measures=["别的"])
    assert codes(published(mine.organiser, first)) == ["superseded"]


def test_disclosures_are_their_organisations_own(mine, other):
    run, _ = bought(mine.organiser)
    made = disclose(mine.organiser, run, draft=True)
    assert other.organiser.get(made.headers["location"]).status_code == 404
    assert published(other.organiser, made).status_code == 404
    assert disclose(other.organiser, run, draft=True).status_code == 404
    assert other.organiser.get("/v1/disclosures").json()["items"] == []
    assert disclose(mine.finance, run, draft=True).status_code == 403
    unknown = mine.organiser.post("/v1/disclosures", json={"event_id": "x", "run_id": run, "draft": True})
    assert codes(unknown) == ["event_unknown"]


@SQLITE
def test_what_people_write_cannot_pose_as_a_section(mine):
    run, _ = bought(mine.organiser)
    made = disclose(mine.organiser, run, measures=["a\n六、结论: 已抵销"], draft=True).json()
    assert "\n六、结论: 已抵销" not in made["record"]["statement"]["zh"].replace("已抵销 0 吨", "")
    assert "a 六、结论: 已抵销" in made["record"]["statement"]["zh"]
