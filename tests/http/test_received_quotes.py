"""What crosses between organisations, and what does not: a client's quotes, a seller's feedback."""

import json
from typing import Any

import pytest

from api.access.received import SHOWN
from api.database.ledger_tables import quotes
from tests.http.conftest import AS_OF, EVENT
from tests.http.test_broker_flow import done, on_one_database, problem

SECRETS = ("秘密卖家", "SECRET", "57.31", "61.87", "71.53", "0.0777", "4.19")
"""Sellers, rivals' ids, costs, rivals' prices and margins, none of which any client may read."""
LOTS: list[dict[str, Any]] = [
    {
        **{"offer_id": "PHB-1", "instrument": "carbon_inclusion", "mechanism": "三晋绿色生活", "region": "14"},
        **{"vintage": 2025, "seller": "秘密卖家一", "quantity": "5000", "price": "57.31", "fixed_fee": "12"},
    },
    {
        **{"offer_id": "SECRET-2", "instrument": "carbon_inclusion", "mechanism": "三晋绿色生活", "region": "14"},
        **{"vintage": 2025, "seller": "秘密卖家二", "quantity": "5000", "price": "61.87"},
    },
    {"offer_id": "SECRET-3", "instrument": "allowance", "mechanism": "CEA", "quantity": "5000", "price": "71.53"},
]
MARGIN = {"rules": [{"where": {"tier": 1}, "rate": "0.0777"}, {"per_t": "4.19"}]}


def sent(broker: Any, to: Any, **more: Any) -> dict[str, Any]:
    """A quote from one organisation to another."""
    body = {"event": EVENT, "as_of": AS_OF, "margin": MARGIN, "client_organisation": to.id, **more}
    found: dict[str, Any] = done(broker.broker.post("/v1/quotes", json=body))
    return found


@pytest.fixture
def quote(mine, other):
    done(mine.broker.post("/v1/inventory", json={"offers": LOTS}))
    return sent(mine, other)


def test_a_client_reads_the_offer_and_nothing_else(mine, other, quote):
    shown = other.organiser.get(f"/v1/quotes/received/{quote['id']}")
    document = done(shown, 200)
    # 1,001 whole tonnes at 57.31 x 1.0777 = 61.76 (61.762987), and the fixed fee.
    assert (document["price"], document["lines"][0]["unit_price"]) == ("61833.76", "61.76")
    assert document["broker"] == "mine" and document["lines"][0]["tonnes"] == "1001"
    assert other.finance.get("/v1/quotes/received").json()["items"] == [document]
    for text in (shown.text, other.finance.get("/v1/quotes/received").text, json.dumps(dict(shown.headers))):
        leaked = [secret for secret in (*SECRETS, quote["cost"], quote["margin"], quote["plan_id"]) if secret in text]
        assert leaked == []
        assert [key for key in ("cost", "margin", "seller", "plan", "lot", "problem") if f'"{key}"' in text] == []


@on_one_database
def test_the_brokers_own_answer_has_what_the_client_must_not_read(mine, other, quote):
    whole = mine.broker.get(f"/v1/quotes/{quote['id']}").text
    plan = mine.broker.get(f"/v1/quotes/{quote['id']}/plan").text
    feedback = mine.broker.get(f"/v1/quotes/{quote['id']}/break-even").text
    # Else the test above could pass because the secrets are nowhere.
    for secret in SECRETS[:-2]:
        assert secret in whole + plan + feedback


def test_nobody_reads_a_quote_that_was_sent_to_somebody_else(mine, other, organise, quote):
    third = organise("third")
    done(mine.broker.post("/v1/inventory", json={"offers": LOTS, "mode": "replace"}))
    unaddressed = sent(mine, other, client_organisation=None, client="other")
    for org in (mine, third):
        assert problem(org.administrator.get(f"/v1/quotes/received/{quote['id']}")) == (404, "not_found")
        assert org.administrator.get("/v1/quotes/received").json()["items"] == []
        cursor = org.administrator.get("/v1/quotes/received", params={"cursor": quote["id"]})
        assert cursor.status_code == 422
    assert problem(other.administrator.get(f"/v1/quotes/received/{unaddressed['id']}")) == (404, "not_found")
    for path in ("", "/plan", "/break-even"):
        assert problem(other.administrator.get(f"/v1/quotes/{quote['id']}{path}")) == (404, "not_found")
    assert problem(other.administrator.post("/v1/holds", json={"quote_id": quote["id"]})) == (404, "not_found")


