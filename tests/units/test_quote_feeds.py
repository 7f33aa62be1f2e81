"""Feeds of quotes, read: the exchanges' answers and akshare's frames. All numbers here are made up.

Real shapes are read from the shared folder where it is present.
"""

import io
import json
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_data.quotes import UNKNOWN, Quote
from market_data.sources import akshare_frames, ccer_exchange, cneeex
from market_data.sources.akshare_frames import quotes_from_frame, read_akshare
from market_data.sources.ccer_exchange import read_ccer_exchange
from market_data.sources.cneeex import read_cneeex, read_market, read_sub_statistics
from market_data.sources.feed_fields import FieldError, compact_day, json_of, number_of, scaled_half_up
from optimizer.errors import BadInput
from optimizer.quantities import tonnes, yuan

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def shared(path: str) -> bytes:
    file = SHARED / path
    if not file.exists():
        pytest.skip("the shared folder of real shapes is not here")
    return file.read_bytes()


def as_json(document: object) -> bytes:
    return json.dumps(document).encode()


def envelope(*rows: Mapping[str, object]) -> bytes:
    return as_json({"success": True, "code": 200, "message": "", "data": list(rows)})


def quotes_of(reading) -> list[Quote]:
    return [reading.quotes[i] for i in range(len(reading.quotes))]


def codes(reading) -> Counter[str]:
    return Counter(f.code for f in reading.findings)


def grouped(number: Decimal | int) -> str:
    """As the exchange prints: thousands commas, now and then a space behind."""
    return f"{number:,} "


# ------------------------------------------------------------------------------------------ national allowances

MARKET_ROW = {
    "id": 3,
    "subjCode": "CEA24",
    "subjName": "碳排放配额24",
    "quotPoin": "20250926",
    "highPric": "62.00",
    "lowPric": "59.00",
    "lastClosPric": "60.10",
    "openPric": "60.00",
    "closPric": "61.00",
    "dealQty": "2,000 ",
    "dealAmt": "122,001.00 ",
    "chanRate": "1.50%",
    "chanPric": "0.90",
    "limiUpPric": "9,000,000",
    "limiDownPric": "500,000,000.00",
    "averPric": "9,000,000",
    "updaTime": "500,000,000.00",
}
SUB_ROW = {
    "id": "7",
    "tradeDate": "20250926",
    "subjectCode": "CEA24",
    "subjectName": "碳排放配额24",
    "tradeMethod": "20",
    "tradeVolume": "100,000",
    "tradeAmount": "5,900,000.00",
    "yearVolume": "0",
    "yearAmount": "0.00",
    "totalVolume": "0",
    "totalAmount": "0.00",
}
MARKET_READ = ("subjCode", "quotPoin", "openPric", "highPric", "lowPric", "closPric", "dealQty", "dealAmt")
SUB_READ = ("tradeDate", "subjectCode", "tradeMethod", "tradeVolume", "tradeAmount")


def test_a_day_of_listed_trades():
    # Mean 122001.00 / 2000 = 61.0005 yuan, 61.00 to the fen. 2,000 t are 2,000,000 kg.
    reading = read_market(envelope(MARKET_ROW), "day.json")
    assert quotes_of(reading) == [
        Quote(
            *(date(2025, 9, 26), "allowance", "CEA", "CEA24", 2024, "listed"),
            *(6000, 6200, 5900, 6100, 6100, 2_000_000, 12_200_100),
        )
    ]
    assert (reading.feed, reading.rows_read, reading.rows_used, reading.left_out) == ("cneeex", 1, 1, {})
    assert reading.findings == ()


def test_a_composite_is_marked_and_has_no_vintage():
    (quote,) = quotes_of(read_market(envelope(MARKET_ROW | {"subjCode": "COMCEA"}), "day.json"))
    assert (quote.code, quote.composite, quote.vintage) == ("COMCEA", True, 0)


