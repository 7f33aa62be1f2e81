"""Markets on the command line: import from every feed, snapshots by id, what changed, the synthetic market.

All numbers are made up. Files of feeds have the shapes that were seen.
"""

import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter  # type: ignore[import-untyped]  # it ships no types

from tests.faults.feed_server import Answer, serving

AS_OF = "2026-04-30"


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JINHENG_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("JINHENG_DATABASE", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def asked(jinheng: Any) -> Any:
    """A command that must succeed with JSON alone on stdout: asked("snapshots", "list") -> the document."""

    def ask(*arguments: str, code: int = 0) -> Any:
        answer = jinheng(*arguments, "--json", "--lang", "en")
        assert answer.code == code, answer
        return json.loads(answer.out)

    return ask


# ------------------------------------------------------------------------------------------------- the shapes of feeds

BLOCK = {
    "tradeDate": "20260429",
    "subjectCode": "CEA25",
    "tradeMethod": "20",
    "tradeVolume": "100,000",
    "tradeAmount": "5,900,000.00",
}
IDLE = {"tradeVolume": "0", "tradeAmount": "0.00"}


def envelope(*rows: object) -> bytes:
    return json.dumps({"success": True, "code": 200, "message": "", "data": rows}).encode()


def ccer_day(*rows: tuple[str, str, str, str]) -> bytes:
    names = ("profession_name", "business_amount", "business_ave_price", "business_price")
    return json.dumps([[dict(zip(names, r, strict=True), business_date="20260429") for r in rows]]).encode()


ENERGY = ("能源产业(可再生/不可再生资源)", "3,000", "80.03", "240,100.00")  # 240100 / 3000 = 80.0333...
FOREST = ("林业和其他碳汇类型", "-", "-", "-")
TOTAL = ("小计", "3000", "-", "240100.00")

PROJECT = {
    "applyId": "11",
    "projectName": "某县造林碳汇项目",
    "statusName": "公示中",
    "dataType": "1",
    "provinceName": "山西省",
    "expectYearNum": 8000,
}
REDUCTIONS = {
    "applyId": "21",
    "projectName": "某海上风电项目",
    "statusName": "已登记",
    "dataType": "4",
    "provinceName": "广东省",
    "certifiedNum": "25,700",
    "registrationTime": "2025-02-28 16:00:00",
    "details": [{"regYear": 2022, "applyVol": "5,700"}, {"regYear": "2023", "applyVol": 20_000}],
}
PILOTS = """\
日期,成交价,成交量,成交额,地点
2026-04-01,41.100001,100.0,4.110000e+03,湖北
2026-04-02,41.100001,0.0,0.0,湖北
2026-04-01,14.5,20,290,福建
"""
CREDITS = """\
quantity,project_id,vintage,transaction_date,transaction_type
"28,571",VCS1,2022,2024-01-05,issuance
8571,VCS1,2022,2024-02-05,retirement
1000,VCS1,2023,2024-02-05,issuance
500,GS7,2021,2024-02-06,issuance
600,GS7,2021,2024-02-07,cancellation
lots,VCS1,2022,2024-02-07,issuance
"""
CREDIT_PROJECTS = """\
project_id,name,registry,proponent,protocol,country
VCS1,Wind,verra,Owner,[],Brazil
GS7,Stoves,gold-standard,,[],Kenya
"""
VERRA = """\
Issuance Date,Vintage Start,Vintage End,ID,Name,Country/Area,Methodology,Quantity Issued,Serial Number,Retirement/Cancellation Date
2026-04-02,2022-01-01,2022-10-31,3005,Biogas,Peru,ACM0010,"1,000",1-1-1000-VCS-VCU-1-VER-PE-1-3005-01012022-31102022-0,2026-04-09
2026-04-02,2022-01-01,2022-10-31,3005,Biogas,Peru,ACM0010,"2,000",1-1001-3000-VCS-VCU-1-VER-PE-1-3005-01012022-31102022-0,
"""  # noqa: E501  # the registry's own header
GOLD = """\
Vintage,Quantity,GSID,Project Name,Country,Issuance Date,Serial Number
2024,100,11,Stoves,Kenya,2026-04-03,GS1-1-KE-GS11-16-2024-1-1-100
"""
GOLD_RETIRED = """\
Vintage,Quantity,GSID,Project Name,Country,Issuance Date,Retirement Date,Serial Number
2024,30,11,Stoves,Kenya,2026-04-03,2026-04-10,GS1-1-KE-GS11-16-2024-1-11-40
"""
MONTHS = "month,instrument,price,volume\n2026-03,ccer,81.5,2000\n2026-04,ccer,,\n"


def workbook() -> bytes:
    """Berkeley's shape: years three times, issued, retired, remaining. One project with two vintages."""
    heads = ["Project ID", "Project Name", "Voluntary Registry", "Country", "State", "Methodology / Protocol"]
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        page = book.add_worksheet("PROJECTS")
        page.write_row(3, 0, [*heads, *[2021, 2022] * 3])
        page.write_row(4, 0, ["VCS9", "Wind", "VCS", "Brazil", "", "ACM0002", 1000, 50, 400, 10, 600, 40])
    return buffer.getvalue()


FEEDS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[int, int, int, int, dict[str, int]]]] = {
    # feed: files, options, (rows read, split, offers, folded, left out)
    "file": (("market.csv",), (), (2, 0, 2, 0, {})),
    # A block of 29 April; an older one is history; a composite and a row without trade are no offers.
    "cneeex": (("sub.json",), (), (4, 0, 1, 0, {"composite": 1, "history": 1, "no_trade": 1})),
    "ccer-exchange": (("90.json",), (), (3, 0, 1, 0, {"no_trade": 1, "subtotal": 1})),
    # One project has reductions of two years: a row, two entries. The other has nothing to buy yet.
    "ccer-registry": (("registry.json",), ("--price", "90"), (2, 1, 2, 0, {"not_issued": 1})),
    # 2 April repeats the price of 1 April at volume 0: folded. Fujian is not the market that was asked for.
    "akshare": (("pilots.csv",), ("--market", "湖北"), (3, 0, 1, 1, {"other_market": 1})),
    "monthly-prices": (("months.csv",), (), (2, 0, 0, 0, {"composite": 1, "no_price": 1})),
    # VCS1 2022 (an issuance, a retirement) and 2023: two offers of three rows.
    "offsets-db": (
        ("credits.csv", "projects.csv"),
        ("--price", "5"),
        (6, 0, 2, 1, {"bad_number": 1, "over_retired": 2}),
    ),
    "verra": (("verra.csv",), ("--price", "5"), (2, 0, 1, 1, {})),
    "gold-standard": (("gold.csv", "retired.csv"), ("--price", "5"), (2, 0, 1, 1, {})),
    "vrod": (("vrod.xlsx",), ("--price", "5"), (1, 1, 2, 0, {})),
}
CONTENT: dict[str, bytes | str] = {
    "market.csv": "offer_id,instrument,mechanism,vintage,quantity,price\nA,allowance,CEA,2025,900,70\n"
    "B,allowance,CEA,2024,800,69\n",
    "sub.json": envelope(
        BLOCK,
        BLOCK | {"tradeDate": "20260428"},
        BLOCK | IDLE | {"tradeMethod": "10"},
        BLOCK | {"subjectCode": "COMCEA"},
    ),
    "90.json": ccer_day(ENERGY, FOREST, TOTAL),
    "registry.json": json.dumps([PROJECT, REDUCTIONS]),
    "pilots.csv": PILOTS,
    "months.csv": MONTHS,
    "credits.csv": CREDITS,
    "projects.csv": CREDIT_PROJECTS,
    "verra.csv": VERRA,
    "gold.csv": GOLD,
    "retired.csv": GOLD_RETIRED,
}


