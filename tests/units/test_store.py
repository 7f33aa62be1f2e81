"""The store on SQLite and on a real PostgreSQL: what was saved comes back, nothing changes, refusals say why."""

import dataclasses
import hashlib
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from threading import Barrier

import numpy as np
import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from market_data import store_opening, store_tables
from market_data.feed_reading import FeedReading
from market_data.quotes import Quote, Quotes
from market_data.snapshot import Snapshot, encode
from market_data.store import Store, open_store
from optimizer import BadInput, Offer, Offers
from optimizer.findings import fault, warning
from tests.forking import process

AS_OF = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 8, 30, 15, 123456, tzinfo=UTC)
DAY = date(2026, 3, 2)
MIGRATIONS = Path(store_opening.__file__).parent / "migrations"


def offer(k: int, price: int) -> Offer:
    cells = {"offer_id": f"o{k}", "instrument": "ccer", "quantity": "100", "price": str(price), "seller": "甲"}
    return Offer.model_validate(cells)


def market(*prices: int) -> Offers:
    return Offers.of(offer(k, p) for k, p in enumerate(prices))


def snapshot(*prices: int, source: str = "a.csv", as_of: date = AS_OF, **more) -> Snapshot:
    return Snapshot(market(*prices), source, as_of, **more)


@pytest.fixture
def store(store_address):
    with open_store(store_address) as opened:
        yield opened


def run_sql(store: Store, sql: str, **values) -> list:
    with store._database.engine.begin() as c:
        result = c.execute(text(sql), values)
        return list(result) if result.returns_rows else []


def refused(call) -> tuple:
    with pytest.raises(BadInput) as caught:
        call()
    assert all(f.message.zh and f.message.en for f in caught.value.findings)
    return caught.value.findings


# --------------------------------------------------------------------------------------------------------- snapshots


def test_a_saved_snapshot_comes_back_with_all_that_was_known_about_it(store):
    doubts = (
        warning("price_zero", "单价为 0", "is 0", column="price", row=3, value="0"),
        dataclasses.replace(fault("odd", '引号"与\0空', 'a quote " and \ud800'), file="报价.csv", path="offers[2]"),
    )
    saved = snapshot(50, 60, source="报价.csv", findings=doubts, rows_read=5, left_out={"子计": 2, "blank": 1})
    receipt = store.save_snapshot(saved, NOW)
    back = store.load(saved.id)
    assert back.id == saved.id == receipt.snapshot_id
    assert [back.offers[i] for i in range(2)] == [saved.offers[i] for i in range(2)]
    assert (back.source, back.as_of, back.rows_read, back.left_out) == ("报价.csv", AS_OF, 5, {"子计": 2, "blank": 1})
    assert back.findings == doubts
    assert [f.say(lang) for f in back.findings for lang in ("zh", "en")] == [
        f.say(lang) for f in doubts for lang in ("zh", "en")
    ]
    assert (receipt.imported_at, receipt.first) == (NOW, True)


def test_the_same_content_again_is_one_copy_and_two_receipts_and_the_first_stays(store):
    first = store.save_snapshot(snapshot(50, 60), NOW)
    again = Snapshot(market(50, 60).take(np.array([1, 0])), "b.csv", date(2026, 12, 1))
    second = store.save_snapshot(again, NOW + timedelta(days=9))
    assert (first.first, second.first) == (True, False)
    assert second.number > first.number
    assert store.receipts(first.snapshot_id) == (first, second)
    assert run_sql(store, "SELECT count(*) FROM market_snapshots") == [(1,)]
    assert run_sql(store, "SELECT count(*) FROM market_snapshot_chunks") == [(1,)]
    assert (store.load(again.id).source, store.load(again.id).as_of) == ("a.csv", AS_OF)


def test_the_list_has_the_latest_import_first(store):
    assert store.snapshots() == ()
    one, two = snapshot(1), snapshot(2, 3)
    for one_or_two in (one, two, one):
        store.save_snapshot(one_or_two, NOW)
    listed = store.snapshots()
    assert [(s.id, s.offers, s.imports) for s in listed] == [(one.id, 1, 2), (two.id, 2, 1)]
    assert [s.first.number < s.latest.number for s in listed] == [True, False]
    assert listed[0].stored_at == NOW
    assert listed[0].byte_length == len(encode(one.offers))


