"""Offers files as people make them: encodings, delimiters, headers in two languages, shapes of numbers and dates."""

import io
import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]  # it ships no types
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
import xlsxwriter  # type: ignore[import-untyped]  # it ships no types

from market_data import offers_from_frame, read_offers
from market_data.columns import COLUMNS, match_header
from optimizer.errors import BadInput
from optimizer.offers import parse_price_breaks, parse_schedule

SHARED_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

CHINESE = """报价编号,品种,平台,地区,年份,卖方,数量（吨）,价格(元/吨),阶梯价,有效期至,渠道,确定报价,备注
A1,碳普惠,三晋绿色生活,山西省,2024年,甲公司,"12,000",￥58.50,1000=58；5000=55,2026年12月31日,捐赠,是,随便写
A2,核证自愿减排量,CCER,陕西,2023,乙公司,1.2万吨,９０元/吨,,2026/12/31,代理,否,
"""


def read(text: str, name: str = "offers.csv"):
    return read_offers(name, content=text.encode())


def one(**cells: str):
    """The single offer of a file with these cells."""
    row = {"offer_id": "A1", "instrument": "ccer", "quantity": "1000", "price": "58.5"} | cells
    quoted = ['"' + v.replace('"', '""') + '"' for v in row.values()]
    return read(",".join(row) + "\n" + ",".join(quoted) + "\n")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_chinese_headers_in_every_encoding_that_offices_use(encoding, newline):
    text = CHINESE.replace("￥", "¥" if encoding != "gbk" else "￥").replace("\n", newline)
    offers = read_offers("报价.csv", content=text.encode(encoding)).offers
    first, second = offers[0], offers[1]
    assert (first.offer_id, first.instrument, first.region, first.vintage) == ("A1", "carbon_inclusion", "14", 2024)
    assert (first.quantity_kg, first.price_fen, first.price_breaks) == (12_000_000, 5850, "1000=58;5000=55")
    assert (first.channel, first.firm, first.valid_until) == ("donation", True, date(2026, 12, 31))
    assert (second.region, second.quantity_kg, second.price_fen, second.firm) == ("61", 12_000_000, 9000, False)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter):
    text = "offer_id,instrument,quantity,price\nA1,ccer,1000.5,58.5\n".replace(",", delimiter)
    assert read(text).offers[0].quantity_kg == 1_000_500


def test_a_quoted_line_break_does_not_start_a_new_row():
    text = 'offer_id,instrument,project_name,quantity,price\nA1,ccer,"two\nlines",1,1\nA2,ccer,x,1,y\n'
    with pytest.raises(BadInput) as caught:
        read(text)
    assert [(f.row, f.column) for f in caught.value.findings] == [(3, "price")]


def test_titles_above_the_header_and_empty_rows_keep_their_numbers():
    text = "2026年报价单,,,\n,,,\noffer_id,instrument,quantity,price\nA1,ccer,1,1\n\n,,,\nA2,ccer,1,y\n"
    with pytest.raises(BadInput) as caught:
        read(text)
    assert [f.row for f in caught.value.findings] == [7]


@pytest.mark.parametrize(
    ("header", "name", "shift"),
    [
        ("offer_id", "offer_id", 0),
        ("Offer ID", "offer_id", 0),
        ("编号*", "offer_id", 0),
        ("价格（元/吨）", "price", 0),
        ("价格\n(元/吨，含税)", "price", 0),
        ("数量(万吨)", "quantity", 4),
        ("数量（单位：吨）", "quantity", 0),
        ("费率(%)", "fee_rate", -2),
        ("价格(元/亩)", "price_per_mu", 0),
        ("面积(公顷)", "area_ha", 0),
        ("面积（亩）", "area_mu", 0),
        ("VALID UNTIL", "valid_until", 0),
        ("卖方（全称）", "seller", 0),
        ("年均碳汇量(吨/亩/年)", "yield_t_per_mu_yr", 0),
        ("手数", "lot_size", 0),
    ],
)
def test_headers_as_people_write_them(header, name, shift):
    match = match_header(header)
    assert match is not None
    assert (match.column.name, match.shift, match.unit) == (name, shift, "")


def test_every_column_is_found_by_its_name_and_its_chinese_label():
    for column in COLUMNS.values():
        for header in (column.name, column.label.zh, *column.headers):
            match = match_header(header)
            assert match is not None and match.column.name == column.name, header


