"""What registries report becomes stock: shapes as they were seen, with made-up numbers; real ones where they are."""

import io
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xlsxwriter  # type: ignore[import-untyped]  # it ships no types
from hypothesis import given, settings
from hypothesis import strategies as st

from market_data.feed_reading import FeedReading
from market_data.sources.ccer_registry import read_ccer_registry
from market_data.sources.offsets_db import read_offsets_db
from market_data.sources.registry_files import read_gold_standard, read_verra
from market_data.sources.vrod import read_vrod
from optimizer.regions import province_of

SHARED_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
AS_OF = date(2026, 4, 30)


def left(reading: FeedReading) -> dict[tuple[str, int], tuple[int, int]]:
    """(project, vintage) -> tonnes issued and retired."""
    return {(s.project_id, s.vintage): (s.issued_kg // 1000, s.retired_kg // 1000) for s in reading.stock}


def codes(reading: FeedReading) -> list[str]:
    return sorted(f.code for f in reading.findings)


def real(path: str) -> bytes:
    if not (SHARED_DATA / path).exists():
        pytest.skip(f"{path} is not here")
    return (SHARED_DATA / path).read_bytes()


# --------------------------------------------------------------------------------------------------- CCER registry

PROJECT = {
    "applyId": "11",
    "projectName": "某县造林碳汇项目",
    "orgCustomerName": "某林业公司",
    "statusName": "公示中",
    "dataType": "1",
    "methodologyNum": "CCER-14-001-V01",
    "provinceName": "山西省",
    "expectYearNum": 8000,
    "certifiedNum": None,
    "publicStartDate": "2026-05-06 16:00:00",
}
REDUCTIONS = {
    "applyId": "21",
    "certificationId": "c1",
    "projectName": "某海上风电项目",
    "orgCustomerName": "某能源公司",
    "statusName": "已登记",
    "dataType": "4",
    "methodologyNum": "CCER-01-002-V01",
    "provinceName": "广东省",
    "certifiedNum": "25,700",
    "registrationTime": "2025-02-28 16:00:00",
    "regAppStartDate": "2022-12-31 16:00:00",
    "regAppEndDate": "2023-12-30 16:00:00",
}


def ccer(*records: object) -> FeedReading:
    return read_ccer_registry(json.dumps(list(records), ensure_ascii=False).encode(), "registry.json")


def test_registered_reductions_are_stock_and_their_utc_days_are_chinas():
    reading = ccer(REDUCTIONS)
    (one,) = reading.stock
    # 28 February 16:00 UTC is 1 March in China; the period is all of 2023 there, though its stamps begin in 2022.
    assert (one.registered_on, one.vintage) == (date(2025, 3, 1), 2023)
    assert (one.instrument, one.mechanism, one.region, one.methodology) == ("ccer", "CCER", "44", "CCER-01-002-V01")
    assert (one.issued_kg, one.retired_kg, one.remaining_kg) == (25_700_000, 0, 25_700_000)
    assert codes(reading) == ["dates_moved", "retired_unknown"]
    assert "3 dates" in next(f for f in reading.findings if f.code == "dates_moved").message.en


def test_a_project_that_is_only_filed_is_left_out_with_what_it_expects_a_year():
    reading = ccer(PROJECT)
    assert reading.stock == () and reading.left_out == {"not_issued": 1}
    words = next(f for f in reading.findings if f.code == "not_issued").message
    assert "8000" in words.zh and "山西省" in words.zh and "2026-05-07" in words.zh
    assert "8000 t a year" in words.en and "region 14" in words.en


def test_a_project_on_several_tabs_counts_once_at_its_furthest_stage():
    filed = PROJECT | {"applyId": "20", "projectName": "某海上风电项目", "dataType": "2", "statusName": "已登记"}
    line = REDUCTIONS | {"dataType": "5", "ccerId": "x", "statusName": "已签发"}
    reading = ccer(line, filed, REDUCTIONS, REDUCTIONS)
    assert left(reading) == {("21", 2023): (25_700, 0)}
    assert reading.left_out == {"duplicate_record": 1, "other_stage": 2}


def test_further_reductions_of_one_project_add_up_by_vintage():
    more = REDUCTIONS | {"certificationId": "c2", "certifiedNum": 300}
    assert left(ccer(REDUCTIONS, more)) == {("21", 2023): (26_000, 0)}


def test_entries_by_year_split_the_reductions_when_they_add_up():
    years = [{"regYear": 2022, "applyVol": "5,700"}, {"regYear": "2023", "applyVol": 20_000}]
    assert left(ccer(REDUCTIONS | {"details": years})) == {("21", 2022): (5_700, 0), ("21", 2023): (20_000, 0)}
    short = ccer(REDUCTIONS | {"details": years[:1]})
    assert left(short) == {("21", 0): (25_700, 0)} and "years_disagree" in codes(short)


def test_reductions_of_unknown_year_and_place_are_kept_with_doubts():
    bare = {k: REDUCTIONS[k] for k in ("applyId", "projectName", "statusName", "dataType", "certifiedNum")}
    reading = ccer(bare)
    (one,) = reading.stock
    assert (one.vintage, one.region) == (0, "CN")
    assert codes(reading) == ["province_unknown", "retired_unknown", "vintage_unknown"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"statusName": "终止"}, "ended"),
        ({"dataType": "6"}, "ended"),
        ({"dataType": "9"}, "stage_unknown"),
        ({"projectName": " "}, "no_name"),
        ({"certifiedNum": "many"}, "bad_number"),
        ({"certifiedNum": None}, "bad_number"),
        ({"statusName": "审核中"}, "not_registered"),
    ],
)
def test_what_cannot_count_is_left_out_with_its_reason(change, reason):
    reading = ccer(REDUCTIONS | change)
    assert reading.stock == () and reading.left_out == {reason: 1} and reason in codes(reading)