def test_the_code_of_two_years_counts_as_the_first_and_is_doubted_once():
    rows = [MARKET_ROW | {"subjCode": "CEA", "quotPoin": f"202509{day}"} for day in (24, 25, 26)]
    reading = read_market(envelope(*rows), "day.json")
    assert {q.vintage for q in quotes_of(reading)} == {2019}
    assert codes(reading) == {"vintage_span": 1}


@pytest.mark.parametrize("code", ["CEA20", "CEA2", "CEA2025", "XYZ", "cea24"])
def test_a_code_that_nobody_told_us_of_is_left_out_and_named_once(code):
    rows = [MARKET_ROW | {"subjCode": code, "quotPoin": f"202509{day}"} for day in (24, 25)]
    reading = read_market(envelope(*rows), "day.json")
    assert (reading.left_out, codes(reading)) == ({"unknown_code": 2}, {"unknown_code": 1})
    assert reading.findings[0].value == code


def test_a_day_without_trades_that_carries_a_price_forward_is_a_quote_of_volume_nothing():
    row = MARKET_ROW | {"dealQty": "0", "dealAmt": "0.00", "openPric": "-", "highPric": "-", "lowPric": "-"}
    (quote,) = quotes_of(read_market(envelope(row), "day.json"))
    assert (quote.volume_kg, quote.turnover_fen, quote.close_fen) == (0, 0, 6100)
    assert quote.open_fen == quote.high_fen == quote.low_fen == quote.average_fen == UNKNOWN


def test_a_day_of_dashes_holds_nothing():
    dashes = dict.fromkeys(("openPric", "highPric", "lowPric", "closPric", "dealQty", "dealAmt"), "-")
    reading = read_market(envelope(MARKET_ROW | dashes), "day.json")
    assert (len(reading.quotes), reading.left_out, codes(reading)) == (0, {"no_trade": 1}, {"no_trade": 1})
    (told,) = reading.findings
    assert told.message == ("1 行当日没有成交, 也没有价格", "1 row holds no trade and no price")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"dealAmt": "0.00"}, "volume_turnover_disagree"),
        ({"dealQty": "0"}, "volume_turnover_disagree"),
        ({"dealAmt": "9,000,000,000,000.00"}, "field_unreadable"),
        ({"dealAmt": "9,000,000,000.00"}, "price_implausible"),
        ({"dealAmt": "-", "closPric": "-"}, "no_price"),
        ({"dealQty": "-2,000"}, "field_unreadable"),
    ],
    ids=str,
)
def test_volume_and_turnover_that_make_no_sense_are_left_out(changes, reason):
    reading = read_market(envelope(MARKET_ROW | changes), "day.json")
    assert (reading.rows_read, reading.rows_used, reading.left_out) == (1, 0, {reason: 1})
    assert codes(reading) == {reason: 1}


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"closPric": "62.02"}, "closPric"),
        ({"openPric": "58.98"}, "openPric"),
        ({"dealAmt": "140,000.00"}, "dealAmt / dealQty"),
    ],
)
def test_a_price_outside_the_days_range_is_used_and_doubted(changes, column):
    reading = read_market(envelope(MARKET_ROW | changes), "day.json")
    assert (reading.rows_used, [(f.code, f.column) for f in reading.findings]) == (1, [("prices_disagree", column)])


def test_methods_become_quotes_and_rows_without_volume_are_counted_once():
    none = {"tradeVolume": "0", "tradeAmount": "0.00"}
    rows = [SUB_ROW, SUB_ROW | none | {"tradeMethod": "10"}, SUB_ROW | none | {"tradeMethod": "21"}]
    reading = read_sub_statistics(envelope(*rows), "day.json")
    (quote,) = quotes_of(reading)
    assert (quote.method, quote.vintage, quote.average_fen) == ("block", 2024, 5900)
    assert (quote.volume_kg, quote.turnover_fen, quote.close_fen) == (100_000_000, 590_000_000, UNKNOWN)
    assert (reading.left_out, codes(reading)) == ({"no_trade": 2}, {"no_trade": 1})
    assert reading.findings[-1].message.en == "2 rows hold no trade and no price"


