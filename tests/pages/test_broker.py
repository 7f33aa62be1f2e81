"""What stands on the broker's pages: amounts worked by hand, faults at their fields, and nobody else's things."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.http.conftest import AS_OF, EVENT, OFFERS
from tests.http.test_broker_flow import LOTS, MARGIN, QUOTE, done, stocked

CSV = "报价编号,品种,地区,年份,数量,价格\nCCER-9,CCER,山西,2025,70,90\n"
CALENDAR: dict[str, Any] = {
    "id": "two",
    "policy": "shanxi-2022",
    "events": [
        {**EVENT, "id": f"e{k}", "emissions": {"tonnes": "300", "status": "verified"}, "budget": None} for k in (1, 2)
    ],
}


def kept(client: Any) -> None:
    """Lots and an event, as a broker has them."""
    stocked(client)
    done(client.put(f"/v1/events/{EVENT['id']}", json=EVENT), 200)


def form(**more: Any) -> dict[str, Any]:
    """The form of a quote as a browser sends it, with the margin of its own."""
    rules = {"margin.rules[0].where": "instrument=ccer", "margin.rules[0].rate": "5", "margin.rules[0].per_t": ""}
    rules |= {"margin.rules[1].where": "", "margin.rules[1].rate": "", "margin.rules[1].per_t": "3"}
    terms = {"client": "示例组委会", "firm": "firm", "valid_hours": "24", "valid_until": "", "as_of": AS_OF}
    chosen = {"event_id": EVENT["id"], "margin": "own", "margin.minimum": "0", "client_organisation": ""}
    return {**chosen, **terms, **rules, **more}


def where_it_leads(answer: Any) -> str:
    assert answer.status_code == 303, answer.text[:2000]
    return str(answer.headers["location"]).partition("?note")[0]


def post(client: Any, path: str, data: dict[str, Any] | None = None, **more: Any) -> Any:
    return client.post(path, data=data or {}, follow_redirects=False, **more)


def quoted(client: Any, **more: Any) -> str:
    """Quotes by the form; the quote's page."""
    kept(client)
    return where_it_leads(post(client, "/quotes/new", form(**more)))


def test_a_quote_by_the_form_is_the_quote_of_the_same_body(local):
    path = quoted(local)
    page = local.get(path).text
    # 200 t at 63 + 500 t at 84 + 301 t at 78 = 78,078; cost 74,575 (tests/http/test_broker_flow.py).
    assert all(text in page for text in ("78,078.00", "74,575.00", "3,503.00", "CCER-1", "示例组委会"))
    same = done(local.post("/v1/quotes", json={**QUOTE, "margin": MARGIN}))
    assert local.get(f"/v1{path}").json()["plan_id"] == same["plan_id"]


def test_from_quote_to_order_by_the_pages(local):
    path = quoted(local)
    hold = where_it_leads(post(local, f"{path}/hold", {"minutes": "30"}))
    assert "data-expires" in local.get(hold).text and hold in local.get("/holds").text
    assert where_it_leads(post(local, f"{hold}/release")) == hold
    assert f"{hold}/again" in local.get(hold).text
    again = where_it_leads(post(local, f"{hold}/again"))
    first, second = (local.get(f"/v1{one}").json() for one in (hold, again))
    assert first["state"] == "released" and second["state"] == "active" and again != hold
    # Undone, it lasts no longer than it did before.
    assert second["expires_at"] <= first["expires_at"]
    longer = where_it_leads(post(local, f"{again}/extend", {"minutes": "120"}))
    assert local.get(f"/v1{longer}").json()["expires_at"] > second["expires_at"]
    assert "78,078.00" in local.get(f"{longer}/order").text
    order = where_it_leads(post(local, f"{longer}/order"))
    line = next(x for x in local.get(f"/v1{order}").json()["lines"] if x["offer_id"] == "CEA-1")
    where_it_leads(post(local, f"{order}/deliver", {f"tonnes-{line['id']}": "100.5", "reference": "JG-1"}))
    page = local.get(order).text
    # 100.5 t at 78 = 7,839.
    assert "7,839.00" in page and "JG-1" in page and "200.5" in page
    where_it_leads(post(local, f"{order}/cancel", {"reason": "活动取消"}))
    assert local.get(f"/v1{order}").json()["state"] == "closed"
    lots = {lot["offer_id"]: lot for lot in local.get("/v1/inventory").json()["items"]}
    assert (lots["CEA-1"]["stock_t"], lots["CEA-1"]["held_t"]) == ("4899.5", "0")
    assert "100.5" in local.get(f"/inventory/{lots['CEA-1']['id']}").text


