"""Pages of markets: brought in, corrected in place, looked at, compared; each organisation sees its own."""

import html
import re
import time
from datetime import date
from io import BytesIO
from typing import Any

import pytest
import xlsxwriter  # type: ignore[import-untyped]  # it ships no types
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.access.scope import Actor
from api.archive import markets
from api.pages.market_drafts import DRAFT_LENGTH_MAX, Draft, draft_of
from market_data import synthetic_market
from market_data.corrections import Corrections
from market_data.snapshot import Snapshot
from optimizer.errors import BadInput
from tests.http.conftest import Organisation

HEAD = ["编号", "品种", "机制", "地区", "年份", "数量(吨)", "价格(元/吨)", "备选"]
ROWS = [
    ["PHB-1", "碳普惠", "三晋绿色生活", "山西", "2025", "三千", "46.50", ""],
    ["CCER-1", "CCER", "CCER", "山西", "2024", "5000", "-78.2", ""],
    ["CEA-1", "配额", "CEA", "", "2025", "5000", "66.10", ""],
    ["CEA-1", "配额", "CEA", "", "2025", "8000", "65.90", ""],
    ["合计", "", "", "", "", "18000", "", ""],
]
FAULTY = "\n".join(",".join(row) for row in [HEAD, *ROWS]).encode()
SOUND = b"offer_id,instrument,mechanism,vintage,quantity,price\nCEA-1,allowance,CEA,2025,5000,66.10\n"
DEARER = b"offer_id,instrument,mechanism,vintage,quantity,price\nCEA-1,allowance,CEA,2025,5000,70\nCEA-2,ccer,,,5,80\n"


def workbook(rows: list[list[str]]) -> bytes:
    target = BytesIO()
    with xlsxwriter.Workbook(target) as book:
        sheet = book.add_worksheet("offers")
        for i, row in enumerate(rows):
            sheet.write_row(i, 0, row)
    return target.getvalue()


def bring(client: TestClient, content: bytes, name: str = "offers.csv", **more: str) -> Any:
    return client.post("/markets/new", files={"file": (name, content)}, data=more, follow_redirects=False)


def fields_of(page: str) -> dict[str, str]:
    """What the form of a page holds as it came."""
    found = {}
    for tag in re.findall(r"<input [^>]*>", page):
        known = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if "name" in known and known.get("type") not in ("checkbox", "radio", "search"):
            found[html.unescape(known["name"])] = html.unescape(known.get("value", ""))
    return found


def test_an_empty_list_says_how_to_begin(local: TestClient) -> None:
    page = local.get("/markets").text
    assert "No market yet" in page and 'href="/markets/new"' in page
    assert "还没有市场" in local.get("/markets?lang=zh").text


def test_a_sound_file_becomes_a_market_with_its_offers(local: TestClient) -> None:
    answer = bring(local, SOUND, as_of="2026-11-20")
    assert answer.status_code == 303 and answer.headers["location"].endswith("?note=saved")
    page = local.get(answer.headers["location"]).text
    assert "CEA-1" in page and "66.10" in page and "20 November 2026" in page
    assert f"/plans/new?snapshot={answer.headers['location'].split('/')[-1].partition('?')[0]}" in page
    assert "offers.csv" in local.get("/markets").text


