"""Feeds on bad days: failing, slow, cut-off, moved, changed. Each fault is cured by patience or told in one finding."""

import json
import shutil
import subprocess
from datetime import UTC, date, datetime

import pytest

from market_data.sources.ccer_exchange import fetch_ccer_exchange
from market_data.sources.cneeex import fetch_market, fetch_sub_statistics
from market_data.sources.fetch import REDIRECTS_MAX, Fetcher, FetchSettings
from optimizer.errors import BadInput
from optimizer.wording import Text
from tests.faults.feed_server import Answer, PlayedTime, serving

MAINTENANCE = b"<!DOCTYPE html><html><body>System maintenance</body></html>"
DAY_FILE = [
    [
        {
            "business_amount": "1,000",
            "business_ave_price": "80.00",
            "business_price": "80,000.00",
            "business_date": "20260703",
            "profession_name": "能源产业(可再生/不可再生资源)",
        }
    ]
]


def as_json(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


GOOD = Answer(as_json(DAY_FILE))


def fetcher(played=None, **settings):
    played = played or PlayedTime()
    return Fetcher(FetchSettings(**settings), clock=played.clock, sleep=played.sleep, now=played.now)


def day_file(server, played=None, **settings):
    with fetcher(played, **settings) as fetch:
        return fetch_ccer_exchange(fetch, address=f"{server.url}/wcm/90-first.json")


def told(caught) -> tuple[str, str]:
    """Code and words of the only finding, which names the place and what helps in both languages."""
    (finding,) = caught.value.findings
    assert finding.severity == "fault"
    assert finding.file == "127.0.0.1/wcm/90-first.json"
    for lang, remedy in (("zh", "手头的文件"), ("en", "a file that you have")):
        assert remedy in finding.say(lang)
    return finding.code, finding.say("en")


CURED = {
    "a failing server": Answer(b"oops", 500),
    "a server that has enough": Answer(b"", 429, {"Retry-After": "2"}),
    "a server under repair": Answer(b"", 503, {"Retry-After": "Fri, 20 Nov 2026 04:00:05 GMT"}),
    "a truncated answer": Answer(GOOD.body[:-20], announced=len(GOOD.body)),
    "a truncated answer whose length nobody announced": Answer(GOOD.body[:-20], announced=-1),
    "a page for people": Answer(MAINTENANCE, headers={"content-type": "text/html"}),
    "an empty answer": Answer(b""),
}


@pytest.mark.parametrize("bad", CURED.values(), ids=CURED.keys())
def test_another_attempt_cures(bad, tmp_path):
    with serving([bad, GOOD]) as server:
        reading = day_file(server, cache_folder=tmp_path)
        assert (reading.rows_used, len(server.asked)) == (1, 2)
        assert day_file(server, cache_folder=tmp_path, offline=True).sha256 == reading.sha256


LASTING = {
    "a failing server": (CURED["a failing server"], "feed_unavailable", "HTTP 500"),
    "a truncated answer": (CURED["a truncated answer"], "feed_cut_off", "incomplete"),
    "broken JSON": (CURED["an empty answer"], "feed_json_broken", "JSON"),
    "a page for people": (CURED["a page for people"], "feed_html", "web page"),
}


@pytest.mark.parametrize(("bad", "code", "words"), LASTING.values(), ids=LASTING.keys())
def test_what_lasts_is_told_after_the_last_attempt_and_never_kept(bad, code, words, tmp_path):
    with serving([bad]) as server:
        with pytest.raises(BadInput) as caught:
            day_file(server, retries=2, cache_folder=tmp_path)
        assert len(server.asked) == 3
    found, sentence = told(caught)
    assert found == code and words in sentence and "tried 3 times" in sentence
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
def test_a_refusal_is_not_asked_again(status):
    with serving([Answer(b"no", status), GOOD]) as server:
        with pytest.raises(BadInput) as caught:
            day_file(server)
        assert len(server.asked) == 1
    found, sentence = told(caught)
    assert found == "feed_refused" and str(status) in sentence and "tried 1 time;" in sentence


def test_every_attempt_is_reported():
    played, reports = PlayedTime(), []

    def report(text: Text) -> None:
        reports.append(text)

    with (
        serving([Answer(b"", 500), Answer(b"", 502), GOOD]) as server,
        Fetcher(FetchSettings(), clock=played.clock, sleep=played.sleep, now=played.now, report=report) as fetch,
    ):
        fetch_ccer_exchange(fetch, address=f"{server.url}/wcm/90-first.json")
    assert [r.en.split(": ", 1)[1][:9] for r in reports] == ["attempt 1", "attempt 2"]
    assert "HTTP 500" in reports[0].zh and "HTTP 502" in reports[1].en


def test_a_silent_server_is_a_time_out():
    with serving([Answer(silent=True)]) as server, pytest.raises(BadInput) as caught:
        day_file(server, read_seconds=0.05, retries=1)
    found, sentence = told(caught)
    assert found == "feed_timeout" and "tried 2 times" in sentence


def test_a_silent_server_may_find_its_voice():
    with serving([Answer(silent=True), GOOD]) as server:
        assert day_file(server, read_seconds=0.05).rows_used == 1


def test_a_drip_ends_at_the_deadline():
    # The clock moves a second with every look at it: a drip that never pauses for as long as the read time-out.
    played = PlayedTime(tick=1.0)
    with serving([Answer(b"[", dripping=True)]) as server:
        with pytest.raises(BadInput) as caught:
            day_file(server, played, deadline_seconds=20.0, read_seconds=10.0)
        assert len(server.asked) == 1
    found, sentence = told(caught)
    assert found == "feed_timeout" and "20 s" in sentence
    assert 20 <= played.seconds < 40


def test_a_server_that_is_not_there():
    with serving([GOOD]) as server:
        pass
    with pytest.raises(BadInput) as caught:
        day_file(server, retries=1)
    found, sentence = told(caught)
    assert found == "feed_unreachable" and "tried 2 times" in sentence


@pytest.mark.parametrize(
    "big",
    [Answer(b"[]", announced=10**9), Answer(b"[" * 2000, announced=-1), Answer(b"[", dripping=True)],
    ids=range(3),
)
def test_a_huge_answer_is_not_swallowed(big):
    with serving([big]) as server:
        with pytest.raises(BadInput) as caught:
            day_file(server, bytes_max=100)
        assert len(server.asked) == 1
    found, sentence = told(caught)
    assert found == "feed_too_large" and "100 bytes" in sentence


def test_a_redirect_on_the_same_host_is_followed():
    def answer(asked):
        return GOOD if asked.path == "/new/90.json" else Answer(b"", 301, {"Location": "/new/90.json"})

    with serving(answer) as server:
        assert day_file(server).rows_used == 1
        assert [a.path for a in server.asked] == ["/wcm/90-first.json", "/new/90.json"]


def test_a_redirected_question_stays_a_question():
    def answer(asked):
        moved = Answer(b"", 308, {"Location": "/new"})
        return moved if asked.path == "/old" else Answer(asked.method.encode() + b" " + asked.body)

    with serving(answer) as server, fetcher() as fetch:
        got = fetch.post(f"{server.url}/old", {"day": "20260819"}, accept=bytes)
    assert got.content == b'POST {"day":"20260819"}'


@pytest.mark.parametrize(
    "elsewhere", ["http://localhost:{port}/x", "http://login.example.invalid/x", "ftp://127.0.0.1/x"]
)
def test_a_redirect_elsewhere_is_not_followed(elsewhere):
    def answer(_):
        return Answer(b"", 302, {"Location": elsewhere.format(port=server.port)})

    with serving(answer) as server:
        with pytest.raises(BadInput) as caught:
            day_file(server)
        assert len(server.asked) == 1
    found, sentence = told(caught)
    assert found == "feed_redirected" and elsewhere.split("{")[0].rstrip(":") in sentence


def test_redirects_in_a_circle_end():
    with serving([Answer(b"", 302, {"Location": "/wcm/90-first.json"})]) as server:
        with pytest.raises(BadInput) as caught:
            day_file(server)
        assert len(server.asked) == REDIRECTS_MAX + 1
    assert told(caught)[0] == "feed_redirected"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Key and certificate of 127.0.0.1, signed by nobody, made for this run."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    key, cert, both = folder / "key.pem", folder / "cert.pem", folder / "both.pem"
    made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    named = ["-keyout", str(key), "-out", str(cert), "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([openssl, *made, *named], check=True, capture_output=True)
    both.write_bytes(key.read_bytes() + cert.read_bytes())
    return both


def test_a_certificate_that_nobody_vouches_for_is_refused_at_once(certificate):
    with serving([GOOD], certificate) as server:
        with pytest.raises(BadInput) as caught:
            day_file(server)
        assert server.asked == []
    found, sentence = told(caught)
    assert found == "feed_certificate" and "tried 1 time;" in sentence


def test_a_certificate_that_the_user_vouches_for_is_trusted(certificate):
    with serving([GOOD], certificate) as server:
        assert day_file(server, ca_file=certificate).rows_used == 1


# ------------------------------------------------------------------------------------ the exchange of allowances


def market_row(day: str, code: str, **changes: str) -> dict[str, str]:
    row = {
        "subjCode": code,
        "quotPoin": day,
        "openPric": "60.00",
        "highPric": "62.00",
        "lowPric": "59.00",
        "closPric": "61.00",
        "dealQty": "2,000 ",
        "dealAmt": "122,000.00 ",
    }
    return row | changes


def envelope(rows: object) -> bytes:
    return as_json({"success": True, "code": 200, "message": "", "data": rows})


def exchange(asked):
    """Trades on every day but the first of October."""
    question = json.loads(asked.body)
    day = question["tradeDate"]
    if day == "20251001":
        return Answer(envelope([]))
    if asked.path == "/querySubStat":
        row = {"tradeDate": day, "subjectCode": "CEA24", "tradeMethod": "20", "tradeVolume": "100,000"}
        return Answer(envelope([row | {"tradeAmount": "5,900,000.00"}]))
    return Answer(envelope([market_row(day, question["goodsCode"])]))


def test_a_range_of_days_skips_weekends_and_takes_a_holiday_for_what_it_is(tmp_path):
    # 2025-09-26 is a Friday: 26, 29, 30 September, 1 and 2 October are asked for, the first holds nothing.
    with serving(exchange) as server, fetcher(cache_folder=tmp_path) as fetch:
        first, last = date(2025, 9, 26), date(2025, 10, 2)
        reading = fetch_market(fetch, first, last, ["CEA24", "COMCEA", "CEA24"], address=f"{server.url}/market")
        days = [json.loads(a.body)["tradeDate"] for a in server.asked]
        assert days == [d for d in ("20250926", "20250929", "20250930", "20251001", "20251002") for _ in range(2)]
        assert (reading.rows_read, reading.rows_used, reading.left_out, reading.findings) == (8, 8, {}, ())
        assert set(reading.quotes.code.names) == {"CEA24", "COMCEA"}
        again = fetch_market(fetch, first, last, ["CEA24", "COMCEA"], address=f"{server.url}/market")
        assert again.sha256 == reading.sha256 and len(server.asked) == 10


def test_methods_of_a_range_of_days():
    with serving(exchange) as server, fetcher() as fetch:
        reading = fetch_sub_statistics(
            fetch, date(2025, 9, 30), date(2025, 10, 2), address=f"{server.url}/querySubStat"
        )
    assert reading.rows_used == 2
    assert (reading.quotes[0].method, reading.quotes[0].average_fen) == ("block", 5900)


def test_a_day_that_was_over_when_it_was_fetched_is_final_and_a_day_that_was_not_is_asked_again(tmp_path):
    # 2026-11-20 04:00 UTC is noon in China: the 19th is over, the 20th is not. A day ends at 16:00 UTC.
    played = PlayedTime()
    with serving(exchange) as server, fetcher(played, cache_folder=tmp_path, pause_seconds=0.0) as fetch:
        for day, asked in ((19, 1), (20, 2)):
            fetch_sub_statistics(fetch, *[date(2026, 11, day)] * 2, address=f"{server.url}/querySubStat")
            assert len(server.asked) == asked
        played.today = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)
        for day, asked in ((19, 2), (20, 3)):
            fetch_sub_statistics(fetch, *[date(2026, 11, day)] * 2, address=f"{server.url}/querySubStat")
            assert len(server.asked) == asked
        played.today = datetime(2027, 11, 20, tzinfo=UTC)
        fetch_sub_statistics(fetch, *[date(2026, 11, 20)] * 2, address=f"{server.url}/querySubStat")
        assert len(server.asked) == 3


def test_days_without_any_trade_are_said_to_be_empty():
    with serving(exchange) as server, fetcher() as fetch:
        reading = fetch_sub_statistics(
            fetch, date(2025, 10, 1), date(2025, 10, 1), address=f"{server.url}/querySubStat"
        )
    assert [f.code for f in reading.findings] == ["feed_empty"]


def test_a_range_that_runs_backwards():
    with fetcher() as fetch, pytest.raises(BadInput) as caught:
        fetch_market(fetch, date(2025, 10, 2), date(2025, 10, 1), ["CEA24"])
    assert [f.code for f in caught.value.findings] == ["range_reversed"]


WRONG_ANSWERS = {
    "another day": (envelope([market_row("20250929", "CEA24")]), {("feed_not_asked", "quotPoin")}),
    "another code": (envelope([market_row("20250926", "CEA23")]), {("feed_not_asked", "subjCode")}),
    "renamed fields": (
        envelope([{k.replace("Pric", "Price"): v for k, v in market_row("20250926", "CEA24").items()}]),
        {("feed_field_missing", f) for f in ("openPric", "highPric", "lowPric", "closPric")},
    ),
    "a refusal": (as_json({"success": False, "code": 500, "message": "busy", "data": None}), {("feed_said_no", "")}),
    "another envelope": (
        as_json({"ok": True, "rows": []}),
        {("feed_field_missing", f) for f in ("success", "code", "data")},
    ),
    "no envelope": (as_json([]), {("feed_shape", "")}),
    "data of another shape": (envelope({"rows": []}), {("feed_shape", "data")}),
}


@pytest.mark.parametrize(("content", "expected"), WRONG_ANSWERS.values(), ids=WRONG_ANSWERS.keys())
def test_a_changed_answer_is_refused_by_field_at_once_and_not_kept(content, expected, tmp_path):
    with serving([Answer(content)]) as server, fetcher(cache_folder=tmp_path) as fetch:
        with pytest.raises(BadInput) as caught:
            fetch_market(fetch, date(2025, 9, 26), date(2025, 9, 26), ["CEA24"], address=server.url)
        assert len(server.asked) == 1
    assert {(f.code, f.column) for f in caught.value.findings} == expected
    assert {f.file for f in caught.value.findings} == {"queryMarketByDate 2025-09-26 CEA24"}
    assert list(tmp_path.iterdir()) == []