def write_feed(name: str, folder: Path) -> list[str]:
    """The import command of a feed over its files, which are written."""
    files, options, _ = FEEDS[name]
    for file in files:
        content = workbook() if file == "vrod.xlsx" else CONTENT[file]
        (folder / file).write_bytes(content.encode() if isinstance(content, str) else content)
    return ["offers", "import", name, *files, *options, "--as-of", AS_OF, "--exclude", "none"]


# ----------------------------------------------------------------------------------------------------------- importing


@pytest.mark.parametrize("name", FEEDS)
def test_every_row_of_every_feed_is_accounted_for_and_what_is_saved_can_be_planned_on(name, asked, tmp_path):
    document = asked(*write_feed(name, tmp_path))
    account = (document["rows_read"], document["split"], document["offers"], document["folded"], document["left_out"])
    assert account == FEEDS[name][2]
    assert account[0] + account[1] == account[2] + account[3] + sum(account[4].values())
    assert (document["as_of"], document["source"]) == (AS_OF, "market.csv" if name == "file" else name)
    listed = asked("snapshots", "list")
    assert [s["id"] for s in listed] == ([document["snapshot"]] if document["offers"] else [])


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("zh", ("导入 cneeex", "读取 4 行: 1 个报价", "新增 3 条日行情", "未采用的行", "碳配额", "快照", "提示")),
        ("en", ("Import of cneeex", "4 rows read: 1 offer, 0 folded", "3 daily quotes added", "1 row holds no trade")),
    ],
)
def test_an_import_is_told_in_both_languages_and_nothing_is_cut(lang, words, jinheng, asked, tmp_path):
    command = write_feed("cneeex", tmp_path)
    answer = jinheng(*command, "--lang", lang)
    assert answer.code == 0
    for word in words:
        assert word in answer.out
    assert asked("snapshots", "list")[0]["id"] in answer.out.splitlines(), "the whole id, alone on its line"
    assert "…" not in answer.out and "Working" not in answer.out
    for code in ("composite", "history", "no_trade"):
        assert f"1 {code}: " in answer.out, "a reason has its words beside its code"