@pytest.mark.parametrize(
    ("written", "kg"),
    [
        ("1000", 1_000_000),
        ("1,000", 1_000_000),
        ("1，000", 1_000_000),
        ("1 000", 1_000_000),
        ("1,234,567.5", 1_234_567_500),
        ("１０００", 1_000_000),
        ("1000吨", 1_000_000),
        ("1000 t", 1_000_000),
        ("1000 tCO2e", 1_000_000),
        ("0.001", 1),
        ("+5", 5000),
        ("1.5万", 15_000_000),
        ("1.5万吨", 15_000_000),
        (".5", 500),
        ("5.", 5000),
        ("5.000000", 5000),
        ("007", 7000),
        ("0", 0),
        ("-0", 0),
        ("1000000000", 10**12),
        ("\u200b1000\ufeff", 1_000_000),
        ("１，０００．５", 1_000_500),
    ],
)
def test_quantities_as_people_write_them(written, kg):
    assert one(quantity=written).offers[0].quantity_kg == kg


@pytest.mark.parametrize(
    ("written", "fen"),
    [
        ("58.5", 5850),
        ("¥58.50", 5850),
        ("￥ 1,058.5", 105850),
        ("58.5元", 5850),
        ("58.5 元/吨", 5850),
        ("CNY 58", 5800),
        ("0", 0),
        ("58.50", 5850),
    ],
)
def test_prices_as_people_write_them(written, fen):
    assert one(price=written).offers[0].price_fen == fen


def test_rates_by_share_and_by_percent():
    assert one(fee_rate="5%").offers[0].fee_rate_e4 == 500
    assert one(fee_rate="0.0575").offers[0].fee_rate_e4 == 575
    assert one(**{"费率(%)": "5"}).offers[0].fee_rate_e4 == 500
    assert one(**{"费率(%)": "5%"}).offers[0].fee_rate_e4 == 500
    assert one(buffer="20%").offers[0].buffer_e4 == 2000


def test_quantities_in_ten_thousand_tonnes_by_the_header():
    text = "offer_id,instrument,数量(万吨),price\nA1,ccer,1.2345678,1\n"
    assert read(text).offers[0].quantity_kg == 12_345_678


@pytest.mark.parametrize(
    "written",
    [
        "2026-10-11",
        "2026/10/11",
        "2026.10.11",
        "20261011",
        "2026年10月11日",
        "2026 年 10 月 11 日",
        "2026-10-11 00:00:00",
        "2026-10-11T00:00:00",
        "2026/10/11 0:00",
        "２０２６－１０－１１",
    ],
)
def test_dates_as_people_write_them(written):
    read_file = one(valid_until=written)
    assert read_file.offers[0].valid_until == date(2026, 10, 11)
    assert read_file.findings == ()


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-10-10T16:00:00Z", 11),
        ("2026-10-11T00:00:00Z", 11),
        ("2026-10-11T00:00:00+08:00", 11),
        ("2026-10-11 00:00:00+0800", 11),
    ],
)
def test_a_time_stamp_with_a_zone_is_the_day_in_china_with_a_warning(written, day):
    found = one(valid_until=written)
    assert found.offers[0].valid_until == date(2026, 10, day)
    assert [f.code for f in found.findings] == ["date_zoned"]


@pytest.mark.parametrize(
    ("written", "year", "doubts"),
    [
        ("2021", 2021, []),
        ("2021年", 2021, []),
        ("2021年度", 2021, []),
        ("2021.0", 2021, []),
        ("CEA21", 2021, []),
        ("", 0, []),
        ("2019-2020", 2019, ["vintage_span"]),
        ("2019至2020年", 2019, ["vintage_span"]),
        ("CEA19-20", 2019, ["vintage_span"]),
    ],
)
def test_vintages_as_people_write_them(written, year, doubts):
    found = one(vintage=written)
    assert found.offers[0].vintage == year
    assert [f.code for f in found.findings] == doubts


def test_schedules_and_breaks_are_kept_in_one_canonical_form():
    offer = one(payment_schedule="2026年12月31日：50%；2028/6/30：0.5", price_breaks="1,000=58.0；5000吨=￥55").offers[
        0
    ]
    assert offer.payment_schedule == "2026-12-31=0.5;2028-06-30=0.5"
    assert parse_schedule(offer.payment_schedule)[0] == (np.datetime64("2026-12-31"), 5000)
    assert offer.price_breaks == "1000=58;5000=55"
    assert parse_price_breaks(offer.price_breaks) == ((1_000_000, 5800), (5_000_000, 5500))


def test_blank_cells_take_the_defaults_of_the_contract():
    offer = one(lot_size="", firm="", channel="-", vintage="", valid_from="—", fee_rate="/").offers[0]
    assert (offer.lot_kg, offer.firm, offer.channel, offer.vintage, offer.valid_from, offer.fee_rate_e4) == (
        1000,
        True,
        "",
        0,
        None,
        0,
    )


def test_text_that_looks_like_a_formula_stays_text_and_invisible_characters_go():
    offer = one(
        seller='=HYPERLINK("x")', project_name="\u200b@项目\u0007 甲\n乙\u3000", project_id="-1", mechanism="+CCER"
    ).offers[0]
    assert offer.seller == '=HYPERLINK("x")'
    assert offer.project_name == "@项目 甲 乙"
    assert (offer.project_id, offer.mechanism) == ("-1", "+CCER")