@pytest.mark.parametrize("name", ["offers.csv", "offers.xlsx"])
def test_faults_are_shown_by_row_and_column_and_corrected_in_place(local: TestClient, name: str) -> None:
    content = FAULTY if name.endswith(".csv") else workbook([HEAD, *ROWS])
    answer = bring(local, content, name)
    assert answer.status_code == 422
    fields = fields_of(answer.text)
    assert fields["cell.2.5"] == "三千" and fields["cell.3.6"] == "-78.2"
    assert "cell.4.0" not in fields, "a sound row is not shown"
    assert fields["header.7"] == "备选"
    assert "repeats the id of row 4" in answer.text and "row of totals" in answer.text
    assert local.get("/v1/snapshots").json()["items"] == [], "nothing of a faulty file is kept"

    once = local.post(
        "/markets/correct",
        data={**fields, "cell.2.5": "3000", "cell.3.6": "78.2", "header.7": "", "without.6": "true"},
        follow_redirects=False,
    )
    assert once.status_code == 422, "the id that stands twice is still there"
    again = fields_of(once.text)
    assert "cell.2.5" not in again and again["cell.5.0"] == "CEA-1"

    done = local.post("/markets/correct", data={**again, "cell.5.0": "CEA-2"}, follow_redirects=False)
    assert done.status_code == 303
    snapshot = local.get("/v1/snapshots").json()["items"][0]
    offers = local.get(f"/v1/snapshots/{snapshot['id']}/offers").json()["offers"]
    assert [(o["offer_id"], o["quantity"], o["price"]) for o in offers] == [
        ("CCER-1", "5000", "78.20"),
        ("CEA-1", "5000", "66.10"),
        ("CEA-2", "8000", "65.90"),
        ("PHB-1", "3000", "46.50"),
    ]
    assert snapshot["name"] == name
    trail = local.get("/v1/audit").json()["items"]
    assert next(e for e in trail if e["action"] == "snapshot.correct")["details"]["rows_left_out"] == [6]


def test_a_correction_is_the_same_as_the_file_written_right(local: TestClient) -> None:
    wrong = SOUND.replace(b"5000", b"five thousand")
    fields = fields_of(bring(local, wrong).text)
    done = local.post("/markets/correct", data={**fields, "cell.2.4": "5000"}, follow_redirects=False)
    assert done.headers["location"] == bring(local, SOUND).headers["location"]


def test_a_row_that_cannot_be_told_apart_is_left_out_or_refused(local: TestClient) -> None:
    content = SOUND + b"CEA-2,allowance,CEA,2025,8,000,65.90\n"
    page = bring(local, content).text
    assert "has 7 cells, the header 6" in page
    fields = fields_of(page)
    assert local.post("/markets/correct", data=fields).status_code == 422, "not dropped without being asked"
    done = local.post("/markets/correct", data={**fields, "without.3": "true"}, follow_redirects=False)
    assert done.status_code == 303


def test_a_quote_that_swallows_the_rest_is_not_settled_by_leaving_its_row_out(local: TestClient) -> None:
    content = SOUND + b'CEA-2,allowance,"CEA,2025,8000,65.90\nCEA-3,allowance,CEA,2025,1,1\n'
    answer = bring(local, content)
    assert answer.status_code == 422 and "a quote is not closed" in answer.text
    draft = Draft("offers.csv", date(2026, 11, 20), content, Corrections({}, {}, frozenset({2, 3, 4})))
    with pytest.raises(BadInput):
        draft.read()


def test_a_file_that_is_too_large_to_travel_is_told_its_faults_only(local: TestClient) -> None:
    rows = "".join(f"A-{i},allowance,CEA-{i * 7919 % 10**9},{2000 + i % 25},{i + 1},x{i}\n" for i in range(90_000))
    answer = bring(local, b"offer_id,instrument,mechanism,vintage,quantity,price\n" + rows.encode())
    assert answer.status_code == 422
    assert "too large to be corrected here" in answer.text and 'name="draft"' not in answer.text
    assert len(answer.content) < 100_000


def test_a_draft_that_was_made_up_is_refused(local: TestClient) -> None:
    for text in ("", "x", "QUJD", "A" * 1000):
        answer = local.post("/markets/correct", data={"draft": text})
        assert answer.status_code == 422 and "did not arrive whole" in answer.text
    packed = Draft("a.csv", date(2026, 1, 1), FAULTY, Corrections({(2, 5): "x"}, {7: ""}, frozenset({6}))).packed()
    assert packed is not None and len(packed) < DRAFT_LENGTH_MAX
    assert draft_of(packed).corrections == Corrections({(2, 5): "x"}, {7: ""}, frozenset({6}))


