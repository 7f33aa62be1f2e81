"""Markets: the snapshots that are kept, what is in one, and what changed from one to another."""

from collections import Counter
from fractions import Fraction
from typing import Any

import numpy as np
from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from api import settings
from api.access.scope import Scope
from api.archive.held_offers import held_offers
from api.database.tables import held_snapshots
from api.pages.listing import SIZES, Column, Listing, listing
from api.pages.offer_listing import offer_listing
from api.pages.viewing import View, viewing
from market_data.differences import EXPIRING_DAYS, KIND_WORDS, Differences, differences
from market_data.store_tables import findings_of
from market_data.synthetic import is_synthetic
from optimizer.offers import Offers
from optimizer.quantities import E4, round_half_up, tonnes, yuan
from optimizer.wording import INSTRUMENT_NAMES, Text

router = APIRouter(include_in_schema=False)
OTHERS_MAX = 100
"""Snapshots offered for a comparison, the newest first."""
DOUBTS_SHOWN = 20
SHOWN_ID = 12
COLUMNS = (
    Column("name", Text("名称", "Name"), "text"),
    Column("as_of", Text("行情日期", "As of"), "day"),
    Column("offers", Text("报价", "Offers"), "number", unit=Text("个", "count")),
    Column("doubts", Text("提示", "Doubts"), "number"),
    Column("made_at", Text("保存于", "Kept"), "moment"),
    Column("id", Text("快照编号", "Snapshot id"), "text"),
)


@router.get("/markets")
async def list_markets(view: View = viewing("snapshots.read")) -> Response:
    """Every snapshot of the organisation, the newest first."""

    def work(scope: Scope) -> list[dict[str, Any]]:
        rows = scope.rows(scope.select(held_snapshots).order_by(held_snapshots.c.number.desc()))
        return [_line(row) for row in rows]

    rows = await run_in_threadpool(view.read, work)
    return view.page("markets/list.html", list=listing(view.request, rows, COLUMNS))


def _line(row: Any) -> dict[str, Any]:
    """A holding as lists show it."""
    return {
        "id": row["snapshot_id"],
        "name": row["name"],
        "as_of": row["as_of"],
        "offers": row["offers"],
        "doubts": len(findings_of(row["findings"])),
        "made_at": row["made_at"],
    }


@router.get("/markets/{snapshot}")
async def show_market(snapshot: str, view: View = viewing("snapshots.read")) -> Response:
    """What a market holds: by instrument, its doubts, every offer."""

    def work(scope: Scope) -> tuple[Any, Offers, list[dict[str, Any]]]:
        row, offers = held_offers(scope, snapshot)
        return row, offers, _others(scope, row["snapshot_id"])

    def whole() -> Response:
        row, offers, others = view.read(work)
        table = offer_listing(view.request, offers, view.lang)
        findings = findings_of(row["findings"])
        return view.page(
            "markets/show.html",
            row=_line(row),
            doubts=findings[:DOUBTS_SHOWN],
            doubts_more=findings[DOUBTS_SHOWN:],
            instruments=_instruments(offers),
            all_t=tonnes(int(offers.quantity_kg.sum())),
            synthetic=int(is_synthetic(offers).sum()),
            expired=_expired(offers),
            others=others,
            list=table,
        )

    return await run_in_threadpool(whole)


def _expired(offers: Offers) -> int:
    today = np.datetime64(settings.today(), "D")
    return int((~np.isnat(offers.valid_until) & (offers.valid_until < today)).sum())


def _others(scope: Scope, snapshot_id: str) -> list[dict[str, Any]]:
    wanted = scope.select(held_snapshots, held_snapshots.c.snapshot_id != snapshot_id)
    rows = scope.rows(wanted.order_by(held_snapshots.c.number.desc()).limit(OTHERS_MAX))
    return [{"id": r["snapshot_id"], "name": r["name"], "as_of": r["as_of"]} for r in rows]


