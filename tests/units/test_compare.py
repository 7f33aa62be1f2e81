"""Comparing plans and planning again from a plan file: what is read, what is refused, and how it is told."""

import io
import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from api.replanning import Replanned, replan
from api.reports.changes import show_changes
from market_data import OffersFile
from optimizer import BadInput, Calendar, Offer, Offers, Plan, Problem, plan, read_rule_pack
from optimizer.plan import seal
from scenarios import compare_plans
from scenarios.compare import COLUMNS
from tests.worked.market import event, offer

DAY = date(2026, 11, 22)
BUDGET = {"total": "6000"}
ROWS = [
    offer("4A", 4, 60, 50, valid_until="2026-12-20"),
    offer("4B", 4, 60, 60),
    offer("4C", 4, 60, 70, project_name="=cmd"),
]
NEW_ROWS = [ROWS[1], {**ROWS[2], "price": "65"}]
"""4A is gone, 4C is cheaper: 60 x 60 + 40 x 65 = 6200 yuan, above the budget: 60 + 36 t."""


def market(rows: list[dict[str, Any]]) -> Offers:
    return Offers.of(Offer.model_validate(o) for o in rows)


def file(rows: list[dict[str, Any]]) -> OffersFile:
    return OffersFile(market(rows), (), "0" * 64, "new.csv")


@pytest.fixture(scope="module")
def old() -> Plan:
    calendar = Calendar.model_validate({"events": [event(budget=BUDGET, name="示例马拉松")]})
    return plan(Problem(calendar, market(ROWS), read_rule_pack("shanxi-2022"), DAY), lang="en")


def resealed(made: Plan, **changes: Any) -> Plan:
    """The same plan with some parts changed and a whole seal, as a careful forger or another version would write it."""
    content = {k: v for k, v in made.document().items() if k != "plan_id"}
    return seal({**content, **changes})


def bare(made: Plan) -> Plan:
    """The plan as it would be above 5,000 offers: with the hash of its market only."""
    return resealed(made, problem={**made.problem, "offers": None})


def written(made: Plan, folder: Path) -> str:
    path = folder / "plan.json"
    path.write_text(made.to_json(), encoding="utf-8")
    return str(path)


def again(made: Plan, folder: Path, rows: list[dict[str, Any]] = NEW_ROWS, **options: Any) -> Replanned:
    return replan(written(made, folder), file(rows), **{"as_of": DAY, "lang": "en", **options})


# ------------------------------------------------------------------------------------------------------- comparing


def test_documents_and_plans_are_compared_alike(old):
    new = plan(Problem(Calendar.model_validate(old.problem["calendar"]), market(NEW_ROWS), _pack(old), DAY))
    one = compare_plans(old, new, None, market(NEW_ROWS))
    other = compare_plans(json.loads(old.to_json()), json.loads(new.to_json()), market(ROWS), market(NEW_ROWS))
    assert one.as_dict("zh") == other.as_dict("zh")
    assert one.old_market_known


def _pack(made: Plan) -> Any:
    return read_rule_pack(made.policy.id)


def test_a_market_that_is_not_the_plans_is_refused(old):
    new = plan(Problem(Calendar.model_validate(old.problem["calendar"]), market(NEW_ROWS), _pack(old), DAY))
    with pytest.raises(BadInput, match="other hash"):
        compare_plans(bare(old), new, market(NEW_ROWS[:1]), market(NEW_ROWS))
    with pytest.raises(BadInput, match="other hash"):
        compare_plans(old, bare(new), None, market(ROWS))


@pytest.mark.parametrize("document", [{}, {"plan_id": "x", "problem": {}}])
def test_what_is_no_plan_is_refused_with_every_missing_part(old, document):
    with pytest.raises(BadInput) as refused:
        compare_plans(document, old, None, market(ROWS))
    assert "missing" in {f.code for f in refused.value.findings}


def test_a_plan_with_an_unreadable_problem_is_refused(old):
    broken = old.model_copy(update={"problem": {**old.problem, "as_of": "soon"}})
    with pytest.raises(BadInput, match="cannot be read"):
        compare_plans(broken, old, None, market(ROWS))