def test_all_faults_of_all_rows_are_named_at_once_in_the_order_of_the_file():
    text = "offer_id,instrument,quantity,price,quantitty\nA1,ccer,x,y,\nA1,ccr,1,1,\n"
    with pytest.raises(BadInput) as caught:
        read(text)
    assert [(f.code, f.row, f.column) for f in caught.value.findings] == [
        ("unknown_column", None, "quantitty"),
        ("not_a_number", 2, "quantity"),
        ("not_a_number", 2, "price"),
        ("duplicate_id", 3, "offer_id"),
        ("unknown_instrument", 3, "instrument"),
    ]
    said = caught.value.say("en")
    assert "did you mean quantity?" in said
    assert "id of row 2" in said
    assert "did you mean ccer?" in said


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"price": "10000.01"}, "price_far_out"),
        ({"price": "0"}, "price_zero"),
        ({"quantity": "10000001"}, "quantity_far_out"),
        ({"lot_size": "2000"}, "quantity_unusable"),
        ({"min_quantity": "2000"}, "quantity_unusable"),
        ({"price_breaks": "10=50;20=55"}, "breaks_rise"),
        ({"price_breaks": "10=60"}, "breaks_rise"),
        ({"instrument": "forestry"}, "forestry_no_schedule"),
        ({"delivery_schedule": "2029-01-01=1"}, "schedule_unused"),
        ({"instrument": "forestry", "delivery_schedule": "2029-01-01=0.2;2030-01-01=0.8"}, "delivery_not_cumulative"),
        ({"planted_by": "2027-01-01", "certification_due": "2026-01-01"}, "certified_before_planted"),
    ],
)
def test_what_is_implausible_is_read_with_a_warning(cells, code):
    found = one(**cells)
    assert code in [f.code for f in found.findings]
    assert all(f.severity == "warning" and f.row == 2 and f.message.zh and f.message.en for f in found.findings)


def test_a_donation_at_price_0_is_nothing_to_wonder_about():
    assert one(price="0", channel="捐赠").findings == ()


def workbook(rows, name: str = "Sheet1", first: bool = False) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out, {"in_memory": True, "strings_to_formulas": False, "default_date_format": "yyyy-mm-dd"}
    )
    if first:
        book.add_worksheet("说明").write(0, 0, "请先阅读")
    sheet = book.add_worksheet(name)
    for i, row in enumerate(rows):
        for k, value in enumerate(row):
            sheet.write_datetime(i, k, value) if isinstance(value, datetime) else sheet.write(i, k, value)
    book.close()
    return out.getvalue()


def test_a_workbook_with_dates_numbers_and_text():
    header = ["编号", "品种", "项目编号", "数量", "价格", "有效期至", "年份", "费率"]
    row = ["A1", "CCER", "00123", 12000, 58.349999999999994, datetime(2026, 10, 11), 2024, 0.05]
    offer = read_offers("offers.xlsx", content=workbook([["报价单"], header, row])).offers[0]
    assert (offer.project_id, offer.quantity_kg, offer.price_fen) == ("00123", 12_000_000, 5835)
    assert (offer.valid_until, offer.vintage, offer.fee_rate_e4) == (date(2026, 10, 11), 2024, 500)


def test_the_sheet_of_offers_is_found_by_its_name():
    rows = [["offer_id", "instrument", "quantity", "price"], ["A1", "ccer", 1, 1]]
    assert len(read_offers("x.xlsx", content=workbook(rows, name="报价", first=True)).offers) == 1


def test_json_numbers_are_exact_and_absent_keys_are_blank():
    rows: list[dict[str, object]] = [
        {"offer_id": 7, "instrument": "ccer", "quantity": 1000.001, "price": 58.35},
        {"offer_id": "8", "seller": None},
    ]
    rows[1] |= {"instrument": "ccer", "quantity": "1", "price": 1e2, "firm": False}
    offers = read_offers("x.json", content=json.dumps({"offers": rows}).encode()).offers
    assert (offers[0].offer_id, offers[0].quantity_kg, offers[0].price_fen, offers[0].firm) == (
        "7",
        1_000_001,
        5835,
        True,
    )
    assert (offers[1].price_fen, offers[1].firm) == (10_000, False)