def test_methods_have_names_and_an_unknown_one_is_left_out():
    rows = [SUB_ROW | {"tradeMethod": method} for method in ("10", "20", "21", "30")]
    reading = read_sub_statistics(envelope(*rows), "day.json")
    assert [q.method for q in quotes_of(reading)] == ["auction", "block", "listed"]
    assert reading.left_out == {"unknown_method": 1}


def test_a_composite_that_is_not_the_sum_of_its_codes_is_doubted():
    composite = SUB_ROW | {"subjectCode": "COMCEA", "tradeVolume": "150,000"}
    other = SUB_ROW | {"subjectCode": "CEA23", "tradeVolume": "50,000", "tradeAmount": "2,900,000.00"}
    assert codes(read_sub_statistics(envelope(SUB_ROW, composite), "day.json")) == {"composite_differs": 1}
    assert codes(read_sub_statistics(envelope(SUB_ROW, other, composite), "day.json")) == {}


def test_a_repeated_row_is_left_out_and_a_contradiction_is_a_fault():
    repeated = read_market(envelope(MARKET_ROW, MARKET_ROW), "day.json")
    assert (repeated.rows_used, repeated.left_out) == (1, {"duplicate_row": 1})
    with pytest.raises(BadInput) as caught:
        read_market(envelope(MARKET_ROW, MARKET_ROW | {"closPric": "60.50"}), "day.json")
    assert [(f.code, f.row) for f in caught.value.findings] == [("rows_contradict", 2)]


def test_the_kind_of_answer_is_told_by_its_fields():
    assert quotes_of(read_cneeex(envelope(MARKET_ROW), "x"))[0].method == "listed"
    assert quotes_of(read_cneeex(envelope(SUB_ROW), "x"))[0].method == "block"


def test_real_answers_of_the_exchange():
    first = read_cneeex(shared("fixtures/cneeex_queryMarketByDate_20210716_COMCEA.json"), "first")
    late = read_cneeex(shared("fixtures/cneeex_queryMarketByDate_20260819_CEA25.json"), "late")
    methods = read_cneeex(shared("fixtures/cneeex_querySubStat_20260819.json"), "methods")
    assert first.quotes[0].composite and not late.quotes[0].composite
    for reading in (first, late):
        assert (reading.rows_used, reading.findings) == (1, ())
        quote = reading.quotes[0]
        assert quote.close_fen == quote.average_fen, "the close is turnover by volume on both days"
    listed = next(q for q in quotes_of(methods) if (q.code, q.method) == ("CEA25", "listed"))
    assert (listed.volume_kg, listed.turnover_fen) == (late.quotes[0].volume_kg, late.quotes[0].turnover_fen)
    assert "composite_differs" not in codes(methods)


def test_a_real_last_day_of_old_vintages():
    reading = read_cneeex(shared("fixtures/cneeex_querySubStat_20251231.json"), "methods")
    assert (reading.rows_read, reading.rows_used, reading.left_out) == (18, 8, {"no_trade": 10})
    assert {(q.code, q.vintage) for q in quotes_of(reading)} >= {("CEA", 2019), ("CEA21", 2021), ("COMCEA", 0)}
    assert codes(reading) == {"no_trade": 1, "vintage_span": 1}


# ------------------------------------------------------------------------------------------------- CCER exchange

ENERGY, FOREST, SUBTOTAL = "能源产业(可再生/不可再生资源)", "林业和其他碳汇类型", "小计"
CCER_READ = ("business_date", "profession_name", "business_amount", "business_ave_price", "business_price")


def ccer_row(kind: str, amount: str, mean: str, turnover: str, day: str = "20260703") -> dict[str, str]:
    return dict(zip(CCER_READ, (day, kind, amount, mean, turnover), strict=True))


