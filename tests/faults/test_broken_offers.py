"""Whatever is wrong with an offers file, the reader says what, where and what would be right, in both languages."""

import os
import time
from pathlib import Path

import pytest

from market_data import read_offers
from optimizer.errors import BadInput
from tests.faults import corpus_offers as corpus

SECONDS_MAX = 2.0
"""Of the processor, so that a busy machine does not fail the test."""


def complaints_about(path: Path) -> set[tuple[str, int | None, str]]:
    with pytest.raises(BadInput) as caught:
        read_offers(path)
    findings = caught.value.findings
    assert findings
    for finding in findings:
        assert finding.severity == "fault"
        assert finding.file == path.name
        assert finding.message.zh.strip() and finding.message.en.strip()
        assert finding.say("zh") and finding.say("en")
        finding.say("zh").encode()
    assert len(findings) <= 201
    return {(f.code, f.row, f.column) for f in findings}


@pytest.mark.parametrize("broken", corpus.CORPUS, ids=lambda b: f"{b.filename}: {b.name[:50]}")
def test_a_broken_file_is_refused_with_its_faults_and_their_places(broken, tmp_path):
    path = tmp_path / broken.filename
    path.write_bytes(broken.content)
    started = time.process_time()
    found = complaints_about(path)
    assert time.process_time() - started < SECONDS_MAX
    assert broken.expected <= found, found


def test_the_corpus_is_large_and_its_names_differ():
    names = [(b.filename, b.name) for b in corpus.CORPUS]
    assert len(names) >= 60
    assert len(set(names)) == len(names)


def test_a_file_that_does_not_exist(tmp_path):
    assert complaints_about(tmp_path / "offers.csv") == {("file_missing", None, "")}


def test_a_file_below_a_file(tmp_path):
    (tmp_path / "x").write_bytes(b"x")
    assert complaints_about(tmp_path / "x" / "offers.csv") == {("file_missing", None, "")}


def test_a_folder(tmp_path):
    assert complaints_about(tmp_path) == {("file_is_directory", None, "")}


def test_a_pipe_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "offers.csv")
    assert complaints_about(tmp_path / "offers.csv") == {("file_not_regular", None, "")}


def test_a_path_that_no_system_allows():
    with pytest.raises(BadInput) as caught:
        read_offers("offers\x00.csv")
    assert caught.value.findings[0].code == "file_unreadable"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_without_permission(tmp_path):
    path = tmp_path / "offers.csv"
    path.write_bytes(b"x")
    path.chmod(0)
    assert complaints_about(path) == {("file_unreadable", None, "")}


def test_a_file_above_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr("market_data.offers_file.BYTES_MAX", 1000)
    path = tmp_path / "offers.csv"
    path.write_bytes(b"x" * 1001)
    assert complaints_about(path) == {("file_too_large", None, "")}


@pytest.mark.parametrize("cut", range(0, 2000, 97))
def test_a_file_cut_anywhere_is_refused_or_read_and_never_breaks_the_reader(cut):
    whole = {
        "offers.xlsx": corpus.workbook(lambda s: None),
        "offers.parquet": corpus.parquet_of(),
        "offers.json": corpus.json_bytes(*[corpus.ROW | {"offer_id": f"A{i}"} for i in range(20)]),
        "offers.csv": corpus.csv_text(*[corpus.changed(offer_id=f"A{i}", region="山西") for i in range(60)]).encode(),
    }
    for name, content in whole.items():
        try:
            read_offers(name, content=content[:cut])
        except BadInput as error:
            assert error.findings


@pytest.mark.parametrize("seed", range(12))
def test_a_file_with_bytes_changed_is_refused_or_read_and_never_breaks_the_reader(seed):
    import random

    draw = random.Random(seed)
    for name, content in (
        ("offers.xlsx", corpus.workbook(lambda s: None)),
        ("offers.parquet", corpus.parquet_of()),
        ("offers.json", corpus.json_bytes(corpus.ROW)),
        ("offers.csv", corpus.csv_bytes(corpus.GOOD)),
    ):
        for _ in range(15):
            changed = bytearray(content)
            for _ in range(draw.choice([1, 3, 10])):
                changed[draw.randrange(len(changed))] = draw.randrange(256)
            try:
                read_offers(name, content=bytes(changed))
            except BadInput as error:
                assert error.findings