def test_the_registrys_own_answer_is_read_as_a_saved_list_is():
    answer = {"successful": True, "msg": None, "total": 30, "dataInfo": [REDUCTIONS]}
    reading = read_ccer_registry(json.dumps(answer).encode(), "page 1")
    assert reading.stock == ccer(REDUCTIONS).stock
    assert "incomplete" in codes(reading)


def test_the_real_list_of_shanxis_projects_explains_why_the_strict_tier_is_empty():
    reading = read_ccer_registry(real("ccer/shanxi_ccer_projects.json"), "shanxi")
    assert reading.stock == () and reading.left_out == {"ended": 1, "not_issued": 6}
    assert sum("124459" in f.message.en for f in reading.findings) == 1


def test_the_real_sample_of_the_open_answers_is_read():
    sample = json.loads(real("fixtures/ccer_registry_open_api_sample.json"))
    reading = ccer(*(sample[f"list_item_dataType_{k}"] | sample[f"detail_dataType_{k}"] for k in (1, 4)))
    assert left(reading) == {("1467848714323365888", 0): (225_714, 0)}
    assert reading.left_out == {"not_issued": 1}


# ------------------------------------------------------------------------------------------------------ OffsetsDB

CREDITS = """id,quantity,project_id,vintage,transaction_date,transaction_type,retirement_note
1,"28,571",VCS1,2022,2024-01-05,issuance,
2,8571,VCS1,2022,2024-02-05,retirement,"for us, with thanks"
3,1000,VCS1,2023,2024-02-05,issuance,
4,500,GS7,2021,2024-02-06,issuance,
5,600,GS7,2021,2024-02-07,cancellation,
6,70,ACR9,2020,2025-02-07,issuance,
7,70,ACR9,2020,2026-06-01,retirement,
8,lots,VCS1,2022,2024-02-07,issuance,
9,10,VCS1,2022,2024-02-07,transfer,
10,10,VCS1,1822,2024-02-07,issuance,
11,10,VCS1,2022,7 Feb,issuance,
12,10,,2022,2024-02-07,issuance,
13,10,VCS1,,2024-02-07,issuance,
"""
PROJECTS = """project_id,name,registry,proponent,protocol,country
VCS1,Wind,verra,Owner,"['acm0002', 'am0001']",China
GS7,Stoves,gold-standard,,[],Kenya
"""


