"""Two servers and two workers on one PostgreSQL: one service, whichever of them is asked."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from api.access import people
from api.access.scope import Records
from api.database.opening import open_service_database
from api.ledger.accounts import ledger_faults
from api.ledger.holds import Client, lines_of_lots, take
from tests.forking import process
from tests.http.conftest import AS_OF, EVENT, OFFERS, QUESTION, caller, child_environment, serving

STOCK_T, TRIES = 30, 60
SECONDS = 120


@pytest.fixture
def pair(postgresql, tmp_path):
    """Clients of two servers on one empty database."""
    with (
        serving(postgresql, tmp_path) as one,
        serving(postgresql, tmp_path) as two,
        caller(one.url) as first,
        caller(two.url) as second,
    ):
        yield first, second, postgresql


def test_two_servers_and_two_workers_are_one_service(pair, tmp_path):
    first, second, address = pair
    _what_one_keeps_the_other_shows(first, second)
    _one_key_does_its_work_once(first, second)
    _scarce_stock_is_held_once(first, second, address)
    _jobs_are_shared_and_none_runs_twice(first, second, address, tmp_path)
    _the_trail_holds(second)


def _what_one_keeps_the_other_shows(first, second):
    made = first.post("/v1/plans", json=QUESTION)
    assert made.status_code == 201
    assert second.get(made.headers["location"]).content == made.content
    first.put("/v1/events/small-event", json=EVENT)
    changed = second.put("/v1/events/small-event", json=EVENT | {"name": "b"}, headers={"If-Match": '"v1"'})
    assert changed.json()["version"] == 2
    assert first.put("/v1/events/small-event", json=EVENT, headers={"If-Match": '"v1"'}).status_code == 412


def _one_key_does_its_work_once(first, second):
    before = len(first.get("/v1/plans", params={"limit": 500}).json()["items"])
    with ThreadPoolExecutor(8) as pool:
        clients = [first, second] * 4
        sent = [pool.submit(c.post, "/v1/plans", json=QUESTION, headers={"Idempotency-Key": "k"}) for c in clients]
        answers = [s.result() for s in sent]
    assert {a.status_code for a in answers} == {201}
    assert len({a.headers["location"] for a in answers}) == 1
    assert len(first.get("/v1/plans", params={"limit": 500}).json()["items"]) == before + 1


def _scarce_stock_is_held_once(first, second, address):
    lot = {"offer_id": "LOT-1", "instrument": "ccer", "quantity": str(STOCK_T), "price": "50"}
    kept = first.post("/v1/inventory", json={"offers": [lot]})
    assert kept.status_code == 201, kept.text
    lot_id = first.get("/v1/inventory").json()["items"][0]["id"]

    def hold(k):
        body = {"lines": [{"lot": lot_id, "tonnes": "1"}], "client": "甲", "minutes": 60}
        return (first, second)[k % 2].post("/v1/holds", json=body, headers={"Idempotency-Key": f"h{k}"}).status_code

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(hold, range(TRIES)))
    assert sorted(set(codes)) == [201, 409] and codes.count(201) == STOCK_T
    database = open_service_database(address, kept_open=False)
    with database.reading() as c:
        assert list(ledger_faults(c)) == []
    database.close()


def _jobs_are_shared_and_none_runs_twice(first, second, address, folder):
    snapshot = first.post("/v1/snapshots", json={"offers": OFFERS}).json()["id"]
    lot_id = _held_by_an_expired_hold(first, address)
    command = ["-m", "api", "worker", "--slots", "1", "--database", address]
    with (folder / "workers.log").open("wb") as log:
        workers = [process(*command, stdout=log, stderr=log, env=child_environment()) for _ in range(2)]
    try:
        wanted = {}
        for seed in range(4):
            asked = {"kind": "sweep", "event": EVENT, "snapshot": snapshot, "as_of": AS_OF, "draws": 50, "seed": seed}
            accepted = (first, second)[seed % 2].post("/v1/jobs", json=asked)
            assert accepted.status_code == 202, accepted.text
            wanted[accepted.json()["id"]] = seed
        ends = time.monotonic() + SECONDS
        left = set(wanted)
        while left and time.monotonic() < ends:
            left -= {j for j in left if second.get(f"/v1/jobs/{j}").json()["state"] == "done"}
            time.sleep(0.2)
        assert not left
        for job_id, seed in wanted.items():
            here, there = (c.get(f"/v1/jobs/{job_id}/result") for c in (first, second))
            assert here.content == there.content and here.json()["seed"] == seed
        ended = [e for e in second.get("/v1/audit", params={"limit": 500}).json()["items"] if e["action"] == "job.done"]
        assert sorted(e["object"] for e in ended) == sorted(wanted)
        # A worker has given back what the expired hold kept, though nobody needed it.
        assert first.get(f"/v1/inventory/{lot_id}").json()["held_t"] == "0"
    finally:
        for worker in workers:
            worker.terminate()
        assert [worker.wait(60) for worker in workers] == [0, 0]


def _held_by_an_expired_hold(client, address):
    """A lot, all of it held by a hold whose moment has passed."""
    lot = {"offer_id": "LOT-2", "instrument": "ccer", "quantity": "5", "price": "50"}
    kept = client.post("/v1/inventory", json={"offers": [lot]})
    assert kept.status_code == 201, kept.text
    lot_id = client.get("/v1/inventory").json()["items"][0]["id"]
    database = open_service_database(address, kept_open=False)
    with database.reading() as c:
        actor = people.local_actor(c)
    with Records(database).writing(actor) as scope:
        take(scope, Client("甲", None), lines_of_lots(scope, [(lot_id, 5000, None)], None), minutes=-1)
    database.close()
    assert client.get(f"/v1/inventory/{lot_id}").json()["held_t"] == "5"
    return lot_id


def _the_trail_holds(client):
    verified = client.get("/v1/audit/verify").json()
    assert verified["holds"] is True
