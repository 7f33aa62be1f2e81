"""Every constraint family and every level has its golden program: the maths as text, compared line by line."""

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from optimizer import Calendar, Offer, Offers, Problem, RulePack
from optimizer.arcs import build_arcs
from optimizer.eligibility import screen
from optimizer.events import EXTRA_BUDGET, LevelSpec
from optimizer.formulation import CONSTRAINTS, LEVELS, formulate
from optimizer.limits import fit
from optimizer.program import Program

FOLDER = Path(__file__).parent

PACK = RulePack.model_validate(
    {
        "id": "two-tiers",
        "version": "1",
        "title": {"zh": "两层", "en": "two tiers"},
        "document_number": "1",
        "issued_on": "2026-01-01",
        "order": "recommended",
        "tiers": [
            {"tier": 1, "name": {"zh": "一", "en": "one"}, "clause": "1"},
            {"tier": 2, "name": {"zh": "二", "en": "two"}, "clause": "2"},
        ],
        "retirement": {"years": 1, "in_principle": True, "clause": "3"},
        "forestry": {"years": 6, "in_principle": False, "clause": "3"},
        "recognised_clause": "1",
        "retire_clause": "4",
        "registries": [],
        "classes": [
            {"when": {"instrument": ["ccer"]}, "tier": 1, "clause": "1"},
            {"when": {"instrument": ["forestry", "allowance"]}, "tier": 2, "clause": "2"},
        ],
    }
)
"""Tier 1: CCER; tier 2: forests and allowances."""


def ccer(offer_id: str, quantity: object, price: object, **keys: object) -> dict[str, Any]:
    return {"offer_id": offer_id, "instrument": "ccer", "quantity": quantity, "price": price, **keys}


def forest(offer_id: str, quantity: object, price: object, **keys: object) -> dict[str, Any]:
    delivers = {"delivery_schedule": "2030-12-31=0.5", "buffer": "0.2"}
    return {"offer_id": offer_id, "instrument": "forestry", "quantity": quantity, "price": price, **delivers, **keys}


def event(event_id: str = "e", tonnes: object = 100, **keys: object) -> dict[str, Any]:
    emissions = {"tonnes": tonnes, "status": "verified"}
    return {"id": event_id, "end_date": "2026-10-11", "emissions": emissions, **keys}


def program(
    events: list[dict[str, Any]], offers: list[dict[str, Any]], *, soft: bool = False, **calendar: Any
) -> Program:
    """The program as `solve` writes it."""
    objective = calendar.pop("levels", ["shortfall", "cost"])
    specs = tuple(
        LevelSpec.model_construct(level=x, relative_e4=0, absolute_e4=0) if isinstance(x, str) else x for x in objective
    )
    problem = Problem(
        Calendar.model_validate({"events": events, **calendar}),
        Offers.of(Offer.model_validate(o) for o in offers),
        PACK,
        date(2026, 11, 22),
        soft_budgets=soft,
    ).with_objective(specs)
    screening = screen(problem)
    arcs = build_arcs(problem, screening)
    whole = problem.settings.whole_lots
    arcs = fit(problem, arcs) if whole else arcs
    return formulate(problem, screening, arcs, "rows" if whole else "face")


DIVISIBLE = {"whole_lots": False}
TWO_YEARS = {"total": 900, "by_fiscal_year": {2026: 500, 2027: 500}}
INSTALMENTS = {"payment_schedule": "2026-12-31=0.25;2027-06-30=0.75", "valid_until": "2026-12-31"}


def coverage() -> dict[str, Program]:
    offers = [ccer("A", 60, 50), forest("B", 500, 10)]
    return {
        "divisible": program([event()], offers, settings=DIVISIBLE),
        "whole lots": program([event()], [ccer("A", 60, 50, lot_size=20), forest("B", 500, 10)]),
        "a meeting of 0.8 t that one lot covers": program(
            [event(tonnes="0.8")], [ccer("A", 60, 50), ccer("B", 1, 60, lot_size="0.5")]
        ),
    }


def availability() -> dict[str, Program]:
    events = [event("a"), event("b")]
    return {
        "divisible": program(events, [ccer("A", 65, 50), ccer("B", 40, 60)], settings=DIVISIBLE),
        "whole lots, 65 t in lots of 20": program(events, [ccer("A", 65, 50, lot_size=20)]),
    }


def budget() -> dict[str, Program]:
    offers = [ccer("A", 100, 10), ccer("B", 100, 10, fixed_fee=100, **INSTALMENTS)]
    forward = {**TWO_YEARS, "carry_forward": True}
    return {
        "in all and by fiscal year": program([event(budget=TWO_YEARS)], offers),
        "carried forward": program([event(budget=forward)], offers),
        "shared by a calendar": program([event("a"), event("b")], [ccer("A", 100, 10)], budget={"total": 900}),
    }


