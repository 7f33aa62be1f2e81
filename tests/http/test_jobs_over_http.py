"""Jobs over HTTP: the command line's answers, recorded once; what is foreign is not there; what has ended stays."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete, select, update

from api import cli
from api.access.roles import MAY
from api.database.job_tables import chunks, jobs
from api.jobs.attempts import LOST_MAX, Advanced, Attempt, Finished, claim
from api.jobs.attending import Ticket, attend_in
from api.jobs.dispatch import Worker, enter
from api.jobs.requests import PAPERS
from api.reports.papers import MEDIA_TYPES
from optimizer.errors import BadInput
from tests.http.conftest import AS_OF, EVENT, OFFERS, QUESTION

ONE_DATABASE = pytest.mark.parametrize("store_address", ["sqlite"], indirect=True)
"""For what no database can change."""
KINDS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "sweep": ({"draws": 600, "seed": 11}, ["--draws", "600", "--seed", "11"]),
    "risk": ({"draws": 40, "model": "none"}, ["--draws", "40", "--model", "none"]),
    "calendar": ({"draws": 30}, ["--draws", "30"]),
    "compare": ({"scenarios": ["order-first", "no-forest"]}, ["--scenarios", "order-first,no-forest"]),
    "frontier": ({"alternatives": 2, "within": "0.1"}, ["--alternatives", "2", "--within", "0.1"]),
    "budget": ({"break_even": ["CEA-1"]}, ["--break-even", "CEA-1"]),
    "plan": ({"explain": "all"}, ["--explain", "all"]),
}


@pytest.fixture
def here(app) -> Worker:
    """A worker of this process."""
    return enter(app.state.records.database, "here", 1, 1, 3600)


def asked(client: TestClient, kind: str, **options: Any) -> dict[str, Any]:
    answer = client.post("/v1/jobs", json={**QUESTION, "kind": kind, **options})
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}" and job["state"] == "queued"
    return job


def work_off(app, worker: Worker) -> None:
    """Does every job that waits, in this process."""
    for taken in worker.take(100):
        address = app.state.settings.database
        assert (
            attend_in(app.state.records, Ticket(taken.job_id, taken.organisation_id, worker.id, address, 1)) == "ended"
        )


def begun(app, worker: Worker) -> Attempt:
    """The job that waits, claimed."""
    (taken,) = worker.take(1)
    return again(app, worker, taken.organisation_id, taken.job_id)


def again(app, worker: Worker, organisation_id: str, job_id: str) -> Attempt:
    found = claim(app.state.records, organisation_id, job_id, worker.id, app.state.settings.database)
    assert found is not None
    return found


def same_words(document: Any) -> Any:
    """A document without the names of the files or keys that its warnings stand in."""
    if isinstance(document, dict):
        return {k: same_words(v) for k, v in document.items() if k not in ("file", "row")}
    return [same_words(v) for v in document] if isinstance(document, list) else document


def test_every_kind_of_job_answers_what_its_command_answers(app, local, here, tmp_path, capsys):
    (tmp_path / "event.json").write_text(json.dumps(EVENT))
    (tmp_path / "offers.json").write_text(json.dumps(OFFERS))
    files = [str(tmp_path / "event.json"), "--offers", str(tmp_path / "offers.json")]
    database = ["--database", app.state.settings.database]
    made = {kind: asked(local, kind, **options)["id"] for kind, (options, _) in KINDS.items()}
    work_off(app, here)
    for kind, (_, arguments) in KINDS.items():
        cli.run([kind, *files, *arguments, "--as-of", AS_OF, "--json", "--lang", "en", *database])
        told = json.loads(capsys.readouterr().out)
        result = local.get(f"/v1/jobs/{made[kind]}/result")
        assert result.status_code == 200, (kind, local.get(f"/v1/jobs/{made[kind]}").json())
        if kind == "plan":  # its seal covers all of it
            assert result.json()["plan_id"] == told["plan_id"]
            assert local.get(f"/v1/plans/{told['plan_id']}").content == result.content
        else:
            assert same_words(result.json()) == same_words(told), kind
        job = local.get(f"/v1/jobs/{made[kind]}").json()
        assert job["state"] == "done" and job["done"] == job["total"] and job["ended_at"] >= job["started_at"]


@ONE_DATABASE
def test_a_comparison_is_written_in_every_kind_the_same_as_the_page_gives_it(app, local, here):
    kept = {"event_id": EVENT["id"], "snapshot": local.post("/v1/snapshots", json={"offers": OFFERS}).json()["id"]}
    assert local.put(f"/v1/events/{EVENT['id']}", json=EVENT).status_code == 200
    ways, kinds = ["order-first", "no-forest"], list(PAPERS["compare"])
    job = asked(local, "compare", scenarios=ways, papers=kinds)["id"]
    work_off(app, here)
    for kind in kinds:
        paper = local.get(f"/v1/jobs/{job}/papers/{kind}")
        assert paper.status_code == 200 and paper.headers["content-type"] == MEDIA_TYPES[kind]
        page = local.get("/compare/paper", params={**kept, "as_of": AS_OF, "way": ways, "kind": kind})
        assert page.content == paper.content, kind


@ONE_DATABASE
def test_a_plan_is_made_again_on_another_market(app, local, here):
    run = local.post("/v1/plans", json=QUESTION).headers["location"].rsplit("/", 1)[-1]
    snapshot = local.post("/v1/snapshots", json={"offers": OFFERS[1:]}).json()["id"]
    body = {"kind": "replan", "plan": run, "snapshot": snapshot[:12], "as_of": AS_OF, "papers": ["csv"]}
    job = local.post("/v1/jobs", json=body).json()
    assert job["title"] == EVENT["id"]
    work_off(app, here)
    result = local.get(f"/v1/jobs/{job['id']}/result").json()
    # 200 t of PHB-1 at 60 are gone; the 501 t beyond CCER-1 are bought at 75: 40,000 + 37,575
    assert result["plan"]["totals"]["cost"] == "77575.00" and result["warnings"] == []
    assert b"CCER-1" in local.get(f"/v1/jobs/{job['id']}/papers/csv").content
    assert local.get(f"/v1/jobs/{job['id']}/papers/xlsx").status_code == 404


@ONE_DATABASE
def test_what_is_wrong_is_told_before_the_job_is_accepted(local):
    broken = {**EVENT, "end_date": "soon", "emissions": {"tonnes": -1, "status": "verified"}}
    answer = local.post("/v1/jobs", json={"kind": "risk", "event": broken, "offers": [{"offer_id": "A"}], "budget": -5})
    assert answer.status_code == 422
    paths = {f.get("path") or f.get("column") for f in answer.json()["faults"]}
    assert {"event.end_date", "event.emissions.tonnes", "budget", "price", "quantity"} <= paths
    for options in ({"draws": 0}, {"papers": ["docx"]}, {"seed": -1}, {"unknown": 1}):
        assert local.post("/v1/jobs", json={**QUESTION, "kind": "sweep", **options}).status_code == 422
    assert local.get("/v1/jobs").json()["items"] == []


@ONE_DATABASE
def test_a_rule_pack_is_never_a_file_of_the_server(local):
    names = ("../../../etc/passwd", "/etc/passwd", "pyproject.toml")
    asks: list[dict[str, Any]] = [
        *({"kind": "compare", "scenarios": {"scenarios": [{"name": "a", "policy": n}]}} for n in names),
        *({"kind": "frontier", "policy": n} for n in names),
        *({"kind": "frontier", "event": {**EVENT, "policy": n}} for n in names),
    ]
    for ask in asks:
        answer = local.post("/v1/jobs", json={**QUESTION, **ask})
        assert answer.status_code == 422 and [f["code"] for f in answer.json()["faults"]] == ["policy_unknown"]


@ONE_DATABASE
def test_what_only_the_work_finds_out_is_told_by_the_job(app, local, here):
    job = asked(local, "budget", break_even=["NO-SUCH"])
    work_off(app, here)
    told = local.get(f"/v1/jobs/{job['id']}").json()
    assert told["state"] == "failed" and told["problem"]["status"] == 422
    assert [(f["path"], f["value"]) for f in told["problem"]["faults"]] == [("break_even", "NO-SUCH")]
    assert local.get(f"/v1/jobs/{job['id']}/result").status_code == 409


@ONE_DATABASE
def test_the_same_key_makes_one_job(local):
    body = {**QUESTION, "draws": 10}
    first, second = (local.post("/v1/sweeps", json=body, headers={"Idempotency-Key": "s"}) for _ in range(2))
    assert first.content == second.content and second.headers["idempotency-replayed"] == "true"
    assert len(local.get("/v1/sweeps").json()["items"]) == 1
    assert local.get(f"/v1/sweeps/{first.json()['id']}").json()["kind"] == "sweep"


def test_jobs_of_another_organisation_are_not_there(app, mine, other, here):
    job = asked(mine.finance, "sweep", draws=10, papers=["csv"])["id"]
    kept = mine.finance.post("/v1/scenario-sets", json={"name": "a", "scenarios": ["order-first"]}).json()["id"]
    work_off(app, here)
    for path in ("", "/result", "/progress", "/papers/csv"):
        assert mine.finance.get(f"/v1/jobs/{job}{path}").status_code == 200, path
        foreign, missing = other.administrator.get(f"/v1/jobs/{job}{path}"), other.finance.get(f"/v1/jobs/none{path}")
        assert (foreign.status_code, missing.status_code) == (404, 404)
        assert foreign.json()["title"] == missing.json()["title"] and "faults" not in foreign.json()
    assert other.administrator.post(f"/v1/jobs/{job}/cancel").status_code == 404
    assert other.administrator.get(f"/v1/sweeps/{job}").status_code == 404
    assert other.administrator.get(f"/v1/scenario-sets/{kept}").status_code == 404
    stolen = other.finance.post("/v1/jobs", json={**QUESTION, "kind": "compare", "scenario_set": kept})
    assert stolen.status_code == 422 and stolen.json()["faults"][0]["path"] == "scenario_set"
    assert other.administrator.get("/v1/jobs").json()["items"] == []
    assert other.administrator.get("/v1/scenario-sets").json()["items"] == []


@ONE_DATABASE
def test_an_auditor_reads_jobs_and_runs_none(mine):
    job = asked(mine.organiser, "frontier")["id"]
    assert "jobs.run" not in MAY["auditor"]
    assert mine.auditor.get(f"/v1/jobs/{job}").status_code == 200
    assert mine.auditor.post("/v1/jobs", json={**QUESTION, "kind": "frontier"}).status_code == 403
    assert mine.auditor.post(f"/v1/jobs/{job}/cancel").status_code == 403


@ONE_DATABASE
def test_the_trail_says_who_asked_and_how_it_ended(app, mine, here):
    done, stopped = asked(mine.finance, "frontier")["id"], asked(mine.broker, "frontier")["id"]
    mine.broker.post(f"/v1/jobs/{stopped}/cancel")
    work_off(app, here)
    notes = [e for e in mine.auditor.get("/v1/audit").json()["items"] if e["action"].startswith("job.")]
    said = {(e["action"], e["object"], e["actor"]["name"], e["actor"]["way"]) for e in notes}
    assert said == {
        ("job.accept", done, "finance", "key"),
        ("job.accept", stopped, "broker", "key"),
        ("job.cancel", stopped, "broker", "key"),
        ("job.done", done, "finance", "job"),
    }


@ONE_DATABASE
def test_a_job_that_waits_is_cancelled_at_once_and_never_taken(local, here):
    job = asked(local, "frontier")["id"]
    assert local.post(f"/v1/jobs/{job}/cancel").json()["state"] == "cancelled"
    assert local.post(f"/v1/jobs/{job}/cancel").json()["state"] == "cancelled"
    assert here.take(10) == []
    assert local.get(f"/v1/jobs/{job}/result").status_code == 409


def test_a_job_that_runs_hears_that_it_is_cancelled(app, local, here):
    job = asked(local, "frontier")["id"]
    attempt = begun(app, here)
    assert attempt.tell(Advanced(1, 4, "step")) == "on"
    asked_to_stop = local.post(f"/v1/jobs/{job}/cancel").json()
    assert asked_to_stop["state"] == "running" and asked_to_stop["cancel_asked"] is True
    assert attempt.tell(Advanced(2, 4, "step")) == "cancel" == attempt.ask()
    assert attempt.stop()
    assert local.get(f"/v1/jobs/{job}").json()["state"] == "cancelled"


def test_an_attempt_that_was_overtaken_changes_nothing(app, local, here):
    job = asked(local, "sweep", draws=10)["id"]
    old = begun(app, here)
    old.keep_chunk("a" * 64, b"old", Advanced(1, 2))
    new = again(app, here, old.actor.organisation_id, job)
    assert new.number == old.number + 1
    old.keep_chunk("b" * 64, b"old", Advanced(2, 2))
    assert old.tell(Advanced(2, 2)) == "overtaken" == old.ask()
    assert not old.finish(Finished(b'{"of": "old"}', {})) and not old.stop() and not old.fail("our_fault", ())
    new.keep_chunk("a" * 64, b"new", Advanced(1, 2))
    with app.state.records.database.reading() as c:
        kept = [(k, bytes(v)) for k, v in c.execute(select(chunks.c.key, chunks.c.content))]
    assert kept == [("a" * 64, b"old")]  # recorded once, by whoever was first
    assert new.finish(Finished(b'{"of": "new"}', {}))
    assert not new.finish(Finished(b'{"of": "twice"}', {}))
    assert local.get(f"/v1/jobs/{job}/result").json() == {"of": "new"}


def test_the_database_refuses_to_change_a_job_that_has_ended(app, local, here):
    job = asked(local, "frontier")["id"]
    work_off(app, here)
    before = local.get(f"/v1/jobs/{job}").json()
    for change in (update(jobs).values(state="queued"), update(jobs).values(version=99), delete(jobs)):
        with pytest.raises(BadInput), app.state.records.database.writing() as c:
            c.execute(change.where(jobs.c.id == job))
    assert local.get(f"/v1/jobs/{job}").json() == before


def test_a_job_under_which_processes_die_fails_in_the_end(app, local, here):
    job = asked(local, "frontier")["id"]
    first = begun(app, here)
    for _ in range(LOST_MAX - 1):
        again(app, here, first.actor.organisation_id, job)
    address = app.state.settings.database
    assert claim(app.state.records, first.actor.organisation_id, job, here.id, address) is None
    told = local.get(f"/v1/jobs/{job}").json()
    assert told["state"] == "failed" and told["problem"]["type"] == "urn:jinheng:problem:our_fault"


def test_a_job_that_was_given_back_is_no_lost_attempt_and_keeps_its_chunks(app, local, here):
    asked(local, "sweep", draws=10)
    attempt = begun(app, here)
    attempt.keep_chunk("a" * 64, b"old", Advanced(1, 2))
    attempt.give_back()
    taken = begun(app, here)
    with app.state.records.reading(taken.actor) as scope:
        row = scope.one(jobs, taken.job_id)
        assert (row["attempt"], row["lost"], row["chunks"], scope.count(chunks)) == (2, 0, 1, 1)


def test_whose_jobs_run_least_goes_first(app, mine, other, here):
    asked(mine.finance, "frontier")
    begun(app, here)
    late = [asked(mine.finance, "frontier")["id"], asked(other.finance, "frontier")["id"]]
    assert [t.job_id for t in here.take(1)] == [late[1]]


def test_the_jobs_of_a_worker_that_was_not_heard_of_are_free(app, local, here):
    job = asked(local, "frontier")["id"]
    begun(app, here)
    other = enter(app.state.records.database, "there", 2, 1, 0)
    assert other.take(1) == []
    while here.beat():  # with nothing to wait for, whoever does not speak in this very moment is lost
        other.find_lost()
    assert [t.job_id for t in other.take(1)] == [job] and not here.beat()


def test_progress_is_read_to_the_end_and_goes_on_behind_what_was_seen(app, local, here):
    job = asked(local, "sweep", draws=600)["id"]
    work_off(app, here)
    stream = local.get(f"/v1/jobs/{job}/progress")
    assert stream.headers["content-type"].startswith("text/event-stream")
    lines = dict(line.split(": ", 1) for line in stream.text.splitlines() if ": " in line)
    told = json.loads(lines["data"])
    assert lines["event"] == "end" and told == local.get(f"/v1/jobs/{job}").json()
    assert lines["id"] == str(told["version"])
    seen = local.get(f"/v1/jobs/{job}/progress", headers={"Last-Event-ID": lines["id"]})
    assert seen.status_code == 204 and not seen.content
    earlier = local.get(f"/v1/jobs/{job}/progress", headers={"Last-Event-ID": str(told["version"] - 1)})
    assert earlier.status_code == 200 and "event: end" in earlier.text


def test_sets_of_scenarios_keep_every_version(app, local, here):
    first = local.post("/v1/scenario-sets", json={"name": "2027", "scenarios": ["order-first"]}).json()
    same = local.post("/v1/scenario-sets", json={"name": "2027", "scenarios": {"library": ["order-first"]}}).json()
    second = local.post("/v1/scenario-sets", json={"name": "2027", "scenarios": ["no-forest"]}).json()
    assert same == first and (first["version"], second["version"]) == (1, 2)
    assert [s["id"] for s in local.get("/v1/scenario-sets").json()["items"]] == [second["id"]]
    every = local.get("/v1/scenario-sets", params={"name": "2027"}).json()["items"]
    assert [s["version"] for s in every] == [2, 1]
    assert local.get(f"/v1/scenario-sets/{first['id']}").json() == first
    job = asked(local, "compare", scenario_set=first["id"])["id"]
    work_off(app, here)
    told = local.get(f"/v1/jobs/{job}/result").json()
    assert [s["name"] for s in told["scenarios"]] == ["order-first"]
    wrong = local.post("/v1/scenario-sets", json={"name": "x", "scenarios": ["nothing-such"]})
    assert wrong.status_code == 422 and wrong.json()["faults"][0]["path"].startswith("scenarios.library")


@ONE_DATABASE
def test_an_own_rule_pack_is_used_by_scenarios(app, mine, here):
    pack = mine.administrator.get("/v1/policies/shanxi-2022").json()["pack"] | {"id": "our-pack"}
    kept = mine.administrator.post("/v1/policies", json=pack)
    assert kept.status_code == 201, kept.text
    job = asked(mine.finance, "compare", scenarios={"scenarios": [{"name": "ours", "policy": "our-pack"}]})["id"]
    work_off(app, here)
    assert mine.finance.get(f"/v1/jobs/{job}").json()["state"] == "done"


@ONE_DATABASE
def test_a_job_acts_for_whoever_asked(app, mine, here):
    asked(mine.finance, "plan")
    work_off(app, here)
    (run,) = mine.finance.get("/v1/plans").json()["items"]
    assert run["made_by"] == mine.finance.get("/v1/me").json()["user"]


@ONE_DATABASE
def test_a_batch_of_quotes_is_the_batch_that_is_quoted_at_once(app, mine, here):
    mine.broker.post("/v1/inventory", json={"offers": OFFERS})
    small = {**EVENT, "id": "small", "emissions": {"tonnes": "300", "status": "verified"}}
    batch: dict[str, Any] = {
        "events": [{"event": EVENT, "client": "甲会"}, {"event": small, "client": "乙会"}],
        "as_of": AS_OF,
    }
    batch["margin"] = {"rules": [{"per_t": "3"}]}
    at_once = mine.broker.post("/v1/quotes/batch", json=batch).json()["items"]
    refused = mine.organiser.post("/v1/jobs", json={**batch, "kind": "quotes"})
    assert refused.status_code == 403
    job = mine.broker.post("/v1/jobs", json={**batch, "kind": "quotes"}).json()
    assert job["title"] == "small-event, small"
    work_off(app, here)
    result = mine.finance.get(f"/v1/jobs/{job['id']}/result").json()
    assert set(result) == {"batch_id", "quotes"}  # who may read jobs need not read prices
    made = mine.broker.get("/v1/quotes", params={"batch": result["batch_id"]}).json()["items"]
    assert sorted(q["id"] for q in made) == sorted(result["quotes"])
    told = ("event_id", "client", "price", "cost", "plan_id", "firm")
    assert {tuple(q[k] for k in told) for q in made} == {tuple(q[k] for k in told) for q in at_once}


@ONE_DATABASE
def test_the_operator_sees_and_cancels_jobs_on_the_machine_itself(app, local, here, capsys):
    job = asked(local, "frontier")["id"]
    where = ["--database", app.state.settings.database, "--lang", "en"]
    assert cli.run(["jobs", "list", *where]) == 0
    assert job in (shown := capsys.readouterr().out) and "queued" in shown
    assert cli.run(["jobs", "workers", "--json", *where]) == 0
    assert [w["id"] for w in json.loads(capsys.readouterr().out)["items"]] == [here.id]
    assert cli.run(["jobs", "cancel", job, "--json", *where]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "cancelled"
    assert cli.run(["jobs", "cancel", "none", *where]) == 2
    assert local.get(f"/v1/jobs/{job}").json()["state"] == "cancelled"


@pytest.mark.parametrize("name", ["service.md", "service.zh.md"])
def test_every_kind_of_job_is_on_the_page_with_its_papers(name):
    page = (Path(__file__).parents[2] / "docs" / name).read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| .+ \|(.*)\|$", page.partition("| kind |")[2], re.MULTILINE)
    assert {kind: tuple(re.findall(r"`(\w+)`", papers)) for kind, papers in rows} == PAPERS
