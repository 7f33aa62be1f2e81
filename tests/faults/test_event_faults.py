"""Whatever is wrong with an event file or what goes with it: exit code 2, every fault at once, in both languages."""

import json
import os
import random
import time
from pathlib import Path

import pytest

import api.use_cases  # noqa: F401  the time of a first import is not the reader's
from api import read_problem
from api.cli import run
from api.file_text import text_of
from api.plain_data import read_plain
from optimizer import BadInput
from tests.faults import corpus_events as corpus

SECONDS_MAX = 2.0
OFFERS = "offer_id,instrument,mechanism,quantity,price\nA,allowance,CEA,100,75\n"


@pytest.fixture
def place(tmp_path):
    (tmp_path / "event.yaml").write_text(corpus.GOOD, encoding="utf-8")
    (tmp_path / "offers.csv").write_text(OFFERS, encoding="utf-8")
    return tmp_path


def arguments(place, one):
    """How the broken file is given to the command."""
    given = place / one.filename
    event = given if one.role == "event" else place / "event.yaml"
    option = {"event": [], "pack": ["--policy"], "objective": ["--objective"], "outlook": ["--outlook"]}[one.role]
    found = ["plan", str(event), "--offers", str(place / "offers.csv"), "--as-of", "2026-11-22"]
    return [*found, *option, *([str(given)] if option else [])]


@pytest.mark.parametrize("one", corpus.CORPUS, ids=lambda one: one.name)
def test_a_broken_file_exits_2_with_its_faults_and_their_places(one, place, capsys):
    (place / one.filename).write_bytes(one.content)
    started = time.process_time()
    code = run([*arguments(place, one), "--json", "--lang", "zh"])
    assert time.process_time() - started < SECONDS_MAX
    out, err = capsys.readouterr()
    assert code == 2
    assert "Traceback" not in err
    document = json.loads(out)
    found = {(f["code"], f.get("path", "")) for f in document["faults"]}
    assert one.expected <= found, found
    assert all(f.get("file") for f in document["faults"] if f["code"] != "level_unknown")


@pytest.mark.parametrize("one", corpus.CORPUS[::4], ids=lambda one: one.name)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_its_faults_are_said_one_a_line_on_stderr(one, lang, place, capsys):
    (place / one.filename).write_bytes(one.content)
    assert run([*arguments(place, one), "--lang", lang]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err and "\x1b" not in err
    assert len(err.splitlines()) >= 2
    assert max(map(len, err.splitlines())) < 400


def test_every_complaint_has_both_languages_and_a_line_where_there_is_one(place):
    (place / "event.yaml").write_bytes(next(b.content for b in corpus.CORPUS if b.name == "many at once"))
    with pytest.raises(BadInput) as caught:
        read_problem(place / "event.yaml", place / "offers.csv", as_of="2026-11-22")
    for finding in caught.value.findings:
        assert finding.severity == "fault" and finding.file == "event.yaml" and finding.row
        assert finding.message.zh.strip() and finding.message.en.strip()
    rows = {f.path: f.row for f in caught.value.findings}
    assert rows["end_date"] == 2 and rows["emissions.status"] == 3 and rows["policy"] == 8


def test_lines_are_known_in_json_too(place):
    text = '{\n "id": "e",\n "end_date": "soon",\n "emissions": {\n  "tonnes": 5,\n  "status": "x"\n }\n}\n'
    (place / "event.json").write_text(text, encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        read_problem(place / "event.json", place / "offers.csv", as_of="2026-11-22")
    assert {f.path: f.row for f in caught.value.findings} == {"end_date": 3, "emissions.status": 6}


def test_the_corpus_is_large_and_its_names_differ():
    names = [one.name for one in corpus.CORPUS]
    assert len(names) >= 80
    assert len(set(names)) == len(names)


def complaints(path):
    with pytest.raises(BadInput) as caught:
        read_plain(path)
    return {f.code for f in caught.value.findings}


def test_paths_that_lead_to_no_file(tmp_path):
    assert complaints(tmp_path / "none.yaml") == {"file_missing"}
    assert complaints(tmp_path) == {"file_is_directory"}
    assert complaints(Path("event\x00.yaml")) == {"file_unreadable"}
    os.mkfifo(tmp_path / "pipe.yaml")
    assert complaints(tmp_path / "pipe.yaml") == {"file_not_regular"}
    (tmp_path / "x").write_bytes(b"x")
    assert complaints(tmp_path / "x" / "event.yaml") == {"file_missing"}


@pytest.mark.parametrize("seed", range(20))
def test_bytes_changed_anywhere_never_break_the_reader(seed, place):
    draw = random.Random(seed)
    whole = corpus.PACK.encode() if seed % 2 else next(b.content for b in corpus.CORPUS if "every wrong" in b.name)
    for _ in range(20):
        changed = bytearray(whole)
        for _ in range(draw.choice([1, 3, 10])):
            changed[draw.randrange(len(changed))] = draw.randrange(256)
        (place / "event.yaml").write_bytes(bytes(changed))
        try:
            read_problem(place / "event.yaml", place / "offers.csv", as_of="2026-11-22")
        except BadInput as error:
            assert error.findings
            error.say("zh").encode()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", "0.1"),
        ("1e3", "1000"),
        ("10.50", "10.5"),
        ("1_000", "1000"),
        ("+5", "5"),
        (".5", "0.5"),
        ("５.5", "5.5"),
        ("0x10", None),
        ("1:30", None),
        ("010", "10"),
        ("yes", None),
        ("null", None),
        ("0.30000000000000004", None),
    ],
)
def test_numbers_mean_what_a_person_reads(text, value, place):
    good = corpus.GOOD.replace("tonnes: 10,", f"tonnes: {text},")
    (place / "event.yaml").write_text(good, encoding="utf-8")
    if value is None:
        with pytest.raises(BadInput):
            read_problem(place / "event.yaml", place / "offers.csv", as_of="2026-11-22")
    else:
        problem = read_problem(place / "event.yaml", place / "offers.csv", as_of="2026-11-22")
        assert problem.events[0].emissions.dump()["tonnes"] == value


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_every_control_character_is_a_fault_and_no_other_character_is_taken_for_one(encoding):
    controls = [*(chr(k) for k in range(0x20) if chr(k) not in "\t\n\r"), "\x7f", "\ufffe", "\uffff"]
    for one in controls:
        with pytest.raises(BadInput) as refused:
            text_of(f"山西\n{one}".encode(encoding))
        assert [(f.code, f.row) for f in refused.value.findings] == [("binary", 2)], ascii(one)
    others = "".join(chr(k) for k in range(0x110000) if not 0xD800 <= k < 0xE000 and chr(k) not in controls)
    assert text_of(others.encode(encoding)) == others.removeprefix("\ufeff")