def test_what_screening_excludes_is_told_in_words_too(jinheng, files):
    answer = jinheng("offers", "import", "file", str(files.offers), "--as-of", "2026-11-22", "--lang", "en")
    assert "5 rows read: 4 offers" in answer.out
    assert "1 vintage_ended: an allowance vintage that has stopped trading" in answer.out


def test_rows_that_hold_several_vintages_say_so_and_nothing_is_negative(jinheng, tmp_path):
    for lang, words in (("zh", "多出 1 个条目"), ("en", "make 1 entry more")):
        answer = jinheng(*write_feed("vrod", tmp_path), "--lang", lang)
        assert words in answer.out and "-1" not in answer.out


def test_an_import_without_offers_saves_no_snapshot_and_says_so(jinheng, tmp_path):
    command = write_feed("monthly-prices", tmp_path)
    assert "没有可保存的报价" in jinheng(*command, "--lang", "zh").out
    answer = jinheng(*command, "-o", "none.csv", "--lang", "en")
    assert (answer.code, (tmp_path / "none.csv").exists()) == (0, False)
    assert "There is no offer to save." in answer.out and "Written" not in answer.err


def test_the_same_file_twice_is_one_snapshot_with_two_receipts(asked, tmp_path):
    command = write_feed("file", tmp_path)
    first, second = asked(*command), asked(*command)
    assert first == second
    (stored,) = asked("snapshots", "list")
    assert (stored["id"], stored["imports"], stored["offers"]) == (first["snapshot"], 2, 2)
    shown = asked("snapshots", "show", first["snapshot"][:8])
    assert len(shown["imports"]) == 2 and shown["imports"][0]["rows_read"] == 2


@pytest.mark.parametrize("ending", ["csv", "xlsx", "json", "parquet"])
def test_the_order_of_rows_and_the_kind_of_file_do_not_change_the_id(ending, asked, jinheng, tmp_path, files):
    lines = files.offers.read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "turned.csv").write_text("".join([lines[0], *reversed(lines[1:])]), encoding="utf-8")
    ids = [
        asked("offers", "import", "file", name, "--as-of", AS_OF)["snapshot"] for name in ("offers.csv", "turned.csv")
    ]
    assert ids[0] == ids[1]
    written = jinheng("snapshots", "show", ids[0][:12], "-o", f"x.{ending}", "--lang", "en")
    assert (written.code, written.err.splitlines()[-1]) == (0, f"Written: x.{ending}")
    assert asked("offers", "import", "file", f"x.{ending}", "--as-of", AS_OF)["snapshot"] == ids[0]
    assert asked("offers", "import", "file", ids[0][:8], "--as-of", AS_OF)["snapshot"] == ids[0]


def test_an_import_also_writes_its_offers(asked, tmp_path):
    document = asked(*write_feed("ccer-exchange", tmp_path), "-o", "ccer.csv")
    assert asked("offers", "validate", "ccer.csv")["offers_sha256"] == document["snapshot"]


