"""The command line: exit codes, what goes to stdout and what to stderr, languages, progress, and manners."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from io import StringIO
from pathlib import Path

import pytest

from api.progress import Progress
from api.settings import language_of, language_of_environment
from optimizer import Plan, check


def test_a_covered_plan_exits_0_and_its_json_is_the_plan_and_nothing_else(jinheng_process, files, small_plan):
    answer = jinheng_process(*files.plan("--json"), LC_ALL="zh_CN.UTF-8")
    assert answer.code == 0
    made = Plan.model_validate(json.loads(answer.out))
    assert made.plan_id == small_plan("zh").plan_id
    assert check(made).holds


def test_the_report_goes_to_stdout_and_progress_does_not(jinheng_process, files):
    answer = jinheng_process(*files.plan("--lang", "en"))
    assert answer.code == 0
    assert answer.out.startswith("jinheng purchase plan: 小型会议\nCovered in full: 1,001 t of 1,000.5 t.\n")
    assert "\x1b" not in answer.out
    assert "Working" not in answer.out


@pytest.mark.parametrize(
    ("environment", "first"),
    [
        ({"LC_ALL": "zh_CN.UTF-8"}, "晋衡采购方案"),
        ({"LANG": "en_GB.UTF-8"}, "jinheng purchase plan"),
        ({"LC_MESSAGES": "zh_CN", "LANG": "en_GB"}, "晋衡采购方案"),
        ({}, "晋衡采购方案"),
    ],
)
def test_the_language_is_the_locales(jinheng, files, monkeypatch, environment, first):
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert jinheng(*files.plan()).out.startswith(first)


def test_languages_in_order_of_authority():
    assert language_of_environment({"LC_ALL": "C", "LANG": "en_US"}) == "zh"
    assert language_of_environment({"LC_ALL": "", "LANG": "en_US"}) == "en"
    assert language_of(["plan", "--lang", "en"], {"LANG": "zh_CN"}) == "en"
    assert language_of(["plan", "--lang=zh"], {"LANG": "en_US"}) == "zh"
    assert language_of(["plan", "--", "--lang=en"], {"LANG": "zh_CN"}) == "zh"


def test_a_shortfall_is_an_answer_with_exit_code_3_its_causes_and_repairs(jinheng, files):
    answer = jinheng(*files.plan("--budget", "30000", "--lang", "zh"))
    assert answer.code == 3
    for words in ("未能全部覆盖", "为什么不够", "预算不足", "怎样补救", "增加预算"):
        assert words in answer.out


def test_a_missed_min_share_exits_3_though_everything_is_covered(jinheng, files):
    text = files.event.read_text(encoding="utf-8") + "  - {where: {instrument: carbon_inclusion}, min_share: 0.5}\n"
    files.event.write_text(text, encoding="utf-8")
    answer = jinheng(*files.plan("--lang", "en"))
    assert answer.code == 3
    assert "Covered in full" in answer.out
    assert "Missed min share: instrument=carbon-inclusion reduction 50 %" in answer.out


def test_bad_input_exits_2_with_every_fault_on_stderr_and_nothing_on_stdout(jinheng, files):
    files.event.write_text("id: x\nend_date: soon\ncolour: red\n", encoding="utf-8")
    answer = jinheng(*files.plan("--budget", "x", "-o", "nowhere/plan.doc", "--time-limit", "0", "--lang", "en"))
    assert answer.code == 2
    assert answer.out == ""
    for words in ("event.yaml end_date row 2: 'soon'", "colour", "emissions", "--budget", "-o", "--time-limit"):
        assert words in answer.err
    assert "Traceback" not in answer.err


def test_bad_input_with_json_is_one_json_object_on_stdout(jinheng, files):
    files.event.write_text("id: x\nend_date: soon\n", encoding="utf-8")
    answer = jinheng(*files.plan("--json", "--lang", "zh"))
    assert answer.code == 2
    document = json.loads(answer.out)
    assert document["error"] == "bad_input"
    assert {f["path"] for f in document["faults"]} == {"end_date", "emissions"}
    assert document["faults"][0]["message"].startswith("应为日期")


@pytest.mark.parametrize(
    ("arguments", "zh", "en"),
    [
        (["plan", "e.yaml", "--ofers", "x"], "没有选项 --ofers; 是否要用 --offers?", "No such option: --ofers"),
        (["plan", "e.yaml"], "缺少必填的 --offers", "--offers is missing"),
        (["plan", "--offers", "x"], "缺少必填的 EVENT", "EVENT is missing"),
        (["plan", "e.yaml", "--offers"], "选项 --offers 缺少值", "requires an argument"),
        (["plan", "e.yaml", "more", "--offers", "x"], "多余的参数: more", "unexpected extra"),
        (["plam"], "没有命令 'plam'", "No such command 'plam'"),
        (["plan", "e.yaml", "--offers", "x", "--json=1"], "选项 --json 不带值", "does not take a value"),
        (["demo", "nothing"], "没有这个例子", "no such example"),
        (
            ["plan", "e.yaml", "--offers", "x", "--explain", "some"],
            "应为 all, short 或 none",
            "should be all, short or none",
        ),
    ],
)
def test_misuse_exits_2_in_the_callers_language(jinheng, arguments, zh, en):
    for lang, words in (("zh", zh), ("en", en)):
        answer = jinheng(f"--lang={lang}", *arguments)
        assert answer.code == 2
        assert words in answer.err
        assert answer.out == ""


def test_misuse_with_json_is_json(jinheng):
    answer = jinheng("plan", "e.yaml", "--json", "--lang=en")
    assert answer.code == 2
    assert json.loads(answer.out)["faults"][0]["message"] == "--offers is missing"


def test_a_language_that_there_is_not(jinheng, files):
    assert jinheng(*files.plan("--lang", "fr")).code == 2


def test_our_fault_exits_1_with_one_sentence_and_a_traceback_only_when_asked(jinheng, files, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("somewhere deep")

    monkeypatch.setattr("api.use_cases.plan", broken)
    answer = jinheng(*files.plan("--lang", "en"))
    assert answer.code == 1
    assert answer.err.count("\n") == 1
    assert "Traceback" not in answer.err
    assert json.loads(jinheng(*files.plan("--json")).out)["error"] == "our_fault"
    monkeypatch.setenv("JINHENG_DEBUG", "1")
    assert "Traceback" in jinheng(*files.plan()).err


def test_help_and_version_are_quick_and_in_the_callers_language(jinheng_process):
    answer = jinheng_process("plan", "--help", LANG="zh_CN.UTF-8")
    assert answer.code == 0
    assert "用法: jinheng plan" in answer.out and "报价文件" in answer.out and "\x1f" not in answer.out
    english = jinheng_process("--lang", "en", "plan", "--help")
    assert "Usage: jinheng plan" in english.out and "报" not in english.out
    version = jinheng_process("--version")
    assert version.code == 0
    assert version.out.startswith("jinheng 0.")


def test_help_imports_neither_the_engine_nor_tables():
    heavy = "numpy", "pandas", "pulp", "optimizer", "rich"
    code = f"import sys, api.cli as c; c.run(['--help']); print(sorted(set({heavy}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")


def test_a_plan_loads_no_service_no_tables_no_pictures_no_scenarios_and_no_reader_of_logs(files):
    heavy = (
        "fastapi",
        "starlette",
        "uvicorn",
        "sqlalchemy",
        "alembic",
        "jinja2",
        "altair",
        "vl_convert",
        "dbos",
        "scipy",
        "pandas",
        "pyarrow",
    )
    unasked = "scenarios", "httpx2", "xlsxwriter", "docx", "typst", "python_calamine"
    ours = "market_data.price_models", "market_data.screening", "market_data.differences", "cpsat_logutils"
    arguments = ["plan", str(files.event), "--offers", str(files.offers), "--as-of", "2026-11-22"]
    code = f"""import sys, api.cli as c
