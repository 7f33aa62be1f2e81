"""`jinheng frontier` and `jinheng budget` as users open them: pages in both languages, JSON, files, bad input.

The small market is solved by hand in tests/worked/test_frontier.py. One event needs 100 t; A of tier 1, 60 t at 100
yuan; B of tier 4, 100 t at 80; C unranked, 200 t at 50. Cheapest 100 C = 5,000; 60 A + 40 C = 8,000; full order
60 A + 40 B = 9,200.
"""

import csv
import json
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from python_calamine import CalamineWorkbook
from rich.cells import cell_len

AS_OF = "2026-11-22"
EXAMPLES = Path(__file__).resolve().parent.parent.parent / "api" / "examples"
OFFERS = """\
offer_id,instrument,mechanism,region,quantity,price
A,carbon_inclusion,三晋绿色生活,,60,100
B,allowance,CEA,,100,80
C,credit,VCS,15,200,50
"""
EVENT = """\
id: e
end_date: 2026-10-11
emissions: {{tonnes: 100, status: verified, verifier: 示例机构, verified_on: 2026-11-05}}
{more}
"""


class Small(NamedTuple):
    """The hand-solved event and market, and commands over them."""

    folder: Path
    jinheng: Any

    def command(self, name: str, *more: str, event: str = "") -> list[str]:
        path = self.folder / "event.yaml"
        path.write_text(EVENT.format(more=event), encoding="utf-8")
        return [name, str(path), "--offers", str(self.folder / "offers.csv"), "--as-of", AS_OF, *more]

    def page(self, name: str, *more: str, lang: str = "en", event: str = "") -> str:
        answer = self.jinheng(*self.command(name, *more, event=event), "--lang", lang)
        assert answer.code == 0, answer.err
        assert widest(answer.out) <= 80
        return str(answer.out)

    def told(self, name: str, *more: str, lang: str = "en", event: str = "") -> Any:
        answer = self.jinheng(*self.command(name, *more, event=event), "--json", "--lang", lang)
        assert answer.code == 0, answer.err
        return json.loads(answer.out)

    def refused(self, name: str, *more: str, event: str = "") -> list[tuple[str, str]]:
        """(path, code) of every fault, after both languages and JSON were seen to be sound."""
        for lang in ("zh", "en"):
            answer = self.jinheng(*self.command(name, *more, event=event), "--lang", lang)
            assert (answer.code, answer.out) == (2, "")
            assert "Traceback" not in answer.err and len(answer.err.splitlines()) > 1
        answer = self.jinheng(*self.command(name, *more, event=event), "--json")
        document = json.loads(answer.out)
        assert (answer.code, document["error"]) == (2, "bad_input")
        return sorted((f.get("path", ""), f["code"]) for f in document["faults"])


@pytest.fixture
def small(tmp_path: Path, jinheng: Any) -> Small:
    (tmp_path / "offers.csv").write_text(OFFERS, encoding="utf-8")
    return Small(tmp_path, jinheng)


def widest(page: str) -> int:
    return max(cell_len(line) for line in page.splitlines())


def lines_with(page: str, start: str) -> list[list[str]]:
    return [line.split() for line in page.splitlines() if line.strip().startswith(start)]


# ------------------------------------------------------------------------------------------------------------ frontier


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_frontier_as_json_has_the_points_that_the_contract_promises(small, lang):
    """`points` with `cost` and `tiers` of tier 1 .. n + 1, decimal strings."""
    told = small.told("frontier", lang=lang)
    assert [(p["cost"], p["tiers"]) for p in told["points"]] == [
        ("5000.00", ["0", "0", "0", "0", "100"]),
        ("8000.00", ["60", "0", "0", "0", "40"]),
        ("9200.00", ["60", "0", "0", "40", "0"]),
    ]
    assert [p["knee"] for p in told["points"]] == [False, True, False]
    assert [(e["objective"], e["cost"]) for e in told["whole_lots"]] == [
        ("cost-first", "5000.00"),
        ("priority-first", "9200.00"),
    ]
    assert len(told["tier_names"]) == 5 and told["as_of"] == AS_OF
    assert told["alternatives"] is None


