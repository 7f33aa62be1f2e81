"""Random cases, degenerate on purpose: tied prices, twins, caps that just fit, zero prices, fractions of a tonne."""

import random
from datetime import date
from fractions import Fraction
from math import ceil, floor
from typing import Any

type Doc = dict[str, Any]

AS_OF = date(2026, 11, 22)
KINDS: list[Doc] = [
    {"instrument": "carbon_inclusion", "mechanism": "三晋绿色生活", "region": "14"},
    {"instrument": "carbon_inclusion", "mechanism": "晋碳行", "region": "14"},
    {"instrument": "ccer", "mechanism": "CCER", "region": "14", "vintage": "2024"},
    {"instrument": "ccer", "mechanism": "CCER", "region": "15", "vintage": "2021"},
    {"instrument": "credit", "mechanism": "VCS", "region": "140100", "vintage": "2023"},
    {"instrument": "credit", "mechanism": "GS", "region": "KE"},
    {"instrument": "allowance", "mechanism": "CEA", "vintage": "2025"},
    {"instrument": "allowance", "mechanism": "湖北"},
    {
        "instrument": "forestry",
        "region": "1402",
        "certified_by": "x",
        "planted_by": "2027-03-31",
        "certification_due": "2032-06-30",
        "delivery_schedule": "2029-12-31=0.2;2032-10-11=0.5;2040-12-31=1",
        "buffer": "0.1",
    },
    {
        "instrument": "forestry",
        "region": "15",
        "certified_by": "x",
        "planted_by": "2033-01-01",
        "certification_due": "2033-01-01",
        "delivery_schedule": "2030-12-31=0.3333;2040-12-31=1",
        "buffer": "0.05",
    },
]
KINDS[8]["region"] = "140200"
PRICES = ["0", "0.01", "20", "20", "50", "50", "50.5", "66.67", "80", "80", "1250"]


def decimal(value: Fraction, places: int) -> str:
    """A decimal string of a value that has at most so many places."""
    scaled = value * 10**places
    assert scaled.denominator == 1, value
    text = f"{int(scaled):0{places + 1}d}"
    return f"{text[:-places]}.{text[-places:]}" if places else text


def an_offer(rng: random.Random, name: str, lot: Fraction, most_lots: int, whole: bool) -> Doc:
    lots = rng.randint(1, most_lots)
    kind = rng.choice(KINDS[:8] if rng.random() < 0.75 else KINDS[8:])
    rest = rng.choice(["0", "0", "0", "0.3"]) if whole else rng.choice(["0", "0", "0.123"])
    quantity = lot * lots + lot * Fraction(rest)
    offer = {
        **kind,
        "offer_id": name,
        "quantity": decimal(Fraction(floor(quantity * 1000), 1000), 3),
        "price": rng.choice(PRICES),
        "lot_size": decimal(lot, 3),
        "seller": rng.choice(["", "甲", "甲", "乙"]),
    }
    if whole and rng.random() < 0.3:
        offer["min_quantity"] = decimal(
            lot * rng.choice([2, lots, lots, lots + 1]) - lot * Fraction(rng.choice([0, 0, 1]), 2), 3
        )
    if whole and rng.random() < 0.25:
        offer["fixed_fee"] = rng.choice(["5", "100", "0.33"])
    if whole and lots > 1 and rng.random() < 0.35:
        begin = lot * Fraction(rng.choice([4, 2 * lots, 2, 3]), 2)
        offer["price_breaks"] = f"{decimal(begin, 4)[:-1]}={rng.choice(['10', '19.99', '40', '0', '70'])}"
    if rng.random() < 0.2:
        offer["fee_rate"] = rng.choice(["0.05", "0.0001", "0.5"])
    if rng.random() < 0.2:
        offer["unit_fee"] = rng.choice(["0.5", "3.33"])
    return offer | with_dates(rng, offer)


