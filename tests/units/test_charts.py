"""Every picture as data: valid, in one language, asking nobody, with the exact breakpoints and the right colours."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

import numpy as np
import pytest
from jsonschema import ValidationError  # type: ignore[import-untyped]  # altair raises it

from market_data.draws import FallThrough, FallThroughRule
from optimizer import BadInput, Calendar, Offer, Offers, Problem, plan, read_rule_pack
from optimizer.wording import Text
from scenarios.budgeting import calendar_budget
from scenarios.charts import (
    SHOWN,
    cash_flow_chart,
    cost_change_chart,
    curve_chart,
    frontier_chart,
    tier_mix_chart,
)
from scenarios.charts_risk import calendar_chart, cost_distribution_chart, tornado_chart
from scenarios.charts_style import LOOKS, TIER_COLOURS, heading, layer, money_unit, number_text, picture_of
from scenarios.curves import budget_curve, emissions_curve, margin_curve
from scenarios.draws import Uncertainty
from scenarios.failures import Failure
from scenarios.frontier import frontier
from scenarios.library import ready
from scenarios.outcomes import Planner
from scenarios.risk import Risk, assessment_of
from scenarios.runner import run
from scenarios.scenario import Scenario
from scenarios.side_by_side import SideBySide, side_by_side
from scenarios.sweep import sweep

A = {"offer_id": "A", "instrument": "carbon_inclusion", "mechanism": "三晋绿色生活", "quantity": "60", "price": "100"}
B = {"offer_id": "B", "instrument": "allowance", "mechanism": "CEA", "quantity": "100", "price": "80"}
C = {"offer_id": "C", "instrument": "credit", "mechanism": "VCS", "region": "15", "quantity": "200", "price": "50"}
ESTIMATED = {"tonnes": "100", "low": "80", "high": "150", "status": "estimated"}
LANGUAGES = ("zh", "en")


def problem(offers: tuple[Any, ...] = (A, B, C), tonnes: str = "100", **event: Any) -> Problem:
    base = {"id": "e", "end_date": "2026-10-11", "emissions": {"tonnes": tonnes, "status": "verified"}}
    calendar = Calendar.model_validate({"events": [base | event]})
    market = Offers.of([Offer.model_validate(o) for o in offers])
    return Problem(calendar, market, read_rule_pack("shanxi-2022"), date(2026, 11, 22))


@cache
def uncertain(draws: int = 200) -> tuple[Any, Risk, Any]:
    """The sweep, the risk and the calendar's budget of two events."""
    events = [{"id": x, "end_date": "2026-10-11", "emissions": ESTIMATED, "budget": {"total": "9000"}} for x in "ef"]
    market = Offers.of([Offer.model_validate(o | {"quantity": "500"}) for o in (A, B, C)])
    calendar = Calendar.model_validate({"events": events})
    asked = Problem(calendar, market, read_rule_pack("shanxi-2022"), date(2026, 11, 22))
    questions = assessment_of(asked, Uncertainty(fall_through=FallThroughRule(FallThrough(1000, 2000))))
    swept = sweep(questions.everything, 7, draws)
    frozen = {driver: sweep(question, 7, draws) for driver, question in questions.frozen.items()}
    return swept, questions.risk(swept, frozen), calendar_budget(questions.everything, swept)


def compared(lang: Any, *names: str) -> SideBySide:
    asked = problem(budget={"by_fiscal_year": {"2026": "6000", "2027": "2000"}})
    chosen = [ready(name) for name in names]
    found = run(chosen, Planner(asked, lang), None)
    return side_by_side(asked, plan(asked, lang=lang), list(zip(chosen, found, strict=True)))


