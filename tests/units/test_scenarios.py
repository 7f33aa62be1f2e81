"""Each change of a scenario does what its key says, exactly; files, names and grids; and how a comparison is told."""

import csv
import importlib.util
import io
import json
import pickle
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl  # type: ignore[import-untyped]
import pytest
import yaml
from rich.cells import cell_len

from api.executors import opened_executor, read_workers
from api.reports.scenario_files import table_csv, table_workbook
from api.reports.scenarios import show_scenarios
from api.reports.words import rest_words
from api.scenario_desk import CompareRequest, compare_scenarios
from api.scenario_files import read_scenarios
from optimizer import BadInput, Calendar, Offer, Offers, Problem, read_rule_pack
from optimizer.wording import Text
from scenarios.baselines import buy_simply
from scenarios.library import READY, ready
from scenarios.runner import Advance
from scenarios.scenario import Scenario, apply
from scenarios.scenario_set import ScenarioSet
from scenarios.side_by_side import COLUMNS, LONG_COLUMNS, SideBySide
from tests.worked.conftest import as_csv
from tests.worked.market import event, offer

DAY = date(2026, 11, 22)
ROWS = [
    offer("1A", 1, 30, "33.33"),
    offer("2A", 2, 30, 80, price_breaks="10=70.01;20=60", vintage=2024),
    offer("4A", 4, "60.001", 50, vintage=2025),
    offer("4B", 4, 60, 60, vintage=2024, channel="donation"),
]


def problem(*events: dict[str, Any], rows: list[dict[str, Any]] = ROWS, **calendar: Any) -> Problem:
    made = Calendar.model_validate({**calendar, "events": list(events) or [event()]})
    return Problem(made, Offers.of(Offer.model_validate(o) for o in rows), read_rule_pack("shanxi-2022"), DAY)


def scenario(**changes: Any) -> Scenario:
    return Scenario.model_validate({"name": "s", **changes})


def applied(base: Problem, **changes: Any) -> Problem:
    return apply(base, scenario(**changes))


def codes(made: Problem) -> list[str]:
    return [f.code for f in made.findings]


def prices(made: Problem) -> dict[str, str]:
    return {
        str(i): f"{Decimal(int(p)) / 100:.2f}" for i, p in zip(made.offers.offer_id, made.offers.price_fen, strict=True)
    }


# ------------------------------------------------------------------------------------------------ prices, quantities


def test_a_factor_multiplies_the_prices_that_match_and_rounds_half_up_to_the_fen():
    # 33.33 x 1.05 = 34.9965 -> 35.00; 80 x 1.05 = 84 exactly; breaks 70.01 x 1.05 = 73.5105 -> 73.51, 60 -> 63.
    made = applied(problem(), prices={"where": {"instrument": ["carbon_inclusion", "ccer"]}, "factor": "1.05"})
    assert prices(made) == {"1A": "35.00", "2A": "84.00", "4A": "50.00", "4B": "60.00"}
    assert made.offers.price_breaks[1] == "10=73.51;20=63.00"
    assert [f.say("en") for f in made.findings] == ["s: prices[0]: 1 prices are rounded half up to the fen"]


def test_half_a_fen_is_rounded_up():
    made = applied(problem(rows=[offer("4A", 4, 60, "0.01"), offer("4B", 4, 60, "0.03")]), prices={"factor": "0.5"})
    assert prices(made) == {"4A": "0.01", "4B": "0.02"}


def test_an_addition_may_be_negative_and_no_price_falls_below_nothing():
    made = applied(problem(), prices=[{"where": {"vintage": 2024}, "add": "-65"}])
    assert prices(made) == {"1A": "33.33", "2A": "15.00", "4A": "50.00", "4B": "0.00"}
    assert made.offers.price_breaks[1] == "10=5.01;20=0.00"
    assert codes(made) == ["prices_at_zero"]


def test_price_changes_build_on_one_another_in_their_order():
    twice = [{"factor": 2}, {"add": 1}]
    assert prices(applied(problem(), prices=twice))["4A"] == "101.00"
    assert prices(applied(problem(), prices=twice[::-1]))["4A"] == "102.00"


