"""The broker's inventory: lots with what is free, held and sold; files that come in; a lot's history."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, get_args

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from api.access.scope import Scope
from api.archive import events
from api.database.ledger_tables import moves
from api.demo import example
from api.ledger import inventory
from api.ledger.lots import MoveKind, as_dict, find_lots, move_as_dict
from api.pages.field_faults import at_fields
from api.pages.listing import Column, listing
from api.pages.typed_forms import Typed, typed
from api.pages.viewing import View, viewing
from api.plain_data import read_plain
from api.planning import plain_value
from api.refusals import Refused
from api.routes.inventory import signed_kg
from market_data import OffersFile, read_offers
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.plan import canonical
from optimizer.wording import INSTRUMENT_NAMES, Text

router = APIRouter(include_in_schema=False)
SHOWN_MAX = 100
"""Faults of a file that a page lists: who has more has another kind of file."""
HISTORY_MAX = 500
"""Moves of a lot that its page shows, the newest; `/v1/inventory/{lot}/moves` has all."""
EXAMPLE_MARKET, EXAMPLE_EVENTS = "taiyuan-marathon-2026", ("taiyuan-marathon-2026", "shanxi-calendar-2026")
TONNES = Text("吨", "t")
PRICE = Text("元/吨", "yuan/t")

COLUMNS = (
    Column("offer_id", Text("批次", "Lot"), "text"),
    Column("instrument", Text("品种", "Kind"), "text", lambda row: instrument_of(row["terms"])),
    Column("vintage", Text("年份", "Vintage"), "text", lambda row: row["terms"].get("vintage")),
    Column("seller", Text("卖方", "Seller"), "text", lambda row: row["terms"].get("seller")),
    Column("price", Text("成本价", "Cost"), "money", lambda row: row["terms"].get("price"), unit=PRICE),
    Column("available_t", Text("可售", "Free"), "tonnes", unit=TONNES),
    Column("held_t", Text("预留", "Held"), "tonnes", unit=TONNES),
    Column("sold_t", Text("已售", "Sold"), "tonnes", unit=TONNES),
    Column("valid_until", Text("有效期至", "Valid until"), "day", lambda row: row["terms"].get("valid_until")),
)
MOVE_COLUMNS = (
    Column("made_at", Text("时间", "When"), "moment", sorts=False),
    Column("kind", Text("事项", "What"), "text", sorts=False),
    Column("stock_change_t", Text("库存变动", "Stock change"), "tonnes", unit=TONNES, sorts=False),
    Column("held_change_t", Text("预留变动", "Held change"), "tonnes", unit=TONNES, sorts=False),
    Column("stock_t", Text("库存", "Stock"), "tonnes", unit=TONNES, sorts=False),
    Column("held_t", Text("预留", "Held"), "tonnes", unit=TONNES, sorts=False),
    Column("reason", Text("说明", "Why"), "text", sorts=False),
)
MOVE_NAMES: dict[str, Text] = {
    "import": Text("导入", "imported"),
    "adjust": Text("调整", "adjusted"),
    "hold": Text("预留", "held"),
    "release": Text("释放", "released"),
    "expire": Text("到期释放", "hold expired"),
    "fill": Text("交付", "delivered"),
    "cancel": Text("订单取消", "order cancelled"),
}
assert set(MOVE_NAMES) == set(get_args(MoveKind.__value__))
LABELS = {
    "change_t": Text("库存增减", "Stock, more or less"),
    "price": Text("成本价", "Cost"),
    "valid_until": Text("有效期至", "Valid until"),
    "reason": Text("原因", "Why"),
}
MODES = (
    ("new", Text("只加入新批次; 已有的批次算错误", "Only new lots; one that is there is a fault")),
    ("add", Text("在已有批次上追加数量 (条件须相同)", "Put more on top of lots that are there (same terms)")),
    ("replace", Text("以文件内容替换同编号的批次", "Replace lots of the same id by the file's")),
)


def instrument_of(terms: Mapping[str, Any]) -> Text | str:
    """The kind of a lot in words."""
    name = str(terms.get("instrument", ""))
    return INSTRUMENT_NAMES.get(name, name)


def _sum(rows: Sequence[Mapping[str, Any]], key: str) -> Decimal:
    return sum((Decimal(row[key]) for row in rows), Decimal(0))


@router.get("/inventory")
async def show_inventory(view: View = viewing("inventory.read")) -> Response:
    """Every lot, and what of it can be sold."""
    rows = await run_in_threadpool(view.read, inventory.shelf)
    sums = {key: _sum(rows, key) for key in ("available_t", "held_t", "sold_t")}
    return view.page("inventory/inventory.html", list=listing(view.request, rows, COLUMNS), sums=sums)


# ------------------------------------------------------------------------------------------------------------ import


@router.get("/inventory/import")
async def import_page(view: View = viewing("inventory.write")) -> Response:
    """Where offers come into the inventory."""
    return _import_page(view)


def _import_page(view: View, form: Typed | None = None, found: Sequence[Finding] = (), status: int = 200) -> Response:
    kept = {"mode": "new", "reason": ""} if form is None else {k: form.text(k) for k in ("mode", "reason")}
    faults, more = found[:SHOWN_MAX], max(len(found) - SHOWN_MAX, 0)
    return view.page("inventory/import.html", status, form=kept, modes=MODES, faults=faults, more=more)


@router.post("/inventory/import")
async def import_file(view: View = viewing("inventory.write")) -> Response:
    """Takes a file's offers into the inventory, all of them, or tells every fault by row and column."""
    form = await typed(view)

    def work() -> tuple[inventory.Imported, OffersFile]:
        mode = next((known for known, _ in MODES if known == form.text("mode")), None)
        if "file" not in form.files or mode is None:
            raise BadInput([fault("file_missing", "请选择文件", "choose a file", path="file")])
        name, content = form.files["file"]
        file = read_offers("", content=content, name=name)
        return view.write(lambda scope: inventory.import_offers(scope, file, mode, form.text("reason"))), file  # type: ignore[arg-type]

    try:
        done, file = await run_in_threadpool(work)
    except BadInput as error:
        return _import_page(view, form, error.findings, 422)
    except Refused as error:
        if error.code != "conflict":
            raise
        return _import_page(view, form, error.findings, error.kind.status)
    if not file.findings:
        return view.go("/inventory", note="imported")
    shown, more = file.findings[:SHOWN_MAX], max(len(file.findings) - SHOWN_MAX, 0)
    return view.page("inventory/imported.html", done=done, file=file, shown=shown, more=more)