def test_offsets_db_issued_less_retired_is_what_is_there():
    reading = read_offsets_db(
        CREDITS.encode(), "credits.csv", as_of=AS_OF, projects=PROJECTS.encode(), projects_name="projects.csv"
    )
    # VCS1 2022: 28,571 issued, 8,571 retired, 20,000 left; ACR9's retirement lies behind the day of the question.
    assert left(reading) == {
        ("VCS1", 2022): (28_571, 8_571),
        ("VCS1", 2023): (1_000, 0),
        ("VCS1", 0): (10, 0),
        ("ACR9", 2020): (70, 0),
    }
    assert reading.left_out == {
        "after_as_of": 1,
        "bad_date": 1,
        "bad_number": 1,
        "bad_vintage": 1,
        "no_project": 1,
        "over_retired": 2,
        "unknown_kind": 1,
    }
    assert (reading.rows_read, reading.rows_used) == (13, 5)
    wind = next(s for s in reading.stock if s.vintage == 2023)
    assert (wind.mechanism, wind.project_name, wind.methodology, wind.region) == (
        "VCS",
        "Wind",
        "acm0002; am0001",
        "CN",
    )
    stranger = next(s for s in reading.stock if s.project_id == "ACR9")
    assert (stranger.mechanism, stranger.region, stranger.project_name) == ("ACR", "", "")
    assert {"project_unknown", "province_unknown", "vintage_unknown"} <= set(codes(reading))


def test_a_finding_names_the_row_as_a_spreadsheet_counts_and_the_cell():
    reading = read_offsets_db(CREDITS.encode(), "credits.csv", as_of=AS_OF)
    bad = next(f for f in reading.findings if f.code == "bad_number")
    assert (bad.file, bad.row, bad.column, bad.value) == ("credits.csv", 9, "quantity", "lots")


def test_parquet_with_lists_and_typed_columns_gives_the_same_stock_as_csv():
    frame = pd.read_csv(io.StringIO(CREDITS)).iloc[:7]
    frame["quantity"] = [28571, 8571, 1000, 500, 600, 70, 70]
    frame["transaction_date"] = pd.to_datetime(frame["transaction_date"])
    projects = pd.read_csv(io.StringIO(PROJECTS))
    projects["protocol"] = [["acm0002", "am0001"], []]
    whole = read_offsets_db(
        frame.to_parquet(), "c.parquet", as_of=AS_OF, projects=projects.to_parquet(), projects_name="p.parquet"
    )
    text = "\n".join(CREDITS.splitlines()[:8]).encode()
    assert whole.stock == read_offsets_db(text, "c", as_of=AS_OF, projects=PROJECTS.encode()).stock
    assert whole.left_out == {"after_as_of": 1, "over_retired": 2}


ledger_rows = st.lists(
    st.tuples(st.integers(0, 99_999), st.sampled_from(["VCS1", "GS2", "X"]), st.integers(2019, 2021), st.booleans()),
    min_size=1,
    max_size=30,
)


@settings(max_examples=20, deadline=None)  # each reads two files
@given(ledger_rows, st.randoms(use_true_random=False))
def test_every_row_is_accounted_for_and_sums_are_exact_whatever_the_order(rows, random):
    def read(order: Sequence[tuple[int, str, int, bool]]) -> FeedReading:
        lines = ["quantity,project_id,vintage,transaction_date,transaction_type"]
        lines += [f'"{q:,}",{p},{v},2024-01-01,{"issuance" if new else "retirement"}' for q, p, v, new in order]
        return read_offsets_db("\n".join(lines).encode(), "c", as_of=AS_OF)

    reading = read(rows)
    expected: dict[tuple[str, int], list[int]] = {}
    for quantity, project, vintage, new in rows:
        expected.setdefault((project, vintage), [0, 0])[0 if new else 1] += quantity
    assert left(reading) == {key: (i, r) for key, (i, r) in expected.items() if r <= i}
    over = sum(expected[p, v][1] > expected[p, v][0] for _, p, v, _ in rows)
    assert reading.left_out == ({"over_retired": over} if over else {}) and reading.rows_read == len(rows)
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert read(shuffled).stock == reading.stock


# ------------------------------------------------------------------------------------------ Verra and Gold Standard

