"""The price history, outlooks and imports over HTTP say what the command line says of the same database and files."""

import json
import math
from pathlib import Path
from typing import Any, get_args

import pytest

from api.cli import run
from market_data.feeds import FEEDS, FeedName
from tests.http.conftest import AS_OF, EVENT

MONTHS = 30
CREDITS = """\
project_id,quantity,vintage,transaction_date,transaction_type
VCS191,1000,2020,2021-05-01,issuance
VCS191,400,2020,2022-05-01,retirement
VCS874,50,2019,2021-05-01,issuance
"""

ALLOWANCES = """\
{"success": true, "code": 200, "message": "", "data": [
 {"tradeDate": "20261119", "subjectCode": "CEA25", "tradeMethod": "10",
  "tradeVolume": "9,500 ", "tradeAmount": "807,500.00 "}
]}"""


@pytest.fixture(params=["sqlite"])
def store_address(request, tmp_path) -> str:
    return f"sqlite:///{tmp_path / 'prices.db'}"


@pytest.fixture
def told(store_address, capsys) -> Any:
    """What a command says as JSON, of the same database."""

    def tell(*command: str, database: bool = True) -> Any:
        where = ["--database", store_address] if database else []
        assert run([*command, *where, "--json", "--lang", "en"]) == 0
        return json.loads(capsys.readouterr().out)

    return tell