@router.post("/inventory/example")
async def import_example(view: View = viewing("inventory.write")) -> Response:
    """The example's market as an inventory, and events that can be quoted: to look around."""
    market = example(EXAMPLE_MARKET)

    def work(scope: Scope) -> None:
        inventory.import_offers(scope, read_offers(str(market.offers)), "replace")
        for name in EXAMPLE_EVENTS:
            value = {**plain_value(read_plain(example(name).event).value), "id": name}
            events.keep_version(scope, name, canonical(value).encode(), None)

    await run_in_threadpool(view.write, work)
    return view.go("/inventory", note="imported")


# --------------------------------------------------------------------------------------------------------------- a lot


@router.get("/inventory/{lot_id}/undo")
@router.get("/inventory/{lot_id}")
async def show_lot(lot_id: str, view: View = viewing("inventory.read")) -> Response:
    """A lot: what is there, its terms, its history, and how it is put right."""
    return await _lot_page(view, lot_id)


async def _lot_page(
    view: View, lot_id: str, form: Typed | None = None, found: Sequence[Finding] = (), status: int = 200
) -> Response:
    def known(scope: Scope) -> dict[str, Any]:
        lot = as_dict(find_lots(scope, [lot_id])[lot_id])
        rows, _ = scope.page(moves, HISTORY_MAX, None, moves.c.lot_id == lot_id)
        sold = inventory.sold_kg(scope).get(lot_id, 0)
        history = [{**move_as_dict(scope, row), "name": MOVE_NAMES[row["kind"]]} for row in rows]
        return {"lot": lot, "history": history, "sold_t": Decimal(sold) / 1000}

    shown = await run_in_threadpool(view.read, known)
    terms = shown["lot"]["terms"]
    kept = {"change_t": "", "price": terms.get("price", ""), "valid_until": terms.get("valid_until", ""), "reason": ""}
    if form is not None:
        kept = {key: form.text(key) for key in kept}
    history = listing(view.request, shown.pop("history"), MOVE_COLUMNS)
    values = {**shown, "history": history, "form": kept, "instrument": instrument_of(terms), "faults": found}
    return view.page("inventory/lot.html", status, **values)


@router.post("/inventory/{lot_id}")
async def adjust_lot(lot_id: str, view: View = viewing("inventory.write")) -> Response:
    """Changes stock, price or validity of a lot, with a reason that stays in its history."""
    form = await typed(view)

    def work(scope: Scope) -> None:
        terms = json.loads(find_lots(scope, [lot_id])[lot_id]["terms"])
        given = {name: form.text(name) for name in ("price", "valid_until") if form.has(name)}
        changed = {name: value or None for name, value in given.items() if value != terms.get(name, "")}
        change_kg = signed_kg(form.text("change_t") or "0")
        version = form.whole("version", 1, 10**9)
        inventory.adjust(
            scope, lot_id, change_kg=change_kg, terms=changed, reason=form.text("reason"), expected=version
        )

    return await _adjusted(view, lot_id, work, form)


@router.post("/inventory/{lot_id}/undo")
async def undo_adjustment(lot_id: str, view: View = viewing("inventory.write")) -> Response:
    """Takes the last adjustment back: stock and terms become what they were before it; both stay in the history."""
    form = await typed(view)

    def work(scope: Scope) -> None:
        last, terms = inventory.before_last_adjustment(scope, lot_id)
        if last["id"] != form.text("move"):
            raise Refused("stale", [fault("stale", "此后已有其他变动", "something else has changed since")])
        reason = view.say("撤销调整", "adjustment undone")
        inventory.adjust(scope, lot_id, change_kg=-last["stock_delta_kg"], terms=terms, reason=reason, expected=None)

    return await _adjusted(view, lot_id, work, None)


def _by_column(found: Finding) -> Finding:
    return replace(found, path=found.column or found.path, row=None, column="")


async def _adjusted(view: View, lot_id: str, work: Any, form: Typed | None) -> Response:
    try:
        await run_in_threadpool(view.write, work)
    except BadInput as error:
        return await _lot_page(view, lot_id, form, at_fields(map(_by_column, error.findings), LABELS), 422)
    except Refused as error:
        if error.code != "stale":
            raise
        return await _lot_page(view, lot_id, form, error.findings, error.kind.status)
    return view.go(f"/inventory/{lot_id}", note="saved" if form is not None else "undone")