VERRA = """Issuance Date,Vintage Start,Vintage End,ID,Name,Country/Area,Methodology,Quantity Issued,Serial Number,Retirement/Cancellation Date
2026-04-02,2022-01-01,2022-10-31,3005,Biogas,China,ACM0010,"1,000",19380-1-1000-VCS-VCU-1310-VER-CN-13-3005-01012022-31102022-0,2026-04-09
2026-04-02,2022-01-01,2022-10-31,3005,Biogas,China,ACM0010,"2,000",19380-1001-3000-VCS-VCU-1310-VER-CN-13-3005-01012022-31102022-0,
2026-04-02,2022-01-01,2022-10-31,3005,Biogas,China,ACM0010,"2,000",19380-1001-3000-VCS-VCU-1310-VER-CN-13-3005-01012022-31102022-0,
2026-04-02,2021-07-01,2022-06-30,77,Dam,Brazil,ACM0002,10,19381-1-11-VCS-VCU-1-VER-BR-1-77-01072021-30062022-0,2026-05-01
"""  # noqa: E501
VERRA_PROJECTS = """ID,Name,Proponent,Country/Area,Project Registration Date
3005,Biogas,Farm Ltd,China,2020-03-04
"""


def test_verra_blocks_are_there_until_they_are_retired_and_count_once():
    reading = read_verra(VERRA.encode(), "t.csv", as_of=AS_OF, projects=VERRA_PROJECTS.encode())
    # Project 77 runs over New Year: its vintage is the year in which it ends; on 30 April it was not yet retired.
    assert left(reading) == {("VCS3005", 2022): (3_000, 1_000), ("VCS77", 2022): (10, 0)}
    assert reading.left_out == {"duplicate_serial": 1}
    farm = next(s for s in reading.stock if s.project_id == "VCS3005")
    assert (farm.owner, farm.registered_on, farm.region) == ("Farm Ltd", date(2020, 3, 4), "CN")
    assert codes(reading) == ["duplicate_serial", "province_unknown", "serial_quantity"]


GOLD = """Vintage,Credit Status,Quantity,GSID,Project Name,Project Developer,Country,Methodology,Product Type,Issuance Date,Serial Number
2024,Issued,100,11,Stoves,Maker,Kenya,,VER,2026-04-03T08:51:39.439608,GS1-1-KE-GS11-16-2024-30300-1-100
2023,Issued,50,12,Water,Maker,Kenya,,VER,2026-04-03T08:51:39,GS1-1-KE-GS12-16-2023-30301-1-50
2019,Issued,7,13,Old,Maker,Rwanda,,CER,2026-04-03T08:51:39,RW-5-11-2-2-0-7014 - RW-5-17-2-2-0-7014
"""  # noqa: E501
GOLD_RETIRED = """Vintage,Credit Status,Quantity,GSID,Project Name,Project Developer,Country,Methodology,Product Type,Issuance Date,Retirement Date,Serial Number,Note
2024,Retired,30,11,Stoves,Maker,Kenya,,VER,2026-04-03,2026-04-10,GS1-1-KE-GS11-16-2024-30300-11-40,"two
lines"
2024,Retired,30,11,Stoves,Maker,Kenya,,VER,2026-04-03,2026-04-10,GS1-1-KE-GS11-16-2024-30300-11-40,again
2024,Retired,20,11,Stoves,Maker,Kenya,,VER,2025-04-03,2026-04-10,GS1-1-KE-GS11-16-2024-20000-1-20,another batch
2023,Retired,50,12,Water,Maker,Kenya,,VER,2026-04-03,2026-05-10,GS1-1-KE-GS12-16-2023-30301-1-50,later
"""  # noqa: E501


def test_gold_standard_takes_retired_ranges_from_the_issuance_that_holds_them():
    reading = read_gold_standard(GOLD.encode(), "i.csv", as_of=AS_OF, retirements=GOLD_RETIRED.encode())
    # 11: 100 issued, 30 of them retired; 20 of a batch that is not in the file count on both sides: 120 - 50 = 70.
    assert left(reading) == {("GS11", 2024): (120, 50), ("GS12", 2023): (50, 0), ("GS13", 2019): (7, 0)}
    assert reading.left_out == {"after_as_of": 1, "duplicate_serial": 1}
    assert "issuance_missing" in codes(reading)
    assert read_gold_standard(GOLD.encode(), "i.csv", as_of=AS_OF).rows_read == 3