ENERGY_ROW = ccer_row(ENERGY, "3,000", "80.03", "240,100.00")  # 240100 / 3000 = 80.0333...
FOREST_ROW = ccer_row(FOREST, "-", "-", "-")
TOTAL_ROW = ccer_row(SUBTOTAL, "3000", "-", "240100.00")


def test_a_day_of_ccer():
    reading = read_ccer_exchange(as_json([[ENERGY_ROW, FOREST_ROW, TOTAL_ROW]]), "90.json")
    assert quotes_of(reading) == [
        Quote(
            *(date(2026, 7, 3), "ccer", "CCER", "能源"),
            average_fen=8003,
            volume_kg=3_000_000,
            turnover_fen=24_010_000,
        )
    ]
    assert (reading.rows_read, reading.left_out) == (3, {"no_trade": 1, "subtotal": 1})
    assert codes(reading) == {"no_trade": 1, "subtotal": 1}


@pytest.mark.parametrize("changes", [{"business_amount": "3001"}, {"business_price": "240100.01"}], ids=str)
def test_a_subtotal_that_is_not_the_sum_is_doubted(changes):
    reading = read_ccer_exchange(as_json([[ENERGY_ROW, FOREST_ROW, TOTAL_ROW | changes]]), "90.json")
    assert reading.rows_used == 1 and codes(reading)["subtotal_differs"] == 1


# 240100 / 3000 = 80.0333...: 80.03 is rounded, 80.04 (0.67 fen away) rounded up; 80.05 and 80.02 are neither.
@pytest.mark.parametrize(("mean", "doubted"), [("80.03", 0), ("80.04", 0), ("80.05", 1), ("80.02", 1), ("-", 0)])
def test_a_mean_that_is_a_fen_or_more_from_turnover_by_volume_is_doubted(mean, doubted):
    reading = read_ccer_exchange(as_json([[ENERGY_ROW | {"business_ave_price": mean}]]), "90.json")
    assert codes(reading)["mean_differs"] == doubted
    assert quotes_of(reading)[0].average_fen == (8003 if mean == "-" else round(float(mean) * 100))


def test_an_unknown_kind_of_project_is_left_out():
    reading = read_ccer_exchange(as_json([[ENERGY_ROW, ccer_row("交通", "5", "80.00", "400.00")]]), "90.json")
    assert (reading.rows_used, reading.left_out) == (1, {"unknown_code": 1})


def test_a_real_day_file():
    reading = read_ccer_exchange(shared("fixtures/ccer_90_first_sample.json"), "90.json")
    assert reading.rows_used == 2 and set(reading.left_out) == {"no_trade", "subtotal"}
    assert {f.code for f in reading.findings} == {"no_trade", "subtotal"}


# --------------------------------------------------------------------------------------------- frames of akshare

FRAMES = {
    "domestic": "日期,成交价,成交量,成交额,地点\n2015-06-01,25.100001,100.0,2.510000e+03,湖北\n"
    "2015-06-02,25.100001,0.0,0.0,湖北\n2015-06-01,14.5,20,290,福建\n",
    "hb": "日期,成交价,成交量,最新,涨跌\n2015-06-01,25.10,100.0,0.0,0.0\n",
    "bj": "日期,成交量,成交均价,成交额,成交单位\n2015-06-01,800,51.25,,\n2015-06-02,10,60.00,600.0,BEA\n",
    "sz": "交易日期,市场交易指数,开盘价,最高价,最低价,成交均价,收盘价,成交量,成交额\n"
    "2015-06-01,SZA-2014,10.5,10.7,10.4,10.6,10.6,2,21.2\n2015-06-01,SZA-2020,13.80,,,,13.80,0,0.00\n",
    "gz": "日期,品种,开盘价,收盘价,最高价,最低价,涨跌,涨跌幅,成交数量,成交金额\n"
    "2015-06-01,GDEA,60,61,62,59,1,1.6%,10,605\n",
    "eu": "交易日期,市场交易指数,开盘价,最高价,最低价,成交均价,收盘价,成交量,成交额\n"
    "2015-06-01,欧盟EUA,,,,,7.4,15000000.0,\n",
}