def test_of_a_row_only_the_columns_of_the_offer_are_read():
    hidden = {"costs", "plan", "inventory", "margin", "price_fen", "cost_fen", "plan_id", "organisation_id", "batch_id"}
    assert {column.name for column in SHOWN}.isdisjoint(hidden)
    assert hidden <= set(quotes.c.keys())


def test_a_client_that_is_not_there_is_a_fault(mine):
    done(mine.broker.post("/v1/inventory", json={"offers": LOTS}))
    body = {"event": EVENT, "as_of": AS_OF, "client_organisation": "0" * 24}
    answer = mine.broker.post("/v1/quotes", json=body)
    assert answer.status_code == 422 and answer.json()["faults"][0]["path"] == "client_organisation"


# -------------------------------------------------------------------------------------------------------- break-even


@on_one_database
def test_a_lot_that_lost_wins_at_its_break_even_and_not_above(mine, other, quote):
    where = f"/v1/quotes/{quote['id']}/break-even"
    lots = {lot["offer_id"]: lot for lot in mine.broker.get(where).json()["lots"]}
    lost = lots["SECRET-2"]
    assert lost["state"] == "beaten" and float(lost["price_at_most"]) < 61.87
    ids = {lot["offer_id"]: lot["id"] for lot in mine.broker.get("/v1/inventory").json()["items"]}

    def lines_at(price: str) -> set[str]:
        change = {"terms": {"price": price}, "reason": "试算"}
        done(mine.broker.patch(f"/v1/inventory/{ids['SECRET-2']}", json=change), 200)
        return {line["offer_id"] for line in sent(mine, other)["lines"]}

    at_most = round(float(lost["price_at_most"]) * 100)
    assert "SECRET-2" in lines_at(f"{(at_most - 5) / 100:.2f}")
    assert "SECRET-2" not in lines_at(f"{(at_most + 5) / 100:.2f}")


TOLD = [("none", None, None), ("band", "0.1", None), ("exact", None, "57.3")]


@on_one_database
@pytest.mark.parametrize(("feedback", "band", "exact"), TOLD)
def test_a_seller_is_told_of_their_own_lots_what_the_setting_discloses(mine, other, quote, feedback, band, exact):
    done(mine.broker.put("/v1/quoting", json={"feedback": feedback, "margin": MARGIN}), 200)
    answer = mine.broker.get(f"/v1/quotes/{quote['id']}/break-even", params={"seller": "秘密卖家二"}).json()
    (lot,) = answer["lots"]
    assert answer["feedback"] == feedback and lot["offer_id"] == "SECRET-2"
    assert (lot["won"], lot["band"]) == (False, band)
    assert (lot["price_at_most"] or "").startswith(exact or "") and (lot["price_at_most"] is None) == (exact is None)
    assert "秘密卖家一" not in json.dumps(answer, ensure_ascii=False)


@on_one_database
def test_quoting_terms_hold_where_a_request_says_nothing_else(mine):
    done(mine.broker.post("/v1/inventory", json={"offers": LOTS}))
    terms = {"margin": {"rules": [{"per_t": "1"}], "minimum": "5000"}, "valid_hours": 1, "feedback": "band"}
    done(mine.broker.put("/v1/quoting", json=terms), 200)
    assert mine.auditor.get("/v1/quoting").json()["margin"]["minimum"] == "5000.00"
    quote = done(mine.broker.post("/v1/quotes", json={"event": EVENT, "as_of": AS_OF}))
    # 1,001 t at 1 yuan of margin are 3,999 short of the minimum.
    assert (quote["margin"], quote["fee"]) == ("5000.00", "3999.00")
    wrong = {"margin": {"rules": [{"where": {"colour": "red"}, "rate": "x"}], "minimum": "-1"}}
    faults = mine.broker.put("/v1/quoting", json=wrong).json()["faults"]
    assert {f["path"] for f in faults} == {"margin.rules[0].where", "margin.rules[0].rate", "margin.minimum"}
    unknown = mine.broker.put("/v1/quoting?lang=en", json={"margin": {"rate": "0.04"}}).json()["faults"]
    said = [(f["path"], f["message"]) for f in unknown]
    assert said == [("margin.rate", "unknown key; should be one of: rules, minimum")]