def with_dates(rng: random.Random, offer: Doc) -> Doc:
    found: Doc = {}
    roll = rng.random()
    if roll < 0.1:
        found["valid_from"] = rng.choice(["2026-11-22", "2027-02-01", "2027-10-11", "2027-10-12"])
    elif roll < 0.2:
        found["valid_until"] = rng.choice(["2026-11-21", "2026-11-22", "2027-01-01"])
    elif roll < 0.3:
        found["settlement_days"] = rng.choice([30, 323, 324])
    elif roll < 0.35:
        found["last_traded_on"] = rng.choice(["2026-10-22", "2026-10-23", "2026-10-24"])
    elif roll < 0.5:
        found["payment_schedule"] = rng.choice(
            ["2026-12-31=0.5;2027-06-30=0.5", "2025-01-01=0.3;2027-01-01=0.7", "2027-03-01=0.3333;2028-03-01=0.6667"]
        )
    if offer["instrument"] == "ccer" and rng.random() < 0.15:
        found["registered_on"] = rng.choice(["2017-02-28", "2017-03-01"])
    return found


def some_offers(rng: random.Random, n: int, lot: Fraction, most_lots: int, whole: bool) -> list[Doc]:
    found: list[Doc] = []
    for k in range(n):
        if found and rng.random() < 0.25:
            found.append({**rng.choice(found), "offer_id": f"o{k}"})
        else:
            own = lot * Fraction(rng.choice([2, 2, 2, 4, 1]), 2) if lot >= Fraction(1, 100) else lot
            found.append(an_offer(rng, f"o{k}", own, most_lots, whole))
    return found


LIMITS: list[Doc] = [
    {"group": "seller", "max_share": "0.5"},
    {"group": "seller", "max_share": "0.3333"},
    {"group": "instrument", "max_share": "0.6"},
    {"group": "tier", "max_share": "0.4"},
    {"group": "region", "max_share": "0.75"},
    {"group": "vintage", "max_share": "0.5"},
    {"where": {"instrument": "forestry"}, "max_share": "0.3"},
    {"where": {"instrument": ["ccer", "credit"]}, "max_share": "0.25"},
    {"where": {"region": "14"}, "min_share": "0.5"},
    {"where": {"region": ["14", "15"]}, "min_share": "1"},
    {"where": {"tier": "5"}, "min_share": "0.2"},
    {"where": {"instrument": "allowance"}, "min_share": "0.1", "max_share": "0.4"},
]
ELIGIBILITY: list[Doc] = [
    {"vintage_min": 2022},
    {"vintage_max": 2024},
    {"regions": ["14"]},
    {"exclude": {"seller": ["乙"]}},
    {"only": {"instrument": ["ccer", "allowance", "carbon_inclusion", "forestry"]}},
]


def an_event(rng: random.Random, name: str, supply: Fraction, lot: Fraction) -> Doc:
    """A need near the supply or a whole number of lots of it, exactly or a kilogram or a fraction of a tonne beside."""
    share = rng.choice([Fraction(1), Fraction(1, 2), Fraction(1, 3), Fraction(3, 4), Fraction(2)])
    lots = max(1, floor(supply * share / lot))
    need = lot * lots + rng.choice([Fraction(0)] * 3 + [Fraction(1, 1000), Fraction(-1, 1000), lot * Fraction(2, 5)])
    need = max(Fraction(floor(need * 1000), 1000), Fraction(1, 1000))
    event: Doc = {
        "id": name,
        "end_date": rng.choice(["2026-10-11"] * 4 + ["2028-02-29"]),
        "emissions": {"tonnes": decimal(need, 3), "status": "verified"},
    }
    if rng.random() < 0.15:
        event["over_cover"] = rng.choice(["0.1", "0.3333"])
    if rng.random() < 0.4:
        event["limits"] = rng.sample(LIMITS, rng.choice([1, 1, 2]))
    if rng.random() < 0.1:
        event["eligibility"] = rng.choice(ELIGIBILITY)
    return event


