"""No serial is used twice: against a model of integers, between processes at one moment, and past our own code."""

import json
import subprocess
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from api.access import people
from api.access.scope import Actor, Records, moment
from api.database.copying import back_up
from api.database.opening import open_service_database
from api.database.retirement_tables import retirements
from api.ledger import serials
from api.ledger.retirement_checks import retirement_faults
from api.ledger.retirements import Line, instruct
from api.ledger.serials import Entry
from api.refusals import Refused
from optimizer.errors import BadInput
from tests.forking import process

TONNES = 1000


def an_organisation(records: Records, name: str) -> Actor:
    with records.database.writing(people.FOUNDING) as c:
        owner = people.add_organisation(c, name, moment(c))
    return Actor(owner, name, "somebody", "somebody", frozenset({"organiser"}), "command")


def instructions(records: Records, actor: Actor, source: str, count: int = 1, kg: int = TONNES * 1000) -> list[str]:
    """Instructions to cancel CCER."""
    facts = {"instrument": "ccer", "mechanism": "CCER", "project_id": "", "project_name": "", "vintage": 2025}
    where = {"registry": "登记系统", "kg": kg, "effective_kg": kg, "retire_by": "2027-10-11", "tier": 2}
    lines = [Line("event", f"offer-{k:04d}", **facts, **where) for k in range(count)]  # type: ignore[arg-type]
    with records.writing(actor) as scope:
        rows, _ = instruct(scope, "run", source, lines)
        return [str(r["id"]) for r in rows]


def claimed(records: Records, actor: Actor, retirement: str, *entries: Entry) -> str:
    """added | double_use | exceeds, as one request of its own."""
    try:
        with records.writing(actor) as scope:
            row = scope.one(retirements, retirement, lock=True)
            serials.add_serials(scope, row, serials.read_claims(row, entries))
    except Refused as refusal:
        return refusal.code
    except BadInput as error:
        return error.findings[0].code
    return "added"


def faults_in(records: Records) -> list[str]:
    with records.database.reading() as c:
        return [f.code for f in retirement_faults(c)]


# ----------------------------------------------------------------------------------------------- a model of integers

RANGES = st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 30), st.integers(0, 12))


def test_whatever_is_claimed_in_whatever_order_is_what_a_set_of_integers_would_admit(app):
    records = app.state.records
    actors = [an_organisation(records, name) for name in ("one", "two")]
    example = iter(range(10**6))

    @settings(
        max_examples=25,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(RANGES, max_size=12), st.sets(st.integers(0, 11), max_size=4))
    def holds(asked: list[tuple[int, int, int, int]], released: set[int]) -> None:
        name = f"run-{next(example)}"
        rows = [instructions(records, actor, name)[0] for actor in actors]
        used: dict[tuple[str, int], int] = {}  # serial -> the request that has it
        for k, (who, lane, first, more) in enumerate(asked):
            prefix = f"{name}-{'AB'[lane]}"
            wanted = {(prefix, n) for n in range(first, first + more + 1)}
            entry = Entry(f"{prefix}-{first:04d}", f"{prefix} {first + more}")
            mine = {j for j in used.values() if asked[j] == asked[k]}
            repeated = mine and {s for s, j in used.items() if j in mine} == wanted
            outcome = claimed(records, actors[who], rows[who], entry)
            assert outcome == ("added" if repeated or not wanted & set(used) else "double_use")
            if outcome == "added" and not repeated:
                used |= dict.fromkeys(wanted, k)
            if k in released and any(j == k for j in used.values()):
                with records.writing(actors[who]) as scope:
                    newest = serials.standing(scope, rows[who])[-1]
                    assert serials.release(scope, rows[who], newest["id"])
                used = {s: j for s, j in used.items() if j != k}
        assert faults_in(records) == []

    holds()


# ------------------------------------------------------------------------------------------------------ at one moment

CONTESTED = 40
RACER = """
import json, sys
from api.access.scope import Actor, Records
from api.database.opening import open_service_database
from api.database.retirement_tables import retirements
from api.ledger import serials
from api.refusals import Refused

address, organisation, rows = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
records = Records(open_service_database(address))
actor = Actor(organisation, organisation, "somebody", "somebody", frozenset({"organiser"}), "command")
print("ready", flush=True)
sys.stdin.readline()
# Each wants a few serials either side of the same places, so that ranges meet without being equal.
shift, outcomes = int(sys.argv[4]), []
for k, retirement in enumerate(rows):
    entry = serials.Entry(f"RACE-{20 * k + shift}", f"RACE-{20 * k + shift + 5}")
    try:
        with records.writing(actor) as scope:
            row = scope.one(retirements, retirement, lock=True)
            serials.add_serials(scope, row, serials.read_claims(row, [entry]))
        outcomes.append("added")
    except Refused as refusal:
        outcomes.append(refusal.code)
print(json.dumps(outcomes), flush=True)
"""