def test_two_files_are_one_market_and_an_id_in_both_is_a_fault(asked, jinheng, tmp_path, files):
    write_feed("file", tmp_path)
    command = ["offers", "import", "file", "market.csv", "offers.csv", "--as-of", AS_OF, "--exclude", "none"]
    assert asked(*command)["offers"] == 7
    (tmp_path / "again.csv").write_text("offer_id,instrument,mechanism,quantity,price\nA,allowance,CEA,1,70\n")
    twice = jinheng("offers", "import", "file", "market.csv", "again.csv", "--lang", "en")
    assert (twice.code, twice.out) == (2, "")
    assert "again.csv column offer_id: 'A': repeats the id of an offer in market.csv" in twice.err
    same = jinheng("offers", "import", "file", "market.csv", "market.csv", "--lang", "en")
    assert same.code == 2 and "repeats the id" in same.err


BAD_OPTIONS = {
    "--price": "1.234",
    "--fee-rate": "2",
    "--unit-fee": "x",
    "--fixed-fee": "-1",
    "--channel": "friend",
    "--exclude": "outlayer",
    "--since": "soon",
    "--until": "2026-13-01",
    "--as-of": "now",
    "-o": "market.doc",
}


def test_all_faults_of_an_import_are_told_at_once_in_both_languages_and_as_json(jinheng, tmp_path):
    options = [part for pair in BAD_OPTIONS.items() for part in pair]
    command = ["offers", "import", "nofeed", "gone.csv", *options]
    for lang, head, feed in (
        ("zh", "输入有 12 处错误", "没有这个数据源"),
        ("en", "The input has 12 faults", "no such feed"),
    ):
        answer = jinheng(*command, "--lang", lang)
        assert (answer.code, answer.out) == (2, "")
        assert head in answer.err and feed in answer.err and "gone.csv" in answer.err
        for option, value in BAD_OPTIONS.items():
            assert f"{option}: '{value}'" in answer.err or f"{option}：'{value}'" in answer.err
        assert "Traceback" not in answer.err
    document = json.loads(jinheng(*command, "--json").out)
    assert document["error"] == "bad_input"
    assert {f.get("path", f.get("file")) for f in document["faults"]} == {"FEED", "gone.csv", *BAD_OPTIONS}
    assert not (tmp_path / "home").exists(), "nothing was stored"


@pytest.mark.parametrize("feed", ["file", "verra", "cneeex"])
def test_files_that_are_not_there_are_all_named(feed, jinheng):
    answer = jinheng("offers", "import", feed, "a.csv", "b.csv", "--lang", "zh")
    assert answer.code == 2
    assert "a.csv：找不到文件" in answer.err and "b.csv：找不到文件" in answer.err


@pytest.mark.parametrize(
    ("arguments", "zh", "en"),
    [
        (("file",), "请给出报价文件", "give one offers file or more"),
        (("verra",), "没有可取的地址", "has no address to fetch from"),
        (("file", "market.csv", "--price", "5"), "不用于报价文件", "is not for offers files"),
        (("verra", "90.json", "--price", "5"), "", "90.json"),
        (
            ("gold-standard", "gold.csv", "retired.csv", "months.csv", "--price", "5"),
            "至多 2 个文件",
            "at most 2 files",
        ),
        (("gold-standard", "gold.csv"), "请用 --price", "state one with --price"),
        (("ccer-exchange", "gold.csv"), "gold.csv", "gold.csv"),
        (("file", "deadbeef"), "请查看快照列表", "see the list of snapshots"),
        (("file", "deadbee"), "编号至少 8 位", "at least 8 hexadecimal digits"),
        (("cneeex", "--offline"), "", "offline, and this was not fetched before"),
        (("file", "market.csv", "--database", "mysql://x/y"), "sqlite:///", "sqlite:///"),
    ],
)
def test_a_wrong_import_says_what_would_be_right(arguments, zh, en, jinheng, tmp_path):
    for name in ("file", "ccer-exchange", "gold-standard", "monthly-prices"):
        write_feed(name, tmp_path)
    for lang, words in (("zh", zh), ("en", en)):
        answer = jinheng("offers", "import", *arguments, "--lang", lang)
        assert (answer.code, answer.out) == (2, "")
        assert words in answer.err and "Traceback" not in answer.err
        assert json.loads(jinheng("offers", "import", *arguments, "--json").out)["error"] == "bad_input"


