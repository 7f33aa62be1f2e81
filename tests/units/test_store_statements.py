"""Statements that go to the driver as text: the same rows, transactions and refusals as by way of SQLAlchemy."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import BigInteger, Boolean, Column, LargeBinary, MetaData, String, Table, bindparam, select
from sqlalchemy.exc import IntegrityError, NoResultFound, OperationalError

from market_data.store_opening import connect, for_one_thread
from market_data.store_statements import Prepared, by_driver
from optimizer.errors import BadInput

THINGS = Table(
    "things",
    MetaData(),
    Column("id", String(10), primary_key=True),
    Column("mass_kg", BigInteger),
    Column("sound", Boolean, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
ROWS: list[dict[str, Any]] = [
    {"id": "甲", "mass_kg": 2**62, "sound": True, "content": b"\x00\xff"},
    {"id": "b' %s :id", "mass_kg": None, "sound": False, "content": b""},
]
ADD = Prepared(THINGS.insert())
ADD_LIGHT = Prepared(THINGS.insert(), "id", "sound", "content")
BY_ID = Prepared(select(THINGS).where(THINGS.c.id == bindparam("wanted")))


@pytest.fixture
def database(store_address):
    made = connect(store_address)
    with made.writing() as c:
        THINGS.create(c)
    yield made
    made.close()


def things(database):
    with database.reading() as c:
        return [dict(row) for row in c.execute(select(THINGS).order_by(THINGS.c.sound.desc())).mappings()]


def test_what_is_written_is_what_sqlalchemy_reads(database):
    with database.writing() as c:
        ADD.run_all(c, ROWS)
    assert things(database) == ROWS
    with database.reading() as c:
        assert BY_ID.rows(c, wanted="none") == []
        assert [BY_ID.one(c, wanted=row["id"]) for row in ROWS] == ROWS
        with pytest.raises(NoResultFound):
            BY_ID.one(c, wanted="none")
    with database.writing() as c:
        ADD_LIGHT.run(c, {"id": "light", "sound": True, "content": b""})
        assert BY_ID.one(c, wanted="light")["mass_kg"] is None


def test_a_refusal_is_of_sqlalchemys_kind_and_a_savepoint_takes_back_what_it_hit(database):
    with database.writing() as c:
        ADD.run(c, ROWS[0])
        with pytest.raises(IntegrityError), c.begin_nested():
            ADD.run(c, ROWS[1])
            ADD.run(c, ROWS[0])
    assert things(database) == ROWS[:1]


def test_what_is_raised_in_a_transaction_leaves_nothing(database):
    with pytest.raises(KeyError), database.writing() as c:
        ADD.run_all(c, ROWS)
        raise KeyError
    assert things(database) == []


def test_it_begins_the_transaction_where_it_is_the_first(database):
    with database.writing() as c:
        ADD.run_all(c, ROWS)
    with database.reading() as c:
        assert BY_ID.rows(c, wanted="甲") and c.in_transaction()


def test_a_lock_that_is_not_given_in_time_is_a_refusal_of_the_database(tmp_path):
    address = f"sqlite:///{tmp_path / 'a.db'}"
    first, second = connect(address), connect(address, busy_seconds=0)
    refused = pytest.raises(OperationalError, match="locked")
    with first.writing(), second.engine.connect() as c, refused:
        by_driver(c, lambda cursor: cursor.execute("BEGIN IMMEDIATE"))
    first.close()
    second.close()


def test_a_connection_that_one_thread_holds_outlives_what_it_refused(store_address):
    made = for_one_thread(connect(store_address, kept_open=True))
    with made.writing() as c:
        THINGS.create(c)
    with made.writing() as c:
        ADD.run_all(c, ROWS)
    with pytest.raises(BadInput), made.writing() as c:
        ADD_LIGHT.run(c, {"id": "light", "sound": True, "content": b""})
        ADD.run(c, ROWS[0])
    with pytest.raises(KeyError), made.writing() as c:
        ADD_LIGHT.run(c, {"id": "light", "sound": True, "content": b""})
        raise KeyError
    assert things(made) == ROWS
    other = connect(store_address)
    with other.writing() as c:  # nothing is still locked
        ADD_LIGHT.run(c, {"id": "light", "sound": True, "content": b""})
    with made.writing() as c:
        assert BY_ID.one(c, wanted="light")["content"] == b""
    other.close()
    made.close()


def test_two_threads_that_meet_at_a_held_connection_follow_one_another(store_address):
    made = for_one_thread(connect(store_address, kept_open=True))
    with made.writing() as c:
        THINGS.create(c)

    def add(number: int) -> None:
        with made.writing() as c:
            ADD_LIGHT.run(c, {"id": str(number), "sound": True, "content": b""})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(40)))
    assert len(things(made)) == 40
    made.close()