def test_a_filter_holds_where_every_key_holds_and_tiers_are_those_of_the_scenarios_own_rules():
    made = applied(problem(), prices={"where": {"instrument": "allowance", "vintage": 2025}, "factor": 2})
    assert prices(made)["4A"] == "100.00"
    assert prices(made)["4B"] == "60.00"
    # Allowances are tier 4 of the Shanxi plan and tier 1 of the national guide.
    by_tier = {"prices": {"where": {"tier": 1}, "factor": 2}}
    assert prices(applied(problem(), **by_tier))["1A"] == "66.66"
    guided = apply(problem(), scenario(policy="mee-2019", **by_tier), {"mee-2019": read_rule_pack("mee-2019")})
    assert prices(guided) == {"1A": "33.33", "2A": "80.00", "4A": "100.00", "4B": "120.00"}
    assert guided.calendar.policy == "mee-2019"


def test_quantities_are_cut_to_the_kg_below():
    made = applied(problem(), availability={"where": {"vintage": 2025}, "scale": "0.3333"})
    assert made.offers.quantity_kg.tolist() == [30_000, 30_000, 19_998, 60_000]  # 60,001 x 0.3333 = 19,998.3


def test_a_filter_that_matches_nothing_is_named():
    made = applied(problem(), prices={"where": {"instrument": "forestry", "vintage": 2030}, "factor": 2})
    assert codes(made) == ["filter_matches_nothing", "scenario_no_change"]
    assert made.findings[0].say("en") == (
        "s: prices[0].where: 'instrument=forestry, vintage=2030': no offer matches this filter"
    )


# -------------------------------------------------------------------------------------------------------------- money


def test_every_sum_of_every_budget_is_scaled():
    base = problem(
        event(budget={"total": "100.01"}),
        {**event(), "id": "f"},
        budget={"by_fiscal_year": {2026: "10.05", 2027: "20"}, "carry_forward": True},
    )
    made = applied(base, budget={"scale": "0.5"})
    first, shared = made.events[0].budget, made.calendar.budget
    assert first is not None and shared is not None
    assert first.total_fen == 5001  # 5000.5 fen, half up
    assert shared.by_fiscal_year_fen == {2026: 503, 2027: 1000}
    assert shared.carry_forward


def test_an_amount_replaces_the_events_budget_and_for_several_the_shared_one():
    alone = applied(problem(event(budget={"total": 5})), budget={"amount": 7, "by_fiscal_year": {2026: 3, 2027: 4}})
    budget = alone.events[0].budget
    assert budget is not None and alone.calendar.budget is None
    assert (budget.total_fen, budget.by_fiscal_year_fen) == (700, {2026: 300, 2027: 400})
    several = applied(problem(event(budget={"total": 5}), {**event(), "id": "f"}), budget={"amount": 7})
    own, shared = several.events[0].budget, several.calendar.budget
    assert own is not None and own.total_fen == 500
    assert shared is not None and shared.total_fen == 700


def test_no_budget_and_no_limits_in_a_word():
    base = problem(event(budget={"total": 5}, limits=[{"group": "seller", "max_share": "0.4"}]))
    made = applied(base, budget="none", limits="none")
    assert made.events[0].budget is None
    assert made.events[0].limits == ()


def test_scaling_a_budget_that_is_not_there_is_said():
    assert codes(applied(problem(), budget={"scale": "0.8"})) == ["no_budget", "scenario_no_change"]


def test_limits_are_added_or_replaced_for_every_event():
    one, other = {"group": "seller", "max_share": "0.4"}, {"where": {"region": "14"}, "min_share": "0.5"}
    base = problem(event(limits=[one]), {**event(), "id": "f"})
    added, replaced = applied(base, limits={"add": [other]}), applied(base, limits={"replace": [other]})
    assert [[x.name for x in e.limits] for e in added.events] == [["seller", "region=14"], ["region=14"]]
    assert [[x.name for x in e.limits] for e in replaced.events] == [["region=14"], ["region=14"]]