@settings(max_examples=20, deadline=None)  # each reads two files
@given(st.lists(st.tuples(st.integers(1, 400), st.integers(0, 60)), max_size=12, unique_by=lambda r: r[0]))
def test_retired_serials_inside_the_issued_ranges_are_found_as_a_naive_search_finds_them(ranges):
    issued = [(1, 100), (151, 250), (300, 340)]

    def rows(kind: str, blocks: Sequence[tuple[int, int]]) -> str:
        head = "Vintage,Quantity,GSID,Project Name,Country,Issuance Date,Retirement Date,Serial Number\n"
        day = "2026-01-02" if kind == "retired" else ""
        return head + "".join(f"2024,{b - a + 1},5,P,Kenya,2026-01-01,{day},GS1-KE-9-{a}-{b}\n" for a, b in blocks)

    retired = [(a, a + n) for a, n in ranges]
    if not retired:
        return
    reading = read_gold_standard(
        rows("issued", issued).encode(), "i", as_of=AS_OF, retirements=rows("retired", retired).encode()
    )
    inside = [(a, b) for a, b in retired if any(x <= a and b <= y for x, y in issued)]
    size = sum(b - a + 1 for a, b in retired)
    lone = size - sum(b - a + 1 for a, b in inside)
    total = 100 + 100 + 41 + lone
    assert left(reading) == ({("GS5", 2024): (total, size)} if size <= total else {})


def test_ranges_are_told_apart_in_the_last_of_many_batches():
    n = 10_000  # enough for keys beyond what a binary float tells apart
    head = "Vintage,Quantity,GSID,Project Name,Country,Issuance Date,Retirement Date,Serial Number\n"
    odd = [f"2024,2,{k},P,Kenya,2026-01-01,,GS1-KE-{k}-{5 - k % 2}-{6 - k % 2}\n" for k in range(n)]
    gone = [f"2024,1,{k},P,Kenya,2026-01-01,2026-01-02,GS1-KE-{k}-4-4\n" for k in range(n)]
    reading = read_gold_standard(
        (head + "".join(odd)).encode(), "i", as_of=AS_OF, retirements=(head + "".join(gone)).encode()
    )
    # Odd batches hold 4 and 5, so 4 is taken from them; even ones hold 5 and 6, so 4 is of another issuance.
    assert left(reading) == {(f"GS{k}", 2024): ((2, 1) if k % 2 else (3, 1)) for k in range(n)}


def test_the_real_files_are_read_to_the_last_row():
    verra = read_verra(
        real("offsets_db/verra/transactions.csv"), "t", as_of=AS_OF, projects=real("offsets_db/verra/projects.csv")
    )
    assert (verra.rows_read, verra.rows_used) == (200, 200)
    frame = pd.read_csv(io.BytesIO(real("offsets_db/verra/transactions.csv")), thousands=",")
    gone = frame["Retirement/Cancellation Date"].notna()
    assert sum(s.issued_kg for s in verra.stock) == 1000 * frame["Quantity Issued"].sum()
    assert sum(s.retired_kg for s in verra.stock) == 1000 * frame["Quantity Issued"][gone].sum()
    assert len({s.project_id for s in verra.stock if s.region == "CN"}) == 9
    gold = read_gold_standard(
        real("offsets_db/gold-standard/issuances.csv"),
        "i",
        as_of=AS_OF,
        retirements=real("offsets_db/gold-standard/retirements.csv"),
    )
    assert (gold.rows_read, gold.rows_used) == (200, 200) and all(s.remaining_kg >= 0 for s in gold.stock)


def test_a_million_cells_are_read_without_an_object_a_row():
    n = 60_000
    frame = pd.DataFrame(
        {
            "quantity": np.arange(n) % 997 + 1,
            "project_id": np.char.add("VCS", (np.arange(n) % 50).astype(str)),
            "vintage": 2020,
            "transaction_date": "2024-01-01",
            "transaction_type": "issuance",
        }
    )
    reading = read_offsets_db(frame.to_parquet(), "c", as_of=AS_OF)
    assert len(reading.stock) == 50 and sum(s.issued_kg for s in reading.stock) == 1000 * int(frame["quantity"].sum())


