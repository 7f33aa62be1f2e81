"""The start: what was planned last, what comes next, and an example that is one click away."""

from typing import Any

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from api.access.scope import Scope
from api.archive import events, markets, runs
from api.database import tables
from api.demo import EXAMPLES, Example, example
from api.event_files import calendar_of
from api.pages.plan_making import plan_kept
from api.pages.viewing import View, viewing
from api.plain_data import read_plain
from api.planning import plain_value
from market_data import read_offers
from market_data.snapshot import Snapshot
from optimizer.plan import canonical

router = APIRouter(include_in_schema=False)
LATEST = 5
"""Plans that the start shows."""


@router.get("/")
async def home(view: View = viewing("self")) -> Response:
    """Where everybody begins."""

    def known(scope: Scope) -> dict[str, Any]:
        if not scope.actor.may("plans.read"):
            return {"latest": [], "events": 0, "markets": 0}
        rows, _ = scope.page(tables.runs, LATEST, None)
        return {
            "latest": events.with_names(scope, [runs.as_dict(row) for row in rows]),
            "events": scope.count(tables.events),
            "markets": scope.count(tables.held_snapshots),
        }

    return view.page("home.html", examples=EXAMPLES, **await run_in_threadpool(view.read, known))


@router.post("/examples/{name}")
async def try_example(name: str, view: View = viewing("plans.make")) -> Response:
    """An example's market and event are kept, and its plan is made: the same as `jinheng demo`."""
    one = example(name)

    def keep(scope: Scope) -> str:
        return keep_example(scope, one)

    snapshot_id = await run_in_threadpool(view.write, keep)
    question = {"event_id": one.name, "snapshot": snapshot_id, "as_of": one.as_of.isoformat(), "explain": "short"}
    return view.go(f"/plans/{await plan_kept(view, question)}")


def keep_example(scope: Scope, one: Example) -> str:
    """Keeps an example's event and market; gives the snapshot's id. What is there already stays as it is."""
    file = read_offers(str(one.offers))
    ready = markets.encoded(Snapshot(file.offers, one.market, one.as_of, file.findings, len(file.offers)))
    data = read_plain(one.event)
    calendar_of(data, None)
    value = {**plain_value(data.value), "id": one.name}
    events.keep_version(scope, one.name, canonical(value).encode(), None)
    return str(markets.hold(scope, ready)["snapshot_id"])