def test_whatever_is_open_is_delivered_at_once(local):
    hold = where_it_leads(post(local, f"{quoted(local)}/hold", {"minutes": "30"}))
    order = where_it_leads(post(local, f"{hold}/order"))
    where_it_leads(post(local, f"{order}/deliver", {"all": "yes", "reference": "JG-2"}))
    assert local.get(f"/v1{order}").json()["state"] == "filled"
    assert f"/retirements/new?order={order.rpartition('/')[2]}" in local.get(order).text


def test_a_delivery_with_faults_delivers_nothing_and_names_the_lots(local):
    hold = where_it_leads(post(local, f"{quoted(local)}/hold", {"minutes": "30"}))
    order = where_it_leads(post(local, f"{hold}/order"))
    lines = {x["offer_id"]: x["id"] for x in local.get(f"/v1{order}").json()["lines"]}
    typed = {f"tonnes-{lines['CEA-1']}": "1", f"tonnes-{lines['PHB-1']}": "201", f"tonnes-{lines['CCER-1']}": "x"}
    answer = post(local, f"{order}/deliver", typed)
    assert answer.status_code == 422 and "PHB-1: " in answer.text and "CCER-1: " in answer.text
    assert 'value="201"' in answer.text and local.get(f"/v1{order}/fills").json()["items"] == []


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"event_id": ""}, "event_id"),
        ({"valid_hours": "0"}, "valid_hours"),
        ({"as_of": "soon"}, "as_of"),
        ({"margin.rules[0].rate": "1100"}, "margin.rules[0].rate"),
        ({"margin.rules[1].per_t": "x"}, "margin.rules[1].per_t"),
        ({"client_organisation": "0" * 24}, "client_organisation"),
    ],
)
def test_a_fault_stands_at_its_field_and_what_was_typed_stays(local, wrong, field):
    kept(local)
    answer = post(local, "/quotes/new", form(**wrong, client="甲方 & <b>乙</b>"))
    assert answer.status_code == 422 and f'href="#field-{field}"' in answer.text, answer.text[:3000]
    assert "甲方 &amp; &lt;b&gt;乙&lt;/b&gt;" in answer.text
    assert local.get("/v1/quotes").json()["items"] == []


def test_a_kept_calendar_is_a_batch_with_its_sums(local):
    stocked(local)
    done(local.put("/v1/events/two", json=CALENDAR), 200)
    batch = where_it_leads(post(local, "/quotes/new", form(event_id="two")))
    page = local.get(batch).text
    items = local.get("/v1/quotes").json()["items"]
    whole = f"{sum(round(float(quote['price']) * 100) for quote in items) / 100:,.2f}"
    assert [quote["event_id"] for quote in items] == ["e2", "e1"] and whole in page


def test_a_calendar_that_shares_a_budget_is_no_batch(local):
    stocked(local)
    done(local.put("/v1/events/two", json={**CALENDAR, "budget": {"total": "9999"}}), 200)
    answer = post(local, "/quotes/new", form(event_id="two"))
    assert answer.status_code == 422 and "shares one budget" in answer.text


def test_many_events_are_a_job(local):
    stocked(local)
    many = {**CALENDAR, "events": [{**CALENDAR["events"][0], "id": f"m{k}"} for k in range(16)]}
    done(local.put("/v1/events/two", json=many), 200)
    job = where_it_leads(post(local, "/quotes/new", form(event_id="two")))
    page = local.get(job).text
    assert job.startswith("/quotes/jobs/") and "<progress" in page and 'hx-trigger="every 1s"' in page
    where_it_leads(post(local, f"{job}/cancel"))
    assert "no quote was kept" in local.get(job).text


