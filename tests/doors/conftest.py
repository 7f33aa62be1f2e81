"""A small event and a small market that every door is shown, and the ways through the command line."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

AS_OF = "2026-11-22"

EVENT = """\
id: small-event
name: 小型会议
end_date: 2026-10-11
emissions: {tonnes: 1000.5, status: verified, verifier: 示例机构, verified_on: 2026-11-05}
budget: {total: 100000}
limits:
  - {group: seller, max_share: 0.6}
"""
OFFERS = """\
offer_id,instrument,mechanism,region,vintage,seller,quantity,price,fixed_fee,fee_rate,valid_until,price_breaks
PHB-1,carbon_inclusion,三晋绿色生活,14,2025,甲,200,60,,,2026-12-31,
CCER-1,ccer,,14,2025,乙,500,80,100,0.01,2027-01-31,200=78
CEA-1,allowance,CEA,,2025,丙,5000,75,,,,
CCER-2,ccer,,11,2025,丁,5000,50,,,,
OLD-1,allowance,CEA,,2019,戊,500,20,,,2026-01-01,
"""
CALENDAR = """\
id: two-events
budget: {by_fiscal_year: {2026: 60000, 2027: 40000}, carry_forward: true}
objective: order-first
events:
  - {id: b-event, end_date: 2026-10-11, priority: 1, emissions: {tonnes: 400, low: 300, high: 500, status: estimated}}
  - {id: a-event, end_date: 2026-09-01, over_cover: 0.1, emissions: {tonnes: 300.25, status: verified}}
"""


class Answer(NamedTuple):
    code: int
    out: str
    err: str


class Files(NamedTuple):
    """Where the small event and market are, and the commands over them."""

    folder: Path

    @property
    def event(self) -> Path:
        return self.folder / "event.yaml"

    @property
    def offers(self) -> Path:
        return self.folder / "offers.csv"

    def plan(self, *more: str) -> list[str]:
        return ["plan", str(self.event), "--offers", str(self.offers), "--as-of", AS_OF, *more]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    (tmp_path / "event.yaml").write_text(EVENT, encoding="utf-8")
    (tmp_path / "calendar.yaml").write_text(CALENDAR, encoding="utf-8")
    (tmp_path / "offers.csv").write_text(OFFERS, encoding="utf-8")
    return Files(tmp_path)


@pytest.fixture
def jinheng(capsys: pytest.CaptureFixture[str]) -> Any:
    """The command line in this process: jinheng("plan", ...) -> Answer."""
    from api.cli import run

    def call(*arguments: str) -> Answer:
        capsys.readouterr()
        code = run(arguments)
        return Answer(code, *capsys.readouterr())

    return call


@pytest.fixture
def jinheng_process() -> Any:
    """The command line in a process of its own."""

    def call(*arguments: str, **environment: str) -> Answer:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "JINHENG"))}
        done = subprocess.run(
            [sys.executable, "-m", "api", *arguments],
            capture_output=True,
            env=kept | {"PYTHONIOENCODING": "utf-8"} | environment,
            timeout=120,
            check=False,
        )
        return Answer(done.returncode, done.stdout.decode(), done.stderr.decode())

    return call


@pytest.fixture(scope="session")
def plans_made() -> dict[Any, Any]:
    """What was planned before: the files, the options and the language -> the plan."""
    return {}


@pytest.fixture
def small_plan(files: Files, plans_made: dict[Any, Any]) -> Any:
    """The plan of the small event as its files are, in a language; the same one whenever it is asked for."""
    from api import read_problem
    from optimizer import plan

    def make(lang: Any = "zh", event: str = "event.yaml", **options: Any) -> Any:
        asked = (files.folder / event, files.offers)
        key = (*(path.read_bytes() for path in asked), lang, *sorted(options.items()))
        if key not in plans_made:
            plans_made[key] = plan(read_problem(*asked, as_of=AS_OF, **options), lang=lang)
        return plans_made[key]

    return make


@pytest.fixture
def plan_file(small_plan: Any, tmp_path: Path) -> Path:
    path = tmp_path / "plan.json"
    path.write_text(small_plan().to_json(), encoding="utf-8")
    return path


def as_json(text: str) -> Any:
    return json.loads(text)