# ------------------------------------------------------------------------------------------- needs, dates, rules, goals


def test_emissions_and_margin_change():
    base = problem(event(emissions={"tonnes": 100, "low": 90, "high": "111.111", "status": "estimated"}))
    made = applied(base, emissions={"scale": "1.5", "margin": "0.1"})
    emitted = made.events[0].emissions
    assert (emitted.low_kg, emitted.emitted_kg, emitted.high_kg) == (135_000, 150_000, 166_667)
    assert made.events[0].need_kg == 165_000
    inside, outside = (applied(base, emissions={"amount": t}).events[0].emissions for t in ("95", "200"))
    assert (inside.low_kg, inside.emitted_kg, inside.high_kg) == (90_000, 95_000, 111_111)
    assert (outside.low_kg, outside.emitted_kg, outside.high_kg) == (None, 200_000, None)


def test_emissions_in_all_need_a_single_event():
    with pytest.raises(BadInput) as refused:
        applied(problem(event(), {**event(), "id": "f"}), emissions={"amount": 5})
    assert [f.code for f in refused.value.findings] == ["emissions_amount"]


def test_dates_shift_by_years_then_days():
    base = problem(event(end_date="2028-02-29"))
    made = applied(base, dates={"end_shift_years": 1, "end_shift_days": 1, "as_of": "2027-01-05"})
    assert (made.events[0].end_date, made.as_of) == (date(2029, 3, 1), date(2027, 1, 5))
    assert applied(base, dates={"as_of_shift_days": -22}).as_of == date(2026, 10, 31)
    with pytest.raises(BadInput):
        applied(problem(event(end_date="2190-01-01")), dates={"end_shift_years": 30})


def test_only_the_settings_that_are_named_change():
    base = problem(settings={"old_ccer": True, "discount_rate": "0.03"})
    made = applied(base, settings={"stale": "admit"}, objective="balanced", epsilon="0.1", outlook={"factors": []})
    assert (made.settings.stale, made.settings.old_ccer, made.settings.discount_rate_e4) == ("admit", True, 300)
    assert (made.objective, made.epsilon_e4) == ("balanced", 1000)


def test_offers_go_out_beside_what_the_event_says_and_come_in_when_that_is_lifted():
    base = problem(
        event(eligibility={"only": {"region": ["14", "15"], "instrument": "ccer"}, "exclude": {"seller": "甲"}})
    )
    narrowed = applied(base, offers={"only": {"region": "1401"}, "exclude": {"seller": "乙", "vintage": 2024}})
    rules = narrowed.events[0].eligibility
    assert rules.only == {"region": ("140100",), "instrument": ("ccer",)}
    assert rules.exclude == {"seller": ("甲", "乙"), "vintage": ("2024",)}
    lifted = applied(base, offers={"lift": ["only", "exclude"], "channels": ["holder"], "vintage_min": 2020})
    rules = lifted.events[0].eligibility
    assert (rules.only, rules.exclude, rules.channels, rules.vintage_min) == (None, None, ("holder",), 2020)


def test_two_filters_that_exclude_each_other_admit_nothing():
    made = applied(
        problem(event(eligibility={"only": {"instrument": "ccer"}})), offers={"only": {"instrument": "allowance"}}
    )
    bought = buy_simply(made, "greedy-cheapest", "en")
    assert bought.lines == ()
    assert Calendar.model_validate(made.calendar.dump()) == made.calendar


def test_the_base_is_not_changed_and_everything_travels():
    base = problem(event(budget={"total": 500}))
    before = pickle.dumps(base.offers.price_fen), base.calendar
    for one in READY.values():
        made = apply(base, one, {"mee-2019": read_rule_pack("mee-2019")})
        assert pickle.loads(pickle.dumps(one)) == one
        assert np.array_equal(pickle.loads(pickle.dumps(made)).offers.price_fen, made.offers.price_fen)
    assert (pickle.dumps(base.offers.price_fen), base.calendar) == before
    assert base.findings == ()


