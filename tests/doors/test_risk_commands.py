"""Risk, sweeps and a calendar's budget on the command line. All numbers are made up."""

import csv
import json
import math
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.forking import process

AS_OF = ("--as-of", "2026-06-30")
EVENT = """\
id: fair
end_date: 2026-05-11
region: "14"
emissions: {tonnes: 1000, low: 800, high: 1300, status: estimated}
budget: {total: 82000}
"""
CALENDAR = """\
id: two-events
events:
  - {id: b-event, end_date: 2026-05-11, emissions: {tonnes: 400, low: 300, high: 500, status: estimated}}
  - {id: a-event, end_date: 2026-06-01, emissions: {tonnes: 300, low: 250, high: 450, status: estimated}}
"""
OFFERS = """\
offer_id,instrument,mechanism,region,vintage,seller,quantity,price,valid_until,firm
CCER-1,ccer,,14,2025,甲,500,80,2027-01-31,yes
CCER-2,ccer,,14,2025,乙,900,90,2027-01-31,no
CEA-1,allowance,CEA,,2025,丙,5000,75,,yes
"""
DRAWS = ("--draws", "200", "--seed", "7")


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an event, a calendar and a market, and a home without a price history."""
    monkeypatch.setenv("JINHENG_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("JINHENG_DATABASE", raising=False)
    monkeypatch.chdir(tmp_path)
    for name, text in (("event.yaml", EVENT), ("calendar.yaml", CALENDAR), ("offers.csv", OFFERS)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def history(desk: Path, jinheng: Any) -> None:
    """Thirty months to June 2026 that swing about a level."""
    lines = ["month,instrument,price,volume"]
    for k in range(30):
        year, month = divmod(2024 * 12 + k, 12)
        for name, level, swing in (("allowance", 70, math.sin(2.1 * k)), ("ccer", 85, math.cos(1.7 * k))):
            lines.append(f"{year}-{month + 1:02d},{name},{level + 6 * swing:.2f},1000")
    (desk / "history.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert jinheng("history", "import", "monthly-prices", "history.csv", *AS_OF).code == 0


def asked(command: str, *more: str, event: str = "event.yaml") -> list[str]:
    return [command, event, "--offers", "offers.csv", *AS_OF, *DRAWS, *more]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_of_risk_tells_cost_chances_drivers_and_what_it_rests_on(jinheng: Any, lang: str) -> None:
    answer = jinheng(*asked("risk", "--lang", lang))
    assert answer.code == 0, answer
    wanted = {
        "zh": ("P95", "CVaR95", "不超预算", "全部覆盖", "排放量", "均值回复", "假设", "种子 7", "ccer 29"),
        "en": ("P95", "CVaR95", "within budget", "full coverage", "emissions", "mean-reverting", "assumed", "seed 7"),
    }
    assert [word for word in wanted[lang] if word not in answer.out] == []
    widths = [sum(2 if ord(c) > 0x2E80 else 1 for c in line) for line in answer.out.splitlines()]
    assert max(widths) <= 80


@pytest.mark.usefixtures("history")
def test_the_same_seed_gives_the_same_answer_and_another_seed_another(jinheng: Any) -> None:
    first, again = (jinheng(*asked("risk", "--json")).out for _ in range(2))
    assert first == again
    other = json.loads(jinheng(*asked("risk", "--json", "--seed", "8")).out)
    assert other["cost"]["mean"] != json.loads(first)["cost"]["mean"]


def test_risk_without_a_history_says_that_prices_do_not_move(jinheng: Any) -> None:
    found = json.loads(jinheng(*asked("risk", "--json", "--lang", "en")).out)
    assert found["basis"]["model"] == "none"
    assert [f["code"] for f in found["basis"]["findings"]] == ["prices_flat"]
    assert {d["driver"] for d in found["drivers"]} == {"availability", "emissions"}


def test_a_model_that_is_asked_for_without_a_history_is_a_fault_that_names_the_import(jinheng: Any) -> None:
    answer = jinheng(*asked("risk", "--model", "bootstrap", "--lang", "en"))
    assert answer.code == 2
    assert "jinheng history import" in answer.err


def test_nothing_uncertain_costs_in_every_draw_what_the_plan_costs(jinheng: Any, desk: Path) -> None:
    sure = EVENT.replace(", low: 800, high: 1300, status: estimated", ", status: verified")
    (desk / "sure.yaml").write_text(sure, encoding="utf-8")
    made = asked("risk", "--model", "none", "--fall-through", "none", "--json", event="sure.yaml")
    found = json.loads(jinheng(*made).out)
    # Order first: 500 t at 80 and 500 t at 90 yuan; the allowances at 75 come after them: 40,000 + 45,000. The budget
    # of 82,000 holds the plan: with c t of the second seller and a of allowances, 90 c + 75 a = 42,000, c + a = 500,
    # c = 300 t, a = 200 t.
    assert found["plan_cost"] == "82000.00"
    assert found["cost"]["P50"]["value"] == found["cost"]["P95"]["value"] == "85000.00"
    assert found["within_budget"]["value"] == "0.0000"
    assert found["drivers"] == []
    kept = json.loads(jinheng(*made, "--keep-budget").out)
    assert float(kept["cost"]["P95"]["value"]) == pytest.approx(82000, abs=0.02)
    assert kept["within_budget"]["value"] == "1.0000"


@pytest.mark.usefixtures("history")
def test_a_plan_that_is_held_to_costs_no_less_on_average_than_one_made_anew(jinheng: Any) -> None:
    # Cheapest first, so that planning anew can only be cheaper in every draw that is covered.
    options = ("--objective", "cost-first", "--fall-through", "none", "--json")
    anew = json.loads(jinheng(*asked("risk", *options)).out)
    held = json.loads(jinheng(*asked("risk", *options, "--hold")).out)
    assert held["conduct"] == "replace"
    assert float(held["cost"]["mean"]["value"]) >= float(anew["cost"]["mean"]["value"]) - 0.01


@pytest.mark.usefixtures("history")
def test_the_two_stage_plan_stands_beside_the_others_with_its_values(jinheng: Any) -> None:
    options = ("--stochastic", "--scenarios", "40", "--tail-weight", "0.2")
    found = json.loads(jinheng(*asked("risk", *options, "--json")).out)["stochastic"]
    assert found["draws"] == 40
    assert found["tail_weight"] == "0.2000"
    assert float(found["value_of_the_stochastic_solution"]) >= 0
    assert float(found["value_of_perfect_information"]) >= 0
    page = jinheng(*asked("risk", *options, "--lang", "en"))
    assert "VSS" in page.out
    assert "EVPI" in page.out


def test_every_fault_of_the_options_and_files_is_told_at_once(jinheng: Any) -> None:
    wrong = ("--draws", "0", "--seed", "-1", "--model", "oracle", "--fall-through", "2,3", "--yield-spread", "wide")
    more = ("--scenarios", "many", "--tail-weight", "2", "--workers", "0", "--buy-on", "someday", "-o", "risk.doc")
    call = ["risk", "nowhere.yaml", "--offers", "nothing.csv", *AS_OF, *wrong, *more]
    answer = jinheng(*call, "--json", "--lang", "en")
    assert answer.code == 2
    faults = json.loads(answer.out)["faults"]
    said = " ".join(json.dumps(f) for f in faults)
    options = [*wrong[::2], *more[::2], "nowhere.yaml", "nothing.csv"]
    assert [name for name in options if name not in said] == []
    assert "Traceback" not in jinheng(*call).err


def test_a_day_of_purchase_out_of_range_is_placed_at_its_option(jinheng: Any) -> None:
    for day in ("2026-06-01", "2031-01-01"):
        answer = jinheng(*asked("sweep", "--buy-on", day, "--lang", "en"))
        assert answer.code == 2
        assert "--buy-on" in answer.err


def test_risk_is_written_as_json_workbook_and_table(jinheng: Any, desk: Path) -> None:
    for name in ("risk.json", "risk.xlsx", "risk.csv"):
        assert jinheng(*asked("risk", "-o", name)).code == 0
    told = json.loads((desk / "risk.json").read_text(encoding="utf-8"))
    assert told == json.loads(jinheng(*asked("risk", "--json")).out)
    by_name = {row["量"]: row["值"] for row in rows_of(desk / "risk.csv")}
    assert float(by_name["成本 P95"]) == float(told["cost"]["P95"]["value"])
    assert (desk / "risk.xlsx").read_bytes()[:2] == b"PK"


@pytest.mark.parametrize(("command", "event"), [("risk", "event.yaml"), ("calendar", "calendar.yaml")])
def test_risk_and_a_calendar_are_drawn_as_pictures(jinheng: Any, desk: Path, command: str, event: str) -> None:
    for name, start in (("p.svg", b"<svg"), ("p.png", b"\x89PNG"), ("p.html", b"<!doctype html>")):
        assert jinheng(*asked(command, "-o", name, event=event)).code == 0
        assert (desk / name).read_bytes().startswith(start)


# ---------------------------------------------------------------------------------------------------------------- sweep


@pytest.mark.usefixtures("history")
def test_a_sweep_lists_every_draw_and_agrees_with_its_summary(jinheng: Any, desk: Path) -> None:
    summary = json.loads(jinheng(*asked("sweep", "-o", "draws.csv", "--json")).out)
    rows = rows_of(desk / "draws.csv")
    assert [row["draw"] for row in rows] == [str(k) for k in range(200)]
    costs = [float(row["cost_yuan"]) for row in rows]
    assert max(abs(float(r["covered_t"]) + float(r["shortfall_t"]) - float(r["need_t"])) for r in rows) < 0.002
    assert sum(costs) / 200 == pytest.approx(float(summary["cost"]["mean"]["value"]), abs=0.01)
    within = sum(row["within_budget"] == "true" for row in rows) / 200
    assert f"{within:.4f}" == summary["within_budget"]["value"]
    assert not (desk / "draws.csv.parts").exists()


def test_one_worker_and_two_write_the_same_file(jinheng: Any, desk: Path) -> None:
    made = asked("sweep", "--draws", "600")  # more than one range of draws
    assert jinheng(*made, "-o", "one.csv").code == 0
    assert jinheng(*made, "-o", "two.csv", "--workers", "2").code == 0
    assert (desk / "one.csv").read_bytes() == (desk / "two.csv").read_bytes()


@pytest.fixture
def slow_event(desk: Path) -> str:
    """An event of which every draw is a linear program, over enough offers for many short ranges."""
    least = "limits:\n  - {where: {instrument: ccer}, min_share: 0.2}\n"
    (desk / "slow.yaml").write_text(EVENT + least, encoding="utf-8")
    lines = [f"X-{k:04d},ccer,,14,2025,S{k % 7},{3 + k % 5},{70 + k % 23},,no" for k in range(1200)]
    (desk / "offers.csv").write_text(OFFERS + "\n".join(lines) + "\n", encoding="utf-8")
    return "slow.yaml"


def test_a_sweep_killed_in_the_middle_goes_on_and_equals_one_undisturbed(
    jinheng: Any, desk: Path, slow_event: str
) -> None:
    made = asked("sweep", "--draws", "130", "-o", "draws.csv", event=slow_event)
    with process("-m", "api", *made, stderr=subprocess.DEVNULL) as one:
        parts, until = desk / "draws.csv.parts", time.monotonic() + 60
        while len(list(parts.glob("*.npz"))) < 2 and one.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        one.send_signal(signal.SIGKILL)
    saved = {path: path.stat().st_mtime_ns for path in parts.glob("*.npz")}
    assert len(saved) >= 2
    assert not (desk / "draws.csv").exists()
    next(iter(saved)).write_bytes(b"PK damaged")  # made again, not believed
    kept = asked("sweep", "--draws", "130", "--resume", "draws.csv.parts", "-o", "resumed.csv", event=slow_event)
    assert jinheng(*kept).code == 0
    untouched = [path for path, written in saved.items() if path.stat().st_mtime_ns == written]
    assert len(untouched) == len(saved) - 1
    assert jinheng(*asked("sweep", "--draws", "130", "-o", "whole.csv", event=slow_event)).code == 0
    assert (desk / "resumed.csv").read_bytes() == (desk / "whole.csv").read_bytes()


def test_a_stopped_sweep_says_where_its_draws_are(desk: Path, slow_event: str) -> None:
    made = asked("sweep", "-o", "draws.csv", "--lang", "en", event=slow_event)
    with process("-m", "api", *made, "--draws", "5000", stderr=subprocess.PIPE) as one:
        until = time.monotonic() + 60
        while not list((desk / "draws.csv.parts").glob("*.npz")) and time.monotonic() < until:
            time.sleep(0.02)
        one.send_signal(signal.SIGINT)
        assert one.stderr
        err = one.stderr.read()
    assert one.returncode == 130
    assert "draws.csv.parts" in err
    assert "Traceback" not in err


# ------------------------------------------------------------------------------------------------------------- calendar


@pytest.mark.usefixtures("history")
def test_a_calendar_has_budgets_by_year_one_reserve_against_many_and_latest_dates(jinheng: Any, desk: Path) -> None:
    made = asked("calendar", "-o", "year.json", event="calendar.yaml")
    page = jinheng(*made, "--lang", "en")
    assert page.code == 0, page
    for word in ("P50", "P80", "P95", "one for all", "Latest dates", "2026", "a-event"):
        assert word in page.out
    told = json.loads((desk / "year.json").read_text(encoding="utf-8"))
    both = {r["event_id"]: r for r in told["reserves"] if r["year"] is None}
    assert set(both) == {None, "a-event", "b-event"}
    level = next(p for p in told["pooling"] if p["level"] == "P95")
    separate = sum(float(both[e]["P95"]) - float(both[e]["planned"]) for e in ("a-event", "b-event"))
    assert float(level["separate"]) == pytest.approx(separate, abs=0.02)
    # Tail means of a sum are at most the sum of tail means, whatever the draws.
    assert float(both[None]["CVaR95"]) <= float(both["a-event"]["CVaR95"]) + float(both["b-event"]["CVaR95"]) + 0.02
    assert all(c["latest"] <= c["deadline"] for c in told["commitments"])


def test_a_calendar_is_written_as_workbook_and_table(jinheng: Any, desk: Path) -> None:
    for name in ("year.xlsx", "year.csv"):
        assert jinheng(*asked("calendar", "-o", name, "--lang", "en", event="calendar.yaml")).code == 0
    assert {row["event"] for row in rows_of(desk / "year.csv")} == {"all", "a-event", "b-event"}
    assert (desk / "year.xlsx").read_bytes()[:2] == b"PK"
