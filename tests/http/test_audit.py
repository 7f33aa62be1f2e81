"""The trail: whoever changes anything past the service is found out, and an export kept elsewhere finds the rest."""

import hashlib
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from api.access import trail
from api.access.trail_exports import noted_in
from api.cli import run as command
from api.database import tables
from optimizer.plan import canonical
from tests.http.conftest import EVENT

COLUMNS = ("organisation_id", "seq", "at", "actor", "action", "object", "details", "request_id", "previous", "hash")


def kept(client, *names: str) -> None:
    for name in names:
        answer = client.put(f"/v1/events/{name}", json={**EVENT, "id": name})
        assert answer.status_code == 200, answer.text


@pytest.fixture
def database(app, mine):
    """A database in which an organisation has done something, beside the first one, which has not."""
    kept(mine.organiser, "a", "b", "c")
    return app.state.records.database


def open_to_changes(c: Connection) -> None:
    """What an intruder with the database's own password does first."""
    if c.dialect.name == "sqlite":
        for change in ("update", "delete"):
            c.execute(text(f"DROP TRIGGER trail_no_{change}"))
    else:
        c.execute(text("DROP TRIGGER trail_only_grows ON trail"))


def found_after(database, tamper: Callable[[Connection], Any], earlier=None) -> list[trail.Break]:
    """The breaks that are found after a change past the service; the change is taken back."""
    with database.engine.connect() as c:
        transaction = c.begin()
        open_to_changes(c)
        tamper(c)
        found = list(trail.breaks(c, earlier))
        transaction.rollback()
    return found


def run_sql(sql: str, **values: Any) -> Callable[[Connection], Any]:
    return lambda c: c.execute(text(sql), values)


def all_rows(c: Connection, organisation_id: str) -> list[dict[str, Any]]:
    return [dict(row) for row in trail.entries(c, organisation_id)]


def test_an_untouched_trail_holds(database):
    with database.reading() as c:
        assert list(trail.breaks(c)) == []


def test_a_change_to_any_column_of_a_middle_entry_is_found(database, mine):
    for column in COLUMNS:
        value: Any = {"organisation_id": "local", "seq": 99}.get(column, "0" * 20)
        sql = f"UPDATE trail SET {column} = :v WHERE organisation_id = :o AND seq = 5"
        found = found_after(database, run_sql(sql, v=value, o=mine.id))
        assert mine.id in {b.organisation_id for b in found}, column


def test_a_removed_middle_entry_is_found(database, mine):
    removed = run_sql("DELETE FROM trail WHERE organisation_id = :o AND seq = 5", o=mine.id)
    assert trail.Break(mine.id, 5, "missing") in found_after(database, removed)


def test_an_entry_that_was_slipped_in_is_found(database, mine):
    def slip_in(c: Connection, seq: int) -> None:
        row = {**all_rows(c, mine.id)[0], "seq": seq}
        row["hash"] = trail.hash_of(mine.id, seq, row["at"], ("{}", "a", "b", "{}", ""), trail.NO_ENTRY)
        c.execute(tables.trail.insert(), row)

    for seq in (-1, 0, 1000):
        assert mine.id in {b.organisation_id for b in found_after(database, partial(slip_in, seq=seq))}, seq


def test_entries_of_no_organisation_are_found(store_address, database, mine):
    if store_address.startswith("postgresql"):
        pytest.skip("PostgreSQL itself refuses them while its keys stand")

    def orphan(c: Connection) -> None:
        c.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        c.execute(tables.trail.insert(), {**all_rows(c, mine.id)[0], "organisation_id": "nobody"})

    assert trail.Break("nobody", 0, "foreign") in found_after(database, orphan)


def test_an_entry_that_is_no_text_any_more_is_found(store_address, database, mine):
    if store_address.startswith("postgresql"):
        pytest.skip("PostgreSQL keeps a column to its type")
    changed = run_sql(
        "UPDATE trail SET object = CAST(object AS BLOB) WHERE organisation_id = :o AND seq = 5", o=mine.id
    )
    assert trail.Break(mine.id, 5, "changed") in found_after(database, changed)


def cut_the_tail(c: Connection, organisation_id: str) -> None:
    rows = all_rows(c, organisation_id)
    o, last = {"o": organisation_id}, rows[-2]
    c.execute(text("DELETE FROM trail WHERE organisation_id = :o AND seq > :s"), {**o, "s": last["seq"]})
    head = "UPDATE trail_heads SET seq = :s, hash = :h WHERE organisation_id = :o"
    c.execute(text(head), {**o, "s": last["seq"], "h": last["hash"]})