@pytest.fixture(scope="module")
def pictures() -> dict[str, dict[str, Any]]:
    """Every picture of real results, by language and name."""
    asked, (swept, risk, calendar) = problem(), uncertain()
    curves = {
        "money": budget_curve(asked),
        "need": emissions_curve(asked, 5000, 20000),
        "margin": margin_curve(asked, 0, 1000),
    }
    found: dict[str, dict[str, Any]] = {}
    for lang in ("zh", "en"):
        made, table = plan(asked, lang=lang), compared(lang, "order-first", "greedy-cheapest", "donated-only")
        found[lang] = {
            **{name: curve_chart(curve, lang) for name, curve in curves.items()},
            "frontier": frontier_chart(frontier(asked), lang),
            "mix": tier_mix_chart(table, lang),
            "mix of a plan": tier_mix_chart(made, lang),
            "cash": cash_flow_chart(table, lang),
            "cash of a plan": cash_flow_chart(made, lang),
            "change": cost_change_chart(table, lang),
            "tornado": tornado_chart(risk, lang),
            "distribution": cost_distribution_chart(swept, lang, risk.budget_fen),
            "calendar": calendar_chart(calendar, lang),
        }
    return found


def parts(spec: Any, key: str) -> Iterator[Any]:
    """Every value under this key, however deep."""
    if isinstance(spec, dict):
        for name, value in spec.items():
            if name == key:
                yield value
            yield from parts(value, key)
    elif isinstance(spec, list):
        for value in spec:
            yield from parts(value, key)


def texts(spec: Any) -> list[str]:
    """What a reader sees: titles, subtitles, legends, words and names of rows; no field names."""
    seen: list[str] = []
    for key in ("title", "text", "subtitle", "domain", "name", "kind"):
        for value in parts({k: v for k, v in spec.items() if k != "config"}, key):
            seen += [x for x in (value if isinstance(value, list) else [value]) if isinstance(x, str)]
    return seen


def chinese(text: str) -> bool:
    return any("\u4e00" <= sign <= "\u9fff" for sign in text)


def rows(spec: Any, mark: str) -> list[Any]:
    """The data of the layers of this mark."""
    layers = [one for found in parts(spec, "layer") for one in found]
    found = [one["data"]["values"] for one in layers if one["mark"]["type"] == mark]
    assert found
    return [row for data in found for row in data]


# ---------------------------------------------------------------------------------------------------- every picture


def test_no_picture_asks_a_network_and_its_schema_is_its_only_address(pictures):
    for lang in LANGUAGES:
        for name, spec in pictures[lang].items():
            told = json.dumps(spec, allow_nan=False)
            assert told.count("http") == 1, name
            assert spec["$schema"].startswith("https://vega.github.io/schema/vega-lite/v6")
            assert not list(parts(spec, "url")) and not list(parts(spec, "href"))


def test_english_pictures_hold_no_chinese_and_chinese_ones_no_english_sentence(pictures):
    for name, spec in pictures["en"].items():
        assert not any(chinese(text) for text in texts(spec)), name
    for name, spec in pictures["zh"].items():
        words = [t for t in texts(spec) if any(sign.isalpha() for sign in t) and not t.startswith(("P", "CVaR"))]
        english = [t for t in words if not chinese(t) and t not in FIELDS]
        assert words and not english, (name, english)


FIELDS = ("text",)
"""Names of fields where a key that also holds words holds a field's name."""


def test_letters_are_large_enough_to_read(pictures):
    for key in ("labelFontSize", "titleFontSize", "subtitleFontSize"):
        assert all(size >= 12 for size in parts(LOOKS, key))
    for lang in LANGUAGES:
        for spec in pictures[lang].values():
            assert all(size >= 11 for size in parts(spec, "fontSize"))
            assert "Noto Sans SC" in spec["config"]["font"]


def test_a_tier_has_the_same_colour_in_every_picture(pictures):
    seen: dict[str, set[str]] = {}
    for spec in pictures["en"].values():
        for scale in parts(spec, "scale"):
            for name, colour in zip(scale.get("domain", ()), scale.get("range", ()), strict=False):
                if str(name).startswith("tier ") or name in ("unranked", "uncovered"):
                    seen.setdefault(name, set()).add(colour)
    assert {"tier 1", "tier 4", "unranked", "uncovered"} <= set(seen)
    assert all(len(colours) == 1 for colours in seen.values())
    assert len({next(iter(c)) for c in seen.values()}) == len(seen)
    assert seen["tier 1"] == {TIER_COLOURS[0]}


def test_a_specification_that_is_none_is_refused():
    with pytest.raises(ValidationError, match="kilograms"):
        picture_of({"layer": [layer([], "bar", {"x": {"field": "x", "type": "kilograms"}})]}, heading("x", ""))