def test_a_snapshot_larger_than_one_row_of_the_database_comes_back_whole(store):
    noise = np.random.default_rng(7)
    n = 100_000
    offers = market(50).take(np.zeros(n, dtype=int))
    columns = ("quantity_kg", "price_fen", "min_quantity_kg", "fixed_fee_fen", "unit_fee_fen", "lot_kg")
    offers = offers.replace(
        offer_id=np.array([f"o{k}" for k in range(n)], dtype=object),
        **{name: noise.integers(0, 2**62, n) for name in columns},
    )
    saved = Snapshot(offers, "large", AS_OF)
    store.save_snapshot(saved, NOW)
    ((count, longest),) = run_sql(store, "SELECT count(*), max(length(content)) FROM market_snapshot_chunks")
    assert count > 1
    assert longest == store_tables.CHUNK_BYTES_MAX == 4 * 1024 * 1024
    assert store.load(saved.id).id == saved.id


def test_an_empty_market_can_be_saved(store):
    empty = Snapshot(Offers.of(()), "empty.csv", AS_OF)
    store.save_snapshot(empty, NOW)
    assert len(store.load(empty.id).offers) == 0


def test_an_id_is_found_by_its_beginning(store):
    saved = snapshot(50)
    store.save_snapshot(saved, NOW)
    for name in (saved.id, saved.id[:8], f"snapshot:{saved.id[:20]}", saved.id.upper()):
        assert store.resolve(name) == saved.id
        assert store.load(name).id == saved.id


def test_a_beginning_of_no_snapshot_or_of_several_is_refused_with_the_candidates(store):
    twins = ["deadbeef" + digit * 56 for digit in "0f"]
    for position, name in enumerate(twins):
        run_sql(
            store, "INSERT INTO market_snapshots VALUES (:id, 1, 0, '', :t)", id=name, t=store_tables.time_text(NOW)
        )
        run_sql(
            store,
            "INSERT INTO market_imports (snapshot_id, source, as_of, imported_at, rows_read, left_out, findings)"
            " VALUES (:id, :source, '2026-11-22', :t, 1, '{}', '[]')",
            **{"id": name, "source": f"file{position}", "t": store_tables.time_text(NOW)},
        )
    (several,) = refused(lambda: store.resolve("deadbeef"))
    assert several.code == "snapshot_ambiguous"
    assert all(f"{name} (file{k}, 2026-11-22)" in several.message.zh for k, name in enumerate(twins))
    assert store.resolve("deadbeeff") == twins[1]
    assert [f.code for f in refused(lambda: store.resolve("0123456789"))] == ["snapshot_unknown"]
    assert [f.code for f in refused(lambda: store.load("offers.csv"))] == ["snapshot_id"]