def test_the_frontiers_page_tells_its_ends_its_breakpoints_its_knee_and_what_money_buys(small):
    """4,200 yuan more are 84 % of 5,000; 3,000 of them (71.4 %) go 240 of 280 (85.7 %) of the way."""
    page = small.page("frontier")
    flat = " ".join(page.split())
    assert "The full order costs 4,200.00 yuan more than the cheapest lawful plan (84 %)." in flat
    assert "The knee is at 8,000.00 yuan (*): 71.4 % of that money goes 85.7 % of the way to the order." in flat
    assert ["*", "8,000.00", "60", "0", "40"] in lines_with(page, "*")
    # 10,000 / 50 = 200; 10,000 / 30 = 333.333
    assert "5,000.00 8,000.00 50.00 move 200 t from tier 5 to tier 1" in flat
    assert "8,000.00 9,200.00 30.00 move 333.333 t from tier 5 to tier 4" in flat
    assert "full order, whole lots 9,200.00 0" in flat


def test_the_frontiers_page_speaks_chinese(small):
    """The same numbers in Chinese sentences, and no English ones."""
    page = small.page("frontier", lang="zh")
    assert "完全按推荐顺序比最便宜的合规方案多 4,200.00 元 (84 %)。" in page
    assert "200 吨由第 5 层移到第 1 层" in page
    assert "yuan" not in page and "tier" not in page


def test_a_frontier_of_one_point_says_so(small):
    """4,000 yuan buy 80 C and nothing else covers as much."""
    page = small.page("frontier", "--budget", "4000")
    assert "Short of 20 t at the least" in page
    assert "The cheapest lawful plan is the full order: one point." in page
    assert "Breakpoints" not in page


def test_single_plans_with_a_points_cost_as_their_budget_have_the_points_tiers(small):
    """At and between breakpoints, divisible; a plan's quantities are whole kg."""
    event = "settings: {whole_lots: false}"
    points = small.told("frontier", event=event)["points"]
    middle = {"cost": "6500.00", "tiers": ["30", "0", "0", "0", "70"]}  # half of the way from 5,000 to 8,000
    for point in (*points, middle):
        plan = small.told("plan", "--budget", point["cost"], event=event)
        found = {t["tier"]: Decimal(t["effective_t"]) for t in plan["tiers"]}
        assert plan["totals"]["shortfall_t"] == "0"
        for tier, t in enumerate(point["tiers"], start=1):
            assert abs(found.get(tier, Decimal(0)) - Decimal(t)) <= Decimal("0.002")


def test_alternatives_are_told_with_what_differs_from_the_base(small):
    """Within 20 % of 5,000: 33.333 t of B or 20 t of A instead of as much C."""
    more = ("--alternatives", "5", "--within", "0.2", "--objective", "cost-first")
    told = small.told("frontier", *more)["alternatives"]
    assert [p["cost"] for p in told["portfolios"]] == ["5000.00", "5999.99", "6000.00"]
    assert told["portfolios"][2]["changes"][0] == {"event_id": "e", "offer_id": "A", "change_t": "20"}
    page = small.page("frontier", *more)
    assert "at most 20 % dearer" in page
    assert "A +20; C -20 t" in page
    assert "与基准不同之处" in small.page("frontier", *more, lang="zh")


def test_where_the_order_leaves_no_alternative_the_page_says_why(small):
    """60 t of A stay, and 40 t of B have no other of their tier."""
    assert "leave no other portfolio" in small.page("frontier", "--alternatives", "2")


# -------------------------------------------------------------------------------------------------------------- budget


def test_the_budget_curve_as_json_has_its_breakpoints_and_where_more_changes_nothing(small):
    """50 yuan a tonne up to 5,000, then the frontier; a budget of 2,500 covers 50 t."""
    told = small.told("budget", event="budget: {total: 2500}")
    assert [(p["money"], p["covered_t"]) for p in told["points"]] == [
        ("0.00", "0"),
        ("5000.00", "100"),
        ("8000.00", "100"),
        ("9200.00", "100"),
    ]
    assert [m["yuan_per_t"] for m in told["marginals"]] == ["50", None, None]
    assert (told["enough"], told["nothing_beyond"]) == ("5000.00", "9200.00")
    assert (told["own_budget"]["money"], told["own_budget"]["covered_t"]) == ("2500.00", "50")
    assert told["break_evens"] == []


