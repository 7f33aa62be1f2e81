"""Fetching: what is asked and kept, how long it serves, how politely it waits. Nothing here waits in earnest."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_data.sources.answer_cache import AnswerCache
from market_data.sources.feed_fields import json_of
from market_data.sources.fetch import Fetcher, FetchSettings
from optimizer.errors import BadInput, Cancelled
from optimizer.findings import fault
from optimizer.wording import Text
from tests.faults.feed_server import Answer, PlayedTime, serving


def fetcher(played, **settings):
    return Fetcher(FetchSettings(**settings), clock=played.clock, sleep=played.sleep, now=played.now)


def only_fault(caught):
    (finding,) = caught.value.findings
    assert finding.severity == "fault" and finding.say("zh") and finding.say("en")
    return finding


def test_an_answer_comes_with_what_accept_made_of_it():
    played = PlayedTime()
    with serving([Answer(b'{"n": 7}')]) as server, fetcher(played) as fetch:
        got = fetch.get(f"{server.url}/day", {"b": "2", "a": "1"}, accept=lambda c: json_of(c, "day")["n"])
    assert (got.content, got.result, got.from_cache) == (b'{"n": 7}', 7, False)
    assert got.url == f"{server.url}/day?a=1&b=2"
    assert got.fetched_at == datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("GET", "/day?a=1&b=2")
    assert asked.headers["user-agent"].startswith("jinheng")


def test_parameters_that_the_address_holds_already_are_kept():
    with serving([Answer(b"x")]) as server, fetcher(PlayedTime()) as fetch:
        fetch.get(f"{server.url}/day?page=3", {"size": "10"}, accept=bytes)
        assert server.asked[0].path == "/day?page=3&size=10"


def test_the_same_question_is_the_same_bytes_whatever_the_order_of_its_keys():
    with serving([Answer(b"x")]) as server, fetcher(PlayedTime()) as fetch:
        fetch.post(f"{server.url}/q", {"tradeDate": "20260819", "goodsCode": "CEA25"}, accept=bytes)
        fetch.post(f"{server.url}/q", {"goodsCode": "CEA25", "tradeDate": "20260819"}, accept=bytes)
    first, second = server.asked
    assert first.body == second.body == b'{"goodsCode":"CEA25","tradeDate":"20260819"}'
    assert first.headers["content-type"] == "application/json"


def test_a_kept_answer_serves_without_a_second_request(tmp_path):
    played = PlayedTime()
    told: list[Text] = []
    with serving([Answer(b"first"), Answer(b"second")]) as server:
        settings = FetchSettings(cache_folder=tmp_path / "kept", cache_seconds=100)
        with Fetcher(settings, clock=played.clock, sleep=played.sleep, now=played.now, report=told.append) as fetch:
            one = fetch.get(server.url, {"a": "1", "b": "2"}, accept=bytes)
            played.sleep(100)
            two = fetch.get(server.url, {"b": "2", "a": "1"}, accept=bytes)
            assert len(server.asked) == 1
            other = fetch.get(server.url, {"a": "1", "b": "3"}, accept=bytes)
    assert (two.content, two.from_cache, two.fetched_at) == (b"first", True, one.fetched_at)
    assert (other.content, other.from_cache) == (b"second", False)
    assert len(told) == 1 and "2026-11-20T04:00:00+00:00" in told[0].en


def test_get_and_post_and_bodies_are_different_questions(tmp_path):
    answers = [Answer(b"1"), Answer(b"2"), Answer(b"3")]
    with serving(answers) as server, fetcher(PlayedTime(), cache_folder=tmp_path) as fetch:
        got = [
            fetch.get(server.url, accept=bytes).content,
            fetch.post(server.url, {"a": 1}, accept=bytes).content,
            fetch.post(server.url, {"a": 2}, accept=bytes).content,
        ]
    assert got == [b"1", b"2", b"3"]


def test_an_old_answer_is_asked_for_again_unless_it_was_final(tmp_path):
    played = PlayedTime()
    with serving([Answer(b"1"), Answer(b"2")]) as server, fetcher(played, cache_folder=tmp_path) as fetch:
        fetch.get(server.url, accept=bytes)
        played.sleep(3601)
        before, after = played.today, played.today + timedelta(seconds=1)
        assert fetch.get(server.url, accept=bytes, final_after=before).content == b"1"
        assert fetch.get(server.url, accept=bytes, final_after=after).content == b"2"


def test_an_answer_from_the_future_is_not_trusted(tmp_path):
    played = PlayedTime()
    with serving([Answer(b"1"), Answer(b"2")]) as server, fetcher(played, cache_folder=tmp_path) as fetch:
        fetch.get(server.url, accept=bytes)
        played.today -= timedelta(days=1)
        assert fetch.get(server.url, accept=bytes).content == b"2"


def test_offline_takes_a_kept_answer_whatever_its_age_and_asks_nobody(tmp_path):
    played = PlayedTime()
    with serving([Answer(b"1")]) as server:
        with fetcher(played, cache_folder=tmp_path) as fetch:
            fetch.get(f"{server.url}/a", accept=bytes)
        played.sleep(10**9)
        with fetcher(played, cache_folder=tmp_path, offline=True) as fetch:
            assert fetch.get(f"{server.url}/a", accept=bytes).content == b"1"
            with pytest.raises(BadInput) as caught:
                fetch.get(f"{server.url}/b", accept=bytes)
        assert len(server.asked) == 1
    finding = only_fault(caught)
    assert (finding.code, finding.file) == ("feed_offline", "127.0.0.1/b")


def test_offline_without_a_folder_says_so():
    with fetcher(PlayedTime(), offline=True) as fetch, pytest.raises(BadInput) as caught:
        fetch.get("https://example.invalid/x", accept=bytes)
    assert only_fault(caught).code == "feed_offline"


def refuse_all(content: bytes) -> bytes:
    raise BadInput([fault("feed_field_missing", "缺少字段", "a field is missing")])


def test_what_accept_refuses_is_not_kept_and_not_tried_again(tmp_path):
    with serving([Answer(b"1"), Answer(b"2")]) as server, fetcher(PlayedTime(), cache_folder=tmp_path) as fetch:
        with pytest.raises(BadInput) as caught:
            fetch.get(server.url, accept=refuse_all)
        assert only_fault(caught).code == "feed_field_missing"
        assert len(server.asked) == 1
        assert list(tmp_path.iterdir()) == []
        assert fetch.get(server.url, accept=bytes).content == b"2"


def test_a_kept_answer_that_is_no_longer_accepted_is_asked_for_again(tmp_path):
    def accept_second(content: bytes) -> bytes:
        return content if content == b"2" else refuse_all(content)

    with serving([Answer(b"1"), Answer(b"2")]) as server:
        with fetcher(PlayedTime(), cache_folder=tmp_path) as fetch:
            fetch.get(server.url, accept=bytes)
        with fetcher(PlayedTime(), cache_folder=tmp_path, offline=True) as fetch, pytest.raises(BadInput) as caught:
            fetch.get(server.url, accept=accept_second)
        with fetcher(PlayedTime(), cache_folder=tmp_path) as fetch:
            assert fetch.get(server.url, accept=accept_second).content == b"2"
    assert only_fault(caught).code == "feed_field_missing"


def damaged_body(folder: Path) -> None:
    (body,) = folder.glob("*.body")
    body.write_bytes(b"not what was fetched")


def lost_body(folder: Path) -> None:
    (body,) = folder.glob("*.body")
    body.unlink()


def damaged_note(folder: Path) -> None:
    (note,) = folder.glob("*.json")
    note.write_bytes(note.read_bytes()[:-20])


def note_of_another_shape(folder: Path) -> None:
    (note,) = folder.glob("*.json")
    note.write_text("[1, 2]")


def note_without_a_zone(folder: Path) -> None:
    (note,) = folder.glob("*.json")
    known = json.loads(note.read_text())
    note.write_text(json.dumps(known | {"fetched_at": "2026-11-20T04:00:00"}))


@pytest.mark.parametrize(
    "damage",
    [damaged_body, lost_body, damaged_note, note_of_another_shape, note_without_a_zone],
    ids=lambda d: d.__name__,
)
def test_a_damaged_pair_counts_as_absent(damage, tmp_path):
    with serving([Answer(b"1"), Answer(b"2")]) as server:
        with fetcher(PlayedTime(), cache_folder=tmp_path) as fetch:
            fetch.get(server.url, accept=bytes)
            damage(tmp_path)
        with fetcher(PlayedTime(), cache_folder=tmp_path, offline=True) as fetch, pytest.raises(BadInput) as caught:
            fetch.get(server.url, accept=bytes)
        with fetcher(PlayedTime(), cache_folder=tmp_path) as fetch:
            assert fetch.get(server.url, accept=bytes).content == b"2"
    assert only_fault(caught).code == "feed_offline"


@settings(deadline=None)  # a disk may keep it waiting
@given(content=st.binary(max_size=300), body=st.binary(max_size=40).filter(lambda b: b.isascii()))
def test_what_is_kept_is_found_again_and_nothing_half_written_stays(tmp_path_factory, content, body):
    folder = tmp_path_factory.mktemp("kept")
    cache = AnswerCache(folder)
    at = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
    cache.keep("POST", "https://example.invalid/x?a=b", body, content, at)
    assert cache.find("POST", "https://example.invalid/x?a=b", body) == (content, at)
    assert cache.find("GET", "https://example.invalid/x?a=b", body) is None
    assert sorted(p.suffix for p in folder.iterdir()) == [".body", ".json"]


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "taken").write_bytes(b"x")
    with pytest.raises(BadInput) as caught:
        fetcher(PlayedTime(), cache_folder=tmp_path / "taken")
    assert only_fault(caught).code == "feed_cache"


def test_a_folder_that_vanished_is_named_when_something_should_be_kept(tmp_path):
    folder = tmp_path / "kept"
    with serving([Answer(b"1")]) as server, fetcher(PlayedTime(), cache_folder=folder) as fetch:
        folder.rmdir()
        with pytest.raises(BadInput) as caught:
            fetch.get(server.url, accept=bytes)
    assert only_fault(caught).code == "feed_cache"


def test_two_requests_to_one_host_are_a_pause_apart():
    played = PlayedTime()
    with serving([Answer(b"1")]) as server, fetcher(played, pause_seconds=1.2) as fetch:
        fetch.get(server.url, accept=bytes)
        assert played.seconds == 0
        fetch.get(server.url, accept=bytes)
        assert played.seconds == pytest.approx(1.2)
        played.sleep(5)
        fetch.get(server.url, accept=bytes)
        assert played.seconds == pytest.approx(6.2)
        fetch.get(f"http://localhost:{server.port}", accept=bytes)
        assert played.seconds == pytest.approx(6.2)
    assert max(s for s in played.sleeps if s != 5) <= 0.5


def test_each_pause_before_another_attempt_is_twice_the_last_up_to_a_limit():
    played, starts = PlayedTime(), []

    def answer(_):
        starts.append(played.seconds)
        return Answer(b"", 500)

    settings = {"retries": 5, "backoff_seconds": 2.0, "backoff_seconds_max": 10.0, "pause_seconds": 0.0}
    with serving(answer) as server, fetcher(played, **settings) as fetch, pytest.raises(BadInput):
        fetch.get(server.url, accept=bytes)
    # 2, 4, 8, then 16 and 32 cut to 10
    assert starts == pytest.approx([0, 2, 6, 14, 24, 34])


@pytest.mark.parametrize(
    ("stated", "waits"),
    [
        ("7", 7.0),
        ("Fri, 20 Nov 2026 04:00:09 GMT", 9.0),
        ("Fri, 20 Nov 2026 03:00:00 GMT", 1.0),
        ("soon", 1.0),
        ("", 1.0),
    ],
)
def test_the_wait_that_a_server_asks_for_is_kept(stated, waits):
    played = PlayedTime()
    answers = [Answer(b"", 503, {"Retry-After": stated}), Answer(b"1")]
    with serving(answers) as server, fetcher(played) as fetch:
        assert fetch.get(server.url, accept=bytes).content == b"1"
    assert played.seconds == pytest.approx(waits)


def test_a_wait_beyond_the_deadline_is_not_begun():
    played = PlayedTime()
    answers = [Answer(b"", 429, {"Retry-After": "3600"}), Answer(b"1")]
    with serving(answers) as server, fetcher(played) as fetch, pytest.raises(BadInput) as caught:
        fetch.get(server.url, accept=bytes)
    finding = only_fault(caught)
    assert (finding.code, played.seconds, len(server.asked)) == ("feed_unavailable", 0.0, 1)
    assert "3600 s" in finding.say("en") and "tried 1 time," in finding.say("en")


def test_stopping_is_heard_between_attempts():
    played = PlayedTime()
    settings = FetchSettings(backoff_seconds=3.0)
    with serving([Answer(b"", 500)]) as server:
        stop = lambda: played.seconds >= 1.0  # noqa: E731
        with (
            Fetcher(settings, clock=played.clock, sleep=played.sleep, now=played.now, cancelled=stop) as fetch,
            pytest.raises(Cancelled),
        ):
            fetch.get(server.url, accept=bytes)
        assert (len(server.asked), played.seconds) == (1, 1.0)


def test_stopping_before_the_first_attempt_asks_nobody():
    with serving([Answer(b"1")]) as server:
        with Fetcher(FetchSettings(), cancelled=lambda: True) as fetch, pytest.raises(Cancelled):
            fetch.get(server.url, accept=bytes)
        assert server.asked == []


@pytest.mark.parametrize(
    "address", ["", "x", "ftp://example.invalid/x", "file:///etc/hosts", "http://", "http://[::1", "//x"]
)
def test_what_is_no_address_of_the_web_is_refused(address):
    with fetcher(PlayedTime()) as fetch, pytest.raises(BadInput) as caught:
        fetch.get(address, accept=bytes)
    assert only_fault(caught).code == "feed_address"


@pytest.mark.parametrize("settings", [{"proxy": "nonsense"}, {"ca_file": Path("/nowhere/ca.pem")}], ids=str)
def test_settings_that_cannot_work_are_refused_at_once(settings):
    with pytest.raises(BadInput) as caught:
        fetcher(PlayedTime(), **settings)
    assert only_fault(caught).code == "feed_setting"
