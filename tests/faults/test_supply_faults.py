"""Files and answers of registries that are broken: told in findings in two languages, never a traceback."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import date
from typing import Any

import pandas as pd
import pytest
import xlsxwriter  # type: ignore[import-untyped]  # it ships no types
from hypothesis import given, settings
from hypothesis import strategies as st

from market_data.feed_reading import FeedReading
from market_data.sources.ccer_registry import fetch_ccer_registry, read_ccer_registry
from market_data.sources.fetch import Fetcher, FetchSettings
from market_data.sources.offsets_db import read_offsets_db
from market_data.sources.registry_files import read_gold_standard, read_verra
from market_data.sources.vrod import read_vrod
from optimizer.errors import BadInput
from tests.faults.feed_server import Answer, PlayedTime, serving

AS_OF = date(2026, 4, 30)

CREDITS = b"project_id,quantity,vintage,transaction_date,transaction_type\nVCS1,10,2022,2024-01-05,issuance\n"
VERRA = (
    b"ID,Name,Country/Area,Quantity Issued,Serial Number,Retirement/Cancellation Date,Vintage Start,Vintage End\n"
    b"1,Dam,Brazil,10,1-1-10-VCS-X,,2022-01-01,2022-12-31\n"
)
GOLD = b"GSID,Project Name,Country,Quantity,Serial Number,Vintage\n1,Stoves,Kenya,10,GS1-KE-1-1-10,2022\n"
CCER = json.dumps([{"projectName": "某项目", "dataType": "1", "applyId": "1"}]).encode()


def vrod(header: list[Any], *rows: list[Any]) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet("PROJECTS")
        for number, cells in enumerate([header, *rows], 3):
            for column, cell in enumerate(cells):
                sheet.write(number, column, cell)
    return buffer.getvalue()


VROD_HEADER = ["Project ID", "Voluntary Registry", "Country", 2021, 2022, 2021, 2022]
VROD = vrod(VROD_HEADER, ["VCS1", "VCS", "Kenya", 5, " ", 1, " "])

type Reader = Callable[[bytes], FeedReading]
READERS: dict[str, tuple[Reader, bytes]] = {
    "offsets-db": (lambda c: read_offsets_db(c, "file", as_of=AS_OF), CREDITS),
    "offsets-db projects": (
        lambda c: read_offsets_db(CREDITS, "c", as_of=AS_OF, projects=c, projects_name="file"),
        b"",
    ),
    "verra": (lambda c: read_verra(c, "file", as_of=AS_OF), VERRA),
    "gold-standard": (lambda c: read_gold_standard(c, "file", as_of=AS_OF), GOLD),
    "ccer-registry": (lambda c: read_ccer_registry(c, "file"), CCER),
    "vrod": (lambda c: read_vrod(c, "file"), VROD),
}


def complaints(read: Reader, content: bytes) -> BadInput:
    with pytest.raises(BadInput) as caught:
        read(content)
    for finding in caught.value.findings:
        assert (
            finding.file == "file"
            and finding.message.zh
            and finding.message.en
            and finding.message.zh != finding.message.en
        )
    return caught.value


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("credits.csv", CREDITS)
    return buffer.getvalue()


WRONG_FILES = {
    "empty": b"",
    "blank": b" \n\n",
    "a web page": b"<!DOCTYPE html><html><body>log in</body></html>",
    "another table": b"date,open,close\n2024-01-01,1,2\n",
    "an archive": zipped(),
    "a broken Parquet file": b"PAR1 and nothing else",
    "another Parquet file": pd.DataFrame({"a": [1]}).to_parquet(),
    "binary": b"\x00\x01\x02",
    "neither UTF-8 nor GB18030": b"\xff\xff\xff,\xff\n",
    "another workbook": vrod(["a", "b"], [1, 2]),
    "cut-off JSON": b'[{"projectName": "x"',
    "JSON of something else": b'{"successful": true, "dataInfo": {"a": 1}}',
}


@pytest.mark.parametrize("feed", READERS)
@pytest.mark.parametrize("wrong", WRONG_FILES)
def test_a_wrong_file_is_refused_by_every_feed_with_its_name(feed, wrong):
    complaints(READERS[feed][0], WRONG_FILES[wrong])


@pytest.mark.parametrize("feed", [f for f, (_, sound) in READERS.items() if sound])
def test_a_sound_file_cut_anywhere_is_read_in_part_or_refused(feed):
    read, sound = READERS[feed]
    assert read(sound).rows_read == 1
    for end in range(0, len(sound), max(1, len(sound) // 12)):
        try:
            assert read(sound[:end]).rows_read <= 1
        except BadInput:
            continue


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from([f for f, (_, sound) in READERS.items() if sound]),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_a_file_with_bytes_gone_wrong_is_read_or_refused_and_accounts_for_its_rows(feed, changes):
    read, sound = READERS[feed]
    broken = bytearray(sound)
    for at, byte in changes:
        broken[at % len(broken)] = byte
    try:
        reading = read(bytes(broken))
    except BadInput as error:
        assert error.say("zh") and error.say("en")
    else:
        assert reading.rows_read == reading.rows_used + sum(reading.left_out.values())


@pytest.mark.parametrize(
    ("feed", "columns"),
    [
        ("offsets-db", ["quantity", "vintage"]),
        ("verra", ["Serial Number", "Vintage End"]),
        ("gold-standard", ["GSID", "Quantity"]),
    ],
)
def test_all_missing_columns_are_named_at_once(feed, columns):
    read, sound = READERS[feed]
    for column in columns:
        sound = sound.replace(column.encode(), b"x" + column.encode())
    error = complaints(read, sound)
    assert sorted(f.column for f in error.findings) == columns
    assert {f.code for f in error.findings} == {"missing_column"}


def test_a_workbook_without_the_needed_columns_names_them_all():
    error = complaints(READERS["vrod"][0], vrod(["Project ID", "Country"], ["VCS1", "Kenya"]))
    assert sorted(f.column for f in error.findings) == ["issued by year", "retired by year", "voluntary registry"]


@pytest.mark.parametrize("quantity", ["ten", "-5", "1e99", "nan%", "1.0005", "12,34", "99999999999", "∞"])
def test_a_quantity_that_is_none_is_left_out_with_row_and_value(quantity):
    for read, sound in (READERS[f] for f in ("offsets-db", "verra", "gold-standard")):
        cell = b",10," if sound != VERRA else b"Brazil,10,"
        reading = read(sound.replace(cell, cell.replace(b"10", b'"' + quantity.encode() + b'"')))
        assert reading.left_out == {"bad_number": 1}
        (finding,) = [f for f in reading.findings if f.code == "bad_number"]
        assert (finding.row, finding.value) == (2, quantity)


def test_a_row_with_more_cells_than_the_header_is_a_fault_with_its_row():
    error = complaints(READERS["offsets-db"][0], CREDITS + b"VCS1,1,234,2022,2024-01-05,issuance\n")
    assert [(f.code, f.row) for f in error.findings] == [("extra_cells", 3)]
    error = complaints(READERS["offsets-db"][0], CREDITS.replace(b"10,", b"1,000,"))
    assert [(f.code, f.row) for f in error.findings] == [("extra_cells", 2)]


def test_a_row_that_ends_early_is_left_out_and_an_empty_line_is_no_row():
    reading = read_offsets_db(CREDITS + b"\nVCS1,5\n\n", "file", as_of=AS_OF)
    assert (reading.rows_read, reading.rows_used, reading.left_out) == (2, 1, {"unknown_kind": 1})
    assert [f.row for f in reading.findings if f.code == "unknown_kind"] == [4]


def test_a_lost_quote_is_a_fault():
    error = complaints(READERS["offsets-db"][0], CREDITS + b'VCS1,"5,2022,2024-01-05,issuance\n')
    assert [f.code for f in error.findings] == ["broken_quote"]


def test_the_registrys_refusal_is_told_in_its_own_words():
    answer = {"successful": False, "msg": "公示编号为空", "dataInfo": None}
    error = complaints(READERS["ccer-registry"][0], json.dumps(answer).encode())
    assert [(f.code, f.value) for f in error.findings] == [("feed_refused", "公示编号为空")]


@pytest.mark.parametrize("value", [True, [], {}, "1e400", -1, "4 tonnes", 10**30, "NaN", "0.0001"])
@pytest.mark.parametrize("field", ["certifiedNum", "projectName", "dataType", "registrationTime", "regAppEndDate"])
def test_a_registry_field_of_another_shape_never_breaks_the_reading(field, value):
    record = {"projectName": "某项目", "dataType": "4", "statusName": "已登记", "certifiedNum": 5, field: value}
    reading = read_ccer_registry(json.dumps([record]).encode(), "file")
    assert reading.rows_read == 1 == reading.rows_used + sum(reading.left_out.values())
    if field == "certifiedNum":
        assert reading.left_out == {"bad_number": 1}


# ------------------------------------------------------------------------------------------------- over the network


def registry(asked: Any) -> Any:
    """51 filed projects over two pages, and one project with registered reductions."""
    body = json.loads(asked.body)
    tab = body["dataType"]
    if asked.path.endswith("Detail"):
        assert body["applyId"]
        detail = {"provinceName": "山西省", "expectYearNum": 100, "certifiedNum": 70 if tab == "4" else None}
        refused = {"successful": False, "msg": "公示编号为空"}
        return as_answer(refused if body["applyId"] == "1-3" else {"successful": True, "dataInfo": detail})
    n = {"1": 51, "4": 1}.get(tab, 0)
    first = (body["pageNumber"] - 1) * body["pageSize"]
    names = {"1": "造林", "4": "风电"}
    items = [
        {"applyId": f"{tab}-{k}", "projectName": f"{names[tab]} {k}", "dataType": tab, "statusName": "已登记"}
        for k in range(first, min(n, first + body["pageSize"]))
    ]
    return as_answer({"successful": True, "total": n, "dataInfo": items or None})


def as_answer(document: object) -> Any:
    return Answer(json.dumps(document).encode())


def fetcher(**changes: Any) -> Fetcher:
    time = PlayedTime()
    quick = {"pause_seconds": 0.0, "backoff_seconds": 1.0, "retries": 2}
    return Fetcher(FetchSettings(**(quick | changes)), clock=time.clock, sleep=time.sleep, now=time.now)


def test_every_page_and_every_detail_is_fetched_and_the_same_content_has_the_same_hash(tmp_path):
    with serving(registry) as server, fetcher(cache_folder=tmp_path) as one:
        reading = fetch_ccer_registry(one, address=server.url)
        asked = len(server.asked)
        assert fetch_ccer_registry(one, address=server.url).sha256 == reading.sha256
        assert len(server.asked) == asked  # the second time from what was kept
    # Lists: two pages of tab 1, one of each other tab; details: 51 + 1.
    assert asked == 6 + 52
    assert (reading.rows_read, reading.rows_used, reading.left_out) == (52, 1, {"not_issued": 51})
    assert [(s.project_id, s.region, s.issued_kg) for s in reading.stock] == [("4-0", "14", 70_000)]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=503),
        Answer(b"<html>maintenance</html>"),
        Answer(b'{"successful": true, "total": 9, "dataInf'),
        Answer(b'{"successful": false, "msg": "busy"}'),
        Answer(b'{"successful": true, "total": 1, "dataInfo": [{"name": "another field"}]}'),
    ],
)
def test_an_answer_that_is_none_ends_in_one_finding(answer):
    with serving([answer]) as server, fetcher() as one, pytest.raises(BadInput) as caught:
        fetch_ccer_registry(one, address=server.url)
    assert len(caught.value.findings) == 1 and caught.value.say("zh") != caught.value.say("en")


def test_a_list_that_never_ends_is_given_up():
    page = as_answer({"successful": True, "total": 10**9, "dataInfo": [{"applyId": "1", "projectName": "又一个"}]})
    with serving([page]) as server, fetcher() as one, pytest.raises(BadInput) as caught:
        fetch_ccer_registry(one, tabs=("1",), address=server.url)
    assert [f.code for f in caught.value.findings] == ["feed_endless"]