assert c.run({arguments}) in (0, 3)
print(sorted(set({heavy + unasked + ours}) & set(sys.modules)))"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")


def test_offers_validate(jinheng, files):
    good = jinheng("offers", "validate", str(files.offers), "--lang", "en")
    assert good.code == 0
    assert "offers.csv: usable, 5 offers" in good.out
    assert json.loads(jinheng("offers", "validate", str(files.offers), "--json").out)["offers"] == 5
    files.offers.write_text("offer_id,instrument,quantity,price\na,ccer,x,1\n", encoding="utf-8")
    bad = jinheng("offers", "validate", str(files.offers), "--lang", "en")
    assert bad.code == 2
    assert "offers.csv row 2 column quantity: 'x'" in bad.err
    assert bad.out == ""


def test_a_reader_who_leaves_is_no_error(files):
    arguments = [sys.executable, "-m", "api", *files.plan("--json")]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    complaints = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(timeout=120) == 0
    assert "Error" not in complaints and "出错" not in complaints


def listen_to_ctrl_c() -> None:
    """A shell that started us in the background may have told us not to."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_ctrl_c_stops_with_a_sentence_and_writes_nothing(tmp_path, monkeypatch):
    """The engine is replaced by one that works until it is told to stop, so that the signal surely meets work."""
    event, offers = tmp_path / "e.yaml", tmp_path / "o.csv"
    event.write_text("id: e\nend_date: 2026-10-11\nemissions: {tonnes: 10, status: verified}\n")
    offers.write_text("offer_id,instrument,mechanism,quantity,price\nA,allowance,CEA,100,75\n")
    code = (
        "import sys, time, api.use_cases as u, api.cli as c\n"
        "def endless(problem, *, cancelled, report, **_):\n"
        "    report('cost', 0, 1)\n"
        "    while not cancelled(): time.sleep(0.05)\n"
        "    raise u.BadInput([])\n"
        "u.plan = endless\n"
        "c.main()\n"
    )
    out = tmp_path / "plan.json"
    arguments = ["plan", str(event), "--offers", str(offers), "--as-of", "2026-11-22", "-o", str(out), "--lang", "en"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=listen_to_ctrl_c,
    )
    assert process.stderr is not None
    first = process.stderr.readline().decode()
    os.kill(process.pid, signal.SIGINT)
    rest, printed = process.stderr.read().decode(), process.stdout.read() if process.stdout else b""
    assert process.wait(timeout=30) == 130
    process.stderr.close()
    if process.stdout:
        process.stdout.close()
    assert first == "Working 1/1 cost\n"
    assert rest == "Stopped; nothing was written.\n"
    assert printed == b""
    assert not out.exists()


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_silent_for_a_second_then_names_the_level():
    quiet, loud, live = StringIO(), StringIO(), Terminal()
    assert Progress(str, "Working", quiet).run(lambda: 5) == 5
    assert quiet.getvalue() == ""
    for stream in (loud, live):
        progress = Progress(str.upper, "Working", stream)

        def work(progress: Progress = progress) -> int:
            progress.report("cost", 2, 8)
            time.sleep(1.5)
            return 7

        assert progress.run(work) == 7
    assert loud.getvalue() == "Working 3/8 COST\n"
    assert "Working 3/8 COST 1 s" in live.getvalue()
    assert live.getvalue().endswith("\r\x1b[K")


def test_progress_passes_on_what_the_work_raises():
    with pytest.raises(KeyError):
        Progress(str, "Working", StringIO()).run(lambda: os.environ["JINHENG_NO_SUCH"])
    assert threading.active_count() < 20


def test_the_examples_are_listed_copied_and_never_overwritten(jinheng, tmp_path):
    from api.demo import EXAMPLES

    listed = jinheng("demo", "--list", "--lang", "en")
    assert listed.code == 0
    for example in EXAMPLES:
        assert example.name in listed.out
        assert example.event.is_file() and example.offers.is_file()
    target = tmp_path / "copies"
    assert jinheng("demo", "--copy", str(target)).code == 0
    assert {p.name for p in target.iterdir()} == {p.name for e in EXAMPLES for p in (e.event, e.offers)}
    assert jinheng("demo", "--copy", str(target)).code == 2


def test_the_demo_plans_an_example_and_says_what_to_type_next(jinheng_process):
    answer = jinheng_process("demo", "league-final", "--lang", "en")
    assert answer.code == 0
    assert answer.out.startswith("jinheng purchase plan")
    last = answer.err.strip().splitlines()[-1]
    assert last.startswith("Next: jinheng plan ")
    words = last.split()
    assert Path(words[3]).is_file() and Path(words[5]).is_file()