def test_the_budgets_page_tells_what_the_own_budget_gives_and_what_a_tonne_costs(small):
    """`--budget` is looked up on the same curve."""
    page = small.page("budget", "--budget", "2500")
    assert "Full coverage takes 5,000.00 yuan." in page
    assert "Beyond 9,200.00 yuan more money changes nothing." in page
    assert "The budget of 2,500.00 yuan covers 50 t (50 %) and spends 2,500.00 yuan." in " ".join(page.split())
    assert ["0.00", "0", "%", "0", "0", "0", "50.00"] in lines_with(page, "0.00")
    chinese = small.page("budget", "--budget", "2500", lang="zh")
    assert "现有预算 2,500.00 元: 覆盖 50 吨 (50 %), 花费 2,500.00 元。" in chinese


def test_single_plans_cover_what_the_budget_curve_says(small):
    """Under every objective without slack, at and between breakpoints."""
    event = "settings: {whole_lots: false}"
    for objective in ("priority-first", "cost-first"):
        for money in ("1234.56", "5000", "7000", "9999"):
            own = small.told("budget", "--objective", objective, "--budget", money, event=event)["own_budget"]
            answer = small.jinheng(
                *small.command("plan", "--objective", objective, "--budget", money, event=event), "--json"
            )
            totals = json.loads(answer.out)["totals"]
            assert abs(Decimal(totals["covered_t"]) - Decimal(own["covered_t"])) <= Decimal("0.002")
            assert abs(Decimal(totals["cost"]) - Decimal(own["spent"])) <= Decimal("0.20")  # two kg of the dearest


def test_what_only_whole_years_limit_is_said_beside_the_curve(small):
    """A budget by fiscal year has no total to look up on the curve."""
    told = small.told("budget", event="budget: {by_fiscal_year: {2026: 5000}}")
    assert told["own_budget"] is None
    assert [w["code"] for w in told["warnings"] if w["code"] == "curve_by_year"] == ["curve_by_year"]


def test_full_coverage_and_met_min_shares_are_told_apart(small):
    """100 C for 5,000 cover everything; 30 t of tier 1 instead of C cost 30 x 50 = 1,500 more."""
    limit = "limits: [{where: {tier: 1}, min_share: 0.3}]"
    told = small.told("budget", event=limit)
    assert (told["enough"], told["min_shares_met"]) == ("5000.00", "6500.00")
    assert [p["missed_t"] for p in told["points"]][:3] == ["30", "30", "0"]
    page = small.page("budget", event=limit)
    assert "With the min shares met too: 6,500.00 yuan." in page
    assert "share short t" in page and "缺份额 吨" in small.page("budget", event=limit, lang="zh")


def test_cost_against_emissions_and_margin_bend_where_an_offer_is_used_up(small):
    """A to 60 t, B to 160 t, then C: 6,000, 14,000; a margin of 0.6 is a need of 160 t."""
    told = small.told("budget", "--against", "emissions", "--low", "0.5", "--high", "2")
    assert [(p["need"], p["cost"]) for p in told["points"]] == [
        ("0.5", "5000.00"),
        ("0.6", "6000.00"),
        ("1.6", "14000.00"),
        ("2", "16000.00"),
    ]
    told = small.told("budget", "--against", "margin", "--high", "1")
    assert [(p["margin"], p["cost"]) for p in told["points"]] == [
        ("0", "9200.00"),
        ("0.6", "14000.00"),
        ("1", "16000.00"),
    ]
    assert told["enough"] is None and told["own_budget"] is None
    page = small.page("budget", "--against", "margin", "--high", "1")
    assert ["0.6", "14,000.00", "60", "100", "0", "50.00"] in lines_with(page, "0.6")
    assert "倍数" in small.page("budget", "--against", "emissions", lang="zh")


