"""Plans of many kinds, and every small change of a plan's document: what a forger or a broken disk could do to it."""

import copy
import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

type Doc = dict[str, Any]
type Path = tuple[str | int, ...]

AS_OF = date(2026, 11, 22)
SHANXI = {"mechanism": "三晋绿色生活", "region": "14"}
FOREST = {
    "instrument": "forestry",
    "region": "14",
    "certified_by": "某机构",
    "planted_by": "2027-03-31",
    "certification_due": "2032-06-30",
    "delivery_schedule": "2029-12-31=0.2;2032-10-11=0.5;2040-12-31=1",
    "buffer": "0.1",
}


def an_event(name: str, tonnes: str, **more: Any) -> Doc:
    return {
        "id": name,
        "end_date": "2026-10-11",
        "emissions": {"tonnes": tonnes, "status": "verified"},
        **more,
    }


def a_market() -> list[Doc]:
    """One offer of each tier, one stale, one that expires, one paid in two years."""
    return [
        {"offer_id": "o1", "instrument": "carbon_inclusion", **SHANXI, "quantity": "30", "price": "60", "seller": "甲"},
        {
            "offer_id": "o2",
            "instrument": "ccer",
            "region": "14",
            "quantity": "25",
            "price": "45.5",
            "fee_rate": "0.03",
            "payment_schedule": "2026-12-31=0.5;2027-06-30=0.5",
            "valid_until": "2027-02-01",
        },
        {"offer_id": "o3", **FOREST, "quantity": "40", "price": "120", "seller": "乙"},
        {"offer_id": "o4", "instrument": "allowance", "quantity": "200", "price": "80", "seller": "甲", "firm": False},
        {"offer_id": "o5", "instrument": "credit", "region": "KE", "quantity": "90", "price": "12.34"},
        {"offer_id": "o6", "instrument": "allowance", "quantity": "9", "price": "1", "last_traded_on": "2026-01-05"},
    ]


def cases() -> dict[str, Doc]:
    """Name -> {"calendar", "offers", "objective", "outlook"}."""
    market = a_market()
    broken = [
        {**market[0], "price_breaks": "10=58;20=55", "min_quantity": "5", "fixed_fee": "12.5", "lot_size": "2.5"},
        {**market[1], "lot_size": "5", "fixed_fee": "100"},
        *market[2:],
    ]
    late = [{**market[3], "settlement_days": 400}, market[0]]
    years = {"by_fiscal_year": {2026: "2500.00", 2027: "1500.00"}, "carry_forward": True}
    limits = [{"group": "seller", "max_share": "0.4"}, {"where": {"region": "14"}, "min_share": "0.9"}]
    two = [
        an_event("a", "60", priority=2, limits=limits[:1]),
        an_event("b", "41.5", priority=1, budget={"total": "3000.00"}),
    ]
    return {
        "covered": {"calendar": {"events": [an_event("e", "100")]}, "offers": market},
        "bound by its budget": {
            "calendar": {"events": [an_event("e", "100", budget={"total": "3000.00"})]},
            "offers": market,
        },
        "short of money": {
            "calendar": {"events": [an_event("e", "100", budget={"total": "1000.00"})]},
            "offers": market,
        },
        "short of supply and of a min share": {
            "calendar": {"events": [an_event("e", "600", limits=limits)]},
            "offers": market,
        },
        "calendar": {"calendar": {"events": two, "budget": {"total": "7000.00"}}, "offers": market},
        "whole lots, minimums, fees and breaks": {"calendar": {"events": [an_event("e", "52.4")]}, "offers": broken},
        "divisible": {
            "calendar": {"events": [an_event("e", "77.777")], "settings": {"whole_lots": False}},
            "offers": market,
        },
        "balanced with a witness": {
            "calendar": {"events": [an_event("e", "100")], "objective": "balanced"},
            "offers": market,
            "epsilon": 2000,
        },
        "forest counted ex ante": {
            "calendar": {"events": [an_event("e", "70")], "settings": {"forestry_accrual": "ex_ante"}},
            "offers": market,
        },
        "late": {"calendar": {"events": [an_event("e", "50")], "settings": {"allow_late": True}}, "offers": late},
        "by year, carried forward": {
            "calendar": {"events": [an_event("e", "60", budget=years)]},
            "offers": market,
        },
        "discounted, with an outlook": {
            "calendar": {"events": [an_event("e", "60")], "settings": {"discount_rate": "0.05"}},
            "offers": market,
            "outlook": [{"instrument": "allowance", "from": "2027-02-01", "factor": "0.9"}],
        },
        "custom order with slack": {
            "calendar": {
                "events": [an_event("e", "60")],
                "objective": [{"level": "cost", "absolute": "900"}, {"level": "shortfall"}, {"level": "tier 1"}],
            },
            "offers": market,
        },
    }


# ----------------------------------------------------------------------------------------------------------- changes

NUMBER = re.compile(r"-?\d+(\.\d+)?")
DATE = re.compile(r"\d{4}-\d\d-\d\d")


def other_values(value: Any) -> list[Any]:
    """What a leaf might be changed to: numbers a little up and down, days, words, yes and no."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1]
    if value is None:
        return ["1"]
    if DATE.fullmatch(value):
        day = date.fromisoformat(value)
        return [(day + timedelta(days=1)).isoformat(), (day - timedelta(days=1)).isoformat()]
    if NUMBER.fullmatch(value):
        number = Decimal(value)
        unit = Decimal(1).scaleb(int(number.as_tuple().exponent))
        return [f"{number + unit:f}", f"{number - unit:f}"]
    return [{"exact": "solver", "solver": "exact", "open": "exact"}.get(value, value + "x")]


def changes(node: Any, path: Path = (), both: bool = True) -> Iterator[tuple[Path, str, Any]]:
    """(path, what, new value) of every change of one leaf, and of every list item dropped, doubled or swapped.

    Without `both` a number or a day goes up or down, by turns, not both.
    """
    if isinstance(node, dict):
        for key, value in node.items():
            yield from changes(value, (*path, key), both)
    elif isinstance(node, list):
        for k, value in enumerate(node):
            yield (path, f"dropped {k}", node[:k] + node[k + 1 :])
            yield (path, f"doubled {k}", [*node[:k], value, *node[k:]])
            if k + 1 < len(node) and node[k + 1] != value:
                yield (path, f"swapped {k}", [*node[:k], node[k + 1], value, *node[k + 2 :]])
            yield from changes(value, (*path, k), both)
    else:
        others = other_values(node)
        for other in others if both else others[len(str(path)) % len(others) :][:1]:
            yield (path, f"{node!r} became {other!r}", other)


def changed(document: Doc, path: Path, value: Any) -> Doc:
    """A copy of the document with one value replaced."""
    if not path:
        raise ValueError("the document itself")
    result = dict(document)
    node: Any = result
    for step in path[:-1]:
        node[step] = copy.copy(node[step])
        node = node[step]
    node[path[-1]] = value
    return result


def spelled(path: Path) -> str:
    """("levels", 3, "value") -> "levels[].value"."""
    return "".join("[]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".")