def test_what_was_typed_is_shown_again(local: TestClient) -> None:
    nothing = local.post("/markets/new", data={"name": "mine", "as_of": "2026-11-20", "text": ""})
    assert nothing.status_code == 422 and "choose a file or paste" in nothing.text and 'value="mine"' in nothing.text
    wrong = local.post("/markets/new", data={"as_of": "yesterday", "text": "offer_id\n"})
    assert wrong.status_code == 422 and "should be a date" in wrong.text
    pasted = local.post("/markets/new", data={"text": SOUND.decode().replace(",", "\t")}, follow_redirects=False)
    assert pasted.status_code == 303
    assert bring(local, b"%PDF-1.4 nothing").status_code == 422


def test_hostile_text_is_shown_as_text(local: TestClient) -> None:
    bad = '<script>alert(1)</script>"><img src=x>'
    content = f'offer_id,instrument,mechanism,quantity,price\nA,allowance,"{bad.replace(chr(34), chr(34) * 2)}",1,x\n'
    page = bring(local, content.encode(), f"{bad}.csv").text
    assert "<script>alert" not in page and "<img src=x" not in page and "&lt;script&gt;" in page
    answer = bring(local, content.replace(",x\n", ",5\n").encode(), f"{bad}.csv")
    for address in (answer.headers["location"], "/markets"):
        shown = local.get(address).text
        assert "<script>alert" not in shown and "<img src=x" not in shown and "&lt;script&gt;" in shown


def test_differences_between_markets(local: TestClient) -> None:
    first = bring(local, SOUND).headers["location"].partition("?")[0]
    second = bring(local, DEARER).headers["location"].partition("?")[0].rpartition("/")[2]
    page = local.get(f"{first}/differences?to={second}").text
    assert "dearer" in page and "66.10" in page and "70.00" in page and "CEA-2" in page
    only = local.get(f"{first}/differences?to={second}&kind=new").text
    assert "CEA-2" in only and "66.10" not in only
    assert "Nothing changed" in local.get(f"{first}/differences?to={first.rpartition('/')[2]}").text


def test_organisations_see_their_own_and_roles_what_they_may(mine: Organisation, other: Organisation) -> None:
    place = bring(mine.organiser, SOUND).headers["location"].partition("?")[0]
    assert mine.auditor.get(place).status_code == 200
    assert other.organiser.get(place).status_code == 404
    assert "offers.csv" not in other.organiser.get("/markets").text
    bring(other.organiser, DEARER)
    assert other.organiser.get(f"/markets/{'0' * 64}/differences").status_code == 404
    assert bring(mine.auditor, SOUND).status_code == 403
    assert "/markets/new" not in mine.auditor.get("/markets").text


def test_a_hundred_thousand_offers_stay_usable(mine: Organisation, app: FastAPI) -> None:
    day = date(2026, 11, 22)
    ready = markets.encoded(Snapshot(synthetic_market(100_000, 1, day), "large", day, (), 100_000))
    with app.state.records.writing(_organiser(mine)) as scope:
        snapshot_id = str(markets.hold(scope, ready)["snapshot_id"])
    local = mine.organiser
    address = f"/markets/{snapshot_id}"
    first = local.get(address)
    assert first.status_code == 200 and len(first.content) < 100_000 and "100,000" in first.text
    began = time.perf_counter()
    cheapest = local.get(f"{address}?sort=price&q=CCER").text
    dearest = local.get(f"{address}?sort=-price&q=CCER").text
    # Two pages of columns: 0.1 s; a row an object would take seconds.
    assert time.perf_counter() - began < 3
    assert _first_price(cheapest) < _first_price(dearest)
    assert "No row matches" in local.get(f"{address}?q=no-such-thing").text


def _organiser(mine: Organisation) -> Actor:
    return Actor(mine.id, "mine", "somebody", "organiser", frozenset({"organiser"}), "command")


def _first_price(page: str) -> float:
    row = page.partition('id="listing-rows"')[2].partition("<tbody>")[2].partition("</tr>")[0]
    return float(re.findall(r'class="number">([\d,.]+)', row)[1].replace(",", ""))


def test_days_follow_the_language(local: TestClient) -> None:
    place = bring(local, SOUND, as_of="2026-11-20").headers["location"].partition("?")[0]
    assert "2026年11月20日" in local.get(f"{place}?lang=zh").text