def compute_anew(c: Connection, organisation_id: str) -> None:
    last = trail.NO_ENTRY
    for row in all_rows(c, organisation_id):
        words = (row["actor"], row["action"], "another thing", row["details"], row["request_id"])
        digest = trail.hash_of(organisation_id, row["seq"], row["at"], words, last)
        change = "UPDATE trail SET object = 'another thing', previous = :p, hash = :h"
        one = {"p": last, "h": digest, "o": organisation_id, "s": row["seq"]}
        c.execute(text(f"{change} WHERE organisation_id = :o AND seq = :s"), one)
        last = digest
    c.execute(text("UPDATE trail_heads SET hash = :h WHERE organisation_id = :o"), {"h": last, "o": organisation_id})


def remove_the_organisation(c: Connection, organisation_id: str) -> None:
    for table in ("trail", "trail_heads"):
        c.execute(text(f"DELETE FROM {table} WHERE organisation_id = :o"), {"o": organisation_id})


def test_what_the_database_alone_cannot_show_is_found_against_an_earlier_export(database, mine, tmp_path):
    file = tmp_path / "trail.ndjson"
    file.write_bytes(mine.auditor.get("/v1/audit/export").content)
    noted = noted_in(file)
    assert found_after(database, lambda c: None, noted) == []
    for tamper, what in ((cut_the_tail, "cut_off"), (compute_anew, "rewritten")):
        tampered = partial(tamper, organisation_id=mine.id)
        assert found_after(database, tampered) == []  # as the module says
        assert what in {b.what for b in found_after(database, tampered, noted)}


def test_a_noted_head_alone_finds_a_cut_and_a_chain_computed_anew(database, mine):
    head = mine.auditor.get("/v1/audit/head").json()["heads"][0]
    noted = {mine.id: {head["seq"]: head["hash"]}}
    for tamper, what in ((cut_the_tail, "cut_off"), (compute_anew, "rewritten")):
        assert [b.what for b in found_after(database, partial(tamper, organisation_id=mine.id), noted)] == [what]


def test_a_chain_that_was_removed_as_a_whole_is_found(database, mine):
    found = found_after(database, lambda c: remove_the_organisation(c, mine.id))
    assert found == [trail.Break(mine.id, 0, "head")]


def test_a_change_of_any_one_character_of_any_entry_is_found(database, mine):
    with database.reading() as c:
        rows = all_rows(c, mine.id)
    texts = [name for name in COLUMNS if name not in ("seq", "organisation_id")]

    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def change_one(data):
        row = data.draw(st.sampled_from(rows))
        name = data.draw(st.sampled_from([n for n in texts if row[n]]))
        k = data.draw(st.integers(0, len(row[name]) - 1))
        new = data.draw(st.characters(codec="utf-8", exclude_characters=["\0", row[name][k]]))
        changed = row[name][:k] + new + row[name][k + 1 :]
        sql = f"UPDATE trail SET {name} = :v WHERE organisation_id = :o AND seq = :s"
        assert found_after(database, run_sql(sql, v=changed, o=mine.id, s=row["seq"]))

    change_one()


# ------------------------------------------------------------------------------------------------------- over HTTP


def test_every_change_is_in_the_trail_with_who_did_it_and_with_which_inputs(database, mine):
    (entry,) = mine.auditor.get("/v1/audit", params={"object": "b"}).json()["items"]
    assert (entry["action"], entry["actor"]["name"], entry["actor"]["way"]) == ("event.keep", "organiser", "key")
    version = mine.organiser.get("/v1/events/b").json()
    assert entry["details"]["version"] == 1 and entry["at"] == version["made_at"]
    assert entry["details"]["sha256"] == hashlib.sha256(canonical(version["event"]).encode()).hexdigest()


def test_the_trail_is_chosen_by_action_user_and_time_and_comes_in_pages(database, mine):
    def all_of(**chosen: Any) -> list[int]:
        seqs, cursor = [], None
        while True:
            asked = {**chosen, "limit": 2, **({"cursor": cursor} if cursor else {})}
            page = mine.auditor.get("/v1/audit", params=asked).json()
            seqs += [e["seq"] for e in page["items"]]
            if (cursor := page["next"]) is None:
                return seqs

    everything = all_of()
    assert everything == list(range(len(everything), 0, -1))
    events = all_of(action="event.keep")
    assert len(events) == 3
    organiser = mine.organiser.get("/v1/me").json()["user"]
    mine_alone = all_of(user=organiser)
    assert set(events) < set(mine_alone) < set(everything) and all_of(user=organiser.upper()) == []
    first = mine.auditor.get("/v1/audit", params={"object": "a"}).json()["items"][0]
    assert all_of(since=first["at"])[-1] == first["seq"] and first["seq"] not in all_of(until=first["at"])


def test_a_question_that_makes_no_sense_is_refused(local):
    wrong = [{"cursor": "x"}, {"cursor": "0"}, {"since": "yesterday"}, {"since": "0001-01-01T00:00:00+14:00"}]
    for asked in wrong:
        answer = local.get("/v1/audit", params=asked)
        assert answer.status_code == 422 and answer.json()["faults"], asked