def frame_reading(kind: str, **options: str):
    return read_akshare(FRAMES[kind].encode(), f"{kind}.csv", **options)


def test_domestic_rows_name_their_market_and_lose_the_noise_of_their_floats():
    fujian, *hubei = sorted(quotes_of(frame_reading("domestic")), key=lambda q: (q.mechanism != "福建碳市场", q.day))
    assert [(q.mechanism, q.close_fen, q.volume_kg, q.turnover_fen) for q in hubei] == [
        ("湖北碳市场", 2510, 100_000, 251_000),
        ("湖北碳市场", 2510, 0, 0),
    ]
    assert (fujian.mechanism, fujian.instrument, fujian.average_fen) == ("福建碳市场", "allowance", 1450)


def test_the_other_functions_frames_are_told_by_their_columns():
    (hubei,) = quotes_of(frame_reading("hb"))
    assert (hubei.mechanism, hubei.close_fen, hubei.turnover_fen) == ("湖北碳市场", 2510, UNKNOWN)
    first, second = quotes_of(frame_reading("bj"))
    assert {first.code, second.code, first.mechanism} == {"BEA", "北京碳市场"}
    assert (first.average_fen, first.turnover_fen, second.turnover_fen) == (5125, UNKNOWN, 60_000)
    traded, quiet = quotes_of(frame_reading("sz"))
    assert (traded.code, traded.vintage, traded.volume_kg) == ("SZA-2014", 2014, 2000)
    assert (traded.open_fen, traded.high_fen, traded.low_fen, traded.close_fen) == (1050, 1070, 1040, 1060)
    assert (quiet.vintage, quiet.volume_kg, quiet.close_fen) == (2020, 0, 1380)
    (guangdong,) = quotes_of(frame_reading("gz"))
    assert (guangdong.mechanism, guangdong.average_fen) == ("广东碳市场", 6050)


def test_a_price_of_nothing_is_no_price():
    quiet = read_akshare(FRAMES["hb"].replace("25.10,100.0", "0.0,0.0").encode(), "x")
    traded = read_akshare(FRAMES["hb"].replace("25.10,", "0.0,").encode(), "x")
    assert (quiet.left_out, traded.left_out) == ({"no_trade": 1}, {"no_price": 1})


def test_euro_rows_are_left_out():
    reading = frame_reading("eu")
    assert (len(reading.quotes), reading.left_out, codes(reading)) == (
        0,
        {"foreign_currency": 1},
        {"foreign_currency": 1},
    )


@pytest.mark.parametrize("kind", FRAMES)
def test_a_frame_and_its_csv_say_the_same(kind):
    reading = quotes_from_frame(pd.read_csv(io.StringIO(FRAMES[kind])))
    assert quotes_of(reading) == quotes_of(frame_reading(kind))
    assert reading.left_out == frame_reading(kind).left_out


def test_days_may_be_dates_timestamps_or_texts():
    frame = pd.read_csv(io.StringIO(FRAMES["hb"]))
    wanted = quotes_of(quotes_from_frame(frame))
    days = pd.to_datetime(frame["日期"])
    for column in (days, days.dt.date, days.dt.strftime("%Y%m%d")):
        assert quotes_of(quotes_from_frame(frame.assign(日期=column))) == wanted
    missing = quotes_from_frame(frame.assign(日期=pd.Series([None], dtype="datetime64[s]")))
    assert missing.left_out == {"field_unreadable": 1}


def test_only_the_market_that_was_asked_for_is_taken():
    reading = frame_reading("domestic", market="福建碳市场")
    assert (len(reading.quotes), reading.left_out) == (1, {"other_market": 2})
    for kind, market, code in (("hb", "北京", "feed_not_asked"), ("domestic", "山西", "unknown_market")):
        with pytest.raises(BadInput) as caught:
            frame_reading(kind, market=market)
        assert [f.code for f in caught.value.findings] == [code]


