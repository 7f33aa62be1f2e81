"""Prices on the command line: history with its gaps, statistics, outlooks. All numbers are made up."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

MONTHS = 30
UNTIL = ("--as-of", "2026-06-30")

SERIES = """\
month,instrument,price,volume
2026-01,allowance,60.00,1000
2026-02,allowance,66.00,1000
2026-03,allowance,66.00,1000
2026-04,allowance,60.50,1000
2026-01,ccer,80.00,200
2026-02,ccer,72.00,0.5
2026-03,ccer,,
2026-04,ccer,59.99,1000
"""


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JINHENG_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("JINHENG_DATABASE", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def asked(jinheng: Any) -> Any:
    """A command that must succeed with JSON alone on stdout."""

    def ask(*arguments: str) -> Any:
        answer = jinheng(*arguments, "--json", "--lang", "en")
        assert answer.code == 0, answer
        return json.loads(answer.out)

    return ask


@pytest.fixture
def short_history(asked: Any, tmp_path: Path) -> Any:
    """Four months of two instruments, a gap in one."""
    (tmp_path / "short.csv").write_text(SERIES, encoding="utf-8")
    return asked("history", "import", "monthly-prices", "short.csv")


@pytest.fixture
def long_history(asked: Any, tmp_path: Path) -> None:
    """Thirty months to June 2026 that swing about a level, so that a model has something to return to."""
    lines = ["month,instrument,price,volume"]
    for k in range(MONTHS):
        year, month = divmod(2024 * 12 + k, 12)
        swing = (math.sin(2.1 * k) + math.sin(5.3 * k) / 2, math.cos(1.7 * k) + math.sin(4.1 * k) / 2)
        for name, level, size in (("allowance", 70, swing[0]), ("ccer", 85, swing[1])):
            lines.append(f"{year}-{month + 1:02d},{name},{level + 6 * size:.2f},1000")
    (tmp_path / "long.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    asked("history", "import", "monthly-prices", "long.csv")


def refused(jinheng: Any, *command: str) -> set[str]:
    """The paths (or files) that are at fault, after both languages and JSON were seen to be sound."""
    for lang in ("zh", "en"):
        answer = jinheng(*command, "--lang", lang)
        assert (answer.code, answer.out) == (2, "")
        assert "Traceback" not in answer.err and len(answer.err.splitlines()) > 1
    answer = jinheng(*command, "--json")
    document = json.loads(answer.out)
    assert (answer.code, document["error"]) == (2, "bad_input")
    return {f.get("path") or f.get("file") or f["code"] for f in document["faults"]}


# ------------------------------------------------------------------------------------------------------------- history


def test_monthly_prices_are_imported_and_every_row_is_accounted_for(short_history, jinheng, asked):
    (receipt,) = short_history
    assert (receipt["rows_read"], receipt["rows_used"], receipt["added"], receipt["left_out"]) == (
        8,
        7,
        7,
        {"no_price": 1},
    )
    (again,) = asked("history", "import", "monthly-prices", "short.csv")
    assert (again["added"], again["revised"], again["sha256"]) == (0, 0, receipt["sha256"])
    for lang, words in (
        ("zh", "读取 8 行, 新增 0, 更正 0, 未采用 1"),
        ("en", "8 rows read, 0 quotes added, 0 revised"),
    ):
        told = jinheng("history", "import", "monthly-prices", "short.csv", "--lang", lang)
        assert (told.code, words in told.out) == (0, True)


def test_what_the_history_holds(short_history, jinheng, asked):
    found = {s["instrument"]: (s["market"], s["first_day"], s["last_day"], s["days"]) for s in asked("history", "list")}
    assert found == {
        "allowance": ("CEA", "2026-01-31", "2026-04-30", 4),
        "ccer": ("CCER", "2026-01-31", "2026-04-30", 3),
    }
    for lang, words in (("zh", ("首日", "2026-04-30")), ("en", ("allowance", "ccer", "2026-01-31"))):
        assert all(w in jinheng("history", "list", "--lang", lang).out for w in words)


def test_an_empty_history_says_what_to_do(jinheng, asked):
    assert asked("history", "list") == []
    for command in (["history", "stats"], ["history", "show", "--instrument", "ccer"], ["outlook", "estimate"]):
        assert refused(jinheng, *command) == {"history_empty"}
        assert "jinheng history import" in jinheng(*command, "--lang", "en").err


def test_days_without_quotes_are_told_apart_from_an_empty_history(short_history, jinheng):
    for command in (
        ["history", "show", "--instrument", "ccer", "--since", "2027-01-01"],
        ["history", "stats", "--until", "2020-01-01"],
        ["outlook", "draws", "--as-of", "2020-01-01"],
    ):
        assert refused(jinheng, *command) == {"history_days"}
        assert "they run from 2026-01-31 to 2026-04-30" in jinheng(*command, "--lang", "en").err


def test_a_series_marks_its_gaps(short_history, jinheng, asked):
    periods = asked("history", "show", "--instrument", "ccer")["periods"]
    assert [(p["start"], p["price"], p["volume_t"], p["gap"]) for p in periods] == [
        ("2026-01-01", "80.00", "200", False),
        ("2026-02-01", "72.00", "0.5", False),
        ("2026-03-01", None, "0", True),
        ("2026-04-01", "59.99", "1000", False),
    ]
    carried = asked("history", "show", "--instrument", "ccer", "--carry")["periods"][2]
    assert (carried["price"], carried["gap"], carried["filled"]) == ("72.00", True, True)
    for lang, gap, filled in (("zh", "无成交", "沿用前价"), ("en", "no trade", "carried")):
        show = ("history", "show", "--instrument", "ccer", "--lang", lang)
        assert gap in jinheng(*show).out and filled in jinheng(*show, "--carry").out


def test_a_series_is_written_as_exact_decimals(short_history, jinheng, tmp_path):
    answer = jinheng("history", "show", "--instrument", "ccer", "-o", "ccer.csv", "--lang", "en")
    assert (answer.code, answer.err.splitlines()[-1]) == (0, "Written: ccer.csv")
    lines = (tmp_path / "ccer.csv").read_bytes().decode("utf-8-sig").split("\r\n")
    assert lines[0].startswith("start,price,first,last,low,high,turnover,volume_t,")
    # Turnover: 80 x 200 = 16000; 72 x 0.5 = 36; 59.99 x 1000 = 59990.
    assert [line.split(",")[:8] for line in lines[1:5]] == [
        ["2026-01-01", "80.00", "80.00", "80.00", "80.00", "80.00", "16000.00", "200.000"],
        ["2026-02-01", "72.00", "72.00", "72.00", "72.00", "72.00", "36.00", "0.500"],
        ["2026-03-01", "", "", "", "", "", "", "0.000"],
        ["2026-04-01", "59.99", "59.99", "59.99", "59.99", "59.99", "59990.00", "1000.000"],
    ]
    assert [line.rsplit(",", 2)[1:] for line in lines[1:5]] == [
        ["false", "false"],
        ["false", "false"],
        ["true", "false"],
        ["false", "false"],
    ]


def test_quarters_are_weighted_by_volume(short_history, asked):
    # CCER January to March: (80 x 200 + 72 x 0.5) / 200.5 = 16036 / 200.5 = 79.980... yuan; April alone 59.99.
    periods = asked("history", "show", "--instrument", "ccer", "--every", "quarter")["periods"]
    assert [(p["price"], p["low"], p["traded_days"]) for p in periods] == [("79.98", "72.00", 2), ("59.99", "59.99", 1)]


def test_statistics_by_hand(short_history, asked, jinheng):
    document = asked("history", "stats")
    # Premium = CCER - allowance: 80 - 60, 72 - 66, none in the gap of March, 59.99 - 60.50.
    assert document["premium"] == [
        {"start": "2026-01-01", "premium": "20.00"},
        {"start": "2026-02-01", "premium": "6.00"},
        {"start": "2026-04-01", "premium": "-0.51"},
    ]
    # Log returns of allowances: ln 1.1, 0, ln(60.5 / 66) = ln(11/12); their deviation with n - 1, times root 12 a year.
    returns = [math.log(1.1), 0.0, math.log(11 / 12)]
    mean = sum(returns) / 3
    spread = math.sqrt(sum((r - mean) ** 2 for r in returns) / 2)
    by_name = {s["series"]: s for s in document["series"]}
    assert by_name["allowance CEA"]["n"] == 3
    assert by_name["allowance CEA"]["per_period"] == pytest.approx(spread, abs=1e-6)
    assert by_name["allowance CEA"]["annual"] == pytest.approx(spread * math.sqrt(12), abs=1e-6)
    # CCER has one return (January to February): no spread; across the gap there is none.
    assert (by_name["ccer CCER"]["n"], by_name["ccer CCER"]["per_period"]) == (1, None)
    assert [(c["correlation"], c["n"]) for c in document["correlations"]] == [(None, 1)]
    for lang, words in (("zh", ("波动率", "溢价", "-0.51")), ("en", ("Volatility", "CCER premium", "20.00"))):
        told = jinheng("history", "stats", "--lang", lang)
        assert told.code == 0 and all(w in told.out for w in words) and told.out[0] != "\n"


@pytest.mark.parametrize(
    ("command", "paths"),
    [
        (
            "history show --instrument oil --method m --every fortnight --vintage z --since a --until b -o x.doc",
            {"--instrument", "--method", "--every", "--vintage", "--since", "--until", "-o"},
        ),
        ("history stats --by kind --method m --every z --since a", {"--by", "--method", "--every", "--since"}),
        ("history import oil gone.csv --since a --until b", {"FEED", "gone.csv", "--since", "--until"}),
        ("history import monthly-prices bad.csv", {"bad.csv"}),
        ("history import verra bad.csv", {"bad.csv"}),
        ("history import monthly-prices", {"FEED"}),
        ("history list --database nope://x", {"store_address"}),
        ("outlook view gone.csv --spot ccer --spot oil=3 --as-of k -o x.doc", {"gone.csv", "--spot", "--as-of", "-o"}),
        ("outlook view gone.yaml -o x.csv", {"gone.yaml", "-o"}),
        (
            "outlook estimate --model m --months 0 --statistic P100 --seed -1 --draws 1.5 --spot q --drift d --as-of z"
            " -o estimate.csv",
            {"--model", "--months", "--statistic", "--seed", "--draws", "--spot", "--drift", "--as-of", "-o"},
        ),
        ("outlook draws --model m --months 241 --seed x --draws 0", {"--model", "--months", "--seed", "--draws"}),
        ("outlook backtest --model m --held-out 0 --drift d", {"--model", "--held-out", "--drift"}),
        ("outlook backtest --held-out 100 --as-of 2026-06-30", {"--held-out"}),
        ("outlook flat -o flat.txt", {"-o"}),
    ],
)
def test_all_faults_of_a_command_are_told_at_once_by_the_names_of_its_options(
    command, paths, jinheng, tmp_path, short_history
):
    (tmp_path / "bad.csv").write_text("month,instrument,price,volume\n2026-1x,oil,x,1\n", encoding="utf-8")
    assert refused(jinheng, *command.split()) >= paths


def test_every_fault_of_a_table_of_prices_is_told(jinheng, tmp_path):
    (tmp_path / "bad.csv").write_text("month,instrument,price,volume\n2026-1x,oil,x,1\n2026-02,ccer,,5\n")
    answer = jinheng("history", "import", "monthly-prices", "bad.csv", "--lang", "en")
    for words in ("row 2 column month: '2026-1x'", "row 2 column instrument: 'oil'", "row 3 column price"):
        assert f"bad.csv {words}" in answer.err


# ------------------------------------------------------------------------------------------------------------- outlook


def factors(document: Any) -> dict[tuple[str, str], str]:
    return {(f["instrument"], f["from"]): f["factor"] for f in document["factors"]}


def test_prices_that_stay_as_they_are(jinheng, asked, files):
    assert asked("outlook", "flat", "-o", "flat.yaml") == {"factors": [], "remarks": [], "warnings": []}
    assert asked(*files.plan("--outlook", "flat.yaml"))["status"] == asked(*files.plan())["status"]
    assert "价格保持不变" in jinheng("outlook", "flat", "--lang", "zh").out
    assert "Prices stay as they are" in jinheng("outlook", "flat", "--lang", "en").out


@pytest.mark.parametrize("kind", ["csv", "yaml"])
def test_a_view_of_ones_own_becomes_factors_that_a_plan_reads(kind, jinheng, asked, files, tmp_path):
    table = {
        "csv": "instrument,date,price,factor\nccer,2027-06-30,96.34,\nallowance,2027-03-01,,1.05\n",
        "yaml": "- {instrument: ccer, date: 2027-06-30, price: '96.34'}\n"
        "- {instrument: allowance, date: 2027-03-01, factor: '1.05'}\n",
    }
    (tmp_path / f"view.{kind}").write_text(table[kind], encoding="utf-8")
    command = ("outlook", "view", f"view.{kind}", "--spot", "ccer=80", "--as-of", "2026-11-22", "-o", "view-out.yaml")
    # 96.34 / 80 = 1.20425, half up to 1.2043.
    assert factors(asked(*command)) == {("ccer", "2027-06-30"): "1.2043", ("allowance", "2027-03-01"): "1.05"}
    assert asked(*files.plan("--outlook", "view-out.yaml"))["status"] == "covered"
    for lang, words in (("zh", "碳配额"), ("en", "allowance")):
        told = jinheng(*command, "--lang", lang)
        assert told.code == 0 and words in told.out and "1.2043" in told.out


def test_all_faults_of_a_view_are_told_at_once(jinheng, tmp_path):
    (tmp_path / "view.csv").write_text(
        "instrument,date,price,factor\nccer,2027-06-30,96.34,\noil,2027,,1\nallowance,2020-01-01,,1\nccer,2027-07-01,1,1\n"
    )
    answer = jinheng("outlook", "view", "view.csv", "--as-of", "2026-11-22", "--lang", "en")
    assert (answer.code, answer.out) == (2, "")
    for words in (
        "row 1 column price: no price today of ccer",
        "row 2 column instrument: 'oil'",
        "row 2 column date: '2027'",
        "row 3 column date: '2020-01-01'",
        "row 4: 'factor, price': should have exactly one",
    ):
        assert f"view.csv {words}" in answer.err


@pytest.mark.parametrize("model", ["mean-reverting", "bootstrap"])
def test_an_estimate_is_a_file_that_a_plan_reads(model, long_history, jinheng, asked, files, tmp_path):
    command = ("outlook", "estimate", "--model", model, "--months", "6", "--draws", "300", *UNTIL)
    document = asked(*command, "-o", "estimate.yaml")
    assert len(document["factors"]) == 2 * 6
    assert asked(*command) == document, "the same seed, the same numbers"
    assert factors(asked(*command, "--seed", "8")) != factors(document)
    text = (tmp_path / "estimate.yaml").read_text(encoding="utf-8")
    assert f"model {model}, calibrated on 2024-01 to 2026-06" in text and "seed 7" in text
    assert asked(*files.plan("--outlook", "estimate.yaml"))["status"] == "covered"
    higher = factors(asked(*command, "--statistic", "P80"))
    assert all(float(higher[key]) > float(value) for key, value in factors(document).items())
    for lang, words in (("zh", ("300 次抽样的均值", "jinheng plan --outlook")), ("en", ("mean of 300",))):
        told = jinheng(*command, "--lang", lang)
        assert told.code == 0 and all(w in told.out for w in words)


def test_draws_are_the_same_for_a_seed_and_months_asked_beyond_change_none_before(long_history, jinheng, asked):
    short, longer = (
        asked("outlook", "draws", "--months", n, "--draws", "200", "--seed", "3", *UNTIL)["prices"] for n in ("2", "4")
    )
    assert len(short) == 4 and len(longer) == 8
    assert all(row in longer for row in short)
    other = asked("outlook", "draws", "--months", "2", "--draws", "200", "--seed", "4", *UNTIL)["prices"]
    assert other != short
    for row in short:
        assert row["p5"] < row["p20"] < row["p50"] < row["p80"] < row["p95"]
    for lang, words in (("zh", "自 2026-06 的"), ("en", "yuan/t of 2026-06")):
        told = jinheng("outlook", "draws", "--months", "2", "--draws", "200", *UNTIL, "--lang", lang)
        assert told.code == 0 and words in told.out and "P95" in told.out


def test_todays_price_may_be_the_users(long_history, asked):
    command = ("outlook", "draws", "--model", "bootstrap", "--months", "1", "--draws", "200", *UNTIL)
    usual, doubled = asked(*command), asked(*command, "--spot", "ccer=200")
    ccer = [next(r for r in d["prices"] if r["instrument"] == "ccer")["p50"] for d in (usual, doubled)]
    shown = asked("history", "show", "--instrument", "ccer")["periods"][-1]["price"]
    # The bootstrap does not depend on the level: the same draws times today's price.
    assert ccer[1] / 200 == pytest.approx(ccer[0] / float(shown), abs=1e-5)


def test_a_back_test_counts_what_lay_inside(long_history, jinheng, asked):
    command = ("outlook", "backtest", "--held-out", "6", "--draws", "200", *UNTIL)
    document = asked(*command)
    assert (document["model"], document["held_out_months"]) == ("mean-reverting", 6)
    rows = {(r["instrument"], r["horizon_months"], r["level"]): r for r in document["rows"]}
    # Six origins: six forecasts a month ahead, four of three months.
    assert rows["ccer", 1, 0.8]["n"] == 6 and rows["allowance", 3, 0.5]["n"] == 4
    for row in document["rows"]:
        if row["n"]:
            assert row["coverage"] == pytest.approx(row["inside"] / row["n"], abs=1e-6)
        else:
            assert row["coverage"] is None
    for lang, words in (("zh", ("回测", "留出 6 个月")), ("en", ("Back-test", "6 months held out"))):
        told = jinheng(*command, "--lang", lang)
        assert told.code == 0 and all(w in told.out for w in words)


def test_too_short_a_history_stays_flat_and_says_so(short_history, asked):
    document = asked("outlook", "estimate", "--as-of", "2026-04-30")
    assert document["factors"] == []
    assert all("at least 12 are needed" in w["message"] for w in document["warnings"]) and document["warnings"]


# ---------------------------------------------------------------------------------------------------------------- help

COMMANDS = [
    *("history import", "history list", "history show", "history stats"),
    *("outlook flat", "outlook view", "outlook estimate", "outlook draws", "outlook backtest"),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_in_one_language(command, jinheng):
    zh = jinheng(*command.split(), "--help", "--lang", "zh")
    en = jinheng("--lang", "en", *command.split(), "--help")
    assert zh.code == en.code == 0
    assert zh.out.startswith(f"用法: jinheng {command} [选项]") and en.out.startswith(
        f"Usage: jinheng {command} [OPTIONS]"
    )
    assert not any("\u4e00" <= c <= "\u9fff" for c in en.out)
    for word in ("Usage", "Options", "Arguments", "[required]", "[default", "Show this", " the ", " of "):
        assert word not in zh.out
    assert "\x1f" not in zh.out + en.out