def test_break_evens_are_told_with_the_curve(small):
    """Where cost comes first A is worth what C costs, 50; C what B costs, 80; instruments by a factor: A at half."""
    asked = ("--objective", "cost-first", "--break-even", "A", "--break-even", "C", "--break-even", "carbon_inclusion")
    told = small.told("budget", *asked)["break_evens"]
    assert [(b["of"], b["kind"], b["break_even"]) for b in told] == [
        ("A", "offer", "50"),
        ("C", "offer", "80"),
        ("carbon_inclusion", "instrument", "0.5"),
    ]
    page = small.page("budget", *asked)
    assert "A: bought (60 t) up to 50 yuan/t (now 100 yuan/t)" in page
    assert "C: bought (100 t) up to 80 yuan/t (now 50 yuan/t)" in page
    assert "up to 0.5 times its prices" in " ".join(page.split())
    assert "价格至多 50 元/吨时买 60 吨" in small.page("budget", *asked, lang="zh")


def test_the_order_may_decide_whatever_the_price(small):
    """Tier 1 takes all of A; C would lose for nothing."""
    page = small.page("budget", "--break-even", "A", "--break-even", "C")
    assert "A: 60 t are needed at any price" in page
    assert "C: beaten by the order, not bought even for 0 yuan" in page


# --------------------------------------------------------------------------------------------------------------- files


def test_csv_has_every_breakpoint_under_heads_of_the_callers_language(small, tmp_path):
    """Exact decimals, UTF-8 with BOM."""
    path = tmp_path / "frontier.csv"
    small.page("frontier", "-o", str(path), lang="zh")
    rows = list(csv.DictReader(StringIO(path.read_text(encoding="utf-8-sig"))))
    assert [r["成本 (元)"] for r in rows] == ["5000.00", "8000.00", "9200.00"]
    assert [r["第 1 层 (吨)"] for r in rows] == ["0", "60", "60"]
    assert [r["拐点"] for r in rows] == ["", "*", ""]
    small.page("budget", "-o", str(path))
    rows = list(csv.DictReader(StringIO(path.read_text(encoding="utf-8-sig"))))
    assert [r["budget (yuan)"] for r in rows] == ["0.00", "5000.00", "8000.00", "9200.00"]
    assert [r["next tonne (yuan/t)"] for r in rows] == ["50", "", "", ""]


def test_workbooks_have_a_sheet_for_each_part(small, tmp_path):
    """Numbers are numbers."""
    path = tmp_path / "curve.xlsx"
    small.page("frontier", "--alternatives", "1", "--objective", "cost-first", "-o", str(path))
    book = CalamineWorkbook.from_path(path)
    assert book.sheet_names == [
        "Summary",
        "Breakpoints",
        "Stretches",
        "Ends in whole lots",
        "Alternatives",
        "Lines of alternatives",
    ]
    assert [row[0] for row in book.get_sheet_by_name("Breakpoints").to_python()] == ["cost (yuan)", 5000, 8000, 9200]
    asked = ("--objective", "cost-first", "--break-even", "C", "-o", str(path))
    small.page("budget", *asked, lang="zh")
    book = CalamineWorkbook.from_path(path)
    assert book.sheet_names == ["摘要", "转折点", "保本价", "保本价的各步"]
    assert book.get_sheet_by_name("保本价").to_python()[1][:4] == ["C", "offer", 50, 80]


@pytest.mark.parametrize("command", ["frontier", "budget"])
def test_a_json_file_is_what_json_on_stdout_is(small, tmp_path, command):
    """And the file is told on stderr, not in the answer."""
    path = tmp_path / "curve.json"
    told = small.told(command, "-o", str(path))
    assert json.loads(path.read_text(encoding="utf-8")) == told


@pytest.mark.parametrize(
    ("command", "kind", "start"),
    [("frontier", ".html", b"<!doctype html>"), ("frontier", ".png", b"\x89PNG"), ("budget", ".svg", b"<svg")],
)
def test_pictures_are_written_as_pages_vectors_and_pixels(small, tmp_path, command, kind, start):
    """Each as its name says, with words of the caller's language."""
    path = tmp_path / f"curve{kind}"
    small.page(command, "-o", str(path), lang="zh")
    content = path.read_bytes()
    assert content.startswith(start)
    assert kind == ".png" or "元" in content.decode()