def test_rows_of_other_places_and_goods_are_left_out():
    places = FRAMES["domestic"].replace("福建", "火星").encode()
    assert read_akshare(places, "x").left_out == {"unknown_market": 1}
    goods = FRAMES["sz"].replace("SZA-2014", "CCER").replace("SZA-2020", "SZA-9999").encode()
    assert read_akshare(goods, "x").left_out == {"unknown_code": 2}
    assert read_akshare(FRAMES["gz"].replace("GDEA", "PHCER").encode(), "x").left_out == {"unknown_code": 1}
    assert read_akshare(FRAMES["bj"].replace("BEA", "FCER").encode(), "x").left_out == {"unknown_code": 1}


def test_an_identical_day_is_left_out_and_a_contradicting_one_is_a_fault():
    row = "2015-06-01,25.10,100.0,0.0,0.0\n"
    reading = read_akshare((FRAMES["hb"] + row).encode(), "x")
    assert (reading.rows_used, reading.left_out) == (1, {"duplicate_row": 1})
    with pytest.raises(BadInput) as caught:
        read_akshare((FRAMES["hb"] + row.replace("25.10", "25.20")).encode(), "x")
    assert [(f.code, f.row) for f in caught.value.findings] == [("rows_contradict", 3)]


def test_a_close_far_from_the_mean_is_doubted():
    # 2510 yuan for 100 t: mean 25.10. A close of 22.80 is 9.2 % below, one of 22.50 is 10.4 % below.
    for close, doubted in (("22.80", 0), ("22.50", 1)):
        reading = read_akshare(FRAMES["domestic"].replace("25.100001,100", f"{close},100").encode(), "x")
        assert codes(reading)["prices_disagree"] == doubted


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n1,2\n", "日期,成交价\n2015-06-01,3\n".encode(), b"\x00\x01", b'"'], ids=range(5)
)
def test_what_is_no_frame_of_akshare_is_refused(content):
    with pytest.raises(BadInput) as caught:
        read_akshare(content, "x.csv")
    assert {f.file for f in caught.value.findings} == {"x.csv"}


def test_a_column_that_stands_there_twice_is_refused():
    with pytest.raises(BadInput) as caught:
        read_akshare("日期,成交价,成交量,最新,涨跌,成交价\n2015-06-01,1,1,0,0,2\n".encode(), "x.csv")
    assert [(f.code, f.column) for f in caught.value.findings] == [("column_doubled", "成交价")]


@pytest.mark.parametrize(("kind", "used"), [("domestic", 10), ("hb", 4), ("bj", 6), ("sz", 4), ("eu", 0)])
def test_real_frames_of_akshare(kind, used):
    content = shared(f"akshare/energy_carbon_{kind}.csv")
    reading = read_akshare(content, kind)
    assert reading.rows_used == used
    assert quotes_of(quotes_from_frame(pd.read_csv(io.BytesIO(content)), kind)) == quotes_of(reading)


# -------------------------------------------------------------------------------------------------------- laws

VOLUMES = st.integers(1, 10**12)
PRICES = st.integers(1, 10**8)


@given(kg=VOLUMES, fen=PRICES)
def test_numbers_are_read_as_they_are_printed(kg, fen):
    assert scaled_half_up(number_of(grouped(Decimal(tonnes(kg)))) or Decimal(0), 3) == kg
    assert scaled_half_up(number_of(f"{Decimal(yuan(fen)):,}") or Decimal(0), 2) == fen


@given(number=st.decimals(0, 10**6, places=2))
def test_a_binary_float_comes_back_as_the_fen_it_was_printed_from(number):
    as_float32 = float(np.float32(number)) if number < 10_000 else float(number)
    expected = int((number * 100).to_integral_value(ROUND_HALF_UP))
    assert scaled_half_up(number_of(as_float32) or Decimal(0), 2) == expected


@pytest.mark.parametrize(
    "text", ["97,40", "1,23", "1,2345", "12,34,567", ",5", "1,000,", "1.0.0", "一", "0x10", "1 000"]
)
def test_commas_stand_between_thousands_or_the_number_is_refused(text):
    with pytest.raises(FieldError):
        number_of(text)