DAMAGE = {
    "other bytes": "UPDATE market_snapshot_chunks SET content = :junk",
    "a part is missing": "DELETE FROM market_snapshot_chunks",
    "bytes of nothing": "UPDATE market_snapshot_chunks SET content = :junk; "
    "UPDATE market_snapshots SET sha256 = :junk_sha256, byte_length = 4",
    "the bytes of another snapshot": "UPDATE market_snapshot_chunks SET content = :other; "
    "UPDATE market_snapshots SET sha256 = :other_sha256, byte_length = :other_length",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_content_that_is_not_what_was_saved_is_never_given_out(store, damage):
    saved = snapshot(50)
    store.save_snapshot(saved, NOW)
    other = encode(market(51))
    values = {
        "junk": b"junk",
        "junk_sha256": hashlib.sha256(b"junk").hexdigest(),
        "other": other,
        "other_sha256": hashlib.sha256(other).hexdigest(),
        "other_length": len(other),
    }
    for table in ("market_snapshots", "market_snapshot_chunks"):
        if "sqlite" in store._database.shown:
            for change in ("update", "delete"):
                run_sql(store, f"DROP TRIGGER {table}_no_{change}")
        else:
            run_sql(store, f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for sql in DAMAGE[damage].split("; "):
        run_sql(
            store, sql, **{name: value for name, value in values.items() if f":{name}" in sql.replace(",", " ").split()}
        )
    (found,) = refused(lambda: store.load(saved.id))
    assert found.code == "snapshot_damaged"


def test_an_id_that_stands_twice_is_not_saved(store):
    twice = Snapshot(market(50).take(np.array([0, 0])), "a.csv", AS_OF)
    assert [(f.code, f.value) for f in refused(lambda: store.save_snapshot(twice, NOW))] == [("duplicate_id", "o0")]
    assert store.snapshots() == ()


def test_times_are_moments_whatever_zone_they_are_said_in(store):
    shanghai = timezone(timedelta(hours=8))
    receipt = store.save_snapshot(snapshot(50), NOW.astimezone(shanghai))
    assert receipt.imported_at == NOW
    assert receipt.imported_at.utcoffset() == timedelta(0)
    assert [f.code for f in refused(lambda: store.save_snapshot(snapshot(51), NOW.replace(tzinfo=None)))] == [
        "time_without_zone"
    ]


def test_a_source_with_characters_that_no_database_holds_is_kept_without_them(store):
    store.save_snapshot(snapshot(50, source="报\udcff价\0.csv"), NOW)
    assert store.load(snapshot(50).id).source == "报\ufffd价\ufffd.csv"


# ------------------------------------------------------------------------------------------------------------ quotes


def quote(close: int, day: date = DAY, code: str = "CEA25", **more) -> Quote:
    return Quote(day, "allowance", "CEA", code, 2025, "listed", close_fen=close, volume_kg=1000, **more)


def reading(*quotes: Quote, name: str = "day.json", left_out: dict | None = None) -> FeedReading:
    left = left_out or {}
    return FeedReading("cneeex", name, "0" * 64, len(quotes) + sum(left.values()), len(quotes), left, Quotes.of(quotes))


def rows(quotes: Quotes) -> list[Quote]:
    return [quotes[i] for i in range(len(quotes))]


def test_saved_quotes_come_back_in_order_of_market_code_method_and_day(store):
    given = [
        quote(9000, code="CEA25"),
        quote(8000, code="CEA24", day=date(2026, 3, 3)),
        quote(8100, code="CEA24", composite=True, turnover_fen=2**62, average_fen=8_099),
        Quote(DAY, "ccer", "CCER", "能源"),
    ]
    receipt = store.save_quotes(reading(*given, left_out={"subtotal": 2}), NOW)
    assert (receipt.rows_read, receipt.rows_used, receipt.added, receipt.revised) == (6, 4, 4, 0)
    assert (receipt.left_out, receipt.feed, receipt.name, receipt.imported_at) == (
        {"subtotal": 2},
        "cneeex",
        "day.json",
        NOW,
    )
    assert rows(store.quotes()) == [given[2], given[1], given[0], given[3]]


def test_the_same_rows_again_add_a_receipt_and_no_row(store):
    store.save_quotes(reading(quote(9000), quote(9000)), NOW)  # two equal rows are one
    again = store.save_quotes(reading(quote(9000)), NOW)
    assert (again.added, again.revised) == (0, 0)
    assert run_sql(store, "SELECT count(*) FROM market_quotes") == [(1,)]
    assert [r.added for r in store.quote_receipts()] == [0, 1]


def test_a_corrected_row_is_read_and_the_old_ones_stay_readable(store):
    numbers = []
    for k, close in enumerate((9000, 9001, 9000)):
        receipt = store.save_quotes(reading(quote(close), quote(7000, code="CEA24")), NOW + timedelta(days=k))
        numbers.append(receipt.number)
        assert (receipt.added, receipt.revised) == ((2, 0) if k == 0 else (0, 1))
    assert [q.close_fen for q in rows(store.quotes(code="CEA25"))] == [9000]
    found = store.revisions("allowance", "CEA", "CEA25", DAY, "listed")
    assert [(r.receipt, r.quote.close_fen, r.imported_at) for r in found] == [
        (number, close, NOW + timedelta(days=k))
        for k, (number, close) in enumerate(zip(numbers, (9000, 9001, 9000), strict=True))
    ]
    assert len(store.revisions("allowance", "CEA", "CEA24", DAY, "listed")) == 1
    assert store.revisions("allowance", "CEA", "CEA25", DAY) == ()  # another way of trading


def test_two_different_rows_for_one_day_are_refused_and_nothing_is_saved(store):
    found = refused(lambda: store.save_quotes(reading(quote(9000), quote(1, code="CEA24"), quote(9001)), NOW))
    assert [(f.code, f.path, f.value) for f in found] == [
        ("quote_conflict", "allowance CEA CEA25 listed", "2026-03-02")
    ]
    assert len(store.quotes()) == 0
    assert store.quote_receipts() == ()


def test_names_that_no_database_holds_and_days_that_are_none_are_refused_together(store):
    bad = Quotes.of([quote(1), quote(1, code="a\0"), quote(1, code="\ud800")])
    bad.day[0] = np.datetime64("NaT", "D")
    found = refused(lambda: store.save_quotes(dataclasses.replace(reading(), quotes=bad), NOW))
    assert [f.code for f in found] == ["quote_without_day", "text_unsound", "text_unsound"]


def test_quotes_are_chosen_by_market_code_and_days(store):
    days = [date(2026, 3, d) for d in (2, 3, 4)]
    store.save_quotes(reading(*(quote(1, day=d, code=c) for d in days for c in ("CEA24", "CEA25"))), NOW)
    assert len(store.quotes()) == len(store.quotes(instrument="allowance", mechanism="CEA")) == 6
    assert [q.day for q in rows(store.quotes(code="CEA24", since=days[1], until=days[2]))] == days[1:]
    assert len(store.quotes(mechanism="CCER")) == len(store.quotes(instrument="ccer")) == 0
    first, second = store.series()
    assert (first.code, first.method, first.first_day, first.last_day, first.days) == (
        *("CEA24", "listed"),
        *(days[0], days[2], 3),
    )
    assert second.code == "CEA25"


def test_a_reading_without_quotes_leaves_only_its_receipt(store):
    receipt = store.save_quotes(reading(left_out={"blank": 3}), NOW)
    assert (receipt.rows_read, receipt.added) == (3, 0)
    assert len(store.quotes()) == 0
    assert store.series() == ()


# ------------------------------------------------------------------------------------------- what is saved stays so

TABLES = tuple(store_tables.tables.tables)


@pytest.mark.parametrize("table", TABLES)
def test_the_database_itself_refuses_to_change_or_delete(store, table):
    store.save_snapshot(snapshot(50), NOW)
    store.save_quotes(reading(quote(9000)), NOW)
    before = run_sql(store, f"SELECT * FROM {table}")
    assert len(before) == 1
    column = store_tables.tables.tables[table].columns.keys()[-1]
    attempts = [f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"]
    if "sqlite" in store._database.shown:
        attempts.append(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
    else:
        attempts.append(f"TRUNCATE {table} CASCADE")
    for sql in attempts:
        with pytest.raises(DBAPIError, match="only grows"):
            run_sql(store, sql)
    assert run_sql(store, f"SELECT * FROM {table}") == before


# ----------------------------------------------------------------------------------------- opening and stepping forward


def script_directory() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return ScriptDirectory.from_config(config)


def test_the_code_knows_the_newest_step():
    assert script_directory().get_heads() == [store_tables.SCHEMA]


def test_the_steps_make_the_tables_that_the_code_uses(store):
    options = {"compare_type": True, "include_name": lambda name, kind, _: kind != "table" or name in TABLES}
    with store._database.engine.connect() as c:
        differing = compare_metadata(MigrationContext.configure(c, opts=options), store_tables.tables)
    assert [d for d in differing if d[0] != "remove_index"] == []
    assert run_sql(store, f"SELECT version_num FROM {store_tables.VERSION_TABLE}") == [(store_tables.SCHEMA,)]


def test_an_existing_store_is_opened_as_it_is(store_address):
    with open_store(store_address) as store:
        store.save_snapshot(snapshot(50), NOW)
    with open_store(store_address) as store:
        assert [s.id for s in store.snapshots()] == [snapshot(50).id]


def test_tables_of_others_in_the_same_database_are_left_alone(store_address):
    with open_store(store_address) as store:
        run_sql(store, "CREATE TABLE alembic_version (version_num VARCHAR(32))")
        run_sql(store, "INSERT INTO alembic_version VALUES ('somebody else')")
    with open_store(store_address) as store:
        assert run_sql(store, "SELECT * FROM alembic_version") == [("somebody else",)]


def test_a_store_of_a_newer_version_is_refused_and_left_alone(store_address):
    with open_store(store_address) as store:
        run_sql(store, f"UPDATE {store_tables.VERSION_TABLE} SET version_num = '9999'")
    (found,) = refused(lambda: open_store(store_address))
    assert found.code == "store_newer"
    assert "9999" in found.message.zh
    assert "9999" in found.message.en


OPENING = """
import sys
from datetime import date, datetime, UTC
from market_data.snapshot import Snapshot
from market_data.store import open_store
from optimizer import Offer, Offers

offers = Offers.of(Offer(offer_id=f"o{k}", instrument="ccer", quantity="100", price="50") for k in range(2000))
made = Snapshot(offers, sys.argv[2], date(2026, 11, 22))
print("ready", flush=True)
sys.stdin.readline()
with open_store(sys.argv[1]) as store:
    print(store.save_snapshot(made, datetime(2026, 11, 22, tzinfo=UTC)).first)
"""


def test_processes_that_open_a_new_database_and_save_the_same_at_once_share_one_copy(store_address):
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    openers = [process("-c", OPENING, store_address, f"process {k}", **pipes) for k in range(2)]
    for opener in openers:
        assert opener.stdout
        assert opener.stdout.readline() == "ready\n"
    for opener in openers:
        assert opener.stdin
        opener.stdin.write("go\n")
        opener.stdin.flush()
    answers = []
    for opener in openers:
        with opener:
            assert opener.stdout and opener.stderr
            answers.append(opener.stdout.read())
            assert opener.stderr.read() == ""
    assert sorted(answers) == ["False\n", "True\n"]
    with open_store(store_address) as store:
        (kept,) = store.snapshots()
        assert {r.source for r in store.receipts(kept.id)} == {"process 0", "process 1"}
        assert len(store.load(kept.id).offers) == 2000


def test_eight_that_open_a_new_database_at_the_same_moment_all_get_it(store_address):
    gate = Barrier(8)

    def opened(_: int) -> str:
        gate.wait()
        with open_store(store_address) as store:
            return store.save_snapshot(snapshot(50), NOW).source

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(opened, range(8))) == ["a.csv"] * 8


PASSWORD = "s3cr3t"


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("market.db", "store_address"),
        ("", "store_address"),
        ("sqlite://", "store_address"),
        ("sqlite:///:memory:", "store_address"),
        ("mysql://user:s3cr3t@host/db", "store_address"),
        ("postgresql://user:s3cr3t@host:port/db", "store_address"),
        ("postgresql+asyncpg://user:s3cr3t@host/db", "store_address"),
        ("user:s3cr3t@host/db", "store_address"),
        ("postgresql://user:s3cr3t@127.0.0.1:1/db", "store_refused"),
        ("postgresql://127.0.0.1:1/db?password=s3cr3t", "store_refused"),
        ("postgresql://user:x@127.0.0.1:1/db?sslmode=s3cr3t", "store_refused"),
        ("sqlite:////no/such/folder/market.db", "store_file"),
        ("sqlite:////", "store_file"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_its_password(address, code):
    found = refused(lambda: open_store(address))
    assert [f.code for f in found] == [code]
    if "sslmode" not in address:
        assert all(PASSWORD not in f.say(lang) for f in found for lang in ("zh", "en"))


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path):
    file = tmp_path / "offers.csv"
    file.write_text("offer_id,instrument\n" * 100)
    (found,) = refused(lambda: open_store(f"sqlite:///{file}"))
    assert found.code == "store_refused"
    assert "not a database" in found.message.zh
    assert file.read_text() == "offer_id,instrument\n" * 100


def test_tables_of_the_same_name_are_not_taken_over(store_address):
    engine = create_engine(store_address)
    with engine.begin() as c:
        c.execute(text("CREATE TABLE market_quotes (something INTEGER)"))
    engine.dispose()
    (found,) = refused(lambda: open_store(store_address))
    assert found.code == "store_refused"
    engine = create_engine(store_address)
    with engine.begin() as c:
        left = c.execute(text("SELECT count(*) FROM market_quotes")).scalar_one()
        with pytest.raises(DBAPIError):
            c.execute(text("SELECT count(*) FROM market_snapshots"))
    engine.dispose()
    assert left == 0


def test_a_user_without_permission_is_told_so(postgresql):
    with psycopg.connect(postgresql, autocommit=True) as admin:
        admin.execute("DROP ROLE IF EXISTS reader")
        admin.execute("CREATE ROLE reader LOGIN PASSWORD 's3cr3t'")
    (found,) = refused(lambda: open_store(postgresql.replace("postgres:@", "reader:s3cr3t@")))
    assert found.code == "store_refused"
    assert "permission denied" in found.message.en
    assert PASSWORD not in found.say("zh")
    with psycopg.connect(postgresql, autocommit=True) as admin:
        admin.execute("DROP ROLE reader")


def test_a_report_that_does_not_know_a_price_does_not_take_it_back(store):
    """The exchange tells opening prices in one answer and turnover by method in another, of the same day."""
    whole = Quote(DAY, "allowance", "CEA", "CEA25", 2025, "listed", 8010, 8010, 7990, 8000, -1, 123_000_000, -1)
    turnover = Quote(DAY, "allowance", "CEA", "CEA25", 2025, "listed", volume_kg=123_000_000, turnover_fen=984_000_000)
    assert store.save_quotes(reading(whole), NOW).added == 1
    assert store.save_quotes(reading(turnover, name="b.json"), NOW).revised == 1
    assert store.quotes()[0] == whole._replace(turnover_fen=984_000_000)
    assert store.save_quotes(reading(whole, name="c.json"), NOW).revised == 0
    assert store.quotes()[0] == whole._replace(turnover_fen=984_000_000)


def test_a_new_file_is_its_owners_alone(tmp_path):
    with open_store(f"sqlite:///{tmp_path / 'market.db'}") as opened:
        opened.save_snapshot(snapshot(50), NOW)
        assert {p.stat().st_mode & 0o077 for p in tmp_path.iterdir()} == {0}