def test_the_document_holds_numbers_as_decimal_strings_and_both_languages(old, tmp_path):
    changes = again(old, tmp_path).changes
    zh, en = changes.as_dict("zh"), changes.as_dict("en")
    json.dumps(zh, allow_nan=False)
    assert zh["totals"]["cost"] == {"before": "5400.00", "after": "5940.00", "difference": "540.00"}
    assert zh["totals"]["covered_t"] == {"before": "100", "after": "96", "difference": "-4"}
    gone = next(x for x in en["lines"] if x["offer_id"] == "4A")
    assert gone["contracted_t"] == {"before": "60", "after": "0", "difference": "-60"}
    assert gone["cost"]["difference"] == "-3000.00"
    assert gone["causes"] == [{"code": "offer_gone", "message": "no longer offered", "evidence": {}}]
    assert [x["causes"][0]["message"] for x in zh["lines"] if x["offer_id"] == "4A"] == ["不再报价"]
    assert not [x for x in _leaves(zh) if isinstance(x, float)]
    assert en["counts"] == {"gone": 1, "new": 1, "more": 1}
    assert [(t["tier"], t["effective_t"]["after"]) for t in en["tiers"] if t["effective_t"]["after"] != "0"] == [
        (4, "96")
    ]
    assert en["fiscal_years"][0]["spent"] == {"before": "5400.00", "after": "5940.00", "difference": "540.00"}


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for one in value.values() for leaf in _leaves(one)]
    return [leaf for one in value for leaf in _leaves(one)] if isinstance(value, list) else [value]


def test_rows_for_tables_have_a_column_for_every_head(old, tmp_path):
    rows = again(old, tmp_path).changes.rows("en")
    assert all(set(row) == set(COLUMNS) for row in rows)
    assert [(r["offer_id"], r["kind"], r["before_t"], r["after_t"]) for r in rows] == [
        ("4A", "gone", "60", "0"),
        ("4B", "more", "40", "60"),
        ("4C", "new", "0", "36"),
    ]


# ---------------------------------------------------------------------------------------------------- planning again


def test_all_but_market_and_day_stays_as_it_was(old, tmp_path):
    result = again(old, tmp_path, as_of="2026-11-30")
    assert result.after.problem["calendar"] == old.problem["calendar"]
    assert result.after.problem["rule_pack"] == old.problem["rule_pack"]
    assert result.after.as_of == date(2026, 11, 30)
    assert result.after.problem["offers_sha256"] == market(NEW_ROWS).sha256
    assert result.before == old.document()
    assert result.findings == ()
    assert result.as_dict("en")["plan"]["plan_id"] == result.after.plan_id


def test_planning_again_gives_the_plan_that_planning_gives(old, tmp_path):
    fresh = plan(
        Problem(Calendar.model_validate(old.problem["calendar"]), market(NEW_ROWS), _pack(old), DAY), lang="en"
    )
    assert again(old, tmp_path).after.plan_id == fresh.plan_id


def test_another_objective_may_be_given(old, tmp_path):
    assert again(old, tmp_path, objective="cost-first").after.objective == "cost-first"


def test_a_plan_that_was_changed_is_refused(old, tmp_path):
    path = Path(written(old, tmp_path))
    path.write_text(path.read_text("utf-8").replace('"5400.00"', '"5300.00"'), "utf-8")
    with pytest.raises(BadInput) as refused:
        replan(str(path), file(NEW_ROWS), as_of=DAY, lang="zh")
    assert [(f.code, f.file) for f in refused.value.findings] == [("plan_changed", "plan.json")]


def test_every_fault_is_told_at_once(tmp_path):
    with pytest.raises(BadInput) as refused:
        replan(str(tmp_path / "none.json"), file(NEW_ROWS), as_of="soon", lang="zh", objective="cheap")
    assert len(refused.value.findings) == 3


def test_a_sealed_plan_that_does_not_hold_is_used_with_a_warning(old, tmp_path):
    wrong = resealed(old, totals={**old.totals.model_dump(), "cost": "5300.00"})
    (finding,) = again(wrong, tmp_path).findings
    assert (finding.code, finding.severity, finding.file) == ("check_fails", "warning", "plan.json")
    assert "totals.cost" in str(finding.value)