@pytest.mark.parametrize("text", ["2026-08-19x", "20261301", "2026-02-30", "2026081", "", None, 5])
def test_days_that_are_none(text):
    with pytest.raises(FieldError):
        compact_day(text)


def test_an_integer_of_more_digits_than_python_reads_is_broken_json():
    with pytest.raises(BadInput) as caught:
        json_of(b"[" + b"1" * 5000 + b"]", "x")
    assert [f.code for f in caught.value.findings] == ["feed_json_broken"]


def sub_rows() -> st.SearchStrategy[list[dict[str, str]]]:
    """Rows of one day: every code and method at most once, known and unknown, traded and not, sound and not."""
    keys = st.tuples(
        st.sampled_from(["CEA", "CEA21", "CEA25", "COMCEA", "ABC"]), st.sampled_from(["10", "20", "21", "99"])
    )
    numbers = st.tuples(st.integers(0, 10**6), st.integers(0, 10**9), st.sampled_from(["", "", "", "?"]))
    return st.dictionaries(keys, numbers, max_size=12).map(
        lambda rows: [
            SUB_ROW
            | {"subjectCode": code, "tradeMethod": method}
            | {"tradeVolume": grouped(t) + broken, "tradeAmount": f"{Decimal(yuan(fen)):,}"}
            for (code, method), (t, fen, broken) in rows.items()
        ]
    )


@given(rows=sub_rows(), seed=st.randoms(use_true_random=False))
def test_every_row_is_used_or_left_out_with_a_finding_whatever_the_order(rows, seed):
    reading = read_sub_statistics(envelope(*rows), "day.json")
    assert reading.rows_read == len(rows) == reading.rows_used + sum(reading.left_out.values())
    assert len(reading.quotes) == reading.rows_used
    assert set(reading.left_out) <= set(codes(reading))
    shuffled = list(rows)
    seed.shuffle(shuffled)
    again = read_sub_statistics(envelope(*shuffled), "day.json")
    assert quotes_of(again) == quotes_of(reading) and again.left_out == reading.left_out