# ------------------------------------------------------------------------------------------------- Berkeley's workbook

VROD_HEAD = ["Project ID", "Project Name", "Voluntary Registry", " Type", "Methodology / Protocol", "Country", "State"]
VROD_HEAD += ["Total Buffer \nPool Deposits"]
YEARS: list[Any] = [2020, 2021, 2022]


def vrod_book(*projects: Sequence[Any], sheet: str = "PROJECTS", banners: bool = True) -> bytes:
    """A workbook of the described shape: titles, banners, header in row 4, years three times."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        book.add_worksheet("READ ME").write(0, 0, "Terms of use")
        page = book.add_worksheet(sheet)
        page.write(0, 0, "Voluntary Registry Offsets Database")
        n = len(VROD_HEAD)
        if banners:
            for offset, words in (
                (0, "Credits issued\nby vintage year"),
                (3, "Credits retired or cancelled"),
                (7, "Remaining"),
            ):
                page.write(2, n + offset, words)
        for column, header in enumerate([*VROD_HEAD, *YEARS, *YEARS, "Year Unknown", *YEARS]):
            page.write(3, column, header)
        for row, cells in enumerate(projects, 4):
            for column, cell in enumerate(cells):
                page.write(row, column, cell)
    return buffer.getvalue()


ABOUT = ("VCS1", "Wind", "VCS", "Wind", "ACM0002", "China", "Shanxi", " ")


@pytest.mark.parametrize("banners", [True, False])
def test_berkeleys_years_are_told_apart_by_banner_or_by_place(banners):
    one = (*ABOUT, "1,000", " ", 50, "400", " ", 10, " ", "600", " ", 40)
    reading = read_vrod(vrod_book(one, banners=banners), "vrod.xlsx")
    assert left(reading) == {("VCS1", 2020): (1_000, 400), ("VCS1", 2022): (50, 10)}
    assert {s.region for s in reading.stock} == {"14"} and codes(reading) == []


def test_credits_retired_of_an_unknown_year_are_taken_from_the_oldest_first():
    one = (*ABOUT, 100, 100, " ", 80, " ", " ", 50, " ", 70, " ")
    reading = read_vrod(vrod_book(one), "v")
    # 50 t of unknown year: 20 t are left of 2020 and go, 30 t come from 2021; 200 - 130 = 70 remain, as the sheet says.
    assert left(reading) == {("VCS1", 2020): (100, 100), ("VCS1", 2021): (100, 30)}
    assert codes(reading) == ["retired_year_unknown"]


def test_berkeleys_rows_that_cannot_count_say_why():
    gs = ("GS2", "Stoves", "Gold Standard", "x", "TPDDTEC", "China", " ", " ")
    rows = [
        (*gs, 5, 5, 5, " ", " ", " ", " ", 5, 5, 4),
        ("VCS3", *ABOUT[1:], " ", " ", " ", " ", " ", " ", " "),
        ("VCS4", *ABOUT[1:], 10, " ", " ", 11, " ", " ", " "),
        ("VCS5", *ABOUT[1:], "ten", " ", " ", " ", " ", " ", " "),
        (" ", "nameless", "VCS"),
        (*gs, 5, 5, 5, " ", " ", " ", " ", 5, 5, 4),
        ("VCS6", *ABOUT[1:5], "Atlantis", " ", " ", 1, " ", " ", " ", " ", " ", " "),
    ]
    reading = read_vrod(vrod_book(*rows), "v")
    assert reading.left_out == {
        "bad_number": 1,
        "duplicate_project": 1,
        "no_project": 1,
        "nothing_issued": 1,
        "over_retired": 1,
    }
    assert {(s.mechanism, s.region) for s in reading.stock} == {("GS", "CN"), ("VCS", "")}
    assert {"province_unknown", "region_unknown", "remaining_differs"} <= set(codes(reading))
    assert (reading.rows_read, reading.rows_used) == (7, 2)


def test_no_stock_of_a_registry_abroad_lies_in_a_province_unless_the_file_says_so():
    reading = read_verra(VERRA.encode(), "t", as_of=AS_OF)
    assert {province_of(s.region) for s in reading.stock} == {"CN", "BR"}