def test_a_scenario_that_changes_nothing_says_so_and_one_that_only_repeats_the_base_too():
    assert codes(applied(problem())) == ["scenario_no_change"]
    assert codes(applied(problem(), prices={"factor": 1}, policy="shanxi-2022", settings={"unranked": True})) == [
        "scenario_no_change"
    ]
    assert codes(applied(problem(), method="greedy-order")) == []


def test_a_rule_pack_that_is_not_at_hand_is_refused():
    with pytest.raises(BadInput, match="shanxi-2022"):
        applied(problem(), policy="mee-2019")


def test_prices_and_quantities_beyond_reason_are_refused():
    dear = problem(rows=[offer("4A", 4, 60, 900_000)])
    with pytest.raises(BadInput, match="1000000 yuan/t"):
        applied(dear, prices={"factor": 2})
    with pytest.raises(BadInput, match="1000000000 t"):
        applied(problem(rows=[offer("4A", 4, 900_000_000, 1)]), availability={"scale": 2})


# ------------------------------------------------------------------------------------------------------ simple rules


def test_the_simple_rules_buy_the_next_cheapest_within_every_limit():
    # By the order: 1A 30 t x 33.33 = 999.90; 2A would be 30 t at 60 = 1800, seller cap none. Then 4A 40 t x 50 = 2000.
    by_order = buy_simply(problem(), "greedy-order", "en")
    assert [(x.offer_id, x.contracted_t, x.cost) for x in by_order.lines] == [
        ("1A", "30", "999.90"),
        ("2A", "30", "1800.00"),
        ("4A", "40", "2000.00"),
    ]
    # The cheapest: 1A at 33.33, then 4A at 50, then 2A, whose last ten tonnes cost 70.01 by their break, before 4B at
    # 60? No: 2A's piece from 20 t on costs 60, the same as 4B, and stands first; ten tonnes are asked for, its least
    # is 20, so it is bought with 20 t: over the need by 10 t. A simple rule does not look ahead.
    cheapest = buy_simply(problem(), "greedy-cheapest", "en")
    assert [(x.offer_id, x.contracted_t) for x in cheapest.lines] == [("1A", "30"), ("2A", "20"), ("4A", "60")]
    assert (cheapest.status, cheapest.totals.cost) == ("covered", "5199.90")


def test_the_simple_rules_keep_to_budgets_and_say_what_they_miss():
    base = problem(
        event(budget={"total": "2000"}, limits=[{"where": {"region": "14"}, "min_share": "0.5"}]),
    )
    bought = buy_simply(base, "greedy-cheapest", "en")
    # 30 x 33.33 = 999.90, then 20 of 4A at 50 = 1000; 0.10 yuan is left.
    assert [(x.offer_id, x.contracted_t) for x in bought.lines] == [("1A", "30"), ("4A", "20")]
    assert (bought.status, bought.totals.shortfall_t, bought.missed_t) == ("short", "50", "50")


# ------------------------------------------------------------------------------------------------ files and the library


FILE = """
scenarios:
  - name: lean
    title: {zh: 省着花, en: lean}
    budget: {scale: 0.8}
    prices:
      - {where: {instrument: allowance, vintage: 2025}, factor: 1.3}
  - {name: guide, policy: mee-2019}
library: [no-forest]
grid:
  money: {less: {budget: {amount: 400}}, more: {budget: {amount: 900}}}
  price:
    down: {prices: [{factor: 0.9}]}
    same: {}
    up: {prices: {where: {tier: 4}, add: 5}}
"""


def test_a_file_lists_names_and_spells_out_its_grid(tmp_path):
    path = tmp_path / "scenarios.yaml"
    path.write_text(FILE, encoding="utf-8")
    found = read_scenarios(str(path))
    assert [s.name for s in found.scenarios] == [
        "lean",
        "guide",
        "no-forest",
        "money less, price down",
        "money less, price same",
        "money less, price up",
        "money more, price down",
        "money more, price same",
        "money more, price up",
    ]
    assert list(found.packs) == ["mee-2019"]
    assert found.scenarios[0].heading.zh == "省着花"
    as_json = tmp_path / "scenarios.json"
    as_json.write_text(json.dumps(yaml.safe_load(FILE)), encoding="utf-8")
    assert read_scenarios(str(as_json)) == found