# ------------------------------------------------------------------------------------------------------------ fetching

DAY = ["--since", "2026-04-29", "--until", "2026-04-29", "--as-of", AS_OF]


def test_a_feed_is_fetched_kept_and_answered_offline_after(asked, jinheng):
    with serving([Answer(envelope(BLOCK))]) as server:
        command = ["offers", "import", "cneeex", "--address", server.url, *DAY]
        fetched = asked(*command)
        assert [(a.method, a.path) for a in server.asked] == [("POST", "/querySubStat")]
    assert (fetched["offers"], fetched["quotes_added"]) == (1, 1)
    offline = asked(*command, "--offline")
    assert (offline["snapshot"], offline["quotes_added"], offline["quotes_revised"]) == (fetched["snapshot"], 0, 0)
    other = jinheng(*command[:5], "--since", "2026-04-28", "--until", "2026-04-28", "--offline", "--lang", "en")
    assert other.code == 2 and "was not fetched before" in other.err


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(b"gone", status=404), "404"),
        (Answer(json.dumps({"success": False, "code": 500, "data": None}).encode()), "the exchange gave no data"),
    ],
)
def test_a_server_that_fails_is_told_and_nothing_is_saved(answer, words, jinheng, asked):
    with serving([answer]) as server:
        told = jinheng("offers", "import", "cneeex", "--address", server.url, *DAY, "--lang", "en")
    assert (told.code, told.out) == (2, "")
    assert words in told.err and "Traceback" not in told.err
    assert asked("snapshots", "list") == []


def test_progress_of_fetching_goes_to_stderr(jinheng):
    busy = [Answer(b"", status=503, headers={"retry-after": "0"}), Answer(ccer_day(ENERGY))]
    with serving(busy) as server:
        address = f"{server.url}/90.json"
        command = ["offers", "import", "ccer-exchange", "--address", address, "--as-of", AS_OF, "--json"]
        answer = jinheng(*command, "--lang", "en")
    assert answer.code == 0 and json.loads(answer.out)["offers"] == 1
    assert "503" in answer.err


# --------------------------------------------------------------------------------------------- plans on a snapshot's id


def clean_market(files: Any) -> None:
    """Takes away what screening doubts, so that file and snapshot tell a plan the same."""
    lines = files.offers.read_text(encoding="utf-8").splitlines(keepends=True)
    files.offers.write_text("".join(line for line in lines if line[:6] not in ("OLD-1,", "CCER-1")), encoding="utf-8")


def test_a_plan_on_the_beginning_of_an_id_is_the_plan_on_the_file(asked, jinheng, files):
    clean_market(files)
    imported = asked("offers", "import", "file", "offers.csv", "--as-of", "2026-11-22")
    assert imported["warnings"] == []
    on_file = asked(*files.plan())
    for reference in (imported["snapshot"], imported["snapshot"][:8], f"snapshot:{imported['snapshot'][:9]}"):
        on_id = asked("plan", str(files.event), "--offers", reference, "--as-of", "2026-11-22")
        assert on_id["plan_id"] == on_file["plan_id"]
        assert on_id["provenance"]["offers_sha256"] == imported["snapshot"]


def test_a_plan_on_a_snapshot_carries_its_doubts_and_is_checked_against_it(asked, jinheng, files, tmp_path):
    snapshot = asked("offers", "import", "file", "offers.csv", "--as-of", "2026-11-22")["snapshot"]
    made = asked("plan", str(files.event), "--offers", snapshot[:8], "--as-of", "2026-11-22", "-o", "plan.json")
    assert made["provenance"]["offers_sha256"] == snapshot
    assert any("no CCER of Shanxi" in str(w["message"]) for w in made["warnings"])
    for reference in (snapshot, "x.csv"):
        jinheng("snapshots", "show", snapshot, "-o", "x.csv")
        checked = asked("check", "plan.json", "--offers", reference)
        assert checked["holds"] is True


