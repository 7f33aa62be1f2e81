"""Seeded markets for benchmarks, built column by column: five kinds of offers, n / 20 sellers, lots of 1 t."""

from datetime import date

import numpy as np

from optimizer import Calendar, Event, Offers, Problem, read_rule_pack
from optimizer.offers import Labels

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
    never = np.full(n, np.datetime64("NaT"), dtype="datetime64[D]")
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
