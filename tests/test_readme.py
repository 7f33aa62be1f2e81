"""README and docs do what they say: every command and Python example in them is run, and its output is what they show.

Fenced blocks are run from top to bottom, each document in a fresh folder:

    sh      every line is run, curl against the service in this process; `# exit 3` (`# 退出码 3`) at its end says the
            exit code, 0 where nothing is said
    python  is run
    text    right after either: its lines stand in the answer in this order; `...` is whatever lies between
    a block after `<!-- file: name -->` is written to that file

What has been run once is not run again where the files that it reads are the same, whichever document asks. Commands
run in this process, through the door that the `jinheng` script opens. Database and cache lie in the folder where a
command is run, so the commands of one document share them and nothing is read from or left in the home of whoever runs
the tests.
"""

import contextlib
import fcntl
import hashlib
import io
import json
import os
import re
import runpy
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel

from api.cli import run as command
from api.refusals import KINDS
from api.setting_words import MEANINGS
from api.settings import ServiceSettings
from market_data import Quote, Quotes, daily, offers_to_frame, read_offers, synthetic_market
from market_data.columns import BOOK_COLUMNS, COLUMNS, FORESTRY_COLUMNS, REQUIRED
from market_data.differences import differences
from market_data.feeds import FEEDS
from market_data.screening import DOUBTS, EXCLUDED_BY_DEFAULT, MARKET_DOUBTS
from optimizer import RulePack
from optimizer.budgets import Budget
from optimizer.eligibility import REASONS
from optimizer.events import Calendar, Emissions, Event, LevelSpec, Settings
from optimizer.offer_groups import EligibilityRules, Limit
from optimizer.plan import Plan
from optimizer.problem import Factor, Outlook
from optimizer.rule_pack import Deadline, OfferClass, Registry, Tier, When
from optimizer.wording import Language
from scenarios.changes import (
    AvailabilityChange,
    BudgetChange,
    DatesChange,
    EmissionsChange,
    LimitsChange,
    OffersChange,
    PriceChange,
)
from scenarios.library import READY
from scenarios.scenario import Scenario
from scenarios.side_by_side import COLUMNS as COMPARED
from scenarios.side_by_side import INTEGERS
from tests.typed_curl import TypedCurl

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "README.zh.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMES = [d.relative_to(ROOT).as_posix() for d in DOCUMENTS]
ENGLISH = [n for n in NAMES if not n.endswith(".zh.md")]