def test_the_same_result_gives_the_same_picture(pictures):
    again = frontier_chart(frontier(problem()), "zh")
    assert json.dumps(again) == json.dumps(pictures["zh"]["frontier"])


# -------------------------------------------------------------------------------------------------------- each of them


def test_the_frontier_shows_its_exact_breakpoints_its_knee_and_both_whole_lot_ends(pictures):
    """5,000, 8,000 and 9,200 yuan, 400, 160 and 120 t away from the order; the knee in the middle."""
    points = rows(pictures["en"]["frontier"], "point")
    assert [(p["x"], p["y"]) for p in points] == [
        *((5000, 400), (8000, 160), (9200, 120)),
        (8000, 160),
        *((5000, 0), (9200, 0)),
    ]
    assert points[3]["text"] == "knee 8,000 yuan"
    areas = {(a["x"], a["tier"]): a["y"] for a in rows(pictures["en"]["frontier"], "area")}
    assert areas[8000, "tier 1"] == 60 and areas[8000, "unranked"] == 40 and areas[8000, "tier 4"] == 0


def test_the_price_of_the_last_tonne_stands_between_its_breakpoints(pictures):
    """100 t: with 5,000 yuan all of it is C at 50; beyond that money buys order, not coverage."""
    (step,) = [r for r in rows(pictures["en"]["money"], "rule") if "x2" in r]
    assert step == {"x": 0, "x2": 5000, "y": 50}


def test_a_mix_shows_every_tonne_and_what_is_left_uncovered(pictures):
    bars = rows(pictures["en"]["mix"], "bar")
    total = {name: sum(b["t"] for b in bars if b["name"] == name) for name in {b["name"] for b in bars}}
    assert set(total.values()) == {100}
    assert any(b["tier"] == "uncovered" and b["t"] == 100 for b in bars if b["name"] == "donated lots only")


def test_a_shared_budget_counts_each_yuan_once():
    """A calendar with a shared budget lists it beside the events: 100 t for 9,200 yuan are paid once."""
    calendar = problem().calendar.model_validate(
        {
            "events": [{"id": "e", "end_date": "2026-10-11", "emissions": {"tonnes": "100", "status": "verified"}}],
            "budget": {"by_fiscal_year": {"2026": "10000"}},
        }
    )
    made = plan(problem().replace(calendar=calendar), lang="en")
    assert {f.event_id for f in made.fiscal_years} == {None, "e"}
    paid = {r["year"]: r["y"] for r in rows(cash_flow_chart(made, "en"), "bar")}
    assert paid == {"2026": 9200}
    assert rows(cash_flow_chart(made, "en"), "tick") == [{"year": "2026", "y": 10000}]


def test_changes_are_ranked_and_tell_what_is_short(pictures):
    bars = rows(pictures["en"]["change"], "bar")
    assert [b["x"] for b in bars] == sorted((b["x"] for b in bars), reverse=True)
    (none,) = [b for b in bars if b["name"] == "donated lots only"]
    assert none["text"].endswith(", 100 t short") and none["text"].startswith("\u2212")


def test_a_scenario_that_failed_keeps_its_row_without_a_bar():
    broken = Scenario.model_validate({"name": "broken"})
    whole = compared("en", "order-first")
    row = replace(whole.rows[1], scenario=broken, result=Failure("SolverFailure", Text("失败", "no")), changes=None)
    table = SideBySide((*whole.rows, row), whole.days)
    assert table.rows[2].status == "failed"
    spec = tier_mix_chart(table, "en")
    assert [r["text"] for r in rows(spec, "text")] == ["failed"]
    assert "broken" in next(iter(parts(spec, "sort")))
    assert "broken" not in {b["name"] for b in rows(cost_change_chart(table, "en"), "bar")}


def test_drivers_stand_in_their_order_with_share_and_effect():
    _, risk, _ = uncertain()
    bars = rows(tornado_chart(risk, "en"), "bar")
    assert [b["x"] for b in bars] == [d.spread_share for d in risk.drivers]
    assert "P95" in bars[0]["text"]


