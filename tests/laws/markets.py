"""Strategies for small markets and events, degenerate on purpose, and what the laws need to do with them."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from optimizer import Calendar, Offer, Offers, Problem, read_rule_pack
from optimizer.solution import Solution, solve

type Doc = dict[str, Any]

AS_OF = date(2026, 11, 22)
SHANXI_2022 = read_rule_pack("shanxi-2022")
FEN = Fraction(1, 100)

modest = settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

KINDS: list[Doc] = [
    {"instrument": "carbon_inclusion", "mechanism": "三晋绿色生活"},
    {"instrument": "ccer", "region": "14"},
    {
        "instrument": "forestry",
        "region": "14",
        "certified_by": "某机构",
        "delivery_schedule": "2030-12-31=0.3;2040-12-31=1",
        "buffer": "0.1",
    },
    {"instrument": "allowance"},
    {"instrument": "credit", "region": "KE"},
]
PRICES = ["0", "20", "20", "50", "50.5", "80"]
LOTS = ["0.01", "1", "1", "10"]


@st.composite
def offers(draw: st.DrawFn, whole: bool = True, prices: list[str] | None = None) -> list[Doc]:
    """One to five offers; twins are likely, and all lots of a market are of one size or a multiple of it."""
    lot = Decimal(draw(st.sampled_from(LOTS)))
    found: list[Doc] = []
    for k in range(draw(st.integers(1, 5))):
        if found and draw(st.integers(0, 3)) == 0:
            found.append({**draw(st.sampled_from(found)), "offer_id": f"o{k}"})
            continue
        own = lot * draw(st.sampled_from([1, 1, 2]))
        lots = draw(st.integers(1, 6))
        offer = {
            "offer_id": f"o{k}",
            **draw(st.sampled_from(KINDS)),
            "quantity": str(own * lots),
            "price": draw(st.sampled_from(prices or PRICES)),
            "lot_size": str(own),
            "seller": draw(st.sampled_from(["", "甲", "乙"])),
        }
        if whole:
            offer |= draw(st.sampled_from([{}, {}, {"min_quantity": str(own * lots)}, {"fixed_fee": "7.5"}]))
            offer |= draw(st.sampled_from([{}, {}, {"price_breaks": f"{own * 2}=19.99"}]))
        found.append(offer)
    return found


LIMITS: list[list[Doc]] = [
    [],
    [],
    [{"group": "seller", "max_share": "0.5"}],
    [{"where": {"region": "14"}, "min_share": "0.5"}],
    [{"where": {"instrument": "allowance"}, "max_share": "0.3333"}],
]


@st.composite
def cases(
    draw: st.DrawFn, whole: bool = True, budgets: bool = True, limits: bool = True, prices: list[str] | None = None
) -> Doc:
    """{"calendar", "offers"}: one or two events whose needs are near the supply."""
    market = draw(offers(whole, prices))
    supply = sum((Decimal(o["quantity"]) for o in market), Decimal(0))
    count = draw(st.integers(1, 2))
    events = []
    for e in range(count):
        share = draw(st.sampled_from(["1", "0.5", "0.3", "1.5"]))
        need = max(Decimal("0.001"), (supply * Decimal(share) / count).quantize(Decimal("0.001")))
        event: Doc = {
            "id": f"e{e}",
            "end_date": "2026-10-11",
            "emissions": {
                "tonnes": str(need + Decimal(draw(st.sampled_from(["0", "0", "0.001"])))),
                "status": "verified",
            },
        }
        if limits:
            event["limits"] = draw(st.sampled_from(LIMITS))
        if budgets and draw(st.booleans()):
            event["budget"] = {"total": str((need * draw(st.sampled_from([5, 20, 25, 50]))).quantize(Decimal("0.01")))}
        events.append(event)
    calendar: Doc = {"events": events, "settings": {"whole_lots": whole}}
    if budgets and draw(st.integers(0, 3)) == 0:
        first, second = draw(st.sampled_from([("100.00", "50.00"), ("0.00", "400.00"), ("1000.00", "0.00")]))
        calendar["budget"] = {"by_fiscal_year": {2026: first, 2027: second}, "carry_forward": draw(st.booleans())}
    return {"calendar": calendar, "offers": market}


def problem_of(case: Doc, objective: Any = "priority-first") -> Problem:
    return Problem(
        Calendar.model_validate({**case["calendar"], "objective": objective}),
        Offers.of([Offer.model_validate(o) for o in case["offers"]]),
        SHANXI_2022,
        AS_OF,
    )


def solved(case: Doc, objective: Any = "priority-first") -> Solution:
    return solve(problem_of(case, objective))


def proven(*solutions: Solution) -> bool:
    return all(p.proof != "open" for s in solutions for p in s.proofs)


def values(solution: Solution) -> list[tuple[str, Fraction]]:
    return [(p.name, p.value) for p in solution.proofs]


def worse(after: Solution, before: Solution) -> str | None:
    """The first level at which `after` is worse, unless an earlier one is better; costs are alike to the fen."""
    for (name, new), (_, old) in zip(values(after), values(before), strict=True):
        if new > old + (FEN if name == "cost" else 0):
            return f"{name}: {new} after {old}"
        if new < old:
            return None
    return None