def test_a_file_comes_in_or_every_fault_of_it_is_told(local):
    sent = {"file": ("库存.csv", CSV.encode(), "text/csv")}
    assert (
        where_it_leads(post(local, "/inventory/import", {"mode": "new", "reason": "首批"}, files=sent)) == "/inventory"
    )
    assert "CCER-9" in local.get("/inventory").text
    answer = post(local, "/inventory/import", {"mode": "new", "reason": "<i>x"}, files=sent)
    assert answer.status_code == 422 and "CCER-9" in answer.text and "&lt;i&gt;x" in answer.text
    bad = {"file": ("bad.csv", CSV.replace("90", "-1").encode(), "text/csv")}
    assert "row 2" in post(local, "/inventory/import", {"mode": "add"}, files=bad).text
    assert post(local, "/inventory/import", {"mode": "add"}).status_code == 422


def test_an_adjustment_is_undone_in_stock_and_terms(local):
    lot = f"/inventory/{stocked(local)['CCER-1']}"
    version = str(local.get(f"/v1{lot}").json()["version"])
    typed = {"change_t": "-100", "price": "81", "valid_until": "2099-12-31", "reason": "盘点", "version": version}
    where_it_leads(post(local, lot, typed))
    changed = local.get(f"/v1{lot}").json()
    assert (changed["stock_t"], changed["terms"]["price"]) == ("400", "81.00")
    # Who still looks at the old page is told, and loses nothing of what they typed.
    stale = post(local, lot, typed)
    assert stale.status_code == 412 and 'value="-100"' in stale.text
    move = re.search(r'name="move" value="(\w+)"', local.get(lot).text)
    assert move is not None
    where_it_leads(post(local, f"{lot}/undo", {"move": move[1]}))
    undone = local.get(f"/v1{lot}").json()
    assert (undone["stock_t"], undone["terms"]["price"]) == ("500", "80.00") and "valid_until" not in undone["terms"]
    assert post(local, f"{lot}/undo", {"move": move[1]}).status_code == 412
    assert post(local, lot, {**typed, "version": str(undone["version"]), "reason": ""}).status_code == 422


def test_terms_of_quoting_are_set_and_shown_again(local):
    rules = {"margin.rules[0].where": "tier=1", "margin.rules[0].rate": "2.5", "margin.rules[0].per_t": "1"}
    typed = {**rules, "margin.minimum": "500", "valid_hours": "48", "feedback": "band"}
    where_it_leads(post(local, "/quotes/terms", typed))
    terms = local.get("/v1/quoting").json()
    assert terms["margin"]["rules"] == [{"where": {"tier": ["1"]}, "rate": "0.025", "per_t": "1.00"}]
    assert (terms["valid_hours"], terms["feedback"]) == (48, "band")
    assert 'value="2.5"' in local.get("/quotes/terms").text
    assert post(local, "/quotes/terms", {**typed, "margin.rules[0].rate": "no"}).status_code == 422


def test_a_lot_that_lost_is_shown_with_the_price_at_which_it_wins(local):
    path = quoted(local, **{"margin.rules[0].rate": "0", "margin.rules[1].per_t": "0"})
    stocked_more = {**OFFERS[2], "offer_id": "CEA-2", "price": "79", "seller": "乙"}
    done(local.post("/v1/inventory", json={"offers": [stocked_more]}))
    path = where_it_leads(post(local, "/quotes/new", form()))
    page = local.get(f"{path}/break-even", params={"seller": "乙"})
    assert page.status_code == 200 and "CEA-2" in page.text and "lost on price" in page.text
    assert "75.00" in page.text


def test_a_client_sees_the_offer_and_no_cost(mine, other):
    _, path = received(mine, other)
    page = other.organiser.get(path).text
    assert "78,078.00" in page and path in other.finance.get("/received-quotes").text
    assert not any(secret in page for secret in ("74,575", "3,503", "甲", "plan_id"))
    assert mine.administrator.get(path).status_code == 404


def test_registries_are_named_in_the_readers_language(mine, other):
    """The quote was made in English; whoever reads Chinese reads where to cancel in Chinese, on page and paper."""
    _, path = received(mine, other)
    in_english = other.organiser.get(path, params={"lang": "en"}).text
    in_chinese = other.organiser.get(path, params={"lang": "zh"}).text
    assert "national allowance registry" in in_english and "national allowance registry" not in in_chinese
    assert "全国碳排放权注册登记系统" in in_chinese and "全国碳排放权注册登记系统" not in in_english


def received(mine, other, **more: Any) -> tuple[str, str]:
    """A quote from one organisation to another; its page there and here."""
    done(mine.broker.post("/v1/inventory", json={"offers": LOTS}))
    done(mine.broker.put(f"/v1/events/{EVENT['id']}", json=EVENT), 200)
    sent = where_it_leads(post(mine.broker, "/quotes/new", form(client_organisation=other.id, **more)))
    return sent, f"/received-quotes/{sent.rpartition('/')[2]}"