@pytest.fixture
def history(local, told, tmp_path: Path) -> None:
    """Thirty months to June 2026 that swing about a level; the last of one instrument has no trade."""
    lines = ["month,instrument,price,volume"]
    for k in range(MONTHS):
        year, month = divmod(2024 * 12 + k, 12)
        swing = (math.sin(2.1 * k) + math.sin(5.3 * k) / 2, math.cos(1.7 * k) + math.sin(4.1 * k) / 2)
        for name, level, size in (("allowance", 70, swing[0]), ("ccer", 85, swing[1])):
            traded = name == "allowance" or k != 20
            price, volume = (f"{level + 6 * size:.2f}", "1000") if traded else ("", "")
            lines.append(f"{year}-{month + 1:02d},{name},{price},{volume}")
    (tmp_path / "months.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    told("history", "import", "monthly-prices", str(tmp_path / "months.csv"))


def answered(local, path: str, **query: Any) -> Any:
    answer = local.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_history_is_as_the_command_line_shows_it(local, told, history):
    assert answered(local, "/v1/history")["items"] == told("history", "list")
    days = {"since": "2025-07-01", "until": "2025-10-31"}
    options = ["--since", "2025-07-01", "--until", "2025-10-31"]
    series = answered(local, "/v1/history/series", instrument="ccer", **days)
    assert series == told("history", "show", "--instrument", "ccer", *options)
    assert [p["gap"] for p in series["periods"]] == [False, False, True, False]
    carried = answered(local, "/v1/history/series", instrument="ccer", carry=True, **days)["periods"]
    assert (carried[2]["filled"], carried[2]["price"]) == (True, carried[1]["price"])
    found = answered(local, "/v1/history/statistics", every="quarter")
    assert found == told("history", "stats", "--every", "quarter")
    assert {"series", "correlations", "premium"} == set(found)


@pytest.mark.parametrize("model", ["mean-reverting", "bootstrap"])
def test_what_a_model_says_is_as_the_command_line_says_it(local, told, history, model):
    common = ("--as-of", "2026-07-01", "--model", model, "--seed", "3")
    asked = {"as_of": "2026-07-01", "model": model, "seed": 3}
    estimate = answered(local, "/v1/outlooks/estimate", months=3, statistic="P80", spot="ccer=96.34", **asked)
    options = ("--months", "3", "--statistic", "P80", "--spot", "ccer=96.34")
    assert estimate == told("outlook", "estimate", *common, *options)
    drawn = answered(local, "/v1/outlooks/draws", months=2, draws=500, **asked)
    assert drawn == told("outlook", "draws", *common, "--months", "2", "--draws", "500")
    tested = answered(local, "/v1/outlooks/backtest", held_out=6, draws=200, **asked)
    assert tested == told("outlook", "backtest", *common, "--held-out", "6", "--draws", "200")
    assert sum(row["n"] for row in tested["rows"]) > 0


def test_a_view_is_an_outlook_that_a_plan_takes(local, told, tmp_path):
    rows = [
        {"instrument": "ccer", "date": "2027-06-30", "price": "92.925"},
        {"instrument": "allowance", "date": "2026-12-01", "factor": 1.5},
    ]
    answer = local.post("/v1/outlooks/view", json={"rows": rows, "spot": ["ccer=88.50"], "as_of": AS_OF})
    (tmp_path / "view.json").write_text(json.dumps(rows))
    options = (str(tmp_path / "view.json"), "--spot", "ccer=88.50", "--as-of", AS_OF)
    assert answer.json() == told("outlook", "view", *options, database=False)
    factors = answer.json()["factors"]
    assert factors == [  # 92.925 / 88.50 = 1.05
        {"instrument": "ccer", "from": "2027-06-30", "factor": "1.05"},
        {"instrument": "allowance", "from": "2026-12-01", "factor": "1.5"},
    ]
    offers = [{"offer_id": "CEA-1", "instrument": "allowance", "quantity": "5000", "price": "75"}]
    question = {"event": EVENT, "offers": offers, "as_of": AS_OF, "outlook": {"factors": factors}}
    assert local.post("/v1/plans", json=question).status_code == 201


def faults(answer: Any) -> set[tuple[Any, ...]]:
    assert answer.status_code == 422, answer.text
    return {tuple(f[k] for k in ("path", "row", "column") if f.get(k) is not None) for f in answer.json()["faults"]}


def test_faults_are_told_at_once_by_the_names_of_the_query(local, history):
    odd = local.get("/v1/outlooks/estimate", params={"statistic": "P180", "spot": ["ccer", "ccer=-1"]})
    assert faults(odd) == {("statistic",), ("spot",)} and len(odd.json()["faults"]) == 3
    assert faults(local.get("/v1/history/series")) == {("instrument",)}
    wrong = {"instrument": "oil", "every": "hour", "since": "2026-02-30"}
    assert faults(local.get("/v1/history/series", params=wrong)) == {("instrument",), ("every",), ("since",)}
    late = local.get("/v1/outlooks/backtest", params={"held_out": MONTHS, "as_of": "2026-07-01"})
    assert faults(late) == {("held_out",)}, "the history has no month before those held out"
    rows = [{"instrument": "ccer", "date": "2020-01-01", "factor": "1"}, {"instrument": "credit", "date": "2027-01-01"}]
    assert faults(local.post("/v1/outlooks/view", json={"rows": rows})) == {(1, "date"), (2,)}


def test_an_empty_history_says_so(local):
    assert answered(local, "/v1/history") == {"items": []}
    for path in ("/v1/history/series?instrument=ccer", "/v1/history/statistics", "/v1/outlooks/estimate"):
        assert {f["code"] for f in local.get(path).json()["faults"]} == {"history_empty"}


# ------------------------------------------------------------------------------------------------------------- imports


def imported(local, *files: tuple[str, str], headers: dict[str, str] | None = None, **query: Any) -> Any:
    parts = [("file", (name, content.encode())) for name, content in files]
    return local.post("/v1/imports", params=query, files=parts, headers=headers)


def test_feeds_are_those_of_the_command_line(local):
    assert get_args(FeedName.__value__) == tuple(FEEDS)
    lines = {line["name"]: line for line in answered(local, "/v1/imports/feeds")["items"]}
    assert list(lines) == list(FEEDS)
    assert lines["offsets-db"]["companions"] == 1 and "price" in lines["offsets-db"]["options"]
    assert lines["akshare"]["has_prices"] and "market" in lines["akshare"]["options"]


def test_a_feed_is_kept_as_the_command_line_keeps_it(local, told, tmp_path):
    query = {"feed": "offsets-db", "as_of": AS_OF, "price": "36", "seller": "甲", "exclude": "none"}
    answer = imported(local, ("credits.csv", CREDITS), **query, headers={"Idempotency-Key": "once"})
    assert answer.status_code == 201, answer.text
    account = answer.json()
    (tmp_path / "credits.csv").write_text(CREDITS, encoding="utf-8")
    options = ["--as-of", AS_OF, "--price", "36", "--seller", "甲", "--exclude", "none"]
    same = told("offers", "import", "offsets-db", str(tmp_path / "credits.csv"), *options)
    assert account == {k: v for k, v in same.items() if not k.startswith("quotes_")}
    assert account["rows_read"] + account["split"] == (
        account["offers"] + account["folded"] + sum(account["left_out"].values())
    )
    held = answered(local, f"/v1/snapshots/{account['snapshot']}")
    assert (held["name"], held["offers"], held["as_of"]) == ("offsets-db", account["offers"], AS_OF)
    offers = answered(local, f"/v1/snapshots/{account['snapshot']}/offers")["offers"]
    assert {(o["project_id"], o["quantity"]) for o in offers} == {("VCS191", "600"), ("VCS874", "50")}
    again = imported(local, ("credits.csv", CREDITS), **query, headers={"Idempotency-Key": "once"})
    assert (again.headers.get("Idempotency-Replayed"), again.json()) == ("true", account)


def test_quotes_of_a_feed_stay_out_of_the_history_that_all_share(local):
    answer = imported(local, ("allowances.json", ALLOWANCES), feed="cneeex", as_of=AS_OF)
    assert (answer.status_code, answer.json()["offers"]) == (201, 1), answer.text
    assert answered(local, "/v1/history") == {"items": []}


def test_files_without_an_offer_are_accounted_for_and_nothing_is_kept(local):
    months = "month,instrument,price,volume\n2026-10,ccer,85,100\n2026-11,ccer,,\n"
    answer = imported(local, ("months.csv", months), feed="monthly-prices", as_of=AS_OF)
    assert (answer.status_code, answer.json()["snapshot"]) == (200, None), answer.text
    assert answer.json()["left_out"] == {"composite": 1, "no_price": 1}
    assert answered(local, "/v1/snapshots")["items"] == []


def test_faults_of_options_and_files_are_told(local):
    odd = imported(local, ("a.csv", CREDITS), feed="monthly-prices", price="x", fee_rate="2", market="北京")
    assert faults(odd) == {("price",), ("fee_rate",), ("market",)}
    assert faults(imported(local, ("a.csv", CREDITS), feed="file")) == {("feed",)}
    assert {f["file"] for f in imported(local, ("a.csv", "x,y\n1,2\n"), feed="verra").json()["faults"]} == {"a.csv"}
    three = [("a.csv", CREDITS)] * 3
    assert {f["code"] for f in imported(local, *three, feed="offsets-db").json()["faults"]} == {"feed_files"}
    assert local.post("/v1/imports?feed=verra", files={"other": b"1"}).json()["faults"][0]["path"] == "file"
    broken = {"content-type": "multipart/form-data; boundary=x"}
    assert local.post("/v1/imports?feed=verra", content=b"abc", headers=broken).status_code == 400
    plain = {"content-type": "text/csv"}
    assert local.post("/v1/imports?feed=verra", content=b"abc", headers=plain).status_code == 415


def test_a_made_up_market_is_kept_and_is_that_of_the_command_line(local, told, tmp_path):
    made = local.post("/v1/snapshots/synthetic", json={"offers": 20, "seed": 7, "as_of": AS_OF})
    out = str(tmp_path / "made.csv")
    same = told("synth", "--offers", "20", "--seed", "7", "--as-of", AS_OF, "-o", out, database=False)
    assert (made.status_code, made.json()["id"], made.json()["offers"]) == (201, same["snapshot"], 20)
    offers = answered(local, f"/v1/snapshots/{made.json()['id']}/offers")["offers"]
    assert all(o["offer_id"].startswith("SYN-") for o in offers)
    early = local.post("/v1/snapshots/synthetic", json={"offers": 20, "seed": 7, "as_of": "1990-01-01"})
    assert faults(early) == {("as_of",)}
