"""A broker's day over HTTP: inventory, quote, hold, order, delivery, cancellation; every amount worked by hand."""

from typing import Any

import pytest

from api.ledger.accounts import ledger_faults
from tests.http.conftest import AS_OF, EVENT, OFFERS

MARGIN = {"rules": [{"where": {"instrument": "ccer"}, "rate": "0.05"}, {"per_t": "3"}]}
LOTS = [{k: v for k, v in offer.items() if k != "valid_until"} for offer in OFFERS]
"""Quotes end by the real clock: these lots do not."""
QUOTE = {"event": EVENT, "as_of": AS_OF, "margin": MARGIN, "client": "示例组委会"}

on_one_database = pytest.mark.parametrize("store_address", ["sqlite"], indirect=True)
"""Of tests in which the database has no part."""


def done(answer: Any, status: int = 201) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


def stocked(client: Any, offers: Any = LOTS) -> dict[str, str]:
    """Imports offers; gives offer -> lot."""
    done(client.post("/v1/inventory", json={"offers": offers}))
    return {lot["offer_id"]: lot["id"] for lot in client.get("/v1/inventory").json()["items"]}


def state_of(client: Any, lot: str) -> tuple[str, str, str]:
    found = client.get(f"/v1/inventory/{lot}").json()
    return found["stock_t"], found["held_t"], found["available_t"]


