"""`jinheng replan`: the same events on another market, what changed line by line, and why."""

import json
from pathlib import Path
from typing import Any

import pytest

from optimizer import Plan, check

DAY = ("--as-of", "2026-11-22")


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JINHENG_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("JINHENG_DATABASE", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def market(files: Any) -> Any:
    """Writes new.csv: the market with words of it replaced, or without some offers."""

    def write(*edits: tuple[str, str], without: str = "") -> str:
        lines = files.offers.read_text(encoding="utf-8").splitlines(keepends=True)
        text = "".join(line for line in lines if not without or not line.startswith(without))
        for old, new in edits:
            assert text.count(old) == 1
            text = text.replace(old, new)
        (files.folder / "new.csv").write_text(text, encoding="utf-8")
        return "new.csv"

    return write


# The plan buys PHB-1 200 t, CCER-1 500 t and CEA-1 301 t; need 1,000.5 t; no seller above 60 %.
# CCER-1 with its agent's fee of 1 %: 80 x 1.01 = 80.80, 90 x 1.01 = 90.90 yuan/t. CCER-2, of Tianjin, is in a
# later tier than all others and is bought only where they do not suffice.
EDITS: dict[str, tuple[dict[str, Any], int, tuple[str, ...], tuple[str, ...]]] = {
    "nothing": ({}, 0, ("Nothing: buy as planned",), ("没有变化: 照旧购买即可",)),
    "dearer": (
        {"edits": [("乙,500,80,", "乙,500,90,"), ("200=78", "200=88")]},
        0,
        ("CCER-1 dearer: all-in price rose from 80.80 to 90.90 yuan/t", "200=78 → 200=88"),
        ("CCER-1", "90.90 元/吨"),
    ),
    "gone": ({"without": "PHB-1"}, 0, ("PHB-1 gone", "no longer offered"), ("PHB-1 不再买",)),
    "cut": ({"edits": [("甲,200,60", "甲,150,60")]}, 0, ("PHB-1 less", "150"), ("PHB-1 减少", "150")),
    "expired": (
        {"edits": [("2026-12-31", "2026-11-01")]},
        0,
        ("PHB-1 gone: expired (valid until 2026-11-01)", "takes the place of PHB-1"),
        ("PHB-1 不再买: 报价已过期", "代替: PHB-1"),
    ),
    # 200 + 500 + 100 of 1,000.5 t: a shortfall, which is an answer with exit code 3.
    "short": (
        {"edits": [("丙,5000,75", "丙,100,75"), ("丁,5000,50", "丁,10,50")]},
        3,
        ("CEA-1 less", "100", "short"),
        ("未能全部覆盖", "缺口"),
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_of_the_market_is_told_with_its_cause(edit, jinheng, market, plan_file):
    options, code, en, zh = EDITS[edit]
    new = market(*options.get("edits", ()), without=options.get("without", ""))
    for lang, words in (("en", en), ("zh", zh)):
        answer = jinheng("replan", str(plan_file), "--offers", new, *DAY, "--lang", lang)
        assert answer.code == code
        for word in words:
            assert word in " ".join(answer.out.split())
        assert "…" not in answer.out and "Traceback" not in answer.err


def test_json_holds_the_changes_and_the_new_plan_whole_and_nothing_else(jinheng, market, plan_file, small_plan):
    answer = jinheng("replan", str(plan_file), "--offers", market(without="PHB-1"), *DAY, "--json", "--lang", "en")
    assert answer.code == 0
    document = json.loads(answer.out)
    assert document["warnings"] == []
    made = Plan.model_validate(document["plan"])
    assert check(document["plan"]).holds
    assert "PHB-1" not in {line.offer_id for line in made.lines}
    assert made.plan_id != small_plan().plan_id


def test_the_exit_code_is_the_new_plans(jinheng, market, plan_file):
    short = market(("丙,5000,75", "丙,100,75"), ("丁,5000,50", "丁,10,50"))
    assert jinheng("replan", str(plan_file), "--offers", short, *DAY, "--json").code == 3
    assert jinheng("replan", str(plan_file), "--offers", "offers.csv", *DAY, "--json").code == 0


@pytest.mark.parametrize("ending", ["json", "csv", "xlsx"])
def test_the_new_plan_is_written_where_asked(ending, jinheng, market, plan_file, tmp_path):
    out = tmp_path / f"plan2.{ending}"
    command = ["replan", str(plan_file), "--offers", market(without="PHB-1"), *DAY, "-o", str(out)]
    answer = jinheng(*command, "--json", "--lang", "en")
    assert (answer.code, answer.err.splitlines()[-1]) == (0, f"Written: {out}")
    assert out.stat().st_size > 0
    if ending == "json":
        assert json.loads(out.read_text(encoding="utf-8")) == json.loads(answer.out)["plan"]
        checked = jinheng("check", str(out), "--lang", "en")
        assert checked.code == 0 and "everything holds" in checked.out


def test_a_snapshots_id_is_a_market_too(jinheng, market, plan_file):
    new = market(without="PHB-1")
    imported = json.loads(jinheng("offers", "import", "file", new, *DAY, "--exclude", "none", "--json").out)
    on_file, on_id = (
        json.loads(jinheng("replan", str(plan_file), "--offers", m, *DAY, "--json", "--lang", "en").out)
        for m in (new, imported["snapshot"][:8])
    )
    assert on_id["plan"]["lines"] == on_file["plan"]["lines"]
    assert on_id["plan"]["provenance"]["offers_sha256"] == imported["snapshot"]


def test_a_plan_file_that_was_changed_is_refused(jinheng, plan_file, tmp_path):
    text = plan_file.read_text(encoding="utf-8")
    assert "1000.5" in text
    plan_file.write_text(text.replace("1000.5", "1000.4"), encoding="utf-8")
    out = tmp_path / "plan2.json"
    command = ["replan", str(plan_file), "--offers", "offers.csv", *DAY, "-o", str(out)]
    for lang, words in (("zh", "请用原来的文件"), ("en", "use the original")):
        answer = jinheng(*command, "--lang", lang)
        assert (answer.code, answer.out) == (2, "")
        assert "plan.json plan_id" in answer.err and words in answer.err
    document = json.loads(jinheng(*command, "--json").out)
    assert [f["code"] for f in document["faults"]] == ["plan_changed"]
    assert not out.exists()


@pytest.mark.parametrize(
    ("content", "en"),
    [
        (b"", "no readable plan file"),
        (b"{}", "is no plan"),
        (b"\xff\xfe\x00", "no readable plan file"),
        (None, "exist"),
    ],
)
def test_what_is_no_plan_is_refused(content, en, jinheng, files, tmp_path):
    if content is not None:
        (tmp_path / "p.json").write_bytes(content)
    answer = jinheng("replan", "p.json", "--offers", "offers.csv", *DAY, "--lang", "en")
    assert (answer.code, answer.out) == (2, "")
    assert "p.json" in answer.err and en in answer.err and "Traceback" not in answer.err


def test_faults_of_the_market_and_of_the_paper_are_told_together(jinheng, plan_file):
    for lang in ("zh", "en"):
        answer = jinheng("replan", str(plan_file), "--offers", "no.csv", "-o", "plan.doc", "--lang", lang)
        assert (answer.code, answer.out) == (2, "")
        assert "no.csv" in answer.err and "plan.doc" in answer.err


def test_an_earlier_day_is_allowed_with_a_warning(jinheng, plan_file, files):
    answer = jinheng("replan", str(plan_file), "--offers", "offers.csv", "--as-of", "2026-11-20", "--lang", "en")
    assert "before that of the old plan, 2026-11-22" in " ".join(answer.out.split())


def test_help_is_in_one_language(jinheng):
    zh, en = jinheng("replan", "--help", "--lang", "zh"), jinheng("--lang", "en", "replan", "--help")
    assert zh.code == en.code == 0
    assert "用法: jinheng replan" in zh.out and "Usage: jinheng replan" in en.out
    assert not any("\u4e00" <= c <= "\u9fff" for c in en.out)
    for word in ("Usage", "Options", "Arguments", "[required]", " the ", " old "):
        assert word not in zh.out