def test_a_file_whose_name_looks_like_an_id_is_the_file(asked, files, tmp_path):
    snapshot = asked("offers", "import", "file", "offers.csv", "--as-of", "2026-11-22")["snapshot"]
    name = snapshot[:8]
    (tmp_path / name).write_text(
        "offer_id,instrument,mechanism,vintage,quantity,price\nF,allowance,CEA,2025,9000,70\n", encoding="utf-8"
    )
    made = asked("plan", str(files.event), "--offers", name, "--as-of", "2026-11-22")
    assert made["provenance"]["offers_sha256"] != snapshot
    assert {line["offer_id"] for line in made["lines"]} == {"F"}


@pytest.mark.parametrize(
    ("reference", "zh", "en"),
    [
        ("0123456789ab", "库中没有此快照", "is not in the store"),
        ("0123456", "也不是快照编号: 编号至少 8 位", "neither a file nor a snapshot's id: an id has at least 8"),
        ("snapshot:12", "编号至少 8 位", "at least 8 hexadecimal digits"),
        ("nothing.csv", "找不到文件", "does not exist"),
    ],
)
def test_a_market_that_is_not_there_is_told_by_every_command_that_takes_one(
    reference, zh, en, jinheng, files, plan_file
):
    commands = [
        ["plan", str(files.event), "--offers", reference],
        ["check", str(plan_file), "--offers", reference],
        ["replan", str(plan_file), "--offers", reference],
        ["snapshots", "diff", str(files.offers), reference],
    ]
    for command in commands:
        for lang, words in (("zh", zh), ("en", en)):
            answer = jinheng(*command, "--lang", lang)
            assert (answer.code, answer.out) == (2, "")
            assert words in answer.err


def test_an_id_that_fits_several_snapshots_is_refused_with_them(asked, jinheng, files, tmp_path):
    """Two markets that share eight digits are too rare to make: the store is told of one beside the other."""
    snapshot = asked("offers", "import", "file", "offers.csv", "--as-of", AS_OF)["snapshot"]
    twin = snapshot[:8] + ("0" if snapshot[8] != "0" else "1") * 56
    with closing(sqlite3.connect(tmp_path / "home" / "jinheng.db")) as store:
        store.execute("INSERT INTO market_snapshots VALUES (?, 1, 0, '', '2026-11-22T00:00:00.000000Z')", (twin,))
        store.execute(
            "INSERT INTO market_imports (snapshot_id, source, as_of, imported_at, rows_read, left_out, findings)"
            " VALUES (?, 'twin.csv', '2026-11-22', '2026-11-22T00:00:00.000000Z', 1, '{}', '[]')",
            (twin,),
        )
        store.commit()
    for lang, words in (("zh", "可指多个快照"), ("en", "names several snapshots, write more digits")):
        for command in (["snapshots", "show"], ["plan", str(files.event), "--offers"]):
            answer = jinheng(*command, snapshot[:8], "--lang", lang)
            assert (answer.code, answer.out) == (2, "")
            assert words in answer.err and snapshot in answer.err and twin in answer.err
    assert asked("snapshots", "show", snapshot[:10])["id"] == snapshot


def test_postgresql_by_its_address_holds_a_market_as_sqlite_does(asked, jinheng, files, postgresql, tmp_path):
    place = ("--database", postgresql)
    snapshot = asked("offers", "import", "file", "offers.csv", "--as-of", "2026-11-22", *place)["snapshot"]
    assert [s["id"] for s in asked("snapshots", "list", *place)] == [snapshot]
    assert asked("snapshots", "list") == []
    plan = ("plan", str(files.event), "--offers", snapshot[:8], "--as-of", "2026-11-22")
    assert asked(*plan, *place)["provenance"]["offers_sha256"] == snapshot
    assert jinheng(*plan).code == 2


def test_the_database_is_where_the_environment_says(asked, files, tmp_path, monkeypatch):
    monkeypatch.setenv("JINHENG_DATABASE", f"sqlite:///{tmp_path / 'deep' / 'er' / 'own.db'}")
    assert asked("snapshots", "list") == []
    assert (tmp_path / "deep" / "er" / "own.db").exists() and not (tmp_path / "home").exists()


# ----------------------------------------------------------------------------------------------- snapshots: list, show


def test_no_snapshot_yet_says_what_to_do(jinheng):
    assert "jinheng offers import" in jinheng("snapshots", "list", "--lang", "zh").out
    assert "There is no snapshot yet" in jinheng("snapshots", "list", "--lang", "en").out