def a_case(seed: int, *, whole: bool = True, offers: int = 3, most_lots: int = 4, events: int = 1) -> Doc:
    """{"calendar", "offers", "outlook"}: a small case without budgets."""
    rng = random.Random(seed)
    lot = rng.choice([Fraction(1, 100), Fraction(1), Fraction(1), Fraction(10), Fraction(10), Fraction(100)])
    market = some_offers(rng, offers, lot, most_lots, whole)
    supply = sum((Fraction(o["quantity"]) for o in market), Fraction(0))
    calendar: Doc = {"events": [an_event(rng, f"e{k}", supply / events, lot) for k in range(events)]}
    if events > 1 and rng.random() < 0.4:
        for k, event in enumerate(calendar["events"]):
            if k or rng.random() < 0.5:
                event["priority"] = rng.choice([1, 2, 2])
    settings: Doc = {"whole_lots": whole}
    for key, value in (
        ("unranked", False),
        ("other_mechanisms_anywhere", True),
        ("old_ccer", True),
        ("stale", "admit"),
        ("forestry_accrual", "ex_ante"),
        ("allow_late", True),
    ):
        if rng.random() < 0.15:
            settings[key] = value
    if rng.random() < 0.08:
        settings["discount_rate"] = rng.choice(["0.05", "0.0333"])
    calendar["settings"] = settings
    if rng.random() < 0.15:
        calendar["policy"] = "mee-2019"
    outlook = []
    if rng.random() < 0.1:
        kind = rng.choice(market)["instrument"]
        outlook = [{"instrument": kind, "from": "2027-01-01", "factor": rng.choice(["0.9", "1.25", "1"])}]
    return {"calendar": calendar, "offers": market, "outlook": outlook}


def a_budget(rng: random.Random, costs: list[Fraction], first_year: int = AS_OF.year) -> Doc:
    """A sum that just fits one of these costs (yuan), or misses it by a fen; in all, by year, or both."""
    cost = rng.choice(costs)
    fen = max(0, ceil(cost * 100) - rng.choice([0, 0, 0, 1]))
    total = decimal(Fraction(fen, 100), 2)
    kind = rng.choice(["total", "total", "years", "carry", "both"])
    if kind == "total":
        return {"total": total}
    first = rng.choice([0, fen, fen // 2, fen // 3])
    years = {first_year: decimal(Fraction(first, 100), 2), first_year + 1: decimal(Fraction(fen - first, 100), 2)}
    if rng.random() < 0.3:
        years[first_year + 2] = years.pop(first_year + 1)
    budget: Doc = {"by_fiscal_year": years}
    if kind == "carry":
        budget["carry_forward"] = True
    if kind == "both":
        budget["total"] = decimal(Fraction(fen * 3 // 4, 100), 2)
    return budget


def with_budgets(case: Doc, seed: int, costs: list[Fraction]) -> Doc:
    """The case with a budget on an event, on the calendar, or on both."""
    rng = random.Random(seed * 7919 + 1)
    calendar = {**case["calendar"], "events": [dict(e) for e in case["calendar"]["events"]]}
    shared = len(calendar["events"]) > 1 and rng.random() < 0.6
    if shared:
        calendar["budget"] = a_budget(rng, costs)
    if not shared or rng.random() < 0.3:
        rng.choice(calendar["events"])["budget"] = a_budget(rng, costs)
    return {**case, "calendar": calendar}


CUSTOM: list[list[Doc]] = [
    [{"level": "cost", "absolute": "10"}, {"level": "shortfall"}, {"level": "tier 1"}],
    [{"level": "shortfall", "absolute": "3"}, {"level": "cost", "relative": "0.1"}, {"level": "tier 2"}],
    [
        {"level": "shortfall", "relative": "0.25"},
        {"level": "rules"},
        {"level": "tier 1", "absolute": "1"},
        {"level": "cost"},
    ],
    [
        {"level": "tier 3"},
        {"level": "shortfall"},
        {"level": "tier 1"},
        {"level": "cost", "relative": "0.2"},
        {"level": "tier 2"},
    ],
    [{"level": "shortfall"}],
]
PRESETS = ["priority-first", "order-first", "cost-first", "balanced"]