@given(
    quotes=st.dictionaries(
        st.tuples(st.dates(date(2021, 7, 16), date(2026, 11, 20)), st.sampled_from(["CEA21", "CEA25", "COMCEA"])),
        st.tuples(
            VOLUMES.map(lambda kg: kg * 1000 % 10**9 + 1000), st.lists(PRICES.map(lambda p: p % 10**5 + 1), min_size=4)
        ),
        max_size=8,
    )
)
def test_quotes_that_are_printed_as_the_exchange_prints_are_read_back(quotes):
    made = []
    for (day, code), (kg, prices) in quotes.items():
        low, opened, close, high = sorted(prices)[:4]
        average, turnover = close, close * (kg // 1000)
        kg = kg // 1000 * 1000
        numbers = (opened, high, low, close, average, kg, turnover)
        vintage = 0 if code == "COMCEA" else 2000 + int(code[3:])
        made.append(Quote(day, "allowance", "CEA", code, vintage, "listed", *numbers, code == "COMCEA"))
    printed = [
        MARKET_ROW
        | {"subjCode": q.code, "quotPoin": q.day.strftime("%Y%m%d"), "openPric": yuan(q.open_fen)}
        | {"highPric": yuan(q.high_fen), "lowPric": yuan(q.low_fen), "closPric": yuan(q.close_fen)}
        | {"dealQty": grouped(Decimal(tonnes(q.volume_kg))), "dealAmt": f"{Decimal(yuan(q.turnover_fen)):,}"}
        for q in made
    ]
    reading = read_market(envelope(*printed), "days.json")
    assert sorted(quotes_of(reading)) == sorted(made)
    assert {f.code for f in reading.findings} <= {"feed_empty"}


# --------------------------------------------------------------------------------------------- broken variants

GARBAGE: list[object] = [
    None,
    "",
    "?",
    "１２x",
    "-5",
    "1e99",
    True,
    [],
    {},
    "NaN",
    "Infinity",
    10**40,
    "\ud800",
    "9" * 400,
    -0.1,
]


def market_of(row: dict[str, object]):
    return read_market(envelope(row), "x.json")


def sub_of(row: dict[str, object]):
    return read_sub_statistics(envelope(row), "x.json")


def ccer_of(row: dict[str, object]):
    return read_ccer_exchange(as_json([[row]]), "x.json")


def frame_of(row: dict[str, object]):
    return quotes_from_frame(pd.DataFrame([row], dtype=object), "x")


SHENZHEN_ROW = {
    **{"交易日期": "2015-06-01", "市场交易指数": "SZA-2014", "开盘价": 10.5, "最高价": 10.7, "最低价": 10.4},
    **{"成交均价": 10.6, "收盘价": 10.6, "成交量": 2, "成交额": 21.2},
}
READERS: dict[str, tuple[Callable[[dict[str, object]], Any], dict[str, object], tuple[str, ...]]] = {
    "market": (market_of, {**MARKET_ROW}, MARKET_READ),
    "methods": (sub_of, {**SUB_ROW}, SUB_READ),
    "ccer": (ccer_of, {**ENERGY_ROW}, CCER_READ),
    "akshare": (frame_of, {**SHENZHEN_ROW}, tuple(SHENZHEN_ROW)),
}
CELLS = [(kind, field) for kind, (_, _, fields) in READERS.items() for field in fields]


@pytest.mark.parametrize(("kind", "field"), CELLS, ids=map(" ".join, CELLS))
def test_a_field_that_is_gone_is_named(kind, field):
    read, row, _ = READERS[kind]
    with pytest.raises(BadInput) as caught:
        read({k: v for k, v in row.items() if k != field})
    (finding,) = caught.value.findings
    assert finding.code == "feed_field_missing"
    assert field in finding.say("zh") and field in finding.say("en")


@pytest.mark.parametrize(("kind", "field"), CELLS, ids=map(" ".join, CELLS))
def test_garbage_in_a_field_is_accounted_for(kind, field):
    read, row, _ = READERS[kind]
    right = read(row).quotes[0]
    for value in GARBAGE:
        try:
            reading = read(row | {field: value})
        except BadInput as error:
            assert_said(error.findings)
            continue
        assert reading.rows_read == 1
        assert len(reading.quotes) == reading.rows_used
        if reading.rows_used:
            # Only what may be unknown has changed: never the day, the code or the volume.
            changed = {name for name in Quote._fields if getattr(reading.quotes[0], name) != getattr(right, name)}
            assert changed <= {"open_fen", "high_fen", "low_fen", "close_fen", "average_fen", "turnover_fen"}, value
        else:
            assert_said(reading.findings)


def assert_said(findings):
    assert findings
    for finding in findings:
        for lang in ("zh", "en"):
            assert finding.say(lang).encode()
            json.dumps(finding.as_dict(lang), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "content", [b"", b"null", b"3", b'"x"', b"[[3]]", b"[3]", b"{}", b"[[]", b"\xff\xfe", b"<html>", b"[" * 10**5]
)
def test_what_is_no_answer_of_any_feed_is_refused(content):
    for read in (read_cneeex, read_market, read_sub_statistics, read_ccer_exchange, read_akshare):
        with pytest.raises(BadInput) as caught:
            read(content, "x.json")
        assert {f.file for f in caught.value.findings} == {"x.json"}


def test_addresses_are_those_of_the_exchanges():
    assert cneeex.MARKET_ADDRESS.startswith("https://shyx.cneeex.com/")
    assert cneeex.SUB_STATISTICS_ADDRESS.startswith("https://shyx.cneeex.com/")
    assert ccer_exchange.ADDRESS.startswith("https://www.ccer.com.cn/")
    assert not hasattr(akshare_frames, "ADDRESS")