def test_snapshots_are_listed_and_shown_in_both_languages(jinheng, asked, files):
    snapshot = asked("offers", "import", "file", "offers.csv", "--as-of", AS_OF)["snapshot"]
    for lang, words in (("zh", ("编号", "来源")), ("en", ("id", "source", "imported (UTC)"))):
        listed = jinheng("snapshots", "list", "--lang", lang)
        assert listed.code == 0 and snapshot[:12] in listed.out and "offers.csv" in listed.out
        assert all(w in listed.out for w in words)
    for lang, words in (("zh", ("快照", "导入记录", "碳配额")), ("en", ("Snapshot", "Imports", "allowance"))):
        shown = jinheng("snapshots", "show", snapshot[:8], "--lang", lang)
        assert shown.code == 0 and snapshot in shown.out and all(w in shown.out for w in words)


def test_a_wrong_show_or_an_unwritable_file_is_told(jinheng, asked, files, tmp_path):
    snapshot = asked("offers", "import", "file", "offers.csv", "--as-of", AS_OF)["snapshot"]
    for arguments, words in (
        (("deadbeef00",), "see the list of snapshots"),
        (("dead",), "at least 8 hexadecimal digits"),
        ((snapshot, "-o", "x.doc"), ".csv .xlsx .json .parquet"),
        ((snapshot, "-o", "no/where.csv"), "make it first"),
    ):
        answer = jinheng("snapshots", "show", *arguments, "--lang", "en")
        assert (answer.code, answer.out) == (2, "")
        assert words in answer.err


# --------------------------------------------------------------------------------------------------------- differences


def test_differences_between_files_snapshots_and_a_plan(jinheng, asked, files, plan_file, tmp_path):
    text = files.offers.read_text(encoding="utf-8")
    text = text.replace("5000,50", "4000,55").replace("500,80", "500,79")  # CCER-2 dearer and less, CCER-1 cheaper
    text = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("OLD-1"))
    (tmp_path / "new.csv").write_text(text + "NEW-1,allowance,CEA,,2024,己,10,70,,,,\n", encoding="utf-8")
    old = asked("offers", "import", "file", "offers.csv", "--as-of", AS_OF, "--exclude", "none")["snapshot"]
    new = asked("offers", "import", "file", "new.csv", "--as-of", AS_OF, "--exclude", "none")["snapshot"]
    found = [
        asked("snapshots", "diff", a, b, "--as-of", "2026-11-22", "--days", "40")
        for a, b in (("offers.csv", "new.csv"), (old[:8], new), (str(plan_file), new[:9]))
    ]
    assert found[0] == found[1] == found[2]
    assert (found[0]["old"], found[0]["new"]) == (old, new)
    # PHB-1 is valid until 2026-12-31, 39 days ahead; OLD-1 is gone and counts as nothing else.
    wanted = {"gone": 1, "new": 1, "dearer": 1, "cheaper": 1, "less": 1, "expiring": 1, "unchanged": 2}
    assert {k: n for k, n in found[0]["counts"].items() if n} == wanted
    assert [c["offer_id"] for c in found[0]["changes"]] == ["CCER-1", "CCER-2", "NEW-1", "OLD-1", "PHB-1"]
    assert found[0]["changes"][1]["kinds"] == ["dearer", "less"]
    for lang, words in (
        ("zh", ("5 个报价 -> 5 个报价", "2 个没有变化", "涨价 50.00 → 55.00 元/吨", "已撤下: 1", "即将到期: 1")),
        ("en", ("5 offers -> 5 offers", "2 are as they were", "dearer 50.00 → 55.00 yuan/t", "gone: 1", "expiring: 1")),
    ):
        told = jinheng("snapshots", "diff", old, new, "--as-of", "2026-11-22", "--days", "40", "--lang", lang)
        assert told.code == 0
        for word in words:
            assert word in told.out