def test_parquet_columns_of_every_type():
    table = pa.table(
        {
            "offer_id": pa.array([1, 2], pa.int64()),
            "instrument": pa.array(["ccer", "forestry"]).dictionary_encode(),
            "quantity": pa.array([1000.001, 2.0], pa.float64()),
            "price": pa.array([Decimal("58.50"), Decimal("0.01")], pa.decimal128(12, 2)),
            "valid_until": pa.array([date(2026, 10, 11), None], pa.date32()),
            "valid_from": pa.array([datetime(2026, 1, 1), None], pa.timestamp("ns")),
            "vintage": pa.array([2024, None], pa.int16()),
            "firm": pa.array([True, False]),
            "seller": pa.nulls(2),
        }
    )
    out = io.BytesIO()
    pq.write_table(table, out)
    first, second = (read_offers("x.parquet", content=out.getvalue()).offers[i] for i in (0, 1))
    assert (first.offer_id, first.quantity_kg, first.price_fen, first.vintage) == ("1", 1_000_001, 5850, 2024)
    assert (first.valid_until, first.valid_from, first.firm) == (date(2026, 10, 11), date(2026, 1, 1), True)
    assert (second.vintage, second.price_fen, second.firm, second.seller) == (0, 1, False, "")


def test_a_frame_of_floats_missing_values_and_categories():
    frame = pd.DataFrame(
        {
            "offer_id": ["A1", "A2"],
            "instrument": pd.Categorical(["ccer", "forestry"]),
            "quantity": [1000.001, 2],
            "price": [58.35, 60.0],
            "valid_until": [pd.Timestamp("2026-10-11"), pd.NaT],
            "vintage": [2024, None],
            "seller": [None, "甲"],
        }
    )
    offers = offers_from_frame(frame)
    assert (offers[0].quantity_kg, offers[0].price_fen, offers[0].vintage, offers[0].seller) == (
        1_000_001,
        5835,
        2024,
        "",
    )
    assert (offers[1].valid_until, offers[1].vintage, offers[1].seller) == (None, 0, "甲")


def test_the_file_is_named_by_its_hash_and_the_offers_do_not_depend_on_the_order_of_rows():
    head, first, second = "offer_id,instrument,quantity,price\n", "A1,ccer,1,1\n", "A2,credit,2,2\n"
    one_way, other_way = read(head + first + second), read(head + second + first)
    assert one_way.sha256 != other_way.sha256
    assert one_way.offers.sha256 == other_way.offers.sha256


@pytest.mark.skipif(not SHARED_DATA.exists(), reason="the collected market data are not beside this copy")
@pytest.mark.parametrize(
    "path",
    sorted(
        p.relative_to(SHARED_DATA).as_posix()
        for p in SHARED_DATA.rglob("*")
        if p.suffix in (".csv", ".json", ".html", ".md")
    )
    if SHARED_DATA.exists()
    else [""],
)
def test_real_market_files_that_are_no_offers_are_refused_with_reasons(path):
    with pytest.raises(BadInput) as caught:
        read_offers(SHARED_DATA / path)
    assert all(f.message.zh and f.message.en for f in caught.value.findings)


@pytest.mark.skipif(not SHARED_DATA.exists(), reason="the collected market data are not beside this copy")
def test_real_issued_credits_become_offers_once_their_columns_are_named():
    """Verra's transactions as a broker would list them: thousands commas, country names, methodologies."""
    raw = pd.read_csv(SHARED_DATA / "offsets_db/verra/transactions.csv", dtype=str)
    frame = pd.DataFrame(
        {
            "offer_id": [f"V{i}" for i in range(len(raw))],
            "instrument": "credit",
            "mechanism": "VCS",
            "project_id": raw["ID"],
            "project_name": raw["Name"],
            "methodology": raw["Methodology"],
            "region": raw["Country/Area"],
            "vintage": raw["Vintage Start"].str[:4],
            "quantity": raw["Quantity Issued"],
            "price": "45",
        }
    )
    offers = offers_from_frame(frame)
    assert len(offers) == len(raw)
    assert offers.region.isin(["CN"]).sum() == (raw["Country/Area"] == "China").sum() > 0
    expected = raw["Quantity Issued"].str.replace(",", "").astype(float) * 1000
    assert offers.quantity_kg.tolist() == expected.astype(int).tolist()


@pytest.mark.skipif(not SHARED_DATA.exists(), reason="the collected market data are not beside this copy")
def test_real_afforestation_filings_become_forestry_offers():
    raw = pd.read_csv(SHARED_DATA / "forestry/ccer_afforestation_yields.csv", dtype=str)
    frame = pd.DataFrame(
        {
            "offer_id": [f"F{i}" for i in range(len(raw))],
            "instrument": "forestry",
            "region": raw["province"],
            "area_ha": raw["area_ha"],
            "yield_t_per_mu_yr": raw["t_per_mu_yr"],
            "price_per_mu": "1121",
            "planted_by": "2026-12-31",
        }
    )
    offers = offers_from_frame(frame)
    area = raw["area_ha"].astype(float) * 15 * raw["t_per_mu_yr"].astype(float) * 6 * 1000
    assert np.abs(offers.quantity_kg - area).max() < 1
    assert (offers.price_fen > 0).all()