def test_verify_tells_the_place_over_http_in_both_languages(database, mine):
    assert mine.auditor.get("/v1/audit/verify").json()["holds"] is True
    with database.writing() as c:
        open_to_changes(c)
        c.execute(text("UPDATE trail SET object = 'x' WHERE organisation_id = :o AND seq = 5"), {"o": mine.id})
    en = mine.auditor.get("/v1/audit/verify").json()
    zh = mine.auditor.get("/v1/audit/verify", headers={"accept-language": "zh"}).json()
    assert en["holds"] is zh["holds"] is False
    assert [b["message"] for b in en["breaks"]] == ["entry 5, or the one before it, was changed"]
    assert [b["message"] for b in zh["breaks"]] == ["第 5 条已被改动, 或其前一条已被改动"]


def test_verify_holds_the_chain_against_what_was_noted(database, mine):
    head = mine.auditor.get("/v1/audit/head").json()["heads"][0]
    noted = {"noted": [{"seq": head["seq"], "hash": head["hash"]}]}
    assert mine.auditor.post("/v1/audit/verify", json=noted).json()["holds"] is True
    noted["noted"].append({"seq": head["seq"] + 7, "hash": "0" * 64})
    answer = mine.auditor.post("/v1/audit/verify", json=noted).json()
    assert [(b["seq"], b["what"]) for b in answer["breaks"]] == [(head["seq"] + 7, "cut_off")]


def test_an_export_holds_only_the_callers_organisation(database, mine, other):
    kept(other.organiser, "a")
    lines = [json.loads(line) for line in mine.auditor.get("/v1/audit/export").content.splitlines()]
    assert lines[0]["organisation_id"] == mine.id and lines[0]["seq"] == len(lines) - 1
    assert [line["seq"] for line in lines[1:]] == list(range(1, len(lines)))
    assert other.id not in json.dumps(lines)


def test_only_auditors_and_administrators_read_the_trail(mine):
    for path in ("/v1/audit", "/v1/audit/head", "/v1/audit/verify", "/v1/audit/export"):
        statuses = {role: caller.get(path).status_code for role, caller in mine.callers.items()}
        refused = {"finance": 403, "organiser": 403, "broker": 403}
        assert statuses == {**refused, "auditor": 200, "administrator": 200}, path


def test_a_chain_longer_than_one_reading_is_exported_and_verified_whole(app, local, monkeypatch):
    kept(local, *"abcdefg")
    monkeypatch.setattr(trail, "READ_AT_ONCE", 3)
    lines = local.get("/v1/audit/export").content.splitlines()
    assert len(lines) == 8 and local.get("/v1/audit/verify").json()["holds"] is True


# --------------------------------------------------------------------------------------------- on the command line


@pytest.fixture
def address(store_address, app, local):
    kept(local, "a", "b")
    return store_address


def test_the_command_says_that_every_trail_holds_and_notes_the_heads(address, tmp_path, capsys):
    assert command(["audit", "verify", "--database", address, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["holds"] is True and answer["heads"][0]["seq"] == 2
    noted = tmp_path / "heads.json"
    noted.write_text(json.dumps(answer), "utf-8")
    assert command(["audit", "verify", "--database", address, "--against", str(noted)]) == 0


def test_the_command_prints_every_break_and_fails(address, app, tmp_path, capsys):
    export = tmp_path / "trail.ndjson"
    assert command(["audit", "export", "-o", str(export), "--database", address]) == 0
    database = app.state.records.database
    with database.writing() as c:
        open_to_changes(c)
        compute_anew(c, "local")
    assert command(["audit", "verify", "--database", address]) == 0
    capsys.readouterr()
    assert command(["audit", "verify", "--database", address, "--against", str(export), "--lang", "en"]) == 1
    said = capsys.readouterr().out
    assert "local: entry 1 is not what it was at an earlier export" in said and "entry 2 is not" in said
    assert command(["audit", "verify", "--database", address, "--against", str(export), "--lang", "zh"]) == 1
    assert "local：第 1 条与先前导出时不同" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda t: t.replace('"object":"a"', '"object":"z"'), "export_changed"),
        (lambda t: "\n".join(t.splitlines()[:-1]) + "\n", "export_incomplete"),
        (lambda t: "not json", "export_format"),
        (lambda t: "", "export_format"),
    ],
)
def test_an_export_that_was_spoilt_is_no_evidence(address, tmp_path, capsys, spoil, code):
    export = tmp_path / "trail.ndjson"
    command(["audit", "export", "-o", str(export), "--database", address])
    export.write_text(spoil(export.read_text("utf-8")), "utf-8")
    capsys.readouterr()
    assert command(["audit", "verify", "--database", address, "--against", str(export), "--json"]) == 2
    assert {f["code"] for f in json.loads(capsys.readouterr().out)["faults"]} == {code}