def test_axes_may_both_change_prices_one_after_the_other():
    axes = {"a": {"x": {"prices": {"factor": 2}}}, "b": {"y": {"prices": {"add": 1}}}}
    (one,) = ScenarioSet.model_validate({"grid": axes}).expanded()
    assert prices(apply(problem(), one))["4A"] == "101.00"


def test_ready_scenarios_are_named_and_speak_both_languages():
    names = """
        cheapest-lawful order-first national-guide budget-minus-20 allowances-plus-30 no-forest ex-ante-forest
        only-shanxi one-year-later strict-tier-2 donated-lots donated-only greedy-order greedy-cheapest
    """
    assert list(READY) == names.split()
    for one in READY.values():
        assert one.title is not None and one.shows is not None
        assert re.search("[\u4e00-\u9fff]", one.title.zh + one.shows.zh)
        assert one.title.en.isascii() and one.shows.en.isascii()
    assert [s.name for s in read_scenarios("no-forest, order-first,no-forest").scenarios] == [
        "no-forest",
        "order-first",
    ]
    assert [s.name for s in read_scenarios("all").scenarios] == list(READY)


def test_a_scenario_survives_its_own_file():
    for one in (*READY.values(), *ScenarioSet.model_validate(yaml.safe_load(FILE)).expanded()):
        assert Scenario.model_validate(json.loads(json.dumps(one.dump()))) == one


# ----------------------------------------------------------------------------------------------------------- the desk


@pytest.fixture
def desk(tmp_path):
    event_file, offers_file = tmp_path / "event.yaml", tmp_path / "offers.csv"
    budget = {"by_fiscal_year": {2026: 5000, 2027: 2000}}
    event_file.write_text(yaml.safe_dump(event(budget=budget, name="示例"), allow_unicode=True), encoding="utf-8")
    offers_file.write_text(as_csv([*ROWS, offer("=cmd", 4, 5, 55, valid_until="2026-12-01")]), encoding="utf-8")

    def run(scenarios: str, lang: Any = "en", **options: Any) -> SideBySide:
        request = CompareRequest(str(event_file), str(offers_file), DAY, scenarios=scenarios, **options)
        return compare_scenarios(request, lang)

    return run


def page_of(table: SideBySide, lang: Any) -> str:
    stream = io.StringIO()
    show_scenarios(table, lang, stream)
    return stream.getvalue()


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("names", ["cheapest-lawful,allowances-plus-30,greedy-order,donated-only", "all"])
def test_the_page_keeps_to_80_columns_in_both_languages(desk, lang, names):
    table = desk(names, lang)
    text = page_of(table, lang)
    wide = [line for line in text.splitlines() if cell_len(line) > 80]
    assert not wide, wide
    for row in table.rows:
        assert row.title.say(lang) in text
    if lang == "en":
        assert not re.search("[\u4e00-\u9fff]", text.replace("三晋绿色生活", ""))


def test_large_sums_fit_the_page(desk, tmp_path):
    file = tmp_path / "large.yaml"
    grown = [{"name": f"x{k}", "prices": {"factor": 90 + k}, "budget": "none"} for k in range(4)]
    file.write_text(yaml.safe_dump({"scenarios": grown}), encoding="utf-8")
    text = page_of(desk(str(file)), "en")
    assert all(cell_len(line) <= 80 for line in text.splitlines())


def test_a_failure_is_a_row_and_not_a_crash(desk, tmp_path):
    file = tmp_path / "s.yaml"
    many = [{"name": "far", "dates": {"end_shift_years": 100, "as_of": "2199-01-01"}}, {"name": "x"}]
    file.write_text(yaml.safe_dump({"scenarios": [{"name": "bad", "dates": {"as_of_shift_years": -90}}, *many]}))
    table = desk(str(file))
    # In 2199 every offer is long expired, and the event ends a century late.
    assert [r.status for r in table.rows] == ["covered", "failed", "short", "covered"]
    assert "1990" in table.rows[1].reason("en")
    assert table.as_dict("zh")["scenarios"][0]["failure"]["type"] == "BadInput"
    assert "failed" in page_of(table, "en")


