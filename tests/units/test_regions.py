"""Places: what people write, and the one code it means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.regions import COUNTRIES, PROVINCES, SHANXI_CITIES, province_of, region_code, region_name, region_names


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("14", "14"),
        ("140000", "14"),
        ("1400", "14"),
        ("山西", "14"),
        ("山西省", "14"),
        ("晋", "14"),
        ("Shanxi", "14"),
        ("SHANXI Province", "14"),
        ("１４", "14"),
        (" 山 西 ", "14"),
        ("中国山西省", "14"),
        ("140100", "140100"),
        ("1401", "140100"),
        ("太原", "140100"),
        ("太原市", "140100"),
        ("Taiyuan", "140100"),
        ("山西省太原市", "140100"),
        ("山西太原", "140100"),
        ("Taiyuan, Shanxi", "140100"),
        ("Lvliang", "141100"),
        ("Lüliang", "141100"),
        ("140881", "140881"),
        ("陕西", "61"),
        ("Shaanxi", "61"),
        ("71", "71"),
        ("台湾", "71"),
        ("TW", "71"),
        ("Hong Kong", "81"),
        ("KE", "KE"),
        ("ke", "KE"),
        ("肯尼亚", "KE"),
        ("Kenya", "KE"),
        ("Viet Nam", "VN"),
        ("Vietnam", "VN"),
        ("Türkiye", "TR"),
        ("CN", "CN"),
        ("中国", "CN"),
        ("全国", "CN"),
        ("China", "CN"),
    ],
)
def test_a_place_has_one_code_however_it_is_written(text, code):
    assert region_code(text) == code


@pytest.mark.parametrize("text", ["", " ", "Shangxi", "99", "990000", "14010", "140100000000", "火星", "SX", "XX", "²"])
def test_what_is_no_known_place_has_no_code(text):
    assert region_code(text) is None


def test_shanxi_and_shaanxi_are_not_confused():
    assert region_code("山西") != region_code("陕西")
    assert region_code("Shanxi") != region_code("Shaanxi")


def test_there_are_34_provinces_and_11_cities_of_shanxi():
    assert len(PROVINCES) == 34
    assert list(SHANXI_CITIES) == [f"14{i:02d}00" for i in range(1, 12)]
    assert len(COUNTRIES) > 190


def test_every_name_leads_to_a_code_whose_name_leads_back():
    for name in region_names():
        code = region_code(name)
        assert code is not None, name
        for lang in ("zh", "en"):
            assert region_code(region_name(code, lang)) == code


def test_a_county_lies_in_its_province_and_is_named_by_it():
    assert province_of("140881") == "14"
    assert province_of("KE") == "KE"
    assert province_of("") == ""
    assert region_name("140881", "zh") == "山西省 140881"
    assert region_name("140100", "en") == "Taiyuan"


@given(st.text(max_size=20))
def test_a_code_is_its_own_code(text):
    code = region_code(text)
    assert code is None or region_code(code) == code
