"""Seeded markets for benchmarks, built column by column: five kinds of offers, n / 20 sellers, lots of 1 t."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer import Calendar, Event, Offers, Problem, read_rule_pack
from optimizer.offers import Ints, Labels

AS_OF = date(2026, 11, 22)
KINDS = ("carbon_inclusion", "ccer", "credit", "forestry", "allowance")
PRICE_MEAN, PRICE_SPREAD = (60.0, 95.0, 70.0, 400.0, 80.0), (8.0, 10.0, 8.0, 60.0, 6.0)
SCHEDULES = (
    "2029-12-31=0.2;2032-06-30=0.5",
    "2029-12-31=0.15;2032-06-30=0.4",
    "2030-12-31=0.1;2032-06-30=0.35",
)


def market(n: int, seed: int = 0, *, minimums: bool = False) -> Offers:
    """A market of n offers; with `minimums` one in five has a minimum and a fixed fee."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(5, n, p=[0.05, 0.15, 0.3, 0.1, 0.4])
    sellers = max(n // 20, 4)
    zero, blank = np.zeros(n, dtype=np.int64), Labels(np.full(n, -1, dtype=np.int32), ())
    never = np.full(n, np.datetime64("NaT", "D"))
    price = rng.normal(PRICE_MEAN, PRICE_SPREAD, size=(n, 5))[np.arange(n), kind].clip(5)
    bound = rng.random(n) < (0.2 if minimums else 0.0)
    code = kind.astype(np.int32)
    return Offers(
        offer_id=np.array([f"offer-{i:07d}" for i in range(n)], dtype=object),
        instrument=Labels(code, KINDS),
        mechanism=Labels(code, ("三晋绿色生活", "CCER", "VCS", "林业", "CEA")),
        project_id=blank,
        project_name=blank,
        methodology=blank,
        region=Labels(np.array([0, 0, 1, 0, 1], dtype=np.int32)[kind], ("14", "44")),
        vintage=zero + 2024,
        seller=Labels(rng.integers(0, sellers, n).astype(np.int32), tuple(f"seller-{i:05d}" for i in range(sellers))),
        quantity_kg=rng.integers(10, 500, n) * 1000,
        price_fen=np.round(price * 100).astype(np.int64),
        min_quantity_kg=np.where(bound, rng.integers(2, 10, n) * 1000, 0),
        lot_kg=zero + 1000,
        price_breaks=blank,
        fixed_fee_fen=np.where(bound, rng.integers(50, 500, n) * 100, 0),
        unit_fee_fen=zero,
        fee_rate_e4=zero,
        channel=blank,
        valid_from=never,
        valid_until=never,
        settlement_days=zero,
        registered_on=never,
        last_traded_on=never,
        certified_by=Labels(np.where(kind == 3, 0, -1).astype(np.int32), ("认证机构",)),
        planted_by=never,
        certification_due=never,
        delivery_schedule=Labels(np.where(kind == 3, rng.integers(0, 3, n), -1).astype(np.int32), SCHEDULES),
        payment_schedule=blank,
        buffer_e4=zero,
        registry=blank,
        firm=np.ones(n, dtype=bool),
    )


def one_event(n: int, seed: int = 0, *, whole_lots: bool, minimums: bool = False) -> Problem:
    """One event that needs 5 % of a market of n offers, no seller above 30 % of it."""
    offers = market(n, seed, minimums=minimums)
    need = round(float(offers.quantity_kg.sum()) / 1000 * 0.05, 1)
    event = Event.model_validate(
        {
            "id": "event",
            "end_date": "2026-10-11",
            "emissions": {"tonnes": str(need), "status": "verified"},
            "limits": [{"group": "seller", "max_share": "0.3"}],
            "settings": {"whole_lots": whole_lots},
        }
    )
    return Problem(Calendar.of(event), offers, read_rule_pack("shanxi-2022"), AS_OF)


SEASON_SHARE = 0.25
"""Of what is on the market the events of a season need this share."""
CHANNELS = ("holder", "agent", "donation")
SHARED_YUAN_PER_T = {2026: 130, 2027: 250}
"""Money that all events of a season share, by fiscal year, for each tonne that they need."""
OWN_YUAN_PER_T = {2026: 100, 2027: 600}
"""The same for an event that has money of its own."""


def season(events: int, offers: int, seed: int = 0) -> Problem:
    """A calendar that shares one market, in divisible quantities; about half of all pairs may trade.

    Quotes open and close within 14 months, come through three channels and are of 2019 to 2025; events ended in the
    last eleven months, close their channels and vintages to some, and are of three classes. All share the money of two
    fiscal years; every tenth event has money of its own too, of which the first year binds some.
    """
    rng = np.random.default_rng((seed, events, offers))
    today = np.datetime64(AS_OF, "D")
    opens = today + _days(rng.integers(-200, 200, offers))
    supply = replace(
        market(offers, seed),
        vintage=rng.integers(2019, 2026, offers),
        channel=Labels(rng.integers(-1, len(CHANNELS), offers).astype(np.int32), CHANNELS),
        valid_from=opens,
        valid_until=np.maximum(opens, today) + _days(rng.integers(30, 220, offers)),
    )
    weight = rng.uniform(0.2, 1.8, events)
    need_t = weight / weight.sum() * float(supply.quantity_kg.sum()) / 1000 * SEASON_SHARE
    calendar = {
        "settings": {"whole_lots": False},
        "budget": _by_year(float(need_t.sum()), SHARED_YUAN_PER_T),
        "events": [_of_season(k, t, rng) for k, t in enumerate(need_t.tolist())],
    }
    return Problem(Calendar.model_validate(calendar), supply, read_rule_pack("shanxi-2022"), AS_OF)


def _days(count: Ints) -> NDArray[np.timedelta64]:
    return count.astype("timedelta64[D]")


def _of_season(k: int, need_t: float, rng: np.random.Generator) -> dict[str, Any]:
    event: dict[str, Any] = {
        "id": f"event-{k:05d}",
        "end_date": AS_OF - timedelta(days=int(rng.integers(0, 330))),
        "priority": int(rng.integers(1, 4)),
        "emissions": {"tonnes": f"{need_t:.1f}", "status": "verified"},
        "eligibility": {
            "channels": rng.choice(CHANNELS, 2, replace=False).tolist(),
            "vintage_min": int(rng.integers(2019, 2022)),
        },
    }
    return event | ({"budget": _by_year(need_t, OWN_YUAN_PER_T)} if k % 10 == 0 else {})


def _by_year(need_t: float, yuan_per_t: dict[int, int]) -> dict[str, Any]:
    return {"by_fiscal_year": {year: f"{need_t * each:.2f}" for year, each in yuan_per_t.items()}}