# ----------------------------------------------------------------------------------------------------- shipped examples


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("command", ["frontier", "budget"])
def test_a_long_curve_is_shortened_on_the_page_and_whole_in_the_file(jinheng, tmp_path, command, lang):
    """The marathon's curves have dozens of breakpoints; both ends stay."""
    path = tmp_path / "curve.json"
    answer = jinheng(
        *(command, str(EXAMPLES / "taiyuan-marathon-2026.yaml"), "--offers", str(EXAMPLES / "market.csv")),
        *("--as-of", AS_OF, "--lang", lang, "-o", str(path)),
    )
    assert answer.code == 0, answer.err
    assert widest(answer.out) <= 80
    told = json.loads(path.read_text(encoding="utf-8"))
    key = {"frontier": "cost", "budget": "money"}[command]
    values = [Decimal(p[key]) for p in told["points"]]
    assert len(values) > 20 and values == sorted(values)
    assert f"{values[0]:,}" in answer.out and f"{values[-1]:,}" in answer.out
    assert {"zh": "见 JSON 或文件", "en": "see the JSON or a file"}[lang] in answer.out
    assert len(answer.out.splitlines()) < 80


def test_the_curves_of_a_calendar_sum_its_events(jinheng, files):
    """Two events that need 400 and 330.275 t (300.25 with a tenth more)."""
    for command in ("frontier", "budget"):
        answer = jinheng(
            *(command, str(files.folder / "calendar.yaml"), "--offers", str(files.offers)),
            *("--as-of", AS_OF, "--lang", "en", "--json"),
        )
        told = json.loads(answer.out)
        assert told["events"] == ["a-event", "b-event"]
        assert told["points"][0]["required_t"] == "730.275"


# ----------------------------------------------------------------------------------------------------------- bad input


def test_every_fault_of_a_frontiers_options_is_told_at_once(small):
    """Also those of the files."""
    found = small.refused(
        *("frontier", "--objective", "cost-first", "--within", "3", "--budget", "-1", "--as-of", "tomorrow"),
        *("-o", "frontier.doc"),
        event="wheel: 1",
    )
    assert found == [
        ("--as-of", "date_from_datetime_parsing"),
        ("--budget", "negative"),
        ("--objective", "frontier_objective"),
        ("--within", "within"),
        ("--within", "within_alone"),
        ("-o", "out_format"),
        ("wheel", "extra_forbidden"),
    ]


def test_every_fault_of_a_curves_options_is_told_at_once(small):
    """A curve knows three axes; ranges belong to two of them."""
    found = small.refused("budget", "--against", "time", "--low", "x", "--high", "101", "-o", "/no/such/folder/a.csv")
    assert found == [("--against", "against"), ("--high", "range"), ("--low", "range"), ("-o", "out_folder")]
    assert small.refused("budget", "--low", "0.5") == [("--low", "range_alone")]
    assert small.refused("budget", "--against", "emissions", "--low", "3") == [("--low", "curve_range")]


def test_what_the_problem_cannot_serve_is_told_at_once(small):
    """An objective with slack has no curve, and two names are in no market."""
    found = small.refused("budget", "--objective", "balanced", "--break-even", "Z", "--break-even", "forestry")
    assert found == [
        ("--break-even", "break_even_unknown"),
        ("--break-even", "break_even_unknown"),
        ("objective", "curve_objective"),
    ]


@pytest.mark.parametrize("count", ["0", "51", "-1", "2.5", "many", "²"])
def test_a_number_of_alternatives_that_is_none_is_refused(small, count):
    """From 1 to 50."""
    assert small.refused("frontier", "--alternatives", count) == [("--alternatives", "whole_number")]


def test_a_market_that_is_not_there_is_bad_input(small):
    """For both commands."""
    for command in ("frontier", "budget"):
        answer = small.jinheng(*small.command(command)[:2], "--offers", "nowhere.csv", "--as-of", AS_OF, "--lang", "en")
        assert (answer.code, answer.out) == (2, "") and "nowhere.csv" in answer.err