def _instruments(offers: Offers) -> list[dict[str, Any]]:
    """Offers, tonnes and prices of each instrument, the one with the most offers first."""
    counts = Counter(dict(zip(offers.instrument.names, _counts(offers), strict=True)))
    lines = []
    for name, n in counts.most_common():
        mine = offers.instrument.isin((name,))
        if not n:
            continue
        prices = offers.price_fen[mine]
        lines.append(
            {
                "name": INSTRUMENT_NAMES[name],
                "code": name,
                "offers": n,
                "t": tonnes(int(offers.quantity_kg[mine].sum())),
                "lowest": yuan(int(prices.min())),
                "median": yuan(int(np.median(prices))),
                "highest": yuan(int(prices.max())),
            }
        )
    return lines


def _counts(offers: Offers) -> list[int]:
    codes = offers.instrument.codes
    counted: list[int] = np.bincount(codes[codes >= 0], minlength=len(offers.instrument.names)).tolist()
    return counted


# ---------------------------------------------------------------------------------------------------------- differences

CHANGE_COLUMNS = (
    Column("offer_id", Text("编号", "Id"), "text", sorts=False),
    Column("kinds", Text("变化", "What changed"), "text", sorts=False),
    Column("old_price", Text("原全价", "All-in price before"), "money", sorts=False, unit=Text("元/吨", "yuan/t")),
    Column("new_price", Text("现全价", "All-in price now"), "money", sorts=False, unit=Text("元/吨", "yuan/t")),
    Column("old_t", Text("原数量", "Quantity before"), "tonnes", sorts=False, unit=Text("吨", "t")),
    Column("new_t", Text("现数量", "Quantity now"), "tonnes", sorts=False, unit=Text("吨", "t")),
    Column("valid_until", Text("有效期至", "Valid until"), "day", sorts=False),
)


@router.get("/markets/{snapshot}/differences")
async def show_differences(snapshot: str, view: View = viewing("snapshots.read")) -> Response:
    """What changed from this market to another, each way in turn: `?to=` the other, `?kind=` of one way only."""

    def work(scope: Scope) -> tuple[Any, Offers, Any, Offers, list[dict[str, Any]]]:
        row, old = held_offers(scope, snapshot)
        others = _others(scope, row["snapshot_id"])
        to = view.request.query_params.get("to", "") or (others[0]["id"] if others else row["snapshot_id"])
        other, new = held_offers(scope, to)
        return row, old, other, new, others

    def whole() -> Response:
        row, old, other, new, others = view.read(work)
        found = differences(old, new, settings.today(), EXPIRING_DAYS)
        kind = view.request.query_params.get("kind", "")
        kind = kind if kind in KIND_WORDS else ""
        return view.page(
            "markets/differences.html",
            row=_line(row),
            other=_line(other),
            others=others,
            counts=found.counts,
            kinds=KIND_WORDS,
            kind=kind,
            nothing_changed=found.nothing_changed,
            list=_changes(view, found, kind),
        )

    return await run_in_threadpool(whole)


def _changes(view: View, found: Differences, kind: str) -> Listing:
    """One page of the changes; only those up to it are worded."""
    asked = dict(view.request.query_params)
    n = found.counts[kind] if kind else len(found)
    size = next((s for s in SIZES if str(s) == asked.get("size")), 50)
    wanted = asked.get("page", "1")
    page = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 9 else 1
    page = min(max(1, page), max(1, -(-n // size)))
    changes = list(found.rows(kind or None, page * size))[(page - 1) * size :]
    others = {k: v for k, v in asked.items() if k not in ("page", "size", "sort", "q", "note", "lang")}
    rows = [_change(one, view) for one in changes]
    return Listing("", CHANGE_COLUMNS, rows, n, n, page, size, "", "", view.request.url.path, others)


def _change(one: Any, view: View) -> dict[str, Any]:
    return {
        "offer_id": one.offer_id,
        "kinds": ", ".join(KIND_WORDS[k].say(view.lang) for k in one.kinds),
        "old_price": _all_in(one.old_price_e4),
        "new_price": _all_in(one.new_price_e4),
        "old_t": None if one.old_quantity_kg is None else tonnes(one.old_quantity_kg),
        "new_t": None if one.new_quantity_kg is None else tonnes(one.new_quantity_kg),
        "valid_until": one.valid_until,
    }


def _all_in(price_e4: int | None) -> str | None:
    """Yuan per tonne of a price in 1/10^4 fen, to the fen."""
    return None if price_e4 is None else yuan(round_half_up(Fraction(price_e4, E4)))
