"""Offers are read over HTTP as by `jinheng offers validate`: every fault at once, and nothing is kept."""

import json

import pytest

from api.cli import run
from tests.http.conftest import OFFERS

CSV = "offer_id,instrument,quantity,price\nA,ccer,10,80\nB,ccer,20,81\n"


@pytest.fixture(params=["sqlite"])
def store_address(request, tmp_path) -> str:
    return f"sqlite:///{tmp_path / 'offers.db'}"


def test_offers_that_can_be_used_are_counted_and_not_kept(local):
    answer = local.post("/v1/offers/validate", json={"offers": OFFERS})
    document = answer.json()
    assert (answer.status_code, document["usable"], document["offers"]) == (200, True, 3)
    assert document["instruments"] == {"carbon_inclusion": 1, "ccer": 1, "allowance": 1}
    assert local.get("/v1/snapshots").json()["items"] == []
    assert local.post("/v1/snapshots", json={"offers": OFFERS}).json()["id"] == document["offers_sha256"]


def test_a_file_is_read_as_the_command_line_reads_it(local, tmp_path, capsys):
    (tmp_path / "market.csv").write_text(CSV)
    assert run(["offers", "validate", str(tmp_path / "market.csv"), "--json", "--lang", "en"]) == 0
    query = {"name": "market.csv"}
    answer = local.post("/v1/offers/validate/files", params=query, content=CSV, headers={"content-type": "text/csv"})
    assert answer.json() == json.loads(capsys.readouterr().out)


def test_every_fault_is_told_by_row_and_column(local):
    broken = CSV.replace("10,80", "x,80").replace("20,81", "20,-1")
    answer = local.post("/v1/offers/validate/files", content=broken, headers={"content-type": "text/csv"})
    assert answer.status_code == 422
    assert {(f["row"], f["column"]) for f in answer.json()["faults"]} == {(2, "quantity"), (3, "price")}
    wrong = local.post("/v1/offers/validate/files", content=b"x", headers={"content-type": "image/png"})
    assert wrong.status_code == 415
