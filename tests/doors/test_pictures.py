"""Pictures as files: they open, hold what they should in both languages, and ask no network."""

import json
import re
import struct
import subprocess
import sys
from datetime import date
from hashlib import sha256
from pathlib import Path
from xml.etree import ElementTree

import pytest

from api.reports.pictures import PICTURES, page_of, picture
from optimizer import Calendar, Offers, Problem, read_rule_pack
from scenarios.charts import curve_chart
from scenarios.charts_style import WIDTH, axis, heading, layer, picture_of
from scenarios.curves import budget_curve, emissions_curve

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = '</script><script>alert("x")</script> & <b>'


def bars(name: str, title: str = "各层用量") -> dict:
    rows = [{"name": name, "t": 60}, {"name": "base", "t": 40}]
    place = {"y": axis("name", None, "nominal"), "x": axis("t", "有效抵销量 (吨)")}
    return picture_of({"layer": [layer(rows, "bar", place)]}, heading(title, ""))


def word(sign: str) -> dict:
    text = {"text": {"field": "text", "type": "nominal"}}
    return picture_of({"layer": [layer([{"text": sign}], "text", text, fontSize=40)]}, heading("x", ""))


def test_an_svg_is_one_document_with_its_chinese_as_text_and_no_address():
    content = picture(bars("三晋绿色生活"), ".svg")
    root = ElementTree.fromstring(content)
    assert root.tag.endswith("svg")
    told = "".join(root.itertext())
    assert "各层用量" in told and "有效抵销量 (吨)" in told and "三晋绿色生活" in told
    assert "Noto Sans SC" in content.decode()
    addresses = set(re.findall(rb"https?://[^\"' ]+", content))
    assert addresses <= {b"http://www.w3.org/2000/svg", b"http://www.w3.org/1999/xlink"}


def test_curves_of_a_market_without_offers_are_drawn_all_the_same():
    """One point, nothing bought, no price of a last tonne: scales and legends of nothing would have no size."""
    calendar = {"events": [{"id": "e", "end_date": "2026-10-11", "emissions": {"tonnes": "9", "status": "verified"}}]}
    asked = Problem(Calendar.model_validate(calendar), Offers.of([]), read_rule_pack("shanxi-2022"), date(2026, 11, 22))
    for curve in (budget_curve(asked), emissions_curve(asked, 5000, 20000)):
        content = picture(curve_chart(curve, "zh"), ".png")
        width, height = struct.unpack(">II", content[16:24])
        assert width < 4 * WIDTH and height < 4 * WIDTH


def test_a_png_is_twice_as_sharp_as_its_specification():
    content = picture(bars("a"), ".png")
    assert content[:8] == b"\x89PNG\r\n\x1a\n" and content[-8:-4] == b"IEND"
    width, _ = struct.unpack(">II", content[16:24])
    assert width == 2 * WIDTH


def test_chinese_letters_are_drawn_and_no_boxes():
    """Where letters are missing every one is the same box, and pictures of different ones are the same bytes."""
    signs = ["碳", "抵", "万", "缺", "拐"]
    assert len({picture(word(sign), ".png") for sign in signs}) == len(signs)
    # Signs that are not assigned, for which no machine has a letter, are such a box.
    assert picture(word("\u0378"), ".png") == picture(word("\u0379"), ".png")


@pytest.mark.parametrize("kind", PICTURES)
def test_the_same_specification_is_the_same_bytes(kind):
    spec = bars("三晋绿色生活")
    assert picture(spec, kind) == picture(json.loads(json.dumps(spec)), kind)


def test_another_process_draws_the_same_bytes():
    program = (
        "import json, sys; from hashlib import sha256; from api.reports.pictures import picture\n"
        "spec = json.load(sys.stdin)\n"
        "print(*(sha256(picture(spec, kind)).hexdigest() for kind in ('.svg', '.png')))"
    )
    spec = bars("三晋绿色生活")
    made = subprocess.run(
        [sys.executable, "-c", program], input=json.dumps(spec), capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert made.stdout.split() == [sha256(picture(spec, kind)).hexdigest() for kind in (".svg", ".png")]


def test_a_page_loads_nothing_and_forbids_itself_to():
    page = picture(bars("三晋绿色生活"), ".html").decode()
    markup = re.sub(r"<script>.*?</script>", "<script></script>", page, flags=re.DOTALL)
    assert not re.search(r"\b(src|href|srcset|action)\s*=", markup)
    assert not re.search(r"https?:|//|url\(|@import", markup)
    assert "default-src 'none'" in markup and "unsafe-eval" not in markup
    # Scripts name addresses as names only: of XML, of schemas, of an editor that the menu does not offer.
    hosts = set(re.findall(r"https?://([a-z0-9.]+)", page))
    assert hosts <= {"www.w3.org", "vega.github.io", "github.com"}
    assert '"editor":false' in page and '"ast":true' in page
    assert "三晋绿色生活" in page and '<html lang="zh-CN">' in page


def test_a_page_of_several_pictures_has_each_and_the_scripts_once():
    page = page_of([bars("a"), bars("b")], "en").decode()
    assert page.count("<figure") == page.count('vegaEmbed("#picture-') == 2
    assert page.count("window.vegaEmbed") == 1 or page.count(".vegaEmbed=") == 1
    assert '<html lang="en">' in page and "save as SVG" in page
    assert len(page) < 2_000_000


def test_names_from_files_cannot_end_the_script_nor_become_markup():
    page = page_of([bars(HOSTILE, HOSTILE)], "en").decode()
    assert "<script>alert" not in page and page.count("</script>") == 2
    data = re.search(r'vegaEmbed\("#picture-0",(.*),options\);', page)
    assert data is not None and json.loads(data[1])["title"]["text"] == HOSTILE
    svg = picture(bars(HOSTILE, HOSTILE), ".svg")
    assert HOSTILE in "".join(ElementTree.fromstring(svg).itertext()) and b"<script" not in svg


def test_a_specification_that_would_load_is_refused_and_so_is_another_kind():
    loading = bars("a") | {"layer": [{"data": {"url": "https://example.org/a.json"}, "mark": "point", "encoding": {}}]}
    with pytest.raises(ValueError):
        picture(loading, ".svg")
    with pytest.raises(ValueError, match=r"\.gif"):
        picture(bars("a"), ".gif")
