"""A client answers a received quote: the broker's order is made once, whoever else acts at that moment; both trails."""

import ast
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

import api
from api import settings
from api.access import trail
from api.ledger.accounts import ledger_faults
from market_data.store_tables import time_of
from optimizer.errors import BadInput
from tests.http.conftest import Organisation, client_of
from tests.http.test_broker_flow import done, on_one_database, problem, state_of
from tests.http.test_received_quotes import LOTS, SECRETS, sent


@pytest.fixture
def quote(mine: Organisation, other: Organisation) -> dict[str, Any]:
    done(mine.broker.post("/v1/inventory", json={"offers": LOTS}))
    return sent(mine, other)


def where(quote: dict[str, Any], verb: str = "") -> str:
    return f"/v1/quotes/received/{quote['id']}{f'/{verb}' if verb else ''}"


def held(mine: Organisation, quote: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = done(mine.broker.post("/v1/holds", json={"quote_id": quote["id"], "minutes": 30}))
    return found


def codes(answer: Any) -> tuple[int, str, str]:
    return *problem(answer), answer.json()["faults"][0]["code"]


def trail_of(org: Organisation, thing: str = "") -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = org.auditor.get("/v1/audit", params={"limit": 500}).json()["items"]
    return [entry for entry in entries[::-1] if thing in ("", entry["object"])]


def books_agree(app: Any) -> None:
    """Every sum of the ledger, and every trail."""
    with app.state.records.database.reading() as c:
        assert ledger_faults(c) == []
        assert list(trail.breaks(c)) == []


# ------------------------------------------------------------------------------------------------------------ accepting


def test_accepting_is_the_brokers_order_at_the_quotes_prices(app, mine, other, quote):
    answer = done(other.finance.post(where(quote, "accept")), 200)
    assert (answer["answer"]["state"], answer["answer"]["by"]) == ("accepted", "finance")
    (order,) = mine.broker.get("/v1/orders").json()["items"]
    assert (order["id"], order["state"], order["price"]) == (answer["order_id"], "open", quote["price"])
    assert (order["quote_id"], order["client_organisation"], order["made_by"]) == (quote["id"], other.id, "client")
    whole = mine.broker.get(f"/v1/quotes/{quote['id']}").json()
    assert whole["answer"] == answer["answer"] == mine.broker.get("/v1/quotes").json()["items"][0]["answer"]
    line = order["lines"][0]
    # 1,001 t of PHB-1 are kept for the client, none of them twice.
    assert state_of(mine.broker, line["lot"]) == ("5000", "1001", "3999")
    assert other.auditor.get(where(quote)).json() == answer
    assert other.organiser.get("/v1/quotes/received").json()["items"] == [answer]
    done(mine.broker.post(f"/v1/orders/{order['id']}/fills", json={"line": line["id"], "tonnes": "1001"}), 200)
    books_agree(app)


def test_what_the_broker_holds_for_the_quote_becomes_the_order(app, mine, other, quote):
    hold = held(mine, quote)
    order_id = done(other.administrator.post(where(quote, "accept")), 200)["order_id"]
    assert mine.broker.get(f"/v1/orders/{order_id}").json()["hold_id"] == hold["id"]
    assert mine.broker.get(f"/v1/holds/{hold['id']}").json()["state"] == "ordered"
    assert len(mine.broker.get("/v1/holds").json()["items"]) == 1
    books_agree(app)


def test_both_trails_tell_it_each_in_its_own_words(app, mine, other, quote):
    order_id = done(other.organiser.post(where(quote, "accept")), 200)["order_id"]
    (theirs,) = [entry for entry in trail_of(other, quote["id"])]
    assert (theirs["action"], theirs["actor"]["name"]) == ("received_quote.accept", "organiser")
    assert theirs["details"] == {
        **{"broker": "mine", "event": quote["event_id"], "order": order_id, "price": quote["price"]},
    }
    told = {entry["action"]: entry for entry in trail_of(mine) if entry["actor"].get("way") == "client"}
    assert set(told) == {"hold.take", "order.accept", "quote.accept"}
    assert told["quote.accept"]["actor"] == {"user": "client", "name": "other: organiser", "way": "client"}
    assert told["quote.accept"]["details"] == {"client": "other", "by": "organiser", "order": order_id}
    books_agree(app)


def test_the_client_learns_nothing_else_of_the_broker(mine, other, quote):
    answers = [other.organiser.post(where(quote, verb), json={}) for verb in ("decline", "reopen", "accept", "accept")]
    answers += [other.auditor.get("/v1/audit"), other.auditor.get("/v1/quotes/received")]
    texts = [answer.text for answer in answers] + [json.dumps(dict(answer.headers)) for answer in answers]
    secrets = (*SECRETS, quote["cost"], quote["margin"], quote["plan_id"], quote["lines"][0]["lot"])
    assert [secret for secret in secrets for text in texts if secret in text] == []
    order_id = answers[2].json()["order_id"]
    assert problem(other.administrator.get(f"/v1/orders/{order_id}")) == (404, "not_found")
    # Nor does the broker learn who of the client may do what: the name alone.
    assert other.organiser.get("/v1/me").json()["user"] not in mine.auditor.get("/v1/audit").text


def test_the_same_key_accepts_once_and_another_time_is_told_who_did(app, mine, other, quote):
    key = {"Idempotency-Key": "accept-1"}
    first, again = (other.finance.post(where(quote, "accept"), headers=key) for _ in range(2))
    assert (first.status_code, first.content) == (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    other_time = other.organiser.post(where(quote, "accept"))
    assert codes(other_time) == (409, "conflict", "accepted") and "finance" in other_time.text
    assert codes(other.organiser.post(where(quote, "decline"), json={})) == (409, "conflict", "accepted")
    assert len(mine.broker.get("/v1/orders").json()["items"]) == 1
    books_agree(app)


@on_one_database
def test_an_order_that_the_broker_made_is_shown_and_not_made_again(mine, other, quote):
    order = done(mine.broker.post("/v1/orders", json={"hold_id": held(mine, quote)["id"]}))
    shown = other.auditor.get(where(quote)).json()
    assert (shown["order_id"], shown["answer"]) == (order["id"], None)
    for verb in ("accept", "decline"):
        assert codes(other.finance.post(where(quote, verb), json={})) == (409, "conflict", "quote_taken")


@on_one_database
def test_an_indicative_quote_is_not_accepted_and_may_be_declined(mine, other, quote):
    soft = sent(mine, other, firm=False)
    answer = other.finance.post(where(soft, "accept"), headers={"accept-language": "zh"})
    assert codes(answer) == (409, "conflict", "indicative") and "意向报价不能接受" in answer.text
    assert done(other.finance.post(where(soft, "decline"), json={}), 200)["answer"]["state"] == "declined"


@on_one_database
def test_who_may_only_read_answers_nothing(mine, other, quote):
    for role in ("auditor", "broker"):
        for verb in ("accept", "decline", "reopen"):
            assert problem(other.callers[role].post(where(quote, verb), json={})) == (403, "forbidden")
    assert other.auditor.get(where(quote)).json()["answer"] is None


@on_one_database
def test_what_is_sold_out_is_told_without_how_much_is_left(mine, other, quote):
    lot = quote["lines"][0]["lot"]
    change = {"change_t": "-4321", "reason": "盘点"}
    done(mine.broker.patch(f"/v1/inventory/{lot}", json=change), 200)
    answer = other.finance.post(where(quote, "accept"))
    assert codes(answer) == (409, "sold_out", "sold_out") and "679" not in answer.text
    assert other.finance.get(where(quote)).json()["answer"] is None
    assert [entry["action"] for entry in trail_of(other, quote["id"])] == []


# ------------------------------------------------------------------------------------------------------------ declining


def test_while_it_is_declined_nothing_is_held_or_ordered_of_it_until_that_is_taken_back(app, mine, other, quote):
    hold = held(mine, quote)
    told = done(other.organiser.post(where(quote, "decline"), json={"reason": "预算已用完"}), 200)["answer"]
    assert (told["state"], told["by"], told["reason"]) == ("declined", "organiser", "预算已用完")
    assert mine.broker.get(f"/v1/quotes/{quote['id']}").json()["answer"] == told
    assert codes(mine.broker.post("/v1/orders", json={"hold_id": hold["id"]})) == (409, "conflict", "declined")
    done(mine.broker.post(f"/v1/holds/{hold['id']}/release", json={}), 200)
    assert codes(mine.broker.post("/v1/holds", json={"quote_id": quote["id"]})) == (409, "conflict", "declined")
    for verb in ("accept", "decline"):
        assert codes(other.finance.post(where(quote, verb), json={})) == (409, "conflict", "declined")
    assert done(other.finance.post(where(quote, "reopen")), 200)["answer"] is None
    assert codes(other.finance.post(where(quote, "reopen"))) == (409, "conflict", "not_declined")
    assert done(other.finance.post(where(quote, "accept")), 200)["answer"]["state"] == "accepted"
    assert [e["action"] for e in trail_of(other, quote["id"])] == [
        f"received_quote.{verb}" for verb in ("decline", "reopen", "accept")
    ]
    assert [e["action"] for e in trail_of(mine, quote["id"])][1:] == [
        f"quote.{verb}" for verb in ("decline", "reopen", "accept")
    ]
    books_agree(app)


# ------------------------------------------------------------------------------------------------------------ the clock


@on_one_database
@pytest.mark.parametrize(("early_us", "verb"), [(1, "accept"), (1, "decline"), (0, "accept"), (0, "decline")])
def test_a_quote_is_answered_before_its_moment_and_never_at_it(mine, other, quote, monkeypatch, early_us, verb):
    hold = held(mine, quote)  # which outlasts the quote by nothing: a client answers quotes, not holds
    end = time_of(quote["valid_until"])
    assert end > time_of(hold["expires_at"])
    monkeypatch.setattr(settings, "now", lambda: end - timedelta(microseconds=early_us))
    answer = other.finance.post(where(quote, verb), json={})
    if early_us:
        assert answer.status_code == 200, answer.text
    else:
        assert codes(answer) == (409, "expired", "quote_expired")


@on_one_database
def test_declining_stands_when_the_quote_has_ended(mine, other, quote, monkeypatch):
    done(other.finance.post(where(quote, "decline"), json={}), 200)
    monkeypatch.setattr(settings, "now", lambda: time_of(quote["valid_until"]))
    assert codes(other.finance.post(where(quote, "reopen"))) == (409, "expired", "quote_expired")
    shown = other.finance.get(where(quote)).json()
    assert (shown["open"], shown["answer"]["state"]) == (False, "declined")


@on_one_database
def test_a_hold_that_ran_out_is_held_anew(app, mine, other, quote, monkeypatch):
    hold = held(mine, quote)
    monkeypatch.setattr(settings, "now", lambda: time_of(hold["expires_at"]))
    order_id = done(other.finance.post(where(quote, "accept")), 200)["order_id"]
    assert mine.broker.get(f"/v1/orders/{order_id}").json()["hold_id"] != hold["id"]
    assert mine.broker.get(f"/v1/holds/{hold['id']}").json()["state"] == "expired"
    books_agree(app)


# ------------------------------------------------------------------------------------------------------------ at once


def at_once(app: Any, calls: list[Callable[[Any], Any]], callers: list[Any]) -> list[Any]:
    """Calls in threads of their own, each by its caller."""
    with ThreadPoolExecutor(len(calls)) as pool:
        tokens = [caller.headers["authorization"].removeprefix("Bearer ") for caller in callers]
        work = [pool.submit(call, client_of(app, token)) for call, token in zip(calls, tokens, strict=True)]
        return [one.result() for one in work]


def test_of_many_clicks_at_once_one_makes_the_order(app, mine, other, quote):
    clicks = [lambda client: client.post(where(quote, "accept"))] * 8
    callers = [other.callers[role] for role in ("finance", "organiser", "administrator", "finance")] * 2
    answers = at_once(app, clicks, callers)
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    assert {codes(answer)[2] for answer in answers if answer.status_code == 409} <= {"accepted", "quote_taken"}
    assert len(mine.broker.get("/v1/orders").json()["items"]) == 1
    books_agree(app)


@pytest.mark.parametrize("round_", range(4))
def test_accepting_while_the_broker_gives_the_hold_back_or_orders_or_the_stock_goes(app, mine, other, quote, round_):
    """Whoever comes first: one order or none, and every sum agrees."""
    hold = held(mine, quote)
    ways: list[Callable[[Any], Any]] = [
        lambda client: client.post(f"/v1/holds/{hold['id']}/release", json={}),
        lambda client: client.post("/v1/orders", json={"hold_id": hold["id"]}),
        lambda client: client.post("/v1/holds", json={"quote_id": quote["id"]}),
        lambda client: client.patch(
            f"/v1/inventory/{quote['lines'][0]['lot']}", json={"change_t": "-3999", "reason": "盘点"}
        ),
    ]
    ways = ways[round_:] + ways[:round_]
    answers = at_once(
        app,
        [*ways, lambda client: client.post(where(quote, "accept")), lambda c: c.post(where(quote, "decline"), json={})],
        [*[mine.broker] * 4, other.finance, other.organiser],
    )
    assert {answer.status_code for answer in answers} <= {200, 201, 409}
    orders = mine.broker.get("/v1/orders").json()["items"]
    accepted, declined = answers[-2:]
    assert len(orders) <= 1 and (accepted.status_code != 200 or accepted.json()["order_id"] == orders[0]["id"])
    assert not orders or declined.status_code == 409, "ordered and declined"
    books_agree(app)


def test_two_organisations_accept_one_anothers_quotes_at_once(app, mine, other, quote):
    """Both trails are written by both: in one order, so that neither waits for the other for ever."""
    done(other.broker.post("/v1/inventory", json={"offers": LOTS}))
    pairs = [(sent(mine, other), other.finance), (sent(other, mine), mine.finance)]
    pairs += [(sent(mine, other), other.organiser), (sent(other, mine), mine.organiser)]
    calls: list[Callable[[Any], Any]] = [
        lambda client, one=one: client.post(where(one, "accept"))  # type: ignore[misc]
        for one, _ in pairs
    ]
    answers = at_once(app, calls, [caller for _, caller in pairs])
    assert [answer.status_code for answer in answers] == [200] * 4
    books_agree(app)


@on_one_database
def test_an_organisation_may_be_its_own_client(app, mine, quote):
    own = sent(mine, mine)
    done(mine.finance.post(where(own, "accept")), 200)
    assert {e["action"] for e in trail_of(mine, own["id"])} >= {"quote.accept", "received_quote.accept"}
    books_agree(app)


# ------------------------------------------------------------------------------------------------------------ the books

ANSWER = (
    "INSERT INTO quote_answers (id, organisation_id, quote_id, client_organisation_id, answer, reason, made_by,"
    " made_by_name, made_at) SELECT 'x', organisation_id, quote_id, client_organisation_id, '{}', '', made_by,"
    " made_by_name, made_at FROM quote_answers"
)


@pytest.mark.parametrize("statement", [ANSWER.format("accepted"), ANSWER.format("perhaps")])
def test_the_database_itself_takes_one_acceptance_and_no_other_words(app, mine, other, quote, statement):
    done(other.finance.post(where(quote, "accept")), 200)
    with pytest.raises(BadInput), app.state.records.database.writing() as c:
        c.execute(text(statement))
    books_agree(app)


@pytest.mark.parametrize("statement", ["UPDATE quote_answers SET answer = 'reopened'", "DELETE FROM quote_answers"])
def test_what_was_answered_is_never_changed(app, mine, other, quote, statement):
    done(other.finance.post(where(quote, "decline"), json={}), 200)
    with pytest.raises(BadInput, match="only grows"), app.state.records.database.writing() as c:
        c.execute(text(statement))
    books_agree(app)


@on_one_database
@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE orders SET quote_id = NULL", "answer"),
        (ANSWER.format("declined"), "answer"),
        (ANSWER.format("declined").replace("client_organisation_id, '", "organisation_id, '"), "owner"),
    ],
)
def test_an_answer_that_does_not_fit_its_order_is_found(app, mine, other, quote, statement, what):
    done(other.finance.post(where(quote, "accept")), 200)
    with app.state.records.database.writing() as c:
        c.execute(text(statement))
        assert what in {one.what for one in ledger_faults(c)}


# ------------------------------------------------------------------------------------------------------------ the door


def test_only_received_quotes_open_another_organisations_books():
    root = Path(api.__file__).parent
    found = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "books_of"
    }
    assert found == {"access/received.py"}
    callers = {
        path.relative_to(root).as_posix() for path in root.rglob("*.py") if "books_of_broker" in path.read_text("utf-8")
    }
    assert callers == {"access/received.py", "ledger/accepting.py"}