def test_a_client_declines_takes_it_back_and_accepts_by_the_pages(mine, other):
    sent, page = received(mine, other)
    assert where_it_leads(post(other.finance, f"{page}/decline", {"reason": "<i>too dear"})) == page
    assert f"{page}/reopen" in other.finance.get(page).text and f"{page}/accept" not in other.finance.get(page).text
    told = mine.broker.get(sent).text
    assert "The client declined it" in told and "&lt;i&gt;too dear" in told and f"{sent}/hold" not in told
    assert "declined" in mine.broker.get("/quotes").text
    where_it_leads(post(other.organiser, f"{page}/reopen"))
    assert "cannot be taken back" in other.organiser.get(f"{page}/accept").text
    where_it_leads(post(other.organiser, f"{page}/accept"))
    again = post(other.finance, f"{page}/accept")
    assert again.status_code == 409 and "was accepted by organiser" in again.text and "<h1>" in again.text
    order = mine.broker.get("/v1/orders").json()["items"][0]["id"]
    assert order in other.finance.get(page).text and "organiser" in mine.broker.get(f"/orders/{order}").text
    assert "The client accepted it" in mine.broker.get(sent).text
    assert "accepted" in other.finance.get("/received-quotes").text


def test_a_hold_of_a_declined_quote_says_so_and_is_not_offered_to_be_ordered(mine, other):
    sent, page = received(mine, other)
    hold = where_it_leads(post(mine.broker, f"{sent}/hold", {"minutes": "9"}))
    where_it_leads(post(other.finance, f"{page}/decline"))
    told = mine.broker.get(hold).text
    assert "The client declined it" in told and f'href="{hold}/order"' not in told and f"{hold}/release" in told
    refused = post(mine.broker, f"{hold}/order")
    assert refused.status_code == 409 and "once the client takes that back" in refused.text


def test_an_indicative_quote_says_that_it_cannot_be_accepted(mine, other):
    _, page = received(mine, other, firm="indicative")
    shown = other.finance.get(page).text
    assert "cannot be accepted" in shown and f"{page}/accept" not in shown
    assert "cannot be accepted now" in other.finance.get(f"{page}/accept").text


def test_an_auditor_reads_a_received_quote_and_finds_nothing_to_answer_with(mine, other):
    _, page = received(mine, other)
    shown = other.auditor.get(page).text
    assert 'method="post"' not in shown.replace('action="/sign-out"', "") and "Your role reads quotes" in shown
    for verb in ("accept", "decline", "reopen"):
        assert post(other.auditor, f"{page}/{verb}").status_code == 403


def test_who_may_only_read_finds_nothing_to_change_with(mine):
    stocked(mine.broker)
    done(mine.broker.put(f"/v1/events/{EVENT['id']}", json=EVENT), 200)
    path = where_it_leads(post(mine.broker, "/quotes/new", form()))
    hold = where_it_leads(post(mine.broker, f"{path}/hold", {"minutes": "9"}))
    for page in (path, hold, "/holds", "/inventory", "/quotes/terms", "/orders"):
        assert 'method="post"' not in mine.auditor.get(page).text.replace('action="/sign-out"', ""), page
    assert post(mine.auditor, f"{hold}/release").status_code == 403


def test_a_quote_that_cannot_be_held_says_why_on_its_page(local):
    path = quoted(local, firm="indicative")
    assert f"{path}/hold" not in local.get(path).text
    answer = post(local, f"{path}/hold", {"minutes": "9"})
    assert answer.status_code == 409 and "is indicative" in answer.text and "<h1>" in answer.text
    assert post(local, f"{path}/hold", {"minutes": "x"}).status_code == 422


def test_a_hold_has_one_name_in_chinese():
    """预留, in messages, papers, pages and on the pages of the handbook."""
    root = Path(__file__).resolve().parents[2]
    files = [root / "CHANGELOG.md", root / "README.zh.md", *(root / "docs").glob("*.md")]
    files += [path for kind in ("*.py", "*.html") for path in (root / "api").rglob(kind)]
    assert [path.name for path in files if "占用" in path.read_text("utf-8")] == []