def test_of_processes_that_want_the_same_serial_at_the_same_moment_exactly_one_gets_it(app, store_address):
    records = app.state.records
    racers = []
    for name, shift in (("one", 0), ("two", 3)):
        actor = an_organisation(records, name)
        rows = instructions(records, actor, name, CONTESTED)
        told = (store_address, actor.organisation_id, json.dumps(rows), str(shift))
        racers.append(process("-c", RACER, *told, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
    for racer in racers:
        assert racer.stdout.readline() == "ready\n"  # type: ignore[union-attr]
    for racer in racers:
        racer.stdin.write("go\n")  # type: ignore[union-attr]
        racer.stdin.flush()  # type: ignore[union-attr]
    outcomes = []
    for racer in racers:
        with racer:
            outcomes.append(json.loads(racer.stdout.read()))  # type: ignore[union-attr]
    # 0..5 and 3..8 of each twenty share three serials: one of the two wins, and the other is told
    assert [sorted(two) for two in zip(*outcomes, strict=True)] == [["added", "double_use"]] * CONTESTED
    assert faults_in(records) == []


# ------------------------------------------------------------------------------------------------- past our own code


def tampered(records: Records, *statements: str, **values: Any) -> None:
    with records.database.engine.begin() as c:
        for statement in statements:
            wanted = {k: v for k, v in values.items() if f":{k}" in statement}
            c.execute(text(statement), wanted)


COPY = (
    "INSERT INTO retirement_serials (id, organisation_id, retirement_id, register, prefix, first, last, first_shown,"
    " last_shown, kg, project, forestry, period_from, period_until, made_by, made_at)"
    " SELECT 'copy', organisation_id, retirement_id, register, prefix, first + 1, last + 1, first_shown, last_shown,"
    " kg, project, forestry, period_from, period_until, made_by, made_at FROM retirement_serials"
)


FORBIDDEN = [
    COPY,
    "DELETE FROM retirement_serials",
    "DELETE FROM retirements",
    "UPDATE retirement_serials SET kg = kg + 1",
    "UPDATE retirement_serials SET last = last + 1, released_at = made_at",
    "UPDATE retirements SET retired_on = '2020-01-01' WHERE state = 'retired'",
    "UPDATE retirements SET state = 'due' WHERE state = 'retired'",
]


def test_the_database_itself_refuses_what_our_code_would_never_ask(app):
    records = app.state.records
    retired(records)
    for statement in FORBIDDEN:
        with pytest.raises(DBAPIError):
            tampered(records, statement)
    assert faults_in(records) == []


def retired(records: Records) -> None:
    actor = an_organisation(records, "one")
    row = instructions(records, actor, "run", kg=2000)[0]
    assert claimed(records, actor, row, Entry("C-1", "C-2")) == "added"
    facts = "state = 'retired', retired_on = '2026-11-22', reference = 'ZX-1'"
    tampered(records, f"UPDATE retirements SET {facts} WHERE id = :id", id=row)


def unguarded(records: Records) -> None:
    """Takes the triggers away, as somebody could who administers the database."""
    with records.database.engine.begin() as c:
        if c.dialect.name == "postgresql":
            for table in ("retirements", "retirement_serials", "evidence_chunks"):
                c.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
            return
        names = c.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
        for name in names:
            c.execute(text(f"DROP TRIGGER {name}"))


def test_every_broken_promise_is_found_afterwards(app):
    records = app.state.records
    retired(records)
    unguarded(records)
    assert faults_in(records) == []
    tampered(records, COPY)
    # C-1..C-2 and C-2..C-3 share C-2; and 4 t stand where 2 t were cancelled
    assert sorted(set(faults_in(records))) == ["retired_unproven", "serial_overlap", "serials_exceed"]
    tampered(records, "DELETE FROM retirement_serials WHERE id = 'copy'")
    assert faults_in(records) == []
    tampered(records, "UPDATE retirement_serials SET kg = 1500")
    assert faults_in(records) == ["serial_mass", "retired_unproven"]
    tampered(records, "UPDATE retirement_serials SET kg = 2000", "UPDATE retirements SET reference = ''")
    assert faults_in(records) == ["retired_unproven"]
    tampered(records, "UPDATE retirements SET reference = 'x', state = 'cancelled'")
    assert faults_in(records) == ["serials_exceed"]
    kept = "INSERT INTO evidence_files (sha256, byte_length) VALUES ('" + "0" * 64 + "', 3)"
    tampered(records, "UPDATE retirements SET state = 'retired'", kept)
    assert faults_in(records) == ["evidence_damaged"]


def test_a_forest_that_is_used_twice_is_found_afterwards(app):
    records = app.state.records
    retired(records)
    unguarded(records)
    elsewhere = COPY.replace("first + 1, last + 1", "first + 10, last + 10")
    forest = "project = 'P', forestry = :yes, certified_kg = 3000"
    tampered(records, f"UPDATE retirement_serials SET {forest}", yes=True)
    assert "forestry_twice" not in faults_in(records)
    tampered(records, elsewhere, f"UPDATE retirement_serials SET {forest}", yes=True)
    assert faults_in(records).count("forestry_twice") == 2


def test_a_copy_of_the_database_holds_serials_that_were_given_free_and_used_again(app, tmp_path):
    records = app.state.records
    actors = [an_organisation(records, name) for name in ("one", "two")]
    one, two = (instructions(records, actor, actor.name)[0] for actor in actors)
    assert claimed(records, actors[0], one, Entry("C-1", "C-9")) == "added"
    assert claimed(records, actors[1], two, Entry("C-5")) == "double_use"
    with records.writing(actors[0]) as scope:
        serials.release(scope, one)
    assert claimed(records, actors[1], two, Entry("C-5")) == "added"
    copy = tmp_path / "copy.db"
    back_up(records.database, copy)
    again = Records(open_service_database(f"sqlite:///{copy}", kept_open=False))
    try:
        assert faults_in(again) == []
        assert claimed(again, actors[0], one, Entry("C-5")) == "double_use"
        assert claimed(again, actors[0], one, Entry("C-6")) == "added"
    finally:
        again.database.close()