def test_the_distribution_holds_every_draw_and_marks_levels_and_budget():
    swept, risk, _ = uncertain()
    spec = cost_distribution_chart(swept, "en", risk.budget_fen)
    assert sum(b["n"] for b in rows(spec, "bar")) == len(swept)
    marks = {r["text"].split()[0]: r["x"] for r in rows(spec, "rule")}
    unit = 1 if max(swept.cost_yuan) < 1e5 else 1000
    assert marks["budget"] * unit == 18000
    assert marks["P95"] * unit == pytest.approx(risk.cost.quantiles["P95"].value)
    assert [r["x"] for r in rows(spec, "rule")] == sorted(marks.values())


def test_a_calendar_shows_plan_and_levels_of_each_year_and_both_ways_of_reserving():
    _, _, calendar = uncertain()
    spec = calendar_chart(calendar, "en")
    dots = rows(spec, "point")
    assert {d["level"] for d in dots} == {"P50", "P80", "P95"}
    bars = [b for b in rows(spec, "bar") if "kind" in b]
    assert [b["x"] for b in bars[:2]] == [calendar.pooling[0].separate_yuan, calendar.pooling[0].pooled_yuan]


# ------------------------------------------------------------------------------------------------- little to show


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_frontier_and_a_curve_of_one_point_are_a_bar(lang):
    """Only B: the cheapest plan is the ranked one, so there is nothing between the ends."""
    single = frontier(problem((B,)), whole_lots=False)
    assert len(single.points) == 1
    assert rows(frontier_chart(single, lang), "bar")
    nothing = budget_curve(problem(()))
    assert len(nothing.points) == 1
    assert curve_chart(nothing, lang)["vconcat"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_plan_that_buys_nothing_has_pictures_that_say_so(lang):
    empty = plan(problem(()), lang=lang)
    assert cash_flow_chart(empty, lang)["layer"][0]["mark"]["type"] == "text"
    (gap,) = rows(tier_mix_chart(empty, lang), "bar")
    assert gap["t"] == 100


def test_no_scenario_to_compare_and_no_driver_are_told():
    alone = compared("en")
    assert cost_change_chart(alone, "en")["layer"][0]["mark"]["type"] == "text"
    _, risk, _ = uncertain(20)
    assert tornado_chart(replace(risk, drivers=()), "zh")["layer"][0]["mark"]["type"] == "text"


def test_draws_that_are_all_alike_stand_in_one_bin_and_none_are_a_fault():
    swept, _, _ = uncertain(20)
    same = replace(swept, paid_yuan=np.full_like(swept.paid_yuan, 50.0))
    (one,) = rows(cost_distribution_chart(same, "en"), "bar")
    assert one["n"] == 20 and one["x"] < same.cost_yuan[0] < one["x2"]
    with pytest.raises(BadInput):
        cost_distribution_chart(swept.head(0), "en")


def test_more_scenarios_than_can_be_read_are_left_to_the_table_and_namesakes_are_told_apart():
    one = compared("en", "order-first")
    many = SideBySide((one.rows[0], *[replace(one.rows[1]) for _ in range(SHOWN + 4)]), one.days)
    spec = tier_mix_chart(many, "en")
    assert spec["title"]["subtitle"] == ["5 more scenarios are in the table"]
    assert {b["name"] for b in rows(spec, "bar")} == {"base", "order first (order-first)"}


# ------------------------------------------------------------------------------------------------------------- numbers


def test_money_is_told_in_the_unit_that_a_reader_of_the_language_uses():
    told = {(lang, x): money_unit([x], lang).say(x, lang) for lang in ("zh", "en") for x in (950.5, 454674.64, 2.5e8)}
    assert told == {
        ("zh", 950.5): "950.5 元",
        ("zh", 454674.64): "45.47 万元",
        ("zh", 2.5e8): "2.5 亿元",
        ("en", 950.5): "950.5 yuan",
        ("en", 454674.64): "454.7 thousand yuan",
        ("en", 2.5e8): "250 million yuan",
    }


def test_labels_keep_their_zeros_and_their_sign():
    assert [number_text(x) for x in (0, 100, 1200, 1234.5, -0.001, -3.5)] == [
        *("0", "100", "1,200", "1,234", "0", "\u22123.5"),
    ]