def max_share() -> dict[str, Program]:
    offers = [ccer("A", 200, 10, seller="S"), ccer("B", 200, 20, seller="T"), ccer("C", 200, 30)]
    where = [{"where": {"instrument": "forestry"}, "max_share": "0.3"}]
    seller = [{"group": "seller", "max_share": "0.405"}]
    return {
        "group, divisible": program([event(limits=seller)], offers, settings=DIVISIBLE),
        "group, whole lots": program([event(limits=seller)], offers),
        "where": program([event(limits=where)], [ccer("A", 200, 50), forest("B", 500, 10)], settings=DIVISIBLE),
    }


def min_share() -> dict[str, Program]:
    limits = [{"where": {"instrument": "forestry"}, "min_share": "0.3"}]
    return {"where": program([event(limits=limits)], [ccer("A", 200, 50), forest("B", 500, 10)], settings=DIVISIBLE)}


def lots() -> dict[str, Program]:
    return {
        "minimum and fee": program([event()], [ccer("A", 200, 10, lot_size=5, min_quantity=30, fixed_fee=70)]),
        "price breaks": program([event()], [ccer("A", 200, 10, price_breaks="50=9;100=8")]),
    }


def shortfall() -> dict[str, Program]:
    events = [event("a", priority=1), event("b", priority=2)]
    return {
        "divisible": program([event()], [ccer("A", 60, 50)], settings=DIVISIBLE, levels=["shortfall"]),
        "whole lots: steps": program([event(tonnes=50)], [ccer("A", 60, 50)], levels=["shortfall"]),
        "classes of events": program(events, [ccer("A", 60, 50)], levels=["shortfall"]),
    }


def rules() -> dict[str, Program]:
    limits = [{"where": {"instrument": "forestry"}, "min_share": "0.3"}, {"where": {"seller": "S"}, "min_share": "0.1"}]
    events = [event(limits=limits)]
    offers = [ccer("A", 200, 50, seller="S"), forest("B", 500, 10)]
    return {
        "divisible": program(events, offers, settings=DIVISIBLE, levels=["rules"]),
        "whole lots: steps": program(events, offers, levels=["rules"]),
        "none": program([event()], offers, levels=["rules"]),
    }


def tier() -> dict[str, Program]:
    offers = [ccer("A", 60, 50), forest("B", 500, 10)]
    return {
        "divisible": program([event()], offers, settings=DIVISIBLE, levels=["tier 1", "tier 2"]),
        "whole lots: steps": program([event()], offers, levels=["tier 1", "tier 2"]),
    }


def cost() -> dict[str, Program]:
    dear = ccer("A", 200, 10, fee_rate="0.1", unit_fee=2, fixed_fee=70)
    slack = LevelSpec.model_validate({"level": "cost", "relative": "0.05"})
    rate = {"discount_rate": "0.25", "whole_lots": False}
    return {
        "fees": program([event()], [dear], levels=["cost"]),
        "held with slack": program([event()], [ccer("A", 200, 10)], settings=DIVISIBLE, levels=[slack]),
        "present value": program([event()], [ccer("A", 200, 10, **INSTALMENTS)], settings=rate, levels=["cost"]),
    }


def extra() -> dict[str, Program]:
    forward = {"by_fiscal_year": {2026: 500, 2027: 500}, "carry_forward": True}
    offers = [ccer("A", 100, 10, **INSTALMENTS)]
    return {
        "in all": program([event(budget={"total": 300})], offers, soft=True, levels=[EXTRA_BUDGET]),
        "carried forward": program([event(budget=forward)], offers, soft=True, levels=[EXTRA_BUDGET]),
    }


def tie_break() -> dict[str, Program]:
    here = event(budget={"by_fiscal_year": {2026: 500, 2027: 500}})
    return {"two offers, two dates": program([here], [ccer("A", 60, 50), ccer("B", 60, 50)], levels=["cost"])}


CASES: dict[str, Callable[[], dict[str, Program]]] = {
    f.__name__: f
    for f in (
        coverage,
        availability,
        budget,
        max_share,
        min_share,
        lots,
        shortfall,
        rules,
        tier,
        cost,
        extra,
        tie_break,
    )
}


def spelled(name: str) -> str:
    """The golden text of a family: each of its programs under its title."""
    return "\n".join(f"=== {title}\n\n{found.text()}" for title, found in CASES[name]().items())


@pytest.mark.parametrize("name", CASES)
def test_the_program_of_each_family_is_as_it_was_read(name):
    file = FOLDER / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(spelled(name), "utf-8")
    assert spelled(name) == file.read_text("utf-8")


def test_no_family_is_without_its_golden_program_and_none_is_stray():
    families = {f.__name__ for f in CONSTRAINTS} | set(LEVELS) | {"tie_break"}
    assert set(CASES) == families
    assert {file.stem for file in FOLDER.glob("*.txt")} == families


def test_a_golden_program_shows_its_family():
    """The text of a constraint family holds a row of that family, that of a level an objective of its name."""
    for family in CONSTRAINTS:
        rows = {str(key[0]) for found in CASES[family.__name__]().values() for key in found.row_keys}
        wanted = {"lots": "one piece"}.get(family.__name__, family.__name__.replace("_", " "))
        assert wanted in rows
    for level in LEVELS:
        heads = {x.name.partition(" ")[0] for found in CASES[level]().values() for x in found.levels}
        assert level in heads