FENCE = re.compile(
    r"(?:^<!-- file: (?P<file>\S+) -->\n)?^```(?P<kind>\w*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
EXIT = re.compile(r"#.*?(?:exit|退出码)\s*(\d+)")


@dataclass(frozen=True)
class Block:
    kind: str
    body: str
    file: str | None
    line: int


@dataclass(frozen=True)
class Answer:
    """What a command said, its exit code, and the files that it made."""

    code: int
    stdout: str
    stderr: str
    made: dict[str, bytes]


def language(document: Path) -> str:
    return "zh" if document.name.endswith(".zh.md") else "en"


def text_of(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def blocks(document: Path) -> Iterator[Block]:
    text = text_of(document)
    for found in FENCE.finditer(text):
        yield Block(found["kind"], found["body"], found["file"], text.count("\n", 0, found.start()) + 1)


# --------------------------------------------------------------------------------------------------- running, once each


def run(words: list[str], folder: Path, lang: str, store: Path) -> Answer:
    """Runs a command, or repeats what it did when it was run with these very files before."""
    before = {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}
    contents = sorted((name, hashlib.sha256(before[name]).hexdigest()) for name in read_by(words, before))
    key = hashlib.sha256(repr((words, lang, contents)).encode()).hexdigest()
    kept = store / key
    with (store / f"{key}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            answer = really_run(words, folder, lang)
            after = {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}
            made = {n: c for n, c in after.items() if before.get(n) != c}
            partial = store / f"{key}.partial"
            partial.mkdir()
            for name, content in made.items():
                (partial / name).write_bytes(content)
            (partial / ".answer").write_text(json.dumps(answer), "utf-8")
            partial.rename(kept)
    code, out, err = json.loads((kept / ".answer").read_text("utf-8"))
    made = {p.name: p.read_bytes() for p in kept.iterdir() if p.name != ".answer"}
    for name, content in made.items():
        (folder / name).write_bytes(content)
    return Answer(code, out, err, made)


def read_by(words: list[str], files: dict[str, bytes]) -> set[str]:
    """The files that a command may read: databases, those that it names, and whatever is named in one of these."""
    found, new = set[str](), {n for n in files if ".db" in n or any(n in word for word in words)}
    while new:
        found |= new
        new = {n for n in files if n not in found and any(n.encode() in files[f] for f in new)}
    return found


def really_run(words: list[str], folder: Path, lang: str) -> tuple[int, str, str]:
    """What a shell in that folder with that locale would have run: exit code, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("LC_ALL", "LC_MESSAGES", "JINHENG_DEBUG", "JINHENG_DATABASE"):
            patch.delenv(name, raising=False)
        patch.setenv("JINHENG_HOME", str(folder))
        patch.setenv("LANG", "zh_CN.UTF-8" if lang == "zh" else "en_US.UTF-8")
        patch.setenv("COLUMNS", "80")
        patch.chdir(folder)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            if words[0] == "python":
                runpy.run_path(words[1], run_name="__main__")
                code = 0
            else:
                code = command(words[1:])
    return code, out.getvalue(), err.getvalue()


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    (shared / "answers").mkdir(exist_ok=True)
    return shared / "answers"


class Reader:
    """Somebody who types a document from top to bottom."""

    def __init__(self, document: Path, folder: Path, store: Path) -> None:
        self.document, self.folder, self.store = document, folder, store
        self.lang = language(document)
        self.last: Answer | None = None
        self.curl = TypedCurl(folder, self.lang)

    def follow(self) -> None:
        for block in blocks(self.document):
            place = f"{self.document.name}:{block.line}"
            if block.file is not None:
                (self.folder / block.file).write_text(block.body, encoding="utf-8")
            elif block.kind == "sh":
                for line in block.body.replace("\\\n", " ").splitlines():
                    self.type(line, place)
            elif block.kind == "python":
                (self.folder / "example.py").write_text(block.body, encoding="utf-8")
                self.last = run(["python", "example.py"], self.folder, self.lang, self.store)
            elif block.kind == "text" and self.last is not None:
                answer = self.last.stdout + self.last.stderr
                missing = missing_line(block.body, answer)
                if missing is not None:
                    pytest.fail(f"{place} shows a line that the answer has not: {missing}\n{answer}", pytrace=False)

    def type(self, line: str, place: str) -> None:
        words = shlex.split(line, comments=True)
        if not words:
            return
        if words[0] == "curl":
            self.last = Answer(0, self.curl.type(line, self.folder), "", {})
        elif self.curl.capture(line, self.folder) or (words[:2] == ["jinheng", "serve"] and words[-1] == "&"):
            return
        elif words[0] == "make":
            assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE), place
        elif words[0] == "cd":
            self.folder = self.folder / words[1]
        elif words[0] == "export":
            assert words[1] in ("PATH=$PWD/.venv/bin:$PATH", "JINHENG_HOME=$PWD"), place
        elif words[:3] == ["jinheng", "demo", "--copy"]:
            code, _, err = really_run(words, self.folder, self.lang)
            assert code == 0, err
        else:
            assert words[0] == "jinheng", f"{place}: the test knows no {words[0]}"
            self.last = run(words, self.folder, self.lang, self.store)
            said = EXIT.search(line)
            expected = int(said[1]) if said else 0
            if self.last.code != expected:
                pytest.fail(
                    f"{place}: {line}: exit {self.last.code}, not {expected}\n{self.last.stderr}", pytrace=False
                )


def bare(line: str) -> str:
    """A line without the width of its columns, which follows the data."""
    return " ".join(line.split())


def missing_line(shown: str, answer: str) -> str | None:
    """The first shown line that does not stand in the answer where it should; None when all do."""
    lines = [bare(line) for line in answer.splitlines()]
    at, gap = 0, True
    for line in map(bare, shown.splitlines()):
        if line == "...":
            gap = True
            continue
        here = next((k for k in range(at, len(lines)) if lines[k] == line), None) if gap else at
        if here is None or here >= len(lines) or lines[here] != line:
            return line
        at, gap = here + 1, False
    return None


@pytest.mark.parametrize("name", NAMES)
def test_what_the_document_tells_to_type_works(name: str, tmp_path: Path, store: Path) -> None:
    reader = Reader(ROOT / name, tmp_path, store)
    try:
        reader.follow()
    finally:
        reader.curl.close()


def test_a_wrong_transcript_is_noticed() -> None:
    assert missing_line("a\nb\n", "x\na\nb\n") is None
    assert missing_line("a\n...\nc\n", "a\nb\nc\n") is None
    assert missing_line("a\nc\n", "a\nb\nc\n") == "c"
    assert missing_line("b\n...\na\n", "a\nb\n") == "a"


# --------------------------------------------------------------------------------------------- form of the documents


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name: str) -> None:
    document = ROOT / name
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text_of(document)):
        if not re.match(r"https?:", target):
            assert (document.parent / target).exists(), target


@pytest.mark.parametrize("name", ENGLISH)
def test_every_page_has_a_chinese_twin_and_each_names_the_other(name: str) -> None:
    english = ROOT / name
    chinese = english.with_name(f"{english.stem}.zh.md")
    assert f"]({chinese.name})" in text_of(english)
    assert f"]({english.name})" in text_of(chinese)


@pytest.mark.parametrize("name", ENGLISH)
def test_both_twins_run_the_same_commands(name: str) -> None:
    english = ROOT / name

    def commands(document: Path) -> list[list[str]]:
        bodies = [b.body.replace("\\\n", " ") for b in blocks(document) if b.kind == "sh"]
        return [shlex.split(line, comments=True) for body in bodies for line in body.splitlines() if line.strip()]

    assert commands(english) == commands(english.with_name(f"{english.stem}.zh.md"))


def test_the_readme_begins_with_the_two_commands() -> None:
    for name in ("README.md", "README.zh.md"):
        first = next(blocks(ROOT / name))
        assert [shlex.split(line, comments=True) for line in first.body.splitlines()] == [
            ["make", "demo"],
            ["make", "test"],
        ]


# ---------------------------------------------------------------------------------- reference pages against the code


def rows(name: str, heading: str) -> dict[str, list[str]]:
    """The table under a heading: what the first cell names in backticks -> the other cells."""
    text = text_of(ROOT / name)
    found = re.search(rf"^#+ [^\n]*`{re.escape(heading)}`[^\n]*\n(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, f"{name} has no section for {heading}"
    table = [
        re.split(r"(?<!\\)\|", line.strip().strip("|")) for line in found[1].splitlines() if line.startswith("| `")
    ]
    return {cells[0].strip().strip("`"): [c.strip() for c in cells[1:]] for cells in table}


def keys_of(noun: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in noun.model_fields.items()]


def default_of(noun: type[BaseModel], key: str) -> str | None:
    """A default as the page writes it: a plain value in backticks; None where the page uses words."""
    field = next(f for n, f in noun.model_fields.items() if (f.alias or n) == key)
    value = field.default
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`" if isinstance(value, int | str) and value != "" and not field.is_required() else None


PAGES = ["docs/files.md", "docs/files.zh.md"]
EVENT_NOUNS: list[tuple[str, type[BaseModel]]] = [
    ("event", Event),
    ("emissions", Emissions),
    ("budget", Budget),
    ("limits", Limit),
    ("eligibility", EligibilityRules),
    ("settings", Settings),
    ("events", Calendar),
    ("objective", LevelSpec),
    ("factors", Factor),
]
PACK_NOUNS: list[tuple[str, type[BaseModel]]] = [
    ("pack", RulePack),
    ("tiers", Tier),
    ("retirement", Deadline),
    ("registries", Registry),
    ("classes", OfferClass),
    ("when", When),
]


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(("heading", "noun"), EVENT_NOUNS, ids=lambda x: x if isinstance(x, str) else "")
def test_every_key_of_an_event_file_is_on_the_page_with_its_default(
    name: str, heading: str, noun: type[BaseModel]
) -> None:
    table = rows(name, heading)
    assert list(table) == keys_of(noun)
    for key, cells in table.items():
        default = default_of(noun, key)
        assert default is None or cells[1].startswith(default), f"{heading}.{key}: {cells[1]} should be {default}"


def test_an_outlook_holds_factors_only() -> None:
    assert keys_of(Outlook) == ["factors"]


@pytest.mark.parametrize("name", PAGES)
def test_every_column_of_an_offers_file_is_on_the_page(name: str) -> None:
    table = rows(name, "offers")
    assert list(table) == list(COLUMNS)
    zh = name.endswith(".zh.md")
    for column, (chinese, unit, default, _example, _meaning) in table.items():
        assert chinese == COLUMNS[column].label.zh
        assert unit == (COLUMNS[column].unit.zh if zh else COLUMNS[column].unit.en)
        assert (default == ("必填" if zh else "required")) == (column in REQUIRED)


@pytest.mark.parametrize("name", PAGES)
def test_every_example_cell_of_an_offers_file_can_be_read(name: str, tmp_path: Path) -> None:
    # Forestry and order-book columns make quantity and price themselves, so they go into rows of their own.
    table = rows(name, "offers")
    example = {column: cells[3].strip("`") for column, cells in table.items()}
    made = {c.name for c in (*FORESTRY_COLUMNS, *BOOK_COLUMNS)}
    bought = {c: v for c, v in example.items() if c not in made}
    grown = {c: example[c] for c in ("area_mu", "price_per_mu", "yield_t_per_mu_yr", "yield_years", "planted_by")}
    grown |= {c: example[c] for c in ("species", "growth", "mortality")}
    curve = {c: example[c] for c in ("area_ha", "price_per_mu", "yield_curve", "planted_by")}
    lines = [
        list(COLUMNS),
        [bought.get(c, "") for c in COLUMNS],
        [{"offer_id": "2", "instrument": "forestry", **grown}.get(c, "") for c in COLUMNS],
        [{"offer_id": "3", "instrument": "forestry", **curve}.get(c, "") for c in COLUMNS],
        [{"offer_id": "4", "instrument": "ccer", "price_levels": example["price_levels"]}.get(c, "") for c in COLUMNS],
    ]
    file = tmp_path / "offers.csv"
    file.write_text("\n".join(",".join(f'"{c}"' for c in line) for line in lines), "utf-8")
    levels = example["price_levels"].count("=")
    assert len(read_offers(file).offers) == 3 + levels


@pytest.mark.parametrize("name", ["docs/plan.md", "docs/plan.zh.md"])
def test_every_field_of_a_plan_is_on_the_page(name: str) -> None:
    assert list(rows(name, "plan")) == list(Plan.model_fields)
    for field in ("events", "totals", "lines", "tiers", "fiscal_years", "registries", "levels", "offers", "rules"):
        noun = part_of(Plan.model_fields[field].annotation)
        assert list(rows(name, field)) == keys_of(noun), field


def part_of(annotation: Any) -> type[BaseModel]:
    """The part itself: Line of tuple[Line, ...]."""
    inside = [a for a in get_args(annotation) or (annotation,) if isinstance(a, type) and issubclass(a, BaseModel)]
    return inside[0]


@pytest.mark.parametrize("name", ["docs/plan.md", "docs/plan.zh.md"])
def test_every_reason_is_on_the_page(name: str) -> None:
    assert set(rows(name, "reasons")) >= {r.code for r in REASONS}


@pytest.mark.parametrize("name", ["docs/rule-packs.md", "docs/rule-packs.zh.md"])
@pytest.mark.parametrize(("heading", "noun"), PACK_NOUNS, ids=lambda x: x if isinstance(x, str) else "")
def test_every_key_of_a_rule_pack_is_on_the_page(name: str, heading: str, noun: type[BaseModel]) -> None:
    assert list(rows(name, heading)) == keys_of(noun)


MARKET_PAGES = ["docs/market.md", "docs/market.zh.md"]


@pytest.mark.parametrize("name", MARKET_PAGES)
def test_every_feed_is_on_the_page_with_whether_it_is_fetched(name: str) -> None:
    yes, no = ("是", "否") if name.endswith(".zh.md") else ("yes", "no")
    fetched = {feed: no if it.fetch is None else yes for feed, it in FEEDS.items()}
    assert {feed: cells[2] for feed, cells in rows(name, "offers import").items()} == {"file": no, **fetched}


@pytest.mark.parametrize("name", MARKET_PAGES)
def test_every_doubt_is_on_the_page_with_what_becomes_of_it(name: str) -> None:
    yes, no, never = ("是", "否", "不可") if name.endswith(".zh.md") else ("yes", "no", "never")
    wanted = {code: yes if code in EXCLUDED_BY_DEFAULT else no for code in DOUBTS} | dict.fromkeys(MARKET_DOUBTS, never)
    assert {code: cells[0] for code, cells in rows(name, "--exclude").items()} == wanted


SCENARIO_PAGES = ["docs/scenarios.md", "docs/scenarios.zh.md"]
SCENARIO_NOUNS: list[tuple[str, type[BaseModel]]] = [
    ("scenario", Scenario),
    ("budget", BudgetChange),
    ("prices", PriceChange),
    ("availability", AvailabilityChange),
    ("offers", OffersChange),
    ("limits", LimitsChange),
    ("emissions", EmissionsChange),
    ("dates", DatesChange),
]


@pytest.mark.parametrize("name", SCENARIO_PAGES)
@pytest.mark.parametrize(("heading", "noun"), SCENARIO_NOUNS, ids=lambda x: x if isinstance(x, str) else "")
def test_every_key_of_a_scenario_file_is_on_the_page_with_its_default(
    name: str, heading: str, noun: type[BaseModel]
) -> None:
    table = rows(name, heading)
    assert sorted(table) == sorted(keys_of(noun))
    for key, cells in table.items():
        default = default_of(noun, key)
        assert default is None or cells[1].startswith(default), f"{heading}.{key}: {cells[1]} should be {default}"


@pytest.mark.parametrize("name", SCENARIO_PAGES)
def test_every_example_of_a_scenarios_key_can_be_read(name: str) -> None:
    content = {key: yaml.safe_load(cells[2].strip("`")) for key, cells in rows(name, "scenario").items()}
    assert set(Scenario.model_validate(content).dump()) == set(content)


@pytest.mark.parametrize("name", SCENARIO_PAGES)
def test_every_ready_scenario_is_on_the_page(name: str) -> None:
    assert list(rows(name, "--scenarios")) == list(READY)


@pytest.mark.parametrize("name", ["docs/python.md", "docs/python.zh.md"])
def test_every_column_of_a_frame_is_on_the_page_with_its_type(name: str) -> None:
    day = date(2026, 11, 22)
    offers = synthetic_market(5, 7, day)
    quotes = Quotes.of([Quote(day, "ccer", "CCER", "能源", average_fen=8000, volume_kg=1000)])
    frames = {
        "offers_to_frame": offers_to_frame(offers),
        "Series": daily(quotes, "ccer").frame,
        "Differences": differences(offers, offers, day).to_frame(),
    }
    for heading, frame in frames.items():
        types = {column: str(kind).removesuffix("[pyarrow]") for column, kind in frame.dtypes.items()}
        assert {column: cells[0] for column, cells in rows(name, heading).items()} == types
    compared = {column: "Int64" if column in INTEGERS else "str" for column in COMPARED}
    assert {column: cells[0] for column, cells in rows(name, "SideBySide").items()} == compared


OPERATORS = ["docs/operators.md", "docs/operators.zh.md"]


@pytest.mark.parametrize("name", OPERATORS)
def test_every_setting_of_the_service_is_on_the_page_with_its_default_and_meaning(name: str) -> None:
    lang: Language = "zh" if name.endswith(".zh.md") else "en"
    wanted = {f"JINHENG_{f.name.upper()}": (f, MEANINGS[f.name].say(lang)) for f in fields(ServiceSettings)}
    table = rows(name, "config show")
    assert list(table) == list(wanted)
    for variable, (field, meaning) in wanted.items():
        shown = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
        computed = field.name in ("database", "planners")  # of the user, and of the machine
        assert table[variable][1] == meaning and (computed or table[variable][0] == f"`{shown}`"), variable


@pytest.mark.parametrize("name", ["docs/service.md", "docs/service.zh.md"])
def test_every_kind_of_problem_is_on_the_page(name: str) -> None:
    lang: Language = "zh" if name.endswith(".zh.md") else "en"
    table = re.findall(r"^\| (\d{3}) \| `(\w+)` \| (.+) \|$", text_of(ROOT / name), re.MULTILINE)
    assert {code: (int(status), title) for status, code, title in table} == {
        code: (kind.status, kind.title.say(lang)) for code, kind in KINDS.items()
    }


def test_the_changelog_knows_the_version() -> None:
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert version is not None
    assert f"## [{version[1]}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")