def problem(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:jinheng:problem:")


def test_a_quote_sells_at_cost_and_margin(local):
    lots = stocked(local)
    answer = local.post("/v1/quotes", json=QUOTE)
    quote = done(answer)
    # Cost:  200 t at 60 + 500 t at 80 + 301 t at 75 = 12,000 + 40,000 + 22,575 = 74,575.
    # Price: 200 t at 63 + 500 t at 84 + 301 t at 78 = 12,600 + 42,000 + 23,478 = 78,078.
    assert (quote["price"], quote["cost"], quote["margin"], quote["fee"]) == ("78078.00", "74575.00", "3503.00", "0.00")
    lines = {line["offer_id"]: line for line in quote["lines"]}
    assert (lines["CCER-1"]["unit_price"], lines["CCER-1"]["cost"]) == ("84.00", "40000.00")
    assert lines["PHB-1"]["lot"] == lots["PHB-1"] and lines["PHB-1"]["seller"] == "甲"
    plan = local.get(f"{answer.headers['location']}/plan").json()
    assert plan["plan_id"] == quote["plan_id"] and plan["totals"]["cost"] == "78078.00"
    assert local.get(answer.headers["location"]).json() == quote


@on_one_database
def test_fees_are_costs_and_a_minimum_is_asked_beside_the_lines(local):
    fees = {"price": "80", "unit_fee": "1", "fee_rate": "0.01", "fixed_fee": "50"}
    stocked(
        local, [{"offer_id": "A", "instrument": "ccer", "vintage": 2025, "region": "14", "quantity": "900", **fees}]
    )
    event = {**EVENT, "emissions": {"tonnes": "100", "status": "verified"}}
    margin = {"rules": [{"rate": "0.05"}], "minimum": "500"}
    quote = done(local.post("/v1/quotes", json={**QUOTE, "event": event, "margin": margin}))
    # A tonne costs 80 x 1.01 + 1 = 81.80 and is sold at 81.80 x 1.05 = 85.89. Lines: 8,180 + 50 and 8,589 + 50.
    # The margin 409 is 91 short of 500.
    assert (quote["cost"], quote["fee"], quote["price"]) == ("8230.00", "91.00", "8730.00")
    assert quote["margin"] == "500.00"


def test_from_quote_to_delivery_every_tonne_is_somewhere(local, app):
    lots = stocked(local)
    quote = done(local.post("/v1/quotes", json=QUOTE))
    hold = done(local.post("/v1/holds", json={"quote_id": quote["id"], "minutes": 30}))
    assert hold["state"] == "active" and {line["price"] for line in hold["lines"]} == {
        *("12600.00", "42000.00", "23478.00")
    }
    assert state_of(local, lots["CEA-1"]) == ("5000", "301", "4699")
    order = done(local.post("/v1/orders", json={"hold_id": hold["id"]}))
    assert (order["state"], order["price"]) == ("open", "78078.00")
    line = next(line for line in order["lines"] if line["offer_id"] == "CEA-1")
    where = f"/v1/orders/{order['id']}"
    for tonnes in ("100", "0.5"):
        done(local.post(f"{where}/fills", json={"line": line["id"], "tonnes": tonnes, "reference": "JG"}), 200)
    amounts = [fill["amount"] for fill in local.get(f"{where}/fills").json()["items"]]
    assert amounts == ["7800.00", "39.00"]
    assert state_of(local, lots["CEA-1"]) == ("4899.5", "200.5", "4699")
    over = local.post(f"{where}/fills", json={"line": line["id"], "tonnes": "200.501"})
    assert problem(over) == (409, "conflict") and over.json()["faults"][0]["code"] == "over_fill"
    assert done(local.post(f"{where}/cancel", json={"reason": "活动取消"}), 200)["state"] == "closed"
    assert state_of(local, lots["CEA-1"]) == ("4899.5", "0", "4899.5")
    assert state_of(local, lots["PHB-1"]) == ("200", "0", "200")
    kinds = [move["kind"] for move in local.get(f"/v1/inventory/{lots['CEA-1']}/moves").json()["items"]]
    assert kinds == ["cancel", "fill", "fill", "hold", "import"]
    with app.state.records.database.reading() as c:
        assert ledger_faults(c) == []


def test_a_hold_takes_all_lines_or_none_and_names_every_lot_that_is_short(local):
    lots = stocked(local)
    lines = [{"lot": lots["PHB-1"], "tonnes": "201"}, {"lot": lots["CEA-1"], "tonnes": "10"}]
    answer = local.post("/v1/holds", json={"lines": [*lines, {"lot": lots["CCER-1"], "tonnes": "501"}]})
    assert problem(answer) == (409, "sold_out")
    assert {f["value"] for f in answer.json()["faults"]} == {"PHB-1", "CCER-1"}
    assert {state_of(local, lot)[1] for lot in lots.values()} == {"0"}


def test_an_indicative_quote_cannot_be_held_and_a_firm_one_only_once(local):
    stocked(local)
    soft = done(local.post("/v1/quotes", json={**QUOTE, "firm": False}))
    answer = local.post("/v1/holds", json={"quote_id": soft["id"]})
    assert problem(answer) == (409, "conflict") and answer.json()["faults"][0]["code"] == "indicative"
    firm = done(local.post("/v1/quotes", json=QUOTE))
    hold = done(local.post("/v1/holds", json={"quote_id": firm["id"]}))
    again = local.post("/v1/holds", json={"quote_id": firm["id"]})
    assert again.json()["faults"][0]["code"] in ("quote_taken", "sold_out") and again.status_code == 409
    done(local.post(f"/v1/holds/{hold['id']}/release", json={"reason": "客户改期"}), 200)
    hold = done(local.post("/v1/holds", json={"quote_id": firm["id"]}))
    order = done(local.post("/v1/orders", json={"hold_id": hold["id"]}))
    assert problem(local.post("/v1/orders", json={"hold_id": hold["id"]})) == (409, "conflict")
    assert order["quote_id"] == firm["id"]


@on_one_database
def test_a_firm_quote_is_made_of_firm_lots(local):
    stocked(local, [{**offer, "firm": "false"} if offer["offer_id"] == "CCER-1" else offer for offer in LOTS])
    firm = done(local.post("/v1/quotes", json=QUOTE))
    soft = done(local.post("/v1/quotes", json={**QUOTE, "firm": False}))
    assert "CCER-1" not in {line["offer_id"] for line in firm["lines"]}
    assert "CCER-1" in {line["offer_id"] for line in soft["lines"]}


def test_the_same_key_holds_once(local):
    lots = stocked(local)
    body = {"lines": [{"lot": lots["CEA-1"], "tonnes": "10", "price": "78.005"}]}
    assert local.post("/v1/holds", json=body).json()["faults"][0]["code"] == "decimals"
    body["lines"][0]["price"] = "78.05"
    first, again = (local.post("/v1/holds", json=body, headers={"Idempotency-Key": "h1"}) for _ in range(2))
    assert first.content == again.content and first.json()["lines"][0]["price"] == "780.50"
    assert state_of(local, lots["CEA-1"])[1] == "10"


def test_an_inventory_is_adjusted_with_a_reason_and_never_below_what_is_held(local):
    lots = stocked(local)
    where = f"/v1/inventory/{lots['CCER-1']}"
    done(local.post("/v1/holds", json={"lines": [{"lot": lots["CCER-1"], "tonnes": "400"}]}))
    below = local.patch(where, json={"change_t": "-101", "reason": "盘点"})
    assert below.status_code == 422 and below.json()["faults"][0]["code"] == "below_held"
    etag = local.get(where).headers["etag"]
    changed = done(local.patch(where, json={"change_t": "-100", "terms": {"price": "81"}, "reason": "盘点"},
                               headers={"If-Match": etag}), 200)  # fmt: skip
    assert (changed["stock_t"], changed["terms"]["price"]) == ("400", "81.00")
    assert local.patch(where, json={"change_t": "1", "reason": "盘点"}, headers={"If-Match": etag}).status_code == 412
    assert local.patch(where, json={"change_t": "1", "reason": " "}).json()["faults"][0]["code"] == "reason"
    wrong = local.patch(where, json={"terms": {"price": "-1", "lot_size": "x"}, "reason": "盘点"})
    assert {f.get("column") for f in wrong.json()["faults"]} == {"price", "lot_size"}
    last = local.get(f"{where}/moves").json()["items"][0]
    assert (last["kind"], last["stock_change_t"], last["reason"]) == ("adjust", "-100", "盘点")
    assert last["terms"]["price"] == "81.00"


def test_an_import_says_what_becomes_of_lots_that_are_there(local):
    stocked(local)
    again = local.post("/v1/inventory", json={"offers": LOTS})
    assert [f["code"] for f in again.json()["faults"]] == ["lot_known"] * 3
    dearer = [{**LOTS[1], "price": "90"}]
    assert local.post("/v1/inventory", json={"offers": dearer, "mode": "add"}).json()["faults"][0]["code"] == (
        "terms_differ"
    )
    assert done(local.post("/v1/inventory", json={"offers": [LOTS[1]], "mode": "add"}))["changed"] == 1
    csv = "报价编号,品种,地区,年份,数量,价格\nCCER-1,CCER,山西,2025,70,90\nNEW,CCER,山西,2025,8,85\n".encode()
    sent = local.post("/v1/inventory/files?mode=replace", content=csv, headers={"content-type": "text/csv"})
    assert (done(sent)["added"], done(sent)["changed"]) == (1, 1)
    found = {lot["offer_id"]: lot for lot in local.get("/v1/inventory").json()["items"]}
    assert (found["CCER-1"]["stock_t"], found["CCER-1"]["terms"]["price"]) == ("70", "90.00")
    assert found["CEA-1"]["stock_t"] == "5000"


def test_a_batch_promises_nothing_twice_and_serves_by_priority(local):
    stocked(local)
    events = [
        {"event": {**EVENT, "id": f"e{k}", "priority": priority, "emissions": {"tonnes": "400", "status": "verified"}}}
        for k, priority in enumerate((3, 1, 2))
    ]
    batch = done(local.post("/v1/quotes/batch", json={"events": events, "as_of": AS_OF, "margin": MARGIN}))
    assert [q["event_id"] for q in batch["items"]] == ["e1", "e2", "e0"]
    sold: dict[str, float] = {}
    for quote in batch["items"]:
        for line in local.get(f"/v1/quotes/{quote['id']}").json()["lines"]:
            sold[line["offer_id"]] = sold.get(line["offer_id"], 0) + float(line["tonnes"])
    # 1,200 t in all: 200 of the first tier to e1, then 500 t of CCER to e1 and e2, then allowances.
    assert sold == {"PHB-1": 200, "CCER-1": 500, "CEA-1": 500}
    for quote in batch["items"]:
        done(local.post("/v1/holds", json={"quote_id": quote["id"]}))
    listed = local.get("/v1/quotes", params={"batch": batch["batch_id"]}).json()["items"]
    assert len(listed) == 3


@on_one_database
def test_every_fault_of_a_batch_is_told_at_once_with_its_place(local):
    stocked(local)
    events = [{"event": {**EVENT, "end_date": "soon"}}, {"event_id": "none"}, {"event": EVENT}, {"event": EVENT}]
    answer = local.post("/v1/quotes/batch", json={"events": [*events[:2], {}], "margin": {"rules": [{"rate": "11"}]}})
    paths = {f["path"] for f in answer.json()["faults"]}
    assert answer.status_code == 422 and paths == {"events[1].event_id", "events[2].event", "margin.rules[0].rate"}
    answer = local.post("/v1/quotes/batch", json={"events": [events[0], *events[2:]]})
    assert {f["path"] for f in answer.json()["faults"]} == {"events[0].event.end_date", "events"}


MOMENTS: list[dict[str, Any]] = [
    {"valid_until": "2026-11-22T00:00:00"},
    {"valid_until": "2020-01-01T00:00:00Z"},
    {"valid_hours": 0},
    {"valid_hours": 9, "valid_until": "2150-01-01T00:00:00Z"},
]


@on_one_database
@pytest.mark.parametrize("wrong", MOMENTS, ids=["no zone", "past", "none", "both"])
def test_a_quote_ends_at_one_moment_in_the_future(local, wrong):
    stocked(local)
    assert local.post("/v1/quotes", json={**QUOTE, **wrong}).status_code == 422


@on_one_database
def test_a_quote_ends_with_the_last_day_of_its_lots_in_china(local):
    stocked(local, [{**LOTS[0], "valid_until": "2099-12-31"}, *LOTS[1:]])
    quote = done(local.post("/v1/quotes", json={**QUOTE, "valid_until": "2150-01-01T00:00:00Z"}))
    assert quote["valid_until"] == "2099-12-31T16:00:00.000000Z"