def test_workers_change_nothing(desk):
    names = "cheapest-lawful,allowances-plus-30"
    assert desk(names).as_dict("en") == desk(names, workers="2").as_dict("en")


def test_frames_have_their_documented_columns_and_exact_numbers(desk):
    table = desk("cheapest-lawful,greedy-order")
    frame = table.frame("en")
    assert list(frame.columns) == list(COLUMNS)
    assert [f"{int(v) / 100:.2f}" for v in frame["cost_fen"]] == [
        r.totals.cost for r in table.rows if r.totals is not None
    ]
    for name, columns in LONG_COLUMNS.items():
        assert tuple(table.long_frame(name).columns) == columns
    tiers = table.long_frame("tiers")
    assert tiers[tiers["scenario"] == "base"]["effective_kg"].sum() == frame["covered_kg"][0]


def test_tables_are_written_as_json_csv_and_workbooks_that_run_no_formula(desk, tmp_path):
    table = desk("cheapest-lawful,no-forest", out=str(tmp_path / "t.json"))
    assert json.loads((tmp_path / "t.json").read_text("utf-8")) == table.as_dict("en")
    rows = list(csv.reader(io.StringIO(table_csv(table, "zh").decode("utf-8-sig"))))
    assert rows[0][4] == "应抵销量 (吨)"
    assert [r[0] for r in rows[1:]] == ["base", "cheapest-lawful", "no-forest"]
    assert table.rows[1].totals is not None and table.rows[1].totals.cost in rows[2]
    book = openpyxl.load_workbook(io.BytesIO(table_workbook(table, "en")))
    assert book.sheetnames == ["Summary", "Scenarios", "Tiers", "Years", "Rules", "Deadlines", "Changes"]
    formulas = [str(c.value) for sheet in book for row in sheet.iter_rows() for c in row if c.data_type == "f"]
    assert formulas and not any("cmd" in formula for formula in formulas)
    assert (book["Deadlines"]["C2"].value, book["Deadlines"]["C2"].data_type) == ("=cmd", "s")


def test_every_fault_of_files_and_options_is_told_at_once(desk, tmp_path):
    with pytest.raises(BadInput) as refused:
        desk("nonsense,no-forest,more", days="soon", workers="0", out=str(tmp_path / "no" / "t.pdf"), budget="-1")
    assert {f.path for f in refused.value.findings} == {"--scenarios", "--days", "--workers", "-o", "--budget"}
    assert sum(f.code == "scenario_unknown" for f in refused.value.findings) == 2


def test_a_cluster_without_its_extra_says_what_to_install():
    if importlib.util.find_spec("distributed") is not None:
        pytest.skip("Dask is installed here")
    with pytest.raises(BadInput, match=r"jinheng\[cluster\]"), opened_executor(1, "tcp://127.0.0.1:1"):
        pass


def test_workers_are_a_small_whole_number():
    assert [read_workers(t) for t in (None, "1", "16")] == [1, 1, 16]
    for text in ("0", "-1", "1.5", "many", "257", "٣"):
        with pytest.raises(BadInput):
            read_workers(text)


def test_progress_says_how_long_the_rest_may_take():
    what = Text("个情景", "scenarios")
    assert rest_words(Advance(3, 10, 0, 6.0, 14.2), what, "en") == "scenarios, about 14 s left"
    assert rest_words(Advance(3, 10, 0, 6.0, 14.2), what, "zh") == "个情景, 约余 14 秒"
    assert rest_words(Advance(0, 10, 0, 0.0, None), what, "en") == "scenarios"


def test_ready_ones_are_found_by_name_only():
    assert ready("no-forest").name == "no-forest"
    with pytest.raises(BadInput):
        ready("No-Forest")


def test_a_path_that_is_no_file_is_missing(tmp_path):
    with pytest.raises(BadInput) as refused:
        read_scenarios(str(Path(tmp_path) / "none.yaml"))
    assert [f.code for f in refused.value.findings] == ["file_missing"]