@pytest.mark.parametrize(
    ("key", "value", "zh", "en"),
    [
        ("offers", [], "不是该方案所用的市场", "is not the market on which the plan was made"),
        ("offers", [{"offer_id": "x"}], "缺少必填项", "a required key is missing"),
        ("calendar", {}, "缺少必填项", "a required key is missing"),
        ("as_of", "soon", "方案中的问题部分不可读", "the problem in the plan cannot be read"),
    ],
)
def test_a_plan_whose_problem_was_changed_is_no_market_to_compare_with(jinheng, plan_file, key, value, zh, en):
    document = json.loads(plan_file.read_text(encoding="utf-8"))
    document["problem"][key] = value
    plan_file.write_text(json.dumps(document), encoding="utf-8")
    for lang, words in (("zh", zh), ("en", en)):
        answer = jinheng("snapshots", "diff", str(plan_file), "offers.csv", "--as-of", "2026-11-22", "--lang", lang)
        assert (answer.code, words in answer.err, plan_file.name in answer.err) == (2, True, True)


def test_nothing_changed(jinheng, files):
    for lang, words in (("zh", "没有变化。"), ("en", "Nothing changed.")):
        answer = jinheng("snapshots", "diff", "offers.csv", "offers.csv", "--as-of", "2020-01-01", "--lang", lang)
        assert (answer.code, words in answer.out) == (0, True)


def test_all_faults_of_a_difference_at_once(jinheng):
    for lang in ("zh", "en"):
        answer = jinheng("snapshots", "diff", "a.csv", "b.csv", "--as-of", "z", "--days", "soon", "--lang", lang)
        assert (answer.code, answer.out) == (2, "")
        assert all(w in answer.err for w in ("a.csv", "b.csv", "--as-of", "--days"))
    faults = json.loads(jinheng("snapshots", "diff", "a.csv", "b.csv", "--days", "soon", "--json").out)["faults"]
    assert len(faults) == 3


# --------------------------------------------------------------------------------------------------- synthetic markets


def test_a_synthetic_market_is_the_same_for_the_same_seed_and_marked_in_every_offer(asked, jinheng, tmp_path):
    made = [
        asked("synth", "--offers", "40", "--seed", seed, "-o", name, "--as-of", AS_OF)
        for seed, name in (("1", "a.csv"), ("1", "b.csv"), ("2", "c.csv"))
    ]
    a, b, c = ((tmp_path / name).read_bytes() for name in ("a.csv", "b.csv", "c.csv"))
    assert a == b != c
    assert made[0] == {"offers": 40, "snapshot": made[1]["snapshot"], "file": "a.csv", "synthetic": True}
    imported = asked("offers", "import", "file", "a.csv", "--as-of", AS_OF, "--exclude", "none")
    assert imported["snapshot"] == made[0]["snapshot"]
    assert asked("snapshots", "show", imported["snapshot"])["synthetic"] == 40
    assert "40 of its offers are synthetic" in jinheng("snapshots", "show", imported["snapshot"], "--lang", "en").out
    assert "合成" in jinheng("synth", "--offers", "3", "--seed", "1", "-o", "d.json", "--lang", "zh").out


@pytest.mark.parametrize(
    ("options", "paths"),
    [
        (("--offers", "x", "--seed", "y", "-o", "s.doc", "--as-of", "q"), {"--offers", "--seed", "-o", "--as-of"}),
        (("--offers", "0", "--seed", "-1", "-o", "s.csv"), {"--offers", "--seed"}),
        (("--offers", "2000001", "--seed", str(2**63), "-o", "s.csv"), {"--offers", "--seed"}),
        (("--offers", "1.5", "--seed", "1", "-o", "no/s.csv"), {"--offers", "-o"}),
        (("--offers", "5", "--seed", "1", "-o", "s.csv", "--as-of", "1999-01-01"), {"--as-of"}),
    ],
)
def test_wrong_options_of_a_synthetic_market(options, paths, jinheng, tmp_path):
    answer = jinheng("synth", *options, "--json", "--lang", "en")
    assert answer.code == 2
    assert {f["path"] for f in json.loads(answer.out)["faults"]} == paths
    for lang in ("zh", "en"):
        told = jinheng("synth", *options, "--lang", lang)
        assert (told.code, told.out) == (2, "")
    assert not (tmp_path / "s.csv").exists()
    assert "1 to 2000000" in told.err or "--offers" not in paths


# ---------------------------------------------------------------------------------------------------------------- help

COMMANDS = ["offers import", "snapshots list", "snapshots show", "snapshots diff", "synth"]


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
