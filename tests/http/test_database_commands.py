"""`jinheng db`: backups are whole and can be restored into either kind; verify finds damage; steps go up and down."""

import json
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from fastapi.testclient import TestClient
from sqlalchemy import MetaData, text

from api.cli import run as command
from api.database.copying import all_tables, filled_tables, row_counts
from api.database.opening import SERVICE_STEPS, open_existing_database, open_service_database
from api.database.tables import NEWEST, VERSION_TABLE, tables
from market_data.store_opening import MARKET_STEPS, MIGRATING, revision_of, step_to
from market_data.store_tables import tables as market_tables
from optimizer import BadInput
from tests.forking import process, run
from tests.http.conftest import EVENT, OFFERS, QUESTION, application, client_of, settings_for
from tests.http.things import Things, addresses


def contents(address: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    database = open_existing_database(address)
    try:
        with database.reading() as c:
            return {t.name: sorted(map(tuple, c.execute(t.select())), key=repr) for t in all_tables()}
    finally:
        database.close()


def work(client: TestClient) -> bytes:
    """Something in most tables; gives a plan."""
    client.put("/v1/events/small-event", json=EVENT)
    client.post("/v1/snapshots", json={"offers": OFFERS})
    answer = client.post("/v1/plans", json=QUESTION, headers={"Idempotency-Key": "k1"})
    assert answer.status_code == 201
    return answer.content


@pytest.fixture
def filled(store_address: str, local: TestClient) -> str:
    """A database of either kind in which work was done; the service goes on running."""
    work(local)
    return store_address


@pytest.fixture
def empty(request: pytest.FixtureRequest, tmp_path: Path):
    """Makes the address of another empty database of a kind."""

    def make(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / 'empty.db'}"
        server: str = request.getfixturevalue("postgresql_server")
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute("DROP DATABASE IF EXISTS another WITH (FORCE)")
            admin.execute("CREATE DATABASE another")
        return server.replace("/postgres?", "/another?")

    return make


def backed_up(address: str, folder: Path, name: str = "b.db") -> Path:
    assert command(["db", "backup", str(folder / name), "--database", address]) == 0
    return folder / name


def answer_of(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = command([*words, "--json", "--lang", "en"])
    return code, json.loads(capsys.readouterr().out)


# --------------------------------------------------------------------------------------------- backup and restore


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_backup_restored_into_either_kind_holds_every_row_and_goes_on(filled, empty, kind, tmp_path):
    file = backed_up(filled, tmp_path)
    target = empty(kind)
    assert command(["db", "restore", str(file), "--database", target]) == 0
    assert contents(target) == contents(filled)
    assert command(["db", "verify", "--database", target]) == 0
    made = application(settings_for(target))
    with TestClient(made):
        client = client_of(made)
        replayed = client.post("/v1/plans", json=QUESTION, headers={"Idempotency-Key": "k1"})
        assert replayed.headers["idempotency-replayed"] == "true"
        assert client.put("/v1/events/new", json={**EVENT, "id": "new"}).status_code == 200  # numbers go on
        assert client.get("/v1/audit/verify").json()["holds"] is True


@pytest.mark.parametrize(
    ("store_address", "kind"), [("sqlite", "postgresql"), ("postgresql", "sqlite")], indirect=["store_address"]
)
def test_one_of_everything_comes_back_from_a_backup_into_the_other_kind(store_address, mine, empty, kind, tmp_path):
    """Every kind of thing that the service keeps, and serials that were released and are used again."""
    things = Things(mine)
    for address in sorted(addresses()):
        things.value(address)
    serials = f"/v1/retirements/{things.value('/v1/retirements/{retirement_id}')}/serials"
    serial = things.value("/v1/retirements/{retirement_id}/serials/{serial_id}")
    released = mine.organiser.post(f"{serials}/{serial}/release", json={"reason": "a typing error"})
    assert released.status_code == 200, released.text
    again = {"serials": [f"CCER-14-{mine.id[:6]}-2025-0000001"]}
    assert mine.organiser.post(serials, json=again).status_code == 200
    target = empty(kind)
    assert command(["db", "restore", str(backed_up(store_address, tmp_path)), "--database", target]) == 0
    before = contents(store_address)
    assert contents(target) == before
    empty_ones = {name for name, rows in before.items() if not rows}
    assert not {"lots", "holds", "orders", "quotes", "retirements", "evidence_files", "jobs"} & empty_ones
    assert command(["db", "verify", "--database", target]) == 0


def test_a_backup_made_while_others_write_is_of_one_moment(filled, app, tmp_path):
    local, stop = client_of(app), Event()

    def write() -> None:
        k = 0
        while not stop.is_set():
            local.put(f"/v1/events/e{(k := k + 1)}", json={**EVENT, "id": f"e{k}"})

    writer = Thread(target=write)
    writer.start()
    try:
        files = [backed_up(filled, tmp_path, f"{k}.db") for k in range(3)]
    finally:
        stop.set()
        writer.join()
    counts = []
    for file in files:
        rows = contents(f"sqlite:///{file}")
        (head,) = rows["trail_heads"]
        assert head[1] == len(rows["trail"])  # no moment between an entry and its head
        assert len({e[3] for e in rows["events"]}) == len(rows["events"])
        counts.append(len(rows["events"]))
    assert counts == sorted(counts)


def test_a_backup_is_one_file_and_nothing_beside_it(filled, tmp_path):
    folder = tmp_path / "backups"
    folder.mkdir()
    backed_up(filled, folder)
    backed_up(filled, folder)
    assert [p.name for p in folder.iterdir()] == ["b.db"]


def test_a_backup_that_cannot_be_made_leaves_the_earlier_one(tmp_path, capsys):
    address = f"sqlite:///{tmp_path / 'live.db'}"
    open_service_database(address).close()
    file = backed_up(address, tmp_path)
    before = file.read_bytes()
    with (tmp_path / "live.db").open("r+b") as live:
        live.seek(4096)
        live.write(b"\xff" * 8192)
    code, answer = answer_of(capsys, "db", "backup", str(file), "--database", address)
    assert code == 2 and answer["faults"][0]["code"] in ("backup_failed", "store_refused")
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("store_address", "kind"), [("postgresql", "sqlite"), ("sqlite", "postgresql")], indirect=["store_address"]
)
def test_a_database_that_is_not_empty_is_left_as_it_is(filled, empty, kind, tmp_path, capsys):
    file, target = backed_up(filled, tmp_path), empty(kind)
    with TestClient(application(settings_for(target))):
        pass
    before = contents(target)
    code, answer = answer_of(capsys, "db", "restore", str(file), "--database", target)
    assert code == 2 and [f["code"] for f in answer["faults"]] == ["database_filled"]
    assert contents(target) == before


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_restore_that_fails_half_way_leaves_nothing(empty, kind, tmp_path, capsys):
    address = f"sqlite:///{tmp_path / 'live.db'}"
    made = application(settings_for(address))
    with TestClient(made):
        work(client_of(made))
    file = backed_up(address, tmp_path)
    with closing(sqlite3.connect(file)) as c, c:  # a head of no organisation, which stands near the end
        c.execute("INSERT INTO trail_heads VALUES ('nobody', 0, 'x')")
    target = empty(kind)
    code, answer = answer_of(capsys, "db", "restore", str(file), "--database", target)
    assert code == 2 and answer["faults"][0]["code"] == "store_refused"
    assert command(["db", "restore", str(backed_up(address, tmp_path)), "--database", target]) == 0
    assert contents(target) == contents(address)


def test_what_is_no_backup_is_refused(tmp_path, capsys):
    plain = tmp_path / "plain.db"
    plain.write_text("no database", "utf-8")
    with closing(sqlite3.connect(tmp_path / "other.db")) as c:
        c.execute("CREATE TABLE somebody_elses (x)")
        c.commit()
    for name in ("plain.db", "other.db", "missing.db"):
        target = f"sqlite:///{tmp_path / 'new.db'}"
        code, answer = answer_of(capsys, "db", "restore", str(tmp_path / name), "--database", target)
        assert code == 2 and answer["faults"][0]["code"] in ("backup_format", "backup_unreadable")


def test_a_backup_of_a_database_that_does_not_hold_is_made_and_says_so(filled, app, tmp_path, capsys):
    change_past_the_service(app, "UPDATE trail SET object = 'x'")
    code, answer = answer_of(capsys, "db", "backup", str(tmp_path / "b.db"), "--database", filled)
    assert code == 1 and answer["holds"] is False and (tmp_path / "b.db").exists()


# ------------------------------------------------------------------------------------------------------------- verify


def change_past_the_service(app, *statements: str) -> None:
    """Runs statements with every guard lowered, and raises the guards again."""
    database = app.state.records.database
    with database.writing() as c:
        if c.dialect.name == "sqlite":
            guards = list(c.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")))
            for name, _ in guards:
                c.exec_driver_sql(f"DROP TRIGGER {name}")
            for statement in statements:
                c.exec_driver_sql(statement)
            for _, sql in guards:
                c.exec_driver_sql(sql)
        else:
            c.exec_driver_sql("SET LOCAL session_replication_role = replica")
            for statement in statements:
                c.exec_driver_sql(statement)


DAMAGE = {
    "document_damaged": "UPDATE documents SET content = 'x' WHERE packed = {false}",
    "snapshot_damaged": "UPDATE market_snapshot_chunks SET content = 'x'",
    "trail_changed": "UPDATE trail SET request_id = 'x'",
}


@pytest.mark.parametrize("code", DAMAGE)
def test_verify_finds_what_is_not_what_was_kept(filled, app, capsys, code):
    assert command(["db", "verify", "--database", filled]) == 0
    false = "0" if filled.startswith("sqlite") else "false"
    change_past_the_service(app, DAMAGE[code].format(false=false))
    exit_code, answer = answer_of(capsys, "db", "verify", "--database", filled)
    assert exit_code == 1 and {f["code"] for c in answer["checks"] for f in c["faults"]} == {code}


def test_verify_finds_a_guard_that_was_taken_away(filled, app, capsys):
    with app.state.records.database.writing() as c:
        name = "runs_no_update" if c.dialect.name == "sqlite" else "runs_only_grows ON runs"
        c.exec_driver_sql(f"DROP TRIGGER {name}")
    code, answer = answer_of(capsys, "db", "verify", "--database", filled)
    assert code == 1 and [f["value"] for c in answer["checks"] for f in c["faults"]] == [name.partition(" ")[0]]


def test_verify_finds_a_damaged_file(tmp_path, capsys):
    address = f"sqlite:///{tmp_path / 'live.db'}"
    made = application(settings_for(address))
    with TestClient(made):
        work(client_of(made))
    file = backed_up(address, tmp_path)
    with closing(sqlite3.connect(file)) as c:
        (root,) = c.execute("SELECT rootpage FROM sqlite_master WHERE name = 'trail'").fetchone()
        (size,) = c.execute("PRAGMA page_size").fetchone()
    with file.open("r+b") as damaged:
        damaged.seek((root - 1) * size + 8)
        damaged.write(b"\x7f\xff")
    code, answer = answer_of(capsys, "db", "verify", "--database", f"sqlite:///{file}")
    assert (code in (1, 2) and "database_damaged" in json.dumps(answer)) or "malformed" in json.dumps(answer)


def test_commands_that_only_read_make_no_database(tmp_path, capsys):
    missing = f"sqlite:///{tmp_path / 'typing-error.db'}"
    for words in (["db", "verify"], ["db", "backup", str(tmp_path / "b.db")], ["audit", "verify"]):
        code, answer = answer_of(capsys, *words, "--database", missing)
        assert code == 2 and answer["faults"][0]["code"] == "database_missing"
    assert list(tmp_path.iterdir()) == []


# -------------------------------------------------------------------------------------------------------- migrations


def at(address: str) -> str | None:
    database = open_existing_database(address)
    try:
        with database.reading() as c:
            return revision_of(c, SERVICE_STEPS)
    finally:
        database.close()


def there(address: str) -> set[str]:
    """The service's tables that there are."""
    database = open_existing_database(address)
    try:
        with database.reading() as c:
            found = MetaData()
            found.reflect(c)
            return {name for name in found.tables if not name.startswith("market_") and name != VERSION_TABLE}
    finally:
        database.close()


def script_directory() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(SERVICE_STEPS.folder))
    return ScriptDirectory.from_config(config)


def compare_one(context: MigrationContext, known: MetaData) -> list[Any]:
    """What differs between the database and one set of tables, which names all of its own."""
    context.opts["include_name"] = lambda name, kind, _: kind != "table" or name in known.tables
    return list(compare_metadata(context, known))


def test_the_code_knows_the_newest_step():
    assert script_directory().get_heads() == [NEWEST]


def test_the_steps_make_the_tables_that_the_code_uses(store_address):
    database = open_service_database(store_address)
    options = {"compare_type": True}
    with database.engine.connect() as c:
        context = MigrationContext.configure(c, opts=options)
        differing = [d for known_ones in (market_tables, tables) for d in compare_one(context, known_ones)]
    database.close()
    assert [d for d in differing if d[0] != "remove_index"] == []


def test_every_step_goes_up_from_nothing_and_down_to_nothing(store_address):
    revisions = [s.revision for s in script_directory().walk_revisions()][::-1]
    assert command(["db", "migrate", "--to", revisions[0], "--database", store_address]) == 0
    grown = [there(store_address)]
    for revision in revisions[1:]:
        assert command(["db", "migrate", "--to", revision, "--database", store_address]) == 0
        assert at(store_address) == revision
        grown.append(there(store_address))
        assert grown[-1] >= grown[-2]
    for revision, tables_then in zip(revisions[-2::-1], grown[-2::-1], strict=True):
        assert command(["db", "migrate", "--to", revision, "--database", store_address]) == 0
        assert (at(store_address), there(store_address)) == (revision, tables_then)
    assert command(["db", "migrate", "--to", "base", "--database", store_address]) == 0
    assert (at(store_address), there(store_address)) == (None, set())
    assert command(["db", "migrate", "--database", store_address]) == 0
    assert (at(store_address), there(store_address)) == (NEWEST, grown[-1])


def test_no_step_back_deletes_what_was_saved(filled, capsys):
    before = contents(filled)
    code, answer = answer_of(capsys, "db", "migrate", "--to", "base", "--database", filled)
    assert code == 2 and answer["faults"][0]["code"] == "store_refused"
    assert at(filled) == NEWEST and contents(filled) == before


def test_an_unknown_revision_is_refused_with_those_that_there_are(store_address, capsys):
    code, answer = answer_of(capsys, "db", "migrate", "--to", "0099", "--database", store_address)
    assert code == 2 and answer["faults"][0]["code"] == "revision_unknown" and NEWEST in answer["faults"][0]["message"]


def test_a_newer_schema_is_refused_and_left_alone(filled, app, capsys):
    change_past_the_service(app, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    for words in (["db", "migrate"], ["db", "migrate", "--to", "0001"], ["organisations", "add", "x"]):
        code, answer = answer_of(capsys, *words, "--database", filled)
        assert code == 2 and answer["faults"][0]["code"] == "store_newer", words
    assert at(filled) == "9999"
    with pytest.raises(BadInput), TestClient(application(settings_for(filled))):
        pass


KILLED = """
import os, signal, sys
from sqlalchemy import event
from market_data.store_opening import MARKET_STEPS, connect, step_forward
from api.database.opening import SERVICE_STEPS
database, left = connect(sys.argv[1]), [int(sys.argv[2])]

@event.listens_for(database.engine, "after_cursor_execute")
def count(connection, cursor, statement, parameters, context, many):
    if statement.lstrip()[:6].upper() in ("CREATE", "INSERT", "UPDATE"):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)

for steps in (MARKET_STEPS, SERVICE_STEPS):
    step_forward(database, steps)
"""


def test_a_kill_during_a_step_leaves_the_old_or_the_new(store_address):
    """Killed behind the first, a middle and a late statement of the steps; the next opening finishes the work."""
    seen = set()
    for statements in (3, 40):
        done = run("-c", KILLED, store_address, str(statements))
        assert done.code == -9, done.err
        seen.add(at(store_address))
        database = open_existing_database(store_address)
        with database.reading() as c:
            assert revision_of(c, MARKET_STEPS) in (None, MARKET_STEPS.newest) and filled_tables(c) == []
        database.close()
        assert there(store_address) == set()
    assert seen == {None}
    assert command(["db", "migrate", "--database", store_address]) == 0
    assert command(["db", "verify", "--database", store_address]) == 0


def test_row_counts_tell_tables_that_hold_rows(filled, app):
    with app.state.records.database.reading() as c:
        counted = row_counts(c)
    assert counted["runs"] == counted["replies"] == 1 and "users" not in counted


@pytest.mark.parametrize("store_address", ["postgresql"], indirect=True)  # SQLite admits one writer in all
def test_steps_wait_for_one_another(filled, app):
    """Whoever steps holds the lock: a second one waits, finds the work done, and changes nothing."""
    with app.state.records.database.writing(MIGRATING):
        waiting = process("-m", "api", "db", "migrate", "--database", filled)
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(1.5)
    assert waiting.wait(60) == 0
    step_to(app.state.records.database, SERVICE_STEPS, NEWEST)