def test_a_sealed_plan_whose_problem_is_broken_is_refused(old, tmp_path):
    broken = resealed(old, problem={**old.problem, "offers": old.problem["offers"][1:]})
    with pytest.raises(BadInput) as refused:
        again(broken, tmp_path)
    assert {f.file for f in refused.value.findings} == {"plan.json"}


def test_an_earlier_day_is_warned_about(old, tmp_path):
    assert [f.code for f in again(old, tmp_path, as_of="2026-11-01").findings] == ["earlier_day"]


def test_a_plan_that_carries_only_a_hash_takes_its_market_beside_it(old, tmp_path):
    known = again(bare(old), tmp_path, before_offers=market(ROWS))
    assert known.changes.old_market_known
    assert known.findings == ()
    assert known.changes.rows("en") == again(old, tmp_path).changes.rows("en")
    with pytest.raises(BadInput):
        again(bare(old), tmp_path, before_offers=market(NEW_ROWS))


def test_without_its_market_old_prices_are_those_of_the_lines_and_nothing_more_is_claimed(old, tmp_path):
    # 4A at 55 is still bought: 60 t cost 3000 then and 3300 now. Whether 4C was dearer then is not known.
    rows = [{**ROWS[0], "price": "55"}, {**ROWS[1], "quantity": "10"}, ROWS[2]]
    result = again(bare(old), tmp_path, rows=rows)
    assert [f.code for f in result.findings] == ["old_market_unknown"]
    assert not result.changes.as_dict("en")["old_market_known"]
    causes = {x.offer_id: x.causes for x in result.changes.lines}
    assert causes["4A"][0].evidence == {"price_before": "50.00", "price_after": "55.00", "from": "plan_line"}
    assert not {"offer_new", "cheaper", "now_eligible"} & {c.code for found in causes.values() for c in found}
    assert all(causes.values())


def test_a_hash_that_is_the_new_markets_own_is_known(old, tmp_path):
    result = again(bare(old), tmp_path, rows=ROWS)
    assert result.changes.old_market_known
    assert not result.changes.changed


# ---------------------------------------------------------------------------------------------------------- the page


def shown(result: Replanned, lang: Any) -> str:
    stream = io.StringIO()
    show_changes(result.changes, lang, stream, result.findings)
    return stream.getvalue()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_says_what_changed_why_and_what_keeping_costs(old, tmp_path, lang):
    text = shown(again(old, tmp_path), lang)
    for number in ("5,400.00 → 5,940.00", "+540.00", "100 → 96", "-3,000.00", "2,400.00"):
        assert number in text
    assert ("不再报价" if lang == "zh" else "no longer offered") in text
    assert all(cell_len(row) <= 80 for row in text.splitlines())


def test_english_pages_of_english_data_have_no_chinese_and_the_other_way_round(old, tmp_path):
    result = again(resealed(old, problem={**old.problem}), tmp_path, lang="en")
    english = shown(result, "en").replace("示例马拉松", "")
    names = {t["name"] for t in result.changes.tiers()}
    for name in names:
        english = english.replace(name, "")
    assert not re.search(r"[\u4e00-\u9fff]", english)
    assert "yuan" not in shown(result, "zh")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_page_of_nothing_changed_says_so(old, tmp_path, lang):
    text = shown(again(old, tmp_path, rows=ROWS), lang)
    assert ("没有变化" if lang == "zh" else "Nothing: buy as planned") in text
    assert ("能: 每一行都还买得到" if lang == "zh" else "Yes: every line can still be bought") in text


def test_warnings_about_the_old_plan_stand_on_the_page(old, tmp_path):
    assert "carries only the hash" in shown(again(bare(old), tmp_path), "en")


def test_a_calendar_names_its_events_in_the_table(tmp_path):
    calendar = Calendar.model_validate({"events": [event("30"), {**event("20"), "id": "f"}]})
    made = plan(Problem(calendar, market(ROWS), read_rule_pack("shanxi-2022"), DAY))
    rows = [row.strip() for row in shown(again(made, tmp_path), "zh").splitlines()]
    assert "e" in rows
    assert "f" in rows
